"""Reads a corpus of micro-expression flow: ``flows.npz`` and ``labels.csv``. Knows nothing of models.

``flows.npz`` holds ``uvs`` (N, 28, 28, 3) uint8, channels u (right positive), v (down positive), optical strain, each
stretched per clip to 0..255, and ``clip_id`` (N,). ``labels.csv`` has the columns clip_id, dataset, subject, coarse,
emotion, action_units (numbers joined by “+”; empty where nobody coded them).
"""

from __future__ import annotations

import csv
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.recognition.crop import GRID
from mellm_demo.recognition.network import UNITS
from mellm_demo.records import BoolArray, FloatArray, Image

COLUMNS = ("clip_id", "dataset", "subject", "coarse", "emotion", "action_units")
DATA_VARIABLE = "MELLM_DATA"


@dataclass(frozen=True)
class Corpus:
    """Clips with their labels, N of each; ``group`` names corpus and subject, for folds."""

    uvs: Image  # (N, 28, 28, 3)
    dataset: NDArray[np.str_]  # (N,)
    group: NDArray[np.str_]  # (N,) "corpus/subject"
    coarse: NDArray[np.int64]  # (N,) index into facs.COARSE_CLASSES; -1: not labelled
    units: FloatArray  # (N, 12) 0 or 1, in the order of UNITS
    coded: BoolArray  # (N,) whether anybody coded action units; where not, ``units`` means nothing
    clip: NDArray[np.str_]  # (N,) names
    emotion: NDArray[np.str_]  # (N,) as the corpus calls it, lower case; empty where nobody did

    def part(self, rows: BoolArray) -> Corpus:
        """The clips where ``rows`` is True."""
        return Corpus(
            self.uvs[rows],
            self.dataset[rows],
            self.group[rows],
            self.coarse[rows],
            self.units[rows],
            self.coded[rows],
            self.clip[rows],
            self.emotion[rows],
        )

    def __len__(self) -> int:
        return len(self.uvs)


def data_folder(given: Path | None) -> Path:
    """The folder of ``--data``, or of the environment. Raises InputError where there is none."""
    folder = given or (Path(value) if (value := os.environ.get(DATA_VARIABLE)) else None)
    if folder is None:
        raise InputError(f"No data was named. Give --data DIR, or set {DATA_VARIABLE}.")
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder.name}. Give --data a folder that holds me_flow/.")
    return folder


def read_me_flow(folder: Path) -> Corpus:
    """The corpus in ``folder``/me_flow."""
    return read_corpus(folder / "me_flow" / "flows.npz", folder / "me_flow" / "labels.csv")


def read_corpus(flows: Path, labels: Path) -> Corpus:
    """Flows with their labels, in the order of the flows. Raises InputError for what is missing or malformed."""
    uvs, names = _flows(flows)
    rows = _labels(labels)
    missing = [name for name in names if name not in rows]
    if missing:
        raise InputError(f"{labels.name} has no row for {len(missing)} clips, e.g. {missing[0]}. Label each clip.")
    chosen = [rows[name] for name in names]
    units = np.zeros((len(chosen), len(UNITS)))
    for index, row in enumerate(chosen):
        units[index] = [float(number in _numbers(row["action_units"], labels)) for number in UNITS]
    coarse = [_coarse(row, labels) for row in chosen]
    return Corpus(
        uvs=uvs,
        dataset=np.array([row["dataset"] for row in chosen]),
        group=np.array([f"{row['dataset']}/{row['subject']}" for row in chosen]),
        coarse=np.array(coarse, np.int64),
        units=units,
        coded=np.array([bool(row["action_units"].strip()) for row in chosen]),
        clip=np.array(names),
        emotion=np.array([row["emotion"].strip().lower() for row in chosen]),
    )


def unlabelled(flows: Path) -> Corpus:
    """Flows of which nothing is known but their names. Raises InputError for what is missing or malformed."""
    uvs, names = _flows(flows)
    count = len(names)
    return Corpus(
        uvs=uvs,
        dataset=np.full(count, "unknown"),
        group=np.full(count, "unknown/unknown"),
        coarse=np.full(count, -1, np.int64),
        units=np.zeros((count, len(UNITS))),
        coded=np.zeros(count, np.bool_),
        clip=np.array(names),
        emotion=np.full(count, ""),
    )


def _flows(path: Path) -> tuple[Image, list[str]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            if not {"uvs", "clip_id"} <= set(stored.files):
                raise InputError(
                    f"{path.name} lacks the arrays “uvs” and “clip_id”. Give flows in the format of me_flow."
                )
            uvs, names = stored["uvs"], [str(name) for name in stored["clip_id"]]
    except FileNotFoundError:
        raise InputError(f"There is no file {path.name}. Give the flows as .npz in the format of me_flow.") from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError):
        raise InputError(f"{path.name} cannot be read as .npz. Give flows in the format of me_flow.") from None
    if uvs.ndim != 4 or uvs.shape[1:] != (GRID, GRID, 3) or uvs.dtype != np.uint8 or not len(uvs):
        raise InputError(
            f"“uvs” in {path.name} must be (N, {GRID}, {GRID}, 3) uint8 with N > 0, got {uvs.shape} {uvs.dtype}."
            " Scale each channel of each clip to 0..255."
        )
    if len(names) != len(uvs) or len(set(names)) != len(names):
        raise InputError(
            f"{path.name} has {len(uvs)} flows and {len(set(names))} different names. Give each clip a name of its own."
        )
    return uvs, names


def _labels(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{path.name} lacks the column {missing[0]}. It needs {', '.join(COLUMNS)}.")
            return {row["clip_id"]: {name: row[name] or "" for name in COLUMNS} for row in reader}
    except FileNotFoundError:
        raise InputError(f"There is no file {path.name}. Give the labels as .csv in the format of me_flow.") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"{path.name} cannot be read as CSV in UTF-8. Save it so.") from None


def _coarse(row: dict[str, str], path: Path) -> int:
    name = row["coarse"].strip().lower()
    if not name:
        return -1
    if name not in facs.COARSE_CLASSES:
        known = ", ".join(facs.COARSE_CLASSES)
        raise InputError(f"{path.name} calls clip {row['clip_id']} “{row['coarse']}”. Use one of {known}, or nothing.")
    return facs.COARSE_CLASSES.index(name)


def _numbers(text: str, path: Path) -> set[int]:
    """{4, 7} of “4+7”; letters for the side (“L12”, “12A”) are passed over, as is an unknown unit (“?”)."""
    numbers = set()
    for part in filter(None, (part.strip() for part in text.split("+"))):
        match = re.fullmatch(r"[A-Za-z]*(\d{1,2})[A-Za-z]*|\?", part)
        if not match:
            raise InputError(f"{path.name} has the action units “{text}”. Write numbers joined by +, such as 4+7.")
        if match[1]:
            numbers.add(int(match[1]))
    return numbers
