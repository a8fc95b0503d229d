"""`verifier check`: verify a callable of tensors without a case file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Annotated, Any

import typer

from verifier.cli import asked
from verifier.cli.command import command, page
from verifier.cli.options import Seed, shapes
from verifier.cli.output import Target, deliver, format_help, targets
from verifier.errors import UsageError
from verifier.reports.formats import FORMATS
from verifier.reports.options import Options
from verifier.reports.progress import progress

_Target = Annotated[
    str,
    typer.Argument(
        metavar="MODULE:CALLABLE|FILE.py",
        help="A function, an autograd.Function or a module; or a file or class with `get_inputs` beside it.",
        show_default=False,
    ),
]
_Reference = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:CALLABLE",
        help="Plain PyTorch that says what it should compute; without it, its own forward.",
    ),
]
_Shape = Annotated[
    list[str] | None,
    typer.Option(
        "--shape",
        metavar="X=64x256",
        help="Draw this argument in this shape; repeat it in the order of the arguments.",
    ),
]
_Dtype = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DTYPE",
        help="Verify in this dtype; repeatable.",
        show_default="float32, and bfloat16 beside a reference",
    ),
]
_Upstream = Annotated[
    str | None,
    typer.Option(
        metavar="WORD",
        help="Use only this upstream gradient: random, ones, zeros, expanded or noncontiguous.",
        show_default="all of them",
    ),
]
_Wrt = Annotated[
    list[str] | None,
    typer.Option(metavar="X,Y", help="Differentiate by these inputs alone."),
]
_Domain = Annotated[
    list[str] | None,
    typer.Option(
        "--domain",
        metavar="X=[0,1]",
        help="Draw this argument from here: an interval, normal, positive, simplex, or integers 0..9.",
        show_default="normal",
    ),
]
_Points = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Draw the inputs so often."),
]
_Device = Annotated[
    str, typer.Option(metavar="DEVICE", help="Let PyTorch compute there: cpu, cuda.")
]
_Format = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="FORMAT[=FILE]", help=format_help(FORMATS)),
]
_Accept = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND", help="Do not fail on differences of this kind (`unstable`)."
    ),
]
_Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every finding and note.")
]
_Debug = Annotated[
    bool, typer.Option("--debug", help="Show the tracebacks of exceptions.")
]


@command
def check(
    target: _Target,
    reference: _Reference = None,
    shape: _Shape = None,
    domain: _Domain = None,
    dtype: _Dtype = None,
    upstream: _Upstream = None,
    wrt: _Wrt = None,
    points: _Points = None,
    seed: Seed = 0,
    device: _Device = "cpu",
    format_: _Format = None,
    accept: _Accept = None,
    verbose: _Verbose = False,
    debug: _Debug = False,
) -> int:
    """Verify the gradients of a function, module or kernel on tensors."""
    from verifier.reports import outcome
    from verifier.running import kernels
    from verifier.running.run import execute
    from verifier.running.units import count

    wanted = targets(format_ or (), FORMATS)
    accepted = tuple(outcome.accepted_verdicts(accept or ()))
    if not kernels.is_there(target):
        raise UsageError(f"no such file: `{target}`.")
    keys: dict[str, Any] = {
        "shapes": shapes(shape or ()) or None,
        "domain": asked.About(domain=domain).keys()["domain"],
        "dtype": dtype or _dtypes(reference, shape),
        "upstream": asked.About(upstream=upstream).keys()["upstream"],
        "wrt": asked.About(wrt=wrt).keys()["wrt"],
        "points": points,
    }
    with redirect_stdout(sys.stderr):  # a module that is imported may print
        units = kernels.units(
            target, reference=reference, keys=keys, seed=seed, device=device
        )
        with progress(count(units)) as (advance, on_point):
            record = execute(
                units,
                seed=seed,
                on_result=lambda result: advance(None),
                on_point=on_point,
            )

    def render(target: Target) -> str:
        width, color = page() if target.file is None else (None, False)
        options = Options(
            accepted=accepted, width=width, color=color, debug=debug, verbose=verbose
        )
        return FORMATS[target.format](record, options)

    deliver(wanted, render)
    return outcome.exit_code(record, None, accepted)


def _dtypes(reference: str | None, shape: Sequence[str] | None) -> list[str] | None:
    """Those of what is drawn, where none is named."""
    if not shape:
        return None
    return ["float32", "bfloat16"] if reference else ["float32"]
