"""Every exercise judges its stub, its solution and its mistakes rightly, and survives whatever a student hands in."""

import inspect
import math
import re
import sys

import numpy as np
import pytest
from nbformat import v4

from cnnlab import exercises, lab
from cnnlab.exercises import Exercise, Mistake
from tools import run

EXERCISES = [exercise for chapter in exercises.chapters() for exercise in exercises.of_chapter(chapter)]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)


def answer_of(source: str):
    """What a student's cell leaves in `answer`; np is there, as in every notebook."""
    names = {"np": np}
    exec(source, names)
    return names["answer"]


def source_of(mistake: str | Mistake) -> str:
    return mistake if isinstance(mistake, str) else mistake.source


def judge(key: str, answer, capsys) -> tuple[bool, str]:
    """What lab.check returns and the one line it prints."""
    verdict = lab.check(key, answer)
    printed = capsys.readouterr().out
    assert printed.startswith(f"Exercise {key}: ")
    assert printed.endswith("\n")
    assert printed.count("\n") == 1
    return verdict, printed.removeprefix(f"Exercise {key}: ")


def test_keys_are_the_chapter_and_the_numbers_from_one():
    for chapter in exercises.chapters():
        keys = [exercise.key for exercise in exercises.of_chapter(chapter)]
        assert keys == [f"{chapter}.{number}" for number in range(1, len(keys) + 1)]


@each_exercise
def test_stub_is_not_attempted(exercise, capsys):
    verdict, text = judge(exercise.key, answer_of(exercise.stub), capsys)
    assert verdict is False
    assert text.startswith("not attempted")


@each_exercise
def test_stub_cell_runs_in_a_notebook(exercise, capsys):
    exec(exercises.stub_cell(exercise.key), {"lab": lab})
    assert "not attempted" in capsys.readouterr().out


@each_exercise
def test_solution_is_correct_and_displayed_to_compare_with(exercise, shown, capsys):
    """Also after an answer that changes its arguments: the cases stay. One run, since some solutions train."""

    def vandal(*arguments):
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
        return 0

    judge(exercise.key, vandal, capsys)
    shown.clear()
    assert judge(exercise.key, answer_of(exercise.solution), capsys) == (True, "correct.\n")
    (displayed,) = shown
    assert displayed["text/plain"] == f"Solution {exercise.key} (folded; shown in Jupyter)"


@each_exercise
def test_mistakes_are_not_yet_and_a_hint_of_its_own_is_said_of_its_mistake_alone(exercise, capsys):
    assert len(set(exercise.mistakes)) >= 2
    for mistake in exercise.mistakes:
        verdict, text = judge(exercise.key, answer_of(source_of(mistake)), capsys)
        assert verdict is False, mistake
        assert text.startswith("not yet"), mistake
        for other in exercise.mistakes:
            if isinstance(other, Mistake):
                assert (f"Hint: {other.hint}\n" in text) == (other is mistake), (mistake, other)


def tokens(text: str) -> set:
    """The numbers and the words of a text."""
    words = re.findall(r"-?\d+(?:[,_]\d{3})*(?:\.\d+)?|[A-Za-z]\w*", text)
    return {float(word.replace(",", "")) if word[-1].isdigit() and not word[0].isalpha() else word for word in words}


FUNCTIONS = [exercise for exercise in EXERCISES if callable(answer_of(exercise.stub))]
TYPED = [exercise for exercise in EXERCISES if exercise not in FUNCTIONS]


def test_exercises_that_ask_for_a_value_are_found():
    assert {"02.1", "02.5", "03.1", "08.4", "09.5", "12.7"} <= {exercise.key for exercise in TYPED}


@pytest.mark.parametrize("exercise", TYPED, ids=lambda exercise: exercise.key)
def test_a_typed_value_that_is_wrong_is_not_answered_with_the_right_one(exercise, capsys):
    right = tokens(repr(answer_of(exercise.solution)))
    for mistake in exercise.mistakes:
        answer = answer_of(source_of(mistake))
        _, text = judge(exercise.key, answer, capsys)
        said = tokens(text.split(". Hint:")[0]) & right  # hints may name numbers of the task, which a solution may hold
        if isinstance(mistake, Mistake):
            said |= tokens(mistake.hint) & right
        assert said <= tokens(repr(answer)), text


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda exercise: exercise.key)
def test_a_function_that_returns_nothing_is_told(exercise, capsys):
    arguments = ", ".join(inspect.signature(answer_of(exercise.stub)).parameters)
    for body in ("result = 3", "print(end='')", "if len(''):\n        return 1"):
        verdict, text = judge(exercise.key, answer_of(f"def answer({arguments}):\n    {body}\n"), capsys)
        assert verdict is False
        assert text == "not yet. your function returns nothing (None): end it with `return ...`.\n"


def test_a_way_through_a_function_that_returns_nothing_is_told(capsys):
    _, text = judge("04.1", lambda images, size: images // size if size == 1 else None, capsys)
    assert text == "not yet. in answer(60000, 64) your function returns nothing (None): end it with `return ...`.\n"


@pytest.mark.parametrize(
    "source",
    [
        'def answer(pixels, amount):\n    """Another text."""',
        "def answer(pixels, amount):\n    # to do\n    pass",
        "def answer(p, a):\n    return None",
        "def first(pixels, amount):\n    return\nanswer = first",
        "def answer(pixels, amount):\n    raise NotImplementedError",
        "answer = None",
        "answer = ...",
    ],
)
def test_what_does_no_more_than_the_stub_is_not_attempted(source, capsys):
    assert judge("01.1", answer_of(source), capsys)[1].startswith("not attempted")


def test_a_stub_may_hold_lines_that_a_student_starts_from(monkeypatch, capsys):
    stub = "def answer(values):\n    double = lambda value: 2 * value\n    total = None\n    return total"
    exercise = Exercise("01.1", "", stub, "Add.", "", (), lambda answer: exercises.first_wrong(answer, [(([3],), 6)]))
    monkeypatch.setattr(exercises, "of_chapter", lambda chapter: (exercise,))
    for source, expected in [
        (f"# moved down\n\n{stub}", "not attempted"),
        (stub.replace("total = None", "total = double(values[0])"), "correct"),
        (stub.replace("2 *", "3 *"), "not yet. your function returns nothing"),
        (stub.replace("total = None", "total = 5"), "not yet. answer([3]): expected 6, got 5. Hint: Add."),
    ]:
        assert judge("01.1", answer_of(source), capsys)[1].startswith(expected), source


def test_a_mistake_that_raises_can_have_a_hint(monkeypatch, capsys):
    mistake = Mistake("def answer(values):\n    return values[1]", "Python counts from 0.")
    exercise = Exercise(
        "01.1", "", "def answer(values):\n    pass", "Look.", "", (mistake,), lambda answer: str(answer([3]))
    )
    monkeypatch.setattr(exercises, "of_chapter", lambda chapter: (exercise,))
    raised = "not yet. your code raised IndexError: list index out of range. Hint: "
    assert judge("01.1", lambda values: values[1], capsys)[1] == f"{raised}Python counts from 0.\n"
    assert judge("01.1", lambda values: 4, capsys)[1] == "not yet. 4. Hint: Look.\n"


def test_what_a_student_raises_is_cut_to_a_line(capsys):
    def answer(pixels, amount):
        raise ValueError("no\n" * 1000)

    _, text = judge("01.1", answer, capsys)
    assert text.startswith("not yet. your code raised ValueError: no no no")
    assert len(text) < 350


def raise_error(*arguments):
    raise ZeroDivisionError("division by zero")


def unending_recursion(*arguments):
    return unending_recursion(*arguments)


JUNK = {
    "word": "convolution",
    "empty text": "",
    "bytes": b"3",
    "number": 3.5,
    "negative": -1,
    "huge": 10**400,
    "true": True,
    "complex": 1j,
    "nan": math.nan,
    "infinity": math.inf,
    "list": [1, 2, 3],
    "nested": [[1], [2, 3]],
    "empty": [],
    "mixed": (1, "two", None),
    "of none": [None, None],
    "dictionary": {"kernel": 3},
    "set": {1, 2},
    "class": dict,
    "module": math,
    "array": np.zeros((2, 3, 4)),
    "empty array": np.zeros((0, 3)),
    "array of nan": np.full((3, 3), math.nan),
    "array of objects": np.array([None, "x"], dtype=object),
    "array of words": np.array(["a", "b"]),
    "raises": raise_error,
    "recursion": unending_recursion,
    "no arguments": lambda: 1,
    "text": lambda *arguments: "three",
    "nothing sensible": lambda *arguments: object(),
    "nan back": lambda *arguments: math.nan,
    "scalar": lambda *arguments: 7,
    "array of wrong shape": lambda *arguments: np.ones((1, 2, 3)),
    "its arguments": lambda *arguments: arguments,
    "yields": lambda *arguments: (value for value in arguments),
}


@each_exercise
def test_junk_is_not_yet(exercise, capsys):
    for name, junk in JUNK.items():
        verdict, text = judge(exercise.key, junk, capsys)
        assert verdict is False, name
        assert text.startswith("not yet"), (name, text)


class Session:
    """IPython, as far as the exercises ask for it."""

    @staticmethod
    def get_ipython():
        return Session


@pytest.fixture
def shown(monkeypatch) -> list:
    """What is displayed, as in a notebook."""
    displayed = []
    monkeypatch.setitem(sys.modules, "IPython", Session)
    monkeypatch.setitem(sys.modules, "IPython.display", Session)
    monkeypatch.setattr(Session, "display", lambda data, raw: displayed.append(data), raising=False)
    return displayed


@each_exercise
def test_hint_and_solution_are_displayed_folded_below_the_line(exercise, shown, capsys):
    lab.hint(exercise.key)
    lab.solution(exercise.key)
    folded = [
        (f"Hint {exercise.key} (folded; shown in Jupyter)", f"<details><summary>Hint {exercise.key}</summary><p>"),
        (f"Solution {exercise.key} (folded; shown in Jupyter)", f"<details><summary>Solution {exercise.key}</summary>"),
    ]
    assert [data["text/plain"] for data in shown] == [plain for plain, _ in folded]
    assert all(data["text/html"].startswith(start) for data, (_, start) in zip(shown, folded, strict=True))
    assert all(data["text/html"].endswith("</details>") for data in shown)
    both = shown.copy()
    for source in (exercise.stub, source_of(exercise.mistakes[0])):
        shown.clear()
        judge(exercise.key, answer_of(source), capsys)
        assert shown == both


def test_code_in_a_hint_is_marked_and_signs_are_escaped(shown):
    lab.hint("01.1")
    assert "with <code>pixels.astype(int)</code>, then" in shown[0]["text/html"]
    lab.solution("03.1")
    assert "if 0.25**layers &lt; 1 / 1000" in shown[1]["text/html"]


def test_outside_of_ipython_hint_and_solution_are_printed(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    lab.hint("03.1")
    lab.solution("03.1")
    assert capsys.readouterr().out == (
        "Hint 03.1: Each sigmoid multiplies by its slope, which is a quarter at most. "
        "Multiply until you are below 1/1000.\n"
        "Solution 03.1: answer = next(layers for layers in range(1, 100) if 0.25**layers < 1 / 1000)\n"
    )


def test_a_kernel_stores_the_line_then_hint_and_solution(tmp_path):
    cells = [v4.new_code_cell("from cnnlab import lab"), v4.new_code_cell(exercises.stub_cell("04.7"))]
    notebook = v4.new_notebook(cells=cells)
    assert not run.run_cells(notebook, tmp_path, "smoke")
    line, hint, solution = notebook.cells[1].outputs
    assert line.text == "Exercise 04.7: not attempted. Change the code, then run the cell again.\n"
    assert (hint.output_type, hint.data["text/plain"]) == ("display_data", "Hint 04.7 (folded; shown in Jupyter)")
    assert solution.data["text/html"].startswith("<details><summary>Solution 04.7</summary><pre><code>def answer(")


@pytest.mark.parametrize("key", ["99.1", "02.99", "", None, 2.1, "02"])
def test_a_key_that_does_not_exist(key, capsys):
    assert lab.check(key, 3) is False
    printed = capsys.readouterr().out
    assert printed.startswith("No such exercise: key must ")
    assert printed.count("\n") == 1
    with pytest.raises(ValueError, match="key must"):
        lab.hint(key)
    with pytest.raises(ValueError, match="key must"):
        lab.solution(key)
