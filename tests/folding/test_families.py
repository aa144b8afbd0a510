"""Folding on every model of keras.applications and of the course, with random weights and statistics.

Which batch norms have to go is read, a second time and in another way, from the model's configuration. Every model is
complete, top included, with 10 classes, on the smallest input that it takes; only the ConvNeXt, which have no batch
norm to fold and up to 350 million weights, are an eighth as wide. The initial values of the weights are zeros, since
all are overwritten: drawing them would take minutes.
"""

import gc
import inspect

import keras
import numpy as np
import pytest
from randomized import batch_norms, randomize, relative_difference

from cnnlab import folding, models

APPLICATIONS = [name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)]
SIDES = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}  # pixels; 32 for all others
KINDS = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense"}
# Folded and in total. Networks that normalize before they convolve keep the batch norms that follow a sum or a
# concatenation, and the four that NASNet keeps follow its reductions.
KNOWN = {
    "ResNet50": (53, 53),
    "ResNet50V2": (32, 49),
    "DenseNet121": (59, 121),
    "MobileNet": (27, 27),
    "MobileNetV2": (52, 52),
    "InceptionV3": (94, 94),
    "Xception": (40, 40),
    "EfficientNetB0": (49, 49),
    "VGG16": (0, 0),
    "ConvNeXtTiny": (0, 0),
}


@pytest.fixture(scope="module", autouse=True)
def libraries_are_no_garbage():
    """What is loaded now stays: looking through all of TensorFlow for dead objects after each model takes longer."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def narrow_convnext(monkeypatch):
    for settings in inspect.getmodule(keras.applications.ConvNeXtTiny).MODEL_CONFIGS.values():
        narrow = [channels // 8 for channels in settings["projection_dims"]]
        monkeypatch.setitem(settings, "projection_dims", narrow)


@pytest.fixture(autouse=True)
def zeros_at_first(monkeypatch):
    def zeros(self, shape, dtype=None, **options):
        return keras.ops.zeros(shape, dtype)

    for kind in ("VarianceScaling", "RandomNormal", "TruncatedNormal"):
        monkeypatch.setattr(getattr(keras.initializers, kind), "__call__", zeros)
    gc.disable()  # a model is thousands of objects; looking for dead ones in between takes a fifth of the time
    yield
    gc.enable()
    keras.utils.clear_session(free_memory=True)


def foldable(model) -> set[str]:
    """Names of the batch norms right behind a linear layer that only they read, by the model's configuration."""
    config = model.get_config()
    layers = {layer["name"]: layer for layer in config["layers"]}
    read_by = {name: [] for name in layers}
    for name, layer in layers.items():
        for tensor in _tensors(layer["inbound_nodes"]):
            read_by[tensor].append(name)
    outputs = {name for name in np.ravel(config["output_layers"]).tolist() if name in layers}
    found = set()
    for name, readers in read_by.items():
        settings = layers[name]["config"]
        linear = layers[name]["class_name"] in KINDS and settings["activation"] == "linear"
        if linear and len(readers) == 1 and name not in outputs:
            found.update(reader for reader in readers if layers[reader]["class_name"].endswith("BatchNormalization"))
    return found


def _tensors(data) -> list[str]:
    """Names of the layers whose outputs some calls take."""
    if isinstance(data, dict) and data.get("class_name") == "__keras_tensor__":
        return [data["config"]["keras_history"][0]]
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    return [name for part in parts for name in _tensors(part)]


def check(model, side: int, channels: int = 3) -> tuple[int, int]:
    """Fold a model with random weights; returned is how many batch norms went, and how many there were."""
    randomize(model)
    expected, before = foldable(model), batch_norms(model)
    explanation = folding.explain(model)
    assert {row.name for row in explanation if row.folds} == expected
    assert [row.name for row in explanation if not row.folds and not row.reason] == []
    folded = folding.fold_batch_norm(model)
    assert sorted(batch_norms(folded)) == sorted(set(before) - expected)
    # By name: Keras orders layers by depth, which folding changes.
    assert {layer.name for layer in folded.layers} == {layer.name for layer in model.layers} - expected
    images = np.random.default_rng(1).uniform(-1, 1, (2, side, side, channels)).astype("float32")
    difference = relative_difference(model, folded, images)
    print(f"{model.name}: {len(expected)} of {len(before)} folded, relative difference {difference:.1e}")
    assert difference < 1e-5
    return len(expected), len(before)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_keras_applications(name):
    side = SIDES.get(name, 32)
    shape = (side, side, 3)
    model = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=10, classifier_activation=None)
    folded, total = check(model, side)
    assert (folded, total) == KNOWN.get(name, (folded, total))
    assert (total == 0) == name.startswith(("ConvNeXt", "VGG"))
    assert folded > 0 or total == 0


def test_the_list_is_that_of_keras():
    assert len(APPLICATIONS) >= 38
    assert set(KNOWN) | set(SIDES) <= set(APPLICATIONS)


@pytest.mark.parametrize("name", models.names())
def test_the_models_of_the_course(name):
    side, channels = {"digitnet": (28, 1), "lenet5": (28, 1), "pilotnet": (64, 3)}.get(name, (32, 3))
    model = models.build(name, (side, side, channels), 10)
    folded, total = check(model, side, channels)
    normalized = name.startswith(
        ("resnet", "densenet", "mobilenet", "efficientnet", "inceptionv2", "digitnet", "cifarnet")
    )
    assert (folded > 0) == normalized
    on_pixels = name == "pilotnet"  # no layer stands before its batch norm
    assert (total > 0) == (normalized or on_pixels)
