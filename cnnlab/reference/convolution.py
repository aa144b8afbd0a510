"""Convolution of one image in plain NumPy, its gradients, and its transpose."""

import numpy as np

from cnnlab.arithmetic import output_size, transposed_output_size
from cnnlab.arithmetic.closed_form import integer
from cnnlab.reference.windows import add_windows, checked_array, image_windows, pad_image


def conv2d(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """Convolution as deep learning means it: the kernel slides over the image unflipped (cross-correlation).

    output[y, x, p] = bias[p] + sum over v, u, c of
                      kernel[v, u, c, p] padded[y stride + v dilation, x stride + u dilation, c]

    Args:
        image: (H, W, C_in).
        kernel: (K_h, K_w, C_in, C_out).
        stride: pixels from one position of the kernel to the next.
        padding: zeros around the image: "valid" (none), "same" (as TensorFlow), "full" or pixels per side.
        dilation: pixels from one tap of the kernel to the next.
        bias: (C_out,), or None for no bias.

    Returns:
        (H_out, W_out, C_out) with the sizes of `arithmetic.output_size`; float64, or int64 if all inputs are integers.

    Raises:
        ValueError: an array has the wrong number of axes or is not numeric, the channels do not match, or the
            kernel does not fit into the padded image.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 1.1.
    """
    image, kernel = _checked(image, kernel, channels_axis=2)
    windows = image_windows(image, kernel.shape[:2], stride, padding, dilation)
    output = np.einsum("yxvuc,vucp->yxp", windows, kernel, optimize=True)
    return output if bias is None else output + checked_array("bias", bias, (kernel.shape[3],))


def convolve2d_true(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """Convolution as mathematics and signal processing mean it: the kernel is turned by 180 degrees, then slides.

    Args, Returns, Raises: as `conv2d`.

    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 9.1, equations 9.5 and 9.6.
    """
    return conv2d(image, np.asarray(kernel)[::-1, ::-1], stride, padding, dilation, bias)


def conv2d_loops(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """`conv2d` as nested loops, one multiply-add at a time: the definition, and by far the slowest way.

    Args, Returns, Raises: as `conv2d`.
    """
    image, kernel = _checked(image, kernel, channels_axis=2)
    kernel_height, kernel_width, in_channels, out_channels = kernel.shape
    height = output_size(image.shape[0], kernel_height, stride, padding, dilation)
    width = output_size(image.shape[1], kernel_width, stride, padding, dilation)
    padded = pad_image(image, kernel.shape[:2], stride, padding, dilation)
    output = np.zeros((height, width, out_channels), np.result_type(image, kernel))
    for y in range(height):
        for x in range(width):
            for p in range(out_channels):
                for v in range(kernel_height):
                    for u in range(kernel_width):
                        for c in range(in_channels):
                            pixel = padded[y * stride + v * dilation, x * stride + u * dilation, c]
                            output[y, x, p] += pixel * kernel[v, u, c, p]
    return output if bias is None else output + checked_array("bias", bias, (out_channels,))


def im2col(
    image: np.ndarray,
    kernel_size: tuple[int, int],
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> np.ndarray:
    """The windows that a kernel sees, one a row: a convolution becomes one matrix product.

    Args:
        image: (H, W, C).
        kernel_size: (K_h, K_w) in pixels.
        stride, padding, dilation: as in `conv2d`.

    Returns:
        (H_out W_out, K_h K_w C); positions row by row, each window in the order of `kernel.reshape(-1, C_out)`.

    Raises:
        ValueError: as `conv2d`.

    Source: Chellapilla, Puri and Simard, "High performance convolutional neural networks for document processing",
        2006, section 4.
    """
    windows = image_windows(checked_array("image", image, axes=3), kernel_size, stride, padding, dilation)
    height, width = windows.shape[:2]
    return windows.reshape(height * width, -1)


def conv2d_im2col(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    """`conv2d` as one product of the matrix of windows with the matrix of kernels.

    Args, Returns, Raises: as `conv2d`.
    """
    image, kernel = _checked(image, kernel, channels_axis=2)
    kernel_height, kernel_width, _, out_channels = kernel.shape
    height = output_size(image.shape[0], kernel_height, stride, padding, dilation)
    columns = im2col(image, (kernel_height, kernel_width), stride, padding, dilation)
    output = (columns @ kernel.reshape(-1, out_channels)).reshape(height, -1, out_channels)
    return output if bias is None else output + checked_array("bias", bias, (out_channels,))


def conv2d_matrix(
    image_shape: tuple[int, int, int],
    kernel: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> np.ndarray:
    """The convolution as a fully connected layer: its sparse matrix, whose rows repeat the same weights.

    `(matrix @ image.ravel()).reshape(H_out, W_out, C_out)` is `conv2d(image, kernel, ...)`. With one channel and
    stride 1 it is a doubly blocked Toeplitz matrix. Its transpose is `conv2d_transpose`.

    Args:
        image_shape: (H, W, C_in).
        kernel, stride, padding, dilation: as in `conv2d`.

    Returns:
        (H_out W_out C_out, H W C_in), dense.

    Raises:
        ValueError: as `conv2d`.

    Source: Goodfellow, Bengio and Courville, "Deep learning", 2016, section 9.1 (doubly block circulant).
    """
    image_shape = [integer("image_shape", length, at_least=1) for length in image_shape]
    pixels = np.arange(1, np.prod(image_shape) + 1).reshape(image_shape)  # every pixel's number; 0 is the padding
    pixels, kernel = _checked(pixels, kernel, channels_axis=2, image_name="image_shape")
    seen = im2col(pixels, kernel.shape[:2], stride, padding, dilation)
    weights = kernel.reshape(-1, kernel.shape[3])
    matrix = np.zeros((len(seen), weights.shape[1], pixels.size + 1), kernel.dtype)
    for position, numbers in enumerate(seen):
        matrix[position][:, numbers] = weights.T
    return matrix[:, :, 1:].reshape(-1, pixels.size)


def conv2d_gradients(
    image: np.ndarray,
    kernel: np.ndarray,
    output_gradient: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of a loss through `conv2d`, given its gradient with respect to the output.

    A weight touches the output once at every position, so its gradient is a correlation of the image with the output's
    gradient. A pixel lies in several windows, so its gradient adds up what comes back through each of them.

    Args:
        image: (H, W, C_in), as given to `conv2d`.
        kernel: (K_h, K_w, C_in, C_out).
        output_gradient: (H_out, W_out, C_out).
        stride, padding, dilation: as given to `conv2d`.

    Returns:
        Gradients with respect to image, kernel and bias, each of the shape of what it belongs to.

    Raises:
        ValueError: as `conv2d`, or the output's gradient does not have the output's shape.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4.
    """
    image, kernel = _checked(image, kernel, channels_axis=2)
    windows = image_windows(image, kernel.shape[:2], stride, padding, dilation)
    output_gradient = checked_array("output_gradient", output_gradient, (*windows.shape[:2], kernel.shape[3]))
    kernel_gradient = np.einsum("yxvuc,yxp->vucp", windows, output_gradient, optimize=True)
    window_gradients = np.einsum("yxp,vucp->yxvuc", output_gradient, kernel, optimize=True)
    image_gradient = add_windows(window_gradients, image.shape, stride, padding, dilation)
    return image_gradient, kernel_gradient, output_gradient.sum(axis=(0, 1))


def conv2d_transpose(
    image: np.ndarray,
    kernel: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    output_padding: int | None = None,
) -> np.ndarray:
    """Transposed convolution: each pixel stamps a copy of the kernel, scaled by its value; overlaps add up.

    It is the adjoint of `conv2d` with the same kernel, stride and padding: <conv2d(x), y> = <x, conv2d_transpose(y)>.

    Args:
        image: (H, W, C_in).
        kernel: (K_h, K_w, C_out, C_in): the channels stand as in the convolution that is transposed, as in Keras.
        stride: pixels from one stamped copy to the next.
        padding: what that convolution had: "valid", "same" or pixels per side; so much is cut off the result.
        output_padding: chooses among the sizes that the stride leaves open; as `arithmetic.transposed_output_size`.

    Returns:
        (H_out, W_out, C_out) with the sizes of `arithmetic.transposed_output_size`.

    Raises:
        ValueError: as `conv2d`, and as `arithmetic.transposed_output_size`.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4.
    """
    image, kernel = _checked(image, kernel, channels_axis=3)
    height = transposed_output_size(image.shape[0], kernel.shape[0], stride, padding, output_padding)
    width = transposed_output_size(image.shape[1], kernel.shape[1], stride, padding, output_padding)
    stamps = np.einsum("yxc,vupc->yxvup", image, kernel, optimize=True)
    return add_windows(stamps, (height, width, kernel.shape[2]), stride, padding)


def conv2d_transpose_gradients(
    image: np.ndarray,
    kernel: np.ndarray,
    output_gradient: np.ndarray,
    stride: int = 1,
    padding: str | int = "valid",
    output_padding: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of a loss through `conv2d_transpose`: the way back through a transpose is the convolution itself.

    Args:
        image, kernel, stride, padding, output_padding: as given to `conv2d_transpose`.
        output_gradient: (H_out, W_out, C_out).

    Returns:
        Gradients with respect to image and kernel.

    Raises:
        ValueError: as `conv2d_transpose`, or the output's gradient does not have the output's shape.
    """
    image, kernel = _checked(image, kernel, channels_axis=3)
    height = transposed_output_size(image.shape[0], kernel.shape[0], stride, padding, output_padding)
    width = transposed_output_size(image.shape[1], kernel.shape[1], stride, padding, output_padding)
    output_gradient = checked_array("output_gradient", output_gradient, (height, width, kernel.shape[2]))
    windows = image_windows(output_gradient, kernel.shape[:2], stride, padding)
    image_gradient = np.einsum("yxvup,vupc->yxc", windows, kernel, optimize=True)
    return image_gradient, np.einsum("yxvup,yxc->vupc", windows, image, optimize=True)


def _checked(
    image: np.ndarray, kernel: np.ndarray, channels_axis: int, image_name: str = "image"
) -> tuple[np.ndarray, np.ndarray]:
    """Image and kernel as arrays, once the kernel takes as many channels, on the axis given, as the image has."""
    image = checked_array(image_name, image, axes=3)
    kernel = checked_array("kernel", kernel, axes=4)
    if kernel.shape[channels_axis] != image.shape[2]:
        raise ValueError(
            f"`kernel` needs {image.shape[2]} on axis {channels_axis}, the channels of `{image_name}`; "
            f"received the shape {kernel.shape}."
        )
    return image, kernel
