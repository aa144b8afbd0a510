"""GoogLeNet (Inception v1) and its successor with batch norm (Inception v2)."""

import functools
from collections.abc import Callable

import keras
from keras import layers

from cnnlab.layers import LocalResponseNormalization
from cnnlab.models.parts import (
    begin,
    choose_form,
    choose_regularizer,
    classify,
    conv_relu,
    conv_unit,
    dense_relu,
    widened,
)

# Of each module: channels of the 1x1 path, the 3x3 path, the 5x5 path and behind the pool. Table 1 of the paper.
GOOGLENET = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}
# Of each module: channels of the 1x1 path, the 3x3 path, the path of two 3x3, and behind the pool; 0 for no such path,
# and then the module makes a step of 2. Figure 5 of the paper, with the 4c and 4d of the authors' released network.
INCEPTION_V2 = {
    "3a": (64, (64, 64), (64, 96), 32),
    "3b": (64, (64, 96), (64, 96), 64),
    "3c": (0, (128, 160), (64, 96), 0),
    "4a": (224, (64, 96), (96, 128), 128),
    "4b": (192, (96, 128), (96, 128), 128),
    "4c": (160, (128, 160), (128, 160), 128),
    "4d": (96, (128, 192), (160, 192), 128),
    "4e": (0, (128, 192), (192, 256), 0),
    "5a": (352, (192, 320), (160, 224), 128),
    "5b": (352, (192, 320), (192, 224), 128),
}


def googlenet(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    auxiliary: bool = False,
    width: float = 1.0,
    form: str | None = None,
    activation: str | None = None,
    name: str = "googlenet",
) -> keras.Model:
    """GoogLeNet: 6,998,552 parameters for 1000 classes, 13,378,280 with the auxiliary heads.

    Maps of the published form: 112 x 112 x 64, 56 x 56 x 192, modules 3a-3b at 28, 4a-4e at 14, 5a-5b at 7 pixels with
    1024 channels at the end, whose means one dense layer reads. The form for CIFAR starts with one 3 x 3 convolution of
    192 kernels and pools twice: 32, 16 and 8 pixels. What differs from the paper: the initial values.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or 4 in the form for CIFAR, and
            with auxiliary heads 65, or 9.
        classes: number of classes.
        auxiliary: whether the two heads behind 4a and 4d, which help the training only, are outputs too: the model then
            returns [logits, logits behind 4a, logits behind 4d], of which the paper weighs the latter by 0.3.
        width: factor on the channels of all layers but the last.
        form: "imagenet" or "cifar"; None chooses by the size.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an input that is too small, or a width that leaves a layer empty.

    Source: Szegedy et al., "Going deeper with convolutions", 2015, table 1 and section 5.
    """
    # The heads pool 5 x 5 windows from maps of a 16th of the side, or of half of it.
    form = choose_form(form, input_shape, *((65, 9) if auxiliary else (32, 4)))
    inputs, x = begin(input_shape)
    if form == "imagenet":
        x = conv_relu(x, widened(64, width), 7, "conv1", strides=2)
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
        x = LocalResponseNormalization(name="norm1")(x)
        x = conv_relu(x, widened(64, width), 1, "conv2_reduce")
        x = conv_relu(x, widened(192, width), 3, "conv2")
        x = LocalResponseNormalization(name="norm2")(x)
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)
    else:
        x = conv_relu(x, widened(192, width), 3, "conv1")
    heads = []
    for module, channels in GOOGLENET.items():
        if module in ("4a", "5a"):
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"pool{int(module[0]) - 1}")(x)
        x = inception(x, *_wide(channels, width), name=module)
        if auxiliary and module in ("4a", "4d"):
            heads.append(_auxiliary_head(x, classes, width, activation, f"auxiliary{len(heads) + 1}"))
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dropout(0.4, name="dropout")(x)
    outputs = classify(x, classes, activation)
    return keras.Model(inputs, [outputs, *heads] if auxiliary else outputs, name=name)


def inception(x, one: int, three: tuple[int, int], five: tuple[int, int], pool: int, name: str):
    """The Inception module: four paths side by side, each on all channels, joined along the channels.

    Args:
        x: (batch, H, W, C).
        one: kernels of the 1 x 1 path.
        three, five: kernels of the 1 x 1 and of the 3 x 3 or 5 x 5 convolution behind it.
        pool: kernels of the 1 x 1 convolution behind the 3 x 3 max pool.
        name: prefix of the layers' names.

    Returns:
        (batch, H, W, one + three[1] + five[1] + pool).

    Source: Szegedy et al., "Going deeper with convolutions", 2015, figure 2 (b).
    """
    path1 = conv_relu(x, one, 1, f"{name}_1x1")
    path2 = conv_relu(conv_relu(x, three[0], 1, f"{name}_3x3_reduce"), three[1], 3, f"{name}_3x3")
    path3 = conv_relu(conv_relu(x, five[0], 1, f"{name}_5x5_reduce"), five[1], 5, f"{name}_5x5")
    path4 = conv_relu(layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x), pool, 1, f"{name}_pool_proj")
    return layers.Concatenate(name=f"{name}_concat")([path1, path2, path3, path4])


def _wide(channels: int | tuple, width: float) -> int | tuple:
    """`widened` for each number of a module; 0, which stands for a missing path, stays."""
    if isinstance(channels, tuple):
        return tuple(_wide(count, width) for count in channels)
    return channels and widened(channels, width)


def _auxiliary_head(x, classes: int, width: float, activation: str | None, name: str):
    """A small classifier on maps from the middle of the network, which brings them a gradient of their own."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = conv_relu(x, widened(128, width), 1, f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = dense_relu(x, widened(1024, width), f"{name}_fc", dropout=0.7)
    return classify(x, classes, activation, name=name)


def inceptionv2(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    width: float = 1.0,
    form: str | None = None,
    regularizer: str | None = None,
    stem_stride: int = 1,
    activation: str | None = None,
    name: str = "inceptionv2",
) -> keras.Model:
    """Inception with batch norm (BN-Inception): 11,285,224 trainable parameters for 1000 classes.

    Against GoogLeNet: batch norm behind every convolution in place of response normalization, two 3 x 3 convolutions
    for each 5 x 5, mean pools within the modules, and modules 3c and 4e that halve the maps in place of two pools.
    Modules at 28 (3a-3c), 14 (4a-4e) and 7 pixels (5a, 5b). The form for CIFAR starts with one 3 x 3 convolution of 192
    kernels: modules at 32, 16 and 8 pixels. What differs from the paper: the first convolution is not separable and
    there are no auxiliary heads, as in the network its authors released for Caffe, which has biases besides.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or 4 in the form for CIFAR.
        classes: number of classes.
        width: factor on the channels of all layers but the last.
        form: "imagenet" or "cifar"; None chooses by the size.
        regularizer: None as published, which is "batch_norm"; "none" has biases in place of the batch norms; "dropout"
            is "none" with dropout of 0.5 in front of the last layer.
        stem_stride: step of the first convolution in the form for CIFAR; 2 quarters the work.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an unknown regularizer, an input that is too small, or a width that leaves a layer empty.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
        shift", 2015, appendix, figure 5.
    """
    form = choose_form(form, input_shape, imagenet=32, cifar=4 * stem_stride)
    unit = functools.partial(conv_unit, normalized=choose_regularizer(regularizer) in (None, "batch_norm"))
    inputs, x = begin(input_shape)
    if form == "imagenet":
        x = unit(x, widened(64, width), 7, "conv1", strides=2)
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
        x = unit(x, widened(64, width), 1, "conv2_reduce")
        x = unit(x, widened(192, width), 3, "conv2")
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)
    else:
        x = unit(x, widened(192, width), 3, "conv1", strides=stem_stride)
    for module, channels in INCEPTION_V2.items():
        x = _inception_v2_module(x, *_wide(channels, width), last=module == "5b", unit=unit, name=module)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    if regularizer == "dropout":
        x = layers.Dropout(0.5, name="dropout")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def _inception_v2_module(x, one: int, three: tuple, double: tuple, pool: int, last: bool, unit: Callable, name: str):
    """A module of Inception v2; one without a 1 x 1 path halves the maps, and the last one pools the maximum."""
    stride = 1 if one else 2
    pooling = layers.MaxPooling2D if last or not one else layers.AveragePooling2D
    paths = [unit(x, one, 1, f"{name}_1x1")] if one else []
    path = unit(x, three[0], 1, f"{name}_3x3_reduce")
    paths.append(unit(path, three[1], 3, f"{name}_3x3", strides=stride))
    path = unit(x, double[0], 1, f"{name}_double_reduce")
    path = unit(path, double[1], 3, f"{name}_double1")
    paths.append(unit(path, double[1], 3, f"{name}_double2", strides=stride))
    path = pooling(3, stride, padding="same", name=f"{name}_pool")(x)
    paths.append(unit(path, pool, 1, f"{name}_pool_proj") if pool else path)
    return layers.Concatenate(name=f"{name}_concat")(paths)
