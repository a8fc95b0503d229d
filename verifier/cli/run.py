"""`verifier run`: verify case files."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.cli import asked, stored
from verifier.cli.command import command, page, say
from verifier.cli.options import (
    AllowSubject,
    At,
    Drawn,
    Dtypes,
    Growth,
    Seed,
    Shapes,
    Upstream,
    Where,
    Wrt,
    checked_growth,
    unknown,
)
from verifier.cli.output import TEXT, Target, deliver, format_help, targets
from verifier.errors import UsageError
from verifier.reports.formats import FORMATS
from verifier.reports.options import Options
from verifier.reports.progress import progress

if TYPE_CHECKING:
    from verifier.judgement.baseline import Baseline
    from verifier.records import Change, Result, RunRecord, Verdict
    from verifier.running.units import Unit

DEFAULT = "cases"
_POINTS_IN_REPORT = ("worst", "all")

_What = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH|FORMULA",
        help="Case files, folders, a case of a file (FILE::CASE), or a formula with --at or --domain.",
        show_default="cases/",
    ),
]
_Case = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Take only cases of this name; * and ? match."),
]
_Tag = Annotated[
    list[str] | None, typer.Option(metavar="TAG", help="Take only cases with this tag.")
]
_Route = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ROUTE", help="Go this route, whatever the cases say; repeatable."
    ),
]
_Order = Annotated[
    list[int] | None,
    typer.Option(
        metavar="N",
        min=1,
        max=2,
        help="Take only cases of this order: 1 for gradients, 2 for Hessians.",
    ),
]
_Points = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Draw so many points of each domain."),
]
_Layout = Annotated[
    str,
    typer.Option(
        metavar="LAYOUT",
        help="Lay the points in memory as batch, single, strided or expanded.",
    ),
]
_Device = Annotated[
    str, typer.Option(metavar="DEVICE", help="Let PyTorch compute there: cpu, cuda.")
]
_Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMAT[=FILE]",
        help=format_help(FORMATS),
    ),
]
_PointsInReport = Annotated[
    str,
    typer.Option(
        metavar="worst|all",
        help="Put all comparisons into the JSON report, or those that are no match and the worst of the others.",
    ),
]
_Baseline = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Fail only on what is worse than in this file."),
]
_UpdateBaseline = Annotated[
    bool,
    typer.Option("--update-baseline", help="Store this run in the file of --baseline."),
]
_Accept = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND", help="Do not fail on differences of this kind (`unstable`)."
    ),
]
_FailFast = Annotated[
    bool, typer.Option("--fail-fast", "-x", help="Stop at the first failure.")
]
_Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show only what is not as expected.")
]
_Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show every descent, and every finding."),
]
_Durations = Annotated[
    int, typer.Option(metavar="N", min=0, help="Name the N slowest results.")
]
_Debug = Annotated[
    bool, typer.Option("--debug", help="Show the tracebacks of exceptions.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a run was asked to do."""

    what: asked.Asked
    about: asked.About
    cases: tuple[str, ...]
    tags: tuple[str, ...]
    dtypes: tuple[str, ...]
    routes: tuple[str, ...]
    orders: tuple[int, ...]
    allowed: tuple[str, ...]
    points: int | None
    seed: int
    fail_fast: bool
    targets: tuple[Target, ...]
    baseline: stored.Request
    accept: tuple[Verdict, ...]
    layout: str
    device: str
    debug: bool
    quiet: bool
    verbose: bool
    durations: int
    report_all: bool
    """Whether the report holds every comparison."""

    @property
    def is_filtered(self) -> bool:
        """Whether some of the cases in the files were left out on purpose."""
        return bool(
            self.what.cases
            or self.cases
            or self.tags
            or self.dtypes
            or self.routes
            or self.orders
        )


@command
def run(
    what: _What = None,
    at: At = None,
    domain: Drawn = None,
    where: Where = None,
    upstream: Upstream = None,
    wrt: Wrt = None,
    shape: Shapes = None,
    case: _Case = None,
    tag: _Tag = None,
    dtype: Dtypes = None,
    route: _Route = None,
    order: _Order = None,
    points: _Points = None,
    seed: Seed = 0,
    layout: _Layout = "batch",
    device: _Device = "cpu",
    format_: _Format = None,
    points_in_report: _PointsInReport = "worst",
    baseline: _Baseline = None,
    update_baseline: _UpdateBaseline = False,
    growth: Growth = 2.0,
    accept: _Accept = None,
    allow_subject: AllowSubject = None,
    fail_fast: _FailFast = False,
    quiet: _Quiet = False,
    verbose: _Verbose = False,
    durations: _Durations = 0,
    debug: _Debug = False,
) -> int:
    """Verify the gradients of case files, or of a formula."""
    about = asked.About(
        at=at, domain=domain, where=where, upstream=upstream, wrt=wrt, shape=shape
    )
    named = asked.sort(what or (DEFAULT,), about)
    return _run(
        Request(
            what=named,
            about=about,
            cases=tuple(case or ()),
            tags=tuple(tag or ()),
            dtypes=tuple(dtype or ()),
            routes=tuple(route or ()),
            orders=tuple(order or ()),
            allowed=tuple(allow_subject or ()),
            points=points,
            seed=seed,
            fail_fast=fail_fast,
            targets=targets(format_ or (), FORMATS),
            baseline=stored.Request(
                paths=named.paths,
                file=stored.checked(baseline, update=update_baseline),
                update=update_baseline,
                growth=checked_growth(growth),
            ),
            accept=_checked_accept(accept or ()),
            layout=layout,
            device=device,
            debug=debug,
            quiet=quiet,
            verbose=verbose,
            durations=durations,
            report_all=_checked_points_in_report(points_in_report) == "all",
        )
    )


def _checked_accept(kinds: Sequence[str]) -> tuple[Verdict, ...]:
    from verifier.reports.outcome import accepted_verdicts

    return tuple(accepted_verdicts(kinds))


def _checked_points_in_report(which: str) -> str:
    if which not in _POINTS_IN_REPORT:
        message = unknown("choice", which, _POINTS_IN_REPORT)
        raise UsageError(f"--points-in-report: {message}")
    return which


def _run(request: Request) -> int:
    from verifier.reports import outcome

    before = stored.load(request.baseline)
    record = _execute(_plan(request), before, request)
    partial = request.is_filtered or record.interrupted or outcome.is_incomplete(record)
    changes = stored.changes(record, before, request.baseline, partial=partial)
    deliver(request.targets, lambda target: _render(record, changes, target, request))
    if request.baseline.update:
        stored.update(record, before, request.baseline, partial=partial)
        changes = []  # against what the baseline now says
    return outcome.exit_code(record, changes, request.accept)


def _plan(request: Request) -> list[Unit]:
    from verifier.running.plan import plan

    cases = asked.load(
        request.what,
        request.about,
        dtype=request.dtypes or None,
        routes=request.routes or None,
        order=max(request.orders, default=None),
    )
    with redirect_stdout(sys.stderr):  # a module that is imported may print
        return plan(
            cases,
            dtypes=request.dtypes,
            routes=request.routes,
            orders=request.orders,
            allowed=request.allowed,
            names=request.cases,
            tags=request.tags,
            points=request.points,
            layout=request.layout,
            device=request.device,
            report_all=request.report_all,
        )


def _execute(units: list[Unit], before: Baseline | None, request: Request) -> RunRecord:
    """The finished run; its lines are printed as they come."""
    from verifier.running.run import execute
    from verifier.running.units import count

    print_line = None
    if TEXT in request.targets:
        print_line = _printer(units, before, request)
    # What a callable prints must not end up in a report.
    with progress(count(units)) as (advance, on_point), redirect_stdout(sys.stderr):

        def on_result(result: Result) -> None:
            advance(
                None if print_line is None else functools.partial(print_line, result)
            )

        return execute(
            units,
            seed=request.seed,
            fail_fast=request.fail_fast,
            accepted=request.accept,
            on_result=on_result,
            on_point=on_point,
        )


def _printer(
    units: Sequence[Unit], before: Baseline | None, request: Request
) -> Callable[[Result], None]:
    """What prints the line of a result on standard output."""
    from verifier.reports import text
    from verifier.reports.findings import findings_of
    from verifier.running.run import environment

    options = _options(TEXT, request, changes=None if before is None else ())
    lines = text.Lines(options, [unit.case.id for unit in units])
    stream, here = sys.stdout, environment(units)

    def print_line(result: Result) -> None:
        changes = stored.changes_of(result, here, before, request.baseline)
        say(lines.add(result, findings_of(result, options, changes)), stream)

    return print_line


def _render(
    record: RunRecord,
    changes: Sequence[Change] | None,
    target: Target,
    request: Request,
) -> str:
    """The report for a target; of the text on standard output, what is not printed
    yet."""
    return FORMATS[target.format](record, _options(target, request, changes=changes))


def _options(
    target: Target, request: Request, *, changes: Sequence[Change] | None
) -> Options:
    """How the report for a target is made."""
    width, color = page() if target.file is None else (None, False)
    encoding = (sys.stdout.encoding or "").lower()
    return Options(
        changes=changes,
        accepted=request.accept,
        width=width,
        color=color,
        glyphs=color and "CI" not in os.environ and "utf" in encoding,
        debug=request.debug,
        streamed=target == TEXT,
        quiet=request.quiet,
        verbose=request.verbose,
        durations=request.durations,
    )
