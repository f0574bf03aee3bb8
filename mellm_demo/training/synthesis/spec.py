"""What is to be rendered: expressions, blinks, the head, and the clip that holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from mellm_demo.errors import InputError
from mellm_demo.records import BothSides, FloatArray
from mellm_demo.training.synthesis.geometry import smoothstep

Background = Literal["with the head", "still"]
MICRO_MS = 500.0  # longer is a macro-expression


@dataclass(frozen=True)
class Movement:
    """One action unit's part in an event."""

    au: int
    side: BothSides = "both"
    weight: float = 1.0  # relative to the others of the event


@dataclass(frozen=True)
class Event:
    """One expression: rise, optional hold from the apex on, fall. Times in ms from the first frame."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    movements: tuple[Movement, ...]
    amplitude_px: float = 1.5  # mean displacement of the region that moves most, px of the 256 px crop, at the apex
    hold_ms: float = 0.0  # the apex lasts from apex_ms to apex_ms + hold_ms

    def __post_init__(self) -> None:
        if not self.onset_ms < self.apex_ms <= self.apex_ms + self.hold_ms < self.offset_ms:
            raise InputError(
                f"The times {self.onset_ms:g}, {self.apex_ms:g} (+ {self.hold_ms:g}), {self.offset_ms:g} ms "
                "do not rise. "
                "Give onset < apex + hold < offset."
            )

    @property
    def kind(self) -> Literal["micro", "macro"]:
        return "micro" if self.offset_ms - self.onset_ms <= MICRO_MS else "macro"

    def course(self, time_ms: float | FloatArray) -> FloatArray:
        """0..1 at ``time_ms``: minimum-jerk rise and fall, whose slope and bend are 0 at both ends."""
        rise = smoothstep((np.asarray(time_ms, np.float64) - self.onset_ms) / (self.apex_ms - self.onset_ms))
        held = self.apex_ms + self.hold_ms
        fall = smoothstep((np.asarray(time_ms, np.float64) - held) / (self.offset_ms - held))
        return rise * (1.0 - fall)


@dataclass(frozen=True)
class Blink:
    """Both lids (or one) close for ``closed_share`` of the middle of ``duration_ms``, fully at ``depth`` = 1."""

    start_ms: float
    duration_ms: float = 200.0
    depth: float = 1.0
    side: BothSides = "both"

    def course(self, time_ms: float) -> float:
        """0 open … depth. Closing takes a third, opening two thirds, as in spontaneous blinks."""
        share = (time_ms - self.start_ms) / self.duration_ms
        closing, opening = smoothstep(share / 0.38), smoothstep((share - 0.45) / 0.55)
        return float(self.depth * closing * (1.0 - opening))


@dataclass(frozen=True)
class Head:
    """Slow head motion: a sum of a few slow sines for each degree of freedom; the largest excursions."""

    drift_px: float = 0.0  # px of the crop
    roll_deg: float = 0.0
    scale: float = 0.0  # 0.01: one per cent nearer and farther
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    slowest_hz: float = 0.15
    fastest_hz: float = 0.7

    @property
    def moves(self) -> bool:
        return any((self.drift_px, self.roll_deg, self.scale, self.yaw_deg, self.pitch_deg))


@dataclass(frozen=True)
class ClipSpec:
    """All that a clip is made of; the same spec and picture give the same frames."""

    fps: float = 60.0
    seconds: float = 2.0
    width: int = 480
    height: int = 480
    eye_distance_px: float = 150.0  # outer eye corner to outer eye corner, in the frame
    events: tuple[Event, ...] = ()
    blinks: tuple[Blink, ...] = ()
    head: Head = Head()
    background: Background = "with the head"
    lighting: float = 0.0  # largest change of brightness, as a share
    noise: float = (
        1.5  # standard deviation of the sensor noise at middle gray, gray levels; its variance grows with light
    )
    seed: int = 0

    def __post_init__(self) -> None:
        if self.fps <= 0 or self.frame_count < 2:
            raise InputError(f"{self.seconds:g} s at {self.fps:g} frames/s is no clip. Ask for two frames at least.")
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 64:
            raise InputError(f"{self.width} × {self.height} px cannot be encoded. Give even sides of 64 px or more.")
        if self.background not in get_args(Background):
            raise InputError(
                f"The background cannot be “{self.background}”. Choose {' or '.join(get_args(Background))}."
            )

    @property
    def frame_count(self) -> int:
        return round(self.seconds * self.fps)

    def time_ms(self, index: int) -> float:
        return 1000.0 * index / self.fps
