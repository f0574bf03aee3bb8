"""MEGC's ME-VQA: its questions word for word, and answers in its format from a set of units and a class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mellm_demo import facs
from mellm_demo.records import BothSides

COARSE = "What is the coarse expression class?"
FINE = "What is the fine-grained expression class?"
LIST_ONE, LIST_MANY = "What is the action unit?", "What are the action units?"
SHOWN = "Is the action unit {name} shown on the face?"
SIDE = "Is the action unit {name} located on the left or right face?"
COMBINED_ONE = (
    "What is the action unit present, and based on it, what is the fine-grained expression and the coarse expression "
    "class?"
)
COMBINED_MANY = (
    "What are the action units present, and based on them, what is the fine-grained expression and the coarse "
    "expression class?"
)
SINGLE = (LIST_ONE, COMBINED_ONE)  # put in the singular
# Names of MEGC that are not those of facs, and movements that it asks about and facs does not hold.
SPELLED: dict[int, str] = {38: "nostril dilater", 39: "nostril compress"}
FOREIGN = ("head tilt right", "eye closure", "jaw clencher", "eyes left")


def name_of(au: int) -> str:
    """MEGC's name of a unit: “lip corner puller”."""
    return SPELLED.get(au, facs.AU_BY_NUMBER[au].name)


def number_of(name: str) -> int | None:
    """The unit that MEGC, or facs, calls so; None for what is none of facs' units."""
    wanted = name.strip().lower()
    return next((au for au in facs.AU_BY_NUMBER if wanted in (name_of(au), facs.AU_BY_NUMBER[au].name)), None)


def list_answer(units: Mapping[int, BothSides]) -> str:
    """“brow lowerer, lid tightener”, by number; “none” for no unit."""
    return ", ".join(name_of(au) for au in sorted(units)) or "none"


def combined_answer(units: Mapping[int, BothSides], fine: str, coarse: str, *, question: str = "") -> str:
    """The whole sentence, in MEGC's words: in the number that the question has, as all of MEGC's answers are.

    question: without it one unit is told in the singular, several in the plural.
    """
    single = question in SINGLE if question else len(units) == 1
    start = "The action unit present is" if single else "The action units present are"
    return (
        f"{start}: {list_answer(units)}. Therefore, the fine-grained expression class is {fine}, and the coarse "
        f"expression class is {coarse}."
    )


def pairs(
    units: Mapping[int, BothSides],
    fine: str | None,
    coarse: str | None,
    random: np.random.Generator,
    asked_absent: int = 2,
) -> list[tuple[str, str]]:
    """Every question that the labels answer, with its answer; absent units as they confuse, and at random.

    fine and coarse: None where nobody gave them; their questions are left out then.
    """
    made = []
    if coarse:
        made.append((COARSE, coarse))
    if fine:
        made.append((FINE, fine))
    if units:
        made.append((LIST_ONE if len(units) == 1 else LIST_MANY, list_answer(units)))
        shown = int(random.choice(sorted(units)))
        made.append((SHOWN.format(name=name_of(shown)), "yes"))
    confusers = {c for au in units for c in facs.AU_BY_NUMBER[au].confusers} - set(units)
    absent = [au for au in facs.AU_BY_NUMBER if au not in units]
    for _ in range(asked_absent):
        pool = sorted(confusers) if confusers and random.random() < 0.4 else absent
        name = name_of(int(random.choice(pool))) if random.random() < 0.92 else str(random.choice(FOREIGN))
        made.append((SHOWN.format(name=name), "no"))
    made += [(SIDE.format(name=name_of(au)), side) for au, side in units.items() if side != "both"]
    if units and fine and coarse:
        made.append((COMBINED_ONE if len(units) == 1 else COMBINED_MANY, combined_answer(units, fine, coarse)))
    return made
