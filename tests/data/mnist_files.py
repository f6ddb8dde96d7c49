"""MNIST as it is published, with a few images of noise in it: IDX files and Parquet."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def noise(count: int = 30, side: int = 28, seed: int = 0) -> dict[str, Split]:
    """Images of both splits and their labels, all ten digits among them."""
    draw = np.random.default_rng(seed)
    return {
        name: (
            draw.integers(256, size=(size, side, side), dtype=np.uint8),
            draw.permutation(np.arange(size) % 10).astype(np.uint8),
        )
        for name, size in (("train", count), ("test", count - 10))
    }


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder: Path, splits: dict[str, Split], *, compressed: bool = False, dot: bool = False) -> None:
    for name, parts in splits.items():
        for what, array in zip(("images", "labels"), parts, strict=True):
            path = folder / f"{'t10k' if name == 'test' else name}-{what}{'.' if dot else '-'}idx{array.ndim}-ubyte"
            if compressed:
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(idx(array)))
            else:
                path.write_bytes(idx(array))


def png_of(pixels: NDArray[np.uint8]) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG")
    return encoded.getvalue()


def write_parquet(folder: Path, splits: dict[str, Split]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (images, labels) in splits.items():
        rows = [{"bytes": png_of(pixels), "path": None} for pixels in images]
        pq.write_table(
            pa.table({"image": rows, "label": pa.array(labels.tolist(), pa.int64())}),
            folder / f"{name}-00000-of-00001.parquet",
        )
