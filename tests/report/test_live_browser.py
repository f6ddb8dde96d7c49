"""The page of a run in a real browser: what it shows, what it does when the server is gone, phones, axe."""

from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pytest_socket import enable_socket

from sayso.cli.serving import PageServer
from sayso.cli.watch import States
from sayso.core.experiment import Experiment
from sayso.core.store import Store
from sayso.report.live import live_page
from sayso.runs.watching import Watcher
from tests.planted import planted_records, planted_store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; apt-get install chromium")

EVIL = "<img src=x onerror=document.title='broken'></script>"
PHONE = 390


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    enable_socket()  # it is spoken to over pipes, but its event loop asks for a pair of sockets
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def told(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The state of a folder of two cells; one of its jobs runs, one was stopped, and names try to be HTML."""
    records = planted_records(tiny, range(100, 103))
    store = planted_store(Store(tmp_path_factory.mktemp("live") / "results"), tiny, records, finish=False)
    (folder,) = store.jobs()
    (folder.path / "log.txt").write_text(EVIL, encoding="utf-8")
    found: dict[str, Any] = json.loads(States(Watcher(store)).json(None))
    other = {**found["cells"][0], "name": EVIL, "running": {"seeds": "100", "count": 1}}
    going = {**found["jobs"][0], "state": "running", "cell": EVIL, "seeds": "100", "said": ""}
    return {**found, "cells": [*found["cells"], other], "jobs": [going, *found["jobs"]], "a_minute": 12.0, "left": 90.0}


@dataclasses.dataclass
class Served:
    """A server whose state a test may change, and the cells that were asked for."""

    server: PageServer
    told: dict[str, Any]
    asked: list[str | None]


@pytest.fixture
def served(no_network: None, told: dict[str, Any]) -> Iterator[Served]:
    enable_socket()
    asked: list[str | None] = []
    page, policy = live_page(EVIL)
    with PageServer("127.0.0.1", 0, page, policy, lambda cell: answer(cell), secret=True) as server:
        here = Served(server, dict(told), asked)

        def answer(cell: str | None) -> str:
            asked.append(cell)
            return json.dumps(here.told)

        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield here
        server.shutdown()
        thread.join()


@pytest.fixture
def wrong() -> list[str]:
    """What went wrong in the page."""
    return []


@pytest.fixture
def opened(browser: Browser, served: Served, wrong: list[str]) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def open_page(**look: Any) -> Page:
        contexts.append(browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **look}))
        page = contexts[-1].new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.clock.install()
        page.goto(served.server.url)
        page.wait_for_selector("#facts dd")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_all_of_the_state_is_shown_and_names_that_try_to_be_html_are_text(opened, served, wrong):
    page = opened()
    assert page.locator("#facts dd").all_inner_texts()[:2] == ["0 of 176", "12"]
    assert page.locator("#facts dd").nth(3).inner_text() == "1 min 30 s"
    for place in ("h1", "#running", "#stopped", "#cells"):
        assert EVIL in page.locator(place).inner_text(), place
    assert page.locator("img").count() == 0
    assert page.title() != "broken"
    assert "They go on with: sayso run" in page.locator("#go-on").inner_text()
    assert page.locator("#trouble").is_hidden()
    lines = served.told["curves"]["lines"]
    assert page.locator(".chart circle").count() == sum(len(line["points"]) for line in lines)
    shown = page.locator("#drawn tbody tr").first.inner_text().split()
    assert shown == [lines[0]["subset"], f"{lines[0]['points'][-1][1]:.3f}", "stage2", "6", "3"]
    page.locator(".chart circle").last.hover(force=True)
    assert "exact match: " in page.locator(".tip").inner_text()
    assert wrong == []


def test_what_moves_is_shown_without_being_asked_for(opened, served, wrong):
    page = opened()
    served.told |= {"done": 88, "a_minute": None}
    page.clock.run_for(3100)
    playwright.expect(page.locator("#facts dd").first).to_have_text("88 of 176")
    assert page.locator("#bar").evaluate("bar => bar.value / bar.max") == 0.5
    running = page.locator("#running")
    assert running.is_visible()
    served.told |= {"jobs": [], "finished": True, "left": 0.0}
    page.clock.run_for(3100)
    running.wait_for(state="hidden")
    assert page.locator("#facts dd").nth(2).inner_text() == "all finished"
    assert wrong == []


def test_a_reader_chooses_the_cell(opened, served):
    page = opened()
    assert served.asked == [None]
    page.get_by_label("Cell", exact=True).select_option("1")
    page.wait_for_timeout(100)
    assert served.asked[-1] == "1"
    page.clock.run_for(3100)
    page.wait_for_timeout(100)
    assert served.asked[-2:] == ["1", "1"]


def test_trouble_is_said_and_so_is_a_server_that_is_gone(opened, served):
    page = opened()
    served.told |= {"trouble": EVIL}
    page.clock.run_for(3100)
    page.locator("#trouble").wait_for()
    assert page.locator("#trouble").inner_text() == EVIL
    page.route("**/state.json*", lambda route: route.abort())
    page.clock.run_for(3100)
    playwright.expect(page.locator("#trouble")).to_contain_text("The server does not answer")
    assert page.locator("#facts dd").first.inner_text() == "0 of 176"  # what was seen before stays
    page.unroute("**/state.json*")
    served.told |= {"trouble": ""}
    page.clock.run_for(3100)
    page.locator("#trouble").wait_for(state="hidden")


def test_nothing_is_wider_than_a_phone(opened):
    page = opened(viewport={"width": PHONE, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE
    box = page.locator(".chart svg").bounding_box()
    assert box is not None
    assert box["width"] <= PHONE
    boxes = [
        (box.evaluate("box => box.scrollWidth > box.clientWidth"), box.get_attribute("tabindex") == "0")
        for box in page.locator(".scroll:visible").all()
    ]
    assert (True, True) in boxes  # tables scroll in boxes of their own, and the keyboard reaches those that do
    assert {scrolls == reached for scrolls, reached in boxes} == {True}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, scheme: Literal["light", "dark"]):
    page = opened(color_scheme=scheme, bypass_csp=True)  # axe is put into the page from outside
    page.evaluate("document.getElementById('trouble').hidden = false")
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in ("serious", "critical")]
    assert serious == []


def test_without_a_script_the_page_says_so(browser: Browser, served: Served):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(served.server.url)
    assert "sayso watch" in page.locator("main").inner_text()
    context.close()
