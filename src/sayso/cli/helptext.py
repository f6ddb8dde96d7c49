"""How the help of commands is laid out."""

from __future__ import annotations


def examples(*commands: str) -> str:
    r"""The end of a command's help; ``\b`` keeps its lines."""
    return "\n".join(
        ["\b", "Example:" if len(commands) == 1 else "Examples:", *(f"  {command}" for command in commands)]
    )
