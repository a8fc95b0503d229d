"""The verifier from Python: what `verify` and `check` ask for, and the verdicts on
callables."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
import torch
import torch.nn.functional as F
from backwards import cube, function

import verifier
from verifier import api, calling
from verifier.errors import ArgumentError, CaseFileError, ExpressionError, UsageError
from verifier.records import Comparison, RunRecord, Verdict
from verifier.running.units import Unit

LOGISTIC = "x/(1 + exp(-x))"


def ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a / b


# ── what is asked for ─────────────────────────────────────────────────────────────────


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Unit]:
    """The tasks that would be run."""
    tasks: list[Unit] = []

    def execute(given: Sequence[Unit], *, seed: int, **callbacks: Any) -> RunRecord:
        del callbacks
        tasks.extend(given)
        return RunRecord(environment={}, seed=seed, elapsed_s=0.0, results=())

    monkeypatch.setattr(calling, "execute", execute)
    return tasks


def test_verify_asks_for_orders_routes_conventions_and_accepted_differences(
    planned: list[Unit],
) -> None:
    verifier.verify(
        "abs(x)",
        at={"x": 0},
        dtype="float64",
        order=2,
        routes=["forward-reverse"],
        subgradient="right",
        accept="unstable",
    )
    case = planned[0].case
    assert (case.order, case.routes) == (2, ("forward-reverse",))
    assert case.subgradient == "right"
    assert case.accept == (Verdict.DIFFER_UNSTABLE,)


def test_verify_asks_for_the_gradient_in_reverse_mode_by_default(
    planned: list[Unit],
) -> None:
    verifier.verify("x*y", at={"x": 1, "y": 2})
    assert (planned[0].case.order, planned[0].case.routes) == (1, ("reverse",))
    with pytest.raises(CaseFileError, match="routes: expected a route of order 1"):
        verifier.verify("x", at={"x": 1}, routes="forward-forward")


def test_every_argument_of_verify_but_the_formulas_is_one_of_check() -> None:
    common = inspect.signature(verifier.verify).parameters.keys() - {"steps"}
    assert inspect.signature(verifier.check).parameters.keys() - common == {
        "elementwise",
        "function",
        "values",
        "inputs",
        "reference",
        "gradient",
        "widen",
        "kwargs",
    }


def test_the_signature_spells_every_keyword_out() -> None:
    parameters = inspect.signature(verifier.verify).parameters
    assert not any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    assert parameters["where"].annotation == "str | Symbolic | None"
    assert (parameters["where"].default, parameters["order"].default) == (None, 1)
    for other in (verifier.check, verifier.assert_gradients):
        keywords = inspect.signature(other).parameters.keys()
        assert keywords >= parameters.keys() - {"steps"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: verifier.verify("x", at={"x": 1}, dtypes="float32"),
         "verify() has no keyword `dtypes`. Did you mean `dtype`?"),
        (lambda: verifier.verify("x", at={"x": 1}, rtol=1),
         "verify() has no keyword `rtol`. Did you mean `tolerance`?"),
        (lambda: verifier.check(ratio, expr="a"), "check() has no keyword `expr`. Did you mean `expression`?"),
        (lambda: verifier.check(ratio, qqq=1),
         "check() has no keyword `qqq`. Known are `function`, `expression`, `reference`,"),
        (lambda: verifier.check(ratio, 1, 2), "check() of single numbers needs `expression`"),
        (lambda: verifier.verify("x", 1), "verify(): too many positional arguments."),
        (lambda: verifier.assert_gradients(ratio, 1, 2), "assert_gradients() of a callable needs tensors"),
    ],
)  # fmt: skip
def test_a_wrong_keyword_suggests_the_right_one(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, UsageError)


def test_keywords_take_the_objects_of_other_libraries(planned: list[Unit]) -> None:
    x, y = sympy.symbols("x y")
    verifier.verify(
        sympy.sin(x) * y,
        at={y: torch.tensor(2.5)},
        domain={x: (-1, np.float64(0.3))},
        where=x < y,
        wrt=[x],
        dtype=[torch.bfloat16, np.float64],
        tolerance=1e-3,
        upstream=Fraction(1, 3),
        layout="strided",
        device=torch.device("cpu"),
    )
    first, second = planned
    case = first.case
    assert (case.program.source, case.name) == ("y*sin(x)", "y*sin(x)")
    assert case.fixed["y"].exact == Fraction(5, 2)
    domain = case.domains["x"]
    assert (domain.lower.exact, domain.upper.exact) == (-1, Fraction(0.3))
    assert (domain.lower_closed, domain.upper_closed) == (True, True)
    assert case.where is not None
    assert case.wrt == ("x",)
    assert (first.dtype, second.dtype) == ("bfloat16", "float64")
    assert (case.tolerance, str(case.upstream)) == (Fraction(1e-3), "1/3")
    assert (first.layout, first.device) == ("strided", "cpu")


@pytest.mark.parametrize(
    ("domain", "wanted"),
    [
        ("(0, 1]", "(0, 1]"),
        ([0, 1], "[0, 1]"),
        ((0, "pi/2"), "[0, pi/2]"),
        ((-math.inf, 0), "(-inf, 0]"),
        (torch.tensor([-1.0, 1.0]), "[-1.0, 1.0]"),
        (sympy.Interval.Ropen(0, 1), "[0, 1)"),
    ],
)
def test_a_domain_may_be_two_numbers(
    domain: Any, wanted: str, planned: list[Unit]
) -> None:
    verifier.verify("x", domain={"x": domain})
    assert str(planned[0].case.domains["x"]) == wanted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: verifier.verify("x", domain={"x": (1, 0)}), "domain.x: expected lower < upper, found [1, 0]"),
        (lambda: verifier.verify("x", domain={"x": (0, math.nan)}), "domain.x: expected ends that are numbers"),
        (lambda: verifier.verify("x", domain={"x": (0, 1, 2)}), "domain.x: expected an interval such as"),
        (lambda: verifier.verify("x", domain={"x": (0, "q")}), "domain.x[2]: expected a number such as"),
        (lambda: verifier.verify("x", at={"x": torch.ones(2)}), "at.x: expected a number, found a list."),
        (lambda: verifier.verify("x", at={"x": 1}, dtype=torch.int32), "found `int32`"),
        (lambda: verifier.verify(torch.sin), "`verifier.check` verifies those"),  # type: ignore[arg-type]
        (lambda: verifier.verify("x", at={"x": 1}, layout="bathc"), "Did you mean `batch`?"),  # type: ignore[arg-type]
        (lambda: verifier.assert_gradients("x", 1), "expected the point of a formula in `at`"),
    ],
)  # fmt: skip
def test_a_value_that_none_may_have_is_refused(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(verifier.VerifierError) as caught:
        call()
    assert message in str(caught.value)


def test_check_runs_the_callable_in_every_dtype(planned: list[Unit]) -> None:
    verifier.check(ratio, expression="a/b", at={"a": 1, "b": 2}, order=2, wrt=["b"])
    assert [unit.dtype for unit in planned] == ["float32", "float64"]
    assert {unit.function for unit in planned} == {ratio}
    assert (planned[0].case.order, planned[0].case.wrt) == (2, ("b",))


def with_default(b: torch.Tensor, a: torch.Tensor, eps: float = 0.0) -> torch.Tensor:
    return a / b + eps


def with_rest(*tensors: torch.Tensor) -> torch.Tensor:
    return tensors[0]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lambda a, b: a / b, ("a", "b")),
        (lambda b, a: a / b, ("b", "a")),
        (with_default, ("b", "a")),
        (lambda p, q: p / q, ("a", "b")),
        (lambda a: a, ("a", "b")),
        (with_rest, ("a", "b")),
        (torch.atan2, ("a", "b")),
        (torch.nn.Bilinear(1, 1, 1), ("a", "b")),
    ],
)
def test_arguments_are_the_parameters_that_are_named_as_the_variables(
    function: Callable[..., Any], arguments: tuple[str, ...], planned: list[Unit]
) -> None:
    verifier.check(function, expression="a/b", at={"b": 2, "a": 1})
    verifier.check(function, expression="a/b", domain={"b": "[1, 2]"}, at={"a": 1})
    assert {unit.case.arguments for unit in planned} == {arguments}


def test_a_parameter_that_the_expression_lacks_is_an_input(planned: list[Unit]) -> None:
    verifier.check(ratio, expression="a", at={"a": 1, "b": 2})
    assert planned[0].case.arguments == planned[0].case.wrt == ("a", "b")
    assert planned[0].case.inputs == ("a",)


def test_the_order_of_the_arguments_may_be_given(planned: list[Unit]) -> None:
    verifier.check(ratio, expression="a/b", at={"a": 1, "b": 2}, inputs=["b", "a"])
    assert planned[0].case.arguments == ("b", "a")


@pytest.mark.parametrize(
    ("function", "inputs", "point"),
    [
        (ratio, None, {"a": 1, "b": 2}),
        (lambda b, a: a / b, None, {"b": 1, "a": 2}),
        (torch.atan2, None, {"a": 1, "b": 2}),
        (torch.atan2, ["b", "a"], {"b": 1, "a": 2}),
    ],
)
def test_a_point_may_be_given_in_the_order_of_the_arguments(
    function: Callable[..., Any],
    inputs: list[str] | None,
    point: dict[str, int],
    planned: list[Unit],
) -> None:
    verifier.check(function, 1, "2", expression="a/b", inputs=inputs)
    given = planned[0].case.given[0]
    assert {name: given[name].exact for name in given} == point
    assert planned[0].case.arguments == tuple(point)


def test_what_no_check_may_say_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a callable to verify, found one of"):
        verifier.check("silu", expression="x", at={"x": 1})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="as values or in `at`, found both"):
        verifier.check(ratio, 1, 2, expression="a/b", at={"a": 1, "b": 2})
    with pytest.raises(
        UsageError, match=r"one value for each argument \(`a`, `b`\), found 1"
    ):
        verifier.check(ratio, 1, expression="a/b")
    with pytest.raises(ExpressionError, match="`a` has no value"):
        verifier.check(ratio, expression="a/b")
    with pytest.raises(ExpressionError, match="unknown operation `tanhh`"):
        verifier.check(torch.tanh, 1, expression="tanhh(x)")


# ── verdicts on callables ─────────────────────────────────────────────────────────────


def comparison(run: api.Run, quantity: str, *wrt: str) -> Comparison:
    return next(
        found
        for found in run.results[0].comparisons
        if (found.quantity, found.wrt) == (quantity, wrt)
    )


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_right_callable_matches(dtype: str, order: int) -> None:
    run = verifier.check(
        torch.sin, expression="sin(x)", at={"x": 0.5}, dtype=dtype, order=order
    )
    assert run.ok, run
    assert run.results[0].order == order


def test_arguments_are_passed_in_their_order() -> None:
    point = {"b": 2, "a": 3}
    assert verifier.check(ratio, expression="a/b", at=point).ok
    swapped = verifier.check(ratio, expression="a/b", at=point, inputs=["b", "a"])
    assert not swapped.ok
    assert swapped.results[0].verdict.family == "differ"


def test_a_slightly_wrong_backward_differs() -> None:
    scaled = function(torch.sin, lambda grad, x: grad * torch.cos(x) * (1 + 1e-6))
    run = verifier.check(scaled, 0.5, expression="sin(x)", dtype="float64")
    assert not run.ok
    assert comparison(run, "value").verdict.family == "match"
    assert comparison(run, "gradient", "x").verdict is Verdict.DIFFER_WRONG


def test_a_wrong_double_backward_differs_at_order_2_only() -> None:
    assert verifier.check(cube, 2, expression="x**3", dtype="float64").ok
    run = verifier.check(cube, 2, expression="x**3", dtype="float64", order=2)
    assert not run.ok
    assert comparison(run, "gradient", "x").verdict.family == "match"
    hessian = comparison(run, "hessian", "x", "x")
    assert hessian.verdict is Verdict.DIFFER_WRONG
    assert (hessian.measured, hessian.true) == ("13.0", "12")


def test_an_input_that_the_expression_lacks_must_have_derivative_0() -> None:
    at = {"x": 2, "y": 3}
    assert verifier.check(lambda x, y: x * x, expression="x**2", at=at).ok
    leaky = verifier.check(lambda x, y: x * x + y - 3, expression="x**2", at=at)
    assert not leaky.ok
    assert comparison(leaky, "gradient", "y").verdict.family == "differ"


def test_a_callable_that_pytorch_cannot_differentiate_is_unsupported() -> None:
    run = verifier.check(
        lambda x: x.detach(), 2, expression="x", dtype="float32", routes="reverse"
    )
    assert run.results[0].verdict is Verdict.DIFFER_UNSUPPORTED
    assert "does not require grad" in str(run.results[0].message)


def test_a_callable_that_returns_no_number_cannot_be_run() -> None:
    run = verifier.check(lambda x: (x, x), 2, expression="x", dtype="float32")
    assert run.results[0].verdict is Verdict.ERROR_RUN
    assert "found `tuple`" in str(run.results[0].message)


def test_a_kernel_that_loses_its_digits_is_not_excused_by_how_it_computes() -> None:
    # The sigmoid underflows where its product with x is still a normal float32: true
    # −1.96e-37.
    run = verifier.check(F.silu, -89, expression=LOGISTIC, dtype="float32")
    assert comparison(run, "gradient", "x").verdict.family == "differ"


def test_every_route_of_the_order_is_a_result() -> None:
    run = verifier.check(
        torch.exp,
        0.5,
        expression="exp(x)",
        dtype="float64",
        routes=["reverse", "forward", "func"],
    )
    assert [result.route for result in run.results] == ["reverse", "forward", "func"]
    assert run.ok, run


def test_a_run_is_shown_by_its_counts_where_its_report_is_too_long() -> None:
    run = verifier.verify("x**2", at={"x": 3}, dtype="float32")
    assert repr(run) == (
        "<Run: 1 case, 2 comparisons: 2 match, 0 differ, 0 undecided, 0 error; all as expected>"
    )


def test_a_run_is_true_where_all_is_as_expected() -> None:
    assert verifier.verify("x**2", at={"x": 3}, dtype="float32")
    assert not verifier.verify("sqrt(x**2)", at={"x": 0}, dtype="float32")


def test_the_report_is_as_wide_as_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calling.text, "render", lambda record, page: str(page.width))
    run = api.Run(RunRecord(environment={}, seed=0, elapsed_s=0.0, results=()))
    for columns in ("72", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        assert str(run) == columns


# ── assertions ────────────────────────────────────────────────────────────────────────


def test_right_gradients_are_asserted_in_silence() -> None:
    run = verifier.assert_gradients(ratio, 1, 2, expression="a/b", dtype=torch.float32)
    assert run.ok
    assert verifier.assert_gradients("a/b", at={"a": 1, "b": 2}, dtype="float32").ok
    assert verifier.assert_gradients(
        steps="c = a*a\nd = c*a", at={"a": 1}, dtype="float32"
    ).ok
    x = sympy.Symbol("x")  # which is callable
    assert verifier.assert_gradients(x, at={x: 1}, dtype="float32").ok


@pytest.mark.parametrize(
    ("function", "expression", "start"),
    [
        (torch.sin, "x*sin(x)/x", None),
        (torch.sin, "cos(x)", "differ.wrong gradient x: PyTorch 0.87758255, true -0.479425538604…"),
        (lambda x: 1 / 0, "x", "error.run: ZeroDivisionError: division by zero"),
        (torch.relu, "max(x - 1/2, 0) + 1/2", None),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_raises_with_the_report(
    function: Callable[..., Any], expression: str, start: str | None
) -> None:
    options: dict[str, Any] = {"expression": expression, "dtype": "float32"}
    if start is None:
        assert verifier.check(function, 0.5, **options).ok
        return
    with pytest.raises(AssertionError) as caught:
        verifier.assert_gradients(function, 0.5, **options)
    head, blank, *report = str(caught.value).split("\n")
    assert head.startswith(start)
    assert blank == ""
    assert "1 not as expected" in " ".join(report)


def test_what_could_not_be_judged_raises_and_says_so() -> None:
    with pytest.raises(AssertionError, match=r"^undecided\.\w+ ") as caught:
        verifier.assert_gradients(
            "abs(sin(a)**2 + cos(a)**2 - 1)", at={"a": 100}, dtype="float32"
        )
    assert "1 not judged" in str(caught.value)


@pytest.mark.parametrize(
    "seed", [True, np.True_, "1", 1.5, None, 2**64, pytest.param(10**5000, id="huge")]
)
def test_a_seed_is_an_integer_of_64_bits(seed: Any) -> None:
    message = r"seed: expected an integer of at most 64 bits, found"
    for ask in (verifier.verify, verifier.assert_gradients):
        with pytest.raises(ArgumentError, match=message):
            ask("x", at={"x": 1}, seed=seed)
    with pytest.raises(ArgumentError, match=message):
        verifier.check(torch.sin, 1, expression="sin(x)", seed=seed)


def test_a_seed_may_be_numpys() -> None:
    run = verifier.verify("x", at={"x": 1}, seed=np.int64(3))  # type: ignore[arg-type]
    assert (run.record.seed, type(run.record.seed)) == (3, int)


@pytest.mark.parametrize("keyword", ["layout", "device"])
def test_an_integer_too_long_to_spell_is_refused(keyword: str) -> None:
    with pytest.raises(UsageError, match="found `an integer of 16610 bits`"):
        verifier.verify("x", at={"x": 1}, **{keyword: 10**5000})
