"""A tiny language model of the right kind, its tokenizer, and a tiny eye: random weights, real code."""

from __future__ import annotations

from mellm_demo.training.embedded.recipe import Recipe, read_recipe

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<empty_output>")
MERGES = (("t", "h"), ("th", "e"), ("Ġ", "the"), ("i", "n"), ("Ġ", "a"), ("e", "r"), ("o", "n"))


def tiny_tokenizer():
    """Byte-level BPE as SmolLM2's, with seven merges."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from mellm_demo.training.embedded.model import CHAT_TEMPLATE

    words = [*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in MERGES)]
    bpe = Tokenizer(models.BPE({word: i for i, word in enumerate(words)}, list(MERGES)))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        additional_special_tokens=["<empty_output>"],
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tiny_language(tokenizer, seed=0):
    """LlamaForCausalLM with 2 layers, grouped heads and weights large enough to prefer one word clearly."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0}, initializer_range=0.3,
        bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    language = LlamaForCausalLM(config).float().eval()
    with torch.no_grad():  # whole characters only: llama.cpp reports no token for half a character
        for word, index in tokenizer.get_vocab().items():
            if not word.isascii():
                language.model.embed_tokens.weight[index] = 0.0
    return language


def tiny_recipe(*overrides: str) -> Recipe:
    """The recipe, small."""
    small = (
        "model.hidden=32", "model.feed_forward=64", "model.layers=2", "model.heads=2",
        "finetune.batch=200", "finetune.accumulate=1", "finetune.precision=fp32",
    )  # fmt: skip
    return read_recipe(overrides=(*small, *overrides))


def tiny_model(seed=0):
    """(LlavaForConditionalGeneration, tokenizer, recipe)."""
    import torch

    from mellm_demo.training.embedded.model import build

    tokenizer, recipe = tiny_tokenizer(), tiny_recipe()
    language = tiny_language(tokenizer, seed)
    torch.manual_seed(seed + 1)
    model = build(recipe.model, language, tokenizer).eval()
    with torch.no_grad():  # an untrained eye says the same of everything
        for parameter in (*model.model.vision_tower.parameters(), *model.model.multi_modal_projector.parameters()):
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.25)
    return model, tokenizer, recipe


def tiny_qwen(folder):
    """A folder as of Qwen2.5-VL: two layers, an eye of two, random weights, and a processor."""
    import torch
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
    )

    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens(
        {"additional_special_tokens": ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]}
    )
    number = tokenizer.convert_tokens_to_ids
    torch.manual_seed(0)
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 3, 3]},
            "bos_token_id": 1, "eos_token_id": 2,
        },
        vision_config={
            "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "patch_size": 14, "window_size": 56,
            "out_hidden_size": 64, "fullatt_block_indexes": [1], "spatial_merge_size": 2, "temporal_patch_size": 2,
        },
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    from transformers import Qwen2VLImageProcessorPil

    Qwen2VLImageProcessorPil(patch_size=14, merge_size=2, temporal_patch_size=2).save_pretrained(str(folder))
    return folder
