"""Limits and refusals in words, where several modules need the same ones. It reads no file."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib

from mellm_demo.errors import InputError, LimitError
from mellm_demo.settings import Settings

MEGABYTE = 1_000_000

LIBRARY_ERRORS: tuple[type[Exception], ...] = (  # what the libraries let through when a file is broken
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


def describe_limits(settings: Settings) -> str:
    """The limits in one sentence, to be shown before an upload."""
    return (
        f"Up to {settings.max_upload_mb:g} MB, {settings.max_seconds:g} s, {settings.max_frames} frames "
        f"and {settings.max_pixels / 1e6:.1f} megapixels a frame."
    )


def check_pixels(width: int, height: int, settings: Settings) -> None:
    """Raises LimitError where a frame of that size is larger than the settings allow."""
    if width * height > settings.max_pixels:
        raise LimitError(
            f"A frame has {width} × {height} pixels ({width * height / 1e6:.1f} megapixels); "
            f"the limit is {settings.max_pixels / 1e6:.1f} megapixels. Scale the clip down and try again."
        )


def check_upload(size: int, settings: Settings) -> None:
    """Raises LimitError where ``size`` bytes are more than the settings allow."""
    if size > settings.max_upload_mb * MEGABYTE:
        raise LimitError(
            f"The input takes {size / MEGABYTE:.1f} MB; the limit is {settings.max_upload_mb:g} MB. "
            "Cut out the part that matters and try again."
        )


def too_long(seconds: float, settings: Settings) -> LimitError:
    """The refusal of a clip of that length."""
    return LimitError(
        f"The clip is {seconds:,.1f} s long; the limit is {settings.max_seconds:g} s. "
        "Cut out the part that matters and try again."
    )


def unreadable(error: BaseException) -> InputError:
    """The refusal of a clip at which a library failed, where nothing more exact is known."""
    if isinstance(error, MemoryError):
        return InputError("The clip needs more memory than there is. Scale it down or cut it and try again.")
    return InputError("The clip cannot be read; it seems to be damaged. Record, export or copy it again.")


def shown(name: str) -> str:
    """A file name fit for a sentence: without folders and control characters, not too long."""
    last = re.split(r"[\\/]", name)[-1] or name
    clean = "".join(sign if sign.isprintable() else "�" for sign in last)
    return clean if len(clean) <= 60 else f"{clean[:40]}…{clean[-15:]}"
