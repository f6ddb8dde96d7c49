import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

import sayso
from sayso import SaysoError
from sayso.cli.commands import app
from sayso.data.samples import Sample, as_png, sample_documents, write_pictures
from sayso.paper.pocket_settings import POCKET_DIGITS
from sayso.results import RESULTS


def test_samples_are_the_documents_of_a_seed(tiny):
    first = [(where, document.text) for where, document in sayso.samples(tiny, seed=2)]
    assert first == [(where, document.text) for where, document in sayso.samples(tiny, seed=2)]
    assert first != [(where, document.text) for where, document in sayso.samples(tiny, seed=3)]
    assert {where for where, _ in first} >= {"world", "X1", "X2", "validation"}


def test_samples_of_an_unknown_subset_are_an_error(tiny):
    with pytest.raises(SaysoError, match="no subset 'D5con'; did you mean 'D5cons'"):
        sayso.samples(tiny, subset="D5con")


def test_a_few_samples_of_each_kind_show_everything(tiny):
    found = sample_documents(tiny, each=1)
    assert len({(one.where, one.document.subset) for one in found}) >= 20
    assert {one.pixels for one in found} == {None}


SMALL = POCKET_DIGITS.with_settings(
    {"knowledge.entities": 24, "knowledge.grid": 2, "knowledge.tag_rows": 1, "split.trained_questions": 3}
)
ARGUMENTS = ["sample", "pocket-digits", "--set", "knowledge.entities=24", "-n", "2"]


def pixels(one: Sample) -> NDArray[np.uint8]:
    assert one.pixels is not None
    return one.pixels


def test_every_sample_document_has_its_picture():
    drawn = sample_documents(SMALL, each=2, seed=1)
    there = list(sayso.samples(SMALL, seed=1))
    assert all((one.where, one.document) in there for one in drawn)
    assert {pixels(one).shape for one in drawn} == {(22, 20)}
    for one in drawn:
        is_framed = (pixels(one)[2:].reshape(2, 10, 2, 10)[:, 0] == 255).all(-1).any()
        assert is_framed == (one.document.kind == "question")
        assert pixels(one)[:2].any() == (one.document.kind == "definition")


def test_samples_of_one_subset_and_seed():
    drawn = sample_documents(SMALL, each=1, seed=1, subset="D5cons")
    assert {one.document.subset for one in drawn} == {"D5cons"}
    other = sample_documents(SMALL, each=1, seed=2, subset="D5cons")
    assert not np.array_equal(pixels(drawn[0]), pixels(other[0]))


def test_experiments_of_text_have_no_pictures(tiny):
    assert as_png(sample_documents(tiny)) == {}
    with pytest.raises(SaysoError, match="are text and have no pictures; leave --png out"):
        write_pictures(sample_documents(tiny), RESULTS)


def test_png_are_the_pixels():
    drawn = sample_documents(SMALL, each=1)
    files = as_png(drawn)
    assert len(files) == len(drawn)
    for one in drawn:
        with Image.open(io.BytesIO(files[one.document.text])) as image:
            np.testing.assert_array_equal(np.asarray(image), one.pixels)


def test_a_folder_gets_a_file_for_each_document_and_a_sheet_holds_all(tmp_path):
    drawn = sample_documents(SMALL, each=2)
    files = write_pictures(drawn, tmp_path / "new" / "folder")
    assert len(files) == len(drawn) == len(set(files))
    assert files[0].name == "01-X1-D1cons_QA1-question.png"
    for file, one in zip(files, drawn, strict=True):
        with Image.open(file) as image:
            np.testing.assert_array_equal(np.asarray(image), one.pixels)
    (sheet,) = write_pictures(drawn, tmp_path / "sheets" / "all.png")
    with Image.open(sheet) as image:
        width, height = image.size
    assert width > 2 * 120
    assert height > 120 * len(drawn) / 2


@pytest.mark.parametrize("name", ["grids.jpg", "file/below"])
def test_pictures_that_cannot_be_written_are_one_line(tmp_path, name):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SaysoError, match=r"name a file that ends in \.png, or a folder|cannot write pictures here"):
        write_pictures(sample_documents(SMALL, each=1), tmp_path / name)


def test_the_command_prints_documents_and_writes_a_sheet(tmp_path):
    result = CliRunner().invoke(app, [*ARGUMENTS, "--png", str(tmp_path / "grids.png")])
    assert result.exit_code == 0, result.output
    assert "cell " in result.stdout
    assert f"{tmp_path / 'grids.png'}" in result.stdout.replace("\n", "")
    with Image.open(tmp_path / "grids.png") as image:
        image.verify()


def test_the_command_refuses_png_of_text_in_one_line(tmp_path):
    result = CliRunner().invoke(app, ["sample", "pocket", "-n", "1", "--png", str(tmp_path / "x.png")])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "have no pictures" in result.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("knowledge.labels=4 knowledge.balanced=true", "4 labels cannot be dealt evenly to the 9 cells"),
        ("knowledge.grid=2 knowledge.labels=26 knowledge.entities=10800", "there are only 10000 grids of digits"),
        ("knowledge.images=nowhere", "nowhere: no such folder; MNIST is to be had at"),
        ("sources.reliable.text=qwerty", "squares (0 or 1 each, rows divided by /)"),
    ],
)
def test_settings_that_cannot_be_drawn_are_one_line_of_the_command(tmp_path, settings, said):
    words = [word for setting in settings.split() for word in ("--set", setting)]
    result = CliRunner().invoke(app, ["sample", "pocket-digits", *words, "--png", str(tmp_path / "x.png")])
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert said in line
    assert not (tmp_path / "x.png").exists()
