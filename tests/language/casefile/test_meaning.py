"""What a case file means."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from casefiles import BOTH, DESCENT, DESIGN, HEAD, PRODUCT, half_units, values

from verifier.errors import (
    CaseFileError,
    ExpressionError,
    UsageError,
)
from verifier.floats import BINARY64
from verifier.language.casefile.case import CONVENTIONS, VERDICTS, Boundary, Case
from verifier.language.casefile.loading import from_mapping, load
from verifier.language.points.drawing import Draw
from verifier.language.points.scalars import Scalar
from verifier.records import Verdict
from verifier.reports.outcome import accepted_verdicts

Write = Callable[..., Path]


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


OF_RELEASES = """
[[case.expect]]
torch = "<2.7"
verdict = "differ.wrong"
reason = "r"
[[case.expect]]
torch = ">=2.7,<2.14"
verdict = "differ.convention"
reason = "s"
value = [0]
"""


@pytest.mark.parametrize(
    ("installed", "verdict", "line"),
    [
        ("2.6.0", "differ.wrong", 8),
        ("2.6.0a0+git1eba9b3", "differ.wrong", 8),
        ("2.7.0+cpu", "differ.convention", 12),
        ("2.13.0+cu130", "differ.convention", 12),
        ("2.14.0.dev20260901+cpu", None, None),
        ("2.14.1", None, None),
        ("unknown", None, None),
    ],
)
def test_the_first_expectation_that_holds_for_the_installed_release_counts(
    installed: str,
    verdict: str | None,
    line: int | None,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("verifier.releases.installed", lambda _: installed)
    (case,) = load(write(BOTH.replace("1, y = 2", "0, y = 0") + OF_RELEASES))
    if verdict is None:
        assert case.expectation is None
    else:
        assert case.expectation is not None
        assert case.expectation.verdict == verdict
        assert case.expectation.lines["expect.verdict"] == line


def test_of_expectations_that_overlap_the_first_counts_and_one_without_torch_the_rest(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        BOTH
        + "expect = [{ torch = '<2.14', value = 1 }, { torch = '<2.15', value = 2 }, { value = 3 }]"
    )
    found = []
    for installed in ("2.13.0", "2.14.0", "2.15.0"):
        monkeypatch.setattr("verifier.releases.installed", lambda _, it=installed: it)
        (case,) = load(write(text))
        assert case.expectation is not None
        found.append(case.expectation.value[0].scalar.text)
    assert found == ["1", "2", "3"]
