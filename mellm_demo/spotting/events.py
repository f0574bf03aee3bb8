"""Expressions of one stretch, each from all regions that move with it, and whether it is more than wander."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mellm_demo.records import BoolArray, FloatArray
from mellm_demo.spotting.course import course_marks, first_guess, top_of
from mellm_demo.spotting.measures import MACRO_MIN_PX, MICRO_MS, MICRO_WINDOW_MS, SHORTEST_MS
from mellm_demo.spotting.noise import Noise
from mellm_demo.spotting.paths import Paths
from mellm_demo.spotting.peaks import Peak, peaks_of

# How certain all regions of an event must be together: in standard deviations of the clip's own wander, and of the
# measurement as far as texture allows it. Set on 75 synthetic clips without expression (none reaches both) and 143 with
# one of 1.5 px (93 % do, with the apex where it was).
CERTAINTY = (11.0, 10.0)
LID_CERTAINTY = (14.0, 8.0)  # gaze moves lids, too
CUT_OFF_CERTAINTY = (28.0, 25.0)  # only one side of it was seen
LID_FALL_SHARE = 0.4  # of the rise: a lid that falls more is closing
LID_OPENNESS = 0.008  # change of the aspect ratio; 0.75 px of a lid are 0.014 and more, noise 0.003
WAY_BACK = -0.5  # cosine between two events' motions, over all regions
DRIFT_PX_S = 0.12  # and so is what goes no farther than this in the time it takes
JOINS_SIGMAS = 2.5  # a region that moves less does not speak for an event
LASTING_SHARE = 0.25  # of a long event: a region that is displaced for less has an event of its own


@dataclass(frozen=True)
class Event:
    """One expression of a stretch; R regions as in the motion curve."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    moved: FloatArray  # (R, 2) px from onset to apex
    ratio: FloatArray  # (R,) over the floor
    certainty: float  # of all regions together, in standard deviations of this clip's wander
    measured: float  # the same in standard deviations of the measurement, as the picture's texture allows it
    complete: bool
    rows: NDArray[np.int64]
    row_times: FloatArray

    @property
    def duration_ms(self) -> float:
        return self.offset_ms - self.onset_ms


def find_events(paths: Paths, noise: Noise) -> list[Event]:
    """Expressions of one stretch: peaks of single regions, strongest first, each with all that moved along.

    Lids come last: they only add what they alone show.
    """
    events: list[Event] = []
    for peak in sorted(peaks_of(paths, noise), key=lambda peak: (bool(paths.lid[peak.region]), -peak.height)):
        time = paths.times[peak.index]
        if any(_explains(event, time, peak.region) for event in events):
            continue
        event = _event(paths, noise, peak)
        if event is None or not _stands_out(event, paths, lid=bool(paths.lid[peak.region])):
            continue
        if not any(_overlap(event, other) > 0.3 and not _apart(event, other) for other in events):
            events.append(event)
    return [event for event in events if not any(_is_way_back(event, other) for other in events)]


def _stands_out(event: Event, paths: Paths, *, lid: bool) -> bool:
    """Whether an event is more than wander, more than the picture's texture can show, and more than posture."""
    brief = event.duration_ms <= MICRO_MS
    if not event.complete and event.offset_ms >= paths.times[-1]:
        least = CUT_OFF_CERTAINTY
    elif lid:
        least = LID_CERTAINTY
    else:
        least = CERTAINTY
    if event.certainty < least[0] or event.measured < least[1]:
        return False
    kind = paths.lid if lid else ~paths.lid
    if event.ratio[kind].max() < 1.0:
        return False
    if lid:
        return _opens_or_tightens(event, paths)
    if brief:
        return True
    return bool(np.hypot(*event.moved[kind].T).max() >= max(MACRO_MIN_PX, DRIFT_PX_S * event.duration_ms / 1000.0))


def _opens_or_tightens(event: Event, paths: Paths) -> bool:
    """Whether lids moved as in AU 5 or AU 7: upper lids up, or lower lids up while the upper ones stay.

    The eye must open or narrow accordingly: a lid patch alone can be misled by what lies under a lid.
    """
    fall = float(event.moved[paths.upper_lid, 1].max(initial=0.0))
    upper = -float(event.moved[paths.upper_lid, 1].min(initial=0.0))
    lower = -float(event.moved[paths.lid & ~paths.upper_lid, 1].min(initial=0.0))
    opened = np.array([np.interp(event.apex_ms, paths.times, eye) for eye in paths.openness.T])
    opened -= np.array([np.interp(event.onset_ms, paths.times, eye) for eye in paths.openness.T])
    # One eye is enough: lids move on one side, too.
    if upper >= lower:
        return bool(upper > 0.0 and fall < LID_FALL_SHARE * upper and opened.max() >= LID_OPENNESS)
    return bool(fall < LID_FALL_SHARE * lower and opened.min() <= -LID_OPENNESS)


def _explains(event: Event, time: float, region: int) -> bool:
    if not event.onset_ms <= time <= event.offset_ms:
        return False
    # Something brief on top of a long expression is its own event where the long one does not move the region.
    return event.duration_ms <= MICRO_MS or bool(event.ratio[region] > 0.5)


def _apart(event: Event, other: Event) -> bool:
    brief, long = sorted((event, other), key=lambda item: item.duration_ms)
    strongest = int(np.argmax(brief.ratio))
    return long.duration_ms > MICRO_MS >= brief.duration_ms and bool(long.ratio[strongest] <= 0.5)


def _is_way_back(event: Event, other: Event) -> bool:
    """Whether a cut-off event is only how another one ends: it sets out while that one fades, the opposite way."""
    if event.complete or not other.apex_ms <= event.onset_ms <= other.offset_ms:
        return False
    sizes = float(np.linalg.norm(event.moved) * np.linalg.norm(other.moved))
    return float((event.moved * other.moved).sum()) < WAY_BACK * sizes


def _overlap(first: Event, second: Event) -> float:
    shared = min(first.offset_ms, second.offset_ms) - max(first.onset_ms, second.onset_ms)
    return max(shared, 0.0) / max(min(first.duration_ms, second.duration_ms), 1e-9)


def _event(paths: Paths, noise: Noise, peak: Peak) -> Event | None:
    """Onset, apex and offset of what ``peak`` belongs to, from all regions that move with it."""
    brief = peak.window_ms == MICRO_WINDOW_MS
    inverse = np.linalg.inv(noise.sigma if brief else noise.slow)
    apex = peak.index
    onset, offset = first_guess(paths, peak)
    course, scale = np.zeros(len(paths.times)), 0.0
    joins = np.zeros(paths.smooth.shape[1], dtype=np.bool_)
    for _ in range(3):
        rest = paths.smooth[onset] if peak.edge else 0.5 * (paths.smooth[onset] + paths.smooth[offset])
        amplitude = paths.smooth[apex] - rest
        strength = np.einsum("ri,rij,rj->r", amplitude, inverse, amplitude)
        strength[paths.lid != paths.lid[peak.region]] = 0.0
        joins = strength >= JOINS_SIGMAS**2
        if not brief:
            joins &= _lasting(paths, amplitude, onset, offset)
        if not joins.any():
            return None
        # The filter matched to the event: each region along its own motion, by how far that stands out of noise.
        weights = np.einsum("rij,rj->ri", inverse, amplitude) * joins[:, None]
        course = np.einsum("tri,ri->t", paths.smooth, weights) / strength[joins].sum()
        scale = float(np.sqrt(strength[joins].sum()))
        apex, onset, offset = course_marks(course, apex, 1.0 / scale, paths.step, peak.window_ms)
        if not peak.edge:
            apex = top_of(course, onset, apex, offset)
    if peak.edge:
        offset = len(course) - 1
    base = course[onset] if peak.edge else max(course[onset], course[offset])
    above = course[onset : offset + 1] >= 0.5 * (course[apex] + base)
    if above.sum() < 2 or (offset - onset) * paths.step < SHORTEST_MS:
        return None
    moved = paths.smooth[apex] - paths.smooth[onset]
    ratio = np.hypot(*moved.T) / (noise.floor if brief else noise.slow_floor)
    if not brief:
        ratio = np.where(_lasting(paths, moved, onset, offset), ratio, 0.0)
    # What counts is how far it stands above both of its sides: a single frame that dips makes no hump beside it.
    sides = [onset] if peak.edge else [onset, offset]
    return Event(
        onset_ms=float(paths.times[onset]),
        apex_ms=float(paths.times[apex]),
        offset_ms=float(paths.times[offset]),
        moved=moved,
        ratio=ratio,
        certainty=float((course[apex] - base) * scale),
        measured=min(_measured(paths, paths.smooth[apex] - paths.smooth[s], onset, offset, joins) for s in sides),
        complete=not peak.edge and onset > 0 and offset < len(course) - 1,
        rows=paths.rows,
        row_times=paths.row_times,
    )


def _lasting(paths: Paths, amplitude: FloatArray, onset: int, offset: int) -> BoolArray:
    """Which regions (R,) are displaced for a good part of a long event, and not just for an instant within it."""
    part = paths.smooth[onset : offset + 1] - paths.smooth[onset]
    along = np.einsum("tri,ri->tr", part, amplitude) / np.maximum(np.square(amplitude).sum(axis=1), 1e-12)
    share = (along > 0.5).mean(axis=0)
    return np.asarray(share >= LASTING_SHARE, dtype=np.bool_)


def _measured(paths: Paths, moved: FloatArray, onset: int, offset: int, joins: BoolArray) -> float:
    """How many standard deviations of the measurement ``moved`` (R, 2) is, over the regions that join in."""
    if paths.covariance is None:
        return float("inf")
    inverse = np.linalg.inv(paths.covariance[onset : offset + 1].mean(axis=0))
    return float(np.sqrt(np.einsum("ri,rij,rj->r", moved, inverse, moved)[joins].sum()))


def rest_energy(paths: Paths, events: Sequence[Event], row_times: FloatArray) -> FloatArray:
    """Distance (n, R) of every region from its local rest, at the rows of the stretch.

    Rest is the trajectory with the events cut out, smoothed by a running median longer than a micro-expression.
    """
    from scipy.ndimage import median_filter

    times = paths.times
    hidden = np.zeros(len(times), dtype=np.bool_)
    for event in events:
        hidden |= (times > event.onset_ms) & (times < event.offset_ms)
    rest = paths.smooth.copy()
    if hidden.any() and not hidden.all():
        flat = rest.reshape(len(times), -1)
        for column in range(flat.shape[1]):
            flat[hidden, column] = np.interp(times[hidden], times[~hidden], flat[~hidden, column])
    size = min(2 * round(MICRO_MS / paths.step) + 1, 2 * ((len(times) - 1) // 2) + 1)
    rest = median_filter(rest, size=(size, 1, 1), mode="nearest")
    distance = np.linalg.norm(paths.smooth - rest, axis=-1)
    return np.stack([np.interp(row_times, times, column) for column in distance.T], axis=1)
