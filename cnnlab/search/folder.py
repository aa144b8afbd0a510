"""What the folder of a search holds, for the search that writes it and for the report that reads it.

`results.jsonl` with one record a trial (`cnnlab.experiments.runner`), the best network so far, and `search.json`.
"""

import json
from pathlib import Path

from cnnlab.files import write_whole

SETTINGS = "search.json"


class SearchError(ValueError):
    """A folder cannot be used for this search, or no network of it can be trained."""


def best_of(records: list[dict]) -> dict | None:
    """The finished record of the highest accuracy, the earliest of equals; None where none is finished."""
    done = [record for record in records if record["status"] == "done"]
    return max(done, key=lambda record: record["accuracy"], default=None)


def network_file(record: dict) -> str:
    """The name of the file that holds the network of a record, as long as it is the best."""
    return f"{record['key']}.keras"


def write_settings(folder: Path, settings: dict) -> None:
    """Write what a search was asked for and, when it has ended, what was used."""
    write_whole(folder / SETTINGS, json.dumps(settings, indent=1) + "\n")


def read_settings(folder: Path) -> dict:
    """What a search was asked for and, when it has ended, what was used.

    Raises:
        SearchError: the folder holds no search.
    """
    try:
        return json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SearchError(f"`directory` {folder} holds no search: {SETTINGS} cannot be read ({error}).") from None


def claim(folder: Path, settings: dict) -> dict:
    """Take a folder for a search: write what is asked for where it is new, and refuse where it holds another search.

    Returns:
        What the folder holds of an earlier attempt, empty where it is new.

    Raises:
        SearchError: the folder holds a search on other data or with other settings, or its settings are damaged.
    """
    path = folder / SETTINGS
    if not path.exists():
        write_settings(folder, settings)
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name, value in settings.items() if kept[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise SearchError(f"{path} is damaged: {error!r}. Name another folder.") from None
    if {"fingerprint", "images"} & set(differing):
        raise SearchError(f"`directory` {folder} holds a search on other data. Name another folder.")
    if differing:
        was = ", ".join(f"{name}={kept[name]!r}" for name in differing)
        raise SearchError(f"`directory` {folder} holds a search with {was}. Ask for the same, or name another folder.")
    return kept
