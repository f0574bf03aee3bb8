"""A whole text → all its claims, line by line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from mellm_demo.reasoning.claims.kinds import Claim
from mellm_demo.reasoning.claims.numbers import number_claims
from mellm_demo.reasoning.claims.readings import class_claims, emotion_claims, type_claims
from mellm_demo.reasoning.claims.regions import count_claims, find_regions, region_claims
from mellm_demo.reasoning.claims.sentences import SENTENCE, SUPPOSED, YES_NO, Sentence, spans
from mellm_demo.reasoning.claims.unclear import unclear
from mellm_demo.reasoning.claims.units import find_units, name_claims, only_units, side_claims, unit_claims
from mellm_demo.reasoning.intents import TRADITIONAL

MOST_CHARACTERS = 20_000  # of a text; patterns stay quick and nobody writes more about one clip
Span = tuple[int, int]  # start and end of a place in the text
LONGEST_LINE = 800  # characters that are read as one; what belongs together stands closer


def read(text: str) -> tuple[Claim, ...]:
    """All claims in a text, in their order."""
    plain = _plain(text[:MOST_CHARACTERS])
    found = [claim for start, end in _lines(plain) for claim in _line(plain, start, end)]
    return tuple(sorted(dict.fromkeys(found), key=lambda claim: (claim.start, claim.end)))


def unclaimed(text: str, claims: Sequence[Claim]) -> tuple[Span, ...]:
    """Places of the sentences that speak of the face in the clip although none of these claims stands in them."""
    plain = _plain(text[:MOST_CHARACTERS])
    found = []
    for start, end in _lines(plain):
        for sentence in _sentences(plain, start, end):
            held = any(one.start < sentence.end and sentence.start < one.end for one in claims)
            if not held and unclear(sentence):
                said = plain[sentence.start : sentence.end]
                found.append((sentence.end - len(said.lstrip()), sentence.start + len(said.rstrip())))
    return tuple(found)


def _lines(plain: str) -> Iterator[Span]:
    for start, end in spans(plain, r"\n"):
        while start < end:  # an endless line is read in pieces: time grows with the square of one
            cut = end if end - start <= LONGEST_LINE else max(plain.rfind(" ", start + 1, start + LONGEST_LINE), 0)
            cut = cut if cut > start else start + LONGEST_LINE
            yield start, cut
            start = cut


def _sentences(text: str, start: int, end: int) -> Iterator[Sentence]:
    answered = ""
    for first, last in spans(text, SENTENCE, start, end):
        said = text[first:last].strip(" -,")
        question = said.endswith("?")
        yield Sentence(text, first, last, question or bool(SUPPOSED.search(text[first:last])), answered, question)
        answered = YES_NO.get(said, "")


def _plain(text: str) -> str:
    """The same length, lower case, simplified characters, half-width digits and signs, no emphasis marks."""
    text = text.translate(TRADITIONAL)
    told = []
    for char in text:
        folded = unicodedata.normalize("NFKC", char).lower()
        told.append(folded if len(folded) == 1 else char)
    plain = "".join(told).translate(str.maketrans("*_`#’‘—−", "    ''--"))
    # round brackets that hold nothing but an action unit are no break: “a smile (AU12) is not shown”
    return re.sub(r"\(([^()]*)\)", lambda found: f" {found[1]} " if only_units(found[1]) else found[0], plain)


def _line(text: str, start: int, end: int) -> list[Claim]:
    """Claims of one line. What a number belongs to is the last thing named before it in the line."""
    claims: list[Claim] = []
    groups = find_units(text, start, end)
    regions = find_regions(text, start, end, groups)
    for sentence in _sentences(text, start, end):
        first, last = sentence.start, sentence.end
        claims += unit_claims(sentence, [one for one in groups if first <= one.start < last])
        claims += region_claims(sentence, [one for one in regions if first <= one.start < last], groups)
        claims += emotion_claims(sentence)
        claims += class_claims(sentence)
        claims += type_claims(sentence)
        if not sentence.question:
            claims += name_claims(sentence)
            claims += count_claims(sentence, [one for one in regions if first <= one.start < last])
            claims += number_claims(sentence, groups, regions, start)
            claims += side_claims(sentence, groups, regions)
    return claims
