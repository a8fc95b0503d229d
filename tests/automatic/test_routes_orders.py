"""Every route to a derivative: what it returns, what it leaves alone, and what it makes
of a user's callable."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from backwards import cube, function

from verifier.automatic import routes
from verifier.automatic.routes import ROUTES, measure
from verifier.automatic.subjects import Subject, SubjectError
from verifier.language.casefile import case
from verifier.language.programs.parsing import parse, parse_steps
from verifier.language.programs.program import Program
from verifier.measurements import Measurement

ORDERS = {name: order for order, names in ROUTES.items() for name in names}
FIRST, SECOND = ROUTES[1], ROUTES[2]
THROUGH_FUNC = ("func", "forward-forward", "forward-reverse", "reverse-forward")

every_route = pytest.mark.parametrize("route", ORDERS)
every_second_route = pytest.mark.parametrize("route", SECOND)


def run(
    subject: Program | Callable[..., Any],
    points: Sequence[Mapping[str, float]] | Mapping[str, float],
    route: str,
    *,
    upstream: float = 1.0,
    dtype: str = "float64",
    wrt: Sequence[str] | None = None,
) -> Measurement:
    """What one route gives; a callable takes the variables of the point in order."""
    points = [points] if isinstance(points, Mapping) else points
    names = tuple(points[0])
    tested = (
        subject
        if isinstance(subject, Program)
        else Subject(function=subject, inputs=names)
    )
    return measure(
        tested,
        points,
        upstream,
        dtype=dtype,
        wrt=wrt or names,
        route=route,
        order=ORDERS[route],
    )


# ── the numbers ───────────────────────────────────────────────────────────────────────

MONOMIAL = parse("x*x*y", variables=["x", "y"])
POINTS = [{"x": 2.0, "y": 3.0}, {"x": -4.0, "y": 0.5}]


def monomial(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x * x * y


def test_every_route_that_a_case_may_name_is_there() -> None:
    assert ROUTES is case.ROUTES
    assert set(routes._ROUTES) == set(ORDERS)


@every_route
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("subject", [MONOMIAL, monomial], ids=["program", "callable"])
def test_a_route_gives_value_gradient_and_hessian_at_every_point(
    subject: Program | Callable[..., Any], dtype: str, route: str
) -> None:
    found = run(subject, POINTS, route, upstream=2.0, dtype=dtype)
    assert found.failure is None
    assert found.values == (12.0, 8.0)
    assert found.gradient == {"x": (24.0, -8.0), "y": (8.0, 32.0)}
    second = {
        ("x", "x"): (12.0, 2.0),
        ("x", "y"): (8.0, -16.0),
        ("y", "x"): (8.0, -16.0),
        ("y", "y"): (0.0, 0.0),
    }
    assert found.hessian == (second if ORDERS[route] == 2 else {})


@every_route
def test_the_routes_agree_on_what_is_not_exact(route: str) -> None:
    program = parse("exp(sin(x)*y) + x/y", variables=["x", "y"])
    found = run(program, {"x": 0.7, "y": 1.3}, route)
    sine, cosine = math.sin(0.7), math.cos(0.7)
    power = math.exp(sine * 1.3)
    gradient = [found.gradient[name][0] for name in "xy"]
    assert gradient == pytest.approx(
        [power * 1.3 * cosine + 1 / 1.3, power * sine - 0.7 / 1.69], rel=1e-14
    )
    if ORDERS[route] == 2:
        mixed = power * cosine * (1 + 1.3 * sine) - 1 / 1.69
        assert found.hessian["x", "y"][0] == pytest.approx(mixed, rel=1e-13)
        assert found.hessian["y", "x"][0] == pytest.approx(mixed, rel=1e-13)


@every_route
def test_only_what_is_asked_for_is_returned(route: str) -> None:
    found = run(MONOMIAL, POINTS, route, wrt=["y"])
    assert set(found.gradient) == {"y"}
    assert set(found.hessian) == ({("y", "y")} if ORDERS[route] == 2 else set())


@every_route
def test_an_input_that_does_not_occur_has_derivative_0(route: str) -> None:
    point = {"x": 3.0, "z": math.nan}
    for subject in (parse("x*x", variables=["x"]), lambda x, z: x * x):
        found = run(subject, point, route)
        assert found.failure is None
        assert found.gradient == {"x": (6.0,), "z": (0.0,)}
        if ORDERS[route] == 2:
            assert set(found.hessian.values()) == {(2.0,), (0.0,)}
            assert found.hessian["x", "x"] == (2.0,)


@every_second_route
def test_a_linear_function_has_hessian_0(route: str) -> None:
    for subject in (parse("3*x + y", variables=["x", "y"]), lambda x, y: 3 * x + y):
        found = run(subject, {"x": 2.0, "y": 1.0}, route)
        assert found.failure is None
        assert set(found.hessian.values()) == {(0.0,)}


@every_route
def test_an_infinite_derivative_by_one_input_leaves_that_by_another(route: str) -> None:
    found = run(lambda x, y: x * x + torch.sqrt(y), {"x": 1.0, "y": 0.0}, route)
    assert found.gradient == {"x": (2.0,), "y": (math.inf,)}
    if ORDERS[route] == 2:
        assert found.hessian["x", "x"] == (2.0,)


@every_route
def test_no_points_are_no_numbers(route: str) -> None:
    for subject in (MONOMIAL, Subject(function=monomial, inputs=("x", "y"))):
        found = measure(
            *(subject, [], 1.0),
            dtype="float32",
            wrt=("x",),
            route=route,
            order=ORDERS[route],
        )
        assert (found.values, found.gradient, found.failure) == ((), {"x": ()}, None)


def test_forward_multiplies_by_the_upstream_gradient_after_it_has_rounded() -> None:
    # d/dx x/3/3 = 1/9 is rounded twice with tangent 1, and 7/3/3 otherwise.
    point = {"x": 1.0}
    third = torch.tensor(1.0, dtype=torch.float32) / 3 / 3
    sevenths = torch.tensor(7.0, dtype=torch.float32) / 3 / 3
    assert (third * 7).item() != sevenths.item()
    for route, wanted in (("forward", third * 7), ("reverse", sevenths)):
        found = run(lambda x: x / 3 / 3, point, route, upstream=7.0, dtype="float32")
        assert found.gradient["x"] == (wanted.item(),)


@pytest.mark.parametrize("route", ["reverse", "reverse-reverse"])
def test_reverse_mode_knows_the_adjoint_of_every_step(route: str) -> None:
    program = parse_steps("a = x*y\nb = a*a\nz = b*x", variables=["x", "y"])
    found = run(program, {"x": 2.0, "y": 3.0}, route, upstream=5.0)
    assert found.steps == {"a": (5 * 2 * 6 * 2.0,), "b": (10.0,), "z": (5.0,)}
    constant = parse_steps("c = 3\nz = c*x", variables=["x"])
    assert run(constant, {"x": 2.0}, route).steps == {"c": (0.0,), "z": (1.0,)}


@pytest.mark.parametrize("route", ["forward", *THROUGH_FUNC])
def test_the_other_routes_know_no_steps(route: str) -> None:
    program = parse_steps("a = x*x\nz = a*x", variables=["x"])
    found = run(program, {"x": 2.0}, route)
    assert (found.steps, found.failure) == ({}, None)


def test_reverse_is_the_route_of_a_measurement_that_names_none() -> None:
    found = routes.reverse(MONOMIAL, POINTS, 2.0, dtype="float32", wrt=("x",))
    assert found == run(
        MONOMIAL, POINTS, "reverse", upstream=2.0, dtype="float32", wrt=["x"]
    )


def test_a_route_of_the_other_order_is_refused() -> None:
    with pytest.raises(ValueError, match="no route of order 2 is called `forward`"):
        measure(
            MONOMIAL, POINTS, 1.0, dtype="float32", wrt=("x",), route="forward", order=2
        )


# ── planted faults ────────────────────────────────────────────────────────────────────


def test_a_wrong_double_backward_shows_at_order_2_only() -> None:
    first = run(cube, {"x": 2.0}, "reverse")
    assert first.gradient == {"x": (12.0,)}
    second = run(cube, {"x": 2.0}, "reverse-reverse")
    assert second.gradient == {"x": (12.0,)}
    assert second.hessian == {("x", "x"): (13.0,)}  # the true one is 12


square = function(lambda x: x * x, lambda grad, x: 2 * x.detach() * grad)
"""Its backward hides itself from autograd, and it has no forward mode."""


def test_a_backward_that_hides_itself_from_autograd_gives_hessian_0() -> None:
    found = run(square, {"x": 3.0}, "reverse-reverse")
    assert found.gradient == {"x": (6.0,)}
    assert found.hessian == {("x", "x"): (0.0,)}  # as PyTorch has it; the true one is 2


# ── what PyTorch raises ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("route", ["forward", *THROUGH_FUNC])
def test_an_exception_of_pytorchs_is_a_failure_of_that_route(route: str) -> None:
    found = run(square, {"x": 3.0}, route)
    assert found.failure is not None
    kind = "NotImplementedError: " if route == "forward" else "RuntimeError: "
    assert found.failure.startswith(kind)
    assert "\n" not in found.failure
    assert (found.values, found.gradient, found.hessian) == ((), {}, {})
    assert run(square, {"x": 3.0}, "reverse").gradient == {"x": (6.0,)}


def test_a_result_that_does_not_depend_on_the_inputs_is_what_the_route_makes_of_it() -> (
    None
):
    def constant(x: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(x)

    failure = run(constant, {"x": 3.0}, "reverse").failure
    assert failure is not None
    assert "does not require grad" in failure
    for route in ("forward", "func"):
        assert run(constant, {"x": 3.0}, route).gradient == {"x": (0.0,)}


def test_an_exception_names_the_point_where_there_are_several() -> None:
    def picky(x: torch.Tensor) -> torch.Tensor:
        if x > 1:
            raise ArithmeticError("too large\nand more")
        return x * x

    points = [{"x": 0.5}, {"x": 2.0}]
    with pytest.raises(ArithmeticError) as caught:
        run(picky, points, "reverse")
    assert caught.value.__notes__ == ["at x = 2.0", "raised by the subject itself"]
    with pytest.raises(ArithmeticError) as caught:
        run(picky, points[1], "func")
    assert caught.value.__notes__ == ["raised by the subject itself"]


# ── callables ─────────────────────────────────────────────────────────────────────────


@every_route
def test_a_callable_takes_tensors_without_dimensions_in_its_order(route: str) -> None:
    seen: list[tuple[torch.Size, torch.dtype]] = []

    def ratio(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        seen.extend((t.shape, t.dtype) for t in (a, b))
        return a / b

    subject = Subject(function=ratio, inputs=("y", "x"))
    found = measure(
        *(subject, [{"x": 2.0, "y": 8.0}], 1.0),
        dtype="bfloat16",
        wrt=("x",),
        route=route,
        order=ORDERS[route],
    )
    assert (found.values, found.gradient["x"]) == ((4.0,), (-2.0,))
    assert set(seen) == {(torch.Size(()), torch.bfloat16)}


@every_route
def test_a_callable_may_return_one_number_in_any_shape(route: str) -> None:
    found = run(lambda x: (x * x).reshape(1, 1), {"x": 3.0}, route)
    assert (found.values, found.gradient, found.failure) == (
        (9.0,),
        {"x": (6.0,)},
        None,
    )


@every_route
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, x), "to return a tensor, found `tuple`. Return a real tensor"),
        (lambda x: None, "to return a tensor, found `NoneType`"),
        (lambda x: torch.stack([x, x]), r"found float64 of shape \[2\]"),
        (lambda x: torch.complex(x, x), r"one real number, found complex128 of"),
    ],
)
def test_a_callable_that_returns_anything_else_is_refused(
    function: Callable[..., Any], message: str, route: str
) -> None:
    with pytest.raises(SubjectError, match=message):
        run(function, {"x": 3.0}, route)


def doubled_in_place(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        x.mul_(2)
    return x * x


def doubled_as_data(x: torch.Tensor) -> torch.Tensor:
    x.data.mul_(2)
    return x * x


@pytest.mark.parametrize("route", ["reverse", "forward"])
@pytest.mark.parametrize("function", [doubled_in_place, doubled_as_data])
def test_a_callable_that_changes_its_input_is_seen(
    function: Callable[..., Any], route: str
) -> None:
    found = run(function, {"x": 3.0}, route)
    assert found.changed == (0, "`x` was changed in place by the forward")


@every_route
def test_inputs_that_are_no_numbers_are_left_as_given(route: str) -> None:
    for value in (math.nan, -0.0, math.inf):
        assert run(lambda x: x * x, {"x": value}, route).failure is None


@pytest.mark.parametrize("route", ["reverse", "forward", "reverse-reverse"])
def test_the_parameters_of_a_module_are_left_without_a_gradient(route: str) -> None:
    layer = torch.nn.Linear(1, 1, dtype=torch.float64)
    found = run(lambda x: layer(x.reshape(1)), {"x": 3.0}, route)
    assert found.gradient["x"][0] == layer.weight.item()
    assert layer.weight.grad is None


# ── what is left alone ────────────────────────────────────────────────────────────────


def unruly(x: torch.Tensor) -> torch.Tensor:
    """Leaves every mode of PyTorch's switched, and warns."""
    result = x * x
    torch.autograd.set_detect_anomaly(True)
    torch.set_grad_enabled(False)
    warnings.warn("beware", UserWarning, stacklevel=1)
    return result


@every_route
def test_no_mode_outlives_a_measurement(route: str) -> None:
    found = run(unruly, {"x": 3.0}, route)
    if (
        route == "reverse"
    ):  # a warning is no verdict, though pytest makes errors of them
        assert found.gradient == {"x": (6.0,)}
    assert torch.is_grad_enabled()
    assert not torch.is_anomaly_enabled()


@every_route
def test_the_caller_may_have_switched_gradients_off(route: str) -> None:
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            found = run(MONOMIAL, POINTS[0], route)
            assert not torch.is_grad_enabled()
        assert found.gradient == {"x": (12.0,), "y": (4.0,)}


@every_route
def test_an_exception_leaves_the_next_measurement_alone(route: str) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        raise OSError("no kernel")

    with pytest.raises(OSError, match="no kernel"):
        run(broken, {"x": 3.0}, route)
    assert run(lambda x: x * x, {"x": 3.0}, route).gradient == {"x": (6.0,)}
