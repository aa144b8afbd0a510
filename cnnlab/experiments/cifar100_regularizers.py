"""Chapter 09's grid: three networks, two optimizers and three regularizers on CIFAR-100.

CNNLAB_DATA=folder python -m cnnlab.experiments run cifar100_regularizers --out data/results/cifar100_regularizers
"""

from dataclasses import dataclass

from cnnlab import profiles
from cnnlab.experiments.cifar100_comparison import NETWORKS, OPTIMIZERS, REGULARIZERS, SEEDS, optimizer


@dataclass(frozen=True)
class Regularized:
    """One network, trained once.

    Attributes:
        network: "vgg16", "resnet18" or "inceptionv2", in their form for CIFAR.
        optimizer: "sgd", with momentum 0.9, or "adam".
        regularizer: "none", "batch_norm" or "dropout".
        width: factor on the channels of all layers but the last.
        stem_stride: step of the first convolution of "resnet18" and "inceptionv2"; 2 quarters their work.
        data: "cifar100" or "shapes100", by their 100 fine classes.
        images: pictures trained on.
        validation: pictures kept from training, by which it stops early.
        epochs: passes over them, at most.
        patience: epochs without a better validation accuracy after which the training ends.
        batch_size: pictures a step.
        learning_rate: highest of the one cycle.
        seed: of the weights, the order of the pictures and the dropout.
    """

    network: str
    optimizer: str
    regularizer: str
    width: float = 0.25
    stem_stride: int = 2
    data: str = "cifar100"
    images: int = 24_000
    validation: int = 2000
    epochs: int = 6
    patience: int = 3
    batch_size: int = 128
    learning_rate: float = 0.05
    seed: int = 0

    def build(self):
        """The network, its weights drawn anew."""
        from cnnlab import models

        options = {"width": self.width, "regularizer": self.regularizer}
        if self.network != "vgg16":  # which pools behind its first layers, where the others keep all pixels for long
            options["stem_stride"] = self.stem_stride
        return models.build(self.network, (32, 32, 3), 100, **options)

    def train(self) -> dict:
        """Train and measure.

        Returns:
            `test_accuracy`, on 10,000 pictures; `train_accuracy`, on 10,000 of those trained on, with the trained
            network as it is used; `parameters`; `loss`, `accuracy`, `val_loss` and `val_accuracy`, one a epoch;
            `gradient_norms` before training and after, one a convolution.
        """
        import keras

        from cnnlab import training
        from cnnlab.experiments import pictures, progress

        (x, y), validation, test = pictures.split(self.data, self.images, self.validation)
        keras.utils.set_random_seed(self.seed)
        batches = training.CroppedBatches(x, y, self.batch_size, self.seed)
        steps = self.epochs * len(batches)
        rate = training.one_cycle(self.learning_rate, steps)
        with training.strategy().scope():
            model = self.build()
            loss = training.smoothed_cross_entropy()
            training.compiled(model, optimizer(self.optimizer, rate), loss, metrics=["accuracy"])
        before = training.gradient_norms(model, x[:128], y[:128])
        stop = keras.callbacks.EarlyStopping("val_accuracy", patience=self.patience, restore_best_weights=True)
        options = {"validation_data": validation, "callbacks": [stop, *progress.bars(steps)], "verbose": 0}
        history = model.fit(batches, epochs=self.epochs, **options)
        return {
            "test_accuracy": training.accuracy(model, *test),
            "train_accuracy": training.accuracy(model, x[:10_000], y[:10_000]),
            "parameters": model.count_params(),
            "gradient_norms": [before, training.gradient_norms(model, x[:128], y[:128])],
            **training.outcome(history),
        }


def cells() -> list[Regularized]:
    """The grid, seed by seed, so that a run that was stopped has all of the first seeds."""
    size = profiles.scale(
        smoke={"width": 0.0625, "data": "shapes100", "images": 512, "validation": 200, "epochs": 1},
        cpu={},
        gpu={"width": 1.0, "stem_stride": 1, "images": 48_000, "epochs": 40, "patience": 10},
    )
    rates = {"sgd": 0.05, "adam": 0.002}
    return [
        Regularized(network, optimizer, regularizer, learning_rate=rates[optimizer], seed=seed, **size)
        for seed in profiles.scale(smoke=(0,), cpu=SEEDS, gpu=SEEDS)
        for network in reversed(NETWORKS)  # the slowest first: several workers then end at about the same time
        for optimizer in OPTIMIZERS
        for regularizer in REGULARIZERS
    ]
