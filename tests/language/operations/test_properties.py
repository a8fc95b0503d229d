"""What a row of the table says of its operation, against the operation itself in balls
or in mpmath."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from mpmath import mp
from rows import GRID, contains, exactly, having, named, points_of
from witnesses import RELATIONS, WITNESS

from verifier.language.operations.table import LEAF, OPERATIONS, Operation, row
from verifier.symbolic.arithmetic import complex_balls

ROWS = list(OPERATIONS.values())
SMALL = mp.mpf(2) ** -40


@named(having(lambda row: row.holds_for))
def test_a_relation_holds_for_its_signs(row: Operation) -> None:
    for sign in (-1, 0, 1):
        assert RELATIONS[row.name](sign, 0) is (sign in row.holds_for)


@named(having(lambda row: row.is_connective))
def test_a_connective_is_settled_by_its_operand(row: Operation) -> None:
    for truth in (False, True):
        results = {
            RELATIONS[row.name](*operands)
            for operands in itertools.product((False, True), repeat=row.arity)
            if truth in operands
        }
        if row.arity == 2:
            assert (results == {truth}) == (row.settled_by is truth)
        else:
            assert row.settled_by is None


@named(having(lambda row: row.degree is not None))
def test_a_polynomial_is_homogeneous_of_its_degree(row: Operation) -> None:
    for operands in points_of(row):
        scaled = WITNESS[row.name](*(3 * x for x in operands))
        assert scaled == 3**row.degree * WITNESS[row.name](*operands)  # type: ignore[operator]


@named(having(lambda row: row.piecewise_linear))
def test_a_piecewise_linear_operation_has_no_curvature(row: Operation) -> None:
    function = WITNESS[row.name]
    for operands in points_of(row):
        if len(set(operands)) < row.arity or any(x == int(x) for x in operands):
            continue
        for at in range(row.arity):
            left, right = (
                function(*(x + step * (i == at) for i, x in enumerate(operands)))
                for step in (-SMALL, SMALL)
            )
            assert left + right == 2 * function(*operands)


@named(having(lambda row: row.piecewise_constant))
def test_a_piecewise_constant_operation_has_no_slope(row: Operation) -> None:
    for x, *rest in points_of(row):
        ratio = x / rest[0] if row.tensors[1:] else 2 * x
        if ratio == int(ratio):
            continue
        assert WITNESS[row.name](x - SMALL, *rest) == WITNESS[row.name](
            x + SMALL, *rest
        )


@named(having(lambda row: row.nonnegative))
def test_a_nonnegative_operation_is_never_negative(row: Operation) -> None:
    assert all(WITNESS[row.name](*operands) >= 0 for operands in points_of(row))


@named(having(lambda row: row.keeps_nonnegative))
def test_an_operation_keeps_nonnegative_operands_so(row: Operation) -> None:
    for operands in points_of(row):
        if min(operands) >= 0:
            assert WITNESS[row.name](*operands) >= 0


@named(having(lambda row: row.injective))
def test_an_injective_operation_rises_or_falls(row: Operation) -> None:
    values = [WITNESS[row.name](exactly(x)) for x in GRID]
    steps = {mp.sign(b - a) for a, b in itertools.pairwise(values)}
    assert steps in ({1}, {-1})


@named(having(lambda row: row.supremum is not None))
def test_a_supremum_is_neared_and_not_reached(row: Operation) -> None:
    with mp.workdps(400):
        values = [WITNESS[row.name](mp.mpf(x)) for x in (-20, 20)]
        assert all(value < row.supremum for value in values)
        assert max(values) > row.supremum - mp.mpf(10) ** -8  # type: ignore[operator]


@named(having(lambda row: row.infinity_at_zero))
def test_an_operation_tends_to_its_infinity_at_zero(row: Operation) -> None:
    operands = (mp.one,) * (row.arity - 1)
    values = [WITNESS[row.name](*operands, mp.mpf(2) ** -k) for k in (10, 100, 1000)]
    steps = [(b - a) * row.infinity_at_zero for a, b in itertools.pairwise(values)]
    assert steps[1] > steps[0] > 0


@named(having(lambda row: row.like_identity_at_zero))
def test_an_operation_is_like_the_identity_at_zero(row: Operation) -> None:
    assert abs(WITNESS[row.name](SMALL) / SMALL - 1) < SMALL / 2 + mp.eps * 2**20


@named(having(lambda row: row.continuous_at_edges))
def test_an_operation_is_continuous_where_operands_meet_or_vanish(
    row: Operation,
) -> None:
    with mp.workdps(60):
        near = mp.mpf(10) ** -40
        edges = [mp.mpf(0), mp.mpf(1), mp.mpf(-1)]
        for operands in itertools.product(edges, repeat=row.arity):
            for moves in itertools.product((-near, mp.mpf(0), near), repeat=row.arity):
                moved = [x + move for x, move in zip(operands, moves, strict=True)]
                if all(_inside(row, values) for values in (operands, moved)):
                    step = WITNESS[row.name](*moved) - WITNESS[row.name](*operands)
                    assert abs(step) < mp.mpf(10) ** -12


def _inside(row: Operation, operands: Any) -> bool:
    return all(
        contains(domain, Fraction(int(x * 10**45), 10**45))
        for x, domain in zip(operands, row.domain, strict=True)
    )


def test_holomorphic_rows_are_those_of_complex_balls() -> None:
    assert set(complex_balls.OPERATIONS) == {r.name for r in ROWS if r.holomorphic}


@named(having(lambda row: row.infinite_at_branch_points))
def test_an_operation_that_is_infinite_at_its_branch_points_is_holomorphic(
    row: Operation,
) -> None:
    assert row.holomorphic


@named(having(lambda row: row.parameters))
def test_every_parameter_has_a_default_or_examples(row: Operation) -> None:
    assert row.parameters.keys() <= set(row.operands)
    assert row.defaults.keys() | row.examples.keys() == row.parameters.keys()
    assert row.defaults.keys() & row.examples.keys() == set()
    assert row.integers.keys() <= row.parameters.keys()


def test_properties_of_a_row_that_has_a_definition_are_its_definitions() -> None:
    """None but the steps, of which a definition tells too late."""
    for defined in having(lambda row: row.definition is not None):
        assert defined.degree is None
        assert not defined.piecewise_linear
        assert not defined.continuous_at_edges


@pytest.mark.parametrize("name", ["variable", "constant", "above", ""])
def test_a_leaf_has_no_property(name: str) -> None:
    assert row(name) is LEAF
    assert not LEAF.is_condition
    assert not LEAF.is_ordinal
    assert not LEAF.is_sum
