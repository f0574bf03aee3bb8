"""A vision model of 3 billion parameters on a CPU: how soon and how fast it speaks, and how soon Stop ends it.

``python tests/benchmarks/three_billion.py``. No published weights are needed: two GGUF files of Qwen2.5-VL-3B's shape
(language at 4 bit, eye in f16) are written with random weights and the vocabulary of a small model, 3.2 GB in a
temporary folder that is deleted afterwards. Times are as with real weights; what is written makes no sense. They are
loaded and asked by the app's own code. Printed as JSON: seconds, MB, tokens a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support_answers import (  # noqa: E402
    LONG_QUESTION,
    SHORT_QUESTION,
    Clock,
    Standstill,
    answer,
    is_reading,
    memory_parts,
    seen,
    stop,
)
from support_gguf import smollm2  # noqa: E402

from mellm_demo.reasoning.answering import Manner  # noqa: E402
from mellm_demo.reasoning.llamacpp import GgufOptions, gguf_model  # noqa: E402

SEED = 3
LANGUAGE_FILE, EYE_FILE = "three-billion-Q4_0.gguf", "mmproj-three-billion-f16.gguf"
TOKENS = 24  # of an answer
TICK_S = 0.01
# Qwen2.5-VL-3B-Instruct's config.json
WIDTH, DEEP, LAYERS, HEADS, GROUPS, VOCABULARY = 2048, 11008, 36, 16, 2, 151_936
EYE_WIDTH, EYE_DEEP, EYE_LAYERS, EYE_HEADS, PATCH_PX, MERGED, WINDOWED = 1280, 3420, 32, 16, 14, 4, 8
ROTATION = (16, 24, 24, 0)  # dimensions of a head turned by time, row and column
SPECIAL = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>")
UNIFORM_STD = {"q4_0": 4.61, "q6_k": 18.5 * 73.9}  # of quants drawn evenly, times the scale within a block
KEPT = ("tokenizer.ggml.merges", "tokenizer.ggml.pre", "tokenizer.ggml.model", "tokenizer.chat_template")


class Weights:
    """Random tensors of a GGUF file. Quantised ones are drawn as blocks, which is as fast as the disk."""

    def __init__(self, writer: Any) -> None:
        import gguf

        self._writer, self._random, self._kinds = writer, np.random.default_rng(SEED), gguf.GGMLQuantizationType
        self._pool = self._random.standard_normal(1 << 22, dtype=np.float32)

    def blocks(self, name: str, rows: int, columns: int, kind: str = "q4_0") -> None:
        """``rows × columns`` of a standard deviation of ``columns ** -0.5``, so that activations keep their size."""
        elements, scale_at = (32, 0) if kind == "q4_0" else (256, 208)
        size = 18 if kind == "q4_0" else 210
        data = self._random.integers(0, 256, (rows * columns // elements, size), np.uint8)
        scale = np.array([columns**-0.5 / UNIFORM_STD[kind]], np.float16)
        data[:, scale_at : scale_at + 2] = scale.view(np.uint8)
        raw = self._kinds.Q4_0 if kind == "q4_0" else self._kinds.Q6_K
        self._writer.add_tensor(name, data.reshape(rows, -1), raw_dtype=raw)

    def half(self, name: str, *shape: int) -> None:
        """f16, of a standard deviation of one over the root of what is summed."""
        count, inputs = int(np.prod(shape)), int(np.prod(shape[1:]))
        begin = int(self._random.integers(0, 4096))
        data = np.resize(self._pool[begin:] * np.float32(inputs**-0.5), count).astype(np.float16)
        self._writer.add_tensor(name, data.reshape(shape))

    def ones(self, name: str, count: int) -> None:
        self._writer.add_tensor(name, np.ones(count, np.float32))

    def zeros(self, name: str, count: int) -> None:
        self._writer.add_tensor(name, np.zeros(count, np.float32))


def write_language(path: Path) -> Path:
    """The language model, Q4_0 with Q6_K embeddings that are the head too."""
    import gguf

    small = {key: field.contents() for key, field in gguf.GGUFReader(smollm2()).fields.items()}
    writer = gguf.GGUFWriter(path, "qwen2vl", use_temp_file=False)
    writer.add_name("Random weights of Qwen2.5-VL-3B's shape")
    writer.add_block_count(LAYERS)
    writer.add_context_length(128_000)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(DEEP)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(GROUPS)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_dimension_sections(ROTATION)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    tokens, kinds = list(small["tokenizer.ggml.tokens"]), list(small["tokenizer.ggml.token_type"])
    missing = VOCABULARY - len(tokens) - len(SPECIAL)
    tokens += [*SPECIAL, *(f"Ġw{number}" for number in range(missing))]
    kinds += [gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * missing
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(small["tokenizer.ggml.merges"])
    for key in KEPT[1:]:
        writer.add_string(key, small[key])
    writer.add_eos_token_id(small["tokenizer.ggml.eos_token_id"])
    writer.add_add_bos_token(False)
    weights, keys = Weights(writer), WIDTH // HEADS * GROUPS
    weights.blocks("token_embd.weight", VOCABULARY, WIDTH, "q6_k")
    weights.ones("output_norm.weight", WIDTH)
    for layer in range(LAYERS):
        at = f"blk.{layer}"
        weights.ones(f"{at}.attn_norm.weight", WIDTH)
        weights.ones(f"{at}.ffn_norm.weight", WIDTH)
        for name, rows in (("attn_q", WIDTH), ("attn_k", keys), ("attn_v", keys)):
            weights.blocks(f"{at}.{name}.weight", rows, WIDTH)
            weights.zeros(f"{at}.{name}.bias", rows)
        weights.blocks(f"{at}.attn_output.weight", WIDTH, WIDTH)
        weights.blocks(f"{at}.ffn_gate.weight", DEEP, WIDTH)
        weights.blocks(f"{at}.ffn_up.weight", DEEP, WIDTH)
        weights.blocks(f"{at}.ffn_down.weight", WIDTH, DEEP)
    return finish(writer, path)


def write_eye(path: Path) -> Path:
    """The vision tower with its merger, f16 as it is published."""
    import gguf

    writer = gguf.GGUFWriter(path, "clip", use_temp_file=False)
    writer.add_type("mmproj")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "qwen2.5vl_merger")
    writer.add_bool("clip.use_silu", True)
    for key, value in (
        ("image_size", 560), ("patch_size", PATCH_PX), ("embedding_length", EYE_WIDTH),
        ("feed_forward_length", EYE_DEEP), ("projection_dim", WIDTH), ("block_count", EYE_LAYERS),
        ("attention.head_count", EYE_HEADS), ("n_wa_pattern", WINDOWED),
    ):  # fmt: skip
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.48145466, 0.4578275, 0.40821073])
    writer.add_array("clip.vision.image_std", [0.26862954, 0.26130258, 0.27577711])
    weights = Weights(writer)
    for name in ("v.patch_embd.weight", "v.patch_embd.weight.1"):  # one for each of two frames
        weights.half(name, EYE_WIDTH, 3, PATCH_PX, PATCH_PX)
    for layer in range(EYE_LAYERS):
        for name, rows, columns in (
            ("attn_q", EYE_WIDTH, EYE_WIDTH), ("attn_k", EYE_WIDTH, EYE_WIDTH), ("attn_v", EYE_WIDTH, EYE_WIDTH),
            ("attn_out", EYE_WIDTH, EYE_WIDTH), ("ffn_gate", EYE_DEEP, EYE_WIDTH), ("ffn_up", EYE_DEEP, EYE_WIDTH),
            ("ffn_down", EYE_WIDTH, EYE_DEEP),
        ):  # fmt: skip
            weights.half(f"v.blk.{layer}.{name}.weight", rows, columns)
            weights.zeros(f"v.blk.{layer}.{name}.bias", rows)
        weights.ones(f"v.blk.{layer}.ln1.weight", EYE_WIDTH)
        weights.ones(f"v.blk.{layer}.ln2.weight", EYE_WIDTH)
    weights.ones("v.post_ln.weight", EYE_WIDTH)
    for name, rows in (("mm.0", EYE_WIDTH * MERGED), ("mm.2", WIDTH)):
        weights.half(f"{name}.weight", rows, EYE_WIDTH * MERGED)
        weights.zeros(f"{name}.bias", rows)
    return finish(writer, path)


def finish(writer: Any, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


# --------------------------------------------------------------------------------------------- measuring


def measure(folder: Path, threads: int) -> dict[str, Any]:
    """All numbers, of files in ``folder``."""
    options = GgufOptions(folder / LANGUAGE_FILE, folder / EYE_FILE, threads=threads)
    model = gguf_model(options, Manner(max_tokens=TOKENS))
    result: dict[str, Any] = {"model": model.card.size, "memory_before_mb": memory_parts()}
    with Standstill() as still:
        clock = Clock()
        model.prepare()
        while not model.ready:
            assert model.failure is None, model.failure
            time.sleep(TICK_S)
        result["load"] = clock() | {"page_stands_still_s": round(still.longest_s, 2)}
    engine: Any = model._engine()
    result |= {"device": engine.card.device, "image_tokens": engine.image_tokens()}
    result["memory_loaded_mb"] = memory_parts()
    one, other = seen(1), seen(2)
    with Standstill() as still:
        result["explanation"] = answer(model, one)
        result["explanation"]["page_stands_still_s"] = round(still.longest_s, 2)
    result["memory_after_an_answer_mb"] = memory_parts()
    result["same_visitor_asks_on"] = answer(model, one, SHORT_QUESTION)["first_word"]
    result["stop_while_words_are_written"] = stop(model, one, "", lambda piece: isinstance(piece, str), one)
    result["stop_while_the_prompt_is_read"] = stop(model, one, LONG_QUESTION, is_reading, one)
    # What comes before the image is known from the answer before: the first progress is told as the image is begun.
    result["stop_while_the_image_is_read"] = stop(model, other, "", is_reading, one)
    return result


def main() -> int:
    """Writes the files, measures, prints the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="keep the files here, and take those that are there already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in ((LANGUAGE_FILE, write_language), (EYE_FILE, write_eye)):
            if not (folder / name).exists():
                write(folder / name)
        print(json.dumps(measure(folder, given.threads), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
