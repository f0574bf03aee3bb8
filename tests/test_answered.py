"""“Yes”, “No” and lists are held against the question that they answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support_analysis import make_analysis

from mellm_demo.reasoning.claims import answered
from mellm_demo.reasoning.grounding import check


@pytest.mark.parametrize(
    ("question", "right", "kind"),
    [
        ("Is AU12 shown?", "Yes.", "action unit"),
        ("Do you see AU12?", "Yes", "action unit"),
        ("Is the action unit lip corner puller shown on the face?", "yes", "action unit"),
        ("Is AU4 shown?", "No.", "action unit"),
        ("Is it a micro-expression?", "Yes.", "type"),
        ("Please tell me: was this a macro-expression?", "No:", "type"),
        ("Did the left mouth corner move?", "Yes.", "region"),
        ("Did the chin move at all?", "No.", "region"),
        ("Is it anger?", "No.", "emotion"),
        ("Could it be happiness?", "Yes,", "emotion"),
        ("AU12出现了吗？", "是的。", "action unit"),
        ("这是微表情吗？", "是。", "type"),
    ],
)
def test_the_right_word_is_supported_and_the_other_is_not(question, right, kind):
    analysis = make_analysis("smile")
    other = {"y": "No.", "n": "Yes.", "是": "不是。"}[right[0].lower()]
    (held,) = check(right, analysis, question=question).statements
    assert (held.kind, held.supported, held.start) == (kind, True, 0)
    (wrong,) = check(other, analysis, question=question).statements
    assert (wrong.kind, wrong.supported) == (kind, False)
    assert wrong.why
    assert check(right, analysis).statements == ()  # alone it says nothing


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Isn't AU12 shown?", "Yes."),  # which of the two?
        ("Is it a micro- or a macro-expression?", "Yes."),
        ("Is AU12 on the left?", "No."),
        ("Did the left mouth corner move down?", "No."),
        ("What is AU12?", "Yes."),
        ("Is the person lying?", "No."),
        ("Is AU12 shown?", "Yesterday."),
        ("Is AU12 shown?", "That is so."),
        ("", "Yes."),
    ],
)
def test_what_is_asked_otherwise_makes_no_claim_of_a_yes(question, answer):
    assert answered(answer, question) == ()


@pytest.mark.parametrize(
    ("question", "answer", "right"),
    [
        ("What is the fine-grained expression class?", "happiness", True),
        ("What is the fine-grained expression class?", "contempt", False),  # a reading, but not of the class
        ("Which one word fits?", "Contempt.", False),
        ("What is the closest word?", "The closest word is happiness.", True),
        ("…, what is the fine-grained expression?", "The fine-grained expression class is disgust, and so on.", False),
        ("What is the fine-grained expression class?", "Nothing can be told.", True),
        ("What could it be?", "Perhaps contempt.", True),
    ],
)
def test_the_one_word_goes_with_the_class(question, answer, right):
    assert (check(answer, make_analysis("smile"), question=question).unsupported == ()) == right


def test_without_a_finding_there_is_no_word():
    asked = "What is the fine-grained expression class?"
    wrong = check("happiness", make_analysis("nothing"), question=asked).unsupported
    assert ("emotion", "no word follows from the measurements") in [(one.kind, one.why) for one in wrong]


@pytest.mark.parametrize(("answer", "right"), [("Yes.", False), ("No.", True)])
@pytest.mark.parametrize("name", ["neck tightener", "eye closure", "frobnicator"])
def test_a_unit_of_an_unknown_name_is_not_shown(name, answer, right):
    asked = f"Is the action unit {name} shown on the face?"
    found = check(answer, make_analysis("smile"), question=asked)
    assert (found.unsupported == ()) == right
    assert found.statements[0].why == "no unit of that name is looked for"


@pytest.mark.parametrize(
    ("question", "answer", "whole"),
    [
        ("Which action units are shown?", "AU6 on both sides; AU12 on both sides.", True),
        ("Which action units are shown?", "AU12 (lip corner puller) on both sides.", False),
        ("What are the action units?", "cheek raiser, lip corner puller", True),
        ("What are the action units?", "lip corner puller", False),
        ("List all AUs, please.", "AU12.", False),
        ("哪些动作单元？", "AU12。", False),
    ],
)
def test_a_list_of_units_says_that_there_are_no_others(question, answer, whole):
    found = check(answer, make_analysis("smile"), question=question)
    assert [one.kind for one in found.unsupported] == ([] if whole else ["list"])
    assert not check(answer, make_analysis("smile")).unsupported  # AU12 is shown


def test_events_of_the_eyes_count_as_items_of_a_list():
    """By themselves these names are words for what eyes do anyway."""
    analysis = make_analysis("smile")
    unit = replace(analysis.evidence.action_units[0], au=43, name="eyes closed")
    analysis = replace(
        analysis, evidence=replace(analysis.evidence, action_units=(unit,) * 1 + analysis.evidence.action_units)
    )
    asked = "What are the action units?"
    assert not check("cheek raiser, lip corner puller, eyes closed", analysis, question=asked).unsupported
    assert not check("eyes closed, cheek raiser, lip corner puller.", analysis, question=asked).unsupported
    assert check("cheek raiser, lip corner puller", analysis, question=asked).unsupported
    assert check("cheek raiser, lip corner puller, the eyes closed slowly", analysis, question=asked).unsupported


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which action unit is the strongest?", "AU12."),
        ("Which action units are not shown?", "AU12 is shown."),
        ("Which action unit moves the mouth?", "AU12."),
        ("What does AU12 mean?", "AU12 is called lip corner puller."),
        ("Which action units are shown?", "I cannot tell."),
    ],
)
def test_only_who_lists_them_all_says_so(question, answer):
    assert not check(answer, make_analysis("smile"), question=question).unsupported


def test_where_nothing_was_found_only_no_is_supported():
    analysis = make_analysis("nothing")
    for question in ("Is AU12 shown?", "Is it a micro-expression?", "Is it happiness?"):
        assert check("Yes.", analysis, question=question).unsupported
        assert not check("No.", analysis, question=question).unsupported


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["Yes", "No. ", "是", ""]) | st.text(max_size=20), st.text(max_size=200))
def test_any_question_with_any_answer_yields_at_most_one_claim_in_the_answer(answer, question):
    claims = answered(answer, question)
    assert len(claims) <= 1
    assert all(0 <= one.start < one.end <= len(answer) for one in claims)
