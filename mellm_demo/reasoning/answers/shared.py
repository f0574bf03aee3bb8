"""What all languages take from the facts in the same way, and how much of it they list."""

from __future__ import annotations

from mellm_demo import facs, wording
from mellm_demo.reasoning.facts import Facts, family
from mellm_demo.records import EmotionHypothesis, Interval, RegionMotion
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


def worth_ranking(facts: Facts) -> tuple[EmotionHypothesis, ...]:
    """Readings that are not ruled out; the best where all are faint."""
    return tuple(one for one in facts.emotions if one.support >= wording.FAINT_SUPPORT) or facts.emotions[:1]


def sides_compared(facts: Facts, names: tuple[str, ...]) -> list[tuple[RegionMotion, RegionMotion]]:
    """Left and right of each of these regions that moved on one side at least, what moved more first."""
    pairs = [sorted(facts.motions_of(name), key=lambda motion: -motion.magnitude_px) for name in names]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and any(motion.moving for motion in pair)]


def families_compared(facts: Facts, names: tuple[str, ...]) -> tuple[RegionMotion, RegionMotion] | None:
    """The strongest of the two families of regions that moved most, the stronger first; None where one is named."""
    families: dict[tuple[str, ...], list[RegionMotion]] = {}
    for name in names:
        families.setdefault(family(name), []).extend(facts.motions_of(name))
    best = [max(motions, key=lambda motion: motion.magnitude_px) for motions in families.values() if motions]
    best.sort(key=lambda motion: -motion.magnitude_px)
    return (best[0], best[1]) if len(best) > 1 else None
