"""The set-up cell on a machine that has Jupyter and nothing else."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import nbformat
import pytest

from cnnlab import bootstrap
from tools.links import NOTEBOOKS, ROOT, address


def test_what_is_there_is_kept():
    assert bootstrap.assess(["pytest>=1", "numpy"]) == ([], [])


def test_what_is_missing_is_installed():
    assert bootstrap.assess(["no-such-package>=2", "numpy"]) == (["no-such-package>=2"], [])


def test_what_is_too_old_is_named_with_what_to_do():
    missing, (sentence,) = bootstrap.assess(["numpy>=999"])
    assert missing == []
    assert "numpy" in sentence and ">=999" in sentence and "restart the kernel" in sentence


def test_extras_and_other_platforms_are_passed_over():
    requirements = ['no-such-package>=2; extra == "data"', 'no-such-package; sys_platform == "no-such-platform"']
    assert bootstrap.assess(requirements) == ([], [])


def index_is_reachable() -> bool:
    """Whether pip can install packages here."""
    probe = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "--retries",
        "0",
        "six",
    ]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def test_one_notebook_alone_installs_the_course(tmp_path):
    """An empty folder, an environment with Jupyter's packages only, the address replaced by this checkout."""
    if not index_is_reachable():
        pytest.skip("no package index can be reached from here")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*install, "ipykernel", "nbconvert"], check=True)

    folder = tmp_path / "alone"
    folder.mkdir()
    notebook = nbformat.read(NOTEBOOKS / "02_convolution_arithmetic.ipynb", as_version=4)
    first_code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert f"git+{address()}" in first_code.source
    first_code.source = first_code.source.replace(f"git+{address()}", str(ROOT))
    nbformat.write(notebook, folder / "chapter.ipynb")

    clean = {key: value for key, value in os.environ.items() if not key.startswith(("CNNLAB_", "PYTHON"))}
    command = [python, "-m", "nbconvert", "--to", "notebook", "--execute", "chapter.ipynb", "--output", "done.ipynb"]
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**clean, "CNNLAB_PROFILE": "smoke", "CNNLAB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    executed = nbformat.read(folder / "done.ipynb", as_version=4)
    setup = next(cell for cell in executed.cells if cell.cell_type == "code")
    printed = "".join(output.get("text", "") for output in setup.outputs)
    assert "Installing" in printed and "Profile: smoke" in printed
    where = subprocess.run(
        [python, "-c", "import cnnlab; print(cnnlab.__file__)"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert Path(where.stdout.strip()).is_relative_to(environment)
