"""What further runs show of a callable: its upstream gradient, batches, what it
changes, and the digits it loses.

Every wrong backward here is right at upstream gradient 1, one point at a time, unless
its line says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from backwards import function, with_forward_mode
from torch import cos, sin, where

import verifier
from verifier.api import Run
from verifier.language.casefile.loading import from_mapping
from verifier.running.plan import plan
from verifier.running.run import execute

Tensor = torch.Tensor
Backward = Callable[..., Any]
DTYPES = ["float16", "bfloat16", "float32", "float64"]


def checked(
    subject: Callable[..., Any], expression: str = "sin(x)", **options: Any
) -> Run:
    usual: dict[str, Any] = {
        "domain": {"x": "[1/8, 11/8]"},
        "points": 12,
        "boundary": False,
        "dtype": "float32",
    }
    return verifier.check(subject, expression=expression, **usual | options)


def of_sine(backward: Backward, **options: Any) -> Run:
    return checked(function(sin, backward), **options)


def verdicts(run: Run) -> set[str]:
    return {result.verdict.value for result in run.results}


def messages(run: Run) -> str:
    told = [c.message or "" for result in run.results for c in result.comparisons]
    return "; ".join([*told, *(result.message or "" for result in run.results)])


# ── the upstream gradient ─────────────────────────────────────────────────────────────

UPSTREAM_FAULTS: dict[str, tuple[Backward, str]] = {
    "ignored": (lambda g, x: cos(x), "wrong"),
    "its size alone": (lambda g, x: g.abs() * cos(x), "wrong"),
    "its sign alone": (lambda g, x: g.sign() * cos(x), "wrong"),
    "squared": (lambda g, x: g * g * cos(x), "wrong"),
    "its root": (lambda g, x: g.abs().sqrt() * g.sign() * cos(x), "wrong"),
    "NaN where negative": (lambda g, x: g.sqrt() * g.sqrt() * cos(x), "nonfinite"),
    "infinite unless 1": (lambda g, x: where(g == 1, g, g / 0) * cos(x), "nonfinite"),
    "clipped to 1": (lambda g, x: g.clamp(-1, 1) * cos(x), "wrong"),
    "clipped to 5": (lambda g, x: g.clamp(-5, 5) * cos(x), "wrong"),
    "clipped to 100": (lambda g, x: g.clamp(-100, 100) * cos(x), "wrong"),
    "clipped above": (lambda g, x: g.clamp(max=2) * cos(x), "wrong"),
    "flushed where small": (lambda g, x: where(g.abs() < 0.02, 0, g) * cos(x), "wrong"),
    "another branch at 0": (lambda g, x: (g + (g == 0)) * cos(x), "wrong"),
    "another branch below 0": (lambda g, x: where(g < 0, 2 * g, g) * cos(x), "wrong"),
    "another branch at 3": (lambda g, x: where(g == 3, 2 * g, g) * cos(x), "wrong"),
    "another branch above 64": (lambda g, x: where(g > 64, 1.5 * g, g) * cos(x), "wrong"),
    "shifted": (lambda g, x: (g + 1e-2 * (g - 1)) * cos(x), "wrong"),
    "through tanh": (lambda g, x: torch.tanh(g) / 0.7615941559557649 * cos(x), "wrong"),
    "rounded to whole numbers": (lambda g, x: g.round() * cos(x), "wrong"),
    "digits lost": (lambda g, x: ((g + 1024) - 1024) * cos(x), "unstable"),
    "missing where negative": (
        lambda g, x: None if g.dim() == 0 and g < 0 else g * cos(x), "missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", UPSTREAM_FAULTS)
def test_a_backward_that_mistakes_its_upstream_gradient_is_found(
    name: str, dtype: str
) -> None:
    backward, kind = UPSTREAM_FAULTS[name]
    if name == "digits lost" and dtype in ("float32", "float64"):
        # Below 2^-43 (g + 1024) - 1024 is 0 in float64 too, which has most digits of
        # all.
        kind = "wrong"
    found = verdicts(of_sine(backward, dtype=dtype, points=24))
    assert found == {f"differ.{kind}"}


@pytest.mark.parametrize(
    "name", ["ignored", "clipped to 5", "another branch at 0", "NaN where negative"]
)
def test_so_it_is_where_it_takes_single_numbers_alone(name: str) -> None:
    backward, kind = UPSTREAM_FAULTS[name]
    run = of_sine(backward, elementwise=False)
    assert verdicts(run) == {f"differ.{kind}"}


def test_a_branch_on_a_single_number_is_found_where_there_are_no_batches() -> None:
    run = of_sine(lambda g, x: g * cos(x) * (2 if g > 4 else 1), elementwise=False)
    assert verdicts(run) == {"differ.wrong"}


def test_a_kink_hides_no_upstream_gradient_that_is_ignored() -> None:
    # At 0 any number of [0, 1] is a gradient of relu; at upstream -2 any of [-2, 0].
    run = checked(
        function(torch.relu, lambda g, x: torch.ones_like(x)),
        "relu(x)",
        domain=None,
        points=None,
        boundary=None,
        at={"x": 0},
    )
    assert "differ.convention" in run.results[0].counts


def test_a_second_derivative_that_ignores_its_upstream_gradient_is_found() -> None:
    deaf = function(lambda x: x**3, lambda g, x: 3 * x**2)
    right = function(lambda x: x**3, lambda g, x: 3 * g * x**2)
    assert verdicts(checked(deaf, "x**3", order=2)) == {"differ.wrong"}
    assert checked(right, "x**3", order=2).ok


def test_an_exception_at_another_upstream_gradient_is_told() -> None:
    def backward(g: Tensor, x: Tensor) -> Tensor:
        assert (g == 1).all(), "only losses"
        return g * cos(x)

    run = of_sine(backward)
    assert verdicts(run) == {"error.run"}
    assert "at another upstream gradient: AssertionError: only losses" in messages(run)


# ── batches ───────────────────────────────────────────────────────────────────────────

MIXING: dict[str, Backward] = {
    "mean of the upstream": lambda g, x: g.mean() * cos(x),
    "cosine of the first": lambda g, x: g * cos(x.flatten()[0]),
    "flipped": lambda g, x: (g * cos(x)).flip(0) if g.dim() else g * cos(x),
    "rolled": lambda g, x: g.roll(1) * cos(x) if g.dim() else g * cos(x),
    "sorted": lambda g, x: g * cos(x.flatten().sort()[0].reshape(x.shape)),
    "summed up": lambda g, x: (g * cos(x)).cumsum(-1) if g.dim() else g * cos(x),
    "largest upstream": lambda g, x: g.max() * cos(x),
    "a share of the mean": lambda g, x: (g + 0.01 * (g.mean() - g)) * cos(x),
    "one row for all": lambda g, x: g[..., :1, :] * cos(x) if g.dim() > 1 else g * cos(x),
    "scaled to the largest": lambda g, x: g * cos(x) * (x.max() / x.max().clamp(max=x.flatten()[0])),
}  # fmt: skip


@pytest.mark.parametrize("name", MIXING)
def test_a_backward_that_mixes_elements_is_found(name: str) -> None:
    run = of_sine(MIXING[name])
    assert verdicts(run) == {"differ.wrong"}
    assert "the gradient at one element depends on others" in messages(run)
    assert of_sine(MIXING[name], elementwise=False).ok


def test_a_forward_that_mixes_elements_is_found() -> None:
    run = checked(lambda x: sin(x) + (x - x.mean()))
    assert verdicts(run) == {"differ.wrong"}
    assert "the value at one element depends on others" in messages(run)


def test_a_kernel_for_many_numbers_that_is_wrong_mixes_nothing() -> None:
    run = of_sine(lambda g, x: g * cos(x) * (2 if x.dim() else 1))
    assert verdicts(run) == {"differ.wrong"}
    assert "the gradient in one tensor is another than that of a single" in messages(
        run
    )
    assert "depends" not in messages(run)


def _as_it_lies(g: Tensor, x: Tensor) -> Tensor:
    """As a kernel that walks through memory from the first element."""
    walked = torch.as_strided(g, g.shape, x.contiguous().stride()) if g.dim() else g
    return walked * cos(x)


def test_a_kernel_that_is_deaf_to_strides_is_found() -> None:
    assert verdicts(of_sine(_as_it_lies)) <= {"differ.wrong", "differ.nonfinite"}


def test_a_backward_of_another_shape_in_a_batch_is_wrong() -> None:
    run = of_sine(lambda g, x: (g * cos(x)).sum())
    assert verdicts(run) == {"differ.wrong"}
    assert (
        "returned a gradient at place 0 of shape [] for an input of shape [12]"
        in messages(run)
    )


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (lambda x: sin(x) if x > 0 else x, "RuntimeError: Boolean value of Tensor"),
        (lambda x: torch.stack([sin(x)]).sum(), "found float32 of shape []"),
        (lambda x: sin(x.reshape(1)), "RuntimeError: shape '[1]' is invalid"),
    ],
)
def test_what_takes_no_batch_is_told_to_say_so(subject: Any, told: str) -> None:
    run = checked(subject)
    assert verdicts(run) == {"error.run"}
    assert told in messages(run)
    assert "`elementwise = false`" in messages(run)
    assert checked(subject, elementwise=False).ok


def test_a_single_point_asks_for_no_batch() -> None:
    run = verifier.check(
        lambda x: torch.stack([sin(x)]).sum(), 0.5, expression="sin(x)"
    )
    assert run.ok


def test_a_single_point_is_given_in_copies_to_what_takes_them() -> None:
    run = verifier.check(
        function(sin, lambda g, x: g.mean() * cos(x)), 0.5, expression="sin(x)"
    )
    assert verdicts(run) == {"differ.wrong"}


# ── what is changed, random or missing ────────────────────────────────────────────────


def _doubled(g: Tensor, x: Tensor) -> Tensor:
    found = g * cos(x)
    g.mul_(2)
    return found


def _input_changed(g: Tensor, x: Tensor) -> Tensor:
    found = g * cos(x)
    x.data.add_(1)
    return found


MUTATING: dict[str, Callable[..., Tensor]] = {
    "upstream doubled": function(sin, _doubled),
    "upstream used as a buffer": function(sin, lambda g, x: g.mul_(cos(x))),
    "upstream by its data": function(sin, lambda g, x: (g * cos(x), g.data.zero_())[0]),
    "input by the backward": function(sin, _input_changed),
    "input by the forward": function(lambda x: (sin(x), x.neg_())[0], lambda g, x: g * cos(-x)),
    "input, to a number that compares equal": lambda x: (sin(x), x.data.copy_(x.data * 1.5))[0],
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATING)
def test_what_is_changed_in_place_is_told(name: str) -> None:
    run = checked(MUTATING[name])
    assert "differ.mutated" in run.results[0].counts
    assert "was changed in place by the" in messages(run)


def test_an_output_that_the_backward_changes_is_told() -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            output = x * x
            ctx.output = output
            ctx.save_for_backward(x)
            return output

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            ctx.output.data.mul_(3)
            return 2 * x * grad

    run = checked(Square.apply, "x*x")
    assert verdicts(run) == {"differ.mutated"}
    assert "the output was changed in place by the backward" in messages(run)


def test_a_zero_that_loses_its_sign_has_changed() -> None:
    def forward(x: Tensor) -> Tensor:
        found = x * 1
        x.abs_()
        return found

    run = verifier.check(
        function(forward, lambda g, x: g * 1), -0.0, expression="x", dtype="float32"
    )
    assert verdicts(run) == {"differ.mutated"}


class Counting(torch.autograd.Function):
    """Right the first time that its graph is walked, and doubled from then on."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.walks = 0
        return sin(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        ctx.walks += 1
        return grad * cos(x) * ctx.walks


class Once(torch.autograd.Function):
    """Lets go of what it saved."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.slope = cos(x)
        return sin(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        slope, ctx.slope = ctx.slope, None
        return grad * slope


def _shaken(x: Tensor) -> Tensor:
    return sin(x) * (1 + 1e-6 * torch.rand_like(x))


UNSTEADY: dict[str, tuple[Callable[..., Any], str]] = {
    "a second backward is doubled": (Counting.apply, "second backward"),
    "a second backward raises": (Once.apply, "second backward"),
    "a random backward": (
        function(sin, lambda g, x: g * cos(x) * (1 + 1e-3 * torch.rand_like(x))),
        "gives",
    ),
    "a random forward": (_shaken, "a second run on the same numbers gives"),
    "random digits within the tolerance": (
        function(sin, lambda g, x: g * cos(x) * (1 + 2e-7 * torch.rand_like(x))),
        "gives",
    ),
    "numbers that are left out at random": (
        lambda x: torch.nn.functional.dropout(sin(x), 0.5),
        "gives",
    ),
    "noise that is added": (lambda x: sin(x) + torch.randn_like(x), "gives"),
}


@pytest.mark.parametrize("name", UNSTEADY)
def test_what_is_not_the_same_twice_is_told(name: str) -> None:
    subject, told = UNSTEADY[name]
    run = checked(subject)
    assert verdicts(run) == {"differ.nondeterministic"}
    assert told in messages(run)
    rows = run.results[0].comparisons
    unsteady = [row for row in rows if row.verdict.family == "differ"]
    assert all(row.message for row in unsteady)
    assert "as far as points were drawn" not in messages(run)


def test_none_is_missing_where_the_derivative_is_not_zero() -> None:
    two = {"x": "[1, 2]", "y": "[1, 2]"}
    half = function(lambda x, y: x * y, lambda g, x, y: (g * y, None))
    run = checked(half, "x*y", domain=two, inputs=["x", "y"])
    assert verdicts(run) == {"differ.missing"}
    assert "`None` was returned, where the derivative is not zero" in messages(run)
    deaf = function(lambda x, y: x * 1, lambda g, x, y: (g * 1, None))
    assert checked(deaf, "x + 0*y", domain=two, inputs=["x", "y"]).ok


# ── dtypes and digits ─────────────────────────────────────────────────────────────────

DIGITS: dict[str, tuple[str, str, Callable[[Tensor], Tensor]]] = {
    "logsigmoid through 1 - sigmoid": (
        "-log1p(exp(-x))", "[2, 12]",
        function(
            torch.nn.functional.logsigmoid, lambda g, x: g * (1 - torch.sigmoid(x))
        ),
    ),
    "expm1 as a difference": (
        "expm1(x)", "[1e-4, 1e-2]", function(lambda x: torch.exp(x) - 1, lambda g, x: g * torch.exp(x)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIGITS)
def test_right_mathematics_that_loses_digits_is_unstable(name: str) -> None:
    expression, domain, subject = DIGITS[name]
    run = checked(subject, expression, domain={"x": domain}, points=24)
    assert verdicts(run) == {"differ.unstable"}
    assert "the subject loses digits in float32: in float64 it is right" in messages(
        run
    )


def _swish_gradient(g: Tensor, x: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    s = torch.sigmoid(b * x)
    return g * (s + b * x * s * (1 - s)), g * x * x * s * (1 - s)


def test_a_parameter_of_swish_through_s_times_1_minus_s_is_unstable() -> None:
    run = checked(
        function(lambda x, b: x * torch.sigmoid(b * x), _swish_gradient),
        "x/(1 + exp(-b*x))",
        domain={"x": "[3, 6]", "b": "[1, 2]"},
        inputs=["x", "b"],
    )
    assert verdicts(run) == {"differ.unstable"}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_wrong_mathematics_is_wrong_in_every_dtype(dtype: str) -> None:
    run = checked(
        function(torch.nn.functional.logsigmoid, lambda g, x: g * (1.05 - torch.sigmoid(x))),
        "-log1p(exp(-x))",
        domain={"x": "[2, 12]"},
        dtype=dtype,
    )  # fmt: skip
    assert verdicts(run) == {"differ.wrong"}


def test_a_subject_that_overflows_on_the_way_leaves_the_range() -> None:
    run = checked(
        function(lambda x: x.clone(), lambda g, x: g * 4096 * 4096 / (4096 * 4096)),
        "x",
        dtype="float16",
    )
    assert verdicts(run) == {"differ.range"}


# ── right ones ────────────────────────────────────────────────────────────────────────


def in_float32(
    forward: Callable[..., Tensor], backward: Callable[..., Tensor]
) -> Callable[..., Any]:
    """A kernel that computes in float32 and rounds once."""
    wide = torch.float64

    def narrow(of: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def run(*tensors: Tensor) -> Tensor:
            dtype = tensors[-1].dtype
            inner = wide if dtype == wide else torch.float32
            return of(*(one.to(inner) for one in tensors)).to(dtype)

        return run

    return function(narrow(forward), narrow(backward))


def _own_buffer(g: Tensor, x: Tensor) -> Tensor:
    buffer = torch.empty_like(x)
    buffer.copy_(x).cos_().mul_(g)
    return buffer


class SavedOutput(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        output = torch.exp(x)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * ctx.saved_tensors[0]


def _flat(g: Tensor, x: Tensor) -> Tensor:
    return (g.reshape(-1) * cos(x.reshape(-1))).reshape(x.shape)


RIGHT: dict[str, tuple[str, Callable[..., Any]]] = {
    "as it is written": ("sin(x)", function(sin, lambda g, x: g * cos(x))),
    "the other way round": ("sin(x)", function(sin, lambda g, x: cos(x) * g)),
    "in float32": ("sin(x)", in_float32(sin, lambda g, x: g * cos(x))),
    "on an own buffer": ("sin(x)", function(sin, _own_buffer)),
    "in a loop of its own": ("sin(x)", function(sin, _flat)),
    "of contiguous copies": (
        "sin(x)", function(sin, lambda g, x: g.contiguous() * cos(x.contiguous())),
    ),
    "with a saved output": ("exp(x)", SavedOutput.apply),
    "with where": (
        "relu(x - 1)", function(lambda x: torch.relu(x - 1), lambda g, x: where(x > 1, g, 0)),
    ),
    "with a mask that multiplies": (
        "relu(x - 1)", function(lambda x: torch.relu(x - 1), lambda g, x: g * (x > 1)),
    ),
    "with masked_fill": (
        "relu(x - 1)", function(lambda x: torch.relu(x - 1), lambda g, x: g.masked_fill(x <= 1, 0)),
    ),
    "tanh, kept in float32": (
        "tanh(x)", in_float32(torch.tanh, lambda g, x: g / torch.cosh(x) ** 2),
    ),
    "silu, kept in float32": (
        "x/(1 + exp(-x))",
        in_float32(
            lambda x: x * torch.sigmoid(x),
            lambda g, x: g * torch.sigmoid(x) * (1 + x * torch.sigmoid(-x)),
        ),
    ),
    "gelu, kept in float32": (
        "x*erfc(-x/sqrt(2))/2",
        in_float32(
            lambda x: x * torch.special.ndtr(x),
            lambda g, x: g * (torch.special.ndtr(x) + x * torch.exp(-x * x / 2) / 2.5066282746310002),
        ),
    ),
    "softplus": ("log1p(exp(x))", in_float32(torch.nn.functional.softplus, lambda g, x: g * torch.sigmoid(x))),
    "PyTorch's silu": ("x/(1 + exp(-x))", torch.nn.functional.silu),
    "PyTorch's gelu": ("gelu(x)", torch.nn.functional.gelu),
    "PyTorch's tanh": ("tanh(x)", torch.tanh),
    "a square by two factors": ("x*x", function(lambda x: x * x, lambda g, x: g * x + x * g)),
    "a constant factor": ("3*x", function(lambda x: 3 * x, lambda g, x: 3 * g)),
    "a view of its upstream": ("x + 1", function(lambda x: x + 1, lambda g, x: g)),
    "a view of its input": ("x", lambda x: x.view_as(x)),
    "in place on its own": ("sin(x) + 1", lambda x: sin(x).add_(1)),
    "through a list": ("sin(x)", lambda x: [sin(x)][0]),
    "a gradient of more digits": ("sin(x)", function(sin, lambda g, x: g.double() * cos(x.double()))),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_backward_is_accused_of_nothing(name: str, dtype: str) -> None:
    expression, subject = RIGHT[name]
    run = checked(subject, expression, dtype=dtype)
    assert run.ok, run


@pytest.mark.parametrize("route", ["func", "forward", "vmap", "compile-aot_eager"])
def test_routes_of_a_composed_callable_match(route: str) -> None:
    run = checked(lambda x: sin(x) * x, "sin(x)*x", routes=route)
    assert run.ok, run


def test_what_takes_single_numbers_alone_matches_when_it_says_so() -> None:
    def horner(x: Tensor) -> Tensor:
        total = x * 0
        for coefficient in (1.0, -2.0, 3.0):
            total = total * x + coefficient if bool(x > 0) else total
        return total

    run = checked(horner, "x*x - 2*x + 3", elementwise=False, dtype=DTYPES)
    assert run.ok, run


def test_an_input_that_needs_no_gradient_may_get_none() -> None:
    masked = function(lambda x, m: x * m, lambda g, x, m: (g * m, None))
    run = checked(
        masked,
        "x*m",
        domain={"x": "[1, 2]", "m": "[1, 2]"},
        inputs=["x", "m"],
        wrt=["x"],
        dtype=DTYPES,
    )
    assert run.ok, run


# ── wider outputs ─────────────────────────────────────────────────────────────────────


def _loss(x: Tensor) -> Tensor:
    return (x.float() - 1).square() / 3


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("points", [12, 2_200])
def test_a_value_is_judged_in_the_dtype_in_which_it_comes(
    dtype: str, points: int
) -> None:
    run = checked(_loss, "(x - 1)**2/3", dtype=dtype, points=points)
    assert run.ok, run
    coarse = checked(
        lambda x: _loss(x) * (1 + 1e-4), "(x - 1)**2/3", dtype=dtype, points=12
    )
    (result,) = coarse.results
    found = {(c.quantity, c.verdict.value) for c in result.comparisons}
    assert ("value", "differ.wrong") in found
    assert ("gradient", "differ.wrong") not in found


def test_a_value_that_was_only_cast_has_lost_its_digits() -> None:
    run = checked(lambda x: (x / 3).float(), "x/3", dtype="bfloat16")
    (result,) = run.results
    assert result.verdict.value == "differ.unstable"


def test_a_narrower_output_takes_an_upstream_gradient_of_its_own_dtype() -> None:
    run = checked(
        lambda x: sin(x).bfloat16(), dtype="float32", upstream="1/3", points=12
    )
    gradients = [c for c in run.results[0].comparisons if c.quantity == "gradient"]
    assert all(c.verdict.family == "match" for c in gradients), run


# ── whose mistake ─────────────────────────────────────────────────────────────────────


def _raises(error: Exception) -> Callable[..., Tensor]:
    def subject(x: Tensor) -> Tensor:
        raise error

    return subject


USERS: dict[str, Callable[..., Any]] = {
    "a shape in the forward": lambda x: sin(x) * torch.ones(3) @ torch.ones(2),
    "a shape in the backward": function(sin, lambda g, x: g * cos(x) + torch.ones(2) @ torch.ones(3)),
    "a key": _raises(KeyError("gamma")),
    "a type": lambda x: sin(x) + "1",
    "an attribute": function(sin, lambda g, x: g.nothing),
    "a RuntimeError by hand": _raises(RuntimeError("no kernel")),
    "a NotImplementedError by hand": _raises(NotImplementedError("float32 only")),
    "an assertion in the backward": function(sin, lambda g, x: _raises(AssertionError("no"))(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", USERS)
def test_a_mistake_of_the_callable_is_told_as_such(name: str) -> None:
    run = checked(USERS[name])
    assert verdicts(run) == {"error.run"}
    assert "raised by the subject itself" in messages(run)


def _leaf(x: Tensor) -> Tensor:
    return x.add_(1)


PYTORCHS: dict[str, Callable[..., Any]] = {
    "no derivative": lambda x: torch.igamma(x, x),
    "nothing that needs a gradient": lambda x: sin(x.detach()),
    "a leaf in place": _leaf,
}


@pytest.mark.parametrize("name", PYTORCHS)
def test_what_pytorch_cannot_differentiate_stays_unsupported(name: str) -> None:
    assert verdicts(checked(PYTORCHS[name])) == {"differ.unsupported"}


def test_a_gradient_of_another_shape_or_dtype_is_told() -> None:
    refused = of_sine(lambda g, x: torch.stack([g * cos(x)] * 2).reshape(2, -1)[:, :0])
    assert verdicts(refused) == {"differ.wrong"}
    assert "of shape [2, 0] for an input of shape []" in messages(refused)
    cast = of_sine(lambda g, x: (g * cos(x)).double())
    assert cast.ok
    assert "a gradient at place 0 of float64 for an input of float32" in messages(cast)


# ── forward mode ──────────────────────────────────────────────────────────────────────


def with_jvp(jvp: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """sin with a forward mode of its own, of the tangent and the input."""
    return with_forward_mode(sin, lambda g, x: g * cos(x).conj(), jvp)


JVPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "ignored": lambda t, x: cos(x),
    "its mean": lambda t, x: t.mean() * cos(x),
    "clipped": lambda t, x: t.clamp(-5, 5) * cos(x),
    "of the first": lambda t, x: t * cos(x.flatten()[0]),
}


@pytest.mark.parametrize("name", JVPS)
def test_a_forward_mode_that_mistakes_its_tangent_is_found(name: str) -> None:
    run = checked(with_jvp(JVPS[name]), routes="forward")
    assert verdicts(run) == {"differ.wrong"}


@pytest.mark.parametrize("dtype", [*DTYPES, "complex64"])
def test_a_right_forward_mode_matches(dtype: str) -> None:
    run = checked(with_jvp(lambda t, x: t * cos(x)), routes="forward", dtype=dtype)
    assert run.ok, run
    wrong = checked(
        with_jvp(lambda t, x: t.conj() * cos(x)), routes="forward", dtype=dtype
    )
    assert wrong.ok is not dtype.startswith("complex")


# ── layouts ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("layout", ["single", "strided", "expanded"])
def test_a_layout_is_that_of_the_first_run_of_a_callable(layout: str) -> None:
    seen: list[tuple[int, ...]] = []

    def subject(x: Tensor) -> Tensor:
        seen.append(tuple(x.stride()) if x.dim() else ())
        return sin(x)

    case = from_mapping(
        {
            "name": "n",
            "expression": "sin(x)",
            "at": [{"x": 0.5}] * 3,
            "dtype": "float32",
        }
    )
    (task,) = plan([case], layout=layout)
    result = execute([replace(task, function=subject)]).results[0]
    assert result.verdict.family == "match"
    assert seen[0] == {"single": (), "strided": (2,), "expanded": (0,)}[layout]


def test_a_layout_of_many_points_is_refused_by_what_takes_single_numbers_alone() -> (
    None
):
    case = from_mapping(
        {"name": "n", "expression": "sin(x)", "at": {"x": 0.5}, "elementwise": False}
    )
    tasks = plan([case], layout="strided", dtypes=["float32"])
    result = execute([replace(tasks[0], function=sin)]).results[0]
    assert result.verdict.value == "error.run"
    assert "found one with `elementwise = false`" in (result.message or "")


# ── complex ───────────────────────────────────────────────────────────────────────────

Z = {"z": "[1/2, 2] + [-1, 1]j"}


def of_exponential(backward: Backward, **options: Any) -> Run:
    usual: dict[str, Any] = {
        "domain": Z, "boundary": None, "dtype": "complex64", "points": 8,
    }  # fmt: skip
    return checked(function(torch.exp, backward), "exp(z)", **usual | options)


def _slope(z: Tensor) -> Tensor:
    return torch.exp(z).conj()


COMPLEX_FAULTS: dict[str, tuple[Backward, str]] = {
    "ignored": (lambda g, z: _slope(z), "wrong"),
    "its real part": (lambda g, z: g.real * _slope(z), "wrong"),
    "its modulus": (lambda g, z: g.abs() * _slope(z), "wrong"),
    "its conjugate": (lambda g, z: g.conj() * _slope(z), "wrong"),
    "clipped to 5": (lambda g, z: g / (g.abs() / 5).clamp(min=1) * _slope(z), "wrong"),
    "another branch at 0": (lambda g, z: (g + (g == 0)) * _slope(z), "wrong"),
    "NaN off the real axis": (lambda g, z: where(g.imag == 0, g, g / 0) * _slope(z), "nonfinite"),
    "mixed": (lambda g, z: g.mean() * _slope(z), "wrong"),
    "of the first": (lambda g, z: g * _slope(z.flatten()[0]), "wrong"),
    "upstream doubled": (lambda g, z: (g * _slope(z), g.mul_(2))[0], "mutated"),
    "input shifted": (lambda g, z: (g * _slope(z), z.data.add_(1))[0], "mutated"),
    "random": (lambda g, z: g * _slope(z) * (1 + 1e-3 * torch.rand_like(z.real)), "nondeterministic"),
    "missing": (lambda g, z: None, "missing"),
    "no conjugate": (lambda g, z: g * torch.exp(z + 0.5j), "wrong"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX_FAULTS)
def test_a_complex_fault_is_found(name: str, dtype: str) -> None:
    backward, kind = COMPLEX_FAULTS[name]
    run = of_exponential(backward, dtype=dtype)
    assert f"differ.{kind}" in verdicts(run), run


def test_a_complex_input_that_the_forward_changes_is_told() -> None:
    changing = function(
        lambda z: (torch.exp(z), z.data.mul_(2))[0], lambda g, z: g * torch.exp(z / 2).conj()
    )  # fmt: skip
    run = checked(changing, "exp(z)", domain=Z, boundary=None, dtype="complex64")
    assert verdicts(run) == {"differ.mutated"}


def test_a_change_in_place_that_is_accepted_hides_nothing_else() -> None:
    """Right at the upstream gradient 1, of either sign alike at any other; and its
    upstream gradient is doubled."""
    faulty = function(
        torch.sin, lambda g, x: (g.abs() * torch.cos(x), g.mul_(2))[0]
    )  # fmt: skip
    run = checked(faulty, "sin(x)", accept="mutated", dtype="float32")
    assert verdicts(run) == {"differ.wrong"}
    assert not run.ok


COMPLEX_RIGHT: dict[str, tuple[str, Callable[..., Any]]] = {
    "as it is written": ("exp(z)", function(torch.exp, lambda g, z: g * _slope(z))),
    "PyTorch's exp": ("exp(z)", torch.exp),
    "a square": ("z*z", function(lambda z: z * z, lambda g, z: 2 * g * z.conj())),
    "on an own buffer": (
        "exp(z)", function(torch.exp, lambda g, z: torch.empty_like(z).copy_(z).exp_().conj().resolve_conj().mul_(g)),
    ),
    "PyTorch's sine": ("sin(z)", torch.sin),
    "composed": ("sin(z)*z", lambda z: torch.sin(z) * z),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("name", COMPLEX_RIGHT)
def test_a_right_complex_backward_is_accused_of_nothing(name: str, dtype: str) -> None:
    expression, subject = COMPLEX_RIGHT[name]
    run = checked(subject, expression, domain=Z, boundary=None, dtype=dtype)
    assert run.ok, run


def test_a_complex_callable_that_takes_no_batch_is_told_to_say_so() -> None:
    def subject(z: Tensor) -> Tensor:
        return torch.stack([torch.exp(z)]).sum()

    options: dict[str, Any] = {"domain": Z, "boundary": None, "dtype": "complex64"}
    run = checked(subject, "exp(z)", **options)
    assert verdicts(run) == {"error.run"}
    assert "`elementwise = false`" in messages(run)
    assert checked(subject, "exp(z)", elementwise=False, **options).ok
