"""How many threads llama.cpp computes with, here and now."""

from __future__ import annotations

import os
from pathlib import Path

MOST_THREADS = 16  # more do not help: memory sets the pace
MOST_OWN_THREADS = 4  # of a model of some 100 million parameters: more of them wait for each other
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # cgroup version 2: “200000 100000” are two cores' worth of time


def cores() -> int:
    """How many this process may use: those it is bound to, no more than a container's share of time amounts to."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (int(word) for word in CPU_QUOTA.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # no such file, or “max”
        return bound
    return max(1, min(bound, round(quota / max(period, 1))))


def free_threads(wanted: int = 0) -> int:
    """Threads to compute with: as asked for, else as many cores as others leave free.

    llama.cpp's threads wait for each other at every step, so one that has to share its core holds up all.
    """
    if wanted > 0:
        return wanted
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(MOST_THREADS, cores() - int(busy + 0.5)))


def own_threads() -> int:
    """Threads of a small model that speaks after an analysis: the load is that of the analysis, which is over then."""
    return min(MOST_OWN_THREADS, cores())
