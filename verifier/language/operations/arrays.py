"""Functions of arrays: what each one is, by its definition in scalars, and how other
libraries call it.

They are no rows of the table, since none is a function of single numbers; their
operands and options stand in `signature`, as Python writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from verifier.language.operations.libraries import BY_PREFIX


@dataclass(frozen=True, slots=True)
class ArrayFunction:
    """A function that formulas with `shapes` may call."""

    name: str
    signature: str
    """Names of operands (`OPERANDS`) and options, in order; `=` marks those that may be
    left out, `*` one that takes all that follow."""
    meaning: str
    source: str
    aliases: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in order, without marks."""
        names = (part.partition("=")[0].strip() for part in self.signature.split(","))
        return tuple(name.lstrip("*") for name in names)

    @property
    def required(self) -> tuple[str, ...]:
        """Those that may not be left out."""
        parts = self.signature.split(",")
        return tuple(
            name
            for name, part in zip(self.parameters, parts, strict=True)
            if "=" not in part
        )

    @property
    def takes_rest(self) -> bool:
        """Whether the last one takes all that follow."""
        return "*" in self.signature


OPERANDS = frozenset({"x", "y", "target", "weight", "bias"})
"""Parameters that are arrays; all others are options, known when the text is read."""
LISTS = frozenset({"tensors", "operands"})
"""Parameters that are several arrays."""
KEYWORDS = {
    "axis": "dim",
    "axes": "dims",
    "keepdims": "keepdim",
    "input": "x",
    "a": "x",
    "A": "x",
    "B": "y",
    "b": "y",
    "ddof": "correction",
    "unbiased": "correction",
    "ord": "p",
    "newshape": "shape",
    "offset": "k",
    "diagonal": "k",
    "arrays": "tensors",
}
"""Other names of parameters."""

_REDUCED = "x, dim=None, keepdim=False"
_F = "torch.nn.functional"

REDUCTIONS = (
    ArrayFunction("sum", _REDUCED, "Σ xᵢ", "torch.sum"),
    ArrayFunction("mean", _REDUCED, "Σ xᵢ / n", "torch.mean"),
    ArrayFunction("prod", _REDUCED, "Π xᵢ", "torch.prod"),
    ArrayFunction("amax", _REDUCED, "the largest xᵢ", "torch.amax"),
    ArrayFunction("amin", _REDUCED, "the smallest xᵢ", "torch.amin"),
    ArrayFunction("max", _REDUCED, "the largest xᵢ", "torch.max"),
    ArrayFunction("min", _REDUCED, "the smallest xᵢ", "torch.min"),
    ArrayFunction("logsumexp", _REDUCED, "log Σ exp xᵢ", "torch.logsumexp"),
    ArrayFunction(
        "var",
        "x, dim=None, correction=1, keepdim=False",
        "Σ (xᵢ − mean)² / (n − correction); NumPy's correction is 0",
        "torch.var",
    ),
    ArrayFunction(
        "std",
        "x, dim=None, correction=1, keepdim=False",
        "√var; NumPy's correction is 0",
        "torch.std",
    ),
    ArrayFunction(
        "norm",
        "x, p=2, dim=None, keepdim=False",
        "(Σ |xᵢ|ᵖ)^(1/p); max |xᵢ| for p = inf, min |xᵢ| for −inf",
        "torch.linalg.vector_norm",
        ("vector_norm",),
    ),
)
ALONG_AN_AXIS = (
    ArrayFunction("cumsum", "x, dim=None", "Σ xⱼ over j ≤ i", "torch.cumsum"),
    ArrayFunction("cumprod", "x, dim=None", "Π xⱼ over j ≤ i", "torch.cumprod"),
    ArrayFunction("softmax", "x, dim=None", "exp xᵢ / Σ exp xⱼ", f"{_F}.softmax"),
    ArrayFunction(
        "log_softmax", "x, dim=None", "xᵢ − log Σ exp xⱼ", f"{_F}.log_softmax"
    ),
    ArrayFunction("flip", "x, dim=None", "x in reverse", "torch.flip"),
)
NETWORKS = (
    ArrayFunction(
        "layer_norm",
        "x, normalized_shape=None, weight=None, bias=None, eps=1e-5",
        "(x − mean) / √(Σ (x − mean)² / n + eps) · weight + bias over the last axes",
        f"{_F}.layer_norm",
    ),
    ArrayFunction(
        "rms_norm",
        "x, normalized_shape=None, weight=None, eps=None",
        "x / √(Σ x² / n + eps) · weight over the last axes",
        f"{_F}.rms_norm",
    ),
    ArrayFunction(
        "cross_entropy",
        "x, target, reduction=mean, label_smoothing=0",
        "−Σ target · log_softmax(x) over the classes, of probabilities or indices",
        f"{_F}.cross_entropy",
    ),
)
PRODUCTS = (
    ArrayFunction("matmul", "x, y", "Σⱼ xᵢⱼ yⱼₖ", "torch.matmul", ("mm", "bmm")),
    ArrayFunction("dot", "x, y", "Σ xᵢ yᵢ; NumPy's of matrices is matmul", "torch.dot"),
    ArrayFunction("outer", "x, y", "xᵢ yⱼ", "torch.outer"),
    ArrayFunction(
        "einsum",
        "equation, *operands",
        "products, summed over the letters that the result lacks",
        "torch.einsum",
    ),
    ArrayFunction("trace", "x", "Σ xᵢᵢ", "torch.trace"),
    ArrayFunction(
        "det",
        "x",
        "Σ ± Π x over permutations, by Faddeev and LeVerrier",
        "torch.linalg.det",
    ),
    ArrayFunction("logdet", "x", "log det x", "torch.logdet"),
    ArrayFunction(
        "inv", "x", "adj(x) / det(x)", "torch.linalg.inv", aliases=("inverse",)
    ),
    ArrayFunction("solve", "x, y", "adj(x) @ y / det(x)", "torch.linalg.solve"),
)
MOVEMENTS = (
    ArrayFunction(
        "transpose", "x, *dims=None", "two axes exchanged", "torch.transpose"
    ),
    ArrayFunction("swapaxes", "x, dim0, dim1", "two axes exchanged", "torch.swapaxes"),
    ArrayFunction("permute", "x, *dims", "axes in another order", "torch.permute"),
    ArrayFunction(
        "reshape", "x, *shape", "the same numbers", "torch.reshape", ("view",)
    ),
    ArrayFunction(
        "flatten", "x", "all numbers in one axis", "torch.flatten", ("ravel",)
    ),
    ArrayFunction("squeeze", "x, dim=None", "without axes of size 1", "torch.squeeze"),
    ArrayFunction(
        "unsqueeze", "x, dim", "an axis of size 1", "torch.unsqueeze", ("expand_dims",)
    ),
    ArrayFunction(
        "broadcast_to", "x, *shape", "repeated", "torch.broadcast_to", ("expand",)
    ),
    ArrayFunction(
        "concatenate",
        "tensors, dim=0",
        "one after the other along an axis",
        "torch.cat",
        ("cat", "concat"),
    ),
    ArrayFunction("stack", "tensors, dim=0", "along a new axis", "torch.stack"),
    ArrayFunction(
        "diag",
        "x, k=0",
        "the diagonal of a matrix, or the matrix that has it",
        "torch.diag",
    ),
    ArrayFunction("diagonal", "x, k=0", "the diagonal of a matrix", "torch.diagonal"),
    ArrayFunction("tril", "x, k=0", "0 above a diagonal", "torch.tril"),
    ArrayFunction("triu", "x, k=0", "0 below a diagonal", "torch.triu"),
)
CONSTANTS = (
    ArrayFunction("zeros", "*shape", "0 everywhere", "torch.zeros"),
    ArrayFunction("ones", "*shape", "1 everywhere", "torch.ones"),
    ArrayFunction("eye", "n", "the identity matrix", "torch.eye", ("identity_matrix",)),
    ArrayFunction(
        "arange", "start, stop=None, step=1", "integers in order", "torch.arange"
    ),
    ArrayFunction(
        "array", "values", "the numbers of a list", "numpy.array", ("tensor", "asarray")
    ),
)

FUNCTIONS: Mapping[str, ArrayFunction] = {
    function.name: function
    for function in (
        *REDUCTIONS,
        *ALONG_AN_AXIS,
        *NETWORKS,
        *PRODUCTS,
        *MOVEMENTS,
        *CONSTANTS,
    )
}
_ALIASES = {
    alias: function for function in FUNCTIONS.values() for alias in function.aliases
}


def find(name: str) -> ArrayFunction | None:
    """The function of that name or alias."""
    return FUNCTIONS.get(name) or _ALIASES.get(name)


def known_names() -> list[str]:
    """Every name that a formula with `shapes` may call besides those of the table."""
    return [*FUNCTIONS, *_ALIASES]


# ── other libraries ───────────────────────────────────────────────────────────────────

TORCH, NUMPY, JAX, SCIPY = "torch", "numpy", "jax", "scipy"
_REDUCING = "sum mean prod amax amin max min var std"
_BOTH = (
    f"{_REDUCING} cumsum cumprod flip einsum matmul dot outer trace transpose swapaxes "
    "reshape ravel squeeze broadcast_to concatenate concat stack diag diagonal tril triu "
    "zeros ones eye arange asarray"
)
_LINALG = "det inv solve norm vector_norm"
_OF_PREFIX: Mapping[str, tuple[str, str]] = {
    "torch": (
        TORCH,
        f"{_BOTH} {_LINALG} logsumexp softmax log_softmax logdet inverse mm bmm permute "
        "flatten unsqueeze cat tensor layer_norm rms_norm",
    ),
    "torch.linalg": (TORCH, f"{_LINALG} matmul"),
    "torch.special": (TORCH, "logsumexp softmax log_softmax"),
    "torch.nn.functional": (
        TORCH,
        "softmax log_softmax layer_norm rms_norm cross_entropy",
    ),
    "numpy": (NUMPY, f"{_BOTH} expand_dims array"),
    "numpy.linalg": (NUMPY, _LINALG),
    "jax.nn": (JAX, "softmax log_softmax logsumexp"),
    "scipy.special": (SCIPY, "softmax log_softmax logsumexp"),
    "scipy.linalg": (SCIPY, "det inv solve norm"),
}
_SHORT = {
    "F": "torch.nn.functional",
    "functional": "torch.nn.functional",
    "nn.functional": "torch.nn.functional",
    "np": "numpy",
    "jnp": "numpy",
    "jax.numpy": "numpy",
    "cp": "numpy",
    "cupy": "numpy",
    "np.linalg": "numpy.linalg",
    "jnp.linalg": "numpy.linalg",
    "jax.numpy.linalg": "numpy.linalg",
    "LA": "numpy.linalg",
    "linalg": "torch.linalg",
    "special": "scipy.special",
    "sc": "scipy.special",
}
ROOTS = frozenset(
    prefix.partition(".")[0] for prefix in (*BY_PREFIX, *_OF_PREFIX, *_SHORT)
)
"""What stands before the first point of a library's name."""


def is_library(prefix: str) -> bool:
    """Whether a prefix is that of a library, and of no array."""
    return prefix in BY_PREFIX or prefix in _OF_PREFIX or prefix in _SHORT


def of_library(prefix: str, name: str) -> tuple[str, ArrayFunction] | None:
    """The library and its function of arrays, as in `np.linalg.norm`; None where it is
    none of those here."""
    library, names = _OF_PREFIX.get(_SHORT.get(prefix, prefix), ("", ""))
    function = find(name) if name in names.split() else None
    return None if function is None else (library, function)


def names_of(prefix: str) -> list[str]:
    """The functions of arrays that a library has."""
    return _OF_PREFIX.get(_SHORT.get(prefix, prefix), ("", ""))[1].split()
