"""Augmented pictures have the steering that belongs to them."""

import numpy as np
import pytest
from driven import write_log

from cnnlab.driving import augmentation, log
from cnnlab.driving.pictures import VIEWS

PICTURES = np.random.default_rng(1).integers(0, 256, (200, 6, 8, 3), dtype=np.uint8)
STEERING = np.linspace(-0.9, 0.9, 200, dtype=np.float32)


def fresh():
    return np.random.default_rng(0)


def test_side_cameras_steer_back(tmp_path):
    drive = log.read(write_log(tmp_path), VIEWS["carracing"])
    rows, cameras, steering = augmentation.side_cameras(drive, 0.25)
    pictures = drive.pictures[rows, cameras]
    assert pictures.shape == (12, 84, 96, 3) and rows.tolist() == [0, 1, 2, 3] * 3
    assert np.array_equal(pictures[4:8], drive.pictures[:, 1]) and np.array_equal(pictures[8:], drive.pictures[:, 2])
    assert np.allclose(steering[4:8], drive.steering + 0.25) and np.allclose(steering[8:], drive.steering - 0.25)
    assert augmentation.side_cameras(drive, 5)[2].max() == 1


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_balancing_leaves_the_share_that_is_asked_for(share):
    steering = np.concatenate([np.zeros(700), np.full(100, 0.3), np.full(100, -0.2)])
    kept = augmentation.balanced(steering, fresh(), share=share)
    assert (steering[kept] == 0).mean() == pytest.approx(share, abs=0.01)
    assert (steering[kept] != 0).sum() == 200 and (np.diff(kept) > 0).all()
    assert len(augmentation.balanced(np.zeros(9), fresh())) == 9
    with pytest.raises(ValueError, match="`share` needs a fraction above 0 and below 1; received 1"):
        augmentation.balanced(steering, fresh(), share=1)


def test_a_mirrored_picture_has_the_other_sign():
    pictures, steering = augmentation.flipped(PICTURES, STEERING, fresh())
    mirrored = steering != STEERING
    assert 60 < mirrored.sum() < 140
    assert np.array_equal(steering[mirrored], -STEERING[mirrored])
    assert np.array_equal(pictures[mirrored], PICTURES[mirrored][:, :, ::-1])
    assert np.array_equal(pictures[~mirrored], PICTURES[~mirrored])


def test_brightness_is_one_factor_a_picture():
    gray = np.full((300, 2, 2, 3), 100, np.uint8)
    bright = augmentation.brightened(gray, fresh(), 0.3)
    assert bright.dtype == np.uint8 and (bright == bright[:, :1, :1, :1]).all()
    assert 69 <= bright.min() < 75 and 125 < bright.max() <= 130
    assert augmentation.brightened(np.full((50, 1, 1, 3), 250, np.uint8), fresh(), 0.9).max() == 255


def test_a_shadow_lies_on_one_side_of_a_line():
    gray = np.full((200, 20, 30, 3), 100, np.uint8)
    dark = augmentation.shadowed(gray, fresh(), 0.4)[..., 0]
    assert set(np.unique(dark)) == {60, 100}
    changes = (np.diff(dark.astype(int), axis=2) != 0).sum(axis=2)
    assert changes.max() == 1  # at most one border in a row
    share = (dark == 60).mean(axis=(1, 2))
    assert 0.3 < (share == 0).mean() < 0.75 and share.max() > 0.6


def test_a_moved_picture_has_the_steering_of_a_car_elsewhere():
    pictures, steering = augmentation.shifted(PICTURES, STEERING * 0.5, fresh(), 3, 0.01)
    moves = np.round((steering - STEERING * 0.5) / 0.01).astype(int)
    assert set(moves) == set(range(-3, 4))
    for move, before, after in zip(moves, PICTURES, pictures, strict=True):
        if move > 0:
            assert np.array_equal(after[:, move:], before[:, :-move]) and (after[:, 0] == before[:, 0]).all()
        if move < 0:
            assert np.array_equal(after[:, :move], before[:, -move:])
