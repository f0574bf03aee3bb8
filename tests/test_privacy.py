"""No egress and nothing kept: a whole analysis and a chat ask no host for anything and leave no file behind.

They run in a process of their own, with the narrator and with the model in the weights, which has a process of its own
again and is asked on loopback. Python's audit events show every attempt of Python code to reach the network, and where
to: only where that process listens may be asked. Where the kernel lends a network namespace of one's own, one without
any route, its counter of packets that found no way shows attempts of native code as well. Home, working and temporary
folder are new and empty; so they must be afterwards.
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
from support_shut_in import BESIDE, ELSEWHERE, QUESTIONS, SPEAKERS

TOP = Path(__file__).parents[1]
SESSION = Path(__file__).with_name("support_shut_in.py")


def foreign(report: dict) -> list[list]:
    """Attempts to reach anything but what the app itself started."""
    return [[event, *place] for event, *place in report["attempts"] if place not in report["ours"]]


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
    done = run_shut_in(tmp_path, str(SESSION), str(clip), "stay")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert list(report["said"]) == list(SPEAKERS)
    for texts in report["said"].values():
        assert len(texts) == 2 * len(QUESTIONS) + 1
        assert all(texts)
    assert report["stood_in"] == 1, "the model itself answers what is asked in its language"
    assert min(report["sizes"]) > 1000
    assert [host for host, _ in report["ours"]] == ["127.0.0.1"]
    assert report["attempts"], "the model is asked on loopback, which the watch has to see"
    assert foreign(report) == []
    assert report["children"] == []
    if namespace():
        assert report["packets"] == 0
    assert left_behind(tmp_path) == []
    assert clip.stem not in done.stderr, "names of clips do not belong into a log"


def test_the_watch_sees_what_reaches_out(clip, tmp_path):
    done = run_shut_in(tmp_path, str(SESSION), str(clip), "reach-out")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    for place in (ELSEWHERE, BESIDE):
        assert ["socket.connect", *place] in foreign(report)
    if namespace():
        assert report["packets"] > 0


def test_the_command_line_writes_what_it_was_told_to_and_no_more(clip, tmp_path):
    done = run_shut_in(tmp_path, "-m", "mellm_demo", "analyse", str(clip), "--json", "out.json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert left_behind(tmp_path) == ["here/out.json"]
    text = (tmp_path / "here" / "out.json").read_text(encoding="utf-8")
    assert str(clip.parent) not in text
    assert str(tmp_path) not in text
