"""Fits the head in closed form and looks for its settings on people who are not tested.

A member has a hidden layer of fixed random units (random features: Rahimi and Recht 2007) and an output layer by ridge
regression, which needs no epochs and no stopping. The sums over clips that ridge regression is made of are kept per
person, so that leaving a person out costs one small system of equations. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mellm_demo.recognition.crop import mirrored, normalised
from mellm_demo.recognition.network import (
    CLASSES,
    INPUTS,
    OUTPUTS,
    UNITS,
    Head,
    Reading,
    calibrated,
    forward,
    inputs,
    views,
)
from mellm_demo.records import BoolArray, Float32Array, FloatArray
from mellm_demo.training.me_flow import Corpus
from mellm_demo.training.scores import f1
from mellm_demo.training.warps import warped

Told = Callable[[str], None]
INNER_FOLDS = 4
BEYOND = 1  # beside the seed: warps that no head is fitted on
PENALTIES: tuple[float, ...] = (0.1, 0.4)  # × the mean diagonal of the sums; chosen on the inner folds


@dataclass(frozen=True)
class Recipe:
    """One idea: what a head is fitted with."""

    name: str
    hidden: int = 128  # random units of a member; 0: linear
    members: int = 3
    mirror: bool = True
    warps: int = 6  # shifted, scaled, turned, noisy copies of each clip
    common_units: bool = False  # how pictures are scaled, see crop.normalised
    views: bool = True  # the mirror and small shifts are looked at as well
    prior: float = 0.0  # weight of P(class | units) in the class's score
    codes: FloatArray | None = None  # (12, 3) log likelihood of a class given a unit, for the prior
    penalties: tuple[float, ...] = PENALTIES


# ---------------------------------------------------------------------------------------------- the fit


@dataclass(frozen=True)
class Material:
    """All that folds share, for one corpus and recipe. B blocks: the clips of one person, class and coding."""

    corpus: Corpus
    recipe: Recipe
    seen: Float32Array  # (V, N, INPUTS) what is looked at when a clip is read
    beyond: Float32Array  # the same of a warped copy of each clip: a stand-in for another corpus
    hidden: Float32Array  # (M, INPUTS + 1, H)
    gram: Float32Array  # (M, B, D, D), D = H + INPUTS + 1
    cross: Float32Array  # (M, B, D, OUTPUTS)
    block_group: NDArray[np.str_]  # (B,)
    block_class: NDArray[np.int64]  # (B,)
    block_coded: BoolArray  # (B,)
    block_clips: FloatArray  # (B,)


def material(corpus: Corpus, recipe: Recipe, seed: int) -> Material:
    """Features and sums; ``seed`` decides the random units and the warps."""
    random = np.random.default_rng(seed)
    maps = normalised(corpus.uvs, common_units=recipe.common_units)
    copies = [maps, *(warped(maps, random) for _ in range(recipe.warps))]
    if recipe.mirror:
        copies += [mirrored(copy) for copy in copies]
    features = np.stack([inputs(copy) for copy in copies])  # (A, N, INPUTS)
    hidden = np.stack([_random_units(recipe.hidden, random) for _ in range(recipe.members)])
    keys = [f"{g}|{c}|{int(k)}" for g, c, k in zip(corpus.group, corpus.coarse, corpus.coded, strict=True)]
    blocks, block_of = np.unique(keys, return_inverse=True)
    targets = _targets(corpus)
    size = recipe.hidden + INPUTS + 1
    gram = np.zeros((recipe.members, len(blocks), size, size), np.float32)
    cross = np.zeros((recipe.members, len(blocks), size, OUTPUTS), np.float32)
    for m in range(recipe.members):
        for b in range(len(blocks)):
            rows = np.flatnonzero(block_of == b)
            for copy in features:
                z = _activations(copy[rows], hidden[m])
                gram[m, b] += z.T @ z / len(features)
                cross[m, b] += z.T @ targets[rows] / len(features)
    first = [int(np.flatnonzero(block_of == b)[0]) for b in range(len(blocks))]
    return Material(
        corpus,
        recipe,
        views(maps, recipe.views),
        views(warped(maps, np.random.default_rng([seed, BEYOND])), recipe.views),
        hidden,
        gram,
        cross,
        corpus.group[first],
        corpus.coarse[first],
        corpus.coded[first],
        np.bincount(block_of, minlength=len(blocks)).astype(np.float64),
    )


def _random_units(count: int, random: np.random.Generator) -> Float32Array:
    """(INPUTS + 1, H): each unit looks at a random direction of the inputs, about half of the clips excite it."""
    weights = random.normal(0.0, 1.0, (INPUTS + 1, count)) / np.sqrt(INPUTS)
    weights[-1] = random.normal(0.0, 0.3, count)
    # As it will be stored, so that what is measured is what is shipped.
    return weights.astype(np.float16).astype(np.float32)


def _activations(features: Float32Array, hidden: Float32Array) -> Float32Array:
    """(N, H + INPUTS + 1): hidden units, the inputs, 1."""
    active = np.maximum(features @ hidden[:-1] + hidden[-1], 0.0)
    return np.concatenate([active, features, np.ones((len(features), 1), np.float32)], axis=1)


def _targets(corpus: Corpus) -> Float32Array:
    """(N, OUTPUTS): 1 and -1/2 for the classes, 1 and -1 for the units."""
    targets = np.full((len(corpus), OUTPUTS), -1.0, np.float32)
    targets[:, :CLASSES] = -0.5
    labelled = np.flatnonzero(corpus.coarse >= 0)
    targets[labelled, corpus.coarse[labelled]] = 1.0
    targets[:, CLASSES:] += 2.0 * corpus.units
    return targets


def fitted(stuff: Material, groups: Sequence[str], penalty: float) -> Float32Array:
    """Output weights (M, D, OUTPUTS) from the clips of ``groups`` alone.

    The classes count equally. Only coded clips take part in the units' equations: an empty code is no zero.
    """
    from scipy.linalg import solve

    taken = np.isin(stuff.block_group, list(groups))
    labelled = taken & (stuff.block_class >= 0)
    weight = np.zeros(len(taken))
    for index in range(CLASSES):
        mine = labelled & (stuff.block_class == index)
        if mine.any():
            weight[mine] = stuff.block_clips[labelled].sum() / (CLASSES * stuff.block_clips[mine].sum())
    coded = taken & stuff.block_coded
    size = stuff.gram.shape[-1]
    weights = np.zeros((len(stuff.gram), size, OUTPUTS), np.float32)
    for m in range(len(stuff.gram)):
        for share, part in ((weight, slice(0, CLASSES)), (coded.astype(np.float64), slice(CLASSES, OUTPUTS))):
            used = np.flatnonzero(share)
            if not len(used):
                continue
            system = np.tensordot(share[used].astype(np.float32), stuff.gram[m, used], axes=1)
            wanted = np.tensordot(share[used].astype(np.float32), stuff.cross[m, used][..., part], axes=1)
            clips = float((share * stuff.block_clips).sum())
            system[np.diag_indices(size)] += penalty * clips * 0.1
            system[-1, -1] -= penalty * clips * 0.1 * 0.99  # the bias is hardly shrunk
            weights[m][:, part] = solve(system, wanted, assume_a="pos", check_finite=False)
    return weights


def scored(stuff: Material, weights: Float32Array, rows: BoolArray) -> FloatArray:
    """Scores (n, OUTPUTS) of the clips where ``rows``, mean over members and views; the prior's share is in."""
    weights = _with_prior(weights, stuff.recipe)
    seen = stuff.seen[:, rows]
    made = forward(seen.reshape(-1, INPUTS), stuff.hidden, weights).mean(axis=0)
    return made.reshape(len(seen), -1, OUTPUTS).mean(axis=0).astype(np.float64)


def _with_prior(weights: Float32Array, recipe: Recipe) -> Float32Array:
    """Output weights in which what the units say of the classes is added to the classes' own rows: all is linear."""
    if not recipe.prior or recipe.codes is None:
        return weights
    shown = weights[..., CLASSES:] / 2.0  # a unit's score runs from -1 to 1
    shown[:, -1] += 0.5
    made = weights.copy()
    made[..., :CLASSES] += recipe.prior * (shown @ recipe.codes.astype(np.float32))
    return made


# ---------------------------------------------------------------------------------------------- choices


@dataclass(frozen=True)
class Chosen:
    """What the inner folds have settled."""

    penalty: float
    unit_slope: FloatArray
    unit_offset: FloatArray
    thresholds: FloatArray
    class_slope: float


def choose(stuff: Material, groups: Sequence[str]) -> tuple[Chosen, float]:
    """Penalty, calibration and thresholds from ``groups`` alone; and how good the best penalty was.

    The groups are dealt into INNER_FOLDS; each fold is scored by heads fitted on the others. What fits these scores
    best is taken: nobody outside ``groups`` is looked at, and nobody is scored by a head that was fitted on him.
    """
    rows = np.isin(stuff.corpus.group, list(groups))
    best: tuple[float, float, FloatArray] | None = None
    for penalty in stuff.recipe.penalties:
        made, _ = inner_scores(stuff, groups, penalty)
        quality = _quality(made[rows], stuff.corpus.part(rows))
        if best is None or quality > best[0]:
            best = quality, penalty, made
    assert best is not None
    quality, penalty, made = best
    return _settled(made[rows], stuff.corpus.part(rows), penalty), quality


def inner_scores(stuff: Material, groups: Sequence[str], penalty: float) -> tuple[FloatArray, FloatArray]:
    """(N, OUTPUTS) scores of the clips of ``groups``, each by a head fitted on the other inner folds; else 0.

    The second: the same of their warped copies.
    """
    made, far = np.zeros((len(stuff.corpus), OUTPUTS)), np.zeros((len(stuff.corpus), OUTPUTS))
    warps = replace(stuff, seen=stuff.beyond)
    for fold in _dealt(stuff.corpus, groups):
        out = np.isin(stuff.corpus.group, fold)
        others = [group for group in groups if group not in fold]
        weights = fitted(stuff, others, penalty)
        made[out], far[out] = scored(stuff, weights, out), scored(warps, weights, out)
    return made, far


def _dealt(corpus: Corpus, groups: Sequence[str]) -> list[list[str]]:
    """Folds of groups, the largest dealt first, so that each fold has about as many clips."""
    ordered = sorted(groups, key=lambda group: (-int((corpus.group == group).sum()), group))
    return [fold for k in range(INNER_FOLDS) if (fold := ordered[k::INNER_FOLDS])]


def _quality(made: FloatArray, corpus: Corpus) -> float:
    """Mean of the classes' UF1 and the units' area under the curve: of all measures of units the smoothest."""
    from mellm_demo.training.scores import uf1_uar

    labelled = corpus.coarse >= 0
    parts = [uf1_uar(made[labelled, :CLASSES].argmax(axis=1), corpus.coarse[labelled])[0]]
    areas = []
    for k in range(len(UNITS)):
        true = corpus.units[corpus.coded, k] > 0
        if true.any() and not true.all():
            score = made[corpus.coded, CLASSES + k]
            areas.append(float((score[true][:, None] > score[~true][None]).mean()))
    return float(np.mean([*parts, np.mean(areas)])) if areas else float(parts[0])


PRIOR_CLIPS = 2.0  # an unknown share of such a pseudo-count keeps rare units' curves from extremes
MIN_THRESHOLD, MAX_THRESHOLD = 0.05, 0.8


def _settled(made: FloatArray, corpus: Corpus, penalty: float) -> Chosen:
    count = len(UNITS)
    slope, offset, thresholds = np.full(count, 2.0), np.full(count, -2.0), np.full(count, 0.5)
    for k in range(count):
        true = corpus.units[corpus.coded, k] > 0
        score = made[corpus.coded, CLASSES + k]
        if not true.any():
            offset[k] = -4.0
            continue
        slope[k], offset[k] = _logistic(score, true)
        probability = 1.0 / (1.0 + np.exp(-(slope[k] * score + offset[k])))
        thresholds[k] = _threshold(probability, true)
    labelled = corpus.coarse >= 0
    return Chosen(penalty, slope, offset, thresholds, temperature(made[labelled, :CLASSES], corpus.coarse[labelled]))


def _logistic(score: FloatArray, true: BoolArray) -> tuple[float, float]:
    """Platt's curve (1999) with his softened targets, by Newton's method."""
    positive, negative = float(true.sum()), float((~true).sum())
    wanted = np.where(true, (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0))
    x = np.c_[score, np.ones(len(score))]
    beta = np.array([2.0, np.log((positive + 1.0) / (negative + 1.0))])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ beta, -30, 30)))
        slack = np.diag([0.05, 1e-3])  # a weak pull towards the start keeps the curve rising for rare units
        step = np.linalg.solve(
            (x * (p * (1 - p))[:, None]).T @ x + slack, x.T @ (wanted - p) + slack @ [2.0 - beta[0], 0]
        )
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-6:
            break
    return float(max(beta[0], 0.1)), float(beta[1])


def _threshold(probability: FloatArray, true: BoolArray) -> float:
    """The probability from which on claiming gives the best F1, averaged over its neighbours in the ranking."""
    steps = np.unique(np.clip(probability, MIN_THRESHOLD, MAX_THRESHOLD))
    values = np.array([f1(probability >= step, true) for step in steps])
    if len(values) > 2:
        values = np.convolve(np.r_[values[0], values, values[-1]], [0.25, 0.5, 0.25], mode="valid")
    return float(steps[int(np.argmax(values))])


def temperature(made: FloatArray, coarse: NDArray[np.int64]) -> float:
    """The slope of the softmax over class scores (N, 3) under which the classes are likeliest."""
    if not len(coarse):
        return 1.0
    slopes = np.exp(np.linspace(np.log(0.5), np.log(8.0), 30))
    losses = []
    for slope in slopes:
        z = slope * (made - made.max(axis=1, keepdims=True))
        loss = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), coarse]
        losses.append(float(loss.mean()))
    return float(slopes[int(np.argmin(losses))])


# ---------------------------------------------------------------------------------------------- people left out


@dataclass(frozen=True)
class Unseen:
    """What heads said of clips of people whom they had not seen."""

    corpus: Corpus
    reading: Reading
    claimed: BoolArray  # (N, 12) by the thresholds of each head's own training people


def leave_out(
    stuffs: Sequence[Material], held: Sequence[Sequence[str]], tell: Told = lambda text: None
) -> tuple[Unseen, dict[str, int]]:
    """Each of ``held`` (groups) is read by a head that was fitted, calibrated and chosen on all other groups.

    ``stuffs``: the same corpus by several recipes. Which of them reads a fold is chosen among the others' inner folds,
    too; the second result counts how often each was.
    """
    corpus = stuffs[0].corpus
    everyone = sorted(set(corpus.group.tolist()))
    units, coarse = np.zeros((len(corpus), len(UNITS))), np.zeros((len(corpus), CLASSES))
    claimed = np.zeros((len(corpus), len(UNITS)), np.bool_)
    taken: dict[str, int] = {}
    for number, fold in enumerate(held, start=1):
        others = [group for group in everyone if group not in fold]
        stuff, chosen = best_of(stuffs, others)
        taken[stuff.recipe.name] = taken.get(stuff.recipe.name, 0) + 1
        rows = np.isin(corpus.group, list(fold))
        made = scored(stuff, fitted(stuff, others, chosen.penalty), rows)
        reading = calibrated(made, chosen.unit_slope, chosen.unit_offset, chosen.class_slope)
        units[rows], coarse[rows] = reading.units, reading.coarse
        claimed[rows] = reading.units >= chosen.thresholds
        tell(f"\r{number} of {len(held)} ")
    rows = np.isin(corpus.group, [group for fold in held for group in fold])
    return Unseen(corpus.part(rows), Reading(units[rows], coarse[rows]), claimed[rows]), taken


def best_of(stuffs: Sequence[Material], groups: Sequence[str]) -> tuple[Material, Chosen]:
    """The recipe that reads the inner folds of ``groups`` best, with its settings."""
    settled = [(stuff, *choose(stuff, groups)) for stuff in stuffs]
    stuff, chosen, _ = max(settled, key=lambda entry: entry[2])
    return stuff, chosen


def final_head(stuffs: Sequence[Material], reliability: dict[int, float]) -> tuple[Head, Recipe]:
    """The head that is shipped: chosen among folds of everyone, then fitted on everyone."""
    everyone = sorted(set(stuffs[0].corpus.group.tolist()))
    stuff, chosen = best_of(stuffs, everyone)
    return head_of(stuff, everyone, chosen, reliability), stuff.recipe


def head_of(stuff: Material, groups: Sequence[str], chosen: Chosen, reliability: dict[int, float]) -> Head:
    """The head that ``groups`` alone give under what was chosen for them."""
    return Head(
        hidden=stuff.hidden,
        out=_with_prior(fitted(stuff, groups, chosen.penalty), stuff.recipe),
        unit_slope=chosen.unit_slope,
        unit_offset=chosen.unit_offset,
        thresholds=chosen.thresholds,
        class_slope=chosen.class_slope,
        common_units=stuff.recipe.common_units,
        several_views=stuff.recipe.views,
        reliability=reliability,
    )
