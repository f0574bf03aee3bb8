"""What the stage shows: pictures of one moment as data URIs. Analysis in, JSON-ready payload out; nothing is written.

Faces stay in memory: every picture travels inside the message to the page that asked for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from mellm_demo.records import Analysis, FaceTrack, Image
from mellm_demo.ui.fragments import alternative_text, milliseconds
from mellm_demo.ui.overlay import units_drawing
from mellm_demo.ui.pictures import data_uri, jpeg, png

ALPHA_DEFAULT, ALPHA_MAX = 8, 20
MAX_LOOP_FRAMES = 40  # two seconds at 20 frames/s: long intervals are thinned for the way to the browser
STRIP_FRAMES = 41  # around the frame that is looked at
WHEEL_PX = 240
ARROWS_PX = 512
LONG_CLIP_MS = 6000.0  # beyond, a moment of 200 ms is only a few pixels wide on the timeline of the whole clip
AROUND_MS = 1500.0  # what is shown before and after the moment then
PROPOSED_RISE_MS = 120.0  # where nothing was found: a typical micro-expression, to start from


@lru_cache(maxsize=4)
def wheel(*, dark: bool) -> str:
    """The colour wheel that explains the map."""
    from mellm_demo import motion_map

    return png(motion_map.legend(WHEEL_PX, dark=dark))


def stage_payload(analysis: Analysis) -> dict[str, Any]:
    """Onset, apex, map and legend of the chosen moment; where there is none, only how many frames there are."""
    moment = analysis.moment
    if moment is None:
        busiest = int(np.searchsorted(analysis.curve.times_ms, marks(analysis)["apex_ms"]))
        return {"key": f"{analysis.face.track_id}:none", "frames": len(analysis.face.times_ms), "apex_row": busiest}
    interval = moment.interval
    return {
        "key": f"{analysis.face.track_id}:{interval.onset}:{interval.apex}:{interval.offset}",
        "onset": _picture(analysis, jpeg(moment.onset_rgb), interval.onset_ms, "onset"),
        "apex": _picture(analysis, jpeg(moment.apex_rgb), interval.apex_ms, "apex"),
        "map": {
            "src": png(moment.motion_map),
            "arrows": png(_with_arrows(analysis)),
            "alt": alternative_text(
                analysis, "Motion map: hue is direction, brightness is relative magnitude.", interval
            ),
            "faint": not analysis.reliable,
        },
        "units": units_drawing(analysis),
        "wheel": {"light": wheel(dark=False), "dark": wheel(dark=True)},
        "alpha": ALPHA_DEFAULT,
        "alpha_max": ALPHA_MAX,
        "frames": len(analysis.face.times_ms),
        "apex_row": interval.apex,
    }


def _with_arrows(analysis: Analysis) -> Image:
    """The motion map enlarged, so that arrows drawn on it are thin, with an arrow wherever the noise is exceeded."""
    import cv2

    from mellm_demo import motion_map

    assert analysis.moment is not None
    large = cv2.resize(analysis.moment.motion_map, (ARROWS_PX, ARROWS_PX), interpolation=cv2.INTER_CUBIC)
    return motion_map.arrows(large, analysis.moment.residual, analysis.spotting.noise_floor_px)


def _picture(analysis: Analysis, src: str, time_ms: float, name: str) -> dict[str, Any]:
    assert analysis.moment is not None
    text = alternative_text(analysis, f"The face at the {name}.", analysis.moment.interval)
    return {"src": src, "time": milliseconds(time_ms), "ms": time_ms, "name": name, "alt": text}


def loop_payload(analysis: Analysis, frames: tuple[Image, ...], alpha: float) -> dict[str, Any]:
    """The magnified loop, thinned to what a browser plays smoothly."""
    assert analysis.moment is not None
    count = min(len(frames), MAX_LOOP_FRAMES)
    kept: list[int] = np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int)).tolist() if count else []
    interval = analysis.moment.interval
    return {
        "alpha": alpha,
        "frames": [jpeg(frames[i]) for i in kept],
        "alt": alternative_text(analysis, f"The movement amplified {alpha:g} times; not real.", interval),
        "span": f"{milliseconds(interval.onset_ms)} to {milliseconds(interval.offset_ms)}",
    }


def strip_payload(face: FaceTrack, row: int) -> dict[str, Any]:
    """The frames around one row, to step through."""
    last = len(face.times_ms) - 1
    row = min(max(row, 0), last)
    first = min(max(0, row - STRIP_FRAMES // 2), max(0, last - STRIP_FRAMES + 1))
    rows = range(first, min(first + STRIP_FRAMES, last + 1))
    return {
        "row": row,
        "first": first,
        "last": last,
        "frames": [data_uri(face.display_jpegs[i], "jpeg") for i in rows],
        "times_ms": [float(face.times_ms[i]) for i in rows],
        "times": [milliseconds(face.times_ms[i]) for i in rows],
    }


def marks(analysis: Analysis) -> dict[str, float]:
    """Where onset, apex and offset stand, in ms; where nothing was found, around the largest movement."""
    if analysis.moment is not None:
        interval = analysis.moment.interval
        return {"onset_ms": interval.onset_ms, "apex_ms": interval.apex_ms, "offset_ms": interval.offset_ms}
    times, last = analysis.curve.times_ms, len(analysis.curve.times_ms) - 1
    apex = min(max(int(np.argmax(analysis.spotting.energy_px)), 1), last)
    rows = np.searchsorted(times, (times[apex] - PROPOSED_RISE_MS, times[apex] + PROPOSED_RISE_MS))
    onset, offset = min(max(int(rows[0]), 0), apex - 1), min(max(int(rows[1]), apex), last)
    return {"onset_ms": float(times[onset]), "apex_ms": float(times[apex]), "offset_ms": float(times[offset])}


def window_ms(analysis: Analysis, *, whole: bool) -> tuple[float, float]:
    """The stretch of time that the timeline shows: all of a short clip, else the surroundings of the moment."""
    times = analysis.curve.times_ms
    first, last = float(times[0]), float(times[-1])
    if whole or last - first <= LONG_CLIP_MS:
        return first, last
    here = marks(analysis)
    start, end = here["onset_ms"] - AROUND_MS, here["offset_ms"] + AROUND_MS
    return max(first, start), min(last, end)


def moment_payload(analysis: Analysis, window: tuple[float, float]) -> dict[str, Any]:
    """Candidates as chips, the times that the sliders may stand at, and the stretch of time that they cover."""
    interval = analysis.moment.interval if analysis.moment else None
    times = analysis.curve.times_ms
    return {
        "candidates": [
            {
                "number": number,
                "label": f"{number + 1} · {candidate.kind} · {candidate.duration_ms:.0f} ms",
                "detail": f"apex at {milliseconds(candidate.apex_ms)}, {candidate.score:.1f} × the noise"
                + ("; " + "; ".join(candidate.warnings) if candidate.warnings else ""),
                "chosen": number == analysis.selected,
            }
            for number, candidate in enumerate(analysis.spotting.candidates)
        ],
        "times_ms": [round(float(when), 3) for when in times],
        **marks(analysis),
        "window_ms": list(window),
        "long": float(times[-1] - times[0]) > LONG_CLIP_MS,
        "whole": window == (float(times[0]), float(times[-1])),
        "set": interval is not None,
        "by_user": bool(interval and interval.by_user),
    }


def faces_payload(analysis: Analysis) -> dict[str, Any]:
    """Numbered thumbnails; the page shows them where there are at least two."""
    return {
        "chosen": analysis.face.track_id,
        "faces": [
            {"id": face.track_id, "src": jpeg(face.thumbnail), "seen": f"seen in {face.coverage:.0%} of the frames"}
            for face in analysis.faces
        ],
    }
