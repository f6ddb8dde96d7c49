"""A world whose entities are asked about in one way, for jobs that are run over and over."""

from __future__ import annotations

from dataclasses import replace

from sayso.core.protocols import World
from sayso.data.pocket import PocketWorld


class FewQuestions(PocketWorld):
    """Asks whose an alias is in one way, not in four: most of the time of a tiny job goes into measuring."""

    def world(self, seed: int, aliases: int, tags: int) -> World:
        """Draw a world as usual, and leave out the other ways to ask."""
        made = super().world(seed, aliases, tags)
        return replace(made, attribution={"who": made.attribution["who"]})
