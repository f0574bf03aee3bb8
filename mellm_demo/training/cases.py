"""The clips that are asked about, each as an analysis made from its real flow: always the same for the same clip.

A corpus' flow holds no face and no size, so it is laid over a face that no model was trained on, at a fixed size.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.records import Analysis, Image
from mellm_demo.training.coded import as_coded
from mellm_demo.training.instruct.faces import Faces
from mellm_demo.training.instruct.real import flow_in_crop
from mellm_demo.training.instruct.records import Course, analysis_of
from mellm_demo.training.learned import Learned
from mellm_demo.training.me_flow import Corpus
from mellm_demo.training.vqa import Asked, folds

AMPLITUDE_PX = 1.5  # of the strongest region
COURSE = Course(rate=100.0, seconds=2.0, onset_ms=600.0, rise_ms=120.0, fall_ms=180.0, sigma_px=0.02)
FOLDS = 5


@dataclass(frozen=True)
class Case:
    """One clip, and what was learned from others only."""

    clip: str
    analysis: Analysis
    learned: Learned


def cases(asked: Sequence[Asked], corpus: Corpus, faces: Faces, learned: Callable[[str], Learned]) -> dict[str, Case]:
    """Clip → case, in the order of the questions. learned: clip → what may be known of it.

    Raises InputError where a clip has no flow.
    """
    rows = rows_of(asked, corpus)
    made = {}
    for clip, row in rows.items():
        known = learned(clip)
        made[clip] = Case(clip, analysis(clip, corpus.uvs[row], faces, known), known)
    return made


def rows_of(asked: Sequence[Asked], corpus: Corpus) -> dict[str, int]:
    """Clip → its row in the corpus. Raises InputError where a clip has no flow."""
    known = {str(name): row for row, name in enumerate(corpus.clip)}
    names = list(dict.fromkeys(one.clip for one in asked))
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(
            f"{len(missing)} clips that are asked about have no flow, e.g. {missing[0]}. Give the flows of all clips."
        )
    return {name: known[name] for name in names}


def held_groups(asked: Sequence[Asked], corpus: Corpus, count: int = FOLDS) -> list[tuple[frozenset[str], list[str]]]:
    """For each fold by subject: its clips, and the groups of the corpus that nothing may be learned from."""
    rows = rows_of(asked, corpus)
    made = []
    for fold in folds(asked, count):
        clips = frozenset(one.clip for one in asked if one.subject in fold)
        made.append((clips, sorted({str(corpus.group[rows[clip]]) for clip in clips})))
    return made


def analysis(clip: str, uvs: Image, faces: Faces, learned: Learned) -> Analysis:
    """(28, 28, 3) uint8 → what the app would conclude, with the units that a coder would write down.

    The clip's name decides the face and the noise.
    """
    random = np.random.default_rng(zlib.crc32(clip.encode()))
    face = int(random.choice(strangers(faces)))
    gray, landmarks = faces.gray[face], faces.landmarks[face]
    measured = flow_in_crop(uvs, landmarks, AMPLITUDE_PX)
    for course in (COURSE, replace(COURSE, trouble="by_user")):
        made = analysis_of(measured, gray, landmarks, course, random, head=learned.head, counts=learned.counts)
        if made.moment is not None:
            break
    # Whoever chose the clip for the corpus saw an expression between these two frames.
    return as_coded(replace(made, reliable=True, reasons=()), learned)


def strangers(faces: Faces) -> Sequence[int]:
    """Rows of people on whom nothing was trained; all, where there are too few to hold any out."""
    held: Collection[int] = faces.rows(held_out=True)
    return list(held) or list(range(len(faces)))
