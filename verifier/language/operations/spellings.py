"""Names that are formulas of the table's operations, as other tools write them; and
names that people know from elsewhere, with what to write in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Composed:
    """A name that stands for a formula of its operands."""

    operands: tuple[str, ...]
    formula: str
    defaults: Mapping[str, str] = field(default_factory=dict)


def _of_x(**formulas: str) -> dict[str, Composed]:
    return {name: Composed(("x",), formula) for name, formula in formulas.items()}


def _of_xy(**formulas: str) -> dict[str, Composed]:
    return {name: Composed(("x", "y"), formula) for name, formula in formulas.items()}


COMPOSED: Mapping[str, Composed] = {
    # Exports of symbolic regression (PySR, Operon, QLattice, gplearn's `sig`)
    **_of_x(
        inv="1 / x",
        inverse="1 / x",
        squared="x**2",
        pow2="x**2",
        cube="x**3",
        cubed="x**3",
        pow3="x**3",
        log_abs="log(abs(x))",
        logabs="log(abs(x))",
        sqrt_abs="sqrt(abs(x))",
        sqrtabs="sqrt(abs(x))",
        safe_log="log(x)",
        safe_log2="log2(x)",
        safe_log10="log10(x)",
        safe_log1p="log1p(x)",
        safe_sqrt="sqrt(x)",
        safe_acosh="acosh(x)",
        atanh_clip="atanh(remainder(x + 1, 2) - 1)",
        gaussian1="exp(-x**2)",
        sig="sigmoid(x)",
    ),
    **_of_xy(
        plus="x + y",
        minus="x - y",
        mult="x * y",
        times="x * y",
        safe_pow="x**y",
        pow_abs="abs(x)**y",
        powabs="abs(x)**y",
        aq="x / sqrt(1 + y**2)",
        cond="where(x > 0, y, 0)",
        gaussian2="exp(-(x**2 + y**2))",
    ),
    # NumPy, SciPy, SymPy, JAX and handbooks
    **_of_xy(power="x**y", Mod="remainder(x, y)"),
    **_of_x(
        exp10="10**x",
        radians="deg2rad(x)",
        degrees="rad2deg(x)",
        factorial="gamma(x + 1)",
        trigamma="polygamma(1, x)",
        log_sigmoid="logsigmoid(x)",
        arsinh="asinh(x)",
        arcosh="acosh(x)",
        artanh="atanh(x)",
    ),
    "Heaviside": Composed(("x", "h"), "heaviside(x, h)", {"h": "1/2"}),
}

_NOT_ONE_NUMBER = "A formula is of single numbers: write it out, or declare the `shapes` of its arrays."
_SHAPES = "Of arrays, declare their `shapes`."
_CHOICE = "Write a choice as `where(condition, a, b)`."
_DERIVATIVE = "`verifier` takes derivatives itself: write the function alone."
_INTEGRAL = "A formula holds no integrals and no limits: write it out."
_REAL = "A formula of real numbers needs none; drop it."
_GAUSS = "Write the normal distribution function as `ndtr(x)`."
_QUANTILE = "Write the normal quantile as `ndtri(p)`."
_DENSITY = "Write the normal density as `exp(-x**2/2)/sqrt(2*pi)`."

FOREIGN: Mapping[str, str] = {
    **dict.fromkeys(
        ("if", "If", "IF", "ifelse", "iif", "select", "piecewise"), _CHOICE
    ),
    **dict.fromkeys(
        ("diff", "Derivative", "D", "grad", "derivative", "deriv", "gradient"),
        _DERIVATIVE,
    ),
    **dict.fromkeys(
        ("integrate", "Integral", "Integrate", "quad", "limit", "Limit", "int"),
        _INTEGRAL,
    ),
    **dict.fromkeys(
        "Phi normcdf cdf norm_cdf pnorm NORMSDIST phi_cdf stdnormal_cdf".split(), _GAUSS
    ),
    **dict.fromkeys("probit norminv ppf qnorm NORMSINV".split(), _QUANTILE),
    **dict.fromkeys("normpdf pdf norm_pdf dnorm".split(), _DENSITY),
    **dict.fromkeys(
        (
            "mean std var median norm dot cross matmul mm bmm det trace transpose cumsum "
            "cumprod amax amin argmax argmin einsum outer inner array tensor Matrix sort "
            "average softmin"
        ).split(),
        _NOT_ONE_NUMBER,
    ),
    **dict.fromkeys("conj conjugate re real".split(), _REAL),
    "softmax": f"Write it out: `exp(x)/(exp(x) + exp(y))`. {_SHAPES}",
    "log_softmax": f"Write it out: `x - logsumexp(x, y)`. {_SHAPES}",
    "cross_entropy": f"Write it out: `logsumexp(x, y) - x`. {_SHAPES}",
    "nll_loss": "Write it out: `-x` of the chosen logarithm.",
    "logsubexp": "Write it out: `x + log1p(-exp(y - x))`.",
    "log1pexp": "Write it as `softplus(x)`.",
    "log1mexp": "Write it out: `log1p(-exp(-x))`.",
    "logcosh": "Write it out: `log(cosh(x))`.",
    "dropout": "Without training it changes nothing: drop it.",
    "normalize": _NOT_ONE_NUMBER,
    "layer_norm": _NOT_ONE_NUMBER,
    "binomial": "Write it out: `gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))`.",
    "comb": "Write it out: `gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))`.",
    "binom": "Write it out: `gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1))`.",
    "factorial2": "Write it out by `gamma`.",
    "rf": "Write it out: `gamma(x + k)/gamma(x)`.",
    "poch": "Write it out: `gamma(x + k)/gamma(x)`.",
    "ff": "Write it out: `gamma(x + 1)/gamma(x - k + 1)`.",
    "mod": "Write `remainder(x, y)`, of y's sign, or `fmod(x, y)`, of x's.",
    "MOD": "Write it as `remainder(x, y)`.",
    "rem": "Write `fmod(x, y)`, of x's sign, or `remainder(x, y)`, of y's.",
    "lg": "Write `log10(x)` or `log2(x)`.",
    "lb": "Write it as `log2(x)`.",
    "ld": "Write it as `log2(x)`.",
    "LOG": "Write Excel's as `log10(x)`, the natural one as `log(x)`.",
    "ATAN2": "Excel's `ATAN2(x, y)` is `atan2(y, x)`.",
    "ArcTan": "Write `atan(y/x)`, or `atan2(y, x)` for the angle of a point.",
    "log_2": "Write it as `log2(x)`.",
    "log_10": "Write it as `log10(x)`.",
    "log_e": "Write it as `log(x)`.",
    "logb": "Write the logarithm to the base b as `log(x, b)`.",
    "slog": "Write `log(abs(x))`, or `sign(x)*log1p(abs(x))`.",
    "symlog": "Write it out: `sign(x)*log1p(abs(x))`.",
    "sqr": "Write `x**2` or `sqrt(x)`.",
    "root": "Write it as `x**(1/n)`, a cube root as `cbrt(x)`.",
    "nthroot": "Write it as `x**(1/n)`, a cube root as `cbrt(x)`.",
    "real_root": "Write a cube root as `cbrt(x)`, others as `x**(1/n)`.",
    "tg": "Write it as `tan(x)`.",
    "ctg": "Write it as `cot(x)`.",
    "cotg": "Write it as `cot(x)`.",
    "arctg": "Write it as `atan(x)`.",
    "arcctg": "Write it as `acot(x)`.",
    "sen": "Write it as `sin(x)`.",
    "sh": "Write it as `sinh(x)`.",
    "ch": "Write it as `cosh(x)`.",
    "th": "Write it as `tanh(x)`.",
    "cosec": "Write it as `csc(x)`.",
    "sind": "Write it as `sin(deg2rad(x))`.",
    "cosd": "Write it as `cos(deg2rad(x))`.",
    "tand": "Write it as `tan(deg2rad(x))`.",
    "versin": "Write it as `1 - cos(x)`.",
    "hav": "Write it as `sin(x/2)**2`.",
    "sinhc": "Write it as `sinh(x)/x`.",
    "gd": "Write it as `2*atan(tanh(x/2))`.",
    "protectedDiv": "Write it out: `where(y == 0, 1, x/y)`.",
    "pdiv": "Write it out, as in `where(abs(y) > 0.001, x/y, 1)`.",
    "plog": "Write it out, as in `where(abs(x) > 0.001, log(abs(x)), 0)`.",
    "psqrt": "Write it as `sqrt(abs(x))`.",
    "step": "Write a step as `heaviside(x, 1)` or `where(x >= 0, 1, 0)`.",
    "unit_step": "Write a step as `heaviside(x, 1)` or `where(x >= 0, 1, 0)`.",
    "UnitStep": "Write a step as `heaviside(x, 1)` or `where(x >= 0, 1, 0)`.",
    "H": "Write a step as `heaviside(x, 1)` or `where(x >= 0, 1, 0)`.",
    "rect": "Write it as `where(abs(x) < 1/2, 1, 0)`.",
    "tri": "Write it as `relu(1 - abs(x))`.",
    "DiracDelta": "It is no function of numbers.",
    "delta": "It is no function of numbers.",
    "KroneckerDelta": "Write it as `where(x == y, 1, 0)`.",
    "xor": "Write it as `p != q` of numbers, or by `and`, `or`, `not`.",
    "Xor": "Write it by `and`, `or`, `not`.",
    "im": "The imaginary part of a real number is 0.",
    "imag": "The imaginary part of a real number is 0.",
    "arg": "Write it as `angle(x)`.",
    "float": "Drop it: numbers have the case's dtype.",
    "Float": "Write the number alone.",
    "Integer": "Write the number alone.",
    "S": "Write the number alone.",
    "sympify": "Write the formula alone.",
    "Symbol": "Write the name alone.",
    "symbols": "Write the name alone.",
    "Function": "Write the function's formula.",
    "sum": f"Write `sum(x**k for k in range(1, 11))`, or the terms with `+`. {_SHAPES}",
    "prod": f"Write `prod(x + k for k in range(1, 11))`, or the factors with `*`. {_SHAPES}",
    "square_root": "Write it as `sqrt(x)`.",
    "random": "A formula has no chance in it.",
    "rand": "A formula has no chance in it.",
    "randn": "A formula has no chance in it.",
    "wofz": "Write its parts as `wofz_real(x, y)` and `wofz_imag(x, y)`.",
    "faddeeva": "Write its parts as `wofz_real(x, y)` and `wofz_imag(x, y)`.",
    "voigt": "Write it as `voigt_profile(x, sigma, gamma)`.",
    "airy": "Write one of `airy_ai(x)`, `airy_bi(x)` and their `airy_ai_prime(x)`.",
    "jn": "Write it as `besselj(n, x)`, or `spherical_jn(n, x)`.",
    "yn": "Write it as `bessely(n, x)`, or `spherical_yn(n, x)`.",
    # Special functions that the table lacks
    **dict.fromkeys(
        (
            "Li dawsnx hyp2f1 hyp1f1 hyp0f1 hyper meijerg stieltjes dirichlet_eta "
            "nexttoward nextafter"
        ).split(),
        "",
    ),
}
"""Functions of other tools by their names there, and what to write here; nothing where
there is no other way."""
