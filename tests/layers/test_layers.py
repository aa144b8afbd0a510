"""The layers Keras lacks, against Keras' own convolution, pooling and NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnlab import layers as course_layers
from cnnlab.models.lenet import C3_TABLE


def images(height: int, width: int, channels: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, height, width, channels)).astype("float32")


def test_scaled_tanh_maps_the_targets_to_themselves():
    assert np.allclose(course_layers.scaled_tanh(np.array([-1.0, 0.0, 1.0])), [-1, 0, 1], atol=1e-4)


@pytest.mark.parametrize(("table", "parameters"), [(C3_TABLE, 1516), ([range(6)] * 16, 2416), ([[2], [0, 1]], 77)])
def test_connection_table_stores_only_the_connections(table, parameters):
    layer = course_layers.ConnectionTableConv2D(table, 5)
    assert layer(images(14, 14, 6)).shape == (2, 10, 10, len(table))
    assert layer.count_params() == parameters


def test_connection_table_is_a_masked_convolution():
    layer = course_layers.ConnectionTableConv2D(C3_TABLE, 5)
    x = images(14, 14, 6)
    outputs = layer(x)
    mask = np.zeros((6, 16), "float32")
    for target, sources in enumerate(C3_TABLE):
        mask[list(sources), target] = 1
    plain = keras.layers.Conv2D(16, 5)
    plain.build(x.shape)
    kernel = np.array(layer.masked_kernel())
    assert np.all((kernel != 0) == (mask > 0))
    plain.set_weights([kernel * mask, layer.bias])
    assert np.allclose(outputs, plain(x), atol=1e-5)


def test_a_map_outside_the_table_has_no_influence():
    layer = course_layers.ConnectionTableConv2D([[0, 1], [1, 2]], 3, activation="relu")
    x = images(8, 8, 3)
    before = np.array(layer(x))
    x[..., 2] += 1
    after = np.array(layer(x))
    assert np.array_equal(before[..., 0], after[..., 0])
    assert not np.allclose(before[..., 1], after[..., 1])


def test_connections_are_numbered_as_documented():
    layer = course_layers.ConnectionTableConv2D([[1], [2, 0]], 1)
    layer.build((None, 4, 4, 3))
    layer.kernel.assign([[[10, 20, 30]]])
    assert np.array_equal(np.array(layer.masked_kernel())[0, 0], [[0, 30], [10, 0], [0, 20]])


@pytest.mark.parametrize(
    ("table", "kernel_size", "message"),
    [
        ([], 5, "at least one output map"),
        ([[0], []], 5, r"received \[\] for output map 1"),
        ([[0, 0]], 5, r"received \[0, 0\] for output map 0"),
        ([[-1]], 5, r"received \[-1\]"),
        ([[0]], 0, "received 0"),
        ([[0]], 2.5, "received 2.5"),
    ],
)
def test_a_bad_table_is_refused(table, kernel_size, message):
    with pytest.raises(ValueError, match=message):
        course_layers.ConnectionTableConv2D(table, kernel_size)


def test_a_table_that_names_a_missing_map_is_refused():
    with pytest.raises(ValueError, match="names input map 6; the input has maps 0 to 5"):
        course_layers.ConnectionTableConv2D([[6]], 5)(images(14, 14, 6))


def test_pooling_starts_as_average_pooling():
    x = images(7, 10, 3)
    assert np.allclose(course_layers.TrainablePooling2D(2)(x), keras.layers.AveragePooling2D(2)(x), atol=1e-6)


def test_pooling_scales_and_shifts_each_map():
    layer = course_layers.TrainablePooling2D(2, activation="relu")
    x = images(4, 4, 2)
    layer.build(x.shape)
    layer.set_weights([np.array([2.0, -1.0]), np.array([0.5, 0.0])])
    means = x.reshape(2, 2, 2, 2, 2, 2).mean(axis=(2, 4))
    assert np.allclose(layer(x), np.maximum(means * [2, -1] + [0.5, 0], 0), atol=1e-6)
    assert layer.count_params() == 4


@pytest.mark.parametrize("pool_size", [0, 1.5, "2"])
def test_a_bad_pool_size_is_refused(pool_size):
    with pytest.raises(ValueError, match="pool_size"):
        course_layers.TrainablePooling2D(pool_size)


def test_rbf_output_is_minus_the_squared_distance():
    codes = np.array([[1, 1, -1], [-1, 1, 1]])
    layer = course_layers.RBFOutput(codes)
    outputs = np.array(layer(np.array([[1.0, 1.0, -1.0], [0.0, 0.0, 0.0]], "float32")))
    assert np.array_equal(outputs, [[0, -8], [-3, -3]])
    assert layer.trainable_weights == []
    assert layer.count_params() == 6


def test_rbf_output_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"\(classes, length\)"):
        course_layers.RBFOutput([1.0, 2.0])
    with pytest.raises(ValueError, match="needs 2 values, a code's length; it has 3"):
        course_layers.RBFOutput([[1.0, 2.0]])(np.zeros((1, 3), "float32"))


@pytest.mark.parametrize("settings", [{}, {"radius": 1, "bias": 1.0, "alpha": 0.5, "beta": 0.5}, {"radius": 9}])
def test_response_normalization_is_that_of_tensorflow(settings):
    layer = course_layers.LocalResponseNormalization(**settings)
    x = 10 * images(5, 4, 7)
    expected = tf.nn.local_response_normalization(x, layer.radius, layer.bias, layer.alpha, layer.beta)
    assert np.allclose(layer(x), expected, rtol=1e-5)
    assert layer.count_params() == 0


def test_response_normalization_by_hand():
    layer = course_layers.LocalResponseNormalization(radius=1, bias=1.0, alpha=1.0, beta=1.0)
    # Squares 1, 4, 9; with their neighbors 5, 14, 13.
    assert np.allclose(layer(np.array([[[[1.0, 2.0, 3.0]]]])), [[[[1 / 6, 2 / 15, 3 / 14]]]])


@pytest.mark.parametrize("radius", [0, -1, 2.5, "5"])
def test_a_bad_radius_is_refused(radius):
    with pytest.raises(ValueError, match="`radius` needs a positive integer; received"):
        course_layers.LocalResponseNormalization(radius=radius)


LAYERS = {
    "connection table": (lambda: course_layers.ConnectionTableConv2D([[0], [0, 2]], 3, activation="tanh"), (8, 9, 3)),
    "pooling": (lambda: course_layers.TrainablePooling2D(3, activation=course_layers.scaled_tanh), (9, 7, 3)),
    "response normalization": (lambda: course_layers.LocalResponseNormalization(1, beta=0.5), (4, 3, 6)),
    "rbf": (lambda: course_layers.RBFOutput(np.eye(4)), (4,)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_saved_model_gives_the_same_outputs(name, tmp_path):
    make, shape = LAYERS[name]
    model = keras.Sequential([keras.Input(shape), make()])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype("float32")
    assert np.array_equal(model(x), loaded(x))
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()


@pytest.mark.parametrize("name", LAYERS)
def test_the_declared_shape_is_the_real_one(name):
    make, shape = LAYERS[name]
    layer = make()
    assert layer.compute_output_shape((2, *shape)) == layer(np.zeros((2, *shape), "float32")).shape


@pytest.mark.parametrize("name", LAYERS)
def test_sixteen_bit_arithmetic_works(name):
    make, shape = LAYERS[name]
    config = make().get_config() | {"dtype": "mixed_bfloat16"}
    layer = type(make()).from_config(config)
    assert keras.backend.standardize_dtype(layer(np.zeros((2, *shape), "float32")).dtype) == "bfloat16"


@pytest.mark.parametrize("name", ["connection table", "pooling"])
def test_images_of_any_size_are_accepted(name):
    make, _ = LAYERS[name]
    model = keras.Sequential([keras.Input((None, None, 3)), make()])
    assert model.output_shape[1:3] == (None, None)
    assert model(np.zeros((1, 12, 15, 3), "float32")).shape[1:3] == ((10, 13) if name == "connection table" else (4, 5))
