"""Whose fault an exception is: PyTorch's, a user's callable's, or our own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backwards
import pytest
import torch

import verifier
from verifier.automatic import faults, lowering, modes
from verifier.records import Result, Verdict


def one(expression: str = "sin(x)", **keywords: Any) -> Result:
    given = {"at": {"x": 1}, "dtype": "float32"} | keywords
    (result,) = verifier.verify(expression, **given).results
    return result


def of(function: Callable[..., Any], **keywords: Any) -> Result:
    given = {"at": {"x": 1}, "dtype": "float32", "expression": "x*x"} | keywords
    (result,) = verifier.check(function, **given).results
    return result


# ── the rule ──────────────────────────────────────────────────────────────────────────


def raised(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def _huber() -> object:
    x = torch.ones(1)
    return torch.nn.functional.huber_loss(x, x, reduction="some")


REFUSALS: list[Callable[[], object]] = [
    lambda: torch.ones(2) + torch.ones(3),
    lambda: torch.ones(2).backward(),  # type: ignore[no-untyped-call]
    lambda: torch.ones(2, requires_grad=True).numpy(),
    _huber,
]


@pytest.mark.parametrize("call", REFUSALS)
def test_what_pytorch_raises_is_pytorchs(call: Callable[[], object]) -> None:
    assert faults.is_pytorchs(raised(call))


@pytest.mark.parametrize(
    "call",
    [
        lambda: {}["missing"],
        lambda: [][0],
        lambda: 1 / 0,
        lambda: torch.sin(),  # type: ignore[call-overload]
        lambda: modes.nowhere,  # type: ignore[attr-defined]
    ],
)
def test_a_mistake_of_the_caller_is_not_pytorchs(call: Callable[[], object]) -> None:
    assert not faults.is_pytorchs(raised(call))


def test_what_never_was_raised_is_not_pytorchs() -> None:
    assert not faults.is_pytorchs(RuntimeError("not raised"))


def in_our_name(source: str) -> BaseException:
    """What a module of ours raises that says `source`."""
    code = compile(source, "planted.py", "exec")
    return raised(
        lambda: exec(code, {"__name__": "verifier.automatic.planted", "torch": torch})
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise RuntimeError('ours')", False),
        ("raise NotImplementedError('ours')", False),
        ("def f(): return f()\nf()", False),
        ("torch.ones(2) + torch.ones(3)", True),
        ("torch.ones(2).view(5)", True),
        ("try:\n  torch.ones(2).view(5)\nexcept RuntimeError as e:\n  raise RuntimeError('so') from e", True),
        ("try:\n  {}[1]\nexcept KeyError as e:\n  raise RuntimeError('so') from e", False),
    ],
)  # fmt: skip
def test_a_raise_of_our_own_is_no_refusal_of_pytorchs(
    source: str, expected: bool
) -> None:
    assert faults.is_pytorchs(in_our_name(source)) is expected


# ── in a run ──────────────────────────────────────────────────────────────────────────


def _missing(x: torch.Tensor) -> torch.Tensor:
    raise KeyError("planted")


def _no_such_attribute(x: Any) -> torch.Tensor:
    found: torch.Tensor = x.no_such_method()
    return found


def _wrong_call(x: torch.Tensor) -> torch.Tensor:
    return torch.sin(x, x, x, x)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("route", ["reverse", "forward", "func", "vmap"])
@pytest.mark.parametrize("planted", [_missing, _no_such_attribute, _wrong_call])
def test_a_mistake_in_our_lowering_is_an_error_with_its_traceback(
    planted: Callable[..., Any], route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(lowering.OPERATIONS, "sin", planted)
    result = one(routes=route)
    assert result.verdict is Verdict.ERROR_RUN
    assert not result.as_expected
    assert planted.__name__ in (result.traceback or "")


def test_a_mistake_in_our_modes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(modes, "seed")
    assert one().verdict is Verdict.ERROR_RUN


def test_a_mistake_in_the_complex_lowering_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(lowering.OPERATIONS, "sin", _missing)
    result = one(dtype="complex64")
    assert result.verdict is Verdict.ERROR_RUN
    assert "planted" in (result.traceback or "")


def test_what_pytorch_cannot_do_is_unsupported_and_has_a_traceback() -> None:
    result = one("besselj(0, x)", dtype="float32")
    assert result.verdict is Verdict.DIFFER_UNSUPPORTED
    assert (result.traceback or "").startswith("Traceback (most recent call last)")


# ── a user's callable ─────────────────────────────────────────────────────────────────


def _shapes(x: torch.Tensor) -> torch.Tensor:
    return torch.ones(2, 3) @ torch.ones(2) * x


def _raises(x: torch.Tensor) -> torch.Tensor:
    raise RuntimeError("my own mistake")


def _key(x: torch.Tensor) -> torch.Tensor:
    return x * {}["missing"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("function", [_shapes, _raises, _key])
def test_a_mistake_in_a_users_forward_is_the_users(
    function: Callable[..., Any], dtype: str
) -> None:
    result = of(function, dtype=dtype)
    assert result.verdict is Verdict.ERROR_RUN
    assert function.__name__ in (result.traceback or "")


@pytest.mark.parametrize("route", ["reverse", "func", "forward", "vmap"])
def test_a_users_shape_error_is_the_users_by_every_route(route: str) -> None:
    assert of(_shapes, routes=route).verdict is Verdict.ERROR_RUN


def test_where_it_fails_is_said() -> None:
    def fails_at_two(x: torch.Tensor) -> torch.Tensor:
        if x == 2:
            raise ValueError("two")
        return x * x

    result = of(fails_at_two, at=[{"x": 1}, {"x": 2}])
    assert result.message == "ValueError: two; at x = 2.0; raised by the subject itself"


def test_what_cannot_be_differentiated_is_no_mistake_of_the_user() -> None:
    square = backwards.function(lambda x: x * x, lambda grad, x: 2 * x * grad)
    assert of(square).verdict.family == "match"
    result = of(square, routes="forward")
    assert result.verdict is Verdict.DIFFER_UNSUPPORTED
    assert result.traceback


def test_a_pinned_error_is_as_expected() -> None:
    pin = {"verdict": "error.run", "reason": "not written yet"}
    assert of(_key, expect=pin).as_expected
    assert not of(_key).as_expected
