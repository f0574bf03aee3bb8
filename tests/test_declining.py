"""Refusals told from answers, on the answers that are taught."""

from __future__ import annotations

import numpy as np
import pytest
from support_analysis import make_analysis

from mellm_demo.reasoning.facts import Facts
from mellm_demo.training.declining import declines
from mellm_demo.training.instruct import ask_limits, ask_motion, ask_units
from mellm_demo.training.instruct.wordings import Speaker


@pytest.mark.parametrize("kind", ask_limits.UNANSWERABLE)
def test_what_no_motion_can_answer_is_declined(kind):
    facts, say = Facts(make_analysis("smile")), Speaker(np.random.default_rng(0))
    answers = {ask_limits.unanswerable(facts, say, kind)[1] for _ in range(60)}
    assert [answer for answer in answers if not declines(answer)] == []


@pytest.mark.parametrize("finding", ["smile", "frown", "one_sided_brow"])
def test_what_the_record_answers_is_not_declined(finding):
    facts, say = Facts(make_analysis(finding)), Speaker(np.random.default_rng(1))
    made = [ask(facts, say) for ask in {**ask_motion.QUESTIONS, **ask_units.QUESTIONS}.values() for _ in range(15)]
    assert [pair[1] for pair in made if pair and declines(pair[1])] == []


def test_nothing_reliable_is_no_answer():
    facts, say = Facts(make_analysis("nothing")), Speaker(np.random.default_rng(2))
    assert all(declines(ask_motion.nothing(facts, say)) for _ in range(20))


@pytest.mark.parametrize(
    "text",
    ["Yes, she is lying.", "He is 34 years old.", "No. She looks honest.", "The person is depressed.", "Paris.", "",
     "AU12 is shown on both sides.", "The chin did not move measurably.", "The motion does not support anger."],
)  # fmt: skip
def test_claims_are_no_refusals(text):
    assert not declines(text)


@pytest.mark.parametrize(
    "text",
    ["I can't say that.", "I am sorry, but I cannot determine that.", "It is impossible to tell from this clip.",
     "I don't know.", "That’s not something I was made for: I cannot identify people."],
)  # fmt: skip
def test_refusals_in_other_words(text):
    assert declines(text)
