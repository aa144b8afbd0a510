"""A classroom folder: make one with a network, check it, and see which data sets this machine has."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnlab.datasets import download, formats, sources
from cnnlab.datasets.catalog import ENTRIES, DataError, Entry

LOCK_SECONDS = 3600.0  # the longest wait for another process that prepares the same folder


@dataclass(frozen=True)
class Row:
    """What happened to, or is known of, one data set or file.

    Attributes:
        name: of the set, or of a file that is no set.
        status: one word or two; `failed` says whether it is bad.
        source: where `load` finds the set, "" where that is not the question.
        bytes: of the file, or of the pictures and labels in memory.
        detail: anything more, in words.
    """

    name: str
    status: str
    failed: bool = False
    source: str = ""
    bytes: int = 0
    detail: str = ""


def prepare(folder: Path, names: list[str] | None = None) -> list[Row]:
    """Write data sets into a folder for CNNLAB_DATA: from published files there, Keras' cache, or the network.

    A set that is there and right is left as it is; a download that was interrupted goes on; two processes that prepare
    the same folder take turns.

    Args:
        folder: made if it is not there.
        names: sets to prepare, all that have files if None.

    Returns:
        one row a set: "prepared", "already there" or "failed".

    Raises:
        ValueError: a name is not that of a set with files.
        OSError: the folder cannot be written.
    """
    for name in names or []:
        if name not in ENTRIES:
            remark = " (shapes100 is generated and needs no file)" if name == "shapes100" else ""
            raise ValueError(f"names must be among {', '.join(ENTRIES)}{remark}, got {name!r}")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(download.locked(folder, seconds=0))
        except TimeoutError:
            print(f"Another process is preparing {folder}; waiting for it.", file=sys.stderr)
            stack.enter_context(download.locked(folder, LOCK_SECONDS))
        return [_prepare_one(folder, ENTRIES[name]) for name in dict.fromkeys(names or ENTRIES)]


def _prepare_one(folder: Path, entry: Entry) -> Row:
    path = folder / entry.file
    try:
        try:
            sources.read_prepared(folder, entry)
            status = "already there"
            if entry.file not in formats.read_checksums(folder):
                _record(folder, entry.file, formats.file_digest(path))
        except sources.NotHere:
            arrays = _raw_arrays(folder, entry)
            with _written_whole(path) as partial:
                with partial.open("wb") as file:
                    np.savez(file, **arrays)
                # Listed before it is there, so that nobody can see the file without its checksum.
                _record(folder, entry.file, formats.file_digest(partial))
            _remove_downloads(folder, entry)
            status = "prepared"
        return Row(entry.name, status, bytes=path.stat().st_size)
    except (DataError, download.DownloadError) as error:
        return Row(entry.name, "failed", failed=True, detail=str(error))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = f"the disk of {folder} is full" if full else f"{folder} cannot be written ({error.strerror})"
        return Row(entry.name, "failed", failed=True, detail=reason)


@contextlib.contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to; at the end the file takes its own name, or after an error is removed."""
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _raw_arrays(folder: Path, entry: Entry) -> formats.Arrays:
    """The set as published in the folder, or out of Keras' cache, or else out of files downloaded into the folder."""
    try:
        try:
            arrays = sources.read_published(folder, entry, "")
        except sources.NotHere:
            arrays = sources.from_keras_cache(entry)
    except sources.NotHere:
        if sources.is_switched_on("CNNLAB_OFFLINE"):
            raise download.DownloadError(f"CNNLAB_OFFLINE is set and Keras' cache has no {entry.name}") from None
        try:
            for remote in entry.files:
                download.fetch(remote, _downloads(folder) / remote.cached)
        finally:
            _remove_empty_folders(folder, entry)
        arrays = sources.read_downloads(_downloads(folder), entry)
    labels = {key for key, (_, kind) in formats.layout(entry).items() if kind == "labels"}
    return {key: array.astype(np.uint8) if key in labels else array for key, array in arrays.items()}


def _downloads(folder: Path) -> Path:
    return folder / "downloads.partial"


def _remove_downloads(folder: Path, entry: Entry) -> None:
    for remote in entry.files:
        (_downloads(folder) / remote.cached).unlink(missing_ok=True)
    _remove_empty_folders(folder, entry)


def _remove_empty_folders(folder: Path, entry: Entry) -> None:
    for path in (_downloads(folder) / entry.files[0].cached).parent, _downloads(folder):
        with contextlib.suppress(OSError):  # it is not empty, or not there
            path.rmdir()


def _record(folder: Path, name: str, digest: str) -> None:
    """Enter a file into the folder's SHA256SUMS."""
    sums = formats.read_checksums(folder) | {name: digest}
    with _written_whole(folder / "SHA256SUMS") as partial:
        partial.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")


def verify(folder: Path) -> list[Row]:
    """Check every data set in a folder, and every other file its SHA256SUMS lists.

    Returns:
        one row each: "right", "damaged", "missing" (listed but not there) or "not there" (neither).

    Raises:
        FileNotFoundError: the folder is not there.
        DataError: it holds nothing to check, or its SHA256SUMS cannot be read.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"DIR must be a folder, got {str(folder)!r}, where there is none")
    sums = formats.read_checksums(folder)
    rows = [_verify_set(folder, entry, entry.file in sums) for entry in ENTRIES.values()]
    others = sorted(set(sums) - {entry.file for entry in ENTRIES.values()})
    rows += [_verify_file(folder, name, sums[name]) for name in others]
    if all(row.status == "not there" for row in rows):
        raise DataError(f"{folder}: expected one of {', '.join(entry.file for entry in ENTRIES.values())}, got none")
    return rows


def _verify_set(folder: Path, entry: Entry, listed: bool) -> Row:
    try:
        arrays = sources.read_folder(folder, entry)
    except sources.NotHere:
        return Row(entry.name, "missing" if listed else "not there", failed=listed)
    except (DataError, OSError) as error:
        return Row(entry.name, "damaged", failed=True, detail=str(error))
    path = folder / entry.file
    if not path.exists():
        return Row(
            entry.name,
            "missing" if listed else "right",
            failed=listed,
            bytes=sum(array.nbytes for array in arrays.values()),
            detail="in the files that its authors publish",
        )
    detail = "" if listed else "not listed in SHA256SUMS: shapes, types and labels alone were checked"
    return Row(entry.name, "right", bytes=path.stat().st_size, detail=detail)


def _verify_file(folder: Path, name: str, digest: str) -> Row:
    path = folder / name
    if not path.is_file():
        return Row(name, "missing", failed=True)
    try:
        formats.check_digest(path, digest)
    except (DataError, OSError) as error:
        return Row(name, "damaged", failed=True, detail=str(error))
    return Row(name, "right", bytes=path.stat().st_size)


def overview() -> list[Row]:
    """Where `load` would find each set on this machine, as far as that shows without asking the network."""
    generated = Row("shapes100", "right", source="embedded", detail="generated, any number of images")
    return [*map(_whereabouts, ENTRIES.values()), generated]


def _whereabouts(entry: Entry) -> Row:
    megabytes = sum(remote.size for remote in entry.files) / 1e6
    offer = "" if sources.is_switched_on("CNNLAB_OFFLINE") else f"{megabytes:,.0f} MB to download"
    try:
        arrays, source, _ = sources.find(entry, offline=True)
    except sources.NotAtHandError:
        return Row(entry.name, "not here", source="download" if offer else "none", detail=offer)
    except (DataError, OSError) as error:
        return Row(entry.name, "damaged", failed=True, detail=str(error))
    detail = f"{len(arrays['x_train']):,} + {len(arrays['x_test']):,} images"
    if source == "embedded" and offer:
        detail += f"; all {entry.train:,} + {entry.test:,} once downloaded, {offer}"
    size = sum(array.nbytes for array in arrays.values())
    return Row(entry.name, "right", source=source, bytes=size, detail=detail)
