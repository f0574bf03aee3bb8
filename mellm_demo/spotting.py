"""Where in time a face expressed something: onset, apex, offset of every candidate, a noise floor, and reasons.

Works on the displacement trajectories of a MotionCurve alone, with true timestamps; knows no pixels. An expression is
a stretch in which regions leave their rest and come back, so what counts is the prominence of a trajectory's peak over
both of its sides, which slow drift and lasting changes of place do not have. The apex is where displacement is
largest, not where motion is fastest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import BoolArray, FloatArray, Interval, MotionCurve, Span, Spotting

MICRO_MS = 500.0  # up to half a second: the relaxed definition (Yan et al. 2013)
SHORTEST_MS = 40.0  # 1/25 s, the shortest expression that has been described
MIN_FRAMES = 3  # of the shortest event: onset, apex, offset
MIN_ROWS = 6  # fewer rows cannot show rest and an expression

SMOOTHING_MS = 18.0  # standard deviation; a third of the half-width of the shortest event
MICRO_WINDOW_MS = 1400.0  # a micro-expression with rest on both sides
# Longer events are looked for in longer windows; beyond about 4 s they are postures, not expressions (Ekman 2003).
WINDOWS_MS = (MICRO_WINDOW_MS, 3000.0, 8000.0)
WINDOW_SHARE = 0.7  # of the whole rise must lie inside a window, or the event belongs into a longer one

NOISE_LAGS_MS = (100.0, 200.0)  # wander at the pace of an expression
SLOW_LAGS_MS = (600.0,)
FINE_LAG_MS = 33.0
WANDER_MOST, SLOW_MOST = 4.0, 6.0  # times the fine noise: measured on clips without expression 1.3 to 3.3
FLOOR_SIGMAS = 6.5  # of a single region: noise, which has heavier tails than Gauss's, does not reach this
# How certain all regions of an event must be together: in standard deviations of the clip's own wander, and of the
# measurement as far as texture allows it. In 50 synthetic clips without expression, head motion and blinks reached 12.6
# with 6.7, and 8.3 with 7.1; of 100 expressions of 1.5 px the faintest that are kept had 10.5 with 8.4.
CERTAINTY = (11.0, 8.0)
LID_CERTAINTY = (14.0, 8.0)  # gaze moves lids, too
CUT_OFF_CERTAINTY = (28.0, 25.0)  # only one side of it was seen
LID_FALL_SHARE = 0.4  # of the rise: a lid that falls more is closing
LID_OPENNESS = 0.008  # change of the aspect ratio; 0.75 px of a lid are 0.014 and more, noise 0.003
FLOOR_MIN_PX = 0.15  # bilinear sampling and block noise leave this even in the best of clips
FLOOR_UNKNOWN_PX = 0.3  # a pair of frames does not tell its noise; ordinary clips have 0.2 to 0.35
LID_FLOOR_FACTOR = 1.6  # gaze moves the lids
CUT_OFF_MS = 250.0  # before the end of the clip
CUT_OFF_SHARE = 0.4  # of the stretch at most, or nobody knows which of the two is rest
WAY_BACK = -0.5  # cosine between two events' motions, over all regions
RISE_MS = (30.0, 1000.0)  # skin does not jump, and expressions do not creep
SEED_SHARE = 0.75  # of the floor: where it pays to look at all regions together
EDGE_FLOOR_FACTOR = 2.0  # an event that the clip cuts off has shown only one side
MACRO_MIN_PX = 0.8  # slow motion below this is posture
DRIFT_PX_S = 0.12  # and so is what goes no farther than this in the time it takes
JOINS_SIGMAS = 2.5  # a region that moves less does not speak for an event
LASTING_SHARE = 0.25  # of a long event: a region that is displaced for less has an event of its own
LEAVE_SHARE = 0.10  # of the peak: where a region leaves rest
TOP_SHARE = 0.8  # of the peak: what lies above is its top, which tracking noise does not order
APEX_SHARE = 1.0 / 3.0  # of the top
DIRECTIONS = 8

BLINK_CLOSED = 0.72  # of the open eye's aspect ratio: an eye that is closing
BLINK_HALF = 0.87  # a partial blink, where the upper lid falls farther than the lower one rises
BLINK_FALL_PX = 0.6
BLINK_MS = (40.0, 700.0)
BLINK_PAD_MS = 70.0
SPEECH_MIN_MS = 1000.0
SPEECH_STEP = 0.02  # of the interocular distance: smallest opening or closing of a speaking mouth
SPEECH_PAUSE_MS = 450.0  # longest time between two such steps
HEAD_SPEED_PX_S = 45.0
HEAD_MIN_MS = 100.0
GAP_MIN_MS = 60.0

_EYE_NEAR = ("inner brow", "outer brow", "cheek", "upper lid", "lower lid")
_MOUTH = ("mouth corner", "upper lip", "lower lip", "chin", "nasolabial fold")
_SPEAKING = (*_MOUTH, "nostril wing")  # what speech moves


def spot(curve: MotionCurve) -> Spotting:
    """Every candidate expression of ``curve``, best first, or the reasons why there is none.

    Raises InputError where times are not finite and rising or the arrays do not belong together.
    """
    _check(curve)
    spans = _spans(curve)
    rows, count = len(curve.times_ms), len(curve.regions)
    energy, floors = np.zeros((rows, count)), []
    found: list[_Event] = []
    for stretch in _stretches(curve):
        paths = _paths(curve, stretch, spans)
        noise = _noise(paths)
        events = _events(paths, noise)
        energy[stretch] = _rest_energy(paths, events, curve.times_ms[stretch])
        floors.append((len(stretch), noise.floor))
        found += events
    region_floor = _joined_floor(floors, count)
    seen = ~_lids(curve.regions)
    floor = float(np.median(region_floor[seen])) if seen.any() else float(FLOOR_MIN_PX)
    # A region that is noisier than the clip counts accordingly less, so that one line can be the floor of them all.
    share = np.minimum(1.0, floor / np.maximum(region_floor, 1e-6))
    total = (energy * share)[:, seen].max(axis=1) if seen.any() else np.zeros(rows)
    candidates = _ranked([_interval(curve, event, spans) for event in found])
    return Spotting(
        energy_px=total.astype(np.float32),
        noise_floor_px=floor,
        region_energy_px=energy.astype(np.float32),
        region_floor_px=region_floor.astype(np.float32),
        candidates=candidates,
        spans=spans,
        reasons=_reasons(curve, candidates, spans, energy, region_floor),
    )


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
    seen = ~_lids(curve.regions)
    ratio = moved / np.maximum(spotting.region_floor_px, 1e-6)
    order = [int(r) for r in np.argsort(-ratio) if ratio[r] >= 1.0]
    duration = float(curve.times_ms[offset_row] - curve.times_ms[onset_row])
    warnings = []
    if curve.segment[onset_row] != curve.segment[apex_row] or not curve.usable[[onset_row, apex_row]].all():
        warnings.append("the face was lost or not measurable between onset and apex")
    interval = Interval(
        onset=onset_row,
        apex=apex_row,
        offset=offset_row,
        onset_ms=float(curve.times_ms[onset_row]),
        apex_ms=float(curve.times_ms[apex_row]),
        offset_ms=float(curve.times_ms[offset_row]),
        kind="micro" if duration <= MICRO_MS else "macro",
        score=float(ratio[seen].max()) if seen.any() else 0.0,
        peak_px=float(moved[seen].max()) if seen.any() else 0.0,
        regions=tuple(curve.regions[r] for r in order),
        warnings=tuple(warnings),
        complete=complete,
        by_user=True,
    )
    return _warned(interval, curve, spotting.spans)


# ---------------------------------------------------------------------------------------------- trajectories


@dataclass(frozen=True)
class _Paths:
    """One stretch without gaps on an even time grid."""

    start: int  # row of the track where the stretch begins
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


@dataclass(frozen=True)
class _Noise:
    sigma: FloatArray  # (R, 2, 2) covariance of the wander at an expression's pace
    slow: FloatArray  # (R, 2, 2) the same at the pace of a macro-expression
    floor: FloatArray  # (R,) px
    slow_floor: FloatArray  # (R,) px


def _check(curve: MotionCurve) -> None:
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


def _lids(regions: Sequence[str]) -> BoolArray:
    return np.array([facs.REGION_BY_KEY[key].lid for key in regions], dtype=np.bool_)


def _named(regions: Sequence[str], names: Sequence[str]) -> BoolArray:
    return np.array([facs.REGION_BY_KEY[key].name in names for key in regions], dtype=np.bool_)


def _stretches(curve: MotionCurve) -> Iterator[NDArray[np.int64]]:
    for number in np.unique(curve.segment[curve.usable]):
        rows = np.flatnonzero((curve.segment == number) & curve.usable)
        if len(rows) >= MIN_ROWS:
            yield rows


def _paths(curve: MotionCurve, rows: NDArray[np.int64], spans: Sequence[Span]) -> _Paths:
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
    return _Paths(
        start=int(rows[0]),
        rows=rows,
        row_times=own,
        times=times,
        step=step,
        raw=raw,
        smooth=smooth,
        covariance=covariance,
        openness=np.stack([np.interp(times, own, eye) for eye in np.nan_to_num(eyes).T], axis=1),
        lid=_lids(curve.regions),
        upper_lid=_named(curve.regions, ("upper lid",)),
    )


def _without_blinks(raw: FloatArray, times: FloatArray, regions: Sequence[str], spans: Sequence[Span]) -> FloatArray:
    """A blink drags brows and cheeks along: what lies near the eyes is drawn straight across it."""
    near = _named(regions, _EYE_NEAR)
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


def _noise(paths: _Paths) -> _Noise:
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
    return _Noise(wander, slow, FLOOR_SIGMAS * factor * _trace(wander), FLOOR_SIGMAS * factor * _trace(slow))


def _trace(covariance: FloatArray) -> FloatArray:
    """Standard deviation (R,) along one direction, averaged over directions."""
    return np.asarray(np.sqrt(0.5 * np.trace(covariance, axis1=-2, axis2=-1)), dtype=np.float64)


def _wander(paths: _Paths, lags_ms: Sequence[float]) -> FloatArray:
    largest = max(1, (len(paths.times) - 1) // 4)
    lags = {min(max(1, round(lag / paths.step)), largest) for lag in lags_ms}
    covariances = [_spread(_second_difference(paths.smooth, lag)) / 1.5 for lag in lags]
    return np.asarray(np.mean(covariances, axis=0), dtype=np.float64)


# ---------------------------------------------------------------------------------------------- events


@dataclass(frozen=True)
class _Peak:
    index: int  # on the even grid
    region: int
    height: float  # over the floor of its direction
    window_ms: float
    edge: bool = False  # the stretch ends before it comes back


@dataclass(frozen=True)
class _Event:
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


def _events(paths: _Paths, noise: _Noise) -> list[_Event]:
    """Expressions of one stretch: peaks of single regions, strongest first, each with all that moved along.

    Lids come last: they only add what they alone show.
    """
    events: list[_Event] = []
    for peak in sorted(_peaks(paths, noise), key=lambda peak: (bool(paths.lid[peak.region]), -peak.height)):
        time = paths.times[peak.index]
        if any(_explains(event, time, peak.region) for event in events):
            continue
        event = _event(paths, noise, peak)
        if event is None or not _stands_out(event, paths, lid=bool(paths.lid[peak.region])):
            continue
        if not any(_overlap(event, other) > 0.3 and not _apart(event, other) for other in events):
            events.append(event)
    return [event for event in events if not any(_is_way_back(event, other) for other in events)]


def _stands_out(event: _Event, paths: _Paths, *, lid: bool) -> bool:
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


def _opens_or_tightens(event: _Event, paths: _Paths) -> bool:
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


def _explains(event: _Event, time: float, region: int) -> bool:
    if not event.onset_ms <= time <= event.offset_ms:
        return False
    # Something brief on top of a long expression is its own event where the long one does not move the region.
    return event.duration_ms <= MICRO_MS or bool(event.ratio[region] > 0.5)


def _apart(event: _Event, other: _Event) -> bool:
    brief, long = sorted((event, other), key=lambda item: item.duration_ms)
    strongest = int(np.argmax(brief.ratio))
    return long.duration_ms > MICRO_MS >= brief.duration_ms and bool(long.ratio[strongest] <= 0.5)


def _is_way_back(event: _Event, other: _Event) -> bool:
    """Whether a cut-off event is only how another one ends: it sets out while that one fades, the opposite way."""
    if event.complete or not other.apex_ms <= event.onset_ms <= other.offset_ms:
        return False
    sizes = float(np.linalg.norm(event.moved) * np.linalg.norm(other.moved))
    return float((event.moved * other.moved).sum()) < WAY_BACK * sizes


def _overlap(first: _Event, second: _Event) -> float:
    shared = min(first.offset_ms, second.offset_ms) - max(first.onset_ms, second.onset_ms)
    return max(shared, 0.0) / max(min(first.duration_ms, second.duration_ms), 1e-9)


def _peaks(paths: _Paths, noise: _Noise) -> list[_Peak]:
    """Peaks of every region along eight directions that stand out of its noise, in a short and a long window."""
    from scipy.signal import find_peaks, peak_prominences

    angles = np.arange(DIRECTIONS) * 2.0 * np.pi / DIRECTIONS
    factor = np.where(paths.lid, LID_FLOOR_FACTOR, 1.0)
    lengths = [max(3, round(window / paths.step)) for window in WINDOWS_MS]
    peaks = []
    for angle in angles:
        way = np.array([np.cos(angle), np.sin(angle)])
        along = paths.smooth @ way  # (N, R)
        floor = FLOOR_SIGMAS * factor * np.sqrt(np.einsum("i,rij,j->r", way, noise.sigma, way))
        slow_floor = FLOOR_SIGMAS * factor * np.sqrt(np.einsum("i,rij,j->r", way, noise.slow, way))
        for region in range(along.shape[1]):
            signal = along[:, region]
            at, _ = find_peaks(signal)
            if len(at):
                rises = np.stack([peak_prominences(signal, at, wlen=length)[0] for length in lengths])
                scale = np.argmax(rises >= WINDOW_SHARE * rises[-1], axis=0)  # the shortest that holds most of it
                height = rises[scale, np.arange(len(at))] / np.where(scale == 0, floor[region], slow_floor[region])
                peaks += [
                    _Peak(int(at[k]), region, float(height[k]), WINDOWS_MS[scale[k]])
                    for k in np.flatnonzero(height >= SEED_SHARE)
                ]
            peaks += _cut_off(signal, region, EDGE_FLOOR_FACTOR * slow_floor[region], lengths[-1] // 2, paths.step)
    return peaks


def _cut_off(signal: FloatArray, region: int, floor: float, reach: int, step: float) -> list[_Peak]:
    """The rise to a peak at which the stretch ends, if there is one."""
    last = max(1, round(CUT_OFF_MS / step))
    if len(signal) < 2 * last:
        return []
    top = len(signal) - 1 - int(np.argmax(signal[: -last - 1 : -1]))
    before = signal[max(0, top - reach) : top + 1]
    base = float(before.min())
    rise = signal[top] - base
    if rise < max(floor, MACRO_MIN_PX) or signal[top] < before.max():
        return []
    # Rest is where the region is most of the time: else this is the way back to it, or a lasting change of place.
    up = signal - base > 0.5 * rise
    if np.median(signal) - base > 0.3 * rise or up.mean() > CUT_OFF_SHARE or not up[top:].all():
        return []
    begun = np.flatnonzero(signal[: top + 1] - base <= 0.2 * rise)[-1]
    done = begun + np.argmax(signal[begun : top + 1] - base >= 0.8 * rise)
    if done - begun < 2 or not RISE_MS[0] <= (done - begun) * step <= RISE_MS[1]:
        return []
    return [_Peak(top, region, float(rise / floor), WINDOWS_MS[-1], edge=True)]


def _event(paths: _Paths, noise: _Noise, peak: _Peak) -> _Event | None:
    """Onset, apex and offset of what ``peak`` belongs to, from all regions that move with it."""
    brief = peak.window_ms == MICRO_WINDOW_MS
    inverse = np.linalg.inv(noise.sigma if brief else noise.slow)
    apex = peak.index
    onset, offset = _first_guess(paths, peak)
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
        apex, onset, offset = _course_marks(course, apex, 1.0 / scale, paths.step, peak.window_ms)
        if not peak.edge:
            apex = _top(course, onset, apex, offset)
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
    return _Event(
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


def _lasting(paths: _Paths, amplitude: FloatArray, onset: int, offset: int) -> BoolArray:
    """Which regions (R,) are displaced for a good part of a long event, and not just for an instant within it."""
    part = paths.smooth[onset : offset + 1] - paths.smooth[onset]
    along = np.einsum("tri,ri->tr", part, amplitude) / np.maximum(np.square(amplitude).sum(axis=1), 1e-12)
    share = (along > 0.5).mean(axis=0)
    return np.asarray(share >= LASTING_SHARE, dtype=np.bool_)


def _measured(paths: _Paths, moved: FloatArray, onset: int, offset: int, joins: BoolArray) -> float:
    """How many standard deviations of the measurement ``moved`` (R, 2) is, over the regions that join in."""
    if paths.covariance is None:
        return float("inf")
    inverse = np.linalg.inv(paths.covariance[onset : offset + 1].mean(axis=0))
    return float(np.sqrt(np.einsum("ri,rij,rj->r", moved, inverse, moved)[joins].sum()))


def _first_guess(paths: _Paths, peak: _Peak) -> tuple[int, int]:
    """Rest before and after the peak of one region: where its distance from the peak stops growing."""
    distance = np.hypot(*(paths.smooth[:, peak.region] - paths.smooth[peak.index, peak.region]).T)
    reach = max(2, round(0.5 * peak.window_ms / paths.step))
    low, high = max(0, peak.index - reach), min(len(distance) - 1, peak.index + reach)
    left, right = distance[low : peak.index + 1], distance[peak.index : high + 1]
    onset = low + int(np.flatnonzero(left >= 0.85 * left.max())[-1])
    offset = peak.index + int(np.flatnonzero(right >= 0.85 * right.max())[0])
    return onset, len(distance) - 1 if peak.edge else offset


def _course_marks(
    course: FloatArray, near: int, deviation: float, step: float, window_ms: float
) -> tuple[int, int, int]:
    """Apex, onset and offset of the hump of ``course`` around ``near``."""
    brief = window_ms == MICRO_WINDOW_MS
    apex = _climb(course, near, max(1, round((0.5 * MICRO_MS if brief else 0.25 * window_ms) / step)))
    reach = max(2, round(0.5 * window_ms / step))
    low, high = max(0, apex - reach), min(len(course) - 1, apex + reach)
    higher = np.flatnonzero(course[low : high + 1] > course[apex]) + low
    before, after = higher[higher < apex], higher[higher > apex]
    low = int(before[-1]) if before.size else low
    high = int(after[0]) if after.size else high
    left = low + int(np.argmin(course[low : apex + 1]))
    right = apex + int(np.argmin(course[apex : high + 1]))
    return apex, _leave(course, apex, left, deviation), _leave(course, apex, right, deviation)


def _top(course: FloatArray, onset: int, apex: int, offset: int) -> int:
    """The apex of a hump whose top may be flat: the highest point of it would be anywhere there, by noise.

    A third of the way from where the hump reaches its top fifth to where it leaves it, because expressions rise faster
    than they fall (in CAS(ME)^3 the apex lies at 30 % of the interval in the median); but no longer after the top is
    reached than the rise took, because an expression that is held has its apex where it begins to be held.
    """
    level = max(course[onset], course[offset])
    level += TOP_SHARE * (course[apex] - level)
    first = apex - int(np.argmax(course[onset : apex + 1][::-1] < level))
    last = apex + int(np.argmax(course[apex : offset + 1] < level))
    if first == apex or last == apex:
        return apex
    begins = first + (level - course[first]) / (course[first + 1] - course[first])
    ends = last - (level - course[last]) / (course[last - 1] - course[last])
    top = min(begins + APEX_SHARE * (ends - begins), begins + (begins - onset))
    return int(np.clip(round(top), onset + 1, offset - 1))


def _climb(course: FloatArray, near: int, reach: int) -> int:
    """The highest point around ``near`` that can be reached without going down by half."""
    best = near
    for direction in (-1, 1):
        lowest = course[near]
        for index in range(near, int(np.clip(near + direction * reach, 0, len(course) - 1)) + direction, direction):
            lowest = min(lowest, course[index])
            if course[index] > course[best]:
                best = index
            if lowest < 0.5 * course[best]:
                break
    return best


def _leave(course: FloatArray, apex: int, base: int, deviation: float) -> int:
    """The last point between ``base`` and ``apex`` at rest: below a share of the peak, or below noise."""
    rise = course[apex] - course[base]
    level = course[base] + min(max(LEAVE_SHARE * rise, deviation), 0.4 * rise)
    part = course[base : apex + 1] if base <= apex else course[apex : base + 1][::-1]
    below = np.flatnonzero(part <= level)
    steps = int(below[-1]) if below.size else 0
    return base + steps if base <= apex else base - steps


def _rest_energy(paths: _Paths, events: Sequence[_Event], row_times: FloatArray) -> FloatArray:
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


def _joined_floor(floors: Sequence[tuple[int, FloatArray]], count: int) -> FloatArray:
    if not floors:
        return np.full(count, FLOOR_UNKNOWN_PX)
    rows = np.array([rows for rows, _ in floors], dtype=np.float64)
    return np.asarray(np.average([floor for _, floor in floors], axis=0, weights=rows), dtype=np.float64)


# ---------------------------------------------------------------------------------------------- intervals


def _interval(curve: MotionCurve, event: _Event, spans: Sequence[Span]) -> Interval:
    def row_at(time: float) -> int:
        return int(event.rows[np.argmin(np.abs(event.row_times - time))])

    apex = row_at(event.apex_ms)
    first, last = int(event.rows[0]), int(event.rows[-1])
    onset = min(row_at(event.onset_ms), max(apex - 1, first))
    offset = max(row_at(event.offset_ms), min(apex + 1, last))
    lids = _lids(curve.regions)
    size = np.hypot(*event.moved.T)
    order = [int(r) for r in np.argsort(-event.ratio) if event.ratio[r] >= 1.0]
    if not order:
        order = [int(np.argmax(event.ratio))]
    duration = float(curve.times_ms[offset] - curve.times_ms[onset])
    body = ~lids if (~lids).any() else np.ones_like(lids)
    interval = Interval(
        onset=onset,
        apex=apex,
        offset=offset,
        onset_ms=float(curve.times_ms[onset]),
        apex_ms=float(curve.times_ms[apex]),
        offset_ms=float(curve.times_ms[offset]),
        kind="micro" if duration <= MICRO_MS else "macro",
        score=float(event.ratio.max()),
        peak_px=float(size[body].max()),
        regions=tuple(curve.regions[r] for r in order),
        complete=event.complete,
    )
    return _warned(interval, curve, spans)


IN_BLINK = "overlaps a blink"
IN_SPEECH = "lies within speech or chewing"
IN_HEAD_TURN = "the head moves fast at the same time"
EYES_CLOSED = "the eyes were closed at its onset"
CUT_OFF = "the clip begins or ends before the face is back at rest"
TOO_SLOW = "too few frames to show its course"
SCORE_FULL = 5.0  # beyond this a candidate does not get any more certain
MICRO_PREFERENCE = 1.5
DOUBT = 0.4  # a candidate with a serious warning counts this much


def _warned(interval: Interval, curve: MotionCurve, spans: Sequence[Span]) -> Interval:
    warnings = list(interval.warnings)
    names = {facs.REGION_BY_KEY[key].name for key in interval.regions}
    for span in spans:
        shared = min(interval.offset_ms, span.end_ms) - max(interval.onset_ms, span.start_ms)
        if shared <= 0:
            continue
        if span.kind == "blink" and names & set(_EYE_NEAR):
            warnings.append(IN_BLINK)
        elif span.kind == "speech" and names & set(_MOUTH):
            warnings.append(IN_SPEECH)
        elif span.kind == "head" and shared >= 0.3 * interval.duration_ms:
            warnings.append(IN_HEAD_TURN)
    if names & set(_EYE_NEAR) and _eyes_closed(curve, interval.onset):
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


def _doubtful(interval: Interval) -> str | None:
    """The warning that keeps a candidate from being reliable, if there is one: nothing else explains its regions."""
    if IN_HEAD_TURN in interval.warnings:
        return IN_HEAD_TURN
    causes: dict[str, tuple[str, ...]] = {IN_SPEECH: _SPEAKING}
    if interval.kind == "micro":
        causes |= {IN_BLINK: _EYE_NEAR, EYES_CLOSED: _EYE_NEAR}
    present = [cause for cause in causes if cause in interval.warnings]
    explained = {name for cause in present for name in causes[cause]}
    names = [facs.REGION_BY_KEY[key].name for key in interval.regions]
    if not present or not explained.issuperset(names):
        return None
    return next(cause for cause in present if names[0] in causes[cause])  # that of the strongest region


def _ranked(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    def worth(interval: Interval) -> float:
        value = min(interval.score, SCORE_FULL) + 0.01 * interval.score
        value *= MICRO_PREFERENCE if interval.kind == "micro" else 1.0
        value *= DOUBT if _doubtful(interval) else 1.0
        return value if interval.complete else 0.7 * value

    return tuple(sorted(intervals, key=lambda interval: (-worth(interval), interval.onset)))


def _offset_after(curve: MotionCurve, onset: int, apex: int) -> tuple[int, bool]:
    """Where the motion from onset to apex is back at rest, or the least that remains of it; and whether it is."""
    same = (curve.segment == curve.segment[apex]) & curve.usable
    same[: apex + 1] = False
    later = np.flatnonzero(same & (curve.times_ms <= curve.times_ms[apex] + WINDOWS_MS[-1] / 2))
    if not later.size:
        return apex, False
    seen = ~_lids(curve.regions)
    path = (curve.displacement_px - curve.displacement_px[onset]).astype(np.float64)[:, seen]
    course = (path[later] * path[apex]).sum(axis=(1, 2)) / max(float(np.square(path[apex]).sum()), 1e-9)
    back = np.flatnonzero(course <= LEAVE_SHARE)
    if back.size:
        return int(later[back[0]]), True
    return int(later[np.argmin(course)]), False


# ---------------------------------------------------------------------------------------------- spans


def _spans(curve: MotionCurve) -> tuple[Span, ...]:
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
    upper, lower = _named(curve.regions, ("upper lid",)), _named(curve.regions, ("lower lid",))
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


# ---------------------------------------------------------------------------------------------- reasons


def _reasons(
    curve: MotionCurve,
    candidates: Sequence[Interval],
    spans: Sequence[Span],
    energy: FloatArray,
    floor: FloatArray,
) -> tuple[str, ...]:
    """Why there is no reliable candidate; empty where there is one."""
    if any(_doubtful(interval) is None for interval in candidates):
        return ()
    rows = len(curve.times_ms)
    if rows < MIN_ROWS:
        return (
            f"The face was followed in only {rows} frames; at least {MIN_ROWS} are needed to tell motion from noise.",
        )
    reasons = []
    usable = float(curve.usable.mean())
    if usable < 0.5:
        reasons.append(f"The face could be measured in only {100 * usable:.0f} % of the frames.")
    if not any(True for _ in _stretches(curve)):
        return (*reasons, f"There is no stretch of {MIN_ROWS} frames in a row in which the face can be measured.")
    step = float(np.median(np.diff(curve.times_ms)))
    if MIN_FRAMES * step > MICRO_MS:
        reasons.append(
            f"At {1000.0 / step:.1f} frames/s nothing shorter than {MIN_FRAMES * step:.0f} ms can be seen, "
            "which is longer than any micro-expression."
        )
    doubts = {doubt for interval in candidates if (doubt := _doubtful(interval))}
    if IN_BLINK in doubts:
        reasons.append("The only movements near the eyes coincide with blinks.")
    if EYES_CLOSED in doubts:
        reasons.append("The only movements near the eyes are those of closed eyes that open.")
    if IN_SPEECH in doubts:
        reasons.append("The mouth moves only while speaking or chewing, which says nothing about expression.")
    if IN_HEAD_TURN in doubts:
        reasons.append("The only movements fall into fast head motion, from which they cannot be told apart.")
    if not doubts:
        seen = ~_lids(curve.regions) if (~_lids(curve.regions)).any() else np.ones(len(curve.regions), dtype=np.bool_)
        ratio = np.where(seen, energy / floor, 0.0)
        _, region = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        known = facs.REGION_BY_KEY[curve.regions[int(region)]]
        place = f"{known.side} {known.name}" if known.side else known.name
        largest, noise = float(energy[:, region].max()), float(floor[region])
        fate = (
            f"stays under this clip's noise ({noise:.1f} px there)."
            if largest <= noise
            else f"is not clear of this clip's noise ({noise:.1f} px there) or does not come and go like an expression."
        )
        reasons.append(f"The largest movement ({largest:.1f} px at the {place}) {fate}")
        if any(span.kind == "blink" for span in spans):
            reasons.append("Blinks were left out: they move the lids and drag brows and cheeks along.")
    return tuple(reasons)
