"""One TOML file for all stages of training, checked when it is read."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from mellm_demo.errors import SettingsError

DEFAULT = Path(__file__).with_name("recipe.toml")
Part = Literal["tower", "projector", "language"]
LAYERS = ("q", "k", "v", "o", "gate", "up", "down")  # linear ones of a language model's block, as LoRA names them


@dataclass(frozen=True)
class Shape:
    """Of the vision tower, and which language model it speaks through."""

    hidden: int
    feed_forward: int
    layers: int
    heads: int
    patch: int
    language: str


@dataclass(frozen=True)
class Pretrain:
    """How the tower is taught; see recipe.toml."""

    seed: int
    images: int
    batch: int
    learning_rate: float
    final_share: float
    warmup_images: int
    weight_decay: float
    bank_share: float
    save_minutes: float
    report_images: int
    held_out_images: int
    precision: Literal["fp32", "bf16"]
    workers: int


@dataclass(frozen=True)
class Stage:
    """One stage of fine-tuning."""

    name: str
    train: tuple[str, ...]  # of Part
    epochs: float


@dataclass(frozen=True)
class Finetune:
    """How the whole model is taught; see recipe.toml."""

    seed: int
    method: Literal["full", "lora", "qlora"]
    precision: Literal["fp32", "bf16", "fp16"]
    batch: int
    accumulate: int
    learning_rate: float
    vision_learning_rate: float
    final_share: float
    warmup_share: float
    weight_decay: float
    max_tokens: int
    clip_norm: float
    fake_quantise: bool
    look_weight: float
    compile: bool
    lora_rank: int
    lora_alpha: int
    lora_layers: tuple[str, ...]  # of LAYERS
    save_minutes: float
    report_steps: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Recipe:
    """All of it."""

    model: Shape
    pretrain: Pretrain
    finetune: Finetune


def read_recipe(path: Path = DEFAULT, overrides: Sequence[str] = ()) -> Recipe:
    """``overrides``: “table.key=value”, the value as in TOML (bare words are taken as strings).

    Raises SettingsError, with what is wrong.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise SettingsError(f"There is no recipe {path.name}. Give a .toml file like {DEFAULT.name}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The recipe {path.name} is not TOML: {error}.") from None
    for override in overrides:
        _set(raw, override)
    stages = raw.get("finetune", {}).pop("stages", [])
    made = {"stages": tuple(_made(Stage, one, "finetune.stages") for one in stages)}
    recipe = Recipe(
        model=_made(Shape, raw.pop("model", {}), "model"),
        pretrain=_made(Pretrain, raw.pop("pretrain", {}), "pretrain"),
        finetune=_made(Finetune, raw.pop("finetune", {}) | made, "finetune"),
    )
    if raw:
        raise SettingsError(f"The recipe has a table [{next(iter(raw))}] that nothing reads. Remove it.")
    _check(recipe)
    return recipe


def _set(raw: dict[str, Any], override: str) -> None:
    where, sign, text = override.partition("=")
    table, dot, key = where.strip().partition(".")
    if not (sign and dot and key):
        raise SettingsError(f"“{override}” sets nothing. Write it as table.key=value, e.g. pretrain.batch=16.")
    try:
        value = tomllib.loads(f"x = {text.strip()}")["x"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    raw.setdefault(table, {})[key] = value


def _made(kind: type[Any], given: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for name in given:
        if name not in names:
            raise SettingsError(f"The recipe sets {where}.{name}, which does not exist. There are {', '.join(names)}.")
    values = {}
    for name in names:
        if name not in given:
            raise SettingsError(f"The recipe lacks {where}.{name}. Take it over from {DEFAULT.name}.")
        values[name] = _as(hints[name], given[name], f"{where}.{name}")
    return kind(**values)


def _as(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            raise SettingsError(f"{where} is {value!r}. Choose one of {', '.join(map(str, get_args(hint)))}.")
        return value
    if origin is tuple:
        return tuple(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, UnionType) or not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise SettingsError(f"{where} is {value!r}, but has to be of the type {hint.__name__}.")
    return value


def _check(recipe: Recipe) -> None:
    shape, tune = recipe.model, recipe.finetune
    if shape.hidden % shape.heads or 224 % shape.patch:
        raise SettingsError("model.hidden must be a multiple of model.heads, and 224 one of model.patch.")
    for stage in tune.stages:
        unknown = set(stage.train) - set(get_args(Part))
        if unknown or not stage.train or stage.epochs < 0:
            raise SettingsError(
                f"The stage “{stage.name}” trains {', '.join(stage.train) or 'nothing'} for {stage.epochs:g} epochs. "
                f"Name some of {', '.join(get_args(Part))} and a number that is not negative."
            )
    if not tune.lora_layers or set(tune.lora_layers) - set(LAYERS):
        raise SettingsError(f"finetune.lora_layers is {list(tune.lora_layers)}. Name some of {', '.join(LAYERS)}.")
    numbers = (recipe.pretrain.batch, recipe.pretrain.images, tune.batch, tune.accumulate, tune.max_tokens)
    if min(numbers) < 1:
        raise SettingsError("Batches, images, accumulation and tokens must be 1 or more. Correct the recipe.")
