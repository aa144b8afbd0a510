"""The closing verdict: its counts are true, it names the first failing cell, and it leaves pass or fail to nbval."""

import re
from types import SimpleNamespace

import pytest

from tools.links import ROOT


def rows(printed: str) -> dict[str, list[str]]:
    """The verdict's rows: file name -> cells run, compared, checked, ignored, failed."""
    number = r" +(\d+)"
    found = re.findall(rf"^(\S+\.ipynb) +[\d.]+ +(\d+(?: of \d+)?){number * 4}$", printed, re.MULTILINE)
    return {name: counts for name, *counts in found}


def failure(printed: str, name: str) -> str:
    """What the verdict says below the table about a notebook."""
    return printed.split(f"\n{name}, first failure in ")[1].split("\n\n")[0]


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "loadscope")], ids=["one process", "two"])
def test_verdict(write_notebook, run_nbval, options):
    write_notebook(
        "01_good.ipynb",
        ("number = 1", None),
        ("print(number)", "1\n"),
        ("# NBVAL_IGNORE_OUTPUT\nprint(number + 1)", "0\n"),
        ("import sys\nassert number == 1\nprint('a warning', file=sys.stderr)", None),
    )
    write_notebook(
        "02_differs.ipynb",
        ("number = 1", None),
        ("print('sum')\nprint(number + 3)", "sum\n5\n"),
        ("# NBVAL_IGNORE_OUTPUT\nprint(number)", "1\n"),
        ("print(number)", "1\n"),
    )
    write_notebook("03_raises.ipynb", ("value = 3\nassert value == 2, f'value is {value}'", None), ("1 / 0", None))
    write_notebook("04_stripped.ipynb", ("print(1)", None))
    write_notebook("05_hangs.ipynb", ("import time\ntime.sleep(60)", None), ("print(2)", "3\n"))
    status, printed = run_nbval("--nbval-cell-timeout", "3", *options)
    assert status == 1
    assert rows(printed) == {
        "01_good.ipynb": ["4", "1", "0", "1", "0"],
        "02_differs.ipynb": ["4", "2", "0", "1", "1"],
        "03_raises.ipynb": ["2", "0", "0", "0", "2"],
        "04_stripped.ipynb": ["1", "1", "0", "0", "1"],
        "05_hangs.ipynb": ["1 of 2", "0", "0", "0", "1"],
    }
    assert "01_good.ipynb, first failure" not in printed
    differs = failure(printed, "02_differs.ipynb")
    assert differs.startswith("cell [2] (nbval's Cell 1):\n")
    assert "stored   stdout: 5\n" in differs
    assert "now      stdout: 4" in differs
    raises = failure(printed, "03_raises.ipynb")
    assert raises.startswith("cell [1] (nbval's Cell 0):\n    AssertionError: value is 3\n")
    assert "----> 2 assert value == 2" in raises
    assert "now      stdout: 1" in failure(printed, "04_stripped.ipynb")
    assert "Timeout of 3 seconds exceeded executing cell" in failure(printed, "05_hangs.ipynb")


def test_a_file_that_is_no_notebook_is_a_failure(tmp_path, run_nbval):
    (tmp_path / "01_broken.ipynb").write_text("{", encoding="utf-8")
    status, printed = run_nbval()
    assert status != 0
    assert failure(printed, "01_broken.ipynb").startswith("the file:\n")


def test_nothing_is_printed_where_no_notebook_ran(pytestconfig):
    verdict = pytestconfig.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    verdict.pytest_terminal_summary(SimpleNamespace(stats={"passed": [], "": [object()]}))
