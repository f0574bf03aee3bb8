"""Frames from still pictures: files, folders, and onset/apex pairs. Each is read into memory when its turn comes."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mellm_demo.errors import InputError, LimitError, MellmError
from mellm_demo.records import Clip, FloatArray, Image
from mellm_demo.settings import Settings
from mellm_demo.video.clock import regularity
from mellm_demo.video.conversion import rgb_of_picture
from mellm_demo.video.files import choose_pictures, is_litter, is_picture_name, natural, sha256
from mellm_demo.video.sentences import LIBRARY_ERRORS, MEGABYTE, check_pixels, check_upload, shown, too_long

PICTURE_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
BYTES_PER_PIXEL_AT_MOST = 8  # 16-bit RGBA, uncompressed: no honest picture within the pixel limit unpacks to more
PICTURE_OVERHEAD = 4 * MEGABYTE  # headers, thumbnails, colour profiles
UNPACKED_AT_MOST = 20  # times the upload limit, over all members of an archive


@dataclass(frozen=True)
class Picture:
    """One still picture of a sequence, not read yet."""

    name: str
    read: Callable[[int], bytes]  # at most so many bytes, and one more where it is larger


@dataclass(frozen=True)
class Archive:
    """The file that pictures come from where they do not lie open."""

    path: Path
    size: int  # bytes
    close: Callable[[], None]


class PictureSource:
    """Frames from still pictures in their order, ``rate`` of them a second; see ``reader.Source``.

    Raises InputError for fewer than two and LimitError for more than the settings allow.
    """

    def __init__(
        self,
        kind: Literal["frames", "pair"],
        name: str,
        container: str,
        pictures: Sequence[Picture],
        settings: Settings,
        rate: float | None,
        *,
        remarks: Sequence[str] = (),
        archive: Archive | None = None,
    ) -> None:
        if len(pictures) < 2:
            raise InputError(
                f"“{shown(name)}” holds {len(pictures) or 'no'} picture{'s' * (not pictures)}; "
                "at least two are needed to see motion. Give all frames of the clip."
            )
        used = rate if rate is not None else settings.default_frame_rate
        if len(pictures) > settings.max_frames:
            raise LimitError(
                f"There are {len(pictures)} frames; the limit is {settings.max_frames}. "
                "Keep the part that matters and try again."
            )
        if (len(pictures) - 1) / used > settings.max_seconds:
            raise too_long((len(pictures) - 1) / used, settings)
        self.expected_frames: int | None = len(pictures)
        self.step_ms = 1000.0 / used
        self._kind = kind
        self._name = name
        self._container = container
        self._pictures = pictures
        self._settings = settings
        self._rate = used
        self._archive = archive
        self._remarks = (*remarks,) if rate is not None else (_assumed(kind, used), *remarks)
        self._formats: dict[str, None] = {}  # in order of appearance
        self._shape = (0, 0)
        self._read_bytes = 0
        self._hash = hashlib.sha256()

    def pictures(self) -> Iterator[tuple[float | None, Image]]:
        """Time (ms) and RGB; raises InputError or LimitError at the first picture that cannot be used."""
        for index, picture in enumerate(self._pictures):
            data = self._read(picture)
            rgb, file_format = _decode(picture.name, data, self._settings)
            self._formats[file_format] = None
            self._check_shape(picture.name, rgb.shape[:2])
            yield index * 1000.0 / self._rate, rgb

    def _read(self, picture: Picture) -> bytes:
        total = self._settings.max_upload_mb * MEGABYTE * (1 if self._archive is None else UNPACKED_AT_MOST)
        one = self._settings.max_pixels * BYTES_PER_PIXEL_AT_MOST + PICTURE_OVERHEAD
        data = picture.read(one)
        self._read_bytes += len(data)
        if len(data) > one:
            raise LimitError(
                f"“{shown(picture.name)}” is larger than {one / 1e6:.0f} MB, more than any picture within the "
                "limits. Check the file."
            )
        if self._read_bytes > total:
            raise LimitError(
                f"The pictures take more than {total / 1e6:.0f} MB; that is the limit. Give fewer or smaller ones."
            )
        self._hash.update(picture.name.encode("utf-8", "replace") + b"\0" + struct.pack("<Q", len(data)))
        self._hash.update(data)
        return data

    def _check_shape(self, name: str, shape: tuple[int, int]) -> None:
        if self._shape == (0, 0):
            self._shape = shape
        if shape != self._shape:
            (height, width), (first_height, first_width) = shape, self._shape
            raise InputError(
                f"The pictures differ in size: “{shown(name)}” has {width} × {height} pixels, the ones before it "
                f"{first_width} × {first_height}. Give frames of one recording, uncropped."
            )

    def describe(self, times_ms: FloatArray, repeated: int, repaired: int) -> Clip:
        """The record, once all pictures were read; their times never need repair."""
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
            size_bytes=self._archive.size if self._archive else self._read_bytes,
            sha256=sha256(self._archive.path) if self._archive else self._hash.hexdigest(),
            warnings=self._remarks,
        )

    def close(self) -> None:
        """Release the archive; pictures that lie open are never held."""
        if self._archive:
            self._archive.close()


def pair(paths: Sequence[Path], settings: Settings, rate: float | None) -> PictureSource:
    """Two pictures, onset and apex, in this order."""
    name = " + ".join(path.name for path in paths)
    return PictureSource("pair", name, "image pair", [_from_file(path) for path in paths], settings, rate)


def frames_in_files(paths: Sequence[Path], settings: Settings, rate: float | None) -> PictureSource:
    """Picture files in the natural order of their names."""
    ordered = sorted(paths, key=natural)
    name = f"{ordered[0].name} … {ordered[-1].name}"
    return PictureSource("frames", name, "files", [_from_file(path) for path in ordered], settings, rate)


def frames_in_folder(path: Path, settings: Settings, rate: float | None) -> PictureSource:
    """The pictures of a folder, or of the only folder in it. Raises InputError or LimitError."""
    entries = [entry for entry in sorted(path.iterdir()) if not is_litter(entry.name)]
    files = [entry for entry in entries if entry.is_file()]
    folders = [entry for entry in entries if entry.is_dir()]
    if not any(is_picture_name(entry) for entry in files) and len(folders) == 1:
        files += [entry for entry in folders[0].iterdir() if entry.is_file() and not is_litter(entry.name)]
    chosen, remarks = choose_pictures(files, "folder")
    pictures = [_from_file(entry) for entry in chosen]
    source = PictureSource("frames", path.resolve().name, "folder", pictures, settings, rate, remarks=remarks)
    check_upload(sum(entry.stat().st_size for entry in chosen), settings)
    return source


def _assumed(kind: Literal["frames", "pair"], rate: float) -> str:
    if kind == "pair":
        return (
            f"The time between the two pictures is not known; {1000 / rate:.0f} ms was assumed, "
            "so nothing about durations follows from it."
        )
    return f"No frame rate was given; {rate:g} frames/s was assumed, and all times follow from it."


def _from_file(path: Path) -> Picture:
    def read(at_most: int) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(at_most + 1)
        except OSError as error:
            raise InputError(f"“{shown(path.name)}” cannot be read. Check that it is still there.") from error

    return Picture(path.name, read)


def _decode(name: str, data: bytes, settings: Settings) -> tuple[Image, str]:
    """RGB ``(H, W, 3)``, upright, and the name of the file format. Raises InputError or LimitError."""
    from PIL import Image as PillowImage
    from PIL import ImageOps

    try:
        with warnings.catch_warnings():  # Pillow's own size warning; the limit below is stricter
            warnings.simplefilter("ignore")
            with PillowImage.open(io.BytesIO(data), formats=PICTURE_FORMATS) as picture:
                check_pixels(picture.width, picture.height, settings)
                picture.load()
                file_format = picture.format or "picture"
                return rgb_of_picture(ImageOps.exif_transpose(picture)), file_format
    except MellmError:
        raise
    except PillowImage.DecompressionBombError as error:
        raise LimitError(
            f"“{shown(name)}” has more pixels than the {settings.max_pixels / 1e6:.1f} megapixels allowed. "
            "Scale it down."
        ) from error
    except LIBRARY_ERRORS as error:
        raise InputError(
            f"“{shown(name)}” is not a readable picture. Save it again as PNG or JPEG, or leave it out."
        ) from error
