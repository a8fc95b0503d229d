"""Expansions: signs, limits and derivatives are read off the leading terms."""

from __future__ import annotations

from fractions import Fraction

import pytest

from verifier.symbolic.arithmetic import balls
from verifier.symbolic.arithmetic.expansions import derivatives, field, terms


def test_a_leading_coefficient_that_may_vanish_is_unresolved() -> None:
    with balls.workprec(64):
        third = balls.exact(Fraction(1, 3))
        nothing = terms.constant(third * 3 - 1)  # contains zero, and is not exact
        with pytest.raises(terms.Unresolved):
            terms.sign(nothing)


def test_an_exponential_outgrows_every_power() -> None:
    with balls.workprec(64):
        large = terms.monomial(balls.exact(1.0), -1)
        product = field.multiply(
            field.exponential(field.negate(large)), field.power(large, Fraction(50))
        )

        assert balls.is_zero(terms.limit(product).ball)


def test_an_expansion_is_differentiated_term_by_term() -> None:
    with balls.workprec(64):
        t = terms.monomial(balls.exact(1.0), 1)
        slope = derivatives.derivative(
            field.multiply(t, field.logarithm(t))
        )  # log t + 1

        assert terms.limit(slope).infinite == -1
        assert terms.limit(field.subtract(slope, field.logarithm(t))).ball == 1
