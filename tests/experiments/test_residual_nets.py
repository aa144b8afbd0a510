"""Chapter 08's grid: what its cells measure, and that the committed records are those of its cells."""

from collections import Counter
from dataclasses import asdict, fields

import keras
import numpy as np
import pytest

from cnnlab import datasets, experiments, training
from cnnlab.experiments import pictures, residual_nets
from cnnlab.experiments.residual_nets import ResidualNet
from cnnlab.models import resnet


@pytest.fixture(scope="module")
def batch():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (16, 32, 32, 3)).astype("uint8"), generator.integers(0, 20, 16)


def weights_of(model) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy().copy() for weight in model.weights}


def test_the_grid_has_each_cell_once_and_seed_by_seed(monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "cpu")
    cells = experiments.grid("residual_nets")
    assert max(Counter(map(experiments.key, cells)).values()) == 1
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells)
    assert {cell.seed for cell in cells} == set(residual_nets.SEEDS)
    for depth in (8, 20, 32, 56):
        assert {cell.network for cell in cells if cell.depth == depth} >= {"plain", "residual"}
    assert {cell.order for cell in cells if cell.depth == 32} == set(resnet.ORDERS)


def test_the_committed_records_are_those_of_the_cells(monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "cpu")
    cells = {experiments.key(cell): cell for cell in experiments.grid("residual_nets")}
    records = experiments.read(datasets.embedded_folder() / "results" / "residual_nets")
    assert records
    for record in records:
        assert record["status"] == "done"
        assert {field.name: record[field.name] for field in fields(ResidualNet)} == asdict(cells[record["key"]])
        assert len(record["loss"]) == len(record["val_accuracy"]) == record["epochs"]
    assert len({record["key"] for record in records}) == len(records)


@pytest.mark.parametrize("network", ["plain", "residual"])
def test_plain_and_residual_have_the_same_weights(network):
    model = ResidualNet(network, 14).build()
    assert model.count_params() == ResidualNet("residual", 14).build().count_params()
    assert any(layer.name.endswith("_add") for layer in model.layers) == (network == "residual")


def test_a_dense_cell_is_the_papers_network_in_small():
    model = ResidualNet("dense", 40, width=12).build()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) + 1 == 40
    assert model.count_params() == 182_540


def test_an_unknown_network_or_data_set_is_refused():
    with pytest.raises(ValueError, match="'plain', 'residual' or 'dense'; received 'resnet'"):
        ResidualNet("resnet", 8).build()
    with pytest.raises(ValueError, match="'cifar100' or 'shapes100'; received 'cifar'"):
        pictures.split("cifar", 10, 10)


def test_the_parts_of_the_data_do_not_overlap():
    (x, y), (validation, labels), (test, test_labels) = pictures.split(
        "shapes100", 100, residual_nets.VALIDATION, coarse=True
    )
    assert (len(x), len(y), len(validation), len(labels), len(test), len(test_labels)) == (
        100,
        100,
        1000,
        1000,
        2000,
        2000,
    )
    assert not {image.tobytes() for image in x} & {image.tobytes() for image in validation}
    assert set(np.unique(labels)) == set(range(20))


def test_removable_units_keep_the_shape():
    model = resnet.cifar_resnet(depth=14, width=4)
    expected = ["stage1_unit1", "stage1_unit2", "stage2_unit2", "stage3_unit2"]
    assert residual_nets.removable(model) == expected
    for unit in expected:
        assert resnet.cifar_resnet(depth=14, width=4, without=(unit,)).output_shape == model.output_shape


def test_gradient_norms_leave_the_model_as_it_was(batch):
    model = resnet.cifar_resnet(classes=20, depth=8, width=4, stem_stride=2)
    before = weights_of(model)
    first, second = (training.gradient_norms(model, *batch) for _ in range(2))
    assert first == pytest.approx(second, rel=1e-3)
    assert all(np.array_equal(before[path], values) for path, values in weights_of(model).items())


def test_gradient_norms_are_the_slopes_of_the_loss(batch):
    keras.utils.set_random_seed(0)
    model = resnet.cifar_resnet(classes=20, depth=8, width=4, stem_stride=2, normalized=False, shortcut="projection")
    norms = training.gradient_norms(model, *batch)
    assert len(norms) == 7  # no projection among them
    kernel = model.get_layer("stage3_unit1_conv2").kernel
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    start, generator = kernel.numpy().copy(), np.random.default_rng(0)
    slopes = []
    for _ in range(60):  # the mean square of the slopes in random directions is the square of the length, over n
        direction = generator.normal(size=start.shape).astype("float32")
        values = []
        for step in (1e-2, -1e-2):
            kernel.assign(start + step * direction / np.linalg.norm(direction))
            values.append(float(loss_of(batch[1], model(batch[0]))))
        slopes.append((values[0] - values[1]) / 2e-2)
    assert norms[-1] == pytest.approx(np.sqrt(np.mean(np.square(slopes)) * start.size), rel=0.4)


def test_a_network_without_a_unit_has_the_trained_weights():
    cell = ResidualNet("residual", 14, width=4)
    keras.utils.set_random_seed(0)
    model = cell.build()
    smaller = cell._without(model, "stage2_unit2")
    whole, rest = weights_of(model), weights_of(smaller)
    assert {path for path in whole if path not in rest} == {path for path in whole if path.startswith("stage2_unit2")}
    assert all(np.array_equal(whole[path], values) for path, values in rest.items())


def test_leaving_a_unit_out_that_does_nothing_changes_nothing(batch):
    cell = ResidualNet("residual", 14, width=4)
    model = cell.build()
    model.get_layer("stage2_unit2_2_bn").gamma.assign(np.zeros(8))
    smaller = cell._without(model, "stage2_unit2")
    np.testing.assert_allclose(smaller(batch[0]), model(batch[0]), atol=1e-5)
