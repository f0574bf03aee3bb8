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


def pretraining_model(shape: Shape) -> torch.nn.Module:
    """Tower and probes: one learned query for each region and for each unit on each side looks at the patches.

    ``forward(pixels)`` → regions (B, R, 2), logits (B, 2, U).
    """
    import torch
    from torch import nn
    from transformers import SiglipVisionModel

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

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            hidden = self.tower(pixel_values=pixels, output_hidden_states=True).hidden_states[-1]
            patches = self.norm(hidden)  # (B, P, C)
            seen, _ = self.look(self.queries.expand(len(pixels), -1, -1), patches, patches, need_weights=False)
            regions = self.region(seen[:, : len(facs.REGIONS)])
            units = (seen[:, len(facs.REGIONS) :] * self.unit_weight).sum(dim=-1) + self.unit_bias
            return regions, units.view(len(pixels), 2, len(UNITS))

    return Eye()


def loss_of(
    made: tuple[torch.Tensor, torch.Tensor], regions: torch.Tensor, units: torch.Tensor
) -> tuple[torch.Tensor, dict[str, float]]:
    """Mean square of regional flow and cross entropy of units, together; and both for the record."""
    import torch.nn.functional as F

    flow = F.mse_loss(made[0].float(), regions)
    shown = F.binary_cross_entropy_with_logits(made[1].float(), units)
    return REGION_WEIGHT * flow + shown, {"regions": float(flow.detach()), "units": float(shown.detach())}


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
