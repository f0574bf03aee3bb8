"""What names, first bytes and the file system tell about files. It decodes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Literal, TypeVar

from mellm_demo.errors import InputError
from mellm_demo.video.sentences import shown

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv", ".3gp"}
)
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})

Entry = TypeVar("Entry", bound=PurePath)


def check_file(path: Path) -> int:
    """Size in bytes of a regular file that is not empty; raises InputError for anything else."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        raise InputError(f"There is no file “{shown(path.name)}”. Check its name and where it lies.") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"“{shown(path.name)}” is not a file that can be read. Give a video, a zip or pictures.")
    if found.st_size == 0:
        raise InputError(f"“{shown(path.name)}” is empty (0 bytes). Record or copy it again.")
    if not os.access(path, os.R_OK):
        raise InputError(f"“{shown(path.name)}” may not be read. Change its permissions and try again.")
    return found.st_size


def begins_as_zip(head: bytes) -> bool:
    """By the first bytes: of a zip, or of an empty one."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def begins_as_picture(head: bytes) -> bool:
    """By the first bytes (10 or more); GIF is a video here."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")):
        return True
    return (head[:2] == b"BM" and head[6:10] == bytes(4)) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def sha256(path: Path) -> str:
    """Of a file's content, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_litter(name: str) -> bool:
    """What systems leave in folders and archives without being asked."""
    return name.startswith(".") or name.casefold() in LITTER


def is_picture_name(path: PurePath) -> bool:
    """By the ending of the name."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def natural(path: PurePath) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which img2 comes before img10, whatever their folders."""
    name = path.name
    pieces = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(0, int(piece), "") if piece.isascii() and piece.isdigit() else (1, 0, piece) for piece in pieces], name


def choose_pictures(entries: Iterable[Entry], place: Literal["folder", "archive"]) -> tuple[list[Entry], list[str]]:
    """The pictures in natural order, and what to say about the rest. Raises InputError where there are none."""
    listed = list(entries)
    pictures = [entry for entry in listed if is_picture_name(entry)]
    others = [entry for entry in listed if not is_picture_name(entry)]
    nested = [entry.name for entry in others if entry.suffix.lower() in ARCHIVE_SUFFIXES]
    videos = [entry.name for entry in others if entry.suffix.lower() in VIDEO_SUFFIXES]
    if nested:
        raise InputError(
            f"The {place} holds another archive (“{shown(nested[0])}”). Put the frames themselves into one {place}."
        )
    if videos and not pictures:
        which = f"a video (“{shown(videos[0])}”)" if len(videos) == 1 else f"{len(videos)} videos"
        raise InputError(f"The {place} holds {which} and no frames. Upload the video itself.")
    if not pictures:
        raise InputError(f"The {place} holds no pictures. Give frames as png, jpg, bmp, tif or webp.")
    ignored = [f"{len(others)} other file{'s were' if len(others) > 1 else ' was'} ignored."] if others else []
    return sorted(pictures, key=natural), ignored
