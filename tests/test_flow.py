"""Motion that is known: dense flow, head motion out, trajectories of regions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from mellm_demo import facs, flow
from mellm_demo.errors import InputError
from mellm_demo.records import CROP_PX, EYE_LINE_Y_PX, OUTER_EYE_PX, FaceTrack

KEYS = facs.REGION_KEYS
HAIRLINE_PX = 42  # y in the crop; the patches of the forehead begin above it
ROWS, COLUMNS = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)


@pytest.fixture(scope="module")
def face(astronaut, astronaut_landmarks) -> tuple[np.ndarray, np.ndarray]:
    """The astronaut in the crop's framing: gray (256, 256) float, landmarks (478, 2)."""
    right, left = astronaut_landmarks[facs.OUTER_EYE_RIGHT], astronaut_landmarks[facs.OUTER_EYE_LEFT]
    axis, centre = left - right, (left + right) / 2
    turn = np.array([[axis[0], axis[1]], [-axis[1], axis[0]]]) * OUTER_EYE_PX / (axis @ axis)
    matrix = np.c_[turn, np.array([CROP_PX / 2, EYE_LINE_Y_PX]) - turn @ centre]
    gray = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.float32)
    crop = cv2.warpAffine(gray, matrix, (CROP_PX, CROP_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    # Enlarged three times, the picture lacks the fine grain that skin has at this size.
    grain = gaussian_filter(np.random.default_rng(0).normal(0, 12, crop.shape), 1.2)
    return crop + grain.astype(np.float32), astronaut_landmarks @ matrix[:, :2].T + matrix[:, 2]


def bump(landmarks: np.ndarray, key: str, vector: tuple[float, float], reach: float = 16.0) -> np.ndarray:
    x, y = landmarks[list(facs.REGION_BY_KEY[key].mesh)].mean(axis=0)
    weight = np.exp(-((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / (2 * reach**2))
    return weight[..., None] * np.array(vector, np.float32)


def moved_by(image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """``image`` whose content has gone by ``field`` (small and smooth)."""
    x, y = COLUMNS - field[..., 0], ROWS - field[..., 1]
    return cv2.remap(
        image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def similarity_field(shift=(0.0, 0.0), grow=0.0, roll_deg=0.0) -> np.ndarray:
    x, y, roll = COLUMNS - 128, ROWS - 128, np.radians(roll_deg)
    return np.dstack([shift[0] + grow * x - roll * y, shift[1] + grow * y + roll * x]).astype(np.float32)


def make_track(
    images: list[np.ndarray], shifts: list[np.ndarray], landmarks: np.ndarray, fps=60.0, seed=0
) -> FaceTrack:
    """A track whose landmarks follow the mean motion of each frame, with a landmarker's jitter."""
    random, rows = np.random.default_rng(seed), len(images)
    points = []
    for field in shifts:
        at = np.clip(np.round(landmarks).astype(int), 0, CROP_PX - 1)
        points.append(landmarks + field[at[:, 1], at[:, 0]] + random.normal(0, 0.3, landmarks.shape))
    points = np.array(points, np.float32)
    return FaceTrack(
        track_id=1,
        frame_indices=np.arange(rows),
        times_ms=np.arange(rows) * 1000.0 / fps,
        gray=np.array([np.clip(np.round(image), 0, 255) for image in images], np.uint8),
        display_jpegs=(b"",) * rows,
        display_px=CROP_PX,
        landmarks=points,
        reference_landmarks=np.median(points, axis=0),
        blendshapes=np.zeros((rows, 52), np.float32),
        pose_deg=random.normal(0, 0.1, (rows, 3)).astype(np.float32),
        interocular_px=np.full(rows, 90, np.float32),
        sharpness=np.full(rows, 100, np.float32),
        brightness=np.full(rows, 120, np.float32),
        inside=np.ones(rows, bool),
        box=(0, 0, CROP_PX, CROP_PX),
        thumbnail=np.zeros((96, 96, 3), np.uint8),
        coverage=1.0,
    )


def course(rows: int, onset: int, apex: int, offset: int) -> np.ndarray:
    t = np.arange(rows, dtype=float)
    return np.interp(t, [onset, apex, offset], [0, 1, 0])


def clip(face, fields: list[np.ndarray], *, noise=1.5, light=None, seed=0, fps=60.0) -> FaceTrack:
    gray, landmarks = face
    random = np.random.default_rng(seed)
    images = []
    for index, field in enumerate(fields):
        image = moved_by(gray, field) + random.normal(0, noise, gray.shape)
        images.append(image if light is None else image * light[index][0] + light[index][1] * (COLUMNS - 128) / 128)
    return make_track(images, fields, landmarks, fps, seed)


def everything(track: FaceTrack) -> np.ndarray:
    return np.ones(len(track.times_ms), bool)


# ------------------------------------------------------------------------------------------ a pair


def test_tvl1_is_opencvs_with_its_defaults(face):
    gray, _ = face
    onset = np.clip(gray, 0, 255).astype(np.uint8)
    apex = np.clip(moved_by(gray, similarity_field((1.5, -1.0))), 0, 255).astype(np.uint8)
    measured = flow.tvl1(onset, apex)
    assert measured.shape == (CROP_PX, CROP_PX, 2)
    assert measured.dtype == np.float32
    assert np.array_equal(measured, cv2.optflow.DualTVL1OpticalFlow_create().calc(onset, apex, None))
    assert np.median(measured[60:200, 60:200], axis=(0, 1)) == pytest.approx([1.5, -1.0], abs=0.15)


def test_tvl1_refuses_what_does_not_belong_together():
    gray = np.zeros((64, 64), np.uint8)
    for other in (np.zeros((64, 32), np.uint8), gray.astype(np.float32), np.zeros((64, 64, 3), np.uint8)):
        with pytest.raises(InputError, match="one size"):
            flow.tvl1(gray, other)
        with pytest.raises(InputError, match="one size"):
            flow.tvl1(other, gray)


@settings(max_examples=15, deadline=None)
@given(shift=st.tuples(st.floats(-4, 4), st.floats(-4, 4)), grow=st.floats(-0.02, 0.02), roll=st.floats(-1.5, 1.5))
def test_a_similarity_leaves_nothing_behind(face, shift, grow, roll):
    _, landmarks = face
    residual = flow.remove_head_motion(similarity_field(shift, grow, roll), landmarks.astype(np.float32))
    assert residual.dtype == np.float32
    assert np.abs(residual).max() < 0.1


@pytest.mark.parametrize(
    "moves",
    [
        {
            "mouth_corner_left": (1.5, -1.5),
            "mouth_corner_right": (-1.5, -1.5),
            "cheek_left": (0.3, -1),
            "cheek_right": (-0.3, -1),
        },
        {
            "inner_brow_left": (0, -2),
            "inner_brow_right": (0, -2),
            "outer_brow_left": (0, -2),
            "outer_brow_right": (0, -2),
        },
        {"chin": (0, 4), "lower_lip": (0, 3)},
    ],
    ids=["smile", "brows", "jaw"],
)
def test_an_expression_survives_the_removal_of_the_head(face, moves):
    """Though it leaks into the patches that count as rigid: the forehead with the brows, cheekbones with the smile."""
    _, landmarks = face
    expression = sum(bump(landmarks, key, vector) for key, vector in moves.items())
    head = similarity_field((2.0, -1.0), 0.01, 0.8)
    residual = flow.remove_head_motion(head + expression, landmarks.astype(np.float32))
    error = np.hypot(*np.moveaxis(residual - expression, -1, 0))
    assert error.max() < 0.45  # of a motion of 2 to 4 px, over a head that moves as far
    for key, mask in zip(KEYS, flow.region_masks(landmarks.astype(np.float32)), strict=True):
        true, found = (field[mask].mean(axis=0) for field in (expression, residual))
        assert found == pytest.approx(true, abs=0.3), key


def test_hair_that_goes_elsewhere_does_not_bend_the_rest(face):
    _, landmarks = face
    field = similarity_field((1.0, 0.5))
    field[:HAIRLINE_PX] += np.float32([3.0, -2.0])
    residual = flow.remove_head_motion(field, landmarks.astype(np.float32))
    assert np.abs(residual[80:]).max() < 0.2


def test_region_masks_lie_where_the_regions_are(face):
    _, landmarks = face
    masks = flow.region_masks(landmarks.astype(np.float32))
    assert masks.shape == (len(KEYS), CROP_PX, CROP_PX)
    assert masks.dtype == np.bool_
    for key, mask in zip(KEYS, masks, strict=True):
        _, columns = np.nonzero(mask)
        corners = landmarks[list(facs.REGION_BY_KEY[key].mesh)]
        assert 40 < mask.sum() < 3000, key
        assert corners[:, 0].min() - 1 <= columns.min() <= columns.max() <= corners[:, 0].max() + 1
    middle = [columns.mean() for columns in (np.nonzero(masks[KEYS.index(f"cheek_{s}")])[1] for s in ("right", "left"))]
    assert middle[0] < CROP_PX / 2 < middle[1]  # the subject's right is at the image's left


def test_region_motions_are_told_in_px_per_cent_and_words(face):
    _, landmarks = face
    residual = bump(landmarks, "mouth_corner_left", (2.0, -2.0), reach=60)
    motions = {m.key: m for m in flow.region_motions(residual, landmarks.astype(np.float32), 80.0, 0.5)}
    assert tuple(motions) == KEYS
    corner, brow = motions["mouth_corner_left"], motions["inner_brow_right"]
    assert corner.moving
    assert not brow.moving
    assert corner.magnitude_px == pytest.approx(np.hypot(2, 2), rel=0.05)
    assert corner.magnitude_iod == pytest.approx(corner.magnitude_px / 80 * 100)
    assert corner.max_px >= corner.magnitude_px
    assert corner.direction_deg == pytest.approx(315, abs=1)
    assert (corner.direction, corner.side, corner.name) == ("up-right", "left", "mouth corner")


@pytest.mark.parametrize(("vector", "word"), [((1, 0), "right"), ((0, 1), "down"), ((-1, 0), "left"), ((0, -1), "up")])
def test_directions_are_those_of_the_image(face, vector, word):
    field = np.broadcast_to(np.float32(vector), (CROP_PX, CROP_PX, 2))
    assert {m.direction for m in flow.region_motions(field, face[1].astype(np.float32), 80.0, 0.1)} == {word}


# ------------------------------------------------------------------------------------------ a clip


def body() -> np.ndarray:
    return np.array([not region.lid for region in facs.REGIONS])


def test_a_smile_is_followed_to_a_few_hundredths_of_a_pixel(face):
    share = course(60, 20, 30, 42)
    smile = bump(face[1], "mouth_corner_left", (1.2, -1.2)) + bump(face[1], "mouth_corner_right", (-1.2, -1.2))
    track = clip(face, [share[i] * smile for i in range(60)])
    curve = flow.motion_curve(track, everything(track))
    assert curve.regions == KEYS
    assert curve.displacement_px.shape == (60, len(KEYS), 2)
    assert curve.displacement_px.dtype == np.float32
    assert curve.covariance_px2 is not None
    masks = flow.region_masks(track.reference_landmarks)
    true = np.array([smile[mask].mean(axis=0) for mask in masks])
    for key in ("mouth_corner_left", "mouth_corner_right"):
        path, goal = curve.displacement_px[:, KEYS.index(key)], true[KEYS.index(key)]
        along = path @ goal / np.hypot(*goal)
        assert np.corrcoef(along, share)[0, 1] > 0.99
        assert along[30] - along[:18].mean() == pytest.approx(np.hypot(*goal), rel=0.2)
        assert abs(along[46:].mean() - along[:18].mean()) < 0.08
    brows = curve.displacement_px[:, [KEYS.index("inner_brow_left"), KEYS.index("outer_brow_right")]]
    assert np.abs(brows - brows.mean(axis=0)).max() < 0.25


def test_head_motion_and_light_are_no_expression(face):
    rows = 90
    t = np.arange(rows) / 60.0
    heads = [
        similarity_field((2 * np.sin(3 * s), 1.5 * np.cos(2 * s) - 1.5), 0.008 * np.sin(2 * s), np.sin(2.5 * s))
        for s in t
    ]
    light = [(1 + 0.12 * np.sin(4 * s), 12 * np.sin(3 * s)) for s in t]
    track = clip(face, heads, light=light)
    curve = flow.motion_curve(track, everything(track))
    path = curve.displacement_px[:, body()]
    assert np.sqrt(np.square(path - path.mean(axis=0)).sum(axis=-1).mean(axis=0)).max() < 0.25
    assert np.median(curve.rigid_residual_px) < 0.15
    true = 2 * 3 * np.abs(np.cos(3 * t))  # px/s of the largest part
    assert np.corrcoef(curve.head_speed_px_s[5:-5], true[5:-5])[0, 1] > 0.6


def test_expression_and_head_motion_come_apart(face):
    rows, share = 70, course(70, 25, 35, 50)
    brows = sum(
        bump(face[1], f"{part}_brow_{side}", (0, -1.8)) for part in ("inner", "outer") for side in ("left", "right")
    )
    fields = [
        share[i] * brows + similarity_field((0.05 * i, 1.2 * np.sin(i / 12)), 0.0, 0.6 * np.sin(i / 15))
        for i in range(rows)
    ]
    track = clip(face, fields)
    path = flow.motion_curve(track, everything(track)).displacement_px
    for side in ("left", "right"):
        rise = -path[:, KEYS.index(f"inner_brow_{side}"), 1]
        assert np.corrcoef(rise, share)[0, 1] > 0.97
        assert rise[35] - rise[:20].mean() > 1.0
    chin = path[:, KEYS.index("chin")]
    assert np.abs(chin - np.median(chin, axis=0)).max() < 0.5


def test_keyframes_do_not_show(face):
    """A held expression is the same before and after its reference is renewed."""
    rows = 200  # more than three keyframes at 60 frames/s
    share = np.clip((np.arange(rows) - 30) / 20, 0, 1)
    jaw = bump(face[1], "chin", (0, 3.0), reach=25)
    track = clip(face, [share[i] * jaw for i in range(rows)])
    path = flow.motion_curve(track, everything(track)).displacement_px[:, KEYS.index("chin"), 1]
    assert path[190] == pytest.approx(path[60], abs=0.15)
    assert path[60] - path[10] == pytest.approx(2.7, abs=0.5)


def test_gaps_and_unusable_frames_begin_new_segments(face):
    track = clip(face, [np.zeros((CROP_PX, CROP_PX, 2), np.float32)] * 40)
    indices, times = track.frame_indices.copy(), track.times_ms.copy()
    indices[20:] += 30
    times[20:] += 500.0
    usable = everything(track)
    usable[30:33] = False
    curve = flow.motion_curve(replace(track, frame_indices=indices, times_ms=times), usable)
    assert [int(curve.segment[i]) for i in (0, 19, 20, 29, 33, 39)] == [0, 0, 1, 1, 2, 2]
    assert np.isfinite(curve.displacement_px).all()
    assert np.array_equal(curve.displacement_px[31], curve.displacement_px[29])
    for first in (0, 20, 33):
        assert np.array_equal(curve.displacement_px[first], np.zeros((len(KEYS), 2)))
    one_missing = track.frame_indices + (np.arange(40) >= 20)
    late = track.times_ms + (np.arange(40) >= 20) * 1000.0 / 60
    assert set(
        flow.motion_curve(replace(track, frame_indices=one_missing, times_ms=late), everything(track)).segment
    ) == {0}


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_the_shortest_clips_have_curves(face, rows):
    track = clip(face, [np.zeros((CROP_PX, CROP_PX, 2), np.float32)] * rows)
    curve = flow.motion_curve(track, everything(track))
    assert curve.displacement_px.shape == (rows, len(KEYS), 2)
    assert np.isfinite(curve.displacement_px).all()
    assert flow.motion_curve(track, np.zeros(rows, bool)).usable.sum() == 0


def test_what_does_not_fit_is_refused(face):
    track = clip(face, [np.zeros((CROP_PX, CROP_PX, 2), np.float32)] * 5)
    with pytest.raises(InputError, match="5 rows"):
        flow.motion_curve(track, np.ones(4, bool))
    with pytest.raises(InputError, match="rise"):
        flow.motion_curve(replace(track, times_ms=track.times_ms[::-1].copy()), everything(track))


def test_eyes_and_mouth_are_measured_on_the_landmarks(face):
    track = clip(face, [np.zeros((CROP_PX, CROP_PX, 2), np.float32)] * 4)
    points = track.landmarks.copy()
    upper, lower = (160, 158, 159, 161), (144, 153, 145, 163)
    points[2][list(upper)] = points[2][list(lower)]  # the right eye closes
    points[3, flow.LOWER_LIP_INNER] += np.float32([0, 8])
    curve = flow.motion_curve(replace(track, landmarks=points), everything(track))
    right, left = curve.eye_openness.T
    assert right[2] < 0.2 * right[0]
    assert left[2] == pytest.approx(left[0], rel=0.25)
    assert curve.mouth_opening[3] - curve.mouth_opening[0] == pytest.approx(8 / track.interocular_crop_px, abs=0.02)


def test_same_input_same_curve(face):
    track = clip(face, [similarity_field((0.1 * i, 0)) for i in range(80)])
    first, second = (flow.motion_curve(track, everything(track)) for _ in range(2))
    assert np.array_equal(first.displacement_px, second.displacement_px)


def test_light_is_taken_out_of_a_picture(face):
    gray = np.clip(face[0], 30, 200)
    one = flow.normalised(gray.astype(np.uint8))
    other = flow.normalised(np.clip(0.7 * gray + 20 + 20 * (COLUMNS - 128) / 128, 0, 255).astype(np.uint8))
    inner = slice(20, -20)
    assert np.corrcoef(one[inner, inner].ravel(), other[inner, inner].ravel())[0, 1] > 0.97
    assert abs(float(one[inner, inner].mean())) < 0.1


def test_times_of_a_track_do_not_change_what_moved(face):
    fields = [course(40, 12, 20, 30)[i] * bump(face[1], "upper_lip", (0, -1.5)) for i in range(40)]
    track = clip(face, fields)
    slow = replace(track, times_ms=track.times_ms * 1.5)
    path, same = (flow.motion_curve(item, everything(item)).displacement_px for item in (track, slow))
    assert np.allclose(path, same, atol=1e-5)
    assert all(np.diff(pair).item() > 0 for pair in pairwise(slow.times_ms))
