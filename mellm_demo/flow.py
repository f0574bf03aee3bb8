"""How skin moves: dense flow of a pair, and displacement trajectories per facial region over a whole clip.

Knows nothing of expressions, decoding or face finding: it gets aligned gray crops with landmarks and returns pixels of
the aligned crop. The dense flow is the one that MELLM's images are made of and is used once per pair. The trajectories
are measured differently, because they must be cheap and finer than a tenth of a pixel: every region is one patch, and
its translation is solved by Gauss-Newton steps on locally normalised gray values (Lucas and Kanade 1981, in the
inverse compositional form of Baker and Matthews 2004), against keyframes that are renewed as the head moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.records import (
    CROP_PX,
    BoolArray,
    FaceTrack,
    Float32Array,
    FloatArray,
    Image,
    MotionCurve,
    RegionMotion,
)

# Depth of the patches in px of the crop, positive towards the viewer: what a turning head shifts against the rest.
# Mean of MediaPipe's z over 40 frontal faces, left and right averaged; the order is that of facs.REGIONS by name.
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

_HEAD_CENTRE = (CROP_PX / 2.0, 112.0)  # the middle of the rigid patches: keeps the fit well conditioned
_HEAD_UNIT_PX = 64.0
# How far each term of the head's motion may go, px at _HEAD_UNIT_PX: shift, growth and roll freely, stretch and shear
# hardly (a degree of turning stretches a face by less than 1 %), shift by depth about 2° between two keyframes.
_HEAD_PRIOR_PX = (8.0, 8.0, 4.0, 4.0, 0.2, 0.2, 2.0, 2.0)
_HEAD_PARAMETERS = len(_HEAD_PRIOR_PX)

RIGID_MARGIN_PX = 4  # rigid patches are slivers of the mesh; grown so that they hold texture
REGION_MARGIN_PX = 3
LIGHT_SIGMA_PX = 8.0  # lighting is what is smoother than this
SMOOTH_SIGMA_PX = 1.0  # tames block and sensor noise, and lets bilinear sampling be exact enough
CONTRAST_FLOOR = 4.0  # gray levels: skin with less contrast is not blown up into texture

KEYFRAME_MS = 1000.0
KEYFRAME_MIN_ROWS = 6
KEYFRAME_TURN_DEG = 4.0  # beyond this the same skin looks different
KEYFRAME_SHIFT_PX = 5.0
KEYFRAME_OPEN = 0.93  # of the usual eye aspect ratio
KEYFRAME_WAIT_MS = 500.0  # longer than a blink
GAP_FRAMES = 3.5  # more missing frames than this and the face may have done anything meanwhile
GAP_MS = 60.0  # never a gap below this, at high frame rates

_MAX_STEPS = 5
_STEP_DONE_PX = 0.08  # the step after one of this size is finer than noise
_STRAGGLERS = 2  # patches that need not have settled: hair and lids never do
_STEP_LIMIT_PX = 1.5
_SUBPIXEL = 32.0  # cv2.remap samples on a grid of 1/32 px
_LANDMARK_NOISE_PX = 1.0  # a landmark's step below this says nothing about the skin
_LOST_CORRELATION = 0.35  # a patch that fits worse is not the same skin any more
_ASTRAY_PX = 5.0  # farther from its landmarks than they ever err
_LOST_PX = 3.0  # nor one that was found farther than this from where the frame before and the landmarks put it

# TV-L1's default pyramid is shallow: of a moving region it recovers 90 % and more up to 5 px, of brows at 6 px and lips
# at 10 px only two thirds and less (measured on warped crops), and less still where a mouth opens.
FLOW_REACH_PX = 5.0
U8 = np.dtype(np.uint8)
UPPER_LIP_INNER, LOWER_LIP_INNER = 13, 14
# Corner, two upper, corner, two lower points of each eye, as in the eye aspect ratio of Soukupová and Čech 2016.
_EYES = ((33, 160, 158, 133, 153, 144), (263, 387, 385, 362, 380, 373))  # subject's right, left


# ---------------------------------------------------------------------------------------------- dense flow of a pair


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
    masks = _patch_masks(landmarks, (height, width), RIGID_MARGIN_PX, 0)
    count = len(masks)
    moved, centres = np.zeros((count, 2)), np.zeros((count, 2))
    information = np.zeros((count, 2, 2))
    for index, mask in enumerate(masks):
        rows, columns = np.nonzero(mask)
        if rows.size:
            moved[index] = _robust_mean(flow[rows, columns].astype(np.float64))
            centres[index] = columns.mean(), rows.mean()
            information[index] = np.eye(2) / _MODEL_NOISE_PX**2
    layout = _layout()
    head = _fit_head(moved[None], information[None], _head_basis(centres, layout.depth)[None], layout)[0]
    ys, xs = np.mgrid[0:height, 0:width]
    grid = np.stack([xs, ys], axis=-1).reshape(-1, 2).astype(np.float64)
    present = information[:, 0, 0] > 0
    depth = _interpolated_depth(grid, centres[present], layout.depth[present])
    field = (_head_basis(grid, depth) @ head).reshape(height, width, 2)
    return (flow - field).astype(np.float32)


def region_masks(landmarks: Float32Array, shape: tuple[int, int] = (CROP_PX, CROP_PX)) -> BoolArray:
    """``(R, H, W)`` bool: the convex hulls of the regions of facs.REGIONS on ``landmarks`` (478, 2), in that order."""
    return np.stack([_hull_mask(landmarks, region.mesh, shape, 0) for region in facs.REGIONS])


def region_motions(
    residual: Float32Array,
    reference_landmarks: Float32Array,
    interocular_px: float,
    floor_px: float,
    tracked_px: Float32Array | None = None,
) -> tuple[RegionMotion, ...]:
    """Mean motion of every region of facs.REGIONS, in that order.

    ``residual`` is flow without head motion, ``(H, W, 2)`` px; ``interocular_px`` the distance of the pupils in the
    same crop; ``floor_px`` the noise floor below which a region counts as still. The mean is a trimmed one: flow
    spills over the edges of what moves. ``tracked_px`` (R, 2) is where the regions went from frame to frame, as in a
    MotionCurve: it stands in for flow where a region went farther than flow can follow at once.
    """
    motions = []
    masks = region_masks(reference_landmarks, residual.shape[:2])
    for index, (region, mask) in enumerate(zip(facs.REGIONS, masks, strict=True)):
        vectors = residual[mask].astype(np.float64)
        u, v = _robust_mean(vectors) if len(vectors) else (0.0, 0.0)
        largest = float(np.percentile(np.hypot(vectors[:, 0], vectors[:, 1]), 95)) if len(vectors) else 0.0
        if tracked_px is not None and np.hypot(*tracked_px[index]) > FLOW_REACH_PX:
            u, v = (float(part) for part in tracked_px[index])
            largest = float(np.hypot(u, v))
        magnitude = float(np.hypot(u, v))
        degrees = float(np.degrees(np.arctan2(v, u)) % 360.0)
        motions.append(
            RegionMotion(
                key=region.key,
                name=region.name,
                side=region.side,
                u_px=float(u),
                v_px=float(v),
                magnitude_px=magnitude,
                max_px=largest,
                magnitude_iod=100.0 * magnitude / max(interocular_px, 1e-6),
                direction_deg=degrees,
                direction=facs.direction_name(degrees),
                moving=magnitude > floor_px,
            )
        )
    return tuple(motions)


# ---------------------------------------------------------------------------------------------- trajectories


def motion_curve(track: FaceTrack, usable: BoolArray) -> MotionCurve:
    """How every region of ``track`` moved over the clip, head motion removed.

    ``usable`` (T,) says in which rows the face can be measured. Rows after a gap in the track or after unusable rows
    start a new segment, whose displacements begin at zero; unusable rows repeat the last value. Raises InputError
    where ``usable`` does not match the track or the times do not rise.
    """
    rows = len(track.times_ms)
    usable = np.asarray(usable, dtype=np.bool_)
    if usable.shape != (rows,):
        raise InputError(f"The track has {rows} rows, but usable has the shape {usable.shape}. Give one flag per row.")
    if not np.isfinite(track.times_ms).all() or (np.diff(track.times_ms) <= 0).any():
        raise InputError("The frame times of the face must rise from frame to frame. Check the clip's timestamps.")
    layout = _layout()
    segment = _segments(track, usable)
    count = len(layout.depth)
    total = np.zeros((rows, count, 2))
    head_path = np.zeros((rows, _HEAD_PARAMETERS))
    rigid_residual = np.zeros(rows)
    covariance = np.broadcast_to(np.eye(2) * _LANDMARK_NOISE_PX**2, (rows, count, 2, 2)).copy()
    for stretch in _stretches(segment, usable):
        parts = _measure(track, stretch, layout)
        total[stretch], head_path[stretch], rigid_residual[stretch] = _chain(parts, layout)
        covariance[stretch] = _covariance(parts)
    for row in np.flatnonzero(~usable):  # in order, so that the last value runs on
        if row:
            total[row], head_path[row], rigid_residual[row] = (
                total[row - 1],
                head_path[row - 1],
                rigid_residual[row - 1],
            )
    return MotionCurve(
        times_ms=track.times_ms,
        regions=facs.REGION_KEYS,
        displacement_px=total[:, layout.rigid_count :].astype(np.float32),
        usable=usable,
        segment=segment,
        head_speed_px_s=_head_speed(track, head_path, segment, usable).astype(np.float32),
        rigid_residual_px=rigid_residual.astype(np.float32),
        eye_openness=_eye_openness(track.landmarks),
        mouth_opening=_mouth_opening(track),
        covariance_px2=covariance[:, layout.rigid_count :].astype(np.float32),
    )


@dataclass(frozen=True)
class _Layout:
    """What is known of the patches before any picture: first the rigid ones, then the regions of facs.REGIONS."""

    depth: FloatArray  # (P,)
    trust: FloatArray  # (P,) weight in the fit of the head
    rigid_count: int
    meshes: tuple[tuple[int, ...], ...]  # (P,) landmarks that tell where a patch has gone


# Long patches are cut in pieces along x, so that one of them can be an outlier without the others.
_RIGID_PIECES = (1, 1, 1, 3, 1, 1)
# Most regions rest most of the time, and carry more texture than the rigid patches, which are bare skin and hairline:
# without them the fit is two to three times as noisy. Upper lids never rest, lower lids seldom.
_REGION_TRUST = 0.5
_LID_TRUST = {"upper lid": 0.0, "lower lid": 0.2}
_MODEL_NOISE_PX = 0.05  # what a patch deviates from the head's model without any expression
# Outliers are forgotten step by step (graduated non-convexity): forgetting at once can settle on half of the face.
_NARROWING = (5.0, 2.5, 1.5, 1.0, 1.0, 1.0, 1.0, 1.0)
_OUTLIER = 2.25  # times the noise: a patch that far off counts a quarter
_CORRELATED_PIXELS = 10.0  # smoothing makes about this many neighbours say the same


def _layout() -> _Layout:
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
    return _Layout(np.array(depth), np.array(trust), rigid, tuple(meshes))


def _hull_mask(landmarks: Float32Array, mesh: tuple[int, ...], shape: tuple[int, int], margin: int) -> BoolArray:
    import cv2

    mask = np.zeros(shape, dtype=np.uint8)
    hull = cv2.convexHull(np.round(landmarks[list(mesh)]).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    if margin:
        mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1)))
    return mask.astype(np.bool_)


def _patch_masks(
    landmarks: Float32Array, shape: tuple[int, int], rigid_margin: int, region_margin: int
) -> list[BoolArray]:
    """The patches of the layout, in its order, as masks of ``shape``."""
    masks = []
    for mesh, pieces in zip(facs.RIGID_PATCHES, _RIGID_PIECES, strict=True):
        whole = _hull_mask(landmarks, mesh, shape, rigid_margin)
        columns = np.flatnonzero(whole.any(axis=0))
        if pieces == 1 or not columns.size:
            masks += [whole] * pieces
            continue
        edges = np.linspace(columns[0], columns[-1] + 1, pieces + 1)
        x = np.arange(shape[1])
        masks += [whole & (x >= low) & (x < high) for low, high in pairwise(edges)]
    masks += [_hull_mask(landmarks, region.mesh, shape, region_margin) for region in facs.REGIONS]
    return masks


def _robust_mean(vectors: FloatArray, scale: float = 0.5) -> FloatArray:
    """Huber's mean of ``(N, 2)`` vectors; ``scale`` px is the distance from which a vector counts less."""
    mean = np.median(vectors, axis=0)
    for _ in range(5):
        distance = np.hypot(*(vectors - mean).T)
        weight = scale / np.maximum(distance, scale)
        mean = (vectors * weight[:, None]).sum(axis=0) / weight.sum()
    return np.asarray(mean, dtype=np.float64)


# -- the head


def _head_basis(points: FloatArray, depth: FloatArray) -> FloatArray:
    """``(…, 2, 8)``: motion of ``points`` (…, 2) with ``depth`` (…) per unit of each term of the head's motion."""
    x = (points[..., 0] - _HEAD_CENTRE[0]) / _HEAD_UNIT_PX
    y = (points[..., 1] - _HEAD_CENTRE[1]) / _HEAD_UNIT_PX
    z = depth / _HEAD_UNIT_PX
    one, none = np.ones_like(x), np.zeros_like(x)
    z = np.broadcast_to(z, x.shape)
    u = np.stack([one, none, x, -y, x, y, z, none], axis=-1)
    v = np.stack([none, one, y, x, -y, x, none, z], axis=-1)
    return np.stack([u, v], axis=-2)


def _fit_head(moved: FloatArray, information: FloatArray, basis: FloatArray, layout: _Layout) -> FloatArray:
    """The head's motion ``(T, 8)`` that explains ``moved`` (T, P, 2) best.

    ``information`` (T, P, 2, 2) is the inverse covariance of each measurement, ``basis`` (T, P, 2, 8) (or one row for
    all). Iteratively reweighted least squares with Geman and McClure's weights, which forget outliers altogether.
    """
    basis = np.broadcast_to(basis, (*moved.shape, _HEAD_PARAMETERS))
    weighted = information @ basis  # (T, P, 2, 8)
    normal = np.einsum("tpik,tpil->tpkl", basis, weighted)
    right = np.einsum("tpik,tpi->tpk", weighted, moved)
    prior = np.diag(1.0 / np.square(_HEAD_PRIOR_PX))
    rigid = layout.trust >= 1.0
    weights = np.broadcast_to(layout.trust, moved.shape[:2])
    head = np.zeros((len(moved), _HEAD_PARAMETERS))
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


def _with_own_depth(moved: FloatArray, information: FloatArray, basis: FloatArray, layout: _Layout) -> FloatArray:
    """``basis`` (T, P, 2, 8) with every patch's depth corrected by how it went along with the turning of this head.

    The table holds the depths of an average face. Regressing what is left of each patch's motion on the turning, over
    all frames and robustly (expressions are brief), gives those of this one, where it turned enough to tell.
    """
    if len(moved) < _DEPTH_MIN_ROWS:
        return basis
    motion = _fit_head(moved, information, basis, layout)
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


_DEPTH_PRIOR_PX = 15.0  # how far a face may differ from the average in depth
_DEPTH_MIN_ROWS = 10


def _without_echo(local: FloatArray, head: FloatArray) -> FloatArray:
    """``local`` (n, P, 2) without what in it merely repeats the head's path ``head`` (n, 8).

    No model of the head is right for every face, and what it leaves follows the head's motion in proportion. A robust
    ridge regression of every patch on the path takes that away. Frames that stand out of it, as expressions do, carry
    no weight, and the ridge keeps a head that hardly moves from explaining anything.
    """
    if len(local) < _ECHO_MIN_ROWS:
        return local
    path = head - np.median(head, axis=0)
    values = (local - np.median(local, axis=0)).reshape(len(local), -1)
    response = np.zeros((_HEAD_PARAMETERS, values.shape[1]))
    ridge = np.eye(_HEAD_PARAMETERS) / _ECHO_PRIOR**2
    for _ in range(6):
        rest = values - path @ response
        scale = np.maximum(1.4826 * np.median(np.abs(rest - np.median(rest, axis=0)), axis=0), _MODEL_NOISE_PX)
        weights = 1.0 / np.square(1.0 + np.square(rest / (2.0 * scale)))
        # Neighbouring frames err together, so they count for less than they are.
        trust = 1.0 / (_ECHO_CORRELATED_ROWS * np.square(scale))
        normal = np.einsum("tk,tq,tl->qkl", path, weights, path) * trust[:, None, None] + ridge
        right = (path.T @ (weights * values) * trust).T
        response = np.linalg.solve(normal, right[..., None])[..., 0].T
    return local - (path @ response).reshape(local.shape)


_ECHO_PRIOR = 0.15  # px that a patch may wrongly move per px of the head
_ECHO_MIN_ROWS = 24
_ECHO_CORRELATED_ROWS = 4.0


def _interpolated_depth(grid: FloatArray, centres: FloatArray, depth: FloatArray) -> FloatArray:
    """Depth at ``grid`` (N, 2) from that of the patches, by inverse square distance (Shepard 1968)."""
    distance = np.square(grid[:, None, :] - centres[None]).sum(axis=-1)
    weight = 1.0 / (distance + 25.0)
    return np.asarray((weight * depth).sum(axis=1) / weight.sum(axis=1), dtype=np.float64)


# -- one stretch without gaps


def _segments(track: FaceTrack, usable: BoolArray) -> NDArray[np.int64]:
    rows = len(track.times_ms)
    segment = np.zeros(rows, dtype=np.int64)
    if rows < 2:
        return segment
    steps = np.diff(track.times_ms)
    per_frame = np.median(steps / np.maximum(np.diff(track.frame_indices), 1))
    jump = (np.diff(track.frame_indices) > 1) & (steps > max(GAP_FRAMES * per_frame, GAP_MS))
    back = usable[1:] & ~usable[:-1]
    segment[1:] = np.cumsum(jump | back)
    return segment


def _stretches(segment: NDArray[np.int64], usable: BoolArray) -> list[NDArray[np.int64]]:
    return [np.flatnonzero((segment == number) & usable) for number in np.unique(segment[usable])]


def _keyframes(track: FaceTrack, stretch: NDArray[np.int64], anchor: Float32Array) -> list[int]:
    """Positions in ``stretch`` of the frames that the following ones are measured against; the first is 0.

    No keyframe is taken while the eyes are closed, if that can be waited for: open lids look different.
    """
    times, pose = track.times_ms[stretch], track.pose_deg[stretch]
    openness = _eye_openness(track.landmarks[stretch]).mean(axis=1)
    opened = openness >= KEYFRAME_OPEN * np.median(openness)
    keys = [0]
    for position in range(1, len(stretch)):
        last = keys[-1]
        age = times[position] - times[last]
        turned = np.abs(pose[position] - pose[last]).max() > KEYFRAME_TURN_DEG
        shifted = np.abs(anchor[position] - anchor[last]).max() > KEYFRAME_SHIFT_PX
        due = position - last >= KEYFRAME_MIN_ROWS and (age >= KEYFRAME_MS or turned or shifted)
        if due and (opened[position] or age >= KEYFRAME_MS + KEYFRAME_WAIT_MS):
            keys.append(position)
    return keys


def _measure(track: FaceTrack, stretch: NDArray[np.int64], layout: _Layout) -> list[_Measured]:
    """Every frame of a stretch against its keyframe."""
    from concurrent.futures import ThreadPoolExecutor

    landmarks = track.landmarks[stretch]
    patch_landmarks = np.stack([landmarks[:, list(mesh)].mean(axis=1) for mesh in layout.meshes], axis=1)
    rigid = np.median(patch_landmarks[:, : layout.rigid_count], axis=1)
    keys = _keyframes(track, stretch, rigid)
    spans = list(zip(keys, [*keys[1:], len(stretch) - 1], strict=True))

    def measure(span: tuple[int, int]) -> _Measured:
        return _measure_span(track.gray, stretch, landmarks, patch_landmarks, span, layout)

    with ThreadPoolExecutor(max_workers=2) as pool:  # OpenCV and NumPy's loops let go of the interpreter
        return list(pool.map(measure, spans))


def _covariance(parts: list[_Measured]) -> FloatArray:
    """(n, P, 2, 2) px² of every patch against its keyframe; the first row is taken to be as good as the second."""
    covariance = np.concatenate([np.linalg.inv(part.information) for part in parts])
    if not len(covariance):
        patches = parts[0].information.shape[1]
        return np.broadcast_to(np.eye(2) * _LANDMARK_NOISE_PX**2, (1, patches, 2, 2))
    return np.concatenate([covariance[:1], covariance])


def _chain(parts: list[_Measured], layout: _Layout) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Local displacement (n, P, 2), head's path (n, 8) and rigid residual (n,) of a stretch of n rows."""
    moved = np.concatenate([part.moved for part in parts])
    information = np.concatenate([part.information for part in parts])
    basis = np.concatenate([np.broadcast_to(part.basis, (len(part.moved), *part.basis.shape)) for part in parts])
    basis = _with_own_depth(moved, information, basis, layout)
    motion = _fit_head(moved, information, basis, layout)
    relative = moved - np.einsum("tpik,tk->tpi", basis, motion)

    count = len(moved) + 1
    local = np.zeros((count, len(layout.depth), 2))
    head, residual = np.zeros((count, _HEAD_PARAMETERS)), np.zeros(count)
    first = 0
    for part in parts:
        # A keyframe's own place is the last thing that the span before it has measured.
        last = first + len(part.moved)
        local[first + 1 : last + 1] = local[first] + relative[first:last]
        head[first + 1 : last + 1] = head[first] + motion[first:last]
        first = last
    residual[1:] = _rigid_residual(relative, information, layout)
    if count > 1:
        residual[0] = residual[1]
    return _without_echo(local, head), head, residual


@dataclass(frozen=True)
class _Measured:
    """How the patches of one keyframe lie in the frames after it."""

    moved: FloatArray  # (n, P, 2) px, head motion included
    information: FloatArray  # (n, P, 2, 2) inverse covariance
    basis: FloatArray  # (P, 2, 8) motion of each patch per unit of each term of the head's motion


@dataclass(frozen=True)
class _Template:
    """A keyframe's patches as lists of pixels, with the gradients that the steps are made of."""

    points: Float32Array  # (N, 2)
    starts: NDArray[np.int64]  # (P,) where each patch begins in the lists
    patch: NDArray[np.int64]  # (N,) which patch a pixel belongs to
    sizes: FloatArray  # (P,)
    value: Float32Array  # (N,)
    gradient: Float32Array  # (2, N) per px
    centres: FloatArray  # (P, 2)


def _measure_span(
    gray: Image,
    stretch: NDArray[np.int64],
    landmarks: Float32Array,
    patch_landmarks: Float32Array,
    span: tuple[int, int],
    layout: _Layout,
) -> _Measured:
    """Frames ``first + 1 … last`` against the keyframe ``first``."""
    first, last = span
    count, patches = last - first, len(layout.depth)
    if count == 0:
        nothing = np.zeros((0, patches, 2))
        return _Measured(nothing, np.zeros((0, patches, 2, 2)), np.zeros((patches, 2, _HEAD_PARAMETERS)))
    around = landmarks[max(0, first - 2) : first + 3]
    template = _template(normalised(gray[stretch[first]]), np.median(around, axis=0))
    moved = np.zeros((count, patches, 2))
    information = np.zeros((count, patches, 2, 2))
    now = np.zeros((patches, 2))
    for index in range(count):
        row = first + 1 + index
        step = (patch_landmarks[row] - patch_landmarks[row - 1]).astype(np.float64)
        start = now + np.sign(step) * np.maximum(np.abs(step) - _LANDMARK_NOISE_PX, 0.0)
        now, info, alike = _register(template, normalised(gray[stretch[row]]), start)
        by_landmarks = (patch_landmarks[row] - patch_landmarks[first]).astype(np.float64)
        lost = (alike < _LOST_CORRELATION) | (np.hypot(*(now - start).T) > _LOST_PX)
        lost |= np.hypot(*(now - by_landmarks).T) > _ASTRAY_PX
        if lost.any():
            now = np.where(lost[:, None], by_landmarks, now)
            info[lost] = np.eye(2) / _LANDMARK_NOISE_PX**2
        moved[index], information[index] = now, info
    return _Measured(moved, information, _head_basis(template.centres, layout.depth))


def _rigid_residual(local: FloatArray, information: FloatArray, layout: _Layout) -> FloatArray:
    """Median motion (T,) left in the rigid patches, each weighted along the directions in which it can be measured."""
    rigid = slice(0, layout.rigid_count)
    certain = information[:, rigid] * _MODEL_NOISE_PX**2  # 1 where a patch is measured as well as can be
    left = np.einsum("tpi,tpij,tpj->tp", local[:, rigid], certain, local[:, rigid])
    return np.asarray(np.median(np.sqrt(np.maximum(left, 0.0)), axis=1), dtype=np.float64)


def normalised(gray: Image) -> Float32Array:
    """``gray`` (H, W) with lighting taken out: smoothed, minus its surroundings, over the local contrast. Float32."""
    import cv2

    image = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), SMOOTH_SIGMA_PX)
    size = 2 * round(LIGHT_SIGMA_PX * 1.5) + 1  # a box of about the same reach, many times faster
    image -= cv2.blur(image, (size, size))
    contrast = cv2.blur(cv2.multiply(image, image), (size, size))
    contrast = cv2.sqrt(contrast) + CONTRAST_FLOOR
    return np.asarray(cv2.divide(image, contrast), dtype=np.float32)


def _template(image: Float32Array, landmarks: Float32Array) -> _Template:
    import cv2

    masks = _patch_masks(landmarks, image.shape, RIGID_MARGIN_PX, REGION_MARGIN_PX)
    scale = 1.0 / 32.0  # Scharr's kernel sums to 32 per px
    gradient_x = cv2.Scharr(image, cv2.CV_32F, 1, 0, scale=scale)
    gradient_y = cv2.Scharr(image, cv2.CV_32F, 0, 1, scale=scale)
    rows, columns, patch, centres = [], [], [], np.zeros((len(masks), 2))
    for index, mask in enumerate(masks):
        ys, xs = np.nonzero(mask)
        if not ys.size:  # outside the picture: one pixel at the border, which carries no information
            point = np.clip(np.round(landmarks.mean(axis=0)), 0, CROP_PX - 1).astype(np.int64)
            xs, ys = point[:1], point[1:]
        rows.append(ys)
        columns.append(xs)
        patch.append(np.full(ys.size, index))
        centres[index] = xs.mean(), ys.mean()
    ys, xs, of = np.concatenate(rows), np.concatenate(columns), np.concatenate(patch)
    sizes = np.bincount(of, minlength=len(masks)).astype(np.float64)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    return _Template(
        points=np.stack([xs, ys], axis=1).astype(np.float32),
        starts=starts,
        patch=of.astype(np.int64),
        sizes=sizes,
        value=image[ys, xs],
        gradient=np.stack([gradient_x[ys, xs], gradient_y[ys, xs]]),
        centres=centres,
    )


def _register(template: _Template, image: Float32Array, start: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Where every patch lies in ``image``: displacement (P, 2), information (P, 2, 2), likeness (P,) up to 1.

    Gauss-Newton steps on the sum of squared differences with Huber's weights; all patches at once.
    """
    import cv2

    gx, gy = template.gradient
    now = start.copy()
    best = now
    for _ in range(_MAX_STEPS):
        # On the grid that remap samples on, so that the step below starts from where the sample really was taken.
        now = np.round(now * _SUBPIXEL) / _SUBPIXEL
        where = template.points + now.astype(np.float32)[template.patch]
        sample = cv2.remap(
            image, where.reshape(1, -1, 2), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).ravel()
        error = sample - template.value
        spread = np.add.reduceat(np.abs(error), template.starts) / template.sizes
        limit = np.maximum(2.0 * spread, 1e-3).astype(np.float32)[template.patch]
        weight = np.minimum(1.0, limit / np.maximum(np.abs(error), 1e-6))
        wx, wy = weight * gx, weight * gy
        sums = np.add.reduceat(np.stack([wx * gx, wx * gy, wy * gy, wx * error, wy * error]), template.starts, axis=1)
        a, b, c, ex, ey = sums.astype(np.float64)
        ridge = 1e-3 * template.sizes / _CORRELATED_PIXELS + 1e-9
        a, c = a + ridge, c + ridge
        determinant = a * c - b * b
        step = -np.stack([c * ex - b * ey, a * ey - b * ex], axis=1) / determinant[:, None]
        step *= np.minimum(1.0, _STEP_LIMIT_PX / np.maximum(np.hypot(*step.T), 1e-9))[:, None]
        now = best = now + step
        if (np.abs(step).max(axis=1) > _STEP_DONE_PX).sum() <= _STRAGGLERS:
            break
    noise = np.add.reduceat(weight * error * error, template.starts) / template.sizes + 1e-6
    power = np.add.reduceat(template.value**2 + sample**2, template.starts) / template.sizes + 1e-6
    alike = 1.0 - np.add.reduceat(error * error, template.starts) / template.sizes / power
    information = np.stack([np.stack([a, b], axis=-1), np.stack([b, c], axis=-1)], axis=-2)
    information /= (noise * _CORRELATED_PIXELS)[:, None, None]
    # Never surer than the model itself: add its variance to the covariance.
    information = np.linalg.inv(np.linalg.inv(information) + _MODEL_NOISE_PX**2 * np.eye(2))
    return best, np.asarray(information, dtype=np.float64), alike.astype(np.float64)


# -- what landmarks tell


def _head_speed(track: FaceTrack, path: FloatArray, segment: NDArray[np.int64], usable: BoolArray) -> FloatArray:
    """Speed (T,) of the head, px of the crop per second: what was removed, and turning by the pose angles."""
    from scipy.ndimage import gaussian_filter1d

    speed = np.zeros(len(path))
    # One degree of turning shifts a depth of 60 px, that of the temples behind the nose, by about one px.
    turn_px = np.asarray(track.pose_deg, dtype=np.float64) * np.radians(1.0) * 60.0
    for stretch in _stretches(segment, usable):
        if len(stretch) < 2:
            continue
        times = track.times_ms[stretch] / 1000.0
        sigma = SPEED_SMOOTHING_MS / 1000.0 / np.median(np.diff(times))
        states = np.concatenate([path[stretch], turn_px[stretch, :2]], axis=1)
        smooth = gaussian_filter1d(states, max(sigma, 0.5), axis=0, mode="nearest")
        speed[stretch] = np.sqrt(np.square(np.gradient(smooth, times, axis=0)).sum(axis=1))
    for row in np.flatnonzero(~usable):
        speed[row] = speed[row - 1] if row else 0.0
    return speed


SPEED_SMOOTHING_MS = 60.0  # pose angles jitter from frame to frame


def _eye_openness(landmarks: Float32Array) -> Float32Array:
    """Eye aspect ratio (T, 2), the subject's right and left eye (Soukupová and Čech 2016)."""
    ratios = []
    for outer, up1, up2, inner, low2, low1 in _EYES:
        height = _distance(landmarks, up1, low1) + _distance(landmarks, up2, low2)
        ratios.append(height / np.maximum(2.0 * _distance(landmarks, outer, inner), 1e-6))
    return np.stack(ratios, axis=1).astype(np.float32)


def _mouth_opening(track: FaceTrack) -> Float32Array:
    gap = _distance(track.landmarks, UPPER_LIP_INNER, LOWER_LIP_INNER)
    return (gap / max(track.interocular_crop_px, 1e-6)).astype(np.float32)


def _distance(landmarks: Float32Array, first: int, second: int) -> Float32Array:
    return np.asarray(np.linalg.norm(landmarks[:, first] - landmarks[:, second], axis=1), dtype=np.float32)
