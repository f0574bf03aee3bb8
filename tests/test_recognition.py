"""The rules: each unit's own motion gives that unit, on the right side, and noise gives nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mellm_demo import facs
from mellm_demo.recognition import MAX_PROBABILITY, coarse_class, emotions, recognise
from mellm_demo.records import ActionUnitEvidence, RegionMotion, Witness

FLOOR = 0.3
IOD = 78.0
READABLE = [unit for unit in facs.ACTION_UNITS if unit.by_rules]
SIDED = [unit for unit in READABLE if unit.paired]


def motions(vectors, floor=FLOOR):
    """RegionMotions from {key: (u, v)}; regions that are not named rest."""
    made = []
    for region in facs.REGIONS:
        u, v = (float(value) for value in vectors.get(region.key, (0.0, 0.0)))
        size, degrees = math.hypot(u, v), math.degrees(math.atan2(v, u)) % 360
        made.append(
            RegionMotion(
                key=region.key,
                name=region.name,
                side=region.side,
                u_px=u,
                v_px=v,
                magnitude_px=size,
                max_px=1.3 * size,
                magnitude_iod=100 * size / IOD,
                direction_deg=degrees,
                direction=facs.direction_name(degrees),
                moving=size > floor,
            )
        )
    return tuple(made)


def pattern(number, sides=("left", "right"), amplitude=1.5):
    """{key: (u, v)} as the table of facs expects it; a region on the midline follows each side by half."""
    vectors = {}
    for side in sides:
        outward = 1.0 if side == "left" else -1.0  # the subject's left is at the image's right
        for expectation in facs.AU_BY_NUMBER[number].expectations:
            key = expectation.region
            if key in facs.REGION_BY_KEY:
                step = (0.0, -0.5 * amplitude * expectation.up)
            else:
                key = f"{key}_{side}"
                step = (outward * amplitude * expectation.out, -amplitude * expectation.up)
            u, v = vectors.get(key, (0.0, 0.0))
            vectors[key] = (u + step[0], v + step[1])
    return vectors


def added(*parts):
    total = {}
    for part in parts:
        for key, (u, v) in part.items():
            x, y = total.get(key, (0.0, 0.0))
            total[key] = (x + u, y + v)
    return total


def mirrored(vectors):
    swap = {"left": "right", "right": "left"}
    result = {}
    for key, (u, v) in vectors.items():
        name, _, side = key.rpartition("_")
        result[f"{name}_{swap[side]}" if side in swap else key] = (-u, v)
    return result


def read(vectors, floor=FLOOR):
    return recognise(motions(vectors, floor), noise_floor_px=floor, interocular_px=IOD)


def claims(evidence):
    return {unit.au: unit for unit in evidence.action_units}


@pytest.mark.parametrize("amplitude", [0.8, 1.5, 4.0])
@pytest.mark.parametrize("unit", READABLE, ids=lambda unit: f"AU{unit.number}")
def test_the_pattern_of_a_unit_gives_that_unit_first(unit, amplitude):
    found = read(pattern(unit.number, amplitude=amplitude)).action_units
    assert [claim.au for claim in found] == [unit.number]
    assert found[0].side == "both"
    assert found[0].name == unit.name
    assert found[0].strength_px == pytest.approx(amplitude, rel=0.1)
    assert found[0].probability > 0.6


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("unit", SIDED, ids=lambda unit: f"AU{unit.number}")
def test_one_side_is_told(unit, side):
    found = read(pattern(unit.number, sides=(side,))).action_units
    assert [(claim.au, claim.side) for claim in found] == [(unit.number, side)]
    assert all(facs.REGION_BY_KEY[key].side in (side, None) for key in found[0].regions)


def test_a_weaker_side_counts_as_both_and_a_much_weaker_one_does_not():
    def smile(share):
        return claims(read(added(pattern(12, ("left",), 2.0), pattern(12, ("right",), 2.0 * share))))[12].side

    assert smile(0.7) == "both"
    assert smile(0.25) == "left"


@pytest.mark.parametrize(
    "numbers",
    [(1, 2), (4, 7), (6, 12), (1, 2, 5), (15, 17), (9, 4), (25, 12), (2, 26), (4, 10), (12, 4), (17, 4)],
    ids=str,
)
def test_mixtures_are_taken_apart(numbers):
    found = claims(read(added(*(pattern(number) for number in numbers))))
    assert set(found) == set(numbers)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_mirrored_face_swaps_the_sides(data):
    vectors = {key: (data.draw(st.floats(-3, 3)), data.draw(st.floats(-3, 3))) for key in facs.REGION_KEYS}
    swap = {"left": "right", "right": "left", "both": "both"}
    here, there = claims(read(vectors)), claims(read(mirrored(vectors)))
    assert set(here) == set(there)
    for number, claim in here.items():
        assert there[number].side == swap[claim.side]
        assert there[number].probability == pytest.approx(claim.probability, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_is_claimed_below_the_noise_floor(data):
    vectors = {}
    for key in facs.REGION_KEYS:
        size, angle = data.draw(st.floats(0, 0.6 * FLOOR)), data.draw(st.floats(0, 2 * math.pi))
        vectors[key] = (size * math.cos(angle), size * math.sin(angle))
    evidence = read(vectors)
    assert evidence.action_units == ()
    assert evidence.coarse is None
    assert evidence.emotions == ()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), factor=st.floats(0.2, 5.0))
def test_the_choice_does_not_depend_on_the_scale(data, factor):
    vectors = {key: (data.draw(st.floats(-3, 3)), data.draw(st.floats(-3, 3))) for key in facs.REGION_KEYS}
    scaled = {key: (factor * u, factor * v) for key, (u, v) in vectors.items()}
    here, there = claims(read(vectors)), claims(read(scaled, FLOOR * factor))
    assert {key: claim.side for key, claim in here.items()} == {key: claim.side for key, claim in there.items()}


@settings(max_examples=80, deadline=None)
@given(data=st.data(), floor=st.floats(0.02, 2.0))
def test_whatever_moves_the_evidence_is_well_formed(data, floor):
    vectors = {key: (data.draw(st.floats(-20, 20)), data.draw(st.floats(-20, 20))) for key in facs.REGION_KEYS}
    evidence = read(vectors, floor)
    assert [region.key for region in evidence.regions] == list(facs.REGION_KEYS)
    probabilities = [claim.probability for claim in evidence.action_units]
    assert probabilities == sorted(probabilities, reverse=True)
    for claim in evidence.action_units:
        assert 0 < claim.probability <= MAX_PROBABILITY
        assert claim.strength_px >= floor
        assert claim.regions
        assert claim.witnesses[0].name == "rules"
        assert claim.witnesses[0].probability == claim.probability
    if evidence.coarse is not None:
        shares = (evidence.coarse.negative, evidence.coarse.positive, evidence.coarse.surprise)
        assert sum(shares) == pytest.approx(1.0)
        assert min(shares) >= 0
    for hypothesis in evidence.emotions:
        assert 0 <= hypothesis.support <= 1
        assert hypothesis.reasons_for


def test_a_stronger_motion_is_more_probable():
    probabilities = [claims(read(pattern(1, amplitude=size)))[1].probability for size in (0.4, 0.6, 0.9, 1.2)]
    assert probabilities == sorted(probabilities)
    assert probabilities[0] < probabilities[-1]


def test_a_motion_that_fits_worse_is_less_probable():
    straight = pattern(1, amplitude=0.9)
    slanted = added(straight, {"inner_brow_left": (0.6, 0.0), "inner_brow_right": (-0.6, 0.0)})
    assert claims(read(slanted))[1].probability < claims(read(straight))[1].probability


def both(name, out, up, size=1.5):
    return {f"{name}_left": (size * out, -size * up), f"{name}_right": (-size * out, -size * up)}


@pytest.mark.parametrize(
    ("what", "vectors", "expected", "excluded"),
    [
        ("a blink is not a tightened lid", added(both("upper_lid", 0, -1), both("lower_lid", -0.1, 0.5)), {43}, {7}),
        ("a small brow-lid gap is not a raised brow", both("upper_lid", 0, 1), {5}, {1, 2}),
        ("corners straight out are stretched", both("mouth_corner", 1, 0), {20}, {12, 14}),
        ("corners up and out are a smile", both("mouth_corner", 0.7, 0.7), {12}, {14, 20}),
        ("corners in are a dimple", both("mouth_corner", -1, 0.1), {14}, {12, 20, 23}),
        (
            "a dimple on one side with noise on the other",
            {"mouth_corner_left": (-1.4, -0.2), "mouth_corner_right": (0.01, 0)},
            {14},
            {23},
        ),
        ("the jaw takes the lip along", {"chin": (0, 1.5), "lower_lip": (0, 1.6)}, {26}, {25, 15, 17}),
        (
            "a whole mouth that goes down is no jaw",
            added(
                both("mouth_corner", 0, -0.35, 1.0), {"chin": (0, 0.5), "lower_lip": (0, 0.5), "upper_lip": (0, 0.4)}
            ),
            set(),
            {15, 26},
        ),
        ("lips part without the jaw", {"lower_lip": (0, 1.5), "upper_lip": (0, -0.6)}, {25}, {26, 10}),
        ("lips pressed without the chin", {"lower_lip": (0, -1.2), "upper_lip": (0, 1.2)}, {24}, {17, 25}),
        ("the chin takes the lip along", {"lower_lip": (0, -1.2), "chin": (0, -1.4)}, {17}, {24, 26}),
        ("a cheek without its lid is not AU 6", both("cheek", 0, 1), set(), {6, 7}),
        ("a smile lifts the cheek by itself", added(pattern(12), both("cheek", 0, 0.2)), {12}, {6}),
        ("a lid without its cheek is AU 7", both("lower_lid", -0.2, 1), {7}, {6}),
        ("wings lead over the lip in AU 9", added(both("nostril_wing", 0, 1), {"upper_lip": (0, -0.6)}), {9}, {10}),
    ],
)
def test_confusers(what, vectors, expected, excluded):
    found = set(claims(read(vectors)))
    assert expected <= found, what
    assert not excluded & found, what


def unit(number, probability=0.9, side="both"):
    entry = facs.AU_BY_NUMBER[number]
    return ActionUnitEvidence(
        number, entry.name, side, probability, 1.0, ("chin",), (Witness("rules", probability, "…"),)
    )


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((6, 12), "positive"), ((1, 2), "surprise"), ((4, 7), "negative"), ((17,), "negative"), ((9,), "negative")],
)
def test_coarse_class_follows_the_tables(numbers, expected):
    shares = coarse_class([unit(number) for number in numbers])
    assert shares is not None
    assert max(("negative", "positive", "surprise"), key=lambda name: getattr(shares, name)) == expected


def test_a_doubtful_unit_moves_the_class_less():
    sure, doubtful = coarse_class([unit(12, 0.9)]), coarse_class([unit(12, 0.4)])
    assert 1 / 3 < doubtful.positive < sure.positive


def test_units_without_a_class_give_none():
    assert coarse_class([]) is None
    assert coarse_class([unit(43)]) is None


def test_emotions_are_reasoned_and_stay_tentative():
    found = {entry.name: entry for entry in emotions([unit(4), unit(7)])}
    assert next(iter(found)) == "disgust"
    assert {"disgust", "anger"} <= set(found)
    for name in ("disgust", "anger"):
        assert any("SAMM" in reason for reason in found[name].reasons_against)
    smile = emotions([unit(6), unit(12)])
    assert smile[0].name == "happiness"
    assert not smile[0].reasons_against
    assert all(entry.support < 0.9 for entry in (*found.values(), *smile))


def test_what_was_not_seen_counts_against_a_prototype():
    sadness = {entry.name: entry for entry in emotions([unit(1), unit(15)])}["sadness"]
    assert any("AU 4" in reason and "not seen" in reason for reason in sadness.reasons_against)
    full = {entry.name: entry for entry in emotions([unit(1), unit(4), unit(15)])}["sadness"]
    assert full.support > sadness.support


def test_contempt_needs_one_side():
    assert "contempt" in {entry.name for entry in emotions([unit(14, side="left")])}
    assert "contempt" not in {entry.name for entry in emotions([unit(14)])}


def test_a_foreign_unit_weakens_an_emotion():
    alone = {entry.name: entry for entry in emotions([unit(12)])}["happiness"]
    mixed = {entry.name: entry for entry in emotions([unit(12), unit(4)])}["happiness"]
    assert mixed.support < alone.support
    assert any("AU 4" in reason for reason in mixed.reasons_against)


def test_the_witness_names_what_was_measured():
    claim = claims(read(pattern(12, ("left",), 1.2)))[12]
    statement = claim.witnesses[0].statement
    assert "left mouth corner moves up and out by 1.3 px" in statement
    assert "× the noise floor" in statement
    assert claim.regions == ("mouth_corner_left",)


def test_notes_say_what_the_claims_are_worth():
    evidence = read(added(pattern(4), pattern(7)))
    assert any("not how often" in note for note in evidence.notes)
    assert any("CASME II" in note and "SAMM" in note for note in evidence.notes)
    assert any("one side only" in note for note in read(pattern(14, ("right",))).notes)
    assert read({}).notes == ()


def test_values_that_are_not_finite_count_as_rest():
    resting = motions(pattern(12))
    broken = tuple(replace(entry, u_px=math.nan, v_px=math.inf) if entry.key == "chin" else entry for entry in resting)
    evidence = recognise(broken, noise_floor_px=FLOOR, interocular_px=IOD)
    assert [claim.au for claim in evidence.action_units] == [12]


@pytest.mark.parametrize(("floor", "distance"), [(0.0, IOD), (-1.0, IOD), (math.nan, IOD), (FLOOR, 0.0)])
def test_refuses_a_floor_or_distance_that_makes_no_sense(floor, distance):
    with pytest.raises(ValueError):
        recognise(motions({}), noise_floor_px=floor, interocular_px=distance)


def test_noise_alone_hardly_ever_gives_a_claim():
    rng = np.random.default_rng(11)
    claimed = 0
    for _ in range(200):
        vectors = {key: tuple(rng.normal(0, FLOOR / 3, 2)) for key in facs.REGION_KEYS}
        claimed += bool(read(vectors).action_units)
    assert claimed <= 10


def test_what_both_sides_share_sideways_is_no_expression():
    shifted = dict.fromkeys(("mouth_corner_left", "mouth_corner_right", "upper_lip", "lower_lip"), (1.5, 0.0))
    assert read(shifted).action_units == ()
    found = read(added(shifted, pattern(12))).action_units
    assert [(claim.au, claim.side) for claim in found] == [(12, "both")]


@pytest.mark.parametrize("noise", [0.0, FLOOR / 3])
def test_reads_displacement_fields_that_were_not_made_from_these_rules(noise):
    """The synthetic clips' fields, most of them measured on faces, on the mesh's mean face."""
    from mellm_demo.training.synthesis import ACTION_UNITS, MESH_FILE, au_field

    with np.load(MESH_FILE) as stored:
        face = stored["mean_aligned_mesh"][:, :2].astype(np.float64) * (1.0, -1.0)
    rng = np.random.default_rng(4)
    hits = dict.fromkeys(ACTION_UNITS, 0)
    shown, false, sided = dict(hits), dict(hits), []
    for number in ACTION_UNITS:
        for side in ("both", "left", "right") if facs.AU_BY_NUMBER[number].paired else ("both",):
            for _ in range(4 if noise else 1):
                field = 1.5 * au_field(number, face, side)
                vectors = {
                    region.key: tuple(field[list(region.mesh)].mean(axis=0) + rng.normal(0, noise, 2))
                    for region in facs.REGIONS
                }
                found = claims(read(vectors))
                shown[number] += 1
                for claimed in found:
                    if claimed == number:
                        hits[number] += 1
                        sided.append(found[claimed].side == side)
                    elif claimed in false:
                        false[claimed] += 1
    scores = [2 * hits[n] / (shown[n] + hits[n] + false[n]) for n in ACTION_UNITS]
    assert np.mean(scores) >= (0.8 if noise else 0.95)
    assert np.mean(sided) >= 0.95
