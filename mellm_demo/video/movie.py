"""Frames of a video file, decoded in order by libav, without those that are damaged or rest on damaged ones."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mellm_demo.errors import InputError
from mellm_demo.records import Clip, FloatArray, Image
from mellm_demo.settings import Settings
from mellm_demo.video.clock import regularity
from mellm_demo.video.container import decoder_guard, open_container, packets, video_stream
from mellm_demo.video.conversion import FrameConverter, resized
from mellm_demo.video.files import sha256
from mellm_demo.video.sentences import LIBRARY_ERRORS
from mellm_demo.video.survey import HIDDEN_PACKETS, survey

CODEC_NAMES = {
    "h264": "H.264",
    "hevc": "HEVC",
    "vp8": "VP8",
    "vp9": "VP9",
    "av1": "AV1",
    "mjpeg": "MJPEG",
    "gif": "GIF",
    "mpeg4": "MPEG-4 Part 2",
    "mpeg1video": "MPEG-1",
    "mpeg2video": "MPEG-2",
    "prores": "ProRes",
    "dnxhd": "DNxHD",
    "ffv1": "FFV1",
    "png": "PNG",
    "qtrle": "QuickTime Animation",
    "rawvideo": "uncompressed",
    "theora": "Theora",
}
SOME_FRAMES_ARE_HIDDEN = frozenset({"vp8"})  # its alt-ref packets carry a timestamp but show nothing


@dataclass
class _Tally:
    """A count, and how much of it came after the last whole frame."""

    total: int = 0
    at_end: int = 0

    def add(self, count: int) -> None:
        self.total += count
        self.at_end += count


class MovieSource:
    """Frames of the first real video stream of a file of ``size`` bytes; see ``reader.Source``.

    Raises InputError where the file cannot be used and LimitError where it is certainly too large.
    """

    def __init__(self, path: Path, size: int, settings: Settings, rate: float | None) -> None:
        self._path = path
        self._size = size
        self._settings = settings
        self._survey = survey(path, settings)
        self._tick_ms = float(self._survey.time_base * 1000)
        self.expected_frames: int | None = self._survey.packets or None
        self._rate = rate or self._survey.stated_rate or settings.default_frame_rate
        self.step_ms = 1000.0 / self._rate
        self._convert = FrameConverter(settings, self._survey.pixel_aspect)
        self._shape = (0, 0)
        self._rotation = 0
        self._shape_changes = False
        self._errors = _Tally()  # packets that could not be decoded
        self._left_out = _Tally()  # frames

    def close(self) -> None:
        """Nothing is held between calls: the file is open while ``pictures`` runs."""

    def pictures(self) -> Iterator[tuple[float | None, Image]]:
        """Time (ms) and RGB; pictures that differ in size from the first one are scaled to its."""
        for pts, frame in self._whole_frames():
            rgb = self._convert(frame)
            if self._shape == (0, 0):
                self._shape = (rgb.shape[0], rgb.shape[1])
                self._rotation = self._convert.rotation_deg
            elif rgb.shape[:2] != self._shape:
                rgb = resized(rgb, self._shape)
                self._shape_changes = True
            yield None if pts is None else pts * self._tick_ms, rgb

    def _whole_frames(self) -> Iterator[tuple[int | None, Any]]:
        """Whole frames with their pts in ticks; gaps in the expected pts after an error are lost frames."""
        expected = self._survey.pts
        position = 0  # into expected: the frame that should come next
        errors_known = 0
        damaged = False
        started = False
        for frame in self._decoded():
            pts = frame.pts
            if self._survey.pts_are_decoding_times:
                place = position + self._errors.total - errors_known
                pts = expected[place] if place < len(expected) else None
            skipped = 0 if pts is None else bisect_left(expected, pts, position) - position
            position += skipped
            position += position < len(expected) and expected[position] == pts
            lost = self._errors.total > errors_known and (skipped > 0 or pts is None)
            if started and lost and self._survey.codec not in SOME_FRAMES_ARE_HIDDEN:
                self._left_out.add(skipped)
            if lost:
                errors_known = self._errors.total
            damaged = (damaged or (started and lost)) and not frame.key_frame
            if frame.is_corrupt or damaged:
                damaged = True
                self._left_out.add(1)
                continue
            started = True
            if pts is not None and self._survey.end_pts is not None and pts >= self._survey.end_pts:
                return
            self._errors.at_end = self._left_out.at_end = 0
            yield pts, frame

    def _decoded(self) -> Iterator[Any]:
        """Frames as the decoder gives them, those it holds back at the end included; its errors are counted."""
        import av

        with open_container(self._path, self._settings) as container:
            stream = video_stream(container)
            if stream is None:
                return
            stream.thread_type = "AUTO"
            stream.codec_context.options = decoder_guard(self._settings)
            for packet in packets(container, stream):
                if packet.is_corrupt:  # cut off in the middle: what the decoder would make of it is not a picture
                    self._errors.add(1)
                    continue
                try:
                    frames = stream.codec_context.decode(packet)
                except (av.error.FFmpegError, *LIBRARY_ERRORS):
                    self._errors.add(1)
                    continue
                yield from frames
            while True:
                try:
                    yield from stream.codec_context.decode(None)
                    return
                except av.error.EOFError:
                    return
                except (av.error.FFmpegError, *LIBRARY_ERRORS):
                    self._errors.add(1)
                    if self._errors.at_end > self._survey.packets + HIDDEN_PACKETS:
                        return

    def describe(self, times_ms: FloatArray, repeated: int, repaired: int) -> Clip:
        """The record, once all frames were read. Raises InputError for fewer than two."""
        if len(times_ms) < 2:
            raise _too_few(len(times_ms), self._is_torn() or self._left_out.total > 0 or self._errors.total > 0)
        rate, jitter = regularity(times_ms, self._tick_ms)
        return Clip(
            name=self._path.name,
            kind="video",
            container=self._survey.container,
            codec=CODEC_NAMES.get(self._survey.codec, self._survey.codec.upper()),
            width=self._shape[1],
            height=self._shape[0],
            rotation_deg=self._rotation,
            times_ms=times_ms,
            frame_rate=rate,
            interval_jitter=jitter,
            repeated_frames=repeated,
            has_sound=self._survey.has_sound,
            size_bytes=self._size,
            sha256=sha256(self._path),
            warnings=tuple(self._remarks(len(times_ms), times_ms[-1] + 1000 / rate, repaired)),
        )

    def _is_torn(self) -> bool:
        return self._survey.torn or self._errors.at_end > 0 or self._left_out.at_end > 0

    def _remarks(self, count: int, end_ms: float, repaired: int) -> Iterator[str]:
        if self._shape_changes:
            yield "The picture size changes within the clip; all frames were scaled to the first one's."
        yield from self._convert.notes
        if self._is_torn():
            yield f"The file is torn after {end_ms / 1000:.2f} s; the {count} frames before that were kept."
        in_between = self._left_out.total - self._left_out.at_end
        if in_between:
            yield f"The video is damaged; {_frames(in_between)} could not be decoded and were left out."
        if repaired:
            yield (
                f"The timestamps of {_frames(repaired)} were missing or did not rise; "
                f"they were rebuilt from the frame rate of {self._rate:.4g} frames/s."
            )


def _too_few(count: int, broken: bool) -> InputError:
    if broken:
        found = "no whole frame" if count == 0 else "only one whole frame"
        return InputError(f"The video is torn or damaged: {found} can be read. Record or copy it again.")
    if count == 0:
        return InputError("The video holds no frame. Record it again.")
    return InputError("The video holds a single frame, and one picture shows no motion. Give a longer clip.")


def _frames(count: int) -> str:
    return f"{count} frame{'s' * (count != 1)}"
