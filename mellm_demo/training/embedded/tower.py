"""The eye: a SigLIP-style tower, and the heads that teach it to see regional flow and action units in a map.

What it is taught on is its last hidden state *before* the closing layer norm, since that is what a LLaVA takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mellm_demo import facs
from mellm_demo.training.embedded.recipe import Shape
from mellm_demo.training.instruct.images import TOWER_PX
from mellm_demo.training.instruct.motion import UNITS

if TYPE_CHECKING:
    import torch

MEAN = STD = 0.5  # of the pixels, as SigLIP has it
REGION_WEIGHT = 8.0  # mean squares of shares are small beside cross entropies
UNIT_WEIGHT = 4.0  # of a cross entropy whose units are mostly absent
PROBE_HEADS = 4


def tower_config(shape: Shape) -> Any:
    """transformers' configuration of the tower."""
    from transformers import SiglipVisionConfig

    return SiglipVisionConfig(
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        image_size=TOWER_PX,
        patch_size=shape.patch,
        num_channels=3,
        hidden_act="gelu_pytorch_tanh",
        vision_use_head=False,
    )


def pixel_values(images: Any) -> torch.Tensor:
    """(B, 224, 224, 3) uint8 RGB, array or tensor → (B, 3, 224, 224) float32, -1..1."""
    import torch

    tensor = torch.as_tensor(np.asarray(images) if not torch.is_tensor(images) else images)
    return (tensor.permute(0, 3, 1, 2).float() / 255.0 - MEAN) / STD


def quick_on_a_cpu(tower: Any) -> None:
    """Make a tower's training twice as fast there, its weights and results as they are: patches as a product instead
    of a convolution, attention without the fused kernel, whose way back is slow for a few dozen tokens."""
    import torch
    import torch.nn.functional as F

    class Patches(torch.nn.Conv2d):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            (batch, channels, height, width), side = input.shape, self.kernel_size[0]
            rows, columns = height // side, width // side
            cut = input.reshape(batch, channels, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
            flat = F.linear(cut.reshape(batch, rows * columns, -1), self.weight.flatten(1), self.bias)
            return flat.transpose(1, 2).reshape(batch, -1, rows, columns)

    tower.embeddings.patch_embedding.__class__ = Patches
    tower.config._attn_implementation = "eager"


def pretraining_model(shape: Shape, width: int = 0) -> torch.nn.Module:
    """Tower and probes: one learned query for each region and for each unit on each side looks at the patches.

    ``forward(pixels)`` → regions (B, R, 2), logits (B, 2, U), and, where a language model's ``width`` is given, the
    tokens (B, P, width) that it will be told (see ``naming``), else None.
    """
    import torch
    from torch import nn
    from transformers import SiglipVisionModel

    from mellm_demo.training.embedded.naming import projector

    class Eye(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = SiglipVisionModel(tower_config(shape))
            count = len(facs.REGIONS) + 2 * len(UNITS)
            self.norm = nn.LayerNorm(shape.hidden)
            self.queries = nn.Parameter(0.02 * torch.randn(1, count, shape.hidden))
            self.look = nn.MultiheadAttention(shape.hidden, PROBE_HEADS, batch_first=True)
            self.region = nn.Linear(shape.hidden, 2)
            self.unit_weight = nn.Parameter(torch.zeros(2 * len(UNITS), shape.hidden))
            self.unit_bias = nn.Parameter(torch.full((2 * len(UNITS),), -2.5))
            self.projector = projector(shape, width) if width else None
            quick_on_a_cpu(self.tower)

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
            hidden = self.tower(pixel_values=pixels, output_hidden_states=True).hidden_states[-1]
            patches = self.norm(hidden)  # (B, P, C)
            seen, _ = self.look(self.queries.expand(len(pixels), -1, -1), patches, patches, need_weights=False)
            regions = self.region(seen[:, : len(facs.REGIONS)])
            units = (seen[:, len(facs.REGIONS) :] * self.unit_weight).sum(dim=-1) + self.unit_bias
            told = self.projector(hidden) if self.projector is not None else None
            return regions, units.view(len(pixels), 2, len(UNITS)), told

    return Eye()


def loss_of(
    made: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None], regions: torch.Tensor, units: torch.Tensor,
    meant: torch.Tensor | None = None,
) -> tuple[torch.Tensor, dict[str, float]]:  # fmt: skip
    """Mean square of regional flow, cross entropy of units and, with their meanings, how well the tokens name them.

    Together, and each for the record.
    """
    import torch.nn.functional as F

    flow = F.mse_loss(made[0].float(), regions)
    shown = F.binary_cross_entropy_with_logits(made[1].float(), units)
    parts = {"regions": float(flow.detach()), "units": float(shown.detach())}
    total = REGION_WEIGHT * flow + UNIT_WEIGHT * shown
    if made[2] is not None and meant is not None:
        from mellm_demo.training.embedded import naming

        named = naming.loss_of(made[2], meant, units)
        total, parts["naming"] = total + named, float(named.detach())
    return total, parts


def scores(logits: torch.Tensor, units: torch.Tensor, threshold: float = 0.5) -> dict[str, float]:
    """AU macro-F1 over the units that occur (either side), and how often the side is right where a unit is one-sided.

    logits, units: (N, 2, U).
    """
    import torch

    said, true = torch.sigmoid(logits.float()) >= threshold, units > 0.5
    either, really = said.any(dim=1), true.any(dim=1)
    hits = (either & really).sum(dim=0).float()
    total = either.sum(dim=0) + really.sum(dim=0)
    occurs = really.sum(dim=0) > 0
    f1 = (2 * hits / total.clamp(min=1))[occurs]
    one_sided = (true.sum(dim=1) == 1) & either
    stronger = logits[:, 0] > logits[:, 1]
    right = (stronger == true[:, 0])[one_sided]
    return {
        "au_macro_f1": float(f1.mean()) if len(f1) else 0.0,
        "side_accuracy": float(right.float().mean()) if len(right) else 0.0,
    }
