"""What is asserted of a chapter, beside the chapter: blocks that run in the notebook's kernel right after a cell.

A chapter `notebooks/NN_topic.ipynb` has its checks in `tests/notebooks/checks/NN_topic.py`, in percent format:

    # %% after fold-one-number  [F2 000.34]
    assert folded == plain

The block runs after the cell with that id. It sees the notebook's names and `profile`; what it defines is gone after
it. A block that raises fails its cell. The brackets name what of the lecture the cell treats: items, facts and
corrections, by the ids of `tests/notebooks/curriculum.json`.

nbval runs the blocks through `conftest.py`, `make run` and `make outputs` through `tools/run.py`; both call
`run_after`. Whoever opens the notebook in Jupyter never sees them.
"""

import ast
import re
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from queue import Empty

from jupyter_client.utils import ensure_async
from nbformat import NotebookNode

FOLDER = Path("tests", "notebooks", "checks")  # beside the folder of the notebooks
HEADING = re.compile(r"# %% after (?P<cell>\S+)(?: +\[(?P<treats>[^\]]*)\])? *")
SECONDS = 300  # a block compares what is there; one that takes longer hangs

# What the kernel is sent, with names of its own, so that nothing of it stays among the notebook's. pytest's rewriting
# of assert statements puts the values into the message.
_IN_THE_KERNEL = """
import ast, traceback
from _pytest.assertion.rewrite import rewrite_asserts
from cnnlab.profiles import profile

tree = ast.parse(source, path)
rewrite_asserts(tree, source.encode(), path)
try:
    exec(compile(tree, path, "exec"), {**names, "profile": profile()})
except BaseException as error:
    frames = traceback.extract_tb(error.__traceback__)
    line = max([frame.lineno for frame in frames if frame.filename == path][:1], default=1)
    text = source.splitlines()[line - 1].strip()
    reason = f"{type(error).__name__}: {error}".rstrip(": ").splitlines()
    raise AssertionError("\\n".join([*reason, f"{path}, line {line}: {text}"])) from None
"""


class ChecksError(Exception):
    """A file of checks cannot be used; the message names file and line."""


class CheckFailed(Exception):
    """A block raised, or the kernel died in it; the message says what, where and why."""


@dataclass(frozen=True)
class Block:
    """What is checked after one cell.

    Attributes:
        cell: the cell's id.
        treats: the ids of the curriculum that the cell treats.
        source: Python, with an empty line for each line of the file above it, so that line numbers are the file's.
        path: of the file.
        line: number of the heading.
    """

    cell: str
    treats: tuple[str, ...]
    source: str
    path: Path
    line: int

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.source)


def path_of(notebook: Path) -> Path:
    """Where the checks of a notebook are, whether there are any or not."""
    return notebook.resolve().parent.parent / FOLDER / f"{notebook.stem}.py"


def read(path: Path) -> dict[str, Block]:
    """The blocks of a file by the ids of their cells; none where there is no file.

    Raises:
        ChecksError: a heading of another form, code above the first heading, two blocks for one cell, or a block that
            is not Python.
    """
    blocks: dict[str, Block] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    headings = [number for number, line in enumerate(lines) if line.startswith("# %%")]
    top = _parsed(path, lines[: headings[0] if headings else None], 1)
    if len(top.body) != (ast.get_docstring(top) is not None):
        raise ChecksError(f"{path.name}: only a docstring may stand above the first heading '# %% after CELL-ID'")
    for start, end in pairwise([*headings, len(lines)]):
        heading = HEADING.fullmatch(lines[start])
        if not heading:
            form = "# %% after CELL-ID  [F1 E11 000.32]"
            raise ChecksError(f"{path.name}, line {start + 1}: a heading is {form!r}, got {lines[start]!r}")
        source = "\n" * (start + 1) + "\n".join(lines[start + 1 : end])
        _parsed(path, [source], start + 1)
        block = Block(heading["cell"], tuple((heading["treats"] or "").split()), source, path, start + 1)
        if block.cell in blocks:
            raise ChecksError(f"{path.name}, line {start + 1}: a second block for the cell {block.cell}")
        blocks[block.cell] = block
    return blocks


def _parsed(path: Path, lines: list[str], line: int) -> ast.Module:
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError as error:
        raise ChecksError(f"{path.name}, line {error.lineno or line}: {error.msg}") from None


def of_notebook(path: Path, notebook: NotebookNode) -> dict[str, Block]:
    """The blocks of a notebook, each for a code cell that is there.

    Args:
        path: of the notebook.
        notebook: its content.

    Raises:
        ChecksError: as `read`, or a block's cell is not there.
    """
    blocks = read(path_of(path))
    cells = {cell.get("id") for cell in notebook.cells if cell.cell_type == "code"}
    for block in blocks.values():
        if block.cell not in cells:
            raise ChecksError(
                f"{block.path.name}, line {block.line}: {path.name} has no code cell with the id {block.cell}"
            )
    return blocks


async def run_after(block: Block, client, manager, seconds: float = SECONDS) -> None:
    """Run a block in the kernel that has just run its cell: in silence, without history, on a copy of the names.

    Args:
        block: to run.
        client: `jupyter_client` client of the kernel, blocking or not. With a blocking one nothing is ever awaited.
        manager: of the kernel.
        seconds: after which the block is interrupted.

    Raises:
        CheckFailed: the block raised, took too long, or the kernel died in it.
    """
    given = {"source": block.source, "path": block.path.name}
    code = f"exec({_IN_THE_KERNEL!r}, {{**{given!r}, 'names': globals()}})"
    sent = client.execute(code, silent=True, store_history=False, allow_stdin=False, stop_on_error=False)
    deadline = time.monotonic() + seconds
    problem = None
    while True:
        try:
            reply = await ensure_async(client.get_shell_msg(timeout=1))
        except Empty:
            if not await ensure_async(manager.is_alive()):
                raise CheckFailed(f"check after {block.cell}: the kernel died in it") from None
            if problem is None and time.monotonic() > deadline:
                problem = f"took longer than {seconds:g} seconds"
                await ensure_async(manager.interrupt_kernel())
            elif time.monotonic() > deadline + 60:  # it does not even react
                raise CheckFailed(f"check after {block.cell}: {problem}") from None
            continue
        if reply["parent_header"].get("msg_id") == sent:
            break
    while True:  # what the block printed, up to the word that all has been sent, belongs to no cell
        try:
            message = await ensure_async(client.get_iopub_msg(timeout=60))
        except Empty:
            raise CheckFailed(f"check after {block.cell}: the kernel sent no word that it was done") from None
        if message["parent_header"].get("msg_id") == sent and message["content"].get("execution_state") == "idle":
            break
    if reply["content"]["status"] != "ok":
        problem = problem or reply["content"].get("evalue") or reply["content"]["status"]
    if problem:
        raise CheckFailed(f"check after {block.cell}: {problem}")


def run_after_blocking(block: Block, client, manager, seconds: float = SECONDS) -> None:
    """`run_after` for a blocking client, where there is no event loop."""
    running = run_after(block, client, manager, seconds)
    try:
        running.send(None)
    except StopIteration:
        return
    running.close()
    raise TypeError(f"client must be a blocking one, got {type(client).__name__}")
