"""Exercises of chapter 08 whose right answers are properties of networks: what unrolls, and what can be trained."""

import keras
import pytest
import tensorflow as tf
from keras import layers

from cnnlab import exercises
from cnnlab.exercises import chapter08
from cnnlab.models.resnet import residual_unit

UNITS = {  # what goes around, the branch, what is done with their sum
    "U1": (lambda x: x, lambda f, x: 3 * f(tf.nn.relu(x)) + 1, lambda y: y),
    "U2": (tf.nn.relu, lambda f, x: f(tf.nn.relu(x)), lambda y: y),
    "U3": (lambda x: x, lambda f, x: tf.nn.relu(f(x)), lambda y: y),
    "U4": (lambda x: x, lambda f, x: f(x), tf.nn.relu),
    "U5": (lambda x: x, lambda f, x: f(x), lambda y: y / 2),
    "U6": (lambda x: x, lambda f, x: 0.1 * f(tf.nn.relu(f(x))), lambda y: y),
}


@pytest.mark.parametrize("name", UNITS)
def test_the_units_that_unroll_are_those_of_the_answer(name):
    around, branch, after = UNITS[name]
    keras.utils.set_random_seed(0)
    x = first = keras.random.normal((2, 6, 6, 3))
    outputs = []
    for _ in range(3):
        convolution = layers.Conv2D(3, 3, padding="same")
        outputs.append(branch(convolution, x))
        x = after(around(x) + outputs[-1])
    unrolls = float(tf.reduce_max(tf.abs(x - first - sum(outputs)))) < 1e-4
    assert unrolls == (name in chapter08.UNROLLING_UNITS)


def test_the_unit_asked_for_is_the_one_that_the_course_builds():
    def answer(x, channels, stride):
        convolutions = [(channels, 3), (channels, 3)]
        same = stride == 1 and x.shape[-1] == channels
        unit = residual_unit(x, convolutions, [stride, 1], "zeros", "unit", order="full_preactivation")
        if same:
            return unit
        add = unit._keras_history.operation
        return layers.Add()([layers.Conv2D(channels, 1, stride, use_bias=False)(x), add.input[1]])

    assert chapter08._check_preactivation(answer) is None


def test_a_unit_with_activations_and_a_plus_sign_is_judged_by_what_it_computes():
    source = exercises.find("08.1").solution
    other = source.replace("layers.ReLU()", 'layers.Activation("relu")').replace("layers.Add()([x, y])", "x + y")
    assert other != source
    assert exercises.check("08.1", exercises._answer_of(other))


def test_convolutions_in_a_row_are_those_of_the_longest_way():
    inputs = x = keras.Input((8, 8, 3))
    for _ in range(4):
        x = layers.Add()([x, layers.Conv2D(3, 3, padding="same")(x)])
    beside = layers.Conv2D(3, 3, padding="same")(inputs)
    assert chapter08._convolutions_in_a_row(keras.Model(inputs, layers.Add()([x, beside]))) == 4
    stack = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3), layers.ReLU(), layers.Conv2D(3, 3)])
    assert chapter08._convolutions_in_a_row(stack._functional) == 2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_target_of_the_training_is_reached_with_any_seed(seed):
    keras.utils.set_random_seed(seed)
    assert exercises.check("08.9", exercises._answer_of(exercises.find("08.9").solution))
