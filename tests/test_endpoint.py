"""The page's ``analyse`` endpoint, called as a program would call it, gives what the command line writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from support_clips import smiling, write_video

from mellm_demo.cli import OK, main
from mellm_demo.export import AnalysisDocument
from mellm_demo.settings import Settings
from mellm_demo.ui import build_app, launch

PASSING = ("seconds", "analysed_at")  # what differs from run to run, by its nature


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_video(tmp_path_factory.mktemp("clip") / "smile.mp4", smiling(40))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = Settings(speaker="narrator", port=0)
    demo = build_app(settings)
    address = launch(demo, settings, block=False, warm=False)
    yield Client(
        address, verbose=False, analytics_enabled=False, download_files=str(tmp_path_factory.mktemp("downloads"))
    )
    demo.close()


def lasting(document: dict) -> dict:
    AnalysisDocument.model_validate(document)
    return {
        **document,
        "provenance": {key: value for key, value in document["provenance"].items() if key not in PASSING},
    }


@pytest.mark.parametrize("marks", [{}, {"onset_ms": 300.0, "apex_ms": 400.0}], ids=["found", "by hand"])
def test_the_endpoint_gives_what_the_command_line_writes(client, clip, tmp_path, marks):
    answer = client.predict(handle_file(str(clip)), **marks, api_name="/analyse")
    out = tmp_path / "out.json"
    options = [f"--{key.removesuffix('_ms')}={value}" for key, value in marks.items()]
    assert main(["analyse", str(clip), "--json", str(out), "--quiet", *options]) == OK
    assert lasting(answer) == lasting(json.loads(out.read_text(encoding="utf-8")))
    assert answer["interval"] is None or answer["interval"]["by_user"] is bool(marks)


def test_the_endpoint_refuses_with_the_same_sentence(client, tmp_path):
    text = tmp_path / "clip.mp4"
    text.write_text("Dear diary, today I smiled. " * 200)
    with pytest.raises(AppError, match="is not a video that can be read"):
        client.predict(handle_file(str(text)), api_name="/analyse")


def test_the_endpoint_is_the_only_one_shown(client):
    assert list(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == ["/analyse"]
