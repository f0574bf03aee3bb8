"""Conversations of samples.jsonl → token ids, what is to be learned, and pixels; samples → batches.

Text is cut into pieces exactly where llama.cpp cuts it: before and after an image, and where an answer begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.training.embedded.model import TURN_END, TURN_START

IGNORED = -100
CHUNK = 512  # samples that are sorted by length: little padding, yet every epoch another order


@dataclass(frozen=True)
class Encoded:
    """One sample. ``labels`` are the ids where they are learned, IGNORED elsewhere."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    image: Path | None
    weight: float = 1.0  # of each token that is learned


def encode(messages: Sequence[Mapping[str, Any]], tokenizer: Any, image_id: int, image_tokens: int) -> tuple[
    tuple[int, ...], tuple[int, ...]
]:  # fmt: skip
    """Messages with role, text and, where so, learn and image → ids and labels."""
    ids: list[int] = []
    labels: list[int] = []

    def add(text: str, learn: bool = False) -> None:
        pieces = tokenizer.encode(text, add_special_tokens=False)
        ids.extend(pieces)
        labels.extend(pieces if learn else [IGNORED] * len(pieces))

    pending = ""
    for message in messages:
        pending += f"{TURN_START}{message['role']}\n"
        if message.get("image"):
            add(pending)
            ids.extend([image_id] * image_tokens)
            labels.extend([IGNORED] * image_tokens)
            pending = f"{message['text']}{TURN_END}\n"
        elif message.get("learn"):
            add(pending)
            add(f"{message['text']}{TURN_END}", learn=True)
            pending = "\n"
        else:
            pending += f"{message['text']}{TURN_END}\n"
    if pending.strip():
        add(pending)
    return tuple(ids), tuple(labels)


def read_samples(folders: Sequence[Path], *, without_groups: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The lines of samples.jsonl of some folders; those of ``without_groups`` (people tested on) are left out.

    Raises InputError for a folder without samples or a line that is none.
    """
    lines: list[dict[str, Any]] = []
    for folder in folders:
        path = folder / "samples.jsonl"
        try:
            raw = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            raise InputError(
                f"There is no samples.jsonl in {folder.name}. Write it with mellm_demo.training.instruct."
            ) from None
        for number, line in enumerate(raw, start=1):
            try:
                made = json.loads(line)
                if made["group"] in without_groups or not any(m.get("learn") for m in made["messages"]):
                    continue
                made["image"] = str(folder / made["image"]) if made["image"] else None
            except (ValueError, KeyError, TypeError):
                raise InputError(f"Line {number} of {path.name} is no sample. Write the file again.") from None
            lines.append(made)
    if not lines:
        raise InputError("There is nothing to learn from: no sample is left. Write more, or leave fewer groups out.")
    return lines


def encoded_samples(
    lines: Sequence[Mapping[str, Any]], tokenizer: Any, image_id: int, image_tokens: int, most_tokens: int,
    look_weight: float = 1.0,
) -> list[Encoded]:  # fmt: skip
    """Those that are no longer than ``most_tokens``. look_weight: of what is said of the image alone, in few words."""
    made = []
    for line in lines:
        ids, labels = encode(line["messages"], tokenizer, image_id, image_tokens)
        if len(ids) <= most_tokens:
            weight = look_weight if line.get("kind") == "look" else 1.0
            made.append(Encoded(ids, labels, Path(line["image"]) if line["image"] else None, weight))
    if not made:
        raise InputError(f"Every sample is longer than {most_tokens} tokens. Raise finetune.max_tokens.")
    return made


def order(lengths: Sequence[int], batch: int, epoch: int, seed: int) -> list[tuple[int, ...]]:
    """The batches of an epoch: shuffled, samples of like length together. Depends on its arguments alone.

    batch: most tokens of one, padding counted; a longer sample is one by itself.
    """
    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(len(lengths))
    batches: list[tuple[int, ...]] = []
    for first in range(0, len(shuffled), CHUNK):
        chosen: list[int] = []
        for index in sorted(shuffled[first : first + CHUNK], key=lambda index: lengths[index]):
            if chosen and lengths[index] * (len(chosen) + 1) > batch:
                batches.append(tuple(chosen))
                chosen = []
            chosen.append(int(index))
        batches.append(tuple(chosen))
    return [batches[i] for i in random.permutation(len(batches))]


def endless(lengths: Sequence[int], batch: int, seed: int, skip: int = 0) -> Iterator[tuple[int, ...]]:
    """Batches for ever, epoch after epoch; the first ``skip`` are passed over."""
    epoch, passed = 0, 0
    while True:
        for chosen in order(lengths, batch, epoch, seed):
            if passed < skip:
                passed += 1
                continue
            yield chosen
        epoch += 1


def picture(path: Path) -> np.ndarray[Any, Any]:
    """(224, 224, 3) uint8 RGB. Raises InputError where it is no such picture."""
    from PIL import Image

    from mellm_demo.training.instruct.images import TOWER_PX

    try:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB"))
    except (OSError, ValueError):
        raise InputError(f"{path.name} cannot be read as a picture. Write the samples again.") from None
    if pixels.shape != (TOWER_PX, TOWER_PX, 3):
        raise InputError(f"{path.name} is {pixels.shape[1]} × {pixels.shape[0]} px; maps have {TOWER_PX} × {TOWER_PX}.")
    return pixels


def collate(samples: Sequence[Encoded], pad: int) -> dict[str, Any]:
    """input_ids, attention_mask, labels (B, T), padded at the right; pixel_values (I, 3, 224, 224) if any."""
    import torch

    from mellm_demo.training.embedded.tower import pixel_values

    longest = max(len(one.ids) for one in samples)
    batch: dict[str, Any] = {
        "input_ids": torch.tensor([[*one.ids, *[pad] * (longest - len(one.ids))] for one in samples]),
        "labels": torch.tensor([[*one.labels, *[IGNORED] * (longest - len(one.ids))] for one in samples]),
        "attention_mask": torch.tensor([[1] * len(one.ids) + [0] * (longest - len(one.ids)) for one in samples]),
        "weights": torch.tensor([one.weight for one in samples]),
    }
    pictures = [picture(one.image) for one in samples if one.image is not None]
    if pictures:
        batch["pixel_values"] = pixel_values(np.stack(pictures))
    return batch
