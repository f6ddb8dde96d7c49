"""sayso: on whose say-so? Which statements a language model comes to believe, and why.

>>> import sayso
>>> experiment = sayso.load("pocket")
>>> results = sayso.run(experiment, seeds=8)  # doctest: +SKIP
>>> results.table(), results.claims(), results.report()  # doctest: +SKIP

Importing it loads nothing: each name below is fetched when it is first used.
"""

TYPE_CHECKING = False  # as in typing, whose import takes longer than all of this
if TYPE_CHECKING:
    from sayso.api import control_of, experiments, load, measure, run
    from sayso.compared import compare
    from sayso.core.errors import SaysoError
    from sayso.core.experiment import Experiment
    from sayso.core.seeds import Seeds
    from sayso.core.subsets import TABLE_1, Source, SplitSpec, Subset, with_fractions, with_reliability
    from sayso.core.training import Sampling, Stage, TrainSpec
    from sayso.data.samples import samples
    from sayso.measures.named import measure_named
    from sayso.results import Results, database
    from sayso.trusted import trust

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
    "compare",
    "control_of",
    "database",
    "experiments",
    "load",
    "measure",
    "measure_named",
    "run",
    "samples",
    "trust",
    "with_fractions",
    "with_reliability",
]
__version__ = "0.1.0"

#: Module -> which of the names above it has.
_FROM = {
    "sayso.api": ("control_of", "experiments", "load", "measure", "run"),
    "sayso.compared": ("compare",),
    "sayso.core.errors": ("SaysoError",),
    "sayso.core.experiment": ("Experiment",),
    "sayso.core.seeds": ("Seeds",),
    "sayso.core.subsets": ("TABLE_1", "Source", "SplitSpec", "Subset", "with_fractions", "with_reliability"),
    "sayso.core.training": ("Sampling", "Stage", "TrainSpec"),
    "sayso.data.samples": ("samples",),
    "sayso.measures.named": ("measure_named",),
    "sayso.results": ("Results", "database"),
    "sayso.trusted": ("trust",),
}


def __getattr__(name: str) -> object:
    for module, names in _FROM.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(module), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'sayso' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
