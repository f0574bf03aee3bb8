"""Coding tables → which action units occur together, how often, on which side, and how long events last."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import BothSides

# Beside CASME II, whose people are tested on: what is drawn for synthetic faces shall not know its frequencies.
TABLES: dict[str, float | None] = {"dfme_train.csv": None, "casme3_part_a.csv": 30.0}  # frames/s where no column says
COLUMNS = ("subject", "onset_frame", "apex_frame", "offset_frame", "action_units", "emotion")
EMOTIONS: dict[str, str] = {"happy": "happiness", "sad": "sadness"}  # spellings → facs.EMOTIONS
_UNIT = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<number>\d{1,2})(?P<suffix>[A-Za-z]*)")


@dataclass(frozen=True)
class Coded:
    """One coded event."""

    units: tuple[tuple[int, BothSides], ...]  # rising; only units that facs knows
    emotion: str | None  # of facs.EMOTIONS; None for “others” and the like
    rise_ms: float  # onset → apex
    fall_ms: float  # apex → offset


def parse_units(text: str) -> tuple[tuple[int, BothSides], ...]:
    """“4+L12+R10A” → ((4, both), (10, right), (12, left)).

    L and R name the subject's side; the letters of FACS' intensities, of descriptors (AD38) and of lips (T, B) are
    passed over, head movements (M55) and units that facs does not know are left out. The same unit on both sides
    counts once.
    """
    found: dict[int, BothSides] = {}
    for part in re.split(r"[+,;/&\s]+", text.strip()):
        match = _UNIT.fullmatch(part)
        if match is None or match["prefix"].upper() == "M":
            continue
        number = int(match["number"])
        if number not in facs.AU_BY_NUMBER:
            continue
        side: BothSides = {"L": "left", "R": "right"}.get(match["prefix"].upper()[:1], "both")  # type: ignore[assignment]
        if number in found and found[number] != side:
            side = "both"
        found[number] = side
    return tuple(sorted(found.items()))


def read_tables(folder: Path, tables: dict[str, float | None] | None = None) -> tuple[Coded, ...]:
    """Every event of ``folder``/annotations with a known unit. Raises InputError for a table missing or malformed."""
    events: list[Coded] = []
    for name, rate in (tables or TABLES).items():
        events += _events(folder / "annotations" / name, rate)
    if not events:
        raise InputError("The annotation tables hold no event with an action unit. Restore them.")
    return tuple(events)


def _events(path: Path, rate: float | None) -> list[Coded]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise InputError(
            f"There is no table {path.name} in annotations/. Give a --data folder that holds it."
        ) from None
    missing = [name for name in COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise InputError(f"{path.name} lacks the column {missing[0]}. Restore the table.")
    events = []
    for row in rows:
        units = parse_units(row["action_units"] or "")
        times = _times(row, rate)
        if units and times:
            name = (row["emotion"] or "").strip().lower()
            emotion = EMOTIONS.get(name, name)
            events.append(Coded(units, emotion if emotion in facs.EMOTION_BY_NAME else None, *times))
    return events


def _times(row: dict[str, str], rate: float | None) -> tuple[float, float] | None:
    """Rise and fall in ms; None where the frames do not rise (such rows exist in every corpus)."""
    try:
        onset, apex, offset = (float(row[name]) for name in ("onset_frame", "apex_frame", "offset_frame"))
        per_second = float(row.get("fps") or rate or 0.0)
    except (TypeError, ValueError):
        return None
    if not (per_second > 0 and onset < apex < offset):
        return None
    return 1000.0 * (apex - onset) / per_second, 1000.0 * (offset - apex) / per_second


def frequencies(events: tuple[Coded, ...]) -> dict[int, float]:
    """The share of events that show each unit."""
    counts: dict[int, int] = {}
    for event in events:
        for number, _ in event.units:
            counts[number] = counts.get(number, 0) + 1
    return {number: count / len(events) for number, count in sorted(counts.items())}


def draw(events: tuple[Coded, ...], random: np.random.Generator) -> Coded:
    """One event, as likely as it was coded."""
    return events[int(random.integers(len(events)))]
