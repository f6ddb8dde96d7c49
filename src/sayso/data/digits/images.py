"""Images of handwritten digits, from files on this machine.

``scikit-learn`` ships 1,797 of 8x8 pixels (a part of the UCI optical recognition data set), which needs no network.
MNIST (70,000 of 28x28) is read from a folder that holds either the Parquet files of the hub (``train-*.parquet`` and
``test-*.parquet``, with the columns ``image`` and ``label``), or the four original IDX files, compressed or not.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sayso.core.errors import SaysoError
from sayso.core.extras import advice
from sayso.core.rng import stream

#: The images that ship with scikit-learn.
SCIKIT_LEARN = "scikit-learn"

#: Where MNIST is to be had.
WHERE = "https://huggingface.co/datasets/ylecun/mnist (Parquet)"

#: Rows, and columns, of an image of MNIST.
MNIST_SIDE = 28

#: How many of scikit-learn's images are for training.
_TRAINING_IMAGES = 1400

_IDX_PARTS = {"train": "train", "test": "t10k"}


@dataclass(frozen=True, eq=False)
class DigitImages:
    """Images sorted by split, then by digit.

    `images`: shape (images, side, side), 0 black and 255 white. `first`, `count`: where the images of a digit begin,
    and how many there are; shape (2 splits, 10 digits), training images first. `sha256` of pixels and labels.
    """

    images: NDArray[np.uint8]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    sha256: str


@functools.cache
def digit_images(source: str) -> DigitImages:
    """Read the images: ``scikit-learn``, or a folder with MNIST.

    Raises
    ------
    SaysoError
        If they are not there, or a file is damaged; the message names it.
    """
    parts = _scikit_learn() if source == SCIKIT_LEARN else _folder(Path(source))
    sides = {images.shape[1:] for images, _ in parts}
    if len(sides) > 1 or len(set(next(iter(sides)))) > 1:
        raise SaysoError(f"{source}: images must be squares of one size, found {sorted(sides)}")
    count = np.zeros((2, 10), dtype=np.int64)
    for split, (_, labels) in enumerate(parts):
        count[split] = np.bincount(labels, minlength=10)[:10]
        if labels.max(initial=0) > 9 or (count[split] == 0).any():
            found = sorted(set(labels.tolist()))
            raise SaysoError(f"{source}: labels must be all ten digits, found {found} in split {split + 1} of 2")
    images = np.concatenate([images[np.argsort(labels, kind="stable")] for images, labels in parts])
    first = np.concatenate([[0], count.ravel().cumsum()[:-1]]).reshape(count.shape)
    digest = hashlib.sha256(images.tobytes() + count.tobytes()).hexdigest()
    return DigitImages(images, first, count, digest)


def blank_images(side: int) -> DigitImages:
    """One black image of each digit in each split, to count with where there are none."""
    images = np.zeros((20, side, side), dtype=np.uint8)
    return DigitImages(images, np.arange(20).reshape(2, 10), np.ones((2, 10), dtype=np.int64), sha256="")


Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def _scikit_learn() -> list[Part]:
    """The small images, divided once and for all."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise SaysoError(f"scikit-learn's digits need scikit-learn: {advice('sklearn')}") from error
    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    order = stream(0, "split of scikit-learn's digits").permutation(len(images))
    parts = np.split(order, [_TRAINING_IMAGES])
    return [(images[part], labels[part].astype(np.int64)) for part in parts]


def _folder(folder: Path) -> list[Part]:
    """MNIST's two splits, from whichever files a folder holds."""
    if not folder.is_dir():
        raise SaysoError(f"{folder}: no such folder; MNIST is to be had at {WHERE}; set knowledge.images to its folder")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    parquet = {
        split: [path for path in files if re.fullmatch(rf"{split}.*\.parquet", path.name)] for split in _IDX_PARTS
    }
    if all(parquet.values()):
        return [_parquet(parquet[split]) for split in _IDX_PARTS]
    return [_idx_pair(folder, files, name) for name in _IDX_PARTS.values()]


def _parquet(paths: list[Path]) -> Part:
    """All images of one split."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
        from PIL import Image
    except ModuleNotFoundError as error:
        raise SaysoError(f"{paths[0]}: reading it needs {error.name}: {advice('PIL')}") from error
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    for path in paths:
        try:
            table = pq.read_table(path, columns=["image", "label"])
            rows = zip(table["image"].to_pylist(), table["label"].to_pylist(), strict=True)
        except (pa.ArrowException, OSError, KeyError) as error:
            reason = " ".join(str(error).split())
            raise SaysoError(f"{path}: not a Parquet file with the columns image and label: {reason}") from error
        for row, (image, label) in enumerate(rows, start=1):
            try:
                pixels = np.asarray(Image.open(io.BytesIO(image["bytes"])).convert("L"))
            except (OSError, ValueError, TypeError, KeyError, SyntaxError) as error:
                raise SaysoError(f"{path}: row {row}: the column image holds no picture that can be read") from error
            if not isinstance(label, int) or not 0 <= label <= 9:
                raise SaysoError(f"{path}: row {row}: label {label!r} is not a digit")
            if images and pixels.shape != images[0].shape:
                raise SaysoError(f"{path}: row {row}: {pixels.shape} pixels, where others have {images[0].shape}")
            images.append(pixels)
            labels.append(label)
    if not images:
        raise SaysoError(f"{paths[0]}: holds no images")
    return np.stack(images), np.array(labels, dtype=np.int64)


def _idx_pair(folder: Path, files: list[Path], name: str) -> Part:
    """Images and labels of one split, which must be equally many."""
    found: list[tuple[Path, NDArray[np.uint8]]] = []
    for what, dimensions in (("images", 3), ("labels", 1)):
        pattern = rf"{name}-{what}[.-]idx{dimensions}-ubyte(\.gz)?"
        path = next((path for path in files if re.fullmatch(pattern, path.name)), None)
        if path is None:
            raise SaysoError(
                f"{folder}: no MNIST here: neither train-*.parquet and test-*.parquet nor {name}-{what}-idx"
                f"{dimensions}-ubyte(.gz); it is to be had at {WHERE}"
            )
        found.append((path, read_idx(path, dimensions)))
    (_, images), (path, labels) = found
    if len(images) != len(labels):
        raise SaysoError(f"{path}: {len(labels)} labels for {len(images)} images")
    if labels.max(initial=0) > 9:
        raise SaysoError(f"{path}: label {labels.max()} is not a digit")
    return images, labels.astype(np.int64)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes: two zeros, type 8, the number of dimensions, each one's size (32 bits), the data.

    Raises
    ------
    SaysoError
        If the file cannot be read, has other dimensions, or is longer or shorter than its header says.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise SaysoError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    header = 4 + 4 * dimensions
    if data[:4] != bytes([0, 0, 8, dimensions]) or len(data) < header:
        raise SaysoError(
            f"{path}: not an IDX file of bytes in {dimensions} dimensions: begins with '{data[:4].hex(' ')}', "
            f"where '00 00 08 {dimensions:02x}' is right"
        )
    shape = tuple(np.frombuffer(data[4:header], dtype=">u4").tolist())
    expected = header + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        raise SaysoError(f"{path}: {len(data)} bytes, where its header says {expected} (shape {shape})")
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
