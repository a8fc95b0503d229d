"""What FPCore's words mean: precisions, properties, bindings and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn

from verifier.errors import FormulaFileError, Place
from verifier.language.importers.sexpr import Atom, Datum, Group, Kind
from verifier.language.points.scalars import LARGEST_NUMBER_BITS
from verifier.language.programs.constants import LARGEST_CONSTANT_BITS

_PARTS = re.compile(
    r"([+-]?)(?:0x([\da-f]*)\.?([\da-f]*)(?:p([+-]?\d+))?|(\d*)\.?(\d*)(?:e([+-]?\d+))?|(\d+)/(\d+))"
)
"""Of a number: sign; whole, part, power; digits, places, exponent; top, bottom."""

PRECISIONS = {
    "binary16": "float16",
    "binary32": "float32",
    "binary64": "float64",
    "bfloat16": "bfloat16",
    "(float 5 16)": "float16",
    "(float 8 32)": "float32",
    "(float 11 64)": "float64",
    "(float 8 16)": "bfloat16",
}
"""FPCore's precisions that are dtypes of PyTorch's."""


def refuse(message: str, datum: Datum) -> NoReturn:
    raise FormulaFileError(message, place=Place(line=datum.line, column=datum.column))


def precision(datum: Datum) -> str:
    """A precision as text. Refuses those that round to integers or a fixed point:
    another function altogether."""
    words = " ".join(
        atom.text
        for atom in (datum.items if isinstance(datum, Group) else [datum])
        if isinstance(atom, Atom)
    )
    if words.split(" ")[0] in ("integer", "fixed"):
        refuse(f"the precision `{words}` rounds to integers or a fixed point", datum)
    return f"({words})" if isinstance(datum, Group) else words


def properties(
    items: Sequence[Datum],
) -> tuple[list[tuple[str, Datum]], Sequence[Datum]]:
    """The properties that come first, by name and value, and what follows them."""
    pairs: list[tuple[str, Datum]] = []
    at = 0
    while at < len(items):
        item = items[at]
        if (
            not isinstance(item, Atom)
            or item.kind is not Kind.SYMBOL
            or not item.text.startswith(":")
        ):
            break
        if at + 1 == len(items):
            refuse(f"expected a value after `{item.text}`, found none", item)
        pairs.append((item.text[1:], items[at + 1]))
        at += 2
    return pairs, items[at:]


def binding(datum: Datum) -> tuple[str, Datum]:
    if isinstance(datum, Group) and len(datum.items) == 2:
        name, value = datum.items
        if isinstance(name, Atom) and name.kind is Kind.SYMBOL:
            return name.text, value
    refuse("expected `[name value]`", datum)


def number(atom: Atom) -> Fraction:
    """The rational that a number of FPCore's spells."""
    if len(atom.text) > 4000:
        refuse("a number of more than 4000 characters", atom)
    match = _PARTS.fullmatch(atom.text.lower())
    assert match is not None
    sign, whole, part, power, digits, places, exponent, top, bottom = match.groups()
    scale = power or exponent or "0"
    if len(scale) > 6 or abs(int(scale)) > LARGEST_CONSTANT_BITS:
        refuse(f"the exponent of `{atom.text[:40]}` is too large", atom)
    if top is not None:
        value = Fraction(int(top), int(bottom))
    elif whole is not None:
        value = int(whole + part, 16) * Fraction(2) ** (int(scale) - 4 * len(part))
    else:
        value = int(digits + places) * Fraction(10) ** (int(scale) - len(places))
    if max(map(int.bit_length, value.as_integer_ratio())) > LARGEST_NUMBER_BITS:
        refuse(f"a number of more than {LARGEST_NUMBER_BITS} bits", atom)
    return -value if sign == "-" else value
