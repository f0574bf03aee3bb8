"""Dense flow of a pair, and the same without the motion of the head."""

from __future__ import annotations

from typing import Any

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.flow.head import fit_head, head_basis
from mellm_demo.flow.patches import MODEL_NOISE_PX, RIGID_MARGIN_PX, patch_layout, patch_masks, robust_mean
from mellm_demo.records import Float32Array, FloatArray, Image

U8 = np.dtype(np.uint8)


def tvl1(onset_gray: Image, apex_gray: Image) -> Float32Array:
    """Dense flow onset → apex, ``(H, W, 2)`` float32 px, by OpenCV's Dual TV-L1 with its defaults.

    The defaults are part of the contract of the motion map: the model was trained on exactly these. Both images are
    8-bit gray of one size. Raises InputError otherwise. Source: Zach, Pock and Bischof 2007.
    """
    if onset_gray.ndim != 2 or onset_gray.shape != apex_gray.shape or {onset_gray.dtype, apex_gray.dtype} != {U8}:
        raise InputError(
            "Flow is measured between two 8-bit gray images of one size, but these are "
            f"{onset_gray.shape} {onset_gray.dtype} and {apex_gray.shape} {apex_gray.dtype}. Give two such images."
        )
    import cv2

    optflow: Any = cv2.optflow  # OpenCV's own type stubs leave the contributed modules out
    flow = optflow.DualTVL1OpticalFlow_create().calc(onset_gray, apex_gray, None)
    return np.asarray(flow, dtype=np.float32)


def remove_head_motion(flow: Float32Array, landmarks: Float32Array) -> Float32Array:
    """``flow`` without the motion of the head, ``(H, W, 2)`` float32.

    The head's motion is an affine field plus shift by depth (a slight turn of a head is not affine), fitted patch by
    patch to the flow in the rigid patches of ``landmarks`` (478, 2) and, with little weight, in the facial regions.
    The fit is robust: an expression that leaks into a patch makes that patch an outlier and does not bend the field.
    """
    height, width = flow.shape[:2]
    masks = patch_masks(landmarks, (height, width), RIGID_MARGIN_PX, 0)
    count = len(masks)
    moved, centres = np.zeros((count, 2)), np.zeros((count, 2))
    information = np.zeros((count, 2, 2))
    for index, mask in enumerate(masks):
        rows, columns = np.nonzero(mask)
        if rows.size:
            moved[index] = robust_mean(flow[rows, columns].astype(np.float64))
            centres[index] = columns.mean(), rows.mean()
            information[index] = np.eye(2) / MODEL_NOISE_PX**2
    layout = patch_layout()
    head = fit_head(moved[None], information[None], head_basis(centres, layout.depth)[None], layout)[0]
    ys, xs = np.mgrid[0:height, 0:width]
    grid = np.stack([xs, ys], axis=-1).reshape(-1, 2).astype(np.float64)
    present = information[:, 0, 0] > 0
    depth = _interpolated_depth(grid, centres[present], layout.depth[present])
    field = (head_basis(grid, depth) @ head).reshape(height, width, 2)
    return (flow - field).astype(np.float32)


def _interpolated_depth(grid: FloatArray, centres: FloatArray, depth: FloatArray) -> FloatArray:
    """Depth at ``grid`` (N, 2) from that of the patches, by inverse square distance (Shepard 1968)."""
    distance = np.square(grid[:, None, :] - centres[None]).sum(axis=-1)
    weight = 1.0 / (distance + 25.0)
    return np.asarray((weight * depth).sum(axis=1) / weight.sum(axis=1), dtype=np.float64)
