"""The VGG networks: 3 x 3 convolutions and 2 x 2 pooling, deeper and deeper."""

import keras
from keras import layers

from cnnlab.layers import LocalResponseNormalization
from cnnlab.models.parts import (
    begin,
    choose_form,
    choose_regularizer,
    classify,
    conv_unit,
    dense_relu,
    dense_unit,
    widened,
)

# Kernel sizes of the convolutions in each of the five blocks.
CONFIGURATIONS = {
    "A": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "A-LRN": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "B": ((3, 3), (3, 3), (3, 3), (3, 3), (3, 3)),
    "C": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
    "D": ((3, 3), (3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3)),
    "E": ((3, 3), (3, 3), (3, 3, 3, 3), (3, 3, 3, 3), (3, 3, 3, 3)),
}
CHANNELS = (64, 128, 256, 512, 512)


def vgg(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    configuration: str = "D",
    width: float = 1.0,
    form: str | None = None,
    regularizer: str | None = None,
    activation: str | None = None,
    name: str = "vgg",
) -> keras.Model:
    """A VGG network of 11 to 19 weight layers: 132,863,336 (A) to 143,667,240 (E) parameters for 1000 classes.

    Maps of the published form: 224 x 224 x 64, 112 x 112 x 128, 56 x 56 x 256, 28 x 28 x 512, 14 x 14 x 512 and,
    pooled, 7 x 7 x 512, then 4096, 4096 and the classes. The form for CIFAR has 512 in place of 4096. What
    differs from the paper: the initial values (the deep nets there started from the trained A).

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more.
        classes: number of classes.
        configuration: "A", "A-LRN", "B", "C", "D" or "E": 11, 11, 13, 16, 16 and 19 layers with weights.
        width: factor on the channels of all layers but the last.
        form: "imagenet" or "cifar"; None chooses by the size.
        regularizer: None as published, which is "dropout" of 0.5 behind both dense layers; "none" without it;
            "batch_norm" behind every convolution and dense layer but the last, and no dropout.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an unknown configuration or regularizer, an input that is too small, or a width that leaves a layer
            empty.

    Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015, table 1.
    """
    form = choose_form(form, input_shape, imagenet=32, cifar=32)
    if configuration not in CONFIGURATIONS:
        raise ValueError(f"`configuration` needs one of {', '.join(CONFIGURATIONS)}; received {configuration!r}.")
    normalized = choose_regularizer(regularizer) == "batch_norm"
    inputs, x = begin(input_shape)
    for block, (kernels, channels) in enumerate(zip(CONFIGURATIONS[configuration], CHANNELS, strict=True), start=1):
        for number, kernel in enumerate(kernels, start=1):
            x = conv_unit(x, widened(channels, width), kernel, f"block{block}_conv{number}", normalized=normalized)
        if block == 1 and configuration == "A-LRN":
            x = LocalResponseNormalization(name="block1_norm")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    units = widened(4096 if form == "imagenet" else 512, width)
    for layer in ("fc1", "fc2"):
        dropped = regularizer in (None, "dropout")
        x = dense_relu(x, units, layer) if dropped else dense_unit(x, units, layer, normalized)
    return keras.Model(inputs, classify(x, classes, activation), name=name)
