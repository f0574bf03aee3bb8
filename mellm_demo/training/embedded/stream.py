"""Endless maps with what moved in them: from drawn motions, worn as flow wears them, and from a bank of measured ones.

Numbers of a batch: ``image`` (224, 224, 3) uint8 RGB; ``regions`` (R, 2) mean flow, head motion at the nose removed, as
shares of the map's largest magnitude (what its brightness shows); ``units`` (2, U) shown on the subject's left, right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.motion_map import motion_map, without_nose_motion
from mellm_demo.records import CROP_PX, Float32Array, Image
from mellm_demo.training.instruct.bank import Bank, Grids, unit_rows
from mellm_demo.training.instruct.faces import Faces, twin_region
from mellm_demo.training.instruct.images import tower_image
from mellm_demo.training.instruct.motion import GRID, drawn, enlarged, region_means
from mellm_demo.training.instruct.tables import Coded

FRAMING = (0.06, 8.0)  # how far a face's framing may be off: share of scale, px
_TWINS = [facs.REGION_KEYS.index(twin_region(key)) for key in facs.REGION_KEYS]


@dataclass(frozen=True)
class Example:
    """One map with its truth."""

    image: Image
    regions: Float32Array
    units: NDArray[np.int8]


class Maps:
    """Draws maps of some faces. The same seed and number give the same map, whatever was drawn before."""

    def __init__(
        self, faces: Faces, rows: tuple[int, ...], events: tuple[Coded, ...], bank: Bank | None = None,
        bank_share: float = 0.5, seed: int = 0,
    ) -> None:  # fmt: skip
        self._faces, self._rows, self._events = faces, rows, events
        self._bank = bank if bank is not None and len(bank) else None
        self._bank_share, self._seed = bank_share, seed
        self._grids = Grids(faces)
        self._shard: tuple[int, dict[str, NDArray[np.generic]]] | None = None

    def example(self, number: int) -> Example:
        """The map of this number."""
        random = np.random.default_rng([self._seed, number])
        if self._bank is not None and random.random() < self._bank_share:
            face, flow, units = self._stored(number, random)
        else:
            face, flow, units = self._drawn(random)
        return self._finished(face, flow, units, random)

    def _drawn(self, random: np.random.Generator) -> tuple[int, Float32Array, NDArray[np.int8]]:
        face = int(self._rows[int(random.integers(len(self._rows)))])
        motion = drawn(self._events, random)
        grid = self._grids[face]
        flow = grid.expression(motion) + grid.head(motion)
        return face, worn(flow, self._faces.gray[face], random), unit_rows(motion)

    def _stored(self, number: int, random: np.random.Generator) -> tuple[int, Float32Array, NDArray[np.int8]]:
        """Of one file for a while: reading files costs more than drawing from one that is open."""
        assert self._bank is not None
        index = (number // 256) * 7919 % self._bank.shards
        if self._shard is None or self._shard[0] != index:
            self._shard = index, self._bank.shard(index)
        kept = self._shard[1]
        row = int(random.integers(len(kept["face"])))
        flow = np.asarray(kept["flow"][row], np.float32)
        if random.random() < 0.5:  # the same motion after another rest of the head
            flow = flow + random.normal(0.0, 0.3, 2).astype(np.float32)
        return int(kept["face"][row]), flow, np.asarray(kept["units"][row], np.int8)

    def _finished(self, face: int, flow: Float32Array, units: NDArray[np.int8], random: np.random.Generator) -> Example:
        """Mirrored or not, framed a little differently, lit differently; then the map."""
        gray, masks = self._faces.gray[face], self._grids.masks(face)
        x, y = (float(v) for v in self._faces.landmarks[face][facs.NOSE_TIP])
        full = enlarged(flow)
        moved = without_nose_motion(full, (x, y))
        largest = float(np.hypot(moved[..., 0], moved[..., 1]).max())
        step = CROP_PX // GRID
        coarse = moved.reshape(GRID, step, GRID, step, 2).mean(axis=(1, 3))
        regions = region_means(coarse, masks) / max(largest, 1e-6)
        if random.random() < 0.5:
            full = full[:, ::-1] * np.array([-1.0, 1.0], np.float32)
            gray, x = gray[:, ::-1], CROP_PX - 1 - x
            regions, units = regions[_TWINS] * np.array([-1.0, 1.0], np.float32), units[::-1]
        gray = relit(gray, random)
        if random.random() < 0.5:
            full, gray, x, y = _reframed(full, gray, (x, y), random)
        image = tower_image(motion_map(np.ascontiguousarray(full), np.ascontiguousarray(gray), (x, y)))
        return Example(image, np.asarray(regions, np.float32), np.ascontiguousarray(units))


def worn(flow: Float32Array, gray: Image, random: np.random.Generator) -> Float32Array:
    """A true flow (n, n, 2) as TV-L1 would measure it, roughly: fainter where skin is smooth, patches of noise, and
    strays at the border. How much was read off pairs that both know."""
    import cv2

    size = flow.shape[0]
    texture = _texture(gray.tobytes(), size)
    loss = random.uniform(0.0, 0.6)
    kept = 1.0 - loss * np.exp(-texture / 4.0)
    noise = np.zeros_like(flow)
    for sigma, most in ((1.0, 0.06), (2.5, 0.12), (6.0, 0.15)):
        grain = cv2.GaussianBlur(random.standard_normal(flow.shape, dtype=np.float32), (0, 0), sigma)
        noise += grain / max(float(grain.std()), 1e-6) * np.float32(random.uniform(0.0, most))
    noise *= (0.35 + 0.9 * np.exp(-texture / 3.0))[..., None]
    seen = flow * kept[..., None] + noise
    if random.random() < 0.3:
        for _ in range(int(random.integers(1, 4))):
            row, column = (int(v) for v in random.integers(0, size, 2))
            if random.random() < 0.5:
                row = int(random.choice([0, size - 1]))
            else:
                column = int(random.choice([0, size - 1]))
            patch = seen[max(row - 1, 0) : row + 2, max(column - 2, 0) : column + 3]
            patch += random.normal(0.0, 1.2, 2).astype(np.float32)
    return np.asarray(seen, np.float32)


@cache
def _texture(gray: bytes, size: int) -> Float32Array:
    """(size, size) mean gradient, gray levels per px. Cached by face: there are a few hundred."""
    import cv2

    picture = np.frombuffer(gray, np.uint8).reshape(CROP_PX, CROP_PX).astype(np.float32)
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8.0
    return np.asarray(cv2.resize(cv2.GaussianBlur(slope, (0, 0), 3.0), (size, size), interpolation=cv2.INTER_AREA))


def relit(gray: Image, random: np.random.Generator) -> Image:
    """Another exposure and contrast."""
    gain, offset, gamma = random.uniform(0.6, 1.25), random.uniform(-25.0, 25.0), random.uniform(0.75, 1.35)
    levels = 255.0 * np.power(np.arange(256) / 255.0, gamma) * gain + offset
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)[gray]


def _reframed(
    flow: Float32Array, gray: Image, nose: tuple[float, float], random: np.random.Generator
) -> tuple[Float32Array, Image, float, float]:
    import cv2

    scale = 1.0 + random.uniform(-FRAMING[0], FRAMING[0])
    dx, dy = random.uniform(-FRAMING[1], FRAMING[1], 2)
    middle = CROP_PX / 2.0
    matrix = np.array([[scale, 0.0, middle * (1 - scale) + dx], [0.0, scale, middle * (1 - scale) + dy]])
    size = (CROP_PX, CROP_PX)
    where: dict[str, int] = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    moved = cv2.warpAffine(np.ascontiguousarray(flow), matrix, size, **where)
    return moved, cv2.warpAffine(np.ascontiguousarray(gray), matrix, size, **where), *(
        scale * nose[0] + matrix[0, 2], scale * nose[1] + matrix[1, 2]
    )  # fmt: skip
