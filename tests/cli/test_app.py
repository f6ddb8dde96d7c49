import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sayso
from sayso.core.experiment import Experiment
from sayso.core.job_folder import JobFolder
from sayso.report.verdict_data import COLUMNS
from tests.cli.calling import SAYSO, call, error_of, process
from tests.cli.conftest import SHADOWS

# What is there


@pytest.mark.parametrize(
    "command", ["demo", "list", "show", "run", "status", "results", "claims", "report", "figures", "sample", "doctor"]
)
def test_the_help_of_each_command_shows_an_example(command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert re.search(rf"Examples?:\n +sayso {command}", result.stdout)


@pytest.mark.parametrize(
    "command", ["claims", "compare", "demo", "doctor", "export", "paper", "report", "run", "show", "trust", "watch"]
)
def test_help_tells_arguments_and_defaults_in_one_way(command: str) -> None:
    said = " ".join(call(command, "--help").stdout.split())
    assert "[[" not in said
    rest = said.partition("Options:")[2].partition(" Example")[0]
    brackets = re.findall(r"\[([^]]*)\]", rest)
    assert all(re.match(r"default: |required|.*<=?x|x>", words) for words in brackets), brackets


def test_version_and_no_command() -> None:
    assert call("--version").stdout.splitlines()[0] == f"sayso {sayso.__version__}"
    assert "Commands:" in call().stdout


def test_show_has_every_setting_and_its_json_is_the_experiment(tiny: Experiment, tiny_file: Path) -> None:
    page = call("show", tiny_file, "--sweep", "train.batch_size=[16, 32]").stdout
    for words in ("model.config.hidden_size", "D2incons_QA2", "stage1", "2 cells"):
        assert words in page
    assert "train.batch_size=32" in page
    assert "seeds 100-115 (16), 32 runs in all" in page
    assert tiny.digest() in call("show", tiny_file).stdout
    assert Experiment.model_validate_json(call("show", tiny_file, "--json").stdout) == tiny


def test_settings_are_json_where_they_parse_and_text_otherwise(tiny_file: Path) -> None:
    words = ["--set", "train.optimizer=adamw", "--set", "train.max_grad_norm=null", "--sweep", "train.batch_size=[8]"]
    experiment = Experiment.model_validate_json(call("show", tiny_file, "--json", *words).stdout)
    assert experiment.train.optimizer == "adamw"
    assert experiment.train.max_grad_norm is None
    assert experiment.axes == {"train.batch_size": (8,)}


def test_a_list_is_a_value_to_set_and_an_axis_to_sweep(tiny_file: Path) -> None:
    def shown(*words: str) -> Experiment:
        return Experiment.model_validate_json(call("show", tiny_file, "--json", *words).stdout)

    worded = shown("--set", 'sources.reliable.text=["A,","B,"]')
    assert (worded.axes, worded.sources[0].texts) == ({}, ("A,", "B,"))
    assert shown("--sweep", 'sources.reliable.text=["A,","B,"]').axes == {"sources.reliable.text": ("A,", "B,")}
    two = shown("--sweep", "train.batch_size=[16]", "--sweep", 'definition.order=["TAE","EAT"]')
    assert two.axes == {"train.batch_size": (16,), "definition.order": ("TAE", "EAT")}


@pytest.mark.parametrize("command", ["show", "run", "sample"])
def test_a_list_where_one_value_is_meant_is_an_error_and_its_advice_works(command: str, tiny_file: Path) -> None:
    message = error_of(call(command, tiny_file, "--set", 'definition.order=["TAE", "EAT"]'))
    assert message.startswith("setting definition.order: definition.order: input should be")
    advice = shlex.split(message.partition("; to try each value of a list: ")[2])[:2]
    assert advice == ["--sweep", 'definition.order=["TAE","EAT"]']
    assert "2 cells" in call("show", tiny_file, *advice).stdout
    assert call("sample", tiny_file, *advice).exit_code == 0


@pytest.mark.parametrize("model", ["llama", "t5"])
def test_model_and_knowledge_are_settings_of_their_own(model: str, tiny_file: Path) -> None:
    shown = call("show", tiny_file, "--json", "--model", model, "--knowledge", "notables")
    experiment = json.loads(shown.stdout)
    assert experiment["model"]["architecture"] == model
    assert experiment["knowledge"]["facts"] == "notables"


def test_an_experiment_can_be_named_in_a_module_of_the_current_folder(tmp_path: Path, tiny_file: Path) -> None:
    (tmp_path / "mine.py").write_text(f"import sayso\nMINE = sayso.load({str(tiny_file)!r})\n", encoding="utf-8")
    done = process(["show", "mine:MINE"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tiny   digest ")


def test_sample_prints_documents_with_their_use_and_subset(tiny_file: Path) -> None:
    lines = call("sample", tiny_file, "--subset", "D5cons", "-n", "1").stdout.splitlines()[2:]
    assert {tuple(line.split()[:2]) for line in lines} >= {("X2", "D5cons"), ("validation", "D5cons")}
    definition = lines[0].split(maxsplit=2)[2]
    assert re.fullmatch(r"\w{6} <\|\w{5}\|> entity-\d{3}", definition)
    other = call("sample", tiny_file, "--subset", "D5cons", "-n", "1", "--seed", "7").stdout.splitlines()[2:]
    assert other != lines
    twice = call("sample", tiny_file, "--subset", "D5cons", "-n", "2").stdout.splitlines()[2:]
    assert len(twice) == 2 * len(lines)


# Bad input: one line, exit code 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "pockett"], "no experiment 'pockett'; did you mean 'pocket'?"),
        (["show", "missing.yaml"], "missing.yaml: not a readable experiment file"),
        (["show", "nowhere.to.be:FOUND"], "cannot import 'nowhere.to.be'"),
        (["show", "sayso:Experiment"], "not an Experiment"),
        (["show", "TINY", "--set", "train.batch_sise=2"], "no 'batch_sise' in train; did you mean 'batch_size'?"),
        (["show", "TINY", "--set", "train.batch_size=many"], "setting train.batch_size: input should be"),
        (["show", "TINY", "--set", "stages.stage1.epochs=x"], "setting stages.stage1.epochs: input should be"),
        (["show", "TINY", "--set", "stages.1.epochs=x"], "setting stages.1.epochs: input should be"),
        (
            ["show", "TINY", "--set", "stages.stage1.overrides.batch_size=x"],
            "setting stages.stage1.overrides.batch_size: input should be",
        ),
        (["show", "TINY", "--set", 'train.sampling={"steps_per_epoch": 0}'], "train.sampling.steps_per_epoch: input"),
        (["show", "TINY", "--swep", "x=[1]"], "No such option: --swep"),
        (["show", "TINY", "--swep", "x=[1]"], "--sweep"),
        (["show", "TINY", "--swep", "x=[1]"], "(see 'sayso show --help')"),
        (["data", "prepare", "--jsn"], "(see 'sayso data prepare --help')"),
        (["nothing"], "(see 'sayso --help')"),
        (["doctor", "--model", "gpt2"], "--model and --knowledge are those of an experiment"),
        (["show", "TINY", "--set", "stages.stage9.epochs=1"], "no 'stage9' in stages; did you mean 'stage"),
        (["show", "TINY", "--set", "train.batch_size"], "write path=value"),
        (
            ["show", "TINY", "--set", "a=1", "--set", "a=2"],
            "a is given twice; to try several values: --sweep a='[...]'",
        ),
        (["show", "TINY", "--sweep", "train.batch_size"], "--sweep 'train.batch_size': write path='[value, value]'"),
        (
            ["show", "TINY", "--sweep", "train.batch_size=3"],
            "--sweep train.batch_size: '3' is not a list as JSON has it",
        ),
        (["show", "TINY", "--sweep", "train.batch_size=[a]"], "'[a]' is not a list as JSON has it"),
        (["show", "TINY", "--sweep", "train.batch_size=[]"], "needs at least one value"),
        (["show", "TINY", "--sweep", "train.batch_sise=[1]"], "did you mean 'batch_size'?"),
        (
            ["show", "TINY", "--sweep", "seeds.count=[1]", "--set", "seeds.count=2"],
            "both --set and --sweep; choose one",
        ),
        (["show", "TINY", "--set", "train.batch_size=" + "[" * 100_000], "train.batch_size: input should be"),
        (["show", "TINY", "--code", "nowhere"], "--code nowhere: no such folder"),
        (["show", "file.py:X"], "'file.py:X': no such file"),
        (
            ["show", "TINY", "--knowledge", "facts.csv"],
            "no such file, and no such facts; there is: notables, synthetic",
        ),
        (["show", "TINY", "--model", "lama"], "did you mean 'llama'?"),
        (["show", "TINY", "--model", "org/some-model"], "for example: gpt_neox, gpt2, llama"),
        (["run", "TINY", "--seeds", "0-"], "seeds '0-': write a number of seeds such as 16, or a range"),
        (["run", "TINY", "--seeds", "9-3"], "asks for no seeds"),
        (["run", "TINY", "--jobs", "0"], "--jobs"),
        (["run", "TINY", "--out", "file/below"], "file/below: cannot write here: Not a directory; choose another"),
        (["run", "TINY", "--out", "file"], "file: cannot write here: File exists; choose another"),
        (["run"], "NAME"),
        (["rum", "TINY"], "No such command 'rum'. Did you mean 'run'?"),
        (["run", "TINY", "--sets", "a=1"], "--sets"),
        (["sample", "TINY", "--subset", "D5con"], "no subset 'D5con'; did you mean 'D5cons'?"),
        (["status"], "no results below sayso-results"),
        (["status", "nowhere"], "nowhere: not a results folder"),
        (["results", "nowhere"], "nowhere: not a results folder"),
        (["results", "--csv", "--json"], "exclude each other"),
        (["claims", "--csv", "--json"], "exclude each other"),
    ],
)
def test_bad_input_is_one_line_that_says_what_would_be_right(
    words: list[str], says: str, tiny_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    assert says in error_of(call(*(tiny_file if word == "TINY" else word for word in words)))
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


def test_bad_input_ends_a_process_with_one_line_too(tmp_path: Path) -> None:
    done = process(["run", "pockett"], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sayso: error: no experiment 'pockett'")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_stops_reading_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*SAYSO, "show", "pocket"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 1


# A run and its results


def test_a_run_ends_with_the_table_the_claims_and_the_report(finished: subprocess.CompletedProcess[str]) -> None:
    assert "stage1" in finished.stdout
    assert "attribution" in finished.stdout
    assert re.search(r"^D5cons( +\d\.\d{3}){4}$", finished.stdout, re.MULTILINE)
    assert "undecided" in finished.stdout
    assert "undecided for want of seeds: 2 seeds, and a test takes at least 3" in finished.stdout
    assert "seeds: planned 2, looked once" in finished.stdout
    assert finished.stdout.splitlines()[-1] == "report: results/report.html"
    assert (Path(finished.args[0]) / "results" / "report.html").exists()


def test_files_of_the_working_folder_are_not_taken_for_modules(finished: subprocess.CompletedProcess[str]) -> None:
    folder = Path(finished.args[0])
    assert {path.stem for path in folder.glob("*.py")} == set(SHADOWS)
    assert not (folder / "executed").exists()


def test_a_run_that_is_not_on_a_terminal_says_plain_lines(finished: subprocess.CompletedProcess[str]) -> None:
    lines = finished.stderr.splitlines()
    assert lines[:2] == ["results go to results", "to run: seeds 100-101 (2 seeds)"]
    stages = [re.search(r"seeds 100-101: (stage\d) (\d)/(\d); loss [\d.]+; exact match ", line) for line in lines[3:]]
    ends = [found.groups() for found in stages if found]
    assert ends == [("stage0", "1", "1"), ("stage1", "4", "4"), ("stage2", "6", "6")]
    assert "\x1b" not in finished.stderr


@pytest.mark.usefixtures("no_charts")
def test_a_finished_run_runs_nothing_again(results: Path, run_command: list[str]) -> None:
    before = {path: path.read_bytes() for path in results.rglob("*.jsonl")}
    again = call(*run_command)
    assert again.exit_code == 0
    assert again.stderr.splitlines() == [
        "results go to results",
        "finished before: seeds 100-101",
        "nothing is left to run",
    ]
    assert before == {path: path.read_bytes() for path in results.rglob("*.jsonl")}


def test_names_of_files_are_such_as_every_system_takes(results: Path) -> None:
    names = [path.relative_to(results).as_posix() for path in results.rglob("*")]
    assert [name for name in names if re.search(r'[<>:"\\|?*]|[ .](/|$)', name)] == []
    assert len({name.lower() for name in names}) == len(names) > 10


def test_results_are_a_table_or_csv_or_json(results: Path) -> None:
    assert "exact match, 2 seeds: too few for intervals" in call("results", results).stdout
    csv = call("results", results, "--csv").stdout.splitlines()
    assert csv[0] == "experiment,cell,seed,stage,epoch,measure,eval_set,subset,value,n"
    rows = json.loads(call("results", results, "--json").stdout)
    assert list(rows[0]) == csv[0].split(",")
    assert len(rows) == len(csv) - 1


def test_the_ledger_is_a_table_or_csv_or_json_and_folders_of_before_say_that_they_have_none(results: Path) -> None:
    page = call("results", results, "--ledger").stdout
    assert page.index("stage0") < page.index("world: told") < page.index("stage1") < page.index("D1cons_QA1")
    assert "all epochs of a stage together, mean over 2 seeds" in page
    csv = call("results", results, "--ledger", "--csv").stdout.splitlines()
    assert csv[0] == "cell,seed,stage,part,subset,kind,documents,tokens,counted,share,place"
    rows = json.loads(call("results", results, "--ledger", "--json").stdout)
    assert len(rows) == len(csv) - 1
    for seed, stage in {(row["seed"], row["stage"]) for row in rows}:
        own = [row["share"] for row in rows if (row["seed"], row["stage"]) == (seed, stage)]
        assert sum(own) == pytest.approx(1, abs=1e-5)
    for path in results.rglob("ledger.jsonl"):
        path.unlink()
    assert "not known: this folder was made before sayso kept it" in " ".join(
        call("results", results, "--ledger").stdout.split()
    )
    assert len(call("results", results, "--ledger", "--csv").stdout.splitlines()) == 1


def test_what_models_said_is_csv_or_json_or_said_not_to_be_there(results: Path) -> None:
    assert (
        f"'sayso measure {results} --add predictions' adds it"
        in call("results", results, "--predictions", "--csv").stderr
    )
    assert "add --csv or --json" in call("results", results, "--predictions").stderr
    assert "exclude each other" in call("results", results, "--predictions", "--ledger", "--csv").stderr
    (job,) = (results / "jobs").iterdir()
    row = {"seed": 100, "stage": "stage2", "stage2_seed": 0, "eval_set": "validation", "subset": "QA7"}
    columns = {
        "attribute": "born",
        "alias": "a",
        "prompt": "born a ?",
        "said": "1920s",
        "match": True,
        "f1": 1,
        "loss": 0.1,
    }
    lists = {name: [value] for name, value in columns.items()}
    JobFolder(job).write_details("predictions-stage2", [{**row, **lists, "answers": [["1920s", "the 1920s"]]}])
    (line,) = call("results", results, "--predictions", "--csv").stdout.splitlines()[1:]
    assert line == 'main,100,stage2,validation,QA7,born,a,born a ?,"[""1920s"", ""the 1920s""]",1920s,True,1,0.1'
    (found,) = json.loads(call("results", results, "--predictions", "--json").stdout)
    assert (found["answers"], found["match"]) == (["1920s", "the 1920s"], True)


def test_claims_are_a_page_or_json_of_the_same_verdicts(results: Path) -> None:
    rows = json.loads(call("claims", results, "--json").stdout)
    page = call("claims", results).stdout
    assert {row["outcome"] for row in rows} == {"undecided"}
    assert page.splitlines()[0] == (
        f"{len(rows)} claims are undecided for want of seeds: 2 seeds, and a test takes at least 3; the report shows "
        "each, and 'sayso claims --csv'"
    )
    assert len(page.splitlines()) == 2
    assert all(row["claim"] and row["reason"] == "2 seeds are too few" for row in rows)
    assert {(row["seeds"], row["low"], row["p_corrected"], row["interim"]) for row in rows} == {(2, None, None, False)}
    assert rows[0]["plans"] == [2]


def test_claims_as_csv_are_the_same_with_a_row_each(results: Path) -> None:
    found = [*csv.DictReader(call("claims", results, "--csv").stdout.splitlines())]
    rows = json.loads(call("claims", results, "--json").stdout)
    assert [row["claim"] for row in found] == [row["claim"] for row in rows]
    assert tuple(found[0]) == COLUMNS
    for name in ("outcome", "reason", "difference", "p_corrected", "seeds"):
        assert [row[name] for row in found] == ["" if row[name] is None else str(row[name]) for row in rows]


def test_results_status_claims_and_report_find_a_folder_by_its_name(results: Path, tmp_path: Path) -> None:
    results.rename(tmp_path / "elsewhere")
    (tmp_path / "sayso-results").mkdir()
    (tmp_path / "elsewhere").rename(tmp_path / "sayso-results" / "tiny")
    assert call("claims").stdout == call("claims", "tiny").stdout != ""
    assert call("report", "tiny").stdout == "sayso-results/tiny/report.html\n"
    assert "finished   100-101   11 of 11" in call("status").stdout


def test_status_says_what_lacks_and_the_command_that_goes_on(results: Path) -> None:
    assert call("status", results).stdout.splitlines()[-1] == "all finished"
    (job,) = (results / "jobs").iterdir()
    (job / "finished.json").unlink()
    position = {"leg": 1, "epoch": 2, "checkpoint": "checkpoint-1-2.pt", "records": 0}
    (job / "position.json").write_text(json.dumps([position]), encoding="utf-8")
    page = call("status", "results").stdout
    assert "stopped   100-101   3 of 11" in page
    assert "to go on: sayso run results/experiment.json --out results\n" in page


def test_another_spec_in_the_folder_is_refused_and_nothing_is_lost(results: Path, run_command: list[str]) -> None:
    before = {path: path.read_bytes() for path in results.rglob("[!.]*") if path.is_file()}
    message = error_of(call(*run_command, "--set", "train.learning_rate=0.5"))
    assert "(train.learning_rate is 0.003 there, 0.5 here); choose another folder with --out" in message
    assert before == {path: path.read_bytes() for path in results.rglob("[!.]*") if path.is_file()}


def test_changed_settings_get_a_folder_of_their_own(tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / "sayso-results").write_text("so that nothing is trained", encoding="utf-8")
    plain = error_of(call("run", tiny_file))
    changed = error_of(call("run", tiny_file, "--set", "train.learning_rate=0.5"))
    assert plain.startswith("sayso-results/tiny: ")
    assert re.match(r"sayso-results/tiny-[0-9a-f]{8}: ", changed)


@pytest.mark.parametrize("command", ["run", "results", "claims", "report"])
def test_a_truncated_records_file_is_named_with_what_to_do(command: str, results: Path, run_command: list[str]) -> None:
    (records,) = results.rglob("records.jsonl")
    os.truncate(records, records.stat().st_size - 10)
    result = call(*run_command) if command == "run" else call(command, results)
    message = error_of(result)
    assert f"{records.relative_to(results.parent)}: line " in message
    assert "is cut off or not a record; delete the folder" in message


def test_missing_extras_are_named_with_the_command_that_installs_them(results: Path) -> None:
    code = (
        "import sys; sys.modules['pandas'] = None; sys.argv = ['sayso', 'results', 'results']\n"
        "from sayso.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=results.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "sayso: error: this needs pandas, which is not installed: pip install 'sayso[all]'\n"


def stop(run_command: list[str], folder: Path, number: signal.Signals) -> None:
    """Start a run, and signal its process when its first stage has ended."""
    with subprocess.Popen(
        [*SAYSO, *run_command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whatever started the tests may ignore it
    ) as command:
        assert command.stderr is not None
        said = ""
        while "stage0 1/1" not in said:
            said = command.stderr.readline()
            assert said, "ended before it could be stopped"
        command.send_signal(number)
        output, errors = command.communicate(timeout=60)
    assert (command.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "stopped; the same command goes on where it was"


@pytest.mark.usefixtures("in_this_process", "no_charts")
def test_after_ctrl_c_the_same_command_goes_on_to_the_same_bytes(
    finished: subprocess.CompletedProcess[str], run_command: list[str], tmp_path: Path
) -> None:
    stop(run_command, tmp_path, signal.SIGINT)
    assert re.search(r"stopped +100-101 +\d+ of 11", call("status", "results").stdout)
    again = call(*run_command)
    assert again.exit_code == 0, again.stderr
    assert re.search(r"^goes on: 100-101 after \d+ of 11 epochs$", again.stderr, re.MULTILINE)
    assert "stage0" not in again.stderr
    whole = call("results", Path(finished.args[0]) / "results", "--csv").stdout
    assert call("results", "results", "--csv").stdout == whole != ""


def test_a_run_told_to_terminate_stops_in_the_same_way(run_command: list[str], tmp_path: Path) -> None:
    stop(run_command, tmp_path, signal.SIGTERM)
    assert "to go on: sayso run results/experiment.json --out results" in call("status", "results").stdout
