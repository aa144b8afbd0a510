"""Digits that the checks of exercises give to a student's function or judge it by: the same on every machine."""

import numpy as np


def digits(start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Some of the course's own training digits, float32 (N, 28, 28, 1) from 0 to 255, and their labels."""
    from cnnlab.datasets import embedded_folder

    with np.load(embedded_folder() / "mnist_sample.npz") as sample:
        return sample["x_train"][start:stop, ..., None].astype("float32"), sample["y_train"][start:stop].astype(int)


def digits_misjudged(model, least: float, it: str = "it") -> str | None:
    """What is wrong with a model's answers to 500 other digits, as a phrase; None where a share `least` is right.

    Args:
        model: from digits as `digits` gives them to ten numbers.
        least: share that has to be right.
        it: what the model is called.
    """
    import keras

    images, labels = digits(3000, 3500)
    outputs = keras.ops.convert_to_numpy(model(images))
    if outputs.shape != (len(images), 10):
        return f"expected ten outputs per image, got shape {outputs.shape} for {len(images)} images"
    share = np.mean(outputs.argmax(axis=1) == labels)
    return None if share >= least else f"{it} gets {share:.1%} of the other digits right"
