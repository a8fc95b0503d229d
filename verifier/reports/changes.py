"""What got better or worse between two runs, as text: what was compared, the changes,
and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from verifier.records import Change, ChangeKind, RunRecord
from verifier.reports import page

_NAMES = {ChangeKind.IMPROVED: "better", ChangeKind.NEW: "new"}
"""What a change that is no regression is called."""


def render(
    before: tuple[str, RunRecord],
    after: tuple[str, RunRecord],
    changes: Sequence[Change],
    *,
    width: int | None = None,
    color: bool = False,
) -> str:
    """The text report of two runs, each with the name of its file."""
    columns = page.columns(width)
    parts = [
        page.block(f"{before[0]} -> {after[0]}", _facts(before[1], after[1]), columns),
        *(_change(change, columns) for change in changes),
        page.group(page.lines(page.wrapped(_counted(changes), columns))),
    ]
    return page.printed(page.apart(parts), width=columns, color=color)


def _facts(before: RunRecord, after: RunRecord) -> Mapping[str, str]:
    """What the runs were made with, once where it is alike."""
    old, new = _made_with(before), _made_with(after)
    names = dict.fromkeys((*old, *new))
    alike = [name for name in names if old.get(name) == new.get(name)]
    return {
        "alike": ", ".join(f"{_spelled(name)} {old[name]}" for name in alike),
        "apart": "; ".join(
            f"{_spelled(name)} {old.get(name, 'unknown')} -> {new.get(name, 'unknown')}"
            for name in names
            if name not in alike
        ),
        "interrupted": ", ".join(
            f"the {which} run, so that results of the other's may be missing"
            for which, record in (("earlier", before), ("later", after))
            if record.interrupted
        ),
    }


def _made_with(record: RunRecord) -> dict[str, str]:
    return {
        **record.environment,
        "seed": str(record.seed),
        "results": f"{len(record.results):,}",
    }


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _change(change: Change, columns: int) -> page.Part:
    name = _name(change)
    title = " ".join(filter(None, (change.result, change.quantity)))
    kind = change.kind.value if change.regression else ""
    facts = {"change": kind, "before": change.before or "", "after": change.after or ""}
    style = "red" if change.regression else "green" if name == "better" else ""
    return page.block(f"{name}  {title}", facts, columns, style)


def _counted(changes: Sequence[Change]) -> str:
    counts = Counter(_name(change) for change in changes)
    told = (f"{counts[name]} {name}" for name in ("worse", *_NAMES.values()))
    return ", ".join(told) if changes else "no change"


def _name(change: Change) -> str:
    return "worse" if change.regression else _NAMES.get(change.kind, "new")
