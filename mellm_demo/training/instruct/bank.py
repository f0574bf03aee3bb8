"""A store of flows as TV-L1 measures them on pairs made from still faces, beside what truly moved.

TV-L1 is not the field that was rendered: it is patchy where skin has no texture, spills over edges, and holds the
sensor's noise. A pair costs about a third of a second, so they are made once, in the background, in small files that
appear whole or not at all; what reads them works with as many as there are, with none as well.

``python -m mellm_demo.training.instruct.bank --faces DIR --out DIR --count N``
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import MellmError
from mellm_demo.flow import region_masks, tvl1
from mellm_demo.records import CROP_PX, Float32Array, Image
from mellm_demo.training.instruct.faces import Faces, read_faces
from mellm_demo.training.instruct.motion import UNITS, FaceGrid, Motion, drawn, enlarged, grid_points
from mellm_demo.training.instruct.tables import Coded, read_tables

SIDE = 128  # of the stored flow: TV-L1's patches are larger than two pixels
SHARD = 16  # pairs in a file: some seconds of work
STILL_SHARE = 0.15
NOISE = (0.5, 3.0)  # gray levels of the sensor at middle gray
JPEG = (70, 98)  # quality; video compression leaves such traces


@dataclass(frozen=True)
class Pair:
    """One measured pair."""

    face: int  # row of the faces
    flow: Float32Array  # (SIDE, SIDE, 2) px of the crop, as TV-L1 measured it, the head's motion in it
    expression: Float32Array  # (R, 2) what truly moved, by region, px, without the head
    units: NDArray[np.int8]  # (2, len(UNITS)) 1 where shown; the subject's left, right


def unit_rows(motion: Motion) -> NDArray[np.int8]:
    """(2, len(UNITS)) 1 where a unit is shown on the subject's left (row 0), right (row 1)."""
    rows = np.zeros((2, len(UNITS)), np.int8)
    for au, side in motion.units.items():
        if side != "right":
            rows[0, UNITS.index(au)] = 1
        if side != "left":
            rows[1, UNITS.index(au)] = 1
    return rows


def rendered_pair(
    gray: Image, grid: FaceGrid, motion: Motion, random: np.random.Generator
) -> tuple[Image, Image, Float32Array]:
    """Onset and apex (CROP_PX, CROP_PX) uint8 with noise and compression, and the true flow between them."""
    import cv2

    flow = enlarged(grid.expression(motion) + grid.head(motion))
    places = grid_points(CROP_PX).reshape(CROP_PX, CROP_PX, 2).astype(np.float32)
    back = flow
    for _ in range(2):  # the backward field is the forward one, looked up where it came from
        came = np.ascontiguousarray(places - back)
        back = cv2.remap(flow, came, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    apex = cv2.remap(
        gray, np.ascontiguousarray(places - back), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    sigma, quality = float(random.uniform(*NOISE)), int(random.integers(*JPEG))
    return _filmed(gray, sigma, quality, random), _filmed(apex, sigma, quality, random), flow


def _filmed(gray: Image, sigma: float, quality: int, random: np.random.Generator) -> Image:
    import cv2

    light = np.sqrt(0.1 + 0.9 * gray.astype(np.float32) / 128.0)
    noisy = gray + sigma * light * random.standard_normal(gray.shape, dtype=np.float32)
    seen = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    done, packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8) if done else seen


class Grids:
    """The grids of faces, made when first asked for."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._made: dict[int, FaceGrid] = {}
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def __getitem__(self, face: int) -> FaceGrid:
        if face not in self._made:
            self._made[face] = FaceGrid(self._faces.landmarks[face])
        return self._made[face]

    def masks(self, face: int) -> NDArray[np.bool_]:
        """(R, GRID, GRID) which cells of the cheap flow belong to which region; each has one at least."""
        if face not in self._masks:
            grid = self[face]
            step = CROP_PX // grid.size
            fine = region_masks(self._faces.landmarks[face])
            coarse = fine.reshape(len(fine), grid.size, step, grid.size, step).mean(axis=(2, 4))
            most = coarse.reshape(len(fine), -1).max(axis=1)[:, None, None]
            self._masks[face] = coarse >= np.minimum(0.5, np.maximum(most, 1e-6))
        return self._masks[face]


def measured(faces: Faces, grids: Grids, face: int, events: tuple[Coded, ...], random: np.random.Generator) -> Pair:
    """One pair of a face, rendered and measured."""
    motion = drawn(events, random, still_share=STILL_SHARE)
    onset, apex, _ = rendered_pair(faces.gray[face], grids[face], motion, random)
    flow = tvl1(onset, apex).reshape(SIDE, 2, SIDE, 2, 2).mean(axis=(1, 3))
    truth = grids[face].expression(motion).reshape(-1, 2)
    kept = grids.masks(face).reshape(len(facs.REGIONS), -1).astype(np.float32)
    means = kept @ truth / np.maximum(kept.sum(axis=1, keepdims=True), 1.0)
    return Pair(face, flow.astype(np.float32), means.astype(np.float32), unit_rows(motion))


def fill(
    out: Path, faces: Faces, rows: Sequence[int], events: tuple[Coded, ...], count: int, seed: int = 0
) -> Iterator[int]:
    """Make what is missing of ``count`` pairs; yields how many there are after each file. Takes up where it stopped.

    Every file is drawn by its own number, so that a bank is the same whether it was made at once or in pieces.
    """
    out.mkdir(parents=True, exist_ok=True)
    grids = Grids(faces)
    for shard in range((count + SHARD - 1) // SHARD):
        path = out / f"flows_{shard:05d}.npz"
        if not path.exists():
            random = np.random.default_rng([seed, shard])
            chosen = random.choice(rows, SHARD)
            pairs = [measured(faces, grids, int(face), events, random) for face in chosen]
            part = path.with_suffix(".part.npz")
            np.savez(
                part,
                face=np.array([pair.face for pair in pairs], np.int32),
                flow=np.stack([pair.flow for pair in pairs]).astype(np.float16),
                expression=np.stack([pair.expression for pair in pairs]),
                units=np.stack([pair.units for pair in pairs]),
            )
            part.replace(path)
        yield (shard + 1) * SHARD


class Bank:
    """The pairs of a folder; flows stay on disk (float16) and are read in files."""

    def __init__(self, folder: Path) -> None:
        self._files = sorted(folder.glob("flows_[0-9]*[0-9].npz")) if folder.is_dir() else []

    def __len__(self) -> int:
        return len(self._files) * SHARD

    def shard(self, index: int) -> dict[str, NDArray[np.generic]]:
        """face (S,), flow (S, SIDE, SIDE, 2) float16, expression (S, R, 2), units (S, 2, U)."""
        with np.load(self._files[index % len(self._files)], allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}

    @property
    def shards(self) -> int:
        return len(self._files)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.instruct.bank", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds faces/ and annotations/")
    parser.add_argument("--out", type=Path, required=True, help="folder of the bank")
    parser.add_argument("--faces", type=Path, help="where the aligned faces are kept; default: OUT/faces.npz")
    parser.add_argument("--count", type=int, default=12_800, help="pairs in all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    try:
        import cv2

        cv2.setNumThreads(1)
        faces = read_faces(given.data / "faces", given.faces or given.out / "faces.npz")
        events = read_tables(given.data)
        started = time.monotonic()
        for done in fill(given.out, faces, faces.rows(held_out=False), events, given.count, given.seed):
            print(f"{done} pairs, {time.monotonic() - started:.0f} s", flush=True)
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
