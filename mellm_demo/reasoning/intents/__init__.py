"""Which question is asked: intents, action units, regions, sides and emotions named in a question, English or Chinese.

Pattern matching on cleaned text, clause by clause; knows nothing about any analysis. A question that names nothing by
itself (“why?”, “and the other side?”) is read against the questions before it. Whatever the text holds, the outcome is
a ``Query`` of known names and small numbers: nothing of the visitor's wording is carried on.
"""

from mellm_demo.reasoning.intents.kinds import REFUSALS, Intent, Query
from mellm_demo.reasoning.intents.named import REGION_WORDS, unit_names
from mellm_demo.reasoning.intents.patterns_en import ONE_WORD_ASKED, UNIT_ASKED
from mellm_demo.reasoning.intents.terms import TERMS
from mellm_demo.reasoning.intents.text import READ_CHARACTERS, TRADITIONAL, clean, language_of
from mellm_demo.reasoning.intents.understanding import understand

__all__ = [
    "ONE_WORD_ASKED",
    "READ_CHARACTERS",
    "REFUSALS",
    "REGION_WORDS",
    "TERMS",
    "TRADITIONAL",
    "UNIT_ASKED",
    "Intent",
    "Query",
    "clean",
    "language_of",
    "understand",
    "unit_names",
]
