"""Pictures as Pillow and libav decode them → upright uint8 RGB with square pixels. It opens no file."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from mellm_demo.records import Image
from mellm_demo.settings import Settings
from mellm_demo.video.sentences import check_pixels

WIDEST_PIXEL = 4.0  # sample aspect ratios beyond this are broken metadata
SQUARE_ENOUGH = 0.005
HD_LINES = 576  # above, untagged colours are BT.709, up to it BT.601, as players do
ROUGHLY_GRAY = 128  # what shows through where a picture is transparent


def rgb_of_picture(picture: Any) -> Image:
    """Any Pillow picture as uint8 RGB ``(H, W, 3)``; 16-bit gray is scaled by its full range, transparency shows gray.

    Raises ValueError for floating-point pictures, besides what Pillow raises.
    """
    if picture.mode.startswith("I") or picture.mode == "F":
        levels = np.asarray(picture)
        if picture.mode == "F":
            raise ValueError("floating-point pictures have no known range")
        gray = ((np.clip(levels, 0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        return _over_gray(np.asarray(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"))


def _over_gray(rgba: Image) -> Image:
    """``(H, W, 4)`` → ``(H, W, 3)``: constant behind the transparent parts, so that they never seem to move."""
    alpha = rgba[..., 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(rgba[..., :3])
    weight = alpha.astype(np.uint16)
    mixed = (rgba[..., :3] * weight + ROUGHLY_GRAY * (255 - weight) + 127) // 255
    return mixed.astype(np.uint8)


class FrameConverter:
    """libav frames → upright uint8 RGB with square pixels. Remembers what is worth saying about them."""

    def __init__(self, settings: Settings, pixel_aspect: float) -> None:
        from av.video.reformatter import VideoReformatter

        self.rotation_deg = 0  # of the last frame
        self.notes: dict[str, None] = {}  # each once, in order
        self._settings = settings
        self._pixel_aspect = pixel_aspect  # width of a stored pixel / its height
        self._scaler = VideoReformatter()

    def __call__(self, frame: Any) -> Image:
        check_pixels(frame.width, frame.height, self._settings)
        has_alpha = any(part.is_alpha for part in frame.format.components)
        colours = _colours(frame)
        converted = self._scaler.reformat(
            frame,
            format="rgba" if has_alpha else "rgb24",
            threads=1,  # the decoder's threads and the landmarks have the cores; more makes it slower
            **_true_shape(frame.width, frame.height, self._pixel_aspect, self._settings),
            **colours,
        )
        pixels = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        rgb: Image = _over_gray(pixels) if has_alpha else pixels
        if "dst_color_trc" in colours:
            self.notes["The clip is HDR; its brightness was mapped to the ordinary range."] = None
        if frame.interlaced_frame:
            self.notes["The video is interlaced; fine motion shows comb patterns and is measured less surely."] = None
        quarter_turns, mirrored = _orientation(frame)
        self.rotation_deg = 90 * quarter_turns
        return _turned(rgb, quarter_turns, mirrored)


def _true_shape(width: int, height: int, pixel_aspect: float, settings: Settings) -> dict[str, int]:
    """Width and height with square pixels where the pixels are not; the shorter side grows, nothing is lost."""
    if not 1 / WIDEST_PIXEL <= pixel_aspect <= WIDEST_PIXEL or abs(pixel_aspect - 1) < SQUARE_ENOUGH:
        return {}
    if pixel_aspect > 1:
        width = round(width * pixel_aspect)
    else:
        height = round(height / pixel_aspect)
    check_pixels(width, height, settings)
    return {"width": width, "height": height}


def _colours(frame: Any) -> dict[str, Any]:
    """What to tell the scaler: the matrix where the file names none, and SDR as the aim for PQ.

    HLG is made to be shown as it is. PQ is not: its darks lie far too high.
    """
    from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

    unspecified = 2  # AVCOL_SPC_UNSPECIFIED
    if frame.color_trc == ColorTrc.SMPTE2084:
        return {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
    if frame.colorspace == unspecified and frame.height > HD_LINES:
        return {"src_colorspace": Colorspace.ITU709}
    return {}


def _orientation(frame: Any) -> tuple[int, bool]:
    """Quarter turns clockwise (0 to 3) that make the frame upright, after a left-right flip if the second is True."""
    from av.sidedata.sidedata import Type

    matrix = next((data for data in frame.side_data if data.type == Type.DISPLAYMATRIX), None)
    if matrix is None:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])
    if a * d - b * c == 0:
        return 0, False
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(float(np.degrees(np.arctan2(b, a))) / 90) % 4, mirrored


def _turned(rgb: Image, quarter_turns: int, mirrored: bool) -> Image:
    import cv2

    if mirrored:
        rgb = cv2.flip(rgb, 1)
    codes = {1: cv2.ROTATE_90_CLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return cv2.rotate(rgb, codes[quarter_turns]) if quarter_turns else rgb


def resized(rgb: Image, shape: tuple[int, int]) -> Image:
    """RGB scaled to ``shape`` (height, width)."""
    import cv2

    return np.asarray(cv2.resize(rgb, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8)
