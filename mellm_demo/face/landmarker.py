"""MediaPipe's Face Landmarker: a picture in, sightings out. The only module that knows MediaPipe.

Knows its weights file, its clock and its conventions (normalised points, transformation matrix), and none of where to
look or which face is whose.
"""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mellm_demo.errors import WeightsError
from mellm_demo.face.chatter import without_chatter
from mellm_demo.face.sighting import Sighting
from mellm_demo.records import FloatArray, Image

if TYPE_CHECKING:
    from types import ModuleType

LANDMARKER_FILE = Path(__file__).resolve().parents[2] / "weights" / "face_landmarker.task"
LANDMARKER_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

# With one face MediaPipe runs its landmarks through a 1-euro filter, which lags behind a moving head (5 ms at 20 px
# and 1 Hz). The filter goes by the time between frames and nothing else does: steps of 1000 s make it transparent.
LANDMARKER_STEP_MS = 1_000_000


def verified_bytes(path: Path, sha256: str) -> bytes:
    """The content of a weights file. Raises WeightsError where it is missing or its SHA-256 is another."""
    try:
        data = path.read_bytes()
    except OSError:
        raise WeightsError(
            f"The weights file {path.name} is missing. Restore the folder “weights” of this project."
        ) from None
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise WeightsError(
            f"The weights file {path.name} is not the expected one (SHA-256 {actual[:12]}… instead of {sha256[:12]}…). "
            "Restore it from the project."
        )
    return data


@lru_cache(maxsize=1)
def _landmarker_bytes() -> bytes:
    return verified_bytes(LANDMARKER_FILE, LANDMARKER_SHA256)


def pose_of(matrix: FloatArray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from MediaPipe's facial transformation matrix (4, 4): canonical face → camera.

    Its camera looks along −z with x to the image's right and y up, so the face's forward axis is the third column.
    Yaw is positive when the subject turns to their own left, pitch when they look up, roll when they tilt towards
    their own left shoulder (clockwise in the picture).
    """
    rotation = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    forward = rotation[:, 2]
    yaw = math.degrees(math.atan2(forward[0], forward[2]))
    pitch = math.degrees(math.asin(float(np.clip(forward[1], -1.0, 1.0))))
    roll = -math.degrees(math.atan2(rotation[1, 0], rotation[0, 0]))
    return yaw, pitch, roll


class Landmarker:
    """One MediaPipe landmarker in VIDEO mode for up to ``faces`` faces. Close it."""

    def __init__(self, faces: int) -> None:
        import mediapipe as mp
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision

        self._mp: ModuleType = mp
        self._clock_ms = 0
        # Ctrl-C while MediaPipe looks would free the image under it, which crashes. In a thread of its own each look
        # comes to its end, and close waits for it.
        self._looking = ThreadPoolExecutor(1, "landmarker")
        options = vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=_landmarker_bytes()),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=faces,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with without_chatter():
            self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)
            try:
                self.look(np.zeros((64, 64, 3), np.uint8))  # its threads start, and chatter, with the first image
            except BaseException:
                self.close()
                raise

    def look(self, rgb: Image, left: int = 0, top: int = 0) -> list[Sighting]:
        """Faces in ``rgb`` (H, W, 3), which lies at ``(left, top)`` in the frame."""
        self._clock_ms += LANDMARKER_STEP_MS
        image = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        found = self._looking.submit(self._landmarker.detect_for_video, image, self._clock_ms).result()
        height, width = rgb.shape[:2]
        sightings = []
        faces = zip(found.face_landmarks, found.face_blendshapes, found.facial_transformation_matrixes, strict=True)
        for mesh, shapes, matrix in faces:
            points = np.array([(point.x, point.y) for point in mesh], np.float64)
            points = points * (width, height) - 0.5 + (left, top)
            scores = np.array([shape.score for shape in shapes], np.float32)
            sightings.append(Sighting(points, scores, pose_of(np.asarray(matrix, np.float64))))
        return [sighting for sighting in sightings if sighting.interocular > 1.0]

    def close(self) -> None:
        self._looking.shutdown()
        self._landmarker.close()
