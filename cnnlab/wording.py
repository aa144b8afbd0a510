"""Phrases that messages of several modules share."""

from collections.abc import Sequence


def few(names: Sequence[str], most: int = 4) -> str:
    """The first names of a list, and how many follow: "a, b and 3 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
