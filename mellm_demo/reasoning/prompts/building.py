"""Analysis and conversation → messages, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mellm_demo.errors import ReasonerError
from mellm_demo.reasoning import brief, lookup
from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import language_of
from mellm_demo.reasoning.prompts.cleaning import clean
from mellm_demo.reasoning.prompts.evidence import legend, motion_prompt, unreliable
from mellm_demo.reasoning.prompts.messages import (
    IMAGE_TOKENS,
    MESSAGE_TOKENS,
    Counter,
    Message,
    Prompt,
    estimate_tokens,
    map_png,
)
from mellm_demo.reasoning.prompts.words import (
    ANSWER_IN,
    ANSWER_LIKE,
    EXPLAIN_WHY,
    MELLM_V1_ZH,
    NO_QUESTION,
    QUESTION,
    SEES_NOTHING,
    STEPS,
    SYSTEM,
)
from mellm_demo.reasoning.protocol import QUESTION_CHARS, last_question
from mellm_demo.reasoning.tongues import other_language
from mellm_demo.records import Analysis, Turn
from mellm_demo.wording import Language

Style = Literal["plain", "mellm_v1", "brief"]

MOST_EARLIER_CHARACTERS = 2000  # of a question that has been answered already
MOST_ANSWER_CHARACTERS = 6000  # of an earlier answer
DEFAULT_BUDGET = 3072  # tokens of prompt: leaves 1,024 of a 4,096 context for the answer


def build(
    analysis: Analysis,
    turns: Sequence[Turn] = (),
    *,
    language: Language = "en",
    style: Style = "plain",
    template: str | None = None,
    budget: int = DEFAULT_BUDGET,
    count: Counter = estimate_tokens,
    image_tokens: int = IMAGE_TOKENS,
    looked_up: bool = True,
    sees: bool = True,
) -> Prompt:
    """Messages for a chat model.

    Args:
        analysis: what was measured.
        turns: the conversation so far; the last turn is the question. None asks for the first explanation.
        language: of the answer, where no question shows one. A question in neither English nor Chinese is to be
            answered in its own, in the plain style; the other two are those of models that were not taught any.
        style: ``mellm_v1`` is the shape that the published weights were trained on: image first, Chinese, no system
            part of our own. Its first explanation holds no numbers; follow-up questions, for which there was no
            training, get the evidence beside the image.
            ``brief`` is what the app's own small model was taught on: no system part, the record in few lines, English.
        template: text to put in the place of our Chinese words in that style (see ``read_prompt_file``).
        budget: most tokens for all messages. Older turns are left out first; the evidence and the image never.
        count: tokens of a text.
        image_tokens: tokens of the image.
        looked_up: in the brief style, whether what a question names is looked up and put beside it.
        sees: whether the model takes images; one that does not is told that only the visitor sees this one.

    Raises ReasonerError where evidence and question alone exceed the budget.
    """
    question = last_question(turns)
    other = False
    if question is not None:
        for turn in turns:
            if turn.role == "user":
                language, other = language_of(turn.text, language), other_language(turn.text, other)
    image = map_png(analysis.moment.motion_map) if analysis.moment and sees else None
    facts = Facts(analysis)
    if style == "brief":
        return _fitted(*_brief(facts, turns, image, looked_up), "en", budget, count, image_tokens)
    answer_in = ANSWER_LIKE if other and style == "plain" else ANSWER_IN
    head = _head(facts, language, style, template, image, answer_in[language], asked=question is not None)
    talk = _talk(turns, language) if question is not None else ()
    return _fitted(head, talk, language, budget, count, image_tokens)


def _head(
    facts: Facts,
    language: Language,
    style: Style,
    template: str | None,
    image: bytes | None,
    answer_in: str,
    *,
    asked: bool,
) -> tuple[Message, ...]:
    """Everything that never is trimmed: the system part, and the message with image and evidence."""
    if style == "mellm_v1":
        parts = [template or MELLM_V1_ZH]
        if asked:
            parts.append(motion_prompt(facts, language))
        if not facts.found:
            parts.append(unreliable(facts, language))
        parts.append(answer_in)
        return (Message("user", "\n\n".join(parts), image),)
    pictured = facts.analysis.moment is not None
    parts = [legend(language)] if pictured else []  # visitors ask about the image even where only they see it
    parts.append(motion_prompt(facts, language))
    if not facts.found:
        parts.append(unreliable(facts, language))
    if not asked:
        parts.append(STEPS[language] if facts.found else EXPLAIN_WHY[language])
    parts.append(answer_in)
    rules = SYSTEM[language].replace(*SEES_NOTHING[language]) if pictured and not image else SYSTEM[language]
    return Message("system", rules), Message("user", "\n\n".join(parts), image)


def _brief(
    facts: Facts, turns: Sequence[Turn], image: bytes | None, looked_up: bool
) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Head and talk for the app's own small model. What explains before anything was asked was asked to explain."""
    last = max((index for index, turn in enumerate(turns) if turn.role == "user"), default=-1)
    explaining = last < 0 or turns[0].role == "assistant"
    words = brief.record(facts) + (f"\n{brief.EXPLAIN}" if explaining else "")
    told, earlier = [], list[str]()
    for place, turn in enumerate(turns[: last + 1]):
        if turn.role == "user":
            question = clean(turn.text, _most(place == last)) or NO_QUESTION["en"]
            told.append(
                Message("user", lookup.with_looked_up(facts, question, tuple(earlier)) if looked_up else question)
            )
            earlier.append(turn.text)
        elif text := clean(turn.text, MOST_ANSWER_CHARACTERS):
            told.append(Message("assistant", text))
    return (Message("user", words, image),), tuple(told)


def _talk(turns: Sequence[Turn], language: Language) -> tuple[Message, ...]:
    """The conversation up to its last question, cleaned."""
    last = max(index for index, turn in enumerate(turns) if turn.role == "user")
    told = []
    for place, turn in enumerate(turns[: last + 1]):
        if turn.role == "user":
            told.append(Message("user", _asked(turn.text, language, _most(place == last))))
        elif text := clean(turn.text, MOST_ANSWER_CHARACTERS):
            told.append(Message("assistant", text))
    return tuple(told)


def _most(to_answer: bool) -> int:
    """Characters of a question that are told: what is to be answered whole, what came before it shorter."""
    return QUESTION_CHARS if to_answer else MOST_EARLIER_CHARACTERS


def _asked(question: str, language: Language, most: int) -> str:
    lead = QUESTION[language]
    return f"{lead}\n<question>\n{clean(question, most) or NO_QUESTION[language]}\n</question>"


def _fitted(
    head: tuple[Message, ...],
    talk: tuple[Message, ...],
    language: Language,
    budget: int,
    count: Counter,
    image_tokens: int,
) -> Prompt:
    """As many of the latest turns as fit; what must be told is the head and the last question."""

    def cost(messages: Sequence[Message]) -> int:
        return sum(count(one.text) + MESSAGE_TOKENS + (image_tokens if one.image_png else 0) for one in messages)

    used = cost(head) + cost(talk[-1:])
    if used > budget:
        raise ReasonerError(
            f"The measurements and the question take {used} tokens, but the model is given {budget}. "
            "Ask a shorter question, or give the model a longer context."
        )
    kept = list(talk[-1:])
    for message in reversed(talk[:-1]):
        if used + cost([message]) > budget:
            break
        used += cost([message])
        kept.insert(0, message)
    return Prompt(_alternating((*head, *kept)), language, used, len(talk) - len(kept))


def _alternating(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Neighbours of the same role as one message: many chat templates take only user and assistant in turns."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            before = merged[-1]
            merged[-1] = Message(before.role, f"{before.text}\n\n{message.text}", before.image_png)
        else:
            merged.append(message)
    return tuple(merged)
