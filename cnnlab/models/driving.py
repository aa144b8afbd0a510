"""Networks that steer: the one of the lecture, after NVIDIA's, and one of our own."""

import keras
from keras import layers


def pilotnet(
    input_shape: tuple[int, int, int] = (66, 200, 3),
    classes: int = 1,
    dropout: float = 0.4,
    activation: str | None = None,
    name: str = "pilotnet",
) -> keras.Model:
    """The lecture's driving network: 252,231 parameters for 66 x 200 pixels, 12 of them in the batch norm.

    A batch norm on the pixels, three convolutions of 5 x 5 with stride 2, two of 3 x 3, and dense layers of 100, 50, 10
    and the outputs. Nothing is padded, so sides of 61 pixels are the least.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255.
        classes: number of outputs; 1 for the steering.
        dropout: after the dense layers of 100 and of 10.
        activation: of the outputs.
        name: of the model.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: a side is too short.

    Source: Bojarski et al., "End to end learning for self-driving cars", 2016, section 4, for the convolutions.
    """
    if min(input_shape[:2]) < 61:
        raise ValueError(f"`input_shape` needs sides of 61 pixels or more; received {tuple(input_shape)}.")
    inputs = keras.Input(input_shape, name="input")
    x = layers.BatchNormalization(name="normalization")(inputs)
    for index, (channels, kernel, stride) in enumerate(((24, 5, 2), (36, 5, 2), (48, 5, 2), (64, 3, 1), (64, 3, 1)), 1):
        x = layers.Conv2D(channels, kernel, strides=stride, activation="relu", name=f"conv{index}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(100, activation="relu", name="dense1")(x)
    x = layers.Dropout(dropout, name="dropout1")(x)
    x = layers.Dense(50, activation="relu", name="dense2")(x)
    x = layers.Dense(10, activation="relu", name="dense3")(x)
    x = layers.Dropout(dropout, name="dropout2")(x)
    outputs = layers.Dense(classes, activation=activation, name="output")(x)
    return keras.Model(inputs, outputs, name=name)


def drivenet(
    input_shape: tuple[int, int, int] = (84, 96, 3),
    classes: int = 2,
    dropout: float = 0.1,
    activation: str | None = None,
    name: str = "drivenet",
) -> keras.Model:
    """A network that steers better with fewer operations: padded convolutions, each halving the sides, one dense layer.

    The padding keeps the edges of the picture, where bends come into sight; a fixed scaling of the pixels does not
    depend on the batch; and no dropout stands right before the outputs, where it would only add noise to them.

    Args:
        input_shape: (height, width, channels), pixels 0 to 255.
        classes: number of outputs: 2 for steering and speed.
        dropout: on the features.
        activation: of the outputs.
        name: of the model.

    Returns:
        An uncompiled model.
    """
    inputs = keras.Input(input_shape, name="input")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs)
    for index, (channels, kernel) in enumerate(((24, 5), (32, 3), (48, 3), (64, 3)), 1):
        x = layers.Conv2D(channels, kernel, 2, "same", activation="relu", name=f"conv{index}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    outputs = layers.Dense(classes, activation=activation, name="output")(x)
    return keras.Model(inputs, outputs, name=name)
