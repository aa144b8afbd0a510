"""MobileNet: each 3 x 3 convolution split into one that filters and one that mixes."""

import keras
from keras import layers

from cnnlab.models.parts import begin, bn_relu, choose_form, classify, conv_bn_relu, widened

# Output channels and stride of the 13 pairs.
PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))


def mobilenet(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    separable: bool = True,
    width: float = 1.0,
    form: str | None = None,
    activation: str | None = None,
    name: str = "mobilenet",
) -> keras.Model:
    """MobileNet: 4,231,976 trainable parameters for 1000 classes, 29,294,088 with `separable=False`.

    A convolution to 112 x 112 x 32, then 13 pairs of a depthwise 3 x 3 and a pointwise 1 x 1 convolution, each with
    batch norm and ReLU, to 7 x 7 x 1024. The form for CIFAR takes its first step of 2 later: 32, 16, 8, 4 and 2 pixels.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or 16 in the form for CIFAR.
        classes: number of classes.
        separable: whether the pairs are split; if not, each is one full 3 x 3 convolution (the paper's table 4).
        width: factor on the channels of all layers but the last, the paper's alpha.
        form: "imagenet" or "cifar"; None chooses by the size.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an input that is too small, or a width that leaves a layer empty.

    Source: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017,
        table 1.
    """
    form = choose_form(form, input_shape, imagenet=32, cifar=16)
    inputs, x = begin(input_shape)
    x = conv_bn_relu(x, widened(32, width), 3, "conv1", strides=2 if form == "imagenet" else 1)
    for number, (channels, stride) in enumerate(PAIRS, start=2):
        if separable:
            x = separable_pair(x, widened(channels, width), stride, f"pair{number}")
        else:
            x = conv_bn_relu(x, widened(channels, width), 3, f"conv{number}", strides=stride)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def separable_pair(x, channels: int, stride: int, name: str):
    """Depthwise 3 x 3 convolution, BN, ReLU, pointwise 1 x 1 convolution, BN, ReLU.

    Args:
        x: (batch, H, W, C).
        channels: of the output.
        stride: of the depthwise convolution.
        name: prefix of the layers' names.

    Returns:
        (batch, H / stride, W / stride, channels).

    Source: Howard et al., "MobileNets", 2017, figure 3.
    """
    options = {"strides": stride, "padding": "same", "use_bias": False, "name": f"{name}_depthwise"}
    x = layers.DepthwiseConv2D(3, depthwise_initializer="he_uniform", **options)(x)
    x = bn_relu(x, f"{name}_depthwise")
    return conv_bn_relu(x, channels, 1, f"{name}_pointwise")
