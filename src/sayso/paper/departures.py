"""What pocket experiments do otherwise than the paper, each with the settings that take it back.

What each departure buys is measured by taking it back alone: ``python -m benchmarks.power NAME --without`` does, and
`sayso.paper.expected` keeps what it found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sayso.core.experiment import Experiment
from sayso.paper.pocket_settings import POCKET, POCKET_SET_INCLUSION


@dataclass(frozen=True)
class Departure:
    """What is otherwise than in the paper, and the `settings` that make it as there."""

    what: str
    settings: Mapping[str, Any]

    def taken_back(self, experiment: Experiment) -> Experiment:
        """The experiment without this departure, all else the same."""
        return experiment.with_settings({**self.settings, "name": f"{experiment.name}-without"})


def _stages(experiment: Experiment, first: int) -> list[dict[str, Any]]:
    return [stage.model_dump(mode="json") for stage in experiment.stages[first:]]


_ALL_TOKENS = Departure("the loss is on completions, not on all tokens", {"train.loss_on": "all"})
_END_TOKEN = Departure(
    "the loss leaves out the end token", {"train.padding_loss": "first_eos", "model.max_new_tokens": None}
)

#: By the experiment's name.
DEPARTURES: Mapping[str, tuple[Departure, ...]] = {
    "pocket": (
        Departure("a stage 0 takes the place of pretraining", {"stages": _stages(POCKET, 1)}),
        Departure("2 of 6 questions of an alias are trained, not 5", {"split.trained_questions": 5}),
        Departure(
            "batches of 64 and 32 documents, not of 256", {"train.batch_size": 256, "stages.stage2.overrides": {}}
        ),
    ),
    "pocket-strict": (
        _ALL_TOKENS,
        _END_TOKEN,
        Departure(
            "stage 1 replays documents of stage 0", {"stages.stage1.replay": 0.0, "stages.stage1.replay_from": ()}
        ),
        Departure("attention has no biases", {"model.config.attention_bias": True}),
    ),
    "pocket-set-inclusion": (
        Departure(
            "a stage 0 comes before stage 1",
            {"knowledge.warm_up": None, "stages": _stages(POCKET_SET_INCLUSION, 1)},
        ),
        _ALL_TOKENS,
        _END_TOKEN,
        Departure("the input embedding learns ten times as fast", {"train.embedding_multiplier": 1.0}),
        Departure("weights start larger", {"model.config.initializer_range": 0.02}),
    ),
    "pocket-digits": (Departure("a tag has two rows of squares", {"knowledge.tag_rows": 1}),),
}
