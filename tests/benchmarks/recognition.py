"""Time that the trained head takes after the flow: cutting the corpora's crop, and reading it. One pair at a time.

``python tests/benchmarks/recognition.py``  The pair is a synthetic smile on the astronaut; time is that of the process.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mellm_demo import flow
from mellm_demo.face import follow_faces
from mellm_demo.recognition import network
from mellm_demo.recognition.crop import corpus_crop
from mellm_demo.records import Frame
from mellm_demo.settings import Settings
from mellm_demo.training.synthesis import ClipSpec, Event, Movement, Scene, portrait

ROUNDS = 200
ALLOWED_MS = 5.0


def main() -> None:
    """Prints medians and 95th percentiles in ms."""
    event = Event(0.0, 100.0, 200.0, (Movement(12),), 1.5)
    scene = Scene(portrait(), ClipSpec(fps=30.0, seconds=0.2, events=(event,)))
    frames = [Frame(index, 1000.0 * index / 30.0, rgb) for index, rgb in enumerate(scene.frames())]
    track = follow_faces(iter(frames), Settings()).tracks[0]
    residual = flow.remove_head_motion(flow.tvl1(track.gray[0], track.gray[3]), track.reference_landmarks)
    head = network.load()
    spent: dict[str, list[float]] = {"crop": [], "head": [], "both": []}
    for _ in range(ROUNDS):
        started = time.process_time()
        crop = corpus_crop(residual, track.landmarks[0])
        cut = time.process_time()
        network.read(crop[None], head)
        done = time.process_time()
        for name, seconds in (("crop", cut - started), ("head", done - cut), ("both", done - started)):
            spent[name].append(1000.0 * seconds)
    for name, values in spent.items():
        print(f"{name:>5}: median {np.median(values):.2f} ms, 95 % under {np.percentile(values, 95):.2f} ms")
    kept = np.median(spent["both"]) <= ALLOWED_MS
    print(f"{'within' if kept else 'beyond'} the {ALLOWED_MS:g} ms that a pair may take")


if __name__ == "__main__":
    main()
