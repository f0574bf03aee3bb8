"""What everyone who speaks about an analysis can do: narrator, language models, and the scripted one of the tests.

A reasoner turns an analysis and the conversation so far into pieces: text deltas, and what there is to know meanwhile.
It may load what it needs when first asked, holds nothing about a visitor between calls, and stops soon after ``cancel``
is set.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from mellm_demo.records import Analysis, ReasonerCard, Turn

QUESTION_CHARS = 4000  # of a question: the page refuses a longer one, so whoever answers reads all that was asked


@dataclass(frozen=True)
class Waiting:
    """Others are answered first: ``before`` of them, at least one."""

    before: int


@dataclass(frozen=True)
class Loading:
    """The model is being made ready, or reads what it was given. Followed by others until text comes."""

    what: str  # “loading the model”, “reading the prompt”
    share: float | None = None  # 0 to 1, where it is known


@dataclass(frozen=True)
class Thought:
    """A delta of what a model writes before its answer, for itself: no part of the reply."""

    text: str


@dataclass(frozen=True)
class CutOff:
    """The reply ends here although the model had more to say."""

    reason: Literal["length", "repetition"]  # the limit of tokens; the same words over and over


@dataclass(frozen=True)
class Rewritten:
    """The reply was held against the measurements while it was written; sentences without support are not in it."""

    count: int  # written again, and then supported
    left_out: int  # for which none was found that is supported


@dataclass(frozen=True)
class SpokenBy:
    """Comes first: this reply is somebody else's than the reasoner's own. ``card.notice`` says why."""

    card: ReasonerCard


Piece = str | Waiting | Loading | Thought | CutOff | Rewritten | SpokenBy


@runtime_checkable
class Reasoner(Protocol):
    """One who explains an analysis and answers questions about it."""

    @property
    def card(self) -> ReasonerCard:
        """Who speaks: shown in the page and in every export."""
        ...

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[Piece]:
        """Text deltas, markdown; joined they are the reply. Other pieces tell what goes on and are not part of it.

        turns: the conversation so far. Without a question in it the first explanation is asked for; otherwise the last
        turn is the user's question. Ends without an error soon after ``cancel`` is set; what was yielded stays valid.
        Raises ReasonerError, with a sentence for the user, where no (further) text can be had.
        """
        ...


def last_question(turns: Sequence[Turn]) -> str | None:
    """The question to answer: the last thing the user said; None asks for the first explanation."""
    return next((turn.text for turn in reversed(turns) if turn.role == "user"), None)


def earlier_questions(turns: Sequence[Turn]) -> tuple[str, ...]:
    """What the user asked before the last question, oldest first."""
    return tuple(turn.text for turn in turns if turn.role == "user")[:-1]


def asked_last(turns: Sequence[Turn]) -> str:
    """The question that a conversation ends with; empty where nobody asked, as before the first explanation."""
    return turns[-1].text if turns and turns[-1].role == "user" else ""
