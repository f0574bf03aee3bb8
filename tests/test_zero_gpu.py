"""A card that is lent by the call: whose time it takes, who may leave, what is told, which models are in place.

``spaces`` is a stand-in; see ``support_spaces``.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gradio.context import LocalContext
from support_analysis import make_analysis
from support_models import save_llava
from support_reasoner import SCRIPTED_CARD
from support_spaces import StandIn, on_zero_gpu, refused

from mellm_demo.errors import MellmError, ReasonerError, SettingsError, WeightsError
from mellm_demo.reasoning import hardware, loading, zero_gpu
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.choice import speakers
from mellm_demo.reasoning.prompts import Message
from mellm_demo.reasoning.protocol import Waiting
from mellm_demo.reasoning.resident import Resident
from mellm_demo.settings import Settings
from mellm_demo.ui import app, build_app
from mellm_demo.ui.speech import listen

TOP = Path(__file__).parents[1]
GENEROUS_S = 10.0
QUOTA = "You have exceeded your free ZeroGPU quota (83s requested vs. 60s left). Try again in 1:00:00. "
SHORT = Manner(max_tokens=12, temperature=0.0)


@pytest.fixture
def space(monkeypatch) -> StandIn:
    return on_zero_gpu(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_llava(tmp_path_factory.mktemp("models") / "llava")


class Lent:
    """An engine whose writing is lent a card; ``write`` is what happens there."""

    card, context, sees, lost = SCRIPTED_CARD, 4096, False, False

    def __init__(self, write) -> None:
        self._stream = zero_gpu.on_gpu(write, lambda messages, manner: manner.max_tokens, "cuda:0")

    def count(self, text: str) -> int:
        return len(text) // 3

    def image_tokens(self) -> int:
        return 0

    def generate(self, messages, manner, emit, stopped) -> None:
        stream = self._stream(messages, manner)
        try:
            for piece in stream:
                if stopped():
                    return
                if piece is not None:
                    emit(piece)
        finally:
            stream.close()

    def interrupt(self) -> None:
        """It is not needed: who stops is noticed at every tick."""

    def close(self) -> None:
        """Nothing is held."""


def resident(write) -> Resident:
    return Resident(lambda tell: Lent(write), SCRIPTED_CARD, SHORT)


def two_words(messages, manner) -> Iterator[str | None]:
    yield "Both "
    yield None
    yield "corners rose."


def heard(reasoner: Resident) -> list:
    return list(reasoner.reply(make_analysis("smile"), (), threading.Event()))


def wait_until(true) -> None:
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < GENEROUS_S
        time.sleep(0.005)


# ------------------------------------------------------------------------------------------ whose time it takes


def test_the_visitor_is_found_where_the_card_is_asked_for(space):
    """Through the page's thread, the model's and the one that waits for a card."""
    visitor, reasoner = object(), resident(two_words)

    async def page() -> list:
        LocalContext.request.set(visitor)
        return [piece async for piece in listen(reasoner, make_analysis("smile"), (), threading.Event())]

    said = contextvars.Context().run(asyncio.run, page())
    assert "".join(piece for piece in said if isinstance(piece, str)) == "Both corners rose."
    assert space.visitors == [visitor]
    assert space.seconds == [SHORT.max_tokens]


def test_each_visitor_is_found_as_they_take_turns(space):
    reasoner = resident(two_words)

    def visit(name: str) -> None:
        LocalContext.request.set(name)
        heard(reasoner)

    for name in ("one", "other"):
        contextvars.Context().run(visit, name)
    assert space.visitors == ["one", "other"]


# ------------------------------------------------------------------------------------------ who may leave


def test_who_leaves_while_waiting_for_a_card_makes_room_at_once(space):
    space.free.clear()
    reasoner, cancel = resident(two_words), threading.Event()
    leaving = reasoner.reply(make_analysis("smile"), (), cancel)
    first = threading.Thread(target=list, args=(leaving,))
    first.start()
    wait_until(lambda: space.seconds)
    said: list = []

    def listen_to_the_second() -> None:
        for piece in reasoner.reply(make_analysis("smile"), (), threading.Event()):
            said.append(piece)

    second = threading.Thread(target=listen_to_the_second)
    second.start()
    wait_until(lambda: Waiting(1) in said)
    begun = time.monotonic()
    cancel.set()
    wait_until(lambda: len(space.seconds) == 2)  # the other asks for a card, though none came yet
    assert time.monotonic() - begun < 2.0
    space.free.set()
    second.join(GENEROUS_S)
    assert "".join(piece for piece in said if isinstance(piece, str)) == "Both corners rose."
    wait_until(lambda: space.lent == space.returned == 2)  # the card that came too late is back


def test_who_stops_while_it_writes_gives_the_card_back(space):
    ended = threading.Event()

    def endless(messages, manner):
        try:
            for number in itertools.count():
                time.sleep(0.01)
                yield f"{number} and "
        finally:
            ended.set()

    reasoner, cancel = resident(endless), threading.Event()
    for piece in reasoner.reply(make_analysis("smile"), (), cancel):
        if isinstance(piece, str):
            cancel.set()
    assert ended.wait(GENEROUS_S)
    wait_until(lambda: space.lent == space.returned == 1)


# ------------------------------------------------------------------------------------------ what is told


@pytest.mark.parametrize(
    ("title", "message", "told"),
    [
        ("ZeroGPU quota exceeded", QUOTA, r"no more time .*83s requested vs\. 60s left.*Ask again later.*narrator"),
        ("ZeroGPU quota exceeded", "No GPU was available after 60s. Try", r"No graphics card was free.*narrator"),
        ("ZeroGPU pending credits exceeded", "You have too many", r"no more time .*You have too many.*narrator"),
        ("ZeroGPU queue timeout", "No GPU was available after 60s. <a", r"No graphics card was free.*narrator"),
        ("ZeroGPU illegal duration", "The requested GPU duration (83s)", r"longer than.*MELLM_MAX_TOKENS"),
        ("ZeroGPU client error", "No GPU was available", r"No graphics card was free.*narrator"),
        ("ZeroGPU client error", "Expired ZeroGPU proxy token", r"Expired ZeroGPU proxy token\)\. Reload the page"),
    ],
)
def test_what_the_scheduler_refuses_is_said_with_what_to_do(space, title, message, told):
    space.refusal = refused(title, message)
    with pytest.raises(ReasonerError, match=told) as caught:
        heard(resident(two_words))
    assert "<" not in str(caught.value)


def test_a_scheduler_that_is_down_is_said_too(space):
    space.refusal = RuntimeError("ZeroGPU API /schedule error: 500 (Internal Server Error)")
    with pytest.raises(ReasonerError, match=r"500.*Reload the page"):
        heard(resident(two_words))


@pytest.mark.parametrize("error", [ReasonerError("It is 12 tokens too long. Ask a shorter question."), SettingsError()])
def test_errors_of_ours_keep_their_sentence_on_the_way_from_the_card(space, error):
    def fails(messages, manner):
        yield "Both "
        raise error

    with pytest.raises(type(error)) as caught:
        heard(resident(fails))
    assert str(caught.value) == str(error)


@pytest.mark.parametrize("error", [MemoryError(), type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")])
def test_a_card_without_memory_is_said(space, error):
    def fails(messages, manner):
        yield "Both "
        raise error

    with pytest.raises(ReasonerError, match="The memory ran out"):
        heard(resident(fails))


def test_a_card_that_is_taken_back_is_said(space):
    def ended(messages, manner):
        yield "Both "
        raise SystemExit

    with pytest.raises(ReasonerError, match="taken back before the answer was whole"):
        heard(resident(ended))


def test_a_fault_of_the_program_is_not_dressed_up(space):
    def fails(messages, manner):
        yield "Both "
        raise KeyError("x")

    with pytest.raises(Exception, match="KeyError") as caught:
        heard(resident(fails))
    assert not isinstance(caught.value, MellmError)


# ------------------------------------------------------------------------------------------ what gets a card


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_what_is_computed_elsewhere_takes_no_card(space, device):
    assert zero_gpu.on_gpu(two_words, lambda *_: 1, device) is two_words
    assert not space.functions


def test_elsewhere_nothing_changes(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert zero_gpu.on_gpu(two_words, lambda *_: 1, "cuda:0") is two_words
    assert not zero_gpu.lends_to("cuda:0")


def test_a_card_that_is_lent_later_is_not_asked_now(space):
    found = hardware.hardware("auto", None)
    assert (found.device, found.free, found.capability) == ("cuda:0", None, (9, 0))


# ------------------------------------------------------------------------------------------ which models are in place


@pytest.fixture
def placing(space, monkeypatch) -> list[str]:
    """Names of models that are put in place. Their weights lie in memory until a card comes, as with ``spaces``.

    There they get to the card only from the thread that imported it, and only before the page is open.
    """
    placed: list[str] = []
    real = loading.load

    def load(checkpoint, chosen, attention):
        if chosen.device.startswith("cuda"):
            assert threading.current_thread() is space.home, "weights of this thread do not move to the card"
            assert os.environ["HF_DEACTIVATE_ASYNC_LOAD"], "transformers would load in threads of its own"
            placed.append(checkpoint.folder.name)
        return real(checkpoint, replace(chosen, device="cpu"), attention)

    monkeypatch.setattr(loading, "load", load)
    return placed


def settings_for(folder: Path, **more) -> Settings:
    return Settings(local_model=str(folder), local_precision="float32", max_tokens=24, **more)


def built(settings: Settings, monkeypatch):
    """Who can speak on a page of these settings."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", "unused")
    who = speakers(settings)
    build_app(settings, who)
    return who


@pytest.mark.parametrize("speaker", ["auto", "narrator", "remote"])
def test_a_local_model_is_in_place_whoever_speaks_first(folder, placing, space, monkeypatch, speaker):
    server = {"remote_base_url": "http://127.0.0.1:9/v1", "remote_model": "other"} if speaker == "remote" else {}
    who = built(settings_for(folder, speaker=speaker, **server), monkeypatch)
    local = who.by_key["local"]
    assert placing == ["llava"]
    assert local.ready
    assert space.functions == 1
    assert not any(one.ready for key, one in who.by_key.items() if key == "embedded")  # it needs no card
    said = heard(local)  # chosen later
    assert placing == ["llava"]
    assert "".join(piece for piece in said if isinstance(piece, str))
    assert space.seconds == [16]
    assert space.lent == space.returned == 1


def test_a_model_in_place_stays_there(folder, placing, monkeypatch):
    local = built(settings_for(folder), monkeypatch).by_key["local"]
    assert not local.idle()  # so it does not make room for another
    local.prepare()
    assert placing == ["llava"]


def test_a_model_that_cannot_be_placed_says_why_and_is_not_loaded_in_vain(folder, placing, monkeypatch, capsys):
    monkeypatch.setattr(loading, "load", lambda *_: (_ for _ in ()).throw(WeightsError("A file is missing. Fetch it.")))
    local = built(settings_for(folder), monkeypatch).by_key["local"]
    assert "llava cannot speak. A file is missing." in capsys.readouterr().out
    local.prepare()
    assert local.progress() is None
    with pytest.raises(WeightsError, match="A file is missing"):
        heard(local)


def test_on_the_cpu_of_such_a_space_nothing_is_placed_and_no_card_taken(folder, placing, space, monkeypatch):
    local = built(settings_for(folder, local_device="cpu"), monkeypatch).by_key["local"]
    assert not local.ready
    assert heard(local)
    assert (placing, space.functions, space.lent) == ([], 0, 0)


def test_without_a_local_model_spaces_is_not_needed(space, monkeypatch):
    prepared: list[bool] = []
    monkeypatch.setattr(zero_gpu, "prepare", lambda: prepared.append(True))
    app._on_zero_gpu(speakers(Settings(speaker="narrator")))
    assert not prepared


def test_spaces_comes_in_before_torch(folder, tmp_path):
    """In a process of its own, since torch is there already in this one."""
    (tmp_path / "spaces.py").write_text(
        "import sys, threading\n"
        "assert 'torch' not in sys.modules, 'torch came first'\n"
        "assert threading.current_thread() is threading.main_thread()\n"
        "print('spaces is there', flush=True)\n"
        "def GPU(duration): return lambda task: task\n"
    )
    environment = os.environ | {"SPACES_ZERO_GPU": "true", "PYTHONPATH": f"{TOP}{os.pathsep}{tmp_path}"}
    environment |= {"MELLM_LOCAL_MODEL": str(folder), "MELLM_SPEAKER": "narrator", "TMPDIR": str(tmp_path)}
    script = (
        "from mellm_demo.reasoning import loading\n"
        "def load(*_):\n"
        "    print('loading', flush=True)\n"
        "    raise MemoryError\n"
        "loading.load = load\n"
        "import app\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line in ("spaces is there", "loading")] == [
        "spaces is there",
        "loading",
    ]


def test_the_estimate_grows_with_the_answer_and_stays_within_what_is_lent(folder, placing, space):
    from mellm_demo.reasoning.local import LocalOptions, Transformer

    zero_gpu.prepare()
    engine = Transformer(LocalOptions(str(folder), precision="float32"), lambda what, share: None)
    for tokens in (12, 150, 4000):
        engine.generate((Message("user", "?"),), replace(SHORT, max_tokens=tokens), lambda piece: None, lambda: True)
    assert space.seconds == [15, 25, 120]
