"""Which kind of source is it? Looks at names and first bytes and hands over to the one who can read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mellm_demo.errors import InputError, MellmError
from mellm_demo.settings import Settings
from mellm_demo.video.archive import zipped_frames
from mellm_demo.video.files import begins_as_picture, begins_as_zip, check_file, is_picture_name
from mellm_demo.video.movie import MovieSource
from mellm_demo.video.pictures import frames_in_files, frames_in_folder, pair
from mellm_demo.video.reader import ClipReader, Source
from mellm_demo.video.sentences import LIBRARY_ERRORS, check_upload, shown, unreadable

FASTEST_RATE = 10_000.0  # frames/s; beyond this a stated rate is a mistake
SLOWEST_RATE = 0.1


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
        if isinstance(source, str | Path):
            return ClipReader(_single(Path(source), settings, frame_rate), settings)
        return ClipReader(_several([Path(item) for item in source], settings, frame_rate), settings)
    except MellmError:
        raise
    except LIBRARY_ERRORS as error:
        raise unreadable(error) from error


def _single(path: Path, settings: Settings, rate: float | None) -> Source:
    if path.is_dir():
        return frames_in_folder(path, settings, rate)
    size = check_file(path)
    check_upload(size, settings)
    with path.open("rb") as file:
        head = file.read(16)
    if begins_as_zip(head) or path.suffix.lower() == ".zip":
        return zipped_frames(path, size, settings, rate)
    if begins_as_picture(head):
        raise InputError(
            f"“{shown(path.name)}” is a single picture, and one picture shows no motion. "
            "Give a clip, or two pictures: onset and apex."
        )
    return MovieSource(path.absolute(), size, settings, rate)


def _several(paths: Sequence[Path], settings: Settings, rate: float | None) -> Source:
    if not paths:
        raise InputError("No file was given. Give a video, a zip or folder of frames, or two pictures.")
    if len(paths) == 1:
        return _single(paths[0], settings, rate)
    for path in paths:
        check_file(path)
        if not is_picture_name(path):
            raise InputError(
                f"“{shown(path.name)}” is not a picture, and several files are taken as pictures. "
                "Give one video alone, two pictures, or frames as png, jpg, bmp, tif or webp."
            )
    return (pair if len(paths) == 2 else frames_in_files)(paths, settings, rate)
