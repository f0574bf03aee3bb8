"""Ways of turning class scores into probabilities, compared across people and across corpora.

Each way is fitted on scores of training people, made by heads that had not seen them, and judged on people or corpora
that took no part. “Adapted” ways look at all clips of the tested corpus at once, without labels (Saerens et al. 2002);
the app, which sees one clip, could not use them. They are here to tell what knowing the corpus would be worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mellm_demo.recognition.network import CLASSES
from mellm_demo.records import FloatArray
from mellm_demo.training.heads import Material, Told, choose, fitted, inner_scores, scored, temperature
from mellm_demo.training.scores import calibration_error

Labels = NDArray[np.int64]
SHIPPED = "temperature"
SHRUNK = 0.9
ROUNDS = 100  # of prior adaptation; it has settled long before
VECTOR_PULL = 0.01  # on the squared shifts of vector scaling


def ways(inner: FloatArray, true: Labels, beyond: FloatArray, tested: FloatArray) -> dict[str, FloatArray]:
    """Way → probabilities (n, 3) of the ``tested`` scores (n, 3).

    inner, true: scores (N, 3) of training clips by heads that had not seen the person, and their classes. beyond: the
    same of warped copies, a stand-in for another corpus.
    """
    slope = temperature(inner, true)
    even = np.full(CLASSES, 1.0 / CLASSES)
    vector, often = _vector(inner, true), np.bincount(true, minlength=CLASSES) / len(true)
    return {
        SHIPPED: softmax(slope * tested),
        "temperature fitted on warped copies": softmax(temperature(beyond, true) * tested),
        "temperature, classes count alike": softmax(_balanced(inner, true) * tested),
        "vector scaling": vector(tested),
        f"shipped, shrunk to a third by {1 - SHRUNK:.0%}": SHRUNK * softmax(slope * tested) + (1 - SHRUNK) / CLASSES,
        "shipped, adapted to the corpus": adapted(softmax(slope * tested), even),
        "vector scaling, adapted to the corpus": adapted(vector(tested), often),
    }


def softmax(z: FloatArray) -> FloatArray:
    """Shares (n, K) that sum to 1."""
    shares = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)


def adapted(shares: FloatArray, prior: FloatArray) -> FloatArray:
    """Shares (n, K) under the class frequencies that make them likeliest (expectation maximisation from ``prior``)."""
    often = prior
    for _ in range(ROUNDS):
        again = shares * (often / prior)
        again /= again.sum(axis=1, keepdims=True)
        often = again.mean(axis=0)
    return again


def _loss(shares: FloatArray, true: Labels) -> float:
    return float(-np.log(np.maximum(shares[np.arange(len(true)), true], 1e-9)).mean())


def _balanced(inner: FloatArray, true: Labels) -> float:
    """The temperature of as many clips of each class, drawn anew."""
    random = np.random.default_rng(0)
    size = np.bincount(true, minlength=CLASSES).max()
    rows = np.concatenate([random.choice(np.flatnonzero(true == index), size) for index in np.unique(true)])
    return temperature(inner[rows], true[rows])


def _vector(inner: FloatArray, true: Labels) -> Callable[[FloatArray], FloatArray]:
    """One slope and a shift for each class but the last."""
    from scipy.optimize import minimize

    def made(beta: FloatArray, scores: FloatArray) -> FloatArray:
        return softmax(np.exp(beta[0]) * scores + np.r_[beta[1:], 0.0])

    best = minimize(
        lambda beta: _loss(made(beta, inner), true) + VECTOR_PULL * float((beta[1:] ** 2).sum()),
        np.r_[1.0, np.zeros(CLASSES - 1)],
        method="Nelder-Mead",
    ).x
    return lambda scores: made(best, scores)


def compared(stuff: Material, tell: Told = lambda text: None) -> dict[str, dict[str, float]]:
    """Way → expected calibration error of the class: people left out one by one, and each corpus left out whole.

    Only labelled clips are used. Adapting needs many clips, so for people it adapts to all of them together.
    """
    corpus = stuff.corpus
    people = sorted({str(group) for group, coarse in zip(corpus.group, corpus.coarse, strict=True) if coarse >= 0})
    names = sorted({person.split("/")[0] for person in people})
    report: dict[str, dict[str, float]] = {}
    folds = {"leave one person out": [[person] for person in people]}
    for held in names if len(names) > 1 else ():
        rest = " + ".join(name for name in names if name != held)
        folds[f"{rest} → {held}"] = [[person for person in people if person.startswith(f"{held}/")]]
    for title, parts in folds.items():
        said: dict[str, list[FloatArray]] = {}
        true: list[Labels] = []
        for number, part in enumerate(parts, start=1):
            made, labels = _fold(stuff, [person for person in people if person not in part], part)
            for way, shares in made.items():
                said.setdefault(way, []).append(shares)
            true.append(labels)
            tell(f"\r{title}: {number} of {len(parts)} ")
        labels = np.concatenate(true)
        for way, every in said.items():
            shares = np.concatenate(every)
            error = calibration_error(shares.max(axis=1), shares.argmax(axis=1) == labels)
            if "adapted" not in way or len(parts) == 1:  # one person's clips are too few to adapt to
                report.setdefault(way, {})[title] = error
    return report


def _fold(stuff: Material, others: Sequence[str], part: Sequence[str]) -> tuple[dict[str, FloatArray], Labels]:
    labelled = stuff.corpus.coarse >= 0
    rows, tested = np.isin(stuff.corpus.group, others) & labelled, np.isin(stuff.corpus.group, part) & labelled
    chosen, _ = choose(stuff, others)
    inner, far = (made[rows, :CLASSES] for made in inner_scores(stuff, others, chosen.penalty))
    made = scored(stuff, fitted(stuff, others, chosen.penalty), tested)[:, :CLASSES]
    return ways(inner, stuff.corpus.coarse[rows], far, made), stuff.corpus.coarse[tested]
