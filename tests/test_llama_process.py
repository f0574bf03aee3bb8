"""llama.cpp's own process: what cannot be interrupted is ended, what ends by itself is told, nothing outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support_analysis import make_analysis
from support_gguf import smollm2

from mellm_demo.errors import ReasonerError
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.llamacpp import GgufOptions, engine, gguf_model, load_now
from mellm_demo.reasoning.llamacpp import process as processes
from mellm_demo.reasoning.llamacpp.process import NotLoaded, Process, Refused
from mellm_demo.reasoning.protocol import Loading
from mellm_demo.records import Turn

TOP = Path(__file__).parents[1]
GENEROUS_S = 20.0
SCRIPT = """
import json, os, sys, time
def tell(**message):
    print(json.dumps(message), flush=True)
sys.stdin.readline()
"""
LOADED = "tell(address='http://127.0.0.1:1')\n"
ASKED = "number = json.loads(sys.stdin.readline())['ask']\n"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Has a script stand for the program: it begins when it was told the parameters."""

    def write(code: str) -> None:
        path = tmp_path / "program.py"
        path.write_text(SCRIPT + code)
        monkeypatch.setattr(processes, "PROGRAM", path)

    return write


@contextmanager
def running():
    process = Process({})
    try:
        yield process
    finally:
        process.close()


def never() -> bool:
    return False


def until(true) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < GENEROUS_S
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not asked for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_events_come_one_by_one_and_the_end_is_told(script):
    script(LOADED + ASKED + "tell(event={'n': 1})\ntell(event={'n': 2})\ntell(over=number, answer=None)\n" + ASKED
           + "tell(over=number, answer={'whole': True})\nsys.stdin.readline()")  # fmt: skip
    heard: list = []
    with running() as process:
        assert process.ask({}, lambda event: heard.append(event) or False, never) is None
        assert heard == [{"n": 1}, {"n": 2}]
        assert process.ask({}, lambda event: False, never) == {"whole": True}
        assert not process.lost


def test_what_follows_a_stop_keeps_the_model(script):
    script(LOADED + ASKED + "tell(event={})\nassert 'stop' in sys.stdin.readline()\ntell(over=number, answer=None)\n"
           "sys.stdin.readline()")  # fmt: skip
    with running() as process:
        process.ask({}, lambda event: True, never)
        assert not process.lost


@pytest.mark.parametrize("by", ["hear", "stopped"])
def test_what_does_not_follow_a_stop_ends_with_its_process(script, by):
    """As an image that is being encoded: no event comes, no question is heard."""
    script(LOADED + ASKED + "tell(event={})\ntime.sleep(600)")
    stop = threading.Event()
    with running() as process:
        threading.Timer(0.3, process.close).start()
        process.ask({}, lambda event: stop.set() or by == "hear", stop.is_set if by == "stopped" else never)
        assert process.lost


def test_a_slow_step_is_waited_for(script):
    """Only a visitor's Stop may cost the model; a guard that has heard enough can wait."""
    script(LOADED + ASKED + "tell(event={})\ntime.sleep(1.0)\ntell(over=number, answer=None)\nsys.stdin.readline()\n"
           "sys.stdin.readline()")  # fmt: skip
    with running() as process:
        process.ask({}, lambda event: True, never)
        assert not process.lost


def test_what_fails_here_leaves_nothing_for_the_next_to_hear(script):
    def fail(event):
        raise ZeroDivisionError

    script(LOADED + ASKED + "tell(event={})\ntell(over=number, answer=None)\nsys.stdin.readline()")
    with running() as process:
        with pytest.raises(ZeroDivisionError):
            process.ask({}, fail, never)
        assert process.lost


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("tell(failed='unknown model architecture', memory=False)", NotLoaded, "unknown model architecture"),
        ("tell(failed='', memory=True)", MemoryError, None),
        ("os._exit(3)", ReasonerError, r"ended by itself \(code 3\)\. Ask again"),
        (f"os.kill(os.getpid(), {signal.SIGKILL})", ReasonerError, r"SIGKILL.*memory may have run out"),
    ],
)
def test_what_keeps_it_from_loading_is_told(script, code, error, words):
    script(code)
    with pytest.raises(error, match=words):
        Process({})


def test_an_end_in_the_middle_of_an_answer_is_told(script):
    script(LOADED + ASKED + f"tell(event={{}})\nos.kill(os.getpid(), {signal.SIGABRT})")
    heard: list = []
    with running() as process:
        with pytest.raises(ReasonerError, match=r"ended by itself \(SIGABRT\)\. Ask again"):
            process.ask({}, heard.append, never)
        assert heard == [{}]
        assert process.lost
        with pytest.raises(ReasonerError, match="Ask again: it is loaded anew"):
            process.ask({}, heard.append, never)


def test_what_llama_cpp_does_not_take_is_told_in_its_words(script):
    script(LOADED + ASKED + "tell(over=number, refused='no such role')\nsys.stdin.readline()")
    with running() as process, pytest.raises(Refused, match="no such role"):
        process.ask({}, lambda event: False, never)


def test_what_is_left_of_an_answer_before_is_not_taken_for_this_one(script):
    script(LOADED + ASKED + "tell(over=number - 1, answer={'old': True})\ntell(over=number, answer={'new': True})\n"
           "sys.stdin.readline()")  # fmt: skip
    with running() as process:
        assert process.ask({}, lambda event: False, never) == {"new": True}


def test_a_process_that_cannot_be_started_is_told(monkeypatch):
    for executable in (None, "", "/nowhere/python"):
        monkeypatch.setattr(processes.sys, "executable", executable)
        with pytest.raises(ReasonerError, match="cannot be started"):
            Process({})


def test_who_frees_it_while_it_is_at_work_is_not_told_of_an_accident(script):
    script(LOADED + ASKED + "tell(event={})\ntime.sleep(600)")
    with running() as process, pytest.raises(ReasonerError, match="was freed while it was at work"):
        process.ask({}, lambda event: bool(process.close()), never)


def test_half_a_message_does_not_leave_it_behind():
    """The app may be killed in the middle of one."""
    child = subprocess.Popen([sys.executable, "-P", str(processes.PROGRAM)], stdin=subprocess.PIPE)
    child.stdin.write(b'{"ask": 1, "bo')
    child.stdin.close()
    assert child.wait(GENEROUS_S) == 0


def test_whatever_llama_cpp_raises_the_model_stays():
    """A lone surrogate, of which it makes a TypeError."""
    loaded = load_now(GgufOptions(smollm2(), context=256))
    body = {"messages": [{"role": "user", "content": "\ud800"}], "max_tokens": 1, "stream": True}
    with pytest.raises(Refused):
        loaded._process.ask(body, lambda event: False, never)
    assert not loaded.lost
    loaded.close()


# ------------------------------------------------------------------------------------------ the real one


def test_a_model_that_is_closed_as_soon_as_it_is_loaded_does_not_hold_us_up():
    """llama.cpp freed in the moment in which it begins to listen waits for itself for ever: not here."""
    for _ in range(3):
        load_now(GgufOptions(smollm2(), context=256)).close()
    begun = time.monotonic()
    loaded = load_now(GgufOptions(smollm2(), context=256))
    ready = time.monotonic()
    loaded.close()
    assert loaded.lost
    assert time.monotonic() - ready < max(ready - begun, GENEROUS_S)


def test_one_that_nobody_holds_any_more_ends():
    loaded = load_now(GgufOptions(smollm2(), context=256))
    pid = loaded._process._running.pid
    assert alive(pid)
    del loaded
    until(lambda: not alive(pid))


@pytest.mark.parametrize("how", ["pass", "os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_it_ends_with_the_app_however_that_ends(how):
    code = (
        "import os\nfrom support_gguf import smollm2\n"
        "from mellm_demo.reasoning.llamacpp import GgufOptions, load_now\n"
        "loaded = load_now(GgufOptions(smollm2(), context=256))\n"
        f"print(loaded._process._running.pid, flush=True)\n{how}"
    )
    smollm2()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(TOP), str(TOP / "tests")))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    pid = int(done.stdout)
    until(lambda: not alive(pid))
    assert not alive(pid)


def test_a_lost_model_is_loaded_anew_and_the_next_visitor_is_answered():
    model = gguf_model(GgufOptions(smollm2(), context=2048), Manner(max_tokens=8, temperature=0.0))
    first = [piece for piece in model.reply(make_analysis("smile"), (), threading.Event()) if isinstance(piece, str)]
    lost = model._engine()
    os.kill(lost._process._running.pid, signal.SIGKILL)
    until(lambda: not model.ready)
    pieces = list(model.reply(make_analysis("smile"), (), threading.Event()))
    assert [piece for piece in pieces if isinstance(piece, str)] == first
    assert any(isinstance(piece, Loading) and piece.what == "loading the model" for piece in pieces)
    assert model._engine() is not lost
    model.close()


def test_a_process_that_ends_in_the_middle_is_told_and_the_model_loaded_without_being_asked():
    model = gguf_model(GgufOptions(smollm2(), context=2048), Manner(max_tokens=400, temperature=0.0))
    reply = model.reply(make_analysis("smile"), [Turn("user", "Tell me everything.")], threading.Event())
    while not isinstance(next(reply), str):
        pass
    before = model._engine()
    os.kill(before._process._running.pid, signal.SIGKILL)
    with pytest.raises(ReasonerError, match=r"SIGKILL.*Ask again: the model is loaded anew"):
        list(reply)
    until(lambda: model.ready)
    assert model._engine() is not before
    assert model.failure is None
    model.close()
    assert not model.ready


def test_a_missing_package_is_told(monkeypatch):
    options = GgufOptions(smollm2())
    monkeypatch.setattr(engine.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(engine, "Process", lambda *_: pytest.fail("it began to load"))
    with pytest.raises(ReasonerError, match="needs the package “xllamacpp”"):
        load_now(options)
