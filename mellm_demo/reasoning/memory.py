"""How much memory there is for a model: of this machine, within the limits that a container sets.

Bytes everywhere.
"""

from __future__ import annotations

import os
from pathlib import Path

GIB = 2**30
ANALYSIS = 1_150_000_000  # what the app's process takes at most, at an analysis as long as the limits allow; measured
RESERVE = GIB // 2  # left free in any case, for a page that several people use

# cgroup version 2, then 1: the limit and what is in use; file pages that can be dropped count as free.
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file",
    ),
)


def available() -> int | None:
    """What a program may still take; None where the system does not tell."""
    found = [value for value in (_machine(), _container()) if value is not None]
    return min(found) if found else None


def reserve() -> int:
    """What is to be left free beside a model: what an analysis takes beyond what this process has in use already."""
    return max(ANALYSIS - _in_use(), RESERVE)


def _in_use() -> int:
    """Memory of this process; 0 where the system does not tell."""
    pages = next(iter(_lines("/proc/self/statm")), "").split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if len(pages) > 1 else 0


def _machine() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _container() -> int | None:
    for limit_file, used_file, stat_file, droppable in _CGROUPS:
        limit, used = _number(limit_file), _number(used_file)
        if limit is None or used is None or limit >= 2**60:  # “unlimited” of version 1 is a huge number
            continue
        stat = dict(line.split()[:2] for line in _lines(stat_file) if len(line.split()) >= 2)
        return max(limit - used + int(stat.get(droppable, 0)), 0)
    return None


def _number(path: str) -> int | None:
    text = next(iter(_lines(path)), "").strip()
    return int(text) if text.isdigit() else None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def told(size: float) -> str:
    """A size in words: “1.9 GB”, “250 MB” (powers of ten, as disks and models are sold)."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size, 1e6) / 1e6:.0f} MB"
