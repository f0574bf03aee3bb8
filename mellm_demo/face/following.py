"""Frames in, faces out, or an error that says why there is none: the way through all the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass

import numpy as np

from mellm_demo.errors import FaceError
from mellm_demo.face.crops import Renderer
from mellm_demo.face.lookout import Lookout
from mellm_demo.face.quality import DARK, facing_rows
from mellm_demo.face.roster import Roster
from mellm_demo.face.sighting import Sighting
from mellm_demo.records import FaceTrack, Frame
from mellm_demo.settings import Settings

VERY_DARK_FRAME = 16.0


@dataclass(frozen=True)
class FaceResult:
    """All faces that were followed, most important first."""

    tracks: tuple[FaceTrack, ...]
    frames_total: int
    frames_without_face: int
    faces_at_least: int  # most faces seen in one frame; there may be more, since only max_faces + 1 are looked for


def follow_faces(
    frames: Iterable[Frame], settings: Settings, *, progress: Callable[[int], None] | None = None
) -> FaceResult:
    """Find and follow the faces in ``frames`` and cut each out in one steady framing.

    ``frames`` are upright RGB with rising times; they are looked at once, in order, and not kept. ``progress`` is told
    the number of frames done. Up to ``settings.max_faces`` faces come back, ranked by size × time present.

    Raises FaceError where no face can be measured, saying whether there is none, or it is too small, turned away or in
    the dark; WeightsError where the landmarker is missing or altered. What ``frames`` raises passes through.
    """
    total = without = at_least = 0
    last_index = -1
    light: list[float] = []
    roster = Roster(settings)
    with ExitStack() as stack:
        renderer = stack.enter_context(Renderer())
        lookout = stack.enter_context(Lookout(settings))
        looked_at = stack.enter_context(closing(_one_ahead(frames, lookout.see)))
        for frame, sightings in looked_at:
            roster.add(frame, sightings, renderer)
            total += 1
            last_index = frame.index
            at_least = max(at_least, len(sightings))
            without += not sightings
            light.append(float(frame.rgb[::16, ::16].mean()))
            if progress is not None:
                progress(total)
        roster.finish(renderer)
    tracks = roster.ranked(max(total, last_index + 1))
    if not tracks:
        raise FaceError(why_no_face(total, without, float(np.median(light)) if light else 0.0))
    refuse_unmeasurable(tracks, settings)
    return FaceResult(tracks, total, without, at_least)


def _one_ahead(
    frames: Iterable[Frame], see: Callable[[Frame], list[Sighting]]
) -> Generator[tuple[Frame, list[Sighting]], None, None]:
    """Each frame with its faces, in order. The next frame is decoded and asked for while one is being looked at."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="landmarks") as pool:
        before: tuple[Frame, Future[list[Sighting]]] | None = None
        for frame in frames:
            now = frame, pool.submit(see, frame)
            if before is not None:
                yield before[0], before[1].result()
            before = now
        if before is not None:
            yield before[0], before[1].result()


def why_no_face(total: int, without: int, light: float) -> str:
    if total == 0:
        return "The clip holds no frame. Choose a clip with at least two frames."
    seen = total - without
    if light < VERY_DARK_FRAME:
        return (
            f"No face was found and the picture is very dark (mean brightness {light:.0f} of 255). "
            "Film again with light on the face."
        )
    if seen:
        return (
            f"A face was seen in only {seen} of {total} frames, too few to follow it. "
            "Choose a clip in which the face stays in view."
        )
    return (
        f"No face was found in {total} {'frame' if total == 1 else 'frames'}. "
        "Choose a clip in which one face is upright, lit and turned towards the camera."
    )


def refuse_unmeasurable(tracks: Sequence[FaceTrack], settings: Settings) -> None:
    """FaceError where not one frame of any track is fit for measuring, with the first reason that explains it."""
    widest = max(float(track.interocular_px.max()) for track in tracks)
    if widest < settings.min_interocular_px:
        raise FaceError(
            f"The face is too small: at most {widest:.0f} px between the pupils, at least "
            f"{settings.min_interocular_px:.0f} px are needed. Film closer, or choose a clip with more pixels."
        )
    if not any(facing_rows(track, settings).any() for track in tracks):
        pose = tracks[0].pose_deg
        raise FaceError(
            f"The face is turned away all the time (typically {np.median(np.abs(pose[:, 0])):.0f}° to the side and "
            f"{np.median(np.abs(pose[:, 1])):.0f}° up or down; up to {settings.max_yaw_deg:.0f}° and "
            f"{settings.max_pitch_deg:.0f}° can be measured). Choose a clip in which it looks towards the camera."
        )
    if all(float(track.brightness.max()) < DARK for track in tracks):
        raise FaceError(
            f"The face is too dark to be measured (mean brightness {tracks[0].brightness.max():.0f} of 255, at least "
            f"{DARK:.0f} is needed). Film again with light on the face."
        )
