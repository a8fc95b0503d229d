"""One verification at a time, and nothing from outside in it: neither other threads,
nor the state of the process.

flint's precision is global, as much of what is put aside here is: so there is one lock
for all verifications.
"""

from __future__ import annotations

import decimal
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from verifier import floating_point

LOCK = threading.RLock()
LEAST_RECURSION = 1_000
"""Python's own limit; a lower one would end what runs elsewhere."""
UNLIMITED = 0


@contextmanager
def isolated() -> Iterator[None]:
    """PyTorch, SymPy, flint and Python as they start; at the end, all as it was before.

    One thread after the other. What a callable leaves behind (a default device,
    denormals flushed, `sys.stdout`, the working folder, …) ends here. Raises
    `UsageError` where a state can be neither changed nor borne.
    """
    with LOCK, floating_point.usual(), ExitStack() as stack:
        from verifier.automatic import settings as automatic
        from verifier.symbolic import settings as symbolic

        for state in (
            _streams,
            _warnings,
            _limits,
            _folder,
            _environment,
            _random_numbers,
            _exits,
            symbolic.undisturbed,
            automatic.undisturbed,
            automatic.seeded,
        ):
            stack.enter_context(state())
        stack.enter_context(decimal.localcontext(_decimal()))
        yield


def _decimal() -> decimal.Context:
    """Python's own defaults, whatever `decimal.DefaultContext` was made to say."""
    return decimal.Context(
        prec=28,
        rounding=decimal.ROUND_HALF_EVEN,
        Emin=-999999,
        Emax=999999,
        capitals=1,
        clamp=0,
        flags=[],
        traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
    )


class _Unclosed:
    """A stream that a callable may write to, but not close."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)

    def close(self) -> None:
        self._stream.flush()


@contextmanager
def _streams() -> Iterator[None]:
    before = sys.stdin, sys.stdout, sys.stderr
    copies = {file: copy for file in (0, 1, 2) if (copy := _copy(file)) is not None}
    sys.stdout, sys.stderr = (stream and _Unclosed(stream) for stream in before[1:])
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for file, copy in copies.items():
            _put_back(file, copy)


def _copy(file: int) -> int | None:
    try:
        return os.dup(file)
    except OSError:  # it is closed
        return None


def _put_back(file: int, copy: int) -> None:
    """An open file as it was copied, whatever was done to its number."""
    with suppress(OSError):  # the copy may be closed too
        wanted = os.fstat(copy)
        try:
            is_there = os.path.samestat(os.fstat(file), wanted)
        except OSError:
            is_there = False
        if not is_there:
            os.dup2(copy, file)
        os.close(copy)


@contextmanager
def _warnings() -> Iterator[None]:
    """No warning becomes an exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _limits() -> Iterator[None]:
    recursion, digits = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    sys.setrecursionlimit(max(recursion, LEAST_RECURSION))
    sys.set_int_max_str_digits(UNLIMITED)
    try:
        yield
    finally:
        sys.setrecursionlimit(recursion)
        sys.set_int_max_str_digits(digits)


@contextmanager
def _folder() -> Iterator[None]:
    try:
        before = Path.cwd()
    except FileNotFoundError:  # the folder was deleted
        yield
        return
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ).difference(before):
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value


@contextmanager
def _random_numbers() -> Iterator[None]:
    """The random numbers that a callable draws are the same in every run; the user's
    own go on as they would have."""
    before = random.getstate()
    numpy: Any = sys.modules.get("numpy")
    numpys = numpy.random.get_state() if numpy else None
    random.seed(0)
    if numpy:
        numpy.random.seed(0)
    try:
        yield
    finally:
        random.setstate(before)
        if numpy:
            numpy.random.set_state(numpys)


@contextmanager
def _exits() -> Iterator[None]:
    """`os._exit` is an exception, as `sys.exit` is: a callable must not end the
    process, and the run with it."""
    before, owner = os._exit, os.getpid()

    def leave(status: int = 0) -> NoReturn:
        if os.getpid() != owner:  # a child that the callable forked
            before(status)
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = before
