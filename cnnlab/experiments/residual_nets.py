"""Chapter 08's grid: plain, residual and dense networks of growing depth on the same data and schedule.

CNNLAB_DATA=folder python -m cnnlab.experiments run residual_nets --out data/results/residual_nets
"""

from dataclasses import dataclass, replace

from cnnlab import profiles

VALIDATION = 1000  # pictures kept from training, for the curves and for leaving units out
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class ResidualNet:
    """One network, trained once.

    Attributes:
        network: "plain", "residual" or "dense".
        depth: layers with weights: 6n + 2, with one convolution a unit 3n + 2; dense networks 6n + 4.
        order, shortcut, convolutions: of the units, as in `cnnlab.models.resnet.cifar_resnet`; of residual networks.
        width: channels of the first stage; of dense networks the growth.
        data: "cifar100", by its 20 coarse classes, or "shapes100", by its own.
        images: pictures trained on.
        epochs: passes over them.
        batch_size: pictures a step.
        learning_rate: highest of the one cycle, with momentum 0.9.
        leave_out: whether to measure the network without each of its units.
        seed: of the weights and the order of the pictures.
    """

    network: str
    depth: int
    order: str = "original"
    shortcut: str = "zeros"
    convolutions: int = 2
    width: int = 16
    data: str = "cifar100"
    images: int = 10_000
    epochs: int = 6
    batch_size: int = 64
    learning_rate: float = 0.1
    leave_out: bool = False
    seed: int = 0

    def build(self, without: tuple[str, ...] = ()):
        """The network, its weights drawn anew; without the units that are named."""
        from cnnlab.models import densenet, resnet

        options = {"input_shape": (32, 32, 3), "classes": 20, "stem_stride": 2}
        if self.network == "dense":
            layers_per_block = ((self.depth - 4) // 6,) * 3
            return densenet.densenet121(growth=self.width, layers_per_block=layers_per_block, form="cifar", **options)
        if self.network not in ("plain", "residual"):
            raise ValueError(f"`network` needs 'plain', 'residual' or 'dense'; received {self.network!r}.")
        shortcut = self.shortcut if self.network == "residual" else None
        options |= {"depth": self.depth, "order": self.order, "convolutions": self.convolutions, "width": self.width}
        return resnet.cifar_resnet(shortcut=shortcut, without=without, **options)

    def train(self) -> dict:
        """Train and measure: curves, gradient norms before and after, test accuracy, accuracy without each unit.

        Returns:
            `test_accuracy`, on 10,000 pictures; `parameters`; `loss`, `accuracy` and `val_accuracy`, one a epoch;
            `gradient_norms` before training and after, one a convolution; `accuracy_without`, by unit; `precision`, the
            machine and the versions.
        """
        import keras
        import tensorflow as tf

        from cnnlab import training
        from cnnlab.experiments import pictures, progress

        (x, y), validation, test = pictures.split(self.data, self.images, VALIDATION, coarse=True)
        keras.utils.set_random_seed(self.seed)
        model = self.build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        steps = self.epochs * -(-len(x) // self.batch_size)
        rate = training.one_cycle(self.learning_rate, steps)
        training.compiled(model, keras.optimizers.SGD(rate, momentum=0.9), loss, metrics=["accuracy"])
        batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=self.seed).batch(self.batch_size)
        quick = tf.data.Options()
        quick.autotune.enabled = False  # it is waited for at the end of every epoch
        before = training.gradient_norms(model, x[:128], y[:128])
        options = {"validation_data": validation, "callbacks": progress.bars(steps), "verbose": 0}
        history = model.fit(batches.with_options(quick), epochs=self.epochs, **options)
        result = {
            "test_accuracy": training.accuracy(model, *test),
            "parameters": model.count_params(),
            "precision": keras.config.dtype_policy().name,
            **training.outcome(history),
            "gradient_norms": [before, training.gradient_norms(model, x[:128], y[:128])],
        }
        if self.leave_out:
            result["accuracy_without"] = {
                unit: training.accuracy(self._without(model, unit), *validation) for unit in removable(model)
            }
        return result

    def _without(self, model, unit: str):
        """The trained network without one of its units."""
        smaller = self.build(without=(unit,))
        for layer in smaller.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
        return smaller


def removable(model) -> list[str]:
    """The units that keep the shape of what goes through them: all but the first of stages 2 and 3."""
    names = dict.fromkeys(layer.name.rsplit("_", 1)[0] for layer in model.layers if layer.name.startswith("stage"))
    units = [name for name in names if name.count("_") == 1]
    return [unit for unit in units if unit not in ("stage2_unit1", "stage3_unit1")]


def cells() -> list[ResidualNet]:
    """The grid, seed by seed, so that a run that was stopped has all of the first seeds."""
    if profiles.profile() == "smoke":
        small = {"data": "shapes100", "images": 256, "epochs": 1}
        return [ResidualNet(network, 8, leave_out=True, **small) for network in ("plain", "residual")]
    networks = ("plain", "residual")
    first = [
        *(ResidualNet(network, depth, leave_out=depth == 32) for depth in (8, 20, 32, 56) for network in networks),
        ResidualNet("residual", 32, order="full_preactivation", leave_out=True),
        *(ResidualNet("residual", 32, order=order) for order in ("bn_after_addition", "relu_before_addition")),
        ResidualNet("residual", 32, order="relu_only_preactivation"),
        ResidualNet("residual", 32, convolutions=1),
        *(ResidualNet("residual", 20, shortcut=shortcut) for shortcut in ("projection", "projections")),
        ResidualNet("dense", 40, width=12),
        ResidualNet("residual", 20, width=13),
    ]
    return [replace(cell, seed=seed) for seed in SEEDS for cell in first]
