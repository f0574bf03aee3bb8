"""The picture that MELLM was trained on, checked against its written definition."""

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mellm_demo import facs
from mellm_demo.motion_map import (
    ARROW_GAIN,
    COLOUR_NAMES,
    arrows,
    legend,
    motion_map,
    without_nose_motion,
)

SIZE = 64

# The colour (RGB) at full brightness of each direction's hue: 30° sectors, and which words may describe it.
GOLDEN = {
    "right": [(255, 0, 0)],
    "down-right": [(255, 128, 0), (255, 255, 0)],  # 45° lies between two sectors: orange or yellow
    "down": [(128, 255, 0)],
    "down-left": [(0, 255, 0), (0, 255, 128)],
    "left": [(0, 255, 255)],
    "up-left": [(0, 128, 255), (0, 0, 255)],
    "up": [(128, 0, 255)],
    "up-right": [(255, 0, 255), (255, 0, 128)],
}


def reference_map(flow, gray, nose_xy):
    """The contract in plain loops and the standard library's colour arithmetic; None where a hue is ambiguous."""
    height, width = gray.shape
    residual = flow.astype(np.float64).copy()
    if nose_xy is not None:
        x, y = round(nose_xy[0]), round(nose_xy[1])
        inside = [
            flow[row, column].astype(np.float64)
            for row in range(y - 5, y + 6)
            for column in range(x - 5, x + 6)
            if 0 <= row < height and 0 <= column < width
        ]
        if inside:
            residual -= np.mean(inside, axis=0)
    magnitude = np.hypot(residual[..., 0], residual[..., 1])
    low, high = magnitude.min(), magnitude.max()
    picture = np.zeros((height, width, 3))
    sure = np.ones((height, width), bool)
    for row in range(height):
        for column in range(width):
            u, v = residual[row, column]
            degrees = np.degrees(np.arctan2(v, u)) % 360
            sector = degrees / 30
            # OpenCV's arctangent is good to 0.3°; magnitudes near nothing have no direction.
            sure[row, column] = abs(sector % 1 - 0.5) > 0.02 and (magnitude[row, column] > 1e-3 or high < 1e-6)
            hue = (round(sector) % 12) * 30 / 360
            value = (magnitude[row, column] - low) / (high - low) if high - low > 1e-6 else 0.0
            colour = np.array(colorsys.hsv_to_rgb(hue, 1.0, value)) * 255
            picture[row, column] = np.minimum(colour + gray[row, column], 255)
    return picture, sure


def one_direction(degrees, magnitude=2.0):
    """Nothing moves but a square in the middle."""
    flow = np.zeros((SIZE, SIZE, 2), np.float32)
    flow[20:40, 20:40] = magnitude * np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    return flow


@pytest.mark.parametrize("index", range(8))
def test_hue_of_the_eight_directions(index):
    name = facs.DIRECTIONS[index]
    picture = motion_map(one_direction(45 * index), np.zeros((SIZE, SIZE), np.uint8), None)
    distances = [np.abs(picture[30, 30].astype(int) - np.array(golden)).max() for golden in GOLDEN[name]]
    assert min(distances) <= 2, (name, picture[30, 30])
    assert picture[5, 5].tolist() == [0, 0, 0]
    assert name in COLOUR_NAMES


def test_every_direction_has_its_word():
    assert set(COLOUR_NAMES) == set(facs.DIRECTIONS)
    assert COLOUR_NAMES["right"] == "red"
    assert COLOUR_NAMES["left"] == "cyan"
    assert COLOUR_NAMES["up"] == "purple"
    assert len(set(COLOUR_NAMES.values())) == 8


@pytest.mark.parametrize(("degrees", "same_as"), [(14, 0), (16, 30), (346, 0), (344, 330), (359.9, 0), (104, 90)])
def test_angles_fall_to_the_nearest_30_degrees(degrees, same_as):
    gray = np.zeros((SIZE, SIZE), np.uint8)
    assert np.array_equal(
        motion_map(one_direction(degrees), gray, None)[30, 30], motion_map(one_direction(same_as), gray, None)[30, 30]
    )


def test_fusion_saturates_and_keeps_the_onset_frame_where_nothing_moves():
    gray = np.full((SIZE, SIZE), 200, np.uint8)
    picture = motion_map(one_direction(0), gray, None)
    assert picture[30, 30].tolist() == [255, 200, 200]  # 200 + 255 does not wrap round
    assert picture[5, 5].tolist() == [200, 200, 200]


def test_brightness_is_relative_to_the_picture():
    gray = np.zeros((SIZE, SIZE), np.uint8)
    weak, strong = one_direction(0, 0.01), one_direction(0, 20.0)
    assert np.array_equal(motion_map(weak, gray, None), motion_map(strong, gray, None))
    half = one_direction(0, 2.0)
    half[50:, 50:, 0] = 1.0
    assert abs(int(motion_map(half, gray, None)[60, 60, 0]) - 128) <= 1


@pytest.mark.parametrize("constant", [(0.0, 0.0), (1.5, -2.0)])
def test_motion_without_contrast_stays_dark(constant):
    gray = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)
    flow = np.full((SIZE, SIZE, 2), constant, np.float32)
    for nose in (None, (30.0, 30.0)):
        assert np.array_equal(motion_map(flow, gray, nose), np.repeat(gray[..., None], 3, axis=2))


def test_motion_of_the_nose_is_taken_off_everywhere():
    flow = one_direction(90) + np.array([3.0, 1.0], np.float32)
    flow[47:58, 5:16] += np.random.default_rng(1).normal(0, 0.2, (11, 11, 2)).astype(np.float32)
    mean = flow[47:58, 5:16].reshape(-1, 2).mean(axis=0)
    assert np.allclose(without_nose_motion(flow, (10.2, 51.8)), flow - mean, atol=1e-5)


def test_a_box_that_is_cut_by_the_border_uses_what_is_left_of_it():
    flow = np.random.default_rng(2).normal(0, 1, (SIZE, SIZE, 2)).astype(np.float32)
    mean = flow[:4, 60:].reshape(-1, 2).mean(axis=0)
    assert np.allclose(without_nose_motion(flow, (65.0, -2.0)), flow - mean, atol=1e-5)


@pytest.mark.parametrize("nose", [None, (-20.0, 30.0), (30.0, -6.0), (30.0, 69.0), (500.0, 500.0), (np.nan, 3.0)])
def test_an_empty_nose_box_subtracts_nothing(nose):
    flow = one_direction(45) + np.float32(0.5)
    assert np.array_equal(without_nose_motion(flow, nose), flow)


def test_the_input_is_left_as_it_was():
    flow, gray = one_direction(30), np.full((SIZE, SIZE), 7, np.uint8)
    before = flow.copy(), gray.copy()
    motion_map(flow, gray, (30, 30))
    assert np.array_equal(flow, before[0])
    assert np.array_equal(gray, before[1])


@settings(max_examples=40, deadline=None)
@given(
    flow=hnp.arrays(np.float32, (13, 17, 2), elements=st.floats(-5, 5, width=32, allow_subnormal=False)),
    gray=hnp.arrays(np.uint8, (13, 17)),
    nose=st.none() | st.tuples(st.floats(-30, 40), st.floats(-30, 40)),
)
def test_agrees_with_a_plain_reference(flow, gray, nose):
    expected, sure = reference_map(flow, gray, nose)
    measured = motion_map(flow, gray, nose).astype(float)
    assert measured.shape == (13, 17, 3)
    assert np.abs(measured - expected)[sure].max(initial=0) <= 2.5  # two roundings to 8 bit, one after the other


@pytest.mark.parametrize(
    ("flow", "gray"),
    [
        (np.zeros((8, 8, 2), np.float32), np.zeros((8, 9), np.uint8)),
        (np.zeros((8, 8), np.float32), np.zeros((8, 8), np.uint8)),
        (np.full((8, 8, 2), np.nan, np.float32), np.zeros((8, 8), np.uint8)),
    ],
)
def test_refuses_what_does_not_fit(flow, gray):
    with pytest.raises(ValueError):
        motion_map(flow, gray, None)


def test_the_legend_shows_the_colours_of_the_map():
    wheel = legend(200, labels=False)
    assert wheel.shape == (200, 200, 4)
    assert wheel.dtype == np.uint8
    assert wheel[2, 2, 3] == 0
    assert wheel[100, 100, 3] == 255
    for index, name in enumerate(facs.DIRECTIONS):
        angle = np.deg2rad(45 * index + 3)  # off the border of two sectors
        colour = wheel[round(100 + 94 * np.sin(angle)), round(100 + 94 * np.cos(angle)), :3].astype(int)
        shown = colour / colour.max() * 255
        assert min(np.abs(shown - np.array(golden)).max() for golden in GOLDEN[name]) <= 4, name


def test_the_legend_writes_its_labels_for_light_and_dark_pages():
    plain, light, dark = legend(220, labels=False), legend(220), legend(220, dark=True)
    assert plain[110, 4, 3] == 255  # without labels the wheel fills the square
    left_margin = light[95:125, 2:44]
    assert (left_margin[..., 3] > 200).sum() > 20
    assert np.median(left_margin[left_margin[..., 3] > 200][:, :3]) < 80
    right = dark[95:125, 2:44]
    assert np.median(right[right[..., 3] > 200][:, :3]) > 180


def test_arrows_stand_only_where_something_moves_and_point_along_the_motion():
    face = np.full((512, 512, 3), 128, np.uint8)
    flow = np.zeros((256, 256, 2), np.float32)
    flow[60:120, 60:120, 0] = 2.0
    drawn = arrows(face, flow, 0.5, gain=ARROW_GAIN)
    changed = np.abs(drawn.astype(int) - 128).max(axis=2) > 8
    changed[440:] = False  # the caption
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 2 * 52
    assert rows.max() <= 2 * 128
    assert columns.min() >= 2 * 52
    assert 2 * 120 < columns.max() <= 2 * (126 + 2 * ARROW_GAIN)
    assert np.array_equal(face, np.full((512, 512, 3), 128, np.uint8))


def test_no_arrow_below_the_floor():
    face = np.full((300, 300, 3), 90, np.uint8)
    flow = np.full((256, 256, 2), 0.3, np.float32)
    assert np.array_equal(arrows(face, flow, 0.5), face)
