"""Landmarks → the similarity transform that puts a face upright into the crop. NumPy only; knows no picture.

A transform is fitted to a few landmarks that stay where they are when a face moves, against fixed targets; a constant
correction suits it to the proportions of the person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.records import CROP_PX, EYE_LINE_Y_PX, OUTER_EYE_PX, FloatArray

# Where facs.STABLE_LANDMARKS lie in the crop, typically: means over 102 frontal adults (Face Research Lab London Set,
# doi 10.6084/m9.figshare.5047666), made symmetric. Fixed, so that nothing but the face moves the fit.
STABLE_TARGETS = np.array(
    [
        (72.0, 97.0), (107.0, 99.2), (149.0, 99.2), (184.0, 97.0),
        (128.0, 91.6), (128.0, 101.0), (128.0, 109.4), (128.0, 117.1),
        (39.5, 105.6), (216.5, 105.6), (41.5, 85.7), (214.5, 85.7),
    ]
)  # fmt: skip
HUBER_PX = 8.0  # typical residuals of the fit are 2 to 5 px of the crop; more than this counts less
PERSONAL_SCALE = 1.12  # the framing adapts to a face's proportions once, by no more than this factor …
PERSONAL_SHIFT_PX = 10.0  # … and this shift


class Similarity(NamedTuple):
    """z → a·z + b on points as complex numbers x + iy: a uniform scale and a rotation, then a translation."""

    a: complex
    b: complex

    def apply(self, points: NDArray[Any]) -> FloatArray:
        """Points (…, 2) → (…, 2)."""
        z = self.a * (points[..., 0] + 1j * points[..., 1]) + self.b
        return np.stack((z.real, z.imag), axis=-1)

    def then(self, after: Similarity) -> Similarity:
        return Similarity(after.a * self.a, after.a * self.b + after.b)

    @property
    def inverse(self) -> Similarity:
        return Similarity(1.0 / self.a, -self.b / self.a)

    @property
    def scale(self) -> float:
        return abs(self.a)

    @property
    def matrix(self) -> FloatArray:
        """(2, 3), as OpenCV's warpAffine takes it."""
        return np.array([[self.a.real, -self.a.imag, self.b.real], [self.a.imag, self.a.real, self.b.imag]])


def fit_similarity(points: FloatArray, targets: FloatArray, huber: float = HUBER_PX) -> Similarity:
    """The similarity that takes ``points`` (N, 2) nearest to ``targets`` (N, 2); N ≥ 2.

    Weighted least squares in closed form; points that miss by more than ``huber`` (in units of the targets) weigh
    less, by Huber's rule, in three rounds.
    """
    z, w = points[:, 0] + 1j * points[:, 1], targets[:, 0] + 1j * targets[:, 1]
    weights = np.ones(len(z))
    fit = Similarity(1.0 + 0j, 0j)
    for _ in range(3):
        total = weights.sum()
        z_mean, w_mean = (weights * z).sum() / total, (weights * w).sum() / total
        spread = (weights * np.abs(z - z_mean) ** 2).sum()
        a = complex((weights * (z - z_mean).conj() * (w - w_mean)).sum() / spread)
        fit = Similarity(a, complex(w_mean - a * z_mean))
        missed = np.abs(fit.a * z + fit.b - w)
        weights = np.where(missed > huber, huber / np.maximum(missed, 1e-12), 1.0)
    return fit


def fit_to_crop(landmarks: FloatArray) -> Similarity:
    """The similarity that takes a face's landmarks (478, 2) in the frame to a typical face's in the crop."""
    return fit_similarity(landmarks[list(facs.STABLE_LANDMARKS)], STABLE_TARGETS)


_ANCHOR = complex(*STABLE_TARGETS.mean(axis=0))  # about its own centroid a fit's scale and shift err independently


def similarity_to_path(similarity: Similarity) -> FloatArray:
    """(4,): log of the scale, angle in radians, and where the middle of the targets lies in the frame, x and y."""
    place = similarity.inverse.a * _ANCHOR + similarity.inverse.b
    return np.array(
        [math.log(similarity.scale), math.atan2(similarity.a.imag, similarity.a.real), place.real, place.imag]
    )


def path_to_similarity(path: FloatArray) -> Similarity:
    """The inverse of similarity_to_path."""
    a = math.exp(path[0]) * complex(math.cos(path[1]), math.sin(path[1]))
    return Similarity(a, _ANCHOR - a * complex(path[2], path[3]))


def personal_framing(meshes: Sequence[FloatArray]) -> Similarity:
    """The constant correction that puts this person's outer eye corners where they belong.

    ``meshes``: landmarks (478, 2) of a few frontal frames, aligned to the typical proportions. Bounded, and the
    identity where there are none.
    """
    if not meshes:
        return Similarity(1.0 + 0j, 0j)
    outer = np.median([mesh[[facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT]] for mesh in meshes], axis=0)
    across = outer[1] - outer[0]
    scale = float(np.clip(OUTER_EYE_PX / np.hypot(*across), 1.0 / PERSONAL_SCALE, PERSONAL_SCALE))
    wanted = np.array([CROP_PX / 2.0, EYE_LINE_Y_PX])
    middle = wanted + np.clip(outer.mean(axis=0) - wanted, -PERSONAL_SHIFT_PX, PERSONAL_SHIFT_PX)
    turn = float(np.clip(-math.atan2(across[1], across[0]), -0.1, 0.1))
    a = scale * complex(math.cos(turn), math.sin(turn))
    return Similarity(a, complex(*wanted) - a * complex(*middle))
