"""Progress and complaints, on standard error; which exit status follows from what went wrong."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from mellm_demo.cli.options import Source
from mellm_demo.errors import InputError, MellmError, SettingsError
from mellm_demo.wording import printable

OK, BROKEN, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
CLEAR_LINE = "\r\x1b[K"


class ProgressLine:
    """One line on a terminal, rewritten in place; elsewhere one line for each stage. Called as ``progress``."""

    def __init__(self, stream: TextIO, label: str, *, quiet: bool) -> None:
        self._stream = stream
        self._label = label
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._shown = ""

    def __call__(self, stage: str, share: float | None) -> None:
        """``stage`` in words, ``share`` of the whole work, 0..1, None where it is not known."""
        if self._quiet:
            return
        text = f"{self._label}: {stage}"
        if self._terminal and share is not None:
            text = f"{text} {share:.0%}"
        if text == self._shown:
            return
        self._shown = text
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(CLEAR_LINE + text[-width:])
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._terminal and self._shown:
            self._stream.write(CLEAR_LINE)
            self._stream.flush()


def blame(error: Exception, source: Source | None = None) -> int:
    """Say what went wrong, with this clip if it is about one; the exit status that follows."""
    about = f"{source.label}: " if source and source.label not in str(error) else ""
    if isinstance(error, MellmError):
        complain(f"{about}{error}")
        return UNUSABLE if isinstance(error, InputError | SettingsError) else BROKEN
    complain(
        f"{about}something unexpected stopped the analysis ({type(error).__name__}: {error}). "
        "This is a fault of the program, not of the clip; please report it with this line."
    )
    return BROKEN


def as_told(error: Exception) -> str:
    """What went wrong, in a sentence."""
    if isinstance(error, MellmError):
        return str(error)
    return f"Something unexpected stopped it ({type(error).__name__}: {error}). Please report it with this line."


def complain(sentence: str) -> None:
    """A sentence on standard error."""
    print(printable(sentence), file=sys.stderr, flush=True)
