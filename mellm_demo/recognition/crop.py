"""Our flow → the 28×28 picture of motion that the trained head reads: the crop contract.

The head was trained on CASME II and SMIC as STSTNet and HTNet publish them: horizontal flow, vertical flow and optical
strain of a tightly cut face, each scaled per clip to 0..255. ``corpus_crop`` brings the flow of our aligned crop into
that framing and scaling; ``normalised`` undoes what the scaling leaves arbitrary, for either source. Absolute magnitude
is lost on the way: who uses the head has to look at pixels first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import Float32Array, FloatArray, Image

GRID = 28  # side of the corpora's crop
MESH_POINTS = 478
# Landmarks that tie our crop to theirs, and where they lie there: means over the 145 clips of CASME II, measured on
# apex frames, made symmetric about x = 13.9. Outer and inner eye corners, nose tip, mouth corners; as the subject's
# right eye is at the image's left, its corners come first. Brows and chin are left out: they move or are seen poorly.
ANCHORS: tuple[int, ...] = (facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT, 133, 362, facs.NOSE_TIP, 61, 291)
TARGETS: FloatArray = np.array(
    [(3.25, 7.75), (24.35, 7.75), (9.5, 8.15), (18.2, 8.15), (13.95, 15.3), (7.95, 20.1), (19.85, 20.1)]
)
FINE = 9  # the flow is sampled so many times finer than the grid, then averaged: 252 px, as the contract was checked
EDGE_PX = 1  # of the grid, left out where the relative scale of u and v is fitted: resampling distorts the border
RATIOS: FloatArray = np.exp(np.linspace(-1.5, 1.5, 25))  # v's scale over u's, tried one by one
SHARPNESS = 60.0  # of the mean over them: a correlation lower by 1/60 counts a third


def placing(landmarks: Float32Array) -> FloatArray:
    """(2, 3) similarity, px of our crop → px of the grid, by least squares on the anchors of ``landmarks`` (478, 2)."""
    if landmarks.shape != (MESH_POINTS, 2) or not np.isfinite(landmarks).all():
        raise InputError(
            f"The crop needs ({MESH_POINTS}, 2) finite landmarks, got {landmarks.shape}. Give those of the face track."
        )
    points = landmarks[list(ANCHORS)].astype(np.float64)
    z, w = points[:, 0] + 1j * points[:, 1], TARGETS[:, 0] + 1j * TARGETS[:, 1]
    centred = z - z.mean()
    a = (centred.conj() @ (w - w.mean())) / (centred.conj() @ centred)
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def corpus_crop(residual: Float32Array, landmarks: Float32Array) -> Image:
    """Flow without head motion (H, W, 2) px, landmarks (478, 2) of its onset → (28, 28, 3) uint8: u, v, strain.

    As in the corpora each channel is stretched from its own minimum to its maximum, so a still face looks as lively as
    a moving one, and an offset in u or v, such as a rest of head motion, makes no difference. The resting value is the
    median of u and of v.
    """
    import cv2

    place = placing(landmarks)
    fine = place * FINE
    fine[:, 2] += (FINE - 1) / 2.0  # pixel centres: a grid pixel covers FINE × FINE samples
    side = GRID * FINE
    sampled = cv2.warpAffine(residual, fine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sampled = sampled @ place[:, :2].T.astype(np.float32)  # vectors turn with the picture
    maps = np.dstack([sampled, strain(sampled)])
    small = cv2.resize(maps.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
    low, high = small.min(axis=(0, 1)), small.max(axis=(0, 1))
    return np.asarray(np.round(255.0 * (small - low) / np.maximum(high - low, 1e-12)), dtype=np.uint8)


def strain(flow: Float32Array) -> Float32Array:
    """Optical strain (H, W) of flow (H, W, 2): √(u_x² + v_y² + (u_y + v_x)²/2), Shreve et al. 2009, as in STSTNet."""
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    return np.asarray(np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2), dtype=np.float32)


OWN_SPREAD = 0.7  # of u and of v where each has its own, so that together they have a mean square of about 1


def normalised(uvs: Image, *, common_units: bool) -> Float32Array:
    """(N, 28, 28, 3) uint8 → float32 of the same shape: u and v around 0, strain from 0 up, mean square 1.

    Min-max scaling hides how large u is against v. With ``common_units`` the strain tells: it is made of both, so the
    ratio is taken under which the strain of the two pictures looks most like the third. Without, each is divided by
    its own spread.
    """
    maps = uvs.astype(np.float32) / 255.0
    maps -= np.median(maps, axis=(1, 2), keepdims=True)
    if not common_units:
        spread = np.sqrt(np.square(maps).mean(axis=(1, 2), keepdims=True))
        return maps / np.maximum(spread, 1e-6) * np.array([OWN_SPREAD, OWN_SPREAD, 1.0], np.float32)
    maps[..., 1] *= vertical_scale(maps)[:, None, None]
    moved = np.square(maps[..., :2]).sum(axis=-1, keepdims=True).mean(axis=(1, 2), keepdims=True)
    tensed = np.square(maps[..., 2:]).mean(axis=(1, 2), keepdims=True)
    maps[..., :2] /= np.maximum(np.sqrt(moved), 1e-6)
    maps[..., 2:] /= np.maximum(np.sqrt(tensed), 1e-6)
    return maps


def vertical_scale(maps: Float32Array) -> NDArray[np.float32]:
    """(N,) by what v (N, 28, 28, channel 1) must be multiplied to be in the units of u (channel 0)."""
    u_y, u_x = (_flat(part) for part in np.gradient(maps[..., 0], axis=(1, 2)))
    v_y, v_x = (_flat(part) for part in np.gradient(maps[..., 1], axis=(1, 2)))
    seen = _flat(maps[..., 2])
    seen = seen - seen.mean(axis=1, keepdims=True)
    of_u, of_v, of_both = u_x**2 + 0.5 * u_y**2, v_y**2 + 0.5 * v_x**2, u_y * v_x
    alike = np.zeros((len(maps), len(RATIOS)))
    for column, ratio in enumerate(RATIOS):
        made = np.sqrt(np.maximum(of_u + ratio**2 * of_v + ratio * of_both, 0.0))
        made -= made.mean(axis=1, keepdims=True)
        size = np.sqrt(np.square(made).sum(axis=1) * np.square(seen).sum(axis=1))
        alike[:, column] = (made * seen).sum(axis=1) / np.maximum(size, 1e-12)
    weight = np.exp(SHARPNESS * (alike - alike.max(axis=1, keepdims=True)))
    return np.asarray(np.exp(weight @ np.log(RATIOS) / weight.sum(axis=1)), dtype=np.float32)


def _flat(pictures: Any) -> FloatArray:
    """(N, 28, 28) → (N, P) without the border."""
    inside = pictures[:, EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX]
    return np.asarray(inside.reshape(len(pictures), -1), dtype=np.float64)


def mirrored(maps: Float32Array) -> Float32Array:
    """Normalised pictures (…, 28, 28, 3) of the face as a mirror shows it: sides swapped, u the other way."""
    turned = maps[..., ::-1, :].copy()
    turned[..., 0] *= -1.0
    return turned
