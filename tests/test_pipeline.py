"""From a file to a finding and back to another moment: the whole chain on clips whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mellm_demo import flow, pipeline, recognition, video
from mellm_demo.errors import InputError
from mellm_demo.records import CROP_PX, Analysis
from mellm_demo.settings import Settings


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings()


@pytest.fixture(scope="module")
def smile(smile_clip, settings) -> Analysis:
    return pipeline.analyse(smile_clip[0], settings)


@pytest.fixture(scope="module")
def still(still_clip, settings) -> Analysis:
    return pipeline.analyse(still_clip[0], settings)


def test_a_smile_is_found_where_and_when_it_was(smile, smile_clip):
    (event,) = smile_clip[1].events
    assert smile.reliable, smile.reasons
    assert smile.selected == 0
    found = smile.moment.interval
    assert found.kind == "micro"
    assert abs(found.apex_ms - event.apex_ms) <= 33
    overlap = min(found.offset_ms, event.offset_ms) - max(found.onset_ms, event.onset_ms)
    assert overlap / (max(found.offset_ms, event.offset_ms) - min(found.onset_ms, event.onset_ms)) >= 0.5
    moving = {region.key for region in smile.evidence.regions if region.moving}
    assert {"mouth_corner_left", "mouth_corner_right"} <= moving
    assert 12 in {unit.au for unit in smile.evidence.action_units}
    assert "lip corner" in smile.headline


def test_brows_are_told_from_the_mouth(brow_clip, settings):
    analysis = pipeline.analyse(brow_clip[0], settings)
    assert analysis.reliable, analysis.reasons
    assert {1, 2} & {unit.au for unit in analysis.evidence.action_units}
    assert 12 not in {unit.au for unit in analysis.evidence.action_units}


def test_a_face_without_expression_gives_a_reason(still):
    assert not still.reliable
    assert still.reasons
    assert all(reason.endswith(".") for reason in still.reasons)
    assert "No reliable micro-expression" in still.headline


def test_shapes_are_those_of_the_records(smile):
    moment, display = smile.moment, smile.face.display_px
    assert moment.flow.shape == moment.residual.shape == (CROP_PX, CROP_PX, 2)
    assert moment.motion_map.shape == (CROP_PX, CROP_PX, 3)
    assert moment.onset_rgb.shape == moment.apex_rgb.shape == (display, display, 3)
    np.testing.assert_array_equal(moment.onset_gray, smile.face.gray[moment.interval.onset])


def test_another_moment_needs_no_decoding(smile, monkeypatch):
    monkeypatch.setattr(video, "open_clip", None)
    monkeypatch.setattr(pipeline, "open_clip", None)
    monkeypatch.setattr(pipeline, "follow_faces", None)
    before = smile.moment.interval
    times = smile.face.times_ms
    moved = pipeline.reanalyse(smile, onset_ms=float(times[before.onset]), apex_ms=float(times[before.apex - 3]))
    assert moved.selected is None
    assert moved.moment.interval.by_user
    assert moved.moment.interval.apex == before.apex - 3
    assert not np.array_equal(moved.moment.flow, smile.moment.flow)
    assert moved.headline != smile.headline
    back = pipeline.reanalyse(moved, candidate=0)
    assert back.moment.interval == before
    np.testing.assert_array_equal(back.moment.motion_map, smile.moment.motion_map)
    assert back.headline == smile.headline


def test_marks_on_a_candidate_select_it(smile):
    known = smile.spotting.candidates[0]
    same = pipeline.reanalyse(smile, onset_ms=known.onset_ms, apex_ms=known.apex_ms)
    assert same.selected == 0
    assert not same.moment.interval.by_user


def test_the_users_moment_in_a_still_stretch_is_not_called_reliable(still):
    times = still.face.times_ms
    chosen = pipeline.reanalyse(still, onset_ms=float(times[6]), apex_ms=float(times[12]))
    assert chosen.moment is not None
    assert not chosen.reliable
    assert "noise" in " ".join(chosen.reasons)


def test_marks_given_at_once_are_marks_given_later(smile, smile_clip, settings):
    marks = {"onset_ms": smile.moment.interval.onset_ms, "apex_ms": smile.moment.interval.apex_ms - 50}
    at_once = pipeline.analyse(smile_clip[0], settings, **marks)
    later = pipeline.reanalyse(smile, **marks)
    assert at_once.moment.interval == later.moment.interval
    assert at_once.headline == later.headline


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        ({"onset_ms": 700.0, "apex_ms": 500.0}, "apex"),
        ({"onset_ms": 100.0}, "both"),
        ({"onset_ms": 100.0, "apex_ms": 1e9}, "outside"),
        ({"onset_ms": float("nan"), "apex_ms": 500.0}, "not a number"),
        ({"candidate": 99}, "no candidate 100"),
    ],
)
def test_marks_that_do_not_fit_are_refused_in_words(smile, marks, words):
    with pytest.raises(InputError, match=words):
        pipeline.reanalyse(smile, **marks)


def test_an_unknown_face_is_refused_in_words(smile, settings):
    with pytest.raises(InputError, match="no face 7"):
        pipeline.choose_face(smile, 7, settings)


def test_choosing_the_same_face_gives_the_same(smile, settings):
    again = pipeline.choose_face(smile, 1, settings)
    assert again.headline == smile.headline
    assert again.spotting.candidates == smile.spotting.candidates


def test_a_pair_is_taken_as_onset_and_apex(smile, settings, tmp_path):
    from PIL import Image

    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, row in zip(paths, (smile.moment.interval.onset, smile.moment.interval.apex), strict=True):
        Image.fromarray(pipeline.display_frame(smile.face, row)).resize((512, 512)).save(path)
    pair = pipeline.analyse(paths, settings)
    assert pair.clip.kind == "pair"
    assert (pair.moment.interval.onset, pair.moment.interval.apex) == (0, 1)
    assert pair.moment.interval.by_user
    assert 12 in {unit.au for unit in pair.evidence.action_units}, pair.headline


@pytest.mark.parametrize(("share", "asked"), [(0.99, True), (1.01, False)])
def test_the_head_is_not_asked_where_skin_went_farther_than_flow_follows(smile, monkeypatch, share, asked):
    measured = pipeline._moment
    calls = []

    def moved_so_far(*arguments):
        moment, regions = measured(*arguments)
        scale = share * flow.FLOW_REACH_PX / max(region.magnitude_px for region in regions)
        names = ("u_px", "v_px", "magnitude_px", "max_px", "magnitude_iod")
        return moment, tuple(
            replace(region, **{name: scale * getattr(region, name) for name in names}) for region in regions
        )

    monkeypatch.setattr(pipeline, "_moment", moved_so_far)
    monkeypatch.setattr(
        recognition, "with_network", lambda evidence, *rest, **more: calls.append(evidence.regions) or evidence
    )
    found = pipeline.reanalyse(smile, candidate=0).evidence
    assert bool(calls) is asked
    assert any("was not asked" in note for note in found.notes) is not asked
    assert 12 in {unit.au for unit in found.action_units}
    assert all(unit.reliability is None for unit in found.action_units)


def test_progress_goes_through_the_stages_in_order(still_clip, settings):
    told: list[tuple[str, float]] = []
    pipeline.analyse(still_clip[0], settings, progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert list(dict.fromkeys(stage for stage, _ in told)) == list(pipeline.STAGES)


def test_what_the_progress_raises_ends_the_work(still_clip, settings):
    def stop(stage: str, share: float) -> None:
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.analyse(still_clip[0], settings, progress=stop)


def test_the_course_rises_from_onset_to_apex_and_falls(smile):
    course = pipeline.motion_course(smile)
    interval = smile.moment.interval
    assert len(course) == interval.offset - interval.onset + 1
    assert course[0] == 0.0
    assert course[interval.apex - interval.onset] == pytest.approx(1.0)
    assert course[-1] < 0.5


def test_without_a_moment_there_is_no_loop(smile, still):
    nothing = replace(still, moment=None)
    assert pipeline.magnified(nothing, 8.0) == ()
    assert len(pipeline.motion_course(nothing)) == 0
    loop = pipeline.magnified(smile, 8.0)
    assert loop
    assert loop[0].shape[0] >= smile.face.display_px


def test_provenance_names_versions_and_weights(smile):
    assert smile.provenance["packages"]["mediapipe"]
    assert len(smile.provenance["weights"]["face_landmarker.task"]) == 64
    assert smile.provenance["seconds"] > 0
