"""From a validated table to a `Case` of tensors; others are those of `assembly`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from verifier.errors import ExpressionError, Gathering, did_you_mean, listed
from verifier.floats import COMPLEX
from verifier.language.casefile import arrays
from verifier.language.casefile.assembly import (
    absolute_of,
    assemble,
    checked,
    order_of,
    routes_of,
)
from verifier.language.casefile.case import (
    DRAWN_POINTS,
    DTYPES,
    NO_PROGRAM,
    Case,
)
from verifier.language.casefile.places import Origin, check_input
from verifier.language.casefile.tables import CaseTable
from verifier.language.casefile.tensor_case import (
    DRAWS,
    MOST_ELEMENTS,
    UPSTREAM_WORDS,
    WIDENED,
    TensorInput,
    Tensors,
)
from verifier.language.points.scalars import scalar
from verifier.language.points.tensor_domains import (
    NORMAL,
    TensorDomain,
    of_domain,
)
from verifier.language.programs import parsing

KEYS = ("shapes", "reference", "gradient")
"""Each of these makes a case one of tensors."""
_UNFIT = (
    *("where", "draw", "boundary", "descent", "inputs"),
    *("elementwise", "subgradient"),
)
"""Keys of cases of single numbers."""
GIVEN = "given"
"""Of a case made in Python: what a caller gives, `tensors` in the place of `shapes`, or a
`callable` in that of `subject`."""


def case_of(data: Mapping[str, object], origin: Origin) -> Case:
    """The case that a mapping with the keys of a case describes, or all mistakes in
    it."""
    if any(key in data for key in (*KEYS, GIVEN)):
        return _of_tensors(data, origin)
    return assemble(data, origin)


def _of_tensors(data: Mapping[str, object], origin: Origin) -> Case:
    is_given = data.get(GIVEN) == "tensors"
    table = checked({key: data[key] for key in data if key != GIVEN}, origin)
    part = Gathering()
    part(_check_fit, table, origin)
    part(_check_source, table, origin, is_given=GIVEN in data)
    inputs = {} if is_given else part(_inputs, table, origin)
    program = None if is_given else part(arrays.program, table, inputs, origin)
    if not is_given:
        inputs = part(arrays.settled, table, inputs, program, origin)
    upstream = part(_upstream, table, origin)
    dtypes = part(_dtypes, table, origin)
    order = part(order_of, table, origin)
    routes = part(routes_of, table, order, origin)
    wrt = table.wrt
    if not is_given:
        part(_check_names, table, inputs, origin)
    names = part(_names, wrt, inputs)
    expectation = part(arrays.expectation, table, names, inputs, program, origin)
    part.check()
    return Case(
        name=table.name,
        place=origin.place(),
        program=NO_PROGRAM,
        wrt=names,
        given=(),
        domains={},
        points=_draws(table),
        seed=table.seed,
        upstream=scalar(1),
        arguments=tuple(inputs),
        subject=table.subject,
        subject_line=origin.line_of(("subject",)),
        order=order,
        routes=routes,
        dtypes=dtypes,
        subgradient=None,
        accept=tuple(dict.fromkeys(table.accept or ())),
        tolerance=None if table.tolerance is None else table.tolerance.relative,
        absolute_tolerance=absolute_of(table),
        expectation=expectation,
        descent=None,
        cite=table.cite,
        tags=table.tags or (),
        reason=table.reason,
        tensors=Tensors(
            inputs=inputs,
            reference=table.reference,
            reference_line=origin.line_of(("reference",)),
            expression=table.expression if table.steps is None else table.steps,
            in_steps=table.steps is not None,
            program=program,
            gradient=table.gradient or {},
            upstream=upstream or arrays.usual_upstream(expectation),
            widen=WIDENED if table.widen is None else table.widen,
            wrt=wrt,
        ),
    )


def _names(
    wrt: tuple[str, ...] | None, inputs: Mapping[str, TensorInput]
) -> tuple[str, ...]:
    """What is differentiated by: all inputs that are no indices, where nothing is
    said."""
    return wrt or tuple(n for n, one in inputs.items() if one.domain.integers is None)


def _check_fit(table: CaseTable, origin: Origin) -> None:
    part = Gathering()
    of_arrays = ("at", "steps") if table.shapes is None else ()
    for key in (*of_arrays, *_UNFIT):
        if getattr(table, key) is not None and key not in origin.inherited:
            part(
                origin.fail,
                f"a case of tensors takes no `{key}`: expected none, found one. Drop it, or {_others(table)}.",
                key,
            )
    if table.points == "all" and "points" not in origin.inherited:
        part(
            origin.fail,
            'a case of tensors takes a number of draws: expected an integer, found "all".',
            "points",
        )
    part.check()


def _others(table: CaseTable) -> str:
    return listed([key for key in KEYS if getattr(table, key) is not None] or KEYS)


def _check_source(table: CaseTable, origin: Origin, *, is_given: bool) -> None:
    formulas = [key for key in ("expression", "steps") if getattr(table, key)]
    if len(formulas) > 1:
        origin.fail("expected `expression` or `steps`, found both. Drop one.", "steps")
    if table.subject is None and not formulas and not is_given:
        origin.fail(
            "expected an `expression` or a `subject`, a callable of tensors as `module:callable`, found neither. "
            "Add one."
        )
    if table.reference is not None and formulas:
        origin.fail(
            "expected `reference` or `expression` to say what the subject computes, found both. Drop one.",
            "reference",
        )
    if table.reference is not None and table.subject is None and not is_given:
        origin.fail(
            "expected a `subject` to hold against the `reference`, found none. Add one.",
            "reference",
        )


def _inputs(table: CaseTable, origin: Origin) -> dict[str, TensorInput]:
    """The inputs with their domains, by default the normal one."""
    domains = table.domain or {}
    shapes = table.shapes
    if shapes is not None and not shapes:
        origin.fail("expected at least one input, found an empty table.", "shapes")
    if shapes is None:  # a function of single numbers: many of them as one tensor
        count = table.points if isinstance(table.points, int) else DRAWN_POINTS
        shapes = dict.fromkeys(domains or _variables(table), (count,))
        if not shapes:
            origin.fail(
                "expected `shapes` such as { x = [64, 256] }, or a `domain`, found neither. Add one."
            )
    part = Gathering()
    if "domain" not in origin.inherited:
        for name in domains:
            part(check_input, name, list(shapes), origin, "domain", name)
    inputs = {
        name: TensorInput(shape=shape, domain=part(_domain, table, name, origin))
        for name, shape in shapes.items()
    }
    part.check()
    count = sum(prod(one.shape) for one in inputs.values())
    if count > MOST_ELEMENTS:
        origin.fail(
            f"expected at most {MOST_ELEMENTS} numbers together, found {count}.",
            "shapes",
        )
    return inputs


def _variables(table: CaseTable) -> Sequence[str]:
    return () if table.expression is None else parsing.parse(table.expression).inputs


def _domain(table: CaseTable, name: str, origin: Origin) -> TensorDomain:
    found = (table.domain or {}).get(name)
    if found is None:
        return TensorDomain(word=NORMAL)
    try:
        return of_domain(found)
    except ExpressionError as error:
        origin.fail(error.message, "domain", name)


def _draws(table: CaseTable) -> int:
    if table.shapes is None or not isinstance(table.points, int):
        return DRAWS
    return table.points


def _upstream(table: CaseTable, origin: Origin) -> tuple[str, ...]:
    given = table.upstream
    if given is None:
        return ()
    words = given if isinstance(given, tuple) else (given,)
    known = [word for word in words if word in UPSTREAM_WORDS]
    if len(known) < len(words):
        if "upstream" in origin.inherited:
            return ()  # a default of cases of single numbers
        odd = next(word for word in words if word not in UPSTREAM_WORDS)
        shown = odd if isinstance(odd, str) else odd.text
        origin.fail(
            f"expected one or several of {listed(UPSTREAM_WORDS)} for tensors, found `{shown}`."
            f"{did_you_mean(shown, UPSTREAM_WORDS)}",
            "upstream",
        )
    return tuple(str(word) for word in known)


def _dtypes(table: CaseTable, origin: Origin) -> tuple[str, ...]:
    given = table.dtype or DTYPES
    odd = [dtype for dtype in given if dtype in COMPLEX]
    if odd and "dtype" not in origin.inherited:
        origin.fail(
            f"tensors are verified in real dtypes: expected none of {listed(COMPLEX)}, found `{odd[0]}`.",
            "dtype",
        )
    return tuple(dtype for dtype in given if dtype not in COMPLEX) or DTYPES


def _check_names(
    table: CaseTable, inputs: Mapping[str, TensorInput], origin: Origin
) -> None:
    part = Gathering()
    for name in table.gradient or {}:
        part(check_input, name, list(inputs), origin, "gradient", name)
    for index, name in enumerate(table.wrt or ()):
        if name in inputs and inputs[name].domain.integers is not None:
            part(
                origin.fail,
                f"`{name}` is drawn from integers, which have no gradient. Leave it out.",
                "wrt",
                index,
            )
    part.check()
