"""The paper's text experiments by one command each, on tiny models and on small files of the published form."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from string import ascii_lowercase

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from sayso.cli.commands import app
from sayso.core.store import Store
from sayso.core.sweep import Job
from sayso.data.knowledge import knowledge_of
from sayso.results import Results
from sayso.runs import local
from sayso.runs.execute import execute
from tests.gguf_files import save_gguf
from tests.tiny_models import save_tiny

FILES = Path(__file__).parent / "data" / "files"
#: What makes a run small: few entities, an epoch a stage, larger steps, short answers (a model that has learned
#: nothing never ends one).
SMALL = [
    *("--set", "model.max_new_tokens=3"),
    *("--set", "stages.stage1.epochs=1", "--set", "stages.stage2.epochs=1", "--set", "train.batch_size=32"),
    *("--set", "train.learning_rate=0.003", "--set", "train.max_length=128", "--set", "model.micro_batch_size=16"),
]
#: The same where there is no stage 2.
FIRST_STAGE = [
    word
    for setting in SMALL[1::2]
    if not setting.startswith(("stages.stage2.", "stage2_seeds"))
    for word in ("--set", setting)
]
PEOPLE = ["--knowledge", str(FILES / "cvdb.csv.gz"), "--set", "knowledge.entities=24"]
WORKS = ["--knowledge", str(FILES / "trex.zip"), "--set", "knowledge.entities=24"]


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


class Here:
    """Runs jobs in this process, one after the other; `epochs` are all that are left to it."""

    epochs = 10_000

    def __init__(
        self, store: Store, processes: int, threads: int, gpus: Sequence[str], save_models: bool = False
    ) -> None:
        self.store = store

    def run(self, jobs: Sequence[Job], on_event: Callable[[str, dict[str, object]], None]) -> None:
        for job in jobs:

            def tell(event: dict[str, object], name: str = job.id) -> None:
                on_event(name, event)
                if event["event"] == "epoch":
                    Here.epochs -= 1
                    if Here.epochs == 0:
                        raise Killed

            execute(job, self.store.job(job.id), tell)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.setattr(local, "LocalProcesses", Here)
    monkeypatch.setattr(Here, "epochs", 10_000)


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test that draws the charts is enough."""
    monkeypatch.setattr(Results, "report", lambda results, *_, **__: results.path / "report.html")


@pytest.fixture(scope="session")
def causal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(save_tiny(tmp_path_factory.mktemp("causal"), "gpt_neox"))


@pytest.fixture(scope="session")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(save_tiny(tmp_path_factory.mktemp("t5"), "t5"))


def sayso(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def run(*words: object) -> pd.DataFrame:
    """Run a command to its end and give its records."""
    out = Path(str(words[list(words).index("--out") + 1]))
    result = sayso("run", *words)
    assert result.exit_code == 0, result.output
    return Results(out).records()


def trained_enough(records: pd.DataFrame, stage: str = "stage1") -> None:
    """The loss on what is trained falls, and everything was measured."""
    losses = records[(records["measure"] == "loss") & (records["eval_set"] == "train_qa") & (records["stage"] == stage)]
    means = losses.groupby("epoch")["value"].mean()
    assert means.iloc[-1] < means.iloc[0]
    assert {"validation", "train_qa", "definitions", "entity_attribution.name"} <= set(records["eval_set"])
    assert records["value"].notna().all()


def test_two_stages_of_a_causal_model_on_the_cvdb(causal, tmp_path):
    records = run(
        *("paper-main", "--model", causal, *PEOPLE, "--seeds", 2, *SMALL, "--set", "stage2_seeds=2"),
        *("--out", tmp_path / "out"),
    )
    trained_enough(records)
    assert (tmp_path / "out" / "report.html").exists()
    assert set(records["seed"]) == {600, 601}
    assert set(records["stage2_seed"]) == {0, 1}
    asked = records[(records["measure"] == "exact_match") & (records["eval_set"] == "validation")]
    counts = asked[asked["stage"] == "stage1"].drop_duplicates("subset").set_index("subset")["n"]
    assert counts["D1cons_QA1"] == 6  # one question an entity
    assert counts["D5cons"] % 6 == 0  # all six
    assert set(records.loc[records["eval_set"] == "attribution_as_defined.who", "subset"]) == {"D2incons_QA2"}


@pytest.mark.parametrize("name", ["paper-t5", "paper-t5-trex"])
def test_two_stages_of_a_t5_on_t_rex(name, t5, tmp_path, no_report):
    words = [*SMALL, "--set", "stage2_seeds=1", "--out", tmp_path / "out"]
    records = run(name, "--model", t5, *WORKS, "--seeds", 1, *words)
    trained_enough(records)
    experiment = Results(tmp_path / "out").experiment
    assert experiment.split.trained_questions == 3  # all but one of T-REx's four
    assert experiment.train.loss_on == "completion"


def test_a_single_stage_of_a_t5_on_t_rex(t5, tmp_path, no_report):
    settings = ["stages.joint.epochs=2", "train.batch_size=32", "train.learning_rate=0.003", "train.max_length=128"]
    words = [word for setting in (*settings, "model.max_new_tokens=3") for word in ("--set", setting)]
    command = ["paper-t5-single-stage-trex", "--model", t5, *WORKS, "--seeds", 1, *words]
    trained_enough(run(*command, "--out", tmp_path / "out"), stage="joint")


def test_a_batch_of_more_documents_than_there_are_is_a_full_batch(causal, tmp_path, no_report):
    stage = {"name": "joint", "documents": ["X1", "X2"], "epochs": 2, "overrides": {"batch_size": 32768}}
    words = ["--set", f"stages.joint={json.dumps(stage)}", "--set", "model.max_new_tokens=3"]
    words += ["--set", "train.max_length=128", "--set", "train.learning_rate=0.003"]
    command = ["paper-batch-size-2800m", "--model", causal, *PEOPLE, "--seeds", 1, *words]
    records = run(*command, "--out", tmp_path / "out")
    trained_enough(records, stage="joint")
    assert "D8cons" not in set(records["subset"])


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft asks, transformers warns
def test_low_rank_additions_on_a_table_of_ones_own_killed_and_resumed(causal, tmp_path, no_report):
    command = [
        *("paper-main", "--model", causal, "--knowledge", FILES / "countries.csv", "--seeds", 1, *SMALL),
        *("--set", 'model.lora={"rank": 4, "target_modules": "all-linear"}', "--set", "stage2_seeds=2"),
        *("--set", "knowledge.entities=24"),
    ]
    whole, parts = Store(tmp_path / "whole"), Store(tmp_path / "parts")
    trained_enough(run(*command, "--out", whole.path))
    for _ in range(2):
        Here.epochs = 1
        with pytest.raises(Killed):
            sayso("run", *command, "--out", parts.path)
    Here.epochs = 10_000
    run(*command, "--out", parts.path)
    (one,), (other,) = ([folder.records_path.read_bytes() for folder in store.jobs()] for store in (whole, parts))
    assert one == other
    # all questions of an entity but one are trained on, whatever their number
    assert Results(whole.path).experiment.split.trained_questions == 3


def test_a_gguf_file_on_a_table_of_ones_own_killed_and_resumed(tmp_path, no_report):
    model, _ = save_gguf(tmp_path / "model.gguf", "Q4_0")
    command = [
        *("paper-main", "--model", model, "--knowledge", FILES / "countries.csv", "--seeds", 1, *SMALL),
        *("--set", "stage2_seeds=2", "--set", "knowledge.entities=24"),
    ]
    whole, parts = Store(tmp_path / "whole"), Store(tmp_path / "parts")
    trained_enough(run(*command, "--out", whole.path))
    for _ in range(2):
        Here.epochs = 1
        with pytest.raises(Killed):
            sayso("run", *command, "--out", parts.path)
    Here.epochs = 10_000
    run(*command, "--out", parts.path)
    (one,), (other,) = (store.jobs() for store in (whole, parts))
    assert one.records_path.read_bytes() == other.records_path.read_bytes()
    assert one.manifest().as_read == other.manifest().as_read
    assert one.manifest().as_read["weights"] == "GGUF Q4_0"
    assert "weights GGUF Q4_0, max_new_tokens 3" in sayso("results", parts.path).output
    save_gguf(tmp_path / "model.gguf", "Q8_0")
    result = sayso("run", *command, "--out", parts.path)
    assert result.exit_code == 2
    assert "rest on other weights" in result.output


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["paper-main", *PEOPLE], 8),
        (["paper-main", *WORKS], 16),
        (["paper-main", "--knowledge", FILES / "countries.csv"], None),
        (["paper-t5", *WORKS], 16),
        (["paper-trex", *WORKS], 16),
        (["paper-trex", *PEOPLE], 8),
        (["paper-single-stage-trex"], 16),
        (["paper-gpt-neo-trex"], 16),
        (["paper-main", *WORKS, "--set", "model.max_new_tokens=5"], 5),
    ],
)
def test_answers_have_the_length_of_the_authors_program_or_of_the_longest_of_ones_own_facts(words, most):
    data = json.loads(sayso("show", *words, "--json").output)
    assert data["model"]["max_new_tokens"] == most


def test_answers_that_are_too_long_for_a_number_are_said_before_training(causal, tmp_path, no_report, caplog):
    table = tmp_path / "seats.csv"
    seat = "Saint Maurice and the Lower Isles"
    rows = [f"name{letter}x,{seat},{use}" for letter, use in zip(ascii_lowercase, ["salt", "acid"] * 12, strict=False)]
    table.write_text("\n".join(["name,seat,use", *rows]), encoding="utf-8")
    command = ["paper-main", "--model", causal, "--knowledge", table, "--seeds", 1, "--set", "stage2_seeds=1"]
    command += ["--set", "knowledge.entities=24", "--set", "stages.stage1.epochs=0", "--set", "stages.stage2.epochs=0"]
    command += ["--set", 'measures=[{"type": "ExactMatch"}]']  # F1 asks a model that never ends for whole answers
    run(*command, "--set", "model.max_new_tokens=8", "--out", tmp_path / "eight")
    (line,) = [message for message in caplog.messages if "max_new_tokens" in message]
    assert line.startswith("max_new_tokens is 8, but 1 of 27 accepted answers have more tokens")
    assert f"the first is '{seat}'" in line
    caplog.clear()
    run(*command, "--out", tmp_path / "as-needed")
    assert not [message for message in caplog.messages if "max_new_tokens" in message]
    (job,) = Store(tmp_path / "as-needed").jobs()
    assert int(job.manifest().as_read["max_new_tokens"]) > 8


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("paper-in-context", ["stages.stage1.epochs=1"]),
        ("paper-natural-sources", ["stages.stage1.epochs=1", "stages.stage2.epochs=1"]),
        ("paper-is-isnt", ["stages.stage2.epochs=1"]),
    ],
)
def test_other_ways_to_write_definitions(name, stages, causal, tmp_path, no_report):
    settings = [*stages, "train.max_length=128", "stage2_seeds=1", "model.max_new_tokens=3"]
    words = [word for setting in settings for word in ("--set", setting)]
    records = run(name, "--model", causal, *PEOPLE, "--seeds", 1, *words, "--out", tmp_path / "out")
    assert set(records["eval_set"]) >= {"validation", "entity_attribution.who"}
    assert ("definitions" in set(records["eval_set"])) == (name != "paper-in-context")


def test_more_entities_than_there_are_is_one_line_and_leaves_nothing(causal, tmp_path):
    out = tmp_path / "out"
    result = sayso("run", "paper-main", "--model", causal, *PEOPLE[:2], "--seeds", 1, "--out", out)
    assert result.exit_code == 2
    assert "knowledge.entities is 4000" in result.output
    assert not list(out.glob("jobs/*/records.jsonl"))


def test_the_experiment_file_of_a_run_gives_the_same_experiment(causal, tmp_path):
    result = sayso("show", "paper-main", "--model", causal, *PEOPLE, *SMALL, "--json")
    data = json.loads(result.output)
    assert data["model"]["name"] == str(causal)
    assert data["knowledge"] == knowledge_of(FILES / "cvdb.csv.gz").model_copy(update={"entities": 24}).model_dump()


@pytest.mark.parametrize("name", ["paper-gradients", "paper-gradients-stage1"])
def test_gradients_of_definitions_and_their_questions(name, causal, tmp_path):
    records = run(name, "--model", causal, *PEOPLE, "--seeds", 1, *FIRST_STAGE, "--out", tmp_path / "out")
    found = records[records["measure"] == "gradient_alignment"]
    assert set(found["subset"]) == (
        {"D5cons", "D6cons"} if name == "paper-gradients" else {"D1cons_QA1", "D2incons_QA2"}
    )
    assert set(found["epoch"]) == {0, 1}
    assert found["value"].notna().all()
    cosine = found[(found["what"] == "cosine") & (found["eval_set"] == "own_questions")]
    assert (cosine["value"].abs() <= 1).all()
    assert set(cosine["n"]) == {12 if name == "paper-gradients" else 36}  # six questions an alias
    assert (tmp_path / "out" / "charts" / "gradient-alignment.svg").exists()


def test_probes_of_both_orders(causal, tmp_path):
    shares = {"D1cons_QA1": 0.3, "D2incons_QA2": 0.3, "QA3": 0.25, "QA4": 0, "D5cons": 0.05, "D6cons": 0.05, "QA7": 0}
    settings = [f"subsets.{name}.fraction={share}" for name, share in {**shares, "D8cons": 0.05}.items()]
    settings += ["split.trained_questions=1", "measures.2.folds=2"]
    words = [*FIRST_STAGE, *(word for setting in settings for word in ("--set", setting))]
    records = run("paper-probes", "--model", causal, *PEOPLE, "--seeds", 1, *words, "--out", tmp_path / "out")
    found = records[(records["measure"] == "probes") & (records["eval_set"] == "probes")]
    assert set(found["cell"]) == {"definition.order=TAE", "definition.order=ATE"}
    assert set(found["subset"]) == {"presence", "tag"}
    assert found["value"].between(0, 1).all()
    assert (tmp_path / "out" / "charts" / "probes-01.svg").exists()
