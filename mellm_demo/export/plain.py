"""Measurements as plain values: rounded, legible, without secrets, folders and pixels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from mellm_demo import wording

TIME_DIGITS = 3  # decimals of a millisecond: a 1000 frames/s clip with room to spare
PX_DIGITS = 4  # decimals of a pixel, well under what landmarks and flow resolve
SHARE_DIGITS = 6  # decimals of a share or probability
SECRET_KEY = re.compile(r"(^|_)(secret|token|password|passwd|api_?key|credentials?)$", re.IGNORECASE)
ABSOLUTE_PATH = re.compile(r"(?<![\w:/.~])(?:~|[A-Za-z]:)?(?:[/\\](?=\S)[\w.\-+@ ]*\w){2,}[/\\]?")


def number(value: float, digits: int) -> float | None:
    """Rounded; ``None`` where it is not finite; never −0."""
    exact = float(value)
    return round(exact, digits) + 0.0 if math.isfinite(exact) else None


def px(value: float) -> float | None:
    """Pixels, or what is compared with them."""
    return number(value, PX_DIGITS)


def share(value: float) -> float | None:
    """A share or probability."""
    return number(value, SHARE_DIGITS)


def time(value: float) -> float:
    """Milliseconds."""
    return round(float(value), TIME_DIGITS) + 0.0


def text(raw: str) -> str:
    """Text that can be written as UTF-8 and steers no terminal; what cannot be is replaced, one sign for each."""
    return wording.legible(raw, instead="�")


def texts(raw: Iterable[str]) -> list[str]:
    """The same for several."""
    return [text(one) for one in raw]


def file_name(name: str) -> str:
    """The last part of a path of either kind of system, fit to be shown."""
    return wording.file_name(text(name))


def _without_folders(raw: str) -> str:
    return ABSOLUTE_PATH.sub(lambda found: file_name(found[0]), text(raw))


def data(value: Any) -> Any:
    """Settings and provenance as plain JSON values, without secrets, folders and pixels.

    Raises TypeError for what is no plain data.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | np.floating):
        return number(float(value), SHARE_DIGITS)
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if isinstance(value, str):
        return _without_folders(value)
    if isinstance(value, PurePath):
        return file_name(str(value))
    if isinstance(value, Mapping):
        return {str(key): data(item) for key, item in value.items() if not SECRET_KEY.search(str(key))}
    if isinstance(value, list | tuple | set | frozenset):
        return [data(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"{type(value).__name__} is no plain data and cannot be exported.")
