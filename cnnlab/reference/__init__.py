"""The executable definitions: convolution, pooling, their transposes and gradients, for one image in plain NumPy.

Images are (height, width, channels). The code is written to be read (`lab.show_source`); TensorFlow does the work
where speed matters, and the tests hold the two against each other.
"""

from cnnlab.reference.convolution import (
    conv2d,
    conv2d_gradients,
    conv2d_im2col,
    conv2d_loops,
    conv2d_matrix,
    conv2d_transpose,
    conv2d_transpose_gradients,
    convolve2d_true,
    im2col,
)
from cnnlab.reference.pooling import (
    avg_pool2d,
    avg_pool2d_gradient,
    max_pool2d,
    max_pool2d_gradient,
    max_unpool2d,
    max_unpool2d_gradient,
)
from cnnlab.reference.windows import add_windows, image_windows, pad_image

__all__ = [
    "add_windows",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "conv2d",
    "conv2d_gradients",
    "conv2d_im2col",
    "conv2d_loops",
    "conv2d_matrix",
    "conv2d_transpose",
    "conv2d_transpose_gradients",
    "convolve2d_true",
    "im2col",
    "image_windows",
    "max_pool2d",
    "max_pool2d_gradient",
    "max_unpool2d",
    "max_unpool2d_gradient",
    "pad_image",
]
