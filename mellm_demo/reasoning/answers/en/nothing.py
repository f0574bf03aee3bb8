"""Why nothing is claimed, at length and in one sentence. English."""

from __future__ import annotations

from mellm_demo import wording
from mellm_demo.reasoning.answers.en.pieces import group_moved, group_px
from mellm_demo.reasoning.answers.shared import interval_of, two_numbers
from mellm_demo.reasoning.facts import Facts
from mellm_demo.wording import number, seconds


def not_found(facts: Facts) -> str:
    """Why nothing is claimed, with the two numbers that decide it."""
    if facts.state == "chosen_still":
        interval = interval_of(facts)
        span = f"{seconds(interval.onset_ms)} s and {seconds(interval.apex_ms)} s"
        where = "the two pictures" if facts.is_pair else f"the onset and apex that you set ({span})"
        px, noise = two_numbers(facts)
        return (
            f"Nothing that can be told from noise: between {where} no region moved by more than {px} px, "
            f"and this clip's noise is {noise} px."
        )
    if facts.state == "doubtful":
        return f"Something moved, but not reliably: {_doubtful_motion(facts)}. {_because(facts)}"
    if facts.only_small:
        return f"Nothing that stands out from this clip's noise. {_still_numbers(facts)} {_because(facts)}".strip()
    return f"No movement that can be taken for an expression. {_because(facts) or _largest(facts)}"


def short(facts: Facts) -> str:
    """Why nothing is claimed, in one sentence: what answers to single questions end in."""
    if facts.state == "doubtful":
        return f"The movement that was found is not reliable: {_doubtful_motion(facts)}."
    if facts.state == "still" and not facts.only_small and facts.reasons:
        reason = facts.reasons[0]
        return f"Nothing reliable was found. {reason[:1].upper()}{reason[1:].rstrip('.')}."
    px, noise = two_numbers(facts)
    where = " between the marks that you set" if facts.state == "chosen_still" and not facts.is_pair else ""
    most = f"The largest movement{where} ({px} px{_largest_place(facts)})"
    if facts.largest.rank == "above":
        return f"{most} does not have the course of an expression; the noise is {noise} px."
    return f"{most} {'stays under' if facts.largest.rank == 'under' else 'hardly exceeds'} the noise of {noise} px."


def _still_numbers(facts: Facts) -> str:
    px, noise = two_numbers(facts)
    if facts.largest.rank == "under":
        return f"The largest movement was {px} px{_largest_place(facts)}; only more than {noise} px would count."
    return f"The largest movement was {px} px{_largest_place(facts)}, hardly more than the noise of {noise} px there."


def _largest(facts: Facts) -> str:
    px, noise = two_numbers(facts)
    return f"The largest movement was {px} px{_largest_place(facts)}, with a noise of {noise} px."


def _largest_place(facts: Facts) -> str:
    at = facts.largest_at
    if at is None or (facts.interval is not None and facts.interval.by_user):
        return ""
    name, side, time_ms = at
    when = "" if facts.is_pair else f", at {seconds(time_ms)} s"
    return f", at the {wording.region(name, side)}{when}"


def _doubtful_motion(facts: Facts) -> str:
    first = facts.groups[0]
    interval = interval_of(facts)
    when = "" if facts.is_pair else f" around {seconds(interval.apex_ms)} s"
    return f"{group_moved(first)}{when} ({group_px(first)}; the noise is {number(facts.floor_px)} px)"


def _because(facts: Facts) -> str:
    """The analysis's own reasons, size aside, as they stand."""
    return " ".join(f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in facts.reasons)
