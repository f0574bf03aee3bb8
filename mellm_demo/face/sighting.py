"""One face in one frame, as it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mellm_demo import facs
from mellm_demo.records import Float32Array, FloatArray


@dataclass(frozen=True)
class Sighting:
    """One face in one frame, in pixels of the frame (pixel centres are whole numbers)."""

    landmarks: FloatArray  # (478, 2)
    blendshapes: Float32Array  # (52,)
    pose_deg: tuple[float, float, float]  # yaw, pitch, roll

    @cached_property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest x and y of the landmarks, (2,) each."""
        return self.landmarks.min(axis=0), self.landmarks.max(axis=0)

    @cached_property
    def centre(self) -> FloatArray:
        """Middle of the box, (2,)."""
        low, high = self.box
        centre: FloatArray = (low + high) / 2.0
        return centre

    @cached_property
    def width(self) -> float:
        """A length that grows with the face and hardly changes with its pose: the larger side of its box."""
        low, high = self.box
        return float((high - low).max())

    @cached_property
    def interocular(self) -> float:
        return float(np.hypot(*(self.landmarks[facs.PUPIL_LEFT] - self.landmarks[facs.PUPIL_RIGHT])))
