"""One run: every clip analysed, told and written, whatever became of the others."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from mellm_demo.cli.explaining import WhoSpeaks, explain, speaker_of
from mellm_demo.cli.options import Source, arguments_of, sources_of
from mellm_demo.cli.places import Result, plan_of, save, write_joint
from mellm_demo.cli.telling import BROKEN, INTERRUPTED, OK, UNUSABLE, ProgressLine, blame, complain
from mellm_demo.errors import Cancelled
from mellm_demo.export import json_schema, to_json
from mellm_demo.records import Analysis
from mellm_demo.settings import Settings

if TYPE_CHECKING:
    from mellm_demo.reasoning.protocol import Reasoner

Analyse = Callable[..., Analysis]  # as pipeline.analyse


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
        arguments = arguments_of(argv)
    except SystemExit as end:  # argparse has said what is wrong, or has shown its help
        return end.code if isinstance(end.code, int) else UNUSABLE
    try:
        if arguments.command == "schema":
            print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
            return OK
        return _analyse_all(arguments, analyse, speakers)
    except (KeyboardInterrupt, Cancelled):
        complain("Stopped.")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        return blame(error)


def _analyse_all(arguments: argparse.Namespace, analyse: Analyse | None, speakers: WhoSpeaks | None) -> int:
    settings = Settings.from_environment()
    sources = sources_of(arguments)
    speaker = speaker_of(arguments, settings, speakers)
    plan = plan_of(arguments, sources)
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
                status = max(status, blame(error, source))
                continue
            status = max(status, result.status) if status != UNUSABLE else status
            if plan.joint_json:
                joint.append(to_json(result.analysis, result.turns, result.card))
            save(result, index, plan)
    finally:
        if plan.joint_json and joint:
            write_joint(plan.joint_json, joint, alone=len(sources) == 1)
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
    turn, failure = explain(speaker, analysis, sentences, line)
    if failure is not None:
        complain(f"{source.label}: the explanation could not be written{' to its end' if turn else ''}. {failure}")
    return Result(source, analysis, (turn,) if turn else (), speaker.card, OK if failure is None else BROKEN)
