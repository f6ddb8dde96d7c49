import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits

from sayso.core.errors import SaysoError
from sayso.data.digits.images import SCIKIT_LEARN, DigitImages, digit_images
from tests.data.mnist_files import noise, png_of, write_idx, write_parquet


def of_digit(images: DigitImages, split: int, digit: int) -> list[bytes]:
    first, count = images.first[split, digit], images.count[split, digit]
    return [pixels.tobytes() for pixels in images.images[first : first + count]]


def test_scikit_learns_images_are_all_there_once_under_their_labels():
    images = digit_images(SCIKIT_LEARN)
    pixels, labels = load_digits(return_X_y=True)
    assert images.count.sum(1).tolist() == [1400, 397]
    scaled = np.rint(pixels * 255 / 16).astype(np.uint8)
    for digit in range(10):
        found = Counter(of_digit(images, 0, digit) + of_digit(images, 1, digit))
        assert found == Counter(row.tobytes() for row in scaled[labels == digit])


def test_no_image_is_in_both_splits():
    images = digit_images(SCIKIT_LEARN)
    splits = [{pixels for digit in range(10) for pixels in of_digit(images, split, digit)} for split in (0, 1)]
    assert len(splits[0]) == 1400
    assert not splits[0] & splits[1]


def test_the_same_images_are_the_same_whatever_files_they_come_from(tmp_path):
    splits = noise()
    folders = {name: tmp_path / name for name in ("plain", "compressed", "dotted", "parquet")}
    for folder in folders.values():
        folder.mkdir()
    write_idx(folders["plain"], splits)
    write_idx(folders["compressed"], splits, compressed=True)
    write_idx(folders["dotted"], splits, dot=True)
    write_parquet(folders["parquet"] / "mnist", splits)  # below a folder, as on the hub
    found = {name: digit_images(str(folder)) for name, folder in folders.items()}
    assert len({images.sha256 for images in found.values()}) == 1
    for split, name in enumerate(("train", "test")):
        for digit in range(10):
            expected = splits[name][0][splits[name][1] == digit]
            for images in found.values():
                assert of_digit(images, split, digit) == [pixels.tobytes() for pixels in expected]


def test_another_pixel_or_label_is_another_digest(tmp_path):
    digests = set()
    for number in range(3):
        splits = noise()
        splits["test"][0][0, 0, 0] ^= number == 1
        if number == 2:
            splits["train"][1][:2] = splits["train"][1][1::-1]
        (tmp_path / str(number)).mkdir()
        write_idx(tmp_path / str(number), splits)
        digests.add(digit_images(str(tmp_path / str(number))).sha256)
    assert len(digests) == 3


# --- what is wrong with files


def error(folder: Path) -> str:
    with pytest.raises(SaysoError) as caught:
        digit_images(str(folder))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_folder_that_is_not_there_says_where_mnist_is_to_be_had(tmp_path):
    assert "no such folder; MNIST is to be had at https://" in error(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("nothing")
    assert "neither train-*.parquet and test-*.parquet nor train-images-idx3-ubyte(.gz)" in error(tmp_path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_truncated_idx_file_is_one_line(tmp_path, name, compressed):
    write_idx(tmp_path, noise(), compressed=compressed)
    path = tmp_path / (name + ".gz" * compressed)
    path.write_bytes(path.read_bytes()[:-3])
    assert str(path) in error(tmp_path)


def test_an_idx_file_with_other_bytes_at_its_head_is_one_line(tmp_path):
    write_idx(tmp_path, noise())
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(b"\x00\x00\x0d\x03" + path.read_bytes()[4:])
    assert error(tmp_path).endswith("begins with '00 00 0d 03', where '00 00 08 03' is right")
    path.write_bytes(b"")
    assert "not an IDX file" in error(tmp_path)


def test_an_idx_file_that_is_too_long_says_what_its_header_says(tmp_path):
    write_idx(tmp_path, noise())
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes() + b"\x01")
    assert error(tmp_path).endswith("29 bytes, where its header says 28 (shape (20,))")


def test_text_in_the_place_of_a_compressed_file_is_one_line(tmp_path):
    write_idx(tmp_path, noise(), compressed=True)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_text("<html>not found</html>")
    assert f"{path}: cannot be read" in error(tmp_path)
    path.write_bytes(gzip.compress(b"<html>"))
    assert f"{path}: not an IDX file" in error(tmp_path)


def test_labels_that_do_not_fit_the_images_are_one_line(tmp_path):
    splits = noise()
    splits["train"] = (splits["train"][0], splits["train"][1][:-1])
    write_idx(tmp_path, splits)
    assert "29 labels for 30 images" in error(tmp_path)


def test_a_digit_that_is_missing_or_none_is_one_line(tmp_path):
    missing, none = tmp_path / "missing", tmp_path / "none"
    for folder, wrong in ((missing, 4), (none, 11)):
        folder.mkdir()
        splits = noise()
        splits["test"][1][splits["test"][1] == 3] = wrong
        write_idx(folder, splits)
    assert "labels must be all ten digits, found [0, 1, 2, 4, 5, 6, 7, 8, 9]" in error(missing)
    assert "label 11 is not a digit" in error(none)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table at all, but long enough to have a footer PAR1"])
def test_a_parquet_file_that_is_none_is_one_line(tmp_path, content):
    write_parquet(tmp_path, noise())
    path = tmp_path / "test-00000-of-00001.parquet"
    path.write_bytes(content)
    assert f"{path}: not a Parquet file with the columns image and label" in error(tmp_path)


def test_a_truncated_parquet_file_is_one_line(tmp_path):
    write_parquet(tmp_path, noise())
    path = tmp_path / "train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    assert str(path) in error(tmp_path)


def test_parquet_without_the_columns_is_one_line(tmp_path):
    write_parquet(tmp_path, noise())
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(pa.table({"pixels": [1], "label": [2]}), path)
    assert f"{path}: not a Parquet file with the columns image and label" in error(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"bytes": b"GIF87a", "path": None}], "row 1: the column image holds no picture"),
        ([{"bytes": None, "path": "a.png"}], "row 1: the column image holds no picture"),
        ([{"bytes": png_of(np.zeros((28, 28), np.uint8))[:-30], "path": None}], "row 1: the column image holds"),
        ([{"bytes": png_of(np.zeros((n, n), np.uint8)), "path": None} for n in (28, 27)], "row 2: (27, 27) pixels"),
    ],
)
def test_images_that_cannot_be_read_are_named_by_row(tmp_path, rows, said):
    write_parquet(tmp_path, noise())
    table = pa.table({"image": rows, "label": list(range(len(rows)))})
    pq.write_table(table, tmp_path / "train-00000-of-00001.parquet")
    assert said in error(tmp_path)


@pytest.mark.parametrize("label", [10, -1, None])
def test_labels_that_are_no_digits_are_named_by_row(tmp_path, label):
    write_parquet(tmp_path, noise())
    rows = [{"bytes": png_of(np.zeros((28, 28), np.uint8)), "path": None}] * 2
    pq.write_table(pa.table({"image": rows, "label": [1, label]}), tmp_path / "test-00000-of-00001.parquet")
    assert f"row 2: label {label!r} is not a digit" in error(tmp_path)
