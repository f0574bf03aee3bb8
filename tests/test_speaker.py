"""Who speaks in the page, by the settings and by choice; what is shown meanwhile; what a model claims is marked."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from html import escape
from pathlib import Path
from weakref import WeakValueDictionary

import pytest
from support_analysis import make_analysis
from support_gguf import smollm2, write_projector
from support_reasoner import SCRIPTED_CARD, ScriptedReasoner

from mellm_demo.errors import MellmError, ReasonerError, SettingsError
from mellm_demo.export import AnalysisDocument, to_json
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.choice import SHORT_CHARS, Speakers, short_name, speakers
from mellm_demo.reasoning.narrator import Narrator
from mellm_demo.reasoning.prompts import DEFAULT_BUDGET
from mellm_demo.reasoning.protocol import CutOff, Loading, Rewritten, SpokenBy, Thought, Waiting
from mellm_demo.reasoning.resident import Resident
from mellm_demo.settings import Settings
from mellm_demo.ui import fragments, measuring, talking
from mellm_demo.ui.house import House
from mellm_demo.ui.layout import Page
from mellm_demo.ui.session import KEPT_FOR_CLIP, KEPT_FOR_TURN, Entry, Job, Uploads, Visit

SERVER = {"remote_base_url": "http://127.0.0.1:9/v1", "remote_model": "some-vlm"}
MODEL_CARD = replace(SCRIPTED_CARD, name="A model", is_language_model=True)


def first(settings: Settings, embedded: Path = Path("none")) -> tuple[str, object]:
    found = speakers(settings, embedded)
    return found.default, found.get(found.default).card


# --------------------------------------------------------------------------------------------- by the settings


def test_without_a_model_the_narrator_speaks_and_says_why():
    key, card = first(Settings())
    assert key == "narrator"
    assert not card.is_language_model
    assert card.why.startswith("No language model is named in the settings")


def test_a_named_server_speaks_and_keeps_its_key():
    key, card = first(Settings(**SERVER, remote_api_key="sk-hidden"))
    assert key == "remote"
    assert card.is_language_model
    assert "some-vlm" in card.name
    assert "sk-hidden" not in repr(card)


def test_what_the_settings_say_reaches_the_server(tmp_path, monkeypatch):
    made: list = []
    monkeypatch.setattr("mellm_demo.reasoning.remote.RemoteModel", lambda options: made.append(options) or Narrator())
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("看图说话。", encoding="utf-8")
    speakers(Settings(**SERVER), Path("none"))
    speakers(
        Settings(
            **SERVER, remote_context_tokens=9000, remote_max_tokens=500, remote_image="off", temperature=0.2,
            remote_connect_seconds=1, remote_first_token_seconds=2, remote_between_tokens_seconds=3,
            prompt_file=str(prompt),
        ),
        Path("none"),
    )  # fmt: skip
    plain, told = made
    assert (plain.budget, plain.with_image, plain.style, plain.template) == (DEFAULT_BUDGET, True, "plain", None)
    assert (told.budget, told.max_tokens, told.with_image, told.temperature) == (8500, 500, False, 0.2)
    assert (told.connect_s, told.first_token_s, told.between_tokens_s) == (1, 2, 3)
    assert (told.style, told.template) == ("mellm_v1", "看图说话。")


def test_a_gguf_file_speaks_with_the_projector_beside_it(tmp_path):
    model = tmp_path / "model-Q4_1.gguf"
    model.symlink_to(smollm2())
    write_projector(tmp_path / "mmproj-model.gguf")
    key, card = first(Settings(gguf_model=str(model)))
    assert key == "gguf"
    assert card.why == "The settings name this file."  # it sees


def own_model(folder: Path, **other) -> Path:
    """A folder as ``weights/embedded``: SmolLM2 with an eye of random weights."""
    (folder / "language.gguf").symlink_to(smollm2())
    eye = write_projector(folder / "mmproj.gguf")
    told = {"name": "Small", "languages": ["en"], "language": {"file": "language.gguf", "sha256": "0" * 64}}
    told["eye"] = {"file": eye.name, "sha256": hashlib.sha256(eye.read_bytes()).hexdigest()}
    (folder / "embedded.json").write_text(json.dumps(told | other))
    return folder


def test_the_embedded_model_speaks_if_nothing_is_named(tmp_path):
    assert first(Settings(), tmp_path)[0] == "narrator"
    own_model(tmp_path)
    key, card = first(Settings(), tmp_path)
    assert (key, card.name, card.why) == ("embedded", "Small", "It comes with the app.")
    assert "not shown" in card.notice
    assert first(Settings(**SERVER), tmp_path)[0] == "remote"
    assert set(speakers(Settings(**SERVER), tmp_path).by_key) == {"remote", "embedded", "narrator"}
    assert first(Settings(speaker="narrator"), tmp_path)[0] == "narrator"


def test_the_embedded_model_is_asked_as_it_was_taught_unless_the_settings_say_otherwise(tmp_path, monkeypatch):
    made: list = []
    monkeypatch.setattr("mellm_demo.reasoning.llamacpp.gguf_model", lambda *given: made.append(given))
    own_model(tmp_path)
    speakers(Settings(), tmp_path)
    speakers(Settings(guarded="off", max_tokens=100, context_tokens=1024, temperature=0.4, gguf_threads=3), tmp_path)
    (options, manner), (others, other) = made
    assert manner == Manner(max_tokens=512, temperature=0.0, style="brief", guarded=True)
    assert other == Manner(max_tokens=100, temperature=0.4, style="brief", guarded=False)
    assert (options.context, others.context, others.threads) == (2048, 1024, 3)
    assert [path.name for path, _ in options.digests] == ["language.gguf", "mmproj.gguf"]
    assert "not shown" not in others.notice


def test_a_file_that_the_settings_name_is_guarded_only_when_asked_for(monkeypatch):
    made: list = []
    monkeypatch.setattr("mellm_demo.reasoning.llamacpp.gguf_model", lambda *given: made.append(given[1]))
    for guarded in ("auto", "on", "off"):
        speakers(Settings(gguf_model="x.gguf", guarded=guarded), Path("none"))
    assert [manner.guarded for manner in made] == [False, True, False]
    assert {manner.style for manner in made} == {"plain"}


@pytest.mark.parametrize(
    ("given", "style"), [({}, "mellm_v1"), ({"prompt_style": "mellm_v1"}, "mellm_v1"), ({"prompt_file": None}, "plain")]
)
def test_what_the_settings_say_reaches_the_manner_of_models_in_the_app(tmp_path, monkeypatch, given, style):
    made: list = []
    for place in ("llamacpp.gguf_model", "local.local_model"):
        monkeypatch.setattr(f"mellm_demo.reasoning.{place}", lambda *given: made.append(given[1]) or Narrator())
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("看图说话。", encoding="utf-8")
    told = {"prompt_file": str(prompt), "max_tokens": 77, "temperature": 0.1} | given
    speakers(Settings(gguf_model="x.gguf", local_model="y", **told), Path("none"))
    template = "看图说话。" if told["prompt_file"] else None
    assert made == [Manner(77, 0.1, style, template)] * 2


def test_a_broken_embedded_model_leaves_the_narrator(tmp_path):
    own_model(tmp_path)
    (tmp_path / "mmproj.gguf").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    key, card = first(Settings(), tmp_path)
    assert key == "narrator"
    assert "The model in the weights cannot be used. “mmproj.gguf” is no GGUF file" in card.why


def test_files_that_are_not_the_ones_named_leave_the_narrator_once_they_are_loaded(tmp_path):
    house = house_of(**speakers(Settings(), own_model(tmp_path)).by_key)
    visit = visiting()
    assert house.speakers.default == "embedded"
    last = all_of(talking.speak(house, visit))[-1]
    assert "AU12" in visit.entries[0].text
    assert visit.entries[0].speaker == "Narrator"
    assert "“language.gguf” is not the file that belongs here" in last["chatbot"][0]["content"]
    assert "The model in the weights cannot be used" in last["card"]


def test_one_can_be_asked_for():
    assert first(Settings(**SERVER, speaker="narrator"))[0] == "narrator"
    assert list(speakers(Settings(**SERVER, speaker="narrator"), Path("none")).by_key) == ["narrator", "remote"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"remote_model": "x"}, "Set both, or neither"),
        ({"remote_base_url": "http://127.0.0.1:9/v1"}, "Set both, or neither"),
        ({**SERVER, "remote_max_tokens": 4096}, "leaves no room for a question in 4096. Set a smaller"),
        ({"speaker": "local"}, "Set MELLM_LOCAL_MODEL too"),
        ({"speaker": "embedded"}, "Put one into weights/embedded"),
        ({"local_adapter": "x"}, "Set “local_model” too"),
        ({"gguf_projector": "x"}, "Set “gguf_model” too"),
        ({"gguf_model": "/nowhere/x.gguf"}, r"“x\.gguf” cannot be read"),
        ({"local_model": "/nowhere/model"}, "There is no folder"),
        ({**SERVER, "prompt_file": "/nowhere/prompt"}, "cannot be read"),
        (
            {**SERVER, "prompt_file": "x", "prompt_style": "plain"},
            "“prompt_style” plain does not use. Set the style to",
        ),
        ({"gguf_model": "x", "prompt_file": "x", "prompt_style": "brief"}, "“prompt_style” brief does not use"),
        ({"prompt_file": "x"}, "but none is named. Name one, or no prompt file"),
    ],
)
def test_what_cannot_be_used_stops_the_start_with_a_sentence(settings, words):
    with pytest.raises(MellmError, match=words):
        speakers(Settings(**settings), Path("none"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MELLM_GGUF_MODEL", "/nowhere/x.gguf", "“x.gguf” cannot be read"),
        ("MELLM_LOCAL_MODEL", "/nowhere/model", "There is no folder"),
        ("MELLM_COLOUR", "red", "There is no setting “colour”"),
    ],
)
def test_the_start_ends_in_a_sentence_and_no_traceback(name, value, words):
    top = Path(__file__).parents[1]
    environment = os.environ | {name: value}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=top, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_nonsense_is_no_speaker():
    with pytest.raises(SettingsError, match="speaker"):
        Settings.from_environment({"MELLM_SPEAKER": "parrot"})


# --------------------------------------------------------------------------------------------- in the page


def house_of(**reasoners) -> House:
    page = Page(**{name: name for name in Page.__dataclass_fields__})
    return House(
        page=page, settings=Settings(), engine=None, speakers=Speakers(reasoners), suggest=lambda analysis: (),
        examples=(), uploads=Uploads(), visits=WeakValueDictionary(),
    )  # fmt: skip


def visiting() -> Visit:
    visit = Visit()
    visit.begin(make_analysis("smile"))
    return visit


def all_of(stream) -> list[dict]:
    async def run() -> list[dict]:
        return [updates async for updates in stream]

    return asyncio.run(run())


def said(visit: Visit) -> list[str]:
    return [entry.text for entry in visit.entries if entry.role == "assistant"]


def test_before_a_clip_there_is_nothing_to_talk_about():
    visit = Visit()
    visit.arrived = True
    talking.ask(house_of(model=scripted("It moved.")), visit, "How long?")
    assert said(visit) == [talking.NO_CLIP_YET]


@pytest.mark.parametrize("act", [lambda house, visit: talking.ask(house, visit, "How long?"), talking.explain_again])
def test_a_page_that_outlives_its_app_is_told_so_in_the_chat(act):
    """Its finding stands there still, and the copy that answers now knows nothing of it."""
    house, visit = house_of(model=scripted("It moved.")), Visit()
    updates = act(house, visit)
    assert said(visit) == [talking.FORGOTTEN]
    assert not visit.pending
    assert house.page.chatbot in updates


def test_a_page_that_outlives_its_app_is_told_so_where_it_wants_more():
    house = house_of(model=scripted("It moved."))
    moved = asyncio.run(measuring.remeasure(house, Visit(), lambda analysis: analysis))
    for updates in (moved, measuring.save(house, Visit(), "json")):
        assert "Bring the clip again." in updates[house.page.status]


def test_an_answer_that_is_being_written_is_not_begun_again():
    """Browsers tell of one upload twice: the second time finds the explanation under way."""
    house, visit = house_of(model=scripted("It ", 0.05, "moved.")), visiting()

    async def run() -> None:
        first = talking.speak(house, visit)
        await anext(first)
        assert len([updates async for updates in talking.speak(house, visit)]) == 1
        async for _ in first:
            pass

    asyncio.run(run())
    assert [entry.text for entry in visit.entries if entry.kind == "text"] == ["It moved."]
    assert not [entry for entry in visit.entries if entry.kind == "trouble"]
    assert visit.take_up() is None
    visit.expect_answer()
    assert visit.take_up() is visit.stop_speaking


def scripted(*pieces, model: bool = True) -> ScriptedReasoner:
    return ScriptedReasoner(card=MODEL_CARD if model else SCRIPTED_CARD).enqueue(*pieces)


CLAIMS = "Both lip corners rose (AU12), and the brows lowered (AU4) <b>strongly</b>."


LONG = "Why? " * 25_000  # 125 kB


async def begun(house, visit):
    """An answer of which the first words have come; go on with it."""
    first = talking.speak(house, visit)
    async for _ in first:
        if visit.entries[0].text:
            break
    return first


def test_a_question_that_is_too_long_leaves_what_is_being_written():
    model = scripted("It ", 0.3, "moved.").enqueue("Both.")
    house, visit = house_of(model=model), visiting()

    async def run() -> None:
        first = await begun(house, visit)
        talking.ask(house, visit, LONG)
        async for _ in talking.speak(house, visit):
            pass
        async for _ in first:
            pass

    asyncio.run(run())
    assert model.cancelled == 0
    assert [turn.text for turn in visit.turns()] == ["It moved."]
    question, told = visit.entries[-2:]
    assert len(question.text) < 300
    told = told.text.replace(fragments.NARROW_SPACE, " ")
    assert told == "That question has 124 999 characters; up to 4 000 are read. Ask it more briefly."

    talking.ask(house, visit, "Which side?")
    all_of(talking.speak(house, visit))
    assert [turn.text for turn in visit.turns()] == ["It moved.", "Which side?", "Both."]


def test_stop_after_a_question_that_is_too_long_marks_the_answer():
    model = ScriptedReasoner(card=MODEL_CARD).enqueue("It ", endless=True)
    house, visit = house_of(model=model), visiting()

    async def run() -> None:
        first = await begun(house, visit)
        talking.ask(house, visit, LONG)
        talking.stop(house, visit)
        async for _ in first:
            pass

    asyncio.run(run())
    assert model.cancelled == 1
    assert [turn.ended for turn in visit.turns()] == ["stopped"]


def test_no_text_is_told_below_a_question_that_was_too_long():
    house, visit = house_of(model=scripted(0.05)), visiting()

    async def run() -> None:
        first = talking.speak(house, visit)
        await anext(first)
        talking.ask(house, visit, LONG)
        async for _ in first:
            pass

    asyncio.run(run())
    assert [entry.kind for entry in visit.entries] == ["note", "note", "trouble"]


def test_questions_asked_while_something_is_written_are_answered_one_after_the_other():
    model = scripted("It ", 0.3, "moved.").enqueue("Both.").enqueue("For 200 ms.")
    house, visit = house_of(model=model), visiting()

    async def run() -> None:
        first = await begun(house, visit)
        talking.ask(house, visit, "Which side?")
        talking.ask(house, visit, "How long?")
        assert [entry.text for entry in visit.kept] == ["Which side?", "How long?"]
        assert visit.entries[-1].text == KEPT_FOR_TURN
        async for _ in first:
            pass

    asyncio.run(run())
    assert model.cancelled == 0
    assert [turn.text for turn in visit.turns()] == ["It moved.", "Which side?", "Both.", "How long?", "For 200 ms."]
    assert not visit.pending
    assert not [entry for entry in visit.entries if entry.kind == "kept"]


def test_stop_ends_one_answer_and_what_was_asked_meanwhile_comes_next():
    model = ScriptedReasoner(card=MODEL_CARD).enqueue("It ", endless=True).enqueue("Both.")
    house, visit = house_of(model=model), visiting()

    async def run() -> None:
        first = await begun(house, visit)
        talking.ask(house, visit, "Which side?")
        talking.stop(house, visit)
        async for _ in talking.speak(house, visit):
            pass
        async for _ in first:
            pass

    asyncio.run(run())
    assert [turn.ended for turn in visit.turns()] == ["stopped", "", ""]
    assert visit.turns()[-1].text == "Both."


def test_an_answer_of_which_nothing_had_come_leaves_no_progress_behind():
    """“reading the prompt, 33 % …” stood in the page for ever when the moment was changed meanwhile."""
    model = scripted(Loading("reading the prompt", 0.33), 0.3, "It moved.").enqueue("At another time.").enqueue("Both.")
    house, visit = house_of(model=model), visiting()
    visit.entries += [Entry("user", "When?"), Entry("assistant", "At 1 s.")]
    visit.put("Which side?")

    async def run() -> None:
        first = talking.speak(house, visit)
        async for _ in first:
            if visit.writing is not None and visit.writing.state:
                break
        for note in ("One moment.", "Another moment."):
            visit.begin(make_analysis("smile"), note=note)
        async for _ in talking.speak(house, visit):
            pass
        async for _ in first:
            pass

    asyncio.run(run())
    said = [entry.text for entry in visit.entries if entry.kind == "text" or "moment" in entry.text]
    assert said == ["When?", "At 1 s.", "Another moment.", "At another time.", "Which side?", "Both."]
    assert not [entry for entry in visit.entries if entry.state]


def test_a_question_asked_while_the_clip_is_measured_waits_for_it():
    model = scripted("It moved.").enqueue("Both.")
    house, visit = house_of(model=model), Visit()
    visit.job = Job("clip.mp4", "clip.mp4")
    shown = talking.ask(house, visit, "Which side?")
    assert visit.measuring
    assert [one["content"] for one in shown["chatbot"]] == ["Which side?", f"*{KEPT_FOR_CLIP}*"]
    talking.ask_otherwise(house, visit, 0, "Which side moved more?")
    visit.job = None
    visit.begin(make_analysis("smile"))
    all_of(talking.speak(house, visit))
    assert [turn.text for turn in visit.turns()] == ["It moved.", "Which side moved more?", "Both."]


def test_whoever_is_chosen_answers_what_waits():
    model = ScriptedReasoner(card=MODEL_CARD).enqueue("It ", endless=True)
    house, visit = house_of(model=model, narrator=Narrator(pace_s=0.0)), visiting()

    async def run() -> None:
        first = await begun(house, visit)
        talking.ask(house, visit, "Which side?")
        talking.choose(house, visit, "narrator")
        async for _ in talking.speak(house, visit):
            pass
        async for _ in first:
            pass

    asyncio.run(run())
    assert [entry.role for entry in visit.entries] == ["assistant", "assistant", "user", "assistant"]
    assert visit.entries[1].text == "From here on Narrator speaks."
    assert "both sides" in visit.entries[-1].text


def test_a_question_that_becomes_too_long_leaves_the_one_that_was_answered():
    house, visit = house_of(model=scripted("It moved.").enqueue("Both.").enqueue("Both again.")), visiting()
    all_of(talking.speak(house, visit))
    talking.ask(house, visit, "Which side?")
    all_of(talking.speak(house, visit))
    put = next(place for place, entry in enumerate(visit.entries) if entry.role == "user")
    shown = talking.ask_otherwise(house, visit, put, LONG)
    assert [turn.text for turn in visit.turns()] == ["It moved.", "Which side?", "Both."]
    assert "Ask it more briefly" in shown["chatbot"][-1]["content"]
    assert shown["question"].submit_btn is True

    talking.ask_again(house, visit, len(visit.entries) - 2)  # the question that was put, not the one that was not
    all_of(talking.speak(house, visit))
    assert [turn.text for turn in visit.turns()] == ["It moved.", "Which side?", "Both again."]


def test_nothing_that_steers_or_hides_is_shown_asked_or_exported():
    model = scripted(Thought("\x1b[2JHm."), "AU\u200b12 \x1b]0;owned\x07", "\u202erose.\u202c 👩", "\u200d🔬").enqueue(
        "Both."
    )
    house, visit = house_of(model=model), visiting()
    shown = all_of(talking.speak(house, visit))[-1]["chatbot"]
    assert shown[0]["content"].endswith("<div>[2JHm.</div></details>\n\nAU12 ]0;ownedrose. 👩\u200d🔬")
    talking.ask(house, visit, "\u202eWhich\x1b[2J\u200b side?\nLeft?\ufeff")
    assert visit.entries[-1].text == "Which[2J side?\nLeft?"
    talking.ask_otherwise(house, visit, len(visit.entries) - 1, "می\u200cخواهم\u2066?\u2069")
    shown = all_of(talking.speak(house, visit))[-1]["chatbot"]
    asked = "می\u200cخواهم?"
    assert [message["content"] for message in shown if message["role"] == "user"] == [asked]
    assert model.calls[-1].turns[-1].text == asked
    conversation = json.loads(to_json(visit.analysis, visit.turns(), MODEL_CARD))["conversation"]
    assert [turn["text"] for turn in conversation] == ["AU12 ]0;ownedrose. 👩\u200d🔬", asked, "Both."]
    assert [one["claim"] for one in conversation[0]["statements"]][:1] == ["AU12 is shown"]


def test_what_a_model_claims_is_counted_marked_and_exported():
    house, visit = house_of(model=scripted(CLAIMS)), visiting()
    shown = all_of(talking.speak(house, visit))[-1]["chatbot"]
    answer, note = (message["content"] for message in shown)
    assert "not supported by the measurements" in note
    assert "- AU4 is shown: " in note
    assert "<mark class='unsupported' title=\"Not supported by the measurements: " in answer
    assert "AU4</mark>" in answer.replace(")", "")
    assert "&lt;b>strongly" in answer
    assert "AU12</mark>" not in answer
    document = json.loads(to_json(visit.analysis, visit.turns(), MODEL_CARD))
    turn = document["conversation"][0]
    assert turn["speaker"] == "A model"
    assert turn["ended"] is None
    wrong = [one for one in turn["statements"] if not one["supported"]]
    assert {turn["text"][one["start"] : one["end"]] for one in wrong} >= {"AU4"}
    assert any(one["supported"] for one in turn["statements"])
    assert AnalysisDocument.model_validate(document).conversation[0].statements


def test_what_cannot_be_checked_is_told_and_exported():
    text = "AU12 is shown. The subject moved the left eye to the top."
    house, visit = house_of(model=scripted(text)), visiting()
    note = all_of(talking.speak(house, visit))[-1]["chatbot"][1]["content"]
    assert "1 sentence could not be checked" in note
    assert "not checked: “The subject moved the left eye to the top”" in note
    turn = json.loads(to_json(visit.analysis, visit.turns(), MODEL_CARD))["conversation"][0]
    assert [text[start:end] for start, end in turn["unchecked"]] == ["The subject moved the left eye to the top"]
    assert turn["tally"] == note.split("\n")[0].strip("*")


def test_what_was_written_again_is_told_below_and_exported():
    house, visit = house_of(model=scripted("Both lip corners rose (AU12).", Rewritten(2, 1))), visiting()
    note = all_of(talking.speak(house, visit))[-1]["chatbot"][1]["content"]
    assert "supported by the measurements; 2 sentences that the measurements did not support were written again" in note
    turn = json.loads(to_json(visit.analysis, visit.turns()))["conversation"][0]
    assert (turn["rewritten"], turn["left_out"]) == (2, 1)


def test_who_speaks_in_the_models_place_is_told_and_not_checked():
    narrators = replace(SCRIPTED_CARD, name="Narrator", notice="composed from measurements; speaks English only")
    house, visit = house_of(model=scripted(SpokenBy(narrators), CLAIMS)), visiting()
    content = all_of(talking.speak(house, visit))[-1]["chatbot"][-1]["content"]
    assert content.endswith("*Narrator: composed from measurements; speaks English only*")
    assert [(entry.speaker, entry.kind) for entry in visit.entries] == [("Narrator", "text")]


def test_of_an_answer_without_support_nothing_is_left_but_a_sentence_and_the_narrator():
    class Wrong:
        card, context, sees, lost = MODEL_CARD, 4096, False, False

        def count(self, text):
            return len(text) // 4

        def generate(self, messages, manner, emit, stopped):
            emit("The brows lowered (AU4).")

    model = Resident(lambda tell: Wrong(), MODEL_CARD, Manner(guarded=True))
    house, visit = house_of(model=model, narrator=Narrator(pace_s=0.0)), visiting()
    last = all_of(talking.speak(house, visit))[-1]
    assert [entry.kind for entry in visit.entries] == ["trouble"]
    assert "Nothing that A model wrote was supported by the measurements" in visit.entries[0].text
    assert last["narrator"].visible


def test_what_the_narrator_says_is_not_checked():
    house, visit = house_of(narrator=scripted(CLAIMS, model=False)), visiting()
    all_of(talking.speak(house, visit))
    assert [entry.kind for entry in visit.entries] == ["text"]
    assert visit.entries[0].statements == ()


def test_place_and_progress_are_shown_until_text_comes():
    pieces = (Waiting(2), 0.2, Loading("loading the weights", 0.4), 0.2, "Now.", 0.2)
    shown = [
        u["chatbot"] for u in all_of(talking.speak(house_of(model=scripted(*pieces)), visiting())) if "chatbot" in u
    ]
    contents = [messages[0]["content"] for messages in shown]
    assert "*2 questions are answered first …*" in contents
    assert "*loading the weights, 40 % …*" in contents
    assert contents[-1] == "Now."


def test_thoughts_are_folded_and_shown_as_text():
    house, visit = house_of(model=scripted(Thought("First <i>this</i>\n\nthen that"), "Well.")), visiting()
    content = all_of(talking.speak(house, visit))[-1]["chatbot"][0]["content"]
    assert content.startswith("<details class='thought'><summary>")
    assert "First &lt;i&gt;this&lt;/i&gt;<br><br>then that" in content
    assert content.endswith("\n\nWell.")
    assert visit.turns()[0].text == "Well."


@pytest.mark.parametrize(("reason", "words"), [("length", "cut off here"), ("repetition", "begun to repeat itself")])
def test_an_answer_that_was_cut_says_so_and_so_does_the_export(reason, words):
    house, visit = house_of(model=scripted("And then", CutOff(reason))), visiting()
    assert words in all_of(talking.speak(house, visit))[-1]["chatbot"][0]["content"]
    assert json.loads(to_json(visit.analysis, visit.turns()))["conversation"][0]["ended"] == reason


def test_a_model_that_never_ends_is_cut():
    house, visit = house_of(model=ScriptedReasoner(card=MODEL_CARD).enqueue("word " * 1000, endless=True)), visiting()
    all_of(talking.speak(house, visit))
    assert visit.entries[0].ended == "length"
    assert len(visit.entries[0].text) < 2 * talking.ANSWER_CHARS


@pytest.mark.parametrize("pieces", [(ReasonerError("It burst. Ask again."),), ("Half ", ReasonerError("It burst."))])
def test_after_a_failure_the_narrator_is_offered_and_answers(pieces):
    house, visit = house_of(model=scripted(*pieces), narrator=Narrator(pace_s=0.0)), visiting()
    last = all_of(talking.speak(house, visit))[-1]
    assert "It burst" in last["chatbot"][-1]["content"]
    assert last["narrator"].visible
    assert visit.analysis is not None
    updates = talking.narrator_instead(house, visit)
    assert updates["speaker"] == "narrator"
    assert not updates["narrator"].visible
    all_of(talking.speak(house, visit))
    assert "AU12" in visit.entries[-1].text
    assert visit.entries[-1].speaker == "Narrator"


def test_a_failure_without_a_sentence_tells_nothing_of_the_machine():
    house, visit = house_of(model=scripted(ValueError("/secret/path"))), visiting()
    assert "/secret" not in str(all_of(talking.speak(house, visit)))


def test_somebody_else_can_be_chosen_while_one_speaks():
    endless = ScriptedReasoner(card=MODEL_CARD).enqueue("on and on ", endless=True)
    house, visit = house_of(model=endless, narrator=Narrator(pace_s=0.0)), visiting()

    async def run() -> None:
        async for _ in talking.speak(house, visit):
            if visit.entries and visit.entries[0].text and visit.pending:
                talking.choose(house, visit, "narrator")

    asyncio.run(run())
    begun = time.monotonic()
    while endless.active:
        assert time.monotonic() - begun < 10
    assert [entry.ended for entry in visit.entries if entry.kind == "text"] == ["stopped"]
    assert visit.entries[-1].text == "From here on Narrator speaks."
    talking.choose(house, visit, "nobody")
    assert visit.speaker == "narrator"


def test_loading_is_shown_and_its_failure_too():
    go = threading.Event()

    def load(tell):
        tell("loading the weights", 0.25)
        assert go.wait(20)
        raise ReasonerError("The model needs 9 GB. Choose a smaller one.")

    house, visit = house_of(model=Resident(load, MODEL_CARD, Manner())), visiting()
    cards = []

    async def run() -> None:
        async for updates in talking.attend(house, visit):
            cards.append(updates["card"])
            if "25 %" in cards[-1]:
                go.set()

    asyncio.run(asyncio.wait_for(run(), 20))
    assert "loaded when first needed" in cards[0]
    assert any("loading the weights, 25 % …" in card for card in cards)
    assert "The model needs 9 GB. Choose a smaller one." in cards[-1]


# --------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("SmolLM2 135M Instruct", "SmolLM2 135M Instruct"),
        ("Qwen2.5-VL-7B-Instruct-Q4_K_M", "Qwen2.5-VL-7B-Instruct"),
        ("models/Qwen2.5-VL-7B-Instruct-Q4_K_M.gguf", "Qwen2.5-VL-7B-Instruct"),
        ("Llama-3.2-11B-Vision-Instruct-abliterated-v2-Q4_K_M", "Llama-3.2-11B-Vision…"),
        ("x" * 300, "x" * 27 + "…"),
        ("tiny-F16", "tiny"),
        ("a\nb", "a b"),
    ],
)
def test_a_name_fits_the_list_of_speakers(name, short):
    assert short_name(name) == short
    assert len(short) <= SHORT_CHARS


def test_two_of_one_name_can_be_told_apart_and_the_card_has_the_whole_name():
    long = replace(MODEL_CARD, name="Long-" * 20 + '"<b>')
    who = Speakers({"gguf": ScriptedReasoner(card=long), "embedded": ScriptedReasoner(card=long)})
    labels = [label for label, _ in who.labels()]
    assert len(set(labels)) == 2
    assert labels[0].endswith("… (gguf)")
    shown = fragments.card(long)
    assert f'title="{escape(long.name)}"' in shown
    assert shown.count("<b") == 1
    assert f">{short_name(long.name)}</b>" in shown
