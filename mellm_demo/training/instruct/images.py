"""Flow + aligned face → the motion map, and the picture of it that the small vision tower sees."""

from __future__ import annotations

from mellm_demo import facs
from mellm_demo.motion_map import at_side, motion_map
from mellm_demo.records import CROP_PX, Float32Array, Image
from mellm_demo.training.instruct.motion import enlarged

TOWER_PX = 224


def map_of(flow: Float32Array, gray: Image, landmarks: Float32Array) -> Image:
    """(n, n, 2) flow as measured, gray crop (CROP_PX, CROP_PX), landmarks (478, 2) → the app's map, RGB."""
    x, y = landmarks[facs.NOSE_TIP]
    return motion_map(enlarged(flow, CROP_PX), gray, (float(x), float(y)))


def tower_image(picture: Image) -> Image:
    """(H, W, 3) RGB map → (224, 224, 3) RGB: what the tower is trained on."""
    return at_side(picture, TOWER_PX)
