"""What bfloat16 saves or costs in training on three kinds of x86-64 processors, for the networks of chapters 04 and 09.

A row's ratio is that of the processor seconds of a training step, `mixed_bfloat16` over `float32`: below 1 it saves
time. oneDNN is told to use no newer instructions than the processor of the row has, so this machine can stand in for
older ones. TensorFlow asks the real processor whether it leaves bfloat16 to oneDNN, which it does where it finds
AVX-512; for the processor without it, oneDNN is turned off instead, which is nearly what TensorFlow does there.

Every figure is the median over the steps of a process of its own with one thread, in which other programs show little;
the two precisions take turns, and the lowest of the rounds counts.

    python -m benchmarks.bfloat16_speed [--json] [--rounds N] [--digits STEPS] [--pictures STEPS]
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from cnnlab import profiles

PROCESSORS = {  # the environment that stands in for each, by precision
    "as it is": {"float32": {}, "mixed_bfloat16": {}},
    "AVX-512 without bfloat16": {
        "float32": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
        "mixed_bfloat16": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    },
    "AVX2": {
        "float32": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        "mixed_bfloat16": {"ONEDNN_MAX_CPU_ISA": "AVX2", "TF_ENABLE_ONEDNN_OPTS": "0"},
    },
}


def seconds_a_step(network: str, precision: str, steps: int) -> float:
    """Median processor seconds of so many training steps on random pictures, the first one, which traces, left out."""
    import keras
    import numpy as np
    import tensorflow as tf

    from cnnlab import training
    from cnnlab.experiments.cifar100_fast import Recipe
    from cnnlab.models import digits

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    generator = np.random.default_rng(0)
    if network == "digits":  # as `training.fit_recipe` compiles it
        batch = generator.integers(0, 256, (128, 28, 28, 1), dtype=np.uint8), generator.integers(0, 10, 128)
        with training.precision(precision):
            model = digits.digit_net()
        training.compiled(model, keras.optimizers.AdamW(3e-3), training.smoothed_cross_entropy(0.1))
    else:
        recipe = Recipe(epochs=1, width=0.5, precision=precision)
        images = generator.integers(0, 256, (recipe.batch_size, 32, 32, 3), dtype=np.uint8)
        batch = images, generator.integers(0, 100, len(images))
        with training.precision(precision):
            model = recipe.compiled(images, steps)
    taken = []
    for _ in range(steps + 1):
        start = time.process_time()
        model.train_on_batch(*batch)
        taken.append(time.process_time() - start)
    return statistics.median(taken[1:])


def measured_alone(network: str, precision: str, steps: int, setting: dict[str, str]) -> float:
    """`seconds_a_step` in a process of its own, since TensorFlow reads these variables once."""
    command = [sys.executable, "-m", "benchmarks.bfloat16_speed", "--one", network, precision, str(steps)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | setting
    return float(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(rounds: int, steps: dict[str, int]) -> Iterator[dict]:
    """A row per network and processor, as soon as it is measured: seconds a step of both precisions, their ratio."""
    for (network, count), (processor, settings) in itertools.product(steps.items(), PROCESSORS.items()):
        taken = [
            {precision: measured_alone(network, precision, count, setting) for precision, setting in settings.items()}
            for _ in range(rounds)
        ]
        lowest = {precision: min(turn[precision] for turn in taken) for precision in settings}
        ratio = lowest["mixed_bfloat16"] / lowest["float32"]
        yield {"network": network, "processor": processor, **lowest, "ratio": ratio}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each precision")
    parser.add_argument("--digits", type=int, default=100, metavar="STEPS", help="steps of the network for digits")
    parser.add_argument("--pictures", type=int, default=10, metavar="STEPS", help="steps of chapter 09's network")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        network, precision, steps = options.one
        print(seconds_a_step(network, precision, int(steps)))
        return 0
    rows = measure(options.rounds, {"digits": options.digits, "pictures": options.pictures})
    if options.json:
        print(json.dumps(list(rows)))
        return 0
    print(f"the fastest instructions of this processor: {profiles.instruction_set()}")
    print(f"{'network':9} {'processor':25} {'float32':>9} {'bfloat16':>9} {'ratio':>6}")
    for row in rows:
        times = "".join(f" {1000 * row[precision]:6.0f} ms" for precision in ("float32", "mixed_bfloat16"))
        print(f"{row['network']:9} {row['processor']:25}{times} {row['ratio']:6.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
