"""The command line: arguments in, reports and an exit code out.

Nothing heavy is imported until a command needs it, so that `verifier --help` is there at once.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec, TextIO

import typer

from verifier.errors import BaselineError, Place, UsageError, VerifierError, suggest

if TYPE_CHECKING:
    from verifier.judgement.baseline import Baseline
    from verifier.language.operations.table import Operation
    from verifier.records import Change, Result, RunRecord, Verdict
    from verifier.running.pipeline import Task
    from verifier.survey.records import SurveyRecord

DEFAULT_PATH = Path("cases")
LONG_RUN_S = 2.0
"""Seconds after which a run shows how far it has come."""
REFRESH_S = 0.2
"""Seconds between two looks at the points of one case."""

_FORMATS = ("text", "json")
_SURVEY_FORMATS = ("text", "json", "markdown")
_POINTS_IN_REPORT = ("worst", "all")
_SCHEMAS = ("case", "report", "survey")
_BROKEN_PIPE = 128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1
_P = ParamSpec("_P")
_OnPoint = Callable[[int, int], None]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Is the gradient that PyTorch computes the true one?",
    epilog="Exit codes: 0 all as expected; 1 something is not; 2 usage; 3 nothing is wrong, but something could not be "
    "judged; 130 interrupted.",
)


def main() -> None:
    """Runs the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is spelled out, and never the end of the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    from verifier.reports.outcome import UNUSABLE

    with _guarded_exit():
        app()
        raise SystemExit(UNUSABLE)  # not reached, unless a callable replaced `sys.exit`


@contextmanager
def _guarded_exit() -> Iterator[None]:
    """`os._exit`, wherever a callable has put it (in `atexit`, in a thread), ends this process with no better code."""
    from verifier.reports.outcome import UNUSABLE

    leave, owner = os._exit, os.getpid()
    own = UNUSABLE

    def leave_no_better(status: int = 0) -> NoReturn:
        leave(status or own if os.getpid() == owner else status)

    os._exit = leave_no_better
    try:
        yield
    except SystemExit as end:
        own = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        raise


def _command(function: Callable[_P, int]) -> Callable[_P, NoReturn]:
    """The command whose exit code `function` returns, and which tells the user's mistakes without a traceback."""

    @functools.wraps(function)
    def command(*args: _P.args, **kwargs: _P.kwargs) -> NoReturn:
        raise typer.Exit(_exit_code(functools.partial(function, *args, **kwargs)))

    return command


def _exit_code(function: Callable[[], int]) -> int:
    from verifier.reports.outcome import INTERRUPTED, UNUSABLE

    try:
        code = function()
        sys.stdout.flush()
    except VerifierError as error:
        _complain(f"error: {error}")
        return UNUSABLE
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except SystemExit as error:
        # Only a callable's: of a handler of signals that it left behind, say.
        _complain(f"error: the run was ended by `SystemExit({error.code!r})`.")
        return UNUSABLE
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        _discard_output()
        return _BROKEN_PIPE
    except OSError as error:  # the disk is full, say
        _discard_output()
        _complain(f"error: expected to write the report, found: {error.strerror}.")
        return UNUSABLE
    return code


def _discard_output() -> None:
    """Let what Python flushes at its end go nowhere, where standard output takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> None:
    # Text from a case file must not command the terminal.
    shown = "".join(
        c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message
    )
    sys.stderr.write(f"{shown}\n")


def _say(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    stream.write(text)
    stream.flush()


def _version(asked: bool) -> None:
    if not asked:
        return
    from importlib import metadata

    try:
        version = metadata.version("gradient-verifier")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    _say(f"verifier {version}\n")
    raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version


# ── run ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A format, and the file it goes to; None is standard output."""

    format: str
    file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What a run was asked to do."""

    paths: tuple[Path, ...]
    cases: tuple[str, ...]
    tags: tuple[str, ...]
    dtypes: tuple[str, ...]
    routes: tuple[str, ...]
    orders: tuple[int, ...]
    allowed: tuple[str, ...]
    points: int | None
    seed: int
    fail_fast: bool
    targets: tuple[_Target, ...]
    baseline: Path | None
    update: Path | None
    """The baseline to rewrite."""
    growth: float
    accept: tuple[Verdict, ...]
    layout: str
    device: str
    debug: bool
    tell_all: bool
    """Whether the report holds every comparison."""

    @property
    def is_filtered(self) -> bool:
        """Whether some of the cases in the files were left out on purpose."""
        return bool(
            self.cases or self.tags or self.dtypes or self.routes or self.orders
        )

    @property
    def streams_text(self) -> bool:
        """Whether the text report goes to standard output."""
        return _Target(format="text", file=None) in self.targets


_Growth = Annotated[
    float,
    typer.Option(metavar="FACTOR", help="By which an error may exceed the stored one."),
]


_Allowed = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-subject",
        metavar="PATTERN",
        help="Modules from which a subject may be imported, beside those that pyproject.toml allows.",
    ),
]


@app.command()
@_command
def run(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Case files or folders.", show_default="cases/"
        ),
    ] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only cases of this name; * and ? match."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Only cases with this tag.")
    ] = None,
    dtype: Annotated[
        list[str] | None, typer.Option(metavar="DTYPE", help="Only in this dtype.")
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROUTE", help="By this route, whatever the cases say; repeatable."
        ),
    ] = None,
    order: Annotated[
        list[int] | None,
        typer.Option(metavar="N", min=1, max=2, help="Only cases of this order."),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Points drawn in a sampled case."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the points that are drawn.")] = 0,
    layout: Annotated[
        str,
        typer.Option(
            metavar="LAYOUT",
            help="How points lie in memory: batch, single, strided or expanded.",
        ),
    ] = "batch",
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="On which PyTorch computes.")
    ] = "cpu",
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT[=FILE]",
            help="text or json; several times for several. Text goes to standard output unless another format does.",
        ),
    ] = None,
    points_in_report: Annotated[
        str,
        typer.Option(
            metavar="WHICH",
            help="Which comparisons the JSON report holds: worst (all that are no match, and the worst match of each "
            "quantity) or all.",
        ),
    ] = "worst",
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Fail only on what is worse than there."),
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Write this run to --baseline.")
    ] = False,
    growth: _Growth = 2.0,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="A kind of difference not to fail on."),
    ] = None,
    allow_subject: _Allowed = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first failure.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the tracebacks of exceptions.")
    ] = False,
) -> int:
    """Verify the gradients of case files."""
    request = _Request(
        paths=tuple(map(_relative, paths or (DEFAULT_PATH,))),
        cases=tuple(case or ()),
        tags=tuple(tag or ()),
        dtypes=tuple(dtype or ()),
        routes=tuple(route or ()),
        orders=tuple(order or ()),
        allowed=tuple(allow_subject or ()),
        points=points,
        seed=seed,
        fail_fast=fail_fast,
        targets=_targets(format_ or ()),
        baseline=baseline,
        update=_updated(baseline) if update_baseline else None,
        growth=_checked_growth(growth),
        accept=_checked_accept(accept or ()),
        layout=layout,
        device=device,
        debug=debug,
        tell_all=_checked_points_in_report(points_in_report),
    )
    return _run(request)


def _run(request: _Request) -> int:
    from verifier.language.casefile.loading import load_paths
    from verifier.reports import outcome
    from verifier.running.pipeline import plan

    before = _stored(request)
    cases = load_paths(request.paths)
    with redirect_stdout(sys.stderr):  # a module that is imported may print
        tasks = plan(
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
            tell_all=request.tell_all,
        )
    record = _execute(tasks, request)
    partial = (
        request.is_filtered or record.interrupted or len(record.results) < len(tasks)
    )
    changes = _changes(record, before, request, partial=partial)
    _report(record, changes, request)
    if request.update is not None:
        _update(request.update, record, before, request, partial)
        changes = []  # against what the baseline now says
    return outcome.exit_code(record, changes, request.accept)


def _execute(tasks: list[Task], request: _Request) -> RunRecord:
    """The finished run; its lines are printed as they come."""
    from verifier.running.pipeline import execute

    say = _streamer(tasks, request) if request.streams_text else None
    # What a callable prints must not end up in a report.
    with _progress(len(tasks)) as (advance, judged), redirect_stdout(sys.stderr):

        def on_result(result: Result) -> None:
            advance(None if say is None else functools.partial(say, result))

        return execute(
            tasks,
            seed=request.seed,
            fail_fast=request.fail_fast,
            accepted=request.accept,
            on_result=on_result,
            on_point=judged,
        )


def _streamer(tasks: Sequence[Task], request: _Request) -> Callable[[Result], None]:
    from verifier.reports import text

    color, stream = _page()[1], sys.stdout
    names = text.name_width(task.case.id for task in tasks)
    return lambda result: _say(
        text.streamed(result, names=names, accepted=request.accept, color=color),
        stream,
    )


@contextmanager
def _progress(
    total: int,
) -> Iterator[tuple[Callable[[Callable[[], None] | None], None], _OnPoint | None]]:
    """A bar on standard error, where that is a terminal and once the run is long.

    The first callable is called after each result and prints its line, if any; the bar is off the screen while it
    does, so that the two never mix. The second is called after each point, with how many of how many are judged.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_interactive:
        yield (lambda say: None if say is None else say()), None
        return
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task("", total=total)
    (task,) = bar.tasks
    finished = 0
    shown_s = 0.0

    def show(completed: float) -> None:
        nonlocal shown_s
        bar.update(task.id, completed=completed)
        if (task.elapsed or 0) > LONG_RUN_S and not task.finished:
            shown_s = time.monotonic()
            bar.start()
            bar.refresh()

    def advance(say: Callable[[], None] | None) -> None:
        nonlocal finished
        bar.stop()
        if say is not None:
            say()
        finished += 1
        show(finished)

    def judged(done: int, points: int) -> None:
        if time.monotonic() - shown_s > REFRESH_S:
            show(finished + done / (points + 1))

    try:
        yield advance, judged
    finally:
        bar.stop()


def _page() -> tuple[int | None, bool]:
    """The width of standard output where it is a terminal, and whether it shows colours."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        return None, False
    return console.width, not console.no_color and not console.is_dumb_terminal


# ── formats ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _targets(
    formats: Sequence[str], known: Sequence[str] = _FORMATS
) -> tuple[_Target, ...]:
    """The formats asked for; where none goes to standard output, the text report does."""
    targets = tuple(_target(text, known) for text in formats)
    files = [target.file for target in targets]
    for index, file in enumerate(files):
        if file in files[:index]:
            where = "standard output" if file is None else f"`{file}`"
            raise UsageError(
                f"--format: expected one format to {where}, found two. Give the other one a file: `--format json=FILE`."
            )
    return targets if None in files else (_Target(format="text", file=None), *targets)


def _target(text: str, known: Sequence[str]) -> _Target:
    name, given, file = text.partition("=")
    if name not in known:
        raise UsageError(f"--format: {_unknown('format', name, known)}")
    if not given:
        return _Target(format=name, file=None)
    if not file:
        raise UsageError(
            f"--format: expected a file after `{name}=`. Leave `=` out for standard output."
        )
    _check_folder(Path(file))
    return _Target(format=name, file=Path(file))


def _check_folder(file: Path) -> None:
    """Refuses, before anything runs, a file that cannot be written when all is done."""
    if file.is_dir():
        raise UsageError(f"expected a file to write, found the folder `{file}`.")
    if not file.parent.is_dir():
        raise UsageError(
            f"no such folder: `{file.parent}`. Create it, or write `{file.name}` elsewhere."
        )


def _unknown(what: str, found: str, known: Sequence[str]) -> str:
    near = suggest(found, known)
    hint = f"Did you mean `{near}`? " if near else ""
    return f"unknown {what} `{found}`. {hint}Expected one of {', '.join(known)}."


def _relative(path: Path) -> Path:
    """The path as it is on every machine: relative to the working folder, where it lies in that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _updated(baseline: Path | None) -> Path:
    if baseline is None:
        raise UsageError(
            "--update-baseline: expected a file to write. Name it with `--baseline FILE`."
        )
    return baseline


def _checked_accept(kinds: Sequence[str]) -> tuple[Verdict, ...]:
    from verifier.reports.outcome import accepted_verdicts

    return tuple(accepted_verdicts(kinds))


def _checked_points_in_report(which: str) -> bool:
    if which not in _POINTS_IN_REPORT:
        raise UsageError(
            f"--points-in-report: {_unknown('choice', which, _POINTS_IN_REPORT)}"
        )
    return which == "all"


def _checked_growth(factor: float) -> float:
    if not 1 <= factor < float("inf"):
        raise UsageError(
            f"--growth: expected a factor from 1, found {factor}. Leave it out for the usual one."
        )
    return factor


def _report(
    record: RunRecord, changes: Sequence[Change] | None, request: _Request
) -> None:
    # Files first: a reader who closes the pipe must not cost them.
    for target in sorted(request.targets, key=lambda target: target.file is None):
        if target.file is None:
            _say(_rest(record, changes, target.format, request))
        else:
            _write(target.file, _whole(record, changes, target.format, request))


def _whole(
    record: RunRecord, changes: Sequence[Change] | None, name: str, request: _Request
) -> str:
    from verifier.reports import json as json_report
    from verifier.reports import text

    if name == "json":
        return json_report.render(record, changes)
    return text.render(record, changes, accepted=request.accept, debug=request.debug)


def _rest(
    record: RunRecord, changes: Sequence[Change] | None, name: str, request: _Request
) -> str:
    """What standard output is still to be given: of a text report, the lines are there already."""
    from verifier.reports import text

    if name != "text":
        return _whole(record, changes, name, request)
    width, color = _page()
    return text.details(
        record,
        changes,
        accepted=request.accept,
        width=width,
        color=color,
        debug=request.debug,
    )


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _write(file: Path, content: str) -> None:
    from verifier.judgement.baseline import replace_text

    try:
        replace_text(file, content)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {_reason(error)}. Choose another place.",
            place=Place(file=str(file)),
        ) from error


# ── baseline ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _stored(request: _Request) -> Baseline | None:
    """The baseline to hold the run against, or None; one that is to be rewritten need not be there."""
    from verifier.judgement.baseline import load

    if request.update is None:
        return None if request.baseline is None else load(request.baseline)
    _check_folder(request.update)
    try:
        return load(request.update)
    except BaselineError as error:
        if request.update.exists():
            _complain(f"note: rewritten without a comparison: {error}")
        return None


def _changes(
    record: RunRecord, before: Baseline | None, request: _Request, *, partial: bool
) -> list[Change] | None:
    """The changes against the stored run, as far as this run was asked about it."""
    from verifier.judgement.baseline import check_overlap, compare, split

    if before is None:
        return None
    inside, _ = split(before, request.paths)
    whole = replace(
        record, results=tuple(r for r in record.results if not r.interrupted)
    )
    if request.update is None and not inside.entries:
        check_overlap(whole, before)
    return compare(whole, inside, growth=request.growth, partial=partial)


def _update(
    file: Path,
    record: RunRecord,
    before: Baseline | None,
    request: _Request,
    partial: bool,
) -> None:
    """Rewrites the baseline, but for the entries that this run was not asked about.

    A run that did not finish writes nothing.
    """
    from verifier.judgement.baseline import split, write

    if record.interrupted:
        _complain(f"note: {file} is as it was, for the run did not finish")
        return
    kept = before
    if before is not None and not partial:
        _, kept = split(before, request.paths)
    write(file, record, kept=kept)
    _complain(f"note: the run is stored in {file}")


# ── the other commands ──────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
@_command
def explain(
    target: Annotated[
        str, typer.Argument(metavar="FILE::CASE", help="The case to derive.")
    ],
    dtype: Annotated[
        list[str] | None, typer.Option(metavar="DTYPE", help="Only in this dtype.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the points that are drawn.")] = 0,
    allow_subject: _Allowed = None,
) -> int:
    """Derive one case step by step: value, local derivative and adjoint, on both sides."""
    from verifier.cli import explain as explain_command

    width, color = _page()
    _say(
        explain_command.explain(
            target,
            dtypes=dtype or (),
            seed=seed,
            allowed=tuple(allow_subject or ()),
            width=width,
            color=color,
            plain="utf" not in (sys.stdout.encoding or "").lower(),
        )
    )
    return 0


@app.command()
@_command
def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="The earlier run.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="The later run.")],
    growth: _Growth = 2.0,
) -> int:
    """Tell what got better or worse between two JSON reports."""
    from verifier.judgement import baseline
    from verifier.reports import outcome, text

    before, after = _read_report(old), _read_report(new)
    changes = baseline.compare(
        after,
        baseline.of(before),
        growth=_checked_growth(growth),
        partial=after.interrupted,
    )
    width, color = _page()
    _say(text.compared(changes, width=width, color=color))
    worse = any(change.regression for change in changes)
    return outcome.FAILED if worse else outcome.PASSED


def _read_report(file: Path) -> RunRecord:
    from verifier.reports import json as json_report

    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"expected a JSON report, found: {_reason(error)}. "
            "`verifier run --format json=FILE` writes one.",
            place=Place(file=str(file)),
        ) from error
    return json_report.read(content, str(file))


@app.command()
@_command
def survey(
    operation: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only operations of this name; * matches."),
    ] = None,
    dtype: Annotated[
        list[str] | None,
        typer.Option(metavar="DTYPE", help="Only in this dtype.", show_default="all"),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROUTE",
            help="By this route; repeatable.",
            show_default="reverse",
        ),
    ] = None,
    points: Annotated[
        int | None,
        typer.Option(metavar="N", help="Points drawn where not every number is tried."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the points that are drawn.")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Processes.", show_default="one for each CPU"
        ),
    ] = None,
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT[=FILE]",
            help="text, json or markdown; several times for several.",
        ),
    ] = None,
) -> int:
    """Measure how accurate PyTorch's values and gradients are, operation by operation."""
    from verifier.reports import outcome
    from verifier.running.pipeline import environment
    from verifier.survey import execution, plan

    targets = _targets(format_ or (), _SURVEY_FORMATS)
    tasks, skipped = plan.plan(
        names=operation or (),
        dtypes=dtype or (),
        routes=route or (),
        seed=seed,
        sample=plan.DRAWN_POINTS if points is None else points,
    )
    with _progress(len(tasks)) as (advance, _):
        record = execution.execute(
            tasks,
            skipped,
            environment(),
            jobs=jobs or execution.default_jobs(tasks),
            on_sweep=lambda sweep: advance(None),
        )
    for target in sorted(targets, key=lambda target: target.file is None):
        if target.file is None:
            _say(_surveyed(record, target.format))
        else:
            _write(target.file, _surveyed(record, target.format))
    return outcome.INTERRUPTED if record.interrupted else outcome.PASSED


def _surveyed(record: SurveyRecord, name: str) -> str:
    from verifier.reports import survey as survey_report

    if name == "json":
        return survey_report.render_json(record)
    if name == "markdown":
        return survey_report.render_markdown(record)
    width, color = _page()
    return survey_report.render(record, width=width, color=color)


@app.command()
@_command
def operations(
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text or json.")
    ] = "text",
) -> int:
    """List the operations that an expression may use."""
    from verifier.language.operations.table import OPERATIONS

    if format_ not in _FORMATS:
        raise UsageError(f"--format: {_unknown('format', format_, _FORMATS)}")
    rows = list(OPERATIONS.values())
    _say(_json(map(_row, rows)) if format_ == "json" else _operations_text(rows))
    return 0


def _operations_text(rows: Sequence[Operation]) -> str:
    from verifier.language.operations.table import CONSTANTS
    from verifier.reports import text

    headers = ("name", "operands", "meaning", "domain", "kinks and poles")
    cells = [
        [
            row.name if row.symbol is None else f"{row.name} ({row.symbol})",
            _operands(row),
            row.meaning,
            " × ".join(_domains(row)),
            ", ".join((*row.kinks, *row.jumps, *row.poles)),
            row.convention or "",
            ", ".join(row.aliases),
            row.source,
        ]
        for row in rows
    ]
    width, color = _page()
    listed = text.table(
        (*headers, "convention", "aliases", "source"), cells, width=width, color=color
    )
    return f"{listed}\nConstants: {', '.join(CONSTANTS)}\n"


def _operands(row: Operation) -> str:
    """As they are written in a call; a parameter, which takes a number, with its default."""
    defaults = dict(row.defaults)
    written = (
        f"{name} = {defaults[name]}" if name in defaults else name
        for name in row.operands
    )
    return ", ".join(written)


def _domains(row: Operation) -> list[str]:
    """The domain of each operand that is a tensor of numbers."""
    from verifier.language.operations.table import Sort

    named = zip(row.operands, row.sorts, strict=True)
    numbers = (name for name, sort in named if sort is Sort.NUMBER)
    return [
        str(interval)
        for name, interval in zip(numbers, row.domain, strict=True)
        if name not in row.parameters
    ]


def _row(row: Operation) -> dict[str, Any]:
    from verifier.language.operations.table import HOLOMORPHIC

    return {
        "name": row.name,
        "symbol": row.symbol,
        "operands": row.operands,
        "meaning": row.meaning,
        "domain": [str(interval) for interval in row.domain],
        "kinks": row.kinks,
        "jumps": row.jumps,
        "poles": row.poles,
        "convention": row.convention,
        "parameters": dict.fromkeys(row.parameters) | dict(row.defaults),
        "composition": row.composition,
        "definition": row.definition,
        "complex": row.name in HOLOMORPHIC,
        "aliases": row.aliases,
        "source": row.source,
    }


# ── import ──────────────────────────────────────────────────────────────────────────────────────────────────────────

imports = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make a case file of formulas in another format.",
)
app.add_typer(imports, name="import")

_Source = Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.")]
_Output = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Write there, not to standard output."
    ),
]
_Force = Annotated[bool, typer.Option("--force", help="Overwrite the output file.")]
_Range = Annotated[
    str | None,
    typer.Option(
        "--range",
        metavar="LOW,HIGH",
        help="In the place of infinite ends; a variable without bounds is drawn from all numbers otherwise.",
    ),
]


@imports.command("fpcore")
@_command
def import_fpcore(
    file: _Source,
    output: _Output = None,
    force: _Force = False,
    range_: _Range = None,
) -> int:
    """From FPCore 2.0 benchmarks."""
    return _import("fpcore", file, output, force, range_)


@imports.command("csv")
@_command
def import_csv(
    file: _Source,
    output: _Output = None,
    force: _Force = False,
    range_: _Range = None,
) -> int:
    """From a CSV of formulas, with the columns `name`, `formula` and `x_low`, `x_high` or `domain`."""
    return _import("csv", file, output, force, range_)


def _import(
    format_: str, file: Path, output: Path | None, force: bool, limits: str | None
) -> int:
    from verifier.cli import import_formulas as import_command

    if output is not None:
        _check_folder(output)
        if output.exists() and not force:
            raise UsageError(
                f"expected a new file to write, found `{output}`. Choose another, or give `--force`."
            )
    outcome = import_command.import_file(format_, file, limits=limits)
    if output is None:
        _say(outcome.text)
    else:
        _write(output, outcome.text)
    _complain(outcome.summary)
    return 0


# ── schema ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@app.command()
@_command
def schema(
    of: Annotated[
        str,
        typer.Argument(metavar="[case|report|survey]", help="Of which kind of file."),
    ] = "case",
) -> int:
    """Print the JSON Schema of case files, or of the JSON report of a run or survey."""
    if of not in _SCHEMAS:
        raise UsageError(_unknown("schema", of, _SCHEMAS))
    makers = {"case": _case_schema, "report": _report_schema, "survey": _survey_schema}
    _say(_json(makers[of]()))
    return 0


def _case_schema() -> dict[str, Any]:
    from verifier.language.casefile import loading as cases

    return cases.schema()


def _report_schema() -> dict[str, Any]:
    from verifier.reports import json as json_report

    return json_report.schema()


def _survey_schema() -> dict[str, Any]:
    from verifier.reports import survey as survey_report

    return survey_report.schema()


def _json(data: Any) -> str:
    whole = data if isinstance(data, dict) else list(data)
    return f"{json.dumps(whole, indent=2)}\n"
