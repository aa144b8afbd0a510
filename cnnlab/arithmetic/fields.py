"""How the receptive field grows through the layers of a Keras model, one number for each axis of the input.

Three things are carried along: `size`, the input pixels that one value sees; `jump`, the input pixels from one value
to its neighbor; `span`, the input pixels that all values see together. Upsampling makes jumps shorter than a pixel, so
sizes are fractions on the way and are rounded down when shown: that is the field of the best-placed value. A stride
after upsampling may leave out the best places; the size is an upper bound then.

Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks", Distill, 2019.
"""

import math
from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Field:
    """`jump` is None where the values no longer lie on the input's axes, as after flattening."""

    size: tuple[Fraction, ...]
    jump: tuple[Fraction, ...] | None
    span: tuple[Fraction, ...]

    def shown(self) -> int | tuple[int, ...]:
        sizes = tuple(map(math.floor, self.size))
        return sizes[0] if len(set(sizes)) == 1 else sizes


def first_field(shape: tuple) -> Field | None:
    """Each value of an input sees itself. The last axis holds channels, unless it is the only one."""
    lengths = shape[1:-1] or shape[1:]
    if None in lengths:
        return None
    ones = (Fraction(1),) * len(lengths)
    return Field(ones, ones, tuple(map(Fraction, lengths)))


def field_after(operation, input_shape: tuple, output_shape: tuple, fields: list[Field | None]) -> Field | None:
    """The field of an output of a layer whose way of working is known; None where the field cannot be said.

    Args:
        operation: the layer, or the function between layers.
        input_shape, output_shape: of its first input and output as Keras gives them, the batch first.
        fields: of all its inputs.
    """
    field = _widest(fields)
    kind = type(operation).__name__
    if field is None or kind == "Resizing":
        return None
    if kind in ("Flatten", "Reshape", "Permute", "RepeatVector"):
        # A picture that is only brought into shape is still the input, on new axes.
        untouched = field.jump is not None and set(field.size + field.jump) == {1}
        return first_field(output_shape) if untouched and len(output_shape) > 2 else replace(field, jump=None)
    if kind.startswith("Global") or (len(input_shape) == 2 and _mixes(operation)):
        return _whole(field)
    window = _window(operation, output_shape)
    if window is None:
        return field
    kernels, steps, lengths = window
    if field.jump is None or len(field.size) != len(lengths):
        return _whole(field)
    jump = tuple(before * step for before, step in zip(field.jump, steps, strict=True))
    # The taps of a convolution lie on its inputs; those of a transposed one lie on its outputs, which are denser.
    spacing = map(min, field.jump, jump)
    size = tuple(seen + (kernel - 1) * gap for seen, kernel, gap in zip(field.size, kernels, spacing, strict=True))
    span = tuple(seen + (length - 1) * gap for seen, length, gap in zip(size, lengths, jump, strict=True))
    return Field(size, jump, span)


def _window(operation, output_shape: tuple) -> tuple[list[int], list[Fraction], tuple[int, ...]] | None:
    """Dilated kernel, step in inputs and output length along each axis; None for a layer that works place by place."""
    channels_first = getattr(operation, "data_format", None) == "channels_first"
    lengths = output_shape[2:] if channels_first else output_shape[1:-1]

    def numbers(value) -> list[int]:
        return [value] * len(lengths) if isinstance(value, int) else list(value)

    if hasattr(operation, "kernel_size"):
        dilations = numbers(getattr(operation, "dilation_rate", 1))
        kernels = [(k - 1) * d + 1 for k, d in zip(numbers(operation.kernel_size), dilations, strict=True)]
        strides = numbers(getattr(operation, "strides", 1))
        backward = type(operation).__name__.endswith("Transpose")
        return kernels, [Fraction(1, s) if backward else Fraction(s) for s in strides], lengths
    if hasattr(operation, "pool_size"):
        kernels = numbers(operation.pool_size)
        return kernels, list(map(Fraction, numbers(getattr(operation, "strides", kernels)))), lengths
    if type(operation).__name__.startswith("UpSampling"):
        factors = numbers(operation.size)
        # Repeating a pixel f times is a transposed convolution with f taps; drawing lines between pixels has about 2f.
        smooth = getattr(operation, "interpolation", "nearest") != "nearest"
        return [2 * f - f % 2 if smooth else f for f in factors], [Fraction(1, f) for f in factors], lengths
    return None


def _mixes(operation) -> bool:
    """Whether a layer on vectors makes each output from all inputs."""
    return type(operation).__name__ == "Dense" or hasattr(operation, "multiply_adds")


def _whole(field: Field) -> Field:
    """Every value sees what all of them saw together."""
    return Field(field.span, tuple(Fraction(0) for _ in field.span), field.span)


def _widest(fields: list[Field | None]) -> Field | None:
    """Where paths meet: the widest field of each axis; None if one is not known or they lie on different axes."""
    if not fields or None in fields or len({len(field.size) for field in fields}) > 1:
        return None
    loose = any(field.jump is None for field in fields)
    return Field(
        size=tuple(map(max, zip(*(field.size for field in fields), strict=True))),
        jump=None if loose else tuple(map(max, zip(*(field.jump for field in fields), strict=True))),
        span=tuple(map(max, zip(*(field.span for field in fields), strict=True))),
    )
