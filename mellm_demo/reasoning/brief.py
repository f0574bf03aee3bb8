"""The short form in which the app's own small model is told an analysis, and what is looked up for a question.

A model of this size copies well and computes badly. So the record stands in few lines whose words an answer can take
over, and what a question names (a region, an action unit, an emotion, a term) is looked up in the measurements and the
tables and put beside it. Training and app call the same functions, so that what was learned is what is told. English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers_en import COLOURS, TERM_TEXTS
from mellm_demo.reasoning.facts import Facts, Group, best_class, closest_word
from mellm_demo.reasoning.intents import Intent, Query, understand
from mellm_demo.records import ActionUnitEvidence, RegionMotion
from mellm_demo.wording import duration, number, seconds

EXPLAIN = "Explain."
LOOKED_UP = "Looked up:"  # opens the line beside a question; a visitor's own is taken out
MOST_GROUPS = 7
MOST_UNITS = 6
MOST_LOOKED_UP = 6
SHARE_ASKED = re.compile(r"%|\bper ?cent|\bpupil|\brelative|\binterocular", re.IGNORECASE)
MOST_ASKED = re.compile(r"\bmost\b|strong|larg|bigg|farthest|furthest", re.IGNORECASE)
ONE_WORD_ASKED = re.compile(r"\bfine[- ]grained|\bclosest word|\bone word\b", re.IGNORECASE)
DEFINITION_ASKED = re.compile(
    r"\bwhat(?:'s| is| does| do| are)\b|\bdefine|\bexplain\b|\bmean|\bmuscle|\bcalled\b", re.IGNORECASE
)


CANNOT_TELL: dict[Intent, str] = {
    Intent.LIE: "no movement of a face shows whether somebody lies",
    Intent.GENUINE: "whether an expression is genuine cannot be told from its motion",
    Intent.HEALTH: "nothing here tells anything about health",
    Intent.IDENTITY: "nobody is identified here",
    Intent.TRAITS: "age, sex, origin and character are not measured",
    Intent.THOUGHTS: "thoughts and reasons are not measured",
    Intent.USE: "inferring emotions at work and in schools is forbidden in the EU, outside medical and safety use",
}
ABOUT_THE_APP: dict[Intent, str] = {
    Intent.PRIVACY: "the clip stays on the machine that runs the app and is deleted when the page is closed",
    Intent.METHOD: (
        "optical flow (TV-L1) from onset to apex, the head's motion taken out, then rules and a trained head"
    ),
    Intent.MODEL: "a small language model that comes with the app",
}


def record(facts: Facts) -> str:
    """The whole analysis in about ten lines."""
    lines = [*_finding(facts), *_moved(facts), *_units(facts), *_notes(facts)]
    return "\n".join(lines)


def _finding(facts: Facts) -> list[str]:
    rate = f"{number(facts.analysis.clip.frame_rate, 0)} frames/s"
    if facts.is_pair:
        time = "Two pictures: no time."
    elif facts.interval is None:
        time = f"Clip: {number(facts.analysis.clip.duration_ms / 1000.0)} s, {rate}."
    else:
        onset, apex, offset = (
            seconds(ms) for ms in (facts.interval.onset_ms, facts.interval.apex_ms, facts.interval.offset_ms)
        )
        length = duration(facts.interval.duration_ms)
        kind = {"micro": "micro-expression", "macro": "macro-expression"}[facts.interval.kind]
        kind = f"{kind}, {length}" if facts.interval.complete else f"clip ends early, at least {length}"
        time = f"Time: onset {onset} s, apex {apex} s, offset {offset} s; {kind}; {rate}."
    if facts.found:
        return [time]
    largest = facts.largest
    digits = wording.digits_apart(largest.px, largest.floor_px)
    because = "; ".join(clause(reason) for reason in facts.analysis.reasons[:2])
    size = f"largest movement {number(largest.px, digits)} px, noise there {number(largest.floor_px, digits)} px"
    return [f"Nothing reliable: {because or size}.", f"{size[:1].upper()}{size[1:]}.", time]


def _moved(facts: Facts) -> list[str]:
    noise = f"{number(facts.floor_px, 2)} px"
    if not facts.groups:
        return [f"Moved: nothing above the noise of {noise}."]
    lines = [f"Moved (noise {noise}):", *(_group(one) for one in facts.groups[:MOST_GROUPS])]
    rest = len(facts.groups) - MOST_GROUPS
    return [*lines, f"and {rest} weaker ones"] if rest > 0 else lines


def _group(one: Group) -> str:
    if len(one.motions) == 1:
        return _motion(one.motions[0])
    left, right = one.motions
    sizes = f"left {number(left.magnitude_px, 2)} px, right {number(right.magnitude_px, 2)} px"
    return f"both {one.name}s {wording.direction(left)}, {sizes}"


def _motion(motion: RegionMotion) -> str:
    where, size = wording.region(motion.name, motion.side), f"{number(motion.magnitude_px, 2)} px"
    return f"{where} {wording.direction(motion)}, {size}" if motion.moving else f"{where} under the noise, {size}"


def _units(facts: Facts) -> list[str]:
    if not facts.found:
        return []
    if not facts.units:
        return ["Action units: none fits."]
    lines = ["Action units:", *(_unit(unit) for unit in facts.units[:MOST_UNITS])]
    best = best_class(facts)
    if best is not None:
        lines.append(f"Class: {best} {number(_share(facts, best), 2)}; closest word {closest_word(facts)}.")
    words = [one.name for one in wording.readings(facts.emotions)]
    return [*lines, f"Reading: {wording.joined(words, last='or') or 'none'}."]


def _unit(unit: ActionUnitEvidence) -> str:
    side = _side(unit)
    value = f"{wording.scale(unit)} {number(unit.probability, 2)}"
    return f"AU{unit.au} {unit.name.lower()}{f', {side}' if side else ''}, {value}, {number(unit.strength_px, 2)} px"


def _side(unit: ActionUnitEvidence) -> str:
    known = facs.AU_BY_NUMBER.get(unit.au)
    if unit.side == "both":
        return "both sides" if known is not None and known.paired else ""
    return f"{unit.side} side"


def _share(facts: Facts, name: str) -> float:
    coarse = facts.analysis.evidence.coarse if facts.analysis.evidence else None
    return float(getattr(coarse, name)) if coarse is not None else 0.0


def _notes(facts: Facts) -> list[str]:
    told = [clause(text) for text in (facts.interval.warnings if facts.interval else ())]
    told += [clause(check.sentence) for check in facts.analysis.verdict.checks if check.severity != "ok"]
    if facts.interval is not None and facts.interval.by_user and not facts.is_pair:
        told.append("onset and apex were set by the visitor")
    listed = list(dict.fromkeys(told))[:3]
    return [f"Note: {'; '.join(listed)}."] if listed else []


# --------------------------------------------------------------------------------------------- what is looked up


def with_looked_up(facts: Facts, question: str, earlier: Sequence[str] = ()) -> str:
    """A visitor's question with what the record and the tables hold about what it names."""
    own = re.sub(re.escape(LOOKED_UP), "", question, flags=re.IGNORECASE)
    query = understand(question, earlier)
    found = looked_up(facts, query)
    if query.units and DEFINITION_ASKED.search(question) and found not in CANNOT_TELL.values():
        found = _defined(query.units[0])
    if Intent.WHERE in query.intents and MOST_ASKED.search(question) and facts.found and not found:
        found = "; ".join(_most(facts, query))
    if ONE_WORD_ASKED.search(question):  # one word is wanted: no reading beside it, which may be another
        found = re.sub(r"(?:^|(?<=; ))(?:reading [^;]*|no reading); ", "", found)
    if SHARE_ASKED.search(question) and (share := _share_here(facts, query)):
        found = f"{found}; {share}" if found else share
    return f"{own}\n{LOOKED_UP} {found}." if found else own


def looked_up(facts: Facts, query: Query) -> str:
    """Clauses joined by “; ”, at most MOST_LOOKED_UP; empty where the question names nothing."""
    refused = [CANNOT_TELL[intent] for intent in query.intents if intent in CANNOT_TELL]
    if refused:
        return refused[0]
    told = [ABOUT_THE_APP[intent] for intent in query.intents if intent in ABOUT_THE_APP]
    if Intent.TERM in query.intents:
        told += [defined(term) for term in query.terms[:2]]
    told += [f"{COLOURS[name]} is motion {name} in the image" for name in query.colours[:2]]
    if facts.motions and (facts.found or facts.moving):
        told += [one for au in query.units[:2] for one in _unit_here(facts, au)]
        told += _regions_here(facts, query)
    if facts.found:
        told += [_emotion_here(facts, name) for name in query.emotions[:2]]
        told += [one for intent in query.intents if intent in FINDINGS for one in FINDINGS[intent](facts, query)]
    if Intent.WHY in query.intents and not query.units and facts.units:
        told += _unit_here(facts, facts.units[0].au)
    return "; ".join(list(dict.fromkeys(told))[:MOST_LOOKED_UP])


def defined(term: str) -> str:
    """The app's definition of a term of ``intents.TERMS`` as a clause: the first sentence of the narrator's."""
    return clause(re.split(r"(?<=[.!?])\s", TERM_TEXTS[term], maxsplit=1)[0])


def _defined(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    if known is None:
        return f"AU{au} is no action unit that is looked for here"
    return f"AU{au} is called {known.name.lower()}: it {known.plain}; muscle: {known.muscle}"


def _unit_here(facts: Facts, au: int) -> list[str]:
    """Whether it is shown; then the motions it rests on, or would rest on."""
    known, unit = facs.AU_BY_NUMBER.get(au), facts.unit(au)
    if known is None:
        return [f"AU{au} is no action unit that is looked for here"]
    if unit is not None:
        resting = [m for m in facts.motions if m.key in unit.regions and m.moving]
        resting.sort(key=lambda motion: -motion.magnitude_px)
        return [f"shown: {_unit(unit)}", *(_motion(motion) for motion in resting[:2])]
    told = [f"not shown: AU{au} {known.name.lower()}"]
    defining = facts.motions_behind(au)[:2]
    return told + [_motion(motion) for motion in defining]


def _regions_here(facts: Facts, query: Query) -> list[str]:
    motions = [m for name in query.regions[:3] for m in facts.motions_of(name, query.side)]
    motions.sort(key=lambda motion: -motion.magnitude_px)
    told = [_motion(motion) for motion in motions]
    if motions and Intent.PICTURE in query.intents:
        told.insert(1, f"drawn in {COLOURS[motions[0].direction]}")
    return told


def _share_here(facts: Facts, query: Query) -> str:
    """The size of the region asked for, or of the strongest, held against the distance of the pupils."""
    asked = [m for name in query.regions for m in facts.motions_of(name, query.side)] or list(facts.moving)
    if not asked:
        return ""
    most = max(asked, key=lambda motion: motion.magnitude_px)
    where, size = wording.region(most.name, most.side), number(most.magnitude_px, 2)
    return f"{where} {size} px, that is {number(most.magnitude_iod)} % of the distance between the pupils"


def _emotion_here(facts: Facts, name: str) -> str:
    words = [one.name for one in wording.readings(facts.emotions)]
    return f"a reading here: {name}" if name in words else f"no reading here: {name}"


# ------------------------------------------------------------------ what a question about the finding is after


def _all_units(facts: Facts, query: Query) -> list[str]:
    """Every unit told, by number: whoever lists them, by code or by name, only has to copy."""
    told = sorted(facts.units[:MOST_UNITS], key=lambda unit: unit.au)
    if not told:
        return ["no action unit fits"]
    codes = ", ".join(f"AU{unit.au}" for unit in told)
    many = f"{len(told)} action units" if len(told) > 1 else "1 action unit"
    return [f"{many}: {codes}", f"by name: {', '.join(unit.name.lower() for unit in told)}"]


def _class(facts: Facts, query: Query) -> list[str]:
    best = best_class(facts)
    return (
        [f"class {best} {number(_share(facts, best), 2)}"] if best is not None else ["no class: no action unit tells"]
    )


def _words(facts: Facts, query: Query) -> list[str]:
    words = [one.name for one in wording.readings(facts.emotions)]
    told = [f"reading {wording.joined(words, last='or')}" if words else "no reading"]
    return [*told, f"closest word {closest_word(facts)}", *_class(facts, query)] if facts.units else told


def _readings(facts: Facts, query: Query) -> list[str]:
    return _words(facts, query)[:1]


def _length(facts: Facts, query: Query) -> list[str]:
    interval = facts.interval
    if facts.is_pair or interval is None:
        return ["two pictures carry no time"]
    length = duration(interval.duration_ms)
    if not interval.complete:
        return [f"it lasted at least {length}", "the clip ends before the face is back at rest, so its kind is open"]
    if interval.kind == "micro":
        return [f"it lasted {length}, no more than 500 ms", "a micro-expression, no macro-expression"]
    return [f"it lasted {length}, more than 500 ms", "a macro-expression, no micro-expression"]


def _times(facts: Facts, query: Query) -> list[str]:
    interval = facts.interval
    if facts.is_pair or interval is None:
        return ["two pictures carry no time"]
    names = (("onset", interval.onset_ms), ("apex", interval.apex_ms), ("offset", interval.offset_ms))
    return [", ".join(f"{name} {seconds(ms)} s" for name, ms in names)]


def _sides(facts: Facts, query: Query) -> list[str]:
    """On which side the strongest movement was, with its other side; nothing where a region or unit was named."""
    if query.units or query.regions or not facts.groups:
        return []
    first = facts.groups[0]
    if first.side is None:
        return [f"on the midline: {_group(first)}"]
    if first.side == "both":
        return [f"on both sides: {_group(first)}"]
    own = first.motions[0]
    others = [m for m in facts.motions if m.name == own.name and m.key != own.key]
    return [f"on the subject's {first.side}: {_motion(own)}", *(_motion(one) for one in others)]


def _most(facts: Facts, query: Query) -> list[str]:
    if query.units or query.regions or not facts.moving:
        return []
    return [f"most: {_motion(facts.moving[0])}", *(f"next: {_motion(one)}" for one in facts.moving[1:2])]


def _reliable(facts: Facts, query: Query) -> list[str]:
    told = [f"{_motion(one)}, noise {number(facts.floor_px, 2)} px" for one in facts.moving[:1]]
    return [*told, *(f"best supported: {_unit(unit)}" for unit in facts.units[:1])]


FINDINGS: dict[Intent, Callable[[Facts, Query], list[str]]] = {
    Intent.UNITS: _all_units,
    Intent.EMOTION: _words,
    Intent.NAMED_EMOTION: _readings,
    Intent.ALTERNATIVES: _readings,
    Intent.COARSE: _class,
    Intent.KIND: _length,
    Intent.DURATION: _length,
    Intent.WHEN: _times,
    Intent.SIDE: _sides,
    Intent.STRENGTH: _most,
    Intent.RELIABILITY: _reliable,
}
