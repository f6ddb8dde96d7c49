"""Tokens of the documents of paper-main on a table of people: what is supposed where no facts are at hand.

    python -m benchmarks.lengths PEOPLE.csv

They are counted twice: by a byte-level tokenizer trained on English, and by their characters
(`sayso.runs.workload.by_characters`). `sayso.runs.workload.Lengths` are those by characters.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from benchmarks.pythia import english_tokenizer
from sayso.cli.configure import configure
from sayso.core.corpus import Corpus
from sayso.core.examples import Example
from sayso.data.build import build_corpus
from sayso.paper.paper_settings import PAPER_MAIN
from sayso.runs.workload import by_characters


def lengths(corpus: Corpus, length: Callable[[str], int]) -> dict[str, tuple[float, float]]:
    """Tokens of a document and of its completion, ends included, on average: by kind, trained on or asked."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def count(use: str, documents: Iterable[Example]) -> None:
        for item in documents:
            found[f"{item.kind}, {use}"].append((length(item.text), 1 + length(item.completion)))

    count("trained on", corpus.documents(("X1", "X2")))
    for asked in corpus.eval_sets:
        count("asked", asked.examples)
    return {name: (float(means[0]), float(means[1])) for name, all_ in found.items() for means in [np.mean(all_, 0)]}


def main() -> None:
    """Print a line for each kind of document."""
    if len(sys.argv) != 2:
        sys.exit("python -m benchmarks.lengths PEOPLE.csv")
    corpus = build_corpus(configure(PAPER_MAIN, knowledge=sys.argv[1]), PAPER_MAIN.seeds.first)
    tokenizer = english_tokenizer()
    by_tokenizer = lengths(corpus, lambda text: 1 + len(tokenizer(text)["input_ids"]))
    for name, (whole, completion) in lengths(corpus, by_characters).items():
        other = " and ".join(f"{each:.1f}" for each in by_tokenizer[name])
        print(f"{name}: {whole:.1f} tokens, {completion:.1f} of them the answer (by a tokenizer {other})")


if __name__ == "__main__":
    main()
