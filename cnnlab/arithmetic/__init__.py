"""The arithmetic of convolutional networks: by formula, and for a whole Keras model with `profile`."""

from cnnlab.arithmetic.closed_form import (
    conv_macs,
    conv_params,
    output_size,
    padding_sides,
    receptive_field,
    transposed_output_size,
)
from cnnlab.arithmetic.model_profile import LayerProfile, Profile, profile

__all__ = [
    "LayerProfile",
    "Profile",
    "conv_macs",
    "conv_params",
    "output_size",
    "padding_sides",
    "profile",
    "receptive_field",
    "transposed_output_size",
]
