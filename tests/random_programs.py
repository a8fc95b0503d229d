"""Random expressions over the table of operations, and numbers to put in."""

from __future__ import annotations

from hypothesis import strategies as st

UNARY = (
    "exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "tanh", "asinh", "sigmoid", "erf", "erfc",
    "abs", "square", "reciprocal", "sqrt", "log", "log1p", "cbrt", "relu", "lgamma", "digamma", "acos", "sec", "neg",
    "exp2", "log2", "log10", "rsqrt", "cosh", "asin", "acosh", "atanh", "sign", "csc", "cot", "sech", "csch", "coth",
)  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "max", "min", "hypot", "atan2")


def texts(
    unary: tuple[str, ...] = UNARY, binary: tuple[str, ...] = BINARY, leaves: int = 6
) -> st.SearchStrategy[str]:
    """Expressions of x, y and constants over operations of the table."""

    def grow(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        choice = st.builds(
            "where({} < {}, {}, {})".format, children, children, children, children
        )
        return st.one_of(
            st.builds("{}({})".format, st.sampled_from(unary), children),
            st.builds("{}({}, {})".format, st.sampled_from(binary), children, children),
            st.builds(
                "({})**{}".format, children, st.sampled_from(["2", "3", "-1", "0.5"])
            ),
            choice,
        )

    basis = st.sampled_from(["x", "y", "x", "y", "2", "0.1", "pi"])
    return st.recursive(basis, grow, max_leaves=leaves)


numbers = st.floats(-4, 4, width=32).map(lambda v: float(round(v, 3)))
