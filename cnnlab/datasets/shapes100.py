"""Shapes-100: generated pictures in the exact shape of CIFAR-100, for machines that have no data set.

100 fine classes are 20 shape families (the coarse classes) times 5 ways to fill a shape. The six things that make recognition hard
(color, angle, size, background, light, occlusion) are knobs of `Difficulty`; each can be switched on alone and made stronger.

The pictures are the same, bit by bit, on every machine and with every NumPy: random numbers are integer hashes of
(seed, split, picture number, what the number is for), so that picture 41,000 is drawn without the 41,000 before it and turning one
knob leaves what the others drew alone; and all arithmetic from those numbers to the pixels is in integers.
"""

import functools
import math
import zlib
from dataclasses import dataclass, fields

import numpy as np

SIZE = 32
FILLS = ("solid", "outline", "striped", "dotted", "halved")

# Sines come from the C library, whose last bit differs between machines; rounded to 14 bits they are the same everywhere
# (a test checks that no entry lies near enough to a rounding boundary to be in doubt).
TURN = 1024
UNIT = 1 << 14
SINE = np.array([round(UNIT * math.sin(2 * math.pi * step / TURN)) for step in range(TURN)], dtype=np.int32)


def _polar(radii: list[float], start: float = 0.0) -> list[tuple[float, float]]:
    """Vertices at equal angles around the center, x to the right and y down; `start` is in turns, clockwise from the right."""
    steps = [round((start + index / len(radii)) * TURN) for index in range(len(radii))]
    return [(radius * _cosine(step), radius * _sine(step)) for radius, step in zip(radii, steps, strict=True)]


def _sine(step: int) -> float:
    return int(SINE[step % TURN]) / UNIT


def _cosine(step: int) -> float:
    return _sine(step + TURN // 4)


def _arc(
    first: float, last: float, radius: float = 1.0, x: float = 0.0, y: float = 0.0, stretch: float = 1.0
) -> list[tuple[float, float]]:
    """Points on a circle around (x, y), from `first` to `last` in turns; `stretch` scales its height."""
    steps = [round((first + (last - first) * index / 16) * TURN) for index in range(17)]
    return [(x + radius * _cosine(step), y + stretch * radius * _sine(step)) for step in steps]


# Each family is one closed polygon, in any unit and place: `_atlas` centers it and scales it to radius 1. No family is another one
# turned or resized, since angle and size are knobs.
OUTLINES = {
    "disk": _polar([1.0] * 48),
    "ellipse": _arc(0, 0.5, stretch=0.5) + _arc(0.5, 1, stretch=0.5)[1:-1],
    "half_disk": _arc(0.5, 1),
    "triangle": _polar([1.0] * 3, start=-0.25),
    "square": _polar([1.0] * 4, start=0.125),
    "star": _polar([1.0, 0.45] * 5, start=-0.25),
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
    "heart": [*_arc(0.4, 1, 0.52, -0.5, -0.4), *_arc(0.5, 1.1, 0.52, 0.5, -0.4), (0, 0.95)],
    "crescent": _arc(0.1, 0.9) + _arc(0.84, 0.16, 0.72, 0.38)[1:-1],
    "arrow": [(-10, -3), (1, -3), (1, -9), (10, 0), (1, 9), (1, 3), (-10, 3)],
    "gear": _polar([1.0, 1.0, 0.7, 0.7] * 8),
    "drop": [(0, -1.35), *_arc(-0.08, 0.58, 0.7)],
    "hourglass": [(-7, -9), (7, -9), (2, 0), (7, 9), (-7, 9), (-2, 0)],
    "bolt": [(2, -10), (-6, 2), (-1, 2), (-3, 10), (6, -3), (1, -3), (6, -10)],
    "trefoil": _polar([0.68 + 0.32 * _cosine(3 * 16 * step) for step in range(64)], start=-0.25),
    "letter_l": [(-6, -9), (-1, -9), (-1, 4), (6, 4), (6, 9), (-6, 9)],
    "letter_t": [(-8, -8), (8, -8), (8, -3), (2.5, -3), (2.5, 9), (-2.5, 9), (-2.5, -3), (-8, -3)],
    "letter_u": [(-8, -9), (-3, -9), *_arc(0.5, 0, 3, 0, 1), (3, -9), (8, -9), *_arc(0, 0.5, 8, 0, 1)],
    "letter_h": [
        (-8, -9),
        (-3, -9),
        (-3, -2.5),
        (3, -2.5),
        (3, -9),
        (8, -9),
        (8, 9),
        (3, 9),
        (3, 2.5),
        (-3, 2.5),
        (-3, 9),
        (-8, 9),
    ],
    "fish": [*_arc(0.42, -0.42, 1, 0.4, 0, 0.6), (-1.15, -0.65), (-0.95, 0), (-1.15, 0.65)],
}
COARSE_NAMES = tuple(OUTLINES)
FINE_NAMES = tuple(f"{family}_{fill}" for family in COARSE_NAMES for fill in FILLS)


@dataclass(frozen=True)
class Difficulty:
    """How hard the pictures are: six knobs, each a strength from 0 (off) to 1.

    Args:
        color: off, every picture has the same four colors; on, their order of brightness and their tints are drawn.
        angle: off, shapes stand upright; on, they turn by up to half a turn either way.
        size: off, shapes are centered and fill the picture; on, they shrink to as little as 0.4 and lie anywhere in the room this leaves.
        background: off, plain; on, blotches of a second color.
        light: off, even; on, the exposure and a slope of brightness across the picture are drawn.
        occlusion: off, nothing in front; on, a bar covers a part of the shape.
    """

    color: float = 0.5
    angle: float = 0.5
    size: float = 0.5
    background: float = 0.5
    light: float = 0.5
    occlusion: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            strength = getattr(self, field.name)
            number = isinstance(strength, int | float | np.integer | np.floating) and not isinstance(strength, bool)
            if not number or not 0 <= strength <= 1:
                raise ValueError(f"{field.name} must be a strength from 0 (off) to 1, got {strength!r}")

    @classmethod
    def only(cls, **strengths: float) -> "Difficulty":
        """The named knobs at their strengths, all others off: `Difficulty.only(angle=1)`; `Difficulty.only()` is the easiest setting."""
        return cls(**({field.name: 0.0 for field in fields(cls)} | strengths))


def generate(
    count: int,
    *,
    seed: int = 0,
    split: str = "train",
    difficulty: Difficulty | None = None,
    start: int = 0,
    return_masks: bool = False,
) -> tuple[np.ndarray, ...]:
    """Draw `count` pictures and their labels; every 100 in a row, from a multiple of 100 on, hold each fine class once.

    Args:
        count: number of pictures. The full set is 50,000 of "train" and 10,000 of "test".
        seed: another number gives another, independent set.
        split: "train" or "test"; the two never share a picture.
        difficulty: strengths of the six knobs; None is `Difficulty()`, each at one half.
        start: number of the first picture; `generate(100, start=500)` is `generate(600)[500:]`.
        return_masks: also return where each shape is.

    Returns:
        images uint8 (count, 32, 32, 3), fine labels int64 (count,), coarse labels int64 (count,) and, if asked for, masks
        bool (count, 32, 32): the pixels that the shape takes, its hollow inside too, without what the bar hides.

    Raises:
        ValueError: an argument is not what is stated above.
    """
    for name, value in (("count", count), ("seed", seed), ("start", start)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise ValueError(f"{name} must be a whole number from 0 to 2**63 - 1, got {value!r}")
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    if difficulty is None:
        difficulty = Difficulty()
    if not isinstance(difficulty, Difficulty):
        raise ValueError(f"difficulty must be a Difficulty, got {difficulty!r}")

    root = _hash(np.array([seed], dtype=np.uint64)) ^ np.uint64(zlib.crc32(split.encode()))
    fine = _labels(root, start, count)
    images = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    masks = np.empty((count, SIZE, SIZE), dtype=bool)
    for first in range(0, count, BATCH):
        part = slice(first, min(first + BATCH, count))
        keys = _hash(root + np.arange(start + part.start, start + part.stop, dtype=np.uint64))
        images[part], masks[part] = _render(keys, fine[part], difficulty)
    return (images, fine, fine // len(FILLS), masks) if return_masks else (images, fine, fine // len(FILLS))


def _labels(root: np.ndarray, start: int, count: int) -> np.ndarray:
    """Fine labels (count,): in each hundred pictures, the hundred classes in an order of its own."""
    blocks = np.arange(start // 100, (start + count + 99) // 100, dtype=np.uint64)
    order = np.argsort(_draw(_hash(root ^ _hash(blocks)), "order", 0, 2**31 - 1, 100), axis=1, kind="stable")
    return order.astype(np.int64).reshape(-1)[start % 100 :][:count]


# --- random numbers -------------------------------------------------------------------------------------------------------------


def _hash(values: np.ndarray) -> np.ndarray:
    """Mix the bits of unsigned 64-bit integers. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _bits(keys: np.ndarray, purpose: str, count: int) -> np.ndarray:
    """`count` hashes per key, uint64 (len(keys), count), independent of those of any other purpose."""
    counters = np.arange(count, dtype=np.uint64) + np.uint64(zlib.crc32(purpose.encode()) << 32)
    return _hash(keys[:, None] ^ _hash(counters))


def _draw(keys: np.ndarray, purpose: str, low: int, high: int, *shape: int) -> np.ndarray:
    """Whole numbers from low to high, both included, int32 (len(keys), *shape)."""
    bits = _bits(keys, purpose, math.prod(shape)) >> np.uint64(32)
    return ((bits * np.uint64(high - low + 1)) >> np.uint64(32)).astype(np.int32).reshape(len(keys), *shape) + np.int32(
        low
    )


# --- shapes ---------------------------------------------------------------------------------------------------------------------

# The atlas holds, for each fine class, two maps of 128 x 128 cells around the shape, whose radius is 52 cells: the signed distance
# to the shape's outline and to the ink of its filling, negative inside, in quarter cells.
CELLS = 128
RADIUS = 52


@functools.cache
def _atlas() -> tuple[np.ndarray, np.ndarray]:
    """Distance to the shape and to its ink, each int8 (100, 128, 128).

    In float64, with nothing but + - * / and the square root, which every machine rounds alike, then rounded to integers.
    """
    axis = np.arange(CELLS) - (CELLS - 1) / 2
    x, y = np.meshgrid(axis, axis)
    shapes, inks = [], []
    for outline in OUTLINES.values():
        distance = _distance(_centered(outline), x, y)
        never = np.full_like(distance, 100)
        stripes = np.abs((y + 6.5) % 26 - 13) - 6.5
        dots = np.sqrt((x % 26 - 13) ** 2 + (y % 26 - 13) ** 2) - 8.5
        fillings = {"solid": never, "outline": distance + 11, "striped": stripes, "dotted": dots, "halved": x}
        for fill in FILLS:
            shapes.append(distance)
            inks.append(fillings[fill])
    return tuple(np.clip(np.rint(4 * np.stack(maps)), -127, 127).astype(np.int8) for maps in (shapes, inks))


def _centered(outline: list[tuple[float, float]]) -> np.ndarray:
    """The vertices moved so that their bounding box is centered and scaled so that the farthest one is at RADIUS cells, float64 (V, 2)."""
    vertices = np.array(outline, dtype=np.float64)
    vertices -= (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return vertices * (RADIUS / np.sqrt((vertices[:, 0] ** 2 + vertices[:, 1] ** 2).max()))


def _distance(vertices: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance from each (x, y) to a closed polygon, negative inside."""
    nearest = np.full(x.shape, np.inf)
    inside = np.zeros(nearest.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        nearest = np.minimum(nearest, (x - ax - along * (bx - ax)) ** 2 + (y - ay - along * (by - ay)) ** 2)
        if ay != by:  # a ray to the right crosses this edge
            inside ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return np.where(inside, -1, 1) * np.sqrt(nearest)


# --- drawing --------------------------------------------------------------------------------------------------------------------

BATCH = 64  # pictures drawn together: enough to hide Python's cost, few enough to stay in the processor's cache


def _render(keys: np.ndarray, fine: np.ndarray, difficulty: Difficulty) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, 32, 32, 3) and masks bool (n, 32, 32). Planes are int32 (n, channel, 32, 32); a coverage of 128 is full."""
    strength = {field.name: np.int32(round(256 * getattr(difficulty, field.name))) for field in fields(difficulty)}
    ground, patch, paint, ink, front = _colors(keys, strength)
    x, y, radius = _place(keys, strength["size"])
    shape, filling = _shape(keys, fine, x, y, radius, strength["angle"])

    hollow = (fine % len(FILLS) == FILLS.index("outline"))[:, None, None, None]
    body = np.where(hollow, shape - (shape * filling >> 7), shape)
    color = _mix(paint, np.where(hollow, paint, ink), filling)
    image = _mix(_mix(ground, patch, _blotches(keys)), color, body)
    bar = _bar(keys, x, y, radius, strength["occlusion"])
    image = _mix(image, front, bar)
    image = (image * _light(keys, strength["light"]) >> 8) + _noise(keys)
    return np.clip(image, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1), ((shape > 64) & (bar <= 64))[:, 0]


def _mix(under: np.ndarray, over: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    return under + ((over - under) * coverage >> 7)


def _scaled(keys: np.ndarray, purpose: str, reach: int, strength: np.int32, *shape: int) -> np.ndarray:
    """Whole numbers from -reach to reach at full strength, and as much less as the strength is."""
    return _draw(keys, purpose, -reach, reach, *shape) * strength >> 8


def _colors(keys: np.ndarray, strength: dict[str, np.int32]) -> np.ndarray:
    """Background, its blotches, paint, ink and the bar: int32 (5, n, 3, 1, 1).

    Of background, paint and ink, one is dark, one middling and one light, at least 55 levels apart on average over red, green and blue.
    """
    n, color = len(keys), strength["color"]
    fixed = np.array([[28, 36, 62], [225, 215, 190], [170, 105, 105]], dtype=np.int32)
    order = np.argsort(_draw(keys, "color order", 0, 2**30, 3), axis=1, kind="stable")
    level = np.array([40, 220, 130], dtype=np.int32)[order][:, :, None]
    redrawn = _draw(keys, "color redrawn", 1, 256) <= color
    tint = _scaled(keys, "color tint", 90, color, 3, 3)
    tint -= tint.sum(axis=2, keepdims=True) // 3
    colors = np.where(redrawn[:, None, None], level, fixed) + tint + _scaled(keys, "color level", 15, color, 3, 1)
    patch = colors[:, 0] + (_draw(keys, "blotch color", -80, 80, 3) * strength["background"] >> 8)
    front = np.array([70, 130, 90], dtype=np.int32) + _scaled(keys, "bar color", 90, color, 3)
    return np.stack([colors[:, 0], patch, colors[:, 1], colors[:, 2], front])[..., None, None]


def _place(keys: np.ndarray, strength: np.int32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixel positions as seen from the shape's center, x (n, 1, 32) and y (n, 32, 1), and its radius (n, 1, 1), in 1/32 pixel."""
    radius = (480 - (_draw(keys, "size", 0, 288) * strength >> 8))[:, None, None]
    room = np.int32(480) - radius
    pixels = 32 * np.arange(SIZE, dtype=np.int32) - 16 * (SIZE - 1)
    x = pixels[None, None, :] - (room * _draw(keys, "place x", -256, 256)[:, None, None] >> 8)
    y = pixels[None, :, None] - (room * _draw(keys, "place y", -256, 256)[:, None, None] >> 8)
    return x, y, radius


def _shape(
    keys: np.ndarray, fine: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, strength: np.int32
) -> tuple[np.ndarray, np.ndarray]:
    """Coverage by the shape and by the ink inside it, each int32 (n, 1, 32, 32)."""
    turn = _scaled(keys, "angle", TURN // 2, strength)[:, None, None]
    step = (RADIUS << 14) // radius  # cells per 1/32 pixel, times 2**14
    across, down = SINE[(turn + TURN // 4) % TURN] * step >> 14, SINE[turn % TURN] * step >> 14
    column = np.clip((across * x + down * y >> 14) + CELLS // 2, 0, CELLS - 1)
    row = np.clip((across * y - down * x >> 14) + CELLS // 2, 0, CELLS - 1)
    cell = (fine.astype(np.int32)[:, None, None] * CELLS + row) * CELLS + column
    # A pixel is 32 step / 2**14 cells wide, so coverage falls from 128 to 0 over that many times 4 quarter cells.
    slope = (128 << 16) // step
    return tuple(
        np.clip(64 - (np.take(distance.reshape(-1), cell).astype(np.int32) * slope >> 9), 0, 128)[:, None]
        for distance in _atlas()
    )


def _blotches(keys: np.ndarray) -> np.ndarray:
    """Coverage of the background by blotches, int32 (n, 1, 32, 32): smooth noise on a grid of 4 pixels, steepened."""
    grid = _draw(keys, "blotches", -128, 128, 9, 9)
    grid[:, ::2, ::2] *= 2
    for axis in (1, 2):
        left, right = np.take(grid, range(8), axis=axis), np.take(grid, range(1, 9), axis=axis)
        steps = [left * (8 - weight) + right * weight for weight in (1, 3, 5, 7)]
        grid = np.stack(steps, axis=axis + 1).reshape(len(keys), *((32, 9) if axis == 1 else (32, 32)))
    return np.clip((grid >> 5) + 64, 0, 128)[:, None]


def _bar(keys: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, strength: np.int32) -> np.ndarray:
    """Coverage by the bar, int32 (n, 1, 32, 32): up to 0.7 radius wide, as long as the shape, across a point near its center."""
    turn = _draw(keys, "bar angle", 0, TURN - 1)[:, None, None]
    cosine, sine = SINE[(turn + TURN // 4) % TURN], SINE[turn]
    across = (cosine * x + sine * y >> 14) - (radius * _draw(keys, "bar place", -128, 128)[:, None, None] >> 8)
    along = cosine * y - sine * x >> 14
    half_width = (radius * _draw(keys, "bar width", 45, 90)[:, None, None] >> 8) * strength >> 8
    distance = np.maximum(np.abs(across) - half_width, np.abs(along) - radius)
    return np.where(strength > 0, np.clip(64 - 4 * distance, 0, 128), 0)[:, None]


def _light(keys: np.ndarray, strength: np.int32) -> np.ndarray:
    """Brightness of each pixel in 1/256, int32 (n, 1, 32, 32)."""
    exposure = _draw(keys, "exposure", -150, 40)[:, None, None]
    turn = _draw(keys, "light angle", 0, TURN - 1)[:, None, None]
    slope = _draw(keys, "light slope", 0, 180)[:, None, None]
    pixels = 2 * np.arange(SIZE, dtype=np.int32) - (SIZE - 1)
    ramp = SINE[(turn + TURN // 4) % TURN] * pixels[None, None, :] + SINE[turn] * pixels[None, :, None] >> 10
    return np.maximum(256 + ((exposure + (ramp * slope >> 9)) * strength >> 8), 24)[:, None]


def _noise(keys: np.ndarray) -> np.ndarray:
    """Sensor noise, int32 (n, 3, 32, 32) from -7 to 7: never off, so that no two pictures are the same."""
    octets = _bits(keys, "noise", 3 * SIZE * SIZE // 8).astype("<u8").view(np.uint8).reshape(-1, 3, SIZE, SIZE)
    return (octets & 7).astype(np.int32) + ((octets >> 3) & 7) - 7
