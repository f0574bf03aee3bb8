"""Faces in motion whose truth is known, for all tests: rendered once a session from scikit-image's astronaut."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

# isort: off
import mellm_demo  # noqa: F401 - before NumPy: it bounds the threads of NumPy's linear algebra

# isort: on
import numpy as np
import pytest
from hypothesis import settings

from mellm_demo.training.synthesis import (
    Blink,
    ClipSpec,
    Event,
    Head,
    Movement,
    Scene,
    Truth,
    portrait,
    write_clip,
)

settings.register_profile("house", deadline=None)  # how fast a machine is says nothing about what is right
settings.load_profile("house")

MakeClip = Callable[..., tuple[Path, Truth]]

BASE = ClipSpec(fps=60.0, seconds=1.6, width=384, height=384, eye_distance_px=130.0, noise=1.5, seed=7)
LIVELY = Head(drift_px=3.0, roll_deg=1.0, scale=0.005)
SMILE = (Movement(12), Movement(6, weight=0.7))
BROWS_UP = (Movement(1), Movement(2))


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """(512, 512, 3) RGB, read-only; the face is about 90 px wide."""
    picture = portrait().copy()
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="session")
def astronaut_landmarks(astronaut: np.ndarray) -> np.ndarray:
    """(478, 2) px of ``astronaut``."""
    from mellm_demo.face import landmarks_of_image

    return landmarks_of_image(astronaut)


@pytest.fixture(scope="session")
def synthetic_clip(
    astronaut: np.ndarray, astronaut_landmarks: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> MakeClip:
    """``synthetic_clip(spec, crf=18) -> (path, truth)``; rendered once a session. Leave the file as it is."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[tuple[ClipSpec, int], tuple[Path, Truth]] = {}

    def make(spec: ClipSpec, crf: int = 18) -> tuple[Path, Truth]:
        if (spec, crf) not in made:
            scene = Scene(astronaut, spec, astronaut_landmarks)
            path = write_clip(folder / f"clip_{len(made)}.mp4", scene.frames(), spec.fps, crf=crf)
            made[spec, crf] = path, scene.truth()
        return made[spec, crf]

    return make


@pytest.fixture(scope="session")
def smile_clip(synthetic_clip: MakeClip) -> tuple[Path, Truth]:
    """AU 6 + 12, 2.5 px, a micro-expression of 400 ms at 600 ms; slow head motion."""
    event = Event(600.0, 750.0, 1000.0, SMILE, amplitude_px=2.5)
    return synthetic_clip(replace(BASE, events=(event,), head=LIVELY))


@pytest.fixture(scope="session")
def brow_clip(synthetic_clip: MakeClip) -> tuple[Path, Truth]:
    """AU 1 + 2, 2.5 px, a micro-expression of 380 ms at 500 ms; a still head."""
    event = Event(500.0, 650.0, 880.0, BROWS_UP, amplitude_px=2.5)
    return synthetic_clip(replace(BASE, events=(event,)))


@pytest.fixture(scope="session")
def still_clip(synthetic_clip: MakeClip) -> tuple[Path, Truth]:
    """No expression: head motion, one blink, changing light, noise."""
    return synthetic_clip(replace(BASE, head=LIVELY, blinks=(Blink(700.0),), lighting=0.03))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real clips and pictures, where MELLM_DATA points; the test is skipped without them."""
    folder = Path(os.environ.get("MELLM_DATA", ""))
    if not os.environ.get("MELLM_DATA") or not folder.is_dir():
        pytest.skip("MELLM_DATA does not point to a folder of real clips")
    return folder
