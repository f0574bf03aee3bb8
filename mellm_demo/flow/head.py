"""The head's motion: fitted to all patches at once, corrected for one face, and taken out of what they measured."""

from __future__ import annotations

import numpy as np

from mellm_demo.flow.patches import MODEL_NOISE_PX, Layout
from mellm_demo.records import CROP_PX, FloatArray

_HEAD_CENTRE = (CROP_PX / 2.0, 112.0)  # the middle of the rigid patches: keeps the fit well conditioned
_HEAD_UNIT_PX = 64.0
# How far each term of the head's motion may go, px at _HEAD_UNIT_PX: shift, growth and roll freely, stretch and shear
# hardly (a degree of turning stretches a face by less than 1 %), shift by depth about 2° between two keyframes.
_HEAD_PRIOR_PX = (8.0, 8.0, 4.0, 4.0, 0.2, 0.2, 2.0, 2.0)
HEAD_PARAMETERS = len(_HEAD_PRIOR_PX)
# Outliers are forgotten step by step (graduated non-convexity): forgetting at once can settle on half of the face.
_NARROWING = (5.0, 2.5, 1.5, 1.0, 1.0, 1.0, 1.0, 1.0)
_OUTLIER = 2.25  # times the noise: a patch that far off counts a quarter
_DEPTH_PRIOR_PX = 15.0  # how far a face may differ from the average in depth
_DEPTH_MIN_ROWS = 10
_ECHO_PRIOR = 0.15  # px that a patch may wrongly move per px of the head
_ECHO_MIN_ROWS = 24
_ECHO_CORRELATED_ROWS = 4.0


def head_basis(points: FloatArray, depth: FloatArray) -> FloatArray:
    """``(…, 2, 8)``: motion of ``points`` (…, 2) with ``depth`` (…) per unit of each term of the head's motion."""
    x = (points[..., 0] - _HEAD_CENTRE[0]) / _HEAD_UNIT_PX
    y = (points[..., 1] - _HEAD_CENTRE[1]) / _HEAD_UNIT_PX
    z = depth / _HEAD_UNIT_PX
    one, none = np.ones_like(x), np.zeros_like(x)
    z = np.broadcast_to(z, x.shape)
    u = np.stack([one, none, x, -y, x, y, z, none], axis=-1)
    v = np.stack([none, one, y, x, -y, x, none, z], axis=-1)
    return np.stack([u, v], axis=-2)


def fit_head(moved: FloatArray, information: FloatArray, basis: FloatArray, layout: Layout) -> FloatArray:
    """The head's motion ``(T, 8)`` that explains ``moved`` (T, P, 2) best.

    ``information`` (T, P, 2, 2) is the inverse covariance of each measurement, ``basis`` (T, P, 2, 8) (or one row for
    all). Iteratively reweighted least squares with Geman and McClure's weights, which forget outliers altogether.
    """
    basis = np.broadcast_to(basis, (*moved.shape, HEAD_PARAMETERS))
    weighted = information @ basis  # (T, P, 2, 8)
    normal = np.einsum("tpik,tpil->tpkl", basis, weighted)
    right = np.einsum("tpik,tpi->tpk", weighted, moved)
    prior = np.diag(1.0 / np.square(_HEAD_PRIOR_PX))
    rigid = layout.trust >= 1.0
    weights = np.broadcast_to(layout.trust, moved.shape[:2])
    head = np.zeros((len(moved), HEAD_PARAMETERS))
    for widen in _NARROWING:
        head = np.linalg.solve(
            np.einsum("tp,tpkl->tkl", weights, normal) + prior, np.einsum("tp,tpk->tk", weights, right)[..., None]
        )[..., 0]
        left = moved - np.einsum("tpik,tk->tpi", basis, head)
        # Mahalanobis distance: an edge says nothing along itself, so a large deviation there is no outlier.
        distance = np.sqrt(np.maximum(np.einsum("tpi,tpij,tpj->tp", left, information, left), 0.0))
        scale = np.maximum(1.4826 * np.median(distance[:, rigid], axis=1, keepdims=True), 1.0)
        weights = layout.trust / np.square(1.0 + np.square(distance / (widen * _OUTLIER * scale)))
    return head


def with_own_depth(moved: FloatArray, information: FloatArray, basis: FloatArray, layout: Layout) -> FloatArray:
    """``basis`` (T, P, 2, 8) with every patch's depth corrected by how it went along with the turning of this head.

    The table holds the depths of an average face. Regressing what is left of each patch's motion on the turning, over
    all frames and robustly (expressions are brief), gives those of this one, where it turned enough to tell.
    """
    if len(moved) < _DEPTH_MIN_ROWS:
        return basis
    motion = fit_head(moved, information, basis, layout)
    left = moved - np.einsum("tpik,tk->tpi", basis, motion)
    left = left - np.median(left, axis=0)
    turn = motion[:, 6:8] / _HEAD_UNIT_PX  # px of shift per px of depth
    turn = turn - np.median(turn, axis=0)
    correction = np.zeros(moved.shape[1])
    for _ in range(6):
        # Weights first: an expression stands out from the rest as it is, before any depth could explain it away.
        rest = left - correction[None, :, None] * turn[:, None, :]
        distance = np.sqrt(np.maximum(np.einsum("tpi,tpij,tpj->tp", rest, information, rest), 0.0))
        scale = np.maximum(1.4826 * np.median(distance, axis=0), 1.0)
        weights = 1.0 / np.square(1.0 + np.square(distance / (_OUTLIER * scale)))
        along = np.einsum("tp,ti,tpij,tpj->p", weights, turn, information, left)
        power = np.einsum("tp,ti,tpij,tj->p", weights, turn, information, turn)
        correction = along / (power + 1.0 / _DEPTH_PRIOR_PX**2)
    basis = basis.copy()
    basis[:, :, 0, 6] += correction / _HEAD_UNIT_PX
    basis[:, :, 1, 7] += correction / _HEAD_UNIT_PX
    return basis


def without_echo(local: FloatArray, head: FloatArray) -> FloatArray:
    """``local`` (n, P, 2) without what in it merely repeats the head's path ``head`` (n, 8).

    No model of the head is right for every face, and what it leaves follows the head's motion in proportion. A robust
    ridge regression of every patch on the path takes that away. Frames that stand out of it, as expressions do, carry
    no weight, and the ridge keeps a head that hardly moves from explaining anything.
    """
    if len(local) < _ECHO_MIN_ROWS:
        return local
    path = head - np.median(head, axis=0)
    values = (local - np.median(local, axis=0)).reshape(len(local), -1)
    response = np.zeros((HEAD_PARAMETERS, values.shape[1]))
    ridge = np.eye(HEAD_PARAMETERS) / _ECHO_PRIOR**2
    for _ in range(6):
        rest = values - path @ response
        scale = np.maximum(1.4826 * np.median(np.abs(rest - np.median(rest, axis=0)), axis=0), MODEL_NOISE_PX)
        weights = 1.0 / np.square(1.0 + np.square(rest / (2.0 * scale)))
        # Neighbouring frames err together, so they count for less than they are.
        trust = 1.0 / (_ECHO_CORRELATED_ROWS * np.square(scale))
        normal = np.einsum("tk,tq,tl->qkl", path, weights, path) * trust[:, None, None] + ridge
        right = (path.T @ (weights * values) * trust).T
        response = np.linalg.solve(normal, right[..., None])[..., 0].T
    return local - (path @ response).reshape(local.shape)
