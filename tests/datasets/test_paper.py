"""Drawn photographs of digits: dark ink on paper in uneven light, each with its own place and size."""

import numpy as np
import pytest

from cnnlab.datasets.generated import paper

STROKE = np.zeros((28, 28), np.uint8)
STROKE[4:24, 12:16] = 255


def test_ink_is_dark_and_paper_is_bright_at_one_end():
    (photo,) = paper.photographs(STROKE[None], seed=1)
    assert photo.dtype == np.uint8
    assert photo.shape == (paper.SIDE, paper.SIDE)
    (empty,) = paper.photographs(np.zeros((1, 28, 28)), seed=1)
    assert empty.max() > 225
    assert 100 < empty.min() < 190
    dark = photo < 0.5 * empty.astype(float)
    height, width = (np.ptp(np.flatnonzero(dark.any(axis=axis))) + 1 for axis in (1, 0))
    assert 4 < height / width < 6
    assert 20 * paper.SMALLEST - 3 < height < 20 * paper.LARGEST + 3


def test_light_falls_off_evenly():
    (empty,) = paper.photographs(np.zeros((1, 28, 28)), seed=2)
    row, column = np.mgrid[: paper.SIDE, : paper.SIDE]
    plane = np.column_stack([np.ones(empty.size), row.ravel(), column.ravel()])
    _, residues, *_ = np.linalg.lstsq(plane, empty.ravel().astype(float), rcond=None)
    assert np.sqrt(residues[0] / empty.size) == pytest.approx(paper.NOISE, rel=0.05)


def test_seed_fixes_all_and_no_two_are_alike():
    digits = np.stack([STROKE] * 3)
    one, again, other = (paper.photographs(digits[..., None], seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])


def test_digits_without_ink_above_the_range_stay_in_it():
    bright = np.kron(np.indices((7, 7)).sum(axis=0) % 2, np.ones((4, 4))) * 255  # enlarging it overshoots
    photos = paper.photographs(bright[None], seed=3)
    assert photos.min() >= (1 - paper.INK) * (paper.BRIGHTEST - paper.SHADE[1]) - 5 * paper.NOISE


@pytest.mark.parametrize(
    ("digits", "side", "name"),
    [(np.zeros((2, 32, 32)), 112, "`digits`"), (np.zeros((28, 28)), 112, "`digits`"), (STROKE[None], 72, "`side`")],
)
def test_names_a_bad_argument(digits, side, name):
    with pytest.raises(ValueError, match=name):
        paper.photographs(digits, side=side)
