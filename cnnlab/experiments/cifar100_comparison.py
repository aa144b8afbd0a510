"""The comparison of regularizers for real: three networks, two optimizers and three regularizers on CIFAR-100.

CNNLAB_DATA=folder python -m cnnlab.experiments run cifar100_comparison --out data/results/cifar100_comparison

What decided the setting:

- Rates: 0.05 for SGD and 0.002 for Adam, warmed up, the gradient held to a length of 5, trained every network of a
  quarter of the width but VGG16 with dropout (`data/results/cifar100_regularizers`); twice as wide, Adam has half.
- Start: thirteen convolutions in a row pass little on when their kernels are random, so VGG16, under every regularizer,
  starts with kernels that pass their input on: without a regularizer it then fits 94 in 100 of 6,000 pictures in 920
  steps (`data/results/cifar100_pilot`). The others have shortcuts or short paths, and random kernels.
- Length: a regularizer has nothing to do where a network does not fit its training pictures. 30 passes at a rate that
  falls to zero are 11,250 steps, the same for all cells: none is stopped early, each counts with its best epoch.
- Pictures: 48,000, in every second pass as in a mirror, and not moved, so that they can still be learned by heart.
- Width and precision: half the channels in bfloat16. A step of 128 pictures takes one core 0.3 s (VGG16), 0.4 to 0.5 s
  (ResNet18) or 1.9 to 2.6 s (Inception) with AMX instructions, in float32 two to three times that.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from cnnlab import profiles

NETWORKS = ("vgg16", "resnet18", "inceptionv2")
OPTIMIZERS = ("sgd", "adam")
REGULARIZERS = ("none", "batch_norm", "dropout")
SEEDS = (0, 1, 2)
RATES = {"sgd": 0.05, "adam": 0.001}  # highest learning rates
CLASSES = 100
TRAINED = math.log(CLASSES) - 0.1  # the training loss that a network has to get below: at chance it is log(classes)


@dataclass(frozen=True)
class Regularized:
    """One network, trained once, for a number of steps that is the same for all.

    Attributes:
        network: "vgg16", "resnet18" or "inceptionv2", in their form for CIFAR.
        optimizer: "sgd", with momentum 0.9, or "adam".
        regularizer: "none", "batch_norm" or "dropout".
        learning_rate: highest of the one cycle.
        width: factor on the channels of all layers but the last.
        stem_stride: step of the first convolution of "resnet18" and "inceptionv2"; 2 quarters their work.
        data: "cifar100" or "shapes100", by their 100 fine classes.
        images: pictures trained on.
        validation: pictures kept from training; the epoch whose weights do best on them counts.
        epochs: passes over the pictures, at most.
        patience: epochs without a better validation accuracy after which the training ends; 0 goes on to the end.
        batch_size: pictures a step.
        shift, mirror: of the pictures, as in `cnnlab.training.CroppedBatches`.
        identity: whether the convolutions start by passing their input on, as far as they have kernels for it.
        precision: "mixed_bfloat16", or "float32": what the operations compute in, as Keras names it.
        seed: of the weights, the order of the pictures and the dropout.
    """

    network: str
    optimizer: str
    regularizer: str
    learning_rate: float
    width: float = 0.5
    stem_stride: int = 1
    data: str = "cifar100"
    images: int = 48_000
    validation: int = 2000
    epochs: int = 30
    patience: int = 0
    batch_size: int = 128
    shift: int = 0
    mirror: str = "alternating"
    identity: bool = False
    precision: str = "mixed_bfloat16"
    seed: int = 0

    def build(self):
        """The network, its weights drawn anew."""
        import keras

        from cnnlab import models
        from cnnlab.models.parts import Identity

        options = {"width": self.width, "regularizer": self.regularizer}
        if self.network != "vgg16":  # which pools behind its first layers, where the others keep all pixels for long
            options["stem_stride"] = self.stem_stride
        model = models.build(self.network, (32, 32, 3), CLASSES, **options)
        for layer in model.layers:
            if self.identity and isinstance(layer, keras.layers.Conv2D):
                layer.kernel.assign(Identity()(layer.kernel.shape))
        return model

    def train(self, checkpoint: Path | None = None) -> dict:
        """Train and measure; measured is the plain network in full precision.

        Args:
            checkpoint: file from which a training that was stopped goes on; None keeps nothing.

        Returns:
            `test_accuracy`, on 10,000 pictures; `train_accuracy`, on 10,000 of those trained on, as they are; both of
            the weights of `best_epoch`; `stopped_epoch`, after which patience was at an end, or None; `trained`,
            whether the loss got away from chance; `parameters`; `loss`, `accuracy`, `val_loss` and `val_accuracy`, one
            an epoch; `gradient_norms` before training and after, one a convolution; `fit_seconds`, of all attempts.
        """
        import keras

        from cnnlab import training
        from cnnlab.experiments import pictures
        from cnnlab.layers import fused

        (x, y), validation, test = pictures.split(self.data, self.images, self.validation)
        keras.utils.set_random_seed(self.seed)
        batches = training.CroppedBatches(x, y, self.batch_size, self.seed, self.shift, self.mirror)
        rate = training.one_cycle(self.learning_rate, self.epochs * len(batches))
        plain = self.build()
        before = training.gradient_norms(plain, x[:128], y[:128])
        with training.precision(self.precision), training.strategy().scope():
            model = keras.models.clone_model(self.build(), clone_function=fused)
            model.set_weights(plain.get_weights())
            loss = training.smoothed_cross_entropy()
            training.compiled(model, optimizer(self.optimizer, rate), loss, metrics=["accuracy"])
            state = resumed(checkpoint, self)
            state.fit(model, batches, self.epochs, validation_data=validation)
        plain.set_weights(model.get_weights())
        return {
            "test_accuracy": training.accuracy(plain, *test),
            "train_accuracy": training.accuracy(plain, x[:10_000], y[:10_000]),
            "trained": min(state.curves["loss"]) < TRAINED,
            "best_epoch": state.best_epoch,
            "stopped_epoch": state.stopped_epoch,
            "parameters": plain.count_params(),
            "gradient_norms": [before, training.gradient_norms(plain, x[:128], y[:128])],
            "fit_seconds": state.seconds,
            **state.curves,
            **training.machine(),
            **training.versions(),
        }


def resumed(path: Path | None, cell: Regularized):
    """The state of a cell's training: what the file holds where it is this cell's by this code, else the beginning."""
    import sys

    from cnnlab import training
    from cnnlab.experiments.checkpoint import Checkpoint, CheckpointError, code_digest

    about = asdict(cell) | training.versions() | {"code": code_digest()}
    state = Checkpoint(path, about, "val_accuracy", cell.patience)
    try:
        state.read()
    except CheckpointError as error:
        print(f"{error} The cell starts over.", file=sys.stderr)
    return state


def optimizer(name: str, rate):
    """The optimizer of a name, with its usual settings and the gradient's length held to 5.

    Args:
        name: "sgd" or "adam".
        rate: learning rate, or a schedule of it.

    Raises:
        ValueError: unknown name.
    """
    import keras

    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, global_clipnorm=5.0)
    if name == "adam":
        return keras.optimizers.Adam(rate, global_clipnorm=5.0)
    raise ValueError(f"`optimizer` needs 'sgd' or 'adam'; received {name!r}.")


def cells() -> list[Regularized]:
    """The grid, what tells most first: one seed of the quick networks, of the third, two more of the quick ones."""
    size = profiles.scale(
        smoke={"width": 0.0625, "data": "shapes100", "images": 512, "validation": 200, "epochs": 1},
        cpu={},
        gpu={"width": 1.0},
    )
    quick, (first, *others) = ("resnet18", "vgg16"), SEEDS
    trainings = [
        *((first, optimizer, network) for optimizer in OPTIMIZERS for network in quick),
        *((first, optimizer, "inceptionv2") for optimizer in OPTIMIZERS),
        *((seed, optimizer, network) for seed in others for optimizer in OPTIMIZERS for network in quick),
    ]
    return [
        Regularized(network, optimizer, regularizer, RATES[optimizer], identity=network == "vgg16", seed=seed, **size)
        for seed, optimizer, network in trainings
        for regularizer in REGULARIZERS
    ]
