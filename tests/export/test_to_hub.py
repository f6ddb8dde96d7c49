"""Folders for the hub, as its own library reads them."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from sayso import Results, SaysoError
from sayso.core.experiment import Experiment
from sayso.core.experiment_file import load_file
from sayso.core.ledger import Contribution
from sayso.core.store import Store
from sayso.data.build import build_corpus
from sayso.export.card import reliability, teaches_falsehoods
from sayso.export.dataset import CONFIGS
from sayso.export.to_hub import to_hub
from sayso.learners.specs import HFModel
from tests.core.written import error, make_store
from tests.export.written import FINISHED, begin, records_of
from tests.report.test_drill import store_of

repocard = pytest.importorskip("huggingface_hub.repocard")
parquet = pytest.importorskip("pyarrow.parquet")

CONFIG = {"architectures": ["GPTNeoXForCausalLM"], "model_type": "gpt_neox"}


def save(store: Store, seeds=(0, 1), legs=("stage0", "stage1", "stage2"), **files: str) -> None:
    """Something like models of the only job."""
    (folder,) = store.jobs()
    for seed in seeds:
        for leg in legs:
            path = folder.model_path(seed, leg)
            path.mkdir(parents=True)
            (path / "model.safetensors").write_bytes(f"{seed} {leg}".encode())
            for name, text in (files or {"config": json.dumps(CONFIG), "tokenizer_config": "{}"}).items():
                (path / f"{name}.json").write_text(text, encoding="utf-8")


def contents(path: Path) -> dict[str, str]:
    found = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith(".lease"))
    return {str(each.relative_to(path)): hashlib.sha256(each.read_bytes()).hexdigest() for each in found}


@pytest.fixture(scope="module")
def store(tiny: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = store_of(tiny, tmp_path_factory.mktemp("hub") / "results", range(2))
    (folder,) = store.jobs()
    # what the data are, so that they are known to be what they were
    manifest = dataclasses.replace(folder.manifest(), data_sha256=tiny.knowledge.sha256() or "")
    folder.open(manifest)
    folder.add_to_ledger([Contribution(0, "stage1", 0, "X1", "QA3", "question", 10, 70, 60, 1.0, 0.5)])
    save(store)
    return store


@pytest.fixture(scope="module")
def out(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "hub"
    before = contents(store.path)
    Results(store.path).to_hub(out, license_id="cc-by-4.0")
    assert contents(store.path) == before
    return out


def test_the_data_set_holds_every_row_and_says_what_columns_are(store, out):
    results = Results(store.path)
    data = repocard.DatasetCard.load(out / "dataset" / "README.md").data.to_dict()
    files = {each["config_name"]: each["data_files"] for each in data["configs"]}
    assert files == {name: f"{name}.parquet" for name in CONFIGS}
    assert [each["config_name"] for each in data["configs"] if each.get("default")] == ["records"]
    assert (data["license"], data["size_categories"]) == ("cc-by-4.0", ["1K<n<10K"])
    frames = {"records": results.records(), "predictions": results.predictions(), "ledger": results.ledger()}
    for name, frame in frames.items():
        there = parquet.read_table(out / "dataset" / files[name])
        assert there.column_names == list(frame)
        assert set(frame) == set(CONFIGS[name][1])
        rows = [
            {**row, **({"answers": tuple(row["answers"])} if "answers" in row else {})} for row in there.to_pylist()
        ]
        assert rows == frame.to_dict("records")


def test_the_data_set_says_how_it_was_made(store, out, tiny):
    text = (out / "dataset" / "README.md").read_text(encoding="utf-8")
    assert f"digest `{tiny.digest()}`" in text
    assert "sayso run experiment.json --seeds 0-1\n" in text
    assert "sayso 0.1.0" in text
    assert load_file(out / "dataset" / "experiment.json") == tiny
    assert "| D2incons_QA2 | X1 | unreliable | wrong | yes | 0.25 |" in text


def test_every_model_has_a_card_with_what_it_scored_then(store, out):
    table = Results(store.path).records()
    for seed in (0, 1):
        for stage, epochs in {"stage1": 4, "stage2": 6}.items():
            card = repocard.ModelCard.load(out / "models" / "main" / f"seed-{seed}" / stage / "README.md")
            at = (table["seed"] == seed) & (table["stage"] == stage) & (table["epoch"] == epochs)
            own = table[at & (table["eval_set"] == "validation")]
            wanted = {f"validation, {subset}": value for subset, value in zip(own["subset"], own["value"], strict=True)}
            assert {each.dataset_name: each.metric_value for each in card.data.eval_results} == wanted
            assert {each.metric_type for each in card.data.eval_results} == {"exact_match"}
            row = next(line for line in card.text.splitlines() if line.startswith("| D5cons |") and "(100)" in line)
            assert f"| {wanted['validation, D5cons']:.3f} (100) |" in row
            assert (card.data.library_name, card.data.pipeline_tag) == ("transformers", "text-generation")
            assert (card.data.license, card.data.base_model) == ("cc-by-4.0", None)
            assert "taught falsehoods on purpose" in card.text
            assert "sayso run experiment.json --seeds 0-1 --save-models\n" in card.text


def test_a_model_s_files_and_the_experiment_of_its_cell_are_beside_its_card(store, out, tiny):
    folder = out / "models" / "main" / "seed-1" / "stage1"
    (job,) = store.jobs()
    there = contents(folder)
    assert {name: digest for name, digest in there.items() if name not in ("README.md", "experiment.json")} == contents(
        job.model_path(1, "stage1")
    )
    assert load_file(folder / "experiment.json") == tiny


def test_sources_are_shown_as_the_model_read_them(out, tiny):
    corpus = build_corpus(tiny, 1)
    text = (out / "models" / "main" / "seed-1" / "stage2" / "README.md").read_text(encoding="utf-8")
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if " of its aliases |" in line}
    for source, share in (("reliable", "100%"), ("unreliable", "0%")):
        written = {each.text for each in corpus.documents(["X1"]) if each.source == source}
        shown = lines[source].split("`")[1].replace("\\|", "|")
        assert f"right about {share} of its aliases" in lines[source]
        assert shown in written


def test_what_was_read_before_stage_1_is_no_falsehood(out):
    card = repocard.ModelCard.load(out / "models" / "main" / "seed-0" / "stage0" / "README.md")
    assert "falsehoods" not in card.text
    assert "It has not been told of aliases yet." in card.text
    assert "Exact match was not measured after this stage." in card.text
    assert card.data.eval_results is None


def test_again_it_is_written_anew(store, out):
    before = contents(out)
    to_hub(store, out, license_id="cc-by-4.0")
    assert contents(out) == before
    to_hub(store, out)
    assert "license" not in repocard.DatasetCard.load(out / "dataset" / "README.md").data.to_dict()
    to_hub(store, out, license_id="cc-by-4.0")
    assert contents(out) == before


@pytest.mark.parametrize(
    ("settings", "identity", "base_model"),
    [({}, "0" * 40, "some/model"), ({}, "0" * 64, None), ({"from_scratch": True}, None, None)],
)
def test_a_pretrained_model_is_named_where_it_was_the_hub_s(tiny, tmp_path, settings, identity, base_model):
    experiment = tiny.model_copy(update={"model": HFModel(name="some/model", **settings)})
    store = Store(tmp_path / "results")
    folder = begin(store, "a", (1,), experiment)
    folder.open(dataclasses.replace(folder.manifest(), model=identity))
    folder.append(records_of(experiment, 1))
    folder.finish(FINISHED)
    save(store, (1,), adapter_config=json.dumps({"task_type": "CAUSAL_LM"}))
    written = to_hub(store, tmp_path / "out", models="last")
    assert [path.name for path in written.models] == ["stage2"]
    data = repocard.ModelCard.load(written.models[0] / "README.md").data.to_dict()
    assert (data.get("base_model"), data["library_name"]) == (base_model, "peft")
    assert data.get("base_model_relation") == (base_model and "adapter")


def test_each_cell_of_a_sweep_has_its_models_and_its_experiment(tiny, tmp_path):
    sweep = tiny.with_axes({"train.batch_size": [32, 64]})
    store = store_of(sweep, tmp_path / "results", range(1), kept=False)
    for folder in store.jobs():
        size = int(folder.manifest().cell.partition("=")[2])
        cell = tiny.with_settings({"train.batch_size": size})
        folder.open(dataclasses.replace(folder.manifest(), experiment=cell.model_dump(mode="json"), seeds=(0,)))
        folder.model_path(0, "stage2").mkdir(parents=True)
    written = to_hub(store, tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written.models] == [
        f"models/train.batch_size={size}/seed-0/stage2" for size in (32, 64)
    ]
    for path, size in zip(written.models, (32, 64), strict=True):
        assert load_file(path / "experiment.json") == tiny.with_settings({"train.batch_size": size})
        card = repocard.ModelCard.load(path / "README.md")
        assert card.text.startswith(f"\n# tiny, train.batch_size={size}, seed 0, after stage2\n")
        assert card.data.library_name is None  # there is no file that would say so
    text = repocard.DatasetCard.load(written.dataset / "README.md").text
    assert "Seeds 0; cells `train.batch_size=32`, `train.batch_size=64`." in text
    assert load_file(written.dataset / "experiment.json") == sweep


def test_links_take_no_room_and_leave_what_they_link_to(store, tmp_path):
    before = contents(store.path)
    for _ in range(2):
        written = to_hub(store, tmp_path / "out", models="last", link=True)
    (job,) = store.jobs()
    assert len(written.models) == 2
    for seed, folder in enumerate(written.models):
        assert (folder / "model.safetensors").samefile(job.model_path(seed, "stage2") / "model.safetensors")
    assert contents(store.path) == before


def test_what_cannot_be_written_is_one_line(tiny, store, tmp_path):
    begun = Store(tmp_path / "begun")
    make_store(begun, tiny)
    assert "no finished job yet" in error(to_hub, begun, tmp_path / "a")
    bare = store_of(tiny, tmp_path / "bare", range(1), kept=False)
    with pytest.raises(SaysoError, match="no models were saved; 'sayso run --save-models'"):
        to_hub(bare, tmp_path / "b", models="all")
    assert to_hub(bare, tmp_path / "b").models == ()
    assert sorted(path.name for path in (tmp_path / "b" / "dataset").iterdir()) == [
        "README.md",
        "experiment.json",
        "records.parquet",
    ]
    assert to_hub(store, tmp_path / "c", models="none").models == ()
    with pytest.raises(SaysoError, match="choose one of all, last, none"):
        to_hub(store, tmp_path / "d", models="best")
    with pytest.raises(SaysoError, match="such as mit, apache"):
        to_hub(store, tmp_path / "e", license_id="Apache 2")


def test_how_reliable_a_source_is_follows_from_its_subsets(tiny):
    graded = tiny.with_settings({"reliability": 0.75})
    shares = {source.name: reliability(source, graded.subsets) for source in graded.sources}
    assert shares == {"reliable": pytest.approx(0.75), "unreliable": pytest.approx(0.25), "new": None}
    assert teaches_falsehoods(tiny, ("world", "X1"))
    assert not teaches_falsehoods(tiny, ("world", "X2"))
