"""What cards on the Hugging Face hub share: the block of YAML that begins them, tables, and what runs rest on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import yaml

from sayso.core.experiment import Experiment
from sayso.core.records import Manifest
from sayso.core.seeds import consecutive, seed_range
from sayso.core.subsets import Source, Subset
from sayso.report.citing import PAPER, PAPER_URL, SOFTWARE

#: What both kinds of cards are found by.
TAGS = ("sayso", "implicit-meta-learning", "source-reliability", "out-of-context-learning")

#: The file of an experiment beside a card.
EXPERIMENT = "experiment.json"


def card(front: Mapping[str, Any], sections: Iterable[str]) -> str:
    """A card: what the hub reads, then what people read."""
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=1000)
    return "\n\n".join([f"---\n{head}---", *(each.strip("\n") for each in sections if each)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(item) for item in line) + " |" for line in lines)


def _cell(item: object) -> str:
    return " ".join(str(item).split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text in the middle of a line, as it is written, whatever marks are in it."""
    return f"`` {' '.join(text.split())} ``" if "`" in text else f"`{' '.join(text.split())}`"


def reliability(source: Source, subsets: Iterable[Subset]) -> float | None:
    """In which share of the aliases of X1 that it defines a source is right; None where it defines none."""
    right = wrong = 0.0
    for subset in subsets:
        if subset.group == "X1" and source.name in subset.sources:
            if subset.source == source.name and subset.consistent:
                right += subset.fraction
            else:
                wrong += subset.fraction
    return right / (right + wrong) if right + wrong else None


def subsets_table(experiment: Experiment) -> str:
    """The subsets of an experiment without axes: who defines them, rightly or not, and what of them is trained on."""

    def definitions(subset: Subset) -> str:
        if subset.against is not None:
            return f"right; contradicted by {subset.against}"
        return "none" if subset.source is None else "right" if subset.consistent else "wrong"

    return table(
        ("subset", "group", "source", "its definitions", "its questions are trained on", "share of aliases"),
        (
            (s.name, s.group, s.source or "none", definitions(s), "yes" if s.has_qa else "no", f"{s.fraction:.3g}")
            for s in experiment.subsets
        ),
    )


def paragraphs(summary: str) -> str:
    """A summary, each line of it as a paragraph."""
    return "\n\n".join(summary.splitlines())


def teaches_falsehoods(experiment: Experiment, parts: Collection[str]) -> bool:
    """Whether some definitions in these parts of the data are wrong on purpose."""
    return any(s.group in parts and (not s.consistent or s.against is not None) for s in experiment.subsets)


def rests_on(experiment: Experiment, manifests: Sequence[Manifest], options: str = "") -> str:
    """Digest, versions and devices of jobs, and the commands that make their results again.

    They take the file of the experiment, `EXPERIMENT`, which is to lie beside the card.
    """
    versions = sorted({f"{name} {version}" for each in manifests for name, version in each.versions.items()})
    rows = [
        ("experiment", f"{experiment.name}, digest {code(experiment.digest())}"),
        ("data (sha256)", _several(each.data_sha256 or "not known" for each in manifests)),
        (
            "model started from",
            _several(each.model or "random weights that follow from the seed" for each in manifests),
        ),
        ("versions", ", ".join(versions)),
        ("device", _several(each.device for each in manifests)),
        ("sayso's commit", _several(each.git_commit or "not a checkout" for each in manifests)),
    ]
    blocks = consecutive(sorted({seed for each in manifests for seed in each.seeds}))
    commands = [f"sayso run {EXPERIMENT} --seeds {first}-{last}{options}" for first, last in blocks]
    return "\n\n".join(
        [
            table(("what", "which"), rows),
            f"The same again, with `pip install 'sayso[all]'` and {code(EXPERIMENT)}, which has all settings:",
            "```bash\n" + "\n".join(commands) + "\n```",
        ]
    )


def _several(found: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(found))


def seeds_of(manifests: Iterable[Manifest]) -> str:
    """Seeds of jobs as people write them."""
    return seed_range(sorted({seed for each in manifests for seed in each.seeds}))


def cited() -> str:
    """Whom to cite."""
    return (
        f"## Citing\n\nThe design is that of [Krasheninnikov et al. (2024)]({PAPER_URL}).\n\n"
        f"```bibtex\n{PAPER}\n\n{SOFTWARE}\n```"
    )
