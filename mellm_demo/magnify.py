"""One onset frame and one flow → a loop in which the face moves α times as far, to look at and not to measure.

The onset frame is warped along the flow that was measured once, over the measured course; no other frame is used, so
noise, flicker and drift of the clip are not magnified. Motion below the noise floor is faded to nothing. Each frame
says that it is not real. This module does not know clips, candidates or regions; whoever shows the loop puts the real
apex beside it.

Method: the picture is looked up through the inverse of the forward displacement, found by fixed-point iteration. Where
α × flow is so steep that it would fold the picture over, it is divided into smaller displacements that are followed one
after the other, which never folds, at the price of a little gain.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from mellm_demo.records import Float32Array, FloatArray, Image

FLOW_SMOOTHING = 1.2 / 256  # of the width: takes the pixel noise off the flow that is to be multiplied
FADE_IN = (1.0, 1.6)  # × noise floor: below the first nothing is shown, from the second on all of it
FADE_BLUR = 4.0 / 256  # of the width: no hard seam between what moves and what rests
EDGE = 20 / 256  # of the width: the rim of the picture stays where it is
MAX_GRADIENT = 0.6  # of one displacement; at 1 neighbouring pixels would change places
MAX_STAGES = 24
INVERSE_ITERATIONS = 5  # the error shrinks by MAX_GRADIENT each time; the rest is far below a pixel
NOT_REAL = "amplified × {alpha:g}, not real"
WEBP_QUALITY = 80


def magnified_loop(
    onset_rgb: Image,
    flow: Float32Array,
    course: FloatArray | Sequence[float],
    alpha: float,
    *,
    floor_px: float,
    label: str | None = None,
) -> tuple[Image, ...]:
    """The onset frame moved by α × course × flow, one picture for each value of the course.

    Args:
        onset_rgb: (P, P, 3) uint8, any resolution; the pictures have the same.
        flow: (H, W, 2) onset → apex in px of the measured crop (same framing), head motion removed.
        course: (N,) relative displacement over time: 0 at the onset, 1 at the apex.
        alpha: gain, > 0; 1 shows about the real motion.
        floor_px: noise floor in px of the measured crop; weaker motion is not shown.
        label: what is written into every picture; “amplified × α, not real” where None.

    Returns:
        N pictures (P, P, 3) uint8 RGB. Equal values of the course share one array.

    Raises:
        ValueError: shapes do not fit, or alpha or the course is not finite.
    """
    course = np.asarray(course, np.float64)
    if flow.ndim != 3 or flow.shape[2] != 2 or onset_rgb.ndim != 3 or onset_rgb.shape[2] != 3 or course.ndim != 1:
        raise ValueError(f"expected (P, P, 3), (H, W, 2), (N,); got {onset_rgb.shape}, {flow.shape}, {course.shape}")
    if not np.isfinite(course).all() or not np.isfinite(alpha) or alpha <= 0:
        raise ValueError(f"alpha must be above 0 and the course finite, got alpha {alpha}")
    text = NOT_REAL.format(alpha=alpha) if label is None else label
    field = shown_motion(flow, floor_px)
    times = [float(time) for time in np.round(course * alpha, 3)]
    stages = _stages(field, max(map(abs, times), default=0.0))
    base = np.ascontiguousarray(onset_rgb)
    pictures: dict[float, Image] = {}
    for time in set(times):
        still = time == 0 or not field.any()
        pictures[time] = base.copy() if still else _warp(base, _backward_map(field, time, stages))
        _burn_in(pictures[time], text)
    return tuple(pictures[time] for time in times)


def shown_motion(flow: Float32Array, floor_px: float) -> Float32Array:
    """(H, W, 2) the flow that a loop shows: smoothed a little, nothing below the noise floor, nothing at the rim."""
    import cv2

    height, width = flow.shape[:2]
    smooth = cv2.GaussianBlur(np.ascontiguousarray(flow, np.float32), (0, 0), FLOW_SMOOTHING * width)
    magnitude = np.hypot(smooth[..., 0], smooth[..., 1])
    low, high = FADE_IN[0] * floor_px, max(FADE_IN[1] * floor_px, 1e-6)
    weight = _smoothstep((magnitude - low) / max(high - low, 1e-6))
    # The lesser of the two: the blur softens the border inwards and never lets the noise outside back in.
    weight = np.minimum(weight, _smoothstep(cv2.GaussianBlur(weight, (0, 0), FADE_BLUR * width) * 2.0))
    weight *= _rim(height, EDGE * height)[:, None] * _rim(width, EDGE * width)[None, :]
    return (smooth * weight[..., None]).astype(np.float32)


def _smoothstep(x: Float32Array) -> Float32Array:
    x = np.clip(x, 0.0, 1.0).astype(np.float32)
    return x * x * (3.0 - 2.0 * x)


def _rim(size: int, feather: float) -> Float32Array:
    """(size,) 0 at both ends, 1 from ``feather`` px inwards."""
    distance = np.minimum(np.arange(size), np.arange(size)[::-1])
    return _smoothstep((distance / max(feather, 1.0)).astype(np.float32))


def _stages(field: Float32Array, longest: float) -> int:
    """Into how many equal displacements ``longest × field`` is divided so that none of them folds the picture over."""
    squares = [np.square(np.diff(field, axis=axis)).sum(axis=-1).max() for axis in (0, 1)]
    steepest = float(np.sqrt(sum(squares)))  # not below the steepest slope in any direction
    return int(np.clip(np.ceil(abs(longest) * steepest / MAX_GRADIENT), 1, MAX_STAGES))


def _backward_map(field: Float32Array, time: float, stages: int) -> Float32Array:
    """Where the content of each pixel comes from when the face has moved by ``time × field``: (H, W, 2), field pixels.

    One stage is inverted by fixed-point iteration, y = x - displacement(y), and composed with itself.
    """
    import cv2

    height, width = field.shape[:2]
    grid = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    stage = field * np.float32(time / stages)
    backward = grid - stage
    for _ in range(INVERSE_ITERATIONS):
        backward = grid - cv2.remap(stage, backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    shift = backward - grid
    for _ in range(stages - 1):
        backward = backward + cv2.remap(shift, backward, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return backward


def _warp(image: Image, backward: Float32Array) -> Image:
    """(P, P, 3) looked up at ``backward`` (H, W, 2), which counts in pixels of a coarser grid of the same framing."""
    import cv2

    (height, width), (rows, columns) = image.shape[:2], backward.shape[:2]
    zoom = np.array([width / columns, height / rows], np.float32)
    grid = np.dstack(np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)))
    shift = cv2.resize(backward - grid, (width, height), interpolation=cv2.INTER_LINEAR) * zoom
    x = np.arange(width, dtype=np.float32)[None, :] + shift[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + shift[..., 1]
    return cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _burn_in(image: Image, text: str) -> None:
    """Writes ``text`` on a darkened strip at the bottom, in place; shrunk until it fits."""
    import cv2

    height, width = image.shape[:2]
    font = cv2.FontFace("sans")
    size = max(round(width / 21), 10)
    while size > 8 and cv2.getTextSize((width, height), text, (0, 0), font, size, 600)[2] > 0.94 * width:
        size -= 1
    strip = image[height - round(size * 1.9) :]
    strip[:] = strip // 3
    text_width = cv2.getTextSize((width, height), text, (0, 0), font, size, 600)[2]
    place = (round((width - text_width) / 2), height - round(size * 0.6))
    cv2.putText(image, text, place, (255, 255, 255), font, size, 600)


def to_webp(frames: Sequence[Image], ms_per_frame: float) -> bytes:
    """The loop as an animated WebP that repeats for ever.

    Args:
        frames: pictures (P, P, 3) uint8 RGB, at least one.
        ms_per_frame: how long each is shown; rounded to whole ms, at least 1.
    """
    from PIL import Image as Pillow

    pictures = [Pillow.fromarray(frame) for frame in frames]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=max(round(ms_per_frame), 1),
        loop=0,
        quality=WEBP_QUALITY,
        method=0,  # the quickest; the loop is made while the visitor waits
    )
    return buffer.getvalue()
