"""A question and those before it → a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mellm_demo.reasoning.intents.clauses import read_question
from mellm_demo.reasoning.intents.context import in_context
from mellm_demo.reasoning.intents.kinds import Intent, Query
from mellm_demo.reasoning.intents.spelling import spelled
from mellm_demo.reasoning.intents.text import READ_CHARACTERS, clean, foreign, language_of, wished_language
from mellm_demo.reasoning.tongues import other_language, other_script
from mellm_demo.wording import Language

REMEMBERED = 3  # earlier questions that “why?” may refer to


def understand(question: str, earlier: Sequence[str] = (), language: Language = "en") -> Query:
    """What is asked. ``earlier`` are the visitor's questions before this one, oldest first.

    ``language`` is used where the question shows none. Never raises; an answerable query has at least one intent.
    """
    remembered = list(earlier[-REMEMBERED:])
    for text in remembered:
        language = language_of(text, language)
    text = clean(question)
    if not text:
        return Query(language_of(question, language), (Intent.EMPTY,))
    language = language_of(text, language)
    if foreign(text) or other_script(text):
        return Query(language, (Intent.FOREIGN,))
    wished = wished_language(text)
    query = read_question(text, wished or language)
    if wished and not query.intents:
        return replace(query, intents=(Intent.EXPLAIN,))
    if not query.intents and other_language(question[:READ_CHARACTERS]):
        return replace(query, intents=(Intent.FOREIGN,))
    if not query.intents and (mended := spelled(text)) != text:  # only then: what is understood is left as it is
        text, query = mended, read_question(mended, language)
    if remembered:
        query = in_context(query, text, remembered, language)
    if query.side and not query.intents:
        return replace(query, intents=(Intent.SIDE,))
    return query if query.intents else replace(query, intents=(Intent.UNKNOWN,))
