"""Fine-tuning in stages: what each trains, that it learns, that a kill loses nothing, and the same for a tiny Qwen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # tensors are tiny: threads only wait for each other
pytest.importorskip("transformers")

from support_embedded import tiny_model, tiny_recipe  # noqa: E402

from mellm_demo.errors import InputError  # noqa: E402
from mellm_demo.training import export_gguf, finetune  # noqa: E402
from mellm_demo.training.embedded import checkpoint, conversation, families, masters, quantise  # noqa: E402
from mellm_demo.training.embedded.recipe import Stage  # noqa: E402

STAGES = (Stage("vision", ("tower", "projector"), 1.0), Stage("together", ("tower", "projector", "language"), 2.0))


@pytest.fixture
def lines(tmp_path):
    """Eight samples: red maps mean “up”, green ones “down”; two without an image."""
    from PIL import Image

    folder = tmp_path / "samples"
    (folder / "images").mkdir(parents=True)
    made = []
    for number in range(8):
        red = number % 2 == 0
        pixels = np.zeros((224, 224, 3), np.uint8)
        pixels[..., 0 if red else 1] = 200
        image = f"images/{number}.png" if number < 6 else None
        if image:
            Image.fromarray(pixels).save(folder / image)
        asked = {"role": "user", "text": "Which way?" if image else f"Say {'up' if red else 'down'}."}
        messages = [asked | ({"image": True} if image else {}),
                    {"role": "assistant", "text": "up" if red else "down", "learn": True}]  # fmt: skip
        made.append({"id": str(number), "group": f"p{number % 4}", "image": image, "messages": messages})
    (folder / "samples.jsonl").write_text("\n".join(json.dumps(line) for line in made), encoding="utf-8")
    return conversation.read_samples([folder])


def recipe_of(**changes):
    recipe = tiny_recipe("finetune.learning_rate=3e-3", "finetune.vision_learning_rate=3e-3",
                         "finetune.report_steps=1", "finetune.lora_rank=2")  # fmt: skip
    given = {"precision": "fp32", "accumulate": 1, "batch": 200, "stages": STAGES} | changes
    return replace(recipe, finetune=replace(recipe.finetune, **given))


def family(recipe):
    model, tokenizer, _ = tiny_model()
    return families.Small(model, tokenizer, recipe)


def weights(model, part):
    return {name: w.clone() for name, w in model.state_dict().items() if part in name}


def changed(before, after):
    return {name for name, weight in before.items() if not torch.equal(weight, after[name])}


# ------------------------------------------------------------------------------------------------ samples


def test_people_who_are_tested_on_are_left_out(tmp_path, lines):
    kept = conversation.read_samples([tmp_path / "samples"], without_groups=frozenset({"p1", "p2"}))
    assert {line["group"] for line in kept} == {"p0", "p3"}
    with pytest.raises(InputError, match="nothing to learn"):
        conversation.read_samples([tmp_path / "samples"], without_groups=frozenset({"p0", "p1", "p2", "p3"}))
    (tmp_path / "samples" / "samples.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match="Line 1"):
        conversation.read_samples([tmp_path / "samples"])


def test_every_sample_comes_once_an_epoch_and_order_can_be_taken_up():
    lengths = [int(n) for n in np.random.default_rng(0).integers(5, 90, 37)] + [300]
    epoch = conversation.order(lengths, 200, 0, 1)
    assert sorted(i for batch in epoch for i in batch) == list(range(38))
    assert all(len(batch) * max(lengths[i] for i in batch) <= 200 for batch in epoch if 37 not in batch)
    assert (37,) in epoch
    assert epoch != conversation.order(lengths, 200, 1, 1)
    whole = conversation.endless(lengths, 200, 1)
    passed = [next(whole) for _ in range(15)]
    later = conversation.endless(lengths, 200, 1, skip=9)
    assert [next(later) for _ in range(6)] == passed[9:]


# ------------------------------------------------------------------------------------------------ training


def test_stages_train_what_they_name_and_it_learns(tmp_path, lines):
    recipe = recipe_of(fake_quantise=False)
    one = family(recipe)
    before = {name: w.clone() for name, w in one.model.state_dict().items()}
    first = finetune.train(one, recipe, lines, tmp_path / "state", most_steps=3)  # all of “vision”
    assert first is None
    moved = changed(before, one.model.state_dict())
    assert moved
    assert not any("language_model" in name or "lm_head" in name for name in moved)
    assert any("vision_tower" in name for name in moved)
    assert any("multi_modal_projector" in name for name in moved)
    longer = replace(recipe, finetune=replace(recipe.finetune, stages=(STAGES[0], replace(STAGES[1], epochs=12.0))))
    trained = finetune.train(one, longer, lines, tmp_path / "state")
    assert any("language_model" in name for name in changed(before, trained.state_dict()))
    log = [json.loads(line) for line in (tmp_path / "state" / checkpoint.LOG).read_text(encoding="utf-8").splitlines()]
    assert log[-1]["loss"] < 0.5 * log[0]["loss"]
    assert {line["stage"] for line in log} == {"vision", "together"}


def test_a_killed_run_ends_where_an_unbroken_one_does(tmp_path, lines):
    recipe = recipe_of()
    whole = finetune.train(family(recipe), recipe, lines, tmp_path / "whole")
    pieces, state = None, tmp_path / "pieces"
    for _ in range(20):
        pieces = finetune.train(family(recipe), recipe, lines, state, most_steps=3)
        if pieces is not None:
            break
    assert pieces is not None
    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(weight, pieces.state_dict()[name], msg=name)


def test_language_is_trained_as_it_will_be_stored(tmp_path, lines):
    recipe = recipe_of()
    one = family(recipe)
    finetune.train(one, recipe, lines, tmp_path)
    layer = one.model.model.language_model.layers[0].mlp.up_proj
    assert type(layer).__name__ == "RoundedLinear"
    assert type(one.model.model.multi_modal_projector.linear_1) is torch.nn.Linear


def test_adapters_leave_the_language_model_alone_and_merge(tmp_path, lines):
    recipe = recipe_of(method="lora")
    one = family(recipe)
    before = weights(one.model, "language_model")
    trained = finetune.train(one, recipe, lines, tmp_path / "state")
    base = {name.replace(".base_layer", ""): w for name, w in one.model.state_dict().items() if "lora_" not in name}
    assert not changed(before, base)
    again = finetune.train(family(recipe), recipe, lines, tmp_path / "state")  # nothing is left to do
    for name, weight in trained.state_dict().items():
        torch.testing.assert_close(weight, again.state_dict()[name], msg=name)
    finetune.finished(one, trained, recipe.finetune, tmp_path / "out")
    model, tokenizer = export_gguf.load(tmp_path / "out")
    merged = weights(model, "language_model")
    assert not any("lora" in name for name in merged)
    assert changed({n: merged[n] for n in before if n in merged}, before)
    assert tokenizer.convert_tokens_to_ids("<empty_output>") == 3


def test_a_finished_model_is_read_and_exported(tmp_path, lines):
    recipe = recipe_of()
    one = family(recipe)
    trained = finetune.train(one, recipe, lines, tmp_path / "state")
    finetune.finished(one, trained, recipe.finetune, tmp_path / "out")
    model, tokenizer = export_gguf.load(tmp_path / "out")
    kept, saved = trained.state_dict(), model.state_dict()
    assert set(kept) == set(saved)
    assert not changed(kept, saved)
    assert model.config.tie_word_embeddings
    for path in export_gguf.export(model, tokenizer, tmp_path / "gguf"):
        assert path.stat().st_size > 1000


def test_a_state_of_another_method_is_refused(tmp_path, lines):
    finetune.train(family(recipe_of()), recipe_of(), lines, tmp_path, most_steps=1)
    other = recipe_of(method="lora")
    with pytest.raises(InputError, match="another model or method"):
        finetune.train(family(other), other, lines, tmp_path)


def test_half_precision_computes_and_float32_learns(tmp_path, lines):
    """Steps far smaller than bfloat16 can add still add up, and what is not trained keeps its exact value."""
    stages = (Stage("language", ("language",), 6.0),)
    recipe = recipe_of(precision="bf16", learning_rate=1e-5, fake_quantise=False, stages=stages)
    one = family(recipe)
    before = {name: weight.clone() for name, weight in one.model.state_dict().items()}
    trained = finetune.train(one, recipe, lines, tmp_path)
    after = trained.state_dict()
    assert {weight.dtype for weight in after.values()} == {torch.float32}
    moved = changed(before, after)
    assert all("language_model" in name or "lm_head" in name for name in moved)
    layer = "model.language_model.layers.0.mlp.up_proj.weight"
    steps = (after[layer] - before[layer]).abs()
    assert 0 < steps.max() < 1e-3
    assert (steps > 0).float().mean() > 0.9


def test_what_is_computed_with_is_rounded_and_what_is_kept_is_not():
    linear = torch.nn.Linear(64, 8)
    exact = linear.weight.detach().clone()
    held = masters.Masters(linear, [{"params": [linear.weight], "lr": 0.1}], [linear.weight])
    torch.testing.assert_close(linear.weight.float(), quantise.q4_0(exact).bfloat16().float())
    linear(torch.ones(1, 64, dtype=torch.bfloat16)).sum().backward()
    held.collect()
    assert linear.weight.grad is None
    torch.testing.assert_close(held.groups[0]["params"][0].grad, torch.ones(512))
    held.restore()
    torch.testing.assert_close(linear.weight.detach(), exact)


def test_few_words_of_the_image_alone_weigh_more(lines):
    recipe = recipe_of(look_weight=3.0)
    looking = [line | {"kind": "look"} for line in lines[:2]]
    samples = family(recipe).encoded([*looking, *lines[2:4]], 500)
    assert [one.weight for one in samples] == [3.0, 3.0, 1.0, 1.0]
    one = family(recipe)
    (loss, weight), (heavier, more) = (finetune.loss_of(one.model, one.batch(some)) for some in (
        [replace(samples[0], weight=1.0)], samples[:1]))  # fmt: skip
    assert more == 3.0 * weight
    torch.testing.assert_close(heavier, 3.0 * loss)


def test_loss_is_that_of_all_logits():
    recipe = recipe_of()
    one = family(recipe)
    samples = [conversation.Encoded((1, 40, 41, 42, 2), (-100, -100, 41, 42, 2), None),
               conversation.Encoded((1, 50, 2), (-100, 50, 2), None)]  # fmt: skip
    batch = one.batch(samples)
    loss, weight = finetune.loss_of(one.model, batch)
    logits = one.model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    wanted = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(), ignore_index=-100
    )
    torch.testing.assert_close(loss / weight, wanted)
    assert weight == 5


def test_the_rate_falls_to_its_end():
    settings = recipe_of().finetune
    shares = [finetune.rate_share(step, 100, settings) for step in (0, 3, 50, 100)]
    assert shares[0] < shares[1] > shares[2] > shares[3] == pytest.approx(settings.final_share)


# ------------------------------------------------------------------------------------------------ Qwen2.5-VL


@pytest.fixture(scope="module")
def qwen_folder(tmp_path_factory):
    """A tiny Qwen2.5-VL with its processor, random weights."""
    from support_embedded import tiny_qwen

    return tiny_qwen(tmp_path_factory.mktemp("qwen"))


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_same_command_trains_qwen(tmp_path, lines, qwen_folder, method):
    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    recipe = recipe_of(method=method)
    one = families.read_qwen(qwen_folder, four_bits=method == "qlora")
    trained = finetune.train(one, recipe, lines, tmp_path / "state")
    lora = {name: w for name, w in trained.state_dict().items() if "lora_B" in name}
    assert lora
    assert all(weight.abs().sum() > 0 for weight in lora.values())
    finetune.finished(one, trained, recipe.finetune, tmp_path / "out")
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert ("adapter_config.json" in files) == (method == "qlora")
    again = families.read_qwen(qwen_folder, four_bits=method == "qlora")
    assert finetune.train(again, recipe, lines, tmp_path / "state") is not None  # taken up, nothing left to do
