"""How fast shapes100 draws: pictures a second of one core, the median of five runs.

Processor time, since all the work is done in one thread: what else the machine does hardly matters.
"""

import statistics
import time

from cnnlab.datasets.generated import shapes100

COUNT = 5_000


def main() -> None:
    shapes100.generate(100)  # builds the table of figures
    rates = []
    for seed in range(5):
        begin = time.process_time()
        shapes100.generate(COUNT, seed=seed)
        rates.append(COUNT / (time.process_time() - begin))
    print(f"shapes100: {statistics.median(rates):,.0f} pictures a second of one core, at least 2,000 are promised")


if __name__ == "__main__":
    main()
