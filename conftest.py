"""Notebook tests: what nbval leaves uncompared, its patience, the checks beside a cell, and the verdict.

Whether a cell passes is decided by nbval, and by the block that stands in the chapter's checks (tools/checks.py). The
rest of what stands here counts and reports; it works with and without pytest-xdist.
"""

import re
import sys
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pytest

# nbval's JSON validator would compile a grammar of web addresses at every start, for 3 seconds; notebooks have none.
sys.modules.setdefault("rfc3987_syntax", None)

from nbval.plugin import IPyNbCell, IPyNbFile, transform_streams_for_comparison  # noqa: E402

from tools import checks  # noqa: E402

COLOR = re.compile(r"\x1b\[[\d;]*m")
CHECKS = (checks.CheckFailed, checks.ChecksError)


def pytest_collectstart(collector):
    # Libraries log to the error stream as they please. nbval leaves pictures out by itself; of a figure, its size and
    # number of axes are compared, which lab.show writes as text.
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += ("stderr",)


def pytest_itemcollected(item):
    # nbval gives up 5 seconds after a cell's reply if the kernel has not reported idle; a loaded machine takes longer.
    if isinstance(item, IPyNbCell):
        item.output_timeout = 60


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Run the block beside a cell that has passed."""
    yield
    if isinstance(item, IPyNbCell):
        notebook = item.parent
        if not hasattr(notebook, "blocks"):
            notebook.blocks = checks.of_notebook(Path(notebook.path), notebook.nb)
        if block := notebook.blocks.get(item.cell.get("id")):
            item.checked = True
            checks.run_after_blocking(block, notebook.kernel.kc, notebook.kernel.km)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell the process that prints the verdict what happened to a cell; a report's plain attributes travel there."""
    report = yield
    if isinstance(item, IPyNbCell) and call.when == "call":
        problem = call.excinfo and str(call.excinfo.value)
        comparable = item.options["check"] and item.cell.execution_count is not None
        judged = comparable and (problem in (None, "Cell outputs differ") or isinstance(call.excinfo.value, CHECKS))
        report.notebook_cell = {
            "checked": getattr(item, "checked", False),
            "ignored": not item.options["check"],
            "compared": bool(judged and (_compared(item, item.cell.outputs) or _compared(item, item.test_outputs))),
            "problem": problem and _explain(item, call.excinfo.value),
        }
    return report


def _compared(cell: IPyNbCell, outputs: list) -> list[str]:
    """What nbval compares of some outputs, line by line: "stdout: ...", "text/plain: ..."."""
    fields = []
    for output in transform_streams_for_comparison(outputs):
        for name, value in {**output, **output.get("data", {})}.items():
            if name != "data" and name not in cell.parent.skip_compare:
                fields.append((name, str(cell.sanitize(value))))
    fields.sort(key=lambda item: item[0])  # nbval compares field by field, whatever the order of unlike outputs
    return [f"{name}: {line}" for name, value in fields for line in value.splitlines() or [""]]


def _explain(cell: IPyNbCell, failure: BaseException) -> list[str]:
    """The failure of a cell in a few lines."""
    problem = str(failure)
    if isinstance(failure, CHECKS):
        return problem.splitlines()
    if problem == "Cell outputs differ":
        pairs = zip_longest(_compared(cell, cell.cell.outputs), _compared(cell, cell.test_outputs), fillvalue="nothing")
        stored, now = next((pair for pair in pairs if pair[0] != pair[1]), ("", "only line ends differ"))
        return ["outputs differ, first here:", f"  stored   {stored}", f"  now      {now}"]
    raised = [output for output in cell.test_outputs or () if output.output_type == "error"]
    lines = [COLOR.sub("", line) for error in raised for frame in error.traceback for line in frame.splitlines()]
    where = [f"  {line.strip()}" for line in lines if re.match(r"-+> ?\d+", line)]
    if raised and not cell.parent.timed_out:
        problem = f"{raised[-1].ename}: {raised[-1].evalue}"
    return [problem.splitlines()[0], *where[:1]]


@dataclass
class Row:
    """One notebook of the verdict."""

    cells: int = 0
    run: int = 0
    compared: int = 0
    checked: int = 0
    ignored: int = 0
    seconds: float = 0.0
    failures: dict[int, list[str]] = field(default_factory=dict)  # by nbval's cell number; -1 for the file itself

    def add(self, report) -> None:
        cell = int(report.nodeid.partition("::Cell ")[2] or -1)
        facts = getattr(report, "notebook_cell", None)
        self.seconds += getattr(report, "duration", 0.0)
        self.cells += getattr(report, "when", "") == "setup"
        if facts and not report.skipped:
            self.run += 1
            self.compared += facts["compared"]
            self.checked += facts["checked"]
            self.ignored += facts["ignored"]
        if report.failed:
            problem = facts and facts["problem"]
            self.failures[cell] = problem or COLOR.sub("", report.longreprtext).splitlines()[-1:]


def pytest_terminal_summary(terminalreporter):
    rows: dict[str, Row] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            path = report.nodeid.split("::")[0] if isinstance(report, pytest.TestReport | pytest.CollectReport) else ""
            if path.endswith(".ipynb"):
                rows.setdefault(Path(path).name, Row()).add(report)
    if not rows:
        return
    write = terminalreporter.write_line
    terminalreporter.section("notebooks")
    width = max(map(len, rows))
    write(f"{'notebook':{width}}  seconds  cells run  compared  checked  ignored  failed")
    for name, row in sorted(rows.items()):
        cells = str(row.run) if row.run == row.cells else f"{row.run} of {row.cells}"
        write(
            f"{name:{width}}  {row.seconds:7.1f}  {cells:>9}  {row.compared:8}  {row.checked:7}  {row.ignored:7}  "
            f"{len(row.failures):6}",
            red=bool(row.failures),
            green=not row.failures,
        )
    for name, row in sorted(rows.items()):
        if row.failures:
            first = min(row.failures)
            place = f"cell [{first + 1}] (nbval's Cell {first})" if first >= 0 else "the file"
            write(f"\n{name}, first failure in {place}:")
            for line in row.failures[first]:
                write(f"    {line[:150]}")
