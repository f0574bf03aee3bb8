"""Source → upright RGB frames with true timestamps, within limits: the only decoder of the house.

Reads videos (libav, through PyAV), folders and zips of pictures, and onset/apex pairs (Pillow). Nothing is written to
disk, nothing is logged, no other file is opened and no network is asked. What the metadata claim is used for early
refusals and for progress only: frames are decoded in order and counted as they come.
It knows nothing about faces.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import queue
import re
import stat
import struct
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Literal, Protocol

import numpy as np

from mellm_demo.errors import InputError, LimitError, MellmError
from mellm_demo.records import Clip, FloatArray, Frame, Image
from mellm_demo.settings import Settings

QUEUE_FRAMES = 4  # decoded ahead of the consumer: enough to overlap the two, 100 MB at 4K
HASH_BLOCK = 1 << 20
MEGABYTE = 1_000_000

FASTEST_RATE = 10_000.0  # frames/s; beyond this a stated rate is a mistake
SLOWEST_RATE = 0.1

# Demuxers that may be used. Playlists and scripts (HLS, concat, SDP, image patterns) make libav open further files or
# hosts, so they stay out; the sound-only ones are in so that such a file can be told apart from rubbish.
DEMUXERS = "mov,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,wav,flac,mp3"
CONTAINER_NAMES = {
    "avi": "AVI",
    "gif": "GIF",
    "mpegts": "MPEG-TS",
    "mpeg": "MPEG-PS",
    "flv": "FLV",
    "ogg": "Ogg",
    "asf": "ASF (WMV)",
    "mxf": "MXF",
}
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

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
PICTURE_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv", ".3gp"}
)
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})

BYTES_PER_PIXEL_AT_MOST = 8  # 16-bit RGBA, uncompressed: no honest picture within the pixel limit unpacks to more
PICTURE_OVERHEAD = 4 * MEGABYTE  # headers, thumbnails, colour profiles
UNPACKED_AT_MOST = 20  # times the upload limit, over all members of a zip
RATIO_AT_MOST = 200  # unpacked : packed of one member; deflate itself ends at 1032, photographs stay below 10
RATIO_MATTERS_FROM = 8 * MEGABYTE  # a small plain picture packs that well honestly
ENTRY_BYTES = 512  # central directory bytes that one honest entry takes at most

WIDEST_PIXEL = 4.0  # sample aspect ratios beyond this are broken metadata
SQUARE_ENOUGH = 0.005
HD_LINES = 576  # above, untagged colours are BT.709, up to it BT.601, as players do
ROUGHLY_GRAY = 128  # what shows through where a picture is transparent
PROVEN_LONG = 8  # frames beyond the time limit that prove a clip too long, so that one wrong timestamp does not
HIDDEN_PACKETS = 2  # packets per shown frame at most (alt-ref frames, field pairs)

_LIBRARY_ERRORS: tuple[type[Exception], ...] = (  # what the libraries let through when a file is broken
    OSError,
    ValueError,
    ArithmeticError,
    EOFError,
    MemoryError,
    LookupError,
    TypeError,
    SyntaxError,
    AttributeError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)

Stamped = tuple[float | None, Image]  # time in ms as the source tells it (None: it does not), RGB (H, W, 3)


# ---------------------------------------------------------------------------------------------- what others use


def describe_limits(settings: Settings) -> str:
    """The limits in one sentence, to be shown before an upload."""
    return (
        f"Up to {settings.max_upload_mb:g} MB, {settings.max_seconds:g} s, {settings.max_frames} frames "
        f"and {settings.max_pixels / 1e6:.1f} megapixels a frame."
    )


def open_clip(
    source: str | Path | Sequence[str | Path], settings: Settings, *, frame_rate: float | None = None
) -> ClipReader:
    """Open a video, a folder or zip of frames, a list of frames, or a list of two pictures (onset, apex).

    ``frame_rate`` (frames/s) is the rate of frames that carry no time of their own: pictures, and videos without
    timestamps. A video's timestamps are never overruled by it. Frames are sorted naturally by name (img2 before
    img10); a pair keeps its order. Frames come upright: ``Clip.rotation_deg`` is how far they were turned clockwise.

    Raises InputError where the source cannot be used and LimitError where it is refused for its size; both may also
    come later, while reading.
    """
    if frame_rate is not None and not SLOWEST_RATE <= frame_rate <= FASTEST_RATE:
        raise InputError(
            f"A frame rate of {frame_rate:g} frames/s does not make sense. Give one from 1 to 1000 frames/s."
        )
    try:
        return ClipReader(_find_source(source, settings, frame_rate), settings)
    except MellmError:
        raise
    except _LIBRARY_ERRORS as error:
        raise _unreadable(error) from error


class ClipReader:
    """Iterator over the frames of one clip and, once they are all read, its record; a context manager.

    Decoding runs ahead in a thread of its own by ``QUEUE_FRAMES`` frames. Leaving the context (or ``close``) stops the
    thread and releases the files at any time. What goes wrong in the thread is raised here, from ``next``.
    """

    def __init__(self, source: _Source, settings: Settings) -> None:
        self.expected_frames: int | None = source.expected_frames  # a hint for progress bars, nothing else
        self._source = source
        self._settings = settings
        self._frames: queue.Queue[Frame | Clip | BaseException] = queue.Queue(QUEUE_FRAMES)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._clip: Clip | None = None
        self._closed = False
        weakref.finalize(self, self._stop.set)  # a forgotten reader does not keep its thread waiting

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> ClipReader:
        return self

    def __next__(self) -> Frame:
        if self._closed:
            raise StopIteration
        if self._thread is None:
            self._thread = threading.Thread(
                target=_decode_into,
                args=(self._source, self._settings, self._frames, self._stop),
                name="decoder",
                daemon=True,
            )
            self._thread.start()
        item = self._wait()
        if item is None:
            raise StopIteration
        if isinstance(item, Frame):
            return item
        self.close()
        if isinstance(item, BaseException):
            raise item
        self._clip = item
        raise StopIteration

    def _wait(self) -> Frame | Clip | BaseException | None:
        """The next thing from the thread, None where somebody closed the reader meanwhile."""
        while not self._closed:
            with contextlib.suppress(queue.Empty):
                return self._frames.get(timeout=0.5)
        return None

    @property
    def clip(self) -> Clip:
        """The record of what was read. Raises RuntimeError before the last frame was taken."""
        if self._clip is None:
            raise RuntimeError("The record of a clip exists once all of its frames have been read.")
        return self._clip

    def close(self) -> None:
        """Stop decoding and release the files; harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        self._stop.set()
        if self._thread is None:
            self._source.close()
            return
        while self._thread.is_alive():  # make room, so that a waiting thread sees the flag
            with contextlib.suppress(queue.Empty):
                self._frames.get_nowait()
            self._thread.join(0.01)


# ---------------------------------------------------------------------------------------------- the decoding thread


class _Source(Protocol):
    """Something that yields pictures with their raw times and knows what it is."""

    expected_frames: int | None
    step_ms: float  # to go by where a time is missing

    def pictures(self) -> Iterator[Stamped]: ...

    def describe(self, times_ms: FloatArray, repeated: int, repaired: int) -> Clip: ...

    def close(self) -> None: ...


def _decode_into(
    source: _Source, settings: Settings, out: queue.Queue[Frame | Clip | BaseException], stop: threading.Event
) -> None:
    """Put every frame and then the Clip, or the exception that ended it; give up when ``stop`` is set."""
    try:
        for item in _frames_then_clip(source, settings):
            if not _put(out, item, stop):
                return
    except MellmError as error:
        _put(out, error, stop)
    except _LIBRARY_ERRORS as error:
        told = _unreadable(error)
        told.__cause__ = error
        _put(out, told, stop)
    except BaseException as error:  # must reach the consumer, or it would wait for ever
        _put(out, error, stop)
    finally:
        source.close()


def _frames_then_clip(source: _Source, settings: Settings) -> Iterator[Frame | Clip]:
    clock = _Clock(source.step_ms, longest_gap_ms=settings.max_seconds * 1000)
    times: list[float] = []
    repeated = 0
    previous: Image | None = None
    for raw_ms, rgb in source.pictures():
        if len(times) >= settings.max_frames:
            raise LimitError(
                f"The clip has more than {settings.max_frames} frames, which is the limit. "
                "Cut out the part that matters and try again."
            )
        time_ms = clock.place(raw_ms)
        if time_ms > settings.max_seconds * 1000:
            raise _too_long(time_ms / 1000, settings)
        repeated += previous is not None and _identical(previous, rgb)
        previous = rgb
        times.append(time_ms)
        yield Frame(index=len(times) - 1, time_ms=time_ms, rgb=rgb)
    yield source.describe(np.asarray(times, dtype=np.float64), repeated, clock.repaired)


def _put(out: queue.Queue[Any], item: object, stop: threading.Event) -> bool:
    """True when ``item`` was taken, False when the consumer has gone."""
    while not stop.is_set():
        with contextlib.suppress(queue.Full):
            out.put(item, timeout=0.1)
            return True
    return False


class _Clock:
    """Turns raw times into strictly rising ones that start at 0, leaving good ones as they are.

    A time that is missing is one step after the one before; a single one that is doubled or slightly early is half
    a step after it, so that the next one still fits. One that falls far back, does not rise again, or jumps further
    than any allowed clip is long, is a break: the frame goes one step on, and the following ones keep their distance
    from it until the raw times make sense again by themselves.
    """

    def __init__(self, step_ms: float, longest_gap_ms: float) -> None:
        self.repaired = 0
        self._step = step_ms
        self._longest_gap = longest_gap_ms
        self._first: float | None = None
        self._last: float | None = None
        self._shift = 0.0
        self._was_early = False

    def place(self, raw_ms: float | None) -> float:
        if raw_ms is not None and not np.isfinite(raw_ms):
            raw_ms = None
        if raw_ms is not None and self._first is None:
            self._first = raw_ms - (0.0 if self._last is None else self._last + self._step)
        self._last = self._next(None if raw_ms is None or self._first is None else raw_ms - self._first)
        return self._last

    def _next(self, time: float | None) -> float:
        last = self._last
        if last is None:
            self.repaired += time is None
            return 0.0
        if time is not None:
            for shift in (0.0, self._shift):
                if last < time + shift <= last + self._longest_gap:
                    self._shift = shift
                    self._was_early = False
                    return time + shift
        self.repaired += 1
        if time is None:
            return last + self._step
        if not self._was_early and last - 2 * self._step < time + self._shift <= last:
            self._was_early = True
            return last + self._step / 2
        self._shift = last + self._step - time
        return last + self._step


def _identical(a: Image, b: Image) -> bool:
    """True where two pictures agree in every bit; a look at a few pixels settles nearly all cases."""
    if a.shape != b.shape or not np.array_equal(a[::61, ::61], b[::61, ::61]):
        return False
    return all(np.array_equal(a[row : row + 64], b[row : row + 64]) for row in range(0, len(a), 64))


def regularity(times_ms: FloatArray, tick_ms: float = 0.0) -> tuple[float, float]:
    """Frame rate (frames/s) and jitter of strictly rising times ``(T,)`` in ms; (0, 0) for fewer than two.

    The rate is that of the median interval, refined by the mean of the intervals within one tick of it: containers
    that count whole milliseconds write 60 frames/s as 17, 16, 17 ms. The jitter is the mean deviation from that
    interval, as a share of it, where deviations within a tick count nothing and none counts for more than one
    interval: dropped frames show, one long pause does not drown everything.
    """
    if len(times_ms) < 2:
        return 0.0, 0.0
    intervals = np.diff(times_ms)
    middle = float(np.median(intervals))
    slack = tick_ms * 1.001 + 1e-6
    near = intervals[np.abs(intervals - middle) <= slack]
    period = float(near.mean()) if len(near) else middle
    deviation = np.abs(intervals - period)
    deviation[deviation <= slack] = 0.0
    return round(1000.0 / period, 6), float(np.minimum(deviation, period).mean() / period)


# ---------------------------------------------------------------------------------------------- which source is it


def _find_source(source: str | Path | Sequence[str | Path], settings: Settings, rate: float | None) -> _Source:
    if isinstance(source, str | Path):
        return _find_single(Path(source), settings, rate)
    paths = [Path(item) for item in source]
    if not paths:
        raise InputError("No file was given. Give a video, a zip or folder of frames, or two pictures.")
    if len(paths) == 1:
        return _find_single(paths[0], settings, rate)
    for path in paths:
        _check_file(path)
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            raise InputError(
                f"“{_shown(path.name)}” is not a picture, and several files are taken as pictures. "
                "Give one video alone, two pictures, or frames as png, jpg, bmp, tif or webp."
            )
    if len(paths) == 2:
        return _pair(paths, settings, rate)
    paths.sort(key=lambda path: _natural(path.name))
    name = f"{paths[0].name} … {paths[-1].name}"
    return _PictureSource("frames", name, "files", [_from_file(path) for path in paths], settings, rate)


def _find_single(path: Path, settings: Settings, rate: float | None) -> _Source:
    if path.is_dir():
        return _folder(path, settings, rate)
    size = _check_file(path)
    if size > settings.max_upload_mb * MEGABYTE:
        raise _too_large(size, settings)
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or path.suffix.lower() == ".zip":
        return _zip(path, size, settings, rate)
    if _is_picture(head):
        raise InputError(
            f"“{_shown(path.name)}” is a single picture, and one picture shows no motion. "
            "Give a clip, or two pictures: onset and apex."
        )
    return _VideoSource(path.absolute(), size, settings, rate)


def _check_file(path: Path) -> int:
    """Size in bytes of a regular file that is not empty."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        raise InputError(f"There is no file “{_shown(path.name)}”. Check its name and where it lies.") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"“{_shown(path.name)}” is not a file that can be read. Give a video, a zip or pictures.")
    if found.st_size == 0:
        raise InputError(f"“{_shown(path.name)}” is empty (0 bytes). Record or copy it again.")
    if not os.access(path, os.R_OK):
        raise InputError(f"“{_shown(path.name)}” may not be read. Change its permissions and try again.")
    return found.st_size


def _is_picture(head: bytes) -> bool:
    """By the first bytes; GIF is a video here."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")):
        return True
    return (head[:2] == b"BM" and head[6:10] == bytes(4)) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


# ---------------------------------------------------------------------------------------------- pictures


@dataclass(frozen=True)
class _Picture:
    """One still picture of a sequence, not read yet."""

    name: str
    read: Callable[[int], bytes]  # at most so many bytes, and one more where it is larger


class _PictureSource:
    """Frames from still pictures, read into memory one at a time."""

    def __init__(
        self,
        kind: Literal["frames", "pair"],
        name: str,
        container: str,
        pictures: Sequence[_Picture],
        settings: Settings,
        rate: float | None,
        *,
        size: int | None = None,
    ) -> None:
        if len(pictures) < 2:
            raise InputError(
                f"“{_shown(name)}” holds {len(pictures) or 'no'} picture{'s' * (not pictures)}; "
                "at least two are needed to see motion. Give all frames of the clip."
            )
        used = rate if rate is not None else settings.default_frame_rate
        if len(pictures) > settings.max_frames:
            raise LimitError(
                f"There are {len(pictures)} frames; the limit is {settings.max_frames}. "
                "Keep the part that matters and try again."
            )
        if (len(pictures) - 1) / used > settings.max_seconds:
            raise _too_long((len(pictures) - 1) / used, settings)
        self.expected_frames: int | None = len(pictures)
        self.step_ms = 1000.0 / used
        self._kind = kind
        self._name = name
        self._container = container
        self._pictures = pictures
        self._settings = settings
        self._rate = used
        self._size = size  # of the archive; None: the pictures lie open
        self.warnings = [] if rate is not None else [_assumed(kind, used)]
        self._formats: dict[str, None] = {}  # in order of appearance
        self._shape = (0, 0)
        self._read_bytes = 0
        self._hash = hashlib.sha256()
        self.digest: Callable[[], str] = self._hash.hexdigest  # an archive has its own
        self.release: Callable[[], None] = lambda: None  # an archive stays open until then

    def pictures(self) -> Iterator[Stamped]:
        budget = self._settings.max_upload_mb * MEGABYTE * (1 if self._size is None else UNPACKED_AT_MOST)
        one = self._settings.max_pixels * BYTES_PER_PIXEL_AT_MOST + PICTURE_OVERHEAD
        for index, picture in enumerate(self._pictures):
            data = picture.read(one)
            self._read_bytes += len(data)
            if len(data) > one:
                raise LimitError(
                    f"“{_shown(picture.name)}” is larger than {one / 1e6:.0f} MB, more than any picture within the "
                    "limits. Check the file."
                )
            if self._read_bytes > budget:
                raise LimitError(
                    f"The pictures take more than {budget / 1e6:.0f} MB; that is the limit. Give fewer or smaller ones."
                )
            self._hash.update(picture.name.encode("utf-8", "replace") + b"\0" + struct.pack("<Q", len(data)))
            self._hash.update(data)
            rgb, file_format = _decode_picture(picture.name, data, self._settings)
            self._formats[file_format] = None
            self._check_shape(picture.name, rgb.shape[:2])
            yield index * 1000.0 / self._rate, rgb

    def _check_shape(self, name: str, shape: tuple[int, int]) -> None:
        if self._shape == (0, 0):
            self._shape = shape
        if shape != self._shape:
            (height, width), (first_height, first_width) = shape, self._shape
            raise InputError(
                f"The pictures differ in size: “{_shown(name)}” has {width} × {height} pixels, the ones before it "
                f"{first_width} × {first_height}. Give frames of one recording, uncropped."
            )

    def describe(self, times_ms: FloatArray, repeated: int, repaired: int) -> Clip:
        rate, jitter = regularity(times_ms)
        return Clip(
            name=self._name,
            kind=self._kind,
            container=self._container,
            codec=", ".join(self._formats),
            width=self._shape[1],
            height=self._shape[0],
            rotation_deg=0,
            times_ms=times_ms,
            frame_rate=rate,
            interval_jitter=jitter,
            repeated_frames=repeated,
            has_sound=False,
            size_bytes=self._read_bytes if self._size is None else self._size,
            sha256=self.digest(),
            warnings=tuple(self.warnings),
        )

    def close(self) -> None:
        self.release()


def _assumed(kind: Literal["frames", "pair"], rate: float) -> str:
    if kind == "pair":
        return (
            f"The time between the two pictures is not known; {1000 / rate:.0f} ms was assumed, "
            "so nothing about durations follows from it."
        )
    return f"No frame rate was given; {rate:g} frames/s was assumed, and all times follow from it."


def _pair(paths: Sequence[Path], settings: Settings, rate: float | None) -> _PictureSource:
    name = " + ".join(path.name for path in paths)
    return _PictureSource("pair", name, "image pair", [_from_file(path) for path in paths], settings, rate)


def _from_file(path: Path) -> _Picture:
    def read(at_most: int) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(at_most + 1)
        except OSError as error:
            raise InputError(f"“{_shown(path.name)}” cannot be read. Check that it is still there.") from error

    return _Picture(path.name, read)


def _decode_picture(name: str, data: bytes, settings: Settings) -> tuple[Image, str]:
    """RGB ``(H, W, 3)``, upright, and the name of the file format. Raises InputError or LimitError."""
    import warnings

    from PIL import Image as PillowImage
    from PIL import ImageOps

    failure = f"“{_shown(name)}” is not a readable picture. Save it again as PNG or JPEG, or leave it out."
    try:
        with warnings.catch_warnings():  # Pillow's own size warning; the limit below is stricter
            warnings.simplefilter("ignore")
            with PillowImage.open(io.BytesIO(data), formats=PICTURE_FORMATS) as picture:
                _check_pixels(picture.width, picture.height, settings)
                picture.load()
                file_format = picture.format or "picture"
                return _to_rgb(ImageOps.exif_transpose(picture)), file_format
    except MellmError:
        raise
    except PillowImage.DecompressionBombError as error:
        raise LimitError(
            f"“{_shown(name)}” has more pixels than the {settings.max_pixels / 1e6:.1f} megapixels allowed. "
            "Scale it down."
        ) from error
    except _LIBRARY_ERRORS as error:
        raise InputError(failure) from error


def _to_rgb(picture: Any) -> Image:
    """Any Pillow picture as uint8 RGB; 16-bit gray is scaled by its full range, transparency shows gray."""
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


# ---------------------------------------------------------------------------------------------- folders and zips


def _folder(path: Path, settings: Settings, rate: float | None) -> _PictureSource:
    names = [entry for entry in sorted(path.iterdir()) if not _is_litter(entry.name)]
    files = [entry for entry in names if entry.is_file()]
    folders = [entry for entry in names if entry.is_dir()]
    if not any(entry.suffix.lower() in PICTURE_SUFFIXES for entry in files) and len(folders) == 1:
        files += [entry for entry in folders[0].iterdir() if entry.is_file() and not _is_litter(entry.name)]
    chosen = {str(entry): entry for entry in files}
    kept, warnings = _choose([(key, entry.name) for key, entry in chosen.items()], "folder")
    source = _PictureSource(
        "frames", path.resolve().name, "folder", [_from_file(chosen[key]) for key in kept], settings, rate
    )
    source.warnings += warnings
    size = sum(chosen[key].stat().st_size for key in kept)
    if size > settings.max_upload_mb * MEGABYTE:
        raise _too_large(size, settings)
    return source


def _zip(path: Path, size: int, settings: Settings, rate: float | None) -> _PictureSource:
    entries_at_most = 2 * settings.max_frames + 1000  # macOS writes a second entry for each file
    with contextlib.ExitStack() as held:
        archive = _open_zip(path, entries_at_most, held)
        pictures, warnings = _zipped_pictures(archive, entries_at_most)
        source = _PictureSource("frames", path.name, "ZIP", pictures, settings, rate, size=size)
        source.warnings += warnings
        source.digest = lambda: _sha256(path)
        source.release = held.pop_all().close
        return source


def _zipped_pictures(archive: zipfile.ZipFile, entries_at_most: int) -> tuple[list[_Picture], list[str]]:
    """The frames in order and what to say about the rest. Raises InputError for what no honest archive holds."""
    entries = archive.infolist()
    if len(entries) > entries_at_most:
        raise LimitError(
            f"The archive has {len(entries)} entries; the limit is {entries_at_most}. "
            "Give an archive with the frames of one clip only."
        )
    files = [entry for entry in entries if not entry.is_dir()]
    members = {entry.filename.replace("\\", "/"): entry for entry in files}
    if len(members) < len(files):
        raise InputError("The archive holds the same file name twice. Pack the frames again, each once.")
    for name, entry in members.items():
        _check_member(name, entry)
    visible = [name for name in members if not any(_is_litter(part) for part in PurePosixPath(name).parts)]
    if len({PurePosixPath(name).parent for name in visible if _suffix(name) in PICTURE_SUFFIXES}) > 1:
        raise InputError(
            "The archive holds pictures in several folders. Give one archive per clip, its frames in one folder."
        )
    kept, warnings = _choose([(name, PurePosixPath(name).name) for name in visible], "archive")
    return [_from_zip(archive, members[name], PurePosixPath(name).name) for name in kept], warnings


class _CautiousFile(io.FileIO):
    """A file that refuses to be read in huge pieces: the size of a zip's directory is the uploader's to claim."""

    piece_at_most: int = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.piece_at_most:
            raise LimitError("The archive's table of contents is too large. Give the frames of one clip only.")
        return super().read(-1 if size is None else size) or b""


def _open_zip(path: Path, entries_at_most: int, held: contextlib.ExitStack) -> zipfile.ZipFile:
    file = held.enter_context(_CautiousFile(path))
    file.piece_at_most = max(entries_at_most * ENTRY_BYTES, HASH_BLOCK)
    try:
        return held.enter_context(zipfile.ZipFile(file))
    except MellmError:
        raise
    except _LIBRARY_ERRORS as error:
        raise InputError(
            f"“{_shown(path.name)}” is not a whole zip archive. Pack it again, or copy it again if it was cut short."
        ) from error


def _check_member(name: str, info: zipfile.ZipInfo) -> None:
    """Refuse what no honest archive of frames holds. Nothing is ever unpacked to disk all the same."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise InputError(
            f"The archive holds a name that points outside of it (“{_shown(name)}”). Pack the frames again."
        )
    if info.flag_bits & 0x1:
        raise InputError("The archive is encrypted. Pack the frames without a password.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise InputError(f"The archive holds a link (“{_shown(name)}”) in place of a file. Pack the files themselves.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError("The archive is packed by an unusual method. Pack the frames as a plain zip.")


def _from_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> _Picture:
    def read(at_most: int) -> bytes:
        pieces: list[bytes] = []
        total = 0
        try:
            with archive.open(info) as member:
                while total <= at_most and (piece := member.read(min(HASH_BLOCK, at_most + 1 - total))):
                    pieces.append(piece)
                    total += len(piece)
                    if total > max(RATIO_MATTERS_FROM, RATIO_AT_MOST * info.compress_size):
                        raise LimitError(
                            f"“{_shown(name)}” unpacks to more than {RATIO_AT_MOST} times its packed size, "
                            "as no photograph does. Check the archive."
                        )
        except MellmError:
            raise
        except _LIBRARY_ERRORS as error:
            raise InputError(f"“{_shown(name)}” in the archive is damaged. Pack the frames again.") from error
        return b"".join(pieces)

    return _Picture(name, read)


def _choose(names: Iterable[tuple[str, str]], place: str) -> tuple[list[str], list[str]]:
    """Keys of the pictures among (key, file name), in natural order, and what to say about the rest."""
    listed = list(names)
    pictures = [(key, name) for key, name in listed if _suffix(name) in PICTURE_SUFFIXES]
    others = [name for _, name in listed if _suffix(name) not in PICTURE_SUFFIXES]
    nested = [name for name in others if _suffix(name) in ARCHIVE_SUFFIXES]
    videos = [name for name in others if _suffix(name) in VIDEO_SUFFIXES]
    if nested:
        raise InputError(
            f"The {place} holds another archive (“{_shown(nested[0])}”). Put the frames themselves into one {place}."
        )
    if videos and not pictures:
        which = f"a video (“{_shown(videos[0])}”)" if len(videos) == 1 else f"{len(videos)} videos"
        raise InputError(f"The {place} holds {which} and no frames. Upload the video itself.")
    if not pictures:
        raise InputError(f"The {place} holds no pictures. Give frames as png, jpg, bmp, tif or webp.")
    ignored = [f"{len(others)} other file{'s were' if len(others) > 1 else ' was'} ignored."] if others else []
    return [key for key, name in sorted(pictures, key=lambda item: _natural(item[1]))], ignored


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which img2 comes before img10."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(0, int(piece), "") if piece.isascii() and piece.isdigit() else (1, 0, piece) for piece in pieces], name


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_litter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in LITTER


# ---------------------------------------------------------------------------------------------- videos


@dataclass(frozen=True)
class _Survey:
    """What one pass over the compressed packets tells, nothing decoded."""

    packets: int
    pts: tuple[int, ...]  # of all packets that will be shown, sorted
    time_base: Fraction
    container: str
    codec: str
    has_sound: bool
    has_reordered_frames: bool
    has_presentation_times: bool
    end_pts: int | None  # from here on, frames of a torn file lack their neighbours
    stated_rate: float | None
    pixel_aspect: float  # width of a stored pixel / its height
    torn: bool


class _VideoSource:
    """Frames of the first real video stream of a file."""

    def __init__(self, path: Path, size: int, settings: Settings, rate: float | None) -> None:
        self._path = path
        self._size = size
        self._settings = settings
        self._survey = _survey(path, settings)
        self.expected_frames: int | None = self._survey.packets or None
        self._rate = rate or self._survey.stated_rate or settings.default_frame_rate
        self.step_ms = 1000.0 / self._rate
        self._shape = (0, 0)
        self._rotation = 0
        self._errors = 0  # packets that could not be decoded
        self._errors_at_end = 0  # of these, since the last frame
        self._left_out = 0
        self._left_out_at_end = 0  # of these, since the last frame
        self._notes: dict[str, None] = {}  # each once, in order

    def close(self) -> None:
        """Nothing is held between calls: the file is open while ``pictures`` runs."""

    def pictures(self) -> Iterator[Stamped]:
        convert = _Converter(self._settings, self._survey.pixel_aspect)
        tick_ms = float(self._survey.time_base * 1000)
        for pts, frame in self._whole_frames():
            rgb = convert(frame)
            if self._shape == (0, 0):
                self._shape = (rgb.shape[0], rgb.shape[1])
                self._rotation = convert.rotation_deg
            elif rgb.shape[:2] != self._shape:
                rgb = _resized(rgb, self._shape)
                self._note("The picture size changes within the clip; all frames were scaled to the first one's.")
            yield None if pts is None else pts * tick_ms, rgb
        for note in convert.notes:
            self._note(note)

    def _whole_frames(self) -> Iterator[tuple[int | None, Any]]:
        """Frames with their pts in ticks, without those that are damaged or rest on damaged ones."""
        expected = self._survey.pts
        counted = self._survey.has_reordered_frames and not self._survey.has_presentation_times
        position = 0  # into expected: the frame that should come next
        errors_known = 0
        damaged = False
        started = False
        for frame in self._decoded():
            pts = frame.pts
            if counted:  # the container tells decoding times only; shown frames take them in order
                place = position + self._errors - errors_known
                pts = expected[place] if place < len(expected) else None
            skipped = 0
            while pts is not None and position < len(expected) and expected[position] < pts:
                position += 1
                skipped += 1
            position += position < len(expected) and expected[position] == pts
            lost = self._errors > errors_known and (skipped > 0 or pts is None)
            if started and lost and self._survey.codec not in SOME_FRAMES_ARE_HIDDEN:
                self._leave_out(skipped)
            if lost:
                errors_known = self._errors
            damaged = (damaged or (started and lost)) and not frame.key_frame
            if frame.is_corrupt or damaged:
                damaged = True
                self._leave_out(1)
                continue
            started = True
            if pts is not None and self._survey.end_pts is not None and pts >= self._survey.end_pts:
                return
            self._errors_at_end = self._left_out_at_end = 0
            yield pts, frame

    def _count_error(self) -> None:
        self._errors += 1
        self._errors_at_end += 1

    def _leave_out(self, count: int) -> None:
        self._left_out += count
        self._left_out_at_end += count

    def _decoded(self) -> Iterator[Any]:
        import av

        with _container(self._path, self._settings) as container:
            stream = _video_stream(container)
            if stream is None:
                return
            stream.thread_type = "AUTO"
            stream.codec_context.options = _guard(self._settings)
            for packet in _packets(container, stream):
                if packet.is_corrupt:  # cut off in the middle: what the decoder would make of it is not a picture
                    self._count_error()
                    continue
                try:
                    frames = stream.codec_context.decode(packet)
                except (av.error.FFmpegError, *_LIBRARY_ERRORS):
                    self._count_error()
                    continue
                yield from frames
            while True:
                try:
                    yield from stream.codec_context.decode(None)
                    return
                except av.error.EOFError:
                    return
                except (av.error.FFmpegError, *_LIBRARY_ERRORS):
                    self._count_error()
                    if self._errors_at_end > self._survey.packets + HIDDEN_PACKETS:
                        return

    def describe(self, times_ms: FloatArray, repeated: int, repaired: int) -> Clip:
        count = len(times_ms)
        torn = self._survey.torn or self._errors_at_end > 0 or self._left_out_at_end > 0
        in_between = self._left_out - self._left_out_at_end
        if count < 2:
            raise _too_few(count, torn or self._left_out > 0 or self._errors > 0)
        rate, jitter = regularity(times_ms, float(self._survey.time_base * 1000))
        warnings = list(self._notes)
        if torn:
            end = (times_ms[-1] + 1000 / rate) / 1000
            warnings.append(f"The file is torn after {end:.2f} s; the {count} frames before that were kept.")
        if in_between:
            warnings.append(f"The video is damaged; {_frames(in_between)} could not be decoded and were left out.")
        if repaired:
            warnings.append(
                f"The timestamps of {_frames(repaired)} were missing or did not rise; "
                f"they were rebuilt from the frame rate of {self._rate:.4g} frames/s."
            )
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
            sha256=_sha256(self._path),
            warnings=tuple(warnings),
        )

    def _note(self, sentence: str) -> None:
        self._notes[sentence] = None


def _container(path: Path, settings: Settings) -> Any:
    """An open libav container that reads this one file and nothing else. Raises libav's errors."""
    import av

    av.logging.set_level(None)  # libav's messages can hold file names
    return av.open(
        f"file:{path}",
        metadata_errors="replace",
        options=_guard(settings),
        container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file"},
    )


def _guard(settings: Settings) -> dict[str, str]:
    """The decoders' own pixel limit, above ours: frames somewhat too large get our sentence, absurd ones no memory."""
    return {"max_pixels": str(4 * settings.max_pixels)}


def _video_stream(container: Any) -> Any | None:
    """The first video stream that is not a cover picture."""
    import av

    cover = av.stream.Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & cover), None)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets of one stream up to the end or the tear. Empty ones would tell the decoder that the stream is over."""
    import av

    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError, *_LIBRARY_ERRORS):
            return
        if packet.size > 0:
            yield packet


def _survey(path: Path, settings: Settings) -> _Survey:
    """Look at the file without decoding; refuse what cannot be used or is certainly too large."""
    import av

    try:
        container = _container(path, settings)
    except (av.error.FFmpegError, *_LIBRARY_ERRORS) as error:
        if _is_torn(path):
            raise InputError(
                f"“{_shown(path.name)}” is torn so early that no frame is left, or its index at the end is missing. "
                "Record or copy it again."
            ) from error
        raise InputError(
            f"“{_shown(path.name)}” is not a video that can be read. Give an mp4, mov, webm, avi, mkv or gif file."
        ) from error
    with container:
        stream = _video_stream(container)
        if stream is None:
            raise InputError(
                f"“{_shown(path.name)}” holds {'sound only' if container.streams.audio else 'no video'}. "
                "Give a clip with a picture."
            )
        context = stream.codec_context
        if context is None:
            raise InputError(
                f"The video in “{_shown(path.name)}” is of a kind that cannot be decoded. Convert it to H.264 in mp4."
            )
        _check_pixels(context.width, context.height, settings)
        time_base = stream.time_base or Fraction(1, 1000)
        packets_at_most = HIDDEN_PACKETS * settings.max_frames + 64
        packets = 0
        pts: list[int] = []
        last_dts: int | None = None
        for packet in _packets(container, stream):
            packets += not packet.is_discard
            if packet.is_corrupt:
                continue
            last_dts = packet.dts if packet.dts is not None else last_dts
            if packet.pts is not None and not packet.is_discard:
                pts.append(packet.pts)
            if packets > packets_at_most:
                break
        pts.sort()
        claimed = _claimed_seconds(container, stream)
        seconds = _proven_seconds(pts, time_base, settings.max_seconds)
        if seconds > settings.max_seconds:
            raise _too_long(max(seconds, claimed), settings)
        if packets > packets_at_most:
            raise LimitError(
                f"The clip has {max(stream.frames, packets // HIDDEN_PACKETS)} frames or more; "
                f"the limit is {settings.max_frames}. Cut out the part that matters and try again."
            )
        torn = _is_torn(path)
        codec = str(context.codec.canonical_name)
        return _Survey(
            packets=packets,
            pts=tuple(pts),
            time_base=time_base,
            container=_container_name(path, container),
            codec=codec,
            has_sound=len(container.streams.audio) > 0,
            has_reordered_frames=bool(context.has_b_frames),
            has_presentation_times=container.format.name != "avi",
            end_pts=_end_of_whole_part(pts, last_dts, codec) if torn else None,
            stated_rate=_stated_rate(stream),
            pixel_aspect=float(stream.sample_aspect_ratio or 1),
            torn=torn,
        )


def _end_of_whole_part(pts: Sequence[int], last_dts: int | None, codec: str) -> int | None:
    """The first pts that the tear has spoiled; None where all that can be decoded is whole.

    A GIF's last picture may be half there without any sign of it. Elsewhere it is a matter of holes:

    packets are stored in decoding order, and none is shown before it is decoded. So the lost ones would all have been
    shown after ``last_dts``; the kept ones that are shown later still may lack the frames between.
    """
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
    first = pts[min(PROVEN_LONG, len(pts) // 4)]
    enough = max(1, min(PROVEN_LONG, len(pts) // 4))
    length = float((pts[-enough] - first) * time_base)
    return length if length > limit else 0.0


def _claimed_seconds(container: Any, stream: Any) -> float:
    """What the file says about its length, to be named in a refusal that is justified otherwise."""
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000  # libav's AV_TIME_BASE


def _stated_rate(stream: Any) -> float | None:
    """Frames/s by the metadata where they make sense."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 1.0 <= float(rate) <= 1000.0:
            return float(rate)
    return None


def _container_name(path: Path, container: Any) -> str:
    kind = container.format.name.split(",")[0]
    if kind == "mov":
        return "MOV" if container.metadata.get("major_brand", "qt").strip() == "qt" else "MP4"
    if kind == "matroska":
        with path.open("rb") as file:
            return "WebM" if b"webm" in file.read(64) else "Matroska"
    return CONTAINER_NAMES.get(kind, kind.upper())


class _Converter:
    """libav frames → upright uint8 RGB with square pixels. Remembers what is worth saying about them."""

    def __init__(self, settings: Settings, pixel_aspect: float) -> None:
        from av.video.reformatter import VideoReformatter

        self._pixel_aspect = pixel_aspect

        self.rotation_deg = 0  # of the last frame
        self.notes: dict[str, None] = {}
        self._settings = settings
        self._scaler = VideoReformatter()

    def __call__(self, frame: Any) -> Image:
        _check_pixels(frame.width, frame.height, self._settings)
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
    _check_pixels(width, height, settings)
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


def _resized(rgb: Image, shape: tuple[int, int]) -> Image:
    import cv2

    return np.asarray(cv2.resize(rgb, (shape[1], shape[0]), interpolation=cv2.INTER_AREA), dtype=np.uint8)


# ---------------------------------------------------------------------------------------------- torn files


def _is_torn(path: Path) -> bool:
    """True where the file's own structure says that bytes are missing at its end (MP4/MOV, AVI, Matroska, GIF)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _torn_boxes(file, size)
        if head[:4] == b"RIFF":
            return _torn_riff(file, size)
        if head[:4] == b"\x1aE\xdf\xa3":
            return _torn_ebml(file, size)
        if head[:3] == b"GIF":
            file.seek(max(0, size - 16))
            return not file.read().rstrip(b"\0").endswith(b";")
    return False


def _torn_boxes(file: IO[bytes], size: int) -> bool:
    """ISO/IEC 14496-12: top-level boxes of 32- or 64-bit size; size 0 runs to the end of the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if not header[4:8].isascii() or length == 0:
            return False
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:
            return False
        position += length
    return position > size


def _torn_riff(file: IO[bytes], size: int) -> bool:
    """RIFF chunks, several in large AVI files. A length of 0 was never filled in and says nothing."""
    position = 0
    while position + 12 <= size:
        file.seek(position)
        header = file.read(12)
        length = int.from_bytes(header[4:8], "little")
        if header[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            return False
        position += 8 + length + length % 2
    return position > size + 1  # the last pad byte is often left out


def _torn_ebml(file: IO[bytes], size: int) -> bool:
    """RFC 8794: element id, length, payload. Lengths that were never filled in (live recordings) are entered."""
    segment, cluster = 0x18538067, 0x1F43B675
    position = 0
    while position < size:
        file.seek(position)
        header = file.read(12)
        identity, used = _ebml_number(header, keep_marker=True)
        length, more = _ebml_number(header[used:], keep_marker=False)
        if used == 0 or more == 0:
            return len(header) < 12 and position + len(header) == size
        payload = position + used + more
        unknown = length == (1 << 7 * more) - 1
        if unknown or identity in (segment, cluster):
            if not unknown and payload + length > size:
                return True
            position = payload
        else:
            position = payload + length
    return position > size


def _ebml_number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """A variable-length number and the bytes it took; (0, 0) where there is none."""
    if not data or data[0] == 0:
        return 0, 0
    count = 9 - data[0].bit_length()
    if len(data) < count:
        return 0, 0
    value = int.from_bytes(data[:count], "big")
    return (value if keep_marker else value & ((1 << 7 * count) - 1)), count


# ---------------------------------------------------------------------------------------------- sentences and hashes


def _check_pixels(width: int, height: int, settings: Settings) -> None:
    if width * height > settings.max_pixels:
        raise LimitError(
            f"A frame has {width} × {height} pixels ({width * height / 1e6:.1f} megapixels); "
            f"the limit is {settings.max_pixels / 1e6:.1f} megapixels. Scale the clip down and try again."
        )


def _too_long(seconds: float, settings: Settings) -> LimitError:
    return LimitError(
        f"The clip is {seconds:,.1f} s long; the limit is {settings.max_seconds:g} s. "
        "Cut out the part that matters and try again."
    )


def _too_large(size: int, settings: Settings) -> LimitError:
    return LimitError(
        f"The input takes {size / MEGABYTE:.1f} MB; the limit is {settings.max_upload_mb:g} MB. "
        "Cut out the part that matters and try again."
    )


def _too_few(count: int, broken: bool) -> InputError:
    if broken:
        found = "no whole frame" if count == 0 else "only one whole frame"
        return InputError(f"The video is torn or damaged: {found} can be read. Record or copy it again.")
    if count == 0:
        return InputError("The video holds no frame. Record it again.")
    return InputError("The video holds a single frame, and one picture shows no motion. Give a longer clip.")


def _unreadable(error: BaseException) -> InputError:
    if isinstance(error, MemoryError):
        return InputError("The clip needs more memory than there is. Scale it down or cut it and try again.")
    return InputError("The clip cannot be read; it seems to be damaged. Record, export or copy it again.")


def _frames(count: int) -> str:
    return f"{count} frame{'s' * (count != 1)}"


def _shown(name: str) -> str:
    """A file name fit for a sentence: without folders and control characters, not too long."""
    last = re.split(r"[\\/]", name)[-1] or name
    clean = "".join(sign if sign.isprintable() else "�" for sign in last)
    return clean if len(clean) <= 60 else f"{clean[:40]}…{clean[-15:]}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
