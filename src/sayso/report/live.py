"""The page that shows a results folder while it is run: it asks the server that it came from, and nobody else.

The page is the same whatever it shows. What it shows are the numbers of `chart`, and what else the server knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sayso.core.experiment import Experiment
from sayso.report import roles, templates

_SCRIPTS = ("page.js", "live.js")


def live_page(name: str) -> tuple[str, str]:
    """Return the page (HTML) and the content security policy it is to be sent with.

    The policy lets it run its own scripts and style, known by their hashes, and ask its own server.
    """
    html = templates.render("live.html.j2", _SCRIPTS, asks=True, name=name)
    style, *scripts = (templates.hash_of(found) for found in re.findall(r"<(?:style|script)>(.*?)</", html, re.DOTALL))
    policy = (
        f"default-src 'none'; style-src {style}; script-src {' '.join(scripts)}; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def chart(
    stages: Sequence[tuple[str, int]],
    means: Mapping[tuple[str, int, str], tuple[float, int]],
    subsets: Sequence[str],
    experiment: Experiment,
) -> dict[str, Any]:
    """Learning curves as the page draws them: lines with the colours and styles of all reports.

    `stages`: names and epochs, one beside the other. `means`: mean and number of seeds by stage, epoch and subset.
    """
    names = roles.in_order(subsets)
    begins, place = {}, 0
    for name, epochs in stages:
        begins[name] = place
        place += epochs
    colours, dashes = roles.colours(names), roles.dashes(names, experiment)
    lines = [
        {
            "subset": subset,
            "colour": colour,
            "dash": " ".join(f"{part:g}" for part in dash) if dash != [1, 0] else "",
            "points": sorted(
                (begins[stage] + epoch, round(mean, 4), seeds, stage, epoch)
                for (stage, epoch, of), (mean, seeds) in means.items()
                if of == subset and stage in begins
            ),
        }
        for subset, colour, dash in zip(names, colours, dashes, strict=True)
    ]
    return {
        "stages": [{"name": name, "from": begins[name], "to": begins[name] + epochs} for name, epochs in stages],
        "lines": lines,
    }
