"""A user's own callable in the place of the lowered program: the record, and what it
takes to import one.

A case file names its subject as `module:callable`. Importing a module runs its code, so
only modules that the user has allowed are imported: by `[tool.verifier] subjects` in
the `pyproject.toml` of the project in which the user works, for the case files of that
project, or on the command line. A project that came with a case file allows nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from verifier import interrupts
from verifier.automatic.faults import first_line
from verifier.errors import Place, VerifierError, did_you_mean

PROJECT = "pyproject.toml"


class SubjectError(VerifierError):
    """A subject cannot be imported, may not be, or is not a function of numbers to a
    number."""

    TOPIC = "subjects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A callable that takes one 0-dimensional tensor for each of `inputs`, in order,
    and returns one number."""

    function: Callable[..., Any]
    inputs: tuple[str, ...]
    fixed: frozenset[str] = frozenset()
    """Those that nothing is differentiated by, which need no gradient."""


# ── what may be imported ──────────────────────────────────────────────────────────────


def project(start: Path) -> Path | None:
    """The folder of the nearest `pyproject.toml` from `start`, a folder or a file in
    one, upwards."""
    start = start.resolve()
    folders = (start, *start.parents)
    return next((folder for folder in folders if (folder / PROJECT).is_file()), None)


def allowed_subjects(start: Path) -> tuple[str, ...]:
    """The patterns of `[tool.verifier] subjects` in the project of `start`; none
    without."""
    root = project(start)
    return () if root is None else _patterns(root / PROJECT)


def permitted(file: str | None, working: Path | None = None) -> tuple[str, ...]:
    """What the project of the `working` folder allows a case of `file` to import:
    nothing, if that lies outside of it.

    A case without a file is the program's own that made it. Links are followed.
    """
    root = project(working or Path.cwd())
    if root is None:
        return ()
    inside = file is None or Path(file).resolve().is_relative_to(root)
    return allowed_subjects(root) if inside else ()


def _patterns(path: Path) -> tuple[str, ...]:
    value: object = _read(path)
    keys = ("tool", "verifier", "subjects")
    for depth, key in enumerate(keys):
        if not isinstance(value, dict):
            _fail(path, keys[:depth], "expected a table, found another value.")
        if key not in value:
            return ()
        value = value[key]
    if not isinstance(value, list) or not all(
        isinstance(pattern, str) and pattern.strip() for pattern in value
    ):
        mend = 'Write a list of modules in quotes, such as `subjects = ["mylib.*"]`.'
        _fail(path, keys, f"expected patterns of modules, found `{value!r}`. {mend}")
    return tuple(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        _fail(path, (), f"expected to read it, found that I cannot: {error.strerror}.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        _fail(path, (), f"expected TOML, found: {error}. Mend the file.")


def _fail(path: Path, keys: Sequence[str], message: str) -> NoReturn:
    place = Place(file=path.as_posix(), key=".".join(keys) or None)
    raise SubjectError(message, place=place)


def _is_allowed(module: str, allowed: Iterable[str]) -> bool:
    """Whether a pattern covers the module; `mylib.*` covers `mylib` itself too."""
    return any(
        fnmatchcase(module, pattern)
        or (pattern.endswith(".*") and fnmatchcase(module, pattern[:-2]))
        for pattern in allowed
    )


# ── importing ─────────────────────────────────────────────────────────────────────────


def load(reference: str, allowed: Sequence[str]) -> Callable[..., Any]:
    """The callable that `module:callable` names; nothing is imported unless a pattern
    in `allowed` covers the module.

    What is nowhere else is looked for in the working folder's project. Raises
    `SubjectError`, which names the mend, for whatever stands in the way.
    """
    module_name, path = parts_of(reference, allowed)
    target: object = _import(module_name, path)
    done = module_name
    for name in path.split("."):
        target = _attribute(target, name, done)
        done += f"{'.' if ':' in done else ':'}{name}"
        if isinstance(target, ModuleType):
            # `mylib:os.system` would lead out of what was allowed.
            raise SubjectError(
                f"expected a callable, found that `{done}` is a module. "
                f"Name the module before the colon: `{target.__name__}:…`."
            )
    if not callable(target):
        raise SubjectError(
            f"expected a callable, found that `{reference}` is of type `{type(target).__name__}`."
        )
    return target


def parts_of(
    reference: str,
    allowed: Sequence[str],
    *,
    file: str | None = None,
    working: Path | None = None,
) -> tuple[str, str]:
    """The module and the callable's path in it, of a reference whose module may be
    imported; `file` and `working` are as in `permitted`."""
    module_name, colon, path = reference.partition(":")
    if not colon or not module_name or not path:
        raise SubjectError(
            f"expected a subject such as `mylib.activations:swish`, found `{reference}`."
        )
    if not _is_allowed(module_name, allowed):
        raise SubjectError(_not_allowed(module_name, allowed, file, working))
    return module_name, path


def _not_allowed(
    module: str, allowed: Sequence[str], file: str | None, working: Path | None
) -> str:
    pattern = f"{module.partition('.')[0]}.*"
    known = ", ".join(f"`{known}`" for known in allowed)
    found = f"only {known} may be" if known else "no module may be"
    option = f"give `--allow-subject '{pattern}'`"
    head = (
        f"importing `{module}` would run its code, and {found} imported. To allow it, "
    )
    root = project(working or Path.cwd())
    if root is None:
        return head + f"{option}."
    path = (root / PROJECT).as_posix()
    if file is not None and not Path(file).resolve().is_relative_to(root):
        return head + f"{option}: `{path}` speaks for the case files below it alone."
    patterns = [f'"{known}"' for known in (*allowed_subjects(root), pattern)]
    return (
        f"{head}write `subjects = [{', '.join(patterns)}]` below `[tool.verifier]` in "
        f"`{path}`, or {option}."
    )


def _import(name: str, path: str) -> ModuleType:
    folder = str(project(Path.cwd()) or Path.cwd())
    if folder not in sys.path:  # at its end, so that it shadows nothing
        sys.path.append(folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _broken(name, error) from error  # it is another module that it needs
        raise SubjectError(_missing(error.name, name, path)) from error
    except BaseException as error:  # a module may raise whatever it likes
        if interrupts.is_received():
            raise
        raise _broken(name, error) from error


def _broken(module: str, error: BaseException) -> SubjectError:
    return SubjectError(
        f"expected to import `{module}`, found that it raises {first_line(error)}{_line_of(error)}"
    )


def _line_of(error: BaseException) -> str:
    """Where the innermost frame of Python's stands, or the text that is no Python."""
    if isinstance(error, SyntaxError):  # Python says it itself
        return ""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f" ({last.filename}, line {last.lineno})"


def _missing(module: str, asked: str, path: str) -> str:
    """What is said where `module`, a part of the module `asked`, is not there; `path`
    is what was sought in it."""
    message = f"expected a module `{module}`, found none."
    parent, _, own = module.rpartition(".")
    if not parent:
        return f"{message} Install it (`pip install -e .`), or put its folder into PYTHONPATH."
    if hasattr(sys.modules[parent], own):
        rest = asked.removeprefix(f"{parent}.")
        return f"{message} Did you mean `{parent}:{rest}.{path}`?"
    siblings = pkgutil.iter_modules(getattr(sys.modules[parent], "__path__", []))
    names = [sibling.name for sibling in siblings]
    return message + did_you_mean(own, names, prefix=f"{parent}.")


def _attribute(owner: object, name: str, shown: str) -> object:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        public = [known for known in dir(owner) if not known.startswith("__")]
        hint = did_you_mean(name, public)
        message = f"expected `{name}` in `{shown}`, found none.{hint}"
        raise SubjectError(message) from error
