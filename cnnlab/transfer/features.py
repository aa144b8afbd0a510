"""What a frozen network makes of pictures, computed once."""

import hashlib
from pathlib import Path

import keras
import numpy as np

from cnnlab.pixels import refuse_scaled


def features(model: keras.Model, images: np.ndarray, folder: Path | None = None, batch_size: int = 128) -> np.ndarray:
    """The outputs of a model for many pictures, read from a file where they were computed before.

    Args:
        model: from pictures to anything, such as a backbone with global pooling behind it.
        images: (N, H, W, C).
        folder: where to keep the outputs, one file for each pair of weights and pictures; None keeps nothing.
        batch_size: pictures computed at a time.

    Returns:
        float32 (N, ...).

    Raises:
        ValueError: there are no pictures, they have not the shape that the model takes, or they lie from 0 to 1 where
            its first layer divides them.
    """
    images = np.asarray(images)
    expected = model.input_shape
    fits = images.ndim == len(expected) and all(
        side in (None, length) for side, length in zip(expected[1:], images.shape[1:], strict=True)
    )
    if not (fits and len(images)):
        raise ValueError(f"`images` needs the shape {expected}, at least one; received {images.shape}.")
    refuse_scaled(images, model)
    path = None
    if folder is not None:
        path = Path(folder) / f"{_key(model, images)}.npy"
        if path.is_file():
            return np.load(path, allow_pickle=False)
    outputs = model.predict(images, batch_size=batch_size, verbose=0).astype("float32")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, outputs, allow_pickle=False)
        partial.replace(path)
    return outputs


def _key(model: keras.Model, images: np.ndarray) -> str:
    """Other weights, another architecture or other pictures give another key."""
    digest = hashlib.sha256(model.to_json().encode())
    for array in (*model.get_weights(), images):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:32]
