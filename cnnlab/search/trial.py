"""One trial of a search: build a network, train it until the time is up, and hand it over. Runs here or on a worker."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cnnlab.search import spaces


@dataclass(frozen=True)
class Trial:
    """What a worker needs to train one network.

    Attributes:
        number: of the trial, from 1.
        values: choices by AutoKeras' names; what is missing takes AutoKeras' default.
        space: one of `spaces.SPACES`.
        images, labels: (N, H, W, C) uint8 or float32, and (N,), to train on.
        held_out: (images, labels) by which networks are compared.
        classes: number of classes.
        epochs: passes over the images, at most.
        patience: passes without a better accuracy on the held-out images, after which training ends.
        batch_size: images a step.
        seed: of the weights, the order of the images and the dropout.
        deadline: when the trial has to be over, in seconds since 1970 (`time.time()`).
        weights: to begin with, in Keras' order; empty for random ones. Where there are some, the learning rate falls
            to 0.3 of itself after two epochs without a better accuracy.
    """

    number: int
    values: dict[str, Any]
    space: str
    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    held_out: tuple[np.ndarray, np.ndarray] = field(repr=False)
    classes: int
    epochs: int
    patience: int
    batch_size: int
    seed: int
    deadline: float
    weights: tuple[np.ndarray, ...] = field(default=(), repr=False)


def train(trial: Trial) -> tuple[dict, bytes]:
    """Train a network, and measure it.

    Returns:
        A record: `values` that the network depends on, `accuracy` of the best epoch on the held-out images,
        `accuracies` after each epoch, their number `epochs`, `cut` (whether the deadline ended the training),
        `parameters` that are trained, `multiply_adds` an image, `seconds`, and `cpu_seconds` of this process. And the
        network with the weights of that epoch, as the bytes of a `.keras` file.
    """
    import keras
    import keras_tuner

    from cnnlab import arithmetic

    start, cpu_start = time.perf_counter(), time.process_time()
    graph = spaces.graph(trial.space, trial.images.shape[1:], trial.classes, len(trial.images), trial.epochs)
    values = keras_tuner.HyperParameters()
    values.values = dict(trial.values)
    keras.utils.set_random_seed(trial.seed)
    model = spaces.build(graph, values)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.adapt(trial.images.astype("float32"))
    if trial.weights:
        model.set_weights(trial.weights)
    keeper = budget(trial.deadline, trial.patience, -(-len(trial.held_out[0]) // trial.batch_size))
    callbacks = [keeper]
    if trial.weights and isinstance(model.optimizer.get_config()["learning_rate"], float):  # else AutoKeras' schedule
        callbacks.append(keras.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.3, patience=2, mode="max"))
    model.fit(
        _batches(trial.images, trial.labels, trial.classes, trial.batch_size, trial.seed),
        validation_data=_batches(*trial.held_out, trial.classes, trial.batch_size),
        epochs=trial.epochs,
        callbacks=callbacks,
        verbose=0,
    )
    network = portable(model)
    profile = arithmetic.profile(network)
    record = {
        "values": spaces.used(values),
        "accuracy": max(keeper.accuracies),
        "accuracies": keeper.accuracies,
        "epochs": len(keeper.accuracies),
        "cut": keeper.cut,
        "parameters": profile.trainable_params,
        "multiply_adds": profile.macs,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        network.save(path)
        saved = path.read_bytes()
    record["seconds"] = round(time.perf_counter() - start, 2)
    record["cpu_seconds"] = round(time.process_time() - cpu_start, 2)
    return record, saved


def _batches(images, labels, classes: int, batch_size: int, seed: int | None = None):
    """Batches with one target a class; shuffled where there is a seed."""
    import tensorflow as tf

    pairs = tf.data.Dataset.from_tensor_slices((images, labels))
    if seed is not None:
        pairs = pairs.shuffle(len(images), seed=seed)
    options = tf.data.Options()
    options.autotune.enabled = False  # it is waited for at the end of every epoch, as long again as the epoch took
    batches = pairs.batch(batch_size).map(lambda x, y: (tf.cast(x, tf.float32), tf.one_hot(y, classes)))
    return batches.prefetch(2).with_options(options)


def budget(deadline: float, patience: int, evaluation_steps: int):
    """A Keras callback that ends a training in time to measure and save what it has, and keeps the best epoch.

    Training stops at the step after which no more than the time for one evaluation is left; that time is measured, or
    estimated from the steps before the first evaluation has run.

    Args:
        deadline: in seconds since 1970, when everything is to be over.
        patience: epochs without a better `val_accuracy`, after which training ends.
        evaluation_steps: batches of an evaluation.

    Returns:
        A callback with `.accuracies` (`val_accuracy` after each epoch, an unfinished one included) and `.cut`.
    """
    import keras

    class Budget(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.accuracies, self.cut, self.best = [], False, None
            self.evaluation, self.step = None, None
            self.began = self.tested = time.time()

        def on_train_batch_begin(self, batch, logs=None):
            self.began = time.time()

        def on_train_batch_end(self, batch, logs=None):
            taken = time.time() - self.began
            if self.step is None:  # the first traces the graph, and so will the first evaluation
                self.step, self.tracing = 0.0, taken
            else:
                self.step = taken if not self.step else 0.9 * self.step + 0.1 * taken
            evaluation = self.evaluation or self.tracing / 2 + evaluation_steps * self.step / 2
            if time.time() + 1.2 * evaluation + self.tracing / 2 > deadline:  # and a little to save the network
                self.cut = self.model.stop_training = True

        def on_test_begin(self, logs=None):
            self.tested = time.time()

        def on_test_end(self, logs=None):
            self.evaluation = time.time() - self.tested

        def on_epoch_end(self, epoch, logs=None):
            self.accuracies.append(round(float(logs["val_accuracy"]), 5))
            if self.accuracies[-1] == max(self.accuracies) and self.accuracies.count(self.accuracies[-1]) == 1:
                self.best = self.model.get_weights()
            if len(self.accuracies) - 1 - self.accuracies.index(max(self.accuracies)) >= patience:
                self.model.stop_training = True

        def on_train_end(self, logs=None):
            self.model.set_weights(self.best)

    return Budget()


def portable(model):
    """The same network from Keras' own layers alone: it loads where AutoKeras is not installed.

    AutoKeras puts a layer of its own in front that casts pixels to float32; `Rescaling` by 1 does the same.
    """
    import keras

    def plain(layer):
        if type(layer).__module__.startswith("autokeras"):
            return keras.layers.Rescaling(1.0, name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=plain)
    copy.set_weights(model.get_weights())
    return keras.Model(copy.inputs, copy.outputs)  # without what it was compiled with, its optimizer's state above all
