"""PyTorch's known faults: some that its tracker describes, and a collection beside the
checkout where there is one."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from backwards import function
from places import SHARED

import verifier

COLLECTION = SHARED / "gradient-faults" / "faults.jsonl"

DEFENDED = {
    # The gradients that PyTorch returns are the true ones less than an ulp of x away:
    # at 150.5 and 36.5 the point is ill-conditioned in float16 whoever computes there,
    # and the formula as written loses as much.
    "TG042": "match.conditioning",
    "TG043": "match.conditioning",
}
OF_THE_MACHINE = {"TG167"}
"""Its LAPACK decides whether PyTorch returns NaN."""


def _faults() -> list[Any]:
    if not COLLECTION.is_file():
        reason = "the collection of faults is not beside this checkout"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason))]
    lines = COLLECTION.read_text(encoding="utf-8").splitlines()
    return [pytest.param(fault := json.loads(line), id=fault["id"]) for line in lines]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", _faults())
def test_a_known_fault_gets_the_verdict_that_is_right_for_it(fault):
    names: dict[str, Any] = {
        "torch": torch,
        "F": torch.nn.functional,
        "math": math,
    }
    exec(fault["torch"], names)
    point = {name: float.fromhex(text) for name, text in fault["point"].items()}
    run = verifier.check(
        names["f"],
        expression=fault["expression"],
        at=point,
        inputs=fault["inputs"],
        dtype=fault["dtype"],
        order=fault["order"],
        wrt=list(dict.fromkeys(fault["wrt"])),
    )
    if fault["id"] in OF_THE_MACHINE:
        pytest.skip("what PyTorch computes here depends on the machine")

    verdict = _verdict(run, fault)

    assert verdict in (*fault["verdicts"], DEFENDED.get(fault["id"])), str(run)


def _verdict(run: verifier.Run, fault: dict[str, Any]) -> str:
    (result,) = run.results
    quantity = "gradient" if fault["order"] == 1 else "hessian"
    for comparison in result.comparisons:
        if comparison.quantity == quantity and list(comparison.wrt) == fault["wrt"]:
            return str(comparison.verdict)
    return str(result.verdict)


def test_the_second_derivative_of_sinc_through_zero_is_not_finite():
    """pytorch/pytorch#196703: at t = −1/2 one of three arguments is 0; the true second
    derivative is 35.564…"""

    def weighted(t):
        y = torch.sinc(torch.stack((t, 2 * t + 1, -t / 2 + 2)))
        return 2 * y[0] - 3 * y[1] + 5 * y[2]

    sinc = "where({0} == 0, 1, sin(pi*({0}))/(pi*({0})))"
    run = verifier.check(
        weighted,
        expression=f"2*{sinc.format('t')} - 3*{sinc.format('2*t + 1')} + 5*{sinc.format('-t/2 + 2')}",
        at={"t": -0.5},
        dtype="float64",
        order=2,
    )

    (hessian,) = (c for c in run.results[0].comparisons if c.quantity == "hessian")
    assert hessian.verdict == "differ.nonfinite"
    assert float(hessian.true) == pytest.approx(35.56404073668897, rel=1e-15)


def test_a_backward_that_ignores_its_upstream_gradient_shows_even_where_that_is_1():
    deaf = function(torch.sin, lambda grad, x: torch.cos(x))
    run = verifier.check(deaf, expression="sin(x)", at={"x": 1}, dtype="float32")

    (comparison,) = (
        c for c in run.results[0].comparisons if c.verdict.family == "differ"
    )
    assert (comparison.verdict, comparison.upstream) == ("differ.wrong", "-2")
    assert "does not depend on the upstream one" in (comparison.message or "")


def wrong_tail(grad, x):
    return grad * torch.cos(x) * torch.where(x > 7.25, 1.001, 1.0)


def test_the_region_of_a_difference_ends_at_the_very_float():
    off = function(torch.sin, wrong_tail)
    run = verifier.check(
        off, expression="sin(x)", domain={"x": "[0, 8]"}, dtype="float64"
    )

    messages = [c.message or "" for c in run.results[0].comparisons]
    assert any("7.250000000000001 (7.25 matches)" in message for message in messages)


def _verdicts(run: verifier.Run) -> dict[tuple[str, tuple[str, ...]], str]:
    return {(c.quantity, c.wrt): str(c.verdict) for c in run.results[0].comparisons}


@pytest.mark.parametrize("text", ["y*relu(x)", "relu(x)*y"])
def test_a_mixed_second_derivative_at_a_kink_is_the_same_in_either_order(text):
    found = _verdicts(
        verifier.verify(text, at={"x": 0, "y": 2}, order=2, dtype="float64")
    )

    assert found["hessian", ("x", "y")] == "match.subgradient"
    assert found["hessian", ("y", "x")] == "match.subgradient"


def test_a_function_continued_across_a_line_has_its_derivative_along_it():
    run = verifier.check(
        lambda x, y: x * torch.sinc(x * y / torch.pi),
        1.0,
        0.0,
        expression="sin(x*y)/y",
        dtype="float64",
    )

    assert run.ok, run


def test_rounding_excuses_at_an_edge_what_it_excuses_elsewhere():
    at = {"x": 0, "y": 0.7}
    smooth = verifier.verify("abs(x)*x + x*sin(1000000*y)", at=at, dtype="float32")
    kinked = verifier.verify("relu(x) + x*sin(1000000*y)", at=at, dtype="float32")

    assert _verdicts(smooth)["gradient", ("x",)] == "match.conditioning"
    assert _verdicts(kinked)["gradient", ("x",)] == "match.subgradient"


def test_a_convention_at_an_edge_is_no_rounding():
    run = verifier.verify("relu(x) - relu(-x)", at={"x": 0}, dtype="float64")

    assert _verdicts(run)["gradient", ("x",)] == "differ.wrong"


cosine = function(torch.cos, lambda grad, x: -1.3 * grad * torch.sin(x))
curved_wrong = function(torch.sin, lambda grad, x: grad * cosine(x))
"""sin with a right gradient whose own derivative is 1.3 times too large."""


@pytest.mark.parametrize("x", [0.7, 1000.7, 1e6 + 0.7])
def test_conditioning_hides_no_wrong_second_derivative(x):
    run = verifier.check(curved_wrong, x, expression="sin(x)", dtype="float32", order=2)

    found = _verdicts(run)
    assert found["gradient", ("x",)].startswith("match")
    assert found["hessian", ("x", "x")] == "differ.wrong"


@pytest.mark.parametrize("x", [-1e6 - 0.5, -1e15 - 0.5])
def test_digamma_far_to_the_left_is_enclosed_at_once(x):
    run = verifier.verify("digamma(x)", at={"x": x}, dtype="float64")

    (value,) = (c for c in run.results[0].comparisons if c.quantity == "value")
    # ψ(x) = ψ(1 − x) − π cot πx (DLMF 5.5.4), and the cotangent vanishes at
    # half-integers
    assert float(value.true) == pytest.approx(math.log(0.5 - x), rel=1e-12)


def test_an_interval_is_never_told_as_a_true_number():
    text = "floor(sin(x)**2 + cos(x)**2)"  # 1, which no enclosure shows
    run = verifier.verify(text, at={"x": 1}, dtype="float64")

    (value,) = (c for c in run.results[0].comparisons if c.quantity == "value")
    assert (value.true, value.verdict) == ("undecided", "undecided.precision")


def test_a_mistake_in_the_callable_is_no_fault_of_pytorch():
    run = verifier.check(lambda x: 1 / 0, 1, expression="x", dtype="float32")

    assert run.results[0].verdict == "error.run"


def test_a_deep_program_is_derived_stepwise():
    steps = "s0 = x*2\n" + "".join(f"s{i} = sin(s{i - 1}) + x\n" for i in range(1, 400))
    run = verifier.verify(steps=steps, at={"x": 1}, dtype="float64")

    assert run.ok, run
