"""What everyone who speaks about an analysis can do: narrator, language models, and the scripted one of the tests.

A reasoner turns an analysis and the conversation so far into text deltas. It may load what it needs when first asked,
holds nothing about a visitor between calls, and stops soon after ``cancel`` is set.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from mellm_demo.records import Analysis, ReasonerCard, Turn


@runtime_checkable
class Reasoner(Protocol):
    """One who explains an analysis and answers questions about it."""

    @property
    def card(self) -> ReasonerCard:
        """Who speaks: shown in the page and in every export."""
        ...

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[str]:
        """Text deltas, markdown; joined they are the reply.

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
