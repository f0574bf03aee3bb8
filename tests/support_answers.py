"""How soon and how fast a model answers, and how soon Stop frees it: measured through the app's own Resident."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from support_analysis import make_analysis
from support_processes import memory_mb, processor_s

from mellm_demo.reasoning.protocol import Loading, Piece
from mellm_demo.reasoning.resident import Resident
from mellm_demo.records import Analysis, Turn

MAP_PX = 448  # as the app makes the motion map
TICK_S, DELAY_S = 0.01, 0.3
SHORT_QUESTION, LONG_QUESTION = "Which side?", " ".join(f"Is number {number} right?" for number in range(60))


class Standstill:
    """The longest time for which no other thread of this process got to run: so long does a page not answer."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.longest_s = 0.0

    def _watch(self) -> None:
        last = time.perf_counter()
        while not self._over.wait(TICK_S):
            now = time.perf_counter()
            self.longest_s, last = max(self.longest_s, now - last - TICK_S), now

    def __enter__(self) -> Standstill:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


class Clock:
    """Seconds since it was made, by the clock and of the processor: these tell more on a machine that is busy."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), processor_s()

    def __call__(self) -> dict[str, float]:
        return {
            "s": round(time.perf_counter() - self._wall, 2),
            "cpu_s": round(processor_s() - self._processor, 2),
        }


def memory_parts() -> dict[str, int]:
    """Resident memory, MB: what is the processes' own, and pages of files, which can be dropped."""
    return {key: round(memory_mb(name)) for key, name in (("own", "RssAnon"), ("of_files", "RssFile"))}


def seen(seed: int) -> Analysis:
    """An analysis with a motion map of its own, as large as the app makes it."""
    analysis = make_analysis("smile")
    assert analysis.moment is not None
    picture = np.random.default_rng(seed).integers(0, 256, (MAP_PX, MAP_PX, 3), np.uint8)
    return replace(analysis, moment=replace(analysis.moment, motion_map=picture))


def answer(model: Resident, analysis: Analysis, question: str = "") -> dict[str, Any]:
    """One whole answer: until its first word, and tokens a second from there."""
    clock, first, tokens, begun = Clock(), None, 0, 0.0
    for piece in model.reply(analysis, (Turn("user", question),) if question else (), threading.Event()):
        if isinstance(piece, str):
            tokens += 1
            if first is None:
                first, begun = clock(), time.perf_counter()
    passed = time.perf_counter() - begun
    return {"first_word": first, "tokens_per_second": round((tokens - 1) / passed, 2) if passed else None}


def stop(model: Resident, analysis: Analysis, question: str, at: Callable[[Piece], bool], after: Analysis) -> Any:
    """Stop once ``at`` is true of a piece and DELAY_S have passed; then somebody else asks about ``after``."""
    cancel = threading.Event()
    pieces: Iterator[Piece] = model.reply(analysis, (Turn("user", question),) if question else (), cancel)
    for piece in pieces:
        if at(piece):
            break
    time.sleep(DELAY_S)
    clock = Clock()
    cancel.set()
    for _ in pieces:
        pass
    told: dict[str, Any] = {"ended_for_the_visitor": clock()}
    while len(model._turns):
        time.sleep(TICK_S)
    return told | {"model_free": clock(), "next_visitor": answer(model, after, SHORT_QUESTION)["first_word"]}


def is_reading(piece: Piece) -> bool:
    return isinstance(piece, Loading) and piece.what == "reading the prompt"
