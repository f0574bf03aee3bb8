"""Pictures of motion as other corpora might have framed them: shifted, scaled, turned, weaker or stronger, noisy."""

from __future__ import annotations

import numpy as np

from mellm_demo.recognition.crop import GRID
from mellm_demo.records import Float32Array, FloatArray

# What other corpora may do to the framing, drawn evenly: px of the grid, shares, degrees; a mean square of 1 is noise
# as strong as the motion.
WARP_SHIFT_PX, WARP_SCALE, WARP_TURN_DEG, WARP_NOISE, WARP_STRENGTH = 1.5, 0.08, 6.0, 0.25, 0.3


def warped(maps: Float32Array, random: np.random.Generator) -> Float32Array:
    """Each picture (N, 28, 28, 3) shifted, scaled, turned (its vectors too), weakened or strengthened, with noise."""
    import cv2

    made = np.empty_like(maps)
    middle = (GRID - 1) / 2.0
    for index, picture in enumerate(maps):
        turn = np.radians(random.uniform(-WARP_TURN_DEG, WARP_TURN_DEG))
        scale = 1.0 + random.uniform(-WARP_SCALE, WARP_SCALE)
        shift = random.uniform(-WARP_SHIFT_PX, WARP_SHIFT_PX, 2)
        seen = moved(picture, turn, scale, middle, shift)
        coarse_noise = random.normal(0.0, 1.0, (GRID // 4, GRID // 4, 3)).astype(np.float32)
        noise = cv2.resize(coarse_noise, (GRID, GRID), interpolation=cv2.INTER_CUBIC)
        made[index] = seen * (1.0 + random.uniform(-WARP_STRENGTH, WARP_STRENGTH)) + WARP_NOISE * noise
    return made


def moved(picture: Float32Array, turn: float, scale: float, middle: float, shift: FloatArray) -> Float32Array:
    """A picture (28, 28, 3) turned by ``turn`` (radians, its vectors too) and scaled about its middle, then shifted."""
    import cv2

    c, s = np.cos(turn), np.sin(turn)
    linear = scale * np.array([[c, -s], [s, c]])
    place = np.c_[linear, middle + shift - linear @ [middle, middle]]
    seen = cv2.warpAffine(picture, place, (GRID, GRID), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    u, v = seen[..., 0].copy(), seen[..., 1].copy()
    seen[..., 0], seen[..., 1] = c * u - s * v, s * u + c * v
    return np.asarray(seen, dtype=np.float32)
