"""The architectures of the course, one file a family, built from Keras layers."""

import difflib
import importlib
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_DEPTHS = (18, 34, 50, 101, 152)
_VGG = {"11": "A", "13": "B", "16": "D", "19": "E"} | {
    letters.lower().replace("-", ""): letters for letters in ("A", "A-LRN", "B", "C", "D", "E")
}
# Name of the architecture: its module, the function in it, and what the name says beyond that.
_BUILDERS = {
    "cifarnet": ("cifar", "cifar_net", {}),
    "digitnet": ("digits", "digit_net", {}),
    "lenet5": ("lenet", "lenet5", {}),
    "alexnet": ("alexnet", "alexnet", {}),
    **{
        f"vgg{name}": ("vgg", "vgg", {"configuration": letters, "name": f"vgg{name}"}) for name, letters in _VGG.items()
    },
    "nin": ("nin", "nin", {}),
    "googlenet": ("inception", "googlenet", {}),
    "inceptionv2": ("inception", "inceptionv2", {}),
    **{f"resnet{depth}": ("resnet", "resnet", {"depth": depth, "name": f"resnet{depth}"}) for depth in _DEPTHS},
    **{
        f"resnet{depth}v2": ("resnet", "resnet", {"depth": depth, "preactivation": True, "name": f"resnet{depth}v2"})
        for depth in _DEPTHS
    },
    "densenet121": ("densenet", "densenet121", {}),
    "mobilenet": ("mobilenet", "mobilenet", {}),
    "efficientnet_lite0": ("efficientnet", "efficientnet_lite0", {}),
    "pilotnet": ("driving", "pilotnet", {}),
    "drivenet": ("driving", "drivenet", {}),
}


def names() -> list[str]:
    """The names that `build` takes: `vgg16` is VGG's configuration D, `resnet50v2` ResNet-50 with pre-activation."""
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
        ValueError: unknown name, no classes, or sizes or options that the architecture cannot take.
    """
    if name not in _BUILDERS:
        near = difflib.get_close_matches(str(name), names(), cutoff=0.3) or names()
        raise ValueError(f"`name` is the name of no model: {name!r}. Nearest: {', '.join(near)}.")
    if not _counts(classes):
        raise ValueError(f"`classes` needs an integer of at least 1; received {classes!r}.")
    if not isinstance(input_shape, tuple | list) or len(input_shape) != 3 or not all(map(_counts, input_shape)):
        raise ValueError(f"`input_shape` needs (height, width, channels) in pixels; received {input_shape!r}.")
    module, function, settings = _BUILDERS[name]
    builder = getattr(importlib.import_module(f"cnnlab.models.{module}"), function)
    return builder(tuple(input_shape), classes, **settings | options)


@contextmanager
def blueprints() -> Iterator[None]:
    """Models built inside have weights with shapes and without values: to be counted, not to be run.

    They take no memory and a fraction of the time; the 138 million weights of VGG16 would take 550 MB.
    """
    import keras

    with keras.StatelessScope(initialize_variables=False):
        yield
    # Keras keeps a list of the weights that wait for values, and would fill them on the next occasion.
    keras.utils.clear_session(free_memory=False)


def _counts(value) -> bool:
    """Whether a value is an integer of at least 1."""
    try:
        return not isinstance(value, bool) and operator.index(value) >= 1
    except TypeError:
        return False
