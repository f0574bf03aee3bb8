"""How well moments are found: faces × action units × frame rates with known truth, through the whole pipeline.

Every clip holds one expression (or none), head motion, at times a blink, noise and H.264; nothing but the clip reaches
the analysis. What counts, per clip:

apex      the best candidate's apex lies within max(1 frame, 33 ms) of the true one (or of its hold)
interval  the best candidate overlaps the true onset–offset with an intersection over union of 0.5 or more
kind      micro or macro is told as it was
alarm     a clip without expression has a candidate
A clip in which nothing is found misses all three. Deterministic; at most two processes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from mellm_demo.errors import InputError, MellmError
from mellm_demo.records import BothSides
from mellm_demo.settings import Settings
from mellm_demo.training.clips import faces_folder, film_and_analyse, find_faces, picture_of
from mellm_demo.training.synthesis import ACTION_UNITS, Blink, ClipSpec, Event, Head, Movement

AMPLITUDES_PX = (1.5, 0.75)  # of the 256 px crop, at the apex
RATES = (30.0, 60.0, 100.0, 200.0)
APEX_TOLERANCE_MS = 33.0
IOU_WANTED = 0.5
MACRO_SHARE = 0.25  # of the clips with an expression
ONE_SIDED_SHARE = 0.2
BLINK_SHARE = 0.4
SECONDS = 2.4
PROCESSES = 2
SMALL_CLIPS = 15  # drawn for each amplitude when no more is asked for: every unit once
LEAST_STILL = 12  # clips without expression


@dataclass(frozen=True)
class Case:
    """One clip to make and analyse. ``au`` 0: no expression."""

    face: str  # a picture's path, or "" for the astronaut
    au: int
    fps: float
    amplitude_px: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What came of one case. Times in ms; None where nothing was found."""

    face: str  # file name
    au: int
    side: BothSides
    fps: float
    amplitude_px: float
    blink: bool
    true_kind: str  # "micro", "macro" or "none"
    true_ms: tuple[float, float, float] | None  # onset, apex, offset
    hold_ms: float
    found_ms: tuple[float, float, float] | None
    found_kind: str | None
    candidates: int
    apex_error_ms: float | None
    iou: float | None
    sentence: str  # why nothing was found, or could be

    @property
    def apex_hit(self) -> bool:
        return self.apex_error_ms is not None and self.apex_error_ms <= max(1000.0 / self.fps, APEX_TOLERANCE_MS) + 1e-6

    @property
    def interval_hit(self) -> bool:
        return self.iou is not None and self.iou >= IOU_WANTED

    @property
    def kind_hit(self) -> bool:
        return self.found_kind == self.true_kind


def spec_of(case: Case) -> ClipSpec:
    """The clip of a case: all that is not in the case is drawn by its seed."""
    random = np.random.default_rng([case.seed, case.au, round(case.fps), round(100 * case.amplitude_px)])
    head = Head(
        drift_px=random.uniform(0.5, 4.0),
        roll_deg=random.uniform(0.2, 1.5),
        scale=random.uniform(0.0, 0.008),
        yaw_deg=random.uniform(0.0, 1.5),
        pitch_deg=random.uniform(0.0, 1.0),
    )
    event = _event(case, random) if case.au else None
    blinks: tuple[Blink, ...] = ()
    if random.random() < (BLINK_SHARE if case.au else 0.75):
        # Anywhere, the expression included: people blink when they like.
        blinks = (Blink(random.uniform(100.0, 1000.0 * SECONDS - 400.0), random.uniform(120.0, 300.0)),)
    return ClipSpec(
        fps=case.fps,
        seconds=SECONDS,
        width=480,
        height=480,
        eye_distance_px=float(random.uniform(112.0, 150.0)),
        events=(event,) if event else (),
        blinks=blinks,
        head=head,
        background="still" if random.random() < 0.5 else "with the head",
        lighting=float(random.uniform(0.0, 0.03)),
        noise=float(random.uniform(0.8, 2.5)),
        seed=case.seed,
    )


def _event(case: Case, random: np.random.Generator) -> Event:
    side: BothSides = "both"
    if random.random() < ONE_SIDED_SHARE:
        side = "left" if random.random() < 0.5 else "right"
    onset = random.uniform(450.0, 800.0)
    if random.random() < MACRO_SHARE:
        rise, hold, fall = random.uniform(250.0, 400.0), random.uniform(0.0, 200.0), random.uniform(350.0, 550.0)
    else:  # 0.2 … 0.5 s, the apex at 30 to 45 % of it (data of CAS(ME)^3: 30 % in the median)
        whole = random.uniform(200.0, 480.0)
        rise = whole * random.uniform(0.3, 0.45)
        hold, fall = 0.0, whole - rise
    apex = onset + rise
    return Event(onset, apex, apex + hold + fall, (Movement(case.au, side),), case.amplitude_px, hold)


def run_case(case: Case, settings: Settings | None = None) -> Outcome:
    """Make the clip, analyse it, compare. Deterministic but for a decoder's or landmarker's own freedom."""
    spec = spec_of(case)
    try:
        analysis = film_and_analyse(picture_of(case.face), spec, crf=20, settings=settings)
        candidates, sentence = analysis.spotting.candidates, " ".join(analysis.reasons[:1])
    except InputError as error:
        candidates, sentence = (), str(error)
    best = candidates[0] if candidates else None
    event = spec.events[0] if spec.events else None
    found = (best.onset_ms, best.apex_ms, best.offset_ms) if best else None
    return Outcome(
        face=Path(case.face).name or "astronaut",
        au=case.au,
        side=event.movements[0].side if event else "both",
        fps=case.fps,
        amplitude_px=case.amplitude_px if event else 0.0,
        blink=bool(spec.blinks),
        true_kind=event.kind if event else "none",
        true_ms=(event.onset_ms, event.apex_ms, event.offset_ms) if event else None,
        hold_ms=event.hold_ms if event else 0.0,
        found_ms=found,
        found_kind=best.kind if best else None,
        candidates=len(candidates),
        apex_error_ms=_apex_error(event, found) if event and found else None,
        iou=_overlap((event.onset_ms, event.offset_ms), (found[0], found[2])) if event and found else None,
        sentence=sentence,
    )


def _apex_error(event: Event, found: tuple[float, float, float]) -> float:
    """ms from the apex, 0 anywhere in its hold."""
    return max(event.apex_ms - found[1], found[1] - (event.apex_ms + event.hold_ms), 0.0)


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union of two spans."""
    shared = max(min(a[1], b[1]) - max(a[0], b[0]), 0.0)
    return shared / max(max(a[1], b[1]) - min(a[0], b[0]), 1e-9)


def cases_of(faces: Sequence[str], amplitudes: Sequence[float], limit: int | None, seed: int = 0) -> list[Case]:
    """Faces × units × rates at every amplitude, and clips without expression: half as many as one amplitude has.

    ``limit``: clips per amplitude, drawn evenly over units and rates; None: all combinations.
    """
    random = np.random.default_rng(seed)
    combined = list(product(faces, ACTION_UNITS, RATES))
    if limit is not None and limit < len(combined):
        pairs = [(au, rate) for rate in RATES for au in ACTION_UNITS]
        drawn = _evenly([pairs[i] for i in random.permutation(len(pairs))], limit)
        combined = [(faces[int(random.integers(len(faces)))], au, rate) for au, rate in drawn]
    cases = [
        Case(face, au, rate, amplitude, seed + index)
        for amplitude in amplitudes
        for index, (face, au, rate) in enumerate(combined)
    ]
    still = max(len(combined) // 2, LEAST_STILL)
    cases += [
        Case(faces[int(random.integers(len(faces)))], 0, RATES[index % len(RATES)], 0.0, seed + 10_000 + index)
        for index in range(still)
    ]
    return cases


def _evenly(pairs: Sequence[tuple[int, float]], count: int) -> list[tuple[int, float]]:
    """``count`` pairs; units and rates come up as equally often as can be."""
    left = list(pairs)
    chosen: list[tuple[int, float]] = []
    for _ in range(count):
        if not left:
            left = list(pairs)
        chosen_aus, chosen_rates = [pair[0] for pair in chosen], [pair[1] for pair in chosen]
        best = min(left, key=lambda pair: (chosen_aus.count(pair[0]), chosen_rates.count(pair[1])))
        left.remove(best)
        chosen.append(best)
    return chosen


# ------------------------------------------------------------------------------------------ report


def summary(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Shares per amplitude (all, by unit, by rate, by kind, with a blink) and of false alarms."""
    outcomes = list(outcomes)
    shown = [outcome for outcome in outcomes if outcome.au]
    still = [outcome for outcome in outcomes if not outcome.au]
    report: dict[str, Any] = {"amplitudes": {}}
    for amplitude in sorted({outcome.amplitude_px for outcome in shown}, reverse=True):
        these = [outcome for outcome in shown if outcome.amplitude_px == amplitude]
        report["amplitudes"][f"{amplitude:g}"] = {
            "all": _shares(these),
            "by_au": {str(au): _shares([o for o in these if o.au == au]) for au in sorted({o.au for o in these})},
            "by_fps": {f"{r:g}": _shares([o for o in these if o.fps == r]) for r in sorted({o.fps for o in these})},
            "by_kind": {k: _shares([o for o in these if o.true_kind == k]) for k in ("micro", "macro")},
            "by_blink": {str(b): _shares([o for o in these if o.blink is b]) for b in (False, True)},
            "by_side": {s: _shares([o for o in these if (o.side == "both") is (s == "both")]) for s in ("both", "one")},
        }
    alarms = sum(outcome.candidates > 0 for outcome in still)
    report["without_expression"] = {
        "clips": len(still),
        "false_alarms": alarms,
        "share": alarms / len(still) if still else None,
        "by_fps": {f"{r:g}": _alarm_share([o for o in still if o.fps == r]) for r in sorted({o.fps for o in still})},
    }
    return report


def _shares(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    if not outcomes:
        return {"clips": 0, "found": None, "apex": None, "interval": None, "kind": None}
    return {
        "clips": len(outcomes),
        "found": float(np.mean([outcome.candidates > 0 for outcome in outcomes])),
        "apex": float(np.mean([outcome.apex_hit for outcome in outcomes])),
        "interval": float(np.mean([outcome.interval_hit for outcome in outcomes])),
        "kind": float(np.mean([outcome.kind_hit for outcome in outcomes])),
    }


def _alarm_share(outcomes: Sequence[Outcome]) -> float:
    return float(np.mean([outcome.candidates > 0 for outcome in outcomes]))


def as_text(report: dict[str, Any]) -> str:
    """The report as a table to read."""
    lines = []
    for amplitude, parts in report["amplitudes"].items():
        lines += [f"{amplitude} px peak", f"{'':>14} {'clips':>6} {'found':>7} {'apex':>7} {'IoU≥.5':>7} {'kind':>7}"]
        rows = [("all", parts["all"])]
        for group, title in (
            ("by_fps", "fps"),
            ("by_kind", ""),
            ("by_side", "side"),
            ("by_blink", "blink"),
            ("by_au", "AU"),
        ):
            rows += [(f"{title} {key}".strip(), values) for key, values in parts[group].items() if values["clips"]]
        for name, values in rows:
            shares = " ".join(f"{100 * values[key]:6.1f}%" for key in ("found", "apex", "interval", "kind"))
            lines.append(f"{name:>14} {values['clips']:>6} {shares}")
        lines.append("")
    still = report["without_expression"]
    if still["clips"]:
        lines.append(f"without expression: {still['false_alarms']} false alarms in {still['clips']} clips")
        lines.append(f"  by fps: {', '.join(f'{k}: {100 * v:.1f} %' for k, v in still['by_fps'].items())}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0, or 2 with a sentence where the faces cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m mellm_demo.training.benchmark_spotting", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--faces", type=Path, help="folder of pictures; $MELLM_DATA/faces, else the astronaut alone")
    parser.add_argument("--limit", type=int, default=SMALL_CLIPS, help="clips per amplitude (default: %(default)s)")
    parser.add_argument("--full", action="store_true", help="all faces × units × rates")
    parser.add_argument(
        "--amplitudes", type=float, nargs="+", default=list(AMPLITUDES_PX), help="px of the 256 px crop"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=PROCESSES, choices=range(1, PROCESSES + 1))
    parser.add_argument("--json", type=Path, help="every clip's outcome and the summary")
    arguments = parser.parse_args(argv)
    try:
        faces = find_faces(faces_folder(arguments.faces))
    except MellmError as error:
        parser.exit(2, f"{error}\n")
    cases = cases_of(faces, arguments.amplitudes, None if arguments.full else arguments.limit, arguments.seed)
    outcomes = []
    for outcome in _run(cases, arguments.processes):
        outcomes.append(outcome)
        print(f"\r{len(outcomes)}/{len(cases)} clips", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    report = summary(outcomes)
    print(as_text(report))
    if arguments.json:
        content = {"summary": report, "clips": [asdict(outcome) for outcome in outcomes]}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return 0


def _run(cases: Sequence[Case], processes: int) -> Iterable[Outcome]:
    if processes == 1:
        yield from map(run_case, cases)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(run_case, cases)


if __name__ == "__main__":
    raise SystemExit(main())
