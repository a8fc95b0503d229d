"""Names of other libraries' functions, as in `np.exp`: which mean what the same name
means here, which are called otherwise, and which mean something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Library:
    """The functions of one library."""

    same: frozenset[str]
    """Those that mean what the same name means here."""
    called: Mapping[str, str] = field(default_factory=dict)
    """Those that have another name here."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Those of a name that means something else here, and what to write."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TERMS = "Write `logsumexp(a, b)` of the terms themselves. Of arrays, declare their `shapes`."

TORCH = Library(
    _names(
        "abs absolute acos acosh add addcdiv addcmul angle arccos arccosh arcsin arcsinh "
        "arctan arctan2 arctanh asin asinh atan atan2 atanh ceil celu clamp clamp_max "
        "clamp_min clip copysign cos cosh deg2rad digamma div divide eq erf erfc erfinv exp "
        "exp2 expm1 fix float_power floor floor_divide fmax fmin fmod frac ge greater "
        "greater_equal gt heaviside hypot i0 ldexp le lerp less less_equal lgamma log log10 "
        "log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logit lt max "
        "maximum min minimum mul multiply mvlgamma nan_to_num ne neg negative not_equal "
        "polygamma positive pow prelu rad2deg reciprocal relu remainder round rrelu rsqrt "
        "rsub selu sgn sigmoid sign sin sinc sinh sqrt square sub subtract tan tanh "
        "threshold true_divide trunc where xlogy"
    ),
    {"igamma": "gammainc", "igammac": "gammaincc"},
    {"logsumexp": _TERMS},
)
TORCH_SPECIAL = Library(
    _names(
        "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 digamma entr erf erfc erfcx erfinv "
        "exp2 expit expm1 gammainc gammaincc gammaln i0 i0e i1 i1e log1p log_ndtr logit "
        "modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 "
        "multigammaln ndtr ndtri polygamma psi round scaled_modified_bessel_k0 "
        "scaled_modified_bessel_k1 sinc spherical_bessel_j0 xlog1py xlogy zeta "
        "chebyshev_polynomial_t chebyshev_polynomial_u hermite_polynomial_h "
        "hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p"
    ),
    {},
    {"logsumexp": _TERMS},
)
FUNCTIONAL = Library(
    _names(
        "binary_cross_entropy binary_cross_entropy_with_logits celu elu gaussian_nll_loss "
        "gelu hardshrink hardsigmoid hardswish hardtanh hinge_embedding_loss huber_loss "
        "kl_div l1_loss leaky_relu logsigmoid margin_ranking_loss mish mse_loss "
        "poisson_nll_loss prelu relu relu6 rrelu selu sigmoid silu smooth_l1_loss "
        "soft_margin_loss softplus softshrink softsign tanh tanhshrink threshold"
    ),
    {},
    {"glu": "Write `glu(a, b)` of the two halves."},
)
NUMPY = Library(
    _names(
        "abs absolute acos acosh add angle arccos arccosh arcsin arcsinh arctan arctan2 "
        "arctanh asin asinh atan atan2 atanh cbrt ceil clip copysign cos cosh deg2rad "
        "degrees divide exp exp2 expm1 fabs fix float_power floor floor_divide fmax fmin "
        "fmod greater greater_equal heaviside hypot i0 ldexp less less_equal log log10 "
        "log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or maximum "
        "minimum multiply nan_to_num negative not_equal positive pow power rad2deg radians "
        "reciprocal remainder rint round sign sin sinc sinh sqrt square subtract tan tanh "
        "true_divide trunc where"
    ),
    {"mod": "remainder", "around": "round", "equal": "eq"},
    {
        "max": "Write the larger of two as `maximum(x, y)`.",
        "min": "Write the smaller of two as `minimum(x, y)`.",
        "select": "Write a choice as `where(condition, a, b)`.",
    },
)
MATH = Library(
    _names(
        "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees erf erfc "
        "exp exp2 expm1 fabs factorial floor fmod gamma hypot ldexp lgamma log log10 log1p "
        "log2 pow radians sin sinh sqrt tan tanh trunc"
    ),
    {},
    {"remainder": "`math.remainder` rounds to the nearest: write `x - y*rint(x/y)`."},
)
SYMPY = Library(
    _names(
        "Abs Add And Eq Ge Gt Heaviside ITE Le Lt Max Min Mod Mul Ne Not Or Piecewise Pow "
        "Product Rational Sum acos acosh acot acoth acsc acsch asec asech asin asinh atan "
        "atan2 atanh besseli besselj besselk bessely beta ceiling cos cosh cot coth csc csch "
        "digamma erf erfc erfcinv erfinv exp factorial floor gamma ln log loggamma "
        "polygamma sec sech sign sin sinh sqrt tan tanh trigamma Ei Si Ci Shi Chi LambertW "
        "erfi fresnels fresnelc airyai airybi airyaiprime airybiprime lowergamma uppergamma "
        "zeta polylog expint E1 li elliptic_k elliptic_e elliptic_f legendre chebyshevt "
        "chebyshevu hermite hermite_prob laguerre assoc_laguerre gegenbauer jacobi"
    ),
    {"sinc": "spherical_bessel_j0", "jn": "spherical_jn", "yn": "spherical_yn"},
    {
        "cbrt": "SymPy's is the principal root: write `x**(1/3)`, or `cbrt(x)` for the real one.",
        "frac": "SymPy's is `x - floor(x)`: write that; `frac(x)` is PyTorch's.",
    },
)
SCIPY = Library(
    _names(
        "beta betaln betainc cbrt dawsn digamma entr erf erfc erfcinv erfcx erfi erfinv exp10 "
        "exp2 expit expm1 factorial gamma gammainc gammaincc gammaln i0 i0e i1 i1e log1p "
        "log_ndtr logit multigammaln ndtr ndtri polygamma psi round sinc softplus xlog1py "
        "xlogy zeta expn exp1 expi lambertw ellipk ellipe ellipkinc ellipeinc struve modstruve "
        "spherical_jn spherical_yn spherical_in spherical_kn voigt_profile eval_legendre "
        "eval_chebyt eval_chebyu eval_hermite eval_hermitenorm eval_laguerre "
        "eval_genlaguerre eval_gegenbauer eval_jacobi"
    ),
    {
        "jv": "besselj",
        "jn": "besselj",
        "yv": "bessely",
        "yn": "bessely",
        "iv": "besseli",
        "kv": "besselk",
        "kn": "besselk",
        "j0": "bessel_j0",
        "j1": "bessel_j1",
        "y0": "bessel_y0",
        "y1": "bessel_y1",
        "k0": "modified_bessel_k0",
        "k1": "modified_bessel_k1",
        "k0e": "scaled_modified_bessel_k0",
        "k1e": "scaled_modified_bessel_k1",
        "log_expit": "logsigmoid",
    },
    {
        "kl_div": "SciPy's is `x*log(x/y) - x + y`: write that; `kl_div` is PyTorch's.",
        "rel_entr": "Write it as `xlogy(x, x/y)`.",
        "huber": "Write it as `huber_loss(r, 0, delta)`.",
        "pseudo_huber": "Write it out: `delta**2*(sqrt(1 + (r/delta)**2) - 1)`.",
        "boxcox": "Write it out: `(x**a - 1)/a`.",
        "logsumexp": _TERMS,
    },
)
JAX_NN = Library(
    _names(
        "celu elu leaky_relu mish relu relu6 selu sigmoid silu softplus log_sigmoid"
    ),
    {
        "swish": "silu",
        "soft_sign": "softsign",
        "hard_tanh": "hardtanh",
        "hard_sigmoid": "hardsigmoid",
        "hard_silu": "hardswish",
        "hard_swish": "hardswish",
    },
    {
        "gelu": "JAX's is by default the approximation: write `gelu_tanh(x)`, or `gelu(x)`.",
        "glu": "Write `glu(a, b)` of the two halves.",
    },
)

BY_PREFIX: Mapping[str, Library] = {
    **dict.fromkeys(("torch",), TORCH),
    **dict.fromkeys(("torch.special",), TORCH_SPECIAL),
    **dict.fromkeys(
        ("F", "functional", "nn.functional", "torch.nn.functional"), FUNCTIONAL
    ),
    **dict.fromkeys(
        ("np", "numpy", "jnp", "jax.numpy", "cp", "cupy", "onp", "anp"), NUMPY
    ),
    **dict.fromkeys(("math",), MATH),
    **dict.fromkeys(("sp", "sympy", "sy", "sym"), SYMPY),
    **dict.fromkeys(
        ("scipy.special", "sc", "special", "sps", "jax.scipy.special", "jsp.special"),
        SCIPY,
    ),
    **dict.fromkeys(("jax.nn",), JAX_NN),
}
"""Libraries by what stands before the point."""
