"""What else the face does over time: blinks, speech, fast head motion, gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mellm_demo.records import BoolArray, FloatArray, MotionCurve, Span
from mellm_demo.spotting.measures import BLINK_CLOSED, MIN_FRAMES, MIN_ROWS, named_among

BLINK_HALF = 0.87  # a partial blink, where the upper lid falls farther than the lower one rises
BLINK_FALL_PX = 0.6
BLINK_MS = (40.0, 700.0)
SPEECH_MIN_MS = 1000.0
SPEECH_STEP = 0.02  # of the interocular distance: smallest opening or closing of a speaking mouth
SPEECH_PAUSE_MS = 450.0  # longest time between two such steps
HEAD_SPEED_PX_S = 45.0
HEAD_MIN_MS = 100.0


def find_spans(curve: MotionCurve) -> tuple[Span, ...]:
    """Blinks, speech, fast head motion and gaps, in the order of time."""
    spans = [*_blinks(curve), *_speech(curve), *_head_turns(curve), *_gaps(curve)]
    return tuple(sorted(spans, key=lambda span: (span.start_ms, span.end_ms)))


def _runs(flags: BoolArray) -> list[tuple[int, int]]:
    """First and last index of every run of True."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return [(int(a), int(b) - 1) for a, b in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)]


def _blinks(curve: MotionCurve) -> list[Span]:
    """Both eyes closing and opening again: the aspect ratio falls below a share of its own open level."""
    rows = np.flatnonzero(np.isfinite(curve.eye_openness).all(axis=1))
    if len(rows) < MIN_FRAMES:
        return []
    times, eyes = curve.times_ms[rows], curve.eye_openness[rows].astype(np.float64)
    opened = eyes / np.maximum(np.percentile(eyes, 75, axis=0), 1e-6)
    level = opened.max(axis=1)  # both eyes: a wink is an expression
    fall, rise = _lid_motion(curve, rows)
    taken = np.zeros(len(rows), dtype=np.bool_)
    blinks = []
    for least, threshold in ((BLINK_CLOSED, 0.5 * (1.0 + BLINK_CLOSED)), (BLINK_HALF, 0.5 * (1.0 + BLINK_HALF))):
        for first, last in _runs(level < threshold):
            lowest = first + int(np.argmin(level[first : last + 1]))
            before, after = max(first - 1, 0), min(last + 1, len(rows) - 1)
            if level[lowest] > least or taken[first : last + 1].any():
                continue
            down, up = fall[lowest] - fall[before], rise[lowest] - rise[before]
            if least == BLINK_HALF and not (down >= BLINK_FALL_PX and down > up):
                continue
            if BLINK_MS[0] <= times[after] - times[before] <= BLINK_MS[1]:
                taken[first : last + 1] = True
                blinks.append(Span("blink", float(times[before]), float(times[after])))
    return blinks


def _lid_motion(curve: MotionCurve, rows: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """How far the upper lids have come down and the lower ones up, px, at ``rows``."""
    upper, lower = named_among(curve.regions, ("upper lid",)), named_among(curve.regions, ("lower lid",))
    if not upper.any() or not lower.any():
        return np.zeros(len(rows)), np.zeros(len(rows))
    height = curve.displacement_px[rows, :, 1].astype(np.float64)
    return height[:, upper].mean(axis=1), -height[:, lower].mean(axis=1)


def _speech(curve: MotionCurve) -> list[Span]:
    """The mouth opening and closing again and again for over a second."""
    from scipy.signal import find_peaks

    opening = curve.mouth_opening.astype(np.float64)
    if len(opening) < MIN_ROWS or not np.isfinite(opening).all():
        return []
    highs, _ = find_peaks(opening, prominence=SPEECH_STEP)
    lows, _ = find_peaks(-opening, prominence=SPEECH_STEP)
    turns = curve.times_ms[np.sort(np.concatenate([highs, lows]))]
    spans = []
    first = 0
    for index in range(1, len(turns) + 1):
        if index == len(turns) or turns[index] - turns[index - 1] > SPEECH_PAUSE_MS:
            if turns[index - 1] - turns[first] >= SPEECH_MIN_MS and index - first >= 4:
                spans.append(Span("speech", float(turns[first]), float(turns[index - 1])))
            first = index
    return spans


def _head_turns(curve: MotionCurve) -> list[Span]:
    spans = []
    for first, last in _runs((curve.head_speed_px_s > HEAD_SPEED_PX_S) & curve.usable):
        start, end = float(curve.times_ms[first]), float(curve.times_ms[last])
        if end - start >= HEAD_MIN_MS:
            spans.append(Span("head", start, end))
    return spans


def _gaps(curve: MotionCurve) -> list[Span]:
    spans = []
    for first, last in _runs(~curve.usable):
        start = curve.times_ms[max(first - 1, 0)]
        end = curve.times_ms[min(last + 1, len(curve.times_ms) - 1)]
        spans.append(Span("gap", float(start), float(end)))
    for row in np.flatnonzero(np.diff(curve.segment) != 0):
        if curve.usable[row] and curve.usable[row + 1]:
            spans.append(Span("gap", float(curve.times_ms[row]), float(curve.times_ms[row + 1])))
    return spans
