"""Raw times → strictly rising ones, and how regular these are. It knows nothing about files."""

from __future__ import annotations

import numpy as np

from mellm_demo.records import FloatArray


class Clock:
    """Turns raw times into strictly rising ones that start at 0, leaving good ones as they are.

    A time that is missing is one step after the one before; a single one that is doubled or slightly early is half
    a step after it, so that the next one still fits. One that falls far back, does not rise again, or jumps further
    than any allowed clip is long, is a break: the frame goes one step on, and the following ones keep their distance
    from it until the raw times make sense again by themselves.
    """

    def __init__(self, step_ms: float, longest_gap_ms: float) -> None:
        self.repaired = 0
        self._step = step_ms
        self._longest_gap = longest_gap_ms
        self._first: float | None = None
        self._last: float | None = None
        self._shift = 0.0
        self._was_early = False

    def place(self, raw_ms: float | None) -> float:
        """The time (ms) of the next frame; None where its raw time is not known."""
        if raw_ms is not None and not np.isfinite(raw_ms):
            raw_ms = None
        if raw_ms is not None and self._first is None:
            self._first = raw_ms - (0.0 if self._last is None else self._last + self._step)
        self._last = self._next(None if raw_ms is None or self._first is None else raw_ms - self._first)
        return self._last

    def _next(self, time: float | None) -> float:
        last = self._last
        if last is None:
            self.repaired += time is None
            return 0.0
        if time is not None:
            for shift in (0.0, self._shift):
                if last < time + shift <= last + self._longest_gap:
                    self._shift = shift
                    self._was_early = False
                    return time + shift
        self.repaired += 1
        if time is None:
            return last + self._step
        if not self._was_early and last - 2 * self._step < time + self._shift <= last:
            self._was_early = True
            return last + self._step / 2
        self._shift = last + self._step - time
        return last + self._step


def regularity(times_ms: FloatArray, tick_ms: float = 0.0) -> tuple[float, float]:
    """Frame rate (frames/s) and jitter of strictly rising times ``(T,)`` in ms; (0, 0) for fewer than two.

    The rate is that of the median interval, refined by the mean of the intervals within one tick of it: containers
    that count whole milliseconds write 60 frames/s as 17, 16, 17 ms. The jitter is the mean deviation from that
    interval, as a share of it, where deviations within a tick count nothing and none counts for more than one
    interval: dropped frames show, one long pause does not drown everything.
    """
    if len(times_ms) < 2:
        return 0.0, 0.0
    intervals = np.diff(times_ms)
    middle = float(np.median(intervals))
    slack = tick_ms * 1.001 + 1e-6
    near = intervals[np.abs(intervals - middle) <= slack]
    period = float(near.mean()) if len(near) else middle
    deviation = np.abs(intervals - period)
    deviation[deviation <= slack] = 0.0
    return round(1000.0 / period, 6), float(np.minimum(deviation, period).mean() / period)
