"""From a validated table to a `Case`: that its keys fit together, and what those say
that are absent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from verifier import floats
from verifier.errors import ExpressionError, Gathering, did_you_mean, listed
from verifier.floats import SMALL_DTYPES
from verifier.language.casefile import complex_cases
from verifier.language.casefile.case import (
    ALL,
    DRAWN_POINTS,
    DTYPES,
    ROUTES,
    Boundary,
    Case,
    Descent,
)
from verifier.language.casefile.expectations import expectation
from verifier.language.casefile.places import (
    Origin,
    check_input,
    numbers_alone,
    of_numbers,
    points_alone,
)
from verifier.language.casefile.tables import CaseTable
from verifier.language.casefile.validation import validate
from verifier.language.points import drawing
from verifier.language.points.domains import Domain
from verifier.language.points.drawing import Draw
from verifier.language.points.scalars import Scalar, scalar
from verifier.language.points.upstream import Upstream
from verifier.language.programs import fixed, parsing
from verifier.language.programs.program import Program

_V = TypeVar("_V")


def assemble(data: Mapping[str, object], origin: Origin) -> Case:
    """The case that a mapping with the keys of a case describes, or all mistakes in it
    that do not follow from one another."""
    table = checked(data, origin)
    named = numbers_alone(table.domain or {}, origin)
    if table.descent is not None and "domain" in origin.inherited:
        named = {}  # a default that a descent has no use for
    variables = dict.fromkeys(name for point in table.at or () for name in point)
    declared = {**variables, **dict.fromkeys(named)}
    part = Gathering()
    program = part(_program, table, declared, origin)
    where = part(_where, table, declared, program, origin)
    arguments = part(_arguments, table, program, declared, where, origin)
    points_at = part(points_alone, table.at or (), origin)
    given = part(_occurring_points, points_at, arguments, origin)
    domains = part(_occurring, named, arguments, origin, "domain")
    part(_check_cover, given, domains, origin)
    part(_check_domains, domains, table.dtype or DTYPES, origin)
    order = part(order_of, table, origin)
    wrt = part(_wrt, table, arguments, origin)
    formula = "steps" if table.expression is None else "expression"
    part(_check_fixed, program, wrt, formula, origin)
    points = part(_points, table, given, domains, arguments, origin)
    upstream = part(_upstream, table, arguments, given, origin)
    subject = part(_subject, table, origin)
    routes = part(routes_of, table, order, origin)
    expected = part(expectation, table, arguments, wrt, given, program, origin)
    descent = part(_descent, table, program, given, domains, origin)
    draw = part(_draw, table, domains, origin)
    part.check()
    case = Case(
        name=table.name,
        place=origin.place(),
        program=program,
        wrt=wrt,
        given=given,
        domains=domains,
        points=points,
        seed=table.seed,
        upstream=upstream,
        arguments=arguments,
        subject=subject,
        subject_line=origin.line_of(("subject",)),
        order=order,
        routes=routes,
        dtypes=table.dtype or DTYPES,
        subgradient=table.subgradient,
        accept=tuple(dict.fromkeys(table.accept or ())),
        tolerance=None if table.tolerance is None else table.tolerance.relative,
        absolute_tolerance=absolute_of(table),
        expectation=expected,
        descent=descent,
        cite=table.cite,
        tags=table.tags or (),
        reason=table.reason,
        where=where,
        draw=draw,
        boundary=_boundary(table, domains),
        many=table.points is None,
        elementwise=table.elementwise is not False,
    )
    complex_cases.check(case, formula, origin)
    return case


def checked(data: Mapping[str, object], origin: Origin) -> CaseTable:
    """The table, once its keys and values are those of a case; else what is wrong with
    them, and with how the formula is written."""
    part = Gathering()
    table = part(validate, CaseTable, data, origin)
    if part.errors and "shapes" not in data:
        for key, parse in _FORMULAS.items():
            if isinstance(text := data.get(key), str):
                part(_parsed, parse, text, None, origin, key)
    part.check()
    return table


_FORMULAS: Mapping[str, Callable[..., Program]] = {
    "steps": parsing.parse_steps,
    "expression": parsing.parse,
}


def _program(table: CaseTable, variables: Collection[str], origin: Origin) -> Program:
    free = not variables and _takes_all(table, origin)
    if table.expression is not None and table.steps is not None:
        origin.fail("expected `expression` or `steps`, found both. Drop one.", "steps")
    if table.steps is not None:
        key, text = "steps", table.steps
    elif table.expression is not None:
        key, text = "expression", table.expression
    else:
        origin.fail("expected `expression` or `steps`, found neither. Add one.")
    known = None if free else variables
    program = _parsed(_FORMULAS[key], text, known, origin, key)
    if not program.inputs and not variables:
        origin.fail(
            "expected at least one variable, found none: nothing to differentiate. "
            "Give one in `at` or `domain`, by which the derivative is 0.",
            key,
        )
    return program


def _parsed(
    parse: Callable[..., Program],
    text: str,
    variables: Iterable[str] | None,
    origin: Origin,
    key: str,
) -> Program:
    try:
        return parse(text, variables=variables)
    except ExpressionError as error:
        raise error.at(origin.place(key)) from error


def _arguments(
    table: CaseTable,
    program: Program,
    declared: Collection[str],
    where: Program | None,
    origin: Origin,
) -> tuple[str, ...]:
    """The inputs in the order of `inputs`: every variable of the formula, and others
    that have a value.

    Where there is no such list, the others are those that `where` or `wrt` name; of a
    formula without variables, all.
    """
    if table.inputs is None:
        named = {*(table.wrt or ()), *(where.inputs if where is not None else ())}
        others = (
            name
            for name in declared
            if name not in program.inputs and (name in named or not program.inputs)
        )
        return (*program.inputs, *others)
    for index, name in enumerate(table.inputs):
        if name not in declared:
            mend = did_you_mean(name, declared, "Give it one, or drop it.")
            origin.fail(
                f"expected names that have a value in `at` or `domain`, found `{name}`.{mend}",
                *("inputs", index),
            )
    for name in program.inputs:
        if name not in table.inputs:
            origin.fail(
                f"expected every variable of the formula among them, found no `{name}`. Add it.",
                "inputs",
            )
    return table.inputs


def order_of(table: CaseTable, origin: Origin) -> int:
    if table.descent is None or table.order in (None, 1):
        return table.order or 1
    if "order" not in origin.inherited:
        origin.fail(
            "a descent follows the gradient: expected `order = 1`, found 2. Drop one of them.",
            "order",
        )
    return 1  # a default that a descent has no use for


def routes_of(table: CaseTable, order: int, origin: Origin) -> tuple[str, ...]:
    """The routes of the order; of defaults, those that fit."""
    known = ROUTES[order]
    given = table.routes or ()
    unfit = [route for route in given if route not in known]
    if unfit and "routes" not in origin.inherited:
        origin.fail(
            f"expected a route of order {order}: one of {listed(known)}, found `{unfit[0]}`. "
            f"Choose one of those, or set `order = {3 - order}`.",
            "routes",
        )
    return tuple(route for route in given if route in known) or known[:1]


def _subject(table: CaseTable, origin: Origin) -> str | None:
    if table.subject is None or table.descent is None:
        return table.subject
    if "subject" not in origin.inherited:
        origin.fail(
            "a descent follows the formula: expected no `subject`, found one. Drop it, or the `descent`.",
            "subject",
        )
    return None  # a default that a descent has no use for


def _occurring(
    named: Mapping[str, _V], arguments: Sequence[str], origin: Origin, *keys: str
) -> dict[str, _V]:
    """The entries of variables that occur; one that does not is likely misspelt, unless
    it is a default."""
    part = Gathering()
    if keys[0] not in origin.inherited:
        for name in named:
            if name not in arguments:
                message = _unused(name, named, arguments)
                part(origin.fail, message, *keys, name)
    part.check()
    return {name: named[name] for name in named if name in arguments}


def _unused(name: str, named: Iterable[str], arguments: Sequence[str]) -> str:
    others = [known for known in arguments if known not in named]
    mend = did_you_mean(name, others, "Drop it.")
    return f"`{name}` does not occur in the formula, whose inputs are {listed(arguments)}.{mend}"


def _occurring_points(
    given: Sequence[Mapping[str, Scalar]], arguments: Sequence[str], origin: Origin
) -> tuple[Mapping[str, Scalar], ...]:
    points = tuple(_occurring(point, arguments, origin, "at") for point in given)
    names = [name for name in arguments if any(name in p for p in points)]
    for index, point in enumerate(points):
        for name in names:
            if name not in point:
                origin.fail(
                    f"expected a value of `{name}` in every table, found none. Add it.",
                    *("at", index),
                )
    return tuple(point for point in points if point)


def _check_cover(
    given: Sequence[Mapping[str, Scalar]],
    domains: Mapping[str, Domain],
    origin: Origin,
) -> None:
    """That `at` and `domain` together give every input a value in one way."""
    if not given or not domains or given[0].keys() == domains.keys():
        return
    twice = [name for name in given[0] if name in domains]
    if twice:
        origin.fail(
            f"expected `at` and `domain` to name the same variables or none in common, found `{twice[0]}` in both. "
            "Drop it from one.",
            *("domain", twice[0]),
        )
    if len(given) > 1:
        origin.fail(
            f"expected a single table, which fixes {listed(given[0])} while the others are drawn from `domain`, "
            f"found {len(given)}. Give one, or every variable in each.",
            "at",
        )


def _check_domains(
    domains: Mapping[str, Domain], dtypes: Iterable[str], origin: Origin
) -> None:
    part = Gathering()
    for name, interval in domains.items():
        part(_check_domain, name, interval, dtypes, origin)
    part.check()


def _check_domain(
    name: str, interval: Domain, dtypes: Iterable[str], origin: Origin
) -> None:
    for dtype in dtypes:
        try:
            drawing.check({name: interval}, floats.of_parts(dtype))
        except ExpressionError as error:
            origin.fail(error.message, "domain", name)


def absolute_of(table: CaseTable) -> Fraction:
    absolute = None if table.tolerance is None else table.tolerance.absolute
    return Fraction(0) if absolute is None else absolute


def _draw(table: CaseTable, domains: Mapping[str, Domain], origin: Origin) -> Draw:
    endless = _endless(domains)
    if table.draw is Draw.VALUES and endless and "draw" not in origin.inherited:
        origin.fail(
            f"expected a domain with two ends to draw values from, found {domains[endless[0]]} of `{endless[0]}`. "
            "Give it both, or drop `draw`.",
            "draw",
        )
    return table.draw or Draw.VALUES


def _boundary(table: CaseTable, domains: Mapping[str, Domain]) -> Boundary:
    """What is asked for, else what goes with how the points are drawn."""
    if table.boundary is not None:
        return table.boundary
    by_floats = table.draw is Draw.FLOATS or _endless(domains)
    return Boundary.MACHINE if by_floats else Boundary.NAMED


def _endless(domains: Mapping[str, Domain]) -> list[str]:
    """The inputs that are drawn over the floats whatever is asked for."""
    return [name for name, domain in domains.items() if domain.is_endless]


def _where(
    table: CaseTable, declared: Collection[str], program: Program, origin: Origin
) -> Program | None:
    if table.where is None:
        return None
    if table.descent is not None:
        if "where" in origin.inherited:
            return None  # a default that a descent has no use for
        origin.fail(
            "a descent goes where the gradient leads: expected no `where`, found one. Drop it.",
            "where",
        )
    variables = list(table.inputs or declared or program.inputs)
    condition = _parsed(
        parsing.parse_condition, table.where, variables, origin, "where"
    )
    if not condition.inputs:
        origin.fail(
            f"expected a condition in the inputs {listed(variables)}, found none of them in it.",
            "where",
        )
    return condition


def _points(
    table: CaseTable,
    given: Sequence[Mapping[str, Scalar]],
    domains: Mapping[str, Domain],
    arguments: Sequence[str],
    origin: Origin,
) -> int | str:
    if _takes_all(table, origin):
        _check_all(table, arguments, origin)
        return ALL
    if domains:
        return DRAWN_POINTS if table.points is None else table.points
    if table.points is not None and "points" not in origin.inherited:
        origin.fail(
            f"expected a `domain` from which to draw {table.points} points, found none. Add one, or drop `points`.",
            "points",
        )
    return 0


def _takes_all(table: CaseTable, origin: Origin) -> bool:
    """Whether every number is asked for; a default that a case with points of its own
    has no use for does not."""
    if table.points != ALL or "points" not in origin.inherited:
        return table.points == ALL
    return table.domain is not None or (table.at is None and table.descent is None)


def _check_all(table: CaseTable, arguments: Sequence[str], origin: Origin) -> None:
    if table.descent is not None:
        origin.fail(
            'a descent starts from the single point in `at`: expected no `points`, found "all". Drop it.',
            "points",
        )
    if len(arguments) != 1:
        origin.fail(
            f'expected a single input for "all" points, found {listed(arguments)}. Give a number of points.',
            "points",
        )
    for dtype in table.dtype or DTYPES:
        if dtype not in SMALL_DTYPES:
            key = "points" if table.dtype is None else "dtype"
            origin.fail(
                f'expected only {listed(SMALL_DTYPES)} for "all" points, found `{dtype}`. '
                "Name those in `dtype`, or give a number of points.",
                key,
            )


def _wrt(
    table: CaseTable, arguments: tuple[str, ...], origin: Origin
) -> tuple[str, ...]:
    if table.wrt is None:
        return arguments if table.descent is None else (table.descent.parameter,)
    part = Gathering()
    for index, name in enumerate(table.wrt):
        part(check_input, name, arguments, origin, "wrt", index)
    part.check()
    if table.descent is not None and table.descent.parameter not in table.wrt:
        origin.fail(
            f"expected the descent's parameter `{table.descent.parameter}` among them, found {listed(table.wrt)}. "
            "Add it.",
            "wrt",
        )
    return table.wrt


def _upstream(
    table: CaseTable,
    arguments: Sequence[str],
    given: Sequence[Mapping[str, Scalar]],
    origin: Origin,
) -> Upstream:
    """The upstream gradient: a list has a number for each given point, and a descent
    one for all its epochs."""
    upstream = scalar(1) if table.upstream is None else table.upstream
    if isinstance(upstream, Scalar):
        return upstream
    upstream = of_numbers(upstream, origin)
    if table.descent is not None:
        if "upstream" not in origin.inherited:
            origin.fail(
                "a descent follows the gradient of its loss: expected no list or word, found one. Drop it.",
                "upstream",
            )
        return scalar(1)  # a default that a descent has no use for
    is_complete = bool(given) and given[0].keys() == set(arguments)
    if is_complete and isinstance(upstream, tuple) and len(upstream) != len(given):
        origin.fail(
            f"expected as many numbers as there are points in `at`, {len(given)}, found {len(upstream)}.",
            "upstream",
        )
    return upstream


def _descent(
    table: CaseTable,
    program: Program,
    given: Sequence[Mapping[str, Scalar]],
    domains: Mapping[str, Domain],
    origin: Origin,
) -> Descent | None:
    descent = table.descent
    if descent is None:
        return None
    check_input(descent.parameter, program.inputs, origin, "descent", "parameter")
    if domains:
        origin.fail(
            "a descent starts from the single point in `at`: expected no `domain`, found one. Drop it.",
            "domain",
        )
    if len(given) != 1:
        origin.fail(
            f"a descent starts from a single point: expected one in `at`, found {len(given)}.",
            "at",
        )
    return Descent(
        parameter=descent.parameter,
        learning_rate=descent.learning_rate,
        epochs=descent.epochs,
    )


def _check_fixed(
    program: Program, wrt: Sequence[str], formula: str, origin: Origin
) -> None:
    """Refuses a derivative by an operand by which an operation has none."""
    for row, operand, names in fixed.flows(program, wrt):
        given = listed(sorted(names))
        origin.fail(
            f"`{row.name}` is not differentiated by `{operand}`, which is made of {given} here. "
            f"Leave {given} out of `wrt`, or write a number.",
            formula,
        )
