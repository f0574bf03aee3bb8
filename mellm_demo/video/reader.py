"""Frames out of a thread that decodes ahead, counted and within limits, and then the record of the clip.

It knows what a source can do, not which ones there are.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import weakref
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from mellm_demo.errors import LimitError, MellmError
from mellm_demo.records import Clip, FloatArray, Frame, Image
from mellm_demo.settings import Settings
from mellm_demo.video.clock import Clock
from mellm_demo.video.sentences import LIBRARY_ERRORS, too_long, unreadable

QUEUE_FRAMES = 4  # decoded ahead of the consumer: enough to overlap the two, 100 MB at 4K


class Source(Protocol):
    """Something that yields pictures with their raw times and knows what it is."""

    expected_frames: int | None
    step_ms: float  # to go by where a time is missing

    def pictures(self) -> Iterator[tuple[float | None, Image]]:
        """Time in ms as the source tells it (None: it does not) and upright RGB ``(H, W, 3)``, all of one size."""
        ...

    def describe(self, times_ms: FloatArray, repeated: int, repaired: int) -> Clip:
        """The record, once ``pictures`` is exhausted. Raises InputError where there were too few."""
        ...

    def close(self) -> None:
        """Release the files."""
        ...


class ClipReader:
    """Iterator over the frames of one clip and, once they are all read, its record; a context manager.

    Decoding runs ahead in a thread of its own by ``QUEUE_FRAMES`` frames. Leaving the context (or ``close``) stops the
    thread and releases the files at any time. What goes wrong in the thread is raised here, from ``next``.
    """

    def __init__(self, source: Source, settings: Settings) -> None:
        self.expected_frames: int | None = source.expected_frames  # a hint for progress bars, nothing else
        self._source = source
        self._settings = settings
        self._frames: queue.Queue[Frame | Clip | BaseException] = queue.Queue(QUEUE_FRAMES)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._clip: Clip | None = None
        self._closed = False
        weakref.finalize(self, self._stop.set)  # a forgotten reader does not keep its thread waiting

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> ClipReader:
        return self

    def __next__(self) -> Frame:
        if self._closed:
            raise StopIteration
        if self._thread is None:
            self._thread = threading.Thread(
                target=_decode_into,
                args=(self._source, self._settings, self._frames, self._stop),
                name="decoder",
                daemon=True,
            )
            self._thread.start()
        item = self._wait()
        if item is None:
            raise StopIteration
        if isinstance(item, Frame):
            return item
        self.close()
        if isinstance(item, BaseException):
            raise item
        self._clip = item
        raise StopIteration

    def _wait(self) -> Frame | Clip | BaseException | None:
        """The next thing from the thread, None where somebody closed the reader meanwhile."""
        while not self._closed:
            with contextlib.suppress(queue.Empty):
                return self._frames.get(timeout=0.5)
        return None

    @property
    def clip(self) -> Clip:
        """The record of what was read. Raises RuntimeError before the last frame was taken."""
        if self._clip is None:
            raise RuntimeError("The record of a clip exists once all of its frames have been read.")
        return self._clip

    def close(self) -> None:
        """Stop decoding and release the files; harmless when repeated."""
        if self._closed:
            return
        self._closed = True
        self._stop.set()
        if self._thread is None:
            self._source.close()
            return
        while self._thread.is_alive():  # make room, so that a waiting thread sees the flag
            with contextlib.suppress(queue.Empty):
                self._frames.get_nowait()
            self._thread.join(0.01)


def _decode_into(
    source: Source, settings: Settings, out: queue.Queue[Frame | Clip | BaseException], stop: threading.Event
) -> None:
    """Put every frame and then the Clip, or the exception that ended it; give up when ``stop`` is set."""
    try:
        for item in _frames_then_clip(source, settings):
            if not _put(out, item, stop):
                return
    except MellmError as error:
        _put(out, error, stop)
    except LIBRARY_ERRORS as error:
        told = unreadable(error)
        told.__cause__ = error
        _put(out, told, stop)
    except BaseException as error:  # must reach the consumer, or it would wait for ever
        _put(out, error, stop)
    finally:
        source.close()


def _frames_then_clip(source: Source, settings: Settings) -> Iterator[Frame | Clip]:
    clock = Clock(source.step_ms, longest_gap_ms=settings.max_seconds * 1000)
    times: list[float] = []
    repeated = 0
    previous: Image | None = None
    for raw_ms, rgb in source.pictures():
        if len(times) >= settings.max_frames:
            raise LimitError(
                f"The clip has more than {settings.max_frames} frames, which is the limit. "
                "Cut out the part that matters and try again."
            )
        time_ms = clock.place(raw_ms)
        if time_ms > settings.max_seconds * 1000:
            raise too_long(time_ms / 1000, settings)
        repeated += previous is not None and _identical(previous, rgb)
        previous = rgb
        times.append(time_ms)
        yield Frame(index=len(times) - 1, time_ms=time_ms, rgb=rgb)
    yield source.describe(np.asarray(times, dtype=np.float64), repeated, clock.repaired)


def _put(out: queue.Queue[Any], item: object, stop: threading.Event) -> bool:
    """True when ``item`` was taken, False when the consumer has gone."""
    while not stop.is_set():
        with contextlib.suppress(queue.Full):
            out.put(item, timeout=0.1)
            return True
    return False


def _identical(a: Image, b: Image) -> bool:
    """True where two pictures agree in every bit; a look at a few pixels settles nearly all cases."""
    if a.shape != b.shape or not np.array_equal(a[::61, ::61], b[::61, ::61]):
        return False
    return all(np.array_equal(a[row : row + 64], b[row : row + 64]) for row in range(0, len(a), 64))
