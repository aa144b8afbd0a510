"""Reader of the arrays in a file that PyTorch wrote, without PyTorch, and without running what the file might ask for.

Before its release 1.6 PyTorch saved five pickles one after the other (a magic number, a version, what machine wrote it,
a dictionary of tensors, the names of their storages) and then the bytes of each storage. A tensor is a view of one:
it has an offset, a shape and strides, and need not be in C's order.
"""

import math
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from cnnlab.datasets.catalog import DataError

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
KINDS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Storage(NamedTuple):
    key: str
    kind: np.dtype
    size: int


class _View(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a state dictionary.

    Args:
        path: of a file in the format of PyTorch before 1.6.

    Returns:
        float32 and int64 arrays by their names, in C's order.

    Raises:
        DataError: the file is cut off or damaged, or is of another kind; what it asks for beyond ordered dictionaries,
            tensors and storages of these two types is refused and never run.
        FileNotFoundError: there is none.
    """
    with Path(path).open("rb") as file:
        try:
            if (_Unpickler(file).load(), _Unpickler(file).load()) != (MAGIC, VERSION):
                raise ValueError("it does not begin as such a file does")
            _Unpickler(file).load()  # the machine that wrote it: byte order and sizes, which the storages' types fix
            views, keys = _Unpickler(file).load(), _Unpickler(file).load()
            storages = _read_storages(file, views, keys)
            return {name: _as_array(view, storages) for name, view in views.items()}
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            ArithmeticError,
            EOFError,
            MemoryError,
            pickle.PickleError,
        ) as error:
            raise DataError(
                f"{path}: expected arrays as PyTorch saved them before 1.6, got a file in which {error}."
            ) from error


def _read_storages(file: IO[bytes], views: dict[str, _View], keys: list[str]) -> dict[str, np.ndarray]:
    wanted = {view.storage.key: view.storage for view in views.values()}
    arrays = {}
    for key in keys:
        storage = wanted[key]
        size = int.from_bytes(file.read(8), "little")
        data = file.read(size * storage.kind.itemsize) if size == storage.size else b""
        if len(data) != storage.size * storage.kind.itemsize:
            raise ValueError(f"the storage {key} has not its {storage.size} values")
        arrays[key] = np.frombuffer(data, storage.kind)
    return arrays


def _as_array(view: _View, storages: dict[str, np.ndarray]) -> np.ndarray:
    """The values that a view names; `as_strided` itself would read beyond the storage's end without a word."""
    storage, shape, strides = storages[view.storage.key], view.shape, view.strides
    last = view.offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if min(view.offset, *shape, *strides, 0) < 0 or (math.prod(shape) and last >= len(storage)):
        raise ValueError(f"a tensor of shape {shape} and strides {strides} leaves its storage")
    size = storage.itemsize
    strided = np.lib.stride_tricks.as_strided(storage[view.offset :], shape, [size * stride for stride in strides])
    return np.ascontiguousarray(strided).reshape(shape)


class _Unpickler(pickle.Unpickler):
    """Makes ordered dictionaries, tensors' records and storages' records, and refuses the rest."""

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in KINDS:
            return KINDS[name]
        raise pickle.UnpicklingError(f"{module}.{name} is asked for, which is refused")

    def persistent_load(self, pid):
        what, kind, key, _, size, part = pid
        if what != "storage" or part is not None or kind not in KINDS.values():
            raise pickle.UnpicklingError(f"{pid!r} is asked for, which is refused")
        return _Storage(key, kind, size)


def _view(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_) -> _View:
    """A tensor, whose gradient and hooks do not matter here."""
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError(f"a tensor of {storage!r} is asked for, which is refused")
    return _View(storage, offset, shape, strides)
