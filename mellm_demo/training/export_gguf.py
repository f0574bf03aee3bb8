"""A trained small model → two files for llama.cpp, the language model at 4 bits and the eye with its projector, and
``embedded.json``, which names them with their digests: a folder that the app takes for ``weights/embedded``.

``python -m mellm_demo.training.export_gguf --model DIR --out DIR``. Linear layers become Q4_0, embeddings Q8_0, the
eye f16, everything with one dimension f32. With ``--adapter DIR --out DIR`` what ``finetune --adapt`` learned on top of
such a folder is put beside it, in f16. Tests hold the exported model's greedy words against transformers'.
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
from mellm_demo.training.embedded.layout import ADAPTED, LINEARS, NORMS, in_rotation_order, projector_names, tower_names
from mellm_demo.training.embedded.model import CHAT_TEMPLATE, TURN_END
from mellm_demo.training.embedded.tower import MEAN, STD

LANGUAGE_FILE, EYE_FILE, ADAPTER_FILE = "language.gguf", "mmproj.gguf", "adapter.gguf"
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
    return _written(language.parent, told)


def _written(folder: Path, told: dict[str, Any]) -> Path:
    manifest = folder / MANIFEST
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
    turned = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for index, layer in enumerate(inner.layers):
        for theirs, ours in NORMS.items():
            _add(writer, f"blk.{index}.{ours}.weight", layer.get_submodule(theirs).weight, "f32")
        for theirs, ours in LINEARS.items():
            weight = _array(layer.get_submodule(theirs).weight)
            weight = in_rotation_order(weight, turned[ours]) if ours in turned else weight
            _add(writer, f"blk.{index}.{ours}.weight", weight, precision)
    _finish(writer)


def _rope_base(config: Any) -> float:
    parameters = getattr(config, "rope_parameters", None) or {}
    base: Any = parameters.get("rope_theta") or getattr(config, "rope_theta", 10_000.0)
    return float(base)


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
    for part, names in ((tower, tower_names(config.num_hidden_layers)), (projector, projector_names())):
        weights = part.state_dict()
        for theirs, ours in names.items():
            small = ours.endswith(".bias") or ".ln" in ours or "position" in ours
            _add(writer, ours, weights[theirs], "f32" if small else precision)
    _finish(writer)


# --------------------------------------------------------------------------------------------- adapters


def export_adapter(learned: Path, folder: Path) -> Path:
    """What ``finetune --adapt`` wrote → ``adapter.gguf`` in the folder of the model below it, named in its manifest.

    Raises InputError where ``learned`` is no such adapter, or ``folder`` holds no exported model.
    """
    import gguf
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    language = folder / LANGUAGE_FILE
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        below = gguf.GGUFReader(language)
        heads = {
            ours: int(below.fields[f"llama.attention.{key}"].contents())
            for ours, key in (("attn_q", "head_count"), ("attn_k", "head_count_kv"))
        }
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder.name} holds no model that export_gguf wrote: {error}") from None
    try:
        settings = json.loads((learned / "adapter_config.json").read_text(encoding="utf-8"))
        alpha, weights = float(settings["lora_alpha"]), load_file(learned / "adapter_model.safetensors")
        made = [_adapter_tensor(name, weight, heads) for name, weight in weights.items()]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(f"{learned.name} holds no adapter that finetune wrote: {error}") from None
    writer = gguf.GGUFWriter(str(folder / ADAPTER_FILE), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for name, weight in sorted(made):
        _add(writer, name, weight, "f16")
    _finish(writer)
    told["adapter"] = {"file": ADAPTER_FILE, "sha256": _digest(folder / ADAPTER_FILE)}
    _written(folder, told)
    return folder / ADAPTER_FILE


def _adapter_tensor(name: str, weight: np.ndarray[Any, Any], heads: dict[str, int]) -> tuple[str, Any]:
    """peft's name and weight as llama.cpp's. Raises ValueError for one of another kind."""
    found = ADAPTED.search(name)
    if found is None or found["layer"] not in LINEARS:
        raise ValueError(f"{name} is no adapter of a layer of the language model")
    ours, part = LINEARS[found["layer"]], found["part"].lower()
    if part == "b" and ours in heads:
        weight = in_rotation_order(weight, heads[ours])
    return f"blk.{found['index']}.{ours}.weight.lora_{part}", weight


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
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--model", type=Path, help="folder that finetune wrote")
    wanted.add_argument("--adapter", type=Path, help="folder that finetune --adapt wrote; --out holds what it adapts")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default=NAME, help="as which it introduces itself")
    parser.add_argument("--precision", choices=("q4_0", "q8_0", "f16", "f32"), default="q4_0")
    given = parser.parse_args(argv)
    try:
        if given.adapter is not None:
            paths = [export_adapter(given.adapter, given.out), given.out / MANIFEST]
        else:
            model, tokenizer = load(given.model)
            language, eye = export(model, tokenizer, given.out, precision=given.precision, name=given.name)
            paths = [language, eye, write_manifest(language, eye, name=given.name)]
        for path in paths:
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {_digest(path)}")
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
