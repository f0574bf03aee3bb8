"""Codings of real events: which action units were shown, on which side, and what the corpus calls the emotion.

The tables hold facts about thousands of events of CASME II, DFME and CAS(ME)^3, no pictures. ``class_given_unit`` makes
a prior of them. Knows nothing of models.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.recognition.network import UNITS
from mellm_demo.records import FloatArray

# CASME II is in the training flow itself; its table would count people who are tested, so it is left out of the prior.
PRIOR_TABLES = ("dfme_train.csv", "casme3_part_a.csv")
SAME: dict[str, str] = {"sad": "sadness", "happy": "happiness"}  # words of the tables → those of facs
PRIOR_EVENTS = 2.0  # added to each count, so that what was seen twice is no law


@dataclass(frozen=True)
class Coding:
    """One event: units on one side and on both, and its emotion, one of facs.EMOTIONS."""

    one_sided: frozenset[int]
    both: frozenset[int]
    emotion: str
    subject: str = ""

    @property
    def units(self) -> frozenset[int]:
        return self.one_sided | self.both


def read_codings(path: Path) -> list[Coding]:
    """The events of one table whose emotion has a name of its own (“others” has none).

    Raises InputError where it is missing or has other columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(
            f"There is no table {path.name} in annotations/ that can be read. Give a --data folder that holds it."
        ) from None
    if not rows or not {"action_units", "emotion"} <= set(rows[0]):
        raise InputError(f"{path.name} lacks the columns action_units and emotion. Restore the table.")
    made = []
    for row in rows:
        word = (row["emotion"] or "").strip().lower()
        emotion = SAME.get(word, word)
        if emotion in facs.EMOTION_BY_NAME:
            made.append(Coding(*_units(row["action_units"] or ""), emotion, (row.get("subject") or "").strip()))
    return made


def _units(text: str) -> tuple[frozenset[int], frozenset[int]]:
    """Units on one side and on both of “4+L12+AD38”: R and L are sides, T and B halves of the lips.

    Action descriptors other than the nostrils' (AD 38 and 39, which FACS now numbers as units) are left out.
    """
    sides: dict[int, set[str]] = {}
    for part in text.split("+"):
        if match := re.fullmatch(r"([LRTB]?)(\d{1,2})|AD(38|39)", part.strip()):
            sides.setdefault(int(match[2] or match[3]), set()).add(match[1] if match[1] in ("L", "R") else "")
    single = frozenset(number for number, seen in sides.items() if len(seen) == 1 and "" not in seen)
    return single, frozenset(sides) - single


def class_given_unit(folder: Path) -> FloatArray:
    """(12, 3) log of how much likelier each class is where the unit is shown, classes equally likely beforehand.

    Rows have mean 0. Raises InputError where a table is missing or has other columns.
    """
    shown, events = np.zeros((len(UNITS), 3)), np.zeros(3)
    for name in PRIOR_TABLES:
        for coding in read_codings(folder / "annotations" / name):
            coarse = facs.COARSE_CLASSES.index(facs.EMOTION_BY_NAME[coding.emotion].coarse)
            events[coarse] += 1
            for row, number in enumerate(UNITS):
                shown[row, coarse] += number in coding.units
    rates = np.log((shown + PRIOR_EVENTS) / (events + 3 * PRIOR_EVENTS))
    return np.asarray(rates - rates.mean(axis=1, keepdims=True), dtype=np.float64)
