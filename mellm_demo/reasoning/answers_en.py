"""The narrator's English: the first explanation, and one answer for every intent.

Each function takes the facts and the query and returns markdown. Measured values are told as measured, readings as
tentative; where the finding is not reliable no action unit and no emotion is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.facts import (
    FRAMES_TO_SEE,
    GOOD_FRAME_RATE,
    MICRO_LIMIT_MS,
    Facts,
    Group,
    family,
    support,
)
from mellm_demo.reasoning.intents import Intent, Query
from mellm_demo.records import ActionUnitEvidence, EmotionHypothesis, Interval, RegionMotion, Span
from mellm_demo.wording import duration, joined, number, seconds

Answer = Callable[[Facts, Query], str]

TITLES = ("**What moved**", "**Which action units**", "**What it may express**")
MEASURED = "Motion is measured; emotion is inferred. The same movement can accompany different feelings, or none."
SHOWN_GROUPS = 4  # regions told beside the strongest; the evidence list on the page has them all
LIMITS = {
    "blink": "the movement overlaps a blink, which drags brows and cheeks along",
    "closed": "the eyes were closed at its onset, and opening them moves brows and cheeks too",
    "speech": "it falls into speech or chewing, which move the mouth by themselves",
    "head": "the head moves fast at the same time",
    "gap": "the face was lost or not measurable in between",
    "cut": "the clip begins or ends before the face is back at rest",
    "few": "there are too few frames to show its course",
}


# --------------------------------------------------------------------------------------------- the explanation


def explain(facts: Facts) -> str:
    """The first explanation: three titled steps, then what to keep in mind."""
    steps = _explain_found(facts) if facts.found else _explain_nothing(facts)
    return "\n\n".join(f"{title}\n\n{step}" for title, step in zip(TITLES, steps, strict=True))


def _explain_found(facts: Facts) -> tuple[str, str, str]:
    interval, first, *others = _interval(facts), *facts.groups
    moved = f"{_when_moved(facts)} {_group(first)}: {_sizes(facts, first)}."
    if not facts.is_pair:
        rise = duration(interval.apex_ms - interval.onset_ms)
        moved += f" The movement was largest at {seconds(interval.apex_ms)} s, {rise} after its onset."
    rest = _noise_words(facts)
    if others:
        listed = "; ".join(f"{_group(group)} ({_px(group)})" for group in others[:SHOWN_GROUPS])
        left_out = len(others) - SHOWN_GROUPS
        more = f"; and {left_out} more, weaker" if left_out > 0 else ""
        moved += f" Also above {rest}: {listed}{more}."
    else:
        moved += f" No other region exceeded {rest}."
    return (
        f"{moved} {_kind_sentence(facts)}".strip(),
        _unit_lines(facts) if facts.units else _no_unit(facts),
        "\n\n".join(part for part in (_reading(facts), _caveats(facts), MEASURED) if part),
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
        " ".join(part for part in (_not_found(facts), set_aside, scale) if part),
        units,
        f"{meaning}\n\n{_better_clip(facts)}",
    )


def _when_moved(facts: Facts) -> str:
    interval = _interval(facts)
    if facts.is_pair:
        return "From the onset picture to the apex picture,"
    chosen = " (the marks that you set)" if interval.by_user else ""
    least = "" if interval.complete else "at least "
    span = f"From {seconds(interval.onset_ms)} s to {seconds(interval.offset_ms)} s"
    return f"{span}{chosen}, for {least}{duration(interval.duration_ms)},"


def _kind_sentence(facts: Facts) -> str:
    interval = _interval(facts)
    if facts.is_pair:
        return "Two pictures carry no time, so whether it was a micro- or a macro-expression cannot be told."
    limit = duration(MICRO_LIMIT_MS)
    open_end = "The face is not back at rest within the clip, so the true duration is longer."
    open_end = "" if interval.complete else open_end
    if interval.kind == "micro":
        return open_end or f"By its length, no more than {limit}, it is a micro-expression."
    return f"{open_end} Being longer than {limit}, it is a macro-expression: an ordinary, visible one.".lstrip()


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
LISTED_SPANS = 4


def _counted(facts: Facts, kind: str, one: str, many: str) -> str:
    spans = facts.spans(kind)
    if not spans:
        return ""
    if len(spans) == 1:
        return f"{one} ({_span(spans[0])})"
    count = _COUNT_WORDS[len(spans)] if len(spans) < len(_COUNT_WORDS) else str(len(spans))
    times = ", ".join(_span(span) for span in spans[:LISTED_SPANS])
    more = ", …" if len(spans) > LISTED_SPANS else ""
    return f"{count} {many} ({times}{more})"


def _caveats(facts: Facts) -> str:
    """What limits this finding, told once and beside it."""
    told = [LIMITS[key] for key in facts.limits if key != "few" or not facts.slow]
    if facts.slow:
        rate, step = number(facts.analysis.clip.frame_rate, 0), number(facts.step_ms, 0)
        told.append(
            f"at {rate} frames/s nothing shorter than {number(facts.shortest_ms, 0)} ms can be seen, "
            f"and times are good to {step} ms at best"
        )
    interval = _interval(facts)
    if interval.by_user and not facts.is_pair:
        told.append("onset and apex are the ones that you set, not found by the app")
    told += [clause(text) for text in facts.other_warnings]
    told += [clause(check.sentence) for check in facts.input_warnings]
    return f"Keep in mind: {'; '.join(told)}." if told else ""


# --------------------------------------------------------------------------------------------- nothing reliable


def _not_found(facts: Facts) -> str:
    """Why nothing is claimed, with the two numbers that decide it."""
    if facts.state == "chosen_still":
        interval = _interval(facts)
        span = f"{seconds(interval.onset_ms)} s and {seconds(interval.apex_ms)} s"
        where = "the two pictures" if facts.is_pair else f"the onset and apex that you set ({span})"
        px, noise = _two(facts)
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
    px, noise = _two(facts)
    where = " between the marks that you set" if facts.state == "chosen_still" and not facts.is_pair else ""
    most = f"The largest movement{where} ({px} px{_largest_place(facts)})"
    if facts.largest.rank == "above":
        return f"{most} does not have the course of an expression; the noise is {noise} px."
    return f"{most} {'stays under' if facts.largest.rank == 'under' else 'hardly exceeds'} the noise of {noise} px."


def _still_numbers(facts: Facts) -> str:
    px, noise = _two(facts)
    if facts.largest.rank == "under":
        return f"The largest movement was {px} px{_largest_place(facts)}; only more than {noise} px would count."
    return f"The largest movement was {px} px{_largest_place(facts)}, hardly more than the noise of {noise} px there."


def _largest(facts: Facts) -> str:
    px, noise = _two(facts)
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
    interval = _interval(facts)
    when = "" if facts.is_pair else f" around {seconds(interval.apex_ms)} s"
    return f"{_group(first)}{when} ({_px(first)}; the noise is {number(facts.floor_px)} px)"


def _because(facts: Facts) -> str:
    """The analysis's own reasons, size aside, as they stand."""
    return " ".join(f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in facts.reasons)


def _two(facts: Facts) -> tuple[str, str]:
    """Largest movement and noise, with as many digits as tell them apart."""
    largest = facts.largest
    digits = wording.digits_apart(largest.px, largest.floor_px)
    return number(largest.px, digits), number(largest.floor_px, digits)


# --------------------------------------------------------------------------------------------- pieces


def _interval(facts: Facts) -> Interval:
    if facts.interval is None:
        raise ValueError("There is no interval to tell of; ask for the state first.")
    return facts.interval


def _group(group: Group) -> str:
    """“both mouth corners moved up and outwards”."""
    subject = wording.region(group.name, group.side)
    article = "" if group.side == "both" else "the "
    return f"{article}{subject} moved {wording.direction(group.strongest)}"


def _px(group: Group) -> str:
    if group.side == "both":
        return ", ".join(f"{motion.side} {number(motion.magnitude_px)} px" for motion in group.motions)
    return f"{number(group.motions[0].magnitude_px)} px"


def _sizes(facts: Facts, group: Group) -> str:
    """Magnitudes in px and in per cent of the interocular distance."""
    if group.side == "both":
        left, right = group.motions
        return (
            f"the left by {number(left.magnitude_px)} px and the right by {number(right.magnitude_px)} px, that is "
            f"{number(left.magnitude_iod)} % and {number(right.magnitude_iod)} % of the distance between the pupils"
        )
    only = group.motions[0]
    return f"{number(only.magnitude_px)} px, that is {number(only.magnitude_iod)} % of the distance between the pupils"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _noise_words(facts: Facts) -> str:
    return f"this clip's noise of {number(facts.floor_px)} px"


def _span(span: Span) -> str:
    return f"{seconds(span.start_ms)}–{seconds(span.end_ms)} s"


def _side(side: str) -> str:
    return "both sides" if side == "both" else f"the {side} side"


def _code(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return f"AU{au} ({known.name})" if known else f"AU{au}"


def _does(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return known.plain if known else "moves a part of the face"


def _codes(units: tuple[int, ...]) -> str:
    return joined([f"AU{au}" for au in units])


def _unit_lines(facts: Facts) -> str:
    lines = [
        f"- **AU{unit.au}, {unit.name.lower()}**, {_side_note(unit)}: {_does(unit.au)}. "
        f"{wording.scale(unit).capitalize()} {number(unit.probability, 2)}, {number(unit.strength_px)} px."
        for unit in facts.units
    ]
    return "\n".join(lines) + f"\n\n{_scale_note(facts)}"


def _scale_note(facts: Facts) -> str:
    scales = {wording.scale(unit) for unit in facts.units}
    notes = {
        "probability": (
            "A probability comes from the network that was trained on real micro-expressions, together with the rules; "
            "it can be off by a tenth or more."
        ),
        "fit": (
            "A fit, from 0 to 1, says how closely the measured motion matches; it is no probability of being correct."
        ),
    }
    return " ".join(note for scale, note in notes.items() if scale in scales)


def _side_note(unit: ActionUnitEvidence) -> str:
    known = facs.AU_BY_NUMBER.get(unit.au)
    if unit.side == "both" and known is not None and not known.paired:
        return "on the midline"
    return f"on {_side(unit.side)}"


def _no_unit(facts: Facts) -> str:
    return "The movement is real but matches none of the action units looked for, so none is named."


def _units_short(facts: Facts) -> str:
    return _codes(facts.claimed)


def _reading(facts: Facts) -> str:
    """Step three: the best reading or two, what speaks for and against, and the coarse class."""
    if not facts.units:
        return "Without an action unit there is nothing to read an emotion from."
    named = wording.readings(facts.emotions)
    if not named:
        text = f"{_units_short(facts)} alone point{'s' if len(facts.units) == 1 else ''} to no particular emotion."
    elif len(named) == 2:
        one, two = named
        text = (
            f"{_units_short(facts)} could belong to **{one.name}** ({_for(facts, one)}) or to **{two.name}** "
            f"({_for(facts, two)}). The motion alone does not decide between them."
        )
    else:
        best = named[0]
        text = f"Tentatively, **{best.name}**: {_for(facts, best)}."
        if best.reasons_against:
            text += f" Against it: {_reasons(best.reasons_against)}."
        if len(facts.emotions) > 1:
            second = facts.emotions[1]
            against = f" ({_reasons(second.reasons_against)})" if second.reasons_against else ""
            text += f" Less well supported: {second.name}{against}."
    return f"{text} {_coarse_sentence(facts)}".strip()


def _for(facts: Facts, reading: EmotionHypothesis) -> str:
    """What speaks for a reading, from the tables of facs; else the reading's own reasons."""
    if reading.name not in facs.EMOTION_BY_NAME:
        return _reasons(reading.reasons_for)
    held = support(facts, reading.name)
    told = []
    if held.one_sided and held.shown:
        told.append(f"{_codes(held.shown)} on one side only is what it goes by")
    elif held.shown and not held.missing and facs.EMOTION_BY_NAME[reading.name].prototype:
        told.append(f"its usual pattern, {_codes(held.pattern)}, is complete")
    elif held.shown and held.missing:
        told.append(f"of its usual pattern {' + '.join(f'AU{au}' for au in held.pattern)}, {_are(held.shown)} shown")
    ruled = [rule for rule in held.rules if len(rule) == max(len(one) for one in held.rules)]
    if ruled:
        rule = joined([" with ".join(f"AU{au}" for au in rule) for rule in ruled], last="or")
        told.append(f"CASME II codes {rule} as {reading.name}")
    if held.counts and not ruled:
        au, count, clips = max(held.counts, key=lambda item: item[1])
        told.append(f"in CASME II, {count} of its {clips} clips show AU{au}")
    return "; ".join(told) or _reasons(reading.reasons_for)


def _are(units: tuple[int, ...]) -> str:
    return f"{_codes(units)} {'is' if len(units) == 1 else 'are'}"


def _reasons(reasons: tuple[str, ...]) -> str:
    return (
        "; ".join(wording.tidy_codes(clause(reason)) for reason in reasons)
        if reasons
        else "the shown action units belong to it"
    )


def _coarse_sentence(facts: Facts) -> str:
    shares = _shares(facts)
    if not shares:
        return ""
    (best, share), *others = shares
    rest = ", ".join(f"{name} {number(value, 2)}" for name, value in others)
    return f"Of the three coarse classes {best} has the largest share ({number(share, 2)}; {rest})."


def _shares(facts: Facts) -> list[tuple[str, float]]:
    evidence = facts.analysis.evidence
    if not facts.units or evidence is None or evidence.coarse is None:
        return []
    shares = [(name, float(getattr(evidence.coarse, name))) for name in facs.COARSE_CLASSES]
    return sorted(shares, key=lambda pair: -pair[1])


# --------------------------------------------------------------------------------------------- answers: the finding


def answer_explain(facts: Facts, query: Query) -> str:
    return explain(facts)


def answer_units(facts: Facts, query: Query) -> str:
    if facts.units:
        return _unit_lines(facts)
    if facts.found:
        return _no_unit(facts)
    return f"No action unit is claimed. {short(facts)}{_faint(facts)}"


def _faint(facts: Facts) -> str:
    """Action units that an unreliable movement would fit, marked as not claimed."""
    evidence = facts.analysis.evidence
    if facts.state != "doubtful" or evidence is None or not evidence.action_units:
        return ""
    best = evidence.action_units[0]
    return f" If the movement were real, it would come closest to {_code(best.au)}; that is not a finding."


def answer_unit(facts: Facts, query: Query) -> str:
    if not query.units:
        known = _codes(tuple(unit.number for unit in facs.ACTION_UNITS if unit.by_rules))
        return f"This app does not look for an action unit of that name. It looks for {known}."
    return "\n\n".join(_one_unit(facts, au) for au in query.units[:3])


def _one_unit(facts: Facts, au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    if known is None:
        return f"AU{au} is not among the action units that this app knows, so it can neither be shown nor excluded."
    unit = facts.unit(au)
    what = f"{_code(au)} {known.plain}."
    if unit is not None:
        size = f"{number(unit.strength_px)} px ({number(facts.percent(unit.strength_px))} % of the pupil distance)"
        basis = _basis(facts, unit)
        return (
            f"Yes. {what} Here it shows on {_side(unit.side)}, by {size}, with a {wording.scale(unit)} of "
            f"{number(unit.probability, 2)}. {basis}"
        )
    if au in (45, 46):
        blinks = facts.spans("blink")
        seen = (
            f"Blinks were marked at {joined([_span(s) for s in blinks[:LISTED_SPANS]])}"
            if blinks
            else "No blink was marked"
        )
        return f"{what} Eyelid movement is marked on the timeline and kept out of the expression. {seen}."
    if not facts.found:
        return f"{what} Whether it was there cannot be told: no action unit is claimed in this clip. {short(facts)}"
    if not known.by_rules:
        return (
            f"{what} Two-dimensional motion cannot tell it from {_codes(known.confusers)}, so this app neither claims "
            "nor excludes it."
        )
    behind = facts.motions_behind(au)
    seen = f" {_listing(behind)}; the noise is {number(facts.floor_px)} px." if behind else ""
    return f"No. {what} The measured motion does not support it.{seen}"


def _listing(motions: tuple[RegionMotion, ...]) -> str:
    parts = []
    for motion in motions:
        where, px = wording.region(motion.name, motion.side), number(motion.magnitude_px)
        moved = (
            f"moved {wording.direction(motion)} by {px} px" if motion.moving else f"stayed under the noise ({px} px)"
        )
        parts.append(f"the {where} {moved}")
    return _capital(joined(parts))


def _basis(facts: Facts, unit: ActionUnitEvidence) -> str:
    """What a claimed action unit rests on."""
    motions = tuple(motion for motion in facts.motions if motion.key in unit.regions)
    told = [_listing(motions) + "."] if motions else []
    told += [  # the rules go by just these motions; others have their own reasons
        f"{witness.name.capitalize()} ({number(witness.probability, 2)}): {clause(witness.statement)}."
        for witness in unit.witnesses
        if witness.name != "rules" and witness.statement
    ]
    return " ".join(told)


def answer_side(facts: Facts, query: Query) -> str:
    note = "Left and right are the subject's own; in the picture the subject's left is on the right."
    if not facts.found:
        return f"No side can be named. {short(facts)}"
    units = [unit for au in query.units if (unit := facts.unit(au))] if query.units else list(facts.units)
    lines = [f"- {_code(unit.au)}: {_side_note(unit)}{_by_side(facts, unit)}" for unit in units]
    absent = [au for au in query.units if facts.unit(au) is None]
    if absent:
        lines.append(f"- {_codes(tuple(absent))}: not shown, so on neither side")
    if not lines:
        lines = [f"- {_group(group)} ({_px(group)})" for group in facts.groups[:SHOWN_GROUPS]]
    return "\n".join(lines) + f"\n\n{note}"


def _by_side(facts: Facts, unit: ActionUnitEvidence) -> str:
    sided = [motion for motion in facts.motions if motion.key in unit.regions and motion.side]
    names = list(dict.fromkeys(motion.name for motion in sided))
    told = []
    for name in names:
        pair = facts.motions_of(name)
        told.append(f"{name} " + ", ".join(f"{motion.side} {number(motion.magnitude_px)} px" for motion in pair))
    return f" ({'; '.join(told)})" if told else ""


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
        f"{number(facts.step_ms, 0)} ms. {_kind_sentence(facts)}"
    )


def answer_kind(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"No reliable micro-expression was found. {short(facts)}"
    if facts.is_pair:
        return _kind_sentence(facts)
    interval = _interval(facts)
    length, limit = duration(interval.duration_ms), duration(MICRO_LIMIT_MS)
    if facts.kind is None:
        return f"That stays open: it lasted at least {length}. {_kind_sentence(facts)}"
    if facts.kind == "micro":
        return f"A micro-expression, by its length: it lasted {length}, and the limit is {limit}."
    least = "" if interval.complete else "at least "
    return f"A macro-expression, by its length: it lasted {least}{length}, more than the {limit} of a micro-expression."


def answer_strength(facts: Facts, query: Query) -> str:
    if not facts.found and not facts.moving:
        return short(facts)
    lead = "" if facts.found else f"{short(facts)} "
    lines = []
    for au in query.units:
        unit = facts.unit(au)
        if unit is None:
            lines.append(f"AU{au} is not shown, so it has no strength.")
        else:
            sides = _by_side(facts, unit) if unit.side == "both" else f", on the {unit.side}"
            share = number(facts.percent(unit.strength_px))
            size = f"{number(unit.strength_px)} px, {share} % of the distance between the pupils"
            lines.append(f"{_code(au)}: {size}{sides}.")
    if lines:
        return lead + "\n\n".join(lines)
    first = facts.groups[0]
    text = f"{lead}{_capital(_group(first))}: {_sizes(facts, first)}."
    if facts.floor_px > 0:
        which = "The stronger of the two" if first.side == "both" else "That"
        ratio = number(first.strongest.magnitude_px / facts.floor_px)
        text += f" {which} is {ratio} times this clip's noise of {number(facts.floor_px)} px."
    return f"{text} Pixels are those of the aligned 256 px crop."


def answer_where(facts: Facts, query: Query) -> str:
    if not facts.moving:
        return short(facts)
    lead = "" if facts.found else f"{short(facts)} "
    first, *others = facts.groups
    text = f"Most of all {_group(first)} ({_px(first)})."
    if others:
        listed = "; ".join(f"{_group(group)} ({_px(group)})" for group in others)
        return (
            f"{lead}{text} Then, in order: {listed}. All others stayed under the noise of {number(facts.floor_px)} px."
        )
    return f"{lead}{text} No other region exceeded the noise of {number(facts.floor_px)} px."


def answer_region(facts: Facts, query: Query) -> str:
    if not facts.motions:
        return short(facts)
    lines = []
    for name in query.regions[:3]:
        for motion in facts.motions_of(name, query.side):
            where = wording.region(motion.name, motion.side)
            size = f"{number(motion.magnitude_px)} px ({number(motion.magnitude_iod)} % of the pupil distance)"
            if motion.moving:
                lines.append(f"- The {where} moved {wording.direction(motion)} by {size}.")
            else:
                lines.append(f"- The {where} did not move measurably: {size}, noise {number(facts.floor_px)} px.")
    lead = "" if facts.found else f"{short(facts)}\n\n"
    return lead + "\n".join(lines) if lines else answer_where(facts, query)


def answer_compare(facts: Facts, query: Query) -> str:
    if not facts.motions:
        return f"There is no movement to compare. {short(facts)}"
    moved = tuple(dict.fromkeys(motion.name for motion in facts.moving))
    sided = tuple(dict.fromkeys(motion.name for motion in facts.moving if motion.side))  # left and right are compared
    names = query.regions or (sided or moved)[:2]
    lines = [f"- {name}: {_each_side(facts.motions_of(name))}" for name in names]
    if not lines:
        return short(facts)
    verdicts = (_between_families(facts, names) if query.regions else "") or _between_sides(facts, names)
    return "\n\n".join(part for part in ("" if facts.found else short(facts), "\n".join(lines), verdicts) if part)


def _each_side(motions: tuple[RegionMotion, ...]) -> str:
    told = []
    for motion in motions:
        side = f"{motion.side} " if motion.side else ""
        how = wording.direction(motion) if motion.moving else "under the noise"
        told.append(f"{side}{number(motion.magnitude_px)} px ({how})")
    return ", ".join(told)


def _between_sides(facts: Facts, names: tuple[str, ...]) -> str:
    told = []
    for name in names:
        pair = facts.motions_of(name)
        if len(pair) == 2 and any(motion.moving for motion in pair):
            told.append(_difference(facts, *sorted(pair, key=lambda motion: -motion.magnitude_px)))
    return " ".join(told)


def _between_families(facts: Facts, names: tuple[str, ...]) -> str:
    families: dict[tuple[str, ...], list[RegionMotion]] = {}
    for name in names:
        families.setdefault(family(name), []).extend(facts.motions_of(name))
    if len(families) < 2:
        return ""
    best = [max(motions, key=lambda motion: motion.magnitude_px) for motions in families.values() if motions]
    first, second = sorted(best, key=lambda motion: -motion.magnitude_px)[:2]
    return _difference(facts, first, second) if first.moving else "Neither exceeded the noise."


def _difference(facts: Facts, more: RegionMotion, less: RegionMotion) -> str:
    gap = more.magnitude_px - less.magnitude_px
    first, second = wording.region(more.name, more.side), wording.region(less.name, less.side)
    if gap > facts.floor_px:
        return f"The {first} moved {number(gap)} px more than the {second}, a difference above the noise."
    return (
        f"The {first} and the {second} differ by {number(gap)} px, less than the noise of {number(facts.floor_px)} px: "
        "they moved about equally."
    )


# --------------------------------------------------------------------------------------------- answers: the reading


def answer_emotion(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"No emotion can be read from this clip. {short(facts)}"
    return f"{_reading(facts)}\n\n{MEASURED}"


def answer_coarse(facts: Facts, query: Query) -> str:
    shares = _shares(facts)
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
    ranked = [one for one in facts.emotions if one.support >= wording.FAINT_SUPPORT] or list(facts.emotions[:1])
    listed = next((one for one in facts.emotions if one.name == name), None)
    best = [one.name for one in wording.readings(facts.emotions)]
    shown = _units_short(facts)
    if listed and name in best:
        start = f"{name.capitalize()} is {'one of the two' if len(best) == 2 else 'the'} best supported reading"
        start += "s, tentatively." if len(best) == 2 else ", tentatively."
        against = f" Against it: {_reasons(listed.reasons_against)}." if listed.reasons_against else ""
        return f"{start} For it: {_for(facts, listed)}.{against} {MEASURED}"
    instead = f"{joined(best, last='or')} is better supported" if best else "no reading is well supported here"
    if listed and listed in ranked:
        against = f" Against it: {_reasons(listed.reasons_against)}." if listed.reasons_against else ""
        return f"It is not ruled out, but {instead}. For {name}: {_for(facts, listed)}.{against}"
    return (
        f"The motion does not point to {name}. {_pattern_words(facts, name)} Shown: {shown}; {instead}. That "
        "says nothing about feelings that do not show."
    )


def _pattern_words(facts: Facts, name: str) -> str:
    """What an emotion is tied to, and how much of that is shown."""
    held = support(facts, name)
    if held.one_sided:
        if held.shown:
            return f"{_codes(held.shown)} on one side only is what contempt goes by."
        return "Contempt goes by a one-sided AU12 or AU14, and neither is shown on one side alone."
    text = f"It is usually tied to {_codes(held.pattern)}"
    if not held.shown:
        return f"{text}, none of which is shown."
    missing = tuple(au for au in held.pattern if au not in held.shown)
    return f"{text}: {_are(held.shown)} shown" + (f", {_are(missing)} not." if missing else ".")


def answer_alternatives(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"No reading is preferred, so none is ruled out. {short(facts)}"
    if not facts.emotions:
        return _reading(facts)
    best = [one.name for one in wording.readings(facts.emotions)]
    others = [one for one in facts.emotions if one.name not in best][:3]
    lines = [
        f"- {one.name}: {_reasons(one.reasons_against) if one.reasons_against else _pattern_words(facts, one.name)}"
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
            told.append(f"What {_code(au)} rests on: {clause(_basis(facts, unit))}." if unit else _one_unit(facts, au))
        return "\n\n".join(told)
    if not facts.found:
        return _not_found(facts)
    if not facts.units:
        return _no_unit(facts)
    first = facts.groups[0]
    chain = f"From motion to words: {_group(first)} ({_px(first)}); that is what {_code(facts.units[0].au)} does."
    return f"{chain} {_reading(facts)}"


# --------------------------------------------------------------------------------------------- answers: trust


def answer_reliability(facts: Facts, query: Query) -> str:
    if not facts.found:
        return f"{_not_found(facts)}\n\n{_better_clip(facts)}"
    interval = _interval(facts)
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
    limits = [line for line in (_confusers(facts), _caveats(facts), _verdict_line(facts)) if line]
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
        line = f"{name}: {', '.join(_span(span) for span in spans[:LISTED_SPANS])}{more}."
        if facts.interval is not None and not facts.is_pair:
            touching = joined([_span(span) for span in facts.overlaps if span.kind == kind])
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


def answer_quality(facts: Facts, query: Query) -> str:
    clip, verdict = facts.analysis.clip, facts.analysis.verdict
    lines = [f"- {check.name}: {check.value}. {check.sentence}" for check in verdict.checks]
    if facts.is_pair:
        head = f"Two pictures, {clip.width} × {clip.height} px."
    else:
        head = (
            f"{clip.frame_count} frames in {number(clip.duration_ms / 1000.0)} s, {number(clip.frame_rate)} frames/s, "
            f"{clip.width} × {clip.height} px; nothing shorter than {number(facts.shortest_ms, 0)} ms "
            f"({FRAMES_TO_SEE} frames) can be seen."
        )
    lost = verdict.frames_face_lost
    missing = f"\n\nIn {lost} of {verdict.frames_total} frames no face was found." if lost else ""
    return f"{head}\n\n" + "\n".join(lines) + missing


_ADVICE = {
    "size": "come closer: the face should fill at least a third of the picture's height",
    "blur": "keep the face in focus and shorten the exposure",
    "light": "light the face evenly from the front, without flicker",
    "dark": "light the face evenly from the front, without flicker",
    "pose": "face the camera; a head turned away hides half of the motion",
    "found": "keep the whole face in the picture all the time",
    "cut": "keep the whole face in the picture all the time",
    "regular": "record with a constant frame rate, without a messenger or screen recorder in between",
}


def _better_clip(facts: Facts) -> str:
    steps = []
    rate = facts.analysis.clip.frame_rate
    if not facts.is_pair and rate < GOOD_FRAME_RATE:
        steps.append(f"record at {number(GOOD_FRAME_RATE, 0)} frames/s or more (this clip has {number(rate, 0)})")
    for name in facts.poor_checks():
        steps += [advice for word, advice in _ADVICE.items() if word in name.casefold() and advice not in steps]
    if facts.spans("speech"):
        steps.append("let the person listen rather than speak")
    if facts.spans("head"):
        steps.append("keep the head still, best against a rest")
    steps.append("put the camera on a stand and the face in even light")
    steps.append("begin and end with the face at rest")
    return f"For a better clip: {'; '.join(dict.fromkeys(steps))}."


def answer_better_clip(facts: Facts, query: Query) -> str:
    return _better_clip(facts)


# --------------------------------------------------------------------------------------------- answers: words, pictures


TERM_TEXTS: dict[str, str] = {
    "micro-expression": (
        "A micro-expression is a facial movement that is over within half a second, often faint and on part of "
        "the face only. The strict definition asks for 1/25 to 1/5 s; this app uses the relaxed limit of 500 ms."
    ),
    "macro-expression": (
        "A macro-expression is an ordinary facial expression: longer than half a second, and usually plain to see."
    ),
    "onset": "The onset is the last frame before the movement begins.",
    "apex": (
        "The apex is the frame in which the face is furthest from where it was at the onset. It is not where the "
        "motion is fastest; that lies before it."
    ),
    "offset": "The offset is the frame in which the face is back at rest.",
    "action unit": (
        "An action unit (AU) is the smallest visible movement of the face that can be told apart from others, "
        "numbered and tied to one muscle or a few. AU12, say, pulls the lip corners up and out."
    ),
    "facs": (
        "FACS, the Facial Action Coding System, describes faces by what moves: every visible movement is an "
        "action unit with a number, with a side and a strength. It names no emotions; those come after, as a reading."
    ),
    "optical flow": (
        "Optical flow is the displacement of every pixel from one picture to another. Here it runs from the onset to "
        "the apex (method TV-L1), so it says how far and in which direction each piece of skin went."
    ),
    "noise floor": (
        "The noise floor is how much a region seems to move in this clip while the face is at rest: sensor noise, "
        "compression, and what is left of head motion. What stays under it is not claimed."
    ),
    "interocular distance": (
        "The interocular distance is the distance between the pupils. Movements are given in per cent of it, "
        "so that near and far faces compare."
    ),
    "coarse class": (
        "The coarse classes are negative, positive and surprise, the three of the MEGC challenges. Corpora agree on "
        "them better than on single emotions."
    ),
    "fit": (
        "A fit, from 0 to 1, says how closely the measured motion matches what an action unit does. It is no "
        "probability of being correct."
    ),
}


def answer_term(facts: Facts, query: Query) -> str:
    told = []
    for term in query.terms[:3]:
        text = TERM_TEXTS[term]
        interval = facts.interval
        if term in ("onset", "apex", "offset") and facts.found and interval is not None and not facts.is_pair:
            text += f" Here: {seconds(getattr(interval, f'{term}_ms'))} s."
        if term == "noise floor":
            text += f" Here: {number(facts.floor_px)} px."
        told.append(text)
    return "\n\n".join(told)


COLOURS = {
    "right": "red",
    "down-right": "orange to yellow",
    "down": "yellow-green",
    "down-left": "green",
    "left": "cyan",
    "up-left": "blue",
    "up": "purple",
    "up-right": "magenta or pink",
}


def answer_picture(facts: Facts, query: Query) -> str:
    if query.colours:
        named = [f"{COLOURS[name]} means motion towards {_in_picture(name)} of the picture" for name in query.colours]
        text = "; ".join(named)
        start = f"{text[:1].upper()}{text[1:]}."
        return f"{start} Directions are those of the picture, where the subject's left is on the right."
    listed = ", ".join(f"{name} {colour}" for name, colour in COLOURS.items())
    about = (
        "The motion map shows the face at the onset with its motion up to the apex laid over it. Hue is direction, "
        f"brightness is how far: {listed}. Directions are those of the picture, where the subject's left is on the "
        "right."
    )
    limit = (
        "Brightness is relative to the strongest motion in the picture, so even a face at rest lights up. Whether "
        "that motion "
        f"counts is decided in pixels, against the noise of {number(facts.floor_px)} px."
    )
    return f"{about}\n\n{limit}"


def _in_picture(name: str) -> str:
    places = {"right": "the right", "left": "the left", "up": "the top", "down": "the bottom"}
    if name in places:
        return places[name]
    vertical, horizontal = name.split("-")
    return f"the {'top' if vertical == 'up' else 'bottom'} {horizontal}"


def answer_magnified(facts: Facts, query: Query) -> str:
    return (
        "The flicker switches between onset and apex as they were recorded. The magnified loop bends the onset frame "
        "along the "
        "measured motion, times the factor α, and fades out what is below the noise. It is there to make small "
        "motion visible "
        "and is not real: judge by the true apex beside it."
    )


def answer_method(facts: Facts, query: Query) -> str:
    return (
        "1. Every frame is read in order with its own time; MediaPipe's face landmarks align the face in one steady "
        "crop of "
        "256 × 256 px.\n"
        "2. Each facial region is followed through the clip. Head motion is fitted on parts that expressions leave "
        "alone and "
        "removed; eyelids are kept out, blinks and speech are marked.\n"
        "3. Where a region moves away from its rest by more than the clip's own noise, onset, apex and offset are "
        "set.\n"
        "4. Dense optical flow (TV-L1) from onset to apex gives each region's distance and direction.\n"
        "5. Rules from FACS compare that with what each action unit does; emotions follow from action units, "
        "tentatively.\n\n"
        "These sentences are composed from those numbers."
    )


def answer_model(facts: Facts, query: Query) -> str:
    return (
        "This is no language model. I am a narrator: these answers are composed by rules from the measurements of "
        "this clip. So "
        "I cannot see the picture or follow a free conversation; I can quote what was measured."
    )


# --------------------------------------------------------------------------------------- answers: what cannot be told


def answer_lie(facts: Facts, query: Query) -> str:
    return (
        "That cannot be told. No facial movement shows that someone lies or hides something; micro-expressions do "
        "not establish "
        "deception, and people trained to use them for that did no better than chance (Burgoon 2018; Jordan et al. "
        "2019). The clip "
        "shows what moved and when, nothing about truth."
    )


def answer_genuine(facts: Facts, query: Query) -> str:
    text = "Whether a movement was felt or put on cannot be told from it."
    if not facts.found:
        return f"{text} {short(facts)}"
    smile, cheek = facts.unit(12), facts.unit(6)
    if smile is None:
        return f"{text} A smile (AU12) is not shown here anyway."
    together = (
        f"Here AU6 (cheek raiser) goes with AU12 ({wording.scale(cheek)} {number(cheek.probability, 2)})"
        if cheek
        else "Here AU6 (cheek raiser) is not shown along with AU12"
    )
    return f"{text} {together}; people can raise their cheeks at will, so that decides nothing."


def answer_health(facts: Facts, query: Query) -> str:
    return (
        "That cannot be told. Facial motion in one clip says nothing about illness, pain or state of mind, and this "
        "app is no "
        "medical device. Please ask a physician where health is the question."
    )


def answer_identity(facts: Facts, query: Query) -> str:
    return (
        "I do not know who this is and do not try to find out: the app measures motion, recognises nobody and keeps "
        "no faces."
    )


def answer_traits(facts: Facts, query: Query) -> str:
    return (
        "Nothing of the kind is measured, and it cannot be told from motion: not age, sex, origin or belief, nor "
        "character or "
        "ability. The app says what moved, when, and how far."
    )


def answer_thoughts(facts: Facts, query: Query) -> str:
    return (
        "Thoughts, intentions and words cannot be read from facial motion. What can be told is which part of the "
        "face moved, when, "
        "and which expressions such a movement is found with."
    )


def answer_use(facts: Facts, query: Query) -> str:
    return (
        "This is a demonstration for research and teaching. Do not judge people by it. In the European Union, "
        "inferring emotions at "
        "work and in schools is forbidden outside medical and safety use (AI Act, Art. 5(1)(f)), and people exposed "
        "to it must be "
        "told (Art. 50(3)). Use clips of people who agreed. This is no legal advice."
    )


def answer_privacy(facts: Facts, query: Query) -> str:
    return (
        "The clip is analysed on the machine that runs this app and is sent to nobody else. Working files go when "
        "the session "
        "ends; nobody is identified, and nothing is kept but what you download. Faces are biometric data: use clips "
        "of people who "
        "agreed."
    )


def answer_faces(facts: Facts, query: Query) -> str:
    faces, face = facts.analysis.faces, facts.analysis.face
    if len(faces) <= 1:
        return "One face was followed in this clip, and all numbers are about it."
    return (
        f"{len(faces)} faces were followed. The numbers are about face {face.track_id}; choose another by its "
        "numbered thumbnail "
        "and everything follows."
    )


# --------------------------------------------------------------------------------------------- answers: the talk itself

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


# --------------------------------------------------------------------------------------------- suggestions


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


ANSWERS: dict[Intent, Answer] = {
    Intent(name.removeprefix("answer_")): function
    for name, function in list(globals().items())
    if name.startswith("answer_")
}
