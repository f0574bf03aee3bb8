"""Real flows of a corpus, coarse and without a face → flow in our crop, over an aligned face.

A 28×28 picture holds u and v, each stretched to its own range. Their ratio is found from the strain, as the trained
head does; their size in px is lost, so it is drawn.
"""

from __future__ import annotations

import numpy as np

from mellm_demo.flow import region_masks
from mellm_demo.recognition.crop import GRID, placing, vertical_scale
from mellm_demo.records import CROP_PX, Float32Array, Image
from mellm_demo.training.instruct.motion import grid_points, region_means

FADE_PX = 24.0  # of the crop: outside the corpus' crop motion dies away over such a distance


def flow_in_crop(uvs: Image, landmarks: Float32Array, amplitude_px: float) -> Float32Array:
    """(28, 28, 3) uint8 → (CROP_PX, CROP_PX, 2) px, the strongest region of this face moving by ``amplitude_px``.

    landmarks: (478, 2) px, of the face it is laid over.
    """
    import cv2

    maps = uvs.astype(np.float32) / 255.0
    maps = maps - np.median(maps, axis=(0, 1), keepdims=True)
    maps[..., 1] *= float(vertical_scale(maps[None])[0])
    place = placing(landmarks)  # crop → grid
    at = grid_points(CROP_PX) @ place[:, :2].T + place[:, 2]
    inside = np.clip(at, 0.0, GRID - 1.0)
    where = inside.reshape(CROP_PX, CROP_PX, 2).astype(np.float32)
    flow = cv2.remap(maps[..., :2], where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    scale = float(np.sqrt(abs(np.linalg.det(place[:, :2]))))
    away = np.hypot(*(at - inside).T).reshape(CROP_PX, CROP_PX, 1) / scale
    flow = flow @ np.linalg.inv(place[:, :2] / scale).T.astype(np.float32) * np.exp(-0.5 * (away / FADE_PX) ** 2)
    means = region_means(flow.astype(np.float32), region_masks(landmarks))
    strongest = float(np.hypot(means[:, 0], means[:, 1]).max())
    return np.asarray(flow * (amplitude_px / max(strongest, 1e-6)), np.float32)
