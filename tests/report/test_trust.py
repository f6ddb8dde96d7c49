"""Whom a model trusts, as sentences, tables and a page."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sayso.paper.trust import trust_control
from sayso.report.trust import ControlFound, TrustPage, control_verdict, pairs_table, ranking_table, verdict, write_page
from sayso.stats.trust import Trusted, trusted
from sayso.stats.values import records_frame
from tests.planted_trust import SOURCES, pocket_trust, records_of_trust

EFFECTS = {"encyclopedia": 0.5, "rumour": -0.5}


def found(effects: dict[str, float] | None = None, control: str | None = None, squares: int = 6) -> list[Trusted]:
    spec = pocket_trust(squares_of_seeds=squares)
    own = spec if control is None else trust_control(spec, control)  # type: ignore[arg-type]
    return trusted(records_frame(records_of_trust(own, effects)), own, twins=control == "twice")


def control(name: str, effects: dict[str, float] | None = None) -> ControlFound:
    return ControlFound(name, f"what {name} is", name == "twice", f"../{name}/report.html", found(effects, name))


def test_the_verdict_says_who_is_believed_most_and_what_would_have_been_seen():
    differ, attribution, questions = verdict(found(EFFECTS))
    assert differ == "The sources differ."
    assert re.match(
        r"Calibrated log-odds on attribution: 'encyclopedia' is believed most \(\+0\.\d+ ± 0\.\d+", attribution
    )
    assert "'rumour' least (-0." in attribution
    assert re.search(r"Two sources 0\.\d+ apart would have been seen in 80% of such runs", questions)
    assert verdict(found())[0] == "No difference between sources is shown."
    assert "With 2 squares of seeds no p below 0.083 can come out: run more." in verdict(found(squares=2))[1]


@pytest.mark.parametrize(
    ("name", "effects", "outcome"),
    [
        ("phrases", None, "are not shown to differ"),
        ("phrases", EFFECTS, "are shown to differ as well"),
        ("twice", None, "are not shown to differ, as it must be"),
        ("twice", {"encyclopedia": 3.0, "encyclopedia again": 3.0}, "are not shown to differ, as it must be"),
        ("twice", {"encyclopedia": 3.0}, "do not rely on the rest"),
    ],
)
def test_controls_that_must_find_nothing_say_so_or_warn(name, effects, outcome):
    assert outcome in control_verdict(control(name, effects))


def test_tables_rank_sources_and_name_the_pairs_that_differ():
    rows = found(EFFECTS)
    columns, lines = ranking_table(rows)
    assert [line[0] for line in lines] == ["encyclopedia", "blog", "rumour", "(not defined)"]
    assert all(len(line) == len(columns) for line in lines)
    pairs = [pair for pair, _, _ in pairs_table(rows[0])]
    assert pairs[0] == "encyclopedia − rumour"
    assert sorted(pairs[1:]) == ["blog − rumour", "encyclopedia − blog"]
    assert pairs_table(found()[1]) == []


def test_the_page_holds_all_of_it_and_escapes_what_others_wrote(tmp_path: Path):
    said = {source.name: (source.texts, f"<b> {source.name}") for source in SOURCES}
    page = TrustPage(
        model="a <model>",
        rows=found(EFFECTS),
        controls=[control("phrases"), control("twice")],
        said=said,
        how=[("Model", "x"), ("Digest", "y")],
        report="report.html",
        notices=["mind this"],
    )
    html = write_page(tmp_path / "trust.html", page).read_text(encoding="utf-8")
    assert "<model>" not in html
    assert "&lt;b&gt; blog" in html
    assert "mind this" in html
    assert html.count("<svg") == 3
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        texts = {"".join(text.itertext()) for text in ElementTree.fromstring(svg).iter() if text.tag.endswith("text")}
        assert {"encyclopedia", "blog", "rumour", "attribution", "questions"} <= texts
    assert re.findall(r'href="(\.\./\w+/report\.html)"', html) == ["../phrases/report.html", "../twice/report.html"]
    for id_ in re.findall(r'href="#([^"]+)"', html):
        assert f'id="{id_}"' in html


def test_without_controls_the_page_says_that_there_are_none(tmp_path: Path):
    page = TrustPage(model="m", rows=found(), controls=(), said={}, how=(), report="report.html")
    html = write_page(tmp_path / "trust.html", page).read_text(encoding="utf-8")
    assert "No control was run" in html
    assert "No difference between sources is shown." in html
