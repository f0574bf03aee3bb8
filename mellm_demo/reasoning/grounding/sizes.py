"""Claims with numbers that are no times: sizes, shares, how many times the noise, fits."""

from __future__ import annotations

import numpy as np

from mellm_demo import facs
from mellm_demo.reasoning.claims import Claim, names_of
from mellm_demo.reasoning.grounding.bench import Bench, Judge, near, nearest, shares_told, told
from mellm_demo.records import CROP_PX


def _px(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    bound = _bound_px(bench, claim)
    known = bound if bound is not None else _all_px(bench)
    return near(claim, known), f"{told(claim)} px", nearest(bench, claim, known, "px", 2)


def _bound_px(bench: Bench, claim: Claim) -> list[float] | None:
    """What the number may be where its place in the text says which quantity it is; None: any."""
    motions = bench.motions_of(claim)
    if claim.label == "noise":
        return bench.floors
    if claim.label == "under":  # “under the noise (0.3 px)”: either of the two
        return bench.floors + [m.magnitude_px for m in motions or bench.facts.motions]
    if claim.label == "gap":
        sizes = [m.magnitude_px for m in bench.facts.motions]
        return [abs(a - b) for a in sizes for b in sizes]
    if claim.label == "any":
        return None
    if motions:
        sizes = [m.magnitude_px for m in motions] + [m.max_px for m in motions]
        return sizes + [u.strength_px for u in bench.facts.units if {m.key for m in motions} & set(u.regions)]
    units = [unit for unit in bench.facts.units if unit.au in claim.units]
    if units:
        names = names_of(tuple(unit.au for unit in units))
        return [u.strength_px for u in units] + [m.magnitude_px for m in bench.facts.motions if m.name in names]
    return None


def _all_px(bench: Bench) -> list[float]:
    analysis = bench.facts.analysis
    marks = [*analysis.spotting.candidates, *([bench.facts.interval] if bench.facts.interval else [])]
    sizes = [m.magnitude_px for m in bench.facts.motions] + [m.max_px for m in bench.facts.motions]
    sizes += [unit.strength_px for unit in bench.facts.units] + [one.peak_px for one in marks]
    sizes += [bench.facts.largest.px, *bench.floors, float(CROP_PX), 1.0]
    sizes += [float(analysis.clip.width), float(analysis.clip.height), analysis.face.interocular_crop_px]
    return [*sizes, float(np.median(analysis.face.interocular_px))]


def _percent(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    shares = [100.0 * value for value in bench.shares.values()]
    fits = [100.0 * unit.probability for unit in bench.facts.units if not claim.units or unit.au in claim.units]
    motions = [m for m in bench.facts.motions if m.name in claim.names]
    iod = [m.magnitude_iod for m in motions or bench.facts.motions]
    units = [u for u in bench.facts.units if not claim.units or u.au in claim.units]
    iod += [bench.facts.percent(unit.strength_px) for unit in units] + [bench.facts.percent(1.0)]
    known = fits if claim.label == "fit" else [*iod, *fits, *shares, *bench.quoted("%")]
    return near(claim, known), f"{told(claim)} %", nearest(bench, claim, known, "%", 1)


def _ratio(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    floor = bench.facts.floor_px
    known = [m.magnitude_px / floor for m in bench.facts.motions] if floor > 0 else []
    known += [one.score for one in bench.facts.analysis.spotting.candidates]
    said = bench.say(f"{told(claim)} times the noise", f"噪声的 {told(claim)} 倍")
    return near(claim, known), said, nearest(bench, claim, known, "×", 1)


def _fit(bench: Bench, claim: Claim) -> tuple[bool, str, str]:
    if claim.word:
        shares = bench.shares
        known = [shares[claim.word]] if shares else []
        word = facs.COARSE_ZH[claim.word] if bench.language == "zh" else claim.word
        return near(claim, known), f"{word} {told(claim)}", shares_told(bench)
    units = [unit for unit in bench.facts.units if not claim.units or unit.au in claim.units]
    known = [unit.probability for unit in units] + [one.probability for u in units for one in u.witnesses]
    said = bench.say(f"fit {told(claim)}", f"吻合度 {told(claim)}")
    return near(claim, known), said, nearest(bench, claim, known, "", 2)


JUDGES: dict[str, Judge] = {"px": _px, "percent": _percent, "ratio": _ratio, "fit": _fit}
