"""Models named on a hub, fetched from one on loopback: what is asked for, told and refused before and after."""

from __future__ import annotations

import logging
import shutil
import socket
from collections import namedtuple

import pytest
from support_hub import COMMIT, hub
from support_models import SAVERS
from test_local import quiet, save_adapter, text_of, written

from mellm_demo.errors import ReasonerError
from mellm_demo.reasoning import loading, memory
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.local import LocalOptions, Transformer, local_model

NAME = "Some-Owner/Tiny-Llava"
ON_CPU = {"precision": "float32", "device": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model as a hub holds it, with files that are of no use here."""
    folder = SAVERS["llava"](tmp_path_factory.mktemp("models") / "llava")
    (folder / "README.md").write_text("# Tiny")
    (folder / "consolidated.safetensors").write_bytes(bytes(1000))
    (folder / "pytorch_model.bin").write_bytes(bytes(1000))
    return folder


@pytest.fixture
def there(folder, tmp_path, monkeypatch):
    """The hub, empty caches, and no way to any other host."""
    from huggingface_hub import constants

    with hub() as running:
        running.models[NAME] = folder
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield running


def test_a_model_is_fetched_and_shown_under_its_name(there, capfd, tmp_path):
    told = []
    engine = Transformer(LocalOptions(NAME, **ON_CPU), lambda what, share: told.append((what, share)))
    assert engine.card.name == NAME
    assert text_of(written(engine))
    assert sorted(there.sent) == [
        "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "processor_config.json",
        "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip
    shares = [share for what, share in told if what == f"fetching {NAME}" and share is not None]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.1)
    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "cache" / "models--Some-Owner--Tiny-Llava" / "snapshots" / COMMIT).is_dir()


def test_what_is_here_is_not_fetched_again_and_does_without_a_network(there, monkeypatch):
    from huggingface_hub import constants

    first = loading.folder_of(NAME, quiet)
    there.sent.clear()
    assert loading.folder_of(NAME, quiet) == first
    assert there.sent == []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it asked the network"))
    engine = Transformer(LocalOptions(NAME, **ON_CPU), quiet)
    assert engine.card.name == NAME
    assert local_model(LocalOptions(NAME), Manner()).card.name == NAME


def test_an_adapter_is_fetched_too(there, folder, tmp_path):
    there.models["me/lora"] = save_adapter(tmp_path / "adapter", folder)
    engine = Transformer(LocalOptions(NAME, "me/lora", **ON_CPU), quiet)
    assert engine.card.name == f"{NAME} + me/lora"
    assert "adapter_model.safetensors" in there.sent


def test_lack_of_memory_is_said_before_the_weights_are_fetched(there, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    with pytest.raises(ReasonerError, match=r"The model needs \d+ MB in float32 .* are free in memory"):
        Transformer(LocalOptions(NAME, **ON_CPU), quiet)
    assert "config.json" in there.sent
    assert "model.safetensors" not in there.sent


def test_lack_of_disk_is_said_before_anything_is_fetched(there, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**9, 10**9, 2**28 + 100_000))
    with pytest.raises(ReasonerError, match=r"of the disk, but 1 MB are free where it would be kept .*set HF_HOME"):
        loading.folder_of(NAME, quiet)
    assert there.sent == []


def test_older_files_of_weights_are_fetched_where_there_are_no_others(there, folder, tmp_path):
    import torch
    from safetensors.torch import load_file

    old = shutil.copytree(folder, tmp_path / "old")
    torch.save(load_file(old / "model.safetensors"), old / "pytorch_model.bin")
    (old / "model.safetensors").unlink()
    there.models[NAME] = old
    sizes = []
    got = loading.folder_of(NAME, quiet, lambda checkpoint: sizes.append(checkpoint.stored_bytes))
    assert sizes == [(old / "pytorch_model.bin").stat().st_size]
    assert (got / "pytorch_model.bin").is_file()
    assert text_of(written(Transformer(LocalOptions(NAME, **ON_CPU), quiet)))


def test_a_model_that_the_hub_does_not_have(there, caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(ReasonerError, match="“owner/none” is no folder here, and"):
        loading.folder_of("owner/none", quiet)
