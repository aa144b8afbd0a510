"""Write the stored outputs of the notebooks: the one way references come into the repository.

    python -m tools.outputs [--profile cpu] [NN ...]

Runs each notebook from top to bottom in a fresh kernel of this environment, in the folder it lies in (as nbval does),
and writes it back only when every cell has run. What differs from run to run without meaning anything is left out:
the error stream, time stamps, the name this machine gives its kernel.
"""

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import run
from tools.notebooks import code_cells

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Tags; folded code in JupyterLab and in Colab; a folded section in JupyterLab.
SHOWN_HOW = {"tags", "jupyter", "cellView", "jp-MarkdownHeadingCollapsed"}


class NotebookError(Exception):
    """A cell failed; the message names it and its error."""


def execute(path: Path, profile: str = "cpu") -> NotebookNode:
    """Run a notebook in a fresh kernel.

    Args:
        path: the notebook's file, which stays as it is.
        profile: value of `CNNLAB_PROFILE` in the kernel.

    Returns:
        The executed notebook, cleaned.

    Raises:
        NotebookError: a cell or the block beside it raised, took too long, or ended the kernel.
    """
    notebook = nbformat.read(path, as_version=4)
    if error := run.run_cells(notebook, path, profile):
        raise NotebookError(error)
    return cleaned(notebook)


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """The notebook as it is stored, changed in place: no error stream, of a cell's metadata what says how it is shown.

    The alternative texts in the metadata of outputs stay, too.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: value for key, value in cell.metadata.items() if key in SHOWN_HOW})
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def stored_text(notebook: NotebookNode) -> str:
    """The text of the notebook's file."""
    return nbformat.writes(notebook) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapters to run, all if none is named")
    parser.add_argument("--profile", default="cpu", choices=run.ABOUT, help="the references come from cpu")
    arguments = parser.parse_args()
    try:
        paths = run.chapters(arguments.chapters)
    except ValueError as error:
        parser.error(str(error))
    failures = 0
    # One after the other: TensorFlow uses every core, and the times that chapters print stay true.
    for path in paths:
        start = time.monotonic()
        try:
            notebook = execute(path, arguments.profile)
        except NotebookError as error:
            failures += 1
            print(f"{path.name}: FAILED, the file stays as it was: {error}", flush=True)
            continue
        nbformat.validate(notebook)
        run.write(path, stored_text(notebook))
        print(
            f"{path.name}: {len(code_cells(notebook))} code cells, {path.stat().st_size / 1e6:.2f} MB, "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
