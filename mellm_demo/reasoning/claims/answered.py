"""What an answer claims by being the answer to a question: a bare “yes” or “no”, one word, that a list is whole.

Only plain questions count, for one thing, asked without a negation: is a unit shown, did a region move, is it a
micro-expression, is it this emotion; which word fits best; and which action units there are. What is asked otherwise
yields nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mellm_demo import facs
from mellm_demo.reasoning.claims.kinds import Claim, Stance
from mellm_demo.reasoning.claims.units import events_listed
from mellm_demo.reasoning.intents import ONE_WORD_ASKED, UNIT_ASKED, Intent, clean, understand

_OPENING = re.compile(r"\W*(yes|no|是的?|有|不是|没有|否)(?=\s*[.,:;!。，：；！\n]|\s*$)", re.IGNORECASE)
_STANCES: dict[str, Stance] = {"yes": "yes", "是": "yes", "是的": "yes", "有": "yes"}
_NEGATED = re.compile(r"\bnot\b|n't\b|\bno\b|\bwithout\b|不|没")
_ASKS = re.compile(r"^(?:\w+[,:!]? ){0,3}?(?:is|was|are|were|did|does|do|can|could|has|have)\b|吗\W*$|是不是|有没有")
_SHOWN = re.compile(r"\b(?:shown?|present|active|visible|there|see|seen|find|found|detect\w*|appear\w*)\b|出现|存在|有")
_MOVED = re.compile(r"\bmov(?:e|ed|es|ing)\b|动")
_LISTS = re.compile(r"\b(?:which|what|list|name|all|every|any)\b|^\W*(?:aus|action units)\W*$|哪|什么|所有|全部|列")
_SOME = re.compile(  # of the units: the best, one of a part, how many
    r"\b(?:most|best|first|strong\w*|main|one|mean|called|many|muscles?|upper|lower|side|left|right)\b|最|主要|几个|多少|一个"
)
_WORD = re.compile(
    r"(?:^\W*|\b(?:fine[- ]grained (?:expression )?class|closest word)\b[^.!?\n]{0,20}?\b(?:is|would be)\b\W*)"
    rf"({'|'.join(facs.EMOTION_BY_NAME)})\b",
    re.IGNORECASE,
)
_KIND = re.compile(r"\b(micro|macro)(?:[- ]?expressions?)?\b|(微|宏)表情")
_KINDS = {"微": "micro", "宏": "macro"}


def answered(text: str, question: str) -> tuple[Claim, ...]:
    """What the first word of an answer to this question claims; nothing where it is neither yes nor no."""
    opening, asked = _OPENING.match(text), clean(question)
    if not opening or not _ASKS.search(asked) or _NEGATED.search(asked.replace("有没有", "").replace("是不是", "")):
        return ()
    stance: Stance = _STANCES.get(opening[1].lower(), "no")
    query, place = understand(question), (opening.start(1), opening.end(1))
    kinds = {_KINDS.get(found[1] or found[2], found[1]) for found in _KIND.finditer(asked)}
    if query.intents == (Intent.KIND,) and len(kinds) == 1:
        return (Claim(*place, "type", stance, word=kinds.pop()),)
    if query.intents == (Intent.UNIT,) and len(query.units) == 1 and _SHOWN.search(asked):
        return (Claim(*place, "unit", stance, units=query.units),)
    if not query.units and UNIT_ASKED.search(asked):  # by a name that is no unit's here
        return (Claim(*place, "unit", stance),)
    if query.intents == (Intent.REGION,) and len(query.regions) == 1 and _MOVED.search(asked) and not _ways(asked):
        return (Claim(*place, "region", stance, names=query.regions, side=query.side),)
    if query.intents == (Intent.NAMED_EMOTION,) and len(query.emotions) == 1:
        return (Claim(*place, "emotion", stance, word=query.emotions[0]),)
    return ()


def worded(text: str, question: str) -> tuple[Claim, ...]:
    """The one word that was asked for, alone or as the class that it is; nothing where it is given otherwise."""
    found = _WORD.search(text) if ONE_WORD_ASKED.search(question) else None
    return (Claim(found.start(1), found.end(1), "word", word=found[1].lower()),) if found else ()


def listed(text: str, question: str, claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Whoever is asked which action units there are, and names some, says that there are no others.

    text: the answer. claims: its own.
    """
    asked = clean(question)
    named = [one for one in claims if one.kind == "unit" and one.stance != "no"]
    if not named or not _LISTS.search(asked) or _NEGATED.search(asked) or _SOME.search(asked):
        return ()
    query = understand(question)
    if Intent.UNITS not in query.intents or query.units or query.regions:
        return ()
    units = tuple(sorted({*(au for one in named for au in one.units), *events_listed(text)}))
    return (Claim(named[0].start, named[-1].end, "list", units=units),)


def _ways(asked: str) -> bool:
    """Whether a way or a size is asked for as well: “did it move up?” may be answered no though it moved."""
    return bool(
        re.search(r"\b(?:up|down|in|out|\w+wards?|left or right|much|far|more|most)\b|上|下|内|外|多|最", asked)
    )
