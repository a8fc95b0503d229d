"""What is recorded of each program of the census is what PyTorch computes in float64:
its values, its gradients as the exact truth has them, and as the recorded backward does.

Everything by default takes minutes: a part of the programs runs, and all with `-m slow`.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tensor_programs import NOT_THERE, PROGRAMS, TensorProgram

from verifier.automatic.recording.errors import RecordingError
from verifier.automatic.recording.record import named_outputs, record, seeded
from verifier.symbolic.cells.truth import CellTruth

TOLERANCE = 1e-9

WRONG = {
    "CELU alpha": "PyTorch's backward has 1/alpha in float32",
    "Hardsigmoid": "PyTorch's backward has 1/6 in float32",
    "CrossMapLRN2d": "its forward never drops the first channel from its sums",
    "det of a singular matrix": "PyTorch's backward solves by the matrix",
    "scatter repeated": "PyTorch documents no gradient for places named twice",
}
"""Programs of which PyTorch's gradient is not the derivative."""
REFUSED = {"Gamma.rsample": "_standard_gamma"}
"""What the recorder says it cannot record: the operation that it names."""

FAST = PROGRAMS[::9]


def differentiated(program: TensorProgram):
    """A callable, its arguments, and the tensors by which it is differentiated."""
    subject, arguments = program.make()
    inputs = {f"x{k}": t for k, t in enumerate(arguments) if t.requires_grad}
    if isinstance(subject, torch.nn.Module):
        inputs |= dict(subject.named_parameters())
    return subject, arguments, inputs


def measured(subject, arguments, inputs, upstream):
    with seeded(0):
        outputs = dict(named_outputs(subject(*arguments)))
        live = {name: t for name, t in outputs.items() if t.requires_grad}
        gradients = torch.autograd.grad(
            list(live.values()),
            list(inputs.values()),
            [upstream[name] for name in live],
            allow_unused=True,
        )
    return outputs, dict(zip(inputs, gradients, strict=True))


def distance(found, expected) -> float:
    """Of all entries the largest, by the largest of them; of entries without a truth
    (kinks, or what a float64 ball cannot say) nothing."""
    numbers = expected.detach().numpy().reshape(-1)
    high = found.high.reshape(-1)
    known = np.isfinite(high) & np.isfinite(found.radius.reshape(-1))
    finite = np.abs(numbers[np.isfinite(numbers)])
    scale = max(finite.max(initial=0), 1e-6)
    return float(np.abs(high - numbers)[known].max(initial=0) / scale)


def check(program: TensorProgram) -> None:
    subject, arguments, inputs = differentiated(program)
    generator = torch.Generator().manual_seed(1)
    upstream: dict[str, torch.Tensor] = {}

    def drawn(outputs):
        for name, tensor in outputs.items():
            upstream[name] = torch.randn(
                tensor.shape, generator=generator, dtype=tensor.dtype
            )
        return upstream

    recorded = record(subject, arguments, wrt=inputs, upstream=drawn)
    assert "backward" not in recorded.notes, recorded.notes["backward"]
    outputs, gradients = measured(subject, arguments, inputs, upstream)
    truth = CellTruth(recorded)
    for name, value in truth.values().items():
        assert distance(value, outputs[name]) <= TOLERANCE, name
    formula = truth.recorded_gradients()
    true = truth.gradients()
    for name, gradient in gradients.items():
        if gradient is None:
            assert not true[name].high.any(), name
            continue
        assert distance(formula[name], gradient) <= TOLERANCE, f"formula of {name}"
        assert distance(true[name], gradient) <= TOLERANCE, f"gradient of {name}"


def run(program: TensorProgram) -> None:
    if program.name in REFUSED:
        subject, arguments, inputs = differentiated(program)
        with pytest.raises(RecordingError, match=REFUSED[program.name]):
            record(subject, arguments, wrt=inputs)
    elif program.name in WRONG:
        with pytest.raises(AssertionError):
            check(program)
    else:
        check(program)


@pytest.mark.parametrize("program", FAST, ids=lambda program: program.name)
def test_a_part_of_the_programs(program: TensorProgram) -> None:
    run(program)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_program(program: TensorProgram) -> None:
    run(program)


@pytest.mark.parametrize("program", NOT_THERE, ids=lambda program: program.name)
def test_what_is_not_there_is_refused_by_name(program: TensorProgram) -> None:
    subject, arguments, inputs = differentiated(program)
    with pytest.raises(RecordingError, match="aten") as caught:
        record(subject, arguments, wrt=inputs)
    assert "reference=" in str(caught.value)
