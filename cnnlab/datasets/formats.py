"""Readers of the file formats the data sets come in. Each checks what it read and unpickles nothing but plain data."""

import gzip
import hashlib
import io
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
    """Read an IDX file of uint8, gzipped or not: two zero bytes, the type code 8, the number of axes, lengths, values.

    Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".
    """
    with _damage_named(path, "an IDX file"):
        data = path.read_bytes()
        if path.suffix == ".gz" or data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        if data[:3] != b"\0\0\x08":
            raise DataError(f"{path}: expected an IDX file of bytes, which starts 00 00 08, got {data[:3].hex(' ')}")
        axes = data[3]
        shape = tuple(np.frombuffer(data, ">u4", count=axes, offset=4).tolist())
        return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_idx_files(paths: list[Path]) -> Arrays:
    """Read the four files of MNIST or Fashion-MNIST: train images, train labels, test images, test labels."""
    return dict(zip(("x_train", "y_train", "x_test", "y_test"), map(read_idx, paths), strict=True))


def read_cifar_archive(path: Path, entry: Entry) -> Arrays:
    """Read a CIFAR set out of its .tar.gz, of the version for Python or the binary one.

    Nothing is extracted: the members wanted are read in memory by their exact names, so no path in the archive can lead
    anywhere, and links and device files count as missing.
    """
    found = {}
    with _damage_named(path, "a .tar.gz archive"), tarfile.open(path, "r:gz") as archive:
        for member in archive:
            folder, _, name = member.name.partition("/")
            if folder in cifar_folders(entry) and name in cifar_files(entry, folder) and member.isfile():
                found.setdefault(folder, {})[name] = archive.extractfile(member).read()
    folder = next((folder for folder in cifar_folders(entry) if folder in found), cifar_folder(entry))
    return _cifar_arrays(found.get(folder, {}), entry, folder, path)


def read_cifar_folder(path: Path, entry: Entry) -> Arrays:
    """Read a CIFAR set out of its extracted folder, which is told by its name."""
    folder = path.name if path.name in cifar_folders(entry) else cifar_folder(entry)
    files = {name: (path / name).read_bytes() for name in cifar_files(entry, folder) if (path / name).is_file()}
    return _cifar_arrays(files, entry, folder, path)


def cifar_folders(entry: Entry) -> tuple[str, str]:
    """Names of the one folder in the archive: in the version for Python, and in the binary version."""
    return {
        "cifar10": ("cifar-10-batches-py", "cifar-10-batches-bin"),
        "cifar100": ("cifar-100-python", "cifar-100-binary"),
    }[entry.name]


def cifar_folder(entry: Entry) -> str:
    """Name of the one folder in the archive that Keras downloads."""
    return cifar_folders(entry)[0]


def cifar_files(entry: Entry, folder: str) -> list[str]:
    """Names of the files in one of those folders that hold the set."""
    ending = "" if folder == cifar_folder(entry) else ".bin"
    if entry.name == "cifar10":
        return [*(f"data_batch_{number}{ending}" for number in range(1, 6)), f"test_batch{ending}"]
    names = ["meta"] if not ending else ["fine_label_names.txt", "coarse_label_names.txt"]
    return [f"train{ending}", f"test{ending}", *names]


def _cifar_arrays(files: dict[str, bytes], entry: Entry, folder: str, path: Path) -> Arrays:
    """Bring the files of either version into the layout of our .npz.

    Source: Krizhevsky, "The CIFAR-10 dataset", sections "Python / Matlab versions" and "Binary version".
    """
    wanted = cifar_files(entry, folder)
    missing = [name for name in wanted if name not in files]
    if missing:
        raise DataError(f"{path}: expected the files {', '.join(wanted)}, got none named {missing[0]}")
    read = _pickled_batches if folder == cifar_folder(entry) else _binary_batches
    with _damage_named(path, "the files of CIFAR", sum(map(len, files.values()))):
        batches, arrays = read({name: files[name] for name in wanted}, entry, path)
        for split in ("train", "test"):
            parts = [batch for name, batch in batches.items() if name.startswith("test") == (split == "test")]
            for key in parts[0]:
                arrays[f"{key[0]}_{split}{key[1:]}"] = np.concatenate([part[key] for part in parts])
            planes = arrays[f"x_{split}"].reshape(-1, 3, 32, 32)
            arrays[f"x_{split}"] = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return check(arrays, entry, path)


def _pickled_batches(files: dict[str, bytes], entry: Entry, path: Path) -> tuple[dict[str, Arrays], Arrays]:
    """Each file's planes "x" and labels "y" and "y_coarse", in order, and the names of the classes if it has them."""
    pickles = {}
    for name, content in files.items():
        with _damage_named(path / name, "a pickle of plain data", len(content)):
            pickles[name] = read_plain_pickle(io.BytesIO(content))
    fields, names = {"x": b"data", "y": b"labels"}, {}
    if entry.coarse_classes:
        fields = {"x": b"data", "y": b"fine_labels", "y_coarse": b"coarse_labels"}
        meta = pickles.pop("meta")
        for key in ("fine_label_names", "coarse_label_names"):
            names[key] = np.asarray([name.decode("ascii") for name in meta[key.encode()]])
    batches = {
        name: {key: np.asarray(batch[field]) for key, field in fields.items()} for name, batch in pickles.items()
    }
    return batches, names


def _binary_batches(files: dict[str, bytes], entry: Entry, path: Path) -> tuple[dict[str, Arrays], Arrays]:
    """The same out of rows of bytes: the label, or the coarse and the fine one, and 3,072 values."""
    labels = 2 if entry.coarse_classes else 1
    batches, names = {}, {}
    for name, content in files.items():
        with _damage_named(path / name, f"rows of {labels + 3072:,} bytes", len(content)):
            if name.endswith(".txt"):
                names[Path(name).stem] = np.asarray(content.decode("ascii").split())
                continue
            rows = np.frombuffer(content, np.uint8).reshape(-1, labels + 3072)
            batches[name] = {"x": rows[:, labels:], "y": rows[:, labels - 1]}
            if entry.coarse_classes:
                batches[name]["y_coarse"] = rows[:, 0]
    return batches, names


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
def _damage_named(path: Path, expected: str, size: int | None = None) -> Iterator[None]:
    """Turn whatever goes wrong inside a damaged file into a DataError that names it; the system's own errors pass.

    Args:
        path: the file, or a member of an archive as if it were a folder.
        expected: what it should be, in words.
        size: its bytes, asked from the system if None.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        size = path.stat().st_size if size is None else size
        found = f"{size:,} bytes that are not ({type(error).__name__}: {error})"
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
