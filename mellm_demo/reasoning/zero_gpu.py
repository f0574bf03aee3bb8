"""Spaces with ZeroGPU lend a graphics card for the length of a call. Elsewhere nothing changes.

The package ``spaces`` is there on such Spaces only. It has to be imported before torch, and only the thread that
imports it can put weights in place for a card: those that are there when the page opens are the ones that move to it.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mellm_demo.errors import MellmError, ReasonerError
from mellm_demo.reasoning.resident import short

T = TypeVar("T")

TICK_S = 0.05  # that somebody left is noticed as often, also while waiting for a card
END_S = 30.0  # waited for a card to come back, before that is left to itself
IN_ONE_THREAD = "HF_DEACTIVATE_ASYNC_LOAD"  # has transformers load weights in the thread that asks for them
OURS = "ZeroGPU"  # how titles and messages of ``spaces`` begin
NO_CARD = (
    "No graphics card was free to write this answer. The measurements stay; ask again in a minute, or have the "
    "narrator answer."
)
USED_UP = (
    "Hugging Face lends no more time on a graphics card for now ({why}). Ask again later, signed in to Hugging Face if "
    "you are not, or have the narrator answer."
)
TOO_LONG = (
    "An answer may take longer than Hugging Face lends a graphics card for ({why}). Have the narrator answer; who runs "
    "this Space can set a smaller MELLM_MAX_TOKENS."
)
TAKEN_BACK = (
    "The graphics card was taken back before the answer was whole. Ask again, or ask a shorter question; the narrator "
    "needs no card."
)
NOT_LENT = "The graphics card could not be used ({why}). Reload the page and ask again, or have the narrator answer."


def is_zero_gpu() -> bool:
    """Whether this is a Space whose graphics card is lent by the call."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def lends_to(device: str) -> bool:
    """Whether what is computed on this device (“auto”, “cuda:0”, …) is lent a card here."""
    return is_zero_gpu() and (device == "auto" or device.startswith("cuda"))


def prepare() -> None:
    """Let ``spaces`` see torch come in, and weights with it; without ZeroGPU nothing is imported.

    Only this thread can load models for a card from now on.
    """
    if is_zero_gpu():
        import spaces  # noqa: F401

        os.environ.setdefault(IN_ONE_THREAD, "1")


def on_gpu(
    stream: Callable[..., Iterator[T]], seconds: Callable[..., int], device: str
) -> Callable[..., Iterator[T | None]]:
    """A generator function that gets a card from its first step to its end; unchanged where none is lent to the device.

    What it yields may be None meanwhile, so that whoever waits can leave. It takes with it the context of whoever asks:
    there ``spaces`` finds the visitor, whose time on a card it counts.

    seconds: how long a call may take, by its arguments.
    """
    if not lends_to(device):
        return stream
    import spaces

    def lent(*args: Any) -> Iterator[T | _Raised]:  # it is run in another process, so it must be a plain function
        try:
            yield from stream(*args)
        except Exception as error:  # only the name of what is raised would come back from there
            told = _kept(error)
            if told is None:
                raise
            yield _Raised(told)

    call: Callable[..., Iterator[T | _Raised]] = spaces.GPU(duration=seconds)(lent)
    return lambda *args: _fetched(call, args)


@dataclass(frozen=True)
class _Raised:
    """An error on its way out of the process that has the card."""

    error: Exception


@dataclass(frozen=True)
class _Ended:
    """The last thing that is fetched, with what went wrong if anything did."""

    error: BaseException | None = None


def _kept(error: Exception) -> Exception | None:
    """What has a sentence, or is given one where it arrives."""
    if isinstance(error, (MellmError, MemoryError)):
        return error
    return MemoryError(short(error)) if type(error).__name__ == "OutOfMemoryError" else None


def _fetched(call: Callable[..., Iterator[T | _Raised]], args: tuple[Any, ...]) -> Iterator[T | None]:
    """Read in a thread of its own, since ``spaces`` lets nobody go who waits for a card."""
    arrived: SimpleQueue[T | _Raised | _Ended] = SimpleQueue()
    left, begun = threading.Event(), False
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_fetch, call, args, arrived.put, left), name="lent card", daemon=True
    )
    thread.start()
    try:
        while True:
            try:
                item = arrived.get(timeout=TICK_S)
            except Empty:
                yield None
                continue
            begun = True
            if isinstance(item, _Raised):
                raise item.error
            if isinstance(item, _Ended):
                if item.error is not None:
                    raise in_words(item.error)
                return
            yield item
    finally:
        left.set()
        if begun:  # who still waits for a card gives it back when it comes
            thread.join(END_S)


def _fetch(
    call: Callable[..., Iterator[T | _Raised]],
    args: tuple[Any, ...],
    put: Callable[[T | _Raised | _Ended], None],
    left: threading.Event,
) -> None:
    stream = call(*args)
    try:
        for item in stream:
            if left.is_set():
                break
            put(item)
        put(_Ended())
    except BaseException as error:  # raised again where the text is awaited
        put(_Ended(error))
    finally:
        close = getattr(stream, "close", None)
        if close is not None:
            close()


def in_words(error: BaseException) -> BaseException:
    """What ``spaces`` raises, as a ReasonerError with a sentence; anything else as it is.

    Its errors are Gradio's, with a title and a message in words.
    """
    title, message = str(getattr(error, "title", "")), str(getattr(error, "message", error))
    if not title.startswith(OURS) and not message.startswith(OURS):
        return error
    if "aborted" in message:
        return ReasonerError(TAKEN_BACK)
    if title == f"{OURS} worker error":  # a fault of the program's, there
        return error
    if message.startswith("No GPU"):
        return ReasonerError(NO_CARD)
    told = TOO_LONG if "duration" in title else USED_UP if "exceeded" in title else NOT_LENT
    return ReasonerError(told.format(why=short(message)))
