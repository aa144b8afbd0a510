"""Exercises of chapter 03: slopes, units that do not bend, gradients, first weights, a network to be revived."""

from functools import cache

import numpy as np

from cnnlab import reference
from cnnlab.exercises import Exercise, Mistake, first_wrong, returned, shown, wrong_value
from cnnlab.exercises.data import digits

DEPTH, WIDTH = 8, 50  # of exercise 03.7
LEAST_SPREAD, LARGEST_SPREAD = 0.9, 1.1
MOST_DEAD, LEAST_ACCURACY = 3, 0.85  # of exercise 03.8


def _check_depth(answer) -> str | None:
    return wrong_value(answer, 5, "a whole number of layers")


def _check_scaled_tanh(answer) -> str | None:
    def slope(x, a, b):  # the other way of writing it
        return a * b / np.cosh(b * x) ** 2

    cases = [(np.array([0.0]), 2, 3), (np.array([1.0]), 2, 1), (np.array([[0.0, 1.5], [-3.0, 6.0]]), 1.7159, 2 / 3)]
    return first_wrong(answer, [(case, slope(*case)) for case in cases])


def _check_prelu(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for shape in ((1, 2), (5, 3), (2, 4, 4, 3)):
        x, delta = generator.integers(-5, 6, (2, *shape)).astype(float)
        x[x == 0] = 3  # at 0 either slope would be right
        slope = generator.integers(1, 9, shape[-1]) / 10
        for_slopes = (delta * x * (x < 0)).sum(axis=tuple(range(len(shape) - 1)))
        cases.append(((x, slope, delta), (delta * np.where(x < 0, slope, 1), for_slopes)))
    return first_wrong(answer, cases, parts=("gradient for x", "gradient for the slopes"))


def _check_straight(answer) -> str | None:
    cases = [
        ((np.array([[1, -1, -2, 3], [2, -4, 5, 4]]),), 0.75),
        ((np.array([[-1, -1], [-2, -2], [-3, 1]]),), 0.5),
        ((np.array([[5, -1], [-5, 1]]),), 0.0),
        # Positive on the mean, and with a bend all the same.
        ((np.array([[9, -1, 1, 1], [-1, -1, 1, 1]]),), 0.75),
    ]
    return first_wrong(answer, cases)


def _check_stride(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    # Without overlap; with a rest on both axes, and with overlap; stride 1; all at once.
    sizes = ((4, 4, 2, 2, 2), (6, 5, 3, 2, 2), (5, 5, 3, 3, 1), (12, 9, 4, 2, 3))
    for rows, columns, kernel_rows, kernel_columns, stride in sizes:
        kernel = generator.integers(1, 5, (kernel_rows, kernel_columns))
        height, width = (rows - kernel_rows) // stride + 1, (columns - kernel_columns) // stride + 1
        delta = generator.integers(1, 5, (height, width))
        expected, _, _ = reference.conv2d_gradients(
            np.zeros((rows, columns, 1)), kernel[..., None, None], delta[..., None], stride
        )
        cases.append(((kernel, delta, stride, (rows, columns)), expected[..., 0]))
    return first_wrong(answer, cases)


def _check_shortcut(answer) -> str | None:
    def gradients(x, kernel, bias, delta):
        inside = np.where(x @ kernel + bias > 0, delta, 0)
        return delta + inside @ kernel.T, x.T @ inside, inside.sum(axis=0)

    generator = np.random.default_rng(0)
    cases = [(np.array([[1, 2]]), np.array([[1, 0], [2, -3]]), np.array([0, 1]), np.array([[1, 10]]))]
    for examples, width in ((1, 3), (4, 3)):
        x, kernel = generator.integers(-3, 4, (examples, width)), generator.integers(-3, 4, (width, width))
        # Half a unit keeps the sums off 0, where either slope would be right.
        bias, delta = generator.integers(-3, 4, width) + 0.5, generator.integers(1, 9, (examples, width))
        cases.append((x, kernel, bias, delta))
    parts = ("gradient for x", "gradient for the kernel", "gradient for the bias")
    return first_wrong(answer, [(case, gradients(*case)) for case in cases], parts=parts)


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """The course's own training digits as rows (N, 784), float32 with mean 0 and deviation 1, and their labels."""
    images, labels = digits(0, 4000)
    rows = images.reshape(-1, 28 * 28)
    return (rows - rows.mean()) / rows.std(), labels


def _check_first_weights(answer) -> str | None:
    functions = {
        "tanh": np.tanh,
        "the sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
        "the absolute value": np.abs,
        "ELU": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    }
    for name, function in functions.items():
        rows = _digits()[0][:500]
        kernels = returned(answer, rows, function, DEPTH, WIDTH)
        if not isinstance(kernels, list | tuple) or len(kernels) != DEPTH:
            return f"expected a list of {DEPTH} kernels, got {shown(kernels)}"
        for number, kernel in enumerate(kernels, start=1):
            if np.shape(kernel) != (rows.shape[1], WIDTH):
                return f"kernel {number}: expected shape {(rows.shape[1], WIDTH)}, got {np.shape(kernel)}"
            if np.unique(kernel, axis=1).shape[1] < WIDTH:
                return f"kernel {number} has units with equal weights"
            sums = rows @ kernel
            if not LEAST_SPREAD <= sums.std() <= LARGEST_SPREAD:
                return f"with {name}, the sums of layer {number} have the standard deviation {sums.std():.2f}"
            rows = function(sums)
    return None


def _struck_network() -> list[np.ndarray]:
    """Kernel, bias, kernel, bias of a network 784 - 64 - 10 of which a step too large has killed 48 hidden units."""
    generator = np.random.default_rng(3)
    first = generator.normal(0, (2 / 784) ** 0.5, (784, 64)).astype("float32")
    last = generator.normal(0, (1 / 64) ** 0.5, (64, 10)).astype("float32")
    bias = np.zeros(64, "float32")
    bias[generator.permutation(64)[:48]] = -40
    return [first, bias, last, np.zeros(10, "float32")]


def _silent(weights: list[np.ndarray], rows: np.ndarray) -> int:
    """Number of hidden units that are positive for none of the rows."""
    return int((rows @ weights[0] + weights[1] <= 0).all(axis=0).sum())


def _check_revived(answer) -> str | None:
    rows, labels = _digits()
    struck = _struck_network()
    got = returned(answer, struck, rows[:2000], labels[:2000])
    if not isinstance(got, list | tuple) or len(got) != len(struck):
        return f"expected four arrays, got {shown(got)}"
    for name, array, before in zip(("kernel", "bias", "last kernel", "last bias"), got, struck, strict=True):
        if np.shape(array) != before.shape:
            return f"{name}: expected shape {before.shape}, got {np.shape(array)}"
    silent = _silent(got, rows[:2000])
    if silent > MOST_DEAD:
        return f"{silent} of 64 hidden units are silent for every digit"
    outputs = np.maximum(rows[3000:3500] @ got[0] + got[1], 0) @ got[2] + got[3]
    share = np.mean(outputs.argmax(axis=1) == labels[3000:3500])
    if share >= LEAST_ACCURACY:
        return None
    return f"of the other digits it gets less than {'half' if share < 0.5 else f'{LEAST_ACCURACY:.0%}'} right"


EXERCISES = (
    Exercise(
        key="03.1",
        title="How deep does a sigmoid let a gradient through?",
        stub="""
answer = None  # a whole number of layers
""",
        hint="Each sigmoid multiplies by its slope, which is a quarter at most. Multiply until you are below 1/1000.",
        solution="""
answer = next(layers for layers in range(1, 100) if 0.25**layers < 1 / 1000)
""",
        mistakes=(
            Mistake("answer = 4", "One more multiplication: 1/256 is not below 1/1000."),
            Mistake("answer = 10", "That would be a slope of one half; look at the sigmoid's bump again."),
            "answer = 6",
        ),
        check=_check_depth,
    ),
    Exercise(
        key="03.2",
        title="The slope of LeNet's activation",
        stub='''
def answer(x, a, b):
    """Slope of a * tanh(b * x), at each value of the array x."""
''',
        hint="The slope of `tanh(z)` is `1 - tanh(z)**2`. Here z is `b * x`, so the chain rule multiplies by b, "
        "and a multiplies all.",
        solution="""
def answer(x, a, b):
    return a * b * (1 - np.tanh(b * x) ** 2)
""",
        mistakes=(
            Mistake(
                "def answer(x, a, b):\n    return a * (1 - np.tanh(b * x) ** 2)",
                "Inside stands `b * x`: nudge x, and that moves b times as far.",
            ),
            Mistake(
                "def answer(x, a, b):\n    return b * (1 - np.tanh(b * x) ** 2)",
                "The output is a times the tanh, so its slope is, too.",
            ),
            Mistake(
                "def answer(x, a, b):\n    return a * b * (1 - (a * np.tanh(b * x)) ** 2)",
                "What is squared is the tanh, before a multiplies it.",
            ),
        ),
        check=_check_scaled_tanh,
    ),
    Exercise(
        key="03.3",
        title="The gradients of PReLU",
        stub='''
def answer(x, slope, delta):
    """Gradients of the loss for x and for the slopes of a PReLU, y = x where x > 0, else slope * x.

    x and delta, the gradient for y, have shape (..., channels); slope has shape (channels,).
    """
''',
        hint="A slope is shared by all examples and positions of its channel, so their contributions add up. "
        "One value contributes `delta * x` where x is negative, and nothing elsewhere.",
        solution="""
def answer(x, slope, delta):
    negative = x < 0
    others = tuple(range(x.ndim - 1))  # every axis but the channels
    return delta * np.where(negative, slope, 1), np.sum(delta * x * negative, axis=others)
""",
        mistakes=(
            Mistake(
                "def answer(x, slope, delta):\n    negative = x < 0\n"
                "    return delta * np.where(negative, slope, 1), np.sum(delta * x * negative)",
                "Each channel has a slope of its own, and a gradient for it.",
            ),
            Mistake(
                "def answer(x, slope, delta):\n    negative = x < 0\n"
                "    return np.where(negative, slope, 1.0), "
                "np.sum(x * negative, axis=tuple(range(x.ndim - 1)))",
                "The slope multiplies what comes back from above: where is delta?",
            ),
            Mistake(
                "def answer(x, slope, delta):\n    negative = x < 0\n    others = tuple(range(x.ndim - 1))\n"
                "    return delta * np.where(negative, slope, 1), np.mean(delta * x * negative, axis=others)",
                "A fork adds what comes back; it does not average.",
            ),
        ),
        check=_check_prelu,
    ),
    Exercise(
        key="03.4",
        title="Units that do not bend",
        stub='''
def answer(sums):
    """Share of leaky ReLU units that are straight on the data; sums (examples, units) are what goes into them."""
''',
        hint="A unit is straight if its sum is on one side of zero for all examples. "
        "There are two such sides; ask about each column, then average over the columns.",
        solution="""
def answer(sums):
    positive = sums > 0
    return np.mean(positive.all(axis=0) | ~positive.any(axis=0))
""",
        mistakes=(
            Mistake(
                "def answer(sums):\n    return np.mean(~(sums > 0).any(axis=0))",
                "A unit whose sum is positive for *every* example is a straight line, too.",
            ),
            Mistake(
                "def answer(sums):\n    positive = sums > 0\n"
                "    return np.mean(positive.all(axis=1) | ~positive.any(axis=1))",
                "A unit is a column: go through the examples, axis 0.",
            ),
            "def answer(sums):\n    return np.mean(sums <= 0)",  # share of values, not of units
        ),
        check=_check_straight,
    ),
    Exercise(
        key="03.5",
        title="Back through a convolution with a stride",
        stub='''
def answer(kernel, delta, stride, image_shape):
    """Gradient for the image of a convolution without padding: an array of image_shape.

    kernel (U, V); delta, the gradient for the output, has one value for each position of the kernel.
    """
''',
        hint="Each value of delta came from one window: add the kernel, times that value, onto the window's place. "
        "Or put stride - 1 zeros between the values and correlate with the turned kernel.",
        solution="""
def answer(kernel, delta, stride, image_shape):
    gradient = np.zeros(image_shape)
    height, width = kernel.shape
    for (row, column), value in np.ndenumerate(delta):
        top, left = row * stride, column * stride
        gradient[top : top + height, left : left + width] += value * kernel
    return gradient
""",
        mistakes=(
            Mistake(
                "def answer(kernel, delta, stride, image_shape):\n    gradient = np.zeros(image_shape)\n"
                "    height, width = kernel.shape\n    for (row, column), value in np.ndenumerate(delta):\n"
                "        gradient[row : row + height, column : column + width] += value * kernel\n"
                "    return gradient",
                "Two neighbors in delta are `stride` pixels apart in the image.",
            ),
            Mistake(
                "def answer(kernel, delta, stride, image_shape):\n    gradient = np.zeros(image_shape)\n"
                "    height, width = kernel.shape\n    for (row, column), value in np.ndenumerate(delta):\n"
                "        top, left = row * stride, column * stride\n"
                "        gradient[top : top + height, left : left + width] = value * kernel\n    return gradient",
                "Where windows overlap, a pixel was used twice: add.",
            ),
            Mistake(
                "def answer(kernel, delta, stride, image_shape):\n    gradient = np.zeros(image_shape)\n"
                "    height, width = kernel.shape\n    for (row, column), value in np.ndenumerate(delta):\n"
                "        top, left = row * stride, column * stride\n"
                "        gradient[top : top + height, left : left + width] += value * kernel[::-1, ::-1]\n"
                "    return gradient",
                "The stamp is the kernel as it is; it is turned only where it slides over delta.",
            ),
            Mistake(
                "def answer(kernel, delta, stride, image_shape):\n    height, width = kernel.shape\n"
                "    rows, columns = delta.shape\n"
                "    gradient = np.zeros(((rows - 1) * stride + height, (columns - 1) * stride + width))\n"
                "    for (row, column), value in np.ndenumerate(delta):\n"
                "        top, left = row * stride, column * stride\n"
                "        gradient[top : top + height, left : left + width] += value * kernel\n    return gradient",
                "The last rows and columns, which no window reaches, have a gradient as well: zero.",
            ),
        ),
        check=_check_stride,
    ),
    Exercise(
        key="03.6",
        title="A shortcut around a layer",
        stub='''
def answer(x, kernel, bias, delta):
    """Gradients of the loss for x, kernel and bias of y = x + ReLU(x @ kernel + bias): three arrays.

    x and delta, the gradient for y: (examples, width); kernel (width, width); bias (width,).
    """
''',
        hint="Here x is used twice, so two gradients meet at it. One comes around the layer unchanged; "
        "the other through ReLU, which stops it where the sum is not positive, and through the dense layer.",
        solution="""
def answer(x, kernel, bias, delta):
    inside = delta * (x @ kernel + bias > 0)
    return delta + inside @ kernel.T, x.T @ inside, inside.sum(axis=0)
""",
        mistakes=(
            Mistake(
                "def answer(x, kernel, bias, delta):\n    inside = delta * (x @ kernel + bias > 0)\n"
                "    return inside @ kernel.T, x.T @ inside, inside.sum(axis=0)",
                "x is used twice: add what comes back around the layer.",
            ),
            Mistake(
                "def answer(x, kernel, bias, delta):\n"
                "    return delta + delta @ kernel.T, x.T @ delta, delta.sum(axis=0)",
                "ReLU stops the gradient where its sum was not positive.",
            ),
            Mistake(
                "def answer(x, kernel, bias, delta):\n    inside = delta * (x @ kernel + bias > 0)\n"
                "    return delta + inside @ kernel, x.T @ inside, inside.sum(axis=0)",
                "On the way back the kernel leads from units to inputs: transpose it.",
            ),
            # a mean for the bias
            "def answer(x, kernel, bias, delta):\n    inside = delta * (x @ kernel + bias > 0)\n"
            "    return delta + inside @ kernel.T, x.T @ inside, inside.mean(axis=0)",
        ),
        check=_check_shortcut,
    ),
    Exercise(
        key="03.7",
        title="First weights for any activation",
        stub='''
def answer(rows, function, depth, width):
    """A list of `depth` kernels: the first (inputs, width), the others (width, width).

    rows: (examples, inputs), digits with mean 0 and deviation 1; function: the activation behind each layer.
    """
''',
        hint="Do not compute the gain, measure it. Draw a kernel, send the digits through, divide the kernel by the "
        "standard deviation of the sums; then go on with what the activation makes of the new sums.",
        solution="""
def answer(rows, function, depth, width):
    generator = np.random.default_rng(0)
    kernels = []
    for _ in range(depth):
        kernel = generator.normal(size=(rows.shape[1], width))
        kernel /= (rows @ kernel).std()
        kernels.append(kernel)
        rows = function(rows @ kernel)
    return kernels
""",
        mistakes=(
            # He's rule for every activation
            "def answer(rows, function, depth, width):\n    generator = np.random.default_rng(0)\n"
            "    lengths = [rows.shape[1]] + [width] * (depth - 1)\n"
            "    return [generator.normal(0, (2 / n) ** 0.5, (n, width)) for n in lengths]",
            # measured on the digits for every layer, not on what reaches it
            Mistake(
                "def answer(rows, function, depth, width):\n    generator = np.random.default_rng(0)\n"
                "    kernels = [generator.normal(size=(n, width)) for n in [rows.shape[1]] + [width] * (depth - 1)]\n"
                "    return [k / (rows[:, : len(k)] @ k).std() for k in kernels]",
                "A layer behind the first does not see the digits, but what the activation before it puts out.",
            ),
            Mistake(
                "def answer(rows, function, depth, width):\n"
                "    return [np.full((n, width), 1 / n) for n in [rows.shape[1]] + [width] * (depth - 1)]",
                "Units that start equal get equal gradients and stay equal: draw the weights.",
            ),
        ),
        check=_check_first_weights,
    ),
    Exercise(
        key="03.8",
        title="Revive a network",
        stub='''
def answer(weights, images, labels):
    """The weights of the revived and trained network: a list of four arrays of the shapes that came in.

    weights: kernel (784, 64), bias (64,), last kernel (64, 10), last bias (10,); ReLU stands between the layers.
    images: (N, 784), digits with mean 0 and deviation 1; labels: (N,).
    """
''',
        hint="Training alone cannot wake a dead unit, so find the units that are positive for no image and draw new "
        "weights for them, with He's gain and bias zero. Then train all weights, 10 epochs or so.",
        solution="""
def answer(weights, images, labels):
    generator = np.random.default_rng(0)
    kernel, bias, last, last_bias = weights
    dead = (images @ kernel + bias <= 0).all(axis=0)
    kernel[:, dead] = generator.normal(0, (2 / 784) ** 0.5, (784, dead.sum()))
    bias[dead] = 0
    for _ in range(400):
        batch = generator.integers(len(images), size=64)
        hidden = np.maximum(images[batch] @ kernel + bias, 0)
        logits = hidden @ last + last_bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        delta = (odds / odds.sum(axis=1, keepdims=True) - np.eye(10)[labels[batch]]) / 64
        to_hidden = delta @ last.T * (hidden > 0)
        last -= 0.05 * hidden.T @ delta
        last_bias -= 0.05 * delta.sum(axis=0)
        kernel -= 0.05 * images[batch].T @ to_hidden
        bias -= 0.05 * to_hidden.sum(axis=0)
    return [kernel, bias, last, last_bias]
""",
        mistakes=(
            Mistake(
                "def answer(weights, images, labels):\n    return weights",
                "Training alone would not help: a dead unit gets no gradient, whatever the learning rate.",
            ),
            Mistake(
                "def answer(weights, images, labels):\n    weights[1][:] = 0\n    return weights",
                "All units are awake; now they have to learn.",
            ),
            # a fresh network of another size
            "def answer(weights, images, labels):\n    return [np.zeros((784, 32)), np.zeros(32), *weights[2:]]",
            "def answer(weights, images, labels):\n    return weights[0]",
        ),
        check=_check_revived,
    ),
)
