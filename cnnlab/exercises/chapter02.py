"""Exercises of chapter 02: sizes, kernels, counts, a network on a budget, a kernel found and one chosen on digits."""

import numpy as np

from cnnlab.arithmetic import conv_macs, output_size, padding_sides, profile
from cnnlab.exercises import Exercise, Mistake, differs, first_wrong, returned, shown, wrong_value

SMALLEST_FIELD, MOST_PARAMETERS, MOST_MULTIPLY_ADDS = 40, 10_000, 3_000_000  # of exercise 02.6
FEWEST_RIGHT = 0.95  # of exercise 02.9, of the digits that the student does not get
DIGITS_GIVEN, DIGITS_KEPT = 200, 500


def _check_settings(answer) -> str | None:
    wrong = wrong_value(answer, (2, 4, 2, 3, 16, 3), "six whole numbers")
    if wrong is None or wrong.startswith("expected"):
        return wrong
    padding, stride, same_stride, window, size, count = (int(value) for value in answer)
    for name, value, settings, outputs in (
        ("padding", padding, (32, 5, 1, padding), 32),
        ("stride", stride, (227, 11, stride), 55),
        ("stride with `same`", same_stride, (28, 3, same_stride, "same"), 14),
        ("window", window, (13, window, 2), 6),
        ("size", size, (size, 3, 2, 1), 8),
    ):
        try:
            got = output_size(*settings)
        except ValueError:
            return f"the {name}: {value} is not possible"
        if got != outputs:
            return f"the {name}: {value} gives {got} outputs, not {outputs}"
    if window == 2:
        return "the window: with 2 pixels it does not overlap the next one"
    if size == 15:
        return "the size: 15 gives 8 outputs, but so does a larger one"
    return f"the number of outputs: {count} is not right"


def _correlate(image: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.tensordot(windows, kernel)


class _Counted(np.ndarray):
    """An image that counts how often it is read."""

    reads = 0

    def __getitem__(self, place):
        _Counted.reads += 1
        return super().__getitem__(place)


def _check_correlation(answer) -> str | None:
    count_up = np.arange(1, 26).reshape(5, 5)
    x_shape = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    remainders = np.arange(24).reshape(4, 6) % 7
    arguments = [
        (count_up, x_shape, 1),
        (count_up, np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]]), 1),
        (count_up, x_shape, 2),
        (remainders, np.array([[1, 0, 2], [0, -1, 0]]), 1),
        (remainders.T, np.array([[1], [3]]), 3),
    ]
    if wrong := first_wrong(answer, [(case, _correlate(*case)) for case in arguments]):
        return wrong
    kernel = np.array([[1, 2, 3], [4, 5, 6]])
    _Counted.reads = 0
    returned(answer, np.arange(400).reshape(20, 20).view(_Counted), kernel, 1)
    # A position each would be 342 reads. Three per weight leave room for a slice of a slice.
    return "the image is read far more often than once per weight" if _Counted.reads > 3 * kernel.size else None


def _check_diagonal(answer) -> str | None:
    if np.shape(answer) != (3, 3):
        return f"expected a kernel of shape (3, 3), got {shown(answer)}"
    kernel = np.asarray(answer, dtype=float)
    falling = float(np.sum(kernel * np.eye(3)))
    if not falling > 0:
        return f"a falling line: expected more than 0, got {falling:g}"
    white = float(kernel.sum())
    if wrong := differs(white, 0):
        return f"a white area: {wrong}"
    horizontal = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    for name, pattern in (("rising", np.fliplr(np.eye(3))), ("horizontal", horizontal), ("vertical", horizontal.T)):
        got = float(np.sum(kernel * pattern))
        if not got <= 1e-9:
            return f"a {name} line: expected 0 or less, got {got:g}"
    return None


def _check_same_padding(answer) -> str | None:
    settings = [(5, 3, 1), (5, 4, 1), (4, 3, 2), (5, 3, 2), (224, 7, 2), (9, 1, 1), (10, 2, 5), (7, 2, 3)]
    return first_wrong(answer, [(setting, padding_sides(*setting, "same")) for setting in settings])


def _check_parameters(answer) -> str | None:
    side = (((32 - 5 + 1) // 2) - 3 + 1) // 2
    expected = (5 * 5 * 3 * 16 + 16, 3 * 3 * 16 * 32 + 32, side * side * 32 * 10 + 10)
    names = ("the first convolution", "the second convolution", "the fully connected layer")
    return wrong_value(answer, expected, "three whole numbers", names)


def _check_budget(answer) -> str | None:
    import keras

    model = returned(answer)
    if not isinstance(model, keras.Model):
        return f"expected a Keras model, got {shown(model)}"
    if model.input_shape != (None, 64, 64, 3) or len(model.output_shape) != 4 or model.output_shape[3] != 16:
        return f"expected images (64, 64, 3) and 16 maps, got {model.input_shape[1:]} and {model.output_shape[1:]}"
    height, width = model.output_shape[1:3]
    if min(height, width) < 4:
        return f"expected maps of at least 4×4, got {height}×{width}"
    # The layers of nested models count as well. A pooling layer whose stride is not given has its window as stride.
    steps = [max(np.atleast_1d(layer.strides)) for layer in model._flatten_layers() if hasattr(layer, "strides")]
    if max(steps, default=1) > 2:
        return f"a stride of {max(steps)} skips too much at once, 2 is the most"
    table = profile(model)
    seen = list(table)[-1].receptive_field  # None behind a layer that the profile does not know
    side = min(np.atleast_1d(seen or 0))
    if side < SMALLEST_FIELD:
        return f"a value of the last layer sees {side}×{side} pixels"
    if table.params > MOST_PARAMETERS:
        return f"it has {table.params:,} parameters"
    if table.macs > MOST_MULTIPLY_ADDS:
        return f"it needs {table.macs:,} multiply-adds"
    return None


def _check_bottleneck(answer) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, int | float | np.integer | np.floating) or answer % 1:
        return f"expected a whole number, got {shown(answer)}"
    half = conv_macs(1, 3, 256, 256) // 2

    def cost(channels: int) -> int:
        return conv_macs(1, 1, 256, channels) + conv_macs(1, 3, channels, 256)

    channels = int(answer)
    if channels < 1:
        return f"expected at least one channel, got {channels}"
    if cost(channels) > half:
        return f"multiply-adds per output pixel at c = {channels}: expected at most {half:,}, got {cost(channels):,}"
    if cost(channels + 1) <= half:
        return f"a larger c needs at most half as well, got {channels}"
    return None


def _check_filter(answer) -> str | None:
    cases = []
    for seed, (kernel, constant) in enumerate(
        (
            ([[0, 0, 0], [0, 3, 0], [0, 0, 0]], 0),
            ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], 0),
            ([[1, 2, 0], [0, -1, 0], [0, 0, -1]], 2),
        )
    ):
        before = np.random.default_rng(seed).normal(size=(40, 60))
        cases.append(((before, _correlate(before, np.array(kernel), 1) + constant), (kernel, constant)))
    return first_wrong(answer, cases, tolerance=0.05, parts=("the kernel", "the constant"))


def _zeros_and_ones(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Zeros and ones among the course's own training digits, (N, 28, 28) from 0 to 1, and their labels."""
    from cnnlab.datasets import embedded_folder

    with np.load(embedded_folder() / "mnist_sample.npz") as sample:
        chosen = np.flatnonzero(sample["y_train"] <= 1)[start:stop]
        return sample["x_train"][chosen] / 255, sample["y_train"][chosen].astype(int)


def _check_one_kernel(answer) -> str | None:
    got = returned(answer, *_zeros_and_ones(0, DIGITS_GIVEN))
    if not isinstance(got, tuple | list) or len(got) != 2:
        return f"expected 2 results (a kernel, a threshold), got {shown(got)}"
    kernel, threshold = np.asarray(got[0], dtype=float), float(got[1])
    if kernel.ndim != 2 or not 1 <= min(kernel.shape) <= max(kernel.shape) <= 28:
        return f"expected a kernel of at most 28×28, got shape {kernel.shape}"
    images, labels = _zeros_and_ones(DIGITS_GIVEN, DIGITS_GIVEN + DIGITS_KEPT)
    best = np.array([_correlate(image, kernel, 1).max() for image in images])
    right = (best > threshold) == labels
    if right.mean() >= FEWEST_RIGHT:
        return None
    ones, zeros = right[labels == 1].mean(), right[labels == 0].mean()
    return f"{right.mean():.1%} of the other digits are right: {ones:.1%} of the ones, {zeros:.1%} of the zeros"


EXERCISES = (
    Exercise(
        key="02.1",
        title="Settings by hand",
        stub="answer = None  # six whole numbers, as in (1, 2, 3, 4, 5, 6)",
        hint="Write floor((i + 2p - k) / s) + 1 = o with what you know, and try small numbers for the one you do not. "
        "Keras `same` gives the ceiling of i / s. The floor drops what is left over, so that several sizes can give "
        "the same number of outputs.",
        solution="""
answer = (
    (5 - 1) // 2,  # padding that keeps the size
    (227 - 11) // (55 - 1),
    28 // 14,
    3,  # windows of 2 and of 3 give 6 outputs; those of 3 overlap
    (8 - 1) * 2 + 3 - 2 * 1 + 1,  # one pixel more than the windows need is dropped by the floor
    (10 + 2 * 1 - 4) // 3 + 1,
)
""",
        mistakes=(
            Mistake("answer = (4, 4, 2, 3, 16, 3)", "Padding is counted on each side."),
            Mistake("answer = (2, 4, 2, 2, 16, 3)", "Windows overlap where the stride is smaller than the window."),
            Mistake("answer = (2, 4, 2, 3, 15, 3)", "The floor drops what is left over at the end."),
            "answer = (2, 4, 2, 3, 16, 4)  # rounded up",
            "answer = (2, 4, 2, 3, 16, 11 / 3)  # no floor",
            "answer = (2, 4, 0, 3, 16, 3)",
            "answer = (2, 4, 2, 3, 17, 3)",
            "answer = (2, 4, 2, 3, 16)",
        ),
        check=_check_settings,
    ),
    Exercise(
        key="02.2",
        title="Correlation the other way around",
        stub="""
def answer(image, kernel, stride):
    return None  # the loop runs over the weights of the kernel
""",
        hint="Weight (v, u) meets the pixels image[v + row * stride, u + column * stride] of all outputs. These are "
        "one slice: it starts at v, has the step `stride`, and ends after the last output row. Take the number of "
        "output rows and columns from the size formula.",
        solution="""
def answer(image, kernel, stride):
    kernel_height, kernel_width = kernel.shape
    rows = (image.shape[0] - kernel_height) // stride + 1
    columns = (image.shape[1] - kernel_width) // stride + 1
    output = np.zeros((rows, columns))
    for v in range(kernel_height):
        for u in range(kernel_width):
            seen = image[v : v + rows * stride : stride, u : u + columns * stride : stride]
            output += kernel[v, u] * seen[:rows, :columns]
    return output
""",
        mistakes=(
            Mistake(
                """
def answer(image, kernel, stride):
    rows = (image.shape[0] - kernel.shape[0]) // stride + 1
    columns = (image.shape[1] - kernel.shape[1]) // stride + 1
    output = np.zeros((rows, columns))
    for row, column in np.ndindex(rows, columns):
        top, left = row * stride, column * stride
        window = image[top : top + kernel.shape[0], left : left + kernel.shape[1]]
        output[row, column] = np.sum(window * kernel)
    return output
""",
                "Let the loop run over the weights; each meets a slice of the image that is as large as the output.",
            ),
            """
def answer(image, kernel, stride):  # turns the kernel: true convolution
    kernel = np.rot90(kernel, 2)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.sum(windows * kernel, axis=(2, 3))
""",
            """
def answer(image, kernel, stride):  # forgets the stride
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.sum(windows * kernel, axis=(2, 3))
""",
            """
def answer(image, kernel, stride):  # takes the kernel for square
    size = kernel.shape[0]
    rows = (image.shape[0] - size) // stride + 1
    columns = (image.shape[1] - size) // stride + 1
    output = np.zeros((rows, columns))
    for v in range(size):
        for u in range(size):
            output += kernel[v, u] * image[v : v + rows * stride : stride, u : u + columns * stride : stride]
    return output
""",
        ),
        check=_check_correlation,
    ),
    Exercise(
        key="02.3",
        title="A kernel for falling diagonals",
        stub="answer = None  # a 3 × 3 list of lists, or an array",
        hint="Positive weights on the line, negative ones beside it. Their sum decides what a white area answers; "
        "each other line shares the center with the falling one, so its two ends have to outweigh the center.",
        solution="""
answer = [
    [2, -1, -1],
    [-1, 2, -1],
    [-1, -1, 2],
]
""",
        mistakes=(
            "answer = np.eye(3)  # a white area answers too",
            "answer = [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]]  # the rising diagonal",
            "answer = [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]  # a point, whatever the line",
            "answer = [[1, -1], [-1, 1]]",
        ),
        check=_check_diagonal,
    ),
    Exercise(
        key="02.4",
        title="The zeros that `same` adds",
        stub="""
def answer(size, kernel, stride):
    return None  # a pair: (zeros before, zeros after)
""",
        hint="The output has ceil(size / stride) positions; find the pixels that the last window needs. The last "
        "window starts at (output - 1) * stride and is `kernel` pixels long. What is missing beyond `size` is the "
        "total; where it is odd, the extra zero goes after.",
        solution="""
def answer(size, kernel, stride):
    output = -(-size // stride)  # the ceiling
    total = max((output - 1) * stride + kernel - size, 0)
    before = total // 2
    return before, total - before
""",
        mistakes=(
            """
def answer(size, kernel, stride):  # right for odd kernels and stride 1 only
    return (kernel - 1) // 2, (kernel - 1) // 2
""",
            """
def answer(size, kernel, stride):  # the extra zero on the wrong side
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total - total // 2, total // 2
""",
            """
def answer(size, kernel, stride):  # removes pixels where the stride is larger than the kernel
    total = (-(-size // stride) - 1) * stride + kernel - size
    return total // 2, total - total // 2
""",
        ),
        check=_check_same_padding,
    ),
    Exercise(
        key="02.5",
        title="Count the parameters",
        stub="answer = None  # three whole numbers",
        hint="A kernel spans all input channels, and each kernel has one bias. For the fully connected layer follow "
        "the sizes through both poolings first: its inputs are height × width × channels of the last maps.",
        solution="""
answer = (
    5 * 5 * 3 * 16 + 16,
    3 * 3 * 16 * 32 + 32,
    6 * 6 * 32 * 10 + 10,  # sizes 32 -> 28 -> 14 -> 12 -> 6
)
""",
        mistakes=(
            Mistake("answer = (1200, 4608, 11520)", "Each kernel has one bias."),
            Mistake("answer = (416, 320, 11530)", "A kernel spans all input channels, not one."),
            Mistake(
                "answer = (1216, 4640, 20490)",
                "That would be the count with padding. Without it, a convolution's output is smaller than its input, "
                "by the kernel size less 1.",
            ),
            Mistake(
                "answer = (1216, 4640, 46090)",
                "That is the count behind the second convolution. The pooling after it halves height and width.",
            ),
            "answer = 17386",
        ),
        check=_check_parameters,
    ),
    Exercise(
        key="02.6",
        title="See far on a budget",
        stub='''
def answer():
    """A Keras model from images (64, 64, 3) to 16 maps."""
''',
        hint="Let the steps grow early: a layer adds (kernel - 1) steps of its own input, and each stride or pooling "
        "of 2 doubles them. While the maps are large keep them few; the channels can come where the maps are small.",
        solution="""
import keras
from keras import layers


def answer():
    stack = []
    for filters in (8, 8, 16):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    stack += [layers.Conv2D(16, 3, padding="same", activation="relu") for _ in range(2)]
    return keras.Sequential([keras.Input((64, 64, 3)), *stack])
""",
        mistakes=(
            # no stride: sees too little
            "import keras\nfrom keras import layers\n\ndef answer():\n"
            "    return keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(16, 3), layers.Conv2D(16, 3)])",
            # one large kernel: too many parameters
            "import keras\nfrom keras import layers\n\ndef answer():\n"
            "    return keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(16, 40)])",
            # all layers at full size: too many multiply-adds
            "import keras\nfrom keras import layers\n\ndef answer():\n"
            "    stack = [layers.Conv2D(4, 3, padding='same') for _ in range(20)]\n"
            "    return keras.Sequential([keras.Input((64, 64, 3)), *stack, layers.Conv2D(16, 1)])",
            # everything thrown away at once
            "import keras\nfrom keras import layers\n\ndef answer():\n"
            "    stack = [layers.AveragePooling2D(16), layers.Conv2D(16, 3, padding='same')]\n"
            "    return keras.Sequential([keras.Input((64, 64, 3)), *stack])",
            # scores in place of maps
            "import keras\nfrom keras import layers\n\ndef answer():\n"
            "    stack = [layers.GlobalAveragePooling2D(), layers.Dense(16)]\n"
            "    return keras.Sequential([keras.Input((64, 64, 3)), *stack])",
            # maps too small
            "import keras\nfrom keras import layers\n\ndef answer():\n"
            "    stack = [layers.Conv2D(16, 3, strides=2) for _ in range(4)]\n"
            "    return keras.Sequential([keras.Input((64, 64, 3)), *stack])",
        ),
        check=_check_budget,
    ),
    Exercise(
        key="02.7",
        title="A bottleneck that halves the time",
        stub="answer = None  # a whole number of channels",
        hint="All outputs have the same size, so compare the multiply-adds of one output pixel. The original needs "
        "9 × 256 × 256, the pair 256 × c + 9 × c × 256; do not forget the first of the two.",
        solution="answer = (9 * 256 * 256 // 2) // (256 + 9 * 256)",
        mistakes=(
            "answer = 128  # the cost of the 1 × 1 layer forgotten",
            "answer = 64  # fast enough, but not the largest",
            "answer = 114",
            "answer = 115.2",
            "answer = 116  # rounded up",
        ),
        check=_check_bottleneck,
    ),
    Exercise(
        key="02.8",
        title="Find the filter",
        stub='''
def answer(before, after):
    """Kernel (3, 3) and constant that turn a picture (H, W) into the other (H - 2, W - 2): a pair."""
''',
        hint="Every pixel of the picture after is a sum of nine pixels before, with the same nine weights, and the "
        "constant. Write each window as a row of nine numbers and a 1; `np.linalg.lstsq` finds the ten numbers that "
        "fit best. Or train a `Conv2D` layer with one filter and a bias until its error is nearly zero.",
        solution="""
def answer(before, after):
    windows = np.lib.stride_tricks.sliding_window_view(before, (3, 3)).reshape(-1, 9)
    rows = np.column_stack([windows, np.ones(len(windows))])
    fitted = np.linalg.lstsq(rows, after.ravel(), rcond=None)[0]
    return fitted[:9].reshape(3, 3), fitted[9]
""",
        mistakes=(
            Mistake(
                "def answer(before, after):\n"
                "    windows = np.lib.stride_tricks.sliding_window_view(before, (3, 3)).reshape(-1, 9)\n"
                "    return np.linalg.lstsq(windows, after.ravel(), rcond=None)[0].reshape(3, 3), 0",
                "There is a constant to be found, too.",
            ),
            Mistake(
                "def answer(before, after):\n"
                "    windows = np.lib.stride_tricks.sliding_window_view(before, (3, 3)).reshape(-1, 9)\n"
                "    rows = np.column_stack([windows, np.ones(len(windows))])\n"
                "    fitted = np.linalg.lstsq(rows, after.ravel(), rcond=None)[0]\n"
                "    return fitted[8::-1].reshape(3, 3), fitted[9]",
                "This kernel is turned by 180 degrees; the pictures were made without a turn.",
            ),
            # the picture itself
            "def answer(before, after):\n    return np.eye(3)[::-1], 0",
            "def answer(before, after):\n    return np.ones(9) / 9, 0",
        ),
        check=_check_filter,
    ),
    Exercise(
        key="02.9",
        title="Recognize with one kernel",
        stub='''
def answer(images, labels):
    """A kernel (K_h, K_w) and a threshold, chosen on digits (N, 28, 28) and their labels, 0 or 1: a pair."""
''',
        hint="A template of a one should answer strongly to ones and weakly to zeros. Take the mean picture of the "
        "ones less that of the zeros as the kernel; then look at what it answers to the digits of both kinds, and put "
        "the threshold between.",
        solution="""
def answer(images, labels):
    kernel = images[labels == 1].mean(axis=0) - images[labels == 0].mean(axis=0)
    answers = np.array([np.sum(image * kernel) for image in images])
    threshold = (answers[labels == 1].mean() + answers[labels == 0].mean()) / 2
    return kernel, threshold
""",
        mistakes=(
            # where a one has ink, a zero can have ink as well
            "def answer(images, labels):\n    kernel = images[labels == 1].mean(axis=0)\n    return kernel, 0",
            # a template of a zero
            "def answer(images, labels):\n"
            "    return images[labels == 0].mean(axis=0) - images[labels == 1].mean(axis=0), 0",
            # one pixel answers to any ink
            "def answer(images, labels):\n    return np.ones((1, 1)), 0.5",
            "def answer(images, labels):\n    return np.ones((30, 30)), 0.5",
            "def answer(images, labels):\n    return np.ones((3, 3))",
        ),
        check=_check_one_kernel,
    ),
)
