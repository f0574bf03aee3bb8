"""Colours, fonts and the prose of the page: where they lie and how Gradio gets them. No fonts from the web."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).resolve().parents[2] / "assets"
UI_ASSETS = ASSETS / "ui"

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "Microsoft YaHei", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "monospace")

# One accent, an ink blue with little saturation: hue belongs to the direction of motion alone.
ACCENT = gr.themes.Color(
    "#f3f6fa",
    "#e4ebf3",
    "#c8d5e5",
    "#a5bbd4",
    "#7f9dc0",
    "#5f81a9",
    "#3f618c",
    "#2f4d73",
    "#263e5d",
    "#1d2f47",
    "#142133",
)
NEUTRAL = gr.themes.Color(
    "#fafafa",
    "#f4f4f5",
    "#e6e6e8",
    "#d3d3d7",
    "#a3a3ab",
    "#74747d",
    "#56565e",
    "#3d3d44",
    "#27272c",
    "#1a1a1e",
    "#111114",
)


def theme() -> gr.themes.Base:
    """The theme behind Gradio's own components; ``style.css`` does the rest with the same names."""
    base = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=NEUTRAL,
        radius_size=gr.themes.sizes.radius_lg,
        font=SANS,
        font_mono=MONO,
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_900",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_800",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="*neutral_800",
        block_shadow="none",
        block_shadow_dark="none",
        input_background_fill="white",
        input_background_fill_dark="*neutral_900",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_300",
        button_primary_background_fill_hover_dark="*primary_200",
        button_primary_text_color="white",
        button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_dark="*neutral_900",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
        button_secondary_text_color="*neutral_900",
        button_secondary_text_color_dark="*neutral_100",
        button_border_width="1px",
        color_accent="*primary_700",
        color_accent_soft="*primary_100",
        color_accent_soft_dark="*primary_900",
    )


@cache
def asset(name: str) -> str:
    """A text file of the page: css, script, template or prose."""
    return (UI_ASSETS / name).read_text(encoding="utf-8")
