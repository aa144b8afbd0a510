"""The NumPy poolings against TensorFlow and finite differences, and unpooling against pooling."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given
from reference_cases import numerical_gradient, poolings, quick

from cnnlab import reference


@quick
@given(poolings())
def test_max_pooling_agrees_with_tensorflow(case):
    stride = case.stride or case.pool_size
    expected, argmax = tf.nn.max_pool_with_argmax(case.image[None], case.pool_size, stride, case.padding.upper())
    pooled, positions = reference.max_pool2d(*case[:4], return_positions=True)
    np.testing.assert_array_equal(pooled, expected[0])
    np.testing.assert_array_equal(positions, argmax[0])
    np.testing.assert_array_equal(reference.max_pool2d(*case[:4]), pooled)


@quick
@given(poolings())
def test_mean_pooling_agrees_with_tensorflow(case):
    expected = tf.nn.avg_pool2d(case.image[None], case.pool_size, case.stride or case.pool_size, case.padding.upper())
    np.testing.assert_allclose(reference.avg_pool2d(*case[:4]), expected[0], atol=1e-9)


@pytest.mark.parametrize(
    ("pool", "gradient", "tensorflow_pool"),
    [
        (reference.max_pool2d, reference.max_pool2d_gradient, tf.nn.max_pool2d),
        (reference.avg_pool2d, reference.avg_pool2d_gradient, tf.nn.avg_pool2d),
    ],
)
@quick
@given(poolings())
def test_gradients_agree_with_tensorflow(pool, gradient, tensorflow_pool, case):
    how = case.pool_size, case.stride, case.padding
    image = tf.Variable(case.image)
    with tf.GradientTape() as tape:
        output = tensorflow_pool(image[None], case.pool_size, case.stride or case.pool_size, case.padding.upper())[0]
        output_gradient = case.generator.normal(size=output.shape)
        loss = tf.reduce_sum(output * output_gradient)
    result = gradient(case.image, output_gradient, *how)
    np.testing.assert_allclose(result, tape.gradient(loss, image), atol=1e-9)


@pytest.mark.parametrize("padding", ["valid", "same", "full", 1])
def test_gradients_agree_with_finite_differences(padding):
    generator = np.random.default_rng(0)
    image = generator.permutation(50).reshape(5, 5, 2) / 10
    for pool, gradient in (
        (reference.max_pool2d, reference.max_pool2d_gradient),
        (reference.avg_pool2d, reference.avg_pool2d_gradient),
    ):
        weights = generator.normal(size=pool(image, 3, 2, padding).shape)
        expected = numerical_gradient(lambda x, w=weights, p=pool: (w * p(x, 3, 2, padding)).sum(), image)
        np.testing.assert_allclose(gradient(image, weights, 3, 2, padding), expected, atol=1e-7)


@quick
@given(poolings())
def test_pooling_undoes_unpooling(case):
    assume(case.stride in (None, case.pool_size))  # where windows overlap, one may see its neighbor's maximum
    image = np.abs(case.image) + 1
    how = case.pool_size, case.stride, case.padding
    pooled, positions = reference.max_pool2d(image, *how, return_positions=True)
    unpooled = reference.max_unpool2d(pooled, positions, image.shape)
    assert np.count_nonzero(unpooled) == pooled.size
    np.testing.assert_array_equal(unpooled[unpooled > 0], image[unpooled > 0])
    np.testing.assert_array_equal(reference.max_pool2d(unpooled, *how), pooled)


@quick
@given(poolings())
def test_unpooling_and_its_gradient_are_adjoint(case):
    assume(case.stride in (None, case.pool_size))
    _, positions = reference.max_pool2d(*case[:4], return_positions=True)
    values, upstream = case.generator.normal(size=positions.shape), case.generator.normal(size=case.image.shape)
    spread = reference.max_unpool2d(values, positions, case.image.shape)
    assert np.isclose((spread * upstream).sum(), (values * reference.max_unpool2d_gradient(upstream, positions)).sum())


def test_worked_example():
    counting = np.arange(1, 26).reshape(5, 5, 1)
    assert reference.avg_pool2d(counting, 2)[:, :, 0].tolist() == [[4, 6], [14, 16]]
    assert reference.max_pool2d(counting, 2)[:, :, 0].tolist() == [[7, 9], [17, 19]]
    assert reference.max_pool2d(counting.astype(np.uint8) - np.uint8(1), 2)[:, :, 0].tolist() == [[6, 8], [16, 18]]


def test_padding_is_neither_the_largest_nor_part_of_the_mean():
    below_zero = np.full((3, 3, 1), -2)
    for padding in ("same", "full", 1):
        assert (reference.max_pool2d(below_zero, 2, 2, padding) == -2).all()
        assert (reference.avg_pool2d(below_zero, 2, 2, padding) == -2).all()


def test_of_equal_values_the_first_wins():
    image = np.ones((2, 2, 1))
    assert reference.max_pool2d(image, 2, return_positions=True)[1].item() == 0
    assert reference.max_pool2d_gradient(image, np.ones((1, 1, 1)), 2)[:, :, 0].tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("pool", [reference.max_pool2d, reference.avg_pool2d])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("image", {"image": np.zeros((4, 4))}),
        ("image", {"image": np.full((4, 4, 1), None)}),
        ("pool_size", {"pool_size": 0}),
        ("pool_size", {"pool_size": 2.0}),
        ("pool_size", {"pool_size": (2, 2)}),
        ("pool_size", {"pool_size": 5}),
        ("pool_size", {"pool_size": 7, "padding": 1}),
        ("stride", {"stride": 0}),
        ("stride", {"stride": True}),
        ("padding", {"padding": "reflect"}),
        ("padding", {"padding": -1}),
        ("padding", {"padding": 2}),
    ],
)
def test_errors_name_the_argument(pool, name, arguments):
    with pytest.raises(ValueError, match=f"`{name}`"):
        pool(**{"image": np.zeros((4, 4, 1)), "pool_size": 2} | arguments)


def test_gradients_and_unpooling_refuse_by_name():
    image, pooled = np.zeros((4, 4, 1)), np.zeros((2, 2, 1))
    for gradient in (reference.max_pool2d_gradient, reference.avg_pool2d_gradient):
        with pytest.raises(ValueError, match=r"`output_gradient`.*\(2, 2, 1\).*\(3, 2, 1\)"):
            gradient(image, np.zeros((3, 2, 1)), 2)
    with pytest.raises(ValueError, match="`positions`"):
        reference.max_unpool2d(pooled, np.zeros((1, 2, 1), int), image.shape)
    with pytest.raises(ValueError, match="`positions`"):
        reference.max_unpool2d(pooled, np.zeros((2, 2, 1)), image.shape)
    with pytest.raises(ValueError, match=r"`positions`.*0 to 15.*16"):
        reference.max_unpool2d(pooled, np.full((2, 2, 1), 16), image.shape)
    with pytest.raises(ValueError, match="`positions`"):
        reference.max_unpool2d_gradient(image, np.full((2, 2, 1), -1))
    with pytest.raises(ValueError, match="`image_shape`"):
        reference.max_unpool2d(pooled, np.zeros((2, 2, 1), int), (4, 4.0, 1))
