"""A reasoner's deltas, read from a thread of their own, so that Stop answers at once however slow the reasoner is.

Knows nothing of components and nothing of what is said.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from queue import Empty, SimpleQueue

from mellm_demo.reasoning.protocol import Piece, Reasoner, Thought
from mellm_demo.records import Analysis, Turn

TICK_S = 0.05  # text that arrives within one tick is shown together; Stop is noticed as often


class _End:
    """The last thing in the queue, with what went wrong if anything did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


async def listen(
    reasoner: Reasoner, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event
) -> AsyncIterator[Piece]:
    """Pieces as they arrive, text that came together as one, until the reply ends or ``cancel`` is set.

    Sets ``cancel`` however it is left. The reasoner finds the context of whoever listens: there Gradio keeps who asks.

    Raises what the reasoner raised.
    """
    deltas: SimpleQueue[Piece | _End] = SimpleQueue()
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(_pump, reasoner, analysis, turns, cancel, deltas), name="reasoner", daemon=True
    )
    thread.start()
    try:
        while not cancel.is_set():
            pieces, end = _drain(deltas)
            for piece in pieces:
                if cancel.is_set():
                    return
                yield piece
            if end is not None:
                if end.error is not None:
                    raise end.error
                return
            await asyncio.sleep(TICK_S)
    finally:
        cancel.set()


def _pump(
    reasoner: Reasoner,
    analysis: Analysis,
    turns: Sequence[Turn],
    cancel: threading.Event,
    deltas: SimpleQueue[Piece | _End],
) -> None:
    reply: Iterator[Piece] | None = None
    try:
        reply = reasoner.reply(analysis, turns, cancel)
        for delta in reply:
            if cancel.is_set():
                break
            deltas.put(delta)
        deltas.put(_End())
    except BaseException as error:  # raised again where the text is awaited: a dead thread must not look like silence
        deltas.put(_End(error))
    finally:
        close = getattr(reply, "close", None)
        if close is not None:
            close()


def _drain(deltas: SimpleQueue[Piece | _End]) -> tuple[list[Piece], _End | None]:
    """Everything that has arrived, neighbours of a kind as one, and whether it was the end."""
    pieces: list[Piece] = []
    while True:
        try:
            item = deltas.get_nowait()
        except Empty:
            return pieces, None
        if isinstance(item, _End):
            return pieces, item
        before = pieces[-1] if pieces else None
        if isinstance(item, str) and isinstance(before, str):
            pieces[-1] = before + item
        elif isinstance(item, Thought) and isinstance(before, Thought):
            pieces[-1] = Thought(before.text + item.text)
        elif before is not None and type(item) is type(before):  # a later place, a further step
            pieces[-1] = item
        else:
            pieces.append(item)
