"""Every exercise judges its stub, its solution and its mistakes rightly, and survives whatever a student hands in."""

import math

import numpy as np
import pytest

from cnnlab import exercises, lab

EXERCISES = [exercise for chapter in exercises.chapters() for exercise in exercises.of_chapter(chapter)]
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)


def answer_of(source: str):
    """What a student's cell leaves in `answer`; np is there, as in every notebook."""
    names = {"np": np}
    exec(source, names)
    return names["answer"]


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
def test_solution_is_correct(exercise, capsys):
    assert judge(exercise.key, answer_of(exercise.solution), capsys) == (True, "correct.\n")


@each_exercise
def test_mistakes_are_not_yet(exercise, capsys):
    assert len(set(exercise.mistakes)) >= 2
    for mistake in exercise.mistakes:
        verdict, text = judge(exercise.key, answer_of(mistake), capsys)
        assert verdict is False, mistake
        assert text.startswith("not yet"), mistake


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


@each_exercise
def test_an_answer_that_changes_its_arguments_cannot_change_the_cases(exercise, capsys):
    def vandal(*arguments):
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
        return 0

    judge(exercise.key, vandal, capsys)
    assert lab.check(exercise.key, answer_of(exercise.solution))


@each_exercise
def test_hint_and_solution_are_displayed_folded(exercise, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append(data))
    lab.hint(exercise.key)
    lab.solution(exercise.key)
    assert all(data["text/html"].startswith("<details><summary>") for data in shown)
    assert [exercise.key in data["text/plain"] for data in shown] == [True, True]


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
