"""Chapter 09's recipe: against a plain ResNet18, and whether its batches come fast enough.

The two networks take turns, step by step, in one process. How long each needs to the lecture's best accuracy on this
machine is extrapolated from images a second: the recipe's passes are those of the committed record, and ResNet18 with
batch norm and SGD is charged with no more of them, which flatters it.

python -m benchmarks.cifar100_speed [--json] [--rounds N]
"""

import argparse
import json
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from benchmarks import _records
from cnnlab import models, training
from cnnlab.experiments.cifar100_fast import Recipe

RECORDS = Path(__file__).parents[1] / "data" / "results" / "cifar100_fast" / "results.jsonl"
TARGET = 0.6370  # the best of the lecture's table
IMAGES = 50_000


def network(name: str, recipe: Recipe, images: np.ndarray) -> keras.Model:
    """A compiled network: the recipe's in its precision, or ResNet18 in full precision."""
    if name == "ResNet18":
        model = models.build("resnet18", (32, 32, 3), 100, regularizer="batch_norm")
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), training.smoothed_cross_entropy())
        return model
    with training.precision(recipe.precision):
        return recipe.compiled(images[:1000], steps=recipe.epochs * IMAGES // recipe.batch_size)


def peak_memory() -> float | None:
    """Most memory in GB that a process of its own ever holds that goes through the set once; None if not on Linux."""
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    batches = training.CroppedBatches(images, np.zeros(IMAGES, int), 256, shift=2, mirror="alternating")
    for number in range(len(batches)):
        batches[number]
    # Not getrusage: what the parent held when it started this process is in its figure.
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1e6 for line in lines if line.startswith("VmHWM")), None)


def measure(rounds: int) -> dict:
    """Images a second of both networks and of the batches, and the minutes to the target that follow."""
    record = min(
        (record for record in _records.read(RECORDS) if record["test_accuracy"] >= TARGET),
        key=lambda record: record["minutes"],
    )
    recipe = Recipe(**{field: record[field] for field in Recipe.__dataclass_fields__})
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    labels = np.random.default_rng(1).integers(0, 100, IMAGES)
    batches = training.CroppedBatches(images, labels, recipe.batch_size, shift=recipe.shift, mirror=recipe.mirror)
    nets = {name: network(name, recipe, images) for name in ("recipe", "ResNet18")}
    seconds = {name: [] for name in [*nets, "batches"]}
    for turn in range(rounds + 1):  # the first traces
        for name, model in nets.items():
            batch = batches[turn]
            start = time.perf_counter()
            model.train_on_batch(*batch)
            seconds[name].append(time.perf_counter() - start)
        start = time.perf_counter()
        for number in range(10):
            batches[number]
        seconds["batches"].append((time.perf_counter() - start) / 10)
    rates = {name: recipe.batch_size / statistics.median(taken[1:]) for name, taken in seconds.items()}
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        memory = pool.submit(peak_memory).result()
    minutes = {name: recipe.epochs * IMAGES / rates[name] / 60 for name in nets}
    return {
        "images_a_second": rates,
        "accuracy": record["test_accuracy"],
        "epochs": recipe.epochs,
        "minutes_measured": record["minutes"],
        "minutes_extrapolated": minutes,
        "ratio": minutes["recipe"] / minutes["ResNet18"],
        "batches_to_training": rates["batches"] / rates["recipe"],
        "peak_memory": memory,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=6, help="steps of each network")
    options = parser.parse_args()
    result = measure(options.rounds)
    if options.json:
        print(json.dumps(result))
        return 0
    for name, rate in result["images_a_second"].items():
        print(f"{name:10} {rate:10,.0f} images a second")
    print(f"batches come {result['batches_to_training']:.0f} times as fast as the recipe trains (3 are promised)")
    if result["peak_memory"]:
        print(f"the full set and its batches take {result['peak_memory']:.2f} GB with TensorFlow (1.5 is promised)")
    recipe, resnet = result["minutes_extrapolated"].values()
    print(
        f"to {TARGET} (the recipe's record: {result['accuracy']:.4f} after {result['epochs']} epochs, in "
        f"{result['minutes_measured']:.1f} minutes), extrapolated from images a second: recipe {recipe:.1f} minutes, "
        f"ResNet18 at least {resnet:.0f}; ratio {result['ratio']:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
