"""Install what a notebook needs beside `cnnlab` itself, and nothing that is there already.

    python -m cnnlab.bootstrap

The set-up cell of every notebook runs it after it has installed the package alone (`pip install --no-deps`), on Colab
or in a bare Jupyter kernel. Packages that are there keep their version, TensorFlow, Keras and NumPy above all:
replacing them under a running kernel breaks it. One that is too old is named, with what to do.
"""

import subprocess
import sys
from collections.abc import Iterable
from importlib import invalidate_caches
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement


def assess(requirements: Iterable[str]) -> tuple[list[str], list[str]]:
    """Sort requirements into those to install and sentences about those that are too old.

    Args:
        requirements: requirement strings, as in "keras>=3.10"; those of extras are passed over.

    Returns:
        The missing requirements, and one sentence for each installed package whose version does not satisfy its own.
    """
    missing, complaints = [], []
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            missing.append(f"{requirement.name}{requirement.specifier}")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            complaints.append(
                f"{requirement.name} {installed} is too old for the course, which needs {requirement.specifier}: run "
                f'`%pip install "{requirement.name}{requirement.specifier}"`, restart the kernel, and run the notebook '
                f"from the top."
            )
    return missing, complaints


def main() -> None:
    missing, complaints = assess(requires("cnnlab") or [])
    if missing:
        print(f"Installing {', '.join(missing)} ...")
        # Modules are compiled when they are first imported; all of TensorFlow's, now, would take half a minute.
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", *missing], check=True)
        invalidate_caches()
    for complaint in complaints:
        print(complaint)


if __name__ == "__main__":
    main()
