"""Small clips for tests that go through the whole program. The face is scikit-image's astronaut, a NASA photo.

Frames are ``(H, W, 3)`` uint8 RGB. ``smiling`` moves the mouth corners by a known, smooth amount; nothing here claims
to be a real expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

RATE = 50
PX = 320
FACE_BOX = (slice(10, 220), slice(120, 330))  # rows, columns of the photo that show the head
MOUTH_CORNERS = np.array([(136.0, 207.0), (187.0, 204.0)])  # x, y in a portrait, subject's right and left
SPREAD_PX = 14.0
NOISE = 1.5  # grey levels


@cache
def portrait(px: int = PX) -> np.ndarray:
    """The head, square, read-only."""
    import cv2
    from skimage import data

    face = cv2.resize(data.astronaut()[FACE_BOX], (px, px), interpolation=cv2.INTER_CUBIC)
    face.flags.writeable = False
    return face


def still(count: int, *, px: int = PX, seed: int = 0) -> list[np.ndarray]:
    """``count`` frames without expression: sensor noise alone."""
    random = np.random.default_rng(seed)
    return [np.clip(portrait(px) + random.normal(0, NOISE, (px, px, 1)), 0, 255).astype(np.uint8) for _ in range(count)]


def smiling(count: int, *, peak_px: float = 5.0, seed: int = 0) -> list[np.ndarray]:
    """Rest, a rise over 120 ms, a fall, rest: both mouth corners go up and out."""
    import cv2

    frames = still(count, seed=seed)
    rows, columns = np.mgrid[0:PX, 0:PX].astype(np.float32)
    course = np.clip(1 - np.abs(np.arange(count) - count / 2) / (0.12 * RATE), 0, 1)
    for index, share in enumerate(course):
        shift = np.zeros((PX, PX, 2), np.float32)
        for (x, y), outwards in zip(MOUTH_CORNERS, (-1.0, 1.0), strict=True):
            weight = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SPREAD_PX**2))
            shift += weight[..., None] * np.float32([outwards, -1.0]) * (peak_px * share / np.sqrt(2))
        frames[index] = cv2.remap(frames[index], columns - shift[..., 0], rows - shift[..., 1], cv2.INTER_CUBIC)
    return frames


def write_video(path: Path, frames: Sequence[np.ndarray], rate: int = RATE) -> Path:
    """H.264 in the container that the suffix names."""
    import av

    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "16", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        container.mux(stream.encode())
    return path


def write_picture(path: Path, frame: np.ndarray) -> Path:
    """In the format that the suffix names."""
    from PIL import Image

    Image.fromarray(frame).save(path)
    return path
