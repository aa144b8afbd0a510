"""`profile` on every model of keras.applications, against Keras' parameters and TensorFlow's own count of operations.

The models are built as blueprints, without values in their weights. TensorFlow counts each convolution and dense layer
on its own, in a graph made for it: of whole models it loses the layers behind a grouped convolution.
"""

import inspect
import math
from functools import cache

import keras
import pytest
import tensorflow as tf

from cnnlab import arithmetic, models

NAMES = [name for name, _ in inspect.getmembers(keras.applications, inspect.isfunction)]
# Parameters in total, frozen ones included, as published with the models (fact D24 of chapter 05).
KNOWN = {
    "VGG16": 138_357_544,
    "VGG19": 143_667_240,
    "ResNet50": 25_636_712,
    "ResNet101": 44_707_176,
    "ResNet152": 60_419_944,
    "InceptionV3": 23_851_784,
    "InceptionResNetV2": 55_873_736,
    "DenseNet121": 8_062_504,
    "DenseNet169": 14_307_880,
    "DenseNet201": 20_242_984,
    "MobileNet": 4_253_864,
}


@cache
def tensorflow_macs(kind, input_shape, kernel_shape, strides, padding, dilation) -> int:
    """Half of the floating-point operations that TensorFlow's profiler finds in one operation."""
    with tf.Graph().as_default() as graph:
        values = tf.compat.v1.placeholder(tf.float32, (1, *input_shape))
        kernel = tf.compat.v1.placeholder(tf.float32, kernel_shape)
        if kind == "Dense":
            tf.matmul(tf.reshape(values, (-1, input_shape[-1])), kernel)
        elif kind == "DepthwiseConv2D":
            tf.nn.depthwise_conv2d(values, kernel, (1, *strides, 1), padding.upper(), dilations=dilation)
        else:
            tf.nn.conv2d(values, kernel, strides, padding.upper(), dilations=dilation)
    settings = tf.compat.v1.profiler.ProfileOptionBuilder(
        tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    ).with_empty_output()
    return tf.compat.v1.profiler.profile(graph, cmd="op", options=settings.build()).total_float_ops // 2


def counted_by_tensorflow(layer) -> int:
    """TensorFlow's count for a layer of Keras; a grouped convolution is counted group by group."""
    kind, shape = type(layer).__name__, tuple(layer.input.shape[1:])
    if kind == "Dense":
        return tensorflow_macs(kind, shape, tuple(layer.kernel.shape), None, None, None)
    how = (tuple(layer.strides), layer.padding, tuple(layer.dilation_rate))
    if kind == "SeparableConv2D":
        depthwise = tensorflow_macs("DepthwiseConv2D", shape, tuple(layer.depthwise_kernel.shape), *how)
        between = (*layer.output.shape[1:-1], layer.pointwise_kernel.shape[2])
        return depthwise + tensorflow_macs(
            "Conv2D", between, tuple(layer.pointwise_kernel.shape), (1, 1), "same", (1, 1)
        )
    groups = getattr(layer, "groups", 1)
    kernel = tuple(layer.kernel.shape)
    if kind == "Conv2D":
        shape, kernel = (*shape[:2], shape[2] // groups), (*kernel[:3], kernel[3] // groups)
    return groups * tensorflow_macs(kind, shape, kernel, *how)


def leaves(model) -> list:
    """All layers, those of nested models in place of the models."""
    return [leaf for layer in model.layers for leaf in (leaves(layer) if hasattr(layer, "layers") else [layer])]


@pytest.mark.parametrize("name", NAMES)
def test_every_model_agrees(name):
    with models.blueprints():
        model = getattr(keras.applications, name)(weights=None, **_fixed_size(name))
    profile = arithmetic.profile(model)
    assert profile.params == model.count_params() == KNOWN.get(name, profile.params)
    assert profile.trainable_params == sum(math.prod(weight.shape) for weight in model.trainable_weights)
    counted = {layer.name: counted_by_tensorflow(layer) for layer in leaves(model) if _multiplies(layer)}
    assert {row.name.split("/")[-1]: row.macs for row in profile if row.macs} == counted
    assert profile.macs == sum(counted.values()) > 0
    # What is not counted are layers of the models' own, which scale maps by numbers: one multiplication a value.
    assert {row.kind for row in profile if row.name in profile.uncounted} <= {"LayerScale", "CustomScaleLayer"}


def _fixed_size(name: str) -> dict:
    """MobileNetV3 leaves the size of its input open."""
    return {"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}


def _multiplies(layer) -> bool:
    return type(layer).__name__ in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Dense")


def test_the_list_is_that_of_keras():
    assert len(NAMES) >= 38
    assert set(KNOWN) <= set(NAMES)


@pytest.mark.parametrize(("name", "expected"), [("VGG16", 14_714_688), ("VGG19", 20_024_384)])
def test_without_the_dense_layers(name, expected):
    with models.blueprints():
        model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
    assert arithmetic.profile(model).params == expected


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
def test_a_grouped_convolution_counts_like_its_groups(groups):
    convolution = keras.layers.Conv2D(16, 3, strides=2, padding="same", groups=groups)
    model = keras.Sequential([keras.Input((15, 14, 8)), convolution])
    profile = arithmetic.profile(model)
    assert profile.macs == counted_by_tensorflow(convolution)
    assert profile.macs == arithmetic.conv_macs((8, 7), 3, 8, 16, groups=groups)
    assert profile.params == model.count_params() == arithmetic.conv_params(3, 8, 16, groups=groups)
