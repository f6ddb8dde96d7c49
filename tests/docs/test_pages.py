"""What the pages say can be done: every command parses, links lead somewhere, and the guide runs page by page.

`tests.docs.pages` has the conventions of pages, `tests.docs.running` how they are run.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, all_commands, anchors, blocks, indented_commands, links, pages_with
from tests.docs.parsing import wrong_command, wrong_extras, wrong_target, wrong_with
from tests.docs.running import run_page
from tests.in_this_process import use_in_this_process

IDS = {page: str(page.relative_to(ROOT)) for page in PAGES}
RUN = [page for page in pages_with("sh", "python") if page.parent.name == "docs"]
SLOW = [page for page in RUN if any("slow" in block.said for block in blocks(page.read_text("utf-8")))]


@pytest.mark.parametrize("page", PAGES, ids=IDS.get)
def test_every_command_could_be_given(page: Path) -> None:
    text = page.read_text("utf-8")
    wrong = [
        f"{IDS[page]}:{command.line}: {found}: {command.text}"
        for command in all_commands(text)
        if (found := wrong_with(command.text, values=not command.refused)) is not None
    ]
    wrong += [
        f"{IDS[page]}: {found}" for name in re.findall(r"`sayso ([a-z]+)", text) if (found := wrong_command(name))
    ]
    wrong += [f"{IDS[page]}: {found}" for name in re.findall(r"`make ([a-z]+)", text) if (found := wrong_target(name))]
    wrong += [f"{IDS[page]}: {found}" for found in [wrong_extras(text)] if found]
    assert not wrong, "\n".join(wrong)


def test_every_command_stands_in_a_block() -> None:
    assert {IDS[page]: found for page in PAGES if (found := indented_commands(page.read_text("utf-8")))} == {}


@pytest.mark.parametrize("page", PAGES, ids=IDS.get)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for target in links(page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists():
            wrong.append(f"{IDS[page]}: no file {target}")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text("utf-8")):
            wrong.append(f"{IDS[page]}: {name or 'the page'} has no heading '{anchor}'")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def as_a_newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Path:
    """An empty folder, an empty HOME and no cache. Jobs train here, and only who asks for charts draws them."""
    for name in ("home", "page"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("SAYSO_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):  # of processes, whose sockets no fixture takes away
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path / "page")
    use_in_this_process(monkeypatch)
    return tmp_path / "page"


@pytest.mark.parametrize("page", RUN, ids=IDS.get)
def test_page(page: Path, as_a_newcomer: Path) -> None:
    run_page(page, as_a_newcomer, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("page", SLOW, ids=IDS.get)
def test_page_with_what_takes_minutes(page: Path, as_a_newcomer: Path) -> None:
    run_page(page, as_a_newcomer, slow=True)


def test_examples_of_extending_are_short() -> None:
    found = blocks((ROOT / "docs" / "extending.md").read_text("utf-8"))
    lines = {block.said["file"]: block.text.count("\n") for block in found if "file" in block.said}
    assert len(lines) >= 4
    assert max(lines.values()) < 40, lines
