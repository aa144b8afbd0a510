"""The chapters pass the lint, and each rule of the lint rejects what breaks it."""

import base64
import json
from collections.abc import Callable

import pytest
from nbformat import NotebookNode, v4

from cnnlab import exercises
from tools import links, lint, outputs

CHAPTER = "02"  # the clean notebook borrows the exercises of a real chapter
FILE = f"{CHAPTER}_topic.ipynb"


@pytest.mark.parametrize("path", sorted(links.NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_chapter(path):
    found = lint.findings(path)
    assert not found, "\n".join(found)


def test_there_are_chapters():
    assert list(links.NOTEBOOKS.glob("*.ipynb"))


def text_cell(source: str) -> NotebookNode:
    return v4.new_markdown_cell(source)


def code_cell(source: str, text: str = "", **data: str) -> NotebookNode:
    cell = v4.new_code_cell(source)
    if text:
        cell.outputs.append(v4.new_output("stream", name="stdout", text=text))
    if data:
        cell.outputs.append(v4.new_output("display_data", data={key.replace("_", "/"): data[key] for key in data}))
    return cell


@pytest.fixture
def clean(monkeypatch) -> NotebookNode:
    """A notebook that keeps every rule of the lint; those of the second edition have tests of their own."""
    monkeypatch.setattr(lint.form, "FIRST_EDITION", frozenset({CHAPTER}))
    figure = code_cell("lab.show(figure, 'A single white dot on a black ground')", image_png=png(100))
    figure.outputs[0].metadata = {"image/png": {"alt": "A single white dot on a black ground"}}
    cells = [
        text_cell(f"# {CHAPTER} · Topic\n\n{links.badge(FILE)}"),
        code_cell(links.setup_cell(), "cnnlab\n"),
        text_cell("## Idea\n\n```python\n# a comment in a listing is no heading\n```\n\n![a dot](dot.png)"),
        code_cell("# NBVAL_IGNORE_OUTPUT\nprint(loss)", "0.1\n"),
        text_cell("The loss is small, 1/2 or less; see https://example.org/home/loss."),
        code_cell("assert loss < 0.5, loss\nlab.headline(f'loss {loss}')", "Headline: loss 0.1\n"),
        figure,
        *(text_cell(f"## {name}") for name in ("Corrections to the lecture", "Exercises")),
    ]
    for exercise in exercises.of_chapter(CHAPTER):
        cells.append(text_cell(f"### Exercise {exercise.key}"))
        cells.append(code_cell(exercises.stub_cell(exercise.key), "not attempted\n"))
    cells += [text_cell(f"## {name}") for name in ("Summary", "Terms", "Sources")]
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
    return v4.new_notebook(cells=cells)


def png(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


@pytest.fixture
def broken_rules(tmp_path) -> Callable:
    """Write a notebook as `make outputs` does and name the rules that reject it."""

    def rules(notebook: NotebookNode | str, name: str = FILE) -> set[str]:
        path = tmp_path / name
        text = notebook if isinstance(notebook, str) else outputs.stored_text(outputs.cleaned(notebook))
        path.write_text(text, encoding="utf-8")
        found = lint.findings(path)
        assert all(finding.startswith(name) for finding in found)
        return {finding.rstrip("]").split("[")[-1] for finding in found}

    return rules


def test_a_clean_notebook_passes(clean, broken_rules):
    assert broken_rules(clean) == set()


def edit(number: int, old: str, new: str) -> Callable:
    """A change of the source of one cell, counted over all cells from 0."""

    def change(notebook: NotebookNode) -> None:
        cell = notebook.cells[number]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def add(*cells: NotebookNode) -> Callable:
    """Put cells before the closing sections, executed in turn."""

    def change(notebook: NotebookNode) -> None:
        notebook.cells[7:7] = cells
        for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
            cell.execution_count = number

    return change


def set_output(number: int, output: NotebookNode) -> Callable:
    return lambda notebook: notebook.cells[number].outputs.append(output)


def strip(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def empty(notebook: NotebookNode) -> None:
    """Outputs gone, counts kept."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []


def undescribed(notebook: NotebookNode) -> None:
    notebook.cells[6].outputs[0].metadata = {}


def huge_figure(notebook: NotebookNode) -> None:
    notebook.cells[6].outputs[0].data["image/png"] = png(100_001)


def swap_exercises(notebook: NotebookNode) -> None:
    cells = notebook.cells
    cells[9:13] = [*cells[11:13], *cells[9:11]]
    for number, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number


def drop(number: int) -> Callable:
    def change(notebook: NotebookNode) -> None:
        del notebook.cells[number]
        for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
            cell.execution_count = count

    return change


STDERR = v4.new_output("stream", name="stderr", text="a warning")
WARNING = v4.new_output("stream", name="stdout", text="WARNING:tensorflow:5 out of the last 9 calls\n")
ERROR = v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
TAGGED = v4.new_code_cell("values = []", metadata={"tags": ["nbval-ignore-output"]})
IGNORED = "# NBVAL_IGNORE_OUTPUT\nprint(loss)"


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("title", edit(0, "# 02 ·", "# 03 ·")),
        ("title", edit(0, " ·", ":")),
        ("title", edit(2, "## Idea", "# Idea")),
        ("badge", edit(0, FILE, "02_other.ipynb")),
        ("badge", edit(0, links.badge(FILE), "")),
        ("badge", edit(2, "![a dot](dot.png)", links.badge(FILE))),
        ("setup", edit(1, "SEED = 0", "SEED = 1")),
        ("setup", drop(1)),
        ("closing", edit(7, "Corrections to the lecture", "Corrections")),
        ("closing", edit(-1, "Sources", "Terms")),
        ("closing", edit(-1, "## Sources", "## Sources\n\n## More")),
        ("executed", strip),
        ("executed", lambda notebook: setattr(notebook.cells[5], "execution_count", 7)),
        ("outputs_stored", empty),
        ("outputs_stored", add(v4.new_code_cell("size = 3\nsize"))),
        ("outputs_stored", add(v4.new_code_cell("model.summary()"))),
        ("outputs_stored", set_output(5, ERROR)),
        ("outputs_stored", set_output(5, WARNING)),
        ("sizes", add(v4.new_code_cell("x = 1\n" * 26))),
        ("sizes", set_output(5, v4.new_output("stream", name="stdout", text="x" * 300_001))),
        ("sizes", huge_figure),
        ("described", undescribed),
        ("described", edit(2, "![a dot]", "![]")),
        ("described", edit(2, "![a dot](dot.png)", '<img src="dot.png">')),
        ("described", edit(2, "![a dot](dot.png)", '<img src="dot.png" alt="">')),
        ("described", add(code_cell("_ = 1", text_html='<img src="dot.png">'))),
        ("anywhere", edit(4, "1/2", "/home/somebody")),
        ("anywhere", add(v4.new_code_cell('path = "/tmp"'))),
        ("anywhere", add(v4.new_code_cell("path = r'C:\\data'"))),
        ("anywhere", add(code_cell("print(path)", "saved to /data/models/lenet.npz\n"))),
        ("markers", add(v4.new_code_cell("# NBVAL_IGNORE_OUTPUT because it is trained"))),
        ("markers", add(v4.new_code_cell("#nbval-ignore-output"))),
        ("markers", add(v4.new_code_cell("# nbval_ignore_output"))),
        ("markers", add(v4.new_code_cell("# NBVAL_SKIP"))),
        ("markers", add(v4.new_code_cell("# NBVAL_RAISES_EXCEPTION"))),
        ("markers", add(v4.new_code_cell("# PYTEST_VALIDATE_IGNORE_OUTPUT"))),
        ("markers", add(v4.new_code_cell("# IGNORE_OUTPUT"))),
        ("markers", add(v4.new_code_cell("values = []\n# NBVAL_IGNORE_OUTPUT"))),
        ("markers", add(v4.new_code_cell("# NBVAL_IGNORE_OUTPUT \nvalues = []"))),
        ("markers", add(TAGGED)),
        ("asserted", drop(5)),
        ("asserted", edit(5, "assert loss < 0.5, loss", "assert True")),
        ("asserted", edit(5, "assert loss < 0.5, loss", "assert (loss < 0.5, loss)")),
        ("asserted", edit(5, "assert loss < 0.5, loss", "assert loss < 0.5 or True")),
        ("asserted", edit(5, "assert loss < 0.5, loss", "# assert loss < 0.5")),
        ("asserted", edit(5, "assert loss < 0.5, loss", "def check(loss):\n    assert loss < 0.5\n")),
        ("asserted", add(code_cell(IGNORED, "0.1"))),
        ("asserted", add(code_cell(IGNORED, "0.1"), code_cell(IGNORED, "0.1"), code_cell("assert loss < 0.5"))),
        ("plain_python", add(v4.new_code_cell("!ls"))),
        ("plain_python", add(v4.new_code_cell("%matplotlib inline"))),
        ("plain_python", add(v4.new_code_cell("_ = axis.plot(loss);"))),
        ("exercised", drop(10)),
        ("exercised", drop(11)),  # then two stubs follow each other
        ("exercised", edit(10, "answer", "result")),
        ("exercised", edit(9, "### Exercise 02.1", exercises.stub_cell("02.1"))),
        ("exercised", add(code_cell('lab.hint("02.1")', text_plain="Hint"))),
        ("exercised", add(code_cell('lab.solution("02.1")', text_plain="Solution"))),
        ("exercised", swap_exercises),
        ("headline", edit(5, "lab.headline(f'loss {loss}')", "print(f'Headline: loss {loss}')")),
    ],
)
def test_a_rule_rejects_what_breaks_it(clean, broken_rules, rule, change):
    change(clean)
    assert rule in broken_rules(clean)


@pytest.mark.parametrize(
    "cell",
    [
        code_cell("# NBVAL_IGNORE_OUTPUT\nprint(loss)\nassert loss < 0.5", "0.1\n"),
        v4.new_code_cell("text = 'a; b'"),
        v4.new_code_cell("def half(x):\n    print(x)\n    return x / 2"),
        code_cell("1 / 2", text_plain="0.5"),
        code_cell("print(text)", "valid/same and https://example.org/tmp/x\n"),
        text_cell('<img src="dot.png" alt="a dot">'),
    ],
)
def test_what_keeps_the_rules_passes(clean, broken_rules, cell):
    add(cell, code_cell("for value in (loss,):\n    assert value < 0.5"))(clean)
    assert broken_rules(clean) == set()


def test_a_function_that_asserts_and_numpy_testing_are_assertions(clean, broken_rules):
    define = code_cell("def fact(value):\n    assert value < 0.5")
    ignored = [code_cell(IGNORED, "0.1\n") for _ in range(2)]
    testing = code_cell("np.testing.assert_allclose(loss, 0.1)")
    add(define, ignored[0], code_cell("fact(loss)"), ignored[1], testing)(clean)
    assert broken_rules(clean) == set()


def test_a_file_of_another_name_is_rejected(clean, broken_rules):
    assert {"title", "badge"} <= broken_rules(clean, "02_Topic.ipynb")
    assert "title" in broken_rules(clean, "03_topic.ipynb")


def test_too_few_exercises_are_rejected(clean, broken_rules, monkeypatch):
    monkeypatch.setattr(exercises, "of_chapter", lambda number: ())
    assert "exercised" in broken_rules(clean)


@pytest.mark.parametrize("change", [{"execution": {"iopub.status.busy": "2024-01-01T00:00:00"}}, {"scrolled": True}])
def test_a_file_saved_from_a_window_is_rejected(clean, broken_rules, change):
    text = outputs.stored_text(outputs.cleaned(clean))
    saved = json.loads(text)
    saved["cells"][1]["metadata"] = change
    assert broken_rules(json.dumps(saved, indent=1, ensure_ascii=False, sort_keys=True) + "\n") == {"as_written"}
    saved = json.loads(text)
    saved["cells"][1]["outputs"].append(dict(STDERR))
    assert broken_rules(json.dumps(saved, indent=1, ensure_ascii=False, sort_keys=True) + "\n") == {"as_written"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.update(nbformat_minor=4),
        lambda raw: raw["cells"][1].pop("outputs"),
        lambda raw: raw["cells"][1].update(id=raw["cells"][0]["id"]),
    ],
    ids=["older format", "no outputs field", "same identifiers"],
)
def test_an_invalid_file_is_rejected(clean, broken_rules, damage):
    raw = json.loads(outputs.stored_text(outputs.cleaned(clean)))
    damage(raw)
    assert broken_rules(json.dumps(raw)) == {"valid"}


def test_the_command_names_file_and_cell(clean, tmp_path, monkeypatch, capsys):
    edit(5, "assert loss < 0.5, loss", "assert True")(clean)
    (tmp_path / FILE).write_text(outputs.stored_text(outputs.cleaned(clean)), encoding="utf-8")
    monkeypatch.setattr(lint.run, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr("sys.argv", ["lint", CHAPTER])
    assert lint.main() == 1
    printed = capsys.readouterr().out
    assert f"{FILE}, cell [2]: is ignored" in printed
    assert printed.endswith("1 notebooks, 1 findings, first edition: 02\n")
