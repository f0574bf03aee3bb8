"""Reading a corpus, fitting, choosing and scoring, on a tiny corpus made here."""

import json

import numpy as np
import pytest
from support_flow import write_corpus

from mellm_demo.errors import InputError
from mellm_demo.recognition import network
from mellm_demo.recognition.network import UNITS
from mellm_demo.training import evaluate, recognition, rendered
from mellm_demo.training.heads import Recipe, fitted, leave_out, material, warped
from mellm_demo.training.me_flow import read_corpus, read_me_flow
from mellm_demo.training.scores import calibration_error, f1, reliability_curve, uf1_uar

SMALL = (
    Recipe("linear", hidden=0, members=1, warps=1, penalties=(0.1,)),
    Recipe("random units", hidden=8, members=2, warps=1, penalties=(0.1,)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("data")
    write_corpus(where)
    return where


@pytest.fixture(scope="module")
def corpus(folder):
    return read_me_flow(folder)


def test_a_corpus_is_read(corpus):
    assert len(corpus) == 72
    assert corpus.coded.sum() == 36
    assert corpus.units[corpus.coded].sum(axis=0)[UNITS.index(4)] == 12
    assert set(corpus.group[:1]) == {"alpha/s0"}


def spoil_columns(flows, labels):
    labels.write_text("clip_id,dataset\n1,2\n", encoding="utf-8")


def spoil_class(flows, labels):
    labels.write_text(labels.read_text(encoding="utf-8").replace(",surprise,", ",cheer,"), encoding="utf-8")


def spoil_units(flows, labels):
    labels.write_text(labels.read_text(encoding="utf-8").replace("1+2", "1 & 2"), encoding="utf-8")


def spoil_rows(flows, labels):
    labels.write_text("".join(labels.read_text(encoding="utf-8").splitlines(True)[:5]), encoding="utf-8")


def spoil_shape(flows, labels):
    np.savez(flows, uvs=np.zeros((2, 14, 14, 3), np.uint8), clip_id=np.array(["a", "b"]))


def spoil_bytes(flows, labels):
    flows.write_bytes(b"PK no archive")


def spoil_names(flows, labels):
    np.savez(flows, uvs=np.zeros((2, 28, 28, 3), np.uint8), clip_id=np.array(["a", "a"]))


def spoil_arrays(flows, labels):
    np.savez(flows, other=np.zeros(2))


def remove_labels(flows, labels):
    labels.unlink()


def remove_flows(flows, labels):
    flows.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_columns, "lacks the column subject"),
        (spoil_class, "“cheer”"),
        (spoil_units, "joined by"),
        (spoil_rows, "has no row for"),
        (spoil_shape, "uint8"),
        (spoil_bytes, "cannot be read"),
        (spoil_names, "different names"),
        (spoil_arrays, "lacks the arrays"),
        (remove_labels, "no file labels.csv"),
        (remove_flows, "no file flows.npz"),
    ],
)
def test_what_is_missing_or_malformed_is_refused_with_a_sentence(spoil, words, tmp_path, capsys):
    flows, labels = write_corpus(tmp_path, people=2, per_class=1)
    spoil(flows, labels)
    with pytest.raises(InputError, match=words):
        read_corpus(flows, labels)
    with pytest.raises(SystemExit) as left:
        recognition.main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    assert left.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_people_left_out_are_read_by_heads_that_never_saw_them(corpus):
    people = sorted(set(corpus.group.tolist()))
    unseen, taken = leave_out([material(corpus, recipe, 0) for recipe in SMALL], [[person] for person in people])
    assert sum(taken.values()) == len(people)
    assert uf1_uar(unseen.reading.coarse.argmax(axis=1), corpus.coarse) > (0.9, 0.9)
    coded = corpus.coded
    assert f1(unseen.claimed[coded, UNITS.index(12)], corpus.units[coded, UNITS.index(12)] > 0) > 0.9


def test_clips_without_codes_do_not_teach_units(corpus):
    stuff = material(corpus, SMALL[0], 0)
    everyone = sorted(set(corpus.group.tolist()))
    alpha = [group for group in everyone if group.startswith("alpha")]
    units = slice(3, None)
    assert fitted(stuff, everyone, 0.1)[..., units] == pytest.approx(fitted(stuff, alpha, 0.1)[..., units], abs=1e-5)
    beta = [group for group in everyone if group not in alpha]
    assert not fitted(stuff, beta, 0.1)[..., units].any()


def test_a_warp_turns_vectors_with_the_picture_and_keeps_the_class_readable(corpus):
    from mellm_demo.recognition.crop import normalised

    maps = normalised(corpus.uvs[:8], common_units=False)
    again = [warped(maps, np.random.default_rng(3)) for _ in range(2)]
    assert np.array_equal(*again)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(maps, again[0], strict=True)]
    assert 0.3 < np.mean(alike) < 0.999


def test_training_runs_and_evaluation_writes_its_keys(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recognition, "IDEAS", SMALL)
    assert recognition.main(["--data", str(folder), "--out", str(tmp_path / "head"), "--seed", "3"]) == 0
    text = (tmp_path / "head" / "card.md").read_text(encoding="utf-8")
    assert "research and demonstration" in text
    assert all(recipe.name in text for recipe in SMALL)
    (tmp_path / "head" / "card.md").unlink()
    assert recognition.main(["--data", str(folder), "--out", str(tmp_path / "head"), "--card"]) == 0
    assert (tmp_path / "head" / "card.md").read_text(encoding="utf-8") == text
    head = network.load(tmp_path / "head")
    monkeypatch.setattr(network, "load", lambda: head)
    flows, labels = folder / "me_flow" / "flows.npz", folder / "me_flow" / "labels.csv"
    out = tmp_path / "numbers.json"
    assert evaluate.main(["--flows", str(flows), "--labels", str(labels), "--json", str(out)]) == 0
    numbers = json.loads(out.read_text())
    assert set(numbers) == {"au_f1", "au_macro_f1", "coarse_uf1", "coarse_uar", "ece"}
    assert set(numbers["au_f1"]) == {"1", "2", "4", "12"}  # a unit without positives is left out
    assert numbers["coarse_uf1"] > 0.9
    capsys.readouterr()


def test_the_same_seed_gives_the_same_weights(corpus):
    first, second = (material(corpus, SMALL[1], 5) for _ in range(2))
    people = sorted(set(corpus.group.tolist()))
    assert np.array_equal(fitted(first, people, 0.1), fitted(second, people, 0.1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to score"),
        (["--flows", "a.npz"], "Only one"),
        (["--cross-validate", "--data", "nowhere"], "no folder"),
    ],
)
def test_evaluate_refuses_with_a_sentence(arguments, words, capsys):
    with pytest.raises(SystemExit) as left:
        evaluate.main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err


def test_scores_on_cases_worked_by_hand():
    yes, no = True, False
    assert f1(np.array([yes, yes, no]), np.array([yes, no, no])) == pytest.approx(2 / 3)
    assert uf1_uar(np.array([0, 0, 1]), np.array([0, 1, 1])) == pytest.approx((2 / 3, 0.75))
    sure = np.array([0.95, 0.95, 0.05, 0.05])
    assert calibration_error(sure, np.array([yes, yes, no, no])) == pytest.approx(0.05)
    assert calibration_error(sure, np.array([no, no, yes, yes])) == pytest.approx(0.95)
    assert [share for _, _, share in reliability_curve(sure, np.array([yes, yes, no, no]))] == [0.5, 0.5]


def test_synthetic_clips_go_through_the_whole_analysis():
    made = rendered.synthetic([""], clips=1, seed=1)
    report = rendered.synthetic_report(made)
    assert report["clips"] == 1
    assert set(report["nothing_claimed"]) == set(rendered.STILL)
    assert all(share == 1.0 for share in report["nothing_claimed"].values())
