"""Formulas as people write them: each is read as what it means, or refused in words
that say what to write."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import sympy
import torch
from mpmath import mp
from trees import place, tree

from verifier.automatic.lowering import Lowered
from verifier.errors import ExpressionError, VerifierError
from verifier.language.casefile.loading import from_mapping
from verifier.language.kernels.table import PYTORCH
from verifier.language.operations import spellings
from verifier.language.operations import table as operations
from verifier.language.operations.libraries import BY_PREFIX
from verifier.language.programs.parsing import parse, parse_condition, parse_steps
from verifier.language.programs.printing import render

POINT = {"x": "0.75", "y": "2.5", "z": "1.25"}

ACCEPTED: dict[str, Callable[..., object]] = {
    # signs
    "x^2": lambda x: x**2,
    "-x^2 + 2^-x": lambda x: -(x**2) + 2**-x,
    "x^y^2": lambda x, y: x ** (y**2),
    "x^2*y + 1": lambda x, y: x**2 * y + 1,
    "x × y · 2 ÷ z − 1": lambda x, y, z: x * y * 2 / z - 1,
    "2⋅x ∗ y": lambda x, y: 2 * x * y,
    "x² + y³ + x⁻¹ + 2ˣ + zⁿ": lambda x, y, z, n: x**2 + y**3 + 1 / x + 2**x + z**n,
    "(x + 1)² − x⁻²": lambda x: (x + 1) ** 2 - x**-2,
    "x⁽⁻²⁾ + y¹⁰": lambda x, y: x**-2 + y**10,
    "x⁽⁻ⁿ⁾ + 0*n": lambda x, n: x**-n,
    "sum(xᵏ for k in range(1, 4))": lambda x: x + x**2 + x**3,
    "torch.max(x, y)": lambda x, y: max(x, y),
    "√x + √(x + 1) + √2 + ∛y": lambda x, y: (
        mp.sqrt(x) + mp.sqrt(x + 1) + mp.sqrt(2) + mp.cbrt(y)
    ),
    "√√x * √sin(x)": lambda x: mp.root(x, 4) * mp.sqrt(mp.sin(x)),
    "½*x + ¾": lambda x: x / 2 + mp.mpf(3) / 4,
    "π*x": lambda x: mp.pi * x,
    "e^x + ℯ": lambda x: mp.exp(x) + mp.e,
    "min(x, ∞)": lambda x: x,
    "x\u00a0+ y": lambda x, y: x + y,
    "x % y": lambda x, y: x - y * mp.floor(x / y),
    "-x % y": lambda x, y: -x - y * mp.floor(-x / y),
    "y // x": lambda x, y: mp.floor(y / x),
    # conditions
    "x*(x > 0)": lambda x: x,
    "y*(x > 1)": lambda y: 0,
    "1 - (x ≥ 1)": lambda x: 1,
    "-(x < 1)": lambda x: -1,
    "y*(x > 0)*(x < 1)": lambda y: y,
    "y*((x > 0) & (x < 1))": lambda y: y,
    "y*((x > 1) | ~(x > 2))": lambda y: y,
    "where(x > 0 ∧ ¬(x > 1), y, z)": lambda y: y,
    "y*(0 < x <= 1)": lambda y: y,
    "y + (x ≠ 1)": lambda y: y + 1,
    # more operands, and formulas by a name
    "hypot(x, y, z)": lambda x, y, z: mp.sqrt(x**2 + y**2 + z**2),
    "math.hypot(x, y, z)": lambda x, y, z: mp.sqrt(x**2 + y**2 + z**2),
    "max(x, y, z) - Min(x, y, z)": lambda x, y: y - x,
    "logsumexp(x, y, z)": lambda x, y, z: mp.log(mp.exp(x) + mp.exp(y) + mp.exp(z)),
    "factorial(x)": lambda x: mp.factorial(x),
    "x + factorial(20)": lambda x: x + 2432902008176640000,
    "heaviside(x, 1/2) + heaviside(-x, 1/2)": lambda: 1,
    "heaviside(0, y)": lambda y: y,
    "Heaviside(x - x)": lambda: 0.5,
    "sum(x**k/factorial(k) for k in range(1, 11))": lambda x: mp.nsum(
        lambda k: x**k / mp.factorial(k), [1, 10]
    ),
    "Sum(x**k, (k, 1, 10))": lambda x: mp.nsum(lambda k: x**k, [1, 10]),
    "prod(x + k for k in range(0, 10, 3))": lambda x: x * (x + 3) * (x + 6) * (x + 9),
    "sp.Product(x + k, (k, 1, 4))": lambda x: mp.rf(x + 1, 4),
    "sum(sum(x**i*y**k for k in range(i)) for i in range(4))": lambda x, y: sum(
        x**i * y**k for i in range(4) for k in range(i)
    ),
    "y + sum(x for k in range(3, 1))": lambda y: y,
    "y*prod(x for k in range(0))": lambda y: y,
    # other libraries
    "torch.sin(x) + torch.special.erf(y)": lambda x, y: mp.sin(x) + mp.erf(y),
    "np.exp(x)*math.pi + numpy.e": lambda x: mp.exp(x) * mp.pi + mp.e,
    "F.softplus(x)": lambda x: mp.log1p(mp.exp(x)),
    "nn.functional.softplus(x, beta=2)": lambda x: mp.log1p(mp.exp(2 * x)) / 2,
    "sp.sin(x) + sympy.Abs(-y)": lambda x, y: mp.sin(x) + y,
    "np.sinc(x)": lambda x: mp.sinc(mp.pi * x),
    "sp.sinc(x)": lambda x: mp.sinc(x),
    "scipy.special.gammaln(x)": lambda x: mp.loggamma(x),
    "scipy.special.jv(1, x)": lambda x: mp.besselj(1, x),
    "scipy.special.iv(0, x)": lambda x: mp.besseli(0, x),
    "scipy.special.xlogy(x, y) + special.entr(x)": lambda x, y: (
        x * mp.log(y) - x * mp.log(x)
    ),
    "jnp.log1p(x) + jax.nn.swish(x)": lambda x: mp.log1p(x) + x / (1 + mp.exp(-x)),
    "np.power(x, 2) + np.square(y)": lambda x, y: x**2 + y**2,
    "np.arctan2(x, y)": lambda x, y: mp.atan2(x, y),
    "np.where(x > 0, y, z) + np.maximum(x, y)": lambda y: 2 * y,
    "np.mod(-x, y)": lambda x, y: y - x,
    "math.log(x, 2) + torch.log2(x)": lambda x: 2 * mp.log(x, 2),
    "math.fabs(-x) + math.degrees(y)": lambda x, y: x + mp.degrees(y),
    "sp.Heaviside(x)": lambda: 1,
    "sp.Piecewise((x, x > 1), (y, True))": lambda y: y,
    # names
    "lambda*x": lambda x: x * mp.mpf("0.5"),
    "Γ(y) + ψ(y)": lambda y: mp.gamma(y) + mp.digamma(y),
    # exports of symbolic regression
    "mult(plus(x, y), minus(x, z))": lambda x, y, z: (x + y) * (x - z),
    "inv(x) + neg(y) + sub(x, y) + div(x, y)": lambda x, y: 1 / x - y + x - y + x / y,
    "cube(x) + square(y) + pow2(x) + pow3(y)": lambda x, y: x**3 + y**2 + x**2 + y**3,
    "log_abs(-x) + sqrt_abs(-y)": lambda x, y: mp.log(x) + mp.sqrt(y),
    "safe_log(x) + safe_sqrt(y)": lambda x, y: mp.log(x) + mp.sqrt(y),
    "aq(x, y) + powabs(-x, y)": lambda x, y: x / mp.sqrt(1 + y**2) + x**y,
    "cond(x, y) + gaussian1(x) + gaussian2(x, y)": lambda x, y: (
        y + mp.exp(-(x**2)) + mp.exp(-(x**2) - y**2)
    ),
    "atanh_clip(y) + sig(x)": lambda x, y: (
        mp.atanh((y + 1) % 2 - 1) + 1 / (1 + mp.exp(-x))
    ),
    "artanh(x) + arsinh(y) + arcosh(y)": lambda x, y: (
        mp.atanh(x) + mp.asinh(y) + mp.acosh(y)
    ),
    "exp10(x) + trigamma(y)": lambda x, y: 10**x + mp.psi(1, y),
}
"""Spellings, and what they are at `POINT` to another library."""


def value_of(text: str, **values: str) -> float:
    """The formula as PyTorch computes it, in double precision."""
    given = {**POINT, "n": "3", "lambda": "0.5", **values}
    program = parse(text, variables=given)
    lowered = Lowered(program, "float64")
    inputs = {
        name: torch.tensor(float(given[name]), dtype=torch.float64)
        for name in program.inputs
    }
    return float(lowered.tensor(lowered.run(inputs)[lowered.program.output]))


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_spelling_is_read_as_what_it_means(text: str) -> None:
    witness = ACCEPTED[text]
    given = {**POINT, "n": "3"}
    names = witness.__code__.co_varnames[: witness.__code__.co_argcount]
    expected = witness(*(mpmath.mpf(given[name]) for name in names))
    assert value_of(text) == pytest.approx(float(expected), rel=1e-10)


REFUSED: dict[str, tuple[int, str]] = {
    # no operator
    "2x": (2, "Write the product as `2*x`"),
    "2 x": (3, "Write the product as `2*x`"),
    "2(x+1)": (2, "Write the product as `2*(…)`"),
    "(x+1)(x-1)": (6, "Write the product as `(…)*(…)`"),
    "x(y+1)": (1, "Write the product as `x*(…)`"),
    "q(y+1)": (1, "Write a product as `q*(…)`"),
    "x y": (3, "Write the product as `x*y`"),
    "2√x": (2, "Write the product as `2*√(…)`"),
    "sin x": (5, "Write `sin(x)`"),
    "ln x + 1": (4, "Write `ln(x)`"),
    "sin²(x)": (4, "Write `sin(x)**2`"),
    "sin^2(x)": (4, "Write `sin(x)**2`"),
    "sin^-1(x)": (4, "Write `asin(x)` for the inverse"),
    "x²ⁿ": (2, "Write the power with `**`"),
    "√x²": (3, "Write `sqrt(x**2)` or `sqrt(x)**2`"),
    "√-x": (2, "Write `√(…)`"),
    "x²^y": (2, "Write `(x²)**y`"),
    "²": (1, "expected an operand before `²`"),
    # signs
    "|x|": (1, "Write an absolute value as `abs(x)`"),
    "x + |x - y|": (5, "Write an absolute value as `abs(x - y)`"),
    "‖x‖": (1, "Write a length as `hypot(x, y)`"),
    "x!": (2, "Write a factorial as `factorial(x)`"),
    "!x": (1, "Write negation as `not p`"),
    "[x+1]*2": (1, "Write parentheses `(…)`"),
    "{x+1}*2": (1, "Write parentheses `(…)`"),
    "Sin[x]": (4, "Write `sin(…)`"),
    "x_{1}": (3, "Write an index as `x_1`"),
    "2 sin(x)": (3, "Write the product as `2*sin(…)`"),
    "ln|x|": (3, "Write an absolute value as `abs(x)`"),
    "If[x > 0, x, 0]": (3, "where(condition, a, b)"),
    "POWER(x;2)": (8, "Write a comma between arguments"),
    "³√x": (1, "a cube root as `cbrt(x)`"),
    "x %% y": (3, "Write a remainder as `%`"),
    "std::exp(x)": (4, "Write the name alone"),
    "1//2*x": (1, "Write `/`, or `floor(a/b)`"),
    "torch.clamp(x, min=0)": (1, "clamp_min(x, a)"),
    "log(x, base=2)": (1, "Give them in order"),
    "y'": (2, "holds no derivatives"),
    "d/dx": (1, "holds no derivatives"),
    "d/dx(x^2)": (1, "holds no derivatives"),
    "∂f/∂x": (1, "holds no derivatives"),
    "∫ x": (1, "Write it out"),
    "∑ x": (1, "sum(x**k for k in range(1, 11))"),
    "x ± y": (3, "one formula for each sign"),
    "⌊x⌋": (1, "floor(x)"),
    "5%": (2, "Write percents as `x/100`"),
    "5% * x": (2, "Write 5 percent as `5/100`"),
    "30°": (3, "deg2rad(x)"),
    "x <> y": (3, "Write inequality as `!=`"),
    "x && y": (3, "Write it as `and`"),
    "x || y": (3, "Write it as `or`"),
    "x ? y : z": (3, "where(condition, a, b)"),
    "x .* y": (3, "Write it without the point, as `*`"),
    "exp.(x)": (4, "Write the call without the point"),
    "x @ y": (3, "Write a product as `*`"),
    "x;": (2, "Drop it"),
    "$x$": (1, "Drop it"),
    "x > 0 & x < 1": (5, "put each in parentheses"),
    # numbers
    "1,000": (2, "Write `1000` without the comma"),
    "1,5": (2, "Write a decimal with a point: `1.5`"),
    "max(1,000)": (7, "Write `1000` without the comma"),
    "1 000": (3, "Write one number without blanks"),
    "1.2.3": (4, "one point at most"),
    "1.5e": (4, "Write `1.5e0`, or the product with e as `1.5*e`"),
    "007": (1, "Write `7`"),
    # sides and ends
    "y = x + 1": (3, "Write what stands to its right alone"),
    "f(x) = x": (6, "Write what stands to its right alone"),
    "x == 1": (1, "Write an equation as the difference of its sides"),
    "=x*2": (1, "found `=` before it. Drop it"),
    "x + 1,": (6, "Drop it"),
    "(x + 1": (1, "Close it"),
    "x + 1)": (6, "Drop it"),
    "x +": (3, "expected an operand after `+`"),
    "x * / y": (5, "expected an operand between `*` and `/`"),
    "()": (2, "found nothing"),
    "return x": (1, "found Python's `return`"),
    "lambda x: x": (1, "found Python's `lambda`"),
    # LaTeX
    r"\frac{x}{y}": (1, "Write a quotient as `(a)/(b)`"),
    r"\sin(x)": (1, "Write `sin(x)` without the backslash"),
    r"2 \cdot x": (3, "Write a product as `*`"),
    r"\alpha": (1, "Write `alpha` without the backslash"),
    r"\sqrt{x}": (1, "Write a root as `sqrt(x)`"),
    # conditions
    "(x > 0) + (y > 0)": (1, "where(condition, 1, 0)"),
    "(x > 0) - (x < 0)": (1, "where(condition, 1, 0)"),
    "x > 0": (1, "where(…, 1, 0)"),
    "if(x > 0, y, z)": (1, "Write `where(condition, a, b)`"),
    "IF(x > 0, y, z)": (1, "where(condition, a, b)"),
    # sums
    "sum(x)": (1, "sum(x**k for k in range(1, 11))"),
    "sum(x*k for k in range(n))": (24, "expected an integer as an end"),
    "Sum(x**k, (k, 1, oo))": (18, "expected an integer as an end"),
    "Sum(x)": (1, "`Sum(x**k, (k, 1, 10))`"),
    "sum(x for k in range(20000))": (1, "at most 10000 terms"),
    "sum(x for k in range(9) if k)": (28, "expected no `if`"),
    "sum(x for k in y)": (16, "range(1, 11)"),
    "factorial(-1)": (1, "expected the factorial of an integer"),
    # other libraries
    "x.exp()": (1, "Write `exp(x)`"),
    "x.pow(2)": (1, "Write `pow(x, …)`"),
    "nn.ReLU()(x)": (10, "relu(x)"),
    "np.max(x)": (1, "maximum(x, y)"),
    "torch.max(x, 0)": (1, "`torch.max(x, 0)` is along a dimension"),
    "np.log(x, 2)": (1, "`log` takes 1 operand (x), found 2"),
    "x²y": (3, "Write the product as `x²*y`"),
    "np.foo(x)": (1, "unknown operation `np.foo`"),
    "np.sine(x)": (1, "Did you mean `np.sin`?"),
    "Math.sin(x)": (1, "Write `sin(…)`"),
    "torch.logsumexp(x, 0)": (1, "logsumexp(a, b)"),
    "math.remainder(x, y)": (1, "x - y*rint(x/y)"),
    "math.tau*x": (1, "Write `2*pi`"),
    "sp.cbrt(x)": (1, "x**(1/3)"),
    "sp.frac(x)": (1, "x - floor(x)"),
    "scipy.special.kl_div(x, y)": (1, "x*log(x/y) - x + y"),
    "scipy.special.huber(x, y)": (1, "huber_loss(r, 0, delta)"),
    "scipy.stats.norm.cdf(x)": (1, "ndtr(x)"),
    "jax.nn.gelu(x)": (1, "gelu_tanh(x)"),
    "F.gelu(x, approximate='tanh')": (23, "gelu_tanh(x)"),
    "F.mse_loss(x, y, reduction='sum')": (28, "Leave `reduction` out"),
    "F.mse_loss(x, y, reduction=1)": (18, "Drop it"),
    "x.y": (1, r"an attribute (`x.y`)"),
    # names of elsewhere
    "softmax(x)": (1, "exp(x)/(exp(x) + exp(y))"),
    "Phi(x)": (1, "ndtr(x)"),
    "normcdf(x)": (1, "ndtr(x)"),
    "integrate(x)": (1, "holds no integrals"),
    "diff(x)": (1, "takes derivatives itself"),
    "mod(x, y)": (1, "remainder(x, y)"),
    "lg(x)": (1, "log10(x)"),
    "tg(x)": (1, "tan(x)"),
    "ATAN2(x, y)": (1, "atan2(y, x)"),
    "LOG(x)": (1, "log10(x)"),
    "slog(x)": (1, "log(abs(x))"),
    "pdiv(x, y)": (1, "where(abs(y) > 0.001, x/y, 1)"),
    "SQRT(x)": (1, "Did you mean `sqrt`?"),
    "pi()": (1, "without parentheses"),
    "mult(x)": (1, "`mult` takes 2 operands (x, y), found 1"),
    "hypot(x)": (1, "takes 2 operands"),
    # characters
    "\u0445 + 1": (1, "U+0445 (CYRILLIC SMALL LETTER HA). Write `x`"),
    "\uff53in(x)": (1, "Write `s`"),
    "\U0001d465 + 1": (1, "Write `x`"),
    "x\u200b + 1": (2, "U+200B (ZERO WIDTH SPACE). Remove it"),
    "x\0": (2, "U+0000"),
    "µ + μ": (5, "two spellings of one name"),
    "x1 + x₁": (6, "two spellings of one name"),
    "α + alpha": (5, "two spellings of one name"),
    "A + Α": (5, "look alike"),
}
"""Where the caret stands, and what is said."""


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused_says_what_to_write(text: str) -> None:
    column, message = REFUSED[text]
    names = ["x", "y", "z", "n", "µ", "μ", "x1", "x₁", "α", "alpha", "A", "Α"]
    with pytest.raises(ExpressionError) as caught:
        parse(text, variables=names)
    assert message in caught.value.message.split("\n")[0]
    assert caught.value.place.column == column
    *_, shown, caret = str(caught.value).split("\n")
    assert caret.index("^") == 4 + column - 1
    assert len(shown) == 4 + len(text)


@pytest.mark.parametrize(
    "name", ["expint", "zeta", "ellipk", "softmax", "integrate", "Phi", "dot", "norm"]
)
def test_nothing_is_suggested_that_means_something_else(name: str) -> None:
    if operations.find(name) is None:
        with pytest.raises(ExpressionError) as caught:
            parse(f"{name}(x)")
        assert "Did you mean" not in caught.value.message


# ── names ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("σ", "sigma"),
        ("Δx", "Delta_x"),
        ("x₁", "x_1"),
        ("x₁", "x1"),
        ("λ", "lambda"),
        ("σ₁₂", "sigma_12"),
        ("µ", "μ"),
        ("ϕ", "φ"),
        ("ξᵢ", "xi_i"),
    ],
)
def test_another_spelling_of_a_declared_name_is_that_variable(
    written: str, declared: str
) -> None:
    program = parse(f"2*{written} + {written}", variables=[declared])
    assert program.inputs == (declared,)
    assert parse(f"2*{written}", variables=[written]).inputs == (written,)
    assert parse(f"2*{written}").inputs == (written,)


def test_names_of_plain_letters_stay_apart() -> None:
    program = parse("x1 + x_1", variables=["x1", "x_1"])
    assert program.inputs == ("x1", "x_1")
    with pytest.raises(ExpressionError, match="`x1` has no value"):
        parse("x1 + y", variables=["x_1", "y"])


def test_where_two_declared_names_are_meant_none_is() -> None:
    with pytest.raises(ExpressionError, match="`x₁` has no value"):
        parse("x₁", variables=["x1", "x_1"])


def test_a_step_may_have_a_letter_of_any_alphabet_as_name() -> None:
    program = parse_steps("  σ = x^2\n  λ = √σ\n", variables=["x"])
    assert list(program.steps) == ["σ", "λ"]
    assert tree(program) == ("sqrt", ("pow", "x", 2))
    assert program.text(program.output) == "√σ"


def test_what_is_shown_of_a_part_is_how_it_was_written() -> None:
    program = parse("√(x² + 1) × y₁^2")
    texts = [program.text(index) for index in range(len(program.nodes))]
    assert texts[-1] == "√(x² + 1) × y₁^2"
    assert {"√(x² + 1)", "x²", "x² + 1", "y₁^2"} <= set(texts)
    assert place(program, program.output) == (1, 1, 1, 17)
    assert render(program) == "sqrt(x**2 + 1) * y₁**2"


def test_steps_stand_in_lines_or_between_semicolons() -> None:
    program = parse_steps("b = a + 2; c = b^2;\n d = c; ")
    assert list(program.steps) == ["b", "c", "d"]
    with pytest.raises(ExpressionError, match=r"line 2: expected an operand between"):
        parse_steps("b = a\nc = b +; d = c")
    assert list(parse_steps("b = a + 1; in = 2*b").steps) == ["b", "in"]


# ── what other libraries' names mean ──────────────────────────────────────────────────

MODULES = {
    "torch": torch,
    "torch.special": torch.special,
    "F": torch.nn.functional,
    "np": np,
    "math": math,
    "sp": sympy,
}
FORMS = {"Add", "Eq", "Ge", "Gt", "ITE", "Le", "Lt", "Mul", "Ne", "Not", "And", "Or"} | {
    "Piecewise", "Pow", "Product", "Rational", "Sum", "factorial", "where", "threshold",
    "prelu", "clamp", "clip", "clamp_max", "clamp_min", "addcdiv", "addcmul", "lerp",
    "gaussian_nll_loss", "margin_ranking_loss", "rsub", "polygamma", "mvlgamma",
    "multigammaln", "ldexp", "besseli", "besselj", "besselk", "bessely", "rrelu",
    "prod", "zeta", "assoc_laguerre", "chebyshevt", "chebyshevu", "gegenbauer", "hermite",
    "hermite_prob", "jacobi", "laguerre", "legendre",
    *(name for name in dir(torch.special) if "_polynomial_" in name),
}  # fmt: skip
"""Of other operands than one or two numbers, checked by rows above or of the table."""


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("prefix", MODULES)
def test_a_name_of_a_library_means_what_the_library_computes(prefix: str) -> None:
    library, module = BY_PREFIX[prefix], MODULES[prefix]
    checked = 0
    for name in sorted({*library.same, *library.called}):
        ours = library.called.get(name, name)
        row = operations.find(ours)
        if not hasattr(module, name) or name in FORMS:
            continue  # of another version of the library
        if row is None and ours not in spellings.COMPOSED:
            continue  # which the table has not yet
        if row is not None and (row.is_condition or PYTORCH[row.name].absent):
            continue
        function = getattr(module, name)
        count = len(row.tensors) if row else len(spellings.COMPOSED[ours].operands)
        for x, y in ((0.625, 0.4375), (0.3125, 0.75), (1.75, 2.25)):
            numbers = [x, y][:count]
            given = numbers
            if prefix in ("torch", "torch.special", "F"):
                given = [
                    torch.tensor(number, dtype=torch.float64) for number in numbers
                ]
            try:
                with np.errstate(invalid="ignore"):
                    theirs = float(function(*given))
            except (TypeError, ValueError, RuntimeError):
                continue  # outside the domain
            text = f"{prefix}.{name}({', '.join('xy'[:count])})"
            mine = value_of(text, x=str(x), y=str(y))
            if math.isnan(theirs):
                assert math.isnan(mine), text
            else:
                assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-12), text
            checked += 1
    assert checked > len(library.same) // 2


def test_no_name_of_a_formula_is_that_of_an_operation_or_of_another_tool() -> None:
    for name in spellings.COMPOSED:
        assert operations.find(name) is None
        assert name not in spellings.FOREIGN


# ── cases ─────────────────────────────────────────────────────────────────────────────


def test_a_condition_may_name_a_variable_that_the_formula_lacks() -> None:
    domain = {"x": "[0, 1]", "y": "[0, 1]"}
    case = from_mapping({"expression": "x^2", "domain": domain, "where": "y > x"})
    assert case.arguments == case.wrt == ("x", "y")
    fixed = from_mapping(
        {"expression": "x^2", "domain": {"x": "[0, 1]"}, "at": {"c": 1}, "where": "x<c"}
    )
    assert set(fixed.fixed) == {"c"}
    with pytest.raises(VerifierError, match="`y` does not occur in the formula"):
        from_mapping({"expression": "x^2", "domain": domain})


def test_a_formula_without_variables_has_those_that_are_declared() -> None:
    assert from_mapping({"expression": "pi/4", "at": {"x": 1}}).wrt == ("x",)
    with pytest.raises(VerifierError, match="Give one in `at` or `domain`"):
        from_mapping({"expression": "pi/4"})


def test_a_condition_takes_the_same_spellings() -> None:
    program = parse_condition("0 < x^2 ≤ 1 and (x ≠ ½)", variables=["x"])
    assert render(program) == "0 < x**2 and x**2 <= 1 and x != 1 / 2"


@pytest.mark.parametrize(
    "said",
    [
        {"expression": "x + \ud800", "at": {"x": 1}},
        {"expression": "x", "at": {"\ud800": 1}},
        {"expression": "x", "at": {"x": "\ud800"}},
        {"expression": "x\0", "at": {"x": 1}, "where": "\ud800"},
        {"name": "\ud800", "expression": "x", "at": {"x": 1}},
    ],
)
def test_half_characters_are_refused_in_words_that_can_be_written(
    said: dict[str, object],
) -> None:
    with pytest.raises(VerifierError) as caught:
        from_mapping(said)
    assert str(caught.value).encode()


# ── whatever is typed ─────────────────────────────────────────────────────────────────

PIECES = [
    *"xyσ₁²√×·−÷π∞≤≠()[]{}|!%^&~,;:.='\"\\$#@?_ \n\t0123456789",
    *("sin", "lambda", "for", "in", "range(", "sum(", "if", "else", "not", "and", "e"),
    *("**", "//", "<=", "==", "torch.", "np.exp", "Piecewise(", "1e999999", "\0", "\ud800"),
    *("\u0301", "½", "ⁿ", "Γ", "x_{1}", "d/dx", "Sum(", "(k, 1, 3)", "factorial(", "None"),
    "9" * 50,
]  # fmt: skip


def test_five_thousand_mutations_are_programs_or_errors_of_ours() -> None:
    draw = random.Random(7)
    seeds = [*ACCEPTED, *REFUSED]
    for _ in range(5_000):
        text = draw.choice(seeds)
        for _ in range(draw.randint(1, 3)):
            at = draw.randint(0, len(text))
            end = at + draw.choice((0, 0, 1, 3))
            text = text[:at] + draw.choice(PIECES) + text[end:]
        for read in (parse, parse_steps, parse_condition):
            names = draw.choice((None, ["x", "y", "σ"], ["in", "for", "lambda"]))
            try:
                program = read(text, variables=names)
            except ExpressionError as error:
                str(error).encode()
                continue
            for index in range(len(program.nodes)):
                assert program.text(index)
