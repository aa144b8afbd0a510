"""More pictures than were recorded, each with the steering that belongs to it."""

import numpy as np

from cnnlab.driving.log import Log


def side_cameras(log: Log, correction: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Use all cameras, as if the car stood where the camera is: from there it has to steer back.

    Args:
        log: N rows, of three cameras or of the center camera alone.
        correction: added to the steering for the left camera, subtracted for the right one.

    Returns:
        For each picture `log.pictures[rows, cameras]`, the N of the center first: (3 N,) rows, (3 N,) cameras, (3 N,)
        steering within -1 and 1; N each where there is but one camera.

    Source: Bojarski et al., "End to end learning for self-driving cars", 2016, section 2.
    """
    cameras, rows = np.divmod(np.arange(len(log) * log.pictures.shape[1]), len(log))
    steering = log.steering[rows] + np.array([0, correction, -correction], np.float32)[cameras]
    return rows, cameras, steering.clip(-1, 1)


def balanced(steering: np.ndarray, generator: np.random.Generator, straight: float = 0.02, share: float = 0.3):
    """Leave out rows with the wheel straight, so that they are no more than a share of those that stay.

    Args:
        steering: (N,).
        generator: draws which go.
        straight: up to this size a steering counts as straight.
        share: of straight rows afterwards, above 0 and below 1.

    Returns:
        Indices of the rows that stay, in order. Where nothing but straight rows is there, all of them.

    Raises:
        ValueError: `share` is out of its range.
    """
    if not 0 < share < 1:
        raise ValueError(f"`share` needs a fraction above 0 and below 1; received {share!r}.")
    is_straight = np.abs(steering) <= straight
    bends = np.flatnonzero(~is_straight)
    rest = np.flatnonzero(is_straight)
    kept = min(len(rest), round(len(bends) * share / (1 - share))) if len(bends) else len(rest)
    return np.sort(np.concatenate([bends, generator.choice(rest, kept, replace=False)]))


def flipped(pictures: np.ndarray, steering: np.ndarray, generator: np.random.Generator):
    """Mirror each picture with probability one half; the steering changes its sign with it.

    Args:
        pictures: (N, H, W, 3).
        steering: (N,).
        generator: draws which.

    Returns:
        Pictures and steering of the same shapes.
    """
    chosen = generator.random(len(pictures)) < 0.5
    return np.where(chosen[:, None, None, None], pictures[:, :, ::-1], pictures), np.where(chosen, -steering, steering)


def brightened(pictures: np.ndarray, generator: np.random.Generator, strength: float = 0.3) -> np.ndarray:
    """Multiply each picture by its own factor.

    Args:
        pictures: (N, H, W, 3) uint8.
        generator: draws the factors.
        strength: they lie between 1 - strength and 1 + strength.

    Returns:
        (N, H, W, 3) uint8.
    """
    factors = generator.uniform(1 - strength, 1 + strength, (len(pictures), 1, 1, 1)).astype(np.float32)
    return (pictures * factors).clip(0, 255).astype(np.uint8)


def shadowed(pictures: np.ndarray, generator: np.random.Generator, darkness: float = 0.5) -> np.ndarray:
    """Darken what lies on one side of a line from a random place of the upper edge to one of the lower edge.

    Args:
        pictures: (N, H, W, 3) uint8.
        generator: draws the lines, the sides, and which half of the pictures gets no shadow.
        darkness: share of the light that is taken.

    Returns:
        (N, H, W, 3) uint8.
    """
    count, height, width = pictures.shape[:3]
    upper, lower = generator.uniform(0, width, (2, count, 1, 1))
    border = upper + (lower - upper) * np.linspace(0, 1, height)[:, np.newaxis]
    side = generator.integers(0, 2, (count, 1, 1)) == 1
    inside = ((np.arange(width) < border) == side) & (generator.random((count, 1, 1)) < 0.5)
    return np.where(inside[..., np.newaxis], (pictures * np.float32(1 - darkness)).astype(np.uint8), pictures)


def shifted(pictures: np.ndarray, steering: np.ndarray, generator: np.random.Generator, pixels: int, per_pixel: float):
    """Move each picture sidewise; the edge is repeated. A picture moved to the right is one of a car further left.

    Args:
        pictures: (N, H, W, 3).
        steering: (N,).
        generator: draws the moves.
        pixels: largest move, either way.
        per_pixel: steering added for each pixel to the right.

    Returns:
        Pictures of the same shape, and steering within -1 and 1.
    """
    moves = generator.integers(-pixels, pixels + 1, len(pictures))
    columns = (np.arange(pictures.shape[2]) - moves[:, np.newaxis]).clip(0, pictures.shape[2] - 1)
    moved = np.take_along_axis(pictures, columns[:, np.newaxis, :, np.newaxis], axis=2)
    return moved, (steering + moves * per_pixel).clip(-1, 1).astype(np.float32)
