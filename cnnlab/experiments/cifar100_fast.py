"""Chapter 09's short recipe for CIFAR-100, how far it gets in more passes, and what each of its steps is worth.

CNNLAB_DATA=folder python -m cnnlab.experiments run cifar100_fast --out data/results/cifar100_fast
CNNLAB_DATA=folder python -m cnnlab.experiments run cifar100_long --out data/results/cifar100_fast
CNNLAB_DATA=folder python -m cnnlab.experiments run cifar100_steps --out data/results/cifar100_steps
"""

import time
from dataclasses import dataclass, replace

from cnnlab import profiles


@dataclass(frozen=True)
class Recipe:
    """`cnnlab.models.cifar.cifar_net`, trained once from raw pictures.

    Attributes:
        epochs: passes over the pictures.
        width: factor on the network's channels.
        whitened: whether the first layer is set by the pictures' own statistics and left so; else it is trained.
        identity: whether the convolutions start by passing their input on.
        residual: whether each block's third convolution is added to what its first gave.
        schedule: of the learning rate: "one_cycle", or "constant" at a third of its peak.
        smoothing: of the labels.
        shift, mirror: of the pictures, as in `cnnlab.training.CroppedBatches`.
        averaging: momentum of the running mean of the weights, with which the network is tested; 0 for none.
        precision: "mixed_bfloat16", or "float32": what the operations compute in, as Keras names it.
        data: "cifar100" or "shapes100", by their 100 fine classes.
        images: pictures trained on.
        batch_size: pictures a step.
        learning_rate: highest of the one cycle, of SGD with Nesterov momentum 0.9.
        weight_decay: share of each kernel that a step takes away, times the learning rate.
        seed: of the weights, the order of the pictures, and their moves.
    """

    epochs: int
    width: float = 1.0
    whitened: bool = True
    identity: bool = True
    residual: bool = True
    schedule: str = "one_cycle"
    smoothing: float = 0.1
    shift: int = 2
    mirror: str = "alternating"
    averaging: float = 0.99
    precision: str = "mixed_bfloat16"
    data: str = "cifar100"
    images: int = 50_000
    batch_size: int = 256
    learning_rate: float = 0.3
    weight_decay: float = 0.005
    seed: int = 0

    def train(self) -> dict:
        """Train and test.

        Returns:
            `test_accuracy`, on 10,000 pictures and their mirror images; `test_accuracy_one_view`; `minutes`, from the
            raw pictures to the tested network, reading the file and tracing included; `parameters`; `loss` and
            `accuracy` on the moved pictures, and `epoch_seconds` since the beginning, one an epoch.
        """
        import keras

        from cnnlab import training
        from cnnlab.experiments import pictures, progress
        from cnnlab.models import cifar

        start = time.perf_counter()
        (x, y), _, test = pictures.split(self.data, self.images, validation=0)
        keras.utils.set_random_seed(self.seed)
        batches = training.CroppedBatches(x, y, self.batch_size, self.seed, self.shift, self.mirror)
        steps = self.epochs * len(batches)
        with training.precision(self.precision):
            with training.strategy().scope():
                model = self.compiled(x[:5000], steps)
            seconds = []
            clock = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: seconds.append(round(time.perf_counter() - start, 1))
            )
            history = model.fit(batches, epochs=self.epochs, callbacks=[clock, *progress.bars(steps)], verbose=0)
            one_view = training.accuracy(model, *test)
            both_views = training.accuracy(cifar.mirrored(model), *test)
        return {
            "test_accuracy": both_views,
            "test_accuracy_one_view": one_view,
            "minutes": round((time.perf_counter() - start) / 60, 2),
            "parameters": model.count_params(),
            "epoch_seconds": seconds,
            **training.outcome(history),
        }

    def compiled(self, sample, steps: int):
        """The network ready for so many steps, in the precision that Keras is set to.

        Args:
            sample: pictures (N, 32, 32, 3), 0 to 255, by which the first layer is set.
            steps: number of updates of the whole training.
        """
        from cnnlab import training
        from cnnlab.models import cifar

        model = cifar.cifar_net(width=self.width, identity=self.identity, residual=self.residual)
        if self.whitened:
            cifar.whiten(model, sample)
        loss = training.smoothed_cross_entropy(self.smoothing)
        return training.compiled(model, self._optimizer(steps), loss, metrics=["accuracy"])

    def _optimizer(self, steps: int):
        from cnnlab import training

        if self.schedule not in ("one_cycle", "constant"):
            raise ValueError(f"`schedule` needs 'one_cycle' or 'constant'; received {self.schedule!r}.")
        cycle = self.schedule == "one_cycle"
        rate = training.one_cycle(self.learning_rate, steps) if cycle else self.learning_rate / 3
        return training.averaged_sgd(rate, self.weight_decay, self.averaging)


def fast() -> list[Recipe]:
    """The short recipe."""
    return [_scaled(Recipe(epochs=5))]


def long() -> list[Recipe]:
    """The same with more passes."""
    return [_scaled(Recipe(epochs=8))]


def steps() -> list[Recipe]:
    """The recipe with few passes and half the channels, and the same with each of its steps left out."""
    whole = Recipe(epochs=3, width=0.5)
    left_out = [
        {"whitened": False},
        {"identity": False},
        {"residual": False},
        {"schedule": "constant"},
        {"smoothing": 0.0},
        {"shift": 0, "mirror": "none"},
        {"mirror": "random"},
        {"averaging": 0.0},
        {"precision": "float32"},
    ]
    return [_scaled(replace(whole, **change)) for change in ({}, *left_out)]


def _scaled(recipe: Recipe) -> Recipe:
    """The recipe in the size of the profile."""
    small = replace(recipe, epochs=1, width=0.125, data="shapes100", images=512, batch_size=64)
    return profiles.scale(smoke=small, cpu=recipe, gpu=recipe)
