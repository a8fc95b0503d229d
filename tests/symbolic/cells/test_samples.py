"""Samples of random rounding: how they scatter, against what is known of roundings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cell_programs import Builder, layer_norm

from verifier.enclosures import Samples
from verifier.floats import BFLOAT16
from verifier.language.cells import CellProgram
from verifier.rounded import nearest
from verifier.symbolic.cells.samples import samples


def of(program: CellProgram, dtype: str, *, everywhere: bool = False) -> Samples:
    return samples(program, dtype, everywhere=everywhere)["x"]


def stored(program: CellProgram, dtype: str) -> CellProgram:
    return replace(
        program,
        records=tuple(
            r if r.kind in ("constant", "input") else replace(r, stored=dtype)
            for r in program.records
        ),
    )


def test_one_rounding_scatters_as_rounding_to_nearest() -> None:
    """√(1/12) of an ulp where the numbers fill a binade, 0.41 of the unit roundoff on
    the whole: here, no less, and less than one."""
    random = np.random.default_rng(0)
    x = nearest(random.uniform(1, 2, 4096), BFLOAT16)
    w = nearest(random.uniform(1, 2, 4096), BFLOAT16)
    b = Builder()
    y = b.row("mul", b.input("x", x), b.constant(w))
    b.given("output", nearest(random.uniform(1, 2, 4096), BFLOAT16))
    found = of(stored(b.program({"output": y}), "bfloat16"), "bfloat16")
    relative = found.deviations / (w * nearest(random.uniform(1, 1, 1), BFLOAT16))
    assert 0.41 * 2.0**-8 < relative.std() < 2 * 2.0**-8


def test_equal_values_round_alike() -> None:
    """Else a constant gradient would look like √n independent errors."""
    b = Builder()
    y = b.row("mul", b.input("x", np.full(64, 1.1)), b.constant(np.full(64, 1.7)))
    b.given("output", np.full(64, 1.3))
    found = of(b.program({"output": y}), "float32").deviations
    assert (found == found[:, :1]).all()
    assert len(np.unique(found[:, 0])) > 8


def test_a_function_that_is_not_correctly_rounded_errs_in_common() -> None:
    """The mean over 16,384 entries scatters by about an ulp, not by a 128th of it."""
    x = np.linspace(0.1, 2.0, 16384)
    b = Builder()
    y = b.row("exp", b.input("x", x))
    b.given("output", np.ones(16384))
    found = of(b.program({"output": y}), "float32")
    mean = (found.deviations / np.exp(x)).mean(axis=1)
    assert 2.0**-24 < mean.std() < 8 * 2.0**-24


def test_accumulation_grows_like_a_root() -> None:
    """Of n equal numbers: u·√n·(√n + n)/√3 · √… by the rule, far below n·u·n."""
    random = np.random.default_rng(2)
    spread = []
    for count in (256, 4096):
        b = Builder()
        x = b.input("x", random.uniform(1, 2, (32, 1)))
        w = b.constant(random.uniform(1, 2, (1, count)))
        y = b.matmul(x[None], w[None])[0]
        b.given("output", random.normal(size=(32, count)))
        found = of(b.program({"output": y}), "float32")
        spread.append(np.sqrt(np.mean(found.deviations**2)))
    assert 4 < spread[1] / spread[0] < 64


def test_numbers_of_the_dtype_have_no_error() -> None:
    b = Builder()
    y = b.row("relu", b.row("mul", b.input("x", np.arange(1.0, 9.0)), 2.0))
    b.given("output", np.ones(8))
    assert not of(
        b.program({"output": y}), "bfloat16", everywhere=True
    ).deviations.any()


def test_a_recorded_backward_is_centred_on_itself() -> None:
    """One that is twice the truth scatters about twice the truth: else its fault would
    be its noise."""
    random = np.random.default_rng(3)
    x = random.uniform(1, 2, 256)
    b = Builder()
    cell = b.input("x", x)
    y = b.row("sin", cell)
    g = b.given("output", random.normal(size=256))
    b.in_backward = True
    slope = b.row("mul", b.row("mul", g, b.row("cos", cell)), 2.0)
    program = b.program({"output": y}, {"x": slope})
    found = of(program, "float32").deviations
    assert np.abs(found).max() < 1e-5


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_floor_is_below_the_scatter_and_of_its_size(dtype: str) -> None:
    program = stored(layer_norm(8, 32), dtype)
    for name, found in samples(program, dtype, everywhere=True).items():
        ratio = np.median(found.floor / np.sqrt(np.mean(found.deviations**2, axis=0)))
        assert 0.1 < ratio < 1.5, name


def test_everywhere_scatters_more_than_within() -> None:
    program = layer_norm(8, 32)
    narrow, wide = (
        samples(program, "bfloat16", everywhere=w)["x"] for w in (False, True)
    )
    assert np.median(wide.noise) > 3 * np.median(narrow.noise)


def test_roots_scatter_as_their_derivative() -> None:
    """Three roundings: of the root that is kept, the doubling is exact, of the quotient,
    of the product with the upstream gradient; each of 0.29 to 0.58 of the unit."""
    b = Builder()
    x = np.linspace(0.3, 2.0, 4096)
    y = b.row("sqrt", b.input("x", x))
    b.given("output", np.linspace(0.7, 1.9, 4096))
    found = of(stored(b.program({"output": y}), "bfloat16"), "bfloat16")
    relative = found.deviations / (np.linspace(0.7, 1.9, 4096) / (2 * np.sqrt(x)))
    assert 0.29 * 2.0**-8 < relative.std() < 1.8 * 2.0**-8


def test_a_seed_repeats_and_another_does_not() -> None:
    program = layer_norm(2, 16)
    first, again, other = (
        samples(program, "float32", everywhere=False, seed=seed)["x"].deviations
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert not (first == other).all()
