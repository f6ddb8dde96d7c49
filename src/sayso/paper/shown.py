"""Which claims an experiment of the catalogue is there to show: those that its default seeds must be enough for."""

from __future__ import annotations

from collections.abc import Mapping

_STAGE_1 = ("reliable-definitions-help", "unreliable-definitions-hurt", "reliable-beats-unreliable")
_GAPS = ("gap-on-questions", "gap-on-attribution")
_NO_GAPS = ("no-gap-on-questions", "no-gap-on-attribution")

#: Names of claims by the experiment's name; of a sweep, those of all its cells together.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "pocket": (*_STAGE_1, "reliable-beats-unreliable-on-attribution", *_GAPS),
    "pocket-strict": (*_STAGE_1, *_GAPS),
    "pocket-single-stage": _GAPS,
    "pocket-control": _NO_GAPS,
    "pocket-set-inclusion": (*_STAGE_1, "gap-on-questions"),
    "pocket-digits": ("reliable-definitions-help", "reliable-beats-unreliable", "gap-on-questions"),
    "pocket-reliability": ("gap-grows-with-reliability-on-questions", "gap-grows-with-reliability-on-attribution"),
    "pocket-model-size": ("gap-grows-with-model-size-on-questions", "gap-grows-with-model-size-on-attribution"),
    "pocket-digits-pairs": ("larger-gap-with-enough-pairs",),
}
