"""The narrator: composes what it says from the measurements, by rules, in English and Chinese. No model is loaded.

Stands behind the same protocol as language models do. It sees the analysis and the conversation, holds nothing between
calls, and never repeats the visitor's own words.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mellm_demo.reasoning.answers.en.voice import ENGLISH
from mellm_demo.reasoning.answers.kinds import Voice
from mellm_demo.reasoning.answers.zh.voice import CHINESE
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import understand
from mellm_demo.reasoning.protocol import earlier_questions, last_question
from mellm_demo.records import Analysis, ReasonerCard, Turn
from mellm_demo.wording import HAN, Language

CARD = ReasonerCard(
    name="Narrator",
    is_language_model=False,
    size="no model",
    precision="exact",
    device="cpu",
    why="It needs no model and says nothing but what was measured.",
    notice="composed from measurements, not by a language model",
)
VOICES: dict[Language, Voice] = {"en": ENGLISH, "zh": CHINESE}
PACE_S = 0.006  # between deltas: quick, yet visibly a stream; the longest explanation stays under 2 s
DELTA_WIDTH = 14  # characters, a Chinese one counted twice; a few words at a time


class Narrator:
    """A Reasoner without a model.

    pace_s: pause between deltas in seconds (0 for none). language: of the first explanation, and of answers to
    questions that show none. why: why it was chosen, if that has a reason of its own.
    """

    def __init__(self, pace_s: float = PACE_S, language: Language = "en", why: str = "") -> None:
        self._pace_s = pace_s
        self._card = replace(CARD, why=f"{why} {CARD.why}") if why else CARD
        self._language: Language = language

    @property
    def card(self) -> ReasonerCard:
        return self._card

    def reply(self, analysis: Analysis, turns: Sequence[Turn], cancel: threading.Event) -> Iterator[str]:
        """Text deltas (markdown); without a question the first explanation. Stops as soon as ``cancel`` is set."""
        for delta in deltas(compose(analysis, turns, self._language)):
            if cancel.is_set():
                return
            yield delta
            if self._pace_s > 0 and cancel.wait(self._pace_s):
                return


def compose(analysis: Analysis, turns: Sequence[Turn] = (), language: Language = "en") -> str:
    """The whole reply as markdown: the explanation, or the answer to the last question."""
    facts = Facts(analysis)
    question = last_question(turns)
    if question is None:
        return VOICES[language].explain(facts)
    query = understand(question, earlier_questions(turns), language)
    voice = VOICES[query.language]
    answers = [voice.answers[intent](facts, query) for intent in query.intents]
    return _once("\n\n".join(dict.fromkeys(answer for answer in answers if answer)), voice.short(facts))


def _once(text: str, sentence: str) -> str:
    """The text with ``sentence`` in it no more than once: two answers may both have to say why nothing is claimed."""
    first, said, rest = text.partition(sentence)
    rest = rest.replace(sentence, "")
    return re.sub(r"\n{3,}", "\n\n", first + said + re.sub(r" +(?=\n|$)|(?<=\n) +", "", rest)).strip()


def suggested_questions(analysis: Analysis, language: Language = "en") -> tuple[str, ...]:
    """Three or four questions that fit this finding, each of which the narrator can answer."""
    return VOICES[language].suggestions(Facts(analysis))


def deltas(text: str) -> Iterator[str]:
    """A text in pieces of a few words; joined they are the text."""
    piece, width = "", 0
    for token in re.findall(rf"\s+|[{HAN}]|[^\s{HAN}]+", text):
        piece += token
        width += 2 if re.match(f"[{HAN}]", token) else len(token)
        if width >= DELTA_WIDTH:
            yield piece
            piece, width = "", 0
    if piece:
        yield piece
