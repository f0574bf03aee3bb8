"""What several steps of spotting go by: how long expressions last, and which regions belong together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mellm_demo import facs
from mellm_demo.records import BoolArray

MICRO_MS = 500.0  # up to half a second: the relaxed definition (Yan et al. 2013)
SHORTEST_MS = 40.0  # 1/25 s, the shortest expression that has been described
MIN_FRAMES = 3  # of the shortest event: onset, apex, offset
MIN_ROWS = 6  # fewer rows cannot show rest and an expression
MICRO_WINDOW_MS = 1400.0  # a micro-expression with rest on both sides
# Longer events are looked for in longer windows; beyond about 4 s they are postures, not expressions (Ekman 2003).
WINDOWS_MS = (MICRO_WINDOW_MS, 3000.0, 8000.0)
FLOOR_SIGMAS = 6.5  # of a single region: noise, which has heavier tails than Gauss's, does not reach this
LID_FLOOR_FACTOR = 1.6  # gaze moves the lids
MACRO_MIN_PX = 0.8  # slow motion below this is posture
LEAVE_SHARE = 0.10  # of the peak: where a region leaves rest
BLINK_CLOSED = 0.72  # of the open eye's aspect ratio: an eye that is closing
EYE_NEAR = ("inner brow", "outer brow", "cheek", "upper lid", "lower lid")
MOUTH = ("mouth corner", "upper lip", "lower lip", "chin", "nasolabial fold")
SPEAKING = (*MOUTH, "nostril wing")  # what speech moves


def lids_among(regions: Sequence[str]) -> BoolArray:
    """Which of ``regions`` (R keys) are eyelids, (R,) bool."""
    return np.array([facs.REGION_BY_KEY[key].lid for key in regions], dtype=np.bool_)


def named_among(regions: Sequence[str], names: Sequence[str]) -> BoolArray:
    """Which of ``regions`` (R keys) have one of ``names``, on either side, (R,) bool."""
    return np.array([facs.REGION_BY_KEY[key].name in names for key in regions], dtype=np.bool_)
