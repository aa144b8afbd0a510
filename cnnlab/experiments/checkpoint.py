"""Where a training stands: one file, written whole after each epoch, from which it goes on as if never stopped."""

import hashlib
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import cnnlab
from cnnlab.files import write_whole


class CheckpointError(ValueError):
    """A checkpoint is of another training, or damaged; the message names the file and what is wrong."""


class Checkpoint:
    """A training that a stop costs one epoch at most: weights, optimizer, seeds of dropout, curves, early stopping.

    Args:
        path: of the file, in a folder that exists; None keeps nothing.
        about: what is trained, as JSON holds it. The file of another training is not used.
        monitor: the measurement of `fit` whose best epoch's weights the model is left with; None for the last's.
        patience: epochs without a better one after which the training ends; 0 goes on to the end.

    Attributes:
        epochs: whole epochs that are done.
        seconds: of training, over all attempts, those lost by a stop left out.
        curves: one list a measurement, with one value an epoch.
        best_epoch, stopped_epoch: epochs, counted from 1: the one whose weights were taken, and the one after which
            patience was at an end; None where there is none.
    """

    def __init__(self, path: Path | None, about: dict[str, Any], monitor: str | None = None, patience: int = 0):
        self.path, self.about = path, json.loads(json.dumps(about))
        self.monitor, self.patience = monitor, patience
        self.epochs, self.seconds, self.curves = 0, 0.0, {}
        self.best_epoch = self.stopped_epoch = None
        self._variables, self._best = [], []

    def read(self) -> None:
        """Go on from the file, if there is one.

        Raises:
            CheckpointError: it is of another training, or damaged. Nothing of it is used then.
        """
        if self.path is None or not self.path.exists():
            return
        try:
            with np.load(self.path, allow_pickle=False) as file:
                state = json.loads(str(file["state"]))
                variables = [file[f"variable{number}"] for number in range(state["variables"])]
                best = [file[f"best{number}"] for number in range(state["best"])]
                about = state.pop("about")
                found = {name: state[name] for name in ("epochs", "seconds", "curves", "best_epoch", "stopped_epoch")}
        except (OSError, EOFError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
            raise CheckpointError(f"{self.path} is damaged: {error!r}.") from error
        if about != self.about:
            names = sorted(name for name in about | self.about if about.get(name) != self.about.get(name))
            raise CheckpointError(f"{self.path} holds a training of another recipe, different in {', '.join(names)}.")
        vars(self).update(found, _variables=variables, _best=best)

    def fit(self, model, batches, epochs: int, callbacks=(), **options) -> None:
        """Keras' `fit` from the first epoch that is not done.

        Args:
            model: compiled by `cnnlab.training.compiled`.
            batches: `cnnlab.training.CroppedBatches`.
            epochs: of the whole training.
            callbacks: further ones.
            **options: more of what `fit` takes, such as `validation_data`.

        Raises:
            CheckpointError: what was read does not fit the model.
        """
        import keras

        from cnnlab.experiments import progress

        self._restore(model)
        start = time.perf_counter() - self.seconds

        def keep(epoch, logs):
            self.epochs = epoch + 1
            for name, value in logs.items():
                self.curves.setdefault(name, []).append(round(float(value), 5))
            if self.monitor:
                values = self.curves[self.monitor]
                self.best_epoch = 1 + values.index(max(values))
                if self.best_epoch == self.epochs:
                    self._best = model.get_weights()
                if self.patience and self.epochs - self.best_epoch >= self.patience:
                    self.stopped_epoch, model.stop_training = self.epochs, True
            self.seconds = round(time.perf_counter() - start, 1)
            try:
                self._write(model)
            except OSError as error:  # a full disk is no reason to lose the training as well
                print(f"{self.path} cannot be written: {error}. A stop would cost more epochs.", file=sys.stderr)

        batches.go_to(self.epochs)
        bars = progress.bars(epochs * len(batches), done=self.epochs * len(batches))
        # The batches draw their own order; Keras' would depend on what came before.
        options |= {"shuffle": False, "verbose": 0, "initial_epoch": self.epochs}
        options["callbacks"] = [keras.callbacks.LambdaCallback(on_epoch_end=keep), *callbacks, *bars]
        # Also where all epochs are done: averaged weights take the weights' place when `fit` ends.
        model.fit(batches, epochs=self.stopped_epoch or epochs, **options)
        if self._best:
            model.set_weights(self._best)

    def _restore(self, model) -> None:
        if not self.epochs:
            return
        variables = [*model.variables, *model.optimizer.variables]
        if [variable.shape for variable in variables] != [values.shape for values in self._variables]:
            raise CheckpointError(f"{self.path} is damaged: its arrays are not those of the model.")
        for variable, values in zip(variables, self._variables, strict=True):
            variable.assign(values)
        self._variables = []
        print(f"going on after epoch {self.epochs}, from {self.path}", file=sys.stderr)

    def _write(self, model) -> None:
        if self.path is None:
            return
        variables = [variable.numpy() for variable in (*model.variables, *model.optimizer.variables)]
        names = ("about", "epochs", "seconds", "curves", "best_epoch", "stopped_epoch")
        state = {name: getattr(self, name) for name in names}
        state |= {"variables": len(variables), "best": len(self._best)}
        arrays = {f"variable{number}": values for number, values in enumerate(variables)}
        arrays |= {f"best{number}": values for number, values in enumerate(self._best)}
        file = io.BytesIO()
        np.savez(file, state=np.array(json.dumps(state)), **arrays)
        write_whole(self.path, file.getvalue())


def code_digest() -> str:
    """A name of the package's code: another as soon as a line of it changes, for a training is of one code."""
    digest = hashlib.sha256()
    folder = Path(cnnlab.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]
