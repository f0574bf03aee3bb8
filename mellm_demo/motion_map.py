"""Flow + onset frame → the colour picture that MELLM was trained on; its legend; arrows over a face.

The arithmetic of ``motion_map`` is a contract with trained weights: hue is direction, brightness is magnitude relative
to this one picture. So a motionless pair lights up like a moving one, and whoever shows the picture must gate it by
absolute magnitude. This module does not know faces, regions or noise floors.
"""

from __future__ import annotations

import numpy as np

from mellm_demo.facs import DIRECTIONS
from mellm_demo.records import Float32Array, Image

NOSE_BOX_RADIUS_PX = 5  # an 11 × 11 box round the nose tip stands for the head (MELLM)
ANGLE_STEP_DEG = 30.0  # twelve hues (MELLM)

# MELLM's words for the hue of each of facs.DIRECTIONS.
COLOUR_NAMES: dict[str, str] = {
    "right": "red",
    "down-right": "orange-yellow",
    "down": "yellow-green",
    "down-left": "green",
    "left": "cyan",
    "up-left": "blue",
    "up": "purple",
    "up-right": "magenta or pink",
}

LEGEND_OVERSAMPLING = 4  # the wheel is drawn larger and averaged: smooth rim
LEGEND_LABEL_SHARE = 0.22  # of the width, on either side, for the names of the directions
ARROW_GAIN = 8.0  # arrows are this much longer than the motion: 1 px would be a dot
ARROW_STEP_PX = 12  # distance of neighbouring arrows in the measured crop


def motion_map(flow: Float32Array, onset_gray: Image, nose_xy: tuple[float, float] | None) -> Image:
    """MELLM's motion-enhanced colour map, RGB.

    Args:
        flow: (H, W, 2) onset → apex, px, y down, as measured: head motion still in it.
        onset_gray: (H, W) uint8.
        nose_xy: nose tip in the onset frame, px. Where it is None or its box lies outside the picture, no head motion
            is subtracted.

    Returns:
        (H, W, 3) uint8, RGB. The arithmetic of the contract runs in BGR, as it did in training; only the result is
        turned round.

    Raises:
        ValueError: shapes do not fit together, or the flow is not finite.

    Source: arXiv 2505.07007v1, method. Magnitudes are rounded, not cut off, to 8 bit.
    """
    import cv2

    if flow.ndim != 3 or flow.shape[2] != 2 or onset_gray.shape != flow.shape[:2]:
        raise ValueError(f"expected flow (H, W, 2) and gray (H, W), got {flow.shape} and {onset_gray.shape}")
    if not np.isfinite(flow).all():
        raise ValueError("the flow holds values that are not finite")
    colours = _flow_to_bgr(without_nose_motion(flow, nose_xy))
    gray = cv2.cvtColor(np.ascontiguousarray(onset_gray), cv2.COLOR_GRAY2BGR)
    return cv2.cvtColor(cv2.add(gray, colours), cv2.COLOR_BGR2RGB)


def at_side(picture: Image, side: int) -> Image:
    """(H, W, 3) RGB map → (side, side, 3): what an eye of that fixed size is shown, in training and after it.

    By area: motion of a pixel or two must not fall between the samples. A map of that size is returned as it is.
    """
    import cv2

    if picture.shape[:2] == (side, side):
        return picture
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def without_nose_motion(flow: Float32Array, nose_xy: tuple[float, float] | None) -> Float32Array:
    """``flow`` minus its mean in the 11 × 11 box round the nose tip; unchanged where that box is empty."""
    if nose_xy is None or not np.isfinite(nose_xy).all():
        return flow.astype(np.float32)
    height, width = flow.shape[:2]
    x, y = (round(float(value)) for value in nose_xy)
    rows = slice(max(y - NOSE_BOX_RADIUS_PX, 0), max(min(y + NOSE_BOX_RADIUS_PX + 1, height), 0))
    columns = slice(max(x - NOSE_BOX_RADIUS_PX, 0), max(min(x + NOSE_BOX_RADIUS_PX + 1, width), 0))
    box = flow[rows, columns].reshape(-1, 2)
    if not len(box):
        return flow.astype(np.float32)
    return (flow - box.mean(axis=0, dtype=np.float64)).astype(np.float32)


def _flow_to_bgr(flow: Float32Array) -> Image:
    """(H, W, 2) flow → (H, W, 3) BGR: hue from the angle in steps of 30°, brightness from min-max of the magnitude."""
    import cv2

    magnitude, angle = cv2.cartToPolar(
        np.ascontiguousarray(flow[..., 0], np.float32),
        np.ascontiguousarray(flow[..., 1], np.float32),
        angleInDegrees=True,
    )
    degrees = np.rint(angle / ANGLE_STEP_DEG) % 12 * ANGLE_STEP_DEG
    hsv = np.full((*flow.shape[:2], 3), 255, np.uint8)
    hsv[..., 0] = degrees / 2  # OpenCV's 8-bit hue counts in 2°
    hsv[..., 2] = _min_max_8bit(magnitude)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


def _min_max_8bit(magnitude: Float32Array) -> Image:
    """Stretched to 0..255 over the picture; all 0 where every pixel is alike."""
    low, high = float(magnitude.min()), float(magnitude.max())
    if high - low <= np.finfo(np.float32).eps * max(high, 1.0):
        return np.zeros(magnitude.shape, np.uint8)
    return np.rint((magnitude.astype(np.float64) - low) * (255.0 / (high - low))).astype(np.uint8)


def legend(px: int = 220, *, labels: bool = True, dark: bool = False) -> Image:
    """The colour wheel of ``motion_map``, drawn by the same arithmetic.

    Args:
        px: width and height.
        labels: write the eight directions round it.
        dark: the page behind it is dark (only the writing differs).

    Returns:
        (px, px, 4) uint8, RGBA, transparent outside the wheel.
    """
    import cv2

    margin = LEGEND_LABEL_SHARE * px if labels else 1.0
    radius = px / 2 - margin
    size = px * LEGEND_OVERSAMPLING
    axis = (np.arange(size, dtype=np.float32) + 0.5) / LEGEND_OVERSAMPLING - px / 2
    u, v = np.meshgrid(axis, axis)
    outside = np.hypot(u, v) > radius
    scale = np.where(outside, radius / np.maximum(np.hypot(u, v), 1e-6), 1.0).astype(np.float32)
    wheel = cv2.cvtColor(_flow_to_bgr(np.dstack([u * scale, v * scale])), cv2.COLOR_BGR2RGB)
    alpha = np.where(outside, 0, 255).astype(np.uint8)
    drawn = cv2.resize(np.dstack([wheel, alpha]), (px, px), interpolation=cv2.INTER_AREA)
    if labels:
        _write_directions(drawn, radius, (235, 235, 235) if dark else (40, 40, 40))
    return drawn


def _write_directions(rgba: Image, radius: float, colour: tuple[int, int, int]) -> None:
    """Writes the eight names round a wheel, in place. A label grows outwards from the rim."""
    import cv2

    px = rgba.shape[0]
    size = max(round(px * 0.052), 9)
    font = cv2.FontFace("sans")
    ink = np.zeros((px, px, 3), np.uint8)
    for index, name in enumerate(DIRECTIONS):
        angle = np.deg2rad(45.0 * index)
        lines = name.split("-")
        boxes = [cv2.getTextSize((px, px), line, (0, 0), font, size, 500) for line in lines]
        width = max(box[2] for box in boxes)
        height = round(size * 1.05) * len(lines)
        x = px / 2 + np.cos(angle) * (radius + 0.03 * px) + (np.cos(angle) * 1.15).clip(-1, 1) * width / 2
        y = px / 2 + np.sin(angle) * (radius + 0.03 * px) + (np.sin(angle) * 1.15).clip(-1, 1) * height / 2
        for row, (line, box) in enumerate(zip(lines, boxes, strict=True)):
            baseline = y - height / 2 + round(size * 1.05) * row + size * 0.86
            cv2.putText(ink, line, (round(x - box[2] / 2), round(baseline)), (255, 255, 255), font, size, 500)
    cover = ink[..., 0]
    rgba[..., :3] = np.where(cover[..., None] > rgba[..., 3:], np.array(colour, np.uint8), rgba[..., :3])
    np.maximum(rgba[..., 3], cover, out=rgba[..., 3])


def arrows(
    image_rgb: Image,
    residual: Float32Array,
    floor_px: float,
    *,
    step: int = ARROW_STEP_PX,
    gain: float = ARROW_GAIN,
) -> Image:
    """Arrows over a face where it moved by more than the noise floor; their gain is written into the picture.

    Args:
        image_rgb: (P, P, 3) uint8, the same framing as ``residual``, any resolution.
        residual: (H, W, 2) flow in px of the measured crop, head motion removed.
        floor_px: no arrow for less, px of the measured crop.
        step: distance of neighbouring arrows, px of the measured crop.
        gain: length of an arrow / length of the motion.

    Returns:
        (P, P, 3) uint8 RGB, a new picture.
    """
    import cv2

    drawn = np.ascontiguousarray(image_rgb).copy()
    height, width = residual.shape[:2]
    zoom = drawn.shape[1] / width
    smooth = cv2.GaussianBlur(np.ascontiguousarray(residual, np.float32), (0, 0), step / 4)
    thick = max(round(drawn.shape[1] / 320), 1)
    strokes = []
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            u, v = (float(value) for value in smooth[y, x])
            if np.hypot(u, v) > floor_px:
                strokes.append((x * zoom, y * zoom, (x + u * gain) * zoom, (y + v * gain) * zoom))
    for colour, extra in (((20, 20, 20), 2 * thick), ((255, 255, 255), 0)):
        for stroke in strokes:
            _arrow(drawn, stroke, colour, thick + extra, head=5.0 * thick)
    if strokes:
        _caption(drawn, f"arrows × {gain:g}")
    return drawn


def _arrow(
    image: Image,
    stroke: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    thickness: int,
    *,
    head: float,
) -> None:
    """One antialiased arrow, in place; its head has the same size for every length, so that short ones stay legible."""
    import cv2

    x0, y0, x1, y1 = stroke
    length = float(np.hypot(x1 - x0, y1 - y0))
    fraction = 16.0  # cv2 takes 1/16 px with shift=4
    start = (round(x0 * fraction), round(y0 * fraction))
    end = (round(x1 * fraction), round(y1 * fraction))
    cv2.arrowedLine(image, start, end, colour, thickness, cv2.LINE_AA, 4, min(head / max(length, 1e-6), 0.6))


def _caption(image: Image, text: str) -> None:
    """Writes light text on a dark rim at the lower left, in place."""
    import cv2

    size = max(round(image.shape[1] / 26), 11)
    font = cv2.FontFace("sans")
    place = (round(size * 0.6), image.shape[0] - round(size * 0.7))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        cv2.putText(image, text, (place[0] + dx, place[1] + dy), (20, 20, 20), font, size, 600)
    cv2.putText(image, text, place, (255, 255, 255), font, size, 600)
