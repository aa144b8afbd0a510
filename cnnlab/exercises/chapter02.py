"""Exercises of chapter 02, convolution arithmetic."""

import numpy as np

from cnnlab.arithmetic import conv_macs, output_size, padding_sides, receptive_field
from cnnlab.exercises import Exercise, Mistake, differs, first_wrong, shown, wrong_value


def _check_sizes(answer) -> str | None:
    cases = [(32, 5, 1, 0), (32, 5, 1, 2), (227, 11, 4, 0), (28, 3, 2, "same"), (13, 3, 2, 0), (10, 4, 3, 1)]
    sizes = [output_size(*case) for case in cases]
    return wrong_value(answer, sizes, "six whole numbers", [f"size {number}" for number in range(1, 7)])


def _correlate(image: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.tensordot(windows, kernel)


def _check_correlation(answer) -> str | None:
    count_up = np.arange(1.0, 26).reshape(5, 5)
    generator = np.random.default_rng(0)
    arguments = [
        (count_up, np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]]), 1),
        (count_up, np.array([[0.0, 0, 1], [0, 0, 0], [0, 0, 0]]), 1),
        (count_up, np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]]), 2),
        (generator.normal(size=(7, 9)), generator.normal(size=(2, 4)), 1),
        (generator.normal(size=(10, 8)), generator.normal(size=(3, 2)), 3),
    ]
    return first_wrong(answer, [(case, _correlate(*case)) for case in arguments])


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
    level = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    for name, pattern in (("rising", np.fliplr(np.eye(3))), ("level", level), ("upright", level.T)):
        got = float(np.sum(kernel * pattern))
        if not got <= 1e-9:
            return f"a line that is {name}: expected 0 or less, got {got:g}"
    return None


def _check_same_padding(answer) -> str | None:
    settings = [(5, 3, 1), (5, 4, 1), (4, 3, 2), (5, 3, 2), (224, 7, 2), (9, 1, 1), (10, 2, 5), (7, 2, 3)]
    return first_wrong(answer, [(setting, padding_sides(*setting, "same")) for setting in settings])


def _check_parameters(answer) -> str | None:
    side = (((32 - 5 + 1) // 2) - 3 + 1) // 2
    expected = (5 * 5 * 3 * 16 + 16, 3 * 3 * 16 * 32 + 32, side * side * 32 * 10 + 10)
    names = ("the first convolution", "the second convolution", "the fully connected layer")
    return wrong_value(answer, expected, "three whole numbers", names)


def _check_receptive_field(answer) -> str | None:
    stacks = [
        [(3, 1)],
        [(3, 1), (3, 1)],
        [(3, 2), (3, 1)],
        [(5, 1), (2, 2), (5, 1), (2, 2)],
        [(11, 4), (3, 2), (5, 1), (3, 2), (3, 1)],
        [],
    ]
    return first_wrong(answer, [((stack,), receptive_field(stack)) for stack in stacks])


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
        return f"multiply-adds an output pixel at c = {channels}: expected at most {half:,}, got {cost(channels):,}"
    if cost(channels + 1) <= half:
        return f"a larger c needs at most half as well, got {channels}"
    return None


EXERCISES = (
    Exercise(
        key="02.1",
        title="Sizes by hand",
        stub="answer = None  # six whole numbers, as in (1, 2, 3, 4, 5, 6)",
        hint="The size is floor((i + 2p - k) / s) + 1; Keras `same` gives the ceiling of i / s. Pooling follows the "
        "same formula, and the floor drops what is left over.",
        solution="""
answer = (
    (32 - 5) // 1 + 1,
    (32 + 2 * 2 - 5) // 1 + 1,
    (227 - 11) // 4 + 1,
    28 // 2,  # same: the ceiling of 28 / 2
    (13 - 3) // 2 + 1,
    (10 + 2 * 1 - 4) // 3 + 1,
)
""",
        mistakes=(
            "answer = (27, 31, 54, 13, 5, 2)  # the + 1 forgotten",
            "answer = (28, 32, 55, 13, 6, 3)  # valid for same",
            "answer = (28, 32, 55, 14, 6, 11 / 3)  # no floor",
            "answer = (28, 30, 55, 14, 6, 3)  # padding on one side only",
            "answer = (28, 32, 55, 14, 6)",
        ),
        check=_check_sizes,
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
        title="How far does it see?",
        stub="""
def answer(stack):
    return None  # pixels along one axis
""",
        hint="Keep two numbers while you go through the stack: the field so far, and how many input pixels one step "
        "of the present map is. A layer adds (kernel - 1) such steps, and its stride lengthens the steps of the "
        "layers after it, not its own.",
        solution="""
def answer(stack):
    field, step = 1, 1
    for kernel, stride in stack:
        field += (kernel - 1) * step
        step *= stride
    return field
""",
        mistakes=(
            """
def answer(stack):  # adds the kernels up
    return sum(kernel for kernel, stride in stack)
""",
            """
def answer(stack):  # forgets the strides
    return 1 + sum(kernel - 1 for kernel, stride in stack)
""",
            """
def answer(stack):  # a layer's own stride lengthens its own steps
    field, step = 1, 1
    for kernel, stride in stack:
        step *= stride
        field += (kernel - 1) * step
    return field
""",
        ),
        check=_check_receptive_field,
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
)
