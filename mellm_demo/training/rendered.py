"""The whole analysis on rendered clips whose truth is known: units and sides found, nothing claimed of still faces."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.recognition.network import UNITS
from mellm_demo.records import Analysis, BothSides
from mellm_demo.training.clips import film_and_analyse, picture_of
from mellm_demo.training.scores import f1
from mellm_demo.training.synthesis import ACTION_UNITS, Blink, ClipSpec, Event, Head, Movement

AMPLITUDE_PX = 1.5
SYNTHETIC_UNITS = tuple(au for au in ACTION_UNITS if au in UNITS)
SIDED = (1, 2, 4, 5, 6, 7, 9, 12, 14, 15)  # units that can be shown on one side
STILL = ("no motion", "head motion", "blinks")
FPS = 60.0
# Indices into MediaPipe's 52 blendshapes, left and right, of those named after what a unit does.
BLENDSHAPES: dict[int, tuple[int, ...]] = {
    1: (3,),  # browInnerUp
    2: (4, 5),  # browOuterUp
    4: (1, 2),  # browDown
    5: (21, 22),  # eyeWide
    6: (7, 8),  # cheekSquint
    7: (19, 20),  # eyeSquint
    9: (50, 51),  # noseSneer
    10: (48, 49),  # mouthUpperUp
    12: (44, 45),  # mouthSmile
    14: (28, 29),  # mouthDimple
    15: (30, 31),  # mouthFrown
    17: (42,),  # mouthShrugLower
}


@dataclass(frozen=True)
class Made:
    """One synthetic clip and what the analysis claimed: unit → side."""

    kind: str  # "expression", or one of STILL
    au: int  # 0: none
    side: BothSides
    claimed: dict[int, BothSides]
    found: bool  # spotting gave a moment
    shapes: dict[int, float]  # unit → change of its blendshapes from onset to apex; empty where no moment was found


def synthetic(faces: Sequence[str], clips: int, seed: int = 0, told: bool = False) -> list[Made]:
    """``clips`` with one unit each, in turn, and half as many without expression, through the whole pipeline."""
    random = np.random.default_rng(seed)
    tasks = [("expression", SYNTHETIC_UNITS[index % len(SYNTHETIC_UNITS)]) for index in range(clips)]
    tasks += [(STILL[index % len(STILL)], 0) for index in range(max(clips // 2, len(STILL)))]
    made = []
    for number, (kind, au) in enumerate(tasks, start=1):
        side: BothSides = "both"
        if au in SIDED and random.random() < 0.3:
            side = "left" if random.random() < 0.5 else "right"
        made.append(_analysed(faces[int(random.integers(len(faces)))], kind, au, side, random))
        if told:
            print(f"\r{number} of {len(tasks)} clips ", end="", file=sys.stderr, flush=True)
    if told:
        print(file=sys.stderr)
    return made


def _analysed(face: str, kind: str, au: int, side: BothSides, random: np.random.Generator) -> Made:
    moving = kind in ("expression", "head motion")
    head = Head(drift_px=2.5, roll_deg=1.0, scale=0.005, yaw_deg=1.0, pitch_deg=0.7) if moving else Head()
    event = Event(500.0, 650.0, 900.0, (Movement(au, side),), AMPLITUDE_PX) if au else None
    spec = ClipSpec(
        fps=FPS,
        seconds=1.4,
        eye_distance_px=float(random.uniform(115.0, 150.0)),
        events=(event,) if event else (),
        blinks=(Blink(float(random.uniform(300.0, 800.0))),) if kind == "blinks" else (),
        head=head,
        noise=float(random.uniform(0.8, 2.0)),
        seed=int(random.integers(1_000_000)),
    )
    try:
        analysis = film_and_analyse(picture_of(face), spec, crf=18)
    except InputError:
        return Made(kind, au, side, {}, found=False, shapes={})
    claims = analysis.evidence.action_units if analysis.evidence and analysis.reliable else ()
    return Made(
        kind,
        au,
        side,
        {unit.au: unit.side for unit in claims},
        found=analysis.moment is not None,
        shapes=blendshape_changes(analysis),
    )


def blendshape_changes(analysis: Analysis) -> dict[int, float]:
    """Unit → by how much the blendshapes named after it rise from onset to apex, the stronger side."""
    if analysis.moment is None:
        return {}
    interval = analysis.moment.interval
    change = analysis.face.blendshapes[interval.apex] - analysis.face.blendshapes[interval.onset]
    return {au: float(max(change[list(indices)])) for au, indices in BLENDSHAPES.items()}


def synthetic_report(made: Sequence[Made], seed: int = 0) -> dict[str, Any]:
    """Macro-F1 over the units shown, share of right sides among units found, share of still clips without a claim."""
    shown = [clip for clip in made if clip.au]
    per_unit = {
        au: f1(np.array([au in clip.claimed for clip in shown]), np.array([clip.au == au for clip in shown]))
        for au in sorted({clip.au for clip in shown})
    }
    sides = [clip.claimed[clip.au] == clip.side for clip in shown if clip.au in clip.claimed and clip.au in SIDED]
    still = [not clip.claimed for clip in made if not clip.au]
    return {
        "clips": len(shown),
        "still_clips": len(still),
        "seed": seed,
        "amplitude_px": AMPLITUDE_PX,
        "fps": FPS,
        "au_f1": {str(au): value for au, value in per_unit.items()},
        "au_macro_f1": float(np.mean(list(per_unit.values()))) if per_unit else None,
        "found": float(np.mean([clip.found for clip in shown])) if shown else None,
        "sides_right": float(np.mean(sides)) if sides else None,
        "nothing_claimed": {
            kind: float(np.mean([not clip.claimed for clip in made if clip.kind == kind]))
            for kind in STILL
            if any(clip.kind == kind for clip in made)
        },
        "nothing_claimed_all": float(np.mean(still)) if still else None,
        "blendshapes": third_witness([clip for clip in shown if clip.shapes]),
    }


def third_witness(made: Sequence[Made]) -> dict[str, Any]:
    """What the change of blendshapes would add to the claims on clips with one unit each.

    ``auc`` per unit: how well the change tells clips with the unit from the others. ``would_find``: missed units whose
    change is above that of every clip without the unit. ``would_stop``: wrong claims whose change is below that of
    every right claim of the unit.
    """
    areas: dict[str, float] = {}
    counts = dict.fromkeys(("missed", "would_find", "wrong", "would_stop"), 0)
    for au in BLENDSHAPES:
        inside = np.array([clip.shapes[au] for clip in made if clip.au == au])
        outside = np.array([clip.shapes[au] for clip in made if clip.au != au])
        if not (len(inside) and len(outside)):
            continue
        ahead, level = inside[:, None] > outside, inside[:, None] == outside
        areas[str(au)] = float((ahead + 0.5 * level).mean())
        right = [clip.shapes[au] for clip in made if clip.au == au and au in clip.claimed]
        missed = [clip.shapes[au] for clip in made if clip.au == au and au not in clip.claimed]
        wrong = [clip.shapes[au] for clip in made if clip.au != au and au in clip.claimed]
        counts["missed"] += len(missed)
        counts["would_find"] += sum(value > outside.max() for value in missed)
        counts["wrong"] += len(wrong)
        counts["would_stop"] += sum(value < min(right, default=-np.inf) for value in wrong)
    return {"auc": areas, "auc_mean": float(np.mean(list(areas.values()))) if areas else None, **counts}
