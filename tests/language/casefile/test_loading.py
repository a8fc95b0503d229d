"""Case files: what they mean, what is refused, and what the refusal says."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from verifier.errors import (
    CaseFileError,
    ExpressionError,
    SelectionError,
    UsageError,
    VerifierError,
)
from verifier.floats import BINARY64
from verifier.language.casefile.case import Boundary
from verifier.language.casefile.loading import (
    CONVENTIONS,
    VERDICTS,
    Case,
    Expected,
    from_mapping,
    key_lines,
    load,
    load_paths,
    schema,
)
from verifier.language.points.drawing import Draw
from verifier.language.points.scalars import Scalar
from verifier.records import Verdict
from verifier.reports.outcome import accepted_verdicts

DESIGN = '''\
[defaults]                       # any key of a case
dtype = ["float32", "float64"]

[[case]]
name = "example-two"             # unique in its file
expression = "(a + 2) * 3"
at = { a = 100 }                 # one point; or a list of tables
upstream = 123                   # the upstream gradient (cotangent); default 1
expect = { value = 306, gradient = { a = 369 } }   # both sides are held to it

[[case]]
name = "squared-loss"
steps = """
b = a + 2
y_pred = b * 3
loss = (y_pred - y_target)**2
"""                              # named intermediates; the last one is the output
at = { a = 100, y_target = 290 }
wrt = ["a"]                      # default: every input
expect = { value = 256, gradient = { a = 96 } }

[[case]]
name = "gaussian"
expression = "exp(-(x - mu)**2 / (2*sigma**2)) / (sigma*sqrt(2*pi))"
domain = { x = "[-10, 10]", mu = "[-1, 1]", sigma = "(0, 5]" }
points = 256
cite = "DLMF 7.2"

[[case]]
name = "train"
steps = """
y_pred = (a + 2) * 3
loss = (y_pred - 290)**2
"""
at = { a = 100 }
descent = { parameter = "a", learning_rate = 0.01, epochs = 10 }
expect = { losses = [256.000, 172.134], weights = [99.04, 98.2528] }

[[case]]
name = "norm-at-zero"
expression = "sqrt(x**2 + y**2)"
at = { x = 0, y = 0 }
expect = { verdict = "differ.nonfinite", reason = "pytorch/pytorch#12345" }
'''

HEAD = '[[case]]\nname = "n"\n'
PRODUCT = HEAD + 'expression = "x*y"\n'  # its own line is 3
POINT = "at = { x = 1, y = 2 }\n"  # line 4 below PRODUCT
BOTH = PRODUCT + POINT

SUBJECT = (
    BOTH
    + """\
subject = "mylib.activations:swish"
inputs = ["y", "x"]
order = 2
routes = ["reverse-reverse", "forward-reverse"]
dtype = ["bfloat16", "float16"]
subgradient = "any"
accept = ["unstable", "differ.range"]
"""
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "c.toml") -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    return write


def values(numbers: tuple[Expected, ...]) -> list[Fraction | None]:
    return [number.scalar.exact for number in numbers]


def half_units(numbers: tuple[Expected, ...]) -> list[Fraction | None]:
    return [number.half_unit for number in numbers]


# ── what a case file means ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def design(write: Write) -> dict[str, Case]:
    return {case.name: case for case in load(write(DESIGN))}


def test_the_cases_of_the_design_are_read_in_order(design: dict[str, Case]) -> None:
    assert list(design) == [
        "example-two",
        "squared-loss",
        "gaussian",
        "train",
        "norm-at-zero",
    ]


def test_a_case_knows_its_file_line_and_name(design: dict[str, Case]) -> None:
    place = design["squared-loss"].place
    assert str(place) == "c.toml:11: [squared-loss]"
    assert design["squared-loss"].id == "c.toml::squared-loss"
    lines = [case.place.line for case in design.values()]
    headers = [n for n, line in enumerate(DESIGN.split("\n"), 1) if line == "[[case]]"]
    assert lines == headers


def test_an_expression_case_is_read(design: dict[str, Case]) -> None:
    case = design["example-two"]
    assert case.inputs == ("a",) == case.wrt
    assert [point["a"].exact for point in case.given] == [100]
    assert case.upstream.exact == 123
    assert case.dtypes == ("float32", "float64")
    assert case.points == 0
    assert case.expectation is not None
    assert values(case.expectation.value) == [306]
    assert values(case.expectation.gradient["a"]) == [369]
    assert half_units(case.expectation.value) == [None]


def test_what_a_case_does_not_say_is_absent(design: dict[str, Case]) -> None:
    case = design["gaussian"]
    assert case.expectation is None
    assert case.descent is None
    assert case.tolerance is None
    assert case.seed is None
    assert case.reason is None
    assert case.tags == ()
    assert case.given == ()
    assert case.upstream.exact == 1


def test_steps_are_read(design: dict[str, Case]) -> None:
    case = design["squared-loss"]
    assert list(case.program.steps) == ["b", "y_pred", "loss"]
    assert case.inputs == ("a", "y_target")
    assert case.wrt == ("a",)


def test_a_domain_is_read(design: dict[str, Case]) -> None:
    case = design["gaussian"]
    assert case.points == 256
    assert str(case.domains["sigma"]) == "(0, 5]"
    assert case.cite == "DLMF 7.2"
    assert case.fixed == {}


def test_a_descent_is_read_and_differentiates_by_its_parameter(
    design: dict[str, Case],
) -> None:
    case = design["train"]
    assert case.descent is not None
    assert case.descent.learning_rate.exact == Fraction(1, 100)
    assert (case.descent.parameter, case.descent.epochs) == ("a", 10)
    assert case.wrt == ("a",)
    assert case.expectation is not None
    assert values(case.expectation.losses) == [256, Fraction("172.134")]
    tenth_thousandth = Fraction(1, 20_000)
    assert half_units(case.expectation.weights) == [Fraction(1, 200), tenth_thousandth]


def test_a_pinned_verdict_is_read(design: dict[str, Case]) -> None:
    expectation = design["norm-at-zero"].expectation
    assert expectation is not None
    assert expectation.verdict == "differ.nonfinite"
    assert expectation.reason == "pytorch/pytorch#12345"
    assert expectation.value == ()
    assert expectation.gradient == {}


def test_a_case_can_be_sent_to_another_process(design: dict[str, Case]) -> None:
    cases = list(design.values())
    assert pickle.loads(pickle.dumps(cases)) == cases


@pytest.mark.parametrize(
    ("written", "half_unit"),
    [
        ("256.000", Fraction(1, 2000)),
        ("98.2528", Fraction(1, 20_000)),
        ("1.5e3", Fraction(50)),
        ("15e3", Fraction(500)),
        ("-0.10", Fraction(1, 200)),
        ("1_000.5", Fraction(1, 20)),
        ("1E-2", Fraction(1, 200)),
        ("256", None),
        ("inf", None),
        ("-nan", None),
        ('"256.000"', None),
        ('"1/3"', None),
        ("0x10", None),
    ],
)
def test_half_a_unit_of_the_last_written_digit_is_known_of_decimals_alone(
    written: str, half_unit: Fraction | None, write: Write
) -> None:
    case = load(write(BOTH + f"expect = {{ value = {written} }}"))[0]
    assert case.expectation is not None
    assert half_units(case.expectation.value) == [half_unit]


def test_numbers_are_exact_however_they_are_written(write: Write) -> None:
    text = (
        PRODUCT
        + 'at = [{x = 0.1, y = "1/3"}, {x = 0x10, y = "-0.0"}, {x = -0.0, y = inf}]'
    )
    first, second, third = load(write(text))[0].given
    assert (first["x"].exact, first["y"].exact) == (Fraction(1, 10), Fraction(1, 3))
    assert second["x"].exact == 16
    assert str(second["y"].nearest(BINARY64)) == "-0.0"
    assert str(third["x"].nearest(BINARY64)) == "-0.0"
    assert not third["y"].is_finite


def test_one_expected_number_holds_at_every_point_and_a_list_has_one_for_each(
    write: Write,
) -> None:
    text = PRODUCT + "at = [{x = 1, y = 2}, {x = 2, y = 1}]\n"
    text += "expect = { value = 2, gradient = { x = [2, 1], y = [1.0, 2] } }"
    expectation = load(write(text))[0].expectation
    assert expectation is not None
    assert values(expectation.value) == [2, 2]
    assert values(expectation.gradient["x"]) == [2, 1]
    assert half_units(expectation.gradient["y"]) == [Fraction(1, 20), None]


def test_a_domain_draws_points_unless_told_how_many(write: Write) -> None:
    text = PRODUCT + 'domain = { x = "[0, 1]", y = "[0, 1]" }\n'
    assert load(write(text))[0].points == 64
    assert load(write(text + "points = 3"))[0].points == 3


def test_a_point_beside_the_domain_of_the_same_variables_is_a_given_point(
    write: Write,
) -> None:
    case = load(write(BOTH + 'domain = { y = "[0, 1]", x = "[0, 1]" }\n'))[0]
    assert len(case.given) == 1
    assert case.points == 64
    assert case.fixed == {}


def test_a_point_beside_the_domain_of_other_variables_fixes_them(write: Write) -> None:
    case = load(write(PRODUCT + 'at.x = 3\ndomain.y = "[0, 1]"\n'))[0]
    assert {name: value.exact for name, value in case.fixed.items()} == {"x": 3}
    assert list(case.domains) == ["y"]
    assert case.points == 64


def test_a_precondition_is_a_condition_in_the_inputs(write: Write) -> None:
    where = load(write(BOTH + 'where = "x < y and not y > 1/3"\n'))[0].where
    assert where is not None
    assert where.inputs == ("x", "y")
    assert where.nodes[where.output].operation == "logical_and"
    assert load(write(BOTH))[0].where is None


def test_a_precondition_may_be_a_default_which_a_descent_leaves_out(
    write: Write,
) -> None:
    text = "[defaults]\nwhere = 'x < y'\nboundary = false\n"
    case = load(write(text + BOTH))[0]
    assert (case.where is None, case.boundary) == (False, Boundary.NONE)
    assert load(write(text + BOTH + DESCENT))[0].where is None
    with pytest.raises(ExpressionError, match=r"^c.toml:2: \[n\] where, column 5: `y`"):
        load(write(text + HEAD + "expression = 'x'\nat = { x = 1 }\n"))


def test_every_point_may_be_asked_for_with_and_without_a_domain(write: Write) -> None:
    text = (
        HEAD
        + 'expression = "exp(x)"\ndtype = ["float16", "bfloat16"]\npoints = "all"\n'
    )
    assert load(write(text))[0].points == "all"
    assert load(write(text + "domain = { x = '[0, 1]' }"))[0].points == "all"
    assert load(write(text + "at = { x = 1 }"))[0].points == "all"


def test_every_point_by_default_leaves_a_case_with_points_of_its_own_alone(
    write: Write,
) -> None:
    text = "[defaults]\npoints = 'all'\n"
    assert load(write(text + BOTH))[0].points == 0
    assert load(write(text + BOTH + DESCENT))[0].points == 0


def test_a_tolerance_of_zero_is_one(write: Write) -> None:
    assert load(write(BOTH + "tolerance = { relative = 0 }"))[0].tolerance == 0
    tenth = load(write(BOTH + "tolerance.relative = 0.1"))[0].tolerance
    assert tenth == Fraction(1, 10)


def test_a_tolerance_is_a_number_or_a_table_of_two(write: Write) -> None:
    plain = load(write(BOTH + "tolerance = 1e-6"))[0]
    assert (plain.tolerance, plain.absolute_tolerance) == (Fraction(1, 10**6), 0)
    both = load(write(BOTH + "tolerance = { relative = 0, absolute = 1e-12 }"))[0]
    assert (both.tolerance, both.absolute_tolerance) == (0, Fraction(1, 10**12))
    absolute = load(write(BOTH + "tolerance.absolute = 1e-12"))[0]
    assert (absolute.tolerance, absolute.absolute_tolerance) == (
        None,
        Fraction(1, 10**12),
    )


@pytest.mark.parametrize(
    ("keys", "how", "boundary"),
    [
        ("domain = { x = '[0, 1]' }", Draw.VALUES, Boundary.NAMED),
        ("domain = { x = 'normal' }", Draw.VALUES, Boundary.NAMED),
        ("domain = { x = '(0, inf)' }", Draw.VALUES, Boundary.MACHINE),
        ("domain = { x = '(0, inf)' }\nboundary = true", Draw.VALUES, Boundary.NAMED),
        ("draw = 'floats'\ndomain = { x = '[0, 1]' }", Draw.FLOATS, Boundary.MACHINE),
        ("draw = 'floats'\nboundary = false", Draw.FLOATS, Boundary.NONE),
        ("boundary = 'machine'", Draw.VALUES, Boundary.MACHINE),
    ],
)
def test_the_format_is_asked_for_its_points_where_floats_are_drawn(
    keys: str, how: Draw, boundary: Boundary, write: Write
) -> None:
    at = "" if "domain" in keys else "at = { x = 1 }\n"
    case = load(write(HEAD + "expression = 'x'\n" + at + keys))[0]
    assert (case.draw, case.boundary) == (how, boundary)


def test_values_may_be_a_default_which_an_infinite_end_leaves_out(write: Write) -> None:
    text = "[defaults]\ndraw = 'values'\n[[case]]\nname = 'n'\nexpression = 'x'\n"
    assert load(write(text + "domain = { x = '(0, inf)' }"))[0].boundary == "machine"


def test_the_other_keys_are_read(write: Write) -> None:
    text = BOTH + 'dtype = "float32"\nseed = 7\ntags = ["a", "b"]\nreason = "why"\n'
    case = load(write(text + 'upstream = "-1/3"\nwrt = ["y"]'))[0]
    assert case.dtypes == ("float32",)
    assert (case.seed, case.tags, case.reason) == (7, ("a", "b"), "why")
    assert case.upstream.exact == Fraction(-1, 3)
    assert case.wrt == ("y",)


def test_a_declared_variable_may_have_the_name_of_an_operation_or_a_keyword(
    write: Write,
) -> None:
    text = HEAD + 'expression = "lambda*beta + e"\nat = { lambda = 1, beta = 2, e = 3 }'
    assert load(write(text))[0].inputs == ("lambda", "beta", "e")


def test_a_case_differentiates_once_and_in_reverse_unless_told(write: Write) -> None:
    first = load(write(BOTH))[0]
    assert (first.order, first.routes) == (1, ("reverse",))
    assert (first.subject, first.subgradient, first.accept) == (None, None, ())
    assert first.arguments == first.inputs == ("x", "y")
    second = load(write(BOTH + "order = 2"))[0]
    assert (second.order, second.routes) == (2, ("reverse-reverse",))
    assert second.wrt == ("x", "y")


def test_routes_are_one_or_several_of_the_order(write: Write) -> None:
    assert load(write(BOTH + "routes = 'func'"))[0].routes == ("func",)
    text = BOTH + "order = 2\nroutes = ['forward-reverse', 'reverse-reverse']"
    assert load(write(text))[0].routes == ("forward-reverse", "reverse-reverse")


def test_a_case_may_name_any_dtype_and_has_the_two_usual_ones(write: Write) -> None:
    assert load(write(BOTH))[0].dtypes == ("float32", "float64")
    text = BOTH + "dtype = ['float16', 'bfloat16', 'float64']"
    assert load(write(text))[0].dtypes == ("float16", "bfloat16", "float64")


def test_a_subject_is_read_with_the_order_of_its_arguments(write: Write) -> None:
    text = PRODUCT + "at = { x = 1, y = 2, beta = 3 }\n"
    text += 'subject = "mylib.activations:swish"\ninputs = ["beta", "y", "x"]\n'
    case = load(write(text))[0]
    assert case.subject == "mylib.activations:swish"
    assert case.arguments == ("beta", "y", "x")
    assert case.inputs == ("x", "y")
    assert case.wrt == ("beta", "y", "x")
    assert [value.exact for value in case.given[0].values()] == [1, 2, 3]
    dotted = load(write(text.replace("swish", "Swish.run")))[0]
    assert dotted.subject == "mylib.activations:Swish.run"


def test_an_input_that_does_not_occur_may_be_drawn_and_expected(write: Write) -> None:
    inputs = "inputs = ['x', 'y', 'z']\n"
    drawn = load(write(BOTH + "domain.z = '[0, 1]'\nwrt = ['z']\n" + inputs))[0]
    assert list(drawn.domains) == ["z"]
    assert set(drawn.fixed) == {"x", "y"}
    assert drawn.wrt == ("z",)
    text = PRODUCT + "at = { x = 1, y = 2, z = 3 }\n" + inputs
    given = load(write(text + "expect.gradient = { x = 2, z = 0 }"))[0]
    assert given.expectation is not None
    assert values(given.expectation.gradient["z"]) == [0]


@pytest.mark.parametrize(
    ("written", "exact"),
    [("0", 0), ("0.5", Fraction(1, 2)), ('"1/3"', Fraction(1, 3)), ("-1", -1)],
)
def test_a_convention_may_be_a_number(
    written: str, exact: Fraction, write: Write
) -> None:
    found = load(write(BOTH + f"subgradient = {written}"))[0].subgradient
    assert isinstance(found, Scalar)
    assert found.exact == exact


@pytest.mark.parametrize("written", CONVENTIONS)
def test_a_convention_may_be_a_word(written: str, write: Write) -> None:
    case = load(write(BOTH + f"subgradient = '{written}'"))[0]
    assert case.subgradient == written


def test_accepted_differences_are_named_by_kind_or_in_full(write: Write) -> None:
    one = load(write(BOTH + "accept = 'unstable'"))[0]
    assert one.accept == (Verdict.DIFFER_UNSTABLE,)
    text = BOTH + "accept = ['differ.range', 'unstable', 'range']"
    accepted = (Verdict.DIFFER_RANGE, Verdict.DIFFER_UNSTABLE)
    assert load(write(text))[0].accept == accepted


def test_a_case_accepts_what_the_command_line_accepts() -> None:
    for kind in (*(v.kind for v in Verdict), *Verdict, "match", "differ"):
        mapping = {"expression": "x", "at": {"x": 1}, "accept": kind}
        try:
            wanted = accepted_verdicts([kind])
        except UsageError:
            with pytest.raises(CaseFileError, match=r"accept: expected"):
                from_mapping(mapping)
        else:
            assert frozenset(from_mapping(mapping).accept) == wanted


@pytest.mark.parametrize(
    "verdict", ["match", *(v for v in Verdict if v.family == "match")]
)
def test_a_pinned_match_needs_no_reason(verdict: str, write: Write) -> None:
    case = load(write(BOTH + f'expect.verdict = "{verdict}"'))[0]
    assert case.expectation is not None
    assert case.expectation.verdict == verdict


def test_every_verdict_and_its_family_can_be_pinned() -> None:
    assert set(VERDICTS) == {*Verdict, "match", "differ", "undecided"}


# ── defaults ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_replaces_a_default_as_a_whole(write: Write) -> None:
    text = (
        "[defaults]\nat = { x = 1, y = 2 }\nseed = 1\n"
        + PRODUCT
        + "at = { x = 3, y = 4 }\nseed = 0\n"
    )
    case = load(write(text))[0]
    assert [value.exact for value in case.given[0].values()] == [3, 4]
    assert case.seed == 0


def test_steps_replace_a_default_expression(write: Write) -> None:
    text = '[defaults]\nexpression = "x + y"\nat = { x = 1, y = 2 }\n'
    text += HEAD + '[[case]]\nname = "m"\nsteps = "z = x * y"\n'
    first, second = load(write(text))
    assert first.program.source == "x + y"
    assert list(second.program.steps) == ["z"]


def test_default_values_of_variables_that_do_not_occur_are_left_out(
    write: Write,
) -> None:
    text = "[defaults]\nat = { x = 1, y = 2, z = 3 }\npoints = 3\n" + PRODUCT
    case = load(write(text))[0]
    assert list(case.given[0]) == ["x", "y"]
    assert case.points == 0


def test_a_default_domain_is_left_out_of_a_descent(write: Write) -> None:
    text = '[defaults]\ndomain = { x = "[0, 1]", y = "[0, 1]" }\n' + BOTH
    text += 'descent = { parameter = "x", learning_rate = 1, epochs = 1 }'
    assert load(write(text))[0].domains == {}


def test_defaults_that_do_not_fit_a_case_are_left_out(write: Write) -> None:
    text = "[defaults]\nroutes = ['reverse', 'forward-reverse', 'func']\n" + BOTH
    second = BOTH.replace('"n"', '"m"') + "order = 2\n"
    first, other = load(write(text + second))
    assert first.routes == ("reverse", "func")
    assert other.routes == ("forward-reverse",)
    text = "[defaults]\norder = 2\nsubject = 'a:b'\nroutes = 'forward-forward'\n"
    case = load(write(text + BOTH + DESCENT))[0]
    assert (case.order, case.subject, case.routes) == (1, None, ("reverse",))


def test_an_error_in_a_default_is_reported_there(write: Write) -> None:
    with pytest.raises(CaseFileError, match=r"^c\.toml:2: defaults\.dtype: expected"):
        load(write('[defaults]\ndtype = "float23"\n' + BOTH))
    with pytest.raises(CaseFileError, match=r"^c\.toml:2: \[n\] wrt\[1\]: expected"):
        load(write('[defaults]\nwrt = ["q"]\n' + BOTH))
    with pytest.raises(CaseFileError, match=r"^c\.toml:2: defaults\.name: unknown"):
        load(write('[defaults]\nname = "q"\n' + BOTH))


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────

REFUSED_FILES = [
    ("", "c.toml: expected at least one `[[case]]`, found none."),
    ("# nothing\n", "c.toml: expected at least one `[[case]]`"),
    ("\nx =\n",
     "c.toml:2: column 4: expected TOML, found: Invalid value. Text stands in quotes.\n    x =\n       ^"),
    ("x = [", "c.toml:1: "),
    (BOTH + POINT, "c.toml:5: column "),
    ("\ufeff" + BOTH, "c.toml:1: column 1: expected TOML, found a byte order mark"),
    ("[case]\nname = 'n'", "c.toml:1: case: expected `[[case]]`, found a table."),
    ("case = [1]", "c.toml:1: case: expected `[[case]]`, found `1`."),
    ("case = []", "c.toml:1: case: expected at least one `[[case]]`, found an empty list."),
    ("\n[[cases]]\n", "c.toml:2: cases: unknown key `cases`. Did you mean `case`?"),
    ("version = 1\n" + BOTH, "c.toml:1: version: unknown key `version`. Known are `defaults`, `case`."),
    ("name = 'n'\n", "c.toml:1: name: expected `[[case]]` before the keys of a case, found `name` first."),
    ("defaults = 3\n" + BOTH, "c.toml:1: defaults: expected a table `[defaults]`, found `3`."),
    ("a = " + "1" * 5000, "c.toml: expected shorter numbers: "),
    ("a = " + "[" * 3000, "c.toml: expected TOML of few levels"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), REFUSED_FILES, ids=range(len(REFUSED_FILES))
)
def test_a_file_that_is_no_case_file_is_refused(
    text: str, message: str, write: Write
) -> None:
    with pytest.raises(CaseFileError, match="^" + re.escape(message)):
        load(write(text))


DESCENT = 'descent = { parameter = "x", learning_rate = 0.1, epochs = 2 }\n'
REFUSED_CASES = [
    # keys
    (BOTH + "\nexpresion = 'x'", "6: [n] expresion: unknown key `expresion`. Did you mean `expression`?"),
    (BOTH + "expect = { valeu = 1 }", "5: [n] expect.valeu: unknown key `valeu`. Did you mean `value`?"),
    (BOTH + DESCENT.replace("epochs", "epoch"), "5: [n] descent.epoch: unknown key `epoch`. Did you mean `epochs`?"),
    (BOTH + "qqq = 1", "5: [n] qqq: unknown key `qqq`. Known are `expression`, "),
    # name
    ("[[case]]\nexpression = 'x'", "1: name: expected a key `name`, found none. Add it."),
    ("[[case]]\nname = ''", '2: name: expected a name of printable characters, without blanks at its ends, found "".'),
    ("[[case]]\nname = 'a::b'", "2: [a::b] name: expected a name without `::`"),
    ("[[case]]\nname = 1.50", "2: name: expected text in quotes, found `1.50`."),
    (BOTH + BOTH,
     "6: [n] name: expected names that are unique in the file, found `n` on line 1 and on line 5. Rename one."),
    # the formula
    (HEAD, "1: [n]: expected `expression` or `steps`, found neither. Add one."),
    (BOTH + "steps = 'z = x'", "5: [n] steps: expected `expression` or `steps`, found both. Drop one."),
    (HEAD + "expression = 3", "3: [n] expression: expected a formula in quotes, found `3`."),
    (HEAD + "expression = '3'",
     "3: [n] expression: expected at least one variable, found none: nothing to differentiate."),
    (HEAD + "at.x = 1\nexpression = '3'",
     "4: [n] expression: expected at least one variable, found none of those in `at`"),
    (PRODUCT, "3: [n] expression, column 1: `x` has no value. Give it in `at` or `domain`.\n    x*y\n    ^"),
    (HEAD + "expression = 'x*2 - tanhh(x)'\nat.x = 1",
     "3: [n] expression, column 7: unknown operation `tanhh`. Did you mean `tanh`?"),
    (HEAD + "at = { a = 1, y = 2 }\nsteps = '''\nb = a + 1\nc = bb*y\n'''",
     "4: [n] steps, column 5: line 2: `bb` has no value. Did you mean `b`?\n    c = bb*y\n        ^"),
    # points
    (PRODUCT + "at = { x = 1, y = 2, z = 3 }",
     "4: [n] at.z: `z` does not occur in the formula, whose inputs are `x`, `y`. Drop it."),
    (PRODUCT + "at = { x = 1, yy = 3 }", "3: [n] expression, column 3: `y` has no value. Did you mean `yy`?"),
    (PRODUCT + "at = []", "4: [n] at: expected at least one point, found an empty list."),
    (PRODUCT + "at = {}", "4: [n] at: expected a table of values such as { x = 1 }, found an empty one."),
    (PRODUCT + "at = [[1]]", "4: [n] at[1]: expected a table of values such as { x = 1 }, found a list."),
    (PRODUCT + "at = 3", "4: [n] at: expected a table of values such as { x = 1 }, found `3`."),
    (PRODUCT + "at = [\n  { x = 1, y = 2 },\n  { x = 1 },\n]",
     "6: [n] at[2]: expected a value of `y` in every table, found none. Add it."),
    (PRODUCT + "at = [\n  { x = 1, y = 2 },\n  { x = 1, y = true },\n]",
     "6: [n] at[2].y: expected a number such as `0.1`"),
    (PRODUCT + "at = { x = 1, y = [2] }", "4: [n] at.y: expected a number, found a list."),
    (PRODUCT + "at = { x = 1, y = 1979-05-27 }", "4: [n] at.y: expected a number such as"),
    (PRODUCT + "at = { x = 1, y = '1 + sin(1)' }", "4: [n] at.y, column 5: expected only + - * / **"),
    (PRODUCT + "at = { x = 1, y = 1e99999 }", "4: [n] at.y: expected a number of at most 14000 bits, found `1e99999`"),
    (PRODUCT + "[[case.at]]\nx = 1\ny = 2\n[[case.at]]\nx = 1\ny = 'q'", "9: [n] at[2].y: expected a number"),
    # domains
    (PRODUCT + "domain = { x = '[0, 1]', y = '[4, -4]' }",
     "4: [n] domain.y: expected lower < upper, found [4, -4]. Swap the bounds, or give a single point in `at`."),
    (PRODUCT + "domain = { x = '[0, 1]', y = '(0, 1+)' }", "4: [n] domain.y, column "),
    (PRODUCT + "domain = { x = '[0, 1]', y = 3 }",
     "4: [n] domain.y: expected an interval such as `[-1, 1]`, or `normal`, in quotes, found `3`."),
    (PRODUCT + "domain = {}", "4: [n] domain: expected at least one entry, found an empty table."),
    (PRODUCT + "domain = '[0, 1]'", '4: [n] domain: expected a table, found "[0, 1]".'),
    (BOTH + "domain.z = '[0, 1]'", "5: [n] domain.z: `z` does not occur in the formula"),
    (BOTH + "domain.x = '[0, 1]'",
     "5: [n] domain.x: expected `at` and `domain` to name the same variables or none in common, found `x` in "
     "both."),
    (PRODUCT + "at = [{ x = 1 }, { x = 2 }]\ndomain.y = '[0, 1]'",
     "4: [n] at: expected a single table, which fixes `x` while the others are drawn from `domain`, found 2."),
    (BOTH + "points = 3", "5: [n] points: expected a `domain` from which to draw 3 points, found none."),
    (BOTH + "points = 0", "5: [n] points: expected an integer of at least 1, found `0`."),
    (BOTH + "points = 10000000", "5: [n] points: expected an integer of at most 1000000, found `10000000`."),
    (BOTH + "points = 0xffffffffffffffffffffffffffffffffffff",
     "5: [n] points: expected an integer of at most 1000000, found an integer of 144 bits."),
    (BOTH + "points = 'some'", '5: [n] points: expected an integer or "all", found "some".'),
    (BOTH + "points = 'al'", '5: [n] points: expected an integer or "all", found "al". Did you mean `all`?'),
    (BOTH + "points = 'all'",
     '5: [n] points: expected a single input for "all" points, found `x`, `y`. Give a number of points.'),
    (HEAD + "expression = 'exp(x)'\npoints = 'all'",
     '4: [n] points: expected only `float16`, `bfloat16` for "all" points, found `float32`. '
     "Name those in `dtype`, or give a number of points."),
    (HEAD + "expression = 'exp(x)'\npoints = 'all'\ndtype = ['float16', 'float64']",
     '5: [n] dtype: expected only `float16`, `bfloat16` for "all" points, found `float64`.'),
    (HEAD + "expression = 'x**2'\nat = { x = 1 }\npoints = 'all'\n" + DESCENT,
     '5: [n] points: a descent starts from the single point in `at`: expected no `points`, found "all". Drop it.'),
    # where, boundary, empty domains
    (BOTH + "where = 'x < '", "5: [n] where, column 4: expected an expression: invalid syntax"),
    (BOTH + "where = 'x < z'", "5: [n] where, column 5: `z` has no value. Known are `x`, `y`."),
    (BOTH + "where = 'x < yy'", "5: [n] where, column 5: `yy` has no value. Did you mean `y`?"),
    (BOTH + "where = 'x - y'",
     "5: [n] where, column 1: expected a condition such as `x < y`, found a number. Compare it."),
    (BOTH + "where = 'x and y > 1'", "5: [n] where, column 1: `logical_and` expects a condition, found a number"),
    (BOTH + "where = '1 < 2'", "5: [n] where: expected a condition in the inputs `x`, `y`, found none of them in it."),
    (BOTH + "where = ''", "5: [n] where: expected a condition, found nothing"),
    (BOTH + "where = 3", "5: [n] where: expected text in quotes, found `3`."),
    (BOTH + DESCENT + "where = 'x > 0'",
     "6: [n] where: a descent goes where the gradient leads: expected no `where`, found one. Drop it."),
    (BOTH + "boundary = 1", '5: [n] boundary: expected `true`, `false` or "machine", found `1`.'),
    (BOTH + "boundary = 'machines'",
     '5: [n] boundary: expected `true`, `false` or "machine", found "machines". Did you mean `machine`?'),
    (BOTH + "draw = 'value'", '5: [n] draw: expected "values" or "floats", found "value". Did you mean `values`?'),
    (BOTH + "draw = true", '5: [n] draw: expected "values" or "floats", found `true`.'),
    (HEAD + "expression = 'x*y'\ndraw = 'values'\ndomain = { x = '[0, 1]', y = '(0, inf)' }",
     "4: [n] draw: expected a domain with two ends to draw values from, found (0, inf) of `y`. "
     "Give it both, or drop `draw`."),
    (HEAD + "expression = 'x'\ndomain = { x = 'nomal' }",
     "4: [n] domain.x: expected an interval such as `[-1, 1]` or `(0, inf)`, or `normal`, found `nomal`. "
     "Did you mean `normal`?"),
    (PRODUCT + "domain = { x = '[0, 1]', y = '(0, 1e-50)' }\ndtype = ['float64', 'float32']",
     "4: [n] domain.y: expected a domain that holds a number of float32, found (0, 1e-50), which holds none."),
    (BOTH + "seed = true", "5: [n] seed: expected an integer, found `true`."),
    # what is measured
    (BOTH + "upstream = inf", "5: [n] upstream: expected a finite number, found `inf`."),
    (BOTH + "upstream = 'abc'",
     "5: [n] upstream: expected a finite number, or one of `random`, `zeros`, `huge`, `tiny`, found \"abc\"."),
    (BOTH + "upstream = 'zeroes'",
     "5: [n] upstream: expected a finite number, or one of `random`, `zeros`, `huge`, `tiny`, found \"zeroes\". "
     "Did you mean `zeros`?"),
    (BOTH + "upstream = []", "5: [n] upstream: expected at least one number, found an empty list."),
    (BOTH + "upstream = [1, inf]", "5: [n] upstream[2]: expected a finite number, found `inf`."),
    (BOTH + "upstream = [1, 2]",
     "5: [n] upstream: expected as many numbers as there are points in `at`, 1, found 2."),
    (BOTH + "upstream = 'random'\ndescent = { parameter = 'x', learning_rate = 1, epochs = 2 }",
     "5: [n] upstream: a descent follows the gradient of its loss: expected no list or word, found one. Drop it."),
    (BOTH + "wrt = ['z']", "5: [n] wrt[1]: expected one of the inputs `x`, `y`, found `z`."),
    (BOTH + "wrt = [\n 'x',\n 'x']", "7: [n] wrt[2]: expected each name once, found `x` twice."),
    (BOTH + "wrt = []", "5: [n] wrt: expected at least one entry, found an empty list."),
    (BOTH + "wrt = 'x'", '5: [n] wrt: expected a list in square brackets, found "x".'),
    (BOTH + "dtype = 'flot32'",
     "5: [n] dtype: expected one of `float16`, `bfloat16`, `float32`, `float64`, `complex64`, "
     "`complex128`, found `flot32`. Did you mean "
     "`float32`?"),
    (BOTH + "dtype = ['float32', 'quad']",
     "5: [n] dtype[2]: expected one of `float16`, `bfloat16`, `float32`, `float64`, `complex64`, "
     "`complex128`, found `quad`."),
    (BOTH + "dtype = 32", "5: [n] dtype: expected a dtype or a list of dtypes, found `32`."),
    # order and routes
    (BOTH + "order = 3", "5: [n] order: expected 1 (the gradient) or 2 (the Hessian), found `3`."),
    (BOTH + "order = 1.0", "5: [n] order: expected 1 (the gradient) or 2 (the Hessian), found `1.0`."),
    (BOTH + "order = true", "5: [n] order: expected 1 (the gradient) or 2 (the Hessian), found `true`."),
    (BOTH + "routes = 'revers'",
     "5: [n] routes: expected one of `reverse`, `forward`, `func`, `vmap`, `compile-aot_eager`, "
     "`compile-inductor`, `reverse-reverse`, `forward-forward`, "
     "`forward-reverse`, `reverse-forward`, found `revers`. Did you mean `reverse`?"),
    (BOTH + "routes = ['func', 'forwardforward']",
     "5: [n] routes[2]: expected one of `reverse`, `forward`, `func`, `vmap`, `compile-aot_eager`, "
     "`compile-inductor`, `reverse-reverse`, `forward-forward`, "
     "`forward-reverse`, `reverse-forward`, found `forwardforward`. Did you mean `forward-forward`?"),
    (BOTH + "routes = ['reverse', 'reverse']", "5: [n] routes[2]: expected each name once, found `reverse` twice."),
    (BOTH + "routes = []", "5: [n] routes: expected at least one entry, found an empty list."),
    (BOTH + "routes = 3", "5: [n] routes: expected a route or a list of routes, found `3`."),
    (BOTH + "routes = ['reverse', 'reverse-reverse']",
     "5: [n] routes: expected a route of order 1: one of `reverse`, `forward`, `func`, `vmap`, `compile-aot_eager`, "
     "`compile-inductor`, found `reverse-reverse`. "
     "Choose one of those, or set `order = 2`."),
    (BOTH + "order = 2\nroutes = 'forward'",
     "6: [n] routes: expected a route of order 2: one of `reverse-reverse`, `forward-forward`, `forward-reverse`, "
     "`reverse-forward`, found `forward`. Choose one of those, or set `order = 1`."),
    # subjects
    (BOTH + "subject = 'mylib.f'",
     '5: [n] subject: expected `module:callable`, found "mylib.f". Did you mean `mylib:f`?'),
    (BOTH + "subject = 'mylib'",
     '5: [n] subject: expected `module:callable`, found "mylib". Write it as `mylib.activations:swish`.'),
    (BOTH + "subject = 'a:b:c'", '5: [n] subject: expected `module:callable`, found "a:b:c". Write it as'),
    (BOTH + "subject = 'a:'", '5: [n] subject: expected `module:callable`, found "a:".'),
    (BOTH + "subject = './a.py:f'", '5: [n] subject: expected `module:callable`, found "./a.py:f".'),
    (BOTH + "subject = 3", "5: [n] subject: expected text in quotes, found `3`."),
    (BOTH + DESCENT + "subject = 'a:b'",
     "6: [n] subject: a descent follows the formula: expected no `subject`, found one. Drop it, or the `descent`."),
    (BOTH + DESCENT + "order = 2",
     "6: [n] order: a descent follows the gradient: expected `order = 1`, found 2. Drop one of them."),
    (BOTH + "inputs = ['x', 'yy']",
     "5: [n] inputs[2]: expected names that have a value in `at` or `domain`, found `yy`. Did you mean `y`?"),
    (BOTH + "inputs = ['x', 'y', 'beta']",
     "5: [n] inputs[3]: expected names that have a value in `at` or `domain`, found `beta`. Give it one, or drop it."),
    (BOTH + "inputs = ['y']",
     "5: [n] inputs: expected every variable of the formula among them, found no `x`. Add it."),
    (BOTH + "inputs = ['x', 'y', 'x']", "5: [n] inputs[3]: expected each name once, found `x` twice."),
    (BOTH + "inputs = 'x'", '5: [n] inputs: expected a list in square brackets, found "x".'),
    (PRODUCT + "at = [{ x = 1, y = 2, z = 3 }, { x = 1, y = 2 }]\ninputs = ['x', 'y', 'z']",
     "4: [n] at[2]: expected a value of `z` in every table, found none. Add it."),
    (PRODUCT + "at = { x = 1, y = 2, z = 3 }\ninputs = ['x', 'y']",
     "4: [n] at.z: `z` does not occur in the formula, whose inputs are `x`, `y`. Drop it."),
    (PRODUCT + "at = { x = 1, y = 2, z = 3 }\ninputs = ['x', 'y', 'z']\n" + DESCENT.replace('"x"', '"z"'),
     "6: [n] descent.parameter: expected one of the inputs `x`, `y`, found `z`."),
    # conventions and accepted differences
    (BOTH + "subgradient = 'lef'",
     '5: [n] subgradient: expected a finite number, `left`, `right`, `any`, found "lef". Did you mean `left`?'),
    (BOTH + "subgradient = nan", "5: [n] subgradient: expected a finite number, `left`, `right`, `any`, found `nan`."),
    (BOTH + "subgradient = []",
     "5: [n] subgradient: expected a finite number, `left`, `right`, `any`, found an empty list."),
    (BOTH + "accept = 'unstabel'",
     "5: [n] accept: expected one of `biased`, `convention`, `inaccurate`, `missing`, `mutated`, "
     "`nondeterministic`, `nonfinite`, `range`, `spurious`, `unstable`, "
     "`unsupported`, `wrong`, found `unstabel`. Did you mean `unstable`?"),
    (BOTH + "accept = ['range', 'differ.wrogn']",
     "5: [n] accept[2]: expected one of `biased`, `convention`, `inaccurate`, `missing`, `mutated`, "
     "`nondeterministic`, `nonfinite`, `range`, `spurious`, `unstable`, "
     "`unsupported`, `wrong`, found `differ.wrogn`. Did you mean `differ.wrong`?"),
    (BOTH + "accept = 'precision'",
     "5: [n] accept: expected a kind of difference, found `precision`. Only differences can be accepted; "
     "pin another verdict with `expect = { verdict = … }`."),
    (BOTH + "accept = [1]", "5: [n] accept[1]: expected text in quotes, found `1`."),
    (BOTH + "accept = []", "5: [n] accept: expected at least one entry, found an empty list."),
    # tolerances and the rest
    (BOTH + "tolerance = { relative = -1e-3 }",
     "5: [n] tolerance.relative: expected a rational number of at least 0, found `-1e-3`."),
    (BOTH + "tolerance = { relative = 'pi' }",
     '5: [n] tolerance.relative: expected a rational number of at least 0, found "pi".'),
    (BOTH + "tolerance = -0.1", "5: [n] tolerance: expected a rational number of at least 0, found `-0.1`."),
    (BOTH + "tolerance = {}", "5: [n] tolerance: expected `relative` or `absolute`, found an empty table."),
    (BOTH + "tolerance = { absolute = 'inf' }",
     '5: [n] tolerance.absolute: expected a rational number of at least 0, found "inf".'),
    (BOTH + "tolerance = { absolut = 1 }", "5: [n] tolerance.absolut: unknown key `absolut`. Did you mean `absolute`?"),
    (BOTH + "cite = 2.5", "5: [n] cite: expected text in quotes, found `2.5`."),
    (BOTH + "tags = ['a', 1]", "5: [n] tags[2]: expected text in quotes, found `1`."),
    # expectations
    (BOTH + "expect.value = 1e99999", "5: [n] expect.value: expected a number of at most 14000 bits, found `1e99999`"),
    (BOTH + "expect = 3", "5: [n] expect: expected a table, found `3`."),
    (BOTH + "expect.verdict = 'differ.wong'",
     "5: [n] expect.verdict: expected a verdict, found `differ.wong`. Did you mean `differ.wrong`?"),
    (BOTH + "expect.verdict = 'nonfinite'",
     "5: [n] expect.verdict: expected a verdict, found `nonfinite`. Did you mean `differ.nonfinite`?"),
    (BOTH + "expect.verdict = { gradiant = 'differ' }",
     "5: [n] expect.verdict.gradiant: expected one of `value`, `gradient`, `hessian`, found `gradiant`. "
     "Did you mean `gradient`?"),
    (BOTH + "expect.verdict = { gradient = { x = 'differ.wong' } }",
     "5: [n] expect.verdict.gradient.x: expected a verdict, found `differ.wong`. Did you mean `differ.wrong`?"),
    (BOTH + "expect.verdict = { value = 3 }", "5: [n] expect.verdict.value: expected a verdict in quotes, found `3`."),
    (BOTH + "expect.verdict = { gradient = {} }",
     "5: [n] expect.verdict.gradient: expected the names of inputs, found an empty table."),
    (BOTH + "expect.verdict = {}", "5: [n] expect.verdict: expected a verdict in quotes, or a table of verdicts"),
    (BOTH + "expect.verdict = { value = 'differ' }",
     "5: [n] expect.verdict: expected a `reason` for the verdict `differ`, found none."),
    (BOTH + "expect = { verdict = { gradient = { z = 'differ' } }, reason = 'known' }",
     "5: [n] expect.verdict.gradient.z: expected one of `x`, `y`, by which the case differentiates, found `z`."),
    (BOTH + "expect = { verdict = { hessian = 'differ' }, reason = 'known' }",
     "5: [n] expect.verdict.hessian: expected `order = 2` for a Hessian, found none. Add it."),
    (BOTH + "expect.verdict = 'differ'",
     "5: [n] expect.verdict: expected a `reason` for the verdict `differ`, found none."),
    (BOTH + "[case.expect]\nverdict = 'undecided.limit'\nreason = ' '", "6: [n] expect.verdict: expected a `reason`"),
    (BOTH + "expect.value = [1, 2]", "5: [n] expect.value: expected 1 number, one for each point in `at`, found 2."),
    (BOTH + "expect.value = []", "5: [n] expect.value: expected a list of numbers, found an empty list."),
    (BOTH + "expect.value = [1,\n true]", "6: [n] expect.value[2]: expected a number such as `0.1`"),
    (BOTH + "[case.expect.gradient]\nx = 1\nz = 1",
     "7: [n] expect.gradient.z: expected one of the inputs `x`, `y`, found `z`."),
    (BOTH + "wrt = ['x']\nexpect.gradient.y = 3",
     "6: [n] expect.gradient.y: expected a gradient by one of `x`, found `y`. Add it to `wrt`, or drop it."),
    (PRODUCT + "domain = { x = '[0, 1]', y = '[0, 1]' }\nexpect.value = 1",
     "5: [n] expect.value: expected points in `at`, with every input, for the numbers in `expect`, found none."),
    (PRODUCT + "at.x = 1\ndomain.y = '[0, 1]'\nexpect.value = 1",
     "6: [n] expect.value: expected points in `at`, with every input"),
    (BOTH + "expect.losses = [1]", "5: [n] expect.losses: expected a `descent` for the losses, found none. Add one."),
    (BOTH + DESCENT + "expect.weights = [1, 2, 3]",
     "6: [n] expect.weights: expected at most 2 numbers, one an epoch, found 3."),
    (BOTH + DESCENT + "expect.weights = 1", "6: [n] expect.weights: expected a list of numbers, found `1`."),
    # descents
    (BOTH + DESCENT.replace('"x"', '"z"'), "5: [n] descent.parameter: expected one of the inputs `x`, `y`, found `z`."),
    (BOTH + "descent = { parameter = 'x', epochs = 1 }",
     "5: [n] descent.learning_rate: expected a key `learning_rate`, found none. Add it."),
    (BOTH + DESCENT.replace("0.1", "nan"), "5: [n] descent.learning_rate: expected a finite number, found `nan`."),
    (BOTH + DESCENT.replace("2", "0"), "5: [n] descent.epochs: expected an integer of at least 1, found `0`."),
    (BOTH + DESCENT.replace("2", "2.0"), "5: [n] descent.epochs: expected an integer, found `2.0`."),
    (BOTH + DESCENT + "wrt = ['y']", "6: [n] wrt: expected the descent's parameter `x` among them, found `y`. Add it."),
    (PRODUCT + DESCENT + "at = [{ x = 1, y = 2 }, { x = 2, y = 2 }]",
     "5: [n] at: a descent starts from a single point: expected one in `at`, found 2."),
    (BOTH + DESCENT + "domain = { x = '[0, 1]', y = '[0, 1]' }",
     "6: [n] domain: a descent starts from the single point in `at`: expected no `domain`, found one. Drop it."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), REFUSED_CASES, ids=range(len(REFUSED_CASES))
)
def test_a_case_that_says_what_none_may_say_is_refused(
    text: str, message: str, write: Write
) -> None:
    expected = "^c.toml:" + re.escape(message)
    with pytest.raises((CaseFileError, ExpressionError), match=expected) as caught:
        load(write(text))
    assert "pydantic" not in str(caught.value)
    assert "https" not in str(caught.value)


def test_the_first_error_in_the_order_of_the_file_is_reported(write: Write) -> None:
    text = BOTH + "unknown = 1\nupstream = 'q'\nwrt = 3\n"
    with pytest.raises(CaseFileError, match=r"c.toml:5: .* unknown key `unknown`"):
        load(write(text))
    with pytest.raises(CaseFileError, match=r"c.toml:4: .* upstream"):
        load(write(PRODUCT + "upstream = 'q'\nwrt = 3\nunknown = 1"))
    with pytest.raises(CaseFileError, match=r"c.toml:5: \[n\] seed"):
        load(write(BOTH + "seed = 'q'\n" + BOTH.replace("x*y", "x*")))


def test_lines_are_counted_alike_with_either_line_ending(write: Write) -> None:
    text = (DESIGN + "seed = true\n").replace("\n", "\r\n")
    line = DESIGN.count("\n") + 1
    with pytest.raises(CaseFileError, match=f"c.toml:{line}: .* seed: expected"):
        load(write(text))
    steps = "at.x = 1\r\nsteps = '''\r\na = x\r\nb = q\r\n'''"
    with pytest.raises(
        ExpressionError, match=r"c.toml:4: \[n\] steps, column 5: line 2"
    ):
        load(write(HEAD.replace("\n", "\r\n") + steps))


def test_bytes_that_are_no_utf_8_are_refused(write: Write) -> None:
    path = write("")
    path.write_bytes(b'[[case]]\nname = "\xff"\n')
    with pytest.raises(
        CaseFileError, match=r"^c.toml:2: expected UTF-8, found .* 0xff"
    ):
        load(path)


def test_a_folder_or_a_missing_file_is_no_case_file(write: Write) -> None:
    write("", "folder/c.toml")
    with pytest.raises(
        CaseFileError, match=r"^folder: expected a case file, found a folder"
    ):
        load(Path("folder"))
    with pytest.raises(CaseFileError, match=r"^nope.toml: .* No such file"):
        load(Path("nope.toml"))


def test_an_error_keeps_its_place_as_data(write: Write) -> None:
    with pytest.raises(VerifierError) as caught:
        load(write(HEAD + "expression = 'x*2 - tanhh(x)'\nat.x = 1"))
    place = caught.value.place
    assert (place.file, place.line, place.case) == ("c.toml", 3, "n")
    assert (place.key, place.column) == ("expression", 7)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_a_mutilated_file_is_refused_in_our_words_or_read(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DESIGN)))
    stop = data.draw(st.integers(start, min(len(DESIGN), start + 12)))
    patch = data.draw(st.text("{}[]\"'=,.x1#\n -", max_size=4))
    text = DESIGN[:start] + patch + DESIGN[stop:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutilated.toml"
        path.write_text(text, encoding="utf-8")
        outcome = message_of(path)
    assert outcome == "read" or outcome.startswith(f"{path.as_posix()}:")


def message_of(path: Path) -> str:
    try:
        load(path)
    except VerifierError as error:
        return str(error)
    return "read"


# ── several files ────────────────────────────────────────────────────────────────────────────────────────────────


def test_folders_are_read_whole_and_in_order_and_each_file_once(write: Write) -> None:
    for name in ("b/z.toml", "b/a/y.toml", "b/x.toml", "a.toml"):
        write(BOTH, name)
    write("not TOML", "b/readme.md")
    found = load_paths([Path("b"), Path("a.toml"), Path("b/x.toml")])
    files = ["b/a/y.toml", "b/x.toml", "b/z.toml", "a.toml"]
    assert [case.place.file for case in found] == files


def test_a_path_that_does_not_exist_selects_nothing(write: Write) -> None:
    with pytest.raises(SelectionError, match="found no `nope`"):
        load_paths([write(BOTH), Path("nope")])


def test_a_folder_without_case_files_selects_nothing(write: Write) -> None:
    write("", "empty/readme.md")
    with pytest.raises(SelectionError, match=r"at least one case file .* in `empty`"):
        load_paths([Path("empty")])
    with pytest.raises(SelectionError, match="found none in no path"):
        load_paths([])


# ── from Python ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_mapping_is_a_case() -> None:
    case = from_mapping({"expression": "sin(x)*y", "at": {"x": 1, "y": 0.1}})
    assert case.inputs == ("x", "y")
    assert case.given[0]["y"].exact == Fraction(0.1)
    assert case.name == case.id == "sin(x)*y"


def test_a_mapping_may_hold_none_tuples_and_a_place() -> None:
    data = {
        "name": "n",
        "expression": "x",
        "at": ({"x": 1}, {"x": 2}),
        "domain": None,
        "wrt": ("x",),
        "dtype": ("float64",),
        "expect": {"value": (1, 2.0)},
    }
    case = from_mapping(data, file="f.py", line=3)
    assert str(case.place) == "f.py:3: [n]"
    assert case.expectation is not None
    assert values(case.expectation.value) == [1, 2]
    assert half_units(case.expectation.value) == [None, None]


def test_a_long_expression_gives_a_short_name() -> None:
    text = " + ".join(["x"] * 100)
    assert len(from_mapping({"expression": text, "at": {"x": 1}}).name) == 60


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, r"^\[unnamed\]: expected `expression` or `steps`"),
        ({1: 2}, r"expected keys that are text, found `1`"),
        ({"expression": "x", "at": {1: 2}}, r"^\[x\] at: expected names of variables"),
        (
            {"expression": "x", "at": {"x": object()}},
            r"^\[x\] at\.x: expected a number",
        ),
        ({"expression": "x", "at": {"x": None}}, r"^\[x\] at\.x: expected a number"),
        ({"expression": "x"}, r"^\[x\] expression, column 1: `x` has no value"),
        (
            {"expression": "x", "at": {"x": 1}, "points": 2.0},
            r"points: expected an integer",
        ),
        (
            {"expression": "x", "at": {"x": 1}, "seed": True},
            r"seed: expected an integer",
        ),
    ],
)
def test_a_mapping_that_is_no_case_is_refused(
    data: dict[str, object], message: str
) -> None:
    with pytest.raises(VerifierError, match=message):
        from_mapping(data)


# ── schema ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_schema_accepts_the_cases_of_the_design() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(tomllib.loads(DESIGN), schema())
    jsonschema.validate(tomllib.loads(SUBJECT), schema())


@pytest.mark.parametrize(
    "text",
    [
        BOTH + "qqq = 1",
        BOTH + "points = 0",
        BOTH + "dtype = 'float23'",
        BOTH + "order = 3",
        BOTH + "routes = ['backward']",
        BOTH + "subject = 'mylib.f'",
        BOTH + "accept = 'precision'",
        "[[case]]",
    ],
)
def test_the_schema_refuses_what_loading_refuses(text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), schema())


def test_every_key_of_the_schema_has_a_description() -> None:
    found = schema()
    tables = [found, *found["$defs"].values()]
    assert len(tables) == 6
    for table in tables:
        assert table["description"]
        for key, entry in table["properties"].items():
            assert entry.get("description"), key


def test_the_schema_knows_no_null() -> None:
    assert "null" not in str(schema())
    assert "None" not in str(schema())


# ── lines, speed, safety ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_line_of_every_key_is_known() -> None:
    text = '''\
top = 1 # [[case]]
[defaults]
"quoted key" = 1.5
a.b = 1979-05-27 07:32:00.5
[[case]]
text = """
[[case]]
x = 1 \\""" """""
literal = \'\'\'
[case.sub]\'\'\'\'
list = [ 1, # ]
  { x = 1, y = [
    2, "]" ] },
]
[case.sub.deeper]
z = {}
[[case.at]]
x = 1
[[case.at]]
x = 2
[[case]]
last = true
'''
    assert tomllib.loads(text)
    lines = key_lines(text)
    expected = {
        ("top",): 1,
        ("defaults",): 2,
        ("defaults", "quoted key"): 3,
        ("defaults", "a", "b"): 4,
        ("case", 0): 5,
        ("case", 0, "text"): 6,
        ("case", 0, "literal"): 9,
        ("case", 0, "list"): 11,
        ("case", 0, "list", 0): 11,
        ("case", 0, "list", 1, "x"): 12,
        ("case", 0, "list", 1, "y", 0): 13,
        ("case", 0, "list", 1, "y", 1): 13,
        ("case", 0, "sub", "deeper"): 15,
        ("case", 0, "sub", "deeper", "z"): 16,
        ("case", 0, "at", 0): 17,
        ("case", 0, "at", 0, "x"): 18,
        ("case", 0, "at", 1): 19,
        ("case", 0, "at", 1, "x"): 20,
        ("case", 1): 21,
        ("case", 1, "last"): 22,
    }
    assert {keys: lines.get(keys) for keys in expected} == expected
    assert ("case", 0, "x") not in lines
    assert ("case", 2) not in lines
    assert ("case", 0, "sub", "z") not in lines


def test_a_file_of_many_cases_is_read_in_seconds(write: Write) -> None:
    block = '[[case]]\nname = "{0}"\nexpression = "sin(x)*{0} + y"\nat = {{ x = {0}.5, y = 2 }}\n'
    path = write("".join(block.format(index) for index in range(2000)))
    started = time.perf_counter()
    cases = load(path)
    assert len(cases) == 2000
    assert cases[-1].place.line == 1999 * 4 + 1
    # About half a second here; a quadratic algorithm would take minutes.
    assert time.perf_counter() - started < 20


def test_loading_a_case_file_loads_neither_torch_nor_sympy(write: Write) -> None:
    path = write(DESIGN)
    code = (
        "import sys; from pathlib import Path; from verifier.language.casefile import loading as cases; "
        f"cases.load(Path({str(path)!r})); "
        "sys.exit(bool({'torch', 'sympy', 'numpy', 'flint'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0
