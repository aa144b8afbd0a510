"""Exercises of chapter 03 that are judged on digits: their targets have room, and what misses them is told why."""

import numpy as np
import pytest

from cnnlab import exercises
from cnnlab.exercises import chapter03


def answer_to(key: str, seed: int = 0):
    """The solution of an exercise as a function, with another seed."""
    source = exercises.find(key).solution
    assert "default_rng(0)" in source
    return exercises._answer_of(source.replace("default_rng(0)", f"default_rng({seed})"))


def test_the_struck_network_has_48_silent_units_and_training_does_not_wake_them():
    images, labels = chapter03._digits()
    weights = chapter03._struck_network()
    assert chapter03._silent(weights, images[:2000]) == 48
    source = exercises.find("03.8").solution.replace("bias[dead] = 0", "").replace("kernel[:, dead] =", "_ =")
    trained = exercises._answer_of(source)(weights, images[:2000], labels[:2000])
    assert chapter03._silent(trained, images[:2000]) >= 48


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_target_of_the_revived_network_is_reached_with_any_seed(seed):
    assert chapter03._check_revived(answer_to("03.8", seed)) is None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_measured_first_weights_pass_with_any_seed(seed):
    assert chapter03._check_first_weights(answer_to("03.7", seed)) is None


def test_first_weights_by_the_gain_of_the_activation_miss_the_target():
    """The chapter's formula is for normal sums and centered weights; on digits with 50 units it drifts."""

    def by_formula(rows, function, depth, width):
        draw = np.random.default_rng(0)
        z = draw.normal(size=100_000)
        gains = [1.0] + [1 / np.mean(function(z) ** 2)] * (depth - 1)
        lengths = [rows.shape[1]] + [width] * (depth - 1)
        return [draw.normal(0, (gain / n) ** 0.5, (n, width)) for gain, n in zip(gains, lengths, strict=True)]

    assert "standard deviation" in chapter03._check_first_weights(by_formula)


def test_a_convolution_with_a_rest_has_a_gradient_of_the_images_shape():
    *_, without_rest = exercises.find("03.5").mistakes
    wrong = chapter03._check_stride(exercises._answer_of(without_rest.source))
    assert "expected shape (6, 5), got (5, 4)" in wrong
