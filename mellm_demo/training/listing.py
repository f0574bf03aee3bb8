"""How well heads read each unit of people whom they had not seen, and how many units they should list together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mellm_demo.recognition.network import UNITS, calibrated
from mellm_demo.records import BoolArray, FloatArray
from mellm_demo.training.heads import Chosen, Material, inner_scores
from mellm_demo.training.scores import f1

MIN_RELIABILITY = 0.2  # F1 on people unseen from which the head is believed where the rules are silent; see the card
FACTORS = np.round(np.linspace(0.5, 2.0, 151), 2)


@dataclass(frozen=True)
class Heard:
    """What heads say of coded clips of people whom they had not seen, N clips."""

    said: FloatArray  # (N, 12) probabilities
    true: BoolArray  # (N, 12)
    thresholds: FloatArray  # (12,)

    def reliability(self) -> dict[int, float]:
        """F1 of each unit at its threshold."""
        return {au: f1(self.said[:, k] >= self.thresholds[k], self.true[:, k]) for k, au in enumerate(UNITS)}

    def caution(self, reliability: Mapping[int, float]) -> float:
        """The factor on all thresholds under which as many units are listed as coders wrote down.

        Each threshold by itself is where the unit's F1 is best: for rare units that is low, so that all together list
        more than anybody saw. Matched is the mean number of units of a clip (as for label sets, Read et al. 2011).
        """
        if not self.true.any():
            return 1.0
        usable = np.array([reliability.get(au, 0.0) >= MIN_RELIABILITY for au in UNITS])
        wanted = float(self.true.sum(axis=1).mean())
        listed = [
            float(np.maximum((usable & (self.said >= factor * self.thresholds)).sum(axis=1), 1).mean())
            for factor in FACTORS
        ]
        return float(FACTORS[int(np.argmin(np.abs(np.array(listed) - wanted)))])


def heard_unseen(stuff: Material, groups: Sequence[str], chosen: Chosen) -> Heard:
    """By heads of the inner folds of ``groups`` alone."""
    made, _ = inner_scores(stuff, groups, chosen.penalty)
    rows = np.isin(stuff.corpus.group, list(groups)) & stuff.corpus.coded
    said = calibrated(made[rows], chosen.unit_slope, chosen.unit_offset, chosen.class_slope).units
    return Heard(said, stuff.corpus.units[rows] > 0, chosen.thresholds)
