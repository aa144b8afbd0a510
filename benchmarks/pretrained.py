"""The course's own pretrained network: its accuracy, measured again, and the speed of frozen features.

python -m benchmarks.pretrained [--json] [--rounds N]
"""

import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from cnnlab import pretrain, transfer
from cnnlab.datasets import embedded_folder
from cnnlab.datasets.sources import NotAtHandError


def features_to_predict(rounds: int) -> float:
    """Images a second of `transfer.features` over those of `model.predict`, in turns."""
    model = transfer.backbone()
    images = np.random.default_rng(0).integers(0, 256, (4000, 32, 32, 3), dtype=np.uint8)
    ways = {
        "features": lambda: transfer.features(model, images),
        "predict": lambda: model.predict(images, batch_size=128, verbose=0),
    }
    seconds = {way: [] for way in ways}
    for _ in range(rounds + 1):  # the first traces
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            seconds[way].append(time.perf_counter() - start)
    medians = {way: statistics.median(taken[1:]) for way, taken in seconds.items()}
    return medians["predict"] / medians["features"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--rounds", type=int, default=5, help="passes of each way")
    options = parser.parse_args()
    try:
        result = pretrain.evaluate(embedded_folder() / "weights")
    except NotAtHandError as error:
        print(error, file=sys.stderr)
        result = {}
    result["features_to_predict"] = features_to_predict(options.rounds)
    if options.json:
        print(json.dumps(result))
        return 0
    if "test_accuracy" in result:
        print(f"test accuracy on CIFAR-100 {result['test_accuracy']:.4f}, recorded {result['recorded']:.4f}")
    else:
        print("accuracy not measured: CIFAR-100 is not at hand")
    print(
        f"frozen features come at {result['features_to_predict']:.2f} times the rate of model.predict (0.9 is promised)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
