"""`verifier explain FILE::CASE` or FORMULA: one case derived step by step, on both
sides; and `verifier explain VERDICT`: what a verdict means."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from verifier import interrupts
from verifier.cli import asked, verdict_pages
from verifier.cli.command import command, page, say
from verifier.cli.options import (
    AllowSubject,
    At,
    Drawn,
    Dtypes,
    Seed,
    Upstream,
    Where,
    Wrt,
)
from verifier.errors import UsageError, VerifierError, check_option, listed
from verifier.floats import COMPLEX, FORMATS

if TYPE_CHECKING:
    from verifier.language.casefile.case import Case
_INDENT = 4
"""Columns by which the report indents its lines, at most."""


@command
def explain(
    target: Annotated[
        str,
        typer.Argument(
            metavar="CASE|FORMULA|VERDICT",
            help="A case (FILE::CASE), a formula with --at or --domain, or a verdict such as `differ.unstable`.",
        ),
    ],
    at: At = None,
    domain: Drawn = None,
    where: Where = None,
    upstream: Upstream = None,
    wrt: Wrt = None,
    dtype: Dtypes = None,
    seed: Seed = 0,
    allow_subject: AllowSubject = None,
) -> int:
    """Derive one case or formula step by step, or say what a verdict means."""
    about = asked.About(at=at, domain=domain, where=where, upstream=upstream, wrt=wrt)
    text = None if about else verdict_pages.page(target)
    if text is not None:
        from verifier.cli.markdown import show

        show(text)
        return 0
    width, color = page()
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    say(
        explained(
            target,
            about,
            dtypes=dtype or (),
            seed=seed,
            allowed=tuple(allow_subject or ()),
            width=width,
            color=color,
            plain=plain,
        )
    )
    return 0


def explained(
    target: str,
    about: asked.About = asked.NOTHING,
    *,
    dtypes: Sequence[str] = (),
    seed: int = 0,
    allowed: Sequence[str] = (),
    width: int | None = None,
    color: bool = False,
    plain: bool = False,
) -> str:
    """The derivation of the case called `FILE::CASE`, or of a formula, as text, in each
    of its dtypes or in those named.

    `allowed` are patterns of subjects that may be imported; `plain` keeps formulas to
    ASCII.
    """
    from verifier.reports import explain as report
    from verifier.reports.page import columns
    from verifier.running.isolation import isolated
    from verifier.verification import explanation

    case = find(target, about)
    if case.tensors is not None:
        raise UsageError(
            f"{case.place}: expected a formula of single numbers, found one of tensors, whose derivation is not "
            f"written out. `verifier run {shlex.quote(target)}` judges it."
        )
    chosen = dtypes or case.dtypes
    for dtype in chosen:
        _check_dtype(dtype, case, target)
    with isolated(), interrupts.watched():
        try:
            pages = explanation.explain(
                case,
                dtypes=chosen,
                seed=seed,
                allowed=allowed,
                columns=columns(width) - _INDENT,
                plain=plain,
            )
        except VerifierError:
            raise
        except BaseException as error:  # `sys.exit()` of a subject is no Exception
            if interrupts.is_received() or case.subject is None:
                raise
            raise _raised(target, case, error) from error
    return report.render(pages, width=width, color=color)


def _raised(target: str, case: Case, error: BaseException) -> UsageError:
    kind = type(error).__name__
    what = f"{kind}: {error}" if str(error) else kind
    return UsageError(
        f"{case.place}: expected a subject that runs, found that it raises {what}. "
        f"`verifier run {shlex.quote(target)} --debug` shows where."
    )


def _check_dtype(dtype: str, case: Case, target: str) -> None:
    if dtype in COMPLEX:
        raise UsageError(
            f"`explain` derives real cases only, found the dtype {dtype}. "
            f"`verifier run {shlex.quote(target)}` judges it."
        )
    check_option("--dtype", [dtype], FORMATS)


def find(target: str, about: asked.About = asked.NOTHING) -> Case:
    """The case of that file and name, or the formula."""
    what = asked.sort([target], about)
    if what.whole:
        raise UsageError(
            f"expected FILE::CASE, a formula or a verdict, found `{target}`. "
            "`verifier run` lists the cases by that name."
        )
    cases = asked.load(what, about)
    if cases[1:]:
        names = listed(case.id for case in cases)
        raise UsageError(f"expected one case, found {len(cases)}: {names}.")
    return cases[0]
