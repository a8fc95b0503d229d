"""The verifier from Python: `verify`, `check`, `gradcheck`, `assert_gradients`,
`cases`, and the `Run` they return."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from verifier.arguments import (
    Number,
    Symbolic,
    are_numbers,
    holds_tensors,
    is_symbolic,
    name_of,
    plain,
)
from verifier.calling import Options as Options
from verifier.calling import Run as Run
from verifier.calling import executed, planned, spelled_out
from verifier.errors import ArgumentError, UsageError
from verifier.language.casefile.loading import load_paths
from verifier.language.casefile.tensor_assembly import GIVEN
from verifier.language.programs import parsing
from verifier.reports import brief
from verifier.running.plan import plan
from verifier.running.units import Unit

if TYPE_CHECKING:
    import pytest


@spelled_out
def verify(
    expression: str | Symbolic | Unit | None = None,
    *,
    steps: str | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
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
    float32 and float64 are verified. With `shapes`, variables are arrays, drawn from
    `domain` (by default normal), or nested lists in `at`. A unit that `cases` handed to a test is run as it
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
        return executed([expression], seed)
    if callable(expression) and not is_symbolic(expression):
        raise UsageError(
            "expected a formula, found a callable. `verifier.check` verifies those."
        )
    units = planned(
        {"expression": expression, "steps": steps, "shapes": shapes}, options
    )
    return executed(units, seed)


@spelled_out
def check(
    function: Callable[..., Any],
    *values: Any,
    expression: str | Symbolic | None = None,
    reference: Callable[..., Any] | None = None,
    gradient: Mapping[str, str | Symbolic] | Callable[..., Any] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    widen: int | Sequence[int] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    inputs: Sequence[str | Symbolic] | None = None,
    elementwise: bool | None = None,
    seed: int = 0,
    **options: Unpack[Options],
) -> Run:
    """The verdict on the gradients of a callable or module of PyTorch's.

    ```python
    verifier.check(torch.nn.LayerNorm(256), x)
    verifier.check(kernel, x, weight, reference=plain, dtype=["float32", "bfloat16"])
    verifier.check(torch.nn.functional.silu, -89, expression="x/(1 + exp(-x))", dtype=torch.float32)
    ```

    *On tensors*: the values are its arguments, nested as it takes them; numbers and text
    are constants. What requires a gradient is judged, parameters under their names; of
    arguments of which none does, each; `wrt` says it otherwise. The true gradient is that
    of `reference` (plain PyTorch of the same arguments), else of `expression` (an
    elementwise formula), else of its own forward. `gradient` states a backward that is
    meant to differ: formulas by input, which the upstream gradient multiplies, or a
    callable of the upstream gradient and the arguments. `upstream` is a tensor in the
    output's shape, or words of `random`, `ones`, `zeros`, `expanded`, `noncontiguous`. A
    `dtype` casts. `widen`: by what factors inputs are widened, (1, 3, 10). With `shapes`
    instead of values the inputs are drawn, from the `domain`.

    *On single numbers*, with an `expression` that specifies it: it takes one
    0-dimensional tensor for each input and returns one number; unless `elementwise` is
    False, it also takes tensors of one shape and returns a number for each element.
    `inputs` names its arguments in order; by default they are its parameters, where they
    are named as the variables, and else the variables in order of first appearance. The
    point is given by `values`, in the order of the arguments, or as in a case file.

    The other keywords are those of `verify`. What the callable raises is the result
    `error.run`; what it leaves behind (a default device, say) ends with the call. Errors
    and threads are as `verify` says.
    """
    if not callable(function):
        kind = type(function).__name__
        raise UsageError(f"expected a callable to verify, found one of type `{kind}`.")
    is_number = expression is not None and reference is None and gradient is None
    if holds_tensors(values) and not (is_number and are_numbers(values)):
        held = {"expression": plain(expression), "widen": widen, "gradient": gradient}
        return _on_tensors(function, values, held, reference, kwargs, seed, options)
    if shapes is not None or gradient is not None:
        return _on_drawn(function, shapes, expression, gradient, widen, seed, options)
    if expression is None:
        raise ArgumentError(
            "check() of single numbers needs `expression`, which specifies the callable; "
            "else give it tensors, or `shapes` of which to draw them."
        )
    expression = cast("str", plain(expression))
    names = cast("list[str] | None", plain(inputs))
    at = plain(options.get("at"))
    if values:
        options["at"], names = _at_values(values, function, expression, at, names)
    elif names is None:
        declared = _declared(at, plain(options.get("domain")))
        names = _parameters_named(function, declared)
    case = {"expression": expression, "inputs": names, "elementwise": elementwise}
    units = [replace(unit, function=function) for unit in planned(case, options)]
    return executed(units, seed)


def _on_tensors(
    function: Callable[..., Any],
    values: Sequence[Any],
    held: Mapping[str, object],
    reference: Callable[..., Any] | None,
    kwargs: Mapping[str, Any] | None,
    seed: int,
    options: Options,
) -> Run:
    """The run of a callable on tensors that the caller gives."""
    from verifier.running.given import units_of

    keys: dict[str, object] = {**options}
    upstream, device = keys.pop("upstream", None), keys.pop("device", None)
    layout = keys.pop("layout", "batch")
    if layout not in (None, "batch"):
        raise ArgumentError("layout: tensors lie as they are given. Drop it.")
    stated = held["gradient"]
    keys = {key: plain(value) for key, value in {**keys, **held}.items()}
    keys["gradient"] = stated if callable(stated) else plain(stated)
    units = units_of(
        function,
        values,
        {**keys, "upstream": upstream},
        kwargs=kwargs,
        reference=reference,
        device="cpu" if device is None else name_of(device),
    )
    return executed(units, seed)


def _on_drawn(
    function: Callable[..., Any],
    shapes: Mapping[str, Sequence[int]] | None,
    expression: str | Symbolic | None,
    gradient: object,
    widen: int | Sequence[int] | None,
    seed: int,
    options: Options,
) -> Run:
    """The run of a callable on tensors that are drawn."""
    from verifier.running.given import name_of as name_of_callable

    if callable(gradient):
        raise ArgumentError(
            "gradient: expected formulas by input where the inputs are drawn, found a callable. Give tensors."
        )
    case = {
        "name": name_of_callable(function),
        "shapes": shapes,
        "expression": expression,
        "gradient": gradient,
        "widen": widen,
        GIVEN: "callable",
    }
    units = [replace(unit, function=function) for unit in planned(case, options)]
    return executed(units, seed)


@spelled_out
def assert_gradients(
    function: Callable[..., Any] | str | Symbolic | Unit | None = None,
    *values: Any,
    expression: str | Symbolic | None = None,
    steps: str | None = None,
    seed: int = 0,
    reference: Callable[..., Any] | None = None,
    gradient: Mapping[str, str | Symbolic] | Callable[..., Any] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    widen: int | Sequence[int] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    inputs: Sequence[str | Symbolic] | None = None,
    elementwise: bool | None = None,
    **options: Unpack[Options],
) -> Run:
    """Raises `AssertionError` with the report, unless the gradients of a callable are the
    true ones, or PyTorch's gradient of a formula is. What could not be judged, or not be
    run, raises too, and says so.

    ```python
    verifier.assert_gradients(torch.nn.LayerNorm(256), x)
    verifier.assert_gradients(swish, expression="x/(1 + exp(-x))", domain={"x": (-4, 4)})
    verifier.assert_gradients("sin(x)*y", at={"x": 1, "y": 2})
    ```

    Of a callable, the arguments are those of `check`, else those of `verify`. Returns the
    run.
    """
    __tracebackhide__ = True
    if callable(function) and not is_symbolic(function):
        if expression is None and shapes is None and not holds_tensors(values):
            raise ArgumentError(
                "assert_gradients() of a callable needs tensors, or `expression`, which specifies it."
            )
        run = check(
            function,
            *values,
            expression=expression,
            reference=reference,
            gradient=gradient,
            shapes=shapes,
            widen=widen,
            kwargs=kwargs,
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


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    **options: Any,
) -> bool:
    """`torch.autograd.gradcheck`, with the verdict of `check`: True, or `GradcheckError`
    with the report; False without `raise_exception`. What could not be judged fails.

    Of what it differs by from the true gradient nothing is guessed: `eps`, `atol`,
    `rtol`, `nondet_tol` and the other keywords of PyTorch's are accepted, and unused. The
    inputs stay in their dtype. `options` are keywords of `check`.
    """
    __tracebackhide__ = True
    from verifier.running.given import check_gradcheck_inputs, gradcheck_error

    args = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
    try:
        check_gradcheck_inputs(args)
    except ValueError:
        if raise_exception:
            raise
        return False
    run = check(func, *args, **options)
    if not run and raise_exception:
        raise gradcheck_error(f"{brief.headline(run.record)}\n\n{run}")
    return run.ok


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
