"""A model provider on the loopback that answers as it is told and remembers what it was asked.

The last path element of a deployment's base URL says how it behaves:

    ok        answers
    down      503 always
    flaky     500 to the first call of each request, then answers
    limited   429 always
    slow      answers after the client has given up
    long      refuses the prompt as too long for its window
"""

import json
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INPUT_TOKENS, OUTPUT_TOKENS = 120, 30
SECRET_ANSWER = "the answer nobody may log"
ERRORS = {
    "down": (503, "service_unavailable", "The server is overloaded"),
    "flaky": (500, "internal_error", "The server had an error"),
    "limited": (429, "rate_limit_exceeded", "Rate limit reached"),
    "long": (
        400,
        "context_length_exceeded",
        "This model's maximum context length is 100 tokens. However, your messages resulted in 500 tokens",
    ),
}


class Stub:
    """The server and its memory: for every truth id, the calls in order."""

    def __init__(self):
        self.calls = defaultdict(list)
        self.lock = threading.Lock()
        handler = type("Handler", (Handler,), {"stub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, behaviour):
        return f"http://127.0.0.1:{self.server.server_address[1]}/{behaviour}"

    def note(self, truth_id, model, behaviour):
        """Returns whether this call is answered."""
        with self.lock:
            earlier = [call for call in self.calls[truth_id] if call["behaviour"] == behaviour]
            is_answered = behaviour == "ok" or (behaviour == "flaky" and len(earlier) > 0)
            self.calls[truth_id].append({"model": model, "behaviour": behaviour, "ok": is_answered})
            return is_answered


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        behaviour = self.path.strip("/").split("/")[0]
        is_answered = self.stub.note(self.headers.get("x-truth", "?"), body["model"], behaviour)
        if behaviour == "slow":
            time.sleep(3)
        if is_answered or behaviour == "slow":
            self.answer(body)
        else:
            status, code, message = ERRORS[behaviour]
            self.reply(status, {"error": {"message": message, "type": code, "code": code}})

    def answer(self, body):
        usage = {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        }
        head = {"id": "x", "created": int(time.time()), "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": SECRET_ANSWER}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.reply(200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for idx, part in enumerate([SECRET_ANSWER[:10], SECRET_ANSWER[10:], None]):
            delta = {"role": "assistant", "content": part} if part else {}
            choice = {"index": 0, "delta": delta, "finish_reason": None if part else "stop"}
            chunk = {**head, "object": "chat.completion.chunk", "choices": [choice]}
            self.send_chunk(chunk)
            if idx == 0:
                time.sleep(0.05)
        self.send_chunk({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def send_chunk(self, chunk):
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def reply(self, status, body):
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client gave up: that was the plan
