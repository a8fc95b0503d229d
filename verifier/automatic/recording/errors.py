"""What is told where a program cannot be recorded."""

from __future__ import annotations

from verifier.errors import Place, VerifierError
from verifier.language.cells import SourceLine

REFERENCE = "give `reference=`, the same function in plain PyTorch"
"""What a user can do about a program whose inside is not seen."""


class RecordingError(VerifierError):
    """A program of tensors cannot be recorded: which operation stands in the way, and
    where the user asked for it."""

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        source: SourceLine | None = None,
        place: Place | None = None,
    ) -> None:
        self.operation, self.source = operation, source
        if place is None and source is not None:
            place = Place(file=source.file, line=source.line)
        super().__init__(message, place=place)

    def at(self, place: Place) -> RecordingError:
        known = self.place
        return RecordingError(
            self.message,
            operation=self.operation,
            source=self.source,
            place=Place(
                file=known.file or place.file,
                line=known.line or place.line,
                case=known.case or place.case,
                key=known.key or place.key,
                column=known.column or place.column,
            ),
        )


class TooManyCellsError(RecordingError):
    """The program has more cells than it may."""
