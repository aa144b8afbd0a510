"""Exercises of chapter 12: where a value looks, maps of what decides, gradient ascent, style, equivariance."""

import numpy as np

from cnnlab.exercises import Exercise, first_wrong, shown


def _check_window(answer) -> str | None:
    cases = []
    for row, column, side, jump in ((0, 0, 3, 1), (7, 8, 14, 2), (3, 1, 24, 4), (2, 5, 6, 2)):
        cases.append(((row, column, side, jump), (row * jump - (side - jump) / 2, column * jump - (side - jump) / 2)))
    return first_wrong(answer, cases)


def _check_occlusion(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for size, side in ((4, 2), (5, 3), (4, 1)):
        picture = generator.integers(0, 10, (size, size)).astype(float)
        weights = generator.integers(-3, 4, (size, size)).astype(float)
        expected = np.zeros((size - side + 1, size - side + 1))
        for row, column in np.ndindex(expected.shape):
            window = np.s_[row : row + side, column : column + side]
            expected[row, column] = (weights * picture)[window].sum()

        def score(covered, weights=weights):
            return float((weights * covered).sum())

        cases.append(((score, picture, side), expected))
    return first_wrong(answer, cases)


def _check_cam(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for height, width, channels, classes, label in ((2, 2, 3, 4, 1), (3, 4, 2, 3, 0), (2, 3, 4, 2, 1)):
        maps = generator.integers(0, 6, (height, width, channels)).astype(float)
        weights = generator.integers(-4, 5, (channels, classes)).astype(float)
        cases.append(((maps, weights, label), np.maximum(maps @ weights[:, label] / (height * width), 0)))
    return first_wrong(answer, cases)


def _check_step(answer) -> str | None:
    cases = []
    for gradient, rate in (([3.0, -4.0], 5.0), ([0.1, 0.2, -0.2], 3.0), ([-4.0, 3.0], 90.0)):
        gradient = np.array(gradient)
        image = np.linspace(10, 250, len(gradient))
        moved = image + rate * gradient / np.sqrt((gradient**2).mean())
        cases.append(((image, gradient, rate), np.clip(moved, 0, 255)))
    return first_wrong(answer, cases)


def _check_gram(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for shape in ((2, 2, 2), (3, 2, 4), (1, 5, 3)):
        maps = generator.integers(-4, 5, shape).astype(float)
        flat = maps.reshape(-1, shape[2])
        cases.append(((maps,), flat.T @ flat / len(flat)))
    return first_wrong(answer, cases)


def _check_variation(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for shape in ((2, 2), (3, 4), (1, 5)):
        picture = generator.integers(0, 10, shape).astype(float)
        expected = np.abs(np.diff(picture, axis=0)).sum() + np.abs(np.diff(picture, axis=1)).sum()
        cases.append(((picture,), expected))
    return first_wrong(answer, cases)


BEHAVIOR = {
    "convolution, stride 1": "equivariant",
    "ReLU": "equivariant",
    "max pooling of 2 x 2": "neither",
    "flatten and dense": "neither",
    "global max pooling": "invariant",
}


def _check_behavior(answer) -> str | None:
    if not isinstance(answer, dict) or set(answer) != set(BEHAVIOR):
        return f"expected a dictionary with the keys {', '.join(BEHAVIOR)}, got {shown(answer)}"
    for name, word in answer.items():
        if word not in ("equivariant", "invariant", "neither"):
            return f"{name}: expected 'equivariant', 'invariant' or 'neither', got {shown(word)}"
        if word != BEHAVIOR[name]:
            return f"{name} is not {word!r}"
    return None


EXERCISES = (
    Exercise(
        key="12.1",
        title="Where a value looks",
        stub='''
def answer(row, column, side, jump):
    """(top, left) of the pixels that a value sees: side x side of them, its neighbors' windows `jump` pixels on.

    Convolutions are padded to keep their size, and pools of 2 x 2 halve it, so all windows lie evenly on the picture.
    """
''',
        hint="The value at row 0 sees pixels evenly around the middle of its cell, which is `jump` pixels wide. "
        "What does that make the top for `side` equal to `jump`, and for each two pixels more?",
        solution="""
def answer(row, column, side, jump):
    return row * jump - (side - jump) // 2, column * jump - (side - jump) // 2
""",
        mistakes=(
            # no padding
            "def answer(row, column, side, jump):\n    return row * jump, column * jump",
            # around the cell's first pixel
            "def answer(row, column, side, jump):\n    return row * jump - side // 2, column * jump - side // 2",
            # no jump
            "def answer(row, column, side, jump):\n    return row - (side - jump) // 2, column - (side - jump) // 2",
        ),
        check=_check_window,
    ),
    Exercise(
        key="12.2",
        title="An occlusion map",
        stub='''
def answer(score, picture, side):
    """How much score(picture) falls when a square of zeros lies at each place, in steps of one pixel.

    picture has shape (H, W); score takes such a picture and gives a number.
    """
''',
        hint="Copy the picture for every place before you cover it. There are `H - side + 1` places along the rows.",
        solution="""
def answer(score, picture, side):
    falls = np.zeros((picture.shape[0] - side + 1, picture.shape[1] - side + 1))
    for row, column in np.ndindex(falls.shape):
        covered = picture.copy()
        covered[row : row + side, column : column + side] = 0
        falls[row, column] = score(picture) - score(covered)
    return falls
""",
        mistakes=(
            # the sign
            "def answer(score, picture, side):\n"
            "    falls = np.zeros((picture.shape[0] - side + 1, picture.shape[1] - side + 1))\n"
            "    for row, column in np.ndindex(falls.shape):\n        covered = picture.copy()\n"
            "        covered[row : row + side, column : column + side] = 0\n"
            "        falls[row, column] = score(covered) - score(picture)\n    return falls",
            # no copy: the squares pile up
            "def answer(score, picture, side):\n    whole = score(picture)\n"
            "    falls = np.zeros((picture.shape[0] - side + 1, picture.shape[1] - side + 1))\n"
            "    for row, column in np.ndindex(falls.shape):\n"
            "        picture[row : row + side, column : column + side] = 0\n"
            "        falls[row, column] = whole - score(picture)\n    return falls",
            # one place for each pixel
            "def answer(score, picture, side):\n    falls = np.zeros(picture.shape)\n"
            "    for row, column in np.ndindex(falls.shape):\n        covered = picture.copy()\n"
            "        covered[row : row + side, column : column + side] = 0\n"
            "        falls[row, column] = score(picture) - score(covered)\n    return falls",
        ),
        check=_check_occlusion,
    ),
    Exercise(
        key="12.3",
        title="Grad-CAM without a tape",
        stub='''
def answer(maps, weights, label):
    """Grad-CAM (H, W) of a network that ends in the mean of each map and one dense layer.

    maps has shape (H, W, channels), weights (channels, classes).
    """
''',
        hint="The logit is a sum over channels of a weight times the mean of a map. "
        "Its derivative by one value of map `k` is `weights[k, label]` divided by the number of places.",
        solution="""
def answer(maps, weights, label):
    places = maps.shape[0] * maps.shape[1]
    return np.maximum(maps @ weights[:, label] / places, 0)
""",
        mistakes=(
            # what speaks against the class is left in
            "def answer(maps, weights, label):\n    return maps @ weights[:, label] / (maps.shape[0] * maps.shape[1])",
            # no mean
            "def answer(maps, weights, label):\n    return np.maximum(maps @ weights[:, label], 0)",
            # each channel by itself
            "def answer(maps, weights, label):\n    places = maps.shape[0] * maps.shape[1]\n"
            "    return (np.maximum(weights[:, label], 0) * maps / places).sum(axis=-1)",
        ),
        check=_check_cam,
    ),
    Exercise(
        key="12.4",
        title="One step uphill",
        stub='''
def answer(image, gradient, rate):
    """The image after one step of gradient ascent of equal length for all units, pixels kept from 0 to 255."""
''',
        hint="Divide the gradient by its root mean square. Add `rate` times that, then use `np.clip`.",
        solution="""
def answer(image, gradient, rate):
    return np.clip(image + rate * gradient / np.sqrt((gradient**2).mean()), 0, 255)
""",
        mistakes=(
            # downhill
            "def answer(image, gradient, rate):\n"
            "    return np.clip(image - rate * gradient / np.sqrt((gradient**2).mean()), 0, 255)",
            # the length: shorter steps for larger pictures
            "def answer(image, gradient, rate):\n"
            "    return np.clip(image + rate * gradient / np.sqrt((gradient**2).sum()), 0, 255)",
            # no limits
            "def answer(image, gradient, rate):\n    return image + rate * gradient / np.sqrt((gradient**2).mean())",
        ),
        check=_check_step,
    ),
    Exercise(
        key="12.5",
        title="Style in a matrix",
        stub='''
def answer(maps):
    """The Gram matrix (C, C) of maps (H, W, C): which channels are active together, mean over the places."""
''',
        hint="Write the maps as a matrix with a row for each place, with `reshape(-1, C)`. "
        "Then it is one matrix product and a division.",
        solution="""
def answer(maps):
    rows = maps.reshape(-1, maps.shape[-1])
    return rows.T @ rows / len(rows)
""",
        mistakes=(
            # a sum
            "def answer(maps):\n    rows = maps.reshape(-1, maps.shape[-1])\n    return rows.T @ rows",
            # places with places
            "def answer(maps):\n    rows = maps.reshape(-1, maps.shape[-1])\n    return rows @ rows.T / len(rows)",
            # centered: a covariance
            "def answer(maps):\n    rows = maps.reshape(-1, maps.shape[-1])\n    rows = rows - rows.mean(axis=0)\n"
            "    return rows.T @ rows / len(rows)",
        ),
        check=_check_gram,
    ),
    Exercise(
        key="12.6",
        title="Total variation",
        stub='''
def answer(picture):
    """The sum of the absolute differences of all neighbors, to the right and below, in a picture (H, W)."""
''',
        hint="`np.diff` with an `axis` gives the differences along that axis. There are two axes.",
        solution="""
def answer(picture):
    return np.abs(np.diff(picture, axis=0)).sum() + np.abs(np.diff(picture, axis=1)).sum()
""",
        mistakes=(
            "def answer(picture):\n    return np.abs(np.diff(picture)).sum()  # to the right alone",
            # signs: what rises falls again
            "def answer(picture):\n    return np.diff(picture, axis=0).sum() + np.diff(picture, axis=1).sum()",
            # squares
            "def answer(picture):\n    return sum((np.diff(picture, axis=axis) ** 2).sum() for axis in (0, 1))",
        ),
        check=_check_variation,
    ),
    Exercise(
        key="12.7",
        title="Moves along, stays, or neither",
        stub="""
answer = {  # what each does when its input shifts by one pixel: "equivariant", "invariant" or "neither"
    "convolution, stride 1": None,
    "ReLU": None,
    "max pooling of 2 x 2": None,
    "flatten and dense": None,
    "global max pooling": None,
}
""",
        hint="Ask of each: do the same numbers come out one place further, or at the same place, or other numbers? "
        "One pixel is half a step for a pool of 2 x 2.",
        solution="""
answer = {
    "convolution, stride 1": "equivariant",
    "ReLU": "equivariant",
    "max pooling of 2 x 2": "neither",
    "flatten and dense": "neither",
    "global max pooling": "invariant",
}
""",
        mistakes=(
            # the lecture's claim
            'answer = {"convolution, stride 1": "invariant", "ReLU": "equivariant", '
            '"max pooling of 2 x 2": "invariant", "flatten and dense": "neither", "global max pooling": "invariant"}',
            # small shifts taken for whole steps
            'answer = {"convolution, stride 1": "equivariant", "ReLU": "equivariant", '
            '"max pooling of 2 x 2": "equivariant", "flatten and dense": "neither", "global max pooling": "invariant"}',
        ),
        check=_check_behavior,
    ),
)
