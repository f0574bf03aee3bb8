"""A model on a server: asked rightly, stopped at once, and every failure told in a clear sentence that holds no key."""

from __future__ import annotations

import base64
import logging
import socket
import sys
import threading
import time
import traceback
from email.utils import formatdate
from urllib.parse import urlsplit

import huggingface_hub
import pytest
from pydantic import SecretStr
from support_analysis import make_analysis
from support_server import KEY, FaultyServer, faulty_server

from mellm_demo.errors import ReasonerError, SettingsError
from mellm_demo.export import to_json
from mellm_demo.reasoning import remote
from mellm_demo.reasoning.protocol import CutOff, Reasoner, Thought
from mellm_demo.reasoning.remote import RemoteModel, RemoteOptions
from mellm_demo.records import Turn
from mellm_demo.settings import Settings

GENEROUS_S = 3.0


@pytest.fixture(scope="module")
def server():
    with faulty_server() as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(remote, "FIRST_PAUSE_S", 0.02)


def model(server: FaultyServer, name: str, **options) -> RemoteModel:
    times = {"first_token_s": 20.0, "between_tokens_s": 20.0} | options
    return RemoteModel(RemoteOptions(server.url, name, SecretStr(KEY), **times))


def spoken(reasoner: RemoteModel, *questions: str) -> tuple[str, str]:
    """What was said, and the sentence of the error if there was one."""
    said, turns = "", [Turn("user", question) for question in questions]
    try:
        for piece in reasoner.reply(make_analysis("smile"), turns, threading.Event()):
            said += piece if isinstance(piece, str) else ""
    except ReasonerError as error:
        return said, str(error)
    return said, ""


# --------------------------------------------------------------------------------------------- what is asked


def test_text_arrives_as_it_is_written_and_the_request_is_right(server):
    reasoner = model(server, "well", max_tokens=99)
    assert isinstance(reasoner, Reasoner)
    pieces = list(reasoner.reply(make_analysis("smile"), [Turn("user", "Which side?")], threading.Event()))
    assert "".join(pieces) == "Both mouth corners rose 微笑."
    asked = server.asked[-1]
    assert asked["path"] == "/v1/chat/completions"
    assert asked["stream"] is True
    assert asked["max_tokens"] == 99
    assert server.keys[-1] == f"Bearer {KEY}"
    system, user = asked["messages"]
    assert system["role"] == "system"
    image, text = user["content"]
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")
    assert "Which side?" in text["text"]


@pytest.fixture
def logged_in(monkeypatch):
    """Somebody is logged in to the hub on this machine, and wants it left alone."""
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_machine")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize(("key", "sent"), [(None, None), ("", None), (KEY, f"Bearer {KEY}")])
def test_no_key_but_the_given_one_is_sent(server, logged_in, key, sent):
    secret = None if key is None else SecretStr(key)
    said, error = spoken(RemoteModel(RemoteOptions(server.url, "well", secret, with_image=False)))
    assert (said[:4], error) == ("Both", "")
    assert server.keys[-1] == sent
    assert isinstance(server.asked[-1]["messages"][1]["content"], str)


def test_nothing_tells_who_asks(server, logged_in):
    spoken(model(server, "well"))
    assert server.headers[-1]["user-agent"] == "mellm-demo"
    told = str({key: value for key, value in server.headers[-1].items() if key != "authorization"})
    for word in ("hf_of_this_machine", "python", "torch", "hf_hub", huggingface_hub.__version__):
        assert word not in told


ADDRESSES: list[tuple] = []
sys.addaudithook(lambda event, details: ADDRESSES.append(details[1]) if event == "socket.connect" else None)


def test_nobody_but_the_server_is_asked(server, logged_in):
    port = urlsplit(server.url).port
    ADDRESSES.clear()
    spoken(model(server, "well"))
    spoken(model(server, "307 elsewhere"))
    assert [address[:2] for address in ADDRESSES] == [("127.0.0.1", port)] * 2
    assert server.asked[-1]["path"] == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://a:8000", "http://a:8000/v1/chat/completions"),
        ("http://a:8000/v1/", "http://a:8000/v1/chat/completions"),
        ("https://a/openai/v1", "https://a/openai/v1/chat/completions"),
        ("https://a/v1/chat/completions", "https://a/v1/chat/completions"),
    ],
)
def test_addresses(base, url):
    assert remote._endpoint(base)[0] == url


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_url": "ftp://a"}, "no web address"),
        ({"base_url": "nonsense"}, "no web address"),
        ({"base_url": "http://[::1"}, "no web address"),
        ({"base_url": "http://me:secret@a/v1"}, "holds a user"),
        ({"base_url": "http://a/v1?key=secret"}, "holds a user"),
        ({"model": " "}, "needs a name"),
        ({"api_key": SecretStr("secret\nX-Other: 1")}, "characters that no key has"),
    ],
)
def test_what_cannot_be_used_is_refused_without_repeating_it(options, words):
    with pytest.raises(SettingsError, match=words) as raised:
        RemoteModel(RemoteOptions(**{"base_url": "http://a", "model": "m"} | options))
    assert "secret" not in str(raised.value)


# --------------------------------------------------------------------------------------------- what goes wrong

BEGUN = (  # model, what was said before, words of the sentence
    ("cut", "Both ", "the answer broke off here"),
    ("garbage", "Both ", "no chat reply"),
    ("other json", "Both ", "no chat reply"),
    ("no choices", "Both ", "no chat reply"),
    ("odd choices", "Both ", "no chat reply"),
    ("packed", "", "no chat reply"),
    ("error inside", "Both ", "out of memory"),
    ("empty", "", "returned no text"),
    ("nothing", "", "before it answered"),
    ("hang up", "", "before it answered"),
    ("html", "", "before it answered"),
    ("line without end", "", "no chat reply"),
    ("401", "", "refuses the key (401)"),
    ("403", "", "refuses the key (403)"),
    ("404", "", "no model “404”"),
    ("413", "", "too large (413)"),
    ("400", "", "does not take the request (400): ‹b›no‹/b›"),
    ("302", "", "another address (302)"),
    ("307 elsewhere", "", "another address (307)"),
    ("500", "", "failed (500)"),
    ("429", "", "too many requests (429)"),
    ("503", "", "overloaded or down (503)"),
)


@pytest.mark.parametrize(("name", "before", "words"), BEGUN)
def test_failures_are_told_and_what_arrived_is_kept(server, name, before, words):
    said, error = spoken(model(server, name))
    assert said == before
    assert words in error
    assert error.startswith("The server 127.0.0.1:")
    assert error.rstrip().endswith(".")
    assert KEY not in error
    assert "<" not in error


NO_IMAGE = (  # as vLLM, OpenAI, llama.cpp and OpenRouter say it
    "400 says At most 0 image(s) may be provided in one request.",
    "400 says tiny-7b is not a multimodal model",
    "400 says Invalid content type. image_url is only supported by certain models.",
    "500 says image input is not supported - hint: you may need to provide the mmproj",
    "404 says No endpoints found that support image input",
)
NO_ROOM = (
    "400 says This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
    "400 says The decoder prompt (length 5000) is longer than the maximum model length of 4096.",
    "400 says the request exceeds the available context size. try increasing it",
    "422 says `inputs` tokens + `max_new_tokens` must be <= 4096.",
)


@pytest.mark.parametrize("name", NO_IMAGE)
def test_a_server_that_takes_no_image_names_the_setting_that_helps(server, name):
    _, error = spoken(model(server, name))
    assert f"does not take the image ({name[:3]}): {name.partition(' says ')[2].rstrip('.')}. Set " in error
    assert "MELLM_REMOTE_IMAGE=off" in error
    _, error = spoken(model(server, name, with_image=False))
    assert "MELLM_REMOTE_IMAGE" not in error


@pytest.mark.parametrize("name", NO_ROOM)
def test_a_server_without_room_names_the_setting_that_helps(server, name):
    _, error = spoken(model(server, name))
    assert f"has no room for this prompt and answer ({name[:3]})" in error
    assert "Set MELLM_REMOTE_CONTEXT_TOKENS" in error


def test_a_model_that_is_called_after_images_is_not_taken_for_one_without(server):
    error = str(model(server, "some-vision")._refused(404, "", "The model `some-vision` does not exist."))
    assert "knows no model “some-vision” at this address (404)" in error
    assert "MELLM_REMOTE_IMAGE" not in error
    _, error = spoken(model(server, "400"))
    assert "If its model takes no images, set MELLM_REMOTE_IMAGE=off." in error


def test_a_model_without_images_is_sent_none(server):
    blind = model(server, "well", with_image=False)
    assert spoken(blind, "Which side?")[1] == ""
    system, user = server.asked[-1]["messages"]
    assert "which the visitor sees and you do not" in system["content"]
    assert isinstance(user["content"], str)
    assert "Measurements" in user["content"]
    assert "is not sent the image" in blind.card.why
    assert "is not sent the image" not in model(server, "well").card.why


@pytest.mark.parametrize("name", ["no headers", "no token"])
def test_a_first_token_that_does_not_come(server, name):
    begun = time.monotonic()
    said, error = spoken(model(server, name, first_token_s=0.3))
    assert said == ""
    assert "did not begin to answer within 0 s" in error
    assert time.monotonic() - begun < GENEROUS_S


def test_silence_within_an_answer(server):
    said, error = spoken(model(server, "silent", between_tokens_s=0.3))
    assert said == "Both "
    assert "fell silent" in error


@pytest.mark.parametrize(
    ("name", "said", "words"),
    [
        ("empty for ever", "", "did not begin to answer within 0 s"),
        ("empty after some", "Both ", "fell silent for 0 s"),
    ],
)
def test_events_that_carry_nothing_are_no_sign_of_life(server, name, said, words):
    begun = time.monotonic()
    server.gone.clear()
    told, error = spoken(model(server, name, first_token_s=0.4, between_tokens_s=0.4))
    assert told == said
    assert words in error
    assert time.monotonic() - begun < GENEROUS_S
    assert server.gone.wait(GENEROUS_S)


@pytest.mark.parametrize("name", ["late", "role first"])
def test_a_slow_first_token_is_waited_for(server, name):
    assert spoken(model(server, name, between_tokens_s=0.1))[1] == ""


@pytest.mark.parametrize("name", ["whole", "pretty", "split", "no done", "done unspaced", "huge"])
def test_odd_but_right_answers(server, name):
    said, error = spoken(model(server, name))
    expected = {"whole": "All at once.", "pretty": "All\nat once.", "split": "嘴角"}
    if name == "huge":
        assert said.startswith("Both x")
        assert "was stopped" in error
    else:
        assert (said, error) == (expected.get(name, "Both "), "")


@pytest.mark.parametrize("name", ["thinks", "reasons"])
def test_thoughts_are_told_apart(server, name):
    pieces = list(model(server, name).reply(make_analysis("smile"), (), threading.Event()))
    assert [piece for piece in pieces if isinstance(piece, Thought)] == [Thought("Hm.")]
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == "Both corners."


def test_an_answer_at_its_greatest_length_is_marked(server):
    pieces = list(model(server, "no done").reply(make_analysis("smile"), (), threading.Event()))
    assert pieces == ["Both ", CutOff("length")]


def test_a_model_in_circles_is_stopped_and_the_server_hears_of_it(server):
    pieces = list(model(server, "circles").reply(make_analysis("smile"), (), threading.Event()))
    assert pieces[-1] == CutOff("repetition")
    assert len(pieces) < 20


def test_a_flood_is_stopped(server):
    said, error = spoken(model(server, "flood"))
    assert len(said) < 2 * remote.MOST_CHARACTERS
    assert "was stopped" in error


# --------------------------------------------------------------------------------------------- trying again


@pytest.mark.parametrize("status", ["429", "502", "503", "504"])
def test_what_passes_is_tried_again(server, status):
    name = f"{status} then well after 0.05"
    assert spoken(model(server, name)) == ("Both mouth corners rose 微笑.", "")
    assert server.tries[name] == 2


@pytest.mark.parametrize(("name", "tries"), [("400", 1), ("401", 1), ("404", 1), ("500", 1), ("503", 3), ("cut", 1)])
def test_only_that(server, name, tries):
    server.tries.clear()
    spoken(model(server, name))
    assert server.tries[name] == tries


def test_a_long_pause_is_told_and_not_waited_for(server):
    begun = time.monotonic()
    _, error = spoken(model(server, "429 after 3600"))
    assert "Ask again in 3600 s." in error
    assert time.monotonic() - begun < GENEROUS_S
    assert 50 < remote._retry_after(formatdate(time.time() + 60, usegmt=True)) < 61
    assert remote._retry_after("soon") is None


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _, error = spoken(RemoteModel(RemoteOptions(f"http://127.0.0.1:{port}/v1", "m", SecretStr(KEY))))
    assert error == f"The server 127.0.0.1:{port} cannot be reached. Check MELLM_REMOTE_BASE_URL."


# --------------------------------------------------------------------------------------------- Stop


@pytest.mark.parametrize("name", ["no headers", "no token", "silent", "endless"])
def test_stop_ends_within_half_a_second_and_hangs_up(server, name):
    server.gone.clear()
    cancel, ended, said = threading.Event(), threading.Event(), []

    def listen():
        said.extend(model(server, name).reply(make_analysis("smile"), (), cancel))
        ended.set()

    asked = len(server.asked)
    threading.Thread(target=listen, daemon=True).start()
    while len(server.asked) == asked or (name in ("silent", "endless") and not said):
        time.sleep(0.01)
    begun = time.monotonic()
    cancel.set()
    assert ended.wait(GENEROUS_S)
    print(f"{name}: stopped in {time.monotonic() - begun:.3f} s")
    assert server.gone.wait(GENEROUS_S)


def test_closing_the_iterator_hangs_up_too(server):
    server.gone.clear()
    reply = model(server, "endless").reply(make_analysis("smile"), (), threading.Event())
    next(reply)
    reply.close()
    assert server.gone.wait(GENEROUS_S)


def test_a_reply_that_is_cancelled_before_it_begins_says_nothing(server):
    cancel = threading.Event()
    cancel.set()
    asked = len(server.asked)
    assert list(model(server, "well").reply(make_analysis("smile"), (), cancel)) == []
    assert len(server.asked) == asked


def test_two_visitors_at_once(server):
    outcome: dict[int, tuple[str, str]] = {}
    reasoner = model(server, "late")
    threads = [
        threading.Thread(target=lambda place=place: outcome.update({place: spoken(reasoner)})) for place in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert outcome == dict.fromkeys(range(2), ("Both mouth corners rose 微笑.", ""))


# --------------------------------------------------------------------------------------------- the key


def test_the_key_is_nowhere(server, caplog):
    caplog.set_level(logging.DEBUG)
    shown = []
    for name in ("well", "401", "400", "500", "cut", "garbage"):
        reasoner = model(server, name)
        try:
            list(reasoner.reply(make_analysis("smile"), (), threading.Event()))
        except ReasonerError as error:
            shown.append("".join(traceback.format_exception(error)) + repr(error))
        shown += [repr(reasoner), repr(reasoner._options), str(reasoner.card)]
        shown.append(to_json(make_analysis("smile"), (), reasoner.card))
    assert not any(KEY in text for text in [*shown, caplog.text])


def test_a_server_writes_nothing_into_the_log(server, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("huggingface_hub"), "propagate", True)
    with caplog.at_level(logging.WARNING, "huggingface_hub"):
        spoken(model(server, "well"))
    assert "to be logged" not in caplog.text


def test_the_settings_keep_it_too():
    environ = {"MELLM_REMOTE_API_KEY": KEY, "MELLM_REMOTE_BASE_URL": "http://a/v1", "MELLM_REMOTE_MODEL": "m"}
    settings = Settings.from_environment(environ)
    assert settings.remote_api_key.get_secret_value() == KEY
    assert KEY not in f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}"
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({}, remote_api_key=[KEY])
    assert KEY not in str(raised.value)
    assert "remote_api_key" in str(raised.value)
