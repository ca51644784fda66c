"""Writes what a LiteLLM router does as routetop native events (version 1), one JSON object a line.

LiteLLM's own logging payload hides facts that routing questions need: which group was asked first,
which groups were skipped because all their deployments were in cooldown, which attempts failed
between the first and the last, and requests that failed without any call. This callback sees them
where the router makes its choices and writes them as `decision`, `attempt`, `outcome` and
`correction` events.

Never written: prompts, answers, headers, keys, error texts.

Needs nothing but LiteLLM and the standard library. See README.md beside this file.
"""

import asyncio
import atexit
import contextvars
import json
import os
import sys
import threading
import time
import uuid
import weakref
from collections import OrderedDict
from datetime import datetime, timezone

from litellm.integrations.custom_logger import CustomLogger

try:  # LiteLLM's own short codes, e.g. `503_PROVIDER_OVERLOADED`; older ones have none.
    from litellm.litellm_core_utils.error_normalization import normalize_error
except ImportError:
    normalize_error = None

if not hasattr(CustomLogger, "async_post_call_failure_deployment_hook"):
    raise ImportError("routetop_litellm needs LiteLLM 1.100.0 or newer: older ones do not tell of every failed call")

PATH_VARIABLE = "ROUTETOP_LITELLM_LOG"
PATH_DEFAULT = "routetop-litellm.jsonl"
SIGNALS = (
    "retrieval_confidence",
    "input_complexity",
    "tools_required",
    "format_strictness",
    "user_tier",
    "session_fallbacks",
)
SKIPPED = {"outcome": "skipped", "reason": "cooldown"}
TEXT_LEN_MAX = 256
REQUESTS_MAX = 10_000
SWEEP_S = 1.0
# Longer than any pause LiteLLM makes between two attempts (a Retry-After counts up to 60 s).
SETTLE_S = 90.0

_current = contextvars.ContextVar("routetop_request", default=None)


class Attempt:
    """One call to a deployment, or a group that was skipped."""

    def __init__(self, n, model, group, start):
        self.n = n
        self.model = model
        self.group = group
        self.start = start
        self.facts = None  # set when it ended

    def event(self):
        return {"n": self.n, "model": self.model, "tier": self.group, **(self.facts or {})}


class Request:
    """What is known of one client request while it is under way."""

    def __init__(self, request_id, trace_id, route, is_streamed):
        self.id = request_id
        self.trace_id = trace_id
        self.route = route
        self.ts = time.time()
        self.is_streamed = is_streamed  # events are written as they happen, else one line at the end
        self.is_decided = False
        self.has_routed = False
        self.attempts = []
        self.calls = OrderedDict()  # litellm_call_id -> the newest attempt under it
        self.facts = {}
        self.outcome = None
        self.latency_ms = None
        self.quiet_since = time.monotonic()
        self.is_written = False
        self.task = _task()

    def attempt_of(self, call_id):
        found = self.calls.get(call_id)
        if found is None:
            found = next((a for a in reversed(self.attempts) if a.facts is None), None)
        return found

    def is_idle(self):
        return all(attempt.facts is not None for attempt in self.attempts)

    def is_abandoned(self):
        task = self.task() if self.task is not None else None
        return self.task is not None and (task is None or task.done())


class RoutetopLogger(CustomLogger):
    """The callback; one instance a process, safe with several workers on one file."""

    def __init__(self, path=None, settle_s=SETTLE_S):
        super().__init__()
        self.path = path or os.environ.get(PATH_VARIABLE) or PATH_DEFAULT
        self.settle_s = settle_s
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._requests = OrderedDict()  # trace or call id -> Request, oldest first
        self._file = LineFile(self.path)
        self._sweeper = None
        atexit.register(self.close)

    # Where the router makes its choices

    async def async_filter_deployments(
        self, model, healthy_deployments, messages, request_kwargs=None, parent_otel_span=None
    ):
        """Sees every choice of a group; no deployment left means that the group is skipped."""
        self._guard(self._routed, model, healthy_deployments, request_kwargs)
        return healthy_deployments

    async def async_pre_call_deployment_hook(self, kwargs, call_type):
        """Sees every call before it is made."""
        self._guard(self._call_begins, kwargs)
        return None

    async def async_post_call_failure_deployment_hook(
        self, request_data, exception, call_type, fallback_depth=None
    ):
        """Sees every call that failed, also those between the first and the last."""
        self._guard(self._call_failed, request_data, exception)

    # What LiteLLM logs

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self._guard(self._call_succeeded, kwargs, start_time, end_time)

    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        self._guard(self._call_succeeded, kwargs, start_time, end_time)

    def log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self._guard(self._failure_logged, kwargs, start_time, end_time)

    async def log_success_fallback_event(self, original_model_group, kwargs, original_exception):
        self._guard(self._fell_back, original_model_group, kwargs, original_exception)

    async def log_failure_fallback_event(self, original_model_group, kwargs, original_exception):
        self._guard(self._fell_back, original_model_group, kwargs, original_exception)

    async def async_post_call_failure_hook(self, request_data, original_exception, user_api_key_dict, *rest, **more):
        """Proxy only: the client got an error."""
        self._guard(self._client_failed, request_data)
        return None

    # What the application adds

    def request_id(self):
        """Returns the id of the latest request of this task or thread, to name it in a correction."""
        request = _current.get()
        return request.id if request is not None else None

    def correction(self, request_id=None, session_id=None, kind="other", by="user", after_s=None):
        """Records that the answer of a request (or the latest one of a session) was corrected.

        kind: edit, regenerate, rephrase, thumbs_down, takeover, other. by: user, reviewer, judge.
        """
        if not request_id and not session_id:
            raise ValueError("a correction needs a request_id or a session_id")
        self._write(
            "correction",
            request_id=request_id,
            session_id=session_id,
            kind=kind,
            by=by,
            after_s=after_s,
        )

    def marker(self, label, kind="deploy", route=None):
        """Records a change to be drawn on charts; kind: deploy, policy, config, incident."""
        self._write("marker", label=_text(label), kind=kind, route=route)

    def close(self):
        """Settles what is open and failed, and writes it."""
        with self._lock:
            for request in list(self._requests.values()):
                self._settle(request, is_over=True)

    # Inside

    def _guard(self, step, *args):
        """A callback must never break the request that it looks at."""
        try:
            with self._lock:
                step(*args)
        except Exception as error:  # noqa: BLE001
            print(f"routetop: {type(error).__name__} in {step.__name__}", file=sys.stderr)

    def _begin(self, kwargs, route, is_streamed=True):
        metadata = _metadata(kwargs)
        request_id = metadata.get("request_id") or _of(metadata, "requester_metadata").get("request_id")
        if not isinstance(request_id, str) or not request_id:
            request_id = kwargs.get("litellm_call_id") or str(uuid.uuid4())
        trace_id = kwargs.get("litellm_trace_id") or kwargs.get("litellm_call_id") or request_id
        request = Request(request_id, trace_id, route, is_streamed)
        request.facts = _decision_facts(kwargs, route)
        self._requests[_key(kwargs, request)] = request
        while len(self._requests) > REQUESTS_MAX:
            _, oldest = self._requests.popitem(last=False)
            self._settle(oldest, is_over=True)
        if is_streamed:
            _current.set(request)
        return request

    def _routed(self, group, deployments, kwargs):
        if kwargs is None or "attempted_retries" not in _metadata(kwargs):
            return  # a probe, not a client request
        request = self._routing_request(kwargs)
        request.has_routed = True
        if deployments:
            return
        last = request.attempts[-1] if request.attempts else None
        if last is not None and last.group == group and last.facts is not None and last.facts["outcome"] == "skipped":
            return
        self._decide(request, None)
        attempt = Attempt(len(request.attempts) + 1, group, group, time.time())
        attempt.facts = dict(SKIPPED)
        request.attempts.append(attempt)
        self._attempt_ended(request, attempt)

    def _routing_request(self, kwargs):
        """Returns the request of this task, or a new one: the first choice of a request comes with
        no retry and no fallback behind it."""
        metadata = _metadata(kwargs)
        is_first = not metadata.get("attempted_retries") and not metadata.get("attempted_fallbacks")
        request = _current.get()
        is_ours = request is not None and request.trace_id == (kwargs.get("litellm_trace_id") or request.trace_id)
        if is_ours and not (is_first and request.has_routed):
            return request
        if request is not None and request.attempts and request.is_idle():
            self._settle(request, is_over=True)
        return self._begin(kwargs, _original_group(kwargs))

    def _call_begins(self, kwargs):
        request = _current.get()
        if _metadata(kwargs).get("model_group") is None or request is None or request.outcome is not None:
            # No router chose: a direct call, or a deployment asked for by its id.
            request = self._begin(kwargs, _original_group(kwargs))
        model = _model(kwargs)
        self._decide(request, model)
        attempt = Attempt(len(request.attempts) + 1, model, _group(kwargs), time.time())
        request.attempts.append(attempt)
        call_id = kwargs.get("litellm_call_id")
        request.calls[call_id] = attempt
        self._requests.setdefault(call_id, request)

    def _call_failed(self, kwargs, exception):
        request = self._requests.get(kwargs.get("litellm_call_id")) or _current.get()
        attempt = request.attempt_of(kwargs.get("litellm_call_id")) if request is not None else None
        if attempt is None or attempt.facts is not None:
            return
        attempt.facts = _failure(exception, time.time() - attempt.start, kwargs)
        self._attempt_ended(request, attempt)

    def _failure_logged(self, kwargs, start_time, end_time):
        """Counts only where no hook saw the call: synchronous calls."""
        if kwargs.get("litellm_call_id") in self._requests:
            return
        exception = kwargs.get("exception")
        request = self._late_request(kwargs)
        start = _seconds(start_time)
        attempt = Attempt(0, _model(kwargs), _group(kwargs), start)
        if _is_cooldown(exception):
            attempt.facts = dict(SKIPPED)
        else:
            attempt.facts = _failure(exception, _seconds(end_time) - start, kwargs)
        request.attempts.append(attempt)
        self._attempt_ended(request, attempt)

    def _fell_back(self, group, kwargs, exception):
        """Counts only in synchronous calls, where the choice itself was not seen."""
        if _current.get() is not None or not _is_cooldown(exception):
            return
        request = self._late_request(kwargs)
        if all(attempt.group != group for attempt in request.attempts):
            attempt = Attempt(0, group, group, 0.0)  # before any call
            attempt.facts = dict(SKIPPED)
            request.attempts.insert(0, attempt)
            request.facts["route"] = request.route = group

    def _call_succeeded(self, kwargs, start_time, end_time):
        call_id = kwargs.get("litellm_call_id")
        request = self._requests.get(call_id)
        attempt = request.attempt_of(call_id) if request is not None else None
        start, end = _seconds(start_time), _seconds(end_time)
        if request is None:
            request = self._late_request(kwargs)
        if attempt is None:
            attempt = Attempt(len(request.attempts) + 1, _model(kwargs), _group(kwargs), start)
            request.attempts.append(attempt)
        elif attempt.facts is not None:
            return  # told twice: both the synchronous and the asynchronous way
        if not request.is_streamed:
            request.ts = min(request.ts, start)
        attempt.facts = _success(kwargs, attempt.start, end)
        request.outcome = "completed"
        request.latency_ms = max(0.0, (end - request.ts) * 1000)
        self._attempt_ended(request, attempt)
        self._settle(request)

    def _late_request(self, kwargs):
        """Returns the request of a call that no hook saw."""
        trace_id = _litellm_params(kwargs).get("litellm_trace_id") or kwargs.get("litellm_trace_id")
        trace_id = trace_id or kwargs.get("litellm_call_id")
        request = self._requests.get(trace_id)
        if request is None or request.is_streamed or request.is_written:
            request = self._begin({**kwargs, "litellm_trace_id": trace_id}, _original_group(kwargs), False)
            request.task = None
        return request

    def _client_failed(self, request_data):
        request = self._requests.get(request_data.get("litellm_call_id"))
        if request is None:
            current = _current.get()
            request = current if current is not None and current.outcome is None else None
        if request is None or request.outcome is not None:
            return
        request.outcome = "failed"
        request.latency_ms = (time.time() - request.ts) * 1000
        self._settle(request)

    def _decide(self, request, model):
        if request.is_decided or not request.is_streamed:
            return
        request.is_decided = True
        self._write("decision", ts=request.ts, request_id=request.id, model=model, **request.facts)

    def _attempt_ended(self, request, attempt):
        request.quiet_since = time.monotonic()
        if request.is_streamed:
            self._write("attempt", request_id=request.id, **attempt.event())
        if request.outcome is None:
            request.latency_ms = (time.time() - request.ts) * 1000
        self._watch()

    def _settle(self, request, is_over=False):
        """Writes the end of a request that is over: answered, or failed with nothing to follow."""
        if request.is_written or not request.is_idle():
            return
        quiet = time.monotonic() - request.quiet_since
        if request.outcome is None:
            if not (is_over or request.is_abandoned() or quiet >= self.settle_s):
                return
            request.outcome = "failed"
        if request.is_streamed:
            self._write(
                "outcome", request_id=request.id, outcome=request.outcome, latency_ms=_round(request.latency_ms)
            )
        elif is_over or quiet >= SWEEP_S:
            self._write_whole(request)
        else:
            return
        request.is_written = True

    def _write_whole(self, request):
        request.attempts.sort(key=lambda attempt: attempt.start)
        request.ts = min([request.ts] + [attempt.start for attempt in request.attempts if attempt.start])
        attempts = [{k: v for k, v in attempt.event().items() if k != "n"} for attempt in request.attempts]
        self._write(
            "request",
            ts=request.ts,
            request_id=request.id,
            **request.facts,
            attempts=attempts,
            outcome=request.outcome,
        )

    def _watch(self):
        """Starts the thread that settles, once a process (a fork loses threads)."""
        if self._sweeper is None or not self._sweeper.is_alive() or self._sweeper.pid != os.getpid():
            self._sweeper = threading.Thread(target=self._sweep, name="routetop", daemon=True)
            self._sweeper.pid = os.getpid()
            self._sweeper.start()
        self._wake.notify_all()

    def _sweep(self):
        while True:
            with self._wake:
                while not self._requests:
                    self._wake.wait()
                for key, request in list(self._requests.items()):
                    self._settle(request)
                    # Kept a little, so that a call logged twice is recognised.
                    if request.is_written and time.monotonic() - request.quiet_since > 30:
                        del self._requests[key]
            time.sleep(SWEEP_S)

    def _write(self, event, ts=None, **fields):
        line = {"event": event, "ts": _stamp(time.time() if ts is None else ts)}
        line.update((key, value) for key, value in fields.items() if value is not None)
        self._file.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")


class LineFile:
    """Appends lines, each with one write, to a file that others may append to, rename or remove."""

    def __init__(self, path):
        self.path = path
        self._descriptor = None
        self._identity = None
        self._looked_at = 0.0
        self._is_torn = False

    def write(self, line):
        data = line.encode("utf-8")
        try:
            self._look()
            if self._is_torn:
                data = b"\n" + data
            written = os.write(self._descriptor, data)
            self._is_torn = written < len(data)
        except OSError as error:
            print(f"routetop: cannot append to {self.path}: {error.strerror}", file=sys.stderr)

    def _look(self):
        """Opens the file; opens it anew when another stands at its path (a rotation by renaming)."""
        now = time.monotonic()
        if self._descriptor is not None and now - self._looked_at < SWEEP_S:
            return
        self._looked_at = now
        try:
            found = os.stat(self.path)
            identity = (found.st_dev, found.st_ino)
        except FileNotFoundError:
            identity = None
        if self._descriptor is not None and identity == self._identity:
            return
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(self.path, flags, 0o640)
        opened = os.fstat(self._descriptor)
        self._identity = (opened.st_dev, opened.st_ino)


def _task():
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return None
    return weakref.ref(task) if task is not None else None


def _of(mapping, key):
    value = mapping.get(key) if hasattr(mapping, "get") else None
    return value if isinstance(value, dict) else {}


def _litellm_params(kwargs):
    return _of(kwargs, "litellm_params")


def _metadata(kwargs):
    for holder in (kwargs, _litellm_params(kwargs)):
        for name in ("litellm_metadata", "metadata"):
            if isinstance(holder.get(name), dict) and holder[name]:
                return holder[name]
    return {}


def _key(kwargs, request):
    return kwargs.get("litellm_call_id") if request.is_streamed and kwargs.get("litellm_call_id") else request.trace_id


def _text(value):
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list, tuple)):
        return None
    return str(value)[:TEXT_LEN_MAX] or None


def _original_group(kwargs):
    """Returns the route: what an auto-router decided for, else the group that was asked first."""
    metadata = _metadata(kwargs)
    decision = _of(metadata, "routing_decision")
    router, tier = _text(decision.get("router_model_name")), _text(decision.get("tier"))
    if router:
        return f"{router}/{tier}".lower() if tier else router.lower()
    asked = metadata.get("original_model_group") or metadata.get("model_group_alias") or metadata.get("model_group")
    return _text(asked) or _text(kwargs.get("model")) or "(unknown)"


def _group(kwargs):
    """Returns the group that serves; behind an auto-router, the tier it decided for."""
    metadata = _metadata(kwargs)
    group = _text(metadata.get("model_group"))
    decision = _of(metadata, "routing_decision")
    if group is not None and group == decision.get("router_model_name"):
        return (_text(decision.get("tier")) or group).lower()
    return group


def _model(kwargs):
    """Returns provider/model, as LiteLLM's own payload names it."""
    payload = _of(kwargs, "standard_logging_object")
    metadata = _metadata(kwargs)
    model = _text(payload.get("model")) or _text(metadata.get("deployment")) or _text(kwargs.get("model"))
    return model or "(unknown)"


def _provider(kwargs, model):
    provider = kwargs.get("custom_llm_provider") or _litellm_params(kwargs).get("custom_llm_provider")
    return _text(provider) or (model.split("/", 1)[0] if "/" in model else None)


def _decision_facts(kwargs, route):
    metadata = _metadata(kwargs)
    told = {**metadata, **_of(metadata, "requester_metadata")}
    tags = [tag for tag in (told.get("tags") or []) if isinstance(tag, str)]

    def tag(prefix):
        return next((t[len(prefix) :] for t in tags if t.startswith(prefix) and len(t) > len(prefix)), None)

    decision = _of(metadata, "routing_decision")
    signals = {name: told[name] for name in SIGNALS if _is_plain(told.get(name))}
    if "user_tier" not in signals and tag("tier:"):
        signals["user_tier"] = tag("tier:")
    signals.update(_decision_signals(decision))
    session = told.get("session_id") or kwargs.get("litellm_session_id") or _litellm_params(kwargs).get(
        "litellm_session_id"
    )
    fingerprint = _text(decision.get("router_config_fingerprint"))
    router = _text(decision.get("router_model_name"))
    attrs = {"team": _text(metadata.get("user_api_key_team_alias"))}
    attrs.update((key, _text(value)) for key, value in _of(told, "attrs").items())
    facts = {
        "route": route,
        "session_id": _text(session),
        "task_class": _text(told.get("task_class")) or _text(tag("task:")),
        "policy": f"{router}@{fingerprint[:12]}" if router and fingerprint else None,
        "rule": _text(decision.get("cause")),
        "tier": (_text(decision.get("tier")) or "").lower() or None,
        "reason": _decision_reason(decision),
        "signals": signals or None,
        "attrs": {key: value for key, value in attrs.items() if value} or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _decision_reason(decision):
    for name, words in (("escalation_keyword", "escalation keyword"), ("matched_keyword", "keyword")):
        keyword = _text(decision.get(name))
        if keyword:
            return f"{words}: {keyword}"[:TEXT_LEN_MAX]
    return None


def _decision_signals(decision):
    """Returns the auto-router's score, its boundaries and what it went by, as named signals."""
    signals = {}
    if _is_plain(decision.get("score")):
        signals["score"] = decision["score"]
    for name, value in _of(decision, "tier_boundaries").items():
        if _is_plain(value):
            signals[f"boundary.{name}"[:64]] = value
    if isinstance(decision.get("signals"), (list, tuple)):
        words = ", ".join(str(word) for word in decision["signals"] if isinstance(word, str))
        if words:
            signals["router_signals"] = words[:TEXT_LEN_MAX]
    if isinstance(decision.get("escalated"), bool):
        signals["escalated"] = decision["escalated"]
    return signals


def _is_plain(value):
    if isinstance(value, float):
        return value == value and value not in (float("inf"), float("-inf"))
    return isinstance(value, (bool, int)) or (isinstance(value, str) and 0 < len(value) <= TEXT_LEN_MAX)


def _is_cooldown(exception):
    """Tells whether no deployment of a group could be called."""
    return type(exception).__name__.startswith("RouterRateLimitError")


def _failure(exception, took_s, kwargs):
    status = getattr(exception, "status_code", None)
    name = type(exception).__name__
    is_timeout = "Timeout" in name or status == 408
    reason = None
    if normalize_error is not None and exception is not None:
        try:
            reason = normalize_error(exception, str(status or ""), str(exception))
        except Exception:  # noqa: BLE001
            reason = None
    return {
        "provider": _provider(kwargs, _model(kwargs)),
        "outcome": "timeout" if is_timeout else "error",
        "reason": reason or (str(status) if status else name),
        "latency_ms": _round(max(0.0, took_s) * 1000),
        "cost_usd": 0,  # LiteLLM books no spend for a call that failed.
    }


def _success(kwargs, start, end):
    payload = _of(kwargs, "standard_logging_object")
    cost = payload.get("response_cost", kwargs.get("response_cost"))
    facts = {
        "provider": _provider(kwargs, _model(kwargs)),
        "outcome": "ok",
        "latency_ms": _round(max(0.0, end - start) * 1000),
        "input_tokens": payload.get("prompt_tokens"),
        "output_tokens": payload.get("completion_tokens"),
        "cost_usd": cost if _is_plain(cost) else None,
    }
    first = payload.get("completionStartTime")
    if payload.get("stream") and isinstance(first, (int, float)) and first >= start:
        facts["ttft_ms"] = _round((first - start) * 1000)
    return {key: value for key, value in facts.items() if value is not None}


def _seconds(moment):
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _round(millis):
    return None if millis is None else round(millis, 3)


def _stamp(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


logger = RoutetopLogger()
