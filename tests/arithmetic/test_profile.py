"""`profile` against Keras' parameter counts, TensorFlow's operation counts, and gradients that show what is seen."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers

from cnnlab import arithmetic

OPERATIONS = ("Conv2D", "DepthwiseConv2dNative", "MatMul", "Conv2DBackpropInput")


def tensorflow_macs(model):
    """Half of TensorFlow's own count of floating-point operations in convolutions and matrix products."""
    shape = [1, *model.inputs[0].shape[1:]]
    graph = tf.function(model).get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder(
        tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    ).with_empty_output()
    counts = tf.compat.v1.profiler.profile(graph, cmd="op", options=options.build())
    total, waiting = 0, [counts]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children)
        total += node.float_ops if node.name in OPERATIONS else 0
    return total // 2


def rows_by_name(model, **options):
    return {row.name: row for row in arithmetic.profile(model, **options)}


def test_mobilenet_agrees_with_keras_and_tensorflow():
    model = keras.applications.MobileNet(weights=None)
    profile = arithmetic.profile(model)
    assert profile.params == model.count_params() == 4_253_864
    assert profile.trainable_params == sum(math.prod(weight.shape) for weight in model.trainable_weights) == 4_231_976
    assert profile.macs == tensorflow_macs(model) == 568_740_352
    assert profile.uncounted == []
    assert rows_by_name(model)["conv_pw_13_relu"].receptive_field == 315
    assert [row.output_shape for row in profile] == [layer.output.shape for layer in model.layers]


def test_resnet50_by_the_table():
    model = keras.applications.ResNet50(weights=None)
    profile = arithmetic.profile(model)
    assert profile.params == model.count_params() == 25_636_712
    assert profile.macs == 3_857_973_248
    assert sorted(row.name for row in profile) == sorted(layer.name for layer in model.layers)
    # 483, and 315 for MobileNet: Araujo, Norris and Sim, Distill, 2019. The mean then takes in all 7 x 7 places.
    assert rows_by_name(model)["conv5_block3_out"].receptive_field == 483
    assert rows_by_name(model)["predictions"].receptive_field == 483 + 6 * 32


def test_vgg16_by_the_table():
    profile = arithmetic.profile(keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3)))
    assert profile.params == profile.trainable_params == 14_714_688
    # The table's totals, less the three dense layers.
    assert profile.macs == 15_470_264_320 - 102_760_448 - 16_777_216 - 4_096_000
    assert profile.activations == 15_237_608 - 4_096 - 4_096 - 1_000
    fields = [row.receptive_field for row in profile]
    assert fields == [1, 3, 5, 6, 10, 14, 16, 24, 32, 40, 44, 60, 76, 92, 100, 132, 164, 196, 212]


def test_a_grouped_convolution_costs_its_share():
    model = keras.Sequential([keras.Input((16, 12, 4)), layers.Conv2D(8, 3, padding="same", groups=2)])
    # Keras compiles grouped convolutions apart, where TensorFlow's count does not look.
    assert arithmetic.profile(model).macs == arithmetic.conv_macs((16, 12), 3, 4, 8, groups=2)


def every_kind_of_convolution():
    inputs = keras.Input((16, 16, 4))
    x = layers.Conv2D(8, (1, 5), dilation_rate=2)(inputs)
    x = layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2)(x)
    x = layers.SeparableConv2D(6, 3, depth_multiplier=3, padding="same")(x)
    x = layers.Conv2DTranspose(5, 4, strides=3, padding="same")(x)
    x = layers.Conv2DTranspose(5, 2, strides=3)(x)
    return keras.Model(inputs, layers.Dense(7)(layers.Flatten()(x)))


def test_every_kind_of_convolution_agrees_with_tensorflow():
    model = every_kind_of_convolution()
    profile = arithmetic.profile(model)
    assert profile.macs == tensorflow_macs(model) > 0
    assert profile.params == model.count_params()


def test_rows_of_other_ranks():
    signal = keras.Sequential([keras.Input((50, 3)), layers.Conv1D(4, 5, strides=2, groups=1), layers.Dense(6)])
    conv, dense = arithmetic.profile(signal).rows[1:]
    assert (conv.output_shape, conv.macs, conv.receptive_field) == ((None, 23, 4), 23 * 5 * 3 * 4, 5)
    assert (dense.output_shape, dense.macs, dense.receptive_field) == ((None, 23, 6), 23 * 4 * 6, 5)
    video = keras.Sequential([keras.Input((8, 9, 10, 2)), layers.Conv3D(4, 3), layers.MaxPooling3D(2)])
    conv, pool = arithmetic.profile(video).rows[1:]
    assert (conv.macs, conv.params) == (6 * 7 * 8 * 27 * 2 * 4, 27 * 2 * 4 + 4)
    assert (pool.output_shape, pool.macs, pool.receptive_field) == ((None, 3, 3, 4, 4), 0, 4)
    first = keras.Sequential(
        [keras.Input((3, 12, 10)), layers.Conv2D(5, 3, data_format="channels_first"), layers.Flatten()]
    )
    conv = arithmetic.profile(first).rows[1]
    assert (conv.output_shape, conv.macs, conv.receptive_field) == ((None, 5, 10, 8), 80 * 27 * 5, 3)


def test_a_frozen_layer_and_batch_normalization():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization()])
    _, conv, norm = arithmetic.profile(model)
    assert (conv.params, conv.trainable_params) == (108, 108)
    assert (norm.params, norm.trainable_params, norm.macs) == (16, 8, 0)
    model.layers[0].trainable = False
    profile = arithmetic.profile(model)
    assert (profile.params, profile.trainable_params) == (124, 8)


def test_a_shared_layer_counts_its_parameters_once_and_its_work_each_time():
    shared = layers.Conv2D(2, 3, name="shared")
    first, second = keras.Input((10, 10, 1)), keras.Input((6, 6, 1))
    model = keras.Model([first, second], [shared(first), shared(second)])
    profile = arithmetic.profile(model)
    calls = [row for row in profile if row.name == "shared"]
    assert [row.params for row in calls] == [20, 0]
    assert [row.macs for row in calls] == [64 * 18, 16 * 18]
    assert [row.activations for row in calls] == [128, 32]
    assert profile.params == model.count_params() == 20


def test_nested_models_are_opened():
    block = keras.Sequential(
        [keras.Input((None, None, 4)), layers.Conv2D(4, 3, padding="same"), layers.ReLU()], name="block"
    )
    inputs = keras.Input((12, 12, 4), name="picture")
    inner = keras.Model(inputs, layers.Add(name="add")([block(inputs), inputs]), name="inner")
    outer_inputs = keras.Input((12, 12, 4), name="outer")
    x = layers.MaxPooling2D(2, name="pool")(inner(outer_inputs))
    model = keras.Model(outer_inputs, block(x))
    profile = arithmetic.profile(model)
    conv, relu = (f"block/{layer.name}" for layer in block.layers)
    names = [row.name for row in profile]
    assert names == ["outer", f"inner/{conv}", f"inner/{relu}", "inner/add", "pool", conv, relu]
    assert profile.params == model.count_params()
    assert [row.params for row in profile if row.kind == "Conv2D"] == [148, 0]
    assert [row.macs for row in profile if row.kind == "Conv2D"] == [144 * 144, 36 * 144]
    assert [row.receptive_field for row in profile] == [1, 3, 3, 3, 4, 8, 8]
    assert [row.output_shape for row in profile][-1] == (None, 6, 6, 4)


def test_where_paths_meet_the_widest_field_counts():
    inputs = keras.Input((32, 32, 3))
    narrow, wide = layers.Conv2D(4, 1)(inputs), layers.Conv2D(4, 5, padding="same")(inputs)
    x = layers.Concatenate(name="concat")([narrow, wide])
    x = layers.Conv2D(4, (7, 1), padding="same", name="tall")(x)
    x = layers.Conv2D(4, (1, 7), padding="same", name="broad")(x)
    x = layers.GlobalAveragePooling2D(name="mean", keepdims=True)(x)
    rows = rows_by_name(keras.Model(inputs, layers.Multiply(name="gate")([narrow, x])))
    assert rows["concat"].receptive_field == 5
    assert rows["tall"].receptive_field == (11, 5)
    assert rows["broad"].receptive_field == 11
    assert rows["mean"].receptive_field == rows["gate"].receptive_field == 11 + 31


def test_a_dense_layer_sees_what_all_positions_saw():
    head = [layers.Conv2D(2, 3), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(5), layers.Dense(3)]
    model = keras.Sequential([keras.Input((28, 20, 1)), *head])
    fields = [row.receptive_field for row in arithmetic.profile(model)]
    assert fields == [1, 3, 4, 4, (28, 20), (28, 20)]
    flat = keras.Sequential([keras.Input((28, 28)), layers.Reshape((28, 28, 1)), layers.Conv2D(2, 3), layers.Flatten()])
    assert [row.receptive_field for row in arithmetic.profile(flat)] == [1, 1, 3, 3]
    vector = keras.Sequential([keras.Input((784,)), layers.Reshape((28, 28, 1)), layers.Conv2D(2, 3)])
    assert [row.receptive_field for row in arithmetic.profile(vector)] == [1, 1, 3]
    fully_connected = keras.Sequential([keras.Input((784,)), layers.Dense(10)])
    assert [row.receptive_field for row in arithmetic.profile(fully_connected)] == [1, 784]


windowed = st.tuples(
    st.sampled_from(["conv", "pool", "dilated", "transposed", "nearest"]), st.integers(1, 4), st.integers(1, 3)
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(windowed, min_size=1, max_size=4))
def test_fields_are_what_impulses_show(stack):
    """All weights are positive, so an output is above zero exactly for impulses at the input pixels it sees."""
    inputs = x = keras.Input((60, 1))
    for kind, size, step in stack:
        ones = {"kernel_initializer": "ones", "padding": "same"}
        if kind == "conv":
            x = layers.Conv1D(1, size, strides=step, **ones)(x)
        elif kind == "dilated":
            x = layers.Conv1D(1, size, dilation_rate=step, **ones)(x)
        elif kind == "pool":
            x = layers.AveragePooling1D(size, strides=step, padding="same")(x)
        elif kind == "transposed":
            x = layers.Conv1DTranspose(1, size, strides=step, **ones)(x)
        else:
            x = layers.UpSampling1D(step)(x)
    model = keras.Model(inputs, x)
    field = arithmetic.profile(model).rows[-1].receptive_field
    assume(field <= 25)  # in the middle, no field is cut by the border
    seen = model(np.eye(60, dtype="float32")[:, :, None]).numpy()[:, :, 0].T > 0
    lengths = [np.flatnonzero(row)[-1] - np.flatnonzero(row)[0] + 1 for row in seen if row.any()]
    enlarged = [kind in ("transposed", "nearest") for kind, _, step in stack if step > 1 and kind != "dilated"]
    if True in enlarged and not all(enlarged[enlarged.index(True) :]):
        assert max(lengths) <= field  # a stride after an enlargement may skip the best places: the field is a bound
    else:
        assert max(lengths) == field


def test_smooth_upsampling():
    model = keras.Sequential([keras.Input((20, 20, 1)), layers.UpSampling2D(2, interpolation="bilinear")])
    image = tf.Variable(np.ones((1, 20, 20, 1), "float32"))
    with tf.GradientTape() as tape:
        pixel = model(image)[0, 21, 21, 0]
    reached = np.flatnonzero(tape.gradient(pixel, image).numpy()[0, :, :, 0].any(axis=1))
    assert arithmetic.profile(model).rows[-1].receptive_field == len(reached) == 2


class Mystery(layers.Layer):
    """A layer nobody has heard of, with weights."""

    def build(self, input_shape):
        self.mixing = self.add_weight(shape=(input_shape[-1], 3))

    def call(self, inputs):
        return inputs @ self.mixing

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)


class Known(Mystery):
    """The same, but it says what it costs."""

    kernel_size = 3

    def multiply_adds(self, output_shape):
        return math.prod(output_shape[1:]) * self.mixing.shape[0]


class Conv2D(layers.Conv2D):
    """Only its name is Keras': what it does is its own business."""


def test_an_unknown_layer_is_listed_and_its_parameters_count():
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    x = Conv2D(4, 1, name="impostor")(Mystery(name="mystery")(x))
    x = layers.Dense(2, name="last")(keras.ops.relu(x) + 1)
    model = keras.Model(inputs, keras.ops.cumsum(x, axis=1))
    profile = arithmetic.profile(model)
    rows = rows_by_name(model)
    assert profile.uncounted[:2] == ["mystery", "impostor"]
    assert len(profile.uncounted) == 3  # and the cumulative sum
    assert (rows["mystery"].macs, rows["mystery"].params, rows["mystery"].receptive_field) == (0, 12, None)
    assert rows["last"].macs == 36 * 8
    assert rows["last"].receptive_field is None
    assert profile.params == model.count_params()
    assert profile.open_sizes == []
    last = str(profile).splitlines()[-1]
    assert last.startswith("A lower bound: layers that are not known are not counted (mystery, impostor, ")
    assert "`multiply_adds(output_shape)`" in last
    assert f"≥ {profile.macs:,}" in str(profile)


def test_a_layer_of_your_own_can_say_what_it_costs():
    inputs = keras.Input((8, 8, 2))
    profile = arithmetic.profile(keras.Model(inputs, Known(name="known")(inputs)))
    assert profile.uncounted == []
    assert profile.macs == 8 * 8 * 3 * 2
    assert profile.rows[-1].receptive_field == 3


def test_open_sizes_are_filled_in_or_listed():
    inputs = keras.Input((None, None, 3), name="open")
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.Dense(5, name="dense")(layers.GlobalAveragePooling2D(name="mean")(x)))
    profile = arithmetic.profile(model)
    assert profile.params == model.count_params()
    assert profile.uncounted == profile.open_sizes == ["open", "conv", "mean"]
    assert profile.macs == 4 * 5
    assert str(profile).splitlines()[-2].split() == ["total", "137", "≥", "20", "≥", "9"]
    assert str(profile).splitlines()[-1] == (
        "A lower bound: layers of open size are not counted (open, conv, mean); `input_shape=(224, 224, 3)`, or what "
        "your images have, closes them."
    )
    rows = rows_by_name(model, input_shape=(12, 10, 3))
    assert rows["conv"].output_shape == (None, 10, 8, 4)
    assert rows["conv"].macs == 80 * 27 * 4
    assert rows["dense"].receptive_field == (12, 10)
    assert arithmetic.profile(model, input_shape=[12, 10, 3]).uncounted == []
    for wrong in ((12, 10), (12, 10, 4), (12, 0, 3), (12, 10.0, 3)):
        with pytest.raises(ValueError, match="`input_shape`"):
            arithmetic.profile(model, input_shape=wrong)


def test_a_long_list_of_open_sizes_is_cut():
    model = keras.applications.MobileNetV3Large(weights=None)  # its sizes are open unless they are given
    profile = arithmetic.profile(model)
    assert len(profile.open_sizes) > 100
    assert profile.macs < arithmetic.profile(model, input_shape=(224, 224, 3)).macs == 216_589_760
    assert all(len(line) < 200 for line in str(profile).splitlines()[-2:])
    assert f"and {len(profile.open_sizes) - 4} more" in str(profile).splitlines()[-1]


def test_views_write_nothing():
    views = [layers.Dropout(0.5), layers.Flatten(), layers.Reshape((4, 4, 2)), layers.GaussianNoise(1.0)]
    model = keras.Sequential([keras.Input((4, 4, 2)), layers.ReLU(), *views])
    assert [row.activations for row in arithmetic.profile(model)] == [32, 32, 0, 0, 0, 0]


def test_the_table_and_the_dictionary_say_the_same():
    model = keras.Sequential(
        [keras.Input((28, 28, 1), name="image"), layers.Conv2D(6, 5, name="c1"), layers.BatchNormalization(name="norm")]
    )
    profile = arithmetic.profile(model)
    assert str(profile) == "\n".join(
        [
            "layer  kind                output   parameters  multiply-adds  activations  field",
            "---------------------------------------------------------------------------------",
            "image  InputLayer          28×28×1           0              0          784      1",
            "c1     Conv2D              24×24×6         156         86,400        3,456      5",
            "norm   BatchNormalization  24×24×6          24              0        3,456      5",
            "---------------------------------------------------------------------------------",
            "total                                      180         86,400        7,696",
            "Trainable parameters: 168",
        ]
    )
    values = json.loads(json.dumps(profile.to_dict()))
    assert (values["params"], values["trainable_params"], values["macs"], values["activations"]) == (
        180,
        168,
        86_400,
        7_696,
    )
    assert [row["name"] for row in values["rows"]] == ["image", "c1", "norm"]
    assert values["rows"][1]["output_shape"] == [None, 24, 24, 6]
    assert values["uncounted"] == values["open_sizes"] == []
    assert len(profile) == 3


@pytest.mark.parametrize("model", [None, "vgg16", 3, layers.Dense(3), keras.Sequential([layers.Dense(3)]), keras.Model])
def test_what_is_no_built_model_is_refused(model):
    with pytest.raises(ValueError, match=r"`model` needs a functional or Sequential Keras model"):
        arithmetic.profile(model)


def test_several_outputs_of_one_layer():
    sequence, state = layers.GRU(4, return_sequences=True, return_state=True, name="gru")(inputs := keras.Input((5, 3)))
    profile = arithmetic.profile(keras.Model(inputs, [sequence, state]))
    assert profile.rows[1].output_shape == ((None, 5, 4), (None, 4))
    assert profile.rows[1].activations == 24
    assert profile.uncounted == ["gru"]
    assert "5×4, 4" in str(profile)
