"""Which settings of two experiments differ."""

from __future__ import annotations

from sayso.core.experiment import Experiment

#: Path -> what the setting is in one and in the other; None where it is not there.
Apart = dict[str, tuple[object, object]]

#: Settings that say what a run is called and which seeds it has, and nothing of what a seed gives.
_OF_THE_RUN = ("name", "summary", "seeds.", "axes.", "keep", "checkpoint_minutes")


def settings_apart(first: Experiment, second: Experiment) -> Apart:
    """Settings that differ and matter to what a seed gives, in the order in which the two have them."""
    one, other = first.settings(), second.settings()
    return {
        path: (one.get(path), other.get(path))
        for path in dict.fromkeys((*one, *other))
        if one.get(path) != other.get(path) and not path.startswith(_OF_THE_RUN)
    }
