"""Two people and a coding table for tests of instruction data: the astronaut, and the astronaut mirrored."""

from __future__ import annotations

import numpy as np

from mellm_demo.training.instruct.faces import Faces, aligned
from mellm_demo.training.instruct.tables import Coded

EVENTS = (
    Coded(((4, "both"), (7, "both")), "anger", 120.0, 200.0),
    Coded(((12, "left"),), "happiness", 90.0, 160.0),
    Coded(((1, "both"), (2, "both")), "surprise", 150.0, 250.0),
)


def two_faces(picture: np.ndarray) -> Faces:
    """Persons “a” to “e”: pictures of two faces, so that one in five people can be held out."""
    crops, points = zip(*(aligned(one) for one in (picture, np.ascontiguousarray(picture[:, ::-1]))), strict=True)
    order = [0, 1, 0, 1, 1]
    return Faces(np.stack([crops[i] for i in order]), np.stack([points[i] for i in order]), tuple("abcde"))
