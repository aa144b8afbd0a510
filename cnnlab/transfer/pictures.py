"""The student's own pictures: a folder per class, from a phone or from the web, or a zip archive of such folders."""

import hashlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from zipfile import Path as ZipPath

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cnnlab import archives
from cnnlab.datasets import DataError, Dataset

# What operating systems, archives, disks and notebooks leave in folders; names that begin with a dot count as well.
LEFT_BEHIND = {"thumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin", "lost+found", "__pycache__"}
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
SPLITS |= dict.fromkeys(("val", "valid", "validation"), "validation")
HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")}
HEIC_REMEDY = "a HEIC picture, which Pillow cannot read: save it as JPEG, or set the phone's camera to the format JPEG"


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why; in an archive the path begins with the archive's."""

    path: Path
    reason: str


class UnusablePictureError(ValueError):
    """A file that is no picture, or one that is not to be used; the message is the reason."""


def from_folder(
    folder: str | Path, size: int = 32, test: float = 0.2, seed: int = 0, held_out: str | None = None
) -> tuple[Dataset, list[Skipped]]:
    """Read pictures, one folder per class, and split them for training and test.

    Pictures of any size, gray, with transparency, for print (CMYK) or turned by their camera (EXIF) become upright red,
    green and blue ones; transparent parts become white. The middle square is kept and scaled. A picture that is there
    twice is taken once, or it could be in both parts. What cannot be read, or not without guessing what its values
    mean, is left out, and named.

    Where the folders are the parts of a split, `train` beside `test` or `validation`, with the classes in each, this
    split is taken as it is.

    Args:
        folder: holds one folder for each class, named after it; pictures may lie deeper in it. Or a zip archive of it,
            which is read in place.
        size: side in pixels of the result.
        test: share of each class kept for testing, at least one picture; not used where the folder has a split.
        seed: of the split.
        held_out: "test" or "validation", which part of the folder's own split becomes the test pictures; None takes
            the first of them that is there.

    Returns:
        The data, named after the folder, and what was left out.

    Raises:
        FileNotFoundError: there is no such folder or file.
        DataError: an archive is broken, or names in it lead out of it.
        ValueError: `size`, `test` or `held_out` is out of range, there are fewer than two classes, or a class has fewer
            than two pictures that can be read, or in a split none to train on.
    """
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"`folder` needs the path of a folder; received {str(folder)!r}, where there is none.")
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"`size` needs a number of pixels of at least 1; received {size!r}.")
    if not 0 < test < 1:
        raise ValueError(f"`test` needs a share above 0 and below 1; received {test!r}.")
    if held_out not in (None, "test", "validation"):
        raise ValueError(f"`held_out` needs 'test', 'validation' or None; received {held_out!r}.")
    with archives.opened(folder) as top:
        while isinstance(top, ZipPath) and len(found := _folders(top)) == 1:  # the folder that was packed, as a whole
            (top,) = found.values()
        reader = _Reader(size, folder)
        found = _folders(top)
        parts = {SPLITS.get(name.casefold()): path for name, path in found.items()}
        if len(found) > 1 and len(parts) == len(found) and "train" in parts and None not in parts:
            pictures = reader.split(parts, held_out)
        else:
            if held_out:
                raise ValueError(
                    f"`held_out` needs a folder with parts train and {held_out}; {folder} has{_list(found)}."
                )
            pictures = reader.drawn(top, found, test, seed)
    arrays = {}
    for part in ("train", "test"):
        images = [image for kept, image, _ in pictures if kept == part]
        arrays[f"x_{part}"] = np.array(images, np.uint8).reshape(-1, size, size, 3)
        arrays[f"y_{part}"] = np.array([label for kept, _, label in pictures if kept == part], np.int64)
    dataset = Dataset(folder.stem, **arrays, class_names=tuple(reader.names), source="directory")
    print(dataset.describe())
    return dataset, reader.skipped


class _Reader:
    """Reads pictures of classes and remembers what was left out and what was seen."""

    def __init__(self, size: int, folder: Path):
        self.size, self.folder = size, folder
        self.names: list[str] = []
        self.skipped: list[Skipped] = []
        self._seen: dict[bytes, str] = {}

    def drawn(self, top, found: dict, test: float, seed: int) -> list[tuple[str, np.ndarray, int]]:
        """Pictures of class folders, with a share of each class drawn for the test."""
        if len(found) < 2:
            raise ValueError(
                f"`folder` needs two or more folders in it, one a class; {self.folder} has {len(found)}{_list(found)}."
            )
        self.skipped += [Skipped(self._path(path), "in no class") for path in files_of(top, deep=False)]
        self.names = sorted(found)
        read = [self._images(found[name]) for name in self.names]
        self._say(read, least=2)
        pictures = []
        for label, images in enumerate(read):
            order = np.random.default_rng((seed, label)).permutation(len(images))
            kept = min(max(round(test * len(images)), 1), len(images) - 1)
            for part, chosen in (("test", order[:kept]), ("train", order[kept:])):
                pictures += [(part, images[index], label) for index in chosen]
        return pictures

    def split(self, parts: dict, held_out: str | None) -> list[tuple[str, np.ndarray, int]]:
        """Pictures of the parts of a split, each with the same class folders."""
        held_out = held_out or ("test" if "test" in parts else "validation")
        if held_out not in parts:
            raise ValueError(f"`held_out` needs one of the parts that {self.folder} has; received {held_out!r}.")
        classes = {part: _folders(parts[part]) for part in ("train", held_out)}
        self.names = sorted(classes["train"])
        if len(self.names) < 2 or not set(classes[held_out]) <= set(self.names):
            raise ValueError(
                f"{self.folder} looks like a split, so its part train needs two classes or more and all those of "
                f"{held_out}; train has{_list(classes['train'])}, {held_out} has{_list(classes[held_out])}."
            )
        read = {
            part: [self._images(classes[part][name]) if name in classes[part] else [] for name in self.names]
            for part in classes
        }
        print(f"The split of {self.folder.name} is taken as it is: train for training, {held_out} for the test.")
        if len(parts) == 3:
            (other,) = set(parts) - set(classes)
            print(f"Its part {other} is not read; held_out={other!r} takes it for the test.")
        self._say(read["train"], least=1)
        names = {"train": "train", held_out: "test"}
        return [(names[p], image, k) for p, rows in read.items() for k, images in enumerate(rows) for image in images]

    def _images(self, folder) -> list[np.ndarray]:
        """Pictures of one class: uint8 (size, size, 3) each."""
        images = []
        for path in files_of(folder):
            try:
                image = read_picture(archives.content(path), self.size)
            except (UnusablePictureError, DataError) as error:
                self.skipped.append(Skipped(self._path(path), str(error)))
                continue
            digest = hashlib.sha256(image).digest()
            if digest in self._seen:
                self.skipped.append(Skipped(self._path(path), f"the same picture as {self._seen[digest]}"))
                continue
            self._seen[digest] = self._path(path).relative_to(self.folder).as_posix()
            images.append(image)
        return images

    def _say(self, read: list[list], least: int) -> None:
        """Name what was left out, and only then the first class that has too little."""
        for item in self.skipped:
            print(f"left out: {item.path.relative_to(self.folder).as_posix()}: {item.reason}")
        for name, images in zip(self.names, read, strict=True):
            if len(images) < least:
                needed = "two or more pictures" if least > 1 else "a picture to train on"
                raise ValueError(f"each class needs {needed}; {self.folder / name} has {len(images)}.")

    def _path(self, path) -> Path:
        """Where a file lies; inside an archive, the archive's path and the member's name."""
        return self.folder / path.at.rstrip("/") if isinstance(path, ZipPath) else path


def _folders(top) -> dict:
    """Folders in a folder by their names."""
    return {path.name: path for path in top.iterdir() if path.is_dir() and _counts(path)}


def files_of(folder, deep: bool = True) -> Iterator:
    """Files of a folder or an archive's folder that count, in the order of their names, then those of its folders."""
    entries = sorted(filter(_counts, folder.iterdir()), key=lambda path: path.name)
    yield from (path for path in entries if path.is_file())
    if deep:
        for path in entries:
            if path.is_dir():
                yield from files_of(path)


def _counts(path: PurePath) -> bool:
    return not path.name.startswith(".") and path.name.casefold() not in LEFT_BEHIND


def _list(found: dict) -> str:
    return f" ({', '.join(sorted(found))})" if found else ""


def read_picture(data: bytes, size: int) -> np.ndarray:
    """The middle square of a picture, upright, in three colors.

    Args:
        data: what its file holds.
        size: side in pixels of the result.

    Returns:
        uint8 (size, size, 3).

    Raises:
        UnusablePictureError: it is no picture, is broken, or does not say what its values mean.
    """
    if data[4:12] in HEIC:
        raise UnusablePictureError(HEIC_REMEDY)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # a small file that fills the memory
            return _upright(data, size)
    except UnidentifiedImageError:
        raise UnusablePictureError("no picture") from None
    except UnusablePictureError:
        raise
    except Exception as error:  # PIL's readers raise whatever their format's damage leads to
        raise UnusablePictureError(f"broken ({error})") from error


def _upright(data: bytes, size: int) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as opened:
        opened.draft("RGB", (2 * size, 2 * size))  # JPEG only: decoding large photographs at a fraction of the work
        image = ImageOps.exif_transpose(opened)
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            image = _to_bytes(image, opened.format)
        if image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info:
            image = image.convert("RGBA")
        if image.mode == "RGBA":
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)
        fitted = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.LANCZOS)
        return np.array(fitted)


def _to_bytes(image: Image.Image, kind: str | None) -> Image.Image:
    """A gray picture of 16 bits in a format whose white is known; of others nobody can say what their white is."""
    values = np.asarray(image)
    if kind == "PNG" and image.mode != "F":  # white is 65535 there
        return Image.fromarray((values >> 8).astype(np.uint8))
    span = f"{values.min():g} to {values.max():g}"
    raise UnusablePictureError(f"its values, {span}, do not say what is white: save it with 8 bits per color")
