"""Runs the LiteLLM callback inside a real LiteLLM Router and compares what routetop then counts with
what the stub upstream and the client saw.

Usage: run.py ROUTETOP_BINARY VENV_FOLDER

The virtual environment is made when it is missing and kept for the next run. Network: PyPI for that
one time; all calls go to the loopback. Exit code 77: LiteLLM could not be installed.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
CALLBACK = os.path.join(HERE, "..", "..", "..", "assets", "integrations", "litellm")
# The samples in assets/ were written by this version. The callback needs 1.100.0 or newer.
LITELLM_PINNED = "1.106.2"
LITELLM = os.environ.get("ROUTETOP_TEST_LITELLM", LITELLM_PINNED)
WORKERS = ["a", "b"]
NOT_INSTALLED = 77
SECRETS = ["nobody may log", "sk-never-log-this-key"]


def prepared(folder):
    """Returns the python of an environment with LiteLLM in it."""
    python = os.path.join(folder, "bin", "python")
    done = os.path.join(folder, f"litellm-{LITELLM}.installed")
    if not os.path.exists(done):
        venv.create(folder, with_pip=True, clear=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
        if subprocess.run([python, "-m", "pip", "install", *quiet, f"litellm=={LITELLM}"], check=False).returncode:
            sys.exit(NOT_INSTALLED)
        open(done, "w", encoding="utf-8").close()
    return python


def drive(python, log):
    """Runs the workers at the same time on one log; returns what they say happened."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.path.dirname(log), "NO_PROXY": "*"}
    scenario = os.path.join(HERE, "scenario.py")
    workers = [
        subprocess.Popen(
            [python, scenario, CALLBACK, log, prefix],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for prefix in WORKERS
    ]
    requests = {}
    for worker in workers:
        out, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
        assert "routetop:" not in errors, errors
        requests.update(json.loads(out.splitlines()[-1])["requests"])
    return requests


def routetop(binary, folder, *args):
    done = subprocess.run([binary, *args], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{args}: {done.stderr}"
    return done.stdout


# The groups that a request asks in order, where the first may be in cooldown.
CHAINS = {
    "limited": ["limited"],
    "sync-limited": ["sync-limited"],
    "slow": ["slow"],
    "down": ["down", "dark"],
    "doomed": ["doomed"],
}


def expected_attempts(request):
    """Returns what the log must say of a request: groups that the stub was not asked for although
    they come first were skipped; then the calls of the stub, in order."""
    calls = request["calls"]
    called = {call["model"].split("-", 1)[1] for call in calls}
    skipped = [(group, "skipped") for group in CHAINS.get(request["group"], []) if group not in called]
    return skipped + [(f"openai/{call['model']}", "ok" if call["ok"] else failed(call)) for call in calls]


def failed(call):
    return "timeout" if call["behaviour"] == "slow" else "error"


def check_requests(binary, folder, requests):
    for truth_id, request in requests.items():
        logged_as = request.get("logged_as", truth_id)
        text = routetop(binary, folder, "explain", "--db", "t.db", logged_as, "--format", "json")
        explained = json.loads(text)
        attempts = [(attempt["model"], attempt["outcome"]) for attempt in explained["attempts"]]
        assert attempts == expected_attempts(request), f"{truth_id}: {attempts} is not {expected_attempts(request)}"
        cost = sum(attempt["cost_usd"] or 0 for attempt in explained["attempts"])
        assert abs(cost - request["cost_usd"]) < 1e-9, f"{truth_id}: {cost} is not {request['cost_usd']}"
        expected = "smart/simple" if request["group"] == "smart" else request["group"]
        assert explained["route"] == expected, f"{truth_id}: {explained['route']}"
        corrected = explained["consequence"]["correction"] is not None
        assert corrected == request.get("corrected", False), f"{truth_id}: corrected {corrected}"
    auto = json.loads(routetop(binary, folder, "explain", "--db", "t.db", "a-auto-0", "--format", "json"))
    assert auto["recorded"]["rule"] == "heuristic_scorer" and auto["recorded"]["tier"] == "simple", auto
    if LITELLM == LITELLM_PINNED:  # older ones have no fingerprint of the router's configuration
        assert auto["policy"].startswith("smart@"), auto


def check_totals(report, requests):
    totals, ingest = report["totals"], report["ingest"]
    outcomes = Counter(request["ok"] for request in requests.values())
    calls = sum(len(request["calls"]) for request in requests.values())
    fallbacks = sum(any(outcome != "ok" for _, outcome in expected_attempts(r)) for r in requests.values())
    found = {
        "requests": totals["requests"],
        "completed": totals["completed"],
        "failed": totals["failed"],
        "attempts": totals["attempts"],
        "fallbacks": totals["fallback"]["numerator"],
        "cost known": totals["cost_known"],
        "streamed with ttft": totals["ttft_ms"]["count"],
        "corrected": totals["correction"]["numerator"],
        "quarantined": ingest["quarantined"],
        "duplicates": ingest["duplicates"],
        "conflicts": ingest["conflicts"],
    }
    truth = {
        "requests": len(requests),
        "completed": outcomes[True],
        "failed": outcomes[False],
        "attempts": calls,
        "fallbacks": fallbacks,
        "cost known": len(requests),
        "streamed with ttft": sum(request.get("stream", False) for request in requests.values()),
        "corrected": len(WORKERS),
        "quarantined": 0,
        "duplicates": 0,
        "conflicts": 0,
    }
    assert found == truth, f"\nfound {found}\ntruth {truth}"
    cost = sum(request["cost_usd"] for request in requests.values())
    assert abs(totals["cost_usd"] - cost) < 1e-8, f"{totals['cost_usd']} is not {cost}"


def main():
    binary, environment = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    python = prepared(environment)
    with tempfile.TemporaryDirectory() as folder:
        requests = drive(python, os.path.join(folder, "router.jsonl"))
        logs = sorted(name for name in os.listdir(folder) if name.startswith("router.jsonl"))
        assert logs == ["router.jsonl", "router.jsonl.1"], logs
        for name in logs:
            with open(os.path.join(folder, name), encoding="utf-8") as log:
                text = log.read()
            assert not any(secret in text for secret in SECRETS), "content in the log"
        routetop(binary, folder, "ingest", "--db", "t.db", *logs)
        report = json.loads(routetop(binary, folder, "report", "--db", "t.db", "--format", "json"))
        check_totals(report, requests)
        check_requests(binary, folder, requests)
        print(f"ok: {len(requests)} requests of LiteLLM {LITELLM}, {report['totals']['attempts']} calls")


main()
