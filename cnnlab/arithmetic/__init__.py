"""The arithmetic of convolutional networks: by formula, and for a whole Keras model with `profile`."""

from cnnlab.arithmetic.closed_form import (
    conv_macs,
    conv_params,
    output_size,
    padding_sides,
    receptive_field,
    transposed_output_size,
)

__all__ = [
    "conv_macs",
    "conv_params",
    "output_size",
    "padding_sides",
    "receptive_field",
    "transposed_output_size",
]
