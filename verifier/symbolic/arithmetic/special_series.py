"""Power series of the further special functions: of polynomials by their recurrences,
of others by Cauchy's integral."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from verifier.symbolic.arithmetic import balls, cauchy, series, special_balls
from verifier.symbolic.arithmetic.series import Series, SingularError
from verifier.symbolic.arithmetic.special_balls import integer

Ball = Any
Power = Callable[[Sequence[Series], int], Series]
"""The first terms of an operation of power series of that length at least."""


def _everywhere(*boxes: Any) -> bool:
    return True


def _analytic(
    function: Callable[..., Any],
    region: Callable[..., bool] = _everywhere,
    vanishing: tuple[int, int] | None = None,
) -> Power:
    """By Cauchy's integral; `vanishing` are the first power and the step of those that
    an expansion about 0 has, where others are missing."""

    def power(operands: Sequence[Series], length: int) -> Series:
        if vanishing is not None and _is_variable(operands[-1]):
            terms = _terms(function, region, operands, length)
            first, step = vanishing
            for k, _ in enumerate(terms):
                if k < first or (k - first) % step:
                    terms[k] = balls.zero()
            return series.of_coefficients(terms, length)
        terms = _terms(function, region, operands, length)
        return series.of_coefficients(terms, length)

    return power


def _terms(
    function: Callable[..., Any],
    region: Callable[..., bool],
    operands: Sequence[Series],
    length: int,
) -> list[Ball]:
    given = [series.coefficients(operand)[:length] for operand in operands]
    return cauchy.along(function, region, given, length)


def _is_variable(operand: Series) -> bool:
    """Whether it is t itself, or a multiple of it."""
    first, *rest = series.coefficients(operand)
    return balls.is_zero(first) and all(balls.is_zero(ball) for ball in rest[1:])


def _of_order(function: Callable[..., Any]) -> Power:
    """A function whose first operand is an integer that does not move."""

    def power(operands: Sequence[Series], length: int) -> Series:
        order, *rest = operands
        n = integer(series.coefficients(order)[0])
        if n is None:
            raise SingularError("an order that is no integer")
        return _analytic(lambda *others: function(n, *others), vanishing=(n, 2))(
            rest, length
        )

    return power


def _polynomial(polynomial: Callable[..., Any]) -> Power:
    """By its recurrence in the arithmetic of power series; all operands but the last
    are numbers."""

    def power(operands: Sequence[Series], length: int) -> Series:
        *numbers, x = operands
        degree, *others = (series.coefficients(number)[0] for number in numbers)
        n = integer(degree)
        if n is None:
            raise SingularError("a degree that is no integer")
        return series.truncated(polynomial(n, *others, x), length)

    return power


def _lambertw(operands: Sequence[Series], length: int) -> Series:
    """By Arb's own power series."""
    x, branch = operands
    n = integer(series.coefficients(branch)[0])
    if x.prec < 1 or n is None or not x[0] * balls.constant("e", None) > -1:
        raise SingularError("`lambertw` at its branch point, or perhaps")
    if n and not x[0] < 0:
        raise SingularError("`lambertw` at its singularity, or perhaps")
    if balls.is_zero(x[0]) and not n:
        terms = series.coefficients(x.lambertw(n))
        return series.of_coefficients([balls.zero(), *terms[1:]], length)
    return series.truncated(x.lambertw(n), length)


LARGEST_ARGUMENT = 2**16
"""Of a zeta function: beyond, Arb takes seconds for a complex one."""


def _right(*boxes: Any) -> bool:
    return bool(boxes[-1].real > 0)


def _left_of_one(*boxes: Any) -> bool:
    return bool(boxes[-1].real < 1)


def _off_zero(box: Any) -> bool:
    return bool(box.real > 0 or box.real < 0)


def _all_right(*boxes: Any) -> bool:
    return all(box.real > 0 for box in boxes)


def _beta_region(a: Any, b: Any, x: Any) -> bool:
    return _all_right(a, b, x) and _left_of_one(x)


def _zeta_region(s: Any, q: Any) -> bool:
    return bool(q.real > 0 and abs(s) < LARGEST_ARGUMENT and not (s - 1).contains(0))


def _amplitude(phi: Any, m: Any) -> bool:
    """Off the branch points, where m sin²φ = 1."""
    sine = phi.sin()
    return bool(m.real < 1 and (1 - m * sine * sine).real > 0)


def _struve(sign: int) -> Power:
    def power(operands: Sequence[Series], length: int) -> Series:
        order, x = operands
        center = series.coefficients(order)[0]
        n = integer(center)
        if n is None and not x[0] > 0:
            raise SingularError("a Struve function of a broken order, left of 0")
        analytic = _analytic(
            lambda at: special_balls.struve(center, at, sign),
            _right if n is None else _everywhere,
            None if n is None else (n + 1, 2),
        )
        return analytic([x], length)

    return power


OPERATIONS: dict[str, Power] = {
    "gammainc": _analytic(special_balls.lower_gamma, _all_right),
    "gammaincc": _analytic(special_balls.upper_gamma, _all_right),
    "betainc": _analytic(special_balls.beta_lower, _beta_region),
    "zeta": _analytic(special_balls.hurwitz_zeta, _zeta_region),
    "polylog": _analytic(special_balls.polylog, _left_of_one, (1, 1)),
    "lambertw": _lambertw,
    "expn": _analytic(special_balls.exponential_integral, _right),
    "expi": _analytic(special_balls.principal_integral, _off_zero),
    "Si": _analytic(lambda x: x.si(), vanishing=(1, 2)),
    "Ci": _analytic(lambda x: x.ci(), _right),
    "Shi": _analytic(lambda x: x.shi(), vanishing=(1, 2)),
    "Chi": _analytic(lambda x: x.chi(), _right),
    "erfi": _analytic(lambda x: x.erfi(), vanishing=(1, 2)),
    "dawsn": _analytic(special_balls.dawson, vanishing=(1, 2)),
    "fresnels": _analytic(lambda x: x.fresnel_s(), vanishing=(3, 4)),
    "fresnelc": _analytic(lambda x: x.fresnel_c(), vanishing=(1, 4)),
    "wofz_real": _analytic(special_balls.faddeeva_real),
    "wofz_imag": _analytic(special_balls.faddeeva_imaginary),
    "ellipk": _analytic(lambda m: m.elliptic_k(), _left_of_one),
    "ellipe": _analytic(lambda m: m.elliptic_e(), _left_of_one),
    "ellipkinc": _analytic(special_balls.elliptic_f, _amplitude),
    "ellipeinc": _analytic(special_balls.elliptic_e, _amplitude),
    "airy_ai": _analytic(lambda x: x.airy_ai()),
    "airy_bi": _analytic(lambda x: x.airy_bi()),
    "airy_ai_prime": _analytic(lambda x: x.airy_ai(1)),
    "airy_bi_prime": _analytic(lambda x: x.airy_bi(1)),
    "struve": _struve(-1),
    "modstruve": _struve(1),
    "spherical_jn": _of_order(lambda n, x: special_balls.spherical(n, x, -1)),
    "spherical_in": _of_order(lambda n, x: special_balls.spherical(n, x, 1)),
    "eval_chebyt": _polynomial(special_balls.chebyshev),
    "eval_gegenbauer": _polynomial(special_balls.gegenbauer),
    "eval_jacobi": _polynomial(special_balls.jacobi),
    "eval_hermite": _polynomial(special_balls.hermite),
    "eval_genlaguerre": _polynomial(special_balls.laguerre),
}
"""The first terms of each, of power series."""


def coefficients(
    operation: str, operands: Sequence[Ball], moving: int, length: int
) -> list[Ball]:
    """The first Taylor coefficients by one of the operands, about all of them."""
    count = max(length, 2)
    given = [series.constant(ball, count) for ball in operands]
    given[moving] = series.variable(operands[moving], balls.exact(1.0), count)
    with balls.capped(count):
        result = OPERATIONS[operation](given, count)
    return series.checked(operation, series.coefficients(result))[:length]
