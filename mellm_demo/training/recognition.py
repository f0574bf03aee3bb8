"""Trains the head that ships with the app and writes its card.

``python -m mellm_demo.training.recognition --data DIR``
Reproduces weights/recognition from a seed in a few minutes on two cores, closed form, no graphics card. The ideas in
IDEAS compete. Whatever is chosen (idea, penalty, calibration, thresholds) is chosen on inner folds of training people,
never on those who are tested: for each person left out, all of it is chosen anew on the others. There are no epochs.
The list of IDEAS itself was drawn up with outer scores in sight; the card says so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import MellmError
from mellm_demo.recognition import network
from mellm_demo.recognition.network import UNITS
from mellm_demo.training.annotations import class_given_unit
from mellm_demo.training.calibration import compared
from mellm_demo.training.card import card
from mellm_demo.training.framing import read_reframed
from mellm_demo.training.heads import Material, Recipe, Unseen, choose, final_head, leave_out, material
from mellm_demo.training.listing import heard_unseen
from mellm_demo.training.me_flow import Corpus, data_folder, read_me_flow
from mellm_demo.training.scores import calibration_error, f1, uf1_uar

_WARPS = 12
# The ideas that were tried, each a step from another. Every one is measured, the best of the inner folds is shipped.
IDEAS: tuple[Recipe, ...] = (
    Recipe("linear, u and v in common units, no warps", hidden=0, members=1, warps=0, common_units=True),
    Recipe("the same with warps", hidden=0, members=1, warps=_WARPS, common_units=True),
    Recipe("each channel by its own spread, warps", hidden=0, members=1, warps=_WARPS),
    Recipe("… without mirror and shifted views", hidden=0, members=1, warps=_WARPS, mirror=False, views=False),
    Recipe("… with a hidden layer of random units", hidden=96, members=3, warps=6),
    Recipe("… with the classes' prior from DFME and CAS(ME)^3", hidden=0, members=1, warps=_WARPS, prior=0.3),
)


def ideas(folder: Path) -> tuple[Recipe, ...]:
    """IDEAS, the prior filled in from the annotation tables in ``folder``."""
    codes = class_given_unit(folder)
    return tuple(replace(idea, codes=codes) if idea.prior else idea for idea in IDEAS)


def shipped_idea(folder: Path, out: Path = network.FOLDER) -> Recipe:
    """The idea by which the head in ``out`` was fitted, filled in as ``ideas`` does."""
    name = network.numbers(out)["recipe"]
    return next(idea for idea in ideas(folder) if idea.name == name)


def measures(unseen: Unseen) -> dict[str, Any]:
    """au_f1, au_macro_f1, coarse_uf1, coarse_uar, ece (the worse of units and classes) and its two parts."""
    corpus, reading = unseen.corpus, unseen.reading
    coded, labelled = corpus.coded, corpus.coarse >= 0
    shown = {au: corpus.units[coded, k] > 0 for k, au in enumerate(UNITS)}
    per_unit = {str(au): f1(unseen.claimed[coded, k], shown[au]) for k, au in enumerate(UNITS) if shown[au].any()}
    chosen = reading.coarse.argmax(axis=1)
    uf1, uar = uf1_uar(chosen[labelled], corpus.coarse[labelled])
    of_class = (
        calibration_error(reading.coarse.max(axis=1)[labelled], (chosen == corpus.coarse)[labelled])
        if labelled.any()
        else None
    )
    of_units = calibration_error(reading.units[coded].ravel(), corpus.units[coded].ravel() > 0) if coded.any() else None
    errors = [value for value in (of_units, of_class) if value is not None]
    return {
        "au_f1": per_unit,
        "au_macro_f1": float(np.mean(list(per_unit.values()))) if per_unit else None,
        "coarse_uf1": uf1 if labelled.any() else None,
        "coarse_uar": uar if labelled.any() else None,
        "ece": max(errors) if errors else None,
        "ece_units": of_units,
        "ece_class": of_class,
    }


def cross_validation(stuffs: Sequence[Material]) -> dict[str, Any]:
    """People left out one by one, and whole corpora left out where there are two or more; ``measures`` of each."""
    corpus = stuffs[0].corpus
    people = sorted(set(corpus.group.tolist()))
    report: dict[str, Any] = {}

    unseen, taken = leave_out(stuffs, [[person] for person in people], tell)
    report["leave one person out"] = {**measures(unseen), "chosen": taken}
    corpora = sorted(set(corpus.dataset.tolist()))
    for held in corpora if len(corpora) > 1 else ():
        unseen, taken = leave_out(stuffs, [[person for person in people if person.startswith(f"{held}/")]], tell)
        rest = " + ".join(name for name in corpora if name != held)
        report[f"{rest} → {held}"] = {**measures(unseen), "chosen": taken}
    print(file=sys.stderr)
    return report


def train(corpus: Corpus, recipes: Sequence[Recipe], out: Path, seed: int) -> dict[str, Any]:
    """Measures every idea and their nested choice, fits the head on everyone, writes weights, numbers and card."""
    stuffs = [material(corpus, recipe, seed) for recipe in recipes]
    table = {stuff.recipe.name: cross_validation([stuff]) for stuff in stuffs}
    nested = cross_validation(stuffs)
    badges = {int(au): value for au, value in nested["leave one person out"]["au_f1"].items()}
    head, recipe = final_head(stuffs, badges)
    shipped = next(stuff for stuff in stuffs if stuff.recipe is recipe)
    everyone = sorted(set(corpus.group.tolist()))
    heard = heard_unseen(shipped, everyone, choose(shipped, everyone)[0])
    numbers = {
        "seed": seed,
        "recipe": recipe.name,
        "caution": heard.caution(heard.reliability()),
        "measured": nested,
        "ideas": table,
        "calibration": compared(shipped, tell),
        "framing": framings(shipped),
        "clips": len(corpus),
    }
    network.save(head, out, numbers)
    write_card(corpus, recipe, numbers, out)
    return numbers


def write_card(corpus: Corpus, recipe: Recipe, numbers: dict[str, Any], out: Path) -> None:
    """``out``/card.md."""
    (out / "card.md").write_text(card(corpus, recipe, numbers, out), encoding="utf-8")


def framings(stuff: Material) -> dict[str, dict[str, Any]]:
    """Framing of the tested pictures → ``measures`` of people left out."""
    return {name: measures(unseen) for name, unseen in read_reframed(stuff, tell).items()}


def tell(text: str) -> None:
    """How far the work is, for whoever waits."""
    print(text, end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where the data cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m mellm_demo.training.recognition", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, help="folder with me_flow/ and annotations/; else $MELLM_DATA")
    parser.add_argument("--out", type=Path, default=network.FOLDER, help="where weights and card go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--card", action="store_true", help="only the card anew, from the numbers that lie in --out")
    arguments = parser.parse_args(argv)
    try:
        folder = data_folder(arguments.data)
        corpus = read_me_flow(folder)
        if arguments.card:
            numbers = network.numbers(arguments.out)
            write_card(corpus, shipped_idea(folder, arguments.out), numbers, arguments.out)
        else:
            numbers = train(corpus, ideas(folder), arguments.out, arguments.seed)
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    print(json.dumps(numbers["measured"], indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
