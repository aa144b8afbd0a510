"""The repository's address stands in one place and is stamped from there."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from tools import links


@pytest.fixture
def copy(tmp_path):
    """A copy of what carries the address."""
    shutil.copytree(links.NOTEBOOKS, tmp_path / "notebooks")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(links.ROOT / name, tmp_path)
    return tmp_path


def test_everything_committed_is_stamped_already(copy):
    assert links.stamp(copy) == []


def test_a_fork_restamps_every_badge_and_set_up_cell(copy):
    links.rename("someone/their-course", copy)
    links.stamp(copy)
    paths = sorted((copy / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        assert f"github/someone/their-course/blob/main/notebooks/{path.name})" in notebook.cells[0].source
        first_code = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert "git+https://github.com/someone/their-course\n" in first_code.source
    for text in [path.read_text(encoding="utf-8") for path in (*paths, copy / "README.md", copy / "pyproject.toml")]:
        assert "your_account" not in text


@pytest.mark.parametrize("name", ["someone", "a/b/c", "", "some one/course", "https://github.com/a/b"])
def test_a_name_of_another_form_is_refused(copy, name):
    with pytest.raises(ValueError, match="form owner/name"):
        links.rename(name, copy)
    assert "your_account" in (copy / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "installs"),
    [
        ([], True),
        (["cnnlab/pyproject.toml", "cnnlab/cnnlab/__init__.py"], True),  # a clone beside the notebook
        (["cnnlab/__init__.py"], False),
    ],
)
def test_the_set_up_cell_installs_unless_the_package_is_there(tmp_path, files, installs):
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    condition = re.search(r"^if (.*):", links.SETUP, re.MULTILINE)[1]
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from importlib.util import find_spec; print({condition})"
    )
    command = [sys.executable, "-I", "-S", "-c", code]  # without the packages of the environment
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(installs)
