"""Chapter 09's grids: their cells, what one measures, and that the committed records are those of the cells."""

import functools
import itertools
from collections import Counter
from dataclasses import asdict

import keras
import numpy as np
import pytest

from cnnlab import datasets, experiments, profiles
from cnnlab.experiments import cifar100_comparison, pictures
from cnnlab.experiments.cifar100_fast import Recipe
from cnnlab.experiments.cifar100_regularizers import NETWORKS, OPTIMIZERS, REGULARIZERS, SEEDS, Regularized

SMALL = {"width": 0.0625, "data": "shapes100", "images": 256, "epochs": 2, "batch_size": 64}
GRIDS = ["cifar100_comparison", "cifar100_fast", "cifar100_long", "cifar100_steps", "cifar100_regularizers"]

COMMITTED = ["cifar100_fast", "cifar100_long", "cifar100_steps", "cifar100_regularizers"]


@pytest.fixture(autouse=True)
def cpu_profile(monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "cpu")


def test_the_regularizer_grid_is_complete_seed_by_seed():
    cells = experiments.grid("cifar100_regularizers")
    found = Counter((cell.network, cell.optimizer, cell.regularizer, cell.seed) for cell in cells)
    assert found == Counter(itertools.product(NETWORKS, OPTIMIZERS, REGULARIZERS, SEEDS))
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells)


def test_all_cells_have_one_budget_and_each_optimizer_one_rate():
    cells = experiments.grid("cifar100_regularizers")
    assert len({(cell.images, cell.epochs, cell.batch_size, cell.width, cell.patience) for cell in cells}) == 1
    assert {cell.data for cell in cells} == {"cifar100"}
    assert len({(cell.optimizer, cell.learning_rate) for cell in cells}) == 2


def test_the_comparison_has_all_of_one_seed_and_three_of_two_networks():
    cells = experiments.grid("cifar100_comparison")
    found = Counter((cell.network, cell.optimizer, cell.regularizer, cell.seed) for cell in cells)
    whole = itertools.product(NETWORKS, OPTIMIZERS, REGULARIZERS, SEEDS)
    assert found == Counter(entry for entry in whole if entry[0] != "inceptionv2" or entry[3] == SEEDS[0])
    assert len({(cell.network, cell.optimizer, cell.regularizer) for cell in cells[:18]}) == 18
    first = [(cell.network, cell.optimizer) for cell in cells[:6]]
    assert first == [("resnet18", "sgd")] * 3 + [("vgg16", "sgd")] * 3


def test_the_comparison_makes_equal_steps_of_a_number_that_suffices():
    cells = experiments.grid("cifar100_comparison")
    assert {cell.batch_size for cell in cells} == {128}
    assert {cell.patience for cell in cells} == {0}
    (steps,) = {cell.epochs * (cell.images // cell.batch_size) for cell in cells}
    assert steps >= 7500
    assert {cell.stem_stride for cell in cells} == {1}
    assert len({(cell.optimizer, cell.learning_rate) for cell in cells}) == 2
    assert {cell.network for cell in cells if cell.identity} == {"vgg16"}
    assert len({(cell.network, cell.identity) for cell in cells}) == 3  # one start for all regularizers of a network


def test_the_pilot_says_that_a_plain_network_fits_its_pictures():
    records = experiments.read(datasets.embedded_folder() / "results" / "cifar100_pilot")
    assert all(record["status"] == "done" and record["trained"] for record in records)
    fields = cifar100_comparison.Regularized.__dataclass_fields__
    for record in records:
        cell = cifar100_comparison.Regularized(**{name: record[name] for name in fields})
        assert experiments.key(cell) == record["key"]
    plain = [record for record in records if record["regularizer"] == "none"]
    assert plain and min(record["train_accuracy"] for record in plain) >= 0.9


def test_a_start_that_passes_its_input_on():
    kernels = {}
    for identity in (False, True):
        keras.utils.set_random_seed(0)
        cell = cifar100_comparison.Regularized("vgg16", "sgd", "none", 0.05, identity=identity, **SMALL)
        kernels[identity] = cell.build().get_layer("block5_conv2").kernel.numpy()
    middle, others = kernels[True][1, 1], np.delete(kernels[True].reshape(9, 32, 32), 4, axis=0)
    assert np.array_equal(middle, np.eye(32)) and not others.any()
    assert not np.array_equal(kernels[False][1, 1], np.eye(32))


def test_each_step_is_left_out_once():
    whole, *others = experiments.grid("cifar100_steps")
    assert whole == Recipe(epochs=whole.epochs, width=whole.width)
    left_out = [{field for field, value in asdict(cell).items() if value != asdict(whole)[field]} for cell in others]
    assert all(left_out) and all(len(fields - {"shift", "mirror"}) <= 1 for fields in left_out)
    assert len(others) == len(set(others)) == 9


@pytest.mark.parametrize("name", COMMITTED)
def test_the_committed_records_are_those_of_the_cells(name):
    folder = "cifar100_fast" if name == "cifar100_long" else name
    records = {record["key"]: record for record in experiments.read(datasets.embedded_folder() / "results" / folder)}
    done = 0
    for cell in experiments.grid(name):
        if record := records.get(experiments.key(cell)):
            assert record["status"] == "done"
            assert asdict(cell).items() <= record.items()
            done += 1
    assert done, "no record of this grid"


@pytest.mark.parametrize("profile", ["smoke", "cpu", "gpu"])
@pytest.mark.parametrize("name", GRIDS)
def test_every_profile_has_cells_that_differ(name, profile, monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", profile)
    cells = experiments.grid(name)
    assert len({experiments.key(cell) for cell in cells}) == len(cells)


def regularized(optimizer, regularizer, **changes):
    options = {"learning_rate": 0.01, "validation": 100} | SMALL | changes
    return Regularized("vgg16", optimizer, regularizer, **options)


@functools.cache
def trained(optimizer, regularizer) -> dict:
    return regularized(optimizer, regularizer).train()


@pytest.mark.parametrize(("optimizer", "regularizer"), [("sgd", "dropout"), ("adam", "batch_norm")])
def test_a_cell_measures_what_it_says(optimizer, regularizer):
    cell, result = regularized(optimizer, regularizer), trained(optimizer, regularizer)
    assert len(result["loss"]) == len(result["val_accuracy"]) == 2
    assert 0 <= result["test_accuracy"] <= 1 and 0 <= result["train_accuracy"] <= 1
    assert [len(norms) for norms in result["gradient_norms"]] == [13, 13]
    assert result["parameters"] == cell.build().count_params()


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_cell_of_the_comparison_measures_what_it_says(precision):
    before = keras.config.dtype_policy().name
    options = SMALL | {"epochs": 6, "precision": precision}
    cell = cifar100_comparison.Regularized("resnet18", "adam", "batch_norm", 3e-3, validation=100, **options)
    result = cell.train()
    assert keras.config.dtype_policy().name == before
    assert all(len(result[name]) == 6 for name in ("loss", "accuracy", "val_loss", "val_accuracy"))
    assert [len(norms) for norms in result["gradient_norms"]] == [17, 17]
    assert result["parameters"] == cell.build().count_params()
    assert result["trained"] and result["loss"][-1] < result["loss"][0]
    assert result["instruction_set"] == profiles.instruction_set()
    assert result["threads"] >= 1 and result["cores"] == profiles.cores()
    assert {"keras", "tensorflow", "backend"} <= result.keys()


def test_a_cell_that_stays_at_chance_is_marked():
    cell = cifar100_comparison.Regularized(
        "vgg16", "sgd", "dropout", 1e-9, validation=100, precision="float32", **SMALL
    )
    assert cell.train()["trained"] is False


def test_a_cell_gives_the_same_twice():
    first, again = trained("sgd", "dropout"), regularized("sgd", "dropout").train()
    assert np.allclose(first["loss"], again["loss"], rtol=1e-3)
    other = regularized("sgd", "dropout", seed=1).train()
    assert not np.allclose(first["loss"], other["loss"], rtol=1e-6)


def test_a_training_stops_when_validation_no_longer_improves():
    still = regularized("sgd", "none", learning_rate=1e-9, patience=1, epochs=6).train()
    assert len(still["loss"]) < 6


@pytest.mark.parametrize("changes", [{}, {"precision": "float32", "whitened": False, "averaging": 0.0}])
def test_the_recipe_measures_what_it_says_and_leaves_the_precision_as_it_was(changes):
    before = keras.config.dtype_policy().name
    result = Recipe(**SMALL | {"width": 0.125} | changes).train()
    assert keras.config.dtype_policy().name == before
    assert len(result["loss"]) == len(result["epoch_seconds"]) == 2
    assert 0 < result["epoch_seconds"][0] < result["epoch_seconds"][1] < 60 * result["minutes"] + 1
    assert 0 <= result["test_accuracy"] <= 1


def test_what_is_unknown_is_refused():
    with pytest.raises(ValueError, match="`optimizer` needs 'sgd' or 'adam'; received 'lion'"):
        Regularized("vgg16", "lion", "none", **SMALL).train()
    with pytest.raises(ValueError, match="`schedule` needs 'one_cycle' or 'constant'; received 'steps'"):
        Recipe(schedule="steps", **SMALL).train()
    with pytest.raises(ValueError, match="`images` needs at least 1 picture; received 0"):
        pictures.split("shapes100", 0, 100)


def test_cells_on_cifar100_fail_where_it_is_not_at_hand(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    with pytest.raises(datasets.DataError, match="cifar100"):
        pictures.split("cifar100", 100, 10)


def test_setting_a_field_makes_equal_cells_one():
    assert len(experiments.grid("cifar100_regularizers", seed=0)) == 18
    assert {cell.epochs for cell in experiments.grid("cifar100_regularizers", epochs=1)} == {1}
    with pytest.raises(ValueError, match="`epoch` is no field of the grid cifar100_regularizers"):
        experiments.grid("cifar100_regularizers", epoch=1)
