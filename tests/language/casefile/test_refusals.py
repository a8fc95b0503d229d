"""What no case file may say, and what is said of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from casefiles import BOTH, DESCENT, DESIGN, HEAD, POINT, PRODUCT
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.errors import (
    CaseFileError,
    ExpressionError,
    VerifierError,
)
from verifier.language.casefile.loading import from_mapping, load

Write = Callable[..., Path]


REFUSED_FILES = [
    ("", "c.toml: expected at least one `[[case]]`, found none."),
    ("# nothing\n", "c.toml: expected at least one `[[case]]`"),
    ("\nx =\n",
     "c.toml:2: column 4: expected TOML, found: Invalid value. Text stands in quotes.\n    x =\n       ^"),
    ("x = [", "c.toml:1: "),
    (BOTH + POINT, "c.toml:5: column "),
    ("\ufeff" + BOTH, "c.toml:1: column 1: expected TOML, found a byte order mark"),
    ("[case]\nname = 'n'", "c.toml:1: case: expected `[[case]]`, found a table."),
    ("case = [1]", "c.toml:1: case: expected `[[case]]`, found `1`."),
    ("case = []", "c.toml:1: case: expected at least one `[[case]]`, found an empty list."),
    ("\n[[cases]]\n", "c.toml:2: cases: unknown key `cases`. Did you mean `case`?"),
    ("version = 1\n" + BOTH, "c.toml:1: version: unknown key `version`. Known are `defaults`, `case`."),
    ("name = 'n'\n", "c.toml:1: name: expected `[[case]]` before the keys of a case, found `name` first."),
    ("defaults = 3\n" + BOTH, "c.toml:1: defaults: expected a table `[defaults]`, found `3`."),
    ("a = " + "1" * 5000, "c.toml: expected integers of at most 4300 digits"),
    ("a = " + "[" * 3000, "c.toml: expected TOML of few levels"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), REFUSED_FILES, ids=range(len(REFUSED_FILES))
)
def test_a_file_that_is_no_case_file_is_refused(
    text: str, message: str, write: Write
) -> None:
    with pytest.raises(CaseFileError, match="^" + re.escape(message)):
        load(write(text))


REFUSED_CASES = [
    # keys
    (BOTH + "\nexpresion = 'x'", "6: [n] expresion: unknown key `expresion`. Did you mean `expression`?"),
    (BOTH + "expect = { valeu = 1 }", "5: [n] expect.valeu: unknown key `valeu`. Did you mean `value`?"),
    (BOTH + "expect = 3", "5: [n] expect: expected a table or a list of tables, found `3`."),
    (BOTH + "expect = []", "5: [n] expect: expected at least one entry, found an empty list."),
    (BOTH + "expect = [{ torch = '<3', value = 1 }, { valeu = 1 }]",
     "5: [n] expect[2].valeu: unknown key `valeu`. Did you mean `value`?"),
    (BOTH + "expect = { torch = '2.13' }",
     '5: [n] expect.torch: expected a range of releases such as "<2.14" or ">=2.6,<2.8", found "2.13". '
     "Did you mean `==2.13.*`?"),
    (BOTH + "expect = { torch = '<two' }", "5: [n] expect.torch: expected a range of releases such as"),
    (BOTH + "expect = { torch = '==2.13.0+cpu' }", "5: [n] expect.torch: expected a range of releases such as"),
    (BOTH + "expect = { torch = '' }", "5: [n] expect.torch: expected a range of releases such as"),
    (BOTH + "expect = { torch = 2.13 }", "5: [n] expect.torch: expected text in quotes, found `2.13`."),
    (BOTH + "[[case.expect]]\ntorch = '<2.6'\nverdict = 'differ.wrong'\n[[case.expect]]\nverdict = 'match'",
     "7: [n] expect[1].verdict: expected a `reason` for the verdict `differ.wrong`, found none."),
    (BOTH + "[[case.expect]]\nverdict = 'match'\n[[case.expect]]\ntorch = '<2.6'\nverdict = 'undecided'\nreason = 'r'",
     "5: [n] expect[1]: expected the table without `torch`, which always holds, after all others, "),
    (BOTH + DESCENT.replace("epochs", "epoch"), "5: [n] descent.epoch: unknown key `epoch`. Did you mean `epochs`?"),
    (BOTH + '"q\\n::error::" = 1', "1: [n] q\\n::error::: unknown key `q\\n::error::`. Known are"),
    (BOTH.replace('"n"', '"n\\r\\n::error::"'),
     '2: name: expected a name of printable characters, without blanks at its ends, found "n\\r\\n::error::".'),
    (BOTH + "seed = 18446744073709551616", "5: [n] seed: expected an integer of at most 18446744073709551615, found"),
    (BOTH + "qqq = 1", "5: [n] qqq: unknown key `qqq`. Known are `expression`, "),
    # name
    ("[[case]]\nexpression = 'x'", "1: name: expected a key `name`, found none. Add it."),
    ("[[case]]\nname = ''", '2: name: expected a name of printable characters, without blanks at its ends, found "".'),
    ("[[case]]\nname = 'a::b'", "2: [a::b] name: expected a name without `::`"),
    ("[[case]]\nname = 1.50", "2: name: expected text in quotes, found `1.50`."),
    (BOTH + BOTH,
     "6: [n] name: expected names that are unique in the file, found `n` on line 1 and on line 5. Rename one."),
    # the formula
    (HEAD, "1: [n]: expected `expression` or `steps`, found neither. Add one."),
    (BOTH + "steps = 'z = x'", "5: [n] steps: expected `expression` or `steps`, found both. Drop one."),
    (HEAD + "expression = 3", "3: [n] expression: expected a formula in quotes, found `3`."),
    (HEAD + "expression = '3'",
     "3: [n] expression: expected at least one variable, found none: nothing to differentiate."),
    (PRODUCT, "3: [n] expression, column 1: `x` has no value. Give it in `at` or `domain`.\n    x*y\n    ^"),
    (HEAD + "expression = 'x*2 - tanhh(x)'\nat.x = 1",
     "3: [n] expression, column 7: unknown operation `tanhh`. Did you mean `tanh`?"),
    (HEAD + "at = { a = 1, y = 2 }\nsteps = '''\nb = a + 1\nc = bb*y\n'''",
     "4: [n] steps, column 5: line 2: `bb` has no value. Did you mean `b`?\n    c = bb*y\n        ^"),
    # points
    (PRODUCT + "at = { x = 1, y = 2, z = 3 }",
     "4: [n] at.z: `z` does not occur in the formula, whose inputs are `x`, `y`. Drop it."),
    (PRODUCT + "at = { x = 1, yy = 3 }", "3: [n] expression, column 3: `y` has no value. Did you mean `yy`?"),
    (PRODUCT + "at = []", "4: [n] at: expected at least one point, found an empty list."),
    (PRODUCT + "at = {}", "4: [n] at: expected a table of values such as { x = 1 }, found an empty one."),
    (PRODUCT + "at = [[1]]", "4: [n] at[1]: expected a table of values such as { x = 1 }, found a list."),
    (PRODUCT + "at = 3", "4: [n] at: expected a table of values such as { x = 1 }, found `3`."),
    (PRODUCT + "at = [\n  { x = 1, y = 2 },\n  { x = 1 },\n]",
     "6: [n] at[2]: expected a value of `y` in every table, found none. Add it."),
    (PRODUCT + "at = [\n  { x = 1, y = 2 },\n  { x = 1, y = true },\n]",
     "6: [n] at[2].y: expected a number such as `0.1`"),
    (PRODUCT + "at = { x = 1, y = [2] }", "4: [n] at.y: expected a number, found a list."),
    (PRODUCT + "at = { x = 1, y = 1979-05-27 }", "4: [n] at.y: expected a number such as"),
    (PRODUCT + "at = { x = 1, y = '1 + sin(1)' }", "4: [n] at.y, column 5: expected only + - * / **"),
    (PRODUCT + "at = { x = 1, y = 1e99999 }", "4: [n] at.y: expected a number of at most 14000 bits, found `1e99999`"),
    (PRODUCT + "[[case.at]]\nx = 1\ny = 2\n[[case.at]]\nx = 1\ny = 'q'", "9: [n] at[2].y: expected a number"),
    # domains
    (PRODUCT + "domain = { x = '[0, 1]', y = '[4, -4]' }",
     "4: [n] domain.y: expected lower < upper, found [4, -4]. Swap the bounds, or give a single point in `at`."),
    (PRODUCT + "domain = { x = '[0, 1]', y = '(0, 1+)' }", "4: [n] domain.y, column "),
    (PRODUCT + "domain = { x = '[0, 1]', y = 3 }",
     "4: [n] domain.y: expected an interval such as `[-1, 1]`, or `normal`, in quotes, found `3`."),
    (PRODUCT + "domain = {}", "4: [n] domain: expected at least one entry, found an empty table."),
    (PRODUCT + "domain = '[0, 1]'", '4: [n] domain: expected a table, found "[0, 1]".'),
    (BOTH + "domain.z = '[0, 1]'", "5: [n] domain.z: `z` does not occur in the formula"),
    (BOTH + "domain.x = '[0, 1]'",
     "5: [n] domain.x: expected `at` and `domain` to name the same variables or none in common, found `x` in "
     "both."),
    (PRODUCT + "at = [{ x = 1 }, { x = 2 }]\ndomain.y = '[0, 1]'",
     "4: [n] at: expected a single table, which fixes `x` while the others are drawn from `domain`, found 2."),
    (BOTH + "points = 3", "5: [n] points: expected a `domain` from which to draw 3 points, found none."),
    (BOTH + "points = 0", "5: [n] points: expected an integer of at least 1, found `0`."),
    (BOTH + "points = 10000000", "5: [n] points: expected an integer of at most 1000000, found `10000000`."),
    (BOTH + "points = 0xffffffffffffffffffffffffffffffffffff",
     "5: [n] points: expected an integer of at most 1000000, found an integer of 144 bits."),
    (BOTH + "points = 'some'", '5: [n] points: expected an integer or "all", found "some".'),
    (BOTH + "points = 'al'", '5: [n] points: expected an integer or "all", found "al". Did you mean `all`?'),
    (BOTH + "points = 'all'",
     '5: [n] points: expected a single input for "all" points, found `x`, `y`. Give a number of points.'),
    (HEAD + "expression = 'exp(x)'\npoints = 'all'",
     '4: [n] points: expected only `float16`, `bfloat16` for "all" points, found `float32`. '
     "Name those in `dtype`, or give a number of points."),
    (HEAD + "expression = 'exp(x)'\npoints = 'all'\ndtype = ['float16', 'float64']",
     '5: [n] dtype: expected only `float16`, `bfloat16` for "all" points, found `float64`.'),
    (HEAD + "expression = 'x**2'\nat = { x = 1 }\npoints = 'all'\n" + DESCENT,
     '5: [n] points: a descent starts from the single point in `at`: expected no `points`, found "all". Drop it.'),
    # where, boundary, empty domains
    (BOTH + "where = 'x < '", "5: [n] where, column 3: expected an operand after `<`, found nothing"),
    (BOTH + "where = 'x < z'", "5: [n] where, column 5: `z` has no value. Known are `x`, `y`."),
    (BOTH + "where = 'x < yy'", "5: [n] where, column 5: `yy` has no value. Did you mean `y`?"),
    (BOTH + "where = 'x - y'",
     "5: [n] where, column 1: expected a condition such as `x < y`, found a number. Compare it."),
    (BOTH + "where = 'x and y > 1'", "5: [n] where, column 1: `logical_and` expects a condition, found a number"),
    (BOTH + "where = '1 < 2'", "5: [n] where: expected a condition in the inputs `x`, `y`, found none of them in it."),
    (BOTH + "where = ''", "5: [n] where: expected a condition, found nothing"),
    (BOTH + "where = 3", "5: [n] where: expected text in quotes, found `3`."),
    (BOTH + DESCENT + "where = 'x > 0'",
     "6: [n] where: a descent goes where the gradient leads: expected no `where`, found one. Drop it."),
    (BOTH + "boundary = 1", '5: [n] boundary: expected `true`, `false` or "machine", found `1`.'),
    (BOTH + "boundary = 'machines'",
     '5: [n] boundary: expected `true`, `false` or "machine", found "machines". Did you mean `machine`?'),
    (BOTH + "draw = 'value'", '5: [n] draw: expected "values" or "floats", found "value". Did you mean `values`?'),
    (BOTH + "draw = true", '5: [n] draw: expected "values" or "floats", found `true`.'),
    (HEAD + "expression = 'x*y'\ndraw = 'values'\ndomain = { x = '[0, 1]', y = '(0, inf)' }",
     "4: [n] draw: expected a domain with two ends to draw values from, found (0, inf) of `y`. "
     "Give it both, or drop `draw`."),
    (HEAD + "expression = 'x'\ndomain = { x = 'nomal' }",
     "4: [n] domain.x: expected an interval such as `[-1, 1]` or `(0, inf)`, or `normal`, found `nomal`. "
     "Did you mean `normal`?"),
    (PRODUCT + "domain = { x = '[0, 1]', y = '(0, 1e-50)' }\ndtype = ['float64', 'float32']",
     "4: [n] domain.y: expected a domain that holds a number of float32, found (0, 1e-50), which holds none."),
    (PRODUCT + "domain = { x = '[0, 1] + (0, 1e-50)j', y = '[0, 1]' }\ndtype = 'complex64'",
     "4: [n] domain.x: expected a domain that holds a number of float32, found [0, 1] + (0, 1e-50)j,"),
    (BOTH + "upstream = ['1+2j']\ndtype = ['complex64', 'float32']",
     "5: [n] upstream[1]: expected real numbers in float32, found the complex `1+2j`."),
    (BOTH + "upstream = [1, '1+infj']", "5: [n] upstream[2]: expected a complex number of finite parts"),
    (BOTH + "seed = true", "5: [n] seed: expected an integer, found `true`."),
    # what is measured
    (BOTH + "upstream = inf", "5: [n] upstream: expected a finite number, found `inf`."),
    (BOTH + "upstream = 'abc'",
     "5: [n] upstream: expected a finite number, or one of `random`, `zeros`, `huge`, `tiny`, found \"abc\"."),
    (BOTH + "upstream = 'zeroes'",
     "5: [n] upstream: expected a finite number, or one of `random`, `zeros`, `huge`, `tiny`, found \"zeroes\". "
     "Did you mean `zeros`?"),
    (BOTH + "upstream = []", "5: [n] upstream: expected at least one number, found an empty list."),
    (BOTH + "upstream = [1, inf]", "5: [n] upstream[2]: expected a finite number, found `inf`."),
    (BOTH + "upstream = [1, 2]",
     "5: [n] upstream: expected as many numbers as there are points in `at`, 1, found 2."),
    (BOTH + "upstream = 'random'\ndescent = { parameter = 'x', learning_rate = 1, epochs = 2 }",
     "5: [n] upstream: a descent follows the gradient of its loss: expected no list or word, found one. Drop it."),
    (BOTH + "wrt = ['z']", "5: [n] wrt[1]: expected one of the inputs `x`, `y`, found `z`."),
    (BOTH + "wrt = [\n 'x',\n 'x']", "7: [n] wrt[2]: expected each name once, found `x` twice."),
    (BOTH + "wrt = []", "5: [n] wrt: expected at least one entry, found an empty list."),
    (BOTH + "wrt = 'x'", '5: [n] wrt: expected a list in square brackets, found "x".'),
    (BOTH + "dtype = 'flot32'",
     "5: [n] dtype: expected one of `float16`, `bfloat16`, `float32`, `float64`, `complex64`, "
     "`complex128`, found `flot32`. Did you mean "
     "`float32`?"),
    (BOTH + "dtype = ['float32', 'quad']",
     "5: [n] dtype[2]: expected one of `float16`, `bfloat16`, `float32`, `float64`, `complex64`, "
     "`complex128`, found `quad`."),
    (BOTH + "dtype = 32", "5: [n] dtype: expected a dtype or a list of dtypes, found `32`."),
    # order and routes
    (BOTH + "order = 3", "5: [n] order: expected 1 (the gradient) or 2 (the Hessian), found `3`."),
    (BOTH + "order = 1.0", "5: [n] order: expected 1 (the gradient) or 2 (the Hessian), found `1.0`."),
    (BOTH + "order = true", "5: [n] order: expected 1 (the gradient) or 2 (the Hessian), found `true`."),
    (BOTH + "routes = 'revers'",
     "5: [n] routes: expected one of `reverse`, `forward`, `func`, `vmap`, `compile-aot_eager`, "
     "`compile-inductor`, `reverse-reverse`, `forward-forward`, "
     "`forward-reverse`, `reverse-forward`, found `revers`. Did you mean `reverse`?"),
    (BOTH + "routes = ['func', 'forwardforward']",
     "5: [n] routes[2]: expected one of `reverse`, `forward`, `func`, `vmap`, `compile-aot_eager`, "
     "`compile-inductor`, `reverse-reverse`, `forward-forward`, "
     "`forward-reverse`, `reverse-forward`, found `forwardforward`. Did you mean `forward-forward`?"),
    (BOTH + "routes = ['reverse', 'reverse']", "5: [n] routes[2]: expected each name once, found `reverse` twice."),
    (BOTH + "routes = []", "5: [n] routes: expected at least one entry, found an empty list."),
    (BOTH + "routes = 3", "5: [n] routes: expected a route or a list of routes, found `3`."),
    (BOTH + "routes = ['reverse', 'reverse-reverse']",
     "5: [n] routes: expected a route of order 1: one of `reverse`, `forward`, `func`, `vmap`, `compile-aot_eager`, "
     "`compile-inductor`, found `reverse-reverse`. "
     "Choose one of those, or set `order = 2`."),
    (BOTH + "order = 2\nroutes = 'forward'",
     "6: [n] routes: expected a route of order 2: one of `reverse-reverse`, `forward-forward`, `forward-reverse`, "
     "`reverse-forward`, found `forward`. Choose one of those, or set `order = 1`."),
    # subjects
    (BOTH + "subject = 'mylib.f'",
     '5: [n] subject: expected `module:callable`, found "mylib.f". Did you mean `mylib:f`?'),
    (BOTH + "subject = 'mylib'",
     '5: [n] subject: expected `module:callable`, found "mylib". Write it as `mylib.activations:swish`.'),
    (BOTH + "subject = 'a:b:c'", '5: [n] subject: expected `module:callable`, found "a:b:c". Write it as'),
    (BOTH + "subject = 'a:'", '5: [n] subject: expected `module:callable`, found "a:".'),
    (BOTH + "subject = './a.py:f'", '5: [n] subject: expected `module:callable`, found "./a.py:f".'),
    (BOTH + "subject = 3", "5: [n] subject: expected text in quotes, found `3`."),
    (BOTH + DESCENT + "subject = 'a:b'",
     "6: [n] subject: a descent follows the formula: expected no `subject`, found one. Drop it, or the `descent`."),
    (BOTH + DESCENT + "order = 2",
     "6: [n] order: a descent follows the gradient: expected `order = 1`, found 2. Drop one of them."),
    (BOTH + "inputs = ['x', 'yy']",
     "5: [n] inputs[2]: expected names that have a value in `at` or `domain`, found `yy`. Did you mean `y`?"),
    (BOTH + "inputs = ['x', 'y', 'beta']",
     "5: [n] inputs[3]: expected names that have a value in `at` or `domain`, found `beta`. Give it one, or drop it."),
    (BOTH + "inputs = ['y']",
     "5: [n] inputs: expected every variable of the formula among them, found no `x`. Add it."),
    (BOTH + "inputs = ['x', 'y', 'x']", "5: [n] inputs[3]: expected each name once, found `x` twice."),
    (BOTH + "inputs = 'x'", '5: [n] inputs: expected a list in square brackets, found "x".'),
    (PRODUCT + "at = [{ x = 1, y = 2, z = 3 }, { x = 1, y = 2 }]\ninputs = ['x', 'y', 'z']",
     "4: [n] at[2]: expected a value of `z` in every table, found none. Add it."),
    (PRODUCT + "at = { x = 1, y = 2, z = 3 }\ninputs = ['x', 'y']",
     "4: [n] at.z: `z` does not occur in the formula, whose inputs are `x`, `y`. Drop it."),
    (PRODUCT + "at = { x = 1, y = 2, z = 3 }\ninputs = ['x', 'y', 'z']\n" + DESCENT.replace('"x"', '"z"'),
     "6: [n] descent.parameter: expected one of the inputs `x`, `y`, found `z`."),
    # conventions and accepted differences
    (BOTH + "subgradient = 'lef'",
     '5: [n] subgradient: expected a finite number, `left`, `right`, `any`, found "lef". Did you mean `left`?'),
    (BOTH + "subgradient = nan", "5: [n] subgradient: expected a finite number, `left`, `right`, `any`, found `nan`."),
    (BOTH + "subgradient = []",
     "5: [n] subgradient: expected a finite number, `left`, `right`, `any`, found an empty list."),
    (BOTH + "accept = 'unstabel'",
     "5: [n] accept: expected one of `biased`, `convention`, `inaccurate`, `missing`, `mutated`, "
     "`nondeterministic`, `nonfinite`, `range`, `spurious`, `unstable`, "
     "`unsupported`, `wrong`, found `unstabel`. Did you mean `unstable`?"),
    (BOTH + "accept = ['range', 'differ.wrogn']",
     "5: [n] accept[2]: expected one of `biased`, `convention`, `inaccurate`, `missing`, `mutated`, "
     "`nondeterministic`, `nonfinite`, `range`, `spurious`, `unstable`, "
     "`unsupported`, `wrong`, found `differ.wrogn`. Did you mean `differ.wrong`?"),
    (BOTH + "accept = 'precision'",
     "5: [n] accept: expected a kind of difference, found `precision`. Only differences can be accepted; "
     "pin another verdict with `expect = { verdict = … }`."),
    (BOTH + "accept = [1]", "5: [n] accept[1]: expected text in quotes, found `1`."),
    (BOTH + "accept = []", "5: [n] accept: expected at least one entry, found an empty list."),
    # tolerances and the rest
    (BOTH + "tolerance = { relative = -1e-3 }",
     "5: [n] tolerance.relative: expected a rational number of at least 0, found `-1e-3`."),
    (BOTH + "tolerance = { relative = 'pi' }",
     '5: [n] tolerance.relative: expected a rational number of at least 0, found "pi".'),
    (BOTH + "tolerance = -0.1", "5: [n] tolerance: expected a rational number of at least 0, found `-0.1`."),
    (BOTH + "tolerance = {}", "5: [n] tolerance: expected `relative` or `absolute`, found an empty table."),
    (BOTH + "tolerance = { absolute = 'inf' }",
     '5: [n] tolerance.absolute: expected a rational number of at least 0, found "inf".'),
    (BOTH + "tolerance = { absolut = 1 }", "5: [n] tolerance.absolut: unknown key `absolut`. Did you mean `absolute`?"),
    (BOTH + "cite = 2.5", "5: [n] cite: expected text in quotes, found `2.5`."),
    (BOTH + "tags = ['a', 1]", "5: [n] tags[2]: expected text in quotes, found `1`."),
    # expectations
    (BOTH + "expect.value = 1e99999", "5: [n] expect.value: expected a number of at most 14000 bits, found `1e99999`"),
    (BOTH + "expect.verdict = 'differ.wong'",
     "5: [n] expect.verdict: expected a verdict, found `differ.wong`. Did you mean `differ.wrong`?"),
    (BOTH + "expect.verdict = 'nonfinite'",
     "5: [n] expect.verdict: expected a verdict, found `nonfinite`. Did you mean `differ.nonfinite`?"),
    (BOTH + "expect.verdict = { gradiant = 'differ' }",
     "5: [n] expect.verdict.gradiant: expected one of `value`, `gradient`, `hessian`, `formula`, found `gradiant`. "
     "Did you mean `gradient`?"),
    (BOTH + "expect.verdict = { gradient = { x = 'differ.wong' } }",
     "5: [n] expect.verdict.gradient.x: expected a verdict, found `differ.wong`. Did you mean `differ.wrong`?"),
    (BOTH + "expect.verdict = { value = 3 }", "5: [n] expect.verdict.value: expected a verdict in quotes, found `3`."),
    (BOTH + "expect.verdict = { gradient = {} }",
     "5: [n] expect.verdict.gradient: expected the names of inputs, found an empty table."),
    (BOTH + "expect.verdict = {}", "5: [n] expect.verdict: expected a verdict in quotes, or a table of verdicts"),
    (BOTH + "expect.verdict = { value = 'differ' }",
     "5: [n] expect.verdict: expected a `reason` for the verdict `differ`, found none."),
    (BOTH + "expect = { verdict = { gradient = { z = 'differ' } }, reason = 'known' }",
     "5: [n] expect.verdict.gradient.z: expected one of `x`, `y`, by which the case differentiates, found `z`."),
    (BOTH + "expect = { verdict = { hessian = 'differ' }, reason = 'known' }",
     "5: [n] expect.verdict.hessian: expected `order = 2` for a Hessian, found none. Add it."),
    (BOTH + "expect.verdict = 'differ'",
     "5: [n] expect.verdict: expected a `reason` for the verdict `differ`, found none."),
    (BOTH + "[case.expect]\nverdict = 'undecided.limit'\nreason = ' '", "6: [n] expect.verdict: expected a `reason`"),
    (BOTH + "expect.value = [1, 2]", "5: [n] expect.value: expected 1 number, one for each point in `at`, found 2."),
    (BOTH + "expect.value = []", "5: [n] expect.value: expected a list of numbers, found an empty list."),
    (BOTH + "expect.value = [1,\n true]", "6: [n] expect.value[2]: expected a number such as `0.1`"),
    (BOTH + "[case.expect.gradient]\nx = 1\nz = 1",
     "7: [n] expect.gradient.z: expected one of the inputs `x`, `y`, found `z`."),
    (BOTH + "wrt = ['x']\nexpect.gradient.y = 3",
     "6: [n] expect.gradient.y: expected a gradient by one of `x`, found `y`. Add it to `wrt`, or drop it."),
    (PRODUCT + "domain = { x = '[0, 1]', y = '[0, 1]' }\nexpect.value = 1",
     "5: [n] expect.value: expected points in `at`, with every input, for the numbers in `expect`, found none."),
    (PRODUCT + "at.x = 1\ndomain.y = '[0, 1]'\nexpect.value = 1",
     "6: [n] expect.value: expected points in `at`, with every input"),
    (BOTH + "expect.losses = [1]", "5: [n] expect.losses: expected a `descent` for the losses, found none. Add one."),
    (BOTH + DESCENT + "expect.weights = [1, 2, 3]",
     "6: [n] expect.weights: expected at most 2 numbers, one an epoch, found 3."),
    (BOTH + DESCENT + "expect.weights = 1", "6: [n] expect.weights: expected a list of numbers, found `1`."),
    # descents
    (BOTH + DESCENT.replace('"x"', '"z"'), "5: [n] descent.parameter: expected one of the inputs `x`, `y`, found `z`."),
    (BOTH + "descent = { parameter = 'x', epochs = 1 }",
     "5: [n] descent.learning_rate: expected a key `learning_rate`, found none. Add it."),
    (BOTH + DESCENT.replace("0.1", "nan"), "5: [n] descent.learning_rate: expected a finite number, found `nan`."),
    (BOTH + DESCENT.replace("2", "0"), "5: [n] descent.epochs: expected an integer of at least 1, found `0`."),
    (BOTH + DESCENT.replace("2", "2.0"), "5: [n] descent.epochs: expected an integer, found `2.0`."),
    (BOTH + DESCENT + "wrt = ['y']", "6: [n] wrt: expected the descent's parameter `x` among them, found `y`. Add it."),
    (PRODUCT + DESCENT + "at = [{ x = 1, y = 2 }, { x = 2, y = 2 }]",
     "5: [n] at: a descent starts from a single point: expected one in `at`, found 2."),
    (BOTH + DESCENT + "domain = { x = '[0, 1]', y = '[0, 1]' }",
     "6: [n] domain: a descent starts from the single point in `at`: expected no `domain`, found one. Drop it."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), REFUSED_CASES, ids=range(len(REFUSED_CASES))
)
def test_a_case_that_says_what_none_may_say_is_refused(
    text: str, message: str, write: Write
) -> None:
    expected = "^c.toml:" + re.escape(message)
    with pytest.raises((CaseFileError, ExpressionError), match=expected) as caught:
        load(write(text))
    assert "pydantic" not in str(caught.value)
    assert "https" not in str(caught.value)


def test_lines_are_counted_alike_with_either_line_ending(write: Write) -> None:
    text = (DESIGN + "seed = true\n").replace("\n", "\r\n")
    line = DESIGN.count("\n") + 1
    with pytest.raises(CaseFileError, match=f"c.toml:{line}: .* seed: expected"):
        load(write(text))
    steps = "at.x = 1\r\nsteps = '''\r\na = x\r\nb = q\r\n'''"
    with pytest.raises(
        ExpressionError, match=r"c.toml:4: \[n\] steps, column 5: line 2"
    ):
        load(write(HEAD.replace("\n", "\r\n") + steps))


def test_bytes_that_are_no_utf_8_are_refused(write: Write) -> None:
    path = write("")
    path.write_bytes(b'[[case]]\nname = "\xff"\n')
    with pytest.raises(
        CaseFileError, match=r"^c.toml:2: expected UTF-8, found .* 0xff"
    ):
        load(path)


def test_a_folder_or_a_missing_file_is_no_case_file(write: Write) -> None:
    write("", "folder/c.toml")
    with pytest.raises(
        CaseFileError, match=r"^folder: expected a case file, found a folder"
    ):
        load(Path("folder"))
    with pytest.raises(CaseFileError, match=r"^nope.toml: .* No such file"):
        load(Path("nope.toml"))


def test_an_error_keeps_its_place_as_data(write: Write) -> None:
    with pytest.raises(VerifierError) as caught:
        load(write(HEAD + "expression = 'x*2 - tanhh(x)'\nat.x = 1"))
    place = caught.value.place
    assert (place.file, place.line, place.case) == ("c.toml", 3, "n")
    assert (place.key, place.column) == ("expression", 7)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_a_mutilated_file_is_refused_in_our_words_or_read(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DESIGN)))
    stop = data.draw(st.integers(start, min(len(DESIGN), start + 12)))
    patch = data.draw(st.text("{}[]\"'=,.x1#\n -", max_size=4))
    text = DESIGN[:start] + patch + DESIGN[stop:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mutilated.toml"
        path.write_text(text, encoding="utf-8")
        outcome = message_of(path)
    assert outcome == "read" or outcome.startswith(f"{path.as_posix()}:")


def message_of(path: Path) -> str:
    try:
        load(path)
    except VerifierError as error:
        return str(error)
    return "read"


@pytest.mark.parametrize("key", ["at", "domain"])
@pytest.mark.parametrize(
    "name",
    [
        "x y",
        "",
        "1",
        "\n::error::",
        "∞",
        " x",
        "x.y",
        (),
        (1,),
        None,
        pytest.param(10**5000, id="huge"),
    ],
)
def test_what_no_formula_can_contain_names_no_variable(key: str, name: Any) -> None:
    values = {name: 1 if key == "at" else "[0, 1]"}
    with pytest.raises(CaseFileError, match=rf"^\[3\] {key}: expected names") as caught:
        from_mapping({"expression": "3", key: values})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["pi", "e", "σ₁", "lambda", "_", "x_1"])
def test_what_a_formula_can_contain_names_one(name: str) -> None:
    case = from_mapping({"expression": f"2*{name}", "at": {name: 1}})
    assert list(case.program.inputs) == [name]
