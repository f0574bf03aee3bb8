"""Emotions from action units: published rules beside the counts of three corpora, and how far these disagree."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_recognition import unit

from mellm_demo import facs, wording
from mellm_demo.errors import InputError, WeightsError
from mellm_demo.recognition import coarse_class, corpora, emotions, expression
from mellm_demo.training import emotions as training
from mellm_demo.training.annotations import read_codings

TABLE = """subject,clip,action_units,emotion
a,1,L12,happy
a,2,12+25,happy
a,3,R4+AD38+M58,Anger
a,4,L12+R12,others
a,5,,sad
"""


@pytest.fixture
def annotations(tmp_path):
    folder = tmp_path / "annotations"
    folder.mkdir()
    for file, _, _ in training.SOURCES:
        (folder / file).write_text(TABLE, encoding="utf-8")
    return folder


def supports(*units):
    return {found.name: found.support for found in emotions(units)}


def test_parted_lips_do_not_turn_a_smile_into_surprise():
    for smile, parted in ((0.94, 0.91), (0.6, 0.95)):
        found = emotions([unit(12, smile), unit(25, parted)])
        assert [one.name for one in wording.readings(found)] == ["happiness"]
        shares = coarse_class([unit(12, smile), unit(25, parted)])
        assert shares == coarse_class([unit(12, smile)])
    assert emotions([unit(25, 0.9)])[0].name == "surprise"


def test_what_the_corpora_say_moves_the_support():
    """AU 14 on both sides is in no rule; the corpora know it, and none of them calls it surprise mostly."""
    found = supports(unit(14, 0.95), unit(24, 0.95))
    assert "surprise" not in found
    assert all(
        any(corpus.name in reason for corpus in corpora.table() for reason in one.reasons_for)
        for one in emotions([unit(14, 0.95), unit(24, 0.95)])
    )


def test_a_doubtful_unit_carries_less():
    assert supports(unit(12, 0.45))["happiness"] < supports(unit(12, 0.9))["happiness"]


def test_units_that_no_corpus_knows_leave_it_to_the_rules():
    assert corpora.reading({26: (0.9, False)}) == {}
    ruled = {"surprise": 0.4, "fear": 0.2}
    assert expression.joined(ruled, {}) == ruled


def test_one_sided_corners_are_told_from_a_smile():
    both, one = (corpora.reading({12: (1.0, sided)}) for sided in (False, True))
    assert one["contempt"] > 2 * both["contempt"]
    assert both["happiness"] > one["happiness"]


def test_shares_are_those_of_the_counts_worked_by_hand():
    plain = corpora.Corpus("x", "y", {"happiness": 10, "anger": 30}, {"12": {"happiness": 8, "anger": 0}})
    usual = (8 / 10 + 0 / 30) / 2
    odds = [(8 + 2 * usual) / 12 / usual, (0 + 2 * usual) / 32 / usual]
    made = corpora.reading({12: (1.0, True), 1: (1.0, False)}, [plain])
    assert made == {}  # no event of one side
    plain = replace(plain, counts={"4": {"happiness": 8}})
    made = corpora.reading({4: (1.0, False)}, [plain])
    assert made["happiness"] == pytest.approx(odds[0] / sum(odds))
    assert made["anger"] == pytest.approx(odds[1] / sum(odds))
    assert made["surprise"] == 0.0


@given(st.dictionaries(st.integers(1, 46), st.tuples(st.floats(0, 1), st.booleans()), max_size=6))
def test_a_reading_is_shares_or_nothing(units):
    made = corpora.reading(units)
    assert not made or sum(made.values()) == pytest.approx(1.0)
    assert all(0.0 <= share <= 1.0 for share in made.values())


def test_disagreement_is_said_in_numbers():
    told = corpora.disagreement((4, 7))
    assert "CASME II says disgust in 28 of 28 events" in told
    assert "DFME says disgust in 191 of 302 events" in told
    assert "differ by up to 37 of 100" in told
    assert "may disagree" in corpora.disagreement((20,))
    assert corpora.disagreement((27,)) == ""
    assert told in expression.notes_on([unit(4), unit(7)])


def test_the_pair_that_is_coded_together_is_asked_about():
    assert corpora.telling([7, 12, 4]) == (4, 7)
    assert corpora.telling([26, 14]) == (14,)
    assert corpora.telling([12, 6]) == (12,)  # the pair is frequent in one corpus only, AU 12 in three
    assert corpora.telling([45]) == ()


def test_a_table_that_is_missing_or_changed_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="missing"):
        corpora.table(tmp_path / "emotions.json")
    content = json.loads(corpora.TABLE.read_text(encoding="utf-8"))
    content["corpora"][0]["events"]["happiness"] += 1
    (tmp_path / "other.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(WeightsError, match="not the expected"):
        corpora.table(tmp_path / "other.json")


# ------------------------------------------------------------------------------------------ how they were counted


def test_codings_know_sides_and_leave_others_out(annotations):
    first, second, third, last = read_codings(annotations / "dfme_train.csv")
    assert (first.one_sided, first.both, first.emotion) == ({12}, set(), "happiness")
    assert second.both == {12, 25}
    assert (third.one_sided, third.both, third.emotion) == ({4}, {38}, "anger")
    assert (last.units, last.emotion) == (set(), "sadness")


def test_the_command_writes_sums_that_the_app_reads(annotations, tmp_path, capsys):
    out = tmp_path / "made" / "emotions.json"
    assert training.main(["--data", str(tmp_path), "--out", str(out)]) == 0
    corpus = corpora.table(out)[0]
    assert corpus.events == {"happiness": 2, "anger": 1, "sadness": 1}
    assert corpus.counts["12"] == {"happiness": 2}
    assert corpus.counts["12 one side"] == {"happiness": 1}
    assert "12+25" not in corpus.counts  # once: it would be an event, not a sum
    assert set(json.loads(capsys.readouterr().out)) == {"CASME II", "DFME", "CAS(ME)^3"}


def test_tables_that_cannot_be_used_are_refused_with_a_sentence(annotations, tmp_path, capsys):
    (annotations / "dfme_train.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the columns"):
        read_codings(annotations / "dfme_train.csv")
    (annotations / "casme2_coding.csv").unlink()
    with pytest.raises(SystemExit) as left:
        training.main(["--data", str(tmp_path), "--out", str(tmp_path / "x.json")])
    assert left.value.code == 2
    assert "no table casme2_coding.csv" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_the_shipped_counts_are_those_of_the_tables(data_dir, tmp_path):
    if not (data_dir / "annotations").is_dir():
        pytest.skip("MELLM_DATA holds no folder annotations")
    out = tmp_path / "emotions.json"
    assert training.main(["--data", str(data_dir), "--out", str(out)]) == 0
    assert out.read_bytes() == corpora.TABLE.read_bytes()
    assert all(emotion in facs.EMOTION_BY_NAME for corpus in corpora.table(out) for emotion in corpus.events)
