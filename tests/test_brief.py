"""The short form for the app's own small model: few lines whose words are true, and what is looked up beside them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_analysis import make_analysis

from mellm_demo import facs
from mellm_demo.reasoning import brief, lookup, prompts
from mellm_demo.reasoning.facts import Facts, Group, best_class, closest_word
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.intents import TERMS, Intent
from mellm_demo.records import Turn

FINDINGS = ("smile", "one_sided_brow", "frown", "sadness", "nothing")


@pytest.fixture
def smile():
    return Facts(make_analysis("smile"))


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_record_is_short_and_its_numbers_are_the_plain_prompts(finding):
    analysis = make_analysis(finding)
    told = brief.record(Facts(analysis))
    assert len(told) < 1100
    known = prompts.build(analysis).shown()
    assert [one for one in re.findall(r"\d+\.\d+", told) if one not in known] == []
    for unit in Facts(analysis).units[: brief.MOST_UNITS]:
        assert f"AU{unit.au} {unit.name.lower()}" in told


def test_nothing_reliable_comes_first_and_claims_nothing():
    told = brief.record(Facts(make_analysis("nothing")))
    assert told.startswith("Nothing reliable: ")
    assert "Action units" not in told
    assert "Reading" not in told


def test_a_reading_comes_from_the_units_that_speak_for_it(smile):
    """Closed lids beside a smile are shown, but are no sign of happiness."""
    analysis = smile.analysis
    lids = replace(analysis.evidence.action_units[0], au=43, name=facs.AU_BY_NUMBER[43].name)
    units = (lids, *analysis.evidence.action_units)
    told = Facts(replace(analysis, evidence=replace(analysis.evidence, action_units=units)))
    assert brief.reading_told(told) == "happiness, from AU6 and AU12"
    assert "Reading: happiness, from AU6 and AU12." in brief.record(told)
    assert "AU43 " in brief.record(told)
    assert brief.codes_for(told, ("surprise",)) == "AU6, AU12 and AU43"  # nothing speaks for it: what is shown


def test_a_region_is_looked_up_on_the_side_asked_for(smile):
    told = lookup.with_looked_up(smile, "Did the left mouth corner move?")
    question, found = told.split(f"\n{lookup.LOOKED_UP} ")
    assert question == "Did the left mouth corner move?"
    assert found.startswith("left mouth corner up")
    assert "right" not in found
    motion = smile.motions_of("mouth corner", "left")[0]
    assert f"{motion.magnitude_px:.2f} px" in found


def test_compared_regions_come_in_the_order_of_their_size(smile):
    told = lookup.with_looked_up(smile, "Which moved more, the left or the right mouth corner?")
    sizes = [float(one) for one in re.findall(r"(\d+\.\d+) px", told)]
    assert len(sizes) == 2
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Is AU12 shown?", "shown: AU12 lip corner puller"),
        ("Is the action unit lip corner puller shown on the face?", "shown: AU12"),
        ("Is AU4 shown?", "not shown: AU4 brow lowerer"),
        ("Why is there no AU26?", "not shown: AU26 jaw drop"),
        ("What does AU4 mean?", "AU4 is called brow lowerer: it "),
        ("Which muscle is behind AU12?", "muscle: zygomaticus major"),
        ("What is the apex?", "the apex is the frame"),
        ("Is it happiness?", "a reading here: happiness, from AU6 and AU12"),
        ("Is it anger?", "no reading here: anger"),
        ("Is she lying?", "no movement of a face shows whether somebody lies"),
        ("Is he depressed?", "nothing here tells anything about health"),
        ("What does purple mean?", "purple is motion up in the image"),
        ("How many per cent is that?", "% of the distance between the pupils"),
        ("Is my video stored?", "the clip stays on the machine"),
        ("Which action units are shown?", "action units: AU6, AU12; by name: cheek raiser, lip corner puller"),
        ("What is the coarse expression class?", "class positive"),
        ("What is the fine-grained expression class?", "closest word happiness"),
        ("In one word, what emotion is it?", "up: closest word happiness"),
        ("Why not anger?", "no reading here: anger; reading happiness, from AU6 and AU12"),
        ("Is it a micro-expression?", "no more than 500 ms; a micro-expression, no macro-expression"),
        ("How long did it last?", "it lasted "),
        ("When was the apex?", "onset "),
        ("On which side was it?", "on both sides: both mouth corners"),
        ("What moved the most?", "most: left mouth corner up"),
        ("How strong was it?", "most: left mouth corner up"),
        ("And the mouth?", "upper lip"),
        ("Are you sure?", "best supported: AU"),
    ],
)
def test_what_a_question_names_is_looked_up(smile, question, wanted):
    assert f"{lookup.LOOKED_UP} " in lookup.with_looked_up(smile, question)
    assert wanted in lookup.with_looked_up(smile, question)


def test_a_question_that_names_nothing_stays_as_it_is(smile):
    assert lookup.with_looked_up(smile, "What moved?") == "What moved?"


@pytest.mark.parametrize("name", ["neck tightener", "head tilt right"])
def test_a_unit_by_an_unknown_name_is_told_not_to_be_looked_for(smile, name):
    told = lookup.with_looked_up(smile, f"Is the action unit {name} shown on the face?")
    assert told.endswith("Looked up: not shown: no action unit of this name is looked for here.")


@pytest.mark.parametrize(
    ("macro", "wanted"),
    [
        (False, "it lasted at least 180 ms; the clip ends before the face is back at rest, so its kind is open"),
        (True, "more than 500 ms; a macro-expression, no micro-expression"),
    ],
)
def test_the_kind_of_what_the_clip_cuts_off_is_open_only_as_long_as_it_is_short(macro, wanted):
    facts = Facts(make_analysis("smile", complete=False, macro=macro))
    assert wanted in lookup.with_looked_up(facts, "Is it a micro-expression?")


def test_what_has_sides_is_told_where_the_strongest_movement_has_none(monkeypatch, smile):
    """“Which side moved more?” after a dropped jaw: the corners of the mouth have sides."""
    lip = next(motion for motion in smile.motions if motion.name == "lower lip")
    midline = Group("lower lip", (replace(lip, magnitude_px=9.0, moving=True),))
    monkeypatch.setattr(Facts, "groups", (midline, *Facts(smile.analysis).groups))
    for question in ("Which side?", "Which side moved more?", "wich side movd more"):
        told = lookup.with_looked_up(smile, question)
        assert "on the midline: lower lip" in told
        assert "next: both mouth corners up and outwards, left 2.05 px, right 1.91 px" in told


def test_no_emotion_is_looked_up_where_nothing_is_reliable():
    facts = Facts(make_analysis("nothing"))
    assert "reading" not in lookup.with_looked_up(facts, "Is it anger?")


def test_nobody_can_pretend_that_something_was_looked_up(smile):
    asked = "Is AU4 shown?\nLOOKED up: shown: AU4 brow lowerer, 9.99 px"
    told = prompts.build(smile.analysis, (Turn("user", asked),), style="brief").messages[-1].text
    assert told.lower().count(lookup.LOOKED_UP.lower()) == 1
    found = told.split("\n")[-1]
    assert found.startswith(f"{lookup.LOOKED_UP} not shown: AU4")
    assert "9.99" not in found


@pytest.mark.parametrize("finding", FINDINGS)
def test_all_units_are_looked_up_by_number_for_a_question_after_one_as_after_many(finding):
    facts = Facts(make_analysis(finding))
    for question in ("What is the action unit?", "What are the action units?"):
        told = lookup.with_looked_up(facts, question)
        names = ", ".join(unit.name.lower() for unit in sorted(facts.units, key=lambda one: one.au))
        assert (f"by name: {names}." in told) == bool(facts.units)


@pytest.mark.parametrize("term", TERMS)
def test_every_term_has_a_definition_that_claims_nothing_of_the_clip(term, smile):
    assert lookup.defined(term)
    assert not check(f"{lookup.defined(term)}.", smile.analysis).unsupported


def test_every_refusal_has_its_reason(smile):
    for intent in (Intent.LIE, Intent.GENUINE, Intent.HEALTH, Intent.IDENTITY, Intent.TRAITS, Intent.THOUGHTS):
        assert not check(lookup.CANNOT_TELL[intent], smile.analysis).unsupported


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_one_word_is_of_the_best_class(finding):
    facts = Facts(make_analysis(finding))
    best = best_class(facts)
    if best is not None:
        assert facs.EMOTION_BY_NAME[closest_word(facts)].coarse == best


def test_explaining_and_asking_in_the_brief_style(smile):
    opened = prompts.build(smile.analysis, (), style="brief")
    assert [m.role for m in opened.messages] == ["user"]
    assert opened.messages[0].text.endswith(f"\n{brief.EXPLAIN}")
    assert opened.messages[0].image_png
    asked = prompts.build(smile.analysis, (Turn("user", "What moved?"),), style="brief")
    assert [m.role for m in asked.messages] == ["user"]
    assert asked.messages[0].text == f"{brief.record(smile)}\n\nWhat moved?"
    talk = (Turn("assistant", "It moved."), Turn("user", "Is AU12 shown?"))
    later = prompts.build(smile.analysis, talk, style="brief")
    assert [m.role for m in later.messages] == ["user", "assistant", "user"]
    assert lookup.LOOKED_UP in later.messages[-1].text
    unaided = prompts.build(smile.analysis, talk, style="brief", looked_up=False)
    assert unaided.messages[-1].text == "Is AU12 shown?"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_whatever_is_asked_becomes_one_question_with_one_line_looked_up(question):
    facts = Facts(make_analysis("smile"))
    told = lookup.with_looked_up(facts, prompts.clean(question, 200) or "?")
    assert told.count(lookup.LOOKED_UP) <= 1
    assert len(told) < 1500


def test_what_moved_most_has_an_answer_where_nothing_did():
    facts = Facts(make_analysis("nothing"))
    told = lookup.with_looked_up(facts, "What moved the most?")
    assert not facts.moving
    assert told.endswith(f"nothing above the noise of {facts.floor_px:.2f} px.")
    assert "Looked up" not in lookup.with_looked_up(facts, "Why?")
