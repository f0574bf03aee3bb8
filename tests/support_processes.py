"""What this process and those that it started take of the machine, by what Linux tells."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid: int | None = None) -> list[int]:
    """This process, or the one that is named, and all below it."""
    pid = os.getpid() if pid is None else pid
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    return [pid, *(one for child in children for one in family(child))]


def memory_mb(name: str = "VmRSS") -> float:
    """Resident memory of all of them: ``VmRSS``, or its parts ``RssAnon`` and ``RssFile``."""
    total = 0
    for pid in family():
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        total += int(lines[name].split()[0])
    return total / 1024.0


def processor_s() -> float:
    """Processor time of all of them, those that have ended and been waited for included."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15] for pid in family()]
    return sum(int(value) for times in fields for value in times) / TICKS
