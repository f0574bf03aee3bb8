"""Whole, self-consistent analyses for tests of what comes after measuring: page, chat, exports. Nothing is decoded.

Every number in such an analysis follows from the others: the curve holds the movement that the regions report, the
interval lies on the curve's rows, the spans and the verdict agree with the warnings. Large arrays have their true
shapes but share memory (``np.broadcast_to``), so an analysis costs well under a megabyte.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from mellm_demo import facs
from mellm_demo.headline import headline as write_headline
from mellm_demo.records import (
    CROP_PX,
    EYE_LINE_Y_PX,
    ActionUnitEvidence,
    Analysis,
    BothSides,
    Check,
    Clip,
    CoarseClass,
    EmotionHypothesis,
    Evidence,
    FaceTrack,
    InputVerdict,
    Interval,
    Moment,
    MotionCurve,
    RegionMotion,
    Severity,
    Span,
    Spotting,
    Witness,
)

Finding = Literal["smile", "one_sided_brow", "frown", "sadness", "nothing", "doubtful"]

NOISE_FLOOR_PX = 0.4
REST_PX = 0.3  # the largest movement of a face at rest in these analyses
ONSET_S, APEX_S = 1.16, 1.24
MICRO_OFFSET_S, MACRO_ONSET_S, MACRO_OFFSET_S = 1.34, 0.80, 1.90
DURATION_S = 2.4

_CENTRES: dict[str, tuple[float, float]] = {  # subject's right half, in px of the crop; the left half is mirrored
    "inner_brow": (112, 79),
    "outer_brow": (82, 77),
    "upper_lid": (89, 92),
    "lower_lid": (89, 103),
    "cheek": (86, 142),
    "nostril_wing": (113, 146),
    "nasolabial_fold": (99, 158),
    "mouth_corner": (103, 178),
    "upper_lip": (128, 167),
    "lower_lip": (128, 188),
    "chin": (128, 216),
}


@dataclass(frozen=True)
class _Unit:
    au: int
    name: str
    side: BothSides
    probability: float
    regions: tuple[str, ...]


@dataclass(frozen=True)
class _Movement:
    """What a finding consists of: image displacements at the apex, and what follows from them."""

    px: dict[str, tuple[float, float]]
    units: tuple[_Unit, ...]
    coarse: CoarseClass | None
    emotions: tuple[EmotionHypothesis, ...]


_MOVEMENTS: dict[Finding, _Movement] = {
    "smile": _Movement(
        px={
            "mouth_corner_left": (1.5, -1.4),
            "mouth_corner_right": (-1.4, -1.3),
            "nasolabial_fold_left": (0.6, -0.7),
            "nasolabial_fold_right": (-0.6, -0.6),
            "cheek_left": (0.1, -0.8),
            "cheek_right": (-0.1, -0.7),
        },
        units=(
            _Unit(12, "lip corner puller", "both", 0.86, ("mouth_corner_left", "mouth_corner_right")),
            _Unit(6, "cheek raiser", "both", 0.61, ("cheek_left", "cheek_right")),
        ),
        coarse=CoarseClass(negative=0.12, positive=0.80, surprise=0.08),
        emotions=(
            EmotionHypothesis("happiness", 0.74, ("AU12 and AU6 belong to its prototype",), ()),
            EmotionHypothesis("contempt", 0.12, ("AU12 can take part",), ("the movement is not one-sided",)),
        ),
    ),
    "one_sided_brow": _Movement(
        px={"inner_brow_left": (0.1, -0.9), "outer_brow_left": (0.2, -1.9), "upper_lid_left": (0.0, -0.6)},
        units=(
            _Unit(2, "outer brow raiser", "left", 0.79, ("outer_brow_left",)),
            _Unit(1, "inner brow raiser", "left", 0.52, ("inner_brow_left",)),
        ),
        coarse=CoarseClass(negative=0.22, positive=0.10, surprise=0.68),
        emotions=(
            EmotionHypothesis(
                "surprise", 0.58, ("AU1 and AU2 belong to its prototype",), ("AU5 and AU26 are missing",)
            ),
            EmotionHypothesis("fear", 0.17, ("AU1 and AU2 belong to its prototype",), ("AU4 and AU20 are missing",)),
        ),
    ),
    "frown": _Movement(
        px={
            "inner_brow_left": (-0.8, 1.5),
            "inner_brow_right": (0.8, 1.4),
            "outer_brow_left": (-0.3, 0.9),
            "outer_brow_right": (0.3, 0.8),
            "lower_lid_left": (-0.2, -0.7),
            "lower_lid_right": (0.2, -0.6),
        },
        units=(
            _Unit(
                4,
                "brow lowerer",
                "both",
                0.82,
                ("inner_brow_left", "inner_brow_right", "outer_brow_left", "outer_brow_right"),
            ),
            _Unit(7, "lid tightener", "both", 0.55, ("lower_lid_left", "lower_lid_right")),
        ),
        coarse=CoarseClass(negative=0.88, positive=0.05, surprise=0.07),
        emotions=(
            EmotionHypothesis("anger", 0.44, ("AU4 and AU7 belong to its prototype",), ("AU5 and AU23 are missing",)),
            EmotionHypothesis("disgust", 0.41, ("CASME II counts AU4 with AU7 as disgust",), ("AU9 is missing",)),
        ),
    ),
    "sadness": _Movement(
        px={
            "inner_brow_left": (0.0, -0.9),
            "inner_brow_right": (0.0, -0.8),
            "mouth_corner_left": (0.1, 1.2),
            "mouth_corner_right": (-0.1, 1.1),
        },
        units=(
            _Unit(15, "lip corner depressor", "both", 0.77, ("mouth_corner_left", "mouth_corner_right")),
            _Unit(1, "inner brow raiser", "both", 0.63, ("inner_brow_left", "inner_brow_right")),
        ),
        coarse=CoarseClass(negative=0.83, positive=0.05, surprise=0.12),
        emotions=(
            EmotionHypothesis("sadness", 0.57, ("AU1 and AU15 belong to its prototype",), ("AU4 is missing",)),
            EmotionHypothesis("repression", 0.25, ("AU15 belongs to it",), ("AU17 is missing",)),
        ),
    ),
    "nothing": _Movement(px={"chin": (0.0, REST_PX)}, units=(), coarse=None, emotions=()),
    "doubtful": _Movement(
        px={"mouth_corner_right": (-0.5, -0.4)},
        units=(),
        coarse=None,
        emotions=(),
    ),
}


def make_analysis(
    finding: Finding = "smile",
    *,
    mirrored: bool = False,
    frame_rate: float = 100.0,
    macro: bool = False,
    blink_overlap: bool = False,
    speech: bool = False,
    head_turn: bool = False,
    by_user: bool = False,
    complete: bool = True,
    second_candidate: bool = False,
    faces: int = 1,
    clip_kind: Literal["video", "frames", "pair"] = "video",
    name: str = "clip.mp4",
    headline: str | None = None,
) -> Analysis:
    """An analysis whose finding is known.

    ``"nothing"`` stays under the noise floor; with ``by_user`` the visitor chose an interval there all the same, and a
    moment without evidence is shown. ``"doubtful"`` has a candidate just above the floor that is not reliable.
    ``mirrored`` swaps the subject's left and right.
    ``frame_rate`` below 50 brings the verdict's warning. ``second_candidate`` adds a weaker one after the first.
    A pair has two rows. ``headline`` overrides the sentence that the program itself would write.
    """
    movement = _mirrored(_MOVEMENTS[finding]) if mirrored else _MOVEMENTS[finding]
    pair = clip_kind == "pair"
    times = np.array([0.0, 1000.0 / frame_rate]) if pair else _times(frame_rate)
    rows = (0, 1, 1) if pair else _rows(times, macro=macro)
    blink = _around(times, rows, -30.0, 90.0, "blink") if blink_overlap else None
    spans = tuple(
        span
        for span in (
            blink,
            Span("blink", 300.0, 460.0) if not pair else None,
            Span("speech", 0.0, float(times[-1])) if speech else None,
            _around(times, rows, -60.0, 120.0, "head") if head_turn else None,
        )
        if span is not None
    )
    spans = tuple(sorted(spans, key=lambda span: span.start_ms))
    warnings = tuple(
        sentence
        for sentence, there in (
            ("overlaps a blink", blink_overlap),
            ("lies within speech", speech),
            ("overlaps a head turn", head_turn),
            ("the clip ends before the face is back at rest", not complete),
        )
        if there
    )
    curve, energy, region_energy = _motion(times, rows, movement, second_candidate=second_candidate)
    peak = max(float(np.hypot(*vector)) for key, vector in movement.px.items() if not _lid(key))
    moving = _moving_regions(movement)
    interval = Interval(
        onset=rows[0],
        apex=rows[1],
        offset=rows[2],
        onset_ms=float(times[rows[0]]),
        apex_ms=float(times[rows[1]]),
        offset_ms=float(times[rows[2]]),
        kind="macro" if times[rows[2]] - times[rows[0]] > 500.0 else "micro",
        score=peak / NOISE_FLOOR_PX,
        peak_px=peak,
        regions=moving,
        warnings=warnings,
        complete=complete,
        by_user=by_user,
    )
    reliable = finding not in ("nothing", "doubtful")
    has_candidate = finding != "nothing"
    candidates: tuple[Interval, ...] = (replace(interval, by_user=False),) if has_candidate and not by_user else ()
    if by_user and has_candidate:
        candidates = (_earlier(times, interval),)
    if second_candidate and has_candidate:
        candidates = (*candidates, _later(times, interval))
    reasons = _reasons(finding, peak, warnings, frame_rate)
    spotting = Spotting(
        energy_px=energy,
        noise_floor_px=NOISE_FLOOR_PX,
        region_energy_px=region_energy,
        region_floor_px=np.full(len(facs.REGION_KEYS), NOISE_FLOOR_PX, dtype=np.float32),
        candidates=candidates,
        spans=spans,
        reasons=() if reliable else reasons,
    )
    tracks = tuple(_face_track(times, number) for number in range(1, faces + 1))
    shown = has_candidate or by_user
    evidence = _evidence(movement, tracks[0].interocular_crop_px, tracks[0].reference_landmarks) if shown else None
    verdict = _verdict(frame_rate, len(times))
    analysis = Analysis(
        clip=_clip(name, clip_kind, times, frame_rate),
        verdict=verdict,
        faces=tracks,
        face=tracks[0],
        curve=curve,
        spotting=spotting,
        selected=0 if has_candidate and not by_user else None,
        moment=_moment(interval, movement, tracks[0]) if shown else None,
        evidence=evidence,
        reliable=reliable,
        reasons=reasons,
        headline="",
        settings={"max_seconds": 60.0, "min_interocular_px": 24.0},
        provenance={"mellm_demo": "0.1.0", "analysed_at": "2026-01-01T00:00:00+00:00"},
    )
    return replace(analysis, headline=_headline(analysis) if headline is None else headline)


def _headline(analysis: Analysis) -> str:
    return write_headline(
        analysis.moment.interval if analysis.moment else None,
        analysis.evidence,
        analysis.spotting,
        analysis.reasons,
        reliable=analysis.reliable,
    )


def _other(name: str) -> str:
    """The other side's key or side."""
    for one, other in (("left", "right"), ("right", "left")):
        if name.endswith(one):
            return name.removesuffix(one) + other
    return name


def _mirrored(movement: _Movement) -> _Movement:
    return replace(
        movement,
        px={_other(key): (-u, v) for key, (u, v) in movement.px.items()},
        units=tuple(
            replace(unit, side=_other(unit.side), regions=tuple(_other(key) for key in unit.regions))
            for unit in movement.units
        ),
    )


def _times(frame_rate: float) -> np.ndarray:
    return np.arange(round(DURATION_S * frame_rate) + 1, dtype=np.float64) * (1000.0 / frame_rate)


def _rows(times: np.ndarray, *, macro: bool) -> tuple[int, int, int]:
    seconds = (MACRO_ONSET_S, APEX_S, MACRO_OFFSET_S) if macro else (ONSET_S, APEX_S, MICRO_OFFSET_S)
    onset, apex, offset = (int(np.argmin(np.abs(times - 1000.0 * second))) for second in seconds)
    return onset, max(apex, onset + 1), max(offset, apex + 1)


def _around(
    times: np.ndarray, rows: tuple[int, int, int], before_ms: float, after_ms: float, kind: Literal["blink", "head"]
) -> Span:
    apex = float(times[rows[1]])
    return Span(kind, max(0.0, apex + before_ms), min(float(times[-1]), apex + after_ms))


def _lid(key: str) -> bool:
    return facs.REGION_BY_KEY[key].lid


def _moving_regions(movement: _Movement) -> tuple[str, ...]:
    strength = {key: float(np.hypot(*vector)) for key, vector in movement.px.items()}
    return tuple(sorted((key for key, px in strength.items() if px > NOISE_FLOOR_PX), key=lambda key: -strength[key]))


def _earlier(times: np.ndarray, interval: Interval) -> Interval:
    """What was found by itself before the visitor moved the marks: one row earlier at both ends."""
    onset, offset = max(0, interval.onset - 1), max(interval.apex, interval.offset - 1)
    return replace(
        interval,
        onset=onset,
        offset=offset,
        onset_ms=float(times[onset]),
        offset_ms=float(times[offset]),
        by_user=False,
    )


def _later(times: np.ndarray, interval: Interval) -> Interval:
    onset, apex, offset = _second_rows(len(times), interval.offset)
    return replace(
        interval,
        onset=onset,
        apex=apex,
        offset=offset,
        onset_ms=float(times[onset]),
        apex_ms=float(times[apex]),
        offset_ms=float(times[offset]),
        kind="micro",
        score=interval.score / 2,
        peak_px=interval.peak_px / 2,
        warnings=(),
        by_user=False,
    )


def _second_rows(steps: int, after: int) -> tuple[int, int, int]:
    onset = min(steps - 3, after + max(1, round(0.1 * steps)))
    return onset, onset + 1, onset + 2


def _motion(
    times: np.ndarray, rows: tuple[int, int, int], movement: _Movement, *, second_candidate: bool
) -> tuple[MotionCurve, np.ndarray, np.ndarray]:
    """The curve whose displacement at the apex is the movement, on a rest of at most ``REST_PX``."""
    steps, regions = len(times), len(facs.REGION_KEYS)
    course = np.interp(np.arange(steps), rows if rows[1] != rows[2] else rows[:2], (0, 1, 0)[: len(set(rows))])
    course = course.astype(np.float32)
    vectors = np.array([movement.px.get(key, (0.0, 0.0)) for key in facs.REGION_KEYS], dtype=np.float32)
    generator = np.random.default_rng(7)
    rest = generator.uniform(-1, 1, size=(steps, regions, 2)).astype(np.float32) * np.float32(REST_PX / 4)
    rest[rows[0] : rows[2] + 1] = 0
    displacement = course[:, None, None] * vectors[None] + rest
    if second_candidate:
        apex = _second_rows(steps, rows[2])[1]
        displacement[apex] += 0.5 * vectors
    region_energy = np.linalg.norm(displacement, axis=2).astype(np.float32)
    open_to_energy = np.array([not _lid(key) for key in facs.REGION_KEYS])
    energy = region_energy[:, open_to_energy].max(axis=1)
    curve = MotionCurve(
        times_ms=times,
        regions=facs.REGION_KEYS,
        displacement_px=displacement,
        usable=np.ones(steps, dtype=np.bool_),
        segment=np.zeros(steps, dtype=np.int64),
        head_speed_px_s=np.full(steps, 2.0, dtype=np.float32),
        rigid_residual_px=np.full(steps, 0.05, dtype=np.float32),
        eye_openness=np.full((steps, 2), 0.3, dtype=np.float32),
        mouth_opening=np.full(steps, 0.02, dtype=np.float32),
    )
    return curve, energy, region_energy


def _reasons(finding: Finding, peak: float, warnings: tuple[str, ...], frame_rate: float) -> tuple[str, ...]:
    if finding == "nothing":
        return (f"the largest movement ({peak:.1f} px) stays under this clip's noise ({NOISE_FLOOR_PX:.1f} px)",)
    if finding == "doubtful":
        return (f"the movement ({peak:.1f} px) is hardly above this clip's noise ({NOISE_FLOOR_PX:.1f} px)", *warnings)
    if frame_rate < 50:
        return (*warnings, f"at {frame_rate:.0f} frames/s the course of so short a movement is hardly seen")
    return warnings


def _region_motions(movement: _Movement, interocular_px: float) -> tuple[RegionMotion, ...]:
    motions = []
    for region in facs.REGIONS:
        u, v = movement.px.get(region.key, (0.02, 0.01))
        magnitude = float(np.hypot(u, v))
        degrees = float(np.degrees(np.arctan2(v, u)) % 360.0)
        motions.append(
            RegionMotion(
                key=region.key,
                name=region.name,
                side=region.side,
                u_px=u,
                v_px=v,
                magnitude_px=magnitude,
                max_px=1.2 * magnitude,
                magnitude_iod=100.0 * magnitude / interocular_px,
                direction_deg=degrees,
                direction=facs.direction_name(degrees),
                moving=magnitude > NOISE_FLOOR_PX,
            )
        )
    return tuple(motions)


def _evidence(movement: _Movement, interocular_px: float, landmarks: np.ndarray) -> Evidence:
    strength = {key: float(np.hypot(*vector)) for key, vector in movement.px.items()}
    units = tuple(
        ActionUnitEvidence(
            au=unit.au,
            name=unit.name,
            side=unit.side,
            probability=unit.probability,
            strength_px=max(strength[key] for key in unit.regions),
            regions=unit.regions,
            witnesses=(Witness("rules", unit.probability, f"the movement fits AU{unit.au}"),),
        )
        for unit in movement.units
    )
    return Evidence(
        regions=_region_motions(movement, interocular_px),
        action_units=units,
        coarse=movement.coarse,
        emotions=movement.emotions,
    )


@lru_cache(maxsize=1)
def _landmarks() -> np.ndarray:
    """(478, 2) a schematic face: every region's mesh lies around its place, the rest on the outline."""
    angles = np.linspace(0.0, 2 * np.pi, 478, endpoint=False)
    points = np.stack([128 + 74 * np.cos(angles), 138 + 96 * np.sin(angles)], axis=1)
    patches: list[tuple[tuple[int, ...], tuple[float, float], float]] = [
        (facs.RIGID_PATCHES[0], (128, 118), 9),
        (facs.RIGID_PATCHES[1], (58, 112), 6),
        (facs.RIGID_PATCHES[2], (198, 112), 6),
        (facs.RIGID_PATCHES[3], (128, 50), 14),
        (facs.RIGID_PATCHES[4], (64, 130), 5),
        (facs.RIGID_PATCHES[5], (192, 130), 5),
    ]
    for region in facs.REGIONS:
        x, y = _CENTRES[region.key.removesuffix("_left").removesuffix("_right")]
        patches.append((region.mesh, (256 - x if region.side == "left" else x, y), 7))
    for mesh, (x, y), radius in patches:
        turn = np.linspace(0.0, 2 * np.pi, len(mesh), endpoint=False)
        points[list(mesh)] = np.stack([x + radius * np.cos(turn), y + 0.6 * radius * np.sin(turn)], axis=1)
    for index, x in ((33, 72.0), (133, 106.0), (362, 150.0), (263, 184.0)):
        points[index] = (x, EYE_LINE_Y_PX)
    points[facs.NOSE_TIP] = (128, 146)
    points[facs.PUPIL_RIGHT], points[facs.PUPIL_LEFT] = (89, EYE_LINE_Y_PX), (167, EYE_LINE_Y_PX)
    points = points.astype(np.float32)
    points.setflags(write=False)
    return points


@lru_cache(maxsize=1)
def _portrait() -> np.ndarray:
    """(CROP_PX, CROP_PX, 3) a drawn face, light on dark, without anybody's features."""
    y, x = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)
    gray = np.where(((x - 128) / 78) ** 2 + ((y - 138) / 100) ** 2 < 1, 176.0, 72.0)
    for eye in (89, 167):
        gray[((x - eye) / 16) ** 2 + ((y - EYE_LINE_Y_PX) / 6) ** 2 < 1] = 230
        gray[(x - eye) ** 2 + (y - EYE_LINE_Y_PX) ** 2 < 25] = 50
        gray[(np.abs(x - eye) < 22) & (np.abs(y - 78) < 3)] = 80
    gray[((x - 128) / 26) ** 2 + ((y - 178) / 6) ** 2 < 1] = 110
    gray[((x - 128) / 10) ** 2 + ((y - 144) / 7) ** 2 < 1] = 150
    picture = np.repeat(gray.astype(np.uint8)[..., None], 3, axis=2)
    picture.setflags(write=False)
    return picture


@lru_cache(maxsize=1)
def _jpeg() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(_portrait()).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _face_track(times: np.ndarray, track_id: int) -> FaceTrack:
    steps = len(times)
    return FaceTrack(
        track_id=track_id,
        frame_indices=np.arange(steps, dtype=np.int64),
        times_ms=times,
        gray=np.broadcast_to(_portrait()[..., 0], (steps, CROP_PX, CROP_PX)),
        display_jpegs=(_jpeg(),) * steps,
        display_px=CROP_PX,
        landmarks=np.broadcast_to(_landmarks(), (steps, 478, 2)),
        reference_landmarks=_landmarks(),
        blendshapes=np.zeros((steps, 52), dtype=np.float32),
        pose_deg=np.zeros((steps, 3), dtype=np.float32),
        interocular_px=np.full(steps, 96.0, dtype=np.float32),
        sharpness=np.full(steps, 220.0, dtype=np.float32),
        brightness=np.full(steps, 140.0, dtype=np.float32),
        inside=np.ones(steps, dtype=np.bool_),
        box=(200 * (track_id - 1), 80, 180, 240),
        thumbnail=_portrait()[16:208:2, 32:224:2],
        coverage=1.0,
    )


def _moment(interval: Interval, movement: _Movement, face: FaceTrack) -> Moment:
    flow = np.zeros((CROP_PX, CROP_PX, 2), dtype=np.float32)
    y, x = np.mgrid[0:CROP_PX, 0:CROP_PX].astype(np.float32)
    for key, vector in movement.px.items():
        centre_x, centre_y = face.reference_landmarks[list(facs.REGION_BY_KEY[key].mesh)].mean(axis=0)
        bump = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / (2 * 10.0**2))
        flow += bump[..., None] * np.array(vector, dtype=np.float32)
    return Moment(
        interval=interval,
        flow=flow,
        residual=flow,
        onset_gray=face.gray[interval.onset],
        onset_rgb=_portrait(),
        apex_rgb=_portrait(),
        motion_map=_coloured(flow, face.gray[interval.onset]),
    )


def _coloured(flow: np.ndarray, gray: np.ndarray) -> np.ndarray:
    """Hue by direction, brightness by magnitude, over the gray face: close enough to look at in a test."""
    from PIL import Image

    magnitude = np.linalg.norm(flow, axis=2)
    angle = np.degrees(np.arctan2(flow[..., 1], flow[..., 0])) % 360.0
    span = float(magnitude.max()) or 1.0
    hsv = np.stack([angle / 360.0 * 255.0, np.full_like(angle, 255.0), magnitude / span * 255.0], axis=2)
    colour = np.asarray(Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB"), dtype=np.int32)
    return np.clip(colour + gray[..., None].astype(np.int32), 0, 255).astype(np.uint8)


def _clip(name: str, kind: Literal["video", "frames", "pair"], times: np.ndarray, frame_rate: float) -> Clip:
    return Clip(
        name=name,
        kind=kind,
        container="mov,mp4" if kind == "video" else "images",
        codec="h264" if kind == "video" else "png",
        width=640,
        height=480,
        rotation_deg=0,
        times_ms=times,
        frame_rate=frame_rate,
        interval_jitter=0.0,
        repeated_frames=0,
        has_sound=False,
        size_bytes=345_678,
        sha256="0" * 63 + "1",
    )


def _verdict(frame_rate: float, frames: int) -> InputVerdict:
    slow = frame_rate < 50
    severity: Severity = "warning" if slow else "ok"
    shortest = 3000.0 / frame_rate
    return InputVerdict(
        severity=severity,
        headline=f"At {frame_rate:.0f} frames/s short movements are hardly resolved." if slow else "Input is fine.",
        checks=(
            Check(
                "frame rate",
                f"{frame_rate:.1f} frames/s",
                severity,
                f"At {frame_rate:.0f} frames/s nothing shorter than {shortest:.0f} ms can be seen.",
            ),
            Check("face size", "96 px between the pupils", "ok", "The face is large enough."),
            Check("blur", "sharp", "ok", "The face is sharp."),
        ),
        frames_total=frames,
        frames_face_lost=0,
        frames_turned_away=0,
        frames_too_small=0,
        frames_dark=0,
        frames_blurred=0,
        frames_cut_off=0,
    )
