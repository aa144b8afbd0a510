"""Exercises of chapter 07: moving averages, folding by hand and in both directions, padding, counting."""

import numpy as np

from cnnlab.exercises import Exercise, first_wrong, wrong_value


def _statistics(generator, channels: int) -> list[np.ndarray]:
    """gamma, beta, mean and variance of a batch norm."""
    gamma, beta, mean = generator.normal(size=(3, channels))
    return [gamma, beta, mean, generator.uniform(0.5, 2, channels)]


def _check_by_hand(answer) -> str | None:
    return wrong_value(answer, (-2.0, -3.0), "two numbers, (w_fold, b_fold)", ("w_fold", "b_fold"))


def _check_steps(answer) -> str | None:
    return wrong_value(answer, 459, "a whole number of training steps")


def _check_average(answer) -> str | None:
    generator = np.random.default_rng(0)
    cases = []
    for shape, momentum in (((4, 2), 0.5), ((6, 5, 5, 3), 0.99), ((2, 3, 4, 1), 0.9)):
        batch = generator.normal(2, 3, shape)
        mean, variance = generator.normal(size=shape[-1]), generator.uniform(0.5, 2, shape[-1])
        axes = tuple(range(len(shape) - 1))
        expected = [
            momentum * old + (1 - momentum) * new
            for old, new in ((mean, batch.mean(axes)), (variance, batch.var(axes)))
        ]
        cases.append(((batch, mean, variance, momentum), expected))
    return first_wrong(answer, cases, parts=("the mean", "the variance"))


def _check_depthwise(answer) -> str | None:
    generator = np.random.default_rng(1)
    cases = []
    for inputs, multiplier in ((3, 1), (2, 3), (4, 2)):
        kernel, bias = generator.normal(size=(3, 3, inputs, multiplier)), generator.normal(size=inputs * multiplier)
        gamma, beta, mean, variance = _statistics(generator, inputs * multiplier)
        scale = gamma / np.sqrt(variance + 1e-3)
        expected = (kernel * scale.reshape(inputs, multiplier), (bias - mean) * scale + beta)
        cases.append(((kernel, bias, gamma, beta, mean, variance, 1e-3), expected))
    return first_wrong(answer, cases, parts=("the kernel", "the bias"))


def _check_in_front(answer) -> str | None:
    generator = np.random.default_rng(2)
    cases = []
    for size, inputs, outputs in ((1, 2, 3), (3, 3, 2), (5, 1, 4)):
        kernel, bias = generator.normal(size=(size, size, inputs, outputs)), generator.normal(size=outputs)
        gamma, beta, mean, variance = _statistics(generator, inputs)
        scale = gamma / np.sqrt(variance + 1e-3)
        expected = (kernel * scale[:, None], bias + np.einsum("uvio,i->o", kernel, beta - mean * scale))
        cases.append(((kernel, bias, gamma, beta, mean, variance, 1e-3), expected))
    return first_wrong(answer, cases, parts=("the kernel", "the bias"))


def _check_padding(answer) -> str | None:
    generator = np.random.default_rng(3)
    cases = []
    for channels in (1, 3, 5):
        gamma, beta, mean, variance = _statistics(generator, channels)
        cases.append(((gamma, beta, mean, variance, 1e-3), mean - beta * np.sqrt(variance + 1e-3) / gamma))
    return first_wrong(answer, cases)


def _check_saved(answer) -> str | None:
    return first_wrong(
        answer, [(([64], True), 256), (([64], False), 192), (([16, 32, 64], False), 336), (([], True), 0)]
    )


EXERCISES = (
    Exercise(
        key="07.1",
        title="Fold by hand",
        stub="""
answer = None  # (w_fold, b_fold)
""",
        hint="First the factor that the batch norm multiplies by. It is gamma divided by the root of the variance, "
        "2/3 here; `w` takes it, and so does `b - mean`.",
        solution="""
scale = 2 / 9**0.5
answer = (-3 * scale, (2 - 5) * scale - 1)
""",
        mistakes=(
            "answer = (-2.0, 2 * 2 / 3 - 1)  # forgets the mean",
            "answer = (-3 * 2 / 9, (2 - 5) * 2 / 9 - 1)  # variance in place of its root",
            "answer = (-2.0, -2.0)  # forgets beta",
        ),
        check=_check_by_hand,
    ),
    Exercise(
        key="07.2",
        title="How long a moving average remembers",
        stub="""
answer = None  # a whole number of training steps
""",
        hint="Each step multiplies what is left of the first value by the momentum. Multiply until it is below 1/100.",
        solution="""
answer = next(steps for steps in range(1, 10_000) if 0.99**steps < 0.01)
""",
        mistakes=("answer = 100  # 1 / (1 - momentum): then more than a third is left", "answer = 458", "answer = 99"),
        check=_check_steps,
    ),
    Exercise(
        key="07.3",
        title="The moving averages of one training step",
        stub='''
def answer(batch, mean, variance, momentum):
    """The moving mean and variance (channels,) after a training step on a batch (..., channels): a pair."""
''',
        hint="Average over every axis but the last. The old value keeps the share `momentum`.",
        solution="""
def answer(batch, mean, variance, momentum):
    axes = tuple(range(batch.ndim - 1))
    new_mean = momentum * mean + (1 - momentum) * batch.mean(axis=axes)
    return new_mean, momentum * variance + (1 - momentum) * batch.var(axis=axes)
""",
        mistakes=(
            # the shares the other way round
            "def answer(batch, mean, variance, momentum):\n    axes = tuple(range(batch.ndim - 1))\n"
            "    return ((1 - momentum) * mean + momentum * batch.mean(axis=axes),\n"
            "            (1 - momentum) * variance + momentum * batch.var(axis=axes))",
            # over the batch axis alone
            "def answer(batch, mean, variance, momentum):\n"
            "    return (momentum * mean + (1 - momentum) * batch.mean(axis=0),\n"
            "            momentum * variance + (1 - momentum) * batch.var(axis=0))",
            # deviation in place of variance
            "def answer(batch, mean, variance, momentum):\n    axes = tuple(range(batch.ndim - 1))\n"
            "    return (momentum * mean + (1 - momentum) * batch.mean(axis=axes),\n"
            "            momentum * variance + (1 - momentum) * batch.std(axis=axes))",
        ),
        check=_check_average,
    ),
    Exercise(
        key="07.4",
        title="Fold into a depthwise convolution",
        stub='''
def answer(kernel, bias, gamma, beta, mean, variance, epsilon):
    """Kernel and bias of a depthwise convolution after folding: a pair.

    kernel (height, width, inputs, multiplier); all others (inputs * multiplier,), ordered by input, then multiplier.
    """
''',
        hint="There is one factor for each output channel, and the outputs of a kernel stand on its last two axes. "
        "Bring the factors to the shape (inputs, multiplier).",
        solution="""
def answer(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale.reshape(kernel.shape[2:]), (bias - mean) * scale + beta
""",
        mistakes=(
            # the order of the outputs mixed up
            "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
            "    scale = gamma / np.sqrt(variance + epsilon)\n"
            "    return kernel * scale.reshape(kernel.shape[3], kernel.shape[2]).T, (bias - mean) * scale + beta",
            # the factor of each input's first output
            "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
            "    scale = gamma / np.sqrt(variance + epsilon)\n"
            "    first = scale.reshape(kernel.shape[2:])[:, :1]\n"
            "    return kernel * first, (bias - mean) * scale + beta",
            # no epsilon
            "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
            "    scale = gamma / np.sqrt(variance)\n"
            "    return kernel * scale.reshape(kernel.shape[2:]), (bias - mean) * scale + beta",
        ),
        check=_check_depthwise,
    ),
    Exercise(
        key="07.5",
        title="Fold in the other direction",
        stub='''
def answer(kernel, bias, gamma, beta, mean, variance, epsilon):
    """Kernel and bias of a convolution without padding that does the work of a batch norm and the convolution after it.

    kernel (height, width, inputs, outputs), bias (outputs,); all others (inputs,).
    """
''',
        hint="Write the batch norm as `scale * x + shift` for each input channel and put it into the sum. "
        "The shifts, weighted by the kernel, add up to a constant for each output.",
        solution="""
def answer(kernel, bias, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    shift = beta - mean * scale
    return kernel * scale[:, None], bias + np.einsum("uvio,i->o", kernel, shift)
""",
        mistakes=(
            # the shift through the scaled kernel
            "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
            "    scale = gamma / np.sqrt(variance + epsilon)\n    shift = beta - mean * scale\n"
            "    return kernel * scale[:, None], bias + np.einsum('uvio,i->o', kernel * scale[:, None], shift)",
            # no shift at all
            "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
            "    scale = gamma / np.sqrt(variance + epsilon)\n    return kernel * scale[:, None], bias",
            # the shift once instead of at every tap
            "def answer(kernel, bias, gamma, beta, mean, variance, epsilon):\n"
            "    scale = gamma / np.sqrt(variance + epsilon)\n    shift = beta - mean * scale\n"
            "    return kernel * scale[:, None], bias + kernel.mean(axis=(0, 1)).T @ shift",
        ),
        check=_check_in_front,
    ),
    Exercise(
        key="07.6",
        title="What to pad with",
        stub='''
def answer(gamma, beta, mean, variance, epsilon):
    """For each channel, the value that the batch norm turns into 0; all arguments (channels,), epsilon a number."""
''',
        hint="Set the output of the batch norm to 0 and solve for its input. Subtract beta, then undo the factor.",
        solution="""
def answer(gamma, beta, mean, variance, epsilon):
    return mean - beta * np.sqrt(variance + epsilon) / gamma
""",
        mistakes=(
            "def answer(gamma, beta, mean, variance, epsilon):\n    return mean",
            "def answer(gamma, beta, mean, variance, epsilon):\n    return mean - beta",
            "def answer(gamma, beta, mean, variance, epsilon):\n"
            "    return mean + beta * np.sqrt(variance + epsilon) / gamma",
        ),
        check=_check_padding,
    ),
    Exercise(
        key="07.7",
        title="Count what folding saves",
        stub='''
def answer(channels, use_bias):
    """Parameters that folding removes, moving averages included.

    channels: for each convolution with a batch norm behind it, its number of output channels; use_bias: whether these
    convolutions have a bias already.
    """
''',
        hint="A batch norm has four numbers a channel. A folded convolution needs a bias, which is new if it had none.",
        solution="""
def answer(channels, use_bias):
    return (4 if use_bias else 3) * sum(channels)
""",
        mistakes=(
            "def answer(channels, use_bias):\n    return 4 * sum(channels)",
            "def answer(channels, use_bias):\n    return 2 * sum(channels)  # only what is trained",
            "def answer(channels, use_bias):\n    return (5 if use_bias else 4) * sum(channels)",
        ),
        check=_check_saved,
    ),
)
