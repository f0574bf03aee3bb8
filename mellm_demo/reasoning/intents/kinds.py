"""What a question can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from mellm_demo.records import Side
from mellm_demo.wording import Language

Item = TypeVar("Item")


class Intent(StrEnum):
    """What a question wants to know."""

    EXPLAIN = "explain"
    UNITS = "units"
    UNIT = "unit"
    SIDE = "side"
    WHEN = "when"
    DURATION = "duration"
    KIND = "kind"
    STRENGTH = "strength"
    WHERE = "where"
    REGION = "region"
    EMOTION = "emotion"
    COARSE = "coarse"
    NAMED_EMOTION = "named_emotion"
    ALTERNATIVES = "alternatives"
    WHY = "why"
    RELIABILITY = "reliability"
    SPANS = "spans"
    CANDIDATES = "candidates"
    COMPARE = "compare"
    QUALITY = "quality"
    BETTER_CLIP = "better_clip"
    TERM = "term"
    PICTURE = "picture"
    MAGNIFIED = "magnified"
    METHOD = "method"
    MODEL = "model"
    LIE = "lie"
    GENUINE = "genuine"
    HEALTH = "health"
    IDENTITY = "identity"
    TRAITS = "traits"
    THOUGHTS = "thoughts"
    PRIVACY = "privacy"
    USE = "use"
    FACES = "faces"
    HELP = "help"
    GREETING = "greeting"
    THANKS = "thanks"
    EMPTY = "empty"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Query:
    """What a question asks for, in known names only."""

    language: Language
    intents: tuple[Intent, ...]
    units: tuple[int, ...] = ()
    side: Side | None = None
    regions: tuple[str, ...] = ()  # names of facs.REGIONS without their side
    emotions: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()  # keys of TERMS
    spans: tuple[str, ...] = ()  # kinds of Span
    colours: tuple[str, ...] = ()  # names of the eight directions that the colours stand for


REFUSALS = frozenset(
    {Intent.LIE, Intent.GENUINE, Intent.HEALTH, Intent.IDENTITY, Intent.TRAITS, Intent.THOUGHTS, Intent.USE}
)


def distinct(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Every item once, where it stands first."""
    return tuple(dict.fromkeys(items))
