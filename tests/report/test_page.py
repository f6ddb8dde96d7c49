"""The page needs nothing beside it, and text from anywhere stays text."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.ledger import Contribution
from sayso.core.settings_apart import settings_apart
from sayso.core.store import Store
from sayso.data.samples import corpora
from sayso.paper.judging import judge
from sayso.report import page as report_page
from sayso.report.context import Context
from sayso.report.figure import Figure
from sayso.report.page import write_report
from sayso.stats.looks import Looks
from tests.core.written import make_store
from tests.planted import planted_records, planted_store

#: What a page of one cell shows.
FIGURES = ("learning-curves", "phrasings", "gap-by-seed", "losses")

FIRST, ONE = ("reliability=0.5", 100), Looks((4,), 4)

EVIL = "</script><script>alert('x')</script>"

DOCUMENTS = Context(samples=[("X1", "QA3", f"who {EVIL} ? Cleopatra")])

Element = tuple[str, dict[str, str | None]]


class Elements(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def tiny(tiny: Experiment) -> Experiment:
    """The experiment of all tests, with two epochs a stage: half of the records to make, to read and to draw."""
    return tiny.with_settings({"stages.stage1.epochs": 2, "stages.stage2.epochs": 2})


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures take most of a page's time; what stands beside them does without."""
    monkeypatch.setattr(report_page, "figures", lambda *_: [])


@pytest.fixture(scope="module")
def page(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text of a report whose subset, summary and samples try to be HTML."""
    subsets = tuple(
        subset.model_copy(update={"name": EVIL}) if subset.name == "QA7" else subset for subset in tiny.subsets
    )
    experiment = tiny.model_copy(update={"subsets": subsets, "summary": f"Shows {EVIL} & more."})
    effects = {("exact_match", "validation", "D5cons"): 0.2, ("exact_match", "entity_attribution", "D5cons"): 0.2}
    records = planted_records(experiment, range(100, 105), effects)
    store = planted_store(Store(tmp_path_factory.mktemp("results")), experiment, records)
    path = write_report(store, judge(records, experiment), DOCUMENTS)
    assert path == store.path / "report.html"
    return path


@pytest.fixture(scope="module")
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def elements(text: str) -> list[Element]:
    parser = Elements()
    parser.feed(text)
    return parser.found


def test_nothing_is_loaded_from_anywhere(elements: list[Element], text: str) -> None:
    loading = [
        (tag, attributes[key])
        for tag, attributes in elements
        for key in ("src", "href", "xlink:href", "data")
        if key in attributes
    ]
    assert {tag for tag, _ in loading} == {"a"}
    assert all(re.match("#[a-z]|data:text/csv;", str(link)) for _, link in loading)
    assert "@import" not in text
    policy = next(str(attributes["content"]) for tag, attributes in elements if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none';")
    assert "https:" not in policy


def test_no_script_runs_but_the_pages_own(text: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(digests) == 2
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert f"script-src {hashes};" in text


def test_seeds_to_look_at_leave_a_page_its_size(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_figures: None
) -> None:
    store = planted_store(Store(tmp_path), tiny, planted_records(tiny, range(100, 104), {}))

    def size() -> tuple[int, str]:
        text = write_report(store, context=Context(corpus_of=corpora(tiny))).read_text(encoding="utf-8")
        return len(text), " ".join(text.split())

    all_fit, text = size()
    assert "Not in this page" not in text
    seeds = [len(data) for data in re.findall(r'class="drill-data">(.*?)</script>', text)]
    monkeypatch.setattr(report_page, "_LEAST_OF_SEEDS", 0)
    monkeypatch.setattr(report_page, "_MOST", all_fit - seeds[-1])
    less, text = size()
    assert less < all_fit
    assert "Not in this page, to keep it small: seeds 103. <code>sayso report" in text
    assert "prints what all said" not in text


def test_links_lead_somewhere_and_no_two_things_have_one_name(elements: list[Element]) -> None:
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = [str(attributes["href"]) for tag, attributes in elements if tag == "a"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert {"#chart-losses", "#claims", "#glossary", "#cite"} <= set(links)


def test_text_of_the_user_is_escaped_everywhere(elements: list[Element], text: str) -> None:
    assert "alert(" in text
    assert EVIL not in text
    assert [attributes for tag, attributes in elements if tag == "script"] == [{}, {}]


def test_each_chart_has_its_numbers_as_a_table_and_as_csv(page: Path, elements: list[Element], text: str) -> None:
    links = {
        str(attributes["download"]): str(attributes["href"]) for tag, attributes in elements if "download" in attributes
    }
    assert set(links) == {f"tiny-{name}.csv" for name in (*FIGURES, "claims")}
    for name in ("learning-curves", "losses"):
        data = unquote(links[f"tiny-{name}.csv"].partition(",")[2])
        assert data == (page.parent / "charts" / f"{name}.csv").read_text(encoding="utf-8")
        section = text.partition(f'<section id="chart-{name}">')[2].partition("</section>")[0]
        assert section.count('<th scope="row">') == len(data.splitlines()) - 1
    assert "The same in all rows: cell main, measure exact_match, " in text


def test_each_chart_is_one_picture_with_a_name(elements: list[Element]) -> None:
    pictures = [attributes for tag, attributes in elements if tag == "svg"]
    assert [picture["role"] for picture in pictures] == ["img"] * len(FIGURES)
    assert pictures[0]["aria-label"] == "Learning curves"
    marks = [attributes for _, attributes in elements if "data-t" in attributes]
    assert any(str(mark["data-t"]).startswith(f"subset: {EVIL}; stage: stage1; ") for mark in marks)


def test_the_page_says_what_was_found_and_on_what_it_rests(text: str) -> None:
    said = r"Holds: .*D5cons &gt; D6cons, \d\d\.\d% and \d\d\.\d%, a difference of \+0\.\d+ ± 0\.\d+ \(corrected p"
    assert len(re.findall(said, text)) == 2
    assert "planned 5, looked once." in text
    assert "model as read</th><td>max_new_tokens 9, weights bfloat16</td>" in text
    for expected in (">holds<", "section 3.1", "0123456789abcdef", "tiny", "Cleopatra", "trained_questions", "5 seeds"):
        assert expected in text


def test_charts_lie_beside_the_page(page: Path) -> None:
    names = {path.name for path in (page.parent / "charts").iterdir()}
    assert {f"{name}.{end}" for name in FIGURES for end in ("svg", "png", "csv")} == names - {"index.json"}


def test_the_same_results_give_the_same_page(page: Path, text: str) -> None:
    store = Store(page.parent)
    write_report(store, judge(store.records(), store.experiment()), DOCUMENTS)
    assert page.read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("no_figures")
def test_what_other_seeds_say_and_what_departures_buy_is_in_the_page(tiny: Experiment, tmp_path: Path) -> None:
    store = planted_store(Store(tmp_path), tiny, planted_records(tiny, range(2)))
    row = ("gap-on-questions", "+0.150 ± 0.010", "99.0%", "0.0%")
    tables = [("expected of 16 seeds", [row]), (f"without this departure: {EVIL}", [row, row])]
    written = write_report(store, context=Context(expected=tables)).read_text(encoding="utf-8")
    section = written.partition('<section id="expected">')[2].partition("</section>")[0]
    assert section.count("gap-on-questions") == 3
    assert "Expected of 16 seeds" in section
    assert EVIL not in section
    assert 'id="expected"' not in write_report(store).read_text(encoding="utf-8")


def test_pictures_are_in_the_page_beside_their_documents(tiny: Experiment, tmp_path: Path) -> None:
    records = [record for record in planted_records(tiny, range(2)) if record.eval_set == "train_qa"]
    store = planted_store(Store(tmp_path), tiny, records)
    samples = [("X1", "QA3", "cell 1 of 12/34 A"), ("X1", "QA3", "without one"), ("X2", "D5cons", EVIL)]
    drawn = {"cell 1 of 12/34 A": b"\x89PNG one", EVIL: b"\x89PNG two"}
    parser = Elements()
    parser.feed(write_report(store, context=Context(samples=samples, pictures=drawn)).read_text(encoding="utf-8"))
    images = [attributes for tag, attributes in parser.found if tag == "img"]
    assert [image["alt"] for image in images] == list(drawn)
    for image, expected in zip(images, drawn.values(), strict=True):
        kind, _, encoded = str(image["src"]).partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(encoded) == expected


def test_unfinished_jobs_are_mentioned(tiny: Experiment, tmp_path: Path) -> None:
    records = [record for record in planted_records(tiny, range(2)) if record.eval_set == "train_qa"]
    store = planted_store(Store(tmp_path), tiny, records)
    other = store.job("fedcba9876543210")
    other.open(store.jobs()[0].manifest())
    assert "1 of 2 jobs have not finished" in write_report(store).read_text(encoding="utf-8")


def test_nothing_finished_is_one_line_for_the_user(tiny: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    make_store(store, tiny)
    with pytest.raises(SaysoError, match="no finished job yet"):
        write_report(store)


def test_a_folder_that_cannot_be_written_is_one_line_for_the_user(tiny: Experiment, tmp_path: Path) -> None:
    records = [record for record in planted_records(tiny, range(2)) if record.eval_set == "train_qa"]
    store = planted_store(Store(tmp_path), tiny, records)
    (tmp_path / "charts").write_text("a file, where a folder should be")
    with pytest.raises(SaysoError, match="cannot write the report here"):
        write_report(store)


def test_a_sweep_says_first_what_it_shows_as_a_whole_and_groups_claims_by_cell(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Figure, "save", lambda *_: None)  # as pictures of their own: test_charts
    sweep = tiny.vary("sweep", reliability=[0.5, 0.75, 1.0])
    records = planted_records(sweep, range(100, 104))
    written = write_report(planted_store(Store(tmp_path), sweep, records), judge(records, sweep))
    text = written.read_text(encoding="utf-8")
    header, claims = (
        text.partition("</header>")[0],
        text.partition('<section id="claims">')[2].partition("</section>")[0],
    )
    assert header.count("grows with how reliable the sources are. ") == 2
    assert header.count(" (corrected p") == 2
    assert header.count(" from reliability=0.5 to reliability=1.0, ") == 2
    groups = re.findall(r'<th class="cell" colspan="6" scope="rowgroup">(.*?)</th>', claims)
    assert "Not measured:" not in header
    assert groups == ["reliability=0.5", "reliability=0.75", "reliability=1.0", "all 3 cells together"]


@pytest.mark.usefixtures("no_figures")
def test_the_page_shows_what_each_subset_contributed_or_that_it_is_not_known(
    text: str, tiny: Experiment, tmp_path: Path
) -> None:
    assert "What each subset contributed to training is not known" in text
    store = planted_store(Store(tmp_path), tiny, planted_records(tiny, range(3)))
    (folder,) = store.jobs()
    folder.add_to_ledger([Contribution(1, "stage2", 0, "X2", "D5cons", "definition", 12, 48, 36, 0.25, 0.4)])
    page = write_report(store).read_text(encoding="utf-8")
    section = page[page.index('<section id="ledger">') :]
    for value in ("<summary>stage2</summary>", "share of the loss", "D5cons", "0.2500", "0.400"):
        assert value in section
    assert "is not known" not in page


@pytest.mark.usefixtures("no_figures")
def test_cells_that_were_not_run_are_said_not_to_be_measured(tiny: Experiment, tmp_path: Path) -> None:
    sweep = tiny.vary("sweep", reliability=[0.5, 0.75, 1.0])
    records = [record for record in planted_records(sweep, range(2)) if record.cell == "reliability=0.75"]
    page = write_report(planted_store(Store(tmp_path), sweep, records)).read_text(encoding="utf-8")
    assert "<strong>Not measured:</strong> reliability=0.5; reliability=1.0</p>" in page


@pytest.mark.usefixtures("no_figures")
def test_settings_stand_beside_those_of_another_experiment(tiny: Experiment, tmp_path: Path) -> None:
    store = planted_store(Store(tmp_path), tiny, planted_records(tiny, range(2)))
    other = tiny.with_settings({"train.learning_rate": 0.5, "definition.order": "ATE"})
    against = [("Not the other's", "other", settings_apart(tiny, other)), ("Not its own", "same", {})]
    page = write_report(store, context=Context(against=against)).read_text(encoding="utf-8")
    section = page.partition('<section id="settings">')[2].partition("</section>")[0]
    rows = re.findall(r"<code>(.*?)</code></th><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>", section)
    assert rows == [
        ("definition.order", "&#34;TAE&#34;", "&#34;ATE&#34;"),
        ("train.learning_rate", str(tiny.train.learning_rate), "0.5"),
    ]
    assert "Not its own: none." in section


@pytest.mark.usefixtures("no_figures")
def test_the_headline_says_the_verdict_and_how_often_was_looked(tiny: Experiment, tmp_path: Path) -> None:
    records = planted_records(tiny, range(100, 104), noise=0.1)
    store = planted_store(Store(tmp_path / "one"), tiny, records)
    verdicts = judge(records, tiny, Looks((4, 6), 4))
    header = write_report(store, verdicts).read_text(encoding="utf-8").partition("</header>")[0]
    for verdict in verdicts:
        assert (f"{verdict.sentence} {verdict.outcome.capitalize()}: " in header) == verdict.headline
    assert header.count("(corrected p") == 2
    sweep = tiny.vary("sweep", reliability=[0.5, 0.75, 1.0])
    records = [record for record in planted_records(sweep, range(100, 104)) if (record.cell, record.seed) != FIRST]
    written = write_report(planted_store(Store(tmp_path / "sweep"), sweep, records), judge(records, sweep, ONE))
    text = written.read_text(encoding="utf-8")
    assert "3 of 4 planned seeds: interim" in text  # all cells have three
