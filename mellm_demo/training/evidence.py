"""MEGC's questions answered from the evidence without any language model: what a perfect reader of it would score.

``evidence_answer`` says what the record claims. A ``Reader`` also hears how sure the head is of every unit, and knows
how other people's events were coded. Neither sees an answer of the clip that it is asked about.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mellm_demo import facs
from mellm_demo.reasoning.facts import Facts
from mellm_demo.recognition import network
from mellm_demo.recognition.crop import corpus_crop
from mellm_demo.recognition.network import UNITS, Head, Reading
from mellm_demo.records import Analysis, Side
from mellm_demo.training.instruct import vqa
from mellm_demo.training.learned import Event, Learned
from mellm_demo.training.vqa import Asked, unit_asked

NOTHING = "none"
COMMONEST: dict[str, str] = {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}  # MEGC's words
RARE = 0.5  # power of an event's count: rare events are heard more than they are common
SURE = 0.01  # no probability counts as nearer to 0 or 1


def evidence_answer(asked: Asked, analysis: Analysis) -> str:
    """What the record claims, in MEGC's format: every unit, also where the question is after “the action unit”."""
    facts = Facts(analysis)
    units = [unit.au for unit in facts.units]
    coarse = _coarse(analysis) if units else NOTHING
    return _answered(asked, analysis, units, _fine(facts, coarse), coarse)


def _coarse(analysis: Analysis) -> str:
    shares = analysis.evidence.coarse if analysis.evidence else None
    return max(facs.COARSE_CLASSES, key=lambda name: float(getattr(shares, name))) if shares else NOTHING


def _fine(facts: Facts, coarse: str) -> str:
    """The best reading within the class; the word that MEGC uses most for it where there is none."""
    named = [one.name for one in facts.emotions if facs.EMOTION_BY_NAME[one.name].coarse == coarse]
    return named[0] if named else COMMONEST.get(coarse, NOTHING)


def _answered(asked: Asked, analysis: Analysis, units: Sequence[int], fine: str, coarse: str) -> str:
    kind, number = asked.kind, vqa.number_of(unit_asked(asked.question))
    if kind == "coarse":
        return coarse
    if kind == "fine":
        return fine
    if kind == "list":
        return vqa.list_answer(dict.fromkeys(units, "both"))
    if kind == "shown":
        return "yes" if number in units else "no"
    if kind == "side":
        return side_of(analysis, number) if number is not None else NOTHING
    return vqa.combined_answer(dict.fromkeys(units, "both"), fine, coarse, question=asked.question)


def side_of(analysis: Analysis, au: int) -> Side:
    """The side on which the regions that define a unit moved farther its way: who asks has said that it is one."""
    shares: dict[Side, float] = {"left": 0.0, "right": 0.0}
    for motion in Facts(analysis).motions:
        for one in facs.AU_BY_NUMBER[au].expectations:
            if one.defining and motion.side is not None and motion.key == f"{one.region}_{motion.side}":
                out = motion.u_px if motion.side == "left" else -motion.u_px
                shares[motion.side] += (out * one.out - motion.v_px * one.up) / math.hypot(one.out, one.up)
    return "left" if shares["left"] >= shares["right"] else "right"


# --------------------------------------------------------------------------------------------- with the head's word


@dataclass(frozen=True)
class Reader:
    """Answers by the head's probabilities and by how other people's events were coded.

    A unit is shown from the head's threshold on. Lists and classes are those of the coded event that is most probable
    given the head; without coded events, the units from their thresholds on and the head's class.
    """

    learned: Learned

    def __call__(self, asked: Asked, analysis: Analysis) -> str:
        reading = read(analysis, self.learned.head)
        if reading is None:
            return evidence_answer(asked, analysis)
        shown = above(reading, self.learned.head)
        if asked.kind == "shown":
            return _answered(asked, analysis, shown, NOTHING, NOTHING)
        single = asked.question in vqa.SINGLE
        event = self._event(reading, None if asked.kind not in ("list", "combined") else single)
        if event is not None:
            coarse = facs.EMOTION_BY_NAME[event.fine].coarse
            return _answered(asked, analysis, sorted(event.units), event.fine, coarse)
        coarse = facs.COARSE_CLASSES[int(reading.coarse[0].argmax())]
        best = sorted(shown, key=lambda au: -reading.units[0][UNITS.index(au)])
        return _answered(asked, analysis, best[:1] if single else best, _fine(Facts(analysis), coarse), coarse)

    def _event(self, reading: Reading, single: bool | None) -> Event | None:
        """The likeliest coded event; single: whether it has one unit, where the question says so."""
        events = [one for one in self.learned.events if one.units and one.fine in facs.EMOTION_BY_NAME]
        usual = {au: (sum(au in one.units for one in events) + 1.0) / (len(events) + 2.0) for au in UNITS}
        seen = Counter(events)
        fitting = [one for one in seen if single is None or (len(one.units) == 1) == single]

        def likely(event: Event) -> float:
            coarse = facs.COARSE_CLASSES.index(facs.EMOTION_BY_NAME[event.fine].coarse)
            odds = RARE * math.log(seen[event]) + math.log(max(float(reading.coarse[0][coarse]), SURE))
            for au, value in zip(UNITS, np.clip(reading.units[0], SURE, 1.0 - SURE), strict=True):
                there = au in event.units
                odds += math.log(value / usual[au] if there else (1.0 - value) / (1.0 - usual[au]))
            return odds

        return max(fitting, key=lambda one: (likely(one), sorted(one.units), one.fine), default=None)


def above(reading: Reading, head: Head) -> list[int]:
    """The units that a head reads at its own thresholds."""
    return [au for au, value, least in zip(UNITS, reading.units[0], head.thresholds, strict=True) if value >= least]


def head_list(analysis: Analysis, head: Head) -> str:
    """The same as a list in MEGC's words."""
    reading = read(analysis, head)
    return vqa.list_answer(dict.fromkeys(above(reading, head) if reading is not None else (), "both"))


def read(analysis: Analysis, head: Head) -> Reading | None:
    """What a head says of the analysed moment, claims or not; None where there is no moment."""
    if analysis.moment is None:
        return None
    landmarks = analysis.face.landmarks[analysis.moment.interval.onset]
    return network.read(corpus_crop(analysis.moment.residual, landmarks)[None], head)
