"""A question that asks several things → the single questions, in the visitor's own words.

A small model answers the first and forgets the rest; asked one after the other it answers all. English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mellm_demo.reasoning.intents import Intent, Query, understand

MOST = 3  # questions in one; more are left as they are
_OPENS = r"(?:(?:on|in|at) )?(?:what|which|when|how|where|why|whose?|is|are|was|were|did|does|do|can|could|has|have)"
# “… , and based on them, what …” goes on with what was asked before: it stays one question.
_BETWEEN = re.compile(
    rf"(?<=[?!])\s+(?=\w)|(?<=[^\s?!,;])[,;]?\s+(?:and|but|also)\s+(?:also\s+)?(?={_OPENS}\b)", re.IGNORECASE
)
_NOTHING = frozenset(
    {Intent.GREETING, Intent.THANKS, Intent.HELP, Intent.EMPTY, Intent.FOREIGN, Intent.UNKNOWN, Intent.EXPLAIN}
)


def single_questions(question: str, earlier: Sequence[str] = ()) -> tuple[str, ...]:
    """The questions in a question, one or up to MOST; ``question`` alone where they cannot be told apart.

    earlier: the visitor's questions before, oldest first.
    """
    parts = [part.strip(" ,;") for part in _BETWEEN.split(" ".join(question.split()))]
    if not 1 < len(parts) <= MOST:
        return (question,)
    asked: list[Query] = []
    for number, part in enumerate(parts):
        query = understand(part, (*earlier, *parts[:number]))
        if query.language != "en" or not set(query.intents) - _NOTHING or query in asked:
            return (question,)
        asked.append(query)
    return tuple(_whole(part) for part in parts)


def _whole(part: str) -> str:
    """A part as a sentence of its own."""
    ended = part if part[-1] in ".?!" else f"{part}?"
    return ended[:1].upper() + ended[1:]
