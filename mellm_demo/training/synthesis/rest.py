"""The still face as it lies in the clip when nothing moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mellm_demo.records import CROP_PX, EYE_LINE_Y_PX, OUTER_EYE_PX, Float32Array, FloatArray, Image
from mellm_demo.training.synthesis.geometry import fixed, through
from mellm_demo.training.synthesis.mesh import EYES, INNER_LIP_LOWER, INNER_LIP_UPPER, pose
from mellm_demo.training.synthesis.spec import ClipSpec

SMOOTH = 0.018  # σ that rounds the creases of a triangulation of the face, in outer eye distances


@dataclass(frozen=True)
class Rest:
    """A face in the rest frame, px of the clip's frame."""

    landmarks: FloatArray  # (478, 2)
    size: tuple[int, int]  # height, width of the frame
    centre: FloatArray  # (2,) the midpoint of the eyes
    unit: float  # outer eye distance, px of the frame
    crop_from_frame: FloatArray  # (2, 3) px of the frame → px of the project's crop
    eye_mask: Float32Array  # (H, W) 1 on the eyes
    mouth_mask: Float32Array  # (H, W) 1 between the lips

    @property
    def px(self) -> float:
        """px of the frame per px of the crop."""
        return self.unit / OUTER_EYE_PX


def rest_of(landmarks: FloatArray, spec: ClipSpec) -> Rest:
    """The face of ``spec``'s clip at rest. landmarks: (478, 2) px of the still picture."""
    placed = through(landmarks, _placing(landmarks, spec))
    size = (spec.height, spec.width)
    axis, centre = pose(placed)
    return Rest(placed, size, centre, float(np.hypot(*axis)), _crop_framing(placed), *_masks(placed, size))


def _crop_framing(landmarks: FloatArray) -> FloatArray:
    """(2, 3): px of the frame → px of the project's crop."""
    axis, centre = pose(landmarks)
    turn = np.array([[axis[0], axis[1]], [-axis[1], axis[0]]]) * OUTER_EYE_PX / (axis @ axis)
    return np.c_[turn, np.array([CROP_PX / 2.0, EYE_LINE_Y_PX]) - turn @ centre]


def _placing(landmarks: FloatArray, spec: ClipSpec) -> FloatArray:
    """(3, 3): still picture → rest frame. The head's tilt is kept; it is part of the picture."""
    axis, centre = pose(landmarks)
    scale = spec.eye_distance_px / float(np.hypot(*axis))
    at = np.array([spec.width / 2.0, EYE_LINE_Y_PX / CROP_PX * spec.height])
    at[1] = max(at[1], 0.42 * spec.height)
    return np.array([[scale, 0.0, at[0] - scale * centre[0]], [0.0, scale, at[1] - scale * centre[1]], [0.0, 0.0, 1.0]])


def plate_of(face_rgb: Image, landmarks: FloatArray, spec: ClipSpec) -> tuple[Float32Array, FloatArray]:
    """The picture to sample from (reduced first where the frame is much coarser), and plate → rest frame (3, 3)."""
    import cv2

    placing = _placing(landmarks, spec)
    reduce = placing[0, 0] * 1.5  # half as fine again as the frame, so that sampling does not soften it
    if reduce >= 1.0:
        return face_rgb.astype(np.float32), placing
    height, width = (max(round(side * reduce), 1) for side in face_rgb.shape[:2])
    small = cv2.resize(face_rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    sx, sy = width / face_rgb.shape[1], height / face_rgb.shape[0]
    shrink = np.array([[sx, 0.0, 0.5 * sx - 0.5], [0.0, sy, 0.5 * sy - 0.5], [0.0, 0.0, 1.0]])
    return small, placing @ np.linalg.inv(shrink)


def _masks(landmarks: FloatArray, size: tuple[int, int]) -> tuple[Float32Array, Float32Array]:
    """(H, W) each: 1 on the eyes and between the lips, with a soft edge."""
    import cv2

    eyes = np.zeros(size, np.float32)
    mouth = eyes.copy()
    for upper, lower, _ in EYES:
        cv2.fillPoly(eyes, [fixed(landmarks[[*upper, *lower[-2:0:-1]]])], 1.0, cv2.LINE_8, 4)
    lips = fixed(landmarks[[*INNER_LIP_UPPER, *INNER_LIP_LOWER[-2:0:-1]]])
    cv2.fillPoly(mouth, [lips], 1.0, cv2.LINE_8, 4)
    cv2.polylines(mouth, [lips], True, 1.0, 1, cv2.LINE_8, 4)  # a closed mouth has no area, but a line that opens
    return cv2.GaussianBlur(eyes, (0, 0), 0.7), cv2.GaussianBlur(mouth, (0, 0), 0.7)
