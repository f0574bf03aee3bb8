"""Parts of a picture in which to look for a face that the whole does not show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mellm_demo.records import Image

CLOSER = (2, 4)  # the short-range detector misses faces with pupils nearer than 5 % of the width: look at parts then
MARGIN = 0.5  # … and faces wider than the picture: look at the picture with an empty margin then


class View(NamedTuple):
    """The part of the frame that is looked at; it may reach beyond the frame, where it is black."""

    x: int
    y: int
    width: int
    height: int


def cut_view(rgb: Image, view: View) -> Image:
    """The view of a picture (H, W, 3) as a picture: (view.height, view.width, 3)."""
    height, width = rgb.shape[:2]
    x0, y0 = max(view.x, 0), max(view.y, 0)
    x1, y1 = min(view.x + view.width, width), min(view.y + view.height, height)
    if (x1 - x0, y1 - y0) == (view.width, view.height):
        return rgb[y0:y1, x0:x1]
    out = np.zeros((view.height, view.width, 3), np.uint8)
    out[y0 - view.y : y1 - view.y, x0 - view.x : x1 - view.x] = rgb[y0:y1, x0:x1]
    return out


def closer_views(width: int, height: int) -> Iterator[list[View]]:
    """Rounds of views in which to search for a face that the whole picture does not show."""
    margin_x, margin_y = int(width * MARGIN), int(height * MARGIN)
    yield [View(-margin_x, -margin_y, width + 2 * margin_x, height + 2 * margin_y)]
    for part in CLOSER:
        side = max(width, height) // part
        if side < 192:  # nothing but upsampling
            return
        w, h = min(side, width), min(side, height)
        yield [View(x, y, w, h) for y in _steps(height, h) for x in _steps(width, w)]


def _steps(length: int, part: int) -> list[int]:
    """Starts of parts that overlap by about half and cover the length."""
    count = 1 if part >= length else math.ceil((length - part) / (part / 2)) + 1
    return [round(i * (length - part) / max(count - 1, 1)) for i in range(count)]
