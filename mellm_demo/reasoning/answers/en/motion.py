"""How strongly and where the face moved, region by region and compared. English."""

from __future__ import annotations

from mellm_demo import wording
from mellm_demo.reasoning.answers.en.nothing import short
from mellm_demo.reasoning.answers.en.pieces import capital, code, group_moved, group_px, group_sizes
from mellm_demo.reasoning.answers.en.units import by_side
from mellm_demo.reasoning.answers.shared import families_compared, sides_compared
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Query
from mellm_demo.records import RegionMotion
from mellm_demo.wording import number


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
            sides = by_side(facts, unit) if unit.side == "both" else f", on the {unit.side}"
            share = number(facts.percent(unit.strength_px))
            size = f"{number(unit.strength_px)} px, {share} % of the distance between the pupils"
            lines.append(f"{code(au)}: {size}{sides}.")
    if lines:
        return lead + "\n\n".join(lines)
    first = facts.groups[0]
    text = f"{lead}{capital(group_moved(first))}: {group_sizes(facts, first)}."
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
    text = f"Most of all {group_moved(first)} ({group_px(first)})."
    if others:
        listed = "; ".join(f"{group_moved(group)} ({group_px(group)})" for group in others)
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
    return " ".join(_difference(facts, more, less) for more, less in sides_compared(facts, names))


def _between_families(facts: Facts, names: tuple[str, ...]) -> str:
    if (two := families_compared(facts, names)) is None:
        return ""
    return _difference(facts, *two) if two[0].moving else "Neither exceeded the noise."


def _difference(facts: Facts, more: RegionMotion, less: RegionMotion) -> str:
    gap = more.magnitude_px - less.magnitude_px
    first, second = wording.region(more.name, more.side), wording.region(less.name, less.side)
    if gap > facts.floor_px:
        return f"The {first} moved {number(gap)} px more than the {second}, a difference above the noise."
    return (
        f"The {first} and the {second} differ by {number(gap)} px, less than the noise of {number(facts.floor_px)} px: "
        "they moved about equally."
    )
