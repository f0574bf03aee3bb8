"""Sentences in many wordings: “{The|That} movement {lasted|took} [length]” and a random number generator.

Braces hold alternatives, separated by bars, nested as deep as one likes; an empty one leaves the words out. Square
brackets hold values. Knows nothing of what is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_VALUE = re.compile(r"\[(\w+)\]")


def expand(template: str, random: np.random.Generator) -> str:
    """One of the wordings, values still in brackets."""
    while found := _INNERMOST.search(template):
        parts = found[1].split("|")
        chosen = parts[int(random.integers(len(parts)))]
        template = template[: found.start()] + chosen + template[found.end() :]
    return template


def fill(template: str, values: dict[str, str]) -> str:
    """Values put in, spaces tidied, sentences begun with capitals. Raises KeyError for a value that is missing."""
    text = _VALUE.sub(lambda found: values[found[1]], template)
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" +([.,;:?!])", r"\1", text)
    text = re.sub(r"(?<=[.!?] )([a-z])", lambda found: found[1].upper(), text.strip())
    return text[:1].upper() + text[1:]


def patterns(template: str) -> int:
    """How many wordings a template has."""
    return _sequence(template, 0, "")[0]


def _sequence(text: str, place: int, stops: str) -> tuple[int, int]:
    count = 1
    while place < len(text) and text[place] not in stops:
        if text[place] == "{":
            total, place = 0, place + 1
            while True:
                inner, place = _sequence(text, place, "|}")
                total += inner
                place += 1
                if text[place - 1] == "}":
                    break
            count *= total
        else:
            place += 1
    return count, place


class Speaker:
    """Says things, each time as chance has it."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random

    def __call__(self, *templates: str, **values: str) -> str:
        """One of the templates, expanded and filled."""
        chosen = templates[int(self.random.integers(len(templates)))]
        return fill(expand(chosen, self.random), values)

    def maybe(self, share: float) -> bool:
        """True in so many cases."""
        return bool(self.random.random() < share)

    def one(self, choices: Sequence[Choice]) -> Choice:
        """One of these."""
        return choices[int(self.random.integers(len(choices)))]

    def joined(self, sentences: Iterable[str]) -> str:
        """Sentences in their order, empty ones left out."""
        return " ".join(sentence for sentence in sentences if sentence)


def listed(parts: Sequence[str], last: str = "and") -> str:
    """“a, b and c”."""
    return ", ".join(parts[:-1]) + f" {last} " + parts[-1] if len(parts) > 1 else "".join(parts)
