"""Q4_0 and Q8_0 as llama.cpp defines them, within training: weights are seen rounded, gradients pass through.

A block is 32 neighbours of a row. Q4_0: the value of largest size becomes -8 steps, the step is kept in half precision,
the others are rounded half up to 0..15. Equal to the ``gguf`` package's quantisation, to the bit (a test says so).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

BLOCK = 32


def q4_0(weight: torch.Tensor) -> torch.Tensor:
    """(…, N) float, N a multiple of 32 → what Q4_0 makes of it, of the same type."""
    import torch

    blocks = weight.detach().float().reshape(-1, BLOCK)
    highest, lowest = blocks.amax(dim=1, keepdim=True), blocks.amin(dim=1, keepdim=True)
    step = torch.where(highest >= -lowest, highest, lowest) / -8.0
    inverse = torch.where(step == 0, torch.zeros_like(step), 1.0 / step)
    levels = torch.clamp(torch.trunc(blocks * inverse + 8.5), 0, 15) - 8.0
    return (levels * step.half().float()).reshape(weight.shape).to(weight.dtype)


def q8_0(weight: torch.Tensor) -> torch.Tensor:
    """The same for Q8_0."""
    import torch

    blocks = weight.detach().float().reshape(-1, BLOCK)
    step = blocks.abs().amax(dim=1, keepdim=True) / 127.0
    inverse = torch.where(step == 0, torch.zeros_like(step), 1.0 / step)
    scaled = blocks * inverse
    levels = torch.sign(scaled) * torch.floor(scaled.abs() + 0.5)
    return (levels * step.half().float()).reshape(weight.shape).to(weight.dtype)


def seen_as_q4_0(linears: Iterable[Any]) -> int:
    """From now on these nn.Linear compute with their weights as Q4_0; how many. Names of weights stay the same."""
    import torch
    import torch.nn.functional as F

    class Rounded(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, weight: torch.Tensor) -> torch.Tensor:
            return q4_0(weight)

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
            return gradients[0]  # straight through

    class RoundedLinear(torch.nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return F.linear(input, Rounded.apply(self.weight), self.bias)

    count = 0
    for linear in linears:
        linear.__class__ = RoundedLinear
        count += 1
    return count


def language_linears(language: Any) -> list[Any]:
    """What the export stores as Q4_0: all linear layers but the output, which is the embedding."""
    import torch

    return [m for name, m in language.named_modules() if type(m) is torch.nn.Linear and not name.endswith("lm_head")]
