"""A clip in, an Analysis out: the one place where the measuring modules meet.

``analyse`` decodes; ``reanalyse`` takes up a finished analysis with another moment or another face, without decoding.
Knows nothing of the page, of the chat, or of files that are written.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from math import exp
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from mellm_demo import __version__, facs, flow, magnify, motion_map, recognition, spotting
from mellm_demo.errors import InputError
from mellm_demo.face import LANDMARKER_SHA256, FaceResult, display_frame, follow_faces, input_verdict, usable_frames
from mellm_demo.headline import headline
from mellm_demo.records import (
    Analysis,
    Clip,
    Evidence,
    FaceTrack,
    FloatArray,
    Frame,
    Image,
    InputVerdict,
    Interval,
    Moment,
    MotionCurve,
    RegionMotion,
    Spotting,
)
from mellm_demo.settings import Settings
from mellm_demo.video import open_clip

Progress = Callable[[str, float], None]  # stage, 0..1 within the whole
STAGES: tuple[str, ...] = ("reading", "finding the face", "measuring motion", "looking for moments", "drawing")
# Where each stage begins on the bar: decoding and landmarks take most of the time.
STAGE_STARTS: dict[str, float] = dict(zip(STAGES, (0.0, 0.02, 0.80, 0.90, 0.93), strict=True))
UNKNOWN_LENGTH_FRAMES = 300  # a clip that does not say how long it is fills its share of the bar at this pace
PACKAGES = ("mediapipe", "opencv-contrib-python-headless", "numpy", "scipy", "av")
RECORDED_SETTINGS = ("max_faces", "min_interocular_px", "max_yaw_deg", "max_pitch_deg", "default_frame_rate")


def analyse(
    source: str | Path | Sequence[str | Path],
    settings: Settings,
    *,
    frame_rate: float | None = None,
    face: int | None = None,
    onset_ms: float | None = None,
    apex_ms: float | None = None,
    offset_ms: float | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Read a clip and say where, when and how its face moved.

    source: a video, a folder or zip of frames (with ``frame_rate`` in frames/s), or two images (onset, apex).
    face: which of several faces (1 is the most important); onset_ms and apex_ms overrule the spotting.
    Raises InputError and its children, with a sentence for the user; what ``progress`` raises ends the work.
    """
    tell = progress or (lambda stage, share: None)
    if (onset_ms is None) != (apex_ms is None):
        raise InputError("Only one of onset and apex was given. Give both, or neither to have them found.")
    started = perf_counter()
    tell("reading", 0.0)
    with open_clip(source, settings, frame_rate=frame_rate) as reader:
        result = follow_faces(_counted(reader, reader.expected_frames, tell), settings)
        clip = reader.clip
    track = _pick(result.tracks, face)
    analysis = _analyse_face(clip, result, track, settings, tell)
    if onset_ms is not None and apex_ms is not None:
        analysis = reanalyse(analysis, onset_ms=onset_ms, apex_ms=apex_ms, offset_ms=offset_ms)
    tell("drawing", 1.0)
    return replace(analysis, provenance=_provenance(seconds=perf_counter() - started))


def reanalyse(
    analysis: Analysis,
    *,
    candidate: int | None = None,
    onset_ms: float | None = None,
    apex_ms: float | None = None,
    offset_ms: float | None = None,
) -> Analysis:
    """The same face at another moment: a candidate by its index, or the user's own onset and apex in ms.

    Nothing is decoded or measured again but the flow of the new pair. Raises InputError where the times do not fit.
    """
    if candidate is not None:
        if not 0 <= candidate < len(analysis.spotting.candidates):
            found = len(analysis.spotting.candidates)
            raise InputError(f"There is no candidate {candidate + 1}; this clip has {found}. Choose one of these.")
        return _conclude(analysis, analysis.spotting.candidates[candidate], candidate)
    if onset_ms is None or apex_ms is None:
        raise InputError("Onset or apex is missing. Give both times in milliseconds.")
    onset, apex = _nearest_row(analysis.face, onset_ms), _nearest_row(analysis.face, apex_ms)
    offset = None if offset_ms is None else _nearest_row(analysis.face, offset_ms)
    interval = spotting.interval_from_user(analysis.curve, analysis.spotting, onset, apex, offset)
    same = [i for i, known in enumerate(analysis.spotting.candidates) if (known.onset, known.apex) == (onset, apex)]
    if same and offset in (None, analysis.spotting.candidates[same[0]].offset):
        return _conclude(analysis, analysis.spotting.candidates[same[0]], same[0])
    return _conclude(analysis, interval, None)


def choose_face(analysis: Analysis, face_id: int, settings: Settings) -> Analysis:
    """The same clip, another of its faces; nothing is decoded again. Raises InputError for an unknown number."""
    track = _pick(analysis.faces, face_id)
    result = FaceResult(
        tracks=analysis.faces,
        frames_total=analysis.clip.frame_count,
        frames_without_face=0,
        faces_at_least=len(analysis.faces),
    )
    other = _analyse_face(analysis.clip, result, track, settings, lambda stage, share: None)
    return replace(other, provenance=analysis.provenance)


def motion_course(analysis: Analysis) -> FloatArray:
    """(N,) how far the motion had gone at each frame from onset to offset; 0 at the onset, 1 at the apex.

    The displacement of all regions, projected on their displacement at the apex. Empty where there is no moment.
    """
    if analysis.moment is None:
        return np.zeros(0)
    interval = analysis.moment.interval
    moved = analysis.curve.displacement_px - analysis.curve.displacement_px[interval.onset]
    kept = [i for i, key in enumerate(analysis.curve.regions) if not facs.REGION_BY_KEY[key].lid]
    at_apex = moved[interval.apex, kept]
    rows = moved[interval.onset : interval.offset + 1, kept]
    course = (rows * at_apex).sum(axis=(1, 2)) / max(float((at_apex**2).sum()), 1e-6)
    return np.clip(course.astype(np.float64), 0.0, 1.0)


def magnified(analysis: Analysis, alpha: float) -> tuple[Image, ...]:
    """The magnified loop of the chosen moment, RGB frames (P, P, 3); empty where there is no moment."""
    if analysis.moment is None:
        return ()
    return magnify.magnified_loop(
        analysis.moment.onset_rgb,
        analysis.moment.residual,
        motion_course(analysis),
        alpha,
        floor_px=analysis.spotting.noise_floor_px,
    )


# ------------------------------------------------------------------------------------------ the steps


def _analyse_face(
    clip: Clip,
    result: FaceResult,
    track: FaceTrack,
    settings: Settings,
    tell: Progress,
) -> Analysis:
    tell("measuring motion", STAGE_STARTS["measuring motion"])
    curve = flow.motion_curve(track, usable=usable_frames(track, settings))
    tell("looking for moments", STAGE_STARTS["looking for moments"])
    found = spotting.spot(curve)
    tell("drawing", STAGE_STARTS["drawing"])
    verdict = input_verdict(clip, track, result, settings)
    recorded = {key: getattr(settings, key) for key in RECORDED_SETTINGS}
    analysis = replace(before_any_moment(clip, verdict, result.tracks, track, curve, found), settings=recorded)
    if clip.kind == "pair" and len(track.times_ms) == 2:
        return _conclude(analysis, spotting.interval_from_user(curve, found, 0, 1, 1), None)
    if found.candidates:
        return _conclude(analysis, found.candidates[0], 0)
    return analysis


def before_any_moment(
    clip: Clip,
    verdict: InputVerdict,
    faces: tuple[FaceTrack, ...],
    face: FaceTrack,
    curve: MotionCurve,
    found: Spotting,
) -> Analysis:
    """The analysis of a clip in which no moment has been taken up: what stands where there is none."""
    return Analysis(
        clip=clip,
        verdict=verdict,
        faces=faces,
        face=face,
        curve=curve,
        spotting=found,
        selected=None,
        moment=None,
        evidence=None,
        reliable=False,
        reasons=found.reasons,
        headline=headline(None, None, found, found.reasons, reliable=False),
    )


def _conclude(analysis: Analysis, interval: Interval, selected: int | None) -> Analysis:
    """Everything that follows from the chosen interval: flow, map, evidence, verdict, headline."""
    moment, regions = _moment(analysis.face, analysis.curve, interval, analysis.spotting)
    return conclude_moment(analysis, moment, regions, selected)


def conclude_moment(
    analysis: Analysis,
    moment: Moment,
    regions: tuple[RegionMotion, ...],
    selected: int | None,
    *,
    head: recognition.Head | None = None,
    counts: recognition.Counts | None = None,
) -> Analysis:
    """Everything that follows from a moment whose flow is known and the motion of its regions: evidence to headline.

    head, counts: what was learned from corpora, where it is not the shipped: people on whom the analysis is measured
    must not be in it.
    """
    track, found, interval = analysis.face, analysis.spotting, moment.interval
    evidence = recognition.recognise(
        regions, noise_floor_px=found.noise_floor_px, interocular_px=track.interocular_crop_px, counts=counts
    )
    # The head reads dense flow, which is wrong where skin went farther than it can follow: then it is not asked.
    if max(region.magnitude_px for region in regions) <= flow.FLOW_REACH_PX:
        evidence = recognition.with_network(
            evidence,
            moment.residual,
            track.landmarks[interval.onset],
            noise_floor_px=found.noise_floor_px,
            head=head,
            counts=counts,
        )
    else:
        evidence = recognition.not_asked(evidence, flow.FLOW_REACH_PX)
    reasons = _doubts(interval, evidence, found)
    reliable = not reasons
    return replace(
        analysis,
        selected=selected,
        moment=moment,
        evidence=evidence,
        reliable=reliable,
        reasons=reasons,
        headline=headline(interval, evidence, found, reasons, reliable=reliable),
    )


def _moment(
    track: FaceTrack, curve: MotionCurve, interval: Interval, found: Spotting
) -> tuple[Moment, tuple[RegionMotion, ...]]:
    onset, apex = track.gray[interval.onset], track.gray[interval.apex]
    measured = flow.tvl1(onset, apex)
    residual = flow.remove_head_motion(measured, track.reference_landmarks)
    ends = [interval.onset, interval.apex]
    together = bool(curve.usable[ends].all()) and curve.segment[ends[0]] == curve.segment[ends[1]]
    regions = flow.region_motions(
        residual,
        track.reference_landmarks,
        track.interocular_crop_px,
        found.noise_floor_px,
        tracked_px=curve.displacement_px[interval.apex] - curve.displacement_px[interval.onset] if together else None,
    )
    x, y = track.landmarks[interval.onset, facs.NOSE_TIP]
    moment = Moment(
        interval=interval,
        flow=measured,
        residual=residual,
        onset_gray=onset,
        onset_rgb=display_frame(track, interval.onset),
        apex_rgb=display_frame(track, interval.apex),
        motion_map=motion_map.motion_map(measured, onset, (float(x), float(y))),
    )
    return moment, regions


def _doubts(interval: Interval, evidence: Evidence, found: Spotting) -> tuple[str, ...]:
    """Why the chosen interval is not a reliable expression; empty where it is."""
    doubts = list(found.reasons) if not interval.by_user else []
    floor = found.noise_floor_px
    moving = [region for region in evidence.regions if region.moving and not facs.REGION_BY_KEY[region.key].lid]
    if interval.by_user and not any(region.moving for region in evidence.regions):
        largest = max(region.magnitude_px for region in evidence.regions)
        doubts.append(
            f"Between the chosen onset and apex no region moved by more than {largest:.1f} px, "
            f"and this clip's noise is {floor:.1f} px."
        )
    elif not interval.by_user and not moving and not evidence.action_units:
        doubts.append(
            "The dense flow between onset and apex does not confirm the movement that the curve shows: "
            f"no region moved by more than the noise of {floor:.1f} px."
        )
    return tuple(doubts)


# ------------------------------------------------------------------------------------------ small helpers


def _counted(frames: Iterable[Frame], expected: int | None, tell: Progress) -> Iterator[Frame]:
    """Pass the frames on and move the bar."""
    first, last = STAGE_STARTS["finding the face"], STAGE_STARTS["measuring motion"]
    for count, frame in enumerate(frames, start=1):
        share = min(count / expected, 1.0) if expected else 1.0 - exp(-count / UNKNOWN_LENGTH_FRAMES)
        tell("finding the face", first + (last - first) * share)
        yield frame


def _pick(tracks: Sequence[FaceTrack], face_id: int | None) -> FaceTrack:
    if face_id is None:
        return tracks[0]
    for track in tracks:
        if track.track_id == face_id:
            return track
    numbers = ", ".join(str(track.track_id) for track in tracks)
    raise InputError(f"There is no face {face_id} in this clip. Choose one of: {numbers}.")


def _nearest_row(track: FaceTrack, time_ms: float) -> int:
    if not np.isfinite(time_ms):
        raise InputError("A time is not a number. Give onset and apex in milliseconds.")
    first, last = float(track.times_ms[0]), float(track.times_ms[-1])
    if not first - 1 <= time_ms <= last + 1:
        raise InputError(
            f"{time_ms:.0f} ms lies outside the time in which the face was seen. "
            f"Choose a time between {first:.0f} and {last:.0f} ms."
        )
    return int(np.argmin(np.abs(track.times_ms - time_ms)))


def _provenance(seconds: float) -> dict[str, Any]:
    return {
        "mellm_demo": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "weights": {
            "face_landmarker.task": LANDMARKER_SHA256,
            **recognition.weights_digests(),
        },
        "seconds": round(seconds, 3),
        "analysed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
