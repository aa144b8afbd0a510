"""Exercises: stub, hint, solution and check of each, one file a chapter, and the three calls a student makes.

A chapter's file `chapterNN.py` holds a tuple `EXERCISES`. Everything about an exercise stands there once: the
notebook's stub cell is `stub_cell(key)` to the letter (a test compares them), `check` judges what is answered there and
displays `hint` and `solution` below its line, folded.
"""

import dis
import html
import re
import sys
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from cnnlab.exercises.comparing import (
    UnusableError,
    differs,
    first_wrong,
    returned,
    shown,
    wrong_value,
)

__all__ = [
    "Exercise",
    "Mistake",
    "chapters",
    "check",
    "differs",
    "find",
    "first_wrong",
    "hint",
    "of_chapter",
    "returned",
    "shown",
    "solution",
    "stub_cell",
    "wrong_value",
]


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer with a hint of its own, printed where a student's answer is wrong in the same way.

    The same way means that the check says the same of both: the same case, the same entry, the same value.
    """

    source: str
    hint: str


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        key: chapter and number, as in "02.3".
        title: what it asks, in a few words.
        stub: Python source that runs as it is and leaves `answer` undecided (None, or a function returning None).
        hint: text with `code` between backticks; its first sentence is printed where no mistake's own hint fits.
        solution: Python source that defines a right `answer`.
        mistakes: Python sources that each define a typical wrong `answer`, those with a hint as a `Mistake`.
        check: takes the answer, a function where the stub is one; returns None where it is right, else the first wrong
            case as a phrase. It says the same each time, and does not say the answer itself where that is typed in.
    """

    key: str
    title: str
    stub: str
    hint: str
    solution: str
    mistakes: tuple[str | Mistake, ...]
    check: Callable[[Any], str | None]


def chapters() -> list[str]:
    """The chapters that have exercises, as two-digit strings."""
    names = (module.name for module in iter_modules(__path__))
    return sorted(name.removeprefix("chapter") for name in names if name.startswith("chapter"))


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
    """Say in one line whether the answer is right, then offer hint and solution, folded; never raises.

    The line says correct, not yet (with the first wrong case and a hint) or not attempted. Below a right answer the
    solution alone is offered, to compare with. Outside of IPython, which displays, there is the line alone.

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
    verdict = _verdict(exercise, answer)
    print(f"Exercise {key}: {' '.join(verdict.splitlines())}")
    right = verdict == "correct."
    if _displays():
        if not right:
            hint(key)
        solution(key)
    return right


def hint(key: str) -> None:
    """Display the hint, folded."""
    text = find(key).hint
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
    _fold(f"Hint {key}", text, f"<p>{marked}</p>")


def solution(key: str) -> None:
    """Display a solution, folded."""
    text = find(key).solution.strip()
    _fold(f"Solution {key}", text, f"<pre><code>{html.escape(text)}</code></pre>")


def _verdict(exercise: Exercise, answer: Any) -> str:
    """The line that judges an answer, without the exercise's name."""
    try:
        stub = _answer_of(exercise.stub)
        if answer is ... or _is_stub(answer, stub):
            raise NotImplementedError
        if callable(stub) and not callable(answer):
            raise UnusableError(f"expected a function, got {shown(answer)}")
        wrong = exercise.check(answer)
    except NotImplementedError:
        return "not attempted. Change the code, then run the cell again."
    except UnusableError as error:
        return f"not yet. {error}."
    except Exception as error:  # whatever a student's code raises is an answer that is not right yet
        wrong = _raised(error)
    return "correct." if wrong is None else f"not yet. {wrong}. Hint: {_hint_for(exercise, wrong)}"


def _is_stub(answer: Any, stub: Any) -> bool:
    """Whether the answer is still the stub; of a function, whether it does what the stub does, and nothing else."""
    if isinstance(answer, FunctionType) and isinstance(stub, FunctionType):
        return _instructions(answer.__code__) == _instructions(stub.__code__)
    return answer is None or (type(answer) is type(stub) and repr(answer) == repr(stub))


def _instructions(code: CodeType) -> list[tuple]:
    """What a function does, whatever it is called, wherever it stands and whatever its docstring says."""
    instructions = [step for step in dis.get_instructions(code) if step.opname not in ("RESUME", "NOP")]
    return [
        (step.opname, _instructions(step.argval) if isinstance(step.argval, CodeType) else step.argval)
        for step in instructions
    ]


def _hint_for(exercise: Exercise, wrong: str) -> str:
    """The hint of the mistake of which the check says the same, else the first sentence of the exercise's hint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what NumPy thinks of a mistake is no news to a student
        for mistake in exercise.mistakes:
            if isinstance(mistake, Mistake):
                try:
                    same = exercise.check(_answer_of(mistake.source)) == wrong
                except Exception as error:
                    same = _raised(error) == wrong
                if same:
                    return mistake.hint
    return " ".join(exercise.hint.split()).split(". ")[0].rstrip(".") + "."


def _answer_of(source: str) -> Any:
    """What a cell with this source leaves in `answer`; np is there, as in every notebook."""
    names = {"np": np}
    exec(source, names)
    return names["answer"]


def _raised(error: Exception) -> str:
    return f"your code raised {type(error).__name__}: {textwrap.shorten(str(error), 150, placeholder=' ...')}"


def _displays() -> bool:
    """Whether this is an IPython session; in any other, IPython would print the data of a display as they are."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def _fold(title: str, text: str, body: str) -> None:
    if not _displays():
        print(f"{title}: {text}")
        return
    from IPython.display import display

    content = f"<details><summary>{title}</summary>{body}</details>"
    display({"text/plain": f"{title} (folded; shown in Jupyter)", "text/html": content}, raw=True)
