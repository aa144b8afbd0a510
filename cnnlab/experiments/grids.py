"""The grids of the course by name, each in a module of its own that is imported when it is asked for."""

import difflib
import importlib
from dataclasses import asdict, replace
from typing import Any

# Name of the grid: its module, and the function there that gives its cells.
_GRIDS = {
    "cifar100_comparison": ("cifar100_comparison", "cells"),
    "cifar100_fast": ("cifar100_fast", "fast"),
    "cifar100_long": ("cifar100_fast", "long"),
    "cifar100_regularizers": ("cifar100_regularizers", "cells"),
    "cifar100_steps": ("cifar100_fast", "steps"),
    "mnist_budget": ("mnist_budget", "cells"),
    "residual_nets": ("residual_nets", "cells"),
}


def names() -> list[str]:
    """The names that `grid` takes."""
    return sorted(_GRIDS)


def grid(name: str, **changes: Any) -> list[Any]:
    """The cells of a grid, in the order in which they are run.

    Args:
        name: one of `names()`.
        **changes: fields of the cells, and the values that every cell gets in their place. Cells that become equal
            are one.

    Returns:
        Frozen dataclasses, of the size that the profile (`CNNLAB_PROFILE`) asks for.

    Raises:
        ValueError: unknown name or field, or a value of another type than the field's.
    """
    if name not in _GRIDS:
        near = difflib.get_close_matches(str(name), names(), n=len(names()), cutoff=0.0)
        raise ValueError(f"`name` is the name of no grid: {name!r}. There are: {', '.join(near)}.")
    module, function = _GRIDS[name]
    cells = getattr(importlib.import_module(f"cnnlab.experiments.{module}"), function)()
    for field, value in changes.items():
        known = asdict(cells[0])
        if field not in known:
            near = difflib.get_close_matches(field, known, n=len(known), cutoff=0.0)
            raise ValueError(f"`{field}` is no field of the grid {name}. Its fields are: {', '.join(near)}.")
        accepted = (int, float) if type(known[field]) is float else (type(known[field]),)
        if type(value) not in accepted:
            raise ValueError(f"`{field}` needs a value like {known[field]!r}; received {value!r}.")
        changes[field] = type(known[field])(value)  # 6 and 6.0 are one cell
    return list(dict.fromkeys(replace(cell, **changes) for cell in cells))
