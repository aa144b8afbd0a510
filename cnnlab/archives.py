"""A folder as one file: packed into a zip archive, and read there without being unpacked."""

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from cnnlab.datasets.catalog import DataError
from cnnlab.files import writing_whole

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can hold


def pack(folder: Path, names: Iterable[str], path: Path) -> None:
    """Pack files of a folder into an archive: the same files give the same bytes, wherever and whenever.

    Nothing is compressed: pictures are already, and what is not compressed is read faster.

    Args:
        folder: what is packed; its own name is not kept.
        names: of the files in it, with slashes, in any order.
        path: of the archive, in a folder that exists.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    with writing_whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(names):
            member = zipfile.ZipInfo(name, DATE)
            member.create_system, member.external_attr = 3, 0o100644 << 16  # else they tell which system packed
            archive.writestr(member, (folder / name).read_bytes())


@contextmanager
def opened(path: Path) -> Iterator[Path | zipfile.Path]:
    """A folder to read from, or what a zip archive of one holds: nothing of it is written anywhere.

    Args:
        path: of a folder or of a zip archive.

    Yields:
        The folder, or the archive's top, which is used as a folder: `top / "name"`, `iterdir`, `is_file`, `read_bytes`.
        A backslash in a member's name counts as a slash, since some programs of Windows write it.

    Raises:
        DataError: the file is no zip archive or is broken, or a name in it leads out of it or is there twice.
        OSError: the file cannot be opened.
    """
    if path.is_dir():
        yield path
        return
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
        except Exception as error:  # whatever the damage leads to
            raise DataError(f"{path}: expected a zip archive, got none or a broken one ({error})") from None
        members = {}
        for member in archive.infolist():
            member.filename = _inside(member.filename, path)
            if members.setdefault(member.filename, member) is not member and not member.is_dir():
                raise DataError(f"{path}: expected each name once in the archive, got {member.filename} twice")
        archive.NameToInfo = members
        yield zipfile.Path(archive)


def _inside(name: str, path: Path) -> str:
    """A member's name with slashes alone, if it stays in the archive."""
    place = PureWindowsPath(name)  # takes / and \ alike
    if place.anchor or ".." in place.parts:
        raise DataError(f"{path}: expected names that stay in the archive, got {name!r}")
    return place.as_posix() + ("/" if name.endswith(("/", "\\")) else "")


def content(file: Path | zipfile.Path) -> bytes:
    """The bytes of a file in an opened folder or archive, with an error that names the file where they are broken.

    Raises:
        DataError: what the archive holds of the file is broken, or needs a password.
        OSError: a file of a folder cannot be read.
    """
    if isinstance(file, Path):
        return file.read_bytes()
    try:
        return file.read_bytes()
    except Exception as error:  # whatever the damage leads to
        raise DataError(f"{file}: expected a whole file in the archive, got {type(error).__name__} ({error})") from None
