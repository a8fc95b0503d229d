"""The points of a case in a format: those given, those drawn from its domains, and
boundary points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from verifier.errors import CaseFileError, Place
from verifier.fields import REAL, Field
from verifier.floats import Format, Number, Point, shortest
from verifier.language.casefile.case import ALL, MANY_POINTS, Boundary, Case
from verifier.language.points import drawing
from verifier.language.points.domains import Normal
from verifier.language.points.scalars import Scalar
from verifier.symbolic.calculus.precondition import Precondition
from verifier.symbolic.limits import boundary

MOST_REFUSED = 1_000_000
"""Points that a precondition may refuse before the draw is given up; fewer are allowed
where few points are wanted."""

MANY_TRIES = 4
"""How many times as many points may be drawn as different ones are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The points of a case; every one names the arguments in their order."""

    given: tuple[Point, ...] = ()
    drawn: tuple[Point, ...] = ()
    boundary: tuple[Point, ...] = ()
    refused: int = 0
    """Drawn points that the precondition refused."""

    @property
    def points(self) -> list[Point]:
        """All of them: first the given ones."""
        return [*self.given, *self.drawn, *self.boundary]

    def first(self, count: int) -> Sample:
        """The first so many of the points."""
        drawn = max(0, count - len(self.given))
        edges = max(0, drawn - len(self.drawn))
        return replace(
            self,
            given=self.given[:count],
            drawn=self.drawn[:drawn],
            boundary=self.boundary[:edges],
        )


def sample(
    case: Case,
    format_: Format,
    seed: int,
    field: Field = REAL,
    *,
    is_subject: bool = False,
) -> Sample:
    """The points at which a case is verified in a format; its own seed goes before that
    of the run. Complex ones are drawn part by part, and have no boundary points.

    Raises `CaseFileError` where a given point breaks the precondition, or too few that
    are drawn satisfy it.
    """
    allowed = _precondition(case)
    given = (
        [] if case.fixed else [_rounded(point, format_, field) for point in case.given]
    )
    given = [{name: point[name] for name in case.arguments} for point in given]
    for index, point in enumerate(given):
        if not allowed(point):
            _refuse_given(case, point, index, format_)
    own = seed if case.seed is None else case.seed
    if is_subject and _takes_many(case, format_):
        drawn, refused = _many(case, format_, own, allowed)
    else:
        drawn, refused = _drawn(case, format_, field, own, allowed)
    edges: list[Point] = []
    has_edges = case.boundary is not Boundary.NONE and field is REAL
    if has_edges and case.domains and case.points != ALL:
        is_machine = case.boundary is Boundary.MACHINE
        kinds = boundary.EVERY_KIND if is_machine else boundary.NAMED
        edges = boundary.points(
            case.program, case.domains, drawn, format_, kinds=kinds, allowed=allowed
        )
    return Sample(
        given=tuple(given), drawn=tuple(drawn), boundary=tuple(edges), refused=refused
    )


def _precondition(case: Case) -> Callable[[Point], bool]:
    return (
        (lambda point: True) if case.where is None else Precondition(case.where).holds
    )


def _takes_many(case: Case, format_: Format) -> bool:
    """Whether points enough to tell bias from rounding are wanted, and their truths are
    found together."""
    plain = case.order == 1 and not case.program.steps
    one = isinstance(case.upstream, Scalar)
    small = format_.is_small
    return case.many and bool(case.domains) and plain and one and small


def _many(
    case: Case, format_: Format, seed: int, allowed: Callable[[Point], bool]
) -> tuple[list[Point], int]:
    """`MANY_POINTS` different points, or all of the domain where it has no more; those
    that were refused."""
    domains = list(case.domains.values())
    alone = len(domains) == len(case.arguments) == 1
    if alone and not isinstance(domains[0], Normal):
        inside = domains[0].ordinals(format_)
        if inside.stop - inside.start <= MANY_POINTS:
            return _every(case, format_, allowed)
    different: dict[tuple[float, ...], Point] = {}
    refused = 0
    # A domain may hold few different numbers, and a precondition allow few of them.
    most = MANY_TRIES * MANY_POINTS
    for point in _stream(case, format_, REAL, seed, MANY_POINTS, most):
        if not allowed(point):
            refused += 1
        else:
            different.setdefault(tuple(point.values()), point)
        if len(different) == MANY_POINTS:
            break
    if not different:
        _refuse(case, "at least one point", f"none of {refused} drawn")
    return list(different.values()), refused


def _drawn(
    case: Case,
    format_: Format,
    field: Field,
    seed: int,
    allowed: Callable[[Point], bool],
) -> tuple[list[Point], int]:
    """The drawn points that satisfy the precondition, and how many did not."""
    wanted = case.points
    if isinstance(wanted, str):
        return _every(case, format_, allowed)
    if not wanted:
        return [], 0
    most = wanted + min(99 * wanted + 1000, MOST_REFUSED)
    satisfying: list[Point] = []
    tried = 0
    for point in _stream(case, format_, field, seed, wanted, most):
        tried += 1
        if allowed(point):
            satisfying.append(point)
            if len(satisfying) == wanted:
                return satisfying, tried - len(satisfying)
    _refuse(case, f"{wanted} points", f"{len(satisfying)} of {tried} drawn")


def _stream(
    case: Case, format_: Format, field: Field, seed: int, count: int, most: int
) -> Iterator[Point]:
    """At most `most` drawn points, first `count`; more of them change none of the
    first."""
    fixed = _rounded(case.fixed, format_, field)
    begun = 0
    while begun < most:
        drawn = drawing.draw(
            case.domains,
            count,
            format_,
            seed=seed,
            name=case.name,
            how=case.draw,
            is_complex=field is not REAL,
        )
        for point in drawn[begun:]:
            whole = {**fixed, **point}
            yield {name: whole[name] for name in case.arguments}
        begun, count = count, min(2 * count, most)


def _every(
    case: Case, format_: Format, allowed: Callable[[Point], bool]
) -> tuple[list[Point], int]:
    (name,) = case.arguments
    numbers = list(drawing.every(case.domains.get(name), format_))
    points: list[Point] = [{name: x} for x in numbers if allowed({name: x})]
    if not points:
        _refuse(case, "at least one point", f"none of {len(numbers)}")
    return points, len(numbers) - len(points)


def _rounded(
    point: Mapping[str, Scalar], format_: Format, field: Field
) -> dict[str, Number]:
    """Each number as the dtype holds it."""
    is_complex = field is not REAL
    return {
        name: value.rounded(format_, is_complex=is_complex)
        for name, value in point.items()
    }


def _refuse(case: Case, wanted: str, drawn: str) -> NoReturn:
    assert case.where is not None
    raise CaseFileError(
        f"expected {wanted} that provably satisfy `{case.where.text(case.where.output)}`, found {drawn}. "
        "Narrow the domain to them, weaken the condition, or ask for fewer points.",
        place=_place(case, "where"),
    )


def _refuse_given(case: Case, point: Point, index: int, format_: Format) -> NoReturn:
    assert case.where is not None
    spelled = ", ".join(f"{name} = {shortest(x, format_)}" for name, x in point.items())
    raise CaseFileError(
        f"expected points that provably satisfy `{case.where.text(case.where.output)}`, "
        f"found {spelled} in {format_.name}. Drop the point, or weaken the condition.",
        place=_place(case, f"at[{index + 1}]"),
    )


def _place(case: Case, key: str) -> Place:
    return Place(file=case.place.file, line=case.place.line, case=case.name, key=key)
