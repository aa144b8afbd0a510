"""Residual networks: units that add what they compute to what they got."""

import keras
from keras import layers, ops

from cnnlab.models.parts import batch_norm, begin, bn_relu, choose_form, classify, conv, conv_bn_relu, widened

# Units in each of the four stages; from 50 layers on a unit is a bottleneck, 1 x 1, 3 x 3, 1 x 1.
UNITS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
CHANNELS = (64, 128, 256, 512)


def resnet(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    depth: int = 50,
    preactivation: bool = False,
    shortcut: str = "projection",
    stride_in: str = "1x1",
    width: float = 1.0,
    form: str | None = None,
    activation: str | None = None,
    name: str = "resnet",
) -> keras.Model:
    """A residual network of 18 to 152 layers: 11,689,512 to 60,192,808 trainable parameters for 1000 classes.

    Maps of the published form: 112 x 112 x 64, pooled 56 x 56, then stages at 56, 28, 14 and 7 pixels with 64, 128, 256
    and 512 channels, four times these where units are bottlenecks, and their mean. For CIFAR, a 3 x 3 convolution in
    steps of 1 replaces the first convolution and the pool: stages at 32, 16, 8 and 4 pixels; 11,173,962 parameters with
    18 layers and 10 classes. Padding is Keras' "same": in steps of 2 it adds its odd pixel at the right and bottom.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or 8 in the form for CIFAR.
        classes: number of classes.
        depth: 18, 34, 50, 101 or 152: layers with weights, projections not counted.
        preactivation: batch norm and ReLU before each convolution, nothing after the addition.
        shortcut: where a unit changes the shape, "projection" by 1 x 1 convolution or "zeros" for channels that are
            missing (the paper's option A; only where units are not bottlenecks).
        stride_in: which convolution of a bottleneck makes the step of 2: "1x1" as published, "3x3" as later code does.
        width: factor on the channels of all layers but the last.
        form: "imagenet" or "cifar"; None chooses by the size.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an unknown depth, shortcut or `stride_in`, a combination of them that does not exist, an input that
            is too small, or a width that leaves a layer empty.

    Source: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016, table 1; by the same,
        "Identity mappings in deep residual networks", 2016, figure 1 and appendix, for pre-activation.
    """
    form = choose_form(form, input_shape, imagenet=32, cifar=8)
    if depth not in UNITS:
        raise ValueError(f"`depth` needs one of {', '.join(map(str, UNITS))}; received {depth!r}.")
    bottleneck = depth >= 50
    if shortcut not in ("projection", "zeros") or (shortcut == "zeros" and bottleneck):
        raise ValueError(
            f"`shortcut` needs 'projection', or 'zeros' for 18 or 34 layers; received {shortcut!r} for {depth} layers."
        )
    if stride_in not in ("1x1", "3x3") or (stride_in == "3x3" and not bottleneck):
        raise ValueError(
            f"`stride_in` needs '1x1', or '3x3' for 50 layers and more; received {stride_in!r} for {depth} layers."
        )

    inputs, x = begin(input_shape)
    if form == "imagenet":
        x = conv_bn_relu(x, widened(64, width), 7, "conv1", strides=2)
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    else:
        x = conv_bn_relu(x, widened(64, width), 3, "conv1")
    for stage, (count, channels) in enumerate(zip(UNITS[depth], CHANNELS, strict=True), start=2):
        for number in range(1, count + 1):
            narrow = widened(channels, width)
            convolutions = [(narrow, 1), (narrow, 3), (4 * narrow, 1)] if bottleneck else [(narrow, 3), (narrow, 3)]
            strides = [1] * len(convolutions)
            if stage > 2 and number == 1:
                strides[stride_in == "3x3"] = 2
            first = stage == 2 and number == 1
            unit = residual_preactivated if preactivation else residual
            options = {"activated": first} if preactivation else {}
            x = unit(x, convolutions, strides, shortcut, f"conv{stage}_unit{number}", **options)
    if preactivation:
        x = bn_relu(x, "last")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def residual(x, convolutions: list[tuple[int, int]], strides: list[int], shortcut: str, name: str):
    """The unit as first published: relu(shortcut(x) + bn(conv(... relu(bn(conv(x))))).

    Args:
        x: (batch, H, W, C).
        convolutions: channels and kernel size of each.
        strides: of each convolution; the shortcut makes their product in one step.
        shortcut: "projection" or "zeros", for a unit that changes the shape.
        name: prefix of the layers' names.

    Returns:
        (batch, H / stride, W / stride, channels of the last convolution).

    Source: He et al., "Deep residual learning for image recognition", 2016, figures 2 and 5.
    """
    other = _shortcut(x, convolutions[-1][0], max(strides), shortcut, name)
    if other is not x and shortcut == "projection":
        other = batch_norm(other, f"{name}_shortcut")
    for number, ((channels, kernel), stride) in enumerate(zip(convolutions, strides, strict=True), start=1):
        x = conv(x, channels, kernel, f"{name}_conv{number}", strides=stride)
        x = bn_relu(x, f"{name}_{number}") if number < len(convolutions) else batch_norm(x, f"{name}_{number}")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([other, x]))


def residual_preactivated(
    x, convolutions: list[tuple[int, int]], strides: list[int], shortcut: str, name: str, activated: bool = False
):
    """The unit with full pre-activation: x + conv(relu(bn(... conv(relu(bn(x)))))).

    Args:
        x, convolutions, strides, shortcut, name: as in `residual`.
        activated: whether x comes from batch norm and ReLU already, as in the first unit of a network.

    Returns:
        As in `residual`.

    Source: He et al., "Identity mappings in deep residual networks", 2016, figure 4 (e).
    """
    ready = x if activated else bn_relu(x, f"{name}_1")
    # A projection starts from the activated values; a shortcut without weights stays clean.
    other = _shortcut(ready if shortcut == "projection" else x, convolutions[-1][0], max(strides), shortcut, name)
    other = x if other is ready else other
    for number, ((channels, kernel), stride) in enumerate(zip(convolutions, strides, strict=True), start=1):
        ready = ready if number == 1 else bn_relu(ready, f"{name}_{number}")
        ready = conv(ready, channels, kernel, f"{name}_conv{number}", strides=stride)
    return layers.Add(name=f"{name}_add")([other, ready])


def _shortcut(x, channels: int, stride: int, shortcut: str, name: str):
    """x itself where the unit keeps its shape, else x brought to the new shape."""
    if stride == 1 and x.shape[-1] == channels:
        return x
    if shortcut == "projection":
        return conv(x, channels, 1, f"{name}_shortcut", strides=stride)
    x = layers.MaxPooling2D(1, stride, name=f"{name}_shortcut")(x)  # a window of one pixel takes every second pixel
    return ops.pad(x, [(0, 0), (0, 0), (0, 0), (0, channels - x.shape[-1])])
