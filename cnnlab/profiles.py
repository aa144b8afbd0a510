"""How much work this session does: the active profile, the value of three that belongs to it, the cores there are.

Long trainings and chapters both ask. This module imports nothing of the course, so that a training that asks does not
load exercises and figures.
"""

import os
import platform
from pathlib import Path
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


# Flags of Linux that make matrix products faster, and what their instructions are called; the fastest first.
_INSTRUCTION_SETS = {
    "amx_bf16": "AMX-BF16",
    "avx512_bf16": "AVX512-BF16",
    "avx512f": "AVX512",
    "avx2": "AVX2",
}


def instruction_set(cpuinfo: str | None = None) -> str:
    """The fastest instructions that this processor multiplies matrices with, by which times can be judged.

    Args:
        cpuinfo: text in which Linux describes the processor; None reads this machine's.

    Returns:
        "AMX-BF16", "AVX512-BF16", "AVX512" or "AVX2"; where none of them is found, the kind of machine, such as
        "arm64".
    """
    if cpuinfo is None:
        path = Path("/proc/cpuinfo")
        cpuinfo = path.read_text(encoding="utf-8") if path.exists() else ""
    flags = {flag for line in cpuinfo.splitlines() if line.startswith("flags") for flag in line.split()}
    return next((name for flag, name in _INSTRUCTION_SETS.items() if flag in flags), platform.machine())


def scale(*, smoke: Any, cpu: Any, gpu: Any) -> Any:
    """The one of three values that belongs to the active profile."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile()]
