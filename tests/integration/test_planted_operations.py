"""The checker is checked: every wrong derivative planted in PyTorch is found, and
harmless rewrites are not flagged.

A fault replaces one function of the lowering's table by a `torch.autograd.Function`
with the right forward and a wrong backward: this is what a mistake in a kernel looks
like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch

import verifier
from verifier.automatic import lowering
from verifier.records import Comparison, Result, Verdict

Tensor = torch.Tensor
Forward = Callable[..., Tensor]
Backward = Callable[..., Sequence[Tensor | None]]


def planted(forward: Forward, backward: Backward) -> Callable[..., Tensor]:
    """An operation with its own backward: of the cotangent, then the operands, to a
    gradient for each operand."""

    class Fault(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *operands: Any) -> Tensor:
            tensors = [operand for operand in operands if isinstance(operand, Tensor)]
            ctx.save_for_backward(*tensors)
            ctx.operands = [None if isinstance(o, Tensor) else o for o in operands]
            return forward(*operands)

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Any:
            saved = iter(ctx.saved_tensors)
            operands = [
                next(saved) if operand is None else operand for operand in ctx.operands
            ]
            found = backward(grad, *operands)
            return tuple(found)

    return Fault.apply


def verified(text: str, dtype: str, points: Any, **keywords: Any) -> Result:
    source = {"steps": text} if "\n" in text else {"expression": text}
    (result,) = verifier.verify(dtype=dtype, at=points, **source, **keywords).results
    return result


def differing(result: Result) -> dict[str, list[Comparison]]:
    """The comparisons that differ, by the input or step; the value's under the empty
    name."""
    found: dict[str, list[Comparison]] = {}
    for comparison in result.comparisons:
        if comparison.verdict.family == "differ":
            found.setdefault("".join(comparison.wrt), []).append(comparison)
    return found


X = [{"x": 0.75}, {"x": 1.25}, {"x": 2.5}]
XY = [{"x": 0.75, "y": 1.5}, {"x": 1.25, "y": 0.375}, {"x": 2.5, "y": 3.25}]
PROGRAMS = [
    ("sin(x)", X),
    ("exp(sin(x))", X),
    ("x * sin(x)", X),
    ("sin(x) * y", XY),
    ("sqrt(x*x + y*y) + sin(x)*y", XY),
    ("b = sin(x)\nc = b * y\nd = c + x", XY),
]
SHIFTS = [("float32", 20), ("float64", 40)]

programs = pytest.mark.parametrize(("text", "points"), PROGRAMS)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


@programs
@dtypes
def test_without_a_fault_every_program_matches(
    text: str, points: Any, dtype: str
) -> None:
    assert verified(text, dtype, points).verdict.family == "match"


@programs
@dtypes
def test_a_right_backward_of_ones_own_matches(
    text: str, points: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = planted(torch.sin, lambda grad, x: [grad * torch.cos(x)])
    monkeypatch.setitem(lowering.OPERATIONS, "sin", right)
    assert verified(text, dtype, points).verdict.family == "match"


def found_in_x(text: str, dtype: str, points: Any) -> list[Comparison]:
    """The differing comparisons, all of them gradients by x."""
    result = verified(text, dtype, points)
    assert result.verdict.family == "differ", result
    assert not result.as_expected
    assert set(differing(result)) == {"x"}, differing(result)
    return differing(result)["x"]


@programs
@pytest.mark.parametrize(("dtype", "shift"), SHIFTS)
def test_a_wrong_factor_is_found(
    text: str, points: Any, dtype: str, shift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = 1 + 2.0**-shift
    wrong = planted(torch.sin, lambda grad, x: [grad * torch.cos(x) * factor])
    monkeypatch.setitem(lowering.OPERATIONS, "sin", wrong)
    result = verified(text, dtype, points)
    assert result.verdict.family == "differ"
    assert set(differing(result)) == {"x"}


FAULTS: dict[str, Backward] = {
    "wrong sign": lambda grad, x: [-grad * torch.cos(x)],
    "dropped chain factor": lambda grad, x: [grad],
    "factor two": lambda grad, x: [2 * grad * torch.cos(x)],
    "derivative of another function": lambda grad, x: [grad * torch.sin(x)],
    "zero": lambda grad, x: [torch.zeros_like(x)],
    "nothing flows": lambda grad, x: [None],
    "NaN": lambda grad, x: [grad * torch.nan],
    "infinite": lambda grad, x: [grad * torch.inf],
    "constant of too few digits": lambda grad, x: [grad * torch.cos(x) * 1.001],
}


@programs
@dtypes
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_backward_is_found(
    text: str, points: Any, dtype: str, fault: Backward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lowering.OPERATIONS, "sin", planted(torch.sin, fault))
    for comparison in found_in_x(text, dtype, points):
        assert comparison.quantity == "gradient"
        assert comparison.message


@dtypes
def test_an_ignored_cotangent_is_found_by_the_upstream(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = planted(torch.sin, lambda grad, x: [torch.cos(x)])
    monkeypatch.setitem(lowering.OPERATIONS, "sin", deaf)
    # with the upstream 1 it shows only by the second run, at −2
    assert set(differing(verified("sin(x)", dtype, X))) == {"x"}
    assert set(differing(verified("sin(x)", dtype, X, upstream=3))) == {"x"}
    assert set(differing(verified("3 * sin(x)", dtype, X))) == {"x"}


@pytest.mark.parametrize("text", ["sin(x) * y", "sin(x) + y", "b = sin(x)\nc = b * y"])
def test_a_float32_constant_in_a_float64_run_is_found(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.1 in float32 is 1.5·10⁻⁹ off: within the tolerance of float64, yet more than
    rounding explains."""
    single = float(torch.tensor(0.1, dtype=torch.float32))
    for constant, verdict in ((0.1, "match"), (single, "differ")):
        scaled = planted(
            torch.sin, lambda grad, x, c=constant: [grad * torch.cos(x) * (c / 0.1)]
        )
        monkeypatch.setitem(lowering.OPERATIONS, "sin", scaled)
        assert verified(text, "float64", XY).verdict.family == verdict


def test_a_literal_of_the_wrong_dtype_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    init = lowering.Lowered.__init__

    def with_single_literals(self: Any, *arguments: Any) -> None:
        init(self, *arguments)
        self.literals = {
            i: float(torch.tensor(v, dtype=torch.float32))
            for i, v in self.literals.items()
        }
        self.scalars = self.literals

    monkeypatch.setattr(lowering.Lowered, "__init__", with_single_literals)
    result = verified("x * 0.1", "float64", X)
    assert set(differing(result)) == {"", "x"}


@dtypes
def test_a_forward_that_is_computed_in_float16_is_found(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = planted(
        lambda x: torch.sin(x.half()).to(x.dtype), lambda grad, x: [grad * torch.cos(x)]
    )
    monkeypatch.setitem(lowering.OPERATIONS, "sin", coarse)
    assert "" in differing(verified("sin(x)", dtype, X))


# ── two operands ──────────────────────────────────────────────────────────────────────

TWO: dict[str, tuple[str, Forward, Backward, set[str]]] = {
    "swapped gradients of a product": (
        "mul", lambda x, y: x * y, lambda g, x, y: [g * x, g * y], {"x", "y"},
    ),
    "swapped gradients of atan2": (
        "atan2", torch.atan2,
        lambda g, y, x: [g * -y / (x * x + y * y), g * x / (x * x + y * y)], {"x", "y"},
    ),
    "wrong sign of a subtrahend": (
        "sub", lambda x, y: x - y, lambda g, x, y: [g, g], {"y"},
    ),
    "second operand forgotten": (
        "hypot", torch.hypot, lambda g, x, y: [g * x / torch.hypot(x, y), None], {"y"},
    ),
    "wrong branch of max": (
        "max", torch.maximum, lambda g, x, y: [g * (x < y), g * (x >= y)], {"x", "y"},
    ),
    "gradient into both branches of max": (
        "max", torch.maximum, lambda g, x, y: [g, g], {"x", "y"},
    ),
    "wrong branch of where": (
        "where", torch.where, lambda g, p, x, y: [None, g * ~p, g * p], {"x", "y"},
    ),
}  # fmt: skip
TEXTS = {
    "mul": ("x * y", "exp(x * y)"),
    "atan2": ("atan2(y, x)", "atan2(y, x)**2"),
    "sub": ("x - y", "exp(x - y)"),
    "hypot": ("hypot(x, y)", "log(hypot(x, y))"),
    "max": ("max(x, y)", "sin(max(x, y))"),
    "where": ("where(x < y, x, y)", "exp(where(x < y, x, y))"),
}


@dtypes
@pytest.mark.parametrize("name", TWO)
def test_a_wrong_backward_of_two_operands_names_the_right_input(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, forward, backward, wrong = TWO[name]
    for text in TEXTS[row]:
        monkeypatch.undo()
        assert verified(text, dtype, XY).verdict.family == "match"
        monkeypatch.setitem(lowering.OPERATIONS, row, planted(forward, backward))
        assert set(differing(verified(text, dtype, XY))) == wrong, text


def test_a_wrong_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault sits below step c: its own adjoint is right, those of the steps before
    it are wrong."""
    wrong = planted(torch.sin, lambda grad, x: [-grad * torch.cos(x)])
    monkeypatch.setitem(lowering.OPERATIONS, "sin", wrong)
    found = verified("b = x * x\nc = sin(b)\nd = c * 3", "float64", X)
    assert set(differing(found)) == {"x", "b"}


# ── wrong in one region only ──────────────────────────────────────────────────────────


def _only_where(region: Callable[[Tensor], Tensor]) -> Backward:
    def backward(grad: Tensor, x: Tensor) -> list[Tensor]:
        right = grad / (x * x + 1)
        return [torch.where(region(x), right * 1.01, right)]

    return backward


def wrong_at(points: Any, dtype: str) -> list[float]:
    """The points of atan at which the gradient is wrong; everywhere else it matches."""
    result = verified("atan(x)", dtype, points)
    found = differing(result)["x"]
    assert {comparison.verdict for comparison in found} == {Verdict.DIFFER_WRONG}
    return [float(comparison.point["x"]) for comparison in found]


@dtypes
def test_an_error_in_the_tail_alone_is_found_there_alone(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = planted(torch.atan, _only_where(lambda x: x.abs() > 3))
    monkeypatch.setitem(lowering.OPERATIONS, "atan", fault)
    points = [{"x": value} for value in (-3.5, -1.0, 0.5, 2.0, 3.25)]
    assert wrong_at(points, dtype) == [-3.5, 3.25]


@dtypes
def test_an_error_near_zero_alone_is_found_there_alone(
    dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = planted(torch.atan, _only_where(lambda x: x.abs() < 1e-3))
    monkeypatch.setitem(lowering.OPERATIONS, "atan", fault)
    points = [{"x": value} for value in (2.0**-12, -(2.0**-13), 0.5, -2.0)]
    found = wrong_at(points, dtype)
    assert found == pytest.approx([2.0**-12, -(2.0**-13)], rel=1e-6)


def test_an_error_at_one_point_of_a_thousand_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points = [{"x": n / 64} for n in range(1, 1001)]
    fault = planted(torch.atan, _only_where(lambda x: x == 345 / 64))
    monkeypatch.setitem(lowering.OPERATIONS, "atan", fault)
    assert wrong_at(points, "float32") == [345 / 64]


# ── harmless changes ──────────────────────────────────────────────────────────────────

HARMLESS: dict[str, tuple[str, str, Forward, Backward]] = {
    "a square as a product": (
        "x**2 + y", "pow", lambda x, p: x * x, lambda g, x, p: [g * x + x * g, None],
    ),
    "a square's gradient in another order": (
        "square(x) * y", "square", torch.square, lambda g, x: [2 * (g * x)],
    ),
    "a quotient by one division": (
        "x / y", "div", lambda x, y: x / y, lambda g, x, y: [g / y, -(g * x) / (y * y)],
    ),
    "a logarithm by a reciprocal": (
        "log(x) * y", "log", torch.log, lambda g, x: [g * (1 / x)],
    ),
    "a root by its square": (
        "sqrt(x) * y", "sqrt", torch.sqrt, lambda g, x: [g * 0.5 / torch.sqrt(x)],
    ),
    "exp recomputed": (
        "exp(x) * y", "exp", torch.exp, lambda g, x: [torch.exp(x) * g],
    ),
    "a sine shifted in sign": (
        "sin(x) * y", "sin", lambda x: -torch.sin(-x), lambda g, x: [g * torch.cos(-x)],
    ),
    "a maximum by where": (
        "max(x, y)", "max", lambda x, y: torch.where(x > y, x, y),
        lambda g, x, y: [torch.where(x > y, g, 0), torch.where(x > y, 0, g)],
    ),
    "computed in double precision, then rounded": (
        "sin(x) * y", "sin", lambda x: torch.sin(x.double()).to(x.dtype),
        lambda g, x: [(g.double() * torch.cos(x.double())).to(x.dtype)],
    ),
    "a sum the other way round": (
        "x + y", "add", lambda x, y: y + x, lambda g, x, y: [g, g],
    ),
    "a difference as a sum": (
        "x - y", "sub", lambda x, y: x + -y, lambda g, x, y: [g, -g],
    ),
}  # fmt: skip


@dtypes
@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_rewrite_is_not_flagged(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, row, forward, backward = HARMLESS[name]
    monkeypatch.setitem(lowering.OPERATIONS, row, planted(forward, backward))
    points = [{"x": n / 37, "y": (n % 7 + 1) / 11} for n in range(1, 100)]
    result = verified(text, dtype, points)
    assert result.verdict.family == "match", differing(result)


@dtypes
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("x*x", "x**2"),
        ("x + y + z", "z + (y + x)"),
        ("x*(y + z)", "x*y + x*z"),
        ("exp(x)*exp(y)", "exp(x + y)"),
        ("log(x*y)", "log(x) + log(y)"),
        ("(x*x)*(x*x)", "x**4"),
        ("1/sqrt(x)", "rsqrt(x)"),
        ("x/y", "x*reciprocal(y)"),
        ("tanh(x)", "1 - 2/(exp(2*x) + 1)"),
        ("sigmoid(x)", "1/(1 + exp(-x))"),
    ],
)
def test_two_ways_to_write_the_same_are_both_right(
    first: str, second: str, dtype: str
) -> None:
    """At points that are benign for both."""
    names: Mapping[str, float] = {"x": 1.75, "y": 2.25, "z": 0.625}
    for text in (first, second):
        used = {
            name: value
            for name, value in names.items()
            if name in text.replace("exp", "")
        }
        assert verified(text, dtype, [used]).verdict.family == "match", text
