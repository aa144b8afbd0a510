"""The NumPy convolutions against TensorFlow, against each other, and against finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given
from hypothesis import strategies as st
from reference_cases import convolutions, numerical_gradient, quick
from scipy import signal

from cnnlab import reference


def tensorflow_conv2d(image, kernel, stride, padding, dilation):
    """tf.nn.conv2d on one image; what TensorFlow has no name for is given as explicit padding."""
    if padding == "full":
        rows, columns = (dilation * (side - 1) for side in kernel.shape[:2])
        padding = [[0, 0], [rows, rows], [columns, columns], [0, 0]]
    elif isinstance(padding, int):
        padding = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
    else:
        padding = padding.upper()
    return tf.nn.conv2d(image[None], kernel, stride, padding, dilations=dilation)[0]


@quick
@given(convolutions())
def test_conv2d_agrees_with_tensorflow(case):
    bias = case.generator.normal(size=case.kernel.shape[3])
    expected = tensorflow_conv2d(*case[:5]).numpy() + bias
    np.testing.assert_allclose(reference.conv2d(*case[:5], bias=bias), expected, atol=1e-9)


@quick
@given(convolutions())
def test_the_four_ways_to_convolve_agree(case):
    bias = case.generator.normal(size=case.kernel.shape[3])
    expected = reference.conv2d_loops(*case[:5], bias=bias)
    np.testing.assert_allclose(reference.conv2d(*case[:5], bias=bias), expected, atol=1e-12)
    np.testing.assert_allclose(reference.conv2d_im2col(*case[:5], bias=bias), expected, atol=1e-12)
    matrix = reference.conv2d_matrix(case.image.shape, *case[1:5])
    np.testing.assert_allclose((matrix @ case.image.ravel()).reshape(expected.shape) + bias, expected, atol=1e-12)


@quick
@given(convolutions())
def test_im2col_lists_the_patches_that_tensorflow_extracts(case):
    assume(case.padding in ("valid", "same"))
    _, stride, padding, dilation = case[1:5]
    sizes = case.kernel.shape[:2]
    patches = tf.image.extract_patches(
        case.image[None], [1, *sizes, 1], [1, stride, stride, 1], [1, dilation, dilation, 1], padding.upper()
    )[0].numpy()
    columns = reference.im2col(case.image, sizes, stride, padding, dilation)
    np.testing.assert_array_equal(columns, patches.reshape(columns.shape))


@quick
@given(convolutions(dilations=(1,)))
def test_true_convolution_is_what_scipy_calls_convolution(case):
    assume(case.padding in ("valid", "full"))
    result = reference.convolve2d_true(case.image, case.kernel, padding=case.padding)
    for output in range(case.kernel.shape[3]):
        expected = sum(
            signal.convolve2d(case.image[:, :, channel], case.kernel[:, :, channel, output], case.padding)
            for channel in range(case.image.shape[2])
        )
        # SciPy's "valid" swaps image and kernel when the kernel is longer; the strategy keeps the kernel inside.
        np.testing.assert_allclose(result[:, :, output], expected, atol=1e-12)


@quick
@given(convolutions())
def test_gradients_agree_with_tensorflow(case):
    image, kernel = tf.Variable(case.image), tf.Variable(case.kernel)
    # On a CPU TensorFlow has no gradient of a dilated convolution: the oracle sets zeros between the taps itself.
    rows, columns = (np.eye(case.dilation * (side - 1) + 1)[:, :: case.dilation] for side in case.kernel.shape[:2])
    with tf.GradientTape() as tape:
        dilated = tf.einsum("av,bu,vucp->abcp", rows, columns, kernel)
        output = tensorflow_conv2d(image, dilated, case.stride, case.padding, 1)
        output_gradient = case.generator.normal(size=output.shape)
        loss = tf.reduce_sum(output * output_gradient)
    expected = tape.gradient(loss, [image, kernel])
    gradients = reference.conv2d_gradients(*case[:2], output_gradient, *case[2:5])
    np.testing.assert_allclose(gradients[0], expected[0], atol=1e-9)
    np.testing.assert_allclose(gradients[1], expected[1], atol=1e-9)
    np.testing.assert_allclose(gradients[2], output_gradient.sum((0, 1)), atol=1e-9)


@pytest.mark.parametrize(
    ("stride", "padding", "dilation"), [(1, "valid", 1), (2, "same", 1), (2, 1, 2), (1, "full", 1)]
)
def test_gradients_agree_with_finite_differences(stride, padding, dilation):
    generator = np.random.default_rng(0)
    image, kernel, bias = generator.normal(size=(6, 5, 2)), generator.normal(size=(3, 2, 2, 2)), np.zeros(2)
    how = stride, padding, dilation
    weights = generator.normal(size=reference.conv2d(image, kernel, *how).shape)

    def loss(image, kernel, bias):
        return (weights * reference.conv2d(image, kernel, *how, bias=bias) ** 2).sum()

    output_gradient = 2 * weights * reference.conv2d(image, kernel, *how, bias=bias)
    gradients = reference.conv2d_gradients(image, kernel, output_gradient, *how)
    np.testing.assert_allclose(gradients[0], numerical_gradient(lambda x: loss(x, kernel, bias), image), atol=1e-6)
    np.testing.assert_allclose(gradients[1], numerical_gradient(lambda w: loss(image, w, bias), kernel), atol=1e-6)
    np.testing.assert_allclose(gradients[2], numerical_gradient(lambda b: loss(image, kernel, b), bias), atol=1e-6)


def test_gradients_of_a_stride_1_convolution_are_convolutions():
    """On a 7 x 6 input with a 3 x 2 kernel: dW is the input correlated with D, dX the *full* true convolution of D."""
    generator = np.random.default_rng(1)
    image, kernel = generator.normal(size=(7, 6, 1)), generator.normal(size=(3, 2, 1, 1))
    output_gradient = generator.normal(size=(5, 5, 1))
    image_gradient, kernel_gradient, _ = reference.conv2d_gradients(image, kernel, output_gradient)
    as_kernel = output_gradient[:, :, :, None]
    np.testing.assert_allclose(kernel_gradient[:, :, 0], reference.conv2d(image, as_kernel), atol=1e-12)
    np.testing.assert_allclose(
        image_gradient, reference.convolve2d_true(output_gradient, kernel, padding="full"), atol=1e-12
    )


@st.composite
def transposed(draw):
    """An image, the kernel of the convolution that is transposed, stride, padding and output padding."""
    stride, padding = draw(st.integers(1, 3)), draw(st.sampled_from(["valid", "same"]))
    sizes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    smallest = [1 - side % 2 if padding == "same" else 0 for side in sizes]
    shared = range(max(smallest), stride)
    output_padding = draw(st.sampled_from([None, *shared]))
    channels = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = generator.normal(size=(draw(st.integers(1, 5)), draw(st.integers(1, 5)), channels[1]))
    return image, generator.normal(size=(*sizes, *channels)), stride, padding, output_padding


@quick
@given(transposed())
def test_conv2d_transpose_and_its_gradients_agree_with_keras(case):
    import keras

    image, kernel, stride, padding, output_padding = case
    variables = tf.Variable(image), tf.Variable(kernel)
    with tf.GradientTape() as tape:
        output = keras.ops.conv_transpose(variables[0][None], variables[1], stride, padding, output_padding)[0]
        output_gradient = np.random.default_rng(0).normal(size=output.shape)
        loss = tf.reduce_sum(output * output_gradient)
    np.testing.assert_allclose(reference.conv2d_transpose(*case), output, atol=1e-9)
    gradients = reference.conv2d_transpose_gradients(*case[:2], output_gradient, *case[2:])
    for gradient, expected in zip(gradients, tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(gradient, expected, atol=1e-9)


@quick
@given(convolutions(dilations=(1,)), st.integers(0, 2))
def test_the_transpose_is_the_adjoint(case, extra):
    """<conv2d(x), y> = <x, conv2d_transpose(y)> for every x of a size that the transpose can return."""
    assume(case.padding != "full")
    _, kernel, stride, padding, _, generator = case
    output = generator.normal(size=(2, 3, kernel.shape[3]))
    output_padding = None if extra >= stride or padding == "same" else extra
    try:
        spread = reference.conv2d_transpose(output, kernel, stride, padding, output_padding)
    except ValueError:
        assume(False)  # so much padding is cut off that nothing is left
    image = generator.normal(size=spread.shape)
    convolved = reference.conv2d(image, kernel, stride, padding)
    assert np.isclose((convolved * output).sum(), (image * spread).sum(), atol=1e-9)


def test_the_transpose_is_the_transposed_matrix():
    generator = np.random.default_rng(2)
    kernel, values = generator.normal(size=(3, 3, 2, 4)), generator.normal(size=(3, 3, 4))
    matrix = reference.conv2d_matrix((5, 5, 2), kernel, stride=2, padding=1)
    spread = reference.conv2d_transpose(values, kernel, stride=2, padding=1)
    np.testing.assert_allclose((matrix.T @ values.ravel()).reshape(5, 5, 2), spread, atol=1e-12)


def test_the_matrix_shares_its_weights():
    kernel = np.arange(1.0, 10).reshape(3, 3, 1, 1)
    matrix = reference.conv2d_matrix((6, 6, 1), kernel)
    assert matrix.shape == (16, 36)
    assert (np.count_nonzero(matrix, axis=1) == 9).all()
    assert set(np.unique(matrix)) == set(range(10))


def test_worked_examples():
    def plane(rows):
        return np.array(rows)[:, :, None]

    photo = plane([[105, 102, 100, 97, 96], [103, 99, 103, 101, 102], [101, 98, 104, 102, 100]])
    sharpen = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])[:, :, None, None]
    assert reference.conv2d(photo, sharpen, padding=1)[0, :, 0].tolist() == [320, 206, 198, 188, 281]
    counting, ones = plane(np.arange(1, 17).reshape(4, 4)), np.ones((3, 3, 1, 1), int)
    assert reference.conv2d(counting, ones, 2, "same")[:, :, 0].tolist() == [[54, 45], [72, 54]]
    assert reference.conv2d(counting, ones, 2, 1)[:, :, 0].tolist() == [[14, 30], [57, 99]]
    stamped = reference.conv2d_transpose(plane([[1, 2], [3, 4]]), ones, 2)[:, :, 0]
    assert stamped.tolist() == [[1, 1, 3, 2, 2], [1, 1, 3, 2, 2], [4, 4, 10, 6, 6], [3, 3, 7, 4, 4], [3, 3, 7, 4, 4]]
    same = reference.conv2d_transpose(plane([[1, 2], [3, 4]]), ones, 2, "same")[:, :, 0]
    assert same.tolist() == stamped[:4, :4].tolist()


def test_small_integers_do_not_wrap_around():
    image = np.full((3, 3, 1), 255, np.uint8)
    kernel = np.full((3, 3, 1, 1), 200, np.uint8)
    for convolve in (reference.conv2d, reference.conv2d_loops, reference.conv2d_im2col, reference.convolve2d_true):
        output = convolve(image, kernel)
        assert output.dtype == np.int64
        assert output.item() == 9 * 255 * 200


CONVOLUTIONS = [reference.conv2d, reference.convolve2d_true, reference.conv2d_loops, reference.conv2d_im2col]
IMAGE, KERNEL = np.zeros((5, 5, 2)), np.zeros((3, 3, 2, 4))


@pytest.mark.parametrize("convolve", CONVOLUTIONS)
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("image", {"image": np.zeros((5, 5))}),
        ("image", {"image": np.zeros((1, 5, 5, 2))}),
        ("image", {"image": np.zeros((0, 5, 2))}),
        ("image", {"image": np.full((5, 5, 2), "a")}),
        ("image", {"image": np.zeros((5, 5, 2), complex)}),
        ("kernel", {"kernel": np.zeros((3, 3))}),
        ("kernel", {"kernel": np.zeros((3, 3, 3, 4))}),
        ("kernel", {"kernel": np.zeros((6, 3, 2, 4))}),
        ("kernel", {"dilation": 3}),
        ("stride", {"stride": 0}),
        ("stride", {"stride": 1.0}),
        ("dilation", {"dilation": True}),
        ("padding", {"padding": "reflect"}),
        ("padding", {"padding": -1}),
        ("bias", {"bias": np.zeros(3)}),
    ],
)
def test_errors_name_the_argument(convolve, name, arguments):
    with pytest.raises(ValueError, match=f"`{name}`"):
        convolve(**{"image": IMAGE, "kernel": KERNEL} | arguments)


@pytest.mark.parametrize("kernel_size", [3, (3,), (3, 3, 2), None])
def test_a_kernel_size_is_two_numbers(kernel_size):
    for function in (reference.im2col, reference.image_windows, reference.pad_image):
        with pytest.raises(ValueError, match=r"`kernel_size`.*\(height, width\)"):
            function(IMAGE, kernel_size)
        with pytest.raises(ValueError, match="`image`"):
            function(IMAGE[0], (3, 3))


def test_gradients_and_transposes_refuse_by_name():
    with pytest.raises(ValueError, match=r"`output_gradient`.*\(3, 3, 4\).*\(5, 5, 4\)"):
        reference.conv2d_gradients(IMAGE, KERNEL, np.zeros((5, 5, 4)))
    with pytest.raises(ValueError, match=r"`kernel`.*axis 3"):
        reference.conv2d_transpose(IMAGE, KERNEL)
    with pytest.raises(ValueError, match=r"`output_gradient`.*\(7, 7, 4\)"):
        reference.conv2d_transpose_gradients(IMAGE, np.zeros((3, 3, 4, 2)), IMAGE)
    with pytest.raises(ValueError, match="`output_padding`"):
        reference.conv2d_transpose(IMAGE, np.zeros((3, 3, 4, 2)), output_padding=1)
    with pytest.raises(ValueError, match="`image_shape`"):
        reference.conv2d_matrix((5, 5), KERNEL)
    with pytest.raises(ValueError, match="`image_shape`"):
        reference.conv2d_matrix((5, 5.0, 2), KERNEL)
