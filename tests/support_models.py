"""Image-text-to-text models of several architectures, tiny, weights random, saved as real ones are: config, weights,
tokenizer, processor and chat template. For tests of the real loading code.

The tokenizer is built in place: byte-level, so that any text can be written and read back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPECIAL = {
    "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
             "<|video_pad|>"],
    "idefics": ["<|endoftext|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>",
                "<global-img>"] + [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)],
    "llava": ["<s>", "</s>", "<pad>", "<image>", "<video>"],
}  # fmt: skip
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}END\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VICUNA = (  # knows no system part, and says so
    "{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{{ message.role | upper }}: {% for part in message.content %}{% if part.type == 'image' %}<image>\n"
    "{% else %}{{ part.text }}{% endif %}{% endfor %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
WIDTH, HEADS, LAYERS = 64, 4, 2


def tokenizer(kind: str, **named: str) -> Any:
    """A byte-level tokenizer with the special tokens of an architecture."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: place for place, token in enumerate([*SPECIAL[kind], *bytes_])}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(SPECIAL[kind])
    return PreTrainedTokenizerFast(tokenizer_object=inner, **named)


def _text(config: type, words: Any, **more: Any) -> Any:
    return config(
        vocab_size=len(words), hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=None,
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, **more,
    )  # fmt: skip


def save_qwen(folder: Path) -> Path:
    """Qwen2.5-VL: patches of 14 px, any size, merged by fours."""
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessor,
    )

    words = tokenizer("qwen", eos_token="<|im_end|>", pad_token="<|endoftext|>")
    ids = {name: words.convert_tokens_to_ids(f"<|{name}|>") for name in ("image_pad", "video_pad")}
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 128, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": 2, "max_position_embeddings": 4096,
            "bos_token_id": None, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": WIDTH,
            "fullatt_block_indexes": [1], "window_size": 112,
        },
        image_token_id=ids["image_pad"], video_token_id=ids["video_pad"],
        vision_start_token_id=words.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=words.convert_tokens_to_ids("<|vision_end|>"),
    )  # fmt: skip
    template = CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>").replace("END", "<|im_end|>")
    words.chat_template = template
    Qwen2VLImageProcessor().save_pretrained(folder)  # the processor as a whole needs torchvision, for videos
    return _save(folder, Qwen2_5_VLForConditionalGeneration, config, words)


def save_idefics(folder: Path) -> Path:
    """Idefics3, on which SmolVLM is built: 56 px tiles."""
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessor,
        Idefics3Processor,
        LlamaConfig,
    )

    words = tokenizer("idefics", eos_token="<end_of_utterance>", pad_token="<|endoftext|>")
    config = Idefics3Config(
        text_config=_text(LlamaConfig, words),
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 56, "patch_size": 14,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"), scale_factor=2, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    processor = Idefics3Processor(
        image_processor=Idefics3ImageProcessor(size={"longest_edge": 112}, max_image_size={"longest_edge": 56}),
        tokenizer=words, image_seq_len=4,
        chat_template=CHATML.replace("IMAGE", "<image>").replace("END", "<end_of_utterance>"),
    )  # fmt: skip
    return _save(folder, Idefics3ForConditionalGeneration, config, processor)


def save_qwen3(folder: Path) -> Path:
    """Qwen3-VL: patches of 16 px, and what the tower sees early is added to the first layers."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLConfig, Qwen3VLForConditionalGeneration

    words = tokenizer("qwen", eos_token="<|im_end|>", pad_token="<|endoftext|>")
    words.chat_template = CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>").replace(
        "END", "<|im_end|>"
    )
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 128, "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 4096,
            "bos_token_id": None, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 2, 2]},
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": WIDTH,
            "deepstack_visual_indexes": [0], "num_position_embeddings": 64,
        },
        image_token_id=words.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=words.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=words.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=words.convert_tokens_to_ids("<|vision_end|>"),
    )  # fmt: skip
    Qwen2VLImageProcessor(patch_size=16).save_pretrained(folder)
    return _save(folder, Qwen3VLForConditionalGeneration, config, words)


def save_smolvlm(folder: Path) -> Path:
    """SmolVLM2: Idefics3's tiles, and a processor that asks for one of videos."""
    from transformers import LlamaConfig, SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMImageProcessor

    words = tokenizer("idefics", eos_token="<end_of_utterance>", pad_token="<|endoftext|>")
    words.chat_template = CHATML.replace("IMAGE", "<image>").replace("END", "<end_of_utterance>")
    config = SmolVLMConfig(
        text_config=_text(LlamaConfig, words),
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 56, "patch_size": 14,
        },
        image_token_id=words.convert_tokens_to_ids("<image>"), scale_factor=2, pad_token_id=words.pad_token_id,
    )  # fmt: skip
    SmolVLMImageProcessor(size={"longest_edge": 112}, max_image_size={"longest_edge": 56}).save_pretrained(folder)
    _name_processor(folder, "SmolVLMProcessor", image_seq_len=4)
    return _save(folder, SmolVLMForConditionalGeneration, config, words)


def save_onevision(folder: Path) -> Path:
    """LLaVA-OneVision: the image as a whole and in tiles of 56 px, without those that hold nothing of it."""
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessor,
        Qwen2Config,
        SiglipVisionConfig,
    )

    words = tokenizer("llava", bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    words.chat_template = VICUNA
    grid = [[56, 56], [56, 112], [112, 56], [112, 112]]
    vision = SiglipVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14,
        vision_use_head=False,
    )  # fmt: skip
    config = LlavaOnevisionConfig(
        vision_config=vision, text_config=_text(Qwen2Config, words), image_grid_pinpoints=grid,
        image_token_index=words.convert_tokens_to_ids("<image>"), vision_feature_select_strategy="full",
        video_token_index=words.convert_tokens_to_ids("<video>"),
    )  # fmt: skip
    LlavaOnevisionImageProcessor(size={"height": 56, "width": 56}, image_grid_pinpoints=grid).save_pretrained(folder)
    _name_processor(
        folder, "LlavaOnevisionProcessor", num_image_tokens=16, vision_feature_select_strategy="full",
        video_processor={"video_processor_type": "LlavaOnevisionVideoProcessor"},
    )  # fmt: skip
    return _save(folder, LlavaOnevisionForConditionalGeneration, config, words)


def save_llava(folder: Path) -> Path:
    """LLaVA with a CLIP tower of 56 px; its template takes no system part."""
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = tokenizer("llava", bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14,
        projection_dim=32,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision, text_config=_text(LlamaConfig, words),
        image_token_index=words.convert_tokens_to_ids("<image>"), image_seq_length=16,
    )  # fmt: skip
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}),
        tokenizer=words, patch_size=14, vision_feature_select_strategy="default", chat_template=VICUNA,
        num_additional_image_tokens=1,
    )  # fmt: skip
    return _save(folder, LlavaForConditionalGeneration, config, processor)


def _name_processor(folder: Path, kind: str, **options: Any) -> None:
    """What is saved beside image processor and tokenizer: the processor's class and its own options.

    By hand, as the class itself cannot be made without torchvision, for videos.
    """
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": kind, **options}))


def _save(folder: Path, kind: Any, config: Any, processor: Any) -> Path:
    import torch

    torch.manual_seed(7)
    model = kind(config)
    words = getattr(processor, "tokenizer", processor)
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


SAVERS = {
    "qwen2_5_vl": save_qwen, "qwen3_vl": save_qwen3, "idefics3": save_idefics, "smolvlm": save_smolvlm,
    "llava_onevision": save_onevision, "llava": save_llava,
}  # fmt: skip
