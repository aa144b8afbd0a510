"""Digits as a telephone sees them: dark ink on white paper, anywhere in the picture, in uneven light.

What a student brings who wants to see a network read a digit of one's own; what it takes to read them is an exercise.
"""

import numpy as np
from PIL import Image

SIDE = 112  # pixels
SMALLEST, LARGEST = 1.4, 2.6  # times the digit's own size
BRIGHTEST = 235  # of the paper, where the light falls on it
SHADE = (60, 120)  # by how much the paper is darker at the other end
INK = 0.75  # share of the light that full ink takes away
NOISE = 3.0  # standard deviation


def photographs(digits: np.ndarray, seed: int = 0, side: int = SIDE) -> np.ndarray:
    """One photograph of each digit.

    Args:
        digits: (N, 28, 28) or (N, 28, 28, 1), 0 to 255, bright ink on black, as MNIST has them.
        seed: fixes size, place, light and noise of all.
        side: height and width of a photograph in pixels, at least 73.

    Returns:
        uint8 (N, side, side), 0 to 255: dark ink on paper that is bright at one end and darker at the other.

    Raises:
        ValueError: `digits` has another shape, or `side` leaves no room for the largest digit.
    """
    digits = np.asarray(digits)
    if digits.shape[1:] not in ((28, 28), (28, 28, 1)):
        raise ValueError(f"`digits` needs the shape (N, 28, 28) or (N, 28, 28, 1); received {digits.shape}.")
    if side < round(28 * LARGEST):
        raise ValueError(f"`side` needs at least {round(28 * LARGEST)} pixels; received {side!r}.")
    generator = np.random.default_rng(seed)
    down, right = np.mgrid[:side, :side] / (side - 1)
    taken = np.empty((len(digits), side, side), np.uint8)
    for photo, digit in zip(taken, digits.reshape(-1, 28, 28).astype("float32"), strict=True):
        size = round(28 * generator.uniform(SMALLEST, LARGEST))
        top, left = generator.integers(0, side - size + 1, 2)
        ink = np.zeros((side, side))
        enlarged = np.asarray(Image.fromarray(digit).resize((size, size))) / 255
        ink[top : top + size, left : left + size] = np.clip(enlarged, 0, 1)
        angle = generator.uniform(0, 2 * np.pi)
        light = np.cos(angle) * down + np.sin(angle) * right
        darker = (light - light.min()) / np.ptp(light) * generator.uniform(*SHADE)
        paper = BRIGHTEST - darker
        seen = paper * (1 - INK * ink) + generator.normal(0, NOISE, paper.shape)
        photo[...] = np.clip(np.round(seen), 0, 255)
    return taken
