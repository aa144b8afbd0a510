"""How well a search keeps its budget: minutes used over minutes asked, on the embedded digits.

Each search runs in a process of its own, so that the loading of TensorFlow and the tracing of the first network are in
the time, as they are for whoever waits. The last row lets one network train for as long as it likes, so that the
deadline falls into the middle of a training.

    python -m benchmarks.search_budget [--minutes 0.5 1 2] [--json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time

LIMIT = 1.1  # of the budget, which no search may exceed
LONGEST_TRAINING = 100_000  # epochs: the clock alone ends it


def used(minutes: float, epochs: int) -> dict:
    """Run one search; the minutes are those that it reports, and those that its process took."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--out", folder, "--minutes", str(minutes), "--epochs", str(epochs), "--json"]
        start = time.perf_counter()
        command = [sys.executable, "-m", "cnnlab.search", "run", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        process = (time.perf_counter() - start) / 60
    report = json.loads(done.stdout)
    taken = report["settings"]["elapsed"] / 60
    return {
        "minutes": minutes,
        "epochs": epochs,
        "trainings": len(report["rows"]),
        "used": round(taken, 3),
        "ratio": round(taken / minutes, 3),
        "process_minutes": round(process, 3),  # with testing, which comes after the search
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, nargs="+", default=[0.5, 1.0, 2.0])
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    rows = [used(minutes, epochs=2) for minutes in options.minutes]
    rows.append(used(options.minutes[-1], LONGEST_TRAINING))
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'asked':>7} {'used':>7} {'ratio':>7} {'trainings':>10} {'epochs at most':>15}")
    for row in rows:
        verdict = "kept" if row["ratio"] <= LIMIT else "EXCEEDED"
        numbers = f"{row['minutes']:7.2f} {row['used']:7.3f} {row['ratio']:7.3f} {row['trainings']:10}"
        print(f"{numbers} {row['epochs']:15} {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
