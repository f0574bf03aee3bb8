"""Where results go: planned before anything is analysed, written as they come."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from mellm_demo.cli.options import Source, UsageError
from mellm_demo.export import to_csv, to_json, to_zip
from mellm_demo.records import Analysis, Image, ReasonerCard, Turn

LEGEND_PX = 480  # the names of the directions are easily read
MAGNIFICATION = 8.0  # what the page begins with
LOOP_MS_PER_FRAME = 60.0  # slow enough to be followed by eye
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Result:
    """One analysed source and what was said about it."""

    source: Source
    analysis: Analysis
    turns: tuple[Turn, ...]
    card: ReasonerCard | None
    status: int = 0  # the exit status; telling.BROKEN where the explanation failed


def planned_files(option: str, out: str, sources: Sequence[Source], suffix: str) -> tuple[Path, ...] | None:
    """The file of each source for ``--<option> out``; ``None`` where all go into one list, or to standard output.

    Raises UsageError where ``out`` cannot hold what is asked for.
    """
    folder = out.endswith(("/", os.sep)) or Path(out).is_dir()
    if out == STANDARD_OUTPUT:
        if suffix == ".json" or (suffix == ".csv" and len(sources) == 1):
            return None
        raise UsageError(f"--{option} cannot go to standard output here. Name a file or a folder.")
    if len(sources) == 1 and not folder:
        return (Path(out),)
    if not folder and Path(out).suffix:
        if suffix == Path(out).suffix.lower() == ".json":
            return None
        raise UsageError(
            f"--{option} names the file {Path(out).name}, but there are {len(sources)} clips. "
            f"Name a folder, ending in “/”: it gets one {suffix} file for each clip."
        )
    return tuple(Path(out) / f"{stem}{suffix}" for stem in _distinct([source.stem for source in sources]))


def _distinct(names: Sequence[str]) -> list[str]:
    """The names; those that stood before get -2, -3, …"""
    distinct: list[str] = []
    for name in names:
        numbered = (name if number == 1 else f"{name}-{number}" for number in count(1))
        distinct.append(next(candidate for candidate in numbered if candidate not in distinct))
    return distinct


@dataclass(frozen=True)
class Plan:
    """Where the results of a run go. ``joint_json``: all in one list, or one object where there is one source."""

    json: tuple[Path, ...] | None
    joint_json: str | None
    csv: tuple[Path, ...] | None
    csv_to_output: bool
    pictures: tuple[Path, ...] | None

    @property
    def output_taken(self) -> bool:
        """Standard output carries data, so that sentences have to stay out of it."""
        return self.csv_to_output or self.joint_json == STANDARD_OUTPUT


def plan_of(arguments: argparse.Namespace, sources: Sequence[Source]) -> Plan:
    """Raises UsageError where results have no place, or would go over a clip or over each other."""
    wanted = {"json": ".json", "csv": ".csv", "pictures": ".zip"}
    outs: dict[str, str | None] = {option: getattr(arguments, option) for option in wanted}
    files = {
        option: planned_files(option, out, sources, wanted[option]) if out else None for option, out in outs.items()
    }
    plan = Plan(
        json=files["json"],
        joint_json=outs["json"] if files["json"] is None else None,
        csv=files["csv"],
        csv_to_output=outs["csv"] == STANDARD_OUTPUT,
        pictures=files["pictures"],
    )
    if plan.csv_to_output and plan.joint_json == STANDARD_OUTPUT:
        raise UsageError("--json and --csv cannot share standard output. Name a file for one of them.")
    paths = [path for group in files.values() for path in group or ()]
    paths += [Path(plan.joint_json)] if plan.joint_json and plan.joint_json != STANDARD_OUTPUT else []
    _check_paths([path.absolute() for path in paths], sources)
    return plan


def _check_paths(paths: Sequence[Path], sources: Sequence[Source]) -> None:
    """Nothing is written twice, over a clip, or into a place that cannot take it. Folders are made."""
    inputs = {
        Path(part).resolve()
        for source in sources
        for part in ([source.paths] if isinstance(source.paths, str) else source.paths)
    }
    for index, path in enumerate(paths):
        if path.resolve() in inputs:
            raise UsageError(f"{path.name} is a clip to be analysed and would be overwritten. Name another file.")
        if path in paths[:index]:
            raise UsageError(f"Two results would go into the file {path.name}. Name one file for each.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(path.parent, error) from None


def _write(path: Path, content: str | bytes) -> None:
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"“{path.name}” cannot be written: {error.strerror or error}. Name another place.")


def save(result: Result, index: int, plan: Plan) -> None:
    """The files of one clip, the ``index``-th of the run. Raises UsageError where one cannot be written."""
    if plan.json:
        _write(plan.json[index], to_json(result.analysis, result.turns, result.card))
    if plan.csv:
        _write(plan.csv[index], to_csv(result.analysis))
    if plan.csv_to_output:
        sys.stdout.write(to_csv(result.analysis))
    if plan.pictures:
        _write(plan.pictures[index], to_zip(result.analysis, _pictures(result.analysis)))


def _pictures(analysis: Analysis) -> dict[str, Image | bytes]:
    if analysis.moment is None:
        return {}
    from mellm_demo import magnify, motion_map, pipeline

    pictures: dict[str, Image | bytes] = {"colour_wheel.png": motion_map.legend(LEGEND_PX)}
    if frames := pipeline.magnified(analysis, MAGNIFICATION):
        pictures["magnified.webp"] = magnify.to_webp(frames, LOOP_MS_PER_FRAME)
    return pictures


def write_joint(out: str, documents: Sequence[str], *, alone: bool) -> None:
    """One document as it is, several as a list, in the order of the clips; what could not be used is left out."""
    text = documents[0] if alone else "[\n" + ",\n".join(document.rstrip() for document in documents) + "\n]\n"
    if out == STANDARD_OUTPUT:
        sys.stdout.write(text)
    else:
        _write(Path(out), text)
