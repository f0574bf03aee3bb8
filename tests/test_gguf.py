"""What a GGUF file says of itself is read quickly; whatever else the file is, a sentence tells it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_gguf import smollm2, write_projector

from mellm_demo.errors import WeightsError
from mellm_demo.reasoning import gguf


@pytest.fixture(scope="module")
def projector(tmp_path_factory) -> Path:
    return write_projector(tmp_path_factory.mktemp("gguf") / "mmproj-tiny.gguf")


def test_a_projector(projector):
    header = gguf.read(projector)
    assert header.architecture == "clip"
    assert header.precision == "F32"
    assert header.values["clip.vision.image_size"] == 56
    assert header.name == "mmproj-tiny"
    assert header.file_bytes == projector.stat().st_size
    assert 300_000 < header.parameters < 500_000


def test_a_real_model():
    header = gguf.read(smollm2())
    assert (header.architecture, header.precision) == ("llama", "Q4_1")
    assert header.parameters == pytest.approx(134_515_008)
    assert header.number("context_length") == 8192
    assert header.lengths["tokenizer.ggml.tokens"] == 49_152
    # 30 layers, 3 heads of 64, keys and values of 2 bytes
    assert header.cache_bytes(100) == 100 * 30 * 3 * 64 * 2 * 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no GGUF file"),
        (b"PK\x03\x04 a zip", "is no GGUF file"),
        (b"GGUF\x09\x00\x00\x00", "version 9"),
        (b"GGUF\x03\x00\x00\x00", "cut short"),
        (b"GGUF\x03\x00\x00\x00" + b"\xff" * 16, "cut short"),
    ],
)
def test_what_is_none_is_told(tmp_path, data, words):
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=words):
        gguf.read(path)


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(WeightsError, match=r"“none.gguf” cannot be read \(No such file"):
        gguf.read(tmp_path / "none.gguf")
    with pytest.raises(WeightsError, match="cannot be read"):
        gguf.read(tmp_path)


def test_a_file_that_was_cut_short_is_told(projector, tmp_path):
    data = projector.read_bytes()
    for share in (0.01, 0.5, 0.999):
        path = tmp_path / "cut.gguf"
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(WeightsError, match="cut short"):
            gguf.read(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(4, 1500), value=st.binary(min_size=1, max_size=8))
def test_damage_never_breaks_the_program(projector, tmp_path, place, value):
    data = bytearray(projector.read_bytes())
    data[place : place + len(value)] = value
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    try:
        told = f"damaged.gguf, {gguf.read(path).file_bytes}"
    except WeightsError as error:
        told = str(error)
    assert "damaged.gguf" in told


@pytest.mark.parametrize("named", ["", "model", "x" * 500, "a\u202eb", "\x07beep"])
def test_a_name_that_says_nothing_gives_way_to_the_files(named):
    header = gguf.Header(Path("some/smol-Q4_K_M.gguf"), {"general.name": named}, {}, 1, "Q4_K", 1)
    assert header.name == "smol-Q4_K_M"
    assert replace(header, values={"general.name": "SmolLM2 135M"}).name == "SmolLM2 135M"
