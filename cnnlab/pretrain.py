"""The course's own pretrained network, a slim VGG19 with batch norm: train it on CIFAR-100, or test it again.

CNNLAB_DATA=folder python -m cnnlab.pretrain train --out folder
CNNLAB_DATA=folder python -m cnnlab.pretrain evaluate
"""

import contextlib
import json
import platform
import shutil
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from cnnlab import command_line, datasets, profiles
from cnnlab.cards import model_card
from cnnlab.datasets import DataError, Dataset, embedded_folder, formats
from cnnlab.files import write_whole

NAME = "vgg19_cifar100"  # of the files: NAME.weights.h5, NAME.json
EPILOG = """\
A training that was stopped goes on with the epoch it was in when the same command is given again.

environment variables:
  CNNLAB_PROFILE  smoke: one pass over generated pictures; cpu, gpu: the full training
  CNNLAB_DATA     folder that CIFAR-100 is read from first

exit status: 0 done, 1 the data or the folder cannot be used, 2 wrong usage, 130 interrupted
"""


@dataclass(frozen=True)
class Pretraining:
    """How the network is built and trained.

    Attributes:
        width: factor on VGG19's channels.
        epochs: passes over the pictures.
        data: "cifar100" or "shapes100", by their 100 fine classes.
        images: pictures trained on.
        batch_size: pictures a step.
        learning_rate: highest of the one cycle.
        weight_decay, averaging: of `cnnlab.training.averaged_sgd`.
        smoothing: of the labels.
        shift, mirror: of the pictures, as in `cnnlab.training.CroppedBatches`.
        precision: what the operations compute in, as Keras names it.
        seed: of the weights, the order of the pictures, and their moves.
    """

    width: float = 0.25
    epochs: int = 40
    data: str = "cifar100"
    images: int = 50_000
    batch_size: int = 256
    learning_rate: float = 0.2
    weight_decay: float = 0.005
    averaging: float = 0.99
    smoothing: float = 0.1
    shift: int = 3
    mirror: str = "alternating"
    precision: str = "mixed_bfloat16"
    seed: int = 0

    def build(self):
        """The network, its weights drawn anew: pixels (N, 32, 32, 3) from 0 to 255 to 100 logits."""
        from cnnlab import models

        return models.build("vgg19", (32, 32, 3), 100, width=self.width, regularizer="batch_norm")


def train(recipe: Pretraining, folder: Path) -> dict:
    """Train, test, and write weights and record into a folder; go on where an earlier attempt was stopped.

    Args:
        recipe: what to train.
        folder: made if it is not there. Until the training is done it holds the state after the last whole epoch, too.

    Returns:
        The record: the recipe's fields; `test_accuracy` on all test pictures; `test_accuracy_mirrored`, by the mean of
        the logits for them and for their mirror images; `reliability`, for each tenth of probability [pictures, mean of
        their highest probability, share classified well]; `minutes` of training, `parameters`, `cores`, `machine`;
        `loss` and `accuracy` on the moved pictures, one an epoch; `class_names`, `sha256` of the weights, versions.

    Raises:
        ValueError: the folder holds the state of another recipe, or a damaged one, or another process trains in it.
        DataError: CIFAR-100 is not at hand.
        OSError: the folder cannot be written.
    """
    import keras

    from cnnlab import training
    from cnnlab.experiments import runner
    from cnnlab.experiments.checkpoint import Checkpoint, CheckpointError

    loaded = _load(recipe)
    x, y = loaded.x_train[: recipe.images], loaded.y_train[: recipe.images]
    partial = folder / f"{NAME}.partial"
    state = Checkpoint(partial / "checkpoint.npz", asdict(recipe))
    with runner.alone(partial):
        try:
            state.read()
        except CheckpointError as error:
            raise ValueError(f"{error} Delete {partial}, or name another folder.") from error
        keras.utils.set_random_seed(recipe.seed)
        batches = training.CroppedBatches(x, y, recipe.batch_size, recipe.seed, recipe.shift, recipe.mirror)
        steps = recipe.epochs * len(batches)
        with training.precision(recipe.precision):
            with training.strategy().scope():
                model = keras.models.clone_model(recipe.build(), clone_function=_quicker)
                rate = training.one_cycle(recipe.learning_rate, steps)
                optimizer = training.averaged_sgd(rate, recipe.weight_decay, recipe.averaging)
                loss = training.smoothed_cross_entropy(recipe.smoothing)
                training.compiled(model, optimizer, loss, metrics=["accuracy"])
            state.fit(model, batches, recipe.epochs)
        # The plain network in full precision, as it will be loaded, is what is tested.
        trained = recipe.build()
        trained.set_weights(model.get_weights())
        weights = partial / f"{NAME}.weights.h5"
        trained.save_weights(weights)
        pictures, labels = loaded.x_test, loaded.y_test
        logits, of_mirror = (trained.predict(view, 500, verbose=0) for view in (pictures, pictures[:, :, ::-1]))
        record = asdict(recipe) | {
            "test_accuracy": float((logits.argmax(axis=1) == labels).mean()),
            "reliability": _reliability(logits, labels),
            "test_accuracy_mirrored": float(((logits + of_mirror).argmax(axis=1) == labels).mean()),
            "minutes": round(state.seconds / 60, 1),
            "parameters": trained.count_params(),
            **training.machine(),
            "machine": platform.machine(),
            "class_names": list(loaded.class_names),
            "sha256": formats.file_digest(weights),
            **state.curves,
            **training.versions(),
        }
        weights.replace(folder / weights.name)
        write_whole(folder / f"{NAME}.json", json.dumps(record, indent=1) + "\n")
        write_whole(folder / f"{NAME}.md", card(record))
    shutil.rmtree(partial)
    return record


def _reliability(logits, labels) -> list[list]:
    """Whether probabilities can be believed.

    Source: Guo et al., "On calibration of modern neural networks", 2017, section 2.
    """
    import keras

    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    highest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    tenths = (10 * highest).astype(int).clip(0, 9)
    groups = [tenths == number for number in np.unique(tenths)]
    return [[int(of.sum()), round(float(highest[of].mean()), 4), round(float(right[of].mean()), 4)] for of in groups]


def _load(recipe: Pretraining) -> Dataset:
    return datasets.load(recipe.data, **({} if recipe.data == "cifar100" else {"train": recipe.images, "test": 2000}))


def _quicker(layer):
    """The layer as it learns fastest: batch norm in one operation, kernels that start by passing their input on."""
    import keras

    from cnnlab.layers import fused
    from cnnlab.models.parts import Identity

    copy = fused(layer)
    if isinstance(copy, keras.layers.Conv2D):
        copy.kernel_initializer = Identity()
    return copy


def card(record: dict) -> str:
    """The model card: what a record says, for a reader.

    Args:
        record: of `train`.
    """
    rows = {
        "network": f"VGG19 with batch norm, {record['width']:g} of its channels, {record['parameters']:,} parameters",
        "takes, gives": "pixels (N, 32, 32, 3) from 0 to 255; 100 logits, in the order of `class_names` in the record",
        "trained on": f"{record['data']}, {record['images']:,} training pictures, {record['epochs']} epochs",
        "recipe": f"SGD with Nesterov momentum, batches of {record['batch_size']}, one cycle up to a learning rate of "
        f"{record['learning_rate']:g}, weight decay {record['weight_decay']:g}, smoothing {record['smoothing']:g}; "
        f"pictures moved by up to {record['shift']} pixels and mirrored ({record['mirror']}), weights averaged with "
        f"momentum {record['averaging']:g}, {record['precision']}",
        "seed": record["seed"],
        "test accuracy": f"{record['test_accuracy']:.4f} on all test pictures, "
        f"{record['test_accuracy_mirrored']:.4f} by the mean of each and its mirror image",
    }
    return model_card(NAME, rows, record, CARD)


CARD = """

Made by `python -m cnnlab.pretrain train --out FOLDER`; `python -m cnnlab.pretrain evaluate` measures it again.

For teaching: to be taken apart, and as a start for small tasks of natural pictures. It knows a hundred classes of
CIFAR-100 and takes everything for one of them; its probabilities mean nothing for other pictures. CIFAR-100 was
collected from the web by the names of its classes, with the errors and the slant that this brings.
"""


def evaluate(folder: Path) -> dict:
    """Measure the accuracy of a trained network again.

    Args:
        folder: holds the two files that `train` wrote.

    Returns:
        `test_accuracy`, measured now, and `recorded`, the one in the record.

    Raises:
        DataError: a file is missing or damaged, or CIFAR-100 is not at hand.
    """
    from cnnlab import training

    path = folder / f"{NAME}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        recipe = Pretraining(**{field.name: record[field.name] for field in fields(Pretraining)})
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: expected the record of a training, got {error!r}") from error
    weights = folder / f"{NAME}.weights.h5"
    if not weights.is_file():
        raise DataError(f"{weights}: expected the weights of that record, got none")
    formats.check_digest(weights, record["sha256"])
    loaded = _load(recipe)
    model = recipe.build()
    model.load_weights(weights)
    return {
        "test_accuracy": training.accuracy(model, loaded.x_test, loaded.y_test),
        "recorded": record["test_accuracy"],
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser, verbs = command_line.parser(
        "cnnlab.pretrain", "Train the course's own pretrained network on CIFAR-100, or test it again.", EPILOG
    )
    command = verbs.add_parser("train", help="train, and write weights and record")
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the two files")
    command.add_argument("--epochs", metavar="N", type=int, help="passes over the pictures")
    command.add_argument("--seed", metavar="S", type=int, default=0)
    command.add_argument("--json", action="store_true", help="print the record as JSON")
    command = verbs.add_parser("evaluate", help="measure the accuracy on the test pictures")
    command.add_argument(
        "folder", metavar="DIR", type=Path, nargs="?", help="what `train` wrote; else the course's own"
    )
    command.add_argument("--json", action="store_true", help="print the two numbers as JSON")
    options = parser.parse_args(arguments)
    if options.verb == "train" and options.epochs is not None and options.epochs < 1:
        parser.error(f"--epochs needs at least 1 pass; received {options.epochs}")
    # The data source belongs beside the result.
    with command_line.outcome(parser, OSError, ValueError) as ended, contextlib.redirect_stdout(sys.stderr):
        if options.verb == "train":
            result = train(_recipe(options.seed, options.epochs), options.out)
        else:
            result = evaluate(options.folder or embedded_folder() / "weights")
    if ended.status:
        return ended.status
    if options.json:
        print(json.dumps(result))
    elif options.verb == "train":
        print(f"test accuracy {result['test_accuracy']:.4f} in {result['minutes']} minutes, seed {result['seed']}")
    else:
        print(f"test accuracy {result['test_accuracy']:.4f}, recorded {result['recorded']:.4f}")
    return 0


def _recipe(seed: int, epochs: int | None) -> Pretraining:
    """The recipe in the size of the profile."""
    small = Pretraining(width=0.0625, epochs=2, data="shapes100", images=512, batch_size=64)
    recipe = replace(profiles.scale(smoke=small, cpu=Pretraining(), gpu=Pretraining()), seed=seed)
    return replace(recipe, epochs=epochs) if epochs else recipe


if __name__ == "__main__":
    sys.exit(main())
