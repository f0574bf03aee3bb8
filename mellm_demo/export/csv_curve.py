"""The curve of the analysed face as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np

from mellm_demo.export import plain
from mellm_demo.records import Analysis, BoolArray, FloatArray, Span


def to_csv(analysis: Analysis) -> str:
    """The per-frame motion curve of the analysed face, one row for every frame in which it was followed.

    Columns: ``time_ms`` (from the clip's first frame), ``frame`` (index in the clip, from 0), ``segment``
    (displacements compare only within one), ``usable``, ``blink``, ``speech``, ``head_turn`` (0 or 1), ``phase``
    (``onset``: on the way to the apex; ``offset``: on the way back; empty elsewhere), ``energy_px`` (largest
    displacement of a region from its rest, lids left out), ``noise_floor_px``, ``eye_openness_right``,
    ``eye_openness_left`` (aspect ratio), ``mouth_opening`` (lip gap / interocular distance), ``head_speed_px_s``,
    ``rigid_residual_px``, then for every region ``<key>_dx_px``, ``<key>_dy_px`` (displacement since the segment's
    first frame, y down) and ``<key>_energy_px`` (displacement from the local rest). Pixels are those of the 256 px
    crop; left and right are the subject's. An empty cell is a number that could not be measured. Commas, a point for
    decimals, ``\\n`` ends a line.
    """
    curve, spotting = analysis.curve, analysis.spotting
    columns: dict[str, Iterable[object]] = {
        "time_ms": _cells(curve.times_ms, plain.TIME_DIGITS),
        "frame": (int(index) for index in analysis.face.frame_indices),
        "segment": (int(segment) for segment in curve.segment),
        "usable": (int(usable) for usable in curve.usable),
        **{
            name: (int(flag) for flag in _inside(curve.times_ms, spotting.spans, kind))
            for name, kind in (("blink", "blink"), ("speech", "speech"), ("head_turn", "head"))
        },
        "phase": _phases(analysis),
        "energy_px": _cells(spotting.energy_px, plain.PX_DIGITS),
        "noise_floor_px": _cells([spotting.noise_floor_px] * len(curve.times_ms), plain.PX_DIGITS),
        "eye_openness_right": _cells(curve.eye_openness[:, 0], plain.PX_DIGITS),
        "eye_openness_left": _cells(curve.eye_openness[:, 1], plain.PX_DIGITS),
        "mouth_opening": _cells(curve.mouth_opening, plain.PX_DIGITS),
        "head_speed_px_s": _cells(curve.head_speed_px_s, plain.PX_DIGITS),
        "rigid_residual_px": _cells(curve.rigid_residual_px, plain.PX_DIGITS),
    }
    for row, key in enumerate(curve.regions):
        columns[f"{key}_dx_px"] = _cells(curve.displacement_px[:, row, 0], plain.PX_DIGITS)
        columns[f"{key}_dy_px"] = _cells(curve.displacement_px[:, row, 1], plain.PX_DIGITS)
        columns[f"{key}_energy_px"] = _cells(spotting.region_energy_px[:, row], plain.PX_DIGITS)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _cells(values: Iterable[float], digits: int) -> Iterable[object]:
    numbers = (plain.number(value, digits) for value in values)
    return ("" if number is None else number for number in numbers)


def _inside(times_ms: FloatArray, spans: Iterable[Span], kind: str) -> BoolArray:
    """Which of the times lie in a span of this kind, both ends counted in."""
    flags = np.zeros(len(times_ms), bool)
    for span in spans:
        if span.kind == kind:
            flags |= (times_ms >= span.start_ms) & (times_ms <= span.end_ms)
    return flags


def _phases(analysis: Analysis) -> list[str]:
    phases = [""] * len(analysis.curve.times_ms)
    if analysis.moment:
        interval = analysis.moment.interval
        phases[interval.onset : interval.apex + 1] = ["onset"] * (interval.apex + 1 - interval.onset)
        phases[interval.apex + 1 : interval.offset + 1] = ["offset"] * (interval.offset - interval.apex)
    return phases
