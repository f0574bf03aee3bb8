"""A trained small model → two files for llama.cpp, the language model at 4 bits and the eye with its projector, and
``embedded.json``, which names them with their digests: a folder that the app takes for ``weights/embedded``.

``python -m mellm_demo.training.export_gguf --model DIR --out DIR``. Linear layers become Q4_0, embeddings Q8_0, the
eye f16, everything with one dimension f32. Tests hold the exported model's greedy words against transformers'.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mellm_demo.errors import InputError, MellmError
from mellm_demo.reasoning.embedded import MANIFEST
from mellm_demo.training.embedded.model import CHAT_TEMPLATE, TURN_END
from mellm_demo.training.embedded.tower import MEAN, STD

LANGUAGE_FILE, EYE_FILE = "language.gguf", "mmproj.gguf"
NAME = "MELLM Demo 135M"
Precision = Literal["q4_0", "q8_0", "f16", "f32"]


def export(
    model: Any, tokenizer: Any, out: Path, *, precision: Precision = "q4_0", name: str = ""
) -> tuple[Path, Path]:
    """LlavaForConditionalGeneration of ``embedded.model.build`` → (language file, eye file) in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    language, eye = out / LANGUAGE_FILE, out / EYE_FILE
    _write_language(model, tokenizer, language, precision, name or NAME)
    _write_eye(model, eye, "f32" if precision == "f32" else "f16")
    return language, eye


def write_manifest(language: Path, eye: Path, *, name: str = NAME, languages: Sequence[str] = ("en",)) -> Path:
    """``embedded.json`` beside both files: by it the app finds them and knows that they are these."""
    told = {
        "name": name,
        **{key: {"file": path.name, "sha256": _digest(path)} for key, path in (("language", language), ("eye", eye))},
        "languages": list(languages),
    }
    manifest = language.parent / MANIFEST
    manifest.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --------------------------------------------------------------------------------------------- language


def _write_language(model: Any, tokenizer: Any, path: Path, precision: Precision, name: str) -> None:
    import gguf

    config, inner = model.config.text_config, model.model.language_model
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(_rope_base(config))
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    types = gguf.LlamaFileType
    kinds = {"q4_0": types.MOSTLY_Q4_0, "q8_0": types.MOSTLY_Q8_0, "f16": types.MOSTLY_F16, "f32": types.ALL_F32}
    writer.add_file_type(kinds[precision])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_tokenizer(writer, tokenizer, config.vocab_size)
    embeddings: Precision = "q8_0" if precision == "q4_0" else precision
    _add(writer, "token_embd.weight", inner.embed_tokens.weight, embeddings)
    _add(writer, "output_norm.weight", inner.norm.weight, "f32")
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    for index, layer in enumerate(inner.layers):
        where, attention, mlp = f"blk.{index}", layer.self_attn, layer.mlp
        _add(writer, f"{where}.attn_norm.weight", layer.input_layernorm.weight, "f32")
        _add(writer, f"{where}.ffn_norm.weight", layer.post_attention_layernorm.weight, "f32")
        _add(writer, f"{where}.attn_q.weight", _for_rotation(attention.q_proj.weight, heads), precision)
        _add(writer, f"{where}.attn_k.weight", _for_rotation(attention.k_proj.weight, groups), precision)
        _add(writer, f"{where}.attn_v.weight", attention.v_proj.weight, precision)
        _add(writer, f"{where}.attn_output.weight", attention.o_proj.weight, precision)
        _add(writer, f"{where}.ffn_gate.weight", mlp.gate_proj.weight, precision)
        _add(writer, f"{where}.ffn_up.weight", mlp.up_proj.weight, precision)
        _add(writer, f"{where}.ffn_down.weight", mlp.down_proj.weight, precision)
    _finish(writer)


def _rope_base(config: Any) -> float:
    parameters = getattr(config, "rope_parameters", None) or {}
    base: Any = parameters.get("rope_theta") or getattr(config, "rope_theta", 10_000.0)
    return float(base)


def _for_rotation(weight: Any, heads: int) -> np.ndarray[Any, Any]:
    """transformers rotates halves of a head, llama.cpp neighbours: rows are put in llama.cpp's order."""
    array = _array(weight)
    rows, columns = array.shape
    return array.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _add_tokenizer(writer: Any, tokenizer: Any, vocabulary: int) -> None:
    import gguf

    words: dict[int, str] = {index: word for word, index in tokenizer.get_vocab().items()}
    added = set(tokenizer.get_added_vocab().values())
    tokens, kinds = [], []
    for index in range(vocabulary):
        tokens.append(words.get(index, f"[PAD{index}]"))
        kind = gguf.TokenType.CONTROL if index in added else gguf.TokenType.NORMAL
        kinds.append(kind if index in words else gguf.TokenType.UNUSED)
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    end = tokenizer.convert_tokens_to_ids(TURN_END)
    writer.add_bos_token_id(tokenizer.bos_token_id if tokenizer.bos_token_id is not None else end)
    writer.add_eos_token_id(end)
    writer.add_pad_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


# --------------------------------------------------------------------------------------------- the eye


def _write_eye(model: Any, path: Path, precision: Precision) -> None:
    import gguf

    config, tower, projector = model.config.vision_config, model.model.vision_tower, model.model.multi_modal_projector
    tower = getattr(tower, "vision_model", tower)  # older layouts nest it
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type("mmproj")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16 if precision == "f16" else gguf.LlamaFileType.ALL_F32)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    writer.add_uint32("clip.vision.image_size", config.image_size)
    writer.add_uint32("clip.vision.patch_size", config.patch_size)
    writer.add_uint32("clip.vision.embedding_length", config.hidden_size)
    writer.add_uint32("clip.vision.feed_forward_length", config.intermediate_size)
    writer.add_uint32("clip.vision.projection_dim", model.config.text_config.hidden_size)
    writer.add_uint32("clip.vision.block_count", config.num_hidden_layers)
    writer.add_uint32("clip.vision.attention.head_count", config.num_attention_heads)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", config.layer_norm_eps)
    writer.add_array("clip.vision.image_mean", [MEAN] * 3)
    writer.add_array("clip.vision.image_std", [STD] * 3)
    # Without this llama.cpp leaves the last block out, as LLaVA 1.5 does.
    writer.add_array("clip.vision.feature_layer", [config.num_hidden_layers])
    _add(writer, "v.patch_embd.weight", tower.embeddings.patch_embedding.weight, precision)
    _add(writer, "v.patch_embd.bias", tower.embeddings.patch_embedding.bias, "f32")
    _add(writer, "v.position_embd.weight", tower.embeddings.position_embedding.weight, "f32")
    for index, layer in enumerate(tower.encoder.layers):
        where, attention = f"v.blk.{index}", layer.self_attn
        for ours, theirs in (
            ("attn_q", attention.q_proj), ("attn_k", attention.k_proj), ("attn_v", attention.v_proj),
            ("attn_out", attention.out_proj), ("ffn_up", layer.mlp.fc1), ("ffn_down", layer.mlp.fc2),
            ("ln1", layer.layer_norm1), ("ln2", layer.layer_norm2),
        ):  # fmt: skip
            _add(writer, f"{where}.{ours}.weight", theirs.weight, "f32" if ours.startswith("ln") else precision)
            _add(writer, f"{where}.{ours}.bias", theirs.bias, "f32")
    for ours, theirs in (("mm.0", projector.linear_1), ("mm.2", projector.linear_2)):
        _add(writer, f"{ours}.weight", theirs.weight, precision)
        _add(writer, f"{ours}.bias", theirs.bias, "f32")
    _finish(writer)


# --------------------------------------------------------------------------------------------- tensors


def _array(weight: Any) -> np.ndarray[Any, Any]:
    if isinstance(weight, np.ndarray):
        return weight
    return np.ascontiguousarray(weight.detach().float().cpu().numpy())


def _add(writer: Any, name: str, weight: Any, precision: Precision) -> None:
    import gguf

    array = _array(weight)
    if precision in ("f32", "f16"):
        writer.add_tensor(name, array.astype(np.float32 if precision == "f32" else np.float16))
        return
    kind = gguf.GGMLQuantizationType.Q4_0 if precision == "q4_0" else gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)


def _finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def load(folder: Path) -> tuple[Any, Any]:
    """A folder that ``finetune`` wrote → (model in float32, tokenizer). Raises InputError."""
    import torch
    from transformers import AutoTokenizer, LlavaForConditionalGeneration

    try:
        model = LlavaForConditionalGeneration.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder.name} holds no model that finetune wrote: {error}") from None
    return model, tokenizer


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.export_gguf", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder that finetune wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default=NAME, help="as which it introduces itself")
    parser.add_argument("--precision", choices=("q4_0", "q8_0", "f16", "f32"), default="q4_0")
    given = parser.parse_args(argv)
    try:
        model, tokenizer = load(given.model)
        language, eye = export(model, tokenizer, given.out, precision=given.precision, name=given.name)
        for path in (language, eye, write_manifest(language, eye, name=given.name)):
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {_digest(path)}")
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
