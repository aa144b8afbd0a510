"""Random shapes for the property tests: small, and never without a place for the kernel."""

from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

quick = settings(max_examples=60, deadline=None, derandomize=True)


class Case(NamedTuple):
    image: np.ndarray
    kernel: np.ndarray
    stride: int
    padding: str | int
    dilation: int
    generator: np.random.Generator


@st.composite
def convolutions(draw, dilations=(1, 2, 3)) -> Case:
    """An image, a kernel that fits, and how to slide it."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    padding = draw(st.sampled_from(["valid", "same", "full", 0, 1, 2]))
    dilation = draw(st.sampled_from(dilations))
    around = padding if isinstance(padding, int) else 0
    limit = 4 if padding in ("same", "full") else None
    tallest, widest = (limit or min(4, (side + 2 * around - 1) // dilation + 1) for side in (height, width))
    sizes = draw(st.integers(1, tallest)), draw(st.integers(1, widest))
    channels = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = generator.normal(size=(height, width, channels[0]))
    kernel = generator.normal(size=(*sizes, *channels))
    return Case(image, kernel, draw(st.integers(1, 3)), padding, dilation, generator)


class PoolingCase(NamedTuple):
    image: np.ndarray
    pool_size: int
    stride: int | None
    padding: str
    generator: np.random.Generator


@st.composite
def poolings(draw) -> PoolingCase:
    """An image without equal values, and a window that fits."""
    shape = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["valid", "same"]))
    pool_size = draw(st.integers(1, 4 if padding == "same" else min(4, *shape[:2])))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = generator.permutation(np.prod(shape)).reshape(shape) - 20.0
    return PoolingCase(image, pool_size, draw(st.sampled_from([None, 1, 2, 3])), padding, generator)


def numerical_gradient(function, values: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Central differences of a function of an array, one value at a time."""
    gradient = np.zeros(values.shape)
    for index in np.ndindex(values.shape):
        up, down = values.copy(), values.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (function(up) - function(down)) / (2 * step)
    return gradient
