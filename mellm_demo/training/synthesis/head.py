"""The head: its slow course, how deep its skin lies, and what of the picture belongs to it."""

from __future__ import annotations

import numpy as np

from mellm_demo.records import Float32Array, FloatArray
from mellm_demo.training.synthesis.geometry import fixed, interpolated
from mellm_demo.training.synthesis.mesh import FACE_OVAL, SKIN_POINTS, measured_mesh
from mellm_demo.training.synthesis.rest import SMOOTH, Rest
from mellm_demo.training.synthesis.spec import ClipSpec

_HEAD_ROOM = 1.75  # head with hair, as the face's oval enlarged: moves as one where the background stays


class Shake:
    """The head's and the light's slow random course."""

    def __init__(self, spec: ClipSpec, px: float) -> None:
        random = np.random.default_rng([spec.seed, 0])
        head = spec.head
        self._spec, self._px = spec, px
        self._hz = random.uniform(head.slowest_hz, head.fastest_hz, (8, 3))
        self._phase = random.uniform(0, 2 * np.pi, (8, 3))

    def _wave(self, time_ms: float) -> FloatArray:
        """(8,) in -1..1."""
        sines = np.sin(2 * np.pi * self._hz * time_ms / 1000.0 + self._phase)
        return sines @ np.array([0.5, 0.3, 0.2])

    def at(self, time_ms: float) -> tuple[FloatArray, float, float, float, float]:
        """Shift in px of the frame, roll in rad, scale, yaw and pitch in rad; nothing has moved in the first frame."""
        head = self._spec.head
        wave = self._wave(time_ms) - self._wave(0.0)
        roll, yaw, pitch = np.radians([head.roll_deg, head.yaw_deg, head.pitch_deg]) * wave[[2, 4, 5]]
        return wave[:2] * head.drift_px * self._px, float(roll), 1.0 + head.scale * wave[3], float(yaw), float(pitch)

    def light(self, time_ms: float) -> tuple[float, float]:
        """The light's change over all of the picture, and from side to side; in -1..1."""
        wave = self._wave(time_ms)
        return float(wave[6]), float(wave[7])


def depths_of(rest: Rest) -> Float32Array:
    """(H, W) px that the skin lies before the plane of rigid skin, from the mesh; around it the mean of its oval."""
    import cv2

    ring = rest.landmarks[list(FACE_OVAL)]
    ring = ring.mean(axis=0) + _HEAD_ROOM * (ring - ring.mean(axis=0))
    depth = measured_mesh().points[:SKIN_POINTS, 2] * rest.unit
    floor = float(depth[list(FACE_OVAL)].mean())
    values = np.r_[depth, np.full(len(ring), floor)][:, None]
    dense = interpolated(np.r_[rest.landmarks[:SKIN_POINTS], ring], values, rest.size, outside=floor)
    return cv2.GaussianBlur(dense, (0, 0), 2.0 * SMOOTH * rest.unit)


def head_mask_of(rest: Rest) -> Float32Array:
    """(H, W) 1 on the head, 0 on the background, with a wide passage."""
    import cv2

    oval = rest.landmarks[list(FACE_OVAL)]
    middle = oval.mean(axis=0) - [0.0, 0.1 * rest.unit]  # hair stands above the oval
    mask = np.zeros(rest.size, np.float32)
    cv2.fillPoly(mask, [fixed(middle + _HEAD_ROOM * (oval - middle))], 1.0, cv2.LINE_8, 4)
    return cv2.GaussianBlur(mask, (0, 0), 0.15 * rest.unit)
