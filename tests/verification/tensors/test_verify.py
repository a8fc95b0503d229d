"""Tensors end to end: right functions pass, and each planted fault gets its verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.gradcheck import GradcheckError
from torch.nn import functional

import verifier
from verifier.errors import ArgumentError, UsageError
from verifier.records import Result, Verdict

Tensor = torch.Tensor


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def one(run: verifier.Run) -> Result:
    (result,) = run.results
    return result


def verdicts(result: Result, quantity: str, name: str = "x") -> set[str]:
    """Those of a quantity that are no match."""
    return {
        verdict
        for tally in result.quantities
        if tally.quantity == quantity and (not tally.wrt or name in tally.wrt)
        for verdict in tally.counts
        if not verdict.startswith("match")
    }


class Product(torch.autograd.Function):
    """sin(x) · w with w along the rows; the backward does what `faulty` says."""

    faulty = ""
    calls = 0

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return x.sin() * w

    @classmethod
    def backward(cls, ctx: Any, *grads: Tensor) -> Any:
        (x, w), (g,) = ctx.saved_tensors, grads
        match cls.faulty:
            case "scale":
                return 1.001 * g * x.cos() * w, (g * x.sin()).sum(0)
            case "ignored":
                return x.cos() * w, x.sin().sum(0)
            case "missing":
                return g * x.cos() * w, None
            case "mutated":
                return g.mul_(w) * x.cos(), (g / w * x.sin()).sum(0)
            case "tail":
                right = g * x.cos() * w
                return torch.where(x.abs() > 5, 0, right), (g * x.sin()).sum(0)
            case "state":
                cls.calls += 1
                factor = 1 if cls.calls == 1 else 2
                return g * x.cos() * w * factor, (g * x.sin()).sum(0)
            case "one row":
                return g * x.cos() * w, (g * x.sin())[:6].sum(0)
            case "caller":
                names = {frame.function for frame in inspect.stack()}
                factor = 1 if "record" in names else 1.5
                return factor * g * x.cos() * w, (g * x.sin()).sum(0)
        return g * x.cos() * w, (g * x.sin()).sum(0)


def product(how: str = "") -> Callable[..., Any]:
    kind = type("Product", (Product,), {"faulty": how, "calls": 0})
    return kind.apply  # type: ignore[attr-defined, no-any-return]


def plain(x: Tensor, w: Tensor) -> Tensor:
    return torch.sin(x) * w


GIVEN = (numbers(4, 3), 1 + numbers(3, seed=1).abs())


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_a_right_backward_matches(dtype: str) -> None:
    run = verifier.check(product(), *GIVEN, dtype=dtype)
    assert run, run


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (nn.Linear(4, 3), (numbers(5, 4),)),
        (nn.LayerNorm(4), (numbers(5, 4),)),
        (nn.GELU(), (numbers(5, 4),)),
        (nn.Dropout(0.5), (numbers(5, 4),)),
        (nn.CrossEntropyLoss(), (numbers(5, 4), torch.tensor([0, 3, 1, 2, 2]))),
        (functional.softmax, (numbers(5, 4), -1)),
        (torch.matmul, (numbers(5, 4), numbers(4, 3))),
    ],
)
def test_pytorchs_own_match_in_float32(module: Any, arguments: tuple[Any, ...]) -> None:
    run = verifier.check(module, *arguments)
    assert run, run


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_scale_is_proved_wrong_though_the_dtype_hides_it(dtype: str) -> None:
    result = one(verifier.check(product("scale"), *GIVEN, dtype=dtype))
    assert verdicts(result, "formula") == {"differ.wrong"}
    worst = next(c for c in result.comparisons if c.quantity == "formula")
    assert worst.message is not None
    assert "recorded / true = 1.001" in worst.message


@pytest.mark.parametrize(
    ("how", "quantity", "name", "verdict"),
    [
        ("ignored", "gradient", "x", "differ.wrong"),
        ("missing", "gradient", "w", "differ.missing"),
        ("mutated", "gradient", "x", "differ.mutated"),
        ("tail", "gradient", "x", "differ.wrong"),
        ("state", "gradient", "x", "differ.nondeterministic"),
        ("caller", "gradient", "x", "differ.wrong"),
    ],
)
def test_a_fault_gets_its_verdict(
    how: str, quantity: str, name: str, verdict: str
) -> None:
    given = [tensor.clone().requires_grad_() for tensor in GIVEN]
    result = one(verifier.check(product(how), *given))
    assert verdict in verdicts(result, quantity, name)
    assert not result.as_expected


def test_many_rows_show_what_few_hide() -> None:
    run = verifier.check(product("one row"), *GIVEN, dtype="bfloat16")
    found = [c for c in one(run).comparisons if c.verdict is Verdict.DIFFER_WRONG]
    assert {c.point.get("rows") for c in found if c.wrt == ("w",)} == {"37", "300"}


def test_layer_norms_bias_stagnates_in_bfloat16() -> None:
    # 256 in the place of 300: a sum in bfloat16, which PyTorch's own kernel makes.
    run = verifier.check(nn.LayerNorm(8), numbers(4, 8), dtype="bfloat16")
    worst = [c for c in one(run).comparisons if c.wrt == ("bias",)]
    assert any(c.measured == "256.0" and c.true == "300" for c in worst)


def test_a_reference_says_what_is_true() -> None:
    def other(x: Tensor, w: Tensor) -> Tensor:
        return torch.cos(x) * w

    assert verifier.check(product(), *GIVEN, reference=plain)
    result = one(verifier.check(product(), *GIVEN, reference=other))
    assert verdicts(result, "value") == {"differ.wrong"}
    assert verdicts(result, "formula") == {"differ.wrong"}


def test_an_expression_says_what_is_true() -> None:
    run = verifier.check(torch.sin, numbers(3, 2), expression="sin(x)")
    assert run, run
    run = verifier.check(torch.sin, numbers(3, 2), expression="x - x**3/6")
    assert verdicts(one(run), "gradient") == {"differ.wrong"}


class Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grads[0] / (1 + (torch.pi * x) ** 2)


SURROGATE = {"x": "1/(1 + (pi*x)**2)"}


def test_a_backward_that_is_meant_to_differ_is_stated() -> None:
    fire = Fire.apply
    assert not verifier.check(fire, numbers(9))
    run = verifier.check(fire, numbers(9), gradient=SURROGATE)
    assert run, run
    assert not verifier.check(fire, numbers(9), gradient={"x": "1/(1 + (3*x)**2)"})

    def backward(upstream: Tensor, x: Tensor) -> Tensor:
        return upstream / (1 + (torch.pi * x) ** 2)

    assert verifier.check(fire, numbers(9), gradient=backward)
    run = verifier.check(
        fire,
        expression="where(x > 0, 1, 0)",
        gradient=SURROGATE,
        domain={"x": (-3, 3)},
        dtype="float32",
    )
    assert run, run


def test_tensors_may_be_nested_and_parameters_have_names() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lin = nn.Linear(3, 2)

        def forward(self, batch: dict[str, Any], scale: float) -> dict[str, Tensor]:
            return {"out": self.lin(batch["x"][0]) * scale, "n": batch["n"]}

    batch = {"x": [numbers(4, 3)], "n": torch.tensor(3)}
    run = verifier.check(Net(), batch, 2.5)
    assert run, run
    names = {name for tally in one(run).quantities for name in tally.wrt}
    assert names >= {"batch.x[0]", "lin.weight", "lin.bias"}


def test_dtypes_are_cast_or_stay() -> None:
    run = verifier.check(torch.sin, numbers(4), dtype=["float16", torch.float64])
    assert [result.dtype for result in run.results] == ["float16", "float64"]
    assert one(verifier.check(torch.sin, numbers(4).bfloat16())).dtype == "bfloat16"


def test_an_upstream_gradient_may_be_given() -> None:
    x = numbers(4, 2)
    run = verifier.check(torch.sin, x, upstream=numbers(4, 2, seed=3))
    assert run, run
    assert {c.upstream for c in one(run).comparisons} == {"given"}
    words = verifier.check(torch.sin, x, upstream=["ones", "zeros"])
    assert {c.upstream for c in one(words).comparisons} <= {"ones", "zeros"}


def test_a_hessian_is_verified() -> None:
    run = verifier.check(lambda x: x.sin() * x, numbers(4), order=2, dtype="float64")
    assert run, run
    assert {tally.quantity for tally in one(run).quantities} >= {"hessian", "gradient"}


class OnTheSimplex(torch.autograd.Function):
    """The nearest point of the simplex, by bisection; the backward is its limit's: on
    the support the upstream gradient less its mean (Martins & Astudillo 2016)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        low = x.amax(-1, keepdim=True) - 1
        width = torch.ones_like(low)
        for _ in range(30):
            width = width / 2
            sums = torch.relu(x - low - width).sum(-1, keepdim=True)
            low = torch.where(sums >= 1, low + width, low)
        found = torch.relu(x - low - width)
        found = found / found.sum(-1, keepdim=True)
        ctx.save_for_backward(found)
        return found

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:
        (found,) = ctx.saved_tensors
        on = found > 0
        mean = (upstream * on).sum(-1, keepdim=True) / on.sum(-1, keepdim=True)
        return torch.where(on, upstream - mean, 0.0)


def test_an_iteration_asks_for_a_reference_and_is_called_wrong_by_no_statistic() -> (
    None
):
    x = torch.randn(4, 7, generator=torch.Generator().manual_seed(1)).requires_grad_()
    run = verifier.check(OnTheSimplex.apply, x, widen=(1,), upstream="random")
    (result,) = run.results
    assert result.verdict is Verdict.UNDECIDED_ORACLE
    assert "`reference=`" in str(result.comparisons)


def test_what_an_input_refuses_of_another_is_left_out() -> None:
    def function(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        if (scale <= 0).any():
            raise ValueError("expected positive scales")
        return x / scale

    x = torch.tensor([0.7, -1.3]).requires_grad_()
    scale = torch.tensor([0.9, 1.7]).requires_grad_()
    run = verifier.check(function, x, scale, widen=(1,), upstream="random")
    assert run.ok, run
    assert any("positive scales" in note for note in run.results[0].notes)


def test_a_masked_root_gives_nan_where_the_truth_is_zero() -> None:
    # PyTorch's own: 0 · ∞ in the branch that is not taken.
    x = torch.tensor([1.5, -2.0, 0.25])
    result = one(verifier.check(lambda x: torch.where(x > 0, x.sqrt(), 0), x))
    assert verdicts(result, "gradient") == {"differ.nonfinite"}
    kept = torch.where(x > 0, x, 1.0)
    assert verifier.check(lambda x: x.sqrt(), kept)


def test_saturation_is_rounding() -> None:
    # 1 − tanh², of a tanh that rounds to 1: 0 in the place of 3e-17.
    x = torch.tensor([19.0, -20.0, 0.5])
    for dtype in ("bfloat16", "float32", "float64"):
        run = verifier.check(torch.tanh, x, dtype=dtype, widen=1)
        assert run, run


def test_what_nobody_asked_for_may_be_none() -> None:
    run = verifier.check(product("missing"), *GIVEN)
    assert run, run
    assert "no gradient was asked of `w`, and none is returned" in one(run).notes
    assert not verifier.check(product("missing"), *GIVEN, wrt=["x", "w"])


def test_a_batch_norm_keeps_its_state() -> None:
    layer = nn.BatchNorm1d(3)
    before = {name: t.clone() for name, t in layer.state_dict().items()}
    run = verifier.check(layer, numbers(6, 3))
    assert not verdicts(one(run), "gradient", "input")
    assert all(torch.equal(before[n], t) for n, t in layer.state_dict().items())


def test_gradcheck_has_pytorchs_call() -> None:
    x = numbers(4, 3).requires_grad_()
    assert verifier.gradcheck(torch.sin, (x,), eps=1e-3, atol=1e-2, fast_mode=True)
    given = [tensor.clone().requires_grad_() for tensor in GIVEN]
    with pytest.raises(GradcheckError, match=r"differ\.wrong"):
        verifier.gradcheck(product("scale"), given)
    assert verifier.gradcheck(product("scale"), given, raise_exception=False) is False
    with pytest.raises(ValueError, match="at least one input tensor"):
        verifier.gradcheck(torch.sin, numbers(3))


def test_gradcheck_takes_every_keyword_of_pytorchs() -> None:
    theirs = inspect.signature(torch.autograd.gradcheck).parameters
    ours = inspect.signature(verifier.gradcheck).parameters
    assert [n for n in theirs if n not in ours] == []
    assert all(ours[name].default == p.default for name, p in theirs.items())


def test_assert_gradients_raises_the_report() -> None:
    assert verifier.assert_gradients(product(), *GIVEN).ok
    with pytest.raises(AssertionError, match=r"differ\.wrong .*Product"):
        verifier.assert_gradients(product("scale"), *GIVEN)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: verifier.check(torch.sin, GIVEN[0], wrt=["y"]),
            "wrt: expected one of `x`",
        ),
        (lambda: verifier.check(torch.sin, GIVEN[0], upstream="one"), "found `one`"),
        (
            lambda: verifier.check(torch.sin, GIVEN[0], layout="strided"),
            "layout: tensors lie",
        ),
        (lambda: verifier.check(torch.sin, GIVEN[0], dtype="complex64"), "real dtypes"),
        (lambda: verifier.check(torch.sin, GIVEN[0], at={"x": 1}), "takes no `at`"),
        (
            lambda: verifier.check(lambda n: n, torch.tensor([1])),
            "to differentiate by, found none",
        ),
    ],
)
def test_what_cannot_be_run_is_refused(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises((UsageError, ArgumentError, verifier.VerifierError)) as caught:
        call()
    assert message in str(caught.value)


def test_what_the_callable_raises_is_a_result() -> None:
    def raising(x: Tensor) -> Tensor:
        raise LookupError("own")

    result = one(verifier.check(raising, numbers(3)))
    assert result.verdict is Verdict.ERROR_RUN
    assert result.message is not None
    assert "own" in result.message


def test_the_caller_keeps_its_tensors_and_random_numbers() -> None:
    x = numbers(3).requires_grad_()
    state, kept = torch.get_rng_state(), x.detach().clone()
    verifier.check(nn.Dropout(), x)
    assert torch.equal(torch.get_rng_state(), state)
    assert x.grad is None
    assert torch.equal(x, kept)
