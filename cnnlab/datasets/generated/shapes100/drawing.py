"""From keys and labels to pixels, in whole numbers throughout.

A plane is int32 (n, channels, 32, 32); a coverage, int32 (n, 1, 32, 32), says in 128ths how much of each pixel a thing
covers.
"""

from collections.abc import Mapping

import numpy as np

from cnnlab.datasets.generated.shapes100.figures import CELLS, FILLINGS, RADIUS, SINE, TURN, atlas
from cnnlab.datasets.generated.shapes100.hashing import bits, draw

SIZE = 32  # pixels along an edge
FULL = 15 * 32  # the radius of a shape as large as it gets, in 1/32 pixel


def render(keys: np.ndarray, fine: np.ndarray, strengths: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Draw one picture for each key.

    Args:
        keys: uint64 (n,), all that is random follows from them.
        fine: fine labels, int64 (n,).
        strengths: of the six knobs, 0 to 1.

    Returns:
        Pictures uint8 (n, 32, 32, 3) and masks bool (n, 32, 32).
    """
    knobs = {knob: np.int32(round(256 * strength)) for knob, strength in strengths.items()}
    ground, blotch, paint, ink, front = _colors(keys, knobs["color"])
    x, y, radius = _place(keys, knobs["size"])
    shape, filling = _figure(keys, fine, x, y, radius, knobs["angle"])
    bar = _bar(keys, x, y, radius, knobs["occlusion"])

    hollow = (fine % len(FILLINGS) == FILLINGS.index("outline"))[:, None, None, None]
    body = np.where(hollow, shape - (shape * filling >> 7), shape)
    plane = _cover(ground, _cover(ground, blotch, knobs["background"] >> 1), _blotches(keys))
    plane = _cover(plane, _cover(paint, np.where(hollow, paint, ink), filling), body)
    plane = _cover(plane, front, bar)
    plane = (plane * _light(keys, knobs["light"]) >> 8) + _noise(keys)
    return np.clip(plane, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1), ((shape > 64) & (bar <= 64))[:, 0]


def _cover(under: np.ndarray, over: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    return under + ((over - under) * coverage >> 7)


def _colors(keys: np.ndarray, strength: np.int32) -> np.ndarray:
    """Colors of background, blotches, paint, ink and bar, int32 (5, n, 3, 1, 1).

    Of background, paint and ink one is dark, one middling and one light, so that a shape can always be told from what
    is behind it.
    """
    fixed = np.array([[28, 36, 62], [225, 215, 190], [170, 105, 105]], dtype=np.int32)
    order = np.argsort(draw(keys, "order of brightness", 0, 2**30, 3), axis=1, kind="stable")
    brightness = np.array([40, 220, 130], dtype=np.int32)[order][:, :, None]
    redrawn = draw(keys, "brightness redrawn", 1, 256) <= strength
    tint = draw(keys, "tint", -90, 90, 3, 3)
    tint -= tint.sum(axis=2, keepdims=True) // 3
    main = np.where(redrawn[:, None, None], brightness, fixed) + (tint * strength >> 8)
    blotch = draw(keys, "color of blotches", 0, 255, 3)
    front = np.array([60, 140, 90], dtype=np.int32)
    front = front + ((draw(keys, "color of bar", 0, 255, 3) - front) * strength >> 8)
    return np.stack([main[:, 0], blotch, main[:, 1], main[:, 2], front])[..., None, None]


def _place(keys: np.ndarray, strength: np.int32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels seen from the shape's center, x (n, 1, 32) and y (n, 32, 1), and its radius (n, 1, 1), in 1/32 pixel."""
    radius = (FULL - (draw(keys, "size", 0, FULL // 2) * strength >> 8))[:, None, None]
    pixels = 32 * np.arange(SIZE, dtype=np.int32) - 16 * (SIZE - 1)
    shift_x, shift_y = ((FULL - radius) * draw(keys, purpose, -256, 256)[:, None, None] >> 8 for purpose in ("x", "y"))
    return pixels[None, None, :] - shift_x, pixels[None, :, None] - shift_y, radius


def _figure(
    keys: np.ndarray, fine: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, strength: np.int32
) -> tuple[np.ndarray, np.ndarray]:
    """Coverage by the shape and by the ink inside it."""
    turn = (draw(keys, "angle", -TURN // 2, TURN // 2) * strength >> 8)[:, None, None]
    scale = (RADIUS << 14) // radius  # cells in 1/32 pixel, times 2**14
    cosine, sine = SINE[(turn + TURN // 4) % TURN] * scale >> 14, SINE[turn % TURN] * scale >> 14
    column = np.clip((cosine * x + sine * y >> 14) + CELLS // 2, 0, CELLS - 1)
    row = np.clip((cosine * y - sine * x >> 14) + CELLS // 2, 0, CELLS - 1)
    cell = (fine.astype(np.int32)[:, None, None] * CELLS + row) * CELLS + column
    # Coverage falls from full to none over a pixel, which is 4 x 32 x scale / 2**14 quarter cells wide.
    slope = (128 << 16) // scale
    return tuple(
        np.clip(64 - (np.take(distance, cell).astype(np.int32) * slope >> 9), 0, 128)[:, None] for distance in atlas()
    )


def _blotches(keys: np.ndarray) -> np.ndarray:
    """Coverage by blotches: smooth noise between random heights on a grid of 4 pixels, made steep."""
    heights = draw(keys, "blotches", -128, 128, 9, 9)
    heights[:, ::2, ::2] *= 2  # larger blotches under the small ones
    for axis in (1, 2):
        before, after = np.take(heights, range(8), axis=axis), np.take(heights, range(1, 9), axis=axis)
        heights = np.stack([before * (8 - part) + after * part for part in (1, 3, 5, 7)], axis=axis + 1)
        heights = heights.reshape(len(keys), SIZE, -1)
    return np.clip((heights >> 5) + 64, 0, 128)[:, None]


def _bar(keys: np.ndarray, x: np.ndarray, y: np.ndarray, radius: np.ndarray, strength: np.int32) -> np.ndarray:
    """Coverage by a bar as long as the shape and up to 0.3 as wide; it passes within half a radius of the center."""
    turn = draw(keys, "angle of bar", 0, TURN - 1)[:, None, None]
    away = radius * draw(keys, "place of bar", -128, 128)[:, None, None] >> 8
    cosine, sine = SINE[(turn + TURN // 4) % TURN], SINE[turn]
    across, along = (cosine * x + sine * y >> 14) - away, cosine * y - sine * x >> 14
    half_width = (radius * draw(keys, "width of bar", 40, 80)[:, None, None] >> 8) * strength >> 8
    outside = np.maximum(np.abs(across) - half_width, np.abs(along) - radius)
    return np.where(strength > 0, np.clip(64 - 4 * outside, 0, 128), 0)[:, None]


def _light(keys: np.ndarray, strength: np.int32) -> np.ndarray:
    """Brightness of each pixel in 1/256: an exposure, and a slope across the picture; int32 (n, 1, 32, 32)."""
    exposure = draw(keys, "exposure", -150, 30)[:, None, None]
    turn = draw(keys, "direction of light", 0, TURN - 1)[:, None, None]
    steepness = draw(keys, "slope of light", 0, 180)[:, None, None]
    pixels = 2 * np.arange(SIZE, dtype=np.int32) - (SIZE - 1)
    slope = (SINE[(turn + TURN // 4) % TURN] * pixels[None, None, :] + SINE[turn] * pixels[None, :, None]) >> 10
    return np.maximum(256 + ((exposure + (slope * steepness >> 9)) * strength >> 8), 24)[:, None]


def _noise(keys: np.ndarray) -> np.ndarray:
    """Sensor noise from -7 to 7, int32 (n, 3, 32, 32): never off, so that no two pictures are the same."""
    octets = bits(keys, "noise", 3 * SIZE * SIZE // 8).astype("<u8").view(np.uint8).reshape(-1, 3, SIZE, SIZE)
    return (octets & 7).astype(np.int32) + ((octets >> 3) & 7) - 7
