"""The truth of programs of cells, held against hand calculation, mpmath and itself at
higher precision."""

from __future__ import annotations

import mpmath
import numpy as np
import numpy.typing as npt
import pytest

from tests.cell_programs import Builder, layer_norm
from verifier.enclosures import KINK, UNDEFINED, Enclosures
from verifier.language.cells import CellProgram
from verifier.symbolic.cells import rules
from verifier.symbolic.cells.truth import CellTruth

TIERS = pytest.mark.parametrize("largest", [10**9, 0], ids=["balls", "midpoints"])


def encloses(found: Enclosures, number: object, index: object = ...) -> bool:
    """Whether an entry encloses a number of mpmath's, which is taken for exact."""
    with mpmath.workprec(400):
        high, low, radius = (
            mpmath.mpf(float(np.asarray(part)[index]))
            for part in (found.high, found.low, found.radius)
        )
        return bool(abs(high + low - mpmath.mpf(number)) <= radius)


def of_one(
    row: str, at: list[float], operand: int = 0, upstream: float = 1.0
) -> CellProgram:
    """A program of one row at one point, differentiated by one operand."""
    b = Builder()
    cells = [
        b.input("x", number) if place == operand else b.constant(number)
        for place, number in enumerate(at)
    ]
    result = b.row(row, *cells)
    b.given("output", upstream)
    return b.program({"output": result})


@TIERS
def test_a_product_and_a_sum_of_it(largest: int) -> None:
    b = Builder()
    x, y = b.input("x", [1.0, 2.0, 3.0]), b.input("y", 0.5)
    output = b.sum(b.row("mul", b.row("mul", x, x), y))
    b.given("output", 2.0)
    truth = CellTruth(b.program({"output": output}), largest_balls=largest)
    assert truth.values()["output"].high == 7.0
    found = truth.gradients()
    assert list(found["x"].high) == [2.0, 4.0, 6.0]
    assert found["y"].high == 28.0
    assert found["x"].marks is None
    assert list(truth.gradients({"output": np.array(1.0)})["x"].high) == [1.0, 2.0, 3.0]


@TIERS
@pytest.mark.parametrize(
    ("row", "at", "operand", "derivative"),
    [
        ("exp", [0.75], 0, lambda: mpmath.exp(0.75)),
        ("tanh", [-3.0], 0, lambda: mpmath.sech(-3) ** 2),
        ("div", [3.0, 7.0], 1, lambda: mpmath.mpf(-3) / 49),
        ("sqrt", [2.0], 0, lambda: 1 / (2 * mpmath.sqrt(2))),
        ("rsqrt", [3.0], 0, lambda: mpmath.mpf(3) ** mpmath.mpf("-1.5") / -2),
        ("pow", [3.0, 2.5], 0, lambda: mpmath.mpf("2.5") * mpmath.mpf(3) ** 1.5),
        ("pow", [3.0, 2.5], 1, lambda: mpmath.mpf(3) ** 2.5 * mpmath.log(3)),
        ("pow", [0.0, 3.0], 0, lambda: 0),
        ("pow", [-2.0, 3.0], 0, lambda: 12),
        ("gelu", [1.5], 0, lambda: mpmath.diff(_gelu, 1.5)),
        ("sinc", [0.0], 0, lambda: 0),
        ("erf", [0.25], 0, lambda: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-0.0625)),
        ("hardtanh", [0.5, -1.0, 1.0], 0, lambda: 1),
        ("hardtanh", [2.0, -1.0, 1.0], 0, lambda: 0),
        ("elu", [0.0, 1.0], 0, lambda: 1),
        ("abs", [-2.0], 0, lambda: -1),
    ],
)
def test_one_row(row, at, operand, derivative, largest) -> None:  # type: ignore[no-untyped-def]
    truth = CellTruth(of_one(row, at, operand), largest_balls=largest)
    found = truth.gradients()["x"]
    with mpmath.workprec(300):
        assert encloses(found, derivative())
    assert found.radius <= 2.0**-40 * max(1.0, abs(float(found.high)))
    assert found.marks is None


def _gelu(x: mpmath.mpf) -> mpmath.mpf:
    return x * mpmath.ncdf(x)


@TIERS
@pytest.mark.parametrize(
    ("row", "at", "low", "high"),
    [
        ("relu", [0.0], 0, 1),
        ("abs", [0.0], -1, 1),
        ("leaky_relu", [0.0, 0.25], 0.25, 1),
        ("elu", [0.0, 2.0], 1, 2),
        ("max", [1.5, 1.5], 0, 1),
        ("clamp", [1.0, -1.0, 1.0], 0, 1),
        ("hardtanh", [-1.0, -1.0, 1.0], 0, 1),
        ("softshrink", [0.5, 0.5], 0, 1),
        ("hypot", [0.0, 0.0], -1, 1),
    ],
)
def test_at_a_kink_the_hull_is_given(
    row: str, at: list[float], low: float, high: float, largest: int
) -> None:
    truth = CellTruth(of_one(row, at, 0, 2.0), largest_balls=largest)
    found = truth.gradients()["x"]
    assert found.marks is not None
    assert int(found.marks) == KINK
    assert 2 * low - 1e-6 <= found.high - found.radius <= 2 * low
    assert 2 * high <= found.high + found.radius <= 2 * high + 1e-6


@TIERS
@pytest.mark.parametrize(
    ("row", "at"),
    [
        ("sqrt", [0.0]),
        ("log", [0.0]),
        ("log", [-1.0]),
        ("sign", [0.0]),
        ("floor", [2.0]),
        ("reciprocal", [0.0]),
        ("hardshrink", [0.5, 0.5]),
        ("threshold", [1.0, 1.0, 20.0]),
    ],
)
@pytest.mark.parametrize("upstream", [0.0, 1.0])
def test_where_nothing_is_known_it_says_so(
    row: str, at: list[float], upstream: float, largest: int
) -> None:
    truth = CellTruth(of_one(row, at, 0, upstream), largest_balls=largest)
    found = truth.gradients()["x"]
    assert found.marks is not None
    assert int(found.marks) & UNDEFINED
    assert not found.is_known


def test_an_infinity_that_is_proved_is_told() -> None:
    found = CellTruth(of_one("log", [0.0])).values()["output"]
    assert found.high == -np.inf
    found = CellTruth(of_one("log", [0.0]), largest_balls=0).values()["output"]
    assert found.high == -np.inf
    assert not found.is_known


@TIERS
def test_a_mask_of_infinities_leaves_exact_zeros(largest: int) -> None:
    b = Builder()
    x = b.input("x", [[1.0, 2.0, 3.0]])
    masked = b.row("add", x, b.constant([[0.0, -np.inf, 0.0]]))
    b.given("output", [[1.0, 2.0, 4.0]])
    truth = CellTruth(b.program({"output": b.softmax(masked)}), largest_balls=largest)
    value, gradient = truth.values()["output"], truth.gradients()["x"]
    with mpmath.workprec(200):
        p = 1 / (1 + mpmath.exp(2))
        assert encloses(value, p, (0, 0))
        assert (value.high[0, 1], value.radius[0, 1]) == (0.0, 0.0)
        assert (gradient.high[0, 1], gradient.radius[0, 1]) == (0.0, 0.0)
        assert encloses(gradient, p * (1 - p) * (1 - 4), (0, 0))


@TIERS
def test_a_tie_of_the_largest_is_a_kink_and_one_cell_twice_is_none(
    largest: int,
) -> None:
    b = Builder()
    x = b.input("x", [2.0, 2.0, 1.0])
    b.given("output", 1.0)
    tied = CellTruth(b.program({"output": b.largest(x)}), largest_balls=largest)
    found = tied.gradients()["x"]
    assert found.marks is not None
    assert list(found.marks) == [KINK, KINK, 0]
    assert list(found.high + found.radius) == pytest.approx([1, 1, 0])

    b = Builder()
    x = b.input("x", [2.0, 1.0])
    b.given("output", 1.0)
    twice = b.largest(x[[0, 0, 1]])
    alone = CellTruth(b.program({"output": twice}), largest_balls=largest)
    assert list(alone.gradients()["x"].high) == [1.0, 0.0]
    assert alone.gradients()["x"].marks is None


@TIERS
def test_nothing_flows_through_a_stop(largest: int) -> None:
    b = Builder()
    x = b.input("x", [3.0])
    b.given("output", [1.0])
    output = b.row("mul", x, b.stop(x))
    truth = CellTruth(b.program({"output": output}), largest_balls=largest)
    assert truth.values()["output"].high == 9.0
    assert truth.gradients()["x"].high == 3.0


@TIERS
def test_a_contraction_by_hand(largest: int) -> None:
    b = Builder()
    x, w = b.input("x", [[1.0, 2.0]]), b.input("w", [[3.0, 4.0], [5.0, 6.0]])
    b.given("output", [[1.0, 10.0]])
    truth = CellTruth(b.program({"output": b.matmul(x, w)}), largest_balls=largest)
    assert truth.values()["output"].high.tolist() == [[13.0, 16.0]]
    found = truth.gradients()
    assert found["x"].high.tolist() == [[43.0, 65.0]]
    assert found["w"].high.tolist() == [[1.0, 10.0], [2.0, 20.0]]


def test_the_recorded_backward_is_evaluated_exactly_and_a_wrong_one_is_disjoint() -> (
    None
):
    for factor, right in ((1.0, True), (1.0 + 2.0**-40, False)):
        b = Builder()
        x = b.input("x", [0.3, 0.7])
        y = b.row("tanh", x)
        u = b.given("output", [1.5, -2.0])
        b.in_backward = True
        slope = b.row("sub", 1.0, b.row("square", y))
        gradient = b.row("mul", b.row("mul", u, slope), factor)
        truth = CellTruth(b.program({"output": y}, {"x": gradient}))
        true, recorded = truth.gradients()["x"], truth.recorded_gradients()["x"]
        apart = np.abs((true.high - recorded.high) + (true.low - recorded.low))
        overlap = apart <= true.radius + recorded.radius
        assert overlap.tolist() == [right, right]


def test_precision_is_added_until_it_is_enough() -> None:
    b = Builder()
    x = b.input("x", [1.0])
    large = b.row("add", b.row("exp", x), 2.0**200)
    output = b.row("sub", large, 2.0**200)
    b.given("output", [1.0])
    truth = CellTruth(b.program({"output": output}))
    assert truth.values()["output"].radius > 1
    found = truth.values(accuracy=2.0**-60)["output"]
    with mpmath.workprec(200):
        assert encloses(found, mpmath.e, 0)
    assert found.radius < 2.0**-50


def test_midpoints_with_radii_enclose_balls() -> None:
    program = layer_norm(5, 7, seed=3)
    sharp = CellTruth(program).gradients()
    for name, found in CellTruth(program, largest_balls=0).gradients().items():
        apart = np.abs(found.high - sharp[name].high)
        assert (apart <= found.radius + sharp[name].radius).all()
        assert (found.radius < 1e-12).all()


def test_the_witness_agrees_and_so_do_hessian_and_mpmath() -> None:
    b = Builder()
    x = b.input("x", [0.5, 1.25])
    output = b.sum(b.row("mul", b.row("sin", x), b.row("exp", x[::-1])))
    b.given("output", 1.0)
    truth = CellTruth(b.program({"output": output}))
    assert truth.witness(1).agrees
    found = truth.hessian_vector({"x": np.array([1.0, 0.0])})["x"]
    with mpmath.workprec(200):
        a, c = mpmath.mpf(0.5), mpmath.mpf(1.25)
        first = -mpmath.sin(a) * mpmath.exp(c) + mpmath.sin(c) * mpmath.exp(a)
        second = mpmath.cos(a) * mpmath.exp(c) + mpmath.cos(c) * mpmath.exp(a)
        assert encloses(found, first, 0)
        assert encloses(found, second, 1)


def test_the_witness_sees_a_wrong_rule(monkeypatch: pytest.MonkeyPatch) -> None:

    right = rules.partial

    def wrong(operation, operand, exponent=None):  # type: ignore[no-untyped-def]
        return right("cos" if operation == "sin" else operation, operand, exponent)

    b = Builder()
    x = b.input("x", [0.5])
    b.given("output", [1.0])
    program = b.program({"output": b.row("sin", x)})
    assert CellTruth(program).witness().agrees
    monkeypatch.setattr(rules, "partial", wrong)
    assert CellTruth(program).witness().agrees is False


def test_a_value_that_the_library_has_otherwise_is_named() -> None:
    b = Builder()
    x = b.input("x", [1.0, 2.0])
    y = b.row("exp", x)
    values = np.full(b.size, np.nan)
    values[y] = np.exp([1.0, 2.0])
    assert CellTruth(b.program({"output": y}, values=values)).check_recording() == []
    values = values.copy()
    values[y[1]] *= 1 + 1e-12
    (found,) = CellTruth(b.program({"output": y}, values=values)).check_recording()
    assert found.record.operation == "test.exp"
    assert found.cell == y[1]


def norm_of(
    cells: npt.NDArray[np.int64], b: Builder, scale: float = 1.0
) -> CellProgram:
    squares = b.row("square", cells)
    output = b.row("sqrt", b.row("mul", b.sum(squares), scale))
    b.given("output", 3.0)
    return b.program({"output": output})


@TIERS
def test_a_norm_at_zero_is_a_kink(largest: int) -> None:
    b = Builder()
    program = norm_of(b.input("x", [0.0, 0.0]), b, 4.0)
    found = CellTruth(program, largest_balls=largest).gradients()["x"]
    assert found.marks is not None
    assert list(found.marks) == [KINK, KINK]
    assert found.high + found.radius == pytest.approx([6.0, 6.0])
    assert found.high - found.radius == pytest.approx([-6.0, -6.0])


@TIERS
def test_the_root_of_another_zero_is_none(largest: int) -> None:
    b = Builder()
    x = b.input("x", [0.0, 0.0])
    output = b.row("sqrt", b.sum(b.row("mul", x, x[::-1])))
    b.given("output", 3.0)
    program = b.program({"output": output})
    found = CellTruth(program, largest_balls=largest).gradients()["x"]
    assert not found.is_known.any()


@TIERS
def test_a_norm_that_is_cut_off_above_zero_has_no_gradient_there(largest: int) -> None:
    b = Builder()
    x = b.input("x", [0.0, 0.0])
    norm = b.row("sqrt", b.sum(b.row("square", x)))
    b.given("output", [1.0, 2.0])
    program = b.program({"output": b.row("div", x, b.row("max", norm, 0.25))})
    found = CellTruth(program, largest_balls=largest).gradients()["x"]
    assert list(found.high) == [4.0, 8.0]
    assert found.marks is None


def test_sympy_derives_the_whole_and_a_wrong_rule_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    b = Builder()
    x, w = b.input("x", [[0.5, -1.0]]), b.input("w", [[1.0, 2.0], [-0.5, 0.25]])
    output = b.softmax(b.row("tanh", b.matmul(x, w)))
    b.given("output", [[1.0, -2.0]])
    program = b.program({"output": output})
    assert CellTruth(program).agrees_with_sympy()
    right = rules.partial

    def wrong(operation, operand, exponent=None):  # type: ignore[no-untyped-def]
        return right("atan" if operation == "tanh" else operation, operand, exponent)

    monkeypatch.setattr(rules, "partial", wrong)
    assert CellTruth(program).agrees_with_sympy() is False


def test_sympy_is_asked_for_small_programs_alone() -> None:
    assert CellTruth(layer_norm(10, 10)).agrees_with_sympy() is None


def test_outputs_that_share_cells_and_an_input_that_is_an_output() -> None:
    b = Builder()
    x = b.input("x", [1.0, 2.0])
    b.given("first", [3.0, 4.0])
    b.given("second", [[10.0, 10.0], [20.0, 20.0]])
    outputs = {"first": x, "second": np.broadcast_to(x, (2, 2))}
    truth = CellTruth(b.program(outputs))
    assert list(truth.gradients()["x"].high) == [33.0, 34.0]


def test_a_program_of_nothing() -> None:
    b = Builder()
    x = b.input("x", np.zeros((0, 3)))
    b.given("output", np.zeros(0))
    truth = CellTruth(b.program({"output": b.sum(x, 1)}))
    assert truth.values()["output"].high.shape == (0,)
    assert truth.gradients()["x"].high.shape == (0, 3)
