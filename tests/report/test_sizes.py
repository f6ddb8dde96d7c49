"""Figures for papers are exactly as wide as the column, in letters that can be read, with nothing cut off."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sayso import Results, SaysoError
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.report.figure import Figure
from sayso.report.figures import figures
from sayso.report.sizes import LARGE, SIZES, SMALL, format_of, printed, save_sized, size_of, sized
from sayso.stats.values import records_frame
from tests.planted import planted_records, planted_store

GAP = {("exact_match", "validation", "D5cons"): 0.2}


@pytest.fixture(scope="module")
def drawn(tiny: Experiment) -> list[Figure]:
    sweep = tiny.vary("alphas", reliability=[0.5, 0.75, 1.0])
    found = figures(records_frame(planted_records(sweep, range(3), GAP)), sweep)[:3]
    return [*figures(records_frame(planted_records(tiny, range(4), GAP)), tiny), *found]


@pytest.mark.parametrize("size", SIZES)
def test_every_figure_is_exactly_as_wide_as_named(drawn: list[Figure], size: str) -> None:
    chosen = SIZES[size]
    for figure in drawn if size == "icml-column" else drawn[1:2]:
        svg = sized(figure, chosen, "svg").decode()
        root = ElementTree.fromstring(svg)
        assert root.attrib["width"] == f"{chosen.inches:g}in"
        _, _, wide, high = (float(part) for part in root.attrib["viewBox"].split())
        assert wide == chosen.points  # not scaled: a unit is a point
        assert float(root.attrib["height"].removesuffix("in")) * 72 == pytest.approx(high, abs=0.01)
        found = {float(text) for text in re.findall(r"font-size=\"([\d.]+)px", svg)}
        assert found <= {SMALL, LARGE}


def test_the_pdf_has_that_page_and_the_png_300_dots_an_inch(drawn: list[Figure]) -> None:
    size = SIZES["icml-column"]
    (box,) = re.findall(rb"/MediaBox ?\[ ?([^\]]+)\]", sized(drawn[0], size, "pdf"))
    left, bottom, right, _ = (float(part) for part in box.split())
    assert (left, bottom, right) == (0, 0, 3.25 * 72)
    image = sized(drawn[0], size, "png")
    assert int.from_bytes(image[16:20], "big") == 3.25 * 300


def test_legends_are_complete_and_nothing_waits_for_a_pointer(drawn: list[Figure]) -> None:
    for figure in (drawn[0], drawn[4], drawn[6]):
        spec = printed(figure.spec, SIZES["icml-column"])
        assert "params" not in spec
        assert "subsets" not in str(spec)
        assert "tooltip" not in str(spec)
        svg = sized(figure, SIZES["icml-column"], "svg").decode()
        assert "…" not in svg
        lines = {row["line"] for panel in spec["concat"] for row in panel.get("data", {}).get("values", ())}
        assert all(f">{name}</text>" in svg for name in lines)


def test_the_page_keeps_its_own(drawn: list[Figure]) -> None:
    before = str(drawn[0].spec)
    printed(drawn[0].spec, SIZES["neurips-page"])
    assert str(drawn[0].spec) == before


def test_what_was_not_measured_is_marked_inside_its_panel(tiny: Experiment) -> None:
    sweep = tiny.vary("alphas", reliability=[0.5, 0.75, 1.0])
    records = [record for record in planted_records(sweep, range(3)) if record.cell != "reliability=0.75"]
    levels = figures(records_frame(records), sweep)[0]
    svg = sized(levels, SIZES["icml-column"], "svg").decode()
    assert svg.count("not measured") == 2
    whole = ElementTree.fromstring(sized(levels_of_all(tiny), SIZES["icml-column"], "svg"))
    one = ElementTree.fromstring(svg)
    assert one.attrib["height"] == whole.attrib["height"]


def levels_of_all(tiny: Experiment) -> Figure:
    sweep = tiny.vary("alphas", reliability=[0.5, 0.75, 1.0])
    return figures(records_frame(planted_records(sweep, range(3))), sweep)[0]


def test_equal_figures_give_equal_files(drawn: list[Figure]) -> None:
    size = SIZES["neurips-page"]
    assert sized(drawn[0], size, "svg") == sized(drawn[0], size, "svg")


def test_other_sizes_and_formats_are_one_line_for_the_user(drawn: list[Figure], tmp_path: Path) -> None:
    with pytest.raises(SaysoError, match=r"no size 'icml-colum'; did you mean 'icml-column'\?; there are icml-column,"):
        size_of("icml-colum")
    with pytest.raises(SaysoError, match=r"no format 'gif'.*; there are svg, pdf, png"):
        format_of("gif")
    (tmp_path / "taken").write_text("a file, where a folder should be")
    with pytest.raises(SaysoError, match="cannot write figures here"):
        save_sized(drawn[:1], SIZES["icml-page"], "svg", tmp_path / "taken")


def test_a_results_folder_gives_its_figures_and_writes_them_at_a_size(tiny: Experiment, tmp_path: Path) -> None:
    results = Results(planted_store(Store(tmp_path), tiny, planted_records(tiny, range(3), GAP)).path)
    assert [figure.name for figure in results.figures()] == ["learning-curves", "phrasings", "gap-by-seed", "losses"]
    with pytest.raises(SaysoError, match="no format 'gif'"):
        results.figures("icml-column", format="gif")  # type: ignore[arg-type]
    assert not (tmp_path / "figures").exists()
    results.figures("icml-column", format="svg")
    assert {path.name for path in (tmp_path / "figures" / "icml-column").iterdir()} == {
        "learning-curves.svg",
        "phrasings.svg",
        "gap-by-seed.svg",
        "losses.svg",
    }
    with pytest.warns(DeprecationWarning, match=r"^form is deprecated: it is called format$"):
        results.figures("icml-page", form="svg")
    assert (tmp_path / "figures" / "icml-page" / "losses.svg").is_file()
