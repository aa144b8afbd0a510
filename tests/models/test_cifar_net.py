"""The network of the short recipe: its size, its whitened first layer, its start, its mirrored average."""

import keras
import numpy as np
import pytest

from cnnlab import datasets
from cnnlab.models import cifar


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return datasets.load("shapes100", train=300, test=10).x_train


def test_its_size_is_that_of_its_docstring():
    model = cifar.cifar_net()
    cifar.whiten(model, np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3)))
    trained = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert f"{model.count_params():,} parameters, of which {trained:,} are trained" in cifar.cifar_net.__doc__


def test_the_whitened_layer_is_uncorrelated_and_of_equal_variance(pictures):
    model = cifar.cifar_net(width=0.125)
    cifar.whiten(model, pictures, floor=0.0)
    kernel, bias = model.get_layer("whitened").get_weights()
    maps = keras.ops.conv(pictures.astype("float32") / 127.5 - 1, kernel, padding="valid") + bias
    covariance = np.cov(np.reshape(maps, (-1, 24))[:, :12], rowvar=False)
    assert np.allclose(covariance, np.eye(12), atol=0.02)
    assert np.allclose(np.mean(maps, axis=(0, 1, 2)), 0, atol=1e-2)
    assert np.array_equal(kernel[..., 12:], -kernel[..., :12])
    assert not model.get_layer("whitened").trainable_weights


def test_a_floor_keeps_what_hardly_varies_small(pictures):
    model = cifar.cifar_net(width=0.125)
    largest = []
    for floor in (1e-6, 1e-2):
        cifar.whiten(model, pictures, floor=floor)
        largest.append(np.abs(model.get_layer("whitened").get_weights()[0]).max())
    assert largest[1] < 0.5 * largest[0]


def test_it_starts_by_passing_its_input_on():
    kernel = cifar.cifar_net(width=0.25).get_layer("block1_conv1").get_weights()[0]  # 24 maps in, 16 out
    signal = np.random.default_rng(0).normal(size=(1, 8, 8, 24)).astype("float32")
    assert np.allclose(keras.ops.conv(signal, kernel, padding="same"), signal[..., :16], atol=1e-5)
    wider = cifar.cifar_net(width=0.5).get_layer("block1_conv1").get_weights()[0]  # 24 in, 32 out: 8 are random
    passed = np.asarray(keras.ops.conv(signal, wider, padding="same"))
    assert np.allclose(passed[..., :24], signal, atol=1e-5)
    assert (passed[..., 24:].std(axis=(0, 1, 2)) > 0.1).all()
    random = cifar.cifar_net(width=0.25, identity=False).get_layer("block1_conv1").get_weights()[0]
    assert not np.allclose(random[..., 0], kernel[..., 0])


def test_without_the_additions_it_has_the_same_weights():
    chain, residual = cifar.cifar_net(width=0.125, residual=False), cifar.cifar_net(width=0.125)
    assert [weight.shape for weight in chain.weights] == [weight.shape for weight in residual.weights]
    assert not any(isinstance(layer, keras.layers.Add) for layer in chain.layers)
    assert sum(isinstance(layer, keras.layers.Add) for layer in residual.layers) == 3


def test_mirrored_gives_a_picture_and_its_mirror_image_the_same(pictures):
    model = cifar.cifar_net(width=0.125)
    both = cifar.mirrored(model)
    batch = pictures[:4].astype("float32")
    assert np.allclose(both(batch), both(batch[:, :, ::-1]), atol=1e-4)
    assert np.allclose(both(batch), (model(batch) + model(batch[:, :, ::-1])) / 2, atol=1e-4)
    assert both.count_params() == model.count_params()


def test_it_is_saved_and_loaded_whole(pictures, tmp_path):
    model = cifar.cifar_net(width=0.125)
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert np.allclose(loaded(pictures[:2]), model(pictures[:2]), atol=1e-5)


def test_what_is_too_small_is_refused():
    assert cifar.cifar_net((9, 9, 3), width=0.125).output_shape == (None, 100)
    with pytest.raises(ValueError, match=r"`input_shape` needs sides of at least 9 pixels; received \(8, 32, 3\)"):
        cifar.cifar_net((8, 32, 3))
