"""Why a clip shows nothing reliable, in sentences for the user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mellm_demo import facs
from mellm_demo.records import FloatArray, Interval, MotionCurve, Span
from mellm_demo.spotting.intervals import EYES_CLOSED, IN_BLINK, IN_HEAD_TURN, IN_SPEECH, doubtful
from mellm_demo.spotting.measures import MICRO_MS, MIN_FRAMES, MIN_ROWS, lids_among
from mellm_demo.spotting.paths import stretches_of


def reasons_of(
    curve: MotionCurve,
    candidates: Sequence[Interval],
    spans: Sequence[Span],
    energy: FloatArray,
    floor: FloatArray,
) -> tuple[str, ...]:
    """Why there is no reliable candidate; empty where there is one."""
    if any(doubtful(interval) is None for interval in candidates):
        return ()
    rows = len(curve.times_ms)
    if rows < MIN_ROWS:
        return (
            f"The face was followed in only {rows} frames; at least {MIN_ROWS} are needed to tell motion from noise.",
        )
    reasons = []
    usable = float(curve.usable.mean())
    if usable < 0.5:
        reasons.append(f"The face could be measured in only {100 * usable:.0f} % of the frames.")
    if not any(True for _ in stretches_of(curve)):
        return (*reasons, f"There is no stretch of {MIN_ROWS} frames in a row in which the face can be measured.")
    step = float(np.median(np.diff(curve.times_ms)))
    if MIN_FRAMES * step > MICRO_MS:
        reasons.append(
            f"At {1000.0 / step:.1f} frames/s nothing shorter than {MIN_FRAMES * step:.0f} ms can be seen, "
            "which is longer than any micro-expression."
        )
    doubts = {doubt for interval in candidates if (doubt := doubtful(interval))}
    if IN_BLINK in doubts:
        reasons.append("The only movements near the eyes coincide with blinks.")
    if EYES_CLOSED in doubts:
        reasons.append("The only movements near the eyes are those of closed eyes that open.")
    if IN_SPEECH in doubts:
        reasons.append("The mouth moves only while speaking or chewing, which says nothing about expression.")
    if IN_HEAD_TURN in doubts:
        reasons.append("The only movements fall into fast head motion, from which they cannot be told apart.")
    if not doubts:
        seen = (
            ~lids_among(curve.regions)
            if (~lids_among(curve.regions)).any()
            else np.ones(len(curve.regions), dtype=np.bool_)
        )
        ratio = np.where(seen, energy / floor, 0.0)
        _, region = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        known = facs.REGION_BY_KEY[curve.regions[int(region)]]
        place = f"{known.side} {known.name}" if known.side else known.name
        largest, noise = float(energy[:, region].max()), float(floor[region])
        fate = (
            f"stays under this clip's noise ({noise:.1f} px there)."
            if largest <= noise
            else f"is not clear of this clip's noise ({noise:.1f} px there) or does not come and go like an expression."
        )
        reasons.append(f"The largest movement ({largest:.1f} px at the {place}) {fate}")
        if any(span.kind == "blink" for span in spans):
            reasons.append("Blinks were left out: they move the lids and drag brows and cheeks along.")
    return tuple(reasons)
