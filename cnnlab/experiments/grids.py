"""The grids of the course by name, each in a module of its own that is imported when it is asked for."""

import difflib
import importlib
from typing import Any

_GRIDS = {"residual_nets": "cnnlab.experiments.residual_nets"}


def names() -> list[str]:
    """The names that `grid` takes."""
    return sorted(_GRIDS)


def grid(name: str) -> list[Any]:
    """The cells of a grid, in the order in which they are run.

    Args:
        name: one of `names()`.

    Returns:
        Frozen dataclasses, of the size that the profile (`CNNLAB_PROFILE`) asks for.

    Raises:
        ValueError: unknown name.
    """
    if name not in _GRIDS:
        near = difflib.get_close_matches(str(name), names(), n=len(names()), cutoff=0.0)
        raise ValueError(f"`name` is the name of no grid: {name!r}. There are: {', '.join(near)}.")
    return importlib.import_module(_GRIDS[name]).cells()
