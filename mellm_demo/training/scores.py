"""How good predictions are: F1, UF1, UAR, expected calibration error. NumPy; knows nothing of models or files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mellm_demo.records import BoolArray, FloatArray

BINS = 10


def f1(claimed: BoolArray, true: BoolArray) -> float:
    """2 TP / (2 TP + FP + FN) of (N,) decisions; 0 where neither holds anything."""
    hits = int((claimed & true).sum())
    total = int(claimed.sum() + true.sum())
    return 2.0 * hits / total if total else 0.0


def uf1_uar(chosen: NDArray[np.int64], true: NDArray[np.int64], classes: int = 3) -> tuple[float, float]:
    """Unweighted mean over the classes of F1 and of recall, as in MEGC 2019; (N,) class indices.

    A class that is nowhere true is left out.
    """
    there = [index for index in range(classes) if (true == index).any()]
    if not there:
        return 0.0, 0.0
    f = [f1(chosen == index, true == index) for index in there]
    recall = [float((chosen[true == index] == index).mean()) for index in there]
    return float(np.mean(f)), float(np.mean(recall))


def calibration_error(probability: FloatArray, true: BoolArray) -> float:
    """Expected calibration error (Naeini et al. 2015) of (N,) probabilities of what is ``true`` or not, ten bins."""
    return float(sum(abs(said - seen) * share for said, seen, share in reliability_curve(probability, true)))


def reliability_curve(probability: FloatArray, true: BoolArray) -> list[tuple[float, float, float]]:
    """Per bin that holds anything: mean probability, how often it was true, share of all."""
    where = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    return [
        (float(probability[inside].mean()), float(true[inside].mean()), float(inside.mean()))
        for index in range(BINS)
        if (inside := where == index).any()
    ]
