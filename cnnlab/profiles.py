"""How much work this session does: the active profile, the value of three that belongs to it, the cores there are.

Long trainings and chapters both ask. This module imports nothing of the course, so that a training that asks does not
load exercises and figures.
"""

import os
from typing import Any

PROFILES = ("smoke", "cpu", "gpu")


def profile() -> str:
    """Name of the active profile: `smoke`, `cpu` or `gpu`.

    `CNNLAB_PROFILE` decides; where it is unset or empty, `gpu` if TensorFlow sees one, else `cpu`.

    Raises:
        ValueError: `CNNLAB_PROFILE` holds another word.
    """
    name = os.environ.get("CNNLAB_PROFILE", "")
    if name:
        if name not in PROFILES:
            raise ValueError(f"CNNLAB_PROFILE must be one of {', '.join(PROFILES)}, got {name!r}")
        return name
    import tensorflow as tf

    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def scale(*, smoke: Any, cpu: Any, gpu: Any) -> Any:
    """The one of three values that belongs to the active profile."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile()]
