"""The verifier from Python: `verify`, `check`, `cases` and the `Run` they return."""

from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypedDict, Unpack

from verifier import floating_point
from verifier.errors import UsageError
from verifier.language.casefile.loading import from_mapping, load_paths
from verifier.language.programs import parsing
from verifier.records import Result, RunRecord
from verifier.reports import text
from verifier.reports.outcome import PASSED, exit_code
from verifier.running.plan import plan
from verifier.running.run import execute
from verifier.running.units import Unit

if TYPE_CHECKING:
    import pytest

Names = str | Sequence[str]
Number = int | float | complex | str
"""An exact number: a float is the binary number that it holds, a string as in a case
file (`"1/3"`, `"0x1.8p-3"`); complex only where the dtypes are."""
_P = ParamSpec("_P")


class Options(TypedDict, total=False):
    """The keywords that `verify` and `check` share: each means what the key of that
    name means in a case file."""

    at: Mapping[str, Number] | Sequence[Mapping[str, Number]] | None
    domain: Mapping[str, str] | None
    where: str | None
    points: int | Literal["all"] | None
    draw: Literal["values", "floats"] | None
    boundary: bool | Literal["machine"] | None
    upstream: Number | Sequence[Number] | None
    wrt: Sequence[str] | None
    dtype: Names | None
    order: int
    routes: Names | None
    tolerance: Number | Mapping[str, Number] | None
    subgradient: Number | None
    accept: Names | None
    expect: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A finished run. `str` is the text report; Jupyter shows it too. `repr` is the
    counts in one line."""

    record: RunRecord

    @property
    def ok(self) -> bool:
        """Whether every result is as its case expects; undecided is not."""
        return exit_code(self.record) == PASSED

    @property
    def results(self) -> tuple[Result, ...]:
        """One result a case, dtype and route."""
        return self.record.results

    def __str__(self) -> str:
        return text.render(self.record)

    def __repr__(self) -> str:
        return f"<Run: {text.brief(self.record)}>"

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
            default=1 if name == "order" else None,
            annotation=getattr(annotation, "__forward_arg__", annotation),
        )
        for name, annotation in Options.__annotations__.items()
    ]
    *named, options = signature.parameters.values()
    assert options.kind is inspect.Parameter.VAR_KEYWORD
    signature = signature.replace(parameters=[*named, *keywords])

    @functools.wraps(function)
    def spelled_out(*args: _P.args, **kwargs: _P.kwargs) -> Run:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.__name__}() {error}") from None
        return function(*args, **kwargs)

    spelled_out.__signature__ = signature  # type: ignore[attr-defined]
    return spelled_out


@_spelled_out
def verify(
    expression: str | Unit | None = None,
    *,
    steps: str | None = None,
    seed: int = 0,
    **options: Unpack[Options],
) -> Run:
    """The verdict on PyTorch's gradient of an expression (or of named `steps`), as a
    case file would ask for it.

    Every keyword means what the key of that name means in a case file. A unit that
    `cases` handed to a test is run as it stands. Raises `VerifierError` for what no
    case may say.

    It may be called from several threads: one verification waits for another, for the
    precision of balls is global. Other threads must leave that of `flint` alone
    meanwhile. PyTorch's modes, a default device, the rounding mode and the like change
    no verdict; inside `torch.func.vmap` and its kin it refuses with `UsageError`.
    """
    if isinstance(expression, Unit):
        return Run(execute([expression], seed=seed))
    units = _planned({"expression": expression, "steps": steps, **options})
    return Run(execute(units, seed=seed))


def _planned(case: Mapping[str, object]) -> list[Unit]:
    with floating_point.usual():  # a subnormal number would be read as 0
        return plan([from_mapping(case)])


@_spelled_out
def check(
    function: Callable[..., Any],
    *values: Number,
    expression: str,
    inputs: Sequence[str] | None = None,
    elementwise: bool | None = None,
    seed: int = 0,
    **options: Unpack[Options],
) -> Run:
    """The verdict on the gradient of a callable of PyTorch's, against the expression
    that specifies it.

    The callable takes one 0-dimensional tensor for each input and returns one number;
    unless `elementwise` is False, it also takes tensors of one shape and returns a
    number for each element. `inputs` names its arguments in order; by default they are
    its parameters, where they are named as the variables, and else the variables in
    order of first appearance. The point is given by `values`, in the order of the
    arguments, or as in a case file. What the callable raises is the result `error.run`;
    what it leaves behind (a default device, say) ends with the call. Threads are as
    `verify` says.

    ```python
    verifier.check(torch.nn.functional.silu, -89, expression="x/(1 + exp(-x))", dtype="float32")
    ```
    """
    if not callable(function):
        kind = type(function).__name__
        raise UsageError(f"expected a callable to verify, found one of type `{kind}`.")
    at = options.get("at")
    if values:
        options["at"], inputs = _at_values(values, function, expression, at, inputs)
    elif inputs is None:
        declared = _declared(at, options.get("domain"))
        inputs = _parameters_named(function, declared)
    case = {"expression": expression, "inputs": inputs, "elementwise": elementwise}
    units = [replace(u, function=function) for u in _planned({**case, **options})]
    return Run(execute(units, seed=seed))


def _at_values(
    values: Sequence[Number],
    function: Callable[..., Any],
    expression: str,
    at: object,
    inputs: Sequence[str] | None,
) -> tuple[dict[str, Number], Sequence[str]]:
    """The point that the positional values are, and the names of the arguments in their
    order."""
    if at is not None:
        raise UsageError(
            "expected the point as values or in `at`, found both. Drop one."
        )
    if inputs is None:
        variables = parsing.parse(expression).inputs
        inputs = _parameters_named(function, variables) or variables
    if len(values) != len(inputs):
        names = ", ".join(f"`{name}`" for name in inputs) or "none"
        raise UsageError(
            f"expected one value for each argument ({names}), found {len(values)}. "
            "Give them all, or name the arguments with `inputs`."
        )
    return dict(zip(inputs, values, strict=True)), inputs


def _declared(at: object, domain: Mapping[str, str] | None) -> list[str]:
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
        assert run.ok, str(run)
    ```
    """
    import pytest

    if not paths:
        raise UsageError("expected at least one case file or folder, found none")
    units = plan(load_paths([Path(path) for path in paths]))
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(alone, id=alone.ids[0])
            for unit in units
            for alone in unit.by_route()
        ],
    )
