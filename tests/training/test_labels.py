"""Labels as people have them: what cannot be mistaken is taken, the rest is refused by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cnnlab import training

LABELS = np.arange(20) % 5
IMAGES = np.zeros((20, 4, 4, 1), np.float32)


class Right:
    """A model that knows all answers."""

    def __init__(self, scores):
        self.scores = scores

    def predict(self, images, **_):
        return self.scores


@pytest.mark.parametrize(
    "labels",
    [LABELS, LABELS[:, None], LABELS.tolist(), tf.constant(LABELS), keras.ops.convert_to_tensor(LABELS), LABELS * 1.0],
    ids=["array", "column", "list", "tensor", "keras", "floats"],
)
def test_a_perfect_model_scores_one_whatever_holds_the_labels(labels):
    assert training.accuracy(Right(np.eye(5)[LABELS]), IMAGES, labels) == 1.0
    assert training.accuracy(Right(np.eye(5)[(LABELS + (LABELS == 0)) % 5]), IMAGES, labels) == 0.8


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.eye(5)[LABELS], r"`labels` needs the shape \(20,\).*one-hot labels become indices.*received \(20, 5\)"),
        (LABELS[:19], r"received \(19,\)"),
        (LABELS - 1, r"class indices, whole numbers from 0; received \[-1"),
        (LABELS + 0.5, r"whole numbers from 0; received \[0\.5"),
        (np.array(list("abcde" * 4)), "whole numbers from 0; received"),
    ],
)
def test_labels_of_another_kind_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        training.accuracy(Right(np.eye(5)[LABELS]), IMAGES, labels)


@pytest.mark.parametrize("scores", [np.zeros(20), np.zeros((20, 2, 5)), np.zeros((19, 5))])
def test_outputs_that_are_no_scores_are_refused(scores):
    with pytest.raises(ValueError, match=r"`model` needs to give scores of shape \(20, classes\); they are"):
        training.accuracy(Right(scores), IMAGES, LABELS)
