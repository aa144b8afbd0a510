"""`make outputs`: what it writes passes nbval, is the same when written again, and is whole or not there."""

import nbformat
import pytest

from tools import outputs, run

SOURCES = (
    "import os, sys\nprint('before')\nprint('a warning', file=sys.stderr)\nprint('after', flush=True)\nprint('more')",
    "os.environ['CNNLAB_PROFILE'], os.getcwd() == FOLDER",
    "from IPython.display import display\n"
    "display({'text/plain': 'a dot'}, raw=True, metadata={'image/png': {'alt': 'a dot'}})",
)


@pytest.fixture
def notebook(write_notebook, tmp_path):
    first, second, third = SOURCES
    return write_notebook(
        "01_topic.ipynb", (first, None), (second.replace("FOLDER", repr(str(tmp_path))), None), (third, None)
    )


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Run the command line over the notebooks of tmp_path."""

    def call(*arguments: str) -> int:
        monkeypatch.setattr(run, "NOTEBOOKS", tmp_path)
        monkeypatch.setattr("sys.argv", ["outputs", *arguments])
        return outputs.main()

    return call


def test_references_pass_nbval_and_are_stable(notebook, command, run_nbval, capsys):
    identifiers = [cell.id for cell in nbformat.read(notebook, as_version=4).cells]
    assert command() == 0
    assert "01_topic.ipynb: 3 code cells" in capsys.readouterr().out
    text = notebook.read_text(encoding="utf-8")
    written = nbformat.read(notebook, as_version=4)
    assert [cell.id for cell in written.cells] == identifiers
    assert [cell.execution_count for cell in written.cells] == [1, 2, 3]
    streams, value, picture = (cell.outputs for cell in written.cells)
    assert [(output.name, output.text) for output in streams] == [("stdout", "before\nafter\nmore\n")]
    assert value[0].data["text/plain"] == "('cpu', True)"
    assert picture[0].metadata["image/png"]["alt"] == "a dot"
    assert written.metadata == outputs.METADATA
    assert all(cell.metadata == {} for cell in written.cells)
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")
    assert command() == 0
    assert notebook.read_text(encoding="utf-8") == text
    status, printed = run_nbval()
    assert status == 1, "the profile is smoke here, so cell [2] alone differs"
    assert "first failure in cell [2]" in printed
    assert "1 failed, 2 passed" in printed


def test_a_failed_cell_leaves_the_file_alone(write_notebook, command, tmp_path, capsys):
    bad = write_notebook("01_bad.ipynb", ("print(1)", None), ("value = 0\n1 / value", None))
    good = write_notebook("02_good.ipynb", ("print(1)", None))
    before = bad.read_text(encoding="utf-8")
    assert command() == 1
    printed = capsys.readouterr().out
    assert "01_bad.ipynb: FAILED" in printed
    assert "cell 2" in printed
    assert "ZeroDivisionError" in printed
    assert bad.read_text(encoding="utf-8") == before
    assert nbformat.read(good, as_version=4).cells[0].outputs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01_bad.ipynb", "02_good.ipynb"]


def test_a_killed_kernel_leaves_the_file_alone(write_notebook, command, capsys):
    path = write_notebook("01_dies.ipynb", ("import os\nos._exit(1)", None))
    before = path.read_text(encoding="utf-8")
    assert command("01") == 1
    assert "FAILED" in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == before


def test_only_the_chapters_asked_for(notebook, command, capsys):
    before = notebook.read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        command("07")
    assert "07" in capsys.readouterr().err
    assert notebook.read_text(encoding="utf-8") == before
