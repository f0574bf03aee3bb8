"""Greetings and the like, what can be asked, and questions to suggest. English."""

from __future__ import annotations

from mellm_demo import wording
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query

CAN_ANSWER = (
    "Ask me about this clip: what moved, where and on which side; when, how long and how strongly; which action "
    "units; what it "
    "may express and why not something else; how reliable that is; blinks, speech and head motion; the picture's "
    "colours; what a "
    "term means; how to get a better clip."
)


def answer_help(facts: Facts, query: Query) -> str:
    return CAN_ANSWER


def answer_greeting(facts: Facts, query: Query) -> str:
    return f"Hello. {CAN_ANSWER}"


def answer_thanks(facts: Facts, query: Query) -> str:
    return "You are welcome. Another moment or a different clip can be looked at any time."


def answer_empty(facts: Facts, query: Query) -> str:
    return f"There was no question. {CAN_ANSWER}"


def answer_foreign(facts: Facts, query: Query) -> str:
    return f"I can answer in English and Chinese (我可以用英文和中文回答). {CAN_ANSWER}"


def answer_unknown(facts: Facts, query: Query) -> str:
    return f"I have no answer to that: I can only tell what was measured in this clip. {CAN_ANSWER}"


def suggestions(facts: Facts) -> tuple[str, ...]:
    """Three or four questions that make sense for this finding."""
    if not facts.found:
        first = "What is the noise floor?" if facts.state == "doubtful" else "Where was the largest movement?"
        return (first, "How can I record a better clip?", "Were there blinks or speech?", "What is a micro-expression?")
    questions = []
    if facts.units:
        unit = facts.units[0]
        questions.append(f"Which side shows AU{unit.au}, and how strongly?")
    else:
        questions.append("Where did it move most?")
    named = wording.readings(facts.emotions)
    others = [one.name for one in facts.emotions if one not in named]
    questions.append(f"Why not {others[0]}?" if others else "Could it be something else?")
    questions.append("How reliable is this?")
    if len(facts.analysis.spotting.candidates) > 1:
        questions.append("Are there other moments?")
    elif facts.slow:
        questions.append("What does the frame rate allow?")
    else:
        questions.append("What do the colours mean?")
    return tuple(questions)
