"""What the app remembers of one visitor, for as long as the page is open. Nothing is shared between visitors.

A ``Visit`` lives in one ``gr.State``; the results that it holds are immutable. Knows nothing of components.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mellm_demo.records import Analysis, Ended, Statement, Turn

EntryKind = Literal["text", "note", "trouble"]


@dataclass
class Entry:
    """One message of the conversation as it is shown; ``note`` and ``trouble`` are said by the page itself."""

    role: Literal["user", "assistant"]
    text: str
    kind: EntryKind = "text"
    speaker: str = ""  # who writes it
    ended: Ended = ""
    thought: str = ""  # what a model wrote before its answer, for itself
    state: str = ""  # what goes on while there is no text yet
    statements: tuple[Statement, ...] = ()  # once they were checked
    unchecked: tuple[tuple[int, int], ...] = ()
    tally: str = ""
    rewritten: int = 0  # sentences that were written again because the measurements did not support them
    left_out: int = 0  # such sentences that are not in the text
    stands_in: str = ""  # why somebody else than the chosen one writes it; "": nobody else does


class Uploads:
    """Counts who still needs an uploaded file and deletes it after the last one.

    Gradio stores an upload under the hash of its bytes, so two visitors with the same clip share one file.
    """

    def __init__(self) -> None:
        self._holders: Counter[Path] = Counter()
        self._lock = threading.Lock()

    def hold(self, path: Path) -> None:
        with self._lock:
            self._holders[path] += 1

    def release(self, path: Path) -> None:
        """Give the file up; the last one to do so deletes it and its folder where that is left empty."""
        with self._lock:
            self._holders[path] -= 1
            if self._holders[path] > 0:
                return
            del self._holders[path]
            path.unlink(missing_ok=True)
            if path.parent.is_dir() and not any(path.parent.iterdir()):
                shutil.rmtree(path.parent, ignore_errors=True)


@dataclass(frozen=True)
class Job:
    """A clip to be measured. ``uploads`` are the files to delete afterwards; examples have none.

    ``inputs`` names the fields of the page that held them and are emptied then.
    """

    source: str | tuple[str, str]
    name: str
    uploads: tuple[Path, ...] = ()
    inputs: tuple[str, ...] = ()
    frame_rate: float | None = None
    folder: Path | None = None  # made for this job only

    def tidy(self) -> None:
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def gather(paths: Iterable[Path]) -> Path:
    """A new folder with these images under their own names, as links where the disk allows it."""
    folder = Path(tempfile.mkdtemp(prefix="frames-", dir=os.environ.get("GRADIO_TEMP_DIR")))
    for number, path in enumerate(paths):
        place = folder / path.name
        if place.exists():
            place = folder / f"{path.stem}_{number}{path.suffix}"
        try:
            os.link(path, place)
        except OSError:
            shutil.copy(path, place)
    return folder


class Visit:
    """One visitor's clip, finding and conversation. Not a dataclass: Gradio would try to send it to the page."""

    def __init__(self) -> None:
        self.arrived = False  # its page was opened here, and not at an app that has ended since
        self.analysis: Analysis | None = None
        self.job: Job | None = None  # waits to be measured
        self.entries: list[Entry] = []
        self.about = 0  # the first entry that speaks of the present moment
        self.pending = False  # somebody waits for an answer
        self.speaker = ""  # the key of who speaks; "": whom the settings choose
        self.stop_speaking = threading.Event()
        self._taken_up: threading.Event | None = None  # the stop_speaking of the answer that somebody writes already
        self.stop_measuring = threading.Event()
        self.whole = False  # the timeline shows the whole clip, however long
        self.files: set[Path] = set()
        self.spent: list[Path] = []  # those that were measured and may go
        self.closed = False

    def __deepcopy__(self, memo: dict[int, object]) -> Visit:
        """Gradio copies the first one for every visitor; nobody gets anything of another's."""
        return Visit()

    # ------------------------------------------------------------------------------------- conversation

    def turns(self, *, present: bool = False) -> tuple[Turn, ...]:
        """What was said, without the page's own notes; ``present``: only about the present moment.

        The explanation that begins a conversation belongs to it. An empty answer is left out.
        """
        entries = self.entries[self.about :] if present else self.entries
        return tuple(
            Turn(
                entry.role,
                entry.text,
                entry.speaker,
                entry.ended,
                entry.statements,
                entry.unchecked,
                entry.tally,
                entry.rewritten,
                entry.left_out,
            )
            for entry in entries
            if entry.kind == "text" and entry.text
        )

    def questions(self) -> int:
        return sum(entry.role == "user" for entry in self.entries)

    def begin(self, analysis: Analysis, *, note: str | None = None) -> None:
        """Take up a new finding. With a ``note`` the conversation so far stays above it, else it starts afresh."""
        self.hush()
        self.analysis = analysis
        if note is None or not self.questions():
            self.entries = []
        else:
            self.entries.append(Entry("assistant", note, kind="note"))
        self.about = len(self.entries)
        self.expect_answer()

    def expect_answer(self) -> None:
        """Whoever speaks next may be stopped by the new event only."""
        self.stop_speaking = threading.Event()
        self.pending = True

    def take_up(self) -> threading.Event | None:
        """What stops the answer that is due; None where none is, or somebody writes it already."""
        due = self.stop_speaking
        if not self.pending or due.is_set() or self._taken_up is due:
            return None
        self._taken_up = due
        return due

    def hush(self) -> None:
        """Stop whoever is speaking or about to."""
        self.stop_speaking.set()
        self.pending = False

    # ------------------------------------------------------------------------------------- files and end

    def hold(self, paths: Iterable[str | Path], uploads: Uploads) -> None:
        """Keep these files until they are released; what comes in after the page was closed is deleted at once."""
        for path in map(Path, paths):
            if path not in self.files:
                self.files.add(path)
                uploads.hold(path)
        if self.closed:
            self.release(uploads)

    def release(self, uploads: Uploads, paths: Iterable[str | Path] | None = None) -> None:
        """Delete this visitor's uploads (or only ``paths``) unless somebody else needs them too."""
        for path in set(self.files) if paths is None else {Path(path) for path in paths} & self.files:
            self.files.discard(path)
            uploads.release(path)

    def close(self, uploads: Uploads) -> None:
        """The page was closed: stop the work, forget everything, delete the files."""
        self.closed = True
        self.hush()
        self.stop_measuring.set()
        if self.job is not None:
            self.job.tidy()
            self.job = None
        self.release(uploads)
        self.analysis = None
        self.entries = []
        self.about = 0
