"""The command line: clips in, sentences and files out. Measures nothing and draws nothing itself.

What was found goes to standard output, progress and complaints to standard error. Exit status: 0 where every clip
was analysed, also where nothing reliable was found; 2 where an input, an option or a setting cannot be used (the other
clips are analysed all the same); 1 where something broke, or a model that was to explain failed (the finding is told
and written all the same); 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mellm_demo import __version__
from mellm_demo.errors import Cancelled, InputError, MellmError, SettingsError
from mellm_demo.export import json_schema, to_csv, to_json, to_zip
from mellm_demo.records import Analysis, Ended, Image, ReasonerCard, Turn
from mellm_demo.settings import Settings
from mellm_demo.wording import file_name, legible, printable

if TYPE_CHECKING:
    from mellm_demo.reasoning.choice import Speakers
    from mellm_demo.reasoning.protocol import Reasoner, Rewritten

OK, BROKEN, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
LEGEND_PX = 480  # the names of the directions are easily read
MAGNIFICATION = 8.0  # what the page begins with
LOOP_MS_PER_FRAME = 60.0  # slow enough to be followed by eye
STANDARD_OUTPUT = "-"
CLEAR_LINE = "\r\x1b[K"
SPEAKERS = ("remote", "local", "gguf", "embedded", "narrator")
TAKE_NO_PROMPT = ("embedded", "narrator")  # the one is told what it was taught on, the other nothing
EXPLANATION_CHARS = 20_000  # a model that never ends is cut off here, as in the page

Analyse = Callable[..., Analysis]  # as pipeline.analyse
WhoSpeaks = Callable[[Settings], "Speakers"]  # as choice.speakers


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


@dataclass(frozen=True)
class Result:
    """One analysed source and what was said about it."""

    source: Source
    analysis: Analysis
    turns: tuple[Turn, ...]
    card: ReasonerCard | None
    status: int = OK  # BROKEN where the explanation failed


class UsageError(InputError):
    """The options do not go together."""


def main(
    argv: Sequence[str] | None = None, *, analyse: Analyse | None = None, speakers: WhoSpeaks | None = None
) -> int:
    """Run the command line and return its exit status.

    ``argv`` without the program's name; ``analyse`` stands in for ``pipeline.analyse``, ``speakers`` for
    ``choice.speakers``.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without “→” shows “?” rather than failing
    try:
        arguments = _arguments(argv)
    except SystemExit as end:  # argparse has said what is wrong, or has shown its help
        return end.code if isinstance(end.code, int) else UNUSABLE
    try:
        if arguments.command == "schema":
            print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
            return OK
        return _analyse_all(arguments, analyse, speakers)
    except (KeyboardInterrupt, Cancelled):
        _complain("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        return _blame(error)


# ---------------------------------------------------------------------------------------------- options


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


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
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


def _sources(arguments: argparse.Namespace) -> tuple[Source, ...]:
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


# ---------------------------------------------------------------------------------------------- where results go


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
class _Plan:
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


def _plan(arguments: argparse.Namespace, sources: Sequence[Source]) -> _Plan:
    wanted = {"json": ".json", "csv": ".csv", "pictures": ".zip"}
    outs: dict[str, str | None] = {option: getattr(arguments, option) for option in wanted}
    files = {
        option: planned_files(option, out, sources, wanted[option]) if out else None for option, out in outs.items()
    }
    plan = _Plan(
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


# ---------------------------------------------------------------------------------------------- the work


def _analyse_all(arguments: argparse.Namespace, analyse: Analyse | None, speakers: WhoSpeaks | None) -> int:
    settings = Settings.from_environment()
    sources = _sources(arguments)
    speaker = _speaker(arguments, settings, speakers)
    plan = _plan(arguments, sources)
    if analyse is None:
        from mellm_demo.pipeline import analyse as analyse_clip

        analyse = analyse_clip
    sentences = sys.stderr if plan.output_taken else sys.stdout
    status, joint = OK, []
    try:
        for index, source in enumerate(sources):
            try:
                result = _analyse_one(source, arguments, settings, analyse, speaker, sentences, alone=len(sources) == 1)
            except (KeyboardInterrupt, Cancelled, BrokenPipeError):
                raise
            except Exception as error:
                status = max(status, _blame(error, source))
                continue
            status = max(status, result.status) if status != UNUSABLE else status
            if plan.joint_json:
                joint.append(to_json(result.analysis, result.turns, result.card))
            _save(result, index, plan)
    finally:
        if plan.joint_json and joint:
            _write_joint(plan.joint_json, joint, alone=len(sources) == 1)
    return status


def _analyse_one(
    source: Source,
    arguments: argparse.Namespace,
    settings: Settings,
    analyse: Analyse,
    speaker: Reasoner | None,
    sentences: TextIO,
    *,
    alone: bool,
) -> Result:
    line = ProgressLine(sys.stderr, source.label, quiet=arguments.quiet)
    try:
        analysis = analyse(
            source.paths,
            settings,
            frame_rate=arguments.frame_rate,
            face=arguments.face,
            onset_ms=arguments.onset,
            apex_ms=arguments.apex,
            progress=line,
        )
    finally:
        line.clear()
    print(analysis.headline if alone else f"{source.label}: {analysis.headline}", file=sentences, flush=True)
    if speaker is None:
        return Result(source, analysis, (), None)
    turn, failure = _explain(speaker, analysis, sentences, line)
    if failure is not None:
        _complain(f"{source.label}: the explanation could not be written{' to its end' if turn else ''}. {failure}")
    return Result(source, analysis, (turn,) if turn else (), speaker.card, OK if failure is None else BROKEN)


def _speaker(arguments: argparse.Namespace, settings: Settings, speakers: WhoSpeaks | None) -> Reasoner | None:
    """Who is to explain; None where nobody is. Raises SettingsError for one that is not there.

    Raises UsageError where a prompt file is given for somebody who takes none.
    """
    if not arguments.explain and not arguments.speaker and not arguments.prompt_file:
        return None
    if arguments.prompt_file and (arguments.speaker or settings.speaker) in TAKE_NO_PROMPT:
        raise UsageError(
            f"--prompt-file is a text for MELLM's own weights, but {arguments.speaker or settings.speaker} is to "
            "speak, who takes none. Choose remote, local or gguf, or leave the file out."
        )
    if speakers is None:
        from mellm_demo.reasoning.choice import speakers as by_settings

        speakers = by_settings
    given = {"speaker": arguments.speaker, "prompt_file": arguments.prompt_file}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value})
    found = speakers(settings)
    return found.get(found.default)


def _explain(
    speaker: Reasoner, analysis: Analysis, sentences: TextIO, line: ProgressLine
) -> tuple[Turn | None, str | None]:
    """Print the explanation as it comes, then who wrote it and what the check came to.

    Returns the chat's first turn, None where no text came, and why it failed, None where it did not.
    """
    from mellm_demo.reasoning.protocol import CutOff, Loading, Rewritten, SpokenBy

    text, failure, cancel = "", None, threading.Event()
    ended: Ended = ""
    card, again = speaker.card, Rewritten(0, 0)
    print(file=sentences)
    try:
        for piece in speaker.reply(analysis, (), cancel):
            if isinstance(piece, Loading):
                line(piece.what, piece.share)
            elif isinstance(piece, CutOff):
                ended = piece.reason
            elif isinstance(piece, SpokenBy):
                card = piece.card
            elif isinstance(piece, Rewritten):
                again = piece
            elif isinstance(piece, str):
                line.clear()
                piece = legible(piece, after=text)
                text += piece
                print(piece, end="", file=sentences, flush=True)
            if len(text) > EXPLANATION_CHARS:
                ended = "length"
                break
    except BrokenPipeError:
        raise
    except Exception as error:
        failure = _as_told(error)
    finally:  # Ctrl-C too: whoever writes stops soon after
        cancel.set()
        line.clear()
    if not text.strip():
        return None, failure or "No text came."
    turn = _checked(card, analysis, text, ended if failure is None else "failed", again)
    told = f"{card.name}: {card.notice}{f'; {turn.tally}' if turn.tally else ''}"
    print(f"\n\n({legible(told)})", file=sentences)
    return turn, failure


def _checked(card: ReasonerCard, analysis: Analysis, text: str, ended: Ended, again: Rewritten) -> Turn:
    """The turn; what a language model wrote is held against the measurements."""
    if not card.is_language_model:
        return Turn("assistant", text, card.name, ended)
    from mellm_demo.reasoning.grounding import check
    from mellm_demo.reasoning.guarded import told

    found = check(text, analysis)
    tally = "; ".join(filter(None, (found.tally, told(again.count, again.left_out, found.language))))
    return Turn(
        "assistant", text, card.name, ended, found.statements, found.unchecked, tally, again.count, again.left_out
    )


def _save(result: Result, index: int, plan: _Plan) -> None:
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


def _write_joint(out: str, documents: Sequence[str], *, alone: bool) -> None:
    """One document as it is, several as a list, in the order of the clips; what could not be used is left out."""
    text = documents[0] if alone else "[\n" + ",\n".join(document.rstrip() for document in documents) + "\n]\n"
    if out == STANDARD_OUTPUT:
        sys.stdout.write(text)
    else:
        _write(Path(out), text)


# ---------------------------------------------------------------------------------------------- what is said


class ProgressLine:
    """One line on a terminal, rewritten in place; elsewhere one line for each stage. Called as ``progress``."""

    def __init__(self, stream: TextIO, label: str, *, quiet: bool) -> None:
        self._stream = stream
        self._label = label
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._shown = ""

    def __call__(self, stage: str, share: float | None) -> None:
        """``stage`` in words, ``share`` of the whole work, 0..1, None where it is not known."""
        if self._quiet:
            return
        text = f"{self._label}: {stage}"
        if self._terminal and share is not None:
            text = f"{text} {share:.0%}"
        if text == self._shown:
            return
        self._shown = text
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(CLEAR_LINE + text[-width:])
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self._terminal and self._shown:
            self._stream.write(CLEAR_LINE)
            self._stream.flush()


def _blame(error: Exception, source: Source | None = None) -> int:
    """Say what went wrong, with this clip if it is about one; the exit status that follows."""
    about = f"{source.label}: " if source and source.label not in str(error) else ""
    if isinstance(error, MellmError):
        _complain(f"{about}{error}")
        return UNUSABLE if isinstance(error, InputError | SettingsError) else BROKEN
    _complain(
        f"{about}something unexpected stopped the analysis ({type(error).__name__}: {error}). "
        "This is a fault of the program, not of the clip; please report it with this line."
    )
    return BROKEN


def _as_told(error: Exception) -> str:
    """What went wrong, in a sentence."""
    if isinstance(error, MellmError):
        return str(error)
    return f"Something unexpected stopped it ({type(error).__name__}: {error}). Please report it with this line."


def _complain(sentence: str) -> None:
    print(printable(sentence), file=sys.stderr, flush=True)
