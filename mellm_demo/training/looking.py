"""What the eye sees by itself: motion maps of people on whom nothing was trained, and no word of any measurement.

Onset and apex are rendered from a still face, measured by TV-L1, drawn as the app's motion map, and shown with MEGC's
questions. Which units were drawn is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mellm_demo.flow import tvl1
from mellm_demo.records import BothSides, Image
from mellm_demo.training.asking import Asker
from mellm_demo.training.cases import strangers
from mellm_demo.training.instruct import vqa
from mellm_demo.training.instruct.bank import Grids, rendered_pair
from mellm_demo.training.instruct.faces import Faces
from mellm_demo.training.instruct.images import map_of, tower_image
from mellm_demo.training.instruct.motion import drawn
from mellm_demo.training.instruct.samples import STRONGEST_UNKNOWN, look_prompt
from mellm_demo.training.instruct.tables import Coded
from mellm_demo.training.scores import f1
from mellm_demo.training.vqa import plain, units_in

AMPLITUDE_PX = 1.5
CLIPS = 60


@dataclass(frozen=True)
class Shown:
    """One motion map and what truly moved in it."""

    picture: Image  # (224, 224, 3)
    units: dict[int, BothSides]  # that are strong enough to be asked for


@dataclass(frozen=True)
class Seen:
    """What the model said of one."""

    shown: Shown
    named: frozenset[str]  # MEGC's names
    sides: dict[int, bool]  # one-sided unit → whether its side was told right


def rendered(faces: Faces, events: tuple[Coded, ...], clips: int, seed: int = 0) -> Iterator[Shown]:
    """``clips`` maps with one unit or more; number n depends on seed and n alone."""
    rows, grids = strangers(faces), Grids(faces)
    for number in range(clips):
        random = np.random.default_rng([seed, number])
        face = int(random.choice(rows))
        motion = replace(drawn(events, random, still=False), amplitude_px=AMPLITUDE_PX)
        onset, apex, _ = rendered_pair(faces.gray[face], grids[face], motion, random)
        picture = tower_image(map_of(tvl1(onset, apex), onset, faces.landmarks[face]))
        yield Shown(picture, {one.au: one.side for one in motion.shown if one.weight >= STRONGEST_UNKNOWN})


def seen(asker: Asker, shown: Shown) -> Seen:
    """The list of units, and the side of each that is on one: every question by itself."""
    named = units_in(asker.look(shown.picture, look_prompt(vqa.LIST_MANY)))
    sides = {
        au: plain(asker.look(shown.picture, look_prompt(vqa.SIDE.format(name=vqa.name_of(au))))) == side
        for au, side in shown.units.items()
        if side != "both"
    }
    return Seen(shown, named, sides)


def look(
    asker: Asker, motions: Sequence[Shown] | Iterator[Shown], tell: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Macro-F1 over the units that occur, accuracy of sides, and per unit: how often shown, named, and right."""
    every = []
    for number, shown in enumerate(motions, start=1):
        every.append(seen(asker, shown))
        tell(f"\r{number} looked at ")
    units = {str(au): _unit(au, every) for au in sorted({au for one in every for au in one.shown.units})}
    sides = [right for one in every for right in one.sides.values()]
    return {
        "clips": len(every),
        "amplitude_px": AMPLITUDE_PX,
        "au_macro_f1": float(np.mean([unit["f1"] for unit in units.values()])) if units else None,
        "side_accuracy": float(np.mean(sides)) if sides else None,
        "sides": len(sides),
        "tokens_per_second": asker.tokens_per_second,
        "units": units,
    }


def _unit(au: int, every: Sequence[Seen]) -> dict[str, Any]:
    name = vqa.name_of(au)
    true = np.array([au in one.shown.units for one in every])
    named = np.array([name in one.named for one in every])
    return {
        "name": name,
        "shown": int(true.sum()),
        "named": int(named.sum()),
        "right": int((true & named).sum()),
        "f1": f1(named, true),
    }


def table(numbers: dict[str, Any]) -> str:
    """The units of ``look``, one a line."""
    lines = [f"{'AU':>3}  {'name':24}{'shown':>7}{'named':>7}{'right':>7}{'F1':>7}"]
    for au, unit in numbers["units"].items():
        counts = "".join(f"{unit[key]:>7}" for key in ("shown", "named", "right"))
        lines.append(f"{au:>3}  {unit['name']:24}{counts}{unit['f1']:>7.2f}")
    return "\n".join(lines)
