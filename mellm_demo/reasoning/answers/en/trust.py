"""How far the finding can be trusted, what was marked beside it, and which other moments there are. English."""

from __future__ import annotations

import re

from mellm_demo import wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers.en.nothing import not_found, short
from mellm_demo.reasoning.answers.en.pieces import span_times
from mellm_demo.reasoning.answers.en.recording import better_clip
from mellm_demo.reasoning.answers.shared import LISTED_SPANS, interval_of
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.wording import joined, number, seconds

LIMITS = {
    "blink": "the movement overlaps a blink, which drags brows and cheeks along",
    "closed": "the eyes were closed at its onset, and opening them moves brows and cheeks too",
    "speech": "it falls into speech or chewing, which move the mouth by themselves",
    "head": "the head moves fast at the same time",
    "gap": "the face was lost or not measurable in between",
    "cut": "the clip begins or ends before the face is back at rest",
    "few": "there are too few frames to show its course",
}


def caveats(facts: Facts) -> str:
    """What limits this finding, told once and beside it."""
    told = [LIMITS[key] for key in facts.limits if key != "few" or not facts.slow]
    if facts.slow:
        rate, step = number(facts.analysis.clip.frame_rate, 0), number(facts.step_ms, 0)
        told.append(
            f"at {rate} frames/s nothing shorter than {number(facts.shortest_ms, 0)} ms can be seen, "
            f"and times are good to {step} ms at best"
        )
    interval = interval_of(facts)
    if interval.by_user and not facts.is_pair:
        told.append("onset and apex are the ones that you set, not found by the app")
    told += [clause(text) for text in facts.other_warnings]
    told += [clause(check.sentence) for check in facts.input_warnings]
    return f"Keep in mind: {'; '.join(told)}." if told else ""


def answer_reliability(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"{not_found(facts)}\n\n{better_clip(facts)}"
    interval = interval_of(facts)
    strongest = facts.groups[0].strongest
    ratio = number(strongest.magnitude_px / facts.floor_px) if facts.floor_px > 0 else "–"
    steps = [
        f"The movement: firm. At {number(strongest.magnitude_px)} px it is {ratio} times the noise of "
        f"{number(facts.floor_px)} px that this clip shows at rest."
    ]
    if facts.units:
        told = joined([f"AU{unit.au} {wording.scale(unit)} {number(unit.probability, 2)}" for unit in facts.units])
        steps.append(f"The action units: as far as their numbers go, from 0 to 1: {told}.")
    steps.append("What it may express: tentative. A face can move like this for several reasons.")
    limits = [line for line in (_confusers(facts), caveats(facts), _verdict_line(facts)) if line]
    open_end = [] if interval.complete or facts.is_pair else ["The offset lies outside the clip."]
    return "\n".join(f"- {step}" for step in steps) + "".join(f"\n\n{line}" for line in (*limits, *open_end))


def _confusers(facts: Facts) -> str:
    """What the recognition wants kept in mind about the claimed action units."""
    evidence = facts.analysis.evidence
    notes = evidence.notes if evidence else ()
    return " ".join(wording.tidy_codes(note) for note in notes if re.search(r"AU ?\d", note))


def _verdict_line(facts: Facts) -> str:
    verdict = facts.analysis.verdict
    return f"{verdict.headline.rstrip('.')}." if verdict.headline else ""


def answer_spans(facts: Facts, query: Query) -> str:
    kinds = query.spans or ("blink", "speech", "head")
    lines = []
    for kind in kinds:
        name = {"blink": "Blinks", "speech": "Speech", "head": "Head turns"}[kind]
        spans = facts.spans(kind)
        if not spans:
            lines.append(f"{name}: none was marked in this clip.")
            continue
        more = ", …" if len(spans) > LISTED_SPANS else ""
        line = f"{name}: {', '.join(span_times(span) for span in spans[:LISTED_SPANS])}{more}."
        if facts.interval is not None and not facts.is_pair:
            touching = joined([span_times(span) for span in facts.overlaps if span.kind == kind])
            line += f" {touching} overlaps the chosen moment." if touching else " None overlaps the chosen moment."
        lines.append(line)
    handling = {
        "blink": "Eyelids are left out when moments are looked for.",
        "speech": "Speech moves the mouth; what is found inside it is marked as doubtful.",
        "head": "Head motion is fitted on parts of the face that expressions leave alone, and removed.",
    }
    return "\n\n".join([*lines, " ".join(handling[kind] for kind in kinds)])


def answer_candidates(facts: Facts, query: Query) -> str:
    candidates = facts.analysis.spotting.candidates
    if not candidates:
        own = " You set the present moment yourself." if facts.interval is not None and facts.interval.by_user else ""
        return f"The app found no moment by itself.{own} {short(facts) if not facts.found else ''}".strip()
    lines = []
    for place, one in enumerate(candidates, start=1):
        mark = ", **shown now**" if facts.analysis.selected == place - 1 else ""
        lines.append(
            f"{place}. {seconds(one.onset_ms)}–{seconds(one.offset_ms)} s, apex {seconds(one.apex_ms)} s, {one.kind}, "
            f"{number(one.peak_px)} px, {number(one.score)} × the noise{mark}"
        )
    count = "One moment stands out" if len(candidates) == 1 else f"{len(candidates)} moments stand out, best first"
    tail = "" if len(candidates) == 1 else "\n\nChoose another one under the timeline; everything follows it."
    return f"{count}:\n\n" + "\n".join(lines) + tail
