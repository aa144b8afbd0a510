"""Maxout and RReLU, against their definitions in NumPy and against Keras' own activations."""

import keras
import numpy as np
import pytest

from cnnlab import arithmetic
from cnnlab.layers import Maxout, RReLU


def values(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("pieces", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(5, 12), (2, 4, 3, 6)])
def test_maxout_is_the_largest_piece(pieces, shape):
    x = values(*shape)
    units = shape[-1] // pieces
    expected = np.max([x[..., piece * units : (piece + 1) * units] for piece in range(pieces)], axis=0)
    assert np.array_equal(Maxout(pieces)(x), expected)


def test_two_pieces_with_the_right_weights_are_a_leaky_relu():
    dense = keras.layers.Dense(8)
    dense.build((None, 4))
    dense.set_weights([np.concatenate([np.eye(4), np.eye(4) / 10], axis=1), np.zeros(8)])
    x = values(7, 4)
    assert np.allclose(Maxout(2)(dense(x)), keras.layers.LeakyReLU(negative_slope=0.1)(x), atol=1e-6)


def test_maxout_multiplies_the_parameters_by_its_pieces():
    def parameters(pieces):
        model = keras.Sequential([keras.Input((28, 28, 3)), keras.layers.Conv2D(8 * pieces, 5), Maxout(pieces)])
        assert model.output_shape == (None, 24, 24, 8)
        return model.count_params()

    assert [parameters(pieces) / parameters(1) for pieces in (2, 3)] == [2, 3]


def test_maxout_refuses_what_does_not_fit():
    for pieces in (0, -2, 1.5, "2", True):
        with pytest.raises(ValueError, match="`pieces` needs a positive integer; received"):
            Maxout(pieces)
    with pytest.raises(ValueError, match="divide the input's 7 channels; received 2"):
        Maxout(2)(values(3, 7))


def test_rrelu_divides_by_the_mean_at_test_time():
    x = values(50, 6)
    assert np.allclose(RReLU(3, 8)(x), np.where(x > 0, x, x / 5.5), atol=1e-7)
    assert np.allclose(RReLU(4, 4)(x, training=True), keras.layers.LeakyReLU(negative_slope=0.25)(x), atol=1e-7)


def test_rrelu_draws_a_divisor_for_every_value_in_training():
    x = -np.ones((400, 250), "float32")
    layer = RReLU(3, 8, seed=1)
    divisors = -1 / np.array(layer(x, training=True))
    assert divisors.min() >= 3
    assert divisors.max() <= 8
    # Uniform on [3, 8]: mean 5.5, standard deviation 5 / sqrt(12); 100,000 draws put both within 0.02.
    assert abs(divisors.mean() - 5.5) < 0.02
    assert abs(divisors.std() - 5 / 12**0.5) < 0.02
    assert not np.allclose(layer(x, training=True), -1 / divisors)  # the next call draws anew
    assert np.array_equal(RReLU(3, 8, seed=1)(x, training=True), -1 / divisors)  # from the seed on, the same again


def test_rrelu_leaves_positive_values_alone():
    x = np.abs(values(20, 5)) + 0.1
    assert np.array_equal(RReLU()(x, training=True), x)


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (0, 8, "`lower` needs a positive divisor; received 0"),
        (-1, 8, "received -1"),
        (float("nan"), 8, "received nan"),
        (8, 3, "at least lower=8; received 3"),
        (3, float("inf"), "received inf"),
    ],
)
def test_rrelu_refuses_a_bad_range(lower, upper, message):
    with pytest.raises(ValueError, match=message):
        RReLU(lower, upper)


def both() -> keras.Model:
    return keras.Sequential(
        [keras.Input((6, 5, 2)), keras.layers.Conv2D(6, 3, name="pieces"), Maxout(3), RReLU(2, 4, seed=3)]
    )


def test_a_saved_model_gives_the_same_outputs(tmp_path):
    model = both()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = values(2, 6, 5, 2)
    assert np.array_equal(model(x), loaded(x))
    for old, new in zip(model.layers, loaded.layers, strict=True):
        assert old.get_config() == new.get_config()


def test_both_train_inside_fit():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(16), Maxout(2), RReLU(seed=0), keras.layers.Dense(1)]
    )
    keras.utils.set_random_seed(0)
    x = values(256, 3)
    y = np.abs(x).sum(axis=1)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * losses[0]


def test_they_cost_no_multiply_adds():
    profile = arithmetic.profile(both())
    assert profile.uncounted == []
    assert profile.macs == 4 * 3 * 3 * 3 * 2 * 6
    assert profile.rows[-1].receptive_field == 3


def test_sixteen_bit_arithmetic_works():
    for layer in (Maxout(2, dtype="mixed_bfloat16"), RReLU(dtype="mixed_bfloat16")):
        assert keras.backend.standardize_dtype(layer(values(2, 4), training=True).dtype) == "bfloat16"
        assert layer.compute_output_shape((None, 4)) == (None, *layer(values(2, 4)).shape[1:])
