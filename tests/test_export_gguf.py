"""The exported model against the trained one: rounding to the bit, words one by one. Tiny random weights."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import httpx
import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # tensors are tiny: threads only wait for each other
pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")

from support_embedded import tiny_language, tiny_model, tiny_recipe, tiny_tokenizer  # noqa: E402

from mellm_demo.errors import InputError, WeightsError  # noqa: E402
from mellm_demo.reasoning.answering import Manner  # noqa: E402
from mellm_demo.reasoning.choice import embedded_options, speakers  # noqa: E402
from mellm_demo.reasoning.embedded import read_manifest  # noqa: E402
from mellm_demo.reasoning.llamacpp import load_now  # noqa: E402
from mellm_demo.reasoning.prompts import Message, map_png  # noqa: E402
from mellm_demo.settings import Settings  # noqa: E402
from mellm_demo.training import export_gguf, finetune  # noqa: E402
from mellm_demo.training.embedded import model as embedded  # noqa: E402
from mellm_demo.training.embedded.conversation import IGNORED, encode  # noqa: E402
from mellm_demo.training.embedded.layout import read_adapter, read_eye  # noqa: E402
from mellm_demo.training.embedded.quantise import language_linears, q4_0, q8_0, seen_as_q4_0  # noqa: E402
from mellm_demo.training.embedded.tower import pixel_values  # noqa: E402

WORDS = 24


def pictures():
    """Two maps of 224 px that an eye can tell apart."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (7, 7, 3), np.uint8)
    return noise.repeat(32, axis=0).repeat(32, axis=1), np.full((224, 224, 3), 90, np.uint8)


QUESTION = {"role": "user", "text": "In the image, which region moved?\n**12.5 px**", "image": True}
SYSTEM = {"role": "system", "text": "Be brief. Then answer."}


# ------------------------------------------------------------------------------------------------ rounding


@pytest.mark.parametrize(("ours", "kind"), [(q4_0, "Q4_0"), (q8_0, "Q8_0")])
def test_rounding_is_llama_cpps_to_the_bit(ours, kind):
    random = np.random.default_rng(1)
    weight = (random.standard_normal((64, 96)) * random.uniform(0.001, 2.0, (64, 1))).astype(np.float32)
    weight[3] = 0.0
    weight[4, 1:] = 0.0
    number = gguf.GGMLQuantizationType[kind]
    theirs = gguf.dequantize(gguf.quantize(weight, number), number)
    np.testing.assert_array_equal(ours(torch.from_numpy(weight)).numpy(), theirs)


def test_rounded_layers_compute_rounded_and_learn():
    language = tiny_language(tiny_tokenizer())
    linears = language_linears(language)
    names = set(language.state_dict())
    assert len(linears) == 2 * 7
    assert seen_as_q4_0(linears) == len(linears)
    assert set(language.state_dict()) == names
    layer = language.model.layers[0].mlp.up_proj
    x = torch.randn(3, 64)
    torch.testing.assert_close(layer(x), x @ q4_0(layer.weight).T)
    layer(x).square().sum().backward()
    assert layer.weight.grad.abs().sum() > 0


# ------------------------------------------------------------------------------------------------ conversations


def test_only_what_is_learned_is_labelled():
    tokenizer = tiny_tokenizer()
    messages = [SYSTEM, QUESTION, {"role": "assistant", "text": "chin", "learn": True},
                {"role": "user", "text": "why"}, {"role": "assistant", "text": "it moved", "learn": True}]  # fmt: skip
    ids, labels = encode(messages, tokenizer, 3, 49)
    assert len(ids) == len(labels)
    assert ids.count(3) == 49
    learned = tokenizer.decode([i for i in labels if i != IGNORED])
    assert learned == "chin<|im_end|>it moved<|im_end|>"
    image = tokenizer.decode(ids).replace("<empty_output>" * 49, "@")
    plain = [{"role": m["role"], "content": ("@" if m.get("image") else "") + m["text"]} for m in messages]
    assert image == tokenizer.apply_chat_template(plain, tokenize=False).rstrip("\n")


# ------------------------------------------------------------------------------------------------ the exported model


def greedy(model, tokenizer, picture, count=WORDS):
    """Token ids that transformers picks."""
    ids, _ = encode([SYSTEM, QUESTION, {"role": "assistant", "text": "", "learn": True}], tokenizer, 3, 49)
    ids = ids[:-1]  # without the end of the empty answer
    made = []
    with torch.no_grad():
        for _ in range(count):
            logits = model(
                input_ids=torch.tensor([[*ids, *made]]), pixel_values=pixel_values(picture[None]), logits_to_keep=1
            ).logits
            made.append(int(logits[0, -1].argmax()))
            if made[-1] == tokenizer.eos_token_id:
                break
    return made


def server(language, eye, adapter=None):
    """llama.cpp in this process."""
    xllamacpp = pytest.importorskip("xllamacpp")
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(language)
    parameters.mmproj.path = str(eye)
    if adapter is not None:
        lora = xllamacpp.CommonAdapterLoraInfo()
        lora.path, lora.scale = str(adapter), 1.0
        parameters.lora_adapters = [lora]
    parameters.n_ctx = 512
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32  # by default half precision
    parameters.warmup = False
    running = xllamacpp.Server(parameters)
    httpx.get(f"{running.listening_address}/health", trust_env=False, timeout=60)  # freed before it listens, it hangs
    return running


def answered(running, picture, count=WORDS):
    """Token ids that llama.cpp picks."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    reply = running.handle_chat_completions(
        {
            "messages": [
                {"role": "system", "content": SYSTEM["text"]},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}},
                                             {"type": "text", "text": QUESTION["text"]}]},
            ],
            "temperature": 0.0, "top_k": 1, "max_tokens": count, "logprobs": True, "top_logprobs": 1, "stream": False,
        }
    )  # fmt: skip
    return [part["id"] for part in reply["choices"][0]["logprobs"]["content"]]


def test_llama_cpp_says_the_same_words(tmp_path):
    model, tokenizer, _ = tiny_model()
    running = server(*export_gguf.export(model, tokenizer, tmp_path, precision="f32"))
    wanted = [greedy(model, tokenizer, picture) for picture in pictures()]
    assert wanted[0] != wanted[1]  # the image is seen
    assert len(wanted[0]) > 4
    for picture, words in zip(pictures(), wanted, strict=True):
        assert [i for i in answered(running, picture) if i != tokenizer.eos_token_id] == [
            i for i in words if i != tokenizer.eos_token_id
        ]


def test_at_4_bits_it_says_what_the_rounded_model_says(tmp_path):
    """llama.cpp rounds activations as well, so the words may part where two are nearly as good: not at first."""
    model, tokenizer, _ = tiny_model(seed=2)
    running = server(*export_gguf.export(model, tokenizer, tmp_path, precision="q4_0"))
    seen_as_q4_0(language_linears(model.model.language_model))
    with torch.no_grad():
        embedding = model.model.language_model.embed_tokens.weight
        embedding.copy_(q8_0(embedding))
    picture = pictures()[0]
    assert answered(running, picture)[:3] == greedy(model, tokenizer, picture, 3)


def test_the_files_are_small_and_told_apart(tmp_path):
    model, tokenizer, _ = tiny_model()
    language, eye = export_gguf.export(model, tokenizer, tmp_path)
    kinds = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(language).tensors}
    assert kinds["token_embd.weight"] == "Q8_0"
    assert kinds["blk.0.attn_q.weight"] == kinds["blk.1.ffn_down.weight"] == "Q4_0"
    assert kinds["output_norm.weight"] == "F32"
    assert "output.weight" not in kinds  # tied
    tower = {tensor.name for tensor in gguf.GGUFReader(eye).tensors}
    assert {"v.patch_embd.weight", "v.blk.1.ffn_up.bias", "mm.0.weight", "mm.2.bias"} <= tower


def test_the_app_takes_the_folder_for_its_embedded_model(tmp_path):
    """Export → manifest → digests → llama.cpp, with pixels of exactly the size that the eye takes."""
    pytest.importorskip("xllamacpp")
    model, tokenizer, _ = tiny_model()
    language, eye = export_gguf.export(model, tokenizer, tmp_path)
    assert export_gguf.write_manifest(language, eye, name="Tiny").name == "embedded.json"
    who = speakers(Settings(max_tokens=24), tmp_path)
    reasoner = who.get(who.default)
    assert (who.default, reasoner.card.name) == ("embedded", "Tiny")
    reasoner.prepare()
    reasoner.model._attempt.over.wait(60)
    assert reasoner.ready, reasoner.failure
    engine = reasoner.model._engine()
    assert (engine._side, engine.image_tokens(), engine.sees) == (224, 49, True)
    pieces: list = []
    messages = [Message("user", "Which?", map_png(pictures()[0])), Message("assistant", "the")]
    engine.generate(messages, Manner(max_tokens=8, temperature=0.0), pieces.append, lambda: False)
    assert any(isinstance(piece, str) for piece in pieces)
    reasoner.close()
    eye.write_bytes(eye.read_bytes() + b"\0" * 32)
    again = speakers(Settings(), tmp_path).get("embedded")
    again.prepare()
    again.model._attempt.over.wait(60)
    assert "“mmproj.gguf” is not the file that belongs here" in again.failure


# ------------------------------------------------------------------------------------------------ an adapter


def adapted(folder, tmp_path, layers=("q", "k", "v", "down")):
    """The exported model in transformers with a LoRA over it that changes what it says; saved to ``tmp_path/lora``."""
    recipe = tiny_recipe(
        "finetune.method=lora", "finetune.lora_rank=4", f"finetune.lora_layers={json.dumps(list(layers))}"
    )
    family = finetune._exported(folder, recipe)
    model = finetune.adapted(family, recipe.finetune)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0.0, 0.4)
    finetune.finished(family, model, recipe.finetune, tmp_path / "lora", merged=False)
    return model.eval()


def test_an_exported_model_is_read_as_it_was_written(tmp_path):
    """Tower, projector and language model: names and order of the weights are those of llama.cpp."""
    model, tokenizer, recipe = tiny_model()
    language, eye = export_gguf.export(model, tokenizer, tmp_path, precision="f32")
    read, _ = embedded.read_language(language)
    again = embedded.build(recipe.model, read, tokenizer, *read_eye(eye, recipe.model.layers)).eval()
    ids, _ = encode([SYSTEM, QUESTION], tokenizer, 3, 49)
    given = {"input_ids": torch.tensor([ids]), "pixel_values": pixel_values(pictures()[0][None])}
    with torch.no_grad():
        torch.testing.assert_close(again(**given).logits, model(**given).logits, rtol=1e-4, atol=1e-4)
    with pytest.raises(InputError, match=r"language\.gguf is no eye"):
        read_eye(language, recipe.model.layers)


def test_llama_cpp_says_the_adapted_models_words(tmp_path):
    """finetune --adapt → export_gguf --adapter → llama.cpp with all files, against transformers with peft."""
    model, tokenizer, _ = tiny_model()
    folder = tmp_path / "model"
    export_gguf.write_manifest(*export_gguf.export(model, tokenizer, folder, precision="f32"))
    plain = greedy(model, tokenizer, pictures()[0])
    changed = adapted(folder, tmp_path)
    wanted = [greedy(changed, tokenizer, picture) for picture in pictures()]
    assert wanted[0] != plain
    assert export_gguf.main(["--adapter", str(tmp_path / "lora"), "--out", str(folder)]) == 0
    manifest = read_manifest(folder)
    assert [one.file for one in manifest.files] == ["language.gguf", "mmproj.gguf", "adapter.gguf"]
    running = server(folder / "language.gguf", folder / "mmproj.gguf", folder / "adapter.gguf")
    for picture, words in zip(pictures(), wanted, strict=True):
        said = [i for i in answered(running, picture) if i != tokenizer.eos_token_id]
        assert said == [i for i in words if i != tokenizer.eos_token_id]


def test_learning_goes_on_from_the_exported_adapter(tmp_path):
    """export_gguf --adapter → finetune --adapt --onward begins with the same weights, under another alpha too."""
    model, tokenizer, _ = tiny_model()
    folder = tmp_path / "model"
    export_gguf.write_manifest(*export_gguf.export(model, tokenizer, folder, precision="f32"))
    changed = adapted(folder, tmp_path)
    export_gguf.export_adapter(tmp_path / "lora", folder)
    layers = 'finetune.lora_layers=["q", "k", "v", "down"]'
    recipe = tiny_recipe("finetune.method=lora", "finetune.lora_rank=4", "finetune.lora_alpha=7", layers)
    family = finetune._exported(folder, recipe)
    again = finetune.adapted(family, recipe.finetune)
    finetune._begin_from(again, folder, recipe.finetune)
    wanted = {name: weight for name, weight in changed.named_parameters() if "lora_" in name}
    begun = {name: weight for name, weight in again.named_parameters() if "lora_" in name}
    assert begun.keys() == wanted.keys()
    assert len(begun) > 8
    old, new = tiny_recipe().finetune.lora_alpha, recipe.finetune.lora_alpha
    assert old != new
    for name, weight in begun.items():
        share = old / new if "lora_B" in name else 1.0  # together they say the same as under the other alpha
        torch.testing.assert_close(weight, wanted[name] * share, rtol=2e-3, atol=1e-4)  # stored as f16
    wider = tiny_recipe("finetune.method=lora", "finetune.lora_rank=8", layers)
    other = finetune.adapted(finetune._exported(folder, wider), wider.finetune)
    with pytest.raises(InputError, match="other layers or another rank"):
        finetune._begin_from(other, folder, wider.finetune)
    with pytest.raises(InputError, match="no adapter that export_gguf wrote"):
        read_adapter(folder / "language.gguf", {})


def test_going_on_needs_a_folder_to_go_on_from(tmp_path, capsys):
    with pytest.raises(SystemExit):
        finetune.main(["--samples", str(tmp_path), "--state", "s", "--out", "o", "--onward"])
    assert "name that folder by --adapt" in capsys.readouterr().err


def test_the_app_runs_the_model_with_its_adapter(tmp_path):
    pytest.importorskip("xllamacpp")
    model, tokenizer, _ = tiny_model()
    folder = tmp_path / "model"
    export_gguf.write_manifest(*export_gguf.export(model, tokenizer, folder, precision="f32"))
    messages = [Message("user", "Which?", map_png(pictures()[0])), Message("assistant", "the")]
    said = []
    for adapter in (False, True):
        if adapter:
            adapted(folder, tmp_path)
            export_gguf.export_adapter(tmp_path / "lora", folder)
        options = embedded_options(read_manifest(folder), folder, Settings())
        assert len(options.digests) == 2 + adapter
        engine = load_now(options)
        pieces: list = []
        engine.generate(messages, Manner(max_tokens=12, temperature=0.0), pieces.append, lambda: False)
        said.append("".join(piece for piece in pieces if isinstance(piece, str)))
        engine.close()
    assert said[0] != said[1]
    wrong = replace(options, adapter=folder / "mmproj.gguf", digests=())
    with pytest.raises(WeightsError, match="is no LoRA adapter"):
        load_now(wrong)


def test_what_is_no_adapter_or_no_model_is_refused(tmp_path, capsys):
    model, tokenizer, _ = tiny_model()
    folder = tmp_path / "model"
    export_gguf.write_manifest(*export_gguf.export(model, tokenizer, folder))
    with pytest.raises(InputError, match="no adapter that finetune wrote"):
        export_gguf.export_adapter(tmp_path, folder)
    with pytest.raises(InputError, match="no model that export_gguf wrote"):
        export_gguf.export_adapter(tmp_path, tmp_path)
    assert "adapter" not in (folder / "embedded.json").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="adapted, not trained anew"):
        finetune._exported(folder, tiny_recipe())


def test_a_tokenizer_without_a_spare_token_is_refused():
    tokenizer = tiny_tokenizer()
    language = tiny_language(tokenizer)
    language.config.vocab_size = 3
    with pytest.raises(InputError, match="no token"):
        embedded.build(tiny_model()[2].model, language, tokenizer)


def test_a_language_model_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no language model"):
        embedded.read_language(tmp_path / "none.gguf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        embedded.read_language(tmp_path / "empty")
