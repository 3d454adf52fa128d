"""Random numbers without a generator: every draw is a hash of what it is for.

A sequence would make a number depend on how many draws came before it. A hash makes it depend only on
its own key, so a past day reads the same in every process.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_A = 0xBF58476D1CE4E5B9
_B = 0x94D049BB133111EB


def mix(value: int) -> int:
    """Scramble one integer into 64 unrelated bits (the finaliser of splitmix64)."""
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * _A) & _MASK
    value = ((value ^ (value >> 27)) * _B) & _MASK
    return value ^ (value >> 31)


def key(*parts: int) -> int:
    """Fold several integers into one 64-bit key; the order of the parts matters."""
    folded = 0
    for part in parts:
        folded = mix(folded ^ (part & _MASK))
    return folded


def mix_array(values: Keys) -> Keys:
    """The same scramble as `mix`, over an array."""
    values = values + np.uint64(_GOLDEN)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_A)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_B)
    return values ^ (values >> np.uint64(31))


def keys(base: int, *parts: Ints) -> Keys:
    """Fold arrays of integers onto a scalar key: one key for each position."""
    folded = np.full(parts[0].shape, base, dtype=np.uint64)
    for part in parts:
        folded = mix_array(folded ^ part.astype(np.uint64))
    return folded


def uniform(of: Keys, stream: int) -> Floats:
    """One number in [0, 1) for each key; each stream is independent of the others."""
    bits = mix_array(of ^ np.uint64(mix(stream)))
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


@functools.cache
def _salts(streams: int, first: int) -> Keys:
    return np.array([mix(first + n) for n in range(streams)], dtype=np.uint64)


def uniforms(of: Keys, streams: int, first: int = 0) -> Floats:
    """`streams` rows of `uniform`, drawn in one pass: shape (streams, len(of))."""
    bits = mix_array(of[None, :] ^ _salts(streams, first)[:, None])
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def bell(first: Floats, second: Floats) -> Floats:
    """Two uniforms made into one bell-shaped number with mean 0 and deviation 1, never beyond 2.45.

    A sum of uniforms has no long tails, so one freak draw cannot spoil a whole dashboard.
    """
    spread: Floats = (first + second - 1.0) * 2.449489742783178
    return spread


def pick(of: int, stream: int, choices: int) -> int:
    """An integer in [0, choices) for one scalar key."""
    return mix(of ^ mix(stream)) % choices
