"""What all languages take from the facts in the same way, and how much of it they list."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.facts import Facts
from mellm_demo.records import Interval
from mellm_demo.wording import number

SHOWN_GROUPS = 4  # regions told beside the strongest; the evidence list on the page has them all
LISTED_SPANS = 4


def interval_of(facts: Facts) -> Interval:
    """The moment that is told of, where the state says that there is one."""
    if facts.interval is None:
        raise ValueError("There is no interval to tell of; ask for the state first.")
    return facts.interval


def two_numbers(facts: Facts) -> tuple[str, str]:
    """Largest movement and noise, with as many digits as tell them apart."""
    largest = facts.largest
    digits = wording.digits_apart(largest.px, largest.floor_px)
    return number(largest.px, digits), number(largest.floor_px, digits)


def coarse_shares(facts: Facts) -> list[tuple[str, float]]:
    """The coarse classes with their shares, the largest first; empty without a claimed action unit."""
    evidence = facts.analysis.evidence
    if not facts.units or evidence is None or evidence.coarse is None:
        return []
    shares = [(name, float(getattr(evidence.coarse, name))) for name in facs.COARSE_CLASSES]
    return sorted(shares, key=lambda pair: -pair[1])
