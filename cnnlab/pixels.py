"""Pixels in the range that a network takes: nothing warns of one divided by 255 twice, it just answers nonsense."""

from collections.abc import Iterator

import keras
import numpy as np


def refuse_scaled(images, model: keras.Model | None = None) -> None:
    """Refuse pixels from 0 to 1, or from -1 to 1, where those from 0 to 255 are meant.

    Args:
        images: array or tensor, (N, H, W, C). Whole numbers pass, and so does what has no values yet, as in a graph.
        model: the network they are for; where it does not begin with a `Rescaling` of bytes, anything passes. None for
            one that is known to begin so.

    Raises:
        ValueError: no pixel is above 1, and not all are 0.
    """
    if model is not None and not rescales(model):
        return
    try:
        values = np.asarray(images)
    except (TypeError, ValueError, NotImplementedError):  # a symbolic tensor, in three kinds of graphs
        return
    if values.dtype.kind == "f" and values.size and values.any() and values.max() <= 1:
        raise ValueError(
            "`images` needs pixels from 0 to 255, since the network scales them itself; received values from "
            f"{values.min():.3g} to {values.max():.3g}. Leave out the division by 255, or multiply by 255."
        )


def rescales(model: keras.Model) -> bool:
    """Whether the first thing that a network does to its input is a `Rescaling` that bytes need."""
    for layer in _in_order(model):
        if isinstance(layer, keras.layers.Rescaling):
            return bool(np.max(np.abs(layer.scale)) < 0.1 or np.max(np.abs(layer.offset)) > 2)
        if layer.weights:
            return False
    return False


def _in_order(model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, those of a model in it in its place; none of what only predicts like a model."""
    for layer in getattr(model, "layers", ()):
        yield from _in_order(layer) if isinstance(layer, keras.Model) else [layer]


@keras.saving.register_keras_serializable(package="cnnlab")
class BytesModel(keras.Model):
    """A functional model that takes pixels from 0 to 255 and refuses others, called directly or through `predict`.

    Loaded where `cnnlab.pixels` is imported; a model that is built from its layers is a plain one again.
    """

    def __call__(self, inputs, *args, **kwargs):
        refuse_scaled(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        refuse_scaled(x)
        return super().predict(x, *args, **kwargs)
