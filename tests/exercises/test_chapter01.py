"""Exercises of chapter 01 that are judged on digits: their targets have room; a loop and a wrong type are found."""

import numpy as np
import pytest

from cnnlab import exercises
from cnnlab.exercises import chapter01
from cnnlab.exercises.comparing import UnusableError
from cnnlab.exercises.data import digits


def solution(key: str):
    return exercises._answer_of(exercises.find(key).solution)


def share_said(wrong: str) -> float:
    """The share of digits that a check names, in percent."""
    return float(next(word for word in wrong.split() if word.endswith("%")).removesuffix("%"))


def test_a_brightened_picture_of_another_type_is_named():
    def of_integers(pixels, amount):
        return np.clip(pixels.astype(int) + amount, 0, 255)

    assert chapter01._check_brighten(of_integers) == "expected an array of uint8, got int64"
    as_lists = chapter01._check_brighten(lambda *given: of_integers(*given).tolist())
    assert as_lists == "expected an array of uint8, got list"


@pytest.mark.parametrize(
    "rows",
    [
        list,
        lambda vectors: [vectors[i] for i in range(len(vectors))],
        lambda vectors: [vectors[i, :] for i in range(len(vectors))],
        lambda vectors: list(map(np.asarray, vectors)),
    ],
)
def test_a_loop_over_the_rows_is_found(rows):
    def answer(vectors, reference):
        return np.array([row @ reference for row in rows(vectors)]) / np.maximum(
            np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference), 1e-9
        )

    with pytest.raises(UnusableError, match="rows in a loop"):
        chapter01._check_cosines(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda v, r: np.einsum("nd,d->n", v, r) / np.maximum(np.sqrt((v**2).sum(axis=1) * (r @ r)), 1e-9),
        lambda v, r: np.nan_to_num(v @ r / np.linalg.norm(v, axis=1) / np.linalg.norm(r)),
        lambda v, r: np.sum(v * r, axis=1) / (np.linalg.norm(v, axis=-1) * np.linalg.norm(r) + 1e-12),
    ],
)
def test_cosines_without_a_loop_are_right_however_they_are_written(answer):
    assert chapter01._check_cosines(answer) is None


def test_the_length_of_a_hog_is_that_of_scikit_image():
    feature = pytest.importorskip("skimage.feature")
    answer = solution("01.3")
    for height, width, cell, block, orientations in [(32, 32, 8, 2, 9), (20, 33, 8, 1, 9), (40, 30, 7, 3, 5)]:
        described = feature.hog(np.zeros((height, width)), orientations, (cell, cell), (block, block))
        assert answer(height, width, cell, block, orientations) == len(described)


def test_pixels_blocks_and_sums_miss_the_target_of_features_by_hand_and_hog_has_room():
    assert chapter01._check_by_hand(lambda images: images.reshape(-1, 784)) == "784 numbers per digit are more than 100"
    for few in (
        lambda images: images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49),
        lambda images: images[:, 4:24, 4:24, 0].reshape(-1, 10, 2, 10, 2).mean(axis=(2, 4)).reshape(-1, 100),
    ):
        assert share_said(chapter01._check_by_hand(few)) < 100 * chapter01.LEAST_BY_HAND - 3
    images, _ = digits(0, 10)
    assert solution("01.4")(images).shape == (10, 96)


def test_hog_of_other_cells_reaches_the_target_too():
    feature = pytest.importorskip("skimage.feature")
    for settings in ((6, (6, 6), (1, 1)), (4, (5, 5), (1, 1)), (9, (8, 8), (1, 1))):
        assert chapter01._check_by_hand(lambda x, s=settings: np.array([feature.hog(i, *s) for i in x[..., 0]])) is None


def test_digits_moved_back_are_recognized_and_those_left_in_place_are_not():
    images, _ = digits(3000, 3300)
    moved_back = solution("01.6")(chapter01._scattered(images[..., 0]))
    assert np.mean(np.abs(moved_back - images[..., 0])) < 15
    wrong = chapter01._check_moved_back(lambda canvases: canvases[:, 6:34, 6:34])
    assert share_said(wrong) < 40


def test_coins_agree_with_scipy():
    stats = pytest.importorskip("scipy.stats")
    answer = solution("01.7")
    generator = np.random.default_rng(0)
    for _ in range(20):
        first, second = generator.random((2, 60)) < generator.uniform(0.3, 0.9, (2, 1))
        one, other = np.sum(first & ~second), np.sum(second & ~first)
        expected = stats.binomtest(int(one), int(one + other)).pvalue if one + other else 1
        assert answer(first, second) == pytest.approx(expected)
