"""Spaces with ZeroGPU lend a graphics card for the length of a call. Elsewhere nothing changes.

The package ``spaces`` is there on such Spaces only. It has to be imported before torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


def is_zero_gpu() -> bool:
    """Whether this is a Space whose graphics card is lent by the call."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def prepare() -> None:
    """Let ``spaces`` see torch come in; without ZeroGPU nothing is imported."""
    if is_zero_gpu():
        import spaces  # noqa: F401


def on_gpu(stream: Callable[..., Iterator[T]], seconds: Callable[..., int]) -> Callable[..., Iterator[T]]:
    """A generator function that gets a card from its first step to its end; unchanged where there is no ZeroGPU.

    seconds: how long a call may take, by its arguments.
    """
    if not is_zero_gpu():
        return stream
    import spaces

    def lent(*args: Any) -> Iterator[T]:  # what is lent a card must be a plain function: it is run in another process
        yield from stream(*args)

    return spaces.GPU(duration=seconds)(lent)
