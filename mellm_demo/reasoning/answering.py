"""What has a loaded model write a reply: what it is told, question by question, and the guard over what it writes.

Knows no file and no library: what is loaded, and how it writes, is an ``Engine``'s matter (``llamacpp``, ``local``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from mellm_demo.errors import SettingsError
from mellm_demo.reasoning.complete import unfinished
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.guarded import LEAST_WORDS, Guard
from mellm_demo.reasoning.intents import REFUSALS, understand
from mellm_demo.reasoning.prompts import Message, Style, build
from mellm_demo.reasoning.protocol import Piece, Rewritten, asked_last, earlier_questions
from mellm_demo.reasoning.several import single_questions
from mellm_demo.records import Analysis, ReasonerCard, Turn
from mellm_demo.wording import Language

Emit = Callable[[Piece], None]
Stopped = Callable[[], bool]
Write = Callable[[Emit, Stopped], None]  # one reply


@dataclass(frozen=True)
class Manner:
    """How a model is asked, whatever it is."""

    max_tokens: int = 1024  # of an answer
    temperature: float = 0.7  # what MELLM was sampled with; 0: always the likeliest token
    style: Style = "plain"
    template: str | None = None  # see prompts.read_prompt_file
    guarded: bool = False  # sentences that the measurements do not support are written again, see ``guarded``
    seed: int | None = None  # of the draw of words; None: another one each time
    not_so: tuple[str, ...] = ()  # the reply is not to begin as any of these; "": it is to go on


class Engine(Protocol):
    """A loaded model. Used by one thread at a time."""

    card: ReasonerCard
    context: int  # tokens of prompt and answer together
    sees: bool  # takes images

    @property
    def lost(self) -> bool:
        """Whether the model is gone, since it was interrupted or by a fault: it has to be loaded anew."""
        ...

    def count(self, text: str) -> int:
        """Tokens of a text."""
        ...

    def image_tokens(self) -> int:
        """Tokens of the motion map."""
        ...

    def generate(self, messages: Sequence[Message], manner: Manner, emit: Emit, stopped: Stopped) -> None:
        """Write a reply in pieces; returns early once ``stopped()``, which is asked at every token at least.

        A last message of the assistant's is the beginning of the reply: it goes on from there, where the engine can,
        and heeds ``not_so``. Only of such engines a guarded manner may be asked.
        """
        ...

    def interrupt(self) -> None:
        """Break off a step that does not look whether to stop, where that can be done; the model may be lost by it.

        From any thread.
        """
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


def writing(
    engine: Engine, analysis: Analysis, messages: Sequence[Message], manner: Manner, question: str = ""
) -> Write:
    """What has the engine write one reply; guarded where the manner says so. question: the visitor's own words."""
    if not manner.guarded:
        return lambda emit, stopped: engine.generate(messages, manner, emit, stopped)
    guard = Guard(
        lambda more, emit, stopped: engine.generate(
            (*messages, Message("assistant", more.after)) if more.after else messages,
            replace(
                manner,
                max_tokens=more.max_tokens,
                temperature=manner.temperature if more.temperature is None else more.temperature,
                seed=more.seed if more.seed is not None else manner.seed,
                not_so=more.not_so,
            ),
            emit,
            stopped,
        ),
        partial(_not_borne_out, analysis, question, manner.style == "brief"),
        engine.count,
        manner.max_tokens,
        lambda text: bool(question) and unfinished(text, analysis, question),
    )
    return guard.write


def answering(
    engine: Engine, analysis: Analysis, turns: Sequence[Turn], manner: Manner, language: Language = "en"
) -> Write:
    """What has the engine write the reply that a conversation waits for.

    The app's own model is asked one thing after the other where the question asks several: it would forget all but the
    first. language: of the first explanation. Raises ReasonerError or SettingsError where all that has to be said to
    the model does not fit.
    """
    asked = asked_last(turns)
    own = manner.style == "brief" and bool(asked)
    questions = single_questions(asked, earlier_questions(turns)) if own else (asked,)
    if not Facts(analysis).found:  # then one answer holds for all that is asked of the motion
        of_motion = [one for one in questions if not REFUSALS.intersection(understand(one).intents)]
        questions = tuple(one for one in questions if one not in of_motion[1:])
    if len(questions) == 1:
        return writing(engine, analysis, _messages(engine, analysis, turns, manner, language), manner, asked)

    def write(emit: Emit, stopped: Stopped) -> None:
        talk, whole = tuple(turns[:-1]), _Whole(emit)
        for question in questions:
            talk = (*talk, Turn("user", question))
            messages = _messages(engine, analysis, talk, manner, language)
            writing(engine, analysis, messages, manner, question)(whole.take, stopped)
            if stopped():
                return
            talk = (*talk, Turn("assistant", whole.ended()))

    return write


class _Whole:
    """Several answers as one: a space between sentences, a line between lists, counts added up."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._before, self._text = "", ""
        self._base, self._latest = Rewritten(0, 0), Rewritten(0, 0)

    def take(self, piece: Piece) -> None:
        """Pass on a piece of the answer that is being written."""
        if isinstance(piece, Rewritten):
            self._latest = Rewritten(self._base.count + piece.count, self._base.left_out + piece.left_out)
            piece = self._latest
        elif isinstance(piece, str):
            if len(piece.split()) >= LEAST_WORDS and piece.strip() in self._before:
                return  # a sentence of an earlier answer
            if piece.strip() and not self._text and self._before:
                listed = "\n" in self._before or piece.lstrip().startswith(("-", "*"))
                self._emit("\n\n" if listed else " ")
            self._text += piece
        self._emit(piece)

    def ended(self) -> str:
        """The answer that has been written; what comes next belongs to another."""
        text, self._before, self._text = self._text, self._before + self._text.strip(), ""
        self._base = self._latest
        return text.strip()


def _messages(
    engine: Engine, analysis: Analysis, turns: Sequence[Turn], manner: Manner, language: Language
) -> tuple[Message, ...]:
    """What the model is told, as much of it as fits."""
    if engine.context <= manner.max_tokens:
        raise SettingsError(
            f"The context of {engine.context} tokens leaves no room beside an answer of {manner.max_tokens}. "
            "Set a longer context or a shorter answer."
        )
    prompt = build(
        analysis,
        turns,
        language=language,
        style=manner.style,
        template=manner.template,
        budget=engine.context - manner.max_tokens,
        count=engine.count,
        image_tokens=engine.image_tokens() if engine.sees else 0,
        sees=engine.sees,
    )
    return prompt.messages


def _not_borne_out(analysis: Analysis, question: str, at_once: bool, text: str) -> int | None:
    """Where in what is written so far the first word stands that the measurements do not bear out.

    at_once: a list of units stands in one sentence, as the app's own model was taught; others may go on with it, so
    that it is whole is judged at the end only. Where it is not, it goes wrong where the text ends. Of what is told in
    parts, as names in a list, those before the first wrong one are borne out.
    """
    wrong = [one for one in check(text, analysis, question=question).unsupported if at_once or one.kind != "list"]
    ended = len(text.rstrip(" .;\n"))
    first = min(wrong, key=lambda one: ended if one.kind == "list" else one.start, default=None)
    if first is None or first.kind == "list":
        return None if first is None else ended
    place = first.start
    for comma in (at for at in range(first.start, first.end) if text[at] in ",，、"):
        so_far = check(text[:comma], analysis, question=question).unsupported
        if any(one.kind != "list" for one in so_far):
            break
        place = comma + 1
    return place
