"""The drill-down in a real browser: choices, links, the chart, hostile names, a phone, no script."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sayso.core.experiment import Experiment
from sayso.data.samples import corpora
from sayso.report.context import Context
from sayso.report.page import write_report
from tests.report.test_drill import store_of

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page_file(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report in which the model said something hostile, of seeds 100 to 103."""
    store = store_of(tiny, tmp_path_factory.mktemp("drill"), range(100, 104))
    (folder,) = store.jobs()
    rows = [asdict(each) for _, each in store.predictions() if each.stage == "stage2"]
    evil = [EVIL, *[""] * 3]
    rows = [{**row, "said": [evil[n % 4] if not well else said for n, (well, said) in _numbered(row)]} for row in rows]
    folder.write_details("predictions-stage2", rows)
    return write_report(store, context=Context(corpus_of=corpora(tiny)))


def _numbered(row: dict[str, Any]) -> Iterator[tuple[int, tuple[bool, str]]]:
    return enumerate(zip(row["match"], row["said"], strict=True))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab in which every word on the console is an error."""
    context = browser.new_context(viewport={"width": 1100, "height": 1000})
    tab, said = context.new_page(), list[str]()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(dialog.message))
    yield tab
    context.close()
    assert said == []


def until(page: Any, expression: str, given: object = None) -> None:
    """Wait until an expression is true; the page's policy forbids the way Playwright has for that."""
    for _ in range(500):
        if page.evaluate(expression, given):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never came true: {expression}")


def opened(page: Any, file: Path, fragment: str = "") -> None:
    page.goto(file.as_uri() + fragment)
    page.wait_for_selector("#drill-shown h3")


def test_choosing_shows_the_alias_and_writes_the_link_to_it(page: Any, page_file: Path) -> None:
    opened(page, page_file)
    assert page.input_value("#drill-subset") == "D5cons"
    assert page.eval_on_selector("#drill .choices", "box => getComputedStyle(box).display") == "grid"
    page.select_option("#drill-part", label=re.sub(r"\s+", " ", page.inner_text("#drill-part option:nth-child(3)")))
    until(page, "location.hash.includes('seed=102')")
    page.select_option("#drill-subset", "D2incons_QA2")
    until(page, "location.hash.includes('D2incons_QA2')")
    alias = page.eval_on_selector_all("#drill-alias option", "all => all[5].value")
    page.select_option("#drill-alias", alias)
    until(page, "alias => document.querySelector('#drill-shown h3').textContent === alias", alias)
    text = page.inner_text("#drill-shown")
    assert "The source 'unreliable' says, in X1, that it stands for" in text
    assert "which is wrong." in text
    assert "✓ right" in text
    address = page.url
    shown = page.inner_text("#drill-shown")
    page.goto("about:blank")
    opened(page, page_file, "#" + address.partition("#")[2])
    assert page.inner_text("#drill-shown") == shown
    assert page.evaluate("document.getElementById('drill').getBoundingClientRect().top") < 1000


def test_aliases_with_wrong_answers_can_be_listed_alone_worst_first(page: Any, page_file: Path) -> None:
    opened(page, page_file)
    before = page.locator("#drill-alias option").count()
    page.select_option("#drill-which", "wrong")
    until(page, "n => document.querySelectorAll('#drill-alias option').length <= n", before)
    scores = [
        re.search(r"(\d+) of (\d+) right", text) for text in page.locator("#drill-alias option").all_inner_texts()
    ]
    shares = [int(found[1]) / int(found[2]) for found in scores if found]
    assert shares == sorted(shares)
    assert max(shares) < 1


def test_what_was_said_is_text_whatever_it_looks_like(page: Any, page_file: Path) -> None:
    opened(page, page_file, "#drill?seed=101&subset=D6cons")
    seen = ""
    for place in range(min(6, page.locator("#drill-alias option").count())):
        page.select_option("#drill-alias", index=place)
        page.wait_for_timeout(50)
        seen += page.inner_text("#drill-shown")
    assert EVIL in seen
    assert "(nothing)" in seen
    assert page.locator("#drill-shown img").count() == 0


def test_a_dot_of_the_chart_is_a_way_to_its_seed(page: Any, page_file: Path) -> None:
    opened(page, page_file)
    dot = page.locator("#chart-gap-by-seed [data-seed]").last
    seed = dot.get_attribute("data-seed")
    dot.click()
    until(page, "location.hash.startsWith('#drill?seed=')")
    assert f"seed={seed}" in page.url


def test_a_dot_of_a_seed_that_is_not_in_the_page_says_how_it_gets_there(
    page: Any, tiny: Experiment, tmp_path: Path
) -> None:
    store = store_of(tiny, tmp_path, range(100, 106), kept=False)
    opened(page, write_report(store, context=Context(corpus_of=corpora(tiny))))
    page.locator('#chart-gap-by-seed [data-seed="105"]').first.click()
    until(page, "location.hash.startsWith('#drill?seed=105')")
    until(page, "document.querySelector('#drill-shown').textContent.includes('not in this page')")
    said = (
        f"Seed 105 is not in this page: sayso report {tmp_path} --seeds 105-105 writes the page with this seed instead."
    )
    assert said in page.inner_text("#drill-shown")


def test_a_link_to_what_is_not_there_says_so(page: Any, page_file: Path) -> None:
    opened(page, page_file, "#drill?seed=7")
    assert "The link names a seed that is not in this page." in page.inner_text("#drill-shown")
    opened(page, page_file, "#drill?seed=101&subset=nowhere&alias=none")
    assert page.input_value("#drill-subset") != "nowhere"


def test_on_a_phone_nothing_sticks_out_and_every_choice_has_a_label(browser: Any, page_file: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page = context.new_page()
    opened(page, page_file, "#drill?seed=101&subset=D1cons_QA1")
    assert page.evaluate("document.getElementById('drill').scrollWidth") <= 390
    for name in ("part", "subset", "which", "alias"):
        assert page.locator(f"label[for=drill-{name}]").count() == 1
    page.focus("#drill-subset")
    page.keyboard.press("ArrowDown")
    until(page, "location.hash.includes('D2incons_QA2')")
    context.close()


def test_without_javascript_a_sentence_says_so(browser: Any, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert "This needs JavaScript" in page.inner_text("#drill")
    assert not page.is_visible("#drill-down")
    context.close()
