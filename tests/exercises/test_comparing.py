"""What a check says of a wrong answer: where it differs, in digits that show it, on one short line."""

from fractions import Fraction

import numpy as np
import pytest

from cnnlab.exercises import differs, first_wrong, shown, wrong_value
from cnnlab.exercises.comparing import UnusableError, returned

GRID = np.arange(12.0).reshape(2, 3, 2)


def changed(*places: tuple[int, ...]) -> np.ndarray:
    grid = GRID.copy()
    for place in places:
        grid[place] += 1
    return grid


@pytest.mark.parametrize(
    ("got", "expected", "phrase"),
    [
        # arrays: shapes first, then the first place, and how many
        (
            changed((0, 2, 1), (1, 0, 0)),
            GRID,
            "first differs at [0, 2, 1]: expected 5.0, got 6.0 (2 of 12 entries differ)",
        ),
        (
            changed((1, 2, 1)).tolist(),
            GRID,
            "first differs at [1, 2, 1]: expected 11.0, got 12.0 (1 of 12 entries differs)",
        ),
        ((3, 5), (3, 1), "first differs at [1]: expected 1, got 5 (1 of 2 entries differs)"),
        (GRID[0], GRID, "expected shape (2, 3, 2), got (3, 2)"),
        (7, GRID, "expected shape (2, 3, 2), got 7"),
        ("seven", [1, 2], "expected shape (2,), got 'seven'"),
        ([1, None], [1, 2], "expected shape (2,), got [1, None]"),
        ([[1], [2, 3]], [1, 2], "expected shape (2,), got [[1], [2, 3]]"),
        ([np.nan], [2], "expected 2, got nan"),
        # numbers: whole ones in full, others in the digits that show the difference
        (4, 3, "expected 3, got 4"),
        (4.0, 3, "expected 3, got 4"),
        (4, 3.0, "expected 3.0, got 4.0"),
        (138_344_128, 138_357_544, "expected 138357544, got 138344128"),
        (1 / 3, 2 / 3, "expected 0.66667, got 0.33333"),
        (0.123456, 0.123459, "expected 0.123459, got 0.123456"),
        (0.333331, 1 / 3, "expected 0.33333333, got 0.333331"),
        (2.99999, 3, "expected 3, got 2.99999"),
        (12345.678901, 12345.678911, "expected 12345.678911, got 12345.678901"),
        (-0.0, 1.0, "expected 1.0, got 0.0"),
        (np.inf, 1.0, "expected 1.0, got inf"),
        (10**400, 1, "expected 1, got 10000000000000000000000000000000000000000000000000000000 ..."),
        ([3], 3, "expected 3, got [3]"),
        ("3", 3, "expected 3, got '3'"),
        (["3", "4"], [3, 4], "expected shape (2,), got ['3', '4']"),
        (3 + 0j, 3, "expected 3, got (3+0j)"),
        # texts and truth values
        ("left.jpg ", "left.jpg", "expected 'left.jpg', got 'left.jpg '"),
        ("a  b", "a b", "expected 'a b', got 'a  b'"),
        (1, True, "expected True, got 1"),
        (np.False_, True, "expected True, got False"),
        (None, "a", "expected 'a', got None"),
    ],
)
def test_differs(got, expected, phrase):
    assert differs(got, expected) == phrase


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (3.0, 3),
        (np.int64(3), 3),
        (Fraction(1, 4), 0.25),
        ([1, 2], np.array([1.0, 2.0])),
        (1 + 5e-7, 1),
        (np.inf, np.inf),
        (np.True_, True),
        (np.str_("a"), "a"),
        ([], np.zeros(0)),
        (np.array([True, False]), [1, 0]),
    ],
)
def test_differs_says_nothing_of_equals(got, expected):
    assert differs(got, expected) is None


def test_differences_below_the_tolerance_do_not_count():
    assert differs([1.0, 2.05], [1.0, 2.0], tolerance=0.1) is None
    assert differs([1.0, 2.05], [1.0, 2.0], tolerance=0.01) == (
        "first differs at [1]: expected 2.0, got 2.05 (1 of 2 entries differs)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (2 / 3, "0.66667"),
        ((1, 2.0, np.float64(1 / 3)), "(1, 2.0, 0.33333)"),
        ((4,), "(4,)"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        ([np.zeros(2), "a"], "[[0.0, 0.0], 'a']"),
        (np.zeros((5, 5)), "array of shape (5, 5)"),
        (np.zeros((500, 500, 3)), "array of shape (500, 500, 3)"),
        (list(range(30)), "list of 30"),
        ([np.zeros((9, 9))], "list of 1"),
        ({n: n for n in range(30)}, "dict of 30"),
        ("x" * 100, f"'{'x' * 55} ..."),
        (len, "<built-in function len>"),
        (shown, "a function"),
        (object(), "an object"),
        (dict, "<class 'dict'>"),
        ("two\nlines", r"'two\nlines'"),
    ],
)
def test_shown(value, text):
    assert shown(value) == text


def test_a_call_with_long_arguments_leaves_room_for_what_was_expected_and_what_came():
    arguments = (np.zeros((3, 3)), np.arange(4), list(range(40)), np.zeros((2, 2, 2, 2)), 0.001, "same")
    wrong = first_wrong(lambda *arguments: changed((0, 0, 1)), [(arguments, GRID)])
    assert wrong == (
        "answer(array of shape (3, 3), [0, 1, 2, 3], list of 40, array of shape (2, 2, 2, 2), 0.001, 'same'): "
        "first differs at [0, 0, 1]: expected 1.0, got 2.0 (1 of 12 entries differs)"
    )
    many = first_wrong(lambda *arguments: 4, [((np.arange(10), list(range(8)), "a" * 18) * 2, 3)])
    assert many == (
        "answer(array of shape (10,), list of 8, 'aaaaa ..., array of shape (10,), list of 8, 'aaaaa ...): "
        "expected 3, got 4"
    )


def test_the_first_wrong_case_is_described():
    cases = [((2, 3), 5), ((2, 2), 4), ((1, 4), 5)]
    assert first_wrong(lambda a, b: a + b, cases) is None
    assert first_wrong(lambda a, b: a * b, cases) == "answer(2, 3): expected 5, got 6"
    assert first_wrong(lambda a, b: 5, cases) == "answer(2, 2): expected 4, got 5"


def test_parts_have_names():
    case = [((3,), ([1, 2], 4.0))]
    names = ("the kernel", "the bias")
    assert first_wrong(lambda x: ([1, 2], 4.0), case, parts=names) is None
    assert first_wrong(lambda x: [[1, 2], 5.0], case, parts=names) == "answer(3), the bias: expected 4.0, got 5.0"
    assert first_wrong(lambda x: ([1, 3], 5.0), case, parts=names) == (
        "answer(3), the kernel: first differs at [1]: expected 2, got 3 (1 of 2 entries differs)"
    )
    for got, text in ((4.0, "4.0"), (([1, 2],), "([1, 2],)"), (np.zeros(2), "[0.0, 0.0]")):
        assert first_wrong(lambda x, got=got: got, case, parts=names) == (
            f"answer(3), expected 2 results (the kernel, the bias), got {text}"
        )


def test_a_function_that_returns_nothing_cannot_be_compared():
    with pytest.raises(UnusableError, match=r"^your function returns nothing"):
        first_wrong(print, [(("",), 3)])
    with pytest.raises(UnusableError, match=r"^in answer\(2\) your function returns nothing"):
        first_wrong({1: 1}.get, [((1,), 1), ((2,), 2)])
    with pytest.raises(UnusableError, match=r"^your function returns nothing"):
        returned(print, "")


def test_arguments_are_copies():
    rows = [np.zeros(2)]
    returned(lambda rows: [rows[0].fill(1), rows.clear()], rows)
    assert np.array_equal(rows, np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("got", "expected", "phrase"),
    [
        (4, 5, "4 is not right"),
        (np.float64(4), 5, "4.0 is not right"),
        (4.5, 5, "expected FORM, got 4.5"),
        (np.nan, 5, "expected FORM, got nan"),
        (np.inf, 5, "inf is not right"),
        ("5", 5, "expected FORM, got '5'"),
        (True, 1, "expected FORM, got True"),
        ([5], 5, "expected FORM, got [5]"),
        (10**400, 5, f"expected FORM, got 1{'0' * 55} ..."),
        (4.25, 4.5, "4.25 is not right"),
        ("ab", "abc", "'ab' is not right"),
        (["a", "b"], "ab", "expected FORM, got ['a', 'b']"),
        ((1, 3), (1, 2), "second: 3 is not right"),
        (np.array([2, 2]), (1, 2), "first: 2 is not right"),
        ((1, 2, 3), (1, 2), "expected FORM, got (1, 2, 3)"),
        (("1", "2"), (1, 2), "expected FORM, got ('1', '2')"),
    ],
)
def test_of_a_typed_value_it_is_said_what_came(got, expected, phrase):
    parts = ("first", "second") if isinstance(expected, tuple) else ()
    assert wrong_value(got, expected, "FORM", parts) == phrase


@pytest.mark.parametrize(
    ("got", "expected"), [(5, 5), (5.0, 5), (np.int8(5), 5), ("ab", "ab"), ([1, 2], (1, 2)), (1 / 3, 0.3333333)]
)
def test_a_typed_value_that_is_right(got, expected):
    assert wrong_value(got, expected, "FORM", ("first", "second") if isinstance(expected, tuple) else ()) is None
