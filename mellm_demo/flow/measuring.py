"""Every frame of a stretch against its keyframe: where each patch has gone, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mellm_demo.flow.head import HEAD_PARAMETERS, head_basis
from mellm_demo.flow.patches import Layout
from mellm_demo.flow.registration import normalised, register, template_of
from mellm_demo.flow.stretches import keyframes_of
from mellm_demo.records import FaceTrack, Float32Array, FloatArray, Image

LANDMARK_NOISE_PX = 1.0  # a landmark's step below this says nothing about the skin
_LOST_CORRELATION = 0.35  # a patch that fits worse is not the same skin any more
_ASTRAY_PX = 5.0  # farther from its landmarks than they ever err
_LOST_PX = 3.0  # nor one that was found farther than this from where the frame before and the landmarks put it


@dataclass(frozen=True)
class Measured:
    """How the patches of one keyframe lie in the frames after it."""

    moved: FloatArray  # (n, P, 2) px, head motion included
    information: FloatArray  # (n, P, 2, 2) inverse covariance
    basis: FloatArray  # (P, 2, 8) motion of each patch per unit of each term of the head's motion


def measure_stretch(track: FaceTrack, stretch: NDArray[np.int64], layout: Layout) -> list[Measured]:
    """Every frame of a stretch against its keyframe."""
    from concurrent.futures import ThreadPoolExecutor

    landmarks = track.landmarks[stretch]
    patch_landmarks = np.stack([landmarks[:, list(mesh)].mean(axis=1) for mesh in layout.meshes], axis=1)
    rigid = np.median(patch_landmarks[:, : layout.rigid_count], axis=1)
    keys = keyframes_of(track, stretch, rigid)
    spans = list(zip(keys, [*keys[1:], len(stretch) - 1], strict=True))

    def measure(span: tuple[int, int]) -> Measured:
        return _measure_span(track.gray, stretch, landmarks, patch_landmarks, span, layout)

    with ThreadPoolExecutor(max_workers=2) as pool:  # OpenCV and NumPy's loops let go of the interpreter
        return list(pool.map(measure, spans))


def _measure_span(
    gray: Image,
    stretch: NDArray[np.int64],
    landmarks: Float32Array,
    patch_landmarks: Float32Array,
    span: tuple[int, int],
    layout: Layout,
) -> Measured:
    """Frames ``first + 1 … last`` against the keyframe ``first``."""
    first, last = span
    count, patches = last - first, len(layout.depth)
    if count == 0:
        nothing = np.zeros((0, patches, 2))
        return Measured(nothing, np.zeros((0, patches, 2, 2)), np.zeros((patches, 2, HEAD_PARAMETERS)))
    around = landmarks[max(0, first - 2) : first + 3]
    template = template_of(normalised(gray[stretch[first]]), np.median(around, axis=0))
    moved = np.zeros((count, patches, 2))
    information = np.zeros((count, patches, 2, 2))
    now = np.zeros((patches, 2))
    for index in range(count):
        row = first + 1 + index
        step = (patch_landmarks[row] - patch_landmarks[row - 1]).astype(np.float64)
        start = now + np.sign(step) * np.maximum(np.abs(step) - LANDMARK_NOISE_PX, 0.0)
        now, info, alike = register(template, normalised(gray[stretch[row]]), start)
        by_landmarks = (patch_landmarks[row] - patch_landmarks[first]).astype(np.float64)
        lost = (alike < _LOST_CORRELATION) | (np.hypot(*(now - start).T) > _LOST_PX)
        lost |= np.hypot(*(now - by_landmarks).T) > _ASTRAY_PX
        if lost.any():
            now = np.where(lost[:, None], by_landmarks, now)
            info[lost] = np.eye(2) / LANDMARK_NOISE_PX**2
        moved[index], information[index] = now, info
    return Measured(moved, information, head_basis(template.centres, layout.depth))
