"""The tables: complete, mirrored, consistent with one another."""

import pytest

from mellm_demo import facs

# Mirror pairs of MediaPipe's mesh, right → left, that tie the two halves of REGIONS together independently of them.
MIRROR = {107: 336, 70: 300, 33: 263, 159: 386, 145: 374, 117: 346, 129: 358, 98: 327, 206: 426, 61: 291, 57: 287}


def test_regions_come_in_mirrored_pairs():
    for region in facs.REGIONS:
        if region.side == "left":
            twin = facs.REGION_BY_KEY[region.key.replace("_left", "_right")]
            assert (twin.name, twin.lid, len(twin.mesh)) == (region.name, region.lid, len(region.mesh))
            assert not set(twin.mesh) & set(region.mesh)
            for right, left in MIRROR.items():
                assert (right in twin.mesh) == (left in region.mesh), region.key
                if right in twin.mesh:
                    assert twin.mesh.index(right) == region.mesh.index(left)


def test_mesh_indices_exist_and_regions_have_area():
    for region in facs.REGIONS:
        assert len(set(region.mesh)) == len(region.mesh) >= 3
        assert all(0 <= index < 468 for index in region.mesh)


@pytest.mark.parametrize(
    ("degrees", "name"),
    [(0, "right"), (44, "down-right"), (90, "down"), (181, "left"), (270, "up"), (359, "right"), (330, "up-right")],
)
def test_direction_names(degrees, name):
    assert facs.direction_name(degrees) == name


def test_action_units_are_complete():
    numbers = [unit.number for unit in facs.ACTION_UNITS]
    assert numbers == sorted(set(numbers))
    assert {1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 25, 26} <= {
        unit.number for unit in facs.ACTION_UNITS if unit.by_rules
    }
    for unit in facs.ACTION_UNITS:
        assert unit.name
        assert unit.name_zh
        assert unit.muscle
        assert unit.plain
        assert unit.plain_zh
        assert any(expectation.defining for expectation in unit.expectations)
        assert set(unit.confusers) <= set(facs.AU_BY_NUMBER) - {unit.number}


def test_expectations_name_regions_and_stay_in_scale():
    for unit in facs.ACTION_UNITS:
        for expectation in unit.expectations:
            on_midline = expectation.region in facs.REGION_BY_KEY
            assert on_midline or f"{expectation.region}_left" in facs.REGION_BY_KEY
            assert not (on_midline and expectation.out), "the midline has no outside"
            assert 0 < max(abs(expectation.out), abs(expectation.up)) <= 1.0


@pytest.mark.parametrize(
    ("number", "region", "out", "up"),
    [
        (1, "inner_brow", 0, 1),
        (2, "outer_brow", 0, 1),
        (4, "inner_brow", -1, -1),
        (5, "upper_lid", 0, 1),
        (6, "cheek", 0, 1),
        (7, "lower_lid", -1, 1),
        (9, "nostril_wing", 0, 1),
        (10, "upper_lip", 0, 1),
        (12, "mouth_corner", 1, 1),
        (14, "mouth_corner", -1, 0),
        (15, "mouth_corner", 0, -1),
        (17, "chin", 0, 1),
        (20, "mouth_corner", 1, 0),
        (25, "lower_lip", 0, -1),
        (26, "chin", 0, -1),
    ],
)
def test_defining_directions_are_those_of_facs(number, region, out, up):
    expectation = next(
        entry for entry in facs.AU_BY_NUMBER[number].expectations if entry.region == region and entry.defining
    )

    def sign(value):
        return 0 if abs(value) < 0.25 else (1 if value > 0 else -1)

    assert (sign(expectation.out), sign(expectation.up)) == (out, up)


def test_emotions_are_consistent():
    assert {emotion.coarse for emotion in facs.EMOTIONS} == set(facs.COARSE_CLASSES)
    for emotion in facs.EMOTIONS:
        assert emotion.prototype <= set(facs.AU_BY_NUMBER)
        assert all(group <= set(facs.AU_BY_NUMBER) for group in emotion.casme2)
        assert emotion.name_zh
    assert facs.EMOTION_BY_NAME["happiness"].coarse == "positive"
    assert facs.EMOTION_BY_NAME["repression"].coarse == "negative"


def test_counts_do_not_exceed_their_clips():
    assert sum(facs.CASME2_CLIPS.values()) == 145
    for emotion, counts in facs.CASME2_COUNTS.items():
        assert all(0 < count <= facs.CASME2_CLIPS[emotion] for count in counts.values())
        assert set(counts) <= set(facs.AU_BY_NUMBER)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ((12,), "I"),
        ((12, 6, 7), "I"),
        ((1, 2), "II"),
        ((4, 7), "III"),
        ((4, 9), "IV"),
        ((15, 17), "V"),
        ((20,), "VI"),
        ((14,), "VII"),
        ((12, 4), "VII"),
        ((), None),
    ],
)
def test_objective_class_is_an_exact_look_up(numbers, name):
    assert facs.objective_class(numbers) == name


def test_no_set_stands_in_two_objective_classes():
    sets = [group for groups in facs.OBJECTIVE_CLASSES.values() for group in groups]
    assert len(sets) == len(set(sets))


def test_every_word_of_the_page_has_its_chinese():
    assert {region.name for region in facs.REGIONS} == set(facs.REGION_ZH)
    assert set(facs.DIRECTIONS) == set(facs.DIRECTION_ZH)
    assert set(facs.COARSE_CLASSES) == set(facs.COARSE_ZH)
    assert set(facs.SIDE_ZH) == {"left", "right", "both"}
    assert set(facs.EMOTION_ZH) == set(facs.EMOTION_BY_NAME)
