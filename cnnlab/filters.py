"""The classic kernels, and what one of them does to a picture."""

from types import MappingProxyType

import numpy as np

from cnnlab.arithmetic.closed_form import integer
from cnnlab.reference.windows import image_windows


def box_blur(size: int) -> np.ndarray:
    """The mean of a square: (size, size), all equal, sum 1."""
    size = _odd("size", size)
    return np.full((size, size), 1 / size**2)


def gaussian(size: int, sigma: float) -> np.ndarray:
    """A Gaussian bell, sampled at the pixels and scaled to sum 1: a blur with soft edges.

    Args:
        size: side in pixels, odd; 6 sigma + 1 keeps all but 0.3 % of the bell along an axis.
        sigma: standard deviation in pixels, positive.

    Returns:
        (size, size) float64.

    Raises:
        ValueError: the size is not an odd positive integer, or sigma is not a positive number.

    Source: Gonzalez and Woods, "Digital image processing", 4th edition, 2018, section 3.5.
    """
    size = _odd("size", size)
    if isinstance(sigma, bool) or not isinstance(sigma, int | float | np.number) or not 0 < sigma < np.inf:
        raise ValueError(f"`sigma` needs a positive number of pixels; received {sigma!r}.")
    offsets = np.arange(size) - size // 2
    bell = np.exp(-(offsets**2) / (2 * sigma**2))
    return np.outer(bell, bell) / bell.sum() ** 2


def motion_blur(length: int) -> np.ndarray:
    """The mean along the falling diagonal, as if the camera had moved: (length, length), 1/length each, sum 1."""
    length = _odd("length", length)
    return np.eye(length) / length


def apply(image: np.ndarray, kernel: np.ndarray, border: str = "edge", offset: float = 0) -> np.ndarray:
    """Slide one kernel over each channel of a picture by itself, and return a picture of the same size.

    Args:
        image: (H, W) or (H, W, C), uint8, 0 to 255.
        kernel: (K_h, K_w), both odd, not flipped (cross-correlation).
        border: what lies around the picture: "edge" repeats its outermost pixels, "zero" is black.
        offset: added to every result; 128 makes the negative answers of a kernel of sum 0 visible.

    Returns:
        An array of the image's shape, uint8: rounded to the nearest (halves to even), clipped to 0 to 255.

    Raises:
        ValueError: the image is not uint8 or has other axes, the kernel is not a table of finite numbers with odd
            sides, the border is unknown, or the offset is not a finite number.

    Source: Gonzalez and Woods, "Digital image processing", 4th edition, 2018, section 3.4.
    """
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(f"`image` needs uint8 of shape (H, W) or (H, W, C); received {image.dtype} {image.shape}.")
    if kernel.ndim != 2 or 0 in (kernel.shape[0] % 2, kernel.shape[1] % 2):
        raise ValueError(f"`kernel` needs two axes of odd length; received the shape {kernel.shape}.")
    if kernel.dtype.kind not in "biuf" or not np.isfinite(kernel).all():
        raise ValueError(f"`kernel` needs finite numbers; received {kernel!r}.")
    if border not in ("edge", "zero"):
        raise ValueError(f"`border` needs 'edge' or 'zero'; received {border!r}.")
    if isinstance(offset, bool) or not isinstance(offset, int | float | np.number) or not np.isfinite(offset):
        raise ValueError(f"`offset` needs a finite number; received {offset!r}.")
    sides = [(length // 2, length // 2) for length in kernel.shape]
    planes = image if image.ndim == 3 else image[:, :, None]
    padded = np.pad(planes.astype(np.float64), (*sides, (0, 0)), mode="edge" if border == "edge" else "constant")
    result = np.einsum("yxvuc,vu->yxc", image_windows(padded, kernel.shape), kernel) + offset
    return np.clip(np.rint(result), 0, 255).astype(np.uint8).reshape(image.shape)


def _read_only(kernel) -> np.ndarray:
    """A kernel as an array that cannot be written to: one cell's experiment must not change the next cell's kernel."""
    array = np.array(kernel, dtype=np.float64)
    array.setflags(write=False)
    return array


def _odd(name: str, value: int) -> int:
    value = integer(name, value, at_least=1)
    if value % 2 == 0:
        raise ValueError(f"`{name}` needs an odd number, so that the kernel has a middle; received {value}.")
    return value


#: The kernels by name, each (side, side) float64 and read-only; they slide unflipped (cross-correlation).
KERNELS = MappingProxyType(
    {
        name: _read_only(kernel)
        for name, kernel in {
            # Sum 1: a flat area keeps its brightness.
            "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
            "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
            "sharpen_8": [[-1, -1, -1], [-1, 9, -1], [-1, -1, -1]],
            "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
            "box_blur": box_blur(3),
            "binomial": np.outer([1, 2, 1], [1, 2, 1]) / 16,
            "gaussian": gaussian(7, sigma=1),
            "motion_blur": motion_blur(9),
            # Sum 0: a flat area vanishes. A vertical edge runs from top to bottom, between a left and a right.
            "vertical_edge": [[0, 0, 0], [-1, 1, 0], [0, 0, 0]],
            "horizontal_edge": [[0, -1, 0], [0, 1, 0], [0, 0, 0]],
            "diagonal_edge": [[0, 1, 1], [-1, 0, 1], [-1, -1, 0]],
            "sobel_vertical": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
            "sobel_horizontal": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
            "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
            "laplacian_8": [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
        }.items()
    }
)
