"""The program that holds a GGUF model: llama.cpp (``xllamacpp``) in a process of its own, started by ``process``.

It is run by its path, knows nothing of this house and talks in lines of JSON. In: the parameters, by their dotted
names; then ``{"ask": number, "body": …}`` for each request to the chat and ``{"stop": number}`` to end it. Out:
``address`` or ``failed``; then ``event`` by event, and ``over`` at the end of each request. It ends when nobody can ask
any more.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Any


class Inbox:
    """What is asked, in its order; a stop is noticed at once, whatever is being done."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self._asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.stopped = 0  # requests up to this number are to end
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            for line in self._lines:
                message = json.loads(line)
                if "stop" in message:
                    self.stopped = message["stop"]
                else:
                    self._asked.put(message)
        finally:  # who started this is gone, maybe in the middle of a line; nothing here has to be put in order
            os._exit(0)

    def next(self) -> dict[str, Any]:
        """The next message; waits for it."""
        return self._asked.get()


def tell(**message: Any) -> None:
    """One line to whoever started this."""
    OUT.write(json.dumps(message).encode() + b"\n")
    OUT.flush()


def start(values: dict[str, Any]) -> Any:
    """llama.cpp's server with the model loaded."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    for name, value in values.items():
        if name == "lora_adapters":
            value = [adapter(xllamacpp, path) for path in value]
        *parents, last = name.split(".")
        holder = parameters
        for parent in parents:
            holder = getattr(holder, parent)
        setattr(holder, last, value)
    return xllamacpp.Server(parameters)


def adapter(xllamacpp: Any, path: str) -> Any:
    """A LoRA adapter as the binding wants it told."""
    made = xllamacpp.CommonAdapterLoraInfo()
    made.path, made.scale = path, 1.0
    return made


def answer(server: Any, inbox: Inbox, number: int, body: dict[str, Any]) -> None:
    """Have one request answered, event by event where it asks for that."""

    def heard(event: Any) -> bool:
        """Whether to end."""
        if inbox.stopped >= number:
            return True
        if isinstance(event, dict):
            tell(event=event)
        return False

    try:
        whole = server.handle_chat_completions(body, *([heard] if body.get("stream") else ()))
    except Exception as error:  # what llama.cpp raises, or a chat template of the file's
        tell(over=number, refused=str(error))
    else:
        tell(over=number, answer=None if body.get("stream") else whole)


def main() -> None:
    """Load, then answer one request after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the app, which then ends this
    inbox = Inbox(sys.stdin.buffer)
    try:
        server = start(inbox.next())
    except Exception as error:
        tell(failed=str(error), memory=isinstance(error, MemoryError))
        return
    tell(address=server.listening_address)
    while True:
        message = inbox.next()
        answer(server, inbox, message["ask"], message["body"])


if __name__ == "__main__":
    OUT = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what llama.cpp prints must not come between the lines
    try:
        main()
        OUT.flush()
    finally:
        os._exit(1)
