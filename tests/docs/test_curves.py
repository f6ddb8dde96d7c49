"""Learning curves of the guide that readers can ask: drawn of the picture's numbers, for eyes, keys and ears."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from pytest_socket import enable_socket

import sayso

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DOCS = Path(__file__).parents[2] / "docs"
DATA = DOCS / "pocket-learning-curves.csv"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TITLE = "Exact match, by <subset>."
QUESTIONS = pd.read_csv(DATA).query("eval_set == 'validation'")


@pytest.fixture(scope="module")
def drawn() -> str:
    pytest.importorskip("sphinx", reason="sphinx is not installed")
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        text: str = importlib.import_module("curves").html(DATA, "pocket", TITLE)
    finally:
        sys.path.remove(str(DOCS / "_ext"))
    return text


def test_the_numbers_are_of_the_experiment_as_it_is_and_small() -> None:
    experiment = sayso.load("pocket")
    assert set(QUESTIONS["subset"]) == {subset.name for subset in experiment.subsets}
    assert set(QUESTIONS["seeds"]) == {len(list(experiment.seeds))}
    for stage in experiment.stages[1:]:
        assert QUESTIONS.loc[QUESTIONS["stage"] == stage.name, "epoch"].max() == stage.epochs
    assert DATA.stat().st_size < 150_000


def test_the_page_has_the_numbers_of_the_curves() -> None:
    text = (DOCS / "what-is-iml.md").read_text(encoding="utf-8")
    names = ["D1cons_QA1", "QA3", "D2incons_QA2", "D5cons", "D6cons", "D8cons", "QA7"]
    assert f"mean of 16 seeds | {' | '.join(names)} |" in text
    for stage, epochs in (("stage1", 6), ("stage2", 5)):
        at = QUESTIONS[(QUESTIONS["stage"] == stage) & (QUESTIONS["epoch"] == epochs)].set_index("subset")["mean"]
        row = " | ".join(f"{at[name]:.3f}".removeprefix("0") for name in names)
        assert f"| after stage {stage[-1]} | {row} |" in text.replace("*", "")


def test_it_says_all_of_it_without_a_script(drawn: str) -> None:
    assert drawn.count("<svg") == 2 + 9  # a panel a measure, and a sample of each line
    assert "Exact match, by &lt;subset&gt;." in drawn
    rows = len(pd.read_csv(DATA))
    assert drawn.count("<tr>") == rows + 1
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium; apt-get install chromium")
    enable_socket()  # it is spoken to over pipes, but its event loop asks for a pair of sockets
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(drawn: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The curves alone on a page, with the colours that the theme of the site has names for."""
    colours = {
        "foreground-primary": "#000",
        "background-primary": "#fff",
        "foreground-muted": "#6b6f76",
        "background-border": "#ddd",
        "brand-primary": "#0a4bff",
    }
    names = ";".join(f"--color-{name}:{value}" for name, value in colours.items())
    style, script = ((DOCS / "_static" / name).read_text(encoding="utf-8") for name in ("curves.css", "curves.js"))
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Curves</title>'
    body = f"<main><h1>Curves</h1>{drawn}</main><script>{script}</script>"
    page = tmp_path_factory.mktemp("curves") / "curves.html"
    text = (
        f'<!doctype html><html lang="en"><head>{head}<style>:root{{{names}}}{style}</style></head><body>{body}</body>'
    )
    page.write_text(f"{text}</html>", encoding="utf-8")
    return page


def opened(browser: Browser, file: Path, **how: Any) -> Page:
    page = browser.new_context(**({"viewport": {"width": 1280, "height": 1000}} | how)).new_page()
    page.goto(file.as_uri())
    return page


def shown(page: Page) -> str:
    panels = page.locator(".curves-panel:visible")
    assert panels.count() == 1
    return str(panels.get_attribute("data-panel"))


def test_one_measure_at_a_time_and_subsets_by_the_keyboard(browser: Browser, file: Path) -> None:
    page = opened(browser, file)
    assert shown(page) == "validation"
    page.get_by_role("button", name="Entity attribution").press("Enter")
    assert shown(page) == "entity_attribution"
    page.get_by_role("button", name="Questions").press("Enter")
    button = page.get_by_role("button", name="D5cons")
    lines = page.locator(".curves-panel:visible [data-s]:visible")
    before = lines.count()
    button.press("Space")
    assert button.get_attribute("aria-pressed") == "false"
    assert 0 < lines.count() < before
    assert "D5cons" not in page.get_by_role("status").inner_text()
    button.press("Space")
    assert lines.count() == before


def test_the_slider_reads_every_epoch(browser: Browser, file: Path) -> None:
    page = opened(browser, file)
    slider, said = page.get_by_role("slider"), page.get_by_role("status")
    end = QUESTIONS[(QUESTIONS["stage"] == "stage2") & (QUESTIONS["epoch"] == 5)]
    row = end.set_index("subset").loc["D5cons"]
    assert slider.get_attribute("aria-valuetext") == "stage2, epoch 5"
    told = [f"{row[name]:.3f}".removeprefix("0") for name in ("mean", "low", "high")]
    assert f"D5cons {told[0]} ({told[1]} to {told[2]})" in said.inner_text()
    seen, places = ["stage2, epoch 5"], []
    for _ in range(QUESTIONS.groupby(["stage", "epoch"]).ngroups - 1):
        slider.press("ArrowLeft")
        seen.append(str(slider.get_attribute("aria-valuetext")))
        places.append(float(page.locator(".curves-now").first.get_attribute("x1") or "nan"))
    assert seen[-1] == "stage1, epoch 0"
    assert len(set(seen)) == len(seen)
    assert places == sorted(places, reverse=True)
    assert "D5cons" in said.inner_text()
    assert "not read yet" in said.inner_text()


def test_the_pointer_finds_the_nearest_point(browser: Browser, file: Path) -> None:
    page = opened(browser, file)
    mark = page.locator(".curves-panel:visible [data-t^='subset: D5cons']").last
    box = mark.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2 + 3)
    assert page.locator(".curves-tip").inner_text() == str(mark.get_attribute("data-t")).replace("; ", "\n")
    page.mouse.move(5, 5)
    assert not page.locator(".curves-tip").is_visible()


def test_without_javascript_both_measures_and_the_table_are_there(browser: Browser, file: Path) -> None:
    page = opened(browser, file, java_script_enabled=False)
    assert page.locator(".curves-panel:visible").count() == 2
    assert page.get_by_role("slider").count() == 0
    page.get_by_text("Numbers of these curves").click()
    assert page.locator("table").is_visible()


def test_it_fits_a_phone_and_axe_finds_nothing(browser: Browser, file: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    page = opened(browser, file, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    page.get_by_text("Numbers of these curves").click()
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
