"""The shared figures: what is drawn, and what is refused."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnnlab import visualize


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("shape", [(5, 4, 4), (5, 4, 4, 1), (5, 4, 4, 3)])
def test_a_grid_has_one_axis_an_image(shape):
    figure = visualize.image_grid(np.zeros(shape, "uint8"), titles=list("abcde"), columns=3)
    assert [axis.get_title() for axis in figure.axes] == list("abcde")


@pytest.mark.parametrize("shape", [(4, 4), (0, 4, 4), (5, 4, 4, 2)])
def test_a_grid_refuses_what_are_no_images(shape):
    with pytest.raises(ValueError, match="images must have shape"):
        visualize.image_grid(np.zeros(shape))


def test_a_grid_needs_a_title_an_image():
    with pytest.raises(ValueError, match=r"one text an image \(2\), got 1"):
        visualize.image_grid(np.zeros((2, 4, 4)), titles=["one"])


def test_a_history_is_drawn_with_its_validation_curve():
    figure = visualize.plot_history({"loss": [2, 1], "val_loss": [3, 2], "accuracy": [0.1, 0.2]})
    loss, accuracy = figure.axes
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    assert [line.get_label() for line in accuracy.lines] == ["training"]
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "loss")


def test_a_history_without_the_metric_is_refused():
    with pytest.raises(ValueError, match="metrics must be among loss, got accuracy"):
        visualize.plot_history({"loss": [1]})


def test_a_confusion_matrix_shows_the_counts():
    figure = visualize.plot_confusion(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["a", "b"])
    texts = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert texts == {(0, 0): "1", (1, 0): "1", (1, 1): "2"}  # (column, row)


def test_a_confusion_matrix_needs_names_for_all():
    with pytest.raises(ValueError, match="class_names must name every index"):
        visualize.plot_confusion(np.array([0, 2]), np.array([0, 1]), ["a", "b"])


def test_a_confusion_matrix_needs_as_many_predictions_as_labels():
    with pytest.raises(ValueError, match=r"alike, got \(2,\) and \(3,\)"):
        visualize.plot_confusion(np.array([0, 1]), np.array([0, 1, 1]), ["a", "b"])


def test_one_epoch_is_a_point_that_can_be_seen():
    figure = visualize.plot_history({"loss": [2.0], "val_loss": [3.0]}, metrics=("loss",))
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o", "o"]
    longer = visualize.plot_history({"loss": [2.0, 1.0]}, metrics=("loss",))
    assert [line.get_marker() for line in longer.axes[0].lines] == ["None"]


def test_a_confusion_matrix_of_a_hundred_classes_has_no_names_and_a_readable_size():
    labels = np.arange(1000) % 100
    figure = visualize.plot_confusion(labels, (labels + 1) % 100, [f"class {number}" for number in range(100)])
    (axis,) = figure.axes
    assert not axis.texts and max(figure.get_size_inches()) < 8
    assert [label.get_text() for label in axis.get_xticklabels()] == [str(10 * number) for number in range(10)]
