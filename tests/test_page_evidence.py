"""The evidence on the page: bars with probability, side and region, reliability badges, the drawing on the face."""

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support_analysis import make_analysis

from mellm_demo import facs, wording
from mellm_demo.records import CROP_PX, ActionUnitEvidence, Witness
from mellm_demo.ui.evidence import evidence, places
from mellm_demo.ui.overlay import FITTING, GAP, HEIGHT, drawing, units_drawing
from mellm_demo.ui.stage import stage_payload

SVG = "{http://www.w3.org/2000/svg}"


def unit(au=12, side="both", probability=0.8, reliability=None, witnesses=("rules",), regions=None):
    known = facs.AU_BY_NUMBER[au]
    named = [expectation.region for expectation in known.expectations if expectation.defining]
    sides = ("left", "right") if side == "both" else (side,)
    keys = [key for name in named for key in ([name] if name in facs.REGION_BY_KEY else [f"{name}_{s}" for s in sides])]
    said = tuple(Witness(name, probability, "…") for name in witnesses)
    return ActionUnitEvidence(au, known.name, side, probability, 1.2, tuple(regions or keys), said, reliability)


def with_units(*units, finding="smile"):
    analysis = make_analysis(finding)
    return replace(analysis, evidence=replace(analysis.evidence, action_units=units))


@pytest.fixture
def landmarks():
    return make_analysis("smile").face.reference_landmarks


@pytest.mark.parametrize(
    ("reliability", "word", "css"),
    [(0.81, "reliability 0.81, good", "good"), (0.6, "reliability 0.60, fair", "fair"), (0.05, "poor", "poor")],
)
def test_each_unit_carries_its_reliability(reliability, word, css):
    page = evidence(with_units(unit(reliability=reliability, witnesses=("rules", "network"))))
    badge = re.search(r"<span class='badge badge-(\w+)'[^>]*>([^<]*)</span>", page)
    assert badge is not None
    assert badge[1] == css
    assert word in badge[2]


def test_what_was_never_measured_says_so():
    assert ">not measured on real clips<" in evidence(with_units(unit(26)))


def test_a_number_is_a_probability_only_where_the_network_carries_it():
    cases = {
        "probability": unit(reliability=0.8, witnesses=("rules", "network")),
        "fit": unit(reliability=0.1, witnesses=("rules", "network")),
    }
    for word, one in cases.items():
        assert wording.scale(one) == word
        assert f"<b>0.80</b> <span>{word}</span>" in evidence(with_units(one))
    assert wording.scale(unit()) == "fit"


def test_a_bar_names_side_and_region():
    page = evidence(with_units(unit(12, side="left", probability=0.73)))
    meter = re.search(r"role='meter' aria-label='([^']*)'[^>]*aria-valuenow='(\d+)'", page)
    assert meter is not None
    assert meter[2] == "73"
    assert "subject’s left" in meter[1]
    assert "mouth corner" in meter[1]
    assert places(unit(6)) == "cheek and lower lid"


def test_one_sided_units_are_written_on_their_side_of_the_picture_only(landmarks):
    for side, at_right in (("left", True), ("right", False)):
        texts = list(ET.fromstring(drawing([unit(12, side=side)], landmarks)).iter(f"{SVG}text"))
        assert [node.text for node in texts] == ["AU12", "0.80"]
        assert all((float(node.get("x")) > CROP_PX / 2) is at_right for node in texts)
    both = ET.fromstring(drawing([unit(12)], landmarks))
    assert [node.text for node in both.iter(f"{SVG}text")].count("AU12") == 2
    chin = ET.fromstring(drawing([unit(17)], landmarks))
    assert [node.text for node in chin.iter(f"{SVG}text")].count("AU17") == 1


def test_bars_are_as_long_as_they_are_probable(landmarks):
    def bar(probability):
        drawn = ET.fromstring(drawing([unit(12, side="left", probability=probability)], landmarks))
        _, track, filled = drawn.iter(f"{SVG}rect")
        return float(filled.get("width")) / float(track.get("width"))

    assert bar(0.25) == pytest.approx(0.25, abs=0.01)
    assert bar(1.0) == pytest.approx(1.0)


def test_outlines_lie_where_the_landmarks_do(landmarks):
    drawn = ET.fromstring(drawing([unit(12, side="left")], landmarks))
    polygon = next(drawn.iter(f"{SVG}polygon")).get("points")
    points = np.array([[float(value) for value in point.split(",")] for point in polygon.split()])
    mesh = landmarks[list(facs.REGION_BY_KEY["mouth_corner_left"].mesh)]
    assert points.min(axis=0) == pytest.approx(mesh.min(axis=0), abs=0.06)
    assert points.max(axis=0) == pytest.approx(mesh.max(axis=0), abs=0.06)


@given(
    st.lists(st.sampled_from([u.number for u in facs.ACTION_UNITS if u.by_rules]), min_size=1, unique=True, max_size=8)
)
def test_labels_never_overlap_nor_leave_the_picture(numbers):
    drawn = ET.fromstring(
        drawing([unit(number) for number in numbers], make_analysis("smile").face.reference_landmarks)
    )
    plates = [node for node in drawn.iter(f"{SVG}rect") if float(node.get("height")) == HEIGHT]
    assert len(plates) >= min(len(numbers), FITTING)
    for column in {node.get("x") for node in plates}:
        tops = sorted(float(node.get("y")) for node in plates if node.get("x") == column)
        assert tops[0] >= 0
        assert tops[-1] + HEIGHT <= CROP_PX
        assert all(low - high >= HEIGHT + GAP - 0.11 for high, low in pairwise(tops))


def test_the_stage_and_the_evidence_show_the_same_drawing():
    analysis = make_analysis("smile")
    drawn = stage_payload(analysis)["units"]
    assert drawn == units_drawing(analysis)
    assert drawn in evidence(analysis)
    markup = base64.b64decode(drawn.partition("base64,")[2]).decode()
    assert "AU12" in markup
    assert "AU6" in markup


@pytest.mark.parametrize("finding", ["doubtful", "nothing"])
def test_what_is_not_reliable_is_not_drawn_nor_read_as_a_feeling(finding):
    analysis = make_analysis(finding)
    page = evidence(analysis)
    assert "units-face" not in page
    assert "What it may express" not in page
    assert units_drawing(analysis) is None
    if analysis.evidence is not None and analysis.evidence.action_units:
        assert "nothing of this is claimed" in page
