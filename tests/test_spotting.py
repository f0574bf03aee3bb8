"""Spotting on displacement curves whose truth is known: when, what kind, how certain, and why not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import Interval, MotionCurve, Spotting
from mellm_demo.spotting import interval_from_user, spot

REGIONS = facs.REGION_KEYS
OPEN, BLINK_DEPTH = 0.30, 0.8
SMILE = {"mouth_corner_left": (0.8, -0.8), "mouth_corner_right": (-0.8, -0.8), "nasolabial_fold_left": (0.3, -0.5)}
BROWS = {"inner_brow_left": (0.0, -1.0), "inner_brow_right": (0.0, -1.0)}


@dataclass(frozen=True)
class Move:
    """An expression: regions go to their vector times ``px`` and come back."""

    onset: float
    apex: float
    offset: float
    regions: dict[str, tuple[float, float]]
    px: float = 1.5
    hold: float = 0.0

    def course(self, t: np.ndarray) -> np.ndarray:
        rise = np.clip((t - self.onset) / (self.apex - self.onset), 0, 1)
        fall = np.clip((t - self.apex - self.hold) / (self.offset - self.apex - self.hold), 0, 1)
        return rise**2 * (3 - 2 * rise) * (1 - fall**2 * (3 - 2 * fall))


def even_times(fps: float, seconds: float) -> np.ndarray:
    return np.arange(round(fps * seconds)) * 1000.0 / fps


def make_curve(
    times: np.ndarray,
    *moves: Move,
    noise: float = 0.04,
    wander: float = 0.04,
    drift: float = 0.0,
    blinks: tuple[tuple[float, float], ...] = (),
    mouth: np.ndarray | None = None,
    head: np.ndarray | None = None,
    seed: int = 0,
) -> MotionCurve:
    """Noise per frame, wander at the pace of a second, drift in px/s; a blink drags what is near the eyes."""
    random = np.random.default_rng(seed)
    rows, count = len(times), len(REGIONS)
    path = random.normal(0, noise, (rows, count, 2))
    step = float(np.median(np.diff(times))) if rows > 1 else 30.0
    slow = gaussian_filter1d(random.normal(size=(rows, count, 2)), 250.0 / step, axis=0, mode="reflect")
    path += wander * slow / max(float(slow.std()), 1e-9)
    path += drift * (times[:, None, None] / 1000.0) * np.array([0.6, -0.8])
    for move in moves:
        for key, vector in move.regions.items():
            path[:, REGIONS.index(key)] += move.px * move.course(times)[:, None] * np.array(vector)
    eyes = np.full((rows, 2), OPEN) + random.normal(0, 0.003, (rows, 2))
    for start, duration in blinks:
        closing = Move(start, start + 0.4 * duration, start + duration, {}).course(times)
        eyes -= OPEN * BLINK_DEPTH * closing[:, None]
        for key in REGIONS:
            name = facs.REGION_BY_KEY[key].name
            fall = {"upper lid": 5.0, "lower lid": -0.6, "inner brow": 0.5, "outer brow": 0.6, "cheek": -0.5}.get(
                name, 0
            )
            path[:, REGIONS.index(key), 1] += fall * closing
    return MotionCurve(
        times_ms=times,
        regions=REGIONS,
        displacement_px=(path - path[:1]).astype(np.float32),
        usable=np.ones(rows, bool),
        segment=np.zeros(rows, np.int64),
        head_speed_px_s=(np.full(rows, 2.0) if head is None else head).astype(np.float32),
        rigid_residual_px=np.full(rows, 0.05, np.float32),
        eye_openness=eyes.astype(np.float32),
        mouth_opening=(random.normal(0.02, 0.002, rows) if mouth is None else mouth).astype(np.float32),
    )


def overlap(interval: Interval, move: Move) -> float:
    shared = min(interval.offset_ms, move.offset) - max(interval.onset_ms, move.onset)
    return max(shared, 0) / (max(interval.offset_ms, move.offset) - min(interval.onset_ms, move.onset))


def well_formed(found: Spotting, curve: MotionCurve) -> bool:
    rows = len(curve.times_ms)
    return all(
        0 <= c.onset < c.apex <= c.offset < rows
        and (c.onset_ms, c.apex_ms, c.offset_ms) == tuple(curve.times_ms[[c.onset, c.apex, c.offset]])
        and c.regions
        and (c.kind == "micro") == (c.duration_ms <= 500)
        for c in found.candidates
    )


# ------------------------------------------------------------------------------------------ found


@pytest.mark.parametrize("fps", [25, 30, 60, 100, 200, 500])
@pytest.mark.parametrize("regions", [SMILE, BROWS], ids=["smile", "brows"])
def test_a_micro_expression_is_found_where_it_is(fps, regions):
    move = Move(800, 950, 1200, regions)
    curve = make_curve(even_times(fps, 2.4), move, drift=0.15, seed=fps)
    found = spot(curve)
    assert found.reasons == ()
    best = found.candidates[0]
    assert best.kind == "micro"
    assert best.complete
    assert abs(best.apex_ms - move.apex) <= max(1000 / fps, 33.4)
    assert overlap(best, move) >= 0.5
    assert best.regions[0] in regions
    assert set(best.regions) <= set(regions)
    assert best.peak_px == pytest.approx(1.5 * np.hypot(*regions[best.regions[0]]), rel=0.25)
    assert best.score == pytest.approx(best.peak_px / found.region_floor_px[REGIONS.index(best.regions[0])], rel=0.3)
    assert well_formed(found, curve)


def test_irregular_times_are_taken_as_they_are():
    random = np.random.default_rng(1)
    times = np.cumsum(random.choice([16.7, 33.3, 50.0], 90))
    times -= times[0]
    move = Move(1000, 1180, 1420, SMILE)
    best = spot(make_curve(times, move)).candidates[0]
    assert abs(best.apex_ms - move.apex) <= 50.0
    assert overlap(best, move) >= 0.5


def test_a_macro_expression_is_kept_whole_and_called_macro():
    move = Move(1500, 2000, 4200, SMILE, px=5.0, hold=1500)
    found = spot(make_curve(even_times(30, 7), move, drift=0.1))
    assert [c.kind for c in found.candidates] == ["macro"]
    assert overlap(found.candidates[0], move) >= 0.7
    assert move.apex - 40 <= found.candidates[0].apex_ms <= move.apex + move.hold + 40


def test_two_events_close_by_stay_two():
    first, second = Move(600, 730, 900, SMILE), Move(950, 1080, 1250, SMILE)
    found = spot(make_curve(even_times(100, 2.2), first, second))
    apexes = sorted(c.apex_ms for c in found.candidates)
    assert len(apexes) == 2
    assert apexes == pytest.approx([730, 1080], abs=33)


def test_a_brow_raise_during_a_smile_is_its_own_event():
    smile, brows = Move(800, 1300, 4200, SMILE, px=5.0, hold=2000), Move(2200, 2350, 2550, BROWS)
    found = spot(make_curve(even_times(60, 6), smile, brows))
    assert {c.kind for c in found.candidates} == {"micro", "macro"}
    micro = next(c for c in found.candidates if c.kind == "micro")
    assert overlap(micro, brows) >= 0.5
    assert set(micro.regions) == set(BROWS)


def test_the_stronger_of_two_micro_expressions_comes_first_and_micro_before_macro():
    weak, strong = Move(700, 850, 1050, BROWS, px=0.9), Move(1900, 2050, 2250, SMILE, px=2.0)
    long = Move(3200, 3700, 4700, SMILE, px=6.0, hold=300)
    found = spot(make_curve(even_times(60, 6), weak, strong, long))
    assert [round(c.apex_ms, -2) for c in found.candidates[:1]] == [2000] or found.candidates[
        0
    ].apex_ms == pytest.approx(2050, abs=40)
    assert found.candidates[0].kind == "micro"
    assert {c.kind for c in found.candidates} == {"micro", "macro"}


def test_one_sided_motion_names_its_side():
    move = Move(800, 950, 1200, {"mouth_corner_left": (0.7, -0.7)}, px=2.0)
    assert spot(make_curve(even_times(60, 2.4), move)).candidates[0].regions == ("mouth_corner_left",)


def test_a_clip_that_ends_in_an_expression_says_so():
    move = Move(1700, 2000, 9000, SMILE, px=6.0, hold=5000)
    found = spot(make_curve(even_times(60, 2.3), move))
    assert found.candidates
    assert not found.candidates[0].complete
    assert any("ends" in warning for warning in found.candidates[0].warnings)


def test_the_way_back_from_an_expression_is_not_another_one():
    """Where a clip ends soon after a long smile, its end may look like a cut-off expression of its own."""
    long = Move(400, 700, 2500, SMILE, px=5.0, hold=1500)
    found = spot(make_curve(even_times(25, 3.12), long))
    assert len(found.candidates) == 1
    assert found.candidates[0].apex_ms <= 2200 + 40
    assert found.candidates[0].onset_ms == pytest.approx(400, abs=120)


def test_an_eye_that_widens_is_found_and_gaze_is_not():
    lids = {"upper_lid_left": (0.0, -1.0), "upper_lid_right": (0.0, -1.0)}
    move = Move(800, 950, 1200, lids)
    curve = make_curve(even_times(60, 2.4), move)
    widened = curve.eye_openness + (0.03 * move.course(curve.times_ms)[:, None]).astype(np.float32)
    found = spot(replace(curve, eye_openness=widened))
    assert found.candidates
    assert overlap(found.candidates[0], move) >= 0.5
    assert spot(curve).candidates == ()


# ------------------------------------------------------------------------------------------ not found


def test_few_false_alarms_on_faces_without_expression():
    alarms = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        times = even_times(float(random.choice([30, 60, 100])), float(random.uniform(1.5, 4.0)))
        curve = make_curve(
            times,
            noise=float(random.uniform(0.01, 0.12)),
            wander=float(random.uniform(0.0, 0.15)),
            drift=float(random.uniform(0, 0.4)),
            blinks=((float(random.uniform(200, times[-1] - 400)), float(random.uniform(120, 300))),)
            if seed % 2
            else (),
            seed=seed,
        )
        found = spot(curve)
        alarms += bool(found.candidates)
        assert bool(found.reasons) != bool(found.candidates)
    assert alarms <= 3


def test_the_reason_names_the_largest_movement_and_the_noise():
    found = spot(make_curve(even_times(30, 3)))
    assert found.candidates == ()
    assert "largest movement" in found.reasons[0]
    assert " px" in found.reasons[0]
    assert "noise" in found.reasons[0]


def test_the_floor_follows_the_noise_of_the_clip():
    times = even_times(30, 4)
    quiet, loud = spot(make_curve(times, noise=0.02)), spot(make_curve(times, noise=0.15, wander=0.15))
    assert 0 < quiet.noise_floor_px < 0.4 < loud.noise_floor_px
    move = Move(1500, 1650, 1900, BROWS, px=0.8)
    assert spot(make_curve(times, move, noise=0.02)).candidates
    assert not spot(make_curve(times, move, noise=0.15, wander=0.15)).candidates


def test_what_the_texture_cannot_show_is_not_claimed():
    move = Move(800, 950, 1200, {"cheek_left": (0.0, -1.0)}, px=1.2)
    curve = make_curve(even_times(60, 2.4), move)

    def with_deviation(px: float) -> MotionCurve:
        covariance = np.broadcast_to(np.eye(2) * px**2, (len(curve.times_ms), len(REGIONS), 2, 2))
        return replace(curve, covariance_px2=covariance.astype(np.float32))

    assert spot(with_deviation(0.05)).candidates
    assert not spot(with_deviation(0.4)).candidates


def test_a_jump_that_stays_is_no_expression():
    times = even_times(60, 3)
    curve = make_curve(times)
    path = curve.displacement_px.copy()
    path[times > 1500] += 2.0
    assert spot(replace(curve, displacement_px=path)).candidates == ()


def test_a_single_frame_that_sticks_out_is_no_expression():
    curve = make_curve(even_times(30, 3))
    path = curve.displacement_px.copy()
    path[40, :8] += 3.0
    assert spot(replace(curve, displacement_px=path)).candidates == ()


# ------------------------------------------------------------------------------------------ blinks, speech, head, gaps


def test_blinks_are_marked_and_what_they_drag_is_left_out():
    blinks = ((700.0, 180.0), (2000.0, 260.0))
    found = spot(make_curve(even_times(60, 3), blinks=blinks))
    marked = [span for span in found.spans if span.kind == "blink"]
    assert len(marked) == 2
    for span, (start, duration) in zip(marked, blinks, strict=True):
        assert start - 20 <= span.start_ms <= start + 0.4 * duration <= span.end_ms <= start + duration + 20
    assert found.candidates == ()
    assert any("link" in reason for reason in found.reasons)


def test_a_smile_during_a_blink_is_still_found():
    move = Move(800, 950, 1200, SMILE)
    found = spot(make_curve(even_times(60, 2.4), move, blinks=((850.0, 200.0),)))
    assert found.reasons == ()
    assert abs(found.candidates[0].apex_ms - move.apex) <= 34


def test_a_wink_is_no_blink():
    curve = make_curve(even_times(60, 2.4), blinks=((900.0, 200.0),))
    one_eye = curve.eye_openness.copy()
    one_eye[:, 1] = OPEN
    assert [s for s in spot(replace(curve, eye_openness=one_eye)).spans if s.kind == "blink"] == []


def test_speech_is_marked_and_mouth_motion_in_it_is_not_reliable():
    times = even_times(30, 5)
    speaking = (times > 1000) & (times < 4000)
    syllables = np.where(speaking, 0.5 - 0.5 * np.cos(2 * np.pi * 4 * (times - 1000) / 1000), 0.0)
    curve = make_curve(times, mouth=0.02 + 0.1 * syllables)
    path = curve.displacement_px.copy()
    for key in ("lower_lip", "chin"):
        path[:, REGIONS.index(key), 1] += 3.0 * syllables
    found = spot(replace(curve, displacement_px=path))
    (speech,) = [span for span in found.spans if span.kind == "speech"]
    assert (speech.start_ms, speech.end_ms) == pytest.approx((1000, 4000), abs=300)
    assert found.reasons
    assert all(any("speech" in warning for warning in c.warnings) for c in found.candidates)


def test_one_opening_of_the_mouth_is_no_speech():
    times = even_times(60, 2.4)
    opening = Move(800, 950, 1200, {"lower_lip": (0.0, 1.0)}, px=2.0)
    found = spot(make_curve(times, opening, mouth=0.02 + 0.03 * opening.course(times)))
    assert [s for s in found.spans if s.kind == "speech"] == []
    assert found.reasons == ()


def test_eyes_that_open_are_not_a_reliable_expression():
    """Seen on a face that had rested with its eyes closed: opening them lifts the brows for a moment."""
    times = even_times(60, 3)
    move = Move(1400, 1520, 1750, BROWS, px=2.0)
    curve = make_curve(times, move)
    assert spot(curve).reasons == ()
    closed = curve.eye_openness.copy()
    closed[times < 1450] *= 0.3
    found = spot(replace(curve, eye_openness=closed))
    assert "the eyes were closed at its onset" in found.candidates[0].warnings
    assert any("closed eyes that open" in reason for reason in found.reasons)
    smile = spot(replace(make_curve(times, Move(1400, 1520, 1750, SMILE, px=2.0)), eye_openness=closed))
    assert smile.reasons == ()


def test_speech_that_moves_the_brows_by_opening_eyes_explains_both():
    times = even_times(60, 3)
    talk = 0.05 + 0.05 * np.sin(2 * np.pi * times / 300)
    both = SMILE | BROWS
    curve = make_curve(times, Move(1400, 1520, 1750, both, px=2.0), mouth=talk)
    assert spot(curve).reasons == ()  # speech does not explain the brows
    closed = curve.eye_openness.copy()
    closed[times < 1450] *= 0.3
    assert spot(replace(curve, eye_openness=closed)).reasons != ()


def test_motion_while_the_head_turns_fast_is_not_reliable():
    times = even_times(60, 2.4)
    turning = np.where((times > 750) & (times < 1250), 90.0, 3.0)
    found = spot(make_curve(times, Move(800, 950, 1200, SMILE), head=turning))
    assert [span.kind for span in found.spans] == ["head"]
    assert found.candidates
    assert any("head" in reason for reason in found.reasons)


def test_events_do_not_reach_over_gaps():
    times = even_times(60, 4)
    curve = make_curve(times, Move(3000, 3150, 3400, SMILE))
    usable = ~((times > 1900) & (times < 2150))
    segment = np.where(times >= 2150, 1, 0)
    path = curve.displacement_px.copy()
    path[segment == 1] += 7.0  # a new segment begins anywhere
    found = spot(replace(curve, usable=usable, segment=segment, displacement_px=path))
    assert [c.apex_ms for c in found.candidates] == pytest.approx([3150], abs=34)
    (gap,) = [span for span in found.spans if span.kind == "gap"]
    assert (gap.start_ms, gap.end_ms) == pytest.approx((1900, 2150), abs=20)


def test_a_face_that_can_hardly_be_measured_is_said():
    curve = make_curve(even_times(30, 3))
    usable = np.zeros(90, bool)
    usable[:20] = True
    found = spot(replace(curve, usable=usable))
    assert found.candidates == ()
    assert "22 %" in found.reasons[0]


# ------------------------------------------------------------------------------------------ short and broken


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_too_few_frames_are_said(rows):
    found = spot(make_curve(even_times(30, 1)[:rows]))
    assert found.candidates == ()
    assert found.energy_px.shape == (rows,)
    assert found.region_energy_px.shape == (rows, len(REGIONS))
    assert f"{rows} frames" in found.reasons[0]


def test_a_clip_cut_to_its_event_still_shows_it():
    move = Move(60, 200, 400, SMILE)
    best = spot(make_curve(even_times(100, 0.48), move)).candidates[0]
    assert abs(best.apex_ms - move.apex) <= 33


def test_a_slow_frame_rate_is_given_as_a_reason():
    assert any("frames/s" in reason for reason in spot(make_curve(even_times(5, 8))).reasons)


def test_broken_curves_are_refused():
    curve = make_curve(even_times(30, 1))
    backwards = curve.times_ms.copy()
    backwards[[5, 6]] = backwards[[6, 5]]
    nowhere = curve.times_ms.copy()
    nowhere[3] = np.nan
    holes = curve.displacement_px.copy()
    holes[4, 2] = np.nan
    for broken in (
        replace(curve, times_ms=backwards),
        replace(curve, times_ms=nowhere),
        replace(curve, displacement_px=holes),
        replace(curve, displacement_px=curve.displacement_px[:, :4]),
    ):
        with pytest.raises(InputError):
            spot(broken)


def test_what_cannot_be_used_may_hold_anything():
    curve = make_curve(even_times(60, 2.4), Move(800, 950, 1200, SMILE))
    holes, usable = curve.displacement_px.copy(), curve.usable.copy()
    holes[:5], usable[:5] = np.nan, False
    assert spot(replace(curve, displacement_px=holes, usable=usable)).candidates


# ------------------------------------------------------------------------------------------ the user's interval


def test_the_users_onset_and_apex_are_kept_and_the_offset_is_found():
    move = Move(800, 950, 1200, SMILE)
    curve = make_curve(even_times(100, 2.4), move)
    found = spot(curve)
    chosen = interval_from_user(curve, found, 80, 95)
    assert (chosen.onset, chosen.apex) == (80, 95)
    assert chosen.offset_ms == pytest.approx(1200, abs=80)
    assert chosen.by_user
    assert chosen.complete
    assert chosen.kind == "micro"
    assert set(chosen.regions) >= {"mouth_corner_left", "mouth_corner_right"}
    assert interval_from_user(curve, found, 80, 95, 130).offset == 130
    assert interval_from_user(curve, found, 10, 50).kind in ("micro", "macro")


def test_a_pair_of_frames_is_an_interval():
    curve = make_curve(np.array([0.0, 200.0]))
    pair = interval_from_user(curve, spot(curve), 0, 1, 1)
    assert (pair.onset, pair.apex, pair.offset) == (0, 1, 1)


@pytest.mark.parametrize(
    ("onset", "apex", "offset"), [(20, 20, None), (30, 20, None), (-1, 5, None), (5, 999, None), (5, 9, 7)]
)
def test_impossible_intervals_are_refused(onset, apex, offset):
    curve = make_curve(even_times(30, 2))
    with pytest.raises(InputError, match=r"\."):
        interval_from_user(curve, spot(curve), onset, apex, offset)


# ------------------------------------------------------------------------------------------ properties

BASE_CURVE = make_curve(even_times(60, 2.4), Move(800, 950, 1200, SMILE), seed=3)
BASE = spot(BASE_CURVE)


@settings(max_examples=20, deadline=None)
@given(shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)))
def test_where_the_curve_begins_does_not_matter(shift):
    moved = spot(replace(BASE_CURVE, displacement_px=BASE_CURVE.displacement_px + np.float32(shift)))
    assert [(c.onset, c.apex, c.offset, c.regions) for c in moved.candidates] == [
        (c.onset, c.apex, c.offset, c.regions) for c in BASE.candidates
    ]


@settings(max_examples=15, deadline=None)
@given(fps=st.integers(24, 240), onset=st.integers(400, 1200), up=st.integers(100, 220), down=st.integers(120, 260))
def test_found_at_any_rate_and_place(fps, onset, up, down):
    move = Move(onset, onset + up, onset + up + down, SMILE, px=2.0)
    best = spot(make_curve(even_times(fps, 2.4), move)).candidates[0]
    assert overlap(best, move) >= 0.5
    assert abs(best.apex_ms - move.apex) <= max(1000 / fps, 33.4) + 7


@settings(max_examples=10, deadline=None)
@given(factor=st.floats(0.8, 1.25))
def test_a_clip_played_slower_has_the_same_event_longer(factor):
    slower = spot(replace(BASE_CURVE, times_ms=BASE_CURVE.times_ms * factor))
    best, same = BASE.candidates[0], slower.candidates[0]
    assert same.apex_ms == pytest.approx(best.apex_ms * factor, abs=34 * factor)
    assert same.duration_ms == pytest.approx(best.duration_ms * factor, rel=0.25)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_mirrored_face_swaps_its_sides(seed):
    curve = make_curve(even_times(60, 2.4), Move(800, 950, 1200, {"mouth_corner_left": (0.7, -0.7)}, px=2.0), seed=seed)
    twin = {"left": "right", "right": "left"}
    swap = [
        REGIONS.index(key.replace(region.side, twin[region.side]) if (region := facs.REGION_BY_KEY[key]).side else key)
        for key in REGIONS
    ]
    mirrored = replace(
        curve,
        displacement_px=curve.displacement_px[:, swap] * np.float32([-1, 1]),
        eye_openness=curve.eye_openness[:, ::-1],
    )
    first, second = spot(curve).candidates[0], spot(mirrored).candidates[0]
    assert first.regions == ("mouth_corner_left",)
    assert second.regions == ("mouth_corner_right",)
    assert (first.onset, first.apex, first.offset) == (second.onset, second.apex, second.offset)


def test_energy_stands_above_the_floor_only_around_the_event():
    rest = np.abs(BASE_CURVE.times_ms - 1000) > 350
    assert BASE.energy_px[rest].max() < BASE.noise_floor_px
    assert BASE.energy_px.max() > 3 * BASE.noise_floor_px
    lids = [facs.REGION_BY_KEY[key].lid for key in REGIONS]
    assert BASE.region_floor_px.shape == (len(lids),)
