"""Teaches the vision tower to see: regional flow and action units from maps, in pieces of time, as long as it takes.

``python -m mellm_demo.training.pretrain_tower --data DIR --state DIR --language FILE [--bank DIR] [--minutes M]`` goes
on where it was stopped, by ``--minutes`` or by a kill. Maps are drawn by number, so a resumed run sees what it would
have seen. With a language model the tower's tokens learn to name in its words what moved (see embedded/naming.py).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mellm_demo.errors import InputError, MellmError
from mellm_demo.training.embedded import checkpoint
from mellm_demo.training.embedded.drawing import batches, gathered
from mellm_demo.training.embedded.recipe import DEFAULT, Pretrain, Recipe, read_recipe
from mellm_demo.training.embedded.stream import Maps
from mellm_demo.training.instruct.bank import Bank
from mellm_demo.training.instruct.faces import Faces, read_faces
from mellm_demo.training.instruct.tables import Coded, read_tables

if TYPE_CHECKING:
    import torch

HELD_OUT_SEED = 1_000_003
WORD_IMAGES = 24_000  # that a projector alone needs
WORD_RATE = 2e-3


def rate_at(seen: int, settings: Pretrain) -> float:
    """The learning rate after ``seen`` images: rises in a line, falls as a cosine, stays at its end."""
    rise = min(1.0, (seen + settings.batch) / max(settings.warmup_images, 1))
    done = min(seen / settings.images, 1.0)
    fall = settings.final_share + (1.0 - settings.final_share) * 0.5 * (1.0 + math.cos(math.pi * done))
    return settings.learning_rate * rise * fall


def train(
    recipe: Recipe, faces: Faces, events: tuple[Coded, ...], state_folder: Path, *,
    bank: Bank | None = None, language: Path | None = None, minutes: float | None = None,
    most_images: int | None = None,
) -> dict[str, float]:  # fmt: skip
    """Train until the time is up, ``most_images`` were seen, or the recipe's count is reached. The last scores.

    language: a language model (see ``embedded.model.read_language``); with it the tower's tokens learn to name in its
    words what moved. Raises InputError where the state in the folder belongs to another shape.
    """
    import torch

    from mellm_demo.training.embedded.tower import loss_of, pixel_values, pretraining_model

    settings = recipe.pretrain
    torch.manual_seed(settings.seed)
    meant = _meanings(recipe, language) if language else None
    model = pretraining_model(recipe.model, meant.shape[-1] if meant is not None else 0)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    seen = _resumed(state_folder, recipe, model, optimiser)
    maps = Maps(faces, faces.rows(held_out=False), events, bank, settings.bank_share, settings.seed)
    clock = checkpoint.Clock(minutes, settings.save_minutes)
    end = settings.images if most_images is None else min(settings.images, most_images)
    sums: dict[str, float] = {}
    counted, reported = 0, seen
    model.train()
    drawn = batches(maps, seen, settings.batch, settings.workers)
    try:
        while seen < end and not clock.over:
            batch = next(drawn)
            for group in optimiser.param_groups:
                group["lr"] = rate_at(seen, settings)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.precision == "bf16"):
                made = model(pixel_values(batch.images))
            regions, units = torch.from_numpy(batch.regions), torch.from_numpy(batch.units).float()
            loss, parts = loss_of(made, regions, units, meant)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            seen += settings.batch
            counted += 1
            sums = {name: sums.get(name, 0.0) + value for name, value in parts.items()}
            if seen - reported >= settings.report_images:
                checkpoint.log(state_folder, seen=seen, **{k: round(v / counted, 5) for k, v in sums.items()})
                sums, counted, reported = {}, 0, seen
            if clock.save_is_due:
                _save(state_folder, recipe, model, optimiser, seen)
    finally:
        drawn.close()
    _save(state_folder, recipe, model, optimiser, seen)
    result = evaluate(model, recipe, faces, events, meant)
    checkpoint.log(state_folder, seen=seen, **{k: round(v, 4) for k, v in result.items()})
    return result


def teach_words(
    recipe: Recipe, faces: Faces, events: tuple[Coded, ...], state_folder: Path, out: Path, language: Path, *,
    bank: Bank | None = None, images: int = WORD_IMAGES,
) -> dict[str, float]:  # fmt: skip
    """A new projector for a tower that is finished: it learns the words of a language model, the tower keeps still.

    Writes a state like ``train`` to ``out``. Raises InputError where there is no tower.
    """
    import torch

    from mellm_demo.training.embedded import naming
    from mellm_demo.training.embedded.tower import pixel_values, pretraining_model

    settings = replace(recipe.pretrain, images=images, warmup_images=images // 20, learning_rate=WORD_RATE)
    torch.manual_seed(settings.seed)
    state, meant = checkpoint.load(state_folder), _meanings(recipe, language)
    if state is None:
        raise InputError(f"There is no trained tower in {state_folder.name}. Train it first.")
    model = pretraining_model(recipe.model, meant.shape[-1])
    known = {name: weight for name, weight in state["model"].items() if not name.startswith("projector.")}
    model.load_state_dict(known, strict=False)
    parameters = list(model.projector.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.0, fused=True)
    maps = Maps(faces, faces.rows(held_out=False), events, bank, settings.bank_share, settings.seed + 1)
    drawn = batches(maps, 0, settings.batch, settings.workers)
    seen, total, counted = 0, 0.0, 0
    try:
        while seen < images:
            batch = next(drawn)
            for group in optimiser.param_groups:
                group["lr"] = rate_at(seen, settings)
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.precision == "bf16"):
                hidden = model.tower(pixel_values=pixel_values(batch.images), output_hidden_states=True).hidden_states
            loss = naming.loss_of(model.projector(hidden[-1].float()), meant, torch.from_numpy(batch.units).float())
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            seen, total, counted = seen + settings.batch, total + float(loss.detach()), counted + 1
            if counted * settings.batch >= settings.report_images:
                checkpoint.log(out, seen=seen, naming=round(total / counted, 5))
                total, counted = 0.0, 0
    finally:
        drawn.close()
    _save(out, recipe, model, optimiser, seen)
    result = evaluate(model, recipe, faces, events, meant)
    checkpoint.log(out, seen=seen, **{k: round(v, 4) for k, v in result.items()})
    return result


def _meanings(recipe: Recipe, language: Path) -> torch.Tensor:
    from mellm_demo.training.embedded.model import image_tokens, read_language
    from mellm_demo.training.embedded.naming import meanings

    model, tokenizer = read_language(language)
    return meanings(model.get_input_embeddings().weight.detach(), tokenizer, image_tokens(recipe.model))


def evaluate(
    model: torch.nn.Module, recipe: Recipe, faces: Faces, events: tuple[Coded, ...], meant: torch.Tensor | None = None
) -> dict[str, float]:
    """Scores on people never trained on, at thresholds of 0.5; ``regions_r2``: the share of the variance explained.

    With the tokens' meanings also ``named_…``: how well they are told from the tokens.
    """
    import torch

    from mellm_demo.training.embedded import naming
    from mellm_demo.training.embedded.tower import pixel_values, scores

    rows = faces.rows(held_out=True) or faces.rows(held_out=False)
    maps = Maps(faces, rows, events, seed=HELD_OUT_SEED)
    model.eval()
    made, logits, named, regions, units = [], [], [], [], []
    with torch.no_grad():
        for first in range(0, recipe.pretrain.held_out_images, recipe.pretrain.batch):
            last = min(first + recipe.pretrain.batch, recipe.pretrain.held_out_images)
            batch = gathered([maps.example(number) for number in range(first, last)])
            flow, shown, told = model(pixel_values(batch.images))
            made.append(flow)
            logits.append(shown)
            if told is not None and meant is not None:
                named.append(naming.read(told, meant))
            regions.append(torch.from_numpy(batch.regions))
            units.append(torch.from_numpy(batch.units))
    model.train()
    truth, shown_truly = torch.cat(regions), torch.cat(units)
    missed = float(((torch.cat(made) - truth) ** 2).sum())
    result = scores(torch.cat(logits), shown_truly)
    if named:
        result |= {f"named_{name}": value for name, value in scores(torch.cat(named), shown_truly).items()}
    return result | {"regions_r2": 1.0 - missed / max(float(((truth - truth.mean(dim=0)) ** 2).sum()), 1e-9)}


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
    if set(state["model"]) != set(model.state_dict()):
        raise InputError(
            f"The state in {folder.name} was taught {'without' if model.projector is not None else 'with'} --language. "
            "Go on in the same way, or name another --state folder."
        )
    model.load_state_dict(state["model"])
    try:
        optimiser.load_state_dict(state["optimiser"])
    except ValueError:
        raise InputError(
            f"In the state in {folder.name} only a projector was taught (--words): its tower is finished. "
            "Name another --state folder."
        ) from None
    return int(state["seen"])


def eye_weights(folder: Path, part: str = "tower") -> dict[str, Any]:
    """Weights in a state folder: the tower's, named as in SiglipVisionModel, or the projector's, as in LLaVA's.

    Empty for a projector that was not taught. Raises InputError where there is no state.
    """
    state = checkpoint.load(folder)
    if state is None:
        raise InputError(f"There is no trained tower in {folder.name}. Run mellm_demo.training.pretrain_tower first.")
    start = f"{part}."
    return {name.removeprefix(start): w for name, w in state["model"].items() if name.startswith(start)}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.pretrain_tower", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds faces/ and annotations/")
    parser.add_argument("--state", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--language", type=Path, help="SmolLM2 as .gguf, or a folder of transformers'")
    parser.add_argument("--bank", type=Path, help="flows of mellm_demo.training.instruct.bank")
    parser.add_argument("--faces", type=Path, help="where the aligned faces are kept; default: STATE/faces.npz")
    parser.add_argument("--recipe", type=Path, default=DEFAULT)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--minutes", type=float, help="stop after so long; the same command goes on")
    parser.add_argument("--images", type=int, help="stop when so many were seen in all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--words", type=Path, metavar="STATE", help="only a new projector, into this state folder")
    given = parser.parse_args(argv)
    try:
        import cv2
        import torch

        cv2.setNumThreads(1)
        torch.set_num_threads(given.threads)
        recipe = read_recipe(given.recipe, given.set)
        faces = read_faces(given.data / "faces", given.faces or given.state / "faces.npz")
        bank = Bank(given.bank) if given.bank else None
        if given.words:
            if given.language is None:
                raise InputError("Words are a language model's: give --language too.")
            teach_words(recipe, faces, read_tables(given.data), given.state, given.words, given.language, bank=bank)
            return 0
        train(
            recipe, faces, read_tables(given.data), given.state,
            bank=bank, language=given.language, minutes=given.minutes, most_images=given.images,
        )  # fmt: skip
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
