"""The guide as a site: it builds strictly, rests on nothing elsewhere, leads nowhere wrong, and can be read by all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from pytest_socket import enable_socket

import sayso

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("sphinx", reason="Sphinx is not installed")
pytest.importorskip("furo", reason="furo is not installed")
pytest.importorskip("myst_parser", reason="myst-parser is not installed")

DOCS = Path(sayso.__file__).parents[2] / "docs"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: Home, a page of what is printed, one of tables and curves; beside them longer ones, which take minutes.
LOOKED_AT = ("index", "start", "what-is-iml")
LONG = ("statistics", "folders", "results", "paper", "reference/models", "reference/settings", "reference/commands")
PHONE = 390
#: How wide and in which colours each page is looked at: a phone has no colours of its own, so once in the dark will do.
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (PHONE, "light"), (1280, "dark"))
#: Where each element says what it is made of.
ASSETS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}


class Read(HTMLParser):
    """A page: what can be pointed at, where it leads, and what it is made of."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.assets: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        if "id" in own:
            self.ids.add(own["id"])
        if tag == "a" and "href" in own:
            self.links.append(own["href"])
        if ASSETS.get(tag, "") in own:
            self.assets.append(own[ASSETS[tag]])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site, and what Sphinx warned of; built as `make docs` does, by a process of its own."""
    folder = tmp_path_factory.mktemp("site")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-W", "--keep-going", "--quiet"),
            "-d",
            folder / "doctrees",
            DOCS,
            folder / "html",
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path(sayso.__file__).parents[1])},
        check=False,
    )
    return folder / "html", made.stderr


@pytest.fixture(scope="module")
def pages(built: tuple[Path, str]) -> dict[Path, Read]:
    """Every page."""
    return {page: Read(page) for page in sorted(built[0].rglob("*.html"))}


def test_it_builds_without_a_warning(built: tuple[Path, str]) -> None:
    assert built[1] == ""


def test_every_page_of_the_folder_is_in_it(built: tuple[Path, str]) -> None:
    written = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md") if "_build" not in page.parts}
    assert {page for page in written if not (built[0] / page).exists()} == set()


def test_no_page_fetches_anything_from_elsewhere(built: tuple[Path, str], pages: dict[Path, Read]) -> None:
    elsewhere = {asset for read in pages.values() for asset in read.assets if urlsplit(asset).netloc}
    styles = [path.read_text(encoding="utf-8") for path in built[0].rglob("*.css")]
    assert elsewhere == set()
    assert [
        url for style in styles for url in re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", style)
    ] == []


def test_every_link_inside_leads_somewhere(pages: dict[Path, Read]) -> None:
    wrong = []
    for page, read in pages.items():
        for link in read.links:
            target, anchor = urldefrag(link)
            if urlsplit(target).scheme or urlsplit(target).netloc:
                continue
            to = (page.parent / unquote(target)).resolve() if target else page
            there = to in pages and (not anchor or unquote(anchor) in pages[to].ids or (anchor == "top"))
            if not there and not (to not in pages and to.is_file() and not anchor):
                wrong.append(f"{page.name}: {link}")
    assert wrong == []


def test_commands_and_settings_are_those_of_the_program(pages: dict[Path, Read], built: tuple[Path, str]) -> None:
    commands = pages[built[0] / "reference" / "commands.html"].ids
    assert {"sayso-run", "sayso-data-check", "sayso-paper"} <= commands
    settings = pages[built[0] / "reference" / "settings.html"].ids
    assert {f"sayso.Experiment.{name}" for name in sayso.Experiment.model_fields} <= settings
    assert {f"sayso.TrainSpec.{name}" for name in sayso.TrainSpec.model_fields} <= settings


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium; apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    enable_socket()  # it is spoken to over pipes, but its event loop asks for a pair of sockets
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    """A page as wide as a phone."""
    context = browser.new_context(viewport={"width": PHONE, "height": 844})
    yield context.new_page()
    context.close()


def test_no_page_moves_sideways_on_a_phone_nor_asks_for_anything(phone: Page, built: tuple[Path, str]) -> None:
    wrong: list[str] = []
    phone.on("pageerror", lambda error: wrong.append(str(error)))
    phone.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    for name in (*LOOKED_AT, *LONG):
        phone.goto((built[0] / f"{name}.html").as_uri())
        if phone.evaluate("document.documentElement.scrollWidth") > PHONE:
            wrong.append(f"{name} is wider than {PHONE}")
    assert wrong == []


@pytest.mark.parametrize("name", [*LOOKED_AT, *(pytest.param(name, marks=pytest.mark.slow) for name in LONG)])
def test_it_can_be_read_by_all(browser: Browser, built: tuple[Path, str], name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    wrong = []
    for width, scheme in LOOKS:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.goto((built[0] / f"{name}.html").as_uri())
        found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
        wrong += [(width, scheme, one["id"]) for one in found if one["impact"] in ("serious", "critical")]
        context.close()
    assert wrong == []
