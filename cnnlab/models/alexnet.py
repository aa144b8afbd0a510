"""AlexNet, which won ILSVRC 2012."""

import keras
from keras import layers

from cnnlab.layers import LocalResponseNormalization
from cnnlab.models.parts import begin, choose_form, classify, conv_relu, dense_relu, widened


def alexnet(
    input_shape: tuple[int, int, int] = (227, 227, 3),
    classes: int = 1000,
    groups: int = 2,
    normalization: bool = True,
    width: float = 1.0,
    form: str | None = None,
    activation: str | None = None,
    name: str = "alexnet",
) -> keras.Model:
    """AlexNet: 60,965,224 parameters for 1000 classes, 62,378,344 with `groups=1`.

    Maps of the published form: 55 x 55 x 96, 27 x 27 x 256, 13 x 13 x 384, 384 and 256, then 4096, 4096 and classes.
    Convolutions 2, 4 and 5 have two groups, one for each GPU of the authors. The paper says 224 pixels and 55 outputs,
    which 11 x 11 kernels in steps of 4 do not give; sides are padded here until whole steps fit: 227 not at all, 224 by
    one pixel before and two after. What differs from the paper: the initial values (normal, 0.01, some biases 1).

    The form for CIFAR has 5 x 5 kernels in steps of 1 in the first layer.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 64 or more, or 15 in the form for CIFAR.
        classes: number of classes.
        groups: 2 as published, or 1.
        normalization: whether local response normalization follows the first two convolutions.
        width: factor on the channels of all layers but the last.
        form: "imagenet" or "cifar"; None chooses by the size.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an input that is too small, another number of groups, or a width that leaves a layer empty or
            makes channels that two groups cannot share.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
        section 3.5, figure 2.
    """
    form = choose_form(form, input_shape, imagenet=64, cifar=15)
    if groups not in (1, 2):
        raise ValueError(f"`groups` needs 1 or 2; received {groups!r}.")
    maps = [widened(channels, width) for channels in (96, 256, 384, 384, 256)]
    if any(count % groups for count in maps):
        raise ValueError(
            f"`groups=2` needs even numbers of channels; `width={width}` makes them {maps}, use `groups=1`."
        )

    def normalized(x, number: int):
        return LocalResponseNormalization(name=f"norm{number}")(x) if normalization else x

    inputs, x = begin(input_shape)
    if form == "imagenet":
        missing = [-(side - 11) % 4 for side in input_shape[:2]]
        x = layers.ZeroPadding2D([(pixels // 2, pixels - pixels // 2) for pixels in missing], name="conv1_pad")(x)
        x = conv_relu(x, maps[0], 11, "conv1", strides=4, padding="valid")
    else:
        x = conv_relu(x, maps[0], 5, "conv1")
    x = layers.MaxPooling2D(3, 2, name="pool1")(normalized(x, 1))
    x = conv_relu(x, maps[1], 5, "conv2", groups=groups)
    x = layers.MaxPooling2D(3, 2, name="pool2")(normalized(x, 2))
    x = conv_relu(x, maps[2], 3, "conv3")  # the one layer in which the two GPUs exchange their maps
    x = conv_relu(x, maps[3], 3, "conv4", groups=groups)
    x = conv_relu(x, maps[4], 3, "conv5", groups=groups)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    x = layers.Flatten(name="flatten")(x)
    x = dense_relu(x, widened(4096, width), "fc6")
    x = dense_relu(x, widened(4096, width), "fc7")
    return keras.Model(inputs, classify(x, classes, activation), name=name)
