"""A trained network at the wheel: loaded from weights and record, called once a frame."""

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from cnnlab import models
from cnnlab.datasets import DataError, formats
from cnnlab.datasets.sources import embedded_file
from cnnlab.driving.expert import pedals
from cnnlab.driving.pictures import VIEWS

OWN = {"cloning": "driving_cloning", "dagger": "driving_dagger"}  # what comes with the course
HDF5 = b"\x89HDF\r\n\x1a\n"  # the first bytes of such a file
SPEED_SCALE = 100.0  # units a second; networks learn speeds as fractions of it


class Policy:
    """What a network makes of a camera's picture.

    One compiled function of fixed shape: `model.predict` would spend many times as long on preparing a batch of one.

    Args:
        model: gives steering, or steering and speed over `SPEED_SCALE`, for pictures (N, H, W, 3).
        view: name in `VIEWS` of what it is shown.

    Raises:
        ValueError: `model` takes another size than `view` gives.
    """

    def __init__(self, model: keras.Model, view: str = "carracing"):
        self.model, self.view = model, VIEWS[view]
        shape = (1, *self.view.size, 3)
        if tuple(model.input_shape[1:]) != shape[1:]:
            raise ValueError(
                f"`model` must take {shape[1:]}, what the view {view!r} gives; it takes {model.input_shape}."
            )
        signature = tf.TensorSpec(shape, tf.uint8)
        self._function = tf.function(lambda picture: model(picture, training=False), input_signature=[signature])
        self._function(np.zeros(shape, np.uint8))  # traced now, not in the first frame

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The network's outputs, (1,) or (2,), for a camera's picture (H, W, 3) uint8."""
        return self._function(self.view(picture)[np.newaxis]).numpy()[0]


class Cruise:
    """A driver: the network steers, and a controller keeps the speed.

    Args:
        policy: of the network.
        speed: what is kept where the network gives none, in units a second.
    """

    def __init__(self, policy: Policy, speed: float = 50.0):
        self.policy, self.speed = policy, speed

    def __call__(self, picture: np.ndarray, speed: float) -> tuple[float, float, float]:
        """Steering, throttle and brake for a picture and the speed that the car has."""
        steering, *more = map(float, self.policy(picture))
        return min(max(steering, -1.0), 1.0), *pedals(SPEED_SCALE * more[0] if more else self.speed, speed)


def load(model: str | Path) -> Policy:
    """A trained network.

    Args:
        model: "cloning" or "dagger", which come with the course, or the path of a NAME.json that `train` wrote; its
            weights lie beside it.

    Raises:
        DataError: record or weights are missing or damaged.
    """
    if str(model) in OWN:
        record_path = embedded_file(f"weights/{OWN[str(model)]}.json")
    else:
        record_path = Path(model)
        if record_path.name.endswith(".weights.h5"):
            record_path = record_path.with_name(record_path.name.removesuffix(".weights.h5") + ".json")
    wanted = f"expected the record of a trained driver ({', '.join(OWN)}, or a file)"
    try:
        record = json.loads(record_path.read_bytes())
        network, view, outputs, digest = (record[key] for key in ("network", "view", "outputs", "sha256"))
        built = models.build(network, (*VIEWS[view].size, 3), len(outputs))
    except UnicodeDecodeError as error:  # which holds the whole file
        got = f"{len(error.object):,} bytes that are no text"
        if error.object.startswith(HDF5):
            got = "an HDF5 file, such as Keras' model.h5. A driver is its record and the weights beside it; "
            got += "`python -m cnnlab.driving train` writes both."
        raise DataError(f"{record_path}: {wanted}, got {got}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{record_path}: {wanted}, got {error!r:.200}") from error
    weights = record_path.with_suffix(".weights.h5")
    if not weights.is_file():
        raise DataError(f"{weights}: expected the weights of that record, got none")
    formats.check_digest(weights, digest)
    built.load_weights(weights)
    return Policy(built, view)
