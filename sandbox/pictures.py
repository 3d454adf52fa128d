"""Small pictures for creatives, painted from the id: the same creative always looks the same."""

from __future__ import annotations

import functools
import struct
import zlib

import numpy as np

from sandbox.model import rand


@functools.lru_cache(maxsize=1024)
def png(creative_id: str, side: int) -> bytes:
    """A square PNG: two colours running into each other behind a few discs."""
    of = rand.key(*creative_id.encode())
    y, x = np.mgrid[0:side, 0:side] / side
    corners = [_colour(of, stream) for stream in (1, 2)]
    tilt = rand.pick(of, 3, 100) / 100
    slope = (x * tilt + y * (1 - tilt))[:, :, None]
    pixels = corners[0] * (1 - slope) + corners[1] * slope
    for disc in range(3):
        cx, cy, radius = (rand.pick(of, 10 + 3 * disc + n, 100) / 100 for n in range(3))
        inside = (x - cx) ** 2 + (y - cy) ** 2 < (0.08 + 0.22 * radius) ** 2
        pixels[inside] = 0.55 * pixels[inside] + 0.45 * _colour(of, 30 + disc)
    return _encode(pixels.astype(np.uint8), side)


def _colour(of: int, stream: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([70.0 + rand.pick(of, stream * 7 + n, 170) for n in range(3)])


def _encode(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], side: int) -> bytes:
    lines = b"".join(b"\0" + pixels[row].tobytes() for row in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
