"""What a question is after, looked up in the measurements and the tables and put beside it for the app's own model.

A region, an action unit, an emotion or a term that is named; all units where a list is wanted; class, word, length,
time and side where these are. In words that an answer can copy. English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers.en.words import COLOURS, TERM_TEXTS
from mellm_demo.reasoning.brief import (
    MOST_UNITS,
    class_share,
    codes_for,
    group_told,
    motion_told,
    reading_told,
    unit_told,
)
from mellm_demo.reasoning.facts import Facts, best_class, closest_word
from mellm_demo.reasoning.intents import ONE_WORD_ASKED, UNIT_ASKED, Intent, Query, understand
from mellm_demo.wording import duration, number, seconds

LOOKED_UP = "Looked up:"  # opens the line beside a question; a visitor's own is taken out
MOST_LOOKED_UP = 6
SHARE_ASKED = re.compile(r"%|\bper ?cent|\bpupil|\brelative|\binterocular", re.IGNORECASE)
MOST_ASKED = re.compile(r"\bmost\b|strong|larg|bigg|farthest|furthest", re.IGNORECASE)
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


def with_looked_up(facts: Facts, question: str, earlier: Sequence[str] = ()) -> str:
    """A visitor's question with what the record and the tables hold about what it names."""
    own = re.sub(re.escape(LOOKED_UP), "", question, flags=re.IGNORECASE)
    query = understand(question, earlier)
    found = looked_up(facts, query)
    if query.units and DEFINITION_ASKED.search(question) and found not in CANNOT_TELL.values():
        found = _defined(query.units[0])
    if not query.units and not found and facts.found and UNIT_ASKED.search(question):
        found = "not shown: no action unit of this name is looked for here"
    if Intent.WHERE in query.intents and MOST_ASKED.search(question) and facts.found and not found:
        found = "; ".join(_most(facts, query))
    most = Intent.STRENGTH in query.intents or (Intent.WHERE in query.intents and MOST_ASKED.search(question))
    if most and not (found or facts.moving or query.units or query.regions) and facts.floor_px > 0:
        found = f"nothing above the noise of {number(facts.floor_px, 2)} px"
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
        return [f"shown: {unit_told(unit)}", *(motion_told(motion) for motion in resting[:2])]
    told = [f"not shown: AU{au} {known.name.lower()}"]
    defining = facts.motions_behind(au)[:2]
    return told + [motion_told(motion) for motion in defining]


def _regions_here(facts: Facts, query: Query) -> list[str]:
    motions = [m for name in query.regions[:3] for m in facts.motions_of(name, query.side)]
    motions.sort(key=lambda motion: -motion.magnitude_px)
    told = [motion_told(motion) for motion in motions]
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
    return f"a reading here: {name}, from {codes_for(facts, (name,))}" if name in words else f"no reading here: {name}"


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
    if best is None:
        return ["no class: no action unit tells"]
    return [f"class {best} {number(class_share(facts, best), 2)}"]


def _words(facts: Facts, query: Query) -> list[str]:
    read = reading_told(facts)
    told = [f"reading {read}" if read else "no reading"]
    return [*told, f"closest word {closest_word(facts)}", *_class(facts, query)] if facts.units else told


def _readings(facts: Facts, query: Query) -> list[str]:
    return _words(facts, query)[:1]


def _length(facts: Facts, query: Query) -> list[str]:
    interval = facts.interval
    if facts.is_pair or interval is None:
        return ["two pictures carry no time"]
    length = duration(interval.duration_ms)
    least = "" if interval.complete else "at least "
    if interval.kind == "macro":
        return [f"it lasted {least}{length}, more than 500 ms", "a macro-expression, no micro-expression"]
    if not interval.complete:
        return [f"it lasted {least}{length}", "the clip ends before the face is back at rest, so its kind is open"]
    return [f"it lasted {length}, no more than 500 ms", "a micro-expression, no macro-expression"]


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
    if first.side is None:  # which side is asked all the same: of what has two
        paired = next((one for one in facts.groups if one.side is not None), None)
        return [f"on the midline: {group_told(first)}", *([f"next: {group_told(paired)}"] if paired else [])]
    if first.side == "both":
        return [f"on both sides: {group_told(first)}"]
    own = first.motions[0]
    others = [m for m in facts.motions if m.name == own.name and m.key != own.key]
    return [f"on the subject's {first.side}: {motion_told(own)}", *(motion_told(one) for one in others)]


def _most(facts: Facts, query: Query) -> list[str]:
    if query.units or query.regions or not facts.moving:
        return []
    return [f"most: {motion_told(facts.moving[0])}", *(f"next: {motion_told(one)}" for one in facts.moving[1:2])]


def _reliable(facts: Facts, query: Query) -> list[str]:
    told = [f"{motion_told(one)}, noise {number(facts.floor_px, 2)} px" for one in facts.moving[:1]]
    return [*told, *(f"best supported: {unit_told(unit)}" for unit in facts.units[:1])]


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
    Intent.COMPARE: _sides,
    Intent.STRENGTH: _most,
    Intent.RELIABILITY: _reliable,
}
