"""Training states on disk that a kill at any moment cannot spoil: written aside, then put in place; one is kept."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mellm_demo.errors import InputError

STATE = "state.pt"
BEFORE = "state.before.pt"
LOG = "log.jsonl"


def save(folder: Path, state: dict[str, Any]) -> None:
    """``state`` into ``folder``; the one before stays beside it until the next."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{STATE}.part"
    with part.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    if (folder / STATE).exists():
        (folder / STATE).replace(folder / BEFORE)
    part.replace(folder / STATE)


def load(folder: Path) -> dict[str, Any] | None:
    """The latest state that can be read; None where there is none yet. Raises InputError where all are spoilt."""
    import torch

    found = [path for path in (folder / STATE, folder / BEFORE) if path.exists()]
    for path in found:
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, LookupError, ValueError, AttributeError, pickle.UnpicklingError):
            continue  # torn or foreign bytes: unpicklers fail in many ways
        return state
    if found:
        raise InputError(f"No state in {folder.name} can be read. Remove the folder to begin again.")
    return None


def log(folder: Path, **values: Any) -> None:
    """One line of progress, for people and for plots."""
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"at": time.strftime("%Y-%m-%dT%H:%M:%S"), **values})
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)


class Clock:
    """When to stop and when to save. ``minutes`` None: no limit."""

    def __init__(self, minutes: float | None, save_minutes: float, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._every = now, 60.0 * save_minutes
        self._saved = now()
        self._end = None if minutes is None else self._saved + 60.0 * minutes

    @property
    def over(self) -> bool:
        return self._end is not None and self._now() >= self._end

    @property
    def save_is_due(self) -> bool:
        """True once every so often; asking starts the next stretch."""
        time_now = self._now()
        if time_now - self._saved < self._every:
            return False
        self._saved = time_now
        return True
