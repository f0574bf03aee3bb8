"""A real small GGUF model through llama.cpp: streaming, Stop, turns, trimming, images, and what is refused."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support_analysis import make_analysis
from support_gguf import IMAGE_PX, PATCH_PX, smollm2, write_projector

from mellm_demo import motion_map
from mellm_demo.errors import MellmError, ReasonerError, SettingsError, WeightsError
from mellm_demo.reasoning import memory
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.grounding import check
from mellm_demo.reasoning.llamacpp import (
    GgufOptions,
    engine,
    find_projector,
    free_threads,
    gguf_model,
    load_now,
    own_threads,
)
from mellm_demo.reasoning.llamacpp import threads as computing
from mellm_demo.reasoning.llamacpp.files import Files, check_digests
from mellm_demo.reasoning.prompts import Message, map_png
from mellm_demo.reasoning.protocol import CutOff, Loading, Reasoner, Waiting
from mellm_demo.reasoning.resident import Resident
from mellm_demo.records import Turn

GENEROUS_S = 5.0
SHORT = Manner(max_tokens=24, temperature=0.0)


@pytest.fixture(scope="module")
def small():
    """SmolLM2-135M, which sees no images."""
    model = gguf_model(GgufOptions(smollm2()), SHORT)
    yield model
    model.close()


def said(pieces) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


def test_who_speaks_is_known_before_anything_is_loaded(small):
    assert isinstance(small, Reasoner)
    card = gguf_model(GgufOptions(smollm2()), SHORT).card
    assert card.is_language_model
    assert (card.size, card.precision, card.device) == ("135 M parameters", "Q4_1 by llama.cpp", "cpu")
    assert "does not see the image" in card.why


def test_it_loads_reads_and_writes_and_says_where_it_was_cut(small):
    pieces = list(small.reply(make_analysis("smile"), (), threading.Event()))
    assert said(pieces).strip()
    assert pieces[-1] == CutOff("length")
    assert isinstance(pieces[0], Loading)
    shares = [piece.share for piece in pieces if isinstance(piece, Loading) and piece.what == "reading the prompt"]
    assert shares == sorted(shares)
    assert "thread" in small.card.device
    assert small.ready


def test_the_same_question_gets_the_same_answer_at_temperature_0(small):
    turns = [Turn("user", "Which side?")]
    first, again = (said(small.reply(make_analysis("smile"), turns, threading.Event())) for _ in range(2))
    assert first == again


def test_stop_frees_the_model(small):
    cancel = threading.Event()
    reply = small.reply(make_analysis("smile"), [Turn("user", "Tell me everything.")], cancel)
    while not isinstance(next(reply), str):
        pass
    begun = time.monotonic()
    cancel.set()
    rest = list(reply)
    ended = time.monotonic() - begun
    while len(small._turns):
        assert time.monotonic() - begun < GENEROUS_S
        time.sleep(0.005)
    print(f"ended in {ended:.3f} s, free after {time.monotonic() - begun:.3f} s")
    assert len(rest) <= 1
    assert ended < GENEROUS_S


def test_stop_while_the_prompt_is_read(small):
    """A prompt that takes seconds to read: the first progress ends it."""
    cancel = threading.Event()
    question = " ".join(f"Is number {n} right?" for n in range(200))
    reply = small.reply(make_analysis("frown"), [Turn("user", question)], cancel)
    while not isinstance(next(reply), Loading):
        pass
    begun = time.monotonic()
    cancel.set()
    assert [piece for piece in reply if isinstance(piece, str)] == []
    while len(small._turns):
        assert time.monotonic() - begun < GENEROUS_S
        time.sleep(0.005)


def test_leaving_the_stream_frees_the_model_too(small):
    reply = small.reply(make_analysis("smile"), (), threading.Event())
    while not isinstance(next(reply), str):
        pass
    reply.close()
    begun = time.monotonic()
    while len(small._turns):
        assert time.monotonic() - begun < GENEROUS_S
        time.sleep(0.005)


def test_two_visitors_are_answered_one_after_the_other(small):
    order, places = [], []
    ready = threading.Event()

    def listen(name: str) -> None:
        for piece in small.reply(make_analysis("smile"), [Turn("user", f"I am {name}.")], threading.Event()):
            if isinstance(piece, Waiting):
                places.append(piece.before)
            if isinstance(piece, str):
                order.append(name)
                ready.set()

    first = threading.Thread(target=listen, args=("Ann",))
    second = threading.Thread(target=listen, args=("Bob",))
    first.start()
    assert ready.wait(60)
    second.start()
    first.join(60)
    second.join(60)
    assert places == [1]
    assert order == sorted(order)
    assert set(order) == {"Ann", "Bob"}


def test_older_turns_give_way_and_the_evidence_stays():
    heard = []

    class Spy(engine.LlamaCpp):
        def generate(self, messages, manner, emit, stopped):
            heard.append(messages)
            emit("Well.")

    files = Files(GgufOptions(smollm2(), context=2048))
    options = GgufOptions(smollm2(), context=2048)
    model = Resident(lambda tell: Spy(files, options, tell), files.card(options, None), SHORT)
    turns = []
    for number in range(40):
        turns += [Turn("user", f"Question {number}?"), Turn("assistant", f"Answer {number}. " * 12)]
    list(model.reply(make_analysis("smile"), [*turns, Turn("user", "And the last one?")], threading.Event()))
    text = "\n".join(message.text for message in heard[0])
    assert "AU12" in text
    assert "And the last one?" in text
    assert "Question 39?" in text
    assert "Question 0?" not in text
    loaded = model._engine()
    assert sum(loaded.count(message.text) for message in heard[0]) <= 2048 - SHORT.max_tokens
    with pytest.raises(ReasonerError, match=r"take .* tokens, but the model is given"):
        list(model.reply(make_analysis("smile"), [Turn("user", "嘴角" * 1000)], threading.Event()))
    model.close()


def test_a_tokenizer_counts(small):
    small.prepare()
    small._attempt.over.wait(60)
    loaded = small._engine()
    assert loaded.count("") == 0
    assert loaded.count("Hello world") == 2
    assert loaded.count("<|im_start|>") >= 1


def test_a_stranger_on_this_machine_gets_nothing(small):
    import httpx

    small.prepare()
    small._attempt.over.wait(60)
    address = small._engine()._process.address
    assert address.startswith("http://127.0.0.1:")
    for path in ("/v1/chat/completions", "/tokenize", "/completion"):
        assert httpx.post(address + path, json={"content": "a", "prompt": "a"}, trust_env=False).status_code == 401
    for path in ("/slots", "/props"):
        assert httpx.get(address + path, trust_env=False).status_code == 401


def test_it_sees_through_a_projector(tmp_path):
    projector = write_projector(tmp_path / "mmproj-tiny.gguf")
    model = gguf_model(GgufOptions(smollm2(), projector), SHORT)
    assert "does not see" not in model.card.why
    pieces = list(model.reply(make_analysis("smile"), (), threading.Event()))
    assert said(pieces)
    assert model._engine().image_tokens() == (IMAGE_PX // PATCH_PX) ** 2
    model.close()


class Listening:
    """A process that is asked on loopback alone; ``read`` counts what it is given to read, each of so many tokens."""

    lost = False

    def __init__(self, process, address: str | None = None) -> None:
        self._process, self.address = process, address or process.address
        self.read = 0

    def ask(self, body, hear, stopped):
        self.read += 1
        return {"usage": {"prompt_tokens": 40 + 9 * isinstance(body["messages"][0]["content"], list)}}

    def close(self) -> None:
        self._process.close()


@pytest.mark.parametrize(
    ("address", "tokens", "read"), [(None, (IMAGE_PX // PATCH_PX) ** 2, 0), ("http://[::1]:1", 9, 2)]
)
def test_an_image_is_counted_without_being_encoded_where_that_is_possible(tmp_path, monkeypatch, address, tokens, read):
    """An image costs a large model on a CPU half a minute; only a server that does not count has to read one."""
    start, processes = engine.Process, []

    def listening(parameters):
        processes.append(Listening(start(parameters), address))
        return processes[-1]

    monkeypatch.setattr(engine, "Process", listening)
    options = GgufOptions(smollm2(), write_projector(tmp_path / "mmproj-tiny.gguf"), context=512)
    loaded = load_now(options)
    assert loaded.image_tokens() == tokens
    assert processes[0].read == read
    loaded.close()


def test_files_are_read_before_they_are_loaded_and_the_share_is_told(tmp_path, monkeypatch):
    """llama.cpp does not tell how far it is, and the disk's share is the most of it."""
    told: list = []

    def start(*_):
        assert told[-1] == ("loading the model", None)
        shares = [share for what, share in told if what == "reading the model's files"]
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
        assert len(shares) >= smollm2().stat().st_size // engine.AHEAD_BYTES  # both files, piece by piece
        raise ReasonerError("That is enough.")

    monkeypatch.setattr(engine, "Process", start)
    options = GgufOptions(smollm2(), write_projector(tmp_path / "mmproj-tiny.gguf"))
    with pytest.raises(ReasonerError, match="enough"):
        load_now(options, lambda what, share: told.append((what, share)))


def test_a_file_that_cannot_be_read_ahead_is_llama_cpps_matter(tmp_path):
    told: list = []
    engine.read_ahead([tmp_path], lambda what, share: told.append(share))  # a folder
    assert told == []


# --------------------------------------------------------------------------------------------- what is refused


def failure(options: GgufOptions, manner: Manner = SHORT) -> str:
    with pytest.raises(MellmError) as raised:
        list(gguf_model(options, manner).reply(make_analysis("smile"), (), threading.Event()))
    return str(raised.value)


def test_a_projector_is_no_model(tmp_path):
    assert "is a projector" in failure(GgufOptions(write_projector(tmp_path / "mmproj-tiny.gguf")))


def test_a_model_is_no_projector():
    assert "is no projector" in failure(GgufOptions(smollm2(), smollm2()))


def test_a_projector_of_another_model(tmp_path):
    projector = write_projector(tmp_path / "mmproj-other.gguf", width=288)
    assert "the two do not go together" in failure(GgufOptions(smollm2(), projector))


def test_an_unknown_kind(tmp_path):
    path = write_projector(tmp_path / "odd.gguf", architecture="oddity")
    assert "holds no language model" in failure(GgufOptions(path))


def test_a_missing_part_of_a_split_model(tmp_path):
    path = tmp_path / "big-00001-of-00003.gguf"
    path.symlink_to(smollm2())
    with pytest.raises(WeightsError, match=r"“big-00002-of-00003\.gguf” is missing"):
        gguf_model(GgufOptions(path), SHORT)


def test_too_little_memory_is_said_before_loading(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1_000_000_000)
    monkeypatch.setattr(memory, "reserve", lambda: 650_000_000)
    monkeypatch.setattr(engine, "Process", lambda *_: pytest.fail("it began to load"))
    sentence = failure(GgufOptions(smollm2()))
    assert "350 MB are free" in sentence
    assert "a file of up to 54 MB would fit" in sentence


def test_an_answer_as_long_as_the_context():
    options = GgufOptions(smollm2(), context=1024)
    with pytest.raises(SettingsError, match="no room beside an answer"):
        list(gguf_model(options, Manner(max_tokens=1024)).reply(make_analysis("smile"), (), threading.Event()))


def test_files_are_held_against_their_digests_when_they_are_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "Process", lambda *_: pytest.fail("it began to load"))
    projector = write_projector(tmp_path / "mmproj-tiny.gguf")
    right = hashlib.sha256(projector.read_bytes()).hexdigest()
    check_digests([(projector, right.upper())])
    wrong = GgufOptions(smollm2(), projector, digests=((projector, right), (smollm2(), "0" * 64)))
    assert "is not the file that belongs here" in failure(wrong)
    with pytest.raises(WeightsError, match="cannot be read"):
        check_digests([(tmp_path / "gone.gguf", right)])


def test_what_failed_to_load_is_tried_again(monkeypatch):
    free = [memory.reserve(), None]
    monkeypatch.setattr(memory, "available", lambda: free.pop(0))
    model = gguf_model(GgufOptions(smollm2()), Manner(max_tokens=4))
    with pytest.raises(ReasonerError):
        list(model.reply(make_analysis("smile"), (), threading.Event()))
    assert "needs" in model.failure
    assert said(model.reply(make_analysis("smile"), (), threading.Event()))
    assert model.failure is None
    model.close()


def test_a_projector_beside_the_model_is_found(tmp_path):
    model = tmp_path / "tiny-Q4_0.gguf"
    assert find_projector(model) is None
    beside = tmp_path / "mmproj-tiny-f16.gguf"
    beside.touch()
    assert find_projector(model) == beside
    (tmp_path / "mmproj-other.gguf").touch()
    assert find_projector(model) == beside


def test_threads_leave_busy_cores_alone(monkeypatch):
    monkeypatch.setattr(computing, "CPU_QUOTA", Path("none"))
    monkeypatch.setattr(computing.os, "sched_getaffinity", lambda _: set(range(8)))
    for busy, threads in ((0.0, 8), (0.4, 8), (3.0, 5), (99.0, 1)):
        monkeypatch.setattr(computing.os, "getloadavg", lambda busy=busy: (busy, 0.0, 0.0))
        assert free_threads() == threads
    assert free_threads(3) == 3


def test_the_embedded_model_takes_what_the_analysis_has_left(monkeypatch):
    """The load right after an analysis is the analysis's own; a container's share counts, not the host's cores."""
    monkeypatch.setattr(computing, "CPU_QUOTA", Path("none"))
    monkeypatch.setattr(computing.os, "getloadavg", lambda: (9.0, 9.0, 9.0))
    for cores, threads in ((1, 1), (2, 2), (3, 3), (64, 4)):
        monkeypatch.setattr(computing.os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert own_threads() == threads


@pytest.mark.parametrize(("quota", "cores"), [("200000 100000", 2), ("max 100000", 8), ("50000 100000", 1), ("?", 8)])
def test_a_containers_share_of_time_counts(tmp_path, monkeypatch, quota, cores):
    monkeypatch.setattr(computing.os, "sched_getaffinity", lambda _: set(range(8)))
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    monkeypatch.setattr(computing, "CPU_QUOTA", tmp_path / "cpu.max")
    assert computing.cores() == cores


# --------------------------------------------------------------------------------------------- going on, exact pixels


def test_it_goes_on_from_a_text_at_once_and_draws_by_the_seed(small):
    """A trailing assistant's message is continued, not answered, and nearly all of it is in the cache."""
    small.prepare()
    small._attempt.over.wait(60)
    loaded = small._engine()
    facts = " ".join(f"Region {number} moved by {number} px." for number in range(8))
    messages = [Message("user", f"{facts} Say so."), Message("assistant", "Region 5 moved by")]

    def went_on(**manner) -> list:
        pieces: list = []
        loaded.generate(messages, Manner(max_tokens=8, **manner), pieces.append, lambda: False)
        return pieces

    first, again, *others = (went_on(temperature=1.5, seed=seed) for seed in (7, 7, 8, 9, 10))
    assert said(first) == said(again)
    assert {said(other) for other in others} != {said(first)}
    assert said(first)[:1] == " "
    assert not said(went_on(temperature=0.0)).startswith("Region 5 moved by")
    read = [piece.share for piece in again if isinstance(piece, Loading)]
    assert read[0] > 0.9


def test_it_begins_otherwise_and_goes_on_where_it_is_told_to(small):
    small.prepare()
    small._attempt.over.wait(60)
    loaded = small._engine()
    messages = [Message("user", "Is the sky blue? Say yes or no."), Message("assistant", "The sky is")]

    def went_on(*not_so: str, tokens: int = 6) -> str:
        pieces: list = []
        loaded.generate(messages, Manner(tokens, 0.0, not_so=not_so), pieces.append, lambda: False)
        return said(pieces)

    first = went_on()
    other = went_on(first)
    assert other.split()[0] != first.split()[0]
    assert went_on(first, other).split()[0] not in {first.split()[0], other.split()[0]}
    assert went_on(first, tokens=1).split() == other.split()[:1]
    messages[1] = Message("assistant", f"The sky is{went_on(tokens=40)}")
    assert went_on("", ".").strip()  # where it would end it does not


def test_a_fixed_projector_gets_pixels_as_in_training(tmp_path):
    """Of the size that it takes, made by area; the file's own word decides, not its name."""
    files = Files(GgufOptions(smollm2(), write_projector(tmp_path / "mmproj-tiny.gguf")))
    assert files.side == IMAGE_PX
    assert Files(GgufOptions(smollm2())).side is None
    picture = make_analysis("smile").moment.motion_map
    sent = engine._as_openai(Message("user", "?", map_png(picture)), files.side)["content"][0]["image_url"]["url"]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sent.partition(",")[2]))))
    np.testing.assert_array_equal(pixels, motion_map.at_side(picture, IMAGE_PX))
    exact = map_png(pixels)
    assert engine._resized(exact, IMAGE_PX) is exact


# --------------------------------------------------------------------------------------------- guarded


def test_a_guarded_model_says_nothing_unsupported():
    """SmolLM2 knows nothing of faces: of its sentences few stand, and what stands is supported."""
    manner = Manner(max_tokens=48, temperature=0.0, guarded=True)
    model = gguf_model(GgufOptions(smollm2(), context=2048), manner)
    analysis = make_analysis("smile")
    pieces: list = []
    with contextlib.suppress(ReasonerError):  # nothing may be left of it
        for piece in model.reply(analysis, (), threading.Event()):
            pieces.append(piece)  # one by one: what came before an error counts too
    assert check(said(pieces), analysis).unsupported == ()
    model.close()
