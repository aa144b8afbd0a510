"""The four places a data set can come from, in the order in which they are asked."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cnnlab
from cnnlab.datasets import download, formats
from cnnlab.datasets.catalog import ENTRIES, DataError, Entry, RemoteFile
from cnnlab.datasets.formats import Arrays
from cnnlab.wording import few

RESTORE = "Restore it with git, or install the course again."


class NotAtHandError(DataError):
    """No source has the set."""


class NotHere(Exception):
    """A source has no copy of the set; the message says why, in a few words."""


def find(entry: Entry, offline: bool | None = None) -> tuple[Arrays, str, list[str]]:
    """Ask the sources in turn.

    A source that lacks the set says why and the next is asked; a damaged copy ends the search, since going on would
    replace the data asked for in silence.

    Args:
        entry: the set.
        offline: True never downloads, False allows it, None leaves it to the variable CNNLAB_OFFLINE.

    Returns:
        the arrays as the files hold them, the name of the source, and why each earlier source was passed over.

    Raises:
        DataError: a copy is damaged.
        NotAtHandError: no source has one.
        FileNotFoundError: CNNLAB_DATA names no folder.
    """
    passed_over = []
    for source, read in (
        ("directory", from_directory),
        ("keras-cache", from_keras_cache),
        ("download", lambda entry: from_download(entry, offline)),
        ("embedded", from_embedded),
    ):
        try:
            return read(entry), source, passed_over
        except NotHere as reason:
            passed_over.append(f"{source}: {reason}")
    raise NotAtHandError(
        f"{entry.name} is not at hand ({'; '.join(passed_over)}). Connect to the network, or set CNNLAB_DATA to a"
        f" folder with {entry.file}, which `python -m cnnlab.datasets prepare FOLDER {entry.name}` makes where there is"
        f' a network. Without either, load("shapes100") gives a generated stand-in under its own name.'
    )


def from_directory(entry: Entry) -> Arrays:
    """Read the set's file in the folder that CNNLAB_DATA names."""
    setting = os.environ.get("CNNLAB_DATA", "")
    if not setting:
        raise NotHere("CNNLAB_DATA is not set")
    folder = Path(setting).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"CNNLAB_DATA must name a folder with data sets, got {setting!r}, where there is none. "
            "Correct the variable, or unset it to use the other sources."
        )
    return read_folder(folder, entry)


def read_folder(folder: Path, entry: Entry) -> Arrays:
    """Read the set in a folder for CNNLAB_DATA: its own file, or else the files its authors publish."""
    try:
        return read_prepared(folder, entry)
    except NotHere as reason:
        return read_published(folder, entry, str(reason))


def read_prepared(folder: Path, entry: Entry) -> Arrays:
    """Read the set's file in a classroom folder, verified against the folder's SHA256SUMS where that lists it."""
    path = folder / entry.file
    with _advice(f"Copy it again, or delete it and run `python -m cnnlab.datasets prepare {folder} {entry.name}`."):
        if not path.exists():
            raise NotHere(f"no {entry.file}")
        if expected := formats.read_checksums(folder).get(entry.file):
            formats.check_digest(path, expected)
        return formats.read_npz(path, entry)


# The four files of MNIST and Fashion-MNIST, in the order of `formats.read_idx_files`, by the names that mirrors give
# them: train-images-idx3-ubyte.gz, the same unpacked, train-images.idx3-ubyte.
IDX_NAMES = [
    re.compile(rf"{split}-{kind}[-.]idx[13][-.]ubyte(\.gz)?")
    for split in ("train", "t10k")
    for kind in ("images", "labels")
]


def read_published(folder: Path, entry: Entry, reason: str) -> Arrays:
    """Read the set out of the files that its authors publish, in the folder or one or two folders below.

    Args:
        folder: for CNNLAB_DATA.
        entry: the set.
        reason: why its own file cannot be had.

    Raises:
        DataError: a file is damaged.
        NotHere: there is no whole set; with the reason, and what lies there that looks like it.
    """
    read = _published_cifar if entry.name.startswith("cifar") else _published_idx
    below = sorted(path for pattern in ("*/", "*/*/") for path in folder.glob(pattern))  # folders alone
    reasons = [reason]
    with _advice("Copy it again, or take it away."):
        for place in (folder, *below):
            try:
                return read(place, entry)
            except NotHere as remark:
                reasons += [str(remark)] if str(remark) else []
    # Of all that a folder may hold: the set's family by name, IDX files, and tables, as which some hand digits on.
    like = re.compile(rf"{entry.name.split('_')[-1].rstrip('01')}|ubyte|\.csv$", re.IGNORECASE)
    others = {other.file for other in ENTRIES.values()}
    found = sorted(path.name for path in folder.glob("*") if like.search(path.name) and path.name not in others)
    if found:
        reasons.append(f"found {few(found)}")
    raise NotHere(", ".join(reasons))


def _published_idx(place: Path, entry: Entry) -> Arrays:
    """MNIST or Fashion-MNIST, whose four files have the same names: the pictures tell which they are."""
    names = sorted(path.name for path in place.glob("*"))
    paths = [next((place / name for name in names if pattern.fullmatch(name)), None) for pattern in IDX_NAMES]
    if None in paths:
        raise NotHere(f"{4 - paths.count(None)} of the four IDX files in {place}" if any(paths) else "")
    arrays = formats.read_idx_files(paths)
    try:
        formats.check(arrays, entry, place)
    except DataError as error:
        raise NotHere(str(error)) from error
    if formats.content_digest(arrays) != entry.content_sha256:
        raise NotHere(f"the IDX files in {place} hold other pictures")
    return arrays


def _published_cifar(place: Path, entry: Entry) -> Arrays:
    """The archive or the extracted folder, of the version for Python or the binary one."""
    remote = entry.files[0]
    for folder, archive in zip(
        formats.cifar_folders(entry), (remote.name, remote.name.replace("python", "binary")), strict=True
    ):
        path = place / archive
        if path.is_file():
            if archive == remote.name:
                formats.check_digest(path, remote.digest)
            return formats.read_cifar_archive(path, entry)
        if place.name == folder:
            return formats.read_cifar_folder(place, entry)
    raise NotHere


def keras_folder() -> Path:
    """Keras' own cache of data sets, found as Keras finds it but without importing Keras."""
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"]).expanduser() / "datasets"
    home = Path.home()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras" / "datasets"


def from_keras_cache(entry: Entry) -> Arrays:
    """Read what Keras, or an earlier download of ours, has left in Keras' cache."""
    return read_downloads(keras_folder(), entry)


def read_downloads(folder: Path, entry: Entry) -> Arrays:
    """Read the files a set is downloaded as, under the names that Keras gives them."""
    with _advice("Unless another program is downloading it just now, delete it: it will be downloaded anew."):
        if entry.name.startswith("cifar"):
            return _cached_cifar(folder, entry)
        paths = [folder / remote.cached for remote in entry.files]
        for path in paths:
            if not path.exists():
                raise NotHere(f"no {path.name}")
        if entry.name == "mnist":
            return _cached_mnist(paths[0], entry)
        for path, remote in zip(paths, entry.files, strict=True):
            formats.check_digest(path, remote.digest)
        return formats.check(formats.read_idx_files(paths), entry, folder)


def _cached_mnist(path: Path, entry: Entry) -> Arrays:
    """Accept Keras' own file, and the same 70,000 digits in another packing or order; nothing else is MNIST."""
    arrays = formats.read_npz(path, entry)
    expected = entry.files[0].digest
    if formats.file_digest(path) != expected and formats.content_digest(arrays) != entry.content_sha256:
        raise DataError(f"{path}: expected Keras' file with sha256 {expected}, got {formats.file_digest(path)}")
    return arrays


def _cached_cifar(folder: Path, entry: Entry) -> Arrays:
    """Accept the archive, or the folder Keras extracts it to, under the names that Keras 3 and Keras 2 give them."""
    (remote,) = entry.files
    name = formats.cifar_folder(entry)
    for path in (folder / remote.cached, folder / f"{name}.tar.gz"):
        if path.is_file():
            formats.check_digest(path, remote.digest)
            return formats.read_cifar_archive(path, entry)
    for path in (folder / f"{name}-target" / name, folder / name):
        if path.is_dir():
            return formats.read_cifar_folder(path, entry)
    raise NotHere(f"no {name}")


def from_download(entry: Entry, offline: bool | None) -> Arrays:
    """Download the set's files into Keras' cache, where Keras finds them too, and read them there."""
    fetch_all(entry.files, keras_folder(), offline)
    return from_keras_cache(entry)


def fetch_all(files: Sequence[RemoteFile], folder: Path, offline: bool | None = None) -> None:
    """Download files into a folder, each to its path `cached` there.

    Raises:
        DataError: a file is there and damaged.
        NotHere: they cannot be had.
    """
    if offline or (offline is None and is_switched_on("CNNLAB_OFFLINE")):
        raise NotHere("offline")
    seconds = sum(download.time_limit(remote) for remote in files)
    try:
        # Before the lock is taken, so that notebooks run side by side without a network do not wait for each other.
        download.check_reachable(files[0])
        with download.locked(folder, seconds):
            for remote in files:
                download.fetch(remote, folder / remote.cached, download.time_limit(remote))
    except TimeoutError:
        raise NotHere("another process is downloading") from None
    except download.DownloadError as error:
        raise NotHere(str(error)) from error
    except OSError as error:
        raise NotHere(f"Keras' cache cannot be written ({error.strerror or error})") from error


def from_embedded(entry: Entry) -> Arrays:
    """Read the default that comes with the course."""
    if not entry.embedded:
        raise NotHere("there is none")
    path = embedded_file(entry.embedded.file)
    with _advice(RESTORE):
        return formats.read_npz(path, entry.embedded)


def embedded_folder() -> Path:
    """The embedded files: `data/` of the repository in a checkout, `cnnlab/data` in an installed package."""
    package = Path(cnnlab.__file__).parent
    for folder in (package / "data", package.parent / "data"):
        if (folder / "SHA256SUMS").is_file():
            return folder
    raise DataError(f"{package / 'data'}: expected the embedded files of the course, got none. {RESTORE}")


def embedded_file(name: str) -> Path:
    """Path of an embedded file, verified against the SHA256SUMS of the folder it lies in."""
    path = embedded_folder() / name
    with _advice(RESTORE):
        sums = formats.read_checksums(path.parent)
        if path.name not in sums or not path.is_file():
            raise DataError(f"{path}: expected a file that SHA256SUMS lists, got none")
        formats.check_digest(path, sums[path.name])
    return path


def is_switched_on(variable: str) -> bool:
    """Whether an environment variable is switched on.

    Raises:
        ValueError: it holds neither a yes nor a no.
    """
    value = os.environ.get(variable, "").lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("", "0", "false", "no", "off"):
        return False
    raise ValueError(f"{variable} must be 1 or 0, got {value!r}")


@contextmanager
def _advice(text: str) -> Iterator[None]:
    """Add what to do to the message of a damaged file."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{error}. {text}") from error
