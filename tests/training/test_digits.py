"""The digit networks have the sizes they state, and averages average."""

import keras
import numpy as np
import pytest

from cnnlab.models import digits


def test_parameters_are_those_stated():
    assert digits.digit_net().count_params() == 140_218


def test_gives_logits_of_raw_pixels():
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1), dtype="uint8")
    logits = digits.digit_net().predict(images, verbose=0)
    assert logits.shape == (4, 10)
    assert np.abs(logits).max() < 20
    probabilities = digits.digit_net(activation="softmax").predict(images, verbose=0)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-5)


def test_smallest_input_and_other_classes():
    assert digits.digit_net((23, 23, 3), classes=7).output_shape == (None, 7)


@pytest.mark.parametrize("shape", [(22, 28, 1), (28, 22, 1), (28, 28)])
def test_names_a_bad_input_shape(shape):
    with pytest.raises(ValueError, match="`input_shape`"):
        digits.digit_net(shape)


def test_names_bad_widths():
    with pytest.raises(ValueError, match="`widths`"):
        digits.digit_net(widths=(8, 8, 8))


def test_average_is_the_mean_over_networks_and_views():
    keras.utils.set_random_seed(0)
    members = [digits.digit_net(widths=(4, 4, 4, 4), name=name) for name in ("first", "second")]
    both = digits.average(members)
    images = np.zeros((4, 28, 28, 1), "uint8")
    images[:, 2:26, 2:26] = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 1))
    moves = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    views = [np.roll(images, move, axis=(1, 2)) for move in moves]
    expected = np.mean([member.predict(view, verbose=0) for member in members for view in views], axis=0)
    assert both.predict(images, verbose=0) == pytest.approx(expected, abs=1e-5)
    assert both.count_params() == 2 * members[0].count_params()


def test_average_of_one_adds_no_parameters():
    network = digits.digit_net()
    assert digits.average([network]).count_params() == network.count_params()


def test_average_needs_equals():
    with pytest.raises(ValueError, match="`networks`"):
        digits.average([])
    with pytest.raises(ValueError, match="`networks`"):
        digits.average([digits.digit_net(), digits.digit_net(classes=3)])
