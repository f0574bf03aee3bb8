"""A drawn motion and its dense flow, exact and cheap: landmarks are displaced, a face's grid carries them to pixels.

The grid of one face is triangulated once; a motion then costs a multiplication. Directions and shapes of the units come
from ``synthesis``; units that it does not render are bumps with the directions of ``facs``. Left and right are the
subject's; flows are in px of the crop, onset → apex, y down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.records import CROP_PX, BothSides, Float32Array, FloatArray
from mellm_demo.training import synthesis
from mellm_demo.training.instruct.tables import Coded, draw

GRID = 64  # side of the cheap flow: skin moves smoothly
SKIN_POINTS = 468
RING = 1.45  # outside the face's outline, enlarged so much from its middle, nothing moves
REACH = 0.09  # σ of a bump, in outer eye distances
SMOOTH = 0.5  # σ that rounds the creases between triangles, in cells of the grid
# Units that can be shown: those of synthesis and those whose direction facs knows. Blinks and winks are events.
UNITS: tuple[int, ...] = tuple(u.number for u in facs.ACTION_UNITS if u.expectations and u.number not in (43, 45, 46))
AMPLITUDE_PX = (0.5, 3.5)  # of the region that moves most
FREE_SHARE = 0.4  # of the motions are one to three units at random, so that rare units are learned too
ONE_SIDED_SHARE = 0.25  # of these


@dataclass(frozen=True)
class Shown:
    """One action unit of a motion."""

    au: int
    side: BothSides
    weight: float  # relative to the strongest


@dataclass(frozen=True)
class Motion:
    """What a face does between onset and apex. Still where there is no unit."""

    shown: tuple[Shown, ...]
    amplitude_px: float
    head: tuple[float, float, float, float, float, float]  # shift x, y px; roll, scale; yaw, pitch px at the nose tip
    emotion: str | None = None  # as coded, where the set of units was drawn from a table
    rise_ms: float = 120.0
    fall_ms: float = 180.0

    @property
    def units(self) -> dict[int, BothSides]:
        return {one.au: one.side for one in self.shown}


def drawn(
    events: tuple[Coded, ...], random: np.random.Generator, *, still_share: float = 0.1, still: bool | None = None
) -> Motion:
    """A motion at random: a set of units as the tables have it, or a free one, or none at all."""
    coded = draw(events, random)
    if still is None:
        still = bool(random.random() < still_share)
    head = tuple(
        float(random.normal(0.0, sigma)) for sigma in (0.45, 0.45, np.radians(0.15), 0.0015, 0.25, 0.25)
    )  # what a steady head does in a tenth of a second
    emotion: str | None = None
    if still:
        units: list[tuple[int, BothSides]] = []
    elif random.random() < FREE_SHARE or not any(au in UNITS for au, _ in coded.units):
        count = int(random.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))
        units = [(int(au), _side(int(au), random)) for au in random.choice(UNITS, count, replace=False)]
    else:
        units = [(au, side if facs.AU_BY_NUMBER[au].paired else "both") for au, side in coded.units if au in UNITS]
        emotion = coded.emotion
    weights = np.r_[1.0, random.uniform(0.35, 1.0, max(len(units) - 1, 0))]
    random.shuffle(weights)
    low, high = np.log(AMPLITUDE_PX)
    return Motion(
        shown=tuple(Shown(au, side, float(weights[i])) for i, (au, side) in enumerate(units)),
        amplitude_px=float(np.exp(random.uniform(low, high))) if units else 0.0,
        head=head,  # type: ignore[arg-type]
        emotion=emotion,
        rise_ms=coded.rise_ms,
        fall_ms=coded.fall_ms,
    )


def _side(au: int, random: np.random.Generator) -> BothSides:
    if not facs.AU_BY_NUMBER[au].paired or random.random() >= ONE_SIDED_SHARE:
        return "both"
    return "left" if random.random() < 0.5 else "right"


# --------------------------------------------------------------------------------------------- the field of a unit


def unit_field(au: int, landmarks: Float32Array, side: BothSides) -> FloatArray:
    """(478, 2) how a unit moves the mesh; the mean vector of the region that moves most has length 1."""
    if au in synthesis.ACTION_UNITS:
        return synthesis.au_field(au, landmarks.astype(np.float64), side)
    return _bumps(au, landmarks.astype(np.float64), side)


def _bumps(au: int, landmarks: FloatArray, side: BothSides) -> FloatArray:
    """Smooth bumps at the regions that ``facs`` expects to move, with its directions."""
    across = landmarks[facs.OUTER_EYE_LEFT] - landmarks[facs.OUTER_EYE_RIGHT]
    unit = float(np.hypot(*across))
    x_axis = across / unit
    up_axis = np.array([x_axis[1], -x_axis[0]])
    field, total = np.zeros((len(landmarks), 2)), np.zeros(len(landmarks))
    for expectation in facs.AU_BY_NUMBER[au].expectations:
        for region in facs.REGIONS:
            if region.key.removesuffix(f"_{region.side}") != expectation.region:
                continue
            if side != "both" and region.side not in (None, side):
                continue
            places = landmarks[list(region.mesh)]
            away = np.sqrt(((landmarks[:, None] - places[None]) ** 2).sum(axis=2).min(axis=1)) / unit
            near = np.exp(-0.5 * (away / REACH) ** 2)
            out = {"left": 1.0, "right": -1.0, None: 0.0}[region.side] * expectation.out
            field += near[:, None] * (out * x_axis + expectation.up * up_axis)
            total += near
    field /= np.maximum(total, 1.0)[:, None]
    return field / max(float(np.hypot(*field[list(region.mesh)].mean(axis=0))) for region in facs.REGIONS)


# --------------------------------------------------------------------------------------------- a face's grid


class FaceGrid:
    """One face, triangulated: displacements of landmarks → dense flow."""

    def __init__(self, landmarks: Float32Array, size: int = GRID) -> None:
        """landmarks: (478, 2) px of the crop. size: side of the flow."""
        from scipy.spatial import ConvexHull, Delaunay

        self.landmarks, self.size = landmarks, size
        skin = landmarks[:SKIN_POINTS].astype(np.float64)
        outline = skin[ConvexHull(skin).vertices]
        ring = outline.mean(axis=0) + RING * (outline - outline.mean(axis=0))
        edge = np.array([(x, y) for x in (-60.0, 128.0, 316.0) for y in (-60.0, 128.0, 316.0) if (x, y) != (128, 128)])
        points = np.r_[skin, ring, edge]
        self._fixed = len(ring) + len(edge)
        cells = grid_points(size)
        mesh = Delaunay(points)
        simplex = np.maximum(mesh.find_simplex(cells), 0)
        self._corners: NDArray[np.int64] = mesh.simplices[simplex].astype(np.int64)
        part = mesh.transform[simplex]
        first = np.einsum("nij,nj->ni", part[:, :2], cells - part[:, 2])
        self._weights = np.c_[first, 1.0 - first.sum(axis=1)].astype(np.float32)
        self._fields: dict[tuple[int, BothSides], FloatArray] = {}

    def displaced(self, motion: Motion) -> FloatArray:
        """(478, 2) px that a motion displaces the landmarks, without the head's."""
        moved = np.zeros((len(self.landmarks), 2))
        for one in motion.shown:
            key = (one.au, one.side)
            if key not in self._fields:
                self._fields[key] = unit_field(one.au, self.landmarks, one.side)
            moved += one.weight * self._fields[key]
        strongest = max(float(np.hypot(*moved[list(region.mesh)].mean(axis=0))) for region in facs.REGIONS)
        return moved * (motion.amplitude_px / strongest) if strongest > 1e-6 else moved

    def expression(self, motion: Motion) -> Float32Array:
        """(size, size, 2) flow of the expression alone."""
        import cv2

        values = np.r_[self.displaced(motion)[:SKIN_POINTS], np.zeros((self._fixed, 2))].astype(np.float32)
        flow = (values[self._corners] * self._weights[..., None]).sum(axis=1).reshape(self.size, self.size, 2)
        return np.asarray(cv2.GaussianBlur(flow, (0, 0), SMOOTH * self.size / GRID), np.float32)

    def head(self, motion: Motion) -> Float32Array:
        """(size, size, 2) flow of the head alone: shift, roll, scale, and the nose's shift by a slight turn."""
        x, y, roll, scale, yaw, pitch = motion.head
        cells = grid_points(self.size) - [CROP_PX / 2.0, 112.0]
        flow = np.c_[x + scale * cells[:, 0] - roll * cells[:, 1], y + roll * cells[:, 0] + scale * cells[:, 1]]
        nose = self.landmarks[facs.NOSE_TIP] - [CROP_PX / 2.0, 112.0]
        near = np.exp(-0.5 * (((cells - nose) / [22.0, 34.0]) ** 2).sum(axis=1))
        flow += near[:, None] * [yaw, pitch]
        return flow.reshape(self.size, self.size, 2).astype(np.float32)


@cache
def grid_points(size: int) -> FloatArray:
    """(size², 2) where the cells' centres lie in the crop, px; rows first."""
    axis = (np.arange(size) + 0.5) * CROP_PX / size - 0.5
    x, y = np.meshgrid(axis, axis)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def enlarged(flow: Float32Array, side: int = CROP_PX) -> Float32Array:
    """(n, n, 2) → (side, side, 2), smoothly; values stay px of the crop."""
    import cv2

    if flow.shape[0] == side:
        return flow.astype(np.float32)
    return np.asarray(cv2.resize(flow.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def region_means(flow: Float32Array, masks: NDArray[np.bool_]) -> Float32Array:
    """(R, 2) mean flow in each of (R, H, W) masks; 0 where one is empty."""
    flat, kept = flow.reshape(-1, 2), masks.reshape(len(masks), -1).astype(np.float32)
    return np.asarray(kept @ flat / np.maximum(kept.sum(axis=1, keepdims=True), 1.0), np.float32)
