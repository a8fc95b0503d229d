"""The baseline of a run: read before it, compared with it, and rewritten by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from verifier.cli.command import complain
from verifier.cli.output import check_folder
from verifier.errors import BaselineError, UsageError

if TYPE_CHECKING:
    from verifier.judgement.baseline import Baseline
    from verifier.records import Change, Result, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be done with which baseline."""

    paths: tuple[Path, ...]
    """The case files and folders of the run."""
    file: Path | None
    update: bool
    """Whether the file is to be rewritten."""
    growth: float


def checked(file: Path | None, *, update: bool) -> Path | None:
    """The value of `--baseline`, which an update cannot do without."""
    if file is None and update:
        raise UsageError(
            "--update-baseline: expected a file to write. Name it with `--baseline FILE`."
        )
    return file


def load(request: Request) -> Baseline | None:
    """The baseline to compare the run with, or None; one that is to be rewritten need
    not be there."""
    from verifier.judgement import baseline_file

    if request.file is None:
        return None
    if not request.update:
        return baseline_file.load(request.file)
    check_folder(request.file)
    try:
        return baseline_file.load(request.file)
    except BaselineError as error:
        if request.file.exists():
            complain(f"note: rewritten without a comparison: {error}")
        return None


def changes(
    record: RunRecord, before: Baseline | None, request: Request, *, partial: bool
) -> list[Change] | None:
    """The changes against the stored run, as far as this run was asked about it."""
    from verifier.judgement.baseline import check_overlap, compare, identity, split

    if before is None:
        return None
    inside, outside = split(before, request.paths)
    finished = tuple(r for r in record.results if not r.interrupted)
    whole = replace(record, results=finished)
    # A formula lies in no file.
    names = {identity(result) for result in finished} & outside.entries.keys()
    own = {name: outside.entries[name] for name in names}
    inside = replace(inside, entries={**inside.entries, **own})
    if not request.update and not inside.entries:
        check_overlap(whole, before)
    if not request.update:
        _note_elsewhere(whole, inside)
    return compare(whole, inside, growth=request.growth, partial=partial)


def changes_of(
    result: Result,
    environment: dict[str, str],
    before: Baseline | None,
    request: Request,
) -> list[Change]:
    """The changes of one result of a run that is not finished yet."""
    from verifier.judgement.baseline import compare
    from verifier.records import RunRecord

    if before is None or result.interrupted:
        return []
    alone = RunRecord(environment=environment, seed=0, elapsed_s=0, results=(result,))
    return compare(alone, before, growth=request.growth, partial=True)


def _note_elsewhere(record: RunRecord, baseline: Baseline) -> None:
    """Says where the entries are from that are not of this environment."""
    from verifier.judgement import environments
    from verifier.judgement.baseline import elsewhere

    here = environments.of(record.environment)
    for there, count in elsewhere(record, baseline).items():
        if there == environments.NOWHERE:
            what = "by a baseline that does not say where it was stored"
        else:
            ours, theirs = here.named_beside(there), there.named_beside(here)
            what = f"with {theirs or there}; this is {ours or here}"
        excused = ""
        if not here.is_of_release(there):
            excused = ", and what a case expects does not fail for it"
        complain(
            f"note: {count} of {len(record.results)} results are held against those "
            f"stored {what}{excused}. "
            "`--update-baseline` stores this run beside them."
        )


def update(
    record: RunRecord, before: Baseline | None, request: Request, *, partial: bool
) -> None:
    """Rewrites the baseline, but for the entries that this run was not asked about, and
    those of other environments.

    A run that did not finish writes nothing.
    """
    from verifier.judgement.baseline import Baseline, identity, split, updated
    from verifier.judgement.baseline_file import write

    assert request.file is not None
    if record.interrupted:
        complain(f"note: the run did not finish: {request.file} is not rewritten")
        return
    before = before or Baseline()
    gone: set[str] = set()
    if not partial:
        inside, _ = split(before, request.paths)
        gone = inside.entries.keys() - {identity(r) for r in record.results}
    write(request.file, updated(before, record, without=gone))
    complain(f"note: the run is stored in {request.file}")
