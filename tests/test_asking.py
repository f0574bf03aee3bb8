"""A scripted engine asked about clips of a tiny corpus, people left out, and tiny files through llama.cpp."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from support_analysis import make_analysis
from support_flow import write_corpus
from support_instruct import EVENTS, two_faces

from mellm_demo.errors import InputError
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.protocol import Loading
from mellm_demo.records import Turn
from mellm_demo.training import asking, cases, coded, evaluate, evidence, expected, faithful, learned, listing, looking
from mellm_demo.training.asking import Asker
from mellm_demo.training.export_gguf import write_manifest
from mellm_demo.training.instruct import ask_megc, ask_units, vqa
from mellm_demo.training.instruct.wordings import Speaker
from mellm_demo.training.learned import Learned, WithoutPeople
from mellm_demo.training.me_flow import read_corpus
from mellm_demo.training.scores import f1
from mellm_demo.training.vqa import Asked

FINE = {"surprise": "surprise", "negative": "disgust", "positive": "happiness"}
UNITS = {"surprise": {1: "both", 2: "both"}, "negative": {4: "both"}, "positive": {12: "both"}}


class Scripted:
    """An engine that answers by a function of the messages."""

    context, sees = 8192, True

    def __init__(self, answer, sees=True):
        self._answer, self.sees = answer, sees
        self.heard, self.manners = [], []

    def count(self, text):
        return len(text.split())

    def image_tokens(self):
        return 49

    def generate(self, messages, manner, emit, stopped):
        self.heard.append(messages)
        self.manners.append(manner)
        emit(Loading("reading the prompt", 1.0))
        for word in re.findall(r"\S+\s*", self._answer(messages)):
            emit(word)

    def close(self):
        self.heard.clear()


def questions_of(clip, subject, kind):
    units, fine = UNITS[kind], FINE[kind]
    several = len(units) > 1
    rows = [
        (vqa.COARSE, kind), (vqa.FINE, fine),
        (vqa.LIST_MANY if several else vqa.LIST_ONE, vqa.list_answer(units)),
        (vqa.SHOWN.format(name="lip corner puller"), "yes" if 12 in units else "no"),
        (vqa.COMBINED_MANY if several else vqa.COMBINED_ONE, vqa.combined_answer(units, fine, kind)),
    ]  # fmt: skip
    return [Asked(clip, subject, question, answer) for question, answer in rows]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Flows and labels of a corpus that is called as CASME II is."""
    flows, labels = write_corpus(tmp_path_factory.mktemp("data"), people=5, per_class=1)
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["dataset"] == "alpha":
            row |= {"dataset": "casme2", "subject": f"sub{row['subject'][1:]}", "emotion": FINE[row["coarse"]]}
    with labels.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return flows, labels


@pytest.fixture(scope="module")
def corpus(files):
    return read_corpus(*files)


@pytest.fixture(scope="module")
def asked(corpus):
    return [
        one
        for clip, group in zip(corpus.clip, corpus.group, strict=True)
        if str(group).startswith("casme2/")
        for one in questions_of(str(clip), str(group).split("/")[1], str(clip).split("_")[2])
    ]


@pytest.fixture(scope="module")
def faces(astronaut):
    return two_faces(np.asarray(astronaut))


@pytest.fixture(scope="module")
def everyone(corpus):
    return WithoutPeople(corpus)


@pytest.fixture(scope="module")
def made(asked, corpus, faces, everyone):
    known = {}
    for clips, groups in cases.held_groups(asked, corpus, 2):
        known |= dict.fromkeys(clips, everyone.learned(groups))
    return cases.cases(asked, corpus, faces, known.__getitem__)


# ------------------------------------------------------------------------------------------------ people left out


def test_every_fold_is_learned_without_its_people(asked, corpus, monkeypatch):
    """The labels of those who are tested may be anything: what is learned stays the same."""
    parts = cases.held_groups(asked, corpus, 2)
    assert sorted(group for _, groups in parts for group in groups) == sorted(
        {str(group) for group in corpus.group if str(group).startswith("casme2/")}
    )
    _, groups = parts[0]
    mine = np.isin(corpus.group, groups)
    spoilt = replace(
        corpus,
        coarse=np.where(mine, (corpus.coarse + 1) % 3, corpus.coarse),
        units=np.where(mine[:, None], 1.0 - corpus.units, corpus.units),
        emotion=np.where(mine, "fear", corpus.emotion),
    )
    one, other = (WithoutPeople(source).learned(groups) for source in (corpus, spoilt))
    assert np.array_equal(one.head.out, other.head.out)
    assert np.array_equal(one.head.thresholds, other.head.thresholds)
    assert one.head.reliability == other.head.reliability
    assert one.events == other.events
    assert all(np.array_equal(one.counts.likelihood[au], other.counts.likelihood[au]) for au in one.counts.likelihood)
    assert not np.array_equal(one.head.out, WithoutPeople(spoilt).learned(parts[1][1]).head.out)


def test_the_counts_of_a_corpus_go_without_the_people_of_a_fold(corpus, tmp_path):
    tables = tmp_path / "annotations"
    tables.mkdir()
    (tables / "casme2_coding.csv").write_text(
        "subject,action_units,emotion\n0,12,happiness\n1,12,happiness\n1,4,disgust\n", encoding="utf-8"
    )
    for name in ("dfme_train.csv", "casme3_part_a.csv"):
        (tables / name).write_text("action_units,emotion\n12,happy\n", encoding="utf-8")
    all_others = WithoutPeople(corpus, tmp_path).learned(["casme2/sub1"]).counts.corpora
    assert all_others[0].events == {"happiness": 1}
    assert "CASME II" not in {one.name for one in WithoutPeople(corpus).learned(["casme2/sub1"]).counts.corpora}
    names = [one.name for one in all_others]
    assert names == ["CASME II", *(one.name for one in learned.shipped().counts.corpora if one.name != "CASME II")]


def test_the_head_that_is_given_is_the_one_that_speaks(asked, corpus, faces, made):
    """An analysis by a head that reads nothing claims less than one by a head that reads."""
    deaf = replace(learned.shipped().head, unit_offset=np.full(12, -20.0))
    clip = next(iter(made))
    row = cases.rows_of(asked, corpus)[clip]
    known = Learned(deaf, made[clip].learned.counts)
    units = cases.analysis(clip, corpus.uvs[row], faces, known).evidence.action_units
    said = [witness.probability for unit in units for witness in unit.witnesses if witness.name == "network"]
    assert said
    assert max(said) < 0.01
    assert not evidence.read(made[clip].analysis, deaf).units.max() > 0.01


def test_a_clip_is_always_the_same_analysis(asked, corpus, faces, made):
    again = cases.cases(asked[:5], corpus, faces, lambda clip: made[clip].learned)
    (clip,) = again
    assert again[clip].analysis.evidence == made[clip].analysis.evidence
    with pytest.raises(InputError, match="have no flow"):
        cases.rows_of([Asked("other", "s", vqa.COARSE, "positive")], corpus)


# ------------------------------------------------------------------------------------------------ the evidence alone


def test_the_evidence_reads_people_it_has_not_seen(asked, made):
    report = asking.report(asked, made)
    assert report["evidence"]["coarse_uf1"] > 0.8
    assert report["evidence_and_head"]["coarse_uf1"] > 0.8
    assert report["evidence_and_head"]["au_macro_f1"] > 0.8 > report["blind_prior"]["au_macro_f1"]
    assert report["questions"] == len(asked)
    assert set(report) == {"questions", "clips", "blind_prior", "evidence", "evidence_and_head"}


def test_the_record_is_told_in_megcs_words():
    analysis = make_analysis("smile")

    def answer(question):
        return evidence.evidence_answer(Asked("c", "s", question, ""), analysis)

    assert answer(vqa.COARSE) == "positive"
    assert answer(vqa.FINE) == "happiness"
    assert answer(vqa.LIST_MANY) == "cheek raiser, lip corner puller"
    assert answer(vqa.LIST_ONE) == answer(vqa.LIST_MANY)  # how it is asked tells nothing of the face
    assert answer(vqa.SHOWN.format(name="cheek raiser")) == "yes"
    assert answer(vqa.SHOWN.format(name="head tilt right")) == "no"
    assert answer(vqa.COMBINED_ONE) == (
        "The action unit present is: cheek raiser, lip corner puller. Therefore, the fine-grained expression class is "
        "happiness, and the coarse expression class is positive."
    )
    assert evidence.evidence_answer(Asked("c", "s", vqa.LIST_MANY, ""), make_analysis("nothing")) == "none"


def test_a_side_is_that_which_moved_farther():
    left, right = make_analysis("one_sided_brow"), make_analysis("one_sided_brow", mirrored=True)
    assert (evidence.side_of(left, 2), evidence.side_of(right, 2)) == ("left", "right")


# ------------------------------------------------------------------------------------------------ a model asked


def knows(asked):
    """An engine that knows every answer: MEGC's by the question, and says no more otherwise."""
    return Scripted(lambda messages: next(
        (one.answer for one in asked if one.question in messages[-1].text), "That cannot be told."
    ))  # fmt: skip


def test_every_question_is_asked_by_itself_at_temperature_0(asked, made):
    few = asked[:5]
    engine = knows(few)
    report = asking.report(few, {few[0].clip: made[few[0].clip]}, Asker(engine))
    assert report["coarse_uf1"] == report["bleu"] == 1.0
    assert report["contradictions"] == 0.0
    plain = sum(not manner.guarded for manner in engine.manners)
    assert plain == len(few)  # before what the guard has written again
    assert all(manner.guarded for manner in engine.manners[plain:])
    for messages, manner, one in zip(engine.heard[:plain], engine.manners[:plain], few, strict=True):
        assert one.question in messages[-1].text
        assert sum(other.question in m.text for m in messages for other in few) == 1
        assert any(m.image_png for m in messages)
        assert (manner.temperature, manner.max_tokens) == (0.0, 96)
    assert set(asking.SCORES) < set(report)
    assert 0.0 <= report["contradictions_guarded"] <= 1.0
    assert report["units_of_the_head"]["au_macro_f1"] in (0.0, 1.0)  # 0: no list among the few
    assert 0.0 <= report["units_of_the_head"]["head"] <= 1.0
    assert report["faithfulness"] is None
    assert report["tokens_per_second"] > 0


def test_a_model_without_an_eye_gets_no_image(made):
    engine = Scripted(lambda messages: "yes", sees=False)
    Asker(engine).answer(next(iter(made.values())).analysis, (Turn("user", "Why?"),))
    assert not any(message.image_png for message in engine.heard[0])


def test_another_model_can_be_told_as_the_app_tells_it(made):
    """The app's own model gets the short form, any other the plain one."""
    analysis = next(iter(made.values())).analysis
    engine = Scripted(lambda messages: "yes")
    for style in ("brief", "plain"):
        Asker(engine, style).answer(analysis, (Turn("user", "Why?"),))
    told = [" ".join(message.text for message in heard) for heard in engine.heard]
    assert [len(text) > 2000 for text in told] == [False, True]
    wanted = evaluate._arguments()
    assert [wanted.parse_args(given).prompt for given in ([], ["--prompt", "plain"])] == ["brief", "plain"]


def test_free_answers_are_counted(made):
    every = list(made.values())
    kinds = [one for case in every for one in asking.questions(case)]
    unanswerable, held = sum(one.unanswerable for one in kinds), sum(one.held for one in kinds)
    assert unanswerable > 0
    assert held > len(every)
    shy = asking.asked_freely(Asker(Scripted(lambda messages: "That cannot be told.")), every)
    assert (shy.refused, shy.answerable) == (held, held)
    assert (shy.answered_unanswerable, shy.unanswerable) == (0, unanswerable)
    assert (shy.statements, shy.faithfulness) == (0, None)
    bold = asking.asked_freely(Asker(Scripted(lambda messages: "AU46 is shown. She is lying.")), every)
    assert (bold.refused, bold.answered_unanswerable) == (0, unanswerable)
    assert bold.statements >= len(every) * 4
    assert bold.faithfulness == 0.0
    assert bold.guarded == 1.0  # nothing of it is shown


def test_motions_drawn_on_people_unseen_are_asked_about_freely(faces):
    first, second = islice(faithful.unseen(faces, EVENTS, seed=4), 2)
    assert first.clip != second.clip
    again = next(faithful.unseen(faces, EVENTS, seed=4))
    assert Facts(again.analysis).motions == Facts(first.analysis).motions
    heard = []
    numbers = faithful.report(
        Asker(Scripted(lambda messages: "AU46 is shown.")), iter((first, second)), 2, lambda text: None,
        lambda clip, question, text: heard.append((clip, question)),
    )  # fmt: skip
    assert numbers["clips"] == 2
    assert numbers["statements"] >= 2
    assert (numbers["faithfulness"], numbers["faithfulness_guarded"]) == (0.0, 1.0)
    assert [question for clip, question in heard if clip == first.clip].count("") == 1


# ------------------------------------------------------------------------------------------------ as coders would


def test_the_claims_are_the_heads_from_its_threshold_on(asked, corpus, made):
    case = next(iter(made.values()))
    head = case.learned.head
    reading = evidence.read(case.analysis, head)
    claimed = {unit.au for unit in case.analysis.evidence.action_units}
    least = case.learned.caution * head.thresholds
    above = {au for au, value, floor in zip(coded.UNITS, reading.units[0], least, strict=True) if value >= floor}
    assert claimed <= above or len(claimed) == 1
    assert {au for au in above if head.reliability[au] >= coded.MIN_RELIABILITY} <= claimed
    shares = case.analysis.evidence.coarse
    assert [shares.negative, shares.positive, shares.surprise] == pytest.approx(list(reading.coarse[0]))
    assert case.analysis.reliable


def test_more_caution_claims_less_and_something_all_the_same(made):
    case = next(iter(made.values()))
    claims = []
    for caution in (0.01, 1.0, 1000.0):
        found = coded.as_coded(case.analysis, replace(case.learned, caution=caution)).evidence.action_units
        claims.append({unit.au for unit in found})
    assert claims[2] <= claims[1] <= claims[0] or len(claims[2]) == 1
    assert len(claims[0]) > len(claims[2]) == 1


def test_caution_lists_as_many_units_as_coders_wrote_down():
    """Three rare units whose own best thresholds are low: together they list more than there is."""
    random = np.random.default_rng(0)
    true = np.zeros((400, 12), np.bool_)
    true[np.arange(400), random.integers(0, 3, 400)] = True
    said = np.clip(0.5 * true + random.uniform(0.0, 0.55, true.shape), 0.0, 1.0)
    said[:, 3:] = 0.0
    heard = listing.Heard(said, true, np.full(12, 0.4))
    known = heard.reliability()
    factor = heard.caution(known)
    listed = [(said >= scale * 0.4).sum(axis=1).clip(min=1).mean() for scale in (1.0, factor)]
    assert listed[0] > 1.3
    assert listed[1] == pytest.approx(1.0, abs=0.1)
    assert factor > 1.0
    assert known[coded.UNITS[0]] == pytest.approx(f1(said[:, 0] >= 0.4, true[:, 0]))
    nobody = listing.Heard(said, np.zeros_like(true), np.full(12, 0.4))
    assert nobody.caution(known) == 1.0
    # Units that are read too badly to be listed count for nothing.
    assert heard.caution(dict.fromkeys(coded.UNITS, 0.0)) <= factor


def test_where_the_head_is_sure_of_nothing_its_nearest_unit_is_taken(made):
    case = next(iter(made.values()))
    deaf = replace(case.learned.head, unit_offset=np.full(12, -20.0))
    units = coded.as_coded(case.analysis, Learned(deaf, case.learned.counts)).evidence.action_units
    assert len(units) == 1


def test_the_side_is_told_where_one_moved_clearly_more(made):
    case = next(iter(made.values()))
    brow = make_analysis("one_sided_brow").evidence
    strength, side, keys = expected.as_expected(2, brow.regions)
    assert strength > 0
    assert side == evidence.side_of(make_analysis("one_sided_brow"), 2)
    assert all(key.startswith("outer_brow") for key in keys)
    nothing = make_analysis("nothing")
    assert (coded.as_coded(nothing, case.learned) is nothing) == (nothing.moment is None)


def test_units_that_the_face_moved_as_and_nobody_claims_are_asked_for():
    """What is shown is what the record lists: the motion beside it tempts to say more."""
    analysis = make_analysis("frown")
    units = tuple(unit for unit in analysis.evidence.action_units if unit.au != 4)
    assert len(units) < len(analysis.evidence.action_units)
    facts = Facts(replace(analysis, evidence=replace(analysis.evidence, action_units=units)))
    near = expected.tempting(facts)
    assert near[0] == 4
    assert not set(near) & set(facts.claimed)
    assert 4 not in expected.tempting(Facts(analysis))
    say = Speaker(np.random.default_rng(0))
    asked = [made for _ in range(400) if (made := ask_megc.megc(facts, say)) is not None]
    vain = [question for question, answer in asked if answer == "no"]
    assert 0.3 < sum("brow lowerer" in question for question in vain) / len(vain) < 0.9
    free = [ask_units.is_shown(facts, say) for _ in range(200)]
    assert any("AU4" in question and answer.startswith("No") for question, answer in free)


def test_the_same_clip_gets_the_same_questions(made):
    case = next(iter(made.values()))
    assert asking.questions(case) == asking.questions(case)
    assert len(asking.questions(case)) == 3


# ------------------------------------------------------------------------------------------------ the eye alone


def test_the_eye_is_scored_by_what_was_drawn(faces):
    motions = list(looking.rendered(faces, EVENTS, 3, seed=3))
    shown = {shown.picture.tobytes(): shown for shown in motions}

    def seen(messages):
        from io import BytesIO

        from PIL import Image

        (message,) = messages
        units = shown[np.asarray(Image.open(BytesIO(message.image_png))).tobytes()].units
        assert "px" not in message.text
        if vqa.LIST_MANY in message.text:
            return vqa.list_answer(units)
        return next(side for au, side in units.items() if f"unit {vqa.name_of(au)} located" in message.text)

    right = looking.look(Asker(Scripted(seen)), motions)
    assert (right["au_macro_f1"], right["clips"]) == (1.0, 3)
    assert right["side_accuracy"] in (1.0, None)
    wrong = looking.look(Asker(Scripted(lambda messages: "wink")), motions)
    assert wrong["au_macro_f1"] == 0.0
    assert len(looking.table(right).splitlines()) == 1 + len(right["units"])
    assert motions[0].picture.shape == (224, 224, 3)
    again = next(looking.rendered(faces, EVENTS, 1, seed=3))
    assert np.array_equal(again.picture, motions[0].picture)


# ------------------------------------------------------------------------------------------------ the command


def write_questions(asked, path):
    rows = [
        {"image_id": one.clip, "subject": one.subject, "question": one.question, "answer": one.answer} for one in asked
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def arguments(asked, files, astronaut, tmp_path):
    from PIL import Image

    pictures = tmp_path / "faces"
    pictures.mkdir()
    Image.fromarray(np.asarray(astronaut)).save(pictures / "a_1.png")
    path = write_questions(asked[:5] + asked[-5:], tmp_path / "q.jsonl")
    flows, labels = files
    return ["--vqa", str(path), "--flows", str(flows), "--labels", str(labels), "--faces", str(pictures)]


@pytest.fixture
def shy(tmp_path, monkeypatch):
    """A model in the weights that says no to everything."""
    monkeypatch.delenv("MELLM_DATA", raising=False)
    monkeypatch.setattr(evaluate, "EMBEDDED", tmp_path)
    files = [tmp_path / "language.gguf", tmp_path / "mmproj.gguf"]
    for path in files:
        path.write_bytes(b"")
    write_manifest(*files)
    loaded = []

    def load_now(options):
        loaded.append(options.model)
        return Scripted(lambda messages: "no")

    monkeypatch.setattr(evaluate.llamacpp, "load_now", load_now)
    return loaded


@pytest.mark.parametrize("more", [[], ["--by-subject"]])
def test_the_command_asks_the_model_in_the_weights(arguments, more, shy, tmp_path, capsys):
    out = tmp_path / "numbers.json"
    assert evaluate.main([*arguments, *more, "--free", "1", "--json", str(out)]) == 0
    assert shy == [tmp_path / "language.gguf"]
    numbers = json.loads(out.read_text(encoding="utf-8"))
    assert numbers["questions"] == 10
    assert numbers["clips"] == 2
    assert {"blind_prior", "evidence", "evidence_and_head", "faithfulness", "faithfulness_guarded"} < set(numbers)
    capsys.readouterr()


def test_flows_and_questions_are_enough(arguments, shy, capsys):
    """Nobody's labels, nobody's faces: the flows lie over the astronaut's."""
    bare = arguments[:4]
    assert evaluate.main([*bare, "--free", "0"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 2
    with pytest.raises(SystemExit):
        evaluate.main([*bare, "--by-subject"])
    assert "nobody knows whose clip" in capsys.readouterr().err


def test_no_model_anywhere_is_said(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluate, "EMBEDDED", tmp_path)
    with pytest.raises(SystemExit):
        evaluate.main(arguments)
    assert "no model in weights/embedded" in capsys.readouterr().err


def test_real_files_are_loaded_and_asked(arguments, asked, tmp_path, monkeypatch, capsys):
    """Random weights: what is said is nonsense, and is scored as such."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("xllamacpp")
    pytest.importorskip("gguf")
    torch.set_num_threads(1)
    from support_embedded import tiny_model

    from mellm_demo.training import export_gguf

    monkeypatch.delenv("MELLM_DATA", raising=False)
    model, tokenizer, _ = tiny_model()
    model.config.text_config.max_position_embeddings = 8192  # seven merges make many tokens of a prompt
    model.model.language_model.config.max_position_embeddings = 8192
    language, _ = export_gguf.export(model, tokenizer, tmp_path / "gguf")
    out = tmp_path / "numbers.json"
    kept = tmp_path / "answers.jsonl"
    command = [*arguments, "--model", str(language), "--free", "0", "--json", str(out), "--answers", str(kept)]
    assert evaluate.main(command) == 0
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    assert [(line["image_id"], line["question"]) for line in lines] == [
        (one.clip, one.question) for one in asked[:5] + asked[-5:]
    ]
    numbers = json.loads(out.read_text(encoding="utf-8"))
    assert set(asking.SCORES) < set(numbers)
    assert numbers["au_macro_f1"] < 0.5
    capsys.readouterr()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--vqa", "q.jsonl"], "came without"),
        (["--look", "--model", "none.gguf", "--data", "nowhere"], "no folder"),
        (["--faithful", "--model", "none.gguf", "--data", "nowhere"], "no folder"),
    ],
)
def test_what_is_missing_is_said(given, words, capsys):
    with pytest.raises(SystemExit) as left:
        evaluate.main(given)
    assert left.value.code == 2
    assert words in capsys.readouterr().err
