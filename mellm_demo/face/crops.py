"""Frame and transform → the gray crop that is measured and a colour one to look at. Knows no track."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import NamedTuple

import numpy as np

from mellm_demo.face.alignment import Similarity
from mellm_demo.records import CROP_PX, FaceTrack, Image

DISPLAY_MAX_PX = 512
JPEG_QUALITY = 92
REGION_MARGIN = 0.08  # of the crop's side: the smoothed framing differs from the one of the frame alone
JOBS_WAITING = 12  # crops being made; bounds the memory
THUMBNAIL_PX = 96
FACE_BOX = (slice(60, 232), slice(64, 192))  # rows, columns of the crop that are skin in nearly every face


class Region(NamedTuple):
    """The part of a frame around a face, shrunk by a whole factor where the frame is finer than any crop."""

    rgb: Image
    x: int
    y: int
    shrink: int

    def to_frame(self) -> Similarity:
        """Pixels of the region → pixels of the frame (centres are whole numbers in both)."""
        half = 0.5 * (self.shrink - 1)
        return Similarity(complex(self.shrink), complex(self.x + half, self.y + half))


def cut_region(rgb: Image, to_crop: Similarity, shrink: int) -> Region:
    """What of a frame (H, W, 3) the crop needs, with a margin; a copy, so that the frame can go."""
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
    return Region(small, x0, y0, shrink)


class Crop(NamedTuple):
    """One crop, to measure and to look at, with the contrast of its fine detail and its mean gray level."""

    gray: Image  # (CROP_PX, CROP_PX)
    jpeg: bytes
    sharpness: float
    brightness: float


def render(region: Region, to_crop: Similarity, display_px: int, halve: bool) -> Crop:
    """The crop that ``to_crop`` takes from the frame, ``display_px`` wide to look at; ``halve`` shrinks first."""
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
    return Crop(gray, jpeg.tobytes(), sharpness, float(face.mean()))


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


def display_frame(track: FaceTrack, row: int) -> Image:
    """(display_px, display_px, 3) RGB picture of one row of the track, to look at."""
    return _decoded(track.display_jpegs[row])


def thumbnail(jpeg: bytes) -> Image:
    """(THUMBNAIL_PX, THUMBNAIL_PX, 3) RGB picture of a display JPEG."""
    import cv2

    small: Image = cv2.resize(_decoded(jpeg), (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return small


def _decoded(jpeg: bytes) -> Image:
    import cv2

    picture: Image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return picture


class Renderer:
    """Makes crops beside the landmarking, on one thread, so that a second core shares the work. Order is kept."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="crops")
        self._jobs: deque[Future[None]] = deque()

    def __enter__(self) -> Renderer:
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
