"""Regional motion → action units with side and strength, by rules.

The rules are FACS read backwards: each action unit predicts how the regions of the face move; the measured motion is
taken apart into as few of these predictions as explain it; what remains must still move enough, in the right direction,
in the regions that define the unit, and must not be better explained by one of its confusers. Two-dimensional motion
of nineteen regions reads brows well, lids, cheeks and noses poorly; nothing here has seen training data.

A probability here says how well the motion fits, weighed by how far it stands above the noise. It is not a frequency:
among claims of 0.8 not eight in ten need be right. This module does not know pixels, time or faces.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mellm_demo import facs
from mellm_demo.facs import ActionUnit, Expectation
from mellm_demo.recognition.expression import Counts, coarse_class, emotions, notes_on
from mellm_demo.records import (
    RULES,
    ActionUnitEvidence,
    BothSides,
    Evidence,
    FloatArray,
    RegionMotion,
    Side,
    Witness,
)

SIDES: tuple[Side, Side] = ("left", "right")

MIN_STRENGTH = 1.0  # × noise floor: what an action unit must move by to be claimed at all
MIN_SHARE = 0.25  # of the strongest unit: skin is elastic, and a strong motion drags its surroundings along
MIN_FIT = 0.55  # cosine between the motion that is left for a unit and the motion that it predicts
MIN_PROBABILITY = 0.35  # below this a claim says too little to be shown
MAX_PROBABILITY = 0.95  # rules on two-dimensional motion are never surer than that
SNR_SCALE = 1.0  # noise floors of strength at which the probability reaches 63 % of the fit
ONE_SIDED_RATIO = 0.4  # the weaker side is below this share of the stronger
SPARSENESS = 0.25  # noise floors of strength that every unit of an explanation costs
LID_WEIGHT = 0.7  # lids are small and move with gaze: they count less in an explanation
ROUNDS = 60  # of coordinate descent; it has converged to a thousandth long before

# Lead that a unit needs over its confuser, as a share of the confuser's motion in its own region.
CHEEK_TO_LID_FOR_6 = 0.5  # cheek up / lower lid up: less is AU 7
LID_TO_CHEEK_FOR_7 = 1.3  # lower lid up / cheek up: less is carried by AU 6
SMILE_LIFTS_CHEEK = 0.45  # cheek up / corner motion that AU 12 brings along without AU 6
JAW_CARRIES_CORNER = 0.5  # corner down / chin down that AU 26 brings along without AU 15
CHIN_TO_LIP_FOR_JAW = 0.6  # chin down / lower lip down: less is AU 25, lips parting without the jaw
CHIN_TO_LIP_FOR_17 = 0.45  # chin up / lower lip up: less is AU 24
UPPER_TO_LOWER_FOR_24 = 0.3  # upper lip down / lower lip up
NARROWING_LIPS_FOR_23 = 0.25  # lips closing / corners coming in: less is AU 14 on both sides
WING_TO_LIP_FOR_9 = 0.75  # nostril wing up / upper lip up: less is AU 10
LIP_TO_FOLD_FOR_10 = 0.6  # upper lip up / nasolabial fold up: less is carried by AU 12
WING_TO_CHEEK_FOR_9 = 0.7  # nostril wing up / cheek up: less is carried by AU 6
LID_TO_BROW_FOR_5 = 0.55  # upper lid up / brow up: less is carried by AU 1 or 2
LID_TO_EYE_FOR_5 = 0.7  # upper lid up / lower lid or cheek up: less is an eye that is pushed up from below
LOWER_TO_UPPER_LID_FOR_7 = 0.5  # lower lid up / upper lid up: less is an eye that opens
CLOSURE = 0.8  # upper lid down / lower lid up: more is an eye that closes, not AU 7


# ------------------------------------------------------------------------------------------ what is measured


@dataclass(frozen=True)
class _Face:
    """The measured motion in the face's own terms: px away from the midline and px up."""

    out: Mapping[str, float]  # by region key, without what a pair shares sideways; 0 for regions on the midline
    up: Mapping[str, float]  # without what the whole mouth shares
    raw_out: Mapping[str, float]  # as measured, to be quoted
    raw_up: Mapping[str, float]
    floor_px: float

    @classmethod
    def read(cls, regions: Iterable[RegionMotion], floor_px: float) -> _Face:
        out: dict[str, float] = dict.fromkeys(facs.REGION_KEYS, 0.0)
        up = dict(out)
        for region in regions:
            if region.key not in up:
                raise ValueError(f"unknown region {region.key!r}")
            if not (math.isfinite(region.u_px) and math.isfinite(region.v_px)):
                continue
            # The subject's left is at the image's right: there, out is +u.
            sign = {"left": 1.0, "right": -1.0, None: 0.0}[region.side]
            out[region.key] = sign * region.u_px
            up[region.key] = -region.v_px
        return cls(_without_common_shift(out), _without_common_lift(up), out, up, floor_px)

    def vector(self) -> FloatArray:
        """(2R,) out and up of every region, in the order of facs.REGIONS, in noise floors."""
        pairs = [(self.out[key], self.up[key]) for key in facs.REGION_KEYS]
        return np.array(pairs, np.float64).ravel() / self.floor_px

    def mean_up(self, region: str) -> float:
        return (self.up[f"{region}_left"] + self.up[f"{region}_right"]) / 2


def _without_common_shift(out: Mapping[str, float]) -> dict[str, float]:
    """Takes off the sideways motion that both regions of a pair share.

    The two sides of a face have no muscle in common that pulls them the same way sideways: that is a jaw that shifts, a
    gaze that turns the lids along, or a rest of head rotation. A motion of one side only has no common part.
    """
    own = dict(out)
    for region in facs.REGIONS:
        if region.side == "left":
            right = region.key.removesuffix("_left") + "_right"
            # Towards the image's right, out is positive on the subject's left and negative on the right.
            here, there = out[region.key], -out[right]
            if here * there > 0:
                shared = math.copysign(min(abs(here), abs(there)), here)
                own[region.key], own[right] = here - shared, -(there - shared)
    return own


MOUTH: tuple[str, ...] = ("upper_lip", "lower_lip", "chin", "mouth_corner_left", "mouth_corner_right")


def _without_common_lift(up: Mapping[str, float]) -> dict[str, float]:
    """Takes off the vertical motion that lips, corners and chin share.

    Nothing pulls all of them the same way: that is a rest of head motion, as where cheeks that rise on both sides were
    taken for a nod, and neither a jaw that drops nor corners that go down.
    """
    own = dict(up)
    moved = [up[key] for key in MOUTH]
    if min(moved) > 0 or max(moved) < 0:
        shared = min(moved, key=abs)
        own.update({key: up[key] - shared for key in MOUTH})
    return own


def _key(expectation: Expectation, side: Side) -> str:
    """The region's key on this side of the face."""
    return expectation.region if expectation.region in facs.REGION_BY_KEY else f"{expectation.region}_{side}"


@dataclass(frozen=True)
class _Atom:
    """One action unit on one side; units of the midline have a single atom with side None."""

    unit: ActionUnit
    side: Side | None
    pattern: FloatArray  # (2R,) predicted motion for a strength of 1, like _Face.vector
    defining: tuple[str, ...]  # region keys

    @property
    def sides(self) -> tuple[Side, ...]:
        return SIDES if self.side is None else (self.side,)


def _atom(unit: ActionUnit, side: Side | None) -> _Atom:
    pattern = np.zeros((len(facs.REGIONS), 2))
    defining: list[str] = []
    for expectation in unit.expectations:
        for here in SIDES if side is None else (side,):
            key = _key(expectation, here)
            # Half of a region on the midline belongs to each side.
            share = 1.0 if facs.REGION_BY_KEY[key].side else 0.5
            pattern[facs.REGION_KEYS.index(key)] += share * np.array([expectation.out, expectation.up])
            if expectation.defining and key not in defining:
                defining.append(key)
    return _Atom(unit, side, pattern.ravel(), tuple(defining))


ATOMS: tuple[_Atom, ...] = tuple(
    _atom(unit, side) for unit in facs.ACTION_UNITS if unit.by_rules for side in (SIDES if unit.paired else (None,))
)
_WEIGHTS: FloatArray = np.repeat([LID_WEIGHT if region.lid else 1.0 for region in facs.REGIONS], 2)


# ------------------------------------------------------------------------------------------ the rules


def recognise(
    regions: tuple[RegionMotion, ...], *, noise_floor_px: float, interocular_px: float, counts: Counts | None = None
) -> Evidence:
    """What the motion of the regions from onset to apex supports.

    Args:
        regions: motion of the regions of facs.REGIONS, head motion removed.
        noise_floor_px: px of the aligned crop; no action unit is claimed for less.
        interocular_px: distance of the pupils in the aligned crop; strengths are put in words relative to it.
        counts: what codings say of classes and emotions; the shipped ones where not given.

    Returns:
        Evidence with ``regions`` as given. Without an action unit there is no coarse class and no emotion.

    Raises:
        ValueError: floor or distance is not above 0, or a region is unknown.
    """
    if not (noise_floor_px > 0 and interocular_px > 0):
        raise ValueError(f"floor and distance must be above 0, got {noise_floor_px} and {interocular_px}")
    face = _Face.read(regions, noise_floor_px)
    units = _action_units(face, interocular_px)
    return Evidence(
        regions=regions,
        action_units=units,
        coarse=coarse_class(units, counts),
        emotions=emotions(units, counts),
        notes=notes_on(units, counts=counts),
    )


def _action_units(face: _Face, interocular_px: float) -> tuple[ActionUnitEvidence, ...]:
    found: dict[int, list[tuple[_Atom, float, float]]] = {}
    explained = _explain(face)
    least = max(MIN_STRENGTH, MIN_SHARE * max((strength for _, strength, _ in explained), default=0.0))
    for atom, strength, fit in explained:
        if strength >= least and fit >= MIN_FIT:
            found.setdefault(atom.unit.number, []).append((atom, strength, fit))
    claims = [_claim(parts, face, interocular_px) for parts in found.values()]
    shown = [claim for claim in claims if claim.probability >= MIN_PROBABILITY]
    return tuple(sorted(shown, key=lambda claim: (-claim.probability, claim.au)))


def _explain(face: _Face) -> list[tuple[_Atom, float, float]]:
    """The atoms that explain the motion, with strength in noise floors and fit (0..1)."""
    measured = face.vector()
    atoms = [atom for atom in ATOMS if _allowed(atom, face)]
    if not atoms:
        return []
    patterns = np.array([atom.pattern for atom in atoms])  # (A, 2R)
    strengths = _take_apart(measured, patterns)
    rest = measured - strengths @ patterns
    explained = []
    for atom, pattern, strength in zip(atoms, patterns, strengths, strict=True):
        mine = rest + strength * pattern
        explained.append((atom, float(strength), _fit(mine, pattern)))
    return explained


def _take_apart(measured: FloatArray, patterns: FloatArray) -> FloatArray:
    """(A,) strengths ≥ 0 that explain ``measured`` (2R,) by ``patterns`` (A, 2R): weighted least squares with a price.

    The price on every strength (the non-negative lasso; Tibshirani 1996) prefers few units to many; it is paid back at
    the end by the units that stay, so that it does not make them look weaker.
    """
    weighted = patterns * _WEIGHTS
    gram = weighted @ weighted.T
    norms = np.diag(gram)
    wanted = weighted @ (measured * _WEIGHTS)
    strengths = np.zeros(len(patterns))
    for price in (SPARSENESS, 0.0):
        open_ = range(len(patterns)) if price else np.flatnonzero(strengths)
        for _ in range(ROUNDS):
            for i in open_:
                others = gram[i] @ strengths - norms[i] * strengths[i]
                strengths[i] = max((wanted[i] - others) / norms[i] - price, 0.0)
    return strengths


def _fit(motion: FloatArray, pattern: FloatArray) -> float:
    """Cosine of motion and pattern over the regions that the pattern names, 0..1."""
    named = np.repeat(np.abs(pattern.reshape(-1, 2)).sum(axis=1) > 0, 2)
    a, b = (motion * _WEIGHTS)[named], (pattern * _WEIGHTS)[named]
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(a @ b / size, 0.0, 1.0)) if size > 0 else 0.0


def _allowed(atom: _Atom, face: _Face) -> bool:
    """The regions that define the unit move in its direction, and no confuser explains that better."""
    for key in atom.defining:
        index = 2 * facs.REGION_KEYS.index(key)
        out, up = atom.pattern[index : index + 2]
        along = (face.out[key] * out + face.up[key] * up) / math.hypot(out, up)
        across = math.hypot(face.out[key], face.up[key])
        if along < 0.35 * face.floor_px or along < 0.4 * across:
            return False
    return all(_side_allowed(atom.unit.number, side, face) for side in atom.sides)


def _side_allowed(number: int, side: Side, face: _Face) -> bool:
    """The confusers of facs.md, one by one, on one side of the face."""
    up, out = face.up, face.out
    lid, cheek = up[f"lower_lid_{side}"], up[f"cheek_{side}"]
    upper_lip, lower_lip, chin = up["upper_lip"], up["lower_lip"], up["chin"]
    wing = up[f"nostril_wing_{side}"]
    upper_lid = up[f"upper_lid_{side}"]
    if number == 5:
        brow = max(up[f"inner_brow_{side}"], up[f"outer_brow_{side}"])
        return upper_lid > LID_TO_BROW_FOR_5 * brow and upper_lid > LID_TO_EYE_FOR_5 * max(lid, cheek)
    if number == 6:
        smile = SMILE_LIFTS_CHEEK * max(up[f"mouth_corner_{side}"], 0.0)
        return cheek >= CHEEK_TO_LID_FOR_6 * lid and cheek > smile
    if number == 7:
        carried = max(LID_TO_CHEEK_FOR_7 * cheek, LOWER_TO_UPPER_LID_FOR_7 * upper_lid)
        return lid >= carried and -upper_lid <= CLOSURE * lid
    if number == 43:
        carried = 0.5 * max(-face.mean_up("outer_brow"), -face.mean_up("inner_brow"), 0.0)
        return -upper_lid - carried > CLOSURE * max(lid, 0.0)
    if number == 9:
        return wing >= max(WING_TO_LIP_FOR_9 * upper_lip, WING_TO_CHEEK_FOR_9 * cheek)
    if number == 10:
        return upper_lip > max(face.mean_up("nostril_wing"), LIP_TO_FOLD_FOR_10 * face.mean_up("nasolabial_fold"))
    if number in (12, 14, 15, 20):
        return number == _corner_unit(out[f"mouth_corner_{side}"], up[f"mouth_corner_{side}"], chin) and not (
            number == 14 and _lips_narrow(face)
        )
    if number == 23:
        return _lips_narrow(face)
    if number == 17:
        return chin >= CHIN_TO_LIP_FOR_17 * lower_lip
    if number == 24:
        return -upper_lip >= UPPER_TO_LOWER_FOR_24 * lower_lip and chin < CHIN_TO_LIP_FOR_17 * lower_lip
    if number == 25:
        return upper_lip - lower_lip > 0
    if number == 26:
        return -chin >= CHIN_TO_LIP_FOR_JAW * -lower_lip
    return True


def _corner_unit(out: float, up: float, chin_up: float) -> int:
    """Which of 12, 14, 15, 20 a mouth corner's direction stands for, the jaw's pull taken off."""
    up -= JAW_CARRIES_CORNER * min(chin_up, 0.0)
    angle = math.degrees(math.atan2(up, out))  # 0 out, 90 up, ±180 in
    if 20.0 <= angle <= 115.0:
        return 12
    if -35.0 < angle < 20.0:
        return 20
    if -140.0 <= angle <= -35.0:
        return 15
    return 14


def _lips_narrow(face: _Face) -> bool:
    """Both corners come in and the lips close a little: AU 23, not a dimple on both sides."""
    inwards = sorted(-face.out[f"mouth_corner_{side}"] for side in SIDES)
    closing = face.up["lower_lip"] - face.up["upper_lip"]
    both = inwards[0] > max(ONE_SIDED_RATIO * inwards[1], 0.0)
    return both and closing >= NARROWING_LIPS_FOR_23 * inwards[1]


# ------------------------------------------------------------------------------------------ claims


def _claim(parts: Sequence[tuple[_Atom, float, float]], face: _Face, interocular_px: float) -> ActionUnitEvidence:
    """One action unit from its one or two atoms."""
    unit = parts[0][0].unit
    strongest = max(strength for _, strength, _ in parts)
    kept = [part for part in parts if part[1] >= ONE_SIDED_RATIO * strongest]
    side: BothSides = "both"
    if unit.paired and len(kept) == 1 and kept[0][0].side is not None:
        side = kept[0][0].side
    strength = float(np.mean([part[1] for part in kept]))
    fit = float(np.mean([part[2] for part in kept]))
    probability = _probability(fit, strength)
    keys = tuple(dict.fromkeys(key for atom, _, _ in kept for key in atom.defining))
    strength_px = strength * face.floor_px
    statement = (
        f"{_motions(keys, face)}; {strength:.1f} × the noise floor, "
        f"{100 * strength_px / interocular_px:.1f} % of the interocular distance, fit {fit:.2f}"
    )
    witness = Witness(RULES, probability, statement)
    return ActionUnitEvidence(unit.number, unit.name, side, probability, strength_px, keys, (witness,))


def _probability(fit: float, strength: float) -> float:
    """Fit × (1 - e^(-strength / SNR_SCALE)), strength in noise floors: rises with both, ends at 0.95."""
    return float(np.clip(fit * (1.0 - math.exp(-strength / SNR_SCALE)), 0.0, MAX_PROBABILITY))


def _motions(keys: Sequence[str], face: _Face) -> str:
    """“the left inner brow moves up by 1.4 px, the chin moves down by 0.8 px”."""
    parts = []
    for key in keys:
        region = facs.REGION_BY_KEY[key]
        name = f"{region.side} {region.name}" if region.side else region.name
        out, up = face.raw_out[key], face.raw_up[key]
        parts.append(f"the {name} moves {_way(out, up)} by {math.hypot(out, up):.1f} px")
    return ", ".join(parts)


def _way(out: float, up: float) -> str:
    """A direction relative to the face: up, down, out, in and their mixtures."""
    octant = round(math.degrees(math.atan2(up, out)) / 45.0) % 8
    return ("out", "up and out", "up", "up and in", "in", "down and in", "down", "down and out")[octant]
