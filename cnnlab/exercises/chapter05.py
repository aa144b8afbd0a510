"""Exercises of chapter 05: paddings, blocks and networks to write, a table to judge, a network within a budget."""

import numpy as np

from cnnlab.exercises import Exercise, Mistake, first_wrong, returned, shown
from cnnlab.exercises.data import digits, digits_misjudged

LARGEST, MOST_WORK, LEAST_ACCURACY = 2_500, 150_000, 0.8  # of exercise 05.6: parameters, multiply-adds, share right


def _check_padding(answer) -> str | None:
    cases = [((224, 11, 4), 3), ((227, 11, 4), 0), ((224, 7, 2), 1), ((32, 3, 1), 0), ((5, 4, 3), 2)]
    return first_wrong(answer, cases)


def _check_vgg_c(answer) -> str | None:
    from cnnlab import models

    for shape, units, classes in (((32, 64, 3), 8, 5), ((224, 224, 1), 4096, 1000)):
        with models.blueprints():
            model = returned(answer, shape, units, classes)
            wrong = _differs_from_vgg_c(model, shape, units, classes)
        if wrong:
            return f"answer({shape}, {units}, {classes}): {wrong}"
    return None


def _differs_from_vgg_c(model, shape: tuple, units: int, classes: int) -> str | None:
    """The first layer that configuration C has otherwise, or None."""
    import keras
    from keras import layers

    if not isinstance(model, keras.Model) or model.input_shape[1:] != shape:
        return f"expected a Keras model for images {shape}, got {shown(model)}"
    height, width, _ = shape
    expected = []
    for number, channels in zip((2, 2, 3, 3, 3), (64, 128, 256, 512, 512), strict=True):
        kernels = (3, 3, 1)[:number]
        expected += [f"Conv2D {kernel}×{kernel} to ({height}, {width}, {channels})" for kernel in kernels]
        height, width = height // 2, width // 2
        expected.append(f"MaxPooling2D 2×2 to ({height}, {width}, {channels})")
    expected += [f"Dense to ({size},)" for size in (units, units, classes)]
    kept = [layer for layer in model.layers if isinstance(layer, layers.Conv2D | layers.MaxPooling2D | layers.Dense)]
    for place, right in enumerate(expected):
        got = _described(kept[place]) if place < len(kept) else "nothing"
        if got != right:
            return f"layer {place + 1} (convolutions, pools and dense layers counted): expected {right}, got {got}"
    if len(kept) > len(expected):
        return f"expected {len(expected)} convolutions, pools and dense layers, got {len(kept)}"
    bent = sum("relu" in (type(one).__name__.lower(), _activation(one)) for one in model.layers)
    return None if bent == 15 else f"expected a ReLU behind each of 15 layers, found {bent}"


def _activation(layer) -> str:
    return getattr(getattr(layer, "activation", None), "__name__", "")


def _described(layer) -> str:
    window = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    size = "×".join(map(str, window)) + " " if window else ""
    return f"{type(layer).__name__} {size}to {layer.output.shape[1:]}"


def _check_table(answer) -> str | None:
    small = (10, 1, (2, 3), (4, 5), 6)  # 20 + 54 + 40 + 500 + 10 + 60 = 684 weights
    other = (8, 4, (2, 4), (2, 4), 4)  # 96 + 72 + 200 = 368 weights
    cases = [
        (([(*small, 684)], 0.01), []),
        (([(*small, 720), (*other, 368)], 0.04), [0]),
        (([(*small, 684), (*other, 340), (*other, 360), (*small, 600)], 0.05), [1, 3]),
        (([(*other, 340), (*other, 400)], 0.1), []),
        # rows 4c and 5a of GoogLeNet's table: 7 % too small and 5 % too large
        (([(512, 128, (128, 256), (24, 64), 64, 474112), (832, 256, (160, 320), (32, 128), 128, 1097728)], 0.06), [0]),
    ]  # fmt: skip
    return first_wrong(answer, cases)


def _check_bottleneck(answer) -> str | None:
    for shape, channels, stride in (((8, 8, 16), 4, 1), ((8, 8, 6), 4, 1), ((8, 8, 16), 8, 2), ((8, 8, 16), 4, 2)):
        if wrong := _differs_from_bottleneck(answer, shape, channels, stride):
            return f"answer(maps {shape}, {channels}, {stride}): {wrong}"
    return None


def _differs_from_bottleneck(answer, shape: tuple, channels: int, stride: int) -> str | None:
    import keras

    from cnnlab import arithmetic

    inputs = keras.Input(shape)
    if (got := answer(inputs, channels, stride)) is None:
        return returned(lambda: None)
    if not isinstance(got, keras.KerasTensor):
        return f"expected maps, got {shown(got)}"
    side, out = shape[0] // stride, 4 * channels
    if got.shape[1:] != (side, side, out):
        return f"expected maps of shape {(side, side, out)}, got {got.shape[1:]}"
    model = keras.Model(inputs, got)
    projected = shape[-1] * out if stride > 1 or shape[-1] != out else 0
    weights = channels * (shape[-1] + 9 * channels + out) + projected
    trained = weights + 2 * (2 * channels + out + (out if projected else 0))
    counted = arithmetic.profile(model)
    if counted.trainable_params != trained:
        return f"expected {trained} trained parameters, got {counted.trainable_params}"
    if counted.macs != weights * side**2:  # all convolutions work at the small side, also where the step is 2
        return f"expected {weights * side**2} multiply-adds, got {counted.macs}"
    # All weights 0 and all shifts -1: the last batch norm puts out -1, and so does the one on a shortcut.
    model.set_weights([np.full(weight.shape, -1.0 * ("beta" in weight.path)) for weight in model.weights])
    value = float(np.max(model(np.full((1, *shape), 3, "float32"))))
    right = 0.0 if projected else 2.0
    if value != right:
        return f"for maps of 3, with weights of 0 and shifts of -1, expected {right:g}, got {value:g}"
    return None


def _check_sliding(answer) -> str | None:
    import keras
    from keras import layers

    draw = np.random.default_rng(0)
    stack = [layers.Rescaling(1 / 255), layers.Conv2D(3, 5, activation="relu", name="features"), layers.Flatten()]
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Dense(10, name="scores")])
    model.set_weights([draw.normal(0, 0.1, weight.shape) for weight in model.weights])
    images, _ = digits(0, 2)
    picture = np.concatenate([*images, images[0]], axis=1)[None]  # three digits side by side
    for height, width in ((28, 28), (28, 84), (26 + 28, 30)):
        given = np.pad(picture, [(0, 0), (0, 26), (0, 0), (0, 0)])[:, :height, :width]
        if (large := answer(model)) is None:
            return returned(lambda: None)
        if not isinstance(large, keras.Model):
            return f"expected a Keras model, got {shown(large)}"
        got = keras.ops.convert_to_numpy(large(given))
        rows, columns = height - 27, width - 27
        if got.shape != (1, rows, columns, 10):
            return (
                f"for a picture of {height}×{width} expected scores of shape {(1, rows, columns, 10)}, got {got.shape}"
            )
        places = [(row, column) for row in (0, rows - 1) for column in (0, columns // 2, columns - 1)]
        windows = np.concatenate([given[:, row : row + 28, column : column + 28] for row, column in places])
        expected = keras.ops.convert_to_numpy(model(windows))
        for (row, column), right in zip(places, expected, strict=True):
            if not np.allclose(got[0, row, column], right, atol=1e-3):
                error = np.abs(got[0, row, column] - right).max()
                return f"for a picture of {height}×{width} the scores at {[row, column]} are off by up to {error:.1f}"
    return None


def _check_budget(answer) -> str | None:
    import keras

    from cnnlab import arithmetic

    model = returned(answer, *digits(0, 2000))
    if not isinstance(model, keras.Model):
        return f"expected a Keras model, got {shown(model)}"
    counted = arithmetic.profile(model)
    if counted.uncounted:
        return f"the layer {counted.uncounted[0]!r} cannot be counted"
    if counted.params > LARGEST:
        return f"it has {counted.params:,} parameters"
    if counted.macs > MOST_WORK:
        return f"it needs {counted.macs:,} multiply-adds for one digit"
    return digits_misjudged(model, LEAST_ACCURACY)


# What the solutions of 05.2 and 05.4 and their mistakes share; a mistake changes one thing in it.
_VGG_C = """
import keras
from keras import layers


def answer(shape, units, classes):
    inputs = x = keras.Input(shape)
    for number, channels in zip((2, 2, 3, 3, 3), (64, 128, 256, 512, 512)):
        for kernel in (3, 3, 1)[:number]:
            x = layers.Conv2D(channels, kernel, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(classes)(x))
"""
_BOTTLENECK = """
from keras import layers


def answer(x, channels, stride):
    y = x
    for wide, kernel, step in ((channels, 1, stride), (channels, 3, 1), (4 * channels, 1, 1)):
        y = layers.Conv2D(wide, kernel, step, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        if wide == channels:
            y = layers.ReLU()(y)
    if stride > 1 or x.shape[-1] != 4 * channels:
        x = layers.BatchNormalization()(layers.Conv2D(4 * channels, 1, stride, use_bias=False)(x))
    return layers.ReLU()(layers.Add()([x, y]))
"""
_SLIDING = """
import keras
from keras import layers


def answer(model):
    scale, features, _, scores = model.layers
    height, width, channels = features.output.shape[1:]
    kernel, bias = scores.get_weights()
    inputs = keras.Input((None, None, 1))
    slide = layers.Conv2D(len(bias), (height, width))
    sliding = keras.Model(inputs, slide(features(scale(inputs))))
    slide.set_weights([kernel.reshape(height, width, channels, len(bias)), bias])
    return sliding
"""
_BUDGET = """
import keras
from keras import layers


def answer(images, labels):
    inputs = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.ReLU()(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    for channels, strides in ((24, 2), (32, 1)):
        x = layers.SeparableConv2D(channels, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalMaxPooling2D()(x)
    model = keras.Model(inputs, layers.Dense(10)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rate = keras.optimizers.schedules.CosineDecay(0.01, 12 * -(-len(images) // 64))
    model.compile(keras.optimizers.Adam(rate), loss)
    model.fit(images, labels, batch_size=64, epochs=12, verbose=0)
    return model
"""
# The mistakes are too large, which the check says before it asks what they have learned.
_UNTRAINED = _BUDGET[: _BUDGET.index("    loss =")] + "    return model\n"

EXERCISES = (
    Exercise(
        key="05.1",
        title="The padding that AlexNet needs",
        stub='''
def answer(size, kernel, stride):
    """Fewest pixels of padding, both sides together, with which the windows end exactly at the border."""
''',
        hint="The first window takes `kernel` pixels, each further one `stride` more. "
        "What is left over after the first window must be a multiple of the stride.",
        solution="""
def answer(size, kernel, stride):
    return -(size - kernel) % stride
""",
        mistakes=(
            Mistake(
                "def answer(size, kernel, stride):\n    return (size - kernel) % stride",
                "So many pixels are left over; padding fills up what they lack for a whole step.",
            ),
            Mistake(
                "def answer(size, kernel, stride):\n    return stride - (size - kernel) % stride",
                "Where nothing is left over, nothing is missing.",
            ),
            "def answer(size, kernel, stride):\n    return kernel - stride",
            "def answer(size, kernel, stride):\n    return (kernel - 1) // 2",
        ),
        check=_check_padding,
    ),
    Exercise(
        key="05.2",
        title="Write VGG's configuration C",
        stub='''
def answer(shape, units, classes):
    """VGG's configuration C as a Keras model.

    shape: of an image, (height, width, channels); units: of the two hidden dense layers; classes: scores.
    """
''',
        hint="Two loops, one over the blocks and one over the kernels of a block, `(3, 3, 1)` or less of them. All "
        "convolutions are padded, so that the pools alone halve the maps.",
        solution=_VGG_C,
        mistakes=(
            Mistake(_VGG_C.replace("(3, 3, 1)", "(3, 3, 3)"), "This is configuration D: C has a smaller third kernel."),
            Mistake(_VGG_C.replace('padding="same", ', ""), "Without padding each 3×3 kernel takes two pixels away."),
            Mistake(_VGG_C.replace("512, 512)", "512, 1024)"), "Channels do not double behind the last pool but one."),
            Mistake(_VGG_C.replace(', activation="relu"', ""), "Without ReLU two layers are no more than one."),
            Mistake(_VGG_C.replace("range(2)", "range(1)"), "Two dense layers stand before the scores."),
            "def answer(shape, units, classes):\n    return 138357544",
        ),
        check=_check_vgg_c,
    ),
    Exercise(
        key="05.3",
        title="Find the wrong rows",
        stub='''
def answer(rows, tolerance):
    """Numbers of the rows, from 0 and in order, whose printed weights are off by more than the tolerance: a list.

    rows: tuples (in_channels, one, (reduce3, three), (reduce5, five), pool, printed): channels that the module reads,
    its kernels on each path, and the weights as printed. tolerance: a share of what the columns give, like 0.01.
    """
''',
        hint="All four paths read all input channels; only the second convolution of a path reads the reduced ones. "
        "Compute the weights of each row, and compare the printed number with them, upward and downward.",
        solution="""
def answer(rows, tolerance):
    wrong = []
    for number, (inside, one, three, five, pool, printed) in enumerate(rows):
        weights = inside * (one + three[0] + five[0] + pool) + 9 * three[0] * three[1] + 25 * five[0] * five[1]
        if abs(printed - weights) > tolerance * weights:
            wrong.append(number)
    return wrong
""",
        mistakes=(
            # the naive module
            "def answer(rows, tolerance):\n"
            "    return [n for n, (i, one, three, five, pool, printed) in enumerate(rows)\n"
            "            if abs(printed / (i * (one + 9 * three[1] + 25 * five[1])) - 1) > tolerance]",
            # each path sees a quarter of the channels, as groups would
            "def answer(rows, tolerance):\n"
            "    return [n for n, (i, one, t, f, pool, printed) in enumerate(rows)\n"
            "            if abs(printed / (i // 4 * (one + t[0] + f[0] + pool) + 9 * t[0] * t[1] + 25 * f[0] * f[1])\n"
            "                   - 1) > tolerance]",
            Mistake(
                "def answer(rows, tolerance):\n"
                "    return [n for n, (i, one, t, f, pool, printed) in enumerate(rows)\n"
                "            if printed / (i * (one + t[0] + f[0] + pool) + 9 * t[0] * t[1] + 25 * f[0] * f[1]) - 1\n"
                "            > tolerance]",
                "A printed number can be too small as well.",
            ),
        ),
        check=_check_table,
    ),
    Exercise(
        key="05.4",
        title="A bottleneck unit",
        stub='''
def answer(x, channels, stride):
    """Maps with 4 * channels channels, and height and width divided by the stride: a bottleneck unit on the maps x."""
''',
        hint="Begin with the three convolutions, each followed by batch norm, and leave the third without ReLU. The "
        "shortcut needs weights in two cases: a step, or another number of channels than `4 * channels`.",
        solution=_BOTTLENECK,
        mistakes=(
            Mistake(
                _BOTTLENECK.replace("stride > 1 or ", ""),
                "A unit that keeps the number of channels may still make a step, and a sum needs maps of one shape.",
            ),
            Mistake(
                _BOTTLENECK.replace(
                    "(channels, 1, stride), (channels, 3, 1)", "(channels, 1, 1), (channels, 3, stride)"
                ),
                "The step belongs into the first convolution here, so that no other works on the large maps.",
            ),
            Mistake(
                _BOTTLENECK.replace("        if wide == channels:\n            y", "        y"),
                "What is added to the shortcut may be negative: no ReLU before the sum.",
            ),
            Mistake(
                _BOTTLENECK.replace(
                    "    return layers.ReLU()(layers.Add()([x, y]))", "    return layers.Add()([x, y])"
                ),
                "Behind the sum there is a ReLU, too.",
            ),
            Mistake(
                _BOTTLENECK.replace("if stride > 1 or x.shape[-1] != 4 * channels", "if True"),
                "Where the shape does not change, the shortcut has no layer.",
            ),
            _BOTTLENECK.replace(", use_bias=False", ""),
        ),
        check=_check_bottleneck,
    ),
    Exercise(
        key="05.5",
        title="A network that slides",
        stub='''
def answer(model):
    """A Keras model for pictures (height, width, 1) of any size, with the weights of `model`.

    model: its layers are a Rescaling, a Conv2D, a Flatten and a Dense, for images (28, 28, 1). To be left as it is.
    """
''',
        hint="A dense layer on a map is a convolution with a kernel as large as the map. `Flatten` goes through the "
        "rows, in them through the columns, and at each pixel through the channels: so stand the kernel's entries.",
        solution=_SLIDING,
        mistakes=(
            Mistake(
                _SLIDING.replace(
                    "kernel.reshape(height, width, channels, len(bias))",
                    "kernel.reshape(channels, height, width, len(bias)).transpose(1, 2, 0, 3)",
                ),
                "In Keras all channels of a pixel stand side by side.",
            ),
            Mistake(
                _SLIDING.replace("(height, width))\n", '(height, width), padding="same")\n'),
                "Only windows that fit count: no padding.",
            ),
            "def answer(model):\n    return model",
        ),
        check=_check_sliding,
    ),
    Exercise(
        key="05.6",
        title="Train within a budget",
        stub='''
def answer(images, labels):
    """A Keras model, built and trained on digits (N, 28, 28, 1) with values from 0 to 255 and their labels."""
''',
        hint="Make the maps small early, with steps of 2, since work is weights times positions. Behind the first "
        "layer use separable convolutions with batch norm, and read a global pool with the only dense layer.",
        solution=_BUDGET,
        mistakes=(
            Mistake(
                _UNTRAINED.replace("SeparableConv2D", "Conv2D"),
                "Full 3×3 kernels have nine weights per pair of channels.",
            ),
            Mistake(
                _UNTRAINED.replace("GlobalMaxPooling2D", "Flatten"),
                "A dense layer on flattened maps has a weight per pixel, channel and class.",
            ),
            "import keras\n\n\ndef answer(images, labels):\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.GlobalMaxPooling2D(),"
            " keras.layers.Dense(10, kernel_initializer='zeros')])",
        ),
        check=_check_budget,
    ),
)
