"""Objects of PyTorch, NumPy and SymPy as the keys of a case hold them."""

from __future__ import annotations

import math
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy
import torch

from verifier.arguments import is_symbolic, name_of, plain
from verifier.errors import ArgumentError
from verifier.language.points.scalars import real_or_complex

X, Y = sympy.symbols("x y")
TENTH = Fraction(0.1)


@pytest.mark.parametrize(
    ("given", "exact"),
    [
        (0.1, TENTH),
        ("0.1", Fraction(1, 10)),
        (Fraction(1, 3), Fraction(1, 3)),
        (Decimal("0.1"), Fraction(1, 10)),
        (Decimal("1E-30"), Fraction(10) ** -30),
        (torch.tensor(0.1, dtype=torch.float64), TENTH),
        (torch.tensor(0.1), Fraction(13421773, 2**27)),
        (torch.tensor(1.1, dtype=torch.bfloat16), Fraction(141, 128)),
        (torch.tensor([[3]]), Fraction(3)),
        (torch.nn.Parameter(torch.tensor(2.5)), Fraction(5, 2)),
        (np.float32(0.1), Fraction(13421773, 2**27)),
        (np.float64(0.1), TENTH),
        (np.int8(-3), Fraction(-3)),
        (np.array([2.5]), Fraction(5, 2)),
        (sympy.Integer(7), Fraction(7)),
        (sympy.Rational(-1, 3), Fraction(-1, 3)),
        (sympy.Float(0.1), TENTH),
        (sympy.Float("0.1", 50), None),
    ],
)
def test_a_number_is_exact(given: Any, exact: Fraction | None) -> None:
    found = real_or_complex(plain(given)).exact  # type: ignore[arg-type]
    if exact is None:
        assert found is not None
        assert 0 < abs(found - Fraction(1, 10)) < Fraction(10) ** -50
    else:
        assert found == exact


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 60, reason="it is no longer than a double here"
)
def test_a_long_number_keeps_its_bits() -> None:
    assert plain(np.longdouble(1) + np.longdouble(2) ** -60) == 1 + Fraction(1, 2**60)


@pytest.mark.parametrize(
    ("given", "lower", "upper"),
    [
        (sympy.pi / 4, 0.785398, 0.785399),
        (sympy.E, 2.71828, 2.71829),
        (2 * sympy.pi, 6.28318, 6.28319),
    ],
)
def test_an_irrational_number_is_enclosed(
    given: Any, lower: float, upper: float
) -> None:
    found = real_or_complex(plain(given))  # type: ignore[arg-type]
    assert lower < found.lower < found.upper < upper


@pytest.mark.parametrize("given", [sympy.oo, np.float32("inf"), torch.tensor(math.inf)])
def test_an_infinity_stays_one(given: Any) -> None:
    assert real_or_complex(plain(given)).special == math.inf  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        1 - 2j,
        np.complex64(1 - 2j),
        torch.tensor(1 - 2j),
        1 - 2 * sympy.I,
    ],
)
def test_a_complex_number_keeps_its_parts(given: Any) -> None:
    parts = real_or_complex(plain(given)).parts  # type: ignore[arg-type]
    assert [part.exact for part in parts] == [1, -2]


def test_a_complex_rational_is_exact() -> None:
    number = real_or_complex(plain(sympy.Rational(1, 3) + sympy.I / 7))  # type: ignore[arg-type]
    assert [part.exact for part in number.parts] == [Fraction(1, 3), Fraction(1, 7)]


def test_parts_and_names_are_converted_within() -> None:
    given = {
        X: np.float32(2),
        "y": (torch.tensor(1.0), sympy.Rational(1, 2)),
        "z": None,
    }
    assert plain(given) == {"x": 2.0, "y": [1.0, "1/2"], "z": None}
    assert plain([X, Y]) == ["x", "y"]
    assert plain(torch.tensor([1.0, 2.0])) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (torch.float32, "float32"),
        (torch.bfloat16, "bfloat16"),
        (torch.complex64, "complex64"),
        (np.float64, "float64"),
        (np.dtype("float16"), "float16"),
        ("float32", "float32"),
        (torch.device("cpu"), "cpu"),
    ],
)
def test_a_dtype_is_its_name(given: Any, name: str) -> None:
    assert plain(given) == name_of(given) == name


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (sympy.Interval(0, 1), "[0, 1]"),
        (sympy.Interval.Lopen(0, sympy.pi), "(0, pi]"),
        (sympy.Interval(0, sympy.oo), "[0, inf)"),
        (sympy.S.Reals, "(-inf, inf)"),
        (X < Y, "(x < y)"),
    ],
)
def test_intervals_and_conditions_are_text(given: Any, text: str) -> None:
    assert plain(given) == text


def test_what_is_sympys_is_known_without_sympy() -> None:
    assert is_symbolic(X)
    assert not is_symbolic(torch.sin)
    code = "import sys; from verifier.arguments import plain; plain({'x': 1.5}); "
    code += "sys.exit(bool({'torch', 'sympy', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: torch.ones((), device="meta"), "meta"),
        (lambda: torch.ones(1).to_sparse(), "sparse"),
        (
            lambda: torch.quantize_per_tensor(torch.ones(1), 0.1, 0, torch.qint8),
            "quantized",
        ),
    ],
)
def test_a_tensor_without_plain_numbers_is_refused(make: Any, kind: str) -> None:
    with pytest.raises(ArgumentError, match=f"a number, found a {kind} tensor"):
        plain({"x": make()})


def test_a_key_that_is_no_name_is_kept_for_the_refusal() -> None:
    assert plain({(): 1, (1,): 2}) == {(): 1, (1,): 2}


def test_no_integer_is_too_long_to_name() -> None:
    assert name_of(2**20_000) == "an integer of 20001 bits"
