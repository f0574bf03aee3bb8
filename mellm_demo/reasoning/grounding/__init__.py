"""What an answer claims, held against what was measured: which statements the evidence supports, and which it does not.

Pure text and numbers. Sentences about the face that yield no statement (see ``claims``) are counted apart: they could
not be checked. “All supported” means that nothing found contradicts the measurements, not that the answer is good. A
number counts as supported if it rounds to a measured one with the digits told; a reading counts if the rules have it
among theirs.
"""

from __future__ import annotations

from typing import Literal

from mellm_demo.reasoning.claims import Claim, answered, listed, read, unclaimed, worded
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.grounding import readings, regions, sizes, times, units
from mellm_demo.reasoning.grounding.bench import Bench
from mellm_demo.reasoning.grounding.outcome import Grounding
from mellm_demo.reasoning.intents import language_of
from mellm_demo.records import Analysis, Statement
from mellm_demo.wording import Language

__all__ = ["Grounding", "Kind", "check"]

Kind = Literal[
    "action unit",
    "list",
    "name",
    "side",
    "region",
    "count",
    "direction",
    "emotion",
    "class",
    "type",
    "magnitude",
    "time",
    "duration",
    "share",
]
KINDS: dict[str, Kind] = {
    "unit": "action unit",
    "word": "emotion",
    "px": "magnitude",
    "percent": "magnitude",
    "ratio": "magnitude",
    "fit": "share",
}
JUDGES = {**units.JUDGES, **regions.JUDGES, **readings.JUDGES, **sizes.JUDGES, **times.JUDGES}


def check(text: str, analysis: Analysis, language: Language | None = None, question: str = "") -> Grounding:
    """Hold an answer against an analysis.

    language: of the words in the outcome; by default the answer's own. question: what is answered, so that a bare
    “Yes” says something; empty for an explanation that nobody asked for.
    """
    language = language or language_of(text)
    bench = Bench(Facts(analysis), language)
    claims = read(text)
    if question:
        claims = (*answered(text, question), *claims, *worded(text, question), *listed(text, question, claims))
    return Grounding(tuple(_statement(bench, claim) for claim in claims), language, unclaimed(text, claims))


def _statement(bench: Bench, claim: Claim) -> Statement:
    supported, said, why = JUDGES[claim.kind](bench, claim)
    kind = KINDS.get(claim.kind, claim.kind)
    if claim.kind == "region" and claim.ways:
        kind = "direction"
    return Statement(claim.start, claim.end, kind, said, supported, why)
