"""Scores of ME-VQA by hand-made answers whose worth is known."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support_analysis import make_analysis

from mellm_demo.errors import InputError
from mellm_demo.training import vqa as scoring
from mellm_demo.training.instruct import vqa
from mellm_demo.training.vqa import Asked

SMILE, FROWN = {12: "both"}, {4: "both", 7: "left"}


def clip(name, subject, units, fine, coarse):
    many = len(units) > 1
    rows = [(vqa.COARSE, coarse), (vqa.FINE, fine), (vqa.LIST_MANY if many else vqa.LIST_ONE, vqa.list_answer(units)),
            (vqa.SHOWN.format(name="lip corner puller"), "yes" if 12 in units else "no"),
            (vqa.COMBINED_MANY if many else vqa.COMBINED_ONE, vqa.combined_answer(units, fine, coarse))]  # fmt: skip
    rows += [(vqa.SIDE.format(name=vqa.name_of(au)), side) for au, side in units.items() if side != "both"]
    return [Asked(name, subject, question, answer) for question, answer in rows]


@pytest.fixture
def asked():
    return [*clip("a", "1", SMILE, "happiness", "positive"), *clip("b", "2", FROWN, "disgust", "negative"),
            *clip("c", "3", FROWN, "disgust", "negative")]  # fmt: skip


def test_right_answers_score_one(asked):
    found = scoring.scores(asked, [f"{one.answer.upper()}." for one in asked])
    assert found.pop("contradictions") == 0.0
    assert set(found.values()) == {1.0}
    assert set(found) == {"coarse_uf1", "coarse_uar", "fine_uf1", "fine_uar", "au_macro_f1", "yes_no_accuracy",
                          "side_accuracy", "bleu", "rouge1"}  # fmt: skip


def test_known_mistakes_cost_what_they_should(asked):
    said = [one.answer for one in asked]
    first = next(i for i, one in enumerate(asked) if one.kind == "coarse")
    said[first] = "negative"  # of one positive and two negative clips
    found = scoring.scores(asked, said)
    assert found["coarse_uar"] == 0.5
    assert found["coarse_uf1"] == pytest.approx(0.5 * (0 + 2 * 2 / (2 + 3)))
    assert found["contradictions"] == pytest.approx(1 / 3)  # its combined answer says positive
    said = ["nonsense" for _ in asked]
    assert scoring.scores(asked, said)["fine_uf1"] == scoring.scores(asked, said)["au_macro_f1"] == 0.0


def test_every_kind_of_contradiction_is_seen(asked):
    one = clip("b", "2", FROWN, "disgust", "negative")
    for kind, wrong in (("coarse", "positive"), ("fine", "anger"), ("list", "dimpler"), ("shown", "yes")):
        said = [wrong if a.kind == kind else a.answer for a in one]
        assert scoring.contradictions(one, said) == 1.0, kind
    inner = [vqa.combined_answer(FROWN, "disgust", "positive") if a.kind == "combined" else a.answer for a in one]
    assert scoring.contradictions(one, inner) == 1.0
    assert scoring.contradictions(one, [a.answer for a in one]) == 0.0


def test_the_blind_prior_knows_other_subjects_only(asked):
    answers = scoring.blind_answers([one for one in asked if one.subject != "1"], asked[:2])
    assert answers == ["negative", "disgust"]
    found = scoring.evaluate(asked, lambda one: one.answer)
    assert found["coarse_uf1"] == 1.0
    assert found["blind_prior"]["coarse_uar"] < 1.0
    assert found["questions"] == len(asked)


def test_no_subject_is_in_two_folds(asked):
    parts = scoring.folds(asked, 2)
    assert sorted(subject for part in parts for subject in part) == ["1", "2", "3"]


def test_overlap_of_words():
    assert scoring.bleu([("a b c d e", "a b c d e")]) == pytest.approx(1.0)
    assert scoring.bleu([("yes", "yes"), ("no", "yes")]) == pytest.approx(0.5)
    assert scoring.bleu([("a b c d", "x y z w")]) == 0.0
    assert scoring.rouge1([("a b c d", "a b")]) == pytest.approx(2 * 2 / 6)


def test_free_answers_are_held_against_the_record():
    analysis = make_analysis("smile")
    share, count = scoring.faithfulness(
        [("", "AU12 is shown.", analysis), ("", "AU4 is shown. The chin moved down.", analysis)]
    )
    assert (share, count) == (pytest.approx(1 / 3), 3)
    assert scoring.faithfulness([("Is AU4 shown?", "Yes.", analysis), ("Is AU12 shown?", "Yes.", analysis)]) == (0.5, 2)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        scoring.read_vqa(tmp_path / "none.jsonl")
    (tmp_path / "q.jsonl").write_text(json.dumps({"question": "?"}), encoding="utf-8")
    with pytest.raises(InputError, match="Line 1"):
        scoring.read_vqa(tmp_path / "q.jsonl")


@pytest.mark.skipif("MELLM_DATA" not in os.environ, reason="needs MELLM_DATA")
def test_casme2_is_read_and_its_prior_is_known():
    asked = scoring.read_vqa(Path(os.environ["MELLM_DATA"]) / "annotations" / "me_vqa_casme2.jsonl")
    assert len(asked) == 911
    assert "other" not in {one.kind for one in asked}
    found = scoring.evaluate(asked, lambda one: one.answer)
    assert found["contradictions"] < 0.02  # of the corpus' own answers
    assert 0.2 < found["blind_prior"]["coarse_uf1"] < 0.4
