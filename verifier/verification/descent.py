"""Gradient descent as a training loop does it, every epoch verified."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from verifier.floats import FORMATS, Format, decimal, nearest
from verifier.judgement.expectation import Sides, disagreement
from verifier.language.casefile.case import Descent
from verifier.measurements import Batch
from verifier.records import Enclosure, Epoch, Unmet
from verifier.verification.bench import Bench
from verifier.verification.first import Progress, failure_of, judged_with_witness


def descend(bench: Bench, descent: Descent, progress: Progress) -> None:
    """Verify every epoch: the weight is in double precision, the tensor in the
    dtype."""
    given = bench.case.given[0]
    start = {name: value.nearest(bench.format) for name, value in given.items()}
    parameter = descent.parameter
    weight = given[parameter].nearest(FORMATS["float64"])
    rate = descent.learning_rate
    rate_float = rate.nearest(FORMATS["float64"])
    with bench.watch.stage("trajectory"):
        path = bench.side.trajectory(
            {**start, parameter: weight},
            parameter,
            (rate.lower + rate.upper) / 2,
            descent.epochs,
        )
    for number in range(1, descent.epochs + 1):
        point = {**start, parameter: _to_format(weight, bench.format)}
        batch = Batch.of([point], 1.0)
        measurement = bench.run(batch)
        if measurement.failure is not None:
            progress.failure = failure_of(measurement)
            return
        rows, _, derivations = judged_with_witness(
            bench, measurement, 0, point, place=number - 1
        )
        progress.rows += rows
        progress.spoke(derivations)
        progress.points += 1
        gradient = measurement.gradient[parameter][0]
        weight -= rate_float * gradient
        epoch = _epoch(
            number, measurement.values[0], weight, gradient, path[number - 1]
        )
        progress.epochs.append(epoch)
        progress.broken += _broken(bench, epoch, path[number - 1])


def _to_format(value: float, format_: Format) -> float:
    return nearest(Fraction(value), format_) if math.isfinite(value) else value


def _epoch(
    number: int,
    loss: float,
    weight: float,
    gradient: float,
    true: tuple[Enclosure, Enclosure] | None,
) -> Epoch:
    true_loss, true_weight = _middles(true)
    drift = math.nan
    if true_weight is not None and math.isfinite(weight):
        drift = float(Fraction(weight) - true_weight)
    return Epoch(
        number=number,
        loss=loss,
        weight=weight,
        gradient=gradient,
        true_loss="unknown" if true_loss is None else decimal(true_loss),
        true_weight="unknown" if true_weight is None else decimal(true_weight),
        drift=drift,
    )


def _middles(
    true: tuple[Enclosure, Enclosure] | None,
) -> tuple[Fraction | None, Fraction | None]:
    if true is None:
        return None, None
    loss, weight = true
    return (loss.lower + loss.upper) / 2, (weight.lower + weight.upper) / 2


def _broken(
    bench: Bench, epoch: Epoch, true: tuple[Enclosure, Enclosure] | None
) -> Iterator[Unmet]:
    """The losses and weights that the case expects of an epoch and that do not hold."""
    expectation = bench.case.expectation
    if expectation is None:
        return
    true_loss, true_weight = _middles(true)
    double = FORMATS["float64"]
    for key, wanted, measured, exact, format_ in (
        ("losses", expectation.losses, epoch.loss, true_loss, bench.format),
        ("weights", expectation.weights, epoch.weight, true_weight, double),
    ):
        if epoch.number <= len(wanted):
            unmet = disagreement(
                f"expect.{key}[{epoch.number}]",
                wanted[epoch.number - 1],
                Sides(measured=measured, true=exact, true_name="unknown"),
                bench.field,
                format_,
                bench.tolerance,
                expectation.lines.get(f"expect.{key}"),
            )
            if unmet is not None:
                yield unmet
