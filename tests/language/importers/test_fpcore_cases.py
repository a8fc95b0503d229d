"""FPCore → cases: names, properties and precisions; what is refused, and where."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from imports import draft_of, imported, refusal

from verifier.errors import FormulaFileError
from verifier.language.casefile.loading import load
from verifier.language.importers.case_drafts import case_file

SAMPLE = """; two benchmarks of our own
(FPCore wave (x* lambda)
  :name "a \\"wave\\" \\\\ of::length"
  :description "travels
    to the right"
  :cite (nobody-2020 somebody-2021)
  :fpbench-domain science
  :precision binary32
  :pre (and (<= -1 x* 1) (< 0 lambda))
  :example ([x* 1/2] [lambda 2])
  :spec (sin x*)
  (let ([E2 (* 2 PI)])
    (sin (/ (* E2 x*) lambda))))

(FPCore (e) :name "a \\"wave\\" \\\\ of::length" #;(hidden) (* e E))
"""


def test_a_whole_file_loads(tmp_path: Path) -> None:
    found = imported(tmp_path, SAMPLE)
    target = tmp_path / "cases.toml"
    target.write_text(
        case_file(found.drafts, "sample.fpcore", "fpcore"), encoding="utf-8"
    )
    first, second = load(target)
    assert first.name == 'a "wave" \\ of:length'
    assert second.name == 'a "wave" \\ of:length (2)'
    assert first.dtypes == ("float32",)
    assert second.dtypes == ("float32", "float64")
    assert first.cite == "nobody-2020, somebody-2021"
    assert first.reason == "travels to the right"
    assert first.tags == ("science",)
    assert {n: str(d) for n, d in first.domains.items()} == {
        "x_": "[-1, 1]",
        "lambda_": "(0, inf)",
    }
    assert [{n: s.exact for n, s in point.items()} for point in first.given] == [
        {"x_": Fraction(1, 2), "lambda_": 2}
    ]
    assert second.program.inputs == ("e_",)
    text = target.read_text(encoding="utf-8")
    assert "# line 2\n# `x*` is called `x_`\n# `lambda` is called `lambda_`\n" in text
    assert "# not taken over: `:spec`\n" in text


@pytest.mark.parametrize(
    ("written", "dtypes"),
    [
        ("binary16", ("float16",)),
        ("binary32", ("float32",)),
        ("binary64", ("float64",)),
        ("bfloat16", ("bfloat16",)),
        ("(float 8 32)", ("float32",)),
        ("(float 8 16)", ("bfloat16",)),
        ("real", ()),
        ("binary80", ()),
        ("(posit 2 32)", ()),
    ],
)
def test_a_precision_becomes_a_dtype(
    tmp_path: Path, written: str, dtypes: tuple[str, ...]
) -> None:
    draft = draft_of(tmp_path, f"(FPCore (x) :precision {written} x)")
    assert draft.dtypes == dtypes
    assert bool(draft.notes) == (not dtypes)


@pytest.mark.parametrize(
    ("core", "why"),
    [
        ("(FPCore (x) (while (< x 3) ([x x (+ x 1)]) x))", "`while` is not supported (line 1, column 14)"),
        ("(FPCore (x)\n (for* ([i 3]) ([a 0 (+ a x)]) a))", "`for*` is not supported (line 2, column 3)"),
        ("(FPCore (x) (array x x))", "`array` is not supported"),
        ("(FPCore (x) (tensor ([i 3]) x))", "`tensor` is not supported"),
        ("(FPCore ((A 3)) (ref A 0))", "an argument that is a tensor"),
        ("(FPCore (x) (# x))", "`#` is not supported"),
        ("(FPCore (x) (if (isnan x) 0 x))", "`isnan` is not supported"),
        ("(FPCore (x) (frobnicate x))", "`frobnicate` is no operation of FPCore's"),
        ("(FPCore (x) (* x NAN))", "`NAN` is not supported"),
        ("(FPCore (x) (+ x z))", "`z` has no value"),
        ("(FPCore (x) 3)", "nothing to differentiate"),
        ("(FPCore (x) (sin x x))", "`sin` takes 1 operand, found 2"),
        ("(FPCore (x) (fma x x))", "`fma` takes 3 operands, found 2"),
        ("(FPCore (x) (< x))", "`<` takes at least 2 operands, found 1"),
        ("(FPCore (x) (/ x))", "`/` takes at least 2 operands, found 1"),
        ("(FPCore (x) (if x 1 2))", "`if` expects a condition, found a number"),
        ("(FPCore (x) (+ 1 (< x 1)))", "`+` expects a number, found a condition"),
        ("(FPCore (x) (< x 1))", "its body expects a number, found a condition"),
        ("(FPCore (x) :pre x x)", "`:pre` expects a condition, found a number"),
        ("(FPCore (x) (let ([y]) x))", "expected `[name value]`"),
        ("(FPCore (x) (let x x))", "expected `(let ([name value] …) body)`"),
        ("(FPCore (x) (! :precision integer x))", "rounds to integers"),
        ("(FPCore ((! :precision integer x)) x)", "rounds to integers"),
        ("(FPCore (x) :precision (fixed 0 8) x)", "rounds to integers"),
        ("(FPCore (x) :name)", "expected a value after `:name`"),
        ("(FPCore (x) x x)", "expected one body after the properties, found 2"),
        ("(FPCore (x))", "expected one body after the properties, found 0"),
        ("(FPCore (x x) x)", "expected every argument once"),
        ("(FPCore)", "expected the list of arguments"),
        ("(FPCore (x) ())", "expected an operation after the bracket"),
        ('(FPCore (x) "x")', "found a string"),
        ("(FPCore (x) (* x 1e99999999999))", "is too large"),
        ("(FPCore (x) (* x 0x1p-13900))", "too many digits"),
        ("(FPCore (x) (* x 1e4500))", "bits"),
        ("(FPCore (x) (* x (digits 1 1e6 10)))", "`digits` takes an integer exponent"),
    ],
)  # fmt: skip
def test_what_no_case_can_say_is_refused_by_name(
    tmp_path: Path, core: str, why: str
) -> None:
    found = refusal(tmp_path, core)
    assert found.startswith("1: ")
    assert why in found


def test_an_example_of_too_many_digits_is_left_out(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, "(FPCore (x) :example ([x 0x1p-13990]) x)")
    assert draft.examples == []


def test_a_symbol_need_not_be_ascii(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, "(FPCore (ε x) :spec (+ x ε) (* x ε))")
    assert draft.notes[0] == "`ε` is called `v`"
    assert draft.formula == "x * v"


def test_what_is_refused_leaves_the_others(tmp_path: Path) -> None:
    text = '(FPCore (x) x)\n(define y 3)\n(FPCore (x) :name "loop" (while TRUE () x))\n(FPCore (y) y)'
    found = imported(tmp_path, text)
    assert [draft.name for draft in found.drafts] == [
        "sample, line 1",
        "sample, line 4",
    ]
    assert [(entry.line, entry.name) for entry in found.left_out] == [
        (2, "(define …)"),
        (3, "loop"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("(FPCore (x)\n  (sin x)", "1: column 1", "expected `)`, found the end of the file"),
        ("(FPCore (x]\n x)", "1: column 11", "expected `)`, found `]`"),
        ("(FPCore (x) x))", "1: column 15", "found one that closes nothing"),
        ('(FPCore (x)\n :name "abc x)', "2: column 8", "at the end of this string"),
        ("(FPCore (x) 12ab)", "1: column 13", "found `12ab`"),
        ("(FPCore (x) x #;)", "1: column 1", "after the last `#;`"),
        ("{json: x} # no", "1", "expected `(FPCore"),
        ("(FPCore (x) \x00)", "1: column 13", "expected a symbol or a number"),
        ("(define x)", "1", "expected `(FPCore"),
        ("", "1", "expected `(FPCore"),
    ],
)  # fmt: skip
def test_what_is_no_fpcore_is_one_error_with_its_place(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    with pytest.raises(FormulaFileError) as error:
        imported(tmp_path, text)
    assert f"sample.fpcore:{place}: " in str(error.value)
    assert message in str(error.value)


def test_a_part_that_is_used_twice_becomes_a_step(tmp_path: Path) -> None:
    draft = draft_of(tmp_path, "(FPCore (t) (round (sin t)))")
    assert draft.formula.splitlines() == [
        "t_2 = sin(t)",
        "result = sign(t_2) * floor(abs(t_2) + 1 / 2)",
    ]
