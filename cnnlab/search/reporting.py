"""What came of a search: a row a trial, a plot, and the best network, drawn and exported."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnlab import experiments
from cnnlab.files import write_whole
from cnnlab.search.folder import SearchError, best_of, network_file, read_settings, write_settings


@dataclass(frozen=True)
class Report:
    """A search, read from its folder; prints as a table.

    Attributes:
        directory: the folder.
        settings: what was asked for and, of a search that has ended, what was used (`search.json`).
        rows: one record a trial, in the order in which they ended: `kind` ("trial", or "final" where the best network
            was trained on), `number`, `status`, `parameters` that are trained, `multiply_adds` an image, `accuracy` on
            the held-out images, `seconds`, `elapsed` seconds of the search, `values` that AutoKeras chose, and others.
    """

    directory: Path
    settings: dict
    rows: list[dict]

    @property
    def best(self) -> dict:
        """The row of the highest accuracy."""
        best = best_of(self.rows)
        if best is None:
            raise SearchError(f"{self.directory} holds no finished trial yet.")
        return best

    def model(self):
        """The best network: pixels as the search was given them, to one probability a class. Keras alone is needed.

        Raises:
            SearchError: no trial is finished, or its network is not in the folder.
        """
        import keras

        return keras.models.load_model(self._network(), compile=False)

    def export(self, path: str | os.PathLike) -> None:
        """Copy the best network to a `.keras` file; Keras alone loads it.

        Raises:
            SearchError: no trial is finished, or its network is not in the folder.
        """
        write_whole(Path(path), self._network().read_bytes())

    def _network(self) -> Path:
        path = self.directory / network_file(self.best)
        if not path.is_file():
            raise SearchError(f"{path} is missing: the folder holds the records of a search without its network.")
        return path

    def tested(self, images, labels, **about) -> "Report":
        """Test the best network, once, and keep the result in `search.json`.

        Args:
            images: (N, H, W, C), in the range that the search was given.
            labels: (N,).
            **about: what else to keep, such as the data set's name.

        Returns:
            The report with `test_accuracy` and `test_images` among its settings.
        """
        from cnnlab import training

        images = np.asarray(images)
        result = {"test_accuracy": training.accuracy(self.model(), images, labels), "test_images": len(images)}
        settings = self.settings | about | result
        write_settings(self.directory, settings)
        return Report(self.directory, settings, self.rows)

    def plot(self):
        """Accuracy on the held-out images against parameters, a point a trial.

        Returns:
            A matplotlib figure.
        """
        import matplotlib.pyplot as plt
        from matplotlib.ticker import EngFormatter, LogLocator

        figure, axis = plt.subplots(figsize=(5.2, 3.4))
        for kind, style, label in (("trial", "o", "trial, with its number"), ("final", "D", "best, trained on")):
            rows = [row for row in self.rows if row["kind"] == kind and row["status"] == "done"]
            if rows:
                points = [row["parameters"] for row in rows], [row["accuracy"] for row in rows]
                axis.plot(*points, style, markersize=6, label=label, fillstyle="none" if kind == "final" else "full")
            for row in rows if kind == "trial" else ():
                place = (row["parameters"], row["accuracy"])
                axis.annotate(str(row["number"]), place, (4, 4), textcoords="offset points", fontsize=8)
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.minorticks_off()  # their numbers would run into each other
        axis.set(xlabel="trained parameters", ylabel="accuracy on held-out images")
        axis.set_title(f"AutoKeras, space {self.settings['space']!r}, seed {self.settings['seed']}")
        axis.legend(loc="best")
        axis.margins(0.15)
        return figure

    def draw(self):
        """The layers of the best network that hold or reduce something, as blocks in a row.

        Returns:
            A matplotlib figure.
        """
        from cnnlab import visualize

        model = self.model()
        volumes = [("input", model.input_shape[1:])]
        for layer in model.layers:
            shape = tuple(layer.output.shape[1:])
            # Layers that change no shape and hold no weights, dropout for one, are no blocks of their own.
            if len(shape) in (1, 3) and (layer.trainable_weights or shape != tuple(volumes[-1][1])):
                volumes.append((layer.name, shape))
        return visualize.plot_volumes(volumes, f"the best network: {self.best['parameters']:,} trained parameters")

    def to_dict(self) -> dict:
        """Settings, rows, and the best row's key, as JSON holds them."""
        best = best_of(self.rows)
        return {"settings": self.settings, "rows": self.rows, "best": best and best["key"]}

    def __str__(self) -> str:
        lines = [f"{'trial':>6}{'parameters':>12}{'multiply-adds':>15}{'accuracy':>10}{'epochs':>8}{'seconds':>9}"]
        best = best_of(self.rows)
        for row in self.rows:
            name = "final" if row["kind"] == "final" else str(row["number"])
            if row["status"] == "failed":
                lines.append(f"{name:>6}  failed: {row['error'][:80]}")
                continue
            mark = " < best" if row is best else ""
            lines.append(
                f"{name:>6}{row['parameters']:12,}{row['multiply_adds']:15,}{row['accuracy']:10.4f}{row['epochs']:8}"
                f"{row['seconds']:9.1f}{' cut' if row['cut'] else ''}{mark}"
            )
        if "elapsed" in self.settings:
            used, asked = self.settings["elapsed"] / 60, self.settings["minutes"]
            lines.append(f"{used:.2f} of {asked:g} minutes used: {self.settings['ended']}")
        return "\n".join(lines)


def report(directory: str | os.PathLike) -> Report:
    """Read what came of a search, also while it is at work.

    Args:
        directory: its folder.

    Raises:
        SearchError: it holds no search.
    """
    folder = Path(directory)
    return Report(folder, read_settings(folder), experiments.read(folder))
