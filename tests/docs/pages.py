"""What the guide's pages hold: blocks with what is said before them, commands, links and headings.

A comment on a line before a block says how the tests take it:

- ``<!-- file: NAME -->``: a file of that name, written into the folder that the page's commands run in;
- ``<!-- copy: NAME -->``: before it, that file of the guide's is copied into the folder;
- ``<!-- slow -->``: runs only under ``pytest -m slow``;
- ``<!-- not run: why -->``: needs what a test machine has not; its commands must parse all the same;
- ``<!-- refused -->``: each of its commands ends in an error, as the page says; their options exist all the same;
- ``<!-- printed -->``: each line of it (whose ``...`` stands for anything) was printed by the last block of commands or
  Python before it; nothing is compared where that one did not run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Every page whose commands must parse.
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md")))
#: A command that is written indented instead of in a block, where no test would run it.
_INDENTED = re.compile(r"^    (sayso|make|pip|pipx|python|git|ray) .*", re.MULTILINE)

_FENCE = re.compile(r"(`{3,}|~{3,})\s*([\w{}-]*)")
_COMMENT = re.compile(r"<!--\s*(file|copy|slow|not run|refused|printed)\b:?\s*(.*?)\s*-->")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its `language`, its `text`, the `line` its text begins at, and the comments before it."""

    language: str
    text: str
    line: int
    said: dict[str, str]


@dataclass(frozen=True)
class Command:
    """A command of a shell block, `\\` at the ends of lines and comments gone, and the line it begins at.

    `refused`: the page says that it ends in an error.
    """

    text: str
    line: int
    refused: bool = False


def pages_with(*languages: str) -> list[Path]:
    """Pages of the guide with a block of these languages."""
    return [page for page in PAGES if any(block.language in languages for block in blocks(page.read_text("utf-8")))]


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    found: list[Block] = []
    said: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if comment := _COMMENT.fullmatch(line.strip()):
            said[comment[1]] = comment[2]
        elif fence := _FENCE.match(line.strip()):
            indent = line[: len(line) - len(line.lstrip())]
            inside = []
            for _, each in lines:
                if each.strip() == fence[1]:
                    break
                inside.append(each.removeprefix(indent))
            found.append(Block(fence[2], "".join(f"{each}\n" for each in inside), number + 1, said))
            said = {}
        elif line.strip():
            said = {}
    return found


def commands(text: str, first: int = 1) -> list[Command]:
    """The commands of a shell block that begins at line `first`: one a line, more where a line or a quote goes on.

    Raises
    ------
    ValueError
        If a quote does not end.
    """
    found: list[Command] = []
    begun = ""
    start = first
    for number, line in enumerate(text.splitlines(), first):
        if not begun:
            start = number
        begun += line
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        try:
            words = shlex.split(begun, comments=True)
        except ValueError:
            begun += "\n"
            continue
        if words:
            found.append(Command(_without_comment(begun), start))
        begun = ""
    if begun:
        raise ValueError(f"line {start}: a quote does not end, or the last line ends in '\\'")
    return found


def _without_comment(command: str) -> str:
    """A command without the comment at its end: a ``#`` after a blank, outside quotes."""
    for place in (found.start() for found in re.finditer(r"(?<=\s)#", command)):
        try:
            shlex.split(command[:place])
        except ValueError:  # within a quote
            continue
        return command[:place].strip()
    return command.strip()


def all_commands(text: str) -> Iterator[Command]:
    """Every command of a page, in order."""
    for block in blocks(text):
        if block.language == "sh":
            for command in commands(block.text, block.line):
                yield replace(command, refused="refused" in block.said)


def indented_commands(text: str) -> list[str]:
    """Commands that stand indented on a page, outside any block: they belong into one."""
    for block in blocks(text):
        text = text.replace(block.text, "")
    return [found[0].strip() for found in _INDENTED.finditer(text)]


def links(text: str) -> list[str]:
    """Where a page's links and pictures lead, but those to the web."""
    for block in blocks(text):
        text = text.replace(block.text, "")
    found = _LINK.findall(re.sub(r"`[^`\n]+`", "", text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """What ``#...`` of a link to a page may be: its headings, in small letters, with hyphens for blanks."""
    for block in blocks(text):
        text = text.replace(block.text, "")
    headings = re.findall(r"^#+\s+(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
