"""Which frames of a track are good enough to measure motion on."""

from __future__ import annotations

import numpy as np

from mellm_demo.records import BoolArray, FaceTrack
from mellm_demo.settings import Settings

DARK = 28.0  # mean gray level of a face below which its texture drowns in noise
BLURRED = 0.25  # sharpness relative to the clip's own median: motion blur or lost focus


def usable_frames(track: FaceTrack, settings: Settings) -> BoolArray:
    """(T,) frames on which motion can be measured: False only where pose, size, light, blur or framing forbid it."""
    usable: BoolArray = (
        facing_rows(track, settings)
        & (track.interocular_px >= settings.min_interocular_px)
        & ~dark_rows(track)
        & ~blurred_rows(track)
        & track.inside
    )
    return usable


def facing_rows(track: FaceTrack, settings: Settings) -> BoolArray:
    """(T,) frames in which the face looks towards the camera, within the limits of the settings."""
    facing: BoolArray = (np.abs(track.pose_deg[:, 0]) <= settings.max_yaw_deg) & (
        np.abs(track.pose_deg[:, 1]) <= settings.max_pitch_deg
    )
    return facing


def dark_rows(track: FaceTrack) -> BoolArray:
    """(T,) frames in which the face's texture drowns in noise."""
    dark: BoolArray = track.brightness < DARK
    return dark


def blurred_rows(track: FaceTrack) -> BoolArray:
    """(T,) frames much less sharp than the clip's typical one."""
    blurred: BoolArray = track.sharpness < BLURRED * np.median(track.sharpness)
    return blurred
