"""Closed-loop drives: the return of the expert, of plain cloning and of DAgger on the same 20 unseen tracks.

python -m benchmarks.driving [--json] [--seeds S ...] [--write]
"""

import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks import _records
from cnnlab.datasets import embedded_folder
from cnnlab.driving import evaluation, policy

SEEDS = tuple(range(1, 21))  # of no recording and no training
RESULTS = embedded_folder() / "results" / "driving.jsonl"


def control_step(driver: policy.Policy, frames: int = 300) -> float:
    """Median processor time in milliseconds from a camera's picture to the network's answer."""
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    taken = []
    for _ in range(frames):
        start = time.process_time()
        driver(picture)
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object a driver")
    parser.add_argument("--seeds", metavar="S", type=int, nargs="+", default=SEEDS)
    parser.add_argument(
        "--write", action="store_true", help=f"keep the drives in {RESULTS.name}, which chapter 10 shows"
    )
    options = parser.parse_args()
    records = []
    for name in ("expert", "cloning", "dagger"):
        network = None if name == "expert" else policy.load(name)
        start = time.perf_counter()
        drives = list(evaluation.evaluate(network and policy.Cruise(network), options.seeds))
        result = {"driver": name, **evaluation.spread(drives)}
        result["seconds"] = round(time.perf_counter() - start, 1)
        result["control_step_milliseconds"] = round(control_step(network), 2) if network else None
        records += [{"driver": name, **drive.summary()} for drive in drives]
        if options.json:
            print(json.dumps(result), flush=True)
            continue
        step = f", control step {result['control_step_milliseconds']} ms (5 are allowed)" if network else ""
        print(
            f"{name:8} return {result['mean']:.1f} ± {result['deviation']:.1f}, lowest {result['lowest']:.1f}, "
            f"{result['finished']} of {result['tracks']} laps finished, {result['seconds']:.0f} s{step}",
            flush=True,
        )
    if options.write:
        _records.write(RESULTS, records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
