"""Drives a real LiteLLM Router with the callback against the stub; prints what truly happened as JSON.

Usage: scenario.py FOLDER_OF_THE_CALLBACK LOG PREFIX

PREFIX starts every request id, so that several workers can write to one log. The first worker
(prefix `a`) also renames the log once, as a rotation would.
"""

import asyncio
import json
import logging
import os
import sys

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
os.environ["ROUTETOP_LITELLM_LOG"] = sys.argv[2]
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import litellm  # noqa: E402
from litellm import Router  # noqa: E402

import stub as upstream  # noqa: E402
from routetop_litellm import logger  # noqa: E402

PREFIX = sys.argv[3]
SECRET_PROMPT = "a prompt nobody may log"
PRICES = {"small": (1e-07, 4e-07), "mid": (2e-06, 8e-06), "large": (5e-06, 2.5e-05)}


def deployment(stub, group, behaviour, model, id=None, **params):
    input_cost, output_cost = PRICES[model]
    return {
        "model_name": group,
        "litellm_params": {
            "model": f"openai/{model}-{group}",
            "api_base": stub.url(behaviour),
            "api_key": "sk-never-log-this-key-0123456789",
            "input_cost_per_token": input_cost,
            "output_cost_per_token": output_cost,
            "max_retries": 0,
            **params,
        },
        "model_info": {"id": id or f"{group}-{behaviour}"},
    }


def router(stub):
    return Router(
        model_list=[
            deployment(stub, "fast", "ok", "small"),
            deployment(stub, "flaky", "flaky", "small", id="flaky-a"),
            deployment(stub, "flaky", "flaky", "small", id="flaky-b"),
            deployment(stub, "limited", "limited", "small"),
            deployment(stub, "down", "down", "small"),
            deployment(stub, "slow", "slow", "mid", timeout=0.4),
            deployment(stub, "narrow", "long", "small"),
            deployment(stub, "standard", "ok", "mid"),
            deployment(stub, "dark", "down", "large"),
            deployment(stub, "doomed", "down", "large"),
            deployment(stub, "sync-limited", "limited", "small"),
            deployment(stub, "strongest", "ok", "large"),
            {
                "model_name": "smart",
                "litellm_params": {
                    "model": "auto_router/complexity_router",
                    "complexity_router_config": {
                        "tiers": {"SIMPLE": "fast", "MEDIUM": "standard", "COMPLEX": "standard", "REASONING": "strongest"}
                    },
                    "complexity_router_default_model": "standard",
                },
            },
        ],
        num_retries=1,
        retry_after=0,
        cooldown_time=60,
        allowed_fails=0,
        fallbacks=[
            {"limited": ["standard"]},
            {"down": ["dark", "strongest"]},
            {"slow": ["standard"]},
            {"sync-limited": ["standard"]},
        ],
        context_window_fallbacks=[{"narrow": ["standard"]}],
    )


class Truth:
    """What the client saw of its own requests."""

    def __init__(self):
        self.requests = {}

    def note(self, truth_id, group, is_ok, **more):
        self.requests[truth_id] = {"group": group, "ok": is_ok, **more}


async def ask(router, truth, truth_id, group, **more):
    truth_id = f"{PREFIX}-{truth_id}"
    tags = ["task:planning", "tier:pro", "unrelated"]
    metadata = {"request_id": truth_id, "session_id": "session-1", "retrieval_confidence": 0.5, "tags": tags}
    is_streamed = more.get("stream", False)
    try:
        answer = await router.acompletion(
            model=group,
            messages=[{"role": "user", "content": SECRET_PROMPT}],
            metadata=metadata,
            extra_headers={"x-truth": truth_id},
            **more,
        )
        if is_streamed:
            async for _ in answer:
                pass
        truth.note(truth_id, group, True, stream=is_streamed)
    except Exception as error:  # noqa: BLE001
        truth.note(truth_id, group, False, error=type(error).__name__)


async def drive(router, truth):
    for n in range(5):
        await ask(router, truth, f"plain-{n}", "fast")
    if PREFIX == "a":
        os.rename(sys.argv[2], f"{sys.argv[2]}.1")
    await asyncio.gather(*(ask(router, truth, f"together-{n}", "fast") for n in range(20)))
    for n in range(3):
        options = {"stream_options": {"include_usage": True}}
        await ask(router, truth, f"streamed-{n}", "fast", stream=True, **options)
    await ask(router, truth, "narrow-0", "narrow")
    await ask(router, truth, "auto-0", "smart")
    await ask(router, truth, "flaky-0", "flaky")
    # The first finds the group limited, the later ones find it in cooldown.
    for n in range(3):
        await ask(router, truth, f"limited-{n}", "limited")
    for n in range(2):
        await ask(router, truth, f"slow-{n}", "slow")
    # Two groups down, the third serves; then both in cooldown.
    for n in range(2):
        await ask(router, truth, f"down-{n}", "down")
    # Fails for good: the first time after a call, then without any.
    for n in range(3):
        await ask(router, truth, f"doomed-{n}", "doomed")
    # The caller has no id of its own and corrects the answer afterwards.
    await router.acompletion(
        model="fast",
        messages=[{"role": "user", "content": SECRET_PROMPT}],
        extra_headers={"x-truth": f"{PREFIX}-nameless"},
    )
    nameless = logger.request_id()
    truth.note(f"{PREFIX}-nameless", "fast", True, logged_as=nameless, corrected=True)
    logger.correction(request_id=nameless, kind="edit", by="user", after_s=4)


def ask_synchronously(router, truth):
    asked = ["fast", "flaky", "sync-limited", "sync-limited"]
    for n, group in enumerate(asked):
        truth_id = f"{PREFIX}-sync-{n}"
        router.completion(
            model=group,
            messages=[{"role": "user", "content": SECRET_PROMPT}],
            metadata={"request_id": truth_id},
            extra_headers={"x-truth": truth_id},
        )
        truth.note(truth_id, group, True)


async def flush():
    """Gives LiteLLM's own logging queue time to call the callback."""
    from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

    await asyncio.sleep(0.2)
    await GLOBAL_LOGGING_WORKER.flush()


def cost(call):
    input_cost, output_cost = PRICES[call["model"].split("-")[0]]
    return upstream.INPUT_TOKENS * input_cost + upstream.OUTPUT_TOKENS * output_cost


def main():
    logging.getLogger("LiteLLM Router").setLevel(logging.CRITICAL)
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    litellm.suppress_debug_info = True
    litellm.callbacks = [logger]
    stub, truth = upstream.Stub(), Truth()

    async def everything():
        await drive(router(stub), truth)
        await flush()

    asyncio.run(everything())
    ask_synchronously(router(stub), truth)
    for truth_id, request in truth.requests.items():
        request["calls"] = stub.calls.get(truth_id, [])
        request["cost_usd"] = sum(cost(call) for call in request["calls"] if call["ok"])
    print(json.dumps({"version": getattr(litellm, "__version__", None), "requests": truth.requests}))


main()
