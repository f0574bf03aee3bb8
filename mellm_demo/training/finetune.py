"""Fine-tunes a vision-language model on instruction data, in the paper's stages, in pieces of time.

``python -m mellm_demo.training.finetune --samples DIR… --state DIR --out DIR`` trains, with ``--language FILE.gguf``
and (where there is one) ``--tower DIR``, the small model; with ``--qwen DIR --set finetune.method=qlora`` a Qwen2.5-VL;
with ``--adapt weights/embedded --set finetune.method=lora`` an adapter over the 4-bit weights of what was exported
(``--onward``: from the adapter that lies there already).
It goes on where it was stopped (``--minutes``, a kill) and writes the model to ``--out`` when all stages are done.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mellm_demo.errors import InputError, MellmError
from mellm_demo.training.embedded import checkpoint
from mellm_demo.training.embedded.conversation import IGNORED, Encoded, endless, order, read_samples
from mellm_demo.training.embedded.families import Family, Small, read_qwen
from mellm_demo.training.embedded.layout import ADAPTED, read_adapter, read_eye
from mellm_demo.training.embedded.masters import Masters
from mellm_demo.training.embedded.quantise import language_linears, seen_as_q4_0
from mellm_demo.training.embedded.recipe import DEFAULT, Finetune, Recipe, Stage, read_recipe


@dataclass(frozen=True)
class Place:
    """How far training has come."""

    stage: int
    step: int  # within the stage


def steps_of(stage: Stage, lengths: Sequence[int], settings: Finetune) -> int:
    """Optimiser steps of a stage."""
    batches = len(order(lengths, settings.batch, 0, settings.seed))
    return max(math.ceil(stage.epochs * batches / settings.accumulate), 0)


def rate_share(step: int, steps: int, settings: Finetune) -> float:
    """Of the learning rate: rises in a line, falls as a cosine."""
    warm = max(settings.warmup_share * steps, 1.0)
    done = min(step / max(steps, 1), 1.0)
    fall = settings.final_share + (1.0 - settings.final_share) * 0.5 * (1.0 + math.cos(math.pi * done))
    return min((step + 1) / warm, 1.0) * fall


def adapted(family: Family, settings: Finetune) -> Any:
    """The model to train: itself, or with LoRA adapters on its language model."""
    if settings.method == "full":
        return family.model
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    model = family.model
    if settings.method == "qlora":
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    lora = LoraConfig(
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        target_modules=rf".*language_model.*\.({'|'.join(settings.lora_layers)})_proj",
        lora_dropout=0.0,
        bias="none",
    )
    return get_peft_model(model, lora)


def _begin_from(model: Any, folder: Path, settings: Finetune) -> None:
    """The adapter of an exported folder as the start of ``model``'s. Raises InputError where it is of another shape."""
    from mellm_demo.training.export_gguf import ADAPTER_FILE

    config = model.config.text_config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    learned, alpha = read_adapter(folder / ADAPTER_FILE, heads)
    own = {
        (int(found["index"]), found["layer"], found["part"]): parameter
        for name, parameter in model.named_parameters()
        if (found := ADAPTED.search(name))
    }
    if own.keys() != learned.keys() or any(own[key].shape != weight.shape for key, weight in learned.items()):
        raise InputError(
            f"The adapter in {folder.name} has other layers or another rank. Set finetune.lora_layers and "
            "finetune.lora_rank as it was learned."
        )
    for key, weight in learned.items():
        share = alpha / settings.lora_alpha if key[2] == "B" else 1.0
        own[key].data.copy_(weight * share)


def choose_trainable(family: Family, stage: Stage, settings: Finetune) -> list[dict[str, Any]]:
    """Parameter groups of a stage; everything else is frozen.

    With adapters the language model's own weights stay as they are; tower and projector are trained where the stage
    names them, unless the model is at 4 bits, where only adapters are.
    """
    for parameter in family.model.parameters():
        parameter.requires_grad_(False)
    parts, seen = family.parts(), set()
    groups: list[dict[str, Any]] = []
    for name in ("projector", "tower", "language"):
        if name not in stage.train:
            continue
        chosen = []
        for label, parameter in parts[name].named_parameters():
            lora = "lora_" in label
            if id(parameter) in seen or not parameter.is_floating_point():
                continue
            if settings.method != "full" and (name == "language") != lora:
                continue
            if settings.method == "qlora" and not lora:
                continue
            seen.add(id(parameter))
            chosen.append(parameter.requires_grad_(True))
        rate = settings.learning_rate if name == "language" else settings.vision_learning_rate
        for decayed in (True, False):
            some = [p for p in chosen if (p.dim() > 1) == decayed]
            if some:
                decay = settings.weight_decay if decayed else 0.0
                groups.append({"params": some, "base_lr": rate, "lr": rate, "weight_decay": decay})
    return groups


def loss_of(model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
    """Sum of the cross entropies of what is to be learned, weighted by sample, and the sum of the weights.

    Only their hidden states are turned into logits: with 49,152 words that saves most of the output layer's work.
    """
    import torch.nn.functional as F

    labels = batch["labels"]
    # Padding is at the right, where causal attention does not look; without a mask it skips half of the work.
    inputs = {name: value for name, value in batch.items() if name not in ("labels", "weights", "attention_mask")}
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = base.model(**inputs, use_cache=False).last_hidden_state[:, :-1]
    wanted = labels[:, 1:]
    kept = wanted != IGNORED
    weights = batch["weights"][:, None].expand_as(wanted)[kept]
    logits = base.lm_head(hidden[kept])
    return (F.cross_entropy(logits.float(), wanted[kept], reduction="none") * weights).sum(), float(weights.sum())


def train(
    family: Family, recipe: Recipe, lines: Sequence[dict[str, Any]], state_folder: Path, *,
    minutes: float | None = None, most_steps: int | None = None, device: str | None = None, start: Path | None = None,
) -> Any | None:  # fmt: skip
    """Train until the stages are done: the model. None where the time was up or ``most_steps`` were made before.

    start: an exported folder whose adapter is where a new adapter begins.
    """
    import torch

    settings = recipe.finetune
    torch.manual_seed(settings.seed)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    samples = family.encoded(lines, settings.max_tokens)
    model = adapted(family, settings)
    if start is not None:
        _begin_from(model, start, settings)
    if settings.method != "qlora":
        model.to(device)
    model.train()
    state = checkpoint.load(state_folder)
    place = Place(0, 0)
    if state is not None:
        place = _restored(model, state, state_folder)
    clock = checkpoint.Clock(minutes, settings.save_minutes)
    made = 0
    for index in range(place.stage, len(settings.stages)):
        stage = settings.stages[index]
        first = place.step if index == place.stage else 0
        chosen = samples if "language" in stage.train else [one for one in samples if one.image is not None]
        if not chosen:
            raise InputError(
                f"The stage “{stage.name}” trains the eye, but no sample has an image. Write some that do."
            )
        learner = _Learner(family, model, stage, settings, device)
        if not learner.groups:
            continue
        if state is not None and index == place.stage and first > 0:
            learner.optimiser.load_state_dict(state["optimiser"])
        steps = steps_of(stage, [len(one.ids) for one in chosen], settings)
        runner = _Runner(family, learner, chosen, recipe, index, state_folder)
        for step in runner.steps(first, steps):
            made += 1
            over = clock.over or (most_steps is not None and made >= most_steps)
            if over or clock.save_is_due:
                _save(state_folder, learner, Place(index, step + 1))
            if over and step + 1 < steps:
                learner.finish()
                return None
        _save(state_folder, learner, Place(index + 1, 0))
        learner.finish()
        if (clock.over or (most_steps is not None and made >= most_steps)) and index + 1 < len(settings.stages):
            return None
    return model


class _Learner:
    """A model with what one stage trains of it: the optimiser, and masters where it computes in bfloat16."""

    def __init__(self, family: Family, model: Any, stage: Stage, settings: Finetune, device: str) -> None:
        import torch

        self.model, self.device, self._settings = model, device, settings
        self.groups = choose_trainable(family, stage, settings)
        self._masters: Masters | None = None
        rounding = settings.fake_quantise and settings.method == "full" and "language" in stage.train
        linears = language_linears(family.parts()["language"]) if rounding else []
        if settings.precision == "bf16" and settings.method == "full":
            self._masters = Masters(model, self.groups, [linear.weight for linear in linears])
            self.groups = self._masters.groups
            if device == "cpu" and settings.compile:
                _compile_parts(family.parts()["language"])
        else:
            seen_as_q4_0(linears)
        self.trained = [parameter for group in self.groups for parameter in group["params"]]
        if self.groups:
            self.optimiser = torch.optim.AdamW(self.groups, betas=(0.9, 0.98), fused=device in ("cpu", "cuda"))

    def precision(self) -> AbstractContextManager[Any]:
        """In which arithmetic a pass is made."""
        import torch

        kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
        kind = None if self._masters else kinds.get(self._settings.precision)
        return torch.autocast(self.device, dtype=kind or torch.bfloat16, enabled=kind is not None)

    def step(self, scaler: Any) -> None:
        """Learn from the gradients of the passes since the last one."""
        import torch

        if self._masters:
            self._masters.collect()
        scaler.unscale_(self.optimiser)
        torch.nn.utils.clip_grad_norm_(self.trained, self._settings.clip_norm)
        scaler.step(self.optimiser)
        scaler.update()
        if self._masters:
            self._masters.give()
        else:
            self.optimiser.zero_grad(set_to_none=True)

    def weights(self) -> dict[str, Any]:
        """What training may have changed, in the precision in which it was learned."""
        kept = _kept_weights(self.model)
        if not self._masters:
            return kept
        exact, named = self._masters.by_parameter(), dict(self.model.named_parameters())
        return {name: exact.get(id(named.get(name)), weight) for name, weight in kept.items()}

    def finish(self) -> None:
        """The model as it was learned, in float32 where it was computed in less."""
        if self._masters:
            self._masters.restore()
            self.model.tie_weights()


def _compile_parts(language: Any) -> None:
    """Norms and feed-forward parts as fused code: on a CPU they wait for memory."""
    for module in language.modules():
        if type(module).__name__.endswith(("MLP", "RMSNorm")):
            module.compile(dynamic=True)


class _Runner:
    """One stage's steps."""

    def __init__(
        self, family: Family, learner: _Learner, samples: Sequence[Encoded], recipe: Recipe, stage: int, folder: Path
    ) -> None:
        self._family, self._learner, self._samples = family, learner, samples
        self._settings, self._stage, self._folder = recipe.finetune, stage, folder

    def steps(self, first: int, last: int) -> Iterator[int]:
        """Make optimiser steps ``first`` … ``last`` - 1; yields each that was made."""
        import torch

        settings, learner = self._settings, self._learner
        lengths = [len(one.ids) for one in self._samples]
        seed = settings.seed + 1000 * self._stage
        batches = endless(lengths, settings.batch, seed, skip=first * settings.accumulate)
        scaler = torch.amp.GradScaler(learner.device, enabled=settings.precision == "fp16" and learner.device == "cuda")
        total, weight, tokens, started = 0.0, 0.0, 0, time.monotonic()
        for step in range(first, last):
            for group in learner.optimiser.param_groups:
                group["lr"] = group["base_lr"] * rate_share(step, last, settings)
            made = [self._family.batch([self._samples[i] for i in next(batches)]) for _ in range(settings.accumulate)]
            learned = sum(float((one["weights"][:, None] * (one["labels"] != IGNORED)).sum()) for one in made)
            for one in made:
                batch = {name: value.to(learner.device) for name, value in one.items()}
                with learner.precision():
                    loss, share = loss_of(learner.model, batch)
                if share:
                    scaler.scale(loss / learned).backward()
                total, weight = total + float(loss.detach()), weight + share
                tokens += int(batch["attention_mask"].sum())
            learner.step(scaler)
            if (step + 1) % settings.report_steps == 0 or step + 1 == last:
                passed = max(time.monotonic() - started, 1e-6)
                checkpoint.log(
                    self._folder, stage=self._settings.stages[self._stage].name, step=step + 1, of=last,
                    loss=round(total / max(weight, 1e-9), 4), tokens_per_second=round(tokens / passed, 1),
                )  # fmt: skip
                total, weight, tokens, started = 0.0, 0.0, 0, time.monotonic()
            yield step


# --------------------------------------------------------------------------------------------- states


def _kept_weights(model: Any) -> dict[str, Any]:
    """What training may change: everything in full, adapters and the small parts beside a frozen language model."""
    state = model.state_dict()
    if not hasattr(model, "peft_config"):
        return {name: weight for name, weight in state.items() if name != "lm_head.weight"}  # tied
    return {
        name: w
        for name, w in state.items()
        if "lora_" in name or ("language_model" not in name and w.is_floating_point() and "lm_head" not in name)
    }


def _save(folder: Path, learner: _Learner, place: Place) -> None:
    checkpoint.save(
        folder,
        {
            "model": {name: weight.detach().cpu() for name, weight in learner.weights().items()},
            "optimiser": learner.optimiser.state_dict(),
            "stage": place.stage,
            "step": place.step,
        },
    )


def _restored(model: Any, state: dict[str, Any], folder: Path) -> Place:
    wanted = _kept_weights(model)
    wrong = [n for n, w in state["model"].items() if n not in wanted or wanted[n].shape != w.shape]
    if wrong or len(state["model"]) != len(wanted):
        raise InputError(
            f"The state in {folder.name} is of another model or method ({len(wrong)} weights do not fit). "
            "Name another --state folder."
        )
    model.load_state_dict(state["model"], strict=False)
    return Place(int(state["stage"]), int(state["step"]))


# --------------------------------------------------------------------------------------------- command


def _family(given: argparse.Namespace, recipe: Recipe) -> Family:
    if given.qwen is not None:
        return read_qwen(given.qwen, four_bits=recipe.finetune.method == "qlora")
    if recipe.finetune.method == "qlora":
        raise InputError("The small model is not trained at 4 bits: choose finetune.method full or lora.")
    if given.adapt is not None:
        return _exported(given.adapt, recipe)
    if given.language is None:
        raise InputError("No model was named. Give --language FILE.gguf, or --qwen FOLDER.")
    from mellm_demo.training.embedded.model import build, read_language
    from mellm_demo.training.pretrain_tower import eye_weights

    language, tokenizer = read_language(given.language)
    eye, words = (eye_weights(given.tower, part) if given.tower else None for part in ("tower", "projector"))
    return Small(build(recipe.model, language, tokenizer, eye, words or None), tokenizer, recipe)


def _exported(folder: Path, recipe: Recipe) -> Family:
    """What ``export_gguf`` wrote, its 4-bit weights as they are run: frozen, so they need no more than bfloat16."""
    import torch

    from mellm_demo.training.embedded.model import build, read_language
    from mellm_demo.training.export_gguf import EYE_FILE, LANGUAGE_FILE

    if recipe.finetune.method != "lora":
        raise InputError("An exported model is adapted, not trained anew: add --set finetune.method=lora.")
    language, tokenizer = read_language(folder / LANGUAGE_FILE)
    model = build(recipe.model, language, tokenizer, *read_eye(folder / EYE_FILE, recipe.model.layers))
    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    return Small(model.to(kinds.get(recipe.finetune.precision, torch.float32)), tokenizer, recipe)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.finetune", description=__doc__)
    parser.add_argument("--samples", type=Path, nargs="+", required=True, help="folders of training.instruct")
    parser.add_argument("--without", nargs="*", default=[], metavar="GROUP", help="people left out, to be tested on")
    parser.add_argument("--state", type=Path, required=True, help="folder for checkpoints and the log")
    parser.add_argument("--out", type=Path, required=True, help="folder of the finished model")
    parser.add_argument("--language", type=Path, help="SmolLM2 as .gguf, or a folder of transformers'")
    parser.add_argument("--tower", type=Path, help="state folder of training.pretrain_tower")
    parser.add_argument("--qwen", type=Path, help="folder of a Qwen2.5-VL, instead of the small model")
    parser.add_argument("--adapt", type=Path, help="folder of export_gguf: learn an adapter over it")
    parser.add_argument("--onward", action="store_true", help="with --adapt: begin with the adapter that lies there")
    parser.add_argument("--recipe", type=Path, default=DEFAULT)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE")
    parser.add_argument("--minutes", type=float, help="stop after so long; the same command goes on")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args(argv)
    try:
        if given.onward and given.adapt is None:
            raise InputError("--onward goes on from an exported folder's adapter: name that folder by --adapt.")
        import torch

        if given.threads:
            torch.set_num_threads(given.threads)
        recipe = read_recipe(given.recipe, given.set)
        lines = read_samples(given.samples, without_groups=frozenset(given.without))
        family = _family(given, recipe)
        start = given.adapt if given.onward else None
        model = train(family, recipe, lines, given.state, minutes=given.minutes, start=start)
        if model is not None:
            finished(family, model, recipe.finetune, given.out, merged=given.adapt is None)
            print(f"All stages are done; the model lies in {given.out.name}.")
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


def finished(family: Family, model: Any, settings: Finetune, out: Path, *, merged: bool = True) -> None:
    """Write the trained model: whole, with adapters merged into it; at 4 bits, or where not ``merged``, these alone."""
    family.save(out, model.merge_and_unload() if settings.method == "lora" and merged else model)


if __name__ == "__main__":
    raise SystemExit(main())
