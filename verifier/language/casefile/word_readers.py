"""From the values that a case file may hold to names, formulas, verdicts and other words;
pydantic calls them.

Every error is pydantic's, in our words (`fault`), so that it reaches the place of what
is at fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from importlib.machinery import PathFinder

from pydantic_core import PydanticCustomError

from verifier import floats
from verifier.errors import ExpressionError, did_you_mean, listed
from verifier.language.casefile.case import (
    DIFFERENCES,
    QUANTITIES,
    ROUTE_ALIASES,
    ROUTES,
    VERDICTS,
    Boundary,
    Pin,
)
from verifier.language.casefile.faults import all_of, either, fault
from verifier.language.casefile.places import show
from verifier.language.points.drawing import Draw
from verifier.language.programs import parsing
from verifier.records import Verdict
from verifier.releases import check_range


def read_draw(value: object) -> Draw:
    if isinstance(value, str) and value in tuple(Draw):
        return Draw(value)
    near = did_you_mean(value, list(Draw)) if isinstance(value, str) else ""
    raise fault(f"expected {either(*Draw)}, found {show(value)}.{near}")


def read_boundary(value: object) -> Boundary:
    if isinstance(value, bool):
        return Boundary.NAMED if value else Boundary.NONE
    if value == Boundary.MACHINE:
        return Boundary.MACHINE
    near = did_you_mean(value, (Boundary.MACHINE,)) if isinstance(value, str) else ""
    raise fault(
        f'expected `true`, `false` or "{Boundary.MACHINE}", found {show(value)}.{near}'
    )


def check_variables(value: object, *tail: int) -> object:
    """The value, whose keys are names of variables where it is a table."""
    for name in value if isinstance(value, Mapping) else ():
        if not isinstance(name, str):
            raise fault(f"expected names of variables, found {show(name)}.", *tail)
        if not _is_variable(name):
            raise fault(
                "expected names that a formula can contain, such as `x` or `sigma_1`, "
                f"found {show(name)}.",
                *tail,
            )
    return value


@cache
def _is_variable(name: str) -> bool:
    try:
        return list(parsing.parse(name, variables=(name,)).inputs) == [name]
    except ExpressionError:
        return False


def check_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise fault(
            "expected a name of printable characters, without blanks at its ends, "
            f"found {show(name)}."
        )
    if "::" in name:
        raise fault(
            f"expected a name without `::`, which ends the file in `FILE::CASE`, found {show(name)}."
        )
    return name


def _check_known(name: str, known: Iterable[str]) -> str:
    names = list(known)
    if name in names:
        return name
    raise fault(
        f"expected one of {listed(names)}, found `{name}`.{did_you_mean(name, names)}"
    )


def check_dtype(name: str) -> str:
    return _check_known(name, floats.DTYPES)


def check_route(name: str) -> str:
    if name in ROUTE_ALIASES:
        return ROUTE_ALIASES[name]
    return _check_known(name, (route for routes in ROUTES.values() for route in routes))


def check_formulas(value: object) -> object:
    """A table of formulas by input."""
    if not isinstance(value, Mapping) or not value:
        raise fault(
            f'expected a table of formulas such as {{ x = "1/(1 + x**2)" }}, found {show(value)}.'
        )
    check_variables(value)
    for name, text in value.items():
        if not isinstance(text, str):
            raise fault(f"expected a formula in quotes, found {show(text)}.", name)
        try:
            parsing.parse(text)
        except ExpressionError as error:
            raise fault(error.message, name, column=error.place.column) from error
    return value


def check_subject(text: str) -> str:
    module, colon, name = text.partition(":")
    if colon and all(part.isidentifier() for part in (f"{module}.{name}").split(".")):
        return text
    parts = text.split(".")
    is_dotted = len(parts) > 1 and all(part.isidentifier() for part in parts)
    example = _as_reference(parts) if is_dotted else "mylib.activations:swish"
    mend = f"Did you mean `{example}`?" if is_dotted else f"Write it as `{example}`."
    raise fault(f"expected `module:callable`, found {show(text)}. {mend}")


def _as_reference(parts: Sequence[str]) -> str:
    """A dotted name as `module:callable`: the module ends where no file goes on, else
    before a class. Runs no code."""
    end = len(parts) - 1
    known, folders = 0, None
    while known < end:
        spec = PathFinder.find_spec(".".join(parts[: known + 1]), folders)
        if spec is None:
            break
        known, folders = known + 1, spec.submodule_search_locations
        if folders is None:
            break
    classes = (i for i, part in enumerate(parts[1:end], 1) if part[0].isupper())
    split = known or next(classes, end)
    return f"{'.'.join(parts[:split])}:{'.'.join(parts[split:])}"


def read_accepted(value: object) -> Verdict:
    if not isinstance(value, str):
        raise fault(f"expected text in quotes, found {show(value)}.")
    verdict = DIFFERENCES.get(value.removeprefix("differ."))
    if verdict is not None:
        return verdict
    if any(value in (verdict.value, verdict.kind) for verdict in Verdict):
        raise fault(
            f"expected a kind of difference, found `{value}`. "
            "Only differences can be accepted; pin another verdict with `expect = { verdict = … }`."
        )
    near = did_you_mean(value, [*DIFFERENCES, *DIFFERENCES.values()])
    raise fault(
        f"expected one of {listed(sorted(DIFFERENCES))}, found `{value}`.{near}"
    )


def check_verdict(name: str) -> str:
    if name in VERDICTS:
        return name
    near = did_you_mean(name, VERDICTS) or did_you_mean(
        f"differ.{name}", VERDICTS, f"Known are {listed(VERDICTS)}."
    )
    raise fault(f"expected a verdict, found `{name}`.{near}")


def read_pinned(value: object) -> str | tuple[Pin, ...]:
    """A verdict for all, or a table of verdicts by quantity."""
    if isinstance(value, str):
        return check_verdict(value)
    if not isinstance(value, Mapping) or not value:
        raise fault(
            'expected a verdict in quotes, or a table of verdicts such as { gradient = "differ.wrong" }, '
            f"found {show(value)}."
        )
    pins = all_of(partial(_read_pins, key, entry) for key, entry in value.items())
    return tuple(pin for of_quantity in pins for pin in of_quantity)


def _read_pins(quantity: object, value: object) -> tuple[Pin, ...]:
    if not isinstance(quantity, str):
        raise fault(f"expected one of {listed(QUANTITIES)}, found {show(quantity)}.")
    if quantity not in QUANTITIES:
        near = did_you_mean(quantity, QUANTITIES)
        raise fault(
            f"expected one of {listed(QUANTITIES)}, found `{quantity}`.{near}",
            quantity,
        )
    if quantity not in ("gradient", "formula") or not isinstance(value, Mapping):
        return (Pin(quantity=quantity, verdict=_read_verdict(value, quantity)),)
    if not value:
        raise fault("expected the names of inputs, found an empty table.", quantity)
    verdicts = all_of(
        partial(_read_verdict, entry, quantity, name) for name, entry in value.items()
    )
    return tuple(
        Pin(quantity=quantity, wrt=name, verdict=verdict)
        for name, verdict in zip(value, verdicts, strict=True)
    )


def _read_verdict(value: object, *tail: str) -> str:
    if not isinstance(value, str):
        raise fault(f"expected a verdict in quotes, found {show(value)}.", *tail)
    try:
        return check_verdict(value)
    except PydanticCustomError as error:
        raise fault(error.message(), *tail) from error


def check_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise fault(f"expected each name once, found `{name}` twice.", index)
    return names


def as_list_of(kind: str) -> Callable[[object], object]:
    """What makes a list of the kind of thing of which a case may also give one
    alone."""

    def as_list(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return value
        if isinstance(value, str):
            return [value]
        raise fault(f"expected a {kind} or a list of {kind}s, found {show(value)}.")

    return as_list


def as_tables(value: object) -> object:
    """A table as a list of one; a list as it is."""
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, (list, tuple)):
        return value
    raise fault(f"expected a table or a list of tables, found {show(value)}.")


def check_releases(text: str) -> str:
    """A range of releases."""
    try:
        return check_range(text)
    except ValueError as error:
        number = text.strip()
        mend = f" It {error}."
        if number[:1].isdigit():
            mend = f" Did you mean `=={number}.*`?"
        raise fault(
            'expected a range of releases such as "<2.14" or ">=2.6,<2.8", '
            f"found {show(text)}.{mend}"
        ) from error
