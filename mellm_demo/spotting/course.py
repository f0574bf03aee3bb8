"""Onset, apex and offset of one hump of a course over time."""

from __future__ import annotations

import numpy as np

from mellm_demo.records import FloatArray
from mellm_demo.spotting.measures import LEAVE_SHARE, MICRO_MS, MICRO_WINDOW_MS
from mellm_demo.spotting.paths import Paths
from mellm_demo.spotting.peaks import Peak

TOP_SHARE = 0.8  # of the peak: what lies above is its top, which tracking noise does not order
APEX_SHARE = 1.0 / 3.0  # of the top


def first_guess(paths: Paths, peak: Peak) -> tuple[int, int]:
    """Rest before and after the peak of one region: where its distance from the peak stops growing."""
    distance = np.hypot(*(paths.smooth[:, peak.region] - paths.smooth[peak.index, peak.region]).T)
    reach = max(2, round(0.5 * peak.window_ms / paths.step))
    low, high = max(0, peak.index - reach), min(len(distance) - 1, peak.index + reach)
    left, right = distance[low : peak.index + 1], distance[peak.index : high + 1]
    onset = low + int(np.flatnonzero(left >= 0.85 * left.max())[-1])
    offset = peak.index + int(np.flatnonzero(right >= 0.85 * right.max())[0])
    return onset, len(distance) - 1 if peak.edge else offset


def course_marks(
    course: FloatArray, near: int, deviation: float, step: float, window_ms: float
) -> tuple[int, int, int]:
    """Apex, onset and offset of the hump of ``course`` around ``near``."""
    brief = window_ms == MICRO_WINDOW_MS
    apex = _climb(course, near, max(1, round((0.5 * MICRO_MS if brief else 0.25 * window_ms) / step)))
    reach = max(2, round(0.5 * window_ms / step))
    low, high = max(0, apex - reach), min(len(course) - 1, apex + reach)
    higher = np.flatnonzero(course[low : high + 1] > course[apex]) + low
    before, after = higher[higher < apex], higher[higher > apex]
    low = int(before[-1]) if before.size else low
    high = int(after[0]) if after.size else high
    left = low + int(np.argmin(course[low : apex + 1]))
    right = apex + int(np.argmin(course[apex : high + 1]))
    return apex, _leave(course, apex, left, deviation), _leave(course, apex, right, deviation)


def top_of(course: FloatArray, onset: int, apex: int, offset: int) -> int:
    """The apex of a hump whose top may be flat: the highest point of it would be anywhere there, by noise.

    A third of the way from where the hump reaches its top fifth to where it leaves it, because expressions rise faster
    than they fall (in CAS(ME)^3 the apex lies at 30 % of the interval in the median); but no longer after the top is
    reached than the rise took, because an expression that is held has its apex where it begins to be held.
    """
    level = max(course[onset], course[offset])
    level += TOP_SHARE * (course[apex] - level)
    first = apex - int(np.argmax(course[onset : apex + 1][::-1] < level))
    last = apex + int(np.argmax(course[apex : offset + 1] < level))
    if first == apex or last == apex:
        return apex
    begins = first + (level - course[first]) / (course[first + 1] - course[first])
    ends = last - (level - course[last]) / (course[last - 1] - course[last])
    top = min(begins + APEX_SHARE * (ends - begins), begins + (begins - onset))
    return int(np.clip(round(top), onset + 1, offset - 1))


def _climb(course: FloatArray, near: int, reach: int) -> int:
    """The highest point around ``near`` that can be reached without going down by half."""
    best = near
    for direction in (-1, 1):
        lowest = course[near]
        for index in range(near, int(np.clip(near + direction * reach, 0, len(course) - 1)) + direction, direction):
            lowest = min(lowest, course[index])
            if course[index] > course[best]:
                best = index
            if lowest < 0.5 * course[best]:
                break
    return best


def _leave(course: FloatArray, apex: int, base: int, deviation: float) -> int:
    """The last point between ``base`` and ``apex`` at rest: below a share of the peak, or below noise."""
    rise = course[apex] - course[base]
    level = course[base] + min(max(LEAVE_SHARE * rise, deviation), 0.4 * rise)
    part = course[base : apex + 1] if base <= apex else course[apex : base + 1][::-1]
    below = np.flatnonzero(part <= level)
    steps = int(below[-1]) if below.size else 0
    return base + steps if base <= apex else base - steps
