"""Gray pictures as PNG, without any library: an uncommon need that takes a few lines."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

#: Between the pictures of a sheet: pixels, and how bright they are.
_GAP, _GRAY = 6, 128


def png(pixels: Pixels) -> bytes:
    """Encode a picture of shape (rows, columns), 0 black and 255 white."""
    rows, columns = pixels.shape
    unfiltered = np.pad(pixels, ((0, 0), (1, 0)))  # every row begins with the number of its filter, 0 for none
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(unfiltered.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def sheet(rows: Sequence[Sequence[Pixels]], least_width: int = 120) -> Pixels:
    """Put pictures of one shape on a sheet, row by row, enlarged until each is at least `least_width` pixels wide."""
    height, width = rows[0][0].shape
    scale = -(-least_width // width)
    height, width = height * scale + _GAP, width * scale + _GAP
    whole = np.full((len(rows) * height + _GAP, max(map(len, rows)) * width + _GAP), _GRAY, dtype=np.uint8)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            top, left = _GAP + row * height, _GAP + column * width
            large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
            whole[top : top + large.shape[0], left : left + large.shape[1]] = large
    return whole
