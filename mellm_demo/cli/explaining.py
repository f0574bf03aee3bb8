"""The explanation in the terminal: who writes it, its text as it comes, what the check came to."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from mellm_demo.cli.options import UsageError
from mellm_demo.cli.telling import ProgressLine, as_told
from mellm_demo.records import Analysis, Ended, ReasonerCard, Turn
from mellm_demo.settings import Settings
from mellm_demo.wording import legible

if TYPE_CHECKING:
    from mellm_demo.reasoning.choice import Speakers
    from mellm_demo.reasoning.protocol import Reasoner, Rewritten

TAKE_NO_PROMPT = ("embedded", "narrator")  # the one is told what it was taught on, the other nothing
EXPLANATION_CHARS = 20_000  # a model that never ends is cut off here, as in the page

WhoSpeaks = Callable[[Settings], "Speakers"]  # as choice.speakers


def speaker_of(arguments: argparse.Namespace, settings: Settings, speakers: WhoSpeaks | None) -> Reasoner | None:
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


def explain(
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
        failure = as_told(error)
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
