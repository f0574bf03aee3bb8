"""What every language of the narrator can say, and how its answers are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from mellm_demo.reasoning.facts import Facts
from mellm_demo.reasoning.intents import Intent, Query

Answer = Callable[[Facts, Query], str]
PREFIX = "answer_"


@dataclass(frozen=True)
class Voice:
    """One language of the narrator."""

    explain: Callable[[Facts], str]  # the first explanation
    short: Callable[[Facts], str]  # why nothing is claimed, in one sentence
    suggestions: Callable[[Facts], tuple[str, ...]]  # questions that fit the finding
    answers: Mapping[Intent, Answer]


def answers_of(*modules: ModuleType) -> dict[Intent, Answer]:
    """Every function of these modules whose name says which intent it answers."""
    return {
        Intent(name.removeprefix(PREFIX)): function
        for module in modules
        for name, function in vars(module).items()
        if name.startswith(PREFIX)
    }
