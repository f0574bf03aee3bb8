"""A real server on loopback, ``transformers serve`` with a tiny model, asked as the page asks any server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support_analysis import make_analysis
from support_models import save_idefics

from mellm_demo.errors import ReasonerError
from mellm_demo.reasoning.protocol import CutOff
from mellm_demo.reasoning.remote import RemoteModel, RemoteOptions
from mellm_demo.records import Turn

START_S = 400.0  # on a machine with much else to do
GENEROUS_S = 10.0
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Base URL and the model's name."""
    folder = tmp_path_factory.mktemp("served")
    model = save_idefics(folder / "tiny")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(model), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        begun = time.monotonic()
        while not _healthy(port):
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() - begun < START_S, "the server did not start"
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/v1", str(model)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False, timeout=5.0).status_code == 200
    except httpx.HTTPError:
        return False


def asked(served: tuple[str, str], **options) -> RemoteModel:
    url, model = served
    patient = {"first_token_s": 200.0, "between_tokens_s": 200.0, "temperature": 0.0}
    return RemoteModel(RemoteOptions(url, **{"model": model, "max_tokens": 12, **patient, **options}))


def test_it_streams_the_image_seen(served):
    turns = [Turn("user", "Which side?")]
    pieces = list(asked(served).reply(make_analysis("smile"), turns, threading.Event()))
    assert len([piece for piece in pieces if isinstance(piece, str)]) > 1
    assert pieces[-1] == CutOff("length")


def test_a_model_that_it_does_not_serve_is_told(served):
    with pytest.raises(ReasonerError, match=r"does not take the request \(400\): .*nobody/nothing"):
        list(asked(served, model="nobody/nothing").reply(make_analysis("smile"), (), threading.Event()))


def test_stop_and_the_next_question(served):
    cancel = threading.Event()
    reply = asked(served, max_tokens=1500).reply(make_analysis("smile"), (), cancel)
    next(reply)
    begun = time.monotonic()
    cancel.set()
    list(reply)
    assert time.monotonic() - begun < GENEROUS_S
    assert list(asked(served).reply(make_analysis("smile"), (), threading.Event()))
