"""The file of a baseline: its form, the way back, and what is no such file."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from verifier.errors import BaselineError
from verifier.judgement.baseline import Baseline, compare, of, updated
from verifier.judgement.baseline_file import dump, load, write
from verifier.judgement.environments import NOWHERE
from verifier.records import ChangeKind, Verdict


def test_life_cycle(tmp_path, make_result, make_record):
    path = tmp_path / "baseline.json"
    good = make_record(make_result("a"))
    bad = make_record(make_result("a", "differ.wrong", max_error_ulp=9e9))

    with pytest.raises(BaselineError, match="no such baseline"):  # 1: none yet
        load(path)
    write(path, of(good))  # 2: written, and passes
    assert compare(good, load(path)) == []
    (change,) = compare(bad, load(path))  # 3: a change fails, and leaves the file
    assert change.regression
    assert compare(good, load(path)) == []
    write(path, of(bad))  # 4: forced, it is rewritten, and passes
    assert compare(bad, load(path)) == []
    (change,) = compare(good, load(path))  # 5: the way back is an improvement
    assert change.kind is ChangeKind.IMPROVED


def test_the_file_is_sorted_with_one_entry_a_line(make_result, make_record):
    record = make_record(
        make_result("b", "differ.unstable", max_error_ulp=32212345678901.0),
        make_result("a", dtype="float64"),
        make_result("a", "match.undefined", max_error_ulp=None),
        make_result("c", "differ.range", max_error_ulp=float("inf")),
    )

    head = '  {"in": ["2.13.0 - - -"], "verdict": '
    assert dump(of(record)) == (
        '{"schema": 3, "entries": {\n'
        '"cases/notebook.toml::a float32 reverse 1": [\n'
        f'{head}"match.undefined", "quantities": {{"result": '
        '{"counts": {"match.undefined": 1}, "max_error_ulp": null}}}],\n'
        '"cases/notebook.toml::a float64 reverse 1": [\n'
        f'{head}"match.exact", "quantities": {{"result": '
        '{"counts": {"match.exact": 1}, "max_error_ulp": 0.0}}}],\n'
        '"cases/notebook.toml::b float32 reverse 1": [\n'
        f'{head}"differ.unstable", "quantities": {{"result": '
        '{"counts": {"differ.unstable": 1}, "max_error_ulp": 32200000000000.0}}}],\n'
        '"cases/notebook.toml::c float32 reverse 1": [\n'
        f'{head}"differ.range", "quantities": {{"result": '
        '{"counts": {"differ.range": 1}, "max_error_ulp": null}}}]\n'
        "}}\n"
    )


def test_environments_that_have_the_same_entry_share_a_line(make_result, make_record):
    stored = Baseline()
    for torch, error in (("2.13.0+cpu", 0.5), ("2.6.0", 0.5), ("2.14.1", 3.0)):
        result = make_result("a", max_error_ulp=error)
        stored = updated(stored, make_record(result, environment={"torch": torch}))

    lines = dump(stored).split("\n")

    assert [line.partition('"verdict"')[0] for line in lines[2:4]] == [
        '  {"in": ["2.6.0 - - -", "2.13.0 - - -"], ',
        '  {"in": ["2.14.1 - - -"], ',
    ]
    assert json.loads(dump(stored))["entries"].keys() == stored.entries.keys()


def test_what_is_dumped_is_loaded(tmp_path, make_result, make_record):
    record = make_record(
        *(make_result(f'ü "{v}" \udc80', v, max_error_ulp=1.5) for v in Verdict)
    )
    path = tmp_path / "b.json"

    write(path, of(record))

    assert load(path) == of(record)


def test_an_empty_run_makes_a_baseline_that_loads(tmp_path, make_record):
    write(tmp_path / "b.json", of(make_record()))

    assert load(tmp_path / "b.json").entries == {}


def test_a_baseline_of_schema_2_says_nothing_of_where_it_was_stored(
    tmp_path, make_result, make_record
):
    path = tmp_path / "b.json"
    path.write_text(
        '{"schema": 2, "entries": {"cases/notebook.toml::a float32 reverse 1": '
        '{"verdict": "match.exact", "quantities": {"value": '
        '{"counts": {"match.exact": 1}, "max_error_ulp": 0.5}}}}}'
    )

    ((entries),) = load(path).entries.values()
    assert list(entries) == [NOWHERE]
    assert entries[NOWHERE].quantities["value"].max_error_ulp == 0.5
    write(path, updated(load(path), make_record(make_result("a"))))
    ((entries),) = load(path).entries.values()
    assert [there.torch for there in entries] == ["2.13.0"]


def entry(**fields):
    usual = {"verdict": "match.exact", "quantities": {}}
    usual = {"in": ["2.13.0 cpu Linux AVX2"], **usual}
    return json.dumps({"schema": 3, "entries": {"a": [usual | fields]}})


def quantity(counts=None, error=0):
    counts = {"match.exact": 1} if counts is None else counts
    return entry(quantities={"value": {"counts": counts, "max_error_ulp": error}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"b\.json:1: expected JSON"),
        ('{"schema": 2, "entries": {', "expected JSON"),
        ("[1]", "expected a baseline with `schema` and `entries`"),
        ('{"entries": {}}', "expected a baseline with `schema`"),
        ('{"schema": 2, "results": []}', "This is a JSON report of a run"),
        (
            '{"schema": 1, "entries": {"a": {"verdict": "match.exact", "max_error_ulp": 0}}}',
            "expected schema 3, which keeps every quantity apart, found 1, which does not. "
            "`verifier run --baseline FILE --update-baseline` writes a new one",
        ),
        ('{"schema": 4, "entries": {}}', "expected schema 3, found 4"),
        ('{"schema": true, "entries": {}}', "expected schema 3, found True"),
        ('{"schema": 2.0, "entries": {"a": {}}}', "expected schema 3, found 2.0"),
        ('{"schema": 3, "entries": []}', "expected `entries` to be an object"),
        ('{"schema": 2, "entries": {"a": {}}}', r"a\.verdict: is missing"),
        ('{"schema": 2, "entries": {"a": 3}}', "a: expected an object, found 3"),
        ('{"schema": 3, "entries": {"a": {}}}', "a: expected a list of entries"),
        ('{"schema": 3, "entries": {"a": []}}', "a: expected a list of entries"),
        (
            '{"schema": 3, "entries": {"a": [3]}}',
            r"a\[0\]: expected an object, found 3",
        ),
        (
            entry(**{"in": []}),
            r"a\[0\]\.in: expected a list of environments, found \[\]",
        ),
        (
            entry(**{"in": ["2.13.0"]}),
            r'in: expected an environment such as `.*`, found "2\.13\.0"',
        ),
        (entry(**{"in": [3]}), r"in: expected an environment such as `.*`, found 3"),
        (
            entry(**{"in": ["2.13.0 cpu - -"] * 2}),
            'in: expected each environment once, found "2.13.0 cpu - -"',
        ),
        (
            entry(verdict="match.exakt"),
            r'a\[0\]\.verdict: expected a verdict, found "match\.exakt"\. Did you mean `match\.exact`',
        ),
        (entry(verdict=[]), r"a\[0\]\.verdict: expected a verdict, found \[\]"),
        (entry(quantities=[]), r"a\[0\]\.quantities: expected an object, found \[\]"),
        (
            entry(quantities={"slope x": {}}),
            'expected one of value, gradient, hessian, formula, result, found "slope x"',
        ),
        (
            entry(quantities={"value": {}}),
            r"a\[0\]\.quantities\.value\.counts: is missing",
        ),
        (
            quantity(counts={}),
            "expected a verdict or more, each at least once, found {}",
        ),
        (
            quantity(counts={"match.exakt": 1}),
            r'value\.counts: expected a verdict, found "match\.exakt"\. Did you mean',
        ),
        (
            quantity(counts={"match.exact": 0}),
            r'counts: expected a verdict or more, each at least once, found {"match\.exact": 0}',
        ),
        (
            quantity(counts={"match.exact": 1, "differ.wrong": -1}),
            r"counts\.differ\.wrong: expected a number from 0, found -1",
        ),
        (quantity(error="0"), r'value\.max_error_ulp: expected a number, found "0"'),
        (quantity(error=-1), "max_error_ulp: expected a number from 0, found -1"),
        (quantity(error=math.nan), "found the token `NaN`"),
        (
            quantity(error="1e999").replace('"1e999"', "1e999"),
            "max_error_ulp: expected a number, found Infinity",
        ),
        (
            '{"schema": 2, "entries": {"a": 1, "a": 2}}',
            "expected `a` once, found it twice",
        ),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_baseline_is_an_error_that_names_file_and_mend(
    tmp_path, text, message
):
    path = tmp_path / "b.json"
    path.write_text(text)

    with pytest.raises(BaselineError, match=message) as caught:
        load(path)

    assert caught.value.place.file == str(path)
    assert "--update-baseline" in str(caught.value)


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / "b.json").write_bytes(b"\xff\xfe{}")

    with pytest.raises(BaselineError, match="expected a readable baseline"):
        load(tmp_path / "b.json")
    with pytest.raises(BaselineError, match="expected a readable baseline"):
        load(tmp_path)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_keeps_the_old_file_and_leaves_no_other(
    tmp_path, monkeypatch, make_result, make_record, failing
):
    path = tmp_path / "b.json"
    write(path, of(make_record(make_result("old"))))
    old = path.read_text()

    def fail(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        *((os, "fsync") if failing == "fsync" else (Path, "replace")), fail
    )
    with pytest.raises(BaselineError, match="No space left on device"):
        write(path, of(make_record(make_result("new"))))

    assert path.read_text() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path, make_record):
    with pytest.raises(BaselineError, match="cannot be written: No such file"):
        write(tmp_path / "none" / "b.json", of(make_record()))
