"""Exercises of chapter 03: slopes of activations, dead units, and gradients of convolution and pooling."""

import numpy as np

from cnnlab import reference
from cnnlab.exercises import Exercise, first_wrong, wrong_value


def _check_depth(answer) -> str | None:
    return wrong_value(answer, 5, "a whole number of layers")


def _check_swish(answer) -> str | None:
    def slope(x):  # one fraction, the other way of writing it
        return (1 + np.exp(-x) * (1 + x)) / (1 + np.exp(-x)) ** 2

    cases = [np.array([0.0]), np.array([1.0]), np.array([-1.0, -3.0]), np.array([[0.0, 2.5], [-8.0, 20.0]])]
    return first_wrong(answer, [((x,), slope(x)) for x in cases])


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


def _check_dead(answer) -> str | None:
    cases = [
        ((np.array([[1.0, -1.0, -2.0], [-3.0, -4.0, 5.0]]),), 1 / 3),
        ((np.array([[-1.0, -0.1], [-2.0, -0.2], [-3.0, -0.3]]),), 1.0),
        ((np.array([[0.5, -1.0], [-0.5, 1.0]]),), 0.0),
        # Negative on the mean, but alive: one example reaches it.
        ((np.array([[-9.0, -1.0, -1.0, -1.0], [0.1, -1.0, -1.0, -1.0]]),), 0.75),
    ]
    return first_wrong(answer, cases)


def _check_stride(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for rows, columns, kernel_rows, kernel_columns, stride in ((5, 5, 3, 3, 1), (5, 7, 3, 1, 2), (10, 8, 4, 2, 3)):
        kernel = generator.integers(-3, 4, (kernel_rows, kernel_columns))
        height, width = (rows - kernel_rows) // stride + 1, (columns - kernel_columns) // stride + 1
        delta = generator.integers(-3, 4, (height, width))
        expected, _, _ = reference.conv2d_gradients(
            np.zeros((rows, columns, 1)), kernel[..., None, None], delta[..., None], stride
        )
        cases.append(((kernel, delta, stride, (rows, columns)), expected[..., 0]))
    return first_wrong(answer, cases)


def _check_softmax(answer) -> str | None:
    odds = np.exp([1.0, 2.0, 3.0])
    cases = [
        ((np.array([0.0, 0.0]), 0), [-0.5, 0.5]),
        ((np.array([1.0, 2.0, 3.0]), 2), odds / odds.sum() - [0, 0, 1]),
        ((np.array([1000.0, 0.0]), 1), [1.0, -1.0]),
    ]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a naive answer overflows: that is the lesson
        return first_wrong(answer, cases)


def _check_pool(answer) -> str | None:
    generator = np.random.default_rng(1)
    cases = []
    for rows, columns, size, stride in ((4, 4, 2, 2), (5, 5, 3, 2), (5, 7, 2, 2), (6, 6, 3, 1)):
        image = generator.permutation(rows * columns).reshape(rows, columns)  # no ties
        delta = generator.integers(1, 9, ((rows - size) // stride + 1, (columns - size) // stride + 1))
        expected = reference.max_pool2d_gradient(image[..., None], delta[..., None], size, stride)[..., 0]
        cases.append(((image, delta, size, stride), expected))
    return first_wrong(answer, cases)


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
        mistakes=("answer = 4", "answer = 10  # that would be a slope of one half", "answer = 6"),
        check=_check_depth,
    ),
    Exercise(
        key="03.2",
        title="The slope of swish",
        stub='''
def answer(x):
    """Slope of swish, x times sigmoid(x), at each value of the array x."""
''',
        hint="It is a product, so its slope has two terms. The slope of s = sigmoid(x) is `s * (1 - s)`.",
        solution="""
def answer(x):
    s = 1 / (1 + np.exp(-x))
    return s + x * s * (1 - s)
""",
        mistakes=(
            "def answer(x):\n    s = 1 / (1 + np.exp(-x))\n    return x * s * (1 - s)",
            "def answer(x):\n    s = 1 / (1 + np.exp(-x))\n    return s * (1 - s)",
            "def answer(x):\n    return 1 / (1 + np.exp(-x))",
        ),
        check=_check_swish,
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
            # adds over the channels too
            "def answer(x, slope, delta):\n    negative = x < 0\n"
            "    return delta * np.where(negative, slope, 1), np.sum(delta * x * negative)",
            # forgets what comes back from above
            "def answer(x, slope, delta):\n    negative = x < 0\n"
            "    return np.where(negative, slope, 1.0), "
            "np.sum(x * negative, axis=tuple(range(x.ndim - 1)))",
            # means instead of sums
            "def answer(x, slope, delta):\n    negative = x < 0\n    others = tuple(range(x.ndim - 1))\n"
            "    return delta * np.where(negative, slope, 1), np.mean(delta * x * negative, axis=others)",
        ),
        check=_check_prelu,
    ),
    Exercise(
        key="03.4",
        title="Count the dead units",
        stub='''
def answer(sums):
    """Share of ReLU units that are dead; sums (examples, units) are their inputs, for all training examples."""
''',
        hint="A unit is dead if no example lifts its sum above zero. "
        "Ask whether there is any, for each column, then average over the columns.",
        solution="""
def answer(sums):
    return np.mean(~(sums > 0).any(axis=0))
""",
        mistakes=(
            "def answer(sums):\n    return np.mean(sums <= 0)",  # share of zeros, not of units
            "def answer(sums):\n    return np.mean(~(sums > 0).any(axis=1))",
            "def answer(sums):\n    return np.mean(sums.mean(axis=0) <= 0)",
        ),
        check=_check_dead,
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
            # forgets the stride
            "def answer(kernel, delta, stride, image_shape):\n    gradient = np.zeros(image_shape)\n"
            "    height, width = kernel.shape\n    for (row, column), value in np.ndenumerate(delta):\n"
            "        gradient[row : row + height, column : column + width] += value * kernel\n    return gradient",
            # overwrites where windows overlap
            "def answer(kernel, delta, stride, image_shape):\n    gradient = np.zeros(image_shape)\n"
            "    height, width = kernel.shape\n    for (row, column), value in np.ndenumerate(delta):\n"
            "        top, left = row * stride, column * stride\n"
            "        gradient[top : top + height, left : left + width] = value * kernel\n    return gradient",
            # turns the kernel although it stamps
            "def answer(kernel, delta, stride, image_shape):\n    gradient = np.zeros(image_shape)\n"
            "    height, width = kernel.shape\n    for (row, column), value in np.ndenumerate(delta):\n"
            "        top, left = row * stride, column * stride\n"
            "        gradient[top : top + height, left : left + width] += value * kernel[::-1, ::-1]\n"
            "    return gradient",
        ),
        check=_check_stride,
    ),
    Exercise(
        key="03.6",
        title="The gradient of softmax and cross-entropy",
        stub='''
def answer(logits, label):
    """Gradient of the cross-entropy of one example for its logits (classes,), which may be as large as 1000."""
''',
        hint="The gradient is the probabilities minus the one-hot label. "
        "Subtract the greatest logit before `np.exp`, so that nothing overflows.",
        solution="""
def answer(logits, label):
    exponentials = np.exp(logits - logits.max())
    gradient = exponentials / exponentials.sum()
    gradient[label] -= 1
    return gradient
""",
        mistakes=(
            "def answer(logits, label):\n    gradient = np.exp(logits) / np.exp(logits).sum()\n"
            "    gradient[label] -= 1\n    return gradient",
            "def answer(logits, label):\n    exponentials = np.exp(logits - logits.max())\n"
            "    gradient = -exponentials / exponentials.sum()\n    gradient[label] += 1\n    return gradient",
            "def answer(logits, label):\n    exponentials = np.exp(logits - logits.max())\n"
            "    return exponentials / exponentials.sum()",
        ),
        check=_check_softmax,
    ),
    Exercise(
        key="03.7",
        title="Back through max pooling that overlaps",
        stub='''
def answer(image, delta, size, stride):
    """Gradient for the image (H, W) of max pooling with windows of size x size; delta is the gradient for the output.

    No two pixels of a window are equal.
    """
''',
        hint="Send each value of delta to the largest pixel of its window, and add, since a pixel can win twice. "
        "`np.unravel_index(window.argmax(), window.shape)` finds it.",
        solution="""
def answer(image, delta, size, stride):
    gradient = np.zeros(image.shape)
    for (row, column), value in np.ndenumerate(delta):
        top, left = row * stride, column * stride
        window = image[top : top + size, left : left + size]
        down, right = np.unravel_index(window.argmax(), window.shape)
        gradient[top + down, left + right] += value
    return gradient
""",
        mistakes=(
            # a pixel that wins twice gets one value only
            "def answer(image, delta, size, stride):\n    gradient = np.zeros(image.shape)\n"
            "    for (row, column), value in np.ndenumerate(delta):\n"
            "        top, left = row * stride, column * stride\n"
            "        window = image[top : top + size, left : left + size]\n"
            "        down, right = np.unravel_index(window.argmax(), window.shape)\n"
            "        gradient[top + down, left + right] = value\n    return gradient",
            # spreads, as mean pooling does
            "def answer(image, delta, size, stride):\n    gradient = np.zeros(image.shape)\n"
            "    for (row, column), value in np.ndenumerate(delta):\n"
            "        top, left = row * stride, column * stride\n"
            "        gradient[top : top + size, left : left + size] += value / size**2\n    return gradient",
            # windows that never overlap
            "def answer(image, delta, size, stride):\n    gradient = np.zeros(image.shape)\n"
            "    for (row, column), value in np.ndenumerate(delta):\n"
            "        top, left = row * size, column * size\n"
            "        window = image[top : top + size, left : left + size]\n"
            "        if window.size:\n"
            "            down, right = np.unravel_index(window.argmax(), window.shape)\n"
            "            gradient[top + down, left + right] += value\n    return gradient",
        ),
        check=_check_pool,
    ),
)
