"""Two families of models behind one face: ours of ``model.build``, and Qwen2.5-VL from its owner's folder.

A family knows how a conversation becomes tensors and where its parts lie; the training loop knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mellm_demo.errors import InputError
from mellm_demo.training.embedded import conversation
from mellm_demo.training.embedded.conversation import IGNORED, Encoded
from mellm_demo.training.embedded.model import image_tokens, parts_of
from mellm_demo.training.embedded.recipe import Recipe


class Family(Protocol):
    """What the loop needs of a model."""

    model: Any
    tokenizer: Any

    def encoded(self, lines: Sequence[Mapping[str, Any]], most_tokens: int) -> list[Encoded]:
        """Samples as ids and labels."""
        ...

    def batch(self, samples: Sequence[Encoded]) -> dict[str, Any]:
        """Tensors that the model takes, and labels."""
        ...

    def parts(self) -> dict[str, Any]:
        """tower, projector, language."""
        ...

    def save(self, folder: Path, model: Any) -> None:
        """Weights (or an adapter) and tokenizer."""
        ...


@dataclass
class Small:
    """Ours: LLaVA of tower, projector and SmolLM2."""

    model: Any
    tokenizer: Any
    recipe: Recipe

    def encoded(self, lines: Sequence[Mapping[str, Any]], most_tokens: int) -> list[Encoded]:
        image_id = self.model.config.image_token_index
        return conversation.encoded_samples(
            lines, self.tokenizer, image_id, image_tokens(self.recipe.model), most_tokens,
            self.recipe.finetune.look_weight,
        )  # fmt: skip

    def batch(self, samples: Sequence[Encoded]) -> dict[str, Any]:
        made = conversation.collate(samples, self.tokenizer.pad_token_id)
        if "pixel_values" in made:
            made["pixel_values"] = made["pixel_values"].to(self.model.dtype)
        return made

    def parts(self) -> dict[str, Any]:
        return parts_of(self.model)

    def save(self, folder: Path, model: Any) -> None:
        model.save_pretrained(str(folder))
        self.tokenizer.save_pretrained(str(folder))


@dataclass
class Qwen:
    """Qwen2.5-VL. ``images``: its image processor."""

    model: Any
    tokenizer: Any
    images: Any

    def _places(self) -> int:
        """Image tokens of a map of 224 px."""
        edge = self.images.patch_size * self.images.merge_size
        return max(224 // edge, 1) ** 2

    def encoded(self, lines: Sequence[Mapping[str, Any]], most_tokens: int) -> list[Encoded]:
        pad = self.tokenizer.convert_tokens_to_ids("<|image_pad|>")
        start, end = (self.tokenizer.convert_tokens_to_ids(f"<|vision_{word}|>") for word in ("start", "end"))
        places, made = self._places(), []
        for line in lines:
            ids, labels = conversation.encode(line["messages"], self.tokenizer, pad, places)
            if line["image"]:
                first = ids.index(pad)
                last = first + places
                ids = (*ids[:first], start, *ids[first:last], end, *ids[last:])
                labels = (*labels[:first], IGNORED, *labels[first:last], IGNORED, *labels[last:])
            if len(ids) <= most_tokens:
                made.append(Encoded(ids, labels, Path(line["image"]) if line["image"] else None))
        if not made:
            raise InputError(f"Every sample is longer than {most_tokens} tokens. Raise finetune.max_tokens.")
        return made

    def batch(self, samples: Sequence[Encoded]) -> dict[str, Any]:
        pictures = [conversation.picture(one.image) for one in samples if one.image is not None]
        bare = [Encoded(one.ids, one.labels, None) for one in samples]
        made = conversation.collate(bare, self.tokenizer.pad_token_id)
        if pictures:
            edge = self.images.patch_size * self.images.merge_size
            side = max(224 // edge, 1) * edge
            seen = self.images(
                images=pictures, return_tensors="pt", do_resize=True,
                size={"shortest_edge": side * side, "longest_edge": side * side},
            )  # fmt: skip
            made["pixel_values"], made["image_grid_thw"] = seen["pixel_values"], seen["image_grid_thw"]
            made["mm_token_type_ids"] = (
                made["input_ids"] == self.tokenizer.convert_tokens_to_ids("<|image_pad|>")
            ).int()
        return made

    def parts(self) -> dict[str, Any]:
        inner = self.model.model
        return {"tower": inner.visual, "projector": inner.visual.merger, "language": inner.language_model}

    def save(self, folder: Path, model: Any) -> None:
        model.save_pretrained(str(folder))
        self.tokenizer.save_pretrained(str(folder))
        self.images.save_pretrained(str(folder))


def read_qwen(folder: Path, *, four_bits: bool) -> Qwen:
    """Qwen2.5-VL from a folder, at 4 bits (NF4) where asked for. Raises InputError."""
    import torch
    from transformers import (
        AutoTokenizer,
        BitsAndBytesConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessorPil,
    )

    options: dict[str, Any] = {}
    if four_bits:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
            llm_int8_skip_modules=["visual", "lm_head"],
        )
    try:
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            str(folder), local_files_only=True, dtype=torch.bfloat16 if four_bits else torch.float32, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        images = Qwen2VLImageProcessorPil.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{folder.name} cannot be read as Qwen2.5-VL: {error}") from None
    return Qwen(model, tokenizer, images)
