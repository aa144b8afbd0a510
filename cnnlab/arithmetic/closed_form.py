"""Sizes, parameters, multiply-adds and receptive fields of layers, by formula, from their settings alone."""

import math
import operator
from collections.abc import Iterable, Sequence

PADDINGS = ("valid", "same", "full")


def output_size(size: int, kernel: int, stride: int = 1, padding: str | int = "valid", dilation: int = 1) -> int:
    """Number of positions that a kernel takes along one axis, in a convolution or a pooling layer.

    Args:
        size: input length in pixels.
        kernel: kernel length in pixels, before dilation.
        stride: step between two positions in pixels.
        padding: "valid" adds nothing; "same" adds what makes the output ceil(size / stride), as Keras does; "full"
            adds dilation (kernel - 1) on each side; an integer p adds p pixels on each side.
        dilation: distance between two taps of the kernel in pixels.

    Returns:
        Output length in pixels: floor((size + 2p - dilation (kernel - 1) - 1) / stride) + 1.

    Raises:
        ValueError: an argument is not an integer, size, kernel, stride or dilation is not positive, the padding is
            negative or unknown, or the kernel is wider than the padded input.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 2.
    """
    before, after = padding_sides(size, kernel, stride, padding, dilation)
    size, kernel, stride, dilation = map(int, (size, kernel, stride, dilation))  # NumPy's integers can wrap around
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def padding_sides(
    size: int, kernel: int, stride: int = 1, padding: str | int = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Pixels that a kind of padding adds before and after one axis.

    "same" is not symmetric: where the total is odd, the extra pixel goes after (right or bottom), and with a stride
    the total depends on the size. TensorFlow and Keras do so; frameworks that take an integer do not.

    Args:
        size, kernel, stride, padding, dilation: as in `output_size`.

    Returns:
        (before, after) in pixels.

    Raises:
        ValueError: as in `output_size`.

    Source: TensorFlow, `tf.nn.convolution`, "padding".
    """
    size = integer("size", size, at_least=1)
    kernel = integer("kernel", kernel, at_least=1)
    stride = integer("stride", stride, at_least=1)
    dilation = integer("dilation", dilation, at_least=1)
    reach = dilation * (kernel - 1)  # pixels from the kernel's first tap to its last
    if padding == "valid":
        before = after = 0
    elif padding == "same":
        total = max((math.ceil(size / stride) - 1) * stride + reach + 1 - size, 0)
        before, after = total // 2, total - total // 2
    elif padding == "full":
        before = after = reach
    elif isinstance(padding, str):
        raise ValueError(f"`padding` needs one of {PADDINGS} or pixels per side; received {padding!r}.")
    else:
        before = after = integer("padding", padding, at_least=0)
    if reach + 1 > before + size + after:
        raise ValueError(
            f"`kernel` needs to fit into the padded input, {before} + {size} + {after} pixels; "
            f"received kernel={kernel} with dilation={dilation}, which spans {reach + 1}."
        )
    return before, after


def transposed_output_size(
    size: int, kernel: int, stride: int = 1, padding: str | int = "valid", output_padding: int | None = None
) -> int:
    """Output length of a transposed convolution along one axis, as Keras computes it.

    A transposed convolution goes from the output size of a convolution back to an input size. With a stride several
    input sizes share one output size; the output padding chooses among them.

    Args:
        size: input length in pixels.
        kernel: kernel length in pixels.
        stride: distance between two stamped copies of the kernel in pixels.
        padding: what the convolution that is transposed had: "valid", "same" or pixels per side.
        output_padding: pixels added after the end. None is Keras' default: what makes the output size x stride
            for "same", and at least size x stride for "valid"; for an integer padding it means 0.

    Returns:
        Output length in pixels: (size - 1) stride + kernel - 2p + output_padding, where 2p is 0 for "valid" and, if
        the output padding is given, kernel - kernel mod 2 for "same".

    Raises:
        ValueError: an argument is not an integer or too small, the padding is unknown, the output padding is
            not below the stride or (for "same" and an even kernel) 0, or nothing is left of the output.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4; Keras,
        `keras.layers.Conv2DTranspose`.
    """
    size = integer("size", size, at_least=1)
    kernel = integer("kernel", kernel, at_least=1)
    stride = integer("stride", stride, at_least=1)
    if padding == "valid":
        cut, smallest, default = 0, 0, max(stride - kernel, 0)
    elif padding == "same":
        cut, smallest, default = kernel - kernel % 2, 1 - kernel % 2, stride - kernel % 2
    elif isinstance(padding, str):
        raise ValueError(f"`padding` needs 'valid', 'same' or pixels per side; received {padding!r}.")
    else:
        cut, smallest, default = 2 * integer("padding", padding, at_least=0), 0, 0
    extra = default if output_padding is None else integer("output_padding", output_padding, at_least=0)
    # With less a convolution of the output would not lead back to `size`, with as much as the stride Keras refuses.
    if output_padding is not None and not smallest <= extra < stride:
        raise ValueError(
            f"`output_padding` needs None or an integer of at least {smallest} and below stride={stride} "
            f"for kernel={kernel}, padding={padding!r}; received {extra}."
        )
    length = (size - 1) * stride + kernel - cut + extra
    if length < 1:
        raise ValueError(f"`padding` needs to leave at least one pixel; received {padding!r}, which leaves {length}.")
    return length


def conv_params(
    kernel: int | Sequence[int], in_channels: int, out_channels: int, groups: int = 1, bias: bool = True
) -> int:
    """Parameters of a convolution layer: kernel area x input channels of a group x output channels, plus the bias.

    Args:
        kernel: side of a square kernel in pixels, or its lengths along each axis: (7, 1), (3,) for one axis.
        in_channels: channels of the input.
        out_channels: channels of the output, one kernel each.
        groups: parts into which the channels are split; each output channel sees one part of the input's.
        bias: whether each output channel adds a bias.

    Returns:
        Number of parameters.

    Raises:
        ValueError: a count is not a positive integer, or the groups do not divide the channels evenly.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
        section 3.5 (groups).
    """
    in_channels = integer("in_channels", in_channels, at_least=1)
    out_channels = integer("out_channels", out_channels, at_least=1)
    groups = integer("groups", groups, at_least=1)
    for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
        if channels % groups:
            raise ValueError(f"`{name}` needs to be a multiple of groups={groups}; received {channels}.")
    return _area("kernel", kernel) * in_channels // groups * out_channels + (out_channels if bias else 0)


def conv_macs(
    output: int | Sequence[int], kernel: int | Sequence[int], in_channels: int, out_channels: int, groups: int = 1
) -> int:
    """Multiply-adds of a convolution layer: at each output pixel, each weight is used once.

    A multiply-add counts once, adding the bias does not count, and a tap that falls on padding counts like any other.

    Args:
        output: side of a square output map in pixels, or its lengths along each axis: (height, width).
        kernel, in_channels, out_channels, groups: as in `conv_params`.

    Returns:
        Number of multiply-adds for one example.

    Raises:
        ValueError: as in `conv_params`.

    Source: He and Sun, "Convolutional neural networks at constrained time cost", 2015, section 2.
    """
    return _area("output", output) * conv_params(kernel, in_channels, out_channels, groups, bias=False)


def receptive_field(layers: Iterable[int | Sequence[int]]) -> int:
    """Pixels along one axis of the input that one output pixel of a stack of layers can see.

    Args:
        layers: from the input on, each (kernel,), (kernel, stride) or (kernel, stride, dilation), for convolution and
            pooling alike; a bare integer is a kernel with stride 1.

    Returns:
        1 + the sum over layers of dilation (kernel - 1) x the product of the strides before. It is not cut to the
        size of the image, and 1 for no layers.

    Raises:
        ValueError: a layer has none or more than three numbers, or one that is not a positive integer.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019.
    """
    field, jump = 1, 1  # jump: input pixels between two neighboring outputs
    for position, layer in enumerate(layers):
        numbers = tuple(layer) if isinstance(layer, Sequence) and not isinstance(layer, str) else (layer,)
        if not 1 <= len(numbers) <= 3:
            raise ValueError(
                f"`layers[{position}]` needs (kernel,), (kernel, stride) or (kernel, stride, dilation); "
                f"received {layer!r}."
            )
        numbers = [integer(f"layers[{position}]", number, at_least=1) for number in numbers]
        kernel, stride, dilation = numbers + [1, 1][len(numbers) - 1 :]
        field += dilation * (kernel - 1) * jump
        jump *= stride
    return field


def integer(name: str, value: int, at_least: int) -> int:
    """`value` as a Python integer; a bool, a float (3.0 too) or a smaller number is refused by name."""
    try:
        number = None if type(value).__name__ in ("bool", "bool_") else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        raise ValueError(f"`{name}` needs an integer of at least {at_least}; received {value!r}.")
    return number


def _area(name: str, lengths: int | Sequence[int]) -> int:
    """Product of lengths along the axes; one integer stands for a square."""
    if not isinstance(lengths, Sequence):
        return integer(name, lengths, at_least=1) ** 2
    if not lengths or isinstance(lengths, str):
        raise ValueError(f"`{name}` needs an integer or a sequence of integers; received {lengths!r}.")
    return math.prod(integer(name, length, at_least=1) for length in lengths)
