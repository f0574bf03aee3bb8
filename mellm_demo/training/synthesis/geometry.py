"""Curves, affine maps and pictures as functions of place. Knows no face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mellm_demo.records import CROP_PX, BoolArray, Float32Array, FloatArray


def smoothstep(x: FloatArray | float) -> FloatArray:
    """Minimum jerk: 10 x³ − 15 x⁴ + 6 x⁵, 0 before 0 and 1 after 1."""
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return np.clip(x**3 * (10.0 - 15.0 * x + 6.0 * x**2), 0.0, 1.0)  # rounding may carry the polynomial past its ends


def rising(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``x`` and ``y`` where ``x`` rises, as interpolation wants it."""
    keep = np.r_[True, np.diff(x) > 1e-6]
    return x[keep], y[keep]


def through(points: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Points (…, 2) through an affine (2 or 3, 3) matrix."""
    m = matrix.astype(points.dtype)
    x, y = points[..., 0], points[..., 1]
    through = np.empty_like(points)
    through[..., 0] = m[0, 0] * x + m[0, 1] * y + m[0, 2]
    through[..., 1] = m[1, 0] * x + m[1, 1] * y + m[1, 2]
    return through


def inverse(matrix: FloatArray) -> FloatArray:
    """The inverse of an affine (2, 3) matrix, (3, 3)."""
    return np.linalg.inv(np.r_[matrix[:2], [[0.0, 0.0, 1.0]]])


def fixed(points: FloatArray) -> NDArray[np.int32]:
    """Points as OpenCV fills polygons with a shift of 4: in sixteenths of a px."""
    return np.rint(points * 16.0).astype(np.int32)


def sampled(image: NDArray[Any], places: NDArray[Any], order: int = 1) -> NDArray[Any]:
    """``image`` at ``places`` (…, 2), bilinear or (order 2) bicubic; the border goes on."""
    import cv2

    where = np.ascontiguousarray(places, np.float32)
    how = cv2.INTER_CUBIC if order == 2 else cv2.INTER_LINEAR
    sampled: NDArray[Any] = cv2.remap(image, where, None, how, borderMode=cv2.BORDER_REFLECT_101)
    return sampled


def interpolated(
    points: FloatArray, values: FloatArray, size: tuple[int, int], *, outside: float = 0.0
) -> Float32Array:
    """(H, W[, K]) piecewise linear over the Delaunay triangulation of ``points``; ``outside`` of it.

    points: (N, 2) px; values: (N, K); size: (H, W).
    """
    import cv2
    from scipy.spatial import Delaunay

    triangles = Delaunay(points).simplices
    label = np.full(size, -1, np.int32)
    for index, corners in enumerate(fixed(points)[triangles]):
        cv2.fillConvexPoly(label, corners, index, cv2.LINE_8, 4)
    rows, columns = np.nonzero(label >= 0)
    triangle = label[rows, columns]
    a, b, c = (points[triangles[:, k]] for k in range(3))
    (abx, aby), (acx, acy) = (b - a).T, (c - a).T
    twice_area = abx * acy - aby * acx
    inverse = np.where(np.abs(twice_area) > 1e-9, 1.0 / np.where(twice_area == 0.0, 1.0, twice_area), 0.0)[triangle]
    x, y = columns - a[triangle, 0], rows - a[triangle, 1]
    of_b = (x * acy[triangle] - y * acx[triangle]) * inverse
    of_c = (y * abx[triangle] - x * aby[triangle]) * inverse
    # A pixel on an edge may carry its neighbour's label: a hair outside, never far.
    weights = np.clip(np.stack([1.0 - of_b - of_c, of_b, of_c], axis=1), -0.5, 1.5)
    dense = np.full((*size, values.shape[1]), outside, np.float32)
    dense[rows, columns] = np.einsum("ni,nik->nk", weights, values[triangles[triangle]])
    return dense[..., 0] if values.shape[1] == 1 else dense


def hull(points: FloatArray) -> BoolArray:
    """(CROP_PX, CROP_PX) what the convex hull of ``points``, px of the crop, covers."""
    import cv2

    mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(fixed(points)), 1, cv2.LINE_8, 4)
    return mask.astype(bool)
