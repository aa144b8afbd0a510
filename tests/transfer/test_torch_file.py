"""The reader of PyTorch's files: what it reads, and that it makes nothing but arrays."""

import pickle
import sys
import types
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pytest

from cnnlab.datasets import DataError
from cnnlab.transfer import torch_file


class Storage(NamedTuple):
    kind: type
    key: str
    values: np.ndarray


class Tensor(NamedTuple):
    storage: Storage
    offset: int
    shape: tuple
    strides: tuple


class Pickler(pickle.Pickler):
    """Writes a tensor as PyTorch does: a call of its function, on a storage that is named and not written."""

    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", value.kind, value.key, "cpu", len(value.values), None)
        return None

    def reducer_override(self, value):
        if isinstance(value, Tensor):
            return sys.modules["torch._utils"]._rebuild_tensor_v2, (*value, False, OrderedDict())
        return NotImplemented


@pytest.fixture
def torch(monkeypatch):
    """Names that pickles of PyTorch refer to; there is no PyTorch here."""
    package, utilities = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "HalfStorage"):
        setattr(package, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        raise AssertionError("only its name is written")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utilities._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", package)
    monkeypatch.setitem(sys.modules, "torch._utils", utilities)
    return package


def write(path, state, storages, magic=torch_file.MAGIC):
    with path.open("wb") as file:
        for value in (magic, torch_file.VERSION, {"little_endian": True}, state, [s.key for s in storages]):
            Pickler(file, 2).dump(value)
        for storage in storages:
            file.write(len(storage.values).to_bytes(8, "little") + storage.values.tobytes())
    return path


@pytest.fixture
def example(torch, tmp_path):
    """A kernel whose axes are stored in another order, a part of the same storage, and a counter."""
    kernel = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    floats = Storage(torch.FloatStorage, "17", kernel.ravel())
    counter = Storage(torch.LongStorage, "3", np.array([2**40], "<i8"))
    state = OrderedDict(
        kernel=Tensor(floats, 0, (4, 2, 3), (1, 12, 4)),
        row=Tensor(floats, 20, (4,), (1,)),
        counter=Tensor(counter, 0, (), ()),
    )
    return write(tmp_path / "state.pth", state, [counter, floats]), kernel


def test_arrays_come_in_their_shape_whatever_the_order_they_are_stored_in(example):
    path, kernel = example
    arrays = torch_file.read(path)
    assert list(arrays) == ["kernel", "row", "counter"]
    assert np.array_equal(arrays["kernel"], kernel.transpose(2, 0, 1)) and arrays["kernel"].flags.c_contiguous
    assert np.array_equal(arrays["row"], kernel[1, 2]) and arrays["row"].dtype == np.float32
    assert arrays["counter"].shape == () and arrays["counter"] == 2**40


def test_a_file_that_is_cut_off_anywhere_is_refused(example):
    path, _ = example
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(DataError, match=r"state\.pth: expected arrays as PyTorch saved them"):
            torch_file.read(path)


def test_a_damaged_byte_gives_arrays_or_the_error_and_nothing_else(example):
    path, _ = example
    data = path.read_bytes()
    refused = 0
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            arrays = torch_file.read(path)
        except DataError:
            refused += 1
        else:
            assert all(isinstance(array, np.ndarray) for array in arrays.values())
    assert refused > len(data) / 3  # the other bytes are values, or names


class Command:
    """What a pickle may ask for: a call of any function there is."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def test_nothing_that_a_file_asks_for_is_run(torch, tmp_path):
    touched = tmp_path / "touched"
    path = write(tmp_path / "state.pth", OrderedDict(kernel=Command(touched)), [])
    with pytest.raises(DataError, match=r"is asked for, which is refused"):
        torch_file.read(path)
    assert not touched.exists()


def test_a_storage_of_another_type_is_refused(torch, tmp_path):
    halves = Storage(torch.HalfStorage, "1", np.zeros(2, "<f2"))
    path = write(tmp_path / "state.pth", OrderedDict(kernel=Tensor(halves, 0, (2,), (1,))), [halves])
    with pytest.raises(DataError, match=r"torch\.HalfStorage is asked for, which is refused"):
        torch_file.read(path)


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (1, (4,), (1,)), (0, (2, 2), (1, 3)), (3, (2,), (-1,)), (-1, (2,), (1,))],
)
def test_a_tensor_that_leaves_its_storage_is_refused(torch, tmp_path, offset, shape, strides):
    floats = Storage(torch.FloatStorage, "1", np.zeros(4, "<f4"))
    path = write(tmp_path / "state.pth", OrderedDict(kernel=Tensor(floats, offset, shape, strides)), [floats])
    with pytest.raises(DataError, match="leaves its storage"):
        torch_file.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4 a zip archive, as PyTorch writes today", b"\x80\x02K\x01.", pickle.dumps([1, 2])]
)
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "state.pth"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"state\.pth: expected arrays as PyTorch saved them before 1\.6"):
        torch_file.read(path)


def test_another_version_is_refused(torch, tmp_path):
    path = write(tmp_path / "state.pth", OrderedDict(), [], magic=1)
    with pytest.raises(DataError, match="does not begin as such a file does"):
        torch_file.read(path)
