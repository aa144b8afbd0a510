"""Exercises of chapter 06: VGG's sizes, honest probabilities, clean splits, and the lecture's three tasks in small.

The last three build and train: what is frozen in fine-tuning, a classifier for a folder of pictures, an own network.
"""

from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from cnnlab.exercises import Exercise, Mistake, first_wrong, returned, shown

FOLDER_ACCURACY = 0.7  # of exercise 06.8; seeds 0 to 3 of the solution give 0.78 to 0.88
LARGEST, OWN_ACCURACY = 30_000, 0.75  # of exercise 06.9
UPRIGHT = {"color": 1.0, "light": 1.0, "background": 1.0, "angle": 0.1, "size": 0.25}


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
    for logits, top in (([0.0, 1.0, 3.0, 2.0], 2), ([-1.0, -5.0, -2.0, -9.0], 3), ([1000.0, 0.0, 1.0, 999.0], 2)):
        shares = np.exp(np.array(logits) - max(logits))
        cases.append(((np.array(logits), top), np.sort(shares / shares.sum())[::-1][:top]))
    return first_wrong(answer, cases)


def _check_calibration(answer) -> str | None:
    cases = [
        ((np.array([0.75, 0.75, 0.25, 0.25]), np.array([True, True, True, False])), 0.25),  # half by 0.25, twice
        ((np.array([0.95, 0.55, 0.55, 0.55]), np.array([False, True, True, False])), 0.325),  # bins of 1 and 3
        ((np.array([0.85, 0.15]), np.array([False, True])), 0.85),  # which cancel out in the mean
    ]
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


def _check_freeze(answer) -> str | None:
    import keras
    from keras import layers

    inputs = x = keras.Input((8, 8, 3))
    for block in (1, 2, 3):
        x = layers.Conv2D(4, 3, padding="same", use_bias=False, name=f"block{block}_conv1")(x)
        x = layers.ReLU()(layers.BatchNormalization(name=f"block{block}_conv1_bn")(x))
    outputs = layers.Dense(2, name="head")(layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    first = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    got = returned(lambda: answer(model))
    if got is not model:
        return f"expected the model that came in, got {shown(got)}"
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype("float32")
    model.fit(images, np.arange(8) % 2, epochs=2, verbose=0)
    moved = {path for path, value in first.items() if not np.array_equal(value, _weight(model, path))}
    wanted = {weight.path for name in ("block3_conv1", "head") for weight in model.get_layer(name).weights}
    for path in sorted(moved - wanted):
        return f"after two steps of `fit`, {path} has changed"
    for path in sorted(wanted - moved):
        return f"after two steps of `fit`, {path} is as it was"
    return None


def _weight(model, path: str) -> np.ndarray:
    return next(np.array(weight) for weight in model.weights if weight.path == path)


def _pictures(seed: int, count: int, families: tuple[str, ...], **knobs: float) -> tuple[np.ndarray, np.ndarray]:
    """Generated pictures (N, 32, 32, 3) of some families, `count` of each, and their labels, in the families' order."""
    from cnnlab.datasets.generated import shapes100

    every = shapes100.COARSE_NAMES
    difficulty = shapes100.Difficulty(**knobs)
    images, _, coarse = shapes100.generate(count * len(every), seed=seed, difficulty=difficulty)
    chosen = np.isin(coarse, [every.index(name) for name in families])
    return images[chosen], np.array([families.index(every[label]) for label in coarse[chosen]])


def _check_folder(answer) -> str | None:
    import keras

    names = ("heart", "star", "triangle")
    images, labels = _pictures(0, 30, names, **UPRIGHT)
    with TemporaryDirectory() as place:
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            folder = Path(place) / "pictures" / names[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{number}.png")
        with redirect_stdout(None):  # what `from_folder` says of the folder
            got = returned(answer, Path(place) / "pictures")
    if not (isinstance(got, tuple) and len(got) == 2 and isinstance(got[0], keras.Model)):
        return f"expected a pair of a Keras model and names, got {shown(got)}"
    model, classes = got
    if sorted(classes) != sorted(names):
        return f"expected the names {sorted(names)}, got {shown(list(classes))}"
    new, new_labels = _pictures(1, 30, names, **UPRIGHT)
    outputs = model.predict(new, verbose=0)
    if outputs.shape != (len(new), 3):
        return f"expected outputs of shape {(len(new), 3)}, got {outputs.shape}"
    share = np.mean([classes[k] == names[label] for k, label in zip(outputs.argmax(axis=1), new_labels, strict=True)])
    return None if share >= FOLDER_ACCURACY else f"of 90 other pictures it gets {share:.0%} right"


def _check_own(answer) -> str | None:
    import keras

    names = ("disk", "heart", "square", "star", "triangle")
    images, labels = _pictures(0, 100, names)
    model = returned(answer, images, labels)
    if not isinstance(model, keras.Model):
        return f"expected a Keras model, got {shown(model)}"
    if model.count_params() > LARGEST:
        return f"it has {model.count_params():,} weights"
    new, new_labels = _pictures(1, 60, names)
    outputs = model.predict(new, verbose=0)
    if outputs.shape != (len(new), 5):
        return f"expected outputs of shape {(len(new), 5)}, got {outputs.shape}"
    share = np.mean(outputs.argmax(axis=1) == new_labels)
    return None if share >= OWN_ACCURACY else f"of {len(new)} other pictures it gets {share:.0%} right"


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
            Mistake(
                "def answer(logits, top):\n    shares = np.exp(logits)\n"
                "    return np.sort(shares / shares.sum())[::-1][:top]",
                "`np.exp(1000)` is infinite. The shares stay what they are if the largest logit is subtracted first.",
            ),
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
    Exercise(
        key="06.7",
        title="Freeze what must not move",
        stub='''
def answer(model):
    """The model, so set that `fit` changes the convolution of block 3 and the head, and nothing else.

    model: a Keras model with the layers block1_conv1, block1_conv1_bn, ... block3_conv1, block3_conv1_bn, head.
    """
''',
        hint="Freeze everything, then unfreeze two layers by name. A batch norm has four arrays, and two of them move "
        "without a gradient.",
        solution="""
def answer(model):
    for layer in model.layers:
        layer.trainable = layer.name in ("block3_conv1", "head")
    return model
""",
        mistakes=(
            "def answer(model):\n    model.trainable = False\n    return model",
            Mistake(
                "def answer(model):\n    for layer in model.layers:\n"
                "        layer.trainable = layer.name.startswith(('block3', 'head'))\n    return model",
                "The batch norm of block 3 is not the convolution of block 3.",
            ),
            Mistake(
                "def answer(model):\n    for layer in model.layers:\n"
                "        if 'conv1' in layer.name and not layer.name.endswith('bn'):\n"
                "            layer.trainable = layer.name.startswith('block3')\n    return model",
                "The batch norms are still trained, and their averages move as well.",
            ),
            "def answer(model):\n    for layer in model.layers:\n        layer.trainable = layer.name == 'head'\n"
            "    return model",
        ),
        check=_check_freeze,
    ),
    Exercise(
        key="06.8",
        title="A classifier for your folder",
        stub='''
def answer(folder):
    """A Keras model from pictures (N, 32, 32, 3), 0 to 255, to one number per class, and the names of the classes.

    folder: path of a folder with one folder per class, 30 pictures in each.
    """
''',
        hint="`transfer.from_folder` reads it, `transfer.backbone` has learned something. Cut the backbone behind "
        "block3_conv4_relu, pool its maps to 4 x 4 places, freeze it, and train a dense layer behind it.",
        solution="""
import keras
from keras import layers

from cnnlab import transfer


def answer(folder):
    data, _ = transfer.from_folder(folder, size=32)
    body = transfer.backbone("vgg19", "cifar100")
    body.trainable = False
    x = layers.AveragePooling2D(2)(body.get_layer("block3_conv4_relu").output)
    model = keras.Model(body.input, layers.Dense(len(data.class_names))(layers.Flatten()(x)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    validation = (data.x_test, data.y_test)
    model.fit(data.x_train, data.y_train, batch_size=24, epochs=30, validation_data=validation, verbose=0)
    return model, data.class_names
""",
        mistakes=(
            # a model without names
            "import keras\n\ndef answer(folder):\n    return keras.Sequential([keras.Input((32, 32, 3))])",
            # not trained
            "import keras\nfrom keras import layers\nfrom cnnlab import transfer\n\ndef answer(folder):\n"
            "    data, _ = transfer.from_folder(folder, size=32)\n    body = transfer.backbone('vgg19', 'cifar100')\n"
            "    outputs = layers.Dense(3)(layers.Flatten()(body.output))\n"
            "    return keras.Model(body.input, outputs), data.class_names",
            # names of its own
            "import keras\nfrom keras import layers\n\ndef answer(folder):\n"
            "    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Flatten(), layers.Dense(3)])\n"
            "    return model, ('a', 'b', 'c')",
        ),
        check=_check_folder,
    ),
    Exercise(
        key="06.9",
        title="A network of your own",
        stub='''
def answer(images, labels):
    """A Keras model of your own, trained on 500 pictures (N, 32, 32, 3), 0 to 255, of five classes."""
''',
        hint="Three convolutions with batch norm and pooling are a good start, and pictures that are mirrored or moved "
        "count for more. Keep some of the pictures for validation, to see when it learns by heart.",
        solution="""
import keras
from keras import layers

from cnnlab import training


def answer(images, labels):
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for channels in (16, 32, 64):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        x = layers.MaxPooling2D()(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
    model = keras.Model(inputs, layers.Dense(5)(layers.Flatten()(x)))
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, 500)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    batches = training.CroppedBatches(images[:450], labels[:450], 25, shift=2, mirror="random")
    validation = (images[450:], labels[450:])
    model.fit(batches, epochs=28, shuffle=False, validation_data=validation, verbose=0)
    return model
""",
        mistakes=(
            # not trained
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(8, 5, 4), layers.Flatten(), layers.Dense(5)]\n"
            "    return keras.Sequential([keras.Input((32, 32, 3)), *stack])",
            # too large
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Flatten(), layers.Dense(32), layers.Dense(5)]\n"
            "    return keras.Sequential([keras.Input((32, 32, 3)), *stack])",
            # a class too few
            "import keras\nfrom keras import layers\n\ndef answer(images, labels):\n"
            "    stack = [layers.Conv2D(8, 5, 4), layers.Flatten(), layers.Dense(4)]\n"
            "    return keras.Sequential([keras.Input((32, 32, 3)), *stack])",
        ),
        check=_check_own,
    ),
)
