"""Everything that ``sayso list`` lists."""

from __future__ import annotations

from sayso.core.experiment import Experiment
from sayso.paper.digit_experiments import DIGIT_EXPERIMENTS
from sayso.paper.experiments import CATALOGUE as POCKET_EXPERIMENTS
from sayso.paper.pocket_twins import POCKET_TWINS
from sayso.paper.set_inclusion_experiments import CATALOGUE as SET_INCLUSION_EXPERIMENTS
from sayso.paper.text_experiments import TEXT_EXPERIMENTS

CATALOGUE: tuple[Experiment, ...] = (
    *POCKET_EXPERIMENTS,
    *POCKET_TWINS,
    *SET_INCLUSION_EXPERIMENTS,
    *DIGIT_EXPERIMENTS,
    *TEXT_EXPERIMENTS,
)
