"""Words for what is measured, which other sentences are made of: groups of regions, sizes, times, codes. English."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.facts import Facts, Group
from mellm_demo.records import Span
from mellm_demo.wording import joined, number, seconds


def group_moved(group: Group) -> str:
    """“both mouth corners moved up and outwards”."""
    subject = wording.region(group.name, group.side)
    article = "" if group.side == "both" else "the "
    return f"{article}{subject} moved {wording.direction(group.strongest)}"


def group_px(group: Group) -> str:
    """How far a group moved, in px: both sides where there are two."""
    if group.side == "both":
        return ", ".join(f"{motion.side} {number(motion.magnitude_px)} px" for motion in group.motions)
    return f"{number(group.motions[0].magnitude_px)} px"


def group_sizes(facts: Facts, group: Group) -> str:
    """Magnitudes in px and in per cent of the interocular distance."""
    if group.side == "both":
        left, right = group.motions
        return (
            f"the left by {number(left.magnitude_px)} px and the right by {number(right.magnitude_px)} px, that is "
            f"{number(left.magnitude_iod)} % and {number(right.magnitude_iod)} % of the distance between the pupils"
        )
    only = group.motions[0]
    return f"{number(only.magnitude_px)} px, that is {number(only.magnitude_iod)} % of the distance between the pupils"


def capital(text: str) -> str:
    """A text with its first letter as a sentence begins."""
    return text[:1].upper() + text[1:]


def span_times(span: Span) -> str:
    """From when to when a span lasts."""
    return f"{seconds(span.start_ms)}–{seconds(span.end_ms)} s"


def code(au: int) -> str:
    """An action unit by its number and name."""
    known = facs.AU_BY_NUMBER.get(au)
    return f"AU{au} ({known.name})" if known else f"AU{au}"


def codes(units: tuple[int, ...]) -> str:
    """Action units by their numbers alone."""
    return joined([f"AU{au}" for au in units])


def claimed_codes(facts: Facts) -> str:
    """The numbers of all action units that are claimed."""
    return codes(facts.claimed)
