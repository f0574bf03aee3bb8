"""What the eye's tokens mean to the language model: where unit k is shown, token k is its name, else it is blank.

Before the language model meets them, tower and projector learn to say this in the language model's own word embeddings:
a name is the mean of its words', as long as a word's usually is, with the word for its side where it is on one. So the
image reads like a list with gaps. (Tokens that always held the name, with “none” added to it where it was not shown,
were told apart as well, but in 190 steps of training the language model did not learn to look at them.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mellm_demo import facs
from mellm_demo.training.embedded.recipe import Shape
from mellm_demo.training.instruct.motion import UNITS

if TYPE_CHECKING:
    import torch

STATES = ("none", "left", "right", "both")
NOTHING = "\n"  # what stands where nothing is shown
SIDE_SHARE = 0.6  # of the word for a side, beside a name
SHOWN_WEIGHT = 3.0  # of the states that say something: one unit in fifteen is shown
NEARNESS = 1.0  # of the squared distance beside the choice among states


def state_of(units: torch.Tensor) -> torch.Tensor:
    """(B, 2, U) shown on the subject's left, right → (B, U) index of STATES."""
    shown = (units > 0.5).long()
    return shown[:, 0] + 2 * shown[:, 1]


def meanings(embeddings: torch.Tensor, tokenizer: Any, tokens: int, units: Sequence[int] = UNITS) -> torch.Tensor:
    """(tokens, 4, D): what each token of the eye should be in each state, in the language model's embeddings (V, D)."""
    import torch

    usual = embeddings.float().norm(dim=-1).mean()

    def word(text: str) -> torch.Tensor:
        mean = embeddings[tokenizer.encode(text, add_special_tokens=False)].float().mean(dim=0)
        return mean * (usual / mean.norm().clamp(min=1e-6))

    blank, sides = word(NOTHING), [SIDE_SHARE * word(f" {state}") for state in ("left", "right")]
    names = [word(f" {facs.AU_BY_NUMBER[au].name}") for au in units]
    named = [torch.stack([blank, name + sides[0], name + sides[1], name]) for name in names]
    return torch.stack([*named, *[blank.expand(len(STATES), -1)] * (tokens - len(named))])


def projector(shape: Shape, width: int) -> torch.nn.Module:
    """LLaVA's projector from the tower to a language model of this width, by its names."""
    from collections import OrderedDict

    from torch import nn

    made = nn.Sequential(
        OrderedDict(
            linear_1=nn.Linear(shape.hidden, width), act=nn.GELU(approximate="tanh"), linear_2=nn.Linear(width, width)
        )
    )
    for layer in (made.linear_1, made.linear_2):
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)
    return made


def loss_of(said: torch.Tensor, meant: torch.Tensor, units: torch.Tensor) -> torch.Tensor:
    """How far tokens (B, T, D) are from what they should say: the right state among four, and close to its vector.

    meant: (T, 4, D) of ``meanings``. units: (B, 2, U).
    """
    import torch
    import torch.nn.functional as F

    states = state_of(units)
    count = states.shape[1]
    weight = torch.tensor([1.0, *[SHOWN_WEIGHT] * (len(STATES) - 1)])
    told = F.cross_entropy(scores_of(said[:, :count], meant[:count]).flatten(0, 1), states.flatten(), weight=weight)
    right = (
        meant[:count]
        .expand(len(said), -1, -1, -1)
        .gather(2, states[..., None, None].expand(-1, -1, 1, meant.shape[-1]))[:, :, 0]
    )
    rest = meant[count:, 0].expand(len(said), -1, -1)
    wanted = torch.cat([right, rest], dim=1)
    return told + NEARNESS * F.mse_loss(said.float(), wanted) / meant.var()


def scores_of(said: torch.Tensor, meant: torch.Tensor) -> torch.Tensor:
    """(B, U, D), (U, 4, D) → (B, U, 4): minus half the squared distances, so that a softmax weighs them as a mixture
    of Gaussians of the words' own spread would."""
    import torch

    spread = (meant[:, 3] - meant[:, 1]).pow(2).sum(dim=-1).mean()  # of a name on both sides and on one: the nearest
    away = (said.float()[:, :, None] - meant[None]).pow(2).sum(dim=-1)
    return torch.as_tensor(-4.0 * away / spread)


def read(said: torch.Tensor, meant: torch.Tensor) -> torch.Tensor:
    """(B, T, D) → logits (B, 2, U) of shown on the left, right: what a reader of these words would take them for."""
    import torch

    share = torch.softmax(scores_of(said[:, : len(UNITS)], meant[: len(UNITS)]), dim=-1)
    sides = torch.stack([share[..., 1] + share[..., 3], share[..., 2] + share[..., 3]], dim=1)
    return torch.logit(sides.clamp(1e-6, 1 - 1e-6))
