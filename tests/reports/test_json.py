"""The JSON report: its shape, its schema, and the way back."""

from __future__ import annotations

import json
import math

import jsonschema
import pytest

from verifier.errors import BaselineError
from verifier.records import Change, ChangeKind, Epoch, Verdict
from verifier.reports.json import read, render, schema


def _epoch(**fields):
    usual = {
        "number": 1,
        "loss": 256.0,
        "weight": 99.04,
        "gradient": 96.0,
        "true_loss": "256",
        "true_weight": "99.04",
        "drift": 6.25e-15,
    }
    return Epoch(**usual | fields)


CHANGE = Change(
    result="cases/notebook.toml::b float32 reverse 1",
    kind=ChangeKind.WORSE_VERDICT,
    regression=True,
    before="match.exact, 0 ulp",
    after="differ.wrong, 12 ulp",
)


@pytest.fixture
def rich_record(make_result, make_record, make_comparison):
    """A run with one of everything that a report may hold."""
    return make_record(
        make_result(),
        make_result("train", points=2, epochs=(_epoch(), _epoch(number=2))),
        make_result(
            "none", "error.run", line=None, counts={}, comparisons=(), message="no"
        ),
        make_result(
            "pinned", "differ.wrong", expected="differ.wrong", as_expected=True
        ),
        make_result(
            "hessian",
            "undecided.limit",
            order=2,
            max_error_ulp=None,
            comparisons=(
                make_comparison(
                    quantity="hessian",
                    wrt=("a", "b"),
                    index=(0, 1),
                    error_ulp=None,
                    verdict=Verdict.UNDECIDED_LIMIT,
                    culprit="sqrt",
                    message="0/0",
                ),
            ),
        ),
    )


def test_a_report_is_of_the_design_s_shape(make_result, make_record):
    record = make_record(make_result(elapsed_s=0.0123456789, derivations=3))

    expected = {
        "schema": 1,
        "environment": {"torch": "2.13.0", "sympy": "1.14.0"},
        "seed": 0,
        "elapsed_s": 1.25,
        "summary": {
            "cases": 1,
            "comparisons": 1,
            "match": 1,
            "differ": 0,
            "undecided": 0,
            "error": 0,
            "as_expected": True,
        },
        "results": [
            {
                "case": "cases/notebook.toml::example-two",
                "line": 12,
                "dtype": "float32",
                "route": "reverse",
                "order": 1,
                "verdict": "match",
                "kind": "exact",
                "expected": None,
                "as_expected": True,
                "elapsed_s": 0.012346,
                "derivations": 3,
                "points": 1,
                "counts": {"match.exact": 1},
                "max_error_ulp": 0.0,
                "comparisons": [
                    {
                        "quantity": "gradient",
                        "wrt": ["a"],
                        "index": [],
                        "point": {"a": "100"},
                        "upstream": "123",
                        "measured": "369.0",
                        "true": "369",
                        "error_ulp": 0.0,
                        "verdict": "match",
                        "kind": "exact",
                        "culprit": None,
                        "message": None,
                    }
                ],
            }
        ],
    }
    # Order is part of the shape: as texts, not as dictionaries.
    assert json.dumps(json.loads(render(record))) == json.dumps(expected)


def test_every_report_satisfies_the_schema(rich_record, make_record):
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())

    validator.validate(json.loads(render(rich_record, [CHANGE])))
    validator.validate(json.loads(render(make_record(interrupted=True))))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("surplus",), 1),
        (("seed",), "0"),
        (("results", 0, "verdict"), "pass"),
        (("results", 0, "counts"), {"match.perfect": 1}),
        (("results", 0, "comparisons", 0, "measured"), 369.0),
        (("results", 0, "comparisons", 0, "error_ulp"), -1),
    ],
)
def test_the_schema_refuses_what_is_no_report(rich_record, path, value):
    report = json.loads(render(rich_record))
    *parents, key = path
    table = report
    for parent in parents:
        table = table[parent]
    table[key] = value

    assert not jsonschema.Draft202012Validator(schema()).is_valid(report)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_never_appear_bare(make_result, make_record, number):
    epoch = _epoch(loss=number, weight=number, gradient=number, drift=number)
    record = make_record(make_result(max_error_ulp=abs(number), epochs=(epoch,)))

    text = render(record)
    report = json.loads(text, parse_constant=pytest.fail)
    jsonschema.validate(report, schema())
    back = read(text, "x.json").results[0]

    assert report["results"][0]["max_error_ulp"] is None
    assert report["results"][0]["epochs"][0]["loss"] == str(number)
    assert str(back.epochs[0].drift) == str(number)


def test_what_a_run_lacks_the_report_lacks(make_result, make_record):
    report = json.loads(render(make_record(make_result())))

    assert "changes" not in report
    assert "interrupted" not in report
    assert "epochs" not in report["results"][0]
    assert "message" not in report["results"][0]


def test_changes_stand_in_the_report_even_where_there_are_none(
    make_result, make_record
):
    record = make_record(make_result())

    assert json.loads(render(record, []))["changes"] == []
    assert json.loads(render(record, [CHANGE]))["changes"] == [
        {
            "result": "cases/notebook.toml::b float32 reverse 1",
            "kind": "worse verdict",
            "regression": True,
            "before": "match.exact, 0 ulp",
            "after": "differ.wrong, 12 ulp",
        }
    ]


def test_reading_is_the_inverse_of_rendering(rich_record):
    assert read(render(rich_record), "x.json") == rich_record


def test_what_failed_and_why_is_in_the_report_and_read_back(make_result, make_record):
    fields = {
        "broken": ("expect.value",),
        "interrupted": True,
        "traceback": "KeyError",
        "derivations": 2,
    }
    record = make_record(make_result(**fields))
    (found,) = json.loads(render(record))["results"]
    assert found["broken"] == ["expect.value"]
    assert (found["interrupted"], found["traceback"]) == (True, "KeyError")
    assert read(render(record), "x.json") == record


def test_an_interrupted_run_is_read_as_one(make_record):
    assert read(render(make_record(interrupted=True)), "x.json").interrupted is True


def test_any_name_survives_the_round_trip(make_result, make_record):
    record = make_record(make_result('quote " \\ \n ü ∂ \udc80 [red]'))

    text = render(record)

    assert text.isascii()
    assert read(text, "x.json") == record


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"^old\.json:1: expected JSON, found at column 1"),
        ("garbage", "expected JSON"),
        ("[]", "expected a JSON report of a run. `"),
        ('{"schema": 1, "sweeps": []}', "This is a JSON report of `verifier survey`"),
        ('{"schema": 1, "entries": {}}', "This is a baseline"),
        (
            '{"schema": 2, "results": []}',
            r"^old\.json: schema: expected schema 1, found 2",
        ),
        ('{"schema": true, "results": []}', "schema: expected schema 1, found true"),
        ('{"results": []}', r"^old\.json: schema: is missing"),
        ('{"schema": NaN, "results": []}', "found the token `NaN`"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_report_is_an_error_that_names_the_file(text, message):
    with pytest.raises(BaselineError, match=message) as caught:
        read(text, "old.json")

    assert caught.value.place.file == "old.json"
    assert "verifier run --format json=FILE" in str(caught.value)


def test_a_truncated_report_is_an_error_wherever_it_ends(rich_record):
    text = render(rich_record).rstrip()

    for end in range(0, len(text) - 1, 97):
        with pytest.raises(BaselineError, match="expected JSON"):
            read(text[:end], "old.json")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("results",), {}, "results: expected a list"),
        (("results", 0), [], r"results\[0\]: expected an object"),
        (
            ("results", 0, "verdict"),
            "pass",
            r"results\[0\]\.verdict: expected a verdict",
        ),
        (("results", 0, "line"), "12", r"results\[0\]\.line: expected an integer"),
        (("results", 0, "max_error_ulp"), 10**400, "max_error_ulp: expected a number"),
        (("elapsed_s",), False, "elapsed_s: expected a number, found false"),
        (("results", 0, "points"), True, r"points: expected an integer, found true"),
        (("results", 0, "as_expected"), 1, "as_expected: expected true or false"),
        (("results", 0, "max_error_ulp"), "big", "max_error_ulp: expected a number"),
        (("results", 0, "counts"), {"match.perfect": 1}, "counts: expected a verdict"),
        (
            ("results", 0, "comparisons", 0, "point"),
            {"a": 100},
            r"results\[0\]\.comparisons\[0\]\.point\.a: expected a string, found 100",
        ),
    ],
)
def test_a_wrong_field_is_named_by_its_path(rich_record, path, value, message):
    report = json.loads(render(rich_record))
    *parents, key = path
    table = report
    for parent in parents:
        table = table[parent]
    table[key] = value

    with pytest.raises(BaselineError, match=message):
        read(json.dumps(report), "old.json")


def test_a_whole_number_is_a_number(rich_record):
    text = render(rich_record).replace('"elapsed_s": 1.25', '"elapsed_s": 1')

    assert read(text, "old.json").elapsed_s == 1.0


def test_a_number_too_large_for_a_float_is_an_error(rich_record):
    text = render(rich_record).replace('"elapsed_s": 1.25', '"elapsed_s": 1e999')

    with pytest.raises(BaselineError, match="elapsed_s: expected a number"):
        read(text, "old.json")
