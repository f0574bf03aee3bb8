"""A stand-in for the package ``spaces`` on a Space with ZeroGPU, as version 0.51 behaves there, without a card.

A call finds its visitor in Gradio's context and waits for a card without letting go. What it is given, yields and
raises goes through pickles, and of an error in the process that has the card only the name of its kind comes back.
That process is a thread here.
"""

from __future__ import annotations

import contextvars
import os
import pickle
import sys
import threading
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import gradio as gr
from gradio.context import LocalContext

PATIENCE_S = 10.0


@dataclass
class StandIn:
    """What would happen at Hugging Face, and what was asked of it.

    free: set while a card is free. refusal: what the scheduler raises instead of lending one. lent and returned count
    cards; visitors and seconds hold what each call asked with. home: the thread whose weights move to the card.
    """

    free: threading.Event = field(default_factory=threading.Event)
    refusal: Exception | None = None
    lent: int = 0
    returned: int = 0
    visitors: list[Any] = field(default_factory=list)
    seconds: list[int] = field(default_factory=list)
    functions: int = 0
    home: threading.Thread = field(default_factory=threading.current_thread)

    def GPU(self, duration: Callable[..., int]) -> Callable[[Callable[..., Iterator]], Callable[..., Iterator]]:
        def decorate(task: Callable[..., Iterator]) -> Callable[..., Iterator]:
            self.functions += 1

            def handler(*args: Any) -> Iterator:
                self.visitors.append(LocalContext.request.get(None))
                self.seconds.append(duration(*args))
                if self.refusal is not None:
                    raise self.refusal
                assert self.free.wait(PATIENCE_S), "no card came"
                self.lent += 1
                yield from self._with_card(task, pickle.dumps(args))

            return handler

        return decorate

    def _with_card(self, task: Callable[..., Iterator], args: bytes) -> Iterator:
        results: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        stop = threading.Event()
        worker = threading.Thread(target=contextvars.Context().run, args=(_work, task, args, results, stop))
        worker.start()
        try:
            while True:
                kind, value = results.get(timeout=PATIENCE_S)
                if kind == "end":
                    return
                if kind == "error":
                    raise refused("ZeroGPU worker error", value)
                yield pickle.loads(value)
        except GeneratorExit:
            stop.set()
            raise
        finally:
            worker.join(PATIENCE_S)
            self.returned += 1


def _work(
    task: Callable[..., Iterator], args: bytes, results: SimpleQueue[tuple[str, Any]], stop: threading.Event
) -> None:
    stream = task(*pickle.loads(args))
    try:
        for item in stream:
            if stop.is_set():
                stream.close()
                break
            results.put(("item", pickle.dumps(item)))
        results.put(("end", None))
    except SystemExit:  # the process is ended from outside
        results.put(("error", "GPU task aborted"))
    except Exception as error:
        results.put(("error", type(error).__name__))


def refused(title: str, message: str) -> gr.Error:
    """As ``spaces`` raises it."""
    return gr.Error(message, title=title, print_exception=False)


def on_zero_gpu(monkeypatch: Any) -> StandIn:
    """Make this a Space with ZeroGPU until the test is over; a card is free."""
    stand_in = StandIn()
    stand_in.free.set()
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setenv("HF_DEACTIVATE_ASYNC_LOAD", "")  # so that what is set meanwhile is forgotten
    del os.environ["HF_DEACTIVATE_ASYNC_LOAD"]
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=stand_in.GPU))
    return stand_in
