"""The data sets of the course: one loader, four sources, a record of which was used."""

import difflib
from dataclasses import dataclass, replace

import numpy as np

from cnnlab.datasets import formats, sources
from cnnlab.datasets.catalog import ENTRIES, DataError
from cnnlab.datasets.generated import shapes100
from cnnlab.datasets.generated.shapes100 import COARSE_NAMES, FINE_NAMES, Difficulty
from cnnlab.datasets.sources import embedded_file, embedded_folder

__all__ = ["DataError", "Dataset", "Difficulty", "embedded_file", "embedded_folder", "load", "names", "photo"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labeled pictures, split for training and test.

    Attributes:
        name: the set's name.
        x_train, x_test: pictures, uint8 (N, H, W, C).
        y_train, y_test: labels, int64 (N,).
        class_names: names in the order of the labels.
        source: where it came from: "directory", "keras-cache", "download" or "embedded".
        y_train_coarse, y_test_coarse: coarse labels, int64 (N,), or None where the set has none.
        coarse_names: their names.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    source: str
    y_train_coarse: np.ndarray | None = None
    y_test_coarse: np.ndarray | None = None
    coarse_names: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line: name, number of pictures and their shape, classes, source."""
        shape = "x".join(str(length) for length in self.x_train.shape[1:])
        coarse = f" in {len(self.coarse_names)} groups" if self.coarse_names else ""
        return (
            f"{self.name}: {len(self.x_train):,} training and {len(self.x_test):,} test pictures of {shape}, "
            f"{len(self.class_names)} classes{coarse}, from {self.source}"
        )

    def __repr__(self) -> str:
        return f"<Dataset {self.describe()}>"


def names() -> tuple[str, ...]:
    """Names that `load` takes."""
    return (*ENTRIES, "shapes100")


def load(
    name: str,
    *,
    offline: bool | None = None,
    train: int | None = None,
    test: int | None = None,
    seed: int | None = None,
    difficulty: Difficulty | None = None,
) -> Dataset:
    """Load a data set from the first source that has it, and print which one that was.

    The sources are asked in this order: the folder that the environment variable CNNLAB_DATA names, Keras' own cache, a
    download into that cache, the default embedded in the course (mnist: 5,000 digits; shapes100: generated).

    Args:
        name: "mnist", "fashion_mnist", "cifar10", "cifar100" or "shapes100".
        offline: True never downloads; None does not if CNNLAB_OFFLINE is 1.
        train, test: number of pictures to generate, 50,000 and 10,000 if None; for shapes100 alone.
        seed: another seed gives another set, 0 if None; for shapes100 alone.
        difficulty: strengths of what makes its pictures hard; for shapes100 alone.

    Returns:
        the pictures and their labels, with their source.

    Raises:
        ValueError: an argument is not one of those; `name` among them.
        DataError: a file is damaged, or no source has the set; the message says which and what to do.
        FileNotFoundError: CNNLAB_DATA names a folder that is not there.
    """
    if name not in names():
        near = difflib.get_close_matches(str(name).lower().replace("-", "_"), names(), n=len(names()), cutoff=0.0)
        raise ValueError(f"name must be one of {', '.join(near)}, got {name!r}")
    if offline not in (True, False, None):
        raise ValueError(f"offline must be True, False or None, got {offline!r}")
    generated = {"train": train, "test": test, "seed": seed, "difficulty": difficulty}
    given = {argument: value for argument, value in generated.items() if value is not None}
    if name == "shapes100":
        return _generate(**given)
    for argument, value in given.items():
        raise ValueError(f"{argument} is for shapes100 alone, {name} is not generated; got {value!r}")
    arrays, source, passed_over = sources.find(ENTRIES[name], offline)
    return _dataset(name, arrays, ENTRIES[name].class_names, source, "; ".join(passed_over))


def photo() -> np.ndarray:
    """The course's photograph, the face of a cat: uint8 (224, 224, 3). Its origin and license are in data/README.md."""
    from PIL import Image

    with Image.open(embedded_file("photo.png")) as image:
        return np.array(image.convert("RGB"))


def _generate(train: int = 50_000, test: int = 10_000, seed: int = 0, difficulty: Difficulty | None = None) -> Dataset:
    arrays = {"fine_label_names": FINE_NAMES, "coarse_label_names": COARSE_NAMES}
    for split, count in (("train", train), ("test", test)):
        pictures = shapes100.generate(count, seed=seed, split=split, difficulty=difficulty)
        arrays |= dict(zip((f"x_{split}", f"y_{split}", f"y_{split}_coarse"), pictures, strict=True))
    return _dataset("shapes100", arrays, (), "embedded", f"generated with seed {seed}")


def _dataset(name: str, arrays: formats.Arrays, class_names: tuple[str, ...], source: str, remark: str) -> Dataset:
    """Bring the arrays of a file into the loader's shapes and types, and say in one line where they come from."""
    dataset = Dataset(
        name,
        x_train=_with_channels(arrays["x_train"]),
        y_train=arrays["y_train"].astype(np.int64),
        x_test=_with_channels(arrays["x_test"]),
        y_test=arrays["y_test"].astype(np.int64),
        class_names=class_names or tuple(map(str, arrays["fine_label_names"])),
        source=source,
    )
    if "coarse_label_names" in arrays:
        dataset = replace(
            dataset,
            y_train_coarse=arrays["y_train_coarse"].astype(np.int64),
            y_test_coarse=arrays["y_test_coarse"].astype(np.int64),
            coarse_names=tuple(map(str, arrays["coarse_label_names"])),
        )
    sizes = f"{len(dataset.x_train):,} + {len(dataset.x_test):,} images"
    print(f"Data: {name} from {source}, {sizes}" + (f" ({remark})" if remark else ""))
    return dataset


def _with_channels(images: np.ndarray) -> np.ndarray:
    return images if images.ndim == 4 else images[..., np.newaxis]
