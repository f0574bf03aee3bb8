"""Instruction data: drawn motions with known truth, answers that the record supports, tables and folders of corpora."""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support_analysis import make_analysis
from support_flow import write_corpus
from support_instruct import EVENTS, two_faces

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.flow import region_masks, tvl1
from mellm_demo.reasoning import brief, prompts
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.grounding import check
from mellm_demo.records import CROP_PX, NETWORK, OUTER_EYE_PX
from mellm_demo.training.instruct import (
    __main__ as command,
)
from mellm_demo.training.instruct import (
    ask_limits,
    bank,
    corpora,
    explain,
    images,
    motion,
    real,
    records,
    samples,
    sources,
    tables,
    vqa,
    wordings,
)

FINDINGS = ("smile", "one_sided_brow", "frown", "sadness", "nothing", "doubtful")


@pytest.fixture(scope="module")
def faces(astronaut):
    return two_faces(astronaut)


@pytest.fixture(scope="module")
def grid(faces):
    return motion.FaceGrid(faces.landmarks[0])


def moving(*shown, amplitude=1.5, head=(0.0,) * 6):
    return motion.Motion(tuple(motion.Shown(au, side, 1.0) for au, side in shown), amplitude, head)


# ------------------------------------------------------------------------------------------------ faces and motions


def test_faces_are_cut_out_in_the_framing_of_the_app(faces):
    eyes = faces.landmarks[0][[facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT]]
    assert faces.gray.shape[1:] == (CROP_PX, CROP_PX)
    assert np.hypot(*(eyes[1] - eyes[0])) == pytest.approx(OUTER_EYE_PX, rel=0.03)


def test_no_person_is_both_trained_on_and_held_out(faces):
    trained, tested = faces.rows(held_out=False), faces.rows(held_out=True)
    assert not {faces.person[i] for i in trained} & {faces.person[i] for i in tested}
    assert sorted((*trained, *tested)) == list(range(len(faces)))
    assert tested


@pytest.mark.parametrize("au", motion.UNITS)
def test_a_unit_moves_the_region_that_defines_it_its_way(au, grid, faces):
    flow = motion.enlarged(grid.expression(moving((au, "both"))))
    means = dict(zip(facs.REGION_KEYS, motion.region_means(flow, region_masks(faces.landmarks[0])), strict=True))
    expected = next(e for e in facs.AU_BY_NUMBER[au].expectations if e.defining)
    key = expected.region if expected.region in facs.REGION_BY_KEY else f"{expected.region}_left"
    u, v = means[key]
    along = (u * expected.out - v * expected.up) / np.hypot(expected.out, expected.up)
    assert along > 0.5 * np.hypot(u, v) > 0.1
    assert max(np.hypot(*vector) for vector in means.values()) == pytest.approx(1.5, rel=0.3)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_one_sided_unit_stays_on_the_subjects_side(side, grid):
    flow = grid.expression(moving((12, side)))
    half = flow.shape[1] // 2
    right_of_image, left_of_image = np.abs(flow[:, half:]).sum(), np.abs(flow[:, :half]).sum()
    assert (right_of_image > 4 * left_of_image) if side == "left" else (left_of_image > 4 * right_of_image)


def test_flow_of_a_rendered_pair_is_the_drawn_one(grid, faces):
    random = np.random.default_rng(0)
    drawn = moving((1, "both"), (2, "both"), amplitude=2.0, head=(0.3, -0.2, 0.0, 0.0, 0.0, 0.0))
    onset, apex, true = bank.rendered_pair(faces.gray[0], grid, drawn, random)
    measured = tvl1(onset, apex)
    masks = region_masks(faces.landmarks[0])
    brow = facs.REGION_KEYS.index("outer_brow_left")
    found, wanted = motion.region_means(measured, masks)[brow], motion.region_means(true, masks)[brow]
    assert np.hypot(*(found - wanted)) < 0.25 * np.hypot(*wanted)


def test_a_bank_is_the_same_in_pieces_and_goes_on(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(bank, "SHARD", 2)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    list(bank.fill(whole, faces, (0, 1), EVENTS, 4))
    made = bank.fill(pieces, faces, (0, 1), EVENTS, 4)
    assert next(made) == 2
    made.close()
    (pieces / "flows_00001.npz.part.npz").write_bytes(b"torn")  # a kill in the middle of writing
    assert list(bank.fill(pieces, faces, (0, 1), EVENTS, 4)) == [2, 4]
    one, two = bank.Bank(whole), bank.Bank(pieces)
    assert one.shards == two.shards == 2
    for index in range(2):
        for name, values in one.shard(index).items():
            np.testing.assert_array_equal(values, two.shard(index)[name])


def test_drawn_sets_of_units_are_as_frequent_as_coded():
    random = np.random.default_rng(3)
    events = (*EVENTS[:1] * 9, *EVENTS[1:2])
    drawn = [motion.drawn(events, random, still_share=0.0) for _ in range(600)]
    coded = [set(one.units) for one in drawn if one.emotion]
    assert 0.84 < np.mean([units == {4, 7} for units in coded]) < 0.96
    assert {au for one in drawn for au in one.units} > {4, 7, 12}  # rare ones are shown as well
    assert not any(one.shown for one in [motion.drawn(events, random, still=True)])


def test_the_map_is_the_apps_and_the_tower_sees_224_px(faces, grid):
    drawn = moving((12, "both"))
    picture = images.map_of(grid.expression(drawn), faces.gray[0], faces.landmarks[0])
    seen = images.tower_image(picture)
    assert picture.shape == (CROP_PX, CROP_PX, 3)
    assert seen.shape == (224, 224, 3)
    assert images.tower_image(seen) is seen
    colour = picture.astype(int) - faces.gray[0][..., None]
    assert np.abs(colour).max() > 100


# ------------------------------------------------------------------------------------------------ tables


def test_units_are_read_with_their_sides():
    assert tables.parse_units("4+L12+R10") == ((4, "both"), (10, "right"), (12, "left"))
    assert tables.parse_units("L1+R1+AD38+M55+?+7B") == ((1, "both"), (7, "both"), (38, "both"))
    assert tables.parse_units("") == ()


def write_tables(folder: Path) -> None:
    where = folder / "annotations"
    where.mkdir(parents=True, exist_ok=True)
    head = "subject,clip,fps,onset_frame,apex_frame,offset_frame,action_units,emotion\n"
    (where / "dfme_train.csv").write_text(head + "s1,a,500,10,60,160,4+7,anger\ns1,b,500,60,20,70,4,anger\n")
    (where / "casme3_part_a.csv").write_text(head.replace("fps,", "") + "s2,c,10,13,19,R12,happy\n")


def test_tables_give_units_times_and_emotions(tmp_path):
    write_tables(tmp_path)
    events = tables.read_tables(tmp_path)
    assert events == (
        tables.Coded(((4, "both"), (7, "both")), "anger", 100.0, 200.0),
        tables.Coded(((12, "right"),), "happiness", 100.0, 200.0),
    )
    assert tables.frequencies(events) == {4: 0.5, 7: 0.5, 12: 0.5}
    (tmp_path / "annotations" / "dfme_train.csv").write_text("x\n1\n")
    with pytest.raises(InputError, match="column subject"):
        tables.read_tables(tmp_path)


# ------------------------------------------------------------------------------------------------ wordings


def test_alternatives_are_counted_and_drawn():
    template = "{a|b{1|2}|} [x]{.|!}"
    assert wordings.patterns(template) == 8
    random = np.random.default_rng(0)
    drawn = {wordings.expand(template, random) for _ in range(300)}
    assert drawn == {f"{a} [x]{b}" for a in ("a", "b1", "b2", "") for b in ".!"}
    assert wordings.fill("  the [x]  is  here . yes", {"x": "chin"}) == "The chin is here. Yes"


def test_there_are_hundreds_of_wordings_for_one_record():
    say, facts = wordings.Speaker(np.random.default_rng(9)), Facts(make_analysis("smile"))
    questions, answers = set(), set()
    for ask in samples.QUESTIONS.values():
        made = [pair for pair in (ask(facts, say) for _ in range(80)) if pair]
        questions |= {re.sub(r"AU\d+", "AU", question) for question, _ in made}
        answers |= {re.sub(r"[\d.]+", "#", answer) for _, answer in made}
    assert len(questions) > 400
    assert len(answers) > 500


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("name", samples.QUESTIONS)
def test_answers_are_supported_by_the_record(finding, name):
    analysis = make_analysis(finding)
    say = wordings.Speaker(np.random.default_rng(5))
    unsupported, made = [], 0
    for _ in range(8):
        asked = samples.QUESTIONS[name](Facts(analysis), say)
        if asked is None:
            continue
        made += 1
        assert asked[0]
        assert name == "megc" or asked[1][0].isupper() or asked[1][0] in "-0123456789"
        assert not re.search(r"[\[\]{}|]", asked[0] + asked[1])
        unsupported += [(asked, s.claim, s.why) for s in check(asked[1], analysis, "en").unsupported]
    assert len(unsupported) <= 0.13 * made, unsupported


@pytest.mark.parametrize("finding", FINDINGS)
def test_explanations_are_supported_and_quote_the_prompt(finding):
    analysis = make_analysis(finding)
    say = wordings.Speaker(np.random.default_rng(6))
    told = prompts.build(analysis).shown()
    texts = {explain.explanation(Facts(analysis), say) for _ in range(30)}
    assert len(texts) > 20
    for text in texts:
        assert not check(text, analysis, "en").unsupported, text
        numbers = re.findall(r"\d+\.\d+", text)
        assert [one for one in numbers if one not in told] == []


def test_what_cannot_be_answered_is_not():
    say = wordings.Speaker(np.random.default_rng(1))
    for kind in ask_limits.UNANSWERABLE:
        for _ in range(20):
            question, answer = ask_limits.unanswerable(Facts(make_analysis("smile")), say, kind)
            assert question
            assert not re.match(r"(?i)yes|she is|he is", answer)
            assert not check(answer, make_analysis("smile"), "en").unsupported


# ------------------------------------------------------------------------------------------------ records and samples


def analysed(faces, grid, drawn, trouble="none", seed=0, still=False):
    random = np.random.default_rng(seed)
    flow = motion.enlarged(grid.expression(drawn))
    course = replace(records.drawn_course(100.0, 180.0, random, trouble), rate=100.0, sigma_px=0.01)
    return records.analysis_of(flow, faces.gray[0], faces.landmarks[0], course, random, still=still)


def test_a_record_is_what_the_app_would_conclude(faces, grid):
    facts = Facts(analysed(faces, grid, moving((4, "both"), amplitude=1.8)))
    assert facts.found
    assert 4 in facts.claimed
    assert facts.interval is not None
    assert facts.interval.duration_ms == pytest.approx(280.0, abs=60.0)
    brow = next(m for m in facts.motions if m.key == "inner_brow_left")
    assert brow.moving
    assert brow.v_px > 0


def test_a_still_face_and_a_turning_head_give_no_reliable_record(faces, grid):
    still = Facts(analysed(faces, grid, moving(amplitude=0.0), still=True))
    turning = Facts(analysed(faces, grid, moving((4, "both")), "head"))
    assert not still.found
    assert not turning.found
    assert "head" in turning.analysis.reasons[0]


def test_troubles_reach_verdict_and_warnings(faces, grid):
    for trouble, check_name in (("small", "face size"), ("dark", "light"), ("blurred", "blur"), ("turned", "pose")):
        analysis = analysed(faces, grid, moving((4, "both")), trouble)
        assert next(c for c in analysis.verdict.checks if c.name == check_name).severity != "ok"
    assert analysed(faces, grid, moving((4, "both")), "pair").clip.kind == "pair"
    assert analysed(faces, grid, moving((4, "both")), "by_user").moment.interval.by_user


@pytest.mark.parametrize("kind", samples.KINDS)
def test_a_sample_is_the_apps_prompt_and_something_to_learn(kind, faces, grid):
    analysis = analysed(faces, grid, moving((4, "both"), amplitude=1.8))
    truth = samples.Truth({4: "both"}, "anger", "negative")
    picture = images.map_of(grid.expression(moving((4, "both"))), faces.gray[0], faces.landmarks[0])
    sample = samples.sample_of(analysis, truth, picture, np.random.default_rng(2), kind)
    learned = [m for m in sample.messages if m.learn]
    assert learned
    assert {m.role for m in learned} == {"assistant"}
    assert sample.messages[-1].learn
    assert sum(m.image for m in sample.messages) == 1
    assert sample.picture.shape == (224, 224, 3)
    if kind != "look":
        assert sample.messages[0].text.startswith(brief.record(Facts(analysis)))
        for message in learned:
            assert not check(message.text, analysis, "en").unsupported
    if kind == "explain":
        told = prompts.build(analysis, style="brief").messages
        assert [m.text for m in sample.messages[:-1]] == [m.text for m in told]


def test_me_vqa_has_megcs_words():
    made = dict(vqa.pairs({4: "both", 10: "left"}, "disgust", "negative", np.random.default_rng(0)))
    assert made["What are the action units?"] == "brow lowerer, upper lip raiser"
    assert made[vqa.SIDE.format(name="upper lip raiser")] == "left"
    assert made[vqa.COMBINED_MANY] == (
        "The action units present are: brow lowerer, upper lip raiser. Therefore, the fine-grained expression class is "
        "disgust, and the coarse expression class is negative."
    )
    assert sorted(a for q, a in made.items() if q.endswith("shown on the face?")) in (
        ["no", "no", "yes"],
        ["no", "yes"],
    )
    assert vqa.number_of("Lip Corner Puller") == 12
    assert vqa.number_of("head tilt right") is None
    assert [q for q, _ in vqa.pairs({}, None, None, np.random.default_rng(0))] != []


@pytest.mark.skipif("MELLM_DATA" not in os.environ, reason="needs MELLM_DATA")
def test_me_vqa_of_casme2_is_asked_and_answered_in_these_words():
    path = Path(os.environ["MELLM_DATA"]) / "annotations" / "me_vqa_casme2.jsonl"
    known = {vqa.COARSE, vqa.FINE, vqa.LIST_ONE, vqa.LIST_MANY, vqa.COMBINED_ONE, vqa.COMBINED_MANY}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["question"] not in known:
            name = re.fullmatch(
                r"Is the action unit (.+) (?:shown on the face|located on the left or right face)\?", row["question"]
            )
            assert name, row
        elif row["question"] in (vqa.LIST_ONE, vqa.LIST_MANY):
            assert all(vqa.number_of(part) for part in row["answer"].split(", ")), row


def test_a_real_flow_lies_where_it_belongs(faces):
    from support_flow import picture as bumps

    flow = real.flow_in_crop(bumps("surprise", np.random.default_rng(0)), faces.landmarks[0], 1.2)
    means = dict(zip(facs.REGION_KEYS, motion.region_means(flow, region_masks(faces.landmarks[0])), strict=True))
    strongest = max(means, key=lambda key: np.hypot(*means[key]))
    assert "brow" in strongest
    assert means[strongest][1] < 0
    assert np.hypot(*means[strongest]) == pytest.approx(1.2, rel=0.01)


# ------------------------------------------------------------------------------------------------ the command


def written(tmp_path, faces, seed=4, real_share=0.4, name="out"):
    write_corpus(tmp_path, people=2, per_class=1)
    write_tables(tmp_path)
    flows = sources.RealFlows(tmp_path)
    out = tmp_path / name
    made = sources.motions(faces, EVENTS, flows, seed, real_share=real_share)
    counts = command.write(out, made, 12)
    return counts, [json.loads(line) for line in (out / "samples.jsonl").read_text(encoding="utf-8").splitlines()], out


def test_the_same_seed_writes_the_same_files(tmp_path, faces):
    counts, lines, out = written(tmp_path, faces)
    _, again, other = written(tmp_path, faces, name="again")
    _, different, _ = written(tmp_path, faces, seed=5, name="different")
    assert lines == again
    assert lines != different
    assert sum(counts.values()) == len(lines) == 12
    assert {line["origin"] for line in lines} == {"synthetic", "me_flow"}
    for line in lines:
        assert any(m.get("learn") for m in line["messages"])
        if line["image"]:
            assert (out / line["image"]).read_bytes() == (other / line["image"]).read_bytes()
        else:
            assert not any(m.get("image") for m in line["messages"])


def test_without_data_the_command_says_so(tmp_path, capsys):
    for arguments in ([], ["--data", str(tmp_path / "none")], ["--corpus", "samm"]):
        with pytest.raises(SystemExit) as ended:
            command.main(["--out", str(tmp_path / "o"), *arguments])
        assert ended.value.code == 2
    assert "--corpus-folder" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ corpora


LAYOUTS = {
    # corpus: clip's folder, frame's name, header, row (subject, clip, onset, apex, offset, units, emotion)
    "casme2": ("sub01/EP02_01f", "img{}.jpg",
               "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion",
               "1,EP02_01f,,46,59,86,,4+L10,disgust"),
    "samm": ("006/006_1_2", "006_{:05d}.jpg",
             "Subject,Filename,Inducement Code,Onset Frame,Apex Frame,Offset Frame,Duration,Micro,Action Units,"
             "Estimated Emotion",
             "006,006_1_2,1,46,59,86,41,Micro - 1/2,4+L10,Disgust"),
    "casme3": ("data/part_A/spNO.1/a/color", "{}.jpg", "Subject,Filename,Onset,Apex,Offset,AU,Objective class,emotion",
               "spNO.1,a,46,59,86,4+L10,II,disgust"),
    "dfme": ("part1/sub0003/sub0003_01", "frame_{:04d}.png",
             "subject,filename,FPS,OnsetFrame,ApexFrame,OffsetFrame,AUs,emotion",
             "sub0003,sub0003_01,500,46,59,86,4+L10,disgust"),
}  # fmt: skip
RATES = {"casme2": 200.0, "samm": 200.0, "casme3": 30.0, "dfme": 500.0}


def make_corpus(tmp_path, corpus, picture):
    from PIL import Image

    folder, frame, header, row = LAYOUTS[corpus]
    where = tmp_path / corpus / folder
    where.mkdir(parents=True)
    for number in (46, 59):
        Image.fromarray(picture).save(where / frame.format(number), quality=95)
    return tmp_path / corpus, header.split(","), row.split(",")


@pytest.mark.parametrize("corpus", corpora.CORPORA)
def test_a_corpus_is_read_from_its_own_folder(tmp_path, corpus, astronaut):
    folder, header, row = make_corpus(tmp_path, corpus, astronaut)
    with (folder / "coding.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if corpus == "samm":
            writer.writerows([["Codes of SAMM"], [], ["Please cite"]])
        writer.writerow(header)
        writer.writerow(row)
        writer.writerow([cell.replace("59", "/") for cell in row])  # an event without an apex
    (event,) = corpora.read_corpus_events(folder, corpus)
    assert event.units == ((4, "both"), (10, "left"))
    assert event.emotion == "disgust"
    assert event.rise_ms == pytest.approx(13 * 1000.0 / RATES[corpus])
    assert "46" in event.onset.name
    assert "59" in event.apex.name


def test_an_excel_table_is_read(tmp_path, astronaut):
    openpyxl = pytest.importorskip("openpyxl")
    folder, header, row = make_corpus(tmp_path, "casme2", astronaut)
    book = openpyxl.Workbook()
    book.active.append(header)
    book.active.append([int(cell) if cell.isdigit() else cell for cell in row])
    book.save(folder / "CASME2-coding.xlsx")
    assert len(corpora.read_corpus_events(folder, "casme2")) == 1


def test_an_event_of_a_corpus_becomes_a_motion(tmp_path, astronaut):
    folder, header, row = make_corpus(tmp_path, "casme2", astronaut)
    (folder / "coding.csv").write_text("\n".join([",".join(header), ",".join(row)]), encoding="utf-8")
    (event,) = corpora.read_corpus_events(folder, "casme2")
    source = corpora.source_of(event, np.random.default_rng(0))
    assert source.group == "casme2/1"
    assert source.truth.coarse == "negative"
    assert source.picture.shape == (CROP_PX, CROP_PX, 3)
    assert not Facts(source.analysis).found  # onset and apex are the same picture


def test_a_corpus_that_lacks_something_says_what(tmp_path, astronaut):
    folder, header, _ = make_corpus(tmp_path, "casme2", astronaut)
    with pytest.raises(InputError, match="no coding table"):
        corpora.read_corpus_events(folder, "casme2")
    (folder / "coding.csv").write_text(",".join(header) + "\n9,other,,1,2,3,,4,disgust\n", encoding="utf-8")
    with pytest.raises(InputError, match="None of the 1 events"):
        corpora.read_corpus_events(folder, "casme2")
    with pytest.raises(InputError, match="There is no folder"):
        corpora.read_corpus_events(tmp_path / "none", "casme2")


def test_a_question_can_be_asked_more_often(faces, tmp_path):
    weights = command.weights_of(["megc=99999", "why=0"])
    assert (weights["why"], weights["region"]) == (0.0, samples.WEIGHTS["region"])
    command.write(tmp_path / "out", sources.motions(faces, EVENTS, None, 5), 12, weights)
    lines = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    chats = [line for line in lines if line["kind"] == "chat" and line["facts"]["claimed"]]
    said = [m["text"] for line in chats for m in line["messages"] if m["role"] == "user"]
    assert said
    assert sum("action unit" in text.lower() or "expression class" in text.lower() for text in said) > len(said) / 2


@pytest.mark.parametrize("given", ["megc", "megc=-1", "megc=x", "nothing=1", "megc=nan"])
def test_a_weight_that_is_none_is_told(given):
    with pytest.raises(InputError, match="is no weight"):
        command.weights_of([given])


def test_some_motions_come_with_the_heads_claims(faces):
    """As ME-VQA's clips do: what a coder of a corpus would have written down, not what the app's rules read."""
    drawn = [next_one for _, next_one in zip(range(8), sources.motions(faces, EVENTS, None, 5), strict=False)]
    plain = list(command.coded(iter(drawn), 0.0))
    assert [source.analysis for source, _ in plain] == [source.analysis for source, _ in drawn]
    seen = 0
    for (before, _), (after, _) in zip(drawn, command.coded(iter(drawn), 1.0), strict=True):
        if before.analysis.evidence is None:
            assert after.analysis is before.analysis
            continue
        seen += 1
        units = after.analysis.evidence.action_units
        assert units
        assert all(NETWORK in {witness.name for witness in unit.witnesses} for unit in units)
        assert after.analysis.evidence.regions == before.analysis.evidence.regions
        assert (after.truth, after.picture is before.picture) == (before.truth, True)
    assert seen > 2
