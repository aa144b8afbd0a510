"""How fast the recipe for digits reaches three accuracies on MNIST; the unit of time is the lecture's own listing.

For each seed the listing and the three settings run one after the other, each in a fresh process, so that the ratios
compare runs made close together. Every finished run is kept in a file, one line of JSON each, and is not made again.

Two ratios are given, first tracing included, testing excluded. That of wall-clock seconds is what a reader waits. At
the end of an epoch over arrays, as the lecture trains, `fit` also waits for tf.data's autotuning to look at its clock,
up to as long again as the epoch took; the recipe's batches avoid that. That of processor seconds has neither this wait
in it nor what other programs do on a busy machine, and decides whether a target is met. Pinned to one core (`taskset -c
1` before the command) both measure the same thing.

The recipe computes in bfloat16, the listing as the lecture has it, in float32. Of the recipe's gain in time, the part
that comes from this needs a processor with instructions for bfloat16; on one without, the recipe becomes slower by it
(`python -m benchmarks.bfloat16_speed`).

    CNNLAB_DATA=folder python -m benchmarks.mnist_recipe [--seeds 0 1 2] [--only fast small] [--out FILE] [--json]
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks import _records

RESULTS = Path(__file__).parents[1] / "data" / "results" / "mnist_recipe.jsonl"


@dataclass(frozen=True)
class Setting:
    """What is trained, and for how long.

    Attributes:
        network: "listing", or "digit_net" for the recipe's own.
        epochs: passes over the 60,000 training images, of every member.
        members: networks trained one after the other and averaged.
        precision: what the operations compute in, as Keras names it.
    """

    network: str
    epochs: int
    members: int = 1
    precision: str = "float32"


@dataclass(frozen=True)
class Target:
    """What a setting is to reach: accuracy (None: the listing's own), share of the listing's time, parameters."""

    accuracy: float | None
    ratio: float
    parameters: int | None = None


SETTINGS = {
    "unit": Setting("listing", epochs=20),
    "fast": Setting("digit_net", epochs=2, precision="mixed_bfloat16"),
    "small": Setting("digit_net", epochs=18, precision="mixed_bfloat16"),
    "full": Setting("digit_net", epochs=28, members=2, precision="mixed_bfloat16"),
}
TARGETS = {
    "fast": Target(None, 1 / 10),
    "small": Target(0.9964, 1 / 3, 150_000),
    "full": Target(0.9972, 1, 300_000),
}


def listing():
    """The lecture's MNIST network in today's Keras; pixels in [0, 1], divided by 255 once."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train_listing(data, setting: Setting, seed: int) -> tuple:
    """The trained listing, and the seconds of its training."""
    import keras

    model = listing()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images = (data.x_train / 255).astype("float32")
    start = time.perf_counter()
    model.fit(images, data.y_train, batch_size=128, epochs=setting.epochs, verbose=0)
    seconds = time.perf_counter() - start
    # The recipe's networks divide by 255 themselves; the same in front of the listing lets one test serve both.
    inputs = keras.Input((28, 28, 1))
    return keras.Model(inputs, model(keras.layers.Rescaling(1 / 255)(inputs))), seconds


def train_recipe(data, setting: Setting, seed: int) -> tuple:
    """The average of the trained networks, and the seconds of their training together."""
    from cnnlab import training
    from cnnlab.models import digits

    with training.precision(setting.precision):
        networks = [digits.digit_net(name=f"member{member}") for member in range(setting.members)]
    seconds = 0.0
    for member, network in enumerate(networks):
        result = training.fit_recipe(network, data.x_train, data.y_train, setting.epochs, seed=1000 * seed + member)
        seconds += result["seconds"]
    return digits.average(networks), seconds


def run(name: str, seed: int) -> dict:
    """Train one setting from one seed and test it once, on the 10,000 test images."""
    import keras

    from cnnlab import datasets, training

    with contextlib.redirect_stdout(sys.stderr):
        data = datasets.load("mnist", offline=True)
    setting = SETTINGS[name]
    keras.utils.set_random_seed(seed)
    start = time.process_time()
    train = train_listing if setting.network == "listing" else train_recipe
    model, seconds = train(data, setting, seed)
    cpu_seconds = time.process_time() - start
    guesses = model.predict(data.x_test, batch_size=1000, verbose=0).argmax(axis=1)
    return {
        "setting": name,
        "seed": seed,
        "parameters": model.count_params(),
        "accuracy": float((guesses == data.y_test).mean()),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        **training.machine(),
        **training.versions(),
        "recipe": asdict(setting),
    }


def read(path: Path) -> list[dict]:
    """Finished runs of the settings as they are now; those of an earlier recipe are passed over."""
    records = _records.read(path)
    return [record for record in records if record["recipe"] == asdict(SETTINGS[record["setting"]])]


def summarize(records: list[dict]) -> list[dict]:
    """One row a setting: means and spreads over the seeds, ratios to the unit of the same seed, and the verdict."""
    units = {record["seed"]: record for record in records if record["setting"] == "unit"}
    rows = []
    for name in SETTINGS:
        runs = [record for record in records if record["setting"] == name]
        if not runs:
            continue
        pairs = [(record, units[record["seed"]]) for record in runs if record["seed"] in units]
        ratios = [record["seconds"] / unit["seconds"] for record, unit in pairs]
        cpu_ratios = [record["cpu_seconds"] / unit["cpu_seconds"] for record, unit in pairs]
        row = {
            "setting": name,
            "seeds": len(runs),
            "parameters": runs[0]["parameters"],
            "accuracy": statistics.mean(record["accuracy"] for record in runs),
            "accuracy_spread": statistics.stdev(record["accuracy"] for record in runs) if len(runs) > 1 else 0.0,
            "seconds": statistics.mean(record["seconds"] for record in runs),
            "ratio": statistics.mean(ratios) if ratios else None,
            "cpu_ratio": statistics.mean(cpu_ratios) if cpu_ratios else None,
        }
        target = TARGETS.get(name)
        if target and ratios:
            wanted = target.accuracy or statistics.mean(record["accuracy"] for record in units.values())
            row["target_accuracy"], row["target_ratio"] = wanted, target.ratio
            row["met"] = (
                row["accuracy"] >= wanted
                and row["cpu_ratio"] <= target.ratio
                and row["parameters"] <= (target.parameters or row["parameters"])
            )
        rows.append(row)
    return rows


def show(rows: list[dict]) -> None:
    """Print the rows as one table."""
    heads = f"{'setting':8} {'seeds':>5} {'parameters':>10} {'test accuracy':>19} {'seconds':>8}"
    print(f"{heads} {'ratio':>6} {'cpu ratio':>9}  target")
    for row in rows:
        accuracy = f"{row['accuracy']:.3%} ± {row['accuracy_spread']:.3%}"
        ratio, cpu_ratio = ("" if row[key] is None else f"{row[key]:.3f}" for key in ("ratio", "cpu_ratio"))
        target = ""
        if "met" in row:
            verdict = "met" if row["met"] else "MISSED"
            target = f"{row['target_accuracy']:.2%} in {row['target_ratio']:.3f}: {verdict}"
        print(
            f"{row['setting']:8} {row['seeds']:5} {row['parameters']:10,} {accuracy:>19} "
            f"{row['seconds']:8.1f} {ratio:>6} {cpu_ratio:>9}  {target}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of finished runs, one line of JSON each")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    options = parser.parse_args()
    folder = os.environ.get("CNNLAB_DATA")
    if not folder or not Path(folder, "mnist.npz").exists():
        print("This needs the full MNIST: set CNNLAB_DATA to a folder with mnist.npz.", file=sys.stderr)
        return 2
    records = read(options.out)
    done = {(record["setting"], record["seed"]) for record in records}
    for seed in options.seeds:
        for name in options.only:
            if (name, seed) in done:
                continue
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                record = pool.submit(run, name, seed).result()
            records.append(record)
            _records.write(options.out, records)
            print(json.dumps(record), file=sys.stderr, flush=True)
    rows = summarize(records)
    print(json.dumps(rows, indent=1)) if options.json else show(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
