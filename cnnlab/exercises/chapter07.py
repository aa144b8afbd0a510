"""Exercises of chapter 07: folding by hand and forward, moving averages, what folds, a new camera, a training."""

import numpy as np

from cnnlab.exercises import Exercise, Mistake, first_wrong, returned, shown, wrong_value
from cnnlab.exercises.comparing import wrong_choice
from cnnlab.exercises.data import digits, digits_misjudged

FOLDING_NETWORKS = {"N1", "N3", "N6"}  # of exercise 07.5; a test asks folding.explain
WHY_OTHERS_DO_NOT = {
    "N2": "a batch norm follows a ReLU",
    "N4": "a batch norm has no layer before it",
    "N5": "something else reads what the batch norm reads",
}
LARGEST, LEAST_ACCURACY = 5_000, 0.85  # of exercise 07.7


def _check_by_hand(answer) -> str | None:
    return wrong_value(answer, (-2.0, -3.0), "two numbers, (w_fold, b_fold)", ("w_fold", "b_fold"))


def _check_momentum(answer) -> str | None:
    right = 0.91
    wrong = wrong_value(answer, right, "a number with two decimals")
    if wrong is None or wrong.startswith("expected"):
        return wrong
    if not np.isclose(answer, np.round(answer, 2), rtol=0, atol=1e-9):
        return f"{shown(answer)} has more than two decimals"
    if answer > right:
        return f"with {shown(answer)}, {answer**50:.1%} of the first value is left after 50 steps"
    return f"with {shown(answer)} the averages are less calm than they could be"


def _check_two_machines(answer) -> str | None:
    cases = [
        ((1, 0, 0, 3, 4, 0), (3, 3)),
        ((2, 1, 1, 2, 5, 1), (3, 5)),
        ((2, np.array([1, 4]), np.array([1, 0]), 6, np.array([5, 4]), np.array([1, 4])), ([4, 4], [4, 3])),
    ]
    return first_wrong(answer, cases, parts=("the mean", "the variance"))


def _check_forward(answer) -> str | None:
    kernel = np.array([[1, 0], [0, 2], [3, 1], [1, 1]])
    cases = [
        # one pixel with two channels, then two pixels; variance + epsilon is 4 or 9, so all results are whole
        ((kernel[:2], np.array([1, 0]), np.array([2, 6]), np.array([0, 1]), np.array([0, 2]), np.array([3, 8]), 1), 2),
        ((kernel, np.array([0, 5]), np.array([4, 3]), np.array([1, 0]), np.array([1, 3]), np.array([3, 8]), 1), 2),
        ((kernel, np.array([0, 0]), np.array([2]), np.array([1]), np.array([3]), np.array([3]), 1), 1),
    ]
    return first_wrong(
        answer,
        [(arguments, _forward(*arguments, channels)) for arguments, channels in cases],
        parts=("the kernel", "the bias"),
    )


def _forward(kernel, bias, gamma, beta, mean, variance, epsilon, channels: int) -> tuple[np.ndarray, np.ndarray]:
    scale = gamma / np.sqrt(variance + epsilon)
    shift = beta - mean * scale
    by_pixel = kernel.reshape(-1, channels, kernel.shape[1])
    return (by_pixel * scale[:, None]).reshape(kernel.shape), bias + np.einsum("pcu,c->u", by_pixel, shift)


def _check_which_fold(answer) -> str | None:
    return wrong_choice(answer, FOLDING_NETWORKS, WHY_OTHERS_DO_NOT, "network", do="fold")


def _old_camera(images: np.ndarray):
    """A network with one batch norm, which has the statistics of these images."""
    import keras
    from keras import layers

    draw = np.random.default_rng(0)
    batch_norm = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    convolution = layers.Conv2D(8, 5, strides=4, use_bias=False)
    stack = [layers.Rescaling(1 / 255), convolution, batch_norm, layers.ReLU(), layers.Flatten(), layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack])
    model.set_weights([draw.normal(0, 0.1, weight.shape) for weight in model.weights])
    maps = keras.ops.convert_to_numpy(convolution(images / 255))
    gamma, beta = draw.uniform(0.5, 1.5, (2, 8))
    batch_norm.set_weights([gamma, beta - 1, maps.mean(axis=(0, 1, 2)), maps.var(axis=(0, 1, 2))])
    return model


def _has_batch_norm(model) -> bool:
    from keras import layers

    return any(isinstance(layer, layers.BatchNormalization) for layer in model._flatten_layers())


def _check_camera(answer) -> str | None:
    import keras

    images, _ = digits(0, 1024)
    model = _old_camera(images)
    weights = model.get_weights()
    expected = keras.ops.convert_to_numpy(model(images[:256]))
    new_images = 0.2 * images + 100
    got = returned(lambda new: answer(model, new), new_images)
    if not isinstance(got, keras.Model):
        return f"expected a Keras model, got {shown(got)}"
    if any(not np.array_equal(before, now) for before, now in zip(weights, model.get_weights(), strict=True)):
        return "the network that came in has changed"
    if _has_batch_norm(got):
        return "the network that came back has a batch norm"
    outputs = keras.ops.convert_to_numpy(got(new_images[:256]))
    if outputs.shape != expected.shape:
        return f"expected outputs of shape {expected.shape}, got {outputs.shape}"
    error = float(np.sqrt(np.mean((outputs - expected) ** 2)) / expected.std())
    return None if error < 0.1 else f"the outputs differ from the old ones by {error:.0%} of their spread"


def _check_training(answer) -> str | None:
    import keras

    from cnnlab import folding

    model = returned(answer, *digits(0, 2000))
    if not isinstance(model, keras.Model):
        return f"expected a Keras model, got {shown(model)}"
    explanation = folding.explain(model)
    if len(explanation) < 2:
        return f"expected two batch norms or more, got {len(explanation)}"
    for row in explanation:
        if not row.folds:
            return f"the batch norm '{row.name}' does not fold, it {row.reason}"
    folded = folding.fold_batch_norm(model)
    if folded.count_params() > LARGEST:
        return f"folded, it has {folded.count_params():,} parameters"
    return digits_misjudged(folded, LEAST_ACCURACY, "folded, it")


EXERCISES = (
    Exercise(
        key="07.1",
        title="Fold by hand",
        stub="""
answer = None  # (w_fold, b_fold)
""",
        hint="First the factor that the batch norm multiplies by. It is gamma divided by the root of the variance; "
        "`w` takes it, and so does `b - mean`.",
        solution="""
scale = 2 / 9**0.5
answer = (-3 * scale, (2 - 5) * scale - 1)
""",
        mistakes=(
            Mistake(
                "answer = (-3 * 2 / 3, 2 * 2 / 3 - 1)", "Before the factor comes the mean: it is subtracted from `b`."
            ),
            Mistake("answer = (-3 * 2 / 9, (2 - 5) * 2 / 9 - 1)", "The factor has the root of the variance in it."),
            Mistake("answer = (-3 * 2 / 3, (2 - 5) * 2 / 3)", "Something is added when all is multiplied."),
            "answer = ('-2', '-3')",
        ),
        check=_check_by_hand,
    ),
    Exercise(
        key="07.2",
        title="Choose a momentum",
        stub="""
answer = None  # a number with two decimals
""",
        hint="Each step multiplies what is left of the first value by the momentum. Try momenta from above until what "
        "is left after all steps is at most 1/100; the largest is the calmest.",
        solution="""
answer = max(hundredths / 100 for hundredths in range(100) if (hundredths / 100) ** 50 <= 0.01)
""",
        mistakes=(
            Mistake("answer = 1 - 1 / 50", "After `1 / (1 - momentum)` steps more than a third is still there."),
            "answer = 0.92",
            "answer = 0.9  # what the chapter uses; a larger one does it too",
            "answer = 0.912",
        ),
        check=_check_momentum,
    ),
    Exercise(
        key="07.3",
        title="One batch on two machines",
        stub='''
def answer(count, mean, variance, other_count, other_mean, other_variance):
    """Mean and variance of two parts of a batch together: a pair. Numbers, or arrays with one value per channel."""
''',
        hint="The variance is the mean of the squares less the square of the mean. From each part's mean and variance "
        "you get the mean of its squares; means of parts are averaged with their counts as weights.",
        solution="""
def answer(count, mean, variance, other_count, other_mean, other_variance):
    total = count + other_count
    both = (count * mean + other_count * other_mean) / total
    squares = (count * (variance + mean**2) + other_count * (other_variance + other_mean**2)) / total
    return both, squares - both**2
""",
        mistakes=(
            Mistake(
                "def answer(n, mean, variance, m, other_mean, other_variance):\n"
                "    return ((n * mean + m * other_mean) / (n + m), (n * variance + m * other_variance) / (n + m))",
                "Two parts with no spread at all have one together, where their means differ.",
            ),
            Mistake(
                "def answer(n, mean, variance, m, other_mean, other_variance):\n"
                "    both = (mean + other_mean) / 2\n"
                "    return both, (variance + mean**2 + other_variance + other_mean**2) / 2 - both**2",
                "The parts differ in size, and a larger part weighs more.",
            ),
            # deviation in place of variance
            "def answer(n, mean, variance, m, other_mean, other_variance):\n"
            "    both = (n * mean + m * other_mean) / (n + m)\n"
            "    squares = (n * (variance + mean**2) + m * (other_variance + other_mean**2)) / (n + m)\n"
            "    return both, np.sqrt(squares - both**2)",
        ),
        check=_check_two_machines,
    ),
    Exercise(
        key="07.4",
        title="Fold into the dense layer behind",
        stub='''
def answer(kernel, bias, gamma, beta, mean, variance, epsilon):
    """Kernel and bias of a dense layer that does the work of a batch norm, Flatten and Dense: a pair.

    kernel (height * width * channels, units), bias (units,): of the dense layer; all others (channels,), but epsilon.
    Flatten goes through the rows, in them through the columns, and at each pixel through the channels.
    """
''',
        hint="Write the batch norm as `scale * x + shift` for each channel and put it into the sum. The row of the "
        "kernel that belongs to a pixel's channel takes this channel's scale, and the channels come again with every "
        "pixel; the shifts, weighted by the kernel as it was, go to the bias.",
        solution="""
def answer(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    shift = beta - mean * scale
    pixels = len(kernel) // len(gamma)
    return kernel * np.tile(scale, pixels)[:, None], bias + np.tile(shift, pixels) @ kernel
""",
        mistakes=(
            Mistake(
                "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
                "    scale = gamma / np.sqrt(variance + epsilon)\n    shift = beta - mean * scale\n"
                "    n = len(kernel) // len(gamma)\n"
                "    return kernel * np.repeat(scale, n)[:, None], bias + np.repeat(shift, n) @ kernel",
                "Behind Flatten all channels of a pixel stand side by side, then those of the next pixel.",
            ),
            Mistake(
                "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
                "    scale = gamma / np.sqrt(variance + epsilon)\n    shift = beta - mean * scale\n"
                "    n = len(kernel) // len(gamma)\n    new = kernel * np.tile(scale, n)[:, None]\n"
                "    return new, bias + np.tile(shift, n) @ new",
                "The shift is added behind the scale, so it meets the kernel as it was.",
            ),
            Mistake(
                "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
                "    scale = gamma / np.sqrt(variance + epsilon)\n    n = len(kernel) // len(gamma)\n"
                "    return kernel * np.tile(scale, n)[:, None], bias",
                "Batch norm shifts as well, and the kernel carries the shifts to the bias.",
            ),
        ),
        check=_check_forward,
    ),
    Exercise(
        key="07.5",
        title="Which networks fold?",
        stub="""
answer = None  # a set of names
""",
        hint="Ask three things of every batch norm. Does a convolution or dense layer stand directly before it? Has "
        "that layer no activation? Does nothing else read what that layer puts out?",
        solution="""
answer = {"N1", "N3", "N6"}
""",
        mistakes=(
            'answer = {"N1", "N3", "N5", "N6"}',
            'answer = {"N1", "N3"}',
            'answer = {"N1", "N2", "N3", "N6"}',
            'answer = {"N1", "N7"}',
            'answer = "N1"',
        ),
        check=_check_which_fold,
    ),
    Exercise(
        key="07.6",
        title="A new camera",
        stub='''
def answer(model, images):
    """A network without batch norm that does on the new images what `model` did on the old ones.

    model: a Keras model with batch norms, to be left as it is; images: (N, 28, 28, 1) from the new camera, no labels.
    """
''',
        hint="The averages have to move, so begin with a copy that still has batch norm. Call it with `training=True` "
        "on batches, often enough that the first averages are forgotten; fold at the end.",
        solution="""
import keras

from cnnlab import folding


def answer(model, images):
    adapted = keras.models.clone_model(model)
    adapted.set_weights(model.get_weights())
    for _ in range(5):
        for start in range(0, len(images), 64):
            adapted(images[start : start + 64], training=True)
    return folding.fold_batch_norm(adapted)
""",
        mistakes=(
            Mistake(
                "from cnnlab import folding\n\ndef answer(model, images):\n"
                "    folded = folding.fold_batch_norm(model)\n    folded(images, training=True)\n    return folded",
                "A folded network has no averages that could move: fold last.",
            ),
            Mistake(
                "import keras\nfrom cnnlab import folding\n\ndef answer(model, images):\n"
                "    adapted = keras.models.clone_model(model)\n    adapted.set_weights(model.get_weights())\n"
                "    adapted(images, training=True)\n    return folding.fold_batch_norm(adapted)",
                "One step moves the averages a little; how many does this momentum need?",
            ),
            # not folded
            "import keras\n\ndef answer(model, images):\n    adapted = keras.models.clone_model(model)\n"
            "    adapted.set_weights(model.get_weights())\n    for _ in range(99):\n"
            "        adapted(images, training=True)\n    return adapted",
            # the network that came in is changed
            "from cnnlab import folding\n\ndef answer(model, images):\n    for _ in range(99):\n"
            "        model(images, training=True)\n    return folding.fold_batch_norm(model)",
        ),
        check=_check_camera,
    ),
    Exercise(
        key="07.7",
        title="Train one that folds",
        stub='''
def answer(images, labels):
    """A Keras model, built and trained on digits (N, 28, 28, 1) with values from 0 to 255 and their labels."""
''',
        hint="Two convolutions with large strides keep it small. Let batch norm follow each of them directly, and give "
        "the batch norms a momentum of 0.9, or their averages will be late; `Flatten` and `Dense(10)` end it.",
        solution="""
import keras
from keras import layers


def answer(images, labels):
    stack = [layers.Rescaling(1 / 255)]
    for filters, kernel, stride in ((12, 5, 3), (20, 3, 2)):
        convolution = layers.Conv2D(filters, kernel, stride, use_bias=False)
        stack += [convolution, layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Flatten(), layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=loss, metrics=["accuracy"])
    model.fit(images, labels, batch_size=64, epochs=5, validation_split=0.1, verbose=0)
    return model
""",
        mistakes=(
            # not trained
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(4, 5, 4), layers.BatchNormalization()]\n"
            "    stack += [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(10)]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack])",
            # a ReLU in between
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(4, 5, 4), layers.BatchNormalization()]\n"
            "    stack += [layers.Conv2D(4, 3, activation='relu'), layers.BatchNormalization()]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Flatten(), layers.Dense(10)])",
            # too large
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(8, 5, 2), layers.BatchNormalization()]\n"
            "    stack += [layers.Conv2D(16, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(10)]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack])",
            # no batch norm
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])",
            # not an answer for each image
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(4, 5, 4), layers.BatchNormalization(), layers.Conv2D(10, 3)]\n"
            "    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.BatchNormalization()])",
        ),
        check=_check_training,
    ),
)
