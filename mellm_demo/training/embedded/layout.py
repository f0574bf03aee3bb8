"""Names and order of weights: transformers' LLaVA beside llama.cpp's GGUF, one table for writing and for reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import InputError

# Of one layer of the language model.
LINEARS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip
NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
# Of one layer of the tower.
TOWER_LAYER = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.out_proj": "attn_out", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down", "layer_norm1": "ln1",
    "layer_norm2": "ln2",
}  # fmt: skip
TOWER_START = {
    "embeddings.patch_embedding.weight": "v.patch_embd.weight",
    "embeddings.patch_embedding.bias": "v.patch_embd.bias",
    "embeddings.position_embedding.weight": "v.position_embd.weight",
}
# One tensor of a LoRA adapter: peft's name, in a model or in its file, and llama.cpp's.
ADAPTED = re.compile(
    r"language_model\..*layers\.(?P<index>\d+)\.(?P<layer>\w+\.\w+)\.lora_(?P<part>[AB])(?:\.default)?\.weight$"
)
ADAPTER_TENSOR = re.compile(r"blk\.(?P<index>\d+)\.(?P<layer>\w+)\.weight\.lora_(?P<part>[ab])")
PROJECTOR = {"linear_1": "mm.0", "linear_2": "mm.2"}


def tower_names(layers: int) -> dict[str, str]:
    """SiglipVisionModel's name → llama.cpp's, of all that is stored of the tower."""
    names = dict(TOWER_START)
    for index in range(layers):
        for theirs, ours in TOWER_LAYER.items():
            for kind in ("weight", "bias"):
                names[f"encoder.layers.{index}.{theirs}.{kind}"] = f"v.blk.{index}.{ours}.{kind}"
    return names


def projector_names() -> dict[str, str]:
    """LLaVA's projector's name → llama.cpp's."""
    return {f"{theirs}.{kind}": f"{ours}.{kind}" for theirs, ours in PROJECTOR.items() for kind in ("weight", "bias")}


def in_rotation_order(rows: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Rows of queries or keys in llama.cpp's order: transformers rotates halves of a head, llama.cpp neighbours."""
    count, columns = rows.shape
    return rows.reshape(heads, 2, count // heads // 2, columns).swapaxes(1, 2).reshape(count, columns)


def in_halves_order(rows: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """The way back of ``in_rotation_order``."""
    count, columns = rows.shape
    return rows.reshape(heads, count // heads // 2, 2, columns).swapaxes(1, 2).reshape(count, columns)


def read_adapter(path: Path, heads: Mapping[str, int]) -> tuple[dict[tuple[int, str, str], Any], float]:
    """An adapter that ``export_gguf`` wrote → float32 tensors by (layer's index, its linear as in LINEARS, “A” or “B”),
    and LoRA's alpha. heads: llama.cpp's names of queries and keys → heads of each. Raises InputError.
    """
    import gguf
    import torch

    theirs = {ours: name for name, ours in LINEARS.items()}
    made = {}
    try:
        reader = gguf.GGUFReader(path)
        alpha = float(reader.fields["adapter.lora.alpha"].contents())
        for one in reader.tensors:
            found = ADAPTER_TENSOR.fullmatch(str(one.name))
            if found is None:
                raise ValueError(f"{one.name} is no adapter of a layer")
            weight = np.array(one.data, np.float32)
            if found["part"] == "b" and found["layer"] in heads:
                weight = in_halves_order(weight, heads[found["layer"]])
            key = int(found["index"]), theirs[found["layer"]], found["part"].upper()
            made[key] = torch.from_numpy(np.ascontiguousarray(weight))
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path.name} is no adapter that export_gguf wrote: {error}") from None
    return made, alpha


def read_eye(path: Path, layers: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """An “mmproj” that ``export_gguf`` wrote → (weights of the tower, weights of the projector), float32 tensors.

    The closing norm of the tower is not stored, since nothing reads what comes after it; here it changes nothing.
    Raises InputError.
    """
    import gguf
    import torch

    try:
        stored = {str(one.name): one for one in gguf.GGUFReader(path).tensors}
        read = [
            {theirs: torch.from_numpy(np.array(stored[ours].data, np.float32)) for theirs, ours in names.items()}
            for names in (tower_names(layers), projector_names())
        ]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path.name} is no eye that export_gguf wrote: {error}") from None
    tower, projector = read
    width = tower["embeddings.patch_embedding.bias"].shape[0]
    return tower | {"post_layernorm.weight": torch.ones(width), "post_layernorm.bias": torch.zeros(width)}, projector
