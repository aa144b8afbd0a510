"""TensorFlow's fused batch norm gives what Keras' own gives: outputs, gradients and moving averages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnlab import arithmetic
from cnnlab.layers import FusedBatchNormalization
from cnnlab.layers import fused as with_fused


def pair(**options) -> tuple[keras.layers.Layer, keras.layers.Layer]:
    """Both layers, with the same weights that are not those of the beginning."""
    fused = FusedBatchNormalization(momentum=0.8, epsilon=1e-3, **options)
    plain = keras.layers.BatchNormalization(momentum=0.8, epsilon=1e-3, **options)
    generator = np.random.default_rng(1)
    for layer in (fused, plain):
        layer.build((None, 5, 6, 3))
    weights = [generator.uniform(0.5, 2, 3).astype("float32") for _ in range(4)]
    fused.set_weights(weights)
    plain.set_weights(weights)
    return fused, plain


def maps() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, (4, 5, 6, 3)).astype("float32")


@pytest.mark.parametrize("training", [True, False])
def test_outputs_gradients_and_averages_are_those_of_keras(training):
    results = []
    for layer in pair():
        x = tf.constant(maps())
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(y**2 * tf.range(3.0))
        gradients = tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])
        results.append([y, *gradients, *layer.get_weights()])
    for fused, plain in zip(*results, strict=True):
        assert np.allclose(fused, plain, rtol=1e-4, atol=1e-4)


def test_a_frozen_layer_uses_its_averages_in_training_too():
    fused, plain = pair()
    fused.trainable = plain.trainable = False
    before = fused.get_weights()
    assert np.allclose(fused(maps(), training=True), plain(maps(), training=True), atol=1e-5)
    assert all(map(np.array_equal, before, fused.get_weights()))


def test_half_precision_keeps_its_type_and_full_precision_averages():
    fused, _ = pair(dtype="mixed_bfloat16")
    outputs = fused(maps(), training=True)
    assert outputs.dtype == "bfloat16"
    expected = 0.2 * maps().mean(axis=(0, 1, 2)) + 0.8 * pair()[0].get_weights()[2]
    assert np.allclose(fused.moving_mean, expected, rtol=1e-2)


def test_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((5, 6, 3))
    model = keras.Model(inputs, FusedBatchNormalization(momentum=0.7)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.layers[-1], FusedBatchNormalization)
    assert loaded.layers[-1].momentum == 0.7


def test_a_network_of_either_has_the_same_profile():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.MaxPooling2D()(keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(inputs)))
    plain = keras.Model(inputs, keras.layers.Conv2D(2, 3)(x))
    of_fused, of_plain = (
        arithmetic.profile(keras.models.clone_model(plain, clone_function=way)) for way in (with_fused, None)
    )
    assert not of_fused.uncounted
    assert (of_fused.macs, of_fused.params) == (of_plain.macs, of_plain.params)
    assert [row.receptive_field for row in of_fused] == [row.receptive_field for row in of_plain] == [1, 3, 3, 4, 8]
