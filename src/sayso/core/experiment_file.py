"""Experiments in files, which people keep beside their papers."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment, load_spec


def load_file(path: Path) -> Experiment:
    """Read one experiment from a YAML or JSON file.

    Types of a user's own are imported.

    Raises
    ------
    SaysoError
        If the file cannot be read or does not hold an experiment.
    """
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SaysoError(f"{path}: not a readable experiment file: {reason}") from error
    if not isinstance(data, dict):
        raise SaysoError(f"{path}: holds {type(data).__name__}, where the fields of an experiment should be")
    return load_spec(data, str(path), own_only=False)
