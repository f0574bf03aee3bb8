"""The eight directions of an image, and their words."""

from __future__ import annotations

# The eight image directions, from 0° = right in steps of 45°, y down: MELLM's names.
DIRECTIONS: tuple[str, ...] = (
    "right",
    "down-right",
    "down",
    "down-left",
    "left",
    "up-left",
    "up",
    "up-right",
)
DIRECTION_ZH: dict[str, str] = {
    "right": "向右",
    "down-right": "向右下",
    "down": "向下",
    "down-left": "向左下",
    "left": "向左",
    "up-left": "向左上",
    "up": "向上",
    "up-right": "向右上",
}


def direction_name(degrees: float) -> str:
    """The nearest of the eight directions; 0 is right, 90 is down."""
    return DIRECTIONS[round(degrees / 45.0) % 8]
