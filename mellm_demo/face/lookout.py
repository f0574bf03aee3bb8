"""Where to look for faces, frame by frame, and for how many: the whole picture, a part of it, closely now and then.

Knows no track and no identity: it says which faces are in a frame, not whose they are.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from types import TracebackType

import numpy as np

from mellm_demo.errors import FaceError
from mellm_demo.face.landmarker import Landmarker
from mellm_demo.face.sighting import Sighting
from mellm_demo.face.views import View, closer_views, cut_view
from mellm_demo.records import FloatArray, Frame, Image
from mellm_demo.settings import Settings

# How often to look for further faces while one is followed; looking costs more than landmarking. Who is there shows
# early in a clip; somebody who comes in later is seen within a second.
CENSUS_MS, LATER_CENSUS_MS, LATER_MS = 500.0, 1000.0, 2000.0
CALM_MS = 1000.0  # alone for so long: back to following one face
SEARCH_MS = 1000.0  # how often to search closely where the whole picture shows no face
LOOKS_TO_SETTLE = 2
DUPLICATE = 0.4  # two faces nearer than this share of their width are the same face


class Lookout:
    """Decides where to look and for how many faces; opens and closes the landmarkers.

    Asking MediaPipe for several faces makes it search the picture in every frame as long as fewer are there, a fifth
    more time. So one face is followed by a landmarker for one, and a second landmarker counts heads now and then.
    """

    def __init__(self, settings: Settings) -> None:
        self._crowd_size = settings.max_faces + 1
        self._stack = ExitStack()
        self._view: View | None = None
        self._several = False
        self._census_ms = -math.inf
        self._alone_ms = 0.0
        self._search_ms = -math.inf
        self._seen_ms = -math.inf
        self._lost = True
        self._before = 0

    def __enter__(self) -> Lookout:
        try:
            self._single = Landmarker(1)
            self._stack.callback(self._single.close)
            self._crowd = Landmarker(self._crowd_size)
            self._stack.callback(self._crowd.close)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def see(self, frame: Frame) -> list[Sighting]:
        """The faces of one frame, largest first."""
        now = frame.time_ms
        sightings = self._look(frame)
        if not sightings and self._view is not None and now - self._seen_ms > CALM_MS:
            self._view = None
        if not sightings and now - self._search_ms >= SEARCH_MS:
            self._search_ms = now
            sightings = self._search(frame.rgb)
        if sightings:
            self._seen_ms = now
            self._follow_view(frame.rgb, sightings[0])
        self._lost = not sightings
        self._before = len(sightings)
        return sightings

    def _look(self, frame: Frame) -> list[Sighting]:
        now = frame.time_ms
        if not self._several:
            sightings = self._glance(self._single, frame.rgb)
            if not sightings or now - self._census_ms < (CENSUS_MS if now < LATER_MS else LATER_CENSUS_MS):
                return sightings
            self._census_ms = now
        crowd = _distinct(self._glance(self._crowd, frame.rgb))
        if len(crowd) > 1:
            self._several, self._alone_ms = True, now
            return crowd
        if not self._several:
            return sightings
        if now - self._alone_ms >= CALM_MS:
            self._several, self._census_ms = False, now
        return crowd

    def _glance(self, landmarker: Landmarker, rgb: Image) -> list[Sighting]:
        view = self._view if self._view is not None else View(0, 0, rgb.shape[1], rgb.shape[0])
        part = cut_view(rgb, view)
        found = landmarker.look(part, view.x, view.y)
        if not found and not self._lost:
            # Where a face was a frame ago it is looked for there, in vain after a cut; a second look searches afresh.
            found = landmarker.look(part, view.x, view.y)
        if found and len(found) != self._before:
            # Landmarks taken from the detector's box differ by half a pixel from those taken where landmarks were:
            # look again, so that the first frame of a face is like the others.
            for _ in range(LOOKS_TO_SETTLE):
                found = landmarker.look(part, view.x, view.y) or found
        return found

    def _search(self, rgb: Image) -> list[Sighting]:
        height, width = rgb.shape[:2]
        for views in closer_views(width, height):
            found = [
                (sighting, view)
                for view in views
                for sighting in self._single.look(cut_view(rgb, view), view.x, view.y)
            ]
            if found:
                best, self._view = max(found, key=lambda pair: pair[0].width)
                return [best]
        return []

    def _follow_view(self, rgb: Image, sighting: Sighting) -> None:
        """Keep a view that is smaller than the picture centred on the face; widen it when the face has grown."""
        height, width = rgb.shape[:2]
        view = self._view
        if view is None or view.width > width or self._several:
            return
        if sighting.interocular > 0.08 * max(width, height):
            self._view = None
            return
        x, y = sighting.centre
        off_centre = (
            abs(x - view.x - view.width / 2) > view.width / 5 or abs(y - view.y - view.height / 2) > view.height / 5
        )
        if off_centre:
            left = int(np.clip(x - view.width / 2, 0, width - view.width))
            top = int(np.clip(y - view.height / 2, 0, height - view.height))
            self._view = View(left, top, view.width, view.height)


def _distinct(sightings: list[Sighting]) -> list[Sighting]:
    """Largest first, without those that are a larger one over again."""
    kept: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda s: -s.width):
        if all(np.hypot(*(sighting.centre - other.centre)) > DUPLICATE * other.width for other in kept):
            kept.append(sighting)
    return kept


def landmarks_of_image(rgb: Image) -> FloatArray:
    """The (478, 2) landmarks, in px (pixel centres are whole numbers), of the largest face of a picture (H, W, 3).

    Looks at parts of the picture where the whole shows no face. Raises FaceError where there is none.
    """
    landmarker = Landmarker(1)
    try:
        found = landmarker.look(rgb)
        for views in closer_views(rgb.shape[1], rgb.shape[0]):
            if found:
                break
            found = [face for view in views for face in landmarker.look(cut_view(rgb, view), view.x, view.y)]
    finally:
        landmarker.close()
    if not found:
        raise FaceError("No face was found in this picture. Give one in which a face is seen from the front.")
    return max(found, key=lambda face: face.width).landmarks
