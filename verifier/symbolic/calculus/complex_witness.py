"""A second opinion on complex derivatives that uses none of SymPy's rules: power series
of two terms.

Inverse functions are written by logarithms and roots (DLMF 4.23.19-4.23.26,
4.37.16-4.37.24), the hyperbolic ones by the circular, so that all that is left to
differentiate are exp, log, roots, sine, cosine and tangent, whose series are Arb's own.
It is silent where the program meets a branch cut, a pole or a branch point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import acb, acb_series, arb

from verifier.language.programs.constants import constant_values
from verifier.language.programs.program import Program
from verifier.symbolic.arithmetic import balls, complex_balls, complex_cuts
from verifier.symbolic.arithmetic.complex_balls import Rectangle, SignedRectangle
from verifier.symbolic.arithmetic.complex_cuts import Analyticity

TERMS = 2
_I = acb(0, 1)
Series = Any
"""A `flint.acb_series`."""


def _asin(z: Series) -> Series:
    return -_I * (_I * z + (1 - z * z).sqrt()).log()


def _asinh(z: Series) -> Series:
    return (z + (z * z + 1).sqrt()).log()


def _atanh(z: Series) -> Series:
    return ((1 + z).log() - (1 - z).log()) / 2


def _log(z: Series, base: Any = 1) -> Series:
    return z.log() / base


_OPERATIONS: dict[str, Callable[..., Series]] = {
    "identity": lambda z: z,
    "add": lambda z, w: z + w,
    "sub": lambda z, w: z - w,
    "mul": lambda z, w: z * w,
    "div": lambda z, w: z / w,
    "neg": lambda z: -z,
    "square": lambda z: z * z,
    "reciprocal": lambda z: z.inv(),
    "sqrt": lambda z: z.sqrt(),
    "rsqrt": lambda z: z.rsqrt(),
    "exp": lambda z: z.exp(),
    "exp2": lambda z: (z * acb(arb.const_log2())).exp(),
    "expm1": lambda z: z.exp() - 1,
    "log": lambda z: z.log(),
    "log2": lambda z: z.log() / acb(arb.const_log2()),
    "log10": lambda z: z.log() / acb(arb.const_log10()),
    "log1p": lambda z: (1 + z).log(),
    "sin": lambda z: z.sin(),
    "cos": lambda z: z.cos(),
    "tan": lambda z: z.tan(),
    "sec": lambda z: z.cos().inv(),
    "csc": lambda z: z.sin().inv(),
    "cot": lambda z: z.tan().inv(),
    "asin": _asin,
    "acos": lambda z: acb(arb.pi() / 2) - _asin(z),
    "atan": lambda z: -_I * _atanh(_I * z),
    "sinh": lambda z: -_I * (_I * z).sin(),
    "cosh": lambda z: (_I * z).cos(),
    "tanh": lambda z: -_I * (_I * z).tan(),
    "sech": lambda z: (_I * z).cos().inv(),
    "csch": lambda z: _I * (_I * z).sin().inv(),
    "coth": lambda z: _I * (_I * z).tan().inv(),
    "asinh": _asinh,
    "acosh": lambda z: (z + (z + 1).sqrt() * (z - 1).sqrt()).log(),
    "atanh": _atanh,
    "sigmoid": lambda z: (1 + (-z).exp()).inv(),
}


def gradient(
    program: Program,
    point: Mapping[str, complex],
    wrt: Sequence[str],
    upstream: complex,
) -> dict[str, Rectangle]:
    """upstream · conj(∂/∂z) for each input z of which the witness can speak, at the
    precision in force."""
    slopes: dict[str, Rectangle] = {}
    seed = complex_balls.exact(upstream).ball
    for name in wrt:
        with balls.capped(TERMS):
            series = _series(program, point, name)
        if series is not None and complex_balls.is_finite(series[1]):
            slopes[name] = seed * complex_balls.conjugate(series[1])
    return slopes


def _series(program: Program, point: Mapping[str, complex], name: str) -> Series | None:
    constants = constant_values(program)
    series: list[Series] = []
    for node in program.nodes:
        if node.operation == "variable":
            start = complex_balls.exact(point[node.name or ""]).ball
            series.append(_of([start, 1 if node.name == name else 0]))
            continue
        if node.operation == "constant":
            series.append(_of([complex_balls.constant(node.name, node.number).ball]))
            continue
        operands = [series[index] for index in node.arguments]
        numbers = [SignedRectangle(operand[0]) for operand in operands]
        if (
            complex_cuts.analyticity_of(node.operation, numbers)
            is not Analyticity.CLEAR
        ):
            return None
        if node.operation == "pow":
            exponent = constants.get(node.arguments[1])
            result = _power(operands[0], operands[1], exponent)
        else:
            result = _OPERATIONS[node.operation](*operands)
        if result is None or not complex_balls.is_finite(result[0]):
            return None
        series.append(result)
    return series[program.output]


def _of(coefficients: list[Any]) -> Series:
    return acb_series(coefficients, prec=TERMS)


def _power(base: Series, exponent: Series, constant: Any) -> Series | None:
    """By multiplication for a small constant integer, else e^(y log x), off the cut and
    the origin."""
    if constant is not None and constant.denominator == 1 and abs(constant) <= 64:
        result = _of([1])
        for _ in range(abs(int(constant))):
            result = result * base
        return result if constant >= 0 else result.inv()
    if (
        complex_cuts.analyticity_of("log", [SignedRectangle(base[0])])
        is not Analyticity.CLEAR
    ):
        return None
    return (exponent * base.log()).exp()
