"""How far the face moved as an action unit would move it, whether anybody claims the unit or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mellm_demo import facs
from mellm_demo.reasoning.facts import Facts
from mellm_demo.records import BothSides, RegionMotion

MOST_TEMPTING = 3
ONE_SIDED = 0.75  # the weaker side moves by less than this share of the stronger


def as_expected(au: int, motions: Sequence[RegionMotion]) -> tuple[float, BothSides, tuple[str, ...]]:
    """How far the regions that define a unit moved its way, px; the side that moved clearly more; their keys."""
    known, regions = facs.AU_BY_NUMBER[au], {motion.key: motion for motion in motions}
    along: dict[str, float] = {"left": 0.0, "right": 0.0}
    keys: list[str] = []
    for expectation in known.expectations:
        for side, out in (("left", 1.0), ("right", -1.0)):
            key = expectation.region if expectation.region in regions else f"{expectation.region}_{side}"
            if not expectation.defining or key not in regions:
                continue
            went = regions[key].u_px * out * expectation.out - regions[key].v_px * expectation.up
            along[side] = max(along[side], went / float(np.hypot(expectation.out, expectation.up)))
            keys.append(key)
    stronger: BothSides = "left" if along["left"] >= along["right"] else "right"
    clear = known.paired and min(along.values()) < ONE_SIDED * max(along.values())
    return max(along.values()), stronger if clear else "both", tuple(dict.fromkeys(keys))


def tempting(facts: Facts) -> list[int]:
    """The MOST_TEMPTING units that are not claimed though the face moved their way by more than the noise."""
    moved = {
        unit.number: as_expected(unit.number, facts.motions)[0]
        for unit in facs.ACTION_UNITS
        if unit.by_rules and unit.number not in facts.claimed
    }
    near = sorted((au for au, px in moved.items() if px > facts.floor_px), key=lambda au: (-moved[au], au))
    return near[:MOST_TEMPTING]
