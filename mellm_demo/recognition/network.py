"""The trained head in NumPy: a normalised 28×28 picture of motion → action units and coarse class, calibrated.

The mean of several small networks with one hidden layer, each over the same coarse grid of the smoothed picture; what
is seen in the mirror and a little shifted counts as well. Weights come from weights/recognition; how they came to be
stands in mellm_demo/training/recognition.py and in the card beside them. Knows nothing of faces, pixels or gating.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import WeightsError
from mellm_demo.recognition.crop import GRID, mirrored, normalised
from mellm_demo.records import Float32Array, FloatArray, Image

UNITS: tuple[int, ...] = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)  # the action units that the head was trained on
CLASSES = 3  # in the order of facs.COARSE_CLASSES
OUTPUTS = CLASSES + len(UNITS)
FOLDER = Path(__file__).resolve().parents[2] / "weights" / "recognition"
WEIGHTS_NAME, NUMBERS_NAME = "head.npz", "head.json"
SMOOTHING = np.array([0.03, 0.11, 0.22, 0.28, 0.22, 0.11, 0.03], np.float32)  # about a Gaussian of 1.4 px of the grid
FIRST, STEP = 2, 3  # pixels 2, 5, …, 26 of the smoothed picture are inputs: brows lie in row 5, lids in 8, lips in 20
SIDE = len(range(FIRST, GRID, STEP))
INPUTS = SIDE * SIDE * 3
# What is looked at besides the picture as it is: framing differs from corpus to corpus. (dx, dy) px of the grid.
SHIFTS: tuple[tuple[int, int], ...] = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Head:
    """Weights of M members with H hidden units each, and what turns scores into probabilities."""

    hidden: Float32Array  # (M, INPUTS + 1, H), the last row is the bias
    out: Float32Array  # (M, H + INPUTS + 1, OUTPUTS): hidden units, the inputs themselves, bias
    unit_slope: FloatArray  # (12,) probability = 1 / (1 + exp(-(slope · score + offset)))
    unit_offset: FloatArray  # (12,)
    thresholds: FloatArray  # (12,) of the probability: a unit is shown from there on
    class_slope: float  # shares = softmax(slope · score)
    common_units: bool  # how the pictures are scaled, see crop.normalised
    several_views: bool  # the mirror and SHIFTS are looked at too
    reliability: dict[int, float]  # F1 per unit on clips of people whom the head had not seen


@dataclass(frozen=True)
class Reading:
    """What the head says of N pictures."""

    units: FloatArray  # (N, 12) probabilities, in the order of UNITS
    coarse: FloatArray  # (N, 3) shares that sum to 1


def inputs(maps: Float32Array) -> Float32Array:
    """Normalised pictures (N, 28, 28, 3) → (N, INPUTS): smoothed, every third pixel."""
    reach = len(SMOOTHING) // 2
    padded = np.pad(maps, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    rows = sum(w * padded[:, k + FIRST : k + GRID : STEP] for k, w in enumerate(SMOOTHING))
    both = sum(w * np.asarray(rows)[:, :, k + FIRST : k + GRID : STEP] for k, w in enumerate(SMOOTHING))
    return np.asarray(both, dtype=np.float32).reshape(len(maps), INPUTS)


def shifted(maps: Float32Array, dx: int, dy: int) -> Float32Array:
    """Pictures (N, 28, 28, 3) moved by whole pixels, the border repeated."""
    columns = np.clip(np.arange(GRID) - dx, 0, GRID - 1)
    rows = np.clip(np.arange(GRID) - dy, 0, GRID - 1)
    return maps[:, rows][:, :, columns]


def views(maps: Float32Array, several: bool) -> Float32Array:
    """(V, N, INPUTS): each picture shifted by SHIFTS, as it is and in the mirror; or only as it is."""
    if not several:
        return inputs(maps)[None]
    moved = [shifted(maps, dx, dy) for dx, dy in SHIFTS]
    return np.stack([inputs(seen) for view in moved for seen in (view, mirrored(view))])


def forward(features: Float32Array, hidden: Float32Array, out: Float32Array) -> Float32Array:
    """Scores (M, N, OUTPUTS) of features (N, INPUTS) under M members; see Head for the shapes of the weights."""
    active = np.maximum(features @ hidden[:, :-1] + hidden[:, -1:], 0.0)
    width = hidden.shape[2]
    return np.asarray(active @ out[:, :width] + features @ out[:, width:-1] + out[:, -1:], dtype=np.float32)


def scores(uvs: Image, head: Head) -> FloatArray:
    """(N, 28, 28, 3) uint8 → (N, OUTPUTS), mean over members and views."""
    seen = views(normalised(uvs, common_units=head.common_units), head.several_views)
    count = len(uvs)
    made = forward(seen.reshape(-1, INPUTS), head.hidden, head.out).mean(axis=0)
    return made.reshape(len(seen), count, OUTPUTS).mean(axis=0).astype(np.float64)


def read(uvs: Image, head: Head) -> Reading:
    """(N, 28, 28, 3) uint8, scaled as the corpora are → probabilities."""
    return calibrated(scores(uvs, head), head.unit_slope, head.unit_offset, head.class_slope)


def calibrated(made: FloatArray, unit_slope: FloatArray, unit_offset: FloatArray, class_slope: float) -> Reading:
    """Scores (N, OUTPUTS) → probabilities: a logistic curve for each unit, a softmax over the classes."""
    z = class_slope * made[:, :CLASSES]
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    logits = np.clip(unit_slope * made[:, CLASSES:] + unit_offset, -30.0, 30.0)
    return Reading(1.0 / (1.0 + np.exp(-logits)), shares / shares.sum(axis=1, keepdims=True))


# ---------------------------------------------------------------------------------------------- on the disk


def save(head: Head, folder: Path, numbers: dict[str, object]) -> None:
    """Writes head.npz (weights, float16) and head.json (calibration, thresholds, reliability and ``numbers``)."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / WEIGHTS_NAME, hidden=head.hidden.astype(np.float16), out=head.out.astype(np.float16))
    content = {
        "weights_sha256": hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest(),
        "units": list(UNITS),
        "unit_slope": head.unit_slope.tolist(),
        "unit_offset": head.unit_offset.tolist(),
        "thresholds": head.thresholds.tolist(),
        "class_slope": head.class_slope,
        "common_units": head.common_units,
        "several_views": head.several_views,
        "reliability": {str(au): value for au, value in head.reliability.items()},
        **numbers,
    }
    (folder / NUMBERS_NAME).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


@cache
def load(folder: Path = FOLDER) -> Head:
    """The head in ``folder``. Raises WeightsError where a file is missing or not the one that was written."""
    try:
        data = (folder / WEIGHTS_NAME).read_bytes()
        numbers = json.loads((folder / NUMBERS_NAME).read_text(encoding="utf-8"))
    except OSError:
        raise WeightsError(
            f"{WEIGHTS_NAME} or {NUMBERS_NAME} is missing in “{folder.name}”. Restore the folder “weights”."
        ) from None
    except ValueError:
        raise WeightsError(f"The file {NUMBERS_NAME} is damaged. Restore it from the project.") from None
    if hashlib.sha256(data).hexdigest() != numbers.get("weights_sha256") or numbers.get("units") != list(UNITS):
        raise WeightsError(f"The file {WEIGHTS_NAME} is not the expected one. Restore it from the project.")
    with np.load(folder / WEIGHTS_NAME, allow_pickle=False) as stored:
        hidden, out = stored["hidden"].astype(np.float32), stored["out"].astype(np.float32)
    return Head(
        hidden=hidden,
        out=out,
        unit_slope=np.array(numbers["unit_slope"]),
        unit_offset=np.array(numbers["unit_offset"]),
        thresholds=np.array(numbers["thresholds"]),
        class_slope=float(numbers["class_slope"]),
        common_units=bool(numbers["common_units"]),
        several_views=bool(numbers["several_views"]),
        reliability={int(au): float(value) for au, value in numbers["reliability"].items()},
    )


def numbers(folder: Path = FOLDER) -> dict[str, Any]:
    """What head.json says of the head in ``folder``, how it was made and measured included; raises as ``load`` does."""
    load(folder)
    made: dict[str, Any] = json.loads((folder / NUMBERS_NAME).read_text(encoding="utf-8"))
    return made


def digest(folder: Path = FOLDER) -> str:
    """SHA-256 of the weights in ``folder``; raises as ``load`` does."""
    load(folder)
    return hashlib.sha256((folder / WEIGHTS_NAME).read_bytes()).hexdigest()
