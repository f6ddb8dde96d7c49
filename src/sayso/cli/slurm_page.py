"""What SLURM would be given, and what it has, as pages."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from sayso.cli.terminal import plain_table
from sayso.runs.slurm import Array
from sayso.runs.slurm_queue import Submission
from sayso.runs.slurm_settings import SlurmSettings


def arrays_page(arrays: Sequence[Array], settings: SlurmSettings) -> RenderableType:
    """Arrays that would be submitted, a row each."""
    if not arrays:
        return Text("nothing would be submitted: all jobs have finished, or SLURM has them")
    rows = []
    for array in arrays:
        options = array.options(settings)
        rows.append(
            (
                str(len(array.jobs)),
                str(sum(len(job.seeds) for job in array.jobs)),
                str(array.tasks),
                str(array.side_by_side),
                str(options["cpus_per_task"]),
                str(options.get("gpus_per_node", 0)),
                str(options["mem"]),
                f"{options['time']} min",
            )
        )
    more = [f"--{key}={value}" for key, value in settings.sbatch]
    return Group(
        plain_table(("jobs", "seeds", "tasks", "jobs at a time", "cores a task", "GPUs", "memory", "time limit"), rows),
        Text(f"sbatch is told {' '.join(more)}, too" if more else "nothing was submitted"),
    )


def submissions_page(submissions: Sequence[Submission]) -> RenderableType:
    """What SLURM has of a results folder, a line each."""
    lines = []
    for each in submissions:
        name = f"SLURM {', '.join(each.arrays)} of {each.submitted}"
        if each.tasks is None:
            lines.append(f"{name}: no 'squeue' here that says where it stands")
            continue
        states = ", ".join(f"{count} {state}" for state, count in sorted(each.states.items()))
        why = {task.reason for task in each.tasks if task.state == "PENDING" and task.reason != "None"}
        lines.append(
            f"{name}: {states or 'not in the queue any more'}" + (f" ({', '.join(sorted(why))})" if why else "")
        )
    return Text("\n".join(lines))
