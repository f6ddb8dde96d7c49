"""Documents that are longer than an experiment allows, found before anything is trained."""

from __future__ import annotations

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.learners.specs import HFModel
from sayso.runs.token_counter import token_counter


def too_long(experiment: Experiment) -> str | None:
    """Say that documents are longer than `max_length`, and which length would do; None where nothing says so.

    Documents of the first seed are counted, by the model's own tokenizer where that is on this machine.
    """
    for cell in cells(experiment):
        own = cell.experiment
        trains = [own.train_spec(stage) for stage in own.stages]
        if not isinstance(own.model, HFModel) or all(train.max_length is None for train in trains):
            continue
        count = token_counter(own.model)
        if count is None:
            continue
        try:
            corpus = build_corpus(own, own.seeds.first)
        except SaysoError:  # what is wrong with the facts, others say
            continue
        longest = 0
        for stage, train in zip(own.stages, trains, strict=True):
            # a model with a label_length reads the prompt alone; the end counts where it is trained on
            texts = (
                each.text if own.model.label_length is None else each.prompt
                for each in corpus.documents(stage.documents)
            )
            found = max(map(count, texts), default=0) - (train.padding_loss != "first_eos")
            if train.max_length is not None and found > train.max_length:
                longest = max(longest, found)
        if longest:
            return (
                f"documents have up to {longest} tokens of {own.model.name}, and train.max_length is "
                f"{own.train.max_length}; --set train.max_length={longest} would do"
            )
    return None
