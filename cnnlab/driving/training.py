"""Behavioral cloning: a network learns to do what the driver of a log did; and DAgger, where it asks him again."""

import json
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np

from cnnlab import models, training
from cnnlab.cards import model_card
from cnnlab.datasets import formats
from cnnlab.driving import augmentation
from cnnlab.driving.expert import wanted_speed
from cnnlab.driving.log import NUMBERS, Log, read
from cnnlab.driving.pictures import VIEWS
from cnnlab.driving.policy import SPEED_SCALE, Cruise, Policy, load
from cnnlab.driving.recording import Recording, record
from cnnlab.driving.store import Pictures
from cnnlab.experiments import progress, runner
from cnnlab.files import write_whole


@dataclass(frozen=True)
class Cloning:
    """How a network is trained on driving logs.

    Attributes:
        network: its name in `cnnlab.models`.
        view: what it is shown, a name in `cnnlab.driving.pictures.VIEWS`.
        outputs: what it gives: steering, or steering and speed.
        epochs: passes over the rows, each with its three cameras.
        batch_size: pictures a step.
        learning_rate: highest of the one cycle.
        correction: of the steering for the side cameras; None to learn from the center camera alone.
        brightness, darkness: strengths of `augmentation.brightened` and `shadowed`.
        pixels, per_pixel: of `augmentation.shifted`, for cameras that do not see their own car.
        straight: largest share of rows with the wheel straight; 1 keeps them all.
        objective: the loss, as Keras names it.
        held_out: share of the rows, the last of each log, that is validated on.
        seed: of weights, orders and augmentations.
    """

    network: str = "drivenet"
    view: str = "carracing"
    outputs: tuple[str, ...] = ("steering", "speed")
    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 2e-3
    correction: float | None = 0.2
    brightness: float = 0.2
    darkness: float = 0.0
    pixels: int = 0
    per_pixel: float = 0.0
    straight: float = 1.0
    objective: str = "mse"
    held_out: float = 0.1
    seed: int = 0

    def build(self) -> keras.Model:
        """The network, its weights drawn anew."""
        return models.build(self.network, (*VIEWS[self.view].size, 3), len(self.outputs))


RECIPES = {
    "carracing": Cloning(),
    # This camera does not see its own car, so that moving its picture is moving the car.
    "udacity": Cloning(view="udacity", outputs=("steering",), darkness=0.5, pixels=20, per_pixel=0.003, held_out=0.2),
}


class Batches(keras.utils.PyDataset):
    """Shuffled batches of pictures and targets, augmented anew in every epoch.

    Args:
        log: rows to train on.
        recipe: how.
    """

    def __init__(self, log: Log, recipe: Cloning):
        super().__init__()
        self.recipe, self.generator = recipe, np.random.default_rng(recipe.seed)
        self.pictures, self.targets = log.pictures, targets(log, recipe.outputs)
        self.rows, self.cameras = np.arange(len(log)), np.zeros(len(log), int)
        if recipe.correction is not None:
            self.rows, self.cameras, steering = augmentation.side_cameras(log, recipe.correction)
            self.targets = np.column_stack([steering, self.targets[self.rows, 1:]])
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Keras calls this: draw the next epoch's order, and the straight rows that take part."""
        share, rows = self.recipe.straight, np.arange(len(self.targets))
        kept = rows if share >= 1 else augmentation.balanced(self.targets[:, 0], self.generator, share=share)
        self.order = self.generator.permutation(kept)

    def __len__(self) -> int:
        return max(1, len(self.order) // self.recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * self.recipe.batch_size : (index + 1) * self.recipe.batch_size]
        pictures, wanted, recipe = (
            self.pictures[self.rows[chosen], self.cameras[chosen]],
            self.targets[chosen],
            self.recipe,
        )
        if recipe.pixels:
            moved = augmentation.shifted(pictures, wanted[:, 0], self.generator, recipe.pixels, recipe.per_pixel)
            pictures, wanted[:, 0] = moved
        pictures, wanted[:, 0] = augmentation.flipped(pictures, wanted[:, 0], self.generator)
        if recipe.darkness:
            pictures = augmentation.shadowed(pictures, self.generator, recipe.darkness)
        if recipe.brightness:
            pictures = augmentation.brightened(pictures, self.generator, recipe.brightness)
        return pictures, wanted


def targets(log: Log, outputs: Sequence[str]) -> np.ndarray:
    """What a network should have given for the center camera of each row.

    Args:
        log: N rows.
        outputs: "steering", or "steering" and "speed": the speed that the driver was heading for, over `SPEED_SCALE`.

    Returns:
        (N, outputs) float32.
    """
    speed = wanted_speed(log.speed, log.throttle, log.brake) / SPEED_SCALE
    return np.column_stack([{"steering": log.steering, "speed": speed}[name] for name in outputs]).astype(np.float32)


def fit(log: Log, recipe: Cloning, model: keras.Model | None = None, held_out: Log | None = None) -> tuple:
    """Train a network on a log in memory.

    Args:
        log: rows to train on.
        recipe: how.
        model: whose weights to begin with, which stays as it is; None for new ones.
        held_out: rows to validate on, or None.

    Returns:
        The trained model, and its curves: "loss", and "val_loss" where rows are held out, one value an epoch.
    """
    keras.utils.set_random_seed(recipe.seed)
    start, model = model, recipe.build()
    if start is not None:
        model.set_weights(start.get_weights())
    batches = Batches(log, recipe)
    steps = recipe.epochs * len(batches)
    optimizer = keras.optimizers.Adam(training.one_cycle(recipe.learning_rate, steps))
    training.compiled(model, optimizer, recipe.objective)
    validation = held_out and (held_out.pictures[:, 0], targets(held_out, recipe.outputs))
    history = model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=validation,
        shuffle=False,  # the batches draw their own order
        callbacks=progress.bars(steps),
        verbose=0,
    )
    return model, {name: [round(value, 6) for value in values] for name, values in history.history.items()}


def split(log: Log, share: float) -> tuple[Log, Log | None]:
    """The first rows of a drive to train on, and its tail: neighbors look alike, so no single rows are held out."""
    last = len(log) - round(share * len(log))
    return log[:last], log[last:] if last < len(log) else None


def join(logs: Sequence[Log]) -> Log:
    """Several logs as one."""
    one = len(logs) == 1  # nothing to copy
    pictures = logs[0].pictures if one else Pictures(row for log in logs for row in _each(log.pictures))
    return Log(pictures, *(np.concatenate([getattr(log, name) for log in logs]) for name in NUMBERS))


def _each(pictures) -> Iterator[np.ndarray]:
    return (pictures[row] for row in range(len(pictures)))


def train(logs: Sequence[Path], folder: Path, name: str, recipe: Cloning, start: Policy | None = None) -> dict:
    """Train on driving logs, and write weights, record and model card.

    Args:
        logs: folders or archives that `cnnlab.driving.log.read` takes.
        folder: gets NAME.weights.h5, NAME.json and NAME.md; made if it is not there.
        name: of the files.
        recipe: how.
        start: whose weights to begin with; None for new ones.

    Returns:
        The record: the recipe's fields; `rows` and `skipped`; curves; `steering_error`, the mean absolute error on the
        rows held out, and `steering_error_of_zero`, that of never steering; `minutes`, `sha256`, versions.

    Raises:
        DataError: a log cannot be used.
        ValueError: another process trains into the folder.
        OSError: the folder cannot be written.
    """
    read_logs = [read(path, VIEWS[recipe.view]) for path in logs]
    halves = [split(log, recipe.held_out) for log in read_logs]
    tails = [tail for _, tail in halves if tail is not None]
    held_out = join(tails) if tails else None
    with runner.alone(folder):
        begin = time.perf_counter()
        model, curves = fit(join([first for first, _ in halves]), recipe, start and start.model, held_out)
        minutes = round((time.perf_counter() - begin) / 60, 1)
        partial = folder / f"{name}.partial.weights.h5"
        trained = recipe.build()
        trained.set_weights(model.get_weights())
        trained.save_weights(partial)  # without the optimizer's averages, which are twice the size
        result = asdict(recipe) | {
            "logs": [Path(path).resolve().name.removesuffix(".zip") for path in logs],
            "rows": sum(map(len, read_logs)),
            "skipped": sum(len(log.skipped) for log in read_logs),
            "parameters": model.count_params(),
            **(steering_errors(model, held_out) if held_out else {}),
            "minutes": minutes,
            **training.machine(),
            "machine": platform.machine(),
            "sha256": formats.file_digest(partial),
            **curves,
            **training.versions(),
        }
        partial.replace(folder / f"{name}.weights.h5")
        write_whole(folder / f"{name}.md", card(name, result))
        write_whole(folder / f"{name}.json", json.dumps(result, indent=1) + "\n")
    return result


def steering_errors(model: keras.Model, log: Log) -> dict[str, float]:
    """Mean absolute error of the steering for the center camera, and that of always holding the wheel straight."""
    steering = model.predict(log.pictures[:, 0], batch_size=64, verbose=0)[:, 0].clip(-1, 1)
    return {
        "steering_error": round(float(np.abs(steering - log.steering).mean()), 5),
        "steering_error_of_zero": round(float(np.abs(log.steering).mean()), 5),
    }


def dagger(
    logs: Sequence[Path],
    folder: Path,
    name: str,
    recipe: Cloning,
    start: Policy,
    seeds: Sequence[int],
    rounds: int = 3,
) -> dict:
    """Train by DAgger: the network drives, the expert says what he would have done there, and it learns from all of it.

    A run that was stopped goes on with the lap it was in, or with the training.

    Args:
        logs: recordings to begin with.
        folder: as for `train`; keeps the laps of each round, too, as logs in NAME.round1 and so on.
        name: of the files.
        recipe: how it is trained in each round, beginning with the weights of the round before.
        start: drives in the first round.
        seeds: tracks, shared out among the rounds.
        rounds: how many.

    Returns:
        The record of the last round, as for `train`, with `seeds`.

    Raises:
        As for `train`.

    Source: Ross, Gordon and Bagnell, "A reduction of imitation learning and structured prediction to no-regret online
        learning", 2011, algorithm 3.1.
    """
    policy, all_logs = start, list(logs)
    for number in range(1, rounds + 1):
        laps, last = folder / f"{name}.round{number}", number == rounds
        trained = laps / f"{name}.json"
        record(laps, seeds[number - 1 :: rounds], Recording(recoveries=0), Cruise(policy))
        all_logs.append(laps)
        if last:
            return train(all_logs, folder, name, recipe, policy)
        if not trained.exists():
            train(all_logs, laps, name, recipe, policy)
        policy = load(trained)
    raise ValueError(f"`rounds` needs at least 1; received {rounds!r}.")


def card(name: str, result: dict) -> str:
    """The model card of a record of `train`."""
    view = VIEWS[result["view"]]
    size, source = ("x".join(map(str, shape)) for shape in (view.size, view.source))
    rows = {
        "network": f"{result['network']}, {result['parameters']:,} parameters",
        "takes": f"a picture of {source} pixels, rows {view.top} to {view.bottom - 1}, as {size} RGB from 0 to 255",
        "gives": "steering from -1, left, to 1, right"
        + (f"; the speed to have over {SPEED_SCALE:g} units a second" if "speed" in result["outputs"] else ""),
        "trained on": f"{result['rows']:,} rows of {', '.join(result['logs'])}, three cameras each, "
        f"{result['held_out']:.0%} of them, the last of each log, held out",
        "recipe": f"{result['epochs']} epochs, batches of {result['batch_size']}, Adam, one cycle up to a learning "
        f"rate of {result['learning_rate']:g}, loss {result['objective']}, "
        + (
            "center camera alone"
            if result["correction"] is None
            else f"side cameras corrected by {result['correction']:g}"
        ),
        "seed": result["seed"],
        "steering error": f"{result['steering_error']:.4f} on the rows held out, where never steering gives "
        f"{result['steering_error_of_zero']:.4f}"
        if "steering_error" in result
        else "not measured: nothing was held out",
    }
    return model_card(name, rows, result, CARD)


CARD = """

Made by `python -m cnnlab.driving train`; `python -m cnnlab.driving evaluate MODEL --seeds S ...` drives with it.

For teaching, in the simulator whose pictures it was trained on. It steers no real car: it has seen one road surface,
one light, no other traffic, and nothing that stands in the way.
"""
