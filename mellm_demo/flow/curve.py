"""A face that is followed → how every region moved over the whole clip, head motion removed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import InputError
from mellm_demo.flow.head import HEAD_PARAMETERS, fit_head, with_own_depth, without_echo
from mellm_demo.flow.landmarks import eye_openness, mouth_opening
from mellm_demo.flow.measuring import LANDMARK_NOISE_PX, Measured, measure_stretch
from mellm_demo.flow.patches import MODEL_NOISE_PX, Layout, patch_layout
from mellm_demo.flow.stretches import segments_of, stretches_of
from mellm_demo.records import BoolArray, FaceTrack, FloatArray, MotionCurve

SPEED_SMOOTHING_MS = 60.0  # pose angles jitter from frame to frame


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
    layout = patch_layout()
    segment = segments_of(track, usable)
    count = len(layout.depth)
    total = np.zeros((rows, count, 2))
    head_path = np.zeros((rows, HEAD_PARAMETERS))
    rigid_residual = np.zeros(rows)
    covariance = np.broadcast_to(np.eye(2) * LANDMARK_NOISE_PX**2, (rows, count, 2, 2)).copy()
    for stretch in stretches_of(segment, usable):
        parts = measure_stretch(track, stretch, layout)
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
        eye_openness=eye_openness(track.landmarks),
        mouth_opening=mouth_opening(track),
        covariance_px2=covariance[:, layout.rigid_count :].astype(np.float32),
    )


def _covariance(parts: list[Measured]) -> FloatArray:
    """(n, P, 2, 2) px² of every patch against its keyframe; the first row is taken to be as good as the second."""
    covariance = np.concatenate([np.linalg.inv(part.information) for part in parts])
    if not len(covariance):
        patches = parts[0].information.shape[1]
        return np.broadcast_to(np.eye(2) * LANDMARK_NOISE_PX**2, (1, patches, 2, 2))
    return np.concatenate([covariance[:1], covariance])


def _chain(parts: list[Measured], layout: Layout) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Local displacement (n, P, 2), head's path (n, 8) and rigid residual (n,) of a stretch of n rows."""
    moved = np.concatenate([part.moved for part in parts])
    information = np.concatenate([part.information for part in parts])
    basis = np.concatenate([np.broadcast_to(part.basis, (len(part.moved), *part.basis.shape)) for part in parts])
    basis = with_own_depth(moved, information, basis, layout)
    motion = fit_head(moved, information, basis, layout)
    relative = moved - np.einsum("tpik,tk->tpi", basis, motion)

    count = len(moved) + 1
    local = np.zeros((count, len(layout.depth), 2))
    head, residual = np.zeros((count, HEAD_PARAMETERS)), np.zeros(count)
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
    return without_echo(local, head), head, residual


def _rigid_residual(local: FloatArray, information: FloatArray, layout: Layout) -> FloatArray:
    """Median motion (T,) left in the rigid patches, each weighted along the directions in which it can be measured."""
    rigid = slice(0, layout.rigid_count)
    certain = information[:, rigid] * MODEL_NOISE_PX**2  # 1 where a patch is measured as well as can be
    left = np.einsum("tpi,tpij,tpj->tp", local[:, rigid], certain, local[:, rigid])
    return np.asarray(np.median(np.sqrt(np.maximum(left, 0.0)), axis=1), dtype=np.float64)


def _head_speed(track: FaceTrack, path: FloatArray, segment: NDArray[np.int64], usable: BoolArray) -> FloatArray:
    """Speed (T,) of the head, px of the crop per second: what was removed, and turning by the pose angles."""
    from scipy.ndimage import gaussian_filter1d

    speed = np.zeros(len(path))
    # One degree of turning shifts a depth of 60 px, that of the temples behind the nose, by about one px.
    turn_px = np.asarray(track.pose_deg, dtype=np.float64) * np.radians(1.0) * 60.0
    for stretch in stretches_of(segment, usable):
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
