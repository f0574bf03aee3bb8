"""The page: the only part that imports Gradio. ``build_app`` makes it, ``launch`` serves it."""

from mellm_demo.ui.app import build_app, launch

__all__ = ["build_app", "launch"]
