"""DenseNet: each layer sees the maps of all layers before it in its block."""

from collections.abc import Sequence

import keras
from keras import layers

from cnnlab.models.parts import begin, bn_relu, choose_form, classify, conv, conv_bn_relu, widened

LAYERS = (6, 12, 24, 16)  # in each of the four blocks


def densenet121(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    growth: int = 32,
    compression: float = 0.5,
    width: float = 1.0,
    form: str | None = None,
    layers_per_block: Sequence[int] = LAYERS,
    stem_stride: int = 1,
    activation: str | None = None,
    name: str = "densenet121",
) -> keras.Model:
    """DenseNet-BC with 121 layers: 7,978,856 trainable parameters for 1000 classes.

    Blocks of 6, 12, 24 and 16 layers at 56, 28, 14 and 7 pixels; they end with 256, 512, 1024 and 1024 channels, and a
    transition halves channels, height and width. The form for CIFAR starts with a 3 x 3 convolution and no pool:
    32, 16, 8 and 4 pixels; 6,956,298 parameters for 10 classes.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 32 or more, or 8 in the form for CIFAR.
        classes: number of classes.
        growth: channels that each layer adds, the paper's k.
        compression: share of the channels that a transition keeps, the paper's theta.
        width: factor on the growth, and so on all channels.
        form: "imagenet" or "cifar"; None chooses by the size.
        layers_per_block: layers in each block; (6, 6, 6) and a growth of 12 make the paper's 40-layer network.
        stem_stride: step of the first convolution in the form for CIFAR; 2 quarters the work.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: a compression that is not above 0 and up to 1, no blocks or an empty one, a small input, or a width
            that leaves a layer empty.

    Source: Huang, Liu, van der Maaten and Weinberger, "Densely connected convolutional networks", 2017, table 1.
    """
    form = choose_form(form, input_shape, imagenet=32, cifar=8)
    if not 0 < compression <= 1:
        raise ValueError(f"`compression` needs a number above 0 and up to 1; received {compression!r}.")
    if not layers_per_block or min(layers_per_block) < 1:
        raise ValueError(f"`layers_per_block` needs at least 1 layer in each block; received {layers_per_block!r}.")
    growth = widened(growth, width)
    inputs, x = begin(input_shape)
    if form == "imagenet":
        x = conv_bn_relu(x, 2 * growth, 7, "conv1", strides=2)
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    else:
        x = conv(x, 2 * growth, 3, "conv1", strides=stem_stride)
    for block, count in enumerate(layers_per_block, start=1):
        for number in range(1, count + 1):
            x = dense_layer(x, growth, f"block{block}_layer{number}")
        x = bn_relu(x, f"block{block}")
        if block < len(layers_per_block):
            x = conv(x, int(x.shape[-1] * compression), 1, f"transition{block}")
            x = layers.AveragePooling2D(2, name=f"transition{block}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, classify(x, classes, activation), name=name)


def dense_layer(x, growth: int, name: str):
    """x with `growth` more channels: BN, ReLU, 1 x 1 to 4 growth, BN, ReLU, 3 x 3 to growth, beside what came in.

    Args:
        x: (batch, H, W, C).
        growth: channels to add.
        name: prefix of the layers' names.

    Returns:
        (batch, H, W, C + growth).

    Source: Huang et al., "Densely connected convolutional networks", 2017, section 3 (bottleneck layers).
    """
    new = conv(bn_relu(x, f"{name}_1"), 4 * growth, 1, f"{name}_conv1")
    new = conv(bn_relu(new, f"{name}_2"), growth, 3, f"{name}_conv2")
    return layers.Concatenate(name=f"{name}_concat")([x, new])
