"""Where routes give other numbers than each other: found, measured and told, and never
a verdict."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from commands import invoke

import verifier
from verifier.automatic import modes, routes
from verifier.language.casefile.loading import from_mapping
from verifier.measurements import Measured
from verifier.records import VALUE, Disagreement, Entry, Result, RunRecord
from verifier.reports import json as json_report
from verifier.reports import tables, text
from verifier.running import run
from verifier.running.disagreement import between
from verifier.running.units import Unit
from verifier.verification.result import Verified

Make = Callable[..., Result]

TOLD = Disagreement(
    case="c.toml::n",
    dtype="float32",
    order=1,
    routes=("reverse", "forward"),
    points=64,
    differing=3,
    max_ulp=5,
    quantity="gradient",
    wrt=("x",),
    point={"x": "0.5"},
    upstream="-2",
    measured=("1.5", "1.5000006"),
)


def measured(**columns: list[float]) -> Measured:
    """The value, and the gradients by name, at as many points as the value has."""
    value = columns.pop("value")
    return Measured(
        points={"x": [float(n) for n in range(len(value))]},
        upstream=[1.0] * len(value),
        numbers={VALUE: value}
        | {Entry("gradient", (name,)): column for name, column in columns.items()},
    )


# ── finding ───────────────────────────────────────────────────────────────────────────


def test_the_worst_of_all_quantities_is_told(make_result: Make) -> None:
    step = 2.0**-23
    first = Verified(
        result=make_result(), measured=measured(value=[1, 1, 1, 1], x=[2, 2, 2, 2])
    )
    other = measured(value=[1, 1 + step, 1, 1], x=[2, 2 + 2 * step, 2 - 3 * step, 2])
    second = Verified(result=make_result(route="forward"), measured=other)
    found = between(first, second)
    assert found is not None
    assert (found.differing, found.points) == (2, 4)
    assert (found.quantity, found.wrt, found.point) == ("gradient", ("x",), {"x": "2"})
    assert found.max_ulp == 3  # below 2 the numbers lie half as far apart
    assert found.measured == ("2", "1.9999996")
    assert found.routes == ("reverse", "forward")


@pytest.mark.parametrize(
    ("one", "other", "max_ulp"),
    [
        (0.0, -0.0, 0),
        (math.nan, math.nan, 0),
        (math.inf, math.inf, 0),
        (math.nan, 1.0, None),
        (math.inf, 3.4028234663852886e38, 1),
        (2.0**-149, -(2.0**-149), 2),
    ],
)
def test_zeros_nan_and_infinity(
    one: float, other: float, max_ulp: int | None, make_result: Make
) -> None:
    first = Verified(result=make_result(), measured=measured(value=[one]))
    second = Verified(result=make_result(), measured=measured(value=[other]))
    found = between(first, second)
    if max_ulp == 0:
        assert found is None
    else:
        assert found is not None
        assert found.max_ulp == max_ulp


def test_the_first_route_that_ran_is_what_the_others_are_compared_with(
    make_result: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers: dict[str, Measured | None] = {
        "reverse": None,
        "forward": measured(value=[1]),
        "func": measured(value=[2]),
        "vmap": None,
    }

    def verify(self: object, route: str, on_point: object) -> Verified:
        return Verified(result=make_result(route=route), measured=numbers[route])

    monkeypatch.setattr(run._Session, "verify", verify)
    case = from_mapping({"expression": "x", "at": {"x": 1}})
    unit = Unit(case=case, dtype="float32", routes=tuple(numbers))
    outcomes = list(run.verify_unit(unit))
    assert [
        outcome.routes for outcome in outcomes if isinstance(outcome, Disagreement)
    ] == [("forward", "func")]
    assert len(outcomes) == 5


def test_a_planted_difference_is_found_and_changes_no_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def off_by_one(*arguments: Any) -> modes.Derived:
        found = modes.func_vjp(*arguments)
        (gradient,) = found.gradient
        assert gradient is not None
        moved = torch.nextafter(gradient, torch.full_like(gradient, math.inf))
        return modes.Derived(value=found.value, gradient=[moved])

    monkeypatch.setitem(routes._ROUTES, "func", off_by_one)
    run = verifier.verify(
        "sin(x)*exp(x)",
        domain={"x": "[0, 1]"},
        points=8,
        boundary=False,  # where the gradient is exact, the planted ulp would be told
        dtype="float32",
        routes=["reverse", "func", "vmap"],
    )
    assert run.ok
    (found,) = run.record.disagreements
    assert (found.routes, found.differing, found.max_ulp) == (
        ("reverse", "func"),
        8,
        1,
    )
    low, high = (float(number) for number in found.measured)
    assert low < high


def test_hessians_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    original = modes.forward_forward

    def doubled(*arguments: Any) -> modes.Derived:
        found = original(*arguments)
        rows = [
            [entry * 2 for entry in row if entry is not None] for row in found.hessian
        ]
        return modes.Derived(value=found.value, gradient=found.gradient, hessian=rows)

    monkeypatch.setitem(routes._ROUTES, "forward-forward", doubled)
    run = verifier.verify(
        "x**3",
        at={"x": 1},
        order=2,
        dtype="float64",
        routes=["reverse-reverse", "forward-forward"],
    )
    (found,) = run.record.disagreements
    assert (found.quantity, found.wrt) == ("hessian", ("x", "x"))
    assert found.measured == ("6", "12")


# ── telling ───────────────────────────────────────────────────────────────────────────


def test_the_text_report_has_a_section(
    make_record: Callable[..., RunRecord], make_result: Make
) -> None:
    told = text.render(make_record(make_result(), disagreements=(TOLD,)))
    section = told.partition("Routes disagree\n")[2].splitlines()[:2]
    assert section == [
        "  n  float32  reverse and forward: 3 of 64 points, by up to 5 ulp",
        "    gradient x at x = 0.5, upstream = -2: 1.5 and 1.5000006",
    ]
    assert "all as expected" in told
    assert "Routes disagree" not in text.render(make_record(make_result()))


def test_nan_on_one_side_is_said(
    make_record: Callable[..., RunRecord], make_result: Make
) -> None:
    from dataclasses import replace

    one = replace(TOLD, max_ulp=None, measured=("nan", "1"))
    assert "NaN on one side" in text.render(
        make_record(make_result(), disagreements=(one,))
    )


def test_a_long_list_is_cut(
    make_record: Callable[..., RunRecord], make_result: Make
) -> None:
    told = text.render(make_record(make_result(), disagreements=(TOLD,) * 25))
    assert told.count("reverse and forward") == tables.MOST
    assert f"and {25 - tables.MOST} more like it" in told


def test_the_json_report_holds_them_and_is_read_back(
    make_record: Callable[..., RunRecord], make_result: Make
) -> None:
    record = make_record(make_result(), disagreements=(TOLD,))
    rendered = json_report.render(record)
    report = json.loads(rendered)
    jsonschema.validate(report, json_report.schema())
    assert report["disagreements"][0]["max_ulp"] == 5
    assert json_report.read(rendered, "r.json") == record
    assert "disagreements" not in json.loads(
        json_report.render(make_record(make_result()))
    )
    report["disagreements"][0]["routes"] = ["reverse"]
    assert not jsonschema.Draft202012Validator(json_report.schema()).is_valid(report)
    with pytest.raises(verifier.VerifierError, match="a longer list"):
        json_report.read(json.dumps(report), "r.json")


def test_a_run_from_the_command_line_tells_them(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        '[[case]]\nname = "n"\nexpression = "exp(sin(x)*y)/y"\ndtype = "float32"\n'
        'domain = { x = "[-3, 3]", y = "[1, 5]" }\nroutes = ["reverse", "forward"]\n'
    )
    found = invoke("run", file)
    assert found.exit_code == 0
    assert "Routes disagree" in found.output
