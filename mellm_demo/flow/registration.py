"""A patch found again in another frame, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mellm_demo.flow.patches import MODEL_NOISE_PX, REGION_MARGIN_PX, RIGID_MARGIN_PX, patch_masks
from mellm_demo.records import CROP_PX, Float32Array, FloatArray, Image

LIGHT_SIGMA_PX = 8.0  # lighting is what is smoother than this
SMOOTH_SIGMA_PX = 1.0  # tames block and sensor noise, and lets bilinear sampling be exact enough
CONTRAST_FLOOR = 4.0  # gray levels: skin with less contrast is not blown up into texture
_CORRELATED_PIXELS = 10.0  # smoothing makes about this many neighbours say the same
_MAX_STEPS = 5
_STEP_DONE_PX = 0.08  # the step after one of this size is finer than noise
_STRAGGLERS = 2  # patches that need not have settled: hair and lids never do
_STEP_LIMIT_PX = 1.5
_SUBPIXEL = 32.0  # cv2.remap samples on a grid of 1/32 px


def normalised(gray: Image) -> Float32Array:
    """``gray`` (H, W) with lighting taken out: smoothed, minus its surroundings, over the local contrast. Float32."""
    import cv2

    image = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), SMOOTH_SIGMA_PX)
    size = 2 * round(LIGHT_SIGMA_PX * 1.5) + 1  # a box of about the same reach, many times faster
    image -= cv2.blur(image, (size, size))
    contrast = cv2.blur(cv2.multiply(image, image), (size, size))
    contrast = cv2.sqrt(contrast) + CONTRAST_FLOOR
    return np.asarray(cv2.divide(image, contrast), dtype=np.float32)


@dataclass(frozen=True)
class Template:
    """A keyframe's patches as lists of pixels, with the gradients that the steps are made of."""

    points: Float32Array  # (N, 2)
    starts: NDArray[np.int64]  # (P,) where each patch begins in the lists
    patch: NDArray[np.int64]  # (N,) which patch a pixel belongs to
    sizes: FloatArray  # (P,)
    value: Float32Array  # (N,)
    gradient: Float32Array  # (2, N) per px
    centres: FloatArray  # (P, 2)


def template_of(image: Float32Array, landmarks: Float32Array) -> Template:
    """The patches of a keyframe. image: ``normalised``; landmarks: (478, 2) px of it."""
    import cv2

    masks = patch_masks(landmarks, image.shape, RIGID_MARGIN_PX, REGION_MARGIN_PX)
    scale = 1.0 / 32.0  # Scharr's kernel sums to 32 per px
    gradient_x = cv2.Scharr(image, cv2.CV_32F, 1, 0, scale=scale)
    gradient_y = cv2.Scharr(image, cv2.CV_32F, 0, 1, scale=scale)
    rows, columns, patch, centres = [], [], [], np.zeros((len(masks), 2))
    for index, mask in enumerate(masks):
        ys, xs = np.nonzero(mask)
        if not ys.size:  # outside the picture: one pixel at the border, which carries no information
            point = np.clip(np.round(landmarks.mean(axis=0)), 0, CROP_PX - 1).astype(np.int64)
            xs, ys = point[:1], point[1:]
        rows.append(ys)
        columns.append(xs)
        patch.append(np.full(ys.size, index))
        centres[index] = xs.mean(), ys.mean()
    ys, xs, of = np.concatenate(rows), np.concatenate(columns), np.concatenate(patch)
    sizes = np.bincount(of, minlength=len(masks)).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    return Template(
        points=np.stack([xs, ys], axis=1).astype(np.float32),
        starts=starts,
        patch=of.astype(np.int64),
        sizes=sizes,
        value=image[ys, xs],
        gradient=np.stack([gradient_x[ys, xs], gradient_y[ys, xs]]),
        centres=centres,
    )


def register(template: Template, image: Float32Array, start: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where every patch lies in ``image``: displacement (P, 2), information (P, 2, 2), likeness (P,) up to 1.

    Gauss-Newton steps on the sum of squared differences with Huber's weights; all patches at once.
    """
    import cv2

    gx, gy = template.gradient
    now = start.copy()
    best = now
    for _ in range(_MAX_STEPS):
        # On the grid that remap samples on, so that the step below starts from where the sample really was taken.
        now = np.round(now * _SUBPIXEL) / _SUBPIXEL
        where = template.points + now.astype(np.float32)[template.patch]
        sample = cv2.remap(
            image, where.reshape(1, -1, 2), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).ravel()
        error = sample - template.value
        spread = np.add.reduceat(np.abs(error), template.starts) / template.sizes
        limit = np.maximum(2.0 * spread, 1e-3).astype(np.float32)[template.patch]
        weight = np.minimum(1.0, limit / np.maximum(np.abs(error), 1e-6))
        wx, wy = weight * gx, weight * gy
        sums = np.add.reduceat(np.stack([wx * gx, wx * gy, wy * gy, wx * error, wy * error]), template.starts, axis=1)
        a, b, c, ex, ey = sums.astype(np.float64)
        ridge = 1e-3 * template.sizes / _CORRELATED_PIXELS + 1e-9
        a, c = a + ridge, c + ridge
        determinant = a * c - b * b
        step = -np.stack([c * ex - b * ey, a * ey - b * ex], axis=1) / determinant[:, None]
        step *= np.minimum(1.0, _STEP_LIMIT_PX / np.maximum(np.hypot(*step.T), 1e-9))[:, None]
        now = best = now + step
        if (np.abs(step).max(axis=1) > _STEP_DONE_PX).sum() <= _STRAGGLERS:
            break
    noise = np.add.reduceat(weight * error * error, template.starts) / template.sizes + 1e-6
    power = np.add.reduceat(template.value**2 + sample**2, template.starts) / template.sizes + 1e-6
    alike = 1.0 - np.add.reduceat(error * error, template.starts) / template.sizes / power
    information = np.stack([np.stack([a, b], axis=-1), np.stack([b, c], axis=-1)], axis=-2)
    information /= (noise * _CORRELATED_PIXELS)[:, None, None]
    # Never surer than the model itself: add its variance to the covariance.
    information = np.linalg.inv(np.linalg.inv(information) + MODEL_NOISE_PX**2 * np.eye(2))
    return best, np.asarray(information, dtype=np.float64), alike.astype(np.float64)
