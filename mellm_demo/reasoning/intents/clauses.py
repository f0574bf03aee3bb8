"""One question, read clause by clause."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from mellm_demo.reasoning.intents.kinds import REFUSALS, Intent, Query, distinct
from mellm_demo.reasoning.intents.named import COLOUR_WORDS, SPAN_WORDS, emotions_in, regions_in, side_in, units_in
from mellm_demo.reasoning.intents.patterns_en import INTENTS_EN
from mellm_demo.reasoning.intents.patterns_zh import INTENTS_ZH
from mellm_demo.reasoning.intents.precedence import POLITE, SWALLOWS
from mellm_demo.reasoning.intents.terms import terms_in
from mellm_demo.wording import HAN, Language

MOST_INTENTS = 3  # more answers at once than this are not an answer
_CLAUSES = re.compile(
    r"[?!;？！；。]+|(?<!\d)\.(?!\d)|,?\s+(?:and|but|also)\s+(?=(?:based on \w+, )?(?:what|which|when|how|where|why|"
    r"who|is|are|did|does|do|was|were|can)\b)|，(?:并且|而且|还有|另外|以及)?"
)


def read_question(text: str, language: Language) -> Query:
    """The query of one question, clause by clause, without its context."""
    whole = Query(language, ())
    for clause in _CLAUSES.split(text):
        if clause and clause.strip():
            whole = _merged(whole, _read_clause(clause.strip(), language))
    intents = whole.intents
    if len(intents) > 1:
        intents = tuple(intent for intent in intents if intent not in POLITE) or intents[:1]
    if any(intent in REFUSALS for intent in intents):
        intents = tuple(intent for intent in intents if intent not in (Intent.WHY, Intent.EXPLAIN, Intent.RELIABILITY))
    return replace(whole, intents=intents[:MOST_INTENTS])


def _merged(one: Query, other: Query) -> Query:
    return Query(
        language=one.language,
        intents=distinct(one.intents + other.intents),
        units=distinct(one.units + other.units),
        side=one.side or other.side,
        regions=distinct(one.regions + other.regions),
        emotions=distinct(one.emotions + other.emotions),
        terms=distinct(one.terms + other.terms),
        spans=distinct(one.spans + other.spans),
        colours=distinct(one.colours + other.colours),
    )


def _read_clause(clause: str, language: Language) -> Query:
    units, named = units_in(clause)
    regions, emotions = regions_in(clause), emotions_in(clause)
    colours = tuple(name for name, pattern in COLOUR_WORDS if re.search(pattern, clause))
    spans = tuple(name for name, pattern in SPAN_WORDS if re.search(pattern, clause))
    terms = terms_in(clause)
    places = _intents_in(clause, language)
    if terms:
        places[Intent.TERM] = 0
    if units:
        asked = places.keys() & {Intent.SIDE, Intent.STRENGTH, Intent.WHEN, Intent.DURATION, Intent.WHY, Intent.COMPARE}
        about_word = named and bool(places.keys() & (REFUSALS | {Intent.MODEL, Intent.PRIVACY}))
        if not asked and not about_word:
            places[Intent.UNIT] = 0
        if places.keys() & {Intent.WHY}:
            places.pop(Intent.UNITS, None)
        places.pop(Intent.UNITS, None)
    elif Intent.UNITS in places and re.match(r"(?:is|was) (?:the|an) action unit\b", clause):
        places[Intent.UNIT] = places.pop(Intent.UNITS)
    if emotions and not units:
        places[Intent.NAMED_EMOTION] = 0
    if (
        regions
        and not units
        and not places.keys() - {Intent.STRENGTH, Intent.EXPLAIN, Intent.WHERE, Intent.SIDE, Intent.UNKNOWN}
    ):
        places[Intent.REGION] = 0
        places.pop(Intent.STRENGTH, None)
        places.pop(Intent.WHERE, None)
    if Intent.PICTURE in places and not colours and regions and Intent.UNIT in places:
        places.pop(Intent.PICTURE)
    swallowed = {loser for winner in places for loser in SWALLOWS.get(winner, ())}
    both_ways = {intent for intent in swallowed if intent in places}
    kept = [intent for intent in places if intent not in both_ways]
    if not kept and places:  # two that exclude each other: the one listed first weighs more
        kept = [min(places, key=lambda intent: list(Intent).index(intent))]
    kept.sort(key=lambda intent: places[intent])
    return Query(language, tuple(kept), units, side_in(clause), regions, emotions, terms, spans, colours)


def _intents_in(clause: str, language: Language) -> dict[Intent, int]:
    """Intents whose patterns occur, with the place of the first occurrence. Mixed text is read in both languages."""
    places: dict[Intent, int] = {}
    tables = (_compiled("zh"), _compiled("en")) if re.search(f"[{HAN}]", clause) else (_compiled("en"),)
    for table in tables:
        for intent, pattern in table:
            found = pattern.search(clause)
            if found and intent not in places:
                places[intent] = found.start()
    return places


@cache
def _compiled(language: Language) -> tuple[tuple[Intent, re.Pattern[str]], ...]:
    table = INTENTS_EN if language == "en" else INTENTS_ZH
    return tuple((intent, re.compile(pattern)) for intent, pattern in table)
