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

EntryKind = Literal["text", "note", "trouble", "kept"]

KEPT_FOR_CLIP = "Answered as soon as a clip is measured."
KEPT_FOR_TURN = "Answered next, after what is being written."


@dataclass
class Entry:
    """One message of the conversation as it is shown; ``note`` and ``trouble`` are said by the page itself.

    ``kept`` are questions that wait until they can be put, and the page's word about them: always the last entries.
    """

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
        self.writing: Entry | None = None  # is being written
        self.stop_measuring = threading.Event()
        self.stop_measuring.set()  # nothing is measured yet
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

    @property
    def measuring(self) -> bool:
        """Whether a clip is being measured or waits for it."""
        return self.job is not None or not self.stop_measuring.is_set()

    @property
    def kept(self) -> list[Entry]:
        """Questions that wait until they can be put, in their order."""
        return [entry for entry in self.entries if entry.kind == "kept" and entry.role == "user"]

    def add(self, *entries: Entry) -> None:
        """Put something at the end of what was said so far; what waits stays below it."""
        place = next((place for place, one in enumerate(self.entries) if one.kind == "kept"), len(self.entries))
        self.entries[place:place] = entries

    def keep(self, *questions: str) -> None:
        """Remember questions that cannot be put yet: nothing that a visitor asked is lost."""
        waiting = [*(entry.text for entry in self.kept), *questions]
        said = [entry for entry in self.entries if entry.kind != "kept"]
        self.entries[:] = said + [Entry("user", question, kind="kept") for question in waiting]
        if waiting:
            when = KEPT_FOR_CLIP if self.analysis is None else KEPT_FOR_TURN
            self.entries.append(Entry("assistant", when, kind="kept"))

    def cut(self, place: int) -> None:
        """Take back what was said from ``place`` on; what waits stays."""
        self.entries[place:] = [entry for entry in self.entries[place:] if entry.kind == "kept"]

    def put(self, question: str) -> None:
        """Ask now: whoever speaks answers next."""
        self.hush()
        self.add(Entry("user", question))
        self.expect_answer()

    def put_next(self) -> bool:
        """Ask the first of the questions that wait; whether there was one."""
        waiting = [entry.text for entry in self.kept]
        if not waiting or self.analysis is None:
            return False
        self.cut_kept()
        self.put(waiting[0])
        self.keep(*waiting[1:])
        return True

    def cut_kept(self) -> None:
        self.entries[:] = [entry for entry in self.entries if entry.kind != "kept"]

    def begin(self, analysis: Analysis, *, note: str | None = None) -> None:
        """Take up a new finding. With a ``note`` the conversation so far stays above it, else it starts afresh.

        What was asked and not answered yet is answered about the new finding, after its explanation.
        """
        waiting = [*self._unanswered(), *(entry.text for entry in self.kept)]
        self.cut_kept()
        self.hush()
        self.analysis = analysis
        if note is None or not self.questions():
            self.entries = []
        else:
            if len(self.entries) == self.about and self.entries and self.entries[-1].kind == "note":
                del self.entries[-1]  # nothing was said about the moment that it announced
            self.entries.append(Entry("assistant", note, kind="note"))
        self.about = len(self.entries)
        self.expect_answer()
        self.keep(*waiting)

    def _unanswered(self) -> list[str]:
        """The question that is put and of whose answer no word has come; it is taken back."""
        said = [place for place, entry in enumerate(self.entries) if entry.kind == "text" and entry is not self.writing]
        if not self.pending or not said or (self.writing is not None and self.writing.text):
            return []
        last = self.entries[said[-1]]
        if last.role != "user":
            return []
        del self.entries[said[-1]]
        return [last.text]

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
        """Stop whoever is speaking or about to: words that came stay, and say so; an empty answer goes."""
        self.stop_speaking.set()
        self.pending = False
        writing, self.writing = self.writing, None
        if writing is None:
            return
        if writing.text or writing.thought:
            writing.ended = writing.ended or "stopped"
        else:
            self.entries[:] = [entry for entry in self.entries if entry is not writing]

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
