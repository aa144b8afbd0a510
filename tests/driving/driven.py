"""A small recording of random pictures, and helpers that write logs as simulators do."""

import numpy as np
from PIL import Image


def write_log(folder, rows=4, size=(96, 96), prefix="", header=False, separator=","):
    """A log of random pictures; `prefix` is what stands before each file name."""
    generator = np.random.default_rng(0)
    (folder / "IMG").mkdir(parents=True, exist_ok=True)
    lines = ["center,left,right,steering,throttle,brake,speed"] if header else []
    for number in range(rows):
        names = [f"{camera}_{number}.jpg" for camera in ("center", "left", "right")]
        for name in names:
            Image.fromarray(generator.integers(0, 256, (*size, 3), dtype=np.uint8)).save(folder / "IMG" / name)
        values = [f"{(-1) ** number * 0.1 * (number % 10):.2f}", "0.5", "0", f"{10 + number}"]
        lines.append(separator.join([*(prefix + name for name in names), *values]))
    (folder / "driving_log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
