"""A question that leans on the ones before it."""

from __future__ import annotations

import re
from dataclasses import replace

from mellm_demo.reasoning.intents.clauses import read_question
from mellm_demo.reasoning.intents.kinds import REFUSALS, Intent, Query
from mellm_demo.reasoning.intents.text import clean
from mellm_demo.records import Side
from mellm_demo.wording import Language

_BARE_WHY = re.compile(
    r"(?:but |and |so )?(?:why|how come|why (?:is )?(?:that|so|this)|为什么(?:呢|啊)?|为何|为啥|怎么会|"
    r"原因呢)[?!.？！。\s]*"
)
_OTHER_SIDE = re.compile(r"\bother (?:side|half|one|corner|brow|eye|cheek)\b|另(?:外)?一?(?:边|侧|只)|对侧")
_WITH_SIDE = frozenset(
    {Intent.SIDE, Intent.STRENGTH, Intent.REGION, Intent.WHERE, Intent.UNIT, Intent.UNITS, Intent.COMPARE}
)
_WITH_UNIT = frozenset({Intent.SIDE, Intent.STRENGTH, Intent.WHEN, Intent.DURATION, Intent.WHY})


def in_context(query: Query, text: str, earlier: list[str], language: Language) -> Query:
    """Complete a question that leans on the one before it."""
    before = Query(language, ())
    for question in earlier:
        known = read_question(clean(question), language)
        before = known if known.intents else before
    if not before.intents:
        return query
    if _BARE_WHY.fullmatch(text):
        return _why(query, before)
    if _OTHER_SIDE.search(text):
        regions = query.regions or before.regions
        other: Side | None = {"left": "right", "right": "left"}.get(before.side or "")  # type: ignore[assignment]
        if regions:
            return replace(query, intents=(Intent.REGION,), regions=regions, side=other)
        units = query.units or before.units
        return replace(query, intents=(Intent.STRENGTH,) if units else (Intent.SIDE,), units=units, side=other)
    if query.side and not query.intents and before.intents[0] in _WITH_SIDE:
        return replace(query, intents=before.intents, regions=query.regions or before.regions, units=before.units)
    if query.side and not query.intents:
        return replace(query, intents=(Intent.SIDE,))
    leaning = re.search(r"\b(?:it|its|that|this|they|and)\b|它|这个|那个|那|呢", text)
    if before.units and not query.units and leaning and set(query.intents) & _WITH_UNIT and len(text) < 60:
        return replace(query, units=before.units)
    return query


def _why(query: Query, before: Query) -> Query:
    """“Why?” after a refusal asks for its reason, after a unit for what it rests on, else for the reading's reasons."""
    first = before.intents[0]
    if first in REFUSALS or first in (Intent.KIND, Intent.RELIABILITY, Intent.SPANS, Intent.QUALITY):
        return replace(before, intents=(first,))
    if first in (Intent.NAMED_EMOTION, Intent.ALTERNATIVES):
        return replace(before, intents=(first,))
    return replace(query, intents=(Intent.WHY,), units=before.units)
