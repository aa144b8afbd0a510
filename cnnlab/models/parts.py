"""What the architectures for photographs share: what they refuse, and the layers that all of them repeat."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers

FORMS = ("imagenet", "cifar")
REGULARIZERS = ("none", "batch_norm", "dropout")
SMALL_SIDE = 96  # pixels; a smaller image gets the form for CIFAR unless the caller says otherwise


def choose_form(form: str | None, input_shape: tuple[int, int, int], imagenet: int, cifar: int) -> str:
    """Which of an architecture's two forms is meant; refuses what is too small for it.

    Args:
        form: "imagenet", "cifar", or None for the form that suits the size: "cifar" below 96 pixels.
        input_shape: (height, width, channels).
        imagenet, cifar: smallest side in pixels that each form takes.

    Returns:
        "imagenet" or "cifar".

    Raises:
        ValueError: an unknown form, or a side below the smallest; the message gives it.
    """
    if form not in (None, *FORMS):
        raise ValueError(f"`form` needs one of {FORMS} or None; received {form!r}.")
    chosen = form or ("cifar" if min(input_shape[:2]) < SMALL_SIDE else "imagenet")
    refuse_small(input_shape, {"imagenet": imagenet, "cifar": cifar}[chosen], f"in the form {chosen!r} of")
    return chosen


def refuse_small(input_shape: tuple, smallest: int, where: str = "for") -> None:
    """Refuse a side below `smallest` pixels; a side that is None, which takes any, passes.

    Raises:
        ValueError: a side is too small.
    """
    if any(side is not None and side < smallest for side in input_shape[:2]):
        raise ValueError(
            f"`input_shape` needs sides of at least {smallest} pixels {where} this network; "
            f"received {tuple(input_shape)}."
        )


def choose_regularizer(regularizer: str | None) -> str | None:
    """`regularizer`, if it is one of `REGULARIZERS` or None.

    Raises:
        ValueError: any other.
    """
    if regularizer not in (None, *REGULARIZERS):
        raise ValueError(f"`regularizer` needs one of {REGULARIZERS} or None; received {regularizer!r}.")
    return regularizer


def widened(channels: int, width: float) -> int:
    """`channels` times `width`, rounded.

    Raises:
        ValueError: `width` is not a positive number, or leaves the layer empty.
    """
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width < math.inf:
        raise ValueError(f"`width` needs a positive number; received {width!r}.")
    if round(channels * width) < 1:
        raise ValueError(
            f"`width` needs to be above {0.5 / channels:g}, or a layer of {channels} channels becomes empty; "
            f"received {width}."
        )
    return round(channels * width)


def begin(input_shape: tuple[int, int, int]):
    """The input, pixels from 0 to 255, and the same from -1 to 1."""
    inputs = keras.Input(input_shape, name="image")
    return inputs, layers.Rescaling(1 / 127.5, offset=-1, name="scale")(inputs)


def classify(x, classes: int, activation: str | None, name: str = "logits"):
    """The last layer: one score a class, or what `activation` makes of the scores; in full precision always."""
    return layers.Dense(classes, activation=activation, dtype="float32", name=name)(x)


def conv_relu(x, channels: int, kernel_size, name: str, strides: int = 1, padding: str = "same", groups: int = 1):
    """Convolution with bias, and ReLU.

    The initial weights have the variance that He et al., 2015, propose: deep stacks without batch norm need it.
    """
    options = {"strides": strides, "padding": padding, "groups": groups, "name": name}
    return layers.Conv2D(channels, kernel_size, activation="relu", kernel_initializer="he_uniform", **options)(x)


def conv_unit(
    x, channels: int, kernel_size, name: str, strides: int = 1, padding: str = "same", normalized: bool = True
):
    """`conv_bn_relu`, or `conv_relu` where nothing is normalized."""
    kind = conv_bn_relu if normalized else conv_relu
    return kind(x, channels, kernel_size, name, strides, padding)


def conv_bn_relu(x, channels: int, kernel_size, name: str, strides: int = 1, padding: str = "same"):
    """Convolution without bias, which the shift of the batch norm behind it replaces; batch norm; ReLU."""
    x = conv(x, channels, kernel_size, name, strides, padding)
    return bn_relu(x, name)


def conv(x, channels: int, kernel_size, name: str, strides: int = 1, padding: str = "same", bias: bool = False):
    """Convolution; without bias unless asked for."""
    options = {"strides": strides, "padding": padding, "use_bias": bias, "name": name}
    return layers.Conv2D(channels, kernel_size, kernel_initializer="he_uniform", **options)(x)


def batch_norm(x, name: str):
    """Batch norm. Its averages forget faster than by Keras' default, so that they suit short trainings too."""
    shared = tf.distribute.get_strategy().num_replicas_in_sync > 1  # a batch whose statistics several devices pool
    return layers.BatchNormalization(momentum=0.9, synchronized=shared, name=f"{name}_bn")(x)


def bn_relu(x, name: str):
    """Batch norm and ReLU."""
    return layers.ReLU(name=f"{name}_relu")(batch_norm(x, name))


def dense_relu(x, units: int, name: str, dropout: float = 0.5):
    """Fully connected layer with ReLU; training leaves a share `dropout` of its outputs out."""
    return layers.Dropout(dropout, name=f"{name}_dropout")(dense_unit(x, units, name, normalized=False))


def dense_unit(x, units: int, name: str, normalized: bool):
    """Fully connected layer and ReLU, with batch norm between them in place of the biases if `normalized`."""
    activation = None if normalized else "relu"
    options = {"use_bias": not normalized, "kernel_initializer": "he_uniform", "name": name}
    x = layers.Dense(units, activation=activation, **options)(x)
    return bn_relu(x, name) if normalized else x


@keras.saving.register_keras_serializable(package="cnnlab")
class Identity(keras.initializers.Initializer):
    """Kernels that pass their input map on, for as many maps as there are, and random ones for the rest.

    Source: Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, section 3.3.
    """

    def __call__(self, shape, dtype=None):
        kernel = np.array(keras.initializers.HeUniform()(shape))
        middle = np.eye(*shape[2:])
        passing = middle.any(axis=0)
        kernel[..., passing] = 0
        kernel[shape[0] // 2, shape[1] // 2][:, passing] = middle[:, passing]
        return keras.ops.cast(kernel, dtype or keras.config.floatx())
