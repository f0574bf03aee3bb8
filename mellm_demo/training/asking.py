"""A language model asked: MEGC's questions one by one, free questions about the same clips, and what it made of them.

Everything goes the app's way: the app's prompt of the clip's analysis, then one question, at temperature 0.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mellm_demo.reasoning.answering import Engine, Manner, Write, answering
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.prompts import Message, Style, map_png
from mellm_demo.reasoning.protocol import Piece
from mellm_demo.reasoning.thinking import unfold
from mellm_demo.recognition.network import UNITS
from mellm_demo.records import Analysis, Image, Turn
from mellm_demo.training import vqa
from mellm_demo.training.cases import Case
from mellm_demo.training.declining import declines
from mellm_demo.training.evidence import Reader, evidence_answer, head_list
from mellm_demo.training.instruct import ask_limits, ask_motion, ask_units
from mellm_demo.training.instruct.samples import WEIGHTS, Ask
from mellm_demo.training.instruct.wordings import Speaker
from mellm_demo.training.vqa import Asked

STYLE: Style = "brief"
SHORT = Manner(max_tokens=96, temperature=0.0, style=STYLE)
LONG = Manner(max_tokens=384, temperature=0.0, style=STYLE)  # an explanation in three steps
SCORES = (
    "coarse_uf1", "coarse_uar", "fine_uf1", "fine_uar", "au_macro_f1", "yes_no_accuracy", "side_accuracy", "bleu",
    "rouge1", "contradictions",
)  # fmt: skip
TRIES = 20
Tell = Callable[[str], None]
Keep = Callable[[str, str, str], None]  # clip, question (empty: the first explanation), answer


class Asker:
    """Asks one model, and keeps count of how fast it writes.

    style: in which shape it is told an analysis; ``brief`` is what the app's own model was taught.
    """

    def __init__(self, engine: Engine, style: Style = STYLE) -> None:
        self._engine, self._style = engine, style
        self._tokens, self._seconds = 0, 0.0

    def answer(self, analysis: Analysis, turns: Sequence[Turn] = (), manner: Manner = SHORT) -> str:
        """What the model says, alone with this analysis; without turns its first explanation."""
        return self._written(answering(self._engine, analysis, turns, replace(manner, style=self._style)), manner)

    def look(self, picture: Image, question: str) -> str:
        """What the model says to an image (H, W, 3) RGB and a question, with no measurements."""
        told = Message("user", question, map_png(picture) if self._engine.sees else None)
        return self._written(partial(self._engine.generate, (told,), SHORT), SHORT)

    @property
    def tokens_per_second(self) -> float:
        """Of writing, after the first piece; 0 before anything was written."""
        return self._tokens / self._seconds if self._seconds > 0 else 0.0

    def _written(self, write: Write, manner: Manner) -> str:
        pieces: list[Piece] = []
        times: list[float] = []

        def emit(piece: Piece) -> None:
            pieces.append(piece)
            if isinstance(piece, str):
                times.append(time.perf_counter())

        write(emit, lambda: False)
        text = "".join(piece for piece in unfold(iter(pieces)) if isinstance(piece, str)).strip()
        if len(times) > 1 and not manner.guarded:
            self._tokens += len(times) - 1  # llama.cpp tells each token by itself
            self._seconds += times[-1] - times[0]
        return text


# --------------------------------------------------------------------------------------------- MEGC's questions


def report(
    asked: Sequence[Asked],
    cases: Mapping[str, Case],
    asker: Asker | None = None,
    free: int = 0,
    tell: Tell = lambda text: None,
    keep: Keep = lambda clip, question, text: None,
) -> dict[str, Any]:
    """Scores of the model, of answering blindly, and of the evidence alone; without an asker only the latter two.

    units_of_the_head: the lists over the units that the recognition head reads, beside the head by itself.
    free: clips that are also asked freely, see ``asked_freely``. keep: is handed each answer as it comes.
    """
    evidence = vqa.scores(asked, [evidence_answer(one, cases[one.clip].analysis) for one in asked])
    readers = {clip: Reader(case.learned) for clip, case in cases.items()}
    read = vqa.scores(asked, [readers[one.clip](one, cases[one.clip].analysis) for one in asked])
    heads = {clip: head_list(case.analysis, case.learned.head) for clip, case in cases.items()}
    said: list[str] = []
    for number, one in enumerate(asked if asker else (), start=1):
        assert asker is not None
        said.append(asker.answer(cases[one.clip].analysis, _turns(one.question)))
        keep(one.clip, one.question, said[-1])
        tell(f"\r{number} of {len(asked)} questions ")
    made: dict[str, Any] = {"questions": len(asked), "clips": len(cases)}
    if asker is not None:
        scored = vqa.scores(asked, said)
        shown = [
            _guarded(asker, cases[one.clip].analysis, one.question, text, SHORT)
            for one, text in zip(asked, said, strict=True)
        ]
        freely = asked_freely(asker, list(cases.values())[:free], tell, keep)
        turned_away = [declines(text) for one, text in zip(asked, said, strict=True) if holds(one, cases)]
        made = {
            **{name: scored.get(name) for name in SCORES},
            "contradictions_guarded": vqa.contradictions(asked, shown),
            "faithfulness": freely.faithfulness,
            "faithfulness_guarded": freely.guarded,
            "tokens_per_second": asker.tokens_per_second,
            **made,
            "statements": freely.statements,
            "refused": freely.refused + sum(turned_away),
            "answerable": freely.answerable + len(turned_away),
            "answered_unanswerable": freely.answered_unanswerable,
            "unanswerable": freely.unanswerable,
            "units_of_the_head": {
                "au_macro_f1": vqa.listed_f1(asked, said, UNITS),
                "head": vqa.listed_f1(asked, [heads[one.clip] for one in asked], UNITS),
            },
        }
    return {**made, "blind_prior": vqa.blind_prior(asked), "evidence": evidence, "evidence_and_head": read}


def holds(one: Asked, cases: Mapping[str, Case]) -> bool:
    """Whether the record of the clip holds an answer to one of MEGC's questions."""
    return bool(Facts(cases[one.clip].analysis).units)


# --------------------------------------------------------------------------------------------- free questions


@dataclass(frozen=True)
class Freely:
    """What became of free questions."""

    faithfulness: float | None  # share of the statements that the record supports; None: nothing was asked
    guarded: float | None  # the same as the app shows it: unsupported sentences written again or left out
    statements: int
    refused: int  # answers that decline …
    answerable: int  # … of those questions whose answer the record holds
    answered_unanswerable: int  # claims …
    unanswerable: int  # … of those questions that no motion can answer


def asked_freely(
    asker: Asker,
    cases: Sequence[Case],
    tell: Tell = lambda text: None,
    keep: Keep = lambda clip, question, text: None,
) -> Freely:
    """The first explanation and three questions about each clip: of its motion, of its units, of the limits."""
    answers: list[tuple[str, str, Analysis]] = []
    shown: list[tuple[str, str, Analysis]] = []
    refused: list[bool] = []
    answered: list[bool] = []
    for number, case in enumerate(cases, start=1):
        for one in (None, *questions(case)):
            question, manner = (one.question, SHORT) if one else ("", LONG)
            text = asker.answer(case.analysis, _turns(question), manner)
            keep(case.clip, question, text)
            answers.append((question, text, case.analysis))
            shown.append((question, _guarded(asker, case.analysis, question, text, manner), case.analysis))
            if one and one.unanswerable:
                answered.append(not declines(text))
            elif one and one.held:
                refused.append(declines(text))
        tell(f"\r{number} of {len(cases)} clips asked freely ")
    (share, count), (guarded, _) = vqa.faithfulness(answers), vqa.faithfulness(shown)
    return Freely(
        share if count else None,
        guarded if count else None,
        count,
        sum(refused),
        len(refused),
        sum(answered),
        len(answered),
    )


def _turns(question: str) -> tuple[Turn, ...]:
    return (Turn("user", question),) if question else ()


def _guarded(asker: Asker, analysis: Analysis, question: str, plain: str, manner: Manner) -> str:
    """What the guard lets through: the plain answer where nothing of it lacks support, as is most often so."""
    if not check(plain, analysis, question=question).unsupported:
        return plain
    return asker.answer(analysis, _turns(question), replace(manner, guarded=True))


@dataclass(frozen=True)
class Free:
    """One free question."""

    question: str
    unanswerable: bool
    held: bool  # the record holds the answer


def questions(case: Case) -> tuple[Free, ...]:
    """One of the motion, one of the units, one of the limits: always the same of the same clip."""
    say = Speaker(np.random.default_rng([1, zlib.crc32(case.clip.encode())]))
    facts = Facts(case.analysis)
    made = []
    for kinds in (ask_motion.QUESTIONS, ask_units.QUESTIONS, ask_limits.QUESTIONS):
        drawn = _drawn(dict(kinds), facts, say)
        if drawn is not None:
            kind, (question, answer) = drawn
            of_record = kind not in ask_limits.QUESTIONS or kind == "reliable"
            made.append(Free(question, kind == "unanswerable", of_record and not declines(answer)))
    return tuple(made)


def _drawn(kinds: Mapping[str, Ask], facts: Facts, say: Speaker) -> tuple[str, tuple[str, str]] | None:
    """One of these questions, as often as in training; None where the record gives rise to none."""
    names = list(kinds)
    shares = np.array([WEIGHTS[name] for name in names])
    for _ in range(TRIES):
        name = names[int(say.random.choice(len(names), p=shares / shares.sum()))]
        made = kinds[name](facts, say)
        if made is not None:
            return name, made
    return None
