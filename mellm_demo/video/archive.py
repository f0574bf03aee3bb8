"""Frames from a zip, read member by member in memory: nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from pathlib import Path, PurePosixPath

from mellm_demo.errors import InputError, LimitError, MellmError
from mellm_demo.settings import Settings
from mellm_demo.video.files import choose_pictures, is_litter, is_picture_name
from mellm_demo.video.pictures import Archive, Picture, PictureSource
from mellm_demo.video.sentences import LIBRARY_ERRORS, MEGABYTE, shown

RATIO_AT_MOST = 200  # unpacked : packed of one member; deflate itself ends at 1032, photographs stay below 10
RATIO_MATTERS_FROM = 8 * MEGABYTE  # a small plain picture packs that well honestly
ENTRY_BYTES = 512  # central directory bytes that one honest entry takes at most
READ_BLOCK = 1 << 20


def zipped_frames(path: Path, size: int, settings: Settings, rate: float | None) -> PictureSource:
    """The pictures in a zip of ``size`` bytes, which stays open until the source is closed.

    Raises InputError or LimitError.
    """
    entries_at_most = 2 * settings.max_frames + 1000  # macOS writes a second entry for each file
    file = _CautiousFile(path, max(entries_at_most * ENTRY_BYTES, READ_BLOCK))
    try:
        archive = _opened(file, path.name)
        pictures, remarks = _pictures(archive, entries_at_most)
        held = Archive(path, size, file.close)
        return PictureSource("frames", path.name, "ZIP", pictures, settings, rate, remarks=remarks, archive=held)
    except BaseException:
        file.close()
        raise


class _CautiousFile(io.FileIO):
    """A file that refuses to be read in huge pieces: the size of a zip's directory is the uploader's to claim."""

    def __init__(self, path: Path, piece_at_most: int) -> None:
        super().__init__(path)
        self._piece_at_most = piece_at_most

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._piece_at_most:
            raise LimitError("The archive's table of contents is too large. Give the frames of one clip only.")
        return super().read(-1 if size is None else size) or b""


def _opened(file: _CautiousFile, name: str) -> zipfile.ZipFile:
    """Needs no closing of its own: it holds nothing but ``file``."""
    try:
        return zipfile.ZipFile(file)
    except MellmError:
        raise
    except LIBRARY_ERRORS as error:
        raise InputError(
            f"“{shown(name)}” is not a whole zip archive. Pack it again, or copy it again if it was cut short."
        ) from error


def _pictures(archive: zipfile.ZipFile, entries_at_most: int) -> tuple[list[Picture], list[str]]:
    """The frames in order and what to say about the rest. Raises InputError for what no honest archive holds."""
    entries = archive.infolist()
    if len(entries) > entries_at_most:
        raise LimitError(
            f"The archive has {len(entries)} entries; the limit is {entries_at_most}. "
            "Give an archive with the frames of one clip only."
        )
    files = [entry for entry in entries if not entry.is_dir()]
    members = {PurePosixPath(entry.filename.replace("\\", "/")): entry for entry in files}
    if len(members) < len(files):
        raise InputError("The archive holds the same file name twice. Pack the frames again, each once.")
    for path, entry in members.items():
        _check_member(path, entry)
    visible = [path for path in members if not any(is_litter(part) for part in path.parts)]
    if len({path.parent for path in visible if is_picture_name(path)}) > 1:
        raise InputError(
            "The archive holds pictures in several folders. Give one archive per clip, its frames in one folder."
        )
    kept, remarks = choose_pictures(visible, "archive")
    return [_from_zip(archive, members[path], path.name) for path in kept], remarks


def _check_member(path: PurePosixPath, info: zipfile.ZipInfo) -> None:
    """Refuse what no honest archive of frames holds."""
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", str(path)):
        raise InputError(
            f"The archive holds a name that points outside of it (“{shown(str(path))}”). Pack the frames again."
        )
    if info.flag_bits & 0x1:
        raise InputError("The archive is encrypted. Pack the frames without a password.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise InputError(
            f"The archive holds a link (“{shown(path.name)}”) in place of a file. Pack the files themselves."
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError("The archive is packed by an unusual method. Pack the frames as a plain zip.")


def _from_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Picture:
    def read(at_most: int) -> bytes:
        try:
            return _unpacked(archive, info, at_most)
        except MellmError:
            raise
        except LIBRARY_ERRORS as error:
            raise InputError(f"“{shown(name)}” in the archive is damaged. Pack the frames again.") from error

    return Picture(name, read)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, at_most: int) -> bytes:
    """A member's content up to one byte more than ``at_most``. Raises LimitError for a bomb, the library's errors."""
    data = bytearray()
    with archive.open(info) as member:
        while len(data) <= at_most and (piece := member.read(min(READ_BLOCK, at_most + 1 - len(data)))):
            data += piece
            if len(data) > max(RATIO_MATTERS_FROM, RATIO_AT_MOST * info.compress_size):
                raise LimitError(
                    f"“{shown(info.filename)}” unpacks to more than {RATIO_AT_MOST} times its packed size, "
                    "as no photograph does. Check the archive."
                )
    return bytes(data)
