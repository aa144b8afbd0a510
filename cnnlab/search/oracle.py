"""AutoKeras' greedy oracle: what to try next, given what came of the trials so far."""

import json

import numpy as np

from cnnlab.search import spaces
from cnnlab.search.trial import Trial

ATTEMPTS = 50  # to find a network that has not been tried


class Oracle:
    """`autokeras.tuners.greedy.GreedyOracle` with its memory made from records in place of its own files.

    It changes some of the best network's values at random: those of a part of the network, of one block, or a single
    one. A search that goes on after a stop proposes what it would have proposed without it.

    Args:
        example: a trial of the search, for its space, the images' shape, the classes and the seed.
    """

    def __init__(self, example: Trial):
        from autokeras.tuners.greedy import GreedyOracle

        shape = example.images.shape
        self.graph = spaces.graph(example.space, shape[1:], example.classes, shape[0], example.epochs)
        self.seed = example.seed
        self.oracle = GreedyOracle(
            objective="val_accuracy",
            seed=example.seed + 1,  # 0 would be replaced by a random number
            initial_hps=spaces.first_values(example.space),
            hyperparameters=spaces.fixed(example.space),
        )
        self.tried = set()
        self._declare(self.oracle.get_space())

    def _declare(self, values) -> None:
        """Enter the choices that a network has into the space."""
        self._build(values)
        self.oracle.update_space(values)

    def _build(self, values):
        from cnnlab import models

        with models.blueprints():
            spaces.build(self.graph, values)
        return values

    def _network(self, values: dict) -> str:
        """What is the same for values that give the same network."""
        from keras_tuner import HyperParameters

        asked = HyperParameters()
        asked.values = dict(values)
        return json.dumps(spaces.used(self._build(asked)), sort_keys=True)

    def propose(self, number: int) -> dict | None:
        """Values of the next trial; None where the oracle finds no network that has not been tried.

        Args:
            number: of the trial. The same number and the same memory give the same values.
        """
        np.random.seed((self.seed + number) % 2**32)  # noqa: NPY002 - the oracle draws from NumPy's global generator
        self.oracle._seed_state = 1000 * (self.seed + number)
        for _ in range(ATTEMPTS):
            values = self.oracle.populate_space(str(number))["values"]
            if values is None:
                return None
            if (network := self._network(values)) not in self.tried:
                self.tried.add(network)
                return values
        return None

    def remember(self, record: dict) -> None:
        """Learn what came of a trial.

        Args:
            record: `number`, `values`, `status`, and `accuracy` where that is "done".
        """
        from keras_tuner.engine.trial import Trial, TrialStatus

        values = self.oracle.get_space()
        values.values = dict(record["values"])
        self.tried.add(self._network(record["values"]))
        done = record["status"] == "done"
        if done:
            self._declare(values)
        for choice in values.space:  # KerasTuner would fill what this network does not use at random, without a seed
            if values.is_active(choice):
                values.values.setdefault(choice.name, choice.default)
        status = TrialStatus.COMPLETED if done else TrialStatus.FAILED
        trial = Trial(values, trial_id=str(record["number"]), status=status)
        trial.score = record.get("accuracy")
        self.oracle.trials[trial.trial_id] = trial
        self.oracle._record_values(trial)
        self.oracle._tried_initial_hps = [True] * len(self.oracle.initial_hps)
