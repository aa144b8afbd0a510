"""Exercises of chapter 08: units built, unrolled, taken out, kept in check; dense blocks; a deep network trained."""

import math

import numpy as np

from cnnlab.exercises import Exercise, Mistake, first_wrong, returned, shown
from cnnlab.exercises.comparing import differs, wrong_choice
from cnnlab.exercises.data import digits, digits_misjudged

PREACTIVATION = ("batch norm", "ReLU", "conv", "batch norm", "ReLU", "conv", "sum")
KINDS = {
    "BatchNormalization": "batch norm",
    "Conv2D": "conv",
    "Add": "sum",
    "ReLU": "ReLU",
    "Relu": "ReLU",
    "Activation": "ReLU",
}
UNROLLING_UNITS = {"U1", "U3", "U6"}  # of exercise 08.4; a test computes them
WHY_OTHERS_DO_NOT = {
    "U2": "what goes around is not x",
    "U4": "something stands between the addition and the next unit",
    "U5": "the addition is followed by a factor, which each unit after it applies again",
}
DEEP, LARGEST, LEAST_ACCURACY = 16, 20_000, 0.8  # of exercise 08.9


def _check_preactivation(answer) -> str | None:
    import keras

    for channels, stride, weights in ((4, 1, 320), (6, 2, 604), (6, 1, 604)):
        case = f"4 channels to {channels}, stride {stride}"
        image = keras.Input((8, 8, 4))
        got = returned(lambda x=image, to=channels, step=stride: answer(x, to, step))
        if not isinstance(got, keras.KerasTensor):
            return f"expected a Keras tensor, got {shown(got)}"
        if got.shape[1:] != (side := 8 // stride, side, channels):
            return f"{case}: expected shape {(None, side, side, channels)}, got {got.shape}"
        unit = keras.Model(image, got)
        kinds = [KINDS.get(type(step).__name__, step.name) for step in unit.operations[1:]]
        if channels == 4 and kinds != list(PREACTIVATION):
            return f"{case}: expected {', '.join(PREACTIVATION)}, got {', '.join(kinds)}"
        if unit.count_params() != weights:
            return f"{case}: expected {weights} parameters, got {unit.count_params()}"
        last = [layer for layer in unit.layers if getattr(layer, "kernel_size", 0) == (3, 3)][-1]
        last.kernel.assign(np.zeros(last.kernel.shape))
        x = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
        both = keras.ops.convert_to_numpy(unit(x)) + keras.ops.convert_to_numpy(unit(-x))
        if np.abs(both).max() > 1e-4:
            return f"{case}: with a last convolution of zeros, x and -x do not give opposite sums"
    return None


def _check_absorb(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for size, channels in ((3, 2), (1, 3), (5, 1)):
        kernel = generator.integers(-4, 5, (size, size, channels, channels)).astype(float)
        expected = kernel.copy()
        expected[size // 2, size // 2] += np.eye(channels)
        cases.append(((kernel,), expected))
    return first_wrong(answer, cases)


def _check_zeros(answer) -> str | None:
    cases = []
    for shape, channels, stride in (((1, 4, 4, 2), 3, 2), ((2, 6, 8, 3), 3, 1), ((1, 5, 5, 1), 4, 2)):
        x = np.arange(1.0, math.prod(shape) + 1).reshape(shape)
        kept = x[:, ::stride, ::stride]
        expected = np.zeros((*kept.shape[:3], channels))
        expected[..., : shape[3]] = kept
        cases.append(((x, channels, stride), expected))
    return first_wrong(answer, cases)


def _check_unrolling(answer) -> str | None:
    return wrong_choice(answer, UNROLLING_UNITS, WHY_OTHERS_DO_NOT, "unit")


def _check_gradient(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for units, size in ((1, 2), (2, 2), (3, 3), (5, 2)):
        weights = generator.integers(-2, 3, (units, size, size)).astype(float)
        end = generator.integers(-3, 4, size).astype(float)
        expected = end
        for matrix in reversed(weights):
            expected = expected + matrix.T @ expected
        cases.append(((list(weights), end), expected))
    return first_wrong(answer, cases)


def _small_units():
    """A model of four units with weights drawn at random, biases as well."""
    import keras
    from keras import layers

    image = x = keras.Input((8, 8, 3))
    for number in range(1, 5):
        y = layers.Conv2D(3, 3, padding="same", activation="relu", name=f"unit{number}_conv1")(x)
        x = layers.Add()([x, layers.Conv2D(3, 3, padding="same", name=f"unit{number}_conv2")(y)])
    model = keras.Model(image, layers.Dense(5)(layers.Flatten()(x)))
    draw = np.random.default_rng(0)
    model.set_weights([draw.normal(0, 0.2, weight.shape) for weight in model.weights])
    return model


def _check_lesion(answer) -> str | None:
    import keras

    model = _small_units()
    before = model.get_weights()
    images = np.random.default_rng(1).normal(size=(16, 8, 8, 3)).astype("float32")
    got = returned(lambda pictures: answer(model, pictures), images)
    if any(not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)):
        return "the weights of the model are not what they were"
    whole, expected = keras.ops.convert_to_numpy(model(images)), []
    for number in range(1, 5):
        image = x = model.input
        for other in range(1, 5):
            if other != number:
                branch = model.get_layer(f"unit{other}_conv2")(model.get_layer(f"unit{other}_conv1")(x))
                x = keras.layers.Add()([x, branch])
        outputs = keras.Model(image, model.layers[-1](model.layers[-2](x)))(images)
        expected.append(np.linalg.norm(outputs - whole) / np.linalg.norm(whole))
    return differs(got, np.array(expected), 1e-4)


def _check_scale(answer) -> str | None:
    cases = [((1, 5, 1), 2.0), ((2, 81, 2), 2.0), ((3, 8, 1), 1.0), ((4, 16, 4), 0.5), ((2, 1, 3), 0.0)]
    return first_wrong(answer, cases)


def _check_dense(answer) -> str | None:
    def count(channels, growth, layers):
        weights = sum((channels + growth * number) * growth * 9 for number in range(layers))
        return channels + growth * layers, layers * (layers + 1) // 2, weights

    cases = [((channels, k, n), count(channels, k, n)) for channels, k, n in ((3, 2, 1), (3, 2, 2), (16, 12, 12))]
    return first_wrong(answer, cases, parts=("the channels", "the links", "the weights"))


def _convolutions_in_a_row(model) -> int:
    """Most convolutions that a way from the model's inputs to its outputs goes through."""
    from keras import layers

    most = {}
    for operation in model.operations:
        for node in operation._inbound_nodes:
            before = max((most.get(id(tensor), 0) for tensor in node.input_tensors), default=0)
            for tensor in node.output_tensors:
                most[id(tensor)] = before + isinstance(operation, layers.Conv2D)
    return max(most.get(id(tensor), 0) for tensor in model.outputs)


def _check_deep(answer) -> str | None:
    import keras

    model = returned(answer, *digits(0, 2000))
    if not isinstance(model, keras.Model):
        return f"expected a Keras model, got {shown(model)}"
    if (found := _convolutions_in_a_row(getattr(model, "_functional", model))) < DEEP:
        return f"no way through it has more than {found} convolutions"
    if model.count_params() > LARGEST:
        return f"it has {model.count_params():,} parameters"
    return digits_misjudged(model, LEAST_ACCURACY)


EXERCISES = (
    Exercise(
        key="08.1",
        title="Build the pre-activation unit",
        stub='''
def answer(x, channels, stride):
    """The unit of order (e) on a Keras tensor x, of two 3 x 3 convolutions without biases, the first with `stride`.

    Where the shape changes, a 1 x 1 convolution without bias stands on the shortcut and reads x itself.
    """
''',
        hint="Write seven steps from top to bottom: batch norm, ReLU and convolution, twice, and the addition of x. "
        "Only the first convolution has the stride; nothing follows the addition.",
        solution="""
from keras import layers


def answer(x, channels, stride):
    y = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False)(y)
    if stride > 1 or x.shape[-1] != channels:
        x = layers.Conv2D(channels, 1, stride, use_bias=False)(x)
    return layers.Add()([x, y])
""",
        mistakes=(
            Mistake(
                "from keras import layers\ndef answer(x, channels, stride):\n"
                "    y = layers.Conv2D(channels, 3, stride, padding='same', use_bias=False)(x)\n"
                "    y = layers.ReLU()(layers.BatchNormalization()(y))\n"
                "    y = layers.Conv2D(channels, 3, padding='same', use_bias=False)(y)\n"
                "    y = layers.BatchNormalization()(y)\n"
                "    if stride > 1 or x.shape[-1] != channels:\n"
                "        x = layers.Conv2D(channels, 1, stride, use_bias=False)(x)\n"
                "    return layers.ReLU()(layers.Add()([x, y]))",
                "That is the published order, (a): in (e) batch norm and ReLU stand before each convolution.",
            ),
            # a shortcut that does not follow the stride
            "from keras import layers\ndef answer(x, channels, stride):\n"
            "    y = layers.ReLU()(layers.BatchNormalization()(x))\n"
            "    y = layers.Conv2D(channels, 3, stride, padding='same', use_bias=False)(y)\n"
            "    y = layers.ReLU()(layers.BatchNormalization()(y))\n"
            "    y = layers.Conv2D(channels, 3, padding='same', use_bias=False)(y)\n"
            "    return layers.Add()([x, y])",
            # the shortcut reads what is activated
            "from keras import layers\ndef answer(x, channels, stride):\n"
            "    z = layers.ReLU()(layers.BatchNormalization()(x))\n"
            "    y = layers.Conv2D(channels, 3, stride, padding='same', use_bias=False)(z)\n"
            "    y = layers.ReLU()(layers.BatchNormalization()(y))\n"
            "    y = layers.Conv2D(channels, 3, padding='same', use_bias=False)(y)\n"
            "    if stride > 1 or x.shape[-1] != channels:\n"
            "        x = layers.Conv2D(channels, 1, stride, use_bias=False)(z)\n"
            "    return layers.Add()([x, y])",
            # biases
            "from keras import layers\ndef answer(x, channels, stride):\n"
            "    y = layers.ReLU()(layers.BatchNormalization()(x))\n"
            "    y = layers.Conv2D(channels, 3, stride, padding='same')(y)\n"
            "    y = layers.ReLU()(layers.BatchNormalization()(y))\n"
            "    y = layers.Conv2D(channels, 3, padding='same')(y)\n"
            "    return layers.Add()([layers.Conv2D(channels, 1, stride)(x) if stride > 1 else x, y])",
        ),
        check=_check_preactivation,
    ),
    Exercise(
        key="08.2",
        title="A unit of one layer is a layer",
        stub='''
def answer(kernel):
    """Kernel of the one convolution (padding "same") that computes x + conv(x, kernel).

    kernel has shape (size, size, channels, channels), size odd.
    """
''',
        hint="Add the kernel that hands on its input. It is 1 in the middle, from each channel to itself.",
        solution="""
def answer(kernel):
    combined = kernel.copy()
    middle = kernel.shape[0] // 2
    combined[middle, middle] += np.eye(kernel.shape[2])
    return combined
""",
        mistakes=(
            Mistake(
                "def answer(kernel):\n    return kernel + 1",
                "That adds, at each place, the sum of all nine neighbors in all channels; x alone is wanted.",
            ),
            # every channel to every channel
            "def answer(kernel):\n    combined = kernel.copy()\n    middle = kernel.shape[0] // 2\n"
            "    combined[middle, middle] += 1\n    return combined",
            # not in the middle
            "def answer(kernel):\n    combined = kernel.copy()\n    combined[0, 0] += np.eye(kernel.shape[2])\n"
            "    return combined",
        ),
        check=_check_absorb,
    ),
    Exercise(
        key="08.3",
        title="The shortcut of zeros",
        stub='''
def answer(x, channels, stride):
    """x (N, H, W, C) for an addition with (N, H / stride, W / stride, channels): no weights, first pixels kept."""
''',
        hint="Take every stride-th row and column, beginning with the first. "
        "Then add channels of zeros behind the last, with `np.pad` or `np.concatenate`.",
        solution="""
def answer(x, channels, stride):
    x = x[:, ::stride, ::stride]
    return np.pad(x, [(0, 0), (0, 0), (0, 0), (0, channels - x.shape[3])])
""",
        mistakes=(
            # zeros in front
            "def answer(x, channels, stride):\n    x = x[:, ::stride, ::stride]\n"
            "    return np.pad(x, [(0, 0), (0, 0), (0, 0), (channels - x.shape[3], 0)])",
            # a corner of the picture in place of a coarser one
            "def answer(x, channels, stride):\n    x = x[:, : x.shape[1] // stride, : x.shape[2] // stride]\n"
            "    return np.pad(x, [(0, 0), (0, 0), (0, 0), (0, channels - x.shape[3])])",
            # forgets the stride
            "def answer(x, channels, stride):\n"
            "    return np.pad(x, [(0, 0), (0, 0), (0, 0), (0, channels - x.shape[3])])",
        ),
        check=_check_zeros,
    ),
    Exercise(
        key="08.4",
        title="Which units unroll?",
        stub="""
answer = None  # a set of names
""",
        hint="Write two units in a row and put the first into the second. Is the result the first input, unchanged, "
        "and a sum of what the branches put out?",
        solution="""
answer = {"U1", "U3", "U6"}
""",
        mistakes=(
            'answer = {"U1", "U3", "U5", "U6"}',
            'answer = {"U1", "U6"}',
            'answer = {"U2", "U4"}',
            'answer = {"U1", "U3", "U4", "U6"}',
            'answer = {"U1", "U7"}',
            'answer = "U1"',
        ),
        check=_check_unrolling,
    ),
    Exercise(
        key="08.5",
        title="Back through a row of units",
        stub='''
def answer(weights, end):
    """Gradient of the loss for x of a row of units x + W @ x.

    weights: the square matrices, first unit first; end: gradient for the last unit's output.
    """
''',
        hint="Go from the last unit to the first. Each adds to the gradient what comes back through its matrix, "
        "which is the transposed matrix times the gradient.",
        solution="""
def answer(weights, end):
    gradient = end
    for matrix in reversed(weights):
        gradient = gradient + matrix.T @ gradient
    return gradient
""",
        mistakes=(
            Mistake(
                "def answer(weights, end):\n    return end + sum(matrix.T @ end for matrix in weights)",
                "The second unit reads what the first has put out, so some of the gradient goes through both.",
            ),
            # forward instead of back
            "def answer(weights, end):\n    gradient = end\n    for matrix in weights:\n"
            "        gradient = gradient + matrix.T @ gradient\n    return gradient",
            # a plain network's
            "def answer(weights, end):\n    gradient = end\n    for matrix in reversed(weights):\n"
            "        gradient = matrix.T @ gradient\n    return gradient",
            Mistake(
                "def answer(weights, end):\n    gradient = end\n    for matrix in reversed(weights):\n"
                "        gradient = gradient + matrix @ gradient\n    return gradient",
                "Forward, row i of the matrix gathers what output i reads; back, a column is needed.",
            ),
        ),
        check=_check_gradient,
    ),
    Exercise(
        key="08.6",
        title="Take units out",
        stub='''
def answer(model, images):
    """How much the outputs change without each unit: a list of the length of the change over that of the outputs.

    model: a Keras model of four units x + conv2(relu(conv1(x))), whose layers are called unit1_conv1, unit1_conv2, ...
    unit4_conv2, all with biases; to be left as it is. images: (N, 8, 8, 3).
    """
''',
        hint="A unit whose last layer puts out zeros is not there. `get_weights` keeps what the layer had, "
        "`set_weights` sets it to zeros and gives it back; `np.linalg.norm` is the length.",
        solution="""
def answer(model, images):
    whole, changes = np.array(model(images)), []
    for number in range(1, 5):
        layer = model.get_layer(f"unit{number}_conv2")
        kept = layer.get_weights()
        layer.set_weights([0 * weight for weight in kept])
        changes.append(np.linalg.norm(model(images) - whole) / np.linalg.norm(whole))
        layer.set_weights(kept)
    return changes
""",
        mistakes=(
            Mistake(
                "def answer(model, images):\n    whole, changes = np.array(model(images)), []\n"
                "    for number in range(1, 5):\n        layer = model.get_layer(f'unit{number}_conv2')\n"
                "        kernel, bias = layer.get_weights()\n        layer.set_weights([0 * kernel, bias])\n"
                "        changes.append(np.linalg.norm(model(images) - whole) / np.linalg.norm(whole))\n"
                "        layer.set_weights([kernel, bias])\n    return changes",
                "A layer without its kernel still puts out its bias.",
            ),
            Mistake(
                "def answer(model, images):\n    whole, changes = np.array(model(images)), []\n"
                "    for number in range(1, 5):\n        layer = model.get_layer(f'unit{number}_conv2')\n"
                "        layer.set_weights([0 * weight for weight in layer.get_weights()])\n"
                "        changes.append(np.linalg.norm(model(images) - whole) / np.linalg.norm(whole))\n"
                "    return changes",
                "One unit is to be missing at a time, and all are to be back at the end.",
            ),
            # the change itself, not relative to the outputs
            "def answer(model, images):\n    whole, changes = np.array(model(images)), []\n"
            "    for number in range(1, 5):\n        layer = model.get_layer(f'unit{number}_conv2')\n"
            "        kept = layer.get_weights()\n        layer.set_weights([0 * weight for weight in kept])\n"
            "        changes.append(np.linalg.norm(model(images) - whole))\n        layer.set_weights(kept)\n"
            "    return changes",
        ),
        check=_check_lesion,
    ),
    Exercise(
        key="08.7",
        title="The scale for a depth",
        stub='''
def answer(units, growth, gain):
    """The largest scale s at which `units` units x + s * F(x) multiply the variance by no more than `growth`.

    F puts out `gain` times the variance of its input; x and F(x) are not correlated; nothing follows the addition.
    """
''',
        hint="All units together multiply by `growth`, so each one by its root of order `units`. Of this factor, 1 is "
        "the variance of x; the rest is that of the scaled branch, in which the scale is squared.",
        solution="""
def answer(units, growth, gain):
    return ((growth ** (1 / units) - 1) / gain) ** 0.5
""",
        mistakes=(
            Mistake(
                "def answer(units, growth, gain):\n    return (growth ** (1 / units) - 1) / gain",
                "A factor in front of a value enters its variance squared.",
            ),
            Mistake(
                "def answer(units, growth, gain):\n    return ((growth - 1) / units / gain) ** 0.5",
                "The units multiply: two that double the variance make it four times as large, not three.",
            ),
            "def answer(units, growth, gain):\n    return (growth ** (1 / units) - 1) ** 0.5",
            "def answer(units, growth, gain):\n    return (growth ** (1 / units) / gain) ** 0.5",
        ),
        check=_check_scale,
    ),
    Exercise(
        key="08.8",
        title="Count a dense block",
        stub='''
def answer(channels, growth, layers):
    """(channels out, links, weights) of a dense block of 3x3 layers without 1x1 layers and biases."""
''',
        hint="A layer reads the block's input and the maps of all layers before it. "
        "So layer number n has `channels + (n - 1) * growth` maps to read, and `growth` to write.",
        solution="""
def answer(channels, growth, layers):
    weights = sum(9 * (channels + number * growth) * growth for number in range(layers))
    return channels + layers * growth, layers * (layers + 1) // 2, weights
""",
        mistakes=(
            # layers that read their neighbor only
            "def answer(channels, growth, layers):\n"
            "    return channels + layers * growth, layers, 9 * growth * (channels + (layers - 1) * growth)",
            # forgets that the input is a source too
            "def answer(channels, growth, layers):\n"
            "    weights = sum(9 * (channels + number * growth) * growth for number in range(layers))\n"
            "    return channels + layers * growth, layers * (layers - 1) // 2, weights",
            # adds in place of concatenating
            "def answer(channels, growth, layers):\n"
            "    return channels, layers * (layers + 1) // 2, layers * 9 * channels * growth",
        ),
        check=_check_dense,
    ),
    Exercise(
        key="08.9",
        title="Train a deep one",
        stub='''
def answer(images, labels):
    """A Keras model with 16 convolutions in a row or more, trained on digits (N, 28, 28, 1), 0 to 255, and labels."""
''',
        hint="A first convolution with a stride of 4 leaves 7 x 7 places; 8 channels and eight units of two "
        "convolutions do. Give the batch norms a momentum of 0.9 and train for a few epochs.",
        solution="""
import keras
from keras import layers


def answer(images, labels):
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 5, strides=4, padding="same")(layers.Rescaling(1 / 255)(inputs))
    for _ in range(8):
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        y = layers.Conv2D(8, 3, padding="same", use_bias=False)(y)
        y = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(y))
        x = layers.Add()([x, layers.Conv2D(8, 3, padding="same", use_bias=False)(y)])
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=loss)
    model.fit(images, labels, batch_size=100, epochs=5, verbose=0)
    return model
""",
        mistakes=(
            # not deep
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(8, 5, 4), layers.ReLU(), layers.Conv2D(8, 3), layers.Flatten()]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Dense(10)])",
            # deep and not trained
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(4, 5, 4), *(layers.Conv2D(4, 3, padding='same') for _ in range(16))]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Flatten(), layers.Dense(10)])",
            # side by side in place of one behind the other
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    inputs = keras.Input((28, 28, 1))\n    x = layers.Conv2D(4, 5, 4)(inputs)\n"
            "    x = layers.Add()([layers.Conv2D(4, 3)(x) for _ in range(16)])\n"
            "    return keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))",
            # too large
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(32, 5, 4), *(layers.Conv2D(32, 3, padding='same') for _ in range(16))]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Flatten(), layers.Dense(10)])",
        ),
        check=_check_deep,
    ),
)
