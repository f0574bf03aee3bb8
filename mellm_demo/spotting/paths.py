"""One stretch of a motion curve without gaps, on an even time grid, smoothed, with blinks cut out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mellm_demo.errors import InputError
from mellm_demo.records import BoolArray, FloatArray, MotionCurve, Span
from mellm_demo.spotting.measures import EYE_NEAR, MIN_ROWS, lids_among, named_among

SMOOTHING_MS = 18.0  # standard deviation; a third of the half-width of the shortest event
BLINK_PAD_MS = 70.0


@dataclass(frozen=True)
class Paths:
    """One stretch without gaps on an even time grid."""

    rows: NDArray[np.int64]  # rows of the track
    row_times: FloatArray  # (n,) of these rows
    times: FloatArray  # (N,) ms, evenly spaced
    step: float  # ms
    raw: FloatArray  # (N, R, 2)
    smooth: FloatArray  # (N, R, 2)
    covariance: FloatArray | None  # (N, R, 2, 2)
    openness: FloatArray  # (N, 2) of the right and the left eye
    lid: BoolArray  # (R,)
    upper_lid: BoolArray  # (R,)


def check_curve(curve: MotionCurve) -> None:
    """Raises InputError where times do not rise or the arrays do not belong together."""
    rows = len(curve.times_ms)
    if curve.displacement_px.shape != (rows, len(curve.regions), 2):
        raise InputError(
            f"The motion curve has {rows} times and {len(curve.regions)} regions, but displacements of shape "
            f"{curve.displacement_px.shape}. Measure the clip again."
        )
    if not np.isfinite(curve.times_ms).all() or (np.diff(curve.times_ms) <= 0).any():
        raise InputError("The frame times are not finite or do not rise. Check the clip's timestamps.")
    if not np.isfinite(curve.displacement_px[curve.usable]).all():
        raise InputError("The motion curve holds values that are not numbers. Measure the clip again.")


def stretches_of(curve: MotionCurve) -> Iterator[NDArray[np.int64]]:
    """Rows (n,) of each stretch of the track that can be measured without a gap."""
    for number in np.unique(curve.segment[curve.usable]):
        rows = np.flatnonzero((curve.segment == number) & curve.usable)
        if len(rows) >= MIN_ROWS:
            yield rows


def paths_of(curve: MotionCurve, rows: NDArray[np.int64], spans: Sequence[Span]) -> Paths:
    """The stretch ``rows`` of a curve, resampled evenly and smoothed, without what blinks of ``spans`` did."""
    from scipy.ndimage import gaussian_filter1d

    own = curve.times_ms[rows]
    step = float(np.median(np.diff(own)))
    times = np.linspace(own[0], own[-1], max(round((own[-1] - own[0]) / step), MIN_ROWS - 1) + 1)
    step = float(times[1] - times[0])
    source = curve.displacement_px[rows].astype(np.float64)
    flat = source.reshape(len(rows), -1)
    raw = np.stack([np.interp(times, own, column) for column in flat.T], axis=1).reshape(len(times), -1, 2)
    raw = _without_blinks(raw, times, curve.regions, spans)
    smooth = gaussian_filter1d(raw, max(SMOOTHING_MS / step, 0.5), axis=0, mode="nearest")
    nearest = np.clip(np.searchsorted(own, times), 0, len(rows) - 1)
    eyes = curve.eye_openness[rows].astype(np.float64)
    covariance = None if curve.covariance_px2 is None else curve.covariance_px2[rows][nearest].astype(np.float64)
    return Paths(
        rows=rows,
        row_times=own,
        times=times,
        step=step,
        raw=raw,
        smooth=smooth,
        covariance=covariance,
        openness=np.stack([np.interp(times, own, eye) for eye in np.nan_to_num(eyes).T], axis=1),
        lid=lids_among(curve.regions),
        upper_lid=named_among(curve.regions, ("upper lid",)),
    )


def _without_blinks(raw: FloatArray, times: FloatArray, regions: Sequence[str], spans: Sequence[Span]) -> FloatArray:
    """A blink drags brows and cheeks along: what lies near the eyes is drawn straight across it."""
    near = named_among(regions, EYE_NEAR)
    hidden = np.zeros(len(times), dtype=np.bool_)
    for span in spans:
        if span.kind == "blink":
            hidden |= (times >= span.start_ms - BLINK_PAD_MS) & (times <= span.end_ms + BLINK_PAD_MS)
    if not hidden.any() or hidden.all():
        return raw
    raw = raw.copy()
    for region in np.flatnonzero(near):
        for axis in range(2):
            raw[hidden, region, axis] = np.interp(times[hidden], times[~hidden], raw[~hidden, region, axis])
    return raw
