"""The search itself: AutoKeras proposes networks, trials train them, and the clock, the files and the workers are here.

AutoKeras' own `fit` knows no time, writes files that a kill can tear, and trains on one machine. Its greedy oracle and
its blocks are used as they are; what it would keep of a search is kept in the course's own way, one line of
`results.jsonl` a trial (`cnnlab.experiments.runner`), from which the oracle's memory is made again.

Source: Jin, Song and Hu, "Auto-Keras: an efficient neural architecture search system", 2019, for AutoKeras; O'Malley et
al., "KerasTuner", 2019, for the oracle.
"""

import contextlib
import os
import platform
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cnnlab.experiments import runner
from cnnlab.files import write_whole
from cnnlab.search import checks, spaces
from cnnlab.search.folder import SearchError, best_of, claim, network_file, write_settings
from cnnlab.search.oracle import Oracle
from cnnlab.search.reporting import Report, report
from cnnlab.search.trial import Trial, train

FAILURES = 3  # in a row, after which something is wrong that no other network will mend
PATIENCE = 3  # epochs without a better accuracy, after which a trial ends
LAST_PATIENCE = 8  # the same for the last training, whose learning rate falls several times meanwhile
MANY = 1000  # epochs: the last training ends by the clock, or by patience
LATEST = 1.08  # of the budget: when workers that have not answered are given up


@dataclass
class _Clock:
    """Time that a search has taken, over all attempts, and time that is left. Seconds."""

    budget: float
    before: float
    start: float

    def elapsed(self) -> float:
        return self.before + time.monotonic() - self.start

    def left(self, share: float = 1.0) -> float:
        return share * self.budget - self.elapsed()

    def deadline(self, share: float = 1.0) -> float:
        """When that share of the budget is used up, in seconds since 1970."""
        return time.time() + self.left(share)


def search(
    x,
    y,
    minutes: float,
    max_trials: int = 100,
    space: str = "small",
    directory: str | os.PathLike = "search",
    scheduler: str | None = None,
    *,
    epochs: int = 3,
    batch_size: int = 64,
    validation: float = 0.1,
    final: float = 0.3,
    seed: int = 0,
    verbose: bool = True,
) -> Report:
    """Let AutoKeras look for a network within a budget of time.

    Networks are trained one after the other for a few epochs, and compared on images that are held out. A last share of
    the budget trains the best of them on, at a learning rate that falls when nothing is gained. At the deadline the
    running training ends, is measured and counts. The time is that from this call to its return, with all that is done
    in between, and over all attempts: a search that was killed goes on when it is called again, with no finished trial
    lost, and one that is done goes on if it is given more minutes. What a killed attempt spent on the trial that it was
    in is given back.

    Args:
        x: images, (N, H, W, C) or (N, H, W), uint8 or floats in [0, 1].
        y: labels (N,), integers from 0.
        minutes: the budget, at least half a minute, with the loading of TensorFlow.
        max_trials: the search ends after so many networks, whatever time is left.
        space: what may be built, one of `cnnlab.search.SPACES`.
        directory: folder of the search, made if it is not there: `results.jsonl` with a line a trial, the best network,
            and `search.json` with what was asked for.
        scheduler: address of a Dask scheduler, such as "tcp://127.0.0.1:8786", whose workers train a network each;
            None trains here.
        epochs: passes over the images for each network, at most.
        batch_size: images a step.
        validation: share of the images that is held out.
        final: share of the budget for training the best network on.
        seed: of the held-out images, of what is proposed, and of each training.
        verbose: whether to print a line a trial: its accuracy, the best so far, the time left.

    Returns:
        A `Report`.

    Raises:
        ImportError: AutoKeras is not installed, or does not work with this Keras.
        ValueError: images, labels or settings cannot be used.
        SearchError: the folder holds a search on other data or with other settings; or no network could be trained.
        WorkerError: the scheduler cannot be reached, or its workers cannot be used.
    """
    start = time.monotonic()
    checks.settings(minutes, max_trials, space, epochs, batch_size, validation, final, seed)
    x, y, classes = checks.data(x, y)
    spaces.require()

    folder = Path(directory)
    settings = {
        "images": len(x),
        "space": space,
        "epochs": epochs,
        "batch_size": batch_size,
        "validation": validation,
        "seed": seed,
        "fingerprint": checks.fingerprint(x, y),
    }
    asked = {"minutes": minutes, "max_trials": max_trials, "final": final}
    say = print if verbose else (lambda text: None)
    with contextlib.ExitStack() as stack:
        stack.enter_context(runner.alone(folder))
        kept = claim(folder, settings)
        records = runner.recovered(folder)
        clock = _Clock(60 * minutes, max([0.0, kept.get("elapsed", 0.0), *(r["elapsed"] for r in records)]), start)
        if any(kept.get(name) != value for name, value in asked.items()):  # else it is done
            executor = stack.enter_context(_executor(scheduler))
            keep = stack.enter_context(runner.appending(folder))
            training = _split(x, y, validation, seed)
            example = Trial(0, {}, space, *training, classes, epochs, PATIENCE, batch_size, seed, deadline=0.0)
            attempt = _Attempt(folder, example, records, clock, executor, keep, say)
            ended = attempt.trials(max_trials, 1 - final)
            if final:
                ended += attempt.final()
            machine = {"workers": executor.workers, "processor": platform.machine()}
            about = settings | asked | {"ended": ended, "elapsed": round(clock.elapsed(), 2)} | machine | _versions()
            write_settings(folder, about)
            say(f"{ended}; {clock.elapsed() / 60:.2f} of {minutes:g} minutes")
    return report(folder)


def _versions() -> dict[str, str]:
    from cnnlab import training

    return {"autokeras": version("autokeras"), **training.machine(), **training.versions()}


class _Attempt:
    """One call of `search`: what is proposed, what is running, and the files."""

    def __init__(self, folder: Path, example: Trial, records: list[dict], clock: _Clock, executor, keep, say):
        self.folder, self.example, self.records, self.clock = folder, example, records, clock
        self.executor, self.keep, self.say = executor, keep, say
        self.number = max([0, *(record["number"] for record in records)])
        self.oracle = Oracle(example)
        for record in self._finished():
            self.oracle.remember(record)
        self._tidy()

    def _finished(self) -> list[dict]:
        return [record for record in self.records if record["kind"] == "trial"]

    def trials(self, most: int, share: float) -> str:
        """Run trials until their number or the share of the budget is used up; why they ended."""
        running: dict[Future, Trial] = {}
        ended = ""
        while True:
            while not ended and len(running) < self.executor.workers:
                if len(self._finished()) + len(running) >= most:
                    ended = f"{most} trials done"
                elif (self.records or running) and not self._worthwhile(share):
                    ended = "time for trials used up"
                elif (values := self.oracle.propose(self.number + 1)) is None:
                    ended = "every network of the space tried"
                else:
                    trial = self._next(values=values, deadline=self.clock.deadline(share))
                    running[self.executor.submit(train, trial)] = trial
            if not running:
                return ended
            done, _ = wait(running, timeout=max(self.clock.left(LATEST), 0), return_when=FIRST_COMPLETED)
            if not done:  # a worker that is lost or hangs costs its trial, not the budget
                for future in running:
                    future.cancel()
                return f"time for trials used up, {len(running)} given up"
            for future in done:
                self._finish(running.pop(future), future, "trial")

    def final(self) -> str:
        """Train the best network on, for the time that is left; what there is to say of it."""
        best = best_of(self.records)
        if best is None or not self._worthwhile():
            return ""
        import keras

        weights = tuple(keras.models.load_model(self.folder / network_file(best), compile=False).get_weights())
        options = {"epochs": MANY, "patience": LAST_PATIENCE, "weights": weights, "deadline": self.clock.deadline()}
        trial = self._next(values=best["values"], **options)
        future = self.executor.submit(train, trial)
        if not wait([future], timeout=max(self.clock.left(LATEST), 0)).done:
            return ", the last training given up"
        self._finish(trial, future, "final")
        converged = self.records[-1]["status"] == "done" and not self.records[-1]["cut"]
        return ", the last training gained no more" if converged else ""

    def _next(self, **changes) -> Trial:
        self.number += 1
        return replace(self.example, number=self.number, seed=self.example.seed + self.number, **changes)

    def _worthwhile(self, share: float = 1.0) -> bool:
        """Whether there is time for half of what the shortest training took."""
        taken = [record["seconds"] for record in self.records if record["status"] == "done"]
        return self.clock.left(share) > 0.5 * min(taken, default=0)

    def _finish(self, trial: Trial, future: Future, kind: str) -> None:
        """Keep what came of a trial: first its network, then the line that makes it count."""
        record = {"key": f"{kind}{trial.number:03}", "kind": kind, "number": trial.number, "seed": trial.seed}
        try:
            result, network = future.result()
        except Exception as error:  # one network that cannot be built, or takes too much memory, is not the end
            result = {"values": trial.values, "error": f"{type(error).__name__}: {error}", "seconds": 0.0}
            record |= {"status": "failed"} | result
        else:
            record |= {"status": "done"} | result
            before = best_of(self.records)
            if before is None or record["accuracy"] > before["accuracy"]:
                write_whole(self.folder / network_file(record), network)
        record["elapsed"] = round(self.clock.elapsed(), 2)
        self.keep(record)
        self.records.append(record)
        if kind == "trial":
            self.oracle.remember(record)
        self._tidy()
        self._tell(record)
        last = self.records[-FAILURES:]
        if len(last) == FAILURES and all(record["status"] == "failed" for record in last):
            raise SearchError(f"{FAILURES} networks in a row could not be trained; the last: {record['error']}")

    def _tidy(self) -> None:
        """Remove all networks but the best, such as one whose line was never written."""
        best = best_of(self.records)
        for path in self.folder.glob("*.keras*"):
            if best is None or path.name != network_file(best):
                path.unlink()

    def _tell(self, record: dict) -> None:
        best = best_of(self.records)
        came = f"accuracy {record['accuracy']:.4f}" if record["status"] == "done" else record["error"][:80]
        so_far = f"best so far {best['accuracy']:.4f}" if best else "none so far"
        left = max(self.clock.left(), 0) / 60
        self.say(
            f"{record['kind']} {record['number']}: {came}, {record['seconds']:.0f} s; {so_far}; {left:.1f} min left"
        )


class _Here(Executor):
    """Trains in this process, at once."""

    workers = 1

    def submit(self, function, /, *arguments, **options) -> Future:
        future = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future


@contextlib.contextmanager
def _executor(scheduler: str | None) -> Iterator[Executor]:
    """Where trials run: in this process, or on the workers of a Dask scheduler."""
    if scheduler is None:
        yield _Here()
        return
    from cnnlab.experiments import cluster

    with cluster.connect(scheduler) as executor, warnings.catch_warnings():
        # The images travel with each trial: seconds, where a trial takes minutes, and no worker's loss loses them.
        warnings.filterwarnings("ignore", message="Sending large graph")
        yield executor


def _split(x, y, validation: float, seed: int) -> tuple:
    """Images and labels to train on, and a pair of those held out, drawn at random."""
    order = np.random.default_rng(seed).permutation(len(x))
    count = min(max(round(validation * len(x)), 1), len(x) - 1)
    kept, held_out = np.sort(order[count:]), np.sort(order[:count])
    return x[kept], y[kept], (x[held_out], y[held_out])
