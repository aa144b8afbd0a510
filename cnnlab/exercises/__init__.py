"""Exercises: stub, hint, solution and check of each, one file a chapter, and the three calls a student makes.

A chapter's file `chapterNN.py` holds a tuple `EXERCISES`. Everything about an exercise stands there once: the
notebook's stub cell is `stub_cell(key)` to the letter (a test compares them), `hint` and `solution` display it,
`check` judges it.
"""

import html
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np


class NotAttemptedError(Exception):
    """The answer is still the stub."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        key: chapter and number, as in "02.3".
        title: what it asks, in a few words.
        stub: Python source that runs as it is and leaves `answer` undecided (None, or a function returning None).
        hint: text with `code` between backticks; its first sentence is printed with every "not yet".
        solution: Python source that defines a right `answer`.
        mistakes: Python sources that each define a typical wrong `answer`.
        check: takes the answer; returns None where it is right, else the first wrong case as a phrase.
    """

    key: str
    title: str
    stub: str
    hint: str
    solution: str
    mistakes: tuple[str, ...]
    check: Callable[[Any], str | None]


def chapters() -> list[str]:
    """The chapters that have exercises, as two-digit strings."""
    return sorted(module.name.removeprefix("chapter") for module in iter_modules(__path__))


def of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """All exercises of a chapter ("02"), in order."""
    return import_module(f"{__name__}.chapter{chapter}").EXERCISES


def find(key: str) -> Exercise:
    """The exercise with this key.

    Raises:
        ValueError: there is none; the message lists the keys of the chapter, or the chapters.
    """
    chapter = key.split(".")[0] if isinstance(key, str) else ""
    if chapter not in chapters():
        raise ValueError(f"key must start with one of the chapters {', '.join(chapters())}, got {key!r}")
    exercises = {exercise.key: exercise for exercise in of_chapter(chapter)}
    if key not in exercises:
        raise ValueError(f"key must be one of {', '.join(exercises)}, got {key!r}")
    return exercises[key]


def stub_cell(key: str) -> str:
    """The source of the notebook cell in which the student answers."""
    stub = find(key).stub.strip()
    gap = "\n\n\n" if stub.splitlines()[-1].startswith(" ") else "\n"  # after a function, as ruff formats the notebook
    return f'{stub}{gap}_ = lab.check("{key}", answer)'


def check(key: str, answer: Any) -> bool:
    """Print one line that says correct, not yet (with the first wrong case) or not attempted; never raises.

    Args:
        key: the exercise, as in "02.3".
        answer: the student's value or function.

    Returns:
        True where the answer is right.
    """
    try:
        exercise = find(key)
    except ValueError as error:
        print(f"No such exercise: {error}")
        return False
    try:
        if answer is None or answer is ...:
            raise NotAttemptedError
        wrong = exercise.check(answer)
    except (NotAttemptedError, NotImplementedError):
        print(f'Exercise {key}: not attempted. Change the cell above, then run it again; lab.hint("{key}") helps.')
        return False
    except Exception as error:  # whatever a student's code raises is an answer that is not right yet
        wrong = f"your code raised {type(error).__name__}: {error}"
    if wrong is None:
        print(f"Exercise {key}: correct.")
        return True
    line = textwrap.shorten(wrong, 200, placeholder=" ...")  # one line, whatever was handed in
    print(f"Exercise {key}: not yet. {line}. Hint: {_first_sentence(exercise.hint)}")
    return False


def hint(key: str) -> None:
    """Display the hint, folded."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(find(key).hint))
    _fold(f"Hint {key}", f"<p>{text}</p>")


def solution(key: str) -> None:
    """Display a solution, folded."""
    _fold(f"Solution {key}", f"<pre><code>{html.escape(find(key).solution.strip())}</code></pre>")


def first_wrong(function: Callable, cases: Iterable[tuple[tuple, Any]], tolerance: float = 1e-6) -> str | None:
    """Call the student's function on each case and describe the first that is wrong; for use in checks.

    Args:
        function: the student's answer.
        cases: pairs of positional arguments and the expected value (number, text or array).
        tolerance: largest absolute difference that still counts as equal.

    Returns:
        None where all are right, else a phrase with the call, the expected value and the value that came.

    Raises:
        NotAttemptedError: the function returned None on the first case.
    """
    if not callable(function):
        return f"expected a function, got {_short(function)}"
    name = getattr(function, "__name__", "answer")
    for number, (arguments, expected) in enumerate(cases):
        call = f"{name}({', '.join(map(_short, arguments))})"
        # Copies, so that a function that changes its argument cannot change the case.
        got = function(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments))
        if got is None and number == 0:
            raise NotAttemptedError
        if wrong := differs(got, expected, tolerance):
            return f"{call}: {wrong}"
    return None


def differs(got: Any, expected: Any, tolerance: float = 1e-6) -> str | None:
    """None where `got` equals `expected` within `tolerance`, else the phrase "expected …, got …"."""
    if isinstance(expected, str | bool | type(None)):
        same = type(got) is type(expected) and got == expected
    else:
        try:
            values = np.asarray(got, dtype=float)
        except (TypeError, ValueError):
            return f"expected {_short(expected)}, got {_short(got)}"
        if values.shape != np.shape(expected):
            return f"expected shape {np.shape(expected)}, got shape {values.shape}"
        same = np.allclose(values, expected, rtol=0, atol=tolerance)
    return None if same else f"expected {_short(expected)}, got {_short(got)}"


def _short(value: Any) -> str:
    """A value in at most 60 characters on one line."""
    text = " ".join(repr(value.tolist() if isinstance(value, np.ndarray | np.generic) else value).split())
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".") + "."


def _fold(title: str, body: str) -> None:
    from IPython.display import display

    content = f"<details><summary>{title}</summary>{body}</details>"
    display({"text/plain": f"{title} (folded; shown in Jupyter)", "text/html": content}, raw=True)
