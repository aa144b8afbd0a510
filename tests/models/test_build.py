"""The register of architectures."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from cnnlab import models

SMALL = {"digitnet": (28, 28, 1), "lenet5": (28, 28, 1), "drivenet": (32, 32, 3), "pilotnet": (61, 61, 3)}
FAMILIES = [*SMALL, "alexnet", "vgg11", "nin", "googlenet", "inceptionv2", "resnet18", "densenet121", "mobilenet"]
FAMILIES += ["efficientnet_lite0"]


@pytest.mark.parametrize("name", models.names())
def test_every_name_builds(name):
    with models.blueprints():
        model = models.build(name, SMALL.get(name, (32, 32, 3)), 10)
    assert model.output_shape == (None, 10)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_softmax_of_the_logits_gives_the_probabilities(name):
    shape, options = SMALL.get(name, (32, 32, 3)), {} if name in SMALL else {"width": 0.125}
    logits, probabilities = (models.build(name, shape, 10, activation=kind, **options) for kind in (None, "softmax"))
    probabilities.set_weights(logits.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    assert np.allclose(keras.ops.softmax(logits(images)), probabilities(images), atol=1e-5)


def test_names_are_sorted_lower_case_without_separators():
    assert models.names() == sorted(models.names())
    # EfficientNet-Lite0 has one in its name wherever it is published.
    assert all(name.replace("efficientnet_", "").isalnum() and name == name.lower() for name in models.names())


@pytest.mark.parametrize("name", ["lenet", "LeNet-5", "lenet-5"])
def test_an_unknown_name_gets_the_nearest(name):
    with pytest.raises(ValueError, match=rf"no model: '{name}'.*Nearest: .*lenet5"):
        models.build(name, (28, 28, 1), 10)


def test_a_name_like_no_other_gets_all_names():
    with pytest.raises(ValueError, match=", ".join(models.names())):
        models.build("§§", (28, 28, 1), 10)


@pytest.mark.parametrize("name", models.names())
@pytest.mark.parametrize("classes", [0, -3, 2.5, "10", None, True])
def test_a_number_of_classes_below_one_is_refused(name, classes):
    with pytest.raises(ValueError, match="`classes` needs an integer of at least 1; received"):
        models.build(name, (32, 32, 3), classes)


@pytest.mark.parametrize(
    "shape", [None, 32, (32, 32), (32, 32, 0), (32.0, 32, 3), (None, None, 3), (1, 32, 32, 3), "32"]
)
def test_a_shape_that_is_no_image_is_refused(shape):
    with pytest.raises(ValueError, match=r"`input_shape` needs \(height, width, channels\) in pixels; received"):
        models.build("resnet18", shape, 10)


def test_a_blueprint_has_shapes_and_leaves_nothing_behind():
    with models.blueprints():
        model = models.build("vgg16", (224, 224, 3), 1000)
    assert model.count_params() == 138_357_544
    assert model.trainable_weights[0]._value is None
    after = models.build("mobilenet", (32, 32, 3), 10, width=0.25)
    assert after(np.zeros((1, 32, 32, 3), "float32")).shape == (1, 10)
    assert model.trainable_weights[0]._value is None


def test_the_names_are_known_without_tensorflow():
    code = "import sys, cnnlab.models; cnnlab.models.names(); sys.exit(len({'tensorflow', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
