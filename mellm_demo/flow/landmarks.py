"""What landmarks alone tell: how far eyes and mouth are open."""

from __future__ import annotations

import numpy as np

from mellm_demo.records import FaceTrack, Float32Array

UPPER_LIP_INNER, LOWER_LIP_INNER = 13, 14
# Corner, two upper, corner, two lower points of each eye, as in the eye aspect ratio of Soukupová and Čech 2016.
_EYES = ((33, 160, 158, 133, 153, 144), (263, 387, 385, 362, 380, 373))  # subject's right, left


def eye_openness(landmarks: Float32Array) -> Float32Array:
    """Eye aspect ratio (T, 2), the subject's right and left eye (Soukupová and Čech 2016)."""
    ratios = []
    for outer, up1, up2, inner, low2, low1 in _EYES:
        height = _distance(landmarks, up1, low1) + _distance(landmarks, up2, low2)
        ratios.append(height / np.maximum(2.0 * _distance(landmarks, outer, inner), 1e-6))
    return np.stack(ratios, axis=1).astype(np.float32)


def mouth_opening(track: FaceTrack) -> Float32Array:
    """Gap (T,) between the lips, in interocular distances."""
    gap = _distance(track.landmarks, UPPER_LIP_INNER, LOWER_LIP_INNER)
    return (gap / max(track.interocular_crop_px, 1e-6)).astype(np.float32)


def _distance(landmarks: Float32Array, first: int, second: int) -> Float32Array:
    return np.asarray(np.linalg.norm(landmarks[:, first] - landmarks[:, second], axis=1), dtype=np.float32)
