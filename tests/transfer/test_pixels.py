"""Pixels divided by 255 before they come to a network that divides them itself."""

import keras
import numpy as np
import pytest
from keras import layers

from cnnlab import pixels, training, transfer

BYTES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")
MESSAGE = r"`images` needs pixels from 0 to 255, .* received values from 0 to 1\. Leave out the division"


@pytest.fixture(scope="module")
def classifier():
    return transfer.classifier()


@pytest.fixture(scope="module")
def own():
    """A network as a student builds it: the division is its first layer."""
    body = transfer.backbone("efficientnet_lite0", None, (32, 32, 3))
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(body(inputs))))


def test_a_classifier_refuses_them(classifier):
    for scaled in (BYTES / 255, keras.ops.convert_to_tensor(BYTES / 255), (BYTES / 255)[:1]):
        with pytest.raises(ValueError, match="needs pixels from 0 to 255"):
            classifier(scaled)
    with pytest.raises(ValueError, match=MESSAGE):
        classifier.predict(BYTES / 255, verbose=0)
    with pytest.raises(ValueError, match="received values from -1 to 1"):
        classifier(BYTES / 127.5 - 1)


def test_every_pretrained_network_refuses_them():
    for network in (
        transfer.classifier("efficientnet_lite0", None),
        transfer.backbone("efficientnet_lite0", None, (32, 32, 3)),
        transfer.backbone("vgg19", "cifar100"),
        transfer.backbone("vgg19", "cifar100", (64, 64, 3)),
    ):
        with pytest.raises(ValueError, match=MESSAGE):
            network(BYTES / 255)


def test_what_is_meant_passes(classifier):
    """Bytes of either type, a black picture, a dark one."""
    for images in (BYTES, BYTES.astype("uint8"), 0 * BYTES, np.minimum(BYTES, 2), np.minimum(BYTES, 1).astype("uint8")):
        assert classifier(images).shape == (4, 100)


def test_features_and_accuracy_know_a_network_by_its_first_layer(own):
    for refused in (
        lambda: transfer.features(own, BYTES / 255),
        lambda: training.accuracy(own, BYTES / 255, [0, 1, 0, 1]),
    ):
        with pytest.raises(ValueError, match=MESSAGE):
            refused()
    assert transfer.features(own, BYTES).shape == (4, 2)


@pytest.mark.parametrize(
    ("first", "bytes_meant"),
    [
        ([layers.Rescaling(1 / 255)], True),
        ([layers.Rescaling(1.0, offset=[-104, -117, -124])], True),
        ([layers.RandomFlip(), layers.Rescaling(1 / 127.5, offset=-1)], True),
        ([layers.Rescaling(2, offset=-1)], False),
        ([layers.Conv2D(2, 3), layers.Rescaling(1 / 255)], False),
        ([], False),
    ],
)
def test_what_the_first_layer_says(first, bytes_meant):
    model = keras.Sequential([keras.Input((32, 32, 3)), *first, layers.Flatten(), layers.Dense(2)])
    assert pixels.rescales(model) == bytes_meant
    if bytes_meant:
        with pytest.raises(ValueError, match=MESSAGE):
            pixels.refuse_scaled(BYTES / 255, model)
    else:
        assert transfer.features(model, BYTES / 255).shape == (4, 2)


def test_a_network_is_saved_and_loaded_with_its_check(tmp_path):
    network = transfer.backbone("efficientnet_lite0", None, (32, 32, 3))
    network.save(tmp_path / "body.keras")
    loaded = keras.saving.load_model(tmp_path / "body.keras")
    np.testing.assert_allclose(loaded(BYTES), network(BYTES), atol=1e-6)
    with pytest.raises(ValueError, match=MESSAGE):
        loaded(BYTES / 255)


def test_it_trains_inside_another(own):
    own.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    assert own.fit(BYTES, np.array([0, 1, 0, 1]), verbose=0).history["loss"][0] > 0
