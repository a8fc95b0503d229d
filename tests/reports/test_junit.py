"""JUnit XML: read by junitparser, and held to a schema of the shape that Jenkins and
Surefire document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from junitparser import JUnitXml, TestCase

from verifier.records import RunRecord
from verifier.reports import junit
from verifier.reports.options import Options

TEXT = "".join(
    f"""
    <xs:element name="{name}">
      <xs:complexType mixed="true">
        <xs:attribute name="type" type="xs:string" use="required"/>
        <xs:attribute name="message" type="xs:string"/>
      </xs:complexType>
    </xs:element>"""
    for name in ("failure", "error", "skipped")
)
COUNTS = "".join(
    f'<xs:attribute name="{name}" type="xs:nonNegativeInteger" use="required"/>'
    for name in ("tests", "failures", "errors")
)
SECONDS = '<xs:attribute name="time" type="seconds" use="required"/>'
SCHEMA = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="seconds">
    <xs:restriction base="xs:string"><xs:pattern value="[0-9]+(\\.[0-9]+)?"/></xs:restriction>
  </xs:simpleType>{TEXT}
  <xs:element name="testcase">
    <xs:complexType>
      <xs:sequence>
        <xs:choice minOccurs="0">
          <xs:element ref="failure"/><xs:element ref="error"/><xs:element ref="skipped"/>
        </xs:choice>
        <xs:element name="system-out" type="xs:string" minOccurs="0"/>
      </xs:sequence>
      <xs:attribute name="name" type="xs:string" use="required"/>
      <xs:attribute name="classname" type="xs:string" use="required"/>
      {SECONDS}
    </xs:complexType>
  </xs:element>
  <xs:element name="testsuite">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="properties" minOccurs="0">
          <xs:complexType><xs:sequence>
            <xs:element name="property" maxOccurs="unbounded">
              <xs:complexType>
                <xs:attribute name="name" type="xs:string" use="required"/>
                <xs:attribute name="value" type="xs:string" use="required"/>
              </xs:complexType>
            </xs:element>
          </xs:sequence></xs:complexType>
        </xs:element>
        <xs:element ref="testcase" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="name" type="xs:string" use="required"/>
      <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
      {COUNTS}{SECONDS}
    </xs:complexType>
  </xs:element>
  <xs:element name="testsuites">
    <xs:complexType>
      <xs:sequence><xs:element ref="testsuite" maxOccurs="unbounded"/></xs:sequence>
      <xs:attribute name="name" type="xs:string"/>
      {COUNTS}{SECONDS}
    </xs:complexType>
  </xs:element>
</xs:schema>"""
"""What every reader takes: stricter than the schemas of Jenkins' xUnit plugin and of
Surefire, which leave out or allow more. Both describe no `skipped` at the root."""


@pytest.fixture(scope="module")
def schema() -> Any:
    return xmlschema.XMLSchema(SCHEMA)


def by_name(report: str) -> dict[str, TestCase]:
    """The tests of a report by name."""
    return {
        test.name: test
        for suite in JUnitXml.fromstring(report.encode())
        for test in suite
    }


def outcomes(report: str) -> dict[str, str]:
    """What came of each test, and of which type it is."""
    return {
        name: " ".join([f"{type(one).__name__} {one.type}" for one in test.result])
        or "passed"
        for name, test in by_name(report).items()
    }


def test_every_result_is_a_test(mixed: Any, schema: Any) -> None:
    report = junit.render(mixed.record, mixed.options)
    schema.validate(report)
    assert outcomes(report) == {
        "fine[float32]": "passed",
        "fine[float64]": "passed",
        "wrong[float32]": "Failure differ.wrong",
        "wrong[float64]": "Failure differ.wrong",
        "pinned[float32]": "passed",
        "accepted[float32]": "passed",
        "open[float32]": "Error undecided.limit",
        "routes[float32-reverse]": "passed",
        "routes[float32-forward]": "passed",
        "broken[float32]": "Error error.run",
        "promise[float32]": "Failure expect.gradient.a",
    }
    tests = by_name(report)
    assert {test.classname for test in tests.values()} == {"cases/notebook.toml"}
    assert tests["wrong[float32]"].time == 0.01
    (failure,) = tests["wrong[float32]"].result
    assert "the sign is turned" in failure.message
    assert "369" in failure.text
    assert "Traceback" in tests["broken[float32]"].result[0].text
    assert "as the case expects" in tests["pinned[float32]"].system_out
    assert "accepted" in tests["accepted[float32]"].system_out
    whole = JUnitXml.fromstring(report.encode())
    assert (whole.tests, whole.failures, whole.errors) == (11, 3, 2)


def test_what_a_baseline_holds_passes_and_what_is_worse_fails(
    against_baseline: Any, schema: Any
) -> None:
    report = junit.render(against_baseline.record, against_baseline.options)
    schema.validate(report)
    found = outcomes(report)
    assert found["wrong[float32]"] == "Failure differ.wrong"
    assert found["wrong[float64]"] == "passed"
    assert found["open[float32]"] == "Skipped undecided.limit"
    assert found["broken[float32]"] == "passed"
    assert found["promise[float32]"] == "Failure expect.gradient.a"
    assert found["fine[float32]"] == "Failure larger error"
    assert found["gone[float32]"] == "Failure vanished"
    known = by_name(report)["wrong[float64]"].system_out
    assert known.startswith("as in the baseline: differ.wrong")


def test_an_interrupted_run_has_an_error(interrupted: Any, schema: Any) -> None:
    report = junit.render(interrupted.record, interrupted.options)
    schema.validate(report)
    assert outcomes(report)["the run as a whole"] == "Error interrupted"
    (error,) = by_name(report)["the run as a whole"].result
    assert (
        error.message
        == "not all was run: interrupted before the end, with 2 of 11 results"
    )


def test_a_run_without_results_has_an_error_too(
    make_record: Callable[..., RunRecord], schema: Any
) -> None:
    report = junit.render(make_record(), Options())
    schema.validate(report)
    assert outcomes(report) == {"the run as a whole": "Error incomplete"}


def test_any_text_makes_valid_xml(hostile: Any, schema: Any) -> None:
    report = junit.render(hostile.record, hostile.options)
    schema.validate(report)
    assert report.isascii()
    tests = list(ElementTree.fromstring(report).iter("testcase"))
    assert len(tests) == 3
    assert tests[0].attrib["name"].startswith("a|b `c` ``d`` <b>@octocat</b>")
    assert "\\x00\\x1b[31m" in tests[0].attrib["name"]
    assert "\\ufffe\\ud800\U0001f600[float32]" in tests[0].attrib["name"]


def test_long_texts_are_cut_and_say_so(
    mixed: Any, schema: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = junit.render(mixed.record, mixed.options)
    monkeypatch.setattr(junit, "MOST_TEXT", 120)
    monkeypatch.setattr(junit, "MOST_TEXTS", 100)
    monkeypatch.setattr(junit, "MOST_MESSAGE", 60)
    report = junit.render(mixed.record, mixed.options)
    schema.validate(report)
    assert outcomes(report) == outcomes(whole)
    texts = [one.text for test in by_name(report).values() for one in test.result]
    assert len(texts[0]) <= 120
    assert "characters more" in texts[0]
    assert set(texts[1:]) == {"left out: the report would be too long"}
