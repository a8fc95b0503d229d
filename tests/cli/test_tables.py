"""`verifier operations` and `verifier schema`: what is listed and printed."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from commands import invoke

pytestmark = pytest.mark.usefixtures("folder")


def test_operations_are_listed_a_line_each():
    from verifier.language.operations.table import OPERATIONS

    result = invoke("operations")

    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["name", "meaning"]
    named = [row.split()[0] for row in rows if row and row[0] != " "]
    assert named[: len(OPERATIONS)] == list(OPERATIONS)
    assert "Constants: pi, e, inf" in result.stdout
    assert max(map(len, rows)) <= 80


def test_all_is_told_of_the_operations_that_are_named():
    result = invoke("operations", "arctan2", "logit*")

    assert result.exit_code == 0
    atan2, logit = result.stdout.split("\n\n")
    assert atan2.startswith("atan2(y, x)\n")
    assert re.search(r"^  aliases +arctan2", atan2, re.MULTILINE)
    assert re.search(r"^  domain +\(0, 1\)$", logit, re.MULTILINE)
    assert "x, alpha = 1" in invoke("operations", "elu").stdout


def test_an_operation_that_is_none_suggests_the_nearest():
    result = invoke("operations", "tnah")

    assert result.exit_code == 2
    assert "no operation is called `tnah`. Did you mean `tanh`?" in result.stderr


def test_operations_are_given_as_json():
    from verifier.language.operations.table import OPERATIONS

    rows = json.loads(invoke("operations", "--format", "json").stdout)

    assert [row["name"] for row in rows] == list(OPERATIONS)
    (log,) = (row for row in rows if row["name"] == "log")
    assert log["domain"] == ["(0, inf)"]
    assert "ln" in log["aliases"]
    assert log["complex"]
    (elu,) = (row for row in rows if row["name"] == "elu")
    assert elu["parameters"] == {"alpha": "1"}
    assert "expm1" in elu["definition"]
    (threshold,) = (row for row in rows if row["name"] == "threshold")
    assert threshold["parameters"] == {"threshold": None, "value": None}


@pytest.mark.parametrize("arguments", [[], ["case"], ["report"]])
def test_schemas_are_json_schemas(arguments):
    schema = json.loads(invoke("schema", *arguments).stdout)

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
