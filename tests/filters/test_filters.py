"""The kernels: their sums, what they answer to, and their application against SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cnnlab import filters

quick = settings(max_examples=100, deadline=None, derandomize=True)
SUM_ZERO = {
    "vertical_edge",
    "horizontal_edge",
    "diagonal_edge",
    "sobel_vertical",
    "sobel_horizontal",
    "laplacian",
    "laplacian_8",
}


@pytest.mark.parametrize("name", filters.KERNELS)
def test_a_kernel_keeps_a_flat_area_or_removes_it(name):
    kernel = filters.KERNELS[name]
    assert kernel.sum() == pytest.approx(0 if name in SUM_ZERO else 1, abs=1e-12)
    flat = np.full((12, 12, 3), 77, np.uint8)
    np.testing.assert_array_equal(filters.apply(flat, kernel), 0 if name in SUM_ZERO else 77)


def test_kernels_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        filters.KERNELS["identity"][0, 0] = 1
    with pytest.raises(TypeError):
        filters.KERNELS["identity"] = np.ones((3, 3))


def test_edge_kernels_answer_to_their_own_direction():
    left_right = np.zeros((9, 9), np.uint8)
    left_right[:, 5:] = 100
    for vertical, horizontal in (("vertical_edge", "horizontal_edge"), ("sobel_vertical", "sobel_horizontal")):
        for picture, found, missed in ((left_right, vertical, horizontal), (left_right.T, horizontal, vertical)):
            assert filters.apply(picture, filters.KERNELS[found]).max() >= 100
            assert not filters.apply(picture, filters.KERNELS[missed]).any()
    difference = filters.apply(left_right, filters.KERNELS["vertical_edge"])
    assert np.unique(np.nonzero(difference)[1]).tolist() == [5]


def test_the_difference_kernel_equals_the_difference_matrix():
    """[1 -1 0; 0 1 -1; 0 0 1] from the right subtracts the left neighbor; as a kernel that is [-1 1 0]."""
    picture = np.array([[1, 4, 9], [2, 8, 3], [7, 7, 5]], np.uint8)
    matrix = np.array([[1, -1, 0], [0, 1, -1], [0, 0, 1]])
    result = filters.apply(picture, filters.KERNELS["vertical_edge"], border="zero", offset=128)
    np.testing.assert_array_equal(result.astype(int) - 128, picture @ matrix)


def test_gaussian_and_binomial():
    assert filters.KERNELS["binomial"].tolist() == [
        [1 / 16, 1 / 8, 1 / 16],
        [1 / 8, 1 / 4, 1 / 8],
        [1 / 16, 1 / 8, 1 / 16],
    ]
    sigma = np.sqrt(1 / (2 * np.log(2)))
    assert round(sigma, 4) == 0.8493
    np.testing.assert_allclose(filters.gaussian(3, sigma), filters.KERNELS["binomial"], atol=1e-15)
    impulse = np.zeros((9, 9))
    impulse[4, 4] = 1
    expected = ndimage.gaussian_filter(impulse, 1.3, radius=4, mode="constant")
    np.testing.assert_allclose(filters.gaussian(9, 1.3), expected, atol=1e-12)


def test_blurs_are_means():
    assert filters.box_blur(5).tolist() == [[1 / 25] * 5] * 5
    assert filters.motion_blur(9).tolist() == (np.eye(9) / 9).tolist()


@quick
@given(
    st.sampled_from(sorted(filters.KERNELS)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from([None, 1, 3]),
    st.sampled_from(["edge", "zero"]),
    st.sampled_from([0, 128, -7.5]),
    st.integers(0, 2**32 - 1),
)
def test_apply_agrees_with_scipy(name, sides, channels, border, offset, seed):
    shape = sides if channels is None else (*sides, channels)
    image = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    kernel = filters.KERNELS[name]
    result = filters.apply(image, kernel, border, offset)
    assert result.dtype == np.uint8
    assert result.shape == image.shape
    planes = image[:, :, None] if channels is None else image
    mode = {"edge": "nearest", "zero": "constant"}[border]
    expected = np.stack(
        [ndimage.correlate(plane.astype(float), kernel, mode=mode) for plane in planes.transpose(2, 0, 1)], 2
    )
    expected = expected.reshape(shape) + offset
    # Rounded to the nearest: half a step at most, and a hair for sums in another order.
    assert np.abs(result - np.clip(expected, 0, 255)).max() <= 0.5 + 1e-9


def test_apply_leaves_its_input_alone_and_clips():
    image = np.array([[0, 255], [255, 0]], np.uint8)
    before = image.copy()
    sharpened = filters.apply(image, filters.KERNELS["sharpen"])
    assert sharpened.tolist() == [[0, 255], [255, 0]]
    np.testing.assert_array_equal(image, before)
    assert filters.apply(image, [[2]], offset=-10).tolist() == [[0, 255], [255, 0]]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("image", {"image": np.zeros((4, 4))}),
        ("image", {"image": np.zeros(4, np.uint8)}),
        ("image", {"image": np.zeros((0, 4), np.uint8)}),
        ("image", {"image": np.zeros((1, 4, 4, 3), np.uint8)}),
        ("kernel", {"kernel": np.ones(3)}),
        ("kernel", {"kernel": np.ones((2, 3))}),
        ("kernel", {"kernel": np.zeros((3, 0))}),
        ("kernel", {"kernel": np.full((3, 3), np.nan)}),
        ("kernel", {"kernel": np.full((3, 3), "a")}),
        ("border", {"border": "reflect"}),
        ("border", {"border": None}),
        ("offset", {"offset": np.inf}),
        ("offset", {"offset": "128"}),
    ],
)
def test_apply_refuses_by_name(name, arguments):
    with pytest.raises(ValueError, match=f"`{name}`"):
        filters.apply(**{"image": np.zeros((4, 4), np.uint8), "kernel": np.ones((3, 3))} | arguments)


@pytest.mark.parametrize("size", [0, -1, 2, 3.0, True, None])
def test_kernel_makers_refuse_by_name(size):
    with pytest.raises(ValueError, match="`size`"):
        filters.box_blur(size)
    with pytest.raises(ValueError, match="`size`"):
        filters.gaussian(size, 1)
    with pytest.raises(ValueError, match="`length`"):
        filters.motion_blur(size)


@pytest.mark.parametrize("sigma", [0, -1, np.nan, np.inf, True, "1", None])
def test_gaussian_refuses_sigma_by_name(sigma):
    with pytest.raises(ValueError, match="`sigma`"):
        filters.gaussian(3, sigma)
