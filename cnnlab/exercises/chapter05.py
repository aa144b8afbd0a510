"""Exercises of chapter 05: counting layers, parameters and multiply-adds of the classic architectures."""

from fractions import Fraction

from cnnlab.exercises import Exercise, first_wrong


def _check_padding(answer) -> str | None:
    cases = [((224, 11, 4), 3), ((227, 11, 4), 0), ((224, 7, 2), 1), ((32, 3, 1), 0), ((5, 4, 3), 2)]
    return first_wrong(answer, cases)


def _check_vgg(answer) -> str | None:
    cases = [
        (((2, 2, 3, 3, 3), 224, 3, 1000), 138_357_544),
        (((1, 1, 2, 2, 2), 224, 3, 1000), 132_863_336),
        (((1, 1, 2, 2, 2), 224, 1, 10), 128_806_154),
        (((2, 2, 4, 4, 4), 224, 3, 1000), 143_667_240),
        (((1, 1, 1, 1, 1), 64, 3, 10), 29_125_770),
    ]
    return first_wrong(answer, cases)


def _check_inception(answer) -> str | None:
    cases = [
        ((192, 64, (96, 128), (16, 32), 32), (163_328, 256)),
        ((832, 384, (192, 384), (48, 128), 128), (1_442_816, 1024)),
        ((10, 1, (2, 3), (4, 5), 6), (10 + 20 + 54 + 40 + 500 + 60, 15)),
    ]
    return first_wrong(answer, cases)


def _check_separable(answer) -> str | None:
    cases = [((kernel, out), Fraction(1, out) + Fraction(1, kernel**2)) for kernel, out in ((3, 512), (5, 64), (1, 2))]
    return first_wrong(answer, [(arguments, float(ratio)) for arguments, ratio in cases], tolerance=1e-9)


def _check_depth(answer) -> str | None:
    cases = [
        (((2, 2, 2, 2), False), 18),
        (((3, 4, 6, 3), False), 34),
        (((3, 4, 6, 3), True), 50),
        (((3, 8, 36, 3), True), 152),
        (((9, 9, 9), False), 56),
    ]
    return first_wrong(answer, cases)


def _check_stack(answer) -> str | None:
    cases = [((kernel,), ((kernel - 1) // 2, 1 - 9 * (kernel - 1) / 2 / kernel**2)) for kernel in (5, 7, 3, 11)]
    return first_wrong(answer, cases, tolerance=1e-9)


EXERCISES = (
    Exercise(
        key="05.1",
        title="The padding that AlexNet needs",
        stub='''
def answer(size, kernel, stride):
    """Fewest pixels of padding, both sides together, with which the windows end exactly at the border."""
''',
        hint="The first window takes `kernel` pixels, each further one `stride` more. "
        "What is left over after the first window must be a multiple of the stride.",
        solution="""
def answer(size, kernel, stride):
    return -(size - kernel) % stride
""",
        mistakes=(
            "def answer(size, kernel, stride):\n    return (size - kernel) % stride",
            "def answer(size, kernel, stride):\n    return kernel - stride",
            "def answer(size, kernel, stride):\n    return (kernel - 1) // 2",
        ),
        check=_check_padding,
    ),
    Exercise(
        key="05.2",
        title="Count any VGG",
        stub='''
def answer(convolutions, side, in_channels, classes):
    """Parameters with biases of a VGG: `convolutions` 3 x 3 layers in each of its five blocks, on square images.

    The blocks have 64, 128, 256, 512 and 512 channels, each ends with a 2 x 2 pool; then 4096, 4096, classes.
    """
''',
        hint="Carry the number of channels from layer to layer: a convolution has 9 x in x out + out parameters. "
        "The first dense layer reads the maps after five halvings of the side.",
        solution="""
def answer(convolutions, side, in_channels, classes):
    total, channels = 0, in_channels
    for count, wide in zip(convolutions, (64, 128, 256, 512, 512), strict=True):
        for _ in range(count):
            total += 9 * channels * wide + wide
            channels = wide
        side //= 2
    units = side * side * channels
    for wide in (4096, 4096, classes):
        total += units * wide + wide
        units = wide
    return total
""",
        mistakes=(
            # no biases
            "def answer(convolutions, side, in_channels, classes):\n    total, channels = 0, in_channels\n"
            "    for count, wide in zip(convolutions, (64, 128, 256, 512, 512)):\n        for _ in range(count):\n"
            "            total += 9 * channels * wide\n            channels = wide\n        side //= 2\n"
            "    units = side * side * channels\n    for wide in (4096, 4096, classes):\n"
            "        total += units * wide\n        units = wide\n    return total",
            # channels double after every pool, to 1024
            "def answer(convolutions, side, in_channels, classes):\n    total, channels = 0, in_channels\n"
            "    for count, wide in zip(convolutions, (64, 128, 256, 512, 1024)):\n        for _ in range(count):\n"
            "            total += 9 * channels * wide + wide\n            channels = wide\n        side //= 2\n"
            "    units = side * side * channels\n    for wide in (4096, 4096, classes):\n"
            "        total += units * wide + wide\n        units = wide\n    return total",
        ),
        check=_check_vgg,
    ),
    Exercise(
        key="05.3",
        title="Count an Inception module",
        stub='''
def answer(in_channels, one, three, five, pool):
    """(weights without biases, output channels) of a module with paths 1x1, 1x1-3x3, 1x1-5x5 and pool-1x1.

    three and five are pairs: kernels of the 1x1 that reduces, kernels of the convolution behind it.
    """
''',
        hint="All four paths read all input channels; only the second convolution of a path reads the reduced ones. "
        "The outputs stand side by side, so their channels add up.",
        solution="""
def answer(in_channels, one, three, five, pool):
    weights = in_channels * (one + three[0] + five[0] + pool)
    weights += 9 * three[0] * three[1] + 25 * five[0] * five[1]
    return weights, one + three[1] + five[1] + pool
""",
        mistakes=(
            # each path sees a quarter of the channels, as groups would
            "def answer(in_channels, one, three, five, pool):\n"
            "    weights = in_channels // 4 * (one + three[0] + five[0] + pool)\n"
            "    weights += 9 * three[0] * three[1] + 25 * five[0] * five[1]\n"
            "    return weights, one + three[1] + five[1] + pool",
            # the naive module
            "def answer(in_channels, one, three, five, pool):\n"
            "    weights = in_channels * (one + 9 * three[1] + 25 * five[1])\n"
            "    return weights, one + three[1] + five[1] + in_channels",
        ),
        check=_check_inception,
    ),
    Exercise(
        key="05.4",
        title="What a depthwise separable convolution saves",
        stub='''
def answer(kernel, out_channels):
    """Multiply-adds of depthwise + pointwise convolution, divided by those of the full convolution."""
''',
        hint="Write both counts for one output pixel and C input channels. The C cancels.",
        solution="""
def answer(kernel, out_channels):
    return 1 / out_channels + 1 / kernel**2
""",
        mistakes=(
            "def answer(kernel, out_channels):\n    return 1 / kernel**2",
            "def answer(kernel, out_channels):\n    return 1 / out_channels + 1 / kernel",
            "def answer(kernel, out_channels):\n    return 1 / (1 / out_channels + 1 / kernel**2)",
        ),
        check=_check_separable,
    ),
    Exercise(
        key="05.5",
        title="The number in a ResNet's name",
        stub='''
def answer(units, bottleneck):
    """Layers with weights, shortcuts not counted, of a ResNet with `units` residual units in each stage."""
''',
        hint="A unit has two convolutions, a bottleneck three. One layer comes before all units, one after.",
        solution="""
def answer(units, bottleneck):
    return (3 if bottleneck else 2) * sum(units) + 2
""",
        mistakes=(
            "def answer(units, bottleneck):\n    return (3 if bottleneck else 2) * sum(units)",
            "def answer(units, bottleneck):\n    return 2 * sum(units) + 2",
            "def answer(units, bottleneck):\n    return (3 if bottleneck else 2) * sum(units) + 2 + len(units)",
        ),
        check=_check_depth,
    ),
    Exercise(
        key="05.6",
        title="A stack for a wide kernel",
        stub='''
def answer(kernel):
    """(number of stacked 3 x 3 layers that see kernel x kernel pixels, share of the weights they save)."""
''',
        hint="Each further 3 x 3 layer adds two pixels to the field. All layers have the same number of channels, so "
        "compare kernel areas.",
        solution="""
def answer(kernel):
    count = (kernel - 1) // 2
    return count, 1 - 9 * count / kernel**2
""",
        mistakes=(
            "def answer(kernel):\n    count = kernel // 3\n    return count, 1 - 9 * count / kernel**2",
            "def answer(kernel):\n    count = (kernel - 1) // 2\n    return count, 9 * count / kernel**2",
            # the printed expression of the lecture
            "def answer(kernel):\n    count = (kernel - 1) // 2\n    return count, (2 * count - kernel**2) / kernel**2",
        ),
        check=_check_stack,
    ),
)
