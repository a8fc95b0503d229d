"""From cases and what is selected of them to units."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from verifier import interrupts
from verifier.errors import (
    Place,
    SelectionError,
    UsageError,
    check_option,
    did_you_mean,
    fail_together,
)
from verifier.floats import DTYPES
from verifier.language.casefile.case import (
    LAYOUTS,
    ROUTE_ALIASES,
    ROUTES,
    Case,
)
from verifier.running.isolation import isolated
from verifier.running.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What of the cases is to be verified; what is empty selects everything."""

    names: Sequence[str] = ()
    """`NAME` or `FILE::NAME`; may be globs."""
    tags: Sequence[str] = ()
    dtypes: Sequence[str] = ()
    routes: Sequence[str] = ()
    orders: Sequence[int] = ()

    def takes(self, case: Case) -> bool:
        """Whether a case is among those selected."""
        named = not self.names or any(_is_named(case, name) for name in self.names)
        tagged = not self.tags or any(tag in case.tags for tag in self.tags)
        return named and tagged and (not self.orders or case.order in self.orders)

    def check(self, cases: Sequence[Case]) -> None:
        """Raise where a name, tag, dtype or route selects nothing: a typo must not
        verify nothing in silence."""
        check_option("--dtype", self.dtypes, DTYPES)
        for name in self.names:
            if not any(_is_named(case, name) for case in cases):
                raise SelectionError(
                    _nothing("case", name, [case.name for case in cases])
                )
        tags = {tag for case in cases for tag in case.tags}
        for tag in self.tags:
            if tag not in tags:
                raise SelectionError(_nothing("tag", tag, sorted(tags)))
        routes = [route for of_order in ROUTES.values() for route in of_order]
        check_option("--route", self.routes, [*routes, *ROUTE_ALIASES])


def plan(
    cases: Sequence[Case],
    *,
    dtypes: Sequence[str] = (),
    names: Sequence[str] = (),
    tags: Sequence[str] = (),
    routes: Sequence[str] = (),
    orders: Sequence[int] = (),
    points: int | None = None,
    allowed: Sequence[str] = (),
    layout: str = "batch",
    device: str = "cpu",
    report_all: bool = False,
    working: Path | None = None,
) -> list[Unit]:
    """The units that the selection leaves, in file order.

    Subjects are imported where the project of the `working` folder, the current one by
    default, or `allowed` lets them. Raises `SelectionError` where a name, tag or dtype
    selects nothing; `UsageError` for a route, layout or device that is not there;
    `SubjectError` where a subject is not allowed or cannot be imported, or `Mistakes`
    for several.
    """
    routes = list(dict.fromkeys(ROUTE_ALIASES.get(route, route) for route in routes))
    selection = Selection(
        names=names, tags=tags, dtypes=dtypes, routes=routes, orders=orders
    )
    if points is not None and points < 1:
        raise UsageError(f"--points: expected at least 1, found {points}.")
    selection.check(cases)
    check_option("--layout", [layout], LAYOUTS)
    if points is not None:
        cases = [_with_points(case, points) for case in cases]
    units = [
        Unit(
            case=case,
            dtype=dtype,
            routes=fit,
            allowed=tuple(allowed),
            layout=layout,
            device=device,
            report_all=report_all,
        )
        for case in cases
        if selection.takes(case)
        for dtype in case.dtypes
        if not dtypes or dtype in dtypes
        if (fit := _routes_of(case, routes))
    ]
    if not units:
        raise SelectionError("no case is left by all options of selection together")
    if device != "cpu":
        from verifier.automatic.layouts import check_device

        check_device(device)
    return _with_subjects(units, working)


def _nothing(what: str, name: str, known: Sequence[str]) -> str:
    return f"no {what} is called `{name}`.{did_you_mean(name, known)}"


def _is_named(case: Case, name: str) -> bool:
    return name in (case.name, case.id) or any(
        fnmatch.fnmatchcase(own, name) for own in (case.name, case.id)
    )


def _with_points(case: Case, count: int) -> Case:
    if case.tensors is not None and case.tensors.inputs:
        return replace(case, points=count)
    return replace(case, points=count, many=False) if case.domains else case


def _routes_of(case: Case, routes: Sequence[str]) -> tuple[str, ...]:
    """The routes asked for that fit the case's order; without any, its own."""
    if not routes or case.descent is not None:
        return case.routes
    return tuple(route for route in routes if route in ROUTES[case.order])


# ── subjects ──────────────────────────────────────────────────────────────────────────


def _with_subjects(units: Sequence[Unit], working: Path | None) -> list[Unit]:
    """The units with what each may import, once all their subjects were found; each
    mistake is told once, at its first place, with how many more cases it is of."""
    if not any(_named_by(unit.case) for unit in units):
        return list(units)
    from verifier.automatic.subjects import SubjectError, permitted

    allowed_units: list[Unit] = []
    places: dict[str, list[Place]] = {}
    tried: set[tuple[str, str | None]] = set()
    for unit in units:
        case = unit.case
        if not _named_by(case):
            allowed_units.append(unit)
            continue
        allowed = (*permitted(case.place.file, working), *unit.allowed)
        allowed_units.append(replace(unit, allowed=allowed))
        for name, place in _named_by(case):
            if (name, case.place.file) in tried:
                continue
            tried.add((name, case.place.file))
            try:
                _find(name, allowed, case.place.file, working)
            except SubjectError as error:
                places.setdefault(error.message, []).append(place)
    if places:
        fail_together(
            [
                SubjectError(f"{message}{_more(where)}", place=where[0])
                for message, where in places.items()
            ]
        )
    return allowed_units


def _named_by(case: Case) -> list[tuple[str, Place]]:
    """The callables that a case names, and where: its subject, and its reference."""
    named = []
    if case.subject is not None:
        named.append((case.subject, case.subject_place))
    if case.tensors is not None and case.tensors.reference is not None:
        line = case.tensors.reference_line or case.place.line
        place = replace(case.place, line=line, key="reference", column=None)
        named.append((case.tensors.reference, place))
    return named


def _find(
    subject: str, allowed: Sequence[str], file: str | None, working: Path | None
) -> None:
    from verifier.automatic.subjects import load, parts_of

    # Refuses before anything heavy is loaded.
    parts_of(subject, allowed, file=file, working=working)
    with isolated(), interrupts.watched():
        load(subject, allowed)


def _more(places: Sequence[Place]) -> str:
    others = len({(place.file, place.case) for place in places}) - 1
    return f" So it is of {others} more." if others else ""
