"""Batches of maps, drawn ahead by other processes or in this one; the same batches either way, in the same order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mellm_demo.records import Float32Array, Image
from mellm_demo.training.embedded.stream import Example, Maps

AHEAD = 6  # batches that lie ready


@dataclass(frozen=True)
class Batch:
    """``images`` (B, 224, 224, 3), ``regions`` (B, R, 2), ``units`` (B, 2, U)."""

    images: Image
    regions: Float32Array
    units: NDArray[np.int8]


def batches(maps: Maps, first: int, size: int, workers: int) -> Generator[Batch]:
    """Endlessly, from the map of number ``first`` on. Close it, so that its processes end."""
    if workers < 1:
        while True:
            yield _batch(maps, first, size)
            first += size
    spawning = multiprocessing.get_context("spawn")  # a fork would copy torch's threads half
    tasks, made = [spawning.Queue() for _ in range(workers)], [spawning.Queue(AHEAD) for _ in range(workers)]
    drawers = [
        spawning.Process(target=_draw, args=(maps, size, tasks[k], made[k]), daemon=True) for k in range(workers)
    ]
    for drawer in drawers:
        drawer.start()
    try:
        for number in range(AHEAD * workers):
            tasks[number % workers].put(first + number * size)
        number = 0
        while True:
            batch = made[number % workers].get()
            tasks[number % workers].put(first + (number + AHEAD * workers) * size)
            number += 1
            yield batch
    finally:
        for drawer in drawers:
            drawer.terminate()
            drawer.join()


def _draw(maps: Maps, size: int, tasks: multiprocessing.Queue[int], made: multiprocessing.Queue[Batch]) -> None:
    import cv2

    cv2.setNumThreads(1)
    while True:
        made.put(_batch(maps, tasks.get(), size))


def _batch(maps: Maps, first: int, size: int) -> Batch:
    return gathered([maps.example(first + index) for index in range(size)])


def gathered(examples: list[Example]) -> Batch:
    """Examples as arrays."""
    return Batch(
        np.stack([one.image for one in examples]),
        np.stack([one.regions for one in examples]),
        np.stack([one.units for one in examples]),
    )
