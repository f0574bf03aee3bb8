"""Between a model and its reader: each sentence is held against the measurements before it is shown.

A sentence that says something unsupported is not shown. The model writes on from the last good text again, each time
with another draw of words; then from right before the wrong word, with any other; where that fails too the sentence is
left out and the model goes on behind it. So what is shown holds, taken as a whole, nothing ``unsupported``. Knows no
model and no measurement: both are passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mellm_demo.reasoning.protocol import CutOff, Loading, Piece, Rewritten
from mellm_demo.wording import Language

TEMPERATURES = (0.3, 0.5, 0.8)  # of the tries after the first: as little chance as helps, then more
ENDING = ("", ".")  # as ``not_so``: it is not to end here
FURTHER = 3  # sentences that an answer which leaves something out is made to add
OTHERWISE = 3  # tries after these, with another word: who is sure of a wrong “yes” draws it again and again
LEAST_WORDS = 4  # of a sentence that is not to be said twice
MOST_IN_A_ROW = 3  # sentences left out one after the other: the model has lost the thread, and the answer ends
LEAST_TOKENS = 4  # no sentence is shorter
MOST_SENTENCE = 2000  # characters; what ends nowhere is judged in pieces
MOST_CHARACTERS = 60_000  # read in all, of an engine that does not keep to its limit of tokens

Emit = Callable[[Piece], None]
Stopped = Callable[[], bool]
Outcome = Literal["complete", "unsupported", "mended"]  # mended: a sentence took the place of one without support


@dataclass(frozen=True)
class Asked:
    """A reply is to be written on."""

    after: str  # what it says so far; "": it is to be begun
    max_tokens: int
    temperature: float | None = None  # None: the usual one
    seed: int | None = None  # None: the usual one
    not_so: tuple[str, ...] = ()  # it is not to go on as any of these does; "": it is to go on


Unsupported = Callable[[str], int | None]
GoOn = Callable[[Asked, Emit, Stopped], None]


def told(count: int, left_out: int, language: Language = "en") -> str:
    """One line about sentences that were written again or left out; "" where there were none."""
    if language == "zh":
        parts = [f"{count} 句因没有测量依据而重写"] if count else []
        parts += [f"{left_out} 句因没有测量依据而略去"] if left_out else []
        return "，".join(parts) + ("。" if parts else "")
    lead = "{} sentence{} that the measurements did not support "
    again, out = (lead.format(n, "" if n == 1 else "s") + ("was " if n == 1 else "were ") for n in (count, left_out))
    if count and left_out:
        return f"{again}written again; {left_out} more {'was' if left_out == 1 else 'were'} left out."
    return f"{again}written again." if count else f"{out}left out." if left_out else ""


# ------------------------------------------------------------------------------------------ sentences

_CLOSING = "*_\"”’')\\]」』）"
_STOP = re.compile(rf"[.!?]+[{_CLOSING}]*(?=\s)|[。！？]+[{_CLOSING}]*(?=[^。！？{_CLOSING}])")
_WORDS = re.compile(r"\w+(?:\.\d+)?")
_SHORTENED = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|vs|approx|ca|cf)\.$", re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:[-*+•]|\d{1,2}[.)])\s")
_TITLE = re.compile(r"\s*(?:#{1,6}\s.*|\*\*[^*]+\*\*:?|[^.!?。！？]*[:：])\s*")


def sentence_end(text: str, *, new_line: bool) -> int | None:
    """Where the first sentence of a text ends, blanks before it included; None: that is not known yet.

    A line of a list counts as one, and so does a title. Numbers (“1.2 px”), emphasis and brackets are not torn apart.
    Depends on nothing but the text up to there and the character behind it. ``new_line``: the text begins one.
    """
    begin = len(text) - len(text.lstrip())
    new_line = new_line or "\n" in text[:begin]
    line_end = text.find("\n", begin)
    ends = [line_end] if line_end >= 0 else []
    if not (new_line and _LISTED.match(text)):
        stops = (stop.end() for stop in _STOP.finditer(text, begin, line_end + 1 if line_end >= 0 else len(text)))
        ends += [end for end in stops if _whole(text[begin:end])][:1]
    end = min(ends, default=None)
    if len(text) > MOST_SENTENCE and (end is None or end > MOST_SENTENCE):
        return MOST_SENTENCE
    return end


def repeated(sentence: str) -> int | None:
    """Where a sentence says a part between semicolons once more; None where it does not."""
    place, known = 0, set()
    for part in sentence.split(";"):
        said = part.strip(" .").lower()
        if said and said in known:
            return place + len(part) - len(part.lstrip())
        known.add(said)
        place += len(part) + 1
    return None


def _line_start(text: str, place: int) -> int:
    """From where on a text is to be judged anew if it was judged up to ``place``: lines are read by themselves.

    The one exception is a bracket that was opened in an earlier line: then all of it.
    """
    start = text.rfind("\n", 0, place) + 1
    return 0 if text.rfind("(", 0, start) > text.rfind(")", 0, start) else start


def _whole(sentence: str) -> bool:
    closed = sentence.count("(") + sentence.count("（") <= sentence.count(")") + sentence.count("）")
    return closed and sentence.count("**") % 2 == 0 and not _SHORTENED.search(sentence)


# ------------------------------------------------------------------------------------------ the guard


class Guard:
    """Has one reply written.

    go_on: lets the model write on, in pieces; raises what the model raises. unsupported: where in a text the first word
    stands that the measurements do not bear out; None: they bear out all of it. count: tokens of a text. max_tokens: of
    the reply; no more than twice as many are written. unfinished: whether a whole text leaves something out.
    """

    def __init__(
        self,
        go_on: GoOn,
        unsupported: Unsupported,
        count: Callable[[str], int],
        max_tokens: int,
        unfinished: Callable[[str], bool] = lambda text: False,
    ) -> None:
        self._go_on, self._unsupported, self._count, self._max_tokens = go_on, unsupported, count, max_tokens
        self._unfinished = unfinished

    def write(self, emit: Emit, stopped: Stopped) -> None:
        """The reply, sentence by sentence; Rewritten comes last where anything was. Raises what the model raises."""
        page = _Page(self._unsupported, emit)
        try:
            self._write(page, emit, stopped)
        finally:
            if not stopped() and (page.rewritten or page.left_out):
                emit(Rewritten(page.rewritten, page.left_out))

    def _write(self, page: _Page, emit: Emit, stopped: Stopped) -> None:
        tries = spent = read = run_number = further = 0
        while not stopped():
            begun, not_so = page.led_astray() if tries > len(TEMPERATURES) else ("", ENDING if further else ())
            room = min(self._max_tokens - self._count(page.before + begun), 2 * self._max_tokens - spent)
            if room < LEAST_TOKENS or read > MOST_CHARACTERS:
                page.close()
                emit(CutOff("length"))
                return
            temperature = TEMPERATURES[tries - 1] if 0 < tries <= len(TEMPERATURES) else None
            run = _Run(page, emit, MOST_CHARACTERS - read, begun, again=tries > 0, first=run_number == 0)
            asked = Asked(page.before + begun, room, temperature, run_number if tries else None, not_so)
            self._go_on(asked, run.take, partial(run.stopped, stopped))
            if stopped():
                return
            outcome = run.end()
            run_number, spent, read = run_number + 1, spent + self._count(run.text), read + len(run.text)
            if outcome == "complete" and run.cut is None and further < FURTHER and self._unfinished(page.before):
                further += 1
                continue
            if outcome == "complete" or further:  # what it was made to add is shown if it is supported at once
                page.close()
                if run.cut is not None:
                    emit(run.cut)
                return
            tries = tries + 1 if outcome == "unsupported" else 0
            if tries > len(TEMPERATURES) + OTHERWISE:
                tries = 0
                page.leave_out()
                if page.in_a_row == MOST_IN_A_ROW:
                    page.close()
                    return


class _Page:
    """What is shown, and what the model has before it."""

    def __init__(self, unsupported: Unsupported, emit: Emit) -> None:
        self._unsupported, self._emit = unsupported, emit
        self._shown = ""
        self._title = ""  # is shown with what it is a title of
        self._behind = ""  # sentences left out since then: the model goes on behind them
        # Sentences that were not supported, since one was shown or left out: up to the wrong word, and from there on.
        self._refused: list[tuple[str, str]] = []
        self._gap = ""  # blanks before what was left out: a paragraph stays one
        self._said: list[list[str]] = []  # the words of each sentence that is shown
        self.rewritten = self.left_out = self.in_a_row = 0

    @property
    def before(self) -> str:
        """The reply as the model is to see it."""
        return self._shown + self._title + self._behind

    def led_astray(self) -> tuple[str, tuple[str, ...]]:
        """The last sentence up to where it went wrong, and all that the model wanted to say there."""
        if not self._refused:
            return "", ()
        begun = self._refused[-1][0]
        wanted = [rest for kept, rest in self._refused if kept == begun]
        if not re.search(r"\w", wanted[-1]):  # it is wrong because it ends
            wanted += ENDING
        return begun, tuple(dict.fromkeys(wanted))

    @property
    def anything(self) -> bool:
        return bool(self._shown)

    def is_wrong(self, begun: str) -> bool:
        """Whether a sentence is wrong already, of which this is the beginning, and not only because it goes on."""
        told = begun.strip()
        wrong = self._wrong(self._shown + self._title + self._gap + begun, told)
        return wrong is not None and wrong < len(told.rstrip(" .;"))

    def _wrong(self, text: str, told: str) -> int | None:
        """Where in ``told``, the end of ``text``, it goes wrong; None: nowhere."""
        start = len(text.rstrip()) - len(told)
        judged = _line_start(text, start)
        unsupported, again = self._unsupported(text[judged:]), repeated(told)
        places = [] if unsupported is None else [min(max(judged + unsupported - start, 0), len(told))]
        return min([*places, *([] if again is None else [again])], default=None)

    def take(self, sentence: str, *, line_ended: bool) -> Literal["shown", "cut", "kept", "said", "unsupported"]:
        """Show a sentence if it is supported where it stands, keep a title until there is something under it.

        Of one that goes wrong behind a semicolon what stands before that is shown; one that was shown, not once more.
        """
        told = sentence.strip()
        blanks = sentence[: len(sentence) - len(sentence.lstrip())]
        blanks = max(blanks, self._gap, key=lambda one: one.count("\n"))
        is_title = line_ended and not _LISTED.match(told + " ") and _TITLE.fullmatch(told)
        before = self._shown + ("" if is_title and self._behind else self._title)  # a title of nothing goes
        text = before + (blanks if before else "") + told
        wrong = self._wrong(text, told)
        if wrong is not None:
            semicolon = told.rfind(";", 0, wrong)
            part = f"{told[:semicolon].rstrip()}."
            shorter = text.removesuffix(told) + part
            if semicolon > 0 and self._wrong(shorter, part) is None:
                self._show(shorter)
                return "cut"
            kept = sentence[: len(sentence) - len(sentence.lstrip()) + wrong].rstrip(" ")
            self._refused += [(kept, sentence[len(kept) :])] if told else []
            return "unsupported"
        if is_title:
            self._title = text[len(self._shown) :]
            self._forget()
            return "kept"
        same = _WORDS.findall(told.lower())
        if len(same) >= LEAST_WORDS and same in self._said:
            return "said"
        self._said.append(same)
        self._show(text)
        return "shown"

    def _show(self, text: str) -> None:
        """The reply as it is now."""
        self._emit(text[len(self._shown) :])
        self._shown, self._title = text, ""
        self._forget()

    def _forget(self) -> None:
        """What was refused or left out up to here matters no more."""
        self._behind = self._gap = ""
        self._refused, self.in_a_row = [], 0

    def leave_out(self) -> None:
        """Give the last sentence up."""
        self.left_out += 1
        self.in_a_row += 1
        last = "".join(self._refused[-1]) if self._refused else ""
        blanks = last[: len(last) - len(last.lstrip())]
        self._gap = max(self._gap, blanks, key=lambda one: one.count("\n"))
        self._behind += last.rstrip()
        self._refused = []

    def close(self) -> None:
        """The reply ends here."""
        if self._title and not self._behind:
            self._emit(self._title)
            self._shown, self._title = self._shown + self._title, ""


class _Run:
    """The model writing once, up to the first sentence that is not supported."""

    def __init__(self, page: _Page, emit: Emit, most: int, begun: str, *, again: bool, first: bool) -> None:
        self._page, self._emit, self._most, self._again, self._first = page, emit, most, again, first
        self._waits = self._beginning = begun  # of a sentence
        self._outcome: Outcome | None = None
        self._begun = page.before == ""  # nothing stands before: a line begins
        self.text = ""
        self.cut: CutOff | None = None

    def stopped(self, stopped: Stopped) -> bool:
        """Whether the model is to write no more."""
        return self._over or stopped()

    @property
    def _over(self) -> bool:
        return self._outcome is not None or len(self.text) > self._most

    def take(self, piece: Piece) -> None:
        """One piece of the model's."""
        if self._over:
            return
        if isinstance(piece, CutOff):
            self.cut = piece
        elif isinstance(piece, Loading):
            if self._first and not self._page.anything:
                self._emit(piece)
        elif not isinstance(piece, str):
            self._emit(piece)
        else:
            self.text += piece
            self._waits += piece
            while self._outcome is None and (end := sentence_end(self._waits, new_line=self._begun)) is not None:
                self._judge(end)
            clause = self._waits.rfind(";") + 1 if ";" in piece else 0
            if self._outcome is None and clause and self._page.is_wrong(self._waits[:clause]):
                self._judge(clause)  # it may go on for long

    def end(self) -> Outcome:
        """The model has written what it wanted, or was stopped."""
        if self._outcome is None and len(self.text) > self._most:
            self.cut = CutOff("length")
        if self._outcome is None and self._beginning and not self.text.strip():
            return "unsupported"  # it knew no other way to go on
        if self._outcome is None and self._waits.strip():
            self._judge(len(self._waits))
        if self._outcome is None and self._again:  # it would rather say nothing: another try
            return "unsupported"
        return self._outcome or "complete"

    def _judge(self, end: int) -> None:
        sentence, self._waits = self._waits[:end], self._waits[end:]
        self._begun = False
        became = self._page.take(sentence, line_ended=self._waits.startswith("\n"))
        if became == "unsupported":
            self._outcome = "unsupported"
        elif became == "cut" or (became == "shown" and self._again):
            self._page.rewritten += 1
            self._outcome = "mended"
