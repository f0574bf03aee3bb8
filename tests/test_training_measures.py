"""Calibration ways, other framings, blendshapes as a witness, and the card that reports them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from support_flow import write_corpus

from mellm_demo.recognition.crop import GRID, normalised
from mellm_demo.training import framing, rendered
from mellm_demo.training.calibration import SHIPPED, adapted, compared, softmax, ways
from mellm_demo.training.card import SYNTHETIC_NAME, _synthetic
from mellm_demo.training.framing import FRAMINGS, Framing, read_reframed, reframed
from mellm_demo.training.heads import Recipe, material, temperature
from mellm_demo.training.me_flow import read_corpus
from mellm_demo.training.rendered import Made, synthetic_report, third_witness
from mellm_demo.training.scores import calibration_error, uf1_uar

PLAIN = Recipe("plain", hidden=0, members=1, warps=0, views=False)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return read_corpus(*write_corpus(tmp_path_factory.mktemp("data"), people=4))


@pytest.fixture(scope="module")
def stuff(corpus):
    return material(corpus, PLAIN, 0)


def drawn(slope, often, count=4000, seed=0):
    """Scores whose true probabilities are softmax(slope · score) at ``often``, and classes drawn from these."""
    random = np.random.default_rng(seed)
    labels = random.choice(3, count, p=often)
    scores = random.normal(0.0, 1.0, (count, 3))
    scores[np.arange(count), labels] += slope  # normal scores of unit spread: the odds rise by slope per unit
    return scores, labels


def test_the_temperature_is_found_again():
    scores, labels = drawn(2.0, (1 / 3, 1 / 3, 1 / 3))
    assert temperature(scores, labels) == pytest.approx(2.0, rel=0.12)
    assert temperature(np.zeros((0, 3)), np.zeros(0, np.int64)) == 1.0


def test_adapting_finds_how_often_each_class_occurs():
    scores, labels = drawn(2.0, (0.7, 0.2, 0.1))
    even = softmax(2.0 * scores)
    again = adapted(even, np.full(3, 1 / 3))
    assert again.mean(axis=0) == pytest.approx((0.7, 0.2, 0.1), abs=0.03)
    assert np.abs(even.mean(axis=0) - (0.7, 0.2, 0.1)).max() > 0.05
    assert calibration_error(again.max(axis=1), again.argmax(axis=1) == labels) < 0.03


def test_every_way_gives_shares_and_only_adapted_ones_look_at_the_other_clips():
    inner, true = drawn(2.0, (0.5, 0.3, 0.2), 300)
    tested, _ = drawn(2.0, (0.2, 0.3, 0.5), 60, seed=1)
    every, alone = ways(inner, true, inner, tested), ways(inner, true, inner, tested[:1])
    for way, shares in every.items():
        assert shares.sum(axis=1) == pytest.approx(1.0), way
        assert np.allclose(shares[0], alone[way][0]) is ("adapted" not in way), way


def test_ways_are_compared_across_people_and_corpora(stuff):
    report = compared(stuff)
    titles = set(report[SHIPPED])
    assert "leave one person out" in titles
    assert {title for title in titles if "→" in title} == {"alpha → beta", "beta → alpha"}
    assert all(0.0 <= error <= 1.0 for errors in report.values() for error in errors.values())
    assert "leave one person out" not in report["shipped, adapted to the corpus"]


def test_a_shifted_picture_is_the_picture_shifted(corpus):
    maps = normalised(corpus.uvs[:3], common_units=False)
    right = reframed(maps, Framing("right", dx=2))
    assert np.allclose(right[:, :, 2:], maps[:, :, :-2], atol=1e-5)
    assert np.allclose(right[:, :, 0], maps[:, :, 0], atol=1e-5)  # the border is repeated
    down = reframed(maps, Framing("down", dy=1))
    assert np.allclose(down[:, 1:], maps[:, :-1], atol=1e-5)
    assert reframed(maps, Framing("as it is")) is maps


def test_a_turned_picture_turns_its_vectors():
    maps = np.zeros((1, GRID, GRID, 3), np.float32)
    maps[..., 0] = 1.0  # all to the right
    turned = reframed(maps, Framing("turned", turn_deg=90.0))
    assert np.allclose(turned[0, ..., 0], 0.0, atol=1e-5)
    assert np.allclose(turned[0, ..., 1], 1.0, atol=1e-5)  # y points down: clockwise


def test_every_framing_is_read_by_heads_that_never_saw_the_person(stuff, monkeypatch):
    monkeypatch.setattr(framing, "FRAMINGS", (FRAMINGS[0], Framing("upside down", turn_deg=180.0)))
    read = read_reframed(stuff)
    assert list(read) == ["as it is", "upside down"]
    scores = [uf1_uar(one.reading.coarse.argmax(axis=1), one.corpus.coarse)[0] for one in read.values()]
    assert scores[0] > 0.9 > scores[1]


def made(au, claimed=(), shapes=None, kind="expression"):
    return Made(kind, au, "both", dict.fromkeys(claimed, "both"), True, shapes or {})


def shapes(**values):
    return {au: values.get(f"au{au}", 0.0) for au in rendered.BLENDSHAPES}


def test_a_third_witness_is_judged_on_what_it_would_change():
    clips = [
        made(12, [12], shapes(au12=0.5)),
        made(12, [], shapes(au12=0.4)),  # missed, and seen by the third witness
        made(12, [], shapes(au12=0.05)),  # missed, and not seen
        made(4, [4, 12], shapes(au12=0.1)),  # a wrong claim that the witness would stop
        made(4, [4], shapes(au12=0.0, au4=0.3)),
    ]
    found = third_witness(clips)
    assert (found["missed"], found["would_find"]) == (2, 1)
    assert (found["wrong"], found["would_stop"]) == (1, 1)
    assert found["auc"]["12"] == pytest.approx(5 / 6)


def test_the_card_tells_of_synthetic_clips_what_was_written(tmp_path):
    assert _synthetic(tmp_path / SYNTHETIC_NAME) == ""
    clips = [
        made(12, [12], shapes(au12=0.5)),
        made(4, [4], shapes()),
        made(0, kind="no motion"),
        made(0, [4], kind="blinks"),
    ]
    (tmp_path / SYNTHETIC_NAME).write_text(json.dumps(synthetic_report(clips, seed=7)))
    text = " ".join(_synthetic(tmp_path / SYNTHETIC_NAME).split())
    assert "--clips 2 --seed 7" in text
    assert "macro-F1 1.00" in text
    assert "no motion 1.00, blinks 0.00, all together 0.500" in text
