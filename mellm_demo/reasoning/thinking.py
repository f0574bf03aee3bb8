"""A model's stream as it comes → what it thinks and what it answers, and a stop where it goes round in circles.

Pure text: knows no model and no page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mellm_demo.reasoning.protocol import CutOff, Piece, Thought

OPENING, CLOSING = "<think>", "</think>"
LEAST_PERIOD = 12  # characters; shorter ones (“very, very”, a row of dashes) may be meant
MOST_PERIOD = 600  # a paragraph
REPEATS = 4  # as many times in a row is no emphasis any more
LEAST_REPEATED = 160  # characters that the repetition fills in all


def unfold(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """What stands between think tags becomes Thought; the tags go. Tags may come cut over several pieces.

    A closing tag without an opening one is dropped: some chat templates open it in the prompt, and what was shown by
    then cannot be taken back.
    """
    held, thinking, told = "", False, False
    for piece in pieces:
        if not isinstance(piece, str):
            if held:  # what is not text ends a cut tag
                yield Thought(held) if thinking else held
                held = ""
            yield piece
            continue
        held += piece
        while held:
            tag = CLOSING if thinking else OPENING
            place = held.find(tag)
            stray = -1 if thinking else held.find(CLOSING)
            if stray >= 0 and (place < 0 or stray < place):
                place, tag = stray, CLOSING
            if place < 0:
                keep = max(_tail(held, OPENING), _tail(held, CLOSING))
                ready, held = held[: len(held) - keep], held[len(held) - keep :]
            else:
                ready, held = held[:place], held[place + len(tag) :]
            if not thinking and not told:
                ready = ready.lstrip()
            if ready:
                told = told or not thinking
                yield Thought(ready) if thinking else ready
            if place < 0:
                break
            thinking = tag == OPENING
    if held:
        yield Thought(held) if thinking else held


def _tail(text: str, tag: str) -> int:
    """How many characters at the end may be the beginning of a tag."""
    return next((size for size in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:size])), 0)


def until_it_repeats(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces up to where the same words come over and over; then CutOff and nothing more."""
    said = ""
    for piece in pieces:
        yield piece
        if isinstance(piece, (str, Thought)):
            said = (said + (piece if isinstance(piece, str) else piece.text))[-MOST_PERIOD * REPEATS :]
            if repeats(said):
                yield CutOff("repetition")
                return


def repeats(text: str) -> bool:
    """Whether a text ends in the same words several times over: ``REPEATS`` times, and long enough to be no figure."""
    for period in range(LEAST_PERIOD, min(MOST_PERIOD, len(text) // REPEATS) + 1):
        times = max(REPEATS, -(-LEAST_REPEATED // period))
        span = times * period
        if span <= len(text) and text[-period:] == text[-2 * period : -period]:
            end = text[-span:]
            if end == end[:period] * times and not end.isspace():
                return True
    return False
