"""The closed forms against Keras, against counting by hand, and against what they must refuse."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cnnlab import arithmetic

quick = settings(max_examples=100, deadline=None, derandomize=True)
lengths = st.integers(1, 40)
paddings = st.sampled_from(["valid", "same", "full", 0, 1, 2, 5])


def starts(size, kernel, stride, padding, dilation):
    """Every place where the kernel fits, by trying: the definition that the formula abbreviates."""
    before, after = arithmetic.padding_sides(size, kernel, stride, padding, dilation)
    last_tap = dilation * (kernel - 1)
    return [at for at in range(-before, size + after) if at + last_tap < size + after and (at + before) % stride == 0]


@quick
@given(lengths, st.integers(1, 9), st.integers(1, 5), paddings, st.integers(1, 4))
def test_output_size_is_the_number_of_places_where_the_kernel_fits(size, kernel, stride, padding, dilation):
    before, after = (padding, padding) if isinstance(padding, int) else (0, 0)
    assume(padding in ("same", "full") or dilation * (kernel - 1) < before + size + after)
    assert arithmetic.output_size(size, kernel, stride, padding, dilation) == len(
        starts(size, kernel, stride, padding, dilation)
    )


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_output_size_is_the_one_keras_computes(padding):
    checked = 0
    for size, kernel, stride, dilation in itertools.product((1, 8, 13), (1, 2, 5), (1, 2, 3), (1, 2, 3)):
        if (stride > 1 and dilation > 1) or (padding == "valid" and dilation * (kernel - 1) >= size):
            continue  # Keras has no layer that strides and dilates; a kernel that does not fit is tested below
        layer = keras.layers.Conv1D(1, kernel, strides=stride, padding=padding, dilation_rate=dilation)
        expected = layer.compute_output_shape((None, size, 1))[1]
        assert arithmetic.output_size(size, kernel, stride, padding, dilation) == expected
        checked += 1
    assert checked > 20


def test_same_puts_the_odd_pixel_after():
    assert arithmetic.padding_sides(4, 3, stride=2, padding="same") == (0, 1)
    assert arithmetic.padding_sides(5, 3, stride=2, padding="same") == (1, 1)
    assert arithmetic.padding_sides(5, 4, padding="same") == (1, 2)
    assert arithmetic.padding_sides(5, 3, padding="full", dilation=2) == (4, 4)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("output_padding", [None, 0, 1, 2])
def test_transposed_output_size_is_the_one_keras_returns_or_refuses(padding, output_padding):
    accepted = 0
    for size, kernel, stride in itertools.product((1, 4), (1, 2, 3, 4), (1, 2, 3)):
        try:
            # Keras 3.12 still takes an output padding as large as the stride and lets TensorFlow decide.
            assert output_padding is None or output_padding < stride
            layer = keras.layers.Conv1DTranspose(1, kernel, stride, padding, output_padding=output_padding)
            expected = layer(np.zeros((1, size, 1), "float32")).shape[1]
            assert expected  # an empty output is refused too
        except Exception:  # Keras and TensorFlow refuse what no convolution leads back from, each in its own way
            with pytest.raises(ValueError, match=r"output_padding|padding"):
                arithmetic.transposed_output_size(size, kernel, stride, padding, output_padding)
            continue
        assert arithmetic.transposed_output_size(size, kernel, stride, padding, output_padding) == expected
        accepted += 1
    assert accepted > 6


@quick
@given(lengths, st.integers(1, 7), st.integers(1, 4), st.sampled_from(["valid", "same", 0, 1, 2]), st.data())
def test_a_convolution_leads_back_from_a_transposed_size(size, kernel, stride, padding, data):
    output_padding = data.draw(st.sampled_from([None, *range(stride)]))
    try:
        length = arithmetic.transposed_output_size(size, kernel, stride, padding, output_padding)
    except ValueError:
        assume(False)
    assert arithmetic.output_size(length, kernel, stride, padding) == size


def test_transposed_sizes_of_a_3x3_kernel_on_2x2_with_stride_2():
    assert arithmetic.transposed_output_size(2, 3, 2, padding=1) == 3
    assert arithmetic.transposed_output_size(2, 3, 2, padding=1, output_padding=1) == 4
    assert arithmetic.transposed_output_size(2, 3, 2, padding=0) == 5
    assert arithmetic.transposed_output_size(2, 3, 2, padding="valid") == 5
    assert arithmetic.transposed_output_size(2, 3, 2, padding="same") == 4


@pytest.mark.parametrize("kernel", [1, 3, (1, 7), (5,), (2, 3, 4)])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_conv_params_is_what_keras_counts(kernel, groups, bias):
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    layer_class = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)[len(sides) - 1]
    layer = layer_class(6, sides, groups=groups, use_bias=bias)
    layer.build((None, *[9] * len(sides), 4))
    assert arithmetic.conv_params(kernel, 4, 6, groups, bias) == layer.count_params()


def test_published_counts():
    assert arithmetic.conv_params(3, 3, 192, bias=False) == 5_184
    assert arithmetic.conv_params(3, 3, 192) == 5_376
    assert arithmetic.conv_params(8, 3, 20) == 3_860
    assert arithmetic.conv_macs(100, 3, 256, 256) == 5_898_240_000
    assert arithmetic.conv_macs(100, 1, 256, 64) + arithmetic.conv_macs(100, 3, 64, 256) == 1_638_400_000
    assert arithmetic.conv_macs((55, 55), 11, 3, 96) == 105_415_200
    assert arithmetic.conv_macs(27, 5, 96, 256, groups=2) == 27 * 27 * 5 * 5 * 48 * 256


@quick
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)), max_size=5))
def test_receptive_field_is_the_input_length_that_yields_one_output(layers):
    size = arithmetic.receptive_field(layers)
    assert size == 1 or layers
    for kernel, stride, dilation in layers:
        size = arithmetic.output_size(size, kernel, stride, dilation=dilation)
    assert size == 1


def test_receptive_field_of_known_stacks():
    assert arithmetic.receptive_field([]) == 1
    assert [arithmetic.receptive_field([3] * depth) for depth in (1, 2, 3)] == [3, 5, 7]
    assert arithmetic.receptive_field([(5, 1), (2, 2), (5, 1), (2, 2)]) == 16  # LeNet
    assert arithmetic.receptive_field([(3, 1, dilation) for dilation in (1, 2, 4)]) == 15
    assert arithmetic.receptive_field([3, (2, 2), (3,)]) == 8


def test_numpy_integers_are_integers():
    size = arithmetic.output_size(np.int64(28), np.uint8(5), np.int32(2))
    assert size == 12
    assert type(size) is int


@pytest.mark.parametrize("value", [3.0, True, np.True_, np.float64(3), "3", None, (3,), 0, -1])
@pytest.mark.parametrize("name", ["size", "kernel", "stride", "dilation"])
def test_a_length_that_is_no_positive_integer_is_refused_by_name(name, value):
    arguments = {"size": 9, "kernel": 3, "stride": 1, "dilation": 1, name: value}
    with pytest.raises(ValueError, match=f"`{name}`"):
        arithmetic.output_size(**arguments)
    if name != "dilation":
        del arguments["dilation"]
        with pytest.raises(ValueError, match=f"`{name}`"):
            arithmetic.transposed_output_size(**arguments)


@pytest.mark.parametrize("padding", [-1, 1.0, True, "SAME", "reflect", "", None, (1, 1)])
def test_a_padding_that_is_no_padding_is_refused_by_name(padding):
    with pytest.raises(ValueError, match="`padding`"):
        arithmetic.output_size(9, 3, padding=padding)
    with pytest.raises(ValueError, match="`padding`"):
        arithmetic.transposed_output_size(9, 3, padding=padding)


def test_transposing_refuses_what_leaves_nothing():
    with pytest.raises(ValueError, match="`padding`"):
        arithmetic.transposed_output_size(1, 3, padding="full")
    with pytest.raises(ValueError, match=r"`padding`.*leaves -1"):
        arithmetic.transposed_output_size(1, 3, padding=2)
    for output_padding in (-1, 2, 1.0, True):
        with pytest.raises(ValueError, match="`output_padding`"):
            arithmetic.transposed_output_size(4, 3, 2, output_padding=output_padding)


@pytest.mark.parametrize(("size", "kernel", "padding", "dilation"), [(4, 5, "valid", 1), (4, 3, 0, 2), (2, 7, 2, 1)])
def test_a_kernel_wider_than_the_padded_input_is_refused(size, kernel, padding, dilation):
    with pytest.raises(ValueError, match=rf"`kernel`.*kernel={kernel}"):
        arithmetic.output_size(size, kernel, padding=padding, dilation=dilation)
    assert arithmetic.output_size(size, kernel, padding="same", dilation=dilation) == size


@pytest.mark.parametrize("name", ["in_channels", "out_channels", "groups", "kernel"])
@pytest.mark.parametrize("value", [0, 2.0, True, "x"])
def test_counts_refuse_by_name(name, value):
    with pytest.raises(ValueError, match=f"`{name}`"):
        arithmetic.conv_params(**{"kernel": 3, "in_channels": 4, "out_channels": 4, name: value})
    with pytest.raises(ValueError, match=f"`{name}`"):
        arithmetic.conv_macs(**{"output": 8, "kernel": 3, "in_channels": 4, "out_channels": 4, name: value})


def test_groups_must_divide_both_channel_counts():
    with pytest.raises(ValueError, match=r"`in_channels`.*multiple of groups=3"):
        arithmetic.conv_params(3, 4, 6, groups=3)
    with pytest.raises(ValueError, match=r"`out_channels`.*multiple of groups=4"):
        arithmetic.conv_macs(8, 3, 4, 6, groups=4)
    with pytest.raises(ValueError, match="`output`"):
        arithmetic.conv_macs((), 3, 4, 6)


@pytest.mark.parametrize("layer", [(), (3, 1, 1, 1), "3", (3, 0), (3.0,), None])
def test_receptive_field_refuses_what_is_no_layer(layer):
    with pytest.raises(ValueError, match=r"`layers\[1\]`"):
        arithmetic.receptive_field([3, layer])
