"""Whether two workers of one core each finish a grid nearly twice as fast as one.

The grid is chapter 09's in the smoke profile, 18 small trainings; each worker is a process bound to one core. Starting
the processes and importing TensorFlow are in the time.

python -m benchmarks.grid_scaling [--json] [--grid NAME]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

os.environ["CNNLAB_PROFILE"] = "smoke"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from cnnlab import experiments
from cnnlab.experiments import progress


def enter(cores, *setup) -> None:
    """Bind a worker to the next core, and set it up as the command line does."""
    progress.enter_worker(*setup)
    os.sched_setaffinity(0, {cores.get()})


def seconds(grid: str, workers: int) -> float:
    """Time in which so many workers finish the grid."""
    context = get_context("spawn")
    cores = context.Queue()
    for core in sorted(os.sched_getaffinity(0))[:workers]:
        cores.put(core)
    setup = (cores, context.Value("i", 0), context.RLock(), 1)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        with ProcessPoolExecutor(workers, context, initializer=enter, initargs=setup) as pool:
            records = experiments.run(experiments.grid(grid), pool, out=folder)
        taken = time.perf_counter() - start
    failed = [record["error"] for record in records if record["status"] == "failed"]
    assert not failed, failed
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--grid", default="cifar100_regularizers", help="name of the grid")
    options = parser.parse_args()
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        print("grid_scaling: needs Linux and two cores; not measured")
        return 0
    two, one = (seconds(options.grid, workers) for workers in (2, 1))
    result = {"grid": options.grid, "seconds_one": one, "seconds_two": two, "ratio": one / two}
    text = f"{options.grid}: one worker {one:.0f} s, two {two:.0f} s: {one / two:.2f} times as fast (1.8 is promised)"
    print(json.dumps(result) if options.json else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
