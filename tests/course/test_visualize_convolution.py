"""The shared figures of convolution: matrices, sliding windows, layers as volumes."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers

from cnnlab import visualize


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def test_a_matrix_shows_each_number_and_the_window():
    _, axis = plt.subplots()
    visualize.draw_matrix(axis, [[1, 2.5], [-3, 40]], "numbers", window=(1, 0, 1))
    assert [text.get_text() for text in axis.texts] == ["1", "2.5", "-3", "40"]
    assert axis.get_title() == "numbers"
    (frame,) = axis.patches
    assert (frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()) == (-0.5, 0.5, 1, 1)


def test_a_matrix_of_one_value_is_drawn():
    _, axis = plt.subplots()
    visualize.draw_matrix(axis, np.zeros((2, 3)))
    assert len(axis.texts) == 6
    assert not axis.patches


@pytest.mark.parametrize("matrix", [np.zeros(4), np.zeros((2, 2, 1)), np.zeros((0, 3))])
def test_a_matrix_needs_two_axes(matrix):
    _, axis = plt.subplots()
    with pytest.raises(ValueError, match="matrix must have shape"):
        visualize.draw_matrix(axis, matrix)


@pytest.mark.parametrize(("stride", "padding", "count"), [(1, 0, 3), (2, 0, 2), (1, 1, 5), (2, 1, 3)])
def test_one_picture_a_position_with_its_window_dark(stride, padding, count):
    figure = plt.figure()
    visualize.draw_sliding(figure, 5, 3, stride, padding, "title")
    assert len(figure.axes) == count**2
    tiles = figure.axes[count].collections[0].get_array().reshape(5 + 2 * padding, -1)  # second row, first column
    white_before = np.pad(np.full((5, 5), 0.75), padding, constant_values=1.0)
    rows, columns = np.nonzero(tiles != white_before)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (stride, stride + 2, 0, 2)


def test_sliding_refuses_a_window_that_does_not_fit():
    with pytest.raises(ValueError, match="kernel"):
        visualize.draw_sliding(plt.figure(), 3, 5)


def test_volumes_are_labeled_and_scaled():
    figure = visualize.plot_volumes([("image", (28, 28, 1)), ("pool", (14, 14, 6)), ("scores", (10,))], "net")
    (axis,) = figure.axes
    labels = [text.get_text() for text in axis.texts if text.get_text()]
    assert labels == ["image\n28×28×1", "pool\n14×14×6", "scores\n10"]
    fronts = [np.ptp(patch.get_xy(), axis=0) for patch in axis.patches[::3] if hasattr(patch, "get_xy")][:2]
    assert fronts[0][1] > fronts[1][1], "the larger map is drawn taller"
    assert fronts[0][0] < fronts[1][0], "more channels are drawn thicker"


def test_long_vectors_are_drawn_in_proportion_and_none_above_the_tallest_map():
    figure = visualize.plot_volumes([("image", (28, 28, 1)), ("long", (400,)), ("half", (200,))], spacing=0.8)
    assert figure.get_size_inches()[0] == pytest.approx(1.0 + 3 * 0.8)
    heights = [np.ptp(patch.get_xy(), axis=0)[1] for patch in figure.axes[0].patches[::3] if hasattr(patch, "get_xy")]
    assert heights[0] == pytest.approx(heights[1])
    assert heights[2] < 0.8 * heights[1]


@pytest.mark.parametrize("shape", [(28, 28), (0, 4, 4), (None, 4, 4), ()])
def test_volumes_refuse_other_shapes(shape):
    with pytest.raises(ValueError, match=r"volumes must have shapes \(H, W, C\) or \(N,\).*'odd'"):
        visualize.plot_volumes([("odd", shape)])


def test_volumes_need_a_layer():
    with pytest.raises(ValueError, match="at least one pair"):
        visualize.plot_volumes([])


def block_of(build, shape=(16, 16, 8)):
    inputs = keras.Input(shape)
    return keras.Model(inputs, build(inputs))


def split_and_joined(x):
    first = layers.Conv2D(4, 1)(x)
    row, column = layers.Conv2D(2, (1, 3), padding="same")(first), layers.Conv2D(3, (3, 1), padding="same")(first)
    pool = layers.AveragePooling2D(3, 1, padding="same")(layers.ReLU()(layers.BatchNormalization()(x)))
    return layers.Concatenate()([row, column, pool])


def test_the_paths_of_a_block_have_their_labels_and_their_splits():
    model = block_of(split_and_joined)
    assert visualize._paths(model) == [["1×1 4", "1×3 2"], ["", "3×1 3"], ["mean 3×3"]]
    assert visualize._paths(model, detail=True)[2] == ["batch norm", "ReLU", "mean 3×3"]
    chain = block_of(lambda x: layers.MaxPooling2D(3, 2)(layers.DepthwiseConv2D(5, strides=2)(x)))
    assert visualize._paths(chain) == [["5×5/2 depthwise", "max 3×3/2"]]
    assert visualize._paths(block_of(lambda x: layers.Add()([x, layers.Conv2D(8, 1)(x)]))) == [[], ["1×1 8"]]


def test_a_block_is_drawn_with_a_box_per_label_and_the_name_of_its_join():
    _, axis = plt.subplots()
    visualize.draw_block(axis, block_of(split_and_joined), "title")
    texts = [text.get_text() for text in axis.texts]
    assert texts == ["1×1\n4", "1×3\n2", "3×1\n3", "mean\n3×3", "concatenate", "16×16×8"]
    assert axis.get_title() == "title"
    places = {text.get_text(): text.get_position() for text in axis.texts}
    assert places["1×3\n2"][1] == places["3×1\n3"][1] == places["1×1\n4"][1] + 1
    connectors = [line.get_xydata().tolist() for line in axis.lines]
    assert [[0, 0.5], [1, 0.5]] in connectors


def test_a_block_that_joins_twice_is_refused():
    def twice(x):
        return layers.Concatenate()([layers.Add(name="early")([x, layers.ReLU()(x)]), x])

    with pytest.raises(ValueError, match="early joins some"):
        visualize.draw_block(plt.figure().subplots(), block_of(twice))
