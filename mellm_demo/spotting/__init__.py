"""Where in time a face expressed something: onset, apex, offset of every candidate, a noise floor, and reasons.

Works on the displacement trajectories of a MotionCurve alone, with true timestamps; knows no pixels. An expression is
a stretch in which regions leave their rest and come back, so what counts is the prominence of a trajectory's peak over
both of its sides, which slow drift and lasting changes of place do not have. The apex lies in the top of displacement,
a third of the way through it, and not where motion is fastest.
"""

from __future__ import annotations

import numpy as np

from mellm_demo.records import MotionCurve, Spotting
from mellm_demo.spotting.events import Event, find_events, rest_energy
from mellm_demo.spotting.intervals import interval_from_user, interval_of, ranked
from mellm_demo.spotting.measures import lids_among
from mellm_demo.spotting.noise import FLOOR_MIN_PX, joined_floor, noise_of
from mellm_demo.spotting.paths import check_curve, paths_of, stretches_of
from mellm_demo.spotting.reasons import reasons_of
from mellm_demo.spotting.spans import find_spans

__all__ = ["interval_from_user", "spot"]


def spot(curve: MotionCurve) -> Spotting:
    """Every candidate expression of ``curve``, best first, or the reasons why there is none.

    Raises InputError where times are not finite and rising or the arrays do not belong together.
    """
    check_curve(curve)
    spans = find_spans(curve)
    rows, count = len(curve.times_ms), len(curve.regions)
    energy, floors = np.zeros((rows, count)), []
    found: list[Event] = []
    for stretch in stretches_of(curve):
        paths = paths_of(curve, stretch, spans)
        noise = noise_of(paths)
        events = find_events(paths, noise)
        energy[stretch] = rest_energy(paths, events, curve.times_ms[stretch])
        floors.append((len(stretch), noise.floor))
        found += events
    region_floor = joined_floor(floors, count)
    seen = ~lids_among(curve.regions)
    floor = float(np.median(region_floor[seen])) if seen.any() else float(FLOOR_MIN_PX)
    # A region that is noisier than the clip counts accordingly less, so that one line can be the floor of them all.
    share = np.minimum(1.0, floor / np.maximum(region_floor, 1e-6))
    total = (energy * share)[:, seen].max(axis=1) if seen.any() else np.zeros(rows)
    candidates = ranked([interval_of(curve, event, spans) for event in found])
    return Spotting(
        energy_px=total.astype(np.float32),
        noise_floor_px=floor,
        region_energy_px=energy.astype(np.float32),
        region_floor_px=region_floor.astype(np.float32),
        candidates=candidates,
        spans=spans,
        reasons=reasons_of(curve, candidates, spans, energy, region_floor),
    )
