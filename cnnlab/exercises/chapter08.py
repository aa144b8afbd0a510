"""Exercises of chapter 08: units and depths, shortcuts, unrolled gradients, paths, scaled sums, dense blocks."""

import math

import numpy as np

from cnnlab.exercises import Exercise, first_wrong, wrong_value


def _check_units(answer) -> str | None:
    cases = [((20, 2), 3), ((110, 2), 18), ((164, 3), 18), ((32, 1), 10), ((56, 2), 9), ((29, 3), 3)]
    return first_wrong(answer, cases)


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


def _check_clean(answer) -> str | None:
    if isinstance(answer, str):
        answer = "".join(sorted(set(answer.lower()) - set(" ,()")))
    return wrong_value(answer, "cde", "letters, as in 'ab'")


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


def _check_paths(answer) -> str | None:
    def share(units, longest):
        return sum(math.comb(units, k) for k in range(longest + 1)) / 2**units

    return first_wrong(answer, [((n, k), share(n, k)) for n, k in ((1, 0), (3, 1), (9, 2), (54, 20), (10, 10))])


def _check_growth(answer) -> str | None:
    cases = [((10, 1.0, 1.0), 2.0**10), ((1, 0.3, 2.0), 1.18), ((100, 0.1, 1.0), 1.01**100), ((0, 1.0, 3.0), 1.0)]
    return first_wrong(answer, cases, tolerance=1e-6)


def _check_dense(answer) -> str | None:
    def count(channels, growth, layers):
        weights = sum((channels + growth * number) * growth * 9 for number in range(layers))
        return [channels + growth * layers, layers * (layers + 1) // 2, weights]

    cases = [((channels, k, n), count(channels, k, n)) for channels, k, n in ((16, 12, 1), (16, 12, 12), (64, 32, 6))]
    return first_wrong(answer, cases)


EXERCISES = (
    Exercise(
        key="08.1",
        title="Units from depth",
        stub='''
def answer(depth, convolutions):
    """Units in each of the three stages of a network with `depth` layers, `convolutions` in each unit."""
''',
        hint="Two layers are outside the units: the first convolution and the classifier. "
        "The rest is three stages of equally many units.",
        solution="""
def answer(depth, convolutions):
    return (depth - 2) // (3 * convolutions)
""",
        mistakes=(
            "def answer(depth, convolutions):\n    return (depth - 2) // 6  # right for two convolutions only",
            "def answer(depth, convolutions):\n    return (depth - 2) // convolutions  # all stages together",
            "def answer(depth, convolutions):\n    return depth / (3 * convolutions)",
        ),
        check=_check_units,
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
            "def answer(kernel):\n    return kernel + 1",
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
        title="Which orders unroll?",
        stub="""
answer = None  # letters of the five orders, as in "ab"
""",
        hint="The sum unrolls where nothing follows the addition. Look at the figure of the five units.",
        solution="""
answer = "cde"
""",
        mistakes=('answer = "e"', 'answer = "de"', 'answer = "abcde"', "answer = ['c', 'd', 'e']"),
        check=_check_clean,
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
            # as if each unit saw the first input only
            "def answer(weights, end):\n    return end + sum(matrix.T @ end for matrix in weights)",
            # forward instead of back
            "def answer(weights, end):\n    gradient = end\n    for matrix in weights:\n"
            "        gradient = gradient + matrix.T @ gradient\n    return gradient",
            # a plain network's
            "def answer(weights, end):\n    gradient = end\n    for matrix in reversed(weights):\n"
            "        gradient = matrix.T @ gradient\n    return gradient",
            # not transposed
            "def answer(weights, end):\n    gradient = end\n    for matrix in reversed(weights):\n"
            "        gradient = gradient + matrix @ gradient\n    return gradient",
        ),
        check=_check_gradient,
    ),
    Exercise(
        key="08.6",
        title="Short paths",
        stub='''
def answer(units, longest):
    """Share of the paths through a residual network that go through at most `longest` of its units."""
''',
        hint="There are `math.comb(units, k)` paths through exactly k units. Add them up to `longest`, "
        "and divide by the number of all paths, 2 to the power of `units`.",
        solution="""
from math import comb


def answer(units, longest):
    return sum(comb(units, k) for k in range(longest + 1)) / 2**units
""",
        mistakes=(
            "from math import comb\ndef answer(units, longest):\n    return comb(units, longest) / 2**units",
            "from math import comb\ndef answer(units, longest):\n"
            "    return sum(comb(units, k) for k in range(longest)) / 2**units  # one length too few",
            "def answer(units, longest):\n    return (longest + 1) / (units + 1)",
        ),
        check=_check_paths,
    ),
    Exercise(
        key="08.7",
        title="How much a sum grows",
        stub='''
def answer(units, scale, gain):
    """Variance after `units` units x + scale * F(x), relative to that of the first x.

    F puts out `gain` times the variance of its input; x and F(x) are not correlated.
    """
''',
        hint="The variance of a sum of uncorrelated values is the sum of their variances. "
        "A factor in front of a value enters squared.",
        solution="""
def answer(units, scale, gain):
    return (1 + scale**2 * gain) ** units
""",
        mistakes=(
            "def answer(units, scale, gain):\n    return (1 + scale * gain) ** units",
            "def answer(units, scale, gain):\n    return 1 + units * scale**2 * gain",
            "def answer(units, scale, gain):\n    return (scale**2 * gain) ** units",
        ),
        check=_check_growth,
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
)
