"""What a text can claim, and the things in it that claims are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mellm_demo.records import BothSides

Kind = Literal[
    "unit",
    "list",
    "name",
    "side",
    "region",
    "count",
    "emotion",
    "word",
    "class",
    "type",
    "px",
    "percent",
    "time",
    "duration",
    "fit",
    "ratio",
]
Stance = Literal["yes", "no", "weak"]  # weak: named as a possibility or as the lesser reading


@dataclass(frozen=True)
class Claim:
    """One thing that a text says of the clip. Only the fields that its kind needs are filled."""

    start: int
    end: int
    kind: Kind
    stance: Stance = "yes"
    units: tuple[int, ...] = ()  # action units that it is about; for numbers: those in whose context it stands
    names: tuple[str, ...] = ()  # region names, any of which may be meant
    side: BothSides | None = None
    ways: tuple[str, ...] = ()  # up, down, out, in, left, right, or names like "image:up-right"
    value: float = 0.0  # px, per cent, ms, a share from 0 to 1, a multiple, or how many
    upto: float | None = None  # the end of a stretch of time, ms
    slack: float = 0.0  # half a unit of the last digit that was told
    label: str = ""  # what a number is said to be: onset, apex, offset, lasted, noise, gap, iod, …
    word: str = ""  # emotion, class, micro or macro, the name that a unit is called by
    only: bool = False  # “on the left only”


@dataclass(frozen=True)
class Region:
    """A region as it is named in a text, any of ``names`` may be meant."""

    start: int
    end: int
    names: tuple[str, ...]
    side: BothSides | None
    plural: bool = False  # “the brows”: whoever says no side speaks of both


@dataclass(frozen=True)
class Units:
    """Action units named side by side."""

    start: int
    end: int
    units: tuple[int, ...]
    named: bool = False  # by name, without its number


def half_digit(digits: int) -> float:
    """Half a unit of the last digit told, and a hair for rounding."""
    return 0.502 * 10.0**-digits
