"""What the checks of all chapters need: call a student's function, compare, and say in a short phrase what is wrong.

A phrase is short because its parts are, and nothing is cut off its end: of an array the first differing entry is
shown, long arguments are named by their shape, numbers have the digits that show the difference.
"""

import copy
from collections.abc import Callable, Iterable, Sized
from numbers import Real
from typing import Any

import numpy as np

NOTHING = "your function returns nothing (None): end it with `return ...`"
LONGEST_CALL = 100  # characters


class UnusableError(Exception):
    """There is nothing to compare; the message says what to change, so no hint of the exercise follows it."""


def returned(function: Callable, *arguments: Any) -> Any:
    """What the student's function returns for copies of the arguments, so that it cannot change the case.

    Raises:
        UnusableError: it returned None.
    """
    got = function(*copy.deepcopy(arguments))
    if got is None:
        raise UnusableError(NOTHING)
    return got


def first_wrong(
    function: Callable, cases: Iterable[tuple[tuple, Any]], tolerance: float = 1e-6, parts: tuple[str, ...] = ()
) -> str | None:
    """Call the student's function on each case and describe the first that is wrong; for use in checks.

    Args:
        function: the student's answer.
        cases: pairs of positional arguments and the expected value (number, text, array, or a tuple of `parts`).
        tolerance: largest absolute difference that still counts as equal.
        parts: names of the values that the function returns as a tuple, as in ("the kernel", "the bias").

    Returns:
        None where all are right, else a phrase with the call, the expected value and the value that came.

    Raises:
        UnusableError: the function returned None.
    """
    for number, (arguments, expected) in enumerate(cases):
        call = _call(arguments)
        try:
            got = returned(function, *arguments)
        except UnusableError as error:  # in the first case the function as a whole, in a later one a way through it
            raise UnusableError(f"in {call} {error}" if number else error) from None
        if wrong := _parts_differ(got, expected, parts, tolerance) if parts else differs(got, expected, tolerance):
            return f"{call}{', ' if parts else ': '}{wrong}"
    return None


def _parts_differ(got: Any, expected: Iterable, parts: tuple[str, ...], tolerance: float = 1e-6) -> str | None:
    """Like `differs` for a tuple of values with names; the phrase begins with the name of the first that differs."""
    if not isinstance(got, tuple | list) or len(got) != len(parts):
        return f"expected {len(parts)} results ({', '.join(parts)}), got {shown(got)}"
    for part, value, right in zip(parts, got, expected, strict=True):
        if wrong := differs(value, right, tolerance):
            return f"{part}: {wrong}"
    return None


def differs(got: Any, expected: Any, tolerance: float = 1e-6) -> str | None:
    """None where `got` equals `expected` within `tolerance`, else the phrase "expected …, got …".

    Of arrays it names the first place that differs, and how many do; their shapes are compared first.
    """
    if isinstance(expected, str | bool):
        same = isinstance(got, str if isinstance(expected, str) else bool | np.bool_) and got == expected
        return None if same else f"expected {shown(expected)}, got {shown(got)}"
    values, right = _numbers(got), np.asarray(expected)
    if values is None or values.shape != right.shape:
        if right.ndim == 0:
            return f"expected {_number(right.item(), right)}, got {shown(got)}"
        return f"expected shape {right.shape}, got {shown(got) if values is None or not values.ndim else values.shape}"
    wrong = ~np.isclose(values, right, rtol=0, atol=tolerance)
    if not wrong.any():
        return None
    place = tuple(np.argwhere(wrong)[0].tolist())
    for digits in (5, 8, 12, 17):
        texts = [_number(float(array[place]), right, digits) for array in (right, values)]
        if float(texts[0]) != float(texts[1]):
            break
    phrase = f"expected {texts[0]}, got {texts[1]}"
    if wrong.size == 1:
        return phrase
    count = f"{wrong.sum()} of {wrong.size} entries {'differs' if wrong.sum() == 1 else 'differ'}"
    return f"first differs at {list(place)}: {phrase} ({count})"


def wrong_value(got: Any, expected: Any, form: str, parts: tuple[str, ...] = ()) -> str | None:
    """Like `differs` for a value that students type in: the phrase never holds the expected one, which is the answer.

    Args:
        got: the student's value.
        expected: a number, a text or a tuple of numbers.
        form: what a right answer looks like, as in "two whole numbers"; all that is said where `got` does not.
        parts: names of the numbers of a tuple.
    """
    if isinstance(expected, str):
        fits = isinstance(got, str)
    else:
        values, right = _numbers(got), np.asarray(expected)
        fits = values is not None and values.shape == right.shape and np.asarray(got).dtype != bool
        if fits and right.dtype.kind == "i":
            fits = bool((values == np.floor(values)).all())
    if not fits:
        return f"expected {form}, got {shown(got)}"
    for part, value, right in zip(parts, got, expected, strict=True) if parts else ():
        if differs(value, right):
            return f"{part}: {shown(value)} is not right"
    return f"{shown(got)} is not right" if differs(got, expected) else None


def wrong_choice(answer: Any, right: set[str], why_not: dict[str, str], thing: str, do: str = "do") -> str | None:
    """Why a set of names is not the right one, as a phrase that does not name those that are missing; None if it is.

    Args:
        answer: what the student wrote.
        right: the names to choose.
        why_not: of each of the others, what is wrong with it; six in all.
        thing: what a name stands for.
        do: what the right ones do.
    """
    if not isinstance(answer, set | frozenset | list | tuple) or not all(isinstance(name, str) for name in answer):
        return f"expected a set of names, got {shown(answer)}"
    if unknown := set(answer) - right - why_not.keys():
        return f"there is no {thing} {shown(min(unknown))}"
    if extra := sorted(set(answer) - right):
        return f"in one of your {thing}s {why_not[extra[0]]}"
    missing = len(right - set(answer))
    return f"your {thing}s {do}, but {missing} more of the six {'does' if missing == 1 else 'do'}" if missing else None


def shown(value: Any, longest: int = 60) -> str:
    """A value in one line; what would be longer than `longest` characters is named by its kind and size."""
    text = _text(value, longest)
    if " at 0x" in text:  # an object without a text of its own
        kind = type(value).__name__
        return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"
    if len(text) <= longest:
        return text
    if hasattr(value, "shape"):
        return f"{'array' if isinstance(value, np.ndarray) else type(value).__name__} of shape {value.shape}"
    if isinstance(value, Sized) and not isinstance(value, str | bytes):
        return f"{type(value).__name__} of {len(value)}"
    return f"{text[: longest - 4]} ..."


def _text(value: Any, longest: int) -> str:
    """The value as Python writes it, numbers with five digits; of what is too long in any case, only that it is."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist() if value.size <= longest else value
    if isinstance(value, float) and len(repr(value)) > 8:
        return f"{value:.5g}"
    if isinstance(value, list | tuple | np.ndarray):
        if len(value) > longest or isinstance(value, np.ndarray):
            return "." * (longest + 1)
        inside = ", ".join(_text(part, longest) for part in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    return repr(value) if isinstance(value, str) else " ".join(repr(value).split())


def _call(arguments: tuple) -> str:
    """The call as a student would write it, with arguments as long as the line allows."""
    for longest in (40, 20, 10):
        call = f"answer({', '.join(shown(argument, longest) for argument in arguments)})"
        if len(call) <= LONGEST_CALL:
            break
    return call


def _numbers(value: Any) -> np.ndarray | None:
    """The value as an array of floats, None where it is not made of real numbers (a text of digits is not)."""
    try:
        array = np.asarray(value)
        if array.dtype.kind in "cSUmM" or (
            array.dtype.kind == "O" and not all(isinstance(part, Real) for part in array.flat)
        ):
            return None
        return array.astype(float)
    except (TypeError, ValueError, OverflowError):
        return None


def _number(value: float, like: np.ndarray, digits: int = 5) -> str:
    """A number with so many digits, but a whole one with all of its own: 3 among integers, 3.0 among floats."""
    if value == np.floor(value) and abs(value) < 1e16:
        return f"{value + 0.0:.{0 if like.dtype.kind in 'iub' else 1}f}"  # adding 0.0 takes the sign off a zero
    return f"{value:.{digits}g}"
