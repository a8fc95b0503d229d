"""`verifier explain`: the derivation of one case, step by step, on both sides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from places import CASES
from rich.cells import cell_len
from rows import call

from verifier.automatic.subjects import SubjectError
from verifier.cli.explain import explained, find
from verifier.errors import SelectionError, UsageError
from verifier.language.kernels.compositions import expand
from verifier.language.operations.table import OPERATIONS, Sort
from verifier.language.programs.parsing import parse, parse_steps
from verifier.reports import explain as report
from verifier.symbolic.calculus import typeset
from verifier.traces import Explanation, ForwardStep

NOTEBOOK = CASES / "notebook.toml"


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    file = tmp_path / "hard.toml"
    file.write_text(
        """
[defaults]
dtype = ["float32"]

[[case]]
name = "quotient"
expression = "(exp(x) - 1)/x"
at = { x = 1e-7 }

[[case]]
name = "norm"
expression = "x/sqrt(x*x + y*y)"
at = { x = 1e-25, y = 1e-25 }

[[case]]
name = "softplus"
expression = "softplus(x)"
domain = { x = "[-30, 50]" }
points = 64
dtype = ["float64"]

[[case]]
name = "masked"
steps = '''
root = sqrt(x)
y = where(x > 0, root, 0)
'''
at = { x = -1 }

[[case]]
name = "train"
expression = "(a*3 - 290)**2"
at = { a = 100 }
descent = { parameter = "a", learning_rate = 0.01, epochs = 3 }
""",
        encoding="utf-8",
    )
    return file


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


EXPECTING = """
[[case]]
name = "numbers"
expression = "exp(x)*y"
at = { x = 0.5, y = 2 }
upstream = 3
dtype = ["float32"]
expect = { value = 4, gradient = { x = 3.3 } }

[[case]]
name = "verdict"
expression = "sin(x)/x"
at = { x = 0 }
dtype = ["float32"]
expect = { verdict = "match" }

[[case]]
name = "drawn"
expression = "sqrt(x)"
domain = { x = "[1, 2]" }
points = 4
boundary = false
dtype = ["float32"]
expect = { verdict = "differ.wrong", reason = "a test" }

[[case]]
name = "met"
expression = "x*x"
at = { x = 3 }
dtype = ["float32"]
expect = { value = 9, gradient = { x = 6 } }
"""


@pytest.fixture
def expecting(tmp_path: Path) -> Path:
    file = tmp_path / "expecting.toml"
    file.write_text(EXPECTING, encoding="utf-8")
    return file


def not_as_expected(shown: list[str]) -> list[str]:
    """The lines under that title."""
    if "Not as expected" not in shown:
        return []
    after = shown[shown.index("Not as expected") + 1 :]
    return after[: after.index("")] if "" in after else after


def test_an_expectation_that_fails_is_shown_with_both_sides(expecting: Path) -> None:
    text = " ".join(explained(f"{expecting}::numbers").split())
    _, _, after = text.partition("Not as expected")
    assert "expect.value: expected 4; neither PyTorch's 3.29744" in after
    assert "expect.gradient.x: expected 3.3; neither PyTorch's 9.8" in after


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("verdict", ["expected match, found differ.nonfinite"]),
        ("drawn", ["expected differ.wrong, found match.exact"]),
        ("met", []),
    ],
)
def test_a_verdict_that_fails_is_shown(
    expecting: Path, name: str, wanted: list[str]
) -> None:
    found = not_as_expected(lines(explained(f"{expecting}::{name}")))
    assert [line.replace("rounding", "exact") for line in found] == wanted


def test_the_upstream_gradient_is_that_of_every_derivative(expecting: Path) -> None:
    shown = lines(explained(f"{expecting}::numbers"))
    # e^0.5 = 1.64872127…, times y = 2, times the upstream gradient 3.
    assert "upstream gradient 3" in shown[2]
    by_x, by_y = (
        shown[shown.index(line) + 1] if len(line.split()) < 4 else line
        for line in shown
        if line.startswith("gradient")
    )
    assert "9.8923276" in by_x
    assert "4.9461638" in by_y


def test_the_notebook_case_is_derived_as_the_notebook_does() -> None:
    text = explained(f"{NOTEBOOK}::squared-loss", dtypes=["float32"])
    shown = lines(text)
    assert "squared-loss float32 match.exact" in shown[0]
    assert "18⋅a - 6⋅y_target + 36" in shown
    assert "b = a + 2 102 102" in shown
    assert "loss = (y_pred - y_target)**2 256 256" in shown
    backward = shown[shown.index("loss = (y_pred - y_target)**2 1 1") :]
    assert backward[1] == "to y_pred - y_target: × 2*(y_pred - y_target) 32 32"
    assert backward[backward.index("y_pred = b * 3 32 32") + 1] == "to b: × 3 96 96"
    assert "gradient a match.exact 96 96" in shown


def test_every_dtype_of_the_case_has_a_page() -> None:
    text = explained(f"{NOTEBOOK}::example-two")
    assert text.count("The derivative, by SymPy") == 2
    assert "float64  match.exact" in text


def test_a_difference_is_reported_with_culprit_and_cause(cases: Path) -> None:
    text = explained(f"{cases}::quotient")
    assert "differ.unstable" in text
    assert "gradient x: `exp(x) - 1` (sub, column 2): cancels, so the" in text
    assert "Instead" not in text  # nothing known helps the gradient


def test_an_underflow_is_marked_and_a_tried_rewrite_suggested(cases: Path) -> None:
    text = explained(f"{cases}::norm")
    assert "x * x 1.0000000391e-50 0 underflow" in lines(text)
    assert "write `hypot(x, y)` for `sqrt(x * x + y * y)`: equal in balls" in text


def test_a_sampled_case_is_explained_at_its_worst_point_with_its_region(
    cases: Path,
) -> None:
    text = explained(f"{cases}::softplus")
    assert "at x = 2" in text
    assert "Where\n  x from 20.000000000000004 (20 matches)" in text


def test_a_masked_branch_is_explained(cases: Path) -> None:
    text = explained(f"{cases}::masked")
    shown = lines(text)
    assert "root = sqrt(x) undefined nan" in shown
    assert "x > 0 false false" in shown
    assert "0·inf" in text
    assert "Instead" in text


def test_a_descent_is_explained_at_its_start(cases: Path) -> None:
    assert "a 100 100" in lines(explained(f"{cases}::train"))


def test_what_an_infinite_upstream_gradient_makes_is_undecided(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        '[[case]]\nname = "far"\nexpression = "t*y"\nat = { t = 2, y = 0.5 }\n'
        'dtype = "float16"\nupstream = 1e20\n'
    )
    shown = lines(explained(f"{file}::far"))
    assert "gradient t undecided.precision undecided inf" in shown


def test_formulas_can_be_kept_to_ascii(cases: Path) -> None:
    text = explained(f"{cases}::quotient", plain=True)
    _, _, derivative = text.partition("by SymPy\n")
    assert derivative.partition("Forward")[0].isascii()


LONG = """
[[case]]
name = "long"
expression = "exp(-(x - mu)**2 / (2*sigma**2)) / (sigma*sqrt(2*pi)) + where(x > mu and sigma < 3, atan2(x, mu), x)"
at = { x = 5.3, mu = -0.1, sigma = 0.7 }
upstream = "0x1.8p-40"
dtype = "float32"
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """A derivation with long steps, by the columns of its page."""
    file = tmp_path_factory.mktemp("long") / "a.toml"
    file.write_text(LONG, encoding="utf-8")
    return {
        width: explained(f"{file}::long", width=width).partition("a.toml")[2]
        for width in (60, 80, 120)
    }


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_page(pages: dict[int, str], width: int) -> None:
    assert max(map(cell_len, pages[width].splitlines())) <= width


def test_the_numbers_are_the_same_on_every_page(pages: dict[int, str]) -> None:
    number = re.compile(r"(?<![\w.])-?\d+\.\d{3,}(?:e[+-]\d+)?")
    of_narrow, of_usual, of_wide = (
        number.findall(page.partition("Forward")[2]) for page in pages.values()
    )
    assert of_narrow == of_usual == of_wide
    assert len(of_usual) > 50


def test_what_is_long_is_named_where_the_page_is_narrow(pages: dict[int, str]) -> None:
    named = {width: page.count("  v") for width, page in pages.items()}
    assert named[80] > named[120]


@pytest.mark.parametrize("target", ["quotient", "::x", "file::", ""])
def test_a_target_without_file_or_case_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="FILE::CASE"):
        find(target)


def test_an_unknown_case_is_refused_with_the_nearest(cases: Path) -> None:
    with pytest.raises(SelectionError, match="Did you mean `quotient`"):
        find(f"{cases}::quotien")


def test_an_unknown_dtype_is_refused(cases: Path) -> None:
    with pytest.raises(UsageError, match="float8"):
        explained(f"{cases}::quotient", dtypes=["float8"])


def test_what_pytorch_raised_ends_the_page() -> None:
    page = Explanation(
        case="c",
        source="f(x)",
        dtype="float16",
        verdict="differ.unsupported",
        point={"x": "1"},
        upstream="1",
        forward=(ForwardStep(text="x", true="1", measured="1", error=""),),
        failure="RuntimeError: no",
    )
    text = report.render([page])
    assert text.endswith("PyTorch raised: RuntimeError: no\n")
    assert "Forward" not in text


def test_a_long_pass_is_cut_and_says_so() -> None:
    steps = tuple(
        ForwardStep(text=f"s{n}", true="1", measured="1", error="") for n in range(100)
    )
    page = Explanation(
        case="c",
        source="f(x)",
        dtype="float32",
        verdict="match.exact",
        point={},
        upstream="1",
        forward=steps,
    )
    assert f"… and {100 - report.MOST_STEPS} more" in report.render([page])


# ── typesetting ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("x * 3", "3"),
        ("(x + 1)**2", "2*(x + 1)"),
        ("sin(x)", "cos(x)"),
        ("exp(-x)", "exp(-x)"),
        ("x / (y + 1)", "1/(y + 1)"),
        ("abs(x)", "sign(x)"),
        ("relu(x)", "where(x > 0, 1, 0)"),
        ("max(x, y)", "where(x > y, 1, 0)"),
        ("lgamma(x)", "digamma(x)"),
        ("where(x > y, x, y)", "where(x > y, 1, 0)"),
        ("fmod(x, y)", "1"),
        ("floor(x) * y", "y"),
        ("addcmul(x, y, z, value=3)", "1"),
    ],
)
def test_a_local_derivative_is_written_in_our_language(text: str, formula: str) -> None:
    program = parse(text)
    operand = 1 if text.startswith("where") else 0
    assert typeset.local(program, program.output, operand) == formula
    parse(formula)


CONDITIONS = {row.name for row in OPERATIONS.values() if row.result is Sort.CONDITION}


def test_every_operation_has_a_local_derivative_in_our_language() -> None:
    for row in OPERATIONS.values():
        if row.result is Sort.CONDITION or row.name in ("where", "polygamma"):
            continue
        text = call(row, "uvw")
        program = expand(parse(text))
        for index, node in enumerate(program.nodes):
            for operand, argument in enumerate(node.arguments):
                found = program.nodes[argument].operation
                inner = OPERATIONS[node.operation]
                name = inner.operands[operand]
                is_fixed = name in inner.fixed or name in inner.parameters
                if found == "constant" or is_fixed:
                    continue
                if not {node.operation, found} & CONDITIONS:
                    parse(typeset.local(program, index, operand))


def test_a_step_is_called_by_its_name_in_a_local_derivative() -> None:
    program = parse_steps("b = a + 2\nc = b**3")
    assert typeset.local(program, program.output, 0) == "3*b**2"


def test_conditions_and_magnitudes_are_typeset_as_people_write_them() -> None:
    program = parse("where(x > 0 and y < 2, abs(x)*lgamma(y), max(x, y))")
    found = typeset.derivatives(program, ["x", "y"], columns=100)
    assert "for x > 0 ∧ y < 2" in found["x"]
    assert "│x│" in found["y"]


def test_whole_numbers_are_typeset_and_written() -> None:
    program = parse("x*floor(x) + y*ceil(x)")
    found = typeset.derivatives(program, ["x", "y"], columns=100)
    assert found == {"x": "⌊x⌋", "y": "⌈x⌉"}
    remainder = parse("fmod(x, y)")
    formula = typeset.local(remainder, remainder.output, 1)
    assert formula == "-sign(x/y)*floor(abs(x/y))"
    parse(formula)


def test_a_derivative_wider_than_the_page_is_written_on_one_line() -> None:
    program = parse("exp(-(x - y)**2/2)*sin(x*y)")
    wide = typeset.derivatives(program, ["x"], columns=100)["x"]
    assert "\n" in wide
    assert "ℯ" not in wide  # which many fonts lack
    narrow = typeset.derivatives(program, ["x"], columns=20)["x"]
    assert "\n" not in narrow
    parse(narrow)


def test_a_derivative_too_large_to_read_is_left_out() -> None:
    text = "*".join(f"(x + {n})" for n in range(80))
    assert typeset.derivatives(parse(text), ["x"], columns=100) == {}


def test_a_subject_that_is_not_allowed_is_reported_with_its_place(
    tmp_path: Path,
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        '[[case]]\nname = "own"\nexpression = "x"\nsubject = "shop:own"\nat = { x = 1 }\n'
    )
    with pytest.raises(SubjectError) as caught:
        explained(f"{file}::own")
    assert str(caught.value).startswith(
        f"{file}:4: [own] subject: importing `shop` would run its code, and "
    )


@pytest.mark.parametrize(
    ("body", "raised"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("exit(0)", "SystemExit: 0"),
        ("open('/nonexistent')", "FileNotFoundError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_subject_that_raises_is_one_error_with_its_place(
    body: str, raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"raising_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(f"def own(x):\n    {body}\n    return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "a.toml"
    file.write_text(
        f'[[case]]\nname = "own"\nexpression = "x"\nsubject = "{name}:own"\n'
        "at = { x = 1 }\n"
    )
    with pytest.raises(UsageError, match=raised) as caught:
        explained(f"{file}::own", allowed=[name])
    assert f"{file}:1: [own]: expected a subject that runs" in str(caught.value)
    assert "--debug` shows where" in str(caught.value)
