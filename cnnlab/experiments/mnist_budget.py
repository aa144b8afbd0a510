"""Chapter 11's other side: networks made by hand, trained on MNIST for a given time.

CNNLAB_DATA=folder python -m cnnlab.experiments run mnist_budget --out data/results/mnist_budget
"""

import time
from dataclasses import dataclass

from cnnlab import profiles


@dataclass(frozen=True)
class Budgeted:
    """A network trained once by the course's recipe for digits, its smoothed labels left out, until the time is up.

    The learning rate follows one cycle of the clock, not of the steps, so that it is zero at the deadline anywhere.

    Attributes:
        minutes: budget, from the raw images to the trained network, building and tracing included.
        network: "lenet5_same", the LeNet of the lecture's table, or "digit_net", the recipe's own.
        images: of the training set.
        batch_size: images a step.
        learning_rate: highest of the one cycle.
        data: "mnist".
        seed: of the weights, the order of the images and their augmentation.
    """

    minutes: float
    network: str = "lenet5_same"
    images: int = 60_000
    batch_size: int = 128
    learning_rate: float = 3e-3
    data: str = "mnist"
    seed: int = 0

    def train(self) -> dict:
        """Train and test.

        Returns:
            `test_accuracy` on all test images; `minutes_used`, testing excluded; `cpu_seconds`; `epochs`, a fraction;
            `parameters`, `multiply_adds`; `source` of the data, `precision`, the machine and the versions.
        """
        import keras

        from cnnlab import arithmetic, datasets, training
        from cnnlab.models import digits

        data = datasets.load(self.data)
        x, y = data.x_train[: self.images], data.y_train[: self.images]
        start, cpu_start = time.perf_counter(), time.process_time()
        keras.utils.set_random_seed(self.seed)
        model = lenet5_same() if self.network == "lenet5_same" else digits.digit_net()
        batches = training.augmented_batches(x, y, self.batch_size, self.seed, **training.DIGIT_STRENGTHS)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        training.compiled(model, keras.optimizers.AdamW(self.learning_rate / 25, weight_decay=0.01), loss)
        clock = _Clock(self.learning_rate, start, 60 * self.minutes)
        model.fit(batches, epochs=10_000, callbacks=[clock.callback(model)], verbose=0)
        minutes, cpu = (time.perf_counter() - start) / 60, time.process_time() - cpu_start
        profile = arithmetic.profile(model)
        return {
            "test_accuracy": training.accuracy(model, data.x_test, data.y_test),
            "minutes_used": round(minutes, 3),
            "cpu_seconds": round(cpu, 1),
            "epochs": round(clock.steps / len(batches), 2),
            "parameters": profile.trainable_params,
            "multiply_adds": profile.macs,
            "precision": keras.config.dtype_policy().name,
            **training.machine(),
            "source": data.source,
            **training.versions(),
        }


class _Clock:
    """One cycle of the learning rate over a budget of seconds, after which training stops."""

    def __init__(self, peak: float, start: float, seconds: float):
        from cnnlab import training

        self.start, self.seconds, self.steps = start, seconds, 0
        self.cycle = training.one_cycle(peak, 1000)

    def callback(self, model):
        import keras

        def step(batch, logs):
            self.steps += 1
            share = (time.perf_counter() - self.start) / self.seconds
            model.optimizer.learning_rate.assign(self.cycle(min(1000 * share, 1000)))
            if share >= 1:
                model.stop_training = True

        return keras.callbacks.LambdaCallback(on_train_batch_end=step)


def lenet5_same():
    """The LeNet of the lecture's table: both convolutions padded, so that 7 x 7 x 16 values reach the dense layers."""
    import keras
    from keras import layers

    inputs = keras.Input((28, 28, 1))
    x = layers.Rescaling(1 / 255, name="scale")(inputs)
    for number, kernels in enumerate((6, 16), start=1):
        x = layers.Conv2D(kernels, 5, padding="same", activation="relu", name=f"conv{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="relu", name="dense1")(x)
    x = layers.Dense(84, activation="relu", name="dense2")(x)
    return keras.Model(inputs, layers.Dense(10, name="logits")(x), name="lenet5_same")


def cells() -> list[Budgeted]:
    """The LeNet on the budgets of the lecture's searches; in the profile `gpu` on the longest, too."""
    if profiles.profile() == "smoke":
        return [Budgeted(0.05, images=1000)]
    return [Budgeted(minutes) for minutes in profiles.scale(smoke=(), cpu=(6.0, 30.0), gpu=(6.0, 30.0, 48.0))]
