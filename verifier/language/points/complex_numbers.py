"""Complex numbers (`"1+2j"`, `"-0.0+1j"`, `"1/3 - 2/7j"`) and rectangles (`"[-2, 2] + [-2, 2]j"`) of case files.

Each part is a real number of `language.points`, exact until it is rounded to the component format. A real number has
the imaginary part +0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from verifier import floats
from verifier.errors import ExpressionError
from verifier.language.points import drawing
from verifier.language.points import scalars as points
from verifier.language.points.scalars import Domain, Scalar

_SIDE = rf"([\[(][^\])]*[\])]|{points.NORMAL})"
_RECTANGLE = re.compile(rf"\s*{_SIDE}\s*\+\s*{_SIDE}\s*[jJ]\s*")
_EXPONENT = re.compile(r"[\d.][eE]$|[\da-fA-F.][pP]$")
"""What stands before the sign of an exponent."""
_ORIGIN = points.scalar(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexScalar(Scalar):
    """A complex number as it is written: a `Scalar` that is its real part, with the whole text, and its imaginary."""

    imaginary: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplexDomain(Domain):
    """A rectangle from which points are drawn: a `Domain` of real parts, and one of imaginary parts."""

    real: Domain
    imaginary: Domain

    def __str__(self) -> str:
        return f"{self.real} + {self.imaginary}j"

    @property
    def is_bounded(self) -> bool:
        return self.real.is_bounded and self.imaginary.is_bounded


def is_complex(value: object) -> TypeGuard[str | complex]:
    """Whether a value of a case is meant for a complex number or rectangle: it ends in `j`, or is Python's."""
    return isinstance(value, complex) or (
        isinstance(value, str) and value.rstrip()[-1:] in ("j", "J")
    )


def complex_scalar(value: str | complex) -> ComplexScalar:
    """The number that `value` spells, which ends in `j`, or the pair of binary numbers that it holds.

    Raises `ExpressionError` for what is not a number.
    """
    if isinstance(value, complex):
        text = spell(value, floats.BINARY64)
        return _of_parts(text, points.scalar(value.real), points.scalar(value.imag))
    text = value
    head, tail = _split(text.strip()[:-1].rstrip().removesuffix("*"))
    blank = tail.replace(" ", "") in ("", "+", "-")
    imaginary = points.scalar(_joined(tail) + ("1" if blank else ""))
    return _of_parts(text.strip(), points.scalar(head) if head else _ORIGIN, imaginary)


def _of_parts(text: str, real: Scalar, imaginary: Scalar) -> ComplexScalar:
    if not real.is_finite or not imaginary.is_finite:
        raise ExpressionError(
            f"expected a complex number of finite parts, found `{text[:40]}`."
        )
    return ComplexScalar(
        text=text,
        lower=real.lower,
        upper=real.upper,
        special=real.special,
        imaginary=imaginary,
    )


def _split(text: str) -> tuple[str, str]:
    """What stands before the last sign that is not within a number or a bracket, and the rest."""
    depth = 0
    for index in range(len(text) - 1, 0, -1):
        depth += (text[index] == ")") - (text[index] == "(")
        before = text[:index].rstrip()
        is_sign = (
            text[index] in "+-" and not depth and before[-1:] not in (*"+-*/(", "")
        )
        if is_sign and not _EXPONENT.search(text[:index]):
            return before, text[index:]
    return "", text


def _joined(tail: str) -> str:
    """The imaginary part with its sign beside it, and without a plus."""
    sign, rest = tail[:1], tail[1:].strip()
    return f"{sign.strip('+')}{rest}" if sign in ("+", "-") else tail


def complex_domain(text: str) -> ComplexDomain:
    """The rectangle that `text` spells.

    Raises `ExpressionError` unless its sides are intervals.
    """
    found = _RECTANGLE.fullmatch(text)
    if found is None:
        raise ExpressionError(
            f"expected a rectangle such as `[-2, 2] + [-1, 1]j`, found `{text.strip()[:40]}`."
        )
    real, imaginary = points.domain(found[1]), points.domain(found[2])
    return ComplexDomain(
        lower=real.lower,
        upper=real.upper,
        lower_closed=real.lower_closed,
        upper_closed=real.upper_closed,
        real=real,
        imaginary=imaginary,
    )


def nearest(value: Scalar, format_: floats.Format) -> complex:
    """The complex number nearest to `value`, part by part; of a real number, with the imaginary part +0."""
    real = _part(value).nearest(format_)
    imaginary = (
        value.imaginary.nearest(format_) if isinstance(value, ComplexScalar) else 0.0
    )
    return complex(real, imaginary)


def parts(value: Scalar) -> tuple[Scalar, Scalar]:
    """The real and the imaginary part."""
    if isinstance(value, ComplexScalar):
        return _part(value), value.imaginary
    return value, _ORIGIN


def draw(
    domains: Mapping[str, Domain],
    count: int,
    format_: floats.Format,
    *,
    seed: int,
    name: str,
    how: drawing.Draw = drawing.Draw.VALUES,
) -> list[dict[str, complex]]:
    """`count` points whose parts are numbers of the component format, drawn as real points are.

    The imaginary part of a variable is drawn as a variable of its own; that of a real interval is +0.
    """
    flat: dict[str, Domain] = {}
    for variable, domain in domains.items():
        if isinstance(domain, ComplexDomain):
            flat[variable] = domain.real
            flat[f"{variable}, imaginary"] = domain.imaginary
        else:
            flat[variable] = domain
    drawn = drawing.draw(flat, count, format_, seed=seed, name=name, how=how)
    return [
        {
            variable: complex(point[variable], point.get(f"{variable}, imaginary", 0.0))
            for variable in domains
        }
        for point in drawn
    ]


def spell(value: complex, format_: floats.Format) -> str:
    """The number as `1.0+2.0j`, each part the shortest decimal that the format rounds to it."""
    real, imaginary = (
        floats.shortest(part, format_) for part in (value.real, value.imag)
    )
    sign = "" if imaginary.startswith("-") else "+"
    return f"{real}{sign}{imaginary}j"


def _part(value: Scalar) -> Scalar:
    """The real part as a number of its own."""
    return Scalar(
        text=value.text, lower=value.lower, upper=value.upper, special=value.special
    )
