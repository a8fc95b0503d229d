"""Symbolic-versus-automatic differentiation: is the gradient that PyTorch computes the
true one?

Importing this loads neither torch nor SymPy; the names below load what they need when
they are first used.
"""

# Nothing is imported here that a file of the working folder could stand for: see
# `__main__`.
import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from verifier.api import Run, assert_gradients, cases, check, gradcheck, verify
    from verifier.errors import VerifierError

__all__ = [
    "Run",
    "VerifierError",
    "assert_gradients",
    "cases",
    "check",
    "gradcheck",
    "verify",
]


def __getattr__(name: str) -> "Any":
    if name == "VerifierError":
        return importlib.import_module("verifier.errors").VerifierError
    if name in __all__:
        return getattr(importlib.import_module("verifier.api"), name)
    raise AttributeError(f"module `verifier` has no attribute `{name}`")
