"""Small networks for 28 x 28 digits, whose costly layers see few pixels."""

import keras
from keras import layers

from cnnlab.layers import FusedBatchNormalization
from cnnlab.models.parts import classify


def digit_net(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    widths: tuple[int, int, int, int] = (24, 48, 96, 96),
    dropout: float = 0.3,
    activation: str | None = None,
    name: str = "digit_net",
) -> keras.Model:
    """Four convolutions and one dense layer: 140,218 parameters and 2.6 million multiply-adds an image by default.

    The 5x5 kernels of the first layer go in steps of 2, and what follows is not padded, so the layers with many kernels
    see 6 x 6 pixels and fewer: 28 -> 14 -> 12 -> (pool) 6 -> 4 -> 2. All of that last 2 x 2 map is read by the dense
    layer, which keeps the place of a stroke, as averaging over the map would not. Batch normalization is left out where
    the maps are large: there it would take longer than the convolution.

    Args:
        input_shape: (height, width, channels) of an image, 0 to 255; sides of 23 pixels or more.
        classes: number of classes.
        widths: number of kernels of each convolution.
        dropout: fraction of the dense layer's inputs that training leaves out, at random.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model; the members of an average need different ones.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: a side is below 23 pixels, or `widths` has not four entries.

    Source: Springenberg et al., "Striving for simplicity: the all convolutional net", 2015, section 2, for steps of 2
        in place of a pool; Ioffe and Szegedy, "Batch normalization", 2015, section 3.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < 23:
        raise ValueError(f"`input_shape` needs (height, width, channels), sides at least 23; received {input_shape}.")
    if len(widths) != 4:
        raise ValueError(f"`widths` needs four numbers of kernels; received {widths!r}.")
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    x = layers.Conv2D(widths[0], 5, strides=2, padding="same", activation="relu", name="conv1")(x)
    x = layers.Conv2D(widths[1], 3, use_bias=False, name="conv2")(x)
    x = layers.MaxPooling2D(name="conv2_pool")(x)  # before the normalization, which then has a quarter of the work
    x = FusedBatchNormalization(momentum=0.95, name="conv2_bn")(x)
    x = layers.ReLU(name="conv2_relu")(x)
    for number, kernels in enumerate(widths[2:], start=3):
        x = layers.Conv2D(kernels, 3, use_bias=False, name=f"conv{number}")(x)
        x = FusedBatchNormalization(momentum=0.95, name=f"conv{number}_bn")(x)
        x = layers.ReLU(name=f"conv{number}_relu")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    outputs = classify(x, classes, activation, name="logits" if activation is None else "predictions")
    return keras.Model(inputs, outputs, name=name)


def average(networks: list[keras.Model], name: str = "average") -> keras.Model:
    """One model of several: the mean of their outputs for five views of the image. Nothing is trained for it.

    The views are the image in place and moved by one pixel up, down, left and right. Each network is used for all five,
    so the parameters are the sum of the networks' own.

    Args:
        networks: one or more models of equal input and output shapes, of different names, with logits.
        name: name of the new model.

    Returns:
        An uncompiled model that shares the networks' weights.

    Raises:
        ValueError: no network, or their shapes differ.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
        section 4.1, for the mean over five views; Hansen and Salamon, "Neural network ensembles", 1990, for the mean
        over networks.
    """
    shapes = {(network.input_shape, network.output_shape) for network in networks}
    if len(shapes) != 1:
        raise ValueError(f"`networks` needs one or more of equal shapes; received {len(networks)}, shapes {shapes}.")
    inputs = keras.Input(networks[0].input_shape[1:])
    framed = layers.ZeroPadding2D(1, name="frame")(inputs)
    outputs = []
    for view, (top, left) in {"middle": (1, 1), "down": (0, 1), "up": (2, 1), "right": (1, 0), "left": (1, 2)}.items():
        moved = layers.Cropping2D(((top, 2 - top), (left, 2 - left)), name=view)(framed)
        outputs += [network(moved) for network in networks]
    return keras.Model(inputs, layers.Average(name="mean")(outputs), name=name)
