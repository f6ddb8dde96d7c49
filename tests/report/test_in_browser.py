"""The pages in a real browser: what they show, by mouse and keyboard, on a phone, on paper, to a screen reader."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from pytest_socket import enable_socket

import sayso
from sayso.core.experiment import Experiment
from sayso.core.files import write_atomically
from sayso.core.settings_apart import Apart
from sayso.core.store import Store
from sayso.paper.judging import judge
from sayso.report.charts_in_page import saved
from sayso.report.context import Context
from sayso.report.figure import Figure
from sayso.report.page import write_report
from sayso.report.whole import FigureOfPaper, StandsFor, write_page
from sayso.stats import entries
from sayso.stats.verdict import Verdict
from tests.planted import planted_records, planted_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; apt-get install chromium")

EVIL = "<img src=x onerror=document.title='broken'></script>"
GAP = {("exact_match", "validation", "D5cons"): 0.2, ("exact_match", "entity_attribution", "D5cons"): 0.2}
PHONE = 390


class Opened:
    """A page as a browser has it, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("requestfailed", lambda request: self.wrong.append(request.url))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    enable_socket()  # it is spoken to over pipes, but its event loop asks for a pair of sockets
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report, the page of the whole paper, and two runs compared; names in all of them try to be HTML."""
    folder = tmp_path_factory.mktemp("pages")
    named = tuple(
        subset.model_copy(update={"name": EVIL}) if subset.name == "QA7" else subset for subset in tiny.subsets
    )
    stages = (tiny.stages[0], *(stage.model_copy(update={"epochs": 1}) for stage in tiny.stages[1:]))
    evil = tiny.model_copy(update={"subsets": named, "summary": f"Shows {EVIL}.", "stages": stages})
    records = planted_records(evil, range(4), GAP)
    store = planted_store(Store(folder / "evil"), evil, records)
    verdicts = judge(records, evil)
    verdicts[0] = dataclasses.replace(verdicts[0], sentence=f"{EVIL} is believed.")
    apart: Apart = {"train.batch_size": (EVIL, 64)}
    against = [(f"Against {EVIL}", EVIL, apart)]
    samples = [("X1", EVIL, f"who {EVIL} ?")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "save", lambda own, at: write_atomically(at / f"{own.name}.svg", own.svg))
        report = write_report(store, verdicts, Context(samples=samples, notices=[EVIL], against=against))
    fewer = [record for record in planted_records(evil, range(3), draw=1) if record.eval_set == "validation"]
    planted_store(Store(folder / "other"), evil, fewer)
    compared = sayso.compare(folder / "evil", folder / "other").page(folder / "compared.html")
    return {"report": report, "paper": _paper(folder, verdicts), "compared": compared}


def _paper(folder: Path, verdicts: list[Verdict]) -> Path:
    """A page of the paper of three figures, one of which was not run."""
    there = StandsFor("tiny", f"Shows {EVIL}.", "Found.", "evil/report.html", saved(folder / "evil" / "charts"))
    missing = StandsFor("other", "Shows more.", "", refused=EVIL)
    figures = [
        FigureOfPaper(
            entries.Figure(
                name, [entries.Entry(own.name, one.outcome if own.report else "not run", one) for one in told_of]
            ),
            [own],
        )
        for name, own, told_of in (
            ("figure 3a", there, verdicts[:8]),
            ("figure 3b", there, verdicts[8:]),
            ("figure 22", missing, verdicts),
        )
    ]
    return write_page(folder / "paper.html", "pocket", figures, {"other": EVIL})


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Opened(context.new_page())
    context.close()


def test_charts_are_there_and_show_values_and_one_subset(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened.page
    page.goto(pages["report"].as_uri())
    charts = page.locator(".chart > svg")
    assert charts.count() == 4
    for place in range(3):
        box = charts.nth(place).bounding_box()
        assert box is not None
        assert box["width"] > 600
        assert box["height"] > 200
    mark = page.locator("#chart-learning-curves [data-t]").last
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    assert page.locator(".tip").inner_text().startswith("subset: ")
    button = page.locator("#chart-learning-curves .picks button", has_text="D5cons")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    kept = page.locator("#chart-learning-curves [data-s]:not(.away)").evaluate_all(
        "marks => marks.map(mark => mark.dataset.s)"
    )
    assert set(kept) == {button.get_attribute("value")}
    page.keyboard.press("Enter")
    assert page.locator(".away").count() == 0
    with page.expect_download() as download:
        page.get_by_text("Numbers of this chart").first.click()
        page.get_by_role("link", name="learning-curves.csv").click()
    assert download.value.suggested_filename == "tiny-learning-curves.csv"
    header = download.value.path().read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("cell,stage,epoch,position,")
    assert opened.wrong == []


def test_filters_work_by_mouse_and_by_keyboard(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened.page
    page.goto(pages["paper"].as_uri())
    rows = page.locator("tr[data-outcome]")
    total = rows.count()
    said = page.locator("form.filters output")
    assert said.inner_text() == f"{total} of {total} claims shown"

    def shown() -> int:
        number: int = page.locator("tr[data-outcome]:not([hidden])").count()
        assert said.inner_text() == f"{number} of {total} claims shown"
        return number

    page.get_by_label("not run").click()
    holding = page.locator("tr[data-outcome='not run']").count()
    assert shown() == total - holding
    page.get_by_label("not run").focus()
    page.keyboard.press("Space")
    assert shown() == total
    page.get_by_label("with the words").focus()
    page.keyboard.type("BELIEVED attribution")
    assert 0 < shown() < total
    for text in page.locator("tr[data-outcome]:not([hidden])").all_inner_texts():
        assert "believed" in text.lower()
        assert "attribution" in text.lower()
    page.locator("select[name=figure]").select_option("figure-3b")
    assert {*page.locator("section.figure:not([hidden])").evaluate_all("all => all.map(one => one.id)")} == {
        "figure-3b"
    }
    page.get_by_label("with the words").fill("nothing has these words")
    assert shown() == 0
    page.locator("nav.contents").get_by_role("link", name="figure 22", exact=True).click()
    assert shown() == total
    assert page.locator("#figure-22").evaluate("section => section.getBoundingClientRect().top") < 100
    assert opened.wrong == []


def test_names_that_try_to_be_html_are_text(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened.page
    page.goto(pages["report"].as_uri())
    for details in page.locator("details").all():
        details.evaluate("part => part.open = true")
    assert page.locator("img").count() == 0
    for place in (".picks", "#claims", "#values", "#samples", "#settings", "#glossary", "header"):
        assert EVIL in page.locator(place).first.inner_text(), place
    for name in ("compared", "paper"):
        page.goto(pages[name].as_uri())
        assert EVIL in page.locator("main").inner_text()
        assert page.locator("img").count() == 0
        assert page.title() != "broken"
    assert opened.wrong == []


@pytest.mark.parametrize("name", ["report", "paper", "compared"])
def test_nothing_is_wider_than_a_phone(browser: Browser, pages: dict[str, Path], name: str) -> None:
    context = browser.new_context(viewport={"width": PHONE, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(pages[name].as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE
    for box in page.locator(".chart").all():  # wide enough to be read, in a box of its own that the keyboard reaches
        assert box.evaluate("box => box.scrollWidth") > 700
        assert box.get_attribute("tabindex") == "0"
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "paper", "compared"])
def test_axe_finds_nothing_serious(
    browser: Browser, pages: dict[str, Path], name: str, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(pages[name].as_uri())
    rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}  # nothing else depends on colours
    found = axe.Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
    context.close()
    serious = [
        (rule["id"], rule["nodes"][0]["html"][:200]) for rule in found if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_on_paper_everything_is_unfolded_and_nothing_is_for_the_pointer(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened.page
    page.goto(pages["report"].as_uri())
    folded = page.locator("details:not([open]) table").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    for part in page.locator("details table, details pre").all():
        box = part.bounding_box()
        assert box is not None
        assert box["height"] > 0
    for gone in (".contents", ".picks", ".skip"):
        assert not page.locator(gone).first.is_visible()
    assert page.locator(".chart").first.evaluate("box => getComputedStyle(box).overflowX") == "visible"
    assert len(page.pdf(format="A4")) > 10_000


def test_the_keyboard_comes_to_the_results_first(opened: Opened, pages: dict[str, Path]) -> None:
    page = opened.page
    page.goto(pages["report"].as_uri())
    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the results"
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    outline = page.locator(":focus").evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
