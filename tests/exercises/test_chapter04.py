"""Exercises of chapter 04 that judge what a student builds: a photograph made like MNIST, and a small network."""

import keras
import numpy as np
import pytest

from cnnlab import exercises, models
from cnnlab.datasets.generated import paper
from cnnlab.exercises import chapter04
from cnnlab.exercises.data import digits


def said(key: str, source: str, capsys) -> str:
    """What the check says of an answer that is wrong."""
    assert not exercises.check(key, exercises._answer_of(source))
    return capsys.readouterr().out.removeprefix(f"Exercise {key}: not yet. ").rstrip("\n")


def test_waiting_for_a_better_epoch_than_the_one_before_is_told_apart(capsys):
    source = """
def answer(losses, patience):
    waited = best = 0
    for epoch in range(1, len(losses)):
        waited = waited + 1 if losses[epoch] >= losses[epoch - 1] else 0
        best = epoch if losses[epoch] < losses[best] else best
        if waited >= patience:
            break
    return epoch, best
"""
    assert said("04.4", source, capsys) == (
        "answer([1.0, 0.5, 0.8, 0.7, 0.6, 0.55], 2), the last epoch: expected 3, got 5. "
        "Hint: Compare with the best epoch so far: better than the epoch before is no new best."
    )


@pytest.mark.parametrize(
    ("places", "how"),
    [
        ("of[: round(share * len(of))]", "those that stand first in the list are taken"),
        ("of[len(of) - round(share * len(of)) :]", "those that stand last in the list are taken"),
        ("of[3 :: round(1 / share)]", "every 10th is taken, in the order of the list"),
    ],
)
def test_a_validation_set_that_is_not_drawn_is_told_how_it_follows_from_the_order(places, how, capsys):
    source = f"""
def answer(labels, share):
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.concatenate([{places} for of in classes])
"""
    assert f"answer(labels, 0.1): of the digits of a class {how}. Hint: " in said("04.2", source, capsys) + " "


@pytest.mark.parametrize("seed", range(8))
def test_what_is_drawn_is_accepted_whatever_the_draw(seed):
    source = exercises.find("04.2").solution.replace("default_rng(0)", f"default_rng({seed})")
    assert chapter04._check_split(exercises._answer_of(source)) is None


def test_a_digit_of_mnist_itself_is_as_in_mnist():
    images, _ = digits(0, 300)
    assert [wrong for picture in images if (wrong := chapter04._unlike_mnist(picture[..., 0]))] == []


def test_each_thing_that_is_not_as_in_mnist_has_its_words():
    images, _ = digits(0, 1)
    picture = images[0, ..., 0]
    for changed, phrase in [
        (picture / 255, "expected pixels from 0 to 255"),
        (255 - picture, "the paper is not black"),
        (picture[::2, ::2], "the longer side"),
        (np.roll(picture, 4, axis=1), "the center of mass"),
    ]:
        framed = np.pad(changed, (28 - len(changed)) // 2)
        assert phrase in chapter04._unlike_mnist(framed), phrase


@pytest.mark.parametrize("seed", [0, 1])
def test_photographs_are_read_when_they_are_prepared_and_not_before(seed):
    """The bound has room on both sides."""
    images, labels = digits(3000, 3100)
    photos = paper.photographs(images, seed=seed)
    answer = exercises._answer_of(exercises.find("04.8").solution)
    inverted = exercises._answer_of(exercises.find("04.8").mistakes[1])
    shares = [
        np.mean(chapter04._nearest_labels(np.stack([prepare(photo) for photo in photos]).astype("float32")) == labels)
        for prepare in (answer, inverted)
    ]
    assert shares[0] > chapter04.READ + 0.05
    assert shares[1] < chapter04.READ - 0.4


def test_a_network_that_the_chapters_have_is_over_the_budget():
    for name in ("lenet5", "digitnet"):
        with models.blueprints():
            assert models.build(name, (28, 28, 1), 10).count_params() > chapter04.LARGEST


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_target_of_the_training_is_reached_with_any_seed(seed):
    keras.utils.set_random_seed(seed)
    assert exercises.check("04.9", exercises._answer_of(exercises.find("04.9").solution))
