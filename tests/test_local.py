"""Six architectures, tiny and random, through the real loading code: streaming, Stop, NF4, LoRA, wrong weights."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
import types
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import transformers
from support_analysis import make_analysis
from support_models import SAVERS

from mellm_demo.errors import MellmError, ReasonerError, SettingsError, WeightsError
from mellm_demo.reasoning import loading, local, memory, precision, processors
from mellm_demo.reasoning.answering import Manner
from mellm_demo.reasoning.local import LocalOptions, Transformer, local_model
from mellm_demo.reasoning.prompts import Message, map_png
from mellm_demo.reasoning.protocol import CutOff, Loading, Reasoner
from mellm_demo.records import Turn

GENEROUS_S = 5.0  # the promise is 0.5 s
IMAGE_TOKENS = {  # of the motion map, with marks and line breaks
    "qwen2_5_vl": 258, "qwen3_vl": 198, "idefics3": 34, "smolvlm": 34, "llava_onevision": 89, "llava": 17,
}  # fmt: skip
SHORT = Manner(max_tokens=12, temperature=0.0)
KINDS = sorted(SAVERS)
IMAGE = map_png(np.full((448, 448, 3), 90, np.uint8))
SMALL_IMAGE = map_png(np.full((56, 56, 3), 200, np.uint8))
ASKED = (Message("system", "Be brief."), Message("user", "What moved?", IMAGE))


def quiet(what: str, share: float | None) -> None:
    """Nobody listens to the progress."""


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """One folder for each architecture; leave them as they are."""
    top = tmp_path_factory.mktemp("models")
    return {kind: SAVERS[kind](top / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def engines(folders):
    """Loaded in float32, each when first asked for."""
    made: dict[str, Transformer] = {}

    def engine(kind: str) -> Transformer:
        if kind not in made:
            made[kind] = Transformer(LocalOptions(str(folders[kind]), precision="float32", device="cpu"), quiet)
        return made[kind]

    return engine


def written(engine: Transformer, messages=ASKED, manner: Manner = SHORT, stopped=lambda: False) -> list:
    pieces: list = []
    engine.generate(messages, manner, pieces.append, stopped)
    return pieces


def text_of(pieces) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


# --------------------------------------------------------------------------------------------- from disk to text


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_sees_and_writes(engines, kind):
    engine = engines(kind)
    assert engine.sees
    assert engine.image_tokens() == IMAGE_TOKENS[kind]
    pieces = written(engine)
    assert text_of(pieces)
    assert pieces[-1] == CutOff("length")
    assert text_of(pieces) == text_of(written(engine))
    assert engine.card.precision == "float32"
    assert engine.card.why.endswith("Float32 on cpu: the settings say so.")


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_matters(engines, kind):
    """Other pixels, other numbers: the image reaches the language model."""
    import torch

    engine, outcomes = engines(kind), []
    for value in (0, 255):
        messages = (Message("user", "?", map_png(np.full((448, 448, 3), value, np.uint8))),)
        with torch.inference_mode():
            outcomes.append(engine._model(**engine._inputs(messages, engine._can)).logits[0, -1])
    assert not torch.allclose(outcomes[0], outcomes[1])


def test_templates_are_followed(engines):
    told = {kind: engines(kind)._rendered(ASKED, engines(kind)._can) for kind in KINDS}
    assert told["qwen2_5_vl"].startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<|vision_start|>")
    assert told["qwen2_5_vl"].endswith("What moved?<|im_end|>\n<|im_start|>assistant\n")
    assert told["idefics3"].count("<end_of_utterance>") == 2
    assert told["llava"] == "USER: <image>\nBe brief.\n\nWhat moved? ASSISTANT:"  # knows no system part


@pytest.mark.parametrize("kind", KINDS)
def test_text_comes_as_it_is_written(engines, kind):
    """Far from the end the model is held until somebody has read a piece."""
    import torch

    engine, read, in_time = engines(kind), threading.Event(), []
    letters = engine._words("a b", add_special_tokens=False)["input_ids"][:2]
    passes = 0

    def holds(*_) -> None:
        nonlocal passes
        passes += 1
        if passes == 10:
            in_time.append(read.wait(60))

    def writes(head, given, logits):  # "a a a …", so that there is something to read
        forced = torch.full_like(logits, -1e4)
        forced[..., letters[passes % 2]] = 1e4
        return forced

    handles = [
        engine._model.register_forward_pre_hook(holds),
        engine._model.get_output_embeddings().register_forward_hook(writes),
    ]
    try:
        engine.generate(ASKED, Manner(max_tokens=20, temperature=0.0), lambda _: read.set(), lambda: False)
    finally:
        for handle in handles:
            handle.remove()
    assert in_time == [True]
    assert passes == 20


@pytest.mark.parametrize(
    ("kind", "side", "tokens"),
    [
        ("qwen2_5_vl", 112, 18),  # 4 × 4, and two marks
        ("qwen3_vl", 96, 11),
        ("idefics3", 111, 7),  # one tile of 56 px instead of four and the whole
        ("smolvlm", 111, 7),
        ("smolvlm", 112, 34),
        ("llava_onevision", 56, 37),
        ("llava", 28, 17),  # takes one size only
    ],
)
def test_large_images_are_made_smaller(folders, kind, side, tokens):
    options = LocalOptions(str(folders[kind]), precision="float32", device="cpu", max_pixels=side * side)
    engine = Transformer(options, quiet)
    assert engine.image_tokens() == tokens
    written(engine)


def test_small_images_stay_as_they_are(engines):
    assert engines("qwen2_5_vl")._picture(SMALL_IMAGE).size == (56, 56)


def test_images_are_cut_into_as_many_tiles_as_the_limit_holds():
    """SmolVLM2's own sizes: 2048 px in tiles of 512."""
    for side, edge, cut in ((448, 512, False), (1023, 512, False), (1024, 1024, True), (9000, 2048, True)):
        images = types.SimpleNamespace(
            size={"longest_edge": 2048}, max_image_size={"longest_edge": 512}, do_image_splitting=True
        )
        processors.bound_tiles(images, side * side)
        assert (images.size["longest_edge"], images.do_image_splitting) == (edge, cut)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("smolvlm", {"image_seq_len": 4}),
        ("llava_onevision", {"num_image_tokens": 16, "vision_feature_select_strategy": "full"}),
    ],
)
def test_a_processor_keeps_its_options_without_its_part_for_videos(engines, kind, options):
    processor = engines(kind)._processor
    assert {name: getattr(processor, name) for name in options} == options
    assert type(processor).__mro__[1] is getattr(transformers, type(processor).__name__)


def test_tokens_are_counted_by_the_models_own_tokenizer(engines):
    engine = engines("llava")
    assert [engine.count(text) for text in ("", "abc", "嘴角", "<image>")] == [0, 3, 6, 1]


def test_a_thought_that_the_template_begins_is_none_of_the_answer(engines, monkeypatch):
    engine = engines("idefics3")
    rendered = engine._rendered
    monkeypatch.setattr(engine, "_rendered", lambda *args: rendered(*args) + "<think>\n")
    assert written(engine)[0] == "<think>"


@pytest.mark.parametrize("kind", KINDS)
def test_nf4_quantises_the_language_model_and_nothing_that_sees(folders, kind):
    from bitsandbytes.nn import Linear4bit

    engine = Transformer(LocalOptions(str(folders[kind]), precision="nf4", device="cpu"), quiet)
    quantised = [name for name, part in engine._model.named_modules() if isinstance(part, Linear4bit)]
    assert len(quantised) == 2 * 7  # two layers: q, k, v, o, gate, up, down
    assert not any("vis" in name or "connector" in name or "projector" in name or "head" in name for name in quantised)
    assert engine._model.config.quantization_config.bnb_4bit_use_double_quant
    assert engine.card.precision == "4-bit NF4, bfloat16"
    assert "NF4 is slower there" in engine.card.why
    assert text_of(written(engine))


def test_the_measure_of_the_cpu_gives_a_reason(folders):
    engine = Transformer(LocalOptions(str(folders["idefics3"]), device="cpu"), quiet)
    assert engine.card.precision in ("bfloat16", "float32")
    assert "on cpu: " in engine.card.why
    assert "NF4 is slower there" in engine.card.why
    assert text_of(written(engine))


def test_a_checkpoint_that_was_quantised_is_taken_as_it_is(folders, tmp_path):
    from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

    folder = shutil.copytree(folders["idefics3"], tmp_path / "four-bit")
    config = BitsAndBytesConfig(load_in_4bit=True, llm_int8_skip_modules=[r"(?:.*\.)?vision_model", "lm_head"])
    model = AutoModelForImageTextToText.from_pretrained(folder, quantization_config=config, device_map={"": "cpu"})
    model.save_pretrained(folder)
    engine = Transformer(LocalOptions(str(folder), device="cpu"), quiet)
    assert engine.card.precision == "quantised (bitsandbytes)"
    assert text_of(written(engine))


def test_as_a_reasoner_it_loads_behind_the_page_and_tells(folders):
    model = local_model(LocalOptions(str(folders["llava"]), precision="float32", device="cpu"), SHORT)
    assert isinstance(model, Reasoner)
    assert (model.card.name, model.card.size) == ("llava", "1 M parameters")
    assert not model.ready
    pieces = list(model.reply(make_analysis("smile"), [Turn("user", "Which side?")], threading.Event()))
    assert any(isinstance(piece, Loading) for piece in pieces)
    assert model.ready
    assert model.card.device == "cpu"
    model.close()
    assert not model.ready


def test_loading_tells_how_far_it_is(folders):
    told: list[tuple[str, float | None]] = []
    options = LocalOptions(str(folders["llava"]), precision="float32", device="cpu")
    Transformer(options, lambda what, share: told.append((what, share)))
    shares = [share for what, share in told if what == "loading the weights"]
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_nothing_is_fetched_for_a_folder(folders, monkeypatch):
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: asked.append(args) or [])
    engine = Transformer(LocalOptions(str(folders["qwen2_5_vl"]), precision="nf4", device="cpu"), quiet)
    assert text_of(written(engine))
    assert asked == []


# --------------------------------------------------------------------------------------------- Stop


def long_answer(engine: Transformer, cancel: threading.Event) -> tuple[threading.Thread, list]:
    pieces: list = []
    thread = threading.Thread(
        target=engine.generate, args=(ASKED, Manner(max_tokens=3000, temperature=0.0), pieces.append, cancel.is_set)
    )
    thread.start()
    return thread, pieces


@pytest.mark.parametrize("kind", KINDS)
def test_stop_between_tokens(engines, kind):
    engine, cancel = engines(kind), threading.Event()
    begun = time.monotonic()
    thread, pieces = long_answer(engine, cancel)
    while engine._stopped is local._never:
        assert time.monotonic() - begun < 60
        time.sleep(0.01)
    time.sleep(0.3)
    begun = time.monotonic()
    cancel.set()
    thread.join(GENEROUS_S)
    print(f"stopped in {time.monotonic() - begun:.3f} s")
    assert not thread.is_alive()
    assert CutOff("length") not in pieces
    assert not any(one.name == "transformers" for one in threading.enumerate())


@pytest.mark.parametrize("kind", KINDS)
def test_stop_within_a_long_prompt(engines, kind):
    """Stopped while a layer of the tower is at work: the next one ends the pass, and no token comes."""
    import torch

    engine, cancel, passed = engines(kind), threading.Event(), []
    stacks = [part for part in engine._model.modules() if isinstance(part, torch.nn.ModuleList) and len(part) == 2]

    def at_work(layer, _) -> None:
        passed.append(layer)
        cancel.set()
        time.sleep(0.3)

    handles = [layer.register_forward_pre_hook(at_work) for stack in stacks for layer in stack]
    try:
        assert text_of(written(engine, stopped=cancel.is_set)) == ""
    finally:
        for handle in handles:
            handle.remove()
    assert len(passed) == 1
    assert text_of(written(engine))  # and it writes again


# --------------------------------------------------------------------------------------------- adapters


def save_adapter(folder: Path, base: Path, target: str = "q_proj") -> Path:
    """A LoRA adapter that changes what is written."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(
        r=4, lora_alpha=64, target_modules=rf".*(language|text)_model.*{target}", init_lora_weights=False
    )
    torch.manual_seed(11)
    get_peft_model(model, config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "precision"), [*((kind, "float32") for kind in KINDS), ("llava", "nf4"), ("qwen2_5_vl", "nf4")]
)
def test_an_adapter_changes_the_model(engines, folders, tmp_path, kind, precision):
    adapter = save_adapter(tmp_path / "adapter", folders[kind])
    options = LocalOptions(str(folders[kind]), str(adapter), precision=precision, device="cpu")
    engine = Transformer(options, quiet)
    assert engine.card.name == f"{kind} + adapter"
    assert text_of(written(engine))
    if precision == "float32":
        assert (logits(engine) != logits(engines(kind))).any()


def renamed(path: Path, *names: tuple[str, str]) -> None:
    """Give the weights in a file other names; fails where none of them has such a one."""
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    changed = {}
    for key, value in weights.items():
        new = key
        for before, after in names:
            new = after + new.removeprefix(before) if new.startswith(before) else new
        changed[new] = value
    assert changed.keys() != weights.keys()
    save_file(changed, path, metadata={"format": "pt"})


def logits(engine: Transformer):
    import torch

    with torch.inference_mode():
        return engine._model(**engine._inputs(ASKED, engine._can)).logits


def test_older_and_newer_names_of_qwens_weights_are_both_known(folders, engines, tmp_path):
    """Since transformers 4.52 tower and language model stand below “model”; checkpoints of both kinds are about."""
    from safetensors import safe_open

    base = shutil.copytree(folders["qwen2_5_vl"], tmp_path / "newer")
    with safe_open(base / "model.safetensors", "pt") as file:
        assert any(key.startswith("visual.") for key in file.keys())  # noqa: SIM118 - it is no dictionary
    renamed(base / "model.safetensors", ("model.", "model.language_model."), ("visual.", "model.visual."))
    newer = Transformer(LocalOptions(str(base), precision="float32", device="cpu"), quiet)
    assert (logits(newer) == logits(engines("qwen2_5_vl"))).all()

    adapter = save_adapter(tmp_path / "adapter", folders["qwen2_5_vl"])
    options = LocalOptions(str(base), str(adapter), precision="float32", device="cpu")
    adapted = logits(Transformer(options, quiet))
    inside = "base_model.model.model."
    renamed(adapter / "adapter_model.safetensors", (f"{inside}language_model.", inside))
    assert (logits(Transformer(options, quiet)) == adapted).all()
    assert (adapted != logits(newer)).any()


def test_an_adapter_of_another_model_is_refused_by_name(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    adapter = save_adapter(tmp_path / "adapter", folders["llava"])
    path = adapter / "adapter_model.safetensors"
    weights = load_file(path)
    first = sorted(weights)[0]
    moved = {key.replace("layers.1", "layers.7"): value for key, value in weights.items()}
    for changed, words in (
        (moved, r"left over: .*layers\.7"),
        ({key: value for key, value in weights.items() if key != first}, "missing: .*lora_"),
        (weights | {first: weights[first][:, :-1].contiguous()}, "of another shape: .*lora_"),
    ):
        save_file(changed, path, metadata={"format": "pt"})
        with pytest.raises(WeightsError, match=words):
            Transformer(LocalOptions(str(folders["llava"]), str(adapter), precision="float32", device="cpu"), quiet)


def test_what_is_no_lora_adapter_is_refused(folders, tmp_path):
    options = LocalOptions(str(folders["llava"]), str(tmp_path), precision="float32", device="cpu")
    with pytest.raises(WeightsError, match="is not an adapter"):
        Transformer(options, quiet)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(WeightsError, match="of the kind “IA3”"):
        Transformer(options, quiet)


# --------------------------------------------------------------------------------------------- what is refused


def damaged(folder: Path, to: Path, change) -> str:
    """A copy whose weights were changed."""
    from safetensors.torch import load_file, save_file

    copy = shutil.copytree(folder, to)
    weights = load_file(copy / "model.safetensors")
    change(weights)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return str(copy)


def loses(weights) -> None:
    for key in [key for key in weights if "layers.1.self_attn" in key and "vision" not in key and "visual" not in key]:
        del weights[key]


def shrinks(weights) -> None:
    key = next(key for key in weights if key.endswith("layers.0.mlp.down_proj.weight") and "vis" not in key)
    weights[key] = weights[key][:, :-1].contiguous()


def gains(weights) -> None:
    weights["model.stranger.weight"] = next(iter(weights.values())).clone()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (loses, r"missing: .*layers\.1\.self_attn.* and \d+ more"),
        (shrinks, r"of another shape: .*down_proj\.weight \(64×127 there, 64×128 wanted\)"),
        (gains, "left over: .*stranger"),
    ],
)
def test_wrong_weights_are_refused_by_name(folders, tmp_path, kind, change, words):
    path = damaged(folders[kind], tmp_path / "wrong", change)
    with pytest.raises(WeightsError, match=words) as raised:
        Transformer(LocalOptions(path, precision="float32", device="cpu"), quiet)
    assert "The weights in “wrong” are not those of a" in str(raised.value)


def failure(folder: Path, **options) -> str:
    with pytest.raises(MellmError) as raised:
        Transformer(LocalOptions(str(folder), **{"precision": "float32", "device": "cpu", **options}), quiet)
    return str(raised.value)


def with_config(folder: Path, to: Path, **changed) -> Path:
    copy = shutil.copytree(folder, to)
    config = json.loads((copy / "config.json").read_text()) | changed
    (copy / "config.json").write_text(json.dumps(config))
    return copy


def test_kinds_that_are_not_known_and_code_that_is_not_run(folders, tmp_path):
    copy = with_config(folders["llava"], tmp_path / "odd", model_type="oddity", auto_map={"AutoModel": "mine.Model"})
    (copy / "mine.py").write_text("raise SystemExit('it ran')\n")
    assert "oddity" in failure(copy)
    copy = with_config(folders["llava"], tmp_path / "text", model_type="llama")
    assert "does not know as an image-text model" in failure(copy)


def test_a_missing_tokenizer(folders, tmp_path):
    copy = shutil.copytree(folders["llava"], tmp_path / "no-words")
    for path in copy.glob("tokenizer*"):
        path.unlink()
    assert "The processor of “no-words” cannot be loaded" in failure(copy)


def test_a_missing_template(folders, tmp_path):
    copy = shutil.copytree(folders["llava"], tmp_path / "no-template")
    for path in copy.glob("chat_template*"):
        path.unlink()
    assert "no chat template that can be used (Cannot use apply_chat_template" in failure(copy)


def test_devices_and_attention_that_are_not_there(folders):
    assert "no CUDA card" in failure(folders["llava"], device="cuda:7")
    assert "“abacus” is not known" in failure(folders["llava"], device="abacus")


@pytest.mark.parametrize("attention", [one for one in get_args(loading.Attention) if one.startswith("flash_attention")])
def test_attention_that_is_not_installed(folders, attention):
    assert f"{attention} is not installed here. Set MELLM_LOCAL_ATTENTION to auto" in failure(
        folders["llava"], attention=attention
    )


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_is_a_setting(engines, folders, attention):
    options = LocalOptions(str(folders["llava"]), precision="float32", device="cpu", attention=attention)
    engine = Transformer(options, quiet)
    assert engine._model.config._attn_implementation == attention
    assert abs(logits(engine) - logits(engines("llava"))).max() < 1e-3


def test_too_little_memory_is_said_before_loading(folders, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**8)
    monkeypatch.setattr(loading, "load", lambda *_: pytest.fail("it began to load"))
    assert "are free in memory" in failure(folders["llava"])


def test_the_adapter_is_counted_before_loading(folders, tmp_path, monkeypatch):
    adapter = save_adapter(tmp_path / "adapter", folders["llava"])
    asked = []
    monkeypatch.setattr(local, "plan", lambda *given: asked.append(given[-1]) or precision.plan(*given))
    Transformer(LocalOptions(str(folders["llava"]), str(adapter), precision="float32", device="cpu"), quiet)
    assert asked == [2 * 4 * (4 * 64 + 64 * 4)]  # two layers


def test_older_files_of_weights(folders, engines, tmp_path):
    import torch
    from safetensors.torch import load_file

    copy = shutil.copytree(folders["llava"], tmp_path / "old")
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    engine = Transformer(LocalOptions(str(copy), precision="float32", device="cpu"), quiet)
    assert (logits(engine) == logits(engines("llava"))).all()


def test_a_prompt_that_is_too_long_is_told(engines):
    with pytest.raises(ReasonerError, match="Ask a shorter question"):
        written(engines("llava"), (Message("user", "a" * 5000),))


def test_a_hub_that_cannot_be_reached_is_told(monkeypatch):
    import huggingface_hub

    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ReasonerError, match="“owner/model” is no folder here, and cannot be fetched"):
        Transformer(LocalOptions("owner/model"), quiet)


def test_a_folder_that_is_none_is_told_before_anything_is_loaded(tmp_path):
    with pytest.raises(WeightsError, match="There is no folder"):
        local_model(LocalOptions(str(tmp_path / "none")), SHORT)


def test_an_answer_as_long_as_the_context(folders):
    options = LocalOptions(str(folders["llava"]), device="cpu", precision="float32", context=12)
    reply = local_model(options, SHORT).reply(make_analysis("smile"), (), threading.Event())
    with pytest.raises(SettingsError, match="no room beside an answer"):
        list(reply)
