"""Clips with known truth: what is rendered moves as the truth says, where FACS says, when the spec says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mellm_demo import facs
from mellm_demo.errors import FaceError, InputError
from mellm_demo.face import landmarks_of_image
from mellm_demo.records import CROP_PX, OUTER_EYE_PX
from mellm_demo.training import benchmark_spotting as benchmark
from mellm_demo.training import clips, synthesis
from mellm_demo.training.synthesis import (
    ACTION_UNITS,
    Blink,
    ClipSpec,
    Event,
    Head,
    Movement,
    Scene,
    Truth,
    au_field,
    main,
    render,
    write_clip,
    write_truth,
)
from mellm_demo.training.synthesis.displacement import inverted
from mellm_demo.training.synthesis.geometry import hull, sampled, through

CALM = ClipSpec(fps=60.0, seconds=1.0, width=288, height=288, eye_distance_px=OUTER_EYE_PX, noise=0.0)
REST, APEX = 0, 18  # frames of CALM with the event below


def event(*movements: Movement, amplitude_px: float = 2.0) -> Event:
    return Event(100.0, 300.0, 700.0, movements, amplitude_px)


@pytest.fixture(scope="session")
def scene_of(astronaut, astronaut_landmarks):
    def make(spec: ClipSpec) -> Scene:
        return Scene(astronaut, spec, astronaut_landmarks)

    return make


@pytest.fixture(scope="session")
def smile(scene_of) -> Scene:
    return scene_of(replace(CALM, events=(event(Movement(12), Movement(6)),)))


# Region that moves, and how: towards (out, up) of the face, by the table of FACS directions (Cohn-Kanade manual).
# Out is positive away from the midline; None: the table says nothing.
DIRECTIONS = [
    (1, "inner_brow", None, 1),
    (2, "outer_brow", None, 1),
    (4, "inner_brow", -1, -1),
    (5, "upper_lid", None, 1),
    (6, "cheek", None, 1),
    (7, "lower_lid", -1, 1),
    (9, "nostril_wing", None, 1),
    (9, "inner_brow", None, -1),
    (10, "upper_lip", None, 1),
    (12, "mouth_corner", 1, 1),
    (14, "mouth_corner", -1, None),
    (15, "mouth_corner", None, -1),
    (17, "chin", None, 1),
    (17, "lower_lip", None, 1),
    (20, "mouth_corner", 1, None),
    (25, "lower_lip", None, -1),
    (26, "chin", None, -1),
    (26, "lower_lip", None, -1),
]
UNRELATED = {
    "brows": ("mouth_corner", "upper_lip", "lower_lip", "chin", "nasolabial_fold", "cheek"),
    "lids": ("mouth_corner", "upper_lip", "lower_lip", "chin", "inner_brow", "outer_brow"),
    "mouth": ("inner_brow", "outer_brow", "upper_lid"),
}
FAMILY = {1: "brows", 2: "brows", 4: "brows", 5: "lids", 7: "lids"} | dict.fromkeys(
    (10, 12, 14, 15, 17, 20, 25, 26), "mouth"
)


def vectors(field: np.ndarray, name: str) -> list[np.ndarray]:
    """(out, up) of a region in both halves, or of the one on the midline."""
    found = []
    for region in facs.REGIONS:
        if region.key.removesuffix(f"_{region.side}") == name:
            u, v = field[list(region.mesh)].mean(axis=0)
            found.append(np.array([u if region.side == "left" else -u, -v]))
    return found


def upright(landmarks: np.ndarray) -> np.ndarray:
    """The same face with its eyes level, so that image axes are its own."""
    axis = landmarks[facs.OUTER_EYE_LEFT] - landmarks[facs.OUTER_EYE_RIGHT]
    c, s = axis / np.hypot(*axis)
    return landmarks @ np.array([[c, -s], [s, c]])


def test_all_asked_units_have_a_field():
    assert set(ACTION_UNITS) >= {1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 25, 26}
    assert {synthesis.field_source(au) for au in ACTION_UNITS} == {"measured", "analytic"}


@pytest.mark.parametrize(("au", "region", "out", "up"), DIRECTIONS)
def test_units_move_their_region_as_facs_says(astronaut_landmarks, au, region, out, up):
    for vector in vectors(au_field(au, upright(astronaut_landmarks)), region):
        assert np.hypot(*vector) > 0.4
        for part, sign in zip(vector, (out, up), strict=True):
            if sign is not None:
                assert part * sign > 0.2
    if au in (14, 20):  # no lift, or little: that tells them from 12
        sideways, lift = vectors(au_field(au, upright(astronaut_landmarks)), region)[0]
        assert abs(lift) < 0.3 * abs(sideways)


@pytest.mark.parametrize("au", sorted(FAMILY))
def test_units_leave_unrelated_regions_alone(astronaut_landmarks, au):
    field = au_field(au, astronaut_landmarks)
    for name in UNRELATED[FAMILY[au]]:
        assert all(np.hypot(*vector) < 0.1 for vector in vectors(field, name)), name
    for patch in facs.RIGID_PATCHES:
        assert np.hypot(*field[list(patch)].mean(axis=0)) < 0.15


@pytest.mark.parametrize("au", ACTION_UNITS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_one_sided_units_move_the_subjects_side(astronaut_landmarks, au, side):
    field = np.hypot(*au_field(au, astronaut_landmarks, side).T)
    right, left = astronaut_landmarks[facs.OUTER_EYE_RIGHT], astronaut_landmarks[facs.OUTER_EYE_LEFT]
    across = (astronaut_landmarks - (left + right) / 2) @ (left - right) / ((left - right) @ (left - right))
    mine, other = (across > 0.2, across < -0.2) if side == "left" else (across < -0.2, across > 0.2)
    assert field[mine].max() > 0.8
    assert field[other].max() < 0.05


def test_the_strongest_region_moves_by_one_in_the_mean(astronaut_landmarks):
    for au in ACTION_UNITS:
        field = au_field(au, astronaut_landmarks)
        strongest = max(np.hypot(*field[list(region.mesh)].mean(axis=0)) for region in facs.REGIONS)
        assert strongest == pytest.approx(1.0, abs=1e-6)


def test_unknown_units_are_refused(astronaut_landmarks):
    with pytest.raises(InputError, match="action unit 99"):
        au_field(99, astronaut_landmarks)


# ------------------------------------------------------------------------------------------ rendering


def to_crop(scene: Scene, frame: np.ndarray) -> np.ndarray:
    import cv2

    matrix = scene.crop_from_frame.astype(np.float64)
    return cv2.cvtColor(cv2.warpAffine(frame, matrix, (CROP_PX, CROP_PX), flags=cv2.INTER_CUBIC), cv2.COLOR_RGB2GRAY)


def crop_grid() -> np.ndarray:
    rows, columns = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)
    return np.dstack([columns, rows])


def inside(scene: Scene, mesh: tuple[int, ...]) -> np.ndarray:
    return hull(through(scene.landmarks, scene.crop_from_frame)[list(mesh)])


@pytest.mark.parametrize("region", ["cheek_left", "mouth_corner_left", "mouth_corner_right", "nasolabial_fold_right"])
def test_the_truth_flow_leads_from_the_rendered_onset_to_the_rendered_apex(smile, region):
    onset, apex = (to_crop(smile, smile.frame(i)).astype(np.float32) for i in (REST, APEX))
    truth, where = smile.flows()[0], inside(smile, facs.REGION_BY_KEY[region].mesh)

    def misfit(share: float) -> float:
        back = sampled(apex, crop_grid() + np.float32(share) * truth, 2)
        return float(np.abs(back - onset)[where].mean())

    shares = np.arange(0.0, 2.01, 0.1)
    assert shares[np.argmin([misfit(share) for share in shares])] == pytest.approx(1.0, abs=0.11)
    assert misfit(1.0) < 0.35 * misfit(0.0)


def test_optical_flow_on_the_rendered_frames_finds_the_truth(scene_of):
    import cv2

    raised = scene_of(replace(CALM, events=(event(Movement(1), Movement(2)),)))
    onset, apex = (to_crop(raised, raised.frame(i)) for i in (REST, APEX))
    measured = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(onset, apex, None)
    truth = raised.flows()[0]
    for key in ("inner_brow_left", "inner_brow_right", "outer_brow_left", "outer_brow_right"):
        where = inside(raised, facs.REGION_BY_KEY[key].mesh)
        assert np.hypot(*(measured[where].mean(axis=0) - truth[where].mean(axis=0))) < 0.4, key
    for patch in facs.RIGID_PATCHES[:1]:
        assert np.abs(truth[inside(raised, patch)]).max() < 0.1
        assert np.abs(measured[inside(raised, patch)].mean(axis=0)).max() < 0.1


def test_the_truth_flow_inverts_the_map_that_was_rendered(smile):
    field = smile.displacements[0]
    rows, columns = np.mgrid[0 : CALM.height, 0 : CALM.width].astype(np.float64)
    rest = np.dstack([columns, rows])
    forward = inverted(field.skin, rest)
    back = rest + forward - sampled(field.skin, rest + forward)
    assert np.abs(back - rest).max() < 0.05


@pytest.mark.parametrize(("au", "amplitude_px"), [(1, 1.5), (12, 0.75), (25, 3.0), (7, 1.5)])
def test_the_amplitude_is_that_of_the_strongest_region(scene_of, au, amplitude_px):
    truth = scene_of(replace(CALM, events=(event(Movement(au), amplitude_px=amplitude_px),))).truth()
    moved = max(np.hypot(*vector) for vector in truth.events[0].regions.values())
    assert moved == pytest.approx(amplitude_px, rel=0.03)


def test_the_amplitude_is_in_px_of_the_crop_whatever_the_size_of_the_face(scene_of):
    spec = replace(CALM, events=(event(Movement(12)),))
    small = scene_of(spec).truth().events[0].regions["mouth_corner_left"]
    large = scene_of(replace(spec, width=480, height=480, eye_distance_px=180.0)).truth().events[0].regions
    assert np.allclose(small, large["mouth_corner_left"], atol=0.06)


def test_motion_peaks_at_the_stated_apex_and_rests_outside(smile):
    rest = to_crop(smile, smile.frame(REST)).astype(float)
    change = [np.abs(to_crop(smile, smile.frame(i)) - rest).mean() for i in range(0, 60, 2)]
    assert 2 * int(np.argmax(change)) == APEX
    assert change[:4] == [0.0] * 4  # the onset is at 100 ms
    assert change[21:] == [0.0] * 9  # the offset at 700


@given(
    onset=st.floats(0, 1000),
    rise=st.floats(20, 800),
    hold=st.floats(0, 500),
    fall=st.floats(20, 800),
    at=st.floats(-9, 3e3),
)
def test_courses_stay_between_rest_and_apex(onset, rise, hold, fall, at):
    made = Event(onset, onset + rise, onset + rise + hold + fall, (Movement(1),), hold_ms=hold)
    assert 0.0 <= made.course(at) <= 1.0
    assert made.course(made.apex_ms) == pytest.approx(1.0)
    assert made.course(made.apex_ms + hold) == pytest.approx(1.0)
    assert made.course(onset) == made.course(made.offset_ms) == 0.0
    assert made.kind == ("micro" if made.offset_ms - onset <= 500 else "macro")


@pytest.mark.parametrize("times", [(300, 200, 500), (100, 500, 400), (100, 100, 200)])
def test_times_that_do_not_rise_are_refused(times):
    with pytest.raises(InputError, match="do not rise"):
        Event(*times, (Movement(1),))


@pytest.mark.parametrize(
    "bad", [{"fps": 0}, {"seconds": 0.01}, {"width": 201}, {"height": 32}, {"background": "green"}]
)
def test_clips_that_cannot_be_made_are_refused(bad):
    with pytest.raises(InputError):
        ClipSpec(**bad)


def test_the_same_spec_gives_the_same_frames_in_any_order(scene_of):
    spec = replace(
        CALM,
        events=(event(Movement(2, "left")),),
        head=Head(2, 1, 0.01, 1, 1),
        blinks=(Blink(200),),
        noise=2,
        lighting=0.05,
        background="still",
    )
    first, second = scene_of(spec), scene_of(spec)
    late = second.frame(20)
    assert np.array_equal(first.frame(5), second.frame(5))
    assert np.array_equal(first.frame(20), late)
    assert not np.array_equal(late, scene_of(replace(spec, seed=1)).frame(20))


def test_blinks_close_the_lids(scene_of):
    scene = scene_of(replace(CALM, width=384, height=384, eye_distance_px=150.0, blinks=(Blink(100, 200),)))

    def openness(index: int) -> list[float]:
        mesh = landmarks_of_image(scene.frame(index))
        return [
            float(np.hypot(*(mesh[up] - mesh[low])) / np.hypot(*(mesh[a] - mesh[b])))
            for up, low, a, b in ((159, 145, 33, 133), (386, 374, 263, 362))
        ]

    before, closed = openness(0), openness(11)
    assert all(shut < 0.5 * opened for opened, shut in zip(before, closed, strict=True))
    assert np.array_equal(scene.frame(0), scene.frame(40))  # and open again


def test_a_wink_closes_one_eye(scene_of):
    scene = scene_of(replace(CALM, blinks=(Blink(100, 200, side="left"),)))
    changed = np.abs(scene.frame(11).astype(int) - scene.frame(0)).sum(axis=(0, 2))
    middle = int(scene.landmarks[168, 0])
    assert changed[middle:].sum() > 1000
    assert changed[:middle].sum() == 0


def test_a_mouth_that_opens_is_dark_inside(scene_of):
    scene = scene_of(replace(CALM, events=(event(Movement(26), amplitude_px=6.0),)))
    x, y = np.rint(scene.landmarks[14]).astype(int)
    spot = (slice(y + 1, y + 4), slice(x - 4, x + 5))
    assert scene.frame(APEX)[spot].mean() < scene.frame(REST)[spot].mean() - 20


def test_a_clip_without_expression_has_no_truth_to_find(scene_of):
    scene = scene_of(replace(CALM, head=Head(drift_px=3), blinks=(Blink(100),)))
    assert scene.truth().events == ()
    assert scene.flows() == ()
    nothing = scene_of(replace(CALM, events=(event(Movement(12), amplitude_px=0.0),)))
    assert np.abs(nothing.flows()[0]).max() == 0.0
    assert np.array_equal(nothing.frame(REST), nothing.frame(APEX))


def test_a_still_background_stays_while_the_head_moves(scene_of):
    spec = replace(CALM, seconds=3.0, eye_distance_px=60.0, head=Head(drift_px=8.0))
    corner = (slice(0, 40), slice(-24, None))
    for background, stays in (("still", True), ("with the head", False)):
        scene = scene_of(replace(spec, background=background))
        moved = [np.abs(scene.frame(i)[corner].astype(int) - scene.frame(0)[corner]).max() for i in (60, 120, 179)]
        assert (max(moved) <= 1) == stays


def test_noise_grows_with_light(scene_of):
    quiet, noisy = scene_of(CALM).frame(0).astype(float), scene_of(replace(CALM, noise=3.0)).frame(0)
    deviation = noisy - quiet
    dark, bright = quiet < 60, (quiet > 170) & (quiet < 240)
    assert deviation[bright].std() > 1.5 * deviation[dark].std()
    assert abs(deviation[bright].mean()) < 0.1


# ------------------------------------------------------------------------------------------ truth and files


def test_truth_survives_json(scene_of):
    both = replace(CALM, events=(event(Movement(12, "left"), Movement(6)),), blinks=(Blink(800),), head=Head(1.0))
    truth = scene_of(both).truth()
    assert Truth.from_json(truth.to_json()) == truth
    assert json.loads(truth.to_json())["events"][0]["movements"][0] == {"au": 12, "side": "left", "weight": 1.0}


@settings(max_examples=25)
@given(st.text(max_size=20))
def test_text_that_is_no_truth_is_not_read(text):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Truth.from_json(text)


@pytest.mark.parametrize("fps", [30.0, 60.0, 100.0, 200.0, 29.97])
def test_clips_keep_their_frames_and_rate(tmp_path, fps):
    import av

    frames = [np.full((64, 64, 3), 10 * i, np.uint8) for i in range(12)]
    path = write_clip(tmp_path / "clip.mp4", frames, fps)
    with av.open(str(path)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert len(times) == 12
    assert np.allclose(np.diff(times), 1.0 / fps, atol=1e-4)


def test_lossless_clips_hold_the_very_pixels(tmp_path, scene_of):
    import av

    scene = scene_of(replace(CALM, noise=2.0))
    frames = [scene.frame(i) for i in range(3)]
    path = write_clip(tmp_path / "clip.mkv", frames, 60, lossless=True)
    with av.open(str(path)) as container:
        read = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert all(np.array_equal(a, b) for a, b in zip(frames, read, strict=True))


def test_a_bit_rate_can_be_asked_for(tmp_path, scene_of):
    frames = [scene_of(replace(CALM, noise=4.0)).frame(i) for i in range(20)]
    poor = write_clip(tmp_path / "poor.mp4", frames, 60, bit_rate=100_000)
    good = write_clip(tmp_path / "good.mp4", frames, 60, crf=14)
    assert poor.stat().st_size < 0.5 * good.stat().st_size


def test_a_clip_needs_a_frame(tmp_path):
    with pytest.raises(InputError):
        write_clip(tmp_path / "clip.mp4", [], 60)


def test_render_gives_all_frames(astronaut, astronaut_landmarks):
    frames, truth = render(astronaut, replace(CALM, seconds=0.1), astronaut_landmarks)
    assert [frame.shape for frame in frames] == [(288, 288, 3)] * truth.frame_count


def test_truth_is_written_beside_the_clip(tmp_path, smile):
    write_truth(tmp_path / "clip.mp4", smile)
    assert Truth.from_json((tmp_path / "clip.json").read_text(encoding="utf-8")) == smile.truth()
    with np.load(tmp_path / "clip.npz") as stored:
        assert np.array_equal(stored["flow_0"], smile.flows()[0])


def test_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "clip.mp4"
    small = ["--size", "128", "--eye-distance", "50", "--seconds", "1", "--fps", "30", "--out", str(out)]
    assert main(["--portrait", "astronaut", "--au", "12", "--side", "left", "--onset", "300", *small]) == 0
    truth = Truth.from_json(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert out.stat().st_size > 1000
    assert truth.events[0].movements == (Movement(12, "left"),)
    with pytest.raises(SystemExit) as ended:
        main(["--portrait", "astronaut", "--au", "99", *small])
    assert ended.value.code == 2
    assert "action unit 99" in capsys.readouterr().err


def test_a_picture_without_a_face_is_told(tmp_path: Path):
    with pytest.raises(FaceError, match="No face"):
        Scene(np.full((256, 256, 3), 128, np.uint8), CALM)


def test_the_fixtures_are_what_they_say(smile_clip, brow_clip, still_clip):
    assert [movement.au for movement in smile_clip[1].events[0].movements] == [12, 6]
    assert [movement.au for movement in brow_clip[1].events[0].movements] == [1, 2]
    assert still_clip[1].events == ()
    assert still_clip[1].blinks
    assert all(path.stat().st_size > 10_000 for path, _ in (smile_clip, brow_clip, still_clip))


# ------------------------------------------------------------------------------------------ the benchmark


def test_the_benchmark_draws_units_and_rates_evenly_and_the_same_each_time():
    cases = benchmark.cases_of(["a", "b"], (1.5, 0.75), limit=15)
    assert cases == benchmark.cases_of(["a", "b"], (1.5, 0.75), limit=15)
    strong = [case for case in cases if case.amplitude_px == 1.5]
    assert sorted(case.au for case in strong) == sorted(ACTION_UNITS)
    rates = [case.fps for case in strong]
    assert max(map(rates.count, benchmark.RATES)) - min(map(rates.count, benchmark.RATES)) <= 1
    assert {benchmark.spec_of(case).events for case in cases if not case.au} == {()}
    assert len(benchmark.cases_of(["a", "b"], (1.5,), limit=None)) == 3 * len(ACTION_UNITS) * len(benchmark.RATES)


def test_the_benchmark_makes_clips_as_it_says():
    specs = [benchmark.spec_of(case) for case in benchmark.cases_of([""], (1.5,), limit=60)]
    events = [event for spec in specs for event in spec.events]
    assert {event.kind for event in events} == {"micro", "macro"}
    assert all(event.offset_ms < 1000.0 * benchmark.SECONDS for event in events)
    assert {movement.side for event in events for movement in event.movements} == {"left", "right", "both"}


def outcome(**changed) -> benchmark.Outcome:
    hit = benchmark.Outcome(
        "f.jpg",
        12,
        "both",
        60.0,
        1.5,
        False,
        "micro",
        (500, 600, 800),
        0.0,
        (510, 610, 790),
        "micro",
        1,
        10.0,
        0.93,
        "",
    )
    return replace(hit, **changed)


def test_the_benchmark_counts_what_was_hit():
    missed = {"found_ms": None, "found_kind": None, "candidates": 0, "apex_error_ms": None, "iou": None}
    outcomes = [
        outcome(),
        outcome(apex_error_ms=50.0, iou=0.49, found_kind="macro"),
        outcome(fps=25.0, apex_error_ms=40.0),  # one frame is allowed
        outcome(**missed),
        outcome(au=0, amplitude_px=0.0, true_kind="none", **missed),
        outcome(au=0, amplitude_px=0.0, true_kind="none", candidates=2),
    ]
    report = benchmark.summary(outcomes)
    assert report["amplitudes"]["1.5"]["all"] == {"clips": 4, "found": 0.75, "apex": 0.5, "interval": 0.5, "kind": 0.5}
    assert report["without_expression"]["share"] == 0.5
    assert "false alarms in 2 clips" in benchmark.as_text(report)


def test_one_case_goes_through_the_whole_pipeline():
    found = benchmark.run_case(benchmark.Case("", 2, 30.0, 3.0, 5))
    assert found.true_ms is not None
    assert found.apex_hit
    assert found.interval_hit


def test_the_benchmark_takes_neutral_faces_where_there_are_some(tmp_path):
    for name in ("set_neutral/b.jpg", "set_neutral/a.jpg", "set_smiling/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [Path(face).name for face in clips.find_faces(tmp_path)] == ["a.jpg", "b.jpg"]
    assert clips.find_faces(None) == [""]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture"):
        clips.find_faces(tmp_path / "empty")
