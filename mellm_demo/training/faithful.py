"""Free answers about drawn motions on people on whom nothing was trained: how much of what is said the record supports.

The record is the one that the app makes of such a motion, clips without anything to find among them. Works for any
model: the start model, asked the same, shows what training brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from mellm_demo.training.asking import Asker, Keep, Tell, asked_freely
from mellm_demo.training.cases import Case
from mellm_demo.training.instruct.faces import Faces
from mellm_demo.training.instruct.sources import motions
from mellm_demo.training.instruct.tables import Coded
from mellm_demo.training.learned import shipped


def unseen(faces: Faces, events: tuple[Coded, ...], seed: int = 0) -> Iterator[Case]:
    """Endless cases of drawn motions; number n depends on seed and n alone. People whom training never sees."""
    known = shipped()
    for number, (source, _) in enumerate(motions(faces, events, None, seed, held_out=True)):
        yield Case(f"drawn {number}, {source.group}", source.analysis, known)


def report(asker: Asker, cases: Iterator[Case], clips: int, tell: Tell, keep: Keep) -> dict[str, Any]:
    """The explanation and three questions about each of ``clips``; shares and counts as in ``asking.report``."""
    asked: Sequence[Case] = list(islice(cases, clips))
    freely = asked_freely(asker, asked, tell, keep)
    return {
        "clips": len(asked),
        "faithfulness": freely.faithfulness,
        "faithfulness_guarded": freely.guarded,
        "statements": freely.statements,
        "refused": freely.refused,
        "answerable": freely.answerable,
        "answered_unanswerable": freely.answered_unanswerable,
        "unanswerable": freely.unanswerable,
        "tokens_per_second": asker.tokens_per_second,
    }
