"""The patches of skin that are followed: where they lie, how deep, how far each is trusted to show the head."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mellm_demo import facs
from mellm_demo.records import BoolArray, Float32Array, FloatArray

# Depth of the patches in px of the crop, positive towards the viewer: what a turning head shifts against the rest.
# Mean of MediaPipe's z over 40 frontal faces, left and right averaged; by the names of facs.REGIONS.
_REGION_DEPTH_PX = {
    "inner brow": 11.0,
    "outer brow": -5.0,
    "upper lid": -6.0,
    "lower lid": -7.0,
    "cheek": -3.0,
    "nostril wing": 18.0,
    "nasolabial fold": 6.5,
    "mouth corner": 2.0,
    "upper lip": 20.5,
    "lower lip": 16.0,
    "chin": 9.0,
}
_RIGID_DEPTH_PX = (22.0, -61.0, -61.0, 1.0, -42.0, -42.0)  # in the order of facs.RIGID_PATCHES
RIGID_MARGIN_PX = 4  # rigid patches are slivers of the mesh; grown so that they hold texture
REGION_MARGIN_PX = 3
# Long patches are cut in pieces along x, so that one of them can be an outlier without the others.
_RIGID_PIECES = (1, 1, 1, 3, 1, 1)
# Most regions rest most of the time, and carry more texture than the rigid patches, which are bare skin and hairline:
# without them the fit is two to three times as noisy. Upper lids never rest, lower lids seldom.
_REGION_TRUST = 0.5
_LID_TRUST = {"upper lid": 0.0, "lower lid": 0.2}
MODEL_NOISE_PX = 0.05  # what a patch deviates from the head's model without any expression


@dataclass(frozen=True)
class Layout:
    """What is known of the patches before any picture: first the rigid ones, then the regions of facs.REGIONS."""

    depth: FloatArray  # (P,)
    trust: FloatArray  # (P,) weight in the fit of the head
    rigid_count: int
    meshes: tuple[tuple[int, ...], ...]  # (P,) landmarks that tell where a patch has gone


def patch_layout() -> Layout:
    """The patches in the order that everything here keeps: rigid ones, then facs.REGIONS."""
    depth, trust, meshes = [], [], []
    for mesh, pieces, z in zip(facs.RIGID_PATCHES, _RIGID_PIECES, _RIGID_DEPTH_PX, strict=True):
        depth += [z] * pieces
        trust += [1.0] * pieces
        meshes += [mesh] * pieces
    rigid = len(depth)
    for region in facs.REGIONS:
        depth.append(_REGION_DEPTH_PX[region.name])
        trust.append(_LID_TRUST.get(region.name, _REGION_TRUST))
        meshes.append(region.mesh)
    return Layout(np.array(depth), np.array(trust), rigid, tuple(meshes))


def hull_mask(landmarks: Float32Array, mesh: tuple[int, ...], shape: tuple[int, int], margin: int) -> BoolArray:
    """(H, W) the convex hull of the landmarks ``mesh``, grown by ``margin`` px."""
    import cv2

    mask = np.zeros(shape, dtype=np.uint8)
    hull = cv2.convexHull(np.round(landmarks[list(mesh)]).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    if margin:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1)))
    return mask.astype(np.bool_)


def patch_masks(
    landmarks: Float32Array, shape: tuple[int, int], rigid_margin: int, region_margin: int
) -> list[BoolArray]:
    """The patches of the layout, in its order, as masks of ``shape``."""
    masks = []
    for mesh, pieces in zip(facs.RIGID_PATCHES, _RIGID_PIECES, strict=True):
        whole = hull_mask(landmarks, mesh, shape, rigid_margin)
        columns = np.flatnonzero(whole.any(axis=0))
        if pieces == 1 or not columns.size:
            masks += [whole] * pieces
            continue
        edges = np.linspace(columns[0], columns[-1] + 1, pieces + 1)
        x = np.arange(shape[1])
        masks += [whole & (x >= low) & (x < high) for low, high in pairwise(edges)]
    masks += [hull_mask(landmarks, region.mesh, shape, region_margin) for region in facs.REGIONS]
    return masks


def robust_mean(vectors: FloatArray, scale: float = 0.5) -> FloatArray:
    """Huber's mean of ``(N, 2)`` vectors; ``scale`` px is the distance from which a vector counts less."""
    mean = np.median(vectors, axis=0)
    for _ in range(5):
        distance = np.hypot(*(vectors - mean).T)
        weight = scale / np.maximum(distance, scale)
        mean = (vectors * weight[:, None]).sum(axis=0) / weight.sum()
    return np.asarray(mean, dtype=np.float64)
