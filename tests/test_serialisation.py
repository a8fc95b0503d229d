"""Records as JSON: one definition for what is written, what is read, and the schema."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import StrEnum

import jsonschema
import pytest

from verifier.errors import BaselineError
from verifier.records import Counts, ErrorUlp, Number, Reported, Seconds
from verifier.serialisation import Codec, decode

MEND = "Write another."


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner(Reported):
    flag: bool
    pair: tuple[str, str] = ("a", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer(Reported):
    """A record with one of everything."""

    count: int = field(metadata={"ge": 1})
    """At least one."""
    share: float = 0.5
    colour: Colour = Colour.RED
    names: tuple[str, ...] = ()
    inner: dict[str, Inner] = field(default_factory=dict)
    note: str | None = None
    error: ErrorUlp = None
    seconds: Seconds = 0.0
    number: Number = 0.0
    counts: Counts = field(default_factory=dict)
    secret: int = field(default=0, metadata={"exclude": True})


PART = Codec(Outer, mend=MEND)
WHOLE = Codec(Outer, mend=MEND, whole=True)
FULL = Outer(
    count=2,
    share=2,
    colour=Colour.GREEN,
    names=("x", "\udc80"),
    inner={"k": Inner(flag=True)},
    note="n",
    error=1.5,
    seconds=0.25,
    number=-math.inf,
    counts={"match.exact": 3},
)


@pytest.mark.parametrize("codec", [PART, WHOLE], ids=["part", "whole"])
@pytest.mark.parametrize("record", [Outer(count=1), FULL], ids=["least", "full"])
def test_what_is_written_satisfies_the_schema_and_is_read_back(
    codec: Codec[Outer], record: Outer
) -> None:
    text = json.dumps(codec.write(record), allow_nan=False)
    jsonschema.validate(json.loads(text), codec.schema())
    assert codec.read(json.loads(text)) == record


def test_what_has_its_default_is_left_out_of_a_part_alone() -> None:
    assert PART.write(Outer(count=1)) == {"count": 1}
    assert WHOLE.write(Outer(count=1)).keys() == WHOLE.schema()["properties"].keys()
    assert WHOLE.schema()["required"] == list(WHOLE.schema()["properties"])
    assert PART.schema()["required"] == ["count"]
    assert PART.schema()["properties"]["note"] == {"type": "string"}


def test_what_json_leaves_out_is_in_neither() -> None:
    assert "secret" not in WHOLE.write(Outer(count=1, secret=3))
    assert "secret" not in WHOLE.schema()["properties"]


def test_the_docstring_of_a_field_describes_it() -> None:
    assert PART.schema()["properties"]["count"]["description"] == "At least one."


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_lacks_have_a_name_or_are_null(number: float) -> None:
    table = PART.write(Outer(count=1, number=number, error=abs(number)))
    assert table == {"count": 1, "number": str(number), "error": None}
    assert str(PART.read(table).number) == str(number)


def test_seconds_have_six_decimals_and_counts_an_order() -> None:
    counts = {"match.rounding": 1, "differ.wrong": 2}
    table = PART.write(Outer(count=1, seconds=1 / 3, counts=counts))
    assert table["seconds"] == 0.333333
    assert list(table["counts"]) == ["differ.wrong", "match.rounding"]


def test_keys_of_a_later_version_are_ignored() -> None:
    assert PART.read({"count": 1, "later": 1}) == Outer(count=1)
    assert not jsonschema.Draft202012Validator(PART.schema()).is_valid(
        {"count": 1, "later": 1}
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], r"^at: expected an object, found \[\]\. Write another\.$"),
        ({}, r"^at\.count: is missing\. Write another\.$"),
        ({"count": 0}, r"at\.count: expected a number from 1, found 0\."),
        ({"count": True}, r"at\.count: expected an integer, found true\."),
        ({"count": "1"}, r'at\.count: expected an integer, found "1"\.'),
        ({"count": 1.0}, r"at\.count: expected an integer, found 1\.0\."),
        ({"count": 1, "share": "1"}, r"at\.share: expected a number"),
        ({"count": 1, "share": math.inf}, r"at\.share: expected a number"),
        ({"count": 1, "error": -1}, r"at\.error: expected a number from 0, found -1\."),
        ({"count": 1, "number": "big"}, r'at\.number: expected a number, found "big"'),
        ({"count": 1, "names": "x"}, r'at\.names: expected a list, found "x"'),
        ({"count": 1, "names": ["x", 1]}, r"at\.names\[1\]: expected a string"),
        ({"count": 1, "inner": []}, r"at\.inner: expected an object"),
        ({"count": 1, "inner": {"k": {"flag": 1}}}, r"at\.inner\.k\.flag: expected true"),
        (
            {"count": 1, "inner": {"k": {"flag": True, "pair": ["a"]}}},
            r'at\.inner\.k\.pair: expected a longer list, found \["a"\]',
        ),
        (
            {"count": 1, "inner": {"k": {"flag": True, "pair": ["a", "b", "c"]}}},
            r"at\.inner\.k\.pair: expected a shorter list",
        ),
        (
            {"count": 1, "counts": {"match.exakt": 1}},
            r'at\.counts: expected a verdict, found "match\.exakt"\. Did you mean `match\.exact`\?',
        ),
        ({"count": 1, "note": ["x" * 99]}, r'at\.note: expected a string, found \["x{58}…'),
    ],
)  # fmt: skip
def test_an_error_says_where_what_was_expected_and_what_was_found(
    table: object, message: str
) -> None:
    with pytest.raises(BaselineError, match=message):
        PART.read(table, at="at")


def test_json_that_says_a_key_twice_or_is_none_is_an_error() -> None:
    for text, message in (
        ('{"a": 1, "a": 2}', "expected `a` once, found it twice"),
        ('{"a": Infinity}', "found the token `Infinity`"),
        ('{\n"a": }', "^expected JSON, found at column 6"),
        ("[" * 100_000, "expected a thing, found JSON nested too deeply"),
    ):
        with pytest.raises(BaselineError, match=message):
            decode(text, what="a thing", mend=MEND)
