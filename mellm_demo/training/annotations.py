"""Which action units go with which coarse class: counts over the codings of DFME and CAS(ME)^3.

The tables hold facts about thousands of real events (subject, action units, emotion), no pictures. They serve as a
prior. Knows nothing of models.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.recognition.network import UNITS
from mellm_demo.records import FloatArray

# CASME II is in the training flow itself; its table would count people who are tested, so it is left out.
TABLES = ("dfme_train.csv", "casme3_part_a.csv")
CLASS_OF: dict[str, int] = {
    **dict.fromkeys(("disgust", "anger", "fear", "sadness", "sad", "contempt", "repression"), 0),
    **dict.fromkeys(("happiness", "happy"), 1),
    "surprise": 2,
}
PRIOR_EVENTS = 2.0  # added to each count, so that what was seen twice is no law


def class_given_unit(folder: Path) -> FloatArray:
    """(12, 3) log of how much likelier each class is where the unit is shown, classes equally likely beforehand.

    Rows have mean 0. Raises InputError where a table is missing or has other columns.
    """
    shown, events = np.zeros((len(UNITS), 3)), np.zeros(3)
    for name in TABLES:
        for units, coarse in _events(folder / "annotations" / name):
            events[coarse] += 1
            for row, number in enumerate(UNITS):
                shown[row, coarse] += number in units
    rates = np.log((shown + PRIOR_EVENTS) / (events + 3 * PRIOR_EVENTS))
    return np.asarray(rates - rates.mean(axis=1, keepdims=True), dtype=np.float64)


def _events(path: Path) -> list[tuple[set[int], int]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise InputError(
            f"There is no table {path.name} in annotations/. Give a --data folder that holds it."
        ) from None
    if not rows or not {"action_units", "emotion"} <= set(rows[0]):
        raise InputError(f"{path.name} lacks the columns action_units and emotion. Restore the table.")
    found = []
    for row in rows:
        coarse = CLASS_OF.get((row["emotion"] or "").strip().lower())
        if coarse is not None:
            found.append(({int(number) for number in re.findall(r"\d+", row["action_units"] or "")}, coarse))
    return found
