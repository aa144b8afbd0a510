"""Fetch one file over HTTP: resumable, verified, bounded in time, never half-written under its own name.

Keras' get_file writes straight to the final name, has no time limit and always starts anew, so a bad connection can
leave a notebook waiting for ever. This module takes Keras' addresses and fills Keras' cache, but transfers by itself.
"""

import errno
import http.client
import os
import queue
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnlab.datasets import formats
from cnnlab.datasets.catalog import DataError, RemoteFile

CONNECT_SECONDS = 10.0  # from looking the host up to the first line of its answer
STALL_SECONDS = 15.0  # without a byte
SLOWEST_RATE = 200_000  # bytes a second below which `time_limit` gives a file up
ATTEMPTS = 4  # each goes on where the one before was cut off


class DownloadError(OSError):
    """A file could not be fetched; the message says why in a few words, without a path."""


def address(remote: RemoteFile) -> str:
    """Where the file is fetched from: Keras' address, or the folder of that name in CNNLAB_MIRROR, a server nearby."""
    mirror = os.environ.get("CNNLAB_MIRROR", "")
    if mirror and not mirror.startswith(("http://", "https://")):
        raise ValueError(f"CNNLAB_MIRROR must start with http:// or https://, got {mirror!r}")
    return f"{mirror.rstrip('/')}/{remote.name}" if mirror else remote.address


def time_limit(remote: RemoteFile) -> float:
    """Seconds that `load` grants a download."""
    return 30 + remote.size / SLOWEST_RATE


def check_reachable(remote: RemoteFile) -> None:
    """Raise DownloadError unless the server answers; costs no more than CONNECT_SECONDS."""
    _open(urllib.request.Request(address(remote), method="HEAD")).close()


def fetch(remote: RemoteFile, path: Path, seconds: float | None = None) -> None:
    """Download a file to `path`, through `path` + ".partial", where an interrupted download goes on.

    Args:
        remote: the file, with its size and checksum.
        path: where it lands, whole and verified. Nothing is done where it is already.
        seconds: limit for the whole, None for no limit but that on stalls.

    Raises:
        DataError: `path` exists and is not that file.
        DownloadError: no whole and right copy could be had.
    """
    if path.exists():
        formats.check_digest(path, remote.digest)
        return
    partial = path.with_name(path.name + ".partial")
    deadline = time.monotonic() + seconds if seconds is not None else float("inf")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        resumed = partial.exists()
        _transfer(remote, partial, deadline)
        if resumed and not formats.has_digest(partial, remote.digest):
            partial.unlink()  # what an earlier attempt left was not the start of this file
            _transfer(remote, partial, deadline)
        try:
            formats.check_digest(partial, remote.digest)
        except DataError as error:
            partial.unlink()
            raise DownloadError(f"{remote.name} came with a wrong checksum and was thrown away") from error
        partial.replace(path)
    except DownloadError:
        if partial.exists() and partial.stat().st_size > remote.size:
            partial.unlink()
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            partial.unlink(missing_ok=True)  # what is there helps nobody while it fills the disk
            raise DownloadError(f"the disk is full, {remote.name} takes {remote.size / 1e6:,.1f} MB") from error
        raise DownloadError(f"{remote.name} could not be written: {error.strerror}") from error


def _transfer(remote: RemoteFile, partial: Path, deadline: float) -> None:
    """Bring the partial file to its full size, going on after a cut-off as long as each attempt brings something."""
    for attempt in range(ATTEMPTS):
        before = partial.stat().st_size if partial.exists() else 0
        if before >= remote.size:
            return
        try:
            _append(remote, partial, before, deadline)
        except ConnectionError as error:
            reason = f"cut off ({error})"
        else:
            reason = "cut off"
        after = partial.stat().st_size if partial.exists() else 0
        if after >= remote.size:
            return
        if after <= before or attempt == ATTEMPTS - 1:
            raise DownloadError(f"{remote.name} was {reason} after {after:,} of {remote.size:,} bytes")


def _append(remote: RemoteFile, partial: Path, have: int, deadline: float) -> None:
    """Ask for the bytes from `have` on and write what comes; start again where the server does not do ranges."""
    from tqdm import tqdm

    request = urllib.request.Request(address(remote), headers={"Range": f"bytes={have}-"} if have else {})
    with _open(request) as response:
        goes_on = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        have = have if goes_on else 0
        bar = tqdm(desc=remote.name, total=remote.size, initial=have, unit="B", unit_scale=True, leave=False)
        with partial.open("ab" if goes_on else "wb") as file, bar:
            for block in _blocks(response):
                file.write(block)
                have += len(block)
                bar.update(len(block))
                if have > remote.size:
                    raise DownloadError(
                        f"{remote.name} is longer on the server than the {remote.size:,} bytes expected"
                    )
                if time.monotonic() > deadline:
                    raise DownloadError(f"{remote.name} was too slow, {have:,} of {remote.size:,} bytes came in time")


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What comes, as it comes; every failure of the network is a ConnectionError, so that the disk's are told apart."""
    try:
        # read1 returns after each packet; read would wait until all of a block has trickled in.
        while block := response.read1(1 << 16):
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(str(error) or type(error).__name__) from error


def _open(request: urllib.request.Request) -> http.client.HTTPResponse:
    """Open an address within CONNECT_SECONDS.

    In a thread of its own, because a socket's time limit covers neither the look-up of the host's name nor an answer
    that comes line by line.
    """
    answers: queue.Queue = queue.Queue()

    def ask() -> None:
        try:
            answers.put(urllib.request.urlopen(request, timeout=STALL_SECONDS))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        raise DownloadError(f"{request.host} did not answer within {CONNECT_SECONDS:g} s") from None
    if isinstance(answer, urllib.error.HTTPError):
        raise DownloadError(f"{request.host} answered {answer.code} {answer.reason}") from answer
    if isinstance(answer, Exception):
        reason = getattr(answer, "reason", answer)
        raise DownloadError(f"{request.host} cannot be reached ({reason})") from answer
    return answer


@contextmanager
def locked(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the folder's lock, so that one process at a time writes there; the system frees it when a process dies.

    Raises:
        TimeoutError: another process has held it for `seconds`.
        OSError: the folder cannot be written.
    """
    path = folder / ".cnnlab.lock"
    folder.mkdir(parents=True, exist_ok=True)
    path.touch()  # says in the system's own words what is wrong with a read-only folder
    # SQLite's is the one lock in the standard library that works alike on every system; the file stays empty.
    connection = sqlite3.connect(path, timeout=seconds, isolation_level=None)
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname == "SQLITE_BUSY":
                raise TimeoutError(f"another process is writing to {folder}") from error
            raise OSError(f"{path} cannot be locked: {error}") from error
        yield
    finally:
        connection.close()
