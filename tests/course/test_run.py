"""`make run`: pages, the closing table, and an exit status that names the failing cell."""

import nbformat
import pytest

from tools import run


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Two small chapters in a folder of their own: 01 works, 02 fails in its second code cell."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, cells in {
        "01_works.ipynb": ["print('Data: mnist from embedded, 4,000 images')", "print('Headline: 42 facts')"],
        "02_fails.ipynb": ["x = 1", "x / 0", "print('Headline: never')"],
    }.items():
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_markdown_cell(f"# {name[:2]} · Trial {name[3:-6]}")]
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(notebook, folder / name)
    monkeypatch.setattr(run, "NOTEBOOKS", folder)
    monkeypatch.setattr(run, "BUILD", tmp_path / "build")
    monkeypatch.setenv("CNNLAB_PROFILE", "smoke")
    return tmp_path


def run_with(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["run", *arguments])
    return run.main()


def test_a_failing_chapter_fails_the_run_and_is_named(course, monkeypatch, capsys):
    assert run_with(monkeypatch) == 1
    out = capsys.readouterr().out
    assert "01 Trial works" in out and "mnist from embedded" in out and "42 facts" in out
    assert "FAILED 02 Trial fails: code cell 2 (x / 0): ZeroDivisionError: division by zero" in out
    assert "never" not in out
    built = sorted(path.name for path in (course / "build").iterdir())
    assert built == ["01_works.html", "01_works.ipynb", "02_fails.html", "02_fails.ipynb", "index.html"]
    assert '<a href="02_fails.html">02 Trial fails</a></td><td>FAILED' in (course / "build/index.html").read_text(
        encoding="utf-8"
    )


def test_one_chapter_alone_runs_green_and_keeps_older_pages_in_the_index(course, monkeypatch, capsys):
    (course / "build").mkdir()
    (course / "build/02_fails.html").write_text("older", encoding="utf-8")
    assert run_with(monkeypatch, "01") == 0
    assert "[1/1] 01 Trial works: ok" in capsys.readouterr().out
    index = (course / "build/index.html").read_text(encoding="utf-8")
    assert 'href="02_fails.html">02_fails.html</a></td><td colspan="4">from an earlier run' in index


def test_a_dying_kernel_is_a_failed_chapter(course, monkeypatch, capsys):
    path = course / "notebooks/02_fails.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].source = "import os; os._exit(9)"
    nbformat.write(notebook, path)
    assert run_with(monkeypatch, "02") == 1
    assert "code cell 2 (import os; os._exit(9)): DeadKernelError" in capsys.readouterr().out


def test_an_unknown_chapter_is_refused(course, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run_with(monkeypatch, "17")
    assert stop.value.code == 2
    assert "chapter must be one of 01, 02, got 17" in capsys.readouterr().err


def test_an_unknown_profile_is_refused(course, monkeypatch, capsys):
    monkeypatch.setenv("CNNLAB_PROFILE", "fast")
    with pytest.raises(SystemExit):
        run_with(monkeypatch)
    assert "CNNLAB_PROFILE must be one of smoke, cpu, gpu, got 'fast'" in capsys.readouterr().err
