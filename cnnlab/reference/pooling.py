"""Pooling of one image in plain NumPy, its gradients, and the way back to the places of the maxima."""

import numpy as np

from cnnlab.arithmetic.closed_form import integer
from cnnlab.reference.windows import add_windows, checked_array, image_windows


def max_pool2d(
    image: np.ndarray,
    pool_size: int,
    stride: int | None = None,
    padding: str | int = "valid",
    return_positions: bool = False,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """The largest value of each window, channel by channel. Padding is never the largest.

    Args:
        image: (H, W, C).
        pool_size: side of the square window in pixels.
        stride: pixels from one window to the next; None for windows that touch and do not overlap.
        padding: "valid", "same" (as TensorFlow), "full" or pixels per side, fewer than `pool_size`.
        return_positions: whether to return where the maxima stood too.

    Returns:
        (H_out, W_out, C). With positions, also an integer array of the same shape: the index of each maximum in
        `image.ravel()`. The first in reading order counts where several are equal.

    Raises:
        ValueError: the image does not have three axes, a size is not a positive integer, or the window does not fit.

    Source: Scherer, Müller and Behnke, "Evaluation of pooling operations in convolutional architectures for object
        recognition", 2010, section 3.
    """
    image, stride = _checked(image, pool_size, stride, padding)
    numbers = np.arange(image.size).reshape(image.shape)
    lowest = -np.inf if image.dtype.kind == "f" else np.iinfo(image.dtype).min
    windows = _flat_windows(image, pool_size, stride, padding, lowest)
    winners = windows.argmax(axis=2, keepdims=True)
    pooled = np.take_along_axis(windows, winners, axis=2)[:, :, 0]
    if not return_positions:
        return pooled
    return pooled, np.take_along_axis(_flat_windows(numbers, pool_size, stride, padding, -1), winners, axis=2)[:, :, 0]


def max_pool2d_gradient(
    image: np.ndarray,
    output_gradient: np.ndarray,
    pool_size: int,
    stride: int | None = None,
    padding: str | int = "valid",
) -> np.ndarray:
    """Gradient of a loss through `max_pool2d`: all of it goes to the winner; windows that overlap add up.

    Args:
        image, pool_size, stride, padding: as given to `max_pool2d`.
        output_gradient: (H_out, W_out, C).

    Returns:
        (H, W, C).

    Raises:
        ValueError: as `max_pool2d`, or the output's gradient does not have the output's shape.
    """
    pooled, positions = max_pool2d(image, pool_size, stride, padding, return_positions=True)
    output_gradient = checked_array("output_gradient", output_gradient, pooled.shape)
    gradient = np.zeros(np.shape(image), output_gradient.dtype)
    np.add.at(gradient.reshape(-1), positions, output_gradient)
    return gradient


def max_unpool2d(pooled: np.ndarray, positions: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Put each maximum back where it stood and zero everywhere else.

    Args:
        pooled: (H, W, C), values for the places that pooling remembered.
        positions: (H, W, C), from `max_pool2d(..., return_positions=True)`.
        image_shape: (H_out, W_out, C), the shape before pooling.

    Returns:
        An array of the shape `image_shape`. Where windows overlapped and shared a maximum, the last value stays.

    Raises:
        ValueError: the shapes of `pooled` and `positions` differ, or a position lies outside the image.

    Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014, section 2.1.
    """
    pooled = checked_array("pooled", pooled, axes=3)
    image_shape = tuple(integer("image_shape", length, at_least=1) for length in image_shape)
    unpooled = np.zeros(image_shape, pooled.dtype)
    unpooled.reshape(-1)[_checked_positions(positions, pooled.shape, unpooled.size)] = pooled
    return unpooled


def max_unpool2d_gradient(output_gradient: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Gradient of a loss through `max_unpool2d`, for windows that did not overlap: read it at the places of the maxima.

    Args:
        output_gradient: (H_out, W_out, C), gradient with respect to the unpooled image.
        positions: (H, W, C), as given to `max_unpool2d`.

    Returns:
        (H, W, C), gradient with respect to the pooled values.

    Raises:
        ValueError: the gradient does not have three axes, or a position lies outside it.
    """
    output_gradient = checked_array("output_gradient", output_gradient, axes=3)
    return output_gradient.ravel()[_checked_positions(positions, np.shape(positions), output_gradient.size)]


def avg_pool2d(
    image: np.ndarray, pool_size: int, stride: int | None = None, padding: str | int = "valid"
) -> np.ndarray:
    """The mean of each window, channel by channel. Padding does not enter the mean: each window divides by its pixels.

    Args, Raises: as `max_pool2d`.

    Returns:
        (H_out, W_out, C) float64.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B (sub-sampling).
    """
    image, stride = _checked(image, pool_size, stride, padding)
    pixels = _flat_windows(np.ones_like(image), pool_size, stride, padding).sum(axis=2)
    return _flat_windows(image, pool_size, stride, padding).sum(axis=2) / pixels


def avg_pool2d_gradient(
    image: np.ndarray,
    output_gradient: np.ndarray,
    pool_size: int,
    stride: int | None = None,
    padding: str | int = "valid",
) -> np.ndarray:
    """Gradient of a loss through `avg_pool2d`: spread evenly over the pixels of a window; windows that overlap add up.

    Args:
        image, pool_size, stride, padding: as given to `avg_pool2d`; of the image only the shape matters.
        output_gradient: (H_out, W_out, C).

    Returns:
        (H, W, C) float64.

    Raises:
        ValueError: as `avg_pool2d`, or the output's gradient does not have the output's shape.
    """
    image, stride = _checked(image, pool_size, stride, padding)
    real = image_windows(np.ones_like(image), (pool_size, pool_size), stride, padding)
    pixels = real.sum(axis=(2, 3))
    output_gradient = checked_array("output_gradient", output_gradient, pixels.shape)
    shares = real * (output_gradient / pixels)[:, :, None, None]
    return add_windows(shares, image.shape, stride, padding)


def _flat_windows(image: np.ndarray, pool_size: int, stride: int, padding: str | int, fill: float = 0) -> np.ndarray:
    """(H_out, W_out, pool_size^2, C): the pixels of each window in reading order."""
    windows = image_windows(image, (pool_size, pool_size), stride, padding, fill=fill)
    return windows.reshape(*windows.shape[:2], -1, windows.shape[4])


def _checked(image: np.ndarray, pool_size: int, stride: int | None, padding: str | int) -> tuple[np.ndarray, int]:
    """The image as an array and the stride as a number, once every window holds at least one pixel of the image."""
    image = checked_array("image", image, axes=3)
    pool_size = integer("pool_size", pool_size, at_least=1)
    around = 0 if isinstance(padding, str) else integer("padding", padding, at_least=0)
    if around >= pool_size:
        raise ValueError(f"`padding` needs fewer pixels per side than pool_size={pool_size}; received {padding}.")
    room = min(image.shape[:2]) + 2 * around
    if padding not in ("same", "full") and pool_size > room:
        raise ValueError(f"`pool_size` needs to fit into the padded image, {room} pixels; received {pool_size}.")
    return image, pool_size if stride is None else integer("stride", stride, at_least=1)


def _checked_positions(positions: np.ndarray, shape: tuple[int, ...], size: int) -> np.ndarray:
    """Positions as indices, once they have the shape and lie in an image of `size` values."""
    positions = checked_array("positions", positions, shape)
    if positions.dtype.kind != "i" or positions.min() < 0 or positions.max() >= size:
        received = f"{positions.min()} to {positions.max()}"
        raise ValueError(f"`positions` needs integers from 0 to {size - 1}; received {received}.")
    return positions
