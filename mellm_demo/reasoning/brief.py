"""The short form in which the app's own small model is told an analysis.

A model of this size copies well and computes badly. So the record stands in few lines whose words an answer can take
over; what a question is after stands beside the question (see lookup). Training and app call the same functions: what
was learned is what is told. English.
"""

from __future__ import annotations

from collections.abc import Sequence

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.facts import Facts, Group, best_class, closest_word, speaking_for
from mellm_demo.records import ActionUnitEvidence, RegionMotion
from mellm_demo.wording import duration, number, seconds

EXPLAIN = "Explain."
MOST_GROUPS = 7
MOST_UNITS = 6


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
    lines = [f"Moved (noise {noise}):", *(group_told(one) for one in facts.groups[:MOST_GROUPS])]
    rest = len(facts.groups) - MOST_GROUPS
    return [*lines, f"and {rest} weaker ones"] if rest > 0 else lines


def group_told(one: Group) -> str:
    """“both mouth corners up, left 2.05 px, right 1.91 px”."""
    if len(one.motions) == 1:
        return motion_told(one.motions[0])
    left, right = one.motions
    sizes = f"left {number(left.magnitude_px, 2)} px, right {number(right.magnitude_px, 2)} px"
    return f"both {one.name}s {wording.direction(left)}, {sizes}"


def motion_told(motion: RegionMotion) -> str:
    """“left mouth corner up, 2.05 px”; what did not move says so."""
    where, size = wording.region(motion.name, motion.side), f"{number(motion.magnitude_px, 2)} px"
    return f"{where} {wording.direction(motion)}, {size}" if motion.moving else f"{where} under the noise, {size}"


def _units(facts: Facts) -> list[str]:
    if not facts.found:
        return []
    if not facts.units:
        return ["Action units: none fits."]
    lines = ["Action units:", *(unit_told(unit) for unit in facts.units[:MOST_UNITS])]
    best = best_class(facts)
    if best is not None:
        lines.append(f"Class: {best} {number(class_share(facts, best), 2)}; closest word {closest_word(facts)}.")
    return [*lines, f"Reading: {reading_told(facts) or 'none'}."]


def reading_told(facts: Facts) -> str:
    """“happiness, from AU6 and AU12”: with the units that speak for it, by number; empty where nothing is read."""
    words = [one.name for one in wording.readings(facts.emotions)]
    return f"{wording.joined(words, last='or')}, from {codes_for(facts, words)}" if words else ""


def codes_for(facts: Facts, words: Sequence[str]) -> str:
    """“AU6 and AU12”: the units that speak for any of these emotions, by number."""
    return wording.joined([f"AU{unit.au}" for unit in sorted(speaking_for(facts, words), key=lambda unit: unit.au)])


def unit_told(unit: ActionUnitEvidence) -> str:
    """“AU12 lip corner puller, both sides, fit 0.95, 1.62 px”."""
    side = _side(unit)
    value = f"{wording.scale(unit)} {number(unit.probability, 2)}"
    return f"AU{unit.au} {unit.name.lower()}{f', {side}' if side else ''}, {value}, {number(unit.strength_px, 2)} px"


def _side(unit: ActionUnitEvidence) -> str:
    known = facs.AU_BY_NUMBER.get(unit.au)
    if unit.side == "both":
        return "both sides" if known is not None and known.paired else ""
    return f"{unit.side} side"


def class_share(facts: Facts, name: str) -> float:
    """The share of a coarse class, 0 to 1."""
    coarse = facts.analysis.evidence.coarse if facts.analysis.evidence else None
    return float(getattr(coarse, name)) if coarse is not None else 0.0


def _notes(facts: Facts) -> list[str]:
    told = [clause(text) for text in (facts.interval.warnings if facts.interval else ())]
    told += [clause(check.sentence) for check in facts.analysis.verdict.checks if check.severity != "ok"]
    if facts.interval is not None and facts.interval.by_user and not facts.is_pair:
        told.append("onset and apex were set by the visitor")
    listed = list(dict.fromkeys(told))[:3]
    return [f"Note: {'; '.join(listed)}."] if listed else []
