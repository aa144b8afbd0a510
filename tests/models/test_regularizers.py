"""The three networks of chapter 09 with each regularizer: what is there, and what is really left out."""

import keras
import numpy as np
import pytest
from keras import layers

from cnnlab import models

NETWORKS = ("vgg16", "resnet18", "inceptionv2")


def build(network: str, regularizer: str | None, **options) -> keras.Model:
    return models.build(network, (32, 32, 3), 10, width=0.0625, regularizer=regularizer, **options)


def count(model: keras.Model, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in model.layers)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_plain_network_has_neither(network):
    model = build(network, "none")
    assert count(model, layers.BatchNormalization) == count(model, layers.Dropout) == 0
    unbiased = [layer.name for layer in model.layers if isinstance(layer, layers.Conv2D) and not layer.use_bias]
    assert all(name.endswith("_shortcut") for name in unbiased)


@pytest.mark.parametrize("network", NETWORKS)
def test_batch_norm_follows_every_convolution_and_nothing_is_dropped(network):
    model = build(network, "batch_norm")
    weighted = count(model, layers.Conv2D) + count(model, layers.Dense)
    assert count(model, layers.BatchNormalization) == weighted - 1
    assert count(model, layers.Dropout) == 0
    assert not any(layer.use_bias for layer in model.layers if isinstance(layer, layers.Conv2D))


@pytest.mark.parametrize(("network", "dropouts"), [("vgg16", 2), ("resnet18", 1), ("inceptionv2", 1)])
def test_dropout_has_no_batch_norm_and_the_weights_of_the_plain_network(network, dropouts):
    plain, dropped = build(network, "none"), build(network, "dropout")
    assert count(dropped, layers.BatchNormalization) == 0
    assert count(dropped, layers.Dropout) == dropouts
    assert [weight.shape for weight in dropped.weights if "seed" not in weight.path] == [
        weight.shape for weight in plain.weights
    ]


@pytest.mark.parametrize("network", NETWORKS)
def test_dropout_does_nothing_when_the_network_is_used(network):
    plain, dropped = build(network, "none"), build(network, "dropout")
    for layer in plain.layers:
        dropped.get_layer(layer.name).set_weights(layer.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    assert np.allclose(plain(images), dropped(images), atol=1e-5)
    assert not np.allclose(plain(images, training=True), dropped(images, training=True), atol=1e-5)


@pytest.mark.parametrize(
    ("network", "regularizer"), [("vgg16", "dropout"), ("resnet18", "batch_norm"), ("inceptionv2", "batch_norm")]
)
def test_one_of_them_is_the_published_network(network, regularizer):
    published, named = build(network, None), build(network, regularizer)
    assert [layer.name for layer in published.layers] == [layer.name for layer in named.layers]
    assert published.count_params() == named.count_params()


@pytest.mark.parametrize("network", NETWORKS)
def test_an_unknown_regularizer_is_refused(network):
    with pytest.raises(ValueError, match=r"`regularizer` needs one of .*'batch_norm'.* or None; received 'bn'"):
        build(network, "bn")


@pytest.mark.parametrize(("network", "sizes"), [("resnet18", (16, 8, 4, 2)), ("inceptionv2", (16, 8, 4))])
def test_a_step_of_2_at_the_start_halves_all_maps(network, sizes):
    model = build(network, "none", stem_stride=2)
    heights = [layer.output.shape[1] for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert sorted(set(heights), reverse=True) == list(sizes)
    with pytest.raises(ValueError, match="`input_shape` needs sides of at least"):
        models.build(network, (7, 7, 3), 10, stem_stride=2)
