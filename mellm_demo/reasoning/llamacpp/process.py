"""llama.cpp in a process of its own, held by this one: what cannot be interrupted there can be ended from here.

The binding lets no other Python thread run while a model is loaded or freed, and encodes an image in one step; in this
process the page would stand still for so long, and a Stop would have to wait. Its own process also keeps a fault in
native code away from the app. See ``program`` for what the two say to each other.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from mellm_demo.errors import ReasonerError

PROGRAM = Path(__file__).with_name("program.py")
TICK_S = 0.02  # Stop is noticed as often while nothing is heard

ENDED = "The model was freed while it was at work. Ask again: it is loaded anew."
Hear = Callable[[dict[str, Any]], bool]  # takes an event, tells whether to stop
Line = dict[str, Any] | None  # None: nothing more will come


class NotLoaded(Exception):
    """llama.cpp cannot load the files; why, in its own words."""


class Refused(Exception):
    """llama.cpp does not take a request; why, in its own words."""


class Process:
    """A loaded model. ``ask`` is for one thread at a time, ``close`` for any.

    parameters: llama.cpp's, by their dotted names. Raises NotLoaded, MemoryError, or ReasonerError where the process
    ended by itself.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._number = 0
        self._lines: SimpleQueue[Line] = SimpleQueue()
        # -P: only what is installed can be imported, not what happens to lie beside the program.
        try:
            self._running = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except (OSError, TypeError) as error:
            raise ReasonerError(
                f"The process that is to hold the model cannot be started ({error}). Close other programs, or have the "
                "narrator answer."
            ) from None
        self._end = weakref.finalize(self, _end, self._running)  # also when the app ends
        threading.Thread(target=_listen, args=(self._running.stdout, self._lines), daemon=True).start()
        self._send(parameters)
        try:
            told = self._next(None) or {}
        except BaseException:
            self.close()
            raise
        if "address" not in told:
            self.close()
            raise MemoryError if told.get("memory") else NotLoaded(told.get("failed", "no reason given"))
        self.address: str = told["address"]  # where it listens on loopback

    @property
    def lost(self) -> bool:
        """Whether the process has ended, and the model with it."""
        return not self._end.alive or self._running.poll() is not None

    def close(self) -> None:
        """End the process at once, whatever it is at. More than once does no harm."""
        self._end()

    def ask(self, body: dict[str, Any], hear: Hear, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        """Have a chat's request answered: event by event where its body asks for a stream, else as a whole.

        Returns early once ``stopped()``, or once ``hear`` says so: after the step that llama.cpp is at, or with its
        process where that is closed meanwhile. Raises Refused, or ReasonerError where the process ended by itself.
        """
        self._number += 1
        self._send({"ask": self._number, "body": body})
        ending = False
        try:
            while True:
                told = self._next(TICK_S, ending)
                if told is None:
                    return None
                if "over" in told and told["over"] == self._number:
                    if "refused" in told:
                        raise Refused(told["refused"])
                    return told["answer"]
                if not ending and (stopped() or ("event" in told and hear(told["event"]))):
                    ending = True
                    self._send({"stop": self._number})
        except (Refused, ReasonerError):
            raise
        except BaseException:  # the rest of the answer must not be taken for the next one's
            self.close()
            raise

    def _next(self, timeout_s: float | None, ending: bool = False) -> dict[str, Any] | None:
        """What is told next; nothing where nothing is in time; None where the process ended and that was wanted."""
        try:
            told = self._lines.get(timeout=timeout_s)
        except Empty:
            return {}
        if told is None:
            self._lines.put(None)  # whoever asks once more is told too
            by_itself = self._end.alive
            self.close()
            if ending:
                return None
            raise ReasonerError(_ended(self._running.returncode) if by_itself else ENDED)
        return told

    def _send(self, message: dict[str, Any]) -> None:
        assert self._running.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # that it has ended is told by what it no longer says
            self._running.stdin.write(json.dumps(message).encode() + b"\n")
            self._running.stdin.flush()


def _listen(out: IO[bytes], lines: SimpleQueue[Line]) -> None:
    """Put line after line into a queue. Knows no Process: it must not keep one alive."""
    with contextlib.suppress(OSError, ValueError):
        for line in out:
            lines.put(json.loads(line))
    lines.put(None)


def _end(running: subprocess.Popen[bytes]) -> None:
    running.kill()
    running.wait()
    for stream in (running.stdin, running.stdout):
        assert stream is not None
        with contextlib.suppress(OSError):  # what was not sent any more
            stream.close()


def _ended(code: int | None) -> str:
    """That the process ended by itself, and what may be behind it."""
    how = f"code {code}"
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            how = signal.Signals(-code).name
    memory = " The memory may have run out: choose a smaller model or a shorter context." if how == "SIGKILL" else ""
    return f"The process that holds the model ended by itself ({how}).{memory} Ask again: the model is loaded anew."
