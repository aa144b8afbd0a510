"""Run cells, one line of JSON each: written whole and flushed to disk before the next begins."""

import contextlib
import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, as_completed
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

FILE = "results.jsonl"
ASIDE = "results.damaged"


class ResultsError(ValueError):
    """A folder of results cannot be used; the message names the file, what is wrong and what to do."""


def key(cell: Any) -> str:
    """The name of a cell in a file of results: a hash of its kind and its fields, the same on every machine.

    Args:
        cell: a frozen dataclass whose fields JSON can hold.

    Returns:
        16 hexadecimal digits.

    Raises:
        TypeError: `cell` is not a frozen dataclass, or a field is not a number, text, truth value or list of them.
    """
    if not is_dataclass(cell) or isinstance(cell, type) or not cell.__dataclass_params__.frozen:
        raise TypeError(f"`cell` needs a frozen dataclass; received {cell!r}.")
    text = json.dumps([type(cell).__name__, asdict(cell)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run(cells: Iterable[Any], executor: Executor | None = None, *, out: str | os.PathLike | None = None) -> list[dict]:
    """Train every cell that has no result yet, and keep each result as soon as it is there.

    A run that was stopped at any point goes on when it is started again: a cell counts when its whole line is on disk.
    A cell that raises is kept as failed, with its traceback, and the others go on.

    Args:
        cells: frozen dataclasses with a method `train() -> dict`, whose values JSON can hold.
        executor: where to train, several at a time; None trains here, one after the other.
        out: folder of `results.jsonl`, made if it is not there; None keeps nothing.

    Returns:
        One record for each cell, in the order of `cells`: `key`, the cell's fields, `status` ("done" or "failed"),
        `seconds`, and what `train` gave, `test_accuracy` among it, or `error` and `traceback`.

    Raises:
        TypeError: a cell is not a frozen dataclass.
        ResultsError: the file of results is damaged before its last line.

    Source: one line a record, JSON Lines, https://jsonlines.org.
    """
    cells = {key(cell): cell for cell in cells}
    finished = {record["key"]: record for record in read(out)} if out is not None else {}
    waiting = [cell for name, cell in cells.items() if name not in finished]
    with contextlib.ExitStack() as stack:
        keep = stack.enter_context(_appending(Path(out))) if out is not None else lambda record: None
        bar = stack.enter_context(
            tqdm(total=len(cells), initial=len(cells) - len(waiting), unit="cell", disable=None, file=sys.stderr)
        )
        for record in _records(waiting, executor):
            keep(record)
            finished[record["key"]] = record
            bar.update()
    return [finished[name] for name in cells]


def read(out: str | os.PathLike) -> list[dict]:
    """The finished cells of a folder.

    A last line that was cut off, as when the machine lost power, is moved to `results.damaged`, and said so.

    Args:
        out: folder of `results.jsonl`; one that is not there has no results.

    Returns:
        One record a line, in the order in which they finished.

    Raises:
        ResultsError: a line before the last is no record.
    """
    path = Path(out) / FILE
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if not line.endswith(b"\n") or not isinstance(record, dict) or not {"key", "status"} <= record.keys():
                raise ValueError
        except ValueError:
            if number < len(lines):
                raise ResultsError(
                    f"{path}, line {number}, is not a finished cell: {line[:60]!r}. Lines are never changed once they "
                    "are written; restore the file, or delete that line to have its cell run again."
                ) from None
            _set_aside(path, line)
        else:
            records.append(record)
    return records


def _set_aside(path: Path, line: bytes) -> None:
    """Move the cut-off last line of a file to another; the file is replaced whole."""
    print(f"{path}: its last line was cut off; moved to {ASIDE}, its cell runs again.", file=sys.stderr)
    with (path.parent / ASIDE).open("ab") as aside:
        aside.write(line.rstrip(b"\n") + b"\n")
    part = path.with_suffix(".part")
    part.write_bytes(path.read_bytes()[: -len(line)])
    part.replace(path)


@contextlib.contextmanager
def _appending(folder: Path):
    """A function that adds a record to the folder's file and returns when it is on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("ab") as file:

        def keep(record: dict) -> None:
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()  # a full disk is an error here, not a line cut short in silence
            os.fsync(file.fileno())

        yield keep


def _records(cells: list[Any], executor: Executor | None) -> Iterator[dict]:
    """The records of cells as they finish."""
    if executor is None:
        yield from map(_train, cells)
        return
    futures = [executor.submit(_train, cell) for cell in cells]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:  # on an error or an interrupt nothing more is started
        for future in futures:
            future.cancel()


def _train(cell: Any) -> dict:
    """One cell's record; this is what runs in a worker."""
    record = {"key": key(cell), **asdict(cell)}
    start = time.perf_counter()
    try:
        result = cell.train()
        json.dumps(result)  # what cannot be kept is an error of this cell, not of the run
        status = "done"
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        status = "failed"
    return record | result | {"status": status, "seconds": round(time.perf_counter() - start, 2)}
