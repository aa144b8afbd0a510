"""Exercises of chapter 04: counting, splitting, training and judging a digit network."""

import numpy as np

from cnnlab.exercises import Exercise, Mistake, differs, first_wrong, returned


def _check_batches(answer) -> str | None:
    return first_wrong(answer, [((60_000, 1), 60_000), ((60_000, 64), 938), ((60_000, 100), 600), ((5, 8), 1)])


def _check_split(answer) -> str | None:
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [40, 20, 10]))
    for share, expected in ((0.1, [4, 2, 1]), (0.5, [20, 10, 5])):
        indices = np.asarray(returned(answer, labels, share))
        call = f"answer(labels, {share})"
        if indices.ndim != 1 or indices.dtype.kind not in "iu":
            return f"{call}: expected a row of integer indices, got {indices.dtype} of shape {indices.shape}"
        if len(np.unique(indices)) < len(indices):
            return f"{call}: expected every index once, got {len(indices) - len(np.unique(indices))} of them again"
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(labels):
            return f"{call}: expected indices from 0 to {len(labels) - 1}, got {indices.min()} to {indices.max()}"
        counts = np.bincount(labels[indices], minlength=3)
        if wrong := differs(counts, expected):
            return f"{call}, digits taken from each class: {wrong}"
    return None


def _check_table(answer) -> str | None:
    lenet = [list(map(int, text)) for text in ("012", "123", "234", "345", "045", "015")]
    lenet += [list(map(int, text)) for text in ("0123", "1234", "2345", "0345", "0145", "0125", "0134", "1245", "0235")]
    lenet += [list(range(6))]
    return first_wrong(answer, [(([[0], [0, 1]], 3), 29), (([[0, 1, 2]] * 4, 1), 16), ((lenet, 5), 1516)])


def _check_stopping(answer) -> str | None:
    cases = [
        (([0.9, 0.5, 0.6, 0.7, 0.8], 2), (3, 1)),
        (([0.9, 0.5, 0.6, 0.4, 0.45, 0.3, 0.35, 0.36], 2), (7, 5)),
        (([0.9, 0.8, 0.7], 2), (2, 2)),
        (([0.3, 0.4, 0.2, 0.1], 1), (1, 0)),
    ]
    return first_wrong(answer, cases)


def _check_confusion(answer) -> str | None:
    cases = [
        ((np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3), [[1, 1, 0], [0, 1, 0], [1, 0, 0]]),
        ((np.array([1, 1, 1, 0]), np.array([0, 0, 1, 0]), 2), [[1, 0], [2, 1]]),
    ]
    return first_wrong(answer, cases)


def _check_shift(answer) -> str | None:
    image = np.arange(1, 13).reshape(3, 4)
    cases = [
        ((image, 1, 0), [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8]]),
        ((image, 0, 2), [[0, 0, 1, 2], [0, 0, 5, 6], [0, 0, 9, 10]]),
        ((image, -1, -1), [[6, 7, 8, 0], [10, 11, 12, 0], [0, 0, 0, 0]]),
        ((image, 0, 0), image),
    ]
    return first_wrong(answer, cases)


def _check_loss(answer) -> str | None:
    cases = [
        ((np.array([0.0, 0.0, 0.0, 0.0]), 2), np.log(4)),
        ((np.array([2.0, 0.0]), 0), np.log1p(np.exp(-2))),
        ((np.array([2.0, 0.0]), 1), 2 + np.log1p(np.exp(-2))),
        ((np.array([1000.0, 0.0, -1000.0]), 1), 1000.0),
    ]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a naive answer overflows: that is the lesson
        return first_wrong(answer, cases)


EXERCISES = (
    Exercise(
        key="04.1",
        title="How many batches?",
        stub='''
def answer(images, batch_size):
    """Number of batches in one epoch; the last one may be smaller."""
''',
        hint="The last, incomplete batch counts too. Round the quotient up; in Python, -(-a // b) does.",
        solution="""
def answer(images, batch_size):
    return -(-images // batch_size)
""",
        mistakes=(
            "def answer(images, batch_size):\n    return images // batch_size",
            "def answer(images, batch_size):\n    return images",
            "def answer(images, batch_size):\n    return images / batch_size",
        ),
        check=_check_batches,
    ),
    Exercise(
        key="04.2",
        title="A stratified validation set",
        stub='''
def answer(labels, share):
    """Indices of the digits for validation: of each class, `share` of its digits (rounded)."""
''',
        hint="Work class by class. `np.flatnonzero(labels == label)` lists one class; shuffle and cut it.",
        solution="""
def answer(labels, share):
    chosen = []
    for label in np.unique(labels):
        places = np.random.default_rng(0).permutation(np.flatnonzero(labels == label))
        chosen.append(places[: round(share * len(places))])
    return np.concatenate(chosen)
""",
        mistakes=(
            "def answer(labels, share):\n    return np.arange(round(share * len(labels)))",
            "def answer(labels, share):\n"
            "    return np.random.default_rng(1).integers(0, len(labels), round(share * len(labels)))",
            "def answer(labels, share):\n    return labels[: round(share * len(labels))]",
        ),
        check=_check_split,
    ),
    Exercise(
        key="04.3",
        title="Parameters of a convolution with a connection table",
        stub='''
def answer(table, kernel):
    """Weights and biases; table[p] lists the input maps that output map p sees, kernels are kernel x kernel."""
''',
        hint="A kernel belongs to a connection, a bias to an output map. Count the connections in the table.",
        solution="""
def answer(table, kernel):
    connections = sum(len(sources) for sources in table)
    return connections * kernel**2 + len(table)
""",
        mistakes=(
            # every output map sees every input map
            "def answer(table, kernel):\n    inputs = 1 + max(max(sources) for sources in table)\n"
            "    return inputs * len(table) * kernel**2 + len(table)",
            # a bias for each connection
            "def answer(table, kernel):\n    return sum(len(sources) for sources in table) * (kernel**2 + 1)",
            # no bias
            "def answer(table, kernel):\n    return sum(len(sources) for sources in table) * kernel**2",
        ),
        check=_check_table,
    ),
    Exercise(
        key="04.4",
        title="Early stopping by hand",
        stub='''
def answer(losses, patience):
    """(epoch after which training stops, epoch whose weights are kept), both counted from 0.

    `losses` are validation losses, one an epoch; stop after `patience` epochs in a row without a new best.
    """
''',
        hint="Carry the best epoch so far. Stop when the distance from it reaches the patience, or the list ends.",
        solution="""
def answer(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return epoch, best
""",
        mistakes=(
            # never stops
            "def answer(losses, patience):\n    return len(losses) - 1, int(np.argmin(losses))",
            # keeps the last weights
            "def answer(losses, patience):\n    best = 0\n    for epoch, loss in enumerate(losses):\n"
            "        if loss < losses[best]:\n            best = epoch\n        if epoch - best >= patience:\n"
            "            break\n    return epoch, epoch",
            # compares with the epoch before instead of the best one
            "def answer(losses, patience):\n    waited = 0\n    for epoch in range(1, len(losses)):\n"
            "        waited = waited + 1 if losses[epoch] > losses[epoch - 1] else 0\n"
            "        if waited >= patience:\n            break\n"
            "    return epoch, int(np.argmin(losses))",
        ),
        check=_check_stopping,
    ),
    Exercise(
        key="04.5",
        title="The confusion matrix",
        stub='''
def answer(labels, predictions, classes):
    """Matrix of counts: row = true class, column = predicted class."""
''',
        hint="Start from a matrix of zeros and add one for every digit. "
        "`matrix[labels, predictions] += 1` counts repeated pairs once only; `np.add.at` or a loop counts all.",
        solution="""
def answer(labels, predictions, classes):
    matrix = np.zeros((classes, classes), int)
    for label, prediction in zip(labels, predictions, strict=True):
        matrix[label, prediction] += 1
    return matrix
""",
        mistakes=(
            "def answer(labels, predictions, classes):\n    matrix = np.zeros((classes, classes), int)\n"
            "    np.add.at(matrix, (predictions, labels), 1)\n    return matrix",
            "def answer(labels, predictions, classes):\n    matrix = np.zeros((classes, classes), int)\n"
            "    matrix[labels, predictions] += 1\n    return matrix",
        ),
        check=_check_confusion,
    ),
    Exercise(
        key="04.6",
        title="Shift a picture",
        stub='''
def answer(image, down, right):
    """The (H, W) image moved by whole pixels; what enters is 0, what leaves is lost."""
''',
        hint="`np.roll` moves, and brings back on one side what leaves on the other. Set those rows and columns to 0.",
        solution="""
def answer(image, down, right):
    moved = np.roll(image, (down, right), axis=(0, 1))
    height, width = image.shape
    rows, columns = np.arange(height) - down, np.arange(width) - right
    inside = np.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    return np.where(inside, moved, 0)
""",
        mistakes=(
            "def answer(image, down, right):\n    return np.roll(image, (down, right), axis=(0, 1))",
            "def answer(image, down, right):\n    moved = np.zeros_like(image)\n"
            "    moved[max(down, 0):, max(right, 0):] = image[: image.shape[0] - down, : image.shape[1] - right]\n"
            "    return moved",
            "def answer(image, down, right):\n    padded = np.pad(image, 3)\n    height, width = image.shape\n"
            "    return padded[3 + down : 3 + down + height, 3 + right : 3 + right + width]",
        ),
        check=_check_shift,
    ),
    Exercise(
        key="04.7",
        title="Cross-entropy from logits",
        stub='''
def answer(logits, label):
    """Minus the logarithm of the softmax probability of the class `label`; logits may be as large as 1000."""
''',
        hint="Subtract the greatest logit first: softmax stays the same and nothing overflows. "
        "Then the loss is log(sum(exp(logits))) - logits[label].",
        solution="""
def answer(logits, label):
    logits = logits - np.max(logits)
    return np.log(np.sum(np.exp(logits))) - logits[label]
""",
        mistakes=(
            "def answer(logits, label):\n    return -np.log(np.exp(logits[label]) / np.sum(np.exp(logits)))",
            Mistake(
                "def answer(logits, label):\n    logits = logits - np.max(logits)\n"
                "    return logits[label] - np.log(np.sum(np.exp(logits)))",
                "That is the logarithm itself. The loss is minus the logarithm, and never negative.",
            ),
            "def answer(logits, label):\n    return -np.log(logits[label] / np.sum(logits))",
        ),
        check=_check_loss,
    ),
)
