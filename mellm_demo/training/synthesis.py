"""A still face → a clip whose motion is known exactly.

Everything that moves is a *backward* map: a pixel of a frame says which place of the still picture it shows. The truth
is that map, inverted numerically, so it is what was rendered and not what was meant. Knows nothing of how motion is
measured; only landmarks of the still face come from ``face``.

Coordinates: the *rest frame* is the still face as it lies in the clip when nothing moves, px. The *crop* is the
project's framing of a face (records.OUTER_EYE_PX); amplitudes and flows are given in its px, so that they are what an
analysis should measure. Left and right are the subject's.

Where the action units' fields come from: ``measured`` rows are py-feat's linear map from action units to the mesh
(weights/au_to_mesh) with the affine motion of rigid skin taken out, made symmetric, and kept to the regions that the
unit moves by FACS, since the rows also carry what co-occurs with it (the row of AU 9 lowers the jaw, that of AU 20 the
mouth corners). Where a row contradicts FACS in its own region, the field is ``analytic``: smooth bumps with the
directions of the Cohn-Kanade manual.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import InputError, MellmError, WeightsError
from mellm_demo.records import CROP_PX, EYE_LINE_Y_PX, OUTER_EYE_PX, BothSides, Float32Array, FloatArray, Image

MESH_FILE = Path(__file__).resolve().parents[2] / "weights" / "au_to_mesh" / "au_to_mesh_pls_v4.npz"
MESH_SHA256 = "b5ca40b880530212bccc48d955f32e49309fa7bcdac761b5ed05b6340dfd1f6b"
MESH_POINTS = 478
SKIN_POINTS = 468  # the rest are irises

Background = Literal["with the head", "still"]
MICRO_MS = 500.0  # longer is a macro-expression

# Rigid skin from which the affine part of a measured row is fitted: facs' patches, the nose and the eye corners.
_RIGID = (*(i for patch in facs.RIGID_PATCHES for i in patch), 4, 1, 5, 45, 275, 2, 33, 133, 362, 263)
_MIDLINE = (10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 164, 0, 17, 18, 200, 199, 175, 152)
_FACE_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
    *(148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_INNER_LIP_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
_INNER_LIP_LOWER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
_EYES = (  # (upper edge, lower edge, irises), each edge from corner to corner; right, left
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133), range(468, 473)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362), range(473, 478)),
)


# --------------------------------------------------------------------------------------------- action units


@dataclass(frozen=True)
class _Measured:
    """A row of the measured map, kept to where its unit acts. ``reach``: σ of the window, in outer eye distances."""

    regions: tuple[str, ...]
    reach: float


@dataclass(frozen=True)
class _Push:
    """Skin around ``mesh`` (the right half's landmarks; the left's follow) moves by (out, up)."""

    mesh: tuple[int, ...]
    out: float
    up: float
    reach: float
    lips: Literal["", "upper", "lower"] = ""  # only what lies above (below) the lip line


_LID_EDGE = (246, 161, 160, 159, 158, 157, 173)
_LID_CREASE = (247, 30, 29, 27, 28, 56, 190)
_LOWER_LID = (7, 163, 144, 145, 153, 154, 155, 110, 24, 23, 22, 26)
_INNER_BROW = (107, 66, 55, 65)
_OUTER_BROW = (70, 63, 105, 46, 53, 52)
_CHEEK = (117, 118, 101, 36, 205, 50)
_NOSTRIL = (48, 64, 98, 129, 102, 49)
_FOLD = (206, 203, 165, 92, 216)
_CORNER = (57, 186, 185, 61, 146, 43)
_UPPER_LIP = (167, 164, 39, 37, 0, 13, 82, 81)
_LOWER_LIP = (87, 14, 181, 84, 17, 178)
_CHIN = (201, 200, 208, 199, 171, 175)

_FIELDS: dict[int, _Measured | tuple[_Push, ...]] = {
    1: _Measured(("inner_brow",), 0.14),
    2: (_Push(_OUTER_BROW, 0.1, 1.0, 0.13), _Push(_LID_CREASE, 0.0, 0.2, 0.05)),
    4: _Measured(("inner_brow", "outer_brow"), 0.12),
    5: (_Push(_LID_EDGE, 0.0, 1.0, 0.03), _Push(_LID_CREASE, 0.0, 0.7, 0.04)),
    6: (
        _Push(_CHEEK, 0.0, 1.0, 0.11),
        _Push(_LOWER_LID, 0.0, 0.55, 0.05),
        _Push((226, 31, 35, 143), -0.35, 0.15, 0.06),  # the outer corner, where the crow's feet gather
    ),
    7: _Measured(("lower_lid",), 0.06),
    9: (
        _Push(_NOSTRIL, 0.0, 1.0, 0.09),
        _Push(_FOLD, 0.0, 0.5, 0.09, "upper"),
        _Push(_UPPER_LIP, 0.0, 0.4, 0.08, "upper"),
        _Push(_INNER_BROW, -0.2, -0.6, 0.08),
    ),
    10: (
        _Push(_UPPER_LIP, 0.0, 1.0, 0.07, "upper"),
        _Push(_FOLD, 0.1, 0.65, 0.1, "upper"),
        _Push(_NOSTRIL, 0.05, 0.35, 0.07),
    ),
    12: _Measured(("mouth_corner", "nasolabial_fold", "cheek"), 0.16),
    14: (
        _Push((61, 57, 185, 146, 76, 62, 78), -1.0, 0.1, 0.09),
        _Push((186, 216, 92), -0.35, -0.25, 0.07),
        _Push((43, 202, 106), -0.35, 0.3, 0.07),
    ),
    15: _Measured(("mouth_corner",), 0.14),
    17: _Measured(("chin", "lower_lip"), 0.1),
    20: (_Push(_CORNER, 1.0, -0.1, 0.13), _Push((165, 92, 106), 0.55, -0.05, 0.1)),
    25: (
        _Push(_UPPER_LIP, 0.0, 0.35, 0.07, "upper"),
        _Push(_LOWER_LIP, 0.0, -1.0, 0.1, "lower"),
        _Push(_CHIN, 0.0, -0.3, 0.08, "lower"),
    ),
    26: _Measured(("chin", "lower_lip"), 0.18),
}
ACTION_UNITS: tuple[int, ...] = tuple(_FIELDS)
# Skin over bone is loose too and follows a little; how much is known for no unit. The bumps' tails end there.
_FIRM, _FIRM_REACH = 0.85, 0.08
_SIDE_BLEND = 0.1  # half-width of the passage from one half of the face to the other, in outer eye distances


def field_source(au: int) -> str:
    """ "measured" or "analytic"."""
    return "measured" if isinstance(_FIELDS[au], _Measured) else "analytic"


@dataclass(frozen=True)
class _Mesh:
    """The measured map. ``points`` and ``rows`` are in outer eye distances, y down, the subject's left at the right."""

    points: FloatArray  # (478, 3)
    rows: dict[int, FloatArray]  # au → (478, 2)
    twin: NDArray[np.int64]  # (478,) the landmark of the other half
    lower: FloatArray  # (478,) 1 below the lip line, 0 above, between beside the mouth


@cache
def _mesh() -> _Mesh:
    """Raises WeightsError where the file is missing or another."""
    try:
        data = MESH_FILE.read_bytes()
    except OSError:
        raise WeightsError(f"The file {MESH_FILE.name} is missing. Restore the folder “weights”.") from None
    if hashlib.sha256(data).hexdigest() != MESH_SHA256:
        raise WeightsError(f"The file {MESH_FILE.name} is not the expected one. Restore it from the project.")
    with np.load(MESH_FILE, allow_pickle=False) as stored:
        flip = np.array([1.0, -1.0, 1.0])  # the map's y points up
        mesh = stored["mean_aligned_mesh"].astype(np.float64) * flip
        rows = stored["coef"].astype(np.float64).reshape(-1, 3, MESH_POINTS).transpose(0, 2, 1) * flip
        numbers = [int(str(name)[2:]) for name in stored["au_columns"]]
    eyes = mesh[[facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT]]
    scale = float(np.hypot(*(eyes[1] - eyes[0])[:2]))
    points = (mesh - [*eyes[:, :2].mean(axis=0), mesh[list(_RIGID), 2].mean()]) / scale
    points[:, 0] -= points[list(_MIDLINE), 0].mean()
    mirrored = points * [-1.0, 1.0, 1.0]
    twin = np.argmin(((points[:, None] - mirrored[None]) ** 2).sum(axis=2), axis=1)
    twin[list(_MIDLINE)] = _MIDLINE
    affine = np.c_[points, np.ones(MESH_POINTS)]
    rigid = list(_RIGID)
    kept = {}
    for number, row in zip(numbers, rows, strict=False):
        own = row[:, :2] / scale
        own = own - affine @ np.linalg.lstsq(affine[rigid], own[rigid], rcond=None)[0]
        kept[number] = (own + own[twin] * [-1.0, 1.0]) / 2.0
    # Smiles of the fitted frames come with a closing jaw. It is taken out of AU 12's row by AU 26's, to rest the chin.
    chin = list(facs.REGION_BY_KEY["chin"].mesh)
    kept[12] = kept[12] - kept[26] * (kept[12][chin, 1].mean() / kept[26][chin, 1].mean())
    return _Mesh(points, kept, twin, _below_lips(points))


def _below_lips(points: FloatArray) -> FloatArray:
    upper, lower = points[list(_INNER_LIP_UPPER)], points[list(_INNER_LIP_LOWER)]
    middle = (upper + lower)[:, :2] / 2.0
    line = np.interp(points[:, 0], middle[:, 0], middle[:, 1])
    beside = np.clip((np.abs(points[:, 0]) - abs(middle[0, 0])) / 0.1, 0.0, 1.0)
    below = points[:, 1] - line
    hard = (below > 0).astype(np.float64)
    hard[list(_INNER_LIP_UPPER[1:-1])], hard[list(_INNER_LIP_LOWER[1:-1])] = 0.0, 1.0
    corners = [78, 308, 61, 291, 62, 292, 76, 306]
    hard[corners] = 0.5
    soft = np.clip(0.5 + below / 0.2, 0.0, 1.0)
    return (1.0 - beside) * hard + beside * soft


def _nearness(points: FloatArray, landmarks: Sequence[int], reach: float) -> FloatArray:
    away = np.sqrt(((points[:, None, :2] - points[None, list(landmarks), :2]) ** 2).sum(axis=2).min(axis=1))
    return np.exp(-0.5 * (away / reach) ** 2)


@cache
def _canonical_field(au: int) -> FloatArray:
    """(478, 2) on the canonical mesh, symmetric; the strongest of the unit's own regions moves by 1 on average."""
    mesh, recipe = _mesh(), _FIELDS[au]
    if isinstance(recipe, _Measured):
        own = [i for r in facs.REGIONS if r.key.removesuffix(f"_{r.side}") in recipe.regions for i in r.mesh]
        field = mesh.rows[au] * _nearness(mesh.points, own, recipe.reach)[:, None]
    else:
        field = _pushed(mesh, recipe)
    firm = [i for patch in facs.RIGID_PATCHES for i in patch]
    field = field * (1.0 - _FIRM * _nearness(mesh.points, firm, _FIRM_REACH))[:, None]
    strongest = max(float(np.hypot(*field[list(region.mesh)].mean(axis=0))) for region in facs.REGIONS)
    return field / strongest


def _pushed(mesh: _Mesh, pushes: tuple[_Push, ...]) -> FloatArray:
    total = np.zeros((MESH_POINTS, 2))
    weights = np.zeros(MESH_POINTS)
    for push in pushes:
        both = sorted({*push.mesh, *(int(i) for i in mesh.twin[list(push.mesh)])})
        weight = _nearness(mesh.points, both, push.reach)
        if push.lips:
            weight = weight * (mesh.lower if push.lips == "lower" else 1.0 - mesh.lower)
        outwards = np.tanh(mesh.points[:, 0] / 0.08)
        total += weight[:, None] * np.c_[push.out * outwards, np.full(MESH_POINTS, -push.up)]
        weights += weight
    return total / np.maximum(weights, 1.0)[:, None]


def _pose(landmarks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The face's x axis (towards the subject's left), times the outer eye distance, and the midpoint of the eyes."""
    right, left = landmarks[facs.OUTER_EYE_RIGHT], landmarks[facs.OUTER_EYE_LEFT]
    return left - right, (left + right) / 2.0


def au_field(au: int, landmarks: FloatArray, side: BothSides = "both") -> FloatArray:
    """How action unit ``au`` moves the mesh: (478, 2), image axes (y down), without unit.

    landmarks: (478, 2) px. The mean vector of the region that moves most has length 1, so that the field times an
    amplitude in px moves that region by about so many px. ``side``: the subject's; the halves blend at the midline.
    Raises InputError for a unit that is not in ACTION_UNITS.
    """
    if au not in _FIELDS:
        known = ", ".join(map(str, ACTION_UNITS))
        raise InputError(f"There is no displacement field for action unit {au}. Choose one of {known}.")
    axis, _ = _pose(landmarks)
    x_axis = axis / np.hypot(*axis)
    turn = np.array([[x_axis[0], x_axis[1]], [-x_axis[1], x_axis[0]]])  # rows: the face's x and y in the image
    field = _canonical_field(au)
    if side != "both":
        across = np.clip(0.5 + 0.5 * _mesh().points[:, 0] / _SIDE_BLEND, 0.0, 1.0)
        share = across * across * (3.0 - 2.0 * across)
        field = field * (share if side == "left" else 1.0 - share)[:, None]
        field = field / max(float(np.hypot(*field[list(region.mesh)].mean(axis=0))) for region in facs.REGIONS)
    return field @ turn


# --------------------------------------------------------------------------------------------- what to render


@dataclass(frozen=True)
class Movement:
    """One action unit's part in an event."""

    au: int
    side: BothSides = "both"
    weight: float = 1.0  # relative to the others of the event


@dataclass(frozen=True)
class Event:
    """One expression: rise, optional hold from the apex on, fall. Times in ms from the first frame."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    movements: tuple[Movement, ...]
    amplitude_px: float = 1.5  # mean displacement of the region that moves most, px of the 256 px crop, at the apex
    hold_ms: float = 0.0  # the apex lasts from apex_ms to apex_ms + hold_ms

    def __post_init__(self) -> None:
        if not self.onset_ms < self.apex_ms <= self.apex_ms + self.hold_ms < self.offset_ms:
            raise InputError(
                f"The times {self.onset_ms:g}, {self.apex_ms:g} (+ {self.hold_ms:g}), {self.offset_ms:g} ms "
                "do not rise. "
                "Give onset < apex + hold < offset."
            )

    @property
    def kind(self) -> Literal["micro", "macro"]:
        return "micro" if self.offset_ms - self.onset_ms <= MICRO_MS else "macro"

    def course(self, time_ms: float | FloatArray) -> FloatArray:
        """0..1 at ``time_ms``: minimum-jerk rise and fall, whose slope and bend are 0 at both ends."""
        rise = _smoothstep((np.asarray(time_ms, np.float64) - self.onset_ms) / (self.apex_ms - self.onset_ms))
        held = self.apex_ms + self.hold_ms
        fall = _smoothstep((np.asarray(time_ms, np.float64) - held) / (self.offset_ms - held))
        return rise * (1.0 - fall)


@dataclass(frozen=True)
class Blink:
    """Both lids (or one) close for ``closed_share`` of the middle of ``duration_ms``, fully at ``depth`` = 1."""

    start_ms: float
    duration_ms: float = 200.0
    depth: float = 1.0
    side: BothSides = "both"

    def course(self, time_ms: float) -> float:
        """0 open … depth. Closing takes a third, opening two thirds, as in spontaneous blinks."""
        share = (time_ms - self.start_ms) / self.duration_ms
        closing, opening = _smoothstep(share / 0.38), _smoothstep((share - 0.45) / 0.55)
        return float(self.depth * closing * (1.0 - opening))


@dataclass(frozen=True)
class Head:
    """Slow head motion: a sum of a few slow sines for each degree of freedom; the largest excursions."""

    drift_px: float = 0.0  # px of the crop
    roll_deg: float = 0.0
    scale: float = 0.0  # 0.01: one per cent nearer and farther
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    slowest_hz: float = 0.15
    fastest_hz: float = 0.7

    @property
    def moves(self) -> bool:
        return any((self.drift_px, self.roll_deg, self.scale, self.yaw_deg, self.pitch_deg))


@dataclass(frozen=True)
class ClipSpec:
    """All that a clip is made of; the same spec and picture give the same frames."""

    fps: float = 60.0
    seconds: float = 2.0
    width: int = 480
    height: int = 480
    eye_distance_px: float = 150.0  # outer eye corner to outer eye corner, in the frame
    events: tuple[Event, ...] = ()
    blinks: tuple[Blink, ...] = ()
    head: Head = Head()
    background: Background = "with the head"
    lighting: float = 0.0  # largest change of brightness, as a share
    noise: float = (
        1.5  # standard deviation of the sensor noise at middle gray, gray levels; its variance grows with light
    )
    seed: int = 0

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.frame_count < 2:
            raise InputError(f"{self.seconds:g} s at {self.fps:g} frames/s is no clip. Ask for two frames at least.")
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 64:
            raise InputError(f"{self.width} × {self.height} px cannot be encoded. Give even sides of 64 px or more.")
        if self.background not in get_args(Background):
            raise InputError(
                f"The background cannot be “{self.background}”. Choose {' or '.join(get_args(Background))}."
            )

    @property
    def frame_count(self) -> int:
        return round(self.seconds * self.fps)

    def time_ms(self, index: int) -> float:
        return 1000.0 * index / self.fps


# --------------------------------------------------------------------------------------------- what is true


@dataclass(frozen=True)
class TrueEvent:
    onset_ms: float
    apex_ms: float
    offset_ms: float
    hold_ms: float
    kind: Literal["micro", "macro"]
    amplitude_px: float  # px of the crop, at the apex
    movements: tuple[Movement, ...]
    regions: dict[str, tuple[float, float]]  # key of facs.REGIONS → mean (u, v) at the apex, px of the crop


@dataclass(frozen=True)
class Truth:
    """What happens in a clip. The flows (onset → apex, expression alone, crop framing) lie beside it as .npz."""

    fps: float
    frame_count: int
    width: int
    height: int
    events: tuple[TrueEvent, ...]
    blinks: tuple[tuple[float, float, str], ...]  # start ms, end ms, side
    head: dict[str, float]
    seed: int
    crop_from_frame: tuple[tuple[float, float, float], tuple[float, float, float]]  # of the rest frame: px → crop px

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Truth:
        raw: dict[str, Any] = json.loads(text)
        events = tuple(
            TrueEvent(
                **{
                    **event,
                    "movements": tuple(Movement(**movement) for movement in event["movements"]),
                    "regions": {key: (float(u), float(v)) for key, (u, v) in event["regions"].items()},
                }
            )
            for event in raw["events"]
        )
        rows = [tuple(map(float, row)) for row in raw["crop_from_frame"]]
        blinks = tuple((float(a), float(b), str(side)) for a, b, side in raw["blinks"])
        return cls(**{**raw, "events": events, "blinks": blinks, "crop_from_frame": (rows[0], rows[1])})


# --------------------------------------------------------------------------------------------- the scene


_RING = 1.45  # outside the face's oval, enlarged so much from its middle, nothing moves
_SMOOTH = 0.018  # σ that rounds the creases of the triangulation, in outer eye distances
_LID_SPAN = 1.1  # how much skin above the lid takes part in a blink, in eye heights
_LASHES = 0.012  # the edge of the lid that moves as one piece, in outer eye distances
_OVER = 0.02  # how far the closed upper lid lies over the lower one's moist edge, in outer eye distances
_EDGE = 0.012  # the landmarks of the lid's edge lie so far inside the eye; skin begins above them
_LASH_SHADE = 0.55  # how dark the line of the lashes of a closed eye is
_LOWER_SHARE = 0.12  # how far the lower lid comes up to meet the upper, of the opening
_MOUTH_RGB = np.array([48.0, 20.0, 18.0], np.float32)  # inside of a mouth that opens
_MOUTH_DEPTH = 0.85  # how opaque it is where it has opened
_HEAD_ROOM = 1.75  # head with hair, as the face's oval enlarged: moves as one where the background stays
_TRUTH_STEPS = 80  # of the fixed-point inversion; it contracts by less than 0.9 a step where motion is 5 px or less


@dataclass(frozen=True)
class _Field:
    """One event's backward displacement at its apex, in px of the rest frame, (H, W, 2) each."""

    event: Event
    skin: Float32Array
    eye: Float32Array
    mouth: Float32Array


class Scene:
    """One face ready to be rendered. Frames can be asked for in any order."""

    def __init__(self, face_rgb: Image, spec: ClipSpec, landmarks: FloatArray | None = None) -> None:
        """face_rgb: (H, W, 3); landmarks: its (478, 2) px, found by the landmarker where they are not given.

        Raises FaceError where no face is found, InputError for an unknown action unit.
        """
        if landmarks is None:
            from mellm_demo.face import landmarks_of_image

            landmarks = landmarks_of_image(face_rgb)
        self.spec = spec
        self._plate, place = _plate(face_rgb, landmarks, spec)
        self._from_rest = np.linalg.inv(place)  # rest frame → plate
        self.landmarks: FloatArray = _through(landmarks, _placing(landmarks, spec))  # in the rest frame
        axis, self._centre = _pose(self.landmarks)
        self._unit = float(np.hypot(*axis))  # outer eye distance, px of the frame
        self._px = self._unit / OUTER_EYE_PX  # px of the frame per px of the crop
        self.crop_from_frame: FloatArray = _crop_framing(self.landmarks)
        rows, columns = np.mgrid[0 : spec.height, 0 : spec.width].astype(np.float32)
        self._grid: Float32Array = np.dstack([columns, rows])
        self._eye_mask, self._mouth_mask = self._masks()
        self._fields = tuple(self._field(event) for event in spec.events)
        self._lids = tuple(_Lids(self.landmarks, eye, self._unit, spec) for eye in _EYES) if spec.blinks else ()
        self._shake = _Shake(spec, self._px)
        self._depth = self._depths() if spec.head.yaw_deg or spec.head.pitch_deg else None
        self._head_mask = self._head() if spec.background == "still" and spec.head.moves else None

    # ------------------------------------------------------------------------------------- preparation

    def _masks(self) -> tuple[Float32Array, Float32Array]:
        import cv2

        eyes = np.zeros((self.spec.height, self.spec.width), np.float32)
        mouth = eyes.copy()
        for upper, lower, _ in _EYES:
            cv2.fillPoly(eyes, [_fixed(self.landmarks[[*upper, *lower[-2:0:-1]]])], 1.0, cv2.LINE_8, 4)
        lips = _fixed(self.landmarks[[*_INNER_LIP_UPPER, *_INNER_LIP_LOWER[-2:0:-1]]])
        cv2.fillPoly(mouth, [lips], 1.0, cv2.LINE_8, 4)
        cv2.polylines(mouth, [lips], True, 1.0, 1, cv2.LINE_8, 4)  # a closed mouth has no area, but a line that opens
        return cv2.GaussianBlur(eyes, (0, 0), 0.7), cv2.GaussianBlur(mouth, (0, 0), 0.7)

    def _field(self, event: Event) -> _Field:
        moved = sum(
            (movement.weight * au_field(movement.au, self.landmarks, movement.side) for movement in event.movements),
            np.zeros((MESH_POINTS, 2)),
        )
        scale = event.amplitude_px * self._px
        for _ in range(2):  # the mean over a region's pixels differs a little from that over its landmarks
            field = self._dense(event, moved * scale)
            strongest = max(float(np.hypot(*vector)) for vector in self._regions(self._flow(field)).values())
            if strongest < 1e-6 or event.amplitude_px == 0.0:
                break
            scale *= event.amplitude_px / strongest
        return self._dense(event, moved * scale)

    def _dense(self, event: Event, moved: FloatArray) -> _Field:
        import cv2

        skin = list(range(SKIN_POINTS))
        ring = self.landmarks[list(_FACE_OVAL)]
        ring = ring.mean(axis=0) + _RING * (ring - ring.mean(axis=0))
        places = np.r_[self.landmarks[skin] + moved[skin], ring]
        dense = _interpolated(places, np.r_[moved[skin], np.zeros_like(ring)], self.spec)
        dense = cv2.GaussianBlur(dense, (0, 0), _SMOOTH * self._unit)
        eye = np.zeros_like(dense)
        down = np.array([-(a := _pose(self.landmarks)[0])[1], a[0]]) / self._unit
        for upper, lower, iris in _EYES:
            # The lid slides over the eyeball where it closes. Where it opens, white comes out from under it; the
            # picture holds none, so what lies between iris and lid is stretched.
            edge = [*upper, *lower[1:-1]]
            along = moved[edge] @ down
            opening = np.where(np.arange(len(edge)) < len(upper), np.minimum(along, 0.0), np.maximum(along, 0.0))
            middle = self.landmarks[[upper[0], upper[-1]]].mean(axis=0)
            rest = np.r_[self.landmarks[list(iris)[:1]], middle[None]]
            points = np.r_[self.landmarks[edge] + opening[:, None] * down, rest]
            values = np.r_[opening[:, None] * down, np.zeros_like(rest)]
            eye += _interpolated(points, values, self.spec)
        # What is seen between the lips goes with the upper lip, whose teeth are nearest; more of the gap is dark.
        lip = list(_INNER_LIP_UPPER)
        columns = np.arange(self.spec.width)
        line = [np.interp(columns, *_rising(self.landmarks[lip, 0] + moved[lip, 0], moved[lip, k])) for k in (0, 1)]
        mouth = np.broadcast_to(np.stack(line, axis=1).astype(np.float32), dense.shape).copy()
        return _Field(event, dense, eye, mouth)

    def _depths(self) -> Float32Array:
        """(H, W) px that the skin lies before the plane of rigid skin, from the canonical mesh; 0 behind the face."""
        import cv2

        ring = self.landmarks[list(_FACE_OVAL)]
        ring = ring.mean(axis=0) + _HEAD_ROOM * (ring - ring.mean(axis=0))
        depth = _mesh().points[:SKIN_POINTS, 2] * self._unit
        floor = float(depth[list(_FACE_OVAL)].mean())
        values = np.r_[depth, np.full(len(ring), floor)][:, None]
        dense = _interpolated(np.r_[self.landmarks[:SKIN_POINTS], ring], values, self.spec, outside=floor)
        return cv2.GaussianBlur(dense, (0, 0), 2.0 * _SMOOTH * self._unit)

    def _head(self) -> Float32Array:
        """(H, W) 1 on the head, 0 on the background, with a wide passage."""
        import cv2

        oval = self.landmarks[list(_FACE_OVAL)]
        middle = oval.mean(axis=0) - [0.0, 0.1 * self._unit]  # hair stands above the oval
        mask = np.zeros((self.spec.height, self.spec.width), np.float32)
        cv2.fillPoly(mask, [_fixed(middle + _HEAD_ROOM * (oval - middle))], 1.0, cv2.LINE_8, 4)
        return cv2.GaussianBlur(mask, (0, 0), 0.15 * self._unit)

    # ------------------------------------------------------------------------------------- truth

    def _flow(self, field: _Field) -> Float32Array:
        """Onset → apex of one event in the crop, (CROP_PX, CROP_PX, 2) px of the crop: the backward map, inverted."""
        from_crop = _inverse(self.crop_from_frame)
        rows, columns = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float64)
        rest = _through(np.dstack([columns, rows]), from_crop)
        flow = self._inverted(field.skin, rest)
        for mask, part in ((self._eye_mask, field.eye), (self._mouth_mask, field.mouth)):
            flow = np.where(_sampled(mask, rest)[..., None] > 0.5, self._inverted(part, rest), flow)
        return (flow @ self.crop_from_frame[:, :2].T).astype(np.float32)

    @staticmethod
    def _inverted(backward: Float32Array, rest: FloatArray) -> FloatArray:
        """f with f(p) = d(p + f(p)): where the point shown at ``rest`` goes, for the backward displacement d."""
        forward = np.zeros_like(rest)
        for _ in range(_TRUTH_STEPS):
            forward = 0.5 * forward + 0.5 * _sampled(backward, rest + forward)
        return forward

    def _regions(self, flow: Float32Array) -> dict[str, tuple[float, float]]:
        points = _through(self.landmarks, self.crop_from_frame)
        return {
            region.key: (float(mean[0]), float(mean[1]))
            for region in facs.REGIONS
            for mean in [flow[_hull(points[list(region.mesh)])].mean(axis=0)]
        }

    def flows(self) -> tuple[Float32Array, ...]:
        """Per event, onset → apex without head motion, (CROP_PX, CROP_PX, 2) in px of the crop of the rest frame."""
        return tuple(self._flow(field) for field in self._fields)

    def truth(self) -> Truth:
        spec = self.spec
        events = tuple(
            TrueEvent(
                event.onset_ms,
                event.apex_ms,
                event.offset_ms,
                event.hold_ms,
                event.kind,
                event.amplitude_px,
                event.movements,
                self._regions(flow),
            )
            for event, flow in zip(spec.events, self.flows(), strict=True)
        )
        blinks = tuple((blink.start_ms, blink.start_ms + blink.duration_ms, str(blink.side)) for blink in spec.blinks)
        rows = [(float(a), float(b), float(c)) for a, b, c in self.crop_from_frame]
        head = {key: float(value) for key, value in asdict(spec.head).items()}
        return Truth(
            spec.fps, spec.frame_count, spec.width, spec.height, events, blinks, head, spec.seed, (rows[0], rows[1])
        )

    # ------------------------------------------------------------------------------------- frames

    def frame(self, index: int) -> Image:
        """Frame ``index``, (height, width, 3) RGB."""
        time_ms = self.spec.time_ms(index)
        place = self._before_head(time_ms)
        place, mouth = self._before_expression(place, time_ms)
        place, light = self._before_blink(place, time_ms)
        shown = _sampled(self._plate, _through(place, self._from_rest), 2)
        if mouth is not None:
            shown = shown + mouth[..., None] * (np.minimum(shown, _MOUTH_RGB) - shown)
        if light is not None:
            shown = shown * light[..., None]
        return self._exposed(shown, index)

    def frames(self) -> Iterator[Image]:
        return (self.frame(index) for index in range(self.spec.frame_count))

    def _before_head(self, time_ms: float) -> Float32Array:
        """(H, W, 2): where in the rest frame each pixel lay before the head moved."""
        if not self.spec.head.moves:
            return self._grid
        shift, roll, scale, yaw, pitch = self._shake.at(time_ms)
        c, s = np.cos(roll) * scale, np.sin(roll) * scale
        matrix = np.array([[c, -s], [s, c]])
        inverse = np.linalg.inv(matrix)
        offset = self._centre - inverse @ (self._centre + shift)
        place = _through(self._grid, np.c_[inverse, offset])
        if self._depth is not None:
            depth = _sampled(self._depth, place)
            place = place - np.dstack([depth * np.float32(np.sin(yaw)), -depth * np.float32(np.sin(pitch))])
        if self._head_mask is not None:
            place = self._grid + self._head_mask[..., None] * (place - self._grid)
        return np.asarray(place, np.float32)

    def _before_expression(self, place: Float32Array, time_ms: float) -> tuple[Float32Array, Float32Array | None]:
        """Where each place lay before the expression, and how dark the opened mouth is there (or None)."""
        active = [(field, share) for field in self._fields if (share := float(field.event.course(time_ms))) > 1e-4]
        if not active:
            return place, None
        skin, eye, mouth = (
            place - sum(np.float32(share) * _sampled(getattr(field, part), place) for field, share in active)
            for part in ("skin", "eye", "mouth")
        )
        place = np.where(_sampled(self._eye_mask, skin)[..., None] > 0.5, eye, skin)
        between_lips = _sampled(self._mouth_mask, skin)
        opened = np.maximum(between_lips - _sampled(self._mouth_mask, mouth), 0.0)
        return np.where(between_lips[..., None] > 0.5, mouth, place), np.float32(_MOUTH_DEPTH) * opened

    def _before_blink(self, place: Float32Array, time_ms: float) -> tuple[Float32Array, Float32Array | None]:
        """Where each place lay before the lids closed, and how much light the line of the lashes leaves (or None)."""
        light = None
        for blink in self.spec.blinks:
            closed = blink.course(time_ms)
            if closed <= 1e-3:
                continue
            light = np.ones(place.shape[:2], np.float32) if light is None else light
            for lids, side in zip(self._lids, ("right", "left"), strict=True):
                if blink.side in ("both", side):
                    place = lids.before(place, closed, light)
        return place, light

    def _exposed(self, shown: Float32Array, index: int) -> Image:
        spec = self.spec
        random = np.random.default_rng([spec.seed, 1, index])
        if spec.lighting:
            overall, tilt = self._shake.light(spec.time_ms(index))
            slope = np.linspace(-0.5, 0.5, spec.width, dtype=np.float32)[None, :, None]
            shown = shown * (1.0 + np.float32(spec.lighting) * (np.float32(overall) + np.float32(tilt) * slope))
        if spec.noise:
            # Shot noise: variance in proportion to light, and a tenth of it from reading the sensor out.
            deviation = spec.noise * np.sqrt(0.1 + 0.9 * np.clip(shown, 0.0, 255.0) / 128.0)
            shown = shown + deviation * random.standard_normal(shown.shape, dtype=np.float32)
        return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


class _Shake:
    """The head's and the light's slow random course."""

    def __init__(self, spec: ClipSpec, px: float) -> None:
        random = np.random.default_rng([spec.seed, 0])
        head = spec.head
        self._spec, self._px = spec, px
        self._hz = random.uniform(head.slowest_hz, head.fastest_hz, (8, 3))
        self._phase = random.uniform(0, 2 * np.pi, (8, 3))

    def _wave(self, time_ms: float) -> FloatArray:
        """(8,) in -1..1."""
        sines = np.sin(2 * np.pi * self._hz * time_ms / 1000.0 + self._phase)
        return sines @ np.array([0.5, 0.3, 0.2])

    def at(self, time_ms: float) -> tuple[FloatArray, float, float, float, float]:
        """Shift in px of the frame, roll in rad, scale, yaw and pitch in rad; nothing has moved in the first frame."""
        head = self._spec.head
        wave = self._wave(time_ms) - self._wave(0.0)
        roll, yaw, pitch = np.radians([head.roll_deg, head.yaw_deg, head.pitch_deg]) * wave[[2, 4, 5]]
        return wave[:2] * head.drift_px * self._px, float(roll), 1.0 + head.scale * wave[3], float(yaw), float(pitch)

    def light(self, time_ms: float) -> tuple[float, float]:
        wave = self._wave(time_ms)
        return float(wave[6]), float(wave[7])


class _Lids:
    """One eye's lids, closing: skin of the upper lid unrolls over the eyeball, which stays."""

    def __init__(
        self, landmarks: FloatArray, eye: tuple[Sequence[int], Sequence[int], range], unit: float, spec: ClipSpec
    ) -> None:
        upper, lower = landmarks[list(eye[0])], landmarks[list(eye[1])]
        outer, inner = upper[0], upper[-1]
        start, end = (outer, inner) if outer[0] < inner[0] else (inner, outer)
        self._along = (end - start) / np.hypot(*(end - start))
        self._down = np.array([-self._along[1], self._along[0]])
        self._start = start
        self._width = float(np.hypot(*(end - start)))
        self._upper, self._lower = self._profile(upper), self._profile(lower)
        self._height = float((self._lower[1] - np.interp(self._lower[0], *self._upper)).max())
        self._lashes, self._over, self._edge = _LASHES * unit, _OVER * unit, _EDGE * unit
        margin = 3.0 * max(self._height, 4.0) + 4.0
        low = np.floor(np.minimum(start, end) - margin).astype(int)
        high = np.ceil(np.maximum(start, end) + margin).astype(int)
        self._box = (
            slice(max(int(low[1]), 0), min(int(high[1]), spec.height)),
            slice(max(int(low[0]), 0), min(int(high[0]), spec.width)),
        )

    def _profile(self, edge: FloatArray) -> tuple[FloatArray, FloatArray]:
        along, down = (edge - self._start) @ self._along, (edge - self._start) @ self._down
        order = np.argsort(along)
        fine = np.linspace(0.0, self._width, 65)
        from scipy.interpolate import PchipInterpolator

        return fine, PchipInterpolator(*_rising(along[order], down[order]))(fine)

    def before(self, place: Float32Array, closed: float, light: Float32Array) -> Float32Array:
        """Places before the lids closed by ``closed`` (0..1). ``light`` is dimmed along the lashes, in place."""
        part = place[self._box].astype(np.float64)
        along, down = (part - self._start) @ self._along, (part - self._start) @ self._down
        upper, lower = np.interp(along, *self._upper), np.interp(along, *self._lower)
        opening = np.maximum(lower - upper, 0.0)
        taper = np.minimum(opening / (0.3 * self._height), 1.0)
        upper = upper - self._edge * taper
        fall = closed * ((1.0 - _LOWER_SHARE) * opening + (self._over + self._edge) * taper)
        rise = closed * _LOWER_SHARE * opening
        span = max(_LID_SPAN * self._height, 2.0)
        source = np.where(
            down <= upper + fall,
            _unrolled(down - (upper - span), fall, span - self._lashes, span) + upper - span,
            down,
        )
        up = (lower + span) - down  # measured upwards from below the lower lid
        source = np.where(
            (down > upper + fall) & (down >= lower - rise),
            lower + span - _unrolled(up, rise, span - self._lashes, span),
            source,
        )
        inside = (along > 0) & (along < self._width) & (opening > 1e-6)
        shift = np.where(inside, source - down, 0.0)
        line = taper * np.exp(-0.5 * ((down - upper - fall) / self._lashes) ** 2)
        light[self._box] *= (1.0 - _LASH_SHADE * closed * np.where(inside, line, 0.0)).astype(np.float32)
        result = place.copy()
        result[self._box] = (part + shift[..., None] * self._down).astype(np.float32)
        return result


def _unrolled(at: FloatArray, moved: FloatArray, stretch: float, span: float) -> FloatArray:
    """Where skin at ``at`` (0 at the fixed end, span + moved at the lid's edge) lay at rest.

    Up to ``stretch`` it moves with the square of its distance; the edge with the lashes moves as one piece.
    """
    safe = np.maximum(moved, 1e-9)
    share = (-stretch + np.sqrt(stretch**2 + 4.0 * safe * np.maximum(at, 0.0))) / (2.0 * safe)
    return np.where(at <= 0.0, at, np.where(at >= stretch + moved, at - moved, np.minimum(share, 1.0) * stretch))


# --------------------------------------------------------------------------------------------- geometry


def _smoothstep(x: FloatArray | float) -> FloatArray:
    """Minimum jerk: 10 x³ − 15 x⁴ + 6 x⁵, 0 before 0 and 1 after 1."""
    x = np.clip(np.asarray(x, np.float64), 0.0, 1.0)
    return np.clip(x**3 * (10.0 - 15.0 * x + 6.0 * x**2), 0.0, 1.0)  # rounding may carry the polynomial past its ends


def _rising(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    keep = np.r_[True, np.diff(x) > 1e-6]
    return x[keep], y[keep]


def _through(points: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Points (…, 2) through an affine (2 or 3, 3) matrix."""
    m = matrix.astype(points.dtype)
    x, y = points[..., 0], points[..., 1]
    through = np.empty_like(points)
    through[..., 0] = m[0, 0] * x + m[0, 1] * y + m[0, 2]
    through[..., 1] = m[1, 0] * x + m[1, 1] * y + m[1, 2]
    return through


def _inverse(matrix: FloatArray) -> FloatArray:
    """The inverse of an affine (2, 3) matrix, (3, 3)."""
    return np.linalg.inv(np.r_[matrix[:2], [[0.0, 0.0, 1.0]]])


def _crop_framing(landmarks: FloatArray) -> FloatArray:
    """(2, 3): px of the frame → px of the project's crop."""
    axis, centre = _pose(landmarks)
    turn = np.array([[axis[0], axis[1]], [-axis[1], axis[0]]]) * OUTER_EYE_PX / (axis @ axis)
    return np.c_[turn, np.array([CROP_PX / 2.0, EYE_LINE_Y_PX]) - turn @ centre]


def _placing(landmarks: FloatArray, spec: ClipSpec) -> FloatArray:
    """(3, 3): still picture → rest frame. The head's tilt is kept; it is part of the picture."""
    axis, centre = _pose(landmarks)
    scale = spec.eye_distance_px / float(np.hypot(*axis))
    at = np.array([spec.width / 2.0, EYE_LINE_Y_PX / CROP_PX * spec.height])
    at[1] = max(at[1], 0.42 * spec.height)
    return np.array([[scale, 0.0, at[0] - scale * centre[0]], [0.0, scale, at[1] - scale * centre[1]], [0.0, 0.0, 1.0]])


def _plate(face_rgb: Image, landmarks: FloatArray, spec: ClipSpec) -> tuple[Float32Array, FloatArray]:
    """The picture to sample from (reduced first where the frame is much coarser), and plate → rest frame (3, 3)."""
    import cv2

    placing = _placing(landmarks, spec)
    reduce = placing[0, 0] * 1.5  # half as fine again as the frame, so that sampling does not soften it
    if reduce >= 1.0:
        return face_rgb.astype(np.float32), placing
    height, width = (max(round(side * reduce), 1) for side in face_rgb.shape[:2])
    small = cv2.resize(face_rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    sx, sy = width / face_rgb.shape[1], height / face_rgb.shape[0]
    shrink = np.array([[sx, 0.0, 0.5 * sx - 0.5], [0.0, sy, 0.5 * sy - 0.5], [0.0, 0.0, 1.0]])
    return small, placing @ np.linalg.inv(shrink)


def _fixed(points: FloatArray) -> NDArray[np.int32]:
    return np.rint(points * 16.0).astype(np.int32)


def _sampled(image: NDArray[Any], places: NDArray[Any], order: int = 1) -> NDArray[Any]:
    """``image`` at ``places`` (…, 2), bilinear or (order 2) bicubic; the border goes on."""
    import cv2

    where = np.ascontiguousarray(places, np.float32)
    how = cv2.INTER_CUBIC if order == 2 else cv2.INTER_LINEAR
    sampled: NDArray[Any] = cv2.remap(image, where, None, how, borderMode=cv2.BORDER_REFLECT_101)
    return sampled


def _interpolated(points: FloatArray, values: FloatArray, spec: ClipSpec, *, outside: float = 0.0) -> Float32Array:
    """(H, W[, K]) piecewise linear over the Delaunay triangulation of ``points``; ``outside`` of it."""
    import cv2
    from scipy.spatial import Delaunay

    triangles = Delaunay(points).simplices
    label = np.full((spec.height, spec.width), -1, np.int32)
    for index, corners in enumerate(_fixed(points)[triangles]):
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
    dense = np.full((spec.height, spec.width, values.shape[1]), outside, np.float32)
    dense[rows, columns] = np.einsum("ni,nik->nk", weights, values[triangles[triangle]])
    return dense[..., 0] if values.shape[1] == 1 else dense


def _hull(points: FloatArray) -> NDArray[np.bool_]:
    import cv2

    mask = np.zeros((CROP_PX, CROP_PX), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(_fixed(points)), 1, cv2.LINE_8, 4)
    return mask.astype(bool)


# --------------------------------------------------------------------------------------------- clips


def render(face_rgb: Image, spec: ClipSpec, landmarks: FloatArray | None = None) -> tuple[Iterator[Image], Truth]:
    """Frames (height, width, 3) RGB, one at a time, and what is true of them. Raises as Scene does."""
    scene = Scene(face_rgb, spec, landmarks)
    return scene.frames(), scene.truth()


def write_clip(
    path: Path,
    frames: Iterable[Image],
    fps: float,
    *,
    crf: int = 18,
    bit_rate: int | None = None,
    lossless: bool = False,
) -> Path:
    """H.264 (``crf``, or ``bit_rate`` in bit/s) in the container that the suffix names; ``lossless``: FFV1 (use .mkv).

    frames: (H, W, 3) RGB of even sides. One thread, so that the same frames give the same file anywhere.
    Raises InputError where there is no frame.
    """
    import av

    with av.open(str(path), "w") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("ffv1" if lossless else "libx264", rate=rate)
        count = 0
        for frame in frames:
            if not count:
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "bgr0" if lossless else "yuv420p"
                stream.codec_context.thread_count = 1
                if not lossless:
                    stream.options = {"preset": "medium"} | ({} if bit_rate else {"crf": str(crf)})
                if bit_rate:
                    stream.bit_rate = bit_rate
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
            count += 1
        if not count:
            raise InputError("There is no frame to write. Render one at least.")
        container.mux(stream.encode())
    return path


def write_truth(path: Path, scene: Scene) -> None:
    """``path`` with .json (Truth) and .npz (flow_0, flow_1, … as Scene.flows) instead of its suffix."""
    path.with_suffix(".json").write_text(scene.truth().to_json() + "\n", encoding="utf-8")
    flows: dict[str, Any] = {f"flow_{index}": flow for index, flow in enumerate(scene.flows())}
    np.savez_compressed(path.with_suffix(".npz"), **flows)


def portrait() -> Image:
    """scikit-image's astronaut (a NASA photograph, public domain), (512, 512, 3) RGB. Raises MellmError without it."""
    try:
        from skimage import data
    except ImportError:
        raise MellmError("scikit-image is not installed. Install it, or give a picture with --face.") from None
    return np.asarray(data.astronaut(), np.uint8)


def read_picture(path: Path) -> Image:
    """(H, W, 3) RGB, upright. Raises InputError where the file is no picture."""
    from PIL import Image as pictures
    from PIL import ImageOps

    try:
        with pictures.open(path) as opened:
            return np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    except (OSError, ValueError):
        raise InputError(f"{path.name} cannot be read as a picture. Give a JPEG or PNG.") from None


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mellm_demo.training.synthesis", description=__doc__.split("\n")[0])
    face = parser.add_mutually_exclusive_group(required=True)
    face.add_argument("--face", type=Path, metavar="IMG", help="a picture of one face")
    face.add_argument("--portrait", choices=["astronaut"], help="scikit-image's picture instead")
    parser.add_argument("--out", type=Path, required=True, help="the clip; truth goes beside it as .json and .npz")
    parser.add_argument("--no-truth", action="store_true", help="the clip alone")
    parser.add_argument("--au", type=int, nargs="*", default=[], help=f"of {', '.join(map(str, ACTION_UNITS))}")
    parser.add_argument("--weights", type=float, nargs="*", default=[], help="one for each --au; 1 where not given")
    parser.add_argument("--side", choices=get_args(BothSides), default="both", help="the subject's")
    parser.add_argument("--amplitude", type=float, default=1.5, help="px of the 256 px crop, strongest region")
    parser.add_argument("--onset", type=float, default=700.0, help="ms")
    parser.add_argument("--rise", type=float, default=150.0, help="ms from onset to apex")
    parser.add_argument("--hold", type=float, default=0.0, help="ms at the apex")
    parser.add_argument("--fall", type=float, default=230.0, help="ms back to rest")
    parser.add_argument("--blink", type=float, nargs="*", default=[], metavar="MS", help="blinks start here")
    parser.add_argument("--fps", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--size", type=int, default=480, help="side of the square frame, px")
    parser.add_argument("--eye-distance", type=float, default=150.0, help="outer eye corners, px of the frame")
    parser.add_argument("--drift", type=float, default=0.0, help="head drift, px of the crop")
    parser.add_argument("--roll", type=float, default=0.0, help="degrees")
    parser.add_argument("--yaw", type=float, default=0.0, help="degrees")
    parser.add_argument("--pitch", type=float, default=0.0, help="degrees")
    parser.add_argument("--zoom", type=float, default=0.0, help="share, as 0.01")
    parser.add_argument("--background", choices=get_args(Background), default="with the head")
    parser.add_argument("--lighting", type=float, default=0.0, help="share, as 0.05")
    parser.add_argument("--noise", type=float, default=1.5, help="gray levels at middle gray")
    parser.add_argument("--crf", type=int, default=18)
    parser.add_argument("--bit-rate", type=int, help="bit/s instead of --crf")
    parser.add_argument("--lossless", action="store_true", help="FFV1; use .mkv")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def _spec(arguments: argparse.Namespace) -> ClipSpec:
    weights = [*arguments.weights, *[1.0] * len(arguments.au)]
    movements = tuple(Movement(au, arguments.side, weight) for au, weight in zip(arguments.au, weights, strict=False))
    apex = arguments.onset + arguments.rise
    event = Event(
        arguments.onset, apex, apex + arguments.hold + arguments.fall, movements, arguments.amplitude, arguments.hold
    )
    return ClipSpec(
        fps=arguments.fps,
        seconds=arguments.seconds,
        width=arguments.size,
        height=arguments.size,
        eye_distance_px=arguments.eye_distance,
        events=(event,) if movements else (),
        blinks=tuple(Blink(start) for start in arguments.blink),
        head=Head(arguments.drift, arguments.roll, arguments.zoom, arguments.yaw, arguments.pitch),
        background=arguments.background,
        lighting=arguments.lighting,
        noise=arguments.noise,
        seed=arguments.seed,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where something given cannot be used."""
    parser = _arguments()
    arguments = parser.parse_args(argv)
    try:
        face = portrait() if arguments.portrait else read_picture(arguments.face)
        scene = Scene(face, _spec(arguments))
        write_clip(
            arguments.out,
            scene.frames(),
            arguments.fps,
            crf=arguments.crf,
            bit_rate=arguments.bit_rate,
            lossless=arguments.lossless,
        )
        if not arguments.no_truth:
            write_truth(arguments.out, scene)
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
