"""Exercises of chapter 01: pixels, similarity, hand-made features and the size of fully connected networks."""

import numpy as np

from cnnlab.exercises import Exercise, first_wrong


def _check_brighten(answer) -> str | None:
    pixels = np.array([[0, 100, 200], [250, 255, 30]], dtype=np.uint8)
    cases = [
        ((pixels, 100), [[100, 200, 255], [255, 255, 130]]),
        ((pixels, -60), [[0, 40, 140], [190, 195, 0]]),
        ((pixels, 0), pixels),
    ]
    return first_wrong(answer, cases)


def _check_cosines(answer) -> str | None:
    vectors = np.array([[3.0, 4.0], [-6.0, -8.0], [4.0, -3.0], [0.0, 0.0]])
    cases = [
        ((vectors, np.array([30.0, 40.0])), [1, -1, 0, 0]),
        ((vectors, np.array([2.0, 0.0])), [0.6, -0.6, 0.8, 0]),
        ((np.array([[1.0, 1.0, 1.0, 1.0]]), np.array([9.0, 0.0, 0.0, 0.0])), [0.5]),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):  # dividing by the length of a zero row is a usual slip
        return first_wrong(answer, cases)


def _check_match(answer) -> str | None:
    template = np.array([[0, 1], [1, 0]])
    bright = np.zeros((6, 7))
    bright[:3, :4] = 9  # a bright flat region wins the dot product
    bright[3:5, 5:7] = 2 * template
    dark = np.zeros((5, 5))
    dark[2:4, 1:3] = 0.1 * template
    return first_wrong(answer, [((bright, template), [3, 5]), ((dark, template), [2, 1]), ((dark.T, template), [1, 2])])


def _check_code(answer) -> str | None:
    cases = [
        ((np.array([[1, 1, 1], [1, 5, 9], [1, 1, 1]]),), 1),
        ((np.array([[1, 9, 1], [1, 5, 1], [1, 1, 1]]),), 4),
        ((np.array([[1, 1, 1], [7, 5, 1], [1, 1, 8]]),), 16 + 128),
        ((np.full((3, 3), 4),), 255),
        ((np.array([[6, 5, 4], [9, 5, 1], [5, 2, 7]]),), 4 + 8 + 16 + 32 + 128),
    ]
    return first_wrong(answer, cases)


def _check_hog_length(answer) -> str | None:
    return first_wrong(
        answer,
        [((32, 32, 8, 2, 9), 324), ((128, 64, 8, 2, 9), 3780), ((32, 32, 4, 4, 8), 3200), ((20, 33, 8, 1, 9), 72)],
    )


def _check_signature(answer) -> str | None:
    cases = [((64, 1024, 4, 2, 1), 131_072), ((64, 1024, 4, 1, 32), 2_097_152), ((16, 8, 1, 1, 8), 256)]
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
    """The uint8 pixels made brighter by `amount` (darker if negative), kept within 0 to 255."""
''',
        hint="An uint8 cannot hold 300, nor -20. Calculate with `pixels.astype(int)`, then `np.clip`.",
        solution="""
def answer(pixels, amount):
    return np.clip(pixels.astype(int) + amount, 0, 255).astype(np.uint8)
""",
        mistakes=(
            # wraps around
            "def answer(pixels, amount):\n    return (pixels.astype(int) + amount).astype(np.uint8)",
            # clips only at the upper end
            "def answer(pixels, amount):\n    return np.minimum(pixels.astype(int) + amount, 255)",
            # stretches instead of shifting
            "def answer(pixels, amount):\n    return np.clip(pixels * (1 + amount / 255), 0, 255)",
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
            # zero divided by zero
            "def answer(vectors, reference):\n"
            "    return vectors @ reference / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference))",
        ),
        check=_check_cosines,
    ),
    Exercise(
        key="01.3",
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
        key="01.4",
        title="The code of a local binary pattern",
        stub='''
def answer(patch):
    """Code from 0 to 255 of a 3x3 patch: neighbor p counts 2**p where it is at least as bright as the center.

    Neighbor 0 is on the right; the others follow against the clock: 1 upper right, 2 above, and so on to 7.
    """
''',
        hint="List the eight places in the order of their bits. Right is (1, 2), upper right (0, 2), above (0, 1), ...",
        solution="""
def answer(patch):
    rows, columns = [1, 0, 0, 0, 1, 2, 2, 2], [2, 2, 1, 0, 0, 0, 1, 2]
    return np.sum((patch[rows, columns] >= patch[1, 1]) * 2 ** np.arange(8))
""",
        mistakes=(
            # strictly brighter
            "def answer(patch):\n    rows, columns = [1, 0, 0, 0, 1, 2, 2, 2], [2, 2, 1, 0, 0, 0, 1, 2]\n"
            "    return np.sum((patch[rows, columns] > patch[1, 1]) * 2 ** np.arange(8))",
            # clockwise
            "def answer(patch):\n    rows, columns = [1, 2, 2, 2, 1, 0, 0, 0], [2, 2, 1, 0, 0, 0, 1, 2]\n"
            "    return np.sum((patch[rows, columns] >= patch[1, 1]) * 2 ** np.arange(8))",
            # counts instead of coding
            "def answer(patch):\n    return np.sum(patch >= patch[1, 1]) - 1",
        ),
        check=_check_code,
    ),
    Exercise(
        key="01.5",
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
            # no blocks
            "def answer(height, width, cell, block, orientations):\n"
            "    return (height // cell) * (width // cell) * orientations",
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
        key="01.6",
        title="Bytes of a Fisher vector",
        stub='''
def answer(dimensions, gaussians, regions, descriptors, bits):
    """Bytes that describe one picture, with `bits` bits a number; `descriptors` kinds of patch descriptors."""
''',
        hint="Each Gaussian answers with two numbers a dimension, one for its mean and one for its variance. "
        "Multiply by regions and descriptors; eight bits are a byte.",
        solution="""
def answer(dimensions, gaussians, regions, descriptors, bits):
    return 2 * dimensions * gaussians * regions * descriptors * bits // 8
""",
        mistakes=(
            # means alone
            "def answer(dimensions, gaussians, regions, descriptors, bits):\n"
            "    return dimensions * gaussians * regions * descriptors * bits // 8",
            # bits, not bytes
            "def answer(dimensions, gaussians, regions, descriptors, bits):\n"
            "    return 2 * dimensions * gaussians * regions * descriptors * bits",
            # one region
            "def answer(dimensions, gaussians, regions, descriptors, bits):\n"
            "    return 2 * dimensions * gaussians * descriptors * bits // 8",
        ),
        check=_check_signature,
    ),
    Exercise(
        key="01.7",
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
