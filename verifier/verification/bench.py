"""What one case in one dtype is verified with by one route: both wings, made ready."""

from __future__ import annotations

from typing import Any

from verifier.automatic.layouts import check_alone
from verifier.automatic.routes import Runner
from verifier.floats import Format, Number, Point
from verifier.judgement.tolerance import Tolerance
from verifier.language.casefile.case import Case
from verifier.measurements import Batch, Measurement
from verifier.records import Entry, PointTruth
from verifier.stopwatch import Stopwatch
from verifier.symbolic.rounding.models import Rounding
from verifier.symbolic.rounding.program_model import Mode
from verifier.verification.prepare import Prepared, Setting

COMPILED_ROUTES = frozenset(("compile-aot_eager", "compile-inductor"))
"""Each shape and layout would be compiled anew."""
WALKED_ROUTES = frozenset(
    ("reverse", "func", "vmap", "compile-aot_eager", "reverse-reverse")
)
"""Reverse mode by PyTorch's own kernels, operation by operation: a walk over the
program tells what they do."""


def modes(route: str) -> tuple[Mode, Mode]:
    """The outer and the inner mode of a route; of order 1 both are the same."""
    outer, _, inner = route.partition("-")
    return _mode(outer), _mode(inner or outer)


def _mode(name: str) -> Mode:
    """Every route that is not forward mode is reverse mode by another name."""
    return Mode.FORWARD if name == Mode.FORWARD.value else Mode.REVERSE


def tolerance_of(case: Case, format_: Format) -> Tolerance:
    """What the case tolerates in a format."""
    relative = case.tolerance
    if relative is None:
        relative = format_.relative_tolerance
    return Tolerance(relative=relative, absolute=case.absolute_tolerance)


class Bench:
    """A case, its true side, and PyTorch by one route in one dtype."""

    def __init__(self, prepared: Prepared, setting: Setting) -> None:
        self.prepared, self.setting = prepared, setting
        self.case, self.side = prepared.case, prepared.side
        self.subject, self.is_subject = prepared.subject, prepared.is_subject
        self.field, self.format = prepared.field, prepared.format
        self.tolerance = tolerance_of(self.case, self.format)
        self.watch = Stopwatch({"symbolic": prepared.symbolic_s})
        self._runners: dict[tuple[Any, ...], Runner] = {}
        self._roundings: dict[str, Rounding] = {}

    # ── PyTorch ───────────────────────────────────────────────────────────────────────

    @property
    def layout(self) -> str | None:
        """How the points of the first run lie: a callable's come one after the other,
        and in batches by further runs."""
        if self.is_subject and not self.case.elementwise:
            check_alone(self.setting.layout)
        is_batch = self.setting.layout == "batch"
        return None if self.is_subject and is_batch else self.setting.layout

    def run(self, batch: Batch) -> Measurement:
        """What PyTorch computes at the points."""
        with self.watch.stage("automatic"):
            return self._runner(self.layout).measure(batch)

    def run_otherwise(
        self,
        batch: Batch,
        *,
        layout: str | None,
        twice: bool = False,
        precisely: bool = False,
    ) -> Measurement:
        """The same with the points laid out otherwise (None: as in the first run), a
        second backward through each graph, or in the widest dtype. Forward mode takes
        the upstream gradient as its tangent."""
        dtype = self.field.widest if precisely else self.prepared.dtype
        twice = twice and self.setting.route == "reverse"
        is_plain = layout is None or (self.is_subject and layout == "single")
        if is_plain and self.setting.layout in ("batch", "single"):
            layout = self.layout
        with self.watch.stage("automatic"):
            seeded = self.setting.route == "forward"
            return self._runner(layout, dtype, twice, seeded).measure(batch)

    def _runner(
        self,
        layout: str | None,
        dtype: str | None = None,
        twice: bool = False,
        seeded: bool = False,
    ) -> Runner:
        """One of these settings; it is kept, for a compiled one takes seconds to
        make."""
        key = layout, dtype or self.prepared.dtype, twice, seeded
        if key not in self._runners:
            self._runners[key] = Runner(
                self.subject,
                dtype=dtype or self.prepared.dtype,
                wrt=self.case.wrt,
                route=self.setting.route,
                order=self.case.order,
                layout=layout,
                device=self.setting.device,
                twice=twice,
                seeded=seeded,
            )
        return self._runners[key]

    def format_of(self, entry: Entry, measurement: Measurement) -> Format:
        """The format of an entry's numbers, in which they are judged."""
        dtype = measurement.columns[entry].dtype
        return self.field.formats.get(dtype, self.format)

    def entries(self, measurement: Measurement) -> list[Entry]:
        """What there is to compare: routes through forward mode show no steps."""
        return [entry for entry in self.side.entries if entry in measurement.columns]

    # ── the truth ─────────────────────────────────────────────────────────────────────

    def truths(
        self, point: Point, upstream: Number, format_: Format | None = None
    ) -> PointTruth:
        """All that is true at a point, to what a format can tell apart: by default that
        of the dtype."""
        with self.watch.stage("truth"):
            return self.side.truths(point, upstream, format_ or self.format)

    def attested(
        self, point: Point, upstream: Number, truths: PointTruth
    ) -> PointTruth:
        """The truths with the witness consulted."""
        with self.watch.stage("witness"):
            return self.side.attested(point, upstream, truths)

    def tolerance_in(self, format_: Format) -> Tolerance:
        """What the case tolerates in a format."""
        if format_ is self.format:
            return self.tolerance
        return tolerance_of(self.case, format_)

    def rounding(self, format_: Format) -> Rounding:
        """What rounding in a format may do to the program."""
        if format_.name not in self._roundings:
            self._roundings[format_.name] = self.side.rounding(
                format_, modes(self.setting.route)
            )
        return self._roundings[format_.name]
