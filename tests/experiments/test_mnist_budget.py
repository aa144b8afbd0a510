"""Chapter 11's hand-made networks: their sizes, and the clock that ends their training and leads its rate."""

import time

import keras
import numpy as np
import pytest

from cnnlab import arithmetic, experiments
from cnnlab.experiments import mnist_budget


def test_the_lenet_of_the_table_has_its_parameters():
    profile = arithmetic.profile(mnist_budget.lenet5_same())
    assert profile.params == profile.trainable_params == 107_786
    assert profile.macs == 784 * 25 * 6 + 196 * 150 * 16 + 784 * 120 + 120 * 84 + 84 * 10


def test_the_learning_rate_follows_the_clock_and_training_ends_with_it(monkeypatch):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    now = iter(range(1, 1000))
    monkeypatch.setattr(mnist_budget.time, "perf_counter", lambda: next(now))
    clock = mnist_budget._Clock(peak=0.5, start=0, seconds=20)
    rates = []
    note = lambda batch, logs: rates.append(float(model.optimizer.learning_rate))  # noqa: E731
    callbacks = [clock.callback(model), keras.callbacks.LambdaCallback(on_train_batch_end=note)]
    model.fit(np.zeros((400, 1)), np.zeros(400), 10, epochs=3, callbacks=callbacks, verbose=0)
    assert clock.steps == len(rates) == 20  # of the 40 of an epoch
    assert np.argmax(rates) == 4 and np.isclose(max(rates), 0.5)  # a quarter of the time rises
    assert rates[-1] < 1e-6 and np.isclose(rates[0], 0.5 / 25 + 0.2 * 0.5 * 24 / 25, atol=0.01)


@pytest.mark.parametrize("network", ["lenet5_same", "digit_net"])
def test_a_cell_trains_and_says_what_it_used(network, monkeypatch):
    monkeypatch.setenv("CNNLAB_OFFLINE", "1")
    monkeypatch.delenv("CNNLAB_DATA", raising=False)
    start = time.perf_counter()
    record = mnist_budget.Budgeted(1e-6, network, images=256, batch_size=32).train()
    assert record["minutes_used"] * 60 < time.perf_counter() - start
    assert record["epochs"] == 0.12  # one step of eight: the budget is over at the first step
    assert 0 <= record["test_accuracy"] <= 1


def test_whole_minutes_and_their_float_are_one_cell(monkeypatch):
    monkeypatch.setenv("CNNLAB_PROFILE", "cpu")
    (six,) = experiments.grid("mnist_budget", minutes=6)
    assert experiments.key(six) == experiments.key(experiments.grid("mnist_budget")[0])
