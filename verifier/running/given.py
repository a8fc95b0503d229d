"""Units of callables whose arguments are tensors that a caller gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from verifier.errors import ArgumentError, UsageError, listed
from verifier.language.casefile.loading import from_mapping
from verifier.language.casefile.tensor_assembly import GIVEN
from verifier.language.casefile.tensor_case import UPSTREAM_WORDS
from verifier.running.plan import plan
from verifier.running.units import Unit
from verifier.verification.tensors.request import Given


def units_of(
    function: Callable[..., Any],
    args: Sequence[Any],
    keys: Mapping[str, Any],
    *,
    kwargs: Mapping[str, Any] | None = None,
    reference: Callable[..., Any] | None = None,
    device: str = "cpu",
) -> list[Unit]:
    """A unit for each dtype: that of the tensors, where none is named. `keys` are those
    of a case. Raises `UsageError` for what cannot be run so."""
    from verifier.automatic.tensors.calls import call_of

    data = dict(keys)
    upstream = data.get("upstream")
    if not _is_words(upstream):
        data["upstream"] = None
    backward = data.get("gradient")
    if callable(backward):
        data["gradient"] = None
    data.setdefault("name", name_of(function))
    call = call_of(function, args, kwargs)
    wrt = call.checked_wrt(data.get("wrt"))
    own = call.dtype_of(wrt[0])
    is_cast = data.get("dtype") is not None
    if not is_cast:
        data["dtype"] = own
    case = from_mapping({**data, GIVEN: "tensors"})
    given = Given(
        args=args,
        kwargs=kwargs or {},
        reference=reference,
        backward=backward if callable(backward) else None,
        upstream=None if _is_words(upstream) else upstream,
        is_cast=is_cast,
    )
    return [
        replace(unit, function=function, given=given)
        for unit in plan([case], device=device)
    ]


def _is_words(upstream: Any) -> bool:
    """Whether an upstream gradient is asked for by words, or by none."""
    if upstream is None:
        return True
    if isinstance(upstream, str):
        if upstream not in UPSTREAM_WORDS:
            raise UsageError(
                f"upstream: expected a tensor in the output's shape, or one of {listed(UPSTREAM_WORDS)}, "
                f"found `{upstream}`."
            )
        return True
    if isinstance(upstream, (list, tuple)):
        words = [isinstance(word, str) for word in upstream]
        if any(words) and not all(words):
            raise ArgumentError("upstream: expected words or tensors, found both.")
        return bool(words) and all(words)
    return False


def name_of(function: Callable[..., Any]) -> str:
    """What a report calls a callable."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):  # `apply` of an `autograd.Function`
        return owner.__name__
    name = getattr(function, "__qualname__", None) or type(function).__name__
    name = getattr(function, "_qualname", name)  # of a `torch.library.custom_op`
    if inspect.isbuiltin(function):  # of `torch.sin` its class is PyTorch's own affair
        name = function.__name__
    return str(name).replace("::", ".").rpartition("<locals>.")[2]


def gradcheck_error(message: str) -> Exception:
    """PyTorch's own exception of a failed check."""
    from verifier.automatic.tensors import gradcheck

    return gradcheck.error(message)


def check_gradcheck_inputs(inputs: Sequence[Any]) -> None:
    """Raise `ValueError` unless an input requires a gradient."""
    from verifier.automatic.tensors import gradcheck

    gradcheck.check_inputs(inputs)
