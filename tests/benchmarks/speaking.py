"""How soon and how fast the model in the weights speaks, and what it takes: ``python tests/benchmarks/speaking.py``.

Analyses an example clip, loads the model, and has it explain and answer, as the app does. Printed as JSON: seconds to
load, to the first words of the explanation and of an answer (the record before it read already), tokens a second once
it has begun and over all, and how much memory came on top of what the analysis took; each beside the target. Words come
sentence by sentence, as the guard lets them through.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP), str(TOP / "tests")]

from support_processes import memory_mb  # noqa: E402

from mellm_demo.pipeline import analyse  # noqa: E402
from mellm_demo.reasoning.choice import speakers  # noqa: E402
from mellm_demo.records import Turn  # noqa: E402
from mellm_demo.settings import Settings  # noqa: E402

CLIP = TOP / "assets" / "synthetic_smile.mp4"
QUESTIONS = ("What moved the most?", "Is AU4 shown?", "How reliable is this?")
TARGETS = {"first_words_s": 2.0, "tokens_per_second": 60.0, "memory_mb": 500.0}


def main() -> int:
    """Prints the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path, default=CLIP)
    given = parser.parse_args()
    settings = Settings.from_environment(speaker="embedded")
    analysis = analyse(given.clip, settings)
    before = memory_mb()
    found = speakers(settings)
    reasoner = found.get(found.default)
    started = time.perf_counter()
    reasoner.prepare()
    while not reasoner.ready:
        assert reasoner.failure is None, reasoner.failure
        time.sleep(0.02)
    loaded = time.perf_counter() - started
    turns: list[Turn] = []
    firsts: list[float] = []
    seconds, begun_s, rest = 0.0, 0.0, ""
    for question in (None, *QUESTIONS):
        if question:
            turns.append(Turn("user", question))
        started, first, text = time.perf_counter(), None, ""
        for piece in reasoner.reply(analysis, tuple(turns), threading.Event()):
            if isinstance(piece, str) and piece.strip():
                rest += piece if first else ""
                first = first or time.perf_counter()
                text += piece
        ended = time.perf_counter()
        firsts.append((first or ended) - started)
        seconds, begun_s = seconds + ended - started, begun_s + ended - (first or ended)
        turns.append(Turn("assistant", text))
    engine = reasoner.model._engine()
    written = "".join(turn.text for turn in turns if turn.role == "assistant")
    result = {
        "load_s": round(loaded, 2),
        "first_words_s": round(firsts[0], 2),
        "first_words_of_answers_s": [round(value, 2) for value in firsts[1:]],
        "tokens_per_second": round(engine.count(rest) / begun_s, 1),
        "tokens_per_second_over_all": round(engine.count(written) / seconds, 1),  # with reading the prompt
        "memory_mb": round(memory_mb() - before),
        "device": engine.card.device,
        "targets": TARGETS,
    }
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
