"""Events as the records' intervals: with warnings, ranked; and the interval that a user sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import Interval, MotionCurve, Span, Spotting
from mellm_demo.spotting.events import Event
from mellm_demo.spotting.measures import (
    BLINK_CLOSED,
    EYE_NEAR,
    LEAVE_SHARE,
    MICRO_MS,
    MIN_FRAMES,
    MOUTH,
    SPEAKING,
    WINDOWS_MS,
    lids_among,
)

IN_BLINK = "overlaps a blink"
IN_SPEECH = "lies within speech or chewing"
IN_HEAD_TURN = "the head moves fast at the same time"
EYES_CLOSED = "the eyes were closed at its onset"
CUT_OFF = "the clip begins or ends before the face is back at rest"
TOO_SLOW = "too few frames to show its course"
SCORE_FULL = 5.0  # beyond this a candidate does not get any more certain
MICRO_PREFERENCE = 1.5
DOUBT = 0.4  # a candidate with a serious warning counts this much


def interval_from_user(
    curve: MotionCurve, spotting: Spotting, onset_row: int, apex_row: int, offset_row: int | None = None
) -> Interval:
    """The interval that a user has set by rows of the track; the offset is found where it is not given.

    Raises InputError where rows lie outside the track or are not in order.
    """
    rows = len(curve.times_ms)
    given = {"onset": onset_row, "apex": apex_row} | ({} if offset_row is None else {"offset": offset_row})
    for name, row in given.items():
        if not 0 <= row < rows:
            raise InputError(f"The {name} is frame {row + 1}, but the face has {rows} frames. Choose one of these.")
    if apex_row <= onset_row:
        raise InputError(
            f"The onset ({curve.times_ms[onset_row]:.0f} ms) must lie before the apex "
            f"({curve.times_ms[apex_row]:.0f} ms). Move one of them."
        )
    if offset_row is not None and offset_row < apex_row:
        raise InputError(
            f"The offset ({curve.times_ms[offset_row]:.0f} ms) must not lie before the apex "
            f"({curve.times_ms[apex_row]:.0f} ms). Move one of them."
        )
    moved = np.hypot(*np.moveaxis(curve.displacement_px[apex_row] - curve.displacement_px[onset_row], -1, 0))
    complete = True
    if offset_row is None:
        offset_row, complete = _offset_after(curve, onset_row, apex_row)
    seen = ~lids_among(curve.regions)
    ratio = moved / np.maximum(spotting.region_floor_px, 1e-6)
    order = [int(r) for r in np.argsort(-ratio) if ratio[r] >= 1.0]
    warnings = []
    if curve.segment[onset_row] != curve.segment[apex_row] or not curve.usable[[onset_row, apex_row]].all():
        warnings.append("the face was lost or not measurable between onset and apex")
    interval = _between(
        curve,
        (onset_row, apex_row, offset_row),
        order,
        score=float(ratio[seen].max()) if seen.any() else 0.0,
        peak_px=float(moved[seen].max()) if seen.any() else 0.0,
        complete=complete,
    )
    return _warned(replace(interval, warnings=tuple(warnings), by_user=True), curve, spotting.spans)


def interval_of(curve: MotionCurve, event: Event, spans: Sequence[Span]) -> Interval:
    """The event in rows and times of the track, with its warnings."""

    def row_at(time: float) -> int:
        return int(event.rows[np.argmin(np.abs(event.row_times - time))])

    apex = row_at(event.apex_ms)
    first, last = int(event.rows[0]), int(event.rows[-1])
    onset = min(row_at(event.onset_ms), max(apex - 1, first))
    offset = max(row_at(event.offset_ms), min(apex + 1, last))
    lids = lids_among(curve.regions)
    size = np.hypot(*event.moved.T)
    order = [int(r) for r in np.argsort(-event.ratio) if event.ratio[r] >= 1.0]
    if not order:
        order = [int(np.argmax(event.ratio))]
    body = ~lids if (~lids).any() else np.ones_like(lids)
    interval = _between(
        curve,
        (onset, apex, offset),
        order,
        score=float(event.ratio.max()),
        peak_px=float(size[body].max()),
        complete=event.complete,
    )
    return _warned(interval, curve, spans)


def _between(
    curve: MotionCurve,
    rows: tuple[int, int, int],
    order: Sequence[int],
    *,
    score: float,
    peak_px: float,
    complete: bool,
) -> Interval:
    """The interval with onset, apex and offset at ``rows``; ``order``: indices of its regions, strongest first."""
    onset_ms, apex_ms, offset_ms = (float(curve.times_ms[row]) for row in rows)
    onset, apex, offset = rows
    return Interval(
        onset=onset,
        apex=apex,
        offset=offset,
        onset_ms=onset_ms,
        apex_ms=apex_ms,
        offset_ms=offset_ms,
        kind="micro" if offset_ms - onset_ms <= MICRO_MS else "macro",
        score=score,
        peak_px=peak_px,
        regions=tuple(curve.regions[index] for index in order),
        complete=complete,
    )


def _warned(interval: Interval, curve: MotionCurve, spans: Sequence[Span]) -> Interval:
    warnings = list(interval.warnings)
    names = {facs.REGION_BY_KEY[key].name for key in interval.regions}
    for span in spans:
        shared = min(interval.offset_ms, span.end_ms) - max(interval.onset_ms, span.start_ms)
        if shared <= 0:
            continue
        if span.kind == "blink" and names & set(EYE_NEAR):
            warnings.append(IN_BLINK)
        elif span.kind == "speech" and names & set(MOUTH):
            warnings.append(IN_SPEECH)
        elif span.kind == "head" and shared >= 0.3 * interval.duration_ms:
            warnings.append(IN_HEAD_TURN)
    if names & set(EYE_NEAR) and _eyes_closed(curve, interval.onset):
        warnings.append(EYES_CLOSED)
    if not interval.complete:
        warnings.append(CUT_OFF)
    if interval.offset - interval.onset + 1 < 2 * MIN_FRAMES - 1 and interval.kind == "micro":
        warnings.append(TOO_SLOW)
    return replace(interval, warnings=tuple(dict.fromkeys(warnings)))


def _eyes_closed(curve: MotionCurve, row: int) -> bool:
    """Whether both eyes are closed at ``row``, by their own open level. Opening moves brows and cheeks along."""
    eyes = curve.eye_openness.astype(np.float64)
    opened = np.nanpercentile(eyes, 75, axis=0) if np.isfinite(eyes).any(axis=0).all() else np.full(2, np.inf)
    return bool((eyes[row] < BLINK_CLOSED * opened).all())


def doubtful(interval: Interval) -> str | None:
    """The warning that keeps a candidate from being reliable, if there is one: nothing else explains its regions."""
    if IN_HEAD_TURN in interval.warnings:
        return IN_HEAD_TURN
    causes: dict[str, tuple[str, ...]] = {IN_SPEECH: SPEAKING}
    if interval.kind == "micro":
        causes |= {IN_BLINK: EYE_NEAR, EYES_CLOSED: EYE_NEAR}
    present = [cause for cause in causes if cause in interval.warnings]
    explained = {name for cause in present for name in causes[cause]}
    names = [facs.REGION_BY_KEY[key].name for key in interval.regions]
    if not present or not explained.issuperset(names):
        return None
    return next(cause for cause in present if names[0] in causes[cause])  # that of the strongest region


def ranked(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    """Best first: what stands out, micro before macro, doubtful and cut-off ones last."""

    def worth(interval: Interval) -> float:
        value = min(interval.score, SCORE_FULL) + 0.01 * interval.score
        value *= MICRO_PREFERENCE if interval.kind == "micro" else 1.0
        value *= DOUBT if doubtful(interval) else 1.0
        return value if interval.complete else 0.7 * value

    return tuple(sorted(intervals, key=lambda interval: (-worth(interval), interval.onset)))


def _offset_after(curve: MotionCurve, onset: int, apex: int) -> tuple[int, bool]:
    """Where the motion from onset to apex is back at rest, or the least that remains of it; and whether it is."""
    same = (curve.segment == curve.segment[apex]) & curve.usable
    same[: apex + 1] = False
    later = np.flatnonzero(same & (curve.times_ms <= curve.times_ms[apex] + WINDOWS_MS[-1] / 2))
    if not later.size:
        return apex, False
    seen = ~lids_among(curve.regions)
    path = (curve.displacement_px - curve.displacement_px[onset]).astype(np.float64)[:, seen]
    course = (path[later] * path[apex]).sum(axis=(1, 2)) / max(float(np.square(path[apex]).sum()), 1e-9)
    back = np.flatnonzero(course <= LEAVE_SHARE)
    if back.size:
        return int(later[back[0]]), True
    return int(later[np.argmin(course)]), False
