"""Notebooks for the tests to break."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tools import checks, mutate
from tools.links import ROOT


@pytest.fixture
def tmp_path(tmp_path):
    """The folder of the notebooks; the checks of one stand beside that folder, so each test has room there."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return folder


@pytest.fixture
def write_notebook(tmp_path):
    """Write a notebook of code cells, given as (source, text printed or None), and return its path."""

    def write(name: str, *cells: tuple[str, str | None]) -> Path:
        notebook = v4.new_notebook(
            cells=[
                v4.new_code_cell(
                    source,
                    id=f"cell-{number}",
                    execution_count=number,
                    outputs=[] if text is None else [v4.new_output("stream", name="stdout", text=text)],
                )
                for number, (source, text) in enumerate(cells, start=1)
            ]
        )
        path = tmp_path / name
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def write_checks():
    """Write the checks of a notebook where its path says they are, and return their path."""

    def write(notebook: Path, text: str) -> Path:
        path = checks.path_of(notebook)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def run_nbval(tmp_path):
    """Run nbval over the notebooks of write_notebook as `make test` does; returns exit status and what it printed."""

    def run(*options: str) -> tuple[int, str]:
        command = [
            sys.executable,
            "-m",
            "pytest",
            *mutate.PLUGINS.split(),
            "-q",
            "--color=no",
            "--nbval",
            "--nbval-current-env",
        ]
        command += ["--nbval-sanitize-with", str(ROOT / "tests" / "sanitize.cfg"), *options, "."]
        environment = os.environ | mutate.NO_OTHERS | {"PYTHONPATH": str(ROOT), "CNNLAB_PROFILE": "smoke"}
        done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout

    return run
