"""`verifier survey`: how accurate PyTorch is, operation by operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from verifier.cli.command import command, page
from verifier.cli.options import Dtypes, Seed
from verifier.cli.output import Target, deliver, format_help, targets
from verifier.reports.formats import SURVEY_FORMATS
from verifier.reports.options import Options
from verifier.reports.progress import progress

if TYPE_CHECKING:
    from verifier.survey.records import Sweep

_Operation = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Take only operations of this name; * and ? match."
    ),
]
_Route = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ROUTE", help="Go this route; repeatable.", show_default="reverse"
    ),
]
_Points = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Draw so many points where not every number is tried."
    ),
]
_Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Work in so many processes.",
        show_default="one for each CPU",
    ),
]
_Format = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="FORMAT[=FILE]", help=format_help(SURVEY_FORMATS)),
]


@command
def survey(
    operation: _Operation = None,
    dtype: Dtypes = None,
    route: _Route = None,
    points: _Points = None,
    seed: Seed = 0,
    jobs: _Jobs = None,
    format_: _Format = None,
) -> int:
    """Measure how accurate PyTorch's values and gradients are, operation by
    operation."""
    from verifier.reports import outcome
    from verifier.running.executors import available, executor
    from verifier.running.run import environment
    from verifier.survey import execution, plan

    wanted = targets(format_ or (), SURVEY_FORMATS)
    tasks, skipped = plan.plan(
        names=operation or (),
        dtypes=dtype or (),
        routes=route or (),
        seed=seed,
        sample=plan.DRAWN_POINTS if points is None else points,
    )
    with progress(len(tasks), after_s=0) as (advance, on_point):
        in_hand = iter(tasks)

        def on_sweep(sweep: Sweep | None = None) -> None:
            if sweep is not None:
                advance(None)
            task = next(in_hand, None)
            if task is not None and on_point is not None:
                on_point(f"{task.expression} {task.dtype}", 0, 0)

        on_sweep()
        record = execution.execute(
            tasks,
            skipped,
            environment(),
            executor=executor(jobs or available(len(tasks))),
            on_sweep=on_sweep,
        )

    def render(target: Target) -> str:
        width, color = page() if target.file is None else (None, False)
        return SURVEY_FORMATS[target.format](record, Options(width=width, color=color))

    deliver(wanted, render)
    return outcome.INTERRUPTED if record.interrupted else outcome.PASSED
