"""How far regions wander when nothing is expressed, estimated from the clip itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mellm_demo.records import FloatArray
from mellm_demo.spotting.measures import FLOOR_SIGMAS, LID_FLOOR_FACTOR
from mellm_demo.spotting.paths import Paths

NOISE_LAGS_MS = (100.0, 200.0)  # wander at the pace of an expression
SLOW_LAGS_MS = (600.0,)
FINE_LAG_MS = 33.0
WANDER_MOST, SLOW_MOST = 4.0, 6.0  # times the fine noise: measured on clips without expression 1.3 to 3.3
FLOOR_MIN_PX = 0.15  # bilinear sampling and block noise leave this even in the best of clips
FLOOR_UNKNOWN_PX = 0.3  # a pair of frames does not tell its noise; ordinary clips have 0.2 to 0.35


@dataclass(frozen=True)
class Noise:
    """How far each of R regions wanders without expression."""

    sigma: FloatArray  # (R, 2, 2) covariance of the wander at an expression's pace
    slow: FloatArray  # (R, 2, 2) the same at the pace of a macro-expression
    floor: FloatArray  # (R,) px
    slow_floor: FloatArray  # (R,) px


def _second_difference(values: FloatArray, lag: int) -> FloatArray:
    """How far ``values`` (N, …) lie from the mean of what is ``lag`` earlier and later; drift cancels."""
    return values[lag:-lag] - 0.5 * (values[: -2 * lag] + values[2 * lag :])


def _spread(values: FloatArray) -> FloatArray:
    """Robust covariance (R, 2, 2) of (N, R, 2) around zero, by medians along the axes and diagonals."""
    x, y = values[..., 0], values[..., 1]
    half = np.sqrt(0.5)

    def variance(along: FloatArray) -> FloatArray:
        return np.square(1.4826 * np.median(np.abs(along), axis=0))

    xx, yy = variance(x), variance(y)
    xy = 0.5 * (variance(half * (x + y)) - variance(half * (x - y)))
    limit = 0.95 * np.sqrt(xx * yy)
    xy = np.clip(xy, -limit, limit)
    return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


def noise_of(paths: Paths) -> Noise:
    """How far each region wanders when nothing is expressed, from the stretch itself.

    Robust to expressions as long as they fill less than half of the stretch. In short stretches they fill more, so the
    wander of a region is also bounded by its fine noise times the ratio of wander to fine noise of the other regions,
    most of which rest; and in a clip full of expressions by what that ratio ever was in clips without any.
    """
    grain = _trace(_spread(_second_difference(paths.raw, 1))) / np.sqrt(1.5)  # from frame to frame: no expression in it
    fine = _trace(_wander(paths, (FINE_LAG_MS,)))
    wander = _wander(paths, NOISE_LAGS_MS)
    slow = _wander(paths, SLOW_LAGS_MS)
    slow = np.where((_trace(slow) > _trace(wander))[:, None, None], slow, wander)
    sizes, slow_sizes = _trace(wander), _trace(slow)
    seen = ~paths.lid if (~paths.lid).any() else np.ones_like(paths.lid)
    for scaled, size, most in ((wander, sizes, WANDER_MOST), (slow, slow_sizes, SLOW_MOST)):
        ratio = float(np.median(size[seen] / np.maximum(grain[seen], 1e-6)))
        bound = np.minimum(2.0 * np.maximum(grain * ratio, np.median(size[seen])), most * np.maximum(fine, 1e-3))
        scaled *= np.square(np.minimum(1.0, bound / np.maximum(size, 1e-9)))[:, None, None]
    least = np.square(FLOOR_MIN_PX / FLOOR_SIGMAS) * np.eye(2)
    wander, slow = wander + least, slow + least
    factor = np.where(paths.lid, LID_FLOOR_FACTOR, 1.0)
    return Noise(wander, slow, FLOOR_SIGMAS * factor * _trace(wander), FLOOR_SIGMAS * factor * _trace(slow))


def _trace(covariance: FloatArray) -> FloatArray:
    """Standard deviation (R,) along one direction, averaged over directions."""
    return np.asarray(np.sqrt(0.5 * np.trace(covariance, axis1=-2, axis2=-1)), dtype=np.float64)


def _wander(paths: Paths, lags_ms: Sequence[float]) -> FloatArray:
    largest = max(1, (len(paths.times) - 1) // 4)
    lags = {min(max(1, round(lag / paths.step)), largest) for lag in lags_ms}
    covariances = [_spread(_second_difference(paths.smooth, lag)) / 1.5 for lag in lags]
    return np.asarray(np.mean(covariances, axis=0), dtype=np.float64)


def joined_floor(floors: Sequence[tuple[int, FloatArray]], count: int) -> FloatArray:
    """The clip's noise floor (``count``,) px of every region, from those of its stretches, by their rows."""
    if not floors:
        return np.full(count, FLOOR_UNKNOWN_PX)
    rows = np.array([rows for rows, _ in floors], dtype=np.float64)
    return np.asarray(np.average([floor for _, floor in floors], axis=0, weights=rows), dtype=np.float64)
