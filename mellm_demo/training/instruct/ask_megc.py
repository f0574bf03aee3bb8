"""MEGC's questions beside the evidence, answered in MEGC's words from the record: what it claims, its class, its word."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.reasoning import brief
from mellm_demo.reasoning.facts import Facts, best_class, closest_word
from mellm_demo.records import BothSides
from mellm_demo.training.expected import tempting
from mellm_demo.training.instruct import vqa
from mellm_demo.training.instruct.ask_motion import Asked
from mellm_demo.training.instruct.wordings import Speaker

TURNED_SHARE = 0.35  # of the questions ask for one unit where the record lists several, or for several where it has one
# Of the units asked for in vain, such as the face moved as: the record decides what is shown, not the motion beside it.
TEMPTING_SHARE = 0.6
TURNED = {
    vqa.LIST_MANY: vqa.LIST_ONE, vqa.LIST_ONE: vqa.LIST_MANY,
    vqa.COMBINED_MANY: vqa.COMBINED_ONE, vqa.COMBINED_ONE: vqa.COMBINED_MANY,
}  # fmt: skip


def claimed(facts: Facts) -> dict[int, BothSides]:
    """The units that the record lists, as the model is told them."""
    return {unit.au: unit.side for unit in facts.units[: brief.MOST_UNITS] if unit.au in facs.AU_BY_NUMBER}


def megc(facts: Facts, say: Speaker) -> Asked | None:
    """One of MEGC's questions."""
    best = best_class(facts)
    if best is None:
        return None
    units, word = claimed(facts), closest_word(facts)
    pairs = vqa.pairs(units, word, best, say.random, asked_absent=1)
    question, answer = pairs[int(say.random.integers(len(pairs)))]
    near = tempting(facts)
    if near and answer == "no" and say.maybe(TEMPTING_SHARE):
        question = vqa.SHOWN.format(name=vqa.name_of(say.one(near)))
    if say.maybe(TURNED_SHARE):  # how it is asked tells nothing of the face: all that is listed is told
        question = TURNED.get(question, question)
        if question in (vqa.COMBINED_ONE, vqa.COMBINED_MANY):
            answer = vqa.combined_answer(units, word, best, question=question)
    return question, answer


QUESTIONS = {"megc": megc}
