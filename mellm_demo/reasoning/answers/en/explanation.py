"""The first explanation, in three titled steps. English."""

from __future__ import annotations

from mellm_demo.reasoning.answers.en.nothing import not_found
from mellm_demo.reasoning.answers.en.pieces import group_moved, group_px, group_sizes, span_times
from mellm_demo.reasoning.answers.en.readings import MEASURED, reading_told
from mellm_demo.reasoning.answers.en.recording import better_clip
from mellm_demo.reasoning.answers.en.times import kind_sentence
from mellm_demo.reasoning.answers.en.trust import caveats
from mellm_demo.reasoning.answers.en.units import no_unit, unit_lines
from mellm_demo.reasoning.answers.shared import LISTED_SPANS, SHOWN_GROUPS, interval_of
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import duration, joined, number, seconds

TITLES = ("**What moved**", "**Which action units**", "**What it may express**")


def explain(facts: Facts) -> str:
    """The first explanation: three titled steps, then what to keep in mind."""
    steps = _explain_found(facts) if facts.found else _explain_nothing(facts)
    return "\n\n".join(f"{title}\n\n{step}" for title, step in zip(TITLES, steps, strict=True))


def answer_explain(facts: Facts, query: Query) -> str:
    return explain(facts)


def _explain_found(facts: Facts) -> tuple[str, str, str]:
    interval, first, *others = interval_of(facts), *facts.groups
    moved = f"{_when_moved(facts)} {group_moved(first)}: {group_sizes(facts, first)}."
    if not facts.is_pair:
        rise = duration(interval.apex_ms - interval.onset_ms)
        moved += f" The movement was largest at {seconds(interval.apex_ms)} s, {rise} after its onset."
    rest = _noise_words(facts)
    if others:
        listed = "; ".join(f"{group_moved(group)} ({group_px(group)})" for group in others[:SHOWN_GROUPS])
        left_out = len(others) - SHOWN_GROUPS
        more = f"; and {left_out} more, weaker" if left_out > 0 else ""
        moved += f" Also above {rest}: {listed}{more}."
    else:
        moved += f" No other region exceeded {rest}."
    return (
        f"{moved} {kind_sentence(facts)}".strip(),
        unit_lines(facts) if facts.units else no_unit(facts),
        "\n\n".join(part for part in (reading_told(facts), caveats(facts), MEASURED) if part),
    )


def _explain_nothing(facts: Facts) -> tuple[str, str, str]:
    set_aside = _set_aside(facts)
    scale = f"One pixel is {number(facts.percent(1.0))} % of the distance between the pupils here."
    units = "None is claimed: an action unit needs a movement that stands out from the noise, with a course of its own."
    meaning = (
        "That cannot be told from this clip. It does not mean that the person felt nothing: a face at rest and a "
        "movement too small or too short for this recording look the same here."
    )
    return (
        " ".join(part for part in (not_found(facts), set_aside, scale) if part),
        units,
        f"{meaning}\n\n{better_clip(facts)}",
    )


def _noise_words(facts: Facts) -> str:
    return f"this clip's noise of {number(facts.floor_px)} px"


def _when_moved(facts: Facts) -> str:
    interval = interval_of(facts)
    if facts.is_pair:
        return "From the onset picture to the apex picture,"
    chosen = " (the marks that you set)" if interval.by_user else ""
    least = "" if interval.complete else "at least "
    span = f"From {seconds(interval.onset_ms)} s to {seconds(interval.offset_ms)} s"
    return f"{span}{chosen}, for {least}{duration(interval.duration_ms)},"


def _set_aside(facts: Facts) -> str:
    """Blinks and the like that were found and left out."""
    parts = [_counted(facts, kind, one, many) for kind, one, many in _SPAN_COUNTS]
    told = [part for part in parts if part]
    return f"Set aside: {joined(told)}." if told else ""


_SPAN_COUNTS = (
    ("blink", "a blink", "blinks"),
    ("speech", "a stretch of speech", "stretches of speech"),
    ("head", "a head turn", "head turns"),
    ("gap", "a gap without a usable face", "gaps without a usable face"),
)
_COUNT_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _counted(facts: Facts, kind: str, one: str, many: str) -> str:
    spans = facts.spans(kind)
    if not spans:
        return ""
    if len(spans) == 1:
        return f"{one} ({span_times(spans[0])})"
    count = _COUNT_WORDS[len(spans)] if len(spans) < len(_COUNT_WORDS) else str(len(spans))
    times = ", ".join(span_times(span) for span in spans[:LISTED_SPANS])
    more = ", …" if len(spans) > LISTED_SPANS else ""
    return f"{count} {many} ({times}{more})"
