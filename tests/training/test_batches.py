"""Cropped batches, the smoothed loss, gradient norms: what a training is fed and measured with."""

import keras
import numpy as np
import pytest

from cnnlab import training
from cnnlab.models import resnet


def numbered(count: int = 12, side: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise, each with its own number as label."""
    images = np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype("uint8")
    return images, np.arange(count)


def epoch(batches: training.CroppedBatches) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*(batches[index] for index in range(len(batches))), strict=True)
    batches.on_epoch_end()
    return np.concatenate(images), np.concatenate(labels)


def test_every_image_comes_once_an_epoch_in_new_orders():
    images, labels = numbered()
    batches = training.CroppedBatches(images, labels, batch_size=4)
    (first, order), (_, another) = epoch(batches), epoch(batches)
    assert len(batches) == 3
    assert sorted(order) == sorted(another) == list(labels)
    assert list(order) != list(another)
    assert np.array_equal(first, images[order])  # neither moved nor mirrored
    assert first.dtype == "uint8"


def test_what_is_left_over_sits_an_epoch_out():
    images, labels = numbered(10)
    assert len(epoch(training.CroppedBatches(images, labels, batch_size=4))[1]) == 8


def test_seeds_repeat_and_differ():
    images, labels = numbered()
    options = {"batch_size": 4, "shift": 2, "mirror": "random"}
    first, again, other = (
        epoch(training.CroppedBatches(images, labels, seed=seed, **options))[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_batch_asked_for_twice_is_the_same():
    batches = training.CroppedBatches(*numbered(), batch_size=4, shift=1, mirror="random")
    assert np.array_equal(batches[1][0], batches[1][0])


def test_moves_are_the_places_of_a_window_over_the_reflected_image():
    images, _ = numbered(side=6)
    many = np.repeat(images[:1], 400, axis=0)
    moved, _ = epoch(training.CroppedBatches(many, np.zeros(400), batch_size=100, shift=2))
    framed = np.pad(images[0], [(2, 2), (2, 2), (0, 0)], mode="reflect")
    windows = {framed[y : y + 6, x : x + 6].tobytes() for y in range(5) for x in range(5)}
    assert {image.tobytes() for image in moved} == windows


def test_alternating_shows_every_image_both_ways_round_in_two_epochs():
    images, labels = numbered()
    batches = training.CroppedBatches(images, labels, batch_size=12, mirror="alternating")
    epochs = []
    for _ in range(3):
        seen, order = epoch(batches)
        epochs.append([np.array_equal(seen[list(order).index(label)], images[label]) for label in labels])
    assert 0 < sum(epochs[0]) < 12
    assert epochs[1] == [not straight for straight in epochs[0]]
    assert epochs[2] == epochs[0]


def test_random_mirrors_about_half_independently():
    images, labels = numbered(1000, 4)
    batches = training.CroppedBatches(images, labels, batch_size=1000, mirror="random")
    straight = []
    for _ in range(2):
        seen, order = epoch(batches)
        straight.append((seen == images[order]).all(axis=(1, 2, 3))[np.argsort(order)])
    assert 440 < sum(straight[0]) < 560
    assert 440 < sum(straight[0] == straight[1]) < 560


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"images": np.zeros((12, 6, 6))}, "images"),
        ({"labels": np.arange(3)}, "labels"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 13}, "batch_size"),
        ({"shift": 6}, "shift"),
        ({"shift": -1}, "shift"),
        ({"shift": 1.5}, "shift"),
        ({"mirror": "left"}, "mirror"),
    ],
)
def test_a_bad_argument_is_named(options, name):
    images, labels = numbered()
    with pytest.raises(ValueError, match=f"`{name}` needs .*; received"):
        training.CroppedBatches(**{"images": images, "labels": labels, "batch_size": 4} | options)


class Watched(training.CroppedBatches):
    """Notes which batch of which epoch was asked for."""

    def __getitem__(self, index):
        self.__dict__.setdefault("asked", []).append((self.epoch, index))
        return super().__getitem__(index)


def test_a_network_learns_from_them_under_fit():
    images, labels = numbered()
    model = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(12)])
    model.compile(keras.optimizers.Adam(0.01), training.smoothed_cross_entropy())
    batches = Watched((images / 255).astype("float32"), labels, batch_size=4)
    losses = model.fit(batches, epochs=20, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    used = batches.asked[-60:]  # Keras looks at batches before it begins
    first = used[0][0]
    assert used == [(first + epoch, index) for epoch in range(20) for index in range(3)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_smoothed_loss_is_that_of_its_definition(smoothing):
    logits = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    labels = np.array([0, 3, 1, 1, 2])
    targets = (1 - smoothing) * np.eye(4)[labels] + smoothing / 4
    expected = -(targets * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))).sum(axis=1)
    assert np.allclose(training.smoothed_cross_entropy(smoothing)(labels, logits), expected, atol=1e-5)
    assert np.allclose(training.smoothed_cross_entropy(smoothing)(labels[:, None], logits), expected, atol=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_smoothing_outside_its_range_is_refused(smoothing):
    with pytest.raises(ValueError, match="`smoothing` needs"):
        training.smoothed_cross_entropy(smoothing)


def test_gradient_norms_leave_the_averages_as_they_were():
    model = resnet.cifar_resnet(classes=4, depth=8, width=4)
    before = [weight.numpy() for weight in model.weights]
    images, labels = np.random.default_rng(0).normal(size=(8, 32, 32, 3)), np.arange(8) % 4
    assert len(training.gradient_norms(model, images.astype("float32"), labels)) == 7
    assert all(np.array_equal(old, new) for old, new in zip(before, model.weights, strict=True))
