"""The points of a case: given, drawn, boundary, and what the precondition does to
them."""

from __future__ import annotations

import dataclasses
import json
import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from backwards import function

import verifier
from verifier.automatic import lowering
from verifier.errors import CaseFileError
from verifier.floats import BFLOAT16, BINARY16, BINARY32, BINARY64
from verifier.language.casefile.case import Case
from verifier.language.casefile.loading import from_mapping
from verifier.language.points.domains import domain
from verifier.language.points.drawing import draw, every
from verifier.records import RunRecord
from verifier.reports import json as json_report
from verifier.reports import text as text_report
from verifier.reports.options import Options as Page
from verifier.running.plan import plan
from verifier.running.run import verify_alone
from verifier.verification import sampling, settled
from verifier.verification.prepare import Prepared, Setting
from verifier.verification.sampling import sample
from verifier.verification.verify import Interrupted, verify

UNIT = {"x": "[0, 1]", "y": "[0, 1]"}


def case(expression: str = "x*y", **keys: Any) -> Case:
    return from_mapping({"name": "n", "expression": expression, **keys})


def test_the_points_satisfy_the_precondition_and_the_refused_are_counted() -> None:
    found = sample(case(domain=UNIT, where="x < y", points=50), BINARY64, 0)
    assert len(found.drawn) == 50
    assert all(point["x"] < point["y"] for point in found.points)
    intervals = {name: domain(text) for name, text in UNIT.items()}
    drawn = draw(intervals, 200, BINARY64, seed=0, name="n")
    kept = [point for point in drawn if point["x"] < point["y"]]
    assert list(found.drawn) == kept[:50]
    assert found.refused == drawn.index(kept[49]) + 1 - 50 > 0


def test_more_points_change_none_that_satisfied_the_precondition() -> None:
    few = sample(case(domain=UNIT, where="x < y", points=10), BINARY64, 0)
    many = sample(case(domain=UNIT, where="x < y", points=90), BINARY64, 0)
    assert many.drawn[:10] == few.drawn


def test_a_precondition_holds_for_fixed_inputs_too() -> None:
    fixed = case(at={"y": "1/2"}, domain={"x": "[0, 1]"}, where="x < y", points=20)
    found = sample(fixed, BINARY32, 0)
    assert {point["y"] for point in found.points} == {0.5}
    assert all(point["x"] < 0.5 for point in found.points)


def test_too_few_points_that_satisfy_it_are_one_error() -> None:
    never = case(domain=UNIT, where="x + y > 3", points=5)
    with pytest.raises(
        CaseFileError,
        match=r"\[n\] where: expected 5 points that provably satisfy `x \+ y > 3`, found 0 of 1500 drawn\. Narrow",
    ):
        sample(never, BINARY32, 0)
    result = verify_alone(plan([never])[0])
    assert (result.verdict, result.as_expected) == ("error.run", False)
    assert result.message is not None
    assert "found 0 of 1500 drawn" in result.message


def test_the_tries_are_bounded_however_many_points_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "MOST_REFUSED", 100)
    with pytest.raises(CaseFileError, match="found 0 of 1100 drawn"):
        sample(
            case("x", domain={"x": "[0, 1]"}, where="x > 2", points=1000), BINARY32, 0
        )


def test_a_given_point_that_breaks_it_is_named() -> None:
    given = case(at=[{"x": 1, "y": 2}, {"x": 2, "y": 1}], where="x < y")
    with pytest.raises(
        CaseFileError, match=r"at\[2\]: .* `x < y`, found x = 2.0, y = 1.0 in float32"
    ):
        sample(given, BINARY32, 0)


def test_all_points_are_every_number_of_the_dtype() -> None:
    found = sample(case("exp(x)", dtype="bfloat16", points="all"), BFLOAT16, 0)
    assert [point["x"] for point in found.drawn] == list(every(None, BFLOAT16))
    assert found.boundary == ()


def test_all_points_of_a_domain_satisfy_the_precondition() -> None:
    asked = case(
        "exp(x)",
        dtype="float16",
        points="all",
        domain={"x": "[0, 1]"},
        where="x > 1/2",
    )
    found = sample(asked, BINARY16, 0)
    assert len(found.drawn) == 1024  # a binade without its first number, and 1
    assert found.refused == 15 * 1024 + 1 - 1024
    with pytest.raises(CaseFileError, match="found none of 15361"):
        sample(
            dataclasses.replace(
                asked, where=case("x", at={"x": 1}, where="x > 2").where
            ),
            BINARY16,
            0,
        )


def test_boundary_points_are_added_to_drawn_ones_alone() -> None:
    drawn = sample(case("exp(x)", domain={"x": "[0, 100]"}, points=4), BINARY32, 0)
    assert drawn.boundary
    assert drawn.points == [*drawn.drawn, *drawn.boundary]
    off = sample(
        case("exp(x)", domain={"x": "[0, 100]"}, points=4, boundary=False), BINARY32, 0
    )
    assert off.boundary == ()
    assert off.drawn == drawn.drawn
    assert sample(case("exp(x)", at={"x": 1}), BINARY32, 0).boundary == ()


# ── what the verdicts and reports say ─────────────────────────────────────────────────


def late_overflow(x: torch.Tensor) -> torch.Tensor:
    """exp, but wrong on the last float before it overflows."""
    return torch.where(x == 88.72283172607422, 2 * torch.exp(x - 1), torch.exp(x))


def wrong_at_the_kink(x: torch.Tensor) -> torch.Tensor:
    """max(x, 1), with the gradient 5 at 1 and nowhere else."""
    return torch.maximum(x, torch.ones_like(x)) + (x == 1) * 5 * (x - x.detach())


@pytest.mark.parametrize(
    ("function", "expression", "interval", "named"),
    [
        (late_overflow, "exp(x)", "[0, 100]", "format"),
        (wrong_at_the_kink, "max(x, 1)", "[-3, 3]", "mathematics"),
    ],
    ids=["overflow", "kink"],
)
def test_a_fault_at_a_single_boundary_point_is_caught(
    function: Any, expression: str, interval: str, named: str
) -> None:
    def verdict(*, boundary: Any) -> Any:
        return verifier.check(
            function,
            expression=expression,
            domain={"x": interval},
            where="x < 88.7228318",
            dtype="float32",
            boundary=boundary,
        )

    assert verdict(boundary=False).ok
    assert not verdict(boundary="machine").ok
    assert verdict(boundary=True).ok is (named == "format")


def test_a_fault_at_a_single_number_is_caught_by_all_of_them() -> None:
    def faulty(x: torch.Tensor) -> torch.Tensor:
        return torch.where(x == 0.71484375, x**2 * 1.5, x**2)

    asked: dict[str, Any] = {
        "expression": "x**2",
        "domain": {"x": "[1/2, 1]"},
        "dtype": "bfloat16",
    }
    assert verifier.check(faulty, **asked, points=16).ok
    run = verifier.check(faulty, **asked, points="all")
    (result,) = run.results
    assert (result.points, result.drawn, result.boundary) == (129, 129, 0)
    assert not run.ok
    assert {
        found.point["x"]
        for found in result.comparisons
        if found.verdict.family == "differ"
    } == {"0.715"}


def test_the_reports_say_how_many_points_are_of_which_kind() -> None:
    run = verifier.verify("x*y", domain=UNIT, where="x < y", points=50, dtype="float32")
    (result,) = run.results
    assert result.points == result.drawn + result.boundary
    phrase = f"50 drawn, {result.boundary} boundary, {result.refused} refused"
    assert phrase in text_report.render(run.record, Page(width=120))
    table = json.loads(json_report.render(run.record))["results"][0]
    told = {name: table[name] for name in ("points", "drawn", "boundary", "refused")}
    assert told == {
        "points": result.points,
        "drawn": 50,
        "boundary": result.boundary,
        "refused": result.refused,
    }
    again = json_report.read(json_report.render(run.record), "r.json").results[0]
    assert (again.drawn, again.boundary, again.refused) == tuple(told.values())[1:]


def test_a_report_from_before_the_kinds_of_points_is_read() -> None:
    record = verifier.verify("x*y", domain=UNIT, points=5, dtype="float32").record
    table = json.loads(json_report.render(record))
    for name in ("drawn", "boundary", "refused"):
        del table["results"][0][name]
    read: RunRecord = json_report.read(json.dumps(table), "old.json")
    assert (read.results[0].points, read.results[0].drawn) == (
        record.results[0].points,
        0,
    )


def test_points_are_told_as_they_are_judged_and_an_interrupt_keeps_them() -> None:
    asked = case("exp(x)", dtype="bfloat16", points="all", domain={"x": "[0, 1]"})
    prepared = Prepared(asked, "bfloat16")
    heard: list[tuple[int, int]] = []

    def hear(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        verify(prepared, Setting(route="reverse"), seed=0, on_point=hear)
    total = 127 * 128 + 1
    assert heard == [(done, total) for done in range(1, 101)]
    assert caught.value.result.points == caught.value.result.drawn == 100
    assert "interrupted after 100 points" in (caught.value.result.message or "")


def test_the_first_points_are_the_given_ones_then_those_drawn() -> None:
    asked = case("exp(x)", at={"x": 1}, domain={"x": "[0, 100]"}, points=4)
    found = sample(asked, BINARY32, 0)
    for count in range(len(found.points) + 1):
        assert found.first(count).points == found.points[:count]


def test_routes_share_the_points_and_a_moved_case_has_its_own() -> None:
    prepared = Prepared(case(domain=UNIT, points=3), "float32")
    first = prepared.sample(0)
    assert prepared.sample(0) is first
    moved = prepared.at(case(at={"x": "1/4", "y": 1}))
    assert moved.sample(0).points == [{"x": 0.25, "y": 1.0}]
    assert prepared.sample(0) is first


def test_a_fraction_is_rounded_before_the_precondition_is_asked() -> None:
    # The float32 nearest to 1/10 is above it, the float64 too, the float16 below.
    given = case("x", at={"x": "1/10"}, where="x > 1/10")
    assert sample(given, BINARY32, 0).given[0]["x"] > Fraction(1, 10)
    with pytest.raises(CaseFileError, match="in float16"):
        sample(given, BINARY16, 0)
    assert math.isclose(sample(given, BINARY64, 0).given[0]["x"], 0.1)


# ── many points at once ───────────────────────────────────────────────────────────────


def _every(text: str) -> Any:
    asked = case(text, dtype="bfloat16", points="all", domain={"x": "[1/1000, 1000]"})
    prepared = Prepared(asked, "bfloat16")
    result = verify(prepared, Setting(route="reverse"), seed=0).result
    assert result.points > 2_000
    assert sum(result.counts.values()) == 2 * result.points
    return result


@pytest.mark.parametrize("text", ["sigmoid(x)", "abs(x - 1)*x", "log1p(x)"])
def test_many_points_at_once_are_judged_as_one_by_one(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = _every(text)
    monkeypatch.setattr(settled, "TOGETHER_FROM", math.inf)
    apart = _every(text)
    assert together.counts == apart.counts
    assert together.verdict == apart.verdict
    assert together.max_error_ulp == pytest.approx(apart.max_error_ulp, abs=1e-5)


def test_many_points_in_float64_are_all_decided() -> None:
    asked = case("exp(-x**2/2)", domain={"x": "[-3, 3]"}, points=2_000)
    (task,) = (task for task in plan([asked]) if task.dtype == "float64")
    found = verify_alone(task)
    assert found.points > 2_000
    assert {name.partition(".")[0] for name in found.counts} == {"match"}


def test_what_is_expected_of_many_given_points_is_held() -> None:
    numbers = range(settled.TOGETHER_FROM + 1)
    expected = [2 * n for n in numbers]
    expected[1234] += 7
    asked = case(
        "2*x",
        at=[{"x": n} for n in numbers],
        expect={"value": expected},
        dtype="float32",
    )
    (task,) = plan([asked])
    found = verify_alone(task)
    assert not found.as_expected
    assert "expected 2475" in (found.message or "")


def test_a_fault_at_one_of_many_points_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def backward(grad: Any, x: Any) -> Any:
        right = 2 * x * grad
        return torch.where(x == 2.25, right * 1.25, right)

    off = function(lambda x: x * x, backward)
    monkeypatch.setitem(lowering.OPERATIONS, "square", off)
    found = _every("square(x)")
    assert found.counts["differ.wrong"] == 1
    assert found.max_error_ulp > 30


# ── domains as people mean them ───────────────────────────────────────────────────────


def edges_of(expression: str, format_: Any = BINARY64, **keys: Any) -> list[float]:
    asked = case(expression, points=2, **keys)
    return [point["x"] for point in sample(asked, format_, 0).boundary]


def test_boundary_points_are_those_that_mathematics_names() -> None:
    edges = edges_of("x*exp(x)", domain={"x": "[-3, 1000]"})
    assert {-3.0, 1000.0, 0.0} <= set(edges)
    assert {math.copysign(1, x) for x in edges if x == 0} == {1, -1}
    beside = {math.nextafter(-3, 0), math.nextafter(1000, 0)}
    assert beside <= set(edges)
    # exp overflows at 709.78 and underflows nowhere here; no subnormal number is beside
    # 0.
    assert not any(3 < x < 999 or 0 < abs(x) < 1 for x in edges)


def test_the_machine_adds_those_that_the_format_names() -> None:
    domain_ = {"x": "[-3, 1000]"}
    named = edges_of("x*exp(x)", domain=domain_)
    both = edges_of("x*exp(x)", domain=domain_, boundary="machine")
    assert set(named) < set(both)
    # fdlibm, e_exp.c: the last number whose exponential is finite.
    assert 7.09782712893383973096e02 in both
    assert {5e-324, -5e-324, 2.0**-1022} <= set(both)


@pytest.mark.parametrize(
    ("expression", "interval", "place"),
    [
        ("abs(x - 2)", "[0, 5]", 2.0),
        ("1/(x - 1/4)", "[0, 5]", 0.25),
        ("sqrt(x - 1)", "[0, 5]", 1.0),
        ("exp(x**2 - 4)*(x - 3)", "[0, 5]", 3.0),
        ("log(x)*x", "[0, 5]", 1.0),
    ],
)
def test_kinks_poles_branch_points_and_zeros_are_named_with_their_neighbours(
    expression: str, interval: str, place: float
) -> None:
    edges = edges_of(expression, domain={"x": interval})
    assert {math.nextafter(place, 9), place, math.nextafter(place, -9)} <= set(edges)


def test_a_domain_that_is_all_subnormal_keeps_its_ends() -> None:
    edges = edges_of("x", domain={"x": "[0x1p-1060, 0x1p-1050]"}, dtype="float64")
    assert {2.0**-1060, 2.0**-1050} <= set(edges)


def test_an_open_end_at_0_names_no_subnormal_number() -> None:
    edges = edges_of("x*log(x)", domain={"x": "(0, 10]"})
    assert 10.0 in edges
    assert min(edges) > 0.1


def test_an_infinite_end_is_none_unless_the_format_is_asked() -> None:
    largest = float(BINARY64.largest)
    domain_ = {"x": "(0, inf)"}
    assert largest in edges_of("abs(x - 1)", domain=domain_)
    named = edges_of("abs(x - 1)", domain=domain_, boundary=True)
    assert largest not in named
    assert 1.0 in named


def test_a_normal_input_is_moved_no_further_than_it_is_drawn() -> None:
    edges = edges_of("sin(x)*abs(x - 1)", domain={"x": "normal"})
    assert {1.0, 0.0} <= set(edges)
    assert max(map(abs, edges)) < 200


def test_floats_are_drawn_where_they_are_asked_for() -> None:
    by_float = sample(
        case("x", domain={"x": "[0, 1]"}, points=64, draw="floats"), BINARY64, 0
    )
    assert sum(1 for p in by_float.drawn if p["x"] < 1e-30) > 50
    by_value = sample(case("x", domain={"x": "[0, 1]"}, points=64), BINARY64, 0)
    assert all(p["x"] >= 1e-6 for p in by_value.drawn)


MICHAELIS = {"Vmax": "[0, 10]", "S": "[0, 100]", "Km": "[0, 10]"}


@pytest.mark.parametrize("boundary", [None, False])
def test_michaelis_menten_is_right_on_its_natural_domain(boundary: Any) -> None:
    run = verifier.verify(
        "Vmax*S/(Km + S)", domain=MICHAELIS, dtype="float64", boundary=boundary
    )
    assert run.ok, run


@pytest.mark.parametrize(
    ("formula", "intervals"),
    [
        ("A*exp(-E/(8.314*T))", {"A": "[0, 1e13]", "E": "[0, 2e5]", "T": "[200, 2000]"}),
        ("n*8.314*T/V", {"n": "[0, 10]", "T": "[200, 400]", "V": "[0.001, 1]"}),
        ("6.674e-11*m1*m2/r**2", {"m1": "[0, 1e3]", "m2": "[0, 1e3]", "r": "[0, 100]"}),
        ("exp(-(x - mu)**2/(2*s**2))/(s*sqrt(2*pi))", {"x": "[-10, 10]", "mu": "[-1, 1]", "s": "(0, 5]"}),
        ("sqrt(x**2 + y**2 + z**2)", {"x": "[-10, 10]", "y": "[-10, 10]", "z": "[-10, 10]"}),
        ("v0*t + g*t**2/2", {"v0": "[-10, 10]", "t": "[0, 10]", "g": "[9, 10]"}),
        ("4*e*((s/r)**12 - (s/r)**6)", {"e": "[0, 5]", "s": "[1, 5]", "r": "[1, 10]"}),
        ("a*b*N/(1 + b*h*N)", {"a": "[0, 2]", "b": "[0, 2]", "h": "[0, 1]", "N": "[0, 100]"}),
        ("E0 - 0.025693/n*log(Q)", {"E0": "[-3, 3]", "n": "[1, 6]", "Q": "[1e-6, 1e6]"}),
        ("rho*v**2*C*A/2", {"rho": "[0, 2]", "v": "[0, 100]", "C": "[0, 2]", "A": "[0, 10]"}),
    ],
)  # fmt: skip
def test_ordinary_formulas_are_right_on_their_natural_domains(
    formula: str, intervals: dict[str, str]
) -> None:
    run = verifier.verify(formula, domain=intervals, dtype="float64", points=32)
    assert run.ok, run


@pytest.mark.parametrize(
    ("tolerance", "verdict"),
    [
        (None, "differ.range"),
        ({"absolute": 1e-300}, "match.rounding"),
        ({"relative": 1e-6, "absolute": 1e-300}, "match.rounding"),
        ({"absolute": 1e-320}, "differ.range"),
    ],
)
def test_an_error_below_the_absolute_tolerance_is_within_it(
    tolerance: Any, verdict: str
) -> None:
    # x*x is 1e-400: it underflows on the way, and the result is 0 for 1e-310.
    run = verifier.verify(
        "x*x*y", at={"x": 1e-200, "y": 1e90}, dtype="float64", wrt=["y"],
        tolerance=tolerance,
    )  # fmt: skip
    verdicts = {one.quantity: one.verdict for one in run.results[0].comparisons}
    assert verdicts["value"] == verdict


def test_a_callable_may_err_by_the_absolute_tolerance() -> None:
    off = function(torch.sin, lambda grad, x: (torch.cos(x) + 1e-9) * grad)

    def verdict(absolute: float) -> Any:
        return verifier.check(
            off, math.pi / 2, expression="sin(x)", dtype="float64",
            tolerance={"absolute": absolute},
        )  # fmt: skip

    # The true gradient there is 6.1e-17: nothing relative excuses 1e-9.
    assert verdict(1e-8).ok
    assert not verdict(1e-10).ok


def test_complex_points_are_drawn_as_real_ones_and_within_an_absolute_tolerance() -> (
    None
):
    run = verifier.verify(
        "z*w", domain={"z": "normal + normalj", "w": "[0, 1] + [0, 1]j"},
        dtype="complex128", points=40, draw="floats",
        tolerance={"relative": 1e-12, "absolute": 1e-12},
    )  # fmt: skip
    assert run.ok, run
    assert run.results[0].points == 40


def test_a_zero_that_no_precision_pins_is_no_boundary_point() -> None:
    # 1 - exp(-x) vanishes at 0 alone, which is there as the end; near it no ball of
    # some hundred bits tells it from 0.
    for boundary in ("machine", True):
        edges = edges_of("1 - exp(-x)", domain={"x": "[0, 10]"}, boundary=boundary)
        assert 0.0 in edges
        assert not any(1e-300 < x < 1e-3 for x in edges)
