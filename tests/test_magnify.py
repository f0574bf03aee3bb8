"""The magnified loop shows α times the motion that was put in, and nothing where there was none."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from mellm_demo.magnify import (
    NOT_REAL,
    _backward_map,
    _stages,
    magnified_loop,
    shown_motion,
    to_webp,
)

FLOOR = 0.3
COURSE = np.array([0.0, 0.3, 0.7, 1.0, 0.5, 0.0])


@pytest.fixture(scope="module")
def texture():
    """A picture that optical flow can follow: smoothed noise, 384 px."""
    import cv2

    noise = np.random.default_rng(3).normal(0, 1, (384, 384, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def bump(x, y, u, v, sigma=18.0):
    """(256, 256, 2) one smooth patch of motion."""
    yy, xx = np.mgrid[:256, :256].astype(np.float32)
    weight = np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2))
    return np.dstack([u * weight, v * weight]).astype(np.float32)


def measured(before, after):
    """Displacement in px of the 256 px crop, by an independent method, the caption left out."""
    import cv2

    gray = [cv2.cvtColor(picture[:340], cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*gray, None) / 1.5


def areas(backward):
    """(H-1, W-1) signed area that each pixel is looked up from; negative where the picture is folded over."""
    dx = np.diff(backward.astype(np.float64), axis=1)[:-1]
    dy = np.diff(backward.astype(np.float64), axis=0)[:, :-1]
    return dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]


@pytest.mark.parametrize(("alpha", "least"), [(1.0, 0.85), (4.0, 0.85), (8.0, 0.75)])
def test_the_loop_moves_alpha_times_as_far(texture, alpha, least):
    flow = bump(100, 120, 1.2, -0.9)
    loop = magnified_loop(texture, flow, COURSE, alpha, floor_px=FLOOR)
    moved = measured(loop[0], loop[3])[round(120 * 1.5) - 4 : round(120 * 1.5) + 5, 146:155].mean(axis=(0, 1))
    recovered = moved @ np.array([1.2, -0.9]) / (alpha * 1.5**2)
    assert least <= recovered <= 1.08
    sideways = abs(moved @ np.array([0.9, 1.2])) / (alpha * 1.5**2)
    assert sideways < 0.08


def test_half_the_course_moves_half_as_far(texture):
    loop = magnified_loop(texture, bump(100, 120, 1.2, 0.0), COURSE, 4.0, floor_px=FLOOR)
    half, whole = (measured(loop[0], loop[row])[175:185, 146:155, 0].mean() for row in (4, 3))
    assert half / whole == pytest.approx(0.5, abs=0.08)


def test_motion_below_the_noise_floor_leaves_every_grey_level_as_it_was(texture):
    rng = np.random.default_rng(5)
    angle = rng.uniform(0, 2 * np.pi, (256, 256))
    noise = (0.95 * FLOOR * np.dstack([np.cos(angle), np.sin(angle)])).astype(np.float32)
    loop = magnified_loop(texture, noise, [0.0, 1.0], 10.0, floor_px=FLOOR)
    assert np.array_equal(loop[0], loop[1])


def test_what_rests_beside_a_moving_patch_stays_put(texture):
    rng = np.random.default_rng(6)
    flow = bump(70, 100, 1.5, -1.0) + rng.normal(0, 0.05, (256, 256, 2)).astype(np.float32)
    loop = magnified_loop(texture, flow, [0.0, 1.0], 8.0, floor_px=FLOOR)
    away = np.s_[:340, 270:]
    assert np.abs(loop[1][away].astype(int) - loop[0][away].astype(int)).mean() < 0.05


def test_gain_one_comes_close_to_the_real_apex(texture):
    import cv2

    flow = bump(120, 110, 1.4, 0.8)
    wide = cv2.resize(flow, (384, 384)) * 1.5
    grid = np.mgrid[:384, :384].astype(np.float32)
    apex = cv2.remap(texture, grid[1] - wide[..., 0], grid[0] - wide[..., 1], cv2.INTER_CUBIC)
    loop = magnified_loop(texture, flow, [0.0, 1.0], 1.0, floor_px=FLOOR)
    patch = np.s_[120:210, 135:225]
    error = np.abs(loop[1][patch].astype(float) - apex[patch]).mean()
    assert error < 0.15 * np.abs(texture[patch].astype(float) - apex[patch]).mean()


def test_the_rim_stays_where_it_is():
    shown = shown_motion(np.full((256, 256, 2), 2.0, np.float32), FLOOR)
    rim = np.concatenate([shown[0], shown[-1], shown[:, 0], shown[:, -1]])
    assert np.abs(rim).max() == 0
    assert np.allclose(shown[128, 128], 2.0, atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(40, 216),
    y=st.floats(40, 216),
    u=st.floats(-2.5, 2.5),
    v=st.floats(-2.5, 2.5),
    sigma=st.floats(10, 30),
    alpha=st.floats(0.5, 15),
)
def test_the_picture_never_folds_over(x, y, u, v, sigma, alpha):
    field = shown_motion(bump(x, y, u, v, sigma), FLOOR)
    # OpenCV looks up to 1/32 px, so what is stretched thin may seem to turn back a little; a fold is far below -0.5.
    assert areas(_backward_map(field, alpha, _stages(field, alpha))).min() > -0.5


def test_one_large_displacement_would_fold_it_over():
    field = shown_motion(bump(100, 100, 3.0, 0.0, 8.0), FLOOR)
    assert areas(_backward_map(field, 12.0, 1)).min() < -0.5
    assert areas(_backward_map(field, 12.0, _stages(field, 12.0))).min() > -0.3


def test_every_picture_says_that_it_is_not_real(texture):
    flow = bump(100, 120, 1.2, 0.0)
    loop = magnified_loop(texture, flow, COURSE, 7.5, floor_px=FLOOR)
    assert NOT_REAL.format(alpha=7.5) == "amplified × 7.5, not real"
    for picture in loop:
        strip = picture[-28:]
        assert (strip.min(axis=2) > 235).mean() > 0.02  # white letters
        assert np.median(strip) < 90  # on a dark ground
    other = magnified_loop(texture, flow, [0.0], 7.5, floor_px=FLOOR, label="something else")
    assert not np.array_equal(other[0][-28:], loop[0][-28:])
    assert np.array_equal(other[0][:300], texture[:300])


@pytest.mark.parametrize("px", [96, 256, 640])
def test_any_resolution(px):
    picture = np.full((px, px, 3), 120, np.uint8)
    loop = magnified_loop(picture, bump(100, 120, 1.2, 0.0), [0.0, 1.0], 5.0, floor_px=FLOOR)
    assert all(frame.shape == (px, px, 3) and frame.dtype == np.uint8 for frame in loop)
    white = np.nonzero((loop[0].min(axis=2) > 235).any(axis=0))[0]
    assert white.min() > 0
    assert white.max() < px - 1  # the caption fits


def test_no_flow_gives_the_onset_frame_again(texture):
    loop = magnified_loop(texture, np.zeros((256, 256, 2), np.float32), COURSE, 5.0, floor_px=FLOOR)
    assert len(loop) == len(COURSE)
    assert all(np.array_equal(frame[:340], texture[:340]) for frame in loop)


@pytest.mark.parametrize(
    ("flow", "course", "alpha"),
    [
        (np.zeros((256, 256)), [0.0], 2.0),
        (np.zeros((256, 256, 2)), [np.nan], 2.0),
        (np.zeros((256, 256, 2)), [0.0], 0.0),
        (np.zeros((256, 256, 2)), [0.0], np.inf),
    ],
)
def test_refuses_what_makes_no_sense(texture, flow, course, alpha):
    with pytest.raises(ValueError):
        magnified_loop(texture, flow.astype(np.float32), course, alpha, floor_px=FLOOR)


def test_webp_holds_all_frames_and_repeats(texture):
    loop = magnified_loop(texture, bump(100, 120, 1.2, -0.5), [0.0, 0.5, 1.0], 6.0, floor_px=FLOOR)
    read = Pillow.open(io.BytesIO(to_webp(loop, 40.4)))
    assert read.format == "WEBP"
    assert read.size == (384, 384)
    assert read.n_frames == 3
    assert read.info["loop"] == 0
    read.seek(2)
    read.load()
    assert read.info["duration"] == 40
    assert np.abs(np.asarray(read.convert("RGB")).astype(int) - loop[2]).mean() < 6
