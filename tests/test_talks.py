"""Conversations written down: every turn, the tally, and what is not supported."""

from __future__ import annotations

from support_analysis import make_analysis
from support_reasoner import ScriptedReasoner

from mellm_demo.records import Turn
from mellm_demo.training import talks


def test_ten_questions_each():
    assert {len(questions) for questions in talks.QUESTIONS} == {10}


def test_a_talk_is_the_explanation_and_an_answer_to_each_question():
    reasoner = ScriptedReasoner().enqueue("It ", "moved.").enqueue("Up.").enqueue("Both.")
    turns = talks.talk(reasoner, make_analysis("smile"), ("Which way?", "Which side?"))
    assert [turn.role for turn in turns] == ["assistant", "user", "assistant", "user", "assistant"]
    assert [turn.text for turn in turns] == ["It moved.", "Which way?", "Up.", "Which side?", "Both."]


def test_what_is_not_supported_is_marked_and_counted():
    analysis = make_analysis("smile")
    turns = (Turn("assistant", "AU12 is shown."), Turn("user", "More?"), Turn("assistant", "AU4 is shown."))
    text, checked, wrong = talks.written("clip", analysis, turns)
    assert (checked, wrong) == (2, 1)
    assert "**Visitor:** More?" in text
    assert "Not supported: AU4" in text
    assert "(2 statements checked, 1 not supported.)" in text
