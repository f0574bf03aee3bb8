"""What may be asked for, and whether it goes together."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mellm_demo import __version__
from mellm_demo.errors import InputError
from mellm_demo.wording import file_name

SPEAKERS = ("remote", "local", "gguf", "embedded", "narrator")


@dataclass(frozen=True)
class Source:
    """What is to be analysed: a clip, a folder or a zip of frames, or a pair of images."""

    paths: str | tuple[str, str]

    @property
    def label(self) -> str:
        """Its name in messages, without folders."""
        parts = (self.paths,) if isinstance(self.paths, str) else self.paths
        return " + ".join(file_name(Path(part).absolute().name) for part in parts)

    @property
    def stem(self) -> str:
        """The name of its files in a folder of results."""
        if isinstance(self.paths, str):
            path = Path(self.paths).absolute()
            return path.name if path.is_dir() else path.stem
        return "-".join(Path(part).stem for part in self.paths)


class UsageError(InputError):
    """The options do not go together."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mellm_demo",
        description="Where, when and how a face moved for an instant. Motion is measured; emotion is inferred.",
        epilog="The page: python app.py. Limits are set by environment variables, MELLM_MAX_SECONDS for one; "
        "the README lists them.",
    )
    parser.add_argument("--version", action="version", version=f"mellm_demo {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("schema", help="print the JSON Schema of what --json writes")
    one = commands.add_parser(
        "analyse",
        help="analyse clips",
        description="Analyse clips and say what was found, one sentence each.",
        epilog="OUT is a file, or “-” for standard output; for several clips it is a folder, which gets one file for "
        "each clip, named after it. --json OUT.json with several clips writes one list. Exit status: 0 also where "
        "nothing reliable is found, 2 where a clip cannot be used.",
    )
    one.add_argument("clips", nargs="*", metavar="CLIP", help="a video, a folder of frames, or a zip of frames")
    one.add_argument(
        "--pair", nargs=2, action="append", default=[], metavar=("ONSET", "APEX"), help="two images instead of a clip"
    )
    one.add_argument("--json", metavar="OUT", help="everything that was found")
    one.add_argument("--csv", metavar="OUT", help="the motion of every region, frame by frame")
    one.add_argument("--pictures", metavar="OUT.zip", help="onset, apex and motion map")
    one.add_argument("--onset", type=_milliseconds, metavar="MS", help="overrule the onset that was found")
    one.add_argument("--apex", type=_milliseconds, metavar="MS", help="overrule the apex that was found")
    one.add_argument("--frame-rate", type=_rate, metavar="F", help="frames/s of a folder or zip of frames")
    one.add_argument("--face", type=_face_number, metavar="N", help="which face, 1 being the most important")
    one.add_argument("--explain", action="store_true", help="print the explanation too, step by step")
    one.add_argument(
        "--speaker", choices=SPEAKERS, help="who explains, instead of whom the settings choose; implies --explain"
    )
    one.add_argument(
        "--prompt-file",
        metavar="FILE",
        help="text to put before MELLM's own weights, from their owners, instead of the one that the settings name; "
        "implies --explain",
    )
    one.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for. Clips may stand on both sides of an option, which argparse alone does not allow here."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown or (rest and arguments.command != "analyse"):
        parser.error(f"unrecognized arguments: {' '.join(unknown or rest)}")
    if rest:
        arguments.clips += rest
    return arguments


def _milliseconds(text: str) -> float:
    return _checked_number(text, lambda value: value >= 0, "a time in milliseconds, 0 or more")


def _rate(text: str) -> float:
    return _checked_number(text, lambda value: 1 <= value <= 1000, "a frame rate between 1 and 1000 frames/s")


def _face_number(text: str) -> int:
    number = _checked_number(text, lambda value: value >= 1 and value == int(value), "a face's number, 1 or more")
    return int(number)


def _checked_number(text: str, holds: Callable[[float], bool], wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not holds(value):
        raise argparse.ArgumentTypeError(f"“{text}” is not {wanted}")
    return value


def sources_of(arguments: argparse.Namespace) -> tuple[Source, ...]:
    """All that is to be analysed, in the order given, pairs last. Raises UsageError where the options do not fit."""
    sources = tuple(map(Source, arguments.clips)) + tuple(Source((onset, apex)) for onset, apex in arguments.pair)
    if not sources:
        raise UsageError("No clip was named. Name at least one, or a pair of images with --pair ONSET APEX.")
    if (arguments.onset is None) != (arguments.apex is None):
        given, missing = ("--onset", "--apex") if arguments.apex is None else ("--apex", "--onset")
        raise UsageError(f"{given} was given without {missing}. Give both, or neither to have them found.")
    if arguments.onset is not None and arguments.onset >= arguments.apex:
        raise UsageError(
            f"The onset ({arguments.onset:g} ms) does not come before the apex ({arguments.apex:g} ms). "
            "Give an apex later than the onset."
        )
    return sources
