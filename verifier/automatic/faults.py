"""Whose fault an exception is that ended a run: PyTorch's, or that of the code which
called it."""

from __future__ import annotations

import dis
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

_LIBRARIES = ("verifier", "torch", "sympy", "flint", "mpmath", "numpy")
"""Whose frames are not the user's, Python's own aside."""


class FaultError(RuntimeError):
    """A fault that the verifier finds in what it ran, reported as if PyTorch had raised
    it."""


def is_pytorchs(error: BaseException) -> bool:
    """Whether PyTorch raised the exception, in Python or in C++.

    Python keeps no frame of C++ code, which raises `RuntimeError` and its subclasses.
    An exception that a `raise` of our own threw came from no such call; one that we
    raise from PyTorch's own is PyTorch's.
    """
    if isinstance(error, FaultError):
        return True
    if error.__traceback__ is None:
        return False
    innermost = _innermost(error.__traceback__)
    module = _module(innermost)
    if module.partition(".")[0] == "torch":
        return True
    if not isinstance(error, RuntimeError) or isinstance(error, RecursionError):
        return False
    if module.partition(".")[0] != "verifier" or not _is_raised_by(innermost):
        return True
    return error.__cause__ is not None and is_pytorchs(error.__cause__)


def is_thrown_elsewhere(error: BaseException) -> bool:
    """Whether a `raise` statement neither of PyTorch's nor of ours threw the
    exception."""
    if error.__traceback__ is None:
        return False
    innermost = _innermost(error.__traceback__)
    return _is_elsewhere(innermost) and _is_raised_by(innermost)


def passes_through_others(error: BaseException) -> bool:
    """Whether the exception came through code that is neither PyTorch's nor ours."""
    return any(_is_elsewhere(link) for link in _links(error.__traceback__))


def said(error: BaseException) -> str:
    """The exception's message; that of a callable's own class may raise itself."""
    try:
        return str(error)
    except BaseException as second:
        return f"(and no words, for they raise {type(second).__name__})"


def traceback_of(error: BaseException) -> str:
    """The traceback of an exception, as Python prints it, from the user's first frame
    on; all of it where there is none."""
    trace = error.__traceback__
    users = next((link for link in _links(trace) if _is_users(link)), trace)
    return "".join(traceback.format_exception(type(error), error, users))


def first_line(error: BaseException) -> str:
    """The kind of an exception and the first line of what it says."""
    text = said(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _innermost(trace: TracebackType) -> TracebackType:
    *_, last = _links(trace)
    return last


def _links(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _module(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", ""))


def _is_elsewhere(trace: TracebackType) -> bool:
    return _module(trace).partition(".")[0] not in ("torch", "verifier")


def _is_users(trace: TracebackType) -> bool:
    library = _module(trace).partition(".")[0]
    return library not in _LIBRARIES and library not in sys.stdlib_module_names


def _is_raised_by(trace: TracebackType) -> bool:
    """Whether the frame itself raised: else the exception came out of a call that has
    no frame."""
    code = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    return dis.opname[code] in ("RAISE_VARARGS", "RERAISE")
