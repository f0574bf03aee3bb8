"""Courses over time without the jitter of landmarks, on true timestamps. NumPy only; knows no face."""

from __future__ import annotations

import numpy as np

from mellm_demo.records import FloatArray

HALF_WINDOW_MS = 135.0  # a quadratic over ±4 frames at 30/s follows head motion to 5 Hz and halves the jitter
WIDEST_HALF_WINDOW_MS = 305.0  # slow clips: ±3 frames, but not beyond this
NEIGHBOURS = (3, 24)  # least and most frames on either side
OUTLIER = 6.0  # times the jitter: a frame whose landmarks went astray, not a movement
ROWS_TO_SPARE = 7  # fewer rows cannot tell an outlier


def window(times_ms: FloatArray, row: int) -> tuple[int, int]:
    """First and last row (inclusive) whose frames speak for ``row``: ±HALF_WINDOW_MS within the limits above."""
    first = last = row
    while last + 1 < len(times_ms) and within_window(times_ms[last + 1] - times_ms[row], last + 1 - row):
        last += 1
    while first > 0 and within_window(times_ms[row] - times_ms[first - 1], row - first + 1):
        first -= 1
    return first, last


def within_window(distance_ms: float, rows: int) -> bool:
    """Whether a frame that many ms and rows away is near enough to speak for another."""
    least, most = NEIGHBOURS
    return rows <= most and (distance_ms <= HALF_WINDOW_MS or (rows <= least and distance_ms <= WIDEST_HALF_WINDOW_MS))


def smoothed(times_ms: FloatArray, paths: FloatArray, row: int) -> FloatArray:
    """``paths`` (T, D), of which one row is wanted, smoothed over time: (D,).

    A local quadratic on true timestamps with Epanechnikov weights (as in loess, Cleveland 1979), without the rows that
    miss it by far more than the jitter around them. It has no lag, keeps any quadratic course as it is, and where a
    window holds three rows or fewer (image pairs, very slow clips) it keeps the row itself.
    """
    first, last = window(times_ms, row)
    near, values = times_ms[first : last + 1] - times_ms[row], paths[first : last + 1]
    if len(near) <= 3:
        return np.asarray(paths[row], np.float64)
    reach = float(np.abs(near).max()) * (1.0 + 1.0 / len(near))
    basis = np.vander(near / reach, 3, increasing=True)  # (K, 3): 1, t, t²
    weights = 1.0 - (near / reach) ** 2
    for _ in range(1 + (len(near) - 5) // 2 if len(near) >= ROWS_TO_SPARE else 1):
        weighted = basis * weights[:, None]
        course = np.linalg.solve(weighted.T @ basis, weighted.T @ values)  # (3, D)
        worst = _outlier(values, basis @ course, weights) if len(near) >= ROWS_TO_SPARE else None
        if worst is None:
            break
        weights[worst] = 0.0
    return np.asarray(course[0], np.float64)


def _outlier(values: FloatArray, course: FloatArray, weights: FloatArray) -> int | None:
    """The row that misses its course by most, if by more than OUTLIER times the jitter from row to row."""
    jitter = np.median(np.abs(np.diff(values, 2, axis=0)), axis=0) / 1.65 + 1e-9  # of second differences, for noise
    missed = (np.abs(values - course) / jitter).max(axis=1) * (weights > 0.0)
    worst = int(np.argmax(missed))
    return worst if missed[worst] > OUTLIER else None
