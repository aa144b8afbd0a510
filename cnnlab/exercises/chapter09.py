"""Exercises of chapter 09: dropout's arithmetic, batch norm's parameters, the lecture's table, the recipe's steps."""

import numpy as np

from cnnlab.exercises import Exercise, differs, first_wrong, returned, shown


def _check_mask(answer) -> str | None:
    cases = []
    for shape, rate in (((4,), 0.5), ((2, 3), 0.2), ((5,), 0.75)):
        generator = np.random.default_rng(len(shape))
        x = generator.integers(1, 9, shape).astype(float)
        kept = generator.random(shape) >= rate
        cases.append(((x, kept, rate), np.where(kept, x / (1 - rate), 0.0)))
    return first_wrong(answer, cases)


def _check_halving(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for inputs, units, rate in ((3, 2, 0.5), (4, 1, 0.2), (2, 3, 0.75)):
        x = generator.integers(-4, 5, inputs).astype(float)
        weights = generator.integers(-4, 5, (inputs, units)).astype(float)
        cases.append(((x, weights, rate), (1 - rate) * x @ weights))
    return first_wrong(answer, cases)


def _check_parameters(answer) -> str | None:
    cases = [((3, 3, 64), (64, 128)), ((1, 64, 256), (256, 512)), ((5, 1, 6), (6, 12)), ((3, 16, 1), (1, 2))]
    return first_wrong(answer, cases)


def _check_penalty(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for images, inputs, rate in ((2, 3, 0.5), (4, 2, 0.2), (3, 1, 0.75)):
        x = generator.integers(-4, 5, (images, inputs)).astype(float)
        weights = generator.integers(-4, 5, inputs).astype(float)
        cases.append(((x, weights, rate), rate / (1 - rate) * float((x**2 @ weights**2).sum())))
    return first_wrong(answer, cases)


def _check_losers(answer) -> str | None:
    if isinstance(answer, str) or not hasattr(answer, "__iter__") or {np.shape(pair) for pair in answer} - {(2,)}:
        return f"expected a list of pairs (network, optimizer), got {shown(answer)}"
    pairs = {tuple(str(part).lower() for part in pair) for pair in answer}
    right = {("inceptionv2", "sgd"), ("resnet18", "adam")}
    if wrong := sorted(pairs - right):
        return f"{' with '.join(wrong[0])} does not belong to them"
    return None if pairs == right else "these belong to them, and so do others"


def _check_targets(answer) -> str | None:
    cases = []
    for label, classes, smoothing in ((1, 4, 0.2), (0, 100, 0.1), (2, 3, 0.0)):
        expected = np.full(classes, smoothing / classes)
        expected[label] += 1 - smoothing
        cases.append(((label, classes, smoothing), expected))
    return first_wrong(answer, cases)


def _check_mirrored(answer) -> str | None:
    return first_wrong(answer, [((odd, epoch), odd != (epoch % 2 == 1)) for odd in (True, False) for epoch in range(4)])


def _check_whitening(answer) -> str | None:
    generator = np.random.default_rng(0)
    for size in (2, 3, 5):
        patches = generator.normal(size=(400, size)) @ generator.normal(size=(size, size))
        kernels = np.asarray(returned(answer, patches), float)
        if kernels.shape != (size, size):
            return f"patches of {size} values: expected shape {(size, size)}, got shape {kernels.shape}"
        if wrong := differs(np.cov(patches @ kernels, rowvar=False).round(6), np.eye(size), 1e-4):
            return f"covariance of patches @ kernels, {size} values: {wrong}"
    return None


EXERCISES = (
    Exercise(
        key="09.1",
        title="Dropout in training",
        stub='''
def answer(x, kept, rate):
    """What a dropout layer puts out in training. kept has the shape of x, True where a value is kept."""
''',
        hint="The mean over all masks has to be x itself. A value is kept with probability `1 - rate`.",
        solution="""
def answer(x, kept, rate):
    return x * kept / (1 - rate)
""",
        mistakes=(
            "def answer(x, kept, rate):\n    return x * kept  # the mean would be too small",
            "def answer(x, kept, rate):\n    return x * kept / rate",
            "def answer(x, kept, rate):\n    return x * ~kept / (1 - rate)",
        ),
        check=_check_mask,
    ),
    Exercise(
        key="09.2",
        title="Testing a network of 2012",
        stub='''
def answer(x, weights, rate):
    """Output of a dense layer (no bias) at test time, where training dropped values of x without scaling the rest."""
''',
        hint="In training the layer saw, on average, a share `1 - rate` of each value. Show it the same now.",
        solution="""
def answer(x, weights, rate):
    return (1 - rate) * x @ weights
""",
        mistakes=(
            "def answer(x, weights, rate):\n    return x @ weights",
            "def answer(x, weights, rate):\n    return x @ weights / (1 - rate)",
            "def answer(x, weights, rate):\n    return rate * x @ weights  # right for a rate of one half alone",
        ),
        check=_check_halving,
    ),
    Exercise(
        key="09.3",
        title="What batch norm adds",
        stub='''
def answer(kernel_size, channels_in, channels_out):
    """(trainable parameters added, numbers added that are not trained) by a batch norm that replaces the biases."""
''',
        hint="A batch norm scales and shifts each channel it gets, and keeps a mean and a variance of each. "
        "The biases of the convolution go.",
        solution="""
def answer(kernel_size, channels_in, channels_out):
    return 2 * channels_out - channels_out, 2 * channels_out
""",
        mistakes=(
            # the biases stay
            "def answer(kernel_size, channels_in, channels_out):\n    return 2 * channels_out, 2 * channels_out",
            # everything counted as trainable
            "def answer(kernel_size, channels_in, channels_out):\n    return 3 * channels_out, 0",
            # the channels that come in
            "def answer(kernel_size, channels_in, channels_out):\n    return channels_in, 2 * channels_in",
        ),
        check=_check_parameters,
    ),
    Exercise(
        key="09.4",
        title="Dropout as a penalty",
        stub='''
def answer(x, weights, rate):
    """What dropout on the inputs adds to the mean squared errors' sum of y = x @ weights: a penalty on the weights.

    x has shape (images, inputs), weights (inputs,).
    """
''',
        hint="The variance of one dropped and scaled input is `x**2 * rate / (1 - rate)`. "
        "Variances of independent terms add up.",
        solution="""
def answer(x, weights, rate):
    return rate / (1 - rate) * (x**2 @ weights**2).sum()
""",
        mistakes=(
            "def answer(x, weights, rate):\n    return rate / (1 - rate) * (weights**2).sum()  # plain weight decay",
            "def answer(x, weights, rate):\n    return rate * (1 - rate) * (x**2 @ weights**2).sum()  # no scaling",
            "def answer(x, weights, rate):\n    return rate / (1 - rate) * ((x @ weights) ** 2).sum()",
        ),
        check=_check_penalty,
    ),
    Exercise(
        key="09.5",
        title="Where dropout lost",
        stub="""
answer = None  # pairs (network, optimizer) of the lecture's table in which dropout is below no regularizer
""",
        hint="Compare the columns `none` and `dropout` of `DECK`, row by row.",
        solution="""
answer = [("ResNet18", "Adam"), ("InceptionV2", "SGD")]
""",
        mistakes=(
            'answer = [("ResNet18", "Adam")]',
            'answer = [("InceptionV2", "SGD"), ("InceptionV2", "Adam")]',
            'answer = "ResNet18"',
        ),
        check=_check_losers,
    ),
    Exercise(
        key="09.6",
        title="Smoothed targets",
        stub='''
def answer(label, classes, smoothing):
    """The target of one image, `classes` numbers: `smoothing` of it is shared equally among all classes."""
''',
        hint="Begin with an equal share for each class. Then add what is left to the label.",
        solution="""
def answer(label, classes, smoothing):
    target = np.full(classes, smoothing / classes)
    target[label] += 1 - smoothing
    return target
""",
        mistakes=(
            # shared among the others
            "def answer(label, classes, smoothing):\n    target = np.full(classes, smoothing / (classes - 1))\n"
            "    target[label] = 1 - smoothing\n    return target",
            "def answer(label, classes, smoothing):\n    return (1 - smoothing) * np.eye(classes)[label]",
            "def answer(label, classes, smoothing):\n    target = np.full(classes, smoothing)\n"
            "    target[label] = 1 - smoothing\n    return target",
        ),
        check=_check_targets,
    ),
    Exercise(
        key="09.7",
        title="Whose turn it is to be mirrored",
        stub='''
def answer(first, epoch):
    """Whether an image is mirrored in an epoch (counted from 0), with sides that alternate.

    first: whether it was mirrored in epoch 0.
    """
''',
        hint="In every odd epoch it is the other way round than in epoch 0.",
        solution="""
def answer(first, epoch):
    return first != (epoch % 2 == 1)
""",
        mistakes=(
            "def answer(first, epoch):\n    return first",
            "def answer(first, epoch):\n    return epoch % 2 == 1",
            "def answer(first, epoch):\n    return first and epoch % 2 == 1",
        ),
        check=_check_mirrored,
    ),
    Exercise(
        key="09.8",
        title="Whiten",
        stub='''
def answer(patches):
    """Kernels, one a column, after which the covariance of `patches @ kernels` is the identity.

    patches has shape (patches, values); no floor is needed.
    """
''',
        hint="Take eigenvalues and eigenvectors of `np.cov(patches, rowvar=False)` with `np.linalg.eigh`. "
        "Divide each vector by the root of its eigenvalue.",
        solution="""
def answer(patches):
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    return vectors / np.sqrt(values)
""",
        mistakes=(
            # turned, not scaled
            "def answer(patches):\n    return np.linalg.eigh(np.cov(patches, rowvar=False))[1]",
            # scaled, not turned
            "def answer(patches):\n    return np.diag(1 / patches.std(axis=0))",
            "def answer(patches):\n    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))\n"
            "    return vectors / values",
        ),
        check=_check_whitening,
    ),
)
