"""How each action unit moves the mesh: displacement fields.

``measured`` rows are py-feat's linear map from action units to the mesh (weights/au_to_mesh) with the affine motion of
rigid skin taken out, made symmetric, and kept to the regions that the unit moves by FACS, since the rows also carry
what co-occurs with it (the row of AU 9 lowers the jaw, that of AU 20 the mouth corners). Where a row contradicts FACS
in its own region, the field is ``analytic``: smooth bumps with the directions of the Cohn-Kanade manual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import BothSides, FloatArray
from mellm_demo.training.synthesis.mesh import MESH_POINTS, Mesh, measured_mesh, pose


@dataclass(frozen=True)
class _Measured:
    """A row of the measured map, kept to where its unit acts. ``reach``: σ of the window, in outer eye distances."""

    regions: tuple[str, ...]
    reach: float


@dataclass(frozen=True)
class _Push:
    """Skin around ``mesh`` (the right half's landmarks; the left's follow) moves by (out, up)."""

    mesh: tuple[int, ...]
    out: float
    up: float
    reach: float
    lips: Literal["", "upper", "lower"] = ""  # only what lies above (below) the lip line


_LID_EDGE = (246, 161, 160, 159, 158, 157, 173)
_LID_CREASE = (247, 30, 29, 27, 28, 56, 190)
_LOWER_LID = (7, 163, 144, 145, 153, 154, 155, 110, 24, 23, 22, 26)
_INNER_BROW = (107, 66, 55, 65)
_OUTER_BROW = (70, 63, 105, 46, 53, 52)
_CHEEK = (117, 118, 101, 36, 205, 50)
_NOSTRIL = (48, 64, 98, 129, 102, 49)
_FOLD = (206, 203, 165, 92, 216)
_CORNER = (57, 186, 185, 61, 146, 43)
_UPPER_LIP = (167, 164, 39, 37, 0, 13, 82, 81)
_LOWER_LIP = (87, 14, 181, 84, 17, 178)
_CHIN = (201, 200, 208, 199, 171, 175)

_FIELDS: dict[int, _Measured | tuple[_Push, ...]] = {
    1: _Measured(("inner_brow",), 0.14),
    2: (_Push(_OUTER_BROW, 0.1, 1.0, 0.13), _Push(_LID_CREASE, 0.0, 0.2, 0.05)),
    4: _Measured(("inner_brow", "outer_brow"), 0.12),
    5: (_Push(_LID_EDGE, 0.0, 1.0, 0.03), _Push(_LID_CREASE, 0.0, 0.7, 0.04)),
    6: (
        _Push(_CHEEK, 0.0, 1.0, 0.11),
        _Push(_LOWER_LID, 0.0, 0.55, 0.05),
        _Push((226, 31, 35, 143), -0.35, 0.15, 0.06),  # the outer corner, where the crow's feet gather
    ),
    7: _Measured(("lower_lid",), 0.06),
    9: (
        _Push(_NOSTRIL, 0.0, 1.0, 0.09),
        _Push(_FOLD, 0.0, 0.5, 0.09, "upper"),
        _Push(_UPPER_LIP, 0.0, 0.4, 0.08, "upper"),
        _Push(_INNER_BROW, -0.2, -0.6, 0.08),
    ),
    10: (
        _Push(_UPPER_LIP, 0.0, 1.0, 0.07, "upper"),
        _Push(_FOLD, 0.1, 0.65, 0.1, "upper"),
        _Push(_NOSTRIL, 0.05, 0.35, 0.07),
    ),
    12: _Measured(("mouth_corner", "nasolabial_fold", "cheek"), 0.16),
    14: (
        _Push((61, 57, 185, 146, 76, 62, 78), -1.0, 0.1, 0.09),
        _Push((186, 216, 92), -0.35, -0.25, 0.07),
        _Push((43, 202, 106), -0.35, 0.3, 0.07),
    ),
    15: _Measured(("mouth_corner",), 0.14),
    17: _Measured(("chin", "lower_lip"), 0.1),
    20: (_Push(_CORNER, 1.0, -0.1, 0.13), _Push((165, 92, 106), 0.55, -0.05, 0.1)),
    25: (
        _Push(_UPPER_LIP, 0.0, 0.35, 0.07, "upper"),
        _Push(_LOWER_LIP, 0.0, -1.0, 0.1, "lower"),
        _Push(_CHIN, 0.0, -0.3, 0.08, "lower"),
    ),
    26: _Measured(("chin", "lower_lip"), 0.18),
}
ACTION_UNITS: tuple[int, ...] = tuple(_FIELDS)
# Skin over bone is loose too and follows a little; how much is known for no unit. The bumps' tails end there.
_FIRM, _FIRM_REACH = 0.85, 0.08
_SIDE_BLEND = 0.1  # half-width of the passage from one half of the face to the other, in outer eye distances


def field_source(au: int) -> str:
    """ "measured" or "analytic"."""
    return "measured" if isinstance(_FIELDS[au], _Measured) else "analytic"


def _nearness(points: FloatArray, landmarks: Sequence[int], reach: float) -> FloatArray:
    away = np.sqrt(((points[:, None, :2] - points[None, list(landmarks), :2]) ** 2).sum(axis=2).min(axis=1))
    return np.exp(-0.5 * (away / reach) ** 2)


@cache
def _canonical_field(au: int) -> FloatArray:
    """(478, 2) on the canonical mesh, symmetric; the strongest of the unit's own regions moves by 1 on average."""
    mesh, recipe = measured_mesh(), _FIELDS[au]
    if isinstance(recipe, _Measured):
        own = [i for r in facs.REGIONS if r.key.removesuffix(f"_{r.side}") in recipe.regions for i in r.mesh]
        field = mesh.rows[au] * _nearness(mesh.points, own, recipe.reach)[:, None]
    else:
        field = _pushed(mesh, recipe)
    firm = [i for patch in facs.RIGID_PATCHES for i in patch]
    field = field * (1.0 - _FIRM * _nearness(mesh.points, firm, _FIRM_REACH))[:, None]
    strongest = max(float(np.hypot(*field[list(region.mesh)].mean(axis=0))) for region in facs.REGIONS)
    return field / strongest


def _pushed(mesh: Mesh, pushes: tuple[_Push, ...]) -> FloatArray:
    total = np.zeros((MESH_POINTS, 2))
    weights = np.zeros(MESH_POINTS)
    for push in pushes:
        both = sorted({*push.mesh, *(int(i) for i in mesh.twin[list(push.mesh)])})
        weight = _nearness(mesh.points, both, push.reach)
        if push.lips:
            weight = weight * (mesh.lower if push.lips == "lower" else 1.0 - mesh.lower)
        outwards = np.tanh(mesh.points[:, 0] / 0.08)
        total += weight[:, None] * np.c_[push.out * outwards, np.full(MESH_POINTS, -push.up)]
        weights += weight
    return total / np.maximum(weights, 1.0)[:, None]


def au_field(au: int, landmarks: FloatArray, side: BothSides = "both") -> FloatArray:
    """How action unit ``au`` moves the mesh: (478, 2), image axes (y down), without unit.

    landmarks: (478, 2) px. The mean vector of the region that moves most has length 1, so that the field times an
    amplitude in px moves that region by about so many px. ``side``: the subject's; the halves blend at the midline.
    Raises InputError for a unit that is not in ACTION_UNITS.
    """
    if au not in _FIELDS:
        known = ", ".join(map(str, ACTION_UNITS))
        raise InputError(f"There is no displacement field for action unit {au}. Choose one of {known}.")
    axis, _ = pose(landmarks)
    x_axis = axis / np.hypot(*axis)
    turn = np.array([[x_axis[0], x_axis[1]], [-x_axis[1], x_axis[0]]])  # rows: the face's x and y in the image
    field = _canonical_field(au)
    if side != "both":
        across = np.clip(0.5 + 0.5 * measured_mesh().points[:, 0] / _SIDE_BLEND, 0.0, 1.0)
        share = across * across * (3.0 - 2.0 * across)
        field = field * (share if side == "left" else 1.0 - share)[:, None]
        field = field / max(float(np.hypot(*field[list(region.mesh)].mean(axis=0))) for region in facs.REGIONS)
    return field @ turn
