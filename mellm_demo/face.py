"""Frames in, faces out: found, followed, cut out in one steady upright framing, and judged.

Knows MediaPipe's Face Landmarker (the only module that does) and how to take landmark jitter out of an alignment. Knows
nothing of files, of expressions or of motion: what it measures is where a face is and how well it can be seen.

The way of a frame: landmarks → a similarity transform to fixed targets → that transform smoothed over time (which needs
the frames that follow, so the face regions of a few frames wait in a queue) → the gray crop that is measured and a
colour crop to look at. Whole frames are never kept.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mellm_demo import facs
from mellm_demo.errors import FaceError, WeightsError
from mellm_demo.records import (
    CROP_PX,
    EYE_LINE_Y_PX,
    OUTER_EYE_PX,
    BoolArray,
    Check,
    Clip,
    FaceTrack,
    Float32Array,
    FloatArray,
    Frame,
    Image,
    InputVerdict,
    Severity,
)
from mellm_demo.settings import Settings

if TYPE_CHECKING:
    from types import ModuleType

LANDMARKER_FILE = Path(__file__).resolve().parent.parent / "weights" / "face_landmarker.task"
LANDMARKER_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

# With one face MediaPipe runs its landmarks through a 1-euro filter, which lags behind a moving head (5 ms at 20 px
# and 1 Hz). The filter goes by the time between frames and nothing else does: steps of 1000 s make it transparent.
LANDMARKER_STEP_MS = 1_000_000

# ------------------------------------------------------------------------------ where to look for faces
CENSUS_MS = 500.0  # how often to look for further faces while one is followed; looking costs a fifth of a landmarking
CALM_MS = 1000.0  # alone for so long: back to following one face
SEARCH_MS = 1000.0  # how often to search closely where the whole picture shows no face
CLOSER = (2, 4)  # the short-range detector misses faces with pupils nearer than 5 % of the width: look at parts then
LOOKS_TO_SETTLE = 2
MARGIN = 0.5  # … and faces wider than the picture: look at the picture with an empty margin then
DUPLICATE = 0.4  # two faces nearer than this share of their width are the same face

# ------------------------------------------------------------------------------ following
SAME_FACE_SHIFT = 0.8  # of the face's width, from one sighting to the next
SAME_FACE_SCALE = 1.6
LIVE_MS = 500.0  # a face not seen for longer does not hold one of the places
LARGER = 1.5  # a face so much larger than one that is followed is followed too
MIN_ROWS = 5  # fewer sightings are taken for a phantom

# ------------------------------------------------------------------------------ alignment
# Where facs.STABLE_LANDMARKS lie in the crop, typically: means over 102 frontal adults (Face Research Lab London Set,
# doi 10.6084/m9.figshare.5047666), made symmetric. Fixed, so that nothing but the face moves the fit.
STABLE_TARGETS = np.array(
    [
        (72.0, 97.0), (107.0, 99.2), (149.0, 99.2), (184.0, 97.0),
        (128.0, 91.6), (128.0, 101.0), (128.0, 109.4), (128.0, 117.1),
        (39.5, 105.6), (216.5, 105.6), (41.5, 85.7), (214.5, 85.7),
    ]
)  # fmt: skip
HUBER_PX = 8.0  # typical residuals of the fit are 2 to 5 px of the crop; more than this counts less
PERSONAL_SCALE = 1.12  # the framing adapts to a face's proportions once, by no more than this factor …
PERSONAL_SHIFT_PX = 10.0  # … and this shift
FRONTAL_DEG = 15.0  # proportions are taken from frames turned less than this
HALF_WINDOW_MS = 135.0  # a quadratic over ±4 frames at 30/s follows head motion to 5 Hz and halves the jitter
WIDEST_HALF_WINDOW_MS = 305.0  # slow clips: ±3 frames, but not beyond this
NEIGHBOURS = (3, 24)  # least and most frames on either side
OUTLIER = 6.0  # times the jitter: a frame whose landmarks went astray, not a movement
ROWS_TO_SPARE = 7  # fewer rows cannot tell an outlier
CUT_SHIFT = 0.35  # of the face's width between two frames: a cut or a jerk, not to be smoothed over
CUT_SCALE = 1.2
GAP_FRAMES = 3  # frames missing between two sightings that are smoothed together, at most

# ------------------------------------------------------------------------------ crops
DISPLAY_MAX_PX = 512
JPEG_QUALITY = 92
REGION_MARGIN = 0.08  # of the crop's side: the smoothed framing differs from the one of the frame alone
JOBS_WAITING = 12  # crops being made; bounds the memory
THUMBNAIL_PX = 96
FACE_BOX = (slice(60, 232), slice(64, 192))  # rows, columns of the crop that are skin in nearly every face

# ------------------------------------------------------------------------------ what is good enough
DARK = 28.0  # mean gray level of a face below which its texture drowns in noise
VERY_DARK_FRAME = 16.0
BRIGHT = 235.0
BLURRED = 0.25  # sharpness relative to the clip's own median: motion blur or lost focus
SOFT = (
    12.0  # variance of the Laplacian of the crop; clear clips lose this much by a blur of 2 % of the pupils' distance
)
CLEAR = 40.0  # clear clips have 44 to 360
SHORTEST_FRAMES = 3  # onset, apex, offset: what takes less cannot be seen

_MEASURED_LANDMARKS = sorted({i for region in facs.REGIONS for i in region.mesh} | set(facs.STABLE_LANDMARKS))


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
    roster = _Roster(settings)
    with ExitStack() as stack:
        renderer = stack.enter_context(_Renderer())
        lookout = stack.enter_context(_Lookout(settings))
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
        raise FaceError(_why_no_face(total, without, float(np.median(light)) if light else 0.0))
    _refuse_unmeasurable(tracks, settings)
    return FaceResult(tracks, total, without, at_least)


def _one_ahead(
    frames: Iterable[Frame], see: Callable[[Frame], list[_Sighting]]
) -> Generator[tuple[Frame, list[_Sighting]], None, None]:
    """Each frame with its faces, in order. The next frame is decoded and asked for while one is being looked at."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="landmarks") as pool:
        before: tuple[Frame, Future[list[_Sighting]]] | None = None
        for frame in frames:
            now = frame, pool.submit(see, frame)
            if before is not None:
                yield before[0], before[1].result()
            before = now
        if before is not None:
            yield before[0], before[1].result()


# ---------------------------------------------------------------------------------------------- errors


def _why_no_face(total: int, without: int, light: float) -> str:
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


def _refuse_unmeasurable(tracks: Sequence[FaceTrack], settings: Settings) -> None:
    """FaceError where not one frame of any track is fit for measuring, with the first reason that explains it."""
    widest = max(float(track.interocular_px.max()) for track in tracks)
    if widest < settings.min_interocular_px:
        raise FaceError(
            f"The face is too small: at most {widest:.0f} px between the pupils, at least "
            f"{settings.min_interocular_px:.0f} px are needed. Film closer, or choose a clip with more pixels."
        )
    if not any(_facing(track, settings).any() for track in tracks):
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


# ---------------------------------------------------------------------------------------------- landmarker


@dataclass(frozen=True)
class _Sighting:
    """One face in one frame, in pixels of the frame (pixel centres are whole numbers)."""

    landmarks: FloatArray  # (478, 2)
    blendshapes: Float32Array  # (52,)
    pose_deg: tuple[float, float, float]  # yaw, pitch, roll

    @cached_property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest x and y of the landmarks, (2,) each."""
        return self.landmarks.min(axis=0), self.landmarks.max(axis=0)

    @cached_property
    def centre(self) -> FloatArray:
        """Middle of the box, (2,)."""
        low, high = self.box
        centre: FloatArray = (low + high) / 2.0
        return centre

    @cached_property
    def width(self) -> float:
        """A length that grows with the face and hardly changes with its pose: the larger side of its box."""
        low, high = self.box
        return float((high - low).max())

    @cached_property
    def interocular(self) -> float:
        return float(np.hypot(*(self.landmarks[facs.PUPIL_LEFT] - self.landmarks[facs.PUPIL_RIGHT])))


@lru_cache(maxsize=1)
def _landmarker_bytes() -> bytes:
    return verified_bytes(LANDMARKER_FILE, LANDMARKER_SHA256)


def verified_bytes(path: Path, sha256: str) -> bytes:
    """The content of a weights file. Raises WeightsError where it is missing or its SHA-256 is another."""
    try:
        data = path.read_bytes()
    except OSError:
        raise WeightsError(
            f"The weights file {path.name} is missing. Restore the folder “weights” of this project."
        ) from None
    actual = hashlib.sha256(data).hexdigest()
    if actual != sha256:
        raise WeightsError(
            f"The weights file {path.name} is not the expected one (SHA-256 {actual[:12]}… instead of {sha256[:12]}…). "
            "Restore it from the project."
        )
    return data


def pose_of(matrix: FloatArray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from MediaPipe's facial transformation matrix (4, 4): canonical face → camera.

    Its camera looks along −z with x to the image's right and y up, so the face's forward axis is the third column.
    Yaw is positive when the subject turns to their own left, pitch when they look up, roll when they tilt towards
    their own left shoulder (clockwise in the picture).
    """
    rotation = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    forward = rotation[:, 2]
    yaw = math.degrees(math.atan2(forward[0], forward[2]))
    pitch = math.degrees(math.asin(float(np.clip(forward[1], -1.0, 1.0))))
    roll = -math.degrees(math.atan2(rotation[1, 0], rotation[0, 0]))
    return yaw, pitch, roll


_CHATTER = re.compile(
    rb"All log messages before absl::InitializeLog|inference_feedback_manager|face_landmarker_graph"
    rb"|XNNPACK delegate|gl_context|GPU support|EGL"
)
_STDERR_LOCK = threading.Lock()  # descriptor 2 belongs to the process: one at a time may turn it aside


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep MediaPipe's start-up lines, which no setting turns off, out of stderr; all other lines pass."""
    with _STDERR_LOCK, tempfile.TemporaryFile() as aside:
        try:
            sys.stderr.flush()
            real = os.dup(2)
        except (OSError, AttributeError, ValueError):  # no stderr, as in a windowed program
            yield
            return
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            aside.seek(0)
            for line in aside:
                if not _CHATTER.search(line):
                    os.write(real, line)
            os.close(real)


class _Landmarker:
    """One MediaPipe landmarker in VIDEO mode for up to ``faces`` faces. Close it."""

    def __init__(self, faces: int) -> None:
        import mediapipe as mp
        from mediapipe.tasks import python as tasks
        from mediapipe.tasks.python import vision

        self._mp: ModuleType = mp
        self._clock_ms = 0
        options = vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=_landmarker_bytes()),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=faces,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        with _without_chatter():
            self._landmarker: Any = vision.FaceLandmarker.create_from_options(options)
            try:
                self.look(np.zeros((64, 64, 3), np.uint8))  # its threads start, and chatter, with the first image
            except BaseException:
                self.close()
                raise

    def look(self, rgb: Image, left: int = 0, top: int = 0) -> list[_Sighting]:
        """Faces in ``rgb`` (H, W, 3), which lies at ``(left, top)`` in the frame."""
        self._clock_ms += LANDMARKER_STEP_MS
        image = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb))
        found = self._landmarker.detect_for_video(image, self._clock_ms)
        height, width = rgb.shape[:2]
        sightings = []
        faces = zip(found.face_landmarks, found.face_blendshapes, found.facial_transformation_matrixes, strict=True)
        for mesh, shapes, matrix in faces:
            points = np.array([(point.x, point.y) for point in mesh], np.float64)
            points = points * (width, height) - 0.5 + (left, top)
            scores = np.array([shape.score for shape in shapes], np.float32)
            sightings.append(_Sighting(points, scores, pose_of(np.asarray(matrix, np.float64))))
        return [sighting for sighting in sightings if sighting.interocular > 1.0]

    def close(self) -> None:
        self._landmarker.close()


def landmarks_of_image(rgb: Image) -> FloatArray:
    """The (478, 2) landmarks, in px (pixel centres are whole numbers), of the largest face of a picture (H, W, 3).

    Looks at parts of the picture where the whole shows no face. Raises FaceError where there is none.
    """
    landmarker = _Landmarker(1)
    try:
        found = landmarker.look(rgb)
        for views in _closer_views(rgb.shape[1], rgb.shape[0]):
            if found:
                break
            found = [face for view in views for face in landmarker.look(_cut(rgb, view), view.x, view.y)]
    finally:
        landmarker.close()
    if not found:
        raise FaceError("No face was found in this picture. Give one in which a face is seen from the front.")
    return max(found, key=lambda face: face.width).landmarks


class _View(NamedTuple):
    """The part of the frame that is looked at; it may reach beyond the frame, where it is black."""

    x: int
    y: int
    width: int
    height: int


def _cut(rgb: Image, view: _View) -> Image:
    height, width = rgb.shape[:2]
    x0, y0 = max(view.x, 0), max(view.y, 0)
    x1, y1 = min(view.x + view.width, width), min(view.y + view.height, height)
    if (x1 - x0, y1 - y0) == (view.width, view.height):
        return rgb[y0:y1, x0:x1]
    out = np.zeros((view.height, view.width, 3), np.uint8)
    out[y0 - view.y : y1 - view.y, x0 - view.x : x1 - view.x] = rgb[y0:y1, x0:x1]
    return out


def _closer_views(width: int, height: int) -> Iterator[list[_View]]:
    """Rounds of views in which to search for a face that the whole picture does not show."""
    margin_x, margin_y = int(width * MARGIN), int(height * MARGIN)
    yield [_View(-margin_x, -margin_y, width + 2 * margin_x, height + 2 * margin_y)]
    for part in CLOSER:
        side = max(width, height) // part
        if side < 192:  # nothing but upsampling
            return
        w, h = min(side, width), min(side, height)
        yield [_View(x, y, w, h) for y in _steps(height, h) for x in _steps(width, w)]


def _steps(length: int, part: int) -> list[int]:
    """Starts of parts that overlap by about half and cover the length."""
    count = 1 if part >= length else math.ceil((length - part) / (part / 2)) + 1
    return [round(i * (length - part) / max(count - 1, 1)) for i in range(count)]


class _Lookout:
    """Decides where to look and for how many faces; opens and closes the landmarkers.

    Asking MediaPipe for several faces makes it search the picture in every frame as long as fewer are there, a fifth
    more time. So one face is followed by a landmarker for one, and a second landmarker counts heads now and then.
    """

    def __init__(self, settings: Settings) -> None:
        self._crowd_size = settings.max_faces + 1
        self._stack = ExitStack()
        self._view: _View | None = None
        self._several = False
        self._census_ms = -math.inf
        self._alone_ms = 0.0
        self._search_ms = -math.inf
        self._seen_ms = -math.inf
        self._lost = True
        self._before = 0

    def __enter__(self) -> _Lookout:
        try:
            self._single = _Landmarker(1)
            self._stack.callback(self._single.close)
            self._crowd = _Landmarker(self._crowd_size)
            self._stack.callback(self._crowd.close)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def see(self, frame: Frame) -> list[_Sighting]:
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

    def _look(self, frame: Frame) -> list[_Sighting]:
        now = frame.time_ms
        if not self._several:
            sightings = self._glance(self._single, frame.rgb)
            if not sightings or now - self._census_ms < CENSUS_MS:
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

    def _glance(self, landmarker: _Landmarker, rgb: Image) -> list[_Sighting]:
        view = self._view if self._view is not None else _View(0, 0, rgb.shape[1], rgb.shape[0])
        part = _cut(rgb, view)
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

    def _search(self, rgb: Image) -> list[_Sighting]:
        height, width = rgb.shape[:2]
        for views in _closer_views(width, height):
            found = [
                (sighting, view) for view in views for sighting in self._single.look(_cut(rgb, view), view.x, view.y)
            ]
            if found:
                best, self._view = max(found, key=lambda pair: pair[0].width)
                return [best]
        return []

    def _follow_view(self, rgb: Image, sighting: _Sighting) -> None:
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
            self._view = _View(left, top, view.width, view.height)


def _distinct(sightings: list[_Sighting]) -> list[_Sighting]:
    """Largest first, without those that are a larger one over again."""
    kept: list[_Sighting] = []
    for sighting in sorted(sightings, key=lambda s: -s.width):
        if all(np.hypot(*(sighting.centre - other.centre)) > DUPLICATE * other.width for other in kept):
            kept.append(sighting)
    return kept


# ---------------------------------------------------------------------------------------------- alignment


class Similarity(NamedTuple):
    """z → a·z + b on points as complex numbers x + iy: a uniform scale and a rotation, then a translation."""

    a: complex
    b: complex

    def apply(self, points: NDArray[Any]) -> FloatArray:
        """Points (…, 2) → (…, 2)."""
        z = self.a * (points[..., 0] + 1j * points[..., 1]) + self.b
        return np.stack((z.real, z.imag), axis=-1)

    def then(self, after: Similarity) -> Similarity:
        return Similarity(after.a * self.a, after.a * self.b + after.b)

    @property
    def inverse(self) -> Similarity:
        return Similarity(1.0 / self.a, -self.b / self.a)

    @property
    def scale(self) -> float:
        return abs(self.a)

    @property
    def matrix(self) -> FloatArray:
        """(2, 3), as OpenCV's warpAffine takes it."""
        return np.array([[self.a.real, -self.a.imag, self.b.real], [self.a.imag, self.a.real, self.b.imag]])


def fit_similarity(points: FloatArray, targets: FloatArray, huber: float = HUBER_PX) -> Similarity:
    """The similarity that takes ``points`` (N, 2) nearest to ``targets`` (N, 2); N ≥ 2.

    Weighted least squares in closed form; points that miss by more than ``huber`` (in units of the targets) weigh
    less, by Huber's rule, in three rounds.
    """
    z, w = points[:, 0] + 1j * points[:, 1], targets[:, 0] + 1j * targets[:, 1]
    weights = np.ones(len(z))
    fit = Similarity(1.0 + 0j, 0j)
    for _ in range(3):
        total = weights.sum()
        z_mean, w_mean = (weights * z).sum() / total, (weights * w).sum() / total
        spread = (weights * np.abs(z - z_mean) ** 2).sum()
        a = complex((weights * (z - z_mean).conj() * (w - w_mean)).sum() / spread)
        fit = Similarity(a, complex(w_mean - a * z_mean))
        missed = np.abs(fit.a * z + fit.b - w)
        weights = np.where(missed > huber, huber / np.maximum(missed, 1e-12), 1.0)
    return fit


_ANCHOR = complex(*STABLE_TARGETS.mean(axis=0))  # about its own centroid a fit's scale and shift err independently


def similarity_to_path(similarity: Similarity) -> FloatArray:
    """(4,): log of the scale, angle in radians, and where the middle of the targets lies in the frame, x and y."""
    place = similarity.inverse.a * _ANCHOR + similarity.inverse.b
    return np.array(
        [math.log(similarity.scale), math.atan2(similarity.a.imag, similarity.a.real), place.real, place.imag]
    )


def path_to_similarity(path: FloatArray) -> Similarity:
    """The inverse of similarity_to_path."""
    a = math.exp(path[0]) * complex(math.cos(path[1]), math.sin(path[1]))
    return Similarity(a, _ANCHOR - a * complex(path[2], path[3]))


def window(times_ms: FloatArray, row: int) -> tuple[int, int]:
    """First and last row (inclusive) whose frames speak for ``row``: ±HALF_WINDOW_MS within the limits above."""
    least, most = NEIGHBOURS
    first = last = row
    while last + 1 < len(times_ms) and _reaches(times_ms[last + 1] - times_ms[row], last + 1 - row, least, most):
        last += 1
    while first > 0 and _reaches(times_ms[row] - times_ms[first - 1], row - first + 1, least, most):
        first -= 1
    return first, last


def _reaches(distance_ms: float, rows: int, least: int, most: int) -> bool:
    return rows <= most and (distance_ms <= HALF_WINDOW_MS or (rows <= least and distance_ms <= WIDEST_HALF_WINDOW_MS))


def smoothed(times_ms: FloatArray, paths: FloatArray, row: int) -> FloatArray:
    """``paths`` (T, D), of which one row is wanted, smoothed over time: (D,).

    A local quadratic on true timestamps with Epanechnikov weights (as in loess, Cleveland 1979), without the rows that
    miss it by far more than the jitter around them. It has no lag, keeps any quadratic course as it is, and where a
    window holds three rows or fewer (image pairs, very slow clips) it keeps the row itself.
    """
    first, last = window(times_ms, row)
    near, values = times_ms[first : last + 1] - times_ms[row], paths[first : last + 1]
    if len(near) <= 3:
        return np.asarray(paths[row], np.float64)
    reach = float(np.abs(near).max()) * (1.0 + 1.0 / len(near))
    basis = np.vander(near / reach, 3, increasing=True)  # (K, 3): 1, t, t²
    weights = 1.0 - (near / reach) ** 2
    for _ in range(1 + (len(near) - 5) // 2 if len(near) >= ROWS_TO_SPARE else 1):
        weighted = basis * weights[:, None]
        course = np.linalg.solve(weighted.T @ basis, weighted.T @ values)  # (3, D)
        worst = _outlier(values, basis @ course, weights) if len(near) >= ROWS_TO_SPARE else None
        if worst is None:
            break
        weights[worst] = 0.0
    return np.asarray(course[0], np.float64)


def _outlier(values: FloatArray, course: FloatArray, weights: FloatArray) -> int | None:
    """The row that misses its course by most, if by more than OUTLIER times the jitter from row to row."""
    jitter = np.median(np.abs(np.diff(values, 2, axis=0)), axis=0) / 1.65 + 1e-9  # of second differences, for noise
    missed = (np.abs(values - course) / jitter).max(axis=1) * (weights > 0.0)
    worst = int(np.argmax(missed))
    return worst if missed[worst] > OUTLIER else None


def personal_framing(meshes: Sequence[FloatArray]) -> Similarity:
    """The constant correction that puts this person's outer eye corners where they belong.

    ``meshes``: landmarks (478, 2) of a few frontal frames, aligned to the typical proportions. Bounded, and the
    identity where there are none.
    """
    if not meshes:
        return Similarity(1.0 + 0j, 0j)
    outer = np.median([mesh[[facs.OUTER_EYE_RIGHT, facs.OUTER_EYE_LEFT]] for mesh in meshes], axis=0)
    across = outer[1] - outer[0]
    scale = float(np.clip(OUTER_EYE_PX / np.hypot(*across), 1.0 / PERSONAL_SCALE, PERSONAL_SCALE))
    wanted = np.array([CROP_PX / 2.0, EYE_LINE_Y_PX])
    middle = wanted + np.clip(outer.mean(axis=0) - wanted, -PERSONAL_SHIFT_PX, PERSONAL_SHIFT_PX)
    turn = float(np.clip(-math.atan2(across[1], across[0]), -0.1, 0.1))
    a = scale * complex(math.cos(turn), math.sin(turn))
    return Similarity(a, complex(*wanted) - a * complex(*middle))


# ---------------------------------------------------------------------------------------------- crops


class _Region(NamedTuple):
    """The part of a frame around a face, shrunk by a whole factor where the frame is finer than any crop."""

    rgb: Image
    x: int
    y: int
    shrink: int

    def to_frame(self) -> Similarity:
        """Pixels of the region → pixels of the frame (centres are whole numbers in both)."""
        half = 0.5 * (self.shrink - 1)
        return Similarity(complex(self.shrink), complex(self.x + half, self.y + half))


def _cut_region(rgb: Image, to_crop: Similarity, shrink: int) -> _Region:
    import cv2

    height, width = rgb.shape[:2]
    margin = REGION_MARGIN * CROP_PX
    low, high = -margin, CROP_PX - 1 + margin
    corners = to_crop.inverse.apply(np.array([(low, low), (high, low), (high, high), (low, high)]))
    x0, y0 = (
        int(np.clip(np.floor(v), 0, limit - shrink)) for v, limit in zip(corners.min(0), (width, height), strict=True)
    )
    x1, y1 = (int(np.clip(np.ceil(v) + 1, 0, limit)) for v, limit in zip(corners.max(0), (width, height), strict=True))
    w, h = max((x1 - x0) // shrink, 1), max((y1 - y0) // shrink, 1)
    part = rgb[y0 : y0 + h * shrink, x0 : x0 + w * shrink]
    small = part.copy() if shrink == 1 else cv2.resize(part, (w, h), interpolation=cv2.INTER_AREA)
    return _Region(small, x0, y0, shrink)


class _Crop(NamedTuple):
    gray: Image  # (CROP_PX, CROP_PX)
    jpeg: bytes
    sharpness: float
    brightness: float


def _render(region: _Region, to_crop: Similarity, display_px: int, halve: bool) -> _Crop:
    import cv2

    place = region.to_frame().then(to_crop)
    gray = _gray_crop(region.rgb, place, halve)
    zoom = display_px / CROP_PX
    offset = 0.5 * (zoom - 1.0)
    display = place.then(Similarity(complex(zoom), complex(offset, offset)))
    how = cv2.INTER_CUBIC if display_px <= 320 else cv2.INTER_LINEAR
    colour = cv2.warpAffine(
        region.rgb, display.matrix, (display_px, display_px), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(colour, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    face = np.ascontiguousarray(gray[FACE_BOX])
    sharpness = float(cv2.Laplacian(face, cv2.CV_32F).var())
    return _Crop(gray, jpeg.tobytes(), sharpness, float(face.mean()))


def _gray_crop(rgb: Image, place: Similarity, halve: bool) -> Image:
    """The crop that is measured: cubic, after as much blur as shrinking needs so that nothing aliases into motion."""
    import cv2

    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if halve and min(gray.shape) >= 2:
        h, w = gray.shape[0] // 2, gray.shape[1] // 2
        gray = cv2.resize(gray[: 2 * h, : 2 * w], (w, h), interpolation=cv2.INTER_AREA)
        place = Similarity(2.0 + 0j, 0.5 + 0.5j).then(place)
    ratio = 1.0 / place.scale
    sigma = 0.5 * math.sqrt(max(ratio * ratio - 1.0, 0.0))
    if sigma > 0.25:
        gray = cv2.GaussianBlur(gray, (0, 0), sigma)
    crop: Image = cv2.warpAffine(
        gray, place.matrix, (CROP_PX, CROP_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return crop


class _Renderer:
    """Makes crops beside the landmarking, on one thread, so that a second core shares the work. Order is kept."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="crops")
        self._jobs: deque[Future[None]] = deque()

    def __enter__(self) -> _Renderer:
        return self

    def submit(self, job: Callable[[], None]) -> None:
        while len(self._jobs) >= JOBS_WAITING:
            self._jobs.popleft().result()
        self._jobs.append(self._pool.submit(job))

    def wait(self) -> None:
        while self._jobs:
            self._jobs.popleft().result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


# ---------------------------------------------------------------------------------------------- tracks


class _Waiting(NamedTuple):
    row: int
    fit: Similarity
    region: _Region


@dataclass
class _Track:
    """A face while it is being followed."""

    capacity: int  # rows of the gray store; memory is taken only as rows are written
    shrink: int
    sightings: list[_Sighting] = field(default_factory=list)
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
    def last(self) -> _Sighting:
        return self.sightings[-1]

    def add(self, frame: Frame, sighting: _Sighting, renderer: _Renderer) -> None:
        fit = fit_similarity(sighting.landmarks[list(facs.STABLE_LANDMARKS)], STABLE_TARGETS)
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
        self.waiting.append(_Waiting(row, fit, _cut_region(frame.rgb, fit, self.shrink)))
        while self.waiting and self._can_finish(self.waiting[0].row):
            self._finish_one(renderer)

    def flush(self, renderer: _Renderer) -> None:
        """Finish what waits; what comes next is not smoothed together with it."""
        while self.waiting:
            self._finish_one(renderer)
        self.paths.clear()

    def _is_cut(self, frame: Frame, path: FloatArray, sighting: _Sighting) -> bool:
        before = self.paths[-1]
        missing = frame.index - self.indices[-1] - 1
        moved = math.hypot(path[2] - before[2], path[3] - before[3])
        return (
            missing > GAP_FRAMES or moved > CUT_SHIFT * sighting.width or abs(path[0] - before[0]) > math.log(CUT_SCALE)
        )

    def _can_finish(self, row: int) -> bool:
        least, most = NEIGHBOURS
        ahead = len(self.sightings) - 1 - row
        distance = self.times[-1] - self.times[row]
        return (ahead > 0 and not _reaches(distance, ahead, least, most)) or ahead >= most

    def _finish_one(self, renderer: _Renderer) -> None:
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
        renderer.submit(lambda: self._store(row, _render(region, to_crop, self.display_px, self.halve)))

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

    def _store(self, row: int, crop: _Crop) -> None:
        self.gray[row] = crop.gray
        self.crops[row] = (crop.jpeg, crop.sharpness, crop.brightness)


class _Roster:
    """Whose face is whose, over time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracks: list[_Track] = []

    def add(self, frame: Frame, sightings: Sequence[_Sighting], renderer: _Renderer) -> None:
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

    def finish(self, renderer: _Renderer) -> None:
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
        return tuple(_as_record(track, number, frames_total) for number, track in enumerate(kept, 1))

    def _has_place(self, now_ms: float, sighting: _Sighting) -> bool:
        live = [
            track
            for track in self._tracks
            if now_ms - track.times[-1] <= (LIVE_MS if len(track.times) >= MIN_ROWS else 0.0)
        ]
        return len(live) < self._settings.max_faces or any(
            sighting.interocular > LARGER * track.last.interocular for track in live
        )

    def _new_track(self, frame: Frame, sighting: _Sighting) -> _Track:
        fit = fit_similarity(sighting.landmarks[list(facs.STABLE_LANDMARKS)], STABLE_TARGETS)
        side = CROP_PX / fit.scale
        return _Track(
            capacity=max(self._settings.max_frames - frame.index, 2), shrink=max(1, round(side / DISPLAY_MAX_PX))
        )


def _strangeness(before: _Sighting, now: _Sighting) -> float:
    """How far a face would have gone, in widths of it; infinite where the size rules out that it is the same."""
    if not 1.0 / SAME_FACE_SCALE < now.width / before.width < SAME_FACE_SCALE:
        return math.inf
    return float(np.hypot(*(now.centre - before.centre))) / max(now.width, before.width)


def _as_record(track: _Track, number: int, frames_total: int) -> FaceTrack:
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
        thumbnail=_thumbnail(jpegs[best]),
        coverage=len(rows) / frames_total,
    )


def _box(sighting: _Sighting) -> tuple[int, int, int, int]:
    low, high = np.floor(sighting.box[0]), np.ceil(sighting.box[1])
    x, y = (max(int(v), 0) for v in low)
    return x, y, max(int(high[0]) - x, 1), max(int(high[1]) - y, 1)


def display_frame(track: FaceTrack, row: int) -> Image:
    """(display_px, display_px, 3) RGB picture of one row of the track, to look at."""
    return _decoded(track.display_jpegs[row])


def _decoded(jpeg: bytes) -> Image:
    import cv2

    picture: Image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture


def _thumbnail(jpeg: bytes) -> Image:
    import cv2

    small: Image = cv2.resize(_decoded(jpeg), (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return small


# ---------------------------------------------------------------------------------------------- verdict


def usable_frames(track: FaceTrack, settings: Settings) -> BoolArray:
    """(T,) frames on which motion can be measured: False only where pose, size, light, blur or framing forbid it."""
    usable: BoolArray = (
        _facing(track, settings)
        & (track.interocular_px >= settings.min_interocular_px)
        & ~_dark(track)
        & ~_blurred(track)
        & track.inside
    )
    return usable


def _facing(track: FaceTrack, settings: Settings) -> BoolArray:
    facing: BoolArray = (np.abs(track.pose_deg[:, 0]) <= settings.max_yaw_deg) & (
        np.abs(track.pose_deg[:, 1]) <= settings.max_pitch_deg
    )
    return facing


def _dark(track: FaceTrack) -> BoolArray:
    dark: BoolArray = track.brightness < DARK
    return dark


def _blurred(track: FaceTrack) -> BoolArray:
    blurred: BoolArray = track.sharpness < BLURRED * np.median(track.sharpness)
    return blurred


def input_verdict(clip: Clip, track: FaceTrack | None, result: FaceResult, settings: Settings) -> InputVerdict:
    """What this input allows: each check with its value, its weight and what follows from it.

    ``track`` is the face that is analysed, ``None`` where there is none (then only the clip is judged).
    """
    checks = [*_clip_checks(clip)]
    lost = turned = small = dark = blurred = cut_off = 0
    if track is None:
        checks.append(Check("face found", "none", "unusable", "Without a face there is nothing to measure."))
    else:
        total, rows = result.frames_total, len(track.times_ms)
        lost = max(total - rows, 0)
        turned = rows - int(_facing(track, settings).sum())
        small = int((track.interocular_px < settings.min_interocular_px).sum())
        dark, blurred, cut_off = int(_dark(track).sum()), int(_blurred(track).sum()), rows - int(track.inside.sum())
        checks += [
            _presence_check(lost, total),
            _size_check(track, small, settings),
            _pose_check(track, turned, settings),
            _sharpness_check(track, blurred),
            _light_check(track, dark),
            _framing_check(cut_off, rows),
        ]
        if result.faces_at_least > 1:
            checks.append(_crowd_check(track, result))
    severity = max((check.severity for check in checks), key=_SEVERITIES.index)
    return InputVerdict(
        severity=severity,
        headline=_headline(severity, checks, clip, track),
        checks=tuple(checks),
        frames_total=result.frames_total,
        frames_face_lost=lost,
        frames_turned_away=turned,
        frames_too_small=small,
        frames_dark=dark,
        frames_blurred=blurred,
        frames_cut_off=cut_off,
    )


_SEVERITIES: tuple[Severity, ...] = ("ok", "note", "warning", "unusable")


def _clip_checks(clip: Clip) -> Iterator[Check]:
    if clip.frame_count < 2:
        yield Check("frame rate", "1 frame", "unusable", "One frame holds no motion; at least two are needed.")
        return
    if clip.kind == "pair":
        yield Check(
            "frame rate", "2 frames", "note",
            "Only the difference between the two frames can be seen, not when and how fast it came about.",
        )  # fmt: skip
    else:
        yield _rate_check(clip)
        yield _regularity_check(clip)
    for warning in clip.warnings:
        yield Check("file", clip.container, "note", warning)


def _true_rate(clip: Clip) -> float:
    """Frames/s that show something new."""
    new = clip.frame_count - 1 - clip.repeated_frames
    return clip.frame_rate * max(new, 1) / max(clip.frame_count - 1, 1)


def _rate_check(clip: Clip) -> Check:
    rate = _true_rate(clip)
    shortest = SHORTEST_FRAMES * 1000.0 / rate
    limit = f"At {_number(rate)} frames/s nothing shorter than {shortest:.0f} ms can be seen"
    severity: Severity
    if rate >= 100.0:
        severity, sentence = "ok", f"{limit}: enough to follow the course of a micro-expression."
    elif rate >= 50.0:
        severity, sentence = "ok", f"{limit}; the course of a micro-expression shows roughly."
    elif rate >= 23.0:
        severity, sentence = "note", f"{limit}: it shows that something moved, hardly its course."
    elif rate >= 12.0:
        severity, sentence = "warning", f"{limit}: short micro-expressions fall between the frames."
    else:
        severity = "warning"
        sentence = f"{limit}: most micro-expressions (up to 500 ms) are missed. Film with at least 25 frames/s."
    return Check("frame rate", f"{rate:.1f} frames/s", severity, sentence)


def _regularity_check(clip: Clip) -> Check:
    repeated = clip.repeated_frames / max(clip.frame_count - 1, 1)
    if repeated > 0.02:
        severity: Severity = "warning" if repeated > 0.2 else "note"
        return Check(
            "regularity", f"{clip.repeated_frames} frames repeated", severity,
            f"{clip.repeated_frames} of {clip.frame_count} frames repeat the one before: the clip says "
            f"{_number(clip.frame_rate)} frames/s but shows {_number(_true_rate(clip))}.",
        )  # fmt: skip
    jitter = f"intervals vary by {100.0 * clip.interval_jitter:.0f} %"
    if clip.interval_jitter < 0.05:
        return Check("regularity", "regular", "ok", "The frames come at regular intervals.")
    if clip.interval_jitter < 0.4:
        return Check("regularity", jitter, "note", "The frame rate varies; true timestamps are used throughout.")
    return Check(
        "regularity", jitter, "warning",
        "The frames come at very irregular intervals; what happened in the longer ones is not seen.",
    )  # fmt: skip


def _presence_check(lost: int, total: int) -> Check:
    if not lost:
        return Check("face found", f"in all {total} frames", "ok", "The face is followed through the whole clip.")
    severity: Severity = "note" if lost < 0.2 * total else "warning"
    return Check(
        "face found", f"in {total - lost} of {total} frames", severity,
        f"The face was not found in {lost} of {total} frames; motion is measured on either side of the gaps only.",
    )  # fmt: skip


def _size_check(track: FaceTrack, small: int, settings: Settings) -> Check:
    size = float(np.median(track.interocular_px))
    value = f"{size:.0f} px between the pupils"
    least = settings.min_interocular_px
    if size < least:
        return Check(
            "face size", value, "unusable",
            f"The face is smaller than {least:.0f} px between the pupils in {small} of {len(track.times_ms)} frames: "
            "too few pixels to measure. Film closer.",
        )  # fmt: skip
    if size < 1.5 * least:
        return Check(
            "face size", value, "warning",
            "The face is small: motion of less than a pixel, as in micro-expressions, drowns in noise.",
        )  # fmt: skip
    if size < 2.3 * least:
        return Check("face size", value, "note", "The face is rather small; faint motion may be missed.")
    return Check("face size", value, "ok", "The face is large enough to measure faint motion.")


def _pose_check(track: FaceTrack, turned: int, settings: Settings) -> Check:
    rows = len(track.times_ms)
    yaw, pitch = (float(v) for v in np.median(track.pose_deg[:, :2], axis=0))
    side = "left" if yaw > 0 else "right"
    value = f"{abs(yaw):.0f}° to the subject's {side}, {abs(pitch):.0f}° {'up' if pitch > 0 else 'down'}"
    if turned:
        severity: Severity = "unusable" if turned == rows else "note" if turned < 0.2 * rows else "warning"
        return Check(
            "pose", value, severity,
            f"The face is turned too far (beyond {settings.max_yaw_deg:.0f}° to the side or "
            f"{settings.max_pitch_deg:.0f}° up or down) in {turned} of {rows} frames; these are left out.",
        )  # fmt: skip
    if abs(yaw) > 0.6 * settings.max_yaw_deg:
        return Check("pose", value, "note", "The face is turned; motion on its far side is foreshortened.")
    return Check("pose", value, "ok", "The face looks towards the camera.")


def _sharpness_check(track: FaceTrack, blurred: int) -> Check:
    rows = len(track.times_ms)
    sharpness = float(np.median(track.sharpness))
    if sharpness < SOFT:
        return Check(
            "blur", f"sharpness {sharpness:.0f}", "warning",
            f"The picture is blurred or strongly compressed (sharpness {sharpness:.0f}, clear clips have "
            f"{CLEAR:.0f} and more): faint motion may be missed.",
        )  # fmt: skip
    if blurred:
        severity: Severity = "note" if blurred < 0.2 * rows else "warning"
        return Check(
            "blur", f"{blurred} frames blurred", severity,
            f"{blurred} of {rows} frames are much less sharp than the others, by motion or focus; these are left out.",
        )  # fmt: skip
    return Check("blur", f"sharpness {sharpness:.0f}", "ok", "The picture is sharp enough.")


def _light_check(track: FaceTrack, dark: int) -> Check:
    rows = len(track.times_ms)
    level = float(np.median(track.brightness))
    value = f"brightness {level:.0f} of 255"
    if dark:
        severity: Severity = "unusable" if dark == rows else "note" if dark < 0.2 * rows else "warning"
        return Check("light", value, severity, f"The face is too dark in {dark} of {rows} frames; these are left out.")
    if level < 2 * DARK:
        return Check("light", value, "note", "The face is rather dark; noise hides faint motion.")
    if level > BRIGHT:
        return Check("light", value, "warning", "The face is overexposed; where it is white nothing can be measured.")
    return Check("light", value, "ok", "The face is well lit.")


def _framing_check(cut_off: int, rows: int) -> Check:
    if not cut_off:
        return Check("framing", "whole face in the picture", "ok", "The whole face is in the picture.")
    severity: Severity = "unusable" if cut_off == rows else "note" if cut_off < 0.2 * rows else "warning"
    return Check(
        "framing", f"cut off in {cut_off} frames", severity,
        f"The face is partly outside the picture in {cut_off} of {rows} frames; these are left out.",
    )  # fmt: skip


def _crowd_check(track: FaceTrack, result: FaceResult) -> Check:
    followed = len(result.tracks)
    others = f"; {followed} are followed and can be chosen" if followed > 1 else "; only one could be followed"
    return Check(
        "faces", f"at least {result.faces_at_least}", "note",
        f"At least {result.faces_at_least} faces are in the picture{others}. This is face {track.track_id}.",
    )  # fmt: skip


def _headline(severity: Severity, checks: Sequence[Check], clip: Clip, track: FaceTrack | None) -> str:
    worst = [check for check in checks if check.severity == severity]
    if severity == "unusable" or track is None:
        return f"Input not usable: {worst[0].sentence[0].lower()}{worst[0].sentence[1:]}"
    facts = [] if clip.kind == "pair" else [f"{_number(_true_rate(clip))} frames/s"]
    facts.append(f"face {np.median(track.interocular_px):.0f} px between the pupils")
    if severity == "warning":
        concerns = ", ".join(dict.fromkeys(check.name for check in worst))
        return f"Input usable with care ({concerns}): {', '.join(facts)}."
    facts.append("steady" if _is_steady(track) else "the head moves")
    return f"Input usable: {', '.join(facts)}."


def _is_steady(track: FaceTrack) -> bool:
    spread = np.percentile(track.pose_deg, 95, axis=0) - np.percentile(track.pose_deg, 5, axis=0)
    return bool(spread.max() < 8.0)


def _number(value: float) -> str:
    """“30”, “29.97” or “23.98”: no more digits than needed."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
