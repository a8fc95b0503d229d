"""`verifier compare OLD NEW`: what got better or worse between two JSON reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from verifier.cli.command import command, page, say
from verifier.cli.options import Growth, checked_growth
from verifier.errors import BaselineError, Place
from verifier.files import reason

if TYPE_CHECKING:
    from verifier.records import RunRecord


@command
def compare(
    old: Annotated[
        Path, typer.Argument(metavar="OLD.json", help="The report of the earlier run.")
    ],
    new: Annotated[
        Path, typer.Argument(metavar="NEW.json", help="The report of the later run.")
    ],
    growth: Growth = 2.0,
) -> int:
    """Tell what got better or worse between the JSON reports of two runs."""
    from verifier.judgement import baseline
    from verifier.reports import changes as report
    from verifier.reports import outcome

    before, after = _read(old), _read(new)
    changes = baseline.compare(
        after,
        baseline.of(before),
        growth=checked_growth(growth),
        partial=after.interrupted,
        strict=True,
    )
    width, color = page()
    runs = (str(old), before), (str(new), after)
    say(report.render(*runs, changes, width=width, color=color))
    worse = any(change.regression for change in changes)
    return outcome.FAILED if worse else outcome.PASSED


def _read(file: Path) -> RunRecord:
    from verifier.reports import json

    try:
        content = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(
            f"expected a JSON report, found: {reason(error)}. "
            "`verifier run --format json=FILE` writes one.",
            place=Place(file=str(file)),
        ) from error
    return json.read(content, str(file))
