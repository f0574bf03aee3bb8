"""Tower + projector + language model as transformers' LLaVA, in the one shape whose export to llama.cpp is exact.

The pitfalls: embeddings are tied at the top as well; the image token is a token that the vocabulary has to spare, so
that it does not grow; the tower has no class token and no head; its features are the last hidden state *before* the
closing layer norm; GELU is the tanh one in tower and projector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mellm_demo.errors import InputError
from mellm_demo.training.embedded.recipe import Shape
from mellm_demo.training.embedded.tower import tower_config
from mellm_demo.training.instruct.images import TOWER_PX

IMAGE_TOKEN = "<empty_output>"  # SmolLM2 reserves it and never uses it
TURN_START, TURN_END = "<|im_start|>", "<|im_end|>"
# As SmolLM2's, without the system part that it would add by itself.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def image_tokens(shape: Shape) -> int:
    """How many an image takes."""
    return (TOWER_PX // shape.patch) ** 2


def read_language(path: Path) -> tuple[Any, Any]:
    """A GGUF, or a folder of transformers' → (language model in float32, tokenizer). Raises InputError."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not path.exists():
        raise InputError(f"There is no language model {path.name}. Give a .gguf file or a folder.")
    folder, options = (path, {}) if path.is_dir() else (path.parent, {"gguf_file": path.name})
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, **options)
        language = AutoModelForCausalLM.from_pretrained(
            str(folder), local_files_only=True, dtype=torch.float32, **options
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} cannot be read as a language model: {error}") from None
    tokenizer.chat_template = CHAT_TEMPLATE
    return language, tokenizer


def build(
    shape: Shape, language: Any, tokenizer: Any, tower_weights: dict[str, Any] | None = None,
    projector_weights: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """LlavaForConditionalGeneration, float32. ``language`` is taken over, not copied.

    tower_weights, projector_weights: of a SiglipVisionModel of this shape, of LLaVA's projector; random where they are
    not given. Raises InputError where they do not fit or the tokenizer has no token to spare for images.
    """
    import torch
    from transformers import GenerationConfig, LlavaConfig, LlavaForConditionalGeneration

    image_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    if image_id is None or image_id == tokenizer.unk_token_id or image_id >= language.config.vocab_size:
        raise InputError(f"The tokenizer has no token {IMAGE_TOKEN} to stand for an image. Use SmolLM2's.")
    config = LlavaConfig(
        vision_config=tower_config(shape),
        text_config=language.config,
        image_token_index=image_id,
        projector_hidden_act="gelu_pytorch_tanh",
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        image_seq_length=image_tokens(shape),
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(config)
    model.model.language_model = language.model
    model.lm_head = language.lm_head
    vision = type(model.model.vision_tower)(config.vision_config)
    projector = type(model.model.multi_modal_projector)(config)
    torch.nn.init.normal_(projector.linear_1.weight, std=0.02)
    torch.nn.init.normal_(projector.linear_2.weight, std=0.02)
    try:
        if tower_weights is not None:
            vision.load_state_dict(tower_weights)
        if projector_weights is not None:
            projector.load_state_dict(projector_weights)
    except RuntimeError as error:
        raise InputError(f"The trained tower has another shape: {str(error)[:200]}") from None
    model.model.vision_tower, model.model.multi_modal_projector = vision, projector
    model.tie_weights()
    end = tokenizer.convert_tokens_to_ids(TURN_END)
    model.generation_config = GenerationConfig(bos_token_id=tokenizer.bos_token_id, eos_token_id=end, pad_token_id=end)
    return model.float()


def parts_of(model: Any) -> dict[str, Any]:
    """tower, projector, language: the modules that a stage of training names."""
    inner = model.model
    return {
        "tower": inner.vision_tower,
        "projector": inner.multi_modal_projector,
        "language": inner.language_model,
    }
