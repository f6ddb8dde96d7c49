"""sayso: on whose say-so? Which statements a language model comes to believe, and why.

>>> import sayso
>>> experiment = sayso.load("pocket")
>>> results = sayso.run(experiment, seeds=8)  # doctest: +SKIP
>>> results.table(), results.claims(), results.report()  # doctest: +SKIP
"""

from sayso.api import experiments, load, run
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, Seeds, SplitSpec
from sayso.core.subsets import TABLE_1, Source, Subset, with_fractions, with_reliability
from sayso.core.training import Sampling, Stage, TrainSpec
from sayso.results import Results
from sayso.samples import samples

__all__ = [
    "TABLE_1",
    "Experiment",
    "Results",
    "Sampling",
    "SaysoError",
    "Seeds",
    "Source",
    "SplitSpec",
    "Stage",
    "Subset",
    "TrainSpec",
    "experiments",
    "load",
    "run",
    "samples",
    "with_fractions",
    "with_reliability",
]
__version__ = "0.1.0"
