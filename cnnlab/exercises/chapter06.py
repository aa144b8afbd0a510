"""Exercises of chapter 06: VGG's sizes, what its layers see, honest probabilities, frozen weights, clean splits."""

import numpy as np

from cnnlab.exercises import Exercise, first_wrong, returned


def _check_dense(answer) -> str | None:
    cases = [((side, 512, 4096), (side // 32) ** 2 * 512 * 4096) for side in (224, 32, 256, 320)]
    return first_wrong(answer, cases)


def _check_fields(answer) -> str | None:
    cases = [
        (((2, 2, 4, 4, 4),), [5, 14, 48, 116, 252]),  # VGG19
        (((2, 2, 3, 3, 3),), [5, 14, 40, 92, 196]),  # VGG16
        (((1, 1),), [3, 8]),
    ]
    return first_wrong(answer, cases)


def _check_decode(answer) -> str | None:
    cases = []
    for logits, top in (([0.0, 1.0, 3.0, 2.0], 2), ([-1.0, -5.0, -2.0, -9.0], 3), ([700.0, 0.0, 1.0, 699.0], 2)):
        shares = np.exp(np.array(logits) - max(logits))
        cases.append(((np.array(logits), top), np.sort(shares / shares.sum())[::-1][:top]))
    return first_wrong(answer, cases)


def _check_calibration(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for count in (5, 40, 200):
        stated = generator.uniform(0.05, 0.999, count)
        right = generator.random(count) < 0.7
        tenth = (10 * stated).astype(int)
        error = sum(
            (tenth == k).sum() / count * abs(stated[tenth == k].mean() - right[tenth == k].mean())
            for k in range(10)
            if (tenth == k).any()
        )
        cases.append(((stated, right), error))
    return first_wrong(answer, cases)


def _check_trainable(answer) -> str | None:
    cases = [
        (([(64, 128, 3), (128, 128, 3)], 1), 128 * 128 * 9),
        (([(3, 16, 3), (16, 16, 3), (16, 32, 3), (32, 32, 1)], 2), 16 * 32 * 9 + 32 * 32),
        (([(3, 8, 5)], 0), 0),
    ]
    return first_wrong(answer, cases)


def _check_split(answer) -> str | None:
    generator = np.random.default_rng(0)
    for objects, count in ((10, 40), (25, 30), (4, 12)):
        of = generator.integers(0, objects, count)
        of[:objects] = np.arange(objects)
        test = np.asarray(returned(answer, of, 0.25, 0))
        if test.shape != of.shape or test.dtype != bool:
            return f"{count} photos: expected booleans of shape {of.shape}, got {test.dtype} of shape {test.shape}"
        both = set(of[test]) & set(of[~test])
        if both:
            return f"{count} photos of {objects} objects: object {min(both)} is in both parts"
        wanted = max(round(0.25 * objects), 1)
        if len(set(of[test])) != wanted:
            return f"{objects} objects: expected {wanted} of them in the test part, got {len(set(of[test]))}"
    return None


EXERCISES = (
    Exercise(
        key="06.1",
        title="The first dense layer",
        stub='''
def answer(side, channels, units):
    """Weights, without biases, of the dense layer behind VGG's fifth pooling, for square photos of so many pixels."""
''',
        hint="Five poolings halve the side five times. Every unit sees every value that is left.",
        solution="""
def answer(side, channels, units):
    return (side // 32) ** 2 * channels * units
""",
        mistakes=(
            "def answer(side, channels, units):\n    return channels * units  # global pooling, which VGG has not",
            "def answer(side, channels, units):\n    return side // 32 * channels * units  # one side only",
            "def answer(side, channels, units):\n    return (side // 16) ** 2 * channels * units  # four poolings",
        ),
        check=_check_dense,
    ),
    Exercise(
        key="06.2",
        title="What each block sees",
        stub='''
def answer(convolutions):
    """Receptive field, in pixels, of the last convolution of each block.

    convolutions: how many 3 x 3 convolutions each block has; a 2 x 2 pooling of stride 2 follows each block.
    """
''',
        hint="Keep two numbers: the field, and the product of the strides so far. "
        "A kernel adds its length less 1, times that product.",
        solution="""
def answer(convolutions):
    field, stride, fields = 1, 1, []
    for count in convolutions:
        field += count * 2 * stride
        fields.append(field)
        field += stride  # the pooling
        stride *= 2
    return fields
""",
        mistakes=(
            # the pooling's own two pixels forgotten
            "def answer(convolutions):\n    field, stride, fields = 1, 1, []\n    for count in convolutions:\n"
            "        field += count * 2 * stride\n        fields.append(field)\n        stride *= 2\n    return fields",
            # strides forgotten
            "def answer(convolutions):\n    ends = range(1, len(convolutions) + 1)\n"
            "    return [1 + 2 * sum(convolutions[:end]) for end in ends]",
        ),
        check=_check_fields,
    ),
    Exercise(
        key="06.3",
        title="The likeliest classes",
        stub='''
def answer(logits, top):
    """The `top` highest probabilities of one picture, the highest first. logits has shape (classes,)."""
''',
        hint="Softmax first; subtract the largest logit, so that nothing overflows. Then sort.",
        solution="""
def answer(logits, top):
    shares = np.exp(logits - logits.max())
    return np.sort(shares / shares.sum())[::-1][:top]
""",
        mistakes=(
            "def answer(logits, top):\n    return np.sort(logits)[::-1][:top]  # no softmax",
            # shares among the shown ones only
            "def answer(logits, top):\n    best = np.exp(np.sort(logits)[::-1][:top] - logits.max())\n"
            "    return best / best.sum()",
            # the lowest
            "def answer(logits, top):\n    shares = np.exp(logits - logits.max())\n"
            "    return np.sort(shares / shares.sum())[:top]",
        ),
        check=_check_decode,
    ),
    Exercise(
        key="06.4",
        title="Calibration error",
        stub='''
def answer(stated, right):
    """Expected calibration error over ten equal bins of probability.

    stated: highest probability of each picture, shape (N,), below 1; right: whether it was classified rightly, (N,).
    """
''',
        hint="In each bin, compare the means of `stated` and `right`. Weight each bin by its share of pictures.",
        solution="""
def answer(stated, right):
    tenth = (10 * stated).astype(int)
    error = 0.0
    for number in np.unique(tenth):
        of = tenth == number
        error += of.mean() * abs(stated[of].mean() - right[of].mean())
    return error
""",
        mistakes=(
            "def answer(stated, right):\n    return abs(stated.mean() - right.mean())  # bins can cancel out",
            "def answer(stated, right):\n    return abs(stated - right).mean()",
            # bins not weighted
            "def answer(stated, right):\n    tenth = (10 * stated).astype(int)\n"
            "    return np.mean([abs(stated[tenth == k].mean() - right[tenth == k].mean()) for k in np.unique(tenth)])",
        ),
        check=_check_calibration,
    ),
    Exercise(
        key="06.5",
        title="What is left to train",
        stub='''
def answer(convolutions, top):
    """Trainable weights when all but the last `top` convolutions (no biases) are frozen.

    convolutions: (channels in, channels out, kernel size) of each, from the input on.
    """
''',
        hint="A kernel has in x out x size x size weights. Mind `top` = 0: a list's last 0 elements are not `[-0:]`.",
        solution="""
def answer(convolutions, top):
    return sum(i * o * k * k for i, o, k in convolutions[len(convolutions) - top :])
""",
        mistakes=(
            "def answer(convolutions, top):\n    return sum(i * o * k * k for i, o, k in convolutions[-top:])",
            "def answer(convolutions, top):\n    return sum(i * o * k * k for i, o, k in convolutions[:top])",
            "def answer(convolutions, top):\n"
            "    return sum(i * o * k for i, o, k in convolutions[len(convolutions) - top :])",
        ),
        check=_check_trainable,
    ),
    Exercise(
        key="06.6",
        title="A split that does not leak",
        stub='''
def answer(objects, share, seed):
    """Which photos are for testing: booleans (N,), so that no object is in both parts.

    objects: number of the object that each photo shows, (N,). `share` of the objects, rounded, at least one, is for
    testing.
    """
''',
        hint="Draw objects, not photos. `np.unique` lists them, `np.isin` finds their photos.",
        solution="""
def answer(objects, share, seed):
    every = np.unique(objects)
    chosen = np.random.default_rng(seed).permutation(every)[: max(round(share * len(every)), 1)]
    return np.isin(objects, chosen)
""",
        mistakes=(
            "def answer(objects, share, seed):\n    return np.random.default_rng(seed).random(len(objects)) < share",
            "def answer(objects, share, seed):\n    return objects == objects[0]",
            "def answer(objects, share, seed):\n    return np.flatnonzero(objects == objects[0])",
        ),
        check=_check_split,
    ),
)
