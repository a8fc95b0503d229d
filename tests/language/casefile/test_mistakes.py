"""All mistakes of all files are told together, and none that follows from another."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from casefiles import BOTH, DESCENT, HEAD, POINT, PRODUCT

from verifier.errors import CaseFileError, Mistakes, VerifierError
from verifier.language.casefile.loading import from_mapping, load, load_paths

Write = Callable[..., Path]


def places(error: VerifierError) -> list[str]:
    errors = error.errors if isinstance(error, Mistakes) else [error]
    return [f"{e.place.line} {e.place.case} {e.place.key}" for e in errors]


SEVERAL = [
    # values and keys, in the order of the file
    (BOTH + "unknown = 1\nupstream = 'q'\nwrt = 3\n", ["5 n unknown", "6 n upstream", "7 n wrt"]),
    (PRODUCT + "upstream = 'q'\nwrt = 3\nunknown = 1", ["4 n upstream", "5 n wrt", "6 n unknown"]),
    # beside a key or value that is wrong, the formula is read all the same
    (HEAD + "expression = 'tanhh(x)'\nat.x = 1\ntolerence = 1", ["3 n expression", "5 n tolerence"]),
    (HEAD + "steps = 'b = x +'\nat.x = 'q'", ["3 n steps", "4 n at.x"]),
    # parts of one value
    (PRODUCT + "at = { x = 'q', y = [2] }", ["4 n at.x", "4 n at.y"]),
    (PRODUCT + "at = [{ x = 'q', y = 1 },\n{ x = 1, y = 'q' }]", ["4 n at[1].x", "5 n at[2].y"]),
    (PRODUCT + "domain.x = '[2, 1]'\ndomain.y = 3", ["4 n domain.x", "5 n domain.y"]),
    (BOTH + "upstream = ['q', inf]", ["5 n upstream[1]", "5 n upstream[2]"]),
    (BOTH + "expect.value = [true, 'q']", ["5 n expect.value[1]", "5 n expect.value[2]"]),
    (BOTH + "expect.verdict = { valu = 'match', gradient = { x = 'q', y = 'r' } }",
     ["5 n expect.verdict.valu", "5 n expect.verdict.gradient.x", "5 n expect.verdict.gradient.y"]),
    # keys that do not fit together
    (BOTH + "wrt = ['p', 'q']\npoints = 3\nroutes = 'forward-forward'",
     ["5 n wrt[1]", "5 n wrt[2]", "6 n points", "7 n routes"]),
    (BOTH + "at.z = 3\nat.w = 3\n", ["5 None None"]),  # no TOML: alone
    (PRODUCT + POINT + "domain = { p = '[0, 1]', q = '[0, 1]' }", ["5 n domain.p", "5 n domain.q"]),
    (PRODUCT + "domain = { x = '(0, 1e-50)', y = '(0, 1e-60)' }", ["4 n domain.x", "4 n domain.y"]),
    (BOTH + "expect = { value = [1, 2], losses = [1], verdict = 'differ' }",
     ["5 n expect.verdict", "5 n expect.value", "5 n expect.losses"]),
    (BOTH + DESCENT + "where = 'x > 0'\nsubject = 'a:b'\norder = 2", ["6 n where", "7 n subject", "8 n order"]),
    (BOTH + "dtype = 'complex64'\norder = 2\nwhere = 'x > 0'", ["6 n order", "7 n where"]),
    # what depends on the formula is not told where that is wrong; what does not is
    (HEAD + "expression = 'x*tanhh(y)'\nat.x = 1\nwrt = ['z']\nroutes = 'reverse-reverse'",
     ["3 n expression", "6 n routes"]),
    # a key that is missing may be another one, misspelt
    ("[[case]]\nnmae = 'n'\nexpression = 'x'\nat.x = 1", ["2 None nmae"]),
    ("[[case]]\nexpression = 'x'\nseed = 'q'", ["1 None name", "3 None seed"]),
    (BOTH + DESCENT.replace("epochs", "epoch"), ["5 n descent.epoch"]),
    # several cases
    (BOTH + "seed = 'q'\n" + BOTH.replace("x*y", "x*").replace('"n"', '"m"'), ["5 n seed", "8 m expression"]),
    (BOTH + BOTH + "seed = 'q'", ["6 n name", "9 n seed"]),
    ("[[case]]\n" * 3, ["1 None name", "2 None name", "3 None name"]),
    # the top, and the defaults, whose mistakes are told once
    ("versoin = 1\n" + BOTH + "seed = 'q'", ["1 None versoin", "6 n seed"]),
    ("versoin = 1\ncases = 2\n", ["1 None versoin", "2 None cases"]),
    ("[defaults]\nat = { x = 'q' }\n" + HEAD + "expression = 'x'\nwrt = 3\n" + HEAD.replace('"n"', '"m"'),
     ["2 None defaults.at.x", "6 n wrt"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SEVERAL, ids=range(len(SEVERAL)))
def test_all_mistakes_of_a_file_are_told_and_none_that_follows(
    text: str, wanted: list[str], write: Write
) -> None:
    with pytest.raises(VerifierError) as caught:
        load(write(text))
    assert places(caught.value) == wanted


def test_all_files_are_read_to_the_end(write: Write) -> None:
    for name, text in {"b/z": "x =", "b/y": BOTH + "seed = 'q'", "b/x": BOTH}.items():
        write(text, f"{name}.toml")
    with pytest.raises(Mistakes) as caught:
        load_paths([Path("nope.toml"), Path("b")])
    errors = caught.value.errors
    assert [error.place.file for error in errors] == [None, "b/y.toml", "b/z.toml"]
    shown = str(caught.value).split("\n")
    assert shown[0] == "expected a case file or a folder, found no `nope.toml`."
    assert shown[1].startswith("b/y.toml:5: [n] seed: expected an integer")
    assert shown[-1] == "3 mistakes in 2 files"


def test_a_mistake_that_is_alone_is_raised_as_itself(write: Write) -> None:
    with pytest.raises(CaseFileError) as caught:
        load_paths([write(BOTH), write(BOTH + "seed = 'q'", "d.toml")])
    assert "mistake" not in str(caught.value)


def test_a_caret_stands_below_each_formula_at_fault(write: Write) -> None:
    text = BOTH.replace("x*y", "x*tanhh(y)")
    text += '[[case]]\nname = "m"\nexpression = "1 + sn(x)"\nat.x = 1\n'
    with pytest.raises(Mistakes) as caught:
        load(write(text))
    shown = str(caught.value)
    assert "\n    x*tanhh(y)\n      ^\n" in shown
    assert "\n    1 + sn(x)\n        ^\n" in shown


def test_a_mapping_tells_all_its_mistakes() -> None:
    with pytest.raises(Mistakes) as caught:
        from_mapping({"expression": "x*", "at": {"x": 1}, "points": 0, "seed": "q"})
    assert [error.place.key for error in caught.value.errors] == [
        "points",
        "seed",
        "expression",
    ]


def test_the_number_of_mistakes_that_are_shown_is_bounded(write: Write) -> None:
    text = "".join(BOTH.replace('"n"', f'"n{i}"') + "seed = 'q'\n" for i in range(263))
    with pytest.raises(Mistakes) as caught:
        load(write(text))
    assert len(caught.value.errors) == 263
    lines = str(caught.value).split("\n")
    assert len(lines) == 51
    assert lines[-1] == "and 213 more: 263 mistakes"


def test_mistakes_are_the_same_in_another_process(write: Write) -> None:
    with pytest.raises(Mistakes) as caught:
        load(write(BOTH + "seed = 'q'\nwrt = 3\n"))
    other = pickle.loads(pickle.dumps(caught.value))
    assert str(other) == str(caught.value)
    assert places(other) == places(caught.value)
