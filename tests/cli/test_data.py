from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.cli.calling import call, error_of
from tests.data.files.make import CVDB_FILE, FOLDER, TREX_FILE
from tests.data.tables.workbook import write_workbook
from tests.data.test_facts import KINDS, golden

FILES = {"cvdb": CVDB_FILE, "trex": TREX_FILE, "table": FOLDER / "countries.csv"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_shown_as_lines_of_json(kind):
    result = call("data", "show", FILES[kind], "-n", "12", "--json")
    assert result.exit_code == 0
    assert result.stdout == golden(kind)
    assert set(json.loads(result.stdout.splitlines()[0])) == {"entity", "attribute", "question", "answers"}


def test_a_file_is_shown_for_people():
    result = call("data", "show", FILES["table"], "-n", "2")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"file        {FILES['table']}, 68 rows, CSV, UTF-8, ',' between columns")
    assert lines[1].startswith("entities    68, named in column 'name'")
    assert lines[2].startswith("questions   capital (1 with several, at ';'), language (18 with several, at ';')")
    named = [line.split("  ")[0] for line in lines[lines.index("") :] if line and line[0] != " "]
    assert named == ["Argentina", "Australia"]
    assert "What is the capital of [X]?     Buenos Aires" in result.stdout


def test_fewer_entities_than_asked_for_are_shown_as_they_are():
    lines = call("data", "show", FILES["table"], "-n", "1000", "--json").stdout.splitlines()
    assert len({json.loads(line)["entity"] for line in lines}) == 68


def test_a_source_is_prepared_from_a_file_and_then_shown_by_name(tmp_path):
    assert "sayso data prepare cvdb" in error_of(call("data", "show", "cvdb"))
    result = call("data", "prepare", "cvdb", "--file", CVDB_FILE)
    assert result.exit_code == 0
    assert "86 pairs of a man and a woman kept" in result.stdout
    assert str(tmp_path / "cache" / "cvdb") in result.stdout
    assert result.stderr.splitlines() == ["read paper", "read repaired"]
    assert call("data", "prepare", "cvdb", "--file", CVDB_FILE).stderr == ""
    assert call("data", "show", "cvdb", "-n", "12", "--json").stdout == golden("cvdb")


def test_a_cache_that_runs_do_not_look_in_is_said(tmp_path):
    result = call("data", "prepare", "trex", "--file", TREX_FILE, "--cache", tmp_path / "elsewhere")
    assert result.stdout.splitlines()[-1] == f"runs look for it there if SAYSO_CACHE={tmp_path / 'elsewhere'}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["prepare", "cvbd"], "did you mean 'cvdb'"),
        (["prepare", "cvdb", "--file", "absent.gz"], "absent.gz: cannot be read"),
        (["show", "absent.csv"], "no such file"),
        (["show", "cvdb", "-n", "0"], "-n"),
    ],
)
def test_errors_are_one_line(words, said):
    assert said in error_of(call("data", *words))


@pytest.mark.parametrize("module", ["pyarrow", "pyarrow.parquet"])
def test_a_module_that_is_not_installed_is_named(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    said = error_of(call("data", "show", FILES["cvdb"]))
    assert "pyarrow" in said
    assert "pip install 'sayso[all]'" in said


def test_without_a_command_the_help_is_shown():
    result = call("data")
    assert result.exit_code == 0
    assert "prepare" in result.stdout
    assert "show" in result.stdout


@pytest.mark.parametrize("prefix", ["", "knowledge."])
def test_settings_of_a_table_hold_before_it_is_read(tmp_path, prefix):
    file = tmp_path / "mine.csv"
    file.write_bytes("nom;ville;x\nJosé;Évian–les-Bains;1,5\nAna;Rome;2\n".encode("cp1252"))
    advised = error_of(call("data", "show", file)).rpartition(" ")[2]
    assert advised == "knowledge.encoding=cp1252"
    words = [f"{prefix}{advised.removeprefix('knowledge.')}", f"{prefix}name_column=ville", f"{prefix}missing=error"]
    words.append(f'{prefix}questions={{"nom": "Who lives in [X]?"}}')
    result = call("data", "show", file, *(word for setting in words for word in ("--set", setting)))
    assert result.exit_code == 0, result.output
    assert "';' between columns" in result.stdout
    assert "left out: x (has no question)" in " ".join(result.stdout.split())
    assert "Who lives in [X]?   José" in result.stdout
    assert "did you mean 'name_column'" in error_of(call("data", "show", file, "--set", f"{prefix}name_colum=ville"))


def test_an_advice_on_a_name_within_another_or_a_gap_works(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text("label,job\nAda,cook\nAda Lee,\n", encoding="utf-8")
    strict = ["--set", "missing=error"]
    said = error_of(call("data", "show", file, *strict))
    assert said.endswith("row 3, column 'job': no answer; fill it in, or set knowledge.missing=skip")
    assert call("data", "show", file, "--set", said.rpartition(" ")[2]).exit_code == 0
    file.write_text("label,job\nAda,cook\nAda Lee,poet\n", encoding="utf-8")
    said = error_of(call("data", "show", file, "--set", "inside=error"))
    assert call("data", "show", file, "--set", said.rpartition(" ")[2]).exit_code == 0


def test_a_table_is_checked_before_anything_is_trained(tmp_path):
    result = call("data", "check", FILES["table"])
    assert result.exit_code == 0, result.output
    assert "68 entities" in result.stdout
    assert "the subsets of paper-main need 10 entities at least" in result.stdout
    file = tmp_path / "mine.csv"
    file.write_text("name,capital\nLand1,City1\nLand2,City2\n", encoding="utf-8")
    result = call("data", "check", file, "--experiment", "paper-t5")
    assert result.exit_code == 1
    assert "each entity has one question, which is trained on" in result.stdout
    assert "the subsets of paper-t5 need" in result.stdout
    assert "paper-main" in error_of(call("data", "check", file, "--experiment", "paper-mian"))


def test_a_package_that_reads_excel_is_named_where_it_is_not_installed(tmp_path, monkeypatch):
    write_workbook(tmp_path / "mine.xlsx", {"a": [["name", "x"], ["Ada", 1]]})
    assert "What is the x of [X]?   1" in call("data", "show", tmp_path / "mine.xlsx").stdout
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    write_workbook(tmp_path / "other.xlsx", {"a": [["name", "x"], ["Ada", 1]]})
    assert "pip install 'sayso[excel]'" in error_of(call("data", "show", tmp_path / "other.xlsx"))


ISLANDS = "label,language,money,head\n" + "".join(
    f"Island {number},tongue {number % 4},coin {number % 3},{'' if number == 3 else f'head {number}'}\n"
    for number in range(20)
)


def test_the_pocket_world_takes_any_table_and_says_what_was_taken_for_what(tmp_path):
    file = tmp_path / "islands.csv"
    file.write_text(ISLANDS, encoding="utf-8")
    shown = call("show", "pocket", "--knowledge", file)
    assert shown.exit_code == 0, shown.output
    assert "20, named in column 'label'" in shown.stdout
    assert "head (1 without)" in shown.stdout
    assert "asked about: language, money, head; 19 entities have an answer to each" in shown.stdout
    two = tmp_path / "two.csv"
    two.write_text("\n".join(row.rpartition(",")[0] for row in ISLANDS.splitlines()), encoding="utf-8")
    assert json.loads(call("show", "pocket", "--knowledge", two, "--json").stdout)["split"]["trained_questions"] == 1
    documents = call("sample", "pocket", "--knowledge", file, "-n", "1").stdout
    assert "language <|" in documents
    assert "head <|" in documents
    settings = json.loads(
        call(
            *("show", "pocket", "--knowledge", file, "--json", "--set", "knowledge.name_column=label"),
            *("--set", "knowledge.facts.entities=19", "--set", "knowledge.entities=5"),
        ).stdout
    )["knowledge"]
    assert (settings["entities"], settings["facts"]["entities"], settings["facts"]["name_column"]) == (5, 19, "label")
    said = error_of(call("show", "pocket", "--knowledge", file, "--set", "knowledge.name_column=lable"))
    assert "label" in said
    said = error_of(call("sample", "pocket", "--knowledge", file, "--set", "knowledge.entities=25"))
    assert "has 19 entities with an answer to each of language, money, head; set it to at most 19" in said


def test_people_in_the_cvdbs_columns_keep_their_centuries(tmp_path):
    file = tmp_path / "people.csv"
    rows = (f"P{number},{1500 + number},{1560 + number},Male,Europe,actor,'France'" for number in range(20))
    header = "name,birth,death,gender,un_region,level3_main_occ,string_citizenship_raw_d"
    file.write_text("\n".join([header, *rows]), encoding="utf-8")
    assert "16 century" in call("sample", "pocket", "--knowledge", file, "-n", "1").stdout


def test_facts_that_leave_nothing_to_ask_are_said_by_show(tmp_path):
    file = tmp_path / "one.csv"
    file.write_text("name,capital\n" + "".join(f"Land{n},City{n}\n" for n in range(40)), encoding="utf-8")
    shown = call("show", "pocket", "--knowledge", file).stdout
    assert "asks about capital, and the pocket world needs two columns at least" in " ".join(shown.split())
    assert "the pocket world needs two" in error_of(call("sample", "pocket", "--knowledge", file))
    shown = call("show", "paper-main", "--knowledge", file).stdout
    assert "each entity has one question, which is trained on: none is held out to be asked" in " ".join(shown.split())


def test_where_answers_were_cut_is_seen(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text('name,motto,job\nAda,I came; I saw; I won,"[""a; b"", ""c""]"\nBo,,cook\n', encoding="utf-8")
    shown = call("data", "show", file).stdout
    assert "questions   motto (1 without; 1 with several, at ';'), job (1 with several)" in shown
    assert "I came | I saw | I won" in shown
    assert "a; b | c" in shown
    shown = call("data", "show", file, "--set", "separator=null").stdout
    assert "questions   motto (1 without), job (1 with several)" in shown
    assert "I came; I saw; I won" in shown


def facts_file(folder: Path, rows: int = 30, columns: str = "a,b") -> Path:
    file = folder / "facts.csv"
    cells = (",".join(f"{column}{row % 7}" for column in columns.split(",")) for row in range(rows))
    file.write_text("\n".join([f"name,{columns}", *(f"n{row},{own}" for row, own in enumerate(cells))]), "utf-8")
    return file


@pytest.mark.parametrize(
    ("rows", "columns", "words", "said"),
    [
        (30, "a,b", ["--set", "entities=100"], "knowledge.entities is 100, but"),
        (30, "a,b", ["--set", "entities=3"], "the subsets of paper-main need 10 entities at least; there are 3"),
        (30, "a,b", ["--set", "split.trained_questions=5"], "trains on 5 questions, and no entity has more than 2"),
        (30, "a", ["--experiment", "pocket"], "the pocket world needs two columns at least"),
        (3, "a,b", ["--experiment", "pocket"], "has 3 entities with an answer to each of a, b; set it to at most 3"),
        (30, "a,b", ["--experiment", "pocket", "--set", "knowledge.entities=40"], "set it to at most 30"),
        (30, "a,b", ["--experiment", "pocket", "--set", "entities=5"], "has 5 entities with an answer to each of"),
    ],
)
def test_where_a_run_would_be_refused_the_check_ends_with_1(tmp_path, rows, columns, words, said):
    result = call("data", "check", facts_file(tmp_path, rows, columns), *words)
    assert result.exit_code == 1, result.output
    (error,) = (line for line in joined(result.stdout) if line.startswith("error"))
    assert said in error


def joined(text: str) -> list[str]:
    """Lines of findings, each in one line."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and lines:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return lines


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--experiment", "pocket", "--set", "split.trained_questions=2"], "warning"),
        (["--experiment", "pocket", "--set", "knowledge.entities=40"], "error"),
        (["--set", "split.trained_questions=2"], "warning"),
        (["--set", "entities=40"], "error"),
    ],
)
def test_what_a_check_advises_it_takes(tmp_path, words, left):
    file = facts_file(tmp_path)
    (line,) = (line for line in joined(call("data", "check", file, *words).stdout) if line.startswith(left))
    before, _, advised = line.rpartition("set ")
    advised = advised.replace("it to at most ", f"{'knowledge.entities' if 'entities is' in before else ''}=")
    path = advised.partition("=")[0]
    kept = [word for word in words if word != "--set" and word.partition("=")[0] not in (path, path.rpartition(".")[2])]
    result = call("data", "check", file, *kept, "--set", advised)
    assert result.exit_code == 0, result.output
    assert left not in [found.split(" ")[0] for found in joined(result.stdout)]


def test_an_experiment_is_checked_with_the_settings_it_would_run_with(tmp_path):
    file = facts_file(tmp_path)
    assert "'facts.csv'" not in call("data", "check", file, "--set", 'questions={"a": "Where is [X]?"}').output
    assert "no 'splat'" in error_of(call("data", "check", file, "--set", "model.splat=1"))
    assert "did you mean 'name_column'" in error_of(call("data", "check", file, "--set", "name_colum=a"))
    pocket = ["--experiment", "pocket", "--set", "name_column=a"]
    assert "row 9: a second 'a0'" in error_of(call("data", "check", file, *pocket))


def test_a_pocket_world_that_cannot_be_is_said_by_show(tmp_path):
    shown = call("show", "pocket", "--knowledge", facts_file(tmp_path, 30, "a"))
    assert "the pocket world needs two columns at least" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(("experiment", "rows"), [("pocket", 30), ("paper-main", 2)])
def test_facts_that_stop_a_run_are_said_once_before_anything_begins(tmp_path, monkeypatch, experiment, rows):
    monkeypatch.chdir(tmp_path)
    result = call("run", experiment, "--knowledge", facts_file(tmp_path, rows, "a"))
    assert result.exit_code == 2
    assert "two columns at least" if experiment == "pocket" else "entities at least" in result.stderr.splitlines()[-1]
    said = " ".join(result.stderr.split())
    assert said.count(" at least") == 1
    assert f"{rows} rows" in said
    assert not (tmp_path / "sayso-results").exists()


@pytest.mark.parametrize("delimiter", ["tab", "\\t"])
def test_a_tab_can_be_set_by_its_name(tmp_path, delimiter):
    file = tmp_path / "mine.csv"
    file.write_text("name\t2020\nAda\tx,y\n", encoding="utf-8")
    shown = call("data", "show", file, "--set", f"delimiter={delimiter}", "--set", "name_column=2020")
    assert "1, named in column '2020'" in shown.stdout, shown.output


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["the country,variable,value", "A,capital,B", "A,tongue,C", "D,capital,E"], []),
        (["subject,verb,object", "A,capital,B", "A,tongue,C", "D,capital,E"], []),
        (["the subject,relation,object", "A,capital,B", "A,tongue,C"], ["name_column=the subject"]),
        (["head,relation,tail", "A,capital,B", "C,,D"], []),
    ],
)
def test_an_advice_on_the_form_of_a_table_works(tmp_path, rows, words):
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    said = error_of(call("data", "show", file, *(part for word in words for part in ("--set", word))))
    (advised,) = shlex.split(said.rpartition(", set ")[2])
    assert call("data", "show", file, "--set", advised).exit_code == 0, said
    assert call("data", "check", file, "--set", advised, "--set", "entities=1").exit_code == 1
