"""How the functions of the Python door are called, and what they return: their keywords,
units made of those, and the `Run`."""

from __future__ import annotations

import functools
import html
import inspect
import numbers
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, ParamSpec, TypedDict, cast

from verifier import floating_point
from verifier.arguments import Dtype, Interval, Number, Symbolic, name_of, plain
from verifier.errors import ArgumentError, did_you_mean, listed
from verifier.language.casefile.case import LEAST_SEED, MOST_SEED
from verifier.language.casefile.loading import from_mapping
from verifier.language.casefile.places import show
from verifier.records import Result, RunRecord
from verifier.reports import summary, text
from verifier.reports.options import Options as Page
from verifier.reports.outcome import PASSED, exit_code
from verifier.reports.progress import progress
from verifier.running.plan import plan
from verifier.running.run import execute
from verifier.running.units import Unit, count

_P = ParamSpec("_P")


class Options(TypedDict, total=False):
    """The keywords that `verify`, `check` and `assert_gradients` share: each means what
    the key of that name means in a case file; `layout` and `device` what the options of
    `verifier run` mean."""

    at: Mapping[Any, Number] | Sequence[Mapping[Any, Number]] | None
    domain: Mapping[Any, Interval] | None
    where: str | Symbolic | None
    points: int | Literal["all"] | None
    draw: Literal["values", "floats"] | None
    boundary: bool | Literal["machine"] | None
    upstream: Number | Sequence[Number] | None
    wrt: Sequence[str | Symbolic] | None
    dtype: Dtype | Sequence[Dtype] | None
    order: Literal[1, 2]
    routes: str | Sequence[str] | None
    tolerance: Number | Mapping[str, Number] | None
    subgradient: Number | None
    accept: str | Sequence[str] | None
    expect: Mapping[str, Any] | None
    layout: Literal["batch", "single", "strided", "expanded"]
    device: Any


_DEFAULTS = {"order": 1, "layout": "batch", "device": "cpu"}
"""Of the keywords that are not None where they are not given."""
_MEANT = {
    "atol": "tolerance",
    "eps": "tolerance",
    "rtol": "tolerance",
    "bounds": "domain",
    "expr": "expression",
    "formula": "expression",
    "samples": "points",
    "requires_grad": "wrt",
}
"""Keywords of other libraries that no spelling leads from."""


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """A finished run. `str` is the text report, as wide as the terminal; Jupyter shows
    it too. `repr` is the counts in one line. It is true where all is as expected."""

    record: RunRecord

    def __bool__(self) -> bool:
        return self.ok

    @property
    def ok(self) -> bool:
        """Whether every result is as its case expects; undecided is not."""
        return exit_code(self.record) == PASSED

    @property
    def results(self) -> tuple[Result, ...]:
        """One result a case, dtype and route."""
        return self.record.results

    def __str__(self) -> str:
        return text.render(self.record, Page(width=shutil.get_terminal_size().columns))

    def __repr__(self) -> str:
        return f"<Run: {summary.brief(self.record)}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def spelled_out(function: Callable[_P, Run]) -> Callable[_P, Run]:
    """The function with the keywords of `Options` in its signature, in the place of
    `**options`."""
    signature = inspect.signature(function)
    keywords = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_DEFAULTS.get(name),
            annotation=getattr(annotation, "__forward_arg__", annotation),
        )
        for name, annotation in Options.__annotations__.items()
    ]
    *named, options = signature.parameters.values()
    assert options.kind is inspect.Parameter.VAR_KEYWORD
    signature = signature.replace(parameters=[*named, *keywords])

    @functools.wraps(function)
    def with_keywords(*args: _P.args, **kwargs: _P.kwargs) -> Run:
        __tracebackhide__ = True  # pytest shows the line of the user's that calls
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            _refuse(function.__name__, signature, kwargs, error)
        return function(*args, **kwargs)

    with_keywords.__signature__ = signature  # type: ignore[attr-defined]
    return with_keywords


def _refuse(
    name: str, signature: inspect.Signature, given: Iterable[str], error: TypeError
) -> NoReturn:
    """Say which arguments a call lacks, or which it may not have."""
    __tracebackhide__ = True
    known = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_POSITIONAL
    ]
    for keyword in given:
        if keyword not in known:
            meant = _MEANT.get(keyword)
            near = did_you_mean(keyword, known, f"Known are {listed(known)}.")
            mend = f" Did you mean `{meant}`?" if meant in known else near
            raise ArgumentError(f"{name}() has no keyword `{keyword}`.{mend}") from None
    raise ArgumentError(f"{name}(): {str(error).replace(chr(39), '`')}.") from None


def executed(units: Sequence[Unit], seed: int) -> Run:
    """The finished run; where it is long, a terminal or a notebook shows how far it has
    come."""
    seed = _checked_seed(seed)
    with progress(count(units)) as (advance, on_point):
        record = execute(
            units,
            seed=seed,
            on_result=lambda result: advance(None),
            on_point=on_point,
        )
    return Run(record)


def _checked_seed(seed: object) -> int:
    if isinstance(seed, numbers.Integral) and not isinstance(seed, bool):
        number = int(seed)
        if LEAST_SEED <= number <= MOST_SEED:
            return number
        seed = number
    raise ArgumentError(
        f"seed: expected an integer of at most 64 bits, found {show(seed)}."
    )


def planned(case: Mapping[str, object], options: Options) -> list[Unit]:
    given: dict[str, object] = {**case, **options}
    layout = given.pop("layout", "batch")
    device = given.pop("device", "cpu")
    keys = cast("dict[str, object]", plain(given))
    with floating_point.usual():  # a subnormal number would be read as 0
        return plan(
            [from_mapping(keys)], layout=name_of(layout), device=name_of(device)
        )
