"""The page's own components, built on ``gr.HTML``: a skeleton, a script and a value that Python sends.

The script of a piece lies beside its skeleton in ``assets/ui``; its ``trigger(event, data)`` becomes a Gradio event
of that name. Values are plain JSON; the scripts put text into the page as text, never as markup.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from mellm_demo.ui.theme import UI_ASSETS, asset


def paths(upload: dict[str, Any] | list[dict[str, Any]] | None) -> tuple[Path, ...]:
    """Where the uploads of a ``gr.File`` lie, as an event with ``preprocess=False`` hears of them.

    Gradio's own preprocessing leaves an empty file behind for each of them.
    """
    if upload is None:
        return ()
    return tuple(Path(file["path"]) for file in ([upload] if isinstance(upload, dict) else upload))


def fragment(html: str = "", *, elem_id: str | None = None, visible: bool = True) -> gr.HTML:
    """Markup from Python, shown as it is. Whoever makes it escapes what visitors or files bring in."""
    return gr.HTML(
        html, js_on_load=None, apply_default_css=False, container=False, padding=False, elem_id=elem_id, visible=visible
    )


def piece(name: str, value: Any, *, elem_id: str, visible: bool = True, **props: Any) -> gr.HTML:
    """An interactive component from ``assets/ui/<name>.html`` (if there is one) and ``assets/ui/<name>.js``."""
    skeleton = asset(f"{name}.html") if (UI_ASSETS / f"{name}.html").is_file() else f"<div class='{name}'></div>"
    return gr.HTML(
        value,
        html_template=skeleton,
        js_on_load=asset(f"{name}.js"),
        apply_default_css=False,
        container=False,
        padding=False,
        elem_id=elem_id,
        visible=visible,
        **props,
    )
