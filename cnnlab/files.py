"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def writing_whole(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole: complete and on disk after the block; until then, what was there before stays.

    Args:
        path: of the file, in a folder that exists.

    Yields:
        A file to write to.

    Raises:
        OSError: the file cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole, as `writing_whole` does.

    Args:
        path: of the file, in a folder that exists.
        content: text, written as UTF-8, or bytes.

    Raises:
        OSError: the file cannot be written.
    """
    with writing_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)
