"""What a search refuses before any training."""

import hashlib
import math
import numbers

import numpy as np

from cnnlab.search.spaces import SPACES

SHORTEST = 0.5  # minutes; loading TensorFlow and tracing one network alone can take most of it on a busy machine


def data(x, y) -> tuple[np.ndarray, np.ndarray, int]:
    """Images and labels as a search takes them, and the number of classes.

    Args:
        x: (N, H, W, C) or (N, H, W), uint8 from 0 to 255, or floats in [0, 1].
        y: (N,) integers from 0.

    Returns:
        Images (N, H, W, C) uint8 or float32, labels (N,) int64, and the largest label plus 1.

    Raises:
        ValueError: shapes, types or values are others; NaN; fewer than two classes.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim != 4 or not x.size:
        raise ValueError(f"`x` needs images of shape (N, H, W, C) or (N, H, W); received shape {np.shape(x)}.")
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"`y` needs one integer label an image, shape (N,); received {y.dtype} of shape {y.shape}.")
    if len(x) != len(y):
        raise ValueError(f"`y` needs as many labels as `x` has images, {len(x)}; received {len(y)}.")
    if len(x) < 10:
        raise ValueError(f"`x` needs at least 10 images, some to compare networks by; received {len(x)}.")
    if np.issubdtype(x.dtype, np.floating):
        if wrong := int((~np.isfinite(x)).sum()):
            raise ValueError(f"`x` needs finite pixels; received {wrong} that are NaN or infinite.")
        if x.min() < 0 or x.max() > 1:
            raise ValueError(
                f"`x` needs floats in [0, 1], or uint8 from 0 to 255; received floats from {x.min():g} to {x.max():g}."
            )
        x = x.astype("float32", copy=False)
    elif x.dtype != np.uint8:
        raise ValueError(f"`x` needs uint8 or float pixels; received {x.dtype}.")
    if y.min() < 0:
        raise ValueError(f"`y` needs labels from 0; received {y.min()}.")
    found = np.unique(y)
    if len(found) < 2:
        raise ValueError(f"`y` needs at least two classes; every label is {found[0]}.")
    return x, y.astype("int64"), int(y.max()) + 1


def settings(minutes, max_trials, space, epochs, batch_size, validation, final, seed) -> None:
    """Refuse settings that no search can have.

    Raises:
        ValueError: names the setting, what came and what is accepted.
    """
    if not _number(minutes) or not SHORTEST <= minutes < math.inf:
        raise ValueError(f"`minutes` needs a number of at least {SHORTEST}; received {minutes!r}.")
    for name, value in {"max_trials": max_trials, "epochs": epochs, "batch_size": batch_size}.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(f"`{name}` needs an integer of at least 1; received {value!r}.")
    if space not in SPACES:
        raise ValueError(f"`space` needs one of {', '.join(SPACES)}; received {space!r}.")
    if not _number(validation) or not 0 < validation < 1:
        raise ValueError(f"`validation` needs a share above 0 and below 1; received {validation!r}.")
    if not _number(final) or not 0 <= final < 1:
        raise ValueError(f"`final` needs a share of at least 0 and below 1; received {final!r}.")
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**31:
        raise ValueError(f"`seed` needs an integer from 0 to 2**31 - 1; received {seed!r}.")


def _number(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value)


def fingerprint(x: np.ndarray, y: np.ndarray) -> str:
    """What tells one set of images and labels from another: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (x, y):
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:16]
