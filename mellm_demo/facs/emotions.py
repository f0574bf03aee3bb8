"""Emotions and classes, and the action units that the literature ties them to.

Sources, by the letters used below. D17: Davison et al. 2017, objective classes; Y14: Yan et al. 2014, CASME II.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COARSE_CLASSES: tuple[str, ...] = ("negative", "positive", "surprise")  # MEGC's three


@dataclass(frozen=True)
class Emotion:
    """One emotion word, with what the literature ties it to."""

    name: str
    name_zh: str
    coarse: str  # of COARSE_CLASSES
    prototype: frozenset[int]  # EMFACS style; empty where there is none
    casme2: tuple[frozenset[int], ...] = ()  # Y14: any of these sets


def _sets(*sets: str) -> tuple[frozenset[int], ...]:
    return tuple(frozenset(int(number) for number in text.split("+")) for text in sets)


EMOTIONS: tuple[Emotion, ...] = (
    Emotion("happiness", "高兴", "positive", frozenset({6, 12}), _sets("6", "12")),
    Emotion("sadness", "悲伤", "negative", frozenset({1, 4, 15})),
    Emotion("surprise", "惊讶", "surprise", frozenset({1, 2, 5, 26}), _sets("1+2", "2", "25")),
    Emotion("fear", "恐惧", "negative", frozenset({1, 2, 4, 5, 7, 20, 26})),
    Emotion("anger", "愤怒", "negative", frozenset({4, 5, 7, 23})),
    Emotion("disgust", "厌恶", "negative", frozenset({9, 15, 16}), _sets("9", "10", "4+7")),
    Emotion("contempt", "轻蔑", "negative", frozenset()),  # a one-sided AU 12 or 14, which no set can say
    Emotion("repression", "压抑", "negative", frozenset(), _sets("15", "17", "15+17")),
)
EMOTION_BY_NAME: dict[str, Emotion] = {emotion.name: emotion for emotion in EMOTIONS}
CONTEMPT_ONE_SIDED: frozenset[int] = frozenset({12, 14})

# Davison et al. 2017, "Objective classes for micro-facial expression recognition": exact sets; all others are VII.
OBJECTIVE_CLASSES: dict[str, tuple[frozenset[int], ...]] = {
    "I": _sets("6", "12", "6+12", "6+7+12", "7+12"),
    "II": _sets("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    "III": _sets("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    "IV": _sets("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    "V": _sets("1", "15", "1+4", "6+15", "15+17"),
    "VI": _sets("1+2+4", "20"),
}
OBJECTIVE_REST = "VII"


def objective_class(action_units: Iterable[int]) -> str | None:
    """The objective class, "I" to "VII", of exactly this set of action units; None for the empty set (D17)."""
    wanted = frozenset(action_units)
    if not wanted:
        return None
    return next((name for name, sets in OBJECTIVE_CLASSES.items() if wanted in sets), OBJECTIVE_REST)


# How often CASME II (145 clips in four classes) shows an action unit with an emotion: the clips, and the frequent ones.
CASME2_CLIPS: dict[str, int] = {"disgust": 61, "happiness": 32, "repression": 27, "surprise": 25}
CASME2_COUNTS: dict[str, dict[int, int]] = {
    "disgust": {4: 53, 7: 30, 10: 17, 9: 9},
    "happiness": {12: 28, 14: 4},
    "repression": {17: 19, 15: 14},
    "surprise": {2: 21, 1: 19},
}

COARSE_ZH: dict[str, str] = {"negative": "消极", "positive": "积极", "surprise": "惊讶"}
EMOTION_ZH: dict[str, str] = {emotion.name: emotion.name_zh for emotion in EMOTIONS}
