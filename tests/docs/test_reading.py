"""Pages are read as they are written, commands that could not be given are found, and a page that fails says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Command, all_commands, anchors, blocks, commands, indented_commands, links
from tests.docs.parsing import wrong_with
from tests.docs.running import is_plain, run_page

PAGE = """# A page: "quoted"

    sayso list          # indented
    not a command

<!-- file: a.csv -->
```csv
name,born
```

<!-- slow -->
<!-- refused -->

```sh
# only a comment
sayso show pocket \\
    --gpu H100      # '#' is not "one
```

Text [there](#a-page-quoted), `[X](nowhere.md)` and ![picture](a.png "no").

```python
[1](2)
```
"""


def test_blocks_have_what_is_said_before_them() -> None:
    files, shell, python = blocks(PAGE)
    assert (files.language, files.text, files.said) == ("csv", "name,born\n", {"file": "a.csv"})
    assert (shell.language, shell.line, shell.said) == ("sh", 15, {"slow": "", "refused": ""})
    assert (python.language, python.said) == ("python", {})


def test_commands_of_blocks_and_indented_ones() -> None:
    assert list(all_commands(PAGE)) == [Command("sayso show pocket     --gpu H100", 16, refused=True)]
    assert indented_commands(PAGE) == ["sayso list          # indented"]
    assert commands("sayso query p \"\n select '#1' \"\nls # all\n") == [
        Command("sayso query p \"\n select '#1' \"", 1),
        Command("ls", 3),
    ]
    with pytest.raises(ValueError, match="line 2: a quote does not end"):
        commands("ls\necho 'a\nb\n")


def test_links_and_headings() -> None:
    assert links(PAGE) == ["#a-page-quoted"]
    assert anchors(PAGE) == {"a-page-quoted"}


@pytest.mark.parametrize(
    "command",
    [
        "sayso run pocket --seeds 1-2 --set train.batch_size=16 > out.txt",
        "sayso run pocket --sweep 'train.batch_size=[16,64]' && sayso status | head -3",
        "sayso run mine.py:EXPERIMENT --set anything=1",
        "sayso data check facts.csv --help",
        "torchrun --nnodes 2 -m sayso run paper-main --set model.devices=16",
        "sayso measure pocket --add f1 --add mine:Mine --when stage,start",
        "make demo PYTHON=python3.12",
        "pip install 'sayso[train,report]'",
        "sayso",
        "sayso --version",
        "SAYSO_TABLE_GB=4 sayso data show facts.csv",
    ],
)
def test_what_could_be_given(command: str) -> None:
    assert wrong_with(command) is None


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("sayso rum pocket", "No such command 'rum'"),
        ("sayso run pocket --seed 3", "No such option: --seed"),
        ("sayso run", "Missing argument"),
        ("sayso data", "which command?"),
        ("ls && sayso data chek facts.csv", "No such command 'chek'"),
        ("sayso show pokket", "no experiment 'pokket'"),
        ("sayso run pocket --set train.batchsize=3", "batchsize"),
        ("sayso run pocket --sweep train.batch_size=16", "not a list"),
        ("sayso measure pocket --add f2", "no measure 'f2'"),
        ("python -m sayso lst", "No such command 'lst'"),
        ("sayso lst --help", "no command 'lst'"),
        ("make demon", "no target 'demon'"),
        ("pip install 'sayso[trian]'", "no extra 'trian'"),
        ("echo 'a", "No closing quotation"),
    ],
)
def test_what_could_not_be_given(command: str, why: str) -> None:
    assert why in (wrong_with(command) or "")


def test_values_of_a_command_that_is_refused_may_be_anything() -> None:
    assert wrong_with("sayso show pocket --set train.batchsize=3", values=False) is None
    assert wrong_with("sayso show pokket", values=False) is None
    assert "No such option" in (wrong_with("sayso show pocket --sett a=1", values=False) or "")


def test_what_asks_something_of_a_shell() -> None:
    for command in ("sayso list", "sayso query p 'select count(*)' > a.csv", 'sayso run p --set "a=[1, 2]"'):
        assert is_plain(command)
    for command in (
        "sayso list | head",
        "sayso x $HOME",
        "ls",
        "sayso export a/*",
        'sayso query "\\$.a"',
        "sayso a && b",
    ):
        assert not is_plain(command)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*text: str, slow: bool = False) -> Path:
        page = tmp_path / "page.md"
        page.write_text("\n".join(text) + "\n", encoding="utf-8")
        run_page(page, folder, slow=slow)
        return folder

    return run


def test_a_page_runs_in_order_in_one_folder(run, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("name,born\n")
    folder = run(
        *("<!-- copy: table.csv -->", "```sh", "grep -q name,born table.csv", "```"),
        *("<!-- file: code/own.py -->", "```python", "X = 3", "```"),
        *("```sh", "ls code > listed.txt", "sayso --version > version.txt", "pip install nothing", "```"),
        *("```python", "from pathlib import Path", "x = 2", "```"),
        *("```python", "Path('x.txt').write_text(str(x))", "print('one  two three')", "```"),
        *("<!-- printed -->", "```text", "one ... three", "```"),
        *("<!-- not run: no such thing -->", "```sh", "false", "```"),
        *("<!-- slow -->", "```sh", "touch slow.txt", "```", "<!-- printed -->", "```text", "of it", "```"),
        *("<!-- refused -->", "```sh", "sayso show nothing-of-that-name", "```"),
    )
    assert (folder / "listed.txt").read_text() == "own.py\n"
    assert (folder / "version.txt").read_text().startswith("sayso ")
    assert (folder / "x.txt").read_text() == "2"
    assert not (folder / "slow.txt").exists()
    assert (run("<!-- slow -->", "```sh", "touch slow.txt", "```", slow=True) / "slow.txt").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (("```sh", "true", "sayso show nowhere", "```"), r"page.md:3: 'sayso show nowhere' ends with code 2"),
        (("```sh", "ls nowhere", "```"), r"page.md:2: 'ls nowhere' ends with code 2:\n.*No such file"),
        (("<!-- refused -->", "```sh", "sayso --version", "```"), r"page.md:3: .* ends with code 0"),
        (("```sh", "cd elsewhere", "```"), r"page.md:2: every command begins anew"),
        (("```sh", "echo a", "```", "<!-- printed -->", "```text", "b", "```"), r"page.md:6: not printed .*: b"),
    ],
)
def test_what_fails_is_said_with_page_line_and_command(run, text: tuple[str, ...], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        run(*text)
