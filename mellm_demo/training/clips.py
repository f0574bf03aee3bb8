"""Synthetic clips on the way through the analysis: which faces, and from what is to be shown to what is found.

Nothing but the film reaches the analysis. Knows nothing of scores.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mellm_demo.errors import InputError
from mellm_demo.records import Analysis, Image
from mellm_demo.settings import Settings
from mellm_demo.training.me_flow import DATA_VARIABLE
from mellm_demo.training.synthesis import ClipSpec, Scene, portrait, read_picture, write_clip

PICTURES = (".jpg", ".jpeg", ".png")


def faces_folder(given: Path | None) -> Path | None:
    """The folder of ``--faces``, else ``faces`` in the environment's data folder where there is one."""
    if given is None and (data := os.environ.get(DATA_VARIABLE)) and (Path(data) / "faces").is_dir():
        return Path(data) / "faces"
    return given


def find_faces(folder: Path | None) -> list[str]:
    """Pictures in and under ``folder``, sorted; "" (the astronaut) alone where there is none. Raises InputError.

    Faces that smile are left out where neutral ones lie beside them: an expression starts from rest.
    """
    if folder is None:
        return [""]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    if not found:
        raise InputError(f"There is no picture in the folder {folder.name}. Give a folder of faces (.jpg, .png).")
    neutral = [path for path in found if "neutral" in path.parent.name.lower()]
    return [str(path) for path in neutral or found]


def picture_of(path: str) -> Image:
    """The picture of one of ``find_faces``, RGB (H, W, 3)."""
    return read_picture(Path(path)) if path else portrait()


def film_and_analyse(picture: Image, spec: ClipSpec, *, crf: int, settings: Settings | None = None) -> Analysis:
    """Films ``spec`` with ``picture``, H.264 of quality ``crf``, and analyses the film.

    Raises InputError where the analysis refuses it.
    """
    from mellm_demo.pipeline import analyse

    with tempfile.TemporaryDirectory() as folder:
        path = write_clip(Path(folder) / "clip.mp4", Scene(picture, spec).frames(), spec.fps, crf=crf)
        return analyse(path, settings or Settings.from_environment({}))
