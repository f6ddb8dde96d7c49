"""What is said of a run that is under way, in lines of text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from sayso.core.seeds import seeds_in_words
from sayso.core.sweep import Job
from sayso.runs.under_way import JobProgress, RunProgress, duration


def plan_lines(todo: Sequence[JobProgress], done: Sequence[Job], folder: Path) -> list[str]:
    """What a run finds in its folder and what it is going to do."""
    lines = [f"results go to {folder}"]
    if done:
        lines.append(f"finished before: {seeds_of(done)}")
    if going_on := [job for job in todo if job.done]:
        where = ", ".join(f"{job.label} after {job.done} of {job.total} epochs" for job in going_on)
        lines.append(f"goes on: {where}")
    if new := [job.job for job in todo if not job.done]:
        lines.append(f"to run: {seeds_of(new)}")
    if not todo:
        lines.append("nothing is left to run")
    return lines


def line(progress: RunProgress, job: JobProgress) -> str:
    """One line about one job."""
    if job.state == "building":
        return f"{job.said}: making data and model"
    if job.state == "elsewhere":
        return f"{job.said}: left to {job.by}"
    left = progress.time_left()
    if job.stage is None:
        return f"{job.said}: {job.done} of {job.total} epochs"
    where = f"{job.said}: {job.stage} {job.epoch}/{job.epochs}"
    parts = [where if not job.step or job.measuring else f"{where} + step {job.step}/{job.steps}"]
    if job.measuring:
        parts.append(f"measuring {measured(job.measuring, job.share)}")
    elif job.step:
        parts.append(f"{job.tokens:,.0f} tokens/s{_of_peak(job.peak)}")
    if not math.isnan(job.loss):
        parts.append(f"loss {job.loss:.3f}")
    if scores := job.headline():
        parts.append("exact match " + ", ".join(f"{name} {value:.2f}" for name, value in scores))
    if left is not None:
        parts.append(f"about {duration(left)} left")
    return "; ".join(parts)


def under_way(job: JobProgress) -> str:
    """What happens within the epoch of a job."""
    if job.measuring:
        return measured("measuring", job.share)
    return f"step {job.step}/{job.steps}{_of_peak(job.peak)}" if job.step else ""


def _of_peak(share: float) -> str:
    return f", {share:.0%} of the matrix peak" if share else ""


def speed(training: Mapping[str, float]) -> str:
    """How fast a job was that has finished."""
    tokens, speed = training["tokens"], training["tokens_a_second"]
    share = _of_peak(training.get("share_of_matrix_peak", 0.0))
    return f"on {tokens:,.0f} tokens in {duration(training['seconds'])}, {speed:,.0f} tokens/s{share}"


def measured(what: str, share: float) -> str:
    """A measure, and how much of it is done.

    >>> measured("exact_match", 0.0), measured("probes", 0.126)
    ('exact_match', 'probes 12%')
    """
    return f"{what} {int(100 * share)}%" if share else what


def seeds_of(jobs: Sequence[Job]) -> str:
    """Seeds of jobs and how many these are, by cell where there are several."""
    by_cell: dict[str, list[int]] = {}
    for job in jobs:
        by_cell.setdefault(job.cell.name, []).extend(job.seeds)
    ranges = {cell: seeds_in_words(seeds, counted=True) for cell, seeds in by_cell.items()}
    if len(set(ranges.values())) == 1:
        cells = f" of each of {len(ranges)} cells" if len(ranges) > 1 else ""
        return f"{next(iter(ranges.values()))}{cells}"
    return "; ".join(f"{cell} {text}" for cell, text in ranges.items())
