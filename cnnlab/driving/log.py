"""Driving logs: those that the Udacity simulator writes, and our own, which look the same."""

import csv
import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from cnnlab import archives
from cnnlab.datasets import DataError
from cnnlab.driving.pictures import View

CAMERAS = ("center", "left", "right")
COLUMNS = (*CAMERAS, "steering", "throttle", "brake", "speed")
NAME = "driving_log.csv"
ARRAYS = ("pictures", "steering", "throttle", "brake", "speed")  # of a `Log`, a row each


@dataclass(frozen=True)
class Log:
    """A drive, in memory.

    Attributes:
        pictures: (N, 3, H, W, 3) uint8: center, left and right camera of each row, as the network sees them.
        steering: (N,) float32, -1 to 1.
        throttle, brake: (N,) float32, 0 to 1.
        speed: (N,) float32, in the simulator's unit.
        skipped: what was left out and why, a text a row.
    """

    pictures: np.ndarray
    steering: np.ndarray
    throttle: np.ndarray
    brake: np.ndarray
    speed: np.ndarray
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.steering)

    def __getitem__(self, rows) -> "Log":
        """The log of some rows: a slice, indices or a mask."""
        return Log(*(getattr(self, name)[rows] for name in ARRAYS))

    def describe(self) -> str:
        """Rows, rows left out and the share of rows with the wheel straight, in one line."""
        straight = float((self.steering == 0).mean())
        return f"{len(self)} rows, {len(self.skipped)} skipped; steering is exactly 0 in {straight:.0%} of them"


def read(folder: Path | str, view: View) -> Log:
    """Read a driving log and its pictures.

    The log may have a header or not; the paths in it may be of another machine, Windows or not: what counts is the name
    of the file, looked for in `IMG` beside the log. A row that cannot be used is skipped and reported. An archive is
    read in place: nothing is unpacked.

    Args:
        folder: holds `driving_log.csv` and `IMG`; or the path of the log itself; or a zip archive of such a folder.
        view: what is kept of each picture.

    Returns:
        The rows that can be used, in the order of the log.

    Raises:
        DataError: there is no log, it has no rows, or none that can be used; or the archive is broken, holds two logs,
            or has names that lead out of it.
    """
    with opened(folder) as path:
        # A recording that was cut off may end in zeros, which csv refuses; names may be in any encoding.
        lines = archives.content(path).decode("utf-8-sig", errors="replace").replace("\0", "").splitlines()
        rows = [(number, row) for number, row in enumerate(csv.reader(lines, skipinitialspace=True), 1) if any(row)]
        if rows and _is_header(rows[0][1]):
            rows = rows[1:]
        if not rows:
            raise DataError(f"{path}: expected rows of {', '.join(COLUMNS)}; the log is empty")
        images = path.parent / "IMG"
        pictures, numbers, skipped = [], [], []
        for number, row in rows:
            try:
                values = _numbers(row)
                pictures.append(np.stack([_picture(images, text, view) for text in row[:3]]))
                numbers.append(values)
            except ValueError as error:
                skipped.append(f"row {number}: {error}")
    if not numbers:
        raise DataError(f"{path}: none of {len(rows)} rows can be used; {skipped[0]}")
    columns = np.array(numbers, np.float32).T
    return Log(np.stack(pictures), *columns, skipped=tuple(skipped))


@contextmanager
def opened(folder: Path | str) -> Iterator[Path | zipfile.Path]:
    """The file of the log in a folder or in an archive; `IMG` lies beside it.

    Args:
        folder: as for `read`; in an archive the log lies at the top or one folder down.

    Raises:
        DataError: there is no log, or the archive cannot be used.
    """
    path = Path(folder)
    if not path.is_file() or path.suffix == ".csv":
        path = path if path.suffix == ".csv" else path / NAME
        if not path.is_file():
            raise DataError(f"{path}: expected a driving log, got none")
        yield path
        return
    with archives.opened(path) as top:
        found = [place / NAME for place in (top, *top.iterdir()) if (place / NAME).is_file()]
        if len(found) != 1:
            got = " and ".join(map(str, found)) or "none"
            raise DataError(f"{path}: expected one {NAME}, at the top of the archive or one folder down, got {got}")
        yield found[0]


def _is_header(row: list[str]) -> bool:
    return [text.strip().lower() for text in row[:4]] == list(COLUMNS[:4])


def _numbers(row: list[str]) -> list[float]:
    """Steering, throttle, brake and speed of a row."""
    if len(row) != len(COLUMNS):
        raise ValueError(f"expected {len(COLUMNS)} columns, got {len(row)}")
    values = []
    for name, text in zip(COLUMNS[3:], row[3:], strict=True):
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{name} must be a number, got {text!r}") from None
        low, high = {"steering": (-1, 1), "speed": (-math.inf, math.inf)}.get(name, (0, 1))
        if not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {text}")
        values.append(value)
    return values


def _picture(images: Path | zipfile.Path, text: str, view: View) -> np.ndarray:
    """The picture that a path of any machine means, cropped."""
    name = PureWindowsPath(text.strip()).name  # takes / and \ alike
    file = images / name
    if not name or not file.is_file():
        raise ValueError(f"picture {name or repr(text)} is missing")
    try:
        with Image.open(io.BytesIO(file.read_bytes())) as image:
            picture = np.asarray(image.convert("RGB"))
    except Exception as error:  # the readers of pictures and archives raise whatever the damage leads to
        raise ValueError(f"picture {name} is broken ({type(error).__name__})") from None
    try:
        return view(picture)
    except ValueError as error:
        raise ValueError(f"picture {name}: {error}") from None
