"""The repository's address, and what it is stamped into: every notebook's badge and set-up cell, and the README.

    python -m tools.links [--repo owner/name]

The address stands in one place, `[project.urls] Repository` in pyproject.toml. With --repo it is changed there first;
then every notebook and the README are restamped. Also imported by the tests, which check the stamps.
"""

import argparse
import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
BADGE_IMAGE = "https://colab.research.google.com/assets/colab-badge.svg"
BADGE = re.compile(r"\[!\[Open in Colab\]\([^)]*\)\]\([^)]*/notebooks/([\w.]+\.ipynb)\)")
SETUP = """\
# Setup, the same in every chapter: installs the course where it is missing (Colab, a bare Jupyter kernel).
from importlib.util import find_spec

if getattr(find_spec("cnnlab"), "origin", None) is None:  # not installed; a folder of that name does not count
    %pip install --quiet --no-deps git+{address}
    %run -m cnnlab.bootstrap
from cnnlab import lab

SEED = 0
lab.setup(seed=SEED)"""


def address(root: Path = ROOT) -> str:
    """The repository's address as pyproject.toml has it."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def badge(file_name: str, root: Path = ROOT) -> str:
    """The Markdown of a notebook's Colab badge, derived from its file name."""
    repository = address(root).removeprefix("https://github.com/")
    target = f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{file_name}"
    return f"[![Open in Colab]({BADGE_IMAGE})]({target})"


def setup_cell(root: Path = ROOT) -> str:
    """The source of every notebook's first code cell."""
    return SETUP.format(address=address(root))


def stamp(root: Path = ROOT) -> list[str]:
    """Write badge and set-up cell into every notebook and the badges into the README; returns the files changed."""
    changed = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        before = nbformat.writes(notebook)
        opening = notebook.cells[0]
        opening.source = BADGE.sub(lambda match, name=path.name: badge(name, root), opening.source)
        next(cell for cell in notebook.cells if cell.cell_type == "code").source = setup_cell(root)
        if nbformat.writes(notebook) != before:
            nbformat.write(notebook, path)
            changed.append(path.name)
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8")
    stamped = BADGE.sub(lambda match: badge(match[1], root), text)
    stamped = re.sub(r"https://github\.com/[\w.-]+/[\w.-]+(?=\.git\b|/actions\b)", address(root), stamped)
    if stamped != text:
        readme.write_text(stamped, encoding="utf-8")
        changed.append(readme.name)
    return changed


def rename(repository: str, root: Path = ROOT) -> None:
    """Change the repository's owner/name in pyproject.toml.

    Raises:
        ValueError: `repository` is not of the form owner/name.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"repository must have the form owner/name, got {repository!r}")
    settings = root / "pyproject.toml"
    line = f'Repository = "https://github.com/{repository}"'
    settings.write_text(
        re.sub(r'^Repository = ".*"$', line, settings.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", metavar="OWNER/NAME", help="change the repository's name first")
    arguments = parser.parse_args()
    if arguments.repo:
        try:
            rename(arguments.repo)
        except ValueError as error:
            parser.error(str(error))
    changed = stamp()
    print(f"{address()}: {len(changed)} files restamped{': ' if changed else ''}{', '.join(changed)}")


if __name__ == "__main__":
    main()
