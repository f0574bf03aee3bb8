"""Whose face is whose, over time, and which faces matter most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mellm_demo.face.alignment import fit_to_crop
from mellm_demo.face.crops import DISPLAY_MAX_PX, Renderer
from mellm_demo.face.sighting import Sighting
from mellm_demo.face.track import GAP_FRAMES, Track, as_record
from mellm_demo.records import CROP_PX, FaceTrack, Frame
from mellm_demo.settings import Settings

SAME_FACE_SHIFT = 0.8  # of the face's width, from one sighting to the next
SAME_FACE_SCALE = 1.6
LIVE_MS = 500.0  # a face not seen for longer does not hold one of the places
LARGER = 1.5  # a face so much larger than one that is followed is followed too
MIN_ROWS = 5  # fewer sightings are taken for a phantom


class Roster:
    """Whose face is whose, over time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracks: list[Track] = []

    def add(self, frame: Frame, sightings: Sequence[Sighting], renderer: Renderer) -> None:
        """Give each sighting to the track that it continues, or to a new one."""
        pairs = sorted(
            (distance, t, s)
            for t, track in enumerate(self._tracks)
            for s, sighting in enumerate(sightings)
            if (distance := _strangeness(track.last, sighting)) < SAME_FACE_SHIFT
        )
        taken_tracks: set[int] = set()
        taken: set[int] = set()
        for _, t, s in pairs:
            if t not in taken_tracks and s not in taken:
                taken_tracks.add(t)
                taken.add(s)
                self._tracks[t].add(frame, sightings[s], renderer)
        for s, sighting in enumerate(sightings):
            if s not in taken and self._has_place(frame.time_ms, sighting):
                self._tracks.append(self._new_track(frame, sighting))
                self._tracks[-1].add(frame, sighting, renderer)
        for track in self._tracks:  # a face that is gone waits for nothing
            if track.waiting and frame.index - track.indices[-1] > GAP_FRAMES:
                track.flush(renderer)

    def finish(self, renderer: Renderer) -> None:
        for track in self._tracks:
            track.flush(renderer)
        renderer.wait()

    def ranked(self, frames_total: int) -> tuple[FaceTrack, ...]:
        """Tracks that are no phantoms, by size × time present, at most ``max_faces``; the others are let go."""
        least = min(MIN_ROWS, frames_total // 2 + 1)
        kept = [track for track in self._tracks if len(track.sightings) >= least]
        kept.sort(key=lambda track: -sum(sighting.interocular for sighting in track.sightings))
        del kept[self._settings.max_faces :]
        self._tracks = []
        return tuple(as_record(track, number, frames_total) for number, track in enumerate(kept, 1))

    def _has_place(self, now_ms: float, sighting: Sighting) -> bool:
        live = [
            track
            for track in self._tracks
            if now_ms - track.times[-1] <= (LIVE_MS if len(track.times) >= MIN_ROWS else 0.0)
        ]
        return len(live) < self._settings.max_faces or any(
            sighting.interocular > LARGER * track.last.interocular for track in live
        )

    def _new_track(self, frame: Frame, sighting: Sighting) -> Track:
        side = CROP_PX / fit_to_crop(sighting.landmarks).scale
        return Track(
            capacity=max(self._settings.max_frames - frame.index, 2), shrink=max(1, round(side / DISPLAY_MAX_PX))
        )


def _strangeness(before: Sighting, now: Sighting) -> float:
    """How far a face would have gone, in widths of it; infinite where the size rules out that it is the same."""
    if not 1.0 / SAME_FACE_SCALE < now.width / before.width < SAME_FACE_SCALE:
        return math.inf
    return float(np.hypot(*(now.centre - before.centre))) / max(now.width, before.width)
