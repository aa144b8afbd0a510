"""Exercises of chapter 04: counting, splitting, stopping, judging; a digit on paper, and LeNet made modern.

The last two build: what stands between a photograph and a network, and a network within a budget of parameters.
"""

import numpy as np

from cnnlab.exercises import Exercise, Mistake, differs, first_wrong, returned, shown
from cnnlab.exercises.data import digits, digits_misjudged

PHOTOGRAPHS, READ = 40, 0.75  # of exercise 04.8; a test says what answers reach
LARGEST, LEAST_ACCURACY = 12_000, 0.92  # of exercise 04.9; seeds 1 to 3 of the solution give 0.936 to 0.946


def _check_batches(answer) -> str | None:
    return first_wrong(answer, [((60_000, 1), 60_000), ((60_000, 64), 938), ((60_000, 100), 600), ((5, 8), 1)])


def _check_split(answer) -> str | None:
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [1000, 500, 250]))
    for share, expected in ((0.1, [100, 50, 25]), (0.5, [500, 250, 125])):
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
        if wrong := _not_drawn(np.flatnonzero(labels == 0), indices[labels[indices] == 0]):
            return f"{call}: of the digits of a class {wrong}"
    return None


def _not_drawn(places: np.ndarray, chosen: np.ndarray) -> str | None:
    """How the chosen of some places follow from their order in the list; None where they may have been drawn."""
    ranks = np.flatnonzero(np.isin(places, chosen))
    if len(np.unique(np.diff(ranks))) == 1 and ranks[0] < ranks[1] - 1:
        return f"every {ranks[1] - ranks[0]}th is taken, in the order of the list"
    middle = ranks.mean() / (len(places) - 1)
    if abs(middle - 0.5) > 0.15:  # five standard errors and more for what is drawn
        return f"those that stand {'first' if middle < 0.5 else 'last'} in the list are taken"
    return None


def _check_inputs(answer) -> str | None:
    return first_wrong(answer, [((28, 8), 392), ((30, 8), 392), ((50, 8), 1152), ((4, 3), 3), ((31, 1), 49)])


def _check_stopping(answer) -> str | None:
    cases = [
        (([0.9, 0.5, 0.6, 0.7, 0.8], 2), (3, 1)),
        (([0.9, 0.5, 0.6, 0.4, 0.45, 0.3, 0.35, 0.36], 2), (7, 5)),
        (([0.9, 0.8, 0.7], 2), (2, 2)),
        (([0.3, 0.4, 0.2, 0.1], 1), (1, 0)),
        (([1.0, 0.5, 0.8, 0.7, 0.6, 0.55], 2), (3, 1)),  # from epoch to epoch it gets better, and is no new best
        (([0.7, 0.5, 0.5, 0.5], 2), (3, 1)),  # as good as the best is no new best
    ]
    return first_wrong(answer, cases, parts=("the last epoch", "the epoch kept"))


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


def _check_photo(answer) -> str | None:
    from cnnlab.datasets.generated import paper

    images, labels = digits(3000, 3000 + PHOTOGRAPHS)
    photos = paper.photographs(images, seed=4)
    prepared = []
    for number, photo in enumerate(photos):
        picture = np.asarray(returned(answer, photo))
        if picture.shape != (28, 28) or picture.dtype.kind not in "uif":
            return f"expected numbers of shape (28, 28), got {picture.dtype} of shape {picture.shape}"
        if wrong := _unlike_mnist(picture.astype(float)):
            return f"photograph {number}: {wrong}"
        prepared.append(picture.astype("float32"))
    share = np.mean(_nearest_labels(np.stack(prepared)) == labels)
    return None if share >= READ else f"of {PHOTOGRAPHS} digits {share:.0%} are still recognized"


def _unlike_mnist(picture: np.ndarray) -> str | None:
    """What is not as in MNIST: 0 to 255, black paper, the digit 20 pixels long, its center of mass in the middle."""
    if not (picture >= 0).all() or picture.max() > 255 or picture.max() < 128:
        return f"expected pixels from 0 to 255, got {picture.min():.3g} to {picture.max():.3g}"
    if np.median(picture) > 40:
        return f"the paper is not black, half of the pixels are over {np.median(picture):.0f}"
    rows, columns = (np.flatnonzero((picture > 90).any(axis=axis)) for axis in (1, 0))
    length = max(np.ptp(rows), np.ptp(columns)) + 1
    if not 17 <= length <= 23:
        return f"the longer side of the ink has {length} pixels"
    middle = [float((np.arange(28) * picture.sum(axis=axis)).sum() / picture.sum()) for axis in (1, 0)]
    if max(abs(place - 13.5) for place in middle) > 2:
        return f"the center of mass is in row {middle[0]:.1f} and column {middle[1]:.1f}"
    return None


def _nearest_labels(pictures: np.ndarray) -> np.ndarray:
    """For each picture the label of the likest of 3,000 digits: a judge that needs no training."""
    images, labels = digits(0, 3000)
    known = images.reshape(len(images), -1) / 255
    asked = pictures.reshape(len(pictures), -1) / 255
    distances = (known**2).sum(axis=1) - 2 * asked @ known.T
    return labels[distances.argmin(axis=1)]


def _check_modern(answer) -> str | None:
    import keras

    model = returned(answer, *digits(0, 2000))
    if not isinstance(model, keras.Model):
        return f"expected a Keras model, got {shown(model)}"
    if model.count_params() > LARGEST:
        return f"it has {model.count_params():,} parameters"
    return digits_misjudged(model, LEAST_ACCURACY)


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
            Mistake(
                "def answer(images, batch_size):\n    return images // batch_size",
                "What is left over makes a batch, too.",
            ),
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
    """Indices of the digits for validation: of each class, `share` of its digits (rounded), drawn at random."""
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
            Mistake(
                "def answer(labels, share):\n    return np.arange(round(share * len(labels)))",
                "The first digits of a list have their classes as chance will have it.",
            ),
            # not shuffled: the first of each class
            Mistake(
                "def answer(labels, share):\n    classes = [np.flatnonzero(labels == k) for k in np.unique(labels)]\n"
                "    return np.concatenate([places[: round(share * len(places))] for places in classes])",
                "A list may be in some order, by writer or by day: draw.",
            ),
            # not shuffled: every tenth of each class
            "def answer(labels, share):\n    classes = [np.flatnonzero(labels == k) for k in np.unique(labels)]\n"
            "    return np.concatenate([places[:: round(1 / share)] for places in classes])",
            "def answer(labels, share):\n"
            "    return np.random.default_rng(1).integers(0, len(labels), round(share * len(labels)))",
            "def answer(labels, share):\n    return labels[: round(share * len(labels))]",
        ),
        check=_check_split,
    ),
    Exercise(
        key="04.3",
        title="A line that is right for 28",
        stub='''
def answer(image_size, channels):
    """Numbers that reach the fully connected layer from a square picture of so many pixels a side."""
    return image_size // 4 * image_size // 4 * channels  # the lecture's line
''',
        hint="Python works through `//` and `*` from left to right. First the side of the map, then its square.",
        solution="""
def answer(image_size, channels):
    side = image_size // 4
    return side * side * channels
""",
        mistakes=(
            Mistake(
                "def answer(image_size, channels):\n    return image_size * image_size // 16 * channels",
                "Each pooling drops what does not fill a window, on each side for itself.",
            ),
            "def answer(image_size, channels):\n    return (image_size // 2) ** 2 * channels  # one pooling",
            "def answer(image_size, channels):\n    return image_size // 4 * channels  # one side",
            "def answer(image_size, channels):\n    return (image_size / 4) ** 2 * channels",
        ),
        check=_check_inputs,
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
            # compares with the epoch before instead of the best one, and chooses among all epochs
            "def answer(losses, patience):\n    waited = 0\n    for epoch in range(1, len(losses)):\n"
            "        waited = waited + 1 if losses[epoch] > losses[epoch - 1] else 0\n"
            "        if waited >= patience:\n            break\n"
            "    return epoch, int(np.argmin(losses))",
            # the same, with the best so far
            Mistake(
                "def answer(losses, patience):\n    waited = best = 0\n    for epoch in range(1, len(losses)):\n"
                "        waited = waited + 1 if losses[epoch] >= losses[epoch - 1] else 0\n"
                "        best = epoch if losses[epoch] < losses[best] else best\n"
                "        if waited >= patience:\n            break\n    return epoch, best",
                "Compare with the best epoch so far: better than the epoch before is no new best.",
            ),
            Mistake(
                "def answer(losses, patience):\n    best = 0\n    for epoch, loss in enumerate(losses):\n"
                "        if loss <= losses[best]:\n            best = epoch\n        if epoch - best >= patience:\n"
                "            break\n    return epoch, best",
                "As good as the best is no new best.",
            ),
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
            Mistake(
                "def answer(labels, predictions, classes):\n    matrix = np.zeros((classes, classes), int)\n"
                "    np.add.at(matrix, (predictions, labels), 1)\n    return matrix",
                "Rows are the true classes, columns the predictions.",
            ),
            Mistake(
                "def answer(labels, predictions, classes):\n    matrix = np.zeros((classes, classes), int)\n"
                "    matrix[labels, predictions] += 1\n    return matrix",
                "Where a pair occurs twice, `matrix[labels, predictions] += 1` adds one once.",
            ),
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
            Mistake(
                "def answer(image, down, right):\n    return np.roll(image, (down, right), axis=(0, 1))",
                "What leaves comes back on the other side; there must be zeros.",
            ),
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
            Mistake(
                "def answer(logits, label):\n    return -np.log(np.exp(logits[label]) / np.sum(np.exp(logits)))",
                "The exponential of 1000 is too large for a float; softmax stays the same when all logits are moved.",
            ),
            Mistake(
                "def answer(logits, label):\n    logits = logits - np.max(logits)\n"
                "    return logits[label] - np.log(np.sum(np.exp(logits)))",
                "That is the logarithm itself. The loss is minus the logarithm, and never negative.",
            ),
            "def answer(logits, label):\n    return -np.log(logits[label] / np.sum(logits))",
        ),
        check=_check_loss,
    ),
    Exercise(
        key="04.8",
        title="One's own ink on white paper",
        stub='''
def answer(photo):
    """A picture like those of MNIST, (28, 28) from 0 to 255, of a photograph (H, W): one digit, dark ink on paper.

    The light is not even, and the digit stands anywhere. In MNIST the paper is black, the longer side of the ink has 20
    pixels, and the center of mass of the ink lies in the middle of the 28 x 28.
    """
''',
        hint="How bright would each pixel be without ink? A plane fitted to the photograph, or the brightest pixel of "
        "a wide neighborhood (`PIL.ImageFilter.MaxFilter`, on a small copy), says so. Ink is what is missing; what is "
        "missing a little is noise. Then cut out the ink, bring its longer side to 20, and paste it so that its center "
        "of mass is in the middle.",
        solution="""
from PIL import Image, ImageFilter


def answer(photo):
    picture = Image.fromarray(photo)
    # Seen small, ink is a few pixels wide, and the brightest of 7 x 7 is paper.
    paper = picture.resize((28, 28), Image.Resampling.BOX).filter(ImageFilter.MaxFilter(7)).resize(picture.size)
    ink = np.maximum(np.array(paper, float) - np.array(picture), 0)
    ink[ink < 0.3 * ink.max()] = 0
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = 255 * ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / ink.max()
    height, width = (max(round(20 * side / max(ink.shape)), 1) for side in ink.shape)
    small = np.clip(np.array(Image.fromarray(ink).resize((width, height))), 0, 255)
    middle = [(np.arange(size) * small.sum(axis=1 - axis)).sum() / small.sum() for axis, size in enumerate(small.shape)]
    top, left = (int(np.clip(round(13.5 - place), 0, 28 - side)) for place, side in zip(middle, small.shape))
    result = np.zeros((28, 28))
    result[top : top + height, left : left + width] = small
    return result
""",
        mistakes=(
            Mistake(
                "from PIL import Image\n\ndef answer(photo):\n"
                "    return np.array(Image.fromarray(photo).resize((28, 28)))",
                "In MNIST the ink is bright and the paper black.",
            ),
            # inverted, and no more
            "from PIL import Image\n\ndef answer(photo):\n"
            "    return 255 - np.array(Image.fromarray(photo).resize((28, 28)))",
            # one threshold for the bright and for the dark end
            "from PIL import Image\n\ndef answer(photo):\n"
            "    return np.array(Image.fromarray(255 * (photo < 150).astype(np.uint8)).resize((28, 28)))",
            # ink found, not cut out
            "from PIL import Image, ImageFilter\n\ndef answer(photo):\n    picture = Image.fromarray(photo)\n"
            "    paper = picture.resize((28, 28)).filter(ImageFilter.MaxFilter(7)).resize(picture.size)\n"
            "    ink = np.maximum(np.array(paper, float) - np.array(picture), 0)\n"
            "    ink[ink < 0.3 * ink.max()] = 0\n"
            "    return np.clip(np.array(Image.fromarray(255 * ink / ink.max()).resize((28, 28))), 0, 255)",
            # from 0 to 1
            "from PIL import Image\n\ndef answer(photo):\n"
            "    return 1 - np.array(Image.fromarray(photo).resize((28, 28))) / 255",
        ),
        check=_check_photo,
    ),
    Exercise(
        key="04.9",
        title="LeNet made modern",
        stub='''
def answer(images, labels):
    """A trained Keras model with at most 12,000 parameters, from images to ten logits.

    images: (2000, 28, 28, 1), 0 to 255; labels: (2000,).
    """
''',
        hint="Most parameters of a LeNet sit where the maps become a vector. Make the maps small before that, or take "
        "their mean, `GlobalAveragePooling2D`. ReLU in place of the sigmoid, He's first weights, kernels of 3 x 3, and "
        "enough epochs with a falling learning rate do the rest.",
        solution="""
import keras
from keras import layers


def answer(images, labels):
    options = {"activation": "relu", "kernel_initializer": "he_normal"}
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, **options),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, **options),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, **options),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10),
        ]
    )
    rate = keras.optimizers.schedules.CosineDecay(4e-3, 12 * 63)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=32, epochs=12, verbose=0)
    return model
""",
        mistakes=(
            # built and not trained
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n    return keras.Sequential([\n"
            "        keras.Input((28, 28, 1)), layers.Conv2D(8, 5, strides=4), layers.Flatten(), layers.Dense(10)])",
            Mistake(
                "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
                "    return keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(16, 5), layers.Flatten(),\n"
                "                             layers.Dense(120), layers.Dense(10)])",
                "Count each layer's parameters: the first fully connected one has nearly all of them.",
            ),
            # one class only
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n    return keras.Sequential([\n"
            "        keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(1)])",
        ),
        check=_check_modern,
    ),
)
