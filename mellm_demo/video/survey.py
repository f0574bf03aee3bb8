"""One pass over the compressed packets of a video: what it is, how long, how whole. Nothing is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import InputError, LimitError
from mellm_demo.settings import Settings
from mellm_demo.video.container import container_name, open_container, packets, video_stream
from mellm_demo.video.sentences import LIBRARY_ERRORS, check_pixels, shown, too_long
from mellm_demo.video.tears import is_torn

PROVEN_LONG = 8  # frames beyond the time limit that prove a clip too long, so that one wrong timestamp does not
HIDDEN_PACKETS = 2  # packets per shown frame at most (alt-ref frames, field pairs)
SPARE_PACKETS = 64  # beyond that, so that very short clips are not refused for theirs
MICROSECONDS = 1_000_000  # libav's AV_TIME_BASE, in which a container's length is counted


@dataclass(frozen=True)
class Survey:
    """What the packets tell about a video that may be read."""

    packets: int
    pts: tuple[int, ...]  # of all packets that will be shown, sorted
    time_base: Fraction  # seconds
    container: str
    codec: str  # libav's name
    has_sound: bool
    pts_are_decoding_times: bool  # shown frames then take them in order
    end_pts: int | None  # from here on, frames of a torn file lack their neighbours
    stated_rate: float | None  # frames/s
    pixel_aspect: float  # width of a stored pixel / its height
    torn: bool


@dataclass(frozen=True)
class _Count:
    packets: int
    pts: list[int]  # sorted
    last_dts: int | None


def survey(path: Path, settings: Settings) -> Survey:
    """Raises InputError for what cannot be used and LimitError for what is certainly too large."""
    with _opened(path, settings) as container:
        stream = _usable_stream(path, container)
        context = stream.codec_context
        check_pixels(context.width, context.height, settings)
        time_base = stream.time_base or Fraction(1, 1000)
        packets_at_most = HIDDEN_PACKETS * settings.max_frames + SPARE_PACKETS
        count = _counted(container, stream, packets_at_most)
        seconds = _proven_seconds(count.pts, time_base, settings.max_seconds)
        if seconds > settings.max_seconds:
            raise too_long(max(seconds, _claimed_seconds(container, stream)), settings)
        if count.packets > packets_at_most:
            raise LimitError(
                f"The clip has {max(stream.frames, count.packets // HIDDEN_PACKETS)} frames or more; "
                f"the limit is {settings.max_frames}. Cut out the part that matters and try again."
            )
        torn = is_torn(path)
        codec = str(context.codec.canonical_name)
        return Survey(
            packets=count.packets,
            pts=tuple(count.pts),
            time_base=time_base,
            container=container_name(path, container),
            codec=codec,
            has_sound=len(container.streams.audio) > 0,
            pts_are_decoding_times=bool(context.has_b_frames) and container.format.name == "avi",
            end_pts=_end_of_whole_part(count, codec) if torn else None,
            stated_rate=_stated_rate(stream),
            pixel_aspect=float(stream.sample_aspect_ratio or 1),
            torn=torn,
        )


def _opened(path: Path, settings: Settings) -> Any:
    import av

    try:
        return open_container(path, settings)
    except (av.error.FFmpegError, *LIBRARY_ERRORS) as error:
        if is_torn(path):
            raise InputError(
                f"“{shown(path.name)}” is torn so early that no frame is left, or its index at the end is missing. "
                "Record or copy it again."
            ) from error
        raise InputError(
            f"“{shown(path.name)}” is not a video that can be read. Give an mp4, mov, webm, avi, mkv or gif file."
        ) from error


def _usable_stream(path: Path, container: Any) -> Any:
    stream = video_stream(container)
    if stream is None:
        raise InputError(
            f"“{shown(path.name)}” holds {'sound only' if container.streams.audio else 'no video'}. "
            "Give a clip with a picture."
        )
    if stream.codec_context is None:
        raise InputError(
            f"The video in “{shown(path.name)}” is of a kind that cannot be decoded. Convert it to H.264 in mp4."
        )
    return stream


def _counted(container: Any, stream: Any, at_most: int) -> _Count:
    """Packets and their times, up to the first one that is more than ``at_most``."""
    total = 0
    pts: list[int] = []
    last_dts: int | None = None
    for packet in packets(container, stream):
        total += not packet.is_discard
        if packet.is_corrupt:
            continue
        last_dts = packet.dts if packet.dts is not None else last_dts
        if packet.pts is not None and not packet.is_discard:
            pts.append(packet.pts)
        if total > at_most:
            break
    return _Count(total, sorted(pts), last_dts)


def _end_of_whole_part(count: _Count, codec: str) -> int | None:
    """The first pts that the tear has spoiled; None where all that can be decoded is whole.

    A GIF's last picture may be half there without any sign of it. Elsewhere it is a matter of holes:

    packets are stored in decoding order, and none is shown before it is decoded. So the lost ones would all have been
    shown after ``last_dts``; the kept ones that are shown later still may lack the frames between.
    """
    pts, last_dts = count.pts, count.last_dts
    if codec == "gif" and pts:
        return pts[-1]
    if last_dts is None or len(pts) < 3:
        return None
    usual = float(np.median(np.diff(pts)))
    tail = (index for index in range(1, len(pts)) if pts[index] > last_dts)
    return next((pts[index] for index in tail if pts[index] - pts[index - 1] > 1.5 * usual), None)


def _proven_seconds(pts: Sequence[int], time_base: Fraction, limit: float) -> float:
    """Length by the timestamps where several of them, not one stray value, lie beyond ``limit``; else 0."""
    if len(pts) < 2:
        return 0.0
    several = min(PROVEN_LONG, len(pts) // 4)
    length = float((pts[-max(1, several)] - pts[several]) * time_base)
    return length if length > limit else 0.0


def _claimed_seconds(container: Any, stream: Any) -> float:
    """What the file says about its length, to be named in a refusal that is justified otherwise."""
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / MICROSECONDS


def _stated_rate(stream: Any) -> float | None:
    """Frames/s by the metadata where they make sense."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 1.0 <= float(rate) <= 1000.0:
            return float(rate)
    return None
