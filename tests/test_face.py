"""Faces of a known picture, moved in known ways: found, followed, aligned, judged.

The face is scikit-image's astronaut, a public-domain photograph by NASA.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from mellm_demo import facs
from mellm_demo.errors import FaceError, WeightsError
from mellm_demo.face import FaceResult, follow_faces, input_verdict, lookout, usable_frames
from mellm_demo.face.alignment import (
    STABLE_TARGETS,
    Similarity,
    fit_similarity,
    path_to_similarity,
    similarity_to_path,
)
from mellm_demo.face.chatter import without_chatter
from mellm_demo.face.crops import cut_region, render
from mellm_demo.face.landmarker import LANDMARKER_FILE, LANDMARKER_SHA256, Landmarker, pose_of, verified_bytes
from mellm_demo.face.smoothing import smoothed, window
from mellm_demo.records import CROP_PX, EYE_LINE_Y_PX, OUTER_EYE_PX, Clip, FaceTrack, Frame
from mellm_demo.settings import Settings

SETTINGS = Settings()
FACE_CENTRE = (223.0, 120.0)  # of the astronaut

Placement = tuple[float, float, float, float]  # x and y of the face's centre, scale, degrees counter-clockwise


@lru_cache(maxsize=1)
def astronaut() -> np.ndarray:
    return skimage.data.astronaut()


def place(canvas: np.ndarray, placement: Placement) -> None:
    """Warp the astronaut's head and shoulders onto ``canvas`` so that the face's centre lands where it should."""
    x, y, scale, degrees = placement
    matrix = cv2.getRotationMatrix2D(FACE_CENTRE, degrees, scale)
    matrix[:, 2] += np.subtract((x, y), FACE_CENTRE)
    picture = astronaut()
    size = canvas.shape[1], canvas.shape[0]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    mask = np.zeros(picture.shape[:2], np.uint8)
    mask[5:250, 110:340] = 255
    warped = cv2.warpAffine(picture, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    where = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST) > 0
    canvas[where] = warped[where]


@lru_cache(maxsize=8)
def canvas(placements: tuple[Placement, ...], size: tuple[int, int]) -> np.ndarray:
    rgb = np.full((size[1], size[0], 3), 96, np.uint8)
    for placement in placements:
        place(rgb, placement)
    return rgb


def scene(
    count: int,
    course: Callable[[float], list[Placement]],
    *,
    fps: float = 30.0,
    size: tuple[int, int] = (320, 288),
    noise: float = 2.0,
    gain: float = 1.0,
    mirrored: bool = False,
) -> Iterator[Frame]:
    rng = np.random.default_rng(7)
    for index in range(count):
        rgb = canvas(tuple(course(index / fps)), size)
        picture = rgb.astype(np.float64) * gain + rng.normal(0.0, noise, rgb.shape)
        rgb = np.clip(np.round(picture), 0, 255).astype(np.uint8)
        yield Frame(index, index * 1000.0 / fps, np.ascontiguousarray(rgb[:, ::-1] if mirrored else rgb))


def follow(frames: Iterator[Frame], **overrides: object) -> FaceResult:
    return follow_faces(frames, Settings(**overrides))


def at(x: float, y: float, scale: float = 1.0, degrees: float = 0.0) -> Placement:
    return x, y, scale, degrees


def similarities_to_first(gray: np.ndarray) -> np.ndarray:
    """(T, 4): scale − 1, degrees, and shift of the crop's middle in px, of each crop against the first, by features."""
    points = cv2.goodFeaturesToTrack(gray[0], 150, 0.01, 6)
    points = points[(np.abs(points[:, 0] - (128, 150)) < (60, 90)).all(axis=1)]
    out = []
    for crop in gray:
        moved, found, _ = cv2.calcOpticalFlowPyrLK(gray[0], crop, points, None, winSize=(21, 21), maxLevel=2)
        keep = found[:, 0] == 1
        matrix, _ = cv2.estimateAffinePartial2D(points[keep], moved[keep], ransacReprojThreshold=1.0)
        shift = matrix @ (128, 140, 1) - (128, 140)
        out.append((np.hypot(*matrix[:, 0]) - 1, np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])), *shift))
    return np.array(out)


# ---------------------------------------------------------------------------------------------- scenes, followed once


@lru_cache(maxsize=1)
def still() -> FaceResult:
    return follow(scene(24, lambda t: [at(160, 130, 1.3)], noise=3.0))


@lru_cache(maxsize=1)
def drifting() -> FaceResult:
    def course(t: float) -> list[Placement]:
        wave = np.sin(2 * np.pi * 1.2 * t)
        return [at(160 + 22 * wave, 135 + 10 * np.sin(2 * np.pi * 0.7 * t), 1.3 * (1 + 0.08 * wave), 8 * wave)]

    return follow(scene(45, course))


@lru_cache(maxsize=1)
def two_faces() -> FaceResult:
    """A small face from the start, a larger one that enters later, comes near, and swings away again."""

    def course(t: float) -> list[Placement]:
        small = at(130, 120, 0.8)
        return [small] if t < 0.2 else [small, at(430 - 60 * np.sin(2 * np.pi * (t - 0.2)), 130, 1.3)]

    return follow(scene(44, course, size=(600, 288)))


@lru_cache(maxsize=1)
def interrupted() -> FaceResult:
    return follow(scene(34, lambda t: [] if 0.38 < t < 0.72 else [at(160, 130, 1.2)]))


# ---------------------------------------------------------------------------------------------- crops


def test_records_have_the_promised_shapes_and_types():
    track = still().tracks[0]
    rows = 24
    assert track.track_id == 1
    assert track.gray.shape == (rows, CROP_PX, CROP_PX)
    assert track.gray.dtype == np.uint8
    assert track.landmarks.shape == (rows, 478, 2)
    assert track.blendshapes.shape == (rows, 52)
    assert 0 <= track.blendshapes.min() < track.blendshapes.max() <= 1
    assert track.pose_deg.shape == (rows, 3)
    assert track.thumbnail.shape == (96, 96, 3)
    assert len(track.display_jpegs) == rows
    assert CROP_PX <= track.display_px <= 640
    assert track.coverage == 1.0
    assert list(track.frame_indices) == list(range(rows))
    assert np.allclose(track.reference_landmarks, np.median(track.landmarks, axis=0))
    assert track.inside.all()
    assert usable_frames(track, SETTINGS).all()
    x, y, w, h = track.box
    assert abs(x + w / 2 - 160) < 12
    assert abs(y + h / 2 - 130) < 25


@pytest.mark.parametrize("result", [still, drifting])
def test_eyes_lie_where_the_crop_promises(result):
    track = result().tracks[0]
    right, left = (track.reference_landmarks[i] for i in (facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT))
    assert right[0] < left[0]
    assert left[0] - right[0] == pytest.approx(OUTER_EYE_PX, abs=3.0)
    assert (right[0] + left[0]) / 2 == pytest.approx(CROP_PX / 2, abs=2.0)
    assert right[1] == pytest.approx(EYE_LINE_Y_PX, abs=2.5)
    assert left[1] == pytest.approx(EYE_LINE_Y_PX, abs=2.5)


def test_landmark_jitter_does_not_become_motion():
    motion = similarities_to_first(still().tracks[0].gray)
    steps = np.diff(motion, axis=0)
    assert steps[:, 2:].std(axis=0).max() < 0.07  # px of the crop, frame to frame
    assert steps[:, 0].std() < 0.002
    assert steps[:, 1].std() < 0.06
    raw = still().tracks[0].landmarks[:, facs.STABLE_LANDMARKS].mean(axis=1)
    assert np.diff(raw, axis=0).std() < 0.6


def test_the_first_frame_of_a_face_is_like_the_others():
    """Fresh from the detector landmarks lie otherwise than when followed; that must not look like motion."""
    motion = similarities_to_first(still().tracks[0].gray)
    assert np.abs(motion[0, 2:] - np.median(motion[:, 2:], axis=0)).max() < 0.25
    assert abs(motion[0, 0] - np.median(motion[:, 0])) < 0.002


def test_head_motion_is_followed_without_lag():
    """22 px, 8 % and 8° of motion in the frame (35 px in the crop) leave well under a pixel and no lag."""
    track = drifting().tracks[0]
    motion = similarities_to_first(track.gray)[4:-4]
    wave = np.sin(2 * np.pi * 1.2 * track.times_ms[4:-4] / 1000.0)
    assert np.ptp(motion[:, 2]) < 1.6
    assert np.ptp(motion[:, 3]) < 2.2
    assert np.abs(motion[:, 1] - np.median(motion[:, 1])).max() < 0.6
    assert np.abs(motion[:, 0] - np.median(motion[:, 0])).max() < 0.015
    lagging = np.gradient(wave)
    share = np.polyfit(lagging, motion[:, 2] - motion[:, 2].mean(), 1)[0] * np.ptp(lagging)
    assert abs(share) < 0.8  # one frame of lag would leave 7 px


def test_picture_to_look_at_shows_the_crop_that_is_measured():
    track = drifting().tracks[0]
    for row in (0, 20, 44):
        picture = cv2.imdecode(np.frombuffer(track.display_jpegs[row], np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (track.display_px, track.display_px, 3)
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(gray, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
        assert np.corrcoef(small.ravel(), track.gray[row].ravel())[0, 1] > 0.99
        shift, _ = cv2.phaseCorrelate(track.gray[row].astype(np.float32), small, cv2.createHanningWindow((256, 256), 5))
        assert np.abs(shift).max() < 0.15


def test_colours_are_not_swapped():
    thumbnail = still().tracks[0].thumbnail[40:70, 35:60].reshape(-1, 3).mean(axis=0)
    assert thumbnail[0] > thumbnail[2] + 20  # skin: more red than blue


@pytest.mark.parametrize(
    ("shrink", "halve", "scale"), [(1, False, 1.3), (1, False, 0.7), (1, True, 0.4), (3, False, 0.3)]
)
def test_a_point_of_the_frame_lands_where_its_transform_says(shrink, halve, scale):
    to_crop = path_to_similarity(np.array([np.log(scale), 0.2, 400.3, 380.7]))
    point = to_crop.inverse.apply(np.array([150.0, 120.0]))
    y, x = np.mgrid[0:800, 0:800]
    blob = 220.0 * np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * (5.0 / scale) ** 2))
    rgb = np.repeat(blob.round().astype(np.uint8)[..., None], 3, axis=2)
    region = cut_region(rgb, to_crop, shrink)
    crop = render(region, to_crop, 384, halve)
    rows, columns = np.mgrid[0:CROP_PX, 0:CROP_PX]
    weight = crop.gray.astype(np.float64)
    assert (weight * columns).sum() / weight.sum() == pytest.approx(150.0, abs=0.05)
    assert (weight * rows).sum() / weight.sum() == pytest.approx(120.0, abs=0.05)
    display = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE).astype(np.float64)
    assert (np.argmax(display) % 384 + 0.5) / 1.5 - 0.5 == pytest.approx(150.0, abs=1.5)


def test_fine_texture_does_not_alias():
    """A pattern finer than the crop can show becomes an even gray, not a moiré."""
    x = np.arange(1200)
    rgb = np.broadcast_to((127 + 120 * np.sin(np.pi * 0.8 * x)).astype(np.uint8)[None, :, None], (1200, 1200, 3))
    to_crop = path_to_similarity(np.array([np.log(1 / 2.6), 0.0, 600.0, 600.0]))
    region = cut_region(np.ascontiguousarray(rgb), to_crop, 1)
    made = render(region, to_crop, 400, True).gray[60:200, 60:200]
    picked = rgb[600 - 180 : 600 + 180, 600 - 180 : 600 + 180, 0][:: int(2.6), :: int(2.6)]
    assert made.std() < 0.35 * picked.std()


# ---------------------------------------------------------------------------------------------- tracks


def test_two_faces_keep_their_identity_and_the_larger_one_comes_first():
    result = two_faces()
    large, small = result.tracks
    assert result.faces_at_least == 2
    assert (large.track_id, small.track_id) == (1, 2)
    assert np.median(large.interocular_px) > 1.3 * np.median(small.interocular_px)
    assert len(small.times_ms) == 44
    assert 22 < len(large.times_ms) < 40
    assert np.ptp(small.interocular_px) < 4.0  # never took the other's place
    assert np.ptp(large.interocular_px) < 5.0
    assert small.box[0] < 150 < large.box[0]


def test_a_large_face_that_hardly_stays_ranks_behind():
    frames = scene(40, lambda t: [at(130, 120, 1.0), *([at(430, 130, 1.3)] if t < 0.25 else [])], size=(600, 288))
    first, second = follow(frames).tracks
    assert first.coverage == 1.0
    assert first.box[0] < 200
    assert len(second.times_ms) < 12


def test_a_face_that_returns_goes_on_as_the_same():
    result = interrupted()
    (track,) = result.tracks
    assert result.frames_total == 34
    assert result.frames_without_face == 34 - len(track.times_ms)
    assert 8 <= result.frames_without_face <= 12
    assert np.diff(track.frame_indices).max() >= 9
    assert track.frame_indices[-1] == 33
    assert track.coverage == len(track.times_ms) / 34


def test_many_faces_are_counted_and_the_settings_decide_how_many_are_followed():
    places = [at(100 + 190 * column, 110 + 200 * row, 0.8) for row in range(4) for column in range(5)]
    result = follow(scene(8, lambda t: places, size=(960, 820)), max_faces=2)
    assert len(result.tracks) == 2
    assert result.faces_at_least >= 3
    a, b = (track.box for track in result.tracks)
    assert abs(a[0] - b[0]) > 100 or abs(a[1] - b[1]) > 100


def test_a_small_face_in_a_large_picture_is_found():
    (track,) = follow(scene(8, lambda t: [at(900 + 40 * t, 300, 0.85)], size=(1280, 720))).tracks
    assert len(track.times_ms) >= 7
    assert 30 < np.median(track.interocular_px) < 42
    assert abs(track.box[0] + track.box[2] / 2 - 902) < 15


# ---------------------------------------------------------------------------------------------- few frames, any rate


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_frame_or_two_are_enough_for_crops(count):
    result = follow(scene(count, lambda t: [at(160 + 300 * t, 130, 1.2)]))
    (track,) = result.tracks
    assert len(track.gray) == count
    corners = track.landmarks[:, [facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT]]
    assert np.abs(corners.mean(axis=(1, 2)) - (CROP_PX / 2 + EYE_LINE_Y_PX) / 2).max() < 2.0


def test_a_thousand_frames_a_second():
    (track,) = follow(scene(40, lambda t: [at(160 + 100 * t, 130, 1.2)], fps=1000.0)).tracks
    assert len(track.times_ms) == 40
    assert np.diff(similarities_to_first(track.gray)[:, 2]).std() < 0.1


def test_more_frames_than_the_settings_expect_are_kept():
    (track,) = follow(scene(7, lambda t: [at(160, 130, 1.2)]), max_frames=3).tracks
    assert len(track.gray) == 7
    assert all(np.corrcoef(track.gray[0].ravel(), crop.ravel())[0, 1] > 0.98 for crop in track.gray)


def test_progress_counts_frames():
    told: list[int] = []
    follow_faces(scene(4, lambda t: [at(160, 130, 1.2)]), SETTINGS, progress=told.append)
    assert told == [1, 2, 3, 4]


# ---------------------------------------------------------------------------------------------- pose


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """A head's matrix in a camera that looks along −z, y up; yaw about y, then pitch about x, roll last."""
    y, p, r = np.radians((yaw, pitch, roll))
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = 1.7 * about_z @ about_y @ about_x
    return matrix


@settings(deadline=None, max_examples=40)
@given(st.floats(-80, 80))
def test_each_angle_is_read_back_alone(angle):
    assert pose_of(turned(angle, 0, 0)) == pytest.approx((angle, 0, 0), abs=1e-6)
    assert pose_of(turned(0, angle, 0)) == pytest.approx((0, angle, 0), abs=1e-6)
    assert pose_of(turned(0, 0, angle)) == pytest.approx((0, 0, angle), abs=1e-6)


def test_a_mirror_turns_yaw_and_roll_round_and_keeps_pitch():
    course: Callable[[float], list[Placement]] = lambda t: [at(160, 130, 1.3, -12.0)]  # noqa: E731 (clockwise)
    plain = np.median(follow(scene(3, course)).tracks[0].pose_deg, axis=0)
    mirrored = np.median(follow(scene(3, course, mirrored=True)).tracks[0].pose_deg, axis=0)
    upright = np.median(still().tracks[0].pose_deg, axis=0)
    assert plain[2] - upright[2] == pytest.approx(12.0, abs=3.0)
    assert mirrored[2] == pytest.approx(-plain[2], abs=3.0)
    assert plain[0] < -1.5  # the astronaut's head is turned a little to her right
    assert mirrored[0] > 1.0
    assert mirrored[1] == pytest.approx(plain[1], abs=4.0)


# ---------------------------------------------------------------------------------------------- refusals


def test_no_face_at_all():
    with pytest.raises(FaceError, match=r"No face was found in 3 frames\. Choose"):
        follow(scene(3, lambda t: []))


def test_no_frame_at_all():
    with pytest.raises(FaceError, match="holds no frame"):
        follow_faces(iter(()), SETTINGS)


def test_a_black_picture_is_called_dark():
    with pytest.raises(FaceError, match=r"very dark .*light on the face"):
        follow(scene(3, lambda t: [], gain=0.02, noise=1.0))


def test_a_face_in_the_dark_is_called_dark():
    with pytest.raises(FaceError, match="dark"):
        follow(scene(6, lambda t: [at(160, 130, 1.3)], gain=0.1, noise=0.5))


def test_a_small_face_is_called_small_with_the_limit():
    with pytest.raises(FaceError, match=r"too small: at most \d+ px .* at least 60 px"):
        follow(scene(6, lambda t: [at(160, 130, 0.8)]), min_interocular_px=60.0)


def test_a_face_turned_away_all_the_time_is_said_to_be():
    with pytest.raises(FaceError, match=r"turned away all the time .*up to 30° and 4° can"):
        follow(scene(6, lambda t: [at(160, 130, 1.3)]), max_pitch_deg=4.0)  # she is pitched by 9°


def test_a_face_for_an_instant_is_too_little():
    with pytest.raises(FaceError, match=r"in only 3 of 20 frames"):
        follow(scene(20, lambda t: [at(160, 130, 1.3)] if t < 0.09 else []))


def test_weights_that_differ_are_refused(tmp_path: Path):
    path = tmp_path / "face_landmarker.task"
    with pytest.raises(WeightsError, match=r"face_landmarker\.task is missing"):
        verified_bytes(path, "0" * 64)
    path.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"not the expected one .* instead of 64184e229b26"):
        verified_bytes(path, LANDMARKER_SHA256)


def test_the_weights_in_the_project_are_the_expected_ones():
    assert len(verified_bytes(LANDMARKER_FILE, LANDMARKER_SHA256)) == 3_758_596


# ---------------------------------------------------------------------------------------------- resources


def test_landmarkers_are_closed_whatever_happens(monkeypatch: pytest.MonkeyPatch):
    opened: list[Landmarker] = []
    closed: list[Landmarker] = []

    class Watched(Landmarker):
        def __init__(self, faces: int) -> None:
            super().__init__(faces)
            opened.append(self)

        def close(self) -> None:
            super().close()
            closed.append(self)

    def torn() -> Iterator[Frame]:
        yield from scene(3, lambda t: [at(160, 130, 1.3)])
        raise OSError("torn")

    monkeypatch.setattr(lookout, "Landmarker", Watched)
    with pytest.raises(OSError, match="torn"):
        follow_faces(torn(), SETTINGS)
    assert len(opened) == 2
    assert closed[::-1] == opened

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_faces(scene(3, lambda t: [at(160, 130, 1.3)]), SETTINGS, progress=stop)
    assert len(closed) == len(opened) == 4


def test_start_up_chatter_is_held_back_and_other_lines_pass(capfd: pytest.CaptureFixture[str]):
    landmarker = Landmarker(1)
    landmarker.close()
    assert capfd.readouterr().err == ""
    with without_chatter():
        os.write(2, b"W0000 00:00:1 1 inference_feedback_manager.cc:114] Feedback manager\nsomething is wrong\n")
    assert capfd.readouterr().err == "something is wrong\n"


# ---------------------------------------------------------------------------------------------- transforms

angles = st.floats(-3.0, 3.0)
log_scales = st.floats(-2.0, 2.0)
places = st.floats(-500.0, 2000.0)


@settings(deadline=None, max_examples=40)
@given(log_scales, angles, places, places)
def test_a_similarity_is_found_again(log_scale, angle, x, y):
    truth = path_to_similarity(np.array([log_scale, angle, x, y]))
    points = truth.inverse.apply(STABLE_TARGETS)
    fit = fit_similarity(points, STABLE_TARGETS)
    assert np.allclose(fit.apply(points), STABLE_TARGETS, atol=1e-6)
    assert np.allclose(similarity_to_path(fit), (log_scale, angle, x, y), atol=1e-6)
    assert np.allclose(cv2.transform(points[None], fit.matrix)[0], fit.apply(points), atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 11), st.floats(-60.0, 60.0), st.floats(-60.0, 60.0))
def test_one_landmark_gone_astray_moves_the_fit_little(which, dx, dy):
    points = STABLE_TARGETS.copy()
    points[which] += (dx, dy)
    fit = fit_similarity(points, STABLE_TARGETS)
    moved = fit.apply(STABLE_TARGETS) - STABLE_TARGETS
    assert np.hypot(*moved.T).mean() < 4.5


@settings(deadline=None, max_examples=40)
@given(log_scales, angles, places, places, log_scales, angles)
def test_similarities_compose_and_invert(log_scale, angle, x, y, other_scale, other_angle):
    first = path_to_similarity(np.array([log_scale, angle, x, y]))
    second = Similarity(np.exp(other_scale + 1j * other_angle), 3 - 4j)
    points = np.array([(0.0, 0.0), (100.0, 20.0), (-7.0, 250.0)])
    assert np.allclose(first.then(second).apply(points), second.apply(first.apply(points)), atol=1e-4)
    assert np.allclose(first.inverse.apply(first.apply(points)), points, atol=1e-4)


intervals = st.lists(st.floats(1.0, 60.0), min_size=8, max_size=40)


@settings(deadline=None, max_examples=40)
@given(intervals, st.tuples(*[st.floats(-3.0, 3.0)] * 3), st.integers(0, 1000))
def test_smoothing_keeps_any_quadratic_course_at_any_frame_rate(steps, polynomial, pick):
    times = np.cumsum(steps)
    row = pick % len(times)
    seconds = times / 1000.0
    course = np.polyval(polynomial, seconds)[:, None] * np.array([1.0, -2.0, 0.0, 5.0])
    assert np.allclose(smoothed(times, course, row), course[row], atol=1e-6)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=3), st.floats(1.0, 5000.0))
def test_up_to_three_rows_stay_as_they_are(values, interval):
    times = np.arange(len(values)) * interval
    paths = np.array(values)[:, None] * np.ones(4)
    for row in range(len(values)):
        assert np.array_equal(smoothed(times, paths, row), paths[row])


def test_smoothing_halves_jitter_and_ignores_an_outlier():
    rng = np.random.default_rng(3)
    times = np.arange(300) * 1000.0 / 30
    noise = rng.normal(0.0, 1.0, (300, 4))
    out = np.array([smoothed(times, noise, row) for row in range(300)])
    assert out.std() < 0.62
    assert np.diff(out, axis=0).std() < 0.45 * np.diff(noise, axis=0).std()
    calm = 0.01 * noise
    calm[150] += 50.0
    assert np.abs(smoothed(times, calm, 150)).max() < 0.1
    assert np.abs(smoothed(times, calm, 148)).max() < 0.1


@settings(deadline=None, max_examples=40)
@given(intervals, st.integers(0, 1000))
def test_the_window_is_bounded_and_looks_both_ways(steps, pick):
    times = np.cumsum(steps)
    row = pick % len(times)
    first, last = window(times, row)
    assert 0 <= first <= row <= last < len(times)
    assert max(row - first, last - row) <= 24
    assert max(times[last] - times[row], times[row] - times[first]) <= 305.0
    assert last == len(times) - 1 or last > row
    assert first == 0 or first < row


# ---------------------------------------------------------------------------------------------- verdict


def a_clip(**changes: object) -> Clip:
    base = Clip(
        name="a.mp4", kind="video", container="mp4", codec="h264", width=640, height=480, rotation_deg=0,
        times_ms=np.arange(40) * 1000.0 / 30, frame_rate=30.0, interval_jitter=0.0, repeated_frames=0, has_sound=False,
        size_bytes=1, sha256="0" * 64,
    )  # fmt: skip
    return replace(base, **changes)


def a_track(rows: int = 40, **changes: object) -> FaceTrack:
    base = FaceTrack(
        track_id=1, frame_indices=np.arange(rows), times_ms=np.arange(rows) * 1000.0 / 30,
        gray=np.zeros((rows, 1, 1), np.uint8), display_jpegs=(b"",) * rows, display_px=256,
        landmarks=np.zeros((rows, 478, 2), np.float32), reference_landmarks=np.zeros((478, 2), np.float32),
        blendshapes=np.zeros((rows, 52), np.float32), pose_deg=np.tile(np.float32((2, 1, 0)), (rows, 1)),
        interocular_px=np.full(rows, 92, np.float32), sharpness=np.full(rows, 90, np.float32),
        brightness=np.full(rows, 120, np.float32), inside=np.ones(rows, bool), box=(0, 0, 9, 9),
        thumbnail=np.zeros((96, 96, 3), np.uint8), coverage=1.0,
    )  # fmt: skip
    return replace(base, **changes)


def verdict_of(clip: Clip | None = None, track: FaceTrack | None = None, *, total: int = 40, faces: int = 1):
    track = a_track() if track is None else track
    result = FaceResult((track,), total, total - len(track.times_ms), faces)
    return input_verdict(a_clip() if clip is None else clip, track, result, SETTINGS)


def check_of(verdict, name: str):
    (check,) = (check for check in verdict.checks if check.name == name)
    return check


def first(rows: int, value: float, rest: float) -> np.ndarray:
    return np.where(np.arange(40) < rows, value, rest).astype(np.float32)


def test_a_decent_clip_is_not_shouted_at():
    verdict = verdict_of()
    assert verdict.severity == "note"
    assert verdict.headline == "Input usable: 30 frames/s, face 92 px between the pupils, steady."
    assert [check.severity for check in verdict.checks].count("note") == 1  # the frame rate
    assert verdict.frames_total == 40
    lost = (verdict.frames_face_lost, verdict.frames_turned_away, verdict.frames_too_small, verdict.frames_dark)
    assert lost == (0, 0, 0, 0)
    assert (verdict.frames_blurred, verdict.frames_cut_off) == (0, 0)


@pytest.mark.parametrize(
    ("rate", "severity", "words"),
    [
        (25.0, "note", "At 25 frames/s nothing shorter than 120 ms can be seen: it shows that something moved"),
        (30000 / 1001, "note", "At 29.97 frames/s nothing shorter than 100 ms can be seen"),
        (60.0, "ok", "At 60 frames/s nothing shorter than 50 ms can be seen; the course"),
        (200.0, "ok", "nothing shorter than 15 ms can be seen: enough to follow the course"),
        (15.0, "warning", "nothing shorter than 200 ms can be seen: short micro-expressions fall"),
        (5.0, "warning", "nothing shorter than 600 ms can be seen: most micro-expressions"),
    ],
)
def test_the_frame_rate_says_what_can_be_seen(rate, severity, words):
    check = check_of(verdict_of(a_clip(frame_rate=rate)), "frame rate")
    assert check.severity == severity
    assert words in check.sentence


def test_repeated_frames_lower_the_true_rate():
    verdict = verdict_of(a_clip(frame_rate=60.0, repeated_frames=20))
    assert check_of(verdict, "regularity").severity == "warning"
    assert "20 of 40 frames repeat" in check_of(verdict, "regularity").sentence
    assert "shows 29.23" in check_of(verdict, "regularity").sentence
    assert check_of(verdict, "frame rate").value == "29.2 frames/s"


@pytest.mark.parametrize(("jitter", "severity"), [(0.0, "ok"), (0.2, "note"), (0.8, "warning")])
def test_irregular_intervals_are_said(jitter, severity):
    assert check_of(verdict_of(a_clip(interval_jitter=jitter)), "regularity").severity == severity


def test_a_pair_has_no_frame_rate():
    verdict = verdict_of(a_clip(kind="pair", times_ms=np.array([0.0, 100.0])), a_track(2), total=2)
    assert "difference between the two frames" in check_of(verdict, "frame rate").sentence
    assert verdict.headline == "Input usable: face 92 px between the pupils, steady."


def test_one_frame_holds_no_motion():
    verdict = verdict_of(a_clip(times_ms=np.zeros(1)), a_track(1), total=1)
    assert verdict.severity == "unusable"
    assert verdict.headline.startswith("Input not usable: one frame holds no motion")


@pytest.mark.parametrize(
    ("changes", "name", "severity", "words", "count"),
    [
        ({"interocular_px": first(40, 20, 20)}, "face size", "unusable", "smaller than 24 px", "frames_too_small"),
        ({"interocular_px": first(40, 30, 30)}, "face size", "warning", "face is small", None),
        ({"interocular_px": first(40, 50, 50)}, "face size", "note", "rather small", None),
        ({"brightness": first(4, 10, 100)}, "light", "note", "too dark in 4 of 40", "frames_dark"),
        ({"brightness": first(20, 10, 100)}, "light", "warning", "too dark in 20 of 40", "frames_dark"),
        ({"brightness": first(40, 245, 245)}, "light", "warning", "overexposed", None),
        ({"brightness": first(40, 40, 40)}, "light", "note", "rather dark", None),
        ({"sharpness": first(5, 10, 90)}, "blur", "note", "5 of 40 frames are much less sharp", "frames_blurred"),
        ({"sharpness": first(40, 5, 5)}, "blur", "warning", "blurred or strongly compressed", None),
        ({"inside": first(9, 0, 1).astype(bool)}, "framing", "warning", "in 9 of 40 frames", "frames_cut_off"),
        ({"inside": np.zeros(40, bool)}, "framing", "unusable", "in 40 of 40 frames", "frames_cut_off"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_face_is_found_counted_and_said(changes, name, severity, words, count):
    verdict = verdict_of(track=a_track(**changes))
    check = check_of(verdict, name)
    assert (check.severity, verdict.severity) == (severity, severity)
    assert words in check.sentence
    if count is not None:
        counted = getattr(verdict, count)
        assert counted > 0
        assert f"{counted} of 40" in check.sentence


def test_turned_frames_are_counted_and_left_out():
    pose = np.tile(np.float32((2, 1, 0)), (40, 1))
    pose[:6, 0] = -50
    pose[6:10, 1] = 40
    track = a_track(pose_deg=pose)
    verdict = verdict_of(track=track)
    assert verdict.frames_turned_away == 10
    assert "beyond 30° to the side or 25° up or down) in 10 of 40 frames" in check_of(verdict, "pose").sentence
    assert "care (pose)" in verdict.headline
    assert not usable_frames(track, SETTINGS)[:10].any()
    assert usable_frames(track, SETTINGS)[10:].all()


def test_the_side_of_a_turned_face_is_the_subjects():
    pose = np.tile(np.float32((22, -3, 0)), (40, 1))
    assert check_of(verdict_of(track=a_track(pose_deg=pose)), "pose").value == "22° to the subject's left, 3° down"


def test_a_face_lost_for_a_while_and_further_faces_are_said():
    verdict = verdict_of(track=a_track(30), faces=3)
    assert verdict.frames_face_lost == 10
    assert "not found in 10 of 40 frames" in check_of(verdict, "face found").sentence
    assert check_of(verdict, "faces").sentence.startswith("At least 3 faces are in the picture")


def test_a_clip_without_a_face_gets_a_verdict_too():
    verdict = input_verdict(
        a_clip(warnings=("The file is torn after 1.2 s.",)), None, FaceResult((), 40, 40, 0), SETTINGS
    )
    assert verdict.severity == "unusable"
    assert verdict.headline.startswith("Input not usable: without a face")
    assert check_of(verdict, "file").sentence == "The file is torn after 1.2 s."


@pytest.mark.parametrize(
    "changes",
    [
        {"interocular_px": first(5, 20, 90)},
        {"brightness": first(5, 5, 120)},
        {"sharpness": first(5, 3, 90)},
        {"inside": first(5, 0, 1).astype(bool)},
    ],
)
def test_only_bad_frames_are_left_out(changes):
    usable = usable_frames(a_track(**changes), SETTINGS)
    assert not usable[:5].any()
    assert usable[5:].all()


# ---------------------------------------------------------------------------------------------- real clips

DATA = os.environ.get("MELLM_DATA")


@pytest.mark.skipif(not DATA, reason="MELLM_DATA names no folder of real clips")
def test_a_real_face_is_followed_steadily():
    from mellm_demo.video import open_clip

    with open_clip(Path(DATA) / "videos" / "pyfeat_single_face.mp4", SETTINGS) as reader:
        result = follow_faces(reader, SETTINGS)
    (track,) = result.tracks
    assert track.coverage == 1.0
    assert usable_frames(track, SETTINGS).mean() > 0.95
    steps = np.diff(similarities_to_first(track.gray)[:, 2:], axis=0)
    assert np.median(np.abs(steps)) < 0.25
