"""Grids of trainings, run anywhere, that never lose a finished cell.

    from cnnlab import experiments

    cells = experiments.grid("residual_nets")
    records = experiments.run(cells, out="results")     # stops and goes on where it was stopped
    experiments.read("results")                         # what is finished, without running anything

A cell is a frozen dataclass with a method `train() -> dict`. What runs is all in its fields: they are the line that is
kept of it, and their hash is its key.
"""

from cnnlab.experiments.grids import grid, names
from cnnlab.experiments.runner import ResultsError, WorkerError, key, read, run

__all__ = ["ResultsError", "WorkerError", "grid", "key", "names", "read", "run"]
