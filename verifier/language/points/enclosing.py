"""Constant expressions → rational ends that are proved to enclose their value.

pi and e are enclosed by integer arithmetic, so that a constant such as `pi/4` is known
to far more digits than any format holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NoReturn

from verifier.errors import ExpressionError, Place, shortened
from verifier.language.programs.constants import bits
from verifier.language.programs.program import Program

LARGEST_ENCLOSURE_BITS = 1 << 16
"""Bits of an end of an enclosure, which is never rounded: enough for some forty factors
of pi."""
ENCLOSURE_BITS = 1_600
"""Binary places of the enclosures of pi and e: some 480 decimal digits."""

Ends = tuple[Fraction, Fraction]


def enclose(program: Program) -> Ends:
    """An interval proved to contain the value of a program without variables."""
    ends: list[Ends] = []
    for index, node in enumerate(program.nodes):
        pair = _enclose_node(program, index, [ends[at] for at in node.arguments])
        if max(map(bits, pair)) > LARGEST_ENCLOSURE_BITS:
            _refuse(program, index, "expected a smaller constant, found")
        ends.append(pair)
    return ends[program.output]


def _enclose_node(program: Program, index: int, operands: Sequence[Ends]) -> Ends:
    node = program.nodes[index]
    match node.operation:
        case "constant" if node.number is not None:
            return node.number, node.number
        case "constant" if node.name == "pi":
            return pi()
        case "constant" if node.name == "e":
            return e()
        case "neg":
            return -operands[0][1], -operands[0][0]
        case "add":
            return operands[0][0] + operands[1][0], operands[0][1] + operands[1][1]
        case "sub":
            return operands[0][0] - operands[1][1], operands[0][1] - operands[1][0]
        case "mul":
            return _multiply(*operands)
        case "div":
            if _straddles_zero(operands[1]):
                _refuse(program, index, "expected a divisor that is not 0, found")
            return _multiply(operands[0], _invert(operands[1]))
        case "pow":
            return _power(program, index, *operands)
    _refuse(program, index, "expected only + - * / **, pi and e in a number, found")


def _multiply(left: Ends, right: Ends) -> Ends:
    products = [a * b for a in left for b in right]
    return min(products), max(products)


def _invert(value: Ends) -> Ends:
    return 1 / value[1], 1 / value[0]


def _straddles_zero(value: Ends) -> bool:
    return value[0] <= 0 <= value[1]


def _power(program: Program, index: int, base: Ends, exponent: Ends) -> Ends:
    power = exponent[0].numerator
    if exponent[0] != exponent[1] or exponent[0].denominator != 1:
        _refuse(program, index, "expected an integer exponent, found")
    # Bounded before it is multiplied out.
    if max(map(bits, base)) * abs(power) > LARGEST_ENCLOSURE_BITS:
        _refuse(program, index, "expected a smaller constant, found")
    if power < 0:
        if _straddles_zero(base):
            _refuse(program, index, "expected a divisor that is not 0, found")
        base, power = _invert(base), -power
    ends = [end**power for end in base]
    if power % 2 == 0 and power and _straddles_zero(base):
        ends.append(Fraction(0))
    return min(ends), max(ends)


def _refuse(program: Program, index: int, expected: str) -> NoReturn:
    written = shortened(program.text(index))
    raise ExpressionError(
        f"{expected} `{written}`. Write the number itself.",
        place=Place(column=program.nodes[index].span.column),
    )


@lru_cache(maxsize=1)
def pi() -> Ends:
    """Proven rational bounds of pi = 16 arctan(1/5) - 4 arctan(1/239) (J. Machin,
    1706)."""
    fifth, fifth_error = _arctangent_of_inverse(5)
    small, small_error = _arctangent_of_inverse(239)
    middle, error = 16 * fifth - 4 * small, 16 * fifth_error + 4 * small_error
    scale = 1 << ENCLOSURE_BITS
    return Fraction(middle - error, scale), Fraction(middle + error, scale)


def _arctangent_of_inverse(number: int) -> tuple[int, int]:
    """arctan(1/number) · 2^ENCLOSURE_BITS, and a bound of its error.

    The floor of a floor's quotient is the floor of the quotient, so that each term is
    less than 1 too small; the tail of an alternating series is smaller than its first
    term, which is less than 1 here.
    """
    power = (1 << ENCLOSURE_BITS) // number
    total = count = 0
    while power:
        term = power // (2 * count + 1)
        total += term if count % 2 == 0 else -term
        count += 1
        power //= number * number
    return total, count + 1


@lru_cache(maxsize=1)
def e() -> Ends:
    """Proven rational bounds of e = Σ 1/k!: each term is less than 1 too small, the
    tail less than 2."""
    scale = term = 1 << ENCLOSURE_BITS
    total = count = 0
    while term:
        total += term
        count += 1
        term //= count
    return Fraction(total, scale), Fraction(total + count + 2, scale)
