"""What is true of a clip, and how it is written down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mellm_demo.training.synthesis.spec import Movement


@dataclass(frozen=True)
class TrueEvent:
    """One expression as it was rendered. Times in ms from the first frame."""

    onset_ms: float
    apex_ms: float
    offset_ms: float
    hold_ms: float
    kind: Literal["micro", "macro"]
    amplitude_px: float  # px of the crop, at the apex
    movements: tuple[Movement, ...]
    regions: dict[str, tuple[float, float]]  # key of facs.REGIONS → mean (u, v) at the apex, px of the crop


@dataclass(frozen=True)
class Truth:
    """What happens in a clip. The flows (onset → apex, expression alone, crop framing) lie beside it as .npz."""

    fps: float
    frame_count: int
    width: int
    height: int
    events: tuple[TrueEvent, ...]
    blinks: tuple[tuple[float, float, str], ...]  # start ms, end ms, side
    head: dict[str, float]
    seed: int
    crop_from_frame: tuple[tuple[float, float, float], tuple[float, float, float]]  # of the rest frame: px → crop px

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Truth:
        raw: dict[str, Any] = json.loads(text)
        events = tuple(
            TrueEvent(
                **{
                    **event,
                    "movements": tuple(Movement(**movement) for movement in event["movements"]),
                    "regions": {key: (float(u), float(v)) for key, (u, v) in event["regions"].items()},
                }
            )
            for event in raw["events"]
        )
        rows = [tuple(map(float, row)) for row in raw["crop_from_frame"]]
        blinks = tuple((float(a), float(b), str(side)) for a, b, side in raw["blinks"])
        return cls(**{**raw, "events": events, "blinks": blinks, "crop_from_frame": (rows[0], rows[1])})
