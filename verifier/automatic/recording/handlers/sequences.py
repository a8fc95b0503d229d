"""Sequences: the connectionist loss (CTC), packing, running sums of exponentials,
segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from verifier.automatic.recording.handlers.registry import composes, handles
from verifier.automatic.recording.handlers.scattering import run_on_cells
from verifier.automatic.recording.operands import Operand
from verifier.automatic.recording.tape import Tape
from verifier.language.cells import Cells

aten = torch.ops.aten

Path = list[dict[int, Any]]
"""By time, the logarithm of a sum of probabilities by place in the labels; places that
cannot be reached are not there."""


def _log_sum(terms: Sequence[Any]) -> Any:
    if len(terms) == 1:
        return terms[0]
    return torch.stack(list(terms)).logsumexp(0)


def _with_blanks(target: Sequence[int], blank: int) -> list[int]:
    return [blank, *(x for label in target for x in (label, blank))]


def _forwards(scores: Any, labels: list[int], blank: int) -> Path:
    """Logarithms of the probabilities of all beginnings; `scores` is (time, class)."""
    path: Path = [{s: scores[0, labels[s]] for s in range(min(2, len(labels)))}]
    for now in scores[1:]:
        last, step = path[-1], {}
        for s, label in enumerate(labels):
            before = [s, s - 1]
            if label != blank and s > 1 and labels[s - 2] != label:
                before.append(s - 2)
            terms = [last[k] for k in before if k in last]
            if terms:
                step[s] = _log_sum(terms) + now[label]
        path.append(step)
    return path


def _backwards(scores: Any, labels: list[int], blank: int) -> Path:
    """The same of all ends."""
    turned = _forwards(scores.flip(0), labels[::-1], blank)
    last = len(labels) - 1
    return [{last - s: term for s, term in step.items()} for step in turned[::-1]]


def _targets(targets: Any, lengths: Sequence[int]) -> list[list[int]]:
    if targets.dim() == 1:
        return [part.tolist() for part in targets.split(list(lengths))]
    return [row[:n].tolist() for row, n in zip(targets, lengths, strict=True)]


def _numbers(lengths: Any) -> list[int]:
    return lengths.tolist() if isinstance(lengths, torch.Tensor) else list(lengths)


@composes(aten._ctc_loss)
def _(
    scores: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Any:
    times, counts = _numbers(input_lengths), _numbers(target_lengths)
    losses, paths = [], []
    wide = 2 * max(counts) + 1
    nothing = scores.new_full((), -torch.inf)
    for n, target in enumerate(_targets(targets, counts)):
        labels = _with_blanks(target, blank)
        path = _forwards(scores[: times[n], n], labels, blank)
        ends = [
            path[-1][s] for s in (len(labels) - 1, len(labels) - 2) if s in path[-1]
        ]
        losses.append(-_log_sum(ends) if ends else -nothing)
        rows = [
            torch.stack([step.get(s, nothing) for s in range(wide)]) for step in path
        ]
        rows += [torch.full((wide,), torch.nan, dtype=scores.dtype)] * (
            scores.shape[0] - len(rows)
        )
        paths.append(torch.stack(rows))
    return torch.stack(losses), torch.stack(paths)


@composes(aten._ctc_loss_backward)
def _(
    gradient: Any,
    scores: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    losses: Any,
    paths: Any,
    blank: int,
    zero_infinity: bool = False,
) -> Any:
    times, counts = _numbers(input_lengths), _numbers(target_lengths)
    classes = scores.shape[2]
    nothing = scores.new_zeros(())
    examples = []
    for n, target in enumerate(_targets(targets, counts)):
        labels = _with_blanks(target, blank)
        backward = _backwards(scores[: times[n], n], labels, blank)
        rows = []
        for t, step in enumerate(backward):
            now = scores[t, n]
            by_class: dict[int, list[Any]] = {}
            for s, end in step.items():
                both = paths[n, t, s] + end
                if both.detach() > -torch.inf:
                    by_class.setdefault(labels[s], []).append(both)
            row = []
            for k in range(classes):
                share = now[k].exp()
                if k in by_class:
                    logs = _log_sum(by_class[k]) + losses[n] - now[k]
                    share = share - logs.exp()
                row.append(share * gradient[n])
            rows.append(torch.stack(row))
        rows += [nothing.expand(classes)] * (scores.shape[0] - len(rows))
        examples.append(torch.stack(rows))
    return torch.stack(examples, 1)


@handles(aten.logcumsumexp)
def _(tape: Tape, result: Any, x: Operand, dim: int) -> Cells:
    """Step by step: sums about one largest would vanish far below it."""
    if x.dim == 0 or not x.cells.size:
        return x.cells
    terms = np.moveaxis(x.cells, dim, 0)
    steps = [terms[:1]]
    for k in range(1, len(terms)):
        steps.append(tape.row("logaddexp", steps[-1], terms[k : k + 1]))
    return np.moveaxis(np.concatenate(steps), 0, dim)


@handles(aten._pack_padded_sequence)
def _(
    tape: Tape, result: Any, x: Operand, lengths: torch.Tensor, batch_first: bool
) -> tuple[Cells, None]:
    def run(t: torch.Tensor) -> torch.Tensor:
        return aten._pack_padded_sequence(t, lengths, batch_first)[0]  # type: ignore[no-any-return]

    return run_on_cells(run, x.cells), None


@handles(aten._pack_padded_sequence_backward)
def _(
    tape: Tape,
    result: Any,
    gradient: Operand,
    shape: Any,
    sizes: Any,
    batch_first: bool,
) -> Cells:
    def run(t: torch.Tensor) -> torch.Tensor:
        return aten._pack_padded_sequence_backward(t, shape, sizes, batch_first)  # type: ignore[no-any-return]

    return run_on_cells(run, gradient.cells)
