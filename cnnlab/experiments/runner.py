"""Run cells, one line of JSON each: written whole and flushed to disk before the next begins."""

import contextlib
import errno
import hashlib
import inspect
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

import cnnlab
from cnnlab.files import write_whole

FILE = "results.jsonl"
ASIDE = "results.damaged"
LOCK = "results.lock"


class ResultsError(ValueError):
    """A folder of results cannot be used; the message names the file, what is wrong and what to do."""


class WorkerError(RuntimeError):
    """The machines that train cannot be used: unreachable, lost, or with another version of the package."""


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


def run(
    cells: Iterable[Any],
    executor: Executor | None = None,
    *,
    out: str | os.PathLike | None = None,
    retry: bool = False,
) -> list[dict]:
    """Train every cell that has no result yet, and keep each result as soon as it is there.

    A run that was stopped at any point goes on when it is started again: a cell counts when its whole line is on disk.
    A last line that was cut off, as when the machine lost power, is moved to `results.damaged`, and said so. A cell
    that raises is kept as failed, with its traceback, and the others go on. A cell whose `train` takes a `checkpoint`,
    the path of a file in `out`, keeps there what it needs to go on from its middle; its line on disk, the file goes.

    Args:
        cells: frozen dataclasses with a method `train() -> dict`, or `train(checkpoint) -> dict`, whose values JSON can
            hold.
        executor: where to train, several at a time; None trains here, one after the other.
        out: folder of `results.jsonl`, made if it is not there; None keeps nothing.
        retry: whether cells that are kept as failed are trained again; their new line counts.

    Returns:
        One record for each cell, in the order of `cells`: `key`, the cell's fields, `status` ("done" or "failed"),
        `seconds`, and what `train` gave, `test_accuracy` among it, or `error` and `traceback`.

    Raises:
        TypeError: a cell is not a frozen dataclass.
        ResultsError: the folder has results of another grid, another run is at work in it, or its file is damaged
            before the last line.
        WorkerError: the executor was lost, or a worker has another version of the package.
        OSError: a result cannot be written; those before it are kept.
    """
    cells = {key(cell): cell for cell in cells}
    finished: dict[str, dict] = {}
    with contextlib.ExitStack() as stack:
        keep = forget = lambda _: None
        if out is not None:
            folder = Path(out)
            stack.enter_context(alone(folder))
            records = recovered(folder)
            _refuse_another_grid(folder, records, cells.values())
            finished = {r["key"]: r for r in records if not (retry and r["status"] == "failed")}
            keep = stack.enter_context(appending(folder))
            forget = lambda name: checkpoint_path(folder, name).unlink(missing_ok=True)  # noqa: E731
            for name in finished:  # a run may have been stopped between its record and this
                forget(name)
        waiting = [cell for name, cell in cells.items() if name not in finished]
        bar = stack.enter_context(tqdm(total=len(cells), initial=len(cells) - len(waiting), unit="cell", disable=None))
        row = _table(cells.values())
        for record in _records(waiting, executor, None if out is None else folder.resolve()):
            keep(record)
            forget(record["key"])
            finished[record["key"]] = record
            bar.write(row(record), file=sys.stderr)
            bar.update()
    return [finished[name] for name in cells]


def read(out: str | os.PathLike) -> list[dict]:
    """The finished cells of a folder, also while a run is at work in it; nothing is changed.

    Args:
        out: folder of `results.jsonl`; one that is not there has no results.

    Returns:
        One record a cell, in the order in which they finished; a last line that is not whole does not count, and of a
        cell that was tried again the last line alone.

    Raises:
        ResultsError: a line before the last is no record.
    """
    records, _ = _read(Path(out) / FILE)
    return list({record["key"]: record for record in records}.values())


def recovered(folder: Path) -> list[dict]:
    """The records of a folder that is held (`alone`); a last line that was cut off is moved to another file."""
    records, damaged = _read(folder / FILE)
    if damaged:
        _set_aside(folder / FILE, damaged)
    return records


def _read(path: Path) -> tuple[list[dict], bytes]:
    """The records of a file, and the last line where it was cut off."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if not line.endswith(b"\n") or not isinstance(record, dict) or not {"key", "status"} <= set(record):
                raise ValueError
        except ValueError:
            if number == len(lines):
                return records, line
            raise ResultsError(
                f"{path}, line {number}, is not a finished cell: {line[:60]!r}. Lines are never changed once they are "
                "written; restore the file, or delete that line to have its cell run again."
            ) from None
        records.append(record)
    return records, b""


def _set_aside(path: Path, line: bytes) -> None:
    """Move the cut-off last line of a file to another; the file is replaced whole."""
    print(f"{path}: its last line was cut off; moved to {ASIDE}, its cell runs again.", file=sys.stderr)
    with (path.parent / ASIDE).open("ab") as aside:
        aside.write(line.rstrip(b"\n") + b"\n")
    write_whole(path, path.read_bytes()[: -len(line)])


def _refuse_another_grid(folder: Path, records: list[dict], cells: Iterable[Any]) -> None:
    for kind in {type(cell) for cell in cells}:
        names = {field.name for field in fields(kind)}
        for record in records:
            if missing := names - record.keys():
                raise ResultsError(
                    f"{folder} has results of another grid: the cell {record['key']} has no "
                    f"{', '.join(sorted(missing))}, which {kind.__name__} has. Name a folder of this grid, or one that "
                    "is not there yet."
                )


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs; the system lets go when this process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        raise ResultsError(
            f"{folder} is in use: another run is at work in it. Wait for it, or name another folder."
        ) from None


@contextlib.contextmanager
def appending(folder: Path) -> Iterator[Callable[[dict], None]]:
    """A function that adds a record to a folder's file and returns when it is on disk."""
    path = folder / FILE
    with path.open("ab", buffering=0) as file:

        def keep(record: dict) -> None:
            line = json.dumps(record).encode() + b"\n"
            written = file.write(line)
            if written != len(line):  # a disk that fills up takes the beginning without complaint
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            os.fsync(file.fileno())

        yield keep


def _table(cells: Iterable[Any]) -> Callable[[dict], str]:
    """A function that gives a finished cell's line: the fields in which the cells differ, and what came out."""
    rows = [asdict(cell) for cell in cells]
    differing = [name for name in (rows[0] if rows else ()) if len({str(row.get(name)) for row in rows}) > 1]

    def row(record: dict) -> str:
        result = record["error"] if record["status"] == "failed" else f"accuracy {record.get('test_accuracy')}"
        return "  ".join([*(f"{name} {record[name]}" for name in differing), result, f"{record['seconds']:.1f} s"])

    return row


def checkpoint_path(folder: Path, name: str) -> Path:
    """Where a cell of that key keeps what it needs to go on after a stop, until its record is there."""
    return folder / f"{name}.partial.npz"


def _records(cells: list[Any], executor: Executor | None, folder: Path | None) -> Iterator[dict]:
    """The records of cells as they finish."""
    if executor is None:
        yield from (_train(cell, cnnlab.__version__, folder) for cell in cells)
        return
    futures = {executor.submit(_train, cell, cnnlab.__version__, folder): cell for cell in cells}
    try:
        for future in as_completed(futures):
            try:
                yield future.result()
            except (WorkerError, BrokenProcessPool, CancelledError):
                raise
            except Exception as error:  # this cell alone cannot be trained there: it kills every worker, say
                record = {"key": key(futures[future]), **asdict(futures[future]), "seconds": 0.0}
                yield record | {"status": "failed", "error": f"{type(error).__name__}: {error}", "traceback": ""}
    except (BrokenProcessPool, CancelledError) as error:
        raise WorkerError(f"the workers were lost ({type(error).__name__}). Run again to go on.") from error
    finally:  # on an error or an interrupt nothing more is started
        for future in futures:
            future.cancel()


def _train(cell: Any, version: str, folder: Path | None) -> dict:
    """One cell's record; this is what runs in a worker."""
    if cnnlab.__version__ != version:
        raise WorkerError(f"a worker has cnnlab {cnnlab.__version__}, the run has {version}: install the same on both.")
    record = {"key": key(cell), **asdict(cell)}
    start = time.perf_counter()
    try:
        options = {}
        if "checkpoint" in inspect.signature(cell.train).parameters and folder and folder.is_dir():
            options["checkpoint"] = checkpoint_path(folder, record["key"])  # another machine may not see the folder
        result = cell.train(**options)
        # What cannot be kept is an error of this cell, not of the run; a loss that is no number is kept as null.
        result = json.loads(json.dumps(result), parse_constant=lambda constant: None)
        status = "done"
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        status = "failed"
    return record | result | {"status": status, "seconds": round(time.perf_counter() - start, 2)}
