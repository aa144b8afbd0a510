"""shapes100: generated pictures in the exact form of CIFAR-100, for machines that have no data set at hand.

The 100 fine classes are 20 shape families, the coarse classes, times 5 fillings. The six things that make recognition
hard are knobs of `Difficulty`: each can be switched on alone, and made stronger.

The pictures are the same, bit by bit, on every machine and with every NumPy. Random numbers are integer hashes of
(seed, split, number of the picture, what they are for), so any part of a set can be drawn without the rest, and turning
one knob leaves alone what the others do; from these hashes to the pixels there is integer arithmetic only.

Three parts: `hashing` makes the random numbers, `figures` the hundred figures, `drawing` the pictures.
"""

import zlib
from dataclasses import asdict, dataclass, fields

import numpy as np

from cnnlab.datasets.generated.shapes100.drawing import SIZE, render
from cnnlab.datasets.generated.shapes100.figures import FILLINGS, OUTLINES
from cnnlab.datasets.generated.shapes100.hashing import draw, mix

COARSE_NAMES = tuple(OUTLINES)
FINE_NAMES = tuple(f"{family}_{filling}" for family in COARSE_NAMES for filling in FILLINGS)

# Pictures drawn together: enough to hide what a NumPy call costs, few enough to stay in the processor's cache.
BATCH = 64


@dataclass(frozen=True)
class Difficulty:
    """How hard the pictures are: six knobs, each a strength from 0 (off) to 1.

    The defaults are such that no linear classifier copes and a small convolutional network does; both are tested.

    Args:
        color: off, each picture has the same colors; on, chance says which of background, paint and ink is dark,
            middling and light, and which tints they have.
        angle: off, shapes stand upright; on, they turn, up to half a turn either way.
        size: off, shapes are centered and as large as the picture; on, they shrink, down to one half, and lie anywhere
            in the room this leaves.
        background: off, plain; on, blotches of another color.
        light: off, even; on, the exposure varies and so does the brightness across the picture.
        occlusion: off, nothing in front; on, a bar hides a part of the shape.
    """

    color: float = 0.75
    angle: float = 0.25
    size: float = 0.5
    background: float = 0.4
    light: float = 0.4
    occlusion: float = 0.3

    def __post_init__(self) -> None:
        for knob, strength in asdict(self).items():
            number = isinstance(strength, int | float | np.integer | np.floating) and not isinstance(strength, bool)
            if not number or not 0 <= strength <= 1:
                raise ValueError(f"{knob} must be a strength from 0 (off) to 1, got {strength!r}")

    @classmethod
    def only(cls, **strengths: float) -> "Difficulty":
        """The named knobs at their strengths and all others off; `Difficulty.only()` has all six off."""
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
    """Draw pictures and their labels; each hundred of them, counted from picture 0, holds each fine class once.

    Args:
        count: number of pictures; the full set is 50,000 for "train" and 10,000 for "test".
        seed: another number gives another, independent set.
        split: "train" or "test"; the two never share a picture.
        difficulty: strengths of the six knobs; None is `Difficulty()`, each at its default.
        start: number of the first picture: `generate(100, start=500)` is the last hundred of `generate(600)`.
        return_masks: also return where each shape is.

    Returns:
        Pictures uint8 (count, 32, 32, 3), fine labels int64 (count,), coarse labels int64 (count,), and if asked for
        masks bool (count, 32, 32): the pixels inside a shape's outline, hollow or not, that nothing hides.

    Raises:
        ValueError: an argument is not as stated above.
    """
    for name, value in (("count", count), ("seed", seed), ("start", start)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise ValueError(f"{name} must be a whole number from 0 to 2**63 - 1, got {value!r}")
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train" or "test", got {split!r}')
    difficulty = Difficulty() if difficulty is None else difficulty
    if not isinstance(difficulty, Difficulty):
        raise ValueError(f"difficulty must be a Difficulty, got {difficulty!r}")

    root = mix(np.array([seed], dtype=np.uint64)) ^ np.uint64(zlib.crc32(split.encode()))
    fine = _labels(root, start, count)
    images = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    masks = np.empty((count if return_masks else 0, SIZE, SIZE), dtype=bool)
    for first in range(0, count, BATCH):
        part = slice(first, min(first + BATCH, count))
        keys = mix(root + np.arange(start + part.start, start + part.stop, dtype=np.uint64))
        images[part], visible = render(keys, fine[part], asdict(difficulty))
        if return_masks:
            masks[part] = visible
    coarse = fine // len(FILLINGS)
    return (images, fine, coarse, masks) if return_masks else (images, fine, coarse)


def _labels(root: np.ndarray, start: int, count: int) -> np.ndarray:
    """Fine labels int64 (count,): each hundred pictures have the hundred classes in an order of their own."""
    hundreds = np.arange(start // 100, (start + count + 99) // 100, dtype=np.uint64)
    order = np.argsort(draw(root ^ mix(hundreds), "order of classes", 0, 2**31 - 1, 100), axis=1, kind="stable")
    return order.astype(np.int64).reshape(-1)[start % 100 :][:count]
