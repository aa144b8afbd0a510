"""The four real sets in small: 50 + 10 random pictures each, in every file format the real ones come in.

The files are the same bytes in every process, so that a test's child processes agree with it on the checksums.
"""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from dataclasses import replace
from typing import ClassVar

import numpy as np

from cnnlab.datasets import formats
from cnnlab.datasets.catalog import ENTRIES

TRAIN, TEST = 50, 10
REAL = dict(ENTRIES)


def arrays(name: str, seed: int = 0) -> formats.Arrays:
    """The small set as its npz file holds it."""
    random = np.random.default_rng([seed, *name.encode()])
    held = {}
    for key, (shape, kind) in formats.layout(small_entry(name)).items():
        if kind == "pixels":
            held[key] = random.integers(0, 256, shape, dtype=np.uint8)
        elif kind == "names":
            held[key] = np.asarray([f"{key.split('_')[0]}_{number}" for number in range(shape[0])])
        else:
            classes = REAL[name].coarse_classes if key.endswith("_coarse") else REAL[name].classes
            held[key] = random.integers(0, classes, shape, dtype=np.uint8)
    return held


def small_entry(name: str):
    return replace(REAL[name], train=TRAIN, test=TEST)


def npz(held: formats.Arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **held)
    return file.getvalue()


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return gzip.compress(header + values.tobytes(), mtime=0)


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2, which wrote the CIFAR files, wrote its strings."""

    def save_bytes(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)

    dispatch: ClassVar = pickle._Pickler.dispatch | {bytes: save_bytes}


def python2_pickle(value: object) -> bytes:
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(value)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def cifar_members(name: str, held: formats.Arrays) -> dict[str, bytes]:
    """The pickles of a CIFAR archive by their paths in it."""
    planes = {split: held[f"x_{split}"].transpose(0, 3, 1, 2).reshape(-1, 3072) for split in ("train", "test")}
    if name == "cifar10":
        rows = {f"data_batch_{n + 1}": ("train", slice(10 * n, 10 * n + 10)) for n in range(5)}
        rows["test_batch"] = ("test", slice(None))
        batches = {
            file: {b"data": planes[split][part].copy(), b"labels": held[f"y_{split}"][part].tolist()}
            for file, (split, part) in rows.items()
        }
    else:
        batches = {
            split: {
                b"data": planes[split],
                b"fine_labels": held[f"y_{split}"].tolist(),
                b"coarse_labels": held[f"y_{split}_coarse"].tolist(),
            }
            for split in ("train", "test")
        }
        batches["meta"] = {
            f"{key}_label_names".encode(): [label.encode() for label in held[f"{key}_label_names"].tolist()]
            for key in ("fine", "coarse")
        }
    folder = formats.cifar_folder(REAL[name])
    return {f"{folder}/{file}": python2_pickle(batch) for file, batch in batches.items()}


def tar_gz(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(file.getvalue(), mtime=0)


def downloads(name: str) -> dict[str, bytes]:
    """What the set's server holds, by file name."""
    held = arrays(name)
    if name == "mnist":
        return {"mnist.npz": npz(held)}
    if name == "fashion_mnist":
        keys = ("x_train", "y_train", "x_test", "y_test")
        return {remote.name: idx(held[key]) for remote, key in zip(REAL[name].files, keys, strict=True)}
    return {REAL[name].files[0].name: tar_gz(cifar_members(name, held))}


def install() -> dict[str, bytes]:
    """Put the small sets in the place of the real ones, and return all that their servers hold."""
    contents = {}
    for name in REAL:
        contents |= downloads(name)
        files = tuple(
            replace(remote, size=len(contents[remote.name]), digest=hashlib.sha256(contents[remote.name]).hexdigest())
            for remote in REAL[name].files
        )
        content_sha256 = formats.content_digest(arrays(name)) if name.endswith("mnist") else ""
        ENTRIES[name] = replace(small_entry(name), files=files, content_sha256=content_sha256)
    return contents


def assert_same(dataset, held):
    """The loader's arrays are those of the file, in the shapes and types it promises."""
    for split in ("train", "test"):
        images, labels = getattr(dataset, f"x_{split}"), getattr(dataset, f"y_{split}")
        assert images.dtype == np.uint8 and labels.dtype == np.int64
        assert images.ndim == 4 and images.shape[-1] in (1, 3)
        np.testing.assert_array_equal(images.reshape(held[f"x_{split}"].shape), held[f"x_{split}"])
        np.testing.assert_array_equal(labels, held[f"y_{split}"])
        coarse = getattr(dataset, f"y_{split}_coarse")
        if f"y_{split}_coarse" in held:
            assert coarse.dtype == np.int64
            np.testing.assert_array_equal(coarse, held[f"y_{split}_coarse"])
        else:
            assert coarse is None
