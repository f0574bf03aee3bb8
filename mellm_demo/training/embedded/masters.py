"""Weights in bfloat16 to compute with, in float32 to learn with, and rounded to 4 bits to be seen.

On processors with matrix units for bfloat16 this is faster than casting float32 at every product. What is computed with
is made anew from the float32 masters after each step: as they are, or as Q4_0 leaves them, so that rounding costs once
a step instead of once a pass. Masters lie one behind the other in a few long tensors, which an optimiser goes through
much faster than through hundreds of short ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mellm_demo.training.embedded.quantise import q4_0

COMPILED_FROM = 4_000_000  # numbers: compiling takes a minute


@dataclass(frozen=True)
class _Long:
    """Parameters of the model and their masters behind each other."""

    parameters: tuple[Any, ...]
    masters: Any  # nn.Parameter (N,) float32
    rounded: bool

    def parts(self, whole: Any) -> list[Any]:
        """(N,) → a view for each parameter, of its shape."""
        views, start = [], 0
        for one in self.parameters:
            views.append(whole[start : start + one.numel()].view(one.shape))
            start += one.numel()
        return views


class Masters:
    """float32 copies of a model's parameters, and the groups that an optimiser should learn of them."""

    def __init__(self, model: Any, groups: Iterable[dict[str, Any]], rounded: Iterable[Any] = ()) -> None:
        """From now on ``model`` computes in bfloat16; its buffers (positions) stay as they are.

        groups: an optimiser's, of what is trained. rounded: parameters that the model shall see as Q4_0.
        """
        import torch

        chosen = {id(parameter) for parameter in rounded}
        self._model = model
        self._long: list[_Long] = []
        self.groups: list[dict[str, Any]] = []
        for group in groups:
            for rounding in (True, False):
                some = tuple(one for one in group["params"] if (id(one) in chosen) == rounding)
                if some:
                    masters = torch.nn.Parameter(torch.cat([one.detach().float().reshape(-1) for one in some]))
                    self._long.append(_Long(some, masters, rounding))
                    self.groups.append({**group, "params": [masters]})
        trained = {id(parameter) for long in self._long for parameter in long.parameters}
        self._still = {id(one): one.detach().clone() for one in model.parameters() if id(one) not in trained}
        self._round = _rounding(max((one.masters.numel() for one in self._long if one.rounded), default=0))
        for parameter in model.parameters():
            parameter.data = parameter.data.to(torch.bfloat16)
        self.give()

    def collect(self) -> None:
        """The gradients of what was computed with, to the masters."""
        import torch

        for long in self._long:
            if long.masters.grad is None:
                long.masters.grad = torch.zeros_like(long.masters)
            for parameter, place in zip(long.parameters, long.parts(long.masters.grad), strict=True):
                if parameter.grad is None:
                    place.zero_()
                else:
                    place.copy_(parameter.grad)
                    parameter.grad = None

    def give(self) -> None:
        """The masters' values, to what is computed with."""
        import torch

        with torch.no_grad():
            for long in self._long:
                seen = self._round(long.masters.detach()) if long.rounded else long.masters.detach()
                for parameter, values in zip(long.parameters, long.parts(seen), strict=True):
                    parameter.copy_(values)

    def restore(self) -> None:
        """The model as it was learned, in float32: training is over."""
        exact = self.by_parameter()
        for parameter in self._model.parameters():
            parameter.data = exact[id(parameter)].clone()

    def by_parameter(self) -> dict[int, Any]:
        """id of a parameter → its values in float32."""
        return self._still | {
            id(parameter): values
            for long in self._long
            for parameter, values in zip(long.parameters, long.parts(long.masters.detach()), strict=True)
        }


def _rounding(numbers: int) -> Callable[[Any], Any]:
    if numbers < COMPILED_FROM:
        return q4_0
    import torch

    return torch.compile(q4_0, dynamic=True)
