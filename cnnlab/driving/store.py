"""The pictures of a log, on disk: a drive of an hour has more of them than memory holds."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np


class Pictures:
    """(N, cameras, H, W, 3) uint8 in a temporary file, used like an array: what is asked for comes into memory.

    The file goes with the last object that reads it.

    Args:
        rows: (cameras, H, W, 3) uint8 each, of one shape, at least one.

    Raises:
        ValueError: there are no rows.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, rows: Iterable[np.ndarray]):
        self._folder = tempfile.TemporaryDirectory(prefix="cnnlab-")  # removed when nothing refers to it any more
        self._path = Path(self._folder.name) / "pictures"
        count, each = 0, None
        with self._path.open("wb") as file:
            for row in rows:
                each = row.shape
                file.write(np.ascontiguousarray(row))
                count += 1
        if each is None:
            raise ValueError("`rows` needs at least one row; received none.")
        self._stored, self._rows = (count, *each), np.arange(count)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._stored[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index) -> np.ndarray:
        """As of an array, the first part of the index for rows: a number, a slice, indices or a mask."""
        rows, *rest = index if isinstance(index, tuple) else (index,)
        # Mapped anew each time: what a mapping has read stays in the process's memory as long as the mapping.
        stored = np.memmap(self._path, np.uint8, "r", shape=self._stored)
        return np.array(stored[(self._rows[rows], *rest)])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or np.uint8, copy=False)

    def of(self, rows) -> "Pictures":
        """Those of some rows, a slice, indices or a mask, in the same file."""
        part = object.__new__(Pictures)
        part._folder, part._path, part._stored, part._rows = self._folder, self._path, self._stored, self._rows[rows]
        return part
