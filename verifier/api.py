"""The verifier from Python: `verify`, `check`, `assert_gradients`, `cases`, and the
`Run` they return."""

from __future__ import annotations

import functools
import html
import inspect
import numbers
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    NoReturn,
    ParamSpec,
    TypedDict,
    Unpack,
    cast,
)

from verifier import floating_point
from verifier.arguments import (
    Dtype,
    Interval,
    Number,
    Symbolic,
    is_symbolic,
    name_of,
    plain,
)
from verifier.errors import ArgumentError, UsageError, did_you_mean, listed
from verifier.language.casefile.case import LEAST_SEED, MOST_SEED
from verifier.language.casefile.loading import from_mapping, load_paths
from verifier.language.casefile.places import show
from verifier.language.programs import parsing
from verifier.records import Result, RunRecord
from verifier.reports import brief, summary, text
from verifier.reports.options import Options as Page
from verifier.reports.outcome import PASSED, exit_code
from verifier.reports.progress import progress
from verifier.running.plan import plan
from verifier.running.run import execute
from verifier.running.units import Unit, count

if TYPE_CHECKING:
    import pytest

_P = ParamSpec("_P")


class Options(TypedDict, total=False):
    """The keywords that `verify`, `check` and `assert_gradients` share: each means what
    the key of that name means in a case file; `layout` and `device` what the options of
    `verifier run` mean."""

    at: Mapping[Any, Number] | Sequence[Mapping[Any, Number]] | None
    domain: Mapping[Any, Interval] | None
    where: str | Symbolic | None
    points: int | Literal["all"] | None
    draw: Literal["values", "floats"] | None
    boundary: bool | Literal["machine"] | None
    upstream: Number | Sequence[Number] | None
    wrt: Sequence[str | Symbolic] | None
    dtype: Dtype | Sequence[Dtype] | None
    order: Literal[1, 2]
    routes: str | Sequence[str] | None
    tolerance: Number | Mapping[str, Number] | None
    subgradient: Number | None
    accept: str | Sequence[str] | None
    expect: Mapping[str, Any] | None
    layout: Literal["batch", "single", "strided", "expanded"]
    device: Any


_DEFAULTS = {"order": 1, "layout": "batch", "device": "cpu"}
"""Of the keywords that are not None where they are not given."""
_MEANT = {
    "atol": "tolerance",
    "eps": "tolerance",
    "rtol": "tolerance",
    "bounds": "domain",
    "expr": "expression",
    "formula": "expression",
    "samples": "points",
    "requires_grad": "wrt",
}
"""Keywords of other libraries that no spelling leads from."""


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A finished run. `str` is the text report, as wide as the terminal; Jupyter shows
    it too. `repr` is the counts in one line. It is true where all is as expected."""

    record: RunRecord

    def __bool__(self) -> bool:
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether every result is as its case expects; undecided is not."""
        return exit_code(self.record) == PASSED

    @property
    def results(self) -> tuple[Result, ...]:
        """One result a case, dtype and route."""
        return self.record.results

    def __str__(self) -> str:
        return text.render(self.record, Page(width=shutil.get_terminal_size().columns))

    def __repr__(self) -> str:
        return f"<Run: {summary.brief(self.record)}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def _spelled_out(function: Callable[_P, Run]) -> Callable[_P, Run]:
    """The function with the keywords of `Options` in its signature, in the place of
    `**options`."""
    signature = inspect.signature(function)
    keywords = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_DEFAULTS.get(name),
            annotation=getattr(annotation, "__forward_arg__", annotation),
        )
        for name, annotation in Options.__annotations__.items()
    ]
    *named, options = signature.parameters.values()
    assert options.kind is inspect.Parameter.VAR_KEYWORD
    signature = signature.replace(parameters=[*named, *keywords])

    @functools.wraps(function)
    def spelled_out(*args: _P.args, **kwargs: _P.kwargs) -> Run:
        __tracebackhide__ = True  # pytest shows the line of the user's that calls
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            _refuse(function.__name__, signature, kwargs, error)
        return function(*args, **kwargs)

    spelled_out.__signature__ = signature  # type: ignore[attr-defined]
    return spelled_out


def _refuse(
    name: str, signature: inspect.Signature, given: Iterable[str], error: TypeError
) -> NoReturn:
    """Say which arguments a call lacks, or which it may not have."""
    __tracebackhide__ = True
    known = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    ]
    for keyword in given:
        if keyword not in known:
            meant = _MEANT.get(keyword)
            near = did_you_mean(keyword, known, f"Known are {listed(known)}.")
            mend = f" Did you mean `{meant}`?" if meant in known else near
            raise ArgumentError(f"{name}() has no keyword `{keyword}`.{mend}") from None
    raise ArgumentError(f"{name}(): {str(error).replace(chr(39), '`')}.") from None


@_spelled_out
def verify(
    expression: str | Symbolic | Unit | None = None,
    *,
    steps: str | None = None,
    seed: int = 0,
    **options: Unpack[Options],
) -> Run:
    """The verdict on PyTorch's gradient of an expression (or of named `steps`), as a
    case file would ask for it.

    ```python
    verifier.verify("sin(x)*y", at={"x": 1, "y": 2})
    verifier.verify("log(1 + exp(x))", domain={"x": (-5, 5)}, dtype=torch.float32)
    ```

    Each variable is one number: a point of `at` gives each a value, `domain` an interval
    from which `points` are drawn. Every keyword means what the key of that name means in
    a case file. Numbers may be Python's, SymPy's, NumPy's scalars, tensors of one number,
    or text (`"1/3"`); the expression may be SymPy's, and variables its symbols; a domain
    may be two numbers, which belong to it; a dtype may be PyTorch's. Without `dtype`,
    float32 and float64 are verified. A unit that `cases` handed to a test is run as it
    stands.

    Errors are reported in ulps of the true number in the dtype. Raises `VerifierError`
    for what no case may say, with all mistakes; `ArgumentError`, which is a `TypeError`
    too, for arguments that there are not.

    It may be called from several threads: one verification waits for another, for the
    precision of balls is global. Other threads must leave that of `flint` alone
    meanwhile. PyTorch's modes, a default device, the rounding mode and the like change
    no verdict; inside `torch.func.vmap` and its kin it refuses with `UsageError`.
    """
    if isinstance(expression, Unit):
        return _executed([expression], seed)
    if callable(expression) and not is_symbolic(expression):
        raise UsageError(
            "expected a formula, found a callable. `verifier.check` verifies those."
        )
    units = _planned({"expression": expression, "steps": steps}, options)
    return _executed(units, seed)


def _executed(units: Sequence[Unit], seed: int) -> Run:
    """The finished run; where it is long, a terminal or a notebook shows how far it has
    come."""
    seed = _checked_seed(seed)
    with progress(count(units)) as (advance, on_point):
        record = execute(
            units,
            seed=seed,
            on_result=lambda result: advance(None),
            on_point=on_point,
        )
    return Run(record)


def _checked_seed(seed: object) -> int:
    if isinstance(seed, numbers.Integral) and not isinstance(seed, bool):
        number = int(seed)
        if LEAST_SEED <= number <= MOST_SEED:
            return number
        seed = number
    raise ArgumentError(
        f"seed: expected an integer of at most 64 bits, found {show(seed)}."
    )


def _planned(case: Mapping[str, object], options: Options) -> list[Unit]:
    given: dict[str, object] = {**case, **options}
    layout = given.pop("layout", "batch")
    device = given.pop("device", "cpu")
    keys = cast("dict[str, object]", plain(given))
    with floating_point.usual():  # a subnormal number would be read as 0
        return plan(
            [from_mapping(keys)], layout=name_of(layout), device=name_of(device)
        )


@_spelled_out
def check(
    function: Callable[..., Any],
    *values: Number,
    expression: str | Symbolic,
    inputs: Sequence[str | Symbolic] | None = None,
    elementwise: bool | None = None,
    seed: int = 0,
    **options: Unpack[Options],
) -> Run:
    """The verdict on the gradient of a callable of PyTorch's, against the expression
    that specifies it.

    ```python
    verifier.check(torch.nn.functional.silu, -89, expression="x/(1 + exp(-x))", dtype=torch.float32)
    ```

    The callable takes one 0-dimensional tensor for each input and returns one number;
    unless `elementwise` is False, it also takes tensors of one shape and returns a
    number for each element. `inputs` names its arguments in order; by default they are
    its parameters, where they are named as the variables, and else the variables in
    order of first appearance. The point is given by `values`, in the order of the
    arguments, or as in a case file; the other keywords are those of `verify`. What the
    callable raises is the result `error.run`; what it leaves behind (a default device,
    say) ends with the call. Errors and threads are as `verify` says.
    """
    if not callable(function):
        kind = type(function).__name__
        raise UsageError(f"expected a callable to verify, found one of type `{kind}`.")
    expression = cast("str", plain(expression))
    names = cast("list[str] | None", plain(inputs))
    at = plain(options.get("at"))
    if values:
        options["at"], names = _at_values(values, function, expression, at, names)
    elif names is None:
        declared = _declared(at, plain(options.get("domain")))
        names = _parameters_named(function, declared)
    case = {"expression": expression, "inputs": names, "elementwise": elementwise}
    units = [replace(unit, function=function) for unit in _planned(case, options)]
    return _executed(units, seed)


@_spelled_out
def assert_gradients(
    function: Callable[..., Any] | str | Symbolic | Unit | None = None,
    *values: Number,
    expression: str | Symbolic | None = None,
    steps: str | None = None,
    inputs: Sequence[str | Symbolic] | None = None,
    elementwise: bool | None = None,
    seed: int = 0,
    **options: Unpack[Options],
) -> Run:
    """Raises `AssertionError` with the report, unless the gradient of a callable is that
    of `expression`, or PyTorch's gradient of a formula is the true one. What could not be
    judged, or not be run, raises too, and says so.

    ```python
    verifier.assert_gradients(swish, expression="x/(1 + exp(-x))", domain={"x": (-4, 4)})
    verifier.assert_gradients("sin(x)*y", at={"x": 1, "y": 2})
    ```

    Of a callable, the arguments are those of `check`, else those of `verify`. Returns the
    run.
    """
    __tracebackhide__ = True
    if callable(function) and not is_symbolic(function):
        if expression is None:
            raise ArgumentError(
                "assert_gradients() of a callable needs `expression`, which specifies it."
            )
        run = check(
            function,
            *values,
            expression=expression,
            inputs=inputs,
            elementwise=elementwise,
            seed=seed,
            **options,
        )
    else:
        if values:
            raise UsageError("expected the point of a formula in `at`, found values.")
        formula = cast("str", expression if function is None else function)
        run = verify(formula, steps=steps, seed=seed, **options)
    if not run:
        raise AssertionError(f"{brief.headline(run.record)}\n\n{run}")
    return run


def _at_values(
    values: Sequence[Number],
    function: Callable[..., Any],
    expression: str,
    at: object,
    inputs: list[str] | None,
) -> tuple[dict[str, Number], list[str]]:
    """The point that the positional values are, and the names of the arguments in their
    order."""
    if at is not None:
        raise UsageError(
            "expected the point as values or in `at`, found both. Drop one."
        )
    if inputs is None:
        variables = list(parsing.parse(expression).inputs)
        inputs = _parameters_named(function, variables) or variables
    if len(values) != len(inputs):
        names = ", ".join(f"`{name}`" for name in inputs) or "none"
        raise UsageError(
            f"expected one value for each argument ({names}), found {len(values)}. "
            "Give them all, or name the arguments with `inputs`."
        )
    return dict(zip(inputs, values, strict=True)), inputs


def _declared(at: object, domain: object) -> list[str]:
    points = at if isinstance(at, (list, tuple)) else [at]
    tables = [*points, domain]
    return [name for table in tables if isinstance(table, Mapping) for name in table]


def _parameters_named(
    function: Callable[..., Any], variables: Sequence[str]
) -> list[str] | None:
    """The callable's positional parameters, if they are named as the variables are."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of most functions that are written in C
        return None
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    named = {p.name: p.default for p in parameters if p.kind in positional}
    # A parameter with a default may be left to it: it need not be a variable.
    required = [name for name in named if named[name] is inspect.Parameter.empty]
    return next((n for n in (list(named), required) if set(n) == set(variables)), None)


def cases(*paths: str | Path) -> pytest.MarkDecorator:
    """A decorator that runs a test once for every case × dtype × route of case files or
    folders, as its argument `case`.

    ```python
    @verifier.cases("cases/notebook.toml")
    def test_gradients(case):
        run = verifier.verify(case)
        assert run.ok, run
    ```

    The ids are `NAME[dtype]`, or `NAME[dtype-route]` where a case has several routes;
    `FILE::` comes before where there are several files.
    """
    import pytest

    if not paths:
        raise UsageError("expected at least one case file or folder, found none")
    units = plan(load_paths([Path(path) for path in paths]))
    alone = [one for unit in units for one in unit.by_route()]
    files = {one.case.place.file for one in alone}
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(one, id=one.ids[0] if len(files) == 1 else one.full_id)
            for one in alone
        ],
    )
