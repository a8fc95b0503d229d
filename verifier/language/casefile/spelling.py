"""How messages about case files name values and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrittenFloat:
    """A TOML float as it was written."""

    text: str


def join(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def show(value: object) -> str:
    """A value as a message names it."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case WrittenFloat():
            return f"`{value.text}`"
        case str():
            return f'"{value if len(value) <= 40 else value[:37] + "..."}"'
        case dict() | Mapping():
            return "a table" if value else "an empty table"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case int() if value.bit_length() > 128:
            return f"an integer of {value.bit_length()} bits"
    return f"`{value}`"
