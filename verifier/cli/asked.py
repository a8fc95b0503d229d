"""What the arguments of a command name: case files and folders, a case of a file
(`FILE::CASE`), or a formula.

An argument is a formula where it is none of the others: there is no file of that name,
it has no `::`, does not end in `.toml`, and does not read as a path.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.cli.options import relative, shapes
from verifier.errors import (
    Gathering,
    SelectionError,
    UsageError,
    VerifierError,
    did_you_mean,
    listed,
)

if TYPE_CHECKING:
    from verifier.language.casefile.case import Case

MARK = "::"
"""Between the file and the case in `FILE::CASE`."""
_PATH = re.compile(r"[\w.~ -]*|[\w.~ \\/-]*[\\/][\w.~ \\/-]*")
"""What reads as a path: names, blanks and separators; no operator but `/` and `-`."""
_WAY = re.compile(r"(?P<name>.*)\[(?P<dtype>[a-z0-9]+)(?:-(?P<route>[a-z_-]+))?\]")
"""A case in one dtype, by one route where it has several: `gelu[float32-forward]`."""
_BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the options say of the formulas among the arguments: `--at`, `--domain` and
    so on."""

    at: Sequence[str] | None = None
    domain: Sequence[str] | None = None
    where: str | None = None
    upstream: str | None = None
    wrt: Sequence[str] | None = None
    shape: Sequence[str] | None = None

    def __bool__(self) -> bool:
        given = (self.at, self.domain, self.where, self.upstream, self.wrt, self.shape)
        return any(given)

    @property
    def points(self) -> list[dict[str, str]]:
        """The points of `--at`: a name that is there already begins the next one."""
        points: list[dict[str, str]] = []
        for name, value in _pairs("--at", self.at or ()):
            if not points or name in points[-1]:
                points.append({})
            points[-1][name] = value
        return points

    def keys(self) -> dict[str, Any]:
        """The keys of a case that they are."""
        upstream = None if self.upstream is None else _split(self.upstream)
        points = self.points
        return {
            "at": points[0] if len(points) == 1 else points or None,
            "domain": _named("--domain", self.domain or ()) or None,
            "where": self.where,
            "upstream": upstream if upstream is None or upstream[1:] else upstream[0],
            "wrt": [name for text in self.wrt or () for name in _split(text)] or None,
            "shapes": shapes(self.shape or ()) or None,
        }


NOTHING = About()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The arguments, sorted."""

    paths: tuple[Path, ...] = ()
    """Case files and folders, those of `cases` included."""
    whole: tuple[Path, ...] = ()
    """Those that are asked for with all their cases."""
    cases: tuple[tuple[Path, str], ...] = ()
    """Single cases, and the files that hold them."""
    formulas: tuple[str, ...] = ()


def sort(arguments: Sequence[str], about: About) -> Asked:
    """What each argument names."""
    paths: dict[Path, None] = {}
    whole: list[Path] = []
    cases: list[tuple[Path, str]] = []
    formulas: list[str] = []
    for argument in arguments:
        file, mark, name = argument.rpartition(MARK)
        if mark and file and name and not Path(argument).exists():
            cases.append((relative(Path(file)), name))
            paths[cases[-1][0]] = None
        elif _is_path(argument, about):
            whole.append(relative(Path(argument)))
            paths[whole[-1]] = None
        else:
            formulas.append(argument)
    if about and not formulas:
        raise UsageError(
            "expected a formula for `--at`, `--domain`, `--where`, `--upstream`, `--wrt` "
            f"and `--shape`, found {listed(arguments)}. Case files say them themselves."
        )
    return Asked(
        paths=tuple(paths),
        whole=tuple(whole),
        cases=tuple(cases),
        formulas=tuple(formulas),
    )


def _is_path(argument: str, about: About) -> bool:
    if Path(argument).exists() or argument.endswith(".toml") or MARK in argument:
        return True
    if not _PATH.fullmatch(argument):
        return False
    if not about:
        return True
    from verifier.language.operations.table import CONSTANTS

    # `x/y` is a quotient where an option speaks of one of its names; `pi/4` is one too.
    named = {
        *_named("--domain", about.domain or ()),
        *shapes(about.shape or ()),
        *chain(*about.points),
    }
    words = re.findall(r"\w+", argument)
    is_number = all(word in CONSTANTS or word.isdigit() for word in words)
    return bool(re.search(r"[\\/]", argument)) and not (
        is_number or not named.isdisjoint(words)
    )


def load(asked: Asked, about: About, **keys: Any) -> list[Case]:
    """The cases: those of files in their order, then the formulas, which have the
    `keys` of a case besides. Raises all mistakes together."""
    from verifier.language.casefile.loading import from_mapping

    part = Gathering()
    cases = list(part(_of_files, asked)) if asked.paths else []
    for text in asked.formulas:
        key = "steps" if _has_steps(text) else "expression"
        cases.append(part(from_mapping, {key: text, **about.keys(), **keys}))
    part.errors = [_by_options(error) for error in part.errors]
    part.check()
    return cases


def _by_options(error: VerifierError) -> VerifierError:
    """An error that says where a formula of the command line gets its points."""
    if error.place.file is not None:
        return error
    message = error.message.replace("in `at` or `domain`", "by `--at` or `--domain`")
    message = message.replace("in `shapes`", "by `--shape`")
    return type(error)(message, place=error.place)


def _of_files(asked: Asked) -> list[Case]:
    from verifier.language.casefile.loading import load_paths

    part = Gathering()
    for path in asked.paths:
        part(_check_there, path)
    there = [path for path in asked.paths if path.exists()]
    cases = list(part(load_paths, there)) if there else []
    part.check()
    by_file: dict[Path, list[Case]] = {}
    for case in cases:
        by_file.setdefault(Path(str(case.place.file)).resolve(), []).append(case)
    chosen: list[Case] = []
    for file, those in by_file.items():
        if any(file.is_relative_to(path.resolve()) for path in asked.whole):
            chosen += those
            continue
        single: list[Case] = []
        for path, name in asked.cases:
            if path.resolve() == file:
                single += part(_named_so, those, name, path)
        chosen += _without_covered(single)
    part.check()
    return chosen


def _without_covered(cases: Iterable[Case]) -> Iterator[Case]:
    """The cases of a file, those left out that are asked for in more dtypes and routes
    as well."""
    covered: dict[str, set[tuple[str, str]]] = {}
    for case in sorted(cases, key=lambda c: -len(c.dtypes) * len(c.routes)):
        ways = set(product(case.dtypes, case.routes))
        others = covered.setdefault(case.name, set())
        if not ways <= others:
            others |= ways
            yield case


def _check_there(path: Path) -> None:
    if path.exists():
        return
    names = [other.name for other in path.parent.glob("*")]
    near = did_you_mean(path.name, names, prefix=f"{path.parent}/".removeprefix("./"))
    mend = "Name a case file, a folder of them, or a formula with `--at` or `--domain`."
    raise SelectionError(f"no such file or folder: `{path}`.{near or f' {mend}'}")


def _named_so(cases: Sequence[Case], name: str, file: Path) -> list[Case]:
    """Those of a file's cases that a name means, as reports print it: `gelu`,
    `gelu[float32]`, `gelu[float32-forward]`; or * and ? match."""
    exact = [case for case in cases if case.name == name]
    if exact:
        return exact
    way = _WAY.fullmatch(name)
    if way is not None:
        exact = [case for case in cases if case.name == way["name"]]
        if exact:
            return [_by(exact[0], way["dtype"], way["route"])]
    found = [case for case in cases if fnmatch.fnmatchcase(case.name, name)]
    if not found:
        near = did_you_mean(name, [case.name for case in cases])
        raise SelectionError(f"no case of `{file}` is called `{name}`.{near}")
    return found


def _by(case: Case, dtype: str, route: str | None) -> Case:
    """The case in one of its dtypes, and by one of its routes."""
    _check_known(case, "in", dtype, case.dtypes)
    if route is None:
        return replace(case, dtypes=(dtype,))
    _check_known(case, "by", route, case.routes)
    return replace(case, dtypes=(dtype,), routes=(route,))


def _check_known(case: Case, word: str, found: str, known: Sequence[str]) -> None:
    if found not in known:
        raise SelectionError(
            f"`{case.id}` is verified {word} {listed(known)}, not {word} `{found}`."
        )


# ── values of options ─────────────────────────────────────────────────────────────────


def _split(text: str) -> list[str]:
    """The parts of a list with commas, which may hold intervals."""
    parts, depth = [""], 0
    for character in text:
        depth += _BRACKETS.get(character, 0)
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _named(option: str, texts: Iterable[str]) -> dict[str, str]:
    """What is said of each name: `x=1,y=2`."""
    return dict(_pairs(option, texts))


def _pairs(option: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    example = "x=1,y=2" if option == "--at" else "x=[0,1]"
    for text in texts:
        for part in _split(text):
            name, equals, value = (word.strip() for word in part.partition("="))
            if not equals or not name or not value:
                raise UsageError(
                    f"{option}: expected a value for each variable, such as "
                    f"`{example}`, found `{part}`."
                )
            yield name, value


def _has_steps(text: str) -> bool:
    """Whether an equals sign stands outside of brackets, which none does in an
    expression."""
    bare = re.sub(r"[<>=!]=", "", text)
    depth = 0
    for character in bare:
        depth += _BRACKETS.get(character, 0)
        if character == "=" and depth == 0:
            return True
    return False
