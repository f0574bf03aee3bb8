"""JSON, CSV and zip hold what was measured, in the documented shape, and nothing that does not belong there."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support_analysis import make_analysis

from mellm_demo import facs
from mellm_demo.export import (
    SCHEMA_VERSION,
    AnalysisDocument,
    document,
    json_schema,
    png_bytes,
    to_csv,
    to_json,
    to_zip,
)
from mellm_demo.records import CoarseClass, Evidence, ReasonerCard, Turn

PROMISED_KEYS = {
    "schema_version": str,
    "clip": dict,
    "face": dict,
    "reliable": bool,
    "reasons": list,
    "candidates": list,
    "selected": int,
    "regions": list,
    "action_units": list,
    "coarse": dict,
    "quality": dict,
    "provenance": dict,
    "conversation": list,
}
CARD = ReasonerCard("Narrator", False, "no model", "—", "CPU", "No model is asked for.", "composed from measurements")


def loaded(text: str) -> dict:
    """Strict: NaN and Infinity are errors."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.parametrize("finding", ["smile", "one_sided_brow", "nothing", "doubtful"])
@pytest.mark.parametrize("kind", ["video", "pair"])
def test_json_round_trips_through_its_own_schema(finding, kind):
    analysis = make_analysis(finding, clip_kind=kind, second_candidate=finding == "smile" and kind == "video")
    turns = (Turn("assistant", "What moved: …"), Turn("user", "为什么?"))
    text = to_json(analysis, turns, CARD)
    assert AnalysisDocument.model_validate_json(text) == document(analysis, turns, CARD)
    assert text == to_json(analysis, turns, CARD)
    assert loaded(text)["conversation"] == [
        {
            "role": role,
            "text": text,
            "speaker": None,
            "ended": None,
            "statements": [],
            "unchecked": [],
            "tally": None,
            "rewritten": 0,
            "left_out": 0,
        }
        for role, text in (("assistant", "What moved: …"), ("user", "为什么?"))
    ]


def test_json_has_the_keys_that_others_script_against():
    analysis = make_analysis("smile")
    plain = loaded(to_json(analysis))
    for key, kind in PROMISED_KEYS.items():
        assert isinstance(plain[key], kind), key
    assert plain["schema_version"] == SCHEMA_VERSION
    assert plain["reliable"] is True
    assert plain["selected"] == 0
    assert plain["reasoner"] is None
    candidate = plain["candidates"][0]
    found = analysis.spotting.candidates[0]
    assert (candidate["onset_ms"], candidate["apex_ms"], candidate["offset_ms"]) == (
        found.onset_ms,
        found.apex_ms,
        found.offset_ms,
    )
    assert candidate["kind"] == "micro"
    assert candidate["score"] == pytest.approx(found.score, abs=1e-4)
    region = next(r for r in plain["regions"] if r["key"] == "mouth_corner_left")
    assert (region["name"], region["side"]) == ("mouth corner", "left")
    assert region["magnitude_px"] > 0
    assert region["magnitude_iod"] > 0
    assert 270 < region["direction_deg"] < 360
    assert len(plain["regions"]) == len(facs.REGIONS)
    unit = plain["action_units"][0]
    assert (unit["au"], unit["name"], unit["side"]) == (12, "lip corner puller", "both")
    assert {"name", "probability", "statement"} <= set(unit["witnesses"][0])
    assert sum(plain["coarse"].values()) == pytest.approx(1.0, abs=1e-6)
    assert set(plain["coarse"]) == {"negative", "positive", "surprise"}


def test_json_says_how_well_each_unit_is_read():
    analysis = make_analysis("smile")
    first, *others = analysis.evidence.action_units
    units = (replace(first, reliability=0.8125), *(replace(unit, reliability=None) for unit in others))
    plain = loaded(to_json(replace(analysis, evidence=replace(analysis.evidence, action_units=units))))
    assert [unit["reliability"] for unit in plain["action_units"]] == [0.8125, *[None] * len(others)]
    assert "reliability" in json_schema()["$defs"]["ActionUnitPart"]["required"]


def test_json_of_nothing_reliable_is_as_complete():
    plain = loaded(to_json(make_analysis("nothing")))
    assert plain["reliable"] is False
    assert plain["reasons"]
    assert plain["selected"] is None
    assert plain["coarse"] is None
    assert plain["interval"] is None
    assert (plain["candidates"], plain["regions"], plain["action_units"]) == ([], [], [])


def test_json_says_when_the_interval_was_set_by_hand():
    plain = loaded(to_json(make_analysis("smile", by_user=True)))
    assert plain["selected"] is None
    assert plain["interval"]["by_user"] is True


def test_schema_is_valid_and_names_every_key():
    schema = json_schema()
    plain = loaded(to_json(make_analysis("smile"), (), CARD))
    assert set(schema["properties"]) == set(plain)
    assert set(schema["required"]) == set(plain)
    assert json.loads(json.dumps(schema)) == schema


def test_unknown_keys_of_a_later_version_pass_and_missing_ones_do_not():
    plain = loaded(to_json(make_analysis("smile")))
    AnalysisDocument.model_validate({**plain, "schema_version": "1.7", "gaze": {}})
    del plain["reliable"]
    with pytest.raises(ValueError, match="reliable"):
        AnalysisDocument.model_validate(plain)


def test_numbers_that_are_not_finite_become_null():
    analysis = make_analysis("smile")
    assert analysis.evidence
    region = replace(analysis.evidence.regions[0], magnitude_px=float("nan"), magnitude_iod=float("inf"), u_px=-0.0)
    evidence = replace(analysis.evidence, regions=(region, *analysis.evidence.regions[1:]))
    limits = {"limit": float("inf"), "list": [np.float32("nan"), np.int64(3), np.bool_(True)]}
    text = to_json(replace(analysis, evidence=evidence, settings=limits))
    plain = loaded(text)
    assert plain["regions"][0]["magnitude_px"] is None
    assert plain["regions"][0]["magnitude_iod"] is None
    assert plain["settings"] == {"limit": None, "list": [None, 3, True]}
    assert "-0.0," not in text


shares = st.floats(0, 1, allow_nan=False)


@settings(deadline=None)
@given(shares, shares)
def test_coarse_shares_sum_to_one_after_rounding(first, second):
    low, high = sorted((first, second))
    analysis = make_analysis("nothing")
    coarse = CoarseClass(negative=low, positive=high - low, surprise=1 - high)
    plain = loaded(to_json(replace(analysis, evidence=Evidence((), (), coarse, ()))))
    assert abs(sum(plain["coarse"].values()) - 1) <= 1e-6
    assert all(0 <= share <= 1 for share in plain["coarse"].values())
    assert plain["coarse"]["positive"] == pytest.approx(high - low, abs=1e-6)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=())), st.sampled_from(["user", "assistant"]))
def test_any_text_of_the_chat_survives_or_is_made_writable(text, role):
    plain = loaded(to_json(make_analysis("nothing"), (Turn(role, text),)))
    written = plain["conversation"][0]["text"]
    written.encode("utf-8")
    assert len(written) == len(text)  # places of statements stay right
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", written)
    assert all(after in ("�", "\n", before) for before, after in zip(text, written, strict=True))
    if text.isprintable():
        assert written == text


def test_folders_secrets_and_pixels_stay_out():
    analysis = make_analysis("smile", name="/home/jane doe/secret project/clip.mp4")
    analysis = replace(
        analysis,
        provenance={
            "weights": Path("/opt/models/face_landmarker.task"),
            "model": "loaded from /srv/models/deep/model.gguf",
            "windows": r"C:\Users\jane\clip.mp4",
            "home": "~/private/model.gguf",
            "api_key": "abc123",
            "nested": {"hf_token": "abc123", "max_tokens": 512},
            "rate": "30 frames/s, 1/3 of a second",
            "source": "https://example.org/models/card",
        },
    )
    text = to_json(analysis)
    plain = loaded(text)
    assert plain["clip"]["name"] == "clip.mp4"
    assert plain["provenance"] == {
        "weights": "face_landmarker.task",
        "model": "loaded from model.gguf",
        "windows": "clip.mp4",
        "home": "model.gguf",
        "nested": {"max_tokens": 512},
        "rate": "30 frames/s, 1/3 of a second",
        "source": "https://example.org/models/card",
    }
    for word in ("jane", "abc123", "/opt", "/srv", "/home"):
        assert word not in text
    assert len(text) < 60_000
    with pytest.raises(TypeError, match="ndarray"):
        to_json(replace(analysis, provenance={"frame": np.zeros((4, 4), np.uint8)}))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_holds_the_curve():
    analysis = make_analysis("smile", speech=True)
    curve, spotting = analysis.curve, analysis.spotting
    rows = rows_of(to_csv(analysis))
    assert len(rows) == len(curve.times_ms)
    np.testing.assert_allclose([float(row["time_ms"]) for row in rows], curve.times_ms, atol=1e-3)
    assert [int(row["frame"]) for row in rows] == list(analysis.face.frame_indices)
    column = curve.regions.index("mouth_corner_left")
    for name, values in (
        ("mouth_corner_left_dx_px", curve.displacement_px[:, column, 0]),
        ("mouth_corner_left_dy_px", curve.displacement_px[:, column, 1]),
        ("mouth_corner_left_energy_px", spotting.region_energy_px[:, column]),
        ("energy_px", spotting.energy_px),
        ("eye_openness_right", curve.eye_openness[:, 0]),
        ("head_speed_px_s", curve.head_speed_px_s),
    ):
        np.testing.assert_allclose([float(row[name]) for row in rows], values, atol=1e-4)
    for key in facs.REGION_KEYS:
        assert {f"{key}_dx_px", f"{key}_dy_px", f"{key}_energy_px"} <= set(rows[0])
    blink = next(span for span in spotting.spans if span.kind == "blink")
    flags = [row["blink"] == "1" for row in rows]
    inside = (curve.times_ms >= blink.start_ms) & (curve.times_ms <= blink.end_ms)
    assert flags == list(inside)
    assert {row["speech"] for row in rows} == {"1"}
    interval = spotting.candidates[0]
    phases = [row["phase"] for row in rows]
    assert phases[interval.onset] == phases[interval.apex] == "onset"
    assert phases[interval.offset] == "offset"
    assert phases[interval.onset - 1] == phases[interval.offset + 1] == ""
    assert phases.count("onset") + phases.count("offset") == interval.offset - interval.onset + 1


def test_csv_leaves_empty_what_could_not_be_measured():
    analysis = make_analysis("nothing")
    head = analysis.curve.head_speed_px_s.copy()
    head[0] = np.nan
    rows = rows_of(to_csv(replace(analysis, curve=replace(analysis.curve, head_speed_px_s=head))))
    assert rows[0]["head_speed_px_s"] == ""
    assert rows[1]["head_speed_px_s"] != ""
    assert {row["phase"] for row in rows} == {""}


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_zip_holds_the_pictures_and_says_what_they_are():
    analysis = make_analysis("smile")
    assert analysis.moment
    legend = np.zeros((8, 8, 4), np.uint8)
    files = unpacked(to_zip(analysis, {"legend": legend, "../../loop.gif": b"GIF89a"}))
    assert list(files) == ["onset.png", "apex.png", "motion_map.png", "legend.png", "loop.gif", "README.txt"]
    for name, image in (("motion_map.png", analysis.moment.motion_map), ("onset.png", analysis.moment.onset_rgb)):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(files[name]))), image)
    assert files["loop.gif"] == b"GIF89a"
    readme = files["README.txt"].decode()
    assert analysis.headline in readme
    assert analysis.clip.sha256 in readme
    assert "not a lie detector" in readme
    assert "consent" in readme
    for name in files:
        if name != "README.txt":
            assert f"- {name}" in readme


def test_zip_without_a_moment_still_tells_the_finding():
    analysis = make_analysis("nothing")
    files = unpacked(to_zip(analysis))
    assert list(files) == ["README.txt"]
    assert analysis.reasons[0] in files["README.txt"].decode()
    assert to_zip(analysis) == to_zip(analysis)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_png_keeps_every_pixel(shape):
    image = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(image)))), image)
