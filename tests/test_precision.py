"""Where and how precisely a model is computed: by card, CPU and memory; what would fit is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mellm_demo.errors import ReasonerError, WeightsError
from mellm_demo.reasoning import checkpoint, memory, precision
from mellm_demo.reasoning.checkpoint import Checkpoint, Tensor, adapter_bytes, inspect, is_hub_id
from mellm_demo.reasoning.llamacpp.files import Files, GgufOptions
from mellm_demo.reasoning.precision import Hardware, plan

GB = 10**9
CONFIG = {
    "model_type": "qwen2_5_vl",
    "text_config": {"num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "hidden_size": 3584},
}


def seven_billion(**more) -> Checkpoint:
    """The sizes of Qwen2.5-VL-7B, roughly: 0.7 in the tower, 1.1 in embeddings and head, the rest in linear layers."""
    return Checkpoint(
        Path("seven"),
        CONFIG | more,
        {
            "model.layers.0.mlp.down_proj.weight": Tensor((6_500_000, 1000), "BF16"),
            "visual.blocks.0.attn.qkv.weight": Tensor((700_000, 1000), "BF16"),
            "model.embed_tokens.weight": Tensor((550_000, 1000), "BF16"),
            "lm_head.weight": Tensor((550_000, 1000), "BF16"),
        },
    )


def card(free: float, capability=(9, 0)) -> Hardware:
    return Hardware("cuda:0", int(free), "NVIDIA H200", capability)


def test_a_card_gets_nf4_under_8_gb():
    found = plan(seven_billion(), card(140 * GB), "auto", 2048)
    assert (found.nf4, found.dtype, found.precision) == (True, "bfloat16", "4-bit NF4, bfloat16")
    assert "NF4 on NVIDIA H200" in found.reason
    assert 3.3 * GB < found.needed < 8 * GB


def test_an_old_card_computes_in_float16():
    found = plan(seven_billion(), card(15 * GB, (7, 5)), "auto", 2048)
    assert found.dtype == "float16"
    assert "no bfloat16" in found.reason


@pytest.mark.parametrize(
    ("fastest", "by", "words"),
    [
        ("bfloat16", 2.04, "bfloat16 on cpu: 2.0 times as fast as float32 here; NF4 is slower there"),
        ("bfloat16", 0.9, "bfloat16 on cpu: about as fast as float32 here, in half the memory"),
        ("float32", 1.5, "float32 on cpu: 1.5 times as fast as bfloat16 here"),
    ],
)
def test_a_cpu_gets_what_is_fastest_with_the_reason(fastest, by, words):
    found = plan(seven_billion(), Hardware("cpu", None, fastest=fastest, faster_by=by), "auto", 2048)
    assert found.dtype == fastest
    assert not found.nf4
    assert found.reason.startswith(words)


def test_memory_comes_before_speed():
    hardware = Hardware("cpu", 20 * GB, fastest="float32", faster_by=2.0)
    assert plan(seven_billion(), hardware, "auto", 2048).dtype == "bfloat16"


def test_nf4_on_a_cpu_where_nothing_else_fits():
    for fastest in ("bfloat16", "float32"):
        found = plan(seven_billion(), Hardware("cpu", 12 * GB, fastest=fastest, faster_by=2.0), "auto", 2048)
        assert (found.nf4, found.dtype) == (True, "bfloat16")
        assert found.reason == "NF4 on cpu: it is slower there, but bfloat16 does not fit"


def test_an_adapter_and_the_analysis_need_room_too():
    needed = plan(seven_billion(), Hardware("cpu", None), "bfloat16", 2048).needed
    with_adapter = plan(seven_billion(), Hardware("cpu", None), "bfloat16", 2048, beside=300_000_000).needed
    assert with_adapter == needed + 300_000_000
    for reserve, fits in ((memory.RESERVE, True), (memory.RESERVE + 1, False)):
        hardware = Hardware("cpu", needed + memory.RESERVE, reserve=reserve)
        assert hardware.holds(needed) == fits


def test_what_was_quantised_stays_so():
    found = plan(seven_billion(quantization_config={"quant_method": "awq"}), card(80 * GB), "auto", 2048)
    assert not found.nf4
    assert "as it was quantised (awq)" in found.reason


@pytest.mark.parametrize(
    ("hardware", "wanted", "words"),
    [
        (card(10 * GB), "bfloat16", r"needs 17\.\d GB .* 10\.0 GB are free in NVIDIA H200\. In nf4 \(\d\.\d GB\) it"),
        (card(4 * GB), "auto", r"A model of up to 3\.\d billion parameters would fit"),
        (Hardware("cpu", 5 * GB), "auto", r"in 4-bit NF4, .*A model of up to 4\.\d billion parameters would fit"),
        (
            Hardware("cpu", 12 * GB),
            "bfloat16",
            r"In nf4 \(\d\.\d GB\) it would fit, though more slowly: set MELLM_LOCAL",
        ),
        (Hardware("mps", 10 * GB), "bfloat16", r"A model of up to \d\.\d billion parameters would fit"),
        (Hardware("cpu", 20 * GB), "float32", r"In bfloat16 \(17\.\d GB\) it would fit: set MELLM_LOCAL_PRECISION"),
        (Hardware("cpu", 100_000_000), "auto", "No model would fit"),
    ],
)
def test_too_little_memory_and_what_would_fit(hardware, wanted, words):
    with pytest.raises(ReasonerError, match=words):
        plan(seven_billion(), hardware, wanted, 2048)


@given(st.integers(1, 60), st.sampled_from(precision.PRECISIONS), st.booleans())
def test_a_plan_always_fits(free, wanted, on_card):
    hardware = card(free * GB) if on_card else Hardware("cpu", free * GB)
    try:
        found = plan(seven_billion(), hardware, wanted, 4096)
    except ReasonerError as error:
        told = str(error)
    else:
        told = "free" if found.needed <= free * GB else ""
    assert "free" in told


# --------------------------------------------------------------------------------------------- the folder


def write(folder: Path, config: object, tensors: dict[str, tuple[int, ...]] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    if tensors is not None:
        entries, place = {}, 0
        for name, shape in tensors.items():
            size = int(np.prod(shape)) * 2
            entries[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [place, place + size]}
            place += size
        header = json.dumps(entries).encode()
        (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(place))
    return folder


def test_sizes_are_read_without_loading(tmp_path):
    tensors = {
        "model.layers.0.self_attn.q_proj.weight": (64, 64),
        "model.visual.blocks.0.attn.qkv.weight": (96, 32),
        "model.embed_tokens.weight": (100, 64),
        "model.norm.weight": (64,),
    }
    found = inspect(write(tmp_path / "tiny", CONFIG, tensors))
    assert found.model_type == "qwen2_5_vl"
    assert found.parameters == 64 * 64 + 96 * 32 + 100 * 64 + 64
    assert found.quantisable == 64 * 64
    assert found.stored_bytes == 2 * found.parameters
    assert found.cache_bytes(10, 2) == 2 * 28 * 4 * 128 * 10 * 2


@pytest.mark.parametrize(
    ("config", "tensors", "words"),
    [
        ("{not json", None, "config.json in “tiny” is damaged"),
        ("[1]", None, "is damaged"),
        ({"hidden": 1}, None, "names no model type"),
        (CONFIG, None, "There are no weights in “tiny”"),
    ],
)
def test_what_is_wrong_with_a_folder(tmp_path, config, tensors, words):
    with pytest.raises(WeightsError, match=words):
        inspect(write(tmp_path / "tiny", config, tensors))


def test_no_folder_and_no_config(tmp_path):
    with pytest.raises(WeightsError, match="There is no folder"):
        inspect(tmp_path / "none")
    with pytest.raises(WeightsError, match=r"holds no config\.json"):
        inspect(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"\x05\x00\x00\x00\x00\x00\x00\x00[[[[[", b"PK\x03\x04 nonsense"])
def test_weights_that_are_none(tmp_path, data):
    folder = write(tmp_path / "tiny", CONFIG)
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(WeightsError, match=r"“model\.safetensors” is damaged or was cut short"):
        inspect(folder)


def test_weights_that_were_cut_short(tmp_path):
    folder = write(tmp_path / "tiny", CONFIG, {"a.weight": (10, 10)})
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(WeightsError, match="cut short"):
        inspect(folder)


def test_a_file_that_the_index_names_is_missing(tmp_path):
    folder = write(tmp_path / "tiny", CONFIG)
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="2 of the 2 files of weights"):
        inspect(folder)


def test_weights_in_other_files_are_weighed_by_the_configuration(tmp_path):
    """Qwen2.5-VL-7B's own sizes: 6.5 billion of its numbers are in the language model's linear layers."""
    text = CONFIG["text_config"] | {"intermediate_size": 18944}
    folder = write(tmp_path / "old", CONFIG | {"text_config": text, "torch_dtype": "float32"})
    with (folder / "pytorch_model.bin").open("wb") as file:
        file.truncate(4 * 8_300_000_000)  # a hole: it takes no room on the disk
    found = inspect(folder)
    assert found.parameters == 8_300_000_000
    assert 6.4e9 < found.quantisable < 6.6e9
    assert plan(found, card(140 * GB), "auto", 2048).needed < 8.5 * GB
    (folder / "config.json").write_text(json.dumps({"model_type": "llava", "text_config": {"model_type": "llama"}}))
    assert inspect(folder).quantisable == 0  # nothing is said of the layers, so nothing is promised


def test_an_adapter_is_computed_in_32_bit(tmp_path):
    assert adapter_bytes(tmp_path / "none") == 0
    folder = write(tmp_path / "adapter", {}, {"a.lora_A.weight": (4, 64), "a.lora_B.weight": (64, 4)})
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    assert adapter_bytes(folder) == 4 * 2 * 4 * 64


def test_a_model_is_called_by_its_name_on_the_hub(tmp_path):
    folder = tmp_path / "models--Some-Owner--A-Model-v2" / "snapshots" / "0123abc"
    folder.mkdir(parents=True)
    assert checkpoint.named(folder) == "Some-Owner/A-Model-v2"
    assert checkpoint.named(tmp_path / "snapshots" / "mine") == "mine"
    with pytest.raises(WeightsError, match=r"“Some-Owner/A-Model-v2” holds no config\.json"):
        inspect(folder)


def test_a_hub_is_meant_only_by_owner_and_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "here").mkdir(parents=True)
    assert is_hub_id("Qwen/Qwen2.5-VL-7B-Instruct")
    for folder in ("owner/here", "/abs/path", "./a/b", "name", "~/models", "a/b/c", "../up/x", "a b/c"):
        assert not is_hub_id(folder), folder


def test_memory_is_that_of_the_container_too(monkeypatch):
    files = {
        "/proc/meminfo": ["MemAvailable:    8000000 kB"],
        "/sys/fs/cgroup/memory.max": ["3000000000"],
        "/sys/fs/cgroup/memory.current": ["1000000000"],
        "/sys/fs/cgroup/memory.stat": ["anon 5", "inactive_file 250000000"],
    }
    monkeypatch.setattr(memory, "_lines", lambda path: files.get(path, []))
    assert memory.available() == 2_250_000_000
    files["/sys/fs/cgroup/memory.max"] = ["max"]
    assert memory.available() == 8_192_000_000
    assert [memory.told(size) for size in (1.94e9, 250e6, 3)] == ["1.9 GB", "250 MB", "1 MB"]


def test_what_is_left_free_for_an_analysis(monkeypatch):
    """1.15 GB in all: what the process has in use already is not set aside again."""
    page = os.sysconf("SC_PAGE_SIZE")
    for in_use, kept in ((250_000_000 // page * page, 900_000_000), (1_100_000_000 // page * page, memory.RESERVE)):
        monkeypatch.setattr(memory, "_lines", lambda path, pages=in_use // page: [f"9999999 {pages} 1 1 0 1 0"])
        assert memory.reserve() == pytest.approx(kept, abs=page)
    monkeypatch.setattr(memory, "_lines", lambda path: [])
    assert memory.reserve() == memory.ANALYSIS


def test_the_embedded_model_loads_on_a_machine_of_2_gb():
    """250 MB for the system, and 260 MB for the page, as measured."""
    folder = Path(__file__).parents[1] / "weights" / "embedded"
    files = Files(GgufOptions(folder / "language.gguf", folder / "mmproj.gguf", context=2048))
    assert files.needed_bytes + memory.ANALYSIS - 260_000_000 < 2 * GB - 250_000_000 - 260_000_000


def test_what_sees_is_left_as_it_is():
    for name in (
        "model.visual.blocks.0.attn.qkv",
        "vision_tower.vision_model.encoder",
        "model.connector.proj",
        "lm_head",
    ):
        assert checkpoint.unquantised(name), name
    for name in ("model.layers.3.mlp.up_proj", "language_model.model.layers.0.self_attn.q_proj"):
        assert not checkpoint.unquantised(name), name
