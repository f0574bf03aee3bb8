"""A loaded model as a Reasoner: loaded once, behind the open page; one reply at a time, in fair turns.

What it is told and how it writes is ``answering``'s matter. Knows no file and no library.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue

from mellm_demo.errors import MellmError, NothingSupported, ReasonerError
from mellm_demo.reasoning.answering import Engine, Manner, Write, answering
from mellm_demo.reasoning.protocol import CutOff, Loading, Piece, Rewritten, Waiting
from mellm_demo.reasoning.thinking import unfold, until_it_repeats
from mellm_demo.reasoning.turns import Ticket, Turns
from mellm_demo.records import Analysis, ReasonerCard, Turn
from mellm_demo.wording import Language

TICK_S = 0.05  # Stop is noticed as often
PROGRESS_S = 0.25  # and progress told at most as often
MOST_TOLD = 200  # characters of a library's own words
MOST_CHARACTERS = 40_000  # of a reply; a model that never ends is stopped here
GRACE_S = 0.2  # for the step that Stop finds the model at; then it is interrupted, so that it is free in 0.5 s
IDLE_S = 600.0  # a model that nobody spoke with for so long makes room when another is loaded
NOTHING_SAID = "{name} returned no text. Ask again, or choose who else speaks."
NOTHING_LEFT = (
    "Nothing that {name} wrote was supported by the measurements, so none of it is shown. Ask again, or have the "
    "narrator answer."
)
GONE = "The model is gone: it was freed, or its process ended. Ask again: it is loaded anew."
FINISHING = "finishing a step of what was stopped"
NOTICE = "written by a language model in this app; it can be wrong"

Tell = Callable[[str, float | None], None]  # what is being done, and the share that is done


class Resident:
    """A Reasoner that holds one model.

    load: makes the engine, telling how far it is; raises MellmError with a sentence. card: what is known before that.
    language: of the first explanation. stays: what is loaded later than ``load_here`` could not be used, so it is
    neither closed to make room nor loaded again.
    """

    def __init__(
        self,
        load: Callable[[Tell], Engine],
        card: ReasonerCard,
        manner: Manner,
        language: Language = "en",
        *,
        stays: bool = False,
    ) -> None:
        self._load, self._card, self._manner, self._language = load, card, manner, language
        self.stays = stays
        self._turns = Turns()
        self._lock = threading.Lock()
        self._attempt: _Attempt | None = None
        self._others: tuple[Resident, ...] = ()
        self._used_s = time.monotonic()

    def beside(self, others: Iterable[Resident]) -> None:
        """Name those who share the memory: idle ones among them are closed where this one needs their room."""
        self._others = tuple(one for one in others if one is not self)

    @property
    def card(self) -> ReasonerCard:
        engine = self._engine()
        return engine.card if engine else self._card

    def __repr__(self) -> str:
        return f"Resident({self._card.name!r})"

    # ------------------------------------------------------------------------------------------ loading

    def prepare(self) -> None:
        """Begin to load, in a thread of its own. What has begun or is done is not done again; what failed is.

        So is what was done and is lost.
        """
        with self._lock:
            attempt = self._attempt
            if attempt is not None and self.stays:
                return
            if attempt is None or attempt.error is not None or (attempt.engine is not None and attempt.engine.lost):
                self._attempt = _Attempt(self._load_with_room)
                self._attempt.begin()

    def load_here(self) -> None:
        """Load in the thread that calls, unless that has begun; what goes wrong is told by ``failure``."""
        with self._lock:
            if self._attempt is not None:
                return
            self._attempt = attempt = _Attempt(self._load_with_room)
        attempt.run()

    def _load_with_room(self, tell: Tell) -> Engine:
        """Load; others make room where they have been idle for long, and where this one does not fit beside them."""
        _make_room(self._others, IDLE_S)
        try:
            return self._load(tell)
        except (ReasonerError, MemoryError, RuntimeError) as error:
            lacking = isinstance(error, ReasonerError) or isinstance(_as_told(error), ReasonerError)
            if not lacking or not _make_room(self._others, 0.0):
                raise
        return self._load(tell)

    def idle(self, for_s: float = 0.0) -> bool:
        """Whether the model can be closed: it is loaded, and nobody speaks with it or has for so many seconds."""
        return not self.stays and self.ready and not len(self._turns) and time.monotonic() - self._used_s >= for_s

    def progress(self) -> Loading | None:
        """How far loading is; None where it has not begun, or is over."""
        attempt = self._attempt
        return attempt.told if attempt is not None and not attempt.over.is_set() else None

    @property
    def ready(self) -> bool:
        """Whether the model is loaded."""
        return self._engine() is not None

    @property
    def failure(self) -> str | None:
        """Why the last attempt to load failed, in words."""
        attempt = self._attempt
        return str(_as_told(attempt.error)) if attempt is not None and attempt.error is not None else None

    def close(self) -> None:
        """Free the model, after the reply that is being written."""
        with _Held(self._turns.take()) as ticket:
            while ticket.before(TICK_S):
                pass
            with self._lock:
                attempt, self._attempt = self._attempt, None
            if attempt is not None:
                attempt.over.wait()
                if attempt.engine is not None:
                    attempt.engine.close()

    def _engine(self) -> Engine | None:
        attempt = self._attempt
        engine = attempt.engine if attempt is not None else None
        return engine if engine is not None and not engine.lost else None

    # ------------------------------------------------------------------------------------------ speaking

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[Piece]:
        """Pieces as they come; see protocol.Reasoner. The model is free again once the last token was written."""
        ticket = self._turns.take()
        work: _Work | None = None
        engine: Engine | None = None
        try:
            yield from _until_first(ticket, cancel)
            yield from self._until_loaded(cancel)
            engine = self._engine()
            if cancel.is_set():
                return
            if engine is None:
                raise ReasonerError(GONE)
            write = answering(engine, analysis, turns, self._manner, self._language)
            work = _Work(write, ticket, self._mend)
            said = left_out = False
            for piece in _bounded(until_it_repeats(unfold(work.pieces(cancel)))):
                said = said or (isinstance(piece, str) and bool(piece.strip()))
                left_out = left_out or (isinstance(piece, Rewritten) and piece.left_out > 0)
                yield piece
            if not said and not cancel.is_set():
                if left_out:
                    raise NothingSupported(NOTHING_LEFT.format(name=engine.card.name))
                raise ReasonerError(NOTHING_SAID.format(name=engine.card.name))
        finally:
            self._used_s = time.monotonic()
            if work is None or engine is None:
                ticket.give_back()
            else:  # it gives the ticket back itself, as soon as the model is free
                ticket.ending = True
                work.end(engine)

    def _mend(self) -> None:
        """After a reply: what was lost is loaded anew, so that whoever asks next need not wait for all of it."""
        attempt = self._attempt
        if attempt is not None and attempt.engine is not None and attempt.engine.lost:
            self.prepare()

    def _until_loaded(self, cancel: threading.Event) -> Iterator[Piece]:
        self.prepare()
        attempt = self._attempt
        if attempt is None:
            return
        told: Loading | None = None
        while not attempt.over.wait(TICK_S):
            if cancel.is_set():
                return
            if attempt.told != told:
                told = attempt.told
                yield told
        if attempt.error is not None:
            raise _as_told(attempt.error)


class _Attempt:
    """One attempt to load."""

    def __init__(self, load: Callable[[Tell], Engine]) -> None:
        self._load = load
        self.told = Loading("loading the model")
        self.engine: Engine | None = None
        self.error: BaseException | None = None
        self.over = threading.Event()

    def begin(self) -> None:
        """Run in a thread of its own."""
        threading.Thread(target=self.run, name="model loading", daemon=True).start()

    def run(self) -> None:
        try:
            self.engine = self._load(self._tell)
        except BaseException as error:  # told to whoever waits
            self.error = error
        finally:
            self.over.set()

    def _tell(self, what: str, share: float | None) -> None:
        self.told = Loading(what, share)


class _Work:
    """One reply being written in a thread of its own, which gives the ticket back when the model is free.

    mend: what is to be done before that. It writes in the context of whoever asks.
    """

    def __init__(self, write: Write, ticket: Ticket, mend: Callable[[], None]) -> None:
        self.stop, self._over, self._ending = threading.Event(), threading.Event(), threading.Lock()
        self._queue: SimpleQueue[Piece | BaseException | None] = SimpleQueue()
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(self._run, write, ticket, mend), name="model writing", daemon=True
        ).start()

    def _run(self, write: Write, ticket: Ticket, mend: Callable[[], None]) -> None:
        try:
            write(self._queue.put, self.stop.is_set)
            self._queue.put(None)
        except BaseException as error:  # raised again where the text is awaited
            self._queue.put(error)
        finally:
            with self._ending:  # from here on nothing is interrupted: the model is the next one's
                self._over.set()
            try:
                mend()
            finally:
                ticket.give_back()

    def end(self, engine: Engine) -> None:
        """Nobody listens any more. What does not end soon is interrupted."""
        self.stop.set()
        if not self._over.is_set():
            threading.Thread(target=self._interrupt, args=(engine,), name="model ending", daemon=True).start()

    def _interrupt(self, engine: Engine) -> None:
        self._over.wait(GRACE_S)
        with self._ending:
            if not self._over.is_set():
                engine.interrupt()

    def pieces(self, cancel: threading.Event) -> Iterator[Piece]:
        told_s = 0.0
        while not cancel.is_set():
            try:
                piece = self._queue.get(timeout=TICK_S)
            except Empty:
                continue
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise _as_told(piece)
            if isinstance(piece, Loading):
                now = time.monotonic()
                if now - told_s < PROGRESS_S:
                    continue
                told_s = now
            yield piece
        self.stop.set()


def _make_room(others: Iterable[Resident], idle_s: float) -> bool:
    """Close those that have been idle for so long; whether there was one."""
    leaving = [one for one in others if one.idle(idle_s)]
    for one in leaving:
        one.close()
    return bool(leaving)


class _Held:
    """A ticket for the length of a block."""

    def __init__(self, ticket: Ticket) -> None:
        self._ticket = ticket

    def __enter__(self) -> Ticket:
        return self._ticket

    def __exit__(self, *_: object) -> None:
        self._ticket.give_back()


def _until_first(ticket: Ticket, cancel: threading.Event) -> Iterator[Piece]:
    """Place after place until it is this one's turn."""
    told: Piece | None = None
    while (before := ticket.before(TICK_S)) and not cancel.is_set():
        answered = before - ticket.first_is_ending()
        now = Waiting(answered) if answered else Loading(FINISHING)
        if now != told:
            told = now
            yield now


def _bounded(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """No more than MOST_CHARACTERS."""
    length = 0
    for piece in pieces:
        yield piece
        length += len(piece) if isinstance(piece, str) else 0
        if length > MOST_CHARACTERS:
            yield CutOff("length")
            return


def _as_told(error: BaseException) -> BaseException:
    """Errors with a sentence of their own, and lack of memory as one."""
    if isinstance(error, MellmError):
        return error
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return ReasonerError(
            "The memory ran out while the model was at work. Choose a smaller model, a shorter context, or the "
            "narrator."
        )
    return error


def short(error: object) -> str:
    """What a library said, in one line of a sentence."""
    return " ".join(str(error).split())[:MOST_TOLD].rstrip(".") or type(error).__name__
