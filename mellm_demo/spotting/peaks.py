"""Peaks of single regions that stand out of their noise: where it pays to look at all regions together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mellm_demo.records import FloatArray
from mellm_demo.spotting.measures import FLOOR_SIGMAS, LID_FLOOR_FACTOR, MACRO_MIN_PX, WINDOWS_MS
from mellm_demo.spotting.noise import Noise
from mellm_demo.spotting.paths import Paths

WINDOW_SHARE = 0.7  # of the whole rise must lie inside a window, or the event belongs into a longer one
CUT_OFF_MS = 250.0  # before the end of the clip
CUT_OFF_SHARE = 0.4  # of the stretch at most, or nobody knows which of the two is rest
RISE_MS = (30.0, 1000.0)  # skin does not jump, and expressions do not creep
SEED_SHARE = 0.75  # of the floor: where it pays to look at all regions together
EDGE_FLOOR_FACTOR = 2.0  # an event that the clip cuts off has shown only one side
DIRECTIONS = 8


@dataclass(frozen=True)
class Peak:
    """The displacement of one region, largest for the moment."""

    index: int  # on the even grid
    region: int
    height: float  # over the floor of its direction
    window_ms: float
    edge: bool = False  # the stretch ends before it comes back


def peaks_of(paths: Paths, noise: Noise) -> list[Peak]:
    """Peaks of every region along eight directions that stand out of its noise, in a short and a long window."""
    from scipy.signal import find_peaks, peak_prominences

    angles = np.arange(DIRECTIONS) * 2.0 * np.pi / DIRECTIONS
    factor = np.where(paths.lid, LID_FLOOR_FACTOR, 1.0)
    lengths = [max(3, round(window / paths.step)) for window in WINDOWS_MS]
    peaks = []
    for angle in angles:
        way = np.array([np.cos(angle), np.sin(angle)])
        along = paths.smooth @ way  # (N, R)
        floor = FLOOR_SIGMAS * factor * np.sqrt(np.einsum("i,rij,j->r", way, noise.sigma, way))
        slow_floor = FLOOR_SIGMAS * factor * np.sqrt(np.einsum("i,rij,j->r", way, noise.slow, way))
        for region in range(along.shape[1]):
            signal = along[:, region]
            at, _ = find_peaks(signal)
            if len(at):
                rises = np.stack([peak_prominences(signal, at, wlen=length)[0] for length in lengths])
                scale = np.argmax(rises >= WINDOW_SHARE * rises[-1], axis=0)  # the shortest that holds most of it
                height = rises[scale, np.arange(len(at))] / np.where(scale == 0, floor[region], slow_floor[region])
                peaks += [
                    Peak(int(at[k]), region, float(height[k]), WINDOWS_MS[scale[k]])
                    for k in np.flatnonzero(height >= SEED_SHARE)
                ]
            peaks += _cut_off(signal, region, EDGE_FLOOR_FACTOR * slow_floor[region], lengths[-1] // 2, paths.step)
    return peaks


def _cut_off(signal: FloatArray, region: int, floor: float, reach: int, step: float) -> list[Peak]:
    """The rise to a peak at which the stretch ends, if there is one."""
    last = max(1, round(CUT_OFF_MS / step))
    if len(signal) < 2 * last:
        return []
    top = len(signal) - 1 - int(np.argmax(signal[: -last - 1 : -1]))
    before = signal[max(0, top - reach) : top + 1]
    base = float(before.min())
    rise = signal[top] - base
    if rise < max(floor, MACRO_MIN_PX) or signal[top] < before.max():
        return []
    # Rest is where the region is most of the time: else this is the way back to it, or a lasting change of place.
    up = signal - base > 0.5 * rise
    if np.median(signal) - base > 0.3 * rise or up.mean() > CUT_OFF_SHARE or not up[top:].all():
        return []
    begun = np.flatnonzero(signal[: top + 1] - base <= 0.2 * rise)[-1]
    done = begun + np.argmax(signal[begun : top + 1] - base >= 0.8 * rise)
    if done - begun < 2 or not RISE_MS[0] <= (done - begun) * step <= RISE_MS[1]:
        return []
    return [Peak(top, region, float(rise / floor), WINDOWS_MS[-1], edge=True)]
