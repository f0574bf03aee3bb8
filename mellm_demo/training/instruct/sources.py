"""Where motions come from: drawn on still faces, real flows laid over them, the owners' corpora."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.motion_map import motion_map
from mellm_demo.records import Analysis, Float32Array, Image
from mellm_demo.training.embedded.stream import relit, worn
from mellm_demo.training.instruct.bank import Grids
from mellm_demo.training.instruct.faces import Faces
from mellm_demo.training.instruct.images import map_of
from mellm_demo.training.instruct.motion import drawn, enlarged
from mellm_demo.training.instruct.real import flow_in_crop
from mellm_demo.training.instruct.records import analysis_of, drawn_course
from mellm_demo.training.instruct.samples import STRONGEST_UNKNOWN, Truth, coarse_of
from mellm_demo.training.instruct.tables import Coded, draw, parse_units
from mellm_demo.training.me_flow import read_me_flow

REAL_AMPLITUDE_PX = (0.6, 2.5)  # of the strongest region; the corpora's flows do not tell
REAL_SHARE = 0.2  # of the motions are a corpus' where flows are at hand
TESTED = frozenset({"casme2"})  # of whose clips MEGC asks its questions: nothing is learned from them
CLASSES = ("negative", "positive", "surprise")


@dataclass(frozen=True)
class Source:
    """One motion as an analysis and as an image, with what is known of it."""

    origin: str  # synthetic, me_flow, or a corpus' name
    group: str  # person or corpus/subject, never to be shared between training and test
    clip: str
    analysis: Analysis
    truth: Truth
    picture: Image | None  # the motion map; None where looking alone would show noise


def synthetic(
    faces: Faces, grids: Grids, rows: tuple[int, ...], events: tuple[Coded, ...], random: np.random.Generator
) -> Source:
    """A drawn motion on one of these faces."""
    face = int(rows[int(random.integers(len(rows)))])
    motion = drawn(events, random, still_share=0.12)
    gray, landmarks = faces.gray[face], faces.landmarks[face]
    flow = worn(grids[face].expression(motion) + grids[face].head(motion), gray, random)
    still = not motion.shown
    measured = enlarged(flow * np.float32(0.4) if still else flow)
    gray = relit(gray, random)
    course = drawn_course(motion.rise_ms, motion.fall_ms, random)
    analysis = analysis_of(measured, gray, landmarks, course, random, still=still)
    known = {one.au: one.side for one in motion.shown if one.weight >= STRONGEST_UNKNOWN}
    truth = Truth(known, motion.emotion, coarse_of(motion.emotion))
    picture = map_of(flow, gray, landmarks) if known and motion.amplitude_px >= 0.8 else None
    return Source("synthetic", faces.person[face], "", analysis, truth, picture)


class RealFlows:
    """The clips of me_flow with their labels; but those of corpora that are tested on."""

    def __init__(self, data: Path, without: frozenset[str] = TESTED) -> None:
        corpus = read_me_flow(data)
        self._labels = _labels(data / "me_flow" / "labels.csv")
        with np.load(data / "me_flow" / "flows.npz", allow_pickle=False) as kept:
            names = [str(name) for name in kept["clip_id"]]
        taken = [row for row, group in enumerate(corpus.group) if str(group).split("/")[0] not in without]
        self._uvs, self._group, self._coarse = corpus.uvs[taken], corpus.group[taken], corpus.coarse[taken]
        self.names = [names[row] for row in taken]

    def __len__(self) -> int:
        return len(self.names)

    def group(self, row: int) -> str:
        """“corpus/subject”."""
        return str(self._group[row])

    def uvs(self, row: int) -> Image:
        """(28, 28, 3)."""
        return self._uvs[row]

    def truth(self, row: int) -> Truth:
        """Labels: no units where nobody coded them."""
        label = self._labels[self.names[row]]
        fine = label["emotion"].strip().lower() or None
        coarse = CLASSES[int(self._coarse[row])] if self._coarse[row] >= 0 else None
        return Truth(dict(parse_units(label["action_units"])), fine, coarse)


def _labels(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row["clip_id"]: row for row in csv.DictReader(file)}
    except (OSError, KeyError):
        raise InputError(f"{path.name} cannot be read. Give labels in the format of me_flow.") from None


def real(
    flows: RealFlows, row: int, faces: Faces, rows: tuple[int, ...], random: np.random.Generator, coded: Coded
) -> Source:
    """A real flow over one of these faces; its time is that of a coded event."""
    face = int(rows[int(random.integers(len(rows)))])
    gray, landmarks = relit(faces.gray[face], random), faces.landmarks[face]
    measured = flow_in_crop(flows.uvs(row), landmarks, float(random.uniform(*REAL_AMPLITUDE_PX)))
    course = drawn_course(coded.rise_ms, coded.fall_ms, random)
    analysis = analysis_of(measured, gray, landmarks, course, random)
    picture = real_map(measured, gray)
    return Source("me_flow", flows.group(row), flows.names[row], analysis, flows.truth(row), picture)


def real_map(measured: Float32Array, gray: Image) -> Image:
    """The map of a corpus' flow: its median is rest, so nothing is subtracted at the nose."""
    return motion_map(measured, gray, None)


def motions(
    faces: Faces, events: tuple[Coded, ...], flows: RealFlows | None, seed: int, *,
    held_out: bool = False, real_share: float = REAL_SHARE,
) -> Iterator[tuple[Source, np.random.Generator]]:  # fmt: skip
    """Endless motions, each with the generator that goes on from it. Number n depends on seed and n alone."""
    rows, grids = faces.rows(held_out=held_out) or faces.rows(held_out=not held_out), Grids(faces)
    number = 0
    while True:
        random = np.random.default_rng([seed, int(held_out), number])
        number += 1
        if flows is not None and random.random() < real_share:
            row = int(random.integers(len(flows)))
            yield real(flows, row, faces, rows, random, draw(events, random)), random
        else:
            yield synthetic(faces, grids, rows, events, random), random
