"""Small clips with known content: every picture carries its number, and says which way up it is."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 96, 64
CORNERS = {
    "top left": (220, 30, 30),
    "top right": (30, 200, 30),
    "bottom left": (30, 30, 220),
    "bottom right": (240,) * 3,
}
CELL = 10  # px, one bit of the number
CELLS = 8
CELLS_X, CELLS_Y = 8, 22
CORNER_W, CORNER_H = 16, 14


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """RGB ``(height, width, 3)``: coloured corners, the number as a Gray code, a block that moves 2 px a frame."""
    rgb = np.full((height, width, 3), 110, np.uint8)
    for place, colour in CORNERS.items():
        rows = slice(0, CORNER_H) if "top" in place else slice(height - CORNER_H, height)
        columns = slice(0, CORNER_W) if "left" in place else slice(width - CORNER_W, width)
        rgb[rows, columns] = colour
    gray_code = number ^ (number >> 1)
    for bit in range(CELLS):
        left = CELLS_X + bit * CELL
        rgb[CELLS_Y : CELLS_Y + CELL, left : left + CELL] = 235 if gray_code >> bit & 1 else 20
    left = CORNER_W + 2 + (2 * number) % (width - 2 * CORNER_W - 12)
    rgb[40:46, left : left + 8] = 240
    return rgb


def number_of(rgb: np.ndarray) -> int:
    """The number that ``picture`` drew; the picture may be scaled."""
    y_scale, x_scale = rgb.shape[0] / HEIGHT, rgb.shape[1] / WIDTH
    gray_code = 0
    for bit in range(CELLS):
        x = int((CELLS_X + (bit + 0.5) * CELL) * x_scale)
        y = int((CELLS_Y + CELL / 2) * y_scale)
        gray_code |= int(rgb[y - 1 : y + 2, x - 1 : x + 2].mean() > 128) << bit
    number = 0
    while gray_code:
        number ^= gray_code
        gray_code >>= 1
    return number


def is_upright(rgb: np.ndarray, tolerance: int = 60) -> bool:
    """Are the four corners where they belong, in their colours?"""
    height, width = rgb.shape[:2]
    for place, colour in CORNERS.items():
        y = 2 if "top" in place else height - 8
        x = 2 if "left" in place else width - 8
        if np.abs(rgb[y : y + 6, x : x + 6].mean(axis=(0, 1)) - colour).max() > tolerance:
            return False
    return True


class Pipe(io.RawIOBase):
    """An output that cannot be rewound, as a browser's recorder writes: no duration, no index."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.data += piece
        return len(piece)


@contextmanager
def ordinary_priority() -> Iterator[None]:
    """Undo that SVT-AV1 makes its process a real-time one where it may, as root: whatever that process computes or
    starts afterwards, a browser for one, would keep all others from the processor.
    """
    try:
        yield
    finally:
        if hasattr(os, "sched_setscheduler") and Path("/proc/self/task").is_dir():
            for task in Path("/proc/self/task").iterdir():
                with suppress(ProcessLookupError):
                    os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


def encode(
    path: Path | Pipe,
    codec: str,
    pictures: Sequence[np.ndarray],
    *,
    pix_fmt: str = "yuv420p",
    rate: float | Fraction = 30,
    pts_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    muxer: str | None = None,
    muxer_options: dict[str, str] | None = None,
    sound: bool = False,
    pixel_aspect: Fraction | None = None,
    ten_bit_colours: bool = False,
) -> None:
    """Write ``pictures`` (all of one size), at a steady ``rate`` or at ``pts_ms``."""
    quality = {
        "libx264": {"crf": "18", "preset": "veryfast", "threads": "1"},
        "libx265": {"x265-params": "log-level=none:crf=18:pools=1", "preset": "ultrafast"},
        "libvpx": {"b": "2000000", "deadline": "realtime", "cpu-used": "8"},
        "libvpx-vp9": {"b": "2000000", "deadline": "realtime", "cpu-used": "8"},
        "libsvtav1": {"preset": "12", "crf": "25"},
        "mjpeg": {"qmin": "2", "qmax": "3"},
        "mpeg4": {"qmin": "2", "qmax": "4"},
    }
    target = str(path) if isinstance(path, Path) else path
    with ordinary_priority(), av.open(target, "w", format=muxer, options=muxer_options or {}) as container:
        stream = container.add_stream(
            codec, rate=Fraction(rate).limit_denominator(100_000), options=quality.get(codec, {}) | (options or {})
        )
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if pts_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("libopus" if muxer == "webm" else "aac", rate=48_000) if sound else None
        for index, rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgba" if rgb.shape[2] == 4 else "rgb24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts = index if pts_ms is None else pts_ms[index]
            if pts_ms is not None:
                frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if audio is not None:
            container.mux(_silence(audio, len(pictures) / float(rate)))
            container.mux(audio.encode())


def _silence(audio: av.AudioStream, seconds: float) -> list[av.Packet]:
    samples = 960
    packets: list[av.Packet] = []
    for index in range(math.ceil(seconds * 48_000 / samples)):
        frame = av.AudioFrame(
            format="fltp" if audio.codec_context.name == "aac" else "s16", layout="stereo", samples=samples
        )
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = 48_000
        frame.pts = index * samples
        packets += audio.encode(frame)
    return packets


def with_matrix(mp4: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """The same file with another display matrix in its (only, version 0) track header, ISO/IEC 14496-12 8.3.2."""
    start = mp4.index(b"tkhd") + 4 + 40
    one = 1 << 16
    rows = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    return mp4[:start] + b"".join(value.to_bytes(4, "big", signed=True) for value in rows) + mp4[start + 36 :]
