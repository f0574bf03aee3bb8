"""The vision tower: its stream of maps, what it is taught, and training that goes on after a kill."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from support_instruct import EVENTS, two_faces

from mellm_demo import facs
from mellm_demo.errors import InputError, SettingsError
from mellm_demo.training.embedded.recipe import DEFAULT, read_recipe
from mellm_demo.training.embedded.stream import Maps, worn
from mellm_demo.training.instruct import bank

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # tensors are tiny: threads only wait for each other
pytest.importorskip("transformers")

from mellm_demo.training import pretrain_tower  # noqa: E402
from mellm_demo.training.embedded import checkpoint, drawing, naming, tower  # noqa: E402

TINY = (
    "model.hidden=32", "model.feed_forward=64", "model.layers=2", "model.heads=2",
    "pretrain.batch=8", "pretrain.images=320", "pretrain.warmup_images=32", "pretrain.report_images=32",
    "pretrain.held_out_images=16", "pretrain.learning_rate=3e-3", "pretrain.precision=fp32", "pretrain.workers=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def faces(astronaut):
    return two_faces(astronaut)


@pytest.fixture
def recipe():
    return read_recipe(DEFAULT, TINY)


# ------------------------------------------------------------------------------------------------ the stream


def test_a_map_depends_on_its_number_alone(faces):
    one, two = Maps(faces, (0, 1), EVENTS, seed=3), Maps(faces, (0, 1), EVENTS, seed=3)
    later = [two.example(number) for number in (5, 2)]
    np.testing.assert_array_equal(one.example(2).image, later[1].image)
    assert (one.example(3).image != later[1].image).any()
    assert later[0].image.shape == (224, 224, 3)


def test_maps_drawn_ahead_are_the_same_maps(faces):
    maps = Maps(faces, (0, 1), EVENTS, seed=3)
    here, ahead = drawing.batches(maps, 10, 2, 0), drawing.batches(maps, 10, 2, 1)
    try:
        for _ in range(2):
            one, two = next(here), next(ahead)
            for name in ("images", "regions", "units"):
                np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    finally:
        ahead.close()


def test_the_truth_of_a_map_fits_its_units(faces):
    """Where a brow unit is shown on one side only, that brow moves more."""
    maps = Maps(faces, (0, 1), EVENTS, seed=1)
    corner = [facs.REGION_KEYS.index(f"mouth_corner_{side}") for side in ("left", "right")]
    unit = bank.UNITS.index(12)
    checked = 0
    for number in range(120):
        example = maps.example(number)
        left, right = example.units[:, unit]
        if left != right and example.units.sum() == 1:
            sizes = np.hypot(*example.regions[corner].T)
            assert (sizes[0] > sizes[1]) == bool(left)
            checked += 1
    assert checked >= 3
    assert all(np.abs(maps.example(number).regions).max() <= 1.0 for number in range(10))


def test_a_bank_is_mixed_in(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(bank, "SHARD", 2)
    list(bank.fill(tmp_path, faces, (0, 1), EVENTS, 2))
    mixed = Maps(faces, (0, 1), EVENTS, bank.Bank(tmp_path), 1.0, seed=3)
    plain = Maps(faces, (0, 1), EVENTS, bank.Bank(tmp_path / "none"), 1.0, seed=3)
    assert (mixed.example(0).image != plain.example(0).image).any()


def test_worn_flow_is_still_the_flow(faces):
    random = np.random.default_rng(0)
    flow = np.zeros((64, 64, 2), np.float32)
    flow[20:40, 20:40] = (0.0, -2.0)
    kept = [worn(flow, faces.gray[0], random) for _ in range(8)]
    inside = np.mean([one[22:38, 22:38, 1].mean() for one in kept])
    assert -2.2 < inside < -0.8
    assert any((one[:10] != 0).any() for one in kept)


# ------------------------------------------------------------------------------------------------ the recipe


def test_the_recipe_is_checked():
    assert read_recipe().model.patch == 32
    assert read_recipe(DEFAULT, ("finetune.method=lora",)).finetune.method == "lora"
    for wrong, said in (
        ("pretrain.batch=0", "1 or more"),
        ("pretrain.batches=4", "does not exist"),
        ("finetune.method=magic", "Choose one of"),
        ("model.heads=3", "multiple"),
        ("pretrain.batch=true", "of the type int"),
        ("nonsense", "sets nothing"),
        ("other.key=1", "nothing reads"),
    ):
        with pytest.raises(SettingsError, match=said):
            read_recipe(DEFAULT, (wrong,))


def test_the_rate_rises_and_falls(recipe):
    settings = recipe.pretrain
    rates = [pretrain_tower.rate_at(seen, settings) for seen in (0, 32, 160, 320, 9999)]
    assert rates[0] < rates[1]
    assert rates[1] > rates[2] > rates[3] == pytest.approx(0.05 * settings.learning_rate)
    assert rates[4] == rates[3]


# ------------------------------------------------------------------------------------------------ training


def test_it_learns(recipe, faces, tmp_path):
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path)
    log = [json.loads(line) for line in (tmp_path / checkpoint.LOG).read_text(encoding="utf-8").splitlines()]
    assert log[-1]["regions_r2"] > 0.1  # of people it was not trained on; an untrained one is far below 0
    assert log[-1]["seen"] == 320
    assert {"au_macro_f1", "side_accuracy", "regions_r2"} <= set(log[-1])


def test_a_resumed_run_ends_where_an_unbroken_one_does(recipe, faces, tmp_path):
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "whole", most_images=48)
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "parts", most_images=24)
    (tmp_path / "parts" / f"{checkpoint.STATE}.part").write_bytes(b"torn")
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "parts", most_images=48)
    one, two = (pretrain_tower.eye_weights(tmp_path / name) for name in ("whole", "parts"))
    assert set(one) == set(two)
    for name, weight in one.items():
        torch.testing.assert_close(weight, two[name], msg=name)


def test_a_spoilt_state_falls_back_on_the_one_before(tmp_path):
    checkpoint.save(tmp_path, {"seen": 1})
    checkpoint.save(tmp_path, {"seen": 2})
    assert checkpoint.load(tmp_path) == {"seen": 2}
    (tmp_path / checkpoint.STATE).write_bytes(b"spoilt")
    assert checkpoint.load(tmp_path) == {"seen": 1}
    (tmp_path / checkpoint.BEFORE).write_bytes(b"spoilt")
    with pytest.raises(InputError, match="can be read"):
        checkpoint.load(tmp_path)
    assert checkpoint.load(tmp_path / "none") is None


def test_a_state_of_another_shape_is_refused(recipe, faces, tmp_path):
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path, most_images=8)
    other = replace(recipe, model=replace(recipe.model, layers=1))
    with pytest.raises(InputError, match="Name another --state"):
        pretrain_tower.train(other, faces, EVENTS, tmp_path)


def test_the_clock_stops_and_saves():
    now = iter((0.0, 59.0, 61.0, 61.0, 120.0, 122.0))
    clock = checkpoint.Clock(1.0, 1.0, lambda: next(now))
    assert (clock.over, clock.over) == (False, True)
    assert [clock.save_is_due, clock.save_is_due, clock.save_is_due] == [True, False, True]


def test_patches_as_a_product_are_those_of_the_convolution(recipe):
    from transformers import SiglipVisionModel

    one = SiglipVisionModel(tower.tower_config(recipe.model))
    pixels = torch.randn(2, 3, 224, 224)
    before = one(pixel_values=pixels).last_hidden_state
    tower.quick_on_a_cpu(one)
    torch.testing.assert_close(one(pixel_values=pixels).last_hidden_state, before, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------------------------------ names


def test_tokens_learn_to_name_what_moves_in_the_words_of_the_language_model(recipe, faces, tmp_path):
    from support_embedded import tiny_language, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    folder = tmp_path / "language"
    tiny_language(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "state", language=folder)
    log = [json.loads(line) for line in (tmp_path / "state" / checkpoint.LOG).read_text(encoding="utf-8").splitlines()]
    named = [line["naming"] for line in log if "naming" in line]
    assert named[-1] < 0.8 * named[0]
    assert "named_au_macro_f1" in log[-1]
    words = pretrain_tower.eye_weights(tmp_path / "state", "projector")
    assert set(words) == {f"linear_{n}.{part}" for n in (1, 2) for part in ("weight", "bias")}
    with pytest.raises(InputError, match="taught with --language"):
        pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "state")


def test_a_new_projector_learns_words_and_leaves_the_tower_alone(recipe, faces, tmp_path):
    from support_embedded import tiny_language, tiny_tokenizer

    tokenizer, folder = tiny_tokenizer(), tmp_path / "language"
    tiny_language(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    with pytest.raises(InputError, match="no trained tower"):
        pretrain_tower.teach_words(recipe, faces, EVENTS, tmp_path / "none", tmp_path / "out", folder)
    pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "state", most_images=16)
    pretrain_tower.teach_words(recipe, faces, EVENTS, tmp_path / "state", tmp_path / "out", folder, images=320)
    log = [json.loads(line) for line in (tmp_path / "out" / checkpoint.LOG).read_text(encoding="utf-8").splitlines()]
    named = [line["naming"] for line in log if "naming" in line]
    assert named[-1] < 0.8 * named[0]
    before, after = (pretrain_tower.eye_weights(tmp_path / name) for name in ("state", "out"))
    for name, weight in before.items():
        torch.testing.assert_close(weight, after[name], msg=name)
    assert pretrain_tower.eye_weights(tmp_path / "out", "projector")
    with pytest.raises(InputError, match="only a projector"):
        pretrain_tower.train(recipe, faces, EVENTS, tmp_path / "out", language=folder)


def test_a_token_that_is_a_units_words_is_read_as_that_unit_on_that_side():
    from support_embedded import tiny_tokenizer

    embeddings = torch.randn(300, 24, generator=torch.Generator().manual_seed(0))
    meant = naming.meanings(embeddings, tiny_tokenizer(), 30)
    units = torch.zeros(1, 2, len(bank.UNITS))
    units[0, 0, 3] = units[0, :, 5] = 1  # one on the left, one on both sides
    said = meant.gather(1, torch.nn.functional.pad(naming.state_of(units)[0], (0, 30 - len(bank.UNITS)))[
        :, None, None].expand(-1, 1, 24))[:, 0][None]  # fmt: skip
    assert ((naming.read(said, meant) > 0).float() == units).all()
    right, wrong = naming.loss_of(said, meant, units), naming.loss_of(said, meant, 1 - units)
    assert right < 0.1 * wrong


def test_scores_of_known_logits():
    units = torch.zeros(4, 2, 3)
    units[0, 0, 0] = units[1, :, 1] = 1
    logits = 8.0 * units - 4.0
    assert tower.scores(logits, units) == {"au_macro_f1": 1.0, "side_accuracy": 1.0}
    logits[1] = -4.0
    assert tower.scores(logits, units)["au_macro_f1"] == pytest.approx(0.5)
