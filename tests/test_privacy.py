"""No egress and nothing kept: a whole analysis and a chat ask no host for anything and leave no file behind.

They run in a process of their own. Python's audit events show every attempt of Python code to reach the network. Where
the kernel lends a network namespace of one's own, one without any route, its counter of packets that found no way
shows attempts of native code as well. Home, working and temporary folder are new and empty; so they must be afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support_clips import smiling, write_video

TOP = Path(__file__).parents[1]
NETWORK_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request")
QUESTIONS = ("Which action units moved?", "Is this person lying?", "为什么不是愤怒?")

SESSION = f"""
import json, sys, threading
attempts = []
sys.addaudithook(lambda event, details: attempts.append(event) if event in {NETWORK_EVENTS!r} else None)

def packets_without_a_way():
    names, values = (line.split()[1:] for line in open("/proc/net/snmp") if line.startswith("Ip:"))
    return int(dict(zip(names, values))["OutNoRoutes"])

before = packets_without_a_way()
from mellm_demo import pipeline
from mellm_demo.export import to_csv, to_json, to_zip
from mellm_demo.reasoning.narrator import Narrator
from mellm_demo.records import Turn
from mellm_demo.settings import Settings

clip, reach_out = sys.argv[1], sys.argv[2] == "reach out"
analysis = pipeline.analyse(clip, Settings())
analysis = pipeline.reanalyse(analysis, onset_ms=400.0, apex_ms=500.0)
pipeline.magnified(analysis, 8.0)
narrator, turns = Narrator(), []
for question in (None, *{QUESTIONS!r}):
    if question:
        turns.append(Turn("user", question))
    turns.append(Turn("assistant", "".join(narrator.reply(analysis, tuple(turns), threading.Event()))))
kept = to_json(analysis, turns, narrator.card), to_csv(analysis), to_zip(analysis)
if reach_out:
    import socket
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=1)  # an address for documentation: nobody is there
    except OSError:
        pass
print(json.dumps({{
    "attempts": attempts,
    "packets": packets_without_a_way() - before,
    "turns": len(turns),
    "sizes": [len(part) for part in kept],
}}))
"""


def namespace() -> list[str]:
    """The command that shuts the network, or nothing where the kernel does not lend a namespace."""
    shut = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and subprocess.run([*shut, "true"], capture_output=True, check=False).returncode == 0:
        return shut
    return []


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("clip") / "smile.mp4", smiling(40))


def run_shut_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python without a network, in folders of its own: ``home``, ``temporary`` and ``here``."""
    for name in ("home", "temporary", "here"):
        (folder / name).mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(TOP),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temporary"),
    }
    return subprocess.run(
        [*namespace(), sys.executable, *command],
        cwd=folder / "here",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def left_behind(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def test_an_analysis_and_a_chat_ask_nobody_and_keep_nothing(clip, tmp_path):
    done = run_shut_in(tmp_path, "-c", SESSION, str(clip), "stay")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["turns"] == 2 * len(QUESTIONS) + 1
    assert min(report["sizes"]) > 1000
    assert report["attempts"] == []
    if namespace():
        assert report["packets"] == 0
    assert left_behind(tmp_path) == []
    assert clip.stem not in done.stderr, "names of clips do not belong into a log"


def test_the_watch_sees_what_reaches_out(clip, tmp_path):
    done = run_shut_in(tmp_path, "-c", SESSION, str(clip), "reach out")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert "socket.connect" in report["attempts"]
    if namespace():
        assert report["packets"] > 0


def test_the_command_line_writes_what_it_was_told_to_and_no_more(clip, tmp_path):
    done = run_shut_in(tmp_path, "-m", "mellm_demo", "analyse", str(clip), "--json", "out.json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert left_behind(tmp_path) == ["here/out.json"]
    text = (tmp_path / "here" / "out.json").read_text(encoding="utf-8")
    assert str(clip.parent) not in text
    assert str(tmp_path) not in text
