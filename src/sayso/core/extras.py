"""Which part of sayso brings a library that not everybody has: ``pip install 'sayso[gguf]'``."""

from __future__ import annotations

import sys
from pathlib import Path

#: What pipx leaves in an environment that it made.
PIPX = "pipx_metadata.json"

#: Optional modules -> the part that advice names. ``all`` brings what most want, so that nobody installs by halves.
PART_OF = {
    **dict.fromkeys(("altair", "jinja2", "markupsafe", "pandas", "scipy", "vl_convert"), "all"),
    **dict.fromkeys(("huggingface_hub", "safetensors", "tokenizers", "torch", "transformers"), "all"),
    **dict.fromkeys(("pooch", "pyarrow", "requests"), "all"),
    **dict.fromkeys(("PIL", "sklearn"), "digits"),
    **dict.fromkeys(("accelerate", "gguf"), "gguf"),
    "duckdb": "query",
    "peft": "lora",
    "python_calamine": "excel",
    "ray": "ray",
    "submitit": "slurm",
    "tensorboard": "tensorboard",
    "wandb": "wandb",
}


def advice(module: str) -> str:
    """The command that installs an optional module.

    >>> advice("duckdb")
    "pip install 'sayso[query]'"
    """
    return installing(PART_OF[module])


def installing(*parts: str, upgrade: bool = False) -> str:
    """The command that installs parts of sayso where it runs: pipx has the only pip that finds what pipx installed.

    >>> installing("query", "ray", upgrade=True)
    "pip install --upgrade 'sayso[query,ray]'"
    """
    pip = "pipx runpip sayso" if (Path(sys.prefix) / PIPX).exists() else "pip"
    return f"{pip} install {'--upgrade ' if upgrade else ''}'sayso[{','.join(parts)}]'"
