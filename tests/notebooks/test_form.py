"""The form of the second edition: a clean chapter passes, and each rule rejects what breaks it."""

from collections.abc import Callable

import nbformat
import pytest
from nbformat import NotebookNode, v4

from tools import form
from tools.notebooks import Chapter

FOLDED = {"tags": ["hide-input"], "jupyter": {"source_hidden": True}, "cellView": "form"}
DRAWING = "figure, axis = plt.subplots()\naxis.plot(losses)\naxis.set_xlabel('step')\naxis.set_ylabel('loss')\n\n"
CHECKS = "# %% after train-network  [F1]\nassert losses[-1] < 0.5\nnp.testing.assert_allclose(losses[0], 1)\n"


def text(source: str, **metadata) -> NotebookNode:
    return v4.new_markdown_cell(source, metadata=metadata)


def code(source: str, id: str = "some-cell", printed: str = "", **metadata) -> NotebookNode:
    outputs = [v4.new_output("stream", name="stdout", text=printed)] if printed else []
    return v4.new_code_cell(source, id=id, metadata=metadata, outputs=outputs)


def clean() -> list[NotebookNode]:
    """The cells of a chapter that keeps the form."""
    return [
        text("# 07 · Topic\n\nThe F1 layer of nothing, 1.5 and 100.32 are no ids."),
        code("import numpy as np\nlosses = train(3)\nsizes = [1, 2]", "train-network"),
        code("# NBVAL_IGNORE_OUTPUT\nlosses[-1]", "last-loss"),
        code("assert ours == theirs", "ours-theirs"),
        code(f"# @title Draw: the losses\n{DRAWING}lab.show(figure, 'the losses')", "draw-losses", **FOLDED),
        text("### Extra: the graph", **{"jp-MarkdownHeadingCollapsed": True}),
        code("figure = lab.image_grid(images)\nlab.show(figure, 'images')", "grid"),
        text("## Exercises"),
    ]


@pytest.fixture
def broken(tmp_path, write_checks, monkeypatch) -> Callable:
    """The rules that reject a chapter of these cells and these checks."""
    rows = {"computed": ["F2", "F3"], "published": ["G1"], "corrections": ["E11"]}
    monkeypatch.setattr(form, "curriculum", lambda: {"07": rows, "08": {"corrections": ["E38"]}})

    def rules(cells: list[NotebookNode], checks: str = CHECKS) -> list[str]:
        path = tmp_path / "07_topic.ipynb"
        for number, cell in enumerate(cells):
            cell["id"] = cell.id if cell.cell_type == "code" and cell.id != "some-cell" else f"cell-number-{number}"
        nbformat.write(v4.new_notebook(cells=cells), path)
        write_checks(path, f"{checks}\n# %% after last-loss\nassert losses[-1] > 0\n")
        return [rule.__name__ for rule in form.RULES for _ in rule(Chapter(path))]

    return rules


def test_a_clean_chapter_passes(broken):
    assert broken(clean()) == []


@pytest.mark.parametrize(
    ("rule", "cell"),
    [
        ("results_shown", code("print('agrees with Keras: True')")),
        ("results_shown", code("print('agrees with Keras:', True)")),
        ("results_shown", code("if close:\n    print(f'within {bound}: True')")),
        ("no_ids", text("As in the lecture [000.32].")),
        ("no_ids", text("*Lecture: 003.15*")),
        ("no_ids", text("*Correction E11*")),
        ("no_ids", text("Another chapter has E38.")),
        ("no_ids", text("The fact F2 again.")),
        ("no_ids", text("See table T11.")),
        ("no_ids", code("fact('density', 3, 3)")),
        ("no_ids", code("shares = 3  # G1")),
        ("no_ids", code("print(name)", printed="G1 is published\n")),
        ("one_assert", code("assert a == b\nassert c == d")),
        ("one_assert", code("def check(a):\n    assert a\n\n\nassert check(3) is None")),
        ("one_assert", code("assert loss < lab.scale(smoke=1, cpu=0.5, gpu=0.2)")),
        ("one_assert", code("assert lab.profile() == 'smoke' or loss < 1")),
        ("folded", code(f"{DRAWING}lab.show(figure, 'the losses')")),
        ("folded", code(f"# NBVAL_IGNORE_OUTPUT\n{DRAWING}lab.show(figure, 'the losses')", "last-loss")),
        ("folded", code(f"# @title Draw: losses\n{DRAWING}lab.show(figure, 'the losses')", tags=["hide-input"])),
        ("folded", code(f"{DRAWING}lab.show(figure, 'the losses')", **FOLDED)),
        ("folded", code("# @title Draw: losses\n" + DRAWING * 4 + "lab.show(figure, 'a')", **FOLDED)),
        ("collapsed", text("### Extra: another one")),
        ("collapsed", text("### The main line", **{"jp-MarkdownHeadingCollapsed": True})),
        ("checked", code("# NBVAL_IGNORE_OUTPUT\nlosses[0]")),
    ],
)
def test_a_rule_rejects_what_breaks_it(broken, rule, cell):
    cells = clean()
    if cell.cell_type == "code" and cell.id == "last-loss":
        cells[2]["id"] = "first-loss"
        cells[2].source = "x = 1"
    cells.insert(4, cell)
    assert broken(cells) == [rule]


@pytest.mark.parametrize(
    "cell",
    [
        code("print('is it True?', ours == theirs)"),
        code("answer = 'True'"),
        text("LeNet's layers, the E step and a T4 are no ids."),
        code(f"{DRAWING}slope = np.polyfit(steps, losses, 1)\nlab.show(figure, 'the losses')\n", "draws-and-computes"),
        code("# NBVAL_IGNORE_OUTPUT\n# @title Draw: a\nlab.show(figure, 'a')", "last-loss", **FOLDED),
        text("```python\n# Extra: no heading\n```"),
    ],
)
def test_what_keeps_the_form_passes(broken, cell):
    cells = clean()
    if cell.cell_type == "code" and cell.id == "last-loss":
        cells[2]["id"] = "first-loss"
        cells[2].source = "x = 1"
    cells.insert(4, cell)
    cells.insert(5, code("print(slope)"))
    assert broken(cells) == []


def test_exercises_and_extras_are_not_in_the_main_line(broken):
    def many() -> list[NotebookNode]:
        return [text("more") for _ in range(form.LONGEST_MAIN_LINE)]

    def extra(*cells: NotebookNode) -> list[NotebookNode]:
        return [text("### Extra: more", **{"jp-MarkdownHeadingCollapsed": True}), *many(), *cells]

    *upper, heading = clean()
    assert broken([*upper, heading, *many()]) == []
    assert broken([*upper, heading, *many(), text("## Summary")]) == []
    assert broken([*upper, *extra(text("#### Part of it"), *many(), text("## Next")), heading]) == []
    assert broken([*upper[:5], *many(), *upper[5:], heading]) == ["main_line"]
    assert broken([*upper, *extra(text("### Back"), *many()), heading]) == ["main_line"]


@pytest.mark.parametrize(
    "block",
    [
        "# %% after train-network  [F2]\nassert losses[-1] < 0.5\n",
        "# %% after train-network  [F2]\nbest = min(losses)\nfor x, bound in [(best, 1)]:\n    assert x < bound\n",
        "# %% after train-network  [F2]\nassert all(loss < 1 for loss in losses)\n",
        "# %% after train-network  [E11 000.32]\n",
        "# %% after train-network  [G1]\n",
    ],
)
def test_blocks_that_compare_something_computed_pass(broken, block):
    assert broken(clean(), block) == []


@pytest.mark.parametrize(
    "block",
    [
        "# %% after train-network  [F2]\n",
        "# %% after train-network  [F2]\nlosses[-1] < 0.5\n",
        "# %% after train-network\nassert 68.27 == 68.27\n",
        "# %% after train-network\nmargins = [16, 27]\nassert margins == [16, 27]\n",
        "# %% after train-network\nassert np.array([16, 27]).sum() == 43\n",
        "# %% after train-network\nassert sizes == [1, 2]\n",
        "# %% after train-network\nassert profile == 'smoke'\n",
        "# %% after train-network\nfor ours, theirs in [(1, 1)]:\n    assert ours == theirs\n",
        "# %% after train-network\nassert later\n",
        "# %% after grid\nassert figure\n",
        "# %% after no-such-cell\nassert losses\n",
        "# %% before train-network\nassert losses\n",
    ],
)
def test_blocks_that_compare_literals_or_cannot_be_read_are_rejected(broken, block):
    cells = clean()
    cells.insert(5, code("later = train(5)"))
    assert broken(cells, block) == ["checked"]


def test_an_assertion_that_cannot_fail_does_not_count(broken):
    cells = clean()
    cells.insert(3, code("# NBVAL_IGNORE_OUTPUT\nlosses[0]", "first-loss"))
    assert broken(cells, f"{CHECKS}# %% after first-loss\nassert losses[0] < 2 or True\n") == ["checked"] * 2
    assert broken(cells, f"{CHECKS}# %% after first-loss\nassert losses[0] < 2\n") == []


def test_chapters_that_are_not_revised_are_listed_and_not_held_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(form, "FIRST_EDITION", {"07"})
    assert form.is_first_edition(Chapter(tmp_path / "07_topic.ipynb"))
    assert not form.is_first_edition(Chapter(tmp_path / "08_topic.ipynb"))
