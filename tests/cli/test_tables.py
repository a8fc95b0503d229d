"""`verifier operations` and `verifier schema`: what is listed and printed."""

from __future__ import annotations

import json

import jsonschema
import pytest
from commands import invoke

pytestmark = pytest.mark.usefixtures("folder")


def test_operations_are_listed_with_everything_about_them():
    result = invoke("operations")

    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split()[:4] == ["name", "operands", "meaning", "domain"]
    atan2 = next(row for row in rows if row.startswith("atan2 "))
    assert "arctan2" in atan2
    assert "x, alpha = 1" in result.stdout
    assert "Constants: pi, e, inf" in result.stdout


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
