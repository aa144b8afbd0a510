"""Files of records that benchmarks keep: one line of JSON each."""

import json
from pathlib import Path

from cnnlab.files import write_whole


def read(path: Path) -> list[dict]:
    """The records of a file; none if it is not there."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def write(path: Path, records: list[dict]) -> None:
    """Replace the file by these records, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(json.dumps(record) + "\n" for record in records))
