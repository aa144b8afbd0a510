"""The hundred figures of shapes100: 20 outlines, 5 fillings, and the distance maps to draw them from."""

import functools
import math

import numpy as np

# Sines come from the C library, whose last bit differs between machines; rounded to 14 bits they are the same on all of
# them (a test checks that none lies near a rounding boundary).
TURN = 1024  # steps in a full turn
UNIT = 1 << 14  # the sine of a quarter turn
SINE = np.array([round(UNIT * math.sin(2 * math.pi * step / TURN)) for step in range(TURN)], dtype=np.int32)

Points = list[tuple[float, float]]


def _around(radii: list[float], start: float = 0.0) -> Points:
    """Points at equal angles around the center; x runs right, y down, angles clockwise from the right, in turns."""
    steps = [round((start + index / len(radii)) * TURN) for index in range(len(radii))]
    return [(radius * _cosine(step), radius * _sine(step)) for radius, step in zip(radii, steps, strict=True)]


def _arc(first: float, last: float, radius: float, x: float = 0.0, y: float = 0.0, height: float = 1.0) -> Points:
    """17 points on a circle around (x, y), from angle `first` to angle `last`; `height` squeezes it."""
    steps = [round((first + (last - first) * index / 16) * TURN) for index in range(17)]
    return [(x + radius * _cosine(step), y + height * radius * _sine(step)) for step in steps]


def _sine(step: int) -> float:
    return int(SINE[step % TURN]) / UNIT


def _cosine(step: int) -> float:
    return _sine(step + TURN // 4)


# One closed polygon a family, in any unit and place: `_centered` moves and scales it. No family is another one turned
# or resized, since angle and size are knobs; limbs are wide enough for each filling to show.
OUTLINES = {
    "disk": _around([1] * 64),
    "ellipse": _arc(0, 0.5, 1, height=0.5) + _arc(0.5, 1, 1, height=0.5)[1:-1],
    "half_disk": _arc(0.5, 1, 1),
    "triangle": _around([1] * 3, start=-0.25),
    "square": _around([1] * 4, start=0.125),
    "star": _around([1, 0.45] * 5, start=-0.25),
    "cross": [
        (-1, -3),
        (1, -3),
        (1, -1),
        (3, -1),
        (3, 1),
        (1, 1),
        (1, 3),
        (-1, 3),
        (-1, 1),
        (-3, 1),
        (-3, -1),
        (-1, -1),
    ],
    "heart": [*_arc(0.4, 0.96, 0.52, -0.5, -0.4), *_arc(0.54, 1.1, 0.52, 0.5, -0.4), (0, 0.95)],
    "crescent": _arc(0.08, 0.92, 1) + _arc(0.82, 0.18, 0.6, 0.5)[1:-1],
    "arrow": [(-10, -4), (1, -4), (1, -10), (10, 0), (1, 10), (1, 4), (-10, 4)],
    "gear": _around([1, 1, 0.7, 0.7] * 8),
    "drop": [(0, -1.35), *_arc(-0.08, 0.58, 0.7)],
    "hourglass": [(-8, -9), (8, -9), (3, 0), (8, 9), (-8, 9), (-3, 0)],
    "bolt": [(-1, -10), (-7, 2), (-1.5, 2), (-4, 10), (7, -3.5), (1.5, -3.5), (6, -10)],
    "trefoil": _around([0.68 + 0.32 * _cosine(48 * step) for step in range(64)], start=-0.25),
    "letter_l": [(-7, -9), (0, -9), (0, 2), (7, 2), (7, 9), (-7, 9)],
    "letter_t": [(-9, -9), (9, -9), (9, -2.5), (3.5, -2.5), (3.5, 9), (-3.5, 9), (-3.5, -2.5), (-9, -2.5)],
    "letter_u": [(-9, -9), (-2.5, -9), *_arc(0.5, 0, 2.5, 0, 0.5), (2.5, -9), (9, -9), *_arc(0, 0.5, 9, 0, 0.5)],
    "letter_h": [
        *[(-9, -9), (-2.5, -9), (-2.5, -3.3), (2.5, -3.3), (2.5, -9), (9, -9)],
        *[(9, 9), (2.5, 9), (2.5, 3.3), (-2.5, 3.3), (-2.5, 9), (-9, 9)],
    ],
    "fish": [*_arc(0.42, -0.42, 1, 0.4, 0, 0.7), (-1.15, -0.75), (-0.9, 0), (-1.15, 0.75)],
}
FILLINGS = ("solid", "outline", "striped", "dotted", "halved")

CELLS = 128  # side of a map
RADIUS = 52  # in cells, from the center of a figure to its farthest point


@functools.cache
def atlas() -> tuple[np.ndarray, np.ndarray]:
    """Signed distances to each figure's outline and to the ink inside it, negative within, in quarter cells.

    Calculated in float64 with + - * / and the square root alone, which every machine rounds alike, then rounded to
    integers.

    Returns:
        Two arrays int8 (100, 128, 128), in the order of the fine classes.
    """
    axis = np.arange(CELLS) - (CELLS - 1) / 2
    x, y = np.meshgrid(axis, axis)
    stripes = np.abs((y + 6.5) % 26 - 13) - 6.5
    dots = np.sqrt((x % 26 - 13) ** 2 + (y % 26 - 13) ** 2) - 8.5
    shapes, inks = [], []
    for outline in OUTLINES.values():
        distance = _distance(_centered(outline), x, y)
        ink = {"solid": CELLS + 0 * x, "outline": distance + 9, "striped": stripes, "dotted": dots, "halved": x}
        shapes += [distance] * len(FILLINGS)
        inks += [ink[filling] for filling in FILLINGS]
    return tuple(np.clip(np.rint(4 * np.stack(maps)), -127, 127).astype(np.int8) for maps in (shapes, inks))


def _centered(outline: Points) -> np.ndarray:
    """The points moved and scaled, float64 (P, 2): their bounding box is centered and the farthest is at RADIUS."""
    points = np.array(outline, dtype=np.float64)
    points -= (points.min(axis=0) + points.max(axis=0)) / 2
    return points * (RADIUS / np.sqrt((points[:, 0] ** 2 + points[:, 1] ** 2).max()))


def _distance(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance from each place (x, y) to a closed polygon, negative inside."""
    nearest = np.full(x.shape, np.inf)
    inside = np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(points, np.roll(points, -1, axis=0), strict=True):
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
        along = np.clip(along, 0, 1)
        across_x, across_y = x - ax - along * (bx - ax), y - ay - along * (by - ay)
        nearest = np.minimum(nearest, across_x * across_x + across_y * across_y)
        if ay != by:  # each edge that a ray to the right crosses changes sides
            inside ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return np.where(inside, -1, 1) * np.sqrt(nearest)
