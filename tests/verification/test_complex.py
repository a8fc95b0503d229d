"""Complex cases from the text to the verdict: what matches, planted faults, known
faults, and what is refused."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from backwards import function
from commands import invoke
from places import CASES
from rows import HOLOMORPHIC

import verifier
from verifier.automatic import modes, routes
from verifier.errors import VerifierError
from verifier.language.casefile.loading import from_mapping, load_paths
from verifier.records import Result
from verifier.running.plan import plan
from verifier.running.run import execute
from verifier.symbolic.truth.complex_oracle import ComplexOracle

BOTH = ("complex64", "complex128")
COMPLEX_CASES = CASES / "complex.toml"


def only(run: verifier.Run) -> Result:
    (result,) = run.results
    return result


def kinds(run: verifier.Run) -> set[str]:
    return {result.verdict.value for result in run.results}


# ── what matches ──────────────────────────────────────────────────────────────────────


def test_the_gradient_is_the_conjugate_wirtinger_derivative() -> None:
    """PyTorch's note: of f(z) = z² and a real loss's upstream gradient u, u ·
    conj(2z)."""
    run = verifier.verify(
        "z**2",
        at={"z": "1+2j"},
        upstream="1-2j",
        dtype=BOTH,
        expect={"value": "-3+4j", "gradient": {"z": "-6-8j"}},
    )
    assert run.ok, run
    assert kinds(run) == {"match.exact"}
    comparison = next(c for c in run.results[0].comparisons if c.wrt)
    assert comparison.point == {"z": "1.0+2.0j"}
    assert (comparison.measured, comparison.true) == ("-6.0-8.0j", "-6-8j")
    assert comparison.upstream == "1.0-2.0j"


def test_python_s_complex_numbers_are_taken() -> None:
    run = verifier.verify("z**2", at={"z": 1 + 2j}, upstream=1 - 2j, dtype=BOTH)
    assert run.ok
    checked = verifier.check(
        lambda z: z * z, 1 + 2j, expression="z**2", dtype="complex128"
    )
    assert checked.ok


@pytest.mark.parametrize("route", ["reverse", "forward", "func"])
def test_every_route_agrees_on_drawn_points(route: str) -> None:
    run = verifier.verify(
        "exp(1j*z)*w/(z - w) + sqrt(w)",
        domain={"z": "[-2, 2] + [-2, 2]j", "w": "[1, 2] + [-1, 1]j"},
        upstream="1-2j",
        points=12,
        dtype=BOTH,
        routes=route,
    )
    assert run.ok, run


def test_steps_are_judged_and_an_input_that_the_formula_lacks_has_no_gradient() -> None:
    run = verifier.check(
        lambda z, w: z * z + 0 * w,
        expression="z*z",
        at={"z": "1+2j", "w": "3-1j"},
        inputs=["z", "w"],
        dtype=BOTH,
    )
    assert run.ok, run
    steps = verifier.verify(
        steps="a = z*z\nb = exp(a)", at={"z": "0.5+0.25j"}, dtype=BOTH
    )
    assert steps.ok
    assert {c.wrt for c in steps.results[0].comparisons} == {(), ("z",), ("a",)}


def test_real_and_complex_dtypes_share_a_case_of_real_points() -> None:
    run = verifier.verify("z*exp(z)", at={"z": 2}, dtype=["float32", *BOTH, "float64"])
    assert run.ok
    assert [result.dtype for result in run.results] == ["float32", *BOTH, "float64"]


def test_the_cases_cover_every_holomorphic_row() -> None:
    used = {
        node.operation
        for case in load_paths([COMPLEX_CASES])
        for node in case.program.nodes
    }
    assert HOLOMORPHIC <= used


# ── planted faults ────────────────────────────────────────────────────────────────────


SQUARE: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "no conjugate": lambda grad, z: grad * (2 * z),
    "Wirtinger's half": lambda grad, z: grad * z.conj(),
    "twice": lambda grad, z: 2 * grad * (2 * z).conj(),
    "real part only": lambda grad, z: (grad * (2 * z).conj()).real + 0j,
    "imaginary part lost": lambda grad, z: grad * (2 * z.real),
    "conjugate of all": lambda grad, z: (grad * (2 * z).conj()).conj(),
    "upstream conjugated": lambda grad, z: grad.conj() * (2 * z).conj(),
    "upstream ignored": lambda grad, z: (2 * z).conj(),
    "sign of i": lambda grad, z: grad * (2 * z * 1j).conj(),
    "a little too large": lambda grad, z: grad * (2 * z).conj() * (1 + 2e-4),
}


@pytest.mark.parametrize("upstream", ["1", "1-2j"])
@pytest.mark.parametrize("fault", SQUARE)
@pytest.mark.parametrize("dtype", BOTH)
def test_a_wrong_backward_is_found(fault: str, dtype: str, upstream: str) -> None:
    subject = function(lambda z: z * z, SQUARE[fault])
    run = verifier.check(
        subject,
        expression="z*z",
        at={"z": "1.25+0.75j"},
        upstream=upstream,
        dtype=dtype,
    )
    assert only(run).verdict.value == "differ.wrong", run


@pytest.mark.parametrize(("dtype", "bits"), [("complex64", 14), ("complex128", 40)])
def test_a_factor_far_below_the_tolerance_shows_too(dtype: str, bits: int) -> None:
    subject = function(
        lambda z: z * z, lambda grad, z: grad * (2 * z).conj() * (1 + 2.0**-bits)
    )
    run = verifier.check(subject, expression="z*z", at={"z": "1.25+0.75j"}, dtype=dtype)
    assert only(run).verdict.value in ("differ.wrong", "differ.inaccurate"), run


@pytest.mark.parametrize("dtype", BOTH)
def test_the_right_backward_is_not_blamed(dtype: str) -> None:
    subject = function(lambda z: z * z, lambda grad, z: grad * (2 * z).conj())
    run = verifier.check(
        subject,
        expression="z*z",
        domain={"z": "[-2, 2] + [-2, 2]j"},
        points=12,
        dtype=dtype,
    )
    assert run.ok, run


@pytest.mark.parametrize("dtype", BOTH)
def test_a_conjugate_in_the_wrong_place_of_a_product_is_found(dtype: str) -> None:
    product = function(
        lambda z, w: z * w, lambda grad, z, w: (grad * w.conj(), grad.conj() * z)
    )
    run = verifier.check(
        product,
        expression="z*w",
        at={"z": "1.25+0.75j", "w": "0.5-2j"},
        dtype=dtype,
    )
    wrong = {c.wrt for c in only(run).comparisons if c.verdict.value == "differ.wrong"}
    assert wrong == {("w",)}


@pytest.mark.parametrize("zero", ["0.0", "-0.0"])
@pytest.mark.parametrize("dtype", BOTH)
def test_the_wrong_side_of_a_cut_is_found(dtype: str, zero: str) -> None:
    z = f"-4{zero if zero.startswith('-') else '+' + zero}j"
    right = function(torch.sqrt, lambda grad, z: grad / (2 * torch.sqrt(z)).conj())
    wrong = function(torch.sqrt, lambda grad, z: -grad / (2 * torch.sqrt(z)).conj())
    flipped = function(
        lambda z: -torch.sqrt(z), lambda grad, z: -grad / (2 * torch.sqrt(z)).conj()
    )
    for subject, expected in (
        (right, "match"),
        (wrong, "differ.wrong"),
        (flipped, "differ.wrong"),
    ):
        run = verifier.check(subject, expression="sqrt(z)", at={"z": z}, dtype=dtype)
        assert only(run).verdict.value.startswith(expected), run


@pytest.mark.parametrize("dtype", BOTH)
def test_a_branch_sign_error_off_the_cut_is_found(dtype: str) -> None:
    """1/√(z² − 1) is the derivative of acosh only where Re z > 0."""
    subject = function(
        torch.acosh, lambda grad, z: grad * torch.rsqrt(z * z - 1).conj()
    )
    left = verifier.check(
        subject, expression="acosh(z)", at={"z": "-1.5+0.5j"}, dtype=dtype
    )
    right = verifier.check(
        subject, expression="acosh(z)", at={"z": "1.5+0.5j"}, dtype=dtype
    )
    assert only(left).verdict.value == "differ.wrong"
    assert right.ok


def test_a_number_at_a_pole_is_spurious() -> None:
    subject = function(lambda z: 1 / (z + 1e-30), lambda grad, z: grad * 0)
    run = verifier.check(subject, expression="1/z", at={"z": 0}, dtype="complex64")
    assert only(run).verdict.value == "differ.spurious"


def test_nan_where_the_truth_is_finite_is_found() -> None:
    subject = function(lambda z: z * z, lambda grad, z: grad * complex("nan"))
    run = verifier.check(subject, expression="z*z", at={"z": "1+1j"}, dtype="complex64")
    assert only(run).verdict.value == "differ.nonfinite"


def test_what_pytorch_refuses_is_unsupported() -> None:
    run = verifier.check(
        lambda z: torch.erf(z), expression="sin(z)", at={"z": "1+1j"}, dtype="complex64"
    )
    assert only(run).verdict.value == "differ.unsupported"


@pytest.mark.parametrize(
    "result", [lambda z: z.real, lambda z: torch.stack([z, z]), lambda z: 1j]
)
def test_a_subject_returns_one_complex_number(result: Callable[..., Any]) -> None:
    run = verifier.check(result, expression="z", at={"z": "1+1j"}, dtype="complex64")
    assert only(run).verdict.value == "error.run"
    assert "one element" in (only(run).message or "")


# ── PyTorch's own faults, held by mpmath in the tests of the truth ────────────────────


@pytest.mark.parametrize("dtype", BOTH)
@pytest.mark.parametrize(
    ("text", "z"),
    [
        ("asin(z)", "1.25"),
        ("acos(z)", "1.25"),
        ("asin(z)", "-1.25-0.0j"),
        ("asinh(z)", "-0.0+1.25j"),
    ],
)
def test_pytorch_loses_the_side_of_the_cut_of_asin(
    text: str, z: str, dtype: str
) -> None:
    run = verifier.verify(text, at={"z": z}, dtype=dtype)
    wrong = [c.quantity for c in only(run).comparisons if c.verdict.family == "differ"]
    assert wrong == ["gradient"]
    assert only(run).verdict.value == "differ.wrong"


def test_cancellation_in_a_formula_of_pytorch_is_unstable() -> None:
    run = verifier.verify("tanh(z)", at={"z": "8+1j"}, dtype="complex64")
    assert only(run).verdict.value == "differ.unstable"


# ── false alarms ──────────────────────────────────────────────────────────────────────

CALM = (
    "sin cos exp sinh cosh sqrt log atan asinh sigmoid square neg expm1 log1p".split()
)


def _program(source: random.Random, depth: int) -> str:
    if depth == 0:
        return source.choice(["z", "w", "2", "1j", "0.5"])
    if source.random() < 0.5:
        return f"{source.choice(CALM)}({_program(source, depth - 1)})"
    left, right = (_program(source, depth - 1) for _ in range(2))
    return f"({left} {source.choice('+-*')} {right})"


@pytest.mark.parametrize("seed", range(24))
def test_random_programs_raise_no_alarm_that_is_not_instability(seed: int) -> None:
    source = random.Random(seed)
    text = f"{_program(source, 2)} + z*w"
    run = verifier.verify(
        text,
        domain={"z": "[0.25, 2] + [0.25, 2]j", "w": "[-2, -0.25] + [0.25, 2]j"},
        points=6,
        dtype=BOTH,
        upstream="0.5-1j",
    )
    found = {c.verdict.value for r in run.results for c in r.comparisons}
    assert found <= {
        "match.exact",
        "match.rounding",
        "match.conditioning",
        "differ.unstable",
    }, run


# ── what is refused ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"expression": "abs(z)"}, "`abs`"),
        ({"expression": "max(z, 1)"}, "`max`"),
        ({"expression": "where(z > 0, z, 1)"}, "`gt`"),
        ({"expression": "erf(z)"}, "`erf`"),
        ({"expression": "z + inf"}, "`inf`"),
        ({"expression": "z**2", "order": 2}, "order"),
        ({"expression": "z**2", "dtype": ["float32"], "at": {"z": "1+1j"}}, "`1\\+1j`"),
        (
            {"expression": "z + 1j", "dtype": ["complex64", "float64"]},
            "imaginary number",
        ),
        ({"expression": "z", "dtype": ["float64"], "upstream": "1j"}, "`1j`"),
        (
            {"expression": "z", "dtype": ["float64"], "expect": {"value": "1+1j"}},
            "`1\\+1j`",
        ),
        ({"expression": "z", "tolerance": "1j"}, "number"),
        ({"expression": "z", "subgradient": "1j"}, "number"),
        ({"expression": "z", "dtype": ["complex32"]}, "complex64"),
        ({"expression": "z", "at": {"z": "1+2jj"}}, "found"),
    ],
)
def test_what_does_not_go_together_is_one_error(
    keys: dict[str, Any], told: str
) -> None:
    given: dict[str, Any] = {"at": {"z": 1}, "dtype": ["complex64"]} | keys
    with pytest.raises(VerifierError, match=told):
        verifier.verify(**given)


def test_in_steps_the_line_is_named_too() -> None:
    with pytest.raises(VerifierError, match="column 5: line 2: expected holomorphic"):
        verifier.verify(steps="a = z*z\nb = abs(a)", at={"z": 1}, dtype="complex64")


def test_a_rectangle_needs_a_complex_dtype() -> None:
    with pytest.raises(VerifierError, match=r"\[0, 1\] \+ \[0, 1\]j"):
        verifier.verify("z", domain={"z": "[0, 1] + [0, 1]j"}, dtype="float32")


def test_a_descent_is_real(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        '[[case]]\nname = "d"\nexpression = "z**2"\nat = { z = 1 }\ndtype = "complex64"\n'
        'descent = { parameter = "z", learning_rate = 0.1, epochs = 2 }\n'
    )
    result = invoke("run", path)
    assert result.exit_code == 2
    assert "a.toml:5" in result.output
    assert "descent" in result.output


def test_an_error_names_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        '[[case]]\nname = "a"\ndtype = "complex64"\nat = { z = 1 }\nexpression = "1 + abs(z)"\n'
    )
    result = invoke("run", path)
    assert result.exit_code == 2
    assert "a.toml:5: [a] expression, column 5" in result.output


# ── doors and reports ─────────────────────────────────────────────────────────────────


def test_reports_spell_complex_numbers(tmp_path: Path) -> None:
    path, out = tmp_path / "a.toml", tmp_path / "out.json"
    path.write_text(
        '[[case]]\nname = "a"\nexpression = "z**2"\nat = { z = "1+2j" }\ndtype = "complex64"\n'
    )
    result = invoke("run", path, "--format", f"json={out}", "--format", "text")
    assert result.exit_code == 0, result.output
    assert "value -3.0+4.0j, z 2.0-4.0j" in result.output
    (found,) = json.loads(out.read_text())["results"]
    assert found["dtype"] == "complex64"
    assert {c["measured"] for c in found["comparisons"]} == {"-3.0+4.0j", "2.0-4.0j"}


def test_selection_by_dtype_and_route(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        '[[case]]\nname = "a"\nexpression = "z**2"\nat = { z = 3 }\ndtype = ["float32", "complex64"]\n'
    )
    result = invoke("run", path, "--dtype", "complex64", "--route", "func")
    assert result.exit_code == 0, result.output
    assert "complex64 func" in result.output
    assert "float32" not in result.output


def test_explain_says_that_it_is_for_real_cases(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        '[[case]]\nname = "a"\nexpression = "z**2"\nat = { z = "1+2j" }\ndtype = "complex64"\n'
    )
    result = invoke("explain", f"{path}::a")
    assert result.exit_code == 2
    assert "real cases only" in result.output


def test_an_expectation_binds_both_sides() -> None:
    run = verifier.verify(
        "z**2", at={"z": "1+2j"}, dtype="complex64", expect={"gradient": {"z": "2+4j"}}
    )
    assert not run.ok
    assert (
        "expect.gradient.z: expected 2+4j; neither PyTorch's 2.0-4.0j nor the true 2-4j agrees"
        in (only(run).message or "")
    )


@pytest.mark.parametrize("expect", [{"value": "inf"}, {"gradient": {"z": "-inf"}}])
def test_no_finite_number_is_an_expected_infinity(expect: dict[str, Any]) -> None:
    run = verifier.verify("exp(z)", at={"z": "1+2j"}, dtype="complex64", expect=expect)
    assert not run.ok
    assert "neither PyTorch's -1.1312044" in (only(run).message or "")


@pytest.mark.parametrize("at", ["2", "1+2j"])
def test_a_demanded_subgradient_says_nothing_in_the_plane(at: str) -> None:
    run = verifier.verify("sqrt(z)", at={"z": at}, dtype="complex64", subgradient=0)
    assert run.ok, only(run)


def test_an_infinite_input_is_undecided() -> None:
    run = verifier.verify("z*2", at={"z": "inf"}, dtype="complex64")
    assert only(run).verdict.value == "undecided.limit"


def test_what_was_judged_before_an_interrupt_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, asked = ComplexOracle.at, iter(range(100))

    def tiring(self: ComplexOracle, *arguments: Any) -> Any:
        if next(asked) == 2:
            raise KeyboardInterrupt
        return right(self, *arguments)

    monkeypatch.setattr(ComplexOracle, "at", tiring)
    at = [{"z": f"{k}+1j"} for k in range(5)]
    run = verifier.verify("z*z", at=at, dtype="complex64")
    assert run.record.interrupted
    assert only(run).points == 2
    assert "interrupted after 2 points" in (only(run).message or "")
    assert not run.ok


# ── what complex numbers have because real ones have it ───────────────────────────────

FORMULA = "exp(z)*sin(w)/z"
RECTANGLES = {"z": "[-2, 2] + [1, 2]j", "w": "[-1, 1] + [-1, 1]j"}


@pytest.mark.parametrize("upstream", ["random", "zeros", "tiny", ["1-2j", 3]])
def test_upstream_gradients_may_be_lists_and_words(upstream: Any) -> None:
    run = verifier.verify(
        FORMULA, domain=RECTANGLES, points=4, upstream=upstream, dtype=BOTH
    )
    assert run.ok, str(run)


@pytest.mark.parametrize("layout", ["single", "strided", "expanded"])
@pytest.mark.parametrize("route", ["reverse", "vmap", "compile-aot_eager"])
def test_points_may_lie_in_every_layout_on_every_route(layout: str, route: str) -> None:
    case = from_mapping(
        {
            "expression": FORMULA,
            "domain": RECTANGLES,
            "points": 3,
            "dtype": "complex64",
            "routes": route,
        }
    )
    (result,) = execute(plan([case], layout=layout)).results
    assert (result.verdict.family, result.points) == ("match", 3)
    assert (result.drawn, result.boundary) == (3, 0)


def test_routes_that_give_other_numbers_than_each_other_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def off_by_one(*arguments: Any) -> modes.Derived:
        derived = modes.func_vjp(*arguments)
        (gradient,) = derived.gradient
        assert gradient is not None
        parts = torch.view_as_real(gradient)
        moved = torch.nextafter(parts, torch.full_like(parts, math.inf))
        return modes.Derived(
            value=derived.value, gradient=[torch.view_as_complex(moved)]
        )

    monkeypatch.setitem(routes._ROUTES, "func", off_by_one)
    run = verifier.verify(
        "z*z", at={"z": "1+2j"}, dtype="complex64", routes=["reverse", "func"]
    )
    (disagreement,) = run.record.disagreements
    assert (disagreement.routes, disagreement.max_ulp) == (("reverse", "func"), 1)
    assert disagreement.point == {"z": "1.0+2.0j"}


def test_no_digit_of_a_truth_is_shown_beyond_what_is_known() -> None:
    run = verifier.verify("1/z", at={"z": "1.2+2j"}, dtype="complex64")
    value = next(c for c in only(run).comparisons if c.quantity == "value")
    z = (Fraction(5033165, 4194304), Fraction(2))  # the float32 nearest to 1.2
    size = z[0] ** 2 + z[1] ** 2
    for text, exact in zip(
        value.true.removesuffix("j").replace("-", " -").split(),
        (z[0] / size, -z[1] / size),
        strict=True,
    ):
        digits = len(text.strip("-").replace("0.", ""))
        assert abs(Fraction(text) - exact) <= Fraction(1, 10**digits)
