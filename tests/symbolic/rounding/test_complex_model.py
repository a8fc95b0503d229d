"""What rounding may do to complex programs: PyTorch stays inside the discs, and they
are no wider than they need."""

from __future__ import annotations

import cmath
import itertools
import math
import random
from fractions import Fraction

import pytest
import torch
from entries import gradient
from rows import HOLOMORPHIC

from verifier import fields
from verifier.automatic import lowering
from verifier.automatic.routes import measure
from verifier.floats import BINARY32, COMPLEX, Format
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import table as operations
from verifier.language.programs import parsing
from verifier.records import VALUE, Disc
from verifier.symbolic.arithmetic import balls
from verifier.symbolic.calculus.chain import Structure
from verifier.symbolic.calculus.complex_chain import ComplexChain
from verifier.symbolic.rounding.complex_model import ComplexRoundingModel
from verifier.symbolic.rounding.program_model import Mode

UNARY = sorted(n for n in HOLOMORPHIC if operations.OPERATIONS[n].arity == 1)
UNIT = Fraction(1, 2**24)


def model(
    text: str,
    format_: Format = BINARY32,
    *,
    limited: bool = False,
    mode: Mode = Mode.REVERSE,
) -> ComplexRoundingModel:
    program = parsing.parse(text)
    return ComplexRoundingModel(
        program, program.inputs, format_, limited_range=limited, mode=mode
    )


def holds(disc: Disc | None, number: complex) -> bool:
    if disc is None:
        return True
    return (
        fields.COMPLEX.distance(
            fields.COMPLEX.of_float(number), (disc.real, disc.imaginary)
        )
        <= disc.radius
    )


def rounded(z: complex, dtype: str) -> complex:
    return complex(torch.tensor(z, dtype=getattr(torch, dtype)).item())


PROGRAMS = [
    *(f"{name}(z)" for name in UNARY),
    "z*z*z - 1/z",
    "exp(z)*sin(z)/(1 + z**2)",
    "(z - 1j)**3 + 0.1*z",
    "z**(1/3)",
    "z**0.5 + z**(-0.5)",
    "1/z**2 - z**(-1) + z**(-2) + z**(-3)",
    "z**2.5*z**4",
    "2**z + z**z",
    "log(1 + exp(z))",
    "z + z*z + z/3 + sqrt(z)",
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("dtype", list(COMPLEX))
@pytest.mark.parametrize("text", PROGRAMS)
def test_pytorch_stays_inside(text: str, dtype: str, mode: Mode) -> None:
    source = random.Random(text)
    points = [
        {"z": rounded(complex(source.uniform(-3, 3), source.uniform(-3, 3)), dtype)}
        for _ in range(12)
    ]
    program = parsing.parse(text)
    upstream = 0.5 - 0.25j
    found = measure(program, points, upstream, dtype=dtype, wrt=["z"], route=mode.value)
    assert found.failure is None
    spreads = model(text, COMPLEX[dtype], mode=mode)
    for index, point in enumerate(points):
        spread = spreads.spread(point, upstream).reach
        assert spread[VALUE] is not None
        assert spread[gradient("z")] is not None
        assert holds(spread[VALUE], found.values[index])
        assert holds(spread[gradient("z")], found.gradient["z"][index])


@pytest.mark.parametrize(
    ("text", "units"),
    [("z", 0), ("-z", 0), ("z + w", 1), ("z*w", 2.25), ("z/w", 8), ("exp(z)", 8)],
)
def test_one_operation_has_the_bound_that_is_stated(text: str, units: float) -> None:
    disc = model(text).spread({"z": 0.75 + 1.25j, "w": -1.5 + 0.625j}, 1).reach[VALUE]
    assert disc is not None
    size = abs(complex(disc.real, disc.imaginary))
    assert float(disc.radius / UNIT) <= units * size * (1 + 1e-6)


def test_a_chain_of_products_grows_by_sums_and_not_by_wrapping() -> None:
    """Rectangles would grow by √2 a turn: 40 turns by an eighth cost 40 products and
    literals, of some 7u."""
    text = "z" + "*(0.7071 + 0.7071j)" * 40
    disc = model(text).spread({"z": 1 + 1j}, 1).reach[VALUE]
    assert disc is not None
    size = abs(complex(disc.real, disc.imaginary))
    assert float(disc.radius / UNIT) <= 40 * 7 * size


@pytest.mark.parametrize("mode", Mode)
def test_a_factor_of_one_and_a_few_ulps_is_outside(mode: Mode) -> None:
    z = 0.75 + 1.25j
    slope = model("z*z", mode=mode).spread({"z": z}, 1).reach[gradient("z")]
    true = 2 * z.conjugate()
    assert holds(slope, true)
    assert not holds(slope, true * (1 + 2.0**-18))
    assert not holds(slope, true.conjugate())


@pytest.mark.parametrize("text", ["sqrt(z*w)", "log(z*w)", "asin(z + 1)"])
def test_next_to_a_cut_rounding_may_take_either_side(text: str) -> None:
    point = {"z": 2j, "w": 1j * cmath.exp(1e-9j)}
    assert (
        model(text).spread({"z": point["z"], "w": rounded(point["w"], "complex64")}, 1)
        is not None
    )
    spread = model("sqrt(z*w)").spread(
        {"z": 3 + 0.1j, "w": rounded(-1 / (3 + 0.1j), "complex64")}, 1
    )
    assert spread.reach[VALUE] is None


def test_on_a_cut_real_arithmetic_keeps_the_side() -> None:
    spread = model("sqrt(z - 3)").spread({"z": 1 + 0j}, 1)
    assert holds(spread.reach[VALUE], 2**0.5 * 1j)
    assert not holds(spread.reach[VALUE], -(2**0.5) * 1j)
    assert spread.reach[VALUE] is not None


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("reciprocal(z)", 1e25 + 0j),
        ("reciprocal(z)", 1e-25j),
        ("z*z", 1e20 + 1e20j),
        ("exp(z)", 100 + 1j),
        ("sigmoid(z)", -100 + 1j),
    ],
)
def test_a_limited_range_knows_overflow_on_the_way(text: str, point: complex) -> None:
    point = rounded(point, "complex64")
    assert model(text).spread({"z": point}, 1).reach[VALUE] is not None
    assert model(text, limited=True).spread({"z": point}, 1).reach[VALUE] is None


def test_the_formulas_of_their_own_are_of_rows_that_have_others() -> None:
    own = [kernel for kernel in PYTORCH.values() if kernel.complex_backward]
    assert own
    for kernel in own:
        assert len(kernel.complex_backward) == len(kernel.backward)
        assert kernel.complex_backward != kernel.backward


ZEROS = [complex(a, b) for a in (0.0, -0.0, 2, -3) for b in (0.0, -0.0, 2, -3)]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9])
@pytest.mark.parametrize(
    "text",
    [
        "z + w",
        "z - w",
        "z*w",
        "square(z)",
        "z**2",
        "-z",
        "z*(-2)",
        "3 - z",
        "z - 3",
        "2j*z",
        "(z - w)*w",
        "identity(z)",
    ],
)
def test_a_sign_of_zero_that_is_said_to_be_known_is_pytorch_s(
    text: str, count: int
) -> None:
    """In kernels of one number and of many, which differ in the sign of a negated
    zero."""
    program = parsing.parse(text)
    structure, output = Structure.of(program), program.output
    lowered = {dtype: lowering.Lowered(program, dtype) for dtype in COMPLEX}
    known = 0
    for z, w in itertools.product(ZEROS, ZEROS):
        point = {"z": z, "w": w}
        with balls.workprec(80):
            chain = ComplexChain(structure, point)
            whole = chain.forward()[output].ball
        for dtype in COMPLEX:
            given = {
                name: torch.tensor([number] * count, dtype=lowering.DTYPES[dtype])
                for name, number in point.items()
            }
            nodes = lowered[dtype].run(given)
            found = complex(nodes[lowered[dtype].program.output][-1])
            for part, ball, sign in zip(
                (found.real, found.imag),
                (whole.real, whole.imag),
                chain.signs[output],
                strict=True,
            ):
                assert not sign or (ball.is_zero() and part == 0)
                assert not sign or math.copysign(1, part) == sign
                known += bool(sign)
    assert known
