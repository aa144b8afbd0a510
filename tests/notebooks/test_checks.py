"""Checks beside a notebook: read rightly, run after their cell by nbval, by `make run` and by `make outputs`."""

from itertools import takewhile

import nbformat
import pytest
from nbformat import v4

from tools import checks, run

CELLS = (("loss = 0.5\nsizes = [1, 2]", None), ("print(loss)", "0.5\n"), ("print(len(sizes))", "2\n"))


def verdict(printed: str, name: str) -> tuple[list[str], str]:
    """The numbers of a notebook's row (run, compared, checked, ignored, failed), and what stands below the table."""
    row = next(line for line in printed.splitlines() if line.startswith(f"{name} "))
    first, *lines = printed.partition(f"\n{name}, first failure in ")[2].splitlines() or [""]
    return row.split()[2:], "\n".join([first, *takewhile(lambda line: line.startswith("    "), lines)])


def test_blocks_are_read_with_their_lines(tmp_path):
    path = tmp_path / "01_topic.py"
    path.write_text(
        '"""What is checked of chapter 01."""\n\n# %% after first-cell  [F1 E11 000.32]\nassert x == 1\n\n'
        "# %% after second-cell\nfor y in x:\n    assert y\n",
        encoding="utf-8",
    )
    first, second = checks.read(path).values()
    assert (first.cell, first.treats, first.line) == ("first-cell", ("F1", "E11", "000.32"), 3)
    assert (second.cell, second.treats, second.line) == ("second-cell", (), 6)
    assert first.tree.body[0].lineno == 4
    assert second.tree.body[0].body[0].lineno == 8


def test_a_notebook_without_checks_has_none(write_notebook):
    path = write_notebook("01_topic.ipynb", *CELLS)
    assert checks.of_notebook(path, nbformat.read(path, as_version=4)) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# %% after a-cell\n\n# %% after a-cell\n", "line 3: a second block for the cell a-cell"),
        ("# %%\nassert x\n", "line 1: a heading is '# %% after CELL-ID"),
        ("# %% before a-cell\n", "got '# %% before a-cell'"),
        ("# %% after a-cell F1\n", "got '# %% after a-cell F1'"),
        ("import os\n# %% after a-cell\n", "only a docstring may stand above the first heading"),
        ("'two'\n'texts'\n# %% after a-cell\n", "only a docstring may stand above the first heading"),
        ("assert 1\n", "only a docstring may stand above the first heading"),
        ("# %% after a-cell\nassert x\nassert y =\n", "line 3: invalid syntax"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, text, message):
    path = tmp_path / "01_topic.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(checks.ChecksError) as raised:
        checks.read(path)
    assert str(raised.value).startswith("01_topic.py")
    assert message in str(raised.value)


def test_blocks_pass_and_are_counted_and_leave_nothing(write_notebook, write_checks, run_nbval):
    cells = [*CELLS, ("1", None), ("print('left' in globals(), loss, _)", "False 0.5 1\n")]
    path = write_notebook("01_topic.ipynb", *cells)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].outputs = [v4.new_output("execute_result", {"text/plain": "1"}, execution_count=4)]
    nbformat.write(notebook, path)
    write_checks(
        path,
        "# %% after cell-1\nleft = loss\nloss = 7\nassert left == 0.5\nprint('a word of the block')\n"
        "def also_left():\n    return left\n"
        "# %% after cell-4\n2\nassert profile == 'smoke' and loss == 0.5\n",
    )
    status, printed = run_nbval()
    assert verdict(printed, "01_topic.ipynb") == (["5", "4", "2", "0", "0"], ""), printed
    assert status == 0


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "loadscope")], ids=["one process", "two"])
def test_a_block_that_raises_fails_its_cell_and_its_line_is_shown(write_notebook, write_checks, run_nbval, options):
    path = write_notebook("01_topic.ipynb", *CELLS)
    text = "# %% after cell-2\nbound = 0.25\nassert loss < bound\n\n# %% after cell-3\nassert len(sizes) == 2\n"
    write_checks(path, text)
    status, printed = run_nbval(*options)
    numbers, below = verdict(printed, "01_topic.ipynb")
    assert status == 1
    assert numbers == ["3", "2", "2", "0", "1"]
    assert below.splitlines() == [
        "cell [2] (nbval's Cell 1):",
        "    check after cell-2: AssertionError: assert 0.5 < 0.25",
        "    01_topic.py, line 3: assert loss < bound",
    ]


def test_an_error_in_a_function_of_the_notebook_shows_the_line_of_the_block(write_notebook, write_checks, run_nbval):
    path = write_notebook("01_topic.ipynb", ("def half(x):\n    return x / 0", None))
    write_checks(path, "# %% after cell-1\nvalue = 1\nassert half(value) == 0.5\n")
    _, below = verdict(run_nbval()[1], "01_topic.ipynb")
    assert "ZeroDivisionError: division by zero" in below
    assert below.endswith("01_topic.py, line 3: assert half(value) == 0.5")


def test_a_cell_that_failed_before_its_block_is_reported_for_itself(write_notebook, write_checks, run_nbval):
    raises = write_notebook("01_raises.ipynb", ("1 / 0", None))
    differs = write_notebook("02_differs.ipynb", ("print(1)", "2\n"))
    for path in (raises, differs):
        write_checks(path, "# %% after cell-1\nassert not 'reached'\n")
    _, printed = run_nbval()
    assert "reached" not in printed
    assert verdict(printed, "01_raises.ipynb")[0] == ["1", "0", "0", "0", "1"]
    assert "ZeroDivisionError" in verdict(printed, "01_raises.ipynb")[1]
    assert "outputs differ, first here" in verdict(printed, "02_differs.ipynb")[1]


def test_a_block_for_a_cell_that_is_not_there_fails_the_notebook(write_notebook, write_checks, run_nbval):
    path = write_notebook("01_topic.ipynb", *CELLS)
    write_checks(path, "# %% after cell-9\nassert loss\n")
    status, printed = run_nbval()
    assert status == 1
    assert "01_topic.py, line 1: 01_topic.ipynb has no code cell with the id cell-9" in printed


def test_a_kernel_that_dies_in_a_block_is_noticed_at_once(write_notebook, write_checks, run_nbval):
    path = write_notebook("01_topic.ipynb", *CELLS)
    write_checks(path, "# %% after cell-1\nimport os\nos._exit(1)\n")
    status, printed = run_nbval("--nbval-cell-timeout", "500")
    assert status == 1
    assert "check after cell-1: the kernel died in it" in verdict(printed, "01_topic.ipynb")[1]


def test_a_block_that_hangs_is_interrupted(write_notebook, write_checks, monkeypatch):
    path = write_notebook("01_topic.ipynb", ("import time", None))
    write_checks(path, "# %% after cell-1\ntime.sleep(100)\n")
    unbounded = checks.run_after
    monkeypatch.setattr(checks, "run_after", lambda *arguments: unbounded(*arguments, seconds=1))
    failure = run.run_cells(nbformat.read(path, as_version=4), path, "smoke")
    assert failure == "code cell 1 (import time): check after cell-1: took longer than 1 seconds"


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("# %% after cell-1\nassert profile == 'cpu' and loss == 0.5\nprint('a word')\n", ""),
        (
            "# %% after cell-2\nassert loss == 1\n",
            "code cell 2 (print(loss)): check after cell-2: AssertionError: assert 0.5 == 1; "
            "01_topic.py, line 2: assert loss == 1",
        ),
        ("# %% after cell-2\nimport os\nos._exit(1)\n", "check after cell-2: the kernel died in it"),
        ("# %% after cell-9\nassert loss\n", "01_topic.ipynb has no code cell with the id cell-9"),
    ],
    ids=["passes", "raises", "dies", "no such cell"],
)
def test_make_run_and_make_outputs_run_them(write_notebook, write_checks, text, failure):
    path = write_notebook("01_topic.ipynb", *CELLS)
    write_checks(path, text)
    notebook = nbformat.read(path, as_version=4)
    found = run.run_cells(notebook, path, "cpu")
    assert failure in found if failure else found == ""
    if not failure:
        assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
        assert [[output.text for output in cell.outputs] for cell in notebook.cells] == [[], ["0.5\n"], ["2\n"]]
