"""How much the head loses where a face is framed otherwise than in its training data.

Every picture of motion is shifted, scaled or turned (its vectors too) before it is read by a head that was fitted and
chosen without this person, as in leave-one-person-out. The pictures are moved on their 28×28 grid, the border repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mellm_demo.recognition.crop import GRID, normalised
from mellm_demo.recognition.network import CLASSES, UNITS, Reading, calibrated, views
from mellm_demo.records import BoolArray, Float32Array
from mellm_demo.training.heads import Material, Told, Unseen, choose, fitted, scored
from mellm_demo.training.warps import moved


@dataclass(frozen=True)
class Framing:
    """One way in which a crop may differ."""

    name: str
    dx: float = 0.0  # px of the 28×28 grid, right positive
    dy: float = 0.0  # down positive
    scale: float = 1.0
    turn_deg: float = 0.0


# One px of the grid is about 4 % of the face's width, 5 % of the distance between the outer eye corners.
FRAMINGS: tuple[Framing, ...] = (
    Framing("as it is"),
    *(Framing(f"{abs(dx)} px to the {'right' if dx > 0 else 'left'}", dx=dx) for dx in (-2, -1, 1, 2)),
    *(Framing(f"{abs(dy)} px {'down' if dy > 0 else 'up'}", dy=dy) for dy in (-2, -1, 1, 2)),
    *(Framing(f"{scale:g} times as large", scale=scale) for scale in (0.85, 0.92, 1.08, 1.15)),
    *(Framing(f"turned by {turn:g}°", turn_deg=turn) for turn in (-10, -5, 5, 10)),
)


def reframed(maps: Float32Array, framing: Framing) -> Float32Array:
    """Normalised pictures (N, 28, 28, 3) in another framing."""
    if framing == Framing(framing.name):
        return maps
    middle = (GRID - 1) / 2.0
    shift = np.array([framing.dx, framing.dy])
    return np.stack([moved(picture, np.radians(framing.turn_deg), framing.scale, middle, shift) for picture in maps])


def read_reframed(stuff: Material, tell: Told = lambda text: None) -> dict[str, Unseen]:
    """Framing → what heads that never saw the person say of everyone, framed so."""
    corpus = stuff.corpus
    maps = normalised(corpus.uvs, common_units=stuff.recipe.common_units)
    shown = [replace(stuff, seen=views(reframed(maps, framing), stuff.recipe.views)) for framing in FRAMINGS]
    size = len(corpus)
    readings = [Reading(np.zeros((size, len(UNITS))), np.zeros((size, CLASSES))) for _ in FRAMINGS]
    claimed: list[BoolArray] = [np.zeros((size, len(UNITS)), np.bool_) for _ in FRAMINGS]
    people = sorted(set(corpus.group.tolist()))
    for number, person in enumerate(people, start=1):
        others = [other for other in people if other != person]
        chosen, _ = choose(stuff, others)
        weights = fitted(stuff, others, chosen.penalty)
        rows = corpus.group == person
        for index, material in enumerate(shown):
            made = scored(material, weights, rows)
            said = calibrated(made, chosen.unit_slope, chosen.unit_offset, chosen.class_slope)
            readings[index].units[rows], readings[index].coarse[rows] = said.units, said.coarse
            claimed[index][rows] = said.units >= chosen.thresholds
        tell(f"\r{number} of {len(people)} ")
    return {
        framing.name: Unseen(corpus, reading, claim)
        for framing, reading, claim in zip(FRAMINGS, readings, claimed, strict=True)
    }
