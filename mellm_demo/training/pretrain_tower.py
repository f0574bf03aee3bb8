"""Teaches the vision tower to see: regional flow and action units from maps, in pieces of time, as long as it takes.

``python -m mellm_demo.training.pretrain_tower --data DIR --state DIR [--bank DIR] [--minutes M]`` goes on where it was
stopped, by ``--minutes`` or by a kill. Maps are drawn by number, so a resumed run sees what it would have seen.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mellm_demo.errors import InputError, MellmError
from mellm_demo.training.embedded import checkpoint
from mellm_demo.training.embedded.recipe import DEFAULT, Pretrain, Recipe, read_recipe
from mellm_demo.training.embedded.stream import Maps
from mellm_demo.training.instruct.bank import Bank
from mellm_demo.training.instruct.faces import Faces, read_faces
from mellm_demo.training.instruct.tables import Coded, read_tables

if TYPE_CHECKING:
    import torch

HELD_OUT_SEED = 1_000_003


def rate_at(seen: int, settings: Pretrain) -> float:
    """The learning rate after ``seen`` images: rises in a line, falls as a cosine, stays at its end."""
    rise = min(1.0, (seen + settings.batch) / max(settings.warmup_images, 1))
    done = min(seen / settings.images, 1.0)
    fall = settings.final_share + (1.0 - settings.final_share) * 0.5 * (1.0 + math.cos(math.pi * done))
    return settings.learning_rate * rise * fall


def train(
    recipe: Recipe, faces: Faces, events: tuple[Coded, ...], state_folder: Path, *,
    bank: Bank | None = None, minutes: float | None = None, most_images: int | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train until the time is up, ``most_images`` were seen, or the recipe's count is reached. The last scores.

    Raises InputError where the state in the folder belongs to another shape.
    """
    import torch

    from mellm_demo.training.embedded.tower import loss_of, pixel_values, pretraining_model

    settings = recipe.pretrain
    torch.manual_seed(settings.seed)
    model = pretraining_model(recipe.model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    seen = _resumed(state_folder, recipe, model, optimiser)
    maps = Maps(faces, faces.rows(held_out=False), events, bank, settings.bank_share, settings.seed)
    clock = checkpoint.Clock(minutes, settings.save_minutes)
    end = settings.images if most_images is None else min(settings.images, most_images)
    sums: dict[str, float] = {}
    batches, reported = 0, seen
    model.train()
    while seen < end and not clock.over:
        examples = [maps.example(seen + index) for index in range(settings.batch)]
        pixels = pixel_values(np.stack([one.image for one in examples]))
        regions = torch.from_numpy(np.stack([one.regions for one in examples]))
        units = torch.from_numpy(np.stack([one.units for one in examples]).astype(np.float32))
        for group in optimiser.param_groups:
            group["lr"] = rate_at(seen, settings)
        loss, parts = loss_of(model(pixels), regions, units)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        seen += settings.batch
        batches += 1
        sums = {name: sums.get(name, 0.0) + value for name, value in parts.items()}
        if seen - reported >= settings.report_images:
            checkpoint.log(state_folder, seen=seen, **{k: round(v / batches, 5) for k, v in sums.items()})
            sums, batches, reported = {}, 0, seen
        if clock.save_is_due:
            _save(state_folder, recipe, model, optimiser, seen)
    _save(state_folder, recipe, model, optimiser, seen)
    result = evaluate(model, recipe, faces, events)
    checkpoint.log(state_folder, seen=seen, **{k: round(v, 4) for k, v in result.items()})
    return result


def evaluate(model: torch.nn.Module, recipe: Recipe, faces: Faces, events: tuple[Coded, ...]) -> dict[str, float]:
    """Scores on people never trained on, at thresholds of 0.5; ``regions_r2``: the share of the variance explained."""
    import torch

    from mellm_demo.training.embedded.tower import pixel_values, scores

    rows = faces.rows(held_out=True) or faces.rows(held_out=False)
    maps = Maps(faces, rows, events, seed=HELD_OUT_SEED)
    model.eval()
    made, logits, regions, units = [], [], [], []
    with torch.no_grad():
        for first in range(0, recipe.pretrain.held_out_images, recipe.pretrain.batch):
            last = min(first + recipe.pretrain.batch, recipe.pretrain.held_out_images)
            examples = [maps.example(number) for number in range(first, last)]
            flow, shown = model(pixel_values(np.stack([one.image for one in examples])))
            made.append(flow)
            logits.append(shown)
            regions += [one.regions for one in examples]
            units += [one.units for one in examples]
    model.train()
    truth = torch.from_numpy(np.stack(regions))
    missed = float(((torch.cat(made) - truth) ** 2).sum())
    return {
        **scores(torch.cat(logits), torch.from_numpy(np.stack(units))),
        "regions_r2": 1.0 - missed / max(float(((truth - truth.mean(dim=0)) ** 2).sum()), 1e-9),
    }


def _save(folder: Path, recipe: Recipe, model: Any, optimiser: Any, seen: int) -> None:
    shape = {key: value for key, value in vars(recipe.model).items() if key != "language"}
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "seen": seen, "shape": shape}
    checkpoint.save(folder, state)


def _resumed(folder: Path, recipe: Recipe, model: Any, optimiser: Any) -> int:
    state = checkpoint.load(folder)
    if state is None:
        return 0
    shape = {key: value for key, value in vars(recipe.model).items() if key != "language"}
    if state.get("shape") != shape:
        raise InputError(
            f"The state in {folder.name} is of a tower with {state.get('shape')}, the recipe asks for {shape}. "
            "Name another --state folder."
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["seen"])


def tower_weights(folder: Path) -> dict[str, Any]:
    """The tower's weights in a state folder, named as in SiglipVisionModel. Raises InputError where there are none."""
    state = checkpoint.load(folder)
    if state is None:
        raise InputError(f"There is no trained tower in {folder.name}. Run mellm_demo.training.pretrain_tower first.")
    return {name.removeprefix("tower."): w for name, w in state["model"].items() if name.startswith("tower.")}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.pretrain_tower", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds faces/ and annotations/")
    parser.add_argument("--state", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--bank", type=Path, help="flows of mellm_demo.training.instruct.bank")
    parser.add_argument("--faces", type=Path, help="where the aligned faces are kept; default: STATE/faces.npz")
    parser.add_argument("--recipe", type=Path, default=DEFAULT)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--minutes", type=float, help="stop after so long; the same command goes on")
    parser.add_argument("--images", type=int, help="stop when so many were seen in all")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(argv)
    try:
        import cv2
        import torch

        cv2.setNumThreads(1)
        torch.set_num_threads(given.threads)
        recipe = read_recipe(given.recipe, given.set)
        faces = read_faces(given.data / "faces", given.faces or given.state / "faces.npz")
        bank = Bank(given.bank) if given.bank else None
        train(
            recipe, faces, read_tables(given.data), given.state,
            bank=bank, minutes=given.minutes, most_images=given.images,
        )  # fmt: skip
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
