"""One face while it is followed: its sightings and transforms, and crops as soon as they can be made.

A transform is smoothed together with those after it, so the face's regions of a few frames wait in a queue; whole
frames are never kept.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mellm_demo import facs
from mellm_demo.face.alignment import Similarity, fit_to_crop, path_to_similarity, personal_framing, similarity_to_path
from mellm_demo.face.crops import DISPLAY_MAX_PX, Crop, Region, Renderer, cut_region, render, thumbnail
from mellm_demo.face.sighting import Sighting
from mellm_demo.face.smoothing import NEIGHBOURS, smoothed, within_window
from mellm_demo.records import CROP_PX, FaceTrack, FloatArray, Frame, Image

FRONTAL_DEG = 15.0  # proportions are taken from frames turned less than this
CUT_SHIFT = 0.35  # of the face's width between two frames: a cut or a jerk, not to be smoothed over
CUT_SCALE = 1.2
GAP_FRAMES = 3  # frames missing between two sightings that are smoothed together, at most

_MEASURED_LANDMARKS = sorted({i for region in facs.REGIONS for i in region.mesh} | set(facs.STABLE_LANDMARKS))


class _Waiting(NamedTuple):
    row: int
    fit: Similarity
    region: Region


@dataclass
class Track:
    """A face while it is being followed."""

    capacity: int  # rows of the gray store; memory is taken only as rows are written
    shrink: int
    sightings: list[Sighting] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    inside: list[bool] = field(default_factory=list)
    transforms: list[Similarity] = field(default_factory=list)
    crops: dict[int, tuple[bytes, float, float]] = field(default_factory=dict)
    gray: Image = field(init=False)
    paths: list[FloatArray] = field(default_factory=list)  # since the last cut or gap
    waiting: deque[_Waiting] = field(default_factory=deque)
    framing: Similarity | None = None
    display_px: int = CROP_PX
    halve: bool = False

    def __post_init__(self) -> None:
        self.gray = np.empty((self.capacity, CROP_PX, CROP_PX), np.uint8)

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def add(self, frame: Frame, sighting: Sighting, renderer: Renderer) -> None:
        fit = fit_to_crop(sighting.landmarks)
        path = similarity_to_path(fit)
        if self.paths and self._is_cut(frame, path, sighting):
            self.flush(renderer)
        if self.paths:  # the angle goes on where it was, past ±180° too
            path[1] += math.tau * round((self.paths[-1][1] - path[1]) / math.tau)
        row = len(self.sightings)
        height, width = frame.rgb.shape[:2]
        low, high = (f(sighting.landmarks[_MEASURED_LANDMARKS], axis=0) for f in (np.min, np.max))
        self.sightings.append(sighting)
        self.indices.append(frame.index)
        self.times.append(frame.time_ms)
        self.inside.append(bool(low.min() >= -0.5 and high[0] <= width - 0.5 and high[1] <= height - 0.5))
        self.paths.append(path)
        self.waiting.append(_Waiting(row, fit, cut_region(frame.rgb, fit, self.shrink)))
        while self.waiting and self._can_finish(self.waiting[0].row):
            self._finish_one(renderer)

    def flush(self, renderer: Renderer) -> None:
        """Finish what waits; what comes next is not smoothed together with it."""
        while self.waiting:
            self._finish_one(renderer)
        self.paths.clear()

    def _is_cut(self, frame: Frame, path: FloatArray, sighting: Sighting) -> bool:
        before = self.paths[-1]
        missing = frame.index - self.indices[-1] - 1
        moved = math.hypot(path[2] - before[2], path[3] - before[3])
        return (
            missing > GAP_FRAMES or moved > CUT_SHIFT * sighting.width or abs(path[0] - before[0]) > math.log(CUT_SCALE)
        )

    def _can_finish(self, row: int) -> bool:
        ahead = len(self.sightings) - 1 - row
        distance = self.times[-1] - self.times[row]
        return (ahead > 0 and not within_window(distance, ahead)) or ahead >= NEIGHBOURS[1]

    def _finish_one(self, renderer: Renderer) -> None:
        framing = self.framing if self.framing is not None else self._settle_framing()
        row, _, region = self.waiting.popleft()
        segment = len(self.sightings) - len(self.paths)
        first, end = max(segment, row - NEIGHBOURS[1]), row + NEIGHBOURS[1] + 1
        paths = np.array(self.paths[first - segment : end - segment])
        path = smoothed(np.array(self.times[first:end]), paths, row - first)
        to_crop = path_to_similarity(path).then(framing)
        self.transforms.append(to_crop)
        if row >= len(self.gray):
            renderer.wait()
            self.gray = np.concatenate((self.gray, np.empty_like(self.gray)))
        renderer.submit(lambda: self._store(row, render(region, to_crop, self.display_px, self.halve)))

    def _settle_framing(self) -> Similarity:
        """Once, from the frames that wait: how this face is framed and how large it is shown."""
        frontal = [
            waiting.fit.apply(self.sightings[waiting.row].landmarks)
            for waiting in self.waiting
            if max(abs(angle) for angle in self.sightings[waiting.row].pose_deg[:2]) < FRONTAL_DEG
        ]
        self.framing = personal_framing(frontal)
        scale = float(np.median([waiting.fit.scale for waiting in self.waiting])) * self.framing.scale * self.shrink
        side = CROP_PX / scale  # of the crop, in pixels of the regions
        self.display_px = int(np.clip(round(side), CROP_PX, DISPLAY_MAX_PX))
        self.halve = side >= 2 * CROP_PX
        return self.framing

    def _store(self, row: int, crop: Crop) -> None:
        self.gray[row] = crop.gray
        self.crops[row] = (crop.jpeg, crop.sharpness, crop.brightness)


def as_record(track: Track, number: int, frames_total: int) -> FaceTrack:
    """The finished track as others see it, under its number from 1; ``track`` holds one crop for each row."""
    rows = range(len(track.sightings))
    landmarks = np.stack(
        [to_crop.apply(s.landmarks) for to_crop, s in zip(track.transforms, track.sightings, strict=True)]
    ).astype(np.float32)
    interocular = np.array([s.interocular for s in track.sightings], np.float32)
    pose = np.array([s.pose_deg for s in track.sightings], np.float32)
    inside = np.array(track.inside)
    jpegs = tuple(track.crops[row][0] for row in rows)
    best = int(np.argmin(np.abs(pose[:, :2]).max(axis=1) + 90.0 * ~inside))
    return FaceTrack(
        track_id=number,
        frame_indices=np.array(track.indices, np.int64),
        times_ms=np.array(track.times, np.float64),
        gray=track.gray[: len(rows)],
        display_jpegs=jpegs,
        display_px=track.display_px,
        landmarks=landmarks,
        reference_landmarks=np.median(landmarks, axis=0).astype(np.float32),
        blendshapes=np.stack([s.blendshapes for s in track.sightings]),
        pose_deg=pose,
        interocular_px=interocular,
        sharpness=np.array([track.crops[row][1] for row in rows], np.float32),
        brightness=np.array([track.crops[row][2] for row in rows], np.float32),
        inside=inside,
        box=_box(track.sightings[int(np.argmax(interocular))]),
        thumbnail=thumbnail(jpegs[best]),
        coverage=len(rows) / frames_total,
    )


def _box(sighting: Sighting) -> tuple[int, int, int, int]:
    low, high = np.floor(sighting.box[0]), np.ceil(sighting.box[1])
    x, y = (max(int(v), 0) for v in low)
    return x, y, max(int(high[0]) - x, 1), max(int(high[1]) - y, 1)
