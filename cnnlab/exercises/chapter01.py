"""Exercises of chapter 01: pixels, similarity, features by hand, shifted digits, judging, counting parameters."""

import numpy as np

from cnnlab.exercises import Exercise, Mistake, differs, first_wrong, returned, shown
from cnnlab.exercises.comparing import UnusableError
from cnnlab.exercises.data import digits

MOST_NUMBERS, LEAST_BY_HAND = 100, 0.87  # of exercise 01.4
CANVAS, LEAST_MOVED_BACK = 40, 0.75  # of exercise 01.6
LOOP = "your function goes through the rows in a loop: let NumPy calculate with the whole array"


class WholeArray(np.ndarray):
    """An array that can be calculated with as a whole, and refuses to hand out one row after the other."""

    def __iter__(self):
        raise UnusableError(LOOP)

    def __getitem__(self, place):
        if self.ndim > 1 and isinstance(place[0] if isinstance(place, tuple) else place, int | np.integer):
            raise UnusableError(LOOP)
        return super().__getitem__(place)


def _check_brighten(answer) -> str | None:
    pixels = np.array([[0, 100, 200], [250, 255, 30]], dtype=np.uint8)
    cases = [
        ((pixels, 100), [[100, 200, 255], [255, 255, 130]]),
        ((pixels, -60), [[0, 40, 140], [190, 195, 0]]),
        ((pixels, 0), pixels),
    ]
    if wrong := first_wrong(answer, cases):
        return wrong
    got = returned(answer, pixels, 1)
    kind = got.dtype if isinstance(got, np.ndarray) else type(got).__name__
    return None if kind == np.uint8 else f"expected an array of uint8, got {kind}"


def _check_cosines(answer) -> str | None:
    vectors = np.array([[3.0, 4.0], [-6.0, -8.0], [4.0, -3.0], [0.0, 0.0]])
    cases = [
        ((vectors, np.array([30.0, 40.0])), [1, -1, 0, 0]),
        ((vectors, np.array([2.0, 0.0])), [0.6, -0.6, 0.8, 0]),
        ((np.array([[1.0, 1.0, 1.0, 1.0]]), np.array([9.0, 0.0, 0.0, 0.0])), [0.5]),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):  # dividing by the length of a zero row is a usual slip
        if wrong := first_wrong(answer, cases):
            return wrong
        return differs(np.asarray(answer(vectors.view(WholeArray), np.array([30.0, 40.0]))), [1, -1, 0, 0])


def _check_hog_length(answer) -> str | None:
    return first_wrong(
        answer,
        [
            ((40, 24, 8, 2, 9), 288),
            ((32, 32, 8, 2, 9), 324),
            ((128, 64, 8, 2, 9), 3780),
            ((32, 32, 4, 4, 8), 3200),
            ((20, 33, 8, 1, 9), 72),
        ],
    )


def _rows(answer, images: np.ndarray) -> np.ndarray:
    """The features that a student's function makes of images, checked for their form."""
    got = returned(answer, images)
    array = np.asarray(got)
    if array.dtype.kind not in "biuf" or array.ndim != 2 or len(array) != len(images):
        raise UnusableError(f"expected an array ({len(images)}, numbers), got {shown(got)}")
    if not np.isfinite(array).all():
        raise UnusableError("some of your numbers are not finite")
    return array.astype(float)


def _check_by_hand(answer) -> str | None:
    """A linear classifier, by least squares, from the features of 2,000 digits judges 500 others."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    (images, labels), (others, their_labels) = digits(0, 2000), digits(3000, 3500)
    rows = _rows(answer, images)
    if rows.shape[1] > MOST_NUMBERS:
        return f"{rows.shape[1]} numbers per digit are more than {MOST_NUMBERS}"
    scaler = StandardScaler().fit(rows)
    classifier = RidgeClassifier(alpha=10.0).fit(scaler.transform(rows), labels)
    share = classifier.score(scaler.transform(_rows(answer, others)), their_labels)
    return None if share >= LEAST_BY_HAND else f"from your numbers {share:.1%} of the other digits are recognized"


def _check_match(answer) -> str | None:
    template = np.array([[0, 1], [1, 0]])
    bright = np.zeros((6, 7))
    bright[:3, :4] = 9  # a bright flat region wins the dot product
    bright[3:5, 5:7] = 2 * template
    dark = np.zeros((5, 5))
    dark[2:4, 1:3] = 0.1 * template
    return first_wrong(answer, [((bright, template), [3, 5]), ((dark, template), [2, 1]), ((dark.T, template), [1, 2])])


def _scattered(images: np.ndarray) -> np.ndarray:
    """Digits (N, 28, 28), each at a place of its own on a canvas of 40x40."""
    places = np.random.default_rng(1).integers(CANVAS - 27, size=(len(images), 2))
    canvases = np.zeros((len(images), CANVAS, CANVAS), np.float32)
    for canvas, image, (top, left) in zip(canvases, images, places, strict=True):
        canvas[top : top + 28, left : left + 28] = image
    return canvases


def _mean_digits() -> np.ndarray:
    """The ten mean digits, each with length 1: (10, 784)."""
    images, labels = digits(0, 2000)
    rows = images.reshape(len(images), 784)
    means = np.array([rows[labels == digit].mean(axis=0) for digit in range(10)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def _check_moved_back(answer) -> str | None:
    images, labels = digits(3000, 3300)
    got = returned(answer, _scattered(images[..., 0]))
    array = np.asarray(got)
    if array.dtype.kind not in "biuf" or array.shape != (300, 28, 28):
        return f"expected an array of shape (300, 28, 28), got {array.shape if array.ndim else shown(got)}"
    share = np.mean((array.reshape(300, 784) @ _mean_digits().T).argmax(axis=1) == labels)
    return None if share >= LEAST_MOVED_BACK else f"{share:.1%} of your digits are most similar to their own mean"


def _check_coin(answer) -> str | None:
    def rights(both: int, first: int, second: int, none: int) -> tuple[np.ndarray, np.ndarray]:
        """Which pictures two classifiers get right, counted by who does."""
        pairs = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second + [(False, False)] * none
        return tuple(np.array(pairs).T)

    cases = [
        (rights(1, 1, 4, 0), 12 / 32),  # five coins, one or four of them heads, or none or all
        (rights(2, 4, 0, 1), 2 / 16),
        (rights(50, 8, 2, 40), 112 / 1024),
        (rights(3, 2, 2, 0), 1),
        (rights(5, 0, 0, 2), 1),  # they never differ
    ]
    return first_wrong(answer, cases)


def _check_parameters(answer) -> str | None:
    cases = [
        (((28, 28, 1), (10,)), 7_850),
        (((28, 28, 1), (128, 10)), 101_770),
        (((224, 224, 3), (4096, 4096, 1000)), 150_528 * 4096 + 4096 * 4096 + 4096 * 1000 + 4096 + 4096 + 1000),
    ]
    return first_wrong(answer, cases)


EXERCISES = (
    Exercise(
        key="01.1",
        title="Brighten without wrapping around",
        stub='''
def answer(pixels, amount):
    """The uint8 pixels made brighter by `amount` (darker if negative), kept within 0 to 255, as uint8."""
''',
        hint="An uint8 cannot hold 300, nor -20. Calculate with `pixels.astype(int)`, then `np.clip`, then go back to "
        "uint8.",
        solution="""
def answer(pixels, amount):
    return np.clip(pixels.astype(int) + amount, 0, 255).astype(np.uint8)
""",
        mistakes=(
            Mistake(
                "def answer(pixels, amount):\n    return (pixels.astype(int) + amount).astype(np.uint8)",
                "Going back to uint8 wraps around too: clip before.",
            ),
            # clips only at the upper end
            "def answer(pixels, amount):\n    return np.minimum(pixels.astype(int) + amount, 255)",
            # stretches instead of shifting
            "def answer(pixels, amount):\n    return np.clip(pixels * (1 + amount / 255), 0, 255)",
            Mistake(
                "def answer(pixels, amount):\n    return np.clip(pixels.astype(int) + amount, 0, 255)",
                "The values are right, but a picture of int64 takes eight times the memory.",
            ),
        ),
        check=_check_brighten,
    ),
    Exercise(
        key="01.2",
        title="Cosines of many vectors with one",
        stub='''
def answer(vectors, reference):
    """Cosine of each row of `vectors` (N, D) with `reference` (D,), without a loop; 0 for a row of zeros."""
''',
        hint="Divide the dot products by both lengths. `np.linalg.norm(vectors, axis=1)` gives N lengths; where one is "
        "0 the dot product is 0 too, so put any other number in its place.",
        solution="""
def answer(vectors, reference):
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference)
    return vectors @ reference / np.where(lengths == 0, 1, lengths)
""",
        mistakes=(
            "def answer(vectors, reference):\n    return vectors @ reference",
            # a single length for all rows
            "def answer(vectors, reference):\n"
            "    return vectors @ reference / (np.linalg.norm(vectors) * np.linalg.norm(reference))",
            Mistake(
                "def answer(vectors, reference):\n"
                "    return vectors @ reference / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference))",
                "Zero divided by zero is not a number.",
            ),
            # a loop
            "def answer(vectors, reference):\n"
            "    lengths = [max(np.linalg.norm(row) * np.linalg.norm(reference), 1e-9) for row in vectors]\n"
            "    return np.array([row @ reference for row in vectors]) / lengths",
            # a loop that counts
            "def answer(vectors, reference):\n    cosines = []\n    for i in range(len(vectors)):\n"
            "        length = np.linalg.norm(vectors[i]) * np.linalg.norm(reference)\n"
            "        cosines.append(vectors[i] @ reference / length if length else 0)\n    return np.array(cosines)",
        ),
        check=_check_cosines,
    ),
    Exercise(
        key="01.3",
        title="The length of a HOG descriptor",
        stub='''
def answer(height, width, cell, block, orientations):
    """Numbers in the HOG of a picture: `cell` in pixels, `block` in cells; blocks move by one cell."""
''',
        hint="Count whole cells along each side first. Blocks overlap: along a side there are cells - block + 1 of "
        "them, and each holds block x block histograms.",
        solution="""
def answer(height, width, cell, block, orientations):
    blocks = (height // cell - block + 1) * (width // cell - block + 1)
    return blocks * block**2 * orientations
""",
        mistakes=(
            Mistake(
                "def answer(height, width, cell, block, orientations):\n"
                "    return (height // cell) * (width // cell) * orientations",
                "A cell is told again by each block that holds it.",
            ),
            # blocks side by side
            "def answer(height, width, cell, block, orientations):\n"
            "    return (height // cell // block) * (width // cell // block) * block**2 * orientations",
            # a block moves by a pixel
            "def answer(height, width, cell, block, orientations):\n"
            "    return (height - cell * block + 1) * (width - cell * block + 1) * block**2 * orientations",
        ),
        check=_check_hog_length,
    ),
    Exercise(
        key="01.4",
        title="Describe a digit by hand",
        stub='''
def answer(images):
    """Your features, (N, at most 100), of digits (N, 28, 28, 1) with values from 0 to 255."""
''',
        hint="HOG describes strokes better than gray values do, but the chapter's own is too long. It gets short by "
        "larger cells, fewer directions, or blocks of one cell. Try `feature.hog` of scikit-image with "
        "other `orientations`, `pixels_per_cell` and `cells_per_block`.",
        solution="""
from skimage import feature


def answer(images):
    settings = {"orientations": 6, "pixels_per_cell": (6, 6), "cells_per_block": (1, 1)}
    return np.array([feature.hog(image, **settings) for image in images[..., 0]])
""",
        mistakes=(
            # all pixels
            "def answer(images):\n    return images.reshape(len(images), 784)",
            # means of 4x4 pixels
            "def answer(images):\n    return images.reshape(len(images), 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49)",
            # sums of rows and columns
            "def answer(images):\n    return np.c_[images.mean(axis=(1, 3)), images.mean(axis=(2, 3))]",
            Mistake(
                "from skimage import feature\n\ndef answer(images):\n"
                "    return np.array([feature.hog(image, 9, (8, 8), (2, 2)) for image in images[..., 0]])",
                "In overlapping blocks most cells are told several times.",
            ),
            # one digit alone
            "def answer(images):\n    return images[0].reshape(1, 784)[:, ::8]",
        ),
        check=_check_by_hand,
    ),
    Exercise(
        key="01.5",
        title="Find the pattern, whatever its brightness",
        stub='''
def answer(image, template):
    """(row, column) of the upper left corner of the window with the greatest cosine to the template."""
''',
        hint="Cut every window and divide its dot product with the template by the window's length. "
        "`np.lib.stride_tricks.sliding_window_view(image, template.shape)` cuts them all; a window of zeros counts 0.",
        solution="""
def answer(image, template):
    windows = np.lib.stride_tricks.sliding_window_view(image, template.shape)
    dots, lengths = np.sum(windows * template, axis=(2, 3)), np.sqrt(np.sum(windows**2.0, axis=(2, 3)))
    cosines = dots / np.where(lengths == 0, 1, lengths)
    return np.unravel_index(np.argmax(cosines), cosines.shape)
""",
        mistakes=(
            # the raw dot product
            "def answer(image, template):\n"
            "    windows = np.lib.stride_tricks.sliding_window_view(image, template.shape)\n"
            "    dots = np.sum(windows * template, axis=(2, 3))\n"
            "    return np.unravel_index(np.argmax(dots), dots.shape)",
            # the least distance, which sees brightness
            "def answer(image, template):\n"
            "    windows = np.lib.stride_tricks.sliding_window_view(image, template.shape)\n"
            "    distances = np.sum((windows - template) ** 2, axis=(2, 3))\n"
            "    return np.unravel_index(np.argmin(distances), distances.shape)",
            # column before row
            "def answer(image, template):\n"
            "    windows = np.lib.stride_tricks.sliding_window_view(image, template.shape)\n"
            "    dots, lengths = np.sum(windows * template, axis=(2, 3)), np.sqrt(np.sum(windows**2.0, axis=(2, 3)))\n"
            "    cosines = dots / np.where(lengths == 0, 1, lengths)\n"
            "    return np.unravel_index(np.argmax(cosines), cosines.shape)[::-1]",
        ),
        check=_check_match,
    ),
    Exercise(
        key="01.6",
        title="A fourth answer: move it back",
        stub='''
def answer(canvases):
    """Each digit cut out so that it stands in the middle: (N, 28, 28) from canvases (N, 40, 40), a digit anywhere."""
''',
        hint="MNIST's own digits stand with the center of their ink in the middle. Compute that center, the mean row "
        "and the mean column weighted with the pixels, and cut out 28x28 pixels around it; a digit at the border needs "
        "black around the canvas first (`np.pad`).",
        solution="""
def answer(canvases):
    cut = np.zeros((len(canvases), 28, 28), canvases.dtype)
    for number, canvas in enumerate(canvases):
        ink = canvas.sum()
        row = round(canvas.sum(axis=1) @ np.arange(40) / ink)
        column = round(canvas.sum(axis=0) @ np.arange(40) / ink)
        cut[number] = np.pad(canvas, 14)[row : row + 28, column : column + 28]
    return cut
""",
        mistakes=(
            # the middle, wherever the digit is
            "def answer(canvases):\n    return canvases[:, 6:34, 6:34]",
            # the first pixel that is not black becomes the corner
            "def answer(canvases):\n    cut = np.zeros((len(canvases), 28, 28))\n"
            "    for number, canvas in enumerate(canvases):\n        rows, columns = np.nonzero(canvas)\n"
            "        part = canvas[rows.min() :, columns.min() :][:28, :28]\n"
            "        cut[number, : part.shape[0], : part.shape[1]] = part\n    return cut",
            # rows and columns exchanged
            "def answer(canvases):\n    cut = np.zeros((len(canvases), 28, 28))\n"
            "    for number, canvas in enumerate(canvases):\n"
            "        row = round(canvas.sum(axis=0) @ np.arange(40) / canvas.sum())\n"
            "        column = round(canvas.sum(axis=1) @ np.arange(40) / canvas.sum())\n"
            "        cut[number] = np.pad(canvas, 14)[row : row + 28, column : column + 28]\n    return cut",
            # not cut
            "def answer(canvases):\n    return canvases",
        ),
        check=_check_moved_back,
    ),
    Exercise(
        key="01.7",
        title="Better, or luck?",
        stub='''
def answer(first_right, second_right):
    """How likely coins would split as unevenly as this or more: a number from 0 to 1; 1 where nothing differs.

    first_right, second_right: bool (N,), whether each of two classifiers is right on each of the same N pictures.
    """
''',
        hint="Only pictures where one is right and the other is not say who is better. Were they equal, each of these "
        "would be a fair coin. Add the chances of all splits that are as uneven as yours or more, to either side: "
        "`math.comb(n, k) / 2**n` is the chance of k heads among n.",
        solution="""
import math


def answer(first_right, second_right):
    first = int(np.sum(first_right & ~second_right))
    second = int(np.sum(second_right & ~first_right))
    coins = first + second
    splits = [k for k in range(coins + 1) if abs(2 * k - coins) >= abs(first - second)]
    return sum(math.comb(coins, k) for k in splits) / 2**coins
""",
        mistakes=(
            Mistake(
                "import math\n\ndef answer(first_right, second_right):\n"
                "    first = int(np.sum(first_right & ~second_right))\n"
                "    second = int(np.sum(second_right & ~first_right))\n    n = first + second\n"
                "    return sum(math.comb(n, k) for k in range(max(first, second), n + 1)) / 2**n",
                "The other classifier could have been the lucky one: count both sides.",
            ),
            # that split alone
            "import math\n\ndef answer(first_right, second_right):\n"
            "    first = int(np.sum(first_right & ~second_right))\n"
            "    second = int(np.sum(second_right & ~first_right))\n    n = first + second\n"
            "    return math.comb(n, first) / 2**n",
            # both sides, and the middle counted twice
            "import math\n\ndef answer(first_right, second_right):\n"
            "    first = int(np.sum(first_right & ~second_right))\n"
            "    second = int(np.sum(second_right & ~first_right))\n    n = first + second\n"
            "    return 2 * sum(math.comb(n, k) for k in range(max(first, second), n + 1)) / 2**n",
            # the difference of the two accuracies
            "def answer(first_right, second_right):\n    return abs(np.mean(first_right) - np.mean(second_right))",
        ),
        check=_check_coin,
    ),
    Exercise(
        key="01.8",
        title="Parameters of a fully connected network on a picture",
        stub='''
def answer(shape, units):
    """Weights and biases of fully connected layers of `units` (a tuple) on a picture of `shape` (H, W, C)."""
''',
        hint="Every number that enters a layer has a weight for every unit. The first layer sees H x W x C numbers, "
        "each further one as many as the layer before has units; each unit has a bias.",
        solution="""
from itertools import pairwise


def answer(shape, units):
    widths = (int(np.prod(shape)), *units)
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(widths))
""",
        mistakes=(
            # no bias
            "def answer(shape, units):\n    widths = (int(np.prod(shape)), *units)\n"
            "    return sum(inputs * outputs for inputs, outputs in zip(widths, widths[1:]))",
            # every layer sees the picture
            "def answer(shape, units):\n    return sum((int(np.prod(shape)) + 1) * outputs for outputs in units)",
            # forgets the channels
            "def answer(shape, units):\n    widths = (shape[0] * shape[1], *units)\n"
            "    return sum((inputs + 1) * outputs for inputs, outputs in zip(widths, widths[1:]))",
        ),
        check=_check_parameters,
    ),
)
