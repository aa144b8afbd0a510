"""The architectures of the course, one file a family, built from Keras layers."""

import difflib
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

# Name of the architecture: its module and the function in it.
_BUILDERS = {
    "digitnet": ("digits", "digit_net"),
    "lenet5": ("lenet", "lenet5"),
}


def names() -> list[str]:
    """The names that `build` takes."""
    return sorted(_BUILDERS)


def build(name: str, input_shape: tuple[int, int, int], classes: int, **options) -> "keras.Model":
    """Build an architecture of the course by its name.

    Args:
        name: one of `names()`.
        input_shape: (height, width, channels) of an image, in pixels.
        classes: number of classes.
        **options: what the architecture's own function takes besides; `activation="softmax"` gives probabilities
            in place of logits.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: unknown name, or sizes that the architecture cannot take.
    """
    if name not in _BUILDERS:
        near = difflib.get_close_matches(str(name), names(), cutoff=0.3) or names()
        raise ValueError(f"`name` is the name of no model: {name!r}. Nearest: {', '.join(near)}.")
    module, function = _BUILDERS[name]
    return getattr(importlib.import_module(f"cnnlab.models.{module}"), function)(input_shape, classes, **options)
