"""The pages on verdicts, in `verifier/manual/verdicts/`: what one means, a case that
gives it, and the way out."""

from __future__ import annotations

import re
import textwrap

from verifier.errors import UsageError, did_you_mean_kind
from verifier.records import Verdict
from verifier.reports.outcome import FAMILIES
from verifier.reports.rules import meaning, verdict_page

COLUMNS = 79
"""Of a line of a page."""
_ALL = "; ".join(
    f"{family}.{', .'.join(v.kind for v in Verdict if v.family == family)}"
    for family in FAMILIES
)
_WORDS = re.compile(r"[a-z]+(\.[\w-]*)?")


def page(name: str) -> str | None:
    """The page of a verdict, or of a family of verdicts, in Markdown; None where `name`
    is like the name of none.

    Raises `UsageError` where it is nearly one.
    """
    if name in FAMILIES:
        return _family(name)
    if name in set(Verdict):
        return verdict_page(name)
    if not _WORDS.fullmatch(name):
        return None
    hint = did_you_mean_kind(name, [*FAMILIES, *Verdict])
    if not hint and name.partition(".")[0] not in FAMILIES:
        return None
    raise UsageError(f"unknown verdict `{name}`.{hint} The verdicts are {_ALL}.")


def _family(family: str) -> str:
    """A family's verdicts, each with what it means."""
    names = [verdict.value for verdict in Verdict if verdict.family == family]
    items = [f"- `{name}`: {meaning(name)}" for name in names]
    more = f"`verifier explain {names[0]}` gives an example of it, and the way out."
    filled = (
        textwrap.fill(i, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)
        for i in items
    )
    return "\n".join([f"# {family}", "", *filled, "", more]) + "\n"
