"""Action units: all that are claimed, one of them with its grounds, its side. English."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.headline import clause
from mellm_demo.reasoning.answers.en.nothing import short
from mellm_demo.reasoning.answers.en.pieces import capital, code, codes, group_moved, group_px, span_times
from mellm_demo.reasoning.answers.shared import LISTED_SPANS, SHOWN_GROUPS
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.records import ActionUnitEvidence, RegionMotion
from mellm_demo.wording import joined, number


def _does(au: int) -> str:
    known = facs.AU_BY_NUMBER.get(au)
    return known.plain if known else "moves a part of the face"


def unit_lines(facts: Facts) -> str:
    """Every claimed action unit on a line of its own, and what its number means."""
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


def _side(side: str) -> str:
    return "both sides" if side == "both" else f"the {side} side"


def _side_note(unit: ActionUnitEvidence) -> str:
    known = facs.AU_BY_NUMBER.get(unit.au)
    if unit.side == "both" and known is not None and not known.paired:
        return "on the midline"
    return f"on {_side(unit.side)}"


def no_unit(facts: Facts) -> str:
    """That the movement fits no action unit."""
    return "The movement is real but matches none of the action units looked for, so none is named."


def answer_units(facts: Facts, query: Query) -> str:
    if facts.units:
        return unit_lines(facts)
    if facts.found:
        return no_unit(facts)
    return f"No action unit is claimed. {short(facts)}{_faint(facts)}"


def _faint(facts: Facts) -> str:
    """Action units that an unreliable movement would fit, marked as not claimed."""
    evidence = facts.analysis.evidence
    if facts.state != "doubtful" or evidence is None or not evidence.action_units:
        return ""
    best = evidence.action_units[0]
    return f" If the movement were real, it would come closest to {code(best.au)}; that is not a finding."


def answer_unit(facts: Facts, query: Query) -> str:
    if not query.units:
        known = codes(tuple(unit.number for unit in facs.ACTION_UNITS if unit.by_rules))
        return f"This app does not look for an action unit of that name. It looks for {known}."
    return "\n\n".join(one_unit(facts, au) for au in query.units[:3])


def one_unit(facts: Facts, au: int) -> str:
    """Whether one action unit is shown, and what speaks for or against it."""
    known = facs.AU_BY_NUMBER.get(au)
    if known is None:
        return f"AU{au} is not among the action units that this app knows, so it can neither be shown nor excluded."
    unit = facts.unit(au)
    what = f"{code(au)} {known.plain}."
    if unit is not None:
        size = f"{number(unit.strength_px)} px ({number(facts.percent(unit.strength_px))} % of the pupil distance)"
        basis = basis_of(facts, unit)
        return (
            f"Yes. {what} Here it shows on {_side(unit.side)}, by {size}, with a {wording.scale(unit)} of "
            f"{number(unit.probability, 2)}. {basis}"
        )
    if au in (45, 46):
        blinks = facts.spans("blink")
        seen = (
            f"Blinks were marked at {joined([span_times(s) for s in blinks[:LISTED_SPANS]])}"
            if blinks
            else "No blink was marked"
        )
        return f"{what} Eyelid movement is marked on the timeline and kept out of the expression. {seen}."
    if not facts.found:
        return f"{what} Whether it was there cannot be told: no action unit is claimed in this clip. {short(facts)}"
    if not known.by_rules:
        return (
            f"{what} Two-dimensional motion cannot tell it from {codes(known.confusers)}, so this app neither claims "
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
    return capital(joined(parts))


def basis_of(facts: Facts, unit: ActionUnitEvidence) -> str:
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
    lines = [f"- {code(unit.au)}: {_side_note(unit)}{by_side(facts, unit)}" for unit in units]
    absent = [au for au in query.units if facts.unit(au) is None]
    if absent:
        lines.append(f"- {codes(tuple(absent))}: not shown, so on neither side")
    if not lines:
        lines = [f"- {group_moved(group)} ({group_px(group)})" for group in facts.groups[:SHOWN_GROUPS]]
    return "\n".join(lines) + f"\n\n{note}"


def by_side(facts: Facts, unit: ActionUnitEvidence) -> str:
    """How far each side moved in the regions of an action unit, in brackets."""
    sided = [motion for motion in facts.motions if motion.key in unit.regions and motion.side]
    names = list(dict.fromkeys(motion.name for motion in sided))
    told = []
    for name in names:
        pair = facts.motions_of(name)
        told.append(f"{name} " + ", ".join(f"{motion.side} {number(motion.magnitude_px)} px" for motion in pair))
    return f" ({'; '.join(told)})" if told else ""
