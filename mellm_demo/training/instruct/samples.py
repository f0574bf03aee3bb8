"""One motion → samples: an image, what the model is told, what it should say, and what of it is known to be true.

``explain`` and ``chat`` are the app's own prompts with the app's own evidence; ``look`` is the image alone, answered
from what truly moved. Answers that the app's grounding check does not fully support are left out and drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mellm_demo import facs
from mellm_demo.reasoning import prompts
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.grounding import check
from mellm_demo.records import Analysis, BothSides, Image, Turn
from mellm_demo.training.instruct import ask_limits, ask_megc, ask_motion, ask_units, explain, vqa
from mellm_demo.training.instruct.images import tower_image
from mellm_demo.training.instruct.wordings import Speaker

Ask = Callable[[Facts, Speaker], "tuple[str, str] | None"]
QUESTIONS: dict[str, Ask] = {
    **ask_motion.QUESTIONS, **ask_units.QUESTIONS, **ask_limits.QUESTIONS, **ask_megc.QUESTIONS,
}  # fmt: skip
# How often each is asked; what cannot be answered must not be rarer than what can.
WEIGHTS: dict[str, float] = {
    "strongest": 1.0, "listing": 1.0, "region": 1.4, "area": 1.2, "direction": 0.8, "strength": 0.8, "share": 0.4,
    "compare": 1.2, "sides": 1.2, "when": 1.0, "how_long": 1.6, "noise": 0.4, "colour": 0.5, "which": 1.2,
    "is_shown": 1.6, "side": 0.7, "why": 0.9, "why_not": 1.0, "emotion": 1.2, "is_emotion": 1.4, "coarse": 0.6,
    "unanswerable": 3.0, "define": 1.8, "about": 0.8, "reliable": 1.0, "better": 0.7, "greet": 0.25, "megc": 4.0,
}  # fmt: skip
TRIES = 4
KINDS = ("explain", "chat", "look")
KIND_SHARES = (0.1, 0.65, 0.25)
OPENING_SHARE = 0.5  # of the conversations begin with the explanation, as in the app
QUESTIONS_ASKED = (3, 8)  # in a conversation: the record before them is long, so many are asked of it
UNAIDED_SHARE = 0.12  # of the conversations have nothing looked up: it must not be needed where intents are missed
BUDGET = 4096
STRONGEST_UNKNOWN = 0.35  # a unit whose weight is smaller is not asked of the image alone


@dataclass(frozen=True)
class Said:
    """One message. ``learn``: the model is taught to say it."""

    role: str
    text: str
    learn: bool = False
    image: bool = False  # the image comes before the text


@dataclass(frozen=True)
class Sample:
    """One conversation."""

    kind: str
    messages: tuple[Said, ...]
    picture: Image | None = field(repr=False)  # (224, 224, 3)
    facts: Mapping[str, Any]  # what it is about, for evaluation
    statements: int  # that the grounding check found, all of them supported


@dataclass(frozen=True)
class Truth:
    """What truly happened, as far as anybody knows."""

    units: Mapping[int, BothSides]
    fine: str | None = None
    coarse: str | None = None


def sample_of(
    analysis: Analysis,
    truth: Truth,
    picture: Image | None,
    random: np.random.Generator,
    kind: str | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> Sample | None:
    """A sample of this kind (drawn where not given); None where the record gives rise to none.

    picture: the motion map where the app would show none, for ``look``; else the analysis' own is used. weights: how
    often each question is asked.
    """
    say = Speaker(random)
    kind = kind or str(random.choice(KINDS, p=KIND_SHARES))
    if kind == "look":
        return looked(truth, picture, random) if picture is not None else None
    made = explained(analysis, say) if kind == "explain" else chatted(analysis, say, weights)
    if made is None:
        return None
    messages, statements = made
    shown = tower_image(analysis.moment.motion_map) if analysis.moment else None
    return Sample(kind, messages, shown, _known(analysis, truth), statements)


def explained(analysis: Analysis, say: Speaker) -> tuple[tuple[Said, ...], int] | None:
    """The first explanation."""
    text, statements = _supported(analysis, lambda: explain.explanation(Facts(analysis), say))
    if text is None:
        return None
    return (*_told(analysis, ()), Said("assistant", text, learn=True)), statements


def chatted(
    analysis: Analysis, say: Speaker, weights: Mapping[str, float] = WEIGHTS
) -> tuple[tuple[Said, ...], int] | None:
    """Some questions in a row, often after an explanation."""
    turns: list[Turn] = []
    total = 0
    if say.maybe(OPENING_SHARE):
        opening, total = _supported(analysis, lambda: explain.explanation(Facts(analysis), say))
        if opening is not None:
            turns.append(Turn("assistant", opening))
    led = len(turns)
    for _ in range(int(say.random.integers(*QUESTIONS_ASKED))):
        asked = _asked(analysis, say, weights)
        if asked is not None:
            question, answer, statements = asked
            turns += [Turn("user", question), Turn("assistant", answer)]
            total += statements
    if len(turns) == led:
        return None
    told = _told(analysis, tuple(turns[:-1]), looked_up=not say.maybe(UNAIDED_SHARE))
    messages = [Said(m.role, m.text, m.role == "assistant", m.image) for m in told]
    return (*messages, Said("assistant", turns[-1].text, learn=True)), total


def _asked(analysis: Analysis, say: Speaker, weights: Mapping[str, float]) -> tuple[str, str, int] | None:
    facts = Facts(analysis)
    names = list(weights)
    shares = np.array(list(weights.values()))
    for _ in range(TRIES):
        ask = QUESTIONS[names[int(say.random.choice(len(names), p=shares / shares.sum()))]]
        made = ask(facts, say)
        if made is None:
            continue
        grounding = check(made[1], analysis, "en")
        if not grounding.unsupported:
            return _as_people_write(made[0], say), made[1], len(grounding.statements)
    return None


def _as_people_write(question: str, say: Speaker) -> str:
    """Capitals and marks are often left out, and people are polite or short."""
    if say.maybe(0.12):
        question = question.lower()
    if say.maybe(0.1):
        question = question.rstrip("?.!")
    if say.maybe(0.06):
        question = say("{Please tell me:|Hi,|Sorry,|One more thing:|And}") + " " + question
    return question


def _supported(analysis: Analysis, write: Callable[[], str]) -> tuple[str | None, int]:
    for _ in range(TRIES):
        text = write()
        grounding = check(text, analysis, "en")
        if not grounding.unsupported:
            return text, len(grounding.statements)
    return None, 0


def _told(analysis: Analysis, turns: Sequence[Turn], looked_up: bool = True) -> tuple[Said, ...]:
    """What the app tells the model."""
    prompt = prompts.build(analysis, turns, style="brief", budget=BUDGET, looked_up=looked_up)
    return tuple(Said(m.role, m.text, image=m.image_png is not None) for m in prompt.messages)


# --------------------------------------------------------------------------------------------- the image alone


def looked(truth: Truth, picture: Image, random: np.random.Generator) -> Sample:
    """MEGC's questions of the image alone, some in a row."""
    asked = vqa.pairs(truth.units, truth.fine, truth.coarse, random, asked_absent=3)
    count = min(int(random.integers(2, 8)), len(asked))
    chosen = [asked[int(i)] for i in random.choice(len(asked), count, replace=False)]
    messages: list[Said] = []
    for question, answer in chosen:
        if messages:
            messages.append(Said("user", question))
        else:
            messages.append(Said("user", look_prompt(question), image=True))
        messages.append(Said("assistant", answer, learn=True))
    known = {"units": {str(au): side for au, side in truth.units.items()}, "fine": truth.fine, "coarse": truth.coarse}
    return Sample("look", tuple(messages), tower_image(picture), known, 0)


def look_prompt(question: str) -> str:
    """The image alone and a question."""
    return f"From the image alone:\n{question}"


def _known(analysis: Analysis, truth: Truth) -> dict[str, Any]:
    facts = Facts(analysis)
    return {
        "state": facts.state,
        "claimed": {str(unit.au): unit.side for unit in facts.units},
        "units": {str(au): side for au, side in truth.units.items()},
        "fine": truth.fine,
        "coarse": truth.coarse,
    }


def coarse_of(fine: str | None) -> str | None:
    """The coarse class of an emotion word."""
    return facs.EMOTION_BY_NAME[fine].coarse if fine in facs.EMOTION_BY_NAME else None
