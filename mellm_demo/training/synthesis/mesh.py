"""The face mesh: which landmarks are what, where a face points, and the measured map from action units to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import WeightsError
from mellm_demo.records import FloatArray

MESH_FILE = Path(__file__).resolve().parents[3] / "weights" / "au_to_mesh" / "au_to_mesh_pls_v4.npz"
MESH_SHA256 = "b5ca40b880530212bccc48d955f32e49309fa7bcdac761b5ed05b6340dfd1f6b"
MESH_POINTS = 478
SKIN_POINTS = 468  # the rest are irises

# Rigid skin from which the affine part of a measured row is fitted: facs' patches, the nose and the eye corners.
_RIGID = (*(i for patch in facs.RIGID_PATCHES for i in patch), 4, 1, 5, 45, 275, 2, 33, 133, 362, 263)
_MIDLINE = (10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 164, 0, 17, 18, 200, 199, 175, 152)
FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
    *(148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
INNER_LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
EYES = (  # (upper edge, lower edge, irises), each edge from corner to corner; right, left
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133), range(468, 473)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362), range(473, 478)),
)


@dataclass(frozen=True)
class Mesh:
    """The measured map. ``points`` and ``rows`` are in outer eye distances, y down, the subject's left at the right."""

    points: FloatArray  # (478, 3)
    rows: dict[int, FloatArray]  # au → (478, 2)
    twin: NDArray[np.int64]  # (478,) the landmark of the other half
    lower: FloatArray  # (478,) 1 below the lip line, 0 above, between beside the mouth


@cache
def measured_mesh() -> Mesh:
    """The map as the fields need it, read once. Raises WeightsError where the file is missing or another."""
    try:
        data = MESH_FILE.read_bytes()
    except OSError:
        raise WeightsError(f"The file {MESH_FILE.name} is missing. Restore the folder “weights”.") from None
    if hashlib.sha256(data).hexdigest() != MESH_SHA256:
        raise WeightsError(f"The file {MESH_FILE.name} is not the expected one. Restore it from the project.")
    with np.load(MESH_FILE, allow_pickle=False) as stored:
        flip = np.array([1.0, -1.0, 1.0])  # the map's y points up
        mesh = stored["mean_aligned_mesh"].astype(np.float64) * flip
        rows = stored["coef"].astype(np.float64).reshape(-1, 3, MESH_POINTS).transpose(0, 2, 1) * flip
        numbers = [int(str(name)[2:]) for name in stored["au_columns"]]
    eyes = mesh[[facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT]]
    scale = float(np.hypot(*(eyes[1] - eyes[0])[:2]))
    points = (mesh - [*eyes[:, :2].mean(axis=0), mesh[list(_RIGID), 2].mean()]) / scale
    points[:, 0] -= points[list(_MIDLINE), 0].mean()
    mirrored = points * [-1.0, 1.0, 1.0]
    twin = np.argmin(((points[:, None] - mirrored[None]) ** 2).sum(axis=2), axis=1)
    twin[list(_MIDLINE)] = _MIDLINE
    affine = np.c_[points, np.ones(MESH_POINTS)]
    rigid = list(_RIGID)
    kept = {}
    for number, row in zip(numbers, rows, strict=False):
        own = row[:, :2] / scale
        own = own - affine @ np.linalg.lstsq(affine[rigid], own[rigid], rcond=None)[0]
        kept[number] = (own + own[twin] * [-1.0, 1.0]) / 2.0
    # Smiles of the fitted frames come with a closing jaw. It is taken out of AU 12's row by AU 26's, to rest the chin.
    chin = list(facs.REGION_BY_KEY["chin"].mesh)
    kept[12] = kept[12] - kept[26] * (kept[12][chin, 1].mean() / kept[26][chin, 1].mean())
    return Mesh(points, kept, twin, _below_lips(points))


def _below_lips(points: FloatArray) -> FloatArray:
    upper, lower = points[list(INNER_LIP_UPPER)], points[list(INNER_LIP_LOWER)]
    middle = (upper + lower)[:, :2] / 2.0
    line = np.interp(points[:, 0], middle[:, 0], middle[:, 1])
    beside = np.clip((np.abs(points[:, 0]) - abs(middle[0, 0])) / 0.1, 0.0, 1.0)
    below = points[:, 1] - line
    hard = (below > 0).astype(np.float64)
    hard[list(INNER_LIP_UPPER[1:-1])], hard[list(INNER_LIP_LOWER[1:-1])] = 0.0, 1.0
    corners = [78, 308, 61, 291, 62, 292, 76, 306]
    hard[corners] = 0.5
    soft = np.clip(0.5 + below / 0.2, 0.0, 1.0)
    return (1.0 - beside) * hard + beside * soft


def pose(landmarks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The face's x axis (towards the subject's left), times the outer eye distance, and the midpoint of the eyes."""
    right, left = landmarks[facs.OUTER_EYE_RIGHT], landmarks[facs.OUTER_EYE_LEFT]
    return left - right, (left + right) / 2.0
