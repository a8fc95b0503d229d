"""The pytest plugin: each case of the files that `verifier_cases` names is a test, one
a dtype and route.

    [tool.pytest.ini_options]
    verifier_cases = ["cases"]

A bare `pytest` collects them wherever they lie; `pytest cases/x.toml` and `pytest
"cases/x.toml::NAME[float32]"` select among them; where a case has several routes, the id
says which: `NAME[float32-forward]`. With `--verifier-baseline FILE`, or `verifier_baseline`
in the ini file, only what is new or worse than there fails. A failed test that asserts a
`Run` shows its report. Nothing heavy is imported until a case file is collected.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from verifier.errors import VerifierError

if TYPE_CHECKING:
    from verifier.records import Change, RunRecord
    from verifier.running.units import Unit

INI = "verifier_cases"
BASELINE = "verifier_baseline"
SUFFIX = ".toml"

_DECLARED = pytest.StashKey[tuple[Path, ...]]()
_STORE = pytest.StashKey[dict[str, Any]]()
_BASELINE = pytest.StashKey[Path | None]()
_STORED = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the options."""
    parser.getgroup("verifier").addoption(
        "--verifier-baseline",
        metavar="FILE",
        help="fail only on gradients that are new or worse than there",
    )
    parser.addini(
        BASELINE,
        type="paths",
        default=[],
        help="the file of --verifier-baseline, relative to the ini file",
    )
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
    config.stash[_BASELINE] = _baseline_file(config)
    declared = tuple(_declared(config))
    config.stash[_DECLARED] = declared
    if _is_bare(config):
        for path in declared:
            _check_reachable(config, path)
        config.args.extend(str(path) for path in declared)


def _baseline_file(config: pytest.Config) -> Path | None:
    """The file that the option names, else the ini file."""
    option = config.getoption("--verifier-baseline")
    if option is not None:
        name, files = "--verifier-baseline", [config.invocation_params.dir / option]
    else:
        name, files = BASELINE, config.getini(BASELINE)
    if len(files) > 1:
        raise pytest.UsageError(f"{name}: expected one file, found {len(files)}.")
    if files and not files[0].is_file():
        raise pytest.UsageError(
            f"{name}: no such file: {files[0]}. "
            f"`verifier run CASES --baseline {files[0].name} --update-baseline` writes one."
        )
    return files[0] if files else None


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
            (name,) = unit.ids
            # Spelled out, so that pytest 9.2 finds the brackets in it, as it does in
            # the ids that `--lf` remembers.
            nodeid = f"{self.nodeid}::{name}"
            yield CaseItem.from_parent(self, name=name, nodeid=nodeid, unit=unit)

    def _units(self) -> list[Unit]:
        from verifier.language.casefile import loading as cases
        from verifier.running.plan import plan

        try:
            _load_baseline(self.config)
            read = cases.load_paths([_relative(self.path)])
            # pytest has run what the project's own files say before.
            units = plan(read, working=self.config.rootpath)
            return [alone for unit in units for alone in unit.by_route()]
        except VerifierError as error:
            raise self.CollectError(error.told("error: ")) from error


def _load_baseline(config: pytest.Config) -> None:
    if _STORED in config.stash:
        return
    from verifier.judgement import baseline_file

    file = config.stash[_BASELINE]
    config.stash[_STORED] = None if file is None else baseline_file.load(file)


def _relative(path: Path) -> Path:
    """The path as the command line would name it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


class CaseFailure(Exception):
    """The case does not stand as expected, or as in the baseline."""

    def __init__(self, record: RunRecord, changes: list[Change] | None) -> None:
        self.record, self.changes = record, changes
        super().__init__(record.results[0].case)

    def shown(self, width: int) -> tuple[str, str]:
        """In one line, and as a report."""
        from verifier.reports import brief
        from verifier.reports.options import Options

        options = Options(changes=self.changes, width=width)
        (result,) = self.record.results
        trace = result.traceback if result.verdict.family == "error" else None
        report = brief.report(self.record, options, trace)
        return brief.headline(self.record, options), report


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
        """Passes only where the result is as expected, or no worse than in the baseline;
        what could not be judged fails."""
        from verifier.records import RunRecord
        from verifier.reports.outcome import PASSED, exit_code
        from verifier.running.run import Recent, environment, verify_alone

        # The dtypes of a case, one after the other, share its true side.
        store = self.config.stash.setdefault(_STORE, Recent())
        result = verify_alone(self.unit, store=store)
        self.user_properties.append(("verdict", result.verdict.value))
        self.user_properties.append(("max_error_ulp", result.max_error_ulp))
        record = RunRecord(
            environment=environment([self.unit]),
            seed=0,
            elapsed_s=result.elapsed_s,
            results=(replace(result, case=self._case_id()),),
        )
        changes = self._changes(record)
        if exit_code(record, changes) != PASSED:
            raise CaseFailure(record, changes)

    def _case_id(self) -> str:
        """The name of the case in the folder that pytest's own names start from, where
        baselines are written."""
        root = self.config.rootpath
        inside = self.path.is_relative_to(root)
        file = self.path.relative_to(root) if inside else self.path
        return f"{file.as_posix()}::{self.unit.case.name}"

    def _changes(self, record: RunRecord) -> list[Change] | None:
        from verifier.judgement.baseline import compare

        stored = self.config.stash[_STORED]
        return None if stored is None else compare(record, stored, partial=True)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """The report of the case; an error that the user can mend is its message
        alone."""
        error = excinfo.value
        if isinstance(error, VerifierError):
            return str(error)
        if not isinstance(error, CaseFailure):
            return super().repr_failure(excinfo, style)
        headline, report = error.shown(self.config.get_terminal_writer().fullwidth)
        # pytest's summary and JUnit file have the message, the terminal the lines.
        shown: Any = excinfo.getrepr(style="native")
        shown.reprcrash.path = str(self.path)
        shown.reprcrash.lineno = self.unit.case.place.line or 1
        shown.reprcrash.message = headline
        shown.reprtraceback.reprentries[0].lines[:] = [f"{report}\n"]
        return shown

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the case stands: its file and its line, counted from 0 as pytest
        does."""
        line = self.unit.case.place.line
        return self.path, None if line is None else line - 1, self.name


# ── tests of the user's own ───────────────────────────────────────────────────────────


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the report of each `Run` that a failed assertion speaks of: pytest shows its
    `repr`, which is one line."""
    report = yield
    # No test has a run that has not imported this.
    if call.excinfo is not None and "verifier.api" in sys.modules:
        shown: Any = report.longrepr
        for name, run in _asserted(call.excinfo):
            if hasattr(shown, "addsection"):
                shown.addsection(f"gradients of `{name}`", str(run))
    return report


def _asserted(
    excinfo: pytest.ExceptionInfo[BaseException],
) -> Iterator[tuple[str, Any]]:
    """The runs, by their names, of the statement that raised, but for those whose report
    it shows."""
    from verifier.api import Run

    visible = [entry for entry in excinfo.traceback if not entry.ishidden(excinfo)]
    if not visible or not excinfo.errisinstance(AssertionError):
        return
    statement = str(visible[-1].statement)
    for name, value in visible[-1].frame.f_locals.items():
        if not isinstance(value, Run) or not re.search(rf"\b{name}\b", statement):
            continue
        if str(value).strip().partition("\n")[0] not in str(excinfo.value):
            yield name, value
