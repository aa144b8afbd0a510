"""What the tests and the commands ask about a notebook: its code cells, what they assert, what nbval compares."""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

IGNORE_MARKER = "# NBVAL_IGNORE_OUTPUT"
PICTURES = ("image/png", "image/jpeg")  # nbval runs their cells and never compares them
DRAWING = re.compile(r"plt\.|visualize\.|lab\.(show|image_grid|plot_\w+)$")  # the functions that draw


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells in order; nbval calls the first one Cell 0, Jupyter shows it as [1]."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def label(notebook: NotebookNode, cell: NotebookNode) -> str:
    """How to find a cell in Jupyter: a code cell by its number in brackets, a text cell by its first words."""
    for number, code in enumerate(code_cells(notebook), start=1):
        if code is cell:
            return f"cell [{number}]"
    return f"text cell {cell.source.strip().splitlines()[0][:40]!r}" if cell.source.strip() else "empty text cell"


def is_ignored(cell: NotebookNode) -> bool:
    """Whether nbval runs the cell without comparing its outputs."""
    return cell.source.split("\n", 1)[0] == IGNORE_MARKER


def parse(cell: NotebookNode) -> ast.Module | None:
    """The syntax tree of a code cell, None where it is not plain Python (a magic, a shell line, an error)."""
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return None


def executed_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run with the cell: all but the bodies of functions and lambdas, which run when called."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from executed_nodes(child)


def asserting_functions(notebook: NotebookNode) -> set[str]:
    """Names of the functions the notebook defines that hold an assert; a call of one is an assertion too."""
    trees = [tree for cell in code_cells(notebook) if (tree := parse(cell))]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {f.name for f in functions if any(isinstance(node, ast.Assert) for node in ast.walk(f))}


def has_assertion(cell: NotebookNode, functions: Collection[str] = ()) -> bool:
    """Whether running the cell runs an assert that can fail, its own or one in `functions` or numpy.testing."""
    return any(assertions(parse(cell) or ast.Module([], []), functions))


def assertions(tree: ast.AST, functions: Collection[str] = ()) -> Iterator[ast.Assert | ast.Call]:
    """The assertions that run with the code and can fail: asserts, and calls of `functions` and of numpy.testing."""
    for node in executed_nodes(tree):
        if isinstance(node, ast.Assert) and _can_fail(node.test):
            yield node
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in functions or ".testing.assert_" in name:
                yield node


def _can_fail(test: ast.expr) -> bool:
    """False for a literal, a tuple such as (condition, "message"), and `... or True`: these hold whatever happens."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return all(_can_fail(value) for value in test.values)
    if isinstance(test, ast.Tuple | ast.List | ast.Dict | ast.Set | ast.JoinedStr | ast.Lambda | ast.GeneratorExp):
        return False
    return any(isinstance(node, ast.Name) for node in ast.walk(test))


def compared_texts(cell: NotebookNode) -> list[tuple[int, str, str]]:
    """What nbval compares of a cell's stored outputs: the output's index, its field ("stdout", "text/plain"), its text.

    Pictures, the error stream and metadata are not compared, and nothing is in a cell that is ignored or not executed.
    """
    if is_ignored(cell) or cell.execution_count is None:
        return []
    found = []
    for index, output in enumerate(cell.outputs):
        if output.output_type == "stream" and output.name != "stderr":
            found.append((index, output.name, output.text))
        for field, text in output.get("data", {}).items():
            if field not in PICTURES and isinstance(text, str):
                found.append((index, field, text))
    return found


Finding = tuple[NotebookNode | None, str]


@dataclass
class Chapter:
    """A notebook with its file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def notebook(self) -> NotebookNode:
        return nbformat.reads(self.text, as_version=4)

    @cached_property
    def code(self) -> list[NotebookNode]:
        return code_cells(self.notebook)

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each heading, in order."""
        texts = [cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"]
        lines = re.sub(r"^```.*?^```", "", "\n\n".join(texts), flags=re.MULTILINE | re.DOTALL)
        return [(len(marks), text) for marks, text in re.findall(r"^(#+) +(.*?) *$", lines, re.MULTILINE)]


def drawn_names(tree: ast.Module) -> set[str]:
    """Names of the cell that hold what comes from `plt`: figure, axes, and each axis a loop takes from them."""
    drawn = {"plt"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            value, targets = node.value, node.targets
        elif isinstance(node, ast.For | ast.comprehension):
            value, targets = node.iter, [node.target]
        else:
            continue
        if any(isinstance(part, ast.Name) and part.id in drawn for part in ast.walk(value)):
            drawn |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return drawn


def root_name(node: ast.expr) -> str | None:
    """The name a chain of attributes, calls and brackets starts with."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None
