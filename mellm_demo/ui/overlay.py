"""The claimed action units drawn on the face: the regions they rest on, and beside these a bar with the probability.

Action units and landmarks in, SVG over the square crop out. White on dark glass, no hue: hue belongs to the direction
of motion. A unit of both sides has a label on either side, a unit of one side there alone, so that sides are seen
without reading. Knows nothing of Gradio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mellm_demo import facs
from mellm_demo.records import CROP_PX, ActionUnitEvidence, Analysis, Float32Array, Side
from mellm_demo.ui.pictures import svg

WIDTH, HEIGHT, GAP = 40.0, 31.0, 3.0  # of a label, in px of the crop
EDGE = 4.0  # between labels and the border
PAD = 5.0  # inside a label
FONT = 9.5
FITTING = int((CROP_PX - 2 * EDGE + GAP) // (HEIGHT + GAP))  # labels on one side of the picture; the list has all
GLASS = "rgb(17 17 20 / .78)"
HALO = "rgb(17 17 20 / .55)"


@dataclass(frozen=True)
class _Label:
    """One action unit on one side of the face."""

    unit: ActionUnitEvidence
    side: Side  # on which it is written; units of the midline stand where there is room
    keys: tuple[str, ...]  # of the regions that it points to

    @property
    def left_edge(self) -> float:
        # The subject's left is at the picture's right.
        return CROP_PX - EDGE - WIDTH if self.side == "left" else EDGE


def units_drawing(analysis: Analysis) -> str | None:
    """The drawing over the crop of the apex as a data URI; None where no action unit is claimed."""
    if analysis.moment is None or analysis.evidence is None or not analysis.reliable:
        return None
    if not analysis.evidence.action_units:
        return None
    return svg(drawing(analysis.evidence.action_units, analysis.face.landmarks[analysis.moment.interval.apex]))


def drawing(units: Sequence[ActionUnitEvidence], landmarks: Float32Array) -> str:
    """``units`` over landmarks (478, 2) in px of the crop, as SVG of CROP_PX square."""
    labels = _labels(units)
    outlines = {key: _outline(key, landmarks) for label in labels for key in label.keys}
    strength: dict[str, float] = {}
    for label in labels:
        for key in label.keys:
            strength[key] = max(strength.get(key, 0.0), label.unit.probability)
    shapes = "".join(_region(outlines[key], strength[key]) for key in outlines)
    marks = ""
    for side in ("right", "left"):
        column = [label for label in labels if label.side == side][:FITTING]
        wanted = [float(np.mean([outlines[key][:, 1].mean() for key in label.keys])) for label in column]
        order = np.argsort(wanted, kind="stable")
        for index, top in zip(order, _apart([wanted[i] - HEIGHT / 2 for i in order]), strict=True):
            marks += _mark(column[index], top, outlines[column[index].keys[0]])
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {CROP_PX} {CROP_PX}' "
        f"font-family='system-ui, sans-serif' font-size='{FONT:g}'>{shapes}{marks}</svg>"
    )


def _labels(units: Sequence[ActionUnitEvidence]) -> list[_Label]:
    labels: list[_Label] = []
    midline: list[tuple[ActionUnitEvidence, tuple[str, ...]]] = []
    for unit in units:
        sides: tuple[Side, ...] = ("right", "left") if unit.side == "both" else (unit.side,)
        known = [facs.REGION_BY_KEY[key] for key in unit.regions if key in facs.REGION_BY_KEY]
        if all(region.side is None for region in known):
            if known:
                midline.append((unit, tuple(region.key for region in known)))
            continue
        for side in sides:
            keys = tuple(region.key for region in known if region.side in (side, None))
            if keys:
                labels.append(_Label(unit, side, keys))
    for unit, keys in midline:
        crowd = [label.side for label in labels]
        labels.append(_Label(unit, "left" if crowd.count("left") <= crowd.count("right") else "right", keys))
    return labels


def _outline(key: str, landmarks: Float32Array) -> Float32Array:
    """(P, 2) convex hull of a region's landmarks."""
    import cv2

    points = landmarks[list(facs.REGION_BY_KEY[key].mesh)].astype(np.float32)
    return np.asarray(cv2.convexHull(points)[:, 0], dtype=np.float32)


def _apart(tops: Sequence[float]) -> list[float]:
    """Rising upper edges of labels, moved as little as a pass down and a pass up need to keep them from overlapping."""
    step = HEIGHT + GAP
    placed: list[float] = []
    for top in tops:
        placed.append(max(top, placed[-1] + step if placed else EDGE))
    floor = CROP_PX - EDGE - HEIGHT
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], floor)
        floor = placed[index] - step
    return placed


def _region(outline: Float32Array, strength: float) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
    shape = f"points='{path}' stroke-linejoin='round'"
    return (
        f"<polygon {shape} fill='none' stroke='{HALO}' stroke-width='3.2'/>"
        f"<polygon {shape} fill='#fff' fill-opacity='{0.08 + 0.2 * strength:.2f}' stroke='#fff' stroke-width='1.3'/>"
    )


def _mark(label: _Label, top: float, outline: Float32Array) -> str:
    left, middle = label.left_edge, top + HEIGHT / 2
    start = left if label.side == "left" else left + WIDTH
    end = outline[int(np.argmin(np.hypot(outline[:, 0] - start, outline[:, 1] - middle)))]
    line = f"x1='{start:.1f}' y1='{middle:.1f}' x2='{end[0]:.1f}' y2='{end[1]:.1f}'"
    bar, share = WIDTH - 2 * PAD, min(max(label.unit.probability, 0.0), 1.0)
    return (
        f"<line {line} stroke='{HALO}' stroke-width='3'/><line {line} stroke='#fff' stroke-width='1.2'/>"
        f"<rect x='{left:.1f}' y='{top:.1f}' width='{WIDTH:g}' height='{HEIGHT:g}' rx='5' fill='{GLASS}'/>"
        f"<text x='{left + PAD:.1f}' y='{top + 11.5:.1f}' fill='#fff' font-weight='650'>AU{label.unit.au}</text>"
        f"<text x='{left + PAD:.1f}' y='{top + 22:.1f}' fill='#fff'>{label.unit.probability:.2f}</text>"
        f"<rect x='{left + PAD:.1f}' y='{top + 25:.1f}' width='{bar:g}' height='3' rx='1.5' fill='#fff' "
        "fill-opacity='.28'/>"
        f"<rect x='{left + PAD:.1f}' y='{top + 25:.1f}' width='{bar * share:.1f}' height='3' rx='1.5' fill='#fff'/>"
    )
