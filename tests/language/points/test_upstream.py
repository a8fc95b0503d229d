"""Upstream gradients: one number, one for each point, or a word; and what each tells
apart."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from backwards import function

import verifier
from verifier.automatic import routes
from verifier.cli.explain import explained
from verifier.floats import FORMATS, is_number
from verifier.language.casefile.case import ROUTES
from verifier.language.casefile.loading import from_mapping
from verifier.language.points.scalars import scalar
from verifier.language.points.upstream import WORDS, Upstream, gradients
from verifier.language.programs.parsing import parse

BINARY32 = FORMATS["float32"]


def drawn(upstream: Upstream, count: int, **options: Any) -> list[float]:
    usual: dict[str, Any] = {"given": 0, "format_": BINARY32, "seed": 0, "name": "n"}
    return gradients(upstream, drawn=count, **usual | options)


# ── the numbers ───────────────────────────────────────────────────────────────────────


def test_one_number_holds_at_every_point() -> None:
    assert drawn(scalar("0.1"), 2, given=1) == [torch.tensor(0.1).item()] * 3


def test_a_list_has_one_number_for_each_given_point_and_is_gone_through_by_drawn_ones() -> (
    None
):
    numbers = (scalar(1), scalar(-2), scalar("1/2"))
    assert drawn(numbers, 0, given=3) == [1, -2, 0.5]
    assert drawn(numbers, 5, given=3) == [1, -2, 0.5, 1, -2, 0.5, 1, -2]
    assert drawn(numbers, 4) == [1, -2, 0.5, 1]


@pytest.mark.parametrize("dtype", FORMATS)
def test_random_ones_are_numbers_of_the_dtype_of_either_sign_and_many_magnitudes(
    dtype: str,
) -> None:
    found = drawn("random", 400, format_=FORMATS[dtype])
    assert all(is_number(one, FORMATS[dtype]) for one in found)
    assert all(2**-4 <= abs(one) <= 2**4 for one in found)
    assert {math.copysign(1, one) for one in found} == {1, -1}
    assert {math.frexp(one)[1] for one in found} >= set(range(-3, 5))


def test_random_ones_follow_from_the_seed_and_the_name_alone() -> None:
    found = drawn("random", 20)
    assert drawn("random", 20) == found
    assert drawn("random", 30)[:20] == found
    assert drawn("random", 15, given=5) == found
    assert drawn("random", 20, seed=1) != found
    assert drawn("random", 20, name="m") != found


@pytest.mark.parametrize(
    ("dtype", "huge", "tiny"),
    [
        ("float16", 2.0**7, torch.finfo(torch.float16).tiny),
        ("bfloat16", 2.0**119, torch.finfo(torch.bfloat16).tiny),
        ("float32", 2.0**119, torch.finfo(torch.float32).tiny),
        ("float64", 2.0**1015, torch.finfo(torch.float64).tiny),
    ],
)
def test_the_words_are_the_ends_of_the_range(
    dtype: str, huge: float, tiny: float
) -> None:
    format_ = FORMATS[dtype]
    assert drawn("huge", 1, format_=format_) == [huge]
    assert drawn("tiny", 1, format_=format_) == [tiny]
    assert drawn("zeros", 2, format_=format_) == [0, 0]


def test_a_word_is_no_number() -> None:
    assert {from_mapping(_case(upstream=w)).upstream for w in WORDS} == set(WORDS)
    assert from_mapping(_case(upstream="1/3")).upstream == scalar("1/3")


def _case(**keys: Any) -> dict[str, Any]:
    return {"expression": "x*x", "at": {"x": 1}} | keys


# ── what PyTorch is given ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "route", [route for route in ROUTES[1] if route != "compile-inductor"]
)
@pytest.mark.parametrize("layout", ["batch", "single", "strided", "expanded"])
@pytest.mark.parametrize("made", ["program", "callable"])
def test_each_point_has_its_own(route: str, layout: str, made: str) -> None:
    subject: Any = parse("x*x*y", variables=["x", "y"])
    if made == "callable":
        subject = routes.Subject(function=lambda x, y: x * x * y, inputs=("x", "y"))
    points = [{"x": 3.0, "y": 2.0}, {"x": -5.0, "y": 2.0}, {"x": 0.5, "y": 2.0}]
    found = routes.measure(
        subject,
        points,
        [1.0, -2.0, 8.0],
        dtype="float32",
        wrt=("x", "y"),
        route=route,
        layout=layout,
    )
    assert found.failure is None
    assert found.values == (18, 50, 0.5)
    assert found.gradient == {"x": (12, 40, 16), "y": (9, -50, 2)}


@pytest.mark.parametrize("route", ROUTES[2])
def test_a_hessian_has_the_upstream_of_its_point(route: str) -> None:
    found = routes.measure(
        parse("x**3"),
        [{"x": 1.0}, {"x": 2.0}],
        [1.0, -0.5],
        dtype="float64",
        wrt=("x",),
        route=route,
        order=2,
    )
    assert found.gradient == {"x": (3, -6)}
    assert found.hessian == {("x", "x"): (6, -6)}


# ── verdicts ──────────────────────────────────────────────────────────────────────────


def test_expected_gradients_are_times_the_upstream_of_their_point() -> None:
    at = [{"x": 3}, {"x": -5}]
    run = verifier.verify(
        "x*x/2", at=at, upstream=[1, -2], expect={"gradient": {"x": [3, 10]}}
    )
    assert run.ok, run
    run = verifier.verify(
        "x*x/2", at=at, upstream=[1, -2], expect={"gradient": {"x": [3, -5]}}
    )
    assert not run.ok


def test_the_report_tells_the_upstream_of_each_comparison() -> None:
    run = verifier.verify(
        "exp(x) - 1", at=[{"x": 1e-6}, {"x": 1e-7}], upstream=[2, -4], dtype="float32"
    )
    told = {c.point["x"]: c.upstream for c in run.results[0].comparisons}
    assert told == {"1e-06": "2", "1e-07": "-4"}


@pytest.mark.parametrize(
    ("subgradient", "verdict"),
    [("1/2", "match.subgradient"), (1, "differ.convention")],
)
def test_a_demanded_convention_goes_with_each_upstream(
    subgradient: Any, verdict: str
) -> None:
    # torch.maximum halves the gradient at a tie.
    run = verifier.verify(
        "max(x, 0)",
        at=[{"x": 0}, {"x": 0}],
        upstream=[2, -3],
        subgradient=subgradient,
        dtype="float32",
    )
    counts = run.results[0].counts
    assert counts[verdict] == 2
    assert ("differ.convention" in counts) == (verdict == "differ.convention")


def _with_backward(backward: Callable[..., torch.Tensor]) -> Callable[..., Any]:
    return function(lambda x: x * x, backward)


SQUARES = {
    "right": lambda grad, x: 2 * x * grad,
    "ignored": lambda grad, x: 2 * x,
    "only its sign": lambda grad, x: 2 * x * grad.sign(),
    "only its size": lambda grad, x: 2 * x * grad.abs(),
    "squared": lambda grad, x: 2 * x * grad * grad,
    "clipped": lambda grad, x: 2 * x * grad.clamp(-100, 100),
    "never zero": lambda grad, x: 2 * x * (grad + (grad == 0)),
}


@pytest.mark.parametrize(
    ("fault", "upstream", "shows"),
    [
        ("right", "random", False),
        ("right", "zeros", False),
        ("right", "huge", False),
        ("right", "tiny", False),
        ("ignored", "random", True),
        ("ignored", "zeros", True),
        ("ignored", 1, True),  # by the second upstream gradient, -2
        ("only its sign", "random", True),
        ("only its size", "random", True),
        ("squared", "random", True),
        ("clipped", "huge", True),
        ("clipped", 1, True),  # by those of many magnitudes
        ("never zero", "zeros", True),
        ("never zero", 1, True),  # by an upstream gradient of 0
    ],
)
def test_a_backward_that_mistakes_its_upstream_shows(
    fault: str, upstream: Any, shows: bool
) -> None:
    run = verifier.check(
        _with_backward(SQUARES[fault]),
        expression="x*x",
        domain={"x": "[1, 8]"},
        points=8,
        upstream=upstream,
        dtype=["float16", "float32"],
    )
    wrong = {result.verdict.value == "differ.wrong" for result in run.results}
    assert wrong == {shows}, run
    assert run.ok is not shows


def test_a_list_is_scaled_as_a_single_number_is() -> None:
    run = verifier.check(
        _with_backward(lambda grad, x: 2 * x * grad.abs()),
        expression="x*x",
        at=[{"x": 1}, {"x": 3}],
        upstream=[1, 0],
        dtype="float32",
    )
    told = [
        (c.point, c.upstream)
        for c in run.results[0].comparisons
        if c.verdict.value == "differ.wrong"
    ]
    # An upstream gradient of 0 has no multiple: there the other one is -2 itself.
    assert told == [({"x": "1"}, "-2"), ({"x": "3"}, "-2")]


@pytest.mark.parametrize(
    ("expression", "upstream", "verdict"),
    [
        ("1000*x", "huge", "match.exact"),  # 128 000 is past the largest number
        ("x*1000/1000", "huge", "match"),
        ("x/1000*1000", "huge", "differ.range"),
        ("x*4096/4096", "tiny", "differ.range"),
        ("x/4096*4096", "tiny", "match.exact"),
        ("x/3", "tiny", "match.exact"),
        ("sigmoid(x)", "tiny", "match"),
        ("1/x", "zeros", "match.exact"),
    ],
)
def test_overflow_and_underflow_are_told_from_faults(
    expression: str, upstream: str, verdict: str
) -> None:
    run = verifier.verify(expression, at={"x": 1}, upstream=upstream, dtype="float16")
    (found,) = [c for c in run.results[0].comparisons if c.quantity == "gradient"]
    assert verdict in (found.verdict.value, found.verdict.family), run


@pytest.mark.parametrize("expression", ["sqrt(x)", "1/x", "log(x)", "x**(1/3)"])
def test_nothing_times_infinity_is_no_gradient(expression: str) -> None:
    run = verifier.verify(expression, at={"x": 0}, upstream="zeros", dtype="float32")
    (found,) = [c for c in run.results[0].comparisons if c.quantity == "gradient"]
    assert (found.measured, found.true) == ("nan", "0")
    assert found.verdict.value == "differ.nonfinite"


@pytest.mark.parametrize("upstream", WORDS)
@pytest.mark.parametrize(
    "expression",
    [
        "exp(sin(x)*y)/y",
        "sqrt(x*x + y*y)",
        "x**y",
        "log1p(x)*tanh(y)",
        "1/(1 + exp(-x*y))",
    ],
)
def test_no_right_gradient_is_called_wrong(expression: str, upstream: str) -> None:
    run = verifier.verify(
        expression,
        domain={"x": "[0.5, 4]", "y": "[0.5, 4]"},
        points=12,
        upstream=upstream,
        dtype=["float16", "bfloat16", "float32", "float64"],
    )
    found = {name for result in run.results for name in result.counts}
    assert not found & {"differ.wrong", "differ.inaccurate", "differ.nonfinite"}, run


def test_the_gradient_is_that_upstream_times_the_derivative() -> None:
    # By rational arithmetic: d(x²/2) = u·x, exactly, at every drawn point.
    case = from_mapping(
        {"expression": "x*x/2", "domain": {"x": "[-4, 4]"}, "upstream": "random"}
    )
    run = verifier.verify(
        "x*x/2", domain={"x": "[-4, 4]"}, upstream="random", points=20, dtype="float64"
    )
    worst = next(c for c in run.results[0].comparisons if c.quantity == "gradient")
    product = Fraction(worst.upstream) * Fraction(worst.point["x"])
    assert abs(Fraction(worst.true) - product) <= abs(product) / 10**15
    assert case.upstream == "random"


# ── explain ───────────────────────────────────────────────────────────────────────────


def test_explain_takes_the_upstream_of_its_point(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        '[[case]]\nname = "n"\nexpression = "x*x"\nat = [{ x = 3 }, { x = 4 }]\n'
        'upstream = [-7, 5]\ndtype = "float32"\n'
        '[[case]]\nname = "d"\nexpression = "x*x"\ndomain = { x = "[1, 2]" }\n'
        'upstream = "zeros"\ndtype = "float32"\n'
    )
    assert "upstream gradient -7" in explained(f"{file}::n")
    assert "upstream gradient 0" in explained(f"{file}::d")


def test_the_json_report_has_it(tmp_path: Path) -> None:
    from verifier.reports.json import render

    run = verifier.verify("x", at={"x": 2}, upstream="tiny", dtype="float64")
    report = json.loads(render(run.record))
    found = {c["upstream"] for c in report["results"][0]["comparisons"]}
    assert found == {"2.2250738585072014e-308"}
