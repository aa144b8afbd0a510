"""Exercises of chapter 07 whose right answers are properties of networks: what folds, what can be reached."""

import keras
import pytest
from keras import layers

from cnnlab import exercises, folding
from cnnlab.exercises import chapter07
from cnnlab.exercises.data import digits


def stacked(*stack) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 3)), *stack])


def with_sum(host: keras.Layer, of_image: bool) -> keras.Model:
    """A layer and batch norm, whose output is added to the image or to what the batch norm reads."""
    image = keras.Input((8, 8, 3))
    normal = layers.BatchNormalization()
    maps = host(image)
    return keras.Model(image, layers.Add()([normal(maps), image if of_image else maps]))


NETWORKS = {
    "N1": lambda: stacked(
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
    ),
    "N2": lambda: stacked(
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(),
        layers.Conv2D(4, 3),
        layers.ReLU(),
        layers.BatchNormalization(),
    ),
    "N3": lambda: stacked(
        layers.Conv2D(4, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.Flatten(),
        layers.Dense(4),
        layers.BatchNormalization(),
        layers.ReLU(),
    ),
    "N4": lambda: stacked(layers.BatchNormalization(), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()),
    "N5": lambda: with_sum(layers.Conv2D(3, 3, padding="same"), of_image=False),
    "N6": lambda: with_sum(layers.DepthwiseConv2D(3, padding="same"), of_image=True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_that_fold_are_those_of_the_answer(name):
    explanation = folding.explain(NETWORKS[name]())
    assert len(explanation) > 0
    assert (explanation.folded == len(explanation)) == (name in chapter07.FOLDING_NETWORKS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_target_of_the_training_is_reached_with_any_seed(seed):
    keras.utils.set_random_seed(seed)
    assert exercises.check("07.7", exercises._answer_of(exercises.find("07.7").solution))


def test_a_whole_lot_of_digits_moves_the_averages_to_the_new_camera():
    """The bound of the new camera has room on both sides: an adapted network is far below it, others far above."""
    images, _ = digits(0, 1024)
    model = chapter07._old_camera(images)
    expected = keras.ops.convert_to_numpy(model(images))
    answer = exercises._answer_of(exercises.find("07.6").solution)
    errors = [
        float(((keras.ops.convert_to_numpy(network(0.2 * images + 100)) - expected) ** 2).mean() ** 0.5)
        for network in (answer(model, 0.2 * images + 100), folding.fold_batch_norm(model))
    ]
    assert errors[0] < 0.05 * expected.std()
    assert errors[1] > 0.3 * expected.std()
