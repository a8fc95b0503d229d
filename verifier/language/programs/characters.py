"""Characters of formulas beyond ASCII: what each one stands for, and when two names are
spellings of one."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

LETTERS = (
    "A-Za-z_\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"  # Latin
    "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u03f5\u03f7-\u03ff"  # Greek
    "\u210f\u2113"  # ℏ ℓ
)
"""What a name begins with, as a class of a regular expression."""
SUBSCRIPTS = "\u2080-\u2089\u2090-\u209c\u1d62-\u1d6a\u2c7c"
MARKS = "\u0300-\u036f"
"""Accents that combine with the letter before them."""
SUPERSCRIPTS = (
    "\u2070\u2071\u00b9\u00b2\u00b3\u2074-\u207b\u207d-\u207f\u02b0\u02b2\u02b3\u02b7\u02b8"
    "\u02e1-\u02e3\u1d43-\u1d5b\u1d5d-\u1d5f\u1d9c\u1da0\u1dbb"
)
FRACTIONS = "\u00bc-\u00be\u2150-\u215e"
BLANKS = " \t\u00a0\u2002-\u200a\u202f"
"""Blanks of any width; those of typeset text come along where it is pasted."""
OPERATORS = {
    "×": "*",
    "·": "*",
    "⋅": "*",
    "∙": "*",
    "∗": "*",
    "−": "-",
    "–": "-",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "≤": "<=",
    "⩽": "<=",
    "≥": ">=",
    "⩾": ">=",
    "≠": "!=",
    "∧": "and",
    "∨": "or",
    "¬": "not",
    "^": "**",
}
"""Signs that are written otherwise in Python."""
ROOTS = {"√": "sqrt", "∛": "cbrt"}
CONSTANTS = {"∞": "inf", "π": "pi", "ℯ": "e"}

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        (
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi "
            "omicron pi rho sigma sigma tau upsilon phi chi psi omega"
        ).split(),
        strict=True,
    )
)
GREEK_NAMES = frozenset(_GREEK.values())
"""Names of variables in other people's formulas, whatever function has them too."""
_ALIKE = str.maketrans(
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТХаеорсухі",
    "ABEZHIKMNOPTYXoABEKMHOPCTXaeopcyxi",
)
"""Greek and Cyrillic letters that look like Latin ones."""


@cache
def pronounced(name: str) -> str:
    """What all spellings of a name have in common: `σ₁`, `sigma_1` and `sigma1`."""
    spelled = []
    for character in unicodedata.normalize("NFKC", name):
        small = _GREEK.get(character.lower())
        capital = character.isupper()
        spelled.append(small.capitalize() if small and capital else small or character)
    return "".join(spelled).replace("_", "")


@cache
def drawn(name: str) -> str:
    """What all names have in common that look alike: with a Latin and a Greek A."""
    return unicodedata.normalize("NFKC", name).translate(_ALIKE)


def raised(superscript: str) -> str | None:
    """The exponent that a superscript spells: a number or a name, perhaps with a sign;
    None where it is none."""
    text = unicodedata.normalize("NFKC", superscript).replace("−", "-")
    single = rf"[+-]?(?:[0-9]+|[{LETTERS}]+)"
    return text if re.fullmatch(rf"{single}|\({single}\)", text) else None


def fraction(character: str) -> str:
    """The quotient that `½` spells."""
    return unicodedata.normalize("NFKC", character).replace("⁄", "/")


def code_point(character: str) -> str:
    """A character as a message names it."""
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X} ({name})"


def in_latin(character: str) -> str:
    """The plain character that one looks like, or nothing."""
    plain = drawn(character)
    return (
        plain if plain != character and plain.isascii() and plain.isprintable() else ""
    )
