"""The census of PyTorch programs: `verifier.check` of each in float64, float32 and
bfloat16, as a table of verdicts and times.

    python tests/census.py                      # all: some minutes
    python tests/census.py --dtype bfloat16 --only 'LayerNorm*' --lines
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import json
import sys
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

import verifier

sys.path.insert(0, str(Path(__file__).parent))
from tensor_programs import NOT_THERE, PROGRAMS, TensorProgram

DTYPES = ("float64", "float32", "bfloat16")
LACKS = (
    "not implemented for",
    "low precision dtypes not supported",
    "expects a float",
    "expected a tensor with 2 or more dimensions of float",
    "must be either float or double",
    "handle types other than float",
    "supports floating point",
    "unsupported dtype bfloat16",
    "doesn't support tensors of type: bfloat16",
    "but got bfloat16",
    "got a tensor of scalar type: bfloat16",
)
"""How PyTorch says that it has no kernel in a dtype."""
WIDEN = (1, 3, 10)


@dataclass
class Outcome:
    """What one check of one program came to."""

    name: str
    dtype: str
    verdict: str
    seconds: float
    message: str = ""
    differences: list[str] = field(default_factory=list)


def run(program: TensorProgram, dtype: str, *, is_quick: bool = False) -> Outcome:
    """The verdict on one program in one dtype; `not in PyTorch` where it has no kernel.
    A quick check widens nothing, and has two upstream gradients."""
    begun = time.perf_counter()
    is_wide = program.may_be_widened and not is_quick
    options = {"upstream": ["random", "ones"]} if is_quick else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            subject, arguments = program.make(getattr(torch, dtype))
            found = verifier.check(
                subject,
                *arguments,
                dtype=dtype,
                widen=WIDEN if is_wide else (1,),
                **options,
            )
        result = found.results[0]
    except Exception as error:
        words = f"{type(error).__name__}: {error}".splitlines()[0]
        return Outcome(
            program.name, dtype, "raised", time.perf_counter() - begun, words
        )
    message = result.message or ""
    verdict = result.verdict.value
    is_failure = result.verdict.family == "error" or verdict == "differ.unsupported"
    if is_failure and any(said in message.lower() for said in LACKS):
        verdict = "not in PyTorch"
    told = [
        f"{row.verdict.value} {row.quantity} {'.'.join(row.wrt)}{list(row.index)} "
        f"measured {row.measured} true {row.true} {row.message or ''} "
        f"[{' '.join(row.point.values())} {row.upstream or ''}]"
        for row in result.comparisons
        if row.verdict.family != "match"
    ]
    seconds = time.perf_counter() - begun
    return Outcome(program.name, dtype, verdict, seconds, message, told)


def table(outcomes: list[Outcome]) -> str:
    """Counts by verdict and dtype, and times."""
    dtypes = list(dict.fromkeys(o.dtype for o in outcomes))
    counts = Counter((o.verdict, o.dtype) for o in outcomes)
    verdicts = sorted({o.verdict for o in outcomes})
    lines = ["  ".join([f"{'verdict':24}", *(f"{d:>9}" for d in dtypes)])]
    for verdict in verdicts:
        numbers = (f"{counts[verdict, d] or '–':>9}" for d in dtypes)
        lines.append("  ".join([f"{verdict:24}", *numbers]))
    times = (sum(o.seconds for o in outcomes if o.dtype == d) for d in dtypes)
    lines.append("  ".join([f"{'seconds':24}", *(f"{t:9.1f}" for t in times)]))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", action="append", choices=DTYPES)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--part", default="0/1", help="K/N: every Nth program, from K")
    parser.add_argument("--lines", action="store_true", help="tell each difference")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    at, parts = (int(number) for number in options.part.split("/"))
    programs = [
        program
        for program in (*PROGRAMS, *NOT_THERE)
        if not options.only
        or any(fnmatch.fnmatchcase(program.name, one) for one in options.only)
    ][at::parts]
    outcomes = []
    for dtype in options.dtype or DTYPES:
        for program in programs:
            outcome = run(program, dtype, is_quick=options.quick)
            outcomes.append(outcome)
            if outcome.verdict.split(".")[0] not in ("match", "not in PyTorch"):
                show(f"{dtype} {program.name}: {outcome.verdict} {outcome.message}")
                for line in outcome.differences[: 12 if options.lines else 2]:
                    show(f"    {line}")
    show(table(outcomes))
    slowest = sorted(outcomes, key=lambda o: -o.seconds)[:8]
    show("slowest: " + ", ".join(f"{o.name} {o.seconds:.1f}" for o in slowest))
    if options.json:
        options.json.write_text(json.dumps([asdict(o) for o in outcomes]))


def show(text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
