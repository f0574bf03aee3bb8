"""An analysis of a corpus' flow with the action units that coders of such a corpus would write down.

The app's rules need the skin's motion at the scale of a face; a corpus' flow has 28×28 places, stretched to its own
contrast and laid over somebody else's face, where rules claim much that no coder saw (of their claims on CASME II that
the head does not share, 14 of 145 were coded). The head was made for just these pictures. So here the claims are the
head's: what it reads at its own threshold (times ``Learned.caution``), where it reads the unit well enough on people
whom it had not seen, or the rules agree.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mellm_demo import facs
from mellm_demo.recognition import MAX_PROBABILITY, emotions
from mellm_demo.recognition.network import UNITS, Head, Reading
from mellm_demo.records import NETWORK, ActionUnitEvidence, Analysis, CoarseClass, Evidence, Witness
from mellm_demo.training.evidence import read
from mellm_demo.training.expected import as_expected
from mellm_demo.training.learned import Learned
from mellm_demo.training.listing import MIN_RELIABILITY


def as_coded(analysis: Analysis, learned: Learned) -> Analysis:
    """``analysis`` with the head's claims in place of its own; as it is where there is no moment.

    Somebody coded something in every clip of a corpus: where the head reaches no threshold, its nearest unit is taken.
    """
    reading = read(analysis, learned.head)
    if reading is None or analysis.evidence is None:
        return analysis
    ruled = {unit.au: unit for unit in analysis.evidence.action_units}
    chosen = [au for au in UNITS if _claimed(au, reading, learned, ruled)] or [_nearest(reading, learned.head)]
    units = [_unit(au, analysis.evidence, ruled.get(au), reading, learned.head) for au in chosen]
    units.sort(key=lambda unit: (-unit.probability, unit.au))
    shares = CoarseClass(*(float(share) for share in reading.coarse[0]))
    evidence = replace(
        analysis.evidence,
        action_units=tuple(units),
        coarse=shares,
        emotions=emotions(units, learned.counts),
    )
    return replace(analysis, evidence=evidence)


def _claimed(au: int, reading: Reading, learned: Learned, ruled: dict[int, ActionUnitEvidence]) -> bool:
    index = UNITS.index(au)
    heard = float(reading.units[0][index]) >= learned.caution * float(learned.head.thresholds[index])
    return heard and (au in ruled or learned.head.reliability.get(au, 0.0) >= MIN_RELIABILITY)


def _nearest(reading: Reading, head: Head) -> int:
    return UNITS[int(np.argmax(reading.units[0] - head.thresholds))]


def _unit(
    au: int, evidence: Evidence, ruled: ActionUnitEvidence | None, reading: Reading, head: Head
) -> ActionUnitEvidence:
    value = min(float(reading.units[0][UNITS.index(au)]), MAX_PROBABILITY)
    strength, side, keys = as_expected(au, evidence.regions)
    heard = Witness(NETWORK, value, f"reads it in the flow, probability {value:.2f}")
    made = ActionUnitEvidence(
        au=au, name=facs.AU_BY_NUMBER[au].name, side=side, probability=value, strength_px=strength, regions=keys,
        witnesses=(heard,), reliability=head.reliability.get(au),
    )  # fmt: skip
    if ruled is None:
        return made
    return replace(made, strength_px=ruled.strength_px, regions=ruled.regions, witnesses=(*ruled.witnesses, heard))
