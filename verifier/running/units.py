"""The unit of work: one case in one dtype with all its routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from verifier.language.casefile.case import Case
from verifier.verification.tensors.request import Given


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
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
    given: Given | None = None
    """The arguments of `function`, where they are tensors of the caller's."""

    def __repr__(self) -> str:
        routes = ",".join(self.routes)
        return f"<Unit: {self.case.id}[{self.dtype}-{routes}]>"

    @property
    def ids(self) -> list[str]:
        """`NAME[dtype]` of each of its results: `NAME[dtype-route]` where the case has
        several routes, or another one is asked for."""
        return [f"{self.case.name}[{self._way(route)}]" for route in self.routes]

    @property
    def full_id(self) -> str:
        """The id of a unit of one route, with its file: `FILE::NAME[dtype]`, which
        `verifier run` takes."""
        (own,) = self.ids
        return f"{self.case.place.file}::{own}" if self.case.place.file else own

    def _way(self, route: str) -> str:
        return self.dtype if self.case.routes == (route,) else f"{self.dtype}-{route}"

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
