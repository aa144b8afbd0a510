"""Exercises of chapter 02 whose targets are measured: a budget, a filter found by training, digits told apart."""

import keras
import numpy as np
import pytest
from keras import layers

from cnnlab import exercises
from cnnlab.arithmetic import profile
from cnnlab.exercises import chapter02


def solution(key: str):
    return exercises._answer_of(exercises.find(key).solution)


def test_the_budget_has_room_for_the_solution_and_none_for_twice_its_layers():
    table = profile(solution("02.6")())
    assert table.params < 0.8 * chapter02.MOST_PARAMETERS
    assert table.macs < 0.8 * chapter02.MOST_MULTIPLY_ADDS
    assert 2 * table.params > chapter02.MOST_PARAMETERS
    assert 2 * table.macs > chapter02.MOST_MULTIPLY_ADDS


@pytest.mark.parametrize(
    ("layer", "phrase"), [(layers.MaxPooling2D(4), "stride of 4"), (layers.Conv2D(8, 3, 3), "of 3")]
)
def test_a_budget_kept_by_skipping_pixels_is_refused(layer, phrase):
    stack = [layer, *[layers.Conv2D(16, 3, padding="same") for _ in range(9)]]
    assert phrase in chapter02._check_budget(lambda: keras.Sequential([keras.Input((64, 64, 3)), *stack]))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_a_layer_finds_the_filter(seed):
    def trained(before, after):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((*before.shape, 1)), layers.Conv2D(1, 3)])
        model.compile(optimizer=keras.optimizers.SGD(0.2), loss="mse")
        forty_times = [np.repeat(picture[None, ..., None], 40, axis=0) for picture in (before, after)]
        model.fit(*forty_times, batch_size=1, verbose=0)
        kernel, bias = model.get_weights()
        return kernel[:, :, 0, 0], bias[0]

    assert exercises.check("02.8", trained)


@pytest.mark.parametrize("start", [0, 200, 400, 600])
def test_any_digits_are_enough_to_choose_a_kernel_for_the_others(start):
    images, labels = chapter02._zeros_and_ones(0, 800)
    chosen = np.isin(np.arange(800), range(start, start + chapter02.DIGITS_GIVEN))
    kernel, threshold = solution("02.9")(images[chosen], labels[chosen])
    best = np.array([chapter02._correlate(image, kernel, 1).max() for image in images[~chosen]])
    right = np.mean((best > threshold) == labels[~chosen])
    assert right > chapter02.FEWEST_RIGHT + 0.02


def test_reading_the_image_once_per_position_is_told_from_once_per_weight():
    assert chapter02._check_correlation(solution("02.2")) is None
    (forbidden, *_) = exercises.find("02.2").mistakes
    assert "once per weight" in chapter02._check_correlation(exercises._answer_of(forbidden.source))
