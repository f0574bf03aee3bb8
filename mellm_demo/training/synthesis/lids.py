"""Eyelids that close."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mellm_demo.records import Float32Array, FloatArray
from mellm_demo.training.synthesis.geometry import rising
from mellm_demo.training.synthesis.rest import Rest

_LID_SPAN = 1.1  # how much skin above the lid takes part in a blink, in eye heights
_LASHES = 0.012  # the edge of the lid that moves as one piece, in outer eye distances
_OVER = 0.02  # how far the closed upper lid lies over the lower one's moist edge, in outer eye distances
_EDGE = 0.012  # the landmarks of the lid's edge lie so far inside the eye; skin begins above them
_LASH_SHADE = 0.55  # how dark the line of the lashes of a closed eye is
_LOWER_SHARE = 0.12  # how far the lower lid comes up to meet the upper, of the opening


class Lids:
    """One eye's lids, closing: skin of the upper lid unrolls over the eyeball, which stays."""

    def __init__(self, rest: Rest, eye: tuple[Sequence[int], Sequence[int], range]) -> None:
        """eye: one of EYES."""
        landmarks, unit, (height, width) = rest.landmarks, rest.unit, rest.size
        upper, lower = landmarks[list(eye[0])], landmarks[list(eye[1])]
        outer, inner = upper[0], upper[-1]
        start, end = (outer, inner) if outer[0] < inner[0] else (inner, outer)
        self._along = (end - start) / np.hypot(*(end - start))
        self._down = np.array([-self._along[1], self._along[0]])
        self._start = start
        self._width = float(np.hypot(*(end - start)))
        self._upper, self._lower = self._profile(upper), self._profile(lower)
        self._height = float((self._lower[1] - np.interp(self._lower[0], *self._upper)).max())
        self._lashes, self._over, self._edge = _LASHES * unit, _OVER * unit, _EDGE * unit
        margin = 3.0 * max(self._height, 4.0) + 4.0
        low = np.floor(np.minimum(start, end) - margin).astype(int)
        high = np.ceil(np.maximum(start, end) + margin).astype(int)
        self._box = (
            slice(max(int(low[1]), 0), min(int(high[1]), height)),
            slice(max(int(low[0]), 0), min(int(high[0]), width)),
        )

    def _profile(self, edge: FloatArray) -> tuple[FloatArray, FloatArray]:
        from scipy.interpolate import PchipInterpolator

        along, down = (edge - self._start) @ self._along, (edge - self._start) @ self._down
        order = np.argsort(along)
        fine = np.linspace(0.0, self._width, 65)
        return fine, PchipInterpolator(*rising(along[order], down[order]))(fine)

    def before(self, place: Float32Array, closed: float, light: Float32Array) -> Float32Array:
        """Places before the lids closed by ``closed`` (0..1). ``light`` is dimmed along the lashes, in place."""
        part = place[self._box].astype(np.float64)
        along, down = (part - self._start) @ self._along, (part - self._start) @ self._down
        upper, lower = np.interp(along, *self._upper), np.interp(along, *self._lower)
        opening = np.maximum(lower - upper, 0.0)
        taper = np.minimum(opening / (0.3 * self._height), 1.0)
        upper = upper - self._edge * taper
        fall = closed * ((1.0 - _LOWER_SHARE) * opening + (self._over + self._edge) * taper)
        rise = closed * _LOWER_SHARE * opening
        span = max(_LID_SPAN * self._height, 2.0)
        source = np.where(
            down <= upper + fall,
            _unrolled(down - (upper - span), fall, span - self._lashes) + upper - span,
            down,
        )
        up = (lower + span) - down  # measured upwards from below the lower lid
        source = np.where(
            (down > upper + fall) & (down >= lower - rise),
            lower + span - _unrolled(up, rise, span - self._lashes),
            source,
        )
        inside = (along > 0) & (along < self._width) & (opening > 1e-6)
        shift = np.where(inside, source - down, 0.0)
        line = taper * np.exp(-0.5 * ((down - upper - fall) / self._lashes) ** 2)
        light[self._box] *= (1.0 - _LASH_SHADE * closed * np.where(inside, line, 0.0)).astype(np.float32)
        result = place.copy()
        result[self._box] = (part + shift[..., None] * self._down).astype(np.float32)
        return result


def _unrolled(at: FloatArray, moved: FloatArray, stretch: float) -> FloatArray:
    """Where skin at ``at`` (0 at the fixed end; the lid's edge has moved by ``moved``) lay at rest.

    Up to ``stretch`` it moves with the square of its distance; the edge with the lashes moves as one piece.
    """
    safe = np.maximum(moved, 1e-9)
    share = (-stretch + np.sqrt(stretch**2 + 4.0 * safe * np.maximum(at, 0.0))) / (2.0 * safe)
    return np.where(at <= 0.0, at, np.where(at >= stretch + moved, at - moved, np.minimum(share, 1.0) * stretch))
