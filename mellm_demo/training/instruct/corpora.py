"""The corpora in their owners' folders: CASME II, SAMM, CAS(ME)^3 part A, DFME. Coding table + frames → motions.

Tables differ in names of columns and in rows above the header, folders in depth and in how frames are numbered. So the
header is looked for, columns are known by several names, a clip's folder is the one on whose path subject and clip
stand, and a frame's number is the last number in its name. Nothing of a corpus is part of this project.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import FaceError, InputError
from mellm_demo.flow import tvl1
from mellm_demo.motion_map import motion_map
from mellm_demo.records import BothSides
from mellm_demo.training.instruct.faces import PICTURES, cut, framing
from mellm_demo.training.instruct.records import analysis_of, drawn_course
from mellm_demo.training.instruct.samples import Truth, coarse_of
from mellm_demo.training.instruct.sources import Source
from mellm_demo.training.instruct.tables import EMOTIONS, parse_units
from mellm_demo.training.synthesis import read_picture

CORPORA: tuple[str, ...] = ("casme2", "samm", "casme3", "dfme")
FRAME_RATES: dict[str, float | None] = {"casme2": 200.0, "samm": 200.0, "casme3": 30.0, "dfme": None}  # None: its table
# How the tables call what is needed, letters and digits only, in small letters.
_NAMES: dict[str, tuple[str, ...]] = {
    "subject": ("subject", "sub", "subjectid"),
    "clip": ("filename", "clip", "videoname", "video", "code"),
    "onset": ("onsetframe", "onset", "onsetf"),
    "apex": ("apexframe", "apex", "apexf", "apexframe1"),
    "offset": ("offsetframe", "offset", "offsetf"),
    "units": ("actionunits", "au", "aus", "actionunit"),
    "emotion": ("estimatedemotion", "emotion", "label", "emotionclass"),
    "fps": ("fps", "framerate"),
}
NEEDED = ("subject", "clip", "onset", "apex", "units")
SPELLINGS = EMOTIONS | {"joy": "happiness", "angry": "anger", "surprised": "surprise"}
HEADER_ROWS = 30  # SAMM's table opens with a dozen lines of explanation


@dataclass(frozen=True)
class Event:
    """One coded micro-expression with the two frames that count."""

    corpus: str
    subject: str
    clip: str
    onset: Path
    apex: Path
    rise_ms: float
    fall_ms: float
    units: tuple[tuple[int, BothSides], ...]
    emotion: str | None  # of facs.EMOTIONS; None for “others”


def read_corpus_events(folder: Path, corpus: str, table: Path | None = None) -> tuple[Event, ...]:
    """All events of a corpus whose onset and apex frames are there.

    table: the coding table; by default the one in the folder. Raises InputError, with what is missing.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder.name}. Give the folder that holds the corpus.")
    table = table or _find_table(folder)
    rows = list(_rows(table))
    folders = _clip_folders(folder)
    events = [event for row in rows if (event := _event(row, corpus, folders)) is not None]
    if not events:
        raise InputError(
            f"None of the {len(rows)} events of {table.name} has its frames in {folder.name}. Give the folder with the "
            "subjects' folders."
        )
    return tuple(events)


def _find_table(folder: Path) -> Path:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".csv", ".xlsx") and not p.name.startswith("~"))
    for path in found:
        try:
            next(iter(_rows(path)), None)
        except InputError:
            continue
        return path
    raise InputError(f"There is no coding table (.csv, .xlsx) in {folder.name}. Name it with --coding.")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows by the names of _NAMES."""
    header: list[str | None] | None = None
    for number, cells in enumerate(_cells(path)):
        if header is None:
            known = [_known(cell) for cell in cells]
            if set(NEEDED) <= set(known):
                header = [name if name not in known[:i] else None for i, name in enumerate(known)]
            elif number >= HEADER_ROWS:
                break
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name}
        if row.get("subject") and row.get("clip"):
            yield row
    if header is None:
        raise InputError(f"{path.name} has no header with {', '.join(NEEDED)}. Give the corpus' coding table.")


def _known(cell: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", cell.lower())
    return next((name for name, spelled in _NAMES.items() if plain in spelled), None)


def _cells(path: Path) -> Iterator[list[str]]:
    if path.suffix.lower() == ".csv":
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                yield from csv.reader(file)
        except (OSError, UnicodeDecodeError, csv.Error):
            raise InputError(f"{path.name} cannot be read as CSV in UTF-8. Save it so.") from None
        return
    try:
        import openpyxl
    except ImportError:
        raise InputError(f"{path.name} is an Excel table: install openpyxl, or save it as .csv.") from None
    try:
        sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise InputError(f"{path.name} cannot be read as an Excel table ({error}). Save it as .csv.") from None
    for row in sheet.iter_rows(values_only=True):
        yield ["" if cell is None else str(cell) for cell in row]


def _clip_folders(folder: Path) -> tuple[Path, ...]:
    """Every folder that holds pictures."""
    return tuple(sorted({path.parent for path in folder.rglob("*") if path.suffix.lower() in PICTURES}))


def _event(row: dict[str, str], corpus: str, folders: Iterable[Path]) -> Event | None:
    numbers = [_whole(row.get(name, "")) for name in ("onset", "apex", "offset")]
    onset, apex, offset = numbers
    if onset is None or apex is None or apex <= onset:
        return None  # no apex coded (“/”), or none after the onset
    where = next((path for path in folders if _belongs(path, row["subject"], row["clip"])), None)
    frames = _frames(where) if where else {}
    if onset not in frames or apex not in frames:
        return None
    rate = FRAME_RATES[corpus] or _number(row.get("fps", "")) or 200.0
    name = row.get("emotion", "").lower()
    emotion = SPELLINGS.get(name, name)
    fall = (offset - apex) if offset is not None and offset > apex else (apex - onset)
    return Event(
        corpus=corpus,
        subject=row["subject"],
        clip=row["clip"],
        onset=frames[onset],
        apex=frames[apex],
        rise_ms=1000.0 * (apex - onset) / rate,
        fall_ms=1000.0 * fall / rate,
        units=parse_units(row.get("units", "")),
        emotion=emotion if emotion in facs.EMOTION_BY_NAME else None,
    )


def _belongs(folder: Path, subject: str, clip: str) -> bool:
    """Whether a folder is a clip's: both names stand on its path, the clip's at last (“color” and the like aside)."""
    parts = [part.lower() for part in folder.parts]
    clip = clip.lower()
    if clip not in parts[-2:]:
        return False
    digits = subject.lower().lstrip("0") or "0"
    before = [*parts[: len(parts) - 1 - parts[::-1].index(clip)], clip]
    return any(part == subject.lower() or re.fullmatch(rf"(?:sub|s|spno\.?)?0*{re.escape(digits)}", part)
               or part.startswith(f"{subject.lower()}_") for part in before)  # fmt: skip


def _frames(folder: Path) -> dict[int, Path]:
    found = {}
    for path in sorted(folder.iterdir()):
        numbers = re.findall(r"\d+", path.stem)
        if path.suffix.lower() in PICTURES and numbers:
            found[int(numbers[-1])] = path
    return found


def _whole(text: str) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def source_of(event: Event, random: np.random.Generator) -> Source | None:
    """An event's motion, measured as the app measures it; None where no face is found in its onset frame.

    Both frames are cut out under the onset's framing, so that the head's motion stays in the flow, as in the app.
    """
    try:
        first = read_picture(event.onset)
        a, b, landmarks = framing(first)
    except FaceError:
        return None
    onset, apex = cut(first, a, b), cut(read_picture(event.apex), a, b)
    measured = tvl1(onset, apex)
    course = drawn_course(event.rise_ms, event.fall_ms, random, "none")
    analysis = analysis_of(measured, onset, landmarks, course, random)
    x, y = landmarks[facs.NOSE_TIP]
    truth = Truth(dict(event.units), event.emotion, coarse_of(event.emotion))
    picture = motion_map(measured, onset, (float(x), float(y)))
    return Source(event.corpus, f"{event.corpus}/{event.subject}", event.clip, analysis, truth, picture)
