"""Driving logs: those that the Udacity simulator writes, and our own, which look the same."""

import csv
import io
import itertools
import math
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image

from cnnlab import archives
from cnnlab.datasets import DataError
from cnnlab.driving.pictures import VIEWS, View
from cnnlab.driving.store import Pictures

CAMERAS = ("center", "left", "right")
NUMBERS = ("steering", "throttle", "brake", "speed")
COLUMNS = (*CAMERAS, *NUMBERS)
NAME = "driving_log.csv"
# As programs write numbers: 5 and not 5.0, 5.3 and not 5.30, 7.9E-06 and not 79E-07.
WRITTEN = re.compile(r"-?(\d+(\.\d*[1-9])?|\d(\.\d*[1-9])?[eE][-+]?\d+)")
RANGES = {"steering": (-1, 1), "throttle": (0, 1), "brake": (0, 1), "speed": (-1000, 1000)}


@dataclass(frozen=True)
class Log:
    """A drive: its numbers in memory, its pictures on disk.

    Attributes:
        pictures: (N, 3, H, W, 3) uint8: center, left and right camera of each row, as the network sees them; (N, 1, H,
            W, 3) of a log that has the center camera alone.
        steering: (N,) float32, -1 to 1.
        throttle, brake: (N,) float32, 0 to 1; 0 in a log that has no such column.
        speed: (N,) float32, in the simulator's unit; 0 in a log that has no such column.
        skipped: what was left out and why, a text per row.
    """

    pictures: Pictures | np.ndarray
    steering: np.ndarray
    throttle: np.ndarray
    brake: np.ndarray
    speed: np.ndarray
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.steering)

    def __getitem__(self, rows) -> "Log":
        """The log of some rows: a slice, indices or a mask."""
        pictures = self.pictures.of(rows) if isinstance(self.pictures, Pictures) else self.pictures[rows]
        return Log(pictures, *(getattr(self, name)[rows] for name in NUMBERS))

    def describe(self) -> str:
        """Rows, rows left out and the share of rows with the wheel straight, in one line."""
        straight = float((self.steering == 0).mean())
        alone = "" if self.pictures.shape[1] == 3 else "; center camera alone"
        return f"{len(self)} rows, {len(self.skipped)} skipped; steering is exactly 0 in {straight:.0%} of them{alone}"


def read(folder: Path | str, view: View) -> Log:
    """Read a driving log and its pictures.

    The log may have a header, which names its columns in any order, or not; then they are those of the Udacity
    simulator, with or without the side cameras, and what follows them is ignored. Separators may be commas, semicolons
    or tabs, and decimals have commas where the recorder's system wrote them so. The paths may be of another machine,
    Windows or not: what counts is the name of the file, looked for in `IMG` beside the log. A row that cannot be used,
    or not without guessing, is skipped and reported. An archive is read in place: nothing is unpacked.

    Args:
        folder: holds `driving_log.csv` and `IMG`; or the path of the log itself; or a zip archive of such a folder.
        view: what is kept of each picture.

    Returns:
        The rows that can be used, in the order of the log.

    Raises:
        DataError: there is no log, it has no rows, or none that can be used; or the archive is broken, holds two logs,
            or has names that lead out of it.
    """
    numbers, skipped = [], []

    def pictures() -> Iterator[np.ndarray]:
        for number, row in rows:
            try:
                values = layout.numbers(row)
                shown = np.stack([_picture(path.parent / "IMG", text, view) for text in layout.pictures(row)])
            except ValueError as error:
                skipped.append(f"row {number}: {error}")
                continue
            numbers.append(values)
            yield shown

    with opened(folder) as path:
        # A recording that was cut off may end in zeros, which csv refuses; names may be in any encoding.
        lines = archives.content(path).decode("utf-8-sig", errors="replace").replace("\0", "").splitlines()
        separator = max(";\t,", key=lambda mark: lines[0].count(mark) if lines else 0)
        parsed = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        rows = [(number, row) for number, row in enumerate(parsed, 1) if any(row)]
        layout = Layout.of(rows[0][1], path) if rows else None
        rows = rows[1:] if layout and layout.is_header else rows
        if not rows:
            raise DataError(f"{path}: expected rows of {', '.join(COLUMNS)}; the log is empty")
        layout = layout.with_commas_of([row for _, row in rows], separator)
        try:
            stored = Pictures(pictures())
        except ValueError:
            raise DataError(f"{path}: none of {len(rows)} rows can be used; {skipped[0]}") from None
    return Log(stored, *np.array(numbers, np.float32).T, skipped=tuple(skipped))


@dataclass(frozen=True)
class Layout:
    """Which column of a log holds what.

    Attributes:
        columns: place of each name in a row.
        is_header: whether the first row names the columns.
        decimal_commas: whether the commas that separate also stand before decimals.
    """

    columns: dict[str, int]
    is_header: bool
    decimal_commas: bool = False

    @classmethod
    def of(cls, first: list[str], path) -> "Layout":
        """The layout that a log's first row shows.

        Raises:
            DataError: a header without a center camera or without the steering.
        """
        names = [text.strip().lower().replace("_image", "").replace("_camera", "").strip() for text in first]
        if "steering" in names or "center" in names:
            names = ["steering" if name == "steering_angle" else name for name in names]
            lacking = [name for name in ("center", "steering") if name not in names]
            if lacking:
                raise DataError(f"{path}: expected a column {lacking[0]}, got {', '.join(names)}")
            return cls({name: names.index(name) for name in COLUMNS if name in names}, is_header=True)
        cameras = CAMERAS if sum(map(_is_picture, first[:3])) > 1 else CAMERAS[:1]
        return cls({name: place for place, name in enumerate((*cameras, *NUMBERS))}, is_header=False)

    def with_commas_of(self, rows: list[list[str]], separator: str) -> "Layout":
        """The layout, with decimal commas where the rows show them: no point in any, and not all of one length.

        A log with columns that we do not know has rows of one length.
        """
        first = min(self.columns[name] for name in NUMBERS if name in self.columns)
        in_order = [self.columns.get(name) for name in NUMBERS] == list(range(first, first + 4))
        points = any("." in text for row in rows for text in row[first:])
        lengths = set(map(len, rows))
        return replace(self, decimal_commas=separator == "," and in_order and not points and len(lengths) > 1)

    def pictures(self, row: list[str]) -> list[str]:
        """The paths of a row's pictures: all three cameras, or the center alone."""
        cameras = CAMERAS if all(name in self.columns for name in CAMERAS) else CAMERAS[:1]
        return [row[self.columns[name]] for name in cameras]

    def numbers(self, row: list[str]) -> list[float]:
        """Steering, throttle, brake and speed of a row; 0 for a column that the log does not have.

        Raises:
            ValueError: one is no number or out of its range, or the row is too short, or can be read in two ways.
        """
        least = max(self.columns.values()) + 1
        if len(row) < least:
            raise ValueError(f"expected {least} columns, got {len(row)}")
        texts = [row[self.columns[name]] if name in self.columns else "0" for name in NUMBERS]
        if self.decimal_commas and len(row) > least:
            texts = _with_decimal_commas(row[least - 4 :])
        return [_number(name, text.replace(",", ".")) for name, text in zip(NUMBERS, texts, strict=True)]


def _is_picture(text: str) -> bool:
    return PureWindowsPath(text.strip()).suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp")


def _with_decimal_commas(parts: list[str]) -> list[str]:
    """The four numbers that commas have cut up, where they both separate and stand before decimals.

    Args:
        parts: what stands between the commas, after the pictures.

    Returns:
        Four texts with points.

    Raises:
        ValueError: they can be put together in no way, or in more than one.
    """
    ways = []
    for joined in itertools.combinations(range(4), len(parts) - 4):
        rest, texts = list(parts), []
        for place in range(4):
            texts.append(rest.pop(0).strip())
            if place in joined:
                texts[-1] += f".{rest.pop(0).strip()}"
        with suppress(ValueError):
            for name, text in zip(NUMBERS, texts, strict=True):
                _number(name, text)
            ways += [texts] if all(map(WRITTEN.fullmatch, texts)) else []
    if len(ways) != 1:
        raise ValueError(f"the commas of {','.join(parts)} can be read in {len(ways) or 'no'} ways")
    return ways[0]


def _number(name: str, text: str) -> float:
    """A number within the range of its column."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {text!r}") from None
    low, high = RANGES[name]
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, got {text}")
    return value


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
        fitting = [known for known, other in VIEWS.items() if (*other.source, 3) == picture.shape]
        remedy = f" The view {fitting[0]!r} takes it: `--recipe {fitting[0]}`." if fitting else ""
        raise ValueError(f"picture {name}: {error}{remedy}") from None
