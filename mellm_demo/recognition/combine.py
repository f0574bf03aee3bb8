"""Two witnesses, one finding: what the rules see in the regions' motion, what the trained head sees in the flow.

The rules know how far the skin moved, and that gates everything: the head reads pictures that were stretched to full
contrast, in which noise looks like motion. So the head's units count only where the regions that define them moved by
more than the clip's noise. Left and right come from the motion itself. Where both claim a unit, that is said; where
one does, the other's silence stays visible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mellm_demo import facs
from mellm_demo.recognition.expression import Counts, coarse_class, emotions, notes_on
from mellm_demo.recognition.network import UNITS, Head, Reading
from mellm_demo.recognition.rules import MAX_PROBABILITY
from mellm_demo.records import (
    NETWORK,
    RULES,
    ActionUnitEvidence,
    BothSides,
    CoarseClass,
    Evidence,
    RegionMotion,
    Side,
    Witness,
)

SIDES: tuple[Side, Side] = ("left", "right")
MIN_ALONE = 0.5  # probability from which the head is believed where the rules are silent …
MIN_ALONE_RELIABILITY = 0.5  # … and F1 on unseen people that it must have reached on this unit
MIN_ALONE_FLOORS = 1.5  # noise floors of motion along the unit's direction in a region that defines it
ALONG = 0.5  # cosine with the direction of FACS that such motion needs
ONE_SIDED = 0.4  # the weaker side moves by less than this share of the stronger
# Of the class's shares, how much the head decides; the rest is the rules'. The head was measured on real clips and
# weighs more; the rules keep it from certainty on motion that corpora do not hold.
NETWORK_SHARE = 0.7
HONESTY = (
    "A probability joins two witnesses: how well the motion fits published rules, and a network whose own "
    "probabilities were calibrated on real micro-expressions from two laboratories. On other clips it can be off by a "
    "tenth or more. A fit comes from the rules, which the network hardly changes where it reads a unit "
    "poorly, and does not say how often such a claim is right."
)
NOT_ASKED = (
    "The network was not asked: somewhere the skin moved by more than {reach:g} px, farther than the flow that it "
    "reads can follow."
)
AGREE = "Rules and network agree on {units}."
ONLY_RULES = "Only the rules read {units}; the network, trained on real micro-expressions, does not."
ONLY_NETWORK = "Only the network reads {units}; the rules find that the motion fits something else better."
CLASS_DIFFERS = "The network leans to {network}, the rules to {rules}: the coarse class is open."


def combined(
    evidence: Evidence, reading: Reading, head: Head, noise_floor_px: float, counts: Counts | None = None
) -> Evidence:
    """``evidence`` of the rules, with the head's ``reading`` of the same moment (one row) as second witness.

    Where no region but the lids moved above the noise and the rules claim nothing, the head is not heard. counts: what
    codings say of classes and emotions; the shipped ones where not given.
    """
    moving = [region for region in evidence.regions if region.moving and not facs.REGION_BY_KEY[region.key].lid]
    if not evidence.action_units and not moving:
        return evidence
    said = {au: float(value) for au, value in zip(UNITS, reading.units[0], strict=True)}
    threshold = {au: float(value) for au, value in zip(UNITS, head.thresholds, strict=True)}
    claims = {unit.au: _judged(unit, said, threshold, head) for unit in evidence.action_units}
    motions = _unexplained(evidence)
    alone = {}
    for au in UNITS:
        sure = said[au] >= max(threshold[au], MIN_ALONE) and head.reliability.get(au, 0.0) >= MIN_ALONE_RELIABILITY
        if au not in claims and sure and (claim := _alone(au, said[au], head, motions, noise_floor_px)):
            alone[au] = claim
    units = tuple(sorted((*claims.values(), *alone.values()), key=lambda unit: (-unit.probability, unit.au)))
    if not units:
        return evidence
    shared = [au for au in claims if au in said and said[au] >= threshold[au]]
    only_rules = [au for au in claims if au in said and said[au] < threshold[au]]
    remarks = [
        sentence.format(units=_listed(numbers))
        for sentence, numbers in ((AGREE, shared), (ONLY_RULES, only_rules), (ONLY_NETWORK, list(alone)))
        if numbers
    ]
    coarse, remark = _class(evidence.coarse or coarse_class(units, counts), reading)
    return replace(
        evidence,
        action_units=units,
        coarse=coarse,
        emotions=emotions(units, counts),
        notes=(*notes_on(units, HONESTY, counts), *remarks, *remark),
    )


def not_asked(evidence: Evidence, reach_px: float) -> Evidence:
    """``evidence`` of the rules with the remark that the head was left out, and why."""
    if not evidence.action_units:
        return evidence
    return replace(evidence, notes=(*evidence.notes, NOT_ASKED.format(reach=reach_px)))


def _judged(
    unit: ActionUnitEvidence, said: Mapping[int, float], threshold: Mapping[int, float], head: Head
) -> ActionUnitEvidence:
    """A claim of the rules with the head's word beside it.

    Its doubt does not delete the claim: on units that it hardly learned its silence means little. So it counts by how
    well it reads the unit (its F1 on people whom it had not seen).
    """
    if unit.au not in said:
        return unit
    value, weight = said[unit.au], head.reliability.get(unit.au, 0.0)
    heard = value >= threshold[unit.au]
    opinion = max(value, unit.probability) if heard else value
    # Half of the doubt at most: the rules have measured that the skin moved like this.
    probability = unit.probability + weight * (1.0 if heard else 0.5) * (opinion - unit.probability)
    statement = f"{'reads' if heard else 'does not read'} it in the flow, probability {value:.2f}"
    return replace(
        unit,
        probability=float(np.clip(probability, 0.01, MAX_PROBABILITY)),
        witnesses=(*unit.witnesses, Witness(NETWORK, value, statement)),
        reliability=head.reliability.get(unit.au),
    )


def _unexplained(evidence: Evidence) -> dict[str, RegionMotion]:
    """The regions' motion without what the rules' claims bring along: AU 9 lowers the inner brows without AU 4."""
    explained = {region.key: [0.0, 0.0] for region in evidence.regions}
    for unit in evidence.action_units:
        for expectation in facs.AU_BY_NUMBER[unit.au].expectations:
            for side in SIDES if unit.side == "both" else (unit.side,):
                midline = expectation.region in facs.REGION_BY_KEY
                key = expectation.region if midline else f"{expectation.region}_{side}"
                share = unit.strength_px * (0.5 if midline and unit.side == "both" else 1.0)
                # Out is to the image's right on the subject's left.
                explained[key][0] += share * expectation.out * (1.0 if side == "left" else -1.0)
                explained[key][1] -= share * expectation.up
    return {
        region.key: replace(
            region, u_px=region.u_px - explained[region.key][0], v_px=region.v_px - explained[region.key][1]
        )
        for region in evidence.regions
    }


def _alone(
    au: int, value: float, head: Head, motions: Mapping[str, RegionMotion], floor_px: float
) -> ActionUnitEvidence | None:
    """The head's own claim, where a region that defines the unit moved its way, clearly above the noise.

    ``motions``: without what the rules' claims explain.
    """
    entry = facs.AU_BY_NUMBER[au]
    strength: dict[Side | None, float] = {}
    keys: list[str] = []
    for expectation in entry.expectations:
        if not expectation.defining:
            continue
        for side in (None,) if expectation.region in facs.REGION_BY_KEY else SIDES:
            key = expectation.region if side is None else f"{expectation.region}_{side}"
            along = _along(motions[key], expectation)
            if along >= MIN_ALONE_FLOORS * floor_px:
                strength[side] = max(strength.get(side, 0.0), along)
                keys.append(key)
    if not strength:
        return None
    shown: BothSides = "both"
    if entry.paired and None not in strength:
        left, right = strength.get("left", 0.0), strength.get("right", 0.0)
        if min(left, right) < ONE_SIDED * max(left, right):
            shown = "left" if left > right else "right"
            keys = [key for key in keys if key.endswith(shown)]
    silent = Witness(RULES, 0.0, "do not read it: the regions' motion fits another unit better")
    heard = Witness(NETWORK, value, f"reads it in the flow, probability {value:.2f}")
    return ActionUnitEvidence(
        au=au,
        name=entry.name,
        side=shown,
        probability=min(value, MAX_PROBABILITY),
        strength_px=float(np.mean(list(strength.values()))),
        regions=tuple(dict.fromkeys(keys)),
        witnesses=(heard, silent),
        reliability=head.reliability.get(au),
    )


def _along(region: RegionMotion, expectation: facs.Expectation) -> float:
    """px of a region's motion in the direction that FACS expects; 0 where it goes elsewhere."""
    sign = {"left": 1.0, "right": -1.0, None: 0.0}[region.side]
    out, up = sign * region.u_px, -region.v_px
    along = (out * expectation.out + up * expectation.up) / float(np.hypot(expectation.out, expectation.up))
    return along if along >= ALONG * region.magnitude_px else 0.0


def _class(rules: CoarseClass | None, reading: Reading) -> tuple[CoarseClass | None, tuple[str, ...]]:
    """The class's shares, blended, and a remark where the two lean to different classes.

    Without a unit that says anything about classes there is none: the head alone does not decide what is felt.
    """
    if rules is None:
        return None, ()
    ours = np.array([rules.negative, rules.positive, rules.surprise])
    theirs = reading.coarse[0]
    shares = NETWORK_SHARE * theirs + (1.0 - NETWORK_SHARE) * ours
    first, second = facs.COARSE_CLASSES[int(theirs.argmax())], facs.COARSE_CLASSES[int(ours.argmax())]
    remark = () if first == second else (CLASS_DIFFERS.format(network=first, rules=second),)
    negative, positive, surprise = (float(share) for share in shares / shares.sum())
    return CoarseClass(negative, positive, surprise), remark


def _listed(numbers: list[int]) -> str:
    return "AU " + ", ".join(str(number) for number in sorted(numbers))
