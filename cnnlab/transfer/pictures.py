"""The student's own pictures: a folder a class, as they come from a phone or from the web."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnlab.datasets import Dataset

IGNORED = (".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave in every folder


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    path: Path
    reason: str


def from_folder(folder: str | Path, size: int = 32, test: float = 0.2, seed: int = 0) -> tuple[Dataset, list[Skipped]]:
    """Read pictures, one folder a class, and split them for training and test.

    Pictures of any size, grey, with transparency, for print (CMYK) or turned by their camera (EXIF) become upright red,
    green and blue ones; transparent parts become white. The middle square is kept and scaled. A picture that is there
    twice is taken once, or it could be in both parts. What cannot be read is left out, and named.

    Args:
        folder: holds one folder for each class, named after it; pictures may lie deeper in it.
        size: side in pixels of the result.
        test: share of each class kept for testing, at least one picture.
        seed: of the split.

    Returns:
        The data, named after the folder, and what was left out.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: `size` or `test` is out of range, there are fewer than two classes, or a class has fewer than two
            pictures that can be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"`folder` needs the path of a folder; received {str(folder)!r}, where there is none.")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"`size` needs a number of pixels of at least 1; received {size!r}.")
    if not 0 < test < 1:
        raise ValueError(f"`test` needs a share above 0 and below 1; received {test!r}.")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(names) < 2:
        raise ValueError(f"`folder` needs two or more folders in it, one a class; {folder} has {len(names)}.")
    skipped = [Skipped(path, "in no class") for path in sorted(folder.iterdir()) if _counts(path)]
    seen: dict[bytes, Path] = {}
    parts: dict[str, list] = {"x_train": [], "y_train": [], "x_test": [], "y_test": []}
    for label, name in enumerate(names):
        images = []
        for path in sorted(filter(_counts, (folder / name).rglob("*"))):
            try:
                image = _read(path, size)
            except UnidentifiedImageError:
                skipped.append(Skipped(path, "no picture"))
                continue
            except Exception as error:  # PIL's readers raise whatever their format's damage leads to
                skipped.append(Skipped(path, f"broken ({error})"))
                continue
            digest = hashlib.sha256(image).digest()
            if digest in seen:
                skipped.append(Skipped(path, f"the same picture as {seen[digest].relative_to(folder)}"))
                continue
            seen[digest] = path
            images.append(image)
        if len(images) < 2:
            raise ValueError(f"each class needs two or more pictures; {folder / name} has {len(images)}.")
        order = np.random.default_rng((seed, label)).permutation(len(images))
        kept = min(max(round(test * len(images)), 1), len(images) - 1)
        for part, chosen in (("test", order[:kept]), ("train", order[kept:])):
            parts[f"x_{part}"] += [images[index] for index in chosen]
            parts[f"y_{part}"] += [label] * len(chosen)
    arrays = {key: np.array(values, np.uint8 if key[0] == "x" else np.int64) for key, values in parts.items()}
    dataset = Dataset(folder.name, **arrays, class_names=tuple(names), source="directory")
    print(dataset.describe())
    for item in skipped:
        print(f"left out: {item.path.relative_to(folder)}: {item.reason}")
    return dataset, skipped


def _counts(path: Path) -> bool:
    return path.is_file() and path.name not in IGNORED and not path.name.startswith("._")


def _read(path: Path, size: int) -> np.ndarray:
    """One picture: uint8 (size, size, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # a small file that fills the memory
        with Image.open(path) as opened:
            opened.draft("RGB", (2 * size, 2 * size))  # JPEG only: decoding large photographs at a fraction of the work
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I;16"):  # 16 bits of grey, which `convert` would cut off at 255
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            if image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info:
                image = image.convert("RGBA")
            if image.mode == "RGBA":
                white = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(white, image)
            fitted = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
            return np.array(fitted)
