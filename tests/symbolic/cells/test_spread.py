"""Bounds of what rounding may do, each rule by a program on which right code was called
wrong without it. What a machine computes is worked out here in NumPy's float32, or by
rounding float64 numbers to the format step by step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from cell_programs import Builder

from verifier.enclosures import Numbers, Spreads
from verifier.floats import BFLOAT16, BINARY16, BINARY32
from verifier.language.cells import CellProgram
from verifier.rounded import nearest
from verifier.symbolic.cells.spread import spreads

F32 = np.float32


def with_stored(program: CellProgram, dtype: str, *kinds: str) -> CellProgram:
    """Records of some kinds, or all rows, handed on in a dtype."""
    records = tuple(
        replace(record, stored=dtype)
        if record.kind in kinds
        or (not kinds and record.kind not in ("constant", "input", "stop"))
        else record
        for record in program.records
    )
    return replace(program, records=records)


def of(program: CellProgram, dtype: str, name: str = "x") -> Spreads:
    return spreads(program, dtype)[1][name]


def row(kind: str, numbers: Numbers, upstream: float = 1.0) -> CellProgram:
    b = Builder()
    y = b.row(kind, b.input("x", numbers))
    b.given("output", np.full(np.shape(numbers), upstream))
    return b.program({"output": y})


def test_partials_are_the_kernel_s_in_the_saved_result() -> None:
    """1 − y² of a saturated tanh, y(1 − y) of a sigmoid: in the result rounded to
    float32 hardly a digit is left."""
    x = np.array([4.0, 6.0, 7.5, 9.0, 11.0])
    y = np.tanh(x).astype(F32)
    machine = (F32(1) - y * y).astype(np.float64)
    true = 1 / np.cosh(x) ** 2
    error = np.abs(machine - true)
    assert (error > 4 * 2.0**-24 * true).all()  # no relative bound explains it
    assert (error <= of(row("tanh", x), "float32").within).all()
    s = (1 / (1 + np.exp(-x))).astype(F32)
    machine = (s * (F32(1) - s)).astype(np.float64)
    true = np.exp(-x) / (1 + np.exp(-x)) ** 2
    assert (np.abs(machine - true) <= of(row("sigmoid", x), "float32").within).all()


def test_a_saturated_result_is_rounded_though_float64_makes_it_short() -> None:
    """1 + tanh(x), as in GELU: of tanh(−9) float32 leaves −1, of tanh(−25) float64 too;
    and 1 + 2^-70 − 1, of which float64 leaves nothing either."""
    x = np.array([-2.0, -6.0, -9.0, -15.0, -25.0, -40.0])
    b = Builder()
    y = b.row("add", b.row("tanh", b.input("x", x)), b.constant(np.ones(6)))
    b.given("output", np.ones(6))
    spread = spreads(b.program({"output": y}), "float32")[0]["output"]
    true = 2 * np.exp(2 * x) / (1 + np.exp(2 * x))
    machine = np.tanh(x).astype(F32) + F32(1)
    assert (np.abs(machine - true) <= spread.within).all()
    b = Builder()
    one = b.constant(np.ones(1))
    y = b.row("sub", b.row("add", b.input("x", np.array([2.0**-70])), one), one)
    b.given("output", np.ones(1))
    spread = spreads(b.program({"output": y}), "float32")[0]["output"]
    assert spread.within[0] >= 2.0**-70


def test_every_intermediate_may_round_to_the_dtype() -> None:
    """x³ as x·x·x in bfloat16, within one kernel and operation by operation."""
    x = nearest(np.linspace(1.1, 1.9, 41), BFLOAT16)
    b = Builder()
    cell = b.input("x", x)
    square = b.row("mul", cell, cell)
    program = with_stored(b.program({"output": b.row("mul", square, cell)}), "bfloat16")
    inside = replace(
        program,
        records=(
            *(replace(r, stored=None) for r in program.records[:-1]),
            program.records[-1],
        ),
    )
    found, kernel = spreads(program, "bfloat16")[0], spreads(inside, "bfloat16")[0]
    stepwise = nearest(nearest(x * x, BFLOAT16) * x, BFLOAT16)
    once = nearest(x**3, BFLOAT16)
    assert (np.abs(stepwise - x**3) <= found["output"].within).all()
    assert (np.abs(once - x**3) <= kernel["output"].within).all()
    assert (np.abs(stepwise - x**3) > kernel["output"].within).any()
    assert (np.abs(stepwise - x**3) <= kernel["output"].everywhere).all()


def test_the_error_of_erf_is_absolute() -> None:
    """Vectorised float32 erf errs by ulps of 1, beside its small results too."""
    b = Builder()
    program = b.program({"output": b.row("erf", b.input("x", np.array([1e-3, 0.5])))})
    found = spreads(program, "float32")[0]["output"].within
    assert (found >= 2 * 2.0**-23).all()
    assert (found <= 5 * 2.0**-23).all()


def test_a_number_used_a_few_times_is_added_up_in_its_dtype() -> None:
    """The ends of a replication pad, in bfloat16: the sum is rounded at each step."""
    random = np.random.default_rng(0)
    g = nearest(random.normal(size=(64, 11)), BFLOAT16)
    b = Builder()
    x = b.input("x", np.ones((64, 3)))
    padded = b.row("identity", x[:, [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]])
    b.given("output", g)
    program = with_stored(b.program({"output": padded}), "bfloat16")
    machine = np.zeros(64)
    for step in range(5):
        machine = nearest(machine + g[:, step], BFLOAT16)
    error = np.abs(machine - g[:, :5].sum(axis=1))
    bound = of(program, "bfloat16").within[:, 0]
    assert (error <= bound).all()
    assert (error > 2.0**-8 * np.abs(g[:, :5].sum(axis=1))).any()


@pytest.mark.parametrize("ones", [True, False])
def test_an_accumulator_of_16_bits_is_no_excuse(ones: bool) -> None:
    """A bias over 1,024 rows: 256 in bfloat16, where 256 + 1 is 256."""
    random = np.random.default_rng(1)
    g = np.ones((1024, 4)) if ones else nearest(random.normal(size=(1024, 4)), BFLOAT16)
    b = Builder()
    bias = b.input("x", np.zeros(4))
    y = b.row("add", b.constant(np.zeros((1024, 4))), bias)
    b.given("output", g)
    found = of(with_stored(b.program({"output": y}), "bfloat16"), "bfloat16")
    machine = np.zeros(4)
    for step in range(1024):
        machine = nearest(machine + g[step], BFLOAT16)
    error = np.abs(machine - g.sum(axis=0))
    assert (error > found.everywhere).all()
    # Accumulated in float32 and rounded once.
    bound = 1024 * 2.0**-24 * np.abs(g).sum(axis=0) + 2.0**-7 * np.abs(g.sum(axis=0))
    assert (found.within <= 2 * bound + 1e-9).all()
    assert (
        np.abs(nearest(g.sum(axis=0), BFLOAT16) - g.sum(axis=0)) <= found.within
    ).all()


def test_float16_underflows_by_half_of_its_smallest() -> None:
    x = nearest(np.array([3e-4, 1e-2, 1.0]), BINARY16)
    b = Builder()
    cell = b.input("x", x)
    y = b.row("mul", cell, b.constant(nearest(np.full(3, 2e-4), BINARY16)))
    b.given("output", nearest(np.full(3, 1e-3), BINARY16))
    found = of(with_stored(b.program({"output": y}), "float16"), "float16")
    true = nearest(np.full(3, 2e-4), BINARY16) * nearest(np.full(3, 1e-3), BINARY16)
    error = np.abs(nearest(true, BINARY16) - true)
    assert (error > found.within).all()
    assert (error <= found.within_in_range).all()
    assert (found.within_in_range <= 3 * 2.0**-25).all()


def test_overflow_on_the_way_is_the_range_s() -> None:
    """300² is no float16, a hundredth of it is."""
    b = Builder()
    cell = b.input("x", np.array([300.0]))
    y = b.row("mul", b.row("square", cell), 0.01)
    program = with_stored(b.program({"output": y}), "float16")
    found = spreads(program, "float16")[0]["output"]
    assert np.isfinite(found.everywhere).all()
    assert np.isinf(found.everywhere_in_range).all()
    assert np.isinf(found.within_in_range).all()
    wide = spreads(with_stored(program, "float32"), "float16")[0]["output"]
    assert np.isfinite(wide.within_in_range).all()


def test_a_flip_by_rounding_is_excused() -> None:
    """relu(x·y − z) where x·y and z are alike but for a rounding: its slope is 0 or 1."""
    x, y = nearest(np.array([1.1]), BFLOAT16), nearest(np.array([1.3]), BFLOAT16)
    z = nearest(x * y, BFLOAT16)
    b = Builder()
    cell = b.input("x", x)
    difference = b.row("sub", b.row("mul", cell, b.constant(y)), b.constant(z))
    b.given("output", np.ones(1))
    program = with_stored(b.program({"output": b.row("relu", difference)}), "bfloat16")
    found = of(program, "bfloat16")
    assert found.within[0] >= y[0] / 2
    far = replace(program, records=program.records)
    assert of(far, "float64").within[0] < 1e-14


def test_ties_of_the_largest_by_rounding_are_excused() -> None:
    x = nearest(np.array([[1.0, 1.0 + 2.0**-7, 0.5]]), BFLOAT16)
    b = Builder()
    cell = b.input("x", x)
    top = b.largest(b.row("exp", cell))
    b.given("output", np.ones(1))
    found = of(with_stored(b.program({"output": top}), "bfloat16"), "bfloat16").within[
        0
    ]
    assert (found[:2] >= math.exp(1.0) / 2).all()
    assert found[2] == 0


def test_the_point_s_own_movement() -> None:
    """The gradient 3x² moves by 6x·2 ulp(x), and by 3 · 2 ulp of an upstream of 1."""
    x = np.array([1.5, 3.0])
    b = Builder()
    cell = b.input("x", x)
    y = b.row("mul", b.row("mul", cell, cell), cell)
    b.given("output", np.ones(2))
    found = of(b.program({"output": y}), "float32").moved
    ulp = np.array([2.0**-23, 2.0**-22])
    expected = 6 * x * 2 * ulp + 3 * x**2 * 2 * 2.0**-23
    assert found == pytest.approx(expected, rel=1e-4)


def test_terms_are_what_cancels() -> None:
    b = Builder()
    x = b.input("x", np.array([[2.0, 3.0]]))
    w = b.constant(np.array([[1.0, -4.0], [0.5, 2.0]]))
    y = b.matmul(x[None], w[None])[0]
    b.given("output", np.array([[1.0, 1.0]]))
    values, gradients = spreads(b.program({"output": y}), "float32")
    assert gradients["x"].terms.tolist() == [[5.0, 2.5]]
    assert values["output"].terms.tolist() == [[3.5, 14.0]]


def test_what_is_exact_has_no_spread() -> None:
    b = Builder()
    x = b.input("x", np.array([1.0, 2.0, -3.0]))
    y = b.row("relu", b.row("mul", x, 2.0))
    b.given("output", np.ones(3))
    values, gradients = spreads(b.program({"output": y}), "bfloat16")
    assert not values["output"].everywhere.any()
    # But for the last rounding of what is handed on.
    assert (gradients["x"].everywhere <= 2.0**-8 * np.array([2.0, 2.0, 0.0])).all()


def test_the_larger_of_the_recorded_backward_and_the_library_s() -> None:
    """A backward by exp of the logarithm loses digits that the library's keeps."""
    x = np.array([1e4, 2e4])
    b = Builder()
    cell = b.input("x", x)
    y = b.row("square", cell)
    g = b.given("output", np.ones(2))
    plain = b.program({"output": y})
    b.in_backward = True
    twice = b.row("exp", b.row("add", b.row("log", cell), math.log(2)))
    program = b.program({"output": y}, {"x": b.row("mul", g, twice)})
    own = of(program, "float32").within
    library = of(plain, "float32").within
    machine = np.exp(np.log(x.astype(F32)) + F32(math.log(2))).astype(np.float64)
    assert (np.abs(machine - 2 * x) > library).any()
    assert (np.abs(machine - 2 * x) <= own).all()


def test_constants_of_the_program_are_rounded_by_the_kernel() -> None:
    x = np.array([3.0])
    b = Builder()
    y = b.row("mul", b.input("x", x), 0.1)
    b.given("output", np.ones(1))
    found = of(b.program({"output": y}), "float32")
    error = abs(float(F32(0.1)) - 0.1)
    assert error <= found.within[0]
    assert nearest(np.array([0.1]), BINARY32)[0] == float(F32(0.1))


def test_factors_of_a_product_of_matrices_round_to_16_bits() -> None:
    """P·V of attention: the probabilities are bfloat16 where they are multiplied, though
    nothing hands them on."""
    random = np.random.default_rng(4)
    x = nearest(random.normal(size=(4, 32)), BFLOAT16)
    v = nearest(random.normal(size=(32, 8)), BFLOAT16)
    b = Builder()
    y = b.matmul(b.row("exp", b.input("x", x))[None], b.constant(v)[None])[0]
    program = with_stored(b.program({"output": y}), "bfloat16", "contraction")
    machine = nearest(nearest(np.exp(x), BFLOAT16) @ v, BFLOAT16)
    error = np.abs(machine - np.exp(x) @ v)
    assert (error <= spreads(program, "bfloat16")[0]["output"].within).all()
    assert (error > 2.0**-8 * np.abs(np.exp(x) @ v)).any()


def test_what_the_first_model_explains_needs_no_second() -> None:
    program = row("tanh", np.array([0.5, 1.5]))
    whole = of(program, "bfloat16")
    small, large = ({}, {"x": whole.within / 2}), ({}, {"x": whole.within * 2})
    short = spreads(program, "bfloat16", errors=small)[1]["x"]
    assert (short.within == whole.within).all()
    assert (short.everywhere == short.within).all()
    full = spreads(program, "bfloat16", errors=large)[1]["x"]
    assert (full.everywhere == whole.everywhere).all()
    assert (full.moved == whole.moved).all()
