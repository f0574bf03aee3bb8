"""The model that comes with the app: its manifest, and the narrator in its place where it cannot speak."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from support_analysis import make_analysis
from support_reasoner import SCRIPTED_CARD, ScriptedReasoner

from mellm_demo.errors import NothingSupported, ReasonerError, WeightsError
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.choice import Loadable
from mellm_demo.reasoning.embedded import MANIFEST, Embedded, asked_in, read_manifest
from mellm_demo.reasoning.narrator import Narrator
from mellm_demo.reasoning.protocol import Loading, Reasoner, SpokenBy
from mellm_demo.reasoning.resident import Resident
from mellm_demo.records import Turn

CARD = replace(SCRIPTED_CARD, name="Small", is_language_model=True)
GOOD = {
    "name": "Small",
    "language": {"file": "language.gguf", "sha256": "a" * 64},
    "eye": {"file": "mmproj.gguf", "sha256": "b" * 64},
    "languages": ["en"],
}


def write(folder, **other) -> None:
    for name in ("language.gguf", "mmproj.gguf"):
        (folder / name).touch()
    (folder / MANIFEST).write_text(json.dumps(GOOD | other), encoding="utf-8")


# ------------------------------------------------------------------------------------------ the manifest


def test_a_folder_without_manifest_holds_no_model(tmp_path):
    assert read_manifest(tmp_path) is None
    assert read_manifest(tmp_path / "none") is None


def test_the_manifest_names_files_with_their_digests(tmp_path):
    write(tmp_path)
    manifest = read_manifest(tmp_path)
    assert (manifest.name, manifest.languages) == ("Small", ("en",))
    assert manifest.digests(tmp_path) == (
        (tmp_path / "language.gguf", "a" * 64),
        (tmp_path / "mmproj.gguf", "b" * 64),
    )


@pytest.mark.parametrize(
    "other",
    [
        {"languages": []},
        {"languages": ["fr"]},
        {"name": ""},
        {"language": {"file": "../language.gguf", "sha256": "a" * 64}},
        {"language": {"file": "language.gguf", "sha256": "a" * 63}},
        {"eye": None},
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path, other):
    write(tmp_path, **other)
    with pytest.raises(WeightsError, match="cannot be used"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_no_json_is_refused(tmp_path):
    (tmp_path / MANIFEST).write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(WeightsError, match="cannot be used"):
        read_manifest(tmp_path)


def test_a_file_that_is_named_and_missing_is_refused(tmp_path):
    write(tmp_path)
    (tmp_path / "mmproj.gguf").unlink()
    with pytest.raises(WeightsError, match=r"“mmproj\.gguf”, which is missing"):
        read_manifest(tmp_path)


# ------------------------------------------------------------------------------------------ who speaks


class Model(ScriptedReasoner):
    """A scripted model that is loaded."""

    ready, failure = True, None

    def prepare(self) -> None:
        self.prepared = True

    def progress(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True


def embedded(*pieces, languages=("en",), language="en") -> Embedded:
    return Embedded(Model(card=CARD).enqueue(*pieces), Narrator(pace_s=0.0), languages, language)


def heard(reasoner: Reasoner, *questions: str) -> list:
    turns = [Turn("user", question) for question in questions]
    return list(reasoner.reply(make_analysis("smile"), turns, threading.Event()))


def text_of(pieces) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


def test_it_is_a_reasoner_that_is_loaded():
    reasoner = embedded("Both.")
    assert isinstance(reasoner, Reasoner)
    assert isinstance(reasoner, Loadable)
    reasoner.prepare()
    reasoner.close()
    assert reasoner.model.prepared
    assert reasoner.model.closed
    assert reasoner.card == CARD


@pytest.mark.parametrize("questions", [(), ("Which side?",), ("哪一侧？", "Which side?")])
def test_in_its_languages_the_model_speaks(questions):
    assert heard(embedded("Both."), *questions) == ["Both."]


@pytest.mark.parametrize("questions", [("哪一侧？",), ("Which side?", "哪个动作单元？"), ("哪一侧？", "AU12?")])
def test_in_chinese_the_narrator_speaks_and_says_why(questions):
    reasoner = embedded("Both.")
    first, *rest = heard(reasoner, *questions)
    assert isinstance(first, SpokenBy)
    assert first.card.name == "Narrator"
    assert not first.card.is_language_model
    assert first.card.notice == "由测量结果写成；应用自带的模型只会英语"
    assert reasoner.model.calls == []
    assert text_of(rest)


@pytest.mark.parametrize(
    "question",
    [
        "どの領域が動きましたか？",
        "얼굴 어디가 움직였나요?",
        "Что двигалось?",
        "Welche Seite hat sich bewegt?",
        "Quelle région a bougé ?",
    ],
)
def test_in_other_languages_the_narrator_says_what_is_spoken_here(question):
    reasoner = embedded("Both.")
    first, *rest = heard(reasoner, question)
    assert first.card.notice == "composed from measurements; the embedded model speaks English only"
    assert text_of(rest).startswith("I can answer in English and Chinese")
    assert reasoner.model.calls == []
    assert heard(reasoner, question, "Which side?") == ["Both."]
    assert heard(embedded("Both."), "Is the orbicularis oculi active?") == ["Both."]  # Latin is none of them


def test_a_chinese_page_is_explained_by_the_narrator():
    assert isinstance(heard(embedded("Both.", language="zh"))[0], SpokenBy)
    assert heard(embedded("两侧。", languages=("en", "zh"), language="zh")) == ["两侧。"]


def test_a_model_of_chinese_alone_has_english_answered_for_it():
    first = heard(embedded("两侧。", languages=("zh",)), "Which side?")[0]
    assert first.card.notice == "composed from measurements; the embedded model speaks Chinese only"


def test_the_language_is_that_of_the_last_question_that_shows_one():
    turns = [Turn("user", "哪一侧？"), Turn("assistant", "Both."), Turn("user", "AU12?")]
    assert asked_in(turns, "en") == "zh"
    assert asked_in([*turns, Turn("user", "Which side is it?")], "zh") == "en"
    assert asked_in((), "zh") == "zh"


def test_what_cannot_be_loaded_leaves_the_narrator_and_says_why():
    def load(tell):
        tell("checking the model's files", None)
        raise WeightsError("“language.gguf” is not the file that belongs here.")

    reasoner = Embedded(Resident(load, CARD, Manner()), Narrator(pace_s=0.0), ("en",))
    assert reasoner.card.name == CARD.name
    pieces = heard(reasoner, "Which side?")
    place = next(piece for piece in pieces if isinstance(piece, SpokenBy))
    assert "cannot be used: “language.gguf” is not the file" in place.card.notice
    assert text_of(pieces)
    assert reasoner.card.name == "Narrator"
    assert "The model in the weights cannot be used. “language.gguf”" in reasoner.card.why
    assert not reasoner.ready
    assert "not the file" in reasoner.failure


def test_where_nothing_it_wrote_is_supported_the_narrator_answers_and_says_so():
    pieces = heard(embedded(NothingSupported("Nothing was supported.")), "Which side?")
    place = next(piece for piece in pieces if isinstance(piece, SpokenBy))
    assert place.card.name == "Narrator"
    assert "nothing that the embedded model wrote was supported" in place.card.notice
    assert text_of(pieces)
    with pytest.raises(NothingSupported):  # what was begun is not begun again by somebody else
        heard(embedded("Both ", NothingSupported("Nothing was supported.")), "Which side?")


def test_what_fails_while_it_speaks_is_told_as_ever():
    with pytest.raises(ReasonerError, match="It burst"):
        heard(embedded("Both ", ReasonerError("It burst.")))


def test_progress_is_the_models():
    told = Loading("loading the model", 0.5)
    model = SimpleNamespace(progress=lambda: told)
    assert Embedded(model, Narrator()).progress() is told
