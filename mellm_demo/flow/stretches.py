"""Which frames are measured against which: stretches without gaps, and their keyframes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mellm_demo.flow.landmarks import eye_openness
from mellm_demo.records import BoolArray, FaceTrack, Float32Array

KEYFRAME_MS = 1000.0
KEYFRAME_MIN_ROWS = 6
KEYFRAME_TURN_DEG = 4.0  # beyond this the same skin looks different
KEYFRAME_SHIFT_PX = 5.0
KEYFRAME_OPEN = 0.93  # of the usual eye aspect ratio
KEYFRAME_WAIT_MS = 500.0  # longer than a blink
GAP_FRAMES = 3.5  # more missing frames than this and the face may have done anything meanwhile
GAP_MS = 60.0  # never a gap below this, at high frame rates


def segments_of(track: FaceTrack, usable: BoolArray) -> NDArray[np.int64]:
    """(T,) number of the segment; a new one begins after a gap and after unusable rows."""
    rows = len(track.times_ms)
    segment = np.zeros(rows, dtype=np.int64)
    if rows < 2:
        return segment
    steps = np.diff(track.times_ms)
    per_frame = np.median(steps / np.maximum(np.diff(track.frame_indices), 1))
    jump = (np.diff(track.frame_indices) > 1) & (steps > max(GAP_FRAMES * per_frame, GAP_MS))
    back = usable[1:] & ~usable[:-1]
    segment[1:] = np.cumsum(jump | back)
    return segment


def stretches_of(segment: NDArray[np.int64], usable: BoolArray) -> list[NDArray[np.int64]]:
    """The usable rows of every segment."""
    return [np.flatnonzero((segment == number) & usable) for number in np.unique(segment[usable])]


def keyframes_of(track: FaceTrack, stretch: NDArray[np.int64], anchor: Float32Array) -> list[int]:
    """Positions in ``stretch`` of the frames that the following ones are measured against; the first is 0.

    No keyframe is taken while the eyes are closed, if that can be waited for: open lids look different.
    """
    times, pose = track.times_ms[stretch], track.pose_deg[stretch]
    openness = eye_openness(track.landmarks[stretch]).mean(axis=1)
    opened = openness >= KEYFRAME_OPEN * np.median(openness)
    keys = [0]
    for position in range(1, len(stretch)):
        last = keys[-1]
        age = times[position] - times[last]
        turned = np.abs(pose[position] - pose[last]).max() > KEYFRAME_TURN_DEG
        shifted = np.abs(anchor[position] - anchor[last]).max() > KEYFRAME_SHIFT_PX
        due = position - last >= KEYFRAME_MIN_ROWS and (age >= KEYFRAME_MS or turned or shifted)
        if due and (opened[position] or age >= KEYFRAME_MS + KEYFRAME_WAIT_MS):
            keys.append(position)
    return keys
