"""Crop contract, the head in NumPy, and how it is weighed against the rules."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from support_flow import CODES, picture
from test_recognition import FLOOR, IOD, added, both, claims, motions, pattern

from mellm_demo import facs
from mellm_demo.errors import InputError, WeightsError
from mellm_demo.recognition import network, recognise, with_network
from mellm_demo.recognition.combine import combined
from mellm_demo.recognition.crop import (
    ANCHORS,
    GRID,
    TARGETS,
    corpus_crop,
    mirrored,
    normalised,
    placing,
    vertical_scale,
)
from mellm_demo.recognition.network import INPUTS, OUTPUTS, UNITS, Head, Reading
from mellm_demo.records import CROP_PX


@pytest.fixture
def landmarks():
    """(478, 2) whose anchors lie exactly where the corpora's do, in a crop of 8 px per grid px."""
    points = np.full((478, 2), 128.0, np.float32)
    points[list(ANCHORS)] = TARGETS * 8.0 + [16.0, 24.0]
    return points


def test_landmarks_land_on_the_corpora_s(landmarks):
    place = placing(landmarks)
    landed = landmarks[list(ANCHORS)] @ place[:, :2].T + place[:, 2]
    assert landed == pytest.approx(TARGETS, abs=1e-3)


def test_a_motion_lands_where_its_skin_does_and_keeps_its_direction(landmarks):
    flow = np.zeros((CROP_PX, CROP_PX, 2), np.float32)
    column, row = TARGETS[6] * 8.0 + [16.0, 24.0]  # the subject's left mouth corner
    y, x = np.mgrid[0:CROP_PX, 0:CROP_PX]
    bump = np.exp(-((x - column) ** 2 + (y - row) ** 2) / 200.0)
    flow[..., 0], flow[..., 1] = bump, -bump
    crop = corpus_crop(flow, landmarks)
    assert crop.shape == (GRID, GRID, 3)
    assert crop.dtype == np.uint8
    for channel, extreme in ((0, np.argmax), (1, np.argmin)):
        peak = np.unravel_index(extreme(crop[..., channel]), (GRID, GRID))
        assert np.hypot(peak[1] - TARGETS[6, 0], peak[0] - TARGETS[6, 1]) < 1.5


def test_landmarks_that_are_none_are_refused(landmarks):
    with pytest.raises(InputError, match="478"):
        placing(landmarks[:10])


def test_strain_tells_how_large_v_is_against_u():
    random = np.random.default_rng(0)
    uvs = np.stack([picture(kind, random) for kind in CODES])
    maps = uvs.astype(np.float32) / 255.0
    squeezed = maps.copy()
    squeezed[..., 1] *= 0.5
    assert vertical_scale(squeezed) == pytest.approx(2.0 * vertical_scale(maps), rel=0.25)
    for common in (False, True):
        sizes = np.square(normalised(uvs, common_units=common)[..., :2]).sum(axis=-1).mean(axis=(1, 2))
        assert sizes == pytest.approx(1.0, abs=0.05)


def test_the_mirror_undoes_itself():
    maps = np.random.default_rng(0).normal(size=(2, GRID, GRID, 3)).astype(np.float32)
    assert np.array_equal(mirrored(mirrored(maps)), maps)
    assert np.array_equal(mirrored(maps)[:, :, 0, 0], -maps[:, :, -1, 0])


def tiny_head(seed=0):
    random = np.random.default_rng(seed)
    return Head(
        hidden=random.normal(0, 0.05, (2, INPUTS + 1, 4)).astype(np.float16).astype(np.float32),
        out=random.normal(0, 0.05, (2, 4 + INPUTS + 1, OUTPUTS)).astype(np.float16).astype(np.float32),
        unit_slope=np.ones(12),
        unit_offset=np.zeros(12),
        thresholds=np.full(12, 0.5),
        class_slope=1.0,
        common_units=False,
        several_views=True,
        reliability=dict.fromkeys(UNITS, 0.8),
    )


def test_the_forward_pass_is_the_sum_that_it_says():
    head, x = tiny_head(), np.random.default_rng(1).normal(size=INPUTS)
    made = network.forward(x[None].astype(np.float32), head.hidden, head.out)
    for member in range(2):
        active = [max(float(x @ head.hidden[member, :-1, h] + head.hidden[member, -1, h]), 0.0) for h in range(4)]
        wanted = np.r_[active, x, 1.0] @ head.out[member]
        assert made[member, 0] == pytest.approx(wanted, abs=1e-4)


def test_a_head_comes_back_from_the_disk_as_it_went(tmp_path):
    head = tiny_head()
    network.save(head, tmp_path, {"seed": 0})
    back = network.load(tmp_path)
    assert np.array_equal(back.hidden, head.hidden)
    assert np.array_equal(back.out, head.out)
    assert back.reliability == head.reliability


def test_weights_that_are_missing_or_others_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="missing"):
        network.load(tmp_path / "nowhere")
    network.save(tiny_head(), tmp_path / "other", {})
    numbers = json.loads((tmp_path / "other" / "head.json").read_text())
    (tmp_path / "other" / "head.json").write_text(json.dumps({**numbers, "weights_sha256": "0"}))
    with pytest.raises(WeightsError, match="not the expected"):
        network.load(tmp_path / "other")


def test_the_shipped_head_is_quick_and_well_formed():
    head = network.load()
    uvs = picture("positive", np.random.default_rng(0))[None]
    network.read(uvs, head)
    seconds = []
    for _ in range(15):
        started = time.process_time()
        reading = network.read(uvs, head)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.005
    assert reading.coarse.sum() == pytest.approx(1.0)
    assert ((reading.units > 0) & (reading.units < 1)).all()
    assert reading.units[0, UNITS.index(12)] > reading.units[0, UNITS.index(4)]


# ---------------------------------------------------------------------------------------------- two witnesses


def reading(coarse=(0.2, 0.6, 0.2), **probabilities):
    units = np.full((1, len(UNITS)), 0.02)
    for name, value in probabilities.items():
        units[0, UNITS.index(int(name[2:]))] = value
    return Reading(units, np.array([coarse]))


def judged(vectors, said, head=None):
    rules = recognise(motions(vectors), noise_floor_px=FLOOR, interocular_px=IOD)
    return combined(rules, said, head or tiny_head(), FLOOR)


def test_agreement_is_said_and_raises_the_probability():
    alone = recognise(motions(pattern(12, amplitude=0.6)), noise_floor_px=FLOOR, interocular_px=IOD)
    found = judged(pattern(12, amplitude=0.6), reading(au12=0.93))
    assert [witness.name for witness in claims(found)[12].witnesses] == ["rules", "network"]
    assert claims(found)[12].probability > claims(alone)[12].probability
    assert claims(found)[12].reliability == 0.8
    assert any("agree on AU 12" in note for note in found.notes)


def test_a_difference_keeps_both():
    found = judged(pattern(12), reading(au12=0.05))
    assert claims(found)[12].witnesses[1].probability == 0.05
    assert any("Only the rules read AU 12" in note for note in found.notes)


def test_the_network_alone_needs_motion_its_way():
    vectors = added(pattern(4), both("cheek", 0, 1, 1.2))
    assert 6 not in claims(judged(pattern(4), reading(au6=0.9)))
    found = claims(judged(vectors, reading(au4=0.9, au6=0.9)))
    assert found[6].witnesses[0].name == "network"
    assert found[6].side == "both"


def test_what_a_claim_of_the_rules_brings_along_is_no_claim_of_the_network():
    """AU 9 lowers the inner brows: AU 4 on top of it needs more than that."""
    said = reading(au4=0.9, au9=0.2)
    assert set(claims(judged(pattern(9), said))) == {9}
    frown = dict.fromkeys(("inner_brow_left", "inner_brow_right"), (0.0, 1.2))
    found = claims(judged(added(pattern(9), frown), said))
    assert 4 in found


def test_what_the_network_reads_poorly_it_does_not_claim_alone():
    vectors = added(pattern(4), both("cheek", 0, 1, 1.2))
    poor = replace(tiny_head(), reliability={**dict.fromkeys(UNITS, 0.8), 6: 0.1})
    assert 6 not in claims(judged(vectors, reading(au4=0.9, au6=0.9), poor))


def test_without_motion_the_network_is_not_heard(landmarks):
    rules = recognise(motions({}), noise_floor_px=FLOOR, interocular_px=IOD)
    assert combined(rules, reading(au4=0.99), tiny_head(), FLOOR) is rules
    noise = np.random.default_rng(0).normal(0, 0.01, (CROP_PX, CROP_PX, 2)).astype(np.float32)
    assert with_network(rules, noise, landmarks, noise_floor_px=FLOOR).action_units == ()


def test_rare_units_stay_with_the_rules():
    found = claims(judged(pattern(26), reading()))
    assert [witness.name for witness in found[26].witnesses] == ["rules"]
    assert found[26].reliability is None


def test_the_class_is_blended_and_a_difference_named():
    found = judged(pattern(12), reading(coarse=(0.9, 0.05, 0.05), au12=0.9))
    shares = (found.coarse.negative, found.coarse.positive, found.coarse.surprise)
    assert sum(shares) == pytest.approx(1.0)
    assert any("coarse class is open" in note for note in found.notes)


def test_one_side_is_taken_from_the_motion():
    vectors = added(pattern(4), {"cheek_left": (0.0, -1.2)})
    assert claims(judged(vectors, reading(au4=0.9, au6=0.9)))[6].side == "left"


# ---------------------------------------------------------------------------------------------- real flow

# The channel (0 u, 1 v) in which a unit moves its region, and how far apart the peaks may lie in px of the grid.
PEAKS = {1: 1, 2: 1, 4: 1, 12: 1}


@pytest.mark.parametrize("au", PEAKS)
def test_a_synthetic_unit_peaks_where_the_corpora_s_does(au, data_dir, astronaut, astronaut_landmarks):
    from mellm_demo.training.me_flow import read_me_flow
    from mellm_demo.training.synthesis import ClipSpec, Event, Movement, Scene

    if not (data_dir / "me_flow").is_dir():
        pytest.skip("MELLM_DATA holds no folder me_flow with the flow of real micro-expressions")
    corpus = read_me_flow(data_dir)
    shown = corpus.coded & (corpus.units[:, UNITS.index(au)] > 0)
    rest = corpus.coded & ~shown
    maps = normalised(corpus.uvs, common_units=False)[..., PEAKS[au]]
    real = maps[shown].mean(axis=0) - maps[rest].mean(axis=0)
    scene = Scene(
        astronaut,
        ClipSpec(width=384, height=384, eye_distance_px=130.0, events=(Event(100, 200, 300, (Movement(au),)),)),
        astronaut_landmarks,
    )
    rest_points = scene.landmarks @ scene.crop_from_frame[:, :2].T + scene.crop_from_frame[:, 2]
    made = normalised(corpus_crop(scene.flows()[0], rest_points.astype(np.float32))[None], common_units=False)
    own = made[0, ..., PEAKS[au]]
    sign = -1.0 if au in (1, 2, 12) else 1.0  # up is negative

    def peak(picture):
        half = sign * (picture + picture[:, ::-1])[:, :14]
        return np.array(np.unravel_index(np.argmax(half), half.shape))

    assert np.abs(peak(own) - peak(real)).max() <= 4
    assert facs.AU_BY_NUMBER[au].paired
