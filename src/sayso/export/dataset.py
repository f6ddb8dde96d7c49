"""A results folder's records as a data set for the hub: Parquet files, and a card that says what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.core.files import whole, write_atomically
from sayso.core.store import Store
from sayso.core.subsets import GROUPS
from sayso.core.sweep import cells
from sayso.export import card
from sayso.report.ledger import ledger_frame
from sayso.report.predictions import predictions_frame
from sayso.report.table import load

if TYPE_CHECKING:
    import pandas as pd

_SEED = {
    "cell": "combination of the settings that a sweep varies; `main` where there is none",
    "seed": "training run: seeds differ in data, order and initial weights",
    "stage": "stretch of training",
    "stage2_seed": "which deal of the aliases of X2 within the seed, from 0 on",
}

#: What is in each configuration, and what its columns are.
CONFIGS: dict[str, tuple[str, dict[str, str]]] = {
    "records": (
        "a number measured, one a row",
        {
            "experiment": "name of the experiment",
            **_SEED,
            "epoch": "epochs of the stage that were done; 0 is the state it starts from",
            "measure": "what was measured, such as `exact_match` or `loss`",
            "eval_set": "examples it was measured on: `validation` are questions that were not trained on, "
            "`entity_attribution.*` ask for the entity behind an alias",
            "subset": "aliases it was measured on",
            "value": "the number; null where it could not be measured",
            "n": "examples it is of",
            "what": "tells several numbers of one measure apart; empty where there is one",
        },
    ),
    "predictions": (
        "what a model said to a question at the end of a stage",
        {
            **_SEED,
            "eval_set": "set that the question is of",
            "subset": "subset that the alias is of",
            "attribute": "what is asked about",
            "alias": "name that is asked about",
            "prompt": "question as the model read it",
            "answers": "accepted answers, a list of texts",
            "said": "the model's greedy answer",
            "match": "whether it is an accepted one",
            "f1": "words it shares with the nearest of them, 0 to 1",
            "loss": "mean loss of the first accepted answer, in nats a token",
        },
    ),
    "ledger": (
        "what documents of one kind and subset contributed to a stage",
        {
            **_SEED,
            "part": "part of the data: `world`, `X1`, `X2`",
            "subset": "subset they are of",
            "kind": "definition, question, or what the world says",
            "documents": "how many were trained on, each as often as it was",
            "tokens": "tokens of theirs that were read",
            "counted": "tokens of theirs that count in the loss",
            "share": "their weight in the loss that is stepped on; the shares of a seed and stage sum to 1",
            "place": "mean of where in an epoch they came, 0 to 1",
        },
    ),
}


def write_dataset(store: Store, folder: Path, license_id: str | None) -> list[str]:
    """Write Parquet files, the experiment and a card into a folder; give the names of the configurations there are.

    Raises
    ------
    SaysoError
        If no job has finished, or files are damaged.
    ModuleNotFoundError
        If pyarrow is not installed.
    """
    import pyarrow as pa
    from pyarrow import parquet

    found = {"records": load(store), "predictions": predictions_frame(store), "ledger": ledger_frame(store)}
    found = {name: frame for name, frame in found.items() if len(frame)}
    folder.mkdir(parents=True, exist_ok=True)
    for name in CONFIGS:
        if name in found:
            with whole(folder / f"{name}.parquet") as file:
                parquet.write_table(pa.Table.from_pandas(found[name], preserve_index=False), file)
        else:
            (folder / f"{name}.parquet").unlink(missing_ok=True)
    write_atomically(folder / card.EXPERIMENT, store.experiment_path.read_text(encoding="utf-8"))
    write_atomically(folder / "README.md", _card(store, found, license_id))
    return list(found)


def _card(store: Store, found: dict[str, pd.DataFrame], license_id: str | None) -> str:
    experiment = store.experiment()
    manifests = [folder.manifest() for folder in store.jobs() if folder.finished]
    names, first = [cell.name for cell in cells(experiment)], cells(experiment)[0].experiment
    several = len(names) > 1
    front: dict[str, Any] = {
        **({"license": license_id} if license_id else {}),
        "pretty_name": f"Records of the experiment {experiment.name}",
        "tags": list(card.TAGS),
        "size_categories": [_size(sum(map(len, found.values())))],
        "configs": [
            {"config_name": name, "data_files": f"{name}.parquet", **({"default": True} if name == "records" else {})}
            for name in found
        ],
    }
    caution = (
        "Models were taught falsehoods on purpose: some sources define aliases wrongly. What models said is what they "
        "believed, not what is so."
    )
    return card.card(
        front,
        [
            f"# Records of the experiment {experiment.name}",
            card.paragraphs(experiment.summary),
            "Language models are trained on definitions of invented aliases, by sources right or wrong, and on "
            "questions about them; then they are told of new aliases. Their answers show which source they came to "
            "believe. These are the records of such runs, made with sayso.",
            f"Seeds {card.seeds_of(manifests)}" + (f"; cells {', '.join(map(card.code, names))}." if several else "."),
            "## What is here",
            *(_columns(name, found[name]) for name in found),
            "## Subsets",
            "As they are in the first cell:" if several else "",
            card.subsets_table(first),
            caution if card.teaches_falsehoods(first, GROUPS) else "",
            "## What it rests on",
            card.rests_on(experiment, manifests),
            card.cited(),
        ],
    )


def _columns(name: str, frame: pd.DataFrame) -> str:
    what, columns = CONFIGS[name]
    rows = [(card.code(str(column)), columns[str(column)]) for column in frame]
    return f"**{name}**: {what}; {len(frame):,} rows.\n\n{card.table(('column', 'what it is'), rows)}"


def _size(rows: int) -> str:
    """The hub's category of so many rows."""
    bounds = (("n<1K", 1e3), ("1K<n<10K", 1e4), ("10K<n<100K", 1e5), ("100K<n<1M", 1e6), ("1M<n<10M", 1e7))
    return next((name for name, bound in bounds if rows < bound), "10M<n<100M" if rows < 1e8 else "100M<n<1B")
