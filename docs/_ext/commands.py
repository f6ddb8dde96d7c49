"""Every command with its arguments and options, as the program itself has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "reference/commands"


def append(app: Sphinx, page: str, source: list[str]) -> None:  # noqa: ARG001
    """Put the commands below what is written on their page (Sphinx's ``source-read``)."""
    if page == PAGE:
        source[0] += f"\n\n{commands()}\n"


def again(*_: object) -> list[str]:
    """Their page is always read again (Sphinx's ``env-get-outdated``): no file says whether it is out of date."""
    return [PAGE]


def commands() -> str:
    """All commands as Markdown, a heading each."""
    import typer

    from sayso.cli.commands import app

    root = typer.main.get_command(app)
    return "\n\n".join(_section(command, ["sayso", *names]) for names, command in _each(root, []))


def _each(command: Any, names: list[str]) -> list[tuple[list[str], Any]]:
    found = [(names, command)]
    for name, own in sorted(getattr(command, "commands", {}).items()):
        if not own.hidden:
            found += _each(own, [*names, name])
    return found


def _section(command: Any, names: list[str]) -> str:
    """One command: what it does, how it is called, its arguments and options, examples."""
    title = " ".join(names)
    context = command.make_context(title, [], resilient_parsing=True)
    usage = re.sub(r"\[\[(\w+)\]\]|\{([^}]*)\}", _argument, " ".join([title, *command.collect_usage_pieces(context)]))
    parts = [f"## {title}", _text(command.help or ""), f"```text\n{usage}\n```"]
    parts += filter(None, (_row(one, context) for one in command.params if not getattr(one, "hidden", False)))
    inside = sorted(name for name, own in getattr(command, "commands", {}).items() if not own.hidden)
    if inside:
        parts.append("\n".join(f"- [{title} {name}](#{f'{title} {name}'.replace(' ', '-')})" for name in inside))
    if command.epilog:
        parts.append(_examples(command.epilog))
    return "\n\n".join(parts)


def _argument(found: re.Match[str]) -> str:
    return f"[{found[1]}]" if found[1] else found[2]


def _row(parameter: Any, context: Any) -> str:
    """One argument or option as a definition: how it is written, and what it means."""
    record = parameter.get_help_record(context)
    if record is None:
        return ""
    name = re.sub(r" <\w+>$", "", record[0])
    help_ = re.sub(r" ?\[(default: [^\]]*|required|x[<>]=?[^\]]*)\]", _told, record[1])
    return f"`{name}`\n: {_text(help_)}"


def _told(found: re.Match[str]) -> str:
    """What the program says of an option in brackets, as sentences; that an argument is needed its usage shows."""
    said = []
    for part in re.split(r"[;,] ", found[1]):
        if part.startswith("default: "):
            said.append(f" Default: {part.removeprefix('default: ')}.")
        elif part.startswith("x>="):
            said.append(f" At least {part.removeprefix('x>=')}.")
    return "".join(said)


def _text(help_: str) -> str:
    r"""Help as Markdown: paragraphs are kept, and what ``\b`` marks is set as it is written."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", help_.strip()):
        if paragraph.lstrip().startswith("\b"):
            parts.append("```text\n" + paragraph.replace("\b\n", "").replace("\b", "") + "\n```")
        else:
            parts.append(re.sub(r"([<>\[\]*_|{}])", r"\\\1", " ".join(paragraph.split())))
    return "\n\n".join(parts)


def _examples(epilog: str) -> str:
    lines = [line.strip() for line in epilog.replace("\b", "").strip().splitlines()]
    return "\n".join(["```sh", *lines[1:], "```"])
