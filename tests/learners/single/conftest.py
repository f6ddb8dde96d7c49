"""Tiny models of families people use, made once for all tests of one process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import transformers

from tests.real_families import save_family

Families = Callable[[str], str]


@pytest.fixture(scope="session", autouse=True)
def _quiet_transformers() -> None:
    transformers.logging.disable_progress_bar()


@pytest.fixture(scope="session")
def families(tmp_path_factory) -> Families:
    """Folders with tiny models by family (`tests.real_families`)."""
    made: dict[str, str] = {}

    def folder(name: str) -> str:
        if name not in made:
            made[name] = save_family(tmp_path_factory.mktemp(name), name)
        return made[name]

    return folder
