"""One small convolution computed in several ways, side by side: what plain loops cost, and what removes the cost.

It is so small because of the loops and the dense matrix; for TensorFlow most of the time is the call itself.

python -m benchmarks.reference_speed [--json] [--rounds N]
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from cnnlab import arithmetic, reference

IMAGE_SHAPE, KERNEL_SHAPE = (24, 24, 4), (3, 3, 4, 8)


def measure(rounds: int) -> dict:
    """Median seconds of each way. They take turns in every round, so that a slow moment hits all of them."""
    generator = np.random.default_rng(0)
    image, kernel = generator.normal(size=IMAGE_SHAPE), generator.normal(size=KERNEL_SHAPE)
    matrix = reference.conv2d_matrix(image.shape, kernel)
    batch, weights = tf.constant(image[None]), tf.constant(kernel)
    ways = {
        "loops": lambda: reference.conv2d_loops(image, kernel),
        "windows and einsum": lambda: reference.conv2d(image, kernel),
        "im2col": lambda: reference.conv2d_im2col(image, kernel),
        "matrix, built before": lambda: matrix @ image.ravel(),
        "matrix, built each time": lambda: reference.conv2d_matrix(image.shape, kernel) @ image.ravel(),
        "TensorFlow": lambda: tf.nn.conv2d(batch, weights, 1, "VALID").numpy(),
    }
    expected = ways["loops"]().ravel()
    for name, way in ways.items():
        np.testing.assert_allclose(way().ravel(), expected, atol=1e-9, err_msg=name)  # also warms up
    seconds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "image": IMAGE_SHAPE,
        "kernel": KERNEL_SHAPE,
        "macs": arithmetic.conv_macs(IMAGE_SHAPE[0] - KERNEL_SHAPE[0] + 1, *KERNEL_SHAPE[1:]),
        "rounds": rounds,
        "seconds": medians,
        "times_as_fast_as_loops": {name: medians["loops"] / median for name, median in medians.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=7, help="how often each way takes its turn")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds needs a positive integer; received {options.rounds}")
    result = measure(options.rounds)
    if options.json:
        print(json.dumps(result))
        return
    print(f"image {result['image']}, kernel {result['kernel']}: {result['macs']:,} multiply-adds")
    for name, ratio in result["times_as_fast_as_loops"].items():
        print(f"{name:24} {result['seconds'][name] * 1e3:9.3f} ms  {ratio:8.1f} x the loops' speed")


if __name__ == "__main__":
    main()
