"""The JSON Schema of case files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from casefiles import BOTH, DESIGN, SUBJECT

from verifier.language.casefile.tables import schema

Write = Callable[..., Path]


def test_the_schema_accepts_the_cases_of_the_design() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(tomllib.loads(DESIGN), schema())
    jsonschema.validate(tomllib.loads(SUBJECT), schema())


PINS = "expect = [{ torch = '<2.14', verdict = 'match' }, { value = 1 }]"


def test_the_schema_accepts_one_expectation_and_several() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(tomllib.loads(BOTH + PINS), schema())
    jsonschema.validate(tomllib.loads(BOTH + "expect = { torch = '<3' }"), schema())


@pytest.mark.parametrize(
    "text",
    [
        BOTH + "expect = []",
        BOTH + "expect = 3",
        BOTH + "expect = [{ valeu = 1 }]",
        BOTH + "expect = { torch = 2 }",
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
