"""Padding, sliding windows and input checks, shared by convolution and pooling."""

import numpy as np

from cnnlab.arithmetic import padding_sides


def pad_image(
    image: np.ndarray,
    kernel_size: tuple[int, int],
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    fill: float = 0,
) -> np.ndarray:
    """The image with the border that a kind of padding asks for, filled with one value.

    Args:
        image: (H, W, C).
        kernel_size: (K_h, K_w) in pixels; "same" and "full" depend on it.
        stride, padding, dilation: as in `arithmetic.output_size`.
        fill: value of the border.

    Returns:
        (before + H + after, before + W + after, C), with the pixels of `arithmetic.padding_sides`.

    Raises:
        ValueError: the image does not have three axes, `kernel_size` two numbers, or the kernel does not fit.
    """
    image = checked_array("image", image, axes=3)
    if np.shape(kernel_size) != (2,):
        raise ValueError(f"`kernel_size` needs two numbers, (height, width); received {kernel_size!r}.")
    rows, columns = (
        padding_sides(size, kernel, stride, padding, dilation)
        for size, kernel in zip(image.shape[:2], kernel_size, strict=True)
    )
    return np.pad(image, (rows, columns, (0, 0)), constant_values=fill)


def image_windows(
    image: np.ndarray,
    kernel_size: tuple[int, int],
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
    fill: float = 0,
) -> np.ndarray:
    """What a kernel sees at each of its positions.

    Args, Raises: as `pad_image`.

    Returns:
        (H_out, W_out, K_h, K_w, C), a read-only view of the padded image: no pixel is copied.
    """
    padded = pad_image(image, kernel_size, stride, padding, dilation, fill)
    reach = tuple(dilation * (kernel - 1) + 1 for kernel in kernel_size)
    windows = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=(0, 1))
    return windows[::stride, ::stride, :, ::dilation, ::dilation].transpose(0, 1, 3, 4, 2)


def add_windows(
    windows: np.ndarray,
    image_shape: tuple[int, int, int],
    stride: int = 1,
    padding: str | int = "valid",
    dilation: int = 1,
) -> np.ndarray:
    """The way back from windows to an image, the adjoint of `image_windows`: each value is added where it was seen.

    Args:
        windows: (H_out, W_out, K_h, K_w, C), for every position of the kernel in an image of that shape.
        image_shape: (H, W, C).
        stride, padding, dilation: as given to `image_windows`.

    Returns:
        (H, W, C); what fell on the padding is dropped.
    """
    height, width, kernel_height, kernel_width, _ = windows.shape
    empty = np.zeros(image_shape, windows.dtype)
    padded = pad_image(empty, (kernel_height, kernel_width), stride, padding, dilation)
    for v in range(kernel_height):
        for u in range(kernel_width):
            rows = slice(v * dilation, v * dilation + height * stride, stride)
            columns = slice(u * dilation, u * dilation + width * stride, stride)
            padded[rows, columns] += windows[:, :, v, u]
    top, _ = padding_sides(image_shape[0], kernel_height, stride, padding, dilation)
    left, _ = padding_sides(image_shape[1], kernel_width, stride, padding, dilation)
    return padded[top : top + image_shape[0], left : left + image_shape[1]]


def checked_array(
    name: str, values: np.ndarray, shape: tuple[int, ...] | None = None, axes: int | None = None
) -> np.ndarray:
    """`values` as float64, or int64 if they are integers or booleans, once their shape or number of axes is right."""
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` needs real numbers; received an array of type {values.dtype}.")
    if shape is not None and values.shape != tuple(shape):
        raise ValueError(f"`{name}` needs the shape {tuple(shape)}; received {values.shape}.")
    if axes is not None and (values.ndim != axes or 0 in values.shape):
        wanted = {3: "(height, width, channels)", 4: "(height, width, two numbers of channels)"}[axes]
        raise ValueError(f"`{name}` needs {axes} axes, {wanted}, none empty; received the shape {values.shape}.")
    # Wide types: pixels of 8 bits would wrap around in a sum.
    return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
