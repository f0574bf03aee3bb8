"""A reasoner and an engine that say what they were told to: for tests of the page and of whatever consumes deltas."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mellm_demo.reasoning.protocol import Piece
from mellm_demo.records import Analysis, ReasonerCard, Turn

PATIENCE_S = 60.0  # for an event
SCRIPTED_CARD = ReasonerCard(
    name="scripted",
    is_language_model=False,
    size="no model",
    precision="exact",
    device="cpu",
    why="a test asked for it",
    notice="scripted for a test",
)


@dataclass(frozen=True)
class Call:
    """What one call of ``reply`` was given."""

    analysis: Analysis
    turns: tuple[Turn, ...]


@dataclass
class ScriptedReasoner:
    """Replies in the order in which they were enqueued; once the script is used up, ``fallback`` is said.

    Each item of a script is a piece (text is a delta), a delay in seconds (``float`` or ``int``), or an exception to
    raise.
    ``endless`` repeats the last delta until cancelled. ``calls`` records what was asked, ``cancelled`` how many replies
    were stopped before their end, ``active`` how many are running now.
    """

    card: ReasonerCard = SCRIPTED_CARD
    fallback: tuple[Piece | float | Exception, ...] = ("Nothing more ", "is scripted.")
    calls: list[Call] = field(default_factory=list)
    cancelled: int = 0
    finished: int = 0
    active: int = 0
    _scripts: deque[tuple[tuple[Piece | float | Exception, ...], bool]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enqueue(self, *items: Piece | float | Exception, endless: bool = False) -> ScriptedReasoner:
        """Add one reply; returns self, so that replies can be chained."""
        self._scripts.append((items, endless))
        return self

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[Piece]:
        with self._lock:
            self.calls.append(Call(analysis, tuple(turns)))
            items, endless = self._scripts.popleft() if self._scripts else (self.fallback, False)
        return self._play(items, endless, cancel)

    def _play(
        self, items: tuple[Piece | float | Exception, ...], endless: bool, cancel: threading.Event
    ) -> Iterator[Piece]:
        complete = False
        with self._lock:
            self.active += 1
        try:
            for item in items:
                if isinstance(item, Exception):
                    raise item
                if isinstance(item, int | float):
                    if cancel.wait(item):
                        return
                else:
                    if cancel.is_set():
                        return
                    yield item
            last = next((item for item in reversed(items) if isinstance(item, str)), "…")
            while endless:
                if cancel.wait(0.01):
                    return
                yield last
            complete = True
        finally:  # also when the consumer closes the iterator or an error was scripted
            with self._lock:
                self.active -= 1
                if complete:
                    self.finished += 1
                else:
                    self.cancelled += 1


class ScriptedEngine:
    """An engine that writes what it is given; ``asked`` holds what it was told, ``most`` how many wrote at once.

    Each item is a piece, a delay in seconds, an event to wait for, or an exception to raise.
    """

    def __init__(self, pieces, context: int = 4096, sees: bool = True) -> None:
        self.card, self.context, self.sees, self.pieces = SCRIPTED_CARD, context, sees, pieces
        self.asked: list = []
        self.writing = self.most = 0
        self.closed = self.lost = self.interrupted = False

    def count(self, text: str) -> int:
        return len(text) // 3

    def image_tokens(self) -> int:
        return 256

    def generate(self, messages, manner, emit, stopped) -> None:
        self.asked.append(messages)
        self.writing += 1
        self.most = max(self.most, self.writing)
        try:
            for piece in self.pieces:
                if stopped():
                    return
                if isinstance(piece, BaseException):
                    raise piece
                if isinstance(piece, float):
                    time.sleep(piece)
                elif isinstance(piece, threading.Event):
                    piece.wait(PATIENCE_S)
                else:
                    emit(piece)
        finally:
            self.writing -= 1

    def interrupt(self) -> None:
        self.interrupted = True

    def close(self) -> None:
        self.closed = True
