"""One operation at all of its points: known figures, planted mistakes, what is left
out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from surveys import of, record, swept

from verifier.automatic import routes
from verifier.floats import (
    BFLOAT16,
    neighbour,
)
from verifier.measurements import Measurement
from verifier.records import Entry
from verifier.reports import survey as report
from verifier.survey import execution, plan
from verifier.symbolic.truth import many_points

CPU_OF_2_13 = pytest.mark.skipif(
    not torch.__version__.startswith("2.13."),
    reason="the figures are those of PyTorch 2.13",
)


@CPU_OF_2_13
@pytest.mark.parametrize(
    ("name", "zeros"),
    [
        ("sigmoid", 487),
        # Counted without the survey in `tests/integration/test_activations.py`.
        pytest.param("softsign", 14_056, marks=pytest.mark.slow),
        pytest.param("tanh", 936, marks=pytest.mark.slow),
        pytest.param("silu", 6, marks=pytest.mark.slow),
    ],
)
def test_the_zeros_of_bfloat16_are_counted(name: str, zeros: int) -> None:
    (sweep,) = swept(name, "bfloat16")
    found = of(sweep, "x")
    assert (sweep.exhaustive, sweep.points) == (True, 65_536 - 2 * 127)
    assert (found.zeros, found.undecided, found.unexamined) == (zeros, 0, 0)
    assert sum(r.points for r in found.regions if r.kind == "zero") == zeros


def test_the_zeros_that_depend_on_the_processor_are_counted() -> None:
    """gelu's kernel for AVX-512 has another erf: 145 zeros there, none elsewhere."""
    numbers = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
    x = numbers.view(torch.bfloat16)
    x = x[x.isfinite()].requires_grad_()
    (slope,) = torch.autograd.grad(torch.nn.functional.gelu(x).sum(), x)
    wide = x.detach().double()
    density = torch.exp(-wide * wide / 2) / math.sqrt(2 * math.pi)
    true = torch.special.erfc(-wide / math.sqrt(2)) / 2 + wide * density
    is_normal = true.bfloat16().abs() >= torch.finfo(torch.bfloat16).smallest_normal
    (sweep,) = swept("gelu", "bfloat16")
    found = of(sweep, "x")
    assert found.zeros == int(((slope == 0) & is_normal).sum())
    assert (found.undecided, found.unexamined) == (0, 0)


def test_basic_arithmetic_is_correctly_rounded_everywhere() -> None:
    for name in ("neg", "abs", "square"):
        (sweep,) = swept(name, "float16")
        for found in sweep.accuracies:
            assert found.correctly_rounded == found.compared > 40_000
            assert found.regions == ()


SLOPE = Entry("gradient", ("x",))


def test_one_wrong_number_among_all_is_the_worst(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = routes.measure

    def faulty(program: Any, points: Sequence[Any], *rest: Any, **options: Any) -> Any:
        measured = honest(program, points, *rest, **options)
        column = measured.columns[SLOPE]
        numbers = tuple(
            neighbour(g, 40, BFLOAT16) if point["x"] == 3.0 else g
            for g, point in zip(column.numbers, points, strict=True)
        )
        moved = dataclasses.replace(column, numbers=numbers)
        return dataclasses.replace(measured, columns={**measured.columns, SLOPE: moved})

    monkeypatch.setattr(routes, "measure", faulty)
    found = of(swept("exp", "bfloat16")[0], "x")
    assert found.worst is not None
    assert found.worst.point == {"x": "3.0"}
    assert 39 < found.worst.error_ulp == found.max_error_ulp < 41
    (region,) = found.regions
    assert (region.kind, region.box) == ("inaccurate", {"x": ("3.0", "3.0")})


def test_a_truth_that_is_off_at_the_worst_point_is_undecided_and_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worst point is always checked, for there the truth is most likely at
    fault."""
    honest = many_points.BatchOracle._settled

    def faulty(self: Any, points: Sequence[Any], *rest: Any) -> Any:
        found = honest(self, points, *rest)
        for index, point in enumerate(points):
            if point["x"] == 3.0:
                value, slope = found[index]
                moved = neighbour(slope.nearest, 50, BFLOAT16)
                found[index] = value, slope._replace(nearest=moved)
        return found

    monkeypatch.setattr(many_points.BatchOracle, "_settled", faulty)
    found = of(swept("exp", "bfloat16")[0], "x")
    assert found.undecided == 1
    assert found.max_error_ulp is not None
    assert found.max_error_ulp < 1
    (reason,) = found.reasons
    assert reason.startswith("at x = 3.0: the oracle says")


def test_a_truth_that_is_off_everywhere_breaks_the_sweep_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = many_points.BatchOracle._settled

    def faulty(self: Any, *rest: Any) -> Any:
        return [
            entries and tuple(e._replace(nearest=2 * e.nearest) for e in entries)
            for entries in honest(self, *rest)
        ]

    monkeypatch.setattr(many_points.BatchOracle, "_settled", faulty)
    tasks, _ = plan.plan(names=["exp"], dtypes=["float32"], sample=50)
    (found,) = execution.sweep(tasks[0])
    assert found.accuracies == ()
    assert (found.error or "").startswith("OracleError: derivations disagree at each")


def test_the_value_of_a_parameter_is_the_one_that_is_reported() -> None:
    """threshold(x, 1/10, 20) is 20 up to 1/10 and x above; PyTorch takes its threshold
    to float32, which is above."""
    (sweep,) = swept("threshold", "float32", sample=100)
    value = of(sweep, None)
    assert (sweep.failures, value.undecided) == ({}, 0)
    assert value.correctly_rounded == value.compared - 1 > 100
    assert value.worst is not None
    assert (value.worst.point, value.worst.measured) == ({"x": "0.1"}, "20.0")
    assert value.worst.true.startswith("0.100000001490116")


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("bessel_j0", "float32", "RuntimeError: element 0 of tensors does not require"),
        ("i1", "float16", "\"i1_backward\" not implemented for 'Half'"),
    ],
)
def test_what_pytorch_does_not_compute_is_not_surveyed(
    name: str, dtype: str, message: str
) -> None:
    """Neither a breakdown of verifier's, nor time spent on the truth."""
    (sweep,) = swept(name, dtype)
    assert (sweep.error, sweep.points, sweep.accuracies) == (None, 0, ())
    assert message in sweep.failures["reverse"]
    text = report.render(record(sweep))
    _, lines = text.split("Not surveyed\n")
    assert f"  {name}(x) {dtype} reverse: " in lines
    assert "mistake" not in text
    assert f"- {name}" in report.render_markdown(record(sweep)).replace("\\", "")


def test_one_route_may_compute_what_another_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = routes.measure

    def refusing(*arguments: Any, route: str, **options: Any) -> Any:
        if route == "forward":
            return Measurement(failure="no forward")
        return honest(*arguments, route=route, **options)

    monkeypatch.setattr(routes, "measure", refusing)
    (sweep,) = swept("exp", "float32", sample=10, routes=["forward", "reverse"])
    assert sweep.failures == {"forward": "no forward"}
    assert {a.route for a in sweep.accuracies} == {"reverse"}
    assert "exp(x) float32 forward: no forward" in report.render(record(sweep))


def test_an_undecided_point_is_reported_with_its_reason() -> None:
    (sweep,) = swept("tan", "float32", sample=10)
    (reason,) = of(sweep, None).reasons
    assert reason.startswith("at x = -inf and 1 more: the limit is not found")
    text = " ".join(report.render(record(sweep)).split())
    assert f"tan(x) float32 reverse value; reverse d/dx: 2 undecided; {reason}" in text
