"""Random numbers as a function of what they are for, so that they need no state and no order."""

import math
import zlib

import numpy as np


def mix(values: np.ndarray) -> np.ndarray:
    """Mix the bits of unsigned 64-bit integers so that neighbors have nothing in common.

    Source: SplitMix64, in Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def bits(keys: np.ndarray, purpose: str, count: int) -> np.ndarray:
    """`count` random uint64 for each key, (len(keys), count), independent of those drawn for any other purpose."""
    counters = np.arange(count, dtype=np.uint64) + np.uint64(zlib.crc32(purpose.encode()) << 32)
    return mix(keys[:, None] ^ mix(counters))


def draw(keys: np.ndarray, purpose: str, low: int, high: int, *shape: int) -> np.ndarray:
    """Random whole numbers from low to high, both included and at most 2**31 apart, int32 (len(keys), *shape)."""
    numbers = bits(keys, purpose, math.prod(shape)) >> np.uint64(32)
    numbers = (numbers * np.uint64(high - low + 1)) >> np.uint64(32)
    return numbers.astype(np.int32).reshape(len(keys), *shape) + np.int32(low)
