"""SymPy's and flint's settings around a verification: their usual ones, and afterwards
what they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flint import ctx
from sympy.core.parameters import global_parameters

_USUAL: dict[str, bool] = {"evaluate": True, "distribute": True, "exp_is_pow": False}
_FLINT = ("prec", "cap", "pretty", "unicode", "threads")


@contextmanager
def undisturbed() -> Iterator[None]:
    """SymPy evaluates what it builds; flint's settings, its precision among them, end
    as they began.

    Both are global: a second verification must not run meanwhile.
    """
    parameters: Any = global_parameters
    before = {name: getattr(parameters, name) for name in _USUAL}
    settings = {name: getattr(ctx, name) for name in _FLINT}
    _set(parameters, _USUAL)
    try:
        yield
    finally:
        _set(parameters, before)
        _set(ctx, settings)


def _set(target: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if getattr(target, name) != value:  # SymPy empties its cache at every change
            setattr(target, name, value)
