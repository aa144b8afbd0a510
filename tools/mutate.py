"""The mutation test of the notebooks: change one number, and nbval or the check beside the cell has to fail there.

    python -m tools.mutate [--all | --sample 30 | --twice] [--seed 0] [NN ...]

Two kinds of mutant, in copies of the notebooks in a temporary folder, run in the `smoke` profile:

- an output mutant changes one number of a stored text output (what was printed, or the text of a value) of a cell
  that is compared, and leaves the code alone;
- a source mutant changes one number in the code of a cell whose text output is compared, that asserts, or that has a
  block in the chapter's checks (`tools/checks.py`). The numbers of the checks themselves are not counted.

The last digit of the number goes up by one, 9 becomes 0. Left out, and counted by reason, is what no test is meant to
notice:

- drawing: arguments of `plt` and of what came from it, of `visualize`, `lab.show`, `lab.image_grid`, `lab.plot_...`.
  nbval does not compare pictures. It does compare a figure's size and number of axes, so the arguments of plt.subplots
  and plt.figure that decide these are in. In a cell that shows a figure, prints nothing and asserts nothing they are
  the only ones.
- bounds: in an assertion, numbers beside <, <=, > and >=, and tolerances. They are chosen with room to spare, and a
  last digit is less than that. Numbers beside == are in.
- seeds: another seed is as good.
- other profiles: the `cpu` and `gpu` values of lab.scale, which the smoke profile does not read.
- f-strings: Python 3.11 does not say where in one a number stands.
- the set-up cell and the exercises: their source is compared to the letter by the lint, and they have tests of their
  own.
- numbers that tests/sanitize.cfg allows to differ, and source numbers of cells marked as ignored outside their asserts.

Running a notebook for every mutant would take hours, so the mutants of a notebook share one copy. There, a mutated cell
is followed by the original one, which puts things right for the cells below. That the original then passes shows both
that it did and that it was the mutation that made the mutated cell fail, nothing above it. Where the original does not
pass (a cell that cannot be run twice, a mutant whose traces stay), the mutants of that cell are judged again in runs
without others, and those below that were not caught get another shared copy without that cell's.

A cell that cannot be run twice is a trap for readers as well, who do run cells again. `--twice` changes no number: it
runs every cell two times in a row and names those that fail.
"""

import argparse
import ast
import copy
import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbval.plugin import get_sanitize_patterns

from tools import checks, run
from tools.links import ROOT
from tools.notebooks import (
    DRAWING,
    asserting_functions,
    code_cells,
    compared_texts,
    drawn_names,
    has_assertion,
    is_ignored,
    parse,
    root_name,
)

GOAL = 0.95  # of the mutants are to be caught
CELL_SECONDS = 300  # only a mutant that never ends takes so long; to nbval it has failed then
# The plugins of pytest that the notebooks need; loading all that are installed takes longer than a small notebook.
PLUGINS = "-p conftest -p nbval.plugin -p xdist.plugin -p no:cacheprovider"
NO_OTHERS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
SANITIZE = ROOT / "tests" / "sanitize.cfg"
NUMBER = re.compile(r"(?<![\w.])(?!0x)\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")  # in text; the 3 of conv3 is part of a name
FIGURE = re.compile(r"<Figure size .*>")
SEEDING = {"default_rng", "set_random_seed", "seed", "RandomState", "SeedSequence"}
TOLERANCES = {"atol", "rtol", "abs_tol", "rel_tol", "tolerance", "decimal"}
CLOSE = {"allclose", "isclose", "assert_allclose"}


@dataclass(frozen=True)
class Mutant:
    """One number changed in one cell.

    Attributes:
        path: the notebook.
        cell: number of the code cell, from 0 as nbval counts.
        field: "source", or the field of the output: "stdout", "text/plain".
        output: which of the cell's outputs.
        text: the whole text before the change.
        start, end: where in it the number stands.
        new: what stands there instead.
    """

    path: Path
    cell: int
    field: str
    output: int
    text: str
    start: int
    end: int
    new: str

    @property
    def kind(self) -> str:
        return "source" if self.field == "source" else "output"

    def apply(self, cell: NotebookNode) -> NotebookNode:
        """A changed copy of the cell."""
        changed = copy.deepcopy(cell)
        text = self.text[: self.start] + self.new + self.text[self.end :]
        if self.kind == "source":
            changed.source = text
        elif changed.outputs[self.output].output_type == "stream":
            changed.outputs[self.output].text = text
        else:
            changed.outputs[self.output].data[self.field] = text
        return changed

    def __str__(self) -> str:
        number = self.text.count("\n", 0, self.start)
        line = self.text.split("\n")[number].strip()
        old = self.text[self.start : self.end]
        return (
            f"{self.path.name}, cell [{self.cell + 1}], {self.field} line {number + 1}: {old} -> {self.new} in {line}"
        )


def mutants_of(path: Path) -> tuple[list[Mutant], Counter]:
    """All mutants of a notebook, and how many numbers were left out for which reason."""
    notebook = nbformat.read(path, as_version=4)
    functions, blocks = asserting_functions(notebook), checks.of_notebook(path, notebook)
    found, left_out = [], Counter()
    for number, cell in enumerate(code_cells(notebook)):
        for index, field, text in compared_texts(cell):
            if field not in ("stdout", "text/plain"):
                continue
            for match in NUMBER.finditer(text):
                mutant = Mutant(path, number, field, index, text, *match.span(), next_number(match[0]))
                if _sanitized(mutant.apply(cell), mutant) == _sanitized(cell, mutant):
                    left_out["may differ (sanitize.cfg)"] += 1
                else:
                    found.append(mutant)
        for start, end, reason in _source_numbers(cell, functions, has_block=cell.get("id") in blocks):
            if reason:
                left_out[reason] += 1
            else:
                new = next_number(cell.source[start:end])
                found.append(Mutant(path, number, "source", 0, cell.source, start, end, new))
    return found, left_out


def next_number(text: str) -> str:
    """The number with its last digit (of the mantissa) one higher, 9 becoming 0."""
    mantissa, rest = re.fullmatch(r"([\d_.]*\d)(\.?(?:[eE][-+]?\d+)?)", text).groups()
    return f"{mantissa[:-1]}{(int(mantissa[-1]) + 1) % 10}{rest}"


def _sanitized(cell: NotebookNode, mutant: Mutant) -> str:
    """The mutant's output as nbval compares it."""
    output = cell.outputs[mutant.output]
    text = output.text if output.output_type == "stream" else output.data[mutant.field]
    for pattern, replacement in get_sanitize_patterns(SANITIZE.read_text(encoding="utf-8")):
        text = re.sub(pattern, replacement, text)
    return text


def _source_numbers(
    cell: NotebookNode, functions: Collection[str], has_block: bool
) -> Iterator[tuple[int, int, str | None]]:
    """Start and end of each number in the code, and why it is left out (None where it is not)."""
    texts = [text for _, _, text in compared_texts(cell)]
    if re.search(r"\blab\.(setup|check|hint|solution)\(", cell.source):
        reason = "set-up or exercise"
    elif is_ignored(cell):
        reason = "ignored"
    elif has_block or has_assertion(cell, functions) or any(not FIGURE.fullmatch(text) for text in texts):
        reason = None
    else:
        reason = "drawing" if texts else "neither compared nor asserted"
    tree = parse(cell) or ast.Module([], [])
    lines = cell.source.splitlines(keepends=True)
    for node, why in _constants(tree, reason, _marks(tree, has_figure=reason in (None, "drawing"))):
        start, end = (
            sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())
            for line, column in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
        )
        yield start, end, why


def _constants(node: ast.AST, reason: str | None, marks: dict) -> Iterator[tuple[ast.Constant, str | None]]:
    """The numbers below a node with the mark of the innermost part that has one, else with `reason`."""
    reason = marks.get(node, reason)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield node, reason
    for child in ast.iter_child_nodes(node):
        yield from _constants(child, reason, marks)


def _marks(tree: ast.Module, has_figure: bool) -> dict[ast.AST, str | None]:
    """Parts of the code and the reason to leave their numbers out; None takes the numbers of a part in again."""
    marks: dict[ast.AST, str | None] = {}
    drawn = drawn_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            marks[node] = "f-string"
        elif isinstance(node, ast.Assign) and any(ast.unparse(target).lower() == "seed" for target in node.targets):
            marks[node.value] = "seed"
        elif isinstance(node, ast.Assert):
            marks[node] = None
            marks[node.msg] = "message of an assertion"
            marks |= {part: "bound" for compare in ast.walk(node.test) for part in _bounds(compare)}
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.split(".")[-1]
            if last in SEEDING:
                marks[node] = "seed"
            if last in CLOSE:
                marks |= dict.fromkeys(node.args[2:], "bound")
            marks |= {word.value: "bound" for word in node.keywords if word.arg in TOLERANCES}
            marks |= {word.value: "seed" for word in node.keywords if word.arg == "seed"}
            if name == "lab.scale":
                marks |= {word.value: "other profile" for word in node.keywords if word.arg != "smoke"}
            if root_name(node.func) in drawn or DRAWING.match(name):
                marks[node] = "drawing"
            if name in ("plt.subplots", "plt.figure") and has_figure:
                sizes = [word.value for word in node.keywords if word.arg in ("nrows", "ncols", "figsize")]
                marks |= dict.fromkeys([*node.args[:2], *sizes])
    return marks


def _bounds(node: ast.AST) -> Iterator[ast.AST]:
    """The sides of a comparison that stand beside <, <=, > or >= only and are a number, or a number times something."""
    if not isinstance(node, ast.Compare):
        return
    for place, side in enumerate((node.left, *node.comparators)):
        beside = node.ops[max(place - 1, 0) : place + 1]
        if all(isinstance(sign, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for sign in beside):
            parts = [side]
            while parts:
                part = parts.pop()
                if isinstance(part, ast.BinOp):
                    parts += [part.left, part.right]
                elif isinstance(part, ast.UnaryOp):
                    parts.append(part.operand)
                elif isinstance(part, ast.Constant) or (
                    isinstance(part, ast.Call) and ast.unparse(part.func) == "lab.scale"
                ):
                    yield part


def draw(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """A random sample that takes from every notebook and both kinds in turn."""
    groups = defaultdict(list)
    for mutant in random.Random(seed).sample(mutants, len(mutants)):
        groups[mutant.path, mutant.kind].append(mutant)
    in_turn = chain.from_iterable(zip_longest(*(groups[key] for key in sorted(groups))))
    return [mutant for mutant in in_turn if mutant is not None][:count]


def judge(mutants: Sequence[Mutant]) -> dict[Mutant, bool]:
    """Run the mutants under nbval.

    Returns:
        For each mutant whether nbval, or the check beside the cell, failed at its cell.

    Raises:
        RuntimeError: a notebook fails without a mutant.
    """
    verdicts: dict[Mutant, bool] = {}
    apart: list[Mutant] = []
    together = list(mutants)
    while together:
        groups = defaultdict(list)
        for mutant in sorted(together, key=lambda mutant: (mutant.path, mutant.cell, mutant.kind)):
            groups[mutant.path].append(mutant)
        together = []
        for seen in _run_together(list(groups.values())):
            spoiled = None  # the first cell after which the copy was no longer as the notebook has it
            for mutant, (outcome, control) in seen.items():
                if spoiled is None and (outcome == "skipped" or control != "passed"):
                    spoiled = mutant.cell
                if outcome == "failed" and control == "passed":
                    verdicts[mutant] = True
                elif spoiled is None:
                    verdicts[mutant] = False
                elif mutant.cell == spoiled:
                    apart.append(mutant)
                else:
                    together.append(mutant)
    return verdicts | _judge_apart(apart)


def fail_when_run_again(paths: Sequence[Path]) -> list[str]:
    """The cells that fail, or show something else, where every cell of the notebooks is run twice in a row."""
    notebooks = [code_cells(nbformat.read(path, as_version=4)) for path in paths]
    twice = [[same for cell in cells for same in (cell, cell)] for cells in notebooks]
    found = _run_nbval(list(zip(paths, twice, strict=True)))
    return [
        f"{path.name}, cell [{number // 2 + 1}], run number {number % 2 + 1}: {outcome}"
        for path, outcomes in zip(paths, found, strict=True)
        for number, outcome in enumerate(outcomes)
        if outcome != "passed"
    ]


def _run_together(groups: list[list[Mutant]]) -> list[dict[Mutant, tuple[str, str]]]:
    """Run the mutants of each notebook in one copy: the outcome of each, and of the original cell right after it."""
    copies, places = [], []
    for group in groups:
        cells, place = [], {}
        for number, cell in enumerate(_cells_up_to(group)):
            mine = [mutant for mutant in group if mutant.cell == number]
            # Output mutants run the original code, so one original after all of them is enough.
            outputs = [mutant for mutant in mine if mutant.kind == "output"]
            sources = [[mutant] for mutant in mine if mutant.kind == "source"]
            for batch in [outputs, *sources] if outputs else sources or [[]]:
                control = len(cells) + len(batch)
                place |= {mutant: (len(cells) + i, control) for i, mutant in enumerate(batch)}
                cells += [*(mutant.apply(cell) for mutant in batch), cell]
        copies.append((group[0].path, cells))
        places.append(place)
    return [
        {mutant: (outcomes[index], outcomes[control]) for mutant, (index, control) in place.items()}
        for place, outcomes in zip(places, _run_nbval(copies), strict=True)
    ]


def _judge_apart(mutants: list[Mutant]) -> dict[Mutant, bool]:
    """Judge each source mutant in a copy of its own; output mutants of different cells may still share one."""
    groups: list[list[Mutant]] = []
    for mutant in mutants:
        for group in groups:
            alike = mutant.kind == group[0].kind == "output" and mutant.path == group[0].path
            if alike and all(mutant.cell != other.cell for other in group):
                group.append(mutant)
                break
        else:
            groups.append([mutant])
    paths = sorted({mutant.path for mutant in mutants})
    copies = [(path, _cells_up_to([mutant for mutant in mutants if mutant.path == path])) for path in paths]
    for group in groups:
        changed = {mutant.cell: mutant for mutant in group}
        cells = [changed[i].apply(cell) if i in changed else cell for i, cell in enumerate(_cells_up_to(group))]
        copies.append((group[0].path, cells))
    outcomes = _run_nbval(copies)
    for path, unchanged in zip(paths, outcomes, strict=False):
        if set(unchanged) != {"passed"}:
            raise RuntimeError(f"{path.name} fails without a mutant: run the notebook tests first")
    judged = zip(groups, outcomes[len(paths) :], strict=True)
    return {mutant: outcome[mutant.cell] == "failed" for group, outcome in judged for mutant in group}


def _cells_up_to(mutants: list[Mutant]) -> list[NotebookNode]:
    """The code cells of the mutants' notebook, up to the last that has a mutant."""
    cells = code_cells(nbformat.read(mutants[0].path, as_version=4))
    return cells[: max(mutant.cell for mutant in mutants) + 1]


def _run_nbval(copies: list[tuple[Path, list[NotebookNode]]]) -> list[list[str]]:
    """Run copies of notebooks side by side, each cell with the check that stands beside it.

    Args:
        copies: a notebook's path, and the cells of the copy: changed, repeated, or as they are.

    Returns:
        For each copy, the outcome of each cell.
    """
    if not copies:
        return []
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "notebooks")
        folder.mkdir()
        for number, (path, cells) in enumerate(copies):
            _write_copy(folder / f"{number}.ipynb", cells, checks.read(checks.path_of(path)))
        workers = min(len(copies), os.cpu_count() or 1) if len(copies) > 1 else 0
        options = f"{PLUGINS} -q -n {workers} --dist loadscope --junitxml outcomes.xml --nbval"
        options += f" --nbval-current-env --nbval-cell-timeout {CELL_SECONDS}"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                *options.split(),
                "--nbval-sanitize-with",
                SANITIZE,
                "--rootdir",
                ".",
                ".",
            ],
            cwd=folder,
            env=os.environ | NO_OTHERS | {"CNNLAB_PROFILE": "smoke", "PYTHONPATH": str(ROOT)},
            check=False,
            capture_output=True,
            text=True,
        )
        report = folder / "outcomes.xml"
        if not report.exists():
            raise RuntimeError(f"pytest ended without a report: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        cases = list(ElementTree.parse(report).iter("testcase"))
    outcomes = [["not run"] * len(cells) for _, cells in copies]
    for case in cases:
        number = int(case.get("classname").removesuffix(".ipynb"))
        failed, skipped = case.find("failure") is not None, len(case) > 0
        outcome = "failed" if failed else "skipped" if skipped else "passed"
        outcomes[number][int(case.get("name").removeprefix("Cell "))] = outcome
    return outcomes


def _write_copy(path: Path, cells: list[NotebookNode], blocks: dict[str, checks.Block]) -> None:
    """Write a notebook of these cells, and beside it the blocks of theirs; a cell may stand in it several times."""
    numbered = [nbformat.from_dict(cell | {"id": f"cell-{place}"}) for place, cell in enumerate(cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=numbered), path)
    found = [(place, blocks[cell["id"]]) for place, cell in enumerate(cells) if cell.get("id") in blocks]
    if found:
        beside = checks.path_of(path)
        beside.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(f"# %% after cell-{place}\n{block.source.strip()}\n" for place, block in found)
        beside.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="chapters to break, all if none is named")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--all", action="store_true", help="every mutant (the default is --sample 30)")
    size.add_argument("--twice", action="store_true", help="no mutants: run every cell twice in a row")
    size.add_argument("--sample", type=int, default=30, metavar="N", help="a random sample of N mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    arguments = parser.parse_args()
    try:
        paths = run.chapters(arguments.chapters)
    except ValueError as error:
        parser.error(str(error))
    if arguments.twice:
        failing = fail_when_run_again(paths)
        print(*failing, f"cells that cannot be run again: {len(failing)}", sep="\n")
        return 1 if failing else 0
    mutants, left_out = [], Counter()
    for path in paths:
        found, reasons = mutants_of(path)
        mutants += found
        left_out += reasons
    if not arguments.all:
        mutants = draw(mutants, arguments.sample, arguments.seed)
    print(f"{len(mutants)} mutants; a few minutes a thousand, longer where cells take long", flush=True)
    verdicts = judge(mutants)
    print("left out:", ", ".join(f"{reason} {count}" for reason, count in left_out.most_common()))
    for kind in ("output", "source"):
        caught = [verdict for mutant, verdict in verdicts.items() if mutant.kind == kind]
        print(f"{kind} mutants caught: {sum(caught)} of {len(caught)}")
    for mutant, verdict in verdicts.items():
        if not verdict:
            print(f"SURVIVED {mutant}")
    share = sum(verdicts.values()) / max(len(verdicts), 1)
    print(f"caught {sum(verdicts.values())}/{len(verdicts)} = {share:.1%} (at least {GOAL:.0%} wanted)")
    return 0 if share >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
