"""The unit of work: one case in one dtype with all its routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from verifier.language.casefile.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One case in one dtype with its routes: independent of every other, and picklable
    where its `function` is."""

    case: Case
    dtype: str
    routes: tuple[str, ...] = ("reverse",)
    function: Callable[..., Any] | None = None
    """A callable to verify in the place of the case's formula or subject."""
    allowed: tuple[str, ...] = ()
    """Modules, beside those that `pyproject.toml` allows, from which a subject may be
    imported."""
    layout: str = "batch"
    device: str = "cpu"
    report_all: bool = False
    """Whether a result holds every comparison."""

    @property
    def ids(self) -> list[str]:
        """`FILE::NAME dtype route`, of each of its results."""
        return [f"{self.case.id} {self.dtype} {route}" for route in self.routes]

    @property
    def has_subject(self) -> bool:
        """Whether a callable of the user's is run."""
        return self.function is not None or self.case.subject is not None

    @property
    def route(self) -> str:
        """The route of a unit of one."""
        (route,) = self.routes
        return route

    def by_route(self) -> list[Unit]:
        """A unit for each of the routes."""
        return [replace(self, routes=(route,)) for route in self.routes]


def count(units: Sequence[Unit]) -> int:
    """How many results the units have."""
    return sum(len(unit.routes) for unit in units)
