"""LeNet-5 as published in 1998."""

import keras
import numpy as np
from keras import layers

from cnnlab.layers import ConnectionTableConv2D, RBFOutput, TrainablePooling2D, scaled_tanh

# Which of S2's 6 maps each of C3's 16 maps sees: six see three neighbors, nine see four, the last sees all.
# Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, table I.
C3_TABLE = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# One 7 x 12 drawing a digit. The paper's own figure is a printer's font; these are drawn for this course.
DIGIT_DRAWINGS = """
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
..###.. ...#... .#####. .#####. ....##. ####### ..####. ####### .#####. .#####.
.##.##. ..##... ##...## ##...## ...###. ##..... .##.... .....## ##...## ##...##
##...## .###... .....## .....## ..####. ##..... ##..... .....## ##...## ##...##
##...## ...#... .....## .....## .##.##. ##..... ##..... ....##. .##.##. ##...##
##...## ...#... ....##. ..####. ##..##. ######. ######. ....##. ..###.. .######
##...## ...#... ...##.. .....## ##..##. .....## ##...## ...##.. .##.##. .....##
##...## ...#... ..##... .....## ####### .....## ##...## ...##.. ##...## .....##
##...## ...#... .##.... .....## ....##. .....## ##...## ..##... ##...## .....##
.##.##. ...#... ##..... ##...## ....##. ##...## ##...## ..##... ##...## ....##.
..###.. .#####. ####### .#####. ....##. .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... ....... ....... ....... ....... ....... .......
"""


def digit_codes() -> np.ndarray:
    """The fixed target of each digit for F6: its 7 x 12 drawing read row by row, +1 for ink and -1 for paper.

    Returns:
        (10, 84) float32.
    """
    rows = [line.split() for line in DIGIT_DRAWINGS.split("\n") if line]
    drawings = np.array([[list(row[digit]) for row in rows] for digit in range(10)])
    return np.where(drawings == "#", 1.0, -1.0).astype("float32").reshape(10, 84)


def lenet5(
    input_shape: tuple[int, int, int] = (28, 28, 1),
    classes: int = 10,
    head: str = "rbf",
    activation: str | None = None,
) -> keras.Model:
    """LeNet-5: 60,000 trainable parameters, and 840 fixed ones in the codes of the output.

    Args:
        input_shape: (28, 28, C), padded here to 32 x 32 so that strokes stay inside the kernels' reach, or (32, 32, C).
            Pixels are 0 to 255, ink bright.
        classes: number of classes; the head "rbf" has codes for the ten digits only.
        head: "rbf" for distances to the digits' codes, as published, or "dense" for one trained layer. Train "rbf" on
            the distance to the true class's code (equation 8): softmax saturates on distances of many units.
        activation: None for logits, "softmax" for probabilities.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: another input size, an unknown head, or codes asked for other than ten classes.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B, figure 2.
    """
    if tuple(input_shape[:2]) not in ((28, 28), (32, 32)):
        raise ValueError(f"`input_shape` needs (28, 28, C) or (32, 32, C); received {tuple(input_shape)}.")
    if head not in ("rbf", "dense"):
        raise ValueError(f"`head` needs 'rbf' or 'dense'; received {head!r}.")
    if head == "rbf" and classes != 10:
        raise ValueError(f"`head='rbf'` has codes for 10 classes; received `classes={classes}`, use `head='dense'`.")

    inputs = keras.Input(input_shape, name="input")
    x = inputs
    if input_shape[0] == 28:
        x = layers.ZeroPadding2D(2, name="padding")(x)
    # Paper is -0.1 and ink 1.175: mean about 0 and variance about 1 over the digits.
    x = layers.Rescaling(1.275 / 255, offset=-0.1, name="rescaling")(x)
    x = layers.Conv2D(6, 5, activation=scaled_tanh, name="c1")(x)
    x = TrainablePooling2D(activation=scaled_tanh, name="s2")(x)
    x = ConnectionTableConv2D(C3_TABLE, 5, activation=scaled_tanh, name="c3")(x)
    x = TrainablePooling2D(activation=scaled_tanh, name="s4")(x)
    x = layers.Conv2D(120, 5, activation=scaled_tanh, name="c5")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(84, activation=scaled_tanh, name="f6")(x)
    outputs = RBFOutput(digit_codes(), name="output")(x) if head == "rbf" else layers.Dense(classes, name="output")(x)
    if activation is not None:
        outputs = layers.Activation(activation, name="predictions")(outputs)
    return keras.Model(inputs, outputs, name="lenet5")
