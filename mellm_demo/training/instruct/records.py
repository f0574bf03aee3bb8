"""A measured flow → a whole analysis, by the app's own code: what it would say of a clip in which just this happened.

Only the clip is made up (frame rate, length, blinks, speech, noise of the course): spotting, evidence, verdict, doubts
and headline are the app's. So what a conversation says can be held against the same record as in the app.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mellm_demo import facs, flow, spotting
from mellm_demo.face import FaceResult, input_verdict
from mellm_demo.motion_map import motion_map
from mellm_demo.pipeline import before_any_moment, conclude_moment
from mellm_demo.recognition import Counts, Head
from mellm_demo.records import (
    CROP_PX,
    Analysis,
    Clip,
    FaceTrack,
    Float32Array,
    FloatArray,
    Image,
    Interval,
    Moment,
    MotionCurve,
)
from mellm_demo.settings import Settings

RATES = (25.0, 30.0, 50.0, 60.0, 100.0, 120.0, 200.0)
RATE_SHARES = (0.14, 0.28, 0.1, 0.16, 0.18, 0.06, 0.08)
SECONDS = (1.6, 5.0)
SIGMA_PX = (0.008, 0.05)  # of a region's position from frame to frame
Trouble = Literal["none", "blink", "speech", "head", "cut", "small", "dark", "blurred", "turned", "pair", "by_user"]
TROUBLES: tuple[Trouble, ...] = (
    "none", "blink", "speech", "head", "cut", "small", "dark", "blurred", "turned", "pair", "by_user",
)  # fmt: skip
TROUBLE_SHARES = (0.56, 0.08, 0.05, 0.05, 0.04, 0.04, 0.03, 0.03, 0.03, 0.05, 0.04)


@dataclass(frozen=True)
class Course:
    """When a clip's motion happens, and what else does."""

    rate: float  # frames/s
    seconds: float
    onset_ms: float
    rise_ms: float
    fall_ms: float
    sigma_px: float
    trouble: Trouble = "none"


def drawn_course(rise_ms: float, fall_ms: float, random: np.random.Generator, trouble: Trouble | None = None) -> Course:
    """A clip in which an event of this length has room."""
    rate = float(random.choice(RATES, p=RATE_SHARES))
    if trouble is None:
        trouble = TROUBLES[int(random.choice(len(TROUBLES), p=TROUBLE_SHARES))]
    rise, fall = max(rise_ms, 1.2 * 1000.0 / rate), max(fall_ms, 1.2 * 1000.0 / rate)
    rise, fall = min(rise, 700.0), min(fall, 900.0)
    seconds = max(float(random.uniform(*SECONDS)), (rise + fall) / 1000.0 + 1.4)
    room = 1000.0 * seconds - rise - fall
    onset = room - float(random.uniform(0.0, 40.0)) + 0.6 * fall if trouble == "cut" else float(
        random.uniform(0.3, 0.6) * room
    )  # fmt: skip
    low, high = np.log(SIGMA_PX)
    return Course(rate, seconds, onset, rise, fall, float(np.exp(random.uniform(low, high))), trouble)


def analysis_of(
    measured: Float32Array,
    gray: Image,
    landmarks: Float32Array,
    course: Course,
    random: np.random.Generator,
    *,
    still: bool = False,
    head: Head | None = None,
    counts: Counts | None = None,
) -> Analysis:
    """What the app concludes.

    Args:
        measured: (CROP_PX, CROP_PX, 2) flow onset → apex, px, the head's motion in it.
        gray: (CROP_PX, CROP_PX) uint8, the face at the onset.
        landmarks: (478, 2) px of the crop.
        course: of the clip.
        still: what was measured is noise of that one pair; the face does not go anywhere and comes back.
        head, counts: what was learned from corpora; the shipped where not given.
    """
    residual = flow.remove_head_motion(measured, landmarks)
    masks = flow.region_masks(landmarks)
    moved = np.stack([residual[mask].mean(axis=0) if mask.any() else np.zeros(2) for mask in masks])
    if still:
        moved = np.zeros_like(moved)
    times = _times(course)
    track = _track(times, gray, landmarks, course, random)
    curve = _curve(times, moved, course, random)
    found = spotting.spot(curve)
    clip = _clip(times, course, random)
    result = FaceResult((track,), len(times), 0, 1)
    verdict = input_verdict(clip, track, result, Settings.from_environment({}))
    analysis = before_any_moment(clip, verdict, result.tracks, track, curve, found)
    interval, selected = _interval(curve, analysis, times, course)
    if interval is None:
        return analysis
    x, y = landmarks[facs.NOSE_TIP]
    moment = Moment(
        interval=interval,
        flow=measured,
        residual=residual,
        onset_gray=gray,
        onset_rgb=np.broadcast_to(gray[..., None], (CROP_PX, CROP_PX, 3)),
        apex_rgb=np.broadcast_to(gray[..., None], (CROP_PX, CROP_PX, 3)),
        motion_map=motion_map(measured, gray, (float(x), float(y))),
    )
    regions = flow.region_motions(residual, landmarks, track.interocular_crop_px, found.noise_floor_px)
    return conclude_moment(analysis, moment, regions, selected, head=head, counts=counts)


def _interval(
    curve: MotionCurve, analysis: Analysis, times: FloatArray, course: Course
) -> tuple[Interval | None, int | None]:
    found = analysis.spotting
    if course.trouble == "pair":
        return spotting.interval_from_user(curve, found, 0, 1, 1), None
    if course.trouble == "by_user":
        onset = int(np.argmin(np.abs(times - course.onset_ms)))
        apex = int(np.argmin(np.abs(times - course.onset_ms - course.rise_ms)))
        return spotting.interval_from_user(curve, found, onset, max(apex, onset + 1)), None
    return (found.candidates[0], 0) if found.candidates else (None, None)


def _times(course: Course) -> FloatArray:
    if course.trouble == "pair":
        return np.array([0.0, 1000.0 / course.rate])
    return np.arange(round(course.seconds * course.rate) + 1, dtype=np.float64) * (1000.0 / course.rate)


def _smooth(x: FloatArray) -> FloatArray:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x**3 * (10.0 - 15.0 * x + 6.0 * x**2), np.float64)


def _curve(times: FloatArray, moved: FloatArray, course: Course, random: np.random.Generator) -> MotionCurve:
    """Each region's way: out and back by minimum jerk, jitter, slow wander, and what the trouble adds."""
    count, regions = len(times), len(facs.REGIONS)
    if course.trouble == "pair":
        shape = np.array([0.0, 1.0])
    else:
        apex = course.onset_ms + course.rise_ms
        shape = _smooth((times - course.onset_ms) / course.rise_ms) * (1.0 - _smooth((times - apex) / course.fall_ms))
    way = shape[:, None, None] * moved[None]
    way = way + course.sigma_px * random.standard_normal((count, regions, 2))
    phase, pace = random.uniform(0, 2 * np.pi, (2, regions, 2)), random.uniform(0.1, 0.5, (regions, 2))
    for part in phase:
        way = way + 1.5 * course.sigma_px * np.sin(2 * np.pi * pace * times[:, None, None] / 1000.0 + part)
    eyes = np.full((count, 2), 0.3) + 0.002 * random.standard_normal((count, 2))
    mouth = np.full(count, 0.02) + 0.001 * random.standard_normal(count)
    speed = np.abs(random.normal(3.0, 2.0, count))
    blinks = [course.onset_ms + 0.4 * course.rise_ms] if course.trouble == "blink" else []
    if random.random() < 0.35 and course.trouble != "pair":
        blinks.append(float(random.uniform(0.05, 0.9) * times[-1]))
    lids = np.array([facs.REGION_BY_KEY[key].name == "upper lid" for key in facs.REGION_KEYS])
    for start in blinks:
        closed = _smooth((times - start) / 80.0) * (1.0 - _smooth((times - start - 90.0) / 130.0))
        eyes = eyes * (1.0 - 0.85 * closed[:, None])
        way[:, lids, 1] += 6.0 * closed[:, None]
    if course.trouble == "speech":
        talk = np.sin(2 * np.pi * random.uniform(3.0, 4.5) * times / 1000.0)
        mouth = mouth + 0.04 * (1.0 + talk)
        near = np.array([facs.REGION_BY_KEY[key].name in ("lower lip", "chin") for key in facs.REGION_KEYS])
        way[:, near, 1] += 1.5 * talk[:, None]
    if course.trouble == "head":
        turning = (times > course.onset_ms - 60.0) & (times < course.onset_ms + course.rise_ms + course.fall_ms)
        speed = np.where(turning, random.uniform(60.0, 120.0), speed)
    return MotionCurve(
        times_ms=times,
        regions=facs.REGION_KEYS,
        displacement_px=(way - way[0]).astype(np.float32),
        usable=np.ones(count, np.bool_),
        segment=np.zeros(count, np.int64),
        head_speed_px_s=speed.astype(np.float32),
        rigid_residual_px=np.full(count, 0.05, np.float32),
        eye_openness=eyes.astype(np.float32),
        mouth_opening=mouth.astype(np.float32),
    )


def _track(
    times: FloatArray, gray: Image, landmarks: Float32Array, course: Course, random: np.random.Generator
) -> FaceTrack:
    rows = len(times)
    eyes = {"small": 34.0}.get(course.trouble, float(random.uniform(70.0, 220.0)))
    sharp = {"blurred": 9.0}.get(course.trouble, float(random.uniform(48.0, 300.0)))
    light = {"dark": 55.0}.get(course.trouble, float(random.uniform(95.0, 190.0)))
    yaw = {"turned": float(random.choice([-1.0, 1.0])) * 23.0}.get(course.trouble, float(random.normal(0.0, 4.0)))
    pose = np.array([yaw, float(random.normal(0.0, 4.0)), 0.0], np.float32)
    return FaceTrack(
        track_id=1,
        frame_indices=np.arange(rows, dtype=np.int64),
        times_ms=times,
        gray=np.broadcast_to(gray, (rows, CROP_PX, CROP_PX)),
        display_jpegs=(b"",) * rows,
        display_px=CROP_PX,
        landmarks=np.broadcast_to(landmarks, (rows, *landmarks.shape)),
        reference_landmarks=landmarks,
        blendshapes=np.broadcast_to(np.zeros(52, np.float32), (rows, 52)),
        pose_deg=np.broadcast_to(pose, (rows, 3)),
        interocular_px=np.full(rows, eyes, np.float32),
        sharpness=np.full(rows, sharp, np.float32),
        brightness=np.full(rows, light, np.float32),
        inside=np.ones(rows, np.bool_),
        box=(0, 0, CROP_PX, CROP_PX),
        thumbnail=np.zeros((96, 96, 3), np.uint8),
        coverage=1.0,
    )


def _clip(times: FloatArray, course: Course, random: np.random.Generator) -> Clip:
    pair = course.trouble == "pair"
    width, height = [(640, 480), (1280, 720), (1920, 1080)][int(random.integers(3))]
    return Clip(
        name="clip",
        kind="pair" if pair else "video",
        container="png" if pair else "mp4",
        codec="png" if pair else "h264",
        width=width,
        height=height,
        rotation_deg=0,
        times_ms=times,
        frame_rate=course.rate,
        interval_jitter=0.0,
        repeated_frames=0,
        has_sound=False,
        size_bytes=1,
        sha256="",
    )
