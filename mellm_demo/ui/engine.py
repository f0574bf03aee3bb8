"""What the page calls to measure. The real functions are imported when first used, so that the page opens at once.

Knows nothing of Gradio. Tests pass their own functions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from mellm_demo.records import Analysis, Image


def _later(module: str, name: str) -> Callable[..., Any]:
    """A function that is looked up in its module at its first call."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), name)(*args, **kwargs)

    return call


_analyse, _reanalyse, _choose_face, _magnified = (
    _later("mellm_demo.pipeline", name) for name in ("analyse", "reanalyse", "choose_face", "magnified")
)


@dataclass(frozen=True)
class Engine:
    """The measuring functions behind the page, with the signatures of ``mellm_demo.pipeline``."""

    analyse: Callable[..., Analysis] = _analyse
    reanalyse: Callable[..., Analysis] = _reanalyse
    choose_face: Callable[..., Analysis] = _choose_face
    magnified: Callable[[Analysis, float], tuple[Image, ...]] = _magnified


# What takes longest to import, in the order in which an analysis needs it.
WARM_UP_MODULES: tuple[str, ...] = (
    "cv2",
    "av",
    "mediapipe",
    "scipy.signal",
    "mellm_demo.pipeline",
    "plotly.graph_objects",
)


def warm_up() -> threading.Thread:
    """Import what an analysis will need, behind the open page. Returns the thread, already running."""

    def work() -> None:
        for name in WARM_UP_MODULES:
            try:
                import_module(name)
            except Exception:  # the analysis itself will say what is missing, in words
                return

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread
