"""A chart inside a page keeps what is drawn and loses what nobody reads."""

import re
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from sayso.report.drawing import in_page
from sayso.report.figure import Figure

NAMES = ["D5", 'D5; subset: "x" & <y>', "QA3"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> str:
    rows = pd.DataFrame([(name, x, x / 3) for name in NAMES for x in range(4)], columns=["subset", "x", "y"])
    base = alt.Chart(rows).encode(x="x:Q", y="y:Q", color="subset:N")
    points = base.mark_point(opacity=0).encode(tooltip=["subset:N", "y:Q"])
    clipped = base.mark_line(clip=True)
    return Figure("f", "F", "", alt.hconcat(alt.layer(clipped, points)).to_dict(), rows).svg


def test_it_is_one_picture_with_a_name_and_ids_of_its_own(drawn: str) -> None:
    root = ElementTree.fromstring(in_page(drawn, 'A "chart" <b>', "mine", NAMES))
    assert (root.get("role"), root.get("aria-label")) == ("img", 'A "chart" <b>')
    assert not any("role" in own.attrib or "aria-label" in own.attrib for own in list(root.iter())[1:])
    ids = {own.get("id") for own in root.iter() if own.get("id")}
    used = set(re.findall(r"url\(#([^)]*)\)", in_page(drawn, "", "mine", NAMES)))
    assert used == ids
    assert ids
    assert all(str(one).startswith("mine-") for one in ids)


def test_marks_know_their_subset_though_one_name_holds_another(drawn: str) -> None:
    root = ElementTree.fromstring(in_page(drawn, "", "mine", NAMES))
    values = [own for own in root.iter() if own.get("data-t")]
    assert len(values) == 4 * len(NAMES)
    for own in values:
        name = NAMES[int(str(own.get("data-s")))]
        assert re.fullmatch(rf"x: \d; y: [\d.]+; subset: {re.escape(name)}", str(own.get("data-t")))
    lines = [own for own in root.iter(f"{SVG}path") if own.get("data-s") and not own.get("data-t")]
    assert sorted(str(own.get("data-s")) for own in lines) == ["0", "1", "2"]


def test_what_is_drawn_stays(drawn: str) -> None:
    before, after = ElementTree.fromstring(drawn), ElementTree.fromstring(in_page(drawn, "", "mine", values=False))
    texts = [["".join(own.itertext()) for own in root.iter(f"{SVG}text")] for root in (before, after)]
    assert texts[0] == texts[1]
    strokes = [[own.get("stroke") for own in root.iter() if own.get("stroke")] for root in (before, after)]
    hidden = sum(own.get("opacity") == "0" for own in before.iter())
    assert len(strokes[0]) - hidden == len(strokes[1])
    clips = [len(root.findall(f".//{SVG}clipPath/*")) for root in (before, after)]
    assert clips[0] == clips[1] > 0
    assert "data-" not in ElementTree.tostring(after, encoding="unicode")


def test_what_a_label_says_twice_is_said_once() -> None:
    label = "epoch: 3; exact match: 0.25; subset: D5; stage: stage1; mean: 0.250"
    mark = f'<path role="graphics-symbol" aria-roledescription="point" aria-label="{label}" d="M0,0" fill="red"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{mark}</svg>'
    assert ' data-t="subset: D5; stage: stage1; mean: 0.250; epoch: 3"' in in_page(svg, "", "mine", NAMES)
    as_defined = in_page(svg.replace("subset: D5", "line: D5, as defined"), "", "mine", NAMES)
    assert ' data-s="0" data-t="subset: D5, as defined; ' in as_defined
    by_seed = in_page(svg.replace(label, "seed: 107; gap (exact match): 0.2; seed: 107; gap: 0.2"), "", "mine")
    assert 'data-seed="107"' in by_seed
