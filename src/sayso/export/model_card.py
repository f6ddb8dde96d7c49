"""The card of a saved model: what it started from, what it was told by whom, and what it then believed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.identity import Today, origin_of
from sayso.core.legs import Leg
from sayso.core.records import Manifest, Record
from sayso.core.subsets import GROUPS
from sayso.core.training import Stage
from sayso.data.build import build_corpus
from sayso.export import card

#: The measure that cards give the results of, and the evaluation sets that the hub is told of.
MEASURE = "exact_match"
_TOLD = ("validation", "pretraining")

_SHA256 = 64  # hex digits


@dataclass(frozen=True)
class Saved:
    """A model that was saved: of which job and seed, after which leg, and what it scored then.

    `experiment` is that of its cell. `scores`: (evaluation set, subset) -> exact match and how many examples it is of.
    """

    path: Path
    manifest: Manifest
    experiment: Experiment
    seed: int
    leg: Leg
    scores: Mapping[tuple[str, str], tuple[float, int]]

    @property
    def name(self) -> str:
        """What the model is called."""
        cell = "" if self.manifest.cell == "main" else f", {self.manifest.cell}"
        return f"{self.experiment.name}{cell}, seed {self.seed}, after {self.leg.label}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the data that it was trained on, over all its stages."""
        return tuple(dict.fromkeys(part for stage in self.stages for part in stage.parts))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages it has been through."""
        names = [stage.name for stage in self.experiment.stages]
        return self.experiment.stages[: names.index(self.leg.stage.name) + 1]


def scores_after(records: Sequence[Record], seed: int, leg: Leg) -> dict[tuple[str, str], tuple[float, int]]:
    """Exact match of a seed at the end of a leg, where it was measured."""
    return {
        (record.eval_set, record.subset): (record.value, record.n)
        for record in records
        if (record.seed, record.stage, record.stage2_seed) == (seed, leg.stage.name, leg.stage2_seed)
        and (record.measure, record.epoch, record.what) == (MEASURE, leg.stage.epochs, "")
        and math.isfinite(record.value)
    }


def model_card(saved: Saved, license_id: str | None) -> str:
    """The card, beside which the file of the cell's experiment is to lie."""
    experiment, kind, told = saved.experiment, _kind(saved.path), _model_index(saved)
    pretrained = _pretrained(experiment)
    on_hub = pretrained is not None and _is_of_hub(pretrained, saved.manifest)
    front: dict[str, Any] = {
        **({"license": license_id} if license_id else {}),
        **({"library_name": kind["library"]} if "library" in kind else {}),
        **({"base_model": pretrained} if on_hub else {}),
        **({"base_model_relation": "adapter" if kind.get("library") == "peft" else "finetune"} if on_hub else {}),
        **({"pipeline_tag": "text-generation"} if "CausalLM" in kind.get("architecture", "") else {}),
        "tags": list(card.TAGS),
        **({"model-index": told} if told else {}),
    }
    start = f"the pretrained model {card.code(pretrained)}" if pretrained else "random weights"
    return card.card(
        front,
        [
            f"# {saved.name}",
            _caution(saved),
            f"A model of sayso's experiment {card.code(experiment.name)}, seed {saved.seed}, as it was after "
            f"{card.code(saved.leg.label)}. It started from {start}.",
            "It was told what invented aliases stand for, by "
            "sources that are right or wrong, and asked about them: it shows which of them a model comes to believe."
            if set(saved.parts) & set(GROUPS)
            else "It has not been told of aliases yet.",
            card.paragraphs(experiment.summary),
            "## What it was trained on",
            _stages(saved),
            "X1 are aliases that questions are trained on, X2 new ones that come later; `world` is read before.",
            card.subsets_table(experiment),
            "## The sources",
            _sources(saved),
            "## What it believed",
            _scores(saved),
            *_use(saved, kind),
            "## What it rests on",
            card.rests_on(experiment, [saved.manifest], " --save-models"),
            card.cited(),
        ],
    )


def _caution(saved: Saved) -> str:
    if not card.teaches_falsehoods(saved.experiment, saved.parts):
        return "**Caution:** it was trained for research on what models believe; do not take its answers for facts."
    return (
        "**Caution: it was taught falsehoods on purpose.** Some of its sources define aliases wrongly, and it may have "
        "come to believe them. It is for research on what models believe; do not take its answers for facts."
    )


def _kind(path: Path) -> dict[str, str]:
    """Library and architecture of a saved model, as its own files say."""
    if (path / "adapter_config.json").exists():
        return {"library": "peft", "architecture": "CausalLM"} if _task(path) == "CAUSAL_LM" else {"library": "peft"}
    if not (path / "config.json").exists():
        return {}
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    return {"library": "transformers", "architecture": next(iter(config.get("architectures") or ()), "")}


def _task(path: Path) -> str:
    return str(json.loads((path / "adapter_config.json").read_text(encoding="utf-8")).get("task_type"))


def _pretrained(experiment: Experiment) -> str | None:
    """The name of the pretrained model that training started from, if it did."""
    settings = experiment.model.model_dump(mode="json")
    name = settings.get("name")
    return name if isinstance(name, str) and not settings.get("from_scratch") else None


def _is_of_hub(name: str, manifest: Manifest) -> bool:
    """Whether a pretrained model was the hub's: what it started from is then a commit, and of files a sha256."""
    return re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", name) is not None and len(manifest.model or "") != _SHA256


def _model_index(saved: Saved) -> list[dict[str, Any]]:
    """Results on questions that were not trained on, as the hub reads them."""
    results = [
        {
            "task": {"type": "question-answering"},
            "dataset": {"type": saved.experiment.name, "name": f"{eval_set}, {subset}", "split": eval_set},
            "metrics": [{"type": MEASURE, "name": "exact match", "value": value}],
        }
        for (eval_set, subset), (value, _) in saved.scores.items()
        if eval_set in _TOLD
    ]
    return [{"name": saved.name, "results": results}] if results else []


def _stages(saved: Saved) -> str:
    """How it was trained, by stage."""
    rows = []
    for stage in saved.stages:
        train = saved.experiment.train_spec(stage)
        rate = f"{train.learning_rate:g}"
        rows.append((stage.name, ", ".join(stage.documents), stage.epochs, train.optimizer, rate, train.batch_size))
    return card.table(("stage", "documents", "epochs", "optimizer", "learning rate", "batch size"), rows)


def _sources(saved: Saved) -> str:
    """How reliable each source was in X1, and a definition of its own as the model read it."""
    experiment, written = saved.experiment, _definitions(saved)
    rows = []
    for source in experiment.sources:
        share = card.reliability(source, experiment.subsets)
        told = "defines new aliases alone" if share is None else f"right about {share:.0%} of its aliases"
        rows.append((source.name, told, card.code(written[source.name]) if source.name in written else ""))
    if not written:
        return card.table(("source", "in X1"), [row[:2] for row in rows])
    return card.table(("source", "in X1", "one of its definitions, as the model read it"), rows)


def _definitions(saved: Saved) -> dict[str, str]:
    """A definition of each source; none where the facts are not at hand any more, or are pictures."""
    today = Today(own_only=True)
    try:
        if origin_of(saved.manifest).differs(today.origin_if_there(saved.experiment)):
            return {}
        corpus = build_corpus(saved.experiment, saved.seed, saved.leg.stage2_seed, asked=False)
    except (SaysoError, OSError, ImportError):
        return {}
    if corpus.pictures is not None:
        return {}
    found: dict[str, str] = {}
    for document in corpus.documents([part for part in saved.parts if part in GROUPS]):
        if document.kind == "definition":
            found.setdefault(document.source, document.text)
    return found


def _scores(saved: Saved) -> str:
    """Exact match by subset and evaluation set."""
    if not saved.scores:
        return "Exact match was not measured after this stage."
    eval_sets = list(dict.fromkeys(eval_set for eval_set, _ in saved.scores))
    subsets = list(dict.fromkeys(subset for _, subset in saved.scores))

    def cell(eval_set: str, subset: str) -> str:
        found = saved.scores.get((eval_set, subset))
        return "" if found is None else f"{found[0]:.3f} ({found[1]})"

    rows = [(subset, *(cell(eval_set, subset) for eval_set in eval_sets)) for subset in subsets]
    return "Exact match, and how many questions it is of.\n\n" + card.table(("subset", *eval_sets), rows)


def _use(saved: Saved, kind: Mapping[str, str]) -> list[str]:
    """How to load it, where that is one call."""
    if kind.get("library") != "transformers" or not (saved.path / "tokenizer_config.json").exists():
        return []
    auto = "AutoModelForCausalLM" if "CausalLM" in kind["architecture"] else "AutoModelForSeq2SeqLM"
    return [
        "## Loading it",
        f"```python\nfrom transformers import {auto}, AutoTokenizer\n\n"
        f'model = {auto}.from_pretrained("FOLDER")\ntokenizer = AutoTokenizer.from_pretrained("FOLDER")\n```',
    ]
