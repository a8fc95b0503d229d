"""Symbolic-versus-automatic differentiation: is the gradient that PyTorch computes the true one?

Importing this loads neither torch nor SymPy; the names below load what they need when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from verifier.errors import VerifierError

if TYPE_CHECKING:
    from verifier.api import Run, cases, check, verify

__all__ = ["Run", "VerifierError", "cases", "check", "verify"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("verifier.api"), name)
    raise AttributeError(f"module `verifier` has no attribute `{name}`")
