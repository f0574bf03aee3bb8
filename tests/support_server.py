"""A chat server on loopback that fails in every way that one can: for tests of whoever asks it.

The model's name says what to do. What was asked is kept; an open connection is known to the server by writing to it.
"""

from __future__ import annotations

import gzip
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-very-secret-0123456789"


def chunk(text: str | None = None, **more: object) -> bytes:
    """One server-sent event of a chat."""
    delta = {} if text is None else {"content": text}
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, **more}]}).encode() + b"\n\n"


DONE = chunk(finish_reason="stop") + b"data: [DONE]\n\n"


@dataclass
class FaultyServer:
    """The running server. ``tries`` counts requests of each model; ``gone`` is set once a client has hung up."""

    url: str
    asked: list[dict] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    gone: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def faulty_server() -> Iterator[FaultyServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.state = FaultyServer(f"http://127.0.0.1:{server.server_port}/v1")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.state  # type: ignore[attr-defined]
    finally:
        server.state.stop.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *_: object) -> None:
        pass

    @property
    def state(self) -> FaultyServer:
        return self.server.state  # type: ignore[attr-defined]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state, model = self.state, body["model"]
        state.asked.append(body | {"path": self.path})
        state.keys.append(self.headers.get("Authorization"))
        state.headers.append({key.lower(): value for key, value in self.headers.items()})
        state.tries[model] = state.tries.get(model, 0) + 1
        try:
            if model[:3].isdigit():
                self.refuse(model)
            else:
                BEHAVIOUR[model](self)
        except OSError:
            state.gone.set()

    def refuse(self, model: str) -> None:
        """“429 then well after 0.1”: a status, once or always, with a pause asked for; “400 says no”: with words."""
        if "then well" in model and self.state.tries[model] > 1:
            well(self)
            return
        self.send_response(int(model[:3]))
        if "elsewhere" in model:
            self.send_header("Location", "/elsewhere")
        if "after" in model:
            self.send_header("Retry-After", model.split()[-1])
        words = model.partition(" says ")[2] or f"<b>no</b> for {self.headers.get('Authorization')}"
        text = json.dumps({"error": {"message": words}}).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def begin(self, kind: str = "text/event-stream", **more: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("X-HF-Warning", f"{len(self.state.keys)}; to be logged")
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()


def well(handler: _Handler) -> None:
    handler.begin()
    well_on(handler)


def well_on(handler: _Handler) -> None:
    handler.say(b": hello\n\n", chunk("Both mouth "), chunk("corners "), chunk("rose 微笑."), DONE)


def _begun(*after: bytes, then: Callable[[_Handler], None] | None = None) -> Callable[[_Handler], None]:
    def behave(handler: _Handler) -> None:
        handler.begin()
        handler.say(chunk("Both "), *after)
        if then:
            then(handler)

    return behave


def _silent(handler: _Handler) -> None:
    """Until the client hangs up, which shows as the end of what it sends."""
    handler.connection.settimeout(0.05)
    while not handler.state.stop.is_set():
        try:
            if not handler.connection.recv(1):
                handler.state.gone.set()
                return
        except TimeoutError:
            continue
        except OSError:
            handler.state.gone.set()
            return


def _without_headers(handler: _Handler) -> None:
    _silent(handler)


def _endless(handler: _Handler) -> None:
    handler.begin()
    for number in itertools.count():
        if handler.state.stop.is_set():
            break
        handler.say(chunk(f"{number} and "))
        time.sleep(0.01)


def _nothing_for_ever(handler: _Handler) -> None:
    """Events that look alive and carry nothing."""
    empty = (chunk(""), b": still here\n\n", b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n')
    for part in itertools.cycle((*empty, b'data: {"choices": []}\n\n')):
        if handler.state.stop.is_set():
            break
        handler.say(part)
        time.sleep(0.01)


def _flood(handler: _Handler) -> None:
    handler.begin()
    for number in itertools.count():
        if handler.state.stop.is_set():
            break
        handler.say(chunk(" ".join(str(number * 500 + more) for more in range(500))))


def _line_without_end(handler: _Handler) -> None:
    handler.begin()
    handler.say(b"data: ")
    while not handler.state.stop.is_set():
        handler.say(b"x" * 65_536)


def _whole(handler: _Handler) -> None:
    handler.begin("application/json")
    handler.say(json.dumps({"choices": [{"message": {"content": "All at once."}, "finish_reason": "stop"}]}).encode())


def _pretty(handler: _Handler) -> None:
    handler.begin("application/json; charset=utf-8")
    reply = {"choices": [{"message": {"content": "All\nat once."}, "finish_reason": "stop"}]}
    handler.say(*(line.encode() for line in json.dumps(reply, indent=4).splitlines(keepends=True)))


def _packed(handler: _Handler) -> None:
    handler.begin(Content_Encoding="gzip")
    handler.say(gzip.compress(chunk("Both ") + DONE))


def _late(handler: _Handler) -> None:
    time.sleep(0.6)
    well(handler)


BEHAVIOUR: dict[str, Callable[[_Handler], None]] = {
    "well": well,
    "late": _late,
    "no headers": _without_headers,
    "no token": lambda handler: (handler.begin(), _silent(handler))[0],
    "silent": _begun(then=_silent),
    "empty for ever": lambda handler: (handler.begin(), _nothing_for_ever(handler))[0],
    "empty after some": _begun(then=_nothing_for_ever),
    "role first": lambda handler: (handler.begin(), handler.say(chunk("")), time.sleep(0.6), well_on(handler))[0],
    "cut": _begun(),
    "no done": _begun(chunk(finish_reason="length")),
    "thinks": _begun(chunk("<thi"), chunk("nk>Hm."), chunk("</think>corners."), DONE),
    "reasons": _begun(b'data: {"choices": [{"delta": {"reasoning_content": "Hm."}}]}\n\n', chunk("corners."), DONE),
    "circles": _begun(*[chunk("It is a smile, it is a smile. ")] * 200, DONE),
    "done unspaced": _begun(chunk(finish_reason="stop"), b"data:[DONE]\n\n"),
    "pretty": _pretty,
    "packed": _packed,
    "no choices": _begun(b'data: {"choices": null}\n\n', DONE),
    "odd choices": _begun(b'data: {"choices": {"a": 1}}\n\n', DONE),
    "garbage": _begun(b"data: {not json}\n\n", DONE),
    "other json": _begun(b'data: ["a", 1]\n\n', DONE),
    "error inside": _begun(b'data: {"error": {"message": "out of memory"}}\n\n'),
    "huge": _begun(chunk("x" + " ".join(map(str, range(50_000)))), DONE),
    "line without end": _line_without_end,
    "endless": _endless,
    "flood": _flood,
    "empty": lambda handler: (handler.begin(), handler.say(DONE))[0],
    "nothing": lambda handler: handler.begin(),
    "hang up": lambda handler: handler.connection.close(),
    "whole": _whole,
    "html": lambda handler: (handler.begin("text/html"), handler.say(b"<html>hello</html>"))[0],
    "split": lambda handler: (handler.begin(), handler.say(*[bytes([b]) for b in chunk("嘴角") + DONE]))[0],
}
