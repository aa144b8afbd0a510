"""Chapter 04's switch: with one word changed it runs on Fashion-MNIST, where that is at hand.

Where `CNNLAB_DATA` has the real set, the whole chapter is run; else its first section and its split, on a drawn set.
"""

import os
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tools import checks, run
from tools.links import NOTEBOOKS

NAME = "04_lenet_mnist"
LAST = "split-data"  # the cell after which the drawn set need not go on


def drawn() -> dict[str, np.ndarray]:
    """A set as large as Fashion-MNIST, of ten patterns of squares, each picture with its own brightness and noise."""
    generator = np.random.default_rng(0)
    patterns = np.kron(generator.integers(40, 180, (10, 7, 7)), np.ones((4, 4)))
    noise = generator.integers(0, 60, (500, 28, 28))
    arrays = {}
    for split, count in (("train", 60_000), ("test", 10_000)):
        labels = generator.permutation(np.arange(count) % 10).astype(np.uint8)
        arrays[f"x_{split}"] = (patterns[labels] + noise[generator.integers(0, 500, count)]).astype(np.uint8)
        arrays[f"y_{split}"] = labels
    return arrays


def switched(folder: Path, last: str | None) -> tuple[nbformat.NotebookNode, Path]:
    """The chapter on Fashion-MNIST, up to a cell or whole, and where it stands, with its checks where they belong."""
    notebook = nbformat.read(NOTEBOOKS / f"{NAME}.ipynb", as_version=4)
    blocks = checks.of_notebook(NOTEBOOKS / f"{NAME}.ipynb", notebook)
    if last:
        places = [cell.id for cell in notebook.cells]
        notebook.cells = notebook.cells[: places.index(last) + 1]
    (cell,) = [cell for cell in notebook.cells if cell.id == "load-data"]
    assert 'DATASET = "mnist"' in cell.source
    cell.source = cell.source.replace('DATASET = "mnist"', 'DATASET = "fashion_mnist"')
    path = folder / "notebooks" / f"{NAME}.ipynb"
    kept = {cell.id for cell in notebook.cells}
    text = "\n\n".join(
        f"# %% after {block.cell}\n{block.source.strip()}" for name, block in blocks.items() if name in kept
    )
    for place in (path, checks.path_of(path)):
        place.parent.mkdir(parents=True)
    checks.path_of(path).write_text(text, encoding="utf-8")
    return notebook, path


def test_the_chapter_runs_on_fashion_mnist(tmp_path, monkeypatch):
    real = Path(os.environ.get("CNNLAB_DATA", "nowhere")) / "fashion_mnist.npz"
    if not real.exists():
        monkeypatch.setenv("CNNLAB_DATA", str(tmp_path))
        np.savez(tmp_path / "fashion_mnist.npz", **drawn())
    notebook, path = switched(tmp_path, None if real.exists() else LAST)
    assert run.run_cells(notebook, path, "smoke") == ""
    (loaded,) = [cell for cell in notebook.cells if cell.id == "load-data"]
    assert "Data: fashion_mnist from directory, 60,000 + 10,000 images" in loaded.outputs[0].text


@pytest.mark.parametrize("name", ["clothes", "fashion-mnist"])
def test_another_word_is_refused_with_the_words_that_there_are(name):
    from cnnlab import datasets

    with pytest.raises(ValueError, match=r"name must be one of .*fashion_mnist"):
        datasets.load(name)
