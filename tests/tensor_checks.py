"""A program of tensors from the recording to the judgement, for the tests that hold
models and verdicts to real programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.record import record
from verifier.enclosures import Enclosures, Samples, Spreads
from verifier.floats import FORMATS
from verifier.judgement.tensors.entries import EntryVerdicts, Truths, judge_entries
from verifier.judgement.tensors.formula import FormulaJudgement, judge_formula
from verifier.judgement.tensors.statistics import Statistic, judge_bulk, judge_scale
from verifier.judgement.tolerance import Tolerance
from verifier.language.cells import CellProgram
from verifier.records import Verdict
from verifier.symbolic.cells.samples import samples
from verifier.symbolic.cells.spread import spreads
from verifier.symbolic.cells.truth import CellTruth

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """What is said of the gradient by one input."""

    measured: np.ndarray
    true: Enclosures
    spread: Spreads
    entries: EntryVerdicts
    formula: FormulaJudgement | None
    scale: Statistic | None
    bulk: Statistic | None
    noise: tuple[Samples, Samples]

    @property
    def verdicts(self) -> set[Verdict]:
        """All that is not a match."""
        found = {Verdict(name) for name in self.entries.counts()}
        found |= {one.verdict for one in (self.scale, self.bulk) if one is not None}
        if self.formula is not None:
            found.add(self.formula.verdict)
        return {verdict for verdict in found if verdict.family != "match"}

    @property
    def tightest(self) -> float:
        """The largest error by what rounding within kernels may do."""
        with np.errstate(all="ignore"):
            part = self.entries.error / self.spread.within_in_range
        return float(np.nan_to_num(part, posinf=0.0).max(initial=0.0))


def measure(
    function: Callable[..., Any], tensors: Tensors, upstream: torch.Tensor
) -> dict[str, np.ndarray]:
    """The gradients as PyTorch computes them in the tensors' dtype."""
    leaves = {n: t.detach().clone().requires_grad_() for n, t in tensors.items()}
    torch.manual_seed(0)
    output = function(**leaves)
    found = torch.autograd.grad(
        output, list(leaves.values()), upstream.to(output.dtype)
    )
    return {n: g.double().numpy() for n, g in zip(leaves, found, strict=True)}


def recorded(
    function: Callable[..., Any], tensors: Tensors, upstream: torch.Tensor
) -> CellProgram:
    """The program on the same numbers."""
    leaves = {n: t.detach().clone().requires_grad_() for n, t in tensors.items()}
    return record(
        function,
        (),
        leaves,
        wrt=leaves,
        upstream=lambda outputs: {n: upstream.to(o.dtype) for n, o in outputs.items()},
    )


def check(
    function: Callable[..., Any],
    tensors: Tensors,
    upstream: torch.Tensor,
    dtype: str,
    *,
    reference: Callable[..., Any] | None = None,
    seed: int = 0,
) -> dict[str, Checked]:
    """All that is said of a function of named tensors, which are given in float64 and
    cast; `reference`: what is recorded in its place, as of an opaque kernel."""
    cast = {name: tensor.to(getattr(torch, dtype)) for name, tensor in tensors.items()}
    upstream = upstream.to(getattr(torch, dtype))
    measured = measure(function, cast, upstream)
    program = recorded(reference or function, cast, upstream)
    truth = CellTruth(program)
    true = truth.gradients(accuracy=2.0**-60 if dtype == "float64" else 2.0**-40)
    own = {} if reference else truth.recorded_gradients(accuracy=2.0**-60)
    _, bounds = spreads(program, dtype)
    drawn = [
        samples(program, dtype, everywhere=wide, seed=seed) for wide in (False, True)
    ]
    format_ = FORMATS[dtype]
    tolerance = Tolerance(relative=format_.relative_tolerance)
    found = {}
    for name, numbers in measured.items():
        truths = Truths.of(true[name])
        noise = (drawn[0][name], drawn[1][name])
        found[name] = Checked(
            measured=numbers,
            true=true[name],
            spread=bounds[name],
            entries=judge_entries(
                numbers, truths, bounds[name], format_, tolerance=tolerance
            ),
            formula=judge_formula(own[name], truths, format_, terms=bounds[name].terms)
            if name in own
            else None,
            scale=judge_scale(numbers, true[name], *noise, format_),
            bulk=judge_bulk(numbers, true[name], *noise, format_),
            noise=noise,
        )
    return found
