"""Dense flow → how each facial region moved."""

from __future__ import annotations

import numpy as np

from mellm_demo import facs
from mellm_demo.flow.patches import hull_mask, robust_mean
from mellm_demo.records import CROP_PX, BoolArray, Float32Array, RegionMotion

# TV-L1's default pyramid is shallow: of a moving region it recovers 90 % and more up to 5 px, of brows at 6 px and lips
# at 10 px only two thirds and less (measured on warped crops), and less still where a mouth opens.
FLOW_REACH_PX = 5.0


def region_masks(landmarks: Float32Array, shape: tuple[int, int] = (CROP_PX, CROP_PX)) -> BoolArray:
    """``(R, H, W)`` bool: the convex hulls of the regions of facs.REGIONS on ``landmarks`` (478, 2), in that order."""
    return np.stack([hull_mask(landmarks, region.mesh, shape, 0) for region in facs.REGIONS])


def region_motions(
    residual: Float32Array,
    reference_landmarks: Float32Array,
    interocular_px: float,
    floor_px: float,
    tracked_px: Float32Array | None = None,
) -> tuple[RegionMotion, ...]:
    """Mean motion of every region of facs.REGIONS, in that order.

    ``residual`` is flow without head motion, ``(H, W, 2)`` px; ``interocular_px`` the distance of the pupils in the
    same crop; ``floor_px`` the noise floor below which a region counts as still. The mean is a robust one: flow
    spills over the edges of what moves. ``tracked_px`` (R, 2) is where the regions went from frame to frame, as in a
    MotionCurve: it stands in for flow where a region went farther than flow can follow at once.
    """
    motions = []
    masks = region_masks(reference_landmarks, residual.shape[:2])
    for index, (region, mask) in enumerate(zip(facs.REGIONS, masks, strict=True)):
        vectors = residual[mask].astype(np.float64)
        u, v = robust_mean(vectors) if len(vectors) else (0.0, 0.0)
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
