"""When it happened, how long it lasted, whether that makes it micro or macro. English."""

from __future__ import annotations

from mellm_demo.reasoning.answers.en.nothing import short
from mellm_demo.reasoning.answers.shared import interval_of
from mellm_demo.reasoning.facts import MICRO_LIMIT_MS, Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import duration, number, seconds


def kind_sentence(facts: Facts) -> str:
    """Micro or macro by its length, or why that stays open."""
    interval = interval_of(facts)
    if facts.is_pair:
        return "Two pictures carry no time, so whether it was a micro- or a macro-expression cannot be told."
    limit = duration(MICRO_LIMIT_MS)
    open_end = "The face is not back at rest within the clip, so the true duration is longer."
    open_end = "" if interval.complete else open_end
    if interval.kind == "micro":
        return open_end or f"By its length, no more than {limit}, it is a micro-expression."
    return f"{open_end} Being longer than {limit}, it is a macro-expression: an ordinary, visible one.".lstrip()


def answer_when(facts: Facts, query: Query) -> str:
    if facts.is_pair:
        return "A pair of pictures carries no time: it says what changed from onset to apex, not when or how fast."
    interval = facts.interval
    if interval is None:
        return f"There is no moment to date. {short(facts)}"
    times = (
        f"Onset {seconds(interval.onset_ms)} s, apex {seconds(interval.apex_ms)} s, offset "
        f"{seconds(interval.offset_ms)} s, counted from the first frame and good to one frame "
        f"({number(facts.step_ms, 0)} ms)."
    )
    open_end = (
        "" if interval.complete else " The clip ends before the face is back at rest; the offset is the last frame."
    )
    if facts.state == "doubtful":
        return f"{short(facts)} That movement ran as follows. {times}{open_end}"
    if facts.state == "chosen_still":
        return f"{short(facts)} Your marks: {times}"
    return f"{times}{open_end}{' You set onset and apex yourself.' if interval.by_user else ''}"


def answer_duration(facts: Facts, query: Query) -> str:
    if facts.is_pair:
        return "A pair of pictures carries no time, so no duration can be told."
    interval = facts.interval
    if interval is None or not facts.found:
        return f"There is no expression whose duration could be given. {short(facts)}"
    least = "" if interval.complete else "at least "
    parts = f"{duration(interval.apex_ms - interval.onset_ms)} up to the apex"
    if interval.complete:
        parts += f" and {duration(interval.offset_ms - interval.apex_ms)} back to rest"
    return (
        f"It lasted {least}{duration(interval.duration_ms)}: {parts}. Each end is good to one frame, "
        f"{number(facts.step_ms, 0)} ms. {kind_sentence(facts)}"
    )


def answer_kind(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"No reliable micro-expression was found. {short(facts)}"
    if facts.is_pair:
        return kind_sentence(facts)
    interval = interval_of(facts)
    length, limit = duration(interval.duration_ms), duration(MICRO_LIMIT_MS)
    if facts.kind is None:
        return f"That stays open: it lasted at least {length}. {kind_sentence(facts)}"
    if facts.kind == "micro":
        return f"A micro-expression, by its length: it lasted {length}, and the limit is {limit}."
    least = "" if interval.complete else "at least "
    return f"A macro-expression, by its length: it lasted {least}{length}, more than the {limit} of a micro-expression."
