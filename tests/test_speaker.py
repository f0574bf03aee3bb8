"""Who speaks in the page, by the settings; and that what a model claims is counted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from weakref import WeakValueDictionary

import pytest
from support_analysis import make_analysis
from support_reasoner import SCRIPTED_CARD, ScriptedReasoner

from mellm_demo.errors import SettingsError
from mellm_demo.settings import Settings
from mellm_demo.ui import events
from mellm_demo.ui.app import speaker
from mellm_demo.ui.layout import Page
from mellm_demo.ui.session import Uploads, Visit

SERVER = {"remote_base_url": "http://127.0.0.1:9/v1", "remote_model": "some-vlm"}


def test_without_a_server_the_narrator_speaks():
    assert not speaker(Settings()).card.is_language_model


def test_a_named_server_speaks_and_keeps_its_key():
    card = speaker(Settings(**SERVER, remote_api_key="sk-hidden")).card
    assert card.is_language_model
    assert "some-vlm" in card.name
    assert "sk-hidden" not in repr(card)


@pytest.mark.parametrize("name", SERVER)
def test_half_a_server_is_refused(name):
    with pytest.raises(SettingsError, match="Set both, or neither"):
        speaker(Settings(**{name: SERVER[name]}))


@pytest.mark.parametrize("model", [True, False], ids=["a model", "no model"])
def test_what_a_model_claims_is_counted(model):
    reasoner = ScriptedReasoner(card=replace(SCRIPTED_CARD, is_language_model=model))
    reasoner.enqueue("Both lip corners rose (AU12), and the brows lowered (AU4).")
    page = Page(**dict.fromkeys(Page.__dataclass_fields__))
    house = events.House(
        page=page, settings=Settings(), engine=None, reasoner=reasoner, suggest=lambda analysis: (), examples=(),
        uploads=Uploads(), visits=WeakValueDictionary(),
    )  # fmt: skip
    visit = Visit()
    visit.begin(make_analysis("smile"))

    async def listen() -> None:
        async for _ in events.speak(house, visit):
            pass

    asyncio.run(listen())
    notes = [entry.text for entry in visit.entries if entry.kind == "note"]
    if model:
        assert "statements checked" in notes[0]
        assert "1 not supported" in notes[0] or "2 not supported" in notes[0]
    else:
        assert notes == []
