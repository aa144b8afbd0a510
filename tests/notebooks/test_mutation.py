"""The chapters notice a changed number, and the mutation test notices where one would not."""

import nbformat
import pytest

from tools import links, mutate

SAMPLE, SEED = 30, 0
QUICK = ("02", "03")  # the quickest chapters; all of them would take as long as all notebooks together do
CAUGHT = 27  # of the sample; where 95 of 100 are caught, a sample of 30 misses four or more only once in 16

DEFINE = "import numpy as np\n\n\ndef fact(value, expected):\n    assert value == expected"
TRAINED = "# NBVAL_IGNORE_OUTPUT\nloss = 4\nprint('loss', loss)"


def test_sample_of_the_chapters():
    chapters = [path for path in sorted(links.NOTEBOOKS.glob("*.ipynb")) if path.name.startswith(QUICK)]
    found = [mutant for path in chapters for mutant in mutate.mutants_of(path)[0]]
    sample = mutate.draw(found, SAMPLE, SEED)
    assert len(sample) == SAMPLE
    verdicts = mutate.judge(sample)
    survivors = [str(mutant) for mutant, caught in verdicts.items() if not caught]
    score = f"{SAMPLE - len(survivors)} of {SAMPLE} mutants caught, drawn from {len(found)}"
    print(score)
    assert len(verdicts) == SAMPLE
    assert SAMPLE - len(survivors) >= CAUGHT, "\n".join([score, *survivors])


def changes(path, kind: str | None = None) -> list[tuple[int, str, str]]:
    """Cell, old and new number of each mutant."""
    mutants, _ = mutate.mutants_of(path)
    return [(m.cell, m.text[m.start : m.end], m.new) for m in mutants if kind in (None, m.kind)]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("3", "4"),
        ("9", "0"),
        ("60_000", "60_001"),
        ("0.99", "0.90"),
        ("1e-5", "2e-5"),
        ("1.5e+07", "1.6e+07"),
        ("2.", "3."),
    ],
)
def test_next_number(number, expected):
    assert mutate.next_number(number) == expected
    assert float(number) != float(expected)


@pytest.mark.parametrize(
    ("source", "printed", "expected"),
    [
        ("print(28, 'x')", "28x28, conv3 and -0.25\n", ["28", "0.25"]),
        ("# NBVAL_IGNORE_OUTPUT\nprint(28)", "28\n", []),
        ("print(value)", "<function relu at 0x7f2a5c1b0e50> 3\n", ["3"]),
        ("print(value)", "Device: CPU, 8 cores | Profile: cpu | Seed: 0\n", ["0"]),
    ],
)
def test_numbers_of_outputs(write_notebook, source, printed, expected):
    path = write_notebook("01_topic.ipynb", ("value = 1", None), (source, printed))
    assert [old for _, old, _ in changes(path, "output")] == expected


@pytest.mark.parametrize(
    ("source", "printed", "expected"),
    [
        ("print(2 * 3.5, 'conv3', f'{x:.3f} {x[0]}')  # 4", "7\n", ["2", "3.5"]),
        ("size = 3", None, []),
        ("size = 3\nassert size == 3", None, ["3", "3"]),
        ("fact(3, 3)", None, ["3", "3"]),
        ("np.testing.assert_allclose(x[0], 3, 1e-6)", None, ["0", "3"]),
        ("assert x[1] < 0.5 * y[2] and 4 == y[3] > -1, x[5]", None, ["1", "2", "4", "3"]),
        ("assert x > lab.scale(smoke=0.8, cpu=0.9, gpu=0.99)", None, []),
        ("assert np.isclose(x, 2, atol=1e-6) and np.allclose(x, 2, 0, 1e-6)", None, ["2", "2"]),
        ("mask = x > 0.5\nassert mask.sum() == 7", None, ["0.5", "7"]),
        ("print(lab.scale(smoke=1, cpu=6, gpu=20))", "1\n", ["1"]),
        ("SEED = 0\nx = np.random.default_rng(7).normal(size=3)\nassert x.shape == (3,)", None, ["3", "3"]),
        ("keras.utils.set_random_seed(1)\nlayer = layers.Dense(2, seed=4)\nprint(3)", "3\n", ["2", "3"]),
        (
            "figure, axes = plt.subplots(2, 3, figsize=(6, 4), dpi=9)\naxes[0].plot(x, lw=8)\nprint(5)",
            "5\n",
            list("23645"),
        ),
        ("for axis, x in zip(plt.subplots(2)[1], (1, 2)):\n    axis.set(xlim=(0, 9))\nprint(5)", "5\n", list("21125")),
        ("visualize.draw(3)\nlab.show(f(4), 'a')\nlab.image_grid(x, columns=5)\nprint(6)", "6\n", ["6"]),
        (
            "x = 3\nfigure = plt.figure(figsize=(4, 5))\nlab.show(figure, 'a')",
            "<Figure size 4x5 with 1 Axes>",
            ["4", "5"],
        ),
        ("# NBVAL_IGNORE_OUTPUT\nx = 3\nprint(x)\nassert x == 4", "3\n", ["4"]),
        ("answer = 3\n_ = lab.check('01.1', answer)", "Exercise 01.1: not yet.\n", []),
        ("%pip install numpy==2", "2\n", []),
        ("value = 'é' + str(3)\nprint(value)", "é3\n", ["3"]),
    ],
)
def test_numbers_of_sources(write_notebook, source, printed, expected):
    path = write_notebook("01_topic.ipynb", (DEFINE, None), (source, printed))
    assert [old for _, old, _ in changes(path, "source")] == expected


def test_what_is_left_out_is_counted(write_notebook):
    source = "SEED = 0\nplt.plot(1)\nassert x < 2, 3\nprint(lab.scale(smoke=4, cpu=5, gpu=6), f'{x[7]}')"
    path = write_notebook("01_topic.ipynb", (source, "4\n"))
    _, left_out = mutate.mutants_of(path)
    reasons = {"seed": 1, "drawing": 1, "bound": 1, "message of an assertion": 1, "other profile": 2, "f-string": 1}
    assert left_out == reasons


def test_a_sample_mixes_notebooks_and_kinds_and_is_repeatable(write_notebook):
    found = []
    for name in ("01_topic.ipynb", "02_topic.ipynb"):
        found += mutate.mutants_of(write_notebook(name, *[("print(1, 2)", "1 2\n")] * 3))[0]
    sample = mutate.draw(found, 8, seed=1)
    assert sample == mutate.draw(found, 8, seed=1)
    assert sample != mutate.draw(found, 8, seed=2)
    groups = [(mutant.path.name, mutant.kind) for mutant in sample]
    assert all(groups.count(group) == 2 for group in groups)
    assert len(mutate.draw(found, 99, seed=1)) == len(set(found)) == 24


def test_cells_that_cannot_be_run_again_are_named(write_notebook):
    good = write_notebook("01_good.ipynb", ("numbers = [1, 2]", None), ("print(sum(numbers))", "3\n"))
    bad = write_notebook(
        "02_bad.ipynb",
        ("numbers = []", None),
        ("numbers.append(1)\nprint(len(numbers))", "1\n"),
        ("print('after it')", "after it\n"),
    )
    assert mutate.fail_when_run_again([good, bad]) == ["02_bad.ipynb, cell [2], run number 2: failed"]


def test_verdicts_are_those_of_nbval(write_notebook, tmp_path, monkeypatch):
    """Each weak place is found, and no mutant is credited with another's failure."""
    monkeypatch.setattr(mutate, "CELL_SECONDS", 20)
    weak = write_notebook(
        "01_weak.ipynb",
        (DEFINE, None),
        ("numbers = [1, 2, 3]\nprint(numbers[0])", "1\n"),  # 2 and 3 are shown by the next cell only: weak
        ("print(sum(numbers))", "6\n"),
        ("numbers.append(4)\nprint(len(numbers))", "4\n"),  # 4 likewise; and it cannot be run twice: judged apart
        ("fact(numbers[3], 4)", None),
        (TRAINED, "loss 5\n"),
        ("assert loss >= 0\nrounds = 7\nprint('in range:', True)", "in range: True\n"),  # 7 is shown nowhere: weak
        ("state = {'size': 8}\nstate.setdefault('width', 5)\nprint(8 == state['size'])", "True\n"),
        ("print(state['width'])", "5\n"),
    )
    endless = write_notebook(
        "02_endless.ipynb",
        ("import threading\nif len('abc') != 3:\n    threading.Event().wait()\nprint('done')", "done\n"),
        ("print(5)", "5\n"),
    )
    before = [path.read_bytes() for path in (weak, endless)]
    mutants = [mutant for path in (weak, endless) for mutant in mutate.mutants_of(path)[0]]
    assert len(mutants) == 15 + 3
    verdicts = mutate.judge(mutants)
    assert set(verdicts) == set(mutants)
    survivors = sorted((m.path, m.cell, m.kind, m.text[m.start : m.end]) for m in mutants if not verdicts[m])
    numbers = [(1, "2"), (1, "3"), (3, "4"), (6, "7"), (7, "5")]
    assert survivors == [(weak, cell, "source", number) for cell, number in numbers]
    assert [path.read_bytes() for path in (weak, endless)] == before
    assert sorted(tmp_path.iterdir()) == [weak, endless]


def test_a_block_beside_a_cell_notices_a_mutant(write_notebook, write_checks):
    """The block counts for each copy of its cell, and a cell that has one alone has mutants."""
    path = write_notebook(
        "01_checked.ipynb",
        ("sizes = [3, 4]", None),  # the 3 is checked, the 4 is not
        ("margins = [5, 6]", None),  # not checked at all: no mutants
        ("# NBVAL_IGNORE_OUTPUT\nloss = 7\nprint(loss)", "7\n"),
        ("sizes.append(8)\nprint(len(sizes))", "3\n"),  # cannot be run twice: judged apart, with its block
    )
    write_checks(
        path,
        "# %% after cell-1\nassert sizes[0] == 3\n# %% after cell-3\nassert loss > 0\n"
        "# %% after cell-4\nassert sizes[-1] == 8\n",
    )
    mutants, left_out = mutate.mutants_of(path)
    assert left_out == {"neither compared nor asserted": 2, "ignored": 1}
    verdicts = mutate.judge(mutants)
    judged = [(m.cell, m.kind, m.text[m.start : m.end], verdicts[m]) for m in mutants]
    assert judged == [
        (0, "source", "3", True),
        (0, "source", "4", False),
        (3, "output", "3", True),
        (3, "source", "8", True),
    ]


def test_a_notebook_that_fails_by_itself_is_no_success(write_notebook, monkeypatch):
    monkeypatch.setattr(mutate, "_run_nbval", lambda copies: [["failed"] * len(cells) for _, cells in copies])
    path = write_notebook("01_topic.ipynb", ("print('one')", "1\n"))
    with pytest.raises(RuntimeError, match=r"01_topic\.ipynb fails without a mutant"):
        mutate.judge(mutate.mutants_of(path)[0])


def test_the_command_prints_score_and_survivors(write_notebook, tmp_path, monkeypatch, capsys):
    write_notebook("01_topic.ipynb", ("weak = 3\nprint('done 1')", "done 1\n"))
    monkeypatch.setattr(mutate, "judge", lambda mutants: {mutant: mutant.kind == "output" for mutant in mutants})
    monkeypatch.setattr(mutate.run, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr("sys.argv", ["mutate", "--all"])
    assert mutate.main() == 1
    printed = capsys.readouterr().out
    assert "output mutants caught: 1 of 1" in printed
    assert "source mutants caught: 0 of 1" in printed
    assert "SURVIVED 01_topic.ipynb, cell [1], source line 1: 3 -> 4 in weak = 3\n" in printed
    assert "caught 1/2 = 50.0%" in printed


def test_mutants_name_their_place(write_notebook):
    path = write_notebook("01_topic.ipynb", ("print('a')\nprint(5)", "a\n5\n"))
    mutants, _ = mutate.mutants_of(path)
    assert [str(mutant) for mutant in mutants] == [
        "01_topic.ipynb, cell [1], stdout line 2: 5 -> 6 in 5",
        "01_topic.ipynb, cell [1], source line 2: 5 -> 6 in print(5)",
    ]
    cell = nbformat.read(path, as_version=4).cells[0]
    assert mutants[0].apply(cell).outputs[0].text == "a\n6\n"
    assert mutants[1].apply(cell).source == "print('a')\nprint(6)"
    assert cell.source == "print('a')\nprint(5)"
