"""What an expression at its apex does to every pixel: the backward map that is rendered, and its inverse, the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mellm_demo import facs
from mellm_demo.records import CROP_PX, Float32Array, FloatArray
from mellm_demo.training.synthesis.fields import au_field
from mellm_demo.training.synthesis.geometry import hull, interpolated, inverse, rising, sampled, through
from mellm_demo.training.synthesis.mesh import EYES, FACE_OVAL, INNER_LIP_UPPER, MESH_POINTS, SKIN_POINTS, pose
from mellm_demo.training.synthesis.rest import SMOOTH, Rest
from mellm_demo.training.synthesis.spec import Event

_RING = 1.45  # outside the face's oval, enlarged so much from its middle, nothing moves
_TRUTH_STEPS = 80  # of the fixed-point inversion; it contracts by less than 0.9 a step where motion is 5 px or less


@dataclass(frozen=True)
class Displacement:
    """One event's backward displacement at its apex, in px of the rest frame, (H, W, 2) each."""

    event: Event
    skin: Float32Array
    eye: Float32Array
    mouth: Float32Array


def displacement_of(event: Event, rest: Rest) -> Displacement:
    """The event at its apex, as strong as it asks for. Raises InputError for an unknown action unit."""
    moved = sum(
        (movement.weight * au_field(movement.au, rest.landmarks, movement.side) for movement in event.movements),
        np.zeros((MESH_POINTS, 2)),
    )
    scale = event.amplitude_px * rest.px
    for _ in range(2):  # the mean over a region's pixels differs a little from that over its landmarks
        field = _dense(event, moved * scale, rest)
        strongest = max(float(np.hypot(*vector)) for vector in region_means(flow_of(field, rest), rest).values())
        if strongest < 1e-6 or event.amplitude_px == 0.0:
            break
        scale *= event.amplitude_px / strongest
    return _dense(event, moved * scale, rest)


def _dense(event: Event, moved: FloatArray, rest: Rest) -> Displacement:
    import cv2

    skin = list(range(SKIN_POINTS))
    ring = rest.landmarks[list(FACE_OVAL)]
    ring = ring.mean(axis=0) + _RING * (ring - ring.mean(axis=0))
    places = np.r_[rest.landmarks[skin] + moved[skin], ring]
    dense = interpolated(places, np.r_[moved[skin], np.zeros_like(ring)], rest.size)
    dense = cv2.GaussianBlur(dense, (0, 0), SMOOTH * rest.unit)
    eye = np.zeros_like(dense)
    down = np.array([-(a := pose(rest.landmarks)[0])[1], a[0]]) / rest.unit
    for upper, lower, iris in EYES:
        # The lid slides over the eyeball where it closes. Where it opens, white comes out from under it; the
        # picture holds none, so what lies between iris and lid is stretched.
        edge = [*upper, *lower[1:-1]]
        along = moved[edge] @ down
        opening = np.where(np.arange(len(edge)) < len(upper), np.minimum(along, 0.0), np.maximum(along, 0.0))
        middle = rest.landmarks[[upper[0], upper[-1]]].mean(axis=0)
        still = np.r_[rest.landmarks[list(iris)[:1]], middle[None]]
        points = np.r_[rest.landmarks[edge] + opening[:, None] * down, still]
        values = np.r_[opening[:, None] * down, np.zeros_like(still)]
        eye += interpolated(points, values, rest.size)
    # What is seen between the lips goes with the upper lip, whose teeth are nearest; more of the gap is dark.
    lip = list(INNER_LIP_UPPER)
    columns = np.arange(rest.size[1])
    line = [np.interp(columns, *rising(rest.landmarks[lip, 0] + moved[lip, 0], moved[lip, k])) for k in (0, 1)]
    mouth = np.broadcast_to(np.stack(line, axis=1).astype(np.float32), dense.shape).copy()
    return Displacement(event, dense, eye, mouth)


def flow_of(field: Displacement, rest: Rest) -> Float32Array:
    """Onset → apex of one event in the crop, (CROP_PX, CROP_PX, 2) px of the crop: the backward map, inverted."""
    from_crop = inverse(rest.crop_from_frame)
    rows, columns = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float64)
    places = through(np.dstack([columns, rows]), from_crop)
    flow = inverted(field.skin, places)
    for mask, part in ((rest.eye_mask, field.eye), (rest.mouth_mask, field.mouth)):
        flow = np.where(sampled(mask, places)[..., None] > 0.5, inverted(part, places), flow)
    return (flow @ rest.crop_from_frame[:, :2].T).astype(np.float32)


def inverted(backward: Float32Array, places: FloatArray) -> FloatArray:
    """f with f(p) = d(p + f(p)): where the point shown at ``places`` goes, for the backward displacement d."""
    forward = np.zeros_like(places)
    for _ in range(_TRUTH_STEPS):
        forward = 0.5 * forward + 0.5 * sampled(backward, places + forward)
    return forward


def region_means(flow: Float32Array, rest: Rest) -> dict[str, tuple[float, float]]:
    """Key of facs.REGIONS → mean (u, v) of ``flow``, that of ``flow_of``."""
    points = through(rest.landmarks, rest.crop_from_frame)
    return {
        region.key: (float(mean[0]), float(mean[1]))
        for region in facs.REGIONS
        for mean in [flow[hull(points[list(region.mesh)])].mean(axis=0)]
    }
