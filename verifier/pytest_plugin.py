"""The pytest plugin: each case of the files that `verifier_cases` names is a test, one
a dtype and route.

    [tool.pytest.ini_options]
    verifier_cases = ["cases"]

A bare `pytest` collects them wherever they lie; `pytest cases/x.toml` and `pytest
"cases/x.toml::NAME[float32-reverse]"` select among them. Nothing heavy is imported
until a case file is collected.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from verifier.errors import VerifierError

if TYPE_CHECKING:
    from verifier.records import Result
    from verifier.running.units import Unit

INI = "verifier_cases"
SUFFIX = ".toml"

_DECLARED = pytest.StashKey[tuple[Path, ...]]()
_STORE = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the ini option."""
    parser.addini(
        INI,
        type="paths",
        default=[],
        help="case files, or folders of them, whose gradients are verified; relative to the ini file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker, and has a bare `pytest` collect the files that the ini
    option names."""
    config.addinivalue_line("markers", "verifier: a case of the gradient verifier.")
    declared = tuple(_declared(config))
    config.stash[_DECLARED] = declared
    if _is_bare(config):
        for path in declared:
            _check_reachable(config, path)
        config.args.extend(str(path) for path in declared)


def _declared(config: pytest.Config) -> Iterator[Path]:
    for path in config.getini(INI):
        if not path.exists():
            raise pytest.UsageError(
                f"{INI}: no such file or folder: {path}. Mend the path in "
                f"{config.inipath or 'the option'}; it is relative to that file."
            )
        if path.is_file() and path.suffix != SUFFIX:
            raise pytest.UsageError(
                f"{INI}: expected a case file (*{SUFFIX}) or a folder, found: {path}."
            )
        yield path.resolve()


def _check_reachable(config: pytest.Config, path: Path) -> None:
    """Refuses a path that pytest would pass over in silence, on its way there from a
    folder that it collects."""
    for folder in map(Path, config.args):
        absolute = (config.invocation_params.dir / folder).resolve()
        if not path.is_relative_to(absolute):
            continue
        steps = path.relative_to(absolute).parts
        for pattern in config.getini("norecursedirs"):
            if fnmatch.filter(steps, pattern):
                raise pytest.UsageError(
                    f"{INI}: {path} lies in a folder that norecursedirs has pytest skip (`{pattern}`). "
                    "Move it, or set testpaths, or take the pattern out."
                )


def _is_bare(config: pytest.Config) -> bool:
    """Whether pytest was called without paths in its root; in a folder below, it runs
    what lies there."""
    given = config.args_source is pytest.Config.ArgsSource.ARGS
    return not given and config.invocation_params.dir == config.rootpath


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """A collector, where the ini option names the file or a folder around it."""
    if file_path.suffix != SUFFIX:
        return None
    declared = parent.config.stash[_DECLARED]
    real = file_path.resolve()
    if not any(real.is_relative_to(path) for path in declared):
        return None
    collector: CaseFile = CaseFile.from_parent(parent, path=file_path)
    return collector


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Each case is there once, though a folder and the ini option may both lead to
    it."""
    # pytest 9 sees to it by itself; before, a file named beside its folder was
    # collected twice.
    if not config.getoption("keepduplicates"):
        seen: set[str] = set()
        items[:] = [item for item in items if _is_first(item, seen)]


def _is_first(item: pytest.Item, seen: set[str]) -> bool:
    if isinstance(item, CaseItem) and item.nodeid in seen:
        return False
    seen.add(item.nodeid)
    return True


class CaseFile(pytest.File):
    """A case file."""

    def collect(self) -> Iterator[CaseItem]:
        """An item for each case, dtype and route; a file that cannot be read is one
        message."""
        for unit in self._units():
            name = f"{unit.case.name}[{unit.dtype}-{unit.route}]"
            # Spelled out, so that pytest 9.2 finds the brackets in it, as it does in
            # the ids that `--lf` remembers.
            nodeid = f"{self.nodeid}::{name}"
            yield CaseItem.from_parent(self, name=name, nodeid=nodeid, unit=unit)

    def _units(self) -> list[Unit]:
        from verifier.language.casefile import loading as cases
        from verifier.running.plan import plan

        try:
            read = cases.load_paths([_relative(self.path)])
            # pytest has run what the project's own files say before.
            units = plan(read, working=self.config.rootpath)
            return [alone for unit in units for alone in unit.by_route()]
        except VerifierError as error:
            raise self.CollectError(str(error)) from error


def _relative(path: Path) -> Path:
    """The path as the command line would name it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


class CaseFailure(Exception):
    """The case does not stand as expected."""

    def __init__(self, result: Result) -> None:
        self.result = result
        super().__init__(f"{result.case}: {result.verdict}")


class CaseItem(pytest.Item):
    """One case in one dtype by one route."""

    def __init__(self, *, unit: Unit, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unit = unit
        self.add_marker("verifier")
        # Not as markers, which `--strict-markers` would refuse; `-k` finds them all the
        # same.
        self.extra_keyword_matches.update(unit.case.tags)

    def runtest(self) -> None:
        """Passes only where the result is as expected; what could not be judged
        fails."""
        from verifier.reports.outcome import Standing, standing
        from verifier.running.run import Recent, verify_alone

        # The dtypes of a case, one after the other, share its true side.
        store = self.config.stash.setdefault(_STORE, Recent())
        result = verify_alone(self.unit, store=store)
        self.user_properties.append(("verdict", result.verdict.value))
        self.user_properties.append(("max_error_ulp", result.max_error_ulp))
        if standing(result) is not Standing.EXPECTED:
            raise CaseFailure(result)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """The text report of the case; an error that the user can mend is its message
        alone."""
        from verifier.reports import text

        error = excinfo.value
        if isinstance(error, CaseFailure):
            width = self.config.get_terminal_writer().fullwidth
            return text.failure(error.result, width=width)
        if isinstance(error, VerifierError):
            return str(error)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the case stands: its file and its line, counted from 0 as pytest
        does."""
        line = self.unit.case.place.line
        return self.path, None if line is None else line - 1, self.name
