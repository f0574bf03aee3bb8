"""Answers about emotions: the reading, the class, one that is named, others, and why. English."""

from __future__ import annotations

from mellm_demo import wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers.en.nothing import not_found, short
from mellm_demo.reasoning.answers.en.pieces import claimed_codes, code, group_moved, group_px
from mellm_demo.reasoning.answers.en.readings import MEASURED, pattern_words, reading_told, reasons_told, speaks_for
from mellm_demo.reasoning.answers.en.units import basis_of, no_unit, one_unit
from mellm_demo.reasoning.answers.shared import coarse_shares, worth_ranking
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import joined, number


def answer_emotion(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"No emotion can be read from this clip. {short(facts)}"
    return f"{reading_told(facts)}\n\n{MEASURED}"


def answer_coarse(facts: Facts, query: Query) -> str:
    shares = coarse_shares(facts)
    if not shares:
        why = "" if facts.found else short(facts)
        return f"No class can be given: without a claimed action unit there is nothing to go by. {why}".strip()
    (best, share), *others = shares
    rest = ", ".join(f"{name} {number(value, 2)}" for name, value in others)
    return (
        f"{best.capitalize()}, with a share of {number(share, 2)} ({rest}). These shares say how the support of "
        "the action units divides; they are no probabilities of being correct."
    )


def answer_named_emotion(facts: Facts, query: Query) -> str:
    return "\n\n".join(_one_emotion(facts, name) for name in query.emotions[:2])


def _one_emotion(facts: Facts, name: str) -> str:
    if not facts.found:
        return f"For {name} there is nothing to go by, neither for nor against. {short(facts)}"
    if not facts.units:
        return f"For {name} there is nothing to go by: the movement matches no action unit."
    listed = next((one for one in facts.emotions if one.name == name), None)
    best = [one.name for one in wording.readings(facts.emotions)]
    shown = claimed_codes(facts)
    if listed and name in best:
        start = f"{name.capitalize()} is {'one of the two' if len(best) == 2 else 'the'} best supported reading"
        start += "s, tentatively." if len(best) == 2 else ", tentatively."
        against = f" Against it: {reasons_told(listed.reasons_against)}." if listed.reasons_against else ""
        return f"{start} For it: {speaks_for(facts, listed)}.{against} {MEASURED}"
    instead = f"{joined(best, last='or')} is better supported" if best else "no reading is well supported here"
    if listed and listed in worth_ranking(facts):
        against = f" Against it: {reasons_told(listed.reasons_against)}." if listed.reasons_against else ""
        return f"It is not ruled out, but {instead}. For {name}: {speaks_for(facts, listed)}.{against}"
    return (
        f"The motion does not point to {name}. {pattern_words(facts, name)} Shown: {shown}; {instead}. That "
        "says nothing about feelings that do not show."
    )


def answer_alternatives(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"No reading is preferred, so none is ruled out. {short(facts)}"
    if not facts.emotions:
        return reading_told(facts)
    best = [one.name for one in wording.readings(facts.emotions)]
    others = [one for one in facts.emotions if one.name not in best][:3]
    lines = [
        f"- {one.name}: {reasons_told(one.reasons_against) if one.reasons_against else pattern_words(facts, one.name)}"
        for one in others
    ]
    only = "is only the best supported reading" if len(best) == 1 else "are only the best supported readings"
    lead = (
        f"It might be something else. {joined(best, last='or').capitalize()} {only}."
        if best
        else "No reading stands out."
    )
    body = (
        f"\n\nAgainst the next ones:\n\n{chr(10).join(lines)}"
        if lines
        else " No other reading has support in the motion."
    )
    return f"{lead}{body}\n\n{MEASURED}"


def answer_why(facts: Facts, query: Query) -> str:
    if query.units:
        told = []
        for au in query.units[:3]:
            unit = facts.unit(au)
            told.append(f"What {code(au)} rests on: {clause(basis_of(facts, unit))}." if unit else one_unit(facts, au))
        return "\n\n".join(told)
    if not facts.found:
        return not_found(facts)
    if not facts.units:
        return no_unit(facts)
    first = facts.groups[0]
    does = f"that is what {code(facts.units[0].au)} does"
    return f"From motion to words: {group_moved(first)} ({group_px(first)}); {does}. {reading_told(facts)}"
