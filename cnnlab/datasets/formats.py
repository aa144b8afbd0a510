"""Readers of the file formats the data sets come in. Each checks what it read and unpickles nothing but plain data."""

import gzip
import hashlib
import pickle
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import numpy as np

from cnnlab.datasets.catalog import DataError, Entry

Arrays = dict[str, np.ndarray]


def layout(entry: Entry) -> dict[str, tuple[tuple[int, ...], str]]:
    """Keys of a set's arrays with their shapes and kinds: "pixels" (uint8), "labels" (any integer type) or "names"."""
    keys: dict[str, tuple[tuple[int, ...], str]] = {}
    for split, count in (("train", entry.train), ("test", entry.test)):
        keys[f"x_{split}"] = ((count, *entry.image_shape), "pixels")
        keys[f"y_{split}"] = ((count,), "labels")
        if entry.coarse_classes:
            keys[f"y_{split}_coarse"] = ((count,), "labels")
    if entry.coarse_classes:
        keys["fine_label_names"] = ((entry.classes,), "names")
        keys["coarse_label_names"] = ((entry.coarse_classes,), "names")
    return keys


def check(arrays: Arrays, entry: Entry, path: Path) -> Arrays:
    """Return the arrays if their shapes, types and labels are those of the set.

    Raises:
        DataError: names the file, the first array that differs, what was expected and what came.
    """
    accepted = {"pixels": ("u1", "uint8"), "labels": ("iu", "of an integer type"), "names": ("U", "text")}
    for key, (shape, kind) in layout(entry).items():
        array = arrays[key]
        kinds, wording = accepted[kind]
        if array.shape != shape or (array.dtype != np.uint8 if kind == "pixels" else array.dtype.kind not in kinds):
            raise DataError(f"{path}: {key} must be {wording} with shape {shape}, got {array.dtype} {array.shape}")
        classes = entry.coarse_classes if key.endswith("_coarse") else entry.classes
        if kind == "labels" and not 0 <= array.min() <= array.max() < classes:
            found = f"{array.min()} to {array.max()}"
            raise DataError(f"{path}: {key} must hold labels from 0 to {classes - 1}, got {found}")
    return arrays


def read_npz(path: Path, entry: Entry) -> Arrays:
    """Read a set in the layout of Keras' mnist.npz; CIFAR-100 also has coarse labels and the names of both."""
    arrays = {}
    with _damage_named(path, "a NumPy .npz archive"), zipfile.ZipFile(path) as archive:
        missing = [key for key in layout(entry) if f"{key}.npy" not in archive.namelist()]
        if missing:
            found = ", ".join(archive.namelist()) or "nothing"
            raise DataError(f"{path}: expected the arrays {', '.join(layout(entry))}, got {found}")
        for key in layout(entry):
            # np.load does the same, but stops before the end of a member, where its checksum is compared.
            with archive.open(f"{key}.npy") as member:
                arrays[key] = np.lib.format.read_array(member, allow_pickle=False)
                member.read()
    return check(arrays, entry, path)


def read_idx(path: Path) -> np.ndarray:
    """Read a gzipped IDX file of uint8: two zero bytes, the type code 8, the number of axes, their lengths, the values.

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".
    """
    with _damage_named(path, "a gzipped IDX file"):
        with gzip.open(path, "rb") as file:
            data = file.read()
        if data[:3] != b"\0\0\x08":
            raise DataError(f"{path}: expected an IDX file of bytes, which starts 00 00 08, got {data[:3].hex(' ')}")
        axes = data[3]
        shape = tuple(np.frombuffer(data, ">u4", count=axes, offset=4).tolist())
        return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_fashion(paths: list[Path], entry: Entry) -> Arrays:
    """Read Fashion-MNIST's four files: train images, train labels, test images, test labels."""
    arrays = dict(zip(("x_train", "y_train", "x_test", "y_test"), map(read_idx, paths), strict=True))
    return check(arrays, entry, paths[0].parent)


def read_cifar_archive(path: Path, entry: Entry) -> Arrays:
    """Read a CIFAR set out of its .tar.gz.

    Nothing is extracted: the members wanted are read in memory by their exact names, so no path in the archive can lead
    anywhere, and links and device files count as missing.
    """
    pickles = {}
    with _damage_named(path, "a .tar.gz archive"), tarfile.open(path, "r:gz") as archive:
        wanted = {f"{cifar_folder(entry)}/{name}" for name in cifar_files(entry)}
        for member in archive:
            if member.name in wanted and member.isfile():
                pickles[Path(member.name).name] = read_plain_pickle(archive.extractfile(member))
    return _cifar_arrays(pickles, entry, path)


def read_cifar_folder(folder: Path, entry: Entry) -> Arrays:
    """Read a CIFAR set out of its extracted folder."""
    pickles = {}
    for name in cifar_files(entry):
        path = folder / name
        with _damage_named(path, "a pickle of plain data"):
            if path.is_file():
                with path.open("rb") as file:
                    pickles[name] = read_plain_pickle(file)
    return _cifar_arrays(pickles, entry, folder)


def cifar_folder(entry: Entry) -> str:
    """Name of the one folder in the archive."""
    return {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}[entry.name]


def cifar_files(entry: Entry) -> list[str]:
    """Names of the pickles in that folder that hold the set."""
    if entry.name == "cifar100":
        return ["train", "test", "meta"]
    return [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]


def _cifar_arrays(pickles: dict[str, Any], entry: Entry, path: Path) -> Arrays:
    missing = [name for name in cifar_files(entry) if name not in pickles]
    if missing:
        raise DataError(f"{path}: expected the files {', '.join(cifar_files(entry))}, got none named {missing[0]}")
    with _damage_named(path, "the pickles of CIFAR"):
        if entry.name == "cifar100":
            splits = {"train": [pickles["train"]], "test": [pickles["test"]]}
        else:
            splits = {"train": [pickles[f"data_batch_{n}"] for n in range(1, 6)], "test": [pickles["test_batch"]]}
        arrays = {}
        for split, batches in splits.items():
            planes = np.concatenate([batch[b"data"] for batch in batches])
            arrays[f"x_{split}"] = np.ascontiguousarray(planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            fine = b"fine_labels" if entry.coarse_classes else b"labels"
            arrays[f"y_{split}"] = np.concatenate([np.asarray(batch[fine]) for batch in batches])
            if entry.coarse_classes:
                arrays[f"y_{split}_coarse"] = np.concatenate([np.asarray(batch[b"coarse_labels"]) for batch in batches])
        if entry.coarse_classes:
            for key in ("fine_label_names", "coarse_label_names"):
                arrays[key] = np.asarray([name.decode("ascii") for name in pickles["meta"][key.encode("ascii")]])
    return check(arrays, entry, path)


class _PlainUnpickler(pickle.Unpickler):
    """Admits arrays, lists, dicts, bytes, text and numbers; a pickle that asks for anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) in {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}:
            return np.empty(0).__reduce__()[0]  # the function itself, wherever this NumPy keeps it
        raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which is refused")


def read_plain_pickle(file: IO[bytes]) -> Any:
    """Unpickle arrays, lists, dicts and bytes; `pickle.UnpicklingError` for anything that would run code."""
    return _PlainUnpickler(file, encoding="bytes").load()


@contextmanager
def _damage_named(path: Path, expected: str) -> Iterator[None]:
    """Turn whatever goes wrong inside a damaged file into a DataError that names it; the system's own errors pass."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        found = f"{path.stat().st_size:,} bytes that are not ({type(error).__name__}: {error})"
        raise DataError(f"{path}: expected {expected}, got {found}") from error


def content_digest(arrays: Arrays) -> str:
    """sha256 of the labeled pictures of both splits, whatever their order within a split."""
    digest = hashlib.sha256()
    for split in ("train", "test"):
        labels = arrays[f"y_{split}"].astype(np.uint8)
        images = arrays[f"x_{split}"]
        records = sorted(label.tobytes() + image.tobytes() for label, image in zip(labels, images, strict=True))
        digest.update(b"".join(records))
    return digest.hexdigest()


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Digest of a file's bytes, computed once in a process as long as its size and date stay the same."""
    status = path.stat()
    return _file_digest(path.resolve(), algorithm, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_digest(path: Path, algorithm: str, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _algorithm(digest: str) -> str:
    return "md5" if len(digest) == 32 else "sha256"


def has_digest(path: Path, expected: str) -> bool:
    """Whether a file's digest is the expected one, a sha256 or, of 32 digits, an md5."""
    return file_digest(path, _algorithm(expected)) == expected


def read_checksums(folder: Path) -> dict[str, str]:
    """Read the folder's SHA256SUMS, in the format of `sha256sum`: file name to digest; empty if there is none."""
    path = folder / "SHA256SUMS"
    if not path.exists():
        return {}
    sums = {}
    for line in path.read_text("utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not name:
            raise DataError(f"{path}: expected lines of a sha256, two spaces and a file name, got {line[:80]!r}")
        sums[name] = digest
    return sums


def check_digest(path: Path, expected: str) -> None:
    """Raise DataError unless the file's digest is the expected one, a sha256 or, of 32 digits, an md5."""
    if not has_digest(path, expected):
        algorithm = _algorithm(expected)
        found = file_digest(path, algorithm)
        raise DataError(f"{path}: expected {algorithm} {expected}, got {found} ({path.stat().st_size:,} bytes)")
