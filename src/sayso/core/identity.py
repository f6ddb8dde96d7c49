"""What results rest on beside their settings: data and models are files, and files change.

Every job's manifest has the sha256 of its data and what its model started from. Jobs that rest on different ones never
reach one table, and what is shown is compared with what there is today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec
from sayso.core.job_folder import JobFolder
from sayso.core.records import Manifest
from sayso.core.spec import Spec, canonical_json

T = TypeVar("T")

#: Of how a model was read, what follows from the facts that a seed draws: it may differ between jobs.
_OF_A_SEED = "max_new_tokens"


@dataclass(frozen=True)
class Origin:
    """Sha256 of the data, and what the model started from (`ModelSpec.identity`); None where it is not known."""

    data: str | None
    model: str | None

    def differs(self, other: Origin) -> str | None:
        """Name what is known of both and differs, with the beginnings of both; None if nothing is."""
        for what, own, there in (("data", self.data, other.data), ("weights", self.model, other.model)):
            if own is not None and there is not None and own != there:
                return f"{what} ({own[:12]}..., not {there[:12]}...)"
        return None


def origin_of(manifest: Manifest) -> Origin:
    """What a job rests on, as its manifest has it."""
    return Origin(manifest.data_sha256, manifest.model)


class OfSettings(Generic[T]):
    """What follows from a job's experiment, worked out once for all jobs with equal settings: a sweep has many."""

    def __init__(self, work: Callable[[Experiment], T], *, own_only: bool) -> None:
        self._work, self._own_only = work, own_only
        self._found: dict[tuple[str, str], list[tuple[dict[str, Any], T]]] = {}

    def of(self, folder: JobFolder, manifest: Manifest) -> T:
        """What follows from the experiment of a job.

        Raises
        ------
        SaysoError
            If the manifest holds none.
        """
        found = self._found.setdefault((str(manifest.digest), str(manifest.cell)), [])
        for settings, result in found:
            if settings is manifest.experiment or settings == manifest.experiment:
                return result
        result = self._work(load_spec(manifest.experiment, str(folder.manifest_path), own_only=self._own_only))
        found.append((manifest.experiment, result))
        return result


class Today:
    """What experiments would rest on if they were run now; each knowledge base and model is looked at once.

    With `own_only` code of a user's own is not run to find out (`sayso.core.experiment.load_spec`).
    """

    def __init__(self, *, own_only: bool) -> None:
        self.own_only = own_only
        self._known: dict[str, str | None] = {}

    def origin(self, experiment: Experiment) -> Origin:
        """What an experiment without axes would rest on.

        Raises
        ------
        SaysoError
            If its data or its model's files cannot be read.
        """
        knowledge, model = experiment.knowledge, experiment.model
        return Origin(self._once(knowledge, knowledge.sha256), self._once(model, model.identity))

    def origin_if_there(self, experiment: Experiment) -> Origin:
        """As `origin`; what cannot be looked at here is not known."""
        try:
            data = self._once(experiment.knowledge, experiment.knowledge.sha256)
        except (SaysoError, OSError, ImportError):
            data = None
        try:
            model = self._once(experiment.model, experiment.model.identity)
        except (SaysoError, OSError, ImportError):
            model = None
        return Origin(data, model)

    def _once(self, settings: Spec, look: Callable[[], str | None]) -> str | None:
        key = settings.canonical_json()
        if key not in self._known:
            self._known[key] = look()
        return self._known[key]


def require_unchanged(folders: Iterable[JobFolder], today: Today) -> None:
    """Make sure that jobs rest on what there is today.

    Raises
    ------
    SaysoError
        If one does not; one line that says which seeds rest on what.
    """
    origins = OfSettings(today.origin, own_only=today.own_only)
    for folder in folders:
        manifest = folder.manifest()
        now = origins.of(folder, manifest)
        if changed := origin_of(manifest).differs(now):
            seeds = ", ".join(map(str, manifest.seeds[:8])) + (", ..." if len(manifest.seeds) > 8 else "")
            raise SaysoError(
                f"{folder.path.parent.parent}: seeds {seeds} rest on other {changed}; put back what was there, or "
                "choose another folder with --out"
            )


def require_one_origin(folders: Iterable[JobFolder]) -> None:
    """Make sure that jobs with the same settings of data and model rest on the same data and model.

    Raises
    ------
    SaysoError
        If two of them do not; the message names both.
    """
    first: dict[tuple[str, str], tuple[JobFolder, str]] = {}
    for folder in folders:
        for key, found in _rests_on(folder).items():
            other, there = first.setdefault(key, (folder, found))
            _require_same(key[0], other, there, folder, found)


def require_origin_of_siblings(folder: JobFolder) -> None:
    """Make sure that a job that has begun rests on what the jobs beside it with the same settings rest on.

    As many of them are read as it takes to find one with the same facts and one with the same model: in a folder of
    ten thousand jobs that is one, as a rule.

    Raises
    ------
    SaysoError
        If they do not; the message names both.
    """
    own = _rests_on(folder)
    for other in folder.siblings():
        if not own:
            return
        if other.path != folder.path and other.begun:
            for key, there in _rests_on(other).items():
                if (found := own.pop(key, None)) is not None:
                    _require_same(key[0], other, there, folder, found)


def _rests_on(folder: JobFolder) -> dict[tuple[str, str], str]:
    """Digests of a job's data and model, as far as there are, by which it is and its settings."""
    manifest = folder.manifest()
    digests = {"knowledge": manifest.data_sha256, "model": manifest.model}
    found = {name: digest for name, digest in digests.items() if digest is not None}
    return {(name, canonical_json(manifest.experiment.get(name))): digest for name, digest in found.items()}


def _require_same(name: str, one: JobFolder, there: str, other: JobFolder, found: str) -> None:
    if there != found:
        what = "data" if name == "knowledge" else "weights"
        raise SaysoError(
            f"{other.path.parent.parent}: jobs {one.path.name} and {other.path.name} rest on different "
            f"{what} ({there[:12]}... and {found[:12]}...) and do not belong into one table; delete one of them"
        )


def models_read(folders: Iterable[JobFolder]) -> list[str]:
    """How models of jobs were read (`Manifest.as_read`), one line for each that differs; cells are named if several do.

    Models of which nothing is said there are passed over.
    """
    cells: dict[str, dict[str, None]] = {}
    tokens: dict[str, set[int]] = {}
    for folder in folders:
        manifest = folder.manifest()
        if manifest.as_read:
            said = ", ".join(f"{name} {value}" for name, value in manifest.as_read.items() if name != _OF_A_SEED)
            cells.setdefault(said, {})[manifest.cell] = None
            tokens.setdefault(said, set()).add(int(manifest.as_read.get(_OF_A_SEED, 0)))
    lines = []
    for said, names in cells.items():
        low, high = min(tokens[said]), max(tokens[said])
        long = [f"{_OF_A_SEED} {low}" if low == high else f"{_OF_A_SEED} {low} to {high}"] if high else []
        whose = "model" if len(cells) == 1 else f"model of {', '.join(names)}"
        lines.append(f"{whose}: {', '.join([*filter(None, [said]), *long])}")
    return lines


def notices(folders: Sequence[JobFolder], today: Today) -> list[str]:
    """What a reader of results should know: data or models changed since, and what was not the same for all jobs.

    That is versions and devices, and of jobs with the same facts and model how it was read (`Manifest.as_read`).
    What cannot be looked at here (a file that is elsewhere, code of a user's own) is passed over.
    """
    found: dict[str, None] = {}
    ran_with: dict[tuple[str, str], dict[str | int, None]] = {}
    origins = OfSettings(today.origin_if_there, own_only=today.own_only)
    for folder in folders:
        manifest = folder.manifest()
        now = origins.of(folder, manifest)
        if changed := origin_of(manifest).differs(now):
            found[f"changed since: these results are of other {changed}"] = None
        for line in manifest.resumed:
            found[f"job {folder.path.name} went on {line}"] = None
        for name, marker in folder.measured().items():
            for line in marker.get("differently", ()):
                found[f"{name} of job {folder.path.name} was measured {line}"] = None
        for name, version in (*manifest.versions.items(), ("on", manifest.device)):
            ran_with.setdefault((name, ""), {})[version] = None
        as_read = {name: value for name, value in manifest.as_read.items() if name != _OF_A_SEED}
        if as_read:
            same = canonical_json([manifest.experiment.get("knowledge"), manifest.experiment.get("model")])
            for name, value in as_read.items():
                ran_with.setdefault((name, same), {})[value] = None
    for (name, _), several in ran_with.items():
        if len(several) > 1:
            found[f"not all jobs ran alike: {' and '.join(f'{name} {version}' for version in several)}"] = None
    return list(found)
