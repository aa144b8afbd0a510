"""Network in network: small networks of 1 x 1 convolutions in place of plain kernels, an average in place of dense."""

import keras
from keras import layers

from cnnlab.models.parts import begin, choose_form, conv_relu, widened


def nin(
    input_shape: tuple[int, int, int] = (224, 224, 3),
    classes: int = 1000,
    last_width: int | None = None,
    width: float = 1.0,
    form: str | None = None,
    activation: str | None = None,
    name: str = "nin",
) -> keras.Model:
    """Network in network: no dense layer; the last block has one map a class, and its mean is the score.

    For photographs (AlexNet's kernels, a 1 x 1 pair behind each): 54 x 54 x 96, 26 x 26 x 256, 12 x 12 x 384,
    5 x 5 x classes; 1,992,166 parameters for one input channel and 10 classes. With `last_width=1024` the last block
    is that of the authors' ImageNet model, 7,595,176 parameters for three channels and 1000 classes.
    For CIFAR, the paper's network: 966,986 parameters for 10 classes.
    What differs: the very last convolution has no ReLU, so that a score can be negative.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255; sides of 67 or more, or 7 in the form for CIFAR.
        classes: number of classes.
        last_width: channels of the last block before its maps of classes; None for `classes`. Not for CIFAR.
        width: factor on the channels of all layers but those with one map a class.
        form: "imagenet" or "cifar"; None chooses by the size.
        activation: None for logits, "softmax" for probabilities.
        name: name of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: an input that is too small, a width that leaves a layer empty, or `last_width` with the form for
            CIFAR or not positive.

    Source: Lin, Chen and Yan, "Network in network", 2014, section 4 and figure 2.
    """
    form = choose_form(form, input_shape, imagenet=67, cifar=7)
    if last_width is not None and (form == "cifar" or last_width < 1):
        raise ValueError(
            f"`last_width` needs the form 'imagenet' and a positive number; received {last_width!r}, {form!r}."
        )

    def wide(*counts: int) -> list[int]:
        return [widened(count, width) for count in counts]

    # Of each block: kernel, stride, padding, and the channels of its three convolutions; the last two are 1 x 1.
    if form == "imagenet":
        last = [classes] if last_width is None else wide(last_width)
        blocks = [
            (11, 4, "valid", wide(96, 96, 96)),
            (5, 1, "same", wide(256, 256, 256)),
            (3, 1, "same", wide(384, 384, 384)),
            (3, 1, "same", [*last, *last, classes]),
        ]
    else:
        blocks = [
            (5, 1, "same", wide(192, 160, 96)),
            (5, 1, "same", wide(192, 192, 192)),
            (3, 1, "same", [*wide(192, 192), classes]),
        ]

    inputs, x = begin(input_shape)
    for number, (kernel, stride, padding, channels) in enumerate(blocks, start=1):
        x = conv_relu(x, channels[0], kernel, f"block{number}_conv", strides=stride, padding=padding)
        x = conv_relu(x, channels[1], 1, f"block{number}_mlp1")
        if number < len(blocks):
            x = conv_relu(x, channels[2], 1, f"block{number}_mlp2")
            x = layers.MaxPooling2D(3, 2, name=f"block{number}_pool")(x)
        if number == len(blocks) - 1 or (number < len(blocks) and form == "cifar"):
            x = layers.Dropout(0.5, name=f"block{number}_dropout")(x)
    x = layers.Conv2D(classes, 1, kernel_initializer="he_uniform", name=f"block{len(blocks)}_mlp2")(x)
    outputs = layers.GlobalAveragePooling2D(name="logits")(x)
    if activation is not None:
        outputs = layers.Activation(activation, name="predictions")(outputs)
    return keras.Model(inputs, outputs, name=name)
